"""How every machine works, shown with a lamp: switched by facts, out by itself after ten seconds."""

import math
from typing import Any, TypeVar

import pytest
from attrs import frozen

from tropipay_oauth import HTTPResponse, Step, facts
from tropipay_oauth._law.machine import Machine, State, Table
from tropipay_oauth.effects import LoadRecord, RefuseCallers
from tropipay_oauth.errors import LocalProtocolError, SessionClosed, StoreError
from tropipay_oauth.events import ExpiryReason, TokenExpired
from tropipay_oauth.facts import Fact

LOAD, REFUSE = LoadRecord(), RefuseCallers(error=SessionClosed("the lamp is gone"))
OUT = TokenExpired(reason=ExpiryReason.CLOCK)


@frozen
class Dark:
    """No light."""

    wake_at: None = None


@frozen
class Lit:
    """Light until `wake_at`."""

    wake_at: float


@frozen
class Broken:
    """Neither time nor a switch helps."""

    wake_at: None = None


Any_Lamp = TypeVar("Any_Lamp", Dark, Lit)
LAMP = Table("the lamp", Dark)


@LAMP.row
def switched_on(terms: float, state: Dark, given: facts.AccessRequested) -> Step[Lit]:
    """On for as long as the terms say."""
    return Step(Lit(given.now + terms), (LOAD,))


@LAMP.row
def time_passed(terms: float, state: Lit, given: facts.TimeReached) -> Step[Lit | Dark]:
    """Out, when it is time."""
    return Step(state) if given.now < state.wake_at else Step(Dark(), (REFUSE,), (OUT,))


@LAMP.row
def dark_time(terms: float, state: Dark, given: facts.TimeReached) -> Step[Dark]:
    """Nothing to put out."""
    return Step(state)


@LAMP.row
def dropped(terms: float, state: Any_Lamp, given: facts.Close | facts.RevocationRequested) -> Step[Any_Lamp | Broken]:
    """A fall it survives on a carpet only."""
    return Step(state if terms > 100 else Broken())


@LAMP.row
def falls_apart(terms: float, state: Lit, given: facts.SwapRefused) -> Step[Dark]:
    """A handler with a mistake."""
    raise ZeroDivisionError


class Lamp(Machine):
    """A machine of two states."""

    _table = LAMP

    def __init__(self, terms: float = 10.0) -> None:
        super().__init__(terms, Dark())

    @property
    def state(self) -> State:
        """What it is now."""
        return self._state

    def _interpret(self, state: State, fact: Fact) -> object | None:
        return None if isinstance(fact, facts.ResponseReceived) else fact


def lit(terms: float = 10.0) -> Lamp:
    lamp = Lamp(terms)
    lamp.handle(facts.AccessRequested(now=0))
    return lamp


def test_a_step_has_the_state_after_it_and_the_machine_takes_that_state() -> None:
    lamp = Lamp()
    step: Step[Any] = lamp.handle(facts.AccessRequested(now=5))
    assert step == Step(Lit(15.0), (LOAD,), ())
    assert lamp.state is step.state and lamp.wake_at == 15.0


def test_a_deadline_that_is_due_is_settled_before_the_fact_in_one_step() -> None:
    step: Step[Any] = lit().handle(facts.AccessRequested(now=10))
    assert step == Step(Lit(20.0), (REFUSE, LOAD), (OUT,))


def test_a_deadline_that_is_not_due_is_left_alone() -> None:
    lamp = lit()
    with pytest.raises(LocalProtocolError):
        lamp.handle(facts.AccessRequested(now=9.9))
    assert lamp.handle(facts.TimeReached(now=9.9)).state is lamp.state
    assert lamp.wake_at == 10.0


def test_the_alarm_itself_is_taken_once() -> None:
    assert lit().handle(facts.TimeReached(now=99)) == Step(Dark(), (REFUSE,), (OUT,))


def test_nothing_changes_when_a_fact_does_not_fit_not_even_a_deadline_that_was_due() -> None:
    lamp = lit()
    before = lamp.state
    with pytest.raises(
        LocalProtocolError, match="the lamp cannot take StoreFailed in state Dark; it takes AccessRequested, Close"
    ):
        lamp.handle(facts.StoreFailed(error=StoreError("gone"), now=50))
    assert lamp.state is before


def test_nothing_changes_when_a_handler_fails() -> None:
    lamp = lit()
    before = lamp.state
    with pytest.raises(ZeroDivisionError):
        lamp.handle(facts.SwapRefused(now=1))
    assert lamp.state is before


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_none_is_refused(now: float) -> None:
    lamp = lit()
    before = lamp.state
    with pytest.raises(LocalProtocolError, match="finite number"):
        lamp.handle(facts.TimeReached(now=now))
    assert lamp.state is before


def test_a_fact_that_came_too_late_to_matter_changes_nothing_but_a_due_deadline() -> None:
    late = facts.ResponseReceived(exchange="old", response=HTTPResponse(status=200), now=1)
    lamp = lit()
    before = lamp.state
    assert lamp.handle(late) == Step(before)
    due = facts.ResponseReceived(exchange="old", response=HTTPResponse(status=200), now=11)
    assert lamp.handle(due) == Step(Dark(), (REFUSE,), (OUT,))


def test_a_row_is_read_from_the_annotations_of_its_handler() -> None:
    rows = {(row.state, row.input): row for row in LAMP}
    assert rows[(Lit, facts.TimeReached)].leads_to == (Lit, Dark)
    assert LAMP.find(Dark, facts.AccessRequested) is rows[(Dark, facts.AccessRequested)]
    assert LAMP.find(Lit, facts.AccessRequested) is None


def test_a_constrained_variable_and_a_union_stand_for_a_row_each_and_lead_back_to_the_same_state() -> None:
    for state in (Dark, Lit):
        for given in (facts.Close, facts.RevocationRequested):
            row = LAMP.find(state, given)
            assert row is not None and row.leads_to == (state, Broken)
    assert LAMP.find(Broken, facts.Close) is None


def test_a_state_without_rows_takes_nothing() -> None:
    with pytest.raises(LocalProtocolError, match="in state Broken; it takes nothing"):
        LAMP.step(10.0, Broken(), facts.Close(now=0))
