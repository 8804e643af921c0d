"""Facts: what the adapter tells a machine, in the past tense. `now` is Unix time in seconds, never running backwards."""

from attrs import field, frozen

from .._values.errors import Delivery, StoreError
from .._values.http import HTTPResponse
from .._values.records import Record
from .._values.secret import Entropy, Opaque, Secret
from .._values.token import Token


@frozen(kw_only=True)
class AccessRequested:
    """A caller needs a usable access token."""

    now: float


@frozen(kw_only=True, getstate_setstate=False)
class BeginAuthorization(Opaque):
    """Start an authorization-code flow with 32 fresh bytes."""

    entropy: Entropy
    now: float


def _to_secret(value: Secret | str) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


@frozen(kw_only=True)
class CallbackReceived:
    """The browser came back to the redirect URI; `url` is the whole URL it asked for."""

    url: Secret = field(converter=_to_secret)
    now: float


@frozen(kw_only=True)
class AuthorizationGranted:
    """A finished code flow hands its token to the session."""

    token: Token
    now: float


@frozen(kw_only=True)
class ResponseReceived:
    """The reply to that exchange."""

    exchange: str
    response: HTTPResponse
    now: float


@frozen(kw_only=True)
class TransportFailed:
    """No reply; `delivery` tells whether the server may have seen the request. `reason` is for people."""

    exchange: str
    delivery: Delivery
    reason: str = "the transport failed"
    now: float


@frozen(kw_only=True)
class TokenRejected:
    """A resource server answered 401 to that very token."""

    access_token: Secret
    now: float


@frozen(kw_only=True)
class TokenAccepted:
    """A resource server took that very token. Tell it once per token; it ends the suspicion of a renewal loop."""

    access_token: Secret
    now: float


@frozen(kw_only=True)
class TimeReached:
    """The moment of `wake_at` has come."""

    now: float


@frozen(kw_only=True)
class RecordLoaded:
    """The store's answer to a load."""

    version: int
    record: Record
    now: float


@frozen(kw_only=True)
class RecordSwapped:
    """The compare-and-swap was done; `version` is the new one."""

    version: int
    now: float


@frozen(kw_only=True)
class SwapRefused:
    """The compare-and-swap was refused: somebody else was first."""

    now: float


@frozen(kw_only=True)
class StoreFailed:
    """The store failed. A swap may or may not have been applied."""

    error: StoreError
    now: float


@frozen(kw_only=True)
class RevocationRequested:
    """Give the token up, here and at the provider."""

    now: float


@frozen(kw_only=True)
class Close:
    """End; what may still arrive of value is waited for and stored first."""

    now: float


Fact = (
    AccessRequested
    | BeginAuthorization
    | CallbackReceived
    | AuthorizationGranted
    | ResponseReceived
    | TransportFailed
    | TokenRejected
    | TokenAccepted
    | TimeReached
    | RecordLoaded
    | RecordSwapped
    | SwapRefused
    | StoreFailed
    | RevocationRequested
    | Close
)
