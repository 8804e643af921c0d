"""A user with a browser, for tests: `python browse.py URL [approve|deny]`. It asks, presses the button, follows the redirects."""

import http.client
import re
import sys
from typing import NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

PATIENCE = 20.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Page(NamedTuple):
    """What a server answered."""

    url: str
    status: int
    headers: dict[str, str]
    body: str


def fetch(url: str, method: str = "GET", body: str | None = None, headers: dict[str, str] | None = None) -> Page:
    """One request; redirects are not followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request(method, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", body, headers or {})
        response = connection.getresponse()
        members = {name.lower(): value for name, value in response.getheaders()}
        return Page(url, response.status, members, response.read().decode())
    finally:
        connection.close()


def decide(url: str, decision: str = "approve") -> str:
    """Open the consent page and press the button: the callback URL."""
    page = fetch(url)
    token, action = re.search(r'name="form_token" value="([^"]+)"', page.body), re.search(r'action="([^"]+)"', page.body)
    assert token and action, f"no consent page but {page.status}"
    form = urlencode({"form_token": token[1], "decision": decision})
    return fetch(urljoin(url, action[1]), "POST", form, _FORM).headers["location"]


def follow(url: str) -> Page:
    """Go there, and on to where that leads: the last page."""
    page = fetch(url)
    while "location" in page.headers:
        page = fetch(urljoin(page.url, page.headers["location"]))
    return page


if __name__ == "__main__":
    follow(decide(*sys.argv[1:]))
