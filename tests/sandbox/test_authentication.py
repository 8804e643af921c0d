"""Client authentication: one way at a time, proven, and limited in tries."""

from typing import Any

import pytest

from tests.sandbox.driver import CALLBACK, TOKEN, Driver, basic, is_error, members
from tropipay_oauth.sandbox import Behaviour


def test_a_wrong_secret_is_answered_as_tropipay_does(driver: Driver) -> None:  # RFC6749-4.4.2-04
    response = driver.token("client_credentials", client_secret="wrong")
    assert is_error(response, "invalid_client")
    assert members(response)["error_description"] == "Credential not found"


@pytest.mark.parametrize(
    "changes", [{"client_secret": None}, {"client_secret": ""}, {"client_id": None}, {"client_id": "unknown"}]
)
def test_a_name_alone_proves_nothing(driver: Driver, changes: dict[str, Any]) -> None:  # RFC6749-2.2-01, RFC9700-2.5-01
    assert is_error(driver.token("client_credentials", **changes), "invalid_client")


def test_a_server_may_answer_401_with_a_challenge() -> None:  # RFC6749-5.2-01
    driver = Driver(Behaviour(invalid_client_status=401))
    response = driver.token("client_credentials", client_secret="wrong")
    assert is_error(response, "invalid_client", 401)
    assert response.headers.get("WWW-Authenticate") == 'Basic realm="tropipay"'


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic YQ==", "Basic " + "w6k=", "Basic /zp4", "Bearer abc", "Basic YTolenp6", "basic Og=="]
)
def test_bad_credentials_in_the_header_get_401_and_a_challenge(driver: Driver, header: str) -> None:  # RFC6749-5.2-02
    response = driver.form(TOKEN, {"grant_type": "client_credentials"}, {"Authorization": header})
    assert is_error(response, "invalid_client", 401)
    assert response.headers.get("WWW-Authenticate") == 'Basic realm="tropipay"'


def test_a_wrong_secret_in_the_header_gets_401(driver: Driver) -> None:  # RFC6749-5.2-02
    response = driver.form(TOKEN, {"grant_type": "client_credentials"}, basic(driver.client_id, "wrong"))
    assert is_error(response, "invalid_client", 401)


def test_each_half_of_basic_is_form_decoded(driver: Driver) -> None:  # RFC6749-2.3.1-02
    escaped = "".join(f"%{ord(one):02X}" for one in driver.secret)
    assert driver.form(TOKEN, {"grant_type": "client_credentials"}, basic(driver.client_id, escaped)).status == 200


def test_two_ways_at_once_are_refused(driver: Driver) -> None:  # RFC6749-5.2-03
    header = basic(driver.client_id, driver.secret)
    body = {"grant_type": "client_credentials", **driver.credentials()}
    assert is_error(driver.form(TOKEN, body, header), "invalid_request")


def test_two_headers_are_refused(driver: Driver) -> None:
    name, value = next(iter(basic(driver.client_id, driver.secret).items()))
    headers = [("Content-Type", "application/json"), (name, value), (name, value)]
    assert is_error(driver.send("POST", TOKEN, headers, b'{"grant_type": "client_credentials"}'), "invalid_request")


def test_a_client_id_in_the_body_must_be_the_one_of_the_header(driver: Driver) -> None:
    header = basic(driver.client_id, driver.secret)
    same = {"grant_type": "client_credentials", "client_id": driver.client_id}
    assert driver.form(TOKEN, same, header).status == 200
    assert is_error(driver.form(TOKEN, same | {"client_id": "other"}, header), "invalid_request")


def test_a_public_client_is_public_whatever_it_presents(driver: Driver) -> None:  # RFC6749-2.3-02
    client = driver.sandbox.register(client_name="App", public=True, redirect_uris=[CALLBACK])
    code = driver.code(client_id=client.client_id)
    assert is_error(driver.exchange(code, client=client, client_secret="x", code_verifier=None), "invalid_grant")
    assert driver.exchange(code, client=client, client_secret="x").status == 200


def test_a_secret_of_another_kind_than_text_is_malformed(driver: Driver) -> None:
    assert is_error(driver.token("client_credentials", client_secret=1), "invalid_request")


# -- lock-out


def locking() -> Driver:
    return Driver(Behaviour(max_failures=3, lockout=60.0))


def test_many_failures_lock_the_client_out_for_a_while() -> None:  # RFC6749-2.3.1-05
    driver = locking()
    for _ in range(3):
        assert is_error(driver.token("client_credentials", client_secret="wrong"), "invalid_client")
    driver.now += 0.5
    locked = driver.token("client_credentials")
    assert (locked.status, locked.headers.get("Retry-After")) == (429, "60")
    driver.now += 59.5
    assert driver.token("client_credentials").status == 200


def test_a_success_forgives_the_failures_before() -> None:
    driver = locking()
    for _ in range(5):
        driver.token("client_credentials", client_secret="wrong")
        driver.token("client_credentials", client_secret="wrong")
        assert driver.token("client_credentials").status == 200


def test_the_failures_of_one_client_do_not_lock_another_out() -> None:
    driver = locking()
    other = driver.sandbox.register(client_name="Other")
    for _ in range(3):
        driver.token("client_credentials", client_secret="wrong")
    assert driver.token("client_credentials", client=other).status == 200


def test_unknown_names_are_remembered_in_a_bounded_number() -> None:
    driver = locking()
    for number in range(1002):
        driver.token("client_credentials", client_id=f"unknown-{number}")
    for _ in range(3):
        driver.token("client_credentials", client_secret="wrong")
    assert driver.token("client_credentials").status == 429


def test_by_default_nobody_is_locked_out(driver: Driver) -> None:
    for _ in range(20):
        driver.token("client_credentials", client_secret="wrong")
    assert driver.token("client_credentials").status == 200
