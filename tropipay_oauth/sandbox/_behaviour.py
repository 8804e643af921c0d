"""What the sandbox does where servers differ, and what it does wrong on demand. Each choice and each fault has one name.

What belongs here: names, defaults, allowed values. What does not: doing it (the endpoints and `_faults`).
"""

# ruff: noqa: RUF009  # the functions of _options make attrs fields, they are no shared defaults

from collections.abc import Iterable
from typing import Any, Literal, Self

from attrs import evolve, fields, frozen

from .._values.errors import ConfigurationError, printable
from ._options import Option, choice, describe, number, read_option, switch, text, whole

ExpiresIn = Literal[
    "absolute_seconds",
    "absolute_milliseconds",
    "lifetime",
    "duration",
    "numeric_text",
    "lifetime_text",
    "absent",
    "null",
    "past",
    "zero",
    "negative",
    "fraction",
    "huge",
    "infinity",
    "nan",
    "boolean",
    "garbage",
]
TokenFormat = Literal["jwt", "opaque"]
TokenType = Literal["Bearer", "bearer", "missing", "mac", "DPoP"]
ScopeReply = Literal["granted", "absent", "narrowed", "widened"]
Rotation = Literal["rotate", "keep", "omit"]
ErrorShape = Literal["rfc6749", "nested", "flat", "nested_old"]
ResourceErrorShape = Literal["by_version", "rfc6749", "nested", "flat", "nested_old"]
CredentialShape = Literal["tropipay", "rfc7591", "wrapped"]
Body = Literal["json", "form", "both"]
RedirectCheck = Literal["strict", "exact", "prefix", "ignored"]
ExchangeRedirect = Literal["required", "optional"]
Pkce = Literal["required", "optional", "ignored"]
VerifierLength = Literal["strict", "lenient"]
Iss = Literal["absent", "sent", "wrong"]
StateEcho = Literal["right", "wrong", "missing"]
CallbackForm = Literal["right", "code_and_error", "repeated_code", "repeated_state", "no_code", "bad_escape"]
AuthorizationError = Literal[
    "none",
    "invalid_request",
    "access_denied",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
]
Fault = Literal[
    "none",
    "status_429",
    "status_500",
    "status_502_html",
    "status_503",
    "html_200",
    "empty_200",
    "status_204",
    "truncated_json",
    "truncated_body",
    "huge_body",
    "deep_json",
    "not_utf8",
    "wrong_content_type",
    "redirect_307",
    "unreachable",
    "drop_before",
    "drop_after",
    "duplicate_member",
    "echo_secret",
    "hostile_text",
    "no_access_token",
    "split_header",
]
FaultAt = Literal["token", "client_credentials", "authorization_code", "refresh_token", "revocation", "resource", "both"]

_YEAR = 365 * 86400


@frozen(kw_only=True)
class Behaviour:
    """How the sandbox behaves. The default is what TropiPay does; `Behaviour.describe()` explains every name.

    Write `Behaviour(expires_in="lifetime", lifetime=60)`, or on a command line `expires_in=lifetime lifetime=60`.

    Raises:
        ConfigurationError: a value that is not allowed; the message lists those that are.
    """

    # -- the token response
    expires_in: ExpiresIn = choice(
        ExpiresIn, "absolute_seconds", "form of expires_in; TropiPay sends the Unix time of expiry in seconds"
    )
    lifetime: float = number(86400.0, 0, 100 * _YEAR, "seconds that an access token lives; TropiPay gives a day")
    token_format: TokenFormat = choice(TokenFormat, "jwt", "form of the access token: HS256 JWT with iat and exp, or opaque")
    token_type: TokenType = choice(TokenType, "Bearer", "token_type of the response; the client must refuse mac and DPoP")
    scope_reply: ScopeReply = choice(
        ScopeReply, "granted", "scope of the response; narrowed grants all but the last scope, widened one that nobody asked for"
    )
    # -- refresh tokens
    refresh_with_client_credentials: bool = switch(True, "whether client credentials bring a refresh token too, as at TropiPay")
    refresh_rotation: Rotation = choice(
        Rotation, "rotate", "a renewal brings a new refresh token, the same again, or none; public clients always rotate"
    )
    reuse_detection: bool = switch(True, "whether a spent refresh token that comes again kills its whole family")
    refresh_lifetime: float = number(30 * 86400.0, 0, 100 * _YEAR, "seconds without use after which a refresh token ends")
    # -- errors
    error_shape: ErrorShape = choice(ErrorShape, "rfc6749", "shape of errors of the token endpoint")
    resource_error_shape: ResourceErrorShape = choice(
        ResourceErrorShape, "by_version", "shape of errors of the API; by_version is nested_old below v2 and nested below v3"
    )
    invalid_client_status: int = whole(400, 400, 401, "status of invalid_client; TropiPay answers 400, RFC 6749 allows 401")
    error_uri: str = text("", r"[!#-\[\]-~]{0,500}", "a URI, or nothing", "error_uri of errors in the shape of RFC 6749")
    # -- what is accepted
    body: Body = choice(Body, "both", "media types that the token endpoint takes")
    redirect_check: RedirectCheck = choice(
        RedirectCheck,
        "strict",
        "strict: equal, a loopback port may differ; exact: port too; prefix and ignored: mistakes that let codes leak",
    )
    exchange_redirect: ExchangeRedirect = choice(
        ExchangeRedirect, "required", "whether the code exchange may leave out redirect_uri (OAuth 2.1); a wrong one is refused"
    )
    pkce: Pkce = choice(Pkce, "required", "PKCE with S256; optional still requires it of public clients; ignored never looks")
    verifier_length: VerifierLength = choice(
        VerifierLength, "strict", "43 to 128 characters, or any; TropiPay's own demo sends 14"
    )
    code_lifetime: float = number(60.0, 0, 600, "seconds that an authorization code lives")
    max_failures: int = whole(0, 0, 1000, "failed logins of a client in a row until it is locked out; 0 never")
    lockout: float = number(60.0, 0, _YEAR, "seconds that a lock-out lasts")
    # -- the redirect back
    iss: Iss = choice(Iss, "absent", "iss parameter of the redirect back (RFC 9207)")
    state_echo: StateEcho = choice(StateEcho, "right", "state of the redirect back")
    callback: CallbackForm = choice(CallbackForm, "right", "form of the redirect back; all but right must be refused by a client")
    authorization_error: AuthorizationError = choice(
        AuthorizationError, "none", "error with which every valid authorization request comes back"
    )
    # -- the clock
    date_offset: float = number(0.0, -1e9, 1e9, "seconds by which the server's clock is ahead")
    date_header: bool = switch(True, "whether responses have a Date")
    # -- what exists
    revocation: bool = switch(True, "whether there is a revocation endpoint (RFC 7009)")
    metadata: bool = switch(True, "whether there is metadata (RFC 8414)")
    credential_shape: CredentialShape = choice(
        CredentialShape, "tropipay", "answer to a new credential: 200, 201 as in RFC 7591, or TropiPay's older wrapped form"
    )
    # -- faults
    fault: Fault = choice(
        Fault,
        "none",
        "what goes wrong: instead of processing (429, 500, 503, 307, unreachable, drop_before, and the texts) or after it",
    )
    fault_at: FaultAt = choice(FaultAt, "token", "which requests the fault and the delay hit; both is token and resource")
    fault_count: int = whole(-1, -1, 10**9, "how many requests the fault hits; -1 is all")
    retry_after: str = text(
        "30",
        r"none|garbage|(?:(?:date|reset|reset_ms):)?[0-9]{1,15}",
        "none | garbage | SECONDS | date:SECONDS | reset:SECONDS | reset_ms:SECONDS",
        "how 429 and 503 say when to come again: Retry-After in seconds or as a date, or X-RateLimit-Reset",
    )
    delay: float = number(0.0, 0, 86400, "seconds before the reply begins (in process it is only reported)")
    drip: float = number(0.0, 0, 86400, "seconds between two bytes of the reply's body (in process it is only reported)")
    huge_bytes: int = whole(2 << 20, 1, 64 << 20, "size of the padding of huge_body")
    resource_401: int = whole(0, -1, 10**9, "how many requests with a good token the API refuses as invalid; -1 is all")

    @classmethod
    def standard(cls, **changes: Any) -> Self:
        """A server by the book instead of TropiPay's: form bodies, a lifetime of an hour, `iss`, 401, RFC error shapes."""
        return cls(**(_STANDARD | changes))

    @classmethod
    def parse(cls, written: Iterable[str]) -> Self:
        """The behaviour that `name=value` texts stand for; `profile=standard` begins with `Behaviour.standard()`.

        Raises:
            ConfigurationError: a name or value that does not exist; the message lists the right ones.
        """
        pairs = [_split(one) for one in written]
        start = cls()
        for name, value in pairs:
            start = cls._profile(value) if name == "profile" else start
        known = {attribute.name: attribute for attribute in fields(cls)}
        changes = {name: read_option(known[name], value) for name, value in pairs if name != "profile"}
        return evolve(start, **changes)

    @classmethod
    def _profile(cls, name: str) -> Self:
        if name not in _PROFILES:
            raise ConfigurationError(f"profile is one of {' | '.join(_PROFILES)}", code="behaviour_value")
        return cls() if name == "tropipay" else cls.standard()

    @classmethod
    def describe(cls) -> tuple[Option, ...]:
        """Every option with its default, its allowed values and its meaning, in order."""
        return (_PROFILE, *(describe(attribute) for attribute in fields(cls)))


_STANDARD: dict[str, Any] = {
    "expires_in": "lifetime",
    "lifetime": 3600.0,
    "refresh_with_client_credentials": False,
    "resource_error_shape": "rfc6749",
    "invalid_client_status": 401,
    "body": "form",
    "iss": "sent",
    "credential_shape": "rfc7591",
}
_PROFILES = ("tropipay", "standard")
_PROFILE = Option(
    name="profile",
    default="tropipay",
    values=" | ".join(_PROFILES),
    choices=_PROFILES,
    meaning="where to begin: as TropiPay does it, or by the book of the RFCs",
)


def _split(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    names = [option.name for option in Behaviour.describe()]
    if not equals or name not in names:
        shown = printable(written.partition("=")[0], 40)
        raise ConfigurationError(f"'{shown}' is no behaviour: write name=value with one of {', '.join(names)}", code="behaviour")
    return name, value
