"""`application/x-www-form-urlencoded`, written as RFC 6749 appendix B says and read without mercy.

What belongs here: pairs to text and text to pairs. What does not: which parameters there are.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote_plus

from .._values.errors import MalformedCallback

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
MAX_PARAMETERS = 100


def encode(pairs: Iterable[tuple[str, str]]) -> str:
    """UTF-8, percent-escaped, a space as `+` (RFC 6749 appendix B)."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


def decode(query: str) -> list[tuple[str, str]]:
    """The pairs of a query, in order, empty values left out (RFC 6749 §3.1).

    Raises:
        MalformedCallback: a bad escape, text that is not UTF-8, or more than 100 parameters.
    """
    pieces = [piece for piece in query.split("&") if piece]
    if len(pieces) > MAX_PARAMETERS:
        raise MalformedCallback(f"the callback has more than {MAX_PARAMETERS} parameters: begin a new authorization")
    pairs = [(_unescape(name), _unescape(value)) for name, _, value in (piece.partition("=") for piece in pieces)]
    return [(name, value) for name, value in pairs if value]


def _unescape(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise MalformedCallback("the callback has a bad percent-escape: begin a new authorization")
    try:
        raw = text.replace("+", " ").encode("ascii")
        return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), raw).decode("utf-8")
    except UnicodeError:
        raise MalformedCallback("the callback is not UTF-8: begin a new authorization") from None
