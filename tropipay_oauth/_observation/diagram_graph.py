"""What a picture of a table shows: its states and the arrows between them.

What belongs here: reading a table as a graph. What does not: any format (`diagram`, `diagram_svg`).
"""

from typing import NamedTuple

from .._law.machine import Table


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
