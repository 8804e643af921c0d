"""Facts as they may be written down: the same to the machine, and without a secret.

What belongs here: where in a fact, a record, a response or a callback secrets are. What does not: what stands for them
(`pseudonyms`).

Of a JSON body, the members that this project reads are kept; text and numbers under any other name are masked. A body
that cannot be read is masked run by run, with its length and its punctuation, so that it stays unreadable in the same way.
"""

import json
import re
from typing import Any, assert_never
from urllib.parse import quote_plus, unquote_plus, unquote_to_bytes

from attrs import evolve

from .._law import facts
from .._law.facts import Fact
from .._law.grants.moves import GrantTerms
from .._law.policy import Terms
from .._values import urls
from .._values.errors import ConfigurationError, RemoteError, StoreError
from .._values.http import Headers, HTTPResponse
from .._values.pending import PendingAuthorization
from .._values.records import Base, Empty, Intent, Record, Refusal, Tokens
from .._values.secret import ENTROPY_BYTES, Entropy, Secret
from .._values.token import Token
from .._wire.pkce import verifier_from_octets
from .._wire.strict_json import parse_object
from .pseudonyms import Pseudonyms

_SECRET_MEMBERS = frozenset(
    {"access_token", "refresh_token", "id_token", "token", "client_secret"}
    | {"code_verifier", "state", "password", "assertion", "client_assertion"}
)
_READ_MEMBERS = frozenset(
    {"token_type", "expires_in", "scope", "error", "error_description", "error_uri", "message", "msg"}
    | {"code", "type", "status", "details", "i18n", "param"}
)
_KEPT_HEADERS = frozenset({"date", "age", "retry-after", "content-type", "www-authenticate"})
_KEPT_PREFIX = "x-ratelimit-"
_SECRET_PARAMETERS = frozenset({"code", "state", "access_token", "id_token", "token", "session_state"})
_READ_PARAMETERS = frozenset({"error", "error_description", "error_uri", "iss", "scope"})
_USER_INFO = re.compile(r"//[^/\s@]*@")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_VISIBLE = re.compile(r"[!-~]*\Z")
_RUN = re.compile(r"[^\s<>{}\[\]()\"',;]{6,}")
_MAX_JSON, _MAX_MASKED = 16_384, 4_096


class Sanitiser:
    """Cleans what one machine is told.

    Args:
        names: the stand-ins.
        redirect_uri: of the authorization-code grant; a callback at this very URL still arrives there.
    """

    def __init__(self, names: Pseudonyms, redirect_uri: str = "") -> None:
        self._names = names
        self._redirect_uri = redirect_uri

    def fact(self, fact: Fact) -> Fact:
        """The fact without its secrets."""
        names = self._names
        match fact:
            case facts.BeginAuthorization():
                return evolve(fact, entropy=names.entropy(fact.entropy))
            case facts.CallbackReceived():
                return evolve(fact, url=Secret(self.callback(fact.url.reveal())))
            case facts.AuthorizationGranted():
                return evolve(fact, token=self.token(fact.token))
            case facts.ResponseReceived():
                return evolve(fact, response=self.response(fact.response))
            case facts.TransportFailed():
                return evolve(fact, reason=names.text(fact.reason))
            case facts.TokenRejected() | facts.TokenAccepted():
                return evolve(fact, access_token=names.secret(fact.access_token))
            case facts.RecordLoaded():
                return evolve(fact, record=self.record(fact.record))
            case facts.StoreFailed():
                return evolve(fact, error=self._store_error(fact.error))
            case facts.AccessRequested() | facts.TimeReached() | facts.RecordSwapped() | facts.SwapRefused():
                return fact
            case facts.RevocationRequested() | facts.Close():
                return fact
            case _:
                assert_never(fact)

    def terms(self, terms: Terms | GrantTerms) -> Terms | GrantTerms:
        """The terms of the machine; the entropy of a session stays: it makes exchange ids and jitter, no secret."""
        secret = terms.credential.client_secret
        credential = evolve(terms.credential, client_secret=None if secret is None else self._names.secret(secret))
        if isinstance(terms, Terms):
            return evolve(terms, credential=credential, account=self._names.of(terms.account))
        token = None if terms.token is None else self.token(terms.token)
        extra = {name: self._names.text(value) for name, value in terms.extra.items()}
        return evolve(terms, credential=credential, token=token, extra=extra)

    def pending(self, pending: PendingAuthorization) -> PendingAuthorization:
        """A flow that was begun elsewhere, with the values that another entropy would have given it."""
        entropy = self._names.entropy(Entropy(pending.code_verifier.reveal().encode().ljust(ENTROPY_BYTES)))
        handle, state, verifier = (verifier_from_octets(entropy.derive(name)) for name in ("handle", "state", "code_verifier"))
        shadow = evolve(pending, handle=handle, state=state, code_verifier=verifier)
        self.learn(pending, shadow)
        return shadow

    def learn(self, pending: PendingAuthorization, shadow: PendingAuthorization) -> None:
        """From now on the values of the one stand for those of the other."""
        self._names.learn(pending.handle.reveal(), shadow.handle.reveal())
        self._names.learn(pending.state.reveal(), shadow.state.reveal())
        self._names.learn(pending.code_verifier.reveal(), shadow.code_verifier.reveal())

    def token(self, token: Token) -> Token:
        """The token, its scope and its times as they are."""
        refresh = token.refresh_token
        return evolve(
            token,
            access_token=self._names.secret(token.access_token),
            refresh_token=None if refresh is None else self._names.secret(refresh),
        )

    def record(self, record: Record) -> Record:
        """The record with the stand-ins of its tokens."""
        return evolve(record, base=self._base(record.base)) if isinstance(record, Intent) else self._base(record)

    def _base(self, record: Base) -> Base:
        match record:
            case Empty():
                return record
            case Tokens(token):
                return Tokens(self.token(token))
            case Refusal(error=error, token=token):
                return Refusal(error=self._names.text(error), token=None if token is None else self.token(token))
            case _:
                assert_never(record)

    def _store_error(self, error: StoreError) -> StoreError:
        message = _USER_INFO.sub("//xxxxxx@", error.message)
        return StoreError(self._names.text(message), code=self._names.text(error.code))

    # -- HTTP --------------------------------------------------------------------------------------------------------

    def response(self, response: HTTPResponse) -> HTTPResponse:
        """The response with the header fields that are looked at, and with a clean body."""
        headers = [(name, self._names.text(value)) for name, value in response.headers if _is_kept(name.lower())]
        return HTTPResponse(status=response.status, headers=Headers(headers), body=self._body(response.body))

    def _body(self, body: bytes) -> bytes:
        try:
            members = parse_object(body, max_bytes=_MAX_JSON)
        except RemoteError:
            return self._masked_body(body[:_MAX_MASKED])
        self._meet(members)
        return json.dumps(self._member("", members)).encode()

    def _meet(self, value: Any, name: str = "") -> None:
        """Give every secret of a body its stand-in first: another member may repeat it."""
        match value:
            case dict():
                for key, inner in value.items():
                    self._meet(inner, key)
            case list():
                for inner in value:
                    self._meet(inner, name)
            case str() if name in _SECRET_MEMBERS:
                self._names.of(value)
            case _:
                pass

    def _member(self, name: str, value: Any) -> Any:
        match value:
            case dict():
                return {self._names.text(key): self._member(key, inner) for key, inner in value.items()}
            case list():
                return [self._member(name, inner) for inner in value]
            case str() if name in _SECRET_MEMBERS:
                return self._names.of(value)
            case str():
                return self._names.text(value) if name in _READ_MEMBERS else mask(value)
            case int() | float() if not isinstance(value, bool) and name not in _READ_MEMBERS:
                return 0
            case _:
                return value

    def _masked_body(self, body: bytes) -> bytes:
        try:
            return _mask_runs(self._names.text(body.decode())).encode()
        except UnicodeDecodeError:
            return _mask_runs(self._names.text(body.decode("latin-1"))).encode("latin-1")

    # -- The redirect URI ----------------------------------------------------------------------------------------------

    def callback(self, url: str) -> str:
        """A callback URL: what is compared stays comparable, what is read stays readable, the rest is masked."""
        address, hash_, fragment = url.partition("#")
        base, mark, query = address.partition("?")
        place = base if _same_place(base, self._redirect_uri.partition("?")[0]) else mask(base)
        pairs = "&".join(self._pair(pair) if pair else pair for pair in query.split("&"))
        token = "access_token=" if "access_token=" in unquote_plus(fragment) else ""
        invisible = "" if _VISIBLE.match(url) else " "
        return f"{place}{mark}{pairs}{hash_}{token}{invisible}"

    def _pair(self, pair: str) -> str:
        """One parameter. One that cannot be read is replaced by another that cannot: it spoils the whole callback."""
        try:
            name, value = _read_parameter(pair)
        except ValueError:
            return "x=%zz"
        own = self._redirect_uri.partition("?")[2].split("&")
        return pair if pair in own else "=".join(map(quote_plus, self._parameter(name, value)))

    def _parameter(self, name: str, value: str) -> tuple[str, str]:
        if name in _SECRET_PARAMETERS:
            return name, self._names.of(value)
        return (name, self._names.text(value)) if name in _READ_PARAMETERS else (mask(name), mask(value))


def _is_kept(header: str) -> bool:
    return header in _KEPT_HEADERS or header.startswith(_KEPT_PREFIX)


def _read_parameter(pair: str) -> tuple[str, str]:
    if _BAD_ESCAPE.search(pair):
        raise ValueError("a bad escape")
    name, _, value = pair.replace("+", " ").partition("=")
    return unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()


def _same_place(arrived: str, expected: str) -> bool:
    try:
        return arrived == expected or _place(arrived) == _place(expected)
    except ConfigurationError:
        return False


def _place(url: str) -> tuple[str, str]:
    return urls.origin("the callback", url), urls.split("the callback", url).path or "/"


def mask(text: str) -> str:
    """Letters and digits hidden; length and punctuation kept."""
    return "".join("x" if c.isalpha() else "1" if c.isdigit() else c for c in text[:_MAX_MASKED])


def _mask_runs(text: str) -> str:
    return _RUN.sub(lambda run: mask(run[0]), text)
