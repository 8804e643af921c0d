"""The three grants as machines: what the wire layer makes of a fact, before the law applies."""

from collections.abc import Mapping
from typing import Self

from attrs import evolve

from ..._values import urls
from ..._values.credential import Credential
from ..._values.errors import AuthorizationRefused, CallbackError, RecordMismatch, StateUnknown
from ..._values.pending import PendingAuthorization
from ..._values.provider import Provider
from ..._values.scope import Scope
from ..._values.secret import Secret, discreet
from ..._values.token import GrantType, Token
from ..._wire.authorization import validate_callback
from ..._wire.token_reply import Granted, read_token_reply, read_transport_failure
from ..facts import CallbackReceived, Fact, ResponseReceived, TransportFailed
from ..machine import Machine, State, Table
from .inputs import AuthorizationDenied, CallbackRefused, CallbackValidated
from .moves import GrantTerms, carry_scope
from .states import AwaitingCallback, GrantState, Ready, Requesting
from .tables import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN


class _Grant(Machine):
    """What the three have in common: one exchange at a time, and a late reply is dropped."""

    _terms: GrantTerms
    _state: GrantState

    @property
    def state(self) -> GrantState:
        """Where this grant is: a value of `tropipay_oauth.states`."""
        return self._state

    def _interpret(self, state: State, fact: Fact) -> object | None:
        match fact:
            case ResponseReceived() | TransportFailed():
                return self._reply(state, fact) if isinstance(state, Requesting) and state.exchange == fact.exchange else None
            case CallbackReceived():
                return _read_callback(getattr(state, "pending", None), fact)
            case _:
                return fact

    def _reply(self, state: Requesting, fact: ResponseReceived | TransportFailed) -> object:
        if isinstance(fact, TransportFailed):
            return read_transport_failure(fact.delivery, fact.reason, now=fact.now)
        previous = state.replaces if self._terms.grant_type is GrantType.REFRESH_TOKEN else None
        outcome = read_token_reply(
            fact.response,
            provider=self._terms.provider,
            grant_type=self._terms.grant_type,
            requested=self._terms.scope,
            now=fact.now,
            clock_offset=None,
            refresh_token=None if previous is None else previous.refresh_token,
            known_secrets=_secrets(self._terms.credential, state),
        )
        if isinstance(outcome, Granted):
            return evolve(outcome, token=carry_scope(outcome.token, previous))
        return outcome


def _secrets(credential: Credential, state: Requesting) -> tuple[Secret, ...]:
    sent = [credential.client_secret]
    if state.replaces is not None:
        sent += [state.replaces.access_token, state.replaces.refresh_token]
    if state.proof is not None:
        pending = state.proof.pending
        sent += [state.proof.code, pending.code_verifier, pending.state, pending.handle]
    return tuple(secret for secret in sent if secret is not None)


def _read_callback(pending: PendingAuthorization | None, fact: CallbackReceived) -> object:
    if pending is None:
        error = StateUnknown("no authorization was begun here: begin one, then send the browser to its URL")
        return CallbackRefused(error=error, now=fact.now)
    try:
        return CallbackValidated(proof=validate_callback(pending, fact.url, fact.now), now=fact.now)
    except AuthorizationRefused as refusal:
        return AuthorizationDenied(error=refusal, now=fact.now)
    except CallbackError as error:
        return CallbackRefused(error=error, now=fact.now)


class ClientCredentialsGrant(_Grant):
    """The client asks in its own name (RFC 6749 §4.4; TropiPay: external app to TropiPay).

    `handle(AccessRequested)` sends, releases or refuses; the first token is issued, later ones are refreshed.

    Args:
        provider, credential: whom to ask, and who asks.
        scope: a text, a list or None.
        timeout: seconds for the token request.

    Raises:
        ConfigurationError: the credential has no secret.
    """

    _table: Table = CLIENT_CREDENTIALS

    def __init__(
        self, *, provider: Provider, credential: Credential, scope: Scope | str | None = None, timeout: float = 30.0
    ) -> None:
        super().__init__(
            GrantTerms(
                grant_type=GrantType.CLIENT_CREDENTIALS,
                provider=provider,
                credential=credential,
                scope=scope,
                timeout=timeout,
            ),
            Ready(),
        )


class AuthorizationCodeGrant(_Grant):
    """The user is asked in the browser; the code is exchanged with PKCE (RFC 6749 §4.1, RFC 7636).

    `handle(BeginAuthorization)` redirects the user; `state.pending` is then a value to keep on the server. Any process
    goes on with `resume(pending, ...)` and `handle(CallbackReceived)`.

    Args:
        provider, credential: whom to ask, and who asks.
        redirect_uri: where the browser comes back to: https, or http on a loopback IP literal.
        scope: a text, a list or None.
        extra: further parameters of the authorization URL; never a secret.
        lifetime: seconds that the user may take.
        timeout: seconds for the token request.
        ignores_strays: whether a callback that does not belong to the flow leaves it waiting; by default only at a
            loopback redirect URI, which every process of the machine can reach.

    Raises:
        ConfigurationError: the redirect URI is relative, insecure or has a fragment; an extra parameter is reserved.
    """

    _table: Table = AUTHORIZATION_CODE

    @discreet
    def __init__(
        self,
        *,
        provider: Provider,
        credential: Credential,
        redirect_uri: str,
        scope: Scope | str | None = None,
        extra: Mapping[str, str] | None = None,
        lifetime: float = 600.0,
        timeout: float = 30.0,
        ignores_strays: bool | None = None,
    ) -> None:
        terms = GrantTerms(
            grant_type=GrantType.AUTHORIZATION_CODE,
            provider=provider,
            credential=credential,
            scope=scope,
            timeout=timeout,
            redirect_uri=redirect_uri,
            extra=dict(extra or {}),
            lifetime=lifetime,
            ignores_strays=_is_loopback(redirect_uri) if ignores_strays is None else ignores_strays,
        )
        super().__init__(terms, Ready())

    @classmethod
    def resume(
        cls,
        pending: PendingAuthorization,
        *,
        provider: Provider,
        credential: Credential,
        timeout: float = 30.0,
        ignores_strays: bool | None = None,
    ) -> Self:
        """The flow as another process left it, ready for its callback.

        Raises:
            RecordMismatch: it was begun with another provider or credential (RFC 9700 §4.4.2).
        """
        if (pending.issuer, pending.client_id) != (provider.issuer, credential.client_id):
            raise RecordMismatch("this authorization was begun with another provider or client: resume it with its own")
        grant = cls(
            provider=provider,
            credential=credential,
            redirect_uri=pending.redirect_uri,
            scope=pending.scope,
            timeout=timeout,
            ignores_strays=ignores_strays,
        )
        grant._state = AwaitingCallback(pending=pending)
        return grant


def _is_loopback(redirect_uri: str) -> bool:
    host = urls.split("redirect_uri", redirect_uri).hostname or ""
    return urls.is_loopback(host) or host == "localhost"


class RefreshTokenGrant(_Grant):
    """A refresh token is exchanged for a new access token (RFC 6749 §6).

    Args:
        provider, credential: whom to ask, and who asks.
        token: a token with a refresh token; the newest one is used, as it rotates.
        timeout: seconds for the token request.

    Raises:
        ConfigurationError: the token has no refresh token.
    """

    _table: Table = REFRESH_TOKEN

    def __init__(self, *, provider: Provider, credential: Credential, token: Token, timeout: float = 30.0) -> None:
        super().__init__(
            GrantTerms(
                grant_type=GrantType.REFRESH_TOKEN,
                provider=provider,
                credential=credential,
                scope=token.requested,
                token=token,
                timeout=timeout,
            ),
            Ready(),
        )
