"""`tropipay-oauth login`: the sandbox in one process, the command in another, and a browser that is played or real rogue hits."""

import contextlib
import json
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.adapters import browse
from tests.adapters.browse import Page, decide, fetch, follow
from tests.adapters.commands import Running, assert_one_line, credentials, lines, run, sandbox, started
from tests.adapters.support import PATIENCE

JWT = re.compile(r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]+")


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    """A sandbox in a process of its own."""
    with sandbox() as members:
        yield members


@contextmanager
def login(told: dict[str, str], *words: str) -> Iterator[tuple[Running, str, str]]:
    """A login that waits for the browser, the URL that it prints, and its redirect URI."""
    with started("login", "--no-browser", *words, **credentials(told)) as process:
        stream = "stderr" if {"--json", "--header"} & set(words) else "stdout"
        asked, url = lines(process, stream, 2)
        assert asked == "Open this page to sign in:", process.communicate()
        yield process, url, parse_qs(urlsplit(url).query)["redirect_uri"][0]


def end(process: Running, status: int) -> tuple[str, str]:
    """The rest of its output, once it ended with this status."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, (out, err)
    return out, err


def assert_clean(page: Page, path: str) -> None:
    """The browser rests at a page of this path, without code or state in address or text, and nothing is kept."""
    assert (page.status, urlsplit(page.url).path, urlsplit(page.url).query) == (200, path, "")
    assert "code" not in page.body
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


# -- The way it should go ------------------------------------------------------------------------------------------


def test_an_approved_login_reads_the_profile(told: dict[str, str]) -> None:
    with login(told, "--scope", "ALLOW_GET_PROFILE_DATA") as (process, url, redirect_uri):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", redirect_uri)
        assert parse_qs(urlsplit(url).query)["scope"] == ["ALLOW_GET_PROFILE_DATA"]
        assert_clean(follow(decide(url)), "/done")
        out, err = end(process, 0)
    assert err == ""
    assert re.search(r"^scope +ALLOW_GET_PROFILE_DATA$", out, re.MULTILINE)
    assert out.endswith("Signed in: GET users/profile answered 200.\n")
    assert not JWT.search(out)
    with pytest.raises(ConnectionRefusedError):
        fetch(redirect_uri)


def test_json_is_one_document_on_stdout(told: dict[str, str]) -> None:
    with login(told, "--json") as (process, url, _):
        follow(decide(url))
        out, err = end(process, 0)
    members = json.loads(out)
    assert (err, out.count("\n")) == ("", 1)
    assert (members["ok"], members["resource_status"], members["grant"]) == (True, 200, "authorization_code")
    assert not JWT.search(out)


@pytest.mark.parametrize("words", [["--header"], ["--reveal"], ["--json", "--reveal"]])
def test_the_token_is_shown_where_it_is_asked_for(told: dict[str, str], words: list[str]) -> None:
    with login(told, *words) as (process, url, _):
        follow(decide(url))
        found = JWT.search(end(process, 0)[0])
    assert found is not None
    assert fetch(f"{told['url']}/api/v2/users/balance", headers={"Authorization": f"Bearer {found[0]}"}).status == 200


def test_it_opens_the_browser_of_the_user(told: dict[str, str]) -> None:
    browser = f"{sys.executable} {Path(browse.__file__)} %s"
    done = run("login", "--json", **credentials(told), BROWSER=browser)
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)


@pytest.mark.parametrize("browser", ["/nonsense/browser", f"{sys.executable} -c 1/0 %s"])
def test_a_browser_that_fails_leaves_the_printed_url(told: dict[str, str], browser: str) -> None:
    with started("login", **credentials(told), BROWSER=browser, PATH="/nonsense") as process:
        _, url = lines(process, "stdout", 2)
        follow(decide(url))
        assert "Signed in" in end(process, 0)[0]


def test_port_path_and_resource_can_be_chosen(told: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with login(told, "--port", str(port), "--resource", "users/balance") as (process, url, redirect_uri):
        assert redirect_uri == f"http://127.0.0.1:{port}/callback"
        follow(decide(url))
        assert "GET users/balance answered 200" in end(process, 0)[0]
    with sandbox("redirect_check=ignored") as other, login(other, "--path", "/back") as (process, url, redirect_uri):
        assert redirect_uri.endswith("/back")
        follow(decide(url))
        end(process, 0)


def test_any_server_is_found_by_its_metadata_and_nothing_is_read_from_it() -> None:
    with sandbox("profile=standard") as standard, login(standard, "--issuer", standard["url"], "--json") as (process, url, _):
        follow(decide(url))
        members = json.loads(end(process, 0)[0])
    assert (members["ok"], members["resource_status"]) == (True, None)


# -- Refusals and failures -----------------------------------------------------------------------------------------


def test_a_denied_login_is_one_line_and_status_1(told: dict[str, str]) -> None:
    with login(told) as (process, url, _):
        page = follow(decide(url, "deny"))
        assert (page.status, urlsplit(page.url).path) == (200, "/failed")
        assert_clean(page, "/failed")
        out, err = end(process, 1)
    assert out == ""
    assert err.startswith("tropipay-oauth: the server refused with 'access_denied'")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        ("status_500", "begin a new authorization"),
        ("drop_after", "begin a new authorization"),
        ("html_200", "begin a new authorization"),
        ("echo_secret", "invalid_request"),
    ],
)
def test_a_failed_exchange_is_one_line_and_status_1(fault: str, part: str) -> None:
    with sandbox(f"fault={fault}", "fault_at=authorization_code") as bad, login(bad, "--json") as (process, url, _):
        callback = decide(url)
        assert urlsplit(follow(callback).url).path == "/failed"
        out, err = end(process, 1)
    assert out == ""
    assert err.startswith("tropipay-oauth: ")
    assert err.count("\n") == 1
    assert part in err
    assert parse_qs(urlsplit(callback).query)["code"][0] not in err
    assert bad["client_secret"] not in err


def test_a_resource_that_is_refused_is_status_1(told: dict[str, str]) -> None:
    with login(told, "--json", "--scope", "ALLOW_GET_BALANCE") as (process, url, _):
        follow(decide(url))
        out, err = end(process, 1)
    assert (json.loads(out)["ok"], json.loads(out)["resource_status"]) == (False, 403)
    assert err.startswith("tropipay-oauth: signed in, but users/profile answered 403")
    assert err.count("\n") == 1


def test_nobody_comes_back(told: dict[str, str]) -> None:
    done = run("login", "--no-browser", "--timeout", "0.2", **credentials(told))
    assert_one_line(done, 1, "nobody came back within 0.2 s")


def test_a_callback_that_was_ignored_explains_why_nobody_came() -> None:
    with sandbox("state_echo=wrong") as bad, login(bad, "--timeout", "2") as (process, url, _):
        assert urlsplit(follow(decide(url)).url).path == "/ignored"
        _, err = end(process, 1)
    assert re.fullmatch(r"tropipay-oauth: nobody came back within 2 s.*a callback was ignored: .*state.*\n", err)


def test_a_note_about_an_old_server_is_one_line() -> None:
    legacy = "https://tropipay-dev.herokuapp.com"
    variables = {"TROPIPAY_SERVER": legacy, "TROPIPAY_CLIENT_ID": "somebody", "TROPIPAY_CLIENT_SECRET": "something"}
    done = run("login", "--no-browser", "--timeout", "0.1", **variables)  # nothing is sent before somebody comes back
    note, error = done.stderr.splitlines()
    assert note.startswith("tropipay-oauth: note: ")
    assert error.startswith("tropipay-oauth: nobody came back")


# -- Rogue hits ----------------------------------------------------------------------------------------------------


def shout(redirect_uri: str, data: bytes) -> bytes:
    """Raw bytes at the port, and what comes back."""
    parts = urlsplit(redirect_uri)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as sock:
        answered = b""
        with contextlib.suppress(ConnectionError):  # it may close before it read all
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while piece := sock.recv(1 << 16):
                answered += piece
        return answered


def test_rogue_hits_do_not_disturb_the_login(told: dict[str, str]) -> None:
    with login(told, "--json") as (process, url, redirect_uri):
        state = parse_qs(urlsplit(url).query)["state"][0]
        host = urlsplit(redirect_uri).netloc
        for query in (
            "",
            "?code=evil",
            "?code=evil&state=evil",
            "?error=access_denied&state=evil",
            "?error=access_denied",
            "?%zz",
        ):
            assert fetch(redirect_uri + query).headers["location"] == "/ignored", query
        twice = f"?code=a&code=b&state={state}"
        assert fetch(redirect_uri + twice).headers["location"] == "/ignored"
        for method in ("POST", "HEAD", "DELETE", "OPTIONS"):
            assert fetch(f"{redirect_uri}?code=evil&state={state}", method).status == 405
        for path in ("/", "/callback/", "/favicon.ico", "//callback", "/callback%2f"):
            assert fetch(f"http://{host}{path}").status == 404, path
        right = f"GET /callback?code=evil&state={state} HTTP/1.1\r\nHost: rebound.example\r\n\r\n"
        assert shout(redirect_uri, right.encode()).startswith(b"HTTP/1.1 4")
        for noise in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\0" * 100_000, b"GET / HTTP/1.1\r\nA: " + b"a" * 200_000):
            shout(redirect_uri, noise)
        idle = [socket.create_connection((urlsplit(redirect_uri).hostname, urlsplit(redirect_uri).port)) for _ in range(8)]
        assert_clean(follow(decide(url)), "/done")
        for sock in idle:
            sock.close()
        out, err = end(process, 0)
    assert (json.loads(out)["ok"], err) == (True, "")


def test_a_callback_counts_once(told: dict[str, str]) -> None:
    """The last page is fetched late, so that the port is still open for the second hit."""
    with login(told, "--json") as (process, url, _):
        callback = decide(url)
        assert fetch(callback).headers["location"] == "/done"
        assert fetch(callback).headers["location"] == "/ignored"
        assert json.loads(end(process, 0)[0])["ok"] is True
