"""An authorization that was begun and not yet finished: a value that another process can finish, once."""

import json
from collections.abc import Awaitable
from typing import Protocol

from attrs import frozen

from .errors import ConfigurationError, StateReplayed, StateUnknown
from .provider import IssuerParameter
from .scope import Scope
from .secret import Opaque, Secret


@frozen(kw_only=True)
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
    """

    handle: Secret
    issuer: str
    token_endpoint: str
    client_id: str
    redirect_uri: str
    scope: Scope
    state: Secret
    code_verifier: Secret
    begun_at: float
    expires_at: float
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
    def from_json(cls, text: str) -> "PendingAuthorization":
        """The value that `reveal_json` wrote.

        Raises:
            ConfigurationError: the text is not such a JSON.
        """
        try:
            members = json.loads(text)
            members |= {name: Secret(members[name]) for name in ("handle", "state", "code_verifier")}
            members |= {"scope": Scope.of(members["scope"]), "issuer_parameter": IssuerParameter(members["issuer_parameter"])}
            return cls(**members)
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise ConfigurationError("this is not a pending authorization that reveal_json() wrote", code="pending_json") from None


class PendingStore(Protocol):
    """Where pending authorizations wait for the browser. `take` removes what it returns, in one atomic step."""

    def put(self, pending: PendingAuthorization) -> None | Awaitable[None]:
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
        self._waiting: dict[str, PendingAuthorization] = {}
        self._taken: dict[str, None] = {}
        self._capacity = capacity

    def put(self, pending: PendingAuthorization) -> None:
        """Keep it under its handle."""
        _make_room(self._waiting, self._capacity)
        self._waiting[pending.handle.reveal()] = pending

    def take(self, handle: str) -> PendingAuthorization:
        """Remove and return it; see `PendingStore.take`."""
        pending = self._waiting.pop(handle, None)  # atomic: of two takers one gets it
        if pending is None:
            if handle in self._taken:
                raise StateReplayed("this authorization was finished before: a code is used once; begin a new one")
            raise StateUnknown("no authorization is pending under this handle: begin a new one")
        _make_room(self._taken, self._capacity)
        self._taken[handle] = None
        return pending


def _make_room(entries: dict[str, PendingAuthorization] | dict[str, None], capacity: int) -> None:
    while len(entries) >= capacity:
        entries.pop(next(iter(entries)), None)
