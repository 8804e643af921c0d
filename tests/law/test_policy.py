"""The numbers a session goes by: each is checked when the policy is made, not when it first counts."""

import pickle
from typing import Any

import attrs
import pytest

from tests.model.pair import CREDENTIAL, PROVIDER, entropy
from tropipay_oauth import ClientAuthentication, Credential, GrantType, Scope, SessionPolicy
from tropipay_oauth._law.policy import Terms, check_client
from tropipay_oauth.errors import ConfigurationError

SECONDS = [
    *("exchange_timeout", "commit_timeout", "in_doubt_after", "watch_interval", "leeway", "retry_for"),
    *("backoff", "max_backoff", "max_retry_after", "refusal_memory", "proving_time"),
]


def terms(**changes: Any) -> Terms:
    settings: dict[str, Any] = {"provider": PROVIDER, "credential": CREDENTIAL, "entropy": entropy()}
    return Terms(**settings | changes)


def policy(**changes: Any) -> SessionPolicy:
    return attrs.evolve(SessionPolicy(), **changes)


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be more than 0 and finite"):
        policy(**{name: value})


def test_every_time_of_the_policy_is_checked() -> None:
    times = {one.name for one in attrs.fields(SessionPolicy) if isinstance(one.default, float)}
    assert times == {*SECONDS, "leeway_fraction"}


@pytest.mark.parametrize("value", [-0.1, 0.51, float("nan")])
def test_the_leeway_is_at_most_half_of_the_lifetime(value: float) -> None:
    with pytest.raises(ConfigurationError, match="leeway_fraction is a fraction"):
        SessionPolicy(leeway_fraction=value)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_the_bounds_of_the_fraction_belong_to_it(value: float) -> None:
    assert SessionPolicy(leeway_fraction=value).leeway_fraction == value


def test_doubt_begins_only_after_every_bound_of_a_slow_worker() -> None:
    with pytest.raises(ConfigurationError, match="in_doubt_after must exceed"):
        SessionPolicy(exchange_timeout=30, commit_timeout=20, in_doubt_after=50)
    assert SessionPolicy(exchange_timeout=30, commit_timeout=20, in_doubt_after=50.5).in_doubt_after == 50.5


@pytest.mark.parametrize("name", ["max_attempts", "commit_attempts"])
def test_there_is_at_least_one_attempt(name: str) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        policy(**{name: 0})
    assert getattr(policy(**{name: 1}), name) == 1


def test_the_key_names_issuer_client_account_and_the_scope_requested() -> None:
    made = terms(account="anna", scope="b a").key
    assert (made.issuer, made.client_id, made.account, made.scope) == (
        *(PROVIDER.issuer, CREDENTIAL.client_id, "anna"),
        Scope.of("a b"),
    )
    assert len({terms().key.text, terms(account="anna").key.text, terms(scope="a").key.text}) == 3


def test_terms_are_neither_shown_nor_pickled() -> None:
    assert "the-client-secret" not in f"{terms()!r} {terms()}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(terms())


@pytest.mark.parametrize("grant_type", list(GrantType))
def test_a_confidential_client_needs_its_secret_for_every_grant(grant_type: GrantType) -> None:
    with pytest.raises(ConfigurationError, match="give the credential a client_secret"):
        check_client(PROVIDER, Credential(client_id="x"), grant_type)
    check_client(PROVIDER, CREDENTIAL, grant_type)


def test_a_public_client_has_every_grant_but_client_credentials() -> None:
    public = attrs.evolve(PROVIDER, client_authentication=ClientAuthentication.NONE)
    for grant_type in (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN):
        check_client(public, Credential(client_id="x"), grant_type)
    with pytest.raises(ConfigurationError, match="for confidential clients"):
        check_client(public, Credential(client_id="x"), GrantType.CLIENT_CREDENTIALS)
