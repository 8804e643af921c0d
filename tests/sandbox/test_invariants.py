"""What holds whatever anybody sends, in any order."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from tests.sandbox.driver import CALLBACK, FORM, ORIGIN, START, TOKEN, VERIFIER, Driver, members, query, s256
from tropipay_oauth import HTTPRequest, HTTPResponse, TransportError
from tropipay_oauth.sandbox import Behaviour, RegisteredClient
from tropipay_oauth.sandbox._routes import ROUTES

SECRET_MEMBERS = re.compile(rb'"(?:access_token|refresh_token|client_secret)"')

paths = st.sampled_from(sorted(ROUTES)) | st.text("/.abc%2v3", max_size=20).map(lambda text: "/" + text)
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#\\"), max_size=60)
words = st.sampled_from(
    [
        *("grant_type", "client_credentials", "refresh_token", "authorization_code", "code", "client_id", "client_secret"),
        *(
            "scope",
            "state",
            "redirect_uri",
            "response_type",
            "form_token",
            "decision",
            "approve",
            "token",
            "reference",
            "",
            "null",
        ),
        *(
            "code_challenge",
            "code_challenge_method",
            "S256",
            "software_statement",
            "redirect_uris",
            "client_name",
            "status",
            CALLBACK,
        ),
    ]
)
texts = words | st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
queries = visible | st.lists(st.tuples(texts, texts), max_size=8).map(lambda pairs: urlencode(pairs, errors="surrogatepass"))


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


bodies = (
    st.binary(max_size=60)
    | queries.map(str.encode)
    | json_values.map(as_json)
    | st.dictionaries(words, json_values, max_size=8).map(as_json)
)
headers = st.lists(
    st.tuples(
        st.sampled_from(["Content-Type", "Content-Type"]), st.sampled_from([FORM, "application/json", "application/json;x", ""])
    )
    | st.tuples(st.just("Authorization"), st.sampled_from(["Bearer x", "Bearer", "Basic YTpi", "Basic ", "Basic !!", "Digest"]))
    | st.tuples(st.sampled_from(["Authorization", "X-Any", "Sec-Fetch-Site"]), st.text("\t ~:=,Bearer", max_size=30)),
    max_size=4,
)


@st.composite
def requests(draw: st.DrawFn) -> HTTPRequest:
    """Any request that a transport could bring."""
    url = ORIGIN + quote(draw(paths), safe="/.%")
    asked = draw(queries)
    return HTTPRequest(
        method=draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "BREW"])),
        url=f"{url}?{asked}" if asked else url,
        headers=draw(headers),
        body=draw(bodies),
    )


def check(response: HTTPResponse) -> None:
    """What every response must be."""
    for name, value in response.headers:
        assert not re.search(r"[\x00-\x1f\x7f]", name + value)
    if SECRET_MEMBERS.search(response.body):  # RFC6749-5.1-07
        assert response.headers.get("Cache-Control") == "no-store"
        assert response.headers.get("Pragma") == "no-cache"
    location = response.headers.get("Location")
    if location is not None:
        assert response.status == 303
        assert re.match(r"http://127\.0\.0\.1(:[0-9]+)?/callback\?", location)


@given(requests(), st.booleans(), st.booleans())
@settings(max_examples=400)
def test_any_request_is_answered(request: HTTPRequest, with_token: bool, known: bool) -> None:
    driver = Driver()
    if with_token and "Authorization" not in request.headers:
        request = request.with_header("Authorization", f"Bearer {driver.service()['access_token']}")
    if known:
        request = HTTPRequest(
            method=request.method,
            url=f"{request.url}{'&' if '?' in request.url else '?'}client_id={driver.client_id}",
            headers=request.headers,
            body=request.body,
        )
    check(driver.sandbox.handle(request, START))


@given(st.data())
@settings(max_examples=200)
def test_any_behaviour_answers_the_whole_flow(data: st.DataObject) -> None:
    described = [one for one in Behaviour.describe()[1:] if one.choices]
    chosen = data.draw(st.dictionaries(st.sampled_from([one.name for one in described]), st.integers(0, 99), max_size=6))
    choices = {one.name: one.choices for one in described}
    written = [f"{name}={choices[name][number % len(choices[name])]}" for name, number in chosen.items()]
    driver = Driver(Behaviour.parse(written), redirect_uris=[CALLBACK])
    quietly(lambda: driver.token("client_credentials"))
    for path in ("/api/v2/users/profile", "/api/v3/users/balance"):
        quietly(lambda path=path: driver.get(path, "unknown"))
    callback = driver.sandbox.approve(driver.authorize_url(), driver.now)
    assert callback.startswith(f"{CALLBACK}?")
    quietly(lambda: driver.exchange(dict(parse_qsl(callback.partition("?")[2])).get("code", "none")))


def quietly(call: Any) -> HTTPResponse | None:
    try:
        found = call()
    except TransportError:
        return None
    assert isinstance(found, HTTPResponse)
    return found


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_nothing_of_an_authorization_request_gets_out_of_its_place(
    state: str, redirect_uri: str, scope: str
) -> None:  # RFC6749-10.14-02, RFC6749-3.1.2.4-01
    driver = Driver()
    changes = {"state": state.encode("utf-8", "replace").decode(), "scope": scope.encode("utf-8", "replace").decode()}
    response = driver.ask(**changes)
    check(response)
    if changes["state"] and response.status == 303:
        assert query(response.headers.get("Location") or "")["state"] == changes["state"]
    strange = driver.ask(redirect_uri=redirect_uri.encode("utf-8", "replace").decode() or "x")
    assert "Location" not in strange.headers


class Flows(RuleBasedStateMachine):
    """Two confidential clients and a public one, doing anything with each other's codes and tokens."""

    codes = Bundle("codes")
    refresh_tokens = Bundle("refresh_tokens")
    access_tokens = Bundle("access_tokens")
    clients = st.integers(0, 2)

    @initialize(rotation=st.sampled_from(["rotate", "keep", "omit"]), reuse_detection=st.booleans())
    def begin(self, rotation: Any, reuse_detection: bool) -> None:
        self.driver = Driver(Behaviour(refresh_rotation=rotation, reuse_detection=reuse_detection, lifetime=50.0))
        register = self.driver.sandbox.register
        self.registered: list[RegisteredClient] = [
            register(client_name="One", redirect_uris=[CALLBACK]),
            register(client_name="Two", redirect_uris=[CALLBACK]),
            register(client_name="App", redirect_uris=[CALLBACK], public=True),
        ]
        self.exchanged: dict[str, int] = {}
        self.owner: dict[str, int] = {}
        self.revoked: set[str] = set()

    @rule(target=codes, client=clients, verifier=st.sampled_from([VERIFIER, "w" * 43]))
    def authorize(self, client: int, verifier: str) -> tuple[str, str]:
        code = self.driver.code(client_id=self.registered[client].client_id, code_challenge=s256(verifier))
        self.owner[code] = client
        return code, verifier

    @rule(target=refresh_tokens, code=codes, client=clients, right=st.booleans(), place=st.booleans())
    def exchange(self, code: tuple[str, str], client: int, right: bool, place: bool) -> str:
        verifier = code[1] if right else "x" * 43
        redirect_uri = CALLBACK if place else "http://127.0.0.1:5001/callback"
        response = self.driver.exchange(
            code[0], client=self.registered[client], code_verifier=verifier, redirect_uri=redirect_uri
        )
        check(response)
        if response.status != 200:
            assert members(response)["error"] == "invalid_grant"
            return "nothing"
        assert right
        assert place
        assert self.owner[code[0]] == client
        self.exchanged[code[0]] = self.exchanged.get(code[0], 0) + 1
        return self.keep(response, client)

    @rule(target=refresh_tokens, client=clients, token=refresh_tokens)
    def refresh(self, client: int, token: str) -> str:
        response = self.driver.refresh(token, client=self.registered[client])
        check(response)
        if response.status != 200:
            assert members(response)["error"] == "invalid_grant"
            return "nothing"
        assert self.owner[token] == client
        assert token not in self.revoked
        return self.keep(response, client)

    def keep(self, response: HTTPResponse, client: int) -> str:
        body = members(response)
        assert self.driver.alive(body["access_token"])
        token = str(body.get("refresh_token", "nothing"))
        self.owner[token] = client if token != "nothing" else -1
        return token

    @rule(client=clients, token=consumes(refresh_tokens))
    def revoke(self, client: int, token: str) -> None:
        whose = self.registered[client]
        response = self.driver.json("/api/v2/access/revoke", self.driver.credentials(whose) | {"token": token})
        if token != "nothing" and self.owner[token] == client:
            assert response.status == 200
            self.revoked.add(token)
            assert self.driver.refresh(token, client=whose).status == 400

    @rule(seconds=st.sampled_from([1.0, 59.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.driver.now += seconds

    @invariant()
    def a_code_is_exchanged_at_most_once(self) -> None:  # RFC6749-10.5-01, RFC6749-10.4-02
        assert all(times == 1 for times in getattr(self, "exchanged", {}).values())


TestFlows = Flows.TestCase
TestFlows.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_every_route_answers_a_bare_request(driver: Driver, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        response = driver.send(method, path.replace("{client_id}", "x"))
        check(response)
        assert response.status in (200, 400, 401, 405)


def test_a_token_request_of_any_size_is_answered(driver: Driver) -> None:
    for size in (0, 1, 1 << 20, (1 << 20) + 1, 5 << 20):
        response = driver.send("POST", TOKEN, {"Content-Type": "application/json"}, b"{" * size)
        assert response.status == 400
