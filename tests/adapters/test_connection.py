"""The idle pool and the deadline."""

import os
import warnings

import pytest

from tropipay_oauth_adapters._connection import Deadline, Pool


class Idle:
    """A connection that counts."""

    def __init__(self, *, stale: bool = False) -> None:
        self.stale = stale
        self.closed = 0

    async def write(self, data: bytes, deadline: Deadline) -> None:
        raise AssertionError("nobody writes here")

    async def read(self, deadline: Deadline) -> bytes:
        raise AssertionError("nobody reads here")

    def is_stale(self) -> bool:
        return self.stale

    def close(self) -> None:
        self.closed += 1


def test_the_connection_that_was_used_last_is_taken_first() -> None:
    pool, first, second = Pool(8, 60.0), Idle(), Idle()
    pool.put("a", first)
    pool.put("a", second)
    assert pool.take("b") is None
    assert [pool.take("a"), pool.take("a"), pool.take("a")] == [second, first, None]


def test_the_oldest_makes_room() -> None:
    pool, idle = Pool(2, 60.0), [Idle() for _ in range(3)]
    for one in idle:
        pool.put("a", one)
    assert [one.closed for one in idle] == [1, 0, 0]


def test_a_stale_or_old_connection_is_closed() -> None:
    pool, stale = Pool(2, 60.0), Idle(stale=True)
    pool.put("a", stale)
    assert pool.take("a") is None
    old_pool, old = Pool(2, 0.0), Idle()
    old_pool.put("a", old)
    assert old_pool.take("a") is None
    assert (stale.closed, old.closed) == (1, 1)


def test_a_closed_pool_keeps_nothing() -> None:
    pool, before, after = Pool(2, 60.0), Idle(), Idle()
    pool.put("a", before)
    pool.close()
    pool.put("a", after)
    assert (before.closed, after.closed, pool.take("a")) == (1, 1, None)


def test_a_child_process_forgets_its_parents_connections() -> None:
    pool, idle = Pool(2, 60.0), Idle()
    pool.put("a", idle)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os._exit(0 if pool.take("a") is None and idle.closed == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert pool.take("a") is idle


def test_a_deadline_is_shared_among_tries() -> None:
    deadline = Deadline(100.0)
    assert 99 < deadline.left() <= 100
    assert deadline.share(2) == 3.0
    assert deadline.share(1) > 99
    assert Deadline(3.0).share(3) <= 1.0
    with pytest.raises(TimeoutError):
        Deadline(0.0).left()
