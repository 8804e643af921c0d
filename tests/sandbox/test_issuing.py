"""The token response in all its forms."""

import base64
import hmac
import json
import re
from typing import Any

import pytest

from tests.sandbox.driver import START, Driver, members
from tropipay_oauth import Entropy
from tropipay_oauth.sandbox import Behaviour

ABSOLUTE = int(START) + 3600
FORMS: dict[str, Any] = {
    "absolute_seconds": ABSOLUTE,
    "absolute_milliseconds": ABSOLUTE * 1000,
    "lifetime": 3600,
    "duration": "1h",
    "numeric_text": str(ABSOLUTE),
    "lifetime_text": "3600",
    "null": None,
    "past": int(START) - 3600,
    "zero": 0,
    "negative": -3601,
    "fraction": 3600.5,
    "huge": 10**30,
    "infinity": float("inf"),
    "boolean": True,
    "garbage": "soon",
}


def issued(**behaviour: Any) -> Any:
    return Driver(Behaviour(**behaviour)).service()


@pytest.mark.parametrize(("form", "value"), FORMS.items())
def test_expires_in_has_the_form_of_the_behaviour(form: Any, value: Any) -> None:  # RFC6749-5.1-03
    found = issued(expires_in=form, lifetime=3600.0)["expires_in"]
    assert found == value
    assert type(found) is type(value)


def test_expires_in_may_be_absent_or_no_number() -> None:
    assert "expires_in" not in issued(expires_in="absent")
    assert issued(expires_in="nan")["expires_in"] != issued(expires_in="nan")["expires_in"]


@pytest.mark.parametrize(
    ("lifetime", "text"), [(86400.0, "1d"), (604800.0, "1w"), (90.0, "90s"), (120.0, "2m"), (36000.0, "10h"), (0.0, "0w")]
)
def test_a_duration_is_in_the_largest_unit_that_is_exact(lifetime: float, text: str) -> None:
    assert issued(expires_in="duration", lifetime=lifetime)["expires_in"] == text


def test_a_token_really_lives_as_long_as_the_behaviour_says() -> None:
    driver = Driver(Behaviour(expires_in="past", lifetime=10.0))
    token = driver.service()["access_token"]
    driver.now += 9
    assert driver.alive(token)
    driver.now += 1
    assert not driver.alive(token)


def test_an_access_token_is_signed_with_hs256_under_the_sandboxs_key() -> None:
    token = issued()["access_token"]
    signed, _, signature = token.rpartition(".")
    key = Entropy(b"\x07" * 32).derive("sandbox jwt key")
    expected = base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=").decode()
    assert signature == expected
    assert json.loads(base64.urlsafe_b64decode(signed.partition(".")[0] + "==")) == {"alg": "HS256", "typ": "JWT"}


def test_an_access_token_may_be_opaque() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", issued(token_format="opaque")["access_token"])


def test_nothing_that_is_issued_comes_twice(driver: Driver) -> None:  # RFC6749-10.10-01
    bodies = [driver.service() for _ in range(50)]
    values = [body[name] for body in bodies for name in ("access_token", "refresh_token")]
    values += [driver.code() for _ in range(50)]
    assert len(set(values)) == len(values)
    assert all(len(base64.urlsafe_b64decode(body["refresh_token"] + "=")) * 8 >= 160 for body in bodies)


def test_the_same_entropy_and_requests_give_the_same_replies() -> None:
    assert Driver().login() == Driver().login()


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "mac", "DPoP"])
def test_the_token_type_is_the_one_of_the_behaviour(kind: Any) -> None:
    assert issued(token_type=kind)["token_type"] == kind


def test_the_token_type_may_be_missing() -> None:
    assert "token_type" not in issued(token_type="missing")


def test_the_scope_may_be_absent_narrowed_or_widened() -> None:
    def scope(reply: Any, asked: str) -> Any:
        return members(Driver(Behaviour(scope_reply=reply)).token("client_credentials", scope=asked)).get("scope")

    assert scope("absent", "ALLOW_REFUND") is None
    assert scope("narrowed", "ALLOW_REFUND ALLOW_RECHARGE") == "ALLOW_REFUND"
    assert scope("narrowed", "ALLOW_REFUND") == "ALLOW_REFUND"
    assert scope("widened", "ALLOW_REFUND") == "ALLOW_REFUND KYC3_FULL_ALLOW"
    assert scope("widened", "KYC3_FULL_ALLOW") == "KYC3_FULL_ALLOW ALLOW_EVERYTHING"


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (
            "rfc6749",
            {"error": "invalid_client", "error_description": "Credential not found", "error_uri": "https://x.example/"},
        ),
        (
            "nested",
            {
                "error": {
                    "type": "invalid_client",
                    "code": "invalid_credentials",
                    "message": "Credential not found",
                    "details": None,
                    "i18n": None,
                    "param": None,
                }
            },
        ),
        ("flat", {"error": "invalid_client", "message": "Credential not found", "code": "E00001"}),
        ("nested_old", {"error": {"msg": "Credential not found"}}),
    ],
)
def test_errors_come_in_four_shapes(shape: Any, body: Any) -> None:
    driver = Driver(Behaviour(error_shape=shape, error_uri="https://x.example/"))
    response = driver.token("client_credentials", client_secret="wrong")
    assert (response.status, members(response)) == (400, body)
