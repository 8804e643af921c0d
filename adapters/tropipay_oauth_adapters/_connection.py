"""What a connection is, how long it may take, and where it waits for its next exchange.

What belongs here: the shape of a connection, the deadline, the idle pool. What does not: any runtime, any HTTP.
"""

import os
import time
from collections.abc import Hashable
from typing import Protocol

_ATTEMPT = 3.0  # seconds for one address while there are others


class Deadline:
    """The moment at which an exchange is over, on the monotonic clock."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            TimeoutError: none.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def share(self, tries: int) -> float:
        """The seconds for one of so many tries; the last one gets all that is left."""
        left = self.left()
        return left if tries == 1 else min(left / tries, _ATTEMPT)


class Connection(Protocol):
    """A byte stream. Its failures are `OSError`; a deadline that has passed is `TimeoutError`."""

    async def write(self, data: bytes, deadline: Deadline) -> None:
        """Hand over all of `data`."""
        ...

    async def read(self, deadline: Deadline) -> bytes:
        """What has arrived, at least one byte; `b""` at the end of the stream."""
        ...

    def is_stale(self) -> bool:
        """Whether an idle connection has ended or holds bytes that nobody asked for."""
        ...

    def close(self) -> None:
        """Close at once, without waiting for anything."""
        ...


class Pool:
    """Idle connections, a few for each origin. It never makes anybody wait: who finds none opens a new one.

    Safe for threads: each step is one operation of list or dict. A child process forgets its parent's connections.

    Args:
        capacity: how many are kept for each origin.
        seconds: how long one is kept.
    """

    def __init__(self, capacity: int, seconds: float) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._idle: dict[Hashable, list[tuple[float, Connection]]] = {}
        self._process = os.getpid()
        self._closed = False

    def take(self, place: Hashable) -> Connection | None:
        """An idle connection that is good as far as can be seen, or None."""
        self._notice_fork()
        idle = self._idle.get(place)
        while idle:
            try:
                kept_until, connection = idle.pop()
            except IndexError:  # another thread was faster
                return None
            if time.monotonic() < kept_until and not connection.is_stale():
                return connection
            connection.close()
        return None

    def put(self, place: Hashable, connection: Connection) -> None:
        """Keep it for the next exchange; the oldest makes room."""
        self._notice_fork()
        idle = self._idle.setdefault(place, [])
        idle.append((time.monotonic() + self._seconds, connection))
        while len(idle) > (0 if self._closed else self._capacity):
            _close_oldest(idle)

    def close(self) -> None:
        """Close all; what is put back later is closed as well."""
        self._closed = True
        for idle in tuple(self._idle.values()):
            while idle:
                _close_oldest(idle)

    def _notice_fork(self) -> None:
        if self._process != os.getpid():  # closing here closes only this process's copy of the socket
            self._process = os.getpid()
            forgotten, self._idle = self._idle, {}
            for _, connection in (entry for idle in forgotten.values() for entry in idle):
                connection.close()


def _close_oldest(idle: list[tuple[float, Connection]]) -> None:
    try:
        _, connection = idle.pop(0)
    except IndexError:  # another thread was faster
        return
    connection.close()
