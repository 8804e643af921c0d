"""The sandbox behind an ASGI server."""

import asyncio
import json
from typing import Any

import pytest

from tests.sandbox.driver import START, TOKEN, Driver
from tropipay_oauth import TransportError
from tropipay_oauth.sandbox import Behaviour
from tropipay_oauth.sandbox.asgi import asgi


class Exchange:
    """One request through an ASGI application."""

    def __init__(self, driver: Driver, body: bytes, **scope: Any) -> None:
        pieces = [body[:10], body[10:]]
        self.incoming: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": number == 0} for number, piece in enumerate(pieces)
        ]
        self.sent: list[dict[str, Any]] = []
        self.waited: list[float] = []
        usual = {
            "type": "http",
            "method": "POST",
            "path": TOKEN,
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        app = asgi(driver.sandbox, lambda: START, self.sleep)
        asyncio.run(app(usual | scope, self.receive, self.send))  # type: ignore[arg-type]  # a coroutine is awaitable

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def receive(self) -> dict[str, Any]:
        return self.incoming.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


def token_body(driver: Driver) -> bytes:
    return json.dumps({"grant_type": "client_credentials", **driver.credentials()}).encode()


def test_a_token_comes_through(driver: Driver) -> None:
    exchange = Exchange(driver, token_body(driver))
    start, body = exchange.sent
    assert start["status"] == 200
    assert (b"cache-control", b"no-store") in start["headers"]
    assert (b"content-length", str(len(body["body"])).encode()) in start["headers"]
    assert json.loads(body["body"])["token_type"] == "Bearer"
    assert exchange.waited == []


def test_the_query_and_the_raw_path_are_used(driver: Driver) -> None:
    request = driver.authorize_url().partition("?")[2].encode()
    exchange = Exchange(driver, b"", method="GET", raw_path=b"/api/v2/access/authorize", query_string=request)
    assert exchange.status == 200
    assert b"Approve" in exchange.sent[1]["body"]


def test_a_delay_is_waited_for() -> None:
    driver = Driver(Behaviour(delay=3.0))
    assert Exchange(driver, token_body(driver)).waited == [3.0]


def test_a_truncated_body_promises_more_than_it_has() -> None:
    driver = Driver(Behaviour(fault="truncated_body"))
    start, body = Exchange(driver, token_body(driver)).sent
    length = int(dict(start["headers"])[b"content-length"])
    assert len(body["body"]) == length // 2


def test_a_dropped_connection_is_an_exception() -> None:
    driver = Driver(Behaviour(fault="drop_after"))
    with pytest.raises(TransportError):
        Exchange(driver, token_body(driver))


def test_what_is_no_http_gets_400(driver: Driver) -> None:
    assert Exchange(driver, b"", method="get").status == 400
    assert Exchange(driver, b"", raw_path=b"/\xff").status == 400


def test_a_body_that_is_too_large_is_not_read_to_its_end(driver: Driver) -> None:
    exchange = Exchange(driver, b"0123456789" + b"x" * (3 << 20))
    assert exchange.status == 400


def test_other_protocols_are_none_of_its_business(driver: Driver) -> None:
    assert Exchange(driver, b"", type="lifespan").sent == []
