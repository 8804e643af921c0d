import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.wire.made import fuzz
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._wire.redaction import HIDDEN, conceal

SECRET = 'pass+word/"\\<é>~0123456789'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        quote(SECRET, safe="").replace("%2B", "%2b").replace("%2F", "%2f").replace("%C3%A9", "%c3%a9"),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(written: str) -> None:
    assert conceal(f"bad client_secret <{written}> given", [Secret(SECRET)]) == f"bad client_secret <{HIDDEN}> given"


@pytest.mark.parametrize("before", ["", "a", "ab", "the-client:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_in_base64_is_hidden_at_any_alignment(before: str, encode: object) -> None:
    header = encode(f"{before}{SECRET}".encode()).decode()  # type: ignore[operator]  # one of the two above
    left = conceal(f"Basic {header}", [Secret(SECRET)]).replace(HIDDEN, "")
    assert len(left.removeprefix("Basic ")) <= len(header) - len(SECRET)


def test_a_part_of_a_secret_is_hidden() -> None:
    assert conceal("token eyJhbGci... is bad", [Secret("eyJhbGciOiJIUzI1NiJ9.e30.x")]) == f"token {HIDDEN}... is bad"


def test_short_secrets_are_hidden_as_a_whole_and_empty_ones_are_none() -> None:
    assert conceal("code abc is bad", [Secret("abc"), Secret("")]) == f"code {HIDDEN} is bad"
    assert conceal("", [Secret("abc")]) == ""
    assert conceal("abc", []) == "abc"


def test_what_replaces_a_secret_is_not_replaced_again() -> None:
    assert conceal("a b", [Secret("a"), Secret("hidden"), Secret("d")]) == f"{HIDDEN} b"


def test_a_secret_is_found_wherever_the_text_would_be_cut() -> None:
    for before in range(2030, 2049):
        assert SECRET[:8] not in conceal("." * before + SECRET, [Secret(SECRET)])


@fuzz
@given(st.text(max_size=60), st.text(min_size=1, max_size=30), st.text(max_size=60))
def test_no_text_shows_a_secret(before: str, secret: str, after: str) -> None:
    assume(secret not in HIDDEN)
    shown = conceal(before + secret + after, [Secret(secret)])
    assert HIDDEN in shown
    assert secret not in shown.replace(HIDDEN, "\0") or secret == "\0"
