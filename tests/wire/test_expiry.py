import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.made import JSON_VALUES, NOW, fuzz
from tropipay_oauth._values.token import Expiry, ExpirySource
from tropipay_oauth._wire.expiry import read_expiry

YEAR = 365 * 86400.0
S = ExpirySource


def read(value: object = None, *, present: bool = True, token: str = "opaque", reads_jwt: bool = True, **given: float) -> Expiry:  # noqa: S107  # no password
    limits = {"server_now": NOW, "max_lifetime": YEAR} | given
    return read_expiry(value, present=present, access_token=token, reads_jwt=reads_jwt, **limits)


def jwt(claims: Any, *, raw: bytes | None = None) -> str:
    payload = json.dumps(claims).encode() if raw is None else raw
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    ("value", "at", "source"),
    [
        (1741987517, 1741987517.0, S.ABSOLUTE_SECONDS),  # v3, and what the sandbox really returns
        (1629397439, 1629397439.0, S.ABSOLUTE_SECONDS),  # v2: long past
        (3600, NOW + 3600, S.LIFETIME_SECONDS),
        (86400, NOW + 86400, S.LIFETIME_SECONDS),
        ("1d", NOW + 86400, S.DURATION),
        ("3600", NOW + 3600, S.LIFETIME_SECONDS),
        ("1741987517", 1741987517.0, S.ABSOLUTE_SECONDS),
        (1741987517000, 1741987517.0, S.ABSOLUTE_MILLISECONDS),
        ("1741987517123", 1741987517.123, S.ABSOLUTE_MILLISECONDS),
        (1741987517.5, 1741987517.5, S.ABSOLUTE_SECONDS),
        (1e9, 1e9, S.ABSOLUTE_SECONDS),
        (1e12, 1e9, S.ABSOLUTE_MILLISECONDS),
        (0, NOW, S.LIFETIME_SECONDS),
        (0.0, NOW, S.LIFETIME_SECONDS),
        (-0.0, NOW, S.LIFETIME_SECONDS),
        ("0", NOW, S.LIFETIME_SECONDS),
        (1.5, NOW + 1.5, S.LIFETIME_SECONDS),
        ("1.5", NOW + 1.5, S.LIFETIME_SECONDS),
        ("007", NOW + 7, S.LIFETIME_SECONDS),
        ("90s", NOW + 90, S.DURATION),
        ("15m", NOW + 900, S.DURATION),
        ("2h", NOW + 7200, S.DURATION),
        ("2w", NOW + 1209600, S.DURATION),
        ("0d", NOW, S.DURATION),
    ],
)
def test_each_form_of_expires_in_is_understood(value: object, at: float, source: ExpirySource) -> None:
    assert read(value) == Expiry(at=at, source=source)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (1e9 - 1, S.LIFETIME_SECONDS),
        (4102444800, S.ABSOLUTE_SECONDS),
        (10**30, S.ABSOLUTE_MILLISECONDS),
        (10**400, S.ABSOLUTE_MILLISECONDS),
        (1.7976931348623157e308, S.ABSOLUTE_MILLISECONDS),
        ("9" * 32, S.ABSOLUTE_MILLISECONDS),
        ("1000d", S.DURATION),
        ("9" * 32 + "w", S.DURATION),
    ],
)
def test_a_longer_life_than_the_provider_allows_is_cut(value: object, source: ExpirySource) -> None:
    assert read(value) == Expiry(at=NOW + YEAR, source=source, clamped=True)


def test_the_longest_life_itself_is_not_cut() -> None:
    assert read(60, max_lifetime=60.0) == Expiry(at=NOW + 60, source=S.LIFETIME_SECONDS)
    assert read("61s", max_lifetime=60.0) == Expiry(at=NOW + 60, source=S.DURATION, clamped=True)


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, -1, -3600.5, float("nan"), float("inf"), float("-inf"), -(10**400), [], [3600], {}, {"a": 1}, b"3600"),
        *("", " ", " 60", "60 ", "60\n", "-1", "+60", "1e3", "0x10", "NaN", "Infinity", "1_000", "٣٦٠٠", "1.", ".5", "true"),
        *("1D", "1 d", "1.5d", "d", "1y", "1mo", "1d1h", "P1D", "-1d", "9" * 33, "9" * 33 + "d", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ],
)
def test_what_cannot_be_used_is_unknown_even_beside_a_jwt(value: object) -> None:
    assert read(value, token=jwt({"exp": NOW + 60})) == Expiry()


@pytest.mark.parametrize("present", [True, False])
def test_without_expires_in_the_jwt_is_looked_at(present: bool) -> None:
    claims = {"credentialName": "shop", "id": 7, "iat": 1741901117, "exp": 1741987517}
    assert read(present=present, token=jwt(claims)) == Expiry(at=1741987517.0, source=S.JWT_EXP)
    assert read(present=present, token=jwt({"exp": 1741987517000})) == Expiry(at=1741987517.0, source=S.JWT_EXP)
    assert read(present=present, token=jwt({"exp": 1741987517.5})) == Expiry(at=1741987517.5, source=S.JWT_EXP)
    assert read(present=present, token=jwt({"exp": 1e14})) == Expiry(at=NOW + YEAR, source=S.JWT_EXP, clamped=True)
    assert read(present=present, token=jwt(claims), reads_jwt=False) == Expiry()


def test_a_value_without_its_member_is_not_believed() -> None:
    assert read(3600, present=False) == Expiry()


BAD_EXP: list[Any] = [None, True, "1741987517", 0, -1, 3600, 999_999_999, 1e15, 1e300, [1741987517]]


@pytest.mark.parametrize(
    "token",
    [
        *(
            "",
            "opaque",
            "a.b",
            "..",
            "a..c",
            "a.b.c",
            "a.b.c.d",
            "a.!!!.c",
            "a.e30=.c",
            "a.e30.c",
            "a.eyJ.c",
            "a.e3 0.c",
            "a.é.c",
        ),
        *map(jwt, ([], "exp", 1741987517, None)),
        *(jwt({"exp": exp}) for exp in BAD_EXP),
        *(jwt(None, raw=raw) for raw in (b'{"exp":NaN}', b'{"exp":1e999}', b'{"exp":1741987517', b"\xff", b"[" * 4000)),
        jwt(None, raw=b'{"exp":1741987517,"exp":1741987518}'),
        jwt({"exp": 1741987517, "x": "y" * 70_000}),
        "a." + "A" * 5 + ".c",
    ],
)
def test_what_is_no_jwt_with_a_sane_exp_is_unknown(token: str) -> None:
    assert read(present=False, token=token) == Expiry()


def test_base64_of_the_other_alphabet_is_no_jwt() -> None:
    payload = base64.b64encode(b'{"exp":1741987517,"~":"?>?>"}').decode()
    assert "+" in payload or "/" in payload
    assert read(present=False, token=f"a.{payload.rstrip('=')}.c") == Expiry()


@fuzz
@given(
    JSON_VALUES | st.from_regex(r"[0-9]{0,20}[smhdw.]?[0-9]?"),
    st.booleans(),
    st.text(max_size=40) | JSON_VALUES.map(lambda claims: jwt({"exp": claims})),
    st.floats(0, 1e11),
    st.floats(1, 100 * YEAR),
)
def test_any_value_gives_no_end_or_one_within_bounds(
    value: Any, present: bool, token: str, server_now: float, max_lifetime: float
) -> None:
    expiry = read(value, present=present, token=token, server_now=server_now, max_lifetime=max_lifetime)
    if expiry.at is None:
        assert expiry == Expiry()
    else:
        assert 0 <= expiry.at <= server_now + max_lifetime
        assert expiry.source is not S.UNKNOWN
        assert not expiry.clamped or expiry.at == server_now + max_lifetime
