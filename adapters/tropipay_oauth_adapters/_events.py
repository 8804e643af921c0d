"""What a client tells its observers."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from tropipay_oauth.events import Event

Observer = Callable[[Event], object]
_LOG = logging.getLogger("tropipay_oauth.events")


class Events:
    """The last events of a client, and whoever wants the next ones. No event holds a secret.

    Iterate over it for the events so far, the oldest first; at most `capacity` are kept.
    """

    def __init__(self, capacity: int = 1000) -> None:
        self._kept: deque[Event] = deque(maxlen=capacity)
        self._observers: tuple[Observer, ...] = ()
        self._lock = threading.Lock()
        self._untold: deque[Event] = deque()
        self._telling = threading.Lock()

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer(event)` for each event from now on, in the task or thread in which it happens.

        Returns:
            a function that ends the subscription.
        """
        with self._lock:
            self._observers += (observer,)
        return lambda: self._unsubscribe(observer)

    def _unsubscribe(self, observer: Observer) -> None:
        with self._lock:
            self._observers = tuple(one for one in self._observers if one is not observer)

    def note(self, events: Iterable[Event]) -> None:
        """Keep the events, in the order in which they happened; `tell` then tells the observers."""
        for event in events:
            self._kept.append(event)
            self._untold.append(event)

    def tell(self) -> None:
        """Tell the observers what they were not told yet, in order; one that fails is logged and disturbs nobody."""
        while self._untold and self._telling.acquire(blocking=False):  # else whoever is telling goes on with ours
            try:
                while self._untold:
                    self._tell_one(self._untold.popleft())
            finally:
                self._telling.release()

    def publish(self, events: Iterable[Event]) -> None:
        """Keep the events and tell them to the observers."""
        self.note(events)
        self.tell()

    def _tell_one(self, event: Event) -> None:
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                _LOG.exception("an observer failed")

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)
