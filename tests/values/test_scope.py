from collections.abc import Iterable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropipay_oauth._values.errors import ConfigurationError
from tropipay_oauth._values.scope import Scope, TropiPayScope, to_scope

NAMES = st.lists(st.text(st.sampled_from("abAB01:./_-!#[]~"), min_size=1, max_size=8))


def test_text_list_and_nothing_stand_for_scopes() -> None:
    assert Scope.of("a b") == Scope.of(["a", "b"]) == Scope(("a", "b")) == Scope.of(iter("ab"))
    assert Scope.of(None) == Scope.of("") == Scope.of([]) == Scope()
    held = Scope.of("a")
    assert Scope.of(held) is held
    assert to_scope("a") == held


def test_spaces_that_separate_nothing_are_ignored() -> None:
    assert Scope.of(" a  b ").names == ("a", "b")


def test_a_scope_is_sent_in_the_order_given_and_compared_without_it() -> None:
    assert str(Scope.of("b a b")) == "b a"
    assert Scope.of("b a") == Scope.of("a b")
    assert hash(Scope.of("b a")) == hash(Scope.of("a b"))
    assert Scope(("a", "a")).names == ("a",)
    assert Scope.of("a") != Scope.of("A")


def test_the_names_of_tropipay_are_plain_text() -> None:
    scope = Scope.of([TropiPayScope.ALLOW_GET_BALANCE, "OTHER"])
    assert [type(name) for name in scope] == [str, str]
    assert "ALLOW_GET_BALANCE" in scope
    assert TropiPayScope.ALLOW_GET_BALANCE in scope
    assert repr(scope) == "Scope('ALLOW_GET_BALANCE OTHER')"
    assert len(TropiPayScope) == 27


def test_scopes_are_sets_in_most_ways() -> None:
    assert Scope.of("a b c") - Scope.of("b") == Scope.of("c a")
    assert not Scope()
    assert Scope.of("a")
    assert list(Scope.of("a b")) == ["a", "b"]
    assert "a" not in Scope.of("ab")


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\tb", "a\nb", "é", "\x00", "x" * 256, "\ud800"])
def test_a_name_that_no_request_can_carry_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Scope\.of") as caught:
        Scope.of(value)
    assert caught.value.code == "scope"
    with pytest.raises(ConfigurationError):
        Scope.of([value])


@pytest.mark.parametrize("value", [["a b"], [b"a"], [None], [5], 5, b"ab", True])
def test_a_list_holds_names(value: Iterable[str]) -> None:
    with pytest.raises(ConfigurationError):
        Scope.of(value)


@pytest.mark.parametrize("value", ["ab", ("",), 5])
def test_the_constructor_takes_names_one_by_one(value: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError):
        Scope(value)


def test_a_scope_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Scope().names = ("a",)  # type: ignore[misc]  # the very point


@given(NAMES, NAMES)
def test_scopes_come_back_from_their_text(one: list[str], other: list[str]) -> None:
    scope, second = Scope.of(one), Scope.of(other)
    assert Scope.of(str(scope)) == scope
    assert Scope.of(str(scope)).names == scope.names
    assert (scope == second) is (set(one) == set(other))
    assert set(scope - second) == set(one) - set(other)
