"""TropiPay for asyncio, and for everything that runs on its loop.

What belongs here: what only this runtime can say (connect, read, write, wait, start a task). What does not: any
decision; those are in the engine, and what the runtimes share is in `_transport` and `_client`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

from tropipay_oauth import HTTPRequest, HTTPResponse

from ._async_client import AsyncClient
from ._connection import Connection, Deadline
from ._resolve import Address
from ._transport import Transport

_ENOUGH = 1 << 18  # bytes that may wait to be read


class _Wire(asyncio.Protocol):
    """A stream whose end is seen while it is idle, and that is closed without awaiting anything."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._arrived = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # a stream's transport, whatever the loop

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        if len(self._arrived) > _ENOUGH:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._error = True, exc
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def write(self, data: bytes, deadline: Deadline) -> None:
        self._transport.write(data)  # into a lost connection it is dropped, and reading tells

    async def read(self, deadline: Deadline) -> bytes:
        while not self._arrived and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._arrived)
        self._arrived.clear()
        if not self._ended:
            self._transport.resume_reading()
        if not data and self._error is not None:
            raise self._error
        return data

    def is_stale(self) -> bool:
        return self._ended or bool(self._arrived) or self._transport.is_closing()

    def close(self) -> None:
        self._transport.abort()


class AsyncioTransport(Transport):
    """HTTP/1.1 over asyncio's transports. See `Transport` for its arguments."""

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
        await asyncio.sleep(0)  # lets the loop take the sockets down

    @asynccontextmanager
    async def _limit(self, seconds: float) -> AsyncIterator[Deadline]:
        async with asyncio.timeout(seconds):
            yield Deadline(seconds)

    async def _lookup(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        lookup = self._resolver.start(host, port, lambda: loop.call_soon_threadsafe(over.set))
        await over.wait()
        return lookup.result()

    async def _connect(self, address: Address, deadline: Deadline) -> Connection:
        family, place = address
        _, wire = await asyncio.get_running_loop().create_connection(_Wire, place[0], place[1], family=family)
        return wire


class _Task(asyncio.Task[None]):
    """The client's own task. The end of the loop (`asyncio.run` cancels all tasks) waits for what must not be lost."""

    def __init__(self, client: "TropiPayClient", work: Coroutine[Any, Any, None]) -> None:
        super().__init__(work, loop=asyncio.get_running_loop())
        self._client = client

    def cancel(self, msg: Any = None) -> bool:
        if self._client._consuming and asyncio._get_running_loop() is None:  # called by the runner, after the main task
            return False
        return super().cancel(msg)


class TropiPayClient(AsyncClient):
    """A TropiPay token that is never stale, and the API behind it, for asyncio. See `Client` for the arguments.

    With `async with`, or without: then call `aclose()` at the end, or leave it to the loop. Stores may be synchronous or
    asynchronous; a transport is any object with `async def send(request) -> HTTPResponse`.
    """

    def _make_transport(self) -> AsyncioTransport:
        return AsyncioTransport()

    def _signal(self) -> asyncio.Event:
        return asyncio.Event()

    async def _wait(self, signal: asyncio.Event, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await signal.wait()
        except TimeoutError:
            return signal.is_set()
        return True

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = _Task(self, work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _abandon(self) -> None:
        for task in self._tasks:
            task.cancel()
