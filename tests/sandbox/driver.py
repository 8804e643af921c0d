"""A client of the sandbox that knows nothing of the engine: it writes requests byte by byte, as curl would."""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tropipay_oauth import Entropy, HTTPRequest, HTTPResponse
from tropipay_oauth.sandbox import Behaviour, RegisteredClient, Sandbox

START = 1_800_000_000.0
ORIGIN = "https://tropipay.example"
CALLBACK = "http://127.0.0.1:5000/callback"
VERIFIER = "zR7-Kq0~xW4.uT9_bY2-hM6~eS1.dF8_gJ3-cL5~aN0.pQ7_iV4"
FORM = "application/x-www-form-urlencoded"
TOKEN = "/api/v2/access/token"


def s256(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def basic(client_id: str, secret: str) -> dict[str, str]:
    """HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def members(response: HTTPResponse) -> Any:
    """The JSON of a response."""
    return json.loads(response.body)


def query(url: str) -> dict[str, str]:
    """The parameters of a callback; none may be there twice."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


class Driver:
    """A sandbox, a clock and the client that exists from the beginning."""

    def __init__(self, behaviour: Behaviour | None = None, **options: Any) -> None:
        self.sandbox = Sandbox(entropy=Entropy(b"\x07" * 32), behaviour=behaviour, **options)
        self.now = START
        self.client_id = self.sandbox.client_id
        self.secret = self.sandbox.client_secret.reveal()

    # -- requests

    def send(self, method: str, path: str, headers: Any = (), body: bytes = b"") -> HTTPResponse:
        """Any request."""
        return self.sandbox.handle(HTTPRequest(method=method, url=ORIGIN + path, headers=headers, body=body), self.now)

    def json(self, path: str, body: Any, method: str = "POST", headers: Any = ()) -> HTTPResponse:
        """A request with a JSON body."""
        return self.send(method, path, [("Content-Type", "application/json"), *dict(headers).items()], json.dumps(body).encode())

    def form(self, path: str, body: Any, headers: Any = ()) -> HTTPResponse:
        """A request with a form body; pairs may repeat a name."""
        text = body if isinstance(body, str) else urlencode(body)
        return self.send("POST", path, [("Content-Type", FORM), *dict(headers).items()], text.encode())

    def token(self, grant_type: str, *, client: RegisteredClient | None = None, path: str = TOKEN, **body: Any) -> HTTPResponse:
        """A token request with the client's credentials in a JSON body, as TropiPay's clients send it. None leaves out."""
        full = {"grant_type": grant_type, **self.credentials(client), **body}
        return self.json(path, {name: value for name, value in full.items() if value is not None})

    def credentials(self, client: RegisteredClient | None = None) -> dict[str, str]:
        """Client id and, if it has one, secret."""
        if client is None:
            return {"client_id": self.client_id, "client_secret": self.secret}
        secret = {} if client.client_secret is None else {"client_secret": client.client_secret.reveal()}
        return {"client_id": client.client_id, **secret}

    def get(self, path: str, access_token: str | None = None) -> HTTPResponse:
        """A resource request."""
        return self.send("GET", path, {} if access_token is None else {"Authorization": f"Bearer {access_token}"})

    def post(self, path: str, access_token: str, body: Any, method: str = "POST") -> HTTPResponse:
        """A resource request with a JSON body."""
        return self.json(path, body, method, {"Authorization": f"Bearer {access_token}"})

    # -- flows

    def authorize_url(self, **changes: Any) -> str:
        """An authorization URL. A change to None leaves a parameter out."""
        return f"{ORIGIN}/api/v2/access/authorize?{urlencode(self.parameters(**changes))}"

    def parameters(self, **changes: Any) -> dict[str, str]:
        """The parameters of an authorization request."""
        usual = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "ALLOW_GET_PROFILE_DATA ALLOW_GET_BALANCE",
            "state": "the-state",
            "code_challenge": s256(VERIFIER),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def ask(self, **changes: Any) -> HTTPResponse:
        """What the browser is shown for an authorization URL."""
        return self.sandbox.handle(HTTPRequest(method="GET", url=self.authorize_url(**changes)), self.now)

    def refusal(self, **changes: Any) -> dict[str, str]:
        """The parameters of the redirect that answers a bad authorization request."""
        response = self.ask(**changes)
        assert response.status == 303
        return query(response.headers.get("Location") or "")

    def answer(self, page: HTTPResponse, decision: str = "approve", headers: Any = ()) -> HTTPResponse:
        """Press a button of the consent page."""
        return self.form("/api/v2/access/authorize", {"form_token": form_token(page), "decision": decision}, headers)

    def code(self, **changes: Any) -> str:
        """A fresh code."""
        return query(self.sandbox.approve(self.authorize_url(**changes), self.now))["code"]

    def exchange(self, code: str, **changes: Any) -> HTTPResponse:
        """A code exchange with everything right, but for the changes."""
        usual: dict[str, Any] = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": code}
        return self.token("authorization_code", **(usual | changes))

    def login(self) -> Any:
        """The token response of a whole code flow."""
        response = self.exchange(self.code())
        assert response.status == 200
        return members(response)

    def service(self, **body: Any) -> Any:
        """The token response of client credentials."""
        response = self.token("client_credentials", **body)
        assert response.status == 200
        return members(response)

    def refresh(self, refresh_token: str, **body: Any) -> HTTPResponse:
        """A refresh."""
        return self.token("refresh_token", refresh_token=refresh_token, **body)

    def alive(self, access_token: str) -> bool:
        """Whether the API takes the token."""
        return self.get("/api/v2/credential/grant/list", access_token).status == 200


def form_token(page: HTTPResponse) -> str:
    """The hidden field of the consent page."""
    found = re.search(r'<input type="hidden" name="form_token" value="([A-Za-z0-9_-]{43})">', page.body.decode())
    assert found is not None
    return found[1]


def is_error(response: HTTPResponse, error: str, status: int = 400) -> bool:
    """Whether it is that OAuth error, with everything that RFC 6749 §5.2 asks of one."""
    kind = response.headers.get("Content-Type") or ""
    body = members(response)
    assert kind.startswith("application/json")
    assert response.headers.get("Cache-Control") == "no-store"
    assert re.fullmatch(r"[ !#-\[\]-~]+", body["error_description"])
    return (body["error"], response.status) == (error, status)
