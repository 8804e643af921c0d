"""Steps A and B on the wire: the authorization URL, and the callback that proves that it answers it.

What belongs here: building the one and validating the other. What does not: when a callback is wanted (the law).
"""

import hmac
import re
from collections.abc import Mapping

from attrs import field, frozen

from .._values import urls
from .._values.credential import Credential
from .._values.errors import (
    AuthorizationRefused,
    ConfigurationError,
    IssuerMismatch,
    IssuerMissing,
    MalformedCallback,
    RedirectMismatch,
    StateExpired,
    StateMismatch,
    StateMissing,
)
from .._values.pending import PendingAuthorization
from .._values.provider import IssuerParameter, Provider
from .._values.scope import Scope
from .._values.secret import Opaque, Secret
from .form import decode, encode
from .pkce import challenge_s256, check_verifier
from .redaction import redacted

_OURS = frozenset({"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"})
_SECRET = frozenset(
    {"client_secret", "client_assertion", "access_token", "refresh_token", "id_token", "code"}
    | {"code_verifier", "token", "password", "authorization"}
)
_SINGLE = ("code", "state", "iss", "error", "error_description", "access_token")
_NAME = re.compile(r"[!-~]{1,64}\Z")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]{0,2048}\Z")
_CODE = re.compile(r"[ -~]{1,8192}\Z")
_MAX_URL = 1 << 16
_GUARD = object()


def check_extra(extra: Mapping[str, str], credential: Credential) -> None:
    """Refuse further parameters of the authorization URL that are ours to set, or that would show a secret."""
    for name, value in extra.items():
        if not isinstance(name, str) or not isinstance(value, str) or not _NAME.match(name) or not _VALUE.match(value):
            raise ConfigurationError("an extra parameter is text without control characters: remove or shorten it")
        if name.lower() in _OURS:
            raise ConfigurationError(f"the parameter {name} is set by this library: remove it from extra")
        if name.lower() in _SECRET:
            raise ConfigurationError(f"the parameter {name} holds a secret, which never goes into a URL: remove it")
        secret = credential.client_secret
        if secret is not None and secret.reveal() in value:
            raise ConfigurationError(f"the parameter {name} shows the client secret, which never goes into a URL: remove it")


def build_authorization_url(
    provider: Provider,
    credential: Credential,
    *,
    redirect_uri: str,
    scope: Scope,
    state: Secret,
    code_verifier: Secret,
    extra: Mapping[str, str],
) -> str:
    """The URL to send the browser to (RFC 6749 §4.1.1, RFC 7636 §4.3); a query that the endpoint has is kept.

    Raises:
        ConfigurationError: the provider has no authorization endpoint, or `extra` is refused.
    """
    endpoint = provider.authorization_endpoint
    if endpoint is None:
        raise ConfigurationError("this provider has no authorization_endpoint: set it, or use another grant")
    check_extra(extra, credential)
    pairs = [("response_type", "code"), ("client_id", credential.client_id), ("redirect_uri", redirect_uri)]
    pairs += [("scope", str(scope))] if scope else []
    pairs += [("state", state.reveal())]
    pairs += [("code_challenge", challenge_s256(check_verifier(code_verifier.reveal())))]
    pairs += [("code_challenge_method", "S256"), *extra.items()]
    joint = "" if endpoint.endswith(("?", "&")) else "&" if "?" in endpoint else "?"
    return f"{endpoint}{joint}{encode(pairs)}"


@frozen(kw_only=True)
class ValidatedCallback(Opaque):
    """Proof that a callback answers this authorization: without it no code exchange can be built.

    Only `validate_callback` makes one.
    """

    code: Secret
    pending: PendingAuthorization
    _guard: object = field(repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self._guard is not _GUARD:
            raise ConfigurationError("a validated callback comes from validate_callback alone: pass it the callback URL")


def validate_callback(pending: PendingAuthorization, url: Secret, now: float) -> ValidatedCallback:
    """The proof that the browser came back with a code for `pending`.

    Args:
        url: the whole URL that the browser asked for.
        now: Unix seconds.

    Raises:
        RedirectMismatch, MalformedCallback, StateMissing, StateMismatch, StateExpired, IssuerMissing, IssuerMismatch:
            it is no answer to this authorization; nothing may be exchanged (RFC 6749 §10.12, RFC 9207 §2.4).
        AuthorizationRefused: it is, and the answer is no (RFC 6749 §4.1.2.1).
    """
    members = _members(pending, url.reveal())
    _check_state(pending, members, now)
    _check_issuer(pending, members)
    code, error = members.get("code"), members.get("error")
    if error is not None and code is None:
        description = redacted(members.get("error_description"), (pending.state, pending.code_verifier, pending.handle))
        raise AuthorizationRefused(error, description=description)
    if code is None or error is not None or not _CODE.match(code):
        raise MalformedCallback("the callback has not exactly one of code and error: begin a new authorization")
    return ValidatedCallback(code=Secret(code), pending=pending, guard=_GUARD)


def _members(pending: PendingAuthorization, url: str) -> dict[str, str]:
    address, _, fragment = url.partition("#")
    base, _, query = address.partition("?")
    expected, _, own = pending.redirect_uri.partition("?")
    if len(url) > _MAX_URL or not url.isascii():
        raise MalformedCallback(f"the callback URL is not ASCII, or longer than {_MAX_URL} characters")
    if not _same_place(base, expected):
        raise RedirectMismatch("the callback arrived at another redirect URI than the one of this authorization")
    pairs = decode(query)
    if any(pair not in pairs for pair in decode(own)):
        raise RedirectMismatch("the callback lacks a parameter of the redirect URI of this authorization")
    members = dict(pairs)
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in _SINGLE):
        raise MalformedCallback("the callback repeats a parameter: begin a new authorization")
    if "access_token" in members or "access_token=" in fragment:
        raise MalformedCallback("the callback carries a token, which this flow never asks for: begin a new authorization")
    return members


def _same_place(arrived: str, expected: str) -> bool:
    if arrived == expected:
        return True
    try:
        return _place(arrived) == _place(expected)
    except ConfigurationError:
        return False


def _place(url: str) -> tuple[str, str]:
    return urls.origin("the callback", url), urls.split("the callback", url).path or "/"


def _check_state(pending: PendingAuthorization, members: Mapping[str, str], now: float) -> None:
    state = members.get("state")
    if state is None:
        raise StateMissing("the callback has no state: nothing ties it to an authorization that was begun here")
    if not hmac.compare_digest(state.encode("utf-8"), pending.state.reveal().encode("utf-8")):
        raise StateMismatch("the callback's state is not the one that was sent: begin a new authorization")
    if now > pending.expires_at:
        raise StateExpired("the user took too long: begin a new authorization")


def _check_issuer(pending: PendingAuthorization, members: Mapping[str, str]) -> None:
    issuer = members.get("iss")
    if issuer is None and pending.issuer_parameter is IssuerParameter.REQUIRED:
        raise IssuerMissing("the callback has no iss, which this provider promises: begin a new authorization")
    if issuer is not None and issuer != pending.issuer:
        raise IssuerMismatch("the callback names another issuer than the one that was asked: begin a new authorization")
