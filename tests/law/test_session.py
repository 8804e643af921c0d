"""The session's twelve rules, each shown by a run of real machines against a server model."""

import json
from typing import Any

import attrs
import pytest

from tests.model.pair import CREDENTIAL, PROVIDER, START, Clock, Worker, entropy
from tests.model.server import TokenServer, refusal, reply
from tropipay_oauth import (
    Credential,
    Delivery,
    Expiry,
    GrantType,
    HTTPResponse,
    MemoryStore,
    Secret,
    Session,
    SessionPolicy,
    Token,
    events,
    facts,
)
from tropipay_oauth.effects import LoadRecord, SendRequest, SwapRecord
from tropipay_oauth.errors import (
    AttemptsSpent,
    ConfigurationError,
    LocalProtocolError,
    OAuthError,
    ReauthorizationRequired,
    SessionClosed,
    StoreError,
    TokenInDoubt,
)
from tropipay_oauth.records import Empty, Record, Refusal, StoreKey, Tokens

REFRESH = GrantType.REFRESH_TOKEN


def worker(**changes: Any) -> Worker:
    """A worker with a server, a store and a clock of its own."""
    return Worker(TokenServer(), MemoryStore(), Clock(), **changes)


def sibling(of: Worker, number: int, **changes: Any) -> Worker:
    """Another process with the same server, store and clock."""
    changes.setdefault("renewal", of.session._terms.renewal)
    return Worker(of.server, of.store, of.clock, number=number, **changes)


def user(**changes: Any) -> Worker:
    """A worker whose token came from a user's authorization."""
    made = worker(renewal=REFRESH, **changes)
    authorize(made)
    return made


def authorize(made: Worker) -> Token:
    """The user approves: a token of a new family reaches the session."""
    response = made.server._issue(made.server._new_family(), made.clock.now)
    members = json.loads(response.body)
    token = Token(
        access_token=Secret(members["access_token"]),
        refresh_token=Secret(members["refresh_token"]),
        issued_at=made.clock.now,
        expiry=Expiry(at=members["expires_in"]),
        grant_type=GrantType.AUTHORIZATION_CODE,
    )
    made.tell(facts.AuthorizationGranted(token=token, now=made.clock.now))
    made.run()
    return token


def stored(made: Worker) -> object:
    return made.store.load(made.session.key)[1]


def grants_sent(made: Worker) -> list[str]:
    return [str(members["grant_type"]) for members in made.server.requests if "grant_type" in members]


def refuse_token(made: Worker, token: Token) -> None:
    made.tell(facts.TokenRejected(access_token=token.access_token, now=made.clock.now))


def accept_token(made: Worker, token: Token) -> None:
    made.tell(facts.TokenAccepted(access_token=token.access_token, now=made.clock.now))


def good(name: str = "another", at: float = START + 7200) -> HTTPResponse:
    return reply(200, {"access_token": name, "refresh_token": name + "-refresh", "token_type": "bearer", "expires_in": at})


# -- Rule 1: single flight -----------------------------------------------------------------------------------------


def test_rule_1_a_thousand_callers_cost_one_request() -> None:
    one = worker()
    for _ in range(1000):
        one.call()
    one.run()
    assert len(one.server.requests) == 1
    assert len(one.answers) == 1  # a broadcast: the engine counts no callers


def test_rule_1_two_processes_cost_one_request() -> None:
    one = worker()
    two = sibling(one, 2)
    one.call()
    one.until(SendRequest)
    two.call()
    while two.queue:
        two.perform()
    assert two.state == "Watching"
    one.run()
    two.tick()
    two.run()
    assert one.answers == two.answers
    assert len(one.server.requests) == 1


def test_rule_1_the_loser_of_a_race_for_the_claim_takes_the_winners_token() -> None:
    one = worker()
    two = sibling(one, 2)
    for each in (one, two):
        each.call()
        each.until(SwapRecord)
    one.perform()
    two.perform()  # refused: one was first
    one.run()
    two.run()
    assert two.answers == one.answers
    assert len(one.server.requests) == 1


# -- Rule 2: the token that was refused, not the fact of a refusal -------------------------------------------------


def test_rule_2_a_refusal_of_an_older_token_costs_nothing() -> None:
    one = worker()
    first = one.token()
    one.clock.advance(4000)
    second = one.token()
    before = len(one.server.requests)
    refuse_token(one, first)
    assert one.get() == second
    assert len(one.server.requests) == before


def test_rule_2_a_refused_token_is_replaced_although_the_clock_says_valid() -> None:
    one = worker()
    first = one.token()
    accept_token(one, first)
    for _ in range(1000):
        refuse_token(one, first)
        one.call()
    one.run()
    assert len(one.server.requests) == 2
    assert isinstance(one.answers[-1], Token) and one.answers[-1] != first
    assert "expiry" in one.steps


def test_rule_2_a_refused_token_is_not_taken_from_the_store_again() -> None:
    one = worker()
    two = sibling(one, 2)
    first = one.token()
    assert two.token() == first
    refuse_token(two, first)
    two.call()
    two.run()
    assert two.answers[-1] != first
    refuse_token(one, first)
    assert one.get() == two.answers[-1]
    assert len(one.server.requests) == 2


# -- Rule 3: commit before release ---------------------------------------------------------------------------------


def test_rule_3_nobody_gets_a_token_before_it_is_stored() -> None:
    one = worker()
    one.call()
    one.until(SendRequest)
    one.perform()
    assert one.state == "Committing"
    assert one.answers == []
    one.run()
    record = stored(one)
    assert isinstance(record, Tokens) and one.answers == [record.token]


@pytest.mark.parametrize("applied", [False, True])
def test_rule_3_a_store_that_fails_once_at_the_commit_costs_nothing(applied: bool) -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.perform()
    one.fail_store(applied=applied)
    one.run()
    assert isinstance(one.answers[-1], Token)
    assert stored(one) == Tokens(one.answers[-1])
    assert grants_sent(one) == ["refresh_token"]


def test_rule_3_a_store_that_keeps_failing_is_told_loudly_and_the_only_copy_is_released() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.perform()
    while one.queue:
        one.fail_store()
    assert one.state == "Live"
    newest = one.answers[-1]
    assert isinstance(newest, Token)
    assert any(isinstance(event, events.TokenNotPersisted) for event in one.events)
    # It is saved as soon as the store works again.
    one.tick()
    one.run()
    assert stored(one) == Tokens(newest)
    assert one.steps.count("refresh") == 1
    assert grants_sent(one) == ["refresh_token"]


def test_rule_3_a_store_that_fails_too_long_releases_the_token_by_time() -> None:
    one = worker(policy=SessionPolicy(commit_attempts=1000))
    one.call()
    one.until(SendRequest)
    one.perform()
    one.clock.advance(30)
    one.fail_store()
    assert one.state == "Live"


def test_rule_3_an_unsaved_token_that_ended_is_still_saved_for_its_refresh_token() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.perform()
    while one.queue:
        one.fail_store()
    one.clock.advance(7200)
    assert isinstance(one.get(), Token)
    assert one.server.reuse_detected == 0
    assert grants_sent(one) == ["refresh_token", "refresh_token"]


class Stale(MemoryStore):
    """A store that answers loads with what it knew at first, like a replica that fell behind."""

    first: tuple[int, Record]

    def load(self, key: StoreKey) -> tuple[int, Record]:
        return self.first


def test_a_store_that_serves_old_versions_causes_no_endless_loop() -> None:
    one = worker()
    one.token()
    stale = Stale()
    two = Worker(one.server, stale, one.clock, number=2)
    stale.first = (0, Empty())
    stale.swap(two.session.key, 0, Empty())
    two.call()
    two.run()
    assert two.state == "Resting"
    assert len(one.server.requests) == 1


def test_a_token_that_a_lying_store_never_takes_is_released_loudly() -> None:
    one = worker()
    one.call()
    one.until(SendRequest)
    stale = Stale()
    stale.first = one.store.load(one.session.key)
    one.store = stale
    one.run()
    assert one.state == "Live"
    assert any(isinstance(event, events.TokenNotPersisted) for event in one.events)


# -- Rule 4: nobody's cancellation loses a token -------------------------------------------------------------------


def test_rule_4_closing_waits_for_the_exchange_and_stores_its_token() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.tell(facts.Close(now=one.clock.now))
    assert one.state == "Exchanging"
    one.run()
    assert one.state == "Closed"
    assert isinstance(one.answers[-1], SessionClosed)
    record = stored(one)
    assert isinstance(record, Tokens) and one.server.alive(record.token.access_token.reveal())
    assert isinstance(sibling(one, 2).get(), Token)


def test_rule_4_closing_gives_a_claim_back() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SwapRecord)
    one.tell(facts.Close(now=one.clock.now))
    one.run()
    assert one.state == "Closed"
    assert isinstance(stored(one), Tokens)
    assert grants_sent(one) == []


@pytest.mark.parametrize("applied", [False, True])
def test_rule_4_closing_gives_a_claim_back_even_if_the_store_failed(applied: bool) -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SwapRecord)
    one.tell(facts.Close(now=one.clock.now))
    one.fail_store(applied=applied)
    one.run()
    assert one.state == "Closed"
    assert isinstance(stored(one), Tokens)


def test_closing_an_idle_session_is_immediate_and_callers_are_told() -> None:
    one = worker()
    one.token()
    one.tell(facts.Close(now=one.clock.now))
    assert one.state == "Closed" and not one.queue
    assert isinstance(one.get(), SessionClosed)
    assert one.session.access is None


def test_closing_with_an_unsaved_token_tries_the_store_once_more() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.perform()
    while one.queue:
        one.fail_store()
    newest = one.answers[-1]
    one.tell(facts.Close(now=one.clock.now))
    one.run()
    assert one.state == "Closed"
    assert isinstance(newest, Token) and stored(one) == Tokens(newest)


def test_closing_saves_a_token_although_another_worker_renews_the_same_generation() -> None:
    one = user(policy=SessionPolicy(retries_in_doubt=True))
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    two = sibling(one, 2, policy=SessionPolicy(retries_in_doubt=True))
    two.call()
    two.run()
    while two.state == "Watching":
        two.tick()
        while two.queue and not isinstance(two.queue[0], SendRequest):
            two.perform()
    one.tell(facts.Close(now=one.clock.now))
    one.run()
    assert one.state == "Closed"
    record = stored(one)
    assert isinstance(record, Tokens) and one.server.alive(record.token.access_token.reveal())


# -- Rule 5: what may be replayed is a property of the request -----------------------------------------------------


def test_rule_5_client_credentials_are_sent_again_after_no_reply() -> None:
    one = worker()
    one.call()
    one.until(SendRequest)
    assert one.sent == []
    one.fail_transport(arrived=True)
    one.run()
    assert one.state == "Resting"
    one.tick()
    one.run()
    assert isinstance(one.answers[-1], Token)
    assert one.sent[0].replayable and not one.sent[0].fresh_connection


@pytest.mark.parametrize("arrived", [False, True])
def test_rule_5_a_refresh_token_is_not_sent_again_after_no_reply(arrived: bool) -> None:
    one = user()
    held = one.token()
    due = one.session.wake_at
    assert due is not None
    one.clock.now = due
    one.call()
    assert one.answers[-1] == held  # served while it is renewed
    one.until(SendRequest)
    one.fail_transport(arrived=arrived)
    assert one.state == "InDoubt"
    assert one.answers[-1] == held
    assert not one.sent[0].replayable and one.sent[0].fresh_connection
    one.clock.advance(7200)
    assert isinstance(one.get(), TokenInDoubt)
    assert isinstance(one.get(), TokenInDoubt)
    assert one.server.reuse_detected == 0
    assert grants_sent(one) == ["refresh_token"] * arrived


def test_rule_5_not_sent_gives_the_claim_back() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.fail_transport(Delivery.NOT_SENT)
    one.run()
    assert isinstance(stored(one), Tokens)
    one.tick()
    one.run()
    assert isinstance(one.answers[-1], Token)


def test_rule_5_a_provider_that_does_not_rotate_may_be_asked_again() -> None:
    one = user()
    one.server.rotate = False
    one.clock.advance(4000)
    one.token()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.fail_transport(arrived=True)
    one.run()
    assert one.state == "Resting"
    one.tick()
    one.run()
    assert isinstance(one.answers[-1], Token)
    assert one.sent[-1].replayable


def test_rule_5_a_new_authorization_leads_out_of_doubt() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.fail_transport(arrived=True)
    assert one.get().__class__ is TokenInDoubt
    newest = authorize(one)
    assert one.get() == newest


def test_rule_5_another_workers_result_leads_out_of_doubt() -> None:
    one = user()
    two = sibling(one, 2)
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.fail_transport(arrived=True)
    newest = authorize(two)
    assert one.get() == newest


@pytest.mark.parametrize("arrived", [False, True])
def test_rule_5_the_opt_in_retry_is_made_once(arrived: bool) -> None:
    one = user(policy=SessionPolicy(retries_in_doubt=True))
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.fail_transport(arrived=False)
    assert one.state == "InDoubt"
    one.call()
    one.until(SendRequest)
    one.fail_transport(arrived=arrived)
    for _ in range(3):
        assert isinstance(one.get(), TokenInDoubt)
    assert len(one.sent) == 2


def test_rule_5_a_killed_holders_refresh_token_ends_in_doubt_and_is_not_sent_again() -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    asked = one.queue[0]
    assert isinstance(asked, SendRequest)
    one.server.handle(asked.request, one.clock.now)
    two = sibling(one, 2)  # one is dead from here on
    two.call()
    two.run()
    while two.state == "Watching":
        two.tick()
        two.run()
    assert two.state == "InDoubt"
    assert two.clock.now - START - 4000 >= SessionPolicy().in_doubt_after
    assert two.server.reuse_detected == 0
    assert isinstance(two.answers[-1], TokenInDoubt)


def test_rule_5_a_killed_holders_client_credentials_are_presented_by_another() -> None:
    one = worker()
    one.call()
    one.until(SendRequest)
    two = sibling(one, 2)
    two.call()
    two.run()
    while two.state == "Watching":
        two.tick()
        two.run()
    assert isinstance(two.answers[-1], Token)


def test_a_slow_holder_whose_claim_was_taken_over_takes_the_winners_token() -> None:
    one = worker()
    one.call()
    one.until(SendRequest)
    two = sibling(one, 2)
    two.call()
    two.run()
    while two.state == "Watching":
        two.tick()
        two.run()
    one.run()
    assert one.answers[-1] == two.answers[-1]


def test_a_token_of_mine_waits_for_a_worker_who_renews_the_same_generation_and_is_saved_if_that_one_dies() -> None:
    one = user(policy=SessionPolicy(retries_in_doubt=True))
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    two = sibling(one, 2, policy=SessionPolicy(retries_in_doubt=True))
    two.call()
    two.run()
    while two.state == "Watching":
        two.tick()
        while two.queue and not isinstance(two.queue[0], SendRequest):
            two.perform()
    assert two.state == "Exchanging"  # and dies before it sends
    one.run()
    assert one.state == "Watching"
    while one.state == "Watching":
        one.tick()
        one.run()
    assert one.state == "Live"
    newest = one.answers[-1]
    assert isinstance(newest, Token) and stored(one) == Tokens(newest)


# -- Rule 6: expiry, and never a renewal loop ----------------------------------------------------------------------


def test_rule_6_a_token_dead_on_arrival_counts_as_a_failed_attempt() -> None:
    one = worker(policy=SessionPolicy(max_attempts=3))
    one.server.lifetime = -10
    one.call()
    one.run()
    while one.session.wake_at is not None:
        one.tick()
        one.run()
    assert isinstance(one.answers[-1], AttemptsSpent)
    assert len(one.server.requests) == 3


def test_rule_6_a_token_dead_on_arrival_is_stored_for_its_refresh_token() -> None:
    one = user()
    one.server.lifetime = -10
    one.clock.advance(4000)
    one.call()
    one.run()
    assert isinstance(stored(one), Tokens)
    one.server.lifetime = 3600
    one.tick()
    one.run()
    assert isinstance(one.answers[-1], Token)
    assert one.server.reuse_detected == 0


def test_rule_6_an_api_that_refuses_every_new_token_causes_no_loop() -> None:
    one = worker(policy=SessionPolicy(max_attempts=3))
    for _ in range(50):
        if one.state != "Resting":
            one.get()
        elif one.session.wake_at is not None:
            one.tick()
            one.run()
        if one.session.access is not None:
            refuse_token(one, one.session.access.token)
            one.run()
    assert len(one.server.requests) <= 4
    assert isinstance(one.get(), AttemptsSpent)


def test_rule_6_a_server_that_issues_the_refused_token_again_causes_no_loop() -> None:
    one = worker(policy=SessionPolicy(max_attempts=3))
    one.server.scripted += [lambda request, now: good("the-same", now + 3600)] * 50
    token = one.token()
    accept_token(one, token)
    refuse_token(one, token)
    one.call()
    one.run()
    while one.session.wake_at is not None:
        one.tick()
        one.run()
    assert isinstance(one.answers[-1], AttemptsSpent)
    assert "API refuses" in str(one.answers[-1])
    assert len(one.server.requests) == 4


def test_rule_6_a_token_that_worked_once_may_be_refused_without_suspicion() -> None:
    one = worker()
    for _ in range(10):
        token = one.token()
        accept_token(one, token)
        refuse_token(one, token)
        one.run()
    assert one.state == "Live"


def test_rule_6_the_servers_clock_counts_for_absolute_expiry() -> None:
    one = worker()
    ahead = 86_400.0  # this machine's clock is a day behind the server's
    one.server.scripted.append(
        lambda request, now: reply(
            200,
            {"access_token": "a", "token_type": "Bearer", "expires_in": int(now + ahead + 3600)},
            {"Date": "Sat, 16 Jan 2027 08:00:00 GMT"},
        )
    )
    assert START + ahead == 1_800_086_400  # which is that Date
    one.token()
    assert one.session.access is not None
    assert 3590 <= one.session.access.valid_until - one.clock.now <= 3610


# -- Rule 7: early, not together -----------------------------------------------------------------------------------


def test_rule_7_a_valid_token_is_given_at_once_while_it_is_renewed() -> None:
    one = worker()
    first = one.token()
    due = one.session.wake_at
    assert due is not None and START + 3600 - 300 <= due <= START + 3600 - 150
    one.clock.now = due
    before = len(one.answers)
    one.call()
    assert one.answers[before:] == [first]
    one.run()
    assert one.answers[-1] != first


def test_rule_7_workers_do_not_renew_at_the_same_moment() -> None:
    dues = set()
    for number in range(20):
        one = worker(number=number)
        one.token()
        dues.add(one.session.wake_at)
    assert len(dues) == 20


def test_rule_7_a_short_life_is_not_eaten_by_the_leeway() -> None:
    one = worker()
    one.server.lifetime = 10
    one.token()
    assert one.session.wake_at is not None and one.session.wake_at >= START + 9


# -- Rule 8: failures are remembered -------------------------------------------------------------------------------


def test_rule_8_wrong_credentials_cost_one_login_not_one_per_call() -> None:
    one = worker(credential=Credential(client_id="the-client-id", client_secret="wrong"))
    for _ in range(100):
        error = one.get()
        assert isinstance(error, OAuthError) and error.error == "invalid_client"
    assert len(one.server.requests) == 1
    one.clock.advance(61)
    one.get()
    assert len(one.server.requests) == 2


def test_rule_8_wrong_credentials_do_not_destroy_the_stored_token() -> None:
    one = user()
    one.clock.advance(4000)
    one.server.scripted.append(lambda request, now: refusal("invalid_client"))
    one.get()
    record = stored(one)
    assert isinstance(record, Tokens) and record.token.refresh_token is not None


def test_rule_8_a_busy_server_is_asked_a_bounded_number_of_times_with_growing_pauses() -> None:
    one = worker()
    one.server.scripted += [lambda request, now: HTTPResponse(status=503)] * 20
    one.call()
    one.run()
    while one.session.wake_at is not None:
        one.tick()
        one.run()
    assert len(one.server.requests) == SessionPolicy().max_attempts
    assert isinstance(one.answers[-1], AttemptsSpent)
    spent = one.answers[-1]
    assert spent.retry_at == one.clock.now + SessionPolicy().refusal_memory
    assert one.get() == spent
    one.clock.now = spent.retry_at
    one.call()
    one.run()
    assert len(one.server.requests) == SessionPolicy().max_attempts + 1


def test_rule_8_attempts_are_bounded_in_time_too() -> None:
    one = worker(policy=SessionPolicy(retry_for=1, max_attempts=1000, backoff=5))
    one.server.scripted += [lambda request, now: HTTPResponse(status=503)] * 50
    one.call()
    one.run()
    while one.session.wake_at is not None:
        one.tick()
        one.run()
    assert len(one.server.requests) < 15


def test_rule_8_retry_after_is_honoured() -> None:
    one = worker()
    one.server.scripted.append(lambda request, now: HTTPResponse(status=503, headers={"Retry-After": "7"}))
    one.call()
    one.run()
    assert one.session.wake_at == START + 7


@pytest.mark.parametrize(("asked", "waited"), [("60", 60.0), ("1000000000", 120.0)])
def test_rule_8_a_long_retry_after_is_told_to_callers_and_capped(asked: str, waited: float) -> None:
    one = worker()
    one.server.scripted.append(lambda request, now: HTTPResponse(status=429, headers={"Retry-After": asked}))
    answer = one.get()
    assert isinstance(answer, AttemptsSpent) and answer.retry_at == START + waited
    assert one.get() == answer


# -- Rule 9: renewal follows the grant -----------------------------------------------------------------------------


def test_rule_9_client_credentials_renew_by_client_credentials_although_a_refresh_token_came() -> None:
    one = worker()
    assert one.token().refresh_token is not None
    one.clock.advance(4000)
    one.token()
    assert grants_sent(one) == ["client_credentials", "client_credentials"]


def test_rule_9_the_refresh_token_is_used_on_request_and_falls_back_to_the_credential() -> None:
    one = worker(policy=SessionPolicy(renews_with_refresh_token=True))
    one.token()
    one.clock.advance(4000)
    one.token()
    assert grants_sent(one) == ["client_credentials", "refresh_token"]
    one.server.families[0].dead = True
    one.clock.advance(4000)
    one.token()
    assert grants_sent(one)[2:] == ["refresh_token", "client_credentials"]


def test_rule_9_a_lost_reply_does_not_leave_a_client_credentials_session_in_doubt() -> None:
    one = worker(policy=SessionPolicy(renews_with_refresh_token=True))
    one.token()
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    one.fail_transport(arrived=True)
    one.run()
    one.tick()
    one.run()
    assert isinstance(one.answers[-1], Token)
    assert one.server.reuse_detected == 0


def test_rule_9_a_users_session_renews_by_refresh_token_and_ends_in_reauthorization() -> None:
    one = user()
    one.clock.advance(4000)
    one.token()
    assert grants_sent(one) == ["refresh_token"]
    one.server.families[0].dead = True
    one.clock.advance(4000)
    assert isinstance(one.get(), ReauthorizationRequired)
    record = stored(one)
    assert isinstance(record, Refusal) and record.token is not None and record.token.refresh_token is None
    for _ in range(5):
        assert isinstance(one.get(), ReauthorizationRequired)
    assert len(grants_sent(one)) == 2
    newest = authorize(one)
    assert one.get() == newest


def test_rule_9_invalid_grant_is_believed_only_after_the_store_shows_that_nobody_renewed() -> None:
    one = user()
    two = sibling(one, 2)
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    newest = authorize(two)
    asked = one.queue.pop(0)
    assert isinstance(asked, SendRequest)
    one.reply(asked, refusal("invalid_grant"))
    one.run()
    assert one.answers[-1] == newest


def test_a_token_still_valid_is_served_after_its_refresh_token_was_refused() -> None:
    one = user()
    first = one.token()
    due = one.session.wake_at
    assert due is not None
    one.server.families[0].dead = True
    one.clock.now = due
    assert one.get() == first
    assert one.state == "NeedsAuthorization"
    two = sibling(one, 2)
    assert two.token().access_token == first.access_token
    one.clock.advance(1000)
    assert isinstance(one.get(), ReauthorizationRequired)


# -- Rule 10: scope differences are data ---------------------------------------------------------------------------


def test_rule_10_a_narrowed_scope_is_data_and_an_event() -> None:
    one = worker(scope="a b")
    members = {"access_token": "x", "token_type": "Bearer", "expires_in": 3600, "scope": "b c"}
    one.server.scripted.append(lambda request, now: reply(200, members))
    token = one.token()
    assert (str(token.granted), str(token.missing), str(token.extra)) == ("b c", "a", "c")
    narrowed = [event for event in one.events if isinstance(event, events.ScopeNarrowed)]
    assert [(str(event.missing), str(event.extra)) for event in narrowed] == [("a", "c")]


def test_a_refresh_that_names_no_scope_keeps_the_scope_granted_before() -> None:
    one = worker(scope="a b", policy=SessionPolicy(renews_with_refresh_token=True))
    first = {"access_token": "x", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600, "scope": "b"}
    one.server.scripted.append(lambda request, now: reply(200, first))
    one.server.scripted.append(lambda request, now: good(at=int(now + 3600)))
    one.token()
    one.clock.advance(4000)
    assert str(one.token().granted) == "b"


# -- Giving up -----------------------------------------------------------------------------------------------------


REVOKING = attrs.evolve(PROVIDER, revocation_endpoint="https://as.example/revoke")


def test_revocation_empties_the_store_first_and_then_tells_the_provider() -> None:
    one = worker(provider=REVOKING)
    token = one.token()
    one.tell(facts.RevocationRequested(now=one.clock.now))
    one.until(SendRequest)
    assert stored(one) == Empty()
    one.run()
    assert one.state == "Dormant"
    assert token.refresh_token is not None and one.server.revoked == [token.refresh_token.reveal()]
    assert one.events[-1] == events.TokenRevoked(at_provider=True)
    assert one.session.access is None


def test_revocation_during_an_exchange_gives_up_the_token_that_it_brings() -> None:
    one = worker(provider=REVOKING)
    one.call()
    one.until(SendRequest)
    one.tell(facts.RevocationRequested(now=one.clock.now))
    one.run()
    assert stored(one) == Empty()
    assert len(one.server.revoked) == 1
    assert isinstance(one.answers[-1], ReauthorizationRequired)


def test_revocation_is_best_effort_at_the_provider() -> None:
    one = worker(provider=REVOKING)
    one.token()
    one.tell(facts.RevocationRequested(now=one.clock.now))
    one.until(SendRequest)
    one.fail_transport()
    assert one.state == "Dormant"
    assert one.events[-1] == events.TokenRevoked(at_provider=False)


def test_revocation_tells_when_the_store_cannot_be_emptied() -> None:
    one = worker()
    one.token()
    one.tell(facts.RevocationRequested(now=one.clock.now))
    while one.queue:
        one.fail_store()
    assert isinstance(one.answers[-1], StoreError)


def test_revocation_beats_a_worker_that_renews_at_the_same_time() -> None:
    one = user()
    two = sibling(one, 2)
    one.clock.advance(4000)
    one.call()
    one.until(SendRequest)
    two.tell(facts.RevocationRequested(now=one.clock.now))
    two.run()
    one.run()
    assert stored(one) == Empty()
    assert isinstance(one.answers[-1], ReauthorizationRequired)


def test_callers_are_refused_while_the_token_is_given_up() -> None:
    one = worker()
    one.token()
    one.tell(facts.RevocationRequested(now=one.clock.now))
    one.call()
    assert isinstance(one.answers[-1], ReauthorizationRequired)
    one.run()
    assert isinstance(one.get(), Token)


# -- A new authorization at any moment -----------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(5))
def test_a_new_authorization_is_never_lost_whatever_is_under_way(steps: int) -> None:
    one = user()
    one.clock.advance(4000)
    one.call()
    for _ in range(steps):
        if one.queue:
            one.perform()
    newest = authorize(one)
    assert stored(one) == Tokens(newest)
    assert one.get() == newest


def test_a_new_authorization_while_giving_up_is_kept() -> None:
    one = worker(renewal=REFRESH, provider=REVOKING)
    authorize(one)
    one.tell(facts.RevocationRequested(now=one.clock.now))
    newest = authorize(one)
    assert one.get() == newest


# -- The machine itself --------------------------------------------------------------------------------------------


def test_a_late_reply_is_dropped() -> None:
    one = worker()
    one.call()
    one.until(SendRequest)
    asked = one.queue[0]
    assert isinstance(asked, SendRequest)
    one.run()
    state = one.session.state
    step = one.tell(facts.ResponseReceived(exchange=asked.exchange, response=good(), now=one.clock.now))
    assert step.effects == () and one.session.state is state


def test_a_fact_that_does_not_fit_is_refused_and_nothing_changes() -> None:
    one = worker()
    state = one.session.state
    with pytest.raises(LocalProtocolError, match="cannot take RecordSwapped in state Dormant; it takes"):
        one.tell(facts.RecordSwapped(version=1, now=START))
    with pytest.raises(LocalProtocolError, match="finite"):
        one.tell(facts.AccessRequested(now=float("nan")))
    assert one.session.state is state


def test_the_same_entropy_and_facts_give_the_same_bytes() -> None:
    def run() -> list[object]:
        one = worker(number=7)
        one.server.scripted.append(lambda request, now: HTTPResponse(status=503))
        one.call()
        one.run()
        one.tick()
        one.run()
        return [*one.events, *one.answers, *((request.url, request.body) for request in one.sent), one.session.state]

    assert run() == run()


def test_an_idle_session_asks_for_nothing() -> None:
    one = worker()
    one.token()
    assert one.queue == []
    before = len(one.server.requests)
    one.clock.advance(10 * 86_400)
    assert len(one.server.requests) == before


def test_a_due_deadline_is_settled_before_the_fact() -> None:
    one = worker()
    one.token()
    one.clock.advance(4000)
    step = one.session.handle(facts.AccessRequested(now=one.clock.now))
    assert step.effects == (LoadRecord(),)
    assert [event.step for event in step.events] == ["expiry"]


def test_a_code_session_cannot_be_renewed_by_its_code() -> None:
    with pytest.raises(ConfigurationError, match=r"renewal=GrantType\.REFRESH_TOKEN"):
        Session(provider=PROVIDER, credential=CREDENTIAL, entropy=entropy(), renewal=GrantType.AUTHORIZATION_CODE)
