"""Errors: one tree, split by whose fault it is."""

from ._values.errors import (
    AccessEnded as AccessEnded,
)
from ._values.errors import (
    AttemptsSpent as AttemptsSpent,
)
from ._values.errors import (
    AuthorizationRefused as AuthorizationRefused,
)
from ._values.errors import (
    CallbackError as CallbackError,
)
from ._values.errors import (
    ConfigurationError as ConfigurationError,
)
from ._values.errors import (
    Delivery as Delivery,
)
from ._values.errors import (
    InsufficientScope as InsufficientScope,
)
from ._values.errors import (
    IssuerMismatch as IssuerMismatch,
)
from ._values.errors import (
    IssuerMissing as IssuerMissing,
)
from ._values.errors import (
    LocalError as LocalError,
)
from ._values.errors import (
    LocalProtocolError as LocalProtocolError,
)
from ._values.errors import (
    MalformedCallback as MalformedCallback,
)
from ._values.errors import (
    MetadataError as MetadataError,
)
from ._values.errors import (
    OAuthError as OAuthError,
)
from ._values.errors import (
    ReauthorizationRequired as ReauthorizationRequired,
)
from ._values.errors import (
    RecordMismatch as RecordMismatch,
)
from ._values.errors import (
    RedirectMismatch as RedirectMismatch,
)
from ._values.errors import (
    RemoteError as RemoteError,
)
from ._values.errors import (
    RemoteProtocolError as RemoteProtocolError,
)
from ._values.errors import (
    ResourceNotAllowed as ResourceNotAllowed,
)
from ._values.errors import (
    ServerUnavailable as ServerUnavailable,
)
from ._values.errors import (
    SessionClosed as SessionClosed,
)
from ._values.errors import (
    StateExpired as StateExpired,
)
from ._values.errors import (
    StateMismatch as StateMismatch,
)
from ._values.errors import (
    StateMissing as StateMissing,
)
from ._values.errors import (
    StateReplayed as StateReplayed,
)
from ._values.errors import (
    StateUnknown as StateUnknown,
)
from ._values.errors import (
    StoreError as StoreError,
)
from ._values.errors import (
    TokenAlreadyExpired as TokenAlreadyExpired,
)
from ._values.errors import (
    TokenInDoubt as TokenInDoubt,
)
from ._values.errors import (
    TransportError as TransportError,
)
from ._values.errors import (
    TropiPayOAuthError as TropiPayOAuthError,
)

__all__ = [
    "AccessEnded",
    "AttemptsSpent",
    "AuthorizationRefused",
    "CallbackError",
    "ConfigurationError",
    "Delivery",
    "InsufficientScope",
    "IssuerMismatch",
    "IssuerMissing",
    "LocalError",
    "LocalProtocolError",
    "MalformedCallback",
    "MetadataError",
    "OAuthError",
    "ReauthorizationRequired",
    "RecordMismatch",
    "RedirectMismatch",
    "RemoteError",
    "RemoteProtocolError",
    "ResourceNotAllowed",
    "ServerUnavailable",
    "SessionClosed",
    "StateExpired",
    "StateMismatch",
    "StateMissing",
    "StateReplayed",
    "StateUnknown",
    "StoreError",
    "TokenAlreadyExpired",
    "TokenInDoubt",
    "TransportError",
    "TropiPayOAuthError",
]
