import copy
import pickle
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from tests.values.leaks import CANARY, leaks, raised, shown
from tropipay_oauth._values.errors import ConfigurationError, RemoteProtocolError
from tropipay_oauth._values.http import MAX_HEADERS, Headers, HTTPRequest, HTTPResponse
from tropipay_oauth._values.secret import Secret

URL = "https://www.tropipay.com/api/v3/access/token"


request: Callable[..., HTTPRequest] = partial(HTTPRequest, method="POST", url=URL)


def full_request() -> HTTPRequest:
    headers = {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "X-Own": CANARY, "Accept": "application/json"}
    return request(url=f"{URL}?state={CANARY}", headers=headers, body=CANARY.encode())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Headers({"authorization": CANARY, "Set-Cookie": CANARY, "Location": CANARY, "WWW-Authenticate": CANARY}),
        lambda: HTTPResponse(status=200, headers=[("Location", f"https://h/?code={CANARY}")], body=CANARY.encode()),
        lambda: request(headers={"Authorization": CANARY}, body=CANARY.encode()),
        lambda: request().with_header("Authorization", CANARY),
    ],
    ids=["Headers", "HTTPResponse", "HTTPRequest", "with_header"],
)
def test_messages_hide_what_may_be_secret(make: Callable[[], object]) -> None:
    assert not leaks(shown(make()))


def test_a_query_is_not_shown() -> None:
    assert not leaks(f"{full_request()}{[full_request()]!r}{pretty_repr(full_request())}")
    assert repr(full_request()) == (
        f"HTTPRequest(POST {URL}, Headers(Authorization: (hidden), Cookie: (hidden), X-Own: (hidden), "
        f"Accept: application/json), {len(CANARY)} bytes)"
    )


def test_a_response_shows_its_status_and_harmless_fields() -> None:
    response = HTTPResponse(status=429, headers=[("Retry-After", "5"), ("X", "y")], body=b"abc")
    assert repr(response) == "HTTPResponse(429, Headers(Retry-After: 5, X: (hidden)), 3 bytes)"


def test_shown_fields_cannot_steer_a_terminal_or_forge_a_log_line() -> None:
    shown_text = repr(Headers([("Server", "a\x9b31m\r\n\x1b]0;x" + "y" * 500), ("Server\n", "b")]))
    assert shown_text.isascii()
    assert shown_text.isprintable()
    assert len(shown_text) < 400


@pytest.mark.parametrize(
    "call",
    [
        lambda: request(method="get", headers={"A": CANARY}, body=CANARY.encode()),
        lambda: request(url=f"http://evil.com/?{CANARY}"),
        lambda: request(headers={"Authorization": CANARY + "\n"}),
        lambda: request(headers={"Authorization": CANARY.encode()}),
        lambda: request(headers=[("Authorization", CANARY, CANARY)]),
        lambda: request(body=CANARY),
        lambda: request().with_header("Authorization", CANARY + "\r\nX: y"),
        lambda: request().with_header("A b", CANARY),
        lambda: Headers([(CANARY, CANARY.encode())]),  # type: ignore[list-item]  # the very point
        lambda: HTTPResponse(status=0, headers={"A": CANARY}, body=CANARY.encode()),
        lambda: HTTPResponse(status=200, headers={"Set-Cookie": CANARY + "\n"}),
        lambda: HTTPResponse(status=200, body=CANARY),  # type: ignore[arg-type]  # the very point
    ],
)
def test_a_message_is_refused_without_being_shown(call: Callable[[], object]) -> None:
    assert not leaks(raised(call))


def test_header_fields_keep_their_order_and_are_found_without_regard_to_case() -> None:
    headers = Headers([("Set-Cookie", "a"), ("X", "1"), ("set-cookie", "b")])
    assert headers.get("SET-COOKIE") == "a"
    assert headers.get_all("SET-cookie") == ("a", "b")
    assert headers.get("absent") is None
    assert headers.get("absent", "d") == "d"
    assert "x" in headers
    assert "y" not in headers
    assert 5 not in headers
    assert list(headers) == [("Set-Cookie", "a"), ("X", "1"), ("set-cookie", "b")]
    assert len(headers) == 3


def test_headers_are_equal_when_their_fields_are() -> None:
    assert Headers({"a": "b"}) == Headers([("a", "b")]) == Headers(Headers([("a", "b")]))
    assert hash(Headers({"a": "b"})) == hash(Headers([("a", "b")]))
    assert Headers({"a": "b"}) != Headers({"A": "b"})
    assert Headers() != ()
    assert Headers().plus("a", "b") == Headers({"a": "b"})


@pytest.mark.parametrize(
    "pairs", [5, ["a"], [("a",)], [("a", "b", "c")], [("a", 5)], [(b"a", "b")], {"a": None}, {"a": Secret("b")}, [None]]
)
def test_a_field_is_two_texts_and_a_secret_is_never_sent_as_hidden(pairs: Any) -> None:
    with pytest.raises(ConfigurationError, match="reveal") as caught:
        Headers(pairs)
    assert caught.value.code == "header"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "a"),
        ("a b", "c"),
        ("a:", "b"),
        ("a\n", "b"),
        ("é", "a"),
        ("a", "b\r\nc: d"),
        ("a", "\x00"),
        ("a", "\x7f"),
        ("a", "é"),
    ],
)
def test_no_forbidden_character_is_sent(name: str, value: str) -> None:
    calls: list[Callable[[], object]] = [lambda: request(headers=[(name, value)]), lambda: request().with_header(name, value)]
    for call in calls:
        with pytest.raises(ConfigurationError, match="HTTP forbids") as caught:
            call()
        assert caught.value.code == "header"
    with pytest.raises(ConfigurationError):
        request().with_header("a", 5)  # type: ignore[arg-type]  # the very point


@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
def test_no_request_ever_holds_a_control_character(method: str, name: str, value: str) -> None:
    try:
        made = request(method=method or "GET", headers=[(name, value)])
    except ConfigurationError:
        return
    line = made.method + "".join(name + value for name, value in made.headers)
    assert not any((c < " " and c != "\t") or c > "~" for c in line)


@pytest.mark.parametrize("method", ["", "get", "GET ", "GET\r\n", "G ET", "X" * 33, "É", None, 5])
def test_a_method_is_upper_case_letters(method: Any) -> None:
    with pytest.raises(ConfigurationError, match="upper-case"):
        request(method=method)


@pytest.mark.parametrize("url", ["http://tropipay.com/", "/api", "https://u@h/", "https://h/#a", "https://h/\n", None])
def test_a_url_obeys_the_rules_for_endpoints(url: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^the request URL "):
        request(url=url)


def test_a_local_server_may_be_named_localhost() -> None:
    assert request(url="http://localhost:8080/").url == "http://localhost:8080/"


@pytest.mark.parametrize("body", ["text", None, bytearray(b"a"), 5])
def test_a_body_is_bytes(body: Any) -> None:
    for call in (lambda: request(body=body), lambda: HTTPResponse(status=200, body=body)):
        with pytest.raises(ConfigurationError, match="encode it") as caught:
            call()
        assert caught.value.code == "body"


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, None, "5"])
def test_a_timeout_is_a_finite_time(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="seconds"):
        request(timeout=timeout)


@pytest.mark.parametrize("size", [-1, 1.5, float("nan"), True, None])
def test_a_limit_of_the_body_is_a_number_of_bytes(size: Any) -> None:
    with pytest.raises(ConfigurationError, match="bytes"):
        request(max_body=size)


def test_a_request_tells_a_transport_everything_and_is_careful_by_default() -> None:
    made = request()
    assert (made.method, made.url, made.body, len(made.headers)) == ("POST", URL, b"", 0)
    assert (made.replayable, made.fresh_connection, made.timeout, made.max_body) == (False, False, 30.0, 1 << 20)


def test_copies_by_evolve_are_checked_again() -> None:
    made = request(headers={"A": "b"}, body=b"x", replayable=True)
    assert attrs.evolve(made) == made
    assert attrs.evolve(made, body=b"y").body == b"y"
    assert attrs.evolve(made, url="https://other/").headers == made.headers
    with pytest.raises(ConfigurationError):
        attrs.evolve(made, url="http://other/")


def test_a_request_with_one_more_field_is_otherwise_the_same() -> None:
    made = request(headers={"A": "b"}, body=b"x", replayable=True, fresh_connection=True, timeout=5.0, max_body=7)
    more = made.with_header("C", "d")
    assert more == attrs.evolve(made, headers=[("A", "b"), ("C", "d")])
    assert hash(more) == hash(attrs.evolve(more))
    assert list(made.headers) == [("A", "b")]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        more.url = "x"  # type: ignore[misc]  # the very point


def test_requests_and_responses_differ_by_their_bodies() -> None:
    assert request(body=b"a") != request(body=b"b")
    assert HTTPResponse(status=200, body=b"a") != HTTPResponse(status=200, body=b"b")
    assert HTTPResponse(status=200, body=b"a") == HTTPResponse(status=200, body=b"a")


def test_a_body_is_used_like_bytes_and_hidden_when_shown() -> None:
    body = HTTPResponse(status=200, body=CANARY.encode() * 20).body
    assert body == CANARY.encode() * 20
    assert body.decode() == CANARY * 20
    assert body[0] == ord("c")
    assert body[:3] == b"can"
    assert bytes(body) + b"x" == body + b"x"
    assert hash(body) == hash(bytes(body))
    assert repr(body) == str(body) == format(body) == "(480 bytes, hidden)"
    assert format(body[:3], ">20") == "   (3 bytes, hidden)"
    assert not leaks(pretty_repr({"body": body}, max_string=80))
    assert not leaks(raised(lambda: (lambda body: [][len(body)])(body)))


def test_a_body_is_copied_as_bytes() -> None:
    body = request(body=b"abc").body
    for copied in (copy.copy(body), copy.deepcopy(body), pickle.loads(pickle.dumps(body))):  # noqa: S301
        assert copied == b"abc"
    assert request(body=body).body is body


@pytest.mark.parametrize("status", [0, 99, 600, -1, True, None, "200", 200.0])
def test_a_status_is_between_100_and_599(status: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="100 to 599"):
        HTTPResponse(status=status)


def test_a_status_may_be_named() -> None:
    assert HTTPResponse(status=HTTPStatus.OK) == HTTPResponse(status=200)


@pytest.mark.parametrize(("name", "value"), [("a b", "c"), ("a", "\x00"), ("a", "b\nc"), ("a", "\u0100"), ("", "a")])
def test_a_response_with_forbidden_characters_is_refused(name: str, value: str) -> None:
    with pytest.raises(RemoteProtocolError, match="forbidden character"):
        HTTPResponse(status=200, headers=[(name, value)])


def test_a_response_may_have_latin_1_fields() -> None:
    assert HTTPResponse(status=200, headers=[("a", "caf\xe9")]).headers.get("a") == "caf\xe9"


def test_a_response_has_a_bounded_number_of_fields() -> None:
    assert len(HTTPResponse(status=200, headers=[("a", "b")] * MAX_HEADERS).headers) == MAX_HEADERS
    with pytest.raises(RemoteProtocolError, match="more than") as caught:
        HTTPResponse(status=200, headers=[("a", "b")] * (MAX_HEADERS + 1))
    assert caught.value.code == "header_limit"
