"""The states of a grant. Three grants share them: what differs is what is presented, and what may be presented twice.

`pending` is the authorization-code flow that the state belongs to, None for the other grants.
"""

import math

from attrs import frozen

from ..._values.errors import TropiPayOAuthError
from ..._values.pending import PendingAuthorization
from ..._values.secret import Opaque
from ..._values.token import Token
from ..._wire.authorization import ValidatedCallback


@frozen(kw_only=True, getstate_setstate=False)
class Ready(Opaque):
    """Nothing was asked for yet."""

    wake_at: None = None


@frozen(kw_only=True, getstate_setstate=False)
class AwaitingCallback(Opaque):
    """Steps A and B: the resource owner decides in the browser. The state is a value that another process can finish."""

    pending: PendingAuthorization

    @property
    def wake_at(self) -> float:
        """When the authorization has been pending too long."""
        return self.pending.expires_at


@frozen(kw_only=True, getstate_setstate=False)
class _Attempt(Opaque):
    """What is presented, or will be.

    Args:
        count: how often the grant was presented.
        replaces: the token that the new one takes the place of.
        renews: whether this machine issued it.
        proof: the validated callback of a code grant.
    """

    count: int
    replaces: Token | None = None
    proof: ValidatedCallback | None = None
    renews: bool = False
    wake_at: None = None

    @property
    def pending(self) -> PendingAuthorization | None:
        """The flow that the proof belongs to."""
        return None if self.proof is None else self.proof.pending


@frozen(kw_only=True, getstate_setstate=False)
class Requesting(_Attempt):
    """Step C: the grant was presented in this exchange; its reply is awaited."""

    exchange: str


@frozen(kw_only=True, getstate_setstate=False)
class Active(Opaque):
    """Step D: there is an access token. `ends_at` is Unix seconds by this machine's clock."""

    token: Token
    count: int
    ends_at: float
    pending: PendingAuthorization | None = None

    @property
    def wake_at(self) -> float | None:
        """When the token ends, None if that is unknown."""
        return self.ends_at if math.isfinite(self.ends_at) else None


@frozen(kw_only=True, getstate_setstate=False)
class Expired(Opaque):
    """The access token ended, by the clock or by a refusal of the API."""

    token: Token
    count: int
    pending: PendingAuthorization | None = None
    wake_at: None = None


@frozen(kw_only=True, getstate_setstate=False)
class Deferred(_Attempt):
    """The server did not process the request, or may be asked again without harm: not before `retry_at` (Unix seconds)."""

    error: TropiPayOAuthError
    retry_at: float


@frozen(kw_only=True, getstate_setstate=False)
class Failed(Opaque):
    """The grant was refused. The end."""

    error: TropiPayOAuthError
    pending: PendingAuthorization | None = None
    wake_at: None = None


@frozen(kw_only=True, getstate_setstate=False)
class GrantInDoubt(Opaque):
    """What was presented may have been consumed and no reply came: it is never presented again (rule 5)."""

    error: TropiPayOAuthError
    pending: PendingAuthorization | None = None
    wake_at: None = None


GrantState = Ready | AwaitingCallback | Requesting | Active | Expired | Deferred | Failed | GrantInDoubt
