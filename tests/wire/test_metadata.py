import json
from typing import Any

import pytest
from hypothesis import given

from tests.wire.made import MEMBERS, flips, fuzz, reply, responses
from tropipay_oauth._values import urls
from tropipay_oauth._values.errors import ConfigurationError, MetadataError, TropiPayOAuthError
from tropipay_oauth._values.http import HTTPResponse
from tropipay_oauth._values.provider import BodyEncoding, ClientAuthentication, IssuerParameter, Provider
from tropipay_oauth._wire.metadata import metadata_request, provider_from_metadata

ISSUER = "https://as.example"
GOOD = {
    "issuer": ISSUER,
    "token_endpoint": "https://as.example/token",
    "authorization_endpoint": "https://as.example/authorize",
    "revocation_endpoint": "https://as.example/revoke",
    "response_types_supported": ["code"],
    "code_challenge_methods_supported": ["plain", "S256"],
    "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", "client_secret_basic"],
    "authorization_response_iss_parameter_supported": True,
    "jwks_uri": "http://169.254.169.254/latest",
}


def read(members: Any = None, *, issuer: str = ISSUER, response: HTTPResponse | None = None, **given: Any) -> Provider:
    return provider_from_metadata(issuer, response or reply(200, GOOD | (members or {})), **given)


def code_of(members: Any = None, **given: Any) -> str:
    with pytest.raises(MetadataError) as refused:
        read(members, **given)
    assert refused.value.__context__ is None or refused.value.__suppress_context__
    return refused.value.code


# -- The request ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://h.example", "https://h.example/.well-known/oauth-authorization-server"),
        ("https://h.example/", "https://h.example/.well-known/oauth-authorization-server"),
        ("https://h.example/issuer1", "https://h.example/.well-known/oauth-authorization-server/issuer1"),
        ("https://h.example/issuer1/", "https://h.example/.well-known/oauth-authorization-server/issuer1"),
        ("https://h.example:8443/a/b", "https://h.example:8443/.well-known/oauth-authorization-server/a/b"),
        ("https://H.example/A", "https://h.example/.well-known/oauth-authorization-server/A"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/.well-known/oauth-authorization-server"),
        ("http://[::1]:8080/x", "http://[::1]:8080/.well-known/oauth-authorization-server/x"),
    ],
)
def test_the_well_known_path_goes_between_host_and_path(issuer: str, url: str) -> None:
    request = metadata_request(issuer, timeout=5.0)
    assert (request.method, request.url, request.body) == ("GET", url, b"")
    assert list(request.headers) == [("Accept", "application/json")]
    assert (request.replayable, request.fresh_connection, request.timeout) == (True, False, 5.0)
    assert metadata_request(issuer).timeout == 30.0


@pytest.mark.parametrize(
    "issuer",
    [
        *("http://h.example", "https://h.example?a=b", "https://h.example/?", "https://h.example/#a", "h.example", "/", ""),
        *("https://user@h.example", "http://localhost", "https://h.example.", "https://h.example\\@evil.example"),
    ],
)
def test_what_is_no_issuer_is_not_asked(issuer: str) -> None:
    with pytest.raises(ConfigurationError):
        metadata_request(issuer)
    with pytest.raises(ConfigurationError):
        read({"issuer": issuer}, issuer=issuer)


# -- The provider --------------------------------------------------------------------------------------------------


def test_the_metadata_makes_a_provider() -> None:
    assert read(api_base="https://api.example/v1/") == Provider(
        name=ISSUER,
        issuer=ISSUER,
        token_endpoint="https://as.example/token",
        authorization_endpoint="https://as.example/authorize",
        revocation_endpoint="https://as.example/revoke",
        api_base="https://api.example/v1/",
        resource_origins=("https://api.example",),
        body_encoding=BodyEncoding.FORM,
        client_authentication=ClientAuthentication.BASIC,
        issuer_parameter=IssuerParameter.REQUIRED,
        pkce_confirmed=True,
    )


def test_little_metadata_is_enough() -> None:
    least = reply(200, {"issuer": ISSUER, "token_endpoint": "https://as.example/token", "authorization_endpoint": None})
    provider = read(response=least)
    assert (provider.authorization_endpoint, provider.revocation_endpoint, provider.api_base) == (None, None, None)
    assert provider.client_authentication is ClientAuthentication.BASIC
    assert provider.issuer_parameter is IssuerParameter.COMPARED
    assert provider.pkce_confirmed is False
    assert provider.resource_origins == ()


def test_what_the_metadata_does_not_tell_is_given() -> None:
    provider = read(
        api_base="https://api.example/",
        resource_origins=("https://other.example",),
        body_encoding=BodyEncoding.JSON,
        client_authentication=ClientAuthentication.NONE,
    )
    assert provider.resource_origins == ("https://other.example",)
    assert provider.body_encoding is BodyEncoding.JSON
    assert provider.client_authentication is ClientAuthentication.NONE
    with pytest.raises(ConfigurationError):
        read(api_base="http://api.example")


@pytest.mark.parametrize(
    ("response", "code"),
    [
        *((reply(status, GOOD), "status") for status in (100, 201, 204, 301, 302, 400, 404, 500)),
        (reply(200, GOOD, Content_Type="text/html"), "media_type"),
        (reply(200, GOOD, Content_Type="application/problem+json"), "media_type"),
        (reply(200, GOOD, Content_Type=""), "media_type"),
        (reply(200, []), "not_an_object"),
        (reply(200, body=b""), "malformed_json"),
        (reply(200, body=b'{"issuer":"https://as.example","issuer":"https://as.example"}'), "duplicate_member"),
        (reply(200, body=b"\xff"), "not_utf8"),
        (reply(200, {}), "issuer_mismatch"),
    ],
)
def test_only_a_200_with_a_json_object_is_used(response: HTTPResponse, code: str) -> None:
    assert code_of(response=response) == code


@pytest.mark.parametrize("named", [None, 5, "", f"{ISSUER}/", "https://AS.example", "https://as.example:443", [ISSUER]])
def test_the_issuer_is_compared_code_point_by_code_point(named: object) -> None:
    assert code_of({"issuer": named}) == "issuer_mismatch"


def test_an_issuer_with_a_trailing_slash_is_itself() -> None:
    assert read({"issuer": f"{ISSUER}/"}, issuer=f"{ISSUER}/").issuer == f"{ISSUER}/"


@pytest.mark.parametrize("name", ["token_endpoint", "authorization_endpoint", "revocation_endpoint"])
@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://as.example/token",
            "https://as.example/token#",
            "/token",
            "token",
            "",
            5,
            True,
            ["https://as.example/token"],
            {},
        ),
        *(
            "https://evil.example/token",
            "https://as.example.evil.example/",
            "https://as.example./token",
            "https://as.example:8443/token",
        ),
        *(
            "https://as.example@evil.example/",
            "https://as@evil.example/",
            "https://as@as.example/token",
            "https://as.example\\@evil",
        ),
        *(
            "http://169.254.169.254/",
            "https://169.254.169.254/",
            "https://10.0.0.1/",
            "https://[fe80::1]/",
            "https://2130706433/",
        ),
        *(
            "http://127.0.0.1/token",
            "https://127.0.0.1/token",
            "https://localhost/token",
            "http://localhost/token",
            "https://[::1]/",
        ),
        *(
            "https://\u0430s.example/token",
            "https://as.example/\ntoken",
            "https://as.example/" + "x" * 9000,
            "javascript:alert(1)",
        ),
    ],
)
def test_an_endpoint_elsewhere_is_refused(name: str, url: object) -> None:
    assert code_of({name: url}) == "endpoint"


def test_an_endpoint_at_an_allowed_origin_is_used() -> None:
    url = "https://login.example:8443/token?v=2"
    assert code_of({"token_endpoint": url}) == "endpoint"
    assert code_of({"token_endpoint": url}, endpoint_origins=("https://login.example",)) == "endpoint"
    assert read({"token_endpoint": url}, endpoint_origins=("https://login.example:8443",)).token_endpoint == url
    assert read({"token_endpoint": "https://AS.example/t"}).token_endpoint == "https://AS.example/t"


@pytest.mark.parametrize(
    "allowed", [("https://login.example/",), ("https://Login.example",), ("login.example",), "https://login.example"]
)
def test_an_allowed_origin_is_an_origin(allowed: Any) -> None:
    with pytest.raises(ConfigurationError):
        read(endpoint_origins=allowed)


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8080", "http://[::1]:8080", "https://127.0.0.1"])
def test_a_loopback_issuer_has_its_endpoints_there(issuer: str) -> None:
    there = {"issuer": issuer, "token_endpoint": f"{issuer}/token"}
    assert read(response=reply(200, there), issuer=issuer).token_endpoint == f"{issuer}/token"
    for elsewhere in ("http://127.0.0.2:8080/token", "https://10.0.0.1/token", "http://127.0.0.1:9090/token"):
        assert code_of(response=reply(200, there | {"token_endpoint": elsewhere}), issuer=issuer) == "endpoint"


def test_an_ip_address_is_refused_even_where_it_would_be_allowed() -> None:
    at = {"issuer": "https://10.0.0.1", "token_endpoint": "https://10.0.0.1/token"}
    assert code_of(response=reply(200, at), issuer="https://10.0.0.1") == "endpoint"
    assert code_of({"token_endpoint": "https://10.0.0.1/token"}, endpoint_origins=("https://10.0.0.1",)) == "endpoint"
    assert code_of({"token_endpoint": "https://127.0.0.1/t"}, endpoint_origins=("https://127.0.0.1",)) == "endpoint"


def test_the_token_endpoint_is_needed() -> None:
    assert code_of({"token_endpoint": None}) == "no_token_endpoint"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, ClientAuthentication.BASIC),
        (["client_secret_basic"], ClientAuthentication.BASIC),
        (["none", "client_secret_post", "client_secret_basic"], ClientAuthentication.BASIC),
        (["none", "client_secret_post"], ClientAuthentication.BODY),
        (["private_key_jwt", "none"], ClientAuthentication.NONE),
    ],
)
def test_the_client_authenticates_as_the_server_offers(offered: object, chosen: ClientAuthentication) -> None:
    assert read({"token_endpoint_auth_methods_supported": offered}).client_authentication is chosen


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client_authentication"),
        ({"token_endpoint_auth_methods_supported": []}, "client_authentication"),
        ({"token_endpoint_auth_methods_supported": "client_secret_basic"}, "malformed_member"),
        ({"token_endpoint_auth_methods_supported": [1]}, "malformed_member"),
        ({"code_challenge_methods_supported": ["plain"]}, "pkce_unsupported"),
        ({"code_challenge_methods_supported": []}, "pkce_unsupported"),
        ({"code_challenge_methods_supported": ["s256"]}, "pkce_unsupported"),
        ({"code_challenge_methods_supported": "S256"}, "malformed_member"),
        ({"code_challenge_methods_supported": [["S256"]]}, "malformed_member"),
    ],
)
def test_a_server_that_cannot_be_spoken_to_is_refused(members: Any, code: str) -> None:
    assert code_of(members) == code


@pytest.mark.parametrize(("methods", "confirmed"), [(None, False), (["S256"], True), (["plain", "S256"], True)])
def test_pkce_is_confirmed_or_not_signalled(methods: object, confirmed: bool) -> None:
    assert read({"code_challenge_methods_supported": methods}).pkce_confirmed is confirmed


@pytest.mark.parametrize(
    ("promised", "kind"), [(True, "required"), (False, "compared"), (None, "compared"), ("true", "compared"), (1, "compared")]
)
def test_an_issuer_parameter_is_required_where_it_is_promised(promised: object, kind: str) -> None:
    assert read({"authorization_response_iss_parameter_supported": promised}).issuer_parameter == kind


def outcome(response: HTTPResponse) -> object:
    try:
        return read(response=response)
    except TropiPayOAuthError as refused:
        assert str(refused).isprintable()  # noqa: PT017  # of any of them
        return refused


@fuzz
@given(
    responses()
    | MEMBERS.map(lambda members: reply(200, GOOD | members))
    | flips(json.dumps(GOOD).encode()).map(lambda body: reply(200, body=body))
)
def test_any_reply_makes_a_provider_or_is_refused(response: HTTPResponse) -> None:
    found = outcome(response)
    assert type(found) in (Provider, MetadataError)
    if isinstance(found, Provider):
        assert found.issuer == ISSUER
        places = [found.token_endpoint, found.authorization_endpoint, found.revocation_endpoint]
        assert {urls.origin("an endpoint", url) for url in places if url is not None} == {ISSUER}
