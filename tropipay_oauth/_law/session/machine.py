"""The session as a machine: what the wire layer makes of a fact, before the law applies."""

from ..._values.credential import Credential
from ..._values.provider import Provider
from ..._values.records import StoreKey
from ..._values.scope import Scope
from ..._values.secret import Entropy, Secret
from ..._values.token import GrantType
from ..._wire.token_reply import read_token_reply, read_transport_failure
from ..access import Access
from ..facts import Fact, ResponseReceived, TransportFailed
from ..machine import Machine, State, Table
from ..policy import SessionPolicy, Terms
from .inputs import RevocationAnswered
from .moves import token_of
from .states import Dormant, Exchanging, Revoking, SessionState
from .table import SESSION


class Session(Machine):
    """Keeps one token alive, for any number of callers.

    Args:
        provider, credential: whom to ask, and who asks.
        scope: what to ask for; None asks for nothing in particular.
        account: your label for the user whose token it is; empty for the application itself, or for one user who needs no name.
        renewal: `GrantType.CLIENT_CREDENTIALS`, or `GrantType.REFRESH_TOKEN` for a user's token, which then comes from an
            authorization-code flow by the fact `AuthorizationGranted`.
        entropy: 32 fresh bytes; exchange ids and jitter are derived from it.
        policy: how to wait, retry and renew.

    Raises:
        ConfigurationError: the credential does not fit the provider or the grant.
    """

    _table: Table = SESSION
    _terms: Terms
    _state: SessionState

    def __init__(
        self,
        *,
        provider: Provider,
        credential: Credential,
        scope: Scope | str | None = None,
        account: str = "",
        renewal: GrantType = GrantType.CLIENT_CREDENTIALS,
        entropy: Entropy,
        policy: SessionPolicy | None = None,
    ) -> None:
        terms = Terms(
            provider=provider,
            credential=credential,
            scope=scope,
            account=account,
            renewal=renewal,
            entropy=entropy,
            policy=policy or SessionPolicy(),
        )
        super().__init__(terms, Dormant())
        self._key = terms.key

    @property
    def state(self) -> SessionState:
        """Where this session is: a value of `tropipay_oauth.states`."""
        return self._state

    @property
    def key(self) -> StoreKey:
        """Under which its record is stored."""
        return self._key

    @property
    def access(self) -> Access | None:
        """The token that callers may use now, as an immutable snapshot."""
        return self._state.ledger.held

    def _interpret(self, state: State, fact: Fact) -> object | None:
        if not isinstance(fact, (ResponseReceived, TransportFailed)):
            return fact
        if isinstance(state, Exchanging) and state.exchange == fact.exchange:
            return self._token_reply(state, fact)
        if isinstance(state, Revoking) and state.exchange == fact.exchange:
            confirmed = isinstance(fact, ResponseReceived) and fact.response.status == 200
            return RevocationAnswered(confirmed=confirmed, now=fact.now)
        return None

    def _token_reply(self, state: Exchanging, fact: ResponseReceived | TransportFailed) -> object:
        if isinstance(fact, TransportFailed):
            return read_transport_failure(fact.delivery, fact.reason, now=fact.now)
        terms = self._terms
        token = token_of(state.base)
        presented = token.refresh_token if token is not None and state.grant_type is GrantType.REFRESH_TOKEN else None
        return read_token_reply(
            fact.response,
            provider=terms.provider,
            grant_type=state.grant_type,
            requested=terms.scope,
            now=fact.now,
            clock_offset=state.ledger.clock_offset,
            refresh_token=presented,
            known_secrets=_known(
                terms.credential.client_secret, presented, *((token.access_token, token.refresh_token) if token else ())
            ),
        )


def _known(*secrets: Secret | None) -> tuple[Secret, ...]:
    return tuple(secret for secret in secrets if secret is not None)
