"""Facts as they may be written down: the same to the machine, and without a secret.

What belongs here: where in a fact, a record, a response or a callback secrets are. What does not: what stands for them
(`pseudonyms`).

Of a JSON body, the members that this project reads are kept; text and numbers under any other name are masked. A body
that cannot be read is masked run by run, with its length and its punctuation, so that it stays unreadable in the same way.
"""

import itertools
import json
import re
from typing import Any, assert_never
from urllib.parse import quote, unquote_plus

from attrs import evolve

from .._values.errors import RemoteError, StoreError, TropiPayOAuthError
from .._values.http import Headers, HTTPResponse
from .._values.pending import PendingAuthorization
from .._values.records import Empty, Intent, Record, Refusal, Tokens
from .._values.secret import ENTROPY_BYTES, Entropy, Secret
from .._values.token import Token
from .._wire.pkce import verifier_from_octets
from .._wire.strict_json import parse_object
from . import facts
from .facts import Fact
from .grant_moves import GrantTerms
from .policy import Terms
from .pseudonyms import Pseudonyms
from .transcript_codec import plain_error

_SECRET_MEMBERS = frozenset(
    "access_token refresh_token id_token token client_secret code_verifier state password assertion client_assertion".split()
)
_READ_MEMBERS = frozenset(
    "token_type expires_in scope error error_description error_uri message msg code type status details i18n param".split()
)
_KEPT_HEADERS = re.compile(r"(date|age|retry-after|x-ratelimit-[a-z]+|content-type|www-authenticate)\Z", re.IGNORECASE)
_SECRET_PARAMETERS = frozenset("code state access_token id_token token session_state".split())
_READ_PARAMETERS = frozenset("error error_description error_uri iss scope".split())
_PENDING_SECRETS = ("handle", "state", "code_verifier")
_USER_INFO = re.compile(r"//[^/\s@]*@")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
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
        values = {name: verifier_from_octets(entropy.derive(name)) for name in _PENDING_SECRETS}
        shadow = evolve(pending, **values)
        self.learn(pending, shadow)
        return shadow

    def learn(self, pending: PendingAuthorization, shadow: PendingAuthorization) -> None:
        """From now on the values of the one stand for those of the other."""
        for name in _PENDING_SECRETS:
            self._names.learn(getattr(pending, name).reveal(), getattr(shadow, name).reveal())

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
        match record:
            case Empty():
                return record
            case Tokens(token):
                return Tokens(self.token(token))
            case Refusal(error=error, token=token):
                return Refusal(error=self._names.text(error), token=None if token is None else self.token(token))
            case Intent(base=base):
                return evolve(record, base=self.record(base))
            case _:
                assert_never(record)

    def _store_error(self, error: StoreError) -> TropiPayOAuthError:
        return plain_error(error, self._names.text(_USER_INFO.sub("//xxxxxx@", error.message)))

    # -- HTTP --------------------------------------------------------------------------------------------------------

    def response(self, response: HTTPResponse) -> HTTPResponse:
        """The response with the header fields that are looked at, and with a clean body."""
        headers = [(name, self._names.text(value)) for name, value in response.headers if _KEPT_HEADERS.match(name)]
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
        base, mark, query = url.partition("?")
        own, _, own_query = self._redirect_uri.partition("?")
        fixed = own_query.split("&")
        kept = base if base == own else _common_start(base, own)
        place = kept + mask(base[len(kept) :])
        return place + mark + "&".join(pair if pair in fixed else self._pair(pair) for pair in query.split("&"))

    def _pair(self, pair: str) -> str:
        name, mark, value = pair.partition("=")
        plain = unquote_plus(name)
        if plain in _SECRET_PARAMETERS:
            return name + mark + self._escaped(value, self._names.of(unquote_plus(value)))
        if plain in _READ_PARAMETERS:
            return name + mark + self._escaped(value, self._names.text(unquote_plus(value)))
        return self._escaped(name, self._names.of(plain)) + mark + self._escaped(value, mask(unquote_plus(value)))

    def _escaped(self, raw: str, clean: str) -> str:
        """`clean` as it is written in a query; badly, if `raw` is."""
        return quote(clean.encode("utf-8", "replace"), safe="") + ("%zz" if _BAD_ESCAPE.search(raw) else "")


def mask(text: str) -> str:
    """Letters and digits hidden; length and punctuation kept."""
    return "".join("x" if c.isalpha() else "1" if c.isdigit() else c for c in text[:_MAX_MASKED])


def _common_start(one: str, other: str) -> str:
    """Scheme, and host and port too if they are the same."""
    parts = zip(one.split("/")[:3], other.split("/")[:3], strict=False)
    return "".join(f"{mine}/" for mine, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], parts))


def _mask_runs(text: str) -> str:
    return _RUN.sub(lambda run: mask(run[0]), text)
