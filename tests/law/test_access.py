"""Steps E and F: where a token may go, until when, and what the API's answer means."""

import json
from typing import Any

import pytest

from tests.model.pair import START
from tropipay_oauth import Access, Delivery, Expiry, GrantType, HTTPRequest, HTTPResponse, Secret, Token, events, facts
from tropipay_oauth.errors import AccessEnded, ConfigurationError, InsufficientScope, ResourceNotAllowed

TOKEN = Token(
    access_token=Secret("the-access-token"),
    issued_at=START,
    expiry=Expiry(at=START + 60),
    grant_type=GrantType.CLIENT_CREDENTIALS,
)
URL = "https://api.example/api/v3/users/profile"


def access(**changes: Any) -> Access:
    made = {"token": TOKEN, "fresh_until": START + 50, "valid_until": START + 60}
    return Access(**{**made, "resource_origins": ("https://api.example",), **changes})


def get(url: str = URL, method: str = "GET", **changes: Any) -> HTTPRequest:
    return HTTPRequest(method=method, url=url, **{"replayable": True, **changes})


def answer(status: int, body: Any = None, challenge: str | None = None) -> HTTPResponse:
    headers = {} if challenge is None else {"WWW-Authenticate": challenge}
    return HTTPResponse(status=status, headers=headers, body=b"" if body is None else json.dumps(body).encode())


def test_the_header_is_bearer_with_the_token() -> None:
    assert access().bearer(URL, START) == "Bearer the-access-token"
    authorized = access().authorize(get(), START)
    assert authorized.headers.get_all("authorization") == ("Bearer the-access-token",)
    assert "the-access-token" not in repr(authorized) + repr(access())


@pytest.mark.parametrize("url", ["https://API.example/x", "https://api.example:443/x", "https://api.example"])
def test_the_same_origin_written_otherwise_is_the_same(url: str) -> None:
    assert access().bearer(url, START)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.evil.example/x",
        "https://api.example@evil.example/x",
        "https://api.example\\@evil.example/x",
        "https://api.example./x",
        "https://evil.example/https://api.example/",
        "https://api.example:8443/x",
        "http://api.example/x",
        "https://xn--pi-7ka.example/x",
        "//api.example/x",
        "/x",
        "",
        "https://[",
    ],
)
def test_the_token_goes_nowhere_else(url: str) -> None:
    with pytest.raises(ResourceNotAllowed, match="resource_origins"):
        access().bearer(url, START)


def test_a_token_that_ended_is_not_presented() -> None:
    with pytest.raises(AccessEnded, match="ask the session"):
        access().bearer(URL, START + 60)


@pytest.mark.parametrize(
    "request_", [get(headers={"authorization": "Basic eA=="}), get(URL + "?access_token=x")], ids=["header", "query"]
)
def test_a_token_is_sent_one_way_only(request_: HTTPRequest) -> None:
    with pytest.raises(ConfigurationError, match="credentials of its own"):
        access().authorize(request_, START)


INVALID = [
    answer(401, challenge='Bearer realm="x", error="invalid_token"'),
    answer(401, {"error": {"msg": "Failed to authenticate token!"}}),
    answer(401, {"error": {"code": "token_expired", "message": "it is over"}}),
    answer(401, {"error": "unauthorized", "code": "E00002", "message": "x"}),
    answer(401),
    answer(401, challenge='Bearer realm="x"'),
]


@pytest.mark.parametrize("response", INVALID[:3] + INVALID[4:])
def test_a_401_that_says_so_costs_the_token_and_one_resend(response: HTTPResponse) -> None:
    verdict = access().judge(get(), response, now=START)
    assert verdict.resend
    assert verdict.facts == (facts.TokenRejected(access_token=TOKEN.access_token, now=START),)
    assert [event.step for event in verdict.events] == ["access", "resource"]
    assert not access().judge(get(), response, now=START, resent=True).resend
    assert not access().judge(get(method="POST", replayable=False), response, now=START).resend


@pytest.mark.parametrize(
    "response",
    [
        answer(401, {"error": {"msg": "No token!"}}),
        answer(401, challenge='Bearer error="invalid_request"'),
        answer(401, {"error": "access_denied"}),
        answer(403, challenge='Bearer error="insufficient_scope", scope="a b"'),
        answer(403),
        answer(429),
        answer(500),
        answer(404, {"error": {"code": "E00004"}}),
        answer(200, {"ok": True}),
    ],
)
def test_nothing_else_costs_the_token_or_sends_the_request_again(response: HTTPResponse) -> None:
    verdict = access().judge(get(), response, now=START)
    assert verdict.facts == () and not verdict.resend


def test_what_the_api_said_is_told() -> None:
    verdict = access().judge(get(), answer(403, challenge='Bearer error="insufficient_scope", scope="a b"'), now=START)
    assert isinstance(verdict.error, InsufficientScope) and verdict.error.needed == ("a", "b")
    found = access().judge(get(), answer(404, {"error": {"code": "E00004", "message": "gone"}}), now=START).error
    assert found is not None and (found.error, found.native_code) == ("resource_not_found", "E00004")
    assert access().judge(get(), answer(200), now=START).error is None


def test_the_first_success_of_a_new_token_is_told_once() -> None:
    new = access(proven=False)
    told = (facts.TokenAccepted(access_token=TOKEN.access_token, now=START),)
    assert new.judge(get(), answer(200), now=START).facts == told
    assert new.judge(get(), answer(403), now=START).facts == told
    assert new.judge(get(), answer(500), now=START).facts == ()
    assert access().judge(get(), answer(200), now=START).facts == ()


def test_a_request_without_an_answer_is_sent_again_only_if_nothing_left() -> None:
    assert access().may_resend(get(), Delivery.NOT_SENT)
    assert not access().may_resend(get(), Delivery.NOT_SENT, resent=True)
    assert not access().may_resend(get(), Delivery.AMBIGUOUS)


def test_a_judged_request_of_a_foreign_place_is_named_by_no_url() -> None:
    verdict = access().judge(get("https://evil.example/secret"), answer(200), now=START)
    presented = verdict.events[0]
    assert isinstance(presented, events.TokenPresented) and presented.origin == "https://evil.example"
