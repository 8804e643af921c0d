"""Values that Hypothesis makes."""

from hypothesis import strategies as st

from tropipay_oauth._values.pending import PendingAuthorization
from tropipay_oauth._values.provider import IssuerParameter
from tropipay_oauth._values.records import Empty, Intent, Record, Refusal, StoreKey, Tokens
from tropipay_oauth._values.scope import Scope
from tropipay_oauth._values.token import Expiry, ExpirySource, GrantType, Token

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)
TIMES = st.floats(-1e14, 1e14) | st.integers(-(10**14), 10**14)
LINES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)


def scopes() -> st.SearchStrategy[Scope]:
    return st.lists(st.text(st.sampled_from("abAB01:._-[]"), min_size=1, max_size=4), max_size=4).map(Scope.of)


def tokens() -> st.SearchStrategy[Token]:
    expiries = st.builds(Expiry, at=st.none() | TIMES, source=st.sampled_from(ExpirySource), clamped=st.booleans())
    return st.builds(
        Token,
        access_token=PRINTABLE,
        refresh_token=st.none() | PRINTABLE,
        scope=st.none() | scopes(),
        requested=scopes(),
        issued_at=TIMES,
        expiry=expiries,
        grant_type=st.sampled_from(GrantType),
    )


def bases() -> st.SearchStrategy[Empty | Tokens | Refusal]:
    refusals = st.builds(Refusal, error=st.text(max_size=12), token=st.none() | tokens())
    return st.just(Empty()) | tokens().map(Tokens) | refusals


def records() -> st.SearchStrategy[Record]:
    return bases() | st.builds(Intent, exchange=st.text(max_size=12), base=bases(), retry=st.booleans())


def keys() -> st.SearchStrategy[StoreKey]:
    return st.builds(StoreKey, issuer=LINES, client_id=LINES, account=LINES, scope=scopes())


def pendings() -> st.SearchStrategy[PendingAuthorization]:
    endpoints = st.sampled_from(("https://as.example", "http://127.0.0.1:8080/a", "http://localhost/a", "https://[::1]/?a=b"))
    return st.builds(
        PendingAuthorization,
        handle=PRINTABLE,
        issuer=endpoints,
        token_endpoint=endpoints,
        client_id=PRINTABLE,
        redirect_uri=endpoints | st.just("com.example.app:/cb"),
        scope=scopes(),
        state=PRINTABLE,
        code_verifier=PRINTABLE,
        begun_at=TIMES,
        expires_at=TIMES,
        issuer_parameter=st.sampled_from(IssuerParameter),
    )
