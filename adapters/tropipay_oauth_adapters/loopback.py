"""The redirect URI of a sign-in on this machine: a port on the loopback interface that is open only while it is awaited.

What belongs here: the port, which requests count, what the browser is shown (RFC 8252 §7.3, §8.3). What does not: whether a
callback is the right one (the engine, through `decide`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Generic, TypeVar

import anyio
from anyio import to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tropipay_oauth import HTTPRequest, HTTPResponse, Secret
from tropipay_oauth.errors import ConfigurationError, StateExpired

from .serve import Server, serve

T = TypeVar("T")
Decide = Callable[[Secret], Awaitable[T | None]]
"""Takes the whole callback URL. What it returns, or raises, ends the wait; None means a stray hit: the wait goes on."""

LOOPBACK = ("127.0.0.1", "::1")
_GRACE = 2.0  # seconds for the browser to fetch the last page
_PAGES = {
    "/done": "You are signed in. You can close this page.",
    "/failed": "The sign-in failed. Go back to the program that asked for it.",
    "/ignored": "Nothing was expected here. If you are signing in, go on where you were asked to.",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class CallbackListener(Generic[T]):
    """The open port. Give `redirect_uri` to the authorization, send the browser away, then `wait()`."""

    def __init__(self, decide: Decide[T], path: str, timeout: float) -> None:
        self.redirect_uri = ""
        """Where the browser comes back to."""
        self._origin = ""
        self._decide = decide
        self._path = path
        self._timeout = timeout
        self._one_at_a_time = anyio.Lock()
        self._decided, self._shown = anyio.Event(), anyio.Event()
        self._result: T | None = None
        self._error: Exception | None = None

    def opened(self, server: Server) -> None:
        """The port is open: what to tell the authorization server."""
        self._origin = server.url
        self.redirect_uri = server.url + self._path

    async def wait(self) -> T:
        """What `decide` returned for the callback that was no stray hit, or raises what it raised.

        Raises:
            StateExpired: nobody came back in time.
        """
        with anyio.move_on_after(self._timeout):
            await self._decided.wait()
        if self._error is not None:
            await self._show_last_page()
            raise self._error
        if self._result is None:
            raise StateExpired(f"nobody came back within {self._timeout:g} s: begin a new authorization")
        await self._show_last_page()
        return self._result

    async def _show_last_page(self) -> None:
        with anyio.move_on_after(_GRACE):
            await self._shown.wait()

    async def answer(self, request: HTTPRequest, now: float) -> HTTPResponse:
        """What the browser is told."""
        if not request.url.startswith(f"{self._origin}/"):  # another name that points here: DNS rebinding
            return _plain(421)
        if request.method != "GET":
            return _plain(405, {"Allow": "GET"})
        path = request.url[len(self._origin) :].partition("?")[0]
        if path == self._path:
            return _plain(303, {"Location": await self._receive(Secret(request.url))})
        if path not in _PAGES:
            return _plain(404)
        if self._decided.is_set() and path != "/ignored":
            self._shown.set()
        return _page(_PAGES[path])

    async def _receive(self, url: Secret) -> str:
        async with self._one_at_a_time:
            if self._decided.is_set():
                return "/ignored"
            try:
                self._result = await self._decide(url)
            except Exception as error:  # it is raised where the callback is awaited
                self._error = error
            if self._result is None and self._error is None:
                return "/ignored"
            self._decided.set()
            return "/done" if self._error is None else "/failed"


def _plain(status: int, headers: dict[str, str] | None = None) -> HTTPResponse:
    return HTTPResponse(status=status, headers={**_HEADERS, **(headers or {})})


def _page(text: str) -> HTTPResponse:
    body = f"<!doctype html><html lang=en><meta charset=utf-8><title>Sign-in</title><p>{text}</p></html>"
    return HTTPResponse(status=200, headers={**_HEADERS, "Content-Type": "text/html; charset=utf-8"}, body=body.encode())


@asynccontextmanager
async def listen(
    decide: Callable[[Secret], Awaitable[T | None]],
    *,
    path: str = "/callback",
    port: int = 0,
    timeout: float = 600.0,  # noqa: ASYNC109  # it bounds the wait that comes later
    hosts: tuple[str, ...] = LOOPBACK,
) -> AsyncIterator[CallbackListener[T]]:
    """Open the port before the browser is sent away; it is closed when the block ends, however it ends.

    Args:
        decide: given each callback URL; returns the result, raises, or returns None for a stray hit.
        path: of the redirect URI.
        port: 0 takes a free one.
        timeout: seconds until the wait is given up.
        hosts: IP literals, of which the first that this machine has is taken (RFC 8252 §7.3).

    Raises:
        ConfigurationError: no loopback address can be listened on.
    """
    listener = CallbackListener(decide, path, timeout)
    async with AsyncExitStack() as stack:
        listener.opened(await _open(stack, listener, port, hosts))
        yield listener


async def _open(stack: AsyncExitStack, listener: CallbackListener[T], port: int, hosts: tuple[str, ...]) -> Server:
    for host in hosts:
        try:
            return await stack.enter_async_context(serve(listener.answer, host=host, port=port, max_body=0, max_connections=16))
        except OSError:
            continue
    raise ConfigurationError(f"cannot listen on {' or '.join(hosts)}: free the port, or take port 0", code="listen")


class ThreadedListener(Generic[T]):
    """`CallbackListener` for code without an event loop."""

    def __init__(self, portal: BlockingPortal, listener: CallbackListener[T]) -> None:
        self.redirect_uri = listener.redirect_uri
        self._portal = portal
        self._listener = listener

    def wait(self) -> T:
        """As `CallbackListener.wait`."""
        return self._portal.call(self._listener.wait)


@contextmanager
def listen_in_thread(
    decide: Callable[[Secret], T | None],
    *,
    path: str = "/callback",
    port: int = 0,
    timeout: float = 600.0,
    hosts: tuple[str, ...] = LOOPBACK,
) -> Iterator[ThreadedListener[T]]:
    """As `listen`, in a thread of its own; `decide` may block."""

    async def decide_in_thread(url: Secret) -> T | None:
        return await to_thread.run_sync(decide, url)

    opened = listen(decide_in_thread, path=path, port=port, timeout=timeout, hosts=hosts)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(opened) as listener:
        yield ThreadedListener(portal, listener)
