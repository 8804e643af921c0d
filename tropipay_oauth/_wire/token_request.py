"""Step C on the wire: token requests of the three grants, and revocation.

What belongs here: which members a request has, how they are encoded, how the client authenticates. What does not: when
to send one (the law). Every choice is a field of the provider; nothing is tried and guessed.
"""

import json
from base64 import b64encode
from urllib.parse import quote_plus

from .._values.credential import Credential
from .._values.errors import ConfigurationError, RecordMismatch
from .._values.http import HTTPRequest
from .._values.provider import BodyEncoding, ClientAuthentication, Provider
from .._values.scope import Scope
from .._values.secret import Secret
from .._values.token import GrantType
from .authorization import ValidatedCallback
from .form import encode

_Members = list[tuple[str, str]]
_MAX_BODY = 1 << 20


def client_credentials_request(provider: Provider, credential: Credential, scope: Scope, *, timeout: float) -> HTTPRequest:
    """RFC 6749 §4.4.2. It consumes nothing and may be replayed.

    Raises:
        ConfigurationError: the client has no secret: this grant is for confidential clients (RFC 6749 §4.4).
    """
    if credential.client_secret is None or provider.client_authentication is ClientAuthentication.NONE:
        raise ConfigurationError("client credentials are for confidential clients: give the credential a client_secret")
    endpoint = provider.endpoint(GrantType.CLIENT_CREDENTIALS)
    members = [("grant_type", "client_credentials")]
    return _request(provider, credential, endpoint, members, _scope(scope), timeout=timeout, replayable=True)


def code_request(provider: Provider, credential: Credential, proof: ValidatedCallback, *, timeout: float) -> HTTPRequest:
    """RFC 6749 §4.1.3 with the verifier of RFC 7636 §4.5. It consumes the code and is never replayed.

    Raises:
        RecordMismatch: the authorization was begun with another provider or client (RFC 9700 §4.4).
    """
    pending = proof.pending
    if (pending.issuer, pending.client_id) != (provider.issuer, credential.client_id):
        raise RecordMismatch("this authorization was begun with another provider or client: finish it with its own")
    members = [
        ("grant_type", "authorization_code"),
        ("code", proof.code.reveal()),
        ("redirect_uri", pending.redirect_uri),
    ]
    after = [("code_verifier", pending.code_verifier.reveal())]
    if provider.scope_in_code_exchange:
        after += _scope(pending.scope)
    return _request(provider, credential, pending.token_endpoint, members, after, timeout=timeout, consumes=True)


def refresh_request(
    provider: Provider,
    credential: Credential,
    refresh_token: Secret,
    *,
    scope: Scope | None = None,
    timeout: float,
    replayable: bool = False,
) -> HTTPRequest:
    """RFC 6749 §6. It consumes the refresh token unless the provider is known not to rotate (`replayable`)."""
    endpoint = provider.endpoint(GrantType.REFRESH_TOKEN)
    members = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.reveal())]
    after = _scope(scope or Scope())
    return _request(provider, credential, endpoint, members, after, timeout=timeout, replayable=replayable, consumes=True)


def revocation_request(provider: Provider, credential: Credential, token: Secret, hint: str, *, timeout: float) -> HTTPRequest:
    """RFC 7009 §2.1. `hint` is `refresh_token` or `access_token`."""
    endpoint = provider.revocation_endpoint
    if endpoint is None:
        raise ConfigurationError("this provider has no revocation_endpoint: set it")
    members = [("token", token.reveal()), ("token_type_hint", hint)]
    return _request(provider, credential, endpoint, members, [], timeout=timeout, replayable=True)


def _scope(scope: Scope) -> _Members:
    return [("scope", str(scope))] if scope else []


def _request(
    provider: Provider,
    credential: Credential,
    endpoint: str,
    before: _Members,
    after: _Members,
    *,
    timeout: float,
    replayable: bool = False,
    consumes: bool = False,
) -> HTTPRequest:
    proof, header = _authentication(provider, credential)
    kind, body = _encode(provider.body_encoding, [*before, *proof, *after])
    headers = [("Content-Type", kind), ("Accept", "application/json"), ("User-Agent", credential.user_agent), *header]
    return HTTPRequest(
        method="POST",
        url=endpoint,
        headers=headers,
        body=body,
        replayable=replayable,
        fresh_connection=consumes,
        timeout=timeout,
        max_body=_MAX_BODY,
    )


def _authentication(provider: Provider, credential: Credential) -> tuple[_Members, _Members]:
    """Members of the body and header fields that say who the client is: one way per request (RFC 6749 §2.3)."""
    if provider.client_authentication is ClientAuthentication.NONE:
        return [("client_id", credential.client_id)], []
    if credential.client_secret is None:
        raise ConfigurationError(
            "this provider authenticates the client by its secret: give the credential a client_secret, "
            "or set the provider's client_authentication to NONE for a public client"
        )
    secret = credential.client_secret.reveal()
    if provider.client_authentication is ClientAuthentication.BODY:
        return [("client_id", credential.client_id), ("client_secret", secret)], []
    pair = f"{quote_plus(credential.client_id)}:{quote_plus(secret)}"
    return [], [("Authorization", "Basic " + b64encode(pair.encode("ascii")).decode("ascii"))]


def _encode(encoding: BodyEncoding, members: _Members) -> tuple[str, bytes]:
    if encoding is BodyEncoding.JSON:
        return "application/json", json.dumps(dict(members), separators=(",", ":")).encode("ascii")
    return "application/x-www-form-urlencoded", encode(members).encode("ascii")
