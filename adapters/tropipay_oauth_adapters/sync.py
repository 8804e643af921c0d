"""TropiPay for threads and plain sockets: no event loop, safe for any number of threads.

What belongs here: what only this runtime can say (connect, read, write, wait, start a thread). What does not: any
decision; those are in the engine, and what the runtimes share is in `_transport` and `_client`.
"""

import atexit
import os
import socket
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from inspect import isawaitable
from types import TracebackType
from typing import Any, Self, TypeVar

from tropipay_oauth import HTTPRequest, HTTPResponse, Secret, Token
from tropipay_oauth.errors import ConfigurationError

from ._client import AuthorizationStart, Client, Scopes
from ._connection import Connection, Deadline
from ._resolve import Address
from ._transport import Transport, run

T = TypeVar("T")

_PIECE = 1 << 16


class _Wire:
    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def write(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        while view:
            self._socket.settimeout(deadline.left())
            view = view[self._socket.send(view) :]

    async def read(self, deadline: Deadline) -> bytes:
        self._socket.settimeout(deadline.left())
        return self._socket.recv(_PIECE)

    def is_stale(self) -> bool:
        try:
            self._socket.setblocking(False)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        self._socket.close()


class SyncTransport(Transport):
    """HTTP/1.1 over plain sockets, for threads. See `Transport` for its arguments."""

    def send(self, request: HTTPRequest) -> HTTPResponse:
        """Perform one request within `request.timeout` seconds, everything together.

        Raises:
            TransportError: no response; `delivery` tells whether the server may have seen the request.
            RemoteProtocolError: the response is malformed or too large.
        """
        return run(self._send(request))

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    @asynccontextmanager
    async def _limit(self, seconds: float) -> AsyncIterator[Deadline]:
        yield Deadline(seconds)  # each primitive takes its timeout from it

    async def _lookup(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        over = threading.Event()
        lookup = self._resolver.start(host, port, over.set)
        if not over.wait(deadline.left()):
            raise TimeoutError
        return lookup.result()

    async def _connect(self, address: Address, deadline: Deadline) -> Connection:
        family, place = address
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left())
            sock.connect(place)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return _Wire(sock)


class TropiPayClient(Client):
    """A TropiPay token that is never stale, and the API behind it, for threads. See `Client` for the arguments.

    Share one among all threads. Every exchange runs in a thread of the client's own, so a KeyboardInterrupt in a caller
    loses nothing; at the end of the interpreter an exchange that consumes something is waited for, within its bounds.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _OPEN.add(self)

    def token(self, *, timeout: float | None = None) -> Token:
        """A usable access token; from memory as long as it is fresh.

        Args:
            timeout: seconds to wait for a new one; None waits as long as the session tries.

        Raises:
            TropiPayOAuthError: why there is none.
        """
        return run(self._access(timeout)).token

    def request(
        self,
        method: str,
        path_or_url: str,
        *,
        headers: Any = (),
        body: bytes = b"",
        json: object = None,
        replayable: bool | None = None,
        timeout: float = 30.0,
        max_body: int = 1 << 20,
    ) -> HTTPResponse:
        """Perform a request of the API with the token; any status is returned, none is raised.

        It is sent again once: when a 401 says that the token is invalid and the request is `replayable`, or when not one
        byte of it had left.

        Args:
            method: upper-case.
            path_or_url: joined to the provider's `api_base`, e.g. `users/profile`; with a leading slash to the server's root.
            headers: pairs or a mapping; `Authorization` is added.
            body: bytes.
            json: a value to send as JSON instead.
            replayable: sending it twice does no harm; by default for GET, HEAD, OPTIONS, PUT and DELETE. Others get a
                connection of their own.
            timeout: seconds for the token and again for the exchange, everything together.
            max_body: bytes of the response's body.

        Raises:
            ConfigurationError, ResourceNotAllowed: nothing was sent.
            TransportError: no response; `delivery` tells whether the server may have seen the request.
            TropiPayOAuthError: there is no token, and why.
        """
        parts = {"headers": headers, "body": body, "json": json, "replayable": replayable}
        return run(self._request(method, path_or_url, **parts, timeout=timeout, max_body=max_body))

    def authorize(self, *, scope: Scopes = None, extra: Mapping[str, str] | None = None) -> AuthorizationStart:
        """Begin an authorization-code flow: where to send the user's browser, and the handle under which it waits.

        Args:
            scope: instead of the client's own.
            extra: further parameters of the URL; never a secret.
        """
        return run(self._authorize(scope, extra))

    def finish(self, callback_url: str | Secret, handle: str | Secret | None = None) -> Token:
        """Finish the flow with the URL at which the browser came back, once; the token is then in the store.

        Args:
            callback_url: the whole of it.
            handle: of the authorization; by default the one that this client began last.

        Raises:
            CallbackError: it is no answer to this authorization.
            TropiPayOAuthError: why there is no token.
        """
        return run(self._finish(callback_url, handle))

    def revoke(self) -> bool:
        """Give the token up, in the store first, then at the provider; whether the provider confirmed it (RFC 7009)."""
        return run(self._revoke())

    def close(self) -> None:
        """End: an exchange that consumes something comes to its end first, within the bounds of the policy."""
        try:
            run(self._close())
        finally:
            if self._owns_transport:
                self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _make_transport(self) -> SyncTransport:
        return SyncTransport()

    def _signal(self) -> threading.Event:
        return threading.Event()

    async def _wait(self, signal: threading.Event, seconds: float | None) -> bool:
        return signal.wait(seconds)

    async def _settle(self, value: Any) -> Any:
        if isawaitable(value):
            if isinstance(value, Coroutine):
                value.close()
            raise ConfigurationError("the synchronous client needs a synchronous store and transport", code="runtime")
        return value

    def _unharmed(self, work: Callable[[], T]) -> T:
        if threading.current_thread() is not threading.main_thread():
            return work()
        result: list[T | BaseException] = []

        def call() -> None:
            try:
                result.append(work())
            except BaseException as error:
                result.append(error)

        thread = threading.Thread(target=call, name="tropipay-step", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending
            return work()
        thread.join()  # a KeyboardInterrupt ends the waiting, not the step
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        threading.Thread(target=lambda: run(work()), name="tropipay-exchange", daemon=True).start()

    def _abandon(self) -> None:
        _OPEN.discard(self)

    def _let_finish(self) -> None:
        if self._consuming and self._process == os.getpid():
            run(self._until(lambda: not self._consuming, self._bound()))


_OPEN: weakref.WeakSet[TropiPayClient] = weakref.WeakSet()


@atexit.register
def _let_all_finish() -> None:
    for client in tuple(_OPEN):
        client._let_finish()
