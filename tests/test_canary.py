"""No secret shows, whatever happens: canaries in every secret field, driven through every path, searched for in all that
an incautious program could print, log, dump or report. What may carry a secret is asked for by name: a request's body and
headers, `reveal()`, and the `state` in the URL that the browser is sent to.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import pytest
from rich.traceback import Traceback

from tests.law.test_grants import Drive
from tests.model.pair import START, Clock, Worker
from tests.model.server import TokenServer, reply
from tests.values.leaks import raised, shown
from tropipay_oauth import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    Credential,
    Delivery,
    Entropy,
    Expiry,
    GrantType,
    HTTPResponse,
    MemoryStore,
    PendingAuthorization,
    Provider,
    RefreshTokenGrant,
    Secret,
    SessionPolicy,
    Step,
    Token,
    facts,
)
from tropipay_oauth._law.machine import Machine, Table
from tropipay_oauth.effects import RedirectUser, SendRequest, SwapRecord
from tropipay_oauth.errors import (
    TropiPayOAuthError,
)
from tropipay_oauth.records import Intent, Tokens

PROVIDER = attrs.evolve(Provider.for_server("https://as.example"), revocation_endpoint="https://as.example/revoke")
AWKWARD = {"client": ' "\\&=%', "refresh": "'<> \\u%", "code": "&+ \\%25", "access": "+/~._-"}
SLICE = 8

Form = Callable[[str], str]
FORMS: dict[str, Form] = {
    "as it is": str,
    "percent-encoded": lambda text: quote(text, safe=""),
    "as a form writes it": quote_plus,
    "JSON-escaped": lambda text: json.dumps(text)[1:-1],
    "in Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in Base64 for URLs": lambda text: base64.urlsafe_b64encode(b"user:" + text.encode()).decode(),
}


# -- The search ----------------------------------------------------------------------------------------------------


class Search:
    """Knows every canary, and finds a piece of one in any text."""

    def __init__(self, *, asleep: bool = False) -> None:
        self.secrets: dict[str, str] = {}
        self.pieces: dict[str, str] = {}
        self.asleep = asleep

    def new(self, name: str) -> str:
        """A canary that nobody else has, with the characters that are awkward in its place."""
        text = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")
        return self.add(name, text[:13] + AWKWARD.get(name.partition(" ")[0], "") + text[13:])

    def add(self, name: str, text: str) -> str:
        """Look for this text from now on."""
        self.secrets[name] = text
        for form in _encodings(text):
            self.pieces |= {form[at : at + SLICE]: name for at in range(len(form) - SLICE + 1)}
        return text

    def found(self, text: str) -> set[str]:
        """The names of the canaries of which the text holds a piece."""
        lines = set(text.splitlines())  # much is said more than once
        slices = {line[at : at + SLICE] for line in lines for at in range(len(line) - SLICE + 1)}
        return {self.pieces[piece] for piece in slices & self.pieces.keys()}

    def check(self, value: object, *, but: frozenset[str] = frozenset()) -> None:
        """Nothing that shows of `value` holds a canary."""
        found = self.found(shown(value)) - but
        assert not found, f"{type(value).__name__} shows {sorted(found)}"
        for error in _errors_in(value):
            self.check_error(error)

    def check_error(self, error: BaseException) -> None:
        """No report of the error holds a canary."""
        found = self.found(report(error) + shown(error.args) + shown(vars(error)))
        assert not found, f"{type(error).__name__} shows {sorted(found)}"

    def watched(self, machine: Any, fact: Any, tell: Callable[[Any], Step[Any]]) -> Step[Any]:
        """Tell the fact, with a look at everything before and after, unless only the way to somewhere is walked."""
        if self.asleep:
            return tell(fact)
        watch(self, machine, fact)
        step = tell(fact)
        watch_step(self, machine, step)
        return step

    def fails(self, kind: type[BaseException], call: Callable[[], object]) -> None:
        """The call raises that error, whose traceback with all local variables holds no canary."""
        with pytest.raises(kind) as caught:
            call()
        self.check_error(caught.value)
        assert not self.found(raised(call))


def _encodings(text: str) -> Iterator[str]:
    octets = text.encode("latin-1", "surrogatepass")
    yield from (text, octets.hex(), octets.hex(" "), repr(octets), *(form(text) for form in FORMS.values()))
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"." * before + octets).decode().rstrip("=")[skipped:-1]
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def _errors_in(value: object) -> Iterator[BaseException]:
    error = value if isinstance(value, BaseException) else getattr(value, "error", None)
    if isinstance(error, BaseException):
        yield error


def report(error: BaseException) -> str:
    """What rich and the standard library tell of an error and of everything behind it, with the local variables."""
    seen = Traceback.extract(type(error), error, error.__traceback__, show_locals=True, locals_max_string=1 << 20)
    behind = [one for one in (error.__cause__, error.__context__) if one is not None]
    notes = repr(getattr(error, "__notes__", ""))
    return repr(seen) + notes + raised(lambda: _raise(error)) + "".join(map(report, behind))


def _raise(error: BaseException) -> None:
    raise error


class Breakdown(Exception):
    """What a table throws that breaks down on purpose."""


class BrokenTable(Table):
    """Takes each step as it should, and then breaks down with all that it knows in its local variables."""

    def __init__(self, real: Table) -> None:
        super().__init__(real.name, real.initial)
        self.real = real

    def step(self, terms: object, state: Any, given: object) -> Step[Any]:
        """Never returns."""
        step = self.real.step(terms, state, given)
        raise Breakdown(step, given, state)


def watch(search: Search, machine: Any, fact: Any) -> None:
    """What is to be seen of a fact, of the input that it stands for, and of a machine that breaks down over it."""
    search.check(fact)
    search.check(machine._interpret(machine.state, fact))
    machine._table = BrokenTable(type(machine)._table)
    try:
        machine.handle(fact)
    except (Breakdown, TropiPayOAuthError) as error:
        search.check_error(error)
    del machine._table


def watch_step(search: Search, machine: Machine, step: Step[Any]) -> None:
    """What is to be seen of a step, of its parts, and of the machine after it."""
    state_in_url = frozenset(name for name in search.secrets if name == "state")
    for value in (*step.effects, *step.events, step.state):
        search.check(value, but=state_in_url if isinstance(value, RedirectUser) else frozenset())
    search.check(getattr(machine, "access", None))
    for effect in step.effects:
        if isinstance(effect, SendRequest):
            assert not search.found(effect.request.url)
        if isinstance(effect, RedirectUser):
            assert search.found(effect.url) <= {"state"}
    search.check(machine)
    assert not search.found(repr(step)) - state_in_url


# -- The world, with canaries in it --------------------------------------------------------------------------------


class CanaryServer(TokenServer):
    """Every token and code that it issues is a canary."""

    def __init__(self, *, asleep: bool = False) -> None:
        self.search = Search(asleep=asleep)
        super().__init__(client_secret=self.search.new("client secret"))

    def _next(self, kind: str) -> str:
        self._count += 1
        return self.search.new(f"{kind} token {self._count}")


class WatchedWorker(Worker):
    """A session and its adapter, under observation."""

    def tell(self, fact: Any) -> Step[Any]:
        """As a worker does, with a look at everything."""
        return search_of(self.server).watched(self.session, fact, super().tell)


class WatchedDrive(Drive):
    """A grant and its adapter, under observation."""

    def tell(self, fact: Any) -> Step[Any]:
        """As a drive does, with a look at everything."""
        return search_of(self.server).watched(self.grant, fact, super().tell)


def search_of(server: TokenServer) -> Search:
    assert isinstance(server, CanaryServer)
    return server.search


def credential(server: TokenServer) -> Credential:
    return Credential(client_id="the-client-id", client_secret=server.client_secret)


def client(server: CanaryServer) -> WatchedDrive:
    grant = ClientCredentialsGrant(provider=PROVIDER, credential=credential(server), scope="a b")
    return WatchedDrive(grant, server)


def refresher(server: CanaryServer) -> WatchedDrive:
    return WatchedDrive(RefreshTokenGrant(provider=PROVIDER, credential=credential(server), token=issued(server)), server)


def issued(server: TokenServer, **members: Any) -> Token:
    """A token of a user's authorization."""
    body = json.loads(server._issue(server._new_family(), START).body)
    known: dict[str, Any] = {"issued_at": START, "expiry": Expiry(at=START + 3600), "grant_type": GrantType.AUTHORIZATION_CODE}
    return Token(access_token=body["access_token"], refresh_token=body["refresh_token"], **known | members)


def flow(server: CanaryServer, redirect: str = "https://app.example/callback", **changes: Any) -> WatchedDrive:
    """A code grant whose browser is away."""
    settings: dict[str, Any] = {"provider": PROVIDER, "credential": credential(server), "redirect_uri": redirect}
    one = WatchedDrive(AuthorizationCodeGrant(**settings | changes), server)
    one.tell(facts.BeginAuthorization(entropy=seed(server.search), now=START))
    pending = pending_of(one)
    for name in ("state", "code_verifier", "handle"):
        server.search.add(name, getattr(pending, name).reveal())
    server.codes[server.search.new("code")] = one.redirect.partition("code_challenge=")[2].partition("&")[0]
    watch_step(server.search, one.grant, Step(one.grant.state, (RedirectUser(url=one.redirect),)))
    server.search.check(pending)
    return one


def seed(search: Search) -> Entropy:
    text = search.new("entropy")[:32]
    return Entropy(search.add("entropy", text).encode())


def pending_of(one: Drive) -> PendingAuthorization:
    pending = one.grant.state.pending  # type: ignore[union-attr]  # only states of a flow are asked
    assert pending is not None
    return pending


def callback(one: Drive, **changes: str | None) -> str:
    """The URL at which the browser comes back, with a canary in each parameter."""
    search = search_of(one.server)
    given = {"code": search.secrets["code"], "state": pending_of(one).state.reveal(), **changes}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items() if value is not None)
    return f"{pending_of(one).redirect_uri}?{query}"


def comes_back(one: Drive, url: str) -> None:
    one.tell(facts.CallbackReceived(url=url, now=one.now))


def worker(server: CanaryServer, *, renewal: GrantType = GrantType.CLIENT_CREDENTIALS, **policy: Any) -> WatchedWorker:
    known: dict[str, Any] = {"provider": PROVIDER, "credential": credential(server), "scope": "a b"}
    return WatchedWorker(server, MemoryStore(), Clock(), renewal=renewal, policy=SessionPolicy(**policy), **known)


def user(server: CanaryServer, **policy: Any) -> WatchedWorker:
    """A session with a user's token that is due."""
    one = worker(server, renewal=GrantType.REFRESH_TOKEN, **policy)
    one.tell(facts.AuthorizationGranted(token=issued(server), now=one.clock.now))
    one.run()
    one.clock.advance(3500)
    return one


def echoes(server: TokenServer, names: Iterable[str], form: Form, shape: str) -> Iterator[HTTPResponse]:
    """Refusals in one shape, each of which repeats one of the secrets."""
    for name in names:
        said = f"{form(search_of(server).secrets[name])} is not what it was"
        members: dict[str, object] = {
            "plain": {"error": "invalid_request", "error_description": said},
            "code": {"error": said, "error_description": said, "error_uri": said},
            "nested": {"error": {"code": said, "type": said, "message": said, "details": [said]}},
            "flat": {"error": "invalid_request", "message": said, "code": said},
            "old": {"error": {"msg": said}},
        }[shape]
        yield reply(400, members, {"X-Echo": quote(said)})


def unreadable(search: Search) -> dict[str, HTTPResponse]:
    """Replies that are worth nothing, each with secrets in it."""
    access, refresh = search.new("access token unread"), search.new("refresh token unread")
    good = {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600}
    text = json.dumps(good)
    bodies = {
        "cut off": text[:-1],
        "member twice": f'{text[:-1]}, "access_token": "{access}"}}',
        "half a character": f'{text[:-1]}, "more": "\\ud800"}}',
        "too deep": f'{text[:-1]}, "more": {"[" * 99}{"]" * 99}}}',
        "too many digits": f'{text[:-1]}, "expires_in": {"9" * 999}}}',
        "no number": f'{text[:-1]}, "more": NaN}}',
        "no object": f"[{text}]",
        "nothing": "",
        "no access token": json.dumps({"refresh_token": refresh}),
        "access token that no header carries": json.dumps(good | {"access_token": access + "\n"}),
        "access token in a list": json.dumps(good | {"access_token": [access]}),
        "refresh token with a control character": json.dumps(good | {"refresh_token": refresh + "\x07"}),
        "unknown type": json.dumps(good | {"token_type": access}),
        "no scope": json.dumps(good | {"scope": {access: refresh}}),
        "strange scope": json.dumps(good | {"scope": refresh + "\x07"}),
        "error and token": json.dumps(good | {"error": access, "error_description": refresh}),
    }
    replies = {
        name: HTTPResponse(status=200, headers={"Content-Type": "application/json"}, body=body.encode())
        for name, body in bodies.items()
    }
    octets = {
        "UTF-16": text.encode("utf-16"),
        "byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "page": f"<p>{text}</p>".encode(),
    }
    replies |= {name: HTTPResponse(status=200, body=body) for name, body in octets.items()}
    secret_headers = {
        "Set-Cookie": f"session={access}",
        "Location": f"https://as.example/?token={refresh}",
        "Content-Type": "text/html",
    }
    return replies | {
        str(status): HTTPResponse(status=status, headers=secret_headers, body=text.encode())
        for status in (199, 204, 302, 307, 400, 401, 429, 500, 503)
    }


UNREADABLE = list(unreadable(Search()))
SHAPES = ["plain", "code", "nested", "flat", "old"]
MACHINES: dict[str, Callable[[CanaryServer], WatchedDrive | WatchedWorker]] = {
    "client credentials": lambda server: called(client(server)),
    "client credentials again": lambda server: called_again(client(server)),
    "authorization code": lambda server: returned(flow(server)),
    "refresh token": lambda server: called(refresher(server)),
    "session": lambda server: asking(user(server)),
    "session of a client": lambda server: asking(worker(server)),
    "session of a client again": lambda server: asking_again(worker(server, renews_with_refresh_token=True)),
}


def called(one: WatchedDrive) -> WatchedDrive:
    """Up to its request."""
    one.tell(facts.AccessRequested(now=one.now))
    return one


def called_again(one: WatchedDrive) -> WatchedDrive:
    one.call()
    one.now += 4000
    one.tell(facts.AccessRequested(now=one.now))
    return one


def returned(one: WatchedDrive) -> WatchedDrive:
    comes_back(one, callback(one))
    return one


def asking(one: WatchedWorker) -> WatchedWorker:
    one.call()
    one.until(SendRequest)
    return one


def asking_again(one: WatchedWorker) -> WatchedWorker:
    one.token()
    one.clock.advance(4000)
    return asking(one)


def answer(one: WatchedDrive | WatchedWorker, response: HTTPResponse) -> None:
    if isinstance(one, WatchedDrive):
        one.perform(response)
        return
    effect = one.queue.pop(0)
    assert isinstance(effect, SendRequest)
    one.reply(effect, response)
    one.run()


# -- Every path ----------------------------------------------------------------------------------------------------


def up_to_the_request(name: str) -> WatchedDrive | WatchedWorker:
    """The way there is watched elsewhere."""
    one = MACHINES[name](CanaryServer(asleep=True))
    search_of(one.server).asleep = False
    return one


@pytest.mark.parametrize("name", MACHINES)
def test_the_way_of_a_token_shows_nothing(name: str) -> None:
    one = MACHINES[name](CanaryServer())
    asked = one.pending[0] if isinstance(one, WatchedDrive) else one.queue[0]
    assert isinstance(asked, SendRequest)
    search = search_of(one.server)
    assert "client secret" in search.found(asked.request.body.decode())  # where it belongs
    answer(one, one.server.handle(asked.request, START + 4000))
    if isinstance(one, WatchedDrive):
        one.call()
        one.tell(facts.TokenRejected(access_token=Secret(search.secrets["access token 2"]), now=one.now + 1))
        one.tell(facts.TimeReached(now=one.now + 9999))


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_reply_that_cannot_be_read_shows_nothing(name: str, kind: str) -> None:
    one = up_to_the_request(name)
    answer(one, unreadable(search_of(one.server))[kind])


NOT_SENT = ("entropy", "handle", "access token 2")
"""What is in no request to the token endpoint, so that its reply is not expected to hold it."""


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_repeats_what_was_sent_makes_no_error_show_it(name: str, shape: str, form: str) -> None:
    server = up_to_the_request(name).server
    sent = [known for known in search_of(server).secrets if known not in NOT_SENT]
    for response in echoes(server, sent, FORMS[form], shape):
        answer(up_to_the_request(name), response)


@pytest.mark.xfail(strict=True, reason="the token that is replaced, and the handle, are not among the secrets that are concealed")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("client credentials again", "access token 2"),
        ("authorization code", "handle"),
        ("refresh token", "access token 2"),
        ("session", "access token 2"),
        ("session of a client again", "access token 2"),
    ],
)
def test_a_server_that_repeats_what_it_knows_from_earlier_makes_no_error_show_it(name: str, known: str, shape: str) -> None:
    server = up_to_the_request(name).server
    for response in echoes(server, [known], str, shape):
        answer(up_to_the_request(name), response)


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("delivery", Delivery)
def test_no_reply_shows_nothing(name: str, delivery: Delivery) -> None:
    one = up_to_the_request(name)
    if isinstance(one, WatchedDrive):
        one.lose(delivery)
        one.call()
    else:
        one.fail_transport(delivery)
        one.run()
        one.clock.advance(200)
        one.call()
        one.run()


# -- The browser ---------------------------------------------------------------------------------------------------

LOOPBACK = "http://127.0.0.1:5000/callback"
WEB = "https://app.example/callback"
CALLBACKS: dict[str, Callable[[Drive], str]] = {
    "the right one": callback,
    "no state": lambda one: callback(one, state=None),
    "empty state": lambda one: callback(one, state=""),
    "state of another flow": lambda one: callback(one, state=search_of(one.server).new("state of another flow")),
    "nearly the state": lambda one: callback(one, state=pending_of(one).state.reveal() + "x"),
    "no code": lambda one: callback(one, code=None),
    "code with a control character": lambda one: callback(one, code=search_of(one.server).secrets["code"] + "\x07"),
    "code and error": lambda one: callback(one, error=search_of(one.server).secrets["code"]),
    "code twice": lambda one: callback(one) + f"&code={quote(search_of(one.server).secrets['code'])}",
    "bad escape": lambda one: callback(one) + "%zz",
    "control character": lambda one: callback(one) + "\x07",
    "too long": lambda one: callback(one) + "&more=" + "x" * (1 << 17),
    "too many parameters": lambda one: callback(one) + "&a=b" * 200,
    "token in the fragment": lambda one: callback(one) + "#access_token=" + search_of(one.server).new("access token of a fragment"),
    "token in the query": lambda one: callback(one, access_token=search_of(one.server).new("access token of a query")),
    "another issuer": lambda one: callback(one, iss=search_of(one.server).new("issuer")),
    "another redirect URI": lambda one: callback(one).replace("/callback", "/other/callback"),
    "no URL": lambda one: callback(one).partition("?")[2],
    "denied": lambda one: callback(one, code=None, error="access_denied", error_description="The user said no."),
}


@pytest.mark.parametrize("redirect", [WEB, LOOPBACK])
@pytest.mark.parametrize("kind", CALLBACKS)
def test_a_callback_shows_nothing_whatever_it_holds(kind: str, redirect: str) -> None:
    one = flow(CanaryServer(asleep=True), redirect)
    url = CALLBACKS[kind](one)
    search_of(one.server).asleep = False
    search_of(one.server).add("callback URL", url[len(redirect) + 1 :][:200])
    right = callback(one)
    comes_back(one, url)
    one.perform()
    comes_back(one, url)  # late, a second time
    comes_back(one, right)
    one.call()


@pytest.mark.parametrize("known", ["state", "code_verifier", "handle"])
@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_in_the_browser_that_repeats_our_secrets_makes_no_error_show_them(known: str, form: str) -> None:
    one = flow(CanaryServer(asleep=True))
    said = FORMS[form](search_of(one.server).secrets[known])
    search_of(one.server).asleep = False
    comes_back(one, callback(one, code=None, error=said, error_description=f"not {said}!", error_uri=f"https://as.example/{said}"))
    assert one.state == "Failed"


def test_a_callback_without_the_promised_issuer_shows_nothing() -> None:
    strict = attrs.evolve(PROVIDER, issuer_parameter=IssuerParameter.REQUIRED)
    one = flow(CanaryServer(), provider=strict)
    comes_back(one, callback(one))
    assert one.state == "Failed"


def test_a_callback_after_its_time_or_before_any_flow_shows_nothing() -> None:
    one = flow(CanaryServer(asleep=True))
    url = callback(one)
    search_of(one.server).asleep = False
    one.now += 601
    comes_back(one, url)
    fresh = AuthorizationCodeGrant(provider=PROVIDER, credential=credential(one.server), redirect_uri=WEB)
    comes_back(WatchedDrive(fresh, one.server), url)


def test_a_flow_that_another_process_finishes_shows_nothing() -> None:
    first = flow(CanaryServer(asleep=True))
    search = search_of(first.server)
    search.asleep = False
    written = pending_of(first).reveal_json()
    assert {"state", "code_verifier", "handle"} <= search.found(written)  # asked for by name
    pending = PendingAuthorization.from_json(written)
    search.check(pending)
    search.fails(ConfigurationError, lambda: PendingAuthorization.from_json(written[:-1]))
    other = Credential(client_id="another-client", client_secret=first.server.client_secret)
    search.fails(RecordMismatch, lambda: AuthorizationCodeGrant.resume(pending, provider=PROVIDER, credential=other))
    resumed = AuthorizationCodeGrant.resume(pending, provider=PROVIDER, credential=credential(first.server))
    second = WatchedDrive(resumed, first.server)
    comes_back(second, callback(second))
    second.perform()
    assert second.state == "Active"


# -- The session ---------------------------------------------------------------------------------------------------


def interferences(one: WatchedWorker) -> dict[str, Callable[[], object]]:
    """What may happen to a session at any moment."""
    now, access = one.clock.now, one.session.access
    held = issued(one.server).access_token if access is None else access.token.access_token
    return {
        "closed": lambda: one.tell(facts.Close(now=now)),
        "revoked": lambda: one.tell(facts.RevocationRequested(now=now)),
        "authorized anew": lambda: one.tell(facts.AuthorizationGranted(token=issued(one.server), now=now)),
        "refused by the API": lambda: one.tell(facts.TokenRejected(access_token=held, now=now)),
        "taken by the API": lambda: one.tell(facts.TokenAccepted(access_token=held, now=now)),
        "store failed": one.fail_store,
        "store failed after the deed": lambda: one.fail_store(applied=True),
        "store failed for long": lambda: fail_store_for_long(one),
        "another was first": lambda: overtake(one),
        "no reply": one.fail_transport,
        "called much later": lambda: (one.clock.advance(7200), one.call()),
    }


INTERFERENCES = list(interferences(worker(CanaryServer(asleep=True))))


def fail_store_for_long(one: WatchedWorker) -> None:
    while one.queue and not isinstance(one.queue[0], SendRequest):
        one.fail_store()


def overtake(one: WatchedWorker) -> None:
    version, _ = one.store.load(one.session.key)
    one.store.swap(one.session.key, version, Tokens(issued(one.server)))
    one.perform()


@pytest.mark.parametrize("stage", range(4))
@pytest.mark.parametrize("what", INTERFERENCES)
def test_a_session_shows_nothing_whatever_happens_at_each_stage(stage: int, what: str) -> None:
    one = user(CanaryServer(asleep=True))
    one.call()
    for _ in range(stage):
        one.perform()
    asks = isinstance(one.queue[0], SendRequest)
    if what == "no reply" and not asks or what.startswith(("store", "another")) and asks:
        pytest.skip("this stage asks for something else")
    search_of(one.server).asleep = False
    interferences(one)[what]()
    one.run()
    one.clock.advance(100)
    one.call()
    one.run()


def test_a_revocation_that_the_server_repeats_shows_nothing() -> None:
    one = user(CanaryServer(asleep=True))
    search_of(one.server).asleep = False
    one.tell(facts.RevocationRequested(now=one.clock.now))
    one.until(SendRequest)
    answer(one, next(echoes(one.server, ["refresh token 1"], str, "plain")))
    assert one.state == "Dormant"


def test_what_a_store_holds_is_shown_by_its_own_json_alone() -> None:
    one = user(CanaryServer())
    search = search_of(one.server)
    version, record = one.store.load(one.session.key)
    for value in (record, Intent(exchange="x", base=record), one.session.key, one.store, SwapRecord(expected_version=1, record=record)):  # type: ignore[arg-type]
        search.check(value)
    written = record_to_json(one.session.key, record)
    assert {"access token 2", "refresh token 1"} <= search.found(written)
    search.fails(StoreError, lambda: record_from_json(one.session.key, written[:-1]))
    search.fails(RecordMismatch, lambda: record_from_json(attrs.evolve(one.session.key, account="another"), written))
    assert record_from_json(one.session.key, written) == record and version == 1


def test_a_fact_that_does_not_fit_shows_nothing() -> None:
    one = user(CanaryServer())
    search = search_of(one.server)
    token = issued(one.server)
    for fact in (
        facts.RecordLoaded(version=1, record=Tokens(token), now=START),
        facts.BeginAuthorization(entropy=seed(search), now=START),
        facts.CallbackReceived(url=f"https://app.example/?code={search.new('code')}", now=START),
        facts.TokenRejected(access_token=token.access_token, now=float("nan")),
    ):
        search.fails(LocalProtocolError, lambda fact=fact: one.session.handle(fact))  # type: ignore[misc]  # a plain thunk


def test_settings_that_are_refused_show_nothing() -> None:
    search = Search()
    secret, token = search.new("client secret"), search.new("access token")
    known = {"issued_at": START, "grant_type": GrantType.REFRESH_TOKEN}
    attempts: list[Callable[[], object]] = [
        lambda: Credential(client_id="", client_secret=secret),
        lambda: Credential(client_id="x", client_secret=secret + "\n"),
        lambda: Token(access_token=token + "\n", **known),  # type: ignore[arg-type]  # a mapping of many types
        lambda: Token(access_token=token, issued_at=float("nan"), grant_type=GrantType.REFRESH_TOKEN),
        lambda: Entropy(secret.encode()[:31]),
        lambda: HTTPRequest(method="GET", url=f"http://api.example/?token={token}"),
        lambda: HTTPRequest(method="GET", url="https://api.example/", headers={"Authorization": f"Bearer {token}\n"}),
        lambda: RefreshTokenGrant(
            provider=PROVIDER,
            credential=Credential(client_id="x", client_secret=secret),
            token=Token(access_token=token, issued_at=START, grant_type=GrantType.REFRESH_TOKEN),
        ),
        lambda: AuthorizationCodeGrant(
            provider=PROVIDER,
            credential=Credential(client_id="x", client_secret=secret),
            redirect_uri=WEB,
            extra={"hint": f"it is {secret}"},
        ),
    ]
    for attempt in attempts:
        search.fails(ConfigurationError, attempt)


# -- The API -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 401, 403, 500])
@pytest.mark.parametrize("form", FORMS)
def test_a_reply_of_the_api_that_repeats_the_token_shows_nothing(status: int, form: str) -> None:
    one = worker(CanaryServer(asleep=True))
    token, search = one.token(), search_of(one.server)
    access = one.session.access
    assert access is not None
    search.check(access)
    request = access.authorize(HTTPRequest(method="GET", url="https://as.example/api"), START)
    assert "access token 2" in search.found(str(request.headers.get("Authorization")))  # where it belongs
    search.check(request)
    said = quote(FORMS[form](token.access_token.reveal()), safe="%+=/")
    challenge = f'Bearer realm="{said}", error="invalid_token", error_description="{said}", scope="{said}"'
    for shape in SHAPES:
        body = next(echoes(one.server, ["access token 2"], FORMS[form], shape)).body
        for headers in ({}, {"WWW-Authenticate": challenge}):
            response = HTTPResponse(status=status, headers={"Content-Type": "application/json", **headers}, body=body)
            verdict = access.judge(request, response, now=START)
            for value in (response, verdict, verdict.error, *verdict.facts, *verdict.events):
                search.check(value)


def test_a_token_that_may_not_be_presented_is_not_shown_by_the_refusal() -> None:
    one = worker(CanaryServer(asleep=True))
    one.token()
    access, search = one.session.access, search_of(one.server)
    assert access is not None
    elsewhere = HTTPRequest(method="GET", url="https://evil.example/")
    twice = HTTPRequest(method="GET", url="https://as.example/", headers={"Authorization": f"Bearer {search.new('another')}"})
    search.fails(ResourceNotAllowed, lambda: access.authorize(elsewhere, START))
    search.fails(ConfigurationError, lambda: access.authorize(twice, START))
    search.fails(AccessEnded, lambda: access.bearer("https://as.example/", START + 9999))


# -- The search itself ---------------------------------------------------------------------------------------------


@attrs.frozen
class Careless:
    """A value that holds a secret in the open."""

    text: str


@attrs.frozen(repr=False)
class HalfCareful:
    """Hidden in repr, and in nothing else."""

    text: str

    def __repr__(self) -> str:
        return "HalfCareful(hidden)"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [str, Careless, HalfCareful, ValueError, lambda text: {"deep": [(text,)]}])
def test_the_search_finds_a_secret_in_the_open(kind: Callable[[str], object], form: str) -> None:
    search = Search()
    secret = search.new("client secret")
    with pytest.raises(AssertionError, match="shows"):
        search.check(kind(FORMS[form](secret)))
    search.check(kind("nothing of interest"))


@pytest.mark.parametrize("at", range(0, 40, 4))
def test_the_search_finds_eight_characters(at: int) -> None:
    search = Search()
    secret = search.new("access token")
    assert search.found(f"it was {secret[at : at + 8]}, I think") == {"access token"}
    assert not search.found(f"it was {secret[at : at + 7]}, I think")


def test_the_search_finds_what_only_an_error_report_shows() -> None:
    search = Search()
    secret = search.new("code")

    def local() -> None:
        held = [secret]
        raise ValueError(f"{len(held)} went wrong")

    def cause() -> None:
        error = ValueError("went wrong")
        error.__cause__ = KeyError(secret)
        raise error

    def note() -> None:
        error = ValueError("went wrong")
        error.add_note(f"it was {secret}")
        raise error

    for careless in (local, cause, note):
        with pytest.raises(AssertionError, match="shows"):
            search.fails((ValueError), careless)


def test_the_search_finds_a_secret_in_a_url_and_in_a_local_variable_of_a_machine() -> None:
    one = client(CanaryServer(asleep=True))
    search = search_of(one.server)
    state = one.grant.state
    leak = f"https://as.example/?secret={quote(search.secrets['client secret'])}"
    with pytest.raises(AssertionError, match="shows"):
        watch_step(search, one.grant, Step(state, (RedirectUser(url=leak),)))
    one.grant._terms = Careless(search.secrets["client secret"])  # type: ignore[assignment]  # a planted mistake
    with pytest.raises(AssertionError, match="shows"):
        watch(search, one.grant, facts.TimeReached(now=START))
