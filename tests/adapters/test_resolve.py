"""Name look-up in the background."""

import socket
import threading
from typing import Any

import pytest

from tests.adapters.support import PATIENCE
from tropipay_oauth_adapters._resolve import Resolver, getaddrinfo, in_turn, literal

A = (socket.AF_INET, 1, 6, "", ("192.0.2.1", 1))
B = (socket.AF_INET, 1, 6, "", ("192.0.2.2", 1))
C = (socket.AF_INET6, 1, 6, "", ("2001:db8::1", 1, 0, 0))


def test_families_take_turns_and_nothing_is_tried_twice() -> None:
    assert in_turn([C, A, B, A]) == [(one[0], one[4]) for one in (C, A, B)]
    assert in_turn([A, B, C]) == [(one[0], one[4]) for one in (A, C, B)]
    assert in_turn([]) == []


@pytest.mark.parametrize(
    ("host", "found"),
    [("127.0.0.1", [(socket.AF_INET, ("127.0.0.1", 5))]), ("::1", [(socket.AF_INET6, ("::1", 5, 0, 0))]), ("a.example", None)],
)
def test_a_literal_is_not_looked_up(host: str, found: Any) -> None:
    assert literal(host, 5) == found


def test_the_systems_own_look_up() -> None:
    assert in_turn(getaddrinfo("127.0.0.1", 5)) == [(socket.AF_INET, ("127.0.0.1", 5))]


def test_who_asks_meanwhile_joins_the_look_up() -> None:
    released, over = threading.Event(), [threading.Event() for _ in range(3)]
    calls: list[str] = []

    def resolve(host: str, port: int) -> list[Any]:
        calls.append(host)
        released.wait(PATIENCE)
        return [A]

    resolver = Resolver(resolve)
    lookups = [resolver.start("a.example", 1, one.set) for one in over]
    released.set()
    assert all(one.wait(PATIENCE) for one in over)
    assert calls == ["a.example"]
    assert [one.result() for one in lookups] == [[(A[0], A[4])]] * 3


def test_one_who_asked_and_has_ended_does_not_disturb_the_others() -> None:
    over = threading.Event()
    released = threading.Event()

    def resolve(host: str, port: int) -> list[Any]:
        released.wait(PATIENCE)
        raise OSError("no such name")

    def gone() -> None:
        raise RuntimeError("the event loop is closed")

    resolver = Resolver(resolve)
    resolver.start("a.example", 1, gone)
    lookup = resolver.start("a.example", 1, over.set)
    released.set()
    assert over.wait(PATIENCE)
    with pytest.raises(OSError, match="no such name"):
        lookup.result()


def test_no_more_threads_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = Resolver()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            resolver.start("127.0.0.1", 1, lambda: None)
    over = threading.Event()
    resolver.start("127.0.0.1", 1, over.set)
    assert over.wait(PATIENCE)
