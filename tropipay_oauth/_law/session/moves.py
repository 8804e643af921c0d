"""The moves that the session's rows are made of. Pure: each takes the ledger and returns the step into a state.

What belongs here: how a state is entered, with the effects that go with it. What does not: when (the rows: `callers`,
`store`, `replies`, `endings`). A move that would come to rest ends instead if `ledger.ending` says so: that is how Close
and revocation drain.
"""

from typing import TypeVar

from attrs import evolve

from ..._values.errors import (
    AttemptsSpent,
    ReauthorizationRequired,
    SessionClosed,
    StoreError,
    TokenAlreadyExpired,
    TropiPayOAuthError,
)
from ..._values.records import Base, Empty, Intent, Refusal, Tokens
from ..._values.token import GrantType, Token
from ..._wire.token_request import client_credentials_request, refresh_request, revocation_request
from ..access import Access
from ..effects import Effect, LoadRecord, RefuseCallers, ReleaseCallers, SendRequest, SwapRecord
from ..events import (
    AuthorizationRequested,
    Event,
    ExpiryReason,
    GrantReceived,
    RetryScheduled,
    TokenExpired,
    TokenNotPersisted,
    TokenRevoked,
)
from ..grants.moves import news_of, own_expiry
from ..machine import Step
from ..policy import Terms
from .states import (
    Claiming,
    Closed,
    Committing,
    Dormant,
    Ending,
    Exchanging,
    Forgetting,
    InDoubt,
    Ledger,
    Live,
    Loading,
    NeedsAuthorization,
    Resting,
    Revoking,
    Settling,
    Unsaved,
    Watched,
    Watching,
)

Events = tuple[Event, ...]
Waiting = TypeVar("Waiting", Loading, Claiming, Exchanging, Committing, Settling, Resting, Watching)
_FOREVER = float("inf")


# -- What is known -------------------------------------------------------------------------------------------------


def usable(ledger: Ledger, now: float) -> bool:
    """Whether callers may use the held token now."""
    return ledger.held is not None and now < ledger.held.valid_until


def holds(ledger: Ledger, access_token: object) -> bool:
    """Whether this very access token is the held one."""
    return ledger.held is not None and ledger.held.token.access_token == access_token


def token_of(record: Base | Intent) -> Token | None:
    """The token that a record holds, whatever its kind."""
    if isinstance(record, Intent):
        return token_of(record.base)
    return None if isinstance(record, Empty) else record.token


def rotates(terms: Terms, ledger: Ledger) -> bool | None:
    """Whether refresh tokens rotate: as seen, else as the provider says, else unknown."""
    return terms.provider.rotates_refresh_tokens if ledger.rotates is None else ledger.rotates


def renewal_of(terms: Terms, base: Base) -> GrantType | None:
    """The grant that renews this record (rule 9); None if only the user can help."""
    refreshable = isinstance(base, Tokens) and base.token.refresh_token is not None
    if terms.renewal is GrantType.REFRESH_TOKEN:
        return GrantType.REFRESH_TOKEN if refreshable else None
    wished = terms.policy.renews_with_refresh_token and refreshable
    return GrantType.REFRESH_TOKEN if wished else GrantType.CLIENT_CREDENTIALS


def access_to(terms: Terms, ledger: Ledger, base: Tokens | Refusal, token: Token) -> Access:
    """The token as callers present it, due for renewal ahead of its end (rule 7)."""
    if ledger.held is not None and ledger.held.token == token:
        return ledger.held
    ends = own_expiry(token, ledger.clock_offset)
    due = ends
    if ends != _FOREVER and renewal_of(terms, base) is not None:
        policy = terms.policy
        lifetime = max(0.0, ends + (ledger.clock_offset or 0.0) - token.issued_at)
        lead = min(policy.leeway, lifetime * policy.leeway_fraction)
        due = ends - lead * (1.0 - terms.entropy.fraction("leeway", ledger.count) / 2)
    origins = terms.provider.resource_origins
    return Access(token=token, fresh_until=due, valid_until=ends, resource_origins=origins, proven=False)


def drop_held(ledger: Ledger, reason: ExpiryReason) -> tuple[Ledger, Events]:
    """The held token ended: nobody gets it any more."""
    return evolve(ledger, held=None), (TokenExpired(reason=reason),)


def settle_held(ledger: Ledger, now: float) -> tuple[Ledger, Events]:
    """Drop the held token if the clock ended it."""
    if ledger.held is None or usable(ledger, now):
        return ledger, ()
    return drop_held(ledger, ExpiryReason.CLOCK)


def announce(unsaved: Unsaved, ledger: Ledger) -> Events:
    """What observers learn of a new token, once. A code flow has told of its token itself."""
    if unsaved.announced or unsaved.exchange is None:
        return ()
    return news_of(unsaved.token, ledger.clock_offset, renewed=unsaved.base != Empty())


def release(ledger: Ledger, now: float) -> tuple[Effect, ...]:
    """Give the held token to whoever waits, if there is one."""
    if ledger.held is None or not usable(ledger, now):
        return ()
    return (ReleaseCallers(token=ledger.held.token),)


def answer_or_wait(state: Waiting, now: float) -> Step[Waiting]:
    """A caller gets the held token at once, or waits for what is under way."""
    ledger, events = settle_held(state.ledger, now)
    return Step(state if ledger is state.ledger else evolve(state, ledger=ledger), release(ledger, now), events)


# -- Under way -----------------------------------------------------------------------------------------------------


def load(ledger: Ledger, events: Events = (), effects: tuple[Effect, ...] = ()) -> Step[Loading]:
    """Look at the store first: somebody else may have been faster."""
    return Step(Loading(ledger=ledger), (*effects, LoadRecord()), events)


def claim(terms: Terms, ledger: Ledger, version: int, base: Base, now: float, *, retry: bool = False) -> Step[Claiming]:
    """Write down the intent before anything is sent, so that a crash leaves a trace and nobody else sends as well."""
    exchange = terms.entropy.derive("exchange", ledger.count, 16).hex()
    ledger = evolve(ledger, count=ledger.count + 1, watched=None)
    swap = SwapRecord(expected_version=version, record=Intent(exchange=exchange, base=base, retry=retry))
    return Step(Claiming(ledger=ledger, exchange=exchange, base=base, retry=retry), (*release(ledger, now), swap))


def send(terms: Terms, state: Claiming, version: int) -> Step[Exchanging]:
    """Step C: the intent is in the store, the request goes out."""
    grant_type = renewal_of(terms, state.base) or GrantType.CLIENT_CREDENTIALS
    timeout = terms.policy.exchange_timeout
    token = token_of(state.base)
    if grant_type is GrantType.REFRESH_TOKEN and token is not None and token.refresh_token is not None:
        harmless = rotates(terms, state.ledger) is False
        request = refresh_request(terms.provider, terms.credential, token.refresh_token, timeout=timeout, replayable=harmless)
    else:
        request = client_credentials_request(terms.provider, terms.credential, terms.scope, timeout=timeout)
    events: Events = (GrantReceived(grant_type=grant_type),)
    if isinstance(state.base, Empty):
        events = (AuthorizationRequested(grant_type=grant_type, scope=terms.scope), *events)
    out = Exchanging(
        ledger=state.ledger,
        exchange=state.exchange,
        base=state.base,
        version=version,
        grant_type=grant_type,
        retry=state.retry,
    )
    return Step(out, (SendRequest(exchange=state.exchange, request=request),), events)


def commit(ledger: Ledger, unsaved: Unsaved, version: int, events: Events = ()) -> Step[Committing]:
    """The new token goes into the store before any caller gets it (rule 3)."""
    state = Committing(ledger=evolve(ledger, unsaved=unsaved), writing=unsaved)
    return Step(state, (SwapRecord(expected_version=version, record=Tokens(unsaved.token)),), events)


def settle(
    ledger: Ledger,
    claim: Claiming | Exchanging,
    version: int,
    target: Base,
    *,
    error: TropiPayOAuthError,
    until: float,
    spent: bool = True,
    events: Events = (),
) -> Step[Settling]:
    """Take the intent back, or put the refusal in its place."""
    state = Settling(ledger=ledger, exchange=claim.exchange, target=target, error=error, until=until, spent=spent)
    return Step(state, (SwapRecord(expected_version=version, record=target),), events)


def plan_pause(
    terms: Terms,
    ledger: Ledger,
    error: TropiPayOAuthError,
    now: float,
    retry_after: float | None = None,
    *,
    struck: bool = False,
) -> tuple[Ledger, TropiPayOAuthError, float, bool]:
    """Count a failure: the ledger after it, what callers hear, until when to rest, and whether attempts are spent (rule 8).

    `struck` tells that the failure was counted as a strike already.
    """
    policy = terms.policy
    since = ledger.failing_since if ledger.failures else now
    ledger = evolve(ledger, failures=ledger.failures + (not struck), failing_since=since, count=ledger.count + 1)
    tries = ledger.failures + ledger.strikes
    wish = min(retry_after or 0.0, policy.max_retry_after)
    if tries < policy.max_attempts and now - since < policy.retry_for and wish <= policy.max_backoff:
        ceiling = min(policy.max_backoff, policy.backoff * 2.0 ** min(tries - 1, 64))
        return ledger, error, now + max(wish, ceiling * terms.entropy.fraction("backoff", ledger.count)), False
    until = now + (wish if wish > policy.max_backoff else max(wish, policy.refusal_memory))
    told = AttemptsSpent(f"no token was to be had after {tries} attempts; the last one: {error}", retry_at=until)
    told.__cause__ = error
    return evolve(ledger, failures=0, strikes=0), told, until, True


# -- Coming to rest ------------------------------------------------------------------------------------------------


def live(terms: Terms, ledger: Ledger, access: Access, now: float, events: Events = ()) -> Step[Live | Closed | Forgetting]:
    """There is a valid token: everybody who waits gets it."""
    if ledger.ending is not None:
        return end(ledger, events)
    due = access.fresh_until
    if ledger.unsaved is not None:
        due = min(due, now + terms.policy.max_backoff)
    ledger = evolve(ledger, held=access, failures=0, store_failures=0, unsent=frozenset(), doubted=None, watched=None)
    return Step(Live(ledger=ledger, due=due), (ReleaseCallers(token=access.token),), events)


def rest(
    ledger: Ledger, error: TropiPayOAuthError, until: float, now: float, *, spent: bool, events: Events = ()
) -> Step[Resting | Closed | Forgetting]:
    """As `stay`, unless the session is ending."""
    if ledger.ending is not None:
        return end(ledger, events)
    return stay(ledger, error, until, now, spent=spent, events=events)


def stay(
    ledger: Ledger, error: TropiPayOAuthError, until: float, now: float, *, spent: bool, events: Events = ()
) -> Step[Resting]:
    """No attempt before `until`. Callers with a held token do not notice; the others wait, or hear the error once spent."""
    ledger, ended = settle_held(ledger, now)
    effects = release(ledger, now)
    if spent and not effects:
        effects = (RefuseCallers(error=error),)
    scheduled = RetryScheduled(at=until, failures=ledger.failures)
    return Step(Resting(ledger=ledger, error=error, until=until, spent=spent), effects, (*events, *ended, scheduled))


def pause(
    terms: Terms,
    ledger: Ledger,
    error: TropiPayOAuthError,
    now: float,
    events: Events = (),
    *,
    struck: bool = False,
) -> Step[Resting | Closed | Forgetting]:
    """Count a failure and rest."""
    ledger, told, until, spent = plan_pause(terms, ledger, error, now, struck=struck)
    return rest(ledger, told, until, now, spent=spent, events=events)


def watch(terms: Terms, ledger: Ledger, watched: Watched, now: float) -> Step[Watching]:
    """Another worker is renewing: look again soon. A session that is ending never waits for others."""
    ledger = evolve(ledger, watched=watched, count=ledger.count + 1)
    recheck = now + terms.policy.watch_interval * (0.5 + terms.entropy.fraction("watch", ledger.count))
    return Step(Watching(ledger=ledger, recheck_at=recheck), release(ledger, now))


def doubt(ledger: Ledger, error: TropiPayOAuthError, now: float, events: Events = ()) -> Step[InDoubt | Closed | Forgetting]:
    """Nothing is sent again; a held token is served until it ends."""
    if ledger.ending is not None:
        return end(ledger, events)
    ledger, ended = settle_held(ledger, now)
    effects = release(ledger, now) or (RefuseCallers(error=error),)
    return Step(InDoubt(ledger=ledger, error=error), effects, (*events, *ended))


def need_authorization(
    ledger: Ledger, error: TropiPayOAuthError, now: float, events: Events = ()
) -> Step[NeedsAuthorization | Closed | Forgetting]:
    """Only the user can help; a held token is served until it ends."""
    if ledger.ending is not None:
        return end(ledger, events)
    ledger, ended = settle_held(ledger, now)
    effects = release(ledger, now) or (RefuseCallers(error=error),)
    return Step(NeedsAuthorization(ledger=ledger, error=error), effects, (*events, *ended))


def release_unsaved(
    terms: Terms, ledger: Ledger, unsaved: Unsaved, error: StoreError, now: float
) -> Step[Live | Resting | Closed | Forgetting]:
    """The one exception to rule 3: the store keeps failing, and this is the only copy."""
    events = (*announce(unsaved, ledger), TokenNotPersisted(error=error))
    kept = evolve(unsaved, announced=True, failures=0, since=now)
    ledger = evolve(ledger, unsaved=kept)
    access = access_to(terms, ledger, Tokens(kept.token), kept.token)
    if now < access.valid_until and kept.token.access_token != ledger.rejected:
        return live(terms, ledger, access, now, events)
    return pause(terms, ledger, error, now, events)


def saved(terms: Terms, ledger: Ledger, unsaved: Unsaved, now: float) -> Step[Live | Loading | Resting | Closed | Forgetting]:
    """The token is in the store: everybody may have it, if it is still worth having."""
    events = announce(unsaved, ledger)
    ledger = evolve(ledger, unsaved=None, store_failures=0)
    access = access_to(terms, ledger, Tokens(unsaved.token), unsaved.token)
    if now < access.valid_until and unsaved.token.access_token != ledger.rejected:
        return live(terms, ledger, access, now, events)
    if not unsaved.announced and ledger.ending is None:  # an older one was released before, and may have ended since
        ledger = evolve(ledger, strikes=ledger.strikes + 1)
        refused = unsaved.token.access_token == ledger.rejected
        events = (*events, TokenExpired(reason=ExpiryReason.REFUSED if refused else ExpiryReason.CLOCK))
        return pause(terms, ledger, no_use() if refused else already_ended(), now, events, struck=True)
    return load(ledger, events)


def already_ended() -> TokenAlreadyExpired:
    """What callers hear of a token that was dead on arrival."""
    return TokenAlreadyExpired("the server issued a token that has already ended: compare this machine's clock with the server's")


def no_use() -> TokenAlreadyExpired:
    """What callers hear when the API refuses each token that the server issues."""
    return TokenAlreadyExpired("the API refuses each new token: check that credential, environment and API belong together")


# -- The end -------------------------------------------------------------------------------------------------------


def end(ledger: Ledger, events: Events = ()) -> Step[Closed | Forgetting]:
    """What was asked for while an exchange was under way."""
    return close(ledger, events) if ledger.ending is Ending.CLOSE else forget(ledger, events)


def close(ledger: Ledger, events: Events = ()) -> Step[Closed]:
    """Whoever still waits hears that this is over."""
    error = SessionClosed("the session was closed while a token was awaited: open a new one")
    return Step(Closed(ledger=Ledger(count=ledger.count)), (RefuseCallers(error=error),), events)


def forget(ledger: Ledger, events: Events = (), *, loading: bool = False) -> Step[Forgetting]:
    """Give the token up: whoever waits is refused, and the store is asked what there is to erase."""
    mine = [ledger.unsaved.token] if ledger.unsaved is not None else []
    tokens = (*mine, ledger.held.token) if ledger.held is not None else tuple(mine)
    kept = Ledger(
        count=ledger.count,
        clock_offset=ledger.clock_offset,
        rotates=ledger.rotates,
        unsaved=ledger.later,
        ending=Ending.CLOSE if ledger.ending is Ending.REVOKE_AND_CLOSE else None,
    )
    effects: tuple[Effect, ...] = (RefuseCallers(error=given_up()),)
    return Step(Forgetting(ledger=kept, tokens=tokens), effects if loading else (*effects, LoadRecord()), events)


def given_up() -> ReauthorizationRequired:
    """What callers hear while the token is being given up."""
    return ReauthorizationRequired("the token is being given up on request: ask again for a new one")


def revoke_next(
    terms: Terms, ledger: Ledger, tokens: tuple[Token, ...], *, confirmed: bool
) -> Step[Revoking | Dormant | Loading | Closed]:
    """Ask the provider to revoke the next token, refresh tokens before access tokens (RFC 7009 §2.1)."""
    if not tokens or terms.provider.revocation_endpoint is None:
        return gone(ledger, confirmed=confirmed and not tokens)
    token, *others = tokens
    secret, hint = token.refresh_token or token.access_token, "refresh_token" if token.refresh_token else "access_token"
    request = revocation_request(terms.provider, terms.credential, secret, hint, timeout=terms.policy.exchange_timeout)
    exchange = terms.entropy.derive("exchange", ledger.count, 16).hex()
    ledger = evolve(ledger, count=ledger.count + 1)
    rest_of = tuple(one for one in others if (one.refresh_token or one.access_token) != secret)
    state = Revoking(ledger=ledger, exchange=exchange, remaining=rest_of, confirmed=confirmed)
    return Step(state, (SendRequest(exchange=exchange, request=request),))


def gone(ledger: Ledger, *, confirmed: bool) -> Step[Dormant | Loading | Closed]:
    """The token is given up. An authorization that came meanwhile is put into the store."""
    events = (TokenRevoked(at_provider=confirmed),)
    if ledger.unsaved is not None:
        return load(ledger, events)
    if ledger.ending is Ending.CLOSE:
        return close(ledger, events)
    return Step(Dormant(ledger=ledger), (), events)
