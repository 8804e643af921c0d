"""The law of the session: the rows that keep one token alive for many callers, tasks, threads, processes and machines.

What belongs here: what each state does with each input, one handler per pair. What does not: how a state is entered
(`session_moves`), what a loaded record means (`session_record`), reading bytes (the wire layer).

    Dormant -> Loading -> Claiming -> Exchanging -> Committing -> Live -> Loading ...     the way of a token
    Loading -> Watching -> Loading                                                       another worker renews
    Exchanging -> Settling -> Resting -> Loading                                         it failed: again, later
    Exchanging -> InDoubt, Settling -> NeedsAuthorization                                only the user can help
    Live -> Forgetting -> Erasing -> Revoking -> Dormant                                 the token is given up

Before anything is sent, the store says that nobody else was faster, and is told what will be sent. Whoever asks
meanwhile gets the held token, or waits for the broadcast.
"""

from typing import TypeVar

from attrs import evolve

from .._values.errors import OAuthError, ReauthorizationRequired, SessionClosed, StoreError, TokenInDoubt
from .._values.records import Base, Empty, Refusal, Tokens
from .._values.token import GrantType, Token
from .._wire.token_reply import Granted, NotProcessed, Refused, Unknown
from .effects import RefuseCallers, SwapRecord
from .events import ExpiryReason, GrantFailed, RevocationFailed
from .events import InDoubt as DoubtArose
from .facts import (
    AccessRequested,
    AuthorizationGranted,
    Close,
    RecordLoaded,
    RecordSwapped,
    RevocationRequested,
    StoreFailed,
    SwapRefused,
    TimeReached,
    TokenAccepted,
    TokenRejected,
)
from .grant_moves import carry_scope, own_expiry
from .machine import Step, Table
from .policy import Terms
from .session_inputs import RevocationAnswered
from .session_moves import (
    answer_or_wait,
    close,
    commit,
    doubt,
    drop_held,
    end,
    forget,
    given_up,
    gone,
    holds,
    load,
    need_authorization,
    no_use,
    pause,
    plan_pause,
    release,
    release_unsaved,
    rest,
    revoke_next,
    rotates,
    saved,
    send,
    settle,
    settle_held,
    stay,
    token_of,
    usable,
)
from .session_record import meet
from .session_states import (
    Claiming,
    Closed,
    Committing,
    Dormant,
    Ending,
    Erasing,
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
    Watching,
)

SESSION = Table("the session", Dormant)

Waiting = TypeVar("Waiting", Loading, Claiming, Exchanging, Committing, Settling, Watching)
Draining = TypeVar("Draining", Claiming, Exchanging, Committing, Settling)
Stuck = TypeVar("Stuck", InDoubt, NeedsAuthorization)
Leaving = TypeVar("Leaving", Forgetting, Erasing, Revoking)
Holding = TypeVar("Holding", Loading, Claiming, Exchanging, Committing, Settling, Resting, Watching, InDoubt, NeedsAuthorization)
Keeping = TypeVar("Keeping", Loading, Claiming, Exchanging, Committing, Settling, Forgetting, Erasing, Revoking)
Gone = TypeVar("Gone", Dormant, Forgetting, Erasing, Revoking, Closed)
Timeless = TypeVar(
    "Timeless",
    Dormant,
    Loading,
    Claiming,
    Exchanging,
    Committing,
    Settling,
    InDoubt,
    NeedsAuthorization,
    Forgetting,
    Erasing,
    Revoking,
    Closed,
)
Settled = Live | Resting | Watching | InDoubt | NeedsAuthorization
Idle = Dormant | Live | Resting | Watching | InDoubt | NeedsAuthorization


# -- A caller needs a token ----------------------------------------------------------------------------------------


@SESSION.row
def first_call(terms: Terms, state: Dormant, given: AccessRequested) -> Step[Loading]:
    """Nothing is known: ask the store."""
    return load(state.ledger)


@SESSION.row
def call_answered(terms: Terms, state: Live, given: AccessRequested) -> Step[Live]:
    """A deadline that is due was settled before: the token is good."""
    return Step(state, release(state.ledger, given.now))


@SESSION.row
def call_waits(terms: Terms, state: Waiting, given: AccessRequested) -> Step[Waiting]:
    """Single flight (rule 1); a token that is still valid is given at once (rule 7)."""
    return answer_or_wait(state, given.now)


@SESSION.row
def call_during_pause(terms: Terms, state: Resting, given: AccessRequested) -> Step[Resting | Loading]:
    """Once attempts are spent, a failure is answered from memory until its time is over (rule 8)."""
    ledger, events = settle_held(state.ledger, given.now)
    effects = release(ledger, given.now)
    if state.spent and given.now >= state.until:
        return load(ledger, events, effects)
    if state.spent and not effects:
        effects = (RefuseCallers(error=state.error),)
    return Step(evolve(state, ledger=ledger), effects, events)


@SESSION.row
def call_in_need(terms: Terms, state: Stuck, given: AccessRequested) -> Step[Stuck | Loading]:
    """A held token is served until it ends; after that the store is looked at again, on demand (rule 5)."""
    ledger, events = settle_held(state.ledger, given.now)
    if usable(ledger, given.now):
        return Step(state, release(ledger, given.now))
    return load(ledger, events)


@SESSION.row
def call_while_leaving(terms: Terms, state: Leaving, given: AccessRequested) -> Step[Leaving]:
    """The token is being given up."""
    return Step(state, (RefuseCallers(error=given_up()),))


@SESSION.row
def call_after_close(terms: Terms, state: Closed, given: AccessRequested) -> Step[Closed]:
    """The end was asked for."""
    return Step(state, (RefuseCallers(error=SessionClosed("this session is closed: open a new one")),))


# -- Time ----------------------------------------------------------------------------------------------------------


@SESSION.row
def token_due(terms: Terms, state: Live, given: TimeReached) -> Step[Live | Loading]:
    """Early, not together (rule 7): the held token is served while the next one is fetched."""
    if given.now < state.due:
        return Step(state)
    ledger = state.ledger if _is_doubtful(terms, state, given.now) else evolve(state.ledger, strikes=0)
    ledger, events = settle_held(ledger, given.now)
    return load(ledger, events)


@SESSION.row
def pause_over(terms: Terms, state: Resting, given: TimeReached) -> Step[Resting | Loading]:
    """Try again; once attempts are spent, only when somebody asks."""
    if state.spent or given.now < state.until:
        return Step(state)
    return load(*settle_held(state.ledger, given.now))


@SESSION.row
def look_again(terms: Terms, state: Watching, given: TimeReached) -> Step[Watching | Loading]:
    """Has the other worker finished?"""
    return Step(state) if given.now < state.recheck_at else load(*settle_held(state.ledger, given.now))


@SESSION.row
def nothing_due(terms: Terms, state: Timeless, given: TimeReached) -> Step[Timeless]:
    """An early or late alarm."""
    return Step(state)


# -- What the resource server thinks of the token ------------------------------------------------------------------


@SESSION.row
def refused_at_first(terms: Terms, state: Dormant, given: TokenRejected) -> Step[Loading]:
    """A token of an earlier life was refused: whatever the store holds, it must be another one."""
    return load(evolve(state.ledger, rejected=given.access_token))


@SESSION.row
def refused_while_live(terms: Terms, state: Live, given: TokenRejected) -> Step[Live | Loading | Resting]:
    """The token that was refused, not the fact of a refusal (rule 2). A new token refused at once is a strike (rule 6)."""
    if not holds(state.ledger, given.access_token):
        return Step(state, release(state.ledger, given.now))
    strikes = state.ledger.strikes + 1 if _is_doubtful(terms, state, given.now) else 0
    ledger, events = drop_held(state.ledger, ExpiryReason.REFUSED)
    ledger = evolve(ledger, rejected=given.access_token, strikes=strikes)
    if strikes < 2:
        return load(ledger, events)
    ledger, told, until, spent = plan_pause(terms, ledger, no_use(), given.now, struck=True)
    return stay(ledger, told, until, given.now, spent=spent, events=events)


def _is_doubtful(terms: Terms, state: Live, now: float) -> bool:
    held = state.ledger.held
    if held is None or held.proven:
        return False
    return now + (state.ledger.clock_offset or 0.0) - held.token.issued_at < terms.policy.proving_time


@SESSION.row
def refused_while_busy(terms: Terms, state: Holding, given: TokenRejected) -> Step[Holding]:
    """Nobody gets it any more; what is under way brings another."""
    if not holds(state.ledger, given.access_token):
        return Step(state)
    ledger, events = drop_held(state.ledger, ExpiryReason.REFUSED)
    return Step(evolve(state, ledger=evolve(ledger, rejected=given.access_token)), events=events)


@SESSION.row
def taken(terms: Terms, state: Live, given: TokenAccepted) -> Step[Live]:
    """The first success of a token ends the suspicion of a loop (rule 6)."""
    held = state.ledger.held
    if held is None or not holds(state.ledger, given.access_token):
        return Step(state)
    return Step(evolve(state, ledger=evolve(state.ledger, held=evolve(held, proven=True), strikes=0)))


@SESSION.row
def taken_while_busy(terms: Terms, state: Holding, given: TokenAccepted) -> Step[Holding]:
    """Good news of a token that is about to be replaced."""
    return Step(state)


@SESSION.row
def stale_news(terms: Terms, state: Gone, given: TokenAccepted) -> Step[Gone]:
    """Good news of a token that is no longer held."""
    return Step(state)


@SESSION.row
def stale_refusal(terms: Terms, state: Leaving, given: TokenRejected) -> Step[Leaving]:
    """It is being given up anyway."""
    return Step(state)


@SESSION.row
def refusal_after_close(terms: Terms, state: Closed, given: TokenRejected) -> Step[Closed]:
    """The end was asked for."""
    return Step(state)


# -- The store -----------------------------------------------------------------------------------------------------


@SESSION.row
def record_loaded(
    terms: Terms, state: Loading, given: RecordLoaded
) -> Step[
    Live | Claiming | Watching | InDoubt | NeedsAuthorization | Committing | Settling | Loading | Resting | Closed | Forgetting
]:
    """What the record means: see `session_record`."""
    return meet(terms, state.ledger, given)


@SESSION.row
def load_failed(terms: Terms, state: Loading, given: StoreFailed) -> Step[Loading | Live | Resting | Closed | Forgetting]:
    """Look again at once while the only copy of a token is here; else rest."""
    ledger = state.ledger
    if ledger.unsaved is not None:
        return _hold_on(terms, ledger, ledger.unsaved, given)
    if ledger.ending is not None:
        return end(ledger)
    return pause(terms, ledger, given.error, given.now)


@SESSION.row
def intent_written(terms: Terms, state: Claiming, given: RecordSwapped) -> Step[Exchanging | Committing | Settling]:
    """The claim is mine: send, unless that is no longer wanted."""
    ledger = state.ledger
    if ledger.unsaved is not None:
        return commit(ledger, ledger.unsaved, given.version)
    if ledger.ending is not None:
        return settle(ledger, state, given.version, state.base, error=given_up(), until=given.now)
    return send(terms, state, given.version)


@SESSION.row
def claim_lost(terms: Terms, state: Claiming, given: SwapRefused) -> Step[Loading]:
    """Somebody was first: look what they wrote."""
    return load(state.ledger)


@SESSION.row
def claim_unknown(terms: Terms, state: Claiming, given: StoreFailed) -> Step[Loading | Resting | Closed | Forgetting]:
    """The intent may be there or not; nothing was sent, so it may be claimed anew."""
    failures = state.ledger.store_failures + 1
    ledger = evolve(state.ledger, store_failures=failures, unsent=state.exchange)
    if failures < terms.policy.commit_attempts:
        return load(ledger)
    return pause(terms, evolve(ledger, store_failures=0), given.error, given.now)


@SESSION.row
def token_saved(
    terms: Terms, state: Committing, given: RecordSwapped
) -> Step[Committing | Live | Loading | Resting | Closed | Forgetting]:
    """Commit before release (rule 3): it is in the store, now everybody may have it."""
    newest = state.ledger.unsaved
    if newest is not None and newest != state.writing:
        return commit(state.ledger, newest, given.version)
    return saved(terms, state.ledger, state.writing, given.now)


@SESSION.row
def commit_lost(terms: Terms, state: Committing, given: SwapRefused) -> Step[Loading]:
    """Somebody changed the record: look who has the newer token."""
    return load(state.ledger)


@SESSION.row
def commit_unknown(terms: Terms, state: Committing, given: StoreFailed) -> Step[Loading | Live | Resting | Closed | Forgetting]:
    """The token may be saved or not: look."""
    return _hold_on(terms, state.ledger, state.ledger.unsaved or state.writing, given)


def _hold_on(
    terms: Terms, ledger: Ledger, unsaved: Unsaved, given: StoreFailed
) -> Step[Loading | Live | Resting | Closed | Forgetting]:
    unsaved = evolve(unsaved, failures=unsaved.failures + 1)
    waited = given.now - unsaved.since
    if unsaved.failures < terms.policy.commit_attempts and waited < terms.policy.commit_timeout:
        return load(evolve(ledger, unsaved=unsaved))
    return release_unsaved(terms, ledger, unsaved, given.error, given.now)


@SESSION.row
def intent_settled(
    terms: Terms, state: Settling, given: RecordSwapped
) -> Step[Committing | Loading | NeedsAuthorization | Resting | Closed | Forgetting]:
    """The claim is given back, or the refusal is known to everybody."""
    ledger = evolve(state.ledger, store_failures=0)
    if ledger.unsaved is not None:
        return commit(ledger, ledger.unsaved, given.version)
    if not isinstance(state.target, Refusal):
        return rest(ledger, state.error, state.until, given.now, spent=state.spent)
    if terms.renewal is GrantType.CLIENT_CREDENTIALS and ledger.ending is None:
        return load(ledger)
    return need_authorization(ledger, state.error, given.now)


@SESSION.row
def settling_lost(terms: Terms, state: Settling, given: SwapRefused) -> Step[Loading]:
    """Somebody changed the record meanwhile: perhaps they renewed."""
    return load(state.ledger)


@SESSION.row
def settling_unknown(terms: Terms, state: Settling, given: StoreFailed) -> Step[Loading | Resting | Closed | Forgetting]:
    """My intent may still be there; it consumed nothing, so it may be claimed anew."""
    ledger = evolve(state.ledger, unsent=state.exchange)
    if ledger.unsaved is not None:
        return load(ledger)
    return rest(ledger, state.error, state.until, given.now, spent=state.spent)


# -- The token endpoint's answer -----------------------------------------------------------------------------------


@SESSION.row
def granted(terms: Terms, state: Exchanging, given: Granted) -> Step[Committing]:
    """Step D, or H: a token arrived. A new authorization that came meanwhile is newer still."""
    offset = state.ledger.clock_offset if given.clock_offset is None else given.clock_offset
    token = carry_scope(given.token, token_of(state.base))
    dead = given.now >= own_expiry(token, offset) or token.access_token == state.ledger.rejected
    ledger = evolve(
        state.ledger,
        clock_offset=offset,
        rotates=state.ledger.rotates if given.rotated is None else given.rotated,
        failures=0,
        strikes=state.ledger.strikes + dead,
    )
    mine = Unsaved(token=token, since=given.now, exchange=state.exchange, base=state.base)
    return commit(ledger, ledger.unsaved or mine, state.version)


@SESSION.row
def refused(terms: Terms, state: Exchanging, given: Refused) -> Step[Settling | Committing]:
    """Only `invalid_grant` discards the refresh token; everything else keeps it (the four outcomes)."""
    events = (GrantFailed(grant_type=state.grant_type, error=given.error),)
    if state.ledger.unsaved is not None:
        return commit(state.ledger, state.ledger.unsaved, state.version, events)
    until = given.now + terms.policy.refusal_memory
    if state.grant_type is GrantType.REFRESH_TOKEN and _is(given, "invalid_grant"):
        error = ReauthorizationRequired("the server no longer takes the refresh token: begin a new authorization")
        target = Refusal(error="invalid_grant", token=_without_refresh(token_of(state.base)))
        return settle(state.ledger, state, state.version, target, error=error, until=until, events=events)
    return settle(state.ledger, state, state.version, state.base, error=given.error, until=until, events=events)


def _is(given: Refused, code: str) -> bool:
    return isinstance(given.error, OAuthError) and given.error.error == code


def _without_refresh(token: Token | None) -> Token | None:
    return None if token is None else evolve(token, refresh_token=None)


@SESSION.row
def not_processed(terms: Terms, state: Exchanging, given: NotProcessed) -> Step[Settling | Committing]:
    """Nothing was consumed: give the claim back, back off, try again."""
    events = (GrantFailed(grant_type=state.grant_type, error=given.error),)
    if state.ledger.unsaved is not None:
        return commit(state.ledger, state.ledger.unsaved, state.version, events)
    ledger, error, until, spent = plan_pause(terms, state.ledger, given.error, given.now, given.retry_after)
    return settle(ledger, state, state.version, state.base, error=error, until=until, spent=spent, events=events)


@SESSION.row
def unknown(terms: Terms, state: Exchanging, given: Unknown) -> Step[Settling | Committing | InDoubt | Closed | Forgetting]:
    """What was sent may have been consumed: sent again only if that does no harm (rule 5)."""
    events = (GrantFailed(grant_type=state.grant_type, error=given.error),)
    ledger = state.ledger
    if ledger.unsaved is not None:
        return commit(ledger, ledger.unsaved, state.version, events)
    base = _replayable_base(terms, state)
    if base is not None:
        ledger, error, until, spent = plan_pause(terms, ledger, given.error, given.now)
        return settle(ledger, state, state.version, base, error=error, until=until, spent=spent, events=events)
    lost = TokenInDoubt(
        f"the refresh token may have been consumed ({given.error.code}): begin a new authorization, "
        "or allow the single retry by the policy's retries_in_doubt"
    )
    ledger = evolve(ledger, doubted=state.exchange)
    return doubt(ledger, lost, given.now, (*events, DoubtArose(error=given.error)))


def _replayable_base(terms: Terms, state: Exchanging) -> Base | None:
    """What a next attempt may start from; None if nothing may be sent again."""
    if state.grant_type is not GrantType.REFRESH_TOKEN or rotates(terms, state.ledger) is False:
        return state.base
    token = token_of(state.base)
    if terms.renewal is GrantType.CLIENT_CREDENTIALS and token is not None:
        return Tokens(evolve(token, refresh_token=None))
    return None


# -- A new authorization -------------------------------------------------------------------------------------------


@SESSION.row
def authorized(terms: Terms, state: Idle, given: AuthorizationGranted) -> Step[Loading]:
    """The user's newest decision replaces whatever is stored."""
    return load(evolve(state.ledger, unsaved=Unsaved(token=given.token, since=given.now)))


@SESSION.row
def authorized_while_busy(terms: Terms, state: Keeping, given: AuthorizationGranted) -> Step[Keeping]:
    """It is kept and stored as soon as what is under way has ended."""
    return Step(evolve(state, ledger=evolve(state.ledger, unsaved=Unsaved(token=given.token, since=given.now))))


# -- Giving up, and the end ----------------------------------------------------------------------------------------


@SESSION.row
def revocation_asked(terms: Terms, state: Idle, given: RevocationRequested) -> Step[Forgetting]:
    """Empty the store first, then tell the provider: a token that is gone here cannot come back."""
    return forget(state.ledger)


@SESSION.row
def revocation_asked_while_loading(terms: Terms, state: Loading, given: RevocationRequested) -> Step[Forgetting]:
    """The record that is being loaded is the one to erase."""
    return forget(state.ledger, loading=True)


@SESSION.row
def revocation_asked_while_busy(terms: Terms, state: Draining, given: RevocationRequested) -> Step[Draining]:
    """What is under way is waited for, so that its token is given up as well."""
    return Step(evolve(state, ledger=evolve(state.ledger, ending=Ending.REVOKE)))


@SESSION.row
def revocation_asked_twice(terms: Terms, state: Leaving, given: RevocationRequested) -> Step[Leaving]:
    """It is under way."""
    return Step(state)


@SESSION.row
def record_to_erase(
    terms: Terms, state: Forgetting, given: RecordLoaded
) -> Step[Erasing | Revoking | Dormant | Loading | Closed]:
    """Erase what is stored, whoever wrote it."""
    stored = token_of(given.record)
    tokens = state.tokens if stored is None or stored in state.tokens else (stored, *state.tokens)
    if isinstance(given.record, Empty):
        return revoke_next(terms, state.ledger, tokens, confirmed=bool(tokens))
    erasing = Erasing(ledger=state.ledger, tokens=tokens, failures=state.failures)
    return Step(erasing, (SwapRecord(expected_version=given.version, record=Empty()),))


@SESSION.row
def record_erased(terms: Terms, state: Erasing, given: RecordSwapped) -> Step[Revoking | Dormant | Loading | Closed]:
    """It is gone here: tell the provider, as far as it listens."""
    return revoke_next(terms, state.ledger, state.tokens, confirmed=bool(state.tokens))


@SESSION.row
def erasing_lost(terms: Terms, state: Erasing, given: SwapRefused) -> Step[Forgetting]:
    """Somebody changed the record: look again."""
    again = Forgetting(ledger=state.ledger, tokens=state.tokens, failures=state.failures)
    return Step(again, load(state.ledger).effects)


@SESSION.row
def erasing_unknown(
    terms: Terms, state: Forgetting | Erasing, given: StoreFailed
) -> Step[Forgetting | Dormant | Loading | Closed]:
    """Try a few times; then say that the token may still be there."""
    failures = state.failures + 1
    if failures < terms.policy.commit_attempts:
        again = Forgetting(ledger=state.ledger, tokens=state.tokens, failures=failures)
        return Step(again, load(state.ledger).effects)
    error = StoreError(f"the token could not be removed from the store: {given.error} Mend the store, then revoke again.")
    step = gone(state.ledger, confirmed=False)
    return Step(step.state, (*step.effects, RefuseCallers(error=error)), (RevocationFailed(error=error),))


@SESSION.row
def provider_answered(terms: Terms, state: Revoking, given: RevocationAnswered) -> Step[Revoking | Dormant | Loading | Closed]:
    """The next one, or the end of it."""
    return revoke_next(terms, state.ledger, state.remaining, confirmed=state.confirmed and given.confirmed)


@SESSION.row
def closed_in_sleep(terms: Terms, state: Dormant, given: Close) -> Step[Closed]:
    """Nothing is under way."""
    return close(state.ledger)


@SESSION.row
def closed_at_rest(terms: Terms, state: Settled | Loading, given: Close) -> Step[Loading | Closed]:
    """A token that is not saved, or an intent that others would wait for, is seen to first."""
    ledger = evolve(state.ledger, ending=Ending.CLOSE)
    if ledger.unsaved is None and ledger.unsent is None:
        return close(ledger)
    return Step(Loading(ledger=ledger)) if isinstance(state, Loading) else load(ledger)


@SESSION.row
def closed_while_busy(terms: Terms, state: Draining, given: Close) -> Step[Draining]:
    """An exchange that may consume something runs to its end, and its result is stored (rule 4)."""
    return Step(evolve(state, ledger=evolve(state.ledger, ending=Ending.CLOSE)))


@SESSION.row
def closed_while_leaving(terms: Terms, state: Leaving, given: Close) -> Step[Leaving]:
    """Giving up goes on to its end."""
    return Step(evolve(state, ledger=evolve(state.ledger, ending=Ending.CLOSE)))


@SESSION.row
def late_store(
    terms: Terms,
    state: Closed,
    given: RecordLoaded | RecordSwapped | SwapRefused | StoreFailed | Close | RevocationAnswered,
) -> Step[Closed]:
    """The store's answer to what was asked before the end."""
    return Step(state)
