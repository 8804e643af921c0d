"""The small server: bounded, strict, and the same on asyncio and trio."""

import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trustme
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.support import PATIENCE
from tropipay_oauth import HTTPRequest, HTTPResponse, TransportError
from tropipay_oauth_adapters._http1_server import Reception, Refusal
from tropipay_oauth_adapters.asyncio import AsyncioTransport
from tropipay_oauth_adapters.serve import Server, serve, serve_in_thread
from tropipay_oauth_adapters.sync import SyncTransport
from tropipay_oauth_adapters.trio import TrioTransport

BACKENDS: dict[str, Callable[[], Any]] = {"asyncio": AsyncioTransport, "trio": TrioTransport}


TEN = HTTPResponse(status=200, body=b"0123456789")


@frozen(kw_only=True)
class Faulty:
    """An answer with a fault."""

    response: HTTPResponse | None = TEN
    delay: float = 0.0
    drip: float = 0.0
    truncate_at: int | None = None


def echo(request: HTTPRequest, now: float) -> HTTPResponse:
    path = request.url.partition("://")[2].partition("/")[2]
    return HTTPResponse(status=200, headers={"X-Method": request.method}, body=f"/{path}|".encode() + request.body)


def raw(server: Server, *pieces: bytes) -> bytes:
    """What the server answers to these bytes, until it closes."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as sock:
        for piece in pieces:
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def call(server: Server, path: str = "/", method: str = "GET", **parts: Any) -> HTTPResponse:
    transport = SyncTransport()
    try:
        return transport.send(HTTPRequest(method=method, url=server.url + path, timeout=PATIENCE, **parts))
    finally:
        transport.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_serves_on_either_backend_and_closes_its_port(backend: str) -> None:
    async def main() -> int:
        transport = BACKENDS[backend]()
        async with serve(echo) as server:
            for i in range(3):
                request = HTTPRequest(method="POST", url=f"{server.url}/{i}?q", body=b"in", timeout=PATIENCE)
                response = await transport.send(request)
                assert (response.status, response.body, response.headers.get("X-Method")) == (200, f"/{i}?q|in".encode(), "POST")
            assert (server.connections, server.requests, server.open) == (1, 3, 1)
        await transport.aclose()
        return server.port

    port = anyio.run(main, backend=backend)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_error_in_the_block_leaves_it_as_it_is(backend: str) -> None:
    async def main() -> None:
        async with serve(echo):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_coroutine_function_may_answer(backend: str) -> None:
    async def answer(request: HTTPRequest, now: float) -> HTTPResponse:
        await anyio.lowlevel.checkpoint()
        return HTTPResponse(status=204)

    async def main() -> HTTPResponse:
        transport = BACKENDS[backend]()
        async with serve(answer) as server:
            response: HTTPResponse = await transport.send(HTTPRequest(method="GET", url=server.url, timeout=PATIENCE))
        await transport.aclose()
        return response

    assert anyio.run(main, backend=backend).status == 204


def test_it_serves_in_a_thread() -> None:
    with serve_in_thread(echo) as server:
        assert call(server, "/x", body=b"y", method="PUT").body == b"/x|y"


def test_it_serves_over_tls() -> None:
    authority = trustme.CA()
    there, here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(there)
    authority.configure_trust(here)
    with serve_in_thread(echo, ssl_context=there) as server:
        transport = SyncTransport(ssl_context=here)
        assert transport.send(HTTPRequest(method="GET", url=f"{server.url}/s", timeout=PATIENCE)).body == b"/s|"
        transport.close()


def test_a_response_to_head_has_no_body() -> None:
    with serve_in_thread(echo) as server:
        response = call(server, "/x", method="HEAD")
    assert (response.body, response.headers.get("Content-Length")) == (b"", "3")


def test_the_handlers_framing_is_put_right() -> None:
    wrong = HTTPResponse(status=200, headers={"Content-Length": "99", "Transfer-Encoding": "chunked"}, body=b"right")
    with serve_in_thread(lambda request, now: wrong) as server:
        assert call(server).body == b"right"


@pytest.mark.parametrize("headers", [{"X": " padded "}, {"X": "a"}])
def test_a_handler_that_fails_is_a_500_and_the_server_goes_on(headers: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    def answer(request: HTTPRequest, now: float) -> HTTPResponse:
        if headers["X"] == "a":
            raise LookupError("bug")
        return HTTPResponse(status=200, headers=headers)

    with serve_in_thread(answer) as server:
        assert [call(server).status for _ in range(2)] == [500, 500]


def test_a_connection_is_closed_when_the_handler_says_so() -> None:
    closing_response = HTTPResponse(status=200, headers={"Connection": "close"})
    transport = SyncTransport()
    with serve_in_thread(lambda request, now: closing_response) as server:
        for _ in range(2):
            transport.send(HTTPRequest(method="GET", url=server.url, timeout=PATIENCE))
        assert server.connections == 2
    transport.close()


def test_the_faults_of_a_sandbox() -> None:
    answers = {"/ok": Faulty(), "/late": Faulty(delay=0.01), "/drop": Faulty(response=None), "/cut": Faulty(truncate_at=4)}
    answers["/drip"] = Faulty(drip=0.001)
    with serve_in_thread(lambda request, now: answers[request.url[request.url.rindex("/") :]]) as server:
        assert call(server, "/ok").body == call(server, "/late").body == call(server, "/drip").body == b"0123456789"
        for path in ("/drop", "/cut"):
            with pytest.raises(TransportError) as caught:
                call(server, path)
            assert caught.value.code == "connection_closed"
        assert raw(server, b"GET /cut HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").endswith(b"\r\n\r\n0123")


def test_a_cut_beyond_the_end_cuts_nothing() -> None:
    with serve_in_thread(lambda request, now: Faulty(truncate_at=10)) as server:
        assert call(server).body == b"0123456789"


def test_too_many_connections_are_closed() -> None:
    with serve_in_thread(echo, max_connections=1) as server:
        transport = SyncTransport()
        transport.send(HTTPRequest(method="GET", url=server.url, timeout=PATIENCE))
        with pytest.raises(TransportError):
            call(server)
        transport.close()


def test_a_client_that_sends_nothing_is_not_waited_for() -> None:
    with serve_in_thread(echo, timeout=0.1) as server, closing(socket.create_connection(("127.0.0.1", server.port))) as sock:
        sock.settimeout(PATIENCE)
        sock.sendall(b"GET / HTTP/1.1\r\n")
        assert sock.recv(1) == b""


def test_a_client_that_takes_nothing_is_not_waited_for() -> None:
    huge = HTTPResponse(status=200, body=b"x" * (64 << 20))
    with serve_in_thread(lambda request, now: huge, timeout=0.2) as server:
        with closing(socket.create_connection(("127.0.0.1", server.port))) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            sock.settimeout(PATIENCE)
            assert sock.recv(1) == b"H"
        assert call_after_stop(server) == 1


def call_after_stop(server: Server) -> int:
    return server.requests


# -- What arrives --------------------------------------------------------------------------------------------------

GOOD = b"POST /a?b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nhi"


def seen(pieces: list[bytes], *, max_body: int = 10) -> list[object]:
    """The requests, and how it ended."""
    reception, found = Reception("http", max_body=max_body), list[object]()
    try:
        for piece in [*pieces, b""]:
            reception.feed(piece)
            while (request := reception.next()) is not None:
                found.append((request.method, request.url, tuple(request.headers), request.body))
                if not reception.reply(HTTPResponse(status=200))[1]:
                    return [*found, "closed"]
    except Refusal as refusal:
        return [*found, refusal.status]
    return [*found, "over" if reception.over else "stuck"]


def test_requests_one_after_the_other_are_all_answered() -> None:
    found = seen([GOOD * 3])
    assert len(found) == 4
    assert found[0] == found[2]
    assert found[-1] == "over"


FRAGMENTS = st.sampled_from(
    [
        GOOD,
        b"GET / HTTP/1.1\r\n",
        b"get / HTTP/1.1\r\n",
        b"GET / HTTP/1.0\r\n",
        b"GET http://a/ HTTP/1.1\r\n",
        b"GET /\xff HTTP/1.1\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n",
        b"Host: 127.0.0.1\r\n",
        b"Host: evil.example\r\n",
        b"Host: localhost:1\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: 11\r\n",
        b"Connection: close\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
        b"Expect: 100-continue\r\n",
        b"X: \xff\r\n",
        b"1\r\na\r\n0\r\n\r\n",
        b"\r\n",
        b"\n",
        b"abc",
        b"\x00",
    ]
)


@given(wire=st.lists(st.one_of(FRAGMENTS, st.binary(max_size=6)), max_size=10).map(b"".join), cut=st.integers(1, 50))
def test_any_bytes_are_the_same_requests_however_they_are_cut(wire: bytes, cut: int) -> None:
    whole = seen([wire] if wire else [])
    assert whole == seen([wire[i : i + 1] for i in range(len(wire))])
    assert whole == seen([wire[i : i + cut] for i in range(0, len(wire), cut)])


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \xff\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", 400),
        (b"GET /" + b"x" * 70_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
        (GOOD.replace(b"Length: 2", b"Length: 11") + b"x" * 9, 413),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 200_000, 413),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ],
)
def test_what_is_refused(wire: bytes, status: int) -> None:
    assert seen([wire]) == [status]
    with serve_in_thread(echo, max_body=10) as server:
        assert raw(server, wire).startswith(f"HTTP/1.1 {status} ".encode()) or status in (413, 431)
        assert call(server, "/still-there").body == b"/still-there|"
