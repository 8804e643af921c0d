"""Step F on the wire: what an answer of the API says about the token that was presented.

What belongs here: reading 401 and 403 in RFC 6750's and TropiPay's forms. What does not: sending anything again.
"""

from .._values.errors import InsufficientScope, OAuthError
from .._values.http import HTTPResponse
from .._values.secret import Secret
from .error_reply import NO_TOKEN, read_error
from .fields import Challenge, bearer_challenge
from .redaction import redacted

_INVALID = ("invalid_token", "invalid_client")


def says_token_invalid(response: HTTPResponse) -> bool:
    """Whether a 401 says that the token is invalid: by its challenge, by TropiPay's body, or by naming no other reason.

    A bare 401 means that the credentials lack validity (RFC 9110 §15.5.2). "No token!" means that none arrived.
    """
    if response.status != 401:
        return False
    reason = _reason(bearer_challenge(response.headers), response)
    return reason is None or reason in _INVALID


def missing_token(response: HTTPResponse) -> bool:
    """Whether the API says that no token arrived."""
    found = read_error(response)
    return found is not None and found.error == NO_TOKEN


def _reason(challenge: Challenge | None, response: HTTPResponse) -> str | None:
    found = read_error(response)
    if found is not None and found.error == NO_TOKEN:
        return NO_TOKEN
    if challenge is not None and challenge.error is not None:
        return challenge.error
    return None if found is None else found.error


def read_resource_error(response: HTTPResponse, known_secrets: tuple[Secret, ...] = ()) -> OAuthError | None:
    """What the API said when it refused; None if it said nothing that can be read."""
    if response.status < 400:
        return None
    challenge = bearer_challenge(response.headers)
    found = read_error(response, known_secrets)
    described = None if found is None else found.description
    if challenge is not None and challenge.error_description is not None and described is None:
        described = redacted(challenge.error_description, known_secrets)
    if response.status == 403:
        needed = () if challenge is None else challenge.scope
        return InsufficientScope(status=403, needed=needed, description=described)
    if found is not None or challenge is None or challenge.error is None:
        return found
    return OAuthError(redacted(challenge.error, known_secrets) or "", status=response.status, description=described)
