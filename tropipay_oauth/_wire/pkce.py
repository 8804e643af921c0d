"""Proof Key for Code Exchange, S256 only (RFC 7636). `plain` does not exist here."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

from .._values.errors import ConfigurationError
from .._values.secret import Secret

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")
_MIN_OCTETS = 32


def verifier_from_octets(octets: bytes) -> Secret:
    """The code verifier that `octets` (at least 32, random) stand for: base64url without padding (RFC 7636 §4.1)."""
    if len(octets) < _MIN_OCTETS:
        raise ConfigurationError(f"a code verifier is made of at least {_MIN_OCTETS} random octets (RFC 7636 §4.1)")
    return Secret(check_verifier(urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")))


def check_verifier(verifier: str) -> str:
    """`verifier` itself if it has 43 to 128 unreserved characters (RFC 7636 §4.1).

    Raises:
        ConfigurationError: TropiPay's own demo sends 14 characters; that can be guessed.
    """
    if not _VERIFIER.match(verifier):
        raise ConfigurationError("a code verifier has 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636 §4.1)")
    return verifier


def challenge_s256(verifier: str) -> str:
    """BASE64URL(SHA256(ASCII(verifier))) without padding (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
