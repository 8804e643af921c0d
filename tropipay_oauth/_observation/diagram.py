"""Diagrams drawn from the tables: a picture of the law that cannot say anything else than the law.

What belongs here: which tables there are to draw, and Mermaid. What does not: which arrows a table has
(`diagram_graph`) and where an SVG puts them (`diagram_svg`).
"""

from .._law.grants.tables import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN
from .._law.session.table import SESSION
from .._values.errors import ConfigurationError
from .diagram_graph import Graph, graph_of
from .diagram_svg import draw

_TABLES = {
    "client-credentials": CLIENT_CREDENTIALS,
    "authorization-code": AUTHORIZATION_CODE,
    "refresh-token": REFRESH_TOKEN,
    "session": SESSION,
}


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


def _mermaid(graph: Graph) -> str:
    lines = ["stateDiagram-v2", f"    accTitle: {graph.title}", f"    [*] --> {graph.states[0]}"]
    lines += [f"    {arrow.source} --> {arrow.target} : {', '.join(arrow.inputs)}" for arrow in graph.arrows]
    lines += [f"    {state} --> [*]" for state in graph.finals]
    return "\n".join(lines) + "\n"
