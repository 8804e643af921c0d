import copy
import inspect
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised, shown
from tests.wire.made import CLIENT_SECRET, CREDENTIAL, NOW, PLAIN, PUBLIC, REDIRECT, STATE, TROPIPAY, VERIFIER, fuzz, pending
from tropipay_oauth._values.credential import Credential
from tropipay_oauth._values.errors import (
    AuthorizationRefused,
    CallbackError,
    ConfigurationError,
    IssuerMismatch,
    IssuerMissing,
    MalformedCallback,
    RedirectMismatch,
    StateExpired,
    StateMismatch,
    StateMissing,
    TropiPayOAuthError,
)
from tropipay_oauth._values.provider import IssuerParameter, Provider
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._wire.authorization import ValidatedCallback, build_authorization_url, check_extra, validate_callback

# -- Step A: the authorization request -----------------------------------------------------------------------------


def build(provider: Provider = TROPIPAY, credential: Credential = CREDENTIAL, **changes: Any) -> str:
    given: dict[str, Any] = {
        "redirect_uri": REDIRECT,
        "scope": Scope.of("ALLOW_GET_BALANCE ALLOW_REFUND"),
        "state": Secret(STATE),
        "code_verifier": Secret(VERIFIER),
        "extra": {},
    }
    return build_authorization_url(provider, credential, **(given | changes))


def parameters(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def at(endpoint: str) -> Provider:
    return attrs.evolve(PLAIN, authorization_endpoint=endpoint)


def test_the_authorization_url_octet_by_octet() -> None:
    assert build() == (
        "https://www.tropipay.com/api/v2/access/authorize?response_type=code&client_id=the-client"
        "&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&scope=ALLOW_GET_BALANCE+ALLOW_REFUND"
        "&state=state-0123456789-abcdefghijklmnopqrstuvwxyz"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    )


def test_an_empty_scope_is_left_out_and_further_parameters_are_added() -> None:
    given = parameters(build(scope=Scope(), extra={"prompt": "log in", "ui_locales": "es é", "empty": ""}))
    assert list(given) == [
        *("response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"),
        *("prompt", "ui_locales", "empty"),
    ]
    assert (given["prompt"], given["ui_locales"], given["empty"]) == ("log in", "es é", "")


@pytest.mark.parametrize(
    ("endpoint", "begins"),
    [
        ("https://as.example/a", "https://as.example/a?response_type=code&"),
        ("https://as.example", "https://as.example?response_type=code&"),
        ("https://as.example/a?", "https://as.example/a?response_type=code&"),
        ("https://as.example/a?tenant=1", "https://as.example/a?tenant=1&response_type=code&"),
        ("https://as.example/a?tenant=%20&", "https://as.example/a?tenant=%20&response_type=code&"),
    ],
)
def test_a_query_of_the_endpoint_is_kept(endpoint: str, begins: str) -> None:
    assert build(at(endpoint)).startswith(begins)


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": at("https://as.example/a?state=1")},
        {"provider": at("https://as.example/a?tenant=%zz")},
        {"provider": at("https://as.example/a?prompt=none"), "extra": {"prompt": "login"}},
        {"redirect_uri": "https://app.example/cb?code=1"},
        {"redirect_uri": "https://app.example/cb?st%61te="},
        {"redirect_uri": "https://app.example/cb?x=%zz"},
    ],
)
def test_no_parameter_is_there_twice(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        build(**changes)
    assert refused.value.code == "parameter_twice"


def test_a_provider_without_the_endpoint_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no authorization_endpoint"):
        build(PUBLIC)


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": Secret("1234-abcd-1234")},
        {"state": Secret("")},
        {"state": Secret("a\nb")},
        {"state": Secret("é")},
        {"redirect_uri": "/callback"},
        {"redirect_uri": "https//my-app.com"},
        {"redirect_uri": "http://app.example/cb"},
        {"redirect_uri": "https://app.example/cb#"},
        {"redirect_uri": "http://localhost/cb"},
        {"extra": {"state": "1"}},
    ],
)
def test_what_makes_no_safe_request_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        build(**changes)


@pytest.mark.parametrize(
    "redirect_uri", ["http://127.0.0.1:5000/cb", "http://[::1]:5000/cb", "com.example.app:/cb", REDIRECT + "?x=1"]
)
def test_the_browser_may_come_back_to(redirect_uri: str) -> None:
    assert parameters(build(redirect_uri=redirect_uri))["redirect_uri"] == redirect_uri


@pytest.mark.parametrize(
    ("credential", "changes"),
    [
        (Credential(client_id="x" + CLIENT_SECRET, client_secret=CLIENT_SECRET), {}),
        (CREDENTIAL, {"redirect_uri": f"{REDIRECT}?x={quote(CLIENT_SECRET, safe='')}"}),
        (Credential(client_id="a", client_secret="long-enough"), {"scope": Scope.of("long-enough")}),
        (Credential(client_id="a", client_secret="long-enough"), {"provider": at("https://as.example/?x=long-enough")}),
        (CREDENTIAL, {"extra": {"hint": f"it is {CLIENT_SECRET}"}}),
    ],
)
def test_the_client_secret_gets_into_no_url(credential: Credential, changes: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"credential": credential} | changes
    with pytest.raises(ConfigurationError) as refused:
        build(**asked)
    assert refused.value.code == "secret_in_url"
    assert CLIENT_SECRET not in str(refused.value)


def test_a_public_client_or_a_short_secret_forbids_nothing() -> None:
    assert build(credential=Credential(client_id="the-client")) == build()
    assert build(credential=Credential(client_id="the-client", client_secret="code")) == build()


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        *(({name: "x"}, "reserved") for name in ("response_type", "client_id", "redirect_uri", "scope", "state", "State")),
        *(({name: "x"}, "reserved") for name in ("code_challenge", "code_challenge_method", " state ", "CODE-CHALLENGE")),
        *(({name: "x"}, "secret_in_url") for name in ("client_secret", "client_assertion", "access_token", "refresh_token")),
        *(({name: "x"}, "secret_in_url") for name in ("code", "code_verifier", "token", "password", "authorization")),
        *(({name: "x"}, "secret_in_url") for name in ("Client-Secret", "id_token", "API_KEY")),
        ({"hint": CLIENT_SECRET}, "secret_in_url"),
        ({CLIENT_SECRET: "hint"}, "secret_in_url"),
        ({"hint": quote(CLIENT_SECRET, safe="")}, "secret_in_url"),
        ({"": "x"}, "extra"),
        ({"a": "b\r\nc"}, "extra"),
        ({"a\0": "b"}, "extra"),
        ({"a": "\ud800"}, "extra"),
        ({"a": "x" * 4097}, "extra"),
        ({"a" * 101: "x"}, "extra"),
        ({"max_age": 1}, "extra"),
        ({"a": None}, "extra"),
        ({"a": Secret("x")}, "extra"),
        ({1: "a"}, "extra"),
        ([("a", "b")], "extra"),
        ("a=b", "extra"),
        (None, "extra"),
    ],
)
def test_a_further_parameter_is_refused(extra: Any, code: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_extra(extra, CREDENTIAL)
    assert refused.value.code == code
    assert CLIENT_SECRET not in str(refused.value)


def test_further_parameters_are_taken() -> None:
    check_extra({}, CREDENTIAL)
    check_extra({"prompt": "login", "login_hint": "José <a@b.example>", "id_token_hint": "x"}, CREDENTIAL)
    check_extra({"hint": CLIENT_SECRET}, Credential(client_id="public"))


def test_no_failure_shows_a_secret() -> None:
    secret = Secret(CANARY)
    credential = Credential(client_id="a", client_secret=secret)
    assert not leaks(raised(lambda: build(code_verifier=secret)))
    assert not leaks(raised(lambda: build(state=Secret(CANARY + "\n"))))
    assert not leaks(raised(lambda: check_extra({"a": secret.reveal()}, credential)))
    assert not leaks(raised(lambda: check_extra({"a": secret.reveal() + "\n"}, credential)))


@fuzz
@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20),
    st.lists(st.text(st.sampled_from("aZ0.:/_-!&=+%"), min_size=1, max_size=6), max_size=3),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=50),
)
def test_what_is_asked_for_is_what_the_server_reads(value: str, scope: list[str], state: str) -> None:
    given = parameters(build(scope=Scope.of(scope), state=Secret(state), extra={"x": value}))
    assert given["state"] == state
    assert given["x"] == value
    assert given.get("scope", "") == str(Scope.of(scope))
    assert given["code_challenge_method"] == "S256"


# -- Step B: the callback ------------------------------------------------------------------------------------------


def validate(query: str, now: float = NOW, *, url: str | None = None, **changes: Any) -> ValidatedCallback:
    begun = pending(**changes)
    return validate_callback(begun, Secret(f"{begun.redirect_uri}?{query}" if url is None else url), now)


def code_of(query: str, **changes: Any) -> str:
    return validate(query, **changes).code.reveal()


def test_a_callback_that_answers_is_proof_of_its_code() -> None:
    begun = pending()
    proof = validate_callback(begun, Secret(f"{REDIRECT}?code=the-code&state={STATE}"), NOW)
    assert proof.code == Secret("the-code")
    assert proof.pending is begun


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"state={STATE}&code=x", "x"),
        (f"code=a%2Fb%3D%3D&state={STATE}", "a/b=="),
        (f"code=a+b%20c&state={STATE}", "a b c"),
        (f"code=x&state={STATE}&session_state=1&foo=2&foo=3", "x"),
        (f"&&code=x&state={STATE}&", "x"),
        (f"code=x&state={STATE}&error=", "x"),
        (f"code=x&state={STATE}&iss=", "x"),
        (f"code=x&state={STATE}&iss=https%3A%2F%2Fwww.tropipay.com", "x"),
        (f"code=x&state={STATE}#_=_", "x"),
        (f"code=x&state={STATE}#code=y&state=z&error=%zz", "x"),
        (f"code=x&state={STATE}&error_description=nothing", "x"),
        (f"c%6fde=x&st%61te={STATE}", "x"),
        (f"code={'~' * 8192}&state={STATE}", "~" * 8192),
        (f"code={'%2B' * 8192}&state={STATE}", "+" * 8192),
        (f"code=;&state={STATE}", ";"),
    ],
)
def test_a_code_is_read(query: str, code: str) -> None:
    assert code_of(query) == code


GOOD = f"code=x&state={STATE}"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        # T23: repeated or contradicting parameters
        (f"code=a&code=b&state={STATE}", MalformedCallback),
        (f"code=a&code=a&state={STATE}", MalformedCallback),
        (f"code=&code=a&state={STATE}", MalformedCallback),
        (f"code=a&c%6Fde=b&state={STATE}", MalformedCallback),
        (f"code=a&state={STATE}&state={STATE}", MalformedCallback),
        (f"code=a&state=evil&state={STATE}", MalformedCallback),
        (f"{GOOD}&iss=https://www.tropipay.com&iss=https://evil.example", MalformedCallback),
        (f"error=a&error=b&state={STATE}", MalformedCallback),
        (f"{GOOD}&error=access_denied", MalformedCallback),
        (f"state={STATE}", MalformedCallback),
        (f"code=&state={STATE}", MalformedCallback),
        (f"code=&error=&state={STATE}", MalformedCallback),
        (f"CODE=a&state={STATE}", MalformedCallback),
        (f"{GOOD}&access_token=t", MalformedCallback),
        (f"{GOOD}&access_token=", MalformedCallback),
        (f"{GOOD}#access_token=t&token_type=bearer", MalformedCallback),
        (f"{GOOD}#x&access%5Ftoken=t", MalformedCallback),
        # T24: malformed
        (f"{GOOD}&a=%", MalformedCallback),
        (f"{GOOD}&a=%G1", MalformedCallback),
        (f"code=%c3%28&state={STATE}", MalformedCallback),
        (f"code=%ff&state={STATE}", MalformedCallback),
        (f"code=a%0d%0aX&state={STATE}", MalformedCallback),
        (f"code=%00&state={STATE}", MalformedCallback),
        (f"code=%C3%A9&state={STATE}", MalformedCallback),
        (f"code=%7F&state={STATE}", MalformedCallback),
        (f"code=a;state={STATE}", StateMissing),
        ("&".join(["a=1"] * 101), MalformedCallback),
        ("&" * 60_000, MalformedCallback),
        (f"{GOOD}&a={'x' * 70_000}", MalformedCallback),
        (f"{GOOD}&a=b c", MalformedCallback),
        (f"{GOOD}&a=é", MalformedCallback),
        (f"{GOOD}&a=\ud800", MalformedCallback),
        (f"{GOOD}\n", MalformedCallback),
        # T1: the state
        ("", StateMissing),
        ("code=x", StateMissing),
        ("code=x&state=", StateMissing),
        ("error=access_denied", StateMissing),
        ("code=x#state=" + STATE, StateMissing),
        ("code=x&state=other", StateMismatch),
        (f"code=x&state={STATE}x", StateMismatch),
        (f"code=x&state={STATE[:-1]}", StateMismatch),
        (f"code=x&state={STATE.upper()}", StateMismatch),
        ("code=x&state=%C3%A9", StateMismatch),
        ("error=access_denied&state=other", StateMismatch),
        ("code=x&error=y&state=other", StateMismatch),
        ("state=other", StateMismatch),
        # T2: the issuer
        (f"{GOOD}&iss=https://evil.example", IssuerMismatch),
        (f"{GOOD}&iss=https://www.tropipay.com/", IssuerMismatch),
        (f"{GOOD}&iss=https://WWW.tropipay.com", IssuerMismatch),
        (f"{GOOD}&iss=https://www.tropipay.com:443", IssuerMismatch),
        (f"error=access_denied&state={STATE}&iss=https://evil.example", IssuerMismatch),
        (f"state={STATE}&iss=https://evil.example", IssuerMismatch),
    ],
)
def test_what_is_no_answer_is_refused(query: str, error: type[CallbackError]) -> None:
    with pytest.raises(CallbackError) as refused:
        validate(query)
    assert type(refused.value) is error
    assert refused.value.__context__ is None
    assert STATE[:8] not in str(refused.value)


def test_a_hundred_parameters_and_64_kib_are_taken() -> None:
    assert code_of(GOOD + "&a=1" * 98) == "x"
    assert code_of(f"{GOOD}&a=".ljust((1 << 16) - len(REDIRECT) - 1, "x")) == "x"
    with pytest.raises(MalformedCallback):
        validate(f"{GOOD}&a=".ljust((1 << 16) - len(REDIRECT), "x"))


def test_a_promised_issuer_must_come() -> None:
    promised = IssuerParameter.REQUIRED
    assert code_of(f"{GOOD}&iss=https://www.tropipay.com", issuer_parameter=promised) == "x"
    for query in (GOOD, f"{GOOD}&iss=", f"error=access_denied&state={STATE}"):
        with pytest.raises(IssuerMissing):
            validate(query, issuer_parameter=promised)


def test_an_authorization_is_pending_for_its_time_only() -> None:
    assert code_of(GOOD, now=NOW + 600) == "x"
    for query in (GOOD, f"error=access_denied&state={STATE}", f"{GOOD}&iss=https://evil.example"):
        with pytest.raises(StateExpired):
            validate(query, NOW + 600.001)
    with pytest.raises(StateMismatch):
        validate("code=x&state=other", NOW + 9999)


@pytest.mark.parametrize(
    ("redirect_uri", "arrived"),
    [
        (REDIRECT, "https://app.example/callback"),
        (REDIRECT, "HTTPS://APP.example/callback"),
        (REDIRECT, "https://app.example:443/callback"),
        ("https://app.example:443/callback", "https://app.example/callback"),
        ("https://app.example", "https://app.example/"),
        ("https://app.example/", "https://app.example"),
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1:5000/callback"),
        ("http://[::1]:5000/cb", "http://[0:0::1]:5000/cb"),
        ("com.example.app:/cb", "com.example.app:/cb"),
        ("com.example.app:/cb", "COM.example.app:/cb"),
        ("com.example.app://host/cb", "com.example.app://HOST/cb"),
        ("com.example.app:///cb", "com.example.app:///cb"),
        ("com.example.app://under_score/cb", "com.example.app://under_score/cb"),
    ],
)
def test_the_callback_arrives_at_its_redirect_uri(redirect_uri: str, arrived: str) -> None:
    assert code_of("", url=f"{arrived}?{GOOD}", redirect_uri=redirect_uri) == "x"


@pytest.mark.parametrize(
    ("redirect_uri", "arrived"),
    [
        *((REDIRECT, f"{place}?{GOOD}") for place in ("http://app.example/callback", "https://app.example:8443/callback")),
        *((REDIRECT, f"{place}?{GOOD}") for place in ("https://evil.example/callback", "https://app.example./callback")),
        *((REDIRECT, f"{place}?{GOOD}") for place in ("https://app.example/callback/", "https://app.example/Callback")),
        *((REDIRECT, f"{place}?{GOOD}") for place in ("https://app.example/c%61llback", "https://app.example/x/../callback")),
        *(
            (REDIRECT, f"{place}?{GOOD}")
            for place in ("https://user@app.example/callback", "https://app.example@evil.example/callback")
        ),
        *(
            (REDIRECT, f"{place}?{GOOD}")
            for place in ("//app.example/callback", "/callback", "app.example/callback", "https//app.example/callback")
        ),
        *(
            (REDIRECT, f"{place}?{GOOD}")
            for place in ("https:/app.example/callback", "https:///callback", "https://app.example:0443/callback")
        ),
        *((REDIRECT, f"{place}?{GOOD}") for place in ("https://app.example:99999/callback", "https://[app.example]/callback")),
        (REDIRECT, f"?{GOOD}"),
        (REDIRECT, GOOD),
        (REDIRECT, "x"),
        (REDIRECT, f"https://app.example{'/x' * 5000}?{GOOD}"),
        ("http://127.0.0.1:5000/cb", f"http://127.0.0.1:5001/cb?{GOOD}"),
        ("http://127.0.0.1:5000/cb", f"http://[::1]:5000/cb?{GOOD}"),
        ("com.example.app:/cb", f"com.example.app:/other?{GOOD}"),
        ("com.example.app:/cb", f"com.example.app://cb?{GOOD}"),
        ("com.example.app://under_score/cb", f"com.example.app://under_line/cb?{GOOD}"),
        (f"{REDIRECT}?x=1", f"{REDIRECT}?{GOOD}"),
        (f"{REDIRECT}?x=1", f"{REDIRECT}?{GOOD}&x=2"),
        (f"{REDIRECT}?x=1", f"{REDIRECT}?{GOOD}&x=1&x=1"),
        (f"{REDIRECT}?x=1&x=1", f"{REDIRECT}?{GOOD}&x=1"),
        (f"{REDIRECT}?x=%zz", f"{REDIRECT}?{GOOD}&x=1"),
    ],
)
def test_a_callback_that_arrives_elsewhere_is_refused(redirect_uri: str, arrived: str) -> None:
    with pytest.raises(RedirectMismatch, match="redirect_uri"):
        validate("", url=arrived, redirect_uri=redirect_uri)


def test_parameters_of_the_redirect_uri_come_back_with_the_code() -> None:
    assert code_of("", url=f"{REDIRECT}?x=1&{GOOD}", redirect_uri=f"{REDIRECT}?x=1") == "x"
    assert code_of("", url=f"{REDIRECT}?{GOOD}&x=a%20b&y", redirect_uri=f"{REDIRECT}?y&x=a+b") == "x"


@pytest.mark.parametrize(
    "error",
    [
        *("invalid_request", "access_denied", "unauthorized_client", "unsupported_response_type", "invalid_scope"),
        *("server_error", "temporarily_unavailable", "weird_error"),
    ],
)
def test_the_server_s_refusal_is_told(error: str) -> None:
    query = f"error={error}&error_description=It+is%20so&error_uri=https://evil.example&state={STATE}"
    with pytest.raises(AuthorizationRefused) as refused:
        validate(query)
    assert (refused.value.error, refused.value.description, refused.value.status) == (error, "It is so", None)
    assert "evil" not in str(refused.value)


def test_a_refusal_needs_no_description() -> None:
    for query in ("error=access_denied", "error=access_denied&error_description=", "error=access_denied&code="):
        with pytest.raises(AuthorizationRefused) as refused:
            validate(f"{query}&state={STATE}")
        assert refused.value.description is None


def test_a_refusal_is_shown_escaped_and_without_our_secrets() -> None:
    with pytest.raises(AuthorizationRefused) as refused:
        validate(f"error=a%1b[31m{VERIFIER}&error_description=%e2%80%ae{STATE}%0d%0a%00&state={STATE}")
    assert str(refused.value).isprintable()
    assert str(refused.value).isascii()
    assert STATE[:12] not in str(refused.value)
    assert VERIFIER[:12] not in str(refused.value)


def test_a_proof_is_made_by_validation_alone() -> None:
    proof: Any = validate(GOOD)
    attempts: list[Callable[[], object]] = [
        lambda: ValidatedCallback(code=Secret("x"), pending=pending()),
        lambda: ValidatedCallback(Secret("x"), pending()),
        lambda: ValidatedCallback(),
        lambda: attrs.evolve(proof, code=Secret("y")),
    ]
    for make in attempts:
        with pytest.raises(ConfigurationError, match="validate_callback"):
            make()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        proof.code = Secret("y")
    assert copy.deepcopy(proof) is proof
    assert proof == validate(GOOD)
    assert proof != validate(f"code=y&state={STATE}")
    assert len({proof, validate(GOOD)}) == 1
    assert inspect.signature(ValidatedCallback.__init__).return_annotation in (None, "None")


def test_a_proof_and_the_failures_hide_everything() -> None:
    begun, canary = pending(), quote(CANARY)
    proof = validate_callback(begun, Secret(f"{REDIRECT}?code={canary}&state={STATE}"), NOW)
    assert proof.code.reveal() == CANARY
    assert not leaks(shown(proof))
    for ending in (f"&state={STATE}x", "", "%zz", f"&state={STATE}&iss=x", f"&state={STATE}&error=x", f"&code={canary}"):
        url = Secret(f"{REDIRECT}?code={canary}{ending}")
        assert not leaks(raised(lambda url=url: validate_callback(begun, url, NOW)).replace(repr(canary), ""))  # type: ignore[misc]


def outcome(url: str) -> object:
    try:
        return validate("", url=url)
    except TropiPayOAuthError as refused:
        return refused


DEAD = [
    MalformedCallback,
    RedirectMismatch,
    StateMissing,
    StateMismatch,
    StateExpired,
    IssuerMissing,
    IssuerMismatch,
    AuthorizationRefused,
]
PIECES = st.sampled_from(
    [
        *(
            REDIRECT,
            "?",
            "#",
            "&",
            "=",
            "%",
            "%41",
            "+",
            ";",
            "code",
            "state",
            "error",
            "iss",
            "access_token",
            STATE,
            "x",
            "é",
            "\0",
        ),
        *(GOOD, "https://www.tropipay.com", "https://", "//", "@", ":", "[", "]", "\ud800", "error_description"),
    ]
)


@fuzz
@given(
    st.lists(PIECES, max_size=12).map("".join)
    | st.text()
    | st.lists(PIECES, max_size=6).map(lambda pieces: f"{REDIRECT}?{GOOD}{''.join(pieces)}")
)
@example(f"{REDIRECT}?{GOOD}")
def test_any_callback_is_validated_or_refused_by_a_documented_error(url: str) -> None:
    found = outcome(url)
    assert type(found) in (ValidatedCallback, *DEAD)
    assert isinstance(found, ValidatedCallback) or str(found).isprintable()


@pytest.mark.parametrize("end", range(len(f"{REDIRECT}?{GOOD}")))
def test_each_beginning_of_a_callback_is_refused(end: int) -> None:
    with pytest.raises(CallbackError):
        validate("", url=f"{REDIRECT}?{GOOD}"[:end])
