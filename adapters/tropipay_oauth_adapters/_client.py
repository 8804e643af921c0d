"""What the three clients can do, in words that are the same for all: a request, a sign-in, giving the token up.

What belongs here: putting the engine's answers into the order of a caller's wish. What does not: performing effects
(`_driver`), and what only a runtime can say (`sync`, `asyncio`, `trio`).
"""

import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

from attrs import frozen

from tropipay_oauth import (
    Access,
    AuthorizationCodeGrant,
    Credential,
    Entropy,
    GrantType,
    HTTPRequest,
    HTTPResponse,
    MemoryPendingStore,
    MemoryStore,
    PendingStore,
    Provider,
    Scope,
    Secret,
    Session,
    SessionPolicy,
    Step,
    Token,
    TransportError,
)
from tropipay_oauth.effects import RedirectUser, RefuseCallers, ReleaseCallers, SendRequest
from tropipay_oauth.errors import ConfigurationError, StateUnknown
from tropipay_oauth.events import CallbackIgnored
from tropipay_oauth.facts import AuthorizationGranted, BeginAuthorization, CallbackReceived, RevocationRequested
from tropipay_oauth.records import AsyncTokenStore, TokenStore
from tropipay_oauth.states import AwaitingCallback

from ._calls import build_request
from ._clock import Clock
from ._driver import Driver
from ._waiting import Answer

Scopes = Scope | str | None


@frozen(kw_only=True)
class AuthorizationStart:
    """An authorization that was begun: send the browser to `url`; keep `handle` in the user's cookie, and nothing else."""

    url: str
    handle: Secret


class Client(Driver):
    """The shared part of `TropiPayClient`: keeps one token alive for any number of callers.

    Args:
        provider, credential: whom to ask, and who asks.
        scope: what to ask for; None asks for nothing in particular.
        account: your label for the user whose token it is; empty for the application itself.
        renewal: `GrantType.CLIENT_CREDENTIALS`, or `GrantType.REFRESH_TOKEN` for a user's token (`authorize`, `finish`).
        store: where the token is kept and shared with other processes; memory by default.
        pending_store: where authorizations wait for the browser; memory by default.
        transport: an object with `send(request: HTTPRequest) -> HTTPResponse`; see `Transport`. It stays yours to close.
        policy: how to wait, retry and renew.
        redirect_uri: where the browser comes back to.
        clock: gives Unix time in seconds and never runs backwards; for tests.

    Raises:
        ConfigurationError: the credential does not fit the provider or the grant.
    """

    def __init__(
        self,
        provider: Provider,
        credential: Credential,
        *,
        scope: Scopes = None,
        account: str = "",
        renewal: GrantType = GrantType.CLIENT_CREDENTIALS,
        store: TokenStore | AsyncTokenStore | None = None,
        pending_store: PendingStore | None = None,
        transport: Any = None,
        policy: SessionPolicy | None = None,
        redirect_uri: str | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        for notice in provider.notices:
            warnings.warn(notice, stacklevel=2)
        policy = policy or SessionPolicy()
        session = Session(
            provider=provider,
            credential=credential,
            scope=scope,
            account=account,
            renewal=renewal,
            entropy=Entropy(os.urandom(32)),
            policy=policy,
        )
        super().__init__(session, MemoryStore() if store is None else store, transport, policy, clock or Clock())
        self._provider = provider
        self._credential = credential
        self._scope = scope
        self._renewal = renewal
        self._redirect_uri = redirect_uri
        self._pending_store: Any = MemoryPendingStore() if pending_store is None else pending_store
        self._last_handle: Secret | None = None

    async def _request(self, method: str, path_or_url: str, **parts: Any) -> HTTPResponse:
        request = build_request(self._provider, self._credential, method, path_or_url, **parts)
        response = await self._present(request, resent=False)
        return response if response is not None else cast(HTTPResponse, await self._present(request, resent=True))

    async def _present(self, request: HTTPRequest, *, resent: bool) -> HTTPResponse | None:
        """The response, or None if the engine says that the request is to be sent once more."""
        access = await self._access(request.timeout)
        try:
            response = await self._exchange(access.authorize(request, self._clock()))
        except TransportError as error:
            if access.may_resend(request, error.delivery, resent=resent):
                return None
            raise
        verdict = access.judge(request, response, now=self._clock(), resent=resent)
        self._events.publish(verdict.events)
        for fact in verdict.facts:
            self._tell(fact)
        return None if verdict.resend else response

    async def _revoke(self) -> bool:
        return await self._ask(RevocationRequested(now=self._clock()), self._revokers, Answer(self._signal()))

    # -- The authorization-code flow -------------------------------------------------------------------------------

    async def _authorize(self, scope: Scopes, extra: Mapping[str, str] | None) -> AuthorizationStart:
        self._check()
        if self._redirect_uri is None or self._renewal is not GrantType.REFRESH_TOKEN:
            raise ConfigurationError(
                "a user's authorization needs a client made with redirect_uri=... and renewal=GrantType.REFRESH_TOKEN",
                code="renewal",
            )
        grant = AuthorizationCodeGrant(
            provider=self._provider,
            credential=self._credential,
            redirect_uri=self._redirect_uri,
            scope=self._scope if scope is None else scope,
            extra=extra,
        )
        step = grant.handle(BeginAuthorization(entropy=Entropy(os.urandom(32)), now=self._clock()))
        pending = cast(AwaitingCallback, grant.state).pending
        await self._settle(self._pending_store.put(pending))
        self._events.publish(step.events)
        self._last_handle = pending.handle
        redirect = cast(RedirectUser, step.effects[0])
        return AuthorizationStart(url=redirect.url, handle=pending.handle)

    async def _finish(self, callback_url: str | Secret, handle: str | Secret | None) -> Token:
        known = self._last_handle if handle is None else handle
        if known is None:
            raise StateUnknown("no authorization was begun by this client: pass the handle that authorize() gave")
        url = callback_url if isinstance(callback_url, Secret) else Secret(callback_url)
        name = known.reveal() if isinstance(known, Secret) else known
        return await self._in_background(lambda: self._finish_here(url, name))

    async def _finish_here(self, url: Secret, handle: str) -> Token:
        pending = await self._settle(self._pending_store.take(handle))
        grant = AuthorizationCodeGrant.resume(
            pending, provider=self._provider, credential=self._credential, timeout=self._policy.exchange_timeout
        )
        step = grant.handle(CallbackReceived(url=url, now=self._clock()))
        if not step.effects:  # a stray hit: the engine still waits for the real one
            await self._settle(self._pending_store.put(pending))
        return await self._adopt(await self._drive(grant, step))

    async def _drive(self, grant: AuthorizationCodeGrant, step: Step[Any]) -> Token:
        while True:
            self._events.publish(step.events)
            for ignored in step.events:
                if isinstance(ignored, CallbackIgnored):
                    raise ignored.error
            match step.effects[0]:
                case ReleaseCallers(token=token):
                    return token
                case RefuseCallers(error=error):
                    raise error
                case effect:
                    step = grant.handle(await self._send(cast(SendRequest, effect)))

    async def _adopt(self, token: Token) -> Token:
        """Hand the token to the session and wait until it is committed, or another authorization has replaced it."""

        def committed(access: Access) -> bool:
            return access.token.access_token == token.access_token or not self._is_unsaved(token)

        answer = Answer(self._signal(), committed)
        await self._ask(AuthorizationGranted(token=token, now=self._clock()), self._callers, answer)
        return token

    def _is_unsaved(self, token: Token) -> bool:
        unsaved = self._session.state.ledger.unsaved
        return unsaved is not None and unsaved.token.access_token == token.access_token
