"""Authorization server metadata (RFC 8414): where the endpoints of any OAuth server are, and how it wants to be spoken to.

What belongs here: asking for it, and what of it may be believed. What does not: TropiPay's own endpoints, which are known.
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
    """Ask for the metadata of `issuer` (RFC 8414 §3.1).

    Args:
        issuer: https, or http on a loopback IP literal; its path goes behind the well-known one.
        timeout: seconds for everything together.

    Raises:
        ConfigurationError: an issuer with a query or fragment, or one that is not https.
    """
    root = _check_issuer(issuer)
    path = issuer.partition("://")[2].partition("/")[2].removesuffix("/")
    url = f"{root}{_WELL_KNOWN}/{path}" if path else f"{root}{_WELL_KNOWN}"
    return HTTPRequest(method="GET", url=url, headers={"Accept": "application/json"}, replayable=True, timeout=timeout)


def _check_issuer(issuer: str) -> str:
    """The origin of an issuer that may be asked."""
    urls.check_endpoint("issuer", issuer)
    if "?" in issuer:
        raise ConfigurationError("issuer must not have a query (RFC 8414 §2): remove '?' and what follows", code="issuer")
    return urls.origin("issuer", issuer)


def provider_from_metadata(
    issuer: str,
    response: HTTPResponse,
    *,
    api_base: str | None = None,
    resource_origins: tuple[str, ...] | None = None,
    endpoint_origins: tuple[str, ...] = (),
    body_encoding: BodyEncoding = BodyEncoding.FORM,
    client_authentication: ClientAuthentication | None = None,
) -> Provider:
    """The provider that the metadata of `issuer` describes.

    Args:
        issuer: as it was given to `metadata_request`; the metadata must name it code point by code point.
        response: the reply to that request.
        api_base, resource_origins: of the API, which the metadata does not tell.
        endpoint_origins: origins other than the issuer's own where endpoints may be.
        body_encoding: how a token request is written.
        client_authentication: None takes HTTP Basic if the server offers it, else the body, else none.

    Raises:
        MetadataError: the metadata must not be used (RFC 8414 §3.3): `code` tells why. Nothing of it was adopted.
        ConfigurationError: the issuer, `api_base` or an origin given here is refused.
    """
    root = _check_issuer(issuer)
    _check_origins(endpoint_origins)
    members = _read(response)
    if members.get("issuer") != issuer:
        raise MetadataError(
            "the metadata is that of another issuer: use the issuer exactly as it names itself", code="issuer_mismatch"
        )
    origins = (root, *endpoint_origins)
    token_endpoint = _endpoint(members, "token_endpoint", root, origins)
    if token_endpoint is None:
        raise MetadataError("the metadata has no token_endpoint: name the endpoints by hand", code="no_token_endpoint")
    if resource_origins is None:
        resource_origins = () if api_base is None else (urls.origin("api_base", api_base),)
    promised = members.get("authorization_response_iss_parameter_supported") is True
    return Provider(
        name=root,
        issuer=issuer,
        token_endpoint=token_endpoint,
        authorization_endpoint=_endpoint(members, "authorization_endpoint", root, origins),
        revocation_endpoint=_endpoint(members, "revocation_endpoint", root, origins),
        api_base=api_base,
        resource_origins=resource_origins,
        body_encoding=body_encoding,
        client_authentication=client_authentication or _authentication(members),
        issuer_parameter=IssuerParameter.REQUIRED if promised else IssuerParameter.COMPARED,
        pkce_confirmed=_confirms_pkce(members),
    )


def _check_origins(origins: tuple[str, ...]) -> None:
    for one in origins:
        if urls.origin("an endpoint origin", one) != one:
            raise ConfigurationError("an endpoint origin is scheme, host and port alone: https://host", code="origin")


def _read(response: HTTPResponse) -> dict[str, Any]:
    if response.status != 200:
        raise MetadataError(f"the metadata was answered with {response.status} instead of 200: check the issuer", code="status")
    if media_type(response.headers) != "application/json":
        raise MetadataError("the metadata is not application/json: check the issuer", code="media_type")
    try:
        return parse_object(response.body)
    except RemoteProtocolError as error:
        message, code = error.message, error.code
    raise MetadataError(message, code=code)


def _endpoint(members: dict[str, Any], name: str, root: str, origins: tuple[str, ...]) -> str | None:
    """An endpoint that may be used: on the issuer's own origin or on one that the caller allows (RFC 9700 §4.4)."""
    if members.get(name) is None:
        return None
    try:
        url = urls.check_endpoint(name, members[name])
        place = urls.origin(name, url)
        host = urls.host_of(name, urls.split(name, url))
    except ConfigurationError as refused:
        message = refused.message
    else:
        if place not in origins:
            message = f"{name} is at another origin than the issuer: allow it by endpoint_origins if it is meant"
        elif urls.ip_literal(host) is not None and not (place == root and urls.is_loopback(host)):
            message = f"{name} is at an IP address: only a loopback issuer may have that"
        else:
            return url
    raise MetadataError(message, code="endpoint")


def _authentication(members: dict[str, Any]) -> ClientAuthentication:
    offered = _names(members, "token_endpoint_auth_methods_supported")
    if offered is None:
        return ClientAuthentication.BASIC  # RFC 8414 §2
    found = next((one for one in _PREFERRED if one.value in offered), None)
    if found is None:
        raise MetadataError("the server offers no client authentication that is spoken here", code="client_authentication")
    return found


def _confirms_pkce(members: dict[str, Any]) -> bool:
    """Whether S256 is promised; not signalled at all is no promise (RFC 8414 §2)."""
    methods = _names(members, "code_challenge_methods_supported")
    if methods is not None and "S256" not in methods:
        raise MetadataError("the server does not take S256 code challenges: it cannot be used safely", code="pkce_unsupported")
    return methods is not None


def _names(members: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise MetadataError(f"{name} of the metadata is no list of texts", code="malformed_member")
    return tuple(value)
