import copy
import hmac
import inspect
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised, shown
from tropipay_oauth._values.errors import ConfigurationError
from tropipay_oauth._values.secret import Entropy, Opaque, Secret, discreet, to_optional_secret, to_secret


def test_the_leak_finder_finds_what_is_shown() -> None:
    assert leaks(shown(CANARY))
    assert leaks(raised(lambda: (lambda held: int(held))(CANARY)))
    assert not leaks(shown("something else"))
    assert set(leaks("x" + CANARY[3:11])) == {CANARY[3:11]}


@pytest.mark.parametrize("value", [Secret(CANARY), Entropy(CANARY.encode() * 2)], ids=["Secret", "Entropy"])
def test_nothing_shows_a_secret(value: Opaque) -> None:
    assert not leaks(shown(value))
    assert "(hidden)" in repr(value)
    assert str(value) == repr(value) == f"{value}"
    assert f"{value:>40}" == repr(value).rjust(40)


@pytest.mark.parametrize("value", [Secret(CANARY), Entropy(CANARY.encode() * 2)], ids=["Secret", "Entropy"])
def test_opaque_values_are_not_pickled_and_their_copies_are_themselves(value: Opaque) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(value, protocol)
    with pytest.raises(TypeError, match="not pickled"):
        value.__getstate__()
    with pytest.raises(TypeError):
        vars(value)
    assert copy.copy(value) is value
    assert copy.deepcopy([value])[0] is value


@pytest.mark.parametrize("value", [Secret("a"), Entropy(bytes(32))], ids=["Secret", "Entropy"])
def test_opaque_values_are_frozen(value: Opaque) -> None:
    with pytest.raises(AttributeError, match="frozen"):
        value.anything = 1
    with pytest.raises(AttributeError, match="frozen"):
        del value.anything  # type: ignore[attr-defined]  # the very point


@given(st.text(st.characters()), st.text(st.characters()))
def test_secrets_are_equal_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))
    assert Secret(one).reveal() == one
    assert bool(Secret(one)) is bool(one)


def test_a_secret_equals_no_plain_text() -> None:
    assert Secret("a") != "a"
    assert Entropy(bytes(32)) != bytes(32)


@pytest.mark.parametrize("text", [CANARY.encode(), None, 5, [CANARY]])
def test_a_secret_is_text(text: object) -> None:
    with pytest.raises(ConfigurationError, match="pass a str"):
        Secret(text)  # type: ignore[arg-type]  # the very point


def test_refusing_a_secret_does_not_show_it() -> None:
    assert not leaks(raised(lambda: Secret(CANARY.encode())))  # type: ignore[arg-type]  # the very point
    assert not leaks(raised(lambda: Entropy(CANARY.encode())))


@pytest.mark.parametrize("seed", [b"", bytes(31), "x" * 32, bytearray(32)])
def test_entropy_is_at_least_32_bytes(seed: object) -> None:
    with pytest.raises(ConfigurationError, match=r"os\.urandom\(32\)"):
        Entropy(seed)  # type: ignore[arg-type]  # the very point


def test_entropy_is_expanded_by_hkdf() -> None:
    key = hmac.new(b"tropipay-oauth", bytes(range(32)), "sha256").digest()
    block = hmac.new(key, b"state/7\x01", "sha256").digest()
    assert Entropy(bytes(range(32))).derive("state", 7) == block
    assert Entropy(bytes(range(32))).derive("state", 7, 9) == block[:9]


def test_entropy_gives_other_bytes_under_each_label_and_counter() -> None:
    entropy = Entropy(bytes(32))
    made = {entropy.derive(label, counter) for label in ("state", "verifier", "state/1") for counter in range(20)}
    assert len(made) == 60
    assert entropy.derive("state") == Entropy(bytes(32)).derive("state")
    assert entropy.derive("state") != Entropy(bytes(33)).derive("state")


def test_equal_entropy_is_equal_and_reveals_its_seed() -> None:
    assert Entropy(bytes(32)) == Entropy(bytes(32))
    assert hash(Entropy(bytes(32))) == hash(Entropy(bytes(32)))
    assert Entropy(bytes(32)) != Entropy(bytes(31) + b"\x01")
    assert Entropy(bytes(32)).reveal() == bytes(32)


@pytest.mark.parametrize("length", [0, -1, 33])
def test_one_block_is_1_to_32_bytes(length: int) -> None:
    with pytest.raises(ConfigurationError, match="1 to 32"):
        Entropy(bytes(32)).derive("a", length=length)


def test_fractions_are_spread_over_zero_to_one() -> None:
    parts = [Entropy(random.Random(1).randbytes(32)).fraction("jitter", counter) for counter in range(400)]  # noqa: S311
    assert all(0 <= part < 1 for part in parts)
    assert [sum(low <= part < low + 0.25 for part in parts) > 60 for low in (0, 0.25, 0.5, 0.75)] == [True] * 4


def test_converters_hide_a_text_and_keep_a_secret() -> None:
    held = Secret("a")
    assert to_secret(held) is held
    assert to_secret("a") == held
    assert to_optional_secret("a") == held
    assert to_optional_secret(None) is None


@discreet
def _fail(text: str, *, also: str) -> int:
    try:
        return int(text) + int(also)
    except ValueError:
        raise LookupError("no number") from None


def test_a_discreet_function_fails_without_its_arguments() -> None:
    report = raised(lambda: _fail(CANARY, also=CANARY))
    assert "LookupError: no number" in report
    assert not leaks(report)


def test_a_discreet_function_is_otherwise_the_same() -> None:
    assert _fail("1", also="2") == 3
    assert _fail.__name__ == "_fail"
    assert list(inspect.signature(_fail).parameters) == ["text", "also"]


def test_a_discreet_failure_keeps_the_context_of_its_caller() -> None:
    outer = KeyError("outer")
    try:
        raise outer
    except KeyError:
        with pytest.raises(LookupError) as caught:
            _fail("x", also="y")
    assert caught.value.__context__ is outer
