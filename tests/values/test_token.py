import json
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised, shown
from tests.values.made import tokens
from tropipay_oauth._values.errors import ConfigurationError
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._values.token import Expiry, ExpirySource, GrantType, Token

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4)


token: Callable[..., Token] = partial(
    Token, access_token=CANARY, refresh_token=CANARY, issued_at=5.0, grant_type=GrantType.REFRESH_TOKEN
)


def test_a_token_hides_its_secrets_in_every_way_of_showing_it() -> None:
    assert not leaks(shown(token()))
    assert "hidden" in repr(token())
    assert "issued_at=5.0" in repr(token())


def test_a_token_of_texts_is_a_token_of_secrets() -> None:
    assert token() == token(access_token=Secret(CANARY), refresh_token=Secret(CANARY))
    assert token(refresh_token=None).refresh_token is None
    assert hash(token()) == hash(token())
    assert attrs.evolve(token(), refresh_token=None) == token(refresh_token=None)


def test_a_token_is_frozen_and_not_pickled() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        token().issued_at = 6.0  # type: ignore[misc]  # the very point
    with pytest.raises(TypeError, match="not pickled"):
        token().__getstate__()
    assert not hasattr(token(), "__setstate__")


@pytest.mark.parametrize("text", ["", "a\r\nX: y", "é", "\x00", "a\x7f", "\ud800"])
def test_a_token_that_no_header_can_carry_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^access_token is empty"):
        token(access_token=text)
    with pytest.raises(ConfigurationError, match=r"^refresh_token is empty"):
        token(refresh_token=text)


def test_a_refused_token_is_not_shown() -> None:
    assert not leaks(raised(lambda: token(access_token=CANARY + "\n")))
    assert not leaks(raised(lambda: token(access_token=CANARY.encode())))
    assert not leaks(raised(lambda: token(issued_at="now")))
    assert not leaks(raised(lambda: Token.from_json(token().reveal_json() + "x")))
    assert not leaks(raised(lambda: Token.from_json(token().reveal_json().replace("5.0", "NaN"))))


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf"), True, None, "5", 10**400])
def test_times_are_finite_numbers(time: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^issued_at is Unix time"):
        token(issued_at=time)
    if time is not None:
        with pytest.raises(ConfigurationError, match=r"^at is Unix time"):
            Expiry(at=time)


def test_what_was_granted_missed_and_added_follows_from_the_response() -> None:
    narrowed = token(requested=Scope.of("a b"), scope=Scope.of("b c"))
    assert (narrowed.granted, narrowed.missing, narrowed.extra) == (Scope.of("b c"), Scope.of("a"), Scope.of("c"))
    silent = token(requested=Scope.of("a b"))
    assert (silent.granted, silent.missing, silent.extra) == (Scope.of("a b"), Scope(), Scope())
    assert token(requested=Scope.of("a"), scope=Scope()).missing == Scope.of("a")


def test_a_token_ends_at_its_moment_or_at_none_that_is_known() -> None:
    ending = token(expiry=Expiry(at=10.0, source=ExpirySource.JWT_EXP))
    assert [ending.ends_by(now) for now in (9.9, 10.0, 10.1)] == [False, True, True]
    assert not token().ends_by(1e12)
    assert token().expiry.source is ExpirySource.UNKNOWN


@given(tokens())
def test_a_token_comes_back_from_its_json(made: Token) -> None:
    back = Token.from_json(made.reveal_json())
    assert back == made
    assert back.reveal_json() == made.reveal_json()
    assert Token.from_json(json.dumps(json.loads(made.reveal_json()), indent=1)) == made


MEMBERS = json.loads(token(scope=Scope.of("a"), expiry=Expiry(at=9.0)).reveal_json())


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_that_is_absent_damages_the_json(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Token.from_json(json.dumps({key: value for key, value in MEMBERS.items() if key != name}))
    assert caught.value.code == "token_json"


WRONG: dict[str, list[Any]] = {
    "access_token": [5, None, True, ["a"], {}, "", "a\n", 1.5],
    "refresh_token": [5, True, ["a"], {}, "", "a\n"],
    "scope": [5, True, ["a"], {}, "a\n", '"'],
    "requested": [5, None, True, ["a"], {}, "a\n"],
    "issued_at": ["5", None, True, False, float("nan"), float("inf"), -float("inf"), 10**400, [5]],
    "expires_at": ["5", True, False, float("nan"), float("inf"), 10**400, [5], {}],
    "expiry_source": ["x", None, 5, True, [], {}],
    "expiry_clamped": ["true", None, 1, 0, []],
    "grant_type": ["password", None, 5, True, [], {}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_member_of_a_wrong_type_damages_the_json(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match="reveal_json") as caught:
        Token.from_json(json.dumps(MEMBERS | {name: value}))
    assert caught.value.code == "token_json"


@pytest.mark.parametrize("text", ["", "null", "[]", "5", '"a"', "{}", "{", "[" * 100_000, "1e999", "\ud800", "\x00", None, 5])
def test_what_is_no_such_json_is_refused(text: Any) -> None:
    with pytest.raises(ConfigurationError, match="reveal_json"):
        Token.from_json(text)


@given(st.sampled_from(sorted(MEMBERS)), JSON)
def test_any_member_is_read_or_refused_by_the_documented_error(name: str, value: object) -> None:
    try:
        made = Token.from_json(json.dumps(MEMBERS | {name: value}))
    except ConfigurationError as error:
        assert error.code == "token_json"  # noqa: PT017  # a refusal is allowed, not required
    else:
        assert Token.from_json(made.reveal_json()) == made


@given(st.data())
def test_any_damage_is_read_or_refused_by_the_documented_error(data: st.DataObject) -> None:
    text = json.dumps(MEMBERS)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    try:
        made = Token.from_json(text[:start] + data.draw(st.text(st.characters(), max_size=8)) + text[end:])
    except ConfigurationError as error:
        assert error.code == "token_json"  # noqa: PT017  # a refusal is allowed, not required
    else:
        assert Token.from_json(made.reveal_json()) == made
