"""Values that the tests of the wire share, and what Hypothesis makes of replies."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tropipay_oauth._values.credential import Credential
from tropipay_oauth._values.http import HTTPResponse
from tropipay_oauth._values.pending import PendingAuthorization
from tropipay_oauth._values.provider import BodyEncoding, ClientAuthentication, IssuerParameter, Provider
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.secret import Secret
from tropipay_oauth._wire.authorization import ValidatedCallback, validate_callback

NOW = 1_741_900_000.0
CLIENT_SECRET = "client-secret-Zx81/q+7~t"  # of nobody
STATE = "state-0123456789-abcdefghijklmnopqrstuvwxyz"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
REDIRECT = "https://app.example/callback"

TROPIPAY = Provider.for_server("https://www.tropipay.com")
PLAIN = Provider(
    name="plain",
    issuer="https://as.example",
    token_endpoint="https://as.example/token",
    authorization_endpoint="https://as.example/authorize",
    revocation_endpoint="https://as.example/revoke",
)
PUBLIC = Provider(
    name="public",
    issuer="https://as.example",
    token_endpoint="https://as.example/token",
    client_authentication=ClientAuthentication.NONE,
    body_encoding=BodyEncoding.FORM,
)
CREDENTIAL = Credential(client_id="the-client", client_secret=CLIENT_SECRET, user_agent="MyShop/1.0")

fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pending(provider: Provider = TROPIPAY, **changes: Any) -> PendingAuthorization:
    given: dict[str, Any] = {
        "handle": "the-handle-of-this-flow",
        "issuer": provider.issuer,
        "token_endpoint": provider.user_token_endpoint or provider.token_endpoint,
        "client_id": CREDENTIAL.client_id,
        "redirect_uri": REDIRECT,
        "scope": Scope.of("ALLOW_GET_BALANCE ALLOW_REFUND"),
        "state": STATE,
        "code_verifier": VERIFIER,
        "begun_at": NOW,
        "expires_at": NOW + 600,
        "issuer_parameter": IssuerParameter.COMPARED,
    }
    return PendingAuthorization(**(given | changes))


def proof(provider: Provider = TROPIPAY, code: str = "the-code", **changes: Any) -> ValidatedCallback:
    begun = pending(provider, **changes)
    joint = "&" if "?" in begun.redirect_uri else "?"
    return validate_callback(begun, Secret(f"{begun.redirect_uri}{joint}code={code}&state={STATE}"), NOW)


def reply(status: int, members: Any = None, *, body: bytes | None = None, **headers: str) -> HTTPResponse:
    """A reply; its header fields by keyword, `_` for `-`; JSON unless it says otherwise."""
    fields = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    text = json.dumps(members).encode() if body is None else body
    return HTTPResponse(status=status, headers={name: value for name, value in fields.items() if value}, body=text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**70), 10**70) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        *("error", "error_description", "message", "msg", "code", "type", "access_token", "token_type", "expires_in", "scope"),
        *("refresh_token", "invalid_grant", "E00002", "Bearer", "No token!", "Credential not found", "issuer", "S256"),
        *("https://as.example", "https://as.example/token", "token_endpoint", "code_challenge_methods_supported"),
    ]
)
MEMBERS = st.dictionaries(
    WORDS,
    WORDS | JSON_VALUES | st.dictionaries(WORDS, WORDS | JSON_VALUES, max_size=4),
    max_size=6,
)


def flips(document: bytes) -> st.SearchStrategy[bytes]:
    """The document with some octets changed, cut off or put in."""

    def change(edits: list[tuple[int, int, int]]) -> bytes:
        changed = bytearray(document)
        for place, cut, octet in edits:
            place %= len(changed) + 1
            changed[place : place + cut] = bytes([octet])
        return bytes(changed)

    return st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3), st.integers(0, 255)), min_size=1, max_size=4).map(change)


BODIES = st.binary(max_size=200) | MEMBERS.map(lambda members: json.dumps(members).encode()) | st.text().map(str.encode)
TEXTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f").filter(lambda c: not 0x80 <= ord(c) < 0xA0)
)
FIELDS = st.sampled_from(["Content-Type", "Date", "Age", "Retry-After", "X-RateLimit-Reset", "WWW-Authenticate"])
FIELD_VALUES = TEXTS | st.sampled_from(
    [
        *("application/json", "text/html", "Sun, 06 Nov 1994 08:49:37 GMT", "0", "-1", "9" * 400, "1e999", "1741987517"),
        *('Bearer error="invalid_token"', 'Bearer error="insufficient_scope", scope="a b"', 'Bearer realm="', "Basic", ", ,"),
    ]
)


def responses() -> st.SearchStrategy[HTTPResponse]:
    return st.builds(
        HTTPResponse,
        status=st.integers(100, 599) | st.sampled_from([200, 400, 401, 403, 429, 503]),
        headers=st.lists(st.tuples(FIELDS, FIELD_VALUES), max_size=5),
        body=BODIES,
    )
