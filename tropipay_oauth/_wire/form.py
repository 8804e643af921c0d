"""`application/x-www-form-urlencoded`: how parameters are written and read (RFC 6749 appendix B).

What belongs here: names and values in UTF-8, percent-escaped, a space as `+`. What does not: which parameters there are.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote_plus, unquote_to_bytes

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

Pairs = Iterable[tuple[str, str]]


def quote(text: str) -> str:
    """One name or value as it is written; most need no escape, and this is on the path of each authorization."""
    return text if _PLAIN.match(text) else quote_plus(text)


def write(pairs: Pairs) -> str:
    """The parameters as one text."""
    return "&".join([f"{quote(name)}={quote(value)}" for name, value in pairs])


def read(text: str, *, limit: int) -> list[tuple[str, str]]:
    """The parameters of a text, in order and with repetitions. A `;` separates nothing.

    Raises:
        ValueError: more than `limit` parameters, a `%` without two hexadecimal digits, or octets that are not UTF-8.
    """
    if text.count("&") >= limit or _BAD_ESCAPE.search(text):
        raise ValueError("parameters")
    parts = [part.partition("=") for part in text.split("&") if part]
    return [(_unquote(name), _unquote(value)) for name, _, value in parts]


def _unquote(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
