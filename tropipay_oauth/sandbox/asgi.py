"""The sandbox behind any ASGI server: `uvicorn`'s `app = asgi(sandbox, time.time, asyncio.sleep)`.

ASGI has no way to drop a connection, so a dropped one is an exception; most servers answer it with 500 or close.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from .._values.errors import ConfigurationError
from .._values.http import HTTPRequest, HTTPResponse
from ._answer import Answer
from ._server import Sandbox

_MAX_BODY = 2 << 20

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


def asgi(sandbox: Sandbox, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]] | None = None) -> App:
    """An ASGI application.

    Args:
        sandbox: shared by all requests.
        clock: gives Unix seconds.
        sleep: waits that many seconds, for the behaviour `delay`; without it replies come at once. `drip` is ignored.
    """

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more and len(body) <= _MAX_BODY:  # what is longer is refused by the sandbox anyway
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        try:
            answer = sandbox.answer(_request(sandbox.origin, scope, body), clock())
        except ConfigurationError:  # a request that no HTTP client sends, such as a lower-case method
            answer = Answer(response=HTTPResponse(status=400))
        if sleep is not None and answer.delay:
            await sleep(answer.delay)
        await _send(answer, send)

    return app


def _request(origin: str, scope: dict[str, Any], body: bytes) -> HTTPRequest:
    path = scope.get("raw_path") or scope["path"].encode()
    url = origin + path.decode("latin-1") + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return HTTPRequest(method=scope["method"], url=url, headers=headers, body=body)


async def _send(answer: Answer, send: Send) -> None:
    response = answer.response or answer.deliver()
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body[: answer.truncate_at]})
