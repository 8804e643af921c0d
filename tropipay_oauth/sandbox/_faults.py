"""Faults: replies that a client should not get, and gets.

What belongs here: what each fault does. What does not: which request it hits (`_server`).
"""

import json
from collections.abc import Callable
from typing import Any

from attrs import evolve

from .._values.http import HTTPResponse
from ._answer import Answer, DropPoint
from ._behaviour import Behaviour, ErrorShape
from ._reading import Unreadable, read_body
from ._replies import NO_STORE, Pairs, Refusal, http_date, refused, reply
from ._state import Call

_PAGE = b"<!doctype html>\n<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n"
_ELSEWHERE = "https://elsewhere.example"
_HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\nSet-Cookie: a=b\u202e\u0000" + "x" * 10_000
_SCRIPT = "javascript:alert(1)"
_SECRETS = ("client_secret", "refresh_token", "code", "code_verifier", "token")


def _html(status: int, title: bytes) -> HTTPResponse:
    headers = (("Content-Type", "text/html; charset=utf-8"), *NO_STORE)
    return HTTPResponse(status=status, headers=headers, body=_PAGE % (title, title))


# -- instead of processing


def instead(behaviour: Behaviour, shape: ErrorShape, call: Call) -> Answer | None:
    """What is answered without looking at the request, or None if the fault comes after."""
    match behaviour.fault:
        case "status_429":
            return _busy(behaviour, shape, call, 429, "too_many_requests")
        case "status_503":
            return _busy(behaviour, shape, call, 503, "temporarily_unavailable")
        case "status_500":
            refusal = Refusal("server_error", "The sandbox was asked to fail", status=500)
            return Answer(response=refused(refusal, shape))
        case "redirect_307":
            headers = (("Location", _ELSEWHERE + call.route.partition("{")[0]), *NO_STORE)
            return Answer(response=HTTPResponse(status=307, headers=headers))
        case "echo_secret":
            refusal = Refusal("invalid_request", f"You sent {_secret_of(call)}")
            return Answer(response=refused(refusal, shape))
        case "hostile_text":
            return Answer(response=reply(400, {"error": "invalid_request", "error_description": _HOSTILE, "error_uri": _SCRIPT}))
        case "unreachable":
            return Answer(response=None, drop=DropPoint.UNREACHABLE)
        case "drop_before":
            return Answer(response=None, drop=DropPoint.BEFORE_PROCESSING)
        case _:
            return None


def _busy(behaviour: Behaviour, shape: ErrorShape, call: Call, status: int, error: str) -> Answer:
    headers = _when(behaviour.retry_after, call.now)
    refusal = Refusal(error, "The sandbox was asked to be busy", status=status, headers=headers)
    return Answer(response=refused(refusal, shape))


def _when(retry_after: str, now: float) -> Pairs:
    """The headers that say when to come again."""
    form, colon, seconds = retry_after.partition(":")
    if not colon:
        return () if form == "none" else (("Retry-After", "soon" if form == "garbage" else form),)
    then = int(now) + int(seconds)
    if form == "date":
        return (("Retry-After", http_date(then)),)
    reset = then if form == "reset" else then * 1000
    return (("X-RateLimit-Limit", "60"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(reset)))


def _secret_of(call: Call) -> str:
    """A secret of the request, as a careless server would repeat it."""
    try:
        values = read_body(call.request).values
    except Unreadable:
        values = {}
    found = [str(values[name]) for name in _SECRETS if values.get(name)]
    return (found or [call.request.headers.get("Authorization") or "nothing"])[0]


# -- after processing


def after(behaviour: Behaviour, response: HTTPResponse) -> Answer:
    """What becomes of the response to a request that was processed."""
    match behaviour.fault:
        case "drop_after":
            return Answer(response=None, drop=DropPoint.AFTER_PROCESSING)
        case "truncated_body":
            return Answer(response=response, drop=DropPoint.MID_RESPONSE, truncate_at=len(response.body) // 2)
        case "status_502_html":
            return Answer(response=_html(502, b"502 Bad Gateway"))
        case "html_200":
            return Answer(response=_html(200, b"Welcome to the hotel"))
        case "status_204":
            return Answer(response=HTTPResponse(status=204, headers=NO_STORE))
        case "wrong_content_type":
            kept = tuple(pair for pair in response.headers if pair[0] != "Content-Type")
            return Answer(response=evolve(response, headers=(("Content-Type", "text/html"), *kept)))
        case _:
            return Answer(response=evolve(response, body=_damage(behaviour)(response.body)))


def _damage(behaviour: Behaviour) -> Callable[[bytes], bytes]:
    return {
        "empty_200": lambda body: b"",
        "truncated_json": lambda body: body[: len(body) // 2],
        "huge_body": lambda body: _with_member(body, "padding", "x" * behaviour.huge_bytes),
        "deep_json": lambda body: b"[" * 100_000 + b"]" * 100_000,
        "not_utf8": lambda body: b'{"access_token": "\xff\xfe"}',
        "duplicate_member": _duplicate,
        "no_access_token": _without_token,
        "split_header": lambda body: _with_token(body, "a\r\nX-Injected: b"),
    }[behaviour.fault]


def _with_member(body: bytes, name: str, value: object) -> bytes:
    """The same object with one more member at its end; whatever else the body is becomes such an object."""
    start = body[:-1] + b", " if body.startswith(b"{") else b"{"
    return start + f"{json.dumps(name)}: {json.dumps(value)}}}".encode()


def _with_token(body: bytes, token: str) -> bytes:
    """The same object with another access token."""
    return json.dumps(_object(body) | {"access_token": token}).encode()


def _without_token(body: bytes) -> bytes:
    return json.dumps({name: value for name, value in _object(body).items() if name != "access_token"}).encode()


def _object(body: bytes) -> dict[str, Any]:
    found = json.loads(body or b"null")
    return found if isinstance(found, dict) else {}


def _duplicate(body: bytes) -> bytes:
    """The same object with its first member a second time, and another value."""
    members = _object(body)
    name = next(iter(members), "duplicate")
    return _with_member(body if members else _with_member(b"", name, "first"), name, "second")
