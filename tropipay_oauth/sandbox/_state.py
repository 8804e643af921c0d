"""What the sandbox remembers: clients, consents in progress, codes, and the families of tokens that came of each grant.

What belongs here: records and looking them up. What does not: OAuth's decisions. Nothing here holds a code or a token
in clear: they are found by their SHA-256 (RFC 9700 §4.9.3, RFC 6819 §5.1.4.1.3).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from itertools import count
from typing import Any

from attrs import Factory, define, frozen

from .._values.http import HTTPRequest
from .._values.secret import Entropy
from ._behaviour import Behaviour
from ._clients import RegisteredClient

_MOST_PENDING = 1000
PENDING_LIFETIME = 600.0


def digest(text: str) -> bytes:
    """Under which a code or token is remembered."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def base64url(octets: bytes) -> str:
    """Base64url without padding (RFC 7636 appendix A)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Mint:
    """Makes values that nobody guesses: 256 bits each, derived from the entropy under a label and a counter."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._counters: dict[str, count[int]] = {}

    def octets(self, label: str) -> bytes:
        """32 bytes that were never given out before."""
        number = next(self._counters.setdefault(label, count()))
        return self._entropy.derive(f"sandbox {label}", number)

    def text(self, label: str) -> str:
        """43 characters that were never given out before."""
        return base64url(self.octets(label))

    def jwt(self, claims: dict[str, Any]) -> str:
        """A JWT signed with HS256 under the sandbox's own key (RFC 7515 appendix A.1)."""
        parts = ({"alg": "HS256", "typ": "JWT"}, claims)
        signed = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        key = self._entropy.derive("sandbox jwt key")
        return f"{signed}.{base64url(hmac.digest(key, signed.encode(), 'sha256'))}"


@frozen(kw_only=True, repr=False)
class AuthorizationRequest:
    """What an authorization request asked for, after every check."""

    client: RegisteredClient
    redirect_uri: str
    redirect_was_sent: bool
    scope: tuple[str, ...]
    state: str | None
    challenge: str | None


@define(kw_only=True)
class Pending:
    """A consent page that was shown."""

    request: AuthorizationRequest
    until: float


@define(kw_only=True)
class Family:
    """Everything that came of one grant: it lives and dies together (RFC 9700 §4.14.2)."""

    client_id: str
    scope: tuple[str, ...]
    alive: bool = True


@define(kw_only=True)
class Code:
    """An authorization code; `family` is what it was exchanged for."""

    request: AuthorizationRequest
    until: float
    family: Family | None = None


@define(kw_only=True)
class AccessToken:
    """An access token."""

    family: Family
    scope: tuple[str, ...]
    until: float
    revoked: bool = False


@define(kw_only=True)
class RefreshToken:
    """A refresh token; spent once it was rotated. `until` moves on with each use."""

    family: Family
    until: float
    spent: bool = False


@define(kw_only=True)
class Failures:
    """Failed logins of one client id, in a row."""

    number: int = 0
    locked_until: float = 0.0


@define(kw_only=True, repr=False)
class World:
    """All that the endpoints share."""

    mint: Mint
    origin: str
    behaviour: Behaviour
    clients: dict[str, RegisteredClient] = Factory(dict)
    pending: dict[bytes, Pending] = Factory(dict)
    codes: dict[bytes, Code] = Factory(dict)
    access_tokens: dict[bytes, AccessToken] = Factory(dict)
    refresh_tokens: dict[bytes, RefreshToken] = Factory(dict)
    failures: dict[str, Failures] = Factory(dict)
    payments: list[str] = Factory(list)
    refused_good_tokens: int = 0

    def keep_pending(self, form_token: str, pending: Pending, now: float) -> None:
        """Remember a consent page, and forget those that have ended or are too many."""
        for key in [key for key, one in self.pending.items() if one.until <= now]:
            del self.pending[key]
        while len(self.pending) >= _MOST_PENDING:
            del self.pending[next(iter(self.pending))]
        self.pending[digest(form_token)] = pending

    def families(self) -> Iterable[Family]:
        """Every family that has a token."""
        yield from (token.family for token in self.access_tokens.values())
        yield from (token.family for token in self.refresh_tokens.values())

    def forget_client(self, client_id: str) -> None:
        """The client is gone, and so is all it was given."""
        del self.clients[client_id]
        for family in self.families():
            family.alive = family.alive and family.client_id != client_id


@define(kw_only=True, repr=False)
class Call:
    """One request on its way through an endpoint, and what the log will tell of it. `now` is the server's clock."""

    request: HTTPRequest
    path: str
    query: str
    now: float
    route: str = ""
    grant: str | None = None
    client_id: str | None = None
    error: str | None = None
    token: str | None = None

    def present(self, token: str) -> bytes:
        """Note which token was presented, by the beginning of its hash; its digest."""
        found = digest(token)
        self.token = found.hex()[:8]
        return found
