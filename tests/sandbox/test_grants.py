"""The token endpoint: who gets tokens, for what, and who does not."""

import base64
import json
from typing import Any

import pytest

from tests.sandbox.driver import CALLBACK, FORM, TOKEN, VERIFIER, Driver, basic, is_error, members, s256
from tropipay_oauth import Entropy
from tropipay_oauth.sandbox import Behaviour, Sandbox


@pytest.mark.parametrize("path", [TOKEN, "/api/v3/access/token"])
def test_client_credentials_bring_a_token_as_tropipay_sends_it(driver: Driver, path: str) -> None:
    response = driver.token("client_credentials", path=path, scope="ALLOW_GET_BALANCE")
    body = members(response)
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in", "scope"}
    assert body["token_type"] == "Bearer"
    assert body["scope"] == "ALLOW_GET_BALANCE"
    assert body["expires_in"] == driver.now + 86400
    claims = body["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (claims["iat"], claims["exp"], claims["id"]) == (driver.now, driver.now + 86400, driver.client_id)


@pytest.mark.parametrize("path", [TOKEN, "/api/v3/access/token"])
def test_all_three_grants_work_at_both_versions(driver: Driver, path: str) -> None:
    body = members(driver.exchange(driver.code(), path=path))
    renewed = driver.refresh(body["refresh_token"], path=path)
    assert renewed.status == 200
    assert driver.alive(members(renewed)["access_token"])


def test_tokens_are_never_kept_by_a_cache(driver: Driver) -> None:  # RFC6749-5.1-07, RFC6749-5.1-08
    response = driver.token("client_credentials")
    assert response.headers.get("Cache-Control") == "no-store"
    assert response.headers.get("Pragma") == "no-cache"
    assert (response.headers.get("Content-Type") or "").startswith("application/json")


# -- the form of the request


def test_a_form_body_is_accepted_as_curl_sends_it(driver: Driver) -> None:
    body = f"grant_type=client_credentials&client_id={driver.client_id}&client_secret={driver.secret}"
    assert driver.form(TOKEN, body).status == 200


def test_a_server_by_the_book_takes_forms_only() -> None:  # RFC6749-3.2-05
    driver = Driver(Behaviour.standard())
    assert is_error(driver.token("client_credentials"), "invalid_request")
    assert driver.form(TOKEN, {"grant_type": "client_credentials", **driver.credentials()}).status == 200


def test_a_server_may_take_json_only() -> None:
    driver = Driver(Behaviour(body="json"))
    assert is_error(driver.form(TOKEN, {"grant_type": "client_credentials", **driver.credentials()}), "invalid_request")
    assert driver.token("client_credentials").status == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b"{}"),
        ("application/json", b""),
        ("application/json", b"[]"),
        ("application/json", b"{"),
        ("application/json", b'{"grant_type": NaN}'),
        ("application/json", b'{"grant_type": 1}'),
        ("application/json", b'{"grant_type": "\\ud800"}'),
        ("application/json", b'{"grant_type": "refresh_token", "grant_type": "client_credentials"}'),
        ("application/json", b'{"x": {"a": 1, "a": 2}, "grant_type": "client_credentials"}'),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"x": ' + b"9" * 5000 + b"}"),
        ("application/json", b'\xef\xbb\xbf{"grant_type": "client_credentials"}'),
        ("application/json", '{"grant_type": "client_credentials"}'.encode("utf-16")),
        ("application/json", b'{"grant_type": "' + b"x" * (1 << 20) + b'"}'),
        (FORM, b"grant_type=%zz"),
        (FORM, b"grant_type=%ff"),
        (FORM, b"grant_type=\xff"),
        (FORM, b"grant_type=" + b"x" * (1 << 20)),
        (FORM, b"&".join(b"a%d=" % n for n in range(1001))),
        (FORM, b""),
        (FORM, b"grant_type="),
        (FORM, b"grant_type=client_credentials&grant_type=client_credentials"),
    ],
)
def test_a_malformed_token_request_is_refused(driver: Driver, kind: str, body: bytes) -> None:  # RFC6749-3.2-03
    assert is_error(driver.send("POST", TOKEN, {"Content-Type": kind}, body), "invalid_request")


@pytest.mark.parametrize("headers", [(), [("Content-Type", "application/json")] * 2])
def test_a_request_without_one_media_type_is_refused(driver: Driver, headers: Any) -> None:
    assert is_error(driver.send("POST", TOKEN, headers, b"{}"), "invalid_request")


def test_empty_parameters_are_left_out_and_unknown_ones_ignored(driver: Driver) -> None:  # RFC6749-3.2-03
    whole = driver.service()["scope"]
    assert driver.service(scope="", code="", foo={"bar": [1, None]}, resource=None)["scope"] == whole


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_the_token_endpoint_takes_post_only(driver: Driver, method: str) -> None:
    response = driver.send(method, TOKEN)
    assert (response.status, response.headers.get("Allow")) == (405, "POST")


def test_an_unknown_grant_type_is_unsupported(driver: Driver) -> None:  # RFC6749-5.2-05
    assert is_error(driver.token("password", username="a", password="b"), "unsupported_grant_type")


# -- scope


def test_without_a_scope_the_client_gets_all_of_its_own(driver: Driver) -> None:  # RFC6749-3.3-02
    client = driver.sandbox.register(client_name="Small", scopes="A B")
    assert members(driver.token("client_credentials", client=client))["scope"] == "A B"


def test_a_client_without_scopes_must_fail(driver: Driver) -> None:  # RFC6749-3.3-02
    client = driver.sandbox.register(client_name="None", scopes=())
    assert is_error(driver.token("client_credentials", client=client), "invalid_scope")


def test_a_scope_beyond_the_clients_own_is_refused(driver: Driver) -> None:  # RFC6749-5.2-05
    assert is_error(driver.token("client_credentials", scope="ALLOW_GET_BALANCE EVERYTHING"), "invalid_scope")


def test_a_trimmed_scope_is_told_and_is_what_the_token_can_do() -> None:  # RFC6749-3.3-01
    driver = Driver(Behaviour(scope_reply="narrowed"))
    body = driver.service(scope="ALLOW_GET_BALANCE ALLOW_GET_PROFILE_DATA")
    assert body["scope"] == "ALLOW_GET_BALANCE"
    assert driver.get("/api/v2/users/balance", body["access_token"]).status == 200
    assert driver.get("/api/v2/users/profile", body["access_token"]).status == 403


# -- what a client may do


def test_a_public_client_has_no_credentials_of_its_own(driver: Driver) -> None:  # RFC6749-2.3-02
    client = driver.sandbox.register(client_name="App", public=True)
    assert is_error(driver.token("client_credentials", client=client), "unauthorized_client")
    assert is_error(driver.token("client_credentials", client=client, client_secret="anything"), "unauthorized_client")


def test_a_public_client_is_refused_client_credentials_even_if_registered_for_them(driver: Driver) -> None:  # RFC6749-2.3-02
    client = driver.sandbox.register(client_name="App", public=True, grant_types=["client_credentials"])
    assert is_error(driver.token("client_credentials", client=client), "unauthorized_client")


def test_a_client_may_be_kept_from_a_grant(driver: Driver) -> None:  # RFC6749-5.2-05
    client = driver.sandbox.register(client_name="Web", grant_types=["authorization_code"], redirect_uris=[CALLBACK])
    assert is_error(driver.token("client_credentials", client=client), "unauthorized_client")
    response = driver.exchange(driver.code(client_id=client.client_id), client=client)
    assert "refresh_token" not in members(response)


# -- authorization code


def test_a_code_brings_tokens_once(driver: Driver) -> None:  # RFC6749-4.1.2-04, RFC6749-10.5-01, OAUTH21-4.1.3-01
    code = driver.code()
    assert driver.exchange(code).status == 200
    assert is_error(driver.exchange(code), "invalid_grant")


def test_a_replayed_code_ends_the_tokens_that_it_brought(driver: Driver) -> None:  # RFC6749-4.1.2-05
    code = driver.code()
    body = members(driver.exchange(code))
    renewed = members(driver.refresh(body["refresh_token"]))
    driver.exchange(code)
    assert not driver.alive(body["access_token"])
    assert not driver.alive(renewed["access_token"])
    assert is_error(driver.refresh(renewed["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 43}, {"code_verifier": None}, {"redirect_uri": "http://127.0.0.1:6000/callback"}]
)
def test_a_replay_that_is_wrong_in_anything_else_harms_nobody(
    driver: Driver, changes: dict[str, Any]
) -> None:  # OAUTH21-7.5.2-01
    code = driver.code()
    body = members(driver.exchange(code))
    assert is_error(driver.exchange(code, **changes), "invalid_grant")
    assert driver.alive(body["access_token"])
    assert driver.refresh(body["refresh_token"]).status == 200


def test_a_replay_by_another_client_harms_nobody(driver: Driver) -> None:  # OAUTH21-7.5.2-01
    other = driver.sandbox.register(client_name="Other", redirect_uris=[CALLBACK])
    code = driver.code()
    body = members(driver.exchange(code))
    assert is_error(driver.exchange(code, client=other), "invalid_grant")
    assert driver.alive(body["access_token"])


def test_a_code_expires(driver: Driver) -> None:  # RFC6749-4.1.2-01
    code = driver.code()
    driver.now += 60
    assert is_error(driver.exchange(code), "invalid_grant")


def test_a_code_is_good_until_it_expires(driver: Driver) -> None:
    code = driver.code()
    driver.now += 59.9
    assert driver.exchange(code).status == 200


def test_a_code_belongs_to_its_client(driver: Driver) -> None:  # RFC6749-4.1.3-05
    other = driver.sandbox.register(client_name="Other", redirect_uris=[CALLBACK])
    code = driver.code()
    assert is_error(driver.exchange(code, client=other), "invalid_grant")
    assert driver.exchange(code).status == 200


def test_a_wrong_secret_leaves_the_code_unspent(driver: Driver) -> None:  # RFC6749-4.1.3-04
    code = driver.code()
    assert is_error(driver.exchange(code, client_secret="wrong"), "invalid_client")
    assert driver.exchange(code).status == 200


def test_an_unknown_code_is_refused(driver: Driver) -> None:  # RFC6749-5.2-04
    assert is_error(driver.exchange("no-such-code"), "invalid_grant")
    assert is_error(driver.exchange(""), "invalid_request")


@pytest.mark.parametrize("redirect_uri", [None, "http://127.0.0.1:5001/callback", CALLBACK + "/", "http://127.0.0.1/callback"])
def test_the_exchange_names_the_very_redirect_uri(
    driver: Driver, redirect_uri: str | None
) -> None:  # RFC6749-4.1.3-03, RFC6749-10.6-01
    assert is_error(driver.exchange(driver.code(), redirect_uri=redirect_uri), "invalid_grant")


def test_a_redirect_uri_that_was_left_out_may_be_left_out_again(driver: Driver) -> None:
    assert driver.exchange(driver.code(redirect_uri=None), redirect_uri=None).status == 200
    assert driver.exchange(driver.code(redirect_uri=None), redirect_uri="http://127.0.0.1/callback").status == 200
    assert is_error(driver.exchange(driver.code(redirect_uri=None)), "invalid_grant")


def test_a_server_of_both_generations_takes_an_exchange_without_redirect_uri() -> None:  # OAUTH21-10.2-01
    driver = Driver(Behaviour(exchange_redirect="optional"))
    assert driver.exchange(driver.code(), redirect_uri=None).status == 200
    assert is_error(driver.exchange(driver.code(), redirect_uri="http://127.0.0.1:5001/callback"), "invalid_grant")


@pytest.mark.parametrize(
    "verifier", [None, "", "w" * 43, VERIFIER.upper(), VERIFIER + "=", s256(VERIFIER), "short", "v" * 129, "é" * 43]
)
def test_only_the_right_verifier_will_do(driver: Driver, verifier: str | None) -> None:  # RFC7636-4.6-01, RFC9700-2.1.1-04
    code = driver.code()
    assert is_error(driver.exchange(code, code_verifier=verifier), "invalid_grant")
    assert driver.exchange(code).status == 200


def test_the_method_is_the_one_of_the_authorization_request(driver: Driver) -> None:  # RFC7636-4.6-02
    changes = {"code_challenge_method": "plain", "code_verifier": s256(VERIFIER)}
    assert is_error(driver.exchange(driver.code(), **changes), "invalid_grant")


def test_verifiers_of_two_flows_cannot_be_swapped(driver: Driver) -> None:  # RFC7636-4.4-01
    one, two = driver.code(code_challenge=s256("1" * 43)), driver.code(code_challenge=s256("2" * 43))
    assert is_error(driver.exchange(one, code_verifier="2" * 43), "invalid_grant")
    assert is_error(driver.exchange(two, code_verifier="1" * 43), "invalid_grant")


def test_a_verifier_without_a_challenge_is_a_downgrade() -> None:  # RFC9700-4.8.2-01
    driver = Driver(Behaviour(pkce="optional"))
    stripped = {"code_challenge": None, "code_challenge_method": None}
    assert is_error(driver.exchange(driver.code(**stripped)), "invalid_grant")
    assert driver.exchange(driver.code(**stripped), code_verifier=None).status == 200
    assert is_error(driver.exchange(driver.code(), code_verifier=None), "invalid_grant")


def test_tropipays_own_demo_needs_a_lenient_server() -> None:
    verifier = "1234-abcd-1234"
    challenge = "N2_wPQ7X9iP5bKXcw05rqHw1S7OwFuU4Nqi6ccr_LEs"
    strict, lenient = Driver(), Driver(Behaviour(verifier_length="lenient"))
    assert is_error(strict.exchange(strict.code(code_challenge=challenge), code_verifier=verifier), "invalid_grant")
    assert lenient.exchange(lenient.code(code_challenge=challenge), code_verifier=verifier).status == 200


def test_a_server_may_ignore_pkce() -> None:
    driver = Driver(Behaviour(pkce="ignored"))
    assert driver.exchange(driver.code(), code_verifier="anything").status == 200
    assert driver.exchange(driver.code(code_challenge=None), code_verifier=None).status == 200


def test_a_native_app_with_a_secret_cannot_do_without_pkce(driver: Driver) -> None:  # RFC8252-8.5-01
    assert driver.refusal(code_challenge=None, code_challenge_method=None)["error"] == "invalid_request"


def test_the_code_tells_nothing_of_the_challenge() -> None:  # RFC7636-4.4-02
    assert Driver().code() == Driver().code(code_challenge=s256("1" * 43))


def test_by_the_book_client_credentials_bring_no_refresh_token() -> None:  # RFC6749-4.4.3-01
    driver = Driver(Behaviour(refresh_with_client_credentials=False))
    assert "refresh_token" not in driver.service()


def test_tokens_of_another_sandbox_are_worthless(driver: Driver) -> None:  # RFC6750-5.3-04
    elsewhere = Driver()
    elsewhere.sandbox = Sandbox(entropy=Entropy(b"\x08" * 32))
    assert not elsewhere.alive(driver.service()["access_token"])


def test_basic_and_body_authentication_are_equal(driver: Driver) -> None:  # RFC6749-2.3.1-02
    response = driver.form(TOKEN, {"grant_type": "client_credentials"}, basic(driver.client_id, driver.secret))
    assert response.status == 200
