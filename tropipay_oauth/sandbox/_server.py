"""The sandbox itself: one request in, one answer out.

What belongs here: the order in which a request is routed, hit by a fault, answered, dated and logged. What does not:
any endpoint.
"""

import html
import re
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve

from .._values.checks import is_number
from .._values.errors import ConfigurationError, LocalProtocolError
from .._values.http import HTTPRequest, HTTPResponse
from .._values.secret import Entropy, Secret
from . import _faults
from ._answer import Answer, LogEntry
from ._behaviour import Behaviour, ErrorShape
from ._clients import ApplicationType, RegisteredClient
from ._credentials import new_client
from ._grants import GRANTS
from ._metadata import not_here
from ._reading import Unreadable, read_body
from ._replies import Refusal, http_date, refused
from ._resources import require_token
from ._routes import ROUTES, Route, find
from ._scopes import NAMES
from ._state import Call, Mint, World

_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?")
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_LONGEST_LOG = 10_000
DEFAULT_ORIGIN = "https://tropipay.example"
DEFAULT_REDIRECT = "http://127.0.0.1/callback"


class Sandbox:
    """TropiPay in a box: authorization server and resource server as one machine without I/O, clock or random source.

    One caller at a time: whoever shares it between threads puts a lock around it.

    Args:
        entropy: everything unpredictable is derived from it; the same entropy and requests give the same replies.
        behaviour: what it does where servers differ, and its faults; TropiPay's own ways by default.
        origin: scheme, host and port under which it is reached; for issuer, metadata and `iss`.
        client_name: of the client that exists from the beginning.
        redirect_uris: of that client.
        scopes: of that client; all of TropiPay's by default.

    Raises:
        ConfigurationError: an origin that is not https nor on a loopback address (RFC 6749 §2.3.1), or a bad redirect URI.
    """

    def __init__(
        self,
        *,
        entropy: Entropy,
        behaviour: Behaviour | None = None,
        origin: str | None = None,
        client_name: str = "Sandbox Shop",
        redirect_uris: Iterable[str] = (DEFAULT_REDIRECT,),
        scopes: str | Iterable[str] = NAMES,
    ) -> None:
        self._may_move = origin is None
        self._world = World(
            mint=Mint(entropy),
            origin=_check_origin(DEFAULT_ORIGIN if origin is None else origin),
            behaviour=behaviour or Behaviour(),
        )
        self._fault_hits = 0
        self._log: deque[LogEntry] = deque(maxlen=_LONGEST_LOG)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._token_requests = 0
        self._client = self.register(client_name=client_name, redirect_uris=redirect_uris, scopes=scopes)

    def __repr__(self) -> str:
        return f"Sandbox({self.origin!r}, {len(self._world.clients)} clients, {self._token_requests} token requests)"

    # -- one request

    def handle(self, request: HTTPRequest, now: float) -> HTTPResponse:
        """The response to `request`, for use in process. Delays are not waited for.

        Args:
            request: whatever its bytes are, it is answered.
            now: Unix seconds.

        Raises:
            TransportError: the behaviour says that the connection ends; `delivery` is what the client can know.
        """
        return self.answer(request, now).deliver()

    def answer(self, request: HTTPRequest, now: float) -> Answer:
        """The response to `request` and how a server on a port delivers it: late, in part, or not at all.

        Args:
            request: whatever its bytes are, it is answered.
            now: Unix seconds.
        """
        if not is_number(now):
            raise ConfigurationError("now is Unix time in seconds: pass a finite number", code="time")
        target = urlsplit(request.url)
        call = Call(request=request, path=target.path, query=target.query, now=now + self.behaviour.date_offset)
        call.route = find(call.path) or "other"
        route = ROUTES.get(call.route, {}).get(request.method)
        if route is not None and route.kind == "token":
            self._token_requests += 1
            call.grant = _grant_of(request)
        fault = self._fault_of(route, call)
        answer = self._finish(
            self._with_fault(route, call) if fault else Answer(response=self._respond(route, call)), route, call
        )
        self._note(call, answer, fault)
        return answer

    def _with_fault(self, route: Route | None, call: Call) -> Answer:
        instead = _faults.instead(self.behaviour, self._shape(call), call)
        return instead or _faults.after(self.behaviour, self._respond(route, call))

    def _respond(self, route: Route | None, call: Call) -> HTTPResponse:
        try:
            return self._dispatch(route, call)
        except Refusal as refusal:
            call.error = refusal.error
            error_uri = self.behaviour.error_uri
            return refused(refusal, self._shape(call), error_uri)

    def _dispatch(self, route: Route | None, call: Call) -> HTTPResponse:
        if route is None:
            raise _no_route(call)
        if route.kind == "revocation" and not self.behaviour.revocation:
            raise not_here()
        if route.kind == "resource":
            require_token(self._world, call, route.scope)
        return route.endpoint(self._world, call)

    def _shape(self, call: Call) -> ErrorShape:
        if "/access/" in call.route:
            return self.behaviour.error_shape
        shape = self.behaviour.resource_error_shape
        if shape == "by_version":
            return "nested" if call.path.startswith("/api/v3/") else "nested_old"
        return shape

    # -- faults, dates and the log

    def _fault_of(self, route: Route | None, call: Call) -> str | None:
        """The fault that hits this request. It is counted."""
        behaviour = self.behaviour
        spent = behaviour.fault_count != -1 and self._fault_hits >= behaviour.fault_count
        if behaviour.fault == "none" or spent or not self._is_aimed_at(route, call):
            return None
        self._fault_hits += 1
        return behaviour.fault

    def _is_aimed_at(self, route: Route | None, call: Call) -> bool:
        kind = None if route is None else route.kind
        aim = self.behaviour.fault_at
        return kind in ("token", "resource") if aim == "both" else aim in (kind, call.grant) and kind not in (None, "page")

    def _finish(self, answer: Answer, route: Route | None, call: Call) -> Answer:
        """Add the date, and the slowness."""
        if answer.response is not None and self.behaviour.date_header:
            dated = evolve(answer.response, headers=answer.response.headers.plus("Date", http_date(call.now)))
            answer = evolve(answer, response=dated)
        if self._is_aimed_at(route, call):
            answer = evolve(answer, delay=self.behaviour.delay, drip=self.behaviour.drip)
        return answer

    def _note(self, call: Call, answer: Answer, fault: str | None) -> None:
        entry = LogEntry(
            at=call.now,
            method=call.request.method,
            route=call.route,
            status=None if answer.response is None or answer.drop is not None else answer.response.status,
            grant=call.grant,
            client_id=call.client_id,
            error=call.error,
            fault=fault,
            token=call.token,
        )
        self._log.append(entry)
        if call.route.endswith("/access/token"):
            self._counts[entry.grant or "unknown", entry.outcome] += 1

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """The latest exchanges, oldest first; nothing secret is in them."""
        return tuple(self._log)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests came to the token endpoint, by grant type (or `unknown`) and outcome.

        The outcome is `granted`, OAuth's code of the refusal, or the name of the fault.
        """
        return Counter(self._counts)

    @property
    def token_requests(self) -> int:
        """How many requests came to the token endpoint, faults included."""
        return self._token_requests

    @property
    def payments(self) -> tuple[str, ...]:
        """The reference of each payment that was made, in order: one that is in it twice was sent twice."""
        return tuple(self._world.payments)

    # -- clients and settings

    def register(
        self,
        *,
        client_name: str,
        redirect_uris: Iterable[str] = (),
        scopes: str | Iterable[str] = NAMES,
        public: bool = False,
        application_type: ApplicationType = "native",
        grant_types: Iterable[str] | None = None,
    ) -> RegisteredClient:
        """A new client, with an id and secret of its own.

        Args:
            client_name: shown to the user.
            redirect_uris: where the browser may be sent back.
            scopes: the most it may ask for; names in a list, or one text with spaces.
            public: it has no secret, so it must use PKCE and has no client credentials grant.
            application_type: a `web` application has no loopback redirect URI.
            grant_types: what it may do; all that its kind allows by default.

        Raises:
            ConfigurationError: a part that must not be registered.
        """
        return new_client(
            self._world,
            public=public,
            client_name=client_name,
            redirect_uris=redirect_uris,
            scopes=scopes,
            application_type=application_type,
            grant_types=grant_types,
        )

    @property
    def client_id(self) -> str:
        """Of the client that exists from the beginning."""
        return self._client.client_id

    @property
    def client_secret(self) -> Secret:
        """Of the client that exists from the beginning."""
        return self._client.client_secret or Secret("")

    @property
    def redirect_uri(self) -> str:
        """The first one of the client that exists from the beginning."""
        return self._client.redirect_uris[0]

    @property
    def origin(self) -> str:
        """Scheme, host and port under which it is reached."""
        return self._world.origin

    def move_to(self, origin: str) -> None:
        """Say where it is reached, once that is known (a server on a port that the system chose).

        Raises:
            ConfigurationError: the origin is not https nor on a loopback address, or was said before.
        """
        if not self._may_move:
            raise ConfigurationError("the origin of this sandbox is known already: build another one", code="origin")
        self._world.origin = _check_origin(origin)
        self._may_move = False

    @property
    def behaviour(self) -> Behaviour:
        """What it does now."""
        return self._world.behaviour

    def set_behaviour(self, behaviour: Behaviour | None = None, **changes: Any) -> None:
        """Behave otherwise from now on; the counts of `fault_count` and `resource_401` begin again.

        Args:
            behaviour: the new one; the present one if None.
            changes: options to change in it.

        Raises:
            ConfigurationError: a name or value that does not exist.
        """
        try:
            changed = evolve(behaviour or self.behaviour, **changes)
        except TypeError:
            names = ", ".join(option.name for option in Behaviour.describe()[1:])
            raise ConfigurationError(f"a behaviour has one of these names: {names}", code="behaviour") from None
        self._world.behaviour = changed
        self._fault_hits = self._world.refused_good_tokens = 0

    def revoke_all(self) -> None:
        """End every access and refresh token issued so far."""
        for family in self._world.families():
            family.alive = False

    def revoke_access_tokens(self) -> None:
        """End every access token issued so far; refresh tokens live on."""
        for token in self._world.access_tokens.values():
            token.revoked = True

    # -- the user

    def approve(self, url: str | Secret, now: float, approve: bool = True) -> str:
        """Play the browser and its user: open the authorization URL, press Approve or Deny.

        Args:
            url: the authorization URL; its host does not matter.
            now: Unix seconds.
            approve: which button.

        Returns:
            the URL that the browser is sent to. It holds the code, so treat it as a secret.

        Raises:
            LocalProtocolError: the page shows an error instead of a question.
        """
        address = url.reveal() if isinstance(url, Secret) else url
        page = self.handle(HTTPRequest(method="GET", url=address), now)
        if "Location" in page.headers:
            return page.headers.get("Location", "") or ""
        found = _FORM_TOKEN.search(page.body.decode())
        if found is None:
            raise LocalProtocolError("the sandbox shows an error page, not a question: see the last entry of its log")
        form = f"form_token={html.unescape(found[1])}&decision={'approve' if approve else 'deny'}"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        posted = HTTPRequest(method="POST", url=address.partition("?")[0], headers=kind, body=form.encode())
        return self.handle(posted, now).headers.get("Location") or ""


def _check_origin(origin: str) -> str:
    if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
        raise ConfigurationError(
            "the origin of the sandbox is https://host:port, or http:// on 127.0.0.1, [::1] or localhost, without a path",
            code="origin",
        )
    return origin


def _no_route(call: Call) -> Refusal:
    if call.route not in ROUTES:
        return not_here()
    allowed = ", ".join(sorted(ROUTES[call.route]))
    return Refusal("invalid_request", f"This path takes {allowed}", status=405, headers=[("Allow", allowed)])


def _grant_of(request: HTTPRequest) -> str | None:
    """The grant type of a token request, before anything else is looked at."""
    try:
        grant_type = read_body(request).get("grant_type")
    except Unreadable:
        return None
    return grant_type if grant_type in GRANTS else None
