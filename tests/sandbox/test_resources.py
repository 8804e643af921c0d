"""The resource server: which tokens it takes, and what it says to the others."""

import re
from typing import Any

import pytest

from tests.sandbox.driver import Driver, members
from tropipay_oauth import HTTPResponse
from tropipay_oauth.sandbox import Behaviour

SCOPES = {
    "/api/users/profile": "ALLOW_GET_PROFILE_DATA",
    "/api/v2/users/profile": "ALLOW_GET_PROFILE_DATA",
    "/api/v3/users/profile": "ALLOW_GET_PROFILE_DATA",
    "/api/v2/users/balance": "ALLOW_GET_BALANCE",
    "/api/v3/users/balance": "ALLOW_GET_BALANCE",
    "/api/v3/accounts/": "ALLOW_GET_MOVEMENT_LIST",
    "/api/v2/paymentcards": "ALLOW_PAYMENT_IN",
    "/api/v2/credential": "ALLOW_GET_CREDENTIAL",
}


def attributes(response: HTTPResponse, scheme: str = "Bearer") -> dict[str, str]:
    """The parameters of the one challenge, read strictly (RFC 6750 §3)."""
    (header,) = response.headers.get_all("WWW-Authenticate")
    found, _, rest = header.partition(" ")
    assert found == scheme
    pairs = re.findall(r'([a-z_]+)="([ !#-\[\]-~]*)"(?:, |$)', rest)
    assert ", ".join(f'{name}="{value}"' for name, value in pairs) == rest
    assert len(dict(pairs)) == len(pairs) > 0
    return dict(pairs)


@pytest.mark.parametrize(("path", "scope"), SCOPES.items())
def test_a_token_with_the_scope_is_taken(driver: Driver, path: str, scope: str) -> None:  # RFC6750-2.1-03
    assert driver.get(path, driver.service(scope=scope)["access_token"]).status == 200


@pytest.mark.parametrize(("path", "scope"), SCOPES.items())
def test_a_token_without_the_scope_gets_403_and_its_name(
    driver: Driver, path: str, scope: str
) -> None:  # RFC6749-7-01, RFC6750-3.1-01, RFC6749-7.2-01
    response = driver.get(path, driver.service(scope="ALLOW_REFUND")["access_token"])
    assert response.status == 403
    said = attributes(response)
    assert (said["error"], said["scope"]) == ("insufficient_scope", scope)


def test_without_a_token_the_challenge_has_no_error(driver: Driver) -> None:  # RFC6750-3-01, RFC6750-3-02, RFC6750-3.1-02
    for headers in ({}, {"Authorization": "Basic YTpi"}):
        response = driver.send("GET", "/api/v2/users/profile", headers)
        assert response.status == 401
        assert attributes(response) == {"realm": "tropipay"}
        assert members(response) == {"error": {"msg": "No token!"}}


def bad_tokens(driver: Driver) -> dict[str, str]:
    revoked = driver.service()["access_token"]
    driver.sandbox.revoke_all()
    expired = driver.service()["access_token"]
    driver.now += 86400
    return {"unknown": "unknown", "revoked": revoked, "expired": expired, "altered": driver.service()["access_token"] + "x"}


def test_a_bad_token_gets_401_invalid_token(driver: Driver) -> None:  # RFC6749-7-01, RFC6750-3-06, RFC6750-3.1-01
    for token in bad_tokens(driver).values():
        response = driver.get("/api/v2/users/profile", token)
        assert response.status == 401
        assert attributes(response)["error"] == "invalid_token"
        assert members(response) == {"error": {"msg": "Failed to authenticate token!"}}


def test_a_token_is_good_until_it_expires(driver: Driver) -> None:
    token = driver.service()["access_token"]
    driver.now += 86399
    assert driver.alive(token)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", 'Bearer "a"'])
def test_a_malformed_header_gets_400(driver: Driver, header: str) -> None:  # RFC6750-3.1-01
    response = driver.send("GET", "/api/v2/users/profile", {"Authorization": header})
    assert response.status == 400
    assert attributes(response)["error"] == "invalid_request"


def test_two_headers_get_400(driver: Driver) -> None:
    header = ("Authorization", f"Bearer {driver.service()['access_token']}")
    assert driver.send("GET", "/api/v2/users/profile", [header, header]).status == 400


def test_the_scheme_is_read_without_regard_to_case(driver: Driver) -> None:
    header = {"Authorization": f"bEARER {driver.service()['access_token']}"}
    assert driver.send("GET", "/api/v2/users/profile", header).status == 200


def test_a_token_in_the_query_is_not_looked_at(driver: Driver) -> None:  # OAUTH21-5.1-01
    token = driver.service()["access_token"]
    assert driver.get(f"/api/v2/users/profile?access_token={token}").status == 401
    assert driver.get("/api/v2/users/profile?access_token=unknown", token).status == 200


def test_errors_of_version_3_are_nested(driver: Driver) -> None:
    error = members(driver.get("/api/v3/users/profile", "unknown"))["error"]
    assert (error["code"], error["message"]) == ("token_expired", "Failed to authenticate token!")


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("rfc6749", {"error": "insufficient_scope", "error_description": "The token lacks a scope"}),
        ("flat", {"error": "insufficient_scope", "message": "The token lacks a scope", "code": "E00003"}),
        ("nested_old", {"error": {"msg": "The token lacks a scope"}}),
    ],
)
def test_the_shape_of_errors_may_be_chosen(shape: Any, body: Any) -> None:
    driver = Driver(Behaviour(resource_error_shape=shape))
    assert members(driver.get("/api/v3/users/profile", driver.service(scope="ALLOW_REFUND")["access_token"])) == body


def test_good_tokens_may_be_refused_a_number_of_times() -> None:
    driver = Driver(Behaviour(resource_401=2))
    token = driver.service()["access_token"]
    assert [driver.get("/api/v2/users/profile", token).status for _ in range(4)] == [401, 401, 200, 200]
    driver.sandbox.set_behaviour(resource_401=1)
    assert [driver.get("/api/v2/users/profile", token).status for _ in range(2)] == [401, 200]
    driver.sandbox.set_behaviour(resource_401=-1)
    assert [driver.get("/api/v2/users/profile", token).status for _ in range(9)] == [401] * 9


def test_the_user_has_a_name_money_and_accounts(driver: Driver) -> None:
    token = driver.service()["access_token"]
    assert members(driver.get("/api/v2/users/profile", token))["name"] == "Ana"
    balance = members(driver.get("/api/v2/users/balance", token))["balance"]
    rows = members(driver.get("/api/v3/accounts/", token))["rows"]
    assert rows[0]["balance"] == balance


def test_the_list_of_scopes_has_a_label_for_each(driver: Driver) -> None:
    listed = members(driver.get("/api/v2/credential/grant/list", driver.service()["access_token"]))
    assert len(listed) == 27
    assert {"name": "ALLOW_GET_BALANCE", "label": "See your balance"} in listed


# -- payments


def test_a_payment_sent_twice_is_made_twice_and_seen(driver: Driver) -> None:
    token = driver.service()["access_token"]
    replies = [members(driver.post("/api/v2/paymentcards", token, {"reference": name})) for name in ("a", "b", "a")]
    assert [(one["id"], one["times"]) for one in replies] == [(1, 1), (2, 1), (3, 2)]
    assert driver.sandbox.payments == ("a", "b", "a")
    assert members(driver.get("/api/v2/paymentcards", token))["count"] == 3


@pytest.mark.parametrize("body", [{}, {"reference": ""}, {"reference": 1}, {"reference": "x" * 101}])
def test_a_payment_without_a_reference_is_refused(driver: Driver, body: Any) -> None:
    assert driver.post("/api/v2/paymentcards", driver.service()["access_token"], body).status == 422
    assert driver.sandbox.payments == ()


def test_a_payment_that_cannot_be_read_is_refused(driver: Driver) -> None:
    header = {"Authorization": f"Bearer {driver.service()['access_token']}"}
    assert driver.form("/api/v2/paymentcards", {"reference": "a"}, header).status == 400
    assert driver.send("POST", "/api/v2/paymentcards", header | {"Content-Type": "application/json"}, b"{").status == 400
    assert driver.sandbox.payments == ()


def test_a_payment_is_not_made_without_a_good_token(driver: Driver) -> None:
    assert driver.post("/api/v2/paymentcards", "unknown", {"reference": "a"}).status == 401
    assert driver.sandbox.payments == ()
