"""Diagrams drawn from the tables: a picture of the law that cannot say anything else than the law.

What belongs here: which arrows a table has, and their text as Mermaid. What does not: where an arrow is drawn
(`diagram_svg`), and any knowledge of a state beyond its name.
"""

from typing import NamedTuple

from .._values.errors import ConfigurationError
from .diagram_svg import draw
from .grants import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN
from .machine import Table
from .session_table import SESSION

_TABLES = {
    "client-credentials": CLIENT_CREDENTIALS,
    "authorization-code": AUTHORIZATION_CODE,
    "refresh-token": REFRESH_TOKEN,
    "session": SESSION,
}


class Arrow(NamedTuple):
    """From one state to another, or back to itself, on any of these inputs."""

    source: str
    target: str
    inputs: tuple[str, ...]


class Graph(NamedTuple):
    """A table as a picture needs it: the initial state first, then by distance; arrows in the order of their states."""

    title: str
    states: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    finals: tuple[str, ...]


def diagram(name: str, format: str = "mermaid") -> str:
    """The states of a machine and what leads from one to another, as a text that draws a picture.

    A row that can only stay where it is has no arrow; inputs with the same effect on the state share one.

    Args:
        name: `client-credentials`, `authorization-code`, `refresh-token` or `session`.
        format: `mermaid` (a `stateDiagram-v2`), or `svg` (a file of its own, for light and dark backgrounds).

    Raises:
        ConfigurationError: there is no such machine or format.
    """
    painters = {"mermaid": _mermaid, "svg": draw}
    if name not in _TABLES:
        raise ConfigurationError(f"there is no diagram of that name: choose one of {', '.join(_TABLES)}", code="diagram_name")
    if format not in painters:
        raise ConfigurationError(f"there is no such format: choose one of {', '.join(painters)}", code="diagram_format")
    return painters[format](graph_of(_TABLES[name]))


def graph_of(table: Table) -> Graph:
    """The arrows of a table, without those of states that nothing leads to."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in table:
        if row.leads_to != (row.state,):
            for target in row.leads_to:
                found.setdefault((row.state.__name__, target.__name__), set()).add(row.input.__name__)
    states = _nearest_first(table.initial.__name__, list(found))
    pairs = sorted((pair for pair in found if pair[0] in states), key=lambda pair: tuple(map(states.index, pair)))
    arrows = tuple(Arrow(source, target, tuple(sorted(found[source, target]))) for source, target in pairs)
    leaving = {arrow.source for arrow in arrows if arrow.source != arrow.target}
    finals = tuple(state for state in states if state not in leaving)
    return Graph(f"States of {table.name}", states, arrows, finals)


def _nearest_first(initial: str, pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    order = [initial]
    for state in order:  # grows while it is walked: breadth first
        order += dict.fromkeys(target for source, target in pairs if source == state and target not in order)
    return tuple(order)


def _mermaid(graph: Graph) -> str:
    lines = ["stateDiagram-v2", f"    accTitle: {graph.title}", f"    [*] --> {graph.states[0]}"]
    lines += [f"    {arrow.source} --> {arrow.target} : {', '.join(arrow.inputs)}" for arrow in graph.arrows]
    lines += [f"    {state} --> [*]" for state in graph.finals]
    return "\n".join(lines) + "\n"
