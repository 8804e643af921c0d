"""`tropipay-oauth demo`: the three grants over real loopback sockets, from request to refresh, on one runtime.

What belongs here: the stories that are told. What does not: any protocol (the stories use the public clients and machines
as anybody would), and whether all of it happened (`_story`).
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from importlib import import_module
from inspect import isawaitable
from typing import Any, TypeVar, cast
from urllib.parse import urlencode, urljoin

from attrs import field, frozen

from tropipay_oauth import (
    Access,
    Credential,
    Entropy,
    GrantType,
    HTTPRequest,
    HTTPResponse,
    Provider,
    RefreshTokenGrant,
    Step,
    Token,
    TropiPayOAuthError,
)
from tropipay_oauth.effects import RefuseCallers, ReleaseCallers, SendRequest
from tropipay_oauth.errors import RemoteProtocolError
from tropipay_oauth.events import Event
from tropipay_oauth.facts import AccessRequested, ResponseReceived, TokenRejected
from tropipay_oauth.sandbox import Behaviour, Sandbox
from tropipay_oauth.states import Deferred

from ._clock import Clock
from ._story import Result, Story
from .serve import serve_in_thread

T = TypeVar("T")

SCOPE = "ALLOW_GET_PROFILE_DATA ALLOW_GET_BALANCE"
RESOURCE = "users/profile"
_MOST_PAUSES = 3


class JumpingClock:
    """The real time, plus what the demo skipped: a day passes in no time."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._skipped = 0.0

    def __call__(self) -> float:
        """Unix seconds."""
        return self._clock() + self._skipped

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        self._skipped += seconds


# -- The world they happen in --------------------------------------------------------------------------------------


@frozen(kw_only=True)
class World:
    """A sandbox on a loopback port, a clock, the runtime's own client and transport, and the trace of one story."""

    sandbox: Sandbox
    provider: Provider
    credential: Credential
    clock: JumpingClock
    runtime: Any
    transport: Any
    trace: list[Event] = field(factory=list)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Any]:
        """A client of the runtime in its block, `with` or `async with`; its events go to the trace."""
        client = self.runtime.TropiPayClient(
            self.provider, self.credential, scope=SCOPE, transport=self.transport, clock=self.clock, **options
        )
        try:
            if hasattr(client, "__aenter__"):
                async with client:
                    yield client
            else:
                with client:
                    yield client
        finally:
            self.trace.extend(client.events)

    def user(self) -> dict[str, Any]:
        """Options of a client for a user's token."""
        return {"renewal": GrantType.REFRESH_TOKEN, "redirect_uri": self.sandbox.redirect_uri}

    def next_day(self) -> None:
        """Let every token expire."""
        self.clock.skip(self.sandbox.behaviour.lifetime + 1)

    def be_busy_once(self) -> None:
        """The next token request gets 503."""
        self.sandbox.set_behaviour(fault="status_503", fault_at="token", fault_count=1, retry_after="0")

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """One request over the runtime's own sockets."""
        return await settled(self.transport.send(request))


async def settled(value: "Awaitable[T] | T") -> T:
    """The value, whichever runtime it comes from: changing the runtime changes the import and `await`."""
    return cast(T, await value if isawaitable(value) else value)


# -- The stories ---------------------------------------------------------------------------------------------------


async def client_credentials(world: World) -> None:
    """External app to TropiPay."""
    async with world.client() as client:
        await _live(world, client)


async def authorization_code(world: World) -> None:
    """External app to a TropiPay user: the demo plays the browser and the user who approves."""
    async with world.client(**world.user()) as client:
        start = await settled(client.authorize())
        await settled(client.finish(await approve(world, start.url)))
        await _live(world, client)


async def _live(world: World, client: Any) -> None:
    """The life of a token: used, expired and renewed, revoked and renewed, expired and renewed by a busy server."""
    await settled(client.request("GET", RESOURCE))
    world.next_day()
    await settled(client.request("GET", RESOURCE))
    world.sandbox.revoke_access_tokens()
    await settled(client.request("GET", RESOURCE))
    world.next_day()
    world.be_busy_once()
    await settled(client.request("GET", RESOURCE))


async def refresh_token(world: World) -> None:
    """The grant on its own: the machine is driven by hand, as another framework would do it."""
    async with world.client(**world.user()) as client:
        start = await settled(client.authorize())
        given = await settled(client.finish(await approve(world, start.url)))
    world.trace.clear()  # how the user's token came is the story before this one
    grant = RefreshTokenGrant(provider=world.provider, credential=world.credential, token=given)
    token = await drive(world, grant)
    await _use(world, token)
    world.sandbox.revoke_access_tokens()
    if (await _use(world, token)).status == 401:
        world.trace.extend(grant.handle(TokenRejected(access_token=token.access_token, now=world.clock())).events)
    await _use(world, await drive(world, grant))
    world.next_day()
    world.be_busy_once()
    await _use(world, await drive(world, grant))


async def drive(world: World, grant: RefreshTokenGrant) -> Token:
    """Ask a grant for a token and perform what it asks for: this loop is a whole adapter."""
    step: Step[Any] = grant.handle(AccessRequested(now=world.clock()))
    pauses = 0
    while True:
        world.trace.extend(step.events)
        match step.effects[0]:
            case SendRequest(exchange=exchange, request=request):
                response = await world.send(request)
                step = grant.handle(ResponseReceived(exchange=exchange, response=response, now=world.clock()))
            case ReleaseCallers(token=token):
                return token
            case refusal:
                pauses += 1
                if not isinstance(grant.state, Deferred) or pauses > _MOST_PAUSES:
                    raise cast(RefuseCallers, refusal).error
                world.clock.skip(max(0.0, grant.state.retry_at - world.clock()))  # skipped, like the days
                step = grant.handle(AccessRequested(now=world.clock()))


async def _use(world: World, token: Token) -> HTTPResponse:
    now = world.clock()
    access = Access(token=token, fresh_until=now, valid_until=float("inf"), resource_origins=world.provider.resource_origins)
    request = access.authorize(HTTPRequest(method="GET", url=f"{world.provider.api_base}{RESOURCE}"), now)
    response = await world.send(request)
    world.trace.extend(access.judge(request, response, now=now).events)
    return response


STORIES: dict[GrantType, Callable[[World], Awaitable[None]]] = {
    GrantType.CLIENT_CREDENTIALS: client_credentials,
    GrantType.AUTHORIZATION_CODE: authorization_code,
    GrantType.REFRESH_TOKEN: refresh_token,
}


# -- The browser and the user in front of it -----------------------------------------------------------------------


class _Form(HTMLParser):
    """The first form of a page: where it goes and what it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        members = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = members.get("action", "")
        hidden = tag == "input" and members.get("type") == "hidden"
        approves = tag == "button" and "approve" in (members.get("value", "") + members.get("name", "")).lower()
        if hidden or approves:
            self.fields.append((members.get("name", ""), members.get("value", "")))


async def approve(world: World, url: str) -> str:
    """Open the consent page over the network, press Approve, and give back the URL that the browser is sent to."""
    page = await world.send(HTTPRequest(method="GET", url=url, replayable=True))
    form = _Form()
    form.feed(page.body.decode())
    body = urlencode(form.fields).encode("ascii")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = HTTPRequest(method="POST", url=urljoin(url, form.action), headers=headers, body=body)
    answer = await world.send(sent)
    location = answer.headers.get("Location")
    if location is None:
        raise RemoteProtocolError(f"the consent page answered {answer.status} and no redirect: see the sandbox's log")
    return location


# -- The three runtimes --------------------------------------------------------------------------------------------


def run_demo(runtime: str, behaviour: Behaviour | None = None) -> Result:
    """Start the sandbox on a loopback port and tell the three stories: on `sync`, `asyncio` or `trio`."""
    clock = JumpingClock()
    sandbox = Sandbox(entropy=Entropy(os.urandom(32)), behaviour=behaviour or Behaviour())
    with serve_in_thread(lambda request, now: sandbox.answer(request, clock())) as server:
        sandbox.move_to(server.url)
        adapter = import_module(f".{runtime}", __package__)

        async def tell() -> tuple[Story, ...]:
            transport = getattr(adapter, f"{runtime.capitalize()}Transport")()
            world = World(
                sandbox=sandbox,
                provider=Provider.for_server(server.url, name="sandbox"),
                credential=Credential(client_id=sandbox.client_id, client_secret=sandbox.client_secret),
                clock=clock,
                runtime=adapter,
                transport=transport,
            )
            try:
                return tuple([await _tell(grant, world) for grant in STORIES])
            finally:
                await settled((getattr(transport, "aclose", None) or transport.close)())

        return Result(runtime=runtime, stories=_run(runtime, tell), token_requests=sandbox.token_requests)


async def _tell(grant: GrantType, world: World) -> Story:
    """One story, to its end or to the error that ends it."""
    world.trace.clear()
    try:
        await STORIES[grant](world)
    except TropiPayOAuthError as error:
        return Story(grant=grant, steps=tuple(world.trace), error=error.message)
    return Story(grant=grant, steps=tuple(world.trace))


def _run(runtime: str, main: Callable[[], Any]) -> Any:
    if runtime == "sync":
        return _run_to_the_end(main())
    if runtime == "trio":
        import trio

        return trio.run(main)
    import asyncio

    return asyncio.run(main())


def _run_to_the_end(coroutine: Any) -> Any:
    """A coroutine that never waits, since the sync client blocks instead, is run by its first step."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("the sync story waited for an event loop")
