"""An access token with all that is known of it: its scope, when it ends, and how that is known."""

import json
import re
from enum import StrEnum
from typing import Any

from attrs import field, frozen, validators

from .checks import member, moment, optional_member, read_json
from .errors import ConfigurationError
from .scope import Scope
from .secret import Opaque, Secret, discreet, discreet_init, to_optional_secret, to_secret

_VSCHAR = re.compile(r"[ -~]+\Z")


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

    at: float | None = field(default=None, validator=validators.optional(moment))
    source: ExpirySource = ExpirySource.UNKNOWN
    clamped: bool = False


def _check_text(instance: object, attribute: Any, value: Any) -> None:
    if value is not None and not _VSCHAR.match(value.reveal()):
        raise ConfigurationError(
            f"{attribute.name} is empty or holds characters other than printable ASCII (RFC 6749 appendix A): "
            "take it as the server sent it",
            code="token_text",
        )


@discreet_init
@frozen(kw_only=True, getstate_setstate=False)
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

    Raises:
        ConfigurationError: a token that no header can carry, or a time that is no finite number.
    """

    access_token: Secret = field(converter=to_secret, validator=_check_text)
    refresh_token: Secret | None = field(default=None, converter=to_optional_secret, validator=_check_text)
    scope: Scope | None = None
    requested: Scope = field(default=Scope())
    issued_at: float = field(validator=moment)
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
    @discreet
    def from_json(cls, text: str) -> "Token":
        """The token that `reveal_json` wrote.

        Raises:
            ConfigurationError: the text is not such a JSON.
        """
        token = read_json(text, token_from_members)
        if token is None:
            raise ConfigurationError("this is not a token that reveal_json() wrote: pass that text unchanged", code="token_json")
        return token


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
    """The reverse of `token_to_members`; any of ValueError, LookupError, TypeError on other input."""
    scope = optional_member(members, "scope", str)
    return Token(
        access_token=members["access_token"],
        refresh_token=members["refresh_token"],
        scope=None if scope is None else Scope.of(scope),
        requested=Scope.of(member(members, "requested", str)),
        issued_at=members["issued_at"],
        expiry=Expiry(
            at=members["expires_at"],
            source=ExpirySource(members["expiry_source"]),
            clamped=member(members, "expiry_clamped", bool),
        ),
        grant_type=GrantType(members["grant_type"]),
    )
