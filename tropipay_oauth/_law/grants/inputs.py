"""The inputs of the tables that are no facts themselves: what the wire layer made of a callback."""

from attrs import frozen

from ..._values.errors import AuthorizationRefused, CallbackError
from ..._values.secret import Opaque
from ..._wire.authorization import ValidatedCallback


@frozen(kw_only=True, getstate_setstate=False)
class CallbackValidated(Opaque):
    """The callback belongs to this flow and carries a code."""

    proof: ValidatedCallback
    now: float


@frozen(kw_only=True)
class AuthorizationDenied:
    """The callback belongs to this flow and carries the server's refusal."""

    error: AuthorizationRefused
    now: float


@frozen(kw_only=True)
class CallbackRefused:
    """The callback is no answer to this flow."""

    error: CallbackError
    now: float
