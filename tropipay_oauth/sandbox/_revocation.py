"""The revocation endpoint (RFC 7009).

What belongs here: which tokens end. What does not: who may ask (`_authentication`).
"""

from .._values.http import HTTPResponse
from ._authentication import authenticate
from ._clients import RegisteredClient
from ._reading import read_strictly, required
from ._replies import Refusal, empty
from ._state import Call, Family, World


def revocation_endpoint(world: World, call: Call) -> HTTPResponse:
    """200 whether or not the token was known (RFC 7009 §2.2).

    Raises:
        Refusal: an OAuth error, also for another client's token (RFC 7009 §2.1).
    """
    parameters = read_strictly(call.request, world.behaviour.body)
    client = authenticate(world, call, parameters)
    key = call.present(required(parameters, "token"))
    refresh, access = world.refresh_tokens.get(key), world.access_tokens.get(key)
    # token_type_hint is only a hint: both kinds are searched whatever it says (RFC 7009 §2.1).
    if refresh is not None:
        _check_owner(refresh.family, client)
        refresh.family.alive = False
    elif access is not None:
        _check_owner(access.family, client)
        access.revoked = True
    return empty(200)


def _check_owner(family: Family, client: RegisteredClient) -> None:
    if family.client_id != client.client_id:
        raise Refusal("invalid_grant", "The token was issued to another client")
