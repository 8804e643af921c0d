"""What the command line is told by the environment and by its options: which provider, which credential.

What belongs here: TropiPay's own variables, read once. A secret is never an argument: a process list would show it.
"""

import argparse
import os
from collections.abc import Mapping

from attrs import evolve

from tropipay_oauth import (
    PRODUCTION,
    SANDBOX,
    BodyEncoding,
    ClientAuthentication,
    Credential,
    Provider,
    metadata_request,
    provider_from_metadata,
)
from tropipay_oauth.errors import ConfigurationError

from .sync import SyncTransport

ENVIRONMENTS = {"sandbox": SANDBOX, "production": PRODUCTION}
_AUTHENTICATIONS = {
    "body": ClientAuthentication.BODY,
    "basic": ClientAuthentication.BASIC,
    "none": ClientAuthentication.NONE,
}


def provider_of(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Provider:
    """The provider by `--issuer`, TROPIPAY_SERVER or TROPIPAY_ENV, in this order; TropiPay's sandbox by default.

    Raises:
        ConfigurationError: an option or variable that says nothing useful.
        TropiPayOAuthError: the metadata of `--issuer` cannot be had.
    """
    if options.api_base and not options.issuer:
        raise ConfigurationError("--api-base says where the API of --issuer is: pass both, or set TROPIPAY_SERVER")
    provider = _discovered(options.issuer, options.api_base) if options.issuer else _named(environment)
    if options.encoding:
        provider = evolve(provider, body_encoding=BodyEncoding(options.encoding))
    if options.client_auth:
        provider = evolve(provider, client_authentication=_AUTHENTICATIONS[options.client_auth])
    return provider


def check_api(provider: Provider) -> None:
    """See that there is an API to call.

    Raises:
        ConfigurationError: metadata tells nothing of it, and neither did the caller.
    """
    if provider.api_base is None:
        raise ConfigurationError("the metadata of --issuer does not say where its API is: add --api-base URL")


def _named(environment: Mapping[str, str]) -> Provider:
    server = environment.get("TROPIPAY_SERVER")
    if server:
        return Provider.for_server(server, allow_localhost=True)
    name = environment.get("TROPIPAY_ENV") or "sandbox"
    if name not in ENVIRONMENTS:
        raise ConfigurationError("TROPIPAY_ENV is sandbox or production: set it to one of them, or set TROPIPAY_SERVER")
    return ENVIRONMENTS[name]


def _discovered(issuer: str, api_base: str | None) -> Provider:
    transport = SyncTransport()
    try:
        return provider_from_metadata(issuer, transport.send(metadata_request(issuer)), api_base=api_base)
    finally:
        transport.close()


def credential_of(provider: Provider, environment: Mapping[str, str] = os.environ) -> Credential:
    """The credential by TROPIPAY_CLIENT_ID and TROPIPAY_CLIENT_SECRET.

    Raises:
        ConfigurationError: one of them is missing.
    """
    client_id = environment.get("TROPIPAY_CLIENT_ID")
    if not client_id:
        raise ConfigurationError(
            "TROPIPAY_CLIENT_ID is not set: set it and TROPIPAY_CLIENT_SECRET; `tropipay-oauth sandbox` prints a pair to try"
        )
    secret = environment.get("TROPIPAY_CLIENT_SECRET") or None
    if secret is None and provider.client_authentication is not ClientAuthentication.NONE:
        raise ConfigurationError("TROPIPAY_CLIENT_SECRET is not set: set it, or pass --client-auth none for a public client")
    return Credential(client_id=client_id, client_secret=secret)


def scope_of(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> str | None:
    """The scope by `--scope` or TROPIPAY_SCOPE; an empty one asks for nothing in particular."""
    scope: str | None = environment.get("TROPIPAY_SCOPE") if options.scope is None else options.scope
    return scope or None
