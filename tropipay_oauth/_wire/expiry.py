"""When a token ends, whichever way the server wrote it, and which rule told.

What belongs here: `expires_in` in every form that TropiPay uses, and the `exp` of a JWT. What does not: what to do when
it ends. Most clients take the absolute time that TropiPay sends for a lifetime and keep a dead token for decades.
"""

import binascii
import math
import re
from base64 import urlsafe_b64decode

from .._values.errors import RemoteProtocolError
from .._values.token import Expiry, ExpirySource
from .strict_json import parse_object

ABSOLUTE_SECONDS = 1e9
"""From here on a number is Unix time: as a lifetime it would be 31 years."""
ABSOLUTE_MILLISECONDS = 1e12
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,12})([smhdw])\Z", re.ASCII | re.IGNORECASE)
_NUMERIC = re.compile(r"\d{1,32}\Z", re.ASCII)
_MAX_JWT = 16384


def read_expiry(value: object, *, access_token: str, reads_jwt: bool, server_now: float, max_lifetime: float) -> Expiry:
    """When the token ends, by the server's clock.

    Args:
        value: the member `expires_in`, None if absent or null.
        reads_jwt: whether the access token's own `exp` may be looked at, unverified, when `value` is None.
        server_now: Unix seconds by the server's clock.
        max_lifetime: seconds; a later end is cut to this.
    """
    at, source = _jwt_end(access_token) if value is None and reads_jwt else _end(value, server_now)
    if at is None or not math.isfinite(at):
        return Expiry()
    latest = server_now + max_lifetime
    return Expiry(at=min(at, latest), source=source, clamped=at > latest)


def _end(value: object, server_now: float) -> tuple[float | None, ExpirySource]:
    if isinstance(value, str):
        if duration := _DURATION.match(value):
            seconds = int(duration[1]) * _UNITS[duration[2].lower()]
            return server_now + seconds, ExpirySource.DURATION
        value = int(value) if _NUMERIC.match(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e300:
        return None, ExpirySource.UNKNOWN
    return _moment(float(value), server_now)


def _moment(number: float, server_now: float) -> tuple[float, ExpirySource]:
    if number >= ABSOLUTE_MILLISECONDS:
        return number / 1000, ExpirySource.ABSOLUTE_MILLISECONDS
    if number >= ABSOLUTE_SECONDS:
        return number, ExpirySource.ABSOLUTE_SECONDS
    return server_now + number, ExpirySource.LIFETIME_SECONDS


def _jwt_end(access_token: str) -> tuple[float | None, ExpirySource]:
    """The `exp` claim (RFC 7519 §4.1.4). It is a hint from the server to itself: nothing is verified, nothing is trusted."""
    parts = access_token.split(".") if len(access_token) <= _MAX_JWT else []
    if len(parts) != 3:
        return None, ExpirySource.UNKNOWN
    try:
        payload = urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        exp = parse_object(payload).get("exp")
    except (binascii.Error, ValueError, RemoteProtocolError):
        return None, ExpirySource.UNKNOWN
    if isinstance(exp, bool) or not isinstance(exp, (int, float)) or not ABSOLUTE_SECONDS <= exp < 1e300:
        return None, ExpirySource.UNKNOWN
    return _moment(float(exp), 0.0)[0], ExpirySource.JWT_EXP
