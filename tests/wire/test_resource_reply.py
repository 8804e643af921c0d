from typing import Any

import pytest
from hypothesis import given

from tests.wire.made import fuzz, reply, responses
from tropipay_oauth._values.errors import InsufficientScope, OAuthError
from tropipay_oauth._values.http import HTTPResponse
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._wire.resource_reply import missing_token, read_resource_error, says_token_invalid

TOKEN = Secret("access-token-Zx81/q+7~tWv")


def bare(status: int, **headers: str) -> HTTPResponse:
    return reply(status, body=b"", Content_Type="", **headers)


# -- 401 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        bare(401),
        bare(401, WWW_Authenticate="Bearer"),
        bare(401, WWW_Authenticate='Bearer realm="api"'),
        bare(401, WWW_Authenticate='Bearer realm="api", error="invalid_token"'),
        bare(401, WWW_Authenticate='Bearer error=""'),
        bare(401, WWW_Authenticate='Bearer error="unterminated'),
        bare(401, WWW_Authenticate='Basic realm="x", Bearer error="invalid_token"'),
        reply(401, body=b"<html>401</html>", Content_Type="text/html"),
        reply(401, {}),
        reply(401, {"message": "Unauthorized"}),
        reply(401, {"error": "Unauthorized"}),
        reply(401, {"error": {"msg": "Failed to authenticate token!"}}),
        reply(401, {"error": {"msg": "Who knows"}}),
        reply(401, {"error": {"code": "token_expired", "message": "x"}}),
        reply(401, {"error": {"code": "E00002"}}),
        reply(401, {"error": {"code": "invalid_credentials"}}),
        reply(401, {"error": {"code": "E00001"}}),
        reply(401, {"error": {"code": "invalid_token"}}),
        reply(401, {"error": "invalid_token"}),
        reply(401, {"error": "invalid_request", "message": "x", "code": "E00002"}),
        reply(401, {"error": {"code": "something"}}, WWW_Authenticate='Bearer error="invalid_token"'),
        reply(401, {"error": {"code": "E00002"}}, WWW_Authenticate='Bearer error="other"'),
    ],
)
def test_the_token_is_invalid(response: HTTPResponse) -> None:
    assert says_token_invalid(response)
    assert not missing_token(response)


@pytest.mark.parametrize(
    "response",
    [
        reply(401, {"error": {"msg": "No token!"}}),
        reply(401, {"error": {"msg": "No token!"}}, WWW_Authenticate='Bearer error="invalid_token"'),
        reply(401, {"error": "No token!"}),
    ],
)
def test_no_token_arrived(response: HTTPResponse) -> None:
    assert missing_token(response)
    assert not says_token_invalid(response)


@pytest.mark.parametrize(
    "response",
    [
        bare(401, WWW_Authenticate='Bearer error="invalid_request"'),
        bare(401, WWW_Authenticate='Bearer error="insufficient_scope"'),
        reply(401, {"error": {"code": "account_locked", "message": "x"}}),
        reply(401, {"error": "invalid_client", "error_description": "x"}),
        reply(401, {"error": {"code": "two_factor_required"}}, WWW_Authenticate="Bearer"),
        bare(200),
        bare(400, WWW_Authenticate='Bearer error="invalid_token"'),
        bare(403, WWW_Authenticate='Bearer error="invalid_token"'),
        reply(403, {"error": {"code": "E00002"}}),
        reply(500, {"error": {"msg": "Failed to authenticate token!"}}),
    ],
)
def test_the_token_is_not_to_blame(response: HTTPResponse) -> None:
    assert not says_token_invalid(response)
    assert not missing_token(response)


# -- What the API said ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (reply(200, {"error": "x"}), None),
        (reply(302, {"error": "x"}), None),
        (bare(401), None),
        (bare(404), None),
        (bare(500, WWW_Authenticate="Bearer"), None),
        (
            reply(404, {"error": {"code": "E00004", "message": "gone"}}),
            OAuthError("resource_not_found", status=404, description="gone", native_code="E00004"),
        ),
        (reply(422, {"error": "weird"}), OAuthError("weird", status=422)),
        (
            bare(401, WWW_Authenticate='Bearer error="invalid_token", error_description="expired"'),
            OAuthError("invalid_token", status=401, description="expired"),
        ),
        (bare(400, WWW_Authenticate="Bearer error=invalid_request"), OAuthError("invalid_request", status=400)),
        (reply(401, {"error": "mine"}, WWW_Authenticate="Bearer error=invalid_token"), OAuthError("mine", status=401)),
    ],
)
def test_a_refusal_is_told(response: HTTPResponse, error: OAuthError | None) -> None:
    assert read_resource_error(response) == error


@pytest.mark.parametrize(
    ("response", "needed", "description"),
    [
        (bare(403), (), None),
        (bare(403, WWW_Authenticate='Bearer error="insufficient_scope", scope="a b"'), ("a", "b"), "insufficient_scope"),
        (bare(403, WWW_Authenticate='Bearer scope="a"'), ("a",), None),
        (reply(403, body=b"<html>", Content_Type="text/html"), (), None),
        (reply(403, {"error": {"code": "E00003", "message": "scope missing"}}), (), "scope missing"),
        (reply(403, {"error": {"code": "permission_denied"}}, WWW_Authenticate='Bearer scope="x"'), ("x",), "insufficient_scope"),
        (reply(403, {"error": "account_blocked"}), (), "account_blocked"),
    ],
)
def test_a_403_is_a_lack_of_scope(response: HTTPResponse, needed: tuple[str, ...], description: str | None) -> None:
    assert read_resource_error(response) == InsufficientScope(status=403, needed=needed, description=description)


def test_an_echo_of_the_token_is_hidden() -> None:
    token = TOKEN.reveal()
    challenge = f'Bearer error="{token}", error_description="bad {token}", scope="{token} b"'
    for status in (400, 401, 403):
        for response in (
            bare(status, WWW_Authenticate=challenge),
            reply(status, {"error": token, "message": token}, WWW_Authenticate=challenge),
        ):
            found = read_resource_error(response, (TOKEN,))
            assert found is not None
            assert token[:8] not in f"{found!r}{vars(found)}"


@fuzz
@given(responses())
def test_any_reply_is_judged(response: Any) -> None:
    invalid, missing, error = says_token_invalid(response), missing_token(response), read_resource_error(response, (TOKEN,))
    assert not (invalid and missing)
    assert not invalid or response.status == 401
    assert response.status != 403 or isinstance(error, InsufficientScope)
    assert error is None or (isinstance(error, OAuthError) and response.status >= 400 and str(error).isprintable())
