"""Authorization-server metadata (RFC 8414). TropiPay publishes none; other clients find the sandbox by it."""

from .._values.http import HTTPResponse
from .._values.scope import TropiPayScope
from ._replies import Refusal, reply
from ._state import Call, World

TOKEN = "/api/v2/access/token"
AUTHORIZE = "/api/v2/access/authorize"
REVOKE = "/api/v2/access/revoke"
CREDENTIAL = "/api/v2/credential"
METADATA = "/.well-known/oauth-authorization-server"


def not_here() -> Refusal:
    """What an unknown path gets."""
    return Refusal("resource_not_found", "There is nothing at this path", status=404)


def metadata(world: World, call: Call) -> HTTPResponse:
    """The document; claims without elements are left out (RFC 8414 §3.2)."""
    if not world.behaviour.metadata:
        raise not_here()
    ways = ["client_secret_post", "client_secret_basic", "none"]
    members = {
        "issuer": world.origin,
        "authorization_endpoint": world.origin + AUTHORIZE,
        "token_endpoint": world.origin + TOKEN,
        "registration_endpoint": world.origin + CREDENTIAL,
        "scopes_supported": [scope.value for scope in TropiPayScope],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "token_endpoint_auth_methods_supported": ways,
        "authorization_response_iss_parameter_supported": world.behaviour.iss != "absent",
    }
    if world.behaviour.pkce != "ignored":
        members["code_challenge_methods_supported"] = ["S256"]
    if world.behaviour.revocation:
        members |= {"revocation_endpoint": world.origin + REVOKE, "revocation_endpoint_auth_methods_supported": ways}
    return reply(200, members)
