"""The sans-I/O exchange: the same bytes give the same outcome however they are cut, and no outcome is undocumented."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropipay_oauth import Delivery, HTTPRequest, HTTPResponse, TransportError
from tropipay_oauth.errors import ConfigurationError, RemoteProtocolError, TropiPayOAuthError
from tropipay_oauth_adapters._http1 import MAX_HEAD, Exchange, Place, place_of

URL = "https://api.example/api/v3/users/profile?x=1"


def exchange(method: str = "GET", max_body: int = 1000, **parts: object) -> Exchange:
    made = Exchange(HTTPRequest(method=method, url=URL, max_body=max_body, **parts))  # type: ignore[arg-type]  # test shorthand
    made.started()
    return made


def outcome(pieces: list[bytes], *, max_body: int = 1000, method: str = "GET") -> object:
    """The response, or what the error says."""
    made = exchange(method, max_body)
    try:
        for piece in [*pieces, b""]:
            response = made.receive(piece)
            if response is not None:
                return response
    except (TransportError, RemoteProtocolError) as error:
        return type(error), error.code, str(error)
    raise AssertionError("neither a response nor an error after the end of the stream")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
UNTIL_END = b"HTTP/1.0 200 OK\r\n\r\nhello"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK


@pytest.mark.parametrize("wire", [OK, CHUNKED, UNTIL_END, INTERIM])
def test_a_response_is_read_whole_or_byte_by_byte(wire: bytes) -> None:
    whole = outcome([wire])
    assert isinstance(whole, HTTPResponse)
    assert (whole.status, whole.body) == (200, b"hello")
    assert outcome([wire[i : i + 1] for i in range(len(wire))]) == whole


FRAGMENTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.0 503 No\r\n",
        b"HTTP/1.1 204\r\n",
        b"HTTP/1.1 999 X\r\n",
        b"HTTP/1.1 abc\r\n",
        b"HTTP/2 200\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 7\r\n",
        b"Content-Length: " + b"9" * 30 + b"\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"X: \xff\x80\r\n",
        b"X: \x01\r\n",
        b"X : y\r\n",
        b" folded\r\n",
        b"5\r\nhello\r\n",
        b"5;ext=" + b"a" * 40 + b"\r\nhello\r\n",
        b"0\r\n\r\n",
        b"0\r\nTrailer: a\r\n\r\n",
        b"ffffffffffffffffffffffff\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"hello",
        b"\x00",
        b"z" * 50,
    ]
)
WIRE = st.one_of(st.lists(st.one_of(FRAGMENTS, st.binary(max_size=8)), max_size=12).map(b"".join), st.binary(max_size=200))


@given(
    wire=WIRE,
    cuts=st.lists(st.integers(0, 400), max_size=6),
    max_body=st.sampled_from([0, 4, 5, 1000]),
    method=st.sampled_from(["GET", "HEAD"]),
)
def test_any_bytes_give_one_documented_outcome_however_they_are_cut(
    wire: bytes, cuts: list[int], max_body: int, method: str
) -> None:
    whole = outcome([wire] if wire else [], max_body=max_body, method=method)
    single = outcome([wire[i : i + 1] for i in range(len(wire))], max_body=max_body, method=method)
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    pieces = [wire[a:b] for a, b in pairwise(edges)]
    assert whole == single == outcome(pieces, max_body=max_body, method=method)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"", "connection_closed"),
        (b"HTTP/1.1 200", "connection_closed"),
        (OK[:-1], "connection_closed"),
        (CHUNKED[:-1], "connection_closed"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "connection_closed"),
    ],
)
def test_a_response_cut_off_is_ambiguous(wire: bytes, code: str) -> None:
    made = exchange()
    if wire:
        assert made.receive(wire) is None
    with pytest.raises(TransportError) as caught:
        made.receive(b"")
    assert (caught.value.code, caught.value.delivery) == (code, Delivery.AMBIGUOUS)


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
    ],
)
def test_what_is_no_http_is_named_so(wire: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        exchange().receive(wire)
    assert caught.value.code == "malformed_http"


def test_a_status_beyond_599_is_refused() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        exchange().receive(b"HTTP/1.0 700 Odd\r\nContent-Length: 0\r\n\r\n")
    assert caught.value.code == "status"


def test_too_many_header_fields_are_refused_even_at_the_end_of_the_stream() -> None:
    made = exchange()
    assert made.receive(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 201 + b"\r\n") is None
    with pytest.raises(RemoteProtocolError) as caught:
        made.receive(b"")
    assert caught.value.code == "header_limit"


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD,
        b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_HEAD // 20),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * (2 * MAX_HEAD + 8000),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 30_000,
    ],
)
def test_whatever_has_no_end_is_stopped_at_its_bound(wire: bytes) -> None:
    assert outcome([wire])[1] == "response_too_large"  # type: ignore[index]  # it is an error's triple
    assert outcome([wire[i : i + 997] for i in range(0, len(wire), 997)]) == outcome([wire])


def test_the_body_may_be_as_long_as_the_bound() -> None:
    assert isinstance(outcome([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000]), HTTPResponse)


@pytest.mark.parametrize(
    ("wire", "reusable"),
    [
        (OK, True),
        (CHUNKED, True),
        (UNTIL_END, False),
        (OK.replace(b"X-A: b", b"Connection: close"), False),
        (OK.replace(b"1.1", b"1.0"), False),
        (OK + b"HTTP/1.1 200 OK", False),
    ],
)
def test_a_connection_is_used_again_only_if_both_sides_are_done_with_it(wire: bytes, reusable: bool) -> None:
    made = exchange()
    if made.receive(wire) is None:
        made.receive(b"")
    assert made.reusable is reusable


def test_bytes_beyond_the_bound_after_a_response_forbid_reuse() -> None:
    made = exchange(max_body=0)
    head = b"HTTP/1.1 204 No\r\nX: " + b"x" * (MAX_HEAD - 24) + b"\r\n\r\n"
    assert len(head) == MAX_HEAD
    assert made.receive(head + b"more") is not None
    assert made.reusable is False


def test_a_response_to_head_has_no_body() -> None:
    assert outcome([OK.replace(b"hello", b"")], method="HEAD") == HTTPResponse(
        status=200, headers=[("content-length", "5"), ("x-a", "b")]
    )


def test_the_request_is_written_as_rfc_9112_says() -> None:
    made = Exchange(
        HTTPRequest(method="POST", url="https://api.example:8443?q=/1", headers={"X-A": "b"}, body=b"{}", fresh_connection=True)
    )
    assert made.outgoing == (
        b"POST /?q=/1 HTTP/1.1\r\nHost: api.example:8443\r\nX-A: b\r\nAccept-Encoding: identity\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
    )


def test_a_caller_may_ask_for_an_encoding_and_gets_it_as_it_is() -> None:
    made = Exchange(HTTPRequest(method="GET", url="https://api.example", headers={"accept-encoding": "gzip"}))
    assert made.outgoing == b"GET / HTTP/1.1\r\nHost: api.example\r\naccept-encoding: gzip\r\n\r\n"


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "Expect"])
def test_framing_is_the_transports_own(name: str) -> None:
    with pytest.raises(ConfigurationError, match="transport's own"):
        exchange(headers={name: "1"})


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_methods_that_are_no_exchange_are_refused(method: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        exchange(method)
    assert caught.value.code == "method"


def test_a_header_that_http_does_not_carry_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ConfigurationError) as caught:
        exchange(headers={"X": " padded "})
    assert caught.value.code == "header"


def test_delivery_is_ambiguous_from_the_moment_the_bytes_are_handed_over_and_stays_so() -> None:
    made = Exchange(HTTPRequest(method="GET", url=URL))
    assert made.failed("x", "y").delivery is Delivery.NOT_SENT
    made.started()
    made.restart()
    assert made.failed("x", "y").delivery is Delivery.AMBIGUOUS


@pytest.mark.parametrize(
    ("url", "place", "authority"),
    [
        ("https://Api.Example/x", Place("api.example", 443, True), "api.example"),
        ("https://api.example:444", Place("api.example", 444, True), "api.example:444"),
        ("http://[::1]:80/", Place("::1", 80, False), "[::1]"),
        ("http://127.0.0.1:8080?a", Place("127.0.0.1", 8080, False), "127.0.0.1:8080"),
    ],
)
def test_the_place_of_a_request_is_its_origin(url: str, place: Place, authority: str) -> None:
    assert place_of(url) == place
    assert place.authority == authority


def test_no_error_shows_what_was_sent_or_received() -> None:
    secret = "canary-7f3a"
    made = exchange(headers={"Authorization": f"Bearer {secret}"})
    with pytest.raises(TropiPayOAuthError) as caught:
        made.receive(f"HTTP/1.1 200 OK\r\n{secret}\r\n\r\n".encode())
    assert secret not in repr(caught.value) + str(caught.value)
