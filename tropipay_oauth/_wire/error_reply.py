"""Errors in all four shapes that TropiPay uses, read into one.

    RFC 6749      {"error": "invalid_client", "error_description": "Credential not found"}
    nested        {"error": {"type": …, "code": "invalid_credentials", "message": …}}
    flat          {"error": "invalid_request", "message": …, "code": "E00123"}
    nested, old   {"error": {"msg": "No token!"}}

What belongs here: the shapes and TropiPay's codes. What does not: what follows from an error.
"""

from collections.abc import Mapping
from typing import Any

from .._values.errors import OAuthError, RemoteProtocolError
from .._values.http import HTTPResponse
from .._values.secret import Secret
from .redaction import redacted
from .strict_json import parse_object

NO_TOKEN = "no_token"
"""TropiPay's "No token!": the header did not arrive, so a new token would not help."""

_CODES = {
    "E00001": "invalid_client",
    "invalid_credentials": "invalid_client",
    "E00002": "invalid_token",
    "token_expired": "invalid_token",
    "E00003": "insufficient_scope",
    "permission_denied": "insufficient_scope",
    "E00004": "resource_not_found",
    "E00005": "invalid_request",
    "invalid_parameter": "invalid_request",
}
_MESSAGES = {
    "credential not found": "invalid_client",
    "no token!": NO_TOKEN,
    "failed to authenticate token!": "invalid_token",
}


def read_error(response: HTTPResponse, known_secrets: tuple[Secret, ...] = ()) -> OAuthError | None:
    """The error that a response carries in any of the four shapes, or None. Secrets that it echoes are hidden."""
    try:
        members = parse_object(response.body)
    except RemoteProtocolError:
        return None
    found = members.get("error")
    if isinstance(found, Mapping):
        name, native, message = None, _text(found, "code") or _text(found, "type"), _text(found, "message", "msg")
    elif isinstance(found, str) and found:
        name, native, message = found, _text(members, "code"), _text(members, "error_description", "message")
    else:
        return None
    return OAuthError(
        redacted(_meaning(name, native, message), known_secrets) or "unknown_error",
        status=response.status,
        description=redacted(message, known_secrets),
        native_code=redacted(native or (name if name in _CODES else None), known_secrets),
    )


def _text(members: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = members.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def _meaning(name: str | None, native: str | None, message: str | None) -> str:
    """The error's name in the words of RFC 6749 and RFC 6750, else the server's own, verbatim."""
    said = _MESSAGES.get((message or "").strip().lower())
    if said == "invalid_client" and name in (None, "invalid_client", "invalid_request"):
        return said
    if name is not None:
        return _CODES.get(name, name)
    return said or _CODES.get(native or "", native or "unknown_error")
