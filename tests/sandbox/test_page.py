"""The pages that a person sees."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from tests.sandbox.driver import CALLBACK, Driver
from tropipay_oauth import HTTPResponse
from tropipay_oauth.errors import ConfigurationError

Element = tuple[str, dict[str, str | None]]
VOID = frozenset(("meta", "input", "br"))


class Page(HTMLParser):
    """Elements and text of a page; every element must be closed."""

    def __init__(self, response: HTTPResponse) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(response.body.decode())
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += "" if self._open[-1:] == ["style"] else data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_page_names_the_application_its_wishes_and_the_way_back(driver: Driver) -> None:
    text = Page(driver.ask()).text
    for said in ("Sandbox Shop", "ALLOW_GET_PROFILE_DATA", "See your profile", "See your balance", CALLBACK, "Ana Prueba"):
        assert said in text
    assert "ALLOW_REFUND" not in text


def test_the_page_can_be_used_by_keyboard_and_screen_reader(driver: Driver) -> None:
    page = Page(driver.ask())
    assert page.all("html") == [{"lang": "en"}]
    assert [len(page.all(tag)) for tag in ("title", "main", "h1", "form", "fieldset", "legend")] == [1] * 6
    buttons = page.all("button")
    assert [(one["name"], one["value"], one["type"]) for one in buttons] == [
        ("decision", "approve", "submit"),
        ("decision", "deny", "submit"),
    ]
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    used = {value for _, attributes in page.elements for name, value in attributes.items() if name.startswith("aria-")}
    assert used <= ids
    assert all(one["type"] == "hidden" for one in page.all("input"))


def test_the_page_loads_nothing_and_runs_nothing(driver: Driver) -> None:
    page = Page(driver.ask())
    assert not [tag for tag, _ in page.elements if tag in ("script", "link", "img", "iframe", "object", "base", "a")]
    assert not [name for _, attributes in page.elements for name in attributes if name in ("src", "href", "style")]
    assert "url(" not in driver.ask().body.decode()


@pytest.mark.parametrize("known", [True, False])
def test_the_pages_cannot_be_framed_nor_kept(driver: Driver, known: bool) -> None:  # RFC9700-4.16-01
    headers = driver.ask(**({} if known else {"client_id": "unknown"})).headers
    policy = headers.get("Content-Security-Policy") or ""
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert headers.get("X-Frame-Options") == "DENY"
    assert headers.get("Referrer-Policy") == "no-referrer"
    assert headers.get("Cache-Control") == "no-store"


def test_the_policy_allows_the_very_style_of_the_page(driver: Driver) -> None:
    page = driver.ask()
    style = re.search("<style>(.*)</style>", page.body.decode(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in (page.headers.get("Content-Security-Policy") or "")


def test_the_redirect_back_tells_nobody_where_it_came_from(driver: Driver) -> None:
    back = driver.answer(driver.ask())
    assert back.headers.get("Referrer-Policy") == "no-referrer"
    assert back.headers.get("Cache-Control") == "no-store"


def test_what_the_application_calls_itself_stays_text(driver: Driver) -> None:  # RFC6749-10.14-02
    client = driver.sandbox.register(
        client_name='<script>"&</title>', redirect_uris=["https://c.example/a'b"], scopes=["<b>x</b>", "A&B"]
    )
    page = driver.ask(client_id=client.client_id, redirect_uri="https://c.example/a'b", scope="<b>x</b> A&B")
    assert '<script>"&</title>' in Page(page).text
    assert "<b>x</b>" in Page(page).text
    assert "<script" not in page.body.decode()


def test_an_application_cannot_call_itself_in_a_misleading_direction(driver: Driver) -> None:
    for name in ("", " ", "\u202egro.knab", "a\nb", "x" * 201):
        with pytest.raises(ConfigurationError):
            driver.sandbox.register(client_name=name)


def test_the_error_page_repeats_nothing_of_the_request(driver: Driver) -> None:
    page = driver.ask(client_id="<script>alert(1)</script>", redirect_uri="https://attacker.example/")
    assert "alert" not in page.body.decode()
    assert "attacker" not in page.body.decode()
    assert len(Page(page).all("h1")) == 1
