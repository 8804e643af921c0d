"""JSON from the network: one object, in UTF-8, bounded, without ambiguity (RFC 8259 §4, §6, §8.1, §9).

What belongs here: what makes a document unacceptable whatever it says. What does not: the meaning of its members.
Python's own reader takes duplicate members, NaN, UTF-16 and lone surrogates, makes infinity of 1e999, and fails with
RecursionError on deep documents; none of that leaves this module.
"""

import json
import re
from functools import lru_cache
from typing import Any, NoReturn

from .._values.errors import RemoteProtocolError
from .._values.secret import discreet

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


@discreet
def parse_object(body: bytes, *, max_bytes: int = 1 << 20, max_depth: int = 32, max_digits: int = 64) -> dict[str, Any]:
    """The members of the JSON object that `body` is.

    Args:
        body: octets as they arrived; a byte order mark is refused (RFC 8259 §8.1).
        max_bytes: the longest document.
        max_depth: how many objects and arrays may enclose one another; at least 1.
        max_digits: the digits of one number.

    Raises:
        RemoteProtocolError: `code` is response_too_large, not_utf8, depth_limit, malformed_json, duplicate_member,
            number_limit, lone_surrogate or not_an_object. The message holds nothing of the document.
    """
    if len(body) > max_bytes:
        raise RemoteProtocolError(f"the document has more than {max_bytes} bytes: it was not read", code="response_too_large")
    text = _decode(body)
    # Looking for one character costs a tenth of counting it, and the usual document is a single flat object.
    if ("[" in text or text.rfind("{") > 0) and text.count("{") + text.count("[") > max_depth:
        _check_depth(text, max_depth)
    value = _parse(text, max_digits)
    if "\\" in text and "\\u" in text:
        _check_surrogates(value)
    if not isinstance(value, dict):
        raise RemoteProtocolError("the document is JSON but no object", code="not_an_object")
    return value


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteProtocolError("the document is not UTF-8", code="not_utf8") from None


def _parse(text: str, max_digits: int) -> Any:
    try:
        return _decoder(max_digits).decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise _malformed() from None


def _check_depth(text: str, limit: int) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > limit:
            raise _too_deep()


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise RemoteProtocolError("the document has half a character (a lone surrogate)", code="lone_surrogate") from None


def _malformed() -> RemoteProtocolError:
    return RemoteProtocolError("the document is not JSON", code="malformed_json")


def _too_deep() -> RemoteProtocolError:
    return RemoteProtocolError("the document is nested too deeply", code="depth_limit")


def _bad_number() -> RemoteProtocolError:
    return RemoteProtocolError("the document has a number with too many digits, or beyond all bounds", code="number_limit")


def _to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise RemoteProtocolError("an object of the document has the same member twice", code="duplicate_member")
    return members


def _to_constant(name: str) -> NoReturn:
    raise _malformed()  # NaN, Infinity and -Infinity are Python's, not JSON's


@lru_cache(maxsize=8)
def _decoder(max_digits: int) -> json.JSONDecoder:
    """Made once per limit: building one for each document costs more than reading it."""

    def check(text: str) -> str:
        if len(text) > max_digits and sum(map(str.isdigit, text)) > max_digits:
            raise _bad_number()
        return text

    def to_float(text: str) -> float:
        number = float(check(text))
        if number - number != 0:  # infinite
            raise _bad_number()
        return number

    def to_int(text: str) -> int:
        return int(check(text))

    return json.JSONDecoder(object_pairs_hook=_to_object, parse_float=to_float, parse_int=to_int, parse_constant=_to_constant)
