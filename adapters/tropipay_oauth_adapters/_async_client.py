"""The public methods of the asynchronous clients: the same words for asyncio and trio."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tropipay_oauth import HTTPResponse, Secret, Token

from ._client import AuthorizationStart, Client, Scopes


class AsyncClient(Client):
    """The shared part of the asynchronous `TropiPayClient`."""

    async def token(self, *, timeout: float | None = None) -> Token:  # noqa: ASYNC109  # the word of all runtimes
        """A usable access token; from memory as long as it is fresh.

        Args:
            timeout: seconds to wait for a new one; None waits as long as the session tries.

        Raises:
            TropiPayOAuthError: why there is none.
        """
        return (await self._access(timeout)).token

    async def request(
        self,
        method: str,
        path_or_url: str,
        *,
        headers: Any = (),
        body: bytes = b"",
        json: object = None,
        replayable: bool | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109  # it belongs to the request
        max_body: int = 1 << 20,
    ) -> HTTPResponse:
        """Perform a request of the API with the token; any status is returned, none is raised.

        It is sent again once: when a 401 says that the token is invalid and the request is `replayable`, or when not one
        byte of it had left.

        Args:
            method: upper-case.
            path_or_url: joined to the provider's `api_base`, e.g. `users/profile`; with a leading slash to the server's root.
            headers: pairs or a mapping; `Authorization` is added.
            body: bytes.
            json: a value to send as JSON instead.
            replayable: sending it twice does no harm; by default for GET, HEAD, OPTIONS, PUT and DELETE. Others get a
                connection of their own.
            timeout: seconds for the token and again for the exchange, everything together.
            max_body: bytes of the response's body.

        Raises:
            ConfigurationError, ResourceNotAllowed: nothing was sent.
            TransportError: no response; `delivery` tells whether the server may have seen the request.
            TropiPayOAuthError: there is no token, and why.
        """
        parts = {"headers": headers, "body": body, "json": json, "replayable": replayable}
        return await self._request(method, path_or_url, **parts, timeout=timeout, max_body=max_body)

    async def authorize(self, *, scope: Scopes = None, extra: Mapping[str, str] | None = None) -> AuthorizationStart:
        """Begin an authorization-code flow: where to send the user's browser, and the handle under which it waits.

        Args:
            scope: instead of the client's own.
            extra: further parameters of the URL; never a secret.
        """
        return await self._authorize(scope, extra)

    async def finish(self, callback_url: str | Secret, handle: str | Secret | None = None) -> Token:
        """Finish the flow with the URL at which the browser came back, once; the token is then in the store.

        Args:
            callback_url: the whole of it.
            handle: of the authorization; by default the one that this client began last.

        Raises:
            CallbackError: it is no answer to this authorization.
            TropiPayOAuthError: why there is no token.
        """
        return await self._finish(callback_url, handle)

    async def revoke(self) -> bool:
        """Give the token up, in the store first, then at the provider; whether the provider confirmed it (RFC 7009)."""
        return await self._revoke()

    async def aclose(self) -> None:
        """End: an exchange that consumes something comes to its end first, within the bounds of the policy."""
        try:
            await self._close()
        finally:
            if self._owns_transport:
                await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()
