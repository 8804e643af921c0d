import copy
import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropipay_oauth._values import errors
from tropipay_oauth._values.errors import (
    AttemptsSpent,
    AuthorizationRefused,
    CallbackError,
    ConfigurationError,
    Delivery,
    InsufficientScope,
    LocalError,
    OAuthError,
    RemoteError,
    RemoteProtocolError,
    ServerUnavailable,
    TransportError,
    TropiPayOAuthError,
    printable,
)

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TropiPayOAuthError) and kind.__module__
]
SAMPLES = [
    ConfigurationError("write it so", code="url"),
    OAuthError("invalid_grant", status=400, description="gone", native_code="E1"),
    AuthorizationRefused("access_denied"),
    InsufficientScope(status=403, needed=("a", "b"), description="more"),
    ServerUnavailable(503, retry_after=2.5),
    ServerUnavailable(500),
    TransportError("no reply: try again", delivery=Delivery.AMBIGUOUS, code="timeout"),
    AttemptsSpent("too often: wait", retry_at=12.5),
]


def test_every_error_has_a_stable_code_of_its_own() -> None:
    codes = {kind: kind.code for kind in KINDS}
    assert len(set(codes.values())) == len(KINDS) > 20
    assert all(code.isidentifier() and code == code.lower() for code in codes.values())


def test_every_error_is_documented_and_below_the_one_root() -> None:
    assert all(kind.__doc__ and issubclass(kind, TropiPayOAuthError) for kind in KINDS)
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(CallbackError, RemoteError)
    assert not any(issubclass(kind, LocalError) and issubclass(kind, RemoteError) for kind in KINDS)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_survive_copies_and_pickles(error: TropiPayOAuthError) -> None:
    for made in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert made == error
        assert made is not error
        assert hash(made) == hash(error)
        assert vars(made) == vars(error)
        assert (str(made), made.message, made.code) == (str(error), error.message, error.code)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_raised_again_starts_afresh(error: TropiPayOAuthError) -> None:
    with pytest.raises(type(error)) as caught:
        raise error.again() from KeyError("cause")
    caught.value.add_note("seen by the first caller")
    second = caught.value.again()
    assert second == error
    assert second.__traceback__ is None
    assert isinstance(second.__cause__, KeyError)
    assert not hasattr(second, "__notes__")
    second.add_note("seen by the second caller")
    assert caught.value.__notes__ == ["seen by the first caller"]


def test_an_error_without_a_cause_does_not_hide_its_context_when_raised_again() -> None:
    made = ConfigurationError("write it so").again()
    assert made.__cause__ is None
    assert made.__suppress_context__ is False


def test_errors_differ_by_kind_code_message_and_attributes() -> None:
    one = ConfigurationError("a", code="x")
    assert one != ConfigurationError("a", code="y")
    assert one != ConfigurationError("b", code="x")
    assert one != RemoteProtocolError("a", code="x")
    assert one != ValueError("a")
    assert ServerUnavailable(500, retry_after=1.1) != ServerUnavailable(500, retry_after=1.2)


def test_the_code_of_the_class_is_taken_unless_one_is_given() -> None:
    assert ConfigurationError("a").code == "configuration"
    assert ConfigurationError("a", code="url").code == "url"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
        ("\x9b", "\\x9b"),
        (5, "5"),
    ],
)
def test_text_from_the_wire_is_escaped(text: object, expected: str) -> None:
    assert printable(text) == expected


@given(st.text(st.characters(), max_size=300), st.integers(1, 250))
def test_shown_text_is_short_printable_ascii(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit + 3
    assert all(" " <= one <= "~" for one in shown)
    assert text == shown or len(text) > limit or not text.isascii() or not text.isprintable()


@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
def test_messages_of_the_server_are_shown_safely(error: str, description: str, native: str) -> None:
    made = OAuthError(error, status=400, description=description, native_code=native)
    assert str(made).isascii()
    assert str(made).isprintable()
    assert len(str(made)) < 600


@pytest.mark.parametrize("error", SAMPLES[1:5], ids=lambda error: type(error).__name__)
def test_what_the_server_said_comes_with_advice(error: TropiPayOAuthError) -> None:
    assert error.message.endswith(".")
    assert ".." not in error.message


def test_known_codes_have_advice_of_their_own() -> None:
    assert "ask the user" in str(OAuthError("invalid_grant"))
    assert "scopes" in str(InsufficientScope(status=403))
    assert "documentation" in str(OAuthError("something_else", description="Ended."))
    assert "'something_else': Ended. Read" in str(OAuthError("something_else", description="Ended."))


def test_a_scope_named_by_the_server_is_shown_safely() -> None:
    assert InsufficientScope(status=403, needed=("a\n", "b")).needed == ("a\\n", "b")


def test_the_wish_of_a_busy_server_is_told() -> None:
    assert "wait 2 s" in str(ServerUnavailable(429, retry_after=2.0))
    assert "wait" not in str(ServerUnavailable(503))
