"""How a session begins anew and how it ends: a new authorization, revocation, Close.

What belongs here: rows on what the owner of the session wants. What does not: the way of a token (`callers`, `store`,
`replies`).
"""

from typing import TypeVar

from attrs import evolve

from ..._values.errors import StoreError
from ..._values.records import Empty
from ..effects import RefuseCallers, SwapRecord
from ..events import RevocationFailed
from ..facts import (
    AuthorizationGranted,
    Close,
    RecordLoaded,
    RecordSwapped,
    RevocationRequested,
    StoreFailed,
    SwapRefused,
)
from ..machine import Step, Table
from ..policy import Terms
from .inputs import RevocationAnswered
from .moves import (
    close,
    forget,
    gone,
    load,
    revoke_next,
    token_of,
)
from .states import (
    Claiming,
    Closed,
    Committing,
    Dormant,
    Ending,
    Erasing,
    Exchanging,
    Forgetting,
    InDoubt,
    Live,
    Loading,
    NeedsAuthorization,
    Resting,
    Revoking,
    Settling,
    Unsaved,
    Watching,
)

ROWS = Table("the session", Dormant)

Draining = TypeVar("Draining", Claiming, Exchanging, Committing, Settling)
Leaving = TypeVar("Leaving", Forgetting, Erasing, Revoking)
Keeping = TypeVar("Keeping", Loading, Claiming, Exchanging, Committing, Settling, Forgetting, Erasing, Revoking)
Settled = Live | Resting | Watching | InDoubt | NeedsAuthorization
Idle = Dormant | Live | Resting | Watching | InDoubt | NeedsAuthorization


# -- A new authorization -------------------------------------------------------------------------------------------


@ROWS.row
def authorized(terms: Terms, state: Idle, given: AuthorizationGranted) -> Step[Loading]:
    """The user's newest decision replaces whatever is stored."""
    return load(evolve(state.ledger, unsaved=Unsaved(token=given.token, since=given.now)))


@ROWS.row
def authorized_while_busy(terms: Terms, state: Keeping, given: AuthorizationGranted) -> Step[Keeping]:
    """It is kept and stored as soon as what is under way has ended."""
    new = Unsaved(token=given.token, since=given.now)
    if state.ledger.ending in (Ending.REVOKE, Ending.REVOKE_AND_CLOSE):  # the older token is still to be given up
        return Step(evolve(state, ledger=evolve(state.ledger, later=new)))
    return Step(evolve(state, ledger=evolve(state.ledger, unsaved=new)))


# -- Giving up, and the end ----------------------------------------------------------------------------------------


@ROWS.row
def revocation_asked(terms: Terms, state: Idle, given: RevocationRequested) -> Step[Forgetting]:
    """Empty the store first, then tell the provider: a token that is gone here cannot come back."""
    return forget(state.ledger)


@ROWS.row
def revocation_asked_while_loading(terms: Terms, state: Loading, given: RevocationRequested) -> Step[Forgetting]:
    """The record that is being loaded is the one to erase."""
    return forget(state.ledger, loading=True)


@ROWS.row
def revocation_asked_while_busy(terms: Terms, state: Draining, given: RevocationRequested) -> Step[Draining]:
    """What is under way is waited for, so that its token is given up as well."""
    ending = Ending.REVOKE if state.ledger.ending in (None, Ending.REVOKE) else Ending.REVOKE_AND_CLOSE
    return Step(evolve(state, ledger=evolve(state.ledger, ending=ending)))


@ROWS.row
def revocation_asked_twice(terms: Terms, state: Leaving, given: RevocationRequested) -> Step[Leaving]:
    """It is under way."""
    return Step(state)


@ROWS.row
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


@ROWS.row
def record_erased(terms: Terms, state: Erasing, given: RecordSwapped) -> Step[Revoking | Dormant | Loading | Closed]:
    """It is gone here: tell the provider, as far as it listens."""
    return revoke_next(terms, state.ledger, state.tokens, confirmed=bool(state.tokens))


@ROWS.row
def erasing_lost(terms: Terms, state: Erasing, given: SwapRefused) -> Step[Forgetting | Dormant | Loading | Closed]:
    """Somebody changed the record: look again, though not for ever."""
    return _erase_again(terms, state, "it refuses each write as if somebody were always first.")


@ROWS.row
def erasing_unknown(
    terms: Terms, state: Forgetting | Erasing, given: StoreFailed
) -> Step[Forgetting | Dormant | Loading | Closed]:
    """Try a few times; then say that the token may still be there."""
    return _erase_again(terms, state, str(given.error))


def _erase_again(terms: Terms, state: Forgetting | Erasing, reason: str) -> Step[Forgetting | Dormant | Loading | Closed]:
    failures = state.failures + 1
    if failures < terms.policy.commit_attempts:
        again = Forgetting(ledger=state.ledger, tokens=state.tokens, failures=failures)
        return Step(again, load(state.ledger).effects)
    error = StoreError(f"the token could not be removed from the store: {reason} Mend the store, then revoke again.")
    step = gone(state.ledger, confirmed=False)
    return Step(step.state, (*step.effects, RefuseCallers(error=error)), (RevocationFailed(error=error),))


@ROWS.row
def provider_answered(terms: Terms, state: Revoking, given: RevocationAnswered) -> Step[Revoking | Dormant | Loading | Closed]:
    """The next one, or the end of it."""
    return revoke_next(terms, state.ledger, state.remaining, confirmed=state.confirmed and given.confirmed)


@ROWS.row
def closed_in_sleep(terms: Terms, state: Dormant, given: Close) -> Step[Closed]:
    """Nothing is under way."""
    return close(state.ledger)


@ROWS.row
def closed_at_rest(terms: Terms, state: Settled | Loading, given: Close) -> Step[Loading | Closed]:
    """A token that is not saved, or an intent that others would wait for, is seen to first."""
    ledger = evolve(state.ledger, ending=Ending.CLOSE)
    if ledger.unsaved is None and not ledger.unsent:
        return close(ledger)
    return Step(Loading(ledger=ledger)) if isinstance(state, Loading) else load(ledger)


@ROWS.row
def closed_while_busy(terms: Terms, state: Draining, given: Close) -> Step[Draining]:
    """An exchange that may consume something runs to its end, and its result is stored (rule 4)."""
    ending = Ending.CLOSE if state.ledger.ending in (None, Ending.CLOSE) else Ending.REVOKE_AND_CLOSE
    return Step(evolve(state, ledger=evolve(state.ledger, ending=ending)))


@ROWS.row
def closed_while_leaving(terms: Terms, state: Leaving, given: Close) -> Step[Leaving]:
    """Giving up goes on to its end."""
    return Step(evolve(state, ledger=evolve(state.ledger, ending=Ending.CLOSE)))


@ROWS.row
def late_store(
    terms: Terms,
    state: Closed,
    given: RecordLoaded | RecordSwapped | SwapRefused | StoreFailed | Close | RevocationAnswered,
) -> Step[Closed]:
    """The store's answer to what was asked before the end."""
    return Step(state)
