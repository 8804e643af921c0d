"""What a caller asks for, as a request."""

from typing import Any

import pytest

from tropipay_oauth import Credential, HTTPRequest, Provider
from tropipay_oauth.errors import ConfigurationError
from tropipay_oauth_adapters._calls import build_request, join

PROVIDER = Provider.for_server("https://api.example")
CREDENTIAL = Credential(client_id="shop", client_secret="s3cret", user_agent="Shop/2")


def build(method: str = "GET", path: str = "users/profile", **parts: Any) -> HTTPRequest:
    return build_request(PROVIDER, CREDENTIAL, method, path, **parts)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("users/profile", "https://api.example/api/v3/users/profile"),
        ("users?at=https://x", "https://api.example/api/v3/users?at=https://x"),
        ("/api/v2/users/balance", "https://api.example/api/v2/users/balance"),
        ("../v2/users", "https://api.example/api/v2/users"),
        ("https://other.example/x", "https://other.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("", "https://api.example/api/v3/"),
    ],
)
def test_a_path_is_joined_to_the_api(path: str, url: str) -> None:
    assert join(PROVIDER, path) == url


def test_a_base_without_a_slash_keeps_its_last_segment() -> None:
    provider = Provider(
        name="x", issuer="https://x.example", token_endpoint="https://x.example/t", api_base="https://x.example/v1"
    )
    assert join(provider, "things") == "https://x.example/v1/things"


def test_a_path_needs_something_to_be_joined_to() -> None:
    provider = Provider(name="x", issuer="https://x.example", token_endpoint="https://x.example/t")
    with pytest.raises(ConfigurationError) as caught:
        join(provider, "things")
    assert caught.value.code == "api_base"


@pytest.mark.parametrize(
    ("method", "again"), [("GET", True), ("HEAD", True), ("PUT", True), ("DELETE", True), ("POST", False), ("PATCH", False)]
)
def test_idempotent_methods_may_be_sent_again_and_others_get_a_connection_of_their_own(method: str, again: bool) -> None:
    request = build(method)
    assert (request.replayable, request.fresh_connection) == (again, not again)


@pytest.mark.parametrize("again", [True, False])
def test_the_caller_may_say_so(again: bool) -> None:
    assert build("POST", replayable=again).replayable is build("GET", replayable=again).replayable is again


def test_a_json_body_and_the_usual_fields() -> None:
    request = build("POST", json={"a": [1, "é"]}, headers={"X-A": "b"}, timeout=3.0, max_body=5)
    assert request.body == b'{"a":[1,"\\u00e9"]}'
    assert [*request.headers] == [
        ("Accept", "application/json"),
        ("User-Agent", "Shop/2"),
        ("Content-Type", "application/json"),
        ("X-A", "b"),
    ]
    assert (request.timeout, request.max_body) == (3.0, 5)


def test_the_callers_fields_come_first() -> None:
    request = build("POST", body=b"<a/>", headers=[("accept", "text/xml"), ("user-agent", "Mine/1")])
    assert [*request.headers] == [("accept", "text/xml"), ("user-agent", "Mine/1")]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"json": {}, "body": b"x"}, "body"),
        ({"json": object()}, "json"),
        ({"json": float("nan")}, "json"),
        ({"path": "a b"}, "url"),
    ],
)
def test_what_cannot_be_a_request_is_refused(parts: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build("POST", **parts)
    assert caught.value.code == code
