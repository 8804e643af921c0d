"""States: where a grant or a session is, as immutable values."""

from ._law.grants.states import (
    Active as Active,
)
from ._law.grants.states import (
    AwaitingCallback as AwaitingCallback,
)
from ._law.grants.states import (
    Deferred as Deferred,
)
from ._law.grants.states import (
    Expired as Expired,
)
from ._law.grants.states import (
    Failed as Failed,
)
from ._law.grants.states import (
    GrantInDoubt as GrantInDoubt,
)
from ._law.grants.states import (
    GrantState as GrantState,
)
from ._law.grants.states import (
    Ready as Ready,
)
from ._law.grants.states import (
    Requesting as Requesting,
)
from ._law.session.states import (
    Claiming as Claiming,
)
from ._law.session.states import (
    Closed as Closed,
)
from ._law.session.states import (
    Committing as Committing,
)
from ._law.session.states import (
    Dormant as Dormant,
)
from ._law.session.states import (
    Erasing as Erasing,
)
from ._law.session.states import (
    Exchanging as Exchanging,
)
from ._law.session.states import (
    Forgetting as Forgetting,
)
from ._law.session.states import (
    InDoubt as InDoubt,
)
from ._law.session.states import (
    Ledger as Ledger,
)
from ._law.session.states import (
    Live as Live,
)
from ._law.session.states import (
    Loading as Loading,
)
from ._law.session.states import (
    NeedsAuthorization as NeedsAuthorization,
)
from ._law.session.states import (
    Resting as Resting,
)
from ._law.session.states import (
    Revoking as Revoking,
)
from ._law.session.states import (
    SessionState as SessionState,
)
from ._law.session.states import (
    Settling as Settling,
)
from ._law.session.states import (
    Watching as Watching,
)

__all__ = [
    "Active",
    "AwaitingCallback",
    "Claiming",
    "Closed",
    "Committing",
    "Deferred",
    "Dormant",
    "Erasing",
    "Exchanging",
    "Expired",
    "Failed",
    "Forgetting",
    "GrantInDoubt",
    "GrantState",
    "InDoubt",
    "Ledger",
    "Live",
    "Loading",
    "NeedsAuthorization",
    "Ready",
    "Requesting",
    "Resting",
    "Revoking",
    "SessionState",
    "Settling",
    "Watching",
]
