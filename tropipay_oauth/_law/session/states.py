"""The states of a session, and the ledger that goes with it from state to state.

What belongs here: what a session knows at each moment. What does not: what it does next (the rows: `callers`, `store`,
`replies`, `endings`).
"""

from enum import Enum
from typing import TypeVar

from attrs import field, frozen

from ..._values.errors import TropiPayOAuthError
from ..._values.records import Base
from ..._values.secret import Opaque, Secret
from ..._values.token import GrantType, Token
from ..access import Access


class Ending(Enum):
    """What is to be done as soon as the exchange under way has come to its end."""

    REVOKE = "revoke"
    CLOSE = "close"
    REVOKE_AND_CLOSE = "revoke and close"


@frozen(kw_only=True, getstate_setstate=False)
class Unsaved(Opaque):
    """A token that is not in the store yet.

    `exchange` is the exchange that brought it and `base` the record it replaces; both None for a new authorization, which
    replaces whatever is stored. `since` is Unix seconds; `failures` counts how often the store failed meanwhile;
    `announced` tells that observers know of the token.
    """

    token: Token
    since: float
    exchange: str | None = None
    base: Base | None = None
    announced: bool = False
    failures: int = 0


@frozen(kw_only=True)
class Watched:
    """Another worker's intent, unchanged since (Unix seconds by this machine's clock)."""

    exchange: str
    since: float


@frozen(kw_only=True, getstate_setstate=False)
class Ledger(Opaque):
    """What a session remembers in every state.

    Args:
        count: how many values were derived from the entropy.
        held: the token that callers may use meanwhile.
        unsaved: the token that must get into the store before anybody gets it (rule 3).
        later: a new authorization that came while an older token was still to be given up.
        clock_offset: server time minus ours in seconds, None until known; never stored.
        rotates: whether the provider was seen to rotate refresh tokens.
        failures: attempts that failed in a row, the first at `failing_since`.
        strikes: new tokens in a row that were of no use: refused before a first success, or ended on receipt.
        store_failures: of the store, in a row.
        unsent: intents of mine that consumed nothing: each may be claimed anew, however late the store shows it.
        doubted: an intent whose fate is unknown.
        rejected: the access token that a resource server refused last.
        watched: another worker's intent.
        ending: what follows when the exchange under way has ended.
    """

    count: int = 0
    held: Access | None = None
    unsaved: Unsaved | None = None
    later: Unsaved | None = None
    clock_offset: float | None = None
    rotates: bool | None = None
    failures: int = 0
    failing_since: float = 0.0
    strikes: int = 0
    store_failures: int = 0
    unsent: frozenset[str] = frozenset()
    doubted: str | None = None
    rejected: Secret | None = None
    watched: Watched | None = None
    ending: Ending | None = None


@frozen(kw_only=True, getstate_setstate=False)
class _State(Opaque):
    ledger: Ledger = Ledger()

    @property
    def wake_at(self) -> float | None:
        """Nothing is due."""
        return None


@frozen(kw_only=True, getstate_setstate=False)
class Dormant(_State):
    """Nothing is known yet, or the token was given up."""


@frozen(kw_only=True, getstate_setstate=False)
class Loading(_State):
    """The store was asked for the record."""


@frozen(kw_only=True, getstate_setstate=False)
class Claiming(_State):
    """An intent is being written: nothing was sent yet. `retry` tells that it is the opt-in retry of one in doubt."""

    exchange: str
    base: Base
    retry: bool = False


@frozen(kw_only=True, getstate_setstate=False)
class Exchanging(_State):
    """The intent is in the store as `version`; the token request is out."""

    exchange: str
    base: Base
    version: int
    grant_type: GrantType
    retry: bool = False


@frozen(kw_only=True, getstate_setstate=False)
class Committing(_State):
    """The new token is being written."""

    writing: Unsaved


@frozen(kw_only=True, getstate_setstate=False)
class Settling(_State):
    """The exchange brought no token: the intent is being taken back, or replaced by the refusal.

    `error` is what callers hear, until `until` (Unix seconds); `spent` tells that they hear it at once.
    """

    exchange: str
    target: Base
    error: TropiPayOAuthError
    until: float
    spent: bool


@frozen(kw_only=True, getstate_setstate=False)
class Live(_State):
    """There is a valid token in `ledger.held`; `due` is when it is time to renew or to save it (Unix seconds)."""

    due: float

    @property
    def wake_at(self) -> float | None:
        """When to renew, None if that is not known."""
        return self.due if self.due != float("inf") else None


@frozen(kw_only=True, getstate_setstate=False)
class Resting(_State):
    """Back-off: no attempt before `until` (Unix seconds). Once attempts are spent, callers hear `error` at once."""

    error: TropiPayOAuthError
    until: float
    spent: bool

    @property
    def wake_at(self) -> float | None:
        """The next attempt; none of its own accord once attempts are spent."""
        return None if self.spent else self.until


@frozen(kw_only=True, getstate_setstate=False)
class Watching(_State):
    """Another worker is renewing: look again at `recheck_at` (Unix seconds)."""

    recheck_at: float

    @property
    def wake_at(self) -> float:
        """When to look again."""
        return self.recheck_at


@frozen(kw_only=True, getstate_setstate=False)
class InDoubt(_State):
    """A refresh token may have been consumed and no reply is known. It is not sent again (rule 5)."""

    error: TropiPayOAuthError


@frozen(kw_only=True, getstate_setstate=False)
class NeedsAuthorization(_State):
    """Only the user can help: no refresh token, or the server refused it."""

    error: TropiPayOAuthError


@frozen(kw_only=True, getstate_setstate=False)
class Forgetting(_State):
    """The token is being given up: the store was asked what it holds."""

    tokens: tuple[Token, ...] = field(default=())
    failures: int = 0


@frozen(kw_only=True, getstate_setstate=False)
class Erasing(_State):
    """The token is being given up: the record is being emptied."""

    tokens: tuple[Token, ...] = field(default=())
    failures: int = 0


@frozen(kw_only=True, getstate_setstate=False)
class Revoking(_State):
    """The record is empty; the provider was asked to revoke the token (RFC 7009), as far as it can.

    `confirmed` tells that it has confirmed every one so far.
    """

    exchange: str
    remaining: tuple[Token, ...] = field(default=())
    confirmed: bool = True


@frozen(kw_only=True, getstate_setstate=False)
class Closed(_State):
    """The end."""


SessionState = (
    Dormant
    | Loading
    | Claiming
    | Exchanging
    | Committing
    | Settling
    | Live
    | Resting
    | Watching
    | InDoubt
    | NeedsAuthorization
    | Forgetting
    | Erasing
    | Revoking
    | Closed
)

AnyState = TypeVar(
    "AnyState",
    Dormant,
    Loading,
    Claiming,
    Exchanging,
    Committing,
    Settling,
    Live,
    Resting,
    Watching,
    InDoubt,
    NeedsAuthorization,
    Forgetting,
    Erasing,
    Revoking,
    Closed,
)
Busy = TypeVar("Busy", Loading, Claiming, Exchanging, Committing, Settling)
Draining = TypeVar("Draining", Claiming, Exchanging, Committing, Settling)
Leaving = TypeVar("Leaving", Forgetting, Erasing, Revoking)
