"""Authorization-server metadata (RFC 8414): how to learn a provider's endpoints from its issuer, and what to refuse.

What belongs here: the request, and a provider made of the reply. What does not: fetching it (an adapter). Nothing in the
document is followed but the endpoints, and those only where the issuer itself lives (SSRF).
"""

from typing import Any

from .._values import urls
from .._values.errors import ConfigurationError, MetadataError, RemoteProtocolError
from .._values.http import HTTPRequest, HTTPResponse
from .._values.provider import BodyEncoding, ClientAuthentication, IssuerParameter, Provider
from .fields import media_type
from .strict_json import parse_object

_WELL_KNOWN = "/.well-known/oauth-authorization-server"
_PREFERRED = (ClientAuthentication.BASIC, ClientAuthentication.BODY, ClientAuthentication.NONE)


def metadata_request(issuer: str, *, timeout: float = 30.0) -> HTTPRequest:
    """The request for an issuer's metadata (RFC 8414 §3.1): the well-known path goes between host and path.

    Raises:
        ConfigurationError: the issuer is not https, or has a query or a fragment.
    """
    urls.check_endpoint("the issuer", issuer)
    if "?" in issuer:
        raise ConfigurationError("the issuer must not have a query (RFC 8414 §2): remove '?' and what follows")
    path = urls.split("the issuer", issuer).path.rstrip("/")
    url = f"{urls.origin('the issuer', issuer)}{_WELL_KNOWN}{path}"
    return HTTPRequest(method="GET", url=url, headers={"Accept": "application/json"}, replayable=True, timeout=timeout)


def provider_from_metadata(
    issuer: str,
    response: HTTPResponse,
    *,
    name: str | None = None,
    api_base: str | None = None,
    resource_origins: tuple[str, ...] | None = None,
    endpoint_origins: tuple[str, ...] = (),
    body_encoding: BodyEncoding = BodyEncoding.FORM,
    client_authentication: ClientAuthentication | None = None,
) -> Provider:
    """The provider that the reply to `metadata_request(issuer)` describes.

    Args:
        api_base, resource_origins: where access tokens may go; the metadata does not say.
        endpoint_origins: further origins, beside the issuer's own, at which endpoints may be.
        client_authentication: overrides what the metadata offers.

    Raises:
        MetadataError: another status or media type, another issuer (§3.3), an endpoint elsewhere, no S256.
        ConfigurationError: `api_base` or another argument is refused.
    """
    members = _document(response)
    if members.get("issuer") != issuer:
        raise MetadataError(
            "the metadata names another issuer than the one that was asked: do not use it", code="issuer_mismatch"
        )
    allowed = (urls.origin("the issuer", issuer), *endpoint_origins)
    token_endpoint = _endpoint(members, "token_endpoint", allowed)
    if token_endpoint is None:
        raise MetadataError("the metadata has no token_endpoint", code="missing_token_endpoint")
    provider = Provider(
        name=name or issuer,
        issuer=issuer,
        token_endpoint=token_endpoint,
        authorization_endpoint=_endpoint(members, "authorization_endpoint", allowed),
        revocation_endpoint=_endpoint(members, "revocation_endpoint", allowed),
        api_base=api_base,
        resource_origins=_origins(api_base) if resource_origins is None else resource_origins,
        body_encoding=body_encoding,
        client_authentication=client_authentication or _authentication(members),
        issuer_parameter=_issuer_parameter(members),
        pkce_confirmed=_pkce(members),
    )
    return provider


def _origins(api_base: str | None) -> tuple[str, ...]:
    return () if api_base is None else (urls.origin("api_base", api_base),)


def _document(response: HTTPResponse) -> dict[str, Any]:
    if response.status != 200 or media_type(response.headers) != "application/json":
        raise MetadataError(
            "the issuer gave no metadata (200 with application/json is needed): check the issuer's URL", code="no_metadata"
        )
    try:
        return parse_object(response.body)
    except RemoteProtocolError as error:
        raise MetadataError(f"the metadata cannot be read: {error}", code=error.code) from None


def _endpoint(members: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    found = members.get(name)
    if found is None:
        return None
    try:
        endpoint = urls.check_endpoint(f"the metadata's {name}", found)
        place = urls.origin(f"the metadata's {name}", endpoint)
    except ConfigurationError as error:
        raise MetadataError(f"{error}; do not use this metadata", code="bad_endpoint") from None
    if place not in allowed:
        raise MetadataError(
            f"the metadata's {name} is not at the issuer's own origin: do not use it, or name its origin in endpoint_origins",
            code="foreign_endpoint",
        )
    return endpoint


def _names(members: dict[str, Any], name: str) -> list[object] | None:
    found = members.get(name)
    if found is not None and not isinstance(found, list):
        raise MetadataError(f"the metadata's {name} is no list", code="bad_member")
    return found


def _authentication(members: dict[str, Any]) -> ClientAuthentication:
    """Omitted means Basic (RFC 8414 §2)."""
    offered = _names(members, "token_endpoint_auth_methods_supported")
    if offered is None:
        return ClientAuthentication.BASIC
    for method in _PREFERRED:
        if method.value in offered:
            return method
    raise MetadataError("the server offers no client authentication that is known here", code="no_client_authentication")


def _issuer_parameter(members: dict[str, Any]) -> IssuerParameter:
    promised = members.get("authorization_response_iss_parameter_supported") is True
    return IssuerParameter.REQUIRED if promised else IssuerParameter.COMPARED


def _pkce(members: dict[str, Any]) -> bool:
    methods = _names(members, "code_challenge_methods_supported")
    if methods is not None and "S256" not in methods:
        raise MetadataError("the server does PKCE without S256: it cannot be used safely", code="pkce_unsupported")
    return methods is not None
