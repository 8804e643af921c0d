"""Step C: the requests to the token endpoint and to the revocation endpoint (RFC 6749 §4.1.3, §4.4.2, §6, RFC 7009 §2.1).

What belongs here: which members a request has, in which order, and how client and body are written. What does not: when
to send it, and whether to send it again.
"""

import json
import re
from base64 import b64encode

from .._values.credential import Credential
from .._values.errors import ConfigurationError, RecordMismatch
from .._values.http import HTTPRequest
from .._values.provider import BodyEncoding, ClientAuthentication, Provider
from .._values.scope import Scope
from .._values.secret import Secret, discreet
from .._values.token import GrantType
from . import form
from .authorization import ValidatedCallback

_VSCHAR = re.compile(r"[ -~]+\Z")
_to_json = json.JSONEncoder(separators=(",", ":")).encode  # made once: json.dumps would make one for each request

Members = dict[str, str]


@discreet
def client_credentials_request(provider: Provider, credential: Credential, scope: Scope, *, timeout: float) -> HTTPRequest:
    """Ask for a token in the client's own name (RFC 6749 §4.4.2).

    Args:
        scope: left out when empty.
        timeout: seconds for everything together.

    Raises:
        ConfigurationError: the client cannot authenticate, without which this grant must not be used (RFC 6749 §4.4).
    """
    if provider.client_authentication is ClientAuthentication.NONE:
        raise ConfigurationError(
            "client credentials are for clients that authenticate: set the provider's client_authentication to BODY or BASIC",
            code="client_authentication",
        )
    members = {"grant_type": GrantType.CLIENT_CREDENTIALS.value, **_client(provider, credential), **_scope(scope)}
    return _post(provider.endpoint(GrantType.CLIENT_CREDENTIALS), provider, credential, members, timeout, replayable=True)


@discreet
def code_request(provider: Provider, credential: Credential, proof: ValidatedCallback, *, timeout: float) -> HTTPRequest:
    """Exchange the code of a validated callback (RFC 6749 §4.1.3, RFC 7636 §4.5).

    Args:
        proof: the callback; the code goes to the token endpoint of *its* authorization (RFC 9700 §4.4.2).
        timeout: seconds for everything together.

    Raises:
        RecordMismatch: the authorization was begun with another provider or client.
        ConfigurationError: the client cannot authenticate.
    """
    pending = proof.pending
    if (pending.issuer, pending.client_id) != (provider.issuer, credential.client_id):
        raise RecordMismatch("this authorization was begun with another provider or client: finish it with its own")
    members = {
        "grant_type": GrantType.AUTHORIZATION_CODE.value,
        "code": proof.code.reveal(),
        "redirect_uri": pending.redirect_uri,
        **_client(provider, credential),
        "code_verifier": pending.code_verifier.reveal(),
        **_scope(pending.scope if provider.scope_in_code_exchange else None),
    }
    return _post(pending.token_endpoint, provider, credential, members, timeout, fresh_connection=True)


@discreet
def refresh_request(
    provider: Provider,
    credential: Credential,
    refresh_token: Secret,
    *,
    scope: Scope | None = None,
    timeout: float,
    replayable: bool = False,
) -> HTTPRequest:
    """Exchange a refresh token (RFC 6749 §6).

    Args:
        refresh_token: as it was issued.
        scope: only to ask for less than was granted; None asks for all of it.
        timeout: seconds for everything together.
        replayable: whether this provider is known not to rotate refresh tokens.

    Raises:
        ConfigurationError: the client cannot authenticate, or the refresh token is none.
    """
    members = {
        "grant_type": GrantType.REFRESH_TOKEN.value,
        "refresh_token": _text("refresh_token", refresh_token),
        **_client(provider, credential),
        **_scope(scope),
    }
    endpoint = provider.endpoint(GrantType.REFRESH_TOKEN)
    return _post(endpoint, provider, credential, members, timeout, replayable=replayable, fresh_connection=True)


@discreet
def revocation_request(provider: Provider, credential: Credential, token: Secret, hint: str, *, timeout: float) -> HTTPRequest:
    """Ask the server to revoke a token (RFC 7009 §2.1). Its answer may be ignored: 200 means done.

    Args:
        token: an access or refresh token.
        hint: `access_token` or `refresh_token`.
        timeout: seconds for everything together.

    Raises:
        ConfigurationError: the provider has no revocation endpoint, or the client cannot authenticate.
    """
    if provider.revocation_endpoint is None:
        raise ConfigurationError("this provider has no revocation_endpoint: set it, or only forget the token", code="no_endpoint")
    members = {"token": _text("token", token), "token_type_hint": hint, **_client(provider, credential)}
    return _post(provider.revocation_endpoint, provider, credential, members, timeout, replayable=True)


def _text(what: str, secret: Secret) -> str:
    text = secret.reveal()
    if not _VSCHAR.match(text):
        raise ConfigurationError(f"{what} is empty or holds characters other than printable ASCII", code="token_text")
    return text


def _scope(scope: Scope | None) -> Members:
    return {"scope": str(scope)} if scope else {}


def _client(provider: Provider, credential: Credential) -> Members:
    """What the body says of the client. One way of authentication per request (RFC 6749 §2.3)."""
    if provider.client_authentication is ClientAuthentication.BASIC:
        return {}
    named = {"client_id": credential.client_id}
    if provider.client_authentication is ClientAuthentication.BODY:
        named["client_secret"] = _client_secret(credential)
    return named


def _client_secret(credential: Credential) -> str:
    if credential.client_secret is None:
        raise ConfigurationError(
            "this provider authenticates the client by its secret: give the credential a client_secret, "
            "or set the provider's client_authentication to NONE for a public client",
            code="client_authentication",
        )
    return credential.client_secret.reveal()


def _basic(credential: Credential) -> str:
    """Each half form-encoded first, so that neither holds a colon (RFC 6749 §2.3.1)."""
    pair = f"{form.quote(credential.client_id)}:{form.quote(_client_secret(credential))}"
    return f"Basic {b64encode(pair.encode('ascii')).decode('ascii')}"


def _post(
    url: str,
    provider: Provider,
    credential: Credential,
    members: Members,
    timeout: float,
    *,
    replayable: bool = False,
    fresh_connection: bool = False,
) -> HTTPRequest:
    as_json = provider.body_encoding is BodyEncoding.JSON
    headers = [
        ("Content-Type", "application/json" if as_json else "application/x-www-form-urlencoded"),
        ("Accept", "application/json"),
        ("User-Agent", credential.user_agent),
    ]
    if provider.client_authentication is ClientAuthentication.BASIC:
        headers.append(("Authorization", _basic(credential)))
    return HTTPRequest(
        method="POST",
        url=url,
        headers=headers,
        body=(_to_json(members) if as_json else form.write(members.items())).encode("ascii"),
        replayable=replayable,
        fresh_connection=fresh_connection,
        timeout=timeout,
    )
