from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropipay_oauth._values import urls
from tropipay_oauth._values.errors import ConfigurationError

GOOD = [
    "https://www.tropipay.com",
    "https://www.tropipay.com/api/v3/access/token",
    "https://www.tropipay.com:8443/a?b=c",
    "HTTPS://WWW.TropiPay.com/",
    "https://xn--tropipay-x2a.com/",
    "https://10.0.0.1/",
    "https://[2001:db8::1]:444/",
    "http://127.0.0.1:5000/callback",
    "http://127.9.9.9/",
    "http://[::1]:1/",
    "http://[0:0:0:0:0:0:0:1]/",
    "https://localhost/",
    "https://h/" + "a" * (8192 - len("https://h/")),
]
BAD = {
    "http://www.tropipay.com/": "insecure_endpoint",
    "http://localhost:5000/": "insecure_endpoint",
    "http://localhost.evil.com/": "insecure_endpoint",
    "http://127.0.0.1.evil.com/": "insecure_endpoint",
    "http://[::ffff:127.0.0.1]/": "insecure_endpoint",
    "http://10.0.0.1/": "insecure_endpoint",
    "ftp://127.0.0.1/": "insecure_endpoint",
    "ws://127.0.0.1/": "insecure_endpoint",
    "https://user:pw@as/token": "url_userinfo",
    "https://as@evil/": "url_userinfo",
    "https://@evil/": "url_userinfo",
    "https://sandbox.tropipay.me@evil.com/": "url_userinfo",
    "https://sandbox.tropipay.me\\@evil.com/": "url",
    "https://sandbox.tropipay.me\\.evil.com/": "url",
    "https://sandbox.tropipay.me./": "url_host",
    "https://sandbox.tropipay.me.:443/": "url_host",
    "https://127.0.0.1./": "url_host",
    "https://sandbox.trop\u0456pay.me/": "url",
    "https://sandbox\uff0etropipay.me/": "url",
    "https://sandbox%2etropipay.me/": "url_host",
    "https://a_b.com/": "url_host",
    "https://-a.com/": "url_host",
    "https://a-.com/": "url_host",
    "https://a..com/": "url_host",
    "https://.com/": "url_host",
    "https://" + "a" * 64 + ".com/": "url_host",
    "https://" + "a." * 127 + "com/": "url_host",
    "https://2130706433/": "url_host",
    "https://0x7f.1/": "url_host",
    "https://0x7f000001/": "url_host",
    "https://127.1/": "url_host",
    "https://0177.0.0.1/": "url_host",
    "https://1.2.3.4.5/": "url_host",
    "https://[127.0.0.1]/": "url_host",
    "https://[v1.example.com]/": "url_host",
    "https://[fe80::1%25eth0]/": "url_host",
    "https://[::1/": "url_host",
    "https://[]/": "url_host",
    "https://a[::1]/": "url_host",
    "https://[::1]a/": "url_host",
    "https://h:/": "url_port",
    "https://h:0/": "url_port",
    "https://h:0443/": "url_port",
    "https://h:65536/": "url_port",
    "https://h:999999/": "url_port",
    "https://h:-1/": "url_port",
    "https://h:+1/": "url_port",
    "https://h:1:2/": "url_port",
    "https://::1/": "url_port",
    "https://h:8o/": "url_port",
    "https://h/#": "url_fragment",
    "https://h/#a": "url_fragment",
    "https://h#": "url_fragment",
    "https://h?#x": "url_fragment",
    "/cb": "url_relative",
    "//h/cb": "url_relative",
    "cb": "url_relative",
    "h/cb": "url_relative",
    "https//my-app.com": "url_relative",
    "https:/h/cb": "url_relative",
    "https:h": "url_relative",
    "https:///cb": "url_relative",
    "://h": "url_relative",
    "1ttps://h": "url_relative",
    "com.example.app:/cb": "url_relative",
    "": "url",
    " https://h/": "url",
    "https://h/ ": "url",
    "https://h/\n": "url",
    "https://h\t/": "url",
    "https://h/\r\nHost: evil": "url",
    "https://h/\x00": "url",
    "https://h/\x7f": "url",
    "https://h/é": "url",
    "https://h/" + "a" * 8192: "url",
}


@pytest.mark.parametrize("url", GOOD)
def test_an_endpoint_that_may_get_secrets_is_taken_as_it_is(url: str) -> None:
    assert urls.check_endpoint("it", url) is url


@pytest.mark.parametrize(("url", "code"), BAD.items(), ids=[ascii(url)[:60] for url in BAD])
def test_an_endpoint_that_may_not_is_refused_by_its_rule(url: str, code: str) -> None:
    for _ in range(2):  # a refusal is not remembered as anything else
        with pytest.raises(ConfigurationError, match=r"^it ") as caught:
            urls.check_endpoint("it", url)
        assert caught.value.code == code
        assert len(url) < 8 or url not in str(caught.value)


@pytest.mark.parametrize("url", [None, 5, b"https://h/", ["https://h/"]])
def test_a_url_is_text(url: Any) -> None:
    checks: list[Callable[[Any], object]] = [partial(urls.check_endpoint, "it"), partial(urls.origin, "it")]
    checks += [partial(urls.split, "it"), urls.check_redirect]
    for check in checks:
        with pytest.raises(ConfigurationError, match="visible ASCII"):
            check(url)


def test_localhost_is_taken_only_when_allowed_and_the_hint_says_so() -> None:
    assert urls.check_endpoint("it", "http://localhost:5000/cb", allow_localhost=True)
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1 or set allow_localhost"):
        urls.check_endpoint("it", "http://localhost:5000/cb")
    for name in ("localhost.", "a.localhost", "localhost.com", "LOCALHOST.evil"):
        with pytest.raises(ConfigurationError):
            urls.check_endpoint("it", f"http://{name}/cb", allow_localhost=True)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://SANDBOX.tropipay.me/a", "https://sandbox.tropipay.me"),
        ("https://sandbox.tropipay.me:443?x", "https://sandbox.tropipay.me"),
        ("https://sandbox.tropipay.me:444", "https://sandbox.tropipay.me:444"),
        ("https://h:80/", "https://h:80"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://127.0.0.1:443/", "http://127.0.0.1:443"),
        ("https://[2001:DB8:0:0::1]:443/", "https://[2001:db8::1]"),
        ("https://[2001:db8::0001]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_has_one_form(url: str, origin: str) -> None:
    assert urls.origin("it", url) == origin
    assert urls.origin("it", origin) == origin


@pytest.mark.parametrize("url", [url for url, code in BAD.items() if code not in ("insecure_endpoint", "url_fragment")])
def test_what_is_no_url_has_no_origin(url: str) -> None:
    with pytest.raises(ConfigurationError):
        urls.origin("it", url)


@given(st.text(st.characters(max_codepoint=0x17F), max_size=30))
def test_no_look_alike_has_an_allowed_origin(text: str) -> None:
    url = f"https://sandbox.tropipay.me{text}"
    try:
        allowed = urls.origin("it", url) == "https://sandbox.tropipay.me"
    except ConfigurationError:
        return
    assert not allowed or text == "" or text[0] in "/?#" or text.startswith(":443")


@given(st.text(st.sampled_from("htps:/.@[]#?%\\127x0 -_a\n\u0456"), max_size=24))
def test_any_text_is_taken_or_refused_by_the_documented_error(text: str) -> None:
    for check in (lambda url: urls.check_endpoint("it", url), urls.check_redirect, lambda url: urls.split("it", url)):
        for url in (text, f"https://{text}", f"http://{text}", f"a.b:{text}"):
            try:
                check(url)
            except ConfigurationError as error:
                assert str(error).startswith(("it ", "redirect_uri "))  # noqa: PT017  # a refusal is allowed, not required


@pytest.mark.parametrize(
    "url",
    [
        "https://c/cb",
        "https://c/cb?x=1",
        "http://127.0.0.1:5000/callback",
        "http://[::1]/cb",
        "com.example.app:/cb",
        "com.example.app://oauth_callback/x",
    ],
)
def test_a_place_to_come_back_to_is_taken_as_it_is(url: str) -> None:
    assert urls.check_redirect(url) is url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("/cb", "url_relative"),
        ("//h/cb", "url_relative"),
        ("cb", "url_relative"),
        ("https//my-app.com", "url_relative"),
        ("my-app.com:443/cb", "url_relative"),
        ("my-app.com:", "url_relative"),
        ("my-app.com", "url_relative"),
        ("localhost:5000/cb", "url_relative"),
        ("127.0.0.1:5000/cb", "url_relative"),
        ("myapp:/cb", "url_relative"),
        ("javascript:alert(1)", "url_relative"),
        ("http://example.com/cb", "insecure_endpoint"),
        ("http://localhost/cb", "insecure_endpoint"),
        ("https://c/cb#", "url_fragment"),
        ("https://c/cb#x", "url_fragment"),
        ("com.example.app:/cb#", "url_fragment"),
        ("com.example.app:/c b", "url"),
        ("com.example.app://u@h/cb", "url_userinfo"),
        ("com.example.app://h:0/cb", "url_port"),
        ("com.example.app://[/cb", "url_host"),
    ],
)
def test_a_place_not_to_come_back_to_is_refused(url: str, code: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^redirect_uri ") as caught:
        urls.check_redirect(url)
    assert caught.value.code == code


def test_a_redirect_to_localhost_is_taken_when_allowed() -> None:
    assert urls.check_redirect("http://localhost:1/cb", allow_localhost=True)


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("0:0:0:0:0:0:0:1", True)]
)
def test_loopback_literals_are_loopback(host: str, expected: bool) -> None:
    assert urls.is_loopback(host) is expected


@pytest.mark.parametrize("host", ["localhost", "", "::", "::1%lo", "::ffff:127.0.0.1", "128.0.0.1", "0.0.0.0", "127.1"])
def test_everything_else_is_not_loopback(host: str) -> None:
    assert not urls.is_loopback(host)


def test_the_parts_of_a_url_are_those_written() -> None:
    parts = urls.split("it", "https://H:8443/a?b=c#d")
    assert (parts.scheme, parts.hostname, parts.port, parts.path, parts.query, parts.fragment) == (
        "https",
        "h",
        8443,
        "/a",
        "b=c",
        "d",
    )
    assert urls.host_of("it", parts) == "h"
