"""HTTP messages as values: what a transport is given and what it gives back.

What belongs here: requests, responses and their headers, safe to log. What does not: meaning (the wire layer) and
bytes on a connection (the adapters).
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs
from attrs import field, frozen

from . import urls
from .errors import ConfigurationError, RemoteProtocolError
from .secret import Opaque

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_SENDABLE = re.compile(r"[\t -~]*\Z")
_RECEIVABLE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")
_METHOD = re.compile(r"[A-Z]{1,32}\Z")
_SHOWN = frozenset(
    "accept allow cache-control connection content-length content-type date age pragma retry-after server user-agent "
    "x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset".split()
)
MAX_HEADERS = 200

HeaderPairs = Iterable[tuple[str, str]] | Mapping[str, str]


class Headers(Opaque):
    """Header fields in order, found without regard to case. Values that may hold a secret are hidden in repr."""

    __slots__ = ("__pairs",)
    __pairs: tuple[tuple[str, str], ...]

    def __init__(self, pairs: "HeaderPairs | Headers" = ()) -> None:
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        object.__setattr__(self, "_Headers__pairs", tuple((str(name), str(value)) for name, value in items))

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of `name`, or `default`."""
        wanted = name.lower()
        return next((value for key, value in self.__pairs if key.lower() == wanted), default)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, in order."""
        wanted = name.lower()
        return tuple(value for key, value in self.__pairs if key.lower() == wanted)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.__pairs)

    def __len__(self) -> int:
        return len(self.__pairs)

    def __eq__(self, other: object) -> bool:
        return self.__pairs == other.__pairs if isinstance(other, Headers) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.__pairs)

    def __repr__(self) -> str:
        shown = (f"{name}: {value if name.lower() in _SHOWN else '(hidden)'}" for name, value in self.__pairs)
        return f"Headers({', '.join(shown)})"


def _to_headers(value: "HeaderPairs | Headers") -> Headers:
    return value if isinstance(value, Headers) else Headers(value)


def _check_sent(instance: object, attribute: object, headers: Headers) -> None:
    for name, value in headers:
        if not _TOKEN.match(name) or not _SENDABLE.match(value):
            raise ConfigurationError("a header name or value holds a character that HTTP forbids: remove it", code="header")


def _check_received(instance: object, attribute: object, headers: Headers) -> None:
    if len(headers) > MAX_HEADERS:
        raise RemoteProtocolError(f"the response has more than {MAX_HEADERS} header fields", code="header_limit")
    for name, value in headers:
        if not _TOKEN.match(name) or not _RECEIVABLE.match(value):
            raise RemoteProtocolError("the response has a header field with a forbidden character", code="header")


def _check_method(instance: object, attribute: object, value: str) -> None:
    if not _METHOD.match(value):
        raise ConfigurationError("an HTTP method is upper-case letters, like GET or POST", code="method")


def _check_url(instance: object, attribute: object, value: str) -> None:
    urls.check_endpoint("the request URL", value, allow_localhost=True)


def _check_body(instance: object, attribute: object, value: bytes) -> None:
    if not isinstance(value, bytes):
        raise ConfigurationError(f"a body is bytes, not {type(value).__name__}: encode it", code="body")


def _check_status(instance: object, attribute: object, value: int) -> None:
    if not isinstance(value, int) or not 100 <= value <= 599:
        raise RemoteProtocolError("the response has a status outside 100 to 599", code="status")


@frozen(kw_only=True, repr=False)
class HTTPRequest(Opaque):
    """One HTTP request, and all that a transport has to know about it.

    Args:
        method: upper-case method.
        url: absolute; https, or http on a loopback address.
        headers: pairs or a mapping. `Host` and `Content-Length` are the transport's to add.
        body: bytes.
        replayable: sending it twice does no harm (rule 5).
        fresh_connection: it consumes something; never send it over an idle kept-alive connection.
        timeout: seconds for everything together: name look-up, connect, TLS, write, read.
        max_body: bytes of the response body after which reading stops with an error.

    Raises:
        ConfigurationError: a part that HTTP forbids, or a URL that secrets may not be sent to.
    """

    method: str = field(validator=_check_method)
    url: str = field(validator=_check_url)
    headers: Headers = field(default=Headers(), converter=_to_headers, validator=_check_sent)
    body: bytes = field(default=b"", validator=_check_body)
    replayable: bool = False
    fresh_connection: bool = False
    timeout: float = 30.0
    max_body: int = 1 << 20

    def __repr__(self) -> str:
        place = self.url.partition("?")[0]
        return f"HTTPRequest({self.method} {place}, {self.headers!r}, {len(self.body)} bytes)"

    def with_header(self, name: str, value: str) -> "HTTPRequest":
        """A copy with one header field added."""
        return attrs.evolve(self, headers=Headers((*self.headers, (name, value))))


@frozen(kw_only=True, repr=False)
class HTTPResponse(Opaque):
    """One HTTP response as it arrived. Its body never shows in repr.

    Raises:
        RemoteProtocolError: a status or header field that HTTP forbids.
    """

    status: int = field(validator=_check_status)
    headers: Headers = field(default=Headers(), converter=_to_headers, validator=_check_received)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"HTTPResponse({self.status}, {self.headers!r}, {len(self.body)} bytes)"
