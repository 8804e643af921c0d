"""HTTP messages as values: what a transport is given and what it gives back.

What belongs here: requests, responses and their headers, safe to log. What does not: meaning (the wire layer) and
bytes on a connection (the adapters).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import SupportsIndex, overload

from attrs import field, fields, frozen

from . import urls
from .checks import is_number
from .errors import ConfigurationError, RemoteProtocolError, printable
from .secret import Opaque, discreet, discreet_init

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_SENDABLE = re.compile(r"[\t -~]*\Z")
_RECEIVABLE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")
_METHOD = re.compile(r"[A-Z]{1,32}\Z")
_SHOWN = frozenset(
    (
        *("accept", "allow", "cache-control", "connection", "content-length", "content-type", "date", "age", "pragma"),
        *("retry-after", "server", "user-agent", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    )
)
MAX_HEADERS = 200

HeaderPairs = Iterable[tuple[str, str]] | Mapping[str, str]


class Headers(Opaque):
    """Header fields in order, found without regard to case. Values that may hold a secret are hidden in repr.

    Raises:
        ConfigurationError: a name or value is no str; in particular a `Secret` is not revealed by itself.
    """

    __slots__ = ("__pairs",)
    __pairs: tuple[tuple[str, str], ...]

    @discreet
    def __init__(self, pairs: "HeaderPairs | Headers" = ()) -> None:
        object.__setattr__(self, "_Headers__pairs", _to_pairs(pairs))

    def plus(self, name: str, value: str) -> "Headers":
        """These and one more."""
        return _headers((*self.__pairs, (name, value)))

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
        shown = (
            f"{printable(name, 80)}: {printable(value) if name.lower() in _SHOWN else '(hidden)'}" for name, value in self.__pairs
        )
        return f"Headers({', '.join(shown)})"


def _to_pairs(pairs: "HeaderPairs | Headers") -> tuple[tuple[str, str], ...]:
    if isinstance(pairs, Headers):
        return tuple(pairs)
    made = []
    try:
        for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError
            made.append((name, value))
    except (TypeError, ValueError):
        raise ConfigurationError(
            "headers are a mapping or pairs of name and value, both str: decode bytes, reveal() a Secret on purpose",
            code="header",
        ) from None
    return tuple(made)


def _headers(pairs: tuple[tuple[str, str], ...]) -> Headers:
    made = Headers.__new__(Headers)
    object.__setattr__(made, "_Headers__pairs", pairs)
    return made


class _Octets(bytes):
    """Bytes that no accident shows, neither in `attrs.asdict` nor as a local variable in a traceback. `decode()` shows them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"({len(self)} bytes, hidden)"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> bytes: ...
    def __getitem__(self, index: SupportsIndex | slice) -> int | bytes:
        part = super().__getitem__(index)
        return _Octets(part) if isinstance(part, bytes) else part

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self),)


def _to_octets(value: bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ConfigurationError(f"a body is bytes, not {type(value).__name__}: encode it", code="body")
    return value if isinstance(value, _Octets) else _Octets(value)


def _to_headers(value: "HeaderPairs | Headers") -> Headers:
    return value if isinstance(value, Headers) else Headers(value)


def _check_field(name: str, value: str) -> None:
    if not (isinstance(value, str) and isinstance(name, str) and _TOKEN.match(name) and _SENDABLE.match(value)):
        raise ConfigurationError("a header name or value holds a character that HTTP forbids: remove it", code="header")


def _check_sent(instance: object, attribute: object, headers: Headers) -> None:
    for name, value in headers:
        _check_field(name, value)


def _check_received(instance: object, attribute: object, headers: Headers) -> None:
    if len(headers) > MAX_HEADERS:
        raise RemoteProtocolError(f"the response has more than {MAX_HEADERS} header fields", code="header_limit")
    for name, value in headers:
        if not _TOKEN.match(name) or not _RECEIVABLE.match(value):
            raise RemoteProtocolError("the response has a header field with a forbidden character", code="header")


def _check_method(instance: object, attribute: object, value: str) -> None:
    if not isinstance(value, str) or not _METHOD.match(value):
        raise ConfigurationError("an HTTP method is upper-case letters, like GET or POST", code="method")


def _check_url(instance: object, attribute: object, value: str) -> None:
    urls.check_endpoint("the request URL", value, allow_localhost=True)


def _check_timeout(instance: object, attribute: object, value: float) -> None:
    if not is_number(value) or value <= 0:
        raise ConfigurationError("timeout is in seconds: a finite number above 0", code="timeout")


def _check_max_body(instance: object, attribute: object, value: int) -> None:
    if not is_number(value) or not isinstance(value, int) or value < 0:
        raise ConfigurationError("max_body is a whole number of bytes, 0 or more", code="max_body")


def _check_status(instance: object, attribute: object, value: int) -> None:
    if not isinstance(value, int) or not 100 <= value <= 599:
        raise RemoteProtocolError("the response has a status outside 100 to 599", code="status")


@discreet_init
@frozen(kw_only=True, repr=False, getstate_setstate=False)
class HTTPRequest(Opaque):
    """One HTTP request, and all that a transport has to know about it.

    Args:
        method: upper-case method.
        url: absolute; https, or http on a loopback address.
        headers: pairs or a mapping. `Host` and `Content-Length` are the transport's to add.
        body: bytes, hidden when printed.
        replayable: sending it twice does no harm (rule 5).
        fresh_connection: it consumes something; never send it over an idle kept-alive connection.
        timeout: seconds for everything together: name look-up, connect, TLS, write, read.
        max_body: bytes of the response body after which reading stops with an error.

    Raises:
        ConfigurationError: a part that HTTP forbids, or a URL that secrets may not be sent to.
    """

    method: str = field(validator=_check_method)
    url: str = field(repr=False, validator=_check_url)
    headers: Headers = field(default=Headers(), converter=_to_headers, validator=_check_sent)
    body: bytes = field(default=_Octets(), converter=_to_octets)
    replayable: bool = False
    fresh_connection: bool = False
    timeout: float = field(default=30.0, validator=_check_timeout)
    max_body: int = field(default=1 << 20, validator=_check_max_body)

    def __repr__(self) -> str:
        place = self.url.partition("?")[0]
        return f"HTTPRequest({self.method} {place}, {self.headers!r}, {len(self.body)} bytes)"

    @discreet
    def with_header(self, name: str, value: str) -> "HTTPRequest":
        """A copy with one header field added.

        Raises:
            ConfigurationError: the name or value holds a character that HTTP forbids.
        """
        _check_field(name, value)
        made = HTTPRequest.__new__(HTTPRequest)
        for slot in _REQUEST_SLOTS:  # all but the new field was checked before, and this is done for each resource request
            object.__setattr__(made, slot, getattr(self, slot))
        object.__setattr__(made, "headers", self.headers.plus(name, value))
        return made


_REQUEST_SLOTS = tuple(one.name for one in fields(HTTPRequest) if one.name != "headers")


@discreet_init
@frozen(kw_only=True, repr=False, getstate_setstate=False)
class HTTPResponse(Opaque):
    """One HTTP response as it arrived. Its body is bytes that are hidden when printed; `body.decode()` shows it.

    Raises:
        RemoteProtocolError: a status or header field that HTTP forbids.
    """

    status: int = field(validator=_check_status)
    headers: Headers = field(default=Headers(), converter=_to_headers, validator=_check_received)
    body: bytes = field(default=_Octets(), converter=_to_octets)

    def __repr__(self) -> str:
        return f"HTTPResponse({self.status}, {self.headers!r}, {len(self.body)} bytes)"
