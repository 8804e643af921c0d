"""Effects: what a machine asks of its adapter."""

from ._law.effects import (
    Effect as Effect,
)
from ._law.effects import (
    LoadRecord as LoadRecord,
)
from ._law.effects import (
    RedirectUser as RedirectUser,
)
from ._law.effects import (
    RefuseCallers as RefuseCallers,
)
from ._law.effects import (
    ReleaseCallers as ReleaseCallers,
)
from ._law.effects import (
    SendRequest as SendRequest,
)
from ._law.effects import (
    SwapRecord as SwapRecord,
)

__all__ = [
    "Effect",
    "LoadRecord",
    "RedirectUser",
    "RefuseCallers",
    "ReleaseCallers",
    "SendRequest",
    "SwapRecord",
]
