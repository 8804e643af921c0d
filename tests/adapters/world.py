"""A sandbox on a loopback port, and the same story played by each runtime's client."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import trio
from attrs import evolve

from tests.adapters.support import PATIENCE
from tropipay_oauth import Credential, Entropy, GrantType, HTTPRequest, Provider, Secret
from tropipay_oauth.sandbox import Answer, Behaviour, Sandbox
from tropipay_oauth_adapters import asyncio as with_asyncio
from tropipay_oauth_adapters import sync as with_threads
from tropipay_oauth_adapters import trio as with_trio
from tropipay_oauth_adapters._clock import Clock
from tropipay_oauth_adapters._transport import run
from tropipay_oauth_adapters.serve import serve_in_thread

T = TypeVar("T")
PROFILE = "users/profile"


class JumpingClock(Clock):
    """A clock that can be set forward."""

    __slots__ = ("ahead",)

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def __call__(self) -> float:
        return super().__call__() + self.ahead


class World:
    """The sandbox behind a port. `held` keeps token requests back until it is set; `asked` tells that one has come."""

    def __init__(self, **behaviour: Any) -> None:
        self.sandbox = Sandbox(entropy=Entropy(os.urandom(32)), behaviour=Behaviour(**behaviour))
        self.clock = JumpingClock()
        self.asked, self.held = threading.Event(), threading.Event()
        self.held.set()
        self.resource_requests = 0
        self.wrong_secret: Secret | None = None
        self.provider: Provider
        self.server: Any = None

    async def handle(self, request: HTTPRequest, now: float) -> Answer:
        """The sandbox, by the jumping clock, with the brake on."""
        if "/access/token" in request.url:
            self.asked.set()
            while not self.held.is_set():  # noqa: ASYNC110  # another thread sets it
                await asyncio.sleep(0.005)
        else:
            self.resource_requests += 1
        return self.sandbox.answer(request, self.clock())

    @property
    def credential(self) -> Credential:
        return Credential(client_id=self.sandbox.client_id, client_secret=self.wrong_secret or self.sandbox.client_secret)

    def user(self) -> dict[str, Any]:
        """Options of a client for a user's token."""
        return {"renewal": GrantType.REFRESH_TOKEN, "redirect_uri": self.sandbox.redirect_uri}

    def approve(self, start: Any) -> str:
        """The browser's way: the callback URL."""
        return self.sandbox.approve(start.url, self.clock())

    def next_day(self) -> None:
        """Let every token expire."""
        self.clock.ahead += self.sandbox.behaviour.lifetime + 1


@contextmanager
def opened(**behaviour: Any) -> Iterator[World]:
    """A world for the time of a block."""
    world = World(**behaviour)
    with serve_in_thread(world.handle, max_connections=5000) as server:
        world.sandbox.move_to(server.url)
        provider = Provider.for_server(server.url)
        world.provider = evolve(provider, revocation_endpoint=f"{server.url}/api/v2/access/revoke")
        world.server = server
        try:
            yield world
        finally:
            world.held.set()


class Awaited:
    """A synchronous client in the words of the asynchronous ones."""

    def __init__(self, client: with_threads.TropiPayClient) -> None:
        self.plain = client
        self.events = client.events

    async def token(self, **options: Any) -> Any:
        return self.plain.token(**options)

    async def request(self, *args: Any, **options: Any) -> Any:
        return self.plain.request(*args, **options)

    async def authorize(self, **options: Any) -> Any:
        return self.plain.authorize(**options)

    async def finish(self, *args: Any) -> Any:
        return self.plain.finish(*args)

    async def revoke(self) -> bool:
        return self.plain.revoke()

    async def aclose(self) -> None:
        self.plain.close()


Together = Callable[[list[Callable[[], Awaitable[Any]]]], Awaitable[list[Any]]]
"""Runs all at the same time; what each returned or raised."""
Story = Callable[[Any, Together], Awaitable[T]]


async def _kept(work: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await work()
    except Exception as error:
        return error


async def threads(works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    results: list[Any] = [None] * len(works)

    def call(index: int) -> None:
        results[index] = run(_kept(works[index]))

    started = [threading.Thread(target=call, args=(index,)) for index in range(len(works))]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(PATIENCE * 3)
        assert not thread.is_alive(), "a caller is stuck"
    return results


async def tasks(works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    return await asyncio.wait_for(asyncio.gather(*map(_kept, works)), PATIENCE * 3)


async def children(works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    results: list[Any] = [None] * len(works)

    async def call(index: int) -> None:
        results[index] = await _kept(works[index])

    with trio.fail_after(PATIENCE * 3):
        async with trio.open_nursery() as nursery:
            for index in range(len(works)):
                nursery.start_soon(call, index)
    return results


def play_sync(world: World, story: Story[T], **options: Any) -> T:
    with with_threads.TropiPayClient(world.provider, world.credential, clock=world.clock, **options) as client:
        return run(story(Awaited(client), threads))  # type: ignore[arg-type]  # a coroutine function made it


def play_asyncio(world: World, story: Story[T], **options: Any) -> T:
    async def main() -> T:
        async with with_asyncio.TropiPayClient(world.provider, world.credential, clock=world.clock, **options) as client:
            return await story(client, tasks)

    return asyncio.run(main())


def play_trio(world: World, story: Story[T], **options: Any) -> T:
    async def main() -> T:
        async with with_trio.TropiPayClient(world.provider, world.credential, clock=world.clock, **options) as client:
            return await story(client, children)

    return trio.run(main)


Play = Callable[..., Any]
PLAYS: dict[str, Play] = {"sync": play_sync, "asyncio": play_asyncio, "trio": play_trio}
