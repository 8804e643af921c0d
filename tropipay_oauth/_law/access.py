"""Steps E and F: what a caller needs to present a token, as an immutable snapshot, and what the API's answer means.

What belongs here: which URL may see the token, until when, and rule 2 (the token that was refused, not the fact of a
refusal). What does not: getting a token (the session).
"""

from functools import lru_cache

from attrs import Factory, field, frozen

from .._values import urls
from .._values.errors import AccessEnded, ConfigurationError, Delivery, OAuthError, ResourceNotAllowed
from .._values.http import HTTPRequest, HTTPResponse
from .._values.secret import Opaque, Secret
from .._values.token import Token
from .._wire.resource_reply import read_resource_error, says_token_invalid
from .events import Event, ResourceReceived, TokenPresented
from .facts import TokenAccepted, TokenRejected

_OK = range(200, 300)


@frozen(kw_only=True)
class Verdict:
    """What an answer of the API means.

    Args:
        facts: to be told to the session.
        resend: send the request once more, with a new token.
        error: what the API said, if it refused; the response itself goes to the caller all the same.
        events: steps E and F for observers.
    """

    facts: tuple[TokenRejected | TokenAccepted, ...]
    resend: bool
    error: OAuthError | None
    events: tuple[Event, ...]


@frozen(kw_only=True, getstate_setstate=False)
class Access(Opaque):
    """A token in the form in which it is presented. Immutable: share it between threads and tasks without a lock.

    Args:
        token: the token itself.
        fresh_until: Unix seconds by this machine's clock; until then the session need not be asked.
        valid_until: Unix seconds by this machine's clock; from then on it is not presented.
        resource_origins: where it may go.
        proven: whether a resource server is known to have taken it.
    """

    token: Token
    fresh_until: float
    valid_until: float
    resource_origins: tuple[str, ...]
    proven: bool = True
    _header: Secret = field(init=False, eq=False, default=Factory(lambda self: _header(self.token), takes_self=True))
    _prefixes: tuple[str, ...] = field(
        init=False, repr=False, eq=False, default=Factory(lambda self: _prefixes(self.resource_origins), takes_self=True)
    )

    def bearer(self, url: str, now: float) -> str:
        """The value of the `Authorization` header for a request to `url` (RFC 6750 §2.1).

        Raises:
            ResourceNotAllowed: `url` is not at one of the resource origins.
            AccessEnded: the token has ended; ask the session for another.
        """
        if now < self.valid_until and url.startswith(self._prefixes):
            return self._header.reveal()
        self._refuse(url, now)
        return self._header.reveal()

    def _refuse(self, url: str, now: float) -> None:
        if _origin(url) not in self.resource_origins:
            raise ResourceNotAllowed(
                "the access token goes only to the provider's API: use a URL below api_base, "
                "or name the place in the provider's resource_origins"
            )
        if not now < self.valid_until:  # NaN too
            raise AccessEnded("this access token has ended: ask the session for another")

    def authorize(self, request: HTTPRequest, now: float) -> HTTPRequest:
        """The request with the token in its `Authorization` header.

        Raises:
            ConfigurationError: it carries a token already (RFC 6750 §2: one way only).
            ResourceNotAllowed, AccessEnded: as `bearer`.
        """
        if "Authorization" in request.headers or "access_token=" in request.url:
            raise ConfigurationError("the request carries credentials of its own: remove them", code="two_credentials")
        return request.with_header("Authorization", self.bearer(request.url, now))

    def judge(self, request: HTTPRequest, response: HTTPResponse, *, now: float, resent: bool = False) -> Verdict:
        """What `response` means for the token and for the request (rule 2).

        Args:
            request: what was sent.
            now: Unix seconds.
            resent: whether this was the second sending.
        """
        place = _origin(request.url)
        events = (TokenPresented(origin=place), ResourceReceived(origin=place, status=response.status))
        invalid = response.status == 401 and says_token_invalid(response)
        facts: tuple[TokenRejected | TokenAccepted, ...] = ()
        if invalid:
            facts = (TokenRejected(access_token=self.token.access_token, now=now),)
        elif not self.proven and (response.status in _OK or response.status == 403):
            facts = (TokenAccepted(access_token=self.token.access_token, now=now),)
        error = None if response.status < 400 else read_resource_error(response, (self.token.access_token,))
        return Verdict(facts=facts, resend=invalid and request.replayable and not resent, error=error, events=events)

    def may_resend(self, request: HTTPRequest, delivery: Delivery, *, resent: bool = False) -> bool:
        """Whether a request that got no reply may be sent once more: only if not one byte of it left."""
        return delivery is Delivery.NOT_SENT and not resent


def _header(token: Token) -> Secret:
    return Secret(f"Bearer {token.access_token.reveal()}")


def _prefixes(origins: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{origin}/" for origin in origins)


@lru_cache(maxsize=256)
def _origin(url: str) -> str:
    """The origin of a URL, or "" if it is none that a token may be sent to."""
    try:
        return urls.origin("the URL", urls.check_endpoint("the URL", url, allow_localhost=True))
    except ConfigurationError:
        return ""
