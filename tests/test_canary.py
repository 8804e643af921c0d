"""No secret shows, whatever happens: canaries in every secret field, driven through every path, searched for in all that
an incautious program could print, log, dump or report. What may carry a secret is asked for by name: a request's body and
headers, `reveal()`, and the `state` in the URL that the browser is sent to.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
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
    Entropy,
    Expiry,
    GrantType,
    HTTPResponse,
    MemoryStore,
    PendingAuthorization,
    Provider,
    RefreshTokenGrant,
    SessionPolicy,
    Step,
    Token,
    facts,
)
from tropipay_oauth._law.machine import Machine, Table
from tropipay_oauth.effects import RedirectUser, SendRequest
from tropipay_oauth.errors import TropiPayOAuthError

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

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.pieces: dict[str, str] = {}
        self.asleep = False

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
        return {
            self.pieces[piece] for piece in {text[at : at + SLICE] for at in range(len(text) - SLICE + 1)} & self.pieces.keys()
        }

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

    def __init__(self, search: Search) -> None:
        super().__init__(client_secret=search.new("client secret"))
        self.search = search

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


def worker(*, renewal: GrantType = GrantType.CLIENT_CREDENTIALS, policy: SessionPolicy | None = None) -> WatchedWorker:
    server = CanaryServer(Search())
    made = {"provider": PROVIDER, "credential": credential(server), "renewal": renewal, "policy": policy, "scope": "a b"}
    return WatchedWorker(server, MemoryStore(), Clock(), **made)  # type: ignore[arg-type]  # a mapping of many types


def user(policy: SessionPolicy | None = None) -> WatchedWorker:
    """A session with a user's token that is due."""
    one = worker(renewal=GrantType.REFRESH_TOKEN, policy=policy)
    one.tell(facts.AuthorizationGranted(token=issued(one.server), now=one.clock.now))
    one.run()
    one.clock.advance(3500)
    return one


def echo(server: TokenServer, form: Form, shape: str) -> Iterator[HTTPResponse]:
    """Refusals in one shape, each of which repeats one of the secrets that the server may know."""
    for name, text in search_of(server).secrets.items():
        said = f"{form(text)} is not what it was"
        members: dict[str, object] = {
            "plain": {"error": "invalid_request", "error_description": said},
            "code": {"error": said, "error_description": said, "error_uri": said},
            "nested": {"error": {"code": said, "type": said, "message": said, "details": [said]}},
            "flat": {"error": "invalid_request", "message": said, "code": said},
            "old": {"error": {"msg": said}},
        }[shape]
        yield reply(400, members, {"X-Echo": quote(said), "WWW-Authenticate": f'Bearer error="{quote(name)}"'})


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
MACHINES: dict[str, Callable[[], WatchedDrive | WatchedWorker]] = {
    "client credentials": lambda: called(client(CanaryServer(Search()))),
    "client credentials again": lambda: called_again(client(CanaryServer(Search()))),
    "authorization code": lambda: returned(flow(CanaryServer(Search()))),
    "refresh token": lambda: called(refresher(CanaryServer(Search()))),
    "session": lambda: asking(user()),
    "session of a client": lambda: asking(worker(policy=SessionPolicy(renews_with_refresh_token=True))),
    "session of a client again": lambda: asking_again(worker(policy=SessionPolicy(renews_with_refresh_token=True))),
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
    search_of(one.server).asleep = False
    if isinstance(one, WatchedDrive):
        one.perform(response)
        return
    effect = one.queue.pop(0)
    assert isinstance(effect, SendRequest)
    one.reply(effect, response)
    one.run()


# -- Every path ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_reply_that_cannot_be_read_shows_nothing(name: str, kind: str) -> None:
    one = MACHINES[name]()
    answer(one, unreadable(search_of(one.server))[kind])
