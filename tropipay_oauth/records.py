"""Records: what a token store holds, under which key, and how it is written down."""

from ._values.records import (
    AsyncTokenStore as AsyncTokenStore,
)
from ._values.records import (
    Empty as Empty,
)
from ._values.records import (
    Intent as Intent,
)
from ._values.records import (
    MemoryStore as MemoryStore,
)
from ._values.records import (
    Record as Record,
)
from ._values.records import (
    Refusal as Refusal,
)
from ._values.records import (
    StoreKey as StoreKey,
)
from ._values.records import (
    Tokens as Tokens,
)
from ._values.records import (
    TokenStore as TokenStore,
)
from ._values.records import (
    record_from_json as record_from_json,
)
from ._values.records import (
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
