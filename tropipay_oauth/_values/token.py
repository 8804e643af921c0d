"""An access token with all that is known of it: its scope, when it ends, and how that is known."""

import json
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from .errors import ConfigurationError
from .scope import Scope
from .secret import Opaque, Secret


class GrantType(StrEnum):
    """The three grants, by the name that goes onto the wire (RFC 6749 §4.4.2, §4.1.3, §6)."""

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"


class ExpirySource(StrEnum):
    """Which rule told when a token ends."""

    LIFETIME_SECONDS = "expires_in_lifetime"
    """`expires_in` below 10^9: seconds from now (RFC 6749 §5.1)."""
    ABSOLUTE_SECONDS = "expires_in_absolute_seconds"
    """`expires_in` from 10^9: Unix time in seconds (what TropiPay sends)."""
    ABSOLUTE_MILLISECONDS = "expires_in_absolute_milliseconds"
    """`expires_in` from 10^12: Unix time in milliseconds."""
    DURATION = "expires_in_duration"
    """`expires_in` as digits with a unit: `1d`."""
    JWT_EXP = "jwt_exp"
    """No `expires_in`; the access token's own `exp`, unverified, where the provider allows it."""
    UNKNOWN = "unknown"
    """Nothing usable: the token is used until a resource server refuses it."""


@frozen(kw_only=True)
class Expiry:
    """When a token ends: `at` is Unix time in seconds by the server's clock, or None when unknown.

    `clamped` tells that the server named a moment beyond the provider's maximum lifetime.
    """

    at: float | None = None
    source: ExpirySource = ExpirySource.UNKNOWN
    clamped: bool = False


def _to_secret(value: "Secret | str | None") -> Secret | None:
    return value if value is None or isinstance(value, Secret) else Secret(value)


def _to_access_token(value: "Secret | str") -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


@frozen(kw_only=True)
class Token(Opaque):
    """A token response, understood.

    Args:
        access_token: hidden; presented as `Authorization: Bearer …`.
        refresh_token: hidden; None when the server gave none.
        scope: what the response named, None when it named nothing.
        requested: what was asked for.
        issued_at: Unix seconds by the server's clock.
        expiry: when it ends, and how that is known.
        grant_type: the grant it came from.
    """

    access_token: Secret = field(converter=_to_access_token)
    refresh_token: Secret | None = field(default=None, converter=_to_secret)
    scope: Scope | None = None
    requested: Scope = Scope()
    issued_at: float
    expiry: Expiry = Expiry()
    grant_type: GrantType

    @property
    def granted(self) -> Scope:
        """What the token may do: the scope of the response, else the scope requested (RFC 6749 §5.1)."""
        return self.requested if self.scope is None else self.scope

    @property
    def missing(self) -> Scope:
        """What was asked for and not granted."""
        return self.requested - self.granted

    @property
    def extra(self) -> Scope:
        """What was granted without being asked for."""
        return self.granted - self.requested

    def ends_by(self, server_now: float) -> bool:
        """Whether it is known to have ended at this moment (Unix seconds by the server's clock)."""
        return self.expiry.at is not None and server_now >= self.expiry.at

    def reveal_json(self) -> str:
        """The token as JSON with its secrets in clear, for a store. `from_json` reads it back."""
        return json.dumps(token_to_members(self))

    @classmethod
    def from_json(cls, text: str) -> "Token":
        """The token that `reveal_json` wrote.

        Raises:
            ConfigurationError: the text is not such a JSON.
        """
        try:
            return token_from_members(json.loads(text))
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise ConfigurationError("this is not a token that reveal_json() wrote", code="token_json") from None


def token_to_members(token: Token) -> dict[str, Any]:
    """The token as JSON members, secrets in clear."""
    return {
        "access_token": token.access_token.reveal(),
        "refresh_token": None if token.refresh_token is None else token.refresh_token.reveal(),
        "scope": None if token.scope is None else str(token.scope),
        "requested": str(token.requested),
        "issued_at": token.issued_at,
        "expires_at": token.expiry.at,
        "expiry_source": token.expiry.source.value,
        "expiry_clamped": token.expiry.clamped,
        "grant_type": token.grant_type.value,
    }


def token_from_members(members: dict[str, Any]) -> Token:
    """The reverse of `token_to_members`; any of ValueError, LookupError, TypeError, AttributeError on other input."""
    expires_at = members["expires_at"]
    return Token(
        access_token=Secret(members["access_token"]),
        refresh_token=None if members["refresh_token"] is None else Secret(members["refresh_token"]),
        scope=None if members["scope"] is None else Scope.of(members["scope"]),
        requested=Scope.of(members["requested"]),
        issued_at=float(members["issued_at"]),
        expiry=Expiry(
            at=None if expires_at is None else float(expires_at),
            source=ExpirySource(members["expiry_source"]),
            clamped=bool(members["expiry_clamped"]),
        ),
        grant_type=GrantType(members["grant_type"]),
    )
