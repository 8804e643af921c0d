"""Where the boxes and arrows of a picture go. Plain geometry, in pixels; the same graph gives the same picture.

What belongs here: places, curves and labels that keep out of each other's way. What does not: any format.

Boxes have places given by hand below, since a person knows better than a formula what belongs together; a state without
one goes into a row of its own at the bottom. Each arrow then tries bends and places for its label, and takes the
cheapest: not through a box, not over a label, rarely across another arrow, rather straight than bent.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from .diagram_graph import Arrow, Graph

COLUMN, ROW, MARGIN = 300.0, 132.0, 70.0
LINE, GLYPH = 14.0, 7.0

PLACES: dict[str, tuple[int, int]] = {
    "Ready": (0, 0),
    "AwaitingCallback": (1, 0),
    "Requesting": (2, 0),
    "Active": (3, 0),
    "Failed": (1, 1),
    "GrantInDoubt": (1, 2),
    "Deferred": (2, 2),
    "Expired": (3, 1),
    "Watching": (0, 0),
    "Dormant": (0, 2),
    "Revoking": (0, 3),
    "Erasing": (0, 4),
    "Forgetting": (0, 5),
    "InDoubt": (1, 0),
    "Loading": (1, 2),
    "NeedsAuthorization": (1, 5),
    "Claiming": (2, 1),
    "Settling": (2, 3),
    "Resting": (2, 5),
    "Exchanging": (3, 0),
    "Committing": (3, 2),
    "Live": (3, 4),
    "Closed": (3, 5),
}
BENDS = (0.0, 28.0, -28.0, 60.0, -60.0, 100.0, -100.0, 150.0, -150.0, 210.0, -210.0)
LABEL_AT = (14, 11, 17, 12, 16, 9, 19, 7, 21)
STEPS = 28

Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle around its middle."""

    x: float
    y: float
    width: float
    height: float

    def holds(self, point: Point, margin: float = 0.0) -> bool:
        """Whether the point is in it."""
        return abs(point[0] - self.x) < self.width / 2 + margin and abs(point[1] - self.y) < self.height / 2 + margin

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        wide = (self.width + other.width) / 2 - abs(self.x - other.x)
        high = (self.height + other.height) / 2 - abs(self.y - other.y)
        return wide * high if wide > 0 and high > 0 else 0.0


class Curve(NamedTuple):
    """A quadratic Bézier curve from border to border: its points, the box around them, and where its label is."""

    arrow: Arrow
    points: tuple[Point, ...]
    control: Point
    around: Box
    label: Box


def places(graph: Graph, sizes: dict[str, tuple[float, float]]) -> dict[str, Box]:
    """The boxes of the states; columns and rows that nobody needs are closed up."""
    unplaced = [state for state in graph.states if state not in PLACES]
    bottom = max(row for _, row in PLACES.values()) + 1
    grid = {state: PLACES[state] for state in graph.states if state in PLACES}
    grid |= {state: (column, bottom) for column, state in enumerate(unplaced)}
    columns = sorted({column for column, _ in grid.values()})
    rows = sorted({row for _, row in grid.values()})
    return {
        state: Box(MARGIN * 1.6 + columns.index(column) * COLUMN, MARGIN + rows.index(row) * ROW, *sizes[state])
        for state, (column, row) in grid.items()
    }


def route(arrows: Iterable[Arrow], boxes: dict[str, Box]) -> list[Curve]:
    """A curve for each arrow, the short ones first; then each once more, now that all the others are known."""
    waiting = sorted(arrows, key=lambda arrow: _distance(boxes[arrow.source], boxes[arrow.target]))
    curves: dict[Arrow, Curve] = {}
    for arrow in (*waiting, *waiting):
        curves.pop(arrow, None)
        curves[arrow] = _cheapest(arrow, boxes, list(curves.values()))
    return [curves[arrow] for arrow in waiting]


def _distance(a: Box, b: Box) -> float:
    return math.hypot(a.x - b.x, a.y - b.y)


def _cheapest(arrow: Arrow, boxes: dict[str, Box], others: list[Curve]) -> Curve:
    best, price = _curve(arrow, boxes, BENDS[0]), math.inf
    for bend in BENDS:
        curve = _curve(arrow, boxes, bend)
        cost = abs(bend) / 2 + _cost_of_line(curve, boxes, others)
        for place in LABEL_AT if cost < price else ():
            label = _label(arrow, curve.points[place])
            total = cost + _cost_of_label(label, boxes, others)
            if total < price:
                best, price = curve._replace(label=label), total
    return best


def _curve(arrow: Arrow, boxes: dict[str, Box], bend: float) -> Curve:
    points, control = _bent(boxes[arrow.source], boxes[arrow.target], bend)
    return Curve(arrow, points, control, _around(points), _label(arrow, points[STEPS // 2]))


def _label(arrow: Arrow, at: Point) -> Box:
    return Box(*at, max(map(len, arrow.inputs)) * GLYPH + 2, len(arrow.inputs) * LINE + 4)


def _around(points: tuple[Point, ...]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, max(xs) - min(xs) + 8, max(ys) - min(ys) + 8)


def _bent(start: Box, end: Box, bend: float) -> tuple[tuple[Point, ...], Point]:
    length = _distance(start, end)
    across = ((start.y - end.y) / length, (end.x - start.x) / length)
    control = ((start.x + end.x) / 2 + across[0] * bend * 2, (start.y + end.y) / 2 + across[1] * bend * 2)
    return _clip((start.x, start.y), control, (end.x, end.y), start, end)


def _at(a: Point, control: Point, b: Point, t: float) -> Point:
    u = 1 - t
    return (
        u * u * a[0] + 2 * u * t * control[0] + t * t * b[0],
        u * u * a[1] + 2 * u * t * control[1] + t * t * b[1],
    )


def _clip(a: Point, control: Point, b: Point, start: Box, end: Box) -> tuple[tuple[Point, ...], Point]:
    """The part of the curve outside its two boxes, as points and with the control point of that part."""
    fine = [step / 100 for step in range(101)]
    first = next(t for t in fine if not start.holds(_at(a, control, b, t)))
    last = next(t for t in reversed(fine) if not end.holds(_at(a, control, b, t), 3.0))
    points = tuple(_at(a, control, b, first + (last - first) * step / STEPS) for step in range(STEPS + 1))
    middle = points[STEPS // 2]
    return points, (2 * middle[0] - (points[0][0] + points[-1][0]) / 2, 2 * middle[1] - (points[0][1] + points[-1][1]) / 2)


def _cost_of_line(curve: Curve, boxes: dict[str, Box], others: list[Curve]) -> float:
    ends = (curve.arrow.source, curve.arrow.target)
    foreign = (box for state, box in boxes.items() if state not in ends and box.overlap(curve.around))
    cost = 600.0 * sum(box.holds(point, 8.0) for box in foreign for point in curve.points)
    for other in others:
        if curve.around.overlap(other.around):
            cost += 60 * _crossings(curve.points, other.points)
            cost += 25 * sum(map(_near, curve.points, other.points))
            cost += 25 * sum(map(_near, curve.points, reversed(other.points)))
        if curve.around.overlap(other.label):
            cost += 40 * sum(other.label.holds(point, 2.0) for point in curve.points)
    return cost


def _cost_of_label(label: Box, boxes: dict[str, Box], others: list[Curve]) -> float:
    cost = 3.0 * sum(label.overlap(box) for box in boxes.values())
    for other in others:
        cost += 3.0 * label.overlap(other.label)
        if label.overlap(other.around):
            cost += 40 * sum(label.holds(point, 2.0) for point in other.points)
    return cost


def _near(one: Point, two: Point) -> bool:
    return abs(one[0] - two[0]) + abs(one[1] - two[1]) < 14


def _crossings(mine: tuple[Point, ...], theirs: tuple[Point, ...]) -> int:
    coarse = tuple(zip(mine[::4], mine[4::4], strict=False)), tuple(zip(theirs[::4], theirs[4::4], strict=False))
    return sum(_cross(*one, *two) for one in coarse[0] for two in coarse[1])


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) != _side(a, b, d) and _side(c, d, a) != _side(c, d, b)


def _side(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0])
