import base64
import json
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised, shown
from tests.wire.made import (
    CLIENT_SECRET,
    CREDENTIAL,
    NOW,
    PLAIN,
    PUBLIC,
    REDIRECT,
    STATE,
    TROPIPAY,
    VERIFIER,
    fuzz,
    pending,
    proof,
)
from tropipay_oauth._values.credential import Credential
from tropipay_oauth._values.errors import ConfigurationError, RecordMismatch
from tropipay_oauth._values.http import HTTPRequest
from tropipay_oauth._values.provider import BodyEncoding, ClientAuthentication, Provider
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._wire.authorization import validate_callback
from tropipay_oauth._wire.token_request import (
    client_credentials_request,
    code_request,
    refresh_request,
    revocation_request,
)

SCOPE = Scope.of("ALLOW_GET_BALANCE ALLOW_REFUND")
REFRESH = Secret("c2hvcDo5ZjNi:+/ab==")
NOBODY = Credential(client_id="the-client")


def credentials(provider: Provider = TROPIPAY, credential: Credential = CREDENTIAL, scope: Scope = SCOPE) -> HTTPRequest:
    return client_credentials_request(provider, credential, scope, timeout=20.0)


def code(provider: Provider = TROPIPAY, credential: Credential = CREDENTIAL, **changes: Any) -> HTTPRequest:
    return code_request(provider, credential, proof(provider, **changes), timeout=20.0)


def refresh(provider: Provider = TROPIPAY, credential: Credential = CREDENTIAL, **changes: Any) -> HTTPRequest:
    return refresh_request(provider, credential, REFRESH, timeout=20.0, **changes)


def revocation(provider: Provider = PLAIN, credential: Credential = CREDENTIAL) -> HTTPRequest:
    return revocation_request(provider, credential, REFRESH, "refresh_token", timeout=20.0)


# -- Octet by octet ------------------------------------------------------------------------------------------------


def test_client_credentials_as_tropipay_takes_them() -> None:
    request = credentials()
    assert (request.method, request.url) == ("POST", "https://www.tropipay.com/api/v3/access/token")
    assert list(request.headers) == [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("User-Agent", "MyShop/1.0"),
    ]
    assert request.body == (
        b'{"grant_type":"client_credentials","client_id":"the-client","client_secret":"client-secret-Zx81/q+7~t",'
        b'"scope":"ALLOW_GET_BALANCE ALLOW_REFUND"}'
    )
    assert (request.replayable, request.fresh_connection, request.timeout) == (True, False, 20.0)


def test_a_code_as_tropipay_takes_it() -> None:
    request = code()
    assert request.url == "https://www.tropipay.com/api/v2/access/token"
    assert request.body == (
        b'{"grant_type":"authorization_code","code":"the-code","redirect_uri":"https://app.example/callback",'
        b'"client_id":"the-client","client_secret":"client-secret-Zx81/q+7~t",'
        b'"code_verifier":"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk","scope":"ALLOW_GET_BALANCE ALLOW_REFUND"}'
    )
    assert (request.replayable, request.fresh_connection, request.timeout) == (False, True, 20.0)


def test_a_refresh_token_as_tropipay_takes_it() -> None:
    request = refresh()
    assert request.url == "https://www.tropipay.com/api/v2/access/token"
    assert request.body == (
        b'{"grant_type":"refresh_token","refresh_token":"c2hvcDo5ZjNi:+/ab==",'
        b'"client_id":"the-client","client_secret":"client-secret-Zx81/q+7~t"}'
    )
    assert (request.replayable, request.fresh_connection, request.timeout) == (False, True, 20.0)
    assert refresh(replayable=True).replayable
    assert refresh(replayable=True).fresh_connection


def test_the_three_grants_as_the_standard_writes_them() -> None:
    basic = f"Basic {base64.b64encode(b'the-client:client-secret-Zx81%2Fq%2B7~t').decode()}"
    assert dict(credentials(PLAIN).headers) == {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": "MyShop/1.0",
        "Authorization": basic,
    }
    assert credentials(PLAIN).body == b"grant_type=client_credentials&scope=ALLOW_GET_BALANCE+ALLOW_REFUND"
    assert code(PLAIN).body == (
        b"grant_type=authorization_code&code=the-code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"
        b"&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    assert refresh(PLAIN).body == b"grant_type=refresh_token&refresh_token=c2hvcDo5ZjNi%3A%2B%2Fab%3D%3D"
    for request in (credentials(PLAIN), code(PLAIN), refresh(PLAIN)):
        assert request.url == "https://as.example/token"
        assert request.headers.get("Authorization") == basic


def test_a_revocation_octet_by_octet() -> None:
    request = revocation()
    assert (request.method, request.url) == ("POST", "https://as.example/revoke")
    assert request.body == b"token=c2hvcDo5ZjNi%3A%2B%2Fab%3D%3D&token_type_hint=refresh_token"
    assert request.headers.get("Authorization") == credentials(PLAIN).headers.get("Authorization")
    assert (request.replayable, request.fresh_connection) == (True, False)


# -- The choices of the provider -----------------------------------------------------------------------------------


def test_an_empty_scope_is_left_out() -> None:
    assert b"scope" not in credentials(scope=Scope()).body
    assert b"scope" not in code(scope=Scope()).body
    assert b"scope" not in refresh(scope=Scope()).body


def test_a_refresh_may_ask_for_less() -> None:
    assert json.loads(refresh(scope=Scope.of("a b")).body)["scope"] == "a b"
    assert refresh(PLAIN, scope=Scope.of("a b")).body.endswith(b"&scope=a+b")


def test_the_scope_is_repeated_with_the_code_only_where_the_provider_wants_it() -> None:
    assert b"scope" not in code(attrs.evolve(TROPIPAY, scope_in_code_exchange=False)).body
    assert code(attrs.evolve(PLAIN, scope_in_code_exchange=True)).body.endswith(b"&scope=ALLOW_GET_BALANCE+ALLOW_REFUND")


def test_a_public_client_names_itself_and_shows_no_secret() -> None:
    for credential in (NOBODY, CREDENTIAL):
        for request in (code(PUBLIC, credential), refresh(PUBLIC, credential)):
            members = parse_qsl(request.body.decode(), strict_parsing=True)
            assert [value for name, value in members if name.startswith("client_")] == ["the-client"]
            assert "Authorization" not in request.headers


@pytest.mark.parametrize("authentication", list(ClientAuthentication))
def test_the_encoding_changes_the_octets_and_not_the_parameters(authentication: ClientAuthentication) -> None:
    provider = attrs.evolve(PLAIN, client_authentication=authentication, scope_in_code_exchange=True)
    as_json = attrs.evolve(provider, body_encoding=BodyEncoding.JSON)
    for make in (code, refresh, revocation):
        form_body, json_body = make(provider).body, make(as_json).body
        assert dict(parse_qsl(form_body.decode(), strict_parsing=True)) == json.loads(json_body)


@pytest.mark.parametrize("authentication", list(ClientAuthentication))
def test_the_client_authenticates_in_one_way_and_once(authentication: ClientAuthentication) -> None:
    provider = attrs.evolve(PLAIN, client_authentication=authentication)
    for request in (code(provider), refresh(provider), revocation(provider)):
        in_header = "Authorization" in request.headers
        in_body = request.body.count(b"client_secret=")
        assert (in_header, in_body, request.body.count(b"client_id=")) == {
            ClientAuthentication.BASIC: (True, 0, 0),
            ClientAuthentication.BODY: (False, 1, 1),
            ClientAuthentication.NONE: (False, 0, 1),
        }[authentication]
        assert CLIENT_SECRET not in request.url


@pytest.mark.parametrize("authentication", [ClientAuthentication.BASIC, ClientAuthentication.BODY])
def test_a_client_without_its_secret_is_refused(authentication: ClientAuthentication) -> None:
    provider = attrs.evolve(PLAIN, client_authentication=authentication)
    for make in (credentials, code, refresh, revocation):
        with pytest.raises(ConfigurationError, match="give the credential a client_secret"):
            make(provider, NOBODY)


def test_client_credentials_are_for_clients_that_authenticate() -> None:
    with pytest.raises(ConfigurationError, match="client_authentication to BODY or BASIC"):
        credentials(PUBLIC)
    with pytest.raises(ConfigurationError, match="client_secret"):
        credentials(TROPIPAY, NOBODY)


def test_a_provider_without_revocation_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no revocation_endpoint"):
        revocation(TROPIPAY)


@pytest.mark.parametrize("text", ["", "a\n", "é", "\ud800"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="refresh_token is empty"):
        refresh_request(TROPIPAY, CREDENTIAL, Secret(text), timeout=20.0)
    with pytest.raises(ConfigurationError, match="token is empty"):
        revocation_request(PLAIN, CREDENTIAL, Secret(text), "access_token", timeout=20.0)


# -- The proof -----------------------------------------------------------------------------------------------------


def test_a_code_goes_to_the_token_endpoint_of_its_own_authorization() -> None:
    moved = attrs.evolve(TROPIPAY, user_token_endpoint="https://evil.example/token")
    begun = proof(TROPIPAY)
    assert code_request(moved, CREDENTIAL, begun, timeout=20.0).url == "https://www.tropipay.com/api/v2/access/token"


def test_a_code_goes_to_no_other_issuer_and_from_no_other_client() -> None:
    with pytest.raises(RecordMismatch, match="another provider or client"):
        code_request(PLAIN, CREDENTIAL, proof(TROPIPAY), timeout=20.0)
    with pytest.raises(RecordMismatch, match="another provider or client"):
        code_request(TROPIPAY, Credential(client_id="b", client_secret="c"), proof(TROPIPAY), timeout=20.0)


def test_the_verifier_and_the_redirect_uri_are_those_of_the_flow() -> None:
    members = json.loads(code(redirect_uri="http://127.0.0.1:5000/cb?x=1", code_verifier="v" * 43).body)
    assert members["redirect_uri"] == "http://127.0.0.1:5000/cb?x=1"
    assert members["code_verifier"] == "v" * 43


# -- Secrets -------------------------------------------------------------------------------------------------------


def test_no_request_and_no_failure_shows_a_secret() -> None:
    secret = Credential(client_id="the-client", client_secret=CANARY)
    begun = validate_callback(pending(PLAIN), Secret(f"{REDIRECT}?code=canary-Zx81&state={STATE}"), NOW)
    for provider in (PLAIN, attrs.evolve(PLAIN, client_authentication=ClientAuthentication.BODY)):
        assert not leaks(shown(credentials(provider, secret)))
        assert not leaks(shown(refresh_request(provider, CREDENTIAL, Secret(CANARY), timeout=20.0)))
        assert not leaks(shown(code_request(provider, secret, begun, timeout=20.0)))
        assert not leaks(raised(lambda provider=provider: client_credentials_request(provider, secret, SCOPE, timeout=-1)))  # type: ignore[misc]
        assert not leaks(raised(lambda provider=provider: code_request(provider, secret, begun, timeout=-1)))  # type: ignore[misc]
    assert VERIFIER not in repr(code())


PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30)


@fuzz
@given(PRINTABLE, PRINTABLE, PRINTABLE)
def test_the_server_reads_exactly_what_was_meant(client_id: str, client_secret: str, refresh_token: str) -> None:
    credential = Credential(client_id=client_id, client_secret=client_secret)
    in_body = attrs.evolve(PLAIN, client_authentication=ClientAuthentication.BODY)
    meant = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": client_id,
        "client_secret": client_secret,
    }
    request = refresh_request(in_body, credential, Secret(refresh_token), timeout=20.0)
    assert dict(parse_qsl(request.body.decode(), strict_parsing=True, keep_blank_values=True)) == meant
    assert json.loads(refresh_request(TROPIPAY, credential, Secret(refresh_token), timeout=20.0).body) == meant
    header = refresh_request(PLAIN, credential, Secret(refresh_token), timeout=20.0).headers.get("Authorization") or ""
    halves = base64.b64decode(header.removeprefix("Basic ")).decode().split(":")
    assert [unquote_plus(half) for half in halves] == [client_id, client_secret]
