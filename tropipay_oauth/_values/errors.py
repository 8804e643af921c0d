"""One tree of errors, split by whose fault it is.

What belongs here: every exception of the engine and of the adapters. What does not: anything that decides when to
raise one. A message never holds a secret, a response body or a whole URL; text that came from a server passes through
`printable` first.
"""

from enum import Enum
from typing import Self, TypeVar

_MAX_TEXT = 200


def printable(text: object, limit: int = _MAX_TEXT) -> str:
    """Text from the wire as it may be shown: printable ASCII, the rest escaped, at most `limit` characters.

    Source: RFC 6749 §4.1.2.1 and §5.2 allow nothing else in `error` and `error_description`.
    """
    head = str(text)[: limit + 1]
    safe = "".join(c if " " <= c <= "~" else c.encode("unicode_escape", "backslashreplace").decode("ascii") for c in head)
    return safe if len(safe) <= limit else safe[:limit] + "..."


class TropiPayOAuthError(Exception):
    """Root of all errors of this project. `code` is a stable name for programs; the message is for people."""

    code: str = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code

    @property
    def message(self) -> str:
        """What went wrong and what to do next; free of secrets."""
        return str(self.args[0])

    def __eq__(self, other: object) -> bool:
        """Two errors are equal when they say the same thing: a replayed run can be compared with the first one."""
        if not isinstance(other, TropiPayOAuthError):
            return NotImplemented
        return type(self) is type(other) and self.args == other.args and _own(self) == _own(other)

    def __hash__(self) -> int:
        return hash((type(self), self.code, self.args))

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and pickles keep every attribute, whatever the constructor of the subclass takes."""
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))

    def again(self) -> Self:
        """An equal error that was not raised yet: one failure may be raised in many callers, each with its own traceback."""
        made = _rebuild(type(self), self.args, _own(self))
        made.__cause__, made.__suppress_context__ = self.__cause__, self.__suppress_context__
        return made


E = TypeVar("E", bound=TropiPayOAuthError)


def _own(error: TropiPayOAuthError) -> dict[str, object]:
    """Its attributes without the notes that were added to it on its way."""
    return {name: value for name, value in error.__dict__.items() if name != "__notes__"}


def _rebuild(kind: type[E], args: tuple[object, ...], attributes: dict[str, object]) -> E:
    made = kind.__new__(kind)
    made.args = args
    made.__dict__.update(attributes)
    return made


# -- Your side: the call or the configuration has to change -------------------------------------------------------


class LocalError(TropiPayOAuthError):
    """The fault is on this side of the wire: change the call, the configuration or the data given."""

    code = "local_error"


class ConfigurationError(LocalError, ValueError):
    """A value was refused when it was built. Nothing was sent; the message says what to write instead."""

    code = "configuration"


class LocalProtocolError(LocalError):
    """A fact that the machine cannot take in its present state. The machine is unchanged."""

    code = "local_protocol"


class ResourceNotAllowed(LocalError):
    """The access token would have left for a place that is not the provider's API. Nothing was sent.

    Source: RFC 6750 §5.3, RFC 9700 §4.9.1.
    """

    code = "resource_not_allowed"


class AccessEnded(LocalError):
    """The access token at hand has ended: ask the session for another. Nothing was sent."""

    code = "access_ended"


class RecordMismatch(LocalError):
    """A stored record or pending authorization belongs to another provider, client, account or scope."""

    code = "record_mismatch"


class SessionClosed(LocalError):
    """The session was closed; open a new one."""

    code = "session_closed"


# -- The other side: the server or the browser sent it ------------------------------------------------------------


class RemoteError(TropiPayOAuthError):
    """The fault, or the decision, is on the other side of the wire."""

    code = "remote_error"


class RemoteProtocolError(RemoteError):
    """What arrived is malformed, oversized or forbidden. `code` names the rule, e.g. `duplicate_member`."""

    code = "malformed_response"


class MetadataError(RemoteProtocolError):
    """Authorization-server metadata that must not be used (RFC 8414 §3.3)."""

    code = "metadata"


class OAuthError(RemoteError):
    """The server understood and said no: `error` is its code verbatim, `status` the HTTP status.

    Source: RFC 6749 §5.2 and TropiPay's four error shapes.
    """

    code = "oauth_error"

    def __init__(
        self,
        error: str,
        *,
        status: int | None = None,
        description: str | None = None,
        native_code: str | None = None,
    ) -> None:
        self.error = printable(error, 80)
        self.status = status
        self.description = None if description is None else printable(description)
        self.native_code = None if native_code is None else printable(native_code, 40)
        said = f": {self.description.rstrip('. ')}" if self.description else ""
        super().__init__(f"the server refused with {self.error!r}{said}. {_ADVICE.get(self.error, _ADVICE_OTHER)}")


_ADVICE_OTHER = "Read the provider's documentation for this code."
_ADVICE = {
    "invalid_client": "Check client id and secret, and that they belong to this environment "
    "(sandbox credentials do not work in production).",
    "invalid_grant": "The code or refresh token is spent, expired or revoked: ask the user for a new authorization.",
    "invalid_scope": "Ask only for scopes that the credential was given.",
    "unauthorized_client": "This credential may not use this grant: change it at the provider.",
    "unsupported_grant_type": "The provider does not offer this grant.",
    "invalid_request": "The provider did not accept the form of the request: check the provider's settings.",
    "access_denied": "The user said no.",
    "insufficient_scope": "Get a token with the scopes that this request needs.",
    "invalid_token": "The access token is expired or revoked.",
    "server_error": "The provider failed: try again later.",
    "temporarily_unavailable": "The provider is overloaded: try again later.",
}


class AuthorizationRefused(OAuthError):
    """The authorization endpoint sent the browser back with an `error` (RFC 6749 §4.1.2.1)."""

    code = "authorization_refused"


class InsufficientScope(OAuthError):
    """403: the token is good but lacks a scope. A renewal does not help. `needed` lists what the server named.

    Source: RFC 6750 §3.1.
    """

    code = "insufficient_scope"

    def __init__(self, *, status: int, needed: tuple[str, ...] = (), description: str | None = None) -> None:
        super().__init__("insufficient_scope", status=status, description=description)
        self.needed = tuple(printable(name, 80) for name in needed)


class ServerUnavailable(RemoteError):
    """The server could not do it now (429, 5xx). `retry_after` is its own wish in seconds, if it named one."""

    code = "server_unavailable"

    def __init__(self, status: int, *, retry_after: float | None = None) -> None:
        wish = "" if retry_after is None else f" It asks to wait {retry_after:.0f} s."
        super().__init__(f"the server answered {status} and cannot serve this now.{wish} Try again later.")
        self.status = status
        self.retry_after = retry_after


class TokenAlreadyExpired(RemoteError):
    """The server issued a token whose expiry has passed already, or that the API refused before its first use."""

    code = "token_already_expired"


class CallbackError(RemoteError):
    """The browser came back with something that is no answer to this authorization. No code was exchanged."""

    code = "callback"


class MalformedCallback(CallbackError):
    """The redirect back cannot be read: bad escapes, repeated parameters, code together with error, or neither."""

    code = "malformed_callback"


class RedirectMismatch(CallbackError):
    """The callback arrived at another redirect URI than the one of this authorization (RFC 8252 §8.10)."""

    code = "redirect_mismatch"


class StateMissing(CallbackError):
    """The callback has no `state`; nothing ties it to an authorization that was started here."""

    code = "state_missing"


class StateUnknown(CallbackError):
    """No authorization is pending for this callback or handle."""

    code = "state_unknown"


class StateMismatch(CallbackError):
    """The `state` is not the one that was sent: cross-site request forgery, or two flows in one browser."""

    code = "state_mismatch"


class StateExpired(CallbackError):
    """The authorization was pending for longer than it may be; start again."""

    code = "state_expired"


class StateReplayed(CallbackError):
    """This authorization was already finished once; a code is exchanged once only (RFC 6749 §4.1.2)."""

    code = "state_replayed"


class IssuerMissing(CallbackError):
    """The provider promises an `iss` parameter and the callback has none (RFC 9207 §2.4)."""

    code = "issuer_missing"


class IssuerMismatch(CallbackError):
    """The callback's `iss` is not the issuer that was asked: a mix-up attack (RFC 9207 §2.4, RFC 9700 §4.4)."""

    code = "issuer_mismatch"


# -- In between: the wire and the store ---------------------------------------------------------------------------


class Delivery(Enum):
    """What is known of a request that got no reply. Only the transport that writes the bytes can say."""

    NOT_SENT = "not_sent"
    """Not one byte of it was handed to the connection."""
    AMBIGUOUS = "ambiguous"
    """Some of it may have reached the server."""


class TransportError(TropiPayOAuthError):
    """No reply. `delivery` tells whether the server may have seen the request."""

    code = "transport"

    def __init__(self, message: str, *, delivery: Delivery, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.delivery = delivery


class StoreError(TropiPayOAuthError):
    """The token store failed; what was being written may or may not be there. Check the store, then try again."""

    code = "store"


# -- What a session tells its callers -----------------------------------------------------------------------------


class ReauthorizationRequired(TropiPayOAuthError):
    """No token can be had without the user: start a new authorization-code flow."""

    code = "reauthorization_required"


class TokenInDoubt(TropiPayOAuthError):
    """A refresh request was sent and its fate is unknown: sending it again could destroy the authorization.

    A new authorization or another worker's result leads out; so does the explicit opt-in single retry of the policy.
    """

    code = "token_in_doubt"


class AttemptsSpent(TropiPayOAuthError):
    """The token endpoint failed too often; `retry_at` (Unix seconds) is when the next call will try again."""

    code = "attempts_spent"

    def __init__(self, message: str, *, retry_at: float) -> None:
        super().__init__(message)
        self.retry_at = retry_at
