"""Redirect URIs: which may be registered, which request names one, and how the browser is sent back.

What belongs here: comparing and extending redirect URIs. What does not: deciding what to say to the client.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

_SAFE = r"[!#-;=?-\[\]_a-z~]{0,2000}"  # visible ASCII without " < > \ ^ ` { | }
_WEB = re.compile(rf"https://[A-Za-z0-9.\[\]:-]+(?:[/?]{_SAFE})?")
_PRIVATE = re.compile(rf"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/{_SAFE}")
_LOOPBACK = re.compile(rf"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([1-9][0-9]{{0,4}}))?((?:[/?]{_SAFE})?)")


def is_loopback(uri: str) -> bool:
    """Whether it leads back to the user's own machine (RFC 8252 §7.3)."""
    found = _LOOPBACK.fullmatch(uri)
    return found is not None and int(found[2] or 1) < 65536


def is_safe(uri: str) -> bool:
    """Whether a browser may be sent there at all: https, loopback or a reverse-DNS scheme; no user info, no fragment."""
    plain = "#" not in uri and "*" not in uri and "%0" not in uri
    return plain and (bool(_WEB.fullmatch(uri)) or bool(_PRIVATE.fullmatch(uri)) or is_loopback(uri))


def matches(registered: Iterable[str], requested: str, check: str) -> bool:
    """Whether `requested` is one of `registered`, as strictly as the behaviour `redirect_check` says."""
    if not is_safe(requested):
        return False
    return check == "ignored" or any(_is_same(one, requested, check) for one in registered)


def _is_same(registered: str, requested: str, check: str) -> bool:
    if registered == requested:  # RFC 3986 §6.2.1: code unit by code unit, nothing is normalised
        return True
    if check == "prefix":
        return requested.startswith(registered)
    return check == "strict" and _without_port(registered) is not None and _without_port(registered) == _without_port(requested)


def _without_port(uri: str) -> tuple[str, str] | None:
    found = _LOOPBACK.fullmatch(uri)
    return None if found is None else (found[1], found[3])


def extend(uri: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The redirect URI with parameters added to the query it may have (RFC 6749 §4.1.2)."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters)
    return f"{uri}{'&' if '?' in uri else '?'}{query}"
