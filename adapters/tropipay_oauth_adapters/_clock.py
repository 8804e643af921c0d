"""The time that the engine is told: Unix time at the start plus monotonic time since, so it never jumps or runs backwards."""

import time


class Clock:
    """Call it for the time now, Unix seconds."""

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        return self._offset + time.monotonic()
