"""Header fields of a response: times, media type and the Bearer challenge (RFC 9110, RFC 6750 §3).

What belongs here: reading a field, or None where it cannot be read; nothing here raises. What does not: what to do about it.
"""

import re

from attrs import frozen

from .._values.http import Headers

# -- Times ---------------------------------------------------------------------------------------------------------

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_CLOCK = r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"
_SHORT_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_FORMS = (
    re.compile(rf"{_SHORT_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT\Z"),
    re.compile(rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_CLOCK} GMT\Z"),
    re.compile(rf"{_SHORT_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_CLOCK} (?P<year>[0-9]{{4}})\Z"),
)
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY = 86400.0
_YEAR = 365.2425 * _DAY
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")
_LONGEST = 1e9  # seconds, 31 years: whoever is asked to wait longer is asked to wait for good
_IN_2020 = 1_593_561_600.0


def http_date(text: str, *, now: float = _IN_2020) -> float | None:
    """Unix seconds of an HTTP date in any of its three forms (RFC 9110 §5.6.7), or None.

    Args:
        now: Unix seconds; a year of two digits is never more than 50 years after it.
    """
    found = next((match for match in (form.match(text.strip(" \t")) for form in _FORMS) if match), None)
    if found is None:
        return None
    year, month, day = int(found["year"]), _MONTHS.index(found["month"]) + 1, int(found["day"])
    if len(found["year"]) == 2:
        latest = int(1970 + now // _YEAR) + 50
        year = latest - (latest - year) % 100
    if not 1 <= day <= _LENGTHS[month - 1] + (month == 2 and _is_leap(year)):
        return None
    seconds = int(found["hour"]) * 3600 + int(found["minute"]) * 60 + int(found["second"])
    return _days(year, month, day) * _DAY + seconds


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the Gregorian calendar."""
    before = year - 1
    years = before * 365 + before // 4 - before // 100 + before // 400
    return years + sum(_LENGTHS[: month - 1]) + (month > 2 and _is_leap(year)) + day - 719_163


def retry_after(headers: Headers, *, server_now: float) -> float | None:
    """For how many seconds the server asks to wait, 0 or more, or None if it does not say (RFC 9110 §10.2.3).

    `Retry-After` counts; only where it is absent does `X-RateLimit-Reset` (Unix time in seconds or milliseconds, or seconds).

    Args:
        server_now: Unix seconds by the server's clock.
    """
    wish = headers.get("Retry-After")
    seconds = _until_reset(headers, server_now) if wish is None else _number(wish)
    if wish is not None and seconds is None:
        date = http_date(wish, now=server_now)
        seconds = None if date is None else date - server_now
    return None if seconds is None else min(max(0.0, seconds), _LONGEST)


def _number(text: str) -> float | None:
    text = text.strip(" \t")
    return min(float(text), 1e30) if _NUMBER.match(text) else None


def _until_reset(headers: Headers, server_now: float) -> float | None:
    number = _number(headers.get("X-RateLimit-Reset") or "")
    if number is None or number < 1e9:
        return number
    return (number / 1000 if number >= 1e12 else number) - server_now


def clock_offset(headers: Headers, now: float) -> float | None:
    """Server time minus ours in seconds, by the response's `Date` (RFC 9110 §6.6.1), or None.

    A response with `Age` comes from a cache: its `Date` is when it was made, not when it was sent.
    """
    dates = headers.get_all("Date")
    if len(dates) != 1 or "Age" in headers:
        return None
    date = http_date(dates[0], now=now)
    return None if date is None else date - now


# -- Media type ----------------------------------------------------------------------------------------------------


def media_type(headers: Headers) -> str:
    """`type/subtype` in lower case without parameters (RFC 9110 §8.3.1); empty if absent. Several that differ are listed."""
    return ", ".join(dict.fromkeys(value.partition(";")[0].strip(" \t").lower() for value in headers.get_all("Content-Type")))


def may_be_json(headers: Headers) -> bool:
    """Whether the media type is JSON's (RFC 8259 §11, RFC 6839 §3.1) or absent."""
    kind = media_type(headers)
    return kind in ("", "application/json") or (kind.endswith("+json") and "," not in kind)


# -- The Bearer challenge ------------------------------------------------------------------------------------------

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110's token, not ours
_QUOTED = r'"(?:[^"\\]++|\\.)*+"'
_ITEM = re.compile(rf'((?:[^",]++|{_QUOTED})*+)(?:,|\Z)')
_PARAMETER = re.compile(rf"({_TOKEN})[ \t]*=[ \t]*(?:({_TOKEN})|({_QUOTED}))\Z")
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+(.+))?\Z")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")
_ESCAPED = re.compile(r"\\(.)")

_Parameters = list[tuple[str, str]]


@frozen(kw_only=True)
class Challenge:
    """A Bearer challenge of `WWW-Authenticate` (RFC 6750 §3); an attribute that was not sent is None, or empty."""

    realm: str | None = None
    error: str | None = None
    error_description: str | None = None
    scope: tuple[str, ...] = ()


def bearer_challenge(headers: Headers) -> Challenge | None:
    """The first Bearer challenge among all schemes of all `WWW-Authenticate` fields.

    None if there is none, if it cannot be read, or if it has the same attribute twice.
    """
    for value in headers.get_all("WWW-Authenticate"):
        for scheme, parameters in _challenges(value) or ():
            if scheme == "bearer":
                return _to_challenge(parameters)
    return None


def _to_challenge(parameters: _Parameters) -> Challenge | None:
    members = dict(parameters)
    if len(members) != len(parameters):
        return None
    return Challenge(
        realm=members.get("realm"),
        error=members.get("error"),
        error_description=members.get("error_description"),
        scope=tuple(name for name in members.get("scope", "").split(" ") if name),
    )


def _challenges(value: str) -> list[tuple[str, _Parameters]] | None:
    """Each scheme in lower case with its parameters, or None if one of them cannot be read.

    A comma separates challenges as well as parameters (RFC 9110 §11.6.1); what has no `=` behind its first word is a scheme.
    """
    found: list[tuple[str, _Parameters]] = []
    position = 0
    while position < len(value):
        item = _ITEM.match(value, position)
        if item is None or not _add(found, item[1].strip(" \t")):
            return None
        position = item.end()
    return found


def _add(found: list[tuple[str, _Parameters]], item: str) -> bool:
    """Add one item between commas; whether it could be read."""
    if not item:
        return True
    parameter = _PARAMETER.match(item)
    if parameter is None:
        scheme = _SCHEME.match(item)
        if scheme is None:
            return False
        found.append((scheme[1].lower(), []))
        item = (scheme[2] or "").strip(" \t")
        parameter = _PARAMETER.match(item)
        if parameter is None:
            return not item or _TOKEN68.match(item) is not None
    if found:
        found[-1][1].append((parameter[1].lower(), _value(parameter)))
    return bool(found)


def _value(parameter: re.Match[str]) -> str:
    return parameter[2] if parameter[2] is not None else _ESCAPED.sub(r"\1", parameter[3][1:-1])
