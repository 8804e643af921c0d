"""Responses as bytes: JSON, errors in four shapes, challenges and dates.

What belongs here: how something is said. What does not: what to say.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, assert_never

from .._values.http import HTTPResponse
from ._behaviour import ErrorShape

Pairs = Iterable[tuple[str, str]]

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
REALM = "tropipay"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LAST_MOMENT = 253402300799  # the end of the year 9999, as far as an HTTP date goes
_UNSAYABLE = re.compile(r"[^ !#-\[\]-~]")

# TropiPay's own words (v3: E00001 to E00005) for what OAuth calls by other names.
_NATIVE = {
    "invalid_client": ("invalid_credentials", "E00001"),
    "invalid_token": ("token_expired", "E00002"),
    "insufficient_scope": ("permission_denied", "E00003"),
    "resource_not_found": ("resource_not_found", "E00004"),
    "invalid_request": ("invalid_parameter", "E00005"),
}


class Refusal(Exception):
    """The endpoint says no. Raised and answered within the sandbox; its texts are the sandbox's own."""

    def __init__(self, error: str, description: str, *, status: int = 400, headers: Pairs = ()) -> None:
        super().__init__(error)
        self.error, self.description, self.status, self.headers = error, description, status, tuple(headers)


def sayable(text: str) -> str:
    """Text as `error_description` may hold it: printable ASCII without quote and backslash (RFC 6749 §5.2)."""
    return _UNSAYABLE.sub("?", text)


def reply(status: int, members: Any, headers: Pairs = ()) -> HTTPResponse:
    """A JSON response that nobody keeps (RFC 6749 §5.1)."""
    kind = ("Content-Type", "application/json; charset=utf-8")
    return HTTPResponse(status=status, headers=(kind, *NO_STORE, *headers), body=json.dumps(members).encode())


def empty(status: int, headers: Pairs = ()) -> HTTPResponse:
    """A response without a body."""
    return HTTPResponse(status=status, headers=(*NO_STORE, *headers))


def refused(refusal: Refusal, shape: ErrorShape, error_uri: str = "") -> HTTPResponse:
    """An error in one of the four shapes that TropiPay is known to use."""
    return reply(refusal.status, _members(refusal.error, sayable(refusal.description), shape, error_uri), refusal.headers)


def _members(error: str, description: str, shape: ErrorShape, error_uri: str) -> dict[str, Any]:
    name, code = _NATIVE.get(error, (error, "E00000"))
    match shape:
        case "rfc6749":
            members = {"error": error, "error_description": description}
            return members | ({"error_uri": error_uri} if error_uri else {})
        case "nested":
            nothing = {"details": None, "i18n": None, "param": None}
            return {"error": {"type": error, "code": name, "message": description, **nothing}}
        case "flat":
            return {"error": error, "message": description, "code": code}
        case "nested_old":
            return {"error": {"msg": description}}
        case _:
            assert_never(shape)


def challenge(scheme: str = "Bearer", **attributes: str) -> tuple[str, str]:
    """A WWW-Authenticate header (RFC 6750 §3): the realm, then each attribute once."""
    said = "".join(f', {name}="{sayable(value)}"' for name, value in attributes.items())
    return "WWW-Authenticate", f'{scheme} realm="{REALM}"{said}'


def http_date(moment: float) -> str:
    """Unix time as an HTTP date (RFC 9110 §5.6.7), by the proleptic Gregorian calendar."""
    days, second = divmod(int(min(max(moment, 0), _LAST_MOMENT)), 86400)
    year, month, day = _civil(days)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{_DAYS[(days + 3) % 7]}, {day:02} {_MONTHS[month - 1]} {year:04} {clock} GMT"


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970: years that begin in March, in eras of 400."""
    era, day_of_era = divmod(days + 719468, 146097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1
