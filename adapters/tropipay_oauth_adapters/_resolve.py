"""Name look-up that cannot outlast a deadline: `getaddrinfo` cannot be interrupted, so it runs in a daemon thread.

What belongs here: one look-up at a time per host and port, shared by all who wait. What does not: caching, connecting.
"""

import ipaddress
import socket
import threading
from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Any

Address = tuple[socket.AddressFamily, Any]
Resolve = Callable[[str, int], list[Any]]
"""Takes host and port, gives what `socket.getaddrinfo` gives."""


def getaddrinfo(host: str, port: int) -> list[Any]:
    """The operating system's own look-up."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def literal(host: str, port: int) -> list[Address] | None:
    """The address if `host` is an IP literal: nothing is to be looked up."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    return [(socket.AF_INET6, (host, port, 0, 0))] if version == 6 else [(socket.AF_INET, (host, port))]


class Lookup:
    """One look-up: `addresses` or `error`, once it is over."""

    def __init__(self) -> None:
        self.addresses: list[Address] = []
        self.error: Exception | None = None
        self.waiting: list[Callable[[], object]] = []

    def result(self) -> list[Address]:
        """The addresses, in the order in which to try them; raises what the look-up raised."""
        if self.error is not None:
            raise self.error
        return self.addresses


class Resolver:
    """Looks names up in daemon threads, at most one per host and port.

    Args:
        resolve: the function that knows; it may block.
    """

    def __init__(self, resolve: Resolve = getaddrinfo) -> None:
        self._resolve = resolve
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], Lookup] = {}

    def start(self, host: str, port: int, done: Callable[[], object]) -> Lookup:
        """Look up, or join a look-up under way; `done` is called from another thread when it is over."""
        with self._lock:
            lookup = self._running.get((host, port))
            if lookup is not None:
                lookup.waiting.append(done)
                return lookup
            lookup = Lookup()
            lookup.waiting.append(done)
            threading.Thread(target=self._run, args=(host, port, lookup), name="tropipay-lookup", daemon=True).start()
            self._running[host, port] = lookup
        return lookup

    def _run(self, host: str, port: int, lookup: Lookup) -> None:
        try:
            lookup.addresses = in_turn(self._resolve(host, port))
        except Exception as error:
            lookup.error = error
        with self._lock:
            del self._running[host, port]
        for done in lookup.waiting:
            try:
                done()
            except RuntimeError:  # its event loop has ended meanwhile
                continue


def in_turn(found: list[Any]) -> list[Address]:
    """The addresses in the order in which to try them: families take turns, so that one that is cut off costs one try."""
    addresses = list(dict.fromkeys((entry[0], entry[4]) for entry in found))
    first = [one for one in addresses if one[0] == addresses[0][0]]
    other = [one for one in addresses if one[0] != addresses[0][0]]
    return [one for one in chain.from_iterable(zip_longest(first, other)) if one is not None]
