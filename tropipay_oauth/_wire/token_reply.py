"""Step D on the wire: a reply to a token request is one of four outcomes, and nothing else.

    Granted        2xx, well formed, bearer, usable
    Refused        the server understood and said no; a redirect; another 4xx
    NotProcessed   429, 503, or not one byte was sent: nothing was consumed
    Unknown        no reply, another 5xx, or a 2xx that cannot be read: what was sent may have been consumed

What belongs here: classifying, and reading a token. What does not: what follows (the law).
"""

import re
from typing import Any

from attrs import frozen

from .._values.errors import (
    Delivery,
    RemoteError,
    RemoteProtocolError,
    ServerUnavailable,
    TransportError,
    TropiPayOAuthError,
)
from .._values.http import HTTPResponse
from .._values.provider import Provider
from .._values.scope import Scope
from .._values.secret import Opaque, Secret
from .._values.token import GrantType, Token
from .error_reply import read_error
from .expiry import read_expiry
from .fields import clock_offset as read_clock_offset
from .fields import media_type, retry_after
from .strict_json import parse_object

_BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,65536}=*\Z")
_VSCHAR = re.compile(r"[ -~]{1,65536}\Z")
_SCOPE_NAME = re.compile(r"[!#-\[\]-~]{1,255}\Z")
_BUSY = (429, 503)


@frozen(kw_only=True)
class Granted(Opaque):
    """A token. `rotated` tells whether a new refresh token replaced the one presented; None if none was presented."""

    token: Token
    clock_offset: float | None
    rotated: bool | None
    now: float


@frozen(kw_only=True)
class Refused:
    """No, and the same request will not be answered otherwise."""

    error: RemoteError
    now: float


@frozen(kw_only=True)
class NotProcessed:
    """Not now: nothing was consumed. `retry_after` is the server's wish in seconds."""

    error: TropiPayOAuthError
    retry_after: float | None
    now: float


@frozen(kw_only=True)
class Unknown:
    """Nobody knows whether what was sent was consumed."""

    error: TropiPayOAuthError
    now: float


Outcome = Granted | Refused | NotProcessed | Unknown


def read_transport_failure(delivery: Delivery, reason: str, *, now: float) -> NotProcessed | Unknown:
    """The outcome of an exchange without a reply."""
    error = TransportError(f"no reply from the token endpoint: {reason}", delivery=delivery)
    if delivery is Delivery.NOT_SENT:
        return NotProcessed(error=error, retry_after=None, now=now)
    return Unknown(error=error, now=now)


def read_token_reply(
    response: HTTPResponse,
    *,
    provider: Provider,
    grant_type: GrantType,
    requested: Scope,
    now: float,
    clock_offset: float | None,
    refresh_token: Secret | None = None,
    known_secrets: tuple[Secret, ...] = (),
) -> Outcome:
    """The outcome of a reply (RFC 6749 §5).

    Args:
        requested: the scope asked for.
        now: Unix seconds by this machine's clock.
        clock_offset: server time minus ours as known so far; the reply's `Date` takes precedence.
        refresh_token: the one presented; it stays in use if the reply names no new one (RFC 6749 §6).
        known_secrets: what was sent; hidden wherever the server echoes it.
    """
    offset = read_clock_offset(response.headers, now)
    offset = clock_offset if offset is None else offset
    if response.status in _BUSY:
        wish = retry_after(response.headers, server_now=now + (offset or 0.0))
        return NotProcessed(error=ServerUnavailable(response.status, retry_after=wish), retry_after=wish, now=now)
    if response.status >= 500 or response.status < 200:
        return Unknown(error=ServerUnavailable(response.status), now=now)
    if response.status >= 300:
        return Refused(error=_refusal(response, known_secrets), now=now)
    refusal = read_error(response, known_secrets)
    if refusal is not None:
        return Refused(error=refusal, now=now)
    try:
        token = _read_token(response, provider, grant_type, requested, refresh_token, now + (offset or 0.0))
    except RemoteProtocolError as error:
        return Unknown(error=error, now=now)
    rotated = None if refresh_token is None else token.refresh_token != refresh_token
    return Granted(token=token, clock_offset=offset, rotated=rotated, now=now)


def _refusal(response: HTTPResponse, known_secrets: tuple[Secret, ...]) -> RemoteError:
    if response.status < 400:
        return RemoteProtocolError(
            f"the token endpoint redirects ({response.status}); secrets are not sent elsewhere: correct its URL",
            code="unexpected_redirect",
        )
    found = read_error(response, known_secrets)
    if found is not None:
        return found
    return RemoteProtocolError(
        f"the token endpoint answered {response.status} without an error that can be read: check its URL",
        code="unexpected_status",
    )


def _read_token(
    response: HTTPResponse,
    provider: Provider,
    grant_type: GrantType,
    requested: Scope,
    refresh_token: Secret | None,
    server_now: float,
) -> Token:
    kind = media_type(response.headers)
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise _bad("unexpected_media_type", "is no JSON: something else answered in the server's place")
    members = parse_object(response.body)
    access_token = _access_token(members)
    _check_type(members.get("token_type"), provider)
    expiry = read_expiry(
        members.get("expires_in"),
        access_token=access_token,
        reads_jwt=provider.reads_jwt_expiry,
        server_now=server_now,
        max_lifetime=provider.max_lifetime,
    )
    return Token(
        access_token=Secret(access_token),
        refresh_token=_refresh_token(members.get("refresh_token")) or refresh_token,
        scope=_scope(members.get("scope")),
        requested=requested,
        issued_at=server_now,
        expiry=expiry,
        grant_type=grant_type,
    )


def _bad(code: str, what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"the token response {what}", code=code)


def _access_token(members: dict[str, Any]) -> str:
    found = members.get("access_token")
    if not isinstance(found, str) or not found:
        raise _bad("missing_access_token", "has no access_token")
    if not _BEARER_TOKEN.match(found):
        raise _bad("bad_access_token", "has an access_token that cannot go into a header (RFC 6750 §2.1)")
    return found


def _check_type(found: object, provider: Provider) -> None:
    kind = provider.default_token_type if found is None else found
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise _bad("unsupported_token_type", "has a token_type other than Bearer (RFC 6749 §7.1)")


def _refresh_token(found: object) -> Secret | None:
    if found is None or found == "":
        return None
    if not isinstance(found, str) or not _VSCHAR.match(found):
        raise _bad("bad_refresh_token", "has a refresh_token that is no printable text (RFC 6749 appendix A.17)")
    return Secret(found)


def _scope(found: object) -> Scope | None:
    if found is None:
        return None
    names = found.split() if isinstance(found, str) else found
    if not isinstance(names, list) or not all(isinstance(name, str) and _SCOPE_NAME.match(name) for name in names):
        raise _bad("bad_scope", "has a scope that is no list of names (RFC 6749 §3.3)")
    return Scope.of(names)
