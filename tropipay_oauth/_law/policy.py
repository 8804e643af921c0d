"""The numbers a session goes by, and the terms under which one runs."""

from attrs import Attribute, field, frozen

from .._values.credential import Credential
from .._values.errors import ConfigurationError
from .._values.provider import ClientAuthentication, Provider
from .._values.records import StoreKey
from .._values.scope import Scope, to_scope
from .._values.secret import Entropy, Opaque
from .._values.token import GrantType

_SOME_USER = "the user"
"""The account of a user's session that names none: its token is never taken for the application's own."""


def _positive(instance: object, attribute: "Attribute[float]", value: float) -> None:
    if not 0 < value < float("inf"):
        raise ConfigurationError(f"{attribute.name} must be more than 0 and finite")


def _fraction(instance: object, attribute: "Attribute[float]", value: float) -> None:
    if not 0 <= value <= 0.5:
        raise ConfigurationError(f"{attribute.name} is a fraction from 0 to 0.5")


def _seconds(default: float) -> float:
    made: float = field(default=default, converter=float, validator=_positive)
    return made


@frozen(kw_only=True)
class SessionPolicy:
    """How a session waits, retries and renews. All times in seconds.

    Args:
        exchange_timeout: for one token request, everything together.
        commit_timeout: how long a new token may wait for a failing store before it is released unsaved.
        commit_attempts: how often the store is tried for that.
        in_doubt_after: how long another worker's unfinished renewal is watched before it counts as in doubt; must exceed
            `exchange_timeout + commit_timeout`.
        watch_interval: how often it is looked at meanwhile.
        leeway: how long before expiry a token is renewed, at most.
        leeway_fraction: the same as a fraction of the lifetime; the smaller of the two counts.
        max_attempts: attempts in a row before callers are refused.
        retry_for: seconds in a row before callers are refused.
        backoff, max_backoff: first and longest pause between attempts (exponential, full jitter).
        max_retry_after: the longest pause that the server may ask for.
        refusal_memory: how long a refusal is answered from memory.
        proving_time: a token that lived this long without a refusal counts as proven.
        renews_with_refresh_token: a client-credentials session uses the refresh token that TropiPay sends along.
        retries_in_doubt: send a refresh token once more although the server may have consumed it. With a provider that
            detects reuse this can destroy the authorization.

    Raises:
        ConfigurationError: a number out of its range.
    """

    exchange_timeout: float = _seconds(30.0)
    commit_timeout: float = _seconds(20.0)
    commit_attempts: int = 5
    in_doubt_after: float = _seconds(60.0)
    watch_interval: float = _seconds(0.25)
    leeway: float = _seconds(300.0)
    leeway_fraction: float = field(default=0.1, converter=float, validator=_fraction)
    max_attempts: int = 5
    retry_for: float = _seconds(120.0)
    backoff: float = _seconds(0.5)
    max_backoff: float = _seconds(30.0)
    max_retry_after: float = _seconds(120.0)
    refusal_memory: float = _seconds(60.0)
    proving_time: float = _seconds(60.0)
    renews_with_refresh_token: bool = False
    retries_in_doubt: bool = False

    def __attrs_post_init__(self) -> None:
        if self.in_doubt_after <= self.exchange_timeout + self.commit_timeout:
            raise ConfigurationError(
                "in_doubt_after must exceed exchange_timeout + commit_timeout, "
                "or a slow worker's renewal would be given up while it still runs"
            )
        if self.max_attempts < 1 or self.commit_attempts < 1:
            raise ConfigurationError("max_attempts and commit_attempts are at least 1")


@frozen(kw_only=True, getstate_setstate=False)
class Terms(Opaque):
    """Everything that a handler may look at besides state and input.

    Raises:
        ConfigurationError: client credentials without a secret, or a renewal that cannot be (RFC 6749 §4.4).
    """

    provider: Provider
    credential: Credential
    scope: Scope = field(default=Scope(), converter=to_scope)
    account: str = ""
    renewal: GrantType = GrantType.CLIENT_CREDENTIALS
    entropy: Entropy
    policy: SessionPolicy = SessionPolicy()

    def __attrs_post_init__(self) -> None:
        check_client(self.provider, self.credential, self.renewal)
        if self.renewal is GrantType.AUTHORIZATION_CODE:
            raise ConfigurationError("a code session is renewed by its refresh token: pass renewal=GrantType.REFRESH_TOKEN")

    @property
    def key(self) -> StoreKey:
        """Whose token it is."""
        account = self.account or ("" if self.renewal is GrantType.CLIENT_CREDENTIALS else _SOME_USER)
        return StoreKey(issuer=self.provider.issuer, client_id=self.credential.client_id, account=account, scope=self.scope)


def check_client(provider: Provider, credential: Credential, grant_type: GrantType) -> None:
    """Refuse a client that cannot authenticate as the provider wants it."""
    public = provider.client_authentication is ClientAuthentication.NONE
    if credential.client_secret is None and not public:
        raise ConfigurationError(
            "this provider authenticates the client by its secret: give the credential a client_secret, "
            "or set the provider's client_authentication to NONE for a public client"
        )
    if public and grant_type is GrantType.CLIENT_CREDENTIALS:
        raise ConfigurationError("client credentials are for confidential clients: set client_authentication and a client_secret")
