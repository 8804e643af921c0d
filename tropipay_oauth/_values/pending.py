"""An authorization that was begun and not yet finished: a value that another process can finish, once."""

import json
from collections.abc import Awaitable
from typing import Any, Protocol

from attrs import field, frozen

from . import urls
from .checks import line, member, moment, read_json
from .errors import ConfigurationError, StateReplayed, StateUnknown
from .provider import IssuerParameter
from .scope import Scope
from .secret import Opaque, Secret, discreet, discreet_init, to_secret


def _check_endpoint(instance: object, attribute: Any, value: str) -> None:
    urls.check_endpoint(f"{attribute.name} of the pending authorization", value, allow_localhost=True)


def _check_redirect(instance: object, attribute: object, value: str) -> None:
    urls.check_redirect(value, allow_localhost=True)


@discreet_init
@frozen(kw_only=True, getstate_setstate=False)
class PendingAuthorization(Opaque):
    """All that is needed to finish an authorization-code flow, bound to the server it was begun with (RFC 9700 §4.4.2).

    It holds the PKCE verifier and the state: keep it on the server and give the browser's cookie only the `handle`.

    Args:
        handle: under which it is stored.
        issuer, token_endpoint, client_id: of the provider and credential that began it; a code goes nowhere else.
        redirect_uri: as sent; the callback must arrive there and the exchange repeats it.
        scope: as requested.
        state, code_verifier: hidden, fresh for this flow.
        begun_at, expires_at: Unix seconds by this machine's clock.
        issuer_parameter: what the callback's `iss` must be.

    Raises:
        ConfigurationError: a URL that secrets may not be sent to, or a time that is no finite number.
    """

    handle: Secret = field(converter=to_secret)
    issuer: str = field(validator=_check_endpoint)
    token_endpoint: str = field(validator=_check_endpoint)
    client_id: str = field(validator=line)
    redirect_uri: str = field(validator=_check_redirect)
    scope: Scope
    state: Secret = field(converter=to_secret)
    code_verifier: Secret = field(converter=to_secret)
    begun_at: float = field(validator=moment)
    expires_at: float = field(validator=moment)
    issuer_parameter: IssuerParameter

    def reveal_json(self) -> str:
        """As JSON with its secrets in clear, for a store on the server."""
        return json.dumps(
            {
                "handle": self.handle.reveal(),
                "issuer": self.issuer,
                "token_endpoint": self.token_endpoint,
                "client_id": self.client_id,
                "redirect_uri": self.redirect_uri,
                "scope": str(self.scope),
                "state": self.state.reveal(),
                "code_verifier": self.code_verifier.reveal(),
                "begun_at": self.begun_at,
                "expires_at": self.expires_at,
                "issuer_parameter": self.issuer_parameter.value,
            }
        )

    @classmethod
    @discreet
    def from_json(cls, text: str) -> "PendingAuthorization":
        """The value that `reveal_json` wrote.

        Raises:
            ConfigurationError: the text is not such a JSON.
        """
        pending = read_json(text, _from_members)
        if pending is None:
            raise ConfigurationError(
                "this is not a pending authorization that reveal_json() wrote: pass that text unchanged", code="pending_json"
            )
        return pending


def _from_members(members: dict[str, Any]) -> PendingAuthorization:
    read = {"scope": Scope.of(member(members, "scope", str)), "issuer_parameter": IssuerParameter(members["issuer_parameter"])}
    return PendingAuthorization(**(members | read))


class PendingStore(Protocol):
    """Where pending authorizations wait for the browser. `take` removes what it returns, in one atomic step."""

    def put(self, pending: PendingAuthorization) -> Awaitable[None] | None:
        """Keep it under its handle until it expires."""
        ...

    def take(self, handle: str) -> PendingAuthorization | Awaitable[PendingAuthorization]:
        """Remove and return it.

        Raises:
            StateReplayed: it was taken before.
            StateUnknown: it was never there, or its time is over.
        """
        ...


class MemoryPendingStore:
    """Pending authorizations kept in this process, at most `capacity`; the oldest make room. Safe for threads."""

    def __init__(self, capacity: int = 10_000) -> None:
        if capacity < 1:
            raise ConfigurationError("capacity is the number of authorizations to keep: at least 1", code="capacity")
        self._waiting: dict[str, PendingAuthorization] = {}
        self._taken: dict[str, None] = {}
        self._capacity = capacity

    def put(self, pending: PendingAuthorization) -> None:
        """Keep it under its handle."""
        _make_room(self._waiting, self._capacity)
        self._waiting[pending.handle.reveal()] = pending

    @discreet
    def take(self, handle: str) -> PendingAuthorization:
        """Remove and return it; see `PendingStore.take`."""
        if handle in self._waiting:  # noted before it is removed: who comes second is told of a replay
            _make_room(self._taken, self._capacity)
            self._taken[handle] = None
        pending = self._waiting.pop(handle, None)  # atomic: of two takers one gets it
        if pending is not None:
            return pending
        if handle in self._taken:
            raise StateReplayed("this authorization was finished before: a code is used once; begin a new one")
        raise StateUnknown("no authorization is pending under this handle: begin a new one")


def _make_room(entries: dict[str, PendingAuthorization] | dict[str, None], capacity: int) -> None:
    if len(entries) >= capacity:
        # A list made in one step: other threads may change the dict, and an iterator would fail then.
        for oldest in list(entries)[: len(entries) - capacity + 1]:
            entries.pop(oldest, None)
