import calendar
import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.made import NOW, TEXTS, fuzz, responses
from tropipay_oauth._values.http import Headers
from tropipay_oauth._wire.fields import (
    Challenge,
    bearer_challenge,
    clock_offset,
    http_date,
    may_be_json,
    media_type,
    retry_after,
)

EXAMPLE = 784111777.0  # RFC 9110 §5.6.7
DATES = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31))


# -- Dates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        " Sun, 06 Nov 1994 08:49:37 GMT\t",
    ],
)
def test_an_http_date_is_read_in_each_of_its_three_forms(text: str) -> None:
    assert http_date(text) == EXAMPLE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Wed, 31 Dec 1969 23:59:59 GMT", -1.0),
        ("Tue, 29 Feb 2000 00:00:00 GMT", 951782400.0),
        ("Thu, 29 Feb 2024 23:59:60 GMT", 1709251200.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799.0),
        ("Wed Nov 16 08:49:37 1994", 784975777.0),
        ("Wednesday, 31-Dec-70 23:59:59 GMT", 3187295999.0),
        ("Thursday, 01-Jan-71 00:00:00 GMT", 31536000.0),
    ],
)
def test_dates_at_the_edges(text: str, seconds: float) -> None:
    assert http_date(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "0", "1741987517", "2025-03-14T20:05:17Z", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC"),
        *("Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT"),
        *("Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 2023 00:00:00 GMT"),
        *("Thu, 29 Feb 1900 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT"),
        *("Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 GMT\n", "Sun, 06 Nov 19940 08:49:37 GMT"),
        *(
            "Sun Nov 6 08:49:37 1994",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sun, ٠٦ Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
        ),
    ],
)
def test_what_is_no_http_date_is_none(text: str) -> None:
    assert http_date(text) is None


def test_a_year_of_two_digits_is_never_more_than_fifty_years_ahead() -> None:
    assert http_date("Sunday, 06-Nov-94 08:49:37 GMT", now=4_000_000_000.0) == 3939871777.0  # in 2096 it is 2094
    assert http_date("Sunday, 06-Nov-94 08:49:37 GMT", now=NOW) == EXAMPLE


@fuzz
@given(DATES)
def test_every_date_of_the_calendar_is_read_in_all_forms(moment: datetime.datetime) -> None:
    moment = moment.replace(microsecond=0)
    seconds = float(calendar.timegm(moment.timetuple()))
    day, month = calendar.day_abbr[moment.weekday()], calendar.month_abbr[moment.month]
    assert http_date(f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT") == seconds
    assert http_date(f"{day} {month} {moment.day:2} {moment:%H:%M:%S} {moment.year:04}") == seconds
    if 1971 <= moment.year <= 2069:
        name = calendar.day_name[moment.weekday()]
        assert http_date(f"{name}, {moment.day:02}-{month}-{moment.year % 100:02} {moment:%H:%M:%S} GMT") == seconds


@pytest.mark.parametrize(
    ("headers", "offset"),
    [
        ([], None),
        ([("Date", "Sun, 06 Nov 1994 08:49:37 GMT")], 7.0),
        ([("date", "Sunday, 06-Nov-94 08:49:37 GMT")], 7.0),
        ([("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Age", "0")], None),
        ([("Date", "Sun, 06 Nov 1994 08:49:37 GMT")] * 2, None),
        ([("Date", "yesterday")], None),
    ],
)
def test_the_date_tells_how_far_the_server_s_clock_is_ahead(headers: list[tuple[str, str]], offset: float | None) -> None:
    assert clock_offset(Headers(headers), EXAMPLE - 7) == offset


# -- Waiting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT"}, 60.0),
        ({"Retry-After": "Sunday, 06-Nov-94 08:50:37 GMT"}, 60.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:48:37 GMT"}, 0.0),
        ({"Retry-After": "1000000000"}, 1e9),
        ({"Retry-After": "9" * 30}, 1e9),
        ({"Retry-After": "9" * 5000}, 1e9),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 1e9),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "5"}, None),
        ({"Retry-After": "7", "X-RateLimit-Reset": "5"}, 7.0),
        ({"X-RateLimit-Reset": "5"}, 5.0),
        ({"X-RateLimit-Reset": "-5"}, 0.0),
        ({"X-RateLimit-Reset": "1741900030"}, 1741900030.0 - EXAMPLE),
        ({"X-RateLimit-Reset": "1741900030000"}, 1741900030.0 - EXAMPLE),
        ({"X-RateLimit-Reset": "999999999999"}, 1e9),
        ({"X-RateLimit-Reset": "later"}, None),
    ],
)
def test_how_long_the_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(Headers(headers), server_now=EXAMPLE) == seconds


def test_a_reset_that_has_passed_asks_for_nothing() -> None:
    assert retry_after(Headers({"X-RateLimit-Reset": "1741899999"}), server_now=NOW) == 0.0
    assert retry_after(Headers({"X-RateLimit-Reset": "1741900030000"}), server_now=NOW) == 30.0


# -- Media type ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "may_be"),
    [
        ([], "", True),
        (["application/json"], "application/json", True),
        (["Application/JSON; charset=UTF-8"], "application/json", True),
        (["application/problem+json"], "application/problem+json", True),
        (["application/json", "application/json;q=1"], "application/json", True),
        (["text/html"], "text/html", False),
        (["application/jsonp"], "application/jsonp", False),
        (["text/html; a=application/json"], "text/html", False),
        (["text/html", "application/json"], "text/html, application/json", False),
        (["text/html", "application/x+json"], "text/html, application/x+json", False),
        ([";charset=utf-8"], "", True),
    ],
)
def test_the_media_type_is_told_without_case_and_parameters(values: list[str], kind: str, may_be: bool) -> None:
    headers = Headers([("Content-Type", value) for value in values])
    assert media_type(headers) == kind
    assert may_be_json(headers) is may_be


# -- The Bearer challenge ------------------------------------------------------------------------------------------

INVALID = Challenge(error="invalid_token")


@pytest.mark.parametrize(
    ("values", "challenge"),
    [
        ([], None),
        (["Bearer"], Challenge()),
        (["bearer"], Challenge()),
        (['Bearer realm="example"'], Challenge(realm="example")),
        (
            ['Bearer realm="example", error="invalid_token", error_description="The access token expired"'],
            Challenge(realm="example", error="invalid_token", error_description="The access token expired"),
        ),
        (
            ['Basic realm="a, b", bearer error="invalid_token", scope="x y"'],
            Challenge(error="invalid_token", scope=("x", "y")),
        ),
        (['BEARER ERROR="invalid_token"'], INVALID),
        (["Bearer error=invalid_token"], INVALID),
        (['Bearer error = "invalid_token"'], INVALID),
        (['Bearer\terror="invalid_token"'], INVALID),
        (['Bearer   error="invalid_token" ,, x=y,'], INVALID),
        (['Bearer error="invalid_token", Basic realm="b"'], INVALID),
        (["Negotiate YWJj==, Bearer error=invalid_token"], INVALID),
        (["Negotiate, Bearer error=invalid_token"], INVALID),
        (['Digest realm="Bearer error=x", nonce="a\\"b", Bearer error=invalid_token'], INVALID),
        (['Bearer realm="a \\"b\\" \\\\c", error=x'], Challenge(realm='a "b" \\c', error="x")),
        (['Bearer realm="Basic realm=x, y"'], Challenge(realm="Basic realm=x, y")),
        (["Bearer abc=="], Challenge()),
        (['Bearer scope="  a   b "'], Challenge(scope=("a", "b"))),
        (['Basic realm="x"', 'Bearer error="invalid_token"'], INVALID),
        (['Basic realm="x', 'Bearer error="invalid_token"'], INVALID),
        (["Bearer error=a", "Bearer error=b"], Challenge(error="a")),
        (["Bearer error=a, Bearer error=b"], Challenge(error="a")),
        (['Bearer error="invalid_token", error="x"'], None),
        (['Bearer error="invalid_token", ERROR=invalid_token'], None),
        (['Bearer foo="1", foo="2"'], None),
        (['Bearer error="invalid_token'], None),
        (['Bearer error="invalid_token" x'], None),
        (["Bearer error=invalid token"], None),
        (['Bearer "invalid_token"'], None),
        (['error="invalid_token"'], None),
        (['error="invalid_token", Bearer'], None),
        (["Bearer error="], Challenge()),
        (["Bearer error=x=y"], None),
        (["Bearer \xe9"], None),
        (["\xe9 Bearer"], None),
        ([""], None),
        ([",,,"], None),
        (["Basic"], None),
        (["Bearers error=x"], None),
    ],
)
def test_a_bearer_challenge_is_found(values: list[str], challenge: Challenge | None) -> None:
    assert bearer_challenge(Headers([("WWW-Authenticate", value) for value in values])) == challenge


@pytest.mark.parametrize("value", ['"' * 50_001, "a " * 50_000, 'Bearer a="' + "\\" * 50_001, "=," * 50_000, "a=b," * 50_000])
def test_a_long_malformed_challenge_is_given_up(value: str) -> None:
    assert bearer_challenge(Headers({"WWW-Authenticate": value})) is None


@fuzz
@given(st.dictionaries(st.sampled_from(["realm", "error", "error_description", "scope"]), TEXTS), st.booleans())
def test_quoted_attributes_are_read_back(members: dict[str, str], beside: bool) -> None:
    escaped = {name: re.sub(r'([\\"])', r"\\\1", value) for name, value in members.items()}
    quoted = ", ".join(f'{name}="{value}"' for name, value in escaped.items())
    text = f'Basic realm="x", Bearer {quoted}' if beside else f"Bearer {quoted}"
    scope = tuple(name for name in members.pop("scope", "").split(" ") if name)
    assert bearer_challenge(Headers({"WWW-Authenticate": text})) == Challenge(**members, scope=scope)


@fuzz
@given(responses(), st.text(), st.floats(0, 1e11))
def test_any_header_field_is_read_or_none(response: object, text: str, now: float) -> None:
    headers: Headers = response.headers  # type: ignore[attr-defined]  # a response
    wish, offset = retry_after(headers, server_now=now), clock_offset(headers, now)
    assert wish is None or 0 <= wish <= 1e9
    assert offset is None or abs(offset) < 1e12
    assert http_date(text) is None or re.search("[0-9]", text)
    challenge = bearer_challenge(headers)
    assert challenge is None or isinstance(challenge, Challenge)
    assert media_type(headers) == media_type(headers).lower()
