import copy
import inspect
import pickle
import types
from types import ModuleType
from typing import Any, get_args

import attrs
import pytest

from tests.values.leaks import CANARY, leaks, shown
from tropipay_oauth._law import effects, events, facts
from tropipay_oauth._values.errors import Delivery, OAuthError, StoreError
from tropipay_oauth._values.http import HTTPRequest, HTTPResponse
from tropipay_oauth._values.records import Intent, Tokens
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.secret import Entropy, Secret
from tropipay_oauth._values.token import Expiry, GrantType, Token

TOKEN = Token(access_token=CANARY, refresh_token=CANARY, issued_at=5.0, grant_type=GrantType.REFRESH_TOKEN)
RECORD = Intent(exchange="x-1", base=Tokens(TOKEN))
REQUEST = HTTPRequest(method="POST", url="https://h/token", headers={"Authorization": CANARY}, body=CANARY.encode())
RESPONSE = HTTPResponse(status=200, headers={"Set-Cookie": CANARY}, body=CANARY.encode())
ERROR = OAuthError("invalid_grant", status=400)

FACTS: dict[type, dict[str, Any]] = {
    facts.AccessRequested: {},
    facts.BeginAuthorization: {"entropy": Entropy(CANARY.encode() * 2)},
    facts.CallbackReceived: {"url": f"http://127.0.0.1/cb?code={CANARY}"},
    facts.AuthorizationGranted: {"token": TOKEN},
    facts.ResponseReceived: {"exchange": "x-1", "response": RESPONSE},
    facts.TransportFailed: {"exchange": "x-1", "delivery": Delivery.NOT_SENT},
    facts.TokenRejected: {"access_token": Secret(CANARY)},
    facts.TokenAccepted: {"access_token": Secret(CANARY)},
    facts.TimeReached: {},
    facts.RecordLoaded: {"version": 1, "record": RECORD},
    facts.RecordSwapped: {"version": 1},
    facts.SwapRefused: {},
    facts.StoreFailed: {"error": StoreError("the store failed: look at it")},
    facts.RevocationRequested: {},
    facts.Close: {},
}
EFFECTS: dict[type, dict[str, Any]] = {
    effects.SendRequest: {"exchange": "x-1", "request": REQUEST},
    effects.LoadRecord: {},
    effects.SwapRecord: {"expected_version": 0, "record": RECORD},
    effects.ReleaseCallers: {"token": TOKEN},
    effects.RefuseCallers: {"error": ERROR},
    effects.RedirectUser: {"url": "https://h/authorize?state=1"},
}
SCOPE = {"scope": Scope.of("a")}
GRANT = {"grant_type": GrantType.CLIENT_CREDENTIALS}
ISSUED = GRANT | SCOPE | {"expiry": Expiry(at=9.0)}
EVENTS: dict[type, tuple[str, dict[str, Any]]] = {
    events.AuthorizationRequested: ("request", GRANT | SCOPE),
    events.GrantReceived: ("grant", GRANT),
    events.TokenIssued: ("token", ISSUED),
    events.TokenPresented: ("access", {"origin": "https://h"}),
    events.ResourceReceived: ("resource", {"origin": "https://h", "status": 200}),
    events.TokenExpired: ("expiry", {"reason": events.ExpiryReason.CLOCK}),
    events.TokenRefreshed: ("refresh", ISSUED),
    events.ExpiryInterpreted: ("note", {"expiry": Expiry(at=9.0), "clock_offset": 0.5}),
    events.ScopeNarrowed: ("note", {"missing": Scope.of("a"), "extra": Scope()}),
    events.GrantFailed: ("note", GRANT | {"error": ERROR}),
    events.RetryScheduled: ("note", {"at": 9.0, "failures": 1}),
    events.TokenNotPersisted: ("note", {"error": ERROR}),
    events.InDoubt: ("note", {"error": ERROR}),
    events.CallbackIgnored: ("note", {"error": ERROR}),
    events.TokenRevoked: ("note", {"at_provider": True}),
    events.RevocationFailed: ("note", {"error": StoreError("gone")}),
}
MADE = [
    *(kind(now=5.0, **members) for kind, members in FACTS.items()),
    *(kind(**members) for kind, members in EFFECTS.items()),
    *(kind(**members) for kind, (_, members) in EVENTS.items()),
]


@pytest.mark.parametrize(
    ("module", "union", "known"),
    [(facts, facts.Fact, FACTS), (effects, effects.Effect, EFFECTS), (events, events.Event, EVENTS)],
    ids=["facts", "effects", "events"],
)
def test_a_vocabulary_is_one_closed_union(module: ModuleType, union: types.UnionType, known: dict[type, object]) -> None:
    written = [kind for _, kind in inspect.getmembers(module, attrs.has) if kind.__module__ == module.__name__]
    assert set(written) == set(get_args(union)) == set(known)


@pytest.mark.parametrize("made", MADE, ids=lambda made: type(made).__name__)
def test_every_word_is_a_frozen_value_of_keywords(made: Any) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.anything = 1
    assert not hasattr(made, "__dict__")
    assert attrs.evolve(made) == made
    assert hash(attrs.evolve(made)) == hash(made)
    assert all(one.kw_only for one in attrs.fields(type(made)))
    assert type(made).__doc__


@pytest.mark.parametrize("made", MADE, ids=lambda made: type(made).__name__)
def test_no_word_shows_a_secret(made: Any) -> None:
    assert not leaks(shown(made))
    assert not leaks(shown((made, [made])))


@pytest.mark.parametrize("made", MADE[: len(FACTS)], ids=lambda made: type(made).__name__)
def test_every_fact_has_its_moment(made: Any) -> None:
    assert made.now == 5.0


@pytest.mark.parametrize("made", MADE[-len(EVENTS) :], ids=lambda made: type(made).__name__)
def test_every_event_names_its_step_and_can_be_logged_and_stored(made: Any) -> None:
    assert made.step == type(made).step == EVENTS[type(made)][0]
    assert "step" not in {one.name for one in attrs.fields(type(made))}
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made  # noqa: S301


def test_the_steps_are_those_of_the_protocol_flow() -> None:
    steps = [step for step, _ in EVENTS.values()]
    flow = [step for step in steps if step != "note"]
    assert flow == ["request", "grant", "token", "access", "resource", "expiry", "refresh"]


@pytest.mark.parametrize("kind", [kind for kind, (_, members) in EVENTS.items() if "error" in members])
def test_an_event_may_tell_an_error_but_holds_no_secret_field(kind: type[attrs.AttrsInstance]) -> None:
    kinds = {one.type for one in attrs.fields(kind)}
    assert not kinds & {Secret, Token, Entropy, HTTPRequest, HTTPResponse}


def test_a_callback_is_hidden_from_the_start() -> None:
    made = facts.CallbackReceived(url=f"http://127.0.0.1/cb?code={CANARY}", now=1.0)
    assert made == facts.CallbackReceived(url=Secret(f"http://127.0.0.1/cb?code={CANARY}"), now=1.0)
    assert not leaks(repr(made))


def test_a_redirect_shows_neither_state_nor_challenge() -> None:
    made = effects.RedirectUser(url=f"https://h/authorize?state={CANARY}")
    assert repr(made) == "RedirectUser(https://h/authorize)"
    assert not leaks(repr(made) + str(made) + f"{made}{[made]}")
