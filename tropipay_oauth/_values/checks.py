"""Checks that several values share, and the reading of a value's own JSON.

What belongs here: questions about a plain number, text or JSON member. What does not: rules of OAuth and of URLs.
"""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import ConfigurationError

T = TypeVar("T")
V = TypeVar("V")

_LARGEST = 1e15  # every whole number below it is exact as float
_NOT_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def is_number(value: object) -> bool:
    """Whether it is an int or float to reckon with: no bool, not NaN, not infinite, not beyond 10^15."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def is_line(value: object, limit: int = 1000) -> bool:
    """Whether it is one line of well-formed text (no control characters, no surrogates) of at most `limit` characters."""
    return isinstance(value, str) and len(value) <= limit and not _NOT_IN_LINE.search(value)


def moment(instance: object, attribute: Any, value: Any) -> None:
    """Refuse what is no moment (a validator for attrs)."""
    if not is_number(value):
        raise ConfigurationError(f"{attribute.name} is Unix time in seconds: pass a finite number", code="time")


def line(instance: object, attribute: Any, value: Any) -> None:
    """Refuse what is no line of text (a validator for attrs)."""
    if not is_line(value):
        raise ConfigurationError(
            f"{attribute.name} is one line of text, at most 1000 characters, without control characters", code="text"
        )


def member(members: dict[str, Any], name: str, kind: type[T]) -> T:
    """That member of a JSON object, of exactly this type; ValueError or LookupError otherwise."""
    value = members[name]
    if type(value) is not kind:
        raise ValueError(name)
    return value


def optional_member(members: dict[str, Any], name: str, kind: type[T]) -> T | None:
    """As `member`, or None where the JSON says null."""
    return None if members[name] is None else member(members, name, kind)


def attempt(read: Callable[[V], T], value: V) -> T | None:
    """What `read` makes of it, or None if it is damaged.

    None rather than an exception, since a `JSONDecodeError` carries the whole document, even as a hidden context.
    """
    try:
        return read(value)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def read_json(text: str, read: Callable[[dict[str, Any]], T]) -> T | None:
    """What `read` makes of the JSON object in `text`, or None if the text or a member is damaged."""
    members = attempt(json.loads, text)
    return attempt(read, members) if isinstance(members, dict) else None
