"""The resource server: who may see what (RFC 6750), and what there is to see.

What belongs here: checking a bearer token, and the protected resources. What does not: issuing tokens.

Scopes that TropiPay does not document per resource are this sandbox's choice: the table of `_routes`.
"""

import re

from .._values.http import HTTPResponse
from ._reading import Unreadable, media_type, read_object
from ._replies import Refusal, challenge, reply
from ._scopes import NAMES, label
from ._state import AccessToken, Call, World
from ._user import ACCOUNTS, BALANCE, PROFILE

_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def require_token(world: World, call: Call, scope: str | None) -> None:
    """Go on only with a good token that has the scope.

    Raises:
        Refusal: 400, 401 or 403 with a challenge (RFC 6750 §3.1).
    """
    token = world.access_tokens.get(call.present(_presented(call)))
    if token is None or token.revoked or not token.family.alive or token.until <= call.now or _refuse_good(world):
        raise _invalid("invalid_token", "Failed to authenticate token!", 401)
    call.client_id = token.family.client_id
    if scope is not None and scope not in token.scope:
        raise _lacking(scope, token)


def _presented(call: Call) -> str:
    """The token of the Authorization header: nowhere else is looked (OAuth 2.1 §5.1)."""
    headers = call.request.headers.get_all("Authorization")
    if len(headers) > 1:
        raise _invalid("invalid_request", "The Authorization header is repeated", 400)
    scheme, _, token = (headers[0] if headers else "").partition(" ")
    if scheme.lower() != "bearer":  # nothing that this server reads was presented: no error code (RFC 6750 §3.1)
        raise Refusal("missing_token", "No token!", status=401, headers=[challenge()])
    if not _BEARER.fullmatch(token.strip(" ")):
        raise _invalid("invalid_request", "The Authorization header is malformed", 400)
    return token.strip(" ")


def _invalid(error: str, description: str, status: int) -> Refusal:
    said = challenge(error=error, error_description=description)
    return Refusal(error, description, status=status, headers=[said])


def _lacking(scope: str, token: AccessToken) -> Refusal:
    description = "The token lacks a scope"
    said = challenge(error="insufficient_scope", error_description=description, scope=scope)
    return Refusal("insufficient_scope", description, status=403, headers=[said])


def _refuse_good(world: World) -> bool:
    """Whether the behaviour `resource_401` takes this good token for a bad one."""
    wanted = world.behaviour.resource_401
    if wanted != -1 and world.refused_good_tokens >= wanted:
        return False
    world.refused_good_tokens += 1
    return True


def profile(world: World, call: Call) -> HTTPResponse:
    """The user."""
    return reply(200, PROFILE)


def balance(world: World, call: Call) -> HTTPResponse:
    """The user's money."""
    return reply(200, BALANCE)


def accounts(world: World, call: Call) -> HTTPResponse:
    """The user's accounts."""
    return reply(200, {"count": len(ACCOUNTS), "rows": ACCOUNTS})


def grant_list(world: World, call: Call) -> HTTPResponse:
    """The scopes that exist."""
    return reply(200, [{"name": name, "label": label(name)} for name in NAMES])


def list_payments(world: World, call: Call) -> HTTPResponse:
    """The payments that were made."""
    rows = [{"id": number, "reference": reference} for number, reference in enumerate(world.payments, 1)]
    return reply(200, {"count": len(rows), "rows": rows})


def make_payment(world: World, call: Call) -> HTTPResponse:
    """One more payment, each time: whoever sends a request twice pays twice, and `Sandbox.payments` shows it."""
    reference = _read_reference(call)
    world.payments.append(reference)
    times = world.payments.count(reference)
    return reply(200, {"id": len(world.payments), "reference": reference, "times": times, "state": 1})


def _read_reference(call: Call) -> str:
    try:
        if media_type(call.request) != "application/json":
            raise Unreadable("the Content-Type must be application/json")
        reference = read_object(call.request.body).get("reference")
    except Unreadable as error:
        raise Refusal("invalid_request", str(error)) from None
    if not isinstance(reference, str) or not 0 < len(reference) <= 100:
        raise Refusal("invalid_request", "reference is a text of 1 to 100 characters", status=422)
    return reference
