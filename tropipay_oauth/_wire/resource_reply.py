"""Step F: what a reply of the API says about the token (RFC 6750 §3.1, TropiPay's shapes).

What belongs here: whether the token is worthless, lacks a scope, or was not seen. What does not: sending anything again.
"""

from collections.abc import Iterable

from .._values.errors import InsufficientScope, OAuthError
from .._values.http import HTTPResponse
from .._values.secret import Secret
from .error_reply import MISSING_TOKEN, UNNAMED, read_error
from .fields import Challenge, bearer_challenge
from .redaction import conceal

_TOKEN_INVALID = frozenset(("invalid_credentials", "E00001", "token_expired", "E00002", "invalid_token"))
_NO_REASON = frozenset(("unauthorized", UNNAMED))  # the status in words, or a message that nobody can interpret


def says_token_invalid(response: HTTPResponse) -> bool:
    """Whether a 401 means that the token presented is expired, revoked or otherwise worthless (RFC 6750 §3.1).

    It does when a Bearer challenge or the body says so, and when nothing in it names any reason (RFC 9110 §15.5.2). It does
    not when the server saw no token, or names another reason.
    """
    if response.status != 401:
        return False
    error, challenge = read_error(response), bearer_challenge(response.headers)
    if error is not None and error.error == MISSING_TOKEN:
        return False
    reasons = [challenge.error] if challenge is not None and challenge.error else []
    if error is not None:
        reasons += [error.error] if error.native_code is None else [error.error, error.native_code]
    if not _TOKEN_INVALID.isdisjoint(reasons):
        return True
    return all(reason.lower() in _NO_REASON for reason in reasons)


def missing_token(response: HTTPResponse) -> bool:
    """Whether the API says that the request carried no token at all."""
    error = read_error(response)
    return error is not None and error.error == MISSING_TOKEN


def read_resource_error(response: HTTPResponse, known_secrets: Iterable[Secret] = ()) -> OAuthError | InsufficientScope | None:
    """What the API said, or None if it did not refuse or did not say why. Never raises.

    Args:
        known_secrets: hidden wherever the server echoes one of them.
    """
    if response.status < 400:
        return None
    secrets = tuple(known_secrets)
    challenge = bearer_challenge(response.headers)
    error = read_error(response, secrets) or _of_challenge(challenge, response.status, secrets)
    if response.status != 403:
        return error
    needed = tuple(conceal(name, secrets) for name in challenge.scope) if challenge is not None else ()
    return InsufficientScope(status=403, needed=needed, description=None if error is None else error.description or error.error)


def _of_challenge(challenge: Challenge | None, status: int, secrets: tuple[Secret, ...]) -> OAuthError | None:
    if challenge is None or not challenge.error:
        return None
    said = challenge.error_description
    description = None if said is None else conceal(said, secrets)
    return OAuthError(conceal(challenge.error, secrets), status=status, description=description)
