import base64
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given

from tests.wire.made import CLIENT_SECRET, fuzz, reply, responses
from tropipay_oauth._values.errors import OAuthError
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._wire.error_reply import read_error

NESTED: dict[str, Any] = {
    "type": "AUTH",
    "code": "invalid_credentials",
    "message": "Bad",
    "details": [],
    "i18n": {"es": "Mal"},
    "param": None,
}


@pytest.mark.parametrize(
    ("members", "error", "description", "native"),
    [
        # RFC 6749
        (
            {"error": "invalid_client", "error_description": "Credential not found", "error_uri": "https://evil.example"},
            *("invalid_client", "Credential not found", None),
        ),
        ({"error": "invalid_grant"}, "invalid_grant", None, None),
        ({"error": "weird_error", "error_description": ""}, "weird_error", None, None),
        ({"error": " invalid_grant "}, "invalid_grant", None, None),
        # nested
        ({"error": NESTED}, "invalid_client", "Bad", "invalid_credentials"),
        ({"error": {"code": "token_expired", "message": "x"}}, "invalid_token", "x", "token_expired"),
        ({"error": {"code": "permission_denied"}}, "insufficient_scope", None, "permission_denied"),
        ({"error": {"code": "resource_not_found"}}, "resource_not_found", None, "resource_not_found"),
        ({"error": {"code": "invalid_parameter"}}, "invalid_request", None, "invalid_parameter"),
        ({"error": {"code": "E00001"}}, "invalid_client", None, "E00001"),
        ({"error": {"code": "E00002"}}, "invalid_token", None, "E00002"),
        ({"error": {"code": "E00003"}}, "insufficient_scope", None, "E00003"),
        ({"error": {"code": "E00004"}}, "resource_not_found", None, "E00004"),
        ({"error": {"code": "E00005"}}, "invalid_request", None, "E00005"),
        ({"error": {"code": "E99999", "message": "new"}}, "E99999", "new", "E99999"),
        ({"error": {"code": "invalid_grant", "message": "spent"}}, "invalid_grant", "spent", "invalid_grant"),
        ({"error": {"code": 1042, "message": "number"}}, "1042", "number", "1042"),
        ({"error": {"type": "VALIDATION", "message": "only a type"}}, "VALIDATION", "only a type", "VALIDATION"),
        # flat with code
        (
            {"error": "invalid_request", "message": "a parameter is missing", "code": "E00123"},
            *("invalid_request", "a parameter is missing", "E00123"),
        ),
        ({"error": "token_expired", "message": "x", "code": "E00002"}, "invalid_token", "x", "E00002"),
        ({"error": "something", "message": "x", "code": "E00002"}, "invalid_token", "x", "E00002"),
        ({"error": "token_expired"}, "invalid_token", None, "token_expired"),
        # nested, old
        ({"error": {"msg": "No token!"}}, "missing_token", "No token!", None),
        ({"error": {"msg": "Failed to authenticate token!"}}, "invalid_token", "Failed to authenticate token!", None),
        ({"error": {"msg": "Something else"}}, "unnamed_error", "Something else", None),
        # TropiPay's words in another shape
        (
            {"error": {"code": "AUTH_FAILED", "msg": "Failed to authenticate token!"}},
            "invalid_token",
            "Failed to authenticate token!",
            "AUTH_FAILED",
        ),
        ({"error": "No token!"}, "missing_token", None, "No token!"),
        ({"error": {"code": "E00002", "message": "no token"}}, "missing_token", "no token", "E00002"),
        # no one of them is mistaken for a spent grant
        ({"error": "Grant is invalid_grant"}, "Grant is invalid_grant", None, None),
        ({"error": {"message": "invalid_grant"}}, "unnamed_error", "invalid_grant", None),
        ({"error": "INVALID_GRANT"}, "INVALID_GRANT", None, None),
    ],
)
def test_each_shape_has_its_meaning(members: Any, error: str, description: str | None, native: str | None) -> None:
    found = read_error(reply(400, members))
    assert found == OAuthError(error, status=400, description=description, native_code=native)
    assert type(found) is OAuthError


@pytest.mark.parametrize(
    "members",
    [
        {"error": "invalid_client", "error_description": "Credential not found"},
        {"error": "invalid_request", "error_description": "Credential not found."},
        {"error": "invalid_grant", "error_description": "credential not found"},
        {"error": "invalid_request", "message": "Credential not found", "code": "E00004"},
        {"error": {"type": "X", "code": "resource_not_found", "message": "Credential not found"}},
        {"error": {"msg": "Credential not found"}},
        {"error": "Credential not found"},
    ],
)
def test_wrong_credentials_are_an_invalid_client_in_any_shape(members: Any) -> None:
    found = read_error(reply(400, members))
    assert found is not None
    assert found.error == "invalid_client"
    assert "sandbox credentials do not work in production" in str(found)


def test_a_credential_as_a_resource_may_be_missing() -> None:
    found = read_error(reply(404, {"error": {"code": "E00004", "message": "Credential not found"}}))
    assert found is not None
    assert (found.error, found.native_code) == ("resource_not_found", "E00004")


@pytest.mark.parametrize(
    "members",
    [
        *({}, {"access_token": "x"}, {"message": "x"}, {"errors": ["x"]}, {"error": None}, {"error": ""}, {"error": "  "}),
        *({"error": True}, {"error": 400}, {"error": ["invalid_grant"]}, {"error": {}}, {"error": {"code": None}}),
        *({"error": {"code": True, "msg": ["x"]}}, [], None, "error"),
    ],
)
def test_what_names_no_error_is_none(members: Any) -> None:
    assert read_error(reply(400, members)) is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"error":"invalid_gr', b'{"error":"a","error":"b"}', b"\xff", b"x" * (2 << 20)]
)
def test_what_cannot_be_read_is_none(body: bytes) -> None:
    assert read_error(reply(400, body=body)) is None


@pytest.mark.parametrize(
    ("kind", "read"), [("", True), ("application/problem+json", True), ("text/html", False), ("text/plain", False)]
)
def test_an_error_is_json(kind: str, read: bool) -> None:
    assert (read_error(reply(400, {"error": "invalid_grant"}, Content_Type=kind)) is not None) is read


@pytest.mark.parametrize(
    "written",
    [
        CLIENT_SECRET,
        quote(CLIENT_SECRET, safe=""),
        base64.b64encode(CLIENT_SECRET.encode()).decode(),
        base64.b64encode(f"the-client:{CLIENT_SECRET}".encode()).decode(),
        CLIENT_SECRET.replace("/", "\\/"),
        f"{'x' * 190}{CLIENT_SECRET}",
    ],
)
def test_an_echo_of_a_secret_is_hidden_everywhere(written: str) -> None:
    secrets = (Secret("another"), Secret(CLIENT_SECRET))
    for members in (
        {"error": written, "error_description": written, "code": written},
        {"error": {"code": written, "message": written, "type": written}},
        {"error": {"msg": f"<{written}>"}},
    ):
        found = read_error(reply(400, members), secrets)
        shown = f"{found!s}{found!r}{vars(found)}"
        assert "(hidden)" in shown
        part = written[16:] if written.startswith("dGhl") else written.lstrip("x")  # without the client id, which may be shown
        assert not [part[at : at + 8] for at in range(len(part) - 7) if part[at : at + 8] in shown]


def test_codes_are_never_taken_for_an_echo() -> None:
    secrets = (Secret("invalid_grant"), Secret("E00002"))
    assert read_error(reply(400, {"error": "invalid_grant", "code": "E00002"}), secrets) == OAuthError(
        "invalid_grant", status=400, native_code="E00002"
    )


def test_hostile_text_is_shown_escaped_and_short() -> None:
    hostile = "\x1b[31m\r\nSet-Cookie: a\0\u202e\ufeff" + "\U0001f600" * 500
    for members in (
        {"error": hostile, "error_description": hostile, "code": hostile},
        {"error": {"code": hostile, "msg": hostile}},
    ):
        found = read_error(reply(400, members))
        assert str(found).isascii()
        assert str(found).isprintable()
        assert len(str(found)) < 500


@fuzz
@given(responses())
def test_any_reply_gives_an_error_or_none(response: Any) -> None:
    found = read_error(response, (Secret("Bearer"), Secret("a"), Secret("")))
    assert found is None or (type(found) is OAuthError and found.error and str(found).isprintable())
