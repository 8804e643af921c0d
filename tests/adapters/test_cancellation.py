"""Nobody's cancellation loses a token, leaves a connection stuck or a descriptor open (rule 4)."""

import asyncio
import gc
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tests.adapters.support import PATIENCE, Visit, reply, serving
from tests.adapters.world import PROFILE, World, opened
from tropipay_oauth import GrantType, HTTPRequest, MemoryStore, SessionPolicy, Token
from tropipay_oauth.errors import ConfigurationError, SessionClosed
from tropipay_oauth.records import StoreKey, Tokens
from tropipay_oauth_adapters import asyncio as with_asyncio
from tropipay_oauth_adapters import sync as with_threads
from tropipay_oauth_adapters import trio as with_trio

ROUNDS, CALLERS = 100, 5


@pytest.fixture
def world() -> Iterator[World]:
    with opened() as world:
        yield world


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208  # a count


def committed(store: MemoryStore, world: World) -> Token:
    """The token in the store."""
    issuer, client_id = world.provider.issuer, world.credential.client_id
    keys = [StoreKey(issuer=issuer, client_id=client_id, account=account) for account in ("", "the user")]
    (record,) = [record for _, record in map(store.load, keys) if isinstance(record, Tokens)]
    return record.token


# -- 500 random cancellations --------------------------------------------------------------------------------------


def test_native_cancellations_of_asyncio_tasks(world: World) -> None:
    dice = random.Random(1)  # noqa: S311  # the same cancellations each time

    async def sign_in(client: with_asyncio.TropiPayClient) -> None:
        await client.finish(world.approve(await client.authorize()))

    async def one_round(client: with_asyncio.TropiPayClient) -> None:
        world.sandbox.revoke_access_tokens()
        callers = [asyncio.create_task(client.request("GET", PROFILE)) for _ in range(CALLERS)]
        for caller in callers:
            for _ in range(dice.randrange(30)):
                await asyncio.sleep(0)
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        assert (await client.request("GET", PROFILE)).status == 200

    async def main() -> None:
        async with with_asyncio.TropiPayClient(world.provider, world.credential, **world.user()) as client:
            await sign_in(client)
            before = descriptors()
            for _ in range(ROUNDS):
                await asyncio.wait_for(one_round(client), PATIENCE)
            await asyncio.sleep(0)
            assert descriptors() <= before + 2 * 8  # both ends of what the pool may keep
        assert not client._tasks

    asyncio.run(main())


def test_cancel_scopes_of_trio(world: World) -> None:
    dice = random.Random(2)  # noqa: S311  # the same cancellations each time

    async def caller(client: with_trio.TropiPayClient, scope: trio.CancelScope) -> None:
        with scope:
            await client.request("GET", PROFILE)

    async def one_round(client: with_trio.TropiPayClient) -> None:
        world.sandbox.revoke_access_tokens()
        async with trio.open_nursery() as nursery:
            for _ in range(CALLERS):
                scope = trio.CancelScope()
                nursery.start_soon(caller, client, scope)
                for _ in range(dice.randrange(30)):
                    await trio.lowlevel.checkpoint()
                scope.cancel()
        assert (await client.request("GET", PROFILE)).status == 200

    async def main() -> None:
        async with with_trio.TropiPayClient(world.provider, world.credential, **world.user()) as client:
            await client.finish(world.approve(await client.authorize()))
            before = descriptors()
            for _ in range(ROUNDS):
                with trio.fail_after(PATIENCE):
                    await one_round(client)
            assert descriptors() <= before + 2 * 8
        assert not client._tasks

    trio.run(main)


def test_a_cancelled_exchange_of_asyncio_closes_its_connection() -> None:
    async def main(url: str, arrived: threading.Event) -> None:
        transport = with_asyncio.AsyncioTransport()
        task = asyncio.create_task(transport.send(HTTPRequest(method="GET", url=url)))
        await asyncio.to_thread(arrived.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await transport.aclose()

    arrived = threading.Event()

    def script(visit: Visit) -> None:
        visit.request()
        arrived.set()
        visit.wait_for_close()

    with serving(script) as server:
        asyncio.run(main(server.url, arrived))
        server.wait_until_ended(1)


def test_a_cancelled_exchange_of_trio_closes_its_connection() -> None:
    arrived = threading.Event()

    def script(visit: Visit) -> None:
        visit.request()
        arrived.set()
        visit.wait_for_close()

    async def main(url: str) -> None:
        transport = with_trio.TrioTransport()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(transport.send, HTTPRequest(method="GET", url=url))
                await trio.to_thread.run_sync(arrived.wait, PATIENCE)
                scope.cancel()
        await transport.aclose()

    with serving(script) as server:
        trio.run(main, server.url)
        server.wait_until_ended(1)


# -- One caller goes away in the middle of an exchange -------------------------------------------------------------


def test_a_cancelled_sign_in_of_asyncio_is_committed_all_the_same(world: World) -> None:
    store = MemoryStore()

    async def main() -> None:
        async with with_asyncio.TropiPayClient(world.provider, world.credential, store=store, **world.user()) as client:
            start = await client.authorize()
            world.held.clear()
            caller = asyncio.create_task(client.finish(world.approve(start)))
            await asyncio.to_thread(world.asked.wait, PATIENCE)
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
            world.held.set()

    asyncio.run(main())
    assert committed(store, world).grant_type is GrantType.AUTHORIZATION_CODE


def test_a_cancelled_block_of_trio_commits_what_was_under_way(world: World) -> None:
    store = MemoryStore()

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with with_trio.TropiPayClient(world.provider, world.credential, store=store, **world.user()) as client:
                start = await client.authorize()
                callback = world.approve(start)
                world.held.clear()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(client.finish, callback)
                    await trio.to_thread.run_sync(world.asked.wait, PATIENCE)
                    scope.cancel()
                    world.held.set()
        assert scope.cancelled_caught

    trio.run(main)
    assert committed(store, world).grant_type is GrantType.AUTHORIZATION_CODE


def test_the_block_of_trio_does_not_wrap_the_callers_error(world: World) -> None:
    async def main() -> None:
        async with with_trio.TropiPayClient(world.provider, world.credential):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        trio.run(main)


def test_a_trio_client_outside_its_block_says_what_to_write(world: World) -> None:
    async def main() -> None:
        client = with_trio.TropiPayClient(world.provider, world.credential)
        with pytest.raises(ConfigurationError, match="async with"):
            await client.token()

    trio.run(main)


# -- asyncio without a block ---------------------------------------------------------------------------------------


def test_an_asyncio_client_works_without_a_block(world: World) -> None:
    async def main() -> None:
        client = with_asyncio.TropiPayClient(world.provider, world.credential)
        assert (await client.request("GET", PROFILE)).status == 200
        await client.aclose()

    asyncio.run(main())


def test_the_end_of_the_loop_waits_for_an_exchange_that_consumes_something(world: World) -> None:
    store, returning = MemoryStore(), threading.Event()
    made: list[with_asyncio.TropiPayClient] = []

    async def main() -> Token:
        client = with_asyncio.TropiPayClient(world.provider, world.credential, store=store, clock=world.clock, **world.user())
        made.append(client)
        first = await client.finish(world.approve(await client.authorize()))
        world.clock.ahead += 86400.0 - 100  # due, and still valid: renewed in the background
        world.asked.clear()
        world.held.clear()
        await client.token()
        await asyncio.to_thread(world.asked.wait, PATIENCE)
        client._transport._pool.close()
        returning.set()
        return first

    def release() -> None:
        returning.wait(PATIENCE)
        world.held.set()

    thread = threading.Thread(target=release)
    thread.start()
    first = asyncio.run(main())
    thread.join()
    assert committed(store, world).access_token != first.access_token


def test_the_end_of_the_loop_does_not_wait_for_what_may_be_lost(world: World) -> None:
    async def main() -> None:
        client = with_asyncio.TropiPayClient(world.provider, world.credential)
        world.held.clear()
        task = asyncio.create_task(client.token())
        await asyncio.to_thread(world.asked.wait, PATIENCE)
        del task

    asyncio.run(main())
    assert not world.held.is_set()


def test_a_client_whose_own_task_was_cancelled_goes_on_at_the_next_call(world: World) -> None:
    """Something cancels every task of the loop, the client's own as well."""

    async def main() -> None:
        async with with_asyncio.TropiPayClient(world.provider, world.credential) as client:
            world.held.clear()
            caller = asyncio.create_task(client.token())
            await asyncio.to_thread(world.asked.wait, PATIENCE)
            for task in client._tasks:
                task.cancel()
            with pytest.raises(SessionClosed):
                await caller
            world.held.set()
            assert (await client.request("GET", PROFILE)).status == 200

    asyncio.run(main())


class Gated(MemoryStore):
    """A store whose writes wait at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.arrived = asyncio.Event(), asyncio.Event()
        self.gate.set()

    def load(self, key: StoreKey) -> Any:
        return self._load(key)

    async def _load(self, key: StoreKey) -> Any:
        return super().load(key)

    def swap(self, key: StoreKey, expected_version: int, record: Any) -> Any:
        return self._swap(key, expected_version, record)

    async def _swap(self, key: StoreKey, expected_version: int, record: Any) -> Any:
        self.arrived.set()
        await self.gate.wait()
        return super().swap(key, expected_version, record)


def test_a_sign_in_is_not_answered_with_the_token_that_it_replaces(world: World) -> None:
    async def main() -> None:
        store = Gated()
        async with with_asyncio.TropiPayClient(world.provider, world.credential, store=store, **world.user()) as client:
            first = await client.finish(world.approve(await client.authorize()))
            callback = world.approve(await client.authorize())
            store.gate.clear()
            store.arrived.clear()
            signing_in = asyncio.create_task(client.finish(callback))
            await store.arrived.wait()
            client._held = None  # as if the token were due: the session itself is asked, and releases the old one
            assert await client.token() == first
            assert not signing_in.done()
            store.gate.set()
            second = await signing_in
            assert second != first
            assert (await store.load(client._session.key))[1] == Tokens(second)

    asyncio.run(main())


class Endless(MemoryStore):
    """A store that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    def load(self, key: StoreKey) -> Any:
        self.asked.set()
        return asyncio.Event().wait()


class EndlessTrio(Endless):
    def load(self, key: StoreKey) -> Any:
        self.asked.set()
        return trio.Event().wait()


SHORT = SessionPolicy(exchange_timeout=0.1, commit_timeout=0.1)


def test_closing_an_asyncio_client_is_bounded(world: World) -> None:
    async def main() -> None:
        store = Endless()
        client = with_asyncio.TropiPayClient(world.provider, world.credential, store=store, policy=SHORT)
        caller = asyncio.create_task(client.token())
        await store.asked.wait()
        await client.aclose()
        with pytest.raises(SessionClosed):
            await caller

    asyncio.run(main())


def test_closing_a_trio_client_is_bounded(world: World) -> None:
    async def main() -> None:
        async with (
            trio.open_nursery() as nursery,
            with_trio.TropiPayClient(world.provider, world.credential, store=EndlessTrio(), policy=SHORT) as client,
        ):

            async def call() -> None:
                with pytest.raises(SessionClosed):
                    await client.token()

            nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()

    trio.run(main)


def test_a_job_that_is_cancelled_by_the_bound_tells_its_caller(world: World) -> None:
    async def main() -> None:
        client = with_asyncio.TropiPayClient(world.provider, world.credential, policy=SHORT, **world.user())
        start = await client.authorize()

        class Stuck(type(client._pending_store)):  # type: ignore[misc]  # the class of the moment
            def take(self, handle: str) -> Any:
                return asyncio.Event().wait()

        client._pending_store = Stuck()
        caller = asyncio.create_task(client.finish(world.approve(start)))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(SessionClosed):
            await caller

    asyncio.run(main())


# -- Threads -------------------------------------------------------------------------------------------------------


def test_a_keyboard_interrupt_in_a_caller_loses_nothing(world: World) -> None:
    """The token request goes on in the client's own thread; the next call gets what it brought."""
    main_thread = threading.get_ident()
    with with_threads.TropiPayClient(world.provider, world.credential, clock=world.clock, **world.user()) as client:
        client.finish(world.approve(client.authorize()))
        world.next_day()
        world.asked.clear()
        world.held.clear()

        def interrupt() -> None:
            world.asked.wait(PATIENCE)
            signal.pthread_kill(main_thread, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            client.token()
        thread.join()
        world.held.set()
        assert client.request("GET", PROFILE).status == 200
    assert world.sandbox.token_requests == 2


SCRIPT = """
    import sys, threading
    from tropipay_oauth import Credential, GrantType, MemoryStore, Provider, Token
    from tropipay_oauth.records import Tokens
    from tropipay_oauth_adapters.sync import TropiPayClient

    class Store(MemoryStore):
        def swap(self, key, expected_version, record):
            version = super().swap(key, expected_version, record)
            if isinstance(record, Tokens):
                print("committed", record.token.access_token.reveal(), flush=True)
            return version

    url, secret, old = sys.argv[1:4]
    provider = Provider.for_server(url)
    credential = Credential(client_id="shop", client_secret=secret)
    client = TropiPayClient(provider, credential, store=Store(), renewal=GrantType.REFRESH_TOKEN)
    client._store.swap(client._session.key, 0, Tokens(Token.from_json(old)))
    threading.Thread(target=client.token, daemon=True).start()
    sys.stdin.readline()
    print("leaving", flush=True)
"""


def test_the_end_of_the_interpreter_waits_for_an_exchange_that_consumes_something() -> None:
    arrived, leaving = threading.Event(), threading.Event()
    body = json.dumps(
        {"access_token": "brought-at-the-end", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r2"}
    ).encode()

    def script(visit: Visit) -> None:
        visit.request()
        arrived.set()
        leaving.wait(PATIENCE)
        visit.send(reply(body, "Content-Type: application/json", "Cache-Control: no-store"))

    old = {"access_token": "old", "refresh_token": "r1", "scope": None, "requested": "", "issued_at": 0.0, "expires_at": 1.0}
    old |= {"expiry_source": "expires_in_lifetime", "expiry_clamped": False, "grant_type": "authorization_code"}
    with serving(script) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), server.url, "s3cret", json.dumps(old)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process, process.stdin, process.stdout:
            assert process.stdout.readline() == "committed old\n"
            assert arrived.wait(PATIENCE)
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "leaving\n"
            leaving.set()
            assert process.stdout.readline() == "committed brought-at-the-end\n"
            assert process.wait(PATIENCE) == 0
