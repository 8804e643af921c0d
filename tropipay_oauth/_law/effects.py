"""Effects: what a machine asks of the adapter, in the imperative. Perform them in order and report what came of them."""

from attrs import frozen

from .._values.errors import TropiPayOAuthError
from .._values.http import HTTPRequest
from .._values.records import Record
from .._values.token import Token


@frozen(kw_only=True)
class SendRequest:
    """Perform this HTTP request; report `ResponseReceived` or `TransportFailed` with this exchange id."""

    exchange: str
    request: HTTPRequest


@frozen
class LoadRecord:
    """Load the record of the session's key; report `RecordLoaded` or `StoreFailed`."""


@frozen(kw_only=True)
class SwapRecord:
    """Compare-and-swap the record; report `RecordSwapped`, `SwapRefused` or `StoreFailed`."""

    expected_version: int
    record: Record


@frozen(kw_only=True)
class ReleaseCallers:
    """Give this token to everybody who waits. Nobody may be waiting: then nothing is to be done."""

    token: Token


@frozen(kw_only=True)
class RefuseCallers:
    """Raise this error in everybody who waits. Nobody may be waiting: then nothing is to be done."""

    error: TropiPayOAuthError


@frozen(kw_only=True, repr=False)
class RedirectUser:
    """Send the resource owner's browser to this URL (RFC 6749 §4.1.1)."""

    url: str

    def __repr__(self) -> str:
        return f"RedirectUser({self.url.partition('?')[0]})"


Effect = SendRequest | LoadRecord | SwapRecord | ReleaseCallers | RefuseCallers | RedirectUser
