"""TropiPay's credentials: clients that a user creates, lists, changes and deletes (the shape of RFC 7591).

What belongs here: reading and writing client metadata. What does not: what a client may then do.
"""

from typing import Any, NoReturn

from attrs import evolve

from .._values.errors import ConfigurationError
from .._values.http import HTTPResponse
from .._values.secret import Secret
from ._clients import APPROVED, GRANT_TYPES, RegisteredClient, is_scope, to_scopes
from ._metadata import CREDENTIAL, not_here
from ._reading import Unreadable, media_type, read_object, read_pairs
from ._replies import Refusal, empty, reply
from ._state import Call, World

_TEXTS = ("logo_uri", "client_uri", "policy_uri", "tos_uri", "jwks_uri", "description")
_LISTS = ("contacts", "domain")
_LONGEST = 1000


def new_client(world: World, *, public: bool = False, now: float = 0.0, **parts: Any) -> RegisteredClient:
    """A client with a new id and, unless it is public, a new secret. It is remembered.

    Raises:
        ConfigurationError: a part that must not be registered.
    """
    grant_types = parts.pop("grant_types", None) or tuple(one for one in GRANT_TYPES if not public or one != "client_credential")
    client = RegisteredClient(
        client_id=world.mint.octets("client id")[:16].hex(),
        client_secret=None if public else Secret(world.mint.text("client secret")),
        grant_types=grant_types,
        issued_at=int(now),
        **parts,
    )
    world.clients[client.client_id] = client
    return client


# -- the endpoint


def create(world: World, call: Call) -> HTTPResponse:
    """A new credential; the reply is the only one that ever shows its secret (RFC 7591 §3.2.1)."""
    members = _read(call)
    _check_statement(members)
    parts = _parts(members, {"client_name": "", "redirect_uris": (), "scopes": (), "status": APPROVED})
    public = members.get("token_endpoint_auth_method") == "none"
    try:
        client = new_client(world, public=public, now=call.now, **parts)
    except ConfigurationError as error:
        _refuse(error)
    shown = _shown(world, client) | _secret(client)
    if world.behaviour.credential_shape == "wrapped":
        return reply(200, {"status": "OK", "data": shown | _old_names(client)})
    return reply(201 if world.behaviour.credential_shape == "rfc7591" else 200, shown)


def show(world: World, call: Call) -> HTTPResponse:
    """One credential if its id is named, else all of them; never a secret."""
    if _named(call) is None:
        return reply(200, [_shown(world, client) for client in world.clients.values()])
    return reply(200, _shown(world, _find(world, _named(call))))


def update(world: World, call: Call) -> HTTPResponse:
    """Change what the body names; the rest stays."""
    members = _read(call)
    client = _find(world, _named(call) or members.get("client_id"))
    before = {name: getattr(client, name) for name in ("client_name", "redirect_uris", "scopes", "status")}
    try:
        changed = evolve(client, **_parts(members, before | {"extra": client.extra}))
    except ConfigurationError as error:
        _refuse(error)
    world.clients[client.client_id] = changed
    return reply(200, _shown(world, changed))


def delete(world: World, call: Call) -> HTTPResponse:
    """The credential goes, and every token of it."""
    named = _named(call) or _read(call).get("client_id")
    world.forget_client(_find(world, named).client_id)
    return empty(204)


# -- reading


def _read(call: Call) -> dict[str, Any]:
    try:
        if media_type(call.request) != "application/json":
            raise Unreadable("the Content-Type must be application/json")
        return read_object(call.request.body)
    except Unreadable as error:
        raise Refusal("invalid_client_metadata", str(error)) from None


def _named(call: Call) -> str | None:
    """The id in the path, or in the query."""
    below = call.path.partition("/credential")[2].strip("/")
    try:
        return below or read_pairs(call.query).get("client_id")
    except Unreadable as error:
        raise Refusal("invalid_request", str(error)) from None


def _find(world: World, client_id: object) -> RegisteredClient:
    client = world.clients.get(client_id) if isinstance(client_id, str) else None
    if client is None:
        raise not_here()
    return client


def _check_statement(members: dict[str, Any]) -> None:
    """This server trusts nobody's software statement (RFC 7591 §3.2.2)."""
    statement = members.get("software_statement")
    if statement is not None and not isinstance(statement, str):
        raise Refusal("invalid_software_statement", "software_statement must be text")
    if statement is not None:
        raise Refusal("unapproved_software_statement", "This server approves no software statement")


def _parts(members: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The parts of a client that the metadata names, over those it had. Metadata not understood is ignored (RFC 7591 §2)."""
    parts = dict(before)
    if "client_name" in members:
        parts["client_name"] = members["client_name"]
    if "scope" in members:
        parts["scopes"] = _scopes(members["scope"])
    if "redirect_uris" in members or "redirect_uri" in members:
        parts["redirect_uris"] = _redirect_uris(members)
    if "application_type" in members:
        parts["application_type"] = _one_of(members, "application_type", ("native", "web"))
    if "status" in members:
        parts["status"] = _one_of(members, "status", (0, 1, APPROVED))
    extra = dict(before.get("extra", ())) | {name: _extra(members, name) for name in (*_TEXTS, *_LISTS) if name in members}
    return parts | {"extra": tuple(extra.items())}


def _scopes(value: object) -> tuple[str, ...]:
    names = to_scopes(value) if isinstance(value, str) else tuple(value) if isinstance(value, list) else (None,)
    if not all(is_scope(name) for name in names):
        raise Refusal("invalid_client_metadata", "scope is a list of scope names, or one text with spaces")
    return to_scopes([str(name) for name in names])


def _redirect_uris(members: dict[str, Any]) -> tuple[Any, ...]:
    many, one = members.get("redirect_uris"), members.get("redirect_uri")
    if not isinstance(many, list | None) or len(many or ()) > 100:
        raise Refusal("invalid_redirect_uri", "redirect_uris is a list")
    found = [*(many or ()), *(() if one in (None, "") else (one,))]
    if not all(isinstance(uri, str) for uri in found):
        raise Refusal("invalid_redirect_uri", "a redirect URI is text")
    return tuple(dict.fromkeys(found))


def _one_of(members: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    value = members[name]
    if type(value) is not type(allowed[0]) or value not in allowed:
        raise Refusal("invalid_client_metadata", f"{name} is one of {', '.join(map(str, allowed))}")
    return value


def _extra(members: dict[str, Any], name: str) -> Any:
    value = members[name]
    texts = value if isinstance(value, list) and name in _LISTS else [value]
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        raise Refusal("invalid_client_metadata", f"{name} has a value of the wrong kind")
    return value


def _refuse(error: ConfigurationError) -> NoReturn:
    known = error.code == "invalid_redirect_uri"
    raise Refusal("invalid_redirect_uri" if known else "invalid_client_metadata", error.message) from None


# -- writing


def _shown(world: World, client: RegisteredClient) -> dict[str, Any]:
    return dict(client.extra) | {
        "client_id": client.client_id,
        "client_name": client.client_name,
        "client_id_issued_at": client.issued_at,
        "redirect_uris": list(client.redirect_uris),
        "scope": " ".join(client.scopes),
        "status": client.status,
        "application_type": client.application_type,
        "grant_types": list(client.grant_types),
        "response_types": ["code"],
        "token_endpoint_auth_method": "none" if client.is_public else "client_secret_basic",
        "registration_client_uri": f"{world.origin}{CREDENTIAL}/{client.client_id}",
    }


def _secret(client: RegisteredClient) -> dict[str, Any]:
    """0: it never expires. A public client gets none (RFC 7591 §3.2.1)."""
    if client.client_secret is None:
        return {}
    return {"client_secret": client.client_secret.reveal(), "client_secret_expires_at": 0}


def _old_names(client: RegisteredClient) -> dict[str, Any]:
    secret = "" if client.client_secret is None else client.client_secret.reveal()
    return {"username": client.client_id, "password": secret}
