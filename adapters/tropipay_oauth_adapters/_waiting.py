"""How a caller waits for what the session's own task or thread brings.

What belongs here: one answer for one caller. What does not: who gets which answer (`_driver`).
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, cast

from tropipay_oauth import TropiPayOAuthError

T = TypeVar("T")


class Signal(Protocol):
    """A runtime's event."""

    def set(self) -> object:
        """Wake everybody who waits for it."""
        ...

    def is_set(self) -> bool:
        """Whether it was set."""
        ...


class Answer(Generic[T]):
    """What one caller waits for, once it is there."""

    def __init__(self, signal: Signal, suits: Callable[[T], bool] = lambda value: True) -> None:
        self.signal = signal
        self.suits = suits
        self.left = False
        """Whether the caller has gone away."""
        self._value: T | None = None
        self._error: Exception | None = None

    def give(self, value: T) -> None:
        """Wake the caller with this value."""
        self._value = value
        self.signal.set()

    def fail(self, error: Exception) -> None:
        """Wake the caller with this error; many may get the same, so each raises one of its own."""
        self._error = error.again() if isinstance(error, TropiPayOAuthError) else error
        self.signal.set()

    def take(self) -> T:
        """The value, or raises the error."""
        if self._error is not None:
            raise self._error
        return cast(T, self._value)


Waiting = dict[Answer[T], None]
"""Who waits, in order."""
