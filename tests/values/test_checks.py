import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised
from tropipay_oauth._values.checks import attempt, is_line, is_number, member, optional_member, read_json


@pytest.mark.parametrize("value", [0, -1, 1.5, 1_700_000_000, 1e14, -0.0])
def test_numbers_are_numbers(value: float) -> None:
    assert is_number(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, False, None, "1", 10**400, 1e15, -1e15, 1j, [1]])
def test_what_cannot_be_reckoned_with_is_no_number(value: object) -> None:
    assert not is_number(value)


@given(st.floats())
def test_every_number_survives_arithmetic(value: float) -> None:
    assert not is_number(value) or math.isfinite(value * value)


@pytest.mark.parametrize("value", ["", "shop", "Zoë ☕", "x" * 1000, "a b"])
def test_lines_are_lines(value: str) -> None:
    assert is_line(value)


@pytest.mark.parametrize("value", ["a\nb", "\x00", "\x7f", "\x85", "\u2028", "\ud800", "\ud83d\ude00", "x" * 1001, b"a", None])
def test_what_breaks_a_line_or_its_encoding_is_none(value: object) -> None:
    assert not is_line(value)


def test_a_member_has_exactly_its_type() -> None:
    members: dict[str, Any] = {"flag": True, "count": 1, "none": None}
    assert member(members, "flag", bool) is True
    assert optional_member(members, "none", str) is None
    assert optional_member(members, "count", int) == 1
    for name, kind in (("flag", int), ("count", bool), ("count", float), ("none", str)):
        with pytest.raises(ValueError, match=name):
            member(members, name, kind)
    with pytest.raises(LookupError):
        optional_member(members, "absent", str)


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "{", '{"a": 1', "[" * 100_000, '{"a":' + "9" * 5000 + "}", None, 5])
def test_what_is_no_json_object_reads_as_none(text: str) -> None:
    assert read_json(text, dict) is None


def test_json_is_read_by_the_reader_given() -> None:
    assert read_json('{"a": 1}', lambda members: members["a"]) == 1
    assert read_json('{"a": 1}', lambda members: members["b"]) is None


def test_a_failure_that_is_no_damage_goes_on() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(lambda value: 1 // value, 0)


def test_a_damaged_document_is_not_kept_by_any_error() -> None:
    def call() -> None:
        assert read_json('{"a": "' + CANARY, dict) is None
        raise LookupError("damaged")

    assert not leaks(raised(call))
