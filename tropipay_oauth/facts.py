"""Facts: what an adapter tells a machine. See the table in the project's README."""

from ._law.facts import (
    AccessRequested as AccessRequested,
)
from ._law.facts import (
    AuthorizationGranted as AuthorizationGranted,
)
from ._law.facts import (
    BeginAuthorization as BeginAuthorization,
)
from ._law.facts import (
    CallbackReceived as CallbackReceived,
)
from ._law.facts import (
    Close as Close,
)
from ._law.facts import (
    Fact as Fact,
)
from ._law.facts import (
    RecordLoaded as RecordLoaded,
)
from ._law.facts import (
    RecordSwapped as RecordSwapped,
)
from ._law.facts import (
    ResponseReceived as ResponseReceived,
)
from ._law.facts import (
    RevocationRequested as RevocationRequested,
)
from ._law.facts import (
    StoreFailed as StoreFailed,
)
from ._law.facts import (
    SwapRefused as SwapRefused,
)
from ._law.facts import (
    TimeReached as TimeReached,
)
from ._law.facts import (
    TokenAccepted as TokenAccepted,
)
from ._law.facts import (
    TokenRejected as TokenRejected,
)
from ._law.facts import (
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
