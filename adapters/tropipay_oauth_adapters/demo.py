"""`tropipay-oauth demo`: the three grants over real loopback sockets, from request to refresh, on one runtime.

What belongs here: the stories that are told and the check that all of it happened. What does not: any protocol; the
stories use the public clients and machines as anybody would.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from importlib import import_module
from inspect import isawaitable
from typing import Any, TypeVar
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
)
from tropipay_oauth.effects import ReleaseCallers, SendRequest
from tropipay_oauth.events import Event
from tropipay_oauth.facts import AccessRequested, ResponseReceived, TokenRejected
from tropipay_oauth.sandbox import Behaviour, Sandbox

from ._clock import Clock
from .serve import serve_in_thread

T = TypeVar("T")

RUNTIMES = ("sync", "asyncio", "trio")
SCOPE = "ALLOW_GET_PROFILE_DATA ALLOW_GET_BALANCE"
RESOURCE = "users/profile"
LETTERS = {"request": "A", "grant": "B C", "token": "D", "access": "E", "resource": "F", "expiry": "", "refresh": "G H"}
_NEEDED = frozenset({"request", "grant", "token", "access", "resource", "expiry", "refresh"})


class JumpingClock:
    """The real time, plus what the demo skipped: a day passes in no time."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._skipped = 0.0

    def __call__(self) -> float:
        return self._clock() + self._skipped

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        self._skipped += seconds


@frozen(kw_only=True)
class Story:
    """How one grant went."""

    grant: GrantType
    steps: tuple[Event, ...]
    resource_status: int
    expiry_provenance: str
    survived: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether each step was seen and the protected resource was served at the end."""
        return self.resource_status == 200 and {event.step for event in self.steps} >= _NEEDED

    @property
    def members(self) -> dict[str, Any]:
        """As JSON members."""
        return {
            "grant": self.grant.value,
            "outcome": "granted" if self.ok else "failed",
            "events": [event.step for event in self.steps if event.step != "note"],
            "resource_status": self.resource_status,
            "expiry_provenance": self.expiry_provenance,
            "survived": list(self.survived),
        }


@frozen(kw_only=True)
class Result:
    """What the demo showed."""

    runtime: str
    stories: tuple[Story, ...]
    token_requests: int

    @property
    def ok(self) -> bool:
        """Whether all of it happened."""
        return len(self.stories) == len(GrantType) and all(story.ok for story in self.stories)

    @property
    def members(self) -> dict[str, Any]:
        """As JSON members."""
        grants = [story.members for story in self.stories]
        return {"ok": self.ok, "runtime": self.runtime, "grants": grants, "token_requests": self.token_requests}


@frozen(kw_only=True)
class World:
    """A sandbox on a loopback port, a clock, and the runtime's own client and transport."""

    sandbox: Sandbox
    provider: Provider
    credential: Credential
    clock: JumpingClock
    runtime: Any
    transport: Any
    told: list[Event] = field(factory=list)

    def client(self, **options: Any) -> Any:
        """A client of the runtime, for this world."""
        return self.runtime.TropiPayClient(
            self.provider, self.credential, scope=SCOPE, transport=self.transport, clock=self.clock, **options
        )

    def user_client(self) -> Any:
        """A client for a user's token."""
        return self.client(renewal=GrantType.REFRESH_TOKEN, redirect_uri=self.sandbox.redirect_uri)

    def next_day(self) -> None:
        """Let every token expire."""
        self.clock.skip(self.sandbox.behaviour.lifetime + 1)

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """One request over the runtime's own sockets."""
        return await settled(self.transport.send(request))


@asynccontextmanager
async def opened(client: Any) -> AsyncIterator[Any]:
    """The client in its block, `with` or `async with`."""
    if hasattr(client, "__aenter__"):
        async with client:
            yield client
    else:
        with client:
            yield client


async def settled(value: "Awaitable[T] | T") -> T:
    """The value, whichever runtime it comes from: changing the runtime changes the import and `await`."""
    return await value if isawaitable(value) else value


# -- The stories ---------------------------------------------------------------------------------------------------


async def client_credentials(world: World) -> Story:
    """External app to TropiPay."""
    async with opened(world.client()) as client:
        return await _tell(world, client, GrantType.CLIENT_CREDENTIALS)


async def authorization_code(world: World) -> Story:
    """External app to a TropiPay user: the demo plays the browser and the user who approves."""
    async with opened(world.user_client()) as client:
        start = await settled(client.authorize())
        await settled(client.finish(await approve(world, start.url)))
        return await _tell(world, client, GrantType.AUTHORIZATION_CODE)


async def _tell(world: World, client: Any, grant: GrantType) -> Story:
    """The life of a token: used, expired, renewed, revoked, renewed, and renewed once more by a busy server."""
    first = await settled(client.request("GET", RESOURCE))
    token: Token = await settled(client.token())
    survived = []
    world.next_day()
    renewed = await settled(client.request("GET", RESOURCE))
    if grant is GrantType.CLIENT_CREDENTIALS:
        world.sandbox.revoke_access_tokens()
        revoked = await settled(client.request("GET", RESOURCE))
        survived += ["401 for a revoked token"] if revoked.status == 200 else []
    world.next_day()
    world.sandbox.set_behaviour(fault="status_503", fault_count=1, retry_after="0")
    last = await settled(client.request("GET", RESOURCE))
    survived += ["503 at the token endpoint"] if last.status == 200 else []
    statuses = [first.status, renewed.status, last.status]
    return Story(
        grant=grant,
        steps=tuple(client.events),
        resource_status=max(statuses),
        expiry_provenance=token.expiry.source.value,
        survived=tuple(survived),
    )


async def refresh_token(world: World) -> Story:
    """The grant on its own: the machine is driven by hand, as another framework would do it."""
    async with opened(world.user_client()) as client:
        start = await settled(client.authorize())
        given = await settled(client.finish(await approve(world, start.url)))
    grant = RefreshTokenGrant(provider=world.provider, credential=world.credential, token=given)
    events: list[Event] = []
    token = await drive(world, grant, events)
    first = await _use(world, token, events)
    world.sandbox.revoke_access_tokens()
    revoked = await _use(world, token, events)
    if revoked.status == 401:
        events += grant.handle(TokenRejected(access_token=token.access_token, now=world.clock())).events
    token = await drive(world, grant, events)
    world.next_day()
    token = await drive(world, grant, events)
    last = await _use(world, token, events)
    return Story(
        grant=GrantType.REFRESH_TOKEN,
        steps=tuple(events),
        resource_status=max(first.status, last.status),
        expiry_provenance=token.expiry.source.value,
        survived=("401 for a revoked token",) if revoked.status == 401 and last.status == 200 else (),
    )


async def drive(world: World, grant: RefreshTokenGrant, events: list[Event]) -> Token:
    """Ask a grant for a token and perform what it asks for: this loop is a whole adapter."""
    step: Step[Any] = grant.handle(AccessRequested(now=world.clock()))
    while True:
        events += step.events
        match effect := step.effects[0]:
            case SendRequest(exchange=exchange, request=request):
                response = await world.send(request)
                step = grant.handle(ResponseReceived(exchange=exchange, response=response, now=world.clock()))
            case ReleaseCallers(token=token):
                return token
            case _:
                raise effect.error


async def _use(world: World, token: Token, events: list[Event]) -> HTTPResponse:
    now = world.clock()
    access = Access(token=token, fresh_until=now, valid_until=float("inf"), resource_origins=world.provider.resource_origins)
    request = access.authorize(HTTPRequest(method="GET", url=f"{world.provider.api_base}{RESOURCE}"), now)
    response = await world.send(request)
    events += access.judge(request, response, now=now).events
    return response


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
            self.fields.append((members["name"], members.get("value", "")))


async def approve(world: World, url: str) -> str:
    """Open the consent page over the network, press Approve, and give back the URL that the browser is sent to."""
    page = await world.send(HTTPRequest(method="GET", url=url, replayable=True))
    form = _Form()
    form.feed(page.body.decode())
    body = urlencode(form.fields).encode("ascii")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = HTTPRequest(method="POST", url=urljoin(url, form.action), headers=headers, body=body)
    answer = await world.send(sent)
    return answer.headers.get("Location") or ""


# -- The three runtimes --------------------------------------------------------------------------------------------

STORIES: tuple[Callable[[World], Awaitable[Story]], ...] = (client_credentials, authorization_code, refresh_token)


def run_demo(runtime: str) -> Result:
    """Start the sandbox on a loopback port and tell the three stories on `runtime`: sync, asyncio or trio."""
    clock = JumpingClock()
    sandbox = Sandbox(entropy=Entropy(os.urandom(32)), behaviour=Behaviour())
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
                return tuple([await story(world) for story in STORIES])
            finally:
                await settled((getattr(transport, "aclose", None) or transport.close)())

        return Result(runtime=runtime, stories=_run(runtime, tell), token_requests=sandbox.token_requests)


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
