"""Faults: what goes wrong, where, and how often."""

import json
from typing import Any

import pytest

from tests.sandbox.driver import ORIGIN, START, TOKEN, Driver, members
from tropipay_oauth import Delivery, HTTPRequest, HTTPResponse, TransportError
from tropipay_oauth.sandbox import Answer, Behaviour, DropPoint


def faulty(fault: Any, **behaviour: Any) -> Driver:
    return Driver(Behaviour(fault=fault, **behaviour))


def answer(driver: Driver) -> Answer:
    """What a server on a port would be told to do with a token request."""
    body = json.dumps({"grant_type": "client_credentials", **driver.credentials()}).encode()
    request = HTTPRequest(method="POST", url=ORIGIN + TOKEN, headers={"Content-Type": "application/json"}, body=body)
    return driver.sandbox.answer(request, driver.now)


@pytest.mark.parametrize(
    ("fault", "status"),
    [("status_429", 429), ("status_500", 500), ("status_502_html", 502), ("status_503", 503), ("redirect_307", 307)],
)
def test_a_status_is_answered_in_place_of_a_token(fault: Any, status: int) -> None:
    response = faulty(fault).token("client_credentials")
    assert response.status == status
    assert b"access_token" not in response.body


@pytest.mark.parametrize(
    ("retry_after", "headers"),
    [
        ("none", {}),
        ("garbage", {"Retry-After": "soon"}),
        ("7", {"Retry-After": "7"}),
        ("date:60", {"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}),
        ("reset:60", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000060"}),
        ("reset_ms:60", {"X-RateLimit-Limit": "60", "X-RateLimit-Reset": "1800000060000"}),
    ],
)
@pytest.mark.parametrize("fault", ["status_429", "status_503"])
def test_a_busy_server_says_when_to_come_again(fault: Any, retry_after: str, headers: dict[str, str]) -> None:
    found = faulty(fault, retry_after=retry_after).token("client_credentials").headers
    assert {name: found.get(name) for name in headers} == headers
    assert ("Retry-After" in found) is ("Retry-After" in headers)


def test_pages_come_where_json_should() -> None:
    for fault, status in (("html_200", 200), ("status_502_html", 502)):
        response = faulty(fault).token("client_credentials")
        assert response.status == status
        assert (response.headers.get("Content-Type") or "").startswith("text/html")
        assert response.body.startswith(b"<!doctype html>")


def test_bodies_are_damaged() -> None:
    def body(fault: Any, **behaviour: Any) -> bytes:
        response = faulty(fault, **behaviour).token("client_credentials")
        assert response.status == 200
        return response.body

    assert body("empty_200") == b""
    assert len(body("deep_json")) == 200_000
    huge = json.loads(body("huge_body", huge_bytes=3 << 20))
    assert (len(huge.pop("padding")), "access_token" in huge) == (3 << 20, True)
    with pytest.raises(json.JSONDecodeError):
        json.loads(body("truncated_json"))
    with pytest.raises(UnicodeDecodeError):
        body("not_utf8").decode()


def test_the_access_token_is_missing_or_would_split_a_header() -> None:
    assert set(members(faulty("no_access_token").token("client_credentials"))) >= {"refresh_token", "expires_in"}
    assert "access_token" not in members(faulty("no_access_token").token("client_credentials"))
    assert "\r\n" in members(faulty("split_header").token("client_credentials"))["access_token"]


def test_the_text_of_an_error_is_hostile() -> None:
    response = faulty("hostile_text").token("client_credentials")
    body = members(response)
    assert (response.status, body["error_uri"]) == (400, "javascript:alert(1)")
    assert {"\x1b", "\u202e", "\r"} <= set(body["error_description"])


def test_a_member_comes_twice() -> None:
    text = faulty("duplicate_member").token("client_credentials").body.decode()
    assert text.count('"access_token"') == 2
    assert json.loads(text)["access_token"] == "second"


def test_a_member_comes_twice_in_lists_too() -> None:
    driver = Driver()
    token = driver.service()["access_token"]
    driver.sandbox.set_behaviour(fault="duplicate_member", fault_at="resource")
    assert driver.get("/api/v2/credential/grant/list", token).body == b'{"duplicate": "first", "duplicate": "second"}'


def test_the_content_type_is_wrong() -> None:
    response = faulty("wrong_content_type").token("client_credentials")
    assert response.headers.get_all("Content-Type") == ("text/html",)
    assert "access_token" in members(response)


def test_there_is_no_content() -> None:
    response = faulty("status_204").token("client_credentials")
    assert (response.status, response.body) == (204, b"")


def test_the_redirect_leads_elsewhere() -> None:
    location = faulty("redirect_307").token("client_credentials").headers.get("Location")
    assert location == "https://elsewhere.example/api/v2/access/token"


@pytest.mark.parametrize(
    "fault",
    ["status_429", "status_500", "status_503", "redirect_307", "echo_secret", "hostile_text", "drop_before", "unreachable"],
)
def test_some_faults_spend_nothing(fault: Any) -> None:
    driver = Driver()
    token = driver.login()["refresh_token"]
    driver.sandbox.set_behaviour(fault=fault, fault_count=1)
    result_of(driver, token)
    assert driver.refresh(token).status == 200


@pytest.mark.parametrize(
    "fault",
    [
        *("status_502_html", "html_200", "empty_200", "status_204", "truncated_json", "truncated_body", "huge_body", "deep_json"),
        *("not_utf8", "wrong_content_type", "drop_after", "duplicate_member", "no_access_token", "split_header"),
    ],
)
def test_other_faults_lose_what_was_done(fault: Any) -> None:
    driver = Driver()
    token = driver.login()["refresh_token"]
    driver.sandbox.set_behaviour(fault=fault, fault_count=1)
    result_of(driver, token)
    assert members(driver.refresh(token))["error"] == "invalid_grant"


def result_of(driver: Driver, token: str) -> HTTPResponse | TransportError:
    try:
        return driver.refresh(token)
    except TransportError as error:
        return error


@pytest.mark.parametrize(
    ("fault", "drop", "delivery"),
    [
        ("unreachable", DropPoint.UNREACHABLE, Delivery.NOT_SENT),
        ("drop_before", DropPoint.BEFORE_PROCESSING, Delivery.AMBIGUOUS),
        ("drop_after", DropPoint.AFTER_PROCESSING, Delivery.AMBIGUOUS),
        ("truncated_body", DropPoint.MID_RESPONSE, Delivery.AMBIGUOUS),
    ],
)
def test_a_dropped_connection_is_told_to_servers_and_raised_in_process(fault: Any, drop: DropPoint, delivery: Delivery) -> None:
    assert answer(faulty(fault)).drop is drop
    with pytest.raises(TransportError) as raised:
        faulty(fault).token("client_credentials")
    assert (raised.value.delivery, raised.value.code) == (delivery, drop.value)


def test_a_truncated_body_says_where_it_ends() -> None:
    found = answer(faulty("truncated_body"))
    assert found.response is not None
    assert found.truncate_at == len(found.response.body) // 2 > 0


def test_slowness_is_told_and_not_waited_for() -> None:
    driver = Driver(Behaviour(delay=5.0, drip=0.1))
    found = answer(driver)
    assert (found.delay, found.drip) == (5.0, 0.1)
    assert driver.token("client_credentials").status == 200
    assert driver.sandbox.answer(HTTPRequest(method="GET", url=ORIGIN), START).delay == 0


def test_an_answer_without_a_response_is_a_dropped_connection() -> None:
    with pytest.raises(TransportError):
        Answer(response=None).deliver()


@pytest.mark.parametrize("sent", ["client_secret", "code", "refresh_token"])
def test_a_careless_server_repeats_what_it_was_sent(sent: str) -> None:
    driver = faulty("echo_secret")
    body: dict[str, Any] = {"client_secret": None, "refresh_token": None, "code": None} | {sent: "the-secret-value"}
    assert "the-secret-value" in members(driver.token("client_credentials", **body))["error_description"]


def test_a_careless_server_repeats_the_header_too() -> None:
    driver = faulty("echo_secret", fault_at="both", resource_error_shape="rfc6749")
    response = driver.send("GET", "/api/v3/users/profile", {"Authorization": "Bearer abc"})
    assert members(response)["error_description"] == "You sent Bearer abc"
    assert members(driver.send("POST", TOKEN))["error_description"] == "You sent nothing"


# -- which requests


def test_a_fault_hits_as_many_requests_as_it_should() -> None:
    driver = faulty("status_500", fault_count=2)
    assert [driver.token("client_credentials").status for _ in range(4)] == [500, 500, 200, 200]
    driver.sandbox.set_behaviour(fault_count=1)
    assert [driver.token("client_credentials").status for _ in range(2)] == [500, 200]


def test_a_fault_may_go_on_for_ever() -> None:
    driver = faulty("status_500")
    assert {driver.token("client_credentials").status for _ in range(20)} == {500}


@pytest.mark.parametrize(
    ("fault_at", "hit"),
    [
        ("token", {"client_credentials", "refresh_token", "authorization_code"}),
        ("client_credentials", {"client_credentials"}),
        ("refresh_token", {"refresh_token"}),
        ("authorization_code", {"authorization_code"}),
        ("resource", {"resource"}),
        ("revocation", {"revocation"}),
        ("both", {"client_credentials", "refresh_token", "authorization_code", "resource"}),
    ],
)
def test_a_fault_hits_where_it_is_aimed_at(fault_at: Any, hit: set[str]) -> None:
    driver = Driver()
    token = driver.service()["access_token"]
    driver.sandbox.set_behaviour(fault="status_503", fault_at=fault_at)
    found = {
        "client_credentials": driver.token("client_credentials"),
        "refresh_token": driver.refresh("x"),
        "authorization_code": driver.exchange("x"),
        "resource": driver.get("/api/v2/users/profile", token),
        "revocation": driver.json("/api/v2/access/revoke", driver.credentials() | {"token": "x"}),
        "page": driver.ask(),
        "metadata": driver.send("GET", "/.well-known/oauth-authorization-server"),
        "nothing": driver.send("GET", "/nothing"),
    }
    assert {name for name, response in found.items() if response.status == 503} == hit
