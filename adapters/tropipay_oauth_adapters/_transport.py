"""The way of one exchange over the network, written once for all runtimes.

What belongs here: reuse or open, try all addresses, one deadline for everything, what is sent again, what each failure
means. What does not: how a runtime connects, reads, writes and waits (the subclasses), framing (`_http1`).

The code is `async`, and the synchronous transport runs it as well: its primitives block instead of suspending, so the
coroutine comes to its end at the first step (`run`).
"""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from tropipay_oauth import HTTPRequest, HTTPResponse, TransportError
from tropipay_oauth.errors import ConfigurationError

from ._connection import Connection, Deadline, Pool
from ._http1 import Exchange
from ._resolve import Address, Resolve, Resolver, getaddrinfo, literal
from ._tls import TLSConnection

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine whose primitives block: it never suspends.

    Raises:
        ConfigurationError: it did suspend: something asynchronous was handed to a synchronous client.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise ConfigurationError("a store of the synchronous client is asynchronous: use the client of its runtime", code="runtime")


class Transport(ABC):
    """HTTP/1.1 over the runtime's own sockets; `send` performs one request.

    A transport of your own is any object with that one method: it takes an `HTTPRequest`, returns an `HTTPResponse`
    and raises `TransportError(message, delivery=...)`: `Delivery.NOT_SENT` only if not one byte of the request was
    handed to a connection, else `Delivery.AMBIGUOUS`. It honours `timeout`, `max_body` and `fresh_connection` of the
    request, follows no redirects, and sends a request twice only if it is `replayable`.

    Args:
        ssl_context: `ssl.create_default_context()` by default; pass your own for a private certificate authority.
            Certificate and host name are verified as it says.
        resolve: looks a name up, like `socket.getaddrinfo(host, port)`; it may block.
        idle_per_origin: how many idle connections are kept for each origin.
        idle_seconds: how long one is kept.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolve = getaddrinfo,
        idle_per_origin: int = 8,
        idle_seconds: float = 15.0,
    ) -> None:
        self._context = ssl_context
        self._resolver = Resolver(resolve)
        self._pool = Pool(idle_per_origin, idle_seconds)

    @abstractmethod
    def _limit(self, seconds: float) -> AbstractAsyncContextManager[Deadline]:
        """A block that ends in `TimeoutError` after so many seconds."""

    @abstractmethod
    async def _lookup(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        """The addresses of a name; `OSError` if there are none."""

    @abstractmethod
    async def _connect(self, address: Address, deadline: Deadline) -> Connection:
        """A TCP connection to that address."""

    async def _send(self, request: HTTPRequest) -> HTTPResponse:
        exchange = Exchange(request)
        try:
            async with self._limit(request.timeout) as deadline:
                return await self._perform(exchange, deadline)
        except TimeoutError:
            raise exchange.failed(f"no response within {request.timeout:g} s: try again later", "timeout") from None

    async def _perform(self, exchange: Exchange, deadline: Deadline) -> HTTPResponse:
        request = exchange.request
        idle = None if request.fresh_connection else self._pool.take(exchange.place)
        if idle is not None:
            try:
                return await self._converse(exchange, idle, deadline)
            except TransportError:
                if exchange.heard or not request.replayable:
                    raise
            exchange.restart()  # the server had just closed it; such a request may be repeated (RFC 9110 §9.2.2)
        return await self._converse(exchange, await self._open(exchange, deadline), deadline)

    async def _converse(self, exchange: Exchange, connection: Connection, deadline: Deadline) -> HTTPResponse:
        try:
            response = await self._speak(exchange, connection, deadline)
        except BaseException:  # a cancellation as well: nothing stays open
            connection.close()
            raise
        if exchange.reusable:
            self._pool.put(exchange.place, connection)
        else:
            connection.close()
        return response

    async def _speak(self, exchange: Exchange, connection: Connection, deadline: Deadline) -> HTTPResponse:
        exchange.started()
        whole = await _write(connection, exchange.outgoing, deadline)
        try:
            response = None
            while response is None:
                response = exchange.receive(await connection.read(deadline))
        except TimeoutError:
            raise
        except OSError as error:
            raise exchange.failed(f"the connection broke ({_name(error)}): try again later", "connection_lost") from error
        exchange.reusable = exchange.reusable and whole
        return response

    async def _open(self, exchange: Exchange, deadline: Deadline) -> Connection:
        addresses = await self._addresses(exchange, deadline)
        failure: OSError = OSError("no address")
        for tries, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with self._limit(deadline.share(tries)) as part:
                    return await self._open_one(exchange, address, part)
            except ssl.SSLError as error:
                raise _untrusted(exchange, error) from error
            except OSError as error:  # TimeoutError as well: the next address may answer
                failure = error
        deadline.left()
        raise exchange.failed(f"no connection ({_name(failure)}): check host and port", "connect") from failure

    async def _addresses(self, exchange: Exchange, deadline: Deadline) -> list[Address]:
        place = exchange.place
        try:
            addresses = literal(place.host, place.port) or await self._lookup(place.host, place.port, deadline)
        except TimeoutError:
            raise
        except Exception as error:
            raise exchange.failed(f"the host name was not found ({_name(error)}): check it", "resolve") from error
        if not addresses:
            raise exchange.failed("the host name has no address: check it", "resolve")
        return addresses

    async def _open_one(self, exchange: Exchange, address: Address, deadline: Deadline) -> Connection:
        connection = await self._connect(address, deadline)
        if not exchange.place.tls:
            return connection
        try:
            self._context = self._context or ssl.create_default_context()
            secured = TLSConnection(connection, self._context, exchange.place.host)
            await secured.handshake(deadline)
        except BaseException:
            connection.close()
            raise
        return secured


async def _write(connection: Connection, data: bytes, deadline: Deadline) -> bool:
    """Whether all of it was written. A server may answer and close before it has read everything: its answer counts."""
    try:
        await connection.write(data, deadline)
    except TimeoutError:
        raise
    except OSError:
        return False
    return True


def _untrusted(exchange: Exchange, error: ssl.SSLError) -> TransportError:
    if isinstance(error, ssl.SSLCertVerificationError):
        message = (
            f"the server's certificate was refused ({error.verify_message}): check the host, or pass ssl_context for a private CA"
        )
        return exchange.failed(message, "certificate")
    return exchange.failed(f"no TLS with this server ({error.reason or _name(error)}): check host and port", "tls")


def _name(error: Exception) -> str:
    return type(error).__name__
