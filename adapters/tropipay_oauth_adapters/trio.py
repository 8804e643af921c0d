"""TropiPay for trio.

What belongs here: what only this runtime can say (connect, read, write, wait, start a task). What does not: any
decision; those are in the engine, and what the runtimes share is in `_transport` and `_client`.
"""

import math
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import trio

from tropipay_oauth import HTTPRequest, HTTPResponse
from tropipay_oauth.errors import ConfigurationError

from ._async_client import AsyncClient
from ._connection import Connection, Deadline
from ._resolve import Address
from ._transport import Transport

T = TypeVar("T")

_PIECE = 1 << 16


class _Wire:
    def __init__(self, sock: trio.socket.SocketType) -> None:
        self._socket = sock

    async def write(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        while view:
            view = view[await self._socket.send(view) :]

    async def read(self, deadline: Deadline) -> bytes:
        return await self._socket.recv(_PIECE)

    def is_stale(self) -> bool:
        return self._socket.is_readable()

    def close(self) -> None:
        self._socket.close()


class TrioTransport(Transport):
    """HTTP/1.1 over trio's sockets. See `Transport` for its arguments."""

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Perform one request within `request.timeout` seconds, everything together.

        Raises:
            TransportError: no response; `delivery` tells whether the server may have seen the request.
            RemoteProtocolError: the response is malformed or too large.
        """
        return await self._send(request)

    async def aclose(self) -> None:
        """Close the idle connections."""
        self._pool.close()
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def _limit(self, seconds: float) -> AsyncIterator[Deadline]:
        with trio.move_on_after(seconds) as scope:
            yield Deadline(seconds)
        if scope.cancelled_caught:
            raise TimeoutError

    async def _lookup(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        over, token = trio.Event(), trio.lowlevel.current_trio_token()
        lookup = self._resolver.start(host, port, lambda: token.run_sync_soon(over.set))
        await over.wait()
        return lookup.result()

    async def _connect(self, address: Address, deadline: Deadline) -> Connection:
        family, place = address
        sock = trio.socket.socket(family, trio.socket.SOCK_STREAM)
        try:
            await sock.connect(place)
            sock.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return _Wire(sock)


class TropiPayClient(AsyncClient):
    """A TropiPay token that is never stale, and the API behind it, for trio. See `Client` for the arguments.

    Use it with `async with`: its tasks live in that block. Stores may be synchronous or asynchronous; a transport is any
    object with `async def send(request) -> HTTPResponse`.
    """

    _nursery: trio.Nursery | None = None

    def _make_transport(self) -> TrioTransport:
        return TrioTransport()

    def _signal(self) -> trio.Event:
        return trio.Event()

    async def _wait(self, signal: trio.Event, seconds: float | None) -> bool:
        with trio.move_on_after(math.inf if seconds is None else seconds):
            await signal.wait()
        return signal.is_set()

    def _unharmed(self, work: Callable[[], T]) -> T:
        return _without_interrupt(work)

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._nursery is None:
            raise ConfigurationError(
                "the trio client lives in a block: write 'async with TropiPayClient(...) as client'", code="runtime"
            )
        self._nursery.start_soon(self._run, work)

    @trio.lowlevel.enable_ki_protection
    async def _run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with trio.CancelScope(shield=True) as scope:  # the block's cancellation must not lose a token
            self._tasks.add(scope)
            try:
                await work()
            finally:
                self._tasks.discard(scope)

    def _abandon(self) -> None:
        for scope in self._tasks:
            scope.cancel()

    async def __aenter__(self) -> Self:
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            with trio.CancelScope(shield=True):
                await self.aclose()
        finally:
            self._nursery = None
            await self._manager.__aexit__(None, None, None)  # without the block's own error, which it would wrap


@trio.lowlevel.enable_ki_protection
def _without_interrupt(work: Callable[[], T]) -> T:
    return work()
