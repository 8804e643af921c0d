"""TLS over any connection, by `ssl.MemoryBIO`: the same handshake, the same checks and the same errors in each runtime.

What belongs here: wrapping one connection. What does not: choosing the context, sockets, time.
"""

import ssl
from contextlib import suppress

from ._connection import Connection, Deadline

_PIECE = 1 << 16


class TLSConnection:
    """A connection in TLS. Certificate and host name are checked as the context says, before a byte of a request leaves.

    An end of the stream without close_notify is an error: the response could have been cut off (RFC 9112 §9.8).
    """

    def __init__(self, inner: Connection, context: ssl.SSLContext, host: str) -> None:
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def handshake(self, deadline: Deadline) -> None:
        """Agree on keys and check who the server is."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._pump(deadline)
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush(deadline)  # the alert that tells the server why
                raise
        await self._flush(deadline)

    async def write(self, data: bytes, deadline: Deadline) -> None:
        """Encrypt and write."""
        self._tls.write(data)
        await self._flush(deadline)

    async def read(self, deadline: Deadline) -> bytes:
        """Read and decrypt; `b""` after the server's close_notify."""
        while True:
            try:
                return self._tls.read(_PIECE)
            except ssl.SSLWantReadError:
                await self._pump(deadline)

    async def _pump(self, deadline: Deadline) -> None:
        await self._flush(deadline)
        data = await self._inner.read(deadline)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self, deadline: Deadline) -> None:
        if self._outgoing.pending:
            await self._inner.write(self._outgoing.read(), deadline)

    def is_stale(self) -> bool:
        """Whether the idle connection has ended or holds bytes that nobody asked for."""
        return bool(self._tls.pending() or self._incoming.pending) or self._inner.is_stale()

    def close(self) -> None:
        """Close at once, without close_notify: each response was complete."""
        self._inner.close()
