"""Steps A and B by way of the browser: the authorization URL, and the callback (RFC 6749 §4.1.1, §4.1.2, RFC 9207).

What belongs here: what the browser is sent away with, and whether what it comes back with answers that. What does not:
waiting for it (the law) and listening for it (the adapters).
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from attrs import frozen

from .._values import urls
from .._values.checks import is_line
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
from .._values.secret import Opaque, Secret, discreet
from . import form
from .pkce import challenge_s256, check_verifier
from .redaction import conceal

MAX_CALLBACK = 1 << 16
"""Characters of a callback URL: room for a code of 8 KiB, escaped, and more."""
MAX_PARAMETERS = 100

_VISIBLE = re.compile(r"[!-~]+\Z")
_VSCHAR = re.compile(r"[ -~]+\Z")
_SINGLE = ("code", "state", "iss", "error")
_OWN = frozenset(("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"))
_SECRET = frozenset(
    (
        *("client_secret", "client_assertion", "access_token", "refresh_token", "id_token", "token", "code", "code_verifier"),
        *("password", "authorization", "assertion", "secret", "api_key", "apikey", "private_key"),
    )
)
_SHORTEST_SECRET = 8  # below that, a URL may hold the same characters by chance


# -- Step A: the authorization request -----------------------------------------------------------------------------


@discreet
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
    """The URL that the browser is sent to (RFC 6749 §4.1.1, RFC 7636 §4.3).

    Args:
        redirect_uri: where the browser comes back to.
        scope: left out when empty.
        state, code_verifier: fresh for this flow; of the verifier only its challenge is in the URL.
        extra: further parameters, see `check_extra`.

    Raises:
        ConfigurationError: the provider has no authorization endpoint, a parameter would occur twice, or a secret would
            be in the URL.
    """
    endpoint = provider.authorization_endpoint
    if endpoint is None:
        raise ConfigurationError(
            "this provider has no authorization_endpoint: set it, or use the client-credentials grant", code="no_endpoint"
        )
    check_verifier(code_verifier.reveal())
    _check_state(state)
    _check_redirect(provider, redirect_uri)
    pairs = [("response_type", "code"), ("client_id", credential.client_id), ("redirect_uri", redirect_uri)]
    if scope:
        pairs.append(("scope", str(scope)))
    pairs += [("state", state.reveal()), ("code_challenge", challenge_s256(code_verifier.reveal()))]
    pairs.append(("code_challenge_method", "S256"))
    if extra:
        check_extra(extra, credential)
        pairs += extra.items()
    return _join(endpoint, pairs, credential)


def _join(endpoint: str, pairs: list[tuple[str, str]], credential: Credential) -> str:
    base, mark, query = endpoint.partition("?")
    if mark:
        _check_apart(query, frozenset(name for name, _ in pairs), "authorization_endpoint of the provider")
        query = query.strip("&") + "&" if query.strip("&") else ""
    url = f"{base}?{query}{form.write(pairs)}"
    secret = "" if credential.client_secret is None else credential.client_secret.reveal()
    if len(secret) >= _SHORTEST_SECRET and _shows(secret, endpoint, *(value for _, value in pairs)):
        raise ConfigurationError(
            "the client secret would be in the authorization URL: take it out of client_id, redirect_uri, scope or endpoint",
            code="secret_in_url",
        )
    return url


def _check_state(state: Secret) -> None:
    if not _VSCHAR.match(state.reveal()):
        raise ConfigurationError("state is printable ASCII, at least one character: make it of 32 random octets", code="state")


def _check_redirect(provider: Provider, redirect_uri: str) -> None:
    urls.check_redirect(redirect_uri, allow_localhost=provider.allow_localhost)
    _, mark, query = redirect_uri.partition("?")
    if mark:
        _check_apart(query, frozenset((*_SINGLE, "access_token")), "redirect_uri")


def _check_apart(query: str, names: frozenset[str], what: str) -> None:
    """Refuse a URL whose own parameters would meet another of the same name (RFC 6749 §3.1)."""
    try:
        clash = not names.isdisjoint(name for name, _ in form.read(query, limit=MAX_PARAMETERS))
    except ValueError:
        clash = True
    if clash:
        raise ConfigurationError(
            f"{what} has a query that cannot be read, or a parameter of its own that OAuth adds: remove it",
            code="parameter_twice",
        )


@discreet
def check_extra(extra: Mapping[str, str], credential: Credential) -> None:
    """Refuse further parameters that would change the request or carry a secret.

    Raises:
        ConfigurationError: a reserved name, a value with the client secret, or no plain text.
    """
    if not isinstance(extra, Mapping):
        raise ConfigurationError("extra is a mapping of parameter names to texts, like {'prompt': 'login'}", code="extra")
    for name, value in extra.items():
        _check_parameter(name, value)
        if credential.client_secret is not None and _shows(credential.client_secret.reveal(), name, value):
            raise ConfigurationError("a parameter of extra holds the client secret: remove it", code="secret_in_url")


def _check_parameter(name: object, value: object) -> None:
    if not name or not is_line(name, 100) or not is_line(value, 4096):
        raise ConfigurationError(
            "extra has names and values of text without control characters: convert numbers with str()", code="extra"
        )
    known = str(name).strip().lower().replace("-", "_")
    if known in _OWN:
        raise ConfigurationError(
            f"extra must not name {known!r}, which is set by this library: use its own argument", code="reserved"
        )
    if known in _SECRET:
        raise ConfigurationError(f"extra must not name {known!r}: no secret goes into a URL; remove it", code="secret_in_url")


def _shows(secret: str, *texts: str) -> bool:
    escaped = form.quote(secret)
    return any(secret in text or escaped in text or ("%" in text and secret in unquote_plus(text)) for text in texts)


# -- Step B: the callback ------------------------------------------------------------------------------------------


@frozen(init=False, repr=False, getstate_setstate=False)
class ValidatedCallback(Opaque):
    """The proof that a callback answers its authorization. Only `validate_callback` makes one.

    Args:
        code: the authorization code, to be presented once.
        pending: the authorization that it answers.

    Raises:
        ConfigurationError: when constructed in any other way.
    """

    code: Secret
    pending: PendingAuthorization

    def __init__(self, *given: object, **named: object) -> None:
        raise ConfigurationError("a code counts only with the callback it came by: call validate_callback", code="unvalidated")


def _validated(code: str, pending: PendingAuthorization) -> ValidatedCallback:
    made = ValidatedCallback.__new__(ValidatedCallback)
    object.__setattr__(made, "code", Secret(code))
    object.__setattr__(made, "pending", pending)
    return made


@discreet
def validate_callback(pending: PendingAuthorization, url: Secret, now: float) -> ValidatedCallback:
    """Whether the browser came back with an answer to this authorization (RFC 6749 §4.1.2, RFC 9207 §2.4).

    Args:
        url: the whole URL that the browser asked for. Its fragment is not looked at, except to refuse a token in it.
        now: Unix seconds.

    Returns:
        the code, bound to the authorization that it answers.

    Raises:
        MalformedCallback, RedirectMismatch, StateMissing, StateMismatch, StateExpired, IssuerMissing, IssuerMismatch:
            it is no answer to this authorization.
        AuthorizationRefused: it is, and the server said no.
    """
    text = url.reveal()
    if len(text) > MAX_CALLBACK or not _VISIBLE.match(text):
        raise MalformedCallback("the callback URL is too long, or not the URL as the browser sent it: begin again")
    text, _, fragment = text.partition("#")
    base, _, query = text.partition("?")
    own_base, _, own_query = pending.redirect_uri.partition("?")
    if _place(base) != _place(own_base):
        raise _other_redirect()
    pairs = _read_query(query, fragment)
    if not _contains(pairs, own_query):
        raise _other_redirect()
    given = {name: value for name, value in pairs if value and name in _SINGLE}
    _check_flow(pending, given, now)
    return _answer(pending, given, next((value for name, value in pairs if name == "error_description"), None))


def _other_redirect() -> RedirectMismatch:
    return RedirectMismatch(
        "the callback did not arrive at the redirect_uri of this authorization: pass the whole URL that the browser asked for"
    )


def _place(base: str) -> tuple[str, str]:
    """What must agree between two redirect URIs: scheme, host and port in canonical form, and the path as it is."""
    scheme, _, rest = base.partition(":")
    host, _, path = rest.removeprefix("//").partition("/")
    try:
        return urls.origin("the callback", f"{scheme}://{host}"), path
    except ConfigurationError:
        return scheme.lower(), rest  # as it is: a private-use scheme need not have a host (RFC 8252 §7.1)


def _read_query(query: str, fragment: str) -> list[tuple[str, str]]:
    try:
        pairs = form.read(query, limit=MAX_PARAMETERS)
    except ValueError:
        raise MalformedCallback("the callback has too many parameters, or one with a bad escape: begin again") from None
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in _SINGLE):
        raise MalformedCallback("the callback has code, state, iss or error more than once: begin again")
    if "access_token" in names or "access_token=" in unquote_plus(fragment):
        raise MalformedCallback("the callback carries an access token, which was not asked for: begin again")
    return pairs


def _contains(pairs: list[tuple[str, str]], own_query: str) -> bool:
    """Whether the redirect URI's own parameters came back as they were (RFC 6749 §3.1.2)."""
    try:
        own = form.read(own_query, limit=MAX_PARAMETERS)
    except ValueError:
        return False
    return all(pairs.count(pair) == own.count(pair) for pair in own)


def _check_flow(pending: PendingAuthorization, given: Mapping[str, str], now: float) -> None:
    """Nothing else is believed before `state` and `iss` tie the callback to this flow and this server."""
    if "state" not in given:
        raise StateMissing("the callback has no state: begin again, and send the browser only to the URL of that flow")
    if Secret(given["state"]) != pending.state:
        raise StateMismatch("the callback has another state than this authorization: begin again")
    if now > pending.expires_at:
        raise StateExpired("the user took too long: begin a new authorization")
    if "iss" not in given:
        if pending.issuer_parameter is IssuerParameter.REQUIRED:
            raise IssuerMissing("the callback has no iss, which this provider promises: begin again")
    elif given["iss"] != pending.issuer:
        raise IssuerMismatch("the callback names another issuer than the one that was asked: begin again")


def _answer(pending: PendingAuthorization, given: Mapping[str, str], description: str | None) -> ValidatedCallback:
    match given.get("code"), given.get("error"):
        case None, str(error):
            secrets = (pending.state, pending.code_verifier, pending.handle)
            said = conceal(description, secrets) if description else None
            raise AuthorizationRefused(conceal(error, secrets), description=said)
        case str(code), None if _VSCHAR.match(code):
            return _validated(code, pending)
        case _:
            raise MalformedCallback("the callback has no code that can be read, or both code and error: begin again")
