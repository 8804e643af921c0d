"""What a type checker must know: checked by mypy and pyright with the rest of the tree, and run for good measure."""

from typing import assert_never, assert_type

import pytest

from tests.model.pair import CREDENTIAL, PROVIDER, START, entropy
from tropipay_oauth import (
    Access,
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    PendingAuthorization,
    Session,
    Token,
    effects,
    facts,
    states,
)
from tropipay_oauth.records import Empty, Intent, Record, Refusal, StoreKey, Tokens


def test_a_machine_shows_its_state_with_its_type() -> None:
    grant = ClientCredentialsGrant(provider=PROVIDER, credential=CREDENTIAL)
    assert_type(grant.state, states.GrantState)
    assert_type(grant.wake_at, float | None)
    session = Session(provider=PROVIDER, credential=CREDENTIAL, entropy=entropy())
    assert_type(session.state, states.SessionState)
    assert_type(session.access, Access | None)
    assert_type(session.key, StoreKey)


def test_a_state_narrows_to_the_data_that_belongs_to_it() -> None:
    grant = AuthorizationCodeGrant(provider=PROVIDER, credential=CREDENTIAL, redirect_uri="https://app.example/cb")
    grant.handle(facts.BeginAuthorization(entropy=entropy(), now=START))
    match grant.state:
        case states.AwaitingCallback(pending=pending):
            assert_type(pending, PendingAuthorization)
        case _:
            pytest.fail("the flow should be waiting for its callback")


def kind_of_effect(effect: effects.Effect) -> str:
    match effect:
        case effects.SendRequest():
            return "send"
        case effects.LoadRecord() | effects.SwapRecord():
            return "store"
        case effects.ReleaseCallers(token=token):
            assert_type(token, Token)
            return "answer"
        case effects.RefuseCallers():
            return "answer"
        case effects.RedirectUser(url=url):
            assert_type(url, str)
            return "redirect"
        case _:
            assert_never(effect)


def kind_of_grant_state(state: states.GrantState) -> str:
    match state:
        case states.Ready() | states.AwaitingCallback() | states.Requesting() | states.Deferred():
            return "on the way"
        case states.Active() | states.Expired():
            return "there"
        case states.Failed() | states.GrantInDoubt():
            return "over"
        case _:
            assert_never(state)


def kind_of_session_state(state: states.SessionState) -> str:
    match state:
        case states.Dormant() | states.Live() | states.Resting() | states.Closed():
            return "at rest"
        case states.Loading() | states.Claiming() | states.Exchanging() | states.Committing() | states.Settling():
            return "renewing"
        case states.Watching() | states.InDoubt() | states.NeedsAuthorization():
            return "others must act"
        case states.Forgetting() | states.Erasing() | states.Revoking():
            return "giving up"
        case _:
            assert_never(state)


def kind_of_record(record: Record) -> str:
    match record:
        case Empty():
            return "empty"
        case Tokens(token):
            assert_type(token, Token)
            return "tokens"
        case Refusal():
            return "refusal"
        case Intent(exchange=exchange):
            assert_type(exchange, str)
            return "intent"
        case _:
            assert_never(record)


def test_the_unions_are_closed() -> None:
    session = Session(provider=PROVIDER, credential=CREDENTIAL, entropy=entropy())
    assert kind_of_session_state(session.state) == "at rest"
    step = session.handle(facts.AccessRequested(now=START))
    assert [kind_of_effect(effect) for effect in step.effects] == ["store"]
    assert kind_of_session_state(session.state) == "renewing"
    assert kind_of_grant_state(states.Ready()) == "on the way"
    assert kind_of_record(Empty()) == "empty"
