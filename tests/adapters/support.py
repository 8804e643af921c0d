"""What the tests of the adapters share: a scripted server that counts, and one way to drive each runtime."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import trio

from tropipay_oauth import HTTPRequest, HTTPResponse, TropiPayOAuthError
from tropipay_oauth_adapters.asyncio import AsyncioTransport
from tropipay_oauth_adapters.sync import SyncTransport
from tropipay_oauth_adapters.trio import TrioTransport

PATIENCE = 20.0  # seconds after which a test is stuck; never waited for when all is well


def reply(body: bytes = b"ok", *headers: str, status: str = "200 OK") -> bytes:
    """A response as bytes."""
    fields = "".join(f"{line}\r\n" for line in (f"Content-Length: {len(body)}", *headers))
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body


class Visit:
    """One connection that a client made."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""
        self._rest = b""

    def request(self) -> bytes:
        """The next request, head and body; what there was of it if the client closed."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return self._cut(len(self._rest))
        head = self._rest.partition(b"\r\n\r\n")[0].lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while len(self._rest) < len(head) + 4 + length and self._more():
            continue
        return self._cut(len(head) + 4 + length)

    def wait_for_close(self) -> None:
        """Read until the client closes."""
        while self._more():
            continue

    def send(self, data: bytes) -> None:
        """Send, as far as the client still listens."""
        self.sock.sendall(data)

    def reset(self) -> None:
        """Close with a reset instead of an end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    def _more(self) -> bool:
        data = self.sock.recv(1 << 16)
        self.received += data
        self._rest += data
        return bool(data)

    def _cut(self, length: int) -> bytes:
        taken, self._rest = self._rest[:length], self._rest[length:]
        return taken


Script = Callable[[Visit], object]


class Server:
    """A server on 127.0.0.1 that follows a script on each connection and remembers what it saw."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Semaphore(0)
        self.visits: list[Visit] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with self._context.wrap_socket(sock, server_side=True) if self._context else sock as secured:
                visit = Visit(secured)
                self.visits.append(visit)
                self._script(visit)
        except OSError:  # the client was gone; the test asserts what was seen until then
            pass
        finally:
            sock.close()
            self._ended.release()

    def wait_until_ended(self, connections: int) -> None:
        """Wait until so many connections have come to their end, on both sides."""
        for _ in range(connections):
            assert self._ended.acquire(timeout=PATIENCE), "a connection was left open"

    def stop_listening(self) -> None:
        """Take no further connection."""
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def close(self) -> None:
        """Stop, and see that nothing is left."""
        self.stop_listening()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a connection was left open"


@contextmanager
def serving(script: Script, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A scripted server for the time of a block."""
    server = Server(script, context)
    try:
        yield server
    finally:
        server.close()


Outcome = HTTPResponse | TropiPayOAuthError


class Runtime(Protocol):
    """One way to run the same exchanges."""

    def __call__(self, requests: list[HTTPRequest], **settings: Any) -> list[Outcome]:
        """Send one after the other over one transport, and close it."""
        ...


def sync_runtime(requests: list[HTTPRequest], **settings: Any) -> list[Outcome]:
    transport, outcomes = SyncTransport(**settings), list[Outcome]()
    for request in requests:
        try:
            outcomes.append(transport.send(request))
        except TropiPayOAuthError as error:
            outcomes.append(error)
    transport.close()
    return outcomes


async def _one_by_one(transport: AsyncioTransport | TrioTransport, requests: list[HTTPRequest]) -> list[Outcome]:
    outcomes = list[Outcome]()
    for request in requests:
        try:
            outcomes.append(await transport.send(request))
        except TropiPayOAuthError as error:
            outcomes.append(error)
    await transport.aclose()
    return outcomes


def asyncio_runtime(requests: list[HTTPRequest], **settings: Any) -> list[Outcome]:
    async def main() -> list[Outcome]:
        return await _one_by_one(AsyncioTransport(**settings), requests)

    return asyncio.run(main())


def trio_runtime(requests: list[HTTPRequest], **settings: Any) -> list[Outcome]:
    async def main() -> list[Outcome]:
        return await _one_by_one(TrioTransport(**settings), requests)

    return trio.run(main)


RUNTIMES: dict[str, Runtime] = {"sync": sync_runtime, "asyncio": asyncio_runtime, "trio": trio_runtime}
