"""What a token store holds, under which key, and how it is written down.

What belongs here: the record, its key, its JSON form, the store's two operations and the memory store. What does not:
deciding what to write (the session's law) and doing it over a disk or a network (the adapters).
"""

import json
from collections.abc import Awaitable
from typing import Any, Protocol

from attrs import field, frozen

from .errors import ConfigurationError, RecordMismatch, StoreError
from .scope import Scope
from .secret import Opaque
from .token import Token, token_from_members, token_to_members

_FORMAT = 1


@frozen
class Empty:
    """Nothing is held: never was, or it was revoked."""


@frozen
class Tokens(Opaque):
    """A token, committed."""

    token: Token


@frozen(kw_only=True)
class Refusal(Opaque):
    """The server refused to renew: `error` is its code. `token` may still be valid; its refresh token is gone."""

    error: str
    token: Token | None = None


@frozen(kw_only=True)
class Intent(Opaque):
    """Somebody is about to renew `base`, in the exchange of this id, or was when its process died."""

    exchange: str
    base: Empty | Tokens | Refusal


Record = Empty | Tokens | Refusal | Intent


def _one_line(instance: object, attribute: Any, value: str) -> None:
    if not isinstance(value, str) or len(value) > 1000 or any(c < " " for c in value):
        raise ConfigurationError(f"{attribute.name} is one line of text, at most 1000 characters")


@frozen(kw_only=True)
class StoreKey:
    """Whose token it is: two that differ in any part never share one.

    Args:
        issuer: of the provider.
        client_id: of the credential.
        account: the caller's label for the user whose token it is; empty for the application itself.
        scope: the *requested* scope; its order does not matter.
    """

    issuer: str = field(validator=_one_line)
    client_id: str = field(validator=_one_line)
    account: str = field(default="", validator=_one_line)
    scope: Scope = Scope()

    @property
    def text(self) -> str:
        """The key as one unambiguous line of JSON."""
        return json.dumps([self.issuer, self.client_id, self.account, *sorted(self.scope)])


def record_to_json(key: StoreKey, record: Record) -> str:
    """The record with its key as JSON, secrets in clear: for a store only."""
    return json.dumps({"format": _FORMAT, "key": key.text, "record": _to_members(record)})


def record_from_json(key: StoreKey, text: str) -> Record:
    """The record that `record_to_json` wrote under this key.

    Raises:
        RecordMismatch: it was written under another key.
        StoreError: the text is not such a JSON; nothing of it was used.
    """
    try:
        members = json.loads(text)
        written, form = members["key"], members["format"]
        record = _from_members(members["record"])
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise StoreError("the stored record cannot be read: it is damaged or not ours; look at it before removing it", code="store_damaged") from None
    if form != _FORMAT:
        raise StoreError(f"the stored record has format {_FORMAT + 1} or another: update this library", code="store_format")
    if written != key.text:
        raise RecordMismatch("the stored record belongs to another provider, client, account or scope: use its own key")
    return record


def _to_members(record: Record) -> dict[str, Any]:
    match record:
        case Empty():
            return {"kind": "empty"}
        case Tokens(token):
            return {"kind": "tokens", "token": token_to_members(token)}
        case Refusal(error=error, token=held):
            return {"kind": "refusal", "error": error, "token": held and token_to_members(held)}
        case Intent(exchange=exchange, base=base):
            return {"kind": "intent", "exchange": exchange, "base": _to_members(base)}


def _from_members(members: dict[str, Any]) -> Record:
    match members["kind"]:
        case "intent":
            base = _from_members(members["base"])
            if isinstance(base, Intent):
                raise ValueError("an intent on an intent")
            return Intent(exchange=str(members["exchange"]), base=base)
        case "tokens":
            return Tokens(token_from_members(members["token"]))
        case "refusal":
            held = members["token"]
            return Refusal(error=str(members["error"]), token=None if held is None else token_from_members(held))
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
        self._cells: dict[StoreKey, _Cell] = {}

    def load(self, key: StoreKey) -> tuple[int, Record]:
        """The version and the record."""
        cell = self._cells.setdefault(key, _Cell(0, Empty())).newest()
        return cell.version, cell.record

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> int | None:
        """The new version, or None if the version was not the expected one."""
        cell = self._cells.setdefault(key, _Cell(0, Empty())).newest()
        following = _Cell(expected_version + 1, record)
        if cell.version != expected_version or cell.successor.setdefault("next", following) is not following:
            return None
        self._cells[key] = following
        return following.version
