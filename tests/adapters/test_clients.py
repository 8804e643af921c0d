"""The three clients tell the same story: against the sandbox, over real sockets."""

import os
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.support import PATIENCE
from tests.adapters.world import PLAYS, PROFILE, Play, Together, World, opened
from tropipay_oauth import (
    Delivery,
    GrantType,
    HTTPRequest,
    HTTPResponse,
    MemoryPendingStore,
    MemoryStore,
    Provider,
    Secret,
    SessionPolicy,
    Token,
    TransportError,
)
from tropipay_oauth.errors import (
    AttemptsSpent,
    AuthorizationRefused,
    CallbackError,
    ConfigurationError,
    OAuthError,
    ReauthorizationRequired,
    ResourceNotAllowed,
    SessionClosed,
    StateMismatch,
    StateReplayed,
    StateUnknown,
    StoreError,
    TokenInDoubt,
)
from tropipay_oauth.events import TokenIssued, TokenNotPersisted, TokenRefreshed
from tropipay_oauth.records import Empty, Record, StoreKey, Tokens


@pytest.fixture(params=PLAYS)
def play(request: pytest.FixtureRequest) -> Play:
    return PLAYS[request.param]


@pytest.fixture
def world() -> Iterator[World]:
    with opened() as world:
        yield world


def steps(client: Any) -> list[str]:
    return [event.step for event in client.events if event.step != "note"]


async def asked(world: World, together: Together) -> None:
    """Wait until the token endpoint was asked."""

    async def tick() -> None:
        return None

    until = time.monotonic() + PATIENCE
    while not world.asked.is_set():
        assert time.monotonic() < until, "the token endpoint was not asked"
        await together([tick])


# -- A token, and what it is for -----------------------------------------------------------------------------------


def test_one_token_serves_many_requests(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        for _ in range(3):
            response = await client.request("GET", PROFILE)
            assert response.status == 200
        assert isinstance(await client.token(), Token)
        assert steps(client)[:5] == ["request", "grant", "token", "access", "resource"]

    play(world, story)
    assert world.sandbox.token_requests == 1
    assert world.server.connections == 1


def test_an_expired_token_is_renewed_once_for_a_thousand_callers(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> list[Any]:
        first = await client.token()
        world.next_day()
        tokens = await together([client.token] * 1000)
        assert {type(token) for token in tokens} == {Token}
        assert len({token.access_token for token in tokens} - {first.access_token}) == 1
        return tokens

    play(world, story)
    assert world.sandbox.token_requests == 2


def test_a_revoked_token_is_renewed_once_for_a_thousand_callers(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        assert (await client.request("GET", PROFILE)).status == 200
        world.sandbox.revoke_access_tokens()
        responses = await together([lambda: client.request("GET", PROFILE)] * 1000)
        assert [getattr(one, "status", one) for one in responses] == [200] * 1000

    play(world, story)
    assert world.sandbox.token_requests == 2


def test_a_valid_token_is_given_at_once_while_the_next_one_is_fetched(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        first = await client.token()
        world.clock.ahead += 86400.0 - 100  # due, and still valid
        world.asked.clear()
        world.held.clear()
        assert (await client.token()).access_token == first.access_token
        await asked(world, together)
        assert (await client.token()).access_token == first.access_token
        world.held.set()

    play(world, story)
    assert world.sandbox.token_requests == 2


def test_wrong_credentials_cost_one_login(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> list[Any]:
        first = await together([client.token] * 20)
        return first + await together([lambda: client.request("GET", PROFILE)] * 20)

    world.wrong_secret = Secret("wrong")
    errors = play(world, story)
    assert {type(error) for error in errors} == {OAuthError}
    assert len({id(error) for error in errors}) == 40
    assert world.sandbox.token_requests == 1


def test_a_busy_server_is_asked_again_while_somebody_waits(play: Play, world: World) -> None:
    world.sandbox.set_behaviour(fault="status_503", fault_count=2, retry_after="none")

    async def story(client: Any, together: Together) -> None:
        assert {type(one) for one in await together([client.token] * 5)} == {Token}

    play(world, story, policy=SessionPolicy(backoff=0.01, max_backoff=0.02))
    assert world.sandbox.token_requests == 3


def test_a_caller_may_wait_for_less_long_than_the_session_tries(play: Play, world: World) -> None:
    world.held.clear()

    async def story(client: Any, together: Together) -> None:
        with pytest.raises(TransportError) as caught:
            await client.token(timeout=0.05)
        assert (caught.value.code, caught.value.delivery) == ("timeout", Delivery.NOT_SENT)
        world.held.set()
        await client.token()

    play(world, story)
    assert world.sandbox.token_requests == 1


# -- Resending (rule 2) --------------------------------------------------------------------------------------------


def test_a_request_is_sent_again_once_after_401(play: Play, world: World) -> None:
    world.sandbox.set_behaviour(resource_401=-1)

    async def story(client: Any, together: Together) -> None:
        assert (await client.request("GET", PROFILE)).status == 401

    play(world, story)
    assert world.resource_requests == 2


def test_a_payment_is_never_sent_twice(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        async def pay(reference: str) -> HTTPResponse:
            response: HTTPResponse = await client.request("POST", "paymentcards", json={"reference": reference})
            return response

        assert (await pay("good")).status == 200
        world.sandbox.set_behaviour(fault="status_500", fault_at="resource", fault_count=1)
        assert (await pay("500")).status == 500
        world.sandbox.set_behaviour(fault="drop_after", fault_at="resource", fault_count=1)
        with pytest.raises(TransportError) as caught:
            await pay("dropped")
        assert caught.value.delivery is Delivery.AMBIGUOUS
        world.sandbox.set_behaviour(fault="none", resource_401=1)
        assert (await pay("401")).status == 401
        assert (await pay("401")).status == 200

    play(world, story)
    assert list(world.sandbox.payments).count("dropped") == 1
    assert all(list(world.sandbox.payments).count(one) <= 1 for one in ("good", "500", "401"))


def test_a_replayable_payment_may_be_sent_again_after_401(play: Play, world: World) -> None:
    world.sandbox.set_behaviour(resource_401=1)

    async def story(client: Any, together: Together) -> None:
        response = await client.request("POST", "paymentcards", json={"reference": "r"}, replayable=True)
        assert response.status == 200

    play(world, story)
    assert world.sandbox.payments == ("r",)


class Unreachable:
    """A transport that fails before anything is sent, the first `times` times, for resources."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.tried = 0

    def send(self, request: HTTPRequest) -> HTTPResponse:
        if "/access/token" in request.url:
            return HTTPResponse(status=200, body=b'{"access_token": "abc", "token_type": "Bearer", "expires_in": 3600}')
        self.tried += 1
        if self.tried <= self.times:
            raise TransportError("no way", delivery=Delivery.NOT_SENT)
        return HTTPResponse(status=200)


def test_what_was_not_sent_is_sent_once_more(play: Play, world: World) -> None:
    transport = Unreachable(1)

    async def story(client: Any, together: Together) -> None:
        assert (await client.request("POST", "x")).status == 200

    play(world, story, transport=Working(transport) if play is not PLAYS["sync"] else transport)
    assert transport.tried == 2


def test_what_was_not_sent_twice_is_given_up(play: Play, world: World) -> None:
    transport = Unreachable(2)

    async def story(client: Any, together: Together) -> None:
        with pytest.raises(TransportError) as caught:
            await client.request("POST", "x")
        assert caught.value.delivery is Delivery.NOT_SENT

    play(world, story, transport=Working(transport) if play is not PLAYS["sync"] else transport)
    assert transport.tried == 2


class Working:
    """The same as an asynchronous transport."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        response: HTTPResponse = self._transport.send(request)
        return response


def test_the_token_goes_nowhere_else(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        for url in ("https://evil.example/", "//evil.example/x"):
            with pytest.raises((ResourceNotAllowed, ConfigurationError)):
                await client.request("GET", url)

    play(world, story)
    assert world.resource_requests == 0


# -- A user's token ------------------------------------------------------------------------------------------------


def test_a_user_signs_in_and_the_token_renews_itself(play: Play, world: World) -> None:
    store = MemoryStore()

    async def story(client: Any, together: Together) -> None:
        start = await client.authorize(scope="ALLOW_GET_PROFILE_DATA")
        token = await client.finish(world.approve(start))
        assert (token.grant_type, str(token.granted)) == (GrantType.AUTHORIZATION_CODE, "ALLOW_GET_PROFILE_DATA")
        key = StoreKey(issuer=world.provider.issuer, client_id=world.credential.client_id, account="the user")
        assert store.load(key)[1] == Tokens(token)
        assert (await client.token()).access_token == token.access_token
        assert (await client.request("GET", PROFILE)).status == 200
        world.next_day()
        assert {one.access_token for one in await together([client.token] * 50)} != {token.access_token}
        assert [type(event) for event in client.events if isinstance(event, TokenIssued | TokenRefreshed)] == [
            TokenIssued,
            TokenRefreshed,
        ]

    play(world, story, store=store, **world.user())
    assert world.sandbox.token_requests == 2


def test_an_authorization_is_finished_once(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        start = await client.authorize()
        callback = world.approve(start)
        results = await together([lambda: client.finish(callback, start.handle)] * 5)
        assert sorted(type(one).__name__ for one in results) == ["StateReplayed"] * 4 + ["Token"]
        with pytest.raises(StateReplayed):
            await client.finish(Secret(callback), start.handle.reveal())

    play(world, story, **world.user())
    assert world.sandbox.token_requests == 1


def test_a_stray_hit_leaves_a_loopback_flow_waiting(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        start = await client.authorize()
        for stray in ("?code=evil&state=wrong", "?state=", ""):
            with pytest.raises(CallbackError) as caught:
                await client.finish(world.sandbox.redirect_uri + stray)
            assert type(caught.value).__name__ in ("StateMismatch", "StateMissing", "MalformedCallback")
        assert isinstance(await client.finish(world.approve(start)), Token)

    play(world, story, **world.user())


def test_a_user_says_no(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        start = await client.authorize()
        with pytest.raises(AuthorizationRefused):
            await client.finish(world.sandbox.approve(start.url, world.clock(), approve=False))
        with pytest.raises(ReauthorizationRequired):
            await client.token()

    play(world, story, **world.user())
    assert world.sandbox.token_requests == 0


def test_a_web_flow_ends_with_a_wrong_state(play: Play, world: World) -> None:
    made = world.sandbox.register(client_name="Web", redirect_uris=["https://shop.example/cb"], scopes="ALLOW_GET_BALANCE")
    options = {"renewal": GrantType.REFRESH_TOKEN, "redirect_uri": "https://shop.example/cb"}
    assert made is not None

    async def story(client: Any, together: Together) -> None:
        await client.authorize()
        with pytest.raises(StateMismatch):
            await client.finish("https://shop.example/cb?code=x&state=wrong")
        with pytest.raises(StateReplayed):
            await client.finish("https://shop.example/cb?code=x&state=wrong")

    play(world, story, **options)


def test_an_authorization_pending_for_too_long(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        start = await client.authorize()
        callback = world.approve(start)
        world.clock.ahead += 3600
        with pytest.raises(CallbackError) as caught:
            await client.finish(callback)
        assert caught.value.code in ("state_expired", "state_unknown")

    play(world, story, **world.user())


def test_a_code_whose_fate_is_unknown_is_not_sent_again(play: Play, world: World) -> None:
    world.sandbox.set_behaviour(fault="drop_after", fault_count=1)

    async def story(client: Any, together: Together) -> None:
        start = await client.authorize()
        with pytest.raises(TokenInDoubt):
            await client.finish(world.approve(start))

    play(world, story, **world.user())
    assert world.sandbox.token_requests == 1


def test_a_user_may_sign_in_again_while_the_token_is_being_renewed(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        await client.finish(world.approve(await client.authorize()))
        world.next_day()
        start = await client.authorize()
        callback = world.approve(start)
        results = await together([client.token, lambda: client.finish(callback, start.handle), client.token])
        assert {type(one) for one in results} == {Token}
        assert (await client.token()).access_token == results[1].access_token

    play(world, story, **world.user())


@pytest.mark.parametrize("options", [{}, {"redirect_uri": "http://127.0.0.1:1/cb"}, {"renewal": GrantType.REFRESH_TOKEN}])
def test_a_client_without_a_redirect_uri_authorizes_nobody(play: Play, world: World, options: dict[str, Any]) -> None:
    async def story(client: Any, together: Together) -> None:
        with pytest.raises(ConfigurationError) as caught:
            await client.authorize()
        assert caught.value.code == "renewal"
        with pytest.raises(StateUnknown):
            await client.finish("http://127.0.0.1:1/cb?code=x&state=y")

    play(world, story, **options)


# -- Giving it up, and the end -------------------------------------------------------------------------------------


def test_a_token_is_revoked_here_and_at_the_provider(play: Play, world: World) -> None:
    store = MemoryStore()
    key = StoreKey(issuer=world.provider.issuer, client_id=world.credential.client_id)

    async def story(client: Any, together: Together) -> None:
        old = await client.token()
        assert await client.revoke() is True
        assert store.load(key)[1] == Empty()
        assert (await client.token()).access_token != old.access_token
        assert True in await together([client.revoke] * 3)  # who comes after the others finds nothing to revoke

    play(world, story, store=store)


def test_a_closed_client_gives_nothing(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        await client.token()
        start = await client.authorize()
        await client.aclose()
        works = [
            client.token,
            lambda: client.request("GET", PROFILE),
            client.revoke,
            client.authorize,
            lambda: client.finish(world.sandbox.redirect_uri, start.handle),
        ]
        for work in works:
            with pytest.raises(SessionClosed):
                await work()
        await client.aclose()

    async def user_story(client: Any, together: Together) -> None:
        await client.finish(world.approve(await client.authorize()))
        await story(client, together)

    play(world, user_story, **world.user())


def test_closing_waits_for_an_exchange_and_keeps_its_token(play: Play, world: World) -> None:
    store = MemoryStore()
    key = StoreKey(issuer=world.provider.issuer, client_id=world.credential.client_id, account="the user")

    async def story(client: Any, together: Together) -> list[Any]:
        first = await client.finish(world.approve(await client.authorize()))
        world.next_day()
        world.asked.clear()
        world.held.clear()

        async def close() -> None:
            await asked(world, together)
            world.held.set()
            await client.aclose()

        token, _ = await together([client.token, close])
        _, record = store.load(key)
        assert isinstance(record, Tokens)
        assert record.token.access_token != first.access_token
        return [token]

    (outcome,) = play(world, story, store=store, **world.user())
    assert isinstance(outcome, Token | SessionClosed)
    assert world.sandbox.token_requests == 2


# -- Stores --------------------------------------------------------------------------------------------------------


class Failing(MemoryStore):
    """Fails to write, so many times."""

    def __init__(self, times: int, error: Exception) -> None:
        super().__init__()
        self.times = times
        self.error = error

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> int | None:
        if isinstance(record, Tokens):
            self.times -= 1
            if self.times >= 0:
                raise self.error
        return super().swap(key, expected_version, record)


@pytest.mark.parametrize("error", [OSError("disk full"), StoreError("mine")])
def test_a_store_that_fails_for_a_while_is_waited_for(play: Play, world: World, error: Exception) -> None:
    store = Failing(2, error)

    async def story(client: Any, together: Together) -> None:
        await client.token()
        assert not any(isinstance(event, TokenNotPersisted) for event in client.events)

    play(world, story, store=store)
    assert world.sandbox.token_requests == 1


def test_a_store_that_fails_for_good_does_not_cost_the_token(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        await client.token()
        (told,) = [event for event in client.events if isinstance(event, TokenNotPersisted)]
        assert "OSError" in str(told.error)
        assert "disk full" not in str(told.error)

    play(world, story, store=Failing(10**6, OSError("disk full")))


class Keeping(MemoryStore):
    """Cannot erase."""

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> int | None:
        if isinstance(record, Empty):
            raise OSError("read only")
        return super().swap(key, expected_version, record)


def test_a_token_that_cannot_be_erased_is_an_error(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        await client.token()
        with pytest.raises(StoreError, match="could not be removed"):
            await client.revoke()

    play(world, story, store=Keeping())


def test_clients_that_share_a_store_share_a_token(play: Play, world: World) -> None:
    """Single flight across clients: an own session each, as in two processes."""
    store = MemoryStore()

    async def story(first: Any, together: Together) -> None:
        results: list[Any] = []

        async def other() -> Any:
            token = await first.token()
            results.append(token)
            return token

        await together([other] * 3)

    def one() -> None:
        play(world, story, store=store, policy=SessionPolicy(watch_interval=0.01))

    players = [threading.Thread(target=one) for _ in range(8)]
    for player in players:
        player.start()
    for player in players:
        player.join(PATIENCE * 3)
    assert world.sandbox.token_requests == 1


class Unreadable(MemoryStore):
    def load(self, key: StoreKey) -> tuple[int, Record]:
        raise LookupError("no such table")


def test_a_store_that_cannot_be_read_is_an_error(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        with pytest.raises(AttemptsSpent) as caught:
            await client.token()
        assert "LookupError" in str(caught.value)

    play(world, story, store=Unreadable(), policy=SessionPolicy(backoff=0.001, max_attempts=2))
    assert world.sandbox.token_requests == 0


class Slow(MemoryStore):
    """An asynchronous store."""

    def load(self, key: StoreKey) -> Any:
        return _later(super().load(key))

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> Any:
        return _later(super().swap(key, expected_version, record))


async def _later(value: Any) -> Any:
    return value


class SlowPending(MemoryPendingStore):
    """An asynchronous store of pending authorizations."""

    def put(self, pending: Any) -> Any:
        return _later(super().put(pending))

    def take(self, handle: str) -> Any:
        return _later(super().take(handle))


@pytest.mark.parametrize("runtime", ["asyncio", "trio"])
def test_stores_may_be_asynchronous(runtime: str, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        await client.finish(world.approve(await client.authorize()))
        assert (await client.request("GET", PROFILE)).status == 200

    PLAYS[runtime](world, story, store=Slow(), pending_store=SlowPending(), **world.user())


def test_an_asynchronous_store_is_an_error_in_the_synchronous_client(world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        with pytest.raises(AttemptsSpent) as caught:
            await client.token()
        assert "synchronous store" in str(caught.value)

    PLAYS["sync"](world, story, store=Slow(), policy=SessionPolicy(backoff=0.001, max_attempts=1))


class Future:
    def __await__(self) -> Any:
        raise AssertionError("never awaited")


class OddTransport:
    """Fails in a way that no transport should."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def send(self, request: HTTPRequest) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_an_unknown_failure_of_a_transport_is_ambiguous(play: Play, world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        with pytest.raises(AttemptsSpent) as caught:
            await client.token()
        assert "ZeroDivisionError" in str(caught.value)

    policy = SessionPolicy(backoff=0.001, max_attempts=2)
    play(world, story, transport=OddTransport(ZeroDivisionError("x")), policy=policy)


def test_a_transport_of_another_runtime_is_named_so(world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        with pytest.raises(AttemptsSpent) as caught:
            await client.token()
        assert "synchronous store and transport" in str(caught.value)

    PLAYS["sync"](world, story, transport=OddTransport(Future()), policy=SessionPolicy(backoff=0.001, max_attempts=1))


@pytest.mark.parametrize("fault", ["truncated_body", "huge_body"])
def test_a_malformed_reply_is_ambiguous_and_asked_for_again_where_that_does_no_harm(play: Play, world: World, fault: Any) -> None:
    world.sandbox.set_behaviour(fault=fault, fault_count=1)

    async def story(client: Any, together: Together) -> None:
        await client.token()

    play(world, story, policy=SessionPolicy(backoff=0.001))
    assert world.sandbox.token_requests == 2


# -- Observers, notices, forks -------------------------------------------------------------------------------------


def test_observers_hear_everything_and_disturb_nothing(play: Play, world: World, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def broken(event: Any) -> None:
        raise LookupError("an observer's bug")

    async def story(client: Any, together: Together) -> None:
        stop = client.events.subscribe(lambda event: heard.append(event.step))
        client.events.subscribe(broken)
        await client.request("GET", PROFILE)
        stop()
        count = len(heard)
        await client.request("GET", PROFILE)
        assert len(heard) == count
        assert len(client.events) > count

    play(world, story)
    assert [step for step in heard if step != "note"] == ["request", "grant", "token", "access", "resource"]
    assert "an observer failed" in caplog.text


def test_the_provider_s_notices_are_passed_on(play: Play, world: World) -> None:
    world.provider = Provider.for_server("https://tropipay-dev.herokuapp.com")

    async def story(client: Any, together: Together) -> None:
        return None

    with pytest.warns(UserWarning, match="old development server"):
        play(world, story)


def test_a_fork_does_not_go_on_with_its_parents_entropy(world: World) -> None:
    async def story(client: Any, together: Together) -> None:
        await client.request("GET", PROFILE)
        world.next_day()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            code = 1
            try:
                await client.token()
            except SessionClosed as error:
                code = 0 if error.code == "forked" else 2
            finally:
                client.plain.close()
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0  # noqa: ASYNC222  # this story is played by threads
        assert (await client.request("GET", PROFILE)).status == 200

    PLAYS["sync"](world, story)
