"""What a caller asks for, as an `HTTPRequest`: the URL, the body, the header fields that every request has.

What belongs here: building values. What does not: the token (the engine adds it), sending.
"""

import json as json_format
from typing import Any
from urllib.parse import urljoin

from tropipay_oauth import Credential, Headers, HTTPRequest, Provider
from tropipay_oauth.errors import ConfigurationError

_REPLAYABLE = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS"))  # idempotent: RFC 9110 §9.2.2


def build_request(
    provider: Provider,
    credential: Credential,
    method: str,
    path_or_url: str,
    *,
    headers: Any = (),
    body: bytes = b"",
    json: object = None,
    replayable: bool | None = None,
    timeout: float = 30.0,
    max_body: int = 1 << 20,
) -> HTTPRequest:
    """The request without its token; see `TropiPayClient.request` for the arguments.

    Raises:
        ConfigurationError: no such request can be made; nothing was sent.
    """
    given = Headers(headers)
    if json is not None:
        body = _to_json(json, body)
    fields = [("Accept", "application/json"), ("User-Agent", credential.user_agent)]
    fields += [("Content-Type", "application/json")] if json is not None else []
    again = method in _REPLAYABLE if replayable is None else replayable
    return HTTPRequest(
        method=method,
        url=join(provider, path_or_url),
        headers=(*((name, value) for name, value in fields if name not in given), *given),
        body=body,
        replayable=again,
        fresh_connection=not again,  # an idle connection that the server closes meanwhile would make a payment ambiguous
        timeout=timeout,
        max_body=max_body,
    )


def join(provider: Provider, path_or_url: str) -> str:
    """The whole URL: a path without a leading slash is below `api_base`, one with it at the server's root (RFC 3986 §5.2)."""
    if "://" in path_or_url.partition("?")[0]:
        return path_or_url
    if provider.api_base is None:
        raise ConfigurationError("this provider has no api_base to join a path to: set it, or pass a whole URL", code="api_base")
    return urljoin(provider.api_base.rstrip("/") + "/", path_or_url)


def _to_json(value: object, body: bytes) -> bytes:
    if body:
        raise ConfigurationError("a request has one body: pass body or json", code="body")
    try:
        return json_format.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise ConfigurationError("this value has no JSON form: pass numbers, texts, lists, dicts", code="json") from None
