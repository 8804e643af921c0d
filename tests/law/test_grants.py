"""The three grants, each as a pair of machines: ours and a server model, with the wire in the test's hand."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from tests.model.pair import CREDENTIAL, PROVIDER, START, entropy
from tests.model.server import TokenServer, refusal, reply
from tropipay_oauth import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    Credential,
    Delivery,
    HTTPResponse,
    PendingAuthorization,
    Provider,
    RefreshTokenGrant,
    Step,
    Token,
    facts,
    states,
)
from tropipay_oauth.effects import RedirectUser, RefuseCallers, ReleaseCallers, SendRequest
from tropipay_oauth.errors import (
    AuthorizationRefused,
    ConfigurationError,
    IssuerMismatch,
    IssuerMissing,
    LocalProtocolError,
    MalformedCallback,
    OAuthError,
    ReauthorizationRequired,
    RecordMismatch,
    RedirectMismatch,
    RemoteProtocolError,
    ServerUnavailable,
    StateExpired,
    StateMismatch,
    StateMissing,
    StateReplayed,
    StateUnknown,
    TokenAlreadyExpired,
    TokenInDoubt,
    TransportError,
    TropiPayOAuthError,
)

CALLBACK = "https://app.example/callback"
Grant = ClientCredentialsGrant | AuthorizationCodeGrant | RefreshTokenGrant


class Drive:
    """An adapter of a few lines: it performs what it is asked to and notes the answers."""

    def __init__(self, grant: Grant, server: TokenServer | None = None) -> None:
        self.grant = grant
        self.server = server or TokenServer()
        self.now = START
        self.steps: list[str] = []
        self.pending: list[SendRequest] = []
        self.answer: Token | TropiPayOAuthError | None = None
        self.redirect = ""

    def tell(self, fact: Any) -> Step[Any]:
        step = self.grant.handle(fact)
        self.steps += [event.step for event in step.events if event.step != "note"]
        for effect in step.effects:
            match effect:
                case SendRequest():
                    self.pending.append(effect)
                case ReleaseCallers(token=token):
                    self.answer = token
                case RefuseCallers(error=error):
                    self.answer = error
                case RedirectUser(url=url):
                    self.redirect = url
        return step

    def call(self) -> Any:
        self.answer = None
        self.tell(facts.AccessRequested(now=self.now))
        self.perform()
        return self.answer

    def perform(self, response: HTTPResponse | None = None) -> None:
        while self.pending:
            effect = self.pending.pop()
            got = response or self.server.handle(effect.request, self.now)
            self.tell(facts.ResponseReceived(exchange=effect.exchange, response=got, now=self.now))

    def lose(self, delivery: Delivery, *, arrived: bool = False) -> None:
        effect = self.pending.pop()
        if arrived:
            self.server.handle(effect.request, self.now)
        self.tell(facts.TransportFailed(exchange=effect.exchange, delivery=delivery, now=self.now))

    @property
    def state(self) -> str:
        return type(self.grant.state).__name__


# -- Client credentials --------------------------------------------------------------------------------------------


def client() -> Drive:
    return Drive(ClientCredentialsGrant(provider=PROVIDER, credential=CREDENTIAL, scope="a b"))


def test_client_credentials_from_request_to_refresh() -> None:
    one = client()
    first = one.call()
    assert isinstance(first, Token) and one.state == "Active"
    assert one.server.requests[0] == {
        "grant_type": "client_credentials",
        "client_id": "the-client-id",
        "client_secret": "the-client-secret",
        "scope": "a b",
    }
    assert one.call() == first
    assert one.grant.wake_at == START + 3600
    one.now = START + 3600
    one.tell(facts.TimeReached(now=one.now))
    assert one.state == "Expired"
    second = one.call()
    assert isinstance(second, Token) and second != first
    assert one.steps == ["request", "grant", "token", "expiry", "grant", "refresh"]


def test_a_caller_meanwhile_waits_for_the_same_reply() -> None:
    one = client()
    one.tell(facts.AccessRequested(now=START))
    one.tell(facts.AccessRequested(now=START))
    assert len(one.pending) == 1
    one.perform()
    assert len(one.server.requests) == 1


def test_a_refused_token_is_replaced_and_an_older_ones_refusal_is_not_heeded() -> None:
    one = client()
    first = one.call()
    one.tell(facts.TokenAccepted(access_token=first.access_token, now=START))
    one.tell(facts.TokenRejected(access_token=first.access_token, now=START))
    second = one.call()
    one.tell(facts.TokenRejected(access_token=first.access_token, now=START))
    assert one.call() == second


def test_a_busy_server_is_answered_from_memory_until_it_may_be_asked_again() -> None:
    one = client()
    one.server.scripted.append(lambda request, now: HTTPResponse(status=503, headers={"Retry-After": "9"}))
    error = one.call()
    assert isinstance(error, ServerUnavailable) and error.retry_after == 9
    assert one.call() == error and len(one.server.requests) == 1
    one.now += 9
    assert isinstance(one.call(), Token)


@pytest.mark.parametrize("delivery", list(Delivery))
def test_client_credentials_may_be_presented_again_after_any_failure(delivery: Delivery) -> None:
    one = client()
    one.tell(facts.AccessRequested(now=START))
    one.lose(delivery)
    assert isinstance(one.answer, TransportError) and one.answer.delivery is delivery
    one.now += 1
    assert isinstance(one.call(), Token)


def test_a_refusal_is_final_and_costs_one_request() -> None:
    one = Drive(ClientCredentialsGrant(provider=PROVIDER, credential=Credential(client_id="x", client_secret="wrong")))
    error = one.call()
    assert isinstance(error, OAuthError) and (error.error, error.status) == ("invalid_client", 400)
    assert "Credential not found" in str(error)
    assert one.call() == error and len(one.server.requests) == 1 and one.state == "Failed"


def test_a_token_dead_on_arrival_is_given_to_nobody() -> None:
    one = client()
    one.server.lifetime = -1
    assert isinstance(one.call(), TokenAlreadyExpired)
    assert one.state == "Expired"
    one.server.lifetime = 100
    assert isinstance(one.call(), Token)


def test_a_token_without_known_end_is_used_until_it_is_refused() -> None:
    one = client()
    one.server.scripted.append(lambda request, now: reply(200, {"access_token": "a", "token_type": "Bearer"}))
    token = one.call()
    assert isinstance(token, Token) and one.grant.wake_at is None
    one.now += 10**9
    assert one.call() == token


def test_a_late_reply_and_a_foreign_one_are_dropped() -> None:
    one = client()
    one.tell(facts.AccessRequested(now=START))
    asked = one.pending[0]
    one.perform()
    state = one.grant.state
    for exchange in (asked.exchange, "somebody-else"):
        one.tell(facts.ResponseReceived(exchange=exchange, response=refusal("invalid_client"), now=START))
    assert one.grant.state is state


def test_a_public_client_has_no_client_credentials() -> None:
    with pytest.raises(ConfigurationError, match="client_secret"):
        ClientCredentialsGrant(provider=PROVIDER, credential=Credential(client_id="x"))
    public = attrs.evolve(PROVIDER, client_authentication="none")
    with pytest.raises(ConfigurationError, match="confidential"):
        ClientCredentialsGrant(provider=public, credential=Credential(client_id="x"))


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), 3600])
def test_a_timeout_out_of_range_is_refused(timeout: float) -> None:
    with pytest.raises(ConfigurationError, match="seconds"):
        ClientCredentialsGrant(provider=PROVIDER, credential=CREDENTIAL, timeout=timeout)


# -- Authorization code --------------------------------------------------------------------------------------------


def code_grant(**changes: Any) -> AuthorizationCodeGrant:
    changes.setdefault("redirect_uri", CALLBACK)
    settings: dict[str, Any] = {"provider": PROVIDER, "credential": CREDENTIAL, "scope": "a b"}
    return AuthorizationCodeGrant(**settings | changes)


def begun(number: int = 1, **changes: Any) -> Drive:
    one = Drive(code_grant(**changes))
    one.tell(facts.BeginAuthorization(entropy=entropy(number), now=START))
    return one


def sent(one: Drive) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(one.redirect).query).items()}


def approve(one: Drive, **changes: str | None) -> str:
    members = {"code": one.server.new_code(sent(one)["code_challenge"]), "state": sent(one)["state"]} | changes
    query = "&".join(f"{name}={value}" for name, value in members.items() if value is not None)
    return f"{sent(one)['redirect_uri']}?{query}"


def back(one: Drive, url: str) -> Any:
    one.answer = None
    one.tell(facts.CallbackReceived(url=url, now=one.now))
    one.perform()
    return one.answer


def test_authorization_code_from_request_to_expiry() -> None:
    one = begun()
    assert one.redirect.startswith("https://as.example/api/v2/access/authorize?response_type=code&client_id=the-client-id&")
    assert sent(one)["code_challenge_method"] == "S256" and sent(one)["scope"] == "a b"
    token = back(one, approve(one))
    assert isinstance(token, Token) and one.state == "Active"
    assert one.server.requests[0]["redirect_uri"] == CALLBACK
    assert one.call() == token
    one.now += 3600
    assert isinstance(one.call(), ReauthorizationRequired)
    assert one.steps == ["request", "grant", "token", "expiry"]


def test_another_process_finishes_what_one_began() -> None:
    one = begun()
    assert isinstance(one.grant.state, states.AwaitingCallback)
    kept = one.grant.state.pending.reveal_json()
    pending = PendingAuthorization.from_json(kept)
    two = Drive(AuthorizationCodeGrant.resume(pending, provider=PROVIDER, credential=CREDENTIAL), one.server)
    two.redirect = one.redirect
    assert isinstance(back(two, approve(one)), Token)


def test_a_flow_is_not_finished_with_another_provider_or_client() -> None:
    one = begun()
    assert isinstance(one.grant.state, states.AwaitingCallback)
    pending = one.grant.state.pending
    with pytest.raises(RecordMismatch):
        AuthorizationCodeGrant.resume(pending, provider=Provider.for_server("https://evil.example"), credential=CREDENTIAL)
    with pytest.raises(RecordMismatch):
        AuthorizationCodeGrant.resume(pending, provider=PROVIDER, credential=Credential(client_id="other", client_secret="x"))


def test_the_code_goes_where_the_flow_was_begun_even_if_the_configuration_changed() -> None:
    one = begun()
    assert isinstance(one.grant.state, states.AwaitingCallback)
    moved = attrs.evolve(PROVIDER, user_token_endpoint="https://elsewhere.example/token")
    two = Drive(AuthorizationCodeGrant.resume(one.grant.state.pending, provider=moved, credential=CREDENTIAL), one.server)
    two.tell(facts.CallbackReceived(url=approve(one), now=START))
    assert two.pending[0].request.url == "https://as.example/api/v2/access/token"


WRONG = [
    ({"state": None}, StateMissing),
    ({"state": "guessed"}, StateMismatch),
    ({"error": "access_denied"}, MalformedCallback),
    ({"code": None}, MalformedCallback),
    ({"code": "caf%C3%A9"}, MalformedCallback),
    ({"code": "%GG"}, MalformedCallback),
    ({"iss": "https://evil.example"}, IssuerMismatch),
    ({"access_token": "x"}, MalformedCallback),
]


@pytest.mark.parametrize(("changes", "error"), WRONG)
def test_a_wrong_callback_ends_a_web_flow_and_nothing_is_exchanged(
    changes: dict[str, str | None], error: type[TropiPayOAuthError]
) -> None:
    one = begun()
    assert type(back(one, approve(one, **changes))) is error
    assert one.state == "Failed" and one.server.requests == []
    assert isinstance(one.call(), error)


@pytest.mark.parametrize(("changes", "error"), WRONG)
def test_at_a_loopback_listener_it_leaves_the_flow_waiting(
    changes: dict[str, str | None], error: type[TropiPayOAuthError]
) -> None:
    one = begun(redirect_uri="http://127.0.0.1:5000/callback")
    assert back(one, approve(one, **changes)) is None
    assert one.state == "AwaitingCallback" and one.server.requests == []
    assert isinstance(back(one, approve(one)), Token)


def test_whose_callback_it_is_can_be_chosen() -> None:
    web = begun(redirect_uri="http://127.0.0.1:5000/callback", ignores_strays=False)
    assert isinstance(back(web, approve(web, state="x")), StateMismatch)


@pytest.mark.parametrize("url", ["https://app.example/other", "https://evil.example/callback", "http://app.example/callback"])
def test_a_callback_at_another_place_is_refused(url: str) -> None:
    one = begun()
    assert isinstance(back(one, approve(one).replace(CALLBACK, url)), RedirectMismatch)


def test_the_user_may_say_no() -> None:
    one = begun()
    error = back(one, approve(one, code=None, error="access_denied", error_description="No+thanks"))
    assert isinstance(error, AuthorizationRefused) and error.error == "access_denied"
    assert one.state == "Failed" and one.server.requests == []


def test_a_no_from_another_issuer_is_not_attributed_to_ours() -> None:
    one = begun()
    answer = back(one, approve(one, code=None, error="access_denied", iss="https://evil.example"))
    assert isinstance(answer, IssuerMismatch)


def test_a_promised_issuer_must_come() -> None:
    promising = attrs.evolve(PROVIDER, issuer_parameter="required")
    one = begun(provider=promising)
    assert isinstance(back(one, approve(one)), IssuerMissing)
    two = begun(provider=promising)
    assert isinstance(back(two, approve(two, iss="https://as.example")), Token)


def test_a_callback_without_a_flow_is_unknown() -> None:
    one = Drive(code_grant())
    assert isinstance(back(one, f"{CALLBACK}?code=x&state=y"), StateUnknown)
    assert one.state == "Ready"
    assert isinstance(one.call(), ReauthorizationRequired)


def test_a_code_is_used_once() -> None:
    one = begun()
    url = approve(one)
    one.tell(facts.CallbackReceived(url=url, now=START))
    one.tell(facts.CallbackReceived(url=url, now=START))
    one.tell(facts.CallbackReceived(url=url.replace("state=", "state=x"), now=START))
    assert len(one.pending) == 1
    one.perform()
    assert isinstance(one.answer, Token)
    assert isinstance(back(one, url), StateReplayed)
    assert isinstance(back(one, url.replace("state=", "state=x")), StateMismatch)
    assert isinstance(back(one, approve(one, code=None, error="access_denied")), StateReplayed)
    assert len(one.server.requests) == 1


def test_a_flow_has_its_time() -> None:
    one = begun(lifetime=60)
    assert one.grant.wake_at == START + 60
    one.tell(facts.TimeReached(now=START + 59))
    assert one.state == "AwaitingCallback"
    one.now = START + 61
    assert isinstance(back(one, approve(one)), StateExpired)
    one.now = START + 59  # even if a clock runs backwards
    assert isinstance(back(one, approve(one)), StateExpired)


@pytest.mark.parametrize("arrived", [False, True])
def test_a_code_is_not_sent_again_once_it_may_have_arrived(arrived: bool) -> None:
    one = begun()
    one.tell(facts.CallbackReceived(url=approve(one), now=START))
    assert one.pending[0].request.fresh_connection and not one.pending[0].request.replayable
    one.lose(Delivery.AMBIGUOUS, arrived=arrived)
    assert isinstance(one.answer, TokenInDoubt) and one.state == "GrantInDoubt"
    assert isinstance(one.call(), TokenInDoubt)
    assert len(one.server.requests) == arrived


def test_a_code_that_did_not_leave_is_sent_again() -> None:
    one = begun()
    one.tell(facts.CallbackReceived(url=approve(one), now=START))
    one.lose(Delivery.NOT_SENT)
    one.now += 1
    assert isinstance(one.call(), Token)


@pytest.mark.parametrize(
    "response",
    [
        HTTPResponse(status=200, headers={"Content-Type": "text/html"}, body=b"<html>"),
        HTTPResponse(status=200, body=b'{"access_token": "trunc'),
        HTTPResponse(status=204),
        HTTPResponse(status=500),
    ],
)
def test_an_unreadable_reply_to_a_code_is_a_doubt(response: HTTPResponse) -> None:
    one = begun()
    one.tell(facts.CallbackReceived(url=approve(one), now=START))
    one.perform(response)
    assert isinstance(one.answer, TokenInDoubt)


def test_a_redirect_of_the_token_endpoint_is_not_followed() -> None:
    one = begun()
    one.tell(facts.CallbackReceived(url=approve(one), now=START))
    one.perform(HTTPResponse(status=307, headers={"Location": "https://evil.example/"}))
    assert isinstance(one.answer, RemoteProtocolError) and one.answer.code == "unexpected_redirect"
    assert one.pending == []


def test_an_injected_code_fails_at_the_verifier() -> None:
    victim, attacker = begun(1), begun(2)
    attacker.server = victim.server
    foreign = victim.server.new_code(sent(attacker)["code_challenge"])
    answer = back(victim, approve(victim, code=foreign))
    assert isinstance(answer, OAuthError) and answer.error == "invalid_grant"


def test_a_flow_that_failed_is_begun_anew_with_fresh_values_only() -> None:
    one = begun(1)
    first = sent(one)
    back(one, approve(one, state="wrong"))
    with pytest.raises(ConfigurationError, match="fresh"):
        one.tell(facts.BeginAuthorization(entropy=entropy(1), now=START))
    one.tell(facts.BeginAuthorization(entropy=entropy(2), now=START))
    second = sent(one)
    assert first["state"] != second["state"] and first["code_challenge"] != second["code_challenge"]
    assert isinstance(back(one, approve(one)), Token)


def test_callers_wait_for_the_user() -> None:
    one = begun()
    assert one.call() is None and one.state == "AwaitingCallback"


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"redirect_uri": "/callback"}, "absolute|visible"),
        ({"redirect_uri": "http://app.example/cb"}, "https"),
        ({"redirect_uri": "https://app.example/cb#x"}, "fragment"),
        ({"redirect_uri": "http://localhost:5000/cb"}, "127.0.0.1"),
        ({"extra": {"client_secret": "x"}}, "secret"),
        ({"extra": {"state": "x"}}, "set by this library"),
        ({"extra": {"hint": "the-client-secret"}}, "client secret"),
        ({"extra": {"a\nb": "x"}}, "control characters"),
        ({"lifetime": 5}, "from 30 to 3600"),
        ({"scope": 'a"b'}, "scope"),
    ],
)
def test_a_wrong_configuration_is_refused_with_a_hint(changes: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        code_grant(**changes)


def test_a_provider_without_a_browser_endpoint_has_no_code_grant() -> None:
    with pytest.raises(ConfigurationError, match="authorization_endpoint"):
        code_grant(provider=attrs.evolve(PROVIDER, authorization_endpoint=None))


def test_localhost_is_taken_on_request() -> None:
    provider = attrs.evolve(PROVIDER, allow_localhost=True)
    one = begun(redirect_uri="http://localhost:5000/cb", provider=provider)
    assert back(one, approve(one, state="x")) is None


def test_short_entropy_is_refused() -> None:
    from tropipay_oauth import Entropy

    with pytest.raises(ConfigurationError, match="32"):
        Entropy(b"short")


def test_states_and_verifiers_never_repeat() -> None:
    seen = {sent(begun(number))["state"] for number in range(2000)}
    seen |= {sent(begun(number))["code_challenge"] for number in range(2000)}
    assert len(seen) == 4000


# -- Refresh token -------------------------------------------------------------------------------------------------


def refresher(**changes: Any) -> Drive:
    first = begun()
    token = back(first, approve(first))
    assert isinstance(token, Token)
    provider = attrs.evolve(PROVIDER, **changes)
    return Drive(RefreshTokenGrant(provider=provider, credential=CREDENTIAL, token=token), first.server)


def test_refresh_token_from_request_to_refresh() -> None:
    one = refresher()
    first = one.call()
    one.now += 3600
    second = one.call()
    assert isinstance(first, Token) and isinstance(second, Token)
    assert first.refresh_token != second.refresh_token
    assert one.steps == ["request", "grant", "token", "expiry", "grant", "refresh"]
    assert one.server.reuse_detected == 0


def test_a_refresh_token_is_not_sent_again_once_it_may_have_arrived() -> None:
    one = refresher()
    one.tell(facts.AccessRequested(now=START))
    one.lose(Delivery.AMBIGUOUS, arrived=True)
    assert isinstance(one.answer, TokenInDoubt)
    assert isinstance(one.call(), TokenInDoubt)
    assert one.server.reuse_detected == 0


def test_a_refresh_token_is_sent_again_where_the_provider_does_not_rotate() -> None:
    one = refresher(rotates_refresh_tokens=False)
    one.server.rotate = False
    one.tell(facts.AccessRequested(now=START))
    one.lose(Delivery.AMBIGUOUS, arrived=True)
    one.now += 1
    assert isinstance(one.call(), Token)


def test_a_refused_refresh_token_is_the_end() -> None:
    one = refresher()
    one.server.families[0].dead = True
    error = one.call()
    assert isinstance(error, OAuthError) and error.error == "invalid_grant"
    assert one.call() == error


def test_a_reply_without_a_refresh_token_keeps_the_old_one() -> None:
    one = refresher()
    answer = {"access_token": "x", "token_type": "bearer", "expires_in": 60}
    one.server.scripted.append(lambda request, now: reply(200, answer))
    first = one.call()
    one.now += 60
    assert isinstance(one.call(), Token)
    assert one.server.requests[-1]["refresh_token"] == first.refresh_token.reveal()


def test_without_a_refresh_token_there_is_nothing_to_present() -> None:
    one = refresher()
    token = one.call()
    poor = attrs.evolve(token, refresh_token=None)
    with pytest.raises(ConfigurationError, match="no refresh token"):
        RefreshTokenGrant(provider=PROVIDER, credential=CREDENTIAL, token=poor)


def test_a_fact_of_another_machine_is_refused() -> None:
    one = client()
    with pytest.raises(LocalProtocolError, match="client-credentials grant cannot take BeginAuthorization in state Ready"):
        one.tell(facts.BeginAuthorization(entropy=entropy(), now=START))
