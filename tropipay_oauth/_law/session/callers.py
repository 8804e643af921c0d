"""What callers, the clock and the API tell a session: who gets the held token, who waits, when it is time to renew.

What belongs here: rows that need neither the store's nor the token endpoint's answer. What does not: those (`store`,
`replies`), and how a state is entered (`moves`).
"""

from typing import TypeVar

from attrs import evolve

from ..._values.errors import SessionClosed
from ..effects import RefuseCallers
from ..events import ExpiryReason
from ..facts import (
    AccessRequested,
    TimeReached,
    TokenAccepted,
    TokenRejected,
)
from ..machine import Step, Table
from ..policy import Terms
from .moves import (
    answer_or_wait,
    drop_held,
    given_up,
    holds,
    load,
    no_use,
    plan_pause,
    release,
    settle_held,
    stay,
    usable,
)
from .states import (
    Claiming,
    Closed,
    Committing,
    Dormant,
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
    Watching,
)

ROWS = Table("the session", Dormant)

Waiting = TypeVar("Waiting", Loading, Claiming, Exchanging, Committing, Settling, Watching)
Stuck = TypeVar("Stuck", InDoubt, NeedsAuthorization)
Leaving = TypeVar("Leaving", Forgetting, Erasing, Revoking)
Holding = TypeVar("Holding", Loading, Claiming, Exchanging, Committing, Settling, Resting, Watching, InDoubt, NeedsAuthorization)
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


# -- A caller needs a token ----------------------------------------------------------------------------------------


@ROWS.row
def first_call(terms: Terms, state: Dormant, given: AccessRequested) -> Step[Loading]:
    """Nothing is known: ask the store."""
    return load(state.ledger)


@ROWS.row
def call_answered(terms: Terms, state: Live, given: AccessRequested) -> Step[Live]:
    """A deadline that is due was settled before: the token is good."""
    return Step(state, release(state.ledger, given.now))


@ROWS.row
def call_waits(terms: Terms, state: Waiting, given: AccessRequested) -> Step[Waiting]:
    """Single flight (rule 1); a token that is still valid is given at once (rule 7)."""
    return answer_or_wait(state, given.now)


@ROWS.row
def call_during_pause(terms: Terms, state: Resting, given: AccessRequested) -> Step[Resting | Loading]:
    """Once attempts are spent, a failure is answered from memory until its time is over (rule 8)."""
    ledger, events = settle_held(state.ledger, given.now)
    effects = release(ledger, given.now)
    if state.spent and given.now >= state.until:
        return load(ledger, events, effects)
    if state.spent and not effects:
        effects = (RefuseCallers(error=state.error),)
    return Step(evolve(state, ledger=ledger), effects, events)


@ROWS.row
def call_in_need(terms: Terms, state: Stuck, given: AccessRequested) -> Step[Stuck | Loading]:
    """A held token is served until it ends; after that the store is looked at again, on demand (rule 5)."""
    ledger, events = settle_held(state.ledger, given.now)
    if usable(ledger, given.now):
        return Step(state, release(ledger, given.now))
    return load(ledger, events)


@ROWS.row
def call_while_leaving(terms: Terms, state: Leaving, given: AccessRequested) -> Step[Leaving]:
    """The token is being given up."""
    return Step(state, (RefuseCallers(error=given_up()),))


@ROWS.row
def call_after_close(terms: Terms, state: Closed, given: AccessRequested) -> Step[Closed]:
    """The end was asked for."""
    return Step(state, (RefuseCallers(error=SessionClosed("this session is closed: open a new one")),))


# -- Time ----------------------------------------------------------------------------------------------------------


@ROWS.row
def token_due(terms: Terms, state: Live, given: TimeReached) -> Step[Live | Loading]:
    """Early, not together (rule 7): the held token is served while the next one is fetched."""
    if given.now < state.due:
        return Step(state)
    ledger = state.ledger if _is_doubtful(terms, state, given.now) else evolve(state.ledger, strikes=0)
    ledger, events = settle_held(ledger, given.now)
    return load(ledger, events)


@ROWS.row
def pause_over(terms: Terms, state: Resting, given: TimeReached) -> Step[Resting | Loading]:
    """Try again; once attempts are spent, only when somebody asks."""
    if state.spent or given.now < state.until:
        return Step(state)
    return load(*settle_held(state.ledger, given.now))


@ROWS.row
def look_again(terms: Terms, state: Watching, given: TimeReached) -> Step[Watching | Loading]:
    """Has the other worker finished?"""
    return Step(state) if given.now < state.recheck_at else load(*settle_held(state.ledger, given.now))


@ROWS.row
def nothing_due(terms: Terms, state: Timeless, given: TimeReached) -> Step[Timeless]:
    """An early or late alarm."""
    return Step(state)


# -- What the resource server thinks of the token ------------------------------------------------------------------


@ROWS.row
def refused_at_first(terms: Terms, state: Dormant, given: TokenRejected) -> Step[Loading]:
    """A token of an earlier life was refused: whatever the store holds, it must be another one."""
    return load(evolve(state.ledger, rejected=given.access_token))


@ROWS.row
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


@ROWS.row
def refused_while_busy(terms: Terms, state: Holding, given: TokenRejected) -> Step[Holding]:
    """Nobody gets it any more; what is under way brings another."""
    if not holds(state.ledger, given.access_token):
        return Step(state)
    ledger, events = drop_held(state.ledger, ExpiryReason.REFUSED)
    return Step(evolve(state, ledger=evolve(ledger, rejected=given.access_token)), events=events)


@ROWS.row
def taken(terms: Terms, state: Live, given: TokenAccepted) -> Step[Live]:
    """The first success of a token ends the suspicion of a loop (rule 6)."""
    held = state.ledger.held
    if held is None or not holds(state.ledger, given.access_token):
        return Step(state)
    return Step(evolve(state, ledger=evolve(state.ledger, held=evolve(held, proven=True), strikes=0)))


@ROWS.row
def taken_while_busy(terms: Terms, state: Holding, given: TokenAccepted) -> Step[Holding]:
    """Good news of a token that is about to be replaced."""
    return Step(state)


@ROWS.row
def stale_news(terms: Terms, state: Gone, given: TokenAccepted) -> Step[Gone]:
    """Good news of a token that is no longer held."""
    return Step(state)


@ROWS.row
def stale_refusal(terms: Terms, state: Leaving, given: TokenRejected) -> Step[Leaving]:
    """It is being given up anyway."""
    return Step(state)


@ROWS.row
def refusal_after_close(terms: Terms, state: Closed, given: TokenRejected) -> Step[Closed]:
    """The end was asked for."""
    return Step(state)
