"""A person signs in with a real browser: headless Chromium, from `login` to the protected resource."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.adapters.commands import sandbox
from tests.adapters.support import PATIENCE
from tests.adapters.test_login import end, login

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed"),
]

SCOPES = ("ALLOW_GET_PROFILE_DATA", "ALLOW_GET_BALANCE")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--window-size=900,900",
)


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    with sandbox() as members:
        yield members


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """A browser with a profile of its own, which knows no host but this one."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    started = webdriver.Chrome(options=options, service=service)
    started.set_page_load_timeout(PATIENCE)
    yield started
    started.quit()


def wait_for_path(browser: Any, path: str) -> None:
    """Until the browser rests there."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, PATIENCE, poll_frequency=0.05).until(lambda one: urlsplit(one.current_url).path == path)


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def press_with_shift(browser: Any, key: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(browser).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()


def focused(browser: Any) -> str:
    text: str = browser.switch_to.active_element.text
    return text


def text_of(browser: Any) -> str:
    text: str = browser.find_element("tag name", "body").text
    return text


def assert_no_code_is_left(browser: Any) -> None:
    """Neither the address bar nor the page, nor what a script could read of how it came here."""
    assert (urlsplit(browser.current_url).query, urlsplit(browser.current_url).fragment) == ("", "")
    assert "code=" not in browser.page_source
    assert browser.execute_script("return document.referrer") == ""


def test_approve_by_keyboard_alone(told: dict[str, str], browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    with login(told, "--json", "--scope", " ".join(SCOPES)) as (process, url, redirect_uri):
        browser.get(url)
        press(browser, Keys.TAB)
        assert focused(browser) == "Approve"
        press(browser, Keys.TAB)
        assert focused(browser) == "Deny"
        press_with_shift(browser, Keys.TAB)
        assert focused(browser) == "Approve"
        press(browser, Keys.ENTER)
        wait_for_path(browser, "/done")
        assert_no_code_is_left(browser)
        assert browser.current_url.startswith(redirect_uri.removesuffix("/callback"))
        assert "You are signed in" in text_of(browser)
        assert browser.title
        members = json.loads(end(process, 0)[0])
    assert (members["ok"], members["resource_status"], members["scope"]) == (True, 200, " ".join(SCOPES))


def test_deny_by_keyboard_alone(told: dict[str, str], browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    with login(told) as (process, url, _):
        browser.get(url)
        press(browser, Keys.TAB, Keys.TAB)
        assert focused(browser) == "Deny"
        press(browser, Keys.ENTER)
        wait_for_path(browser, "/failed")
        assert_no_code_is_left(browser)
        assert "failed" in text_of(browser)
        _, err = end(process, 1)
    assert "access_denied" in err
    assert err.count("\n") == 1


def test_approve_by_mouse(told: dict[str, str], browser: Any) -> None:
    with login(told, "--json") as (process, url, _):
        browser.get(url)
        browser.find_element("css selector", "button[value=approve]").click()
        wait_for_path(browser, "/done")
        assert json.loads(end(process, 0)[0])["ok"] is True


def test_the_consent_page_says_who_asks_for_what(told: dict[str, str], browser: Any) -> None:
    with login(told, "--scope", " ".join(SCOPES)) as (_, url, redirect_uri):
        browser.get(url)
        text = text_of(browser)
        assert "Sandbox Shop" in browser.title
        assert browser.find_element("tag name", "html").get_attribute("lang") == "en"
        for part in ("Sandbox Shop", "Ana Prueba", "See your profile", "See your balance", *SCOPES, redirect_uri):
            assert part in text
        assert len(browser.find_elements("tag name", "h1")) == 1
        assert [button.text for button in browser.find_elements("tag name", "button")] == ["Approve", "Deny"]
        broken = [entry["message"] for entry in browser.get_log("browser") if "favicon" not in entry["message"]]
        assert broken == []  # neither the policy nor anything else of the page is refused by the browser


def test_the_page_is_readable_on_a_narrow_screen_and_in_the_dark(told: dict[str, str], browser: Any) -> None:
    with login(told) as (_, url, _):  # all scopes: the longest page
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.get(url)
            assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
            assert contrast(browser, "body") >= 7
            assert contrast(browser, "button[value=approve]") >= 4.5
            assert browser.find_element("css selector", "button[value=deny]").size["height"] >= 44


def contrast(browser: Any, selector: str) -> float:
    """Of text and background, by WCAG 2.2 §1.4.3."""
    element = browser.find_element("css selector", selector)
    lights = sorted(luminance(element.value_of_css_property(name)) for name in ("color", "background-color"))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    channels = [int(text) / 255 for text in re.findall(r"\d+", colour)[:3]]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_history_of_the_browser_holds_no_callback(told: dict[str, str], browser: Any) -> None:
    with login(told, "--json") as (process, url, redirect_uri):
        browser.get(url)
        browser.find_element("css selector", "button[value=approve]").click()
        wait_for_path(browser, "/done")
        end(process, 0)
        visited = [entry["url"] for entry in browser.execute_cdp_cmd("Page.getNavigationHistory", {})["entries"]]
    assert url in visited
    assert not [one for one in visited if one.startswith(redirect_uri)]
