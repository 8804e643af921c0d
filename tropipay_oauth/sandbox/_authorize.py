"""The authorization endpoint: from the request to the question, and from the answer back to the application.

What belongs here: RFC 6749 §4.1.1 and §4.1.2, RFC 7636 §4.3, RFC 9207. What does not: the page itself and URIs.
"""

import re

from .._values.http import HTTPResponse
from . import _redirects
from ._clients import RegisteredClient
from ._grants import requested_scope
from ._page import GUARDS, consent_page, error_page
from ._reading import Parameters, Unreadable, read_body, read_pairs, text_of
from ._replies import Refusal, sayable
from ._state import PENDING_LIFETIME, AuthorizationRequest, Call, Code, Pending, World, digest
from ._user import USER_NAME

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of 32 bytes: S256 makes nothing else
_WRONG_ISSUER = "https://attacker.example"
_WRONG_STATE = "not-the-state-that-was-sent"


class Unanswerable(Exception):
    """No redirect URI can be trusted: the person is told, and the browser stays (RFC 6749 §4.1.2.1)."""

    def __init__(self, what: str, status: int = 400) -> None:
        super().__init__(what)
        self.what, self.status = what, status


def authorization_endpoint(world: World, call: Call) -> HTTPResponse:
    """GET: the question, or the error, for an authorization request."""
    call.grant = "authorization_code"
    try:
        parameters = _read_query(call.query)
        client = _find_client(world, parameters)
        call.client_id = client.client_id
        redirect_uri = _find_redirect(world, client, parameters)
    except Unanswerable as error:
        return _explain(call, error)
    try:
        request = _check(world, client, redirect_uri, parameters)
    except Refusal as refusal:
        return _send_error(world, call, redirect_uri, _state(parameters), refusal)
    return _ask(world, call, request)


def _explain(call: Call, error: Unanswerable) -> HTTPResponse:
    call.error = "error_page"
    return error_page(error.status, error.what)


# -- where the browser may go


def _read_query(query: str) -> Parameters:
    try:
        return read_pairs(query)
    except Unreadable as error:
        raise Unanswerable(f"The application's request is malformed: {error}.") from None


def _find_client(world: World, parameters: Parameters) -> RegisteredClient:
    client = world.clients.get(parameters.get("client_id") or "")
    if client is None or "client_id" in parameters.repeated:
        raise Unanswerable("The application that sent you here is unknown.")
    return client


def _find_redirect(world: World, client: RegisteredClient, parameters: Parameters) -> str:
    """The redirect URI of the request; the registered one if it names none and there is one only (RFC 6749 §3.1.2.3)."""
    if "redirect_uri" in parameters.repeated:
        raise Unanswerable("The application's request names two places to go back to.")
    requested = parameters.get("redirect_uri")
    if requested is None and len(client.redirect_uris) == 1:
        return client.redirect_uris[0]
    if requested is None or not _redirects.matches(client.redirect_uris, requested, world.behaviour.redirect_check):
        raise Unanswerable("The application asks to go back to a place that is not registered for it.")
    return requested


# -- what is asked


def _check(world: World, client: RegisteredClient, redirect_uri: str, parameters: Parameters) -> AuthorizationRequest:
    if parameters.repeated:
        raise Refusal("invalid_request", "A parameter is repeated")
    if world.behaviour.authorization_error != "none":
        raise Refusal(world.behaviour.authorization_error, "The sandbox was asked to refuse")
    _check_response_type(client, parameters)
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        redirect_was_sent=parameters.get("redirect_uri") is not None,
        scope=requested_scope(parameters, client.scopes),
        state=parameters.get("state"),
        challenge=_check_challenge(world, client, parameters),
    )


def _check_response_type(client: RegisteredClient, parameters: Parameters) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise Refusal("invalid_request", "response_type is missing")
    if response_type != "code":
        raise Refusal("unsupported_response_type", "response_type must be code")
    if not client.may("authorization_code"):
        raise Refusal("unauthorized_client", "The credential may not use this grant")


def _check_challenge(world: World, client: RegisteredClient, parameters: Parameters) -> str | None:
    """The S256 challenge; `plain`, which is what an absent method means, is not offered (RFC 7636 §4.3, §7.2)."""
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if world.behaviour.pkce == "ignored":
        return None
    if challenge is None:
        if world.behaviour.pkce == "required" or client.is_public or method is not None:
            raise Refusal("invalid_request", "code_challenge is missing")
        return None
    if method != "S256":
        raise Refusal("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise Refusal("invalid_request", "code_challenge is not base64url of 32 bytes")
    return challenge


def _ask(world: World, call: Call, request: AuthorizationRequest) -> HTTPResponse:
    form_token = world.mint.text("form token")
    world.keep_pending(form_token, Pending(request=request, until=call.now + PENDING_LIFETIME), call.now)
    return consent_page(
        app=request.client.client_name,
        user=USER_NAME,
        scopes=request.scope,
        destination=request.redirect_uri.partition("?")[0],
        form_token=form_token,
        action=call.path,
    )


# -- the answer


def consent_endpoint(world: World, call: Call) -> HTTPResponse:
    """POST: the person's decision, sent from the page that was shown."""
    call.grant = "authorization_code"
    try:
        pending, approved = _read_decision(world, call)
    except Unanswerable as error:
        return _explain(call, error)
    request = pending.request
    call.client_id = request.client.client_id
    if not approved:
        refusal = Refusal("access_denied", "The user said no")
        return _send_error(world, call, request.redirect_uri, request.state, refusal)
    code = world.mint.text("code")
    world.codes[digest(code)] = Code(request=request, until=call.now + world.behaviour.code_lifetime)
    return _send_back(world, request.redirect_uri, _malform(world, [("code", code)]), request.state)


def _read_decision(world: World, call: Call) -> tuple[Pending, bool]:
    """The consent page that is answered, each once (RFC 6749 §10.12)."""
    if call.request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Unanswerable("The answer came from another site.", 403)
    try:
        parameters = read_body(call.request, "form")
        form_token, decision = parameters.get("form_token"), parameters.get("decision")
    except Unreadable as error:
        raise Unanswerable(f"The answer cannot be read: {error}.") from None
    if decision not in ("approve", "deny") or parameters.repeated:
        raise Unanswerable("The answer is neither Approve nor Deny.")
    pending = world.pending.pop(digest(form_token or ""), None)
    if pending is None or pending.until <= call.now or pending.request.client.client_id not in world.clients:
        raise Unanswerable("This page was answered before, or is too old.")
    return pending, decision == "approve"


# -- back to the application


def _state(parameters: Parameters) -> str | None:
    return None if "state" in parameters.repeated else text_of(parameters, "state")


def _send_error(world: World, call: Call, redirect_uri: str, state: str | None, refusal: Refusal) -> HTTPResponse:
    call.error = refusal.error
    answer = [("error", refusal.error), ("error_description", sayable(refusal.description))]
    if world.behaviour.error_uri:
        answer.append(("error_uri", world.behaviour.error_uri))
    return _send_back(world, redirect_uri, answer, state)


def _malform(world: World, answer: list[tuple[str, str]]) -> list[tuple[str, str]]:
    match world.behaviour.callback:
        case "code_and_error":
            return [*answer, ("error", "access_denied")]
        case "repeated_code":
            return [*answer, ("code", "another-code")]
        case "no_code":
            return []
        case _:
            return answer


def _send_back(world: World, redirect_uri: str, answer: list[tuple[str, str]], state: str | None) -> HTTPResponse:
    """303, so that a browser never sends the form on (RFC 9700 §4.12)."""
    parameters = [*answer, *_echo(world, state), *_iss(world)]
    location = _redirects.extend(redirect_uri, parameters)
    if world.behaviour.callback == "bad_escape":
        location += "&note=%zz"
    return HTTPResponse(status=303, headers=(("Location", location), *GUARDS))


def _echo(world: World, state: str | None) -> list[tuple[str, str]]:
    if state is None or world.behaviour.state_echo == "missing":
        return []
    echoed = state if world.behaviour.state_echo == "right" else _WRONG_STATE
    return [("state", echoed)] * (2 if world.behaviour.callback == "repeated_state" else 1)


def _iss(world: World) -> list[tuple[str, str]]:
    if world.behaviour.iss == "absent":
        return []
    return [("iss", world.origin if world.behaviour.iss == "sent" else _WRONG_ISSUER)]
