"""Which request goes to which endpoint, and which scope a resource needs: the map of the sandbox.

TropiPay documents a scope for none of its resources; the assignment below is this sandbox's choice.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from attrs import frozen

from .._values.http import HTTPResponse
from . import _credentials, _resources
from ._authorize import authorization_endpoint, consent_endpoint
from ._grants import token_endpoint
from ._metadata import METADATA, metadata
from ._revocation import revocation_endpoint
from ._state import Call, World

Endpoint = Callable[[World, Call], HTTPResponse]
Kind = Literal["token", "revocation", "page", "metadata", "resource"]


@frozen
class Route:
    """One endpoint: what it is to the faults, and the scope it asks for."""

    kind: Kind
    endpoint: Endpoint
    scope: str | None = None


def _resource(endpoint: Endpoint, scope: str | None = None) -> Route:
    return Route("resource", endpoint, scope)


_SEE, _CHANGE = "ALLOW_GET_CREDENTIAL", "ALLOW_UPDATE_PROFILE"
_PROFILE = {"GET": _resource(_resources.profile, "ALLOW_GET_PROFILE_DATA")}
_VERSIONED: dict[str, dict[str, Route]] = {
    "/access/token": {"POST": Route("token", token_endpoint)},
    "/access/authorize": {"GET": Route("page", authorization_endpoint), "POST": Route("page", consent_endpoint)},
    "/access/revoke": {"POST": Route("revocation", revocation_endpoint)},
    "/users/profile": _PROFILE,
    "/users/balance": {"GET": _resource(_resources.balance, "ALLOW_GET_BALANCE")},
    "/accounts": {"GET": _resource(_resources.accounts, "ALLOW_GET_MOVEMENT_LIST")},
    "/paymentcards": {
        "GET": _resource(_resources.list_payments, "ALLOW_PAYMENT_IN"),
        "POST": _resource(_resources.make_payment, "ALLOW_PAYMENT_IN"),
    },
    "/credential/grant/list": {"GET": _resource(_resources.grant_list)},
    "/credential": {
        "POST": _resource(_credentials.create, _CHANGE),
        "GET": _resource(_credentials.show, _SEE),
        "PUT": _resource(_credentials.update, _CHANGE),
        "DELETE": _resource(_credentials.delete, _CHANGE),
    },
}
_VERSIONED["/credential/{client_id}"] = {method: route for method, route in _VERSIONED["/credential"].items() if method != "POST"}

ROUTES: Mapping[str, Mapping[str, Route]] = {
    METADATA: {"GET": Route("metadata", metadata)},
    "/api/users/profile": _PROFILE,
    **{f"/api/{version}{path}": routes for version in ("v2", "v3") for path, routes in _VERSIONED.items()},
}


def find(path: str) -> str | None:
    """The name of the route for a path, or None. One slash at the end makes no difference."""
    plain = path.removesuffix("/")
    if plain in ROUTES:
        return plain
    above = f"{plain.rpartition('/')[0]}/{{client_id}}"
    return above if above in ROUTES else None
