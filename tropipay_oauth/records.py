"""Records: what a token store holds, under which key, and how it is written down."""

from ._values.records import (
    AsyncTokenStore as AsyncTokenStore,
    Empty as Empty,
    Intent as Intent,
    MemoryStore as MemoryStore,
    Record as Record,
    Refusal as Refusal,
    StoreKey as StoreKey,
    TokenStore as TokenStore,
    Tokens as Tokens,
    record_from_json as record_from_json,
    record_to_json as record_to_json,
)

__all__ = [
    "AsyncTokenStore",
    "Empty",
    "Intent",
    "MemoryStore",
    "Record",
    "Refusal",
    "StoreKey",
    "TokenStore",
    "Tokens",
    "record_from_json",
    "record_to_json",
]
