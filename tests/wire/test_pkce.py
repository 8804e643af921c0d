import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised
from tests.wire.made import fuzz
from tropipay_oauth._values.errors import ConfigurationError
from tropipay_oauth._wire.pkce import challenge_s256, check_verifier, verifier_from_octets

APPENDIX_B = bytes(
    [
        *(116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186),
        *(22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121),
    ]
)


def test_the_vector_of_the_standard() -> None:
    verifier = verifier_from_octets(APPENDIX_B).reveal()
    assert verifier == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
    assert challenge_s256(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_vector_of_tropipay() -> None:
    assert challenge_s256("1234-abcd-1234") == "N2_wPQ7X9iP5bKXcw05rqHw1S7OwFuU4Nqi6ccr_LEs"
    with pytest.raises(ConfigurationError, match="43 to 128"):
        check_verifier("1234-abcd-1234")  # its demo's own, and too short to be safe


@pytest.mark.parametrize("text", ["a" * 43, "a" * 128, "-._~" * 11, "AZaz09-._~" * 5])
def test_a_verifier_is_taken(text: str) -> None:
    check_verifier(text)


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 129, "a" * 43 + "\n", "+" * 43, "=" * 43, "é" * 43, "a b" * 20, "\ud800" * 43, None, b"a" * 43]
)
def test_what_is_no_verifier_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_verifier(text)
    assert refused.value.code == "code_verifier"


@pytest.mark.parametrize("octets", [b"", b"x" * 31, b"x" * 97, "x" * 32, None, bytearray(32)])
def test_too_few_or_too_many_octets_are_refused(octets: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"os\.urandom\(32\)"):
        verifier_from_octets(octets)


def test_a_refused_verifier_is_not_shown() -> None:
    assert not leaks(raised(lambda: check_verifier(CANARY)))
    assert not leaks(raised(lambda: verifier_from_octets(CANARY.encode())))


@fuzz
@given(st.binary(min_size=32, max_size=96))
def test_octets_make_a_verifier_and_its_challenge(octets: bytes) -> None:
    verifier = verifier_from_octets(octets).reveal()
    check_verifier(verifier)
    assert base64.urlsafe_b64decode(verifier + "=" * (-len(verifier) % 4)) == octets
    challenge = challenge_s256(verifier)
    assert re.fullmatch("[A-Za-z0-9_-]{43}", challenge)
    assert base64.urlsafe_b64decode(challenge + "=") == hashlib.sha256(verifier.encode()).digest()


@fuzz
@given(st.text())
def test_any_text_has_a_challenge(text: str) -> None:
    assert len(challenge_s256(text)) == 43
