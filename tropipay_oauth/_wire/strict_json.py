"""JSON as a server may send it: strict, bounded, and nothing but documented errors.

What belongs here: from bytes to an object. What does not: what its members mean. CPython's parser accepts more than
RFC 8259 does (NaN, duplicate names, UTF-16, lone surrogates, unbounded depth); each of these is refused here.
"""

import json
import math
from typing import Any, NoReturn

from .._values.errors import RemoteProtocolError

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_DIGITS = 64


class _Refused(Exception):
    """A rule was broken deep inside the parser."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("duplicate_member", "names a member twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _Refused("number_limit", f"has a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if math.isinf(value):
        raise _Refused("number_limit", "has a number that is too large or too long")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused("malformed_json", "has NaN or Infinity, which JSON does not know")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_fraction, parse_constant=_constant)


def _refuse(code: str, what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"the server's JSON {what}", code=code)


def parse_object(body: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The JSON object in `body` (RFC 8259, UTF-8 without a byte order mark).

    Args:
        max_bytes: of the body.
        max_depth: of arrays and objects within each other.

    Raises:
        RemoteProtocolError: with code `response_too_large`, `not_utf8`, `malformed_json`, `duplicate_member`,
            `number_limit`, `depth_limit`, `lone_surrogate` or `not_an_object`. No text of the body is in the message.
    """
    if len(body) > max_bytes:
        raise _refuse("response_too_large", f"has {len(body)} bytes, more than {max_bytes}")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse("not_utf8", "is not UTF-8") from None
    if text.count("[") + text.count("{") > max_depth and _depth(text) > max_depth:
        raise _refuse("depth_limit", f"is more than {max_depth} levels deep")
    try:
        value = _DECODER.decode(text)
    except _Refused as broken:
        raise _refuse(*broken.args) from None
    except (ValueError, RecursionError):
        raise _refuse("malformed_json", "cannot be parsed") from None
    if not isinstance(value, dict):
        raise _refuse("not_an_object", "is not an object")
    if "\\u" in text and not _is_unicode(value):
        raise _refuse("lone_surrogate", "has half of a surrogate pair")
    return value


def _depth(text: str) -> int:
    """How deep brackets are nested outside of strings, at most; counted without recursion."""
    deepest = depth = 0
    characters = iter(text)
    for character in characters:
        if character == '"':
            _skip_string(characters)
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _skip_string(characters: Any) -> None:
    for character in characters:
        if character == "\\":
            next(characters, None)
        elif character == '"':
            return


def _is_unicode(value: Any) -> bool:
    match value:
        case str():
            return value.isascii() or _encodes(value)
        case dict():
            return all(_is_unicode(name) and _is_unicode(item) for name, item in value.items())
        case list():
            return all(_is_unicode(item) for item in value)
        case _:
            return True


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
