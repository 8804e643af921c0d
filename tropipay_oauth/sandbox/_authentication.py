"""Who the client of a token or revocation request is (RFC 6749 §2.3, §3.2.1).

What belongs here: the two ways to authenticate, and the lock-out. What does not: what the client may do.
"""

import hmac
import math

from .._values.secret import Secret
from ._clients import RegisteredClient
from ._reading import Parameters, read_basic, text_of
from ._replies import Refusal, challenge
from ._state import Call, Failures, World

_MOST_REMEMBERED = 1000


def authenticate(world: World, call: Call, parameters: Parameters) -> RegisteredClient:
    """The client that the request proves to come from; a public client only says its name.

    Raises:
        Refusal: `invalid_client`, or `invalid_request` for two ways at once.
    """
    headers = call.request.headers.get_all("Authorization")
    if len(headers) == 0:
        client_id, secret = text_of(parameters, "client_id"), text_of(parameters, "client_secret")
        return _check(world, call, client_id, secret, by_header=False)
    if len(headers) > 1 or text_of(parameters, "client_secret") is not None:
        raise Refusal("invalid_request", "Authenticate in one way only: by the header or in the body")
    scheme, _, credentials = headers[0].partition(" ")
    pair = read_basic(credentials.strip(" ")) if scheme.lower() == "basic" else None
    if pair is None:
        raise _not_found(world, by_header=True)
    if text_of(parameters, "client_id") not in (None, pair[0]):
        raise Refusal("invalid_request", "client_id is not the one of the Authorization header")
    return _check(world, call, pair[0], pair[1] or None, by_header=True)


def _check(world: World, call: Call, client_id: str | None, secret: str | None, *, by_header: bool) -> RegisteredClient:
    client = world.clients.get(client_id or "")
    if client is not None:
        call.client_id = client.client_id
    _check_lockout(world, call, client_id or "")
    if client is None or not _proves(client, secret):
        _count_failure(world, call, client_id or "")
        raise _not_found(world, by_header=by_header)
    world.failures.pop(client.client_id, None)
    return client


def _proves(client: RegisteredClient, secret: str | None) -> bool:
    """Whether the secret is right. A public client proves nothing, whatever it presents (RFC 6749 §2.3)."""
    if client.client_secret is None:
        return True
    return secret is not None and Secret(secret) == client.client_secret


def _not_found(world: World, *, by_header: bool) -> Refusal:
    status = 401 if by_header else world.behaviour.invalid_client_status
    return Refusal("invalid_client", "Credential not found", status=status, headers=[challenge("Basic")] if status == 401 else ())


def _check_lockout(world: World, call: Call, client_id: str) -> None:
    failures = world.failures.get(client_id)
    if failures is not None and failures.locked_until > call.now:
        wait = math.ceil(failures.locked_until - call.now)
        raise Refusal("too_many_requests", "Too many failed logins: wait", status=429, headers=[("Retry-After", str(wait))])


def _count_failure(world: World, call: Call, client_id: str) -> None:
    """Lock a client out after too many failures in a row (RFC 6749 §2.3.1); unknown names count too, a bounded number."""
    if not world.behaviour.max_failures:
        return
    while len(world.failures) >= _MOST_REMEMBERED:
        del world.failures[next(iter(world.failures))]
    failures = world.failures.setdefault(client_id, Failures())
    failures.number += 1
    if failures.number >= world.behaviour.max_failures:
        failures.number, failures.locked_until = 0, call.now + world.behaviour.lockout


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
