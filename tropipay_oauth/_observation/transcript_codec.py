"""How a transcript is written down: every fact, record, effect, event and error as JSON, and strictly back.

What belongs here: the members of each value, one line a type, for both directions at once. What does not: which secrets
may be written (`pseudonyms`), and what a transcript is for (`transcript`).

A type that is missing here, or a member of it, is an error when this module is imported. A reader raises one of
`UNREADABLE` for anything that the writer would not have written.
"""

import base64
import math
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, get_args

import attrs

from .._law import effects, events, facts
from .._law.effects import Effect
from .._law.events import Event, ExpiryReason
from .._law.facts import Fact
from .._law.grants.moves import GrantTerms
from .._law.policy import SessionPolicy, Terms
from .._values import errors
from .._values.credential import Credential
from .._values.errors import Delivery, TropiPayOAuthError
from .._values.http import Headers, HTTPRequest, HTTPResponse
from .._values.pending import PendingAuthorization
from .._values.provider import BodyEncoding, ClientAuthentication, IssuerParameter, Provider
from .._values.records import Base, Empty, Intent, Record, Refusal, Tokens
from .._values.scope import Scope
from .._values.secret import Entropy, Secret
from .._values.token import Expiry, ExpirySource, GrantType, Token

UNREADABLE = (ValueError, RecursionError, LookupError, TypeError, AttributeError, OverflowError, TropiPayOAuthError)


class Codec(NamedTuple):
    """Both directions between values of one type and JSON."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    kind: type = object


def _same(value: Any) -> Any:
    return value


def _only(*kinds: type) -> Codec:
    """A value that JSON has itself. True is no number, and an int stays an int: a replay writes it as it was."""

    def read(value: Any) -> Any:
        if type(value) not in kinds:
            raise ValueError("a value of another type")
        return value

    return Codec(_same, read)


def _read_number(value: Any) -> Any:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def optional(codec: Codec) -> Codec:
    """The same, or None."""
    return Codec(
        lambda value: None if value is None else codec.write(value),
        lambda value: None if value is None else codec.read(value),
    )


def many(codec: Codec) -> Codec:
    """A tuple of them."""
    return Codec(
        lambda values: [codec.write(one) for one in values], lambda data: tuple(codec.read(one) for one in LIST.read(data))
    )


def _enum(kind: type[Enum]) -> Codec:
    return Codec(lambda value: value.value, lambda data: kind(data))


def _write_body(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _read_body(data: Any) -> bytes:
    ((form, text),) = OBJECT.read(data).items()
    readers = {"text": str.encode, "base64": lambda text: base64.b64decode(text, validate=True)}
    return bytes(readers[form](TEXT.read(text)))


TEXT, BOOL, INT, LIST, OBJECT = _only(str), _only(bool), _only(int), _only(list), _only(dict)
NUMBER = Codec(_same, _read_number)
SECRET = Codec(lambda secret: secret.reveal(), lambda data: Secret(TEXT.read(data)))
ENTROPY = Codec(lambda entropy: entropy.reveal().hex(), lambda data: Entropy(bytes.fromhex(TEXT.read(data))))
SCOPE = Codec(str, lambda data: Scope.of(TEXT.read(data)))
BODY = Codec(_write_body, _read_body)
HEADERS = Codec(
    lambda headers: [list(pair) for pair in headers],
    lambda data: Headers([(TEXT.read(name), TEXT.read(value)) for name, value in LIST.read(data)]),
)
TEXTS_BY_NAME = Codec(dict, lambda data: {name: TEXT.read(text) for name, text in OBJECT.read(data).items()})


def shape(kind: Any, **members: Codec) -> Codec:
    """An attrs class by its members, all of them."""
    wrong = {field.alias for field in attrs.fields(kind)} ^ set(members)
    if wrong:
        raise TypeError(f"the transcript and {kind.__name__} disagree about its members: {', '.join(sorted(wrong))}")

    def write(value: Any) -> dict[str, Any]:
        return {name: codec.write(getattr(value, name)) for name, codec in members.items()}

    def read(data: Any) -> Any:
        if set(OBJECT.read(data)) != set(members):
            raise ValueError("a member is missing or unknown")
        return kind(**{name: codec.read(data[name]) for name, codec in members.items()})

    return Codec(write, read, kind)


def union(of: Any, *shapes: Codec) -> Codec:
    """A closed union of attrs classes; `kind` tells them apart."""
    by_kind = {one.kind: one for one in shapes}
    by_name = {one.kind.__name__: one for one in shapes}
    wrong = set(get_args(of)) ^ set(by_kind)
    if wrong:
        raise TypeError(f"the transcript and a union disagree about {', '.join(sorted(kind.__name__ for kind in wrong))}")

    def write(value: Any) -> dict[str, Any]:
        return {"kind": type(value).__name__, **by_kind[type(value)].write(value)}

    def read(data: Any) -> Any:
        members = dict(OBJECT.read(data))
        return by_name[members.pop("kind")].read(members)

    return Codec(write, read)


# -- Errors: the nearest class of ours, its message, and what it tells programs --------------------------------------

_ERRORS: dict[str, type[TropiPayOAuthError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, TropiPayOAuthError)
}
_ATTRIBUTES = {
    "code": TEXT,
    "error": TEXT,
    "status": optional(INT),
    "description": optional(TEXT),
    "native_code": optional(TEXT),
    "needed": many(TEXT),
    "retry_after": optional(NUMBER),
    "delivery": _enum(Delivery),
    "retry_at": NUMBER,
}


def _make_error(kind: Any, message: str, attributes: dict[str, Any]) -> TropiPayOAuthError:
    made: TropiPayOAuthError = kind.__new__(kind)
    made.args = (message,)
    vars(made).update(attributes)
    return made


def _write_error(error: TropiPayOAuthError) -> dict[str, Any]:
    """What a subclass of somebody else adds is not written."""
    kind = next(kind.__name__ for kind in type(error).__mro__ if _ERRORS.get(kind.__name__) is kind)
    attributes = {name: codec.write(vars(error)[name]) for name, codec in _ATTRIBUTES.items() if name in vars(error)}
    return {"kind": kind, "message": error.message, "attributes": attributes}


def _read_error(data: Any) -> TropiPayOAuthError:
    if set(OBJECT.read(data)) != {"kind", "message", "attributes"}:
        raise ValueError("a member is missing or unknown")
    attributes = {name: _ATTRIBUTES[name].read(value) for name, value in OBJECT.read(data["attributes"]).items()}
    return _make_error(_ERRORS[data["kind"]], TEXT.read(data["message"]), attributes)


ERROR = Codec(_write_error, _read_error)


# -- Values ----------------------------------------------------------------------------------------------------------

EXPIRY = shape(Expiry, at=optional(NUMBER), source=_enum(ExpirySource), clamped=BOOL)
GRANT_TYPE = _enum(GrantType)
TOKEN = shape(
    Token,
    access_token=SECRET,
    refresh_token=optional(SECRET),
    scope=optional(SCOPE),
    requested=SCOPE,
    issued_at=NUMBER,
    expiry=EXPIRY,
    grant_type=GRANT_TYPE,
)
_BASES = (shape(Empty), shape(Tokens, token=TOKEN), shape(Refusal, error=TEXT, token=optional(TOKEN)))
RECORD = union(Record, *_BASES, shape(Intent, exchange=TEXT, base=union(Base, *_BASES), retry=BOOL))
REQUEST = shape(
    HTTPRequest,
    method=TEXT,
    url=TEXT,
    headers=HEADERS,
    body=BODY,
    replayable=BOOL,
    fresh_connection=BOOL,
    timeout=NUMBER,
    max_body=INT,
)
RESPONSE = shape(HTTPResponse, status=INT, headers=HEADERS, body=BODY)
CREDENTIAL = shape(Credential, client_id=TEXT, client_secret=optional(SECRET), user_agent=TEXT)
PROVIDER = shape(
    Provider,
    name=TEXT,
    allow_localhost=BOOL,
    issuer=TEXT,
    token_endpoint=TEXT,
    user_token_endpoint=optional(TEXT),
    authorization_endpoint=optional(TEXT),
    revocation_endpoint=optional(TEXT),
    api_base=optional(TEXT),
    resource_origins=many(TEXT),
    body_encoding=_enum(BodyEncoding),
    client_authentication=_enum(ClientAuthentication),
    issuer_parameter=_enum(IssuerParameter),
    scope_in_code_exchange=BOOL,
    default_token_type=optional(TEXT),
    reads_jwt_expiry=BOOL,
    rotates_refresh_tokens=optional(BOOL),
    pkce_confirmed=optional(BOOL),
    max_lifetime=NUMBER,
)
PENDING = shape(
    PendingAuthorization,
    handle=SECRET,
    issuer=TEXT,
    token_endpoint=TEXT,
    client_id=TEXT,
    redirect_uri=TEXT,
    scope=SCOPE,
    state=SECRET,
    code_verifier=SECRET,
    begun_at=NUMBER,
    expires_at=NUMBER,
    issuer_parameter=_enum(IssuerParameter),
)
POLICY = shape(
    SessionPolicy,
    exchange_timeout=NUMBER,
    commit_timeout=NUMBER,
    commit_attempts=INT,
    in_doubt_after=NUMBER,
    watch_interval=NUMBER,
    leeway=NUMBER,
    leeway_fraction=NUMBER,
    max_attempts=INT,
    retry_for=NUMBER,
    backoff=NUMBER,
    max_backoff=NUMBER,
    max_retry_after=NUMBER,
    refusal_memory=NUMBER,
    proving_time=NUMBER,
    renews_with_refresh_token=BOOL,
    retries_in_doubt=BOOL,
)
_TERMS = {"provider": PROVIDER, "credential": CREDENTIAL, "scope": SCOPE}
TERMS = union(
    Terms | GrantTerms,
    shape(Terms, **_TERMS, account=TEXT, renewal=GRANT_TYPE, entropy=ENTROPY, policy=POLICY),
    shape(
        GrantTerms,
        grant_type=GRANT_TYPE,
        **_TERMS,
        timeout=NUMBER,
        pause=NUMBER,
        token=optional(TOKEN),
        redirect_uri=TEXT,
        extra=TEXTS_BY_NAME,
        lifetime=NUMBER,
        ignores_strays=BOOL,
    ),
)


# -- Vocabularies ----------------------------------------------------------------------------------------------------

FACT = union(
    Fact,
    shape(facts.AccessRequested, now=NUMBER),
    shape(facts.BeginAuthorization, entropy=ENTROPY, now=NUMBER),
    shape(facts.CallbackReceived, url=SECRET, now=NUMBER),
    shape(facts.AuthorizationGranted, token=TOKEN, now=NUMBER),
    shape(facts.ResponseReceived, exchange=TEXT, response=RESPONSE, now=NUMBER),
    shape(facts.TransportFailed, exchange=TEXT, delivery=_enum(Delivery), reason=TEXT, now=NUMBER),
    shape(facts.TokenRejected, access_token=SECRET, now=NUMBER),
    shape(facts.TokenAccepted, access_token=SECRET, now=NUMBER),
    shape(facts.TimeReached, now=NUMBER),
    shape(facts.RecordLoaded, version=INT, record=RECORD, now=NUMBER),
    shape(facts.RecordSwapped, version=INT, now=NUMBER),
    shape(facts.SwapRefused, now=NUMBER),
    shape(facts.StoreFailed, error=ERROR, now=NUMBER),
    shape(facts.RevocationRequested, now=NUMBER),
    shape(facts.Close, now=NUMBER),
)
EFFECT = union(
    Effect,
    shape(effects.SendRequest, exchange=TEXT, request=REQUEST),
    shape(effects.LoadRecord),
    shape(effects.SwapRecord, expected_version=INT, record=RECORD),
    shape(effects.ReleaseCallers, token=TOKEN),
    shape(effects.RefuseCallers, error=ERROR),
    shape(effects.RedirectUser, url=TEXT),
)
EVENT = union(
    Event,
    shape(events.AuthorizationRequested, grant_type=GRANT_TYPE, scope=SCOPE),
    shape(events.GrantReceived, grant_type=GRANT_TYPE),
    shape(events.TokenIssued, grant_type=GRANT_TYPE, scope=SCOPE, expiry=EXPIRY),
    shape(events.TokenPresented, origin=TEXT),
    shape(events.ResourceReceived, origin=TEXT, status=INT),
    shape(events.TokenExpired, reason=_enum(ExpiryReason)),
    shape(events.TokenRefreshed, grant_type=GRANT_TYPE, scope=SCOPE, expiry=EXPIRY),
    shape(events.ExpiryInterpreted, expiry=EXPIRY, clock_offset=NUMBER),
    shape(events.ScopeNarrowed, missing=SCOPE, extra=SCOPE),
    shape(events.GrantFailed, grant_type=GRANT_TYPE, error=ERROR),
    shape(events.RetryScheduled, at=NUMBER, failures=INT),
    shape(events.TokenNotPersisted, error=ERROR),
    shape(events.InDoubt, error=ERROR),
    shape(events.CallbackIgnored, error=ERROR),
    shape(events.TokenRevoked, at_provider=BOOL),
    shape(events.RevocationFailed, error=ERROR),
)
