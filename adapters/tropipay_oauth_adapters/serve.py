"""A small HTTP/1.1 server on a loopback port, for the sandbox and for the callback of a sign-in.

What belongs here: accepting, bounds, deadlines, writing what a handler answers, on asyncio and on trio (anyio). What does
not: framing (`_http1_server`), what is answered (the handler). It is meant for tests and for one machine, not for the Internet.
"""

import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from inspect import isawaitable
from typing import Any, Protocol

import anyio
from anyio.abc import ByteStream, Listener, SocketAttribute
from anyio.from_thread import start_blocking_portal
from anyio.streams.tls import TLSListener

from tropipay_oauth import HTTPRequest, HTTPResponse

from ._clock import Clock
from ._http1_server import Reception, Refusal

_PIECE = 1 << 16
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError, TimeoutError)
_LOG = logging.getLogger("tropipay_oauth.serve")


class Answer(Protocol):
    """A response with faults, as `Sandbox.answer` gives it."""

    @property
    def response(self) -> HTTPResponse | None:
        """What to send; None closes the connection instead."""
        ...

    @property
    def delay(self) -> float:
        """Seconds to wait before it."""
        ...

    @property
    def drip(self) -> float:
        """Seconds to wait before each byte of the body."""
        ...

    @property
    def truncate_at(self) -> int | None:
        """Send only so many bytes of the body, then close."""
        ...


Answered = HTTPResponse | Answer
Handler = Callable[[HTTPRequest, float], Answered | Awaitable[Answered]]
"""Takes a request and Unix time in seconds; `Sandbox.handle` and `Sandbox.answer` are such."""


class Server:
    """A server that runs: `url`, `port`, and what it has seen so far."""

    def __init__(self, handler: Handler, scheme: str, *, max_body: int, max_connections: int, timeout: float) -> None:
        self.url = ""
        """Scheme, host and port."""
        self.port = 0
        self.connections = 0
        """How many connections were accepted so far."""
        self.requests = 0
        """How many requests were answered so far."""
        self.open = 0
        """How many connections are open now."""
        self._handler = handler
        self._scheme = scheme
        self._max_body = max_body
        self._max_connections = max_connections
        self._timeout = timeout
        self._clock = Clock()

    async def visit(self, stream: ByteStream) -> None:
        """Serve one connection to its end."""
        self.connections += 1
        self.open += 1
        try:
            async with stream:
                if self.open <= self._max_connections:
                    await self._converse(stream)
        except _GONE:  # the client is gone or too slow
            return
        finally:
            self.open -= 1

    async def _converse(self, stream: ByteStream) -> None:
        reception = Reception(self._scheme, max_body=self._max_body)
        goes_on = True
        while goes_on:
            try:
                with anyio.fail_after(self._timeout):
                    request = await _next_request(reception, stream)
            except Refusal as refusal:
                return await self._write(stream, refusal.reply)
            if request is None:
                return None
            goes_on = await self._answer(reception, stream, request)

    async def _answer(self, reception: Reception, stream: ByteStream, request: HTTPRequest) -> bool:
        self.requests += 1
        answered = await self._ask(request)
        if isinstance(answered, HTTPResponse):
            data, goes_on = reception.reply(answered)
            await self._write(stream, data)
            return goes_on
        await anyio.sleep(answered.delay)
        if answered.response is None:
            return False
        data, goes_on = reception.reply(answered.response, cut=answered.truncate_at)
        await (self._drip(stream, data, answered.drip) if answered.drip else self._write(stream, data))
        return goes_on

    async def _drip(self, stream: ByteStream, data: bytes, pause: float) -> None:
        head, end, body = data.partition(b"\r\n\r\n")
        await self._write(stream, head + end)
        for octet in body:
            await anyio.sleep(pause)
            await self._write(stream, bytes((octet,)))

    async def _ask(self, request: HTTPRequest) -> Answered:
        try:
            answered = self._handler(request, self._clock())
            return await answered if isawaitable(answered) else answered
        except Exception:  # one bad request must not end the server
            _LOG.exception("the handler failed")
            return HTTPResponse(status=500)

    async def _write(self, stream: ByteStream, data: bytes) -> None:
        with anyio.fail_after(self._timeout):
            await stream.send(data)


async def _next_request(reception: Reception, stream: ByteStream) -> HTTPRequest | None:
    while (request := reception.next()) is None and not reception.over:
        try:
            reception.feed(await stream.receive(_PIECE))
        except anyio.EndOfStream:
            reception.feed(b"")
    return request


@asynccontextmanager
async def serve(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
    max_body: int = 1 << 20,
    max_connections: int = 256,
    timeout: float = 30.0,  # noqa: ASYNC109  # it bounds each request, not this call
) -> AsyncIterator[Server]:
    """Serve a handler for the time of the block, under asyncio or trio.

    Args:
        handler: takes a request and the time, gives an `HTTPResponse` or an `Answer`; it may be a coroutine function.
        host: an IP literal of this machine.
        port: 0 takes a free one.
        ssl_context: serve https with it.
        max_body: bytes of a request's body.
        max_connections: more than so many at once are closed.
        timeout: seconds for a request to arrive, for a connection to be idle, and for an answer to be taken.
    """
    scheme = "http" if ssl_context is None else "https"
    server = Server(handler, scheme, max_body=max_body, max_connections=max_connections, timeout=timeout)
    inner = await anyio.create_tcp_listener(local_host=host, local_port=port, reuse_port=False)
    server.port = inner.extra_attributes[SocketAttribute.local_port]()
    server.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}"
    listener: Listener[Any] = inner if ssl_context is None else TLSListener(inner, ssl_context, standard_compatible=False)
    failure: Exception | None = None
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.visit)
        try:
            yield server
        except Exception as error:  # kept from the task group, which would wrap it
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


@contextmanager
def serve_in_thread(handler: Handler, **options: Any) -> Iterator[Server]:
    """As `serve`, in a thread of its own, for code without an event loop."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(handler, **options)) as server:
        yield server
