"""The token response, in the form that the behaviour asks for (RFC 6749 §5.1, and TropiPay's ways).

What belongs here: making tokens and writing the response. What does not: deciding whether there is to be one.
"""

from typing import Any

from .._values.http import HTTPResponse
from ._behaviour import Behaviour
from ._clients import RegisteredClient
from ._replies import reply
from ._state import AccessToken, Call, Family, RefreshToken, World, digest

_UNASKED = "KYC3_FULL_ALLOW"


def new_refresh_token(world: World, call: Call, family: Family) -> str:
    """A refresh token of that family."""
    text = world.mint.text("refresh token")
    until = call.now + world.behaviour.refresh_lifetime
    world.refresh_tokens[digest(text)] = RefreshToken(family=family, until=until)
    return text


def issue(
    world: World, call: Call, client: RegisteredClient, family: Family, scope: tuple[str, ...], refresh_token: str | None
) -> HTTPResponse:
    """The response with a new access token and, if there is one, this refresh token."""
    granted = _granted(world.behaviour, scope)
    until = call.now + world.behaviour.lifetime
    access_token = _access_token(world, client, call.now, until)
    world.access_tokens[digest(access_token)] = AccessToken(family=family, scope=granted, until=until)
    members: dict[str, Any] = {"access_token": access_token}
    if refresh_token is not None:
        members["refresh_token"] = refresh_token
    if world.behaviour.token_type != "missing":
        members["token_type"] = world.behaviour.token_type
    if world.behaviour.expires_in != "absent":
        members["expires_in"] = _expires_in(world.behaviour, call.now, until)
    if world.behaviour.scope_reply != "absent":
        members["scope"] = " ".join(granted)
    return reply(200, members)


def _granted(behaviour: Behaviour, scope: tuple[str, ...]) -> tuple[str, ...]:
    if behaviour.scope_reply == "narrowed":
        return scope[:-1] or scope
    if behaviour.scope_reply == "widened":
        return (*scope, _UNASKED if _UNASKED not in scope else "ALLOW_EVERYTHING")
    return scope


def _access_token(world: World, client: RegisteredClient, now: float, until: float) -> str:
    if world.behaviour.token_format == "opaque":
        return world.mint.text("access token")
    claims = {"credentialName": client.client_name, "id": client.client_id, "iat": int(now), "exp": int(until)}
    return world.mint.jwt(claims | {"jti": world.mint.text("access token")})


def _expires_in(behaviour: Behaviour, now: float, until: float) -> Any:
    forms: dict[str, Any] = {
        "absolute_seconds": int(until),
        "absolute_milliseconds": int(until * 1000),
        "lifetime": int(behaviour.lifetime),
        "duration": _duration(int(behaviour.lifetime)),
        "numeric_text": str(int(until)),
        "lifetime_text": str(int(behaviour.lifetime)),
        "null": None,
        "past": int(now) - 3600,
        "zero": 0,
        "negative": -int(behaviour.lifetime) - 1,
        "fraction": behaviour.lifetime + 0.5,
        "huge": 10**30,
        "infinity": float("inf"),
        "nan": float("nan"),
        "boolean": True,
        "garbage": "soon",
    }
    return forms[behaviour.expires_in]


def _duration(seconds: int) -> str:
    """As TropiPay's OpenAPI file writes it: `1d`; in the largest unit that is exact."""
    units = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    name, length = next((name, length) for name, length in units if seconds % length == 0)
    return f"{seconds // length}{name}"
