"""The token endpoint: client credentials, authorization code, refresh token (RFC 6749 §4.1.3, §4.4, §6).

What belongs here: when a grant is good, and what becomes of it. What does not: the form of the response (`_issuing`).
"""

import hashlib
import re
from collections.abc import Callable

from .._values.http import HTTPResponse
from ._authentication import authenticate, same
from ._behaviour import Behaviour
from ._clients import RegisteredClient, to_scopes
from ._issuing import issue, new_refresh_token
from ._reading import Parameters, read_strictly, required, text_of
from ._replies import Refusal
from ._state import AuthorizationRequest, Call, Code, Family, RefreshToken, World, base64url

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")

Grant = Callable[[World, Call, RegisteredClient, Parameters], HTTPResponse]


def token_endpoint(world: World, call: Call) -> HTTPResponse:
    """The reply to a token request.

    Raises:
        Refusal: an OAuth error.
    """
    parameters = read_strictly(call.request, world.behaviour.body)
    grant_type = required(parameters, "grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise Refusal("unsupported_grant_type", "grant_type is none of those that this server knows")
    client = authenticate(world, call, parameters)
    if not client.may(grant_type):
        raise Refusal("unauthorized_client", "The credential may not use this grant")
    return grant(world, call, client, parameters)


def requested_scope(parameters: Parameters, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """The scope asked for, or all that is allowed if none is named (RFC 6749 §3.3).

    Raises:
        Refusal: it goes beyond what is allowed, or nothing is.
    """
    asked = to_scopes(text_of(parameters, "scope") or "") or allowed
    if not asked or not set(asked) <= set(allowed):
        raise Refusal("invalid_scope", "The scope goes beyond what was granted, or is empty")
    return asked


def _client_credentials(world: World, call: Call, client: RegisteredClient, parameters: Parameters) -> HTTPResponse:
    if client.is_public:
        raise Refusal("unauthorized_client", "A public client has no credentials of its own")
    scope = requested_scope(parameters, client.scopes)
    family = Family(client_id=client.client_id, scope=scope)
    refresh = new_refresh_token(world, call, family) if world.behaviour.refresh_with_client_credentials else None
    return issue(world, call, client, family, scope, refresh)


# -- authorization code


def _authorization_code(world: World, call: Call, client: RegisteredClient, parameters: Parameters) -> HTTPResponse:
    code = world.codes.get(call.present(required(parameters, "code")))
    if code is None or code.request.client.client_id != client.client_id:
        raise Refusal("invalid_grant", "The code is unknown, or is another client's")
    _check_redirect(world.behaviour, code.request, text_of(parameters, "redirect_uri"))
    _check_verifier(world.behaviour, code.request.challenge, text_of(parameters, "code_verifier"))
    _check_unspent(code, call.now)
    code.family = Family(client_id=client.client_id, scope=code.request.scope)
    refresh = new_refresh_token(world, call, code.family) if client.may("refresh_token") else None
    return issue(world, call, client, code.family, code.request.scope, refresh)


def _check_redirect(behaviour: Behaviour, request: AuthorizationRequest, sent: str | None) -> None:
    """The redirect URI must be the one of the authorization request, byte for byte (RFC 6749 §4.1.3)."""
    may_be_absent = not request.redirect_was_sent or behaviour.exchange_redirect == "optional"
    if sent is None and may_be_absent:
        return
    if sent is None or not same(sent, request.redirect_uri):
        raise Refusal("invalid_grant", "redirect_uri is not the one of the authorization request")


def _check_verifier(behaviour: Behaviour, challenge: str | None, verifier: str | None) -> None:
    """The verifier must be the challenge's, and absent if there was none (RFC 7636 §4.6, RFC 9700 §4.8.2)."""
    if behaviour.pkce == "ignored":
        return
    if challenge is None or verifier is None:
        if challenge is not None or verifier is not None:
            raise Refusal("invalid_grant", "code_verifier and code_challenge come together or not at all")
        return
    if behaviour.verifier_length == "strict" and not _VERIFIER.fullmatch(verifier):
        raise Refusal("invalid_grant", "code_verifier is 43 to 128 unreserved characters")
    computed = base64url(hashlib.sha256(verifier.encode()).digest())
    if not same(computed, challenge):
        raise Refusal("invalid_grant", "code_verifier is not the one of this authorization")


def _check_unspent(code: Code, now: float) -> None:
    """A second use, valid in all else, kills what the first one brought (RFC 6749 §4.1.2, OAuth 2.1 §7.5.2)."""
    if code.family is not None:
        code.family.alive = False
        raise Refusal("invalid_grant", "The code was used before")
    if code.until <= now:
        raise Refusal("invalid_grant", "The code has expired")


# -- refresh token


def _refresh_token(world: World, call: Call, client: RegisteredClient, parameters: Parameters) -> HTTPResponse:
    presented = required(parameters, "refresh_token")
    token = world.refresh_tokens.get(call.present(presented))
    if token is None or token.family.client_id != client.client_id or not token.family.alive:
        raise Refusal("invalid_grant", "The refresh token is unknown, revoked, or another client's")
    _check_fresh(world.behaviour, token, call.now)
    scope = requested_scope(parameters, token.family.scope)
    return issue(world, call, client, token.family, scope, _next(world, call, client, token, presented))


def _check_fresh(behaviour: Behaviour, token: RefreshToken, now: float) -> None:
    if token.spent:
        token.family.alive = token.family.alive and not behaviour.reuse_detection
        raise Refusal("invalid_grant", "The refresh token was used before")
    if token.until <= now:
        raise Refusal("invalid_grant", "The refresh token has expired")


def _next(world: World, call: Call, client: RegisteredClient, token: RefreshToken, presented: str) -> str | None:
    """The refresh token that the reply carries. Public clients always get another one (RFC 9700 §2.2.2)."""
    if world.behaviour.refresh_rotation == "rotate" or client.is_public:
        token.spent = True
        return new_refresh_token(world, call, token.family)
    token.until = call.now + world.behaviour.refresh_lifetime
    return presented if world.behaviour.refresh_rotation == "keep" else None


GRANTS: dict[str, Grant] = {
    "client_credentials": _client_credentials,
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
}
