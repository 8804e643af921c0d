"""Stories of things going wrong at the worst moment: stores that lie or answer late, workers that die, ends that cross."""

import attrs
import pytest

from tests.law.test_session import (
    REFRESH,
    REVOKING,
    accept_token,
    authorize,
    grants_sent,
    refuse_token,
    sibling,
    stored,
    user,
    worker,
)
from tests.model.pair import PROVIDER, START, Clock, Worker
from tests.model.server import TokenServer, reply
from tropipay_oauth import Delivery, HTTPResponse, MemoryStore, SessionPolicy, Token, facts
from tropipay_oauth.effects import LoadRecord, SendRequest, SwapRecord
from tropipay_oauth.errors import AccessEnded, AttemptsSpent, LocalProtocolError
from tropipay_oauth.records import Empty, Intent, Record, StoreKey, Tokens

OPTED_IN = SessionPolicy(retries_in_doubt=True)
BY_REFRESH = SessionPolicy(renews_with_refresh_token=True)


def settle(one: Worker, limit: int = 1000) -> None:
    """Go on, with a caller waiting, until the session rests."""
    for _ in range(limit):
        one.run()
        if one.session.wake_at is None or one.state == "Live":
            return
        one.tick()
    raise AssertionError(f"no end: {len(one.server.requests)} requests, {one.state}")


def up_to_the_request(one: Worker) -> SendRequest:
    one.call()
    effect = one.until(SendRequest)
    assert isinstance(effect, SendRequest)
    return effect


def renewal_that_is_taken_over() -> tuple[Worker, Worker]:
    """One holds the reply to a renewal; another, opted in, is about to send the same refresh token again."""
    one = user(policy=OPTED_IN)
    one.clock.advance(4000)
    up_to_the_request(one)
    two = sibling(one, 2, policy=OPTED_IN)
    two.call()
    two.run()
    while two.state == "Watching":
        two.tick()
        while two.queue and not isinstance(two.queue[0], SendRequest):
            two.perform()
    return one, two


# -- Stores that lie, or answer late -------------------------------------------------------------------------------


class Refusing(MemoryStore):
    """A store that refuses each write of one kind of record."""

    def __init__(self, kind: type) -> None:
        super().__init__()
        self.kind = kind

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> int | None:
        return None if isinstance(record, self.kind) else super().swap(key, expected_version, record)


@pytest.mark.parametrize("kind", [Tokens, Intent])
def test_a_store_that_refuses_each_write_ends_in_an_answer(kind: type) -> None:
    one = Worker(TokenServer(), Refusing(kind), Clock())
    one.call()
    settle(one)
    assert one.answers


def test_a_record_that_cannot_be_erased_is_told() -> None:
    one = Worker(TokenServer(), Refusing(Empty), Clock())
    one.token()
    one.tell(facts.RevocationRequested(now=one.clock.now))
    one.run()
    assert one.state == "Dormant" and "could not be removed" in str(one.answers[-1])


def test_a_stale_read_after_an_unknown_commit_does_not_cost_the_only_copy() -> None:
    one = user()
    version, record = one.store.load(one.session.key)
    one.clock.advance(4000)
    up_to_the_request(one)
    one.perform()
    one.fail_store(applied=False)
    assert isinstance(one.queue.pop(0), LoadRecord)
    one.tell(facts.RecordLoaded(version=version, record=record, now=one.clock.now))
    settle(one)
    assert isinstance(one.answers[-1], Token)


def test_an_intent_of_mine_that_the_store_wrote_late_is_mine_still() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    late = one.until(SwapRecord)
    assert isinstance(late, SwapRecord)
    one.fail_store(applied=False)
    one.until(SwapRecord)
    one.store.swap(one.session.key, late.expected_version, late.record)
    settle(one)
    assert isinstance(one.answers[-1], Token)


def test_an_authorization_that_was_saved_after_all_does_not_overwrite_what_came_of_it() -> None:
    one = worker(renewal=REFRESH)
    two = sibling(one, 2)
    response = one.server._issue(one.server._new_family(), one.clock.now)
    members = __import__("json").loads(response.body)
    token = attrs.evolve(
        authorize(worker(renewal=REFRESH)),
        access_token=members["access_token"],
        refresh_token=members["refresh_token"],
    )
    one.tell(facts.AuthorizationGranted(token=token, now=one.clock.now))
    one.until(SwapRecord)
    one.fail_store(applied=True)
    while one.queue:
        one.fail_store()
    assert one.state == "Live"  # released loudly, although it is in the store
    refuse_token(two, two.token())
    newest = two.token()
    one.tick()
    one.run()
    assert stored(one) == Tokens(newest)
    assert one.server.reuse_detected == 0


def test_a_reply_that_keeps_the_access_token_and_rotates_the_refresh_token_is_saved() -> None:
    one = user()
    version, record = one.store.load(one.session.key)
    assert isinstance(record, Tokens) and one.session.wake_at is not None
    one.clock.now = one.session.wake_at
    effect = up_to_the_request(one)
    one.queue.pop(0)
    same = record.token.access_token.reveal()
    until = int(one.clock.now + 3600)
    members = {"access_token": same, "refresh_token": "R2", "token_type": "Bearer", "expires_in": until}
    one.reply(effect, reply(200, members))
    one.fail_store()
    one.queue.pop(0)
    one.tell(facts.RecordLoaded(version=version, record=record, now=one.clock.now))
    settle(one)
    kept = stored(one)
    assert isinstance(kept, Tokens) and kept.token.refresh_token is not None
    assert kept.token.refresh_token.reveal() == "R2"


# -- Renewal loops -------------------------------------------------------------------------------------------------


def test_tokens_that_end_while_they_are_saved_cause_no_loop() -> None:
    one = worker()
    one.server.lifetime = 1
    one.call()
    for _ in range(200):
        if one.queue:
            one.clock.advance(2 * isinstance(one.queue[0], SwapRecord))
            one.perform()
        elif one.session.wake_at is not None:
            one.tick()
    assert isinstance(one.answers[-1], AttemptsSpent)
    assert len(one.server.requests) == SessionPolicy().max_attempts


def test_attempts_without_number_overflow_nothing() -> None:
    one = worker(policy=SessionPolicy(max_attempts=10**6, retry_for=1e9))
    one.server.scripted += [lambda request, now: HTTPResponse(status=503)] * 1200
    one.call()
    for _ in range(1100):
        one.run()
        one.tick()
    assert one.state == "Loading"


def test_a_short_memory_of_refusals_does_not_override_what_the_server_asks() -> None:
    one = worker(policy=SessionPolicy(max_attempts=1, refusal_memory=1))
    busy = HTTPResponse(status=503, headers={"Retry-After": "20"})
    one.server.scripted.append(lambda request, now: busy)
    answer = one.get()
    assert isinstance(answer, AttemptsSpent) and answer.retry_at >= START + 20


# -- Doubts --------------------------------------------------------------------------------------------------------


def test_a_retry_that_was_not_processed_leaves_the_doubt_for_all_to_see() -> None:
    one, two = renewal_that_is_taken_over()
    effect = two.queue.pop(0)
    assert isinstance(effect, SendRequest)
    two.reply(effect, HTTPResponse(status=503))
    two.run()
    assert two.state == "InDoubt" and isinstance(stored(two), Intent)
    settle(one)
    assert isinstance(one.answers[-1], Token) and one.server.reuse_detected == 0


def test_a_retry_that_was_refused_leaves_the_doubt_for_all_to_see() -> None:
    _, two = renewal_that_is_taken_over()
    effect = two.queue.pop(0)
    assert isinstance(effect, SendRequest)
    two.reply(effect, reply(400, {"error": "invalid_client"}))
    assert two.state == "InDoubt" and isinstance(stored(two), Intent)


def test_a_retry_that_is_closed_before_it_is_sent_leaves_the_doubt_for_all_to_see() -> None:
    one = user(policy=OPTED_IN)
    one.clock.advance(4000)
    up_to_the_request(one)
    one.fail_transport(arrived=True)
    one.call()
    one.until(SwapRecord)
    one.tell(facts.Close(now=one.clock.now))
    one.run()
    two = sibling(one, 2)
    two.call()
    settle(two)
    assert two.state == "InDoubt" and one.server.reuse_detected == 0


def test_a_client_credentials_session_never_sends_a_dead_workers_refresh_token() -> None:
    one = worker(policy=BY_REFRESH)
    one.token()
    one.clock.advance(4000)
    effect = up_to_the_request(one)
    one.server.handle(effect.request, one.clock.now)  # consumed; and here one dies
    two = sibling(one, 2, policy=BY_REFRESH)
    two.call()
    settle(two)
    assert isinstance(two.answers[-1], Token) and one.server.reuse_detected == 0


def test_nor_its_own_after_the_store_failed_to_take_the_intent_back() -> None:
    one = worker(policy=BY_REFRESH)
    one.token()
    one.clock.advance(4000)
    up_to_the_request(one)
    one.fail_transport(arrived=True)
    one.fail_store()
    settle(one)
    assert isinstance(one.answers[-1], Token) and one.server.reuse_detected == 0


# -- Ends that cross -----------------------------------------------------------------------------------------------


def test_closing_takes_an_intent_back_although_the_store_fails_once() -> None:
    one = user()
    one.clock.advance(4000)
    up_to_the_request(one)
    one.tell(facts.Close(now=one.clock.now))
    one.fail_transport(Delivery.NOT_SENT)
    one.fail_store()
    one.run()
    assert one.state == "Closed" and isinstance(stored(one), Tokens)


def test_closing_ends_although_the_store_fails_for_ever() -> None:
    one = user()
    one.clock.advance(4000)
    up_to_the_request(one)
    one.tell(facts.Close(now=one.clock.now))
    one.fail_transport(Delivery.NOT_SENT)
    for _ in range(50):
        if one.queue:
            one.fail_store() if isinstance(one.queue[0], SwapRecord) else one.perform()
    assert one.state == "Closed"


@pytest.mark.parametrize("order", [(facts.RevocationRequested, facts.Close), (facts.Close, facts.RevocationRequested)])
def test_revocation_and_close_both_happen_in_either_order(order: tuple[type, type]) -> None:
    one = worker(provider=REVOKING)
    up_to_the_request(one)
    for kind in order:
        one.tell(kind(now=one.clock.now))
    one.run()
    assert one.state == "Closed" and stored(one) == Empty() and one.server.revoked


def test_an_authorization_after_a_revocation_was_asked_for_is_kept_and_the_older_token_is_given_up() -> None:
    one = user(provider=REVOKING)
    one.clock.advance(4000)
    up_to_the_request(one)
    one.tell(facts.RevocationRequested(now=one.clock.now))
    newest = authorize(one)
    assert stored(one) == Tokens(newest)
    assert one.server.revoked


def test_closing_while_another_renews_the_same_generation_saves_the_token() -> None:
    one, _ = renewal_that_is_taken_over()
    one.run()
    assert one.state == "Watching"
    one.tell(facts.Close(now=one.clock.now))
    one.run()
    assert one.state == "Closed" and isinstance(stored(one), Tokens)


# -- Whose token it is, and when it is -----------------------------------------------------------------------------


def test_a_users_session_never_takes_the_applications_token() -> None:
    app = worker()
    app.token()
    person = Worker(app.server, app.store, app.clock, number=2, renewal=REFRESH)
    assert not isinstance(person.get(), Token)


def test_a_users_session_never_sends_client_credentials() -> None:
    app = worker()
    up_to_the_request(app)
    steady = attrs.evolve(PROVIDER, rotates_refresh_tokens=False)
    person = Worker(app.server, app.store, app.clock, number=2, renewal=REFRESH, provider=steady)
    person.call()
    settle(person)
    assert grants_sent(person) == []


@pytest.mark.parametrize("now", [float("nan"), float("inf"), START * 1000])
def test_a_time_that_is_none_is_refused(now: float) -> None:
    one = worker()
    accept_token(one, one.token())
    access = one.session.access
    assert access is not None
    with pytest.raises(LocalProtocolError, match="not milliseconds"):
        one.tell(facts.AccessRequested(now=now))
    with pytest.raises(AccessEnded):
        access.bearer(f"{PROVIDER.api_base}x", now)


def test_workers_that_share_a_store_do_not_trade_refused_tokens_without_pause() -> None:
    policy = SessionPolicy(max_attempts=3)
    one = worker(policy=policy)
    two = sibling(one, 2, policy=policy)
    one.token()
    two.token()
    for _ in range(50):
        for each in (two, one):
            if each.session.access is not None and each.state == "Live":
                refuse_token(each, each.session.access.token)
                each.run()
    assert len(one.server.requests) < 12
