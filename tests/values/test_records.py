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
from tests.values.made import keys, records
from tropipay_oauth._values.errors import ConfigurationError, RecordMismatch, StoreError
from tropipay_oauth._values.records import (
    Empty,
    Intent,
    MemoryStore,
    Record,
    Refusal,
    StoreKey,
    Tokens,
    record_from_json,
    record_to_json,
)
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.token import GrantType, Token

KEY = StoreKey(issuer="https://as.example", client_id="id-1", account="Zoë", scope=Scope.of("b a"))
TOKEN = Token(access_token=CANARY, refresh_token=CANARY, issued_at=5.0, grant_type=GrantType.CLIENT_CREDENTIALS)
RECORDS: list[Record] = [
    Empty(),
    Tokens(TOKEN),
    Refusal(error="invalid_grant"),
    Refusal(error="invalid_grant", token=TOKEN),
    Intent(exchange="x-1", base=Tokens(TOKEN)),
    Intent(exchange="x-1", base=Refusal(error="e", token=TOKEN), retry=True),
]


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads change places as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_hides_its_secrets_in_every_way_of_showing_it(record: Record) -> None:
    assert not leaks(shown(record))
    assert not leaks(shown([record, {"it": record}]))


@pytest.mark.parametrize("record", RECORDS[1:], ids=lambda record: type(record).__name__)
def test_a_record_is_frozen_and_not_pickled(record: Tokens) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.token = TOKEN  # type: ignore[misc]  # the very point
    with pytest.raises(TypeError, match="not pickled"):
        record.__getstate__()


def test_a_store_shows_none_of_its_secrets() -> None:
    store = MemoryStore()
    store.swap(KEY, 0, Tokens(TOKEN))
    assert not leaks(repr(store) + repr(vars(store)))


@given(keys(), records())
def test_a_record_comes_back_from_its_json(key: StoreKey, record: Record) -> None:
    back = record_from_json(key, record_to_json(key, record))
    assert back == record
    assert type(back) is type(record)
    assert record_to_json(key, back) == record_to_json(key, record)


@given(keys(), keys(), records())
def test_a_record_is_not_read_under_another_key(key: StoreKey, other: StoreKey, record: Record) -> None:
    text = record_to_json(key, record)
    if key == other:
        assert record_from_json(other, text) == record
    else:
        with pytest.raises(RecordMismatch, match="its own key"):
            record_from_json(other, text)


@pytest.mark.parametrize("part", ["issuer", "client_id", "account", "scope"])
def test_each_part_of_the_key_counts(part: str) -> None:
    changes: dict[str, Any] = {part: Scope.of("a") if part == "scope" else "x"}
    other = attrs.evolve(KEY, **changes)
    with pytest.raises(RecordMismatch) as caught:
        record_from_json(other, record_to_json(KEY, Tokens(TOKEN)))
    assert not leaks(str(caught.value))


@given(keys(), keys())
def test_two_keys_have_one_text_only_if_they_are_equal(one: StoreKey, other: StoreKey) -> None:
    assert (one.text == other.text) is (one == other)
    assert one.text.isascii()
    assert one.text.isprintable()


@given(st.lists(st.text(st.sampled_from('ab",[]\\ '), max_size=4), min_size=3, max_size=3))
def test_no_quoting_makes_two_keys_one(parts: list[str]) -> None:
    issuer, client, account = parts
    texts = {
        StoreKey(issuer=issuer, client_id=client, account=account, scope=Scope.of("a")).text,
        StoreKey(issuer=issuer, client_id=client, account=account + "a").text,
        StoreKey(issuer=issuer + "a", client_id=client, account=account).text,
        StoreKey(issuer=issuer, client_id=client + "a", account=account).text,
    }
    assert len(texts) == 4


def test_the_order_of_the_scope_does_not_matter_to_the_key() -> None:
    assert attrs.evolve(KEY, scope=Scope.of("a b a")) == KEY
    assert attrs.evolve(KEY, scope=Scope.of("a b a")).text == KEY.text
    assert hash(attrs.evolve(KEY, scope=Scope.of("a b"))) == hash(KEY)


@pytest.mark.parametrize("part", ["issuer", "client_id", "account"])
@pytest.mark.parametrize("text", ["a\nb", "\x00", "\x7f", "\u2028", "\ud800", "\ud83d\ude00", "x" * 1001, None, 5, b"a"])
def test_a_key_is_made_of_lines(part: str, text: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{part} is one line"):
        attrs.evolve(KEY, **{part: text})


def envelope(record: Record = RECORDS[1], /, **changes: object) -> str:
    return json.dumps(json.loads(record_to_json(KEY, record)) | changes)


def members(record: Record, /, **changes: object) -> str:
    return envelope(record=json.loads(record_to_json(KEY, record))["record"] | changes)


def wrong(name: str, record: Record, *values: object) -> list[str]:
    return [members(record, **{name: value}) for value in values]


def around(name: str, *values: object) -> list[str]:
    return [envelope(**{name: value}) for value in values]


TOKEN_MEMBERS = json.loads(TOKEN.reveal_json())
DAMAGED: list[Any] = [
    *("", "null", "[]", "{}", "5", "[" * 100_000, '{"format": 1', "\ud800", "NaN", None, 5),
    *around("record", None, [], "x", 5, {}, {"kind": "other"}, {"kind": None}, {"kind": []}),
    *around("key", None, 5, ["a"]),
    *around("format", None, "1", 1.0, True, []),
    *wrong("token", Tokens(TOKEN), None, [], "x", {}, {"access_token": 5}, TOKEN_MEMBERS | {"issued_at": True}),
    *wrong("token", Tokens(TOKEN), TOKEN_MEMBERS | {"issued_at": float("inf")}, TOKEN_MEMBERS | {"expires_at": float("nan")}),
    *wrong("token", Refusal(error="e"), [], "x", {}, 5, True),
    *wrong("error", Refusal(error="e"), None, 5, []),
    *wrong("exchange", RECORDS[4], None, 5, []),
    *wrong("retry", RECORDS[4], None, 1, "true"),
    *wrong("base", RECORDS[4], None, [], {}, {"kind": "intent", "exchange": "x", "base": {"kind": "empty"}, "retry": False}),
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_record_is_refused_and_not_shown(text: Any) -> None:
    with pytest.raises(StoreError, match="look at it before") as caught:
        record_from_json(KEY, text)
    assert caught.value.code == "store_damaged"
    assert not leaks(str(caught.value))


@pytest.mark.parametrize("form", [0, 2, -1, 10**30])
def test_a_record_of_another_format_is_left_alone(form: int) -> None:
    with pytest.raises(StoreError, match="another version of this library") as caught:
        record_from_json(KEY, envelope(format=form, record={"kind": "of the future"}))
    assert caught.value.code == "store_format"


def test_a_failed_reading_keeps_nothing_of_the_text() -> None:
    assert not leaks(raised(lambda: record_from_json(KEY, record_to_json(KEY, Tokens(TOKEN))[:-1])))
    assert not leaks(raised(lambda: record_from_json(KEY, envelope(format=2))))
    assert not leaks(raised(lambda: record_from_json(attrs.evolve(KEY, account="x"), envelope())))
    assert not leaks(raised(lambda: record_from_json(KEY, members(RECORDS[4], retry=5))))


@given(st.sampled_from(RECORDS), st.data())
def test_any_damage_is_read_or_refused_by_the_documented_errors(record: Record, data: st.DataObject) -> None:
    text = record_to_json(KEY, record)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    damaged = text[:start] + data.draw(st.text(st.characters(), max_size=8)) + text[end:]
    try:
        back = record_from_json(KEY, damaged)
    except (StoreError, RecordMismatch):
        return
    assert record_from_json(KEY, record_to_json(KEY, back)) == back


def test_a_key_that_was_never_stored_is_empty_at_version_0() -> None:
    assert MemoryStore().load(KEY) == (0, Empty())


def test_a_swap_needs_the_version_that_is_there() -> None:
    store = MemoryStore()
    assert store.swap(KEY, 1, Empty()) is None
    assert store.swap(KEY, 0, RECORDS[1]) == 1
    assert store.swap(KEY, 0, RECORDS[2]) is None
    assert store.load(KEY) == (1, RECORDS[1])
    assert store.swap(KEY, 1, RECORDS[2]) == 2
    assert store.load(KEY) == (2, RECORDS[2])


def test_equal_keys_share_a_record_and_others_do_not() -> None:
    store = MemoryStore()
    store.swap(KEY, 0, RECORDS[1])
    assert store.load(attrs.evolve(KEY, scope=Scope.of("a b")))[0] == 1
    assert store.load(attrs.evolve(KEY, account=""))[0] == 0


@pytest.mark.usefixtures("many_switches")
def test_no_swap_of_racing_threads_is_lost() -> None:
    store, workers, rounds = MemoryStore(), 8, 2000
    start = threading.Barrier(workers)

    def work(_: int) -> list[int]:
        start.wait()
        won: list[int] = []
        while len(won) < rounds:
            version, record = store.load(KEY)
            assert version == 0 or (isinstance(record, Refusal) and record.error == str(version))
            made = store.swap(KEY, version, Refusal(error=str(version + 1)))
            if made is not None:
                assert made == version + 1
                won.append(made)
        assert won == sorted(won)
        return won

    with ThreadPoolExecutor(workers) as pool:
        versions = [version for won in pool.map(work, range(workers)) for version in won]
    assert sorted(versions) == list(range(1, workers * rounds + 1))
    assert store.load(KEY) == (workers * rounds, Refusal(error=str(workers * rounds)))


@pytest.mark.usefixtures("many_switches")
def test_of_threads_that_swap_the_same_version_one_wins() -> None:
    workers = 8
    start = threading.Barrier(workers)
    stores = [MemoryStore() for _ in range(200)]

    def work(me: int) -> list[int | None]:
        made = []
        for store in stores:
            start.wait()
            made.append(store.swap(KEY, 0, Refusal(error=str(me))))
        return made

    with ThreadPoolExecutor(workers) as pool:
        columns = zip(*pool.map(work, range(workers)), strict=True)
    for store, column in zip(stores, columns, strict=True):
        assert [version for version in column if version is not None] == [1]
        assert store.load(KEY) == (1, Refusal(error=str(column.index(1))))


def test_a_store_keeps_no_old_versions_alive() -> None:
    store = MemoryStore()
    for version in range(50):
        store.swap(KEY, version, Refusal(error=str(version)))
    (cell,) = store._cells.values()
    assert cell.version == 50
    assert not cell.successor
