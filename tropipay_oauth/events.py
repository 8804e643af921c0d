"""Events: what a machine tells observers; free of secrets."""

from ._law.events import (
    AuthorizationRequested as AuthorizationRequested,
)
from ._law.events import (
    CallbackIgnored as CallbackIgnored,
)
from ._law.events import (
    Event as Event,
)
from ._law.events import (
    ExpiryInterpreted as ExpiryInterpreted,
)
from ._law.events import (
    ExpiryReason as ExpiryReason,
)
from ._law.events import (
    GrantFailed as GrantFailed,
)
from ._law.events import (
    GrantReceived as GrantReceived,
)
from ._law.events import (
    InDoubt as InDoubt,
)
from ._law.events import (
    ResourceReceived as ResourceReceived,
)
from ._law.events import (
    RetryScheduled as RetryScheduled,
)
from ._law.events import (
    RevocationFailed as RevocationFailed,
)
from ._law.events import (
    ScopeNarrowed as ScopeNarrowed,
)
from ._law.events import (
    TokenExpired as TokenExpired,
)
from ._law.events import (
    TokenIssued as TokenIssued,
)
from ._law.events import (
    TokenNotPersisted as TokenNotPersisted,
)
from ._law.events import (
    TokenPresented as TokenPresented,
)
from ._law.events import (
    TokenRefreshed as TokenRefreshed,
)
from ._law.events import (
    TokenRevoked as TokenRevoked,
)

__all__ = [
    "AuthorizationRequested",
    "CallbackIgnored",
    "Event",
    "ExpiryInterpreted",
    "ExpiryReason",
    "GrantFailed",
    "GrantReceived",
    "InDoubt",
    "ResourceReceived",
    "RetryScheduled",
    "RevocationFailed",
    "ScopeNarrowed",
    "TokenExpired",
    "TokenIssued",
    "TokenNotPersisted",
    "TokenPresented",
    "TokenRefreshed",
    "TokenRevoked",
]
