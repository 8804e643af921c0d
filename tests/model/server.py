"""A small token endpoint for tests: it reads requests by itself and knows nothing of the engine's wire code."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tropipay_oauth import HTTPRequest, HTTPResponse

Reply = Callable[[HTTPRequest, float], HTTPResponse]
JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def reply(status: int, members: Any, headers: dict[str, str] | None = None) -> HTTPResponse:
    """A JSON reply."""
    return HTTPResponse(status=status, headers=JSON | (headers or {}), body=json.dumps(members).encode())


def refusal(error: str, status: int = 400) -> HTTPResponse:
    """An OAuth error reply."""
    return reply(status, {"error": error, "error_description": f"{error} it is"})


@dataclass
class Family:
    """Everything that came of one authorization."""

    current: str
    spent: set[str] = field(default_factory=set)
    access: set[str] = field(default_factory=set)
    dead: bool = False


@dataclass
class TokenServer:
    """Issues tokens; refresh tokens rotate, and presenting a spent one kills its family (RFC 9700 §4.14.2)."""

    lifetime: float = 3600.0
    rotate: bool = True
    client_secret: str = "the-client-secret"
    scripted: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    families: list[Family] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    reuse_detected: int = 0
    revoked: list[str] = field(default_factory=list)
    _count: int = 0

    def handle(self, request: HTTPRequest, now: float) -> HTTPResponse:
        """The reply to one request, and its consequences."""
        members = json.loads(request.body)
        self.requests.append(members)
        if self.scripted:
            return self.scripted.pop(0)(request, now)
        return self.answer(members, now)

    def answer(self, members: dict[str, Any], now: float) -> HTTPResponse:
        """What it says when nothing is scripted."""
        if "token" in members:
            self.revoked.append(members["token"])
            return HTTPResponse(status=200)
        if members.get("client_secret") != self.client_secret:
            return reply(400, {"error": "invalid_client", "error_description": "Credential not found"})
        match members["grant_type"]:
            case "client_credentials":
                return self._issue(self._new_family(), now)
            case "refresh_token":
                return self._refresh(members["refresh_token"], now)
            case _:
                return self._exchange(members, now)

    def new_code(self, code_challenge: str) -> str:
        """A code as the authorization endpoint would give it."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = code_challenge
        return code

    def alive(self, access_token: str) -> bool:
        """Whether a resource server would take this token."""
        return any(access_token in family.access and not family.dead for family in self.families)

    def kill(self) -> None:
        """Every token issued so far is worthless."""
        for family in self.families:
            family.access.clear()

    def _exchange(self, members: dict[str, Any], now: float) -> HTTPResponse:
        digest = hashlib.sha256(members["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if self.codes.pop(members["code"], None) != challenge:
            return refusal("invalid_grant")
        return self._issue(self._new_family(), now)

    def _refresh(self, presented: str, now: float) -> HTTPResponse:
        family = next((f for f in self.families if presented == f.current or presented in f.spent), None)
        if family is None or family.dead:
            return refusal("invalid_grant")
        if presented in family.spent:
            self.reuse_detected += 1
            family.dead = True
            return refusal("invalid_grant")
        if self.rotate:
            family.spent.add(presented)
            family.current = self._next("refresh")
        return self._issue(family, now)

    def _new_family(self) -> Family:
        self.families.append(Family(self._next("refresh")))
        return self.families[-1]

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-token-number-{self._count}"

    def _issue(self, family: Family, now: float) -> HTTPResponse:
        access = self._next("access")
        family.access.add(access)
        return reply(
            200,
            {
                "access_token": access,
                "refresh_token": family.current,
                "token_type": "Bearer",
                "expires_in": int(now + self.lifetime),
            },
        )
