"""What a token store holds, under which key, and how it is written down.

What belongs here: the record, its key, its JSON form, the store's two operations and the memory store. What does not:
deciding what to write (the session's law) and doing it over a disk or a network (the adapters).
"""

import json
from collections.abc import Awaitable
from typing import Any, Protocol, assert_never

from attrs import field, frozen

from .checks import attempt, line, member, optional_member, read_json
from .errors import RecordMismatch, StoreError
from .scope import Scope
from .secret import Opaque, discreet
from .token import Token, token_from_members, token_to_members

_FORMAT = 1


@frozen
class Empty:
    """Nothing is held: never was, or it was revoked."""


@frozen(getstate_setstate=False)
class Tokens(Opaque):
    """A token, committed."""

    token: Token


@frozen(kw_only=True, getstate_setstate=False)
class Refusal(Opaque):
    """The server refused to renew: `error` is its code. `token` may still be valid; its refresh token is gone."""

    error: str
    token: Token | None = None


@frozen(kw_only=True, getstate_setstate=False)
class Intent(Opaque):
    """Somebody is about to renew `base`, in the exchange of this id, or was when its process died.

    `retry` tells that it is the single opt-in retry of an exchange in doubt.
    """

    exchange: str
    base: Empty | Tokens | Refusal
    retry: bool = False


Base = Empty | Tokens | Refusal
Record = Empty | Tokens | Refusal | Intent


@frozen(kw_only=True)
class StoreKey:
    """Whose token it is: two that differ in any part never share one.

    Args:
        issuer: of the provider.
        client_id: of the credential.
        account: the caller's label for the user whose token it is; empty for the application itself.
        scope: the *requested* scope; its order does not matter.
    """

    issuer: str = field(validator=line)
    client_id: str = field(validator=line)
    account: str = field(default="", validator=line)
    scope: Scope = field(default=Scope())

    @property
    def text(self) -> str:
        """The key as one unambiguous line of JSON."""
        return json.dumps([self.issuer, self.client_id, self.account, *sorted(self.scope)])


def record_to_json(key: StoreKey, record: Record) -> str:
    """The record with its key as JSON, secrets in clear: for a store only."""
    return json.dumps({"format": _FORMAT, "key": key.text, "record": _to_members(record)})


@discreet
def record_from_json(key: StoreKey, text: str) -> Record:
    """The record that `record_to_json` wrote under this key.

    Raises:
        RecordMismatch: it was written under another key.
        StoreError: the text is not such a JSON, or one of another version of this library; nothing of it was used.
    """
    written = read_json(text, _written)
    if written is None:
        raise _damaged()
    form, owner, members = written
    if form != _FORMAT:
        raise StoreError(
            f"the stored record is not of format {_FORMAT}: another version of this library wrote it; read it with that version",
            code="store_format",
        )
    if owner != key.text:
        raise RecordMismatch("the stored record belongs to another provider, client, account or scope: use its own key")
    record = attempt(_from_members, members)
    if record is None:
        raise _damaged()
    return record


def _damaged() -> StoreError:
    return StoreError(
        "the stored record cannot be read: it is damaged or not ours; look at it before removing it", code="store_damaged"
    )


def _to_members(record: Record) -> dict[str, Any]:
    match record:
        case Empty():
            return {"kind": "empty"}
        case Tokens(token):
            return {"kind": "tokens", "token": token_to_members(token)}
        case Refusal(error=error, token=held):
            return {"kind": "refusal", "error": error, "token": held and token_to_members(held)}
        case Intent(exchange=exchange, base=base, retry=retry):
            return {"kind": "intent", "exchange": exchange, "base": _to_members(base), "retry": retry}
        case _:
            assert_never(record)


def _written(members: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    return member(members, "format", int), member(members, "key", str), member(members, "record", dict)


def _from_members(members: dict[str, Any]) -> Record:
    if members["kind"] != "intent":
        return _base_from(members)
    base = _base_from(member(members, "base", dict))
    return Intent(exchange=member(members, "exchange", str), base=base, retry=member(members, "retry", bool))


def _base_from(members: dict[str, Any]) -> Base:
    match members["kind"]:
        case "tokens":
            return Tokens(token_from_members(member(members, "token", dict)))
        case "refusal":
            held = optional_member(members, "token", dict)
            return Refusal(error=member(members, "error", str), token=None if held is None else token_from_members(held))
        case "empty":
            return Empty()
        case _:
            raise ValueError("unknown kind")


class TokenStore(Protocol):
    """Two operations; both may be coroutines instead (`AsyncTokenStore`), and both may raise.

    After an exception from `swap` the record may or may not have been written: the session finds out by itself.
    """

    def load(self, key: StoreKey) -> tuple[int, Record]:
        """The version and the record; `(0, Empty())` when nothing was ever stored."""
        ...

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> int | None:
        """Write `record` if the version still is `expected_version`. The new version, or None if somebody was first."""
        ...


class AsyncTokenStore(Protocol):
    """`TokenStore` for stores that wait for a network."""

    def load(self, key: StoreKey) -> Awaitable[tuple[int, Record]]:
        """As `TokenStore.load`."""
        ...

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> Awaitable[int | None]:
        """As `TokenStore.swap`."""
        ...


class _Cell:
    """One version of one record. Its successor is set once, by `dict.setdefault`, which is atomic: no lock is needed."""

    __slots__ = ("record", "successor", "version")

    def __init__(self, version: int, record: Record) -> None:
        self.version = version
        self.record = record
        self.successor: dict[str, _Cell] = {}

    def newest(self) -> "_Cell":
        cell = self
        while (following := cell.successor.get("next")) is not None:
            cell = following
        return cell


class MemoryStore:
    """Tokens kept in this process, shared by the sessions that are given the same store. Safe for threads."""

    def __init__(self) -> None:
        self._cells: dict[str, _Cell] = {}  # by text: comparing it runs no Python code, so dict.setdefault stays atomic

    def load(self, key: StoreKey) -> tuple[int, Record]:
        """The version and the record."""
        cell = self._newest(key.text)
        return cell.version, cell.record

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> int | None:
        """The new version, or None if the version was not the expected one."""
        text = key.text
        cell = self._newest(text)
        following = _Cell(expected_version + 1, record)
        if cell.version != expected_version or cell.successor.setdefault("next", following) is not following:
            return None
        self._cells[text] = following
        return following.version

    def _newest(self, text: str) -> _Cell:
        return self._cells.setdefault(text, _Cell(0, Empty())).newest()
