"""Where the authorization server is and how it wants to be spoken to. Every choice is a field; nothing is guessed."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from attrs import Attribute, Factory, field, frozen

from . import urls
from .checks import is_number, line
from .errors import ConfigurationError
from .secret import discreet_init
from .token import GrantType

YEAR = 365 * 86400.0
_LEGACY_HOST = "tropipay-dev.herokuapp.com"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")

S = TypeVar("S", bound=StrEnum)


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


def _choose(kind: type[S], value: S | str) -> S:
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(repr(one.value) for one in kind)
        raise ConfigurationError(f"{kind.__name__} is one of {choices}", code="choice") from None


def _to_encoding(value: BodyEncoding | str) -> BodyEncoding:
    return _choose(BodyEncoding, value)


def _to_authentication(value: ClientAuthentication | str) -> ClientAuthentication:
    return _choose(ClientAuthentication, value)


def _to_issuer_parameter(value: IssuerParameter | str) -> IssuerParameter:
    return _choose(IssuerParameter, value)


def _check_endpoint(instance: "Provider", attribute: "Attribute[str]", value: str) -> None:
    urls.check_endpoint(f"{attribute.name} of the provider", value, allow_localhost=instance.allow_localhost)


def _check_optional(instance: "Provider", attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is not None:
        urls.check_endpoint(f"{attribute.name} of the provider", value, allow_localhost=instance.allow_localhost)


def _check_issuer(instance: "Provider", attribute: "Attribute[str]", value: str) -> None:
    _check_endpoint(instance, attribute, value)
    if "?" in value:
        raise ConfigurationError(
            "issuer of the provider must not have a query (RFC 8414 §2): remove '?' and what follows", code="issuer"
        )


def _to_origins(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError("resource_origins is a list of origins, like ['https://host']", code="origin")
    return tuple(value)


def _check_origins(instance: "Provider", attribute: object, value: tuple[str, ...]) -> None:
    for one in value:
        urls.check_endpoint("a resource origin", one, allow_localhost=instance.allow_localhost)
        if urls.origin("a resource origin", one) != one:
            raise ConfigurationError(
                "a resource origin is scheme, host and port alone, in lower case: https://host", code="origin"
            )


def _check_lifetime(instance: object, attribute: object, value: float) -> None:
    if not is_number(value) or not 0 < value <= 100 * YEAR:
        raise ConfigurationError("max_lifetime is in seconds: more than 0, at most a hundred years", code="max_lifetime")


def _check_version(what: str, version: str) -> None:
    if not isinstance(version, str) or not _VERSION.match(version):
        raise ConfigurationError(f"{what} is the part of the path after /api/, like 'v3'", code="version")


def _default_origins(self: "Provider") -> tuple[str, ...]:
    return () if self.api_base is None else (urls.origin("api_base of the provider", self.api_base),)


@discreet_init
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
        resource_origins: the only places that get the access token; the origin of `api_base` by default. A copy by
            `attrs.evolve` keeps them: a new `api_base` elsewhere needs new ones too.
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
        ConfigurationError: an endpoint that is relative, not https, has a fragment or user info; a choice that is none.
    """

    name: str = field(validator=line)
    allow_localhost: bool = False
    issuer: str = field(validator=_check_issuer)
    token_endpoint: str = field(validator=_check_endpoint)
    user_token_endpoint: str | None = field(default=None, validator=_check_optional)
    authorization_endpoint: str | None = field(default=None, validator=_check_optional)
    revocation_endpoint: str | None = field(default=None, validator=_check_optional)
    api_base: str | None = field(default=None, validator=_check_optional)
    resource_origins: tuple[str, ...] = field(
        default=Factory(_default_origins, takes_self=True), converter=_to_origins, validator=_check_origins
    )
    body_encoding: BodyEncoding = field(default=BodyEncoding.FORM, converter=_to_encoding)
    client_authentication: ClientAuthentication = field(default=ClientAuthentication.BASIC, converter=_to_authentication)
    issuer_parameter: IssuerParameter = field(default=IssuerParameter.COMPARED, converter=_to_issuer_parameter)
    scope_in_code_exchange: bool = False
    default_token_type: str | None = None
    reads_jwt_expiry: bool = False
    rotates_refresh_tokens: bool | None = None
    pkce_confirmed: bool | None = None
    max_lifetime: float = field(default=YEAR, validator=_check_lifetime)

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

        Raises:
            ConfigurationError: a server with a path or query, one that is not https, or a version that is no path segment.
        """
        urls.check_endpoint("the server", server, allow_localhost=allow_localhost)
        _check_version("api_version", api_version)
        _check_version("authorization_version", authorization_version)
        root = urls.origin("the server", server)
        if "?" in server or urls.split("the server", server).path not in ("", "/"):
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
