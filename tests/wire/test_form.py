from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.made import fuzz
from tropipay_oauth._wire import form

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_the_vector_of_the_standard() -> None:
    assert form.quote(" %&+£€") == "+%25%26%2B%C2%A3%E2%82%AC"  # RFC 6749 appendix B
    assert form.write([("a b", " %&+£€"), ("c", "")]) == "a+b=+%25%26%2B%C2%A3%E2%82%AC&c="


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("&&", []),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        ("=b", [("", "b")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("a+b=%2B+%20", [("a b", "+  ")]),
        ("%61=%c3%A9", [("a", "é")]),
        ("a=%00", [("a", "\0")]),
        ("a=%2541", [("a", "%41")]),
    ],
)
def test_parameters_are_read(text: str, pairs: list[tuple[str, str]]) -> None:
    assert form.read(text, limit=10) == pairs


@pytest.mark.parametrize(
    "text", ["%", "a=%", "a=%4", "a=%G1", "a=%%41", "a=% 41", "a=%c3%28", "%ff=a", "a=%ed%a0%80", "a=%C0%AF"]
)
def test_bad_escapes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"parameters|can't decode"):
        form.read(text, limit=10)


def test_parameters_are_counted_before_they_are_read() -> None:
    assert len(form.read("&".join(["a=1"] * 10), limit=10)) == 10
    with pytest.raises(ValueError, match="parameters"):
        form.read("&" * 1_000_000, limit=10)


@fuzz
@given(st.lists(st.tuples(TEXT, TEXT).filter(any), max_size=10))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]]) -> None:
    written = form.write(pairs)
    assert written.isascii()
    assert form.read(written, limit=10) == pairs == parse_qsl(written, keep_blank_values=True)


@fuzz
@given(st.text(st.sampled_from("a1%&=+;cC3é"), max_size=20) | st.text())
def test_any_text_gives_parameters_or_a_value_error(text: str) -> None:
    try:
        pairs = form.read(text, limit=5)
    except ValueError:
        return
    assert all(isinstance(part, str) for pair in pairs for part in pair)
