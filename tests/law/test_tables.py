"""The tables against themselves: total, and each row leads exactly where its annotation says.

The walk runs the real handlers over every input in every state that can be reached. States are told apart by what a
handler can tell apart (their kind, and which parts of the ledger are set), so the walk ends by itself: it is exhaustive.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import attrs
import pytest

from tests.model.pair import CREDENTIAL, PROVIDER, START, entropy
from tropipay_oauth import Expiry, GrantType, Secret, SessionPolicy, Token, facts
from tropipay_oauth._law.grants.inputs import AuthorizationDenied, CallbackRefused, CallbackValidated
from tropipay_oauth._law.grants.moves import GrantTerms, begin
from tropipay_oauth._law.grants.states import Failed, Ready
from tropipay_oauth._law.grants.tables import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN
from tropipay_oauth._law.machine import Row, Step, Table
from tropipay_oauth._law.policy import Terms
from tropipay_oauth._law.session import states as ss
from tropipay_oauth._law.session.inputs import RevocationAnswered
from tropipay_oauth._law.session.table import SESSION
from tropipay_oauth._wire.authorization import validate_callback
from tropipay_oauth._wire.token_reply import Granted, NotProcessed, Refused, Unknown
from tropipay_oauth.errors import (
    AuthorizationRefused,
    ConfigurationError,
    LocalProtocolError,
    OAuthError,
    RemoteProtocolError,
    ServerUnavailable,
    StateMismatch,
    StoreError,
)
from tropipay_oauth.records import Empty, Intent, Record, Refusal, Tokens

Signature = tuple[object, ...]
Reached = dict[tuple[type, type], set[type]]

TABLES = [CLIENT_CREDENTIALS, AUTHORIZATION_CODE, REFRESH_TOKEN, SESSION]
INPUTS = {row.input for table in TABLES for row in table}


def token(name: str, *, at: float | None = START + 3600, refresh: str | None = "refresh", issued: float = START) -> Token:
    return Token(
        access_token=Secret(name),
        refresh_token=None if refresh is None else Secret(refresh),
        issued_at=issued,
        expiry=Expiry(at=at),
        grant_type=GrantType.REFRESH_TOKEN,
    )


def outcomes(now: float) -> Iterator[object]:
    for at in (now + 3600, now - 1, None):
        for name in ("new", "newer"):
            for refresh in ("refresh-2", None):
                new = token(f"{name}-{now}", at=at, refresh=refresh, issued=now)
                yield Granted(token=new, clock_offset=None, rotated=refresh is not None, now=now)
    yield Granted(token=token("steady", at=now + 3600, issued=now), clock_offset=1.0, rotated=False, now=now)
    yield Refused(error=OAuthError("invalid_grant"), now=now)
    yield Refused(error=OAuthError("invalid_client"), now=now)
    yield Refused(error=RemoteProtocolError("a redirect"), now=now)
    yield NotProcessed(error=ServerUnavailable(503), retry_after=None, now=now)
    yield NotProcessed(error=ServerUnavailable(429), retry_after=3600.0, now=now)
    yield Unknown(error=ServerUnavailable(500), now=now)


def walk(
    table: Table,
    terms: object,
    start: Iterable[Any],
    inputs: Callable[[Any, float], Iterable[object]],
    signature: Callable[[Any, float], Signature],
    reached: Reached,
) -> int:
    """Every input in every state that can be told from the others; how many such states there are."""
    todo: list[tuple[Any, float]] = [(state, START) for state in start]
    seen: set[Signature] = set()
    while todo:
        state, now = todo.pop()
        mark = signature(state, now)
        if mark in seen:
            continue
        seen.add(mark)
        for given in inputs(state, now):
            try:
                step: Step[Any] = table.step(terms, state, given)
            except LocalProtocolError:
                assert table.find(type(state), type(given)) is None
            except ConfigurationError:
                assert isinstance(given, facts.BeginAuthorization)
            else:
                reached[(type(state), type(given))].add(type(step.state))
                todo.append((step.state, cast(Any, given).now))
    return len(seen)


def assert_as_declared(table: Table, reached: Reached) -> None:
    wrong = []
    for row in table:
        found = reached.get((row.state, row.input), set())
        if found != set(row.leads_to):
            wrong.append(f"{row.state.__name__} + {row.input.__name__}: declared {_names(row.leads_to)}, reached {_names(found)}")
    assert not wrong, "\n".join(wrong)


def _names(kinds: Iterable[type]) -> list[str]:
    return sorted(kind.__name__ for kind in kinds)


# -- The session ---------------------------------------------------------------------------------------------------


def session_records(state: Any) -> Iterator[Record]:
    ledger: ss.Ledger = state.ledger
    unsaved, held = ledger.unsaved, ledger.held
    bases: list[Any] = [
        Empty(),
        Tokens(token("stored")),
        Tokens(token("stored-long-ago", at=START - 5)),
        Tokens(token("stored-poor", refresh=None)),
        Tokens(token("stored-poor-and-old", refresh=None, at=START - 5)),
        Tokens(token("stored-due", at=START + 100)),
        Refusal(error="invalid_grant"),
        Refusal(error="invalid_grant", token=token("still-good", refresh=None)),
    ]
    if unsaved is not None:
        bases += [Tokens(unsaved.token), unsaved.base or Empty()]
        if unsaved.base is not None and isinstance(unsaved.base, Tokens):
            bases.append(Refusal(error="invalid_grant", token=attrs.evolve(unsaved.base.token, refresh_token=None)))
    if held is not None:
        bases.append(Tokens(held.token))
    yield from bases
    names = {"foreign", "another", *ledger.unsent, ledger.doubted, unsaved and unsaved.exchange} - {None}
    names |= {ledger.watched.exchange} if ledger.watched else set()
    for name, base in itertools.product(sorted(str(n) for n in names), (bases[0], bases[1], bases[7], bases[-1])):
        yield Intent(exchange=name, base=base, retry=name == "another")


def moments(state: Any, now: float) -> Iterator[float]:
    yield now
    if state.wake_at and state.wake_at not in (now, now + 7200):
        yield state.wake_at
    yield now + 7200


def session_inputs(state: Any, now: float) -> Iterator[object]:
    held = state.ledger.held
    for later in moments(state, now):
        if later < now:
            continue
        yield facts.AccessRequested(now=later)
        yield facts.TimeReached(now=later)
        for version, record in enumerate(session_records(state)):
            yield facts.RecordLoaded(version=version, record=record, now=later)
        yield facts.RecordSwapped(version=7, now=later)
        yield facts.SwapRefused(now=later)
        yield facts.StoreFailed(error=StoreError("gone"), now=later)
        yield from outcomes(later)
        for secret in [Secret("stored"), Secret("other"), *([held.token.access_token] if held else [])]:
            yield facts.TokenRejected(access_token=secret, now=later)
            yield facts.TokenAccepted(access_token=secret, now=later)
        yield facts.AuthorizationGranted(token=token("user-1", issued=later, at=later + 3600), now=later)
        yield facts.AuthorizationGranted(token=token("user-2", issued=later, at=later - 1), now=later)
        yield facts.RevocationRequested(now=later)
        yield facts.Close(now=later)
        yield RevocationAnswered(confirmed=True, now=later)
        yield RevocationAnswered(confirmed=False, now=later)
        yield facts.BeginAuthorization(entropy=entropy(), now=later)


def session_signature(state: Any, now: float) -> Signature:
    ledger: ss.Ledger = state.ledger
    held, unsaved = ledger.held, ledger.unsaved
    own: list[object] = [type(state), ledger.ending, ledger.rotates is False]
    own += [held and held.valid_until > now]
    own += [unsaved and (unsaved.exchange is None, unsaved.base is None, unsaved.failures > 0)]
    own += [min(ledger.strikes, 1), ledger.store_failures > 0, not ledger.unsent]
    own += [ledger.doubted is None, ledger.watched is None]
    own += [getattr(state, "spent", None), type(getattr(state, "base", None)), type(getattr(state, "target", None))]
    own += [getattr(state, "grant_type", None), bool(getattr(state, "tokens", ())), bool(getattr(state, "remaining", ()))]
    own += [getattr(state, "failures", 0) > 0]
    return tuple(own)


POLICY = SessionPolicy(commit_attempts=2, max_attempts=2)
REVOKING = attrs.evolve(PROVIDER, revocation_endpoint="https://as.example/revoke")


@pytest.fixture(scope="module")
def session_walk() -> tuple[Reached, int]:
    reached: Reached = defaultdict(set)
    count = 0
    for renewal, opted, refreshing, provider in [
        (GrantType.CLIENT_CREDENTIALS, False, False, PROVIDER),
        (GrantType.CLIENT_CREDENTIALS, False, True, REVOKING),
        (GrantType.REFRESH_TOKEN, False, False, REVOKING),
        (GrantType.REFRESH_TOKEN, True, False, PROVIDER),
    ]:
        policy = attrs.evolve(POLICY, retries_in_doubt=opted, renews_with_refresh_token=refreshing)
        terms = Terms(provider=provider, credential=CREDENTIAL, renewal=renewal, entropy=entropy(), policy=policy)
        count += walk(SESSION, terms, [ss.Dormant()], session_inputs, session_signature, reached)
    return reached, count


def test_each_row_of_the_session_leads_exactly_where_it_says(session_walk: tuple[Reached, int]) -> None:
    reached, count = session_walk
    assert count > 100
    assert_as_declared(SESSION, reached)


# -- The grants ----------------------------------------------------------------------------------------------------


def grant_terms(grant_type: GrantType, **changes: Any) -> GrantTerms:
    return GrantTerms(
        grant_type=grant_type,
        provider=changes.pop("provider", PROVIDER),
        credential=CREDENTIAL,
        redirect_uri="https://app.example/callback" if grant_type is GrantType.AUTHORIZATION_CODE else "",
        token=token("given") if grant_type is GrantType.REFRESH_TOKEN else None,
        **changes,
    )


def grant_inputs(state: Any, now: float) -> Iterator[object]:
    for later in moments(state, now):
        yield facts.AccessRequested(now=later)
        yield facts.TimeReached(now=later)
        yield from outcomes(later)
        held = getattr(state, "token", None)
        for secret in [Secret("other"), *([held.access_token] if held else [])]:
            yield facts.TokenRejected(access_token=secret, now=later)
            yield facts.TokenAccepted(access_token=secret, now=later)
        yield facts.Close(now=later)
    for number in (1, 2):
        yield facts.BeginAuthorization(entropy=entropy(number), now=now)
    yield CallbackRefused(error=StateMismatch("another flow"), now=now)
    yield AuthorizationDenied(error=AuthorizationRefused("access_denied"), now=now)
    yield CallbackValidated(proof=proof(getattr(state, "pending", None) or some_pending(), now), now=now)


def some_pending() -> Any:
    return begin(grant_terms(GrantType.AUTHORIZATION_CODE), entropy(9), START).state.pending


def proof(pending: Any, now: float) -> Any:
    url = f"{pending.redirect_uri}?code=the-code&state={pending.state.reveal()}"
    return validate_callback(pending, Secret(url), min(now, pending.expires_at))


def grant_signature(state: Any, now: float) -> Signature:
    own: list[object] = [type(state), getattr(state, "renews", None), getattr(state, "proof", None) is None]
    held = getattr(state, "token", None)
    own += [held and held.refresh_token is None, getattr(state, "ends_at", 0) > now, getattr(state, "retry_at", 0) > now]
    own += [type(getattr(state, "error", None)), getattr(state, "pending", None) is None]
    return tuple(own)


@pytest.mark.parametrize(
    ("table", "variants"),
    [
        (CLIENT_CREDENTIALS, [grant_terms(GrantType.CLIENT_CREDENTIALS)]),
        (
            AUTHORIZATION_CODE,
            [grant_terms(GrantType.AUTHORIZATION_CODE, ignores_strays=stray) for stray in (False, True)],
        ),
        (
            REFRESH_TOKEN,
            [
                grant_terms(GrantType.REFRESH_TOKEN, provider=attrs.evolve(PROVIDER, rotates_refresh_tokens=rotates))
                for rotates in (None, False)
            ],
        ),
    ],
    ids=["client credentials", "authorization code", "refresh token"],
)
def test_each_row_of_a_grant_leads_exactly_where_it_says(table: Table, variants: list[GrantTerms]) -> None:
    reached: Reached = defaultdict(set)
    for terms in variants:
        walk(table, terms, [Ready()], grant_inputs, grant_signature, reached)
    assert_as_declared(table, reached)


# -- What the walk itself is worth ---------------------------------------------------------------------------------


def test_a_row_that_promises_too_much_is_found() -> None:
    table = Table("a table with a lie", Ready)

    @table.row
    def lie(terms: object, state: Ready, given: facts.TimeReached) -> Step[Ready | Failed]:
        return Step(state)

    reached: Reached = defaultdict(set)
    walk(table, None, [Ready()], lambda state, now: [facts.TimeReached(now=now)], grant_signature, reached)
    with pytest.raises(AssertionError, match="declared"):
        assert_as_declared(table, reached)


def test_every_input_of_the_tables_is_tried_by_the_walk() -> None:
    tried = {type(given) for given in session_inputs(ss.Dormant(), START)}
    tried |= {type(given) for given in grant_inputs(Ready(), START)}
    assert tried == INPUTS


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_pair_without_a_row_is_refused_by_name(table: Table) -> None:
    states: dict[type, list[Row]] = defaultdict(list)
    for row in table:
        states[row.state].append(row)
    for kind in states:
        for given in INPUTS:
            if table.find(kind, given) is None:
                with pytest.raises(LocalProtocolError, match=f"cannot take {given.__name__} in state {kind.__name__}"):
                    table.step(None, object.__new__(kind), object.__new__(given))


def test_two_rows_for_one_pair_are_refused_when_the_table_is_made() -> None:
    table = Table("a table said twice", Ready)

    def handler(terms: object, state: Ready, given: facts.TimeReached) -> Step[Ready]:
        return Step(state)

    table.row(handler)
    with pytest.raises(TypeError, match="two rows for Ready and TimeReached"):
        table.row(handler)


def test_every_state_of_the_unions_has_rows_and_every_handler_is_short() -> None:
    for table in TABLES:
        for row in table:
            lines = row.handler.__code__.co_lines()
            first, last = row.handler.__code__.co_firstlineno, max(line for _, _, line in lines if line)
            assert last - first <= 30, row.handler.__name__
