"""Revocation (RFC 7009)."""

from typing import Any

import pytest

from tests.sandbox.driver import CALLBACK, Driver, is_error
from tropipay_oauth import HTTPResponse
from tropipay_oauth.sandbox import Behaviour, RegisteredClient

REVOKE = "/api/v2/access/revoke"


def revoke(driver: Driver, token: Any, client: RegisteredClient | None = None, **body: Any) -> HTTPResponse:
    return driver.form(REVOKE, {"token": token, **driver.credentials(client), **body})


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "unknown", ""])
def test_a_refresh_token_ends_with_its_access_tokens(driver: Driver, hint: str) -> None:  # RFC7009-2.1-02, RFC7009-2.1-04
    body = driver.login()
    response = revoke(driver, body["refresh_token"], token_type_hint=hint)
    assert (response.status, response.body) == (200, b"")
    assert not driver.alive(body["access_token"])
    assert is_error(driver.refresh(body["refresh_token"]), "invalid_grant")


def test_an_access_token_ends_alone(driver: Driver) -> None:
    body = driver.login()
    assert revoke(driver, body["access_token"]).status == 200
    assert not driver.alive(body["access_token"])
    assert driver.refresh(body["refresh_token"]).status == 200


def test_an_unknown_token_is_as_good_as_revoked(driver: Driver) -> None:  # RFC7009-2.2-01
    assert revoke(driver, "unknown").status == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_another_clients_token_lives_on(driver: Driver, kind: str) -> None:  # RFC7009-2.1-03
    other = driver.sandbox.register(client_name="Other")
    body = driver.login()
    assert is_error(revoke(driver, body[kind], other), "invalid_grant")
    assert driver.alive(body["access_token"])
    assert driver.refresh(body["refresh_token"]).status == 200


def test_the_client_must_prove_itself(driver: Driver) -> None:
    body = driver.login()
    assert is_error(revoke(driver, body["access_token"], client_secret="wrong"), "invalid_client")
    assert driver.alive(body["access_token"])


def test_a_public_client_only_says_its_name(driver: Driver) -> None:
    client = driver.sandbox.register(client_name="App", public=True, redirect_uris=[CALLBACK])
    assert revoke(driver, "unknown", client).status == 200


def test_the_token_must_be_named(driver: Driver) -> None:
    assert is_error(revoke(driver, ""), "invalid_request")


def test_a_server_may_have_no_revocation() -> None:
    driver = Driver(Behaviour(revocation=False))
    assert revoke(driver, "x").status == 404
