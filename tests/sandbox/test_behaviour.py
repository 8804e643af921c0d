"""Behaviours: names, values, and what is said about wrong ones."""

from typing import Any

import attrs
import pytest

from tropipay_oauth.errors import ConfigurationError
from tropipay_oauth.sandbox import Behaviour, Option


def option(name: str) -> Option:
    return next(one for one in Behaviour.describe() if one.name == name)


def test_the_default_is_what_tropipay_does() -> None:
    default = Behaviour()
    assert (default.expires_in, default.lifetime, default.token_format) == ("absolute_seconds", 86400, "jwt")
    assert (default.error_shape, default.invalid_client_status, default.body) == ("rfc6749", 400, "both")
    assert default.refresh_with_client_credentials
    assert default.fault == "none"


def test_every_option_is_described_and_can_be_written_as_described() -> None:
    described = Behaviour.describe()
    assert [one.name for one in described[1:]] == [field.name for field in attrs.fields(Behaviour)]
    assert Behaviour.parse(f"{one.name}={one.default}" for one in described) == Behaviour()
    assert all(one.meaning and one.values and "\n" not in one.meaning for one in described)


@pytest.mark.parametrize("one", [one for one in Behaviour.describe()[1:] if one.choices], ids=lambda one: one.name)
def test_every_choice_can_be_written(one: Option) -> None:
    for value in one.choices:
        read = getattr(Behaviour.parse([f"{one.name}={value}"]), one.name)
        assert read == {"on": True, "off": False}.get(value, value)


def test_numbers_and_texts_are_read() -> None:
    read = Behaviour.parse(
        ["lifetime=60.5", "fault_count=3", "retry_after=date:5", "error_uri=https://x.example/", "date_offset=-90"]
    )
    assert (read.lifetime, read.fault_count, read.retry_after) == (60.5, 3, "date:5")
    assert (read.error_uri, read.date_offset) == ("https://x.example/", -90)
    assert Behaviour(retry_after=7).retry_after == "7"  # type: ignore[arg-type]  # a number is taken too


def test_a_later_value_wins() -> None:
    assert Behaviour.parse(["lifetime=1", "lifetime=2"]).lifetime == 2


def test_a_profile_is_where_to_begin() -> None:
    assert Behaviour.parse(["lifetime=5", "profile=standard"]) == Behaviour.standard(lifetime=5.0)
    assert Behaviour.parse(["profile=tropipay"]) == Behaviour()


def test_the_standard_profile_is_by_the_book() -> None:  # RFC6749-5.1-03, RFC6750-5.3-03, RFC6749-4.4.3-01
    standard = Behaviour.standard()
    assert (standard.expires_in, standard.lifetime, standard.body, standard.iss) == ("lifetime", 3600, "form", "sent")
    assert not standard.refresh_with_client_credentials


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("expiry=1", "expires_in"),
        ("expires_in", "expires_in"),
        ("", "expires_in"),
        ("\x1b[2J=1", "\\x1b"),
        ("expires_in=later", "absolute_seconds"),
        ("reuse_detection=yes", "on | off"),
        ("lifetime=long", "a number from 0"),
        ("lifetime=nan", "a number from 0"),
        ("lifetime=-1", "a number from 0"),
        ("fault_count=1.5", "a whole number"),
        ("fault_count=-2", "a whole number"),
        ("code_lifetime=601", "to 600"),
        ("retry_after=soon", "date:SECONDS"),
        ("error_uri=a b", "a URI"),
        ('error_uri="', "a URI"),
        ("profile=mine", "tropipay | standard"),
    ],
)
def test_a_mistake_is_answered_with_what_is_right(written: str, said: str) -> None:  # RFC6749-4.1.2-02, RFC6749-4.1.2.1-08
    with pytest.raises(ConfigurationError) as raised:
        Behaviour.parse([written])
    assert said in raised.value.message
    assert raised.value.message.isprintable()


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_in": "later"},
        {"expires_in": 1},
        {"reuse_detection": "on"},
        {"reuse_detection": 1},
        {"lifetime": "60"},
        {"lifetime": True},
        {"fault_count": 1.0},
        {"code_lifetime": 601},
        {"invalid_client_status": 403},
        {"retry_after": -1},
    ],
)
def test_a_wrong_value_is_refused_in_python_too(wrong: dict[str, Any]) -> None:  # RFC6749-4.1.2-02
    with pytest.raises(ConfigurationError) as raised:
        Behaviour(**wrong)
    assert next(iter(wrong)) in raised.value.message


def test_the_default_of_a_long_time_is_written_in_full() -> None:
    assert option("refresh_lifetime").default == "2592000"
    assert option("reuse_detection").default == "on"
