"""The server's side of one HTTP/1.1 connection without I/O: bytes become requests, responses become bytes.

What belongs here: framing (by h11) and every bound on what arrives. What does not: sockets, time, what is answered.
"""

import h11
from attrs import frozen

from tropipay_oauth import HTTPRequest, HTTPResponse
from tropipay_oauth.errors import ConfigurationError

from ._http1 import FRAMING, MAX_HEAD, UNBOUNDED

_NO_BODY = frozenset((204, 304))
_OURS = frozenset(("connection", "content-length", "keep-alive", "transfer-encoding"))


@frozen
class Refusal(Exception):
    """The client sent what is not answered: send `reply` and close."""

    status: int

    @property
    def reply(self) -> bytes:
        """The answer as bytes."""
        return f"HTTP/1.1 {self.status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


class Reception:
    """One client's connection. Feed it, take each request, and give its reply before the next.

    Args:
        scheme: `http` or `https`; with the `Host` header it makes the request's URL.
        max_body: bytes of a request's body.
    """

    def __init__(self, scheme: str, *, max_body: int = 1 << 20) -> None:
        self._scheme = scheme
        self._max_body = max_body
        self._pending = b""
        self._ended = False
        self._begin()

    def _begin(self) -> None:
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=UNBOUNDED)
        self._method, self._target = "", ""
        self._fields: list[tuple[str, str]] = []
        self._body = bytearray()
        self._room = MAX_HEAD

    def feed(self, data: bytes) -> None:
        """Take what arrived; `b""` for the end of the stream."""
        self._pending += data
        self._ended = self._ended or not data

    def next(self) -> HTTPRequest | None:
        """The next request, or None as long as it is not complete.

        Raises:
            Refusal: malformed, beyond a bound, or cut off. The connection is of no further use.
        """
        try:
            return self._next()
        except h11.RemoteProtocolError as error:
            raise Refusal(error.error_status_hint) from None

    @property
    def over(self) -> bool:
        """Whether the client has gone."""
        return self._ended and not self._pending

    def _next(self) -> HTTPRequest | None:
        while self._pending:
            piece, self._pending = self._pending[: self._room], self._pending[self._room :]
            if not piece:
                raise Refusal(413 if self._method else 431)
            self._room -= len(piece)
            self._h11.receive_data(piece)
            request = self._drain()
            if request is not None:
                return request
        if self._ended and self._room < MAX_HEAD:
            raise Refusal(400)
        return None

    def _drain(self) -> HTTPRequest | None:
        while True:
            match self._h11.next_event():
                case h11.Request(method=method, target=target, headers=headers):
                    self._method, self._target = method.decode("ascii"), target.decode("latin-1")
                    self._fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
                    self._room += MAX_HEAD + FRAMING * self._max_body
                case h11.Data(data=data):
                    self._take(data)
                case h11.EndOfMessage():
                    self._pending = self._h11.trailing_data[0] + self._pending
                    return self._request()
                case _:
                    return None

    def _take(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > self._max_body:
            raise Refusal(413)

    def _request(self) -> HTTPRequest:
        host = [value for name, value in self._fields if name == "host"]
        if len(host) != 1 or not self._target.startswith("/"):
            raise Refusal(400)
        url = f"{self._scheme}://{host[0]}{self._target}"
        try:
            return HTTPRequest(method=self._method, url=url, headers=self._fields, body=bytes(self._body))
        except ConfigurationError:
            raise Refusal(400) from None

    def reply(self, response: HTTPResponse, *, cut: int | None = None) -> tuple[bytes, bool]:
        """The response as bytes, and whether the connection goes on to a next request.

        Args:
            cut: send only so many bytes of the body, and break off.
        """
        body = b"" if response.status in _NO_BODY or self._method == "HEAD" else response.body
        try:
            data = self._write(response, body)
        except h11.LocalProtocolError:
            return Refusal(500).reply, False
        if cut is not None and cut < len(body):
            return data[: len(data) - len(body) + cut], False
        goes_on = self._h11.our_state is h11.DONE
        self._begin()
        return data, goes_on

    def _write(self, response: HTTPResponse, body: bytes) -> bytes:
        fields = [
            (name.encode("ascii"), value.encode("latin-1")) for name, value in response.headers if name.lower() not in _OURS
        ]
        if response.status not in _NO_BODY:
            fields.append((b"Content-Length", str(len(response.body)).encode()))
        if (response.headers.get("Connection") or "").lower() == "close":
            fields.append((b"Connection", b"close"))
        parts = [
            self._h11.send(h11.Response(status_code=response.status, headers=fields, reason=b"")),
            self._h11.send(h11.Data(data=body)) if body else b"",
            self._h11.send(h11.EndOfMessage()),
        ]
        return b"".join(part or b"" for part in parts)
