"""The redirect URI of a sign-in: only the right request counts, nothing of it stays in the browser, the port closes."""

import socket
import threading
from contextlib import closing
from typing import Any

import anyio
import pytest

from tests.adapters.support import PATIENCE
from tropipay_oauth import HTTPRequest, HTTPResponse, Secret
from tropipay_oauth.errors import ConfigurationError, StateExpired, StateMismatch
from tropipay_oauth_adapters.loopback import listen, listen_in_thread
from tropipay_oauth_adapters.sync import SyncTransport


def right_state(url: Secret) -> str | None:
    """As an engine decides: a code for the right state, None for a stray hit, an error for a refusal."""
    text = url.reveal()
    if "error=" in text:
        raise StateMismatch("the user said no")
    return text.partition("code=")[2].partition("&")[0] if "state=right" in text else None


def browse(url: str, method: str = "GET") -> HTTPResponse:
    transport = SyncTransport()
    try:
        return transport.send(HTTPRequest(method=method, url=url, timeout=PATIENCE))
    finally:
        transport.close()


def follow(url: str) -> tuple[HTTPResponse, HTTPResponse]:
    """The redirect and the page behind it."""
    first = browse(url)
    base = url[: url.index("/", 8)]
    return first, browse(base + (first.headers.get("Location") or ""))


def assert_closed(redirect_uri: str) -> None:
    host, _, port = redirect_uri.partition("://")[2].partition("/")[0].rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE)


def test_stray_hits_leave_the_flow_waiting_and_the_real_callback_ends_it() -> None:
    with listen_in_thread(right_state) as listener:
        uri = listener.redirect_uri
        assert browse(f"{uri}?code=evil&state=wrong").headers.get("Location") == "/ignored"
        assert browse(uri).headers.get("Location") == "/ignored"
        assert browse(uri.replace("/callback", "/done")).status == 200
        first, page = follow(f"{uri}?code=good&state=right")
        assert (first.status, first.headers.get("Location"), page.status) == (303, "/done", 200)
        assert listener.wait() == "good"
        assert browse(f"{uri}?code=late&state=right").headers.get("Location") == "/ignored"
        assert listener.wait() == "good"
    assert_closed(uri)


def test_a_refusal_ends_the_flow_with_its_error() -> None:
    with listen_in_thread(right_state) as listener:
        uri = listener.redirect_uri
        first, page = follow(f"{uri}?error=access_denied")
        assert first.headers.get("Location") == "/failed"
        assert b"failed" in page.body
        with pytest.raises(StateMismatch):
            listener.wait()
    assert_closed(uri)


def test_nothing_of_the_callback_is_left_and_nothing_foreign_is_loaded() -> None:
    with listen_in_thread(right_state) as listener:
        for message in follow(f"{listener.redirect_uri}?code=canary&state=right"):
            shown = repr([*message.headers]) + message.body.decode()
            assert "canary" not in shown
            assert "//" not in message.body.decode()
            assert message.headers.get("Referrer-Policy") == "no-referrer"
            assert message.headers.get("Cache-Control") == "no-store"
        listener.wait()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/callback/", 404),
        ("GET", "/favicon.ico", 404),
        ("POST", "/callback?state=right", 405),
        ("HEAD", "/callback", 405),
    ],
)
def test_other_requests_are_no_callbacks(method: str, path: str, status: int) -> None:
    decided: list[Secret] = []

    def decide(url: Secret) -> str | None:
        decided.append(url)
        return None

    with listen_in_thread(decide) as listener:
        assert browse(listener.redirect_uri.removesuffix("/callback") + path, method).status == status
    assert decided == []


def test_another_host_name_that_points_here_is_refused() -> None:
    decided: list[Secret] = []

    def decide(url: Secret) -> str | None:
        decided.append(url)
        return None

    with listen_in_thread(decide) as listener:
        port = int(listener.redirect_uri.rpartition(":")[2].partition("/")[0])
        for host in (f"localhost:{port}", "127.0.0.1", f"127.0.0.1:{port + 1 if port < 65535 else 1}", "evil.example"):
            with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) as sock:
                sock.sendall(f"GET /callback?code=x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                assert sock.recv(12) in (b"HTTP/1.1 421", b"HTTP/1.1 400")
    assert decided == []


def test_nobody_comes_back() -> None:
    with listen_in_thread(right_state, timeout=0.05) as listener:
        uri = listener.redirect_uri
        with pytest.raises(StateExpired):
            listener.wait()
    assert_closed(uri)


def test_two_callbacks_at_once_are_decided_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tropipay_oauth_adapters.loopback._GRACE", 0.05)
    inside, order = threading.Event(), list[str]()

    def decide(url: Secret) -> str | None:
        order.append("in")
        inside.set()
        order.append("out")
        return "done" if len(order) > 2 else None

    with listen_in_thread(decide) as listener:
        threads = [threading.Thread(target=browse, args=(listener.redirect_uri,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert listener.wait() == "done"
    assert order == ["in", "out"] * 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_wait_closes_the_port(backend: str) -> None:
    async def decide(url: Secret) -> str | None:
        return None

    async def main() -> str:
        uri = ""
        with anyio.move_on_after(0.05):
            async with listen(decide) as listener:
                uri = listener.redirect_uri
                await listener.wait()
        return uri

    assert_closed(anyio.run(main, backend=backend))


def test_the_page_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tropipay_oauth_adapters.loopback._GRACE", 0.05)
    with listen_in_thread(right_state) as listener:
        browse(f"{listener.redirect_uri}?code=good&state=right")
        assert listener.wait() == "good"


def test_the_second_address_is_taken_when_the_first_is_not_there() -> None:
    options: dict[str, Any] = {"hosts": ("192.0.2.1", "127.0.0.1"), "path": "/back"}
    with listen_in_thread(right_state, **options) as listener:
        assert listener.redirect_uri.startswith("http://127.0.0.1:")
        assert listener.redirect_uri.endswith("/back")


def test_no_address_at_all() -> None:
    with pytest.raises(ConfigurationError) as caught, listen_in_thread(right_state, hosts=("192.0.2.1",)):
        pass
    assert caught.value.code == "listen"


def test_a_port_in_use_is_not_shared() -> None:
    with listen_in_thread(right_state) as first:
        port = int(first.redirect_uri.rpartition(":")[2].partition("/")[0])
        with pytest.raises(ConfigurationError), listen_in_thread(right_state, port=port, hosts=("127.0.0.1",)):
            pass
