"""Transcripts: what was recorded can be run again, byte for byte, and no secret is in it."""

import base64
import contextlib
import functools
import hashlib
import json
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tropipay_oauth import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    Credential,
    Delivery,
    Entropy,
    Expiry,
    GrantType,
    HTTPResponse,
    Provider,
    RefreshTokenGrant,
    Scope,
    Secret,
    Session,
    SessionPolicy,
    Step,
    Token,
    effects,
    events,
    facts,
)
from tropipay_oauth._law.machine import Machine, State
from tropipay_oauth._observation import transcript_codec as codec
from tropipay_oauth._observation.pseudonyms import SLICE, Pseudonyms, looks_secret
from tropipay_oauth._observation.sanitiser import Sanitiser, mask
from tropipay_oauth._observation.transcript import _outline as outline
from tropipay_oauth.errors import ConfigurationError, LocalError, LocalProtocolError, OAuthError, StoreError, TransportError
from tropipay_oauth.records import Empty, Intent, Record, Refusal, Tokens
from tropipay_oauth.transcript import Recorder, Transcript

START = 1_800_000_000.0
REAL = Recorder.RealSecrets.I_ACCEPT_THAT_THIS_FILE_CAN_SPEND_MONEY
PROVIDER = attrs.evolve(Provider.for_server("https://as.example"), revocation_endpoint="https://as.example/revoke")
REDIRECT = "http://127.0.0.1:5000/callback"

Any_Recorder = Recorder[Any]


def canary(label: str) -> str:
    """A secret that no accident writes, and that nobody else's secret looks like."""
    return base64.urlsafe_b64encode(hashlib.sha256(label.encode()).digest()).decode().rstrip("=")


def jwt(label: str, **claims: object) -> str:
    parts = ({"alg": "HS256", "kid": canary(label + " kid")}, {"jti": canary(label + " jti"), **claims})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, canary(label + " signature")))


CLIENT_SECRET = canary("client secret")
CREDENTIAL = Credential(client_id="the-client-id", client_secret=CLIENT_SECRET)
SECRETS = [
    CLIENT_SECRET,
    *(canary(f"{kind} {number}") for kind in ("access", "refresh", "code", "other") for number in range(6)),
    *(canary(f"jwt {number} {part}") for part in ("kid", "jti", "signature") for number in range(3)),
    canary("account"),
]


def token(number: int = 0, *, refresh: bool = True, **members: Any) -> Token:
    given = {"issued_at": START, "expiry": Expiry(at=START + 3600), "grant_type": GrantType.REFRESH_TOKEN, **members}
    hidden = canary(f"refresh {number}") if refresh else None
    return Token(access_token=canary(f"access {number}"), refresh_token=hidden, **given)


def reply(status: int = 200, body: object = b"", **headers: str) -> HTTPResponse:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return HTTPResponse(status=status, headers=named, body=octets)


def grant_reply(number: int = 0, **members: object) -> HTTPResponse:
    body = {
        "access_token": canary(f"access {number}"),
        "refresh_token": canary(f"refresh {number}"),
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "ALLOW_PAYMENT_IN ALLOW_INTERNAL_TRANSFER_OUT",
        **members,
    }
    return reply(200, body, Set_Cookie=f"sid={canary('other 0')}", Server="nginx")


class Run:
    """A recorder, a clock, and the last exchange that was asked for."""

    def __init__(self, machine: Machine, secrets: Any = None, **options: Any) -> None:
        self.recorder: Any_Recorder = Recorder(machine, secrets=secrets, **options)
        self.now = START
        self.exchange = ""
        self.version = 0
        self.record: Record = Empty()
        self.real: list[Step[Any]] = []

    def tell(self, kind: Any, after: float = 0.25, **members: Any) -> Step[Any]:
        self.now += after
        step = self.recorder.handle(kind(now=self.now, **members))
        self.real.append(step)
        for effect in step.effects:
            if isinstance(effect, effects.SendRequest):
                self.exchange = effect.exchange
            if isinstance(effect, effects.SwapRecord):
                self.record = effect.record
        return step

    def answer(self, response: HTTPResponse) -> Step[Any]:
        return self.tell(facts.ResponseReceived, exchange=self.exchange, response=response)

    def fail(self, delivery: Delivery, reason: str = "the connection was cut") -> Step[Any]:
        return self.tell(facts.TransportFailed, exchange=self.exchange, delivery=delivery, reason=reason)

    def load(self, record: Record | None = None) -> Step[Any]:
        return self.tell(facts.RecordLoaded, version=self.version, record=self.record if record is None else record)

    def swapped(self) -> Step[Any]:
        self.version += 1
        return self.tell(facts.RecordSwapped, version=self.version)

    def send(self) -> None:
        """From a call to the request on the wire."""
        self.tell(facts.AccessRequested)
        self.load()
        self.swapped()

    @property
    def state(self) -> str:
        return type(self.recorder.machine._state).__name__


def client_grant(secrets: Any) -> Run:
    return Run(ClientCredentialsGrant(provider=PROVIDER, credential=CREDENTIAL, scope="ALLOW_PAYMENT_IN"), secrets)


def code_grant(secrets: Any, **options: Any) -> Run:
    made = AuthorizationCodeGrant(provider=PROVIDER, credential=CREDENTIAL, redirect_uri=REDIRECT, scope="a b", **options)
    return Run(made, secrets)


def session(secrets: Any, **options: Any) -> Run:
    made = Session(provider=PROVIDER, credential=CREDENTIAL, account=canary("account"), entropy=Entropy(b"s" * 32), **options)
    return Run(made, secrets)


def user_session(secrets: Any) -> Run:
    run = session(secrets, renewal=GrantType.REFRESH_TOKEN)
    run.record = Tokens(token(0, issued_at=START - 3600, expiry=Expiry(at=START - 1)))
    return run


# -- Runs ------------------------------------------------------------------------------------------------------------


def client_happy(secrets: Any) -> Run:
    run = client_grant(secrets)
    run.tell(facts.AccessRequested)
    run.answer(grant_reply(0))
    run.tell(facts.TokenAccepted, access_token=Secret(canary("access 0")))
    run.tell(facts.TokenRejected, access_token=Secret(canary("access 0")))
    run.tell(facts.AccessRequested)
    run.answer(grant_reply(1, access_token=jwt("jwt 0", iat=int(START), exp=int(START) + 60)))
    run.tell(facts.TimeReached, after=7200.0)
    assert run.state == "Expired"
    return run


def client_unlucky(secrets: Any) -> Run:
    run = client_grant(secrets)
    run.tell(facts.AccessRequested)
    run.answer(reply(503, b"<html>busy</html>", Retry_After="7", Date="Mon, 24 Nov 2025 02:11:00 GMT"))
    run.tell(facts.AccessRequested)
    run.tell(facts.AccessRequested, after=30.0)
    run.fail(Delivery.NOT_SENT, f"could not reach https://u:{canary('other 1')}@proxy")
    run.tell(facts.AccessRequested, after=30.0)
    said = f"the secret {CLIENT_SECRET} is wrong, not {quote(CLIENT_SECRET[:12])}"
    run.answer(reply(400, {"error": "invalid_client", "error_description": said}))
    run.tell(facts.AccessRequested)
    assert run.state == "Failed"
    return run


def refresh_rotated(secrets: Any) -> Run:
    run = Run(RefreshTokenGrant(provider=PROVIDER, credential=CREDENTIAL, token=token(0)), secrets)
    run.tell(facts.AccessRequested)
    run.answer(grant_reply(1, id_token=jwt("jwt 1", iat=1, exp=2)))
    run.tell(facts.TimeReached, after=7200.0)
    run.tell(facts.AccessRequested)
    run.answer(reply(400, {"error": {"code": "invalid_grant", "message": canary("refresh 1"), "details": [canary("other 2")]}}))
    return run


def refresh_in_doubt(secrets: Any) -> Run:
    run = Run(RefreshTokenGrant(provider=PROVIDER, credential=CREDENTIAL, token=token(0)), secrets)
    run.tell(facts.AccessRequested)
    run.fail(Delivery.AMBIGUOUS, f"reset while sending {canary('refresh 0')}")
    assert run.state == "GrantInDoubt"
    return run


def callback(run: Run, **parameters: str) -> None:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    run.tell(facts.CallbackReceived, url=Secret(f"{REDIRECT}?{query}"))


def begin(run: Run, number: int = 0) -> str:
    step = run.tell(facts.BeginAuthorization, entropy=Entropy(hashlib.sha256(b"%d" % number).digest()))
    (redirect,) = step.effects
    assert isinstance(redirect, effects.RedirectUser)
    return parse_qs(urlsplit(redirect.url).query)["state"][0]


def code_happy(secrets: Any) -> Run:
    run = code_grant(secrets, extra={"login_hint": canary("other 3")})
    state = begin(run)
    callback(run, state=canary("other 4"), code=canary("code 1"))
    callback(run, code=canary("code 0"), state=state, session_state=canary("other 5"), tracker=canary("other 2"))
    run.answer(grant_reply(0))
    callback(run, code=canary("code 0"), state=state)
    run.tell(facts.TimeReached, after=7200.0)
    begin(run, 1)
    assert run.state == "AwaitingCallback"
    return run


def code_denied(secrets: Any) -> Run:
    run = code_grant(secrets, ignores_strays=False)
    state = begin(run)
    callback(run, error="access_denied", error_description=f"no, {canary('other 1')} says no", state=state)
    assert run.state == "Failed"
    return run


def code_resumed(secrets: Any) -> Run:
    grant = AuthorizationCodeGrant(provider=PROVIDER, credential=CREDENTIAL, redirect_uri=REDIRECT, scope="a b")
    grant.handle(facts.BeginAuthorization(entropy=Entropy(b"elsewhere" * 4), now=START))
    pending = grant.state.pending  # type: ignore[union-attr]  # it awaits the callback
    assert pending is not None
    run = Run(AuthorizationCodeGrant.resume(pending, provider=PROVIDER, credential=CREDENTIAL), secrets)
    callback(run, code=canary("code 2"), state=pending.state.reveal())
    run.answer(reply(502, b"<html>" + canary("other 0").encode() + b"</html>", Content_Type="text/html"))
    assert run.state == "GrantInDoubt"
    return run


def session_happy(secrets: Any) -> Run:
    run = session(secrets, scope="ALLOW_PAYMENT_IN")
    run.send()
    run.answer(grant_reply(0))
    run.swapped()
    run.tell(facts.AccessRequested)
    run.tell(facts.TokenAccepted, access_token=Secret(canary("access 0")))
    run.tell(facts.TokenRejected, access_token=Secret(canary("access 0")))
    run.load()
    run.swapped()
    run.answer(grant_reply(1, access_token=jwt("jwt 2", iat=int(START), exp=int(START) + 9000)))
    run.swapped()
    assert run.state == "Live"
    run.tell(facts.RevocationRequested)
    run.load()
    run.swapped()
    run.answer(reply(200))
    run.tell(facts.Close)
    assert run.state == "Closed"
    return run


def session_unlucky(secrets: Any) -> Run:
    run = session(secrets, policy=SessionPolicy(max_attempts=2))
    run.send()
    run.answer(reply(503, b"", Retry_After="2"))
    run.swapped()
    assert run.state == "Resting"
    run.tell(facts.TimeReached, after=10.0)
    run.load(Empty())
    run.swapped()
    run.answer(grant_reply(2))
    while run.state != "Live":
        run.tell(facts.StoreFailed, error=StoreError(f"redis://me:{canary('other 3')}@host {canary('access 2')} is down"))
        if run.state == "Loading":
            run.load()
    assert run.state == "Live"
    run.tell(facts.Close)
    run.load(Tokens(token(5)))
    assert run.state == "Closed"
    return run


def session_refused(secrets: Any) -> Run:
    run = user_session(secrets)
    run.send()
    run.answer(reply(400, {"error": "invalid_grant", "error_description": canary("refresh 0")}))
    run.swapped()
    assert run.state == "NeedsAuthorization"
    run.tell(facts.AuthorizationGranted, token=token(3, grant_type=GrantType.AUTHORIZATION_CODE))
    run.load(Refusal(error="invalid_grant", token=token(0, refresh=False)))
    run.swapped()
    assert run.state == "Live"
    return run


def session_in_doubt(secrets: Any) -> Run:
    run = user_session(secrets)
    run.send()
    run.fail(Delivery.AMBIGUOUS)
    assert run.state == "InDoubt"
    run.tell(facts.AccessRequested)
    run.load(Intent(exchange="another worker", base=Tokens(token(4))))
    return run


RUNS: dict[str, Callable[[Any], Run]] = {
    name: function
    for name, function in globals().items()
    if re.fullmatch(r"(client|refresh|code|session)_(happy|unlucky|rotated|in_doubt|denied|resumed|refused)", name)
}


@pytest.fixture(params=RUNS)
def a_run(request: pytest.FixtureRequest) -> Run:
    return RUNS[request.param](None)


@pytest.fixture(params=RUNS)
def a_real_run(request: pytest.FixtureRequest) -> Run:
    return RUNS[request.param](REAL)


def forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    for before in range(3):
        yield base64.b64encode(b"." * before + secret.encode()).decode()[4:-4]


def slices(secret: str) -> set[str]:
    return {form[start : start + SLICE] for form in forms(secret) for start in range(len(form) - SLICE + 1)}


def leaks(text: str, secrets: list[str] = SECRETS) -> set[str]:
    return {secret for secret in secrets if any(one in text for one in slices(secret))}


# -- Replay ----------------------------------------------------------------------------------------------------------


def test_every_kind_of_run_is_there() -> None:
    assert len(RUNS) == 11


def test_a_whole_run_is_recorded(a_run: Run) -> None:
    transcript = a_run.recorder.transcript()
    assert transcript.gap is None
    assert len(transcript.steps) == len(a_run.real)
    for recorded, real in zip(transcript.steps, a_run.real, strict=True):
        assert [type(one) for one in recorded.effects] == [type(one) for one in real.effects]
        assert [type(one) for one in recorded.events] == [type(one) for one in real.events]
        assert recorded.state == type(real.state).__name__
    assert transcript.steps[-1].wake_at == a_run.recorder.wake_at


def test_a_replay_gives_the_recorded_steps(a_run: Run) -> None:
    transcript = Transcript.from_json(a_run.recorder.transcript().to_json())
    replayed = list(transcript.replay())
    assert [fact for fact, _ in replayed] == [recorded.fact for recorded in transcript.steps]
    assert [step.effects for _, step in replayed] == [recorded.effects for recorded in transcript.steps]
    assert [step.events for _, step in replayed] == [recorded.events for recorded in transcript.steps]
    transcript.check()


def test_a_transcript_is_read_back_byte_for_byte(a_run: Run) -> None:
    text = a_run.recorder.transcript().to_json()
    assert Transcript.from_json(text).to_json() == text


def test_the_same_run_gives_the_same_bytes() -> None:
    for run in RUNS.values():
        assert run(None).recorder.transcript().to_json() == run(None).recorder.transcript().to_json()


def test_a_recording_of_a_replay_is_checked_as_well(a_run: Run) -> None:
    transcript = a_run.recorder.transcript()
    again: Any_Recorder = Recorder(transcript.origin.machine(), secrets=REAL)
    for recorded in transcript.steps:
        again.handle(recorded.fact)
    assert again.transcript().steps == transcript.steps


# -- Secrets ---------------------------------------------------------------------------------------------------------


def test_no_slice_of_a_secret_is_in_a_transcript(a_run: Run) -> None:
    text = a_run.recorder.transcript().to_json()
    assert leaks(text) == set()


def test_the_values_of_a_flow_are_replaced_too() -> None:
    run = code_grant(None)
    begin(run)
    pending = run.recorder.machine.state.pending
    text = run.recorder.transcript().to_json()
    assert leaks(text, [getattr(pending, name).reveal() for name in ("state", "code_verifier", "handle")]) == set()
    assert hashlib.sha256(b"0").hexdigest() not in text


def test_the_values_of_a_resumed_flow_are_replaced_too() -> None:
    run = code_resumed(None)
    pending = run.recorder.machine.state.pending
    text = run.recorder.transcript().to_json()
    assert leaks(text, [getattr(pending, name).reveal() for name in ("state", "code_verifier", "handle")]) == set()


def test_the_same_secret_has_the_same_stand_in_everywhere() -> None:
    transcript = session_happy(None).recorder.transcript()
    (released, *_) = [one for step in transcript.steps for one in step.effects if isinstance(one, effects.ReleaseCallers)]
    (rejected,) = [step.fact for step in transcript.steps if isinstance(step.fact, facts.TokenRejected)]
    (body, *_) = [step.fact.response.body for step in transcript.steps if isinstance(step.fact, facts.ResponseReceived)]
    assert released.token.access_token == rejected.access_token
    assert json.loads(body)["access_token"] == rejected.access_token.reveal()


def test_a_jwt_is_replaced_by_one_with_its_times_alone() -> None:
    text = Pseudonyms().of(jwt("jwt 0", iat=5, exp=7.5, sub="me", id=42))
    _, claims, name = text.split(".")
    assert json.loads(base64.urlsafe_b64decode(claims + "==")) == {"iat": 5, "exp": 7.5}
    assert name == "pseudonym-1"


@pytest.mark.parametrize("claims", ["W10", "e30x0", "eyJ", "e30.e30"])
def test_what_only_looks_like_a_jwt_is_replaced_as_text(claims: str) -> None:
    assert Pseudonyms().of(f"a.{claims}.b") == "pseudonym-1"


def test_times_that_are_no_numbers_are_not_kept_in_a_jwt() -> None:
    _, claims, _ = Pseudonyms().of(jwt("jwt 0", iat=True, exp=canary("other 0"))).split(".")
    assert base64.urlsafe_b64decode(claims + "==") == b"{}"


def test_a_stand_in_keeps_what_decides_about_a_secret() -> None:
    names = Pseudonyms()
    assert names.of("") == ""
    assert names.of("a b\nc") == "\n pseudonym-1"
    assert len(names.of("z" * 5000)) == 5000


@pytest.mark.parametrize("secret", ["a password/with ?signs & %", "???>>>~~~???>>>~~~", "ñandú-contraseña"])
def test_a_secret_is_found_in_every_way_of_writing_it(secret: str) -> None:
    names = Pseudonyms()
    names.of(secret)
    written = list(forms(secret))
    ways = [*written, quote_plus(secret), *(form.replace("+", "-").replace("/", "_") for form in written[2:])]
    for way in ways:
        for start in range(0, len(way) - SLICE + 1, 3):
            assert names.text(f"({way[start : start + SLICE]})") == f"({'x' * SLICE})"


def test_short_secrets_are_hidden_as_whole_words() -> None:
    names = Pseudonyms()
    for secret in ("abc", "hunter"):
        names.of(secret)
    assert names.text("hunter") == "pseudonym-2"
    assert names.text("abc: hunter, hunters") == "abc: xxxxxx, hunters"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("ALLOW_GET_POS_MOVEMENT_BY_CREDENTIALS", False),
        ("https://www.tropipay.com/api/v2/errors/invalid-client", False),
        ("short", False),
        (canary("x"), True),
        ("550e8400-e29b-41d4-a716-446655440000", True),
    ],
)
def test_words_are_told_from_secrets(text: str, secret: bool) -> None:
    assert looks_secret(text) is secret


def test_what_a_transcript_may_show_is_there() -> None:
    text = session_happy(None).recorder.transcript().to_json()
    for shown in ("the-client-id", "https://as.example", "ALLOW_INTERNAL_TRANSFER_OUT", (b"s" * 32).hex()):
        assert shown in text


def test_a_transcript_shows_nothing_in_repr() -> None:
    transcript = session_happy(REAL).recorder.transcript()
    assert leaks(f"{transcript!r} {transcript} {transcript.origin!r} {transcript.steps[0]!r}") == set()


ANSWERS = [
    grant_reply(0),
    grant_reply(1, access_token=jwt("jwt 1", iat=int(START), exp=int(START) + 600), expires_in=None),
    grant_reply(2, expires_in=-5, scope="other"),
    reply(503, b"", Retry_After="5"),
    reply(400, {"error": "invalid_grant", "error_description": f"{CLIENT_SECRET} {canary('refresh 0')}"}),
    reply(401, {"error": {"code": "E00001", "message": "Credential not found", "details": {"id": canary("other 0")}}}),
    reply(200, b'{"access_token": "' + canary("access 3").encode(), Date="Mon, 24 Nov 2025 02:11:00 GMT"),
    reply(200, {"access_token": canary("access 4") + ":", "token_type": "Bearer"}),
    reply(502, f"<html>{canary('access 5')}</html>".encode(), Content_Type="text/html"),
    reply(302, b"", Location=f"https://elsewhere.example/{canary('other 1')}"),
]
RECORDS: list[Record] = [
    Empty(),
    Tokens(token(0)),
    Tokens(token(1, issued_at=START - 3600, expiry=Expiry(at=START - 1))),
    Refusal(error="invalid_grant", token=token(2, refresh=False)),
    Refusal(error="invalid_grant"),
    Intent(exchange="another worker", base=Tokens(token(3))),
]
CALLBACKS = [
    "code={code}&state={state}",
    "code={code}",
    "error=access_denied&state={state}",
    "code={code}&state={other}",
    "code=%",
]
MOVES: dict[str, Callable[[Run, int], object]] = {
    "call": lambda run, number: run.tell(facts.AccessRequested, after=number * 10.0),
    "answer": lambda run, number: run.answer(ANSWERS[number]),
    "not sent": lambda run, number: run.fail(Delivery.NOT_SENT),
    "lost": lambda run, number: run.fail(Delivery.AMBIGUOUS),
    "stored": lambda run, number: run.load(),
    "load": lambda run, number: run.load(RECORDS[number % len(RECORDS)]),
    "swapped": lambda run, number: run.swapped(),
    "beaten": lambda run, number: run.tell(facts.SwapRefused),
    "broken": lambda run, number: run.tell(facts.StoreFailed, error=StoreError("the disk is full", code="disk")),
    "wait": lambda run, number: run.tell(facts.TimeReached, after=7.0**number),
    "rejected": lambda run, number: run.tell(facts.TokenRejected, access_token=Secret(canary(f"access {number % 6}"))),
    "accepted": lambda run, number: run.tell(facts.TokenAccepted, access_token=Secret(canary(f"access {number % 6}"))),
    "authorized": lambda run, number: run.tell(facts.AuthorizationGranted, token=token(number % 6)),
    "revoke": lambda run, number: run.tell(facts.RevocationRequested),
    "close": lambda run, number: run.tell(facts.Close),
    "begin": lambda run, number: begin(run, number),
    "callback": lambda run, number: run.tell(facts.CallbackReceived, url=Secret(f"{REDIRECT}?{_query(run, number)}")),
}
BEGINNINGS: list[Callable[[], Run]] = [
    lambda: session(None),
    lambda: session(None, policy=SessionPolicy(renews_with_refresh_token=True, max_attempts=2)),
    lambda: session(None, renewal=GrantType.REFRESH_TOKEN),
    lambda: client_grant(None),
    lambda: code_grant(None),
    lambda: Run(RefreshTokenGrant(provider=PROVIDER, credential=CREDENTIAL, token=token(0))),
]


def _query(run: Run, number: int) -> str:
    pending = getattr(run.recorder.machine.state, "pending", None)
    state = canary("other 2") if pending is None else pending.state.reveal()
    return CALLBACKS[number % len(CALLBACKS)].format(code=canary(f"code {number % 6}"), state=state, other=canary("other 3"))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(BEGINNINGS), st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.integers(0, 9)), max_size=30))
def test_any_run_is_recorded_to_its_end_without_its_secrets(beginning: Callable[[], Run], moves: list[tuple[str, int]]) -> None:
    run = beginning()
    for move, number in moves:
        with contextlib.suppress(LocalProtocolError, ConfigurationError):
            MOVES[move](run, number)
    transcript = run.recorder.transcript()
    assert transcript.gap is None
    assert len(transcript.steps) == len(run.real)
    text = transcript.to_json()
    assert leaks(text) == set()
    again = Transcript.from_json(text)
    again.check()
    assert again.to_json() == text


# -- Bodies, headers, callbacks --------------------------------------------------------------------------------------


def cleaned(body: bytes, *known: str) -> bytes:
    names = Pseudonyms()
    for secret in known:
        names.of(secret)
    return Sanitiser(names).response(HTTPResponse(status=200, body=body)).body


def test_a_secret_is_hidden_before_it_is_met() -> None:
    body = {"error_description": f"not {canary('access 0')[3:15]}", "access_token": canary("access 0")}
    assert json.loads(cleaned(json.dumps(body).encode())) == {
        "error_description": f"not {'x' * 12}",
        "access_token": "pseudonym-1",
    }


def test_a_broken_body_hides_long_runs_and_what_is_known() -> None:
    assert cleaned(b"<p>abcdef123 is 3</p> a,b;c(d)e'f", "a,b;c(d)e'f") == b"<p>xxxxxx111 is 3</p> xxxxxxxxxxx"


def test_a_password_in_a_url_of_the_store_is_hidden() -> None:
    run = session(None)
    run.tell(facts.AccessRequested)
    run.tell(facts.StoreFailed, error=StoreError("redis://me:pw1@host is down"))
    text = run.recorder.transcript().to_json()
    assert "redis://xxxxxx@host is down" in text
    assert "pw1" not in text


def test_the_handle_of_a_flow_is_hidden_in_text_too() -> None:
    run = code_grant(None)
    begin(run)
    handle = run.recorder.machine.state.pending.handle.reveal()
    callback(run, error="access_denied", error_description=f"no {handle[:SLICE]}")
    assert leaks(run.recorder.transcript().to_json(), [handle]) == set()


def test_members_that_nobody_reads_are_masked() -> None:
    body = {"user": {"name": "Ana", "card": 4242, "vip": True, "none": None}, "scope": "a", "list": ["b1", 2]}
    assert json.loads(cleaned(json.dumps(body).encode())) == {
        "user": {"name": "xxx", "card": 0, "vip": True, "none": None},
        "scope": "a",
        "list": ["x1", 0],
    }


def test_numbers_that_are_read_stay() -> None:
    assert json.loads(cleaned(b'{"expires_in": 1e3, "error": {"status": 7}}')) == {"expires_in": 1e3, "error": {"status": 7}}


def test_a_secret_that_is_no_text_is_masked() -> None:
    assert json.loads(cleaned(b'{"access_token": 123456789, "refresh_token": ["abcdefgh"]}')) == {
        "access_token": 0,
        "refresh_token": ["pseudonym-1"],
    }


@pytest.mark.parametrize(
    "body",
    [
        '{"access_token": "%s"',
        "<html><p>%s</p></html>",
        '["%s"]',
        "%s",
        "\ufeff{} %s",
        "é %s é",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_a_body_that_cannot_be_read_is_masked(body: str, encoding: str) -> None:
    raw = (body % canary("access 0")).encode(encoding, "replace")
    clean = cleaned(raw)
    assert len(clean) == len(raw)
    assert leaks(clean.decode("latin-1").replace("\0", "")) == set()


def test_a_body_that_cannot_be_read_is_cut() -> None:
    assert len(cleaned(b"<" * 100_000)) < 5_000


def test_a_huge_object_is_not_read() -> None:
    assert cleaned(b'{"error": "' + b"a " * 20_000 + b'"}').startswith(b'{"error": "')


def test_headers_that_nobody_looks_at_are_dropped() -> None:
    given = {"Date": "now", "X-RateLimit-Reset": "5", "Set-Cookie": "a=b", "WWW-Authenticate": f'Bearer a="{canary("x")}"'}
    clean = Sanitiser(Pseudonyms()).response(HTTPResponse(status=401, headers=given))
    assert dict(clean.headers) == {
        "Date": "now",
        "X-RateLimit-Reset": "5",
        "WWW-Authenticate": f'Bearer a="{"x" * len(canary("x"))}"',
    }


def cleaned_callback(url: str, redirect_uri: str = REDIRECT) -> str:
    return Sanitiser(Pseudonyms(), redirect_uri).callback(url)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (f"{REDIRECT}?code=c&state=s", f"{REDIRECT}?code=pseudonym-1&state=pseudonym-2"),
        (f"{REDIRECT}?code=c&code=c", f"{REDIRECT}?code=pseudonym-1&code=pseudonym-1"),
        (f"{REDIRECT}?error=access_denied&iss=https%3A%2F%2Fas.example", None),
        (f"{REDIRECT}?mine=Ana1&code=&", f"{REDIRECT}?xxxx=xxx1&code=&"),
        (f"{REDIRECT}?code=%zz&state=s", f"{REDIRECT}?x=%zz&state=pseudonym-1"),
        (f"{REDIRECT}?code=%ff&caf\xe9=s", f"{REDIRECT}?x=%zz&xxxx=x "),
        (f"{REDIRECT}?code=c#access_token=t", f"{REDIRECT}?code=pseudonym-1#access_token="),
        (f"{REDIRECT}#part", f"{REDIRECT}#"),
        ("HTTP://127.0.0.1:5000/callback", None),
        ("http://127.0.0.1:5000/other?a", "xxxx://111.1.1.1:1111/xxxxx?x="),
        ("/callback?code=c", "/xxxxxxxx?code=pseudonym-1"),
        (REDIRECT, None),
    ],
)
def test_a_callback_keeps_what_decides_about_it(url: str, clean: str | None) -> None:
    assert cleaned_callback(url) == (clean or url)


def test_a_callback_keeps_the_query_of_its_redirect_uri() -> None:
    assert cleaned_callback(f"{REDIRECT}?tenant=1&code=c", f"{REDIRECT}?tenant=1") == f"{REDIRECT}?tenant=1&code=pseudonym-1"


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(SECRETS[:8]), st.integers(0, 10), st.integers(20, 43))
def test_text_hides_every_slice_of_a_known_secret(before: str, after: str, secret: str, start: int, stop: int) -> None:
    names = Pseudonyms()
    names.of(secret)
    for form in forms(secret):
        assert leaks(names.text(f"{before}{form[start:stop]}{after}"), [secret]) == set()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["access_token", "refresh_token", "error", "error_description", "scope", "other", "details"])


@given(st.dictionaries(KEYS, JSON, max_size=4), KEYS, st.sampled_from(SECRETS[:4]))
def test_no_body_carries_a_known_secret(body: dict[str, Any], key: str, secret: str) -> None:
    assert leaks(cleaned(json.dumps({**body, key: f"{secret}"}).encode(), secret).decode(), [secret]) == set()
    assert leaks(cleaned(json.dumps({**body, secret: 1}).encode(), secret).decode(), [secret]) == set()


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_any_body_can_be_cleaned(body: bytes, tail: bytes) -> None:
    cleaned(body + canary("access 0").encode() + tail, canary("access 0"))


@given(st.text(max_size=100))
def test_any_callback_can_be_cleaned(text: str) -> None:
    cleaned_callback(f"{REDIRECT}?{text}")
    cleaned_callback(text)


def test_a_mask_keeps_length_and_punctuation() -> None:
    assert mask("Ab-3 é²") == "xx-1 x1"


# -- Real secrets ----------------------------------------------------------------------------------------------------


def test_real_secrets_are_recorded_on_demand_alone(a_real_run: Run) -> None:
    transcript = a_real_run.recorder.transcript()
    assert [(step.effects, step.events) for step in transcript.steps] == [(step.effects, step.events) for step in a_real_run.real]
    text = transcript.to_json()
    assert leaks(text) != set()
    assert "REAL SECRETS" in text
    assert Transcript.from_json(text).to_json() == text
    Transcript.from_json(text).check()


# -- Recording -------------------------------------------------------------------------------------------------------


def test_a_machine_is_recorded_from_its_beginning_alone() -> None:
    run = client_happy(None)
    with pytest.raises(ConfigurationError, match="before its first fact"):
        Recorder(run.recorder.machine)
    with pytest.raises(ConfigurationError, match="before its first fact"):
        Recorder(session_happy(None).recorder.machine)


def test_a_machine_of_somebody_else_is_not_recorded() -> None:
    class Foreign(Machine):
        def _interpret(self, state: State, fact: facts.Fact) -> object | None:
            return fact

    machine = client_grant(None).recorder.machine
    with pytest.raises(ConfigurationError, match="a session or grant"):
        Recorder(Foreign(None, machine.state))


def test_a_refused_fact_is_not_recorded() -> None:
    run = client_grant(None)
    with pytest.raises(LocalProtocolError):
        run.tell(facts.Close)
    run.tell(facts.AccessRequested)
    transcript = run.recorder.transcript()
    assert [type(step.fact) for step in transcript.steps] == [facts.AccessRequested]
    assert transcript.gap is None


def test_recording_ends_at_its_limit_and_the_machine_goes_on() -> None:
    run = Run(ClientCredentialsGrant(provider=PROVIDER, credential=CREDENTIAL), limit=1)
    run.tell(facts.AccessRequested)
    run.answer(grant_reply(0))
    run.tell(facts.AccessRequested)
    transcript = run.recorder.transcript()
    assert run.state == "Active"
    assert len(transcript.steps) == 1
    assert transcript.gap == "there were more than 1 facts"
    assert Transcript.from_json(transcript.to_json()).gap == transcript.gap


def test_recording_ends_at_a_fact_that_is_too_large() -> None:
    run = client_grant(None)
    run.tell(facts.AccessRequested)
    run.fail(Delivery.NOT_SENT, "a b " * 20_000)
    assert run.recorder.transcript().gap == "TransportFailed was too large"
    assert run.state == "Deferred"


def test_recording_ends_where_the_machine_goes_another_way_without_its_secrets() -> None:
    run = client_grant(None)
    run.tell(facts.AccessRequested)
    run.answer(grant_reply(0, padding="x" * 20_000))
    run.tell(facts.AccessRequested)
    assert run.state == "Active"
    assert run.recorder.transcript().gap == "without its secrets, ResponseReceived leads elsewhere"
    assert len(run.recorder.transcript().steps) == 1


def test_a_number_that_json_does_not_know_ends_the_recording() -> None:
    run = session(None)
    run.tell(facts.AccessRequested)
    run.tell(facts.RecordLoaded, version=float("inf"), record=Empty())
    assert run.state == "Claiming"
    assert run.recorder.transcript().gap == "recording failed (ValueError)"


def test_a_difference_in_state_deadline_effects_or_events_ends_the_recording() -> None:
    recorded = session_happy(None).recorder.transcript().steps[-3]
    others = [
        attrs.evolve(recorded, state="Live"),
        attrs.evolve(recorded, wake_at=1.0),
        attrs.evolve(recorded, effects=(*recorded.effects, effects.LoadRecord())),
        attrs.evolve(recorded, events=(*recorded.events, events.TokenRevoked(at_provider=True))),
    ]
    assert all(outline(other) != outline(recorded) for other in others)


def test_a_failure_of_the_recording_is_not_the_machines() -> None:
    run = client_grant(None)
    run.tell(facts.AccessRequested)
    run.fail(Delivery.NOT_SENT, OSError("a careless adapter"))  # type: ignore[arg-type]  # that is the point
    assert run.state == "Deferred"
    assert run.recorder.transcript().gap == "recording failed (TypeError)"


# -- Damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"format": "x", "version": 1}', "[" * 100_000, '{"a": 1, "a": 2}', "NaN"]
)
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not an undamaged transcript"):
        Transcript.from_json(text)


def test_a_text_without_end_is_not_read() -> None:
    with pytest.raises(ConfigurationError, match="record a shorter run"):
        Transcript.from_json(" " * ((1 << 26) + 1))


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        yield from paths(value, (*path, key))


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = changed(data[path[0]], path[1:], value)
    return copy


WRONG: list[Any] = [None, True, "text", 10**400, -1, 1.5, [], {}, [[]], {"kind": "text"}]


def load(text: str) -> Transcript | ConfigurationError:
    try:
        return Transcript.from_json(text)
    except ConfigurationError as error:
        return error


def verdict(transcript: Transcript) -> str:
    try:
        transcript.check()
    except LocalError as error:
        return error.code
    return ""


def test_a_damaged_transcript_is_refused_or_still_one() -> None:
    for run in (code_happy(None), session_unlucky(None)):
        data = json.loads(run.recorder.transcript().to_json())
        for number, path in enumerate(paths(data)):
            loaded = load(json.dumps(changed(data, path, WRONG[number % len(WRONG)])))
            if isinstance(loaded, ConfigurationError):
                assert loaded.code == "transcript_json"
                assert loaded.__context__ is None
            else:
                assert Transcript.from_json(loaded.to_json()).to_json() == loaded.to_json()
                assert verdict(loaded) in ("", "replay_differs")


def test_a_missing_member_is_refused() -> None:
    data = json.loads(session_unlucky(None).recorder.transcript().to_json())
    for path in paths(data):
        if path and isinstance(path[-1], str):
            parent = functools.reduce(lambda inner, key: inner[key], path[:-1], data)
            fewer = {name: value for name, value in parent.items() if name != path[-1]}
            loaded = load(json.dumps(changed(data, path[:-1], fewer)))
            assert isinstance(loaded, ConfigurationError) or "attributes" in path, path


@pytest.mark.parametrize("path", [(), ("origin",), ("origin", "terms"), ("steps", 0), ("steps", 0, "fact")])
def test_an_unknown_member_is_refused(path: tuple[Any, ...]) -> None:
    data = json.loads(session_unlucky(None).recorder.transcript().to_json())
    parent = functools.reduce(lambda inner, key: inner[key], path, data)
    assert isinstance(load(json.dumps(changed(data, path, {**parent, "more": 1}))), ConfigurationError)


def test_a_warning_goes_with_real_secrets_alone() -> None:
    pretending = json.loads(code_happy(None).recorder.transcript().to_json()) | {"real": True}
    with pytest.raises(ConfigurationError):
        Transcript.from_json(json.dumps(pretending))


@settings(max_examples=60)
@given(st.data())
def test_text_with_a_changed_place_never_fails_otherwise(data: st.DataObject) -> None:
    text = code_denied(None).recorder.transcript().to_json()
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 4)) :]
    loaded = load(broken)
    assert (
        loaded.code == "transcript_json" if isinstance(loaded, ConfigurationError) else verdict(loaded) in ("", "replay_differs")
    )


def test_a_difference_is_reported_with_its_place() -> None:
    transcript = session_happy(None).recorder.transcript()
    first, second, *others = transcript.steps
    forged = attrs.evolve(transcript, steps=(first, attrs.evolve(second, effects=(), wake_at=1.0), *others))
    with pytest.raises(LocalError, match=r"step 2, RecordLoaded: effects and wake_at are not as recorded") as caught:
        forged.check()
    assert caught.value.code == "replay_differs"
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert not any({"transcript", "recorded", "was"} & set(frame.f_locals) for frame in frames[1:])


def test_a_fact_that_is_refused_now_is_reported() -> None:
    transcript = client_happy(None).recorder.transcript()
    closing = attrs.evolve(transcript.steps[0], fact=facts.Close(now=START))
    with pytest.raises(LocalError, match="step 1, Close: the fact is refused now"):
        attrs.evolve(transcript, steps=(closing,)).check()
    with pytest.raises(LocalProtocolError):
        list(attrs.evolve(transcript, steps=(closing,)).replay())


# -- The written form ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "wrong"),
    [
        (codec.INT, True),
        (codec.INT, 1.0),
        (codec.NUMBER, True),
        (codec.NUMBER, float("nan")),
        (codec.BOOL, 1),
        (codec.TEXT, None),
    ],
)
def test_a_value_of_another_type_is_refused(reader: codec.Codec, wrong: object) -> None:
    with pytest.raises(ValueError, match=r"another type|finite"):
        reader.read(wrong)


def test_a_codec_that_forgets_a_member_or_a_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="Close disagree about its members: now"):
        codec.shape(facts.Close)
    with pytest.raises(TypeError, match=r"disagree about LoadRecord, .*SwapRecord"):
        codec.union(effects.Effect, codec.shape(effects.RedirectUser, url=codec.TEXT))


class TheirStoreError(StoreError):
    """Of somebody's store."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.connection = canary("other 0")


def test_an_error_of_somebody_else_is_written_as_the_nearest_of_ours() -> None:
    error = TheirStoreError("the disk is full")
    error.add_note(canary("other 1"))
    assert codec.ERROR.write(error) == {"kind": "StoreError", "message": "the disk is full", "attributes": {}}


@pytest.mark.parametrize(
    "error",
    [
        OAuthError("invalid_grant", status=400, description="d", native_code="E1"),
        TransportError("cut", delivery=Delivery.AMBIGUOUS, code="timeout"),
    ],
)
def test_errors_are_read_back_equal(error: Any) -> None:
    assert codec.ERROR.read(json.loads(json.dumps(codec.ERROR.write(error)))) == error


@pytest.mark.parametrize("body", [b"text", "é".encode(), b"\xff\x00", b""])
def test_bodies_are_read_back_equal(body: bytes) -> None:
    response = HTTPResponse(status=200, body=body)
    assert codec.RESPONSE.read(json.loads(json.dumps(codec.RESPONSE.write(response)))) == response


@pytest.mark.parametrize(
    "event",
    [
        events.TokenPresented(origin="https://a.example"),
        events.ResourceReceived(origin="https://a.example", status=200),
        events.ScopeNarrowed(missing=Scope.of("a"), extra=Scope.of("b")),
    ],
)
def test_events_that_only_adapters_emit_can_be_written_too(event: Any) -> None:
    assert codec.EVENT.read(codec.EVENT.write(event)) == event
