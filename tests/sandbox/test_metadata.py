"""Authorization-server metadata (RFC 8414)."""

from tests.sandbox.driver import ORIGIN, Driver, members
from tropipay_oauth.sandbox import Behaviour

PATH = "/.well-known/oauth-authorization-server"


def test_the_document_has_all_that_is_required(driver: Driver) -> None:  # RFC8414-2-02
    found = members(driver.send("GET", PATH))
    assert found["issuer"] == ORIGIN
    assert found["response_types_supported"] == ["code"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is False
    assert [value for value in found.values() if value in ([], "", None)] == []
    for name in ("authorization", "token", "revocation", "registration"):
        path = found[f"{name}_endpoint"].removeprefix(ORIGIN)
        assert driver.send("PATCH", path).status == 405, "it is there, and takes something else"


def test_the_document_says_what_the_behaviour_does() -> None:  # RFC9207-2-01
    found = members(Driver(Behaviour(iss="sent", revocation=False, pkce="ignored")).send("GET", PATH))
    assert found["authorization_response_iss_parameter_supported"] is True
    assert "revocation_endpoint" not in found
    assert "code_challenge_methods_supported" not in found


def test_the_issuer_is_where_the_sandbox_moved_to(driver: Driver) -> None:
    driver.sandbox.move_to("http://127.0.0.1:8080")
    assert members(driver.send("GET", PATH))["token_endpoint"] == "http://127.0.0.1:8080/api/v2/access/token"


def test_a_server_may_publish_nothing() -> None:
    assert Driver(Behaviour(metadata=False)).send("GET", PATH).status == 404
