"""Header fields with a meaning: dates, waits, media types and the bearer challenge. Malformed ones mean nothing.

What belongs here: from header text to a value or None; never an exception. What does not: what to do about it.
"""

import re
from collections.abc import Iterator

from attrs import frozen

from .._values.http import Headers

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_IMF = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT\Z", re.ASCII)
_RFC850 = re.compile(r"\w{6,9}, (\d\d)-(\w{3})-(\d\d) (\d\d):(\d\d):(\d\d) GMT\Z", re.ASCII)
_ASCTIME = re.compile(r"\w{3} (\w{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})\Z", re.ASCII)
_DIGITS = re.compile(r"\d{1,15}\Z", re.ASCII)
_FIRST_YEAR, _CENTURY_PIVOT = 1970, 70


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to that day of the Gregorian calendar."""
    year -= month <= 2
    era_year = year % 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    day_of_era = era_year * 365 + era_year // 4 - era_year // 100 + day_of_year
    return year // 400 * 146097 + day_of_era - 719468


def _moment(year: int, name: str, day: int, hour: int, minute: int, second: int) -> float | None:
    if name not in _MONTHS or year < _FIRST_YEAR or not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 60:
        return None
    return _days(year, _MONTHS.index(name) + 1, day) * 86400.0 + hour * 3600 + minute * 60 + second


def http_date(text: str) -> float | None:
    """Unix seconds of an HTTP date in any of its three forms (RFC 9110 §5.6.7), or None."""
    if found := _IMF.match(text):
        day, name, year, *clock = found.groups()
        return _moment(int(year), name, int(day), *map(int, clock))
    if found := _RFC850.match(text):
        day, name, short, *clock = found.groups()
        century = 1900 if int(short) >= _CENTURY_PIVOT else 2000
        return _moment(century + int(short), name, int(day), *map(int, clock))
    if found := _ASCTIME.match(text):
        name, day, hour, minute, second, year = found.groups()
        return _moment(int(year), name, int(day), int(hour), int(minute), int(second))
    return None


def clock_offset(headers: Headers, now: float) -> float | None:
    """Server time minus ours in seconds, by the `Date` field; None if it is absent or the answer is a cached one (`Age`)."""
    date = headers.get("Date")
    moment = None if date is None or "Age" in headers else http_date(date)
    return None if moment is None else moment - now


def retry_after(headers: Headers, *, server_now: float) -> float | None:
    """Seconds to wait from now, at least 0, by `Retry-After` (RFC 9110 §10.2.3) or else `X-RateLimit-Reset`; or None."""
    wish = headers.get("Retry-After")
    if wish is not None:
        moment = float(wish) + server_now if _DIGITS.match(wish) else http_date(wish)
    else:
        moment = _reset(headers.get("X-RateLimit-Reset") or "", server_now)
    return None if moment is None else max(0.0, moment - server_now)


def _reset(text: str, server_now: float) -> float | None:
    """TropiPay's clients meet Unix time in seconds and in milliseconds here; a small number is a wait."""
    if not _DIGITS.match(text):
        return None
    number = float(text)
    if number >= 1e12:
        return number / 1000
    return number if number >= 1e9 else server_now + number


def media_type(headers: Headers) -> str:
    """The media type in lower case without parameters (RFC 9110 §8.3); empty if absent."""
    return (headers.get("Content-Type") or "").partition(";")[0].strip().lower()


@frozen(kw_only=True)
class Challenge:
    """What a `WWW-Authenticate: Bearer` challenge says (RFC 6750 §3)."""

    realm: str | None = None
    error: str | None = None
    error_description: str | None = None
    scope: tuple[str, ...] = ()


_PART = re.compile(
    r"[ \t,]*(?:(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|"
    r"(?P<plain>[!#$%&'*+.^_`|~0-9A-Za-z-]+))(?=[ \t]*(?:,|\Z))|(?P<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=[ \t]|,|\Z)"
    r"(?:[ \t]+(?P<blob>[A-Za-z0-9._~+/-]+=*)(?=[ \t]*(?:,|\Z)))?)"
)
_MAX_FIELD = 8192


def _challenges(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each scheme of the field with its parameters; a malformed rest ends the reading."""
    scheme, parameters = "", list[tuple[str, str]]()
    position = 0
    while position < len(text) and (found := _PART.match(text, position)) and found.end() > position:
        position = found.end()
        if found["scheme"] is not None:
            if scheme:
                yield scheme, parameters
            scheme, parameters = found["scheme"].lower(), []
        else:
            quoted = found["quoted"]
            value = found["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.append((found["name"].lower(), value))
    if text[position:].strip(" \t,"):
        return
    if scheme:
        yield scheme, parameters


def bearer_challenge(headers: Headers) -> Challenge | None:
    """The first well-formed Bearer challenge, whatever other schemes stand beside it; None if there is none."""
    for text in headers.get_all("WWW-Authenticate"):
        for scheme, parameters in _challenges(text[:_MAX_FIELD]):
            members = dict(parameters)
            if scheme == "bearer" and len(members) == len(parameters):
                return Challenge(
                    realm=members.get("realm"),
                    error=members.get("error"),
                    error_description=members.get("error_description"),
                    scope=tuple(members.get("scope", "").split()),
                )
    return None
