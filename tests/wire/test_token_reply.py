import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, shown
from tests.wire.made import CLIENT_SECRET, NOW, PLAIN, TROPIPAY, flips, fuzz, reply, responses
from tropipay_oauth._values.errors import (
    Delivery,
    OAuthError,
    RemoteProtocolError,
    ServerUnavailable,
    TransportError,
)
from tropipay_oauth._values.http import HTTPResponse
from tropipay_oauth._values.provider import Provider
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._values.token import Expiry, ExpirySource, GrantType, Token
from tropipay_oauth._wire.token_reply import (
    Granted,
    NotProcessed,
    Outcome,
    Refused,
    Unknown,
    read_token_reply,
    read_transport_failure,
)

ACCESS = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"
GOOD = {
    "access_token": ACCESS,
    "refresh_token": "c2hvcDo5ZjNi:+/ab==",
    "token_type": "Bearer",
    "expires_in": 1741987517,
    "scope": "ALLOW_GET_BALANCE ALLOW_REFUND",
}
REQUESTED = Scope.of("ALLOW_REFUND ALLOW_GET_BALANCE")
PRESENTED = Secret("presented-refresh-token")


def read(response: HTTPResponse, *, provider: Provider = TROPIPAY, refresh_token: Secret | None = None, **given: Any) -> Outcome:
    settings: dict[str, Any] = {
        "grant_type": GrantType.CLIENT_CREDENTIALS,
        "requested": REQUESTED,
        "now": NOW,
        "clock_offset": None,
    } | given
    return read_token_reply(response, provider=provider, refresh_token=refresh_token, **settings)


def granted(response: HTTPResponse, **given: Any) -> Granted:
    outcome = read(response, **given)
    assert isinstance(outcome, Granted), outcome
    return outcome


def token(members: dict[str, Any], **given: Any) -> Token:
    return granted(reply(200, GOOD | members), **given).token


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name not in names}


# -- Granted -------------------------------------------------------------------------------------------------------


def test_a_token_is_granted() -> None:
    assert read(reply(200, GOOD)) == Granted(
        token=Token(
            access_token=Secret(ACCESS),
            refresh_token=Secret("c2hvcDo5ZjNi:+/ab=="),
            scope=REQUESTED,
            requested=REQUESTED,
            issued_at=NOW,
            expiry=Expiry(at=1741987517.0, source=ExpirySource.ABSOLUTE_SECONDS),
            grant_type=GrantType.CLIENT_CREDENTIALS,
        ),
        clock_offset=None,
        rotated=None,
        now=NOW,
    )


def test_the_examples_of_the_documentation() -> None:
    v2 = {
        "access_token": ACCESS,
        "refresh_token": "bmFtZTo5YWI=",
        "token_type": "Bearer",
        "expires_in": 1629397439,
        "scope": "ALLOW_GET_BALANCE",
    }
    v3 = {"access_token": "opaque-123", "token_type": "bearer", "expires_in": 3600}
    assert token(v2).expiry == Expiry(at=1629397439.0, source=ExpirySource.ABSOLUTE_SECONDS)
    assert token(v2).missing == Scope.of("ALLOW_REFUND")
    assert granted(reply(200, v3)).token.expiry == Expiry(at=NOW + 3600, source=ExpirySource.LIFETIME_SECONDS)
    assert granted(reply(200, v3)).token.refresh_token is None
    assert granted(reply(200, v3)).token.granted == REQUESTED
    assert token({"expires_in": "1d"}).expiry == Expiry(at=NOW + 86400, source=ExpirySource.DURATION)


@pytest.mark.parametrize("status", [200, 201, 203, 299])
@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/x+json", ""])
def test_a_success_is_any_2xx_with_json(status: int, kind: str) -> None:
    assert granted(reply(status, GOOD, Content_Type=kind)).token.access_token == Secret(ACCESS)


@pytest.mark.parametrize("token_type", ["bearer", "Bearer", "BEARER"])
def test_the_token_type_is_told_in_any_case(token_type: str) -> None:
    assert token({"token_type": token_type})


def test_a_provider_may_have_a_default_token_type() -> None:
    provider = attrs.evolve(PLAIN, default_token_type="Bearer")
    for members in (without("token_type"), GOOD | {"token_type": None}):
        assert granted(reply(200, members), provider=provider)
        assert isinstance(read(reply(200, members)), Unknown)
    assert isinstance(read(reply(200, GOOD | {"token_type": "mac"}), provider=provider), Unknown)


@pytest.mark.parametrize("access_token", ["a", "A-z0._~+/", "YQ==", "a" * 8192])
def test_an_access_token_is_taken_as_it_is(access_token: str) -> None:
    assert token({"access_token": access_token}).access_token == Secret(access_token)


@pytest.mark.parametrize(
    ("value", "scope"),
    [
        ("a b", Scope.of("a b")),
        ("b  a a ", Scope.of("a b")),
        (["a", "b"], Scope.of("a b")),
        ("", Scope()),
        ([], Scope()),
        ("a,b", Scope.of(["a,b"])),
        (None, None),
    ],
)
def test_the_scope_is_a_text_or_a_list(value: object, scope: Scope | None) -> None:
    assert token({"scope": value}).scope == scope


def test_an_absent_scope_is_not_an_empty_one() -> None:
    assert granted(reply(200, without("scope"))).token.granted == REQUESTED
    assert token({"scope": ""}).missing == REQUESTED


def test_members_that_nobody_knows_are_ignored() -> None:
    odd = {"id_token": {"a": [1]}, "error_description": "x", "error": None, "": 0, "Error": "x", "data": None}
    assert token(odd) == token({})


@pytest.mark.parametrize("error", [None, "", {}, [], False, 0])
def test_an_error_that_says_nothing_is_none(error: object) -> None:
    assert token({"error": error})


# -- The refresh token ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "kept", "rotated"),
    [
        ({"refresh_token": "another"}, "another", True),
        ({"refresh_token": PRESENTED.reveal()}, PRESENTED.reveal(), False),
        ({"refresh_token": None}, PRESENTED.reveal(), False),
        ({"refresh_token": ""}, PRESENTED.reveal(), False),
    ],
)
def test_the_refresh_token_stays_unless_another_comes(members: dict[str, Any], kept: str, rotated: bool) -> None:
    outcome = granted(reply(200, GOOD | members), refresh_token=PRESENTED, grant_type=GrantType.REFRESH_TOKEN)
    assert outcome.token.refresh_token == Secret(kept)
    assert outcome.rotated is rotated
    absent = granted(reply(200, without("refresh_token")), refresh_token=PRESENTED)
    assert (absent.token.refresh_token, absent.rotated) == (PRESENTED, False)


def test_without_a_refresh_token_presented_nothing_is_known_of_rotation() -> None:
    assert granted(reply(200, GOOD)).rotated is None
    assert granted(reply(200, without("refresh_token"))).token.refresh_token is None


# -- The server's clock --------------------------------------------------------------------------------------------

DATE: dict[str, Any] = {"Date": "Thu, 13 Mar 2025 21:07:40 GMT"}  # 60 s after NOW


def test_times_are_by_the_server_s_clock() -> None:
    outcome = granted(reply(200, GOOD | {"expires_in": 100}, **DATE), clock_offset=-5.0)
    assert outcome.clock_offset == 60.0
    assert outcome.token.issued_at == NOW + 60
    assert outcome.token.expiry.at == NOW + 160


def test_without_a_date_the_offset_is_the_one_known_before() -> None:
    for response in (reply(200, GOOD | {"expires_in": 100}), reply(200, GOOD | {"expires_in": 100}, **DATE, Age="3")):
        outcome = granted(response, clock_offset=-5.0)
        assert outcome.clock_offset == -5.0
        assert outcome.token.issued_at == NOW - 5
        assert outcome.token.expiry.at == NOW + 95


# -- Unknown: a 2xx that cannot be read ----------------------------------------------------------------------------

BAD_MEMBERS: list[tuple[str, str, list[Any]]] = [
    ("access_token", "missing_access_token", [None, "", 5, True, {}, ["a"]]),
    ("access_token", "bad_access_token", ["a b", "a\r\nX: y", "a\0", "é", "a,b", "=", "a=b", '"a"', " ", "a\n"]),
    ("token_type", "unsupported_token_type", [None, "", "mac", "DPoP", "N_A", 5, ["Bearer"], "Bearer "]),
    ("refresh_token", "bad_refresh_token", [5, True, {}, ["a"], "a\n", "é", "a\0b"]),
    ("scope", "bad_scope", [5, True, {"a": 1}, [1], [["a"]], ["a b"], 'a"b', "a\tb", "é", "a" * 256]),
]


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (reply(204, body=b""), "malformed_json"),
        (reply(200, body=b""), "malformed_json"),
        (reply(200, body=b"", Content_Type=""), "malformed_json"),
        (reply(200, body=b"<html>login</html>", Content_Type="text/html"), "media_type"),
        (reply(200, GOOD, Content_Type="text/html"), "media_type"),
        (reply(200, GOOD, Content_Type="text/plain"), "media_type"),
        (reply(200, GOOD, Content_Type="application/jsonp"), "media_type"),
        (reply(200, body=b"<html>login</html>"), "malformed_json"),
        (reply(200, body=b"access_token=a&token_type=bearer"), "malformed_json"),
        (reply(200, body=b'{"access_token":"a","access_token":"b","token_type":"Bearer"}'), "duplicate_member"),
        (reply(200, body=json.dumps(GOOD).encode("utf-16")), "not_utf8"),
        (reply(200, body=b"\xef\xbb\xbf" + json.dumps(GOOD).encode()), "malformed_json"),
        (reply(200, body=b'{"access_token":"a","expires_in":1e999}'), "number_limit"),
        (reply(200, body=b'{"access_token":"a","expires_in":NaN}'), "malformed_json"),
        (reply(200, body=b'{"access_token":"\\ud800"}'), "lone_surrogate"),
        (reply(200, body=b"{" + b" " * (1 << 20) + b"}"), "response_too_large"),
        (reply(200, body=b'{"a":' * 100_000), "depth_limit"),
        (reply(200, []), "not_an_object"),
        (reply(200, "text"), "not_an_object"),
        (reply(200, None), "not_an_object"),
        (reply(200, {}), "missing_access_token"),
        (reply(200, {"data": GOOD}), "missing_access_token"),
        (reply(200, without("access_token")), "missing_access_token"),
        *((reply(200, GOOD | {name: bad}), code) for name, code, values in BAD_MEMBERS for bad in values),
        (reply(200, without("token_type")), "unsupported_token_type"),
        (reply(200, GOOD | {"error": "invalid_grant"}), "contradiction"),
        (reply(200, GOOD | {"error": {"code": "E00001"}}), "contradiction"),
    ],
)
def test_a_success_that_cannot_be_read_may_have_consumed_the_grant(response: HTTPResponse, code: str) -> None:
    outcome = read(response, provider=PLAIN)
    assert isinstance(outcome, Unknown)
    assert type(outcome.error) is RemoteProtocolError
    assert (outcome.error.code, outcome.now) == (code, NOW)
    assert outcome.error.__traceback__ is None
    assert outcome.error.__context__ is None


@pytest.mark.parametrize("status", [100, 103, 199])
def test_an_interim_response_is_no_answer(status: int) -> None:
    outcome = read(reply(status, GOOD))
    assert isinstance(outcome, Unknown)
    assert outcome.error.code == "unexpected_status"


@pytest.mark.parametrize("status", [500, 501, 502, 504, 520, 599])
def test_a_failing_server_may_have_consumed_the_grant(status: int) -> None:
    for response in (
        reply(status, body=b"<html>", Content_Type="text/html"),
        reply(status, {"error": "invalid_grant"}, Retry_After="7"),
        reply(status, GOOD),
    ):
        outcome = read(response)
        assert isinstance(outcome, Unknown)
        assert isinstance(outcome.error, ServerUnavailable)
        assert outcome.error.status == status


# -- NotProcessed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("members", [None, {"error": "invalid_grant"}, GOOD])
def test_a_busy_server_consumed_nothing(status: int, members: object) -> None:
    assert read(reply(status, members, Retry_After="30")) == NotProcessed(
        error=ServerUnavailable(status, retry_after=30.0), retry_after=30.0, now=NOW
    )
    assert read(reply(status, members)) == NotProcessed(error=ServerUnavailable(status), retry_after=None, now=NOW)


def test_a_moment_to_wait_for_is_by_the_server_s_clock() -> None:
    later: dict[str, Any] = {"X_RateLimit_Reset": str(int(NOW) + 90)}
    for response, known in ((reply(429, {}, **later, **DATE), None), (reply(429, {}, **later), 60.0)):
        outcome = read(response, clock_offset=known)
        assert isinstance(outcome, NotProcessed)
        assert outcome.retry_after == 30.0


def test_a_transport_failure_tells_whether_anything_was_sent() -> None:
    unsent = read_transport_failure(Delivery.NOT_SENT, "no route", now=NOW)
    assert isinstance(unsent, NotProcessed)
    assert unsent.retry_after is None
    lost = read_transport_failure(Delivery.AMBIGUOUS, "no\x1b[31m route", now=NOW)
    assert isinstance(lost, Unknown)
    for outcome, delivery in ((unsent, Delivery.NOT_SENT), (lost, Delivery.AMBIGUOUS)):
        assert outcome.now == NOW
        assert isinstance(outcome.error, TransportError)
        assert outcome.error.delivery is delivery
        assert str(outcome.error).isprintable()
    assert "no route" in str(unsent.error)


# -- Refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_a_redirect_is_refused(status: int) -> None:
    for response in (reply(status, GOOD, Location="https://evil.example"), reply(status, {"error": "invalid_grant"})):
        outcome = read(response)
        assert isinstance(outcome, Refused)
        assert outcome.error.code == "unexpected_redirect"
        assert "evil" not in str(outcome.error)


@pytest.mark.parametrize("status", [200, 203, 400, 401, 403, 404, 408, 422, 499])
@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"error": "invalid_grant", "error_description": "spent"}, "invalid_grant"),
        ({"error": {"type": "X", "code": "invalid_credentials", "message": "x"}}, "invalid_client"),
        ({"error": "invalid_request", "message": "x", "code": "E00123"}, "invalid_request"),
        ({"error": {"msg": "No token!"}}, "missing_token"),
        ({"error": "weird_error", "access_token": None}, "weird_error"),
    ],
)
def test_the_server_says_no_in_each_of_the_four_shapes(status: int, members: Any, error: str) -> None:
    outcome = read(reply(status, members))
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, OAuthError)
    assert (outcome.error.error, outcome.error.status, outcome.now) == (error, status, NOW)


@pytest.mark.parametrize(
    "response",
    [
        reply(400, body=b""),
        reply(400, body=b"<html>", Content_Type="text/html"),
        reply(400, {"error": "invalid_grant"}, Content_Type="text/html"),
        reply(404, GOOD),
        reply(400, {"error": True}),
        reply(401, body=b'{"error":"invalid_gr'),
        reply(413, body=b"x" * (2 << 20)),
    ],
)
def test_a_refusal_without_a_reason_names_its_status(response: HTTPResponse) -> None:
    outcome = read(response)
    assert isinstance(outcome, Refused)
    assert outcome.error.code == "unexpected_status"
    assert str(response.status) in str(outcome.error)


# -- Secrets -------------------------------------------------------------------------------------------------------


def test_no_outcome_shows_a_secret() -> None:
    members = GOOD | {"access_token": "Zx81canary-token", "refresh_token": CANARY}
    assert not leaks(shown(read(reply(200, members), refresh_token=Secret(CANARY))))
    for broken in ({"token_type": CANARY}, {"scope": CANARY + '"'}, {"access_token": CANARY}, {"error": CANARY}):
        assert not leaks(shown(read(reply(200, members | broken), known_secrets=(Secret(CANARY),))))


@pytest.mark.parametrize("status", [200, 400, 401, 404])
def test_an_echo_of_what_was_sent_is_hidden(status: int) -> None:
    secrets = (Secret(CLIENT_SECRET), PRESENTED)
    for echo in (CLIENT_SECRET, PRESENTED.reveal()):
        outcome = read(reply(status, {"error": echo, "error_description": f"bad: {echo}"}), known_secrets=secrets)
        assert isinstance(outcome, Refused)
        assert echo[:8] not in f"{outcome!r}{vars(outcome.error)}"


# -- Any reply -----------------------------------------------------------------------------------------------------

BODY = json.dumps(GOOD).encode()


@fuzz
@given(
    responses() | flips(BODY).map(lambda body: reply(200, body=body)),
    st.sampled_from(GrantType),
    st.none() | st.just(PRESENTED),
    st.none() | st.floats(-1e9, 1e9),
)
def test_any_reply_has_exactly_one_of_four_outcomes(
    response: HTTPResponse, grant_type: GrantType, refresh_token: Secret | None, offset: float | None
) -> None:
    outcome = read(response, grant_type=grant_type, refresh_token=refresh_token, clock_offset=offset)
    assert type(outcome) in (Granted, Refused, NotProcessed, Unknown)
    if isinstance(outcome, Granted):
        assert 200 <= response.status < 300
        assert (outcome.rotated is None) == (refresh_token is None)
        assert outcome.token.access_token.reveal().isprintable()
    else:
        assert str(outcome.error).isprintable()
        assert outcome.error.__traceback__ is None


@pytest.mark.parametrize("end", range(len(BODY)))
def test_each_beginning_of_a_good_body_is_unknown(end: int) -> None:
    assert isinstance(read(reply(200, body=BODY[:end])), Unknown)


def test_every_status_has_an_outcome() -> None:
    bodies: list[Any] = [GOOD, {"error": "invalid_grant"}, {}]
    kinds = {status: {type(read(reply(status, body))) for body in bodies} for status in range(100, 600)}
    assert kinds[200] == {Granted, Refused, Unknown}
    for status, found in kinds.items():
        if not 200 <= status < 300:
            busy = status in (429, 503)
            expected = NotProcessed if busy else Refused if 300 <= status < 500 else Unknown
            assert found == {expected}
