"""The moves that the grants' rows are made of: begin, present, refuse. Pure; each returns a step or a part of one."""

from collections.abc import Mapping
from typing import TypeVar

from attrs import evolve, field, frozen

from ..._values import urls
from ..._values.credential import Credential
from ..._values.errors import ConfigurationError
from ..._values.pending import PendingAuthorization
from ..._values.provider import Provider
from ..._values.scope import Scope, to_scope
from ..._values.secret import Entropy, Opaque, Secret
from ..._values.token import GrantType, Token
from ..._wire.authorization import ValidatedCallback, build_authorization_url, check_extra
from ..._wire.pkce import verifier_from_octets
from ..._wire.token_reply import NotProcessed
from ..._wire.token_request import client_credentials_request, code_request, refresh_request
from ..effects import RedirectUser, RefuseCallers, SendRequest
from ..events import (
    AuthorizationRequested,
    Event,
    ExpiryInterpreted,
    GrantFailed,
    GrantReceived,
    ScopeNarrowed,
    TokenIssued,
    TokenRefreshed,
)
from ..machine import Step
from ..policy import check_client
from .states import AwaitingCallback, Deferred, Failed, GrantInDoubt, Requesting

_MAX_WAIT = 3600.0  # seconds; a server may not put a client to sleep for ever

Stopped = TypeVar("Stopped", Deferred, Failed, GrantInDoubt)


@frozen(kw_only=True, getstate_setstate=False)
class GrantTerms(Opaque):
    """Everything that a grant's handler may look at besides state and input.

    Args:
        timeout: seconds for the token request, everything together.
        pause: seconds before a request that was not processed may be sent again, unless the server names its own.
        token: whose refresh token the refresh-token grant presents first.
        redirect_uri, extra, lifetime: of the authorization-code grant; `lifetime` in seconds from begin to callback.
        ignores_strays: a callback that does not belong to the flow leaves it waiting (a loopback listener is open to
            every process of the machine) instead of ending it (a web application's redirect URI is the user's own).
    """

    grant_type: GrantType
    provider: Provider
    credential: Credential
    scope: Scope = field(default=Scope(), converter=to_scope)
    timeout: float = 30.0
    pause: float = 1.0
    token: Token | None = None
    redirect_uri: str = ""
    extra: Mapping[str, str] = field(factory=dict)
    lifetime: float = 600.0
    ignores_strays: bool = False

    def __attrs_post_init__(self) -> None:
        check_client(self.provider, self.credential, self.grant_type)
        if not (0 < self.timeout < 3600 and 0 < self.pause < 3600):
            raise ConfigurationError("timeout and pause are in seconds: more than 0, less than an hour")
        if self.grant_type is GrantType.AUTHORIZATION_CODE:
            self._check_flow()
        if self.grant_type is GrantType.REFRESH_TOKEN and (self.token is None or self.token.refresh_token is None):
            raise ConfigurationError("this token has no refresh token to present: begin a new authorization")

    def _check_flow(self) -> None:
        urls.check_redirect(self.redirect_uri, allow_localhost=self.provider.allow_localhost)
        check_extra(self.extra, self.credential)
        if self.provider.authorization_endpoint is None:
            raise ConfigurationError("this provider has no authorization_endpoint: set it, or use another grant")
        if not 30 <= self.lifetime <= 3600:
            raise ConfigurationError("lifetime is how long the user may take, in seconds: from 30 to 3600")


def begin(terms: GrantTerms, entropy: Entropy, now: float) -> Step[AwaitingCallback]:
    """Step A: derive state, verifier and handle, and send the browser away."""
    pending = PendingAuthorization(
        handle=_text(entropy, "handle"),
        issuer=terms.provider.issuer,
        token_endpoint=terms.provider.endpoint(GrantType.AUTHORIZATION_CODE),
        client_id=terms.credential.client_id,
        redirect_uri=terms.redirect_uri,
        scope=terms.scope,
        state=_text(entropy, "state"),
        code_verifier=_text(entropy, "code_verifier"),
        begun_at=now,
        expires_at=now + terms.lifetime,
        issuer_parameter=terms.provider.issuer_parameter,
    )
    url = build_authorization_url(
        terms.provider,
        terms.credential,
        redirect_uri=pending.redirect_uri,
        scope=pending.scope,
        state=pending.state,
        code_verifier=pending.code_verifier,
        extra=terms.extra,
    )
    requested = AuthorizationRequested(grant_type=terms.grant_type, scope=terms.scope)
    return Step(AwaitingCallback(pending=pending), (RedirectUser(url=url),), (requested,))


def _text(entropy: Entropy, label: str) -> Secret:
    return verifier_from_octets(entropy.derive(label))


def present(
    terms: GrantTerms,
    count: int,
    *,
    replaces: Token | None = None,
    proof: ValidatedCallback | None = None,
    renews: bool = False,
) -> Step[Requesting]:
    """Step C: present the grant to the token endpoint, in an exchange of its own."""
    flow = "" if proof is None else f"-{proof.pending.begun_at:.6f}"  # a late reply to an earlier flow is not taken for ours
    exchange = f"{terms.grant_type.value}-{count + 1}{flow}"
    if proof is not None:
        request = code_request(terms.provider, terms.credential, proof, timeout=terms.timeout)
    elif replaces is not None and replaces.refresh_token is not None and terms.grant_type is GrantType.REFRESH_TOKEN:
        request = refresh_request(terms.provider, terms.credential, replaces.refresh_token, timeout=terms.timeout)
    else:
        request = client_credentials_request(terms.provider, terms.credential, terms.scope, timeout=terms.timeout)
    state = Requesting(exchange=exchange, count=count + 1, replaces=replaces, proof=proof, renews=renews)
    return Step(state, (SendRequest(exchange=exchange, request=request),), (GrantReceived(grant_type=terms.grant_type),))


def refuse(terms: GrantTerms, state: Stopped) -> Step[Stopped]:
    """Answer whoever waits with the error that the state remembers."""
    failed = GrantFailed(grant_type=terms.grant_type, error=state.error)
    return Step(state, (RefuseCallers(error=state.error),), (failed,))


def news_of(token: Token, clock_offset: float | None, *, renewed: bool) -> tuple[Event, ...]:
    """What observers learn of a token that arrived: issued the first time, refreshed when it replaces another."""
    kind = TokenRefreshed if renewed else TokenIssued
    news: tuple[Event, ...] = (
        kind(grant_type=token.grant_type, scope=token.granted, expiry=token.expiry),
        ExpiryInterpreted(expiry=token.expiry, clock_offset=clock_offset or 0.0),
    )
    if token.missing or token.extra:
        news += (ScopeNarrowed(missing=token.missing, extra=token.extra),)
    return news


def carry_scope(token: Token, previous: Token | None) -> Token:
    """A refresh that names no scope keeps the scope granted before (RFC 6749 §6)."""
    if token.grant_type is not GrantType.REFRESH_TOKEN or token.scope is not None or previous is None:
        return token
    return evolve(token, scope=previous.scope)


def own_expiry(token: Token, clock_offset: float | None) -> float:
    """When the token ends, by this machine's clock; infinity if that is unknown."""
    return float("inf") if token.expiry.at is None else token.expiry.at - (clock_offset or 0.0)


def retry_at(terms: GrantTerms, given: NotProcessed) -> float:
    """When a request that was not processed may be sent again."""
    return given.now + max(terms.pause, min(given.retry_after or 0.0, _MAX_WAIT))
