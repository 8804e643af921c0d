"""What a loaded record means to a session: the one decision on which single flight across workers hangs.

What belongs here: from record and ledger to the next state. What does not: anything else a session does.
"""

from attrs import evolve

from ..._values.errors import ReauthorizationRequired, TokenInDoubt
from ..._values.records import Base, Empty, Intent, Record, Refusal, Tokens
from ..._values.token import GrantType, Token
from ..effects import SwapRecord
from ..facts import RecordLoaded
from ..machine import Step
from ..policy import Terms
from .moves import (
    access_to,
    claim,
    commit,
    doubt,
    end,
    live,
    need_authorization,
    renewal_of,
    rotates,
    saved,
    token_of,
    usable,
    watch,
)
from .states import (
    Claiming,
    Closed,
    Committing,
    Forgetting,
    InDoubt,
    Ledger,
    Live,
    Loading,
    NeedsAuthorization,
    Resting,
    Settling,
    Unsaved,
    Watched,
    Watching,
)

Met = Step[Live | Claiming | Watching | InDoubt | NeedsAuthorization | Closed | Forgetting]
MetAll = Step[
    Live | Claiming | Watching | InDoubt | NeedsAuthorization | Committing | Settling | Loading | Resting | Closed | Forgetting
]


def meet(terms: Terms, ledger: Ledger, given: RecordLoaded) -> MetAll:
    """What to do about the record."""
    if ledger.unsaved is not None:
        return _meet_with_token(terms, ledger, ledger.unsaved, given)
    if ledger.ending is not None:
        return _meet_while_ending(terms, ledger, given)
    return _meet(terms, ledger, given)


def _meet_while_ending(terms: Terms, ledger: Ledger, given: RecordLoaded) -> Step[Settling | Closed | Forgetting]:
    """Before the end, take back an intent of mine that consumed nothing: others would wait for it."""
    record = given.record
    if isinstance(record, Intent) and record.exchange in ledger.unsent and not record.retry:
        error = ReauthorizationRequired("the session is ending: ask again for a new token")
        base = _harmless(terms, record.base)
        settling = Settling(ledger=ledger, exchange=record.exchange, target=base, error=error, until=given.now, spent=True)
        return Step(settling, (SwapRecord(expected_version=given.version, record=base),))
    return end(ledger)


def _meet_with_token(terms: Terms, ledger: Ledger, unsaved: Unsaved, given: RecordLoaded) -> MetAll:
    """A token of mine is not saved yet: it goes in unless somebody has put a newer one there."""
    record = given.record
    found = token_of(record)
    if isinstance(record, Tokens) and found == unsaved.token:
        return saved(terms, ledger, unsaved, given.now)
    if unsaved.exchange is None and not _overtaken(unsaved, found):
        return commit(ledger, unsaved, given.version)
    if isinstance(record, Intent) and record.exchange != unsaved.exchange and _same(record.base, unsaved.base):
        ledger, watched, stale = _observe(terms, ledger, record, given.now)
        if stale or ledger.ending is not None:  # nobody will be here to save it later
            return commit(ledger, unsaved, given.version)
        return watch(terms, ledger, watched, given.now)
    if isinstance(record, Intent) and record.exchange == unsaved.exchange:
        return commit(ledger, unsaved, given.version)
    if not isinstance(record, Intent) and _same(record, unsaved.base):
        return commit(ledger, unsaved, given.version)
    ledger = evolve(ledger, unsaved=None)
    return meet(terms, ledger, given)


def _overtaken(unsaved: Unsaved, found: Token | None) -> bool:
    """Whether a new authorization was stored by a write that seemed to fail, and others have gone on from it."""
    if found is None or not (unsaved.failures or unsaved.announced):
        return False
    return found == unsaved.token or found.issued_at >= unsaved.token.issued_at


def _harmless(terms: Terms, base: Base) -> Base:
    """What a client-credentials session may renew without sending a refresh token that may have been consumed."""
    if terms.renewal is GrantType.CLIENT_CREDENTIALS and isinstance(base, Tokens):
        return Tokens(evolve(base.token, refresh_token=None))
    return base


def _same(record: Base, base: Base | None) -> bool:
    """Whether both speak of the same generation of the token."""
    mine, theirs = (None if one is None else token_of(one) for one in (record, base))
    if mine is None or theirs is None:
        return mine is theirs and type(record) is type(base)
    return mine.access_token == theirs.access_token


def _observe(terms: Terms, ledger: Ledger, intent: Intent, now: float) -> tuple[Ledger, Watched, bool]:
    """Since when this intent stands unchanged, on my own clock, and whether that is too long."""
    watched = ledger.watched
    if watched is None or watched.exchange != intent.exchange:
        watched = Watched(exchange=intent.exchange, since=now)
    return evolve(ledger, watched=watched), watched, now - watched.since >= terms.policy.in_doubt_after


def _meet(terms: Terms, ledger: Ledger, given: RecordLoaded) -> Met:
    record: Record = given.record
    if isinstance(record, Intent):
        return _meet_intent(terms, ledger, record, given)
    if isinstance(record, Empty):
        return _renew(terms, evolve(ledger, held=None), record, given)
    return _meet_token(terms, ledger, record, given)


def _meet_token(terms: Terms, ledger: Ledger, record: Tokens | Refusal, given: RecordLoaded) -> Met:
    ledger = _hold(terms, ledger, record, given.now)
    held = ledger.held
    if isinstance(record, Tokens) and held is not None and given.now < held.fresh_until:
        return live(terms, ledger, held, given.now)
    return _renew(terms, ledger, record, given)


def _hold(terms: Terms, ledger: Ledger, record: Tokens | Refusal, now: float) -> Ledger:
    """Hold the stored token if it can be used; what was held before is older."""
    token = record.token
    if token is None:
        return evolve(ledger, held=None)
    access = access_to(terms, ledger, record, token)
    good = now < access.valid_until and token.access_token != ledger.rejected
    return evolve(ledger, held=access if good else None)


def _renew(
    terms: Terms, ledger: Ledger, record: Base, given: RecordLoaded
) -> Step[Claiming | NeedsAuthorization | Closed | Forgetting]:
    if renewal_of(terms, record) is not None:
        return claim(terms, ledger, given.version, record, given.now)
    said = f" (the server said {record.error})" if isinstance(record, Refusal) else ""
    error = ReauthorizationRequired(f"there is no token that can be renewed{said}: begin a new authorization")
    return need_authorization(ledger, error, given.now)


def _meet_intent(terms: Terms, ledger: Ledger, intent: Intent, given: RecordLoaded) -> Met:
    if intent.exchange in ledger.unsent:
        return claim(terms, ledger, given.version, _harmless(terms, intent.base), given.now, retry=intent.retry)
    base = intent.base
    if not usable(ledger, given.now) and isinstance(base, (Tokens, Refusal)):
        ledger = _hold(terms, ledger, base, given.now)
    ledger, watched, stale = _observe(terms, ledger, intent, given.now)
    if intent.exchange != ledger.doubted and not stale:
        return watch(terms, ledger, watched, given.now)
    if terms.renewal is GrantType.CLIENT_CREDENTIALS or rotates(terms, ledger) is False:
        return claim(terms, ledger, given.version, _harmless(terms, base), given.now)
    if terms.policy.retries_in_doubt and not intent.retry and renewal_of(terms, base) is not None:
        return claim(terms, ledger, given.version, base, given.now, retry=True)
    error = TokenInDoubt(
        "a refresh request was sent and its fate is unknown: begin a new authorization, "
        "or allow the single retry by the policy's retries_in_doubt"
    )
    return doubt(evolve(ledger, doubted=intent.exchange), error, given.now)
