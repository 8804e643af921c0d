"""Proof Key for Code Exchange, S256 only (RFC 7636)."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

from .._values.errors import ConfigurationError
from .._values.secret import Secret, discreet

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


@discreet
def verifier_from_octets(octets: bytes) -> Secret:
    """A code verifier made of 32 to 96 random octets, by base64url without padding (RFC 7636 §4.1).

    Raises:
        ConfigurationError: too few octets to be unguessable, or more than a verifier may hold.
    """
    if not isinstance(octets, bytes) or not 32 <= len(octets) <= 96:
        raise ConfigurationError("a code verifier is made of 32 to 96 random octets: pass os.urandom(32)", code="code_verifier")
    return Secret(_base64url(octets))


@discreet
def check_verifier(text: str) -> None:
    """Refuse what is no code verifier (RFC 7636 §4.1).

    Raises:
        ConfigurationError: other than 43 to 128 unreserved characters.
    """
    if not isinstance(text, str) or not _VERIFIER.match(text):
        raise ConfigurationError(
            "a code verifier has 43 to 128 characters out of A-Z a-z 0-9 - . _ ~: make it of 32 random octets",
            code="code_verifier",
        )


def challenge_s256(verifier: str) -> str:
    """`BASE64URL(SHA256(ASCII(code_verifier)))` (RFC 7636 §4.2)."""
    return _base64url(sha256(verifier.encode("utf-8", "surrogatepass")).digest())


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
