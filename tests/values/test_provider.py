import copy
import pickle
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

import attrs
import pytest

from tropipay_oauth._values.errors import ConfigurationError
from tropipay_oauth._values.provider import (
    PRODUCTION,
    SANDBOX,
    YEAR,
    BodyEncoding,
    ClientAuthentication,
    IssuerParameter,
    Provider,
)
from tropipay_oauth._values.token import GrantType

ENDPOINTS = ["token_endpoint", "user_token_endpoint", "authorization_endpoint", "revocation_endpoint", "api_base", "issuer"]


provider: Callable[..., Provider] = partial(
    Provider, name="own", issuer="https://as.example", token_endpoint="https://as.example/token"
)


def test_tropipay_is_known() -> None:
    assert PRODUCTION.issuer == "https://www.tropipay.com"
    assert PRODUCTION.token_endpoint == "https://www.tropipay.com/api/v3/access/token"
    assert PRODUCTION.user_token_endpoint == "https://www.tropipay.com/api/v2/access/token"
    assert PRODUCTION.authorization_endpoint == "https://www.tropipay.com/api/v2/access/authorize"
    assert PRODUCTION.resource_origins == ("https://www.tropipay.com",)
    assert SANDBOX.api_base == "https://sandbox.tropipay.me/api/v3/"
    assert SANDBOX.resource_origins == ("https://sandbox.tropipay.me",)
    assert SANDBOX.body_encoding is BodyEncoding.JSON
    assert SANDBOX.client_authentication is ClientAuthentication.BODY
    assert SANDBOX.notices == PRODUCTION.notices == ()


def test_other_servers_follow_the_rfc_by_default() -> None:
    made = provider()
    assert made.body_encoding is BodyEncoding.FORM
    assert made.client_authentication is ClientAuthentication.BASIC
    assert made.issuer_parameter is IssuerParameter.COMPARED
    assert made.resource_origins == ()
    assert made.default_token_type is None


def test_each_grant_has_its_token_endpoint() -> None:
    assert SANDBOX.endpoint(GrantType.CLIENT_CREDENTIALS) == SANDBOX.token_endpoint
    assert SANDBOX.endpoint(GrantType.AUTHORIZATION_CODE) == SANDBOX.user_token_endpoint
    assert SANDBOX.endpoint(GrantType.REFRESH_TOKEN) == SANDBOX.user_token_endpoint
    assert provider().endpoint(GrantType.REFRESH_TOKEN) == "https://as.example/token"


@pytest.mark.parametrize("server", ["https://H.example", "https://h.example/", "https://h.example:443", "HTTPS://h.example:443/"])
def test_a_server_is_named_by_its_origin(server: str) -> None:
    made = Provider.for_server(server, name="x")
    assert made == Provider.for_server("https://h.example", name="x")
    assert made.token_endpoint == "https://h.example/api/v3/access/token"


@pytest.mark.parametrize(
    "server",
    [
        *("https://h/api", "https://h//", "https://h/?", "https://h?a=b", "https://h/?a", "https://h/;a", "https://h/."),
        *("https://h/%2e", "https://h/#", "http://h", "h", "https://u@h", "https://h.", "", "http://localhost:1"),
    ],
)
def test_a_server_with_more_than_an_origin_is_refused(server: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^the server "):
        Provider.for_server(server)


def test_a_local_server_is_named_by_address_or_by_opt_in() -> None:
    assert Provider.for_server("http://127.0.0.1:8080").name == "http://127.0.0.1:8080"
    assert Provider.for_server("http://[::1]:8080").resource_origins == ("http://[::1]:8080",)
    assert Provider.for_server("http://localhost:1", allow_localhost=True).issuer == "http://localhost:1"


@pytest.mark.parametrize("version", ["", "../x", "v3/x", "v3?x", "v3#", "..", ".", "v 3", "é", "x" * 33, None])
def test_a_version_is_one_segment_of_a_path(version: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^api_version"):
        Provider.for_server("https://h", api_version=version)
    with pytest.raises(ConfigurationError, match=r"^authorization_version"):
        Provider.for_server("https://h", authorization_version=version)


def test_versions_may_be_chosen() -> None:
    made = Provider.for_server("https://h", api_version="v4", authorization_version="v4.1")
    assert made.endpoint(GrantType.REFRESH_TOKEN) == "https://h/api/v4.1/access/token"
    assert made.api_base == "https://h/api/v4/"


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("url", ["http://h/", "https://u:p@h/", "https://h/#", "https://h./", "https://h\\a/", "/a", "", 5])
def test_an_endpoint_that_must_not_get_secrets_is_refused_by_name(name: str, url: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} of the provider "):
        provider(**{name: url})


@pytest.mark.parametrize("name", ["issuer", "token_endpoint"])
def test_what_every_provider_has_is_not_none(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} "):
        provider(**{name: None})


@pytest.mark.parametrize("name", ENDPOINTS)
def test_localhost_is_an_opt_in_for_each_endpoint(name: str) -> None:
    assert getattr(provider(allow_localhost=True, **{name: "http://localhost:1/a"}), name) == "http://localhost:1/a"
    with pytest.raises(ConfigurationError, match="allow_localhost"):
        provider(**{name: "http://localhost:1/a"})


def test_an_issuer_has_no_query() -> None:
    with pytest.raises(ConfigurationError, match="query") as caught:
        provider(issuer="https://h/?a")
    assert caught.value.code == "issuer"


@pytest.mark.parametrize("origin", ["https://H", "https://h/", "https://h:443", "https://h?", "https://h/a", "http://h", "h"])
def test_an_origin_is_written_in_its_one_form(origin: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^a resource origin "):
        provider(resource_origins=(origin,))


@pytest.mark.parametrize("origins", ["https://h", 5, None])
def test_origins_are_a_list(origins: Any) -> None:
    with pytest.raises(ConfigurationError, match="list of origins"):
        provider(resource_origins=origins)


def test_origins_are_kept_as_a_tuple() -> None:
    assert provider(resource_origins=["https://a", "https://b:1"]).resource_origins == ("https://a", "https://b:1")


@pytest.mark.parametrize("name", ["body_encoding", "client_authentication", "issuer_parameter"])
def test_a_choice_may_be_a_text_and_is_refused_with_the_choices(name: str) -> None:
    kind: type[StrEnum] = type(getattr(provider(), name))
    for one in kind:
        assert getattr(provider(**{name: one.value}), name) is one
    with pytest.raises(ConfigurationError, match=next(iter(kind)).value) as caught:
        provider(**{name: "something"})
    assert caught.value.code == "choice"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 101 * YEAR, None, "1", True])
def test_a_longest_life_is_a_time(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match="seconds"):
        provider(max_lifetime=seconds)


@pytest.mark.parametrize("name", [None, "a\nb", "\x1b[31m"])
def test_a_name_is_one_line(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^name "):
        provider(name=name)


def test_providers_are_values() -> None:
    made = attrs.evolve(SANDBOX, pkce_confirmed=True, body_encoding="form")
    assert made.body_encoding is BodyEncoding.FORM
    assert made.token_endpoint == SANDBOX.token_endpoint
    assert attrs.evolve(SANDBOX) == SANDBOX
    assert hash(attrs.evolve(SANDBOX)) == hash(SANDBOX)
    assert copy.deepcopy(SANDBOX) == copy.copy(SANDBOX) == pickle.loads(pickle.dumps(SANDBOX)) == SANDBOX  # noqa: S301
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        SANDBOX.name = "x"  # type: ignore[misc]  # the very point
    with pytest.raises(ConfigurationError):
        attrs.evolve(SANDBOX, token_endpoint="http://evil.example/")


def test_a_copy_with_another_api_keeps_the_places_that_may_see_the_token() -> None:
    made = attrs.evolve(SANDBOX, api_base="https://elsewhere.example/")
    assert made.resource_origins == SANDBOX.resource_origins


def test_the_old_development_server_comes_with_a_notice() -> None:
    (notice,) = Provider.for_server("https://TropiPay-dev.herokuapp.com").notices
    assert "SANDBOX" in notice
