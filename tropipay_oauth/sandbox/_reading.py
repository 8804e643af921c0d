"""Requests as they arrive: form, query, JSON and Basic, read strictly and without any code of the engine's wire layer.

What belongs here: bytes to parameters. What does not: what the parameters mean.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from attrs import frozen

from .._values.http import HTTPRequest
from .._values.secret import Opaque
from ._behaviour import Body
from ._replies import Refusal

_MAX_BODY = 1 << 20
_MOST_PARAMETERS = 1000
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


class Unreadable(Exception):
    """The bytes are no message of that kind; the text says why, and holds nothing of them."""


@frozen(getstate_setstate=False)
class Parameters(Opaque):
    """Parameters of a request. An empty one counts as left out (RFC 6749 §3.1, §3.2)."""

    values: dict[str, Any]
    repeated: frozenset[str] = frozenset()

    def get(self, name: str) -> str | None:
        """The parameter, or None if it is absent, empty or null.

        Raises:
            Unreadable: it is no text.
        """
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise Unreadable(f"{name} must be text")
        return value or None


def read_pairs(text: str) -> Parameters:
    """Parameters of a query or form (RFC 6749 appendix B), percent-escapes and UTF-8 checked."""
    pieces = [piece for piece in text.split("&") if piece]
    if len(pieces) > _MOST_PARAMETERS:
        raise Unreadable("too many parameters")
    values: dict[str, Any] = {}
    repeated = set()
    for piece in pieces:
        name, _, value = piece.partition("=")
        name = _unescape(name)
        repeated.update({name} & values.keys())
        values[name] = _unescape(value)
    return Parameters(values, frozenset(repeated))


def _unescape(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise Unreadable("a percent-escape is malformed")
    return _utf8(unquote_to_bytes(text.replace("+", " ")))


def _utf8(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Unreadable("the text is not UTF-8") from None


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object: UTF-8, no member twice at any depth, no NaN, no lone surrogate, at most 1 MiB.

    Raises:
        Unreadable: anything else.
    """
    _check_size(body)
    text = _utf8(body)
    try:
        found = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # UnicodeEncodeError of a lone surrogate is a ValueError too
        raise Unreadable("the body is not well-formed JSON, or names a member twice") from None
    if not isinstance(found, dict):
        raise Unreadable("the body is not a JSON object")
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError


def _check_size(body: bytes) -> None:
    if len(body) > _MAX_BODY:
        raise Unreadable("the body is too large")


def media_type(request: HTTPRequest) -> str:
    """The media type of the body in lower case; "" if none is given, or more than one."""
    given = request.headers.get_all("Content-Type")
    return given[0].partition(";")[0].strip(" \t").lower() if len(given) == 1 else ""


def read_body(request: HTTPRequest, accepted: Body = "both") -> Parameters:
    """The parameters in the body of a request, by its media type.

    Raises:
        Unreadable: a media type that is not accepted, or a body that is not what its type says.
    """
    kind = media_type(request)
    if kind == _JSON and accepted != "form":
        return Parameters(read_object(request.body))
    if kind == _FORM and accepted != "json":
        _check_size(request.body)
        return read_pairs(_utf8(request.body))
    kinds = {"json": _JSON, "form": _FORM, "both": f"{_JSON} or {_FORM}"}
    raise Unreadable(f"the Content-Type must be {kinds[accepted]}")


def read_strictly(request: HTTPRequest, accepted: Body) -> Parameters:
    """As `read_body`, with repeated parameters refused and everything wrong told as `invalid_request` (RFC 6749 §5.2).

    Raises:
        Refusal: the request is malformed.
    """
    try:
        parameters = read_body(request, accepted)
    except Unreadable as error:
        raise Refusal("invalid_request", str(error)) from None
    if parameters.repeated:
        raise Refusal("invalid_request", "A parameter is repeated")
    return parameters


def text_of(parameters: Parameters, name: str) -> str | None:
    """That parameter, or None.

    Raises:
        Refusal: it is no text.
    """
    try:
        return parameters.get(name)
    except Unreadable as error:
        raise Refusal("invalid_request", str(error)) from None


def required(parameters: Parameters, name: str) -> str:
    """That parameter.

    Raises:
        Refusal: it is absent, empty or no text.
    """
    value = text_of(parameters, name)
    if value is None:
        raise Refusal("invalid_request", f"{name} is missing")
    return value


def read_basic(credentials: str) -> tuple[str, str] | None:
    """Client id and secret out of HTTP Basic, each half form-decoded (RFC 6749 §2.3.1), or None if malformed."""
    try:
        decoded = _utf8(base64.b64decode(credentials, validate=True))
        name, colon, secret = decoded.partition(":")
        return (_unescape(name), _unescape(secret)) if colon else None
    except (ValueError, Unreadable):
        return None
