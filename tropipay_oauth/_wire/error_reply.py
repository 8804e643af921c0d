"""The four shapes of an error reply, and the one meaning behind them (RFC 6749 §5.2, TropiPay v2 and v3).

What belongs here: what the server said, in OAuth's words where TropiPay has its own. What does not: what follows from it.

    {"error": "invalid_client", "error_description": "..."}                 RFC 6749
    {"error": {"code": "invalid_credentials", "message": "...", ...}}       nested
    {"error": "invalid_request", "message": "...", "code": "E00123"}        flat with code
    {"error": {"msg": "No token!"}}                                         nested, old
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .._values.errors import OAuthError, RemoteProtocolError
from .._values.http import HTTPResponse
from .._values.secret import Secret
from .fields import may_be_json
from .redaction import conceal
from .strict_json import parse_object

MISSING_TOKEN = "missing_token"  # OAuth has no code for it (RFC 6750 §3.1), TropiPay only a message
UNNAMED = "unnamed_error"

_OF_NATIVE = {
    "invalid_credentials": "invalid_client",
    "token_expired": "invalid_token",
    "permission_denied": "insufficient_scope",
    "resource_not_found": "resource_not_found",
    "invalid_parameter": "invalid_request",
    "E00001": "invalid_client",
    "E00002": "invalid_token",
    "E00003": "insufficient_scope",
    "E00004": "resource_not_found",
    "E00005": "invalid_request",
}
_OF_MESSAGE = {
    "credential not found": "invalid_client",
    "failed to authenticate token": "invalid_token",
    "no token": MISSING_TOKEN,
}
_PLAIN = frozenset(
    (
        *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"),
        *("invalid_scope", "invalid_token", "insufficient_scope", "access_denied", "server_error", "temporarily_unavailable"),
        *("unsupported_response_type", "unsupported_token_type", "resource_not_found", MISSING_TOKEN, UNNAMED),
    )
)


def read_error(response: HTTPResponse, known_secrets: Iterable[Secret] = ()) -> OAuthError | None:
    """What the body says, or None if it is no error in any of the four shapes. Never raises.

    Args:
        known_secrets: hidden wherever the server echoes one of them.
    """
    members = read_members(response)
    return None if members is None else error_of(members, response.status, known_secrets)


def read_members(response: HTTPResponse) -> dict[str, Any] | None:
    """The JSON object of the body, or None if it is none."""
    if not may_be_json(response.headers):
        return None
    try:
        return parse_object(response.body)
    except RemoteProtocolError:
        return None


def error_of(members: Mapping[str, Any], status: int, known_secrets: Iterable[Secret] = ()) -> OAuthError | None:
    """As `read_error`, of an object that was read already."""
    error = members.get("error")
    if isinstance(error, dict):
        native = _word(error, "code") or _word(error, "type")
        message = _word(error, "message") or _word(error, "msg")
        return _made(None, native, message, status, known_secrets) if native or message else None
    if not isinstance(error, str) or not error.strip():
        return None
    message = _word(members, "error_description") or _word(members, "message")
    return _made(error.strip(), _word(members, "code"), message, status, known_secrets)


def _word(members: Mapping[str, Any], name: str) -> str | None:
    """A member as text; some codes are numbers. None if it is absent, blank or anything else."""
    value = members.get(name)
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text.strip() or None


def _made(error: str | None, native: str | None, message: str | None, status: int, known_secrets: Iterable[Secret]) -> OAuthError:
    secrets = tuple(known_secrets)
    name = _name(error, native, message, status)
    native = native or (error if error != name else None)
    return OAuthError(
        name if name in _PLAIN else conceal(name, secrets),
        status=status,
        description=None if message is None else conceal(message, secrets),
        native_code=None if native is None else native if native in _OF_NATIVE else conceal(native, secrets),
    )


def _name(error: str | None, native: str | None, message: str | None, status: int) -> str:
    """OAuth's word for it. The server's own is kept where OAuth has none, and `invalid_grant` is never inferred."""
    said = _OF_MESSAGE.get((message or error or "").rstrip(".! ").lower())
    if said == MISSING_TOKEN or (said == "invalid_client" and status != 404):  # 404: a credential as a resource
        return said
    if error in _PLAIN:
        return error
    return _OF_NATIVE.get(error or "") or _OF_NATIVE.get(native or "") or said or error or native or UNNAMED
