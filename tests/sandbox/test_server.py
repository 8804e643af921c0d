"""The sandbox as a whole: routes, dates, the log, settings, and what never shows."""

import json
from typing import Any

import pytest

from tests.sandbox.driver import CALLBACK, ORIGIN, START, TOKEN, VERIFIER, Driver, basic, members
from tests.values.leaks import leaks, shown
from tropipay_oauth import Entropy, HTTPRequest
from tropipay_oauth.errors import ConfigurationError
from tropipay_oauth.sandbox import Behaviour, LogEntry, Sandbox


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/v1/access/token", "/api/v2/credential/a/b", "//api/v2/access/token"])
def test_what_is_not_there_is_not_found(driver: Driver, path: str) -> None:
    response = driver.send("GET", path)
    assert response.status == 404
    assert "error" in members(response)


def test_the_host_of_a_request_makes_no_difference(driver: Driver) -> None:
    for origin in ("http://127.0.0.1:99", "https://elsewhere.example"):
        request = HTTPRequest(method="GET", url=f"{origin}/api/v2/users/profile")
        assert driver.sandbox.handle(request, driver.now).status == 401


def test_a_slash_at_the_end_makes_no_difference(driver: Driver) -> None:
    token = driver.service()["access_token"]
    assert driver.get("/api/v3/accounts", token) == driver.get("/api/v3/accounts/", token)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), "1", None, True])
def test_now_is_a_number(driver: Driver, now: Any) -> None:
    with pytest.raises(ConfigurationError):
        driver.sandbox.handle(HTTPRequest(method="GET", url=ORIGIN), now)


# -- the clock


def test_every_response_has_the_servers_date(driver: Driver) -> None:
    assert driver.ask().headers.get_all("Date") == ("Fri, 15 Jan 2027 08:00:00 GMT",)
    assert driver.send("GET", "/").headers.get("Date") == "Fri, 15 Jan 2027 08:00:00 GMT"
    driver.sandbox.set_behaviour(date_offset=-90.0)
    response = driver.token("client_credentials")
    assert response.headers.get("Date") == "Fri, 15 Jan 2027 07:58:30 GMT"
    assert members(response)["expires_in"] == START - 90 + 86400


def test_a_server_may_leave_the_date_out() -> None:
    assert "Date" not in Driver(Behaviour(date_header=False)).send("GET", "/").headers


# -- counts and the log


def test_token_requests_are_counted_by_grant_and_outcome(driver: Driver) -> None:
    driver.login()
    driver.service()
    driver.service()
    driver.refresh("unknown")
    driver.token("password")
    driver.send("POST", TOKEN)
    driver.sandbox.set_behaviour(fault="status_500", fault_count=1)
    driver.token("client_credentials")
    assert driver.sandbox.token_requests == 7
    assert driver.sandbox.counts == {
        ("authorization_code", "granted"): 1,
        ("client_credentials", "granted"): 2,
        ("refresh_token", "invalid_grant"): 1,
        ("unknown", "unsupported_grant_type"): 1,
        ("unknown", "invalid_request"): 1,
        ("client_credentials", "status_500"): 1,
    }


def test_other_methods_are_no_token_requests_but_are_logged(driver: Driver) -> None:
    driver.send("GET", TOKEN)
    assert driver.sandbox.token_requests == 0
    assert driver.sandbox.log == (LogEntry(at=START, method="GET", route=TOKEN, status=405, error="invalid_request"),)


def test_the_log_tells_what_happened_without_a_secret(driver: Driver) -> None:  # RFC9700-4.9.3-01
    body = driver.login()
    driver.get("/api/v3/users/profile?access_token=x", body["access_token"])
    driver.get("/some/secret-path")
    entry = driver.sandbox.log[-2]
    assert (entry.route, entry.status, entry.client_id, entry.outcome) == (
        "/api/v3/users/profile",
        200,
        driver.client_id,
        "granted",
    )
    assert entry.token is not None
    assert len(entry.token) == 8
    assert driver.sandbox.log[-1].route == "other"
    assert [entry.outcome for entry in driver.sandbox.log[:3]] == ["granted"] * 3


def test_a_dropped_exchange_is_logged_too() -> None:
    driver = Driver(Behaviour(fault="drop_after"))
    body = json.dumps({"grant_type": "client_credentials", **driver.credentials()}).encode()
    request = HTTPRequest(method="POST", url=ORIGIN + TOKEN, headers={"Content-Type": "application/json"}, body=body)
    driver.sandbox.answer(request, START)
    (entry,) = driver.sandbox.log
    assert (entry.status, entry.fault, entry.outcome) == (None, "drop_after", "drop_after")


def test_nothing_secret_is_shown_by_any_value() -> None:  # RFC9700-4.9.3-01
    driver = Driver()
    code = driver.code()
    body = members(driver.exchange(code))
    driver.form(TOKEN, {"grant_type": "client_credentials"}, basic(driver.client_id, driver.secret))
    client = driver.sandbox.register(client_name="App")
    assert client.client_secret is not None
    secrets = [driver.secret, code, body["access_token"], body["refresh_token"], VERIFIER, client.client_secret.reveal()]
    request = HTTPRequest(method="GET", url=ORIGIN + "/api/v2/users/profile", headers={"Authorization": f"Bearer {code}"})
    texts = "".join(
        [
            *(
                shown(driver.sandbox.log),
                shown(client),
                shown(driver.sandbox.behaviour),
                repr(driver.sandbox),
                str(driver.sandbox),
            ),
            *(repr(driver.sandbox.answer(request, START)), repr(driver.sandbox.counts), repr(driver.sandbox.__dict__)),
        ]
    )
    assert [piece for secret in secrets for piece in leaks(texts, secret)] == []


def test_codes_and_tokens_are_not_even_in_memory_in_clear(driver: Driver) -> None:
    def texts(value: Any, depth: int = 8) -> list[str]:
        if depth == 0 or isinstance(value, (int, float, bool, type(None))):
            return []
        if isinstance(value, (str, bytes)):
            return [value if isinstance(value, str) else value.decode("latin-1")]
        if isinstance(value, dict):
            return [text for pair in value.items() for one in pair for text in texts(one, depth - 1)]
        if isinstance(value, (list, tuple, set, frozenset)):
            return [text for one in value for text in texts(one, depth - 1)]
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        held = [getattr(value, name, None) for name in slots] + list(getattr(value, "__dict__", {}).values())
        return [text for one in held for text in texts(one, depth - 1)]

    code = driver.code()
    body = members(driver.exchange(code))
    everything = "\n".join(texts(driver.sandbox._world))
    assert CALLBACK in everything, "the walk finds what is held"
    assert [one for one in (code, body["access_token"], body["refresh_token"], VERIFIER) if one in everything] == []


# -- settings


def test_the_origin_is_said_once(driver: Driver) -> None:
    driver.sandbox.move_to("http://[::1]:8080")
    assert driver.sandbox.origin == "http://[::1]:8080"
    with pytest.raises(ConfigurationError):
        driver.sandbox.move_to("http://[::1]:8081")


def test_an_origin_that_was_given_stays() -> None:
    sandbox = Sandbox(entropy=Entropy(b"\x07" * 32), origin="https://as.example:8443")
    assert sandbox.origin == "https://as.example:8443"
    with pytest.raises(ConfigurationError):
        sandbox.move_to("http://127.0.0.1:8080")


def test_the_behaviour_can_be_changed_whole_or_in_part(driver: Driver) -> None:
    driver.sandbox.set_behaviour(Behaviour(iss="sent"))
    driver.sandbox.set_behaviour(lifetime=5.0)
    assert driver.sandbox.behaviour == Behaviour(iss="sent", lifetime=5.0)


@pytest.mark.parametrize("wrong", [{"expiry": 1}, {"iss": "maybe"}])
def test_a_wrong_change_changes_nothing_and_says_what_is_right(driver: Driver, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        driver.sandbox.set_behaviour(**wrong)
    assert "iss" in raised.value.message
    assert driver.sandbox.behaviour == Behaviour()


def test_every_token_can_be_revoked_at_once(driver: Driver) -> None:
    bodies = [driver.login(), driver.service()]
    driver.sandbox.revoke_all()
    assert [driver.alive(body["access_token"]) for body in bodies] == [False, False]
    assert [driver.refresh(body["refresh_token"]).status for body in bodies] == [400, 400]


def test_access_tokens_can_be_revoked_alone(driver: Driver) -> None:
    body = driver.login()
    driver.sandbox.revoke_access_tokens()
    assert not driver.alive(body["access_token"])
    assert driver.refresh(body["refresh_token"]).status == 200


def test_the_client_of_the_beginning_can_be_shaped() -> None:
    driver = Driver(client_name="Mine", redirect_uris=["https://a.example/cb", "https://b.example/cb"], scopes="A B")
    assert driver.sandbox.redirect_uri == "https://a.example/cb"
    assert driver.service()["scope"] == "A B"
    assert "Mine" in driver.ask(redirect_uri="https://b.example/cb", scope="A").body.decode()
    assert "1 clients" in repr(driver.sandbox)


@pytest.mark.parametrize("wrong", [{"scopes": ["a b"]}, {"scopes": [1]}, {"redirect_uris": ["x"]}, {"client_name": 1}])
def test_a_client_that_must_not_be_is_not_registered(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Driver(**wrong)
