"""Diagrams say what the tables say: every arrow, nothing else, in a form that people and programs can read."""

import itertools
import re
from xml.etree import ElementTree

import pytest

from tropipay_oauth._law.grants.tables import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN
from tropipay_oauth._law.machine import Table
from tropipay_oauth._law.session.table import SESSION
from tropipay_oauth._observation.diagram_graph import Arrow, Graph, graph_of
from tropipay_oauth._observation.diagram_layout import PLACES, Box, places, route
from tropipay_oauth._observation.diagram_svg import draw
from tropipay_oauth.diagram import diagram
from tropipay_oauth.errors import ConfigurationError

TABLES = {
    "client-credentials": CLIENT_CREDENTIALS,
    "authorization-code": AUTHORIZATION_CODE,
    "refresh-token": REFRESH_TOKEN,
    "session": SESSION,
}
GOLDEN = {
    "client-credentials": """\
stateDiagram-v2
    accTitle: States of the client-credentials grant
    [*] --> Ready
    Ready --> Requesting : AccessRequested
    Requesting --> Deferred : NotProcessed, Unknown
    Requesting --> Active : Granted
    Requesting --> Expired : Granted
    Requesting --> Failed : Refused
    Deferred --> Requesting : AccessRequested
    Deferred --> Deferred : AccessRequested
    Active --> Active : TimeReached, TokenRejected
    Active --> Expired : TimeReached, TokenRejected
    Expired --> Requesting : AccessRequested
    Failed --> [*]
""",
    "authorization-code": """\
stateDiagram-v2
    accTitle: States of the authorization-code grant
    [*] --> Ready
    Ready --> AwaitingCallback : BeginAuthorization
    AwaitingCallback --> AwaitingCallback : CallbackRefused, TimeReached
    AwaitingCallback --> Requesting : CallbackValidated
    AwaitingCallback --> Failed : AuthorizationDenied, CallbackRefused, TimeReached
    Requesting --> Failed : Refused
    Requesting --> GrantInDoubt : Unknown
    Requesting --> Active : Granted
    Requesting --> Expired : Granted
    Requesting --> Deferred : NotProcessed
    Failed --> AwaitingCallback : BeginAuthorization
    GrantInDoubt --> AwaitingCallback : BeginAuthorization
    Active --> Active : TimeReached, TokenRejected
    Active --> Expired : TimeReached, TokenRejected
    Expired --> AwaitingCallback : BeginAuthorization
    Deferred --> Requesting : AccessRequested
    Deferred --> Deferred : AccessRequested
""",
    "refresh-token": """\
stateDiagram-v2
    accTitle: States of the refresh-token grant
    [*] --> Ready
    Ready --> Requesting : AccessRequested
    Requesting --> Deferred : NotProcessed, Unknown
    Requesting --> GrantInDoubt : Unknown
    Requesting --> Active : Granted
    Requesting --> Expired : Granted
    Requesting --> Failed : Refused
    Deferred --> Requesting : AccessRequested
    Deferred --> Deferred : AccessRequested
    Active --> Active : TimeReached, TokenRejected
    Active --> Expired : TimeReached, TokenRejected
    Expired --> Requesting : AccessRequested
    Expired --> Failed : AccessRequested
    GrantInDoubt --> [*]
    Failed --> [*]
""",
}
SVG = "{http://www.w3.org/2000/svg}"


def moves(table: Table) -> set[tuple[str, str, str]]:
    """Every (from, to, on) of the rows that states within reach have, found without the code under test."""
    reached, grown = {table.initial}, True
    while grown:
        targets = {target for row in table if row.state in reached for target in row.leads_to}
        grown, reached = not targets <= reached, reached | targets
    return {
        (row.state.__name__, target.__name__, row.input.__name__)
        for row in table
        if row.state in reached and row.leads_to != (row.state,)
        for target in row.leads_to
    }


def svg(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(diagram(name, "svg"))  # noqa: S314  # it is our own


@pytest.mark.parametrize("name", TABLES)
def test_mermaid_has_an_arrow_for_every_row_and_no_other(name: str) -> None:
    lines = re.findall(r"^    (\w+) --> (\w+) : (.+)$", diagram(name), re.MULTILINE)
    drawn = [(source, target, one) for source, target, inputs in lines for one in inputs.split(", ")]
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) == moves(TABLES[name])


@pytest.mark.parametrize("name", GOLDEN)
def test_mermaid_of_the_grants_is_what_it_was(name: str) -> None:
    assert diagram(name) == GOLDEN[name]


def test_mermaid_marks_the_beginning_and_the_ends() -> None:
    text = diagram("session", format="mermaid")
    assert re.findall(r"\[\*\] --> (\w+)", text) == ["Dormant"]
    assert re.findall(r"(\w+) --> \[\*\]", text) == ["Closed"]


@pytest.mark.parametrize("name", TABLES)
def test_svg_says_every_row_in_words(name: str) -> None:
    words = svg(name).findtext(f"{SVG}desc") or ""
    lines = re.findall(r"(\w+) to (\w+) on ([\w ]+)\.", words)
    said = {(source, target, one) for source, target, inputs in lines for one in inputs.split(" or ")}
    assert said == moves(TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_svg_draws_each_move_as_a_line_or_lists_it(name: str) -> None:
    graph = graph_of(TABLES[name])
    texts = [element.text or "" for element in svg(name).iter(f"{SVG}text")]
    lines = sum(element.get("d", "").count("Q") for element in svg(name).iter(f"{SVG}path"))
    listed = [text for text in texts if text.startswith("from ")]
    in_lists = sum(text.partition(" on ")[0].count(",") + 1 for text in listed)
    assert lines + in_lists == sum(arrow.source != arrow.target for arrow in graph.arrows)
    for arrow in graph.arrows:
        for one in arrow.inputs:
            assert any(one in text for text in texts)


@pytest.mark.parametrize("name", TABLES)
def test_svg_is_accessible_and_depends_on_nothing(name: str) -> None:
    root, text = svg(name), diagram(name, "svg")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    assert root.findtext(f"{SVG}title") == f"States of {TABLES[name].name}"
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"<script|<image|<foreignObject|href|@import|\bon\w+=", text)
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {"#head", "#head-strong"}


@pytest.mark.parametrize("name", TABLES)
def test_svg_keeps_everything_inside_its_frame(name: str) -> None:
    root = svg(name)
    x, y, width, height = map(float, (root.get("viewBox") or "").split())
    for text in root.iter(f"{SVG}text"):
        assert x < float(text.get("x", "nan")) < x + width
        assert y < float(text.get("y", "nan")) < y + height


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("format", ["mermaid", "svg"])
def test_a_diagram_is_the_same_each_time(name: str, format: str) -> None:
    assert diagram(name, format) == diagram(name, format)


@pytest.mark.parametrize("name", TABLES)
def test_no_box_covers_another_and_no_arrow_runs_through_one(name: str) -> None:
    graph = graph_of(TABLES[name])
    boxes = places(graph, dict.fromkeys(graph.states, (120.0, 52.0)))
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes.values(), 2))
    drawn = [arrow for arrow in graph.arrows if arrow.source != arrow.target and arrow.target not in ("Forgetting", "Closed")]
    for curve in route(drawn, boxes):
        foreign = [box for state, box in boxes.items() if state not in (curve.arrow.source, curve.arrow.target)]
        assert not any(box.holds(point) for box in foreign for point in curve.points), curve.arrow


@pytest.mark.parametrize("name", TABLES)
def test_every_state_has_a_place_of_its_own(name: str) -> None:
    spots = [PLACES[state] for state in graph_of(TABLES[name]).states]
    assert len(set(spots)) == len(spots)


def test_a_state_without_a_place_is_drawn_below_the_others() -> None:
    states = ("Ready", "New", "Newer")
    boxes = places(Graph("t", states, (), ()), dict.fromkeys(states, (10.0, 10.0)))
    assert boxes["New"].y == boxes["Newer"].y > boxes["Ready"].y
    assert boxes["New"].x != boxes["Newer"].x


def test_a_graph_of_new_states_can_be_drawn() -> None:
    arrows = (Arrow("Ready", "New", ("Here",)), Arrow("New", "New", ("There",)))
    root = ElementTree.fromstring(draw(Graph("t", ("Ready", "New"), arrows, ("New",))))  # noqa: S314  # it is our own
    assert {"Ready", "New", "Here", "There"} <= {text.text for text in root.iter(f"{SVG}text")}


def test_boxes_that_touch_do_not_overlap() -> None:
    assert Box(0, 0, 10, 10).overlap(Box(10, 0, 10, 10)) == 0
    assert Box(0, 0, 10, 10).overlap(Box(5, 5, 10, 10)) == 25


@pytest.mark.parametrize(("name", "format", "listed"), [("sessions", "svg", "client-credentials"), ("session", "png", "mermaid")])
def test_an_unknown_name_or_format_is_refused_with_the_right_ones(name: str, format: str, listed: str) -> None:
    with pytest.raises(ConfigurationError, match=listed):
        diagram(name, format)
