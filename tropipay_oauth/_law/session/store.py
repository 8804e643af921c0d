"""What the token store tells a session: loaded, swapped, refused, failed (and then maybe applied).

What belongs here: rows on the store's answers while a token is on its way. What does not: what a loaded record means
(`record`), giving a token up (`endings`).
"""

from attrs import evolve

from ..._values.errors import StoreError
from ..._values.records import Refusal
from ..._values.token import GrantType
from ..facts import (
    RecordLoaded,
    RecordSwapped,
    StoreFailed,
    SwapRefused,
)
from ..machine import Step, Table
from ..policy import Terms
from .moves import (
    commit,
    end,
    given_up,
    load,
    need_authorization,
    pause,
    release_unsaved,
    rest,
    saved,
    send,
    settle,
)
from .record import meet
from .states import (
    Claiming,
    Closed,
    Committing,
    Dormant,
    Exchanging,
    Forgetting,
    InDoubt,
    Ledger,
    Live,
    Loading,
    NeedsAuthorization,
    Resting,
    Settling,
    Unsaved,
    Watching,
)

ROWS = Table("the session", Dormant)


# -- The store -----------------------------------------------------------------------------------------------------


@ROWS.row
def record_loaded(
    terms: Terms, state: Loading, given: RecordLoaded
) -> Step[
    Live | Claiming | Watching | InDoubt | NeedsAuthorization | Committing | Settling | Loading | Resting | Closed | Forgetting
]:
    """What the record means: see `record`."""
    return meet(terms, state.ledger, given)


@ROWS.row
def load_failed(terms: Terms, state: Loading, given: StoreFailed) -> Step[Loading | Live | Resting | Closed | Forgetting]:
    """Look again at once while the only copy of a token is here; else rest."""
    ledger = state.ledger
    if ledger.unsaved is not None:
        return _hold_on(terms, ledger, ledger.unsaved, given.error, given.now)
    if ledger.ending is not None:
        return end(ledger)
    return pause(terms, ledger, given.error, given.now)


@ROWS.row
def intent_written(
    terms: Terms, state: Claiming, given: RecordSwapped
) -> Step[Exchanging | Committing | Settling | Closed | Forgetting]:
    """The claim is mine: send, unless that is no longer wanted."""
    ledger = state.ledger
    if ledger.unsaved is not None:
        return commit(ledger, ledger.unsaved, given.version)
    if ledger.ending is not None and state.retry:  # to give it back would make others forget the doubt
        return end(ledger)
    if ledger.ending is not None:
        return settle(ledger, state, given.version, state.base, error=given_up(), until=given.now)
    return send(terms, state, given.version)


@ROWS.row
def claim_lost(terms: Terms, state: Claiming, given: SwapRefused) -> Step[Loading | Resting | Closed | Forgetting]:
    """Somebody was first: look what they wrote. A store that refuses for ever is a store that failed."""
    return _claim_again(terms, state.ledger, _refusing(), given.now)


@ROWS.row
def claim_unknown(terms: Terms, state: Claiming, given: StoreFailed) -> Step[Loading | Resting | Closed | Forgetting]:
    """The intent may be there or not; nothing was sent, so it may be claimed anew."""
    return _claim_again(terms, evolve(state.ledger, unsent=state.ledger.unsent | {state.exchange}), given.error, given.now)


def _claim_again(terms: Terms, ledger: Ledger, error: StoreError, now: float) -> Step[Loading | Resting | Closed | Forgetting]:
    failures = ledger.store_failures + 1
    if failures < terms.policy.commit_attempts:
        return load(evolve(ledger, store_failures=failures))
    return pause(terms, evolve(ledger, store_failures=0), error, now)


def _refusing() -> StoreError:
    return StoreError("the token store refuses each write as if somebody were always first: does it serve old versions?")


@ROWS.row
def token_saved(
    terms: Terms, state: Committing, given: RecordSwapped
) -> Step[Committing | Live | Loading | Resting | Closed | Forgetting]:
    """Commit before release (rule 3): it is in the store, now everybody may have it."""
    newest = state.ledger.unsaved
    if newest is not None and newest != state.writing:
        return commit(state.ledger, newest, given.version)
    return saved(terms, state.ledger, state.writing, given.now)


@ROWS.row
def commit_lost(terms: Terms, state: Committing, given: SwapRefused) -> Step[Loading | Live | Resting | Closed | Forgetting]:
    """Somebody changed the record: look who has the newer token."""
    return _hold_on(terms, state.ledger, state.ledger.unsaved or state.writing, _refusing(), given.now)


@ROWS.row
def commit_unknown(terms: Terms, state: Committing, given: StoreFailed) -> Step[Loading | Live | Resting | Closed | Forgetting]:
    """The token may be saved or not: look."""
    return _hold_on(terms, state.ledger, state.ledger.unsaved or state.writing, given.error, given.now)


def _hold_on(
    terms: Terms, ledger: Ledger, unsaved: Unsaved, error: StoreError, now: float
) -> Step[Loading | Live | Resting | Closed | Forgetting]:
    unsaved = evolve(unsaved, failures=unsaved.failures + 1)
    if unsaved.failures < terms.policy.commit_attempts and now - unsaved.since < terms.policy.commit_timeout:
        return load(evolve(ledger, unsaved=unsaved))
    return release_unsaved(terms, ledger, unsaved, error, now)


@ROWS.row
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


@ROWS.row
def settling_lost(terms: Terms, state: Settling, given: SwapRefused) -> Step[Loading]:
    """Somebody changed the record meanwhile: perhaps they renewed."""
    return load(state.ledger)


@ROWS.row
def settling_unknown(terms: Terms, state: Settling, given: StoreFailed) -> Step[Loading | Resting | Closed | Forgetting]:
    """My intent may still be there; it consumed nothing, so it may be claimed anew, or taken back before the end."""
    failures = state.ledger.store_failures + 1
    ledger = evolve(state.ledger, unsent=state.ledger.unsent | {state.exchange}, store_failures=failures)
    if ledger.unsaved is not None or (ledger.ending is not None and failures < terms.policy.commit_attempts):
        return load(ledger)
    return rest(ledger, state.error, state.until, given.now, spent=state.spent)
