"""Where the authorization server is and how it wants to be spoken to. Every choice is a field; nothing is guessed."""

from enum import StrEnum

from attrs import field, frozen

from . import urls
from .errors import ConfigurationError
from .token import GrantType

YEAR = 365 * 86400.0
_LEGACY_HOST = "tropipay-dev.herokuapp.com"


class BodyEncoding(StrEnum):
    """How a token request is written."""

    JSON = "json"
    """`application/json`: what TropiPay takes."""
    FORM = "form"
    """`application/x-www-form-urlencoded`: what RFC 6749 prescribes."""


class ClientAuthentication(StrEnum):
    """How the client proves who it is; one way per request (RFC 6749 §2.3)."""

    BODY = "client_secret_post"
    """`client_id` and `client_secret` in the body: what TropiPay takes."""
    BASIC = "client_secret_basic"
    """HTTP Basic, each half form-encoded first (RFC 6749 §2.3.1)."""
    NONE = "none"
    """A public client: `client_id` alone."""


class IssuerParameter(StrEnum):
    """What a callback's `iss` must be (RFC 9207)."""

    REQUIRED = "required"
    """The server promises it: a callback without it is refused."""
    COMPARED = "compared"
    """It may be absent; if present it must be right."""


def _endpoint(instance: "Provider", attribute: "object", value: str | None) -> None:
    name: str = attribute.name  # type: ignore[attr-defined]
    if value is not None:
        urls.check_endpoint(f"{name} of the provider", value, allow_localhost=instance.allow_localhost)


def _check_issuer(instance: "Provider", attribute: object, value: str) -> None:
    urls.check_endpoint("issuer of the provider", value, allow_localhost=instance.allow_localhost)
    if "?" in value:
        raise ConfigurationError("issuer of the provider must not have a query (RFC 8414 §2): remove '?' and what follows")


def _check_origins(instance: "Provider", attribute: object, value: tuple[str, ...]) -> None:
    for one in value:
        urls.check_endpoint("a resource origin", one, allow_localhost=instance.allow_localhost)
        if urls.origin("a resource origin", one) != one:
            raise ConfigurationError("a resource origin is scheme, host and port alone, in lower case, like https://host", code="origin")


def _check_lifetime(instance: object, attribute: object, value: float) -> None:
    if not 0 < value <= 100 * YEAR:
        raise ConfigurationError("max_lifetime is in seconds: more than 0, at most a hundred years")


def _default_origins(self: "Provider") -> tuple[str, ...]:
    return () if self.api_base is None else (urls.origin("api_base of the provider", self.api_base),)


@frozen(kw_only=True)
class Provider:
    """One authorization server and the API behind it.

    Use `PRODUCTION`, `SANDBOX`, `Provider.for_server(url)` for any server that speaks TropiPay's dialect, or
    `tropipay_oauth.provider_from_metadata` for any OAuth server.

    Args:
        name: for people.
        issuer: identifies the server (RFC 8414 §2); tokens are kept per issuer.
        token_endpoint: where client credentials are presented.
        user_token_endpoint: where codes and refresh tokens are presented; the same as `token_endpoint` if None.
        authorization_endpoint: where the browser is sent; None if the server has none.
        revocation_endpoint: RFC 7009; None if the server has none (TropiPay documents none).
        api_base: relative resource paths are joined to it.
        resource_origins: the only places that get the access token; the origin of `api_base` by default.
        body_encoding, client_authentication: how a token request is written.
        issuer_parameter: what a callback's `iss` must be.
        scope_in_code_exchange: whether the exchange repeats the scope (TropiPay's own clients do).
        default_token_type: taken when a response names none; None refuses such a response (RFC 6749 §5.1).
        reads_jwt_expiry: whether the access token's own `exp` may be looked at when `expires_in` is absent.
        rotates_refresh_tokens: True or False if known; None until it has been seen.
        pkce_confirmed: whether the server is known to check PKCE, which is sent in any case.
        max_lifetime: seconds; a longer life of a token is cut to this.
        allow_localhost: accept the name `localhost` where an IP-literal loopback address is.

    Raises:
        ConfigurationError: an endpoint that is relative, not https, has a fragment or user info.
    """

    name: str
    allow_localhost: bool = False
    issuer: str = field(validator=_check_issuer)
    token_endpoint: str = field(validator=_endpoint)
    user_token_endpoint: str | None = field(default=None, validator=_endpoint)
    authorization_endpoint: str | None = field(default=None, validator=_endpoint)
    revocation_endpoint: str | None = field(default=None, validator=_endpoint)
    api_base: str | None = field(default=None, validator=_endpoint)
    resource_origins: tuple[str, ...] = field(validator=_check_origins)
    body_encoding: BodyEncoding = field(default=BodyEncoding.FORM, converter=BodyEncoding)
    client_authentication: ClientAuthentication = field(default=ClientAuthentication.BASIC, converter=ClientAuthentication)
    issuer_parameter: IssuerParameter = field(default=IssuerParameter.COMPARED, converter=IssuerParameter)
    scope_in_code_exchange: bool = False
    default_token_type: str | None = None
    reads_jwt_expiry: bool = False
    rotates_refresh_tokens: bool | None = None
    pkce_confirmed: bool | None = None
    max_lifetime: float = field(default=YEAR, converter=float, validator=_check_lifetime)

    @resource_origins.default
    def _origins(self) -> tuple[str, ...]:
        return _default_origins(self)

    @classmethod
    def for_server(
        cls,
        server: str,
        *,
        name: str | None = None,
        api_version: str = "v3",
        authorization_version: str = "v2",
        allow_localhost: bool = False,
    ) -> "Provider":
        """A server that speaks TropiPay's dialect, e.g. `https://www.tropipay.com` or `http://127.0.0.1:8080`.

        Args:
            server: scheme, host and port; a path is refused.
            api_version: of the API and of the client-credentials endpoint.
            authorization_version: of the browser's endpoint and of the code and refresh exchange; TropiPay documents v2.
        """
        urls.check_endpoint("the server", server, allow_localhost=allow_localhost)
        root = urls.origin("the server", server)
        if server.rstrip("/").lower() != root and urls.split("the server", server).path not in ("", "/"):
            raise ConfigurationError("the server is scheme, host and port alone, like https://www.tropipay.com", code="server")
        return cls(
            name=name or root,
            allow_localhost=allow_localhost,
            issuer=root,
            token_endpoint=f"{root}/api/{api_version}/access/token",
            user_token_endpoint=f"{root}/api/{authorization_version}/access/token",
            authorization_endpoint=f"{root}/api/{authorization_version}/access/authorize",
            api_base=f"{root}/api/{api_version}/",
            body_encoding=BodyEncoding.JSON,
            client_authentication=ClientAuthentication.BODY,
            scope_in_code_exchange=True,
            reads_jwt_expiry=True,
        )

    def endpoint(self, grant_type: GrantType) -> str:
        """The token endpoint for this grant."""
        if grant_type is GrantType.CLIENT_CREDENTIALS or self.user_token_endpoint is None:
            return self.token_endpoint
        return self.user_token_endpoint

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know before using it; the adapters pass these on as warnings."""
        if urls.split("issuer", self.issuer).hostname == _LEGACY_HOST:
            return (f"{_LEGACY_HOST} is TropiPay's old development server: use SANDBOX (https://sandbox.tropipay.me).",)
        return ()


PRODUCTION = Provider.for_server("https://www.tropipay.com", name="production")
"""TropiPay itself."""

SANDBOX = Provider.for_server("https://sandbox.tropipay.me", name="sandbox")
"""TropiPay's sandbox: its own credentials, no real money; every SMS or 2FA code is 123456."""
