"""Facts: what an adapter tells a machine. See the table in the project's README."""

from ._law.facts import (
    AccessRequested as AccessRequested,
    AuthorizationGranted as AuthorizationGranted,
    BeginAuthorization as BeginAuthorization,
    CallbackReceived as CallbackReceived,
    Close as Close,
    Fact as Fact,
    RecordLoaded as RecordLoaded,
    RecordSwapped as RecordSwapped,
    ResponseReceived as ResponseReceived,
    RevocationRequested as RevocationRequested,
    StoreFailed as StoreFailed,
    SwapRefused as SwapRefused,
    TimeReached as TimeReached,
    TokenAccepted as TokenAccepted,
    TokenRejected as TokenRejected,
    TransportFailed as TransportFailed,
)

__all__ = [
    "AccessRequested",
    "AuthorizationGranted",
    "BeginAuthorization",
    "CallbackReceived",
    "Close",
    "Fact",
    "RecordLoaded",
    "RecordSwapped",
    "ResponseReceived",
    "RevocationRequested",
    "StoreFailed",
    "SwapRefused",
    "TimeReached",
    "TokenAccepted",
    "TokenRejected",
    "TransportFailed",
]
