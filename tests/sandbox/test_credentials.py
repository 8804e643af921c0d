"""TropiPay's credentials: created, listed, changed, deleted."""

from typing import Any

import pytest

from tests.sandbox.driver import Driver, members
from tropipay_oauth import HTTPResponse
from tropipay_oauth.sandbox import Behaviour

PATH = "/api/v2/credential"
WHOLE: dict[str, Any] = {
    "client_name": "My Shop",
    "redirect_uris": ["https://shop.example/cb"],
    "scope": ["ALLOW_GET_BALANCE", "ALLOW_GET_PROFILE_DATA"],
    "logo_uri": "https://shop.example/logo.png",
    "contacts": ["me@shop.example"],
    "domain": ["*.shop.example"],
    "status": 2,
}


def send(driver: Driver, method: str, body: Any = None, path: str = PATH) -> HTTPResponse:
    return driver.post(path, driver.service()["access_token"], {} if body is None else body, method)


def create(driver: Driver, **changes: Any) -> Any:
    response = send(driver, "POST", WHOLE | changes)
    assert response.headers.get("Cache-Control") == "no-store"
    return members(response)


def error_of(response: HTTPResponse) -> Any:
    assert response.status == 400
    return members(response)["error"]


def test_a_new_credential_shows_all_that_was_registered(driver: Driver) -> None:  # RFC7591-3.2.1-01, RFC7591-3.2.1-02
    made = create(driver)
    assert made["client_secret_expires_at"] == 0
    assert made["client_id_issued_at"] == driver.now
    assert made["scope"] == "ALLOW_GET_BALANCE ALLOW_GET_PROFILE_DATA"
    assert made["registration_client_uri"].endswith(f"{PATH}/{made['client_id']}")
    assert made["grant_types"] == ["authorization_code", "refresh_token", "client_credential"]
    for name in ("client_name", "redirect_uris", "logo_uri", "contacts", "domain", "status"):
        assert made[name] == WHOLE[name]


def test_a_new_credential_gets_tokens(driver: Driver) -> None:
    made = create(driver)
    body = driver.service(client_id=made["client_id"], client_secret=made["client_secret"])
    assert body["scope"] == made["scope"]


@pytest.mark.parametrize(("shape", "status"), [("tropipay", 200), ("rfc7591", 201), ("wrapped", 200)])
def test_the_answer_has_the_shape_of_the_behaviour(shape: Any, status: int) -> None:
    driver = Driver(Behaviour(credential_shape=shape))
    response = send(driver, "POST", WHOLE)
    assert response.status == status
    if shape == "wrapped":
        data = members(response)["data"]
        assert driver.service(client_id=data["username"], client_secret=data["password"])
    else:
        assert members(response)["client_name"] == "My Shop"


def test_metadata_that_is_not_understood_is_ignored(driver: Driver) -> None:  # RFC7591-2-02
    assert "foo" not in create(driver, foo=1)


def test_scope_and_redirect_uri_may_be_texts(driver: Driver) -> None:
    made = create(driver, scope="A B", redirect_uri="com.my.app:/cb", redirect_uris=None)
    assert (made["scope"], made["redirect_uris"]) == ("A B", ["com.my.app:/cb"])
    both = create(driver, redirect_uri="com.my.app:/cb")
    assert both["redirect_uris"] == ["https://shop.example/cb", "com.my.app:/cb"]
    none = create(driver, redirect_uri="", redirect_uris=[])
    assert none["redirect_uris"] == []


def test_a_public_client_gets_no_secret(driver: Driver) -> None:
    made = create(driver, token_endpoint_auth_method="none")
    assert "client_secret" not in made
    assert made["token_endpoint_auth_method"] == "none"
    wrapped = Driver(Behaviour(credential_shape="wrapped"))
    assert create(wrapped, token_endpoint_auth_method="none")["data"]["password"] == ""


@pytest.mark.parametrize("status", [0, 1])
def test_a_credential_that_is_not_approved_gets_no_token(driver: Driver, status: int) -> None:
    made = create(driver, status=status)
    response = driver.token("client_credentials", client_id=made["client_id"], client_secret=made["client_secret"])
    assert members(response)["error"] == "unauthorized_client"


BAD: list[tuple[str, str, list[Any]]] = [
    ("invalid_redirect_uri", "redirect_uris", [["http://shop.example/cb"], ["x"], [1], [None], "https://shop.example/cb", {}]),
    ("invalid_redirect_uri", "redirect_uris", [["https://a.example/"] * 101]),
    ("invalid_redirect_uri", "redirect_uri", [1, "x"]),
    ("invalid_client_metadata", "client_name", ["", 1, None, "\u202e"]),
    ("invalid_client_metadata", "scope", [1, None, [1], ["a b"], 'a"', ["é"]]),
    ("invalid_client_metadata", "status", [3, "2", True, None]),
    ("invalid_client_metadata", "application_type", ["x", 1, None]),
    ("invalid_client_metadata", "logo_uri", [1, ["x"], "x" * 1001]),
    ("invalid_client_metadata", "contacts", [{}, [1]]),
    ("invalid_software_statement", "software_statement", [1]),
    ("unapproved_software_statement", "software_statement", ["a.b.c"]),
]


@pytest.mark.parametrize(("error", "name", "value"), [(error, name, one) for error, name, many in BAD for one in many])
def test_bad_metadata_is_named(error: str, name: str, value: Any) -> None:  # RFC7591-3.2.2-01
    driver = Driver(Behaviour(resource_error_shape="rfc6749"))
    assert error_of(send(driver, "POST", WHOLE | {name: value})) == error


def test_a_web_application_has_no_loopback_address() -> None:  # RFC9700-2.6-01
    driver = Driver(Behaviour(resource_error_shape="rfc6749"))
    body = WHOLE | {"application_type": "web", "redirect_uris": ["http://127.0.0.1/cb"]}
    assert error_of(send(driver, "POST", body)) == "invalid_redirect_uri"


def test_a_body_that_cannot_be_read_is_bad_metadata() -> None:
    driver = Driver(Behaviour(resource_error_shape="rfc6749"))
    header = {"Authorization": f"Bearer {driver.service()['access_token']}"}
    assert error_of(driver.form(PATH, {"client_name": "x"}, header)) == "invalid_client_metadata"
    assert error_of(driver.send("POST", PATH, header | {"Content-Type": "application/json"}, b"[")) == "invalid_client_metadata"


def test_credentials_are_listed_without_secrets(driver: Driver) -> None:
    made = create(driver)
    response = driver.get(PATH, driver.service()["access_token"])
    assert [one["client_id"] for one in members(response)] == [driver.client_id, made["client_id"]]
    assert made["client_secret"] not in response.body.decode()
    for path in (f"{PATH}/{made['client_id']}", f"{PATH}?client_id={made['client_id']}"):
        assert members(driver.get(path, driver.service()["access_token"]))["client_name"] == "My Shop"


@pytest.mark.parametrize("in_path", [True, False])
def test_a_credential_is_changed_in_what_is_named(driver: Driver, in_path: bool) -> None:
    made = create(driver)
    path = f"{PATH}/{made['client_id']}" if in_path else PATH
    changed = members(
        send(driver, "PUT", {"client_id": made["client_id"], "client_name": "New", "tos_uri": "https://t.example"}, path)
    )
    assert (changed["client_name"], changed["tos_uri"]) == ("New", "https://t.example")
    assert {name: changed[name] for name in ("redirect_uris", "scope", "logo_uri")} == {
        name: made[name] for name in ("redirect_uris", "scope", "logo_uri")
    }
    assert driver.service(client_id=made["client_id"], client_secret=made["client_secret"])


def test_a_bad_change_changes_nothing(driver: Driver) -> None:
    made = create(driver)
    assert send(driver, "PUT", {"redirect_uris": ["x"]}, f"{PATH}/{made['client_id']}").status == 400
    shown = members(driver.get(f"{PATH}/{made['client_id']}", driver.service()["access_token"]))
    assert shown["redirect_uris"] == made["redirect_uris"]


@pytest.mark.parametrize("in_path", [True, False])
def test_a_deleted_credential_is_gone_with_its_tokens(driver: Driver, in_path: bool) -> None:
    made = create(driver)
    secrets = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    token = driver.service(**secrets)["access_token"]
    own = driver.service()["access_token"]
    path = f"{PATH}/{made['client_id']}" if in_path else PATH
    assert send(driver, "DELETE", secrets, path).status == 204
    assert not driver.alive(token)
    assert driver.alive(own)
    assert members(driver.token("client_credentials", **secrets))["error"] == "invalid_client"
    assert send(driver, "DELETE", secrets, path).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_credential_is_not_found(driver: Driver, method: str) -> None:
    assert send(driver, method, {}, f"{PATH}/unknown").status == 404


def test_a_credential_must_be_named_to_be_changed(driver: Driver) -> None:
    for body in ({}, {"client_id": 1}):
        assert send(driver, "PUT", body).status == 404
        assert send(driver, "DELETE", body).status == 404


def test_a_malformed_name_is_refused(driver: Driver) -> None:
    assert send(driver, "GET", path=f"{PATH}?client_id=%zz").status == 400


def test_a_new_credential_has_no_path_of_its_own_yet(driver: Driver) -> None:
    assert send(driver, "POST", WHOLE, f"{PATH}/new").status == 405
