"""A graph as SVG: one file, no script, nothing from elsewhere, readable on light and on dark and by a screen reader.

What belongs here: how a picture looks, and which arrows it draws as lines. What does not: where they go
(`diagram_layout`).

The way of a token is drawn strongly, the rest in grey. A state that may also stay says so in its box. Of the session,
the arrows to `Forgetting` and `Closed`, and those that lead back from giving up, are no lines, since nearly every state
has them: each such state wears a badge, and the list below the picture names the inputs.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .diagram_graph import Arrow, Graph
from .diagram_layout import GLYPH, LINE, Box, Curve, Point, places, route

_STRONG = frozenset(
    {
        ("Ready", "AwaitingCallback"),
        ("Ready", "Requesting"),
        ("AwaitingCallback", "Requesting"),
        ("Requesting", "Active"),
        ("Active", "Expired"),
        ("Expired", "Requesting"),
        ("Dormant", "Loading"),
        ("Loading", "Claiming"),
        ("Claiming", "Exchanging"),
        ("Exchanging", "Committing"),
        ("Committing", "Live"),
        ("Live", "Loading"),
    }
)
_LEAVING = frozenset({"Forgetting", "Erasing", "Revoking"})
_BACK = ("Revoking", "Dormant")
_PAD = 36.0
_STYLE = """
    text { font: 11px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: #4c5566; text-anchor: middle }
    .name { font-size: 14px; font-weight: 600; fill: #1d2330 }
    .title { font-size: 17px; font-weight: 600; fill: #1d2330; text-anchor: start }
    .key, .list { text-anchor: start }
    .key, .badge text { font-weight: 700; fill: #1d2330 }
    .way { fill: #1d2330; font-weight: 600 }
    .paper { fill: #ffffff }
    .halo { fill: #ffffff; fill-opacity: 0.86 }
    .box, .badge rect { fill: #eef1f5; stroke: #7b8596; stroke-width: 1.2 }
    .badge rect { fill: #ffffff }
    path { fill: none; stroke: #97a0b0; stroke-width: 1.3 }
    path.strong { stroke: #1d2330; stroke-width: 2.2 }
    .head { fill: #97a0b0; stroke: none }
    .dot, .head.strong { fill: #1d2330; stroke: none }
    .ring { fill: none; stroke: #1d2330; stroke-width: 1.3 }
    @media (prefers-color-scheme: dark) {
      text { fill: #b3bccb }
      .name, .title, .key, .badge text, .way { fill: #eef1f6 }
      .paper { fill: #14171c }
      .halo { fill: #14171c }
      .box { fill: #262c36; stroke: #8a94a5 }
      .badge rect { fill: #14171c; stroke: #8a94a5 }
      path { stroke: #717b8b }
      path.strong { stroke: #e3e8f0 }
      .head { fill: #717b8b }
      .dot, .head.strong { fill: #e3e8f0 }
      .ring { stroke: #e3e8f0 }
    }
"""


class _Picture(NamedTuple):
    """All that is drawn, with its place."""

    graph: Graph
    boxes: dict[str, Box]
    curves: list[Curve]
    stays: dict[str, tuple[str, ...]]
    listed: list[Arrow]


def draw(graph: Graph) -> str:
    """The graph as an SVG document."""
    picture = _arrange(graph)
    left, top, right, bottom = _extent(picture)
    legend = list(_legend(picture.listed, left + _PAD, bottom + _PAD))
    x, y, width = left - _PAD, top - 2 * _PAD, right - left + 2 * _PAD
    height = bottom - y + 2 * _PAD + len(legend) * (LINE + 4)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x:.0f} {y:.0f} {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{graph.title}</title>',
        f'<desc id="desc">{_in_words(graph)}</desc>',
        f"<style>{_STYLE}</style>",
        f"<defs>{_head('head', '')}{_head('head-strong', ' strong')}</defs>",
        f'<rect class="paper" x="{x:.0f}" y="{y:.0f}" width="100%" height="100%"/>',
        f'<text class="title" x="{left:.0f}" y="{top - _PAD:.0f}">{graph.title}</text>',
        *(_line(curve) for curve in picture.curves),
        *_entry_and_exits(picture),
        *(part for state, box in picture.boxes.items() for part in _box(picture, state, box)),
        *(part for curve in picture.curves for part in _label(curve)),
        *legend,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _arrange(graph: Graph) -> _Picture:
    stays = {arrow.source: arrow.inputs for arrow in graph.arrows if arrow.source == arrow.target}
    moving = [arrow for arrow in graph.arrows if arrow.source != arrow.target]
    boxes = places(graph, {state: _size(state, stays.get(state, ())) for state in graph.states})
    curves = route((arrow for arrow in moving if not _is_listed(arrow)), boxes)
    return _Picture(graph, boxes, curves, stays, [arrow for arrow in moving if _is_listed(arrow)])


def _is_listed(arrow: Arrow) -> bool:
    if arrow.source in _LEAVING:
        return arrow.target not in _LEAVING and arrow[:2] != _BACK
    return arrow.target in ("Forgetting", "Closed")


def _size(state: str, stays: tuple[str, ...]) -> tuple[float, float]:
    widest = max((len(line) for line in _note(stays)), default=0)
    return max(len(state) * 8.6 + 26, widest * GLYPH + 14), 38 + len(_note(stays)) * LINE


def _note(stays: tuple[str, ...]) -> tuple[str, ...]:
    return ("may stay on", *stays) if stays else ()


def _extent(picture: _Picture) -> tuple[float, float, float, float]:
    boxes = [*picture.boxes.values(), *(curve.label for curve in picture.curves)]
    first = picture.boxes[picture.graph.states[0]]
    boxes.append(Box(first.x - first.width / 2 - 52, first.y, 12, 12))
    boxes += [Box(*point, 4, 4) for curve in picture.curves for point in curve.points]
    boxes += [Box(box.x, box.y + box.height / 2 + 42, 16, 16) for box in (picture.boxes[name] for name in picture.graph.finals)]
    return (
        min(box.x - box.width / 2 for box in boxes),
        min(box.y - box.height / 2 for box in boxes),
        max(box.x + box.width / 2 for box in boxes),
        max(box.y + box.height / 2 for box in boxes),
    )


def _head(name: str, style: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="head{style}" d="M 0 1 L 10 5 L 0 9 z"/></marker>'
    )


def _line(curve: Curve) -> str:
    strong = curve.arrow[:2] in _STRONG
    style, head = (' class="strong"', "head-strong") if strong else ("", "head")
    start, end = curve.points[0], curve.points[-1]
    return f'<path{style} d="M {_xy(start)} Q {_xy(curve.control)} {_xy(end)}" marker-end="url(#{head})"/>'


def _xy(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _entry_and_exits(picture: _Picture) -> Iterator[str]:
    first = picture.boxes[picture.graph.states[0]]
    left = first.x - first.width / 2
    yield f'<circle class="dot" cx="{left - 48:.1f}" cy="{first.y:.1f}" r="6"/>'
    yield f'<path class="strong" d="M {left - 42:.1f} {first.y:.1f} H {left - 2:.1f}" marker-end="url(#head-strong)"/>'
    for state in picture.graph.finals:
        box = picture.boxes[state]
        low = box.y + box.height / 2
        yield f'<path d="M {box.x:.1f} {low:.1f} V {low + 32:.1f}" marker-end="url(#head)"/>'
        yield f'<circle class="ring" cx="{box.x:.1f}" cy="{low + 40:.1f}" r="7"/>'
        yield f'<circle class="dot" cx="{box.x:.1f}" cy="{low + 40:.1f}" r="3.5"/>'


def _box(picture: _Picture, state: str, box: Box) -> Iterator[str]:
    left, top = box.x - box.width / 2, box.y - box.height / 2
    yield f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="9"/>'
    yield f'<text class="name" x="{box.x:.1f}" y="{top + 24:.1f}">{state}</text>'
    for number, line in enumerate(_note(picture.stays.get(state, ()))):
        yield f'<text x="{box.x:.1f}" y="{top + 39 + number * LINE:.1f}">{line}</text>'
    badges = [arrow.target[0] for arrow in picture.listed if arrow.source == state]
    for number, badge in enumerate(badges):
        x, y = box.x + box.width / 2 - 13 - (len(badges) - 1 - number) * 20, box.y + box.height / 2
        yield f'<g class="badge"><rect x="{x - 8:.1f}" y="{y - 8:.1f}" width="16" height="16" rx="5"/>'
        yield f'<text x="{x:.1f}" y="{y + 4:.1f}">{badge}</text></g>'


def _label(curve: Curve) -> Iterator[str]:
    box, style = curve.label, ' class="way"' if curve.arrow[:2] in _STRONG else ""
    left, top = box.x - box.width / 2, box.y - box.height / 2
    yield f'<rect class="halo" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4"/>'
    for number, line in enumerate(curve.arrow.inputs):
        yield f'<text{style} x="{box.x:.1f}" y="{top + 13 + number * LINE:.1f}">{line}</text>'


def _legend(listed: Iterable[Arrow], x: float, y: float) -> Iterator[str]:
    """Who goes to a state that is reached from nearly everywhere, grouped by target and inputs."""
    groups: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for arrow in listed:
        groups.setdefault(arrow.target, {}).setdefault(arrow.inputs, []).append(arrow.source)
    line = 0
    for target, by_inputs in groups.items():
        for number, (inputs, sources) in enumerate(by_inputs.items()):
            height = y + line * (LINE + 4)
            key = f"{target[0]}: to {target}" if number == 0 else ""
            yield (
                f'<text class="key" x="{x:.0f}" y="{height:.0f}">{key}</text>'
                f'<text class="list" x="{x + 130:.0f}" y="{height:.0f}">from {", ".join(sources)} on {" or ".join(inputs)}</text>'
            )
            line += 1


def _in_words(graph: Graph) -> str:
    said = [f"It begins in {graph.states[0]}."]
    said += [f"{arrow.source} to {arrow.target} on {' or '.join(arrow.inputs)}." for arrow in graph.arrows]
    said += [f"{state} is an end." for state in graph.finals]
    return " ".join(said)
