"""Dates, challenges and texts as they are written."""

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropipay_oauth.sandbox._replies import Refusal, challenge, http_date, refused, sayable


@given(st.integers(0, 253402300799))
def test_a_date_is_the_one_of_the_calendar(moment: int) -> None:
    expected = datetime.fromtimestamp(moment, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert http_date(moment) == expected.replace(expected.split()[3], expected.split()[3].rjust(4, "0"), 1)


@pytest.mark.parametrize("moment", [0, 951782399, 951782400, 951868800, 1709164800, 1709251199, 4107542400, 68169600.9])
def test_leap_days_are_right(moment: float) -> None:
    assert http_date(moment) == formatdate(int(moment), usegmt=True)


def test_a_moment_beyond_the_calendar_is_cut() -> None:
    assert http_date(-1e12) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert http_date(1e15) == "Fri, 31 Dec 9999 23:59:59 GMT"


@given(st.text())
def test_whatever_is_said_stays_in_its_character_set(text: str) -> None:  # RFC6749-4.1.2.1-06, RFC6750-3-03, RFC6750-3-04
    assert all(" " <= one <= "~" and one not in '"\\' for one in sayable(text))
    _, value = challenge(error="invalid_token", error_description=text)
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 6
    body = refused(Refusal("invalid_request", text), "rfc6749").body
    assert body.isascii()
