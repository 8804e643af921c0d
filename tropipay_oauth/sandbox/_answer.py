"""What comes of a request, where that is more than an HTTP response; and what is remembered of it.

What belongs here: values that the sandbox gives out. What does not: making them.
"""

from enum import Enum

from attrs import frozen

from .._values.errors import Delivery, TransportError
from .._values.http import HTTPResponse


class DropPoint(Enum):
    """Where the connection ends without a whole reply."""

    UNREACHABLE = "unreachable"
    """Before anything was sent. A server on a port cannot do this by itself: it closes as at BEFORE_PROCESSING."""
    BEFORE_PROCESSING = "before_processing"
    """After the request was sent, but nothing was done."""
    AFTER_PROCESSING = "after_processing"
    """The request was done, and not one byte of the reply is sent."""
    MID_RESPONSE = "mid_response"
    """The request was done, and the reply ends after `Answer.truncate_at` bytes of its body."""

    @property
    def delivery(self) -> Delivery:
        """What a client can know of its request."""
        return Delivery.NOT_SENT if self is DropPoint.UNREACHABLE else Delivery.AMBIGUOUS


@frozen(kw_only=True)
class Answer:
    """The response and how it is delivered. Adding `Content-Length` is the server's part, and it says the whole length.

    Args:
        response: None if the connection ends before one.
        delay: seconds to wait before the first byte.
        drip: seconds to wait between two bytes of the body.
        drop: where the connection ends, if it does before the end.
        truncate_at: how many bytes of the body are sent before it ends; None for all.
    """

    response: HTTPResponse | None
    delay: float = 0.0
    drip: float = 0.0
    drop: DropPoint | None = None
    truncate_at: int | None = None

    def deliver(self) -> HTTPResponse:
        """The response, or the error that a transport raises in its place. Delays are the transport's part.

        Raises:
            TransportError: the connection ended before the whole response was there.
        """
        if self.response is None or self.drop is not None:
            drop = self.drop or DropPoint.BEFORE_PROCESSING
            raise TransportError(
                f"the sandbox ended the connection ({drop.value}), as its behaviour says", delivery=drop.delivery, code=drop.value
            )
        return self.response


@frozen(kw_only=True)
class LogEntry:
    """One exchange as it may be shown: no token, secret, code, query or body is in it.

    Args:
        at: Unix seconds by the server's clock.
        method: HTTP method.
        route: the endpoint, e.g. `/api/v2/access/token`; `other` for paths that do not exist.
        status: of the response; None if the connection was dropped.
        grant: the grant type, if it is a known one.
        client_id: if it is a registered one.
        error: OAuth's code of a refusal, or `error_page`.
        fault: which fault was played.
        token: first 8 hex digits of the SHA-256 of the code or token that was presented.
    """

    at: float
    method: str
    route: str
    status: int | None
    grant: str | None = None
    client_id: str | None = None
    error: str | None = None
    fault: str | None = None
    token: str | None = None

    @property
    def outcome(self) -> str:
        """The fault, else the error, else `granted`."""
        return self.fault or self.error or "granted"
