"""Several workers share one store and one provider; everything that can go wrong does, in any order.

A walk of Hypothesis over real sessions, a real memory store and the server model, which rotates refresh tokens and
kills a family when a spent one is presented again. After every step the rules that peers break are checked, and
planted mistakes show that the checks can fail.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.law.test_session import authorize
from tests.model.pair import Clock, Worker
from tests.model.server import TokenServer
from tropipay_oauth import Delivery, GrantType, HTTPResponse, MemoryStore, Secret, SessionPolicy, Token, facts
from tropipay_oauth._law.machine import Row, Step
from tropipay_oauth._law.session.moves import claim, send
from tropipay_oauth._law.session.replies import granted
from tropipay_oauth._law.session.states import Claiming, Exchanging, Loading
from tropipay_oauth._law.session.store import record_loaded
from tropipay_oauth._law.session.table import SESSION
from tropipay_oauth._wire.token_reply import Granted, Unknown
from tropipay_oauth.effects import LoadRecord, ReleaseCallers, SendRequest, SwapRecord
from tropipay_oauth.records import Intent, Record, StoreKey, Tokens

WORKERS = 2
POLICY = SessionPolicy(max_attempts=3, exchange_timeout=10, commit_timeout=10, in_doubt_after=30)


class WitnessedStore(MemoryStore):
    """A memory store that remembers which access tokens were ever committed."""

    def __init__(self) -> None:
        super().__init__()
        self.committed: set[str] = set()

    def swap(self, key: StoreKey, expected_version: int, record: Record) -> int | None:
        version = super().swap(key, expected_version, record)
        if version is not None and isinstance(record, Tokens):
            self.committed.add(record.token.access_token.reveal())
        return version


class Fleet(RuleBasedStateMachine):
    """The world: workers, their store, the provider and the clock."""

    renewal = GrantType.REFRESH_TOKEN

    @initialize()
    def begin(self) -> None:
        self.server, self.store, self.clock = TokenServer(lifetime=100), WitnessedStore(), Clock()
        self.births = 0
        self.workers = [self.born() for _ in range(WORKERS)]
        self.lost = False
        authorize(self.workers[0])

    def born(self) -> Worker:
        self.births += 1
        return Worker(self.server, self.store, self.clock, number=self.births, renewal=self.renewal, policy=POLICY)

    @rule(who=st.integers(0, WORKERS - 1))
    def call(self, who: int) -> None:
        self.workers[who].call()

    def waiting(self, *kinds: type) -> list[Worker]:
        """Who waits for an effect of one of these kinds."""
        return [one for one in self.workers if one.queue and isinstance(one.queue[0], kinds)]

    def one_of(self, data: st.DataObject, *kinds: type) -> Worker:
        found = self.waiting(*kinds)
        return found[data.draw(st.integers(0, len(found) - 1))]

    @precondition(lambda self: self.waiting(SendRequest, LoadRecord, SwapRecord))
    @rule(data=st.data())
    def perform(self, data: st.DataObject) -> None:
        self.one_of(data, SendRequest, LoadRecord, SwapRecord).perform()

    @rule(who=st.integers(0, WORKERS - 1))
    def call_and_go_on_up_to_the_request(self, who: int) -> None:
        one = self.workers[who]
        one.call()
        while one.queue and not isinstance(one.queue[0], SendRequest):
            one.perform()

    @rule()
    def all_look_at_the_store_at_once(self) -> None:
        for one in self.workers:
            one.call()
        for one in self.waiting(LoadRecord):
            one.perform()

    @precondition(lambda self: self.waiting(SendRequest, LoadRecord, SwapRecord))
    @rule(data=st.data())
    def go_on_to_the_end(self, data: st.DataObject) -> None:
        self.one_of(data, SendRequest, LoadRecord, SwapRecord).run()

    @precondition(lambda self: self.waiting(SendRequest))
    @rule(data=st.data(), arrived=st.booleans())
    def lose_the_exchange(self, data: st.DataObject, arrived: bool) -> None:
        self.lost = True
        self.one_of(data, SendRequest).fail_transport(arrived=arrived)

    @precondition(lambda self: self.waiting(SendRequest))
    @rule(data=st.data(), status=st.sampled_from([None, 429, 503]))
    def not_processed(self, data: st.DataObject, status: int | None) -> None:
        one = self.one_of(data, SendRequest)
        if status is None:
            one.fail_transport(Delivery.NOT_SENT)
        else:
            effect = one.queue.pop(0)
            assert isinstance(effect, SendRequest)
            one.reply(effect, HTTPResponse(status=status))

    @precondition(lambda self: self.waiting(LoadRecord, SwapRecord))
    @rule(data=st.data(), applied=st.booleans())
    def store_fails(self, data: st.DataObject, applied: bool) -> None:
        one = self.one_of(data, LoadRecord, SwapRecord)
        self.lost = self.lost or (applied and isinstance(one.queue[0], SwapRecord))  # its worker may rest for long
        one.fail_store(applied=applied)

    @rule(who=st.integers(0, WORKERS - 1))
    def kill(self, who: int) -> None:
        one = self.workers[who]
        ledger = one.session.state.ledger
        self.lost = self.lost or bool(one.queue or ledger.unsaved or ledger.unsent)
        self.workers[who] = self.born()

    @rule(who=st.integers(0, WORKERS - 1))
    def close_and_replace(self, who: int) -> None:
        one = self.workers[who]
        if not one.queue:
            one.tell(facts.Close(now=self.clock.now))
            one.run()
            self.workers[who] = self.born()

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 20.0, 40.0, 95.0, 130.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.lost = self.lost or any(one.queue for one in self.workers)  # to the others a stalled worker is a lost one

    @rule(who=st.integers(0, WORKERS - 1))
    def alarm(self, who: int) -> None:
        one = self.workers[who]
        if one.session.wake_at is not None and one.session.wake_at <= self.clock.now + 60:
            one.tick()
            self.lost = self.lost or any(other.queue for other in self.workers if other is not one)

    @rule(who=st.integers(0, WORKERS - 1))
    def api_answers(self, who: int) -> None:
        one = self.workers[who]
        access = one.session.access
        if access is not None and self.clock.now < access.valid_until:
            token = access.token
            kind = facts.TokenAccepted if self.server.alive(token.access_token.reveal()) else facts.TokenRejected
            one.refused |= {token.access_token} if kind is facts.TokenRejected else set()
            one.tell(kind(access_token=token.access_token, now=self.clock.now))

    @rule(who=st.integers(0, WORKERS - 1))
    def old_news_costs_nothing(self, who: int) -> None:
        """Rule 2: a refusal of a token that is no longer current costs no renewal."""
        one = self.workers[who]
        due = one.session.wake_at
        if one.state == "Live" and one.refused and (due is None or self.clock.now < due):
            before = one.session.state
            one.tell(facts.TokenRejected(access_token=min(one.refused, key=Secret.reveal), now=self.clock.now))
            assert one.session.state is before and not one.queue

    @rule()
    def tokens_are_revoked(self) -> None:
        self.server.kill()

    def helpless(self) -> list[Worker]:
        return [one for one in self.workers if one.state in ("InDoubt", "NeedsAuthorization") and not one.queue]

    @precondition(lambda self: bool(self.helpless()))
    @rule()
    def user_authorizes(self) -> None:
        authorize(self.helpless()[0])

    # -- The rules --

    @invariant()
    def rule_1_one_exchange_at_a_time(self) -> None:
        for one in self.workers:
            assert len([effect for effect in one.queue if isinstance(effect, SendRequest)]) <= 1
            assert len(one.queue) <= 1, one.queue
        sending = [one.session.state.exchange for one in self.workers if isinstance(one.session.state, Exchanging)]
        stored = self.store.load(self.workers[0].session.key)[1]
        assert not isinstance(stored, Intent) or sending.count(stored.exchange) <= 1

    @invariant()
    def rule_2_a_token_that_was_refused_is_given_to_nobody(self) -> None:
        for one in self.workers:
            for answer in one.answers[one.checked :]:
                if isinstance(answer, Token):
                    assert answer.access_token not in one.refused

    @invariant()
    def rule_3_a_released_token_is_stored_or_was_told_of_loudly(self) -> None:
        for one in self.workers:
            for answer in one.answers[one.checked :]:
                if isinstance(answer, Token):
                    assert self.was_stored(answer) or "TokenNotPersisted" in [type(e).__name__ for e in one.events]
            one.checked = len(one.answers)

    def was_stored(self, token: Token) -> bool:
        return token.access_token.reveal() in self.store.committed

    @invariant()
    def rule_5_no_consumed_refresh_token_is_presented_again(self) -> None:
        assert self.server.reuse_detected == 0

    @invariant()
    def rule_5_doubt_has_a_reason(self) -> None:
        """Only a lost reply, a lost worker, or a claim that stands in a failing store leads into doubt."""
        if not self.lost:
            assert all(one.state != "InDoubt" for one in self.workers)

    @invariant()
    def rule_8_waiting_is_bounded(self) -> None:
        for one in self.workers:
            due = one.session.wake_at
            if one.state in ("Resting", "Watching") and due is not None:
                assert due <= self.clock.now + POLICY.max_retry_after

    def teardown(self) -> None:
        """Once faults stop, every worker reaches a live token or says honestly that only the user can help (rule 9)."""
        if not hasattr(self, "workers"):
            return
        for one in self.workers:
            one.run()
        for one in self.workers:
            one.call()
            one.run()
            for _ in range(200):
                if one.session.wake_at is None or one.state == "Live":
                    break
                one.tick()
                one.run()
            assert one.state in ("Live", "InDoubt", "NeedsAuthorization", "Resting"), one.state
            assert one.state != "InDoubt" or self.lost
            if one.state == "NeedsAuthorization" and one.session.access is None:
                assert not isinstance(self.store.load(one.session.key)[1], Tokens)


class ClientFleet(Fleet):
    """The same world for client credentials: nothing is consumed, so nothing is ever in doubt."""

    renewal = GrantType.CLIENT_CREDENTIALS

    @invariant()
    def rule_9_client_credentials_never_need_a_user(self) -> None:
        assert all(one.state not in ("InDoubt", "NeedsAuthorization") for one in self.workers)


BOUNDED = settings(
    max_examples=int(os.environ.get("TROPIPAY_WALKS", "200")),
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
    phases=[Phase.generate],
)


walk: Callable[..., None] = run_state_machine_as_test
"""Under a type of its own: Hypothesis gives it none."""


@pytest.mark.parametrize("world", [Fleet, ClientFleet])
def test_the_rules_hold_in_every_order_of_events(world: type[Fleet]) -> None:
    walk(world, settings=BOUNDED)


# -- Planted mistakes: what each peer does wrong, done on purpose --------------------------------------------------


@contextlib.contextmanager
def instead(state: type, given: type, handler: Callable[..., Step[Any]]) -> Iterator[None]:
    """Replace one row of the law for a while."""
    rows = SESSION._rows
    row = rows[(state, given)]
    rows[(state, given)] = Row(state, given, row.leads_to, handler)
    try:
        yield
    finally:
        rows[(state, given)] = row


def replay_after_unknown(terms: Any, state: Exchanging, given: Unknown) -> Step[Any]:
    request = send(terms, Claiming(ledger=state.ledger, exchange=state.exchange, base=state.base), state.version)
    return Step(state, request.effects)


def release_before_commit(terms: Any, state: Exchanging, given: Any) -> Step[Any]:
    step = granted(terms, state, given)
    return Step(step.state, (ReleaseCallers(token=given.token), *step.effects))


def stale_intent_is_retried(terms: Any, state: Loading, given: facts.RecordLoaded) -> Step[Any]:
    record = given.record
    watched = state.ledger.watched
    if isinstance(record, Intent) and watched is not None and given.now - watched.since > 30:
        return claim(terms, state.ledger, given.version, record.base, given.now)
    return record_loaded(terms, state, given)


def foreign_intent_taken_for_mine(terms: Any, state: Loading, given: facts.RecordLoaded) -> Step[Any]:
    record = given.record
    ledger = state.ledger
    if isinstance(record, Intent) and ledger.unsaved is None:
        ledger = attrs.evolve(ledger, unsent=frozenset({record.exchange}))
    return record_loaded(terms, attrs.evolve(state, ledger=ledger), given)


def no_look_at_the_store(terms: Any, state: Any, given: Any) -> Step[Any]:
    return send(terms, state, 1)


@pytest.mark.parametrize(
    ("state", "given", "handler"),
    [
        (Exchanging, Unknown, replay_after_unknown),
        (Exchanging, Granted, release_before_commit),
        (Loading, facts.RecordLoaded, stale_intent_is_retried),
        (Loading, facts.RecordLoaded, foreign_intent_taken_for_mine),
        (Claiming, facts.SwapRefused, no_look_at_the_store),
    ],
)
def test_a_planted_mistake_is_caught(state: type, given: type, handler: Callable[..., Step[Any]]) -> None:
    with instead(state, given, handler), pytest.raises((AssertionError, BaseExceptionGroup)):
        walk(Fleet, settings=settings(BOUNDED, max_examples=4000))
