"""No secret shows, whatever happens: canaries in every secret field, driven through every path, searched for in all that
an incautious program could print, log, dump or report. What may carry a secret is asked for by name: a request's body and
headers, `reveal()`, and the `state` in the URL that the browser is sent to.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import attrs
import pytest

from tests.law.test_grants import Drive
from tests.model.canaries import FORMS, CanaryServer, Form, Search, WatchedDrive, WatchedWorker, search_of, watch, watch_step
from tests.model.pair import START, Clock
from tests.model.server import TokenServer, reply
from tropipay_oauth import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    Credential,
    Delivery,
    Entropy,
    Expiry,
    GrantType,
    HTTPRequest,
    HTTPResponse,
    IssuerParameter,
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
from tropipay_oauth.effects import RedirectUser, SendRequest, SwapRecord
from tropipay_oauth.errors import (
    AccessEnded,
    ConfigurationError,
    LocalProtocolError,
    RecordMismatch,
    ResourceNotAllowed,
    StoreError,
)
from tropipay_oauth.records import Intent, Tokens, record_from_json, record_to_json

PROVIDER = attrs.evolve(Provider.for_server("https://as.example"), revocation_endpoint="https://as.example/revoke")


# -- The world, with canaries in it ----


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
    given = {"code": search.secrets["code"], "state": pending_of(one).state.reveal(), "trace": search.new("URL"), **changes}
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
        shapes: dict[str, dict[str, object]] = {
            "plain": {"error": "invalid_request", "error_description": said},
            "code": {"error": said, "error_description": said, "error_uri": said},
            "nested": {"error": {"code": said, "type": said, "message": said, "details": [said]}},
            "flat": {"error": "invalid_request", "message": said, "code": said},
            "old": {"error": {"msg": said}},
        }
        yield reply(400, shapes[shape], {"X-Echo": quote(said)})


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


NOT_SENT = ("entropy", "handle", "URL", "access token 2")
"""What is in no request to the token endpoint, so that its reply is not expected to hold it."""


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_repeats_what_was_sent_makes_no_error_show_it(name: str, shape: str, form: str) -> None:
    server = up_to_the_request(name).server
    sent = [known for known in search_of(server).secrets if known not in NOT_SENT]
    for response in echoes(server, sent, FORMS[form], shape):
        answer(up_to_the_request(name), response)


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
    "token in the fragment": lambda one: (
        callback(one) + "#access_token=" + search_of(one.server).new("access token of a fragment")
    ),
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
    comes_back(
        one, callback(one, code=None, error=said, error_description=f"not {said}!", error_uri=f"https://as.example/{said}")
    )
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
        "called much later": lambda: call_later(one),
    }


INTERFERENCES = list(interferences(worker(CanaryServer(asleep=True))))


def call_later(one: WatchedWorker) -> None:
    one.clock.advance(7200)
    one.call()


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
    if asks if what.startswith(("store", "another")) else (what == "no reply" and not asks):
        return  # at this stage something else is asked for
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
    assert isinstance(record, Tokens)
    intent, swap = Intent(exchange="x", base=record), SwapRecord(expected_version=1, record=record)
    for value in (record, intent, swap, one.session.key, one.store):
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
        search.fails(LocalProtocolError, partial(one.session.handle, fact))


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
    ]
    for attempt in attempts:
        search.fails(ConfigurationError, attempt)


def test_an_extra_parameter_that_is_refused_for_its_secret_does_not_show_it() -> None:
    search = Search()
    known = Credential(client_id="x", client_secret=search.new("client secret"))
    extra = {"hint": f"it is {search.secrets['client secret']}"}
    begin = partial(AuthorizationCodeGrant, provider=PROVIDER, credential=known, redirect_uri=WEB, extra=extra)
    search.fails(ConfigurationError, begin)


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
        with pytest.raises(ValueError, match="went wrong") as caught:
            careless()
        with pytest.raises(AssertionError, match="shows"):
            search.check_error(caught.value)


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
