import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised, shown
from tests.values.made import pendings
from tropipay_oauth._values.errors import ConfigurationError, StateReplayed, StateUnknown
from tropipay_oauth._values.pending import MemoryPendingStore, PendingAuthorization
from tropipay_oauth._values.provider import IssuerParameter
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.secret import Secret

PENDING = PendingAuthorization(
    handle=Secret(CANARY),
    issuer="https://as.example",
    token_endpoint="https://as.example/token",
    client_id="id-1",
    redirect_uri="http://127.0.0.1:5000/cb",
    scope=Scope.of("a b"),
    state=Secret(CANARY),
    code_verifier=Secret(CANARY),
    begun_at=5.0,
    expires_at=605.0,
    issuer_parameter=IssuerParameter.REQUIRED,
)
MEMBERS = json.loads(PENDING.reveal_json())


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads change places as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def pending(handle: str) -> PendingAuthorization:
    return attrs.evolve(PENDING, handle=Secret(handle))


def test_a_pending_authorization_hides_its_secrets_in_every_way_of_showing_it() -> None:
    assert not leaks(shown(PENDING))
    assert "redirect_uri='http://127.0.0.1:5000/cb'" in repr(PENDING)


def test_a_pending_authorization_is_frozen_and_not_pickled() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        PENDING.issuer = "https://evil"  # type: ignore[misc]  # the very point
    with pytest.raises(TypeError, match="not pickled"):
        PENDING.__getstate__()


@given(pendings())
def test_a_pending_authorization_comes_back_from_its_json(made: PendingAuthorization) -> None:
    back = PendingAuthorization.from_json(made.reveal_json())
    assert back == made
    assert back.reveal_json() == made.reveal_json()


WRONG: dict[str, list[Any]] = {
    "handle": [5, None, True, ["a"], {}],
    "state": [5, None, True, ["a"], {}],
    "code_verifier": [5, None, True, ["a"], {}],
    "issuer": [5, None, True, [], "http://evil", "https://u@h", ""],
    "token_endpoint": [5, None, True, [], "http://evil", "https://u@h", "https://h/#a", ""],
    "client_id": [5, None, True, [], "a\n"],
    "redirect_uri": [5, None, True, [], "http://evil", "cb", ""],
    "scope": [5, None, True, ["a"], '"'],
    "begun_at": ["5", None, True, float("nan"), float("inf"), 10**400, []],
    "expires_at": ["5", None, False, float("nan"), -float("inf"), 10**400, []],
    "issuer_parameter": ["x", None, 5, True, []],
    "unknown": [1],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_member_of_a_wrong_type_damages_the_json(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match="reveal_json") as caught:
        PendingAuthorization.from_json(json.dumps(MEMBERS | {name: value}))
    assert caught.value.code == "pending_json"


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_that_is_absent_damages_the_json(name: str) -> None:
    with pytest.raises(ConfigurationError, match="reveal_json"):
        PendingAuthorization.from_json(json.dumps({key: value for key, value in MEMBERS.items() if key != name}))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "5", "{", "[" * 100_000, "\ud800", None, 5])
def test_what_is_no_such_json_is_refused(text: Any) -> None:
    with pytest.raises(ConfigurationError, match="reveal_json"):
        PendingAuthorization.from_json(text)


def test_a_failed_reading_keeps_nothing_of_the_text() -> None:
    assert not leaks(raised(lambda: PendingAuthorization.from_json(PENDING.reveal_json()[:-1])))
    assert not leaks(raised(lambda: PendingAuthorization.from_json(json.dumps(MEMBERS | {"issuer": 5}))))
    assert not leaks(raised(lambda: PendingAuthorization(**MEMBERS | {"issuer": 5})))


@given(st.data())
def test_any_damage_is_read_or_refused_by_the_documented_error(data: st.DataObject) -> None:
    text = PENDING.reveal_json()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    try:
        back = PendingAuthorization.from_json(text[:start] + data.draw(st.text(st.characters(), max_size=8)) + text[end:])
    except ConfigurationError as error:
        assert error.code == "pending_json"  # noqa: PT017  # a refusal is allowed, not required
    else:
        assert PendingAuthorization.from_json(back.reveal_json()) == back


def test_what_is_put_is_taken_once() -> None:
    store = MemoryPendingStore()
    store.put(pending("h"))
    assert store.take("h") == pending("h")
    with pytest.raises(StateReplayed, match="begin a new one"):
        store.take("h")
    with pytest.raises(StateUnknown, match="begin a new one"):
        store.take("other")


def test_a_refused_handle_is_not_shown() -> None:
    store = MemoryPendingStore()
    assert not leaks(raised(lambda: store.take(CANARY)))
    store.put(PENDING)
    assert not leaks(repr(store) + repr(list(vars(store).values())[2:]))
    store.take(CANARY)
    assert not leaks(raised(lambda: store.take(CANARY)))


def test_the_oldest_make_room() -> None:
    store = MemoryPendingStore(capacity=3)
    for number in range(5):
        store.put(pending(f"h{number}"))
    for gone in ("h0", "h1"):
        with pytest.raises(StateUnknown):
            store.take(gone)
    for number in (2, 3, 4):
        assert store.take(f"h{number}") == pending(f"h{number}")
    store.put(pending("h5"))
    store.take("h5")
    with pytest.raises(StateUnknown):
        store.take("h2")
    with pytest.raises(StateReplayed):
        store.take("h3")


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_store_holds_something(capacity: int) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        MemoryPendingStore(capacity=capacity)


@pytest.mark.usefixtures("many_switches")
def test_of_racing_threads_one_gets_it_and_the_others_are_told_of_a_replay() -> None:
    store, workers, rounds = MemoryPendingStore(), 8, 2000
    start = threading.Barrier(workers)
    for number in range(rounds):
        store.put(pending(str(number)))

    def work(_: int) -> list[str]:
        seen = []
        start.wait()
        for number in range(rounds):
            try:
                seen.append(store.take(str(number)).handle.reveal())
            except StateReplayed:
                seen.append("replayed")
        return seen

    with ThreadPoolExecutor(workers) as pool:
        rows = list(pool.map(work, range(workers)))
    for number, column in enumerate(zip(*rows, strict=True)):
        assert sorted(column) == sorted([str(number), *["replayed"] * (workers - 1)])


@pytest.mark.usefixtures("many_switches")
def test_a_full_store_serves_racing_threads() -> None:
    store, workers, rounds = MemoryPendingStore(capacity=2), 8, 1500
    made = [[pending(f"{worker}/{number}") for number in range(rounds)] for worker in range(workers)]

    def work(worker: int) -> int:
        got = 0
        for one in made[worker]:
            store.put(one)
            try:
                got += store.take(one.handle.reveal()) is one
            except (StateUnknown, StateReplayed):  # another thread made room: it is refused, by whichever name
                continue
        return got

    with ThreadPoolExecutor(workers) as pool:
        assert 0 < sum(pool.map(work, range(workers))) <= workers * rounds
