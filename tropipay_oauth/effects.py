"""Effects: what a machine asks of its adapter."""

from ._law.effects import (
    Effect as Effect,
    LoadRecord as LoadRecord,
    RedirectUser as RedirectUser,
    RefuseCallers as RefuseCallers,
    ReleaseCallers as ReleaseCallers,
    SendRequest as SendRequest,
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
