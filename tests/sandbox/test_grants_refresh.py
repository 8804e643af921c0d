"""The refresh token grant: rotation, reuse, scope and owner."""

from typing import Any

import pytest

from tests.sandbox.driver import CALLBACK, Driver, is_error, members
from tropipay_oauth.sandbox import Behaviour


def test_a_refresh_token_is_rotated_and_the_old_one_is_spent(driver: Driver) -> None:
    first = driver.login()["refresh_token"]
    body = members(driver.refresh(first))
    assert body["refresh_token"] != first
    assert driver.alive(body["access_token"])
    assert driver.refresh(body["refresh_token"]).status == 200


def test_a_replayed_refresh_token_kills_its_family(driver: Driver) -> None:  # RFC9700-4.14.2-01
    first = driver.login()
    second = members(driver.refresh(first["refresh_token"]))
    assert is_error(driver.refresh(first["refresh_token"]), "invalid_grant")
    assert is_error(driver.refresh(second["refresh_token"]), "invalid_grant")
    assert not driver.alive(first["access_token"])
    assert not driver.alive(second["access_token"])


def test_a_replay_does_not_touch_other_families(driver: Driver) -> None:
    other = driver.login()
    first = driver.login()["refresh_token"]
    driver.refresh(first)
    driver.refresh(first)
    assert driver.alive(other["access_token"])
    assert driver.refresh(other["refresh_token"]).status == 200


def test_without_reuse_detection_only_the_spent_token_is_refused() -> None:
    driver = Driver(Behaviour(reuse_detection=False))
    first = driver.login()["refresh_token"]
    second = members(driver.refresh(first))["refresh_token"]
    assert is_error(driver.refresh(first), "invalid_grant")
    assert driver.refresh(second).status == 200


def test_a_server_may_keep_the_refresh_token() -> None:
    driver = Driver(Behaviour(refresh_rotation="keep"))
    first = driver.login()["refresh_token"]
    assert members(driver.refresh(first))["refresh_token"] == first
    assert members(driver.refresh(first))["refresh_token"] == first


def test_a_server_may_leave_the_refresh_token_out_of_a_renewal() -> None:
    driver = Driver(Behaviour(refresh_rotation="omit"))
    first = driver.login()["refresh_token"]
    assert "refresh_token" not in members(driver.refresh(first))
    assert driver.refresh(first).status == 200


@pytest.mark.parametrize("rotation", ["rotate", "keep", "omit"])
def test_a_public_clients_refresh_token_always_rotates(rotation: Any) -> None:  # RFC9700-2.2.2-01
    driver = Driver(Behaviour(refresh_rotation=rotation))
    client = driver.sandbox.register(client_name="App", public=True, redirect_uris=[CALLBACK])
    first = members(driver.exchange(driver.code(client_id=client.client_id), client=client))["refresh_token"]
    second = members(driver.refresh(first, client=client))["refresh_token"]
    assert second != first
    assert is_error(driver.refresh(first, client=client), "invalid_grant")


def test_a_refresh_token_belongs_to_its_client(driver: Driver) -> None:  # RFC6749-6-08, RFC6749-10.4-02
    other = driver.sandbox.register(client_name="Other")
    first = driver.login()["refresh_token"]
    assert is_error(driver.refresh(first, client=other), "invalid_grant")
    assert is_error(driver.refresh(first, client_secret=None), "invalid_client")
    assert driver.refresh(first).status == 200


def test_a_refresh_beyond_the_granted_scope_is_refused_and_spends_nothing(
    driver: Driver,
) -> None:  # RFC6749-6-04, RFC9700-4.14.2-02
    first = driver.login()["refresh_token"]
    assert is_error(driver.refresh(first, scope="ALLOW_GET_BALANCE ALLOW_GET_CREDENTIAL"), "invalid_scope")
    assert driver.refresh(first).status == 200


def test_a_narrowed_refresh_keeps_the_whole_grant_alive(driver: Driver) -> None:  # RFC6749-6-05, RFC6749-6-09
    whole = driver.login()
    narrow = members(driver.refresh(whole["refresh_token"], scope="ALLOW_GET_BALANCE"))
    assert narrow["scope"] == "ALLOW_GET_BALANCE"
    assert driver.get("/api/v2/users/profile", narrow["access_token"]).status == 403
    assert members(driver.refresh(narrow["refresh_token"]))["scope"] == whole["scope"]


@pytest.mark.parametrize("rotation", ["rotate", "keep"])
def test_a_refresh_token_ends_when_it_is_not_used_for_long(rotation: Any) -> None:  # RFC9700-4.14.2-03
    driver = Driver(Behaviour(refresh_lifetime=100.0, refresh_rotation=rotation))
    token = driver.login()["refresh_token"]
    driver.now += 99
    token = members(driver.refresh(token))["refresh_token"]
    driver.now += 99
    token = members(driver.refresh(token))["refresh_token"]
    driver.now += 100
    assert is_error(driver.refresh(token), "invalid_grant")


def test_an_unknown_refresh_token_is_refused(driver: Driver) -> None:  # RFC6749-5.2-04
    assert is_error(driver.refresh("no-such-token"), "invalid_grant")


def test_the_refresh_token_of_client_credentials_may_be_used(driver: Driver) -> None:
    body = members(driver.refresh(driver.service()["refresh_token"]))
    assert driver.alive(body["access_token"])
