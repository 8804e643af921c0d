"""Redirect URIs: registered, compared, extended."""

import pytest

from tests.sandbox.driver import Driver
from tropipay_oauth import Entropy
from tropipay_oauth.errors import ConfigurationError
from tropipay_oauth.sandbox import Behaviour, Sandbox


def asked(driver: Driver, redirect_uri: str) -> bool:
    return driver.ask(redirect_uri=redirect_uri).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_the_port_of_a_loopback_address_may_differ(host: str) -> None:  # RFC8252-7.3-02, RFC8252-8.4-01, RFC9700-2.1-01
    driver = Driver(redirect_uris=[f"http://{host}/cb"])
    good = [f"http://{host}/cb", f"http://{host}:51004/cb", f"http://{host}:1/cb", f"http://{host}:65535/cb"]
    bad = [
        *(f"http://{host}:51004{rest}" for rest in ("/CB", "/cb/", "/cb?x", "", "/", "/cb#")),
        *(f"http://{host}:{port}/cb" for port in ("0", "65536", "99999", "", "080", "x")),
        *(f"https://{host}:51004/cb", "http://127.0.0.2/cb", "http://127.0.0.1.nip.example/cb", "http://user@127.0.0.1/cb"),
    ]
    assert [asked(driver, uri) for uri in good] == [True] * len(good)
    assert [uri for uri in bad if asked(driver, uri)] == []


def test_a_registered_port_is_no_fence() -> None:
    assert asked(Driver(redirect_uris=["http://127.0.0.1:5000/cb"]), "http://127.0.0.1:6000/cb")
    assert not asked(Driver(redirect_uris=["http://127.0.0.1:5000/cb"]), "http://localhost:5000/cb")


def test_a_server_may_insist_on_the_port() -> None:
    driver = Driver(Behaviour(redirect_check="exact"), redirect_uris=["http://127.0.0.1:5000/cb"])
    assert asked(driver, "http://127.0.0.1:5000/cb")
    assert not asked(driver, "http://127.0.0.1:6000/cb")


def test_a_careless_server_compares_the_beginning() -> None:
    driver = Driver(Behaviour(redirect_check="prefix"), redirect_uris=["https://c.example/cb"])
    assert asked(driver, "https://c.example/cb/../evil")
    assert not asked(driver, "https://evil.example/cb")


def test_a_very_careless_server_compares_nothing_but_sends_nobody_to_a_script() -> None:
    driver = Driver(Behaviour(redirect_check="ignored"))
    assert asked(driver, "https://evil.example/cb")
    assert not asked(driver, "javascript:alert(1)")
    assert not asked(driver, "data:text/html,x")


@pytest.mark.parametrize(
    "uri",
    [
        "https://c.example",
        "https://c.example:8443/cb?a=b",
        "com.my.app:/cb",
        "com.my.app://cb",
        "http://[::1]:99/cb",
        "https://[2001:db8::1]/",
    ],
)
def test_a_good_redirect_uri_can_be_registered(driver: Driver, uri: str) -> None:
    assert driver.sandbox.register(client_name="App", redirect_uris=[uri]).redirect_uris == (uri,)


@pytest.mark.parametrize(
    "uri",
    [
        *("http://c.example/cb", "https://c.example/cb#x", "https://c.example/*", "https://u@c.example/", "javascript:alert(1)"),
        *(
            "myapp:/cb",
            "https://c.example/a b",
            "https://c.example/%0d%0aX",
            'https://c.example/"',
            "https:///cb",
            "",
            "http://127.0.0.1:99999/",
        ),
        *("http://127.0.0.1.evil.example/", "https://c.example/é", "https://c.example\\@evil.example/"),
    ],
)
def test_a_bad_redirect_uri_cannot_be_registered(driver: Driver, uri: str) -> None:  # RFC9700-2.6-01
    with pytest.raises(ConfigurationError) as raised:
        driver.sandbox.register(client_name="App", redirect_uris=[uri])
    assert raised.value.code == "invalid_redirect_uri"


def test_a_query_of_the_redirect_uri_is_kept() -> None:
    driver = Driver(redirect_uris=["https://c.example/cb?a=b"])
    location = driver.sandbox.approve(driver.authorize_url(redirect_uri=None), driver.now)
    assert location.startswith("https://c.example/cb?a=b&code=")


@pytest.mark.parametrize(
    "origin", ["http://tropipay.example", "https://a.example/x", "ftp://a.example", "", 1, "https://A.example"]
)
def test_the_sandbox_is_reached_by_https_or_on_this_machine(origin: object, driver: Driver) -> None:  # RFC6749-2.3.1-06
    with pytest.raises(ConfigurationError):
        Sandbox(entropy=Entropy(b"\x07" * 32), origin=origin)  # type: ignore[arg-type]  # one case is a wrong type
    with pytest.raises(ConfigurationError):
        driver.sandbox.move_to(origin)  # type: ignore[arg-type]  # as above
