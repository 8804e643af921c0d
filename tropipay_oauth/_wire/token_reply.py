"""Step D: a reply of the token endpoint has exactly four outcomes (RFC 6749 §5).

What belongs here: telling them apart, and a token response understood. What does not: what follows from an outcome.
"""

import re
from typing import Any

from attrs import frozen

from .._values.errors import (
    ConfigurationError,
    Delivery,
    RemoteError,
    RemoteProtocolError,
    ServerUnavailable,
    TransportError,
    TropiPayOAuthError,
    printable,
)
from .._values.http import HTTPResponse
from .._values.provider import Provider
from .._values.scope import Scope
from .._values.secret import Opaque, Secret, discreet
from .._values.token import GrantType, Token
from . import fields
from .error_reply import error_of, read_error
from .expiry import read_expiry
from .strict_json import parse_object

_VSCHAR = re.compile(r"[ -~]+\Z")
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")
_NOT_PROCESSED = (429, 503)


@frozen(kw_only=True, getstate_setstate=False)
class Granted(Opaque):
    """A token came.

    Args:
        clock_offset: server time minus ours in seconds; None if never seen.
        rotated: whether a new refresh token took the place of the one presented; None if none was presented.
        now: Unix seconds when it came.
    """

    token: Token
    clock_offset: float | None
    rotated: bool | None
    now: float


@frozen(kw_only=True)
class Refused:
    """The server understood and said no; nothing was issued."""

    error: RemoteError
    now: float


@frozen(kw_only=True)
class NotProcessed:
    """The server did not take the request: what was presented is as good as before. `retry_after` is in seconds."""

    error: TropiPayOAuthError
    retry_after: float | None
    now: float


@frozen(kw_only=True)
class Unknown:
    """Nobody can say what became of the request: the server may have consumed what was presented."""

    error: TropiPayOAuthError
    now: float


Outcome = Granted | Refused | NotProcessed | Unknown


@frozen(kw_only=True, getstate_setstate=False)
class _Asked(Opaque):
    """What the reply is read against."""

    provider: Provider
    grant_type: GrantType
    requested: Scope
    refresh_token: Secret | None
    now: float
    clock_offset: float | None

    @property
    def server_now(self) -> float:
        return self.now + (self.clock_offset or 0.0)


def read_transport_failure(delivery: Delivery, reason: str, *, now: float) -> NotProcessed | Unknown:
    """The outcome of a token request that got no reply.

    Args:
        delivery: whether the server may have seen the request.
        reason: for people; shown escaped and cut.
        now: Unix seconds.
    """
    if delivery is Delivery.NOT_SENT:
        error = TransportError(f"nothing was sent ({printable(reason)}): check the network and try again", delivery=delivery)
        return NotProcessed(error=error, retry_after=None, now=now)
    error = TransportError(f"the request was sent and no reply came ({printable(reason)}): check the network", delivery=delivery)
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
    """The outcome of a token request that got a reply. Never raises.

    Args:
        requested: the scope that was asked for.
        now: Unix seconds.
        clock_offset: server time minus ours in seconds as known before; the reply's own `Date` takes its place.
        refresh_token: the one presented; it stays with the new token unless another comes (RFC 6749 §6).
        known_secrets: hidden wherever the server echoes one of them.
    """
    seen = fields.clock_offset(response.headers, now)
    asked = _Asked(
        provider=provider,
        grant_type=grant_type,
        requested=requested,
        refresh_token=refresh_token,
        now=now,
        clock_offset=clock_offset if seen is None else seen,
    )
    status = response.status
    if 200 <= status < 300:
        return _read_success(response, asked, known_secrets)
    if 300 <= status < 400:
        error = RemoteProtocolError(
            f"the token endpoint answered with a redirect ({status}), which is not followed: correct the provider's endpoints",
            code="unexpected_redirect",
        )
        return Refused(error=error, now=now)
    if 400 <= status < 500 and status not in _NOT_PROCESSED:
        return Refused(error=read_error(response, known_secrets) or _unexpected(status), now=now)
    return _read_failure(response, asked)


def _unexpected(status: int) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"the token endpoint answered {status} without an error that can be read: check the provider's endpoints",
        code="unexpected_status",
    )


def _read_failure(response: HTTPResponse, asked: _Asked) -> NotProcessed | Unknown:
    if response.status < 200:
        return Unknown(error=_unexpected(response.status), now=asked.now)
    wish = fields.retry_after(response.headers, server_now=asked.server_now)
    error = ServerUnavailable(response.status, retry_after=wish)
    if response.status in _NOT_PROCESSED:
        return NotProcessed(error=error, retry_after=wish, now=asked.now)
    return Unknown(error=error, now=asked.now)


# -- 2xx -----------------------------------------------------------------------------------------------------------


def _read_success(response: HTTPResponse, asked: _Asked, known_secrets: tuple[Secret, ...]) -> Outcome:
    try:
        members = _members(response)
        refusal = error_of(members, response.status, known_secrets)
        if refusal is None:
            return _granted(members, asked)
        if members.get("access_token") is None:
            return Refused(error=refusal, now=asked.now)
        raise RemoteProtocolError("the token response has both an error and a token", code="contradiction")
    except RemoteProtocolError as error:
        return Unknown(error=error.again(), now=asked.now)  # never raised: a traceback would show what was read


def _members(response: HTTPResponse) -> dict[str, Any]:
    if not fields.may_be_json(response.headers):
        raise RemoteProtocolError("the token response is not application/json: check the provider's endpoints", code="media_type")
    return parse_object(response.body)


@discreet
def _granted(members: dict[str, Any], asked: _Asked) -> Granted:
    access_token = _access_token(members.get("access_token"))
    _check_token_type(members.get("token_type"), asked.provider.default_token_type)
    issued = _refresh_token(members.get("refresh_token"))
    presented = asked.refresh_token
    token = Token(
        access_token=access_token,
        refresh_token=issued or presented,
        scope=_scope(members.get("scope")),
        requested=asked.requested,
        issued_at=asked.server_now,
        expiry=read_expiry(
            members.get("expires_in"),
            present="expires_in" in members,
            access_token=access_token,
            reads_jwt=asked.provider.reads_jwt_expiry,
            server_now=asked.server_now,
            max_lifetime=asked.provider.max_lifetime,
        ),
        grant_type=asked.grant_type,
    )
    rotated = None if presented is None else issued is not None and issued != presented
    return Granted(token=token, clock_offset=asked.clock_offset, rotated=rotated, now=asked.now)


def _access_token(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise RemoteProtocolError("the token response has no access_token (RFC 6749 §5.1)", code="missing_access_token")
    if not _B64TOKEN.match(value):
        raise RemoteProtocolError("the access_token holds characters that no header may carry", code="bad_access_token")
    return value


def _check_token_type(value: object, default: str | None) -> None:
    kind = default if value is None else value
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise RemoteProtocolError("the token is not a bearer token (RFC 6749 §7.1)", code="unsupported_token_type")


def _refresh_token(value: object) -> Secret | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _VSCHAR.match(value):
        raise RemoteProtocolError("the refresh_token is no text of printable ASCII", code="bad_refresh_token")
    return Secret(value)


def _scope(value: object) -> Scope | None:
    if value is None:
        return None
    if isinstance(value, (str, list)):
        try:
            return Scope.of(value)
        except ConfigurationError:
            pass
    raise RemoteProtocolError("the scope of the token response is no list of scopes (RFC 6749 §3.3)", code="bad_scope")
