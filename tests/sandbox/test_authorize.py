"""The authorization endpoint: which requests are asked about, and where the browser is sent."""

from typing import Any

import pytest

from tests.sandbox.driver import CALLBACK, ORIGIN, Driver, form_token, query, s256
from tropipay_oauth import HTTPRequest, HTTPResponse, Secret
from tropipay_oauth.errors import ConfigurationError, LocalProtocolError
from tropipay_oauth.sandbox import Behaviour

ERRORS = (
    *("invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type"),
    *("invalid_scope", "server_error", "temporarily_unavailable"),
)


def is_error_page(response: HTTPResponse, status: int = 400) -> bool:
    kind = response.headers.get("Content-Type") or ""
    return response.status == status and kind.startswith("text/html") and "Location" not in response.headers


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_good_request_is_asked_about(driver: Driver, version: str) -> None:  # RFC6749-3.1-03
    url = driver.authorize_url().replace("v2", version)
    page = driver.sandbox.handle(HTTPRequest(method="GET", url=url), driver.now)
    assert page.status == 200
    assert f'action="/api/{version}/access/authorize"' in page.body.decode()


def test_approval_sends_the_browser_back_with_a_code(driver: Driver) -> None:  # RFC9700-4.12-01
    back = driver.answer(driver.ask())
    assert back.status == 303
    found = query(back.headers.get("Location") or "")
    assert set(found) == {"code", "state"}
    assert found["state"] == "the-state"


def test_denial_sends_the_browser_back_with_an_error(driver: Driver) -> None:  # RFC6749-4.1.2.1-03
    back = driver.answer(driver.ask(), "deny")
    assert back.status == 303
    found = query(back.headers.get("Location") or "")
    assert (found["error"], found["state"]) == ("access_denied", "the-state")
    assert "code" not in found


STATES = ["".join(map(chr, range(32, 127))), "ü\r\n\0🙂", "a&code=b#c", "%41"]


@pytest.mark.parametrize("state", STATES)
def test_the_state_comes_back_as_it_was(driver: Driver, state: str) -> None:  # RFC6749-4.1.2-06
    location = driver.sandbox.approve(driver.authorize_url(state=state), driver.now)
    assert query(location)["state"] == state
    assert location.isascii()
    assert location.isprintable()


def test_without_a_state_none_comes_back(driver: Driver) -> None:  # RFC6749-3.1-04
    for state in (None, ""):
        assert "state" not in query(driver.sandbox.approve(driver.authorize_url(state=state), driver.now))


def test_empty_parameters_are_left_out_and_unknown_ones_ignored(driver: Driver) -> None:  # RFC6749-3.1-04, RFC6749-3.1-05
    plain, odd = driver.ask(scope=None), driver.ask(scope="", foo="bar", client_secret="TropiPay's demo sends it")
    pages = [page.body.decode().replace(form_token(page), "") for page in (plain, odd)]
    assert pages[0] == pages[1]


# -- the browser stays


@pytest.mark.parametrize("client_id", [None, "", "unknown"])
def test_an_unknown_client_gets_an_error_page(driver: Driver, client_id: str | None) -> None:  # RFC6749-4.1.2.1-01
    assert is_error_page(driver.ask(client_id=client_id))


@pytest.mark.parametrize(
    "redirect_uri",
    [
        *(
            "https://c.example/cb/",
            "https://c.example/CB",
            "https://c.example:443/cb",
            "https://c.example/cb?",
            "HTTPS://c.example/cb",
        ),
        *(
            "https://c.example/%63b",
            "https://c.example/cb#",
            "https://user@c.example/cb",
            "https://c.example/./cb",
            "https://C.example/cb",
        ),
        *(
            "https://c.example:8443/cb",
            "https://c.example/cb\r\nX: y",
            "javascript:alert(1)",
            "//c.example/cb",
            "/cb",
            "c.example/cb",
        ),
    ],
)
def test_a_redirect_uri_is_compared_letter_by_letter(
    redirect_uri: str,
) -> None:  # RFC6749-3.1.2.3-02, RFC6749-3.1.2.4-01, RFC9700-2.1-01, RFC9700-4.11.2-01, RFC3986-6.2.1-01
    driver = Driver(redirect_uris=["https://c.example/cb"])
    assert driver.ask(redirect_uri="https://c.example/cb").status == 200
    assert is_error_page(driver.ask(redirect_uri=redirect_uri))


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_two_clients_or_places_get_an_error_page(driver: Driver, name: str) -> None:  # RFC6749-3.1-08
    url = driver.authorize_url()
    url += f"&{name}={driver.parameters()[name]}"
    assert is_error_page(driver.sandbox.handle(HTTPRequest(method="GET", url=url), driver.now))


def test_a_malformed_query_gets_an_error_page(driver: Driver) -> None:
    for damage in ("&x=%zz", "&x=%ff"):
        assert is_error_page(driver.sandbox.handle(HTTPRequest(method="GET", url=driver.authorize_url() + damage), driver.now))


def test_the_redirect_uri_may_be_left_out_if_there_is_one_only(driver: Driver) -> None:
    assert driver.ask(redirect_uri=None).status == 200
    assert is_error_page(Driver(redirect_uris=["https://a.example/", "https://b.example/"]).ask(redirect_uri=None))


def test_a_client_without_redirect_uris_cannot_be_sent_back_to(driver: Driver) -> None:  # RFC6749-3.1.2.2-01
    client = driver.sandbox.register(client_name="App", public=True)
    assert is_error_page(driver.ask(client_id=client.client_id))
    assert is_error_page(driver.ask(client_id=client.client_id, redirect_uri=None))


# -- errors that the application is told


def test_a_missing_or_unknown_response_type_is_an_error(driver: Driver) -> None:  # RFC6749-3.1.1-01
    missing, unknown = driver.refusal(response_type=None), driver.refusal(response_type="token")
    assert (missing["error"], missing["state"]) == ("invalid_request", "the-state")
    assert (unknown["error"], unknown["state"]) == ("unsupported_response_type", "the-state")


def test_other_repeated_parameters_are_an_error(driver: Driver) -> None:  # RFC6749-3.1-08
    for name, echoed in (("scope", True), ("state", False)):
        url = f"{driver.authorize_url()}&{name}=x"
        back = driver.sandbox.handle(HTTPRequest(method="GET", url=url), driver.now)
        found = query(back.headers.get("Location") or "")
        assert found["error"] == "invalid_request"
        assert ("state" in found) is echoed


def test_a_client_that_may_not_is_told(driver: Driver) -> None:  # RFC6749-4.1.2.1-02
    client = driver.sandbox.register(client_name="Service", redirect_uris=[CALLBACK], grant_types=["client_credential"])
    assert driver.refusal(client_id=client.client_id)["error"] == "unauthorized_client"


def test_a_scope_beyond_the_clients_own_is_refused(driver: Driver) -> None:  # RFC6749-4.1.2.1-02
    assert driver.refusal(scope="EVERYTHING")["error"] == "invalid_scope"


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_of_the_specification_can_be_had(error: Any) -> None:  # RFC6749-4.1.2.1-02, RFC6749-4.1.2.1-06
    driver = Driver(Behaviour(authorization_error=error, error_uri="https://tropipay.example/why"))
    found = query(driver.sandbox.approve(driver.authorize_url(), driver.now))
    assert (found["error"], found["state"]) == (error, "the-state")
    assert found["error_uri"] == "https://tropipay.example/why"
    assert set('"\\').isdisjoint(found["error_description"])


def test_pkce_is_required_with_s256(driver: Driver) -> None:  # RFC7636-4.4.1-01/02, RFC7636-7.2-02, RFC8252-8.1-01
    bad: tuple[dict[str, Any], ...] = (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": ""},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "S512"},
        {"code_challenge": "short"},
        {"code_challenge": s256("x") + "="},
        {"code_challenge": "+" * 43},
    )
    assert [driver.refusal(**changes)["error"] for changes in bad] == ["invalid_request"] * len(bad)


def test_optional_pkce_is_optional_for_clients_with_a_secret_only() -> None:
    driver = Driver(Behaviour(pkce="optional"))
    public = driver.sandbox.register(client_name="App", public=True, redirect_uris=[CALLBACK])
    none: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    assert driver.ask(**none).status == 200
    assert driver.refusal(client_id=public.client_id, **none)["error"] == "invalid_request"
    assert driver.refusal(code_challenge=None)["error"] == "invalid_request"


# -- the consent form


def test_the_form_token_is_good_once(driver: Driver) -> None:
    page = driver.ask()
    assert driver.answer(page).status == 303
    assert is_error_page(driver.answer(page))


def test_the_form_token_is_good_for_ten_minutes(driver: Driver) -> None:
    page = driver.ask()
    driver.now += 600
    assert is_error_page(driver.answer(page))


@pytest.mark.parametrize(
    "body", ["", "decision=approve", "form_token=x&decision=approve", "form_token=%zz", "decision=deny&decision=approve"]
)
def test_a_forged_answer_gets_an_error_page(driver: Driver, body: str) -> None:
    driver.ask()
    assert is_error_page(driver.form("/api/v2/access/authorize", body))


def test_an_answer_that_is_no_form_gets_an_error_page(driver: Driver) -> None:
    token = form_token(driver.ask())
    assert is_error_page(driver.json("/api/v2/access/authorize", {"form_token": token, "decision": "approve"}))


def test_an_answer_from_another_site_gets_an_error_page(driver: Driver) -> None:
    page = driver.ask()
    assert is_error_page(driver.answer(page, headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert driver.answer(page, headers={"Sec-Fetch-Site": "same-origin"}).status == 303


def test_an_unclear_decision_leaves_the_page_usable(driver: Driver) -> None:
    page = driver.ask()
    assert is_error_page(driver.answer(page, "perhaps"))
    assert driver.answer(page).status == 303


def test_a_client_that_is_gone_meanwhile_gets_no_code(driver: Driver) -> None:
    client = driver.sandbox.register(client_name="Gone", redirect_uris=[CALLBACK])
    page = driver.ask(client_id=client.client_id)
    driver.send(
        "DELETE", f"/api/v2/credential/{client.client_id}", {"Authorization": f"Bearer {driver.service()['access_token']}"}
    )
    assert is_error_page(driver.answer(page))


def test_the_pages_that_wait_are_bounded_in_number(driver: Driver) -> None:
    first = driver.ask()
    for _ in range(999):
        driver.ask()
    last = driver.ask()
    assert is_error_page(driver.answer(first))
    assert driver.answer(last).status == 303


# -- the redirect back, as the behaviour says


def approved(**behaviour: Any) -> str:
    driver = Driver(Behaviour(**behaviour))
    return driver.sandbox.approve(driver.authorize_url(), driver.now)


def test_iss_is_sent_with_success_and_error_alike() -> None:  # RFC9207-2-01
    driver = Driver(Behaviour(iss="sent"))
    for approve in (True, False):
        assert query(driver.sandbox.approve(driver.authorize_url(), driver.now, approve))["iss"] == ORIGIN
    assert driver.refusal(scope="EVERYTHING")["iss"] == ORIGIN


def test_iss_may_be_wrong_or_absent() -> None:
    assert query(approved(iss="wrong"))["iss"] != ORIGIN
    assert "iss" not in query(approved())


def test_the_state_may_be_wrong_or_missing() -> None:
    assert query(approved(state_echo="wrong"))["state"] != "the-state"
    assert "state" not in query(approved(state_echo="missing"))


def test_the_callback_may_be_malformed_in_each_way() -> None:
    assert {"code", "error"} <= set(query(approved(callback="code_and_error")))
    assert approved(callback="repeated_code").count("code=") == 2
    assert approved(callback="repeated_state").count("state=") == 2
    assert set(query(approved(callback="no_code"))) == {"state"}
    assert approved(callback="bad_escape").endswith("=%zz")


# -- the simulated user


def test_a_url_may_be_a_secret(driver: Driver) -> None:
    assert "code" in query(driver.sandbox.approve(Secret(driver.authorize_url()), driver.now))


def test_the_simulated_user_cannot_approve_an_error_page(driver: Driver) -> None:
    with pytest.raises(LocalProtocolError):
        driver.sandbox.approve(driver.authorize_url(client_id="unknown"), driver.now)


def test_the_simulated_user_is_sent_back_with_errors_too(driver: Driver) -> None:
    assert query(driver.sandbox.approve(driver.authorize_url(scope="EVERYTHING"), driver.now))["error"] == "invalid_scope"


def test_a_page_of_a_web_application_has_no_loopback_address(driver: Driver) -> None:  # RFC9700-2.6-01
    with pytest.raises(ConfigurationError):
        driver.sandbox.register(client_name="Web", redirect_uris=[CALLBACK], application_type="web")


def test_pages_that_have_ended_make_room(driver: Driver) -> None:
    for _ in range(999):
        driver.ask()
    driver.now += 600
    page = driver.ask()
    for _ in range(999):
        driver.ask()
    assert driver.answer(page).status == 303
