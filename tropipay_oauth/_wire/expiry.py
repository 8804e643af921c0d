"""When a token ends, and how that is known: `expires_in` in all the forms that TropiPay sends (RFC 6749 §5.1).

What belongs here: the one rule that tells a moment from a lifetime. What does not: when to renew.
"""

import re
from base64 import b64decode

from .._values.checks import is_number
from .._values.errors import RemoteProtocolError
from .._values.token import Expiry, ExpirySource
from .strict_json import parse_object

_SECONDS = 1e9
_MILLISECONDS = 1e12
_HIGHEST = 1e30
_NUMBER = re.compile(r"[0-9]{1,32}(?:\.[0-9]{1,32})?\Z")
_DURATION = re.compile(r"([0-9]{1,32})([smhdw])\Z")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]+\Z")
_MAX_JWT = 1 << 16

_Reading = tuple[float, ExpirySource]


def read_expiry(
    value: object,
    *,
    present: bool,
    access_token: str,
    reads_jwt: bool,
    server_now: float,
    max_lifetime: float,
) -> Expiry:
    """When the token ends, by the server's clock. Never raises: what cannot be used is unknown.

    From 10^12 on it is Unix time in milliseconds, from 10^9 on in seconds, below that a lifetime in seconds (10^9 seconds
    are 31 years); digits with a unit are a duration; digits as text are the number.

    Args:
        value: `expires_in` as the JSON had it.
        present: whether the JSON had it at all.
        access_token: looked at, unverified, only if `reads_jwt` and there is no `expires_in`, or it is null.
        server_now: Unix seconds by the server's clock.
        max_lifetime: seconds; a longer life is cut to this and marked as clamped.
    """
    if present and value is not None:
        reading = _of_text(value, server_now) if isinstance(value, str) else _of_number(value, server_now)
    else:
        reading = _of_jwt(access_token) if reads_jwt else None
    if reading is None:
        return Expiry()
    at, source = reading
    limit = server_now + max_lifetime
    return Expiry(at=min(at, limit), source=source, clamped=at > limit)


def _of_number(value: object, server_now: float) -> _Reading | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        return None
    number = float(min(value, _HIGHEST))
    return _moment(number) or (server_now + number, ExpirySource.LIFETIME_SECONDS)


def _moment(number: float) -> _Reading | None:
    """An absolute time, or None if the number is too small to be one."""
    if number >= _MILLISECONDS:
        return number / 1000, ExpirySource.ABSOLUTE_MILLISECONDS
    return (number, ExpirySource.ABSOLUTE_SECONDS) if number >= _SECONDS else None


def _of_text(text: str, server_now: float) -> _Reading | None:
    if _NUMBER.match(text):
        return _of_number(float(text), server_now)
    duration = _DURATION.match(text)
    return duration and (server_now + float(duration[1]) * _UNITS[duration[2]], ExpirySource.DURATION)


def _of_jwt(access_token: str) -> _Reading | None:
    """`exp` of a JWT (RFC 7519 §4.1.4), a hint and no proof: the client cannot verify the token and need not."""
    parts = access_token.split(".", 3)
    if len(access_token) > _MAX_JWT or len(parts) != 3 or not _PAYLOAD.match(parts[1]):
        return None
    try:
        claims = parse_object(b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_"))
    except (ValueError, RemoteProtocolError):
        return None
    exp = claims.get("exp")
    moment = _moment(float(exp)) if isinstance(exp, (int, float)) and is_number(exp) else None
    return moment and (moment[0], ExpirySource.JWT_EXP)
