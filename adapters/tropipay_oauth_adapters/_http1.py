"""One HTTP/1.1 exchange without I/O: a request becomes bytes, bytes become a response.

What belongs here: framing (by h11), every bound on what arrives, whether the connection may be used again, and the exact
verdict on delivery. What does not: sockets, TLS, time. All runtimes share it, so all give the same verdicts.

No compression, no redirects, no cookies: a response is what the server sent.
"""

from urllib.parse import urlsplit

import h11
from attrs import frozen

from tropipay_oauth import Delivery, Headers, HTTPRequest, HTTPResponse, TransportError
from tropipay_oauth.errors import ConfigurationError, RemoteProtocolError

MAX_HEAD = 1 << 16
"""Bytes of status line and header fields, interim (1xx) responses included."""
FRAMING = 8  # a chunk of one byte takes six: what framing may add per byte of body
_PORTS = {"https": 443, "http": 80}
_FRAMING_FIELDS = ("connection", "content-length", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade")
_OURS = frozenset((*_FRAMING_FIELDS, "expect", "host", "proxy-connection"))
_NOT_OURS = frozenset(("CONNECT", "TRACE"))
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
UNBOUNDED = 1 << 62  # the bounds are counted here, so that they do not depend on how the bytes were cut into pieces


@frozen
class Place:
    """Where a request goes: one origin, and the key under which its idle connections are kept."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        """As in the `Host` header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


def place_of(url: str) -> Place:
    """The origin of a URL that `HTTPRequest` has accepted."""
    parts = urlsplit(url)
    return Place(parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "https")


class Exchange:
    """One request and its response.

    Write `outgoing` after calling `started()`, then feed `receive` until it returns the response. Whatever bytes arrive,
    in whatever pieces, it gives the same response or raises the same `TransportError` or `RemoteProtocolError`.

    Args:
        request: what to send.

    Raises:
        ConfigurationError: a header field that is the transport's own, or a method that it does not speak.
    """

    def __init__(self, request: HTTPRequest) -> None:
        self.request = request
        self.place = place_of(request.url)
        self.delivery = Delivery.NOT_SENT
        """NOT_SENT until `started()`: not one byte was handed to a connection."""
        self._restart()

    def _restart(self) -> None:
        self.heard = False
        """Whether a byte of the response has arrived."""
        self.reusable = False
        """Once there is a response: whether the connection may carry another exchange (RFC 9112 §9.3)."""
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=UNBOUNDED)
        self._status = 0
        self._fields = Headers()
        self._body = bytearray()
        self._room = MAX_HEAD
        self.outgoing = _write(self._h11, self.request, self.place)
        """The request as bytes."""

    def restart(self) -> None:
        """Begin anew for another connection. The delivery verdict stays: bytes that left once have left."""
        self._restart()

    def started(self) -> None:
        """The bytes are about to be handed over: from now on the server may have seen the request."""
        self.delivery = Delivery.AMBIGUOUS

    def failed(self, message: str, code: str) -> TransportError:
        """No response will come: the error to raise, with the verdict on delivery."""
        return TransportError(message, delivery=self.delivery, code=code)

    def receive(self, data: bytes) -> HTTPResponse | None:
        """Take what arrived (`b""` for the end of the stream); the response once it is complete.

        Raises:
            TransportError: the stream ended before the response did.
            RemoteProtocolError: malformed or beyond a bound; the server may well have processed the request.
        """
        if not data:
            return self._end()
        self.heard = True
        while data:
            piece, data = data[: self._room], data[self._room :]
            if not piece:
                raise _too_large(f"more than {MAX_HEAD} bytes of header fields" if not self._status else "more framing than body")
            self._room -= len(piece)
            response = self._feed(piece)
            if response is not None:
                self.reusable = self.reusable and not data
                return response
        return None

    def _end(self) -> HTTPResponse | None:
        try:
            response = self._feed(b"")
        except RemoteProtocolError as error:
            if error.code != "malformed_http":
                raise
            response = None
        if response is None:
            what = "in the middle of the response" if self.heard else "without a response"
            raise self.failed(f"the server closed the connection {what}: try again later", "connection_closed") from None
        return response

    def _feed(self, piece: bytes) -> HTTPResponse | None:
        try:
            self._h11.receive_data(piece)
            return self._drain()
        except h11.RemoteProtocolError:
            raise _malformed() from None

    def _drain(self) -> HTTPResponse | None:
        while True:
            match self._h11.next_event():
                case h11.InformationalResponse():
                    continue
                case h11.Response() as head:
                    self._status = head.status_code
                    self._fields = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
                    self._room += MAX_HEAD + FRAMING * self.request.max_body
                case h11.Data(data=data):
                    self._take(data)
                case h11.EndOfMessage():
                    return self._finish()
                case _:
                    return None

    def _take(self, data: bytes) -> None:
        if len(self._body) + len(data) > self.request.max_body:
            raise _too_large(f"more than {self.request.max_body} bytes of body (max_body)")
        self._body += data

    def _finish(self) -> HTTPResponse:
        ended = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        self.reusable = ended and not self._h11.trailing_data[0]
        return HTTPResponse(status=self._status, headers=self._fields, body=bytes(self._body))


def _malformed() -> RemoteProtocolError:
    return RemoteProtocolError("what the server sent is not HTTP/1.1: check host and port", code="malformed_http")


def _too_large(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"the response has {what}: reading was stopped", code="response_too_large")


def _write(connection: h11.Connection, request: HTTPRequest, place: Place) -> bytes:
    if request.method in _NOT_OURS:
        raise ConfigurationError(f"this transport does not send {request.method}: use another client for it", code="method")
    try:
        head = h11.Request(method=request.method, target=_target(request.url), headers=_fields(request, place))
        parts = [connection.send(head)]
        if request.body:
            parts.append(connection.send(h11.Data(data=request.body)))
        parts.append(connection.send(h11.EndOfMessage()))
    except h11.LocalProtocolError:
        raise ConfigurationError("a header value begins or ends with a space, or is no HTTP: change it", code="header") from None
    return b"".join(part for part in parts if part)


def _target(url: str) -> str:
    rest = url.partition("://")[2]
    start = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[start:]
    return target if target.startswith("/") else f"/{target}"


def _fields(request: HTTPRequest, place: Place) -> list[tuple[str, str]]:
    taken = {name.lower() for name, _ in request.headers}
    if taken & _OURS:
        raise ConfigurationError(
            f"these header fields are the transport's own: {', '.join(sorted(taken & _OURS))}", code="header"
        )
    fields = [("Host", place.authority), *request.headers]
    if "accept-encoding" not in taken:
        fields.append(("Accept-Encoding", "identity"))
    if request.body or request.method in _WITH_BODY:
        fields.append(("Content-Length", str(len(request.body))))
    if request.fresh_connection:
        fields.append(("Connection", "close"))
    return fields
