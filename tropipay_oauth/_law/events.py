"""Events: what a machine tells observers. No event holds a secret, so each may be logged as it is.

`step` names the place in the protocol flow that TropiPay's integration page draws: request (A), grant (B and C),
token (D), access (E), resource (F), expiry, refresh (RFC 6749 figure 2, G and H); `note` is everything beside it.
"""

from enum import StrEnum
from typing import ClassVar

from attrs import frozen

from .._values.errors import TropiPayOAuthError
from .._values.scope import Scope
from .._values.token import Expiry, GrantType


class ExpiryReason(StrEnum):
    """How it was learned that a token ended."""

    CLOCK = "clock"
    REFUSED = "refused"


@frozen(kw_only=True)
class AuthorizationRequested:
    """Step A: an authorization is asked for, of the user or by the client's own credential."""

    step: ClassVar[str] = "request"
    grant_type: GrantType
    scope: Scope


@frozen(kw_only=True)
class GrantReceived:
    """Steps B and C: there is a grant, and it is presented to the token endpoint."""

    step: ClassVar[str] = "grant"
    grant_type: GrantType


@frozen(kw_only=True)
class TokenIssued:
    """Step D: an access token arrived."""

    step: ClassVar[str] = "token"
    grant_type: GrantType
    scope: Scope
    expiry: Expiry


@frozen(kw_only=True)
class TokenPresented:
    """Step E: the access token was presented to the API at `origin`."""

    step: ClassVar[str] = "access"
    origin: str


@frozen(kw_only=True)
class ResourceReceived:
    """Step F: the API answered."""

    step: ClassVar[str] = "resource"
    origin: str
    status: int


@frozen(kw_only=True)
class TokenExpired:
    """The access token ended, by the clock or by a refusal at step F."""

    step: ClassVar[str] = "expiry"
    reason: ExpiryReason


@frozen(kw_only=True)
class TokenRefreshed:
    """Steps G and H: a new access token took the place of an older one."""

    step: ClassVar[str] = "refresh"
    grant_type: GrantType
    scope: Scope
    expiry: Expiry


@frozen(kw_only=True)
class ExpiryInterpreted:
    """How the end of the new token was read from the response; `clock_offset` is server time minus ours, in seconds."""

    step: ClassVar[str] = "note"
    expiry: Expiry
    clock_offset: float


@frozen(kw_only=True)
class ScopeNarrowed:
    """The scope granted is not the scope requested."""

    step: ClassVar[str] = "note"
    missing: Scope
    extra: Scope


@frozen(kw_only=True)
class GrantFailed:
    """An attempt to get a token failed."""

    step: ClassVar[str] = "note"
    grant_type: GrantType
    error: TropiPayOAuthError


@frozen(kw_only=True)
class RetryScheduled:
    """The next attempt is not made before `at` (Unix seconds)."""

    step: ClassVar[str] = "note"
    at: float
    failures: int


@frozen(kw_only=True)
class TokenNotPersisted:
    """The store kept failing; the only copy of the new token is in this process. Mend the store now."""

    step: ClassVar[str] = "note"
    error: TropiPayOAuthError


@frozen(kw_only=True)
class InDoubt:
    """A request that consumes something was sent and its fate is unknown; it is not sent again."""

    step: ClassVar[str] = "note"
    error: TropiPayOAuthError


@frozen(kw_only=True)
class CallbackIgnored:
    """A stray hit on the redirect URI was refused; the flow still waits for the real one."""

    step: ClassVar[str] = "note"
    error: TropiPayOAuthError


@frozen(kw_only=True)
class TokenRevoked:
    """The token was given up here; `at_provider` tells whether the provider confirmed it (RFC 7009)."""

    step: ClassVar[str] = "note"
    at_provider: bool


@frozen(kw_only=True)
class RevocationFailed:
    """The token could not be given up, since the store kept failing: it may still be there."""

    step: ClassVar[str] = "note"
    error: TropiPayOAuthError


Event = (
    AuthorizationRequested
    | GrantReceived
    | TokenIssued
    | TokenPresented
    | ResourceReceived
    | TokenExpired
    | TokenRefreshed
    | ExpiryInterpreted
    | ScopeNarrowed
    | GrantFailed
    | RetryScheduled
    | TokenNotPersisted
    | InDoubt
    | CallbackIgnored
    | TokenRevoked
    | RevocationFailed
)
