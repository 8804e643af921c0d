"""How every machine works: a table keyed (state, input), one handler per pair, and the one verb `handle`.

What belongs here: reading a row from its handler's annotations, looking a pair up, settling deadlines, taking a step as
a whole or not at all. What does not: any state, any input, any rule of OAuth.

A handler is a pure function `(terms, state, input) -> Step[Next | OtherNext]`. Its annotations *are* the row, so the
type checker checks the row and the diagrams are drawn from it.
"""

import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar, Union, get_args, get_origin

from attrs import frozen

from .._values.errors import LocalProtocolError
from .effects import Effect
from .events import Event
from .facts import Fact, TimeReached

_FAR = 1e11  # seconds: the year 5138; as milliseconds it would be 1973

S_co = TypeVar("S_co", covariant=True)
Handler = TypeVar("Handler", bound=Callable[..., "Step[Any]"])


@frozen
class Step(Generic[S_co]):
    """What one fact led to: the state after it, what to do now, and what happened."""

    state: S_co
    effects: tuple[Effect, ...] = ()
    events: tuple[Event, ...] = ()


class State(Protocol):
    """What every state has."""

    @property
    def wake_at(self) -> float | None:
        """Unix seconds at or after which `TimeReached` is due; None if nothing is."""
        ...


@frozen
class Row:
    """One row: in `state`, on `input`, `handler` leads to one of `leads_to`."""

    state: type
    input: type
    leads_to: tuple[type, ...]
    handler: Callable[..., Step[Any]]


class Table:
    """The law of one machine: its rows, filled by the decorator `row`, read by `step` and by the diagrams."""

    def __init__(self, name: str, initial: type, *parts: "Table") -> None:
        self.name = name
        self.initial = initial
        self._rows: dict[tuple[type, type], Row] = {}
        for part in parts:
            for row in part:
                self._add(row)

    def row(self, handler: Handler) -> Handler:
        """Add the handler's row. A union or constrained type variable as its state or input stands for several rows."""
        hints = handler.__annotations__
        _, state_hint, input_hint = (hints[name] for name in list(hints) if name != "return")
        for state in _members(state_hint):
            for item in _members(input_hint):
                self._add(Row(state, item, _leads_to(hints["return"], state), handler))
        return handler

    def _add(self, row: Row) -> None:
        key = (row.state, row.input)
        if key in self._rows:
            raise TypeError(f"two rows for {row.state.__name__} and {row.input.__name__} in the table of {self.name}")
        self._rows[key] = row

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def find(self, state: type, input_type: type) -> Row | None:
        """The row of that pair, or None: the pair is refused."""
        return self._rows.get((state, input_type))

    def step(self, terms: object, state: State, given: object) -> Step[Any]:
        """What `given` leads to in `state`.

        Raises:
            LocalProtocolError: no row for this pair.
        """
        row = self._rows.get((type(state), type(given)))
        if row is None:
            takes = ", ".join(sorted(r.input.__name__ for r in self if r.state is type(state))) or "nothing"
            raise LocalProtocolError(
                f"{self.name} cannot take {type(given).__name__} in state {type(state).__name__}; it takes {takes}"
            )
        return row.handler(terms, state, given)


def _members(hint: Any) -> tuple[type, ...]:
    if isinstance(hint, TypeVar):
        return hint.__constraints__
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(get_args(hint))
    return (hint,)


def _leads_to(hint: Any, state: type) -> tuple[type, ...]:
    (inner,) = get_args(hint)
    found: list[type] = []
    for member in get_args(inner) if get_origin(inner) in (Union, types.UnionType) else (inner,):
        found += [state] if isinstance(member, TypeVar) else [member]
    return tuple(dict.fromkeys(found))


class Machine(ABC):
    """One verb: `handle(fact)`. The state is a value; nothing is kept beside it."""

    _table: Table

    def __init__(self, terms: object, state: State) -> None:
        self._terms = terms
        self._state = state

    @property
    def wake_at(self) -> float | None:
        """Call `handle(TimeReached(now=...))` at or after this moment (Unix seconds), or never if None."""
        return self._state.wake_at

    def handle(self, fact: Fact) -> Step[Any]:
        """Take one fact: first settle a deadline that is due, then the fact itself.

        Returns:
            the step: its effects are to be performed in order, its events are for observers.

        Raises:
            LocalProtocolError: this state cannot take this fact. Nothing changed.
        """
        if not abs(fact.now) < _FAR:  # NaN too
            raise LocalProtocolError("`now` is Unix time in seconds: pass a finite number, not milliseconds")
        due = self._state.wake_at
        if due is not None and fact.now >= due and not isinstance(fact, TimeReached):
            step = self._then(self._take(self._state, TimeReached(now=fact.now)), fact)
        else:
            step = self._take(self._state, fact)
        self._state = step.state
        return step

    def _then(self, first: Step[Any], fact: Fact) -> Step[Any]:
        second = self._take(first.state, fact)
        return Step(second.state, first.effects + second.effects, first.events + second.events)

    def _take(self, state: State, fact: Fact) -> Step[Any]:
        given = self._interpret(state, fact)
        return Step(state) if given is None else self._table.step(self._terms, state, given)

    @abstractmethod
    def _interpret(self, state: State, fact: Fact) -> object | None:
        """The input that the fact stands for, its bytes read by the wire layer; None if it came too late to matter."""
