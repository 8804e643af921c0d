"""The law of the three grants: a table each, one handler per (state, input).

What belongs here: the rows, to be read from top to bottom. What does not: how bytes are read (the wire layer), how a
machine is built (`machines`), keeping a token alive among many callers and workers (the session).

    client credentials   Ready -> Requesting -> Active -> Expired -> Requesting ...     the credential is the grant
    authorization code   Ready -> AwaitingCallback -> Requesting -> Active -> Expired   the user's code is the grant
    refresh token        Ready -> Requesting -> Active -> Expired -> Requesting ...     the refresh token is the grant

What may be presented twice differs: a credential always; a code never, once it may have arrived; a refresh token only
where the provider is known not to rotate (rule 5).
"""

from typing import TypeVar

from ..._values.errors import (
    CallbackError,
    ConfigurationError,
    ReauthorizationRequired,
    StateExpired,
    StateReplayed,
    TokenAlreadyExpired,
    TokenInDoubt,
    TropiPayOAuthError,
)
from ..._values.pending import PendingAuthorization
from ..._wire.token_reply import Granted, NotProcessed, Refused, Unknown
from ..effects import RefuseCallers, ReleaseCallers
from ..events import AuthorizationRequested, CallbackIgnored, ExpiryReason, InDoubt, TokenExpired
from ..facts import AccessRequested, BeginAuthorization, TimeReached, TokenAccepted, TokenRejected
from ..machine import Handler, Step, Table
from .inputs import AuthorizationDenied, CallbackRefused, CallbackValidated
from .moves import GrantTerms, begin, news_of, own_expiry, present, refuse, retry_at
from .states import (
    Active,
    AwaitingCallback,
    Deferred,
    Expired,
    Failed,
    GrantInDoubt,
    Ready,
    Requesting,
)

CLIENT_CREDENTIALS = Table("the client-credentials grant", Ready)
AUTHORIZATION_CODE = Table("the authorization-code grant", Ready)
REFRESH_TOKEN = Table("the refresh-token grant", Ready)


def every_grant(handler: Handler) -> Handler:
    """A row that the three grants share."""
    return CLIENT_CREDENTIALS.row(AUTHORIZATION_CODE.row(REFRESH_TOKEN.row(handler)))


NotActive = TypeVar("NotActive", Ready, Requesting, Expired, Deferred, Failed)
Finished = TypeVar("Finished", Active, Expired, Deferred, Failed, GrantInDoubt)
Spent = TypeVar("Spent", Ready, Expired)


# -- Client credentials: the credential is the grant ---------------------------------------------------------------


@CLIENT_CREDENTIALS.row
def client_begins(terms: GrantTerms, state: Ready, given: AccessRequested) -> Step[Requesting]:
    """Steps A to C in one: the client acts for itself, so its own credential is the grant (RFC 6749 §4.4)."""
    return _asking(terms, present(terms, 0))


@CLIENT_CREDENTIALS.row
def client_renews(terms: GrantTerms, state: Expired, given: AccessRequested) -> Step[Requesting]:
    """A token that ended is replaced by presenting the credential again (rule 9)."""
    return present(terms, state.count, replaces=state.token, renews=True)


@CLIENT_CREDENTIALS.row
def client_hears_nothing(terms: GrantTerms, state: Requesting, given: Unknown) -> Step[Deferred]:
    """Nothing is consumed by presenting a credential: it may be presented again."""
    return _defer(terms, state, given.error, given.now + terms.pause)


# -- Authorization code: the user's code is the grant --------------------------------------------------------------


@AUTHORIZATION_CODE.row
def user_is_asked(
    terms: GrantTerms, state: Ready | Expired | Failed | GrantInDoubt, given: BeginAuthorization
) -> Step[AwaitingCallback]:
    """Step A. A flow that ended may be begun anew, with fresh values (OAuth 2.1 §7.5.1)."""
    step = begin(terms, given.entropy, given.now)
    earlier: PendingAuthorization | None = None if isinstance(state, Ready) else state.pending
    if earlier is not None and earlier.state == step.state.pending.state:
        raise ConfigurationError("this entropy was used before: pass 32 fresh random bytes for each authorization")
    return step


@AUTHORIZATION_CODE.row
def user_approves(terms: GrantTerms, state: AwaitingCallback, given: CallbackValidated) -> Step[Requesting]:
    """Steps B and C: the code arrived and is exchanged, with the verifier that belongs to it."""
    return present(terms, 0, proof=given.proof)


@AUTHORIZATION_CODE.row
def user_denies(terms: GrantTerms, state: AwaitingCallback, given: AuthorizationDenied) -> Step[Failed]:
    """Step B: the answer is no."""
    return refuse(terms, Failed(error=given.error, pending=state.pending))


@AUTHORIZATION_CODE.row
def stray_callback(terms: GrantTerms, state: AwaitingCallback, given: CallbackRefused) -> Step[AwaitingCallback | Failed]:
    """A callback that is no answer ends a web flow; at a loopback listener it is ignored (RFC 8252 §8.9)."""
    if terms.ignores_strays:
        return Step(state, events=(CallbackIgnored(error=given.error),))
    return refuse(terms, Failed(error=given.error, pending=state.pending))


@AUTHORIZATION_CODE.row
def user_takes_too_long(terms: GrantTerms, state: AwaitingCallback, given: TimeReached) -> Step[AwaitingCallback | Failed]:
    """The authorization was pending for longer than it may be."""
    if given.now < state.wake_at:
        return Step(state)
    error = StateExpired("the user took too long: begin a new authorization")
    return refuse(terms, Failed(error=error, pending=state.pending))


@AUTHORIZATION_CODE.row
def user_awaited(
    terms: GrantTerms, state: AwaitingCallback, given: AccessRequested | TokenRejected | TokenAccepted
) -> Step[AwaitingCallback]:
    """Whoever asks meanwhile waits for the user."""
    return Step(state)


@AUTHORIZATION_CODE.row
def uninvited_callback(terms: GrantTerms, state: Ready, given: CallbackRefused) -> Step[Ready]:
    """No authorization was begun here: nothing is exchanged (RFC 6749 §10.12)."""
    return Step(state, (RefuseCallers(error=given.error),))


@AUTHORIZATION_CODE.row
def second_callback(
    terms: GrantTerms, state: Requesting, given: CallbackValidated | AuthorizationDenied | CallbackRefused
) -> Step[Requesting]:
    """The code is being exchanged; a second callback changes nothing and disturbs nobody who waits."""
    error = given.error if isinstance(given, CallbackRefused) else _replayed()
    return Step(state, events=(CallbackIgnored(error=error),))


@AUTHORIZATION_CODE.row
def late_callback(
    terms: GrantTerms, state: Finished, given: CallbackValidated | AuthorizationDenied | CallbackRefused
) -> Step[Finished]:
    """A code is used once (RFC 6749 §4.1.2): a replayed callback is refused, and nothing is sent."""
    error: TropiPayOAuthError = given.error if isinstance(given, CallbackRefused) else _replayed()
    if isinstance(state, Failed) and isinstance(state.error, StateExpired):
        error = state.error
    return Step(state, (RefuseCallers(error=error),))


@AUTHORIZATION_CODE.row
def code_hears_nothing(terms: GrantTerms, state: Requesting, given: Unknown) -> Step[GrantInDoubt]:
    """The code may have been consumed: it is never sent again (rule 5)."""
    return _doubt(terms, state, given, "the code")


@AUTHORIZATION_CODE.row
def code_is_spent(terms: GrantTerms, state: Spent, given: AccessRequested) -> Step[Spent]:
    """A code gives one token. What follows is the refresh-token grant's, or a new authorization."""
    hint = "begin an authorization" if isinstance(state, Ready) else "use its refresh token, or begin a new authorization"
    return Step(state, (RefuseCallers(error=ReauthorizationRequired(f"there is no valid token: {hint}")),))


# -- Refresh token: the refresh token is the grant -----------------------------------------------------------------


@REFRESH_TOKEN.row
def refresh_begins(terms: GrantTerms, state: Ready, given: AccessRequested) -> Step[Requesting]:
    """Steps A to C in one: the user's consent lives on in the refresh token (RFC 6749 §6)."""
    return _asking(terms, present(terms, 0, replaces=terms.token))


@REFRESH_TOKEN.row
def refresh_renews(terms: GrantTerms, state: Expired, given: AccessRequested) -> Step[Requesting | Failed]:
    """A token that ended is replaced through the newest refresh token."""
    if state.token.refresh_token is None:
        return refuse(terms, Failed(error=ReauthorizationRequired("there is no refresh token: begin a new authorization")))
    return present(terms, state.count, replaces=state.token, renews=True)


@REFRESH_TOKEN.row
def refresh_hears_nothing(terms: GrantTerms, state: Requesting, given: Unknown) -> Step[Deferred | GrantInDoubt]:
    """The refresh token may have been consumed: sent again only where the provider is known not to rotate (rule 5)."""
    if terms.provider.rotates_refresh_tokens is False:
        return _defer(terms, state, given.error, given.now + terms.pause)
    return _doubt(terms, state, given, "the refresh token")


# -- What the three share ------------------------------------------------------------------------------------------


@every_grant
def single_flight(terms: GrantTerms, state: Requesting, given: AccessRequested) -> Step[Requesting]:
    """Whoever comes meanwhile waits for the same reply (rule 1)."""
    return Step(state)


@every_grant
def token_arrives(terms: GrantTerms, state: Requesting, given: Granted) -> Step[Active | Expired]:
    """Step D. A token that has ended on receipt is kept, for its refresh token, and given to nobody."""
    token, ends_at = given.token, own_expiry(given.token, given.clock_offset)
    events = news_of(token, given.clock_offset, renewed=state.renews)
    if given.now < ends_at:
        active = Active(token=token, count=state.count, ends_at=ends_at, pending=state.pending)
        return Step(active, (ReleaseCallers(token=token),), events)
    error = TokenAlreadyExpired("the server issued a token that has already ended: compare this machine's clock with its own")
    expired = Expired(token=token, count=state.count, pending=state.pending)
    return Step(expired, (RefuseCallers(error=error),), (*events, TokenExpired(reason=ExpiryReason.CLOCK)))


@every_grant
def server_refuses(terms: GrantTerms, state: Requesting, given: Refused) -> Step[Failed]:
    """The server understood and said no."""
    return refuse(terms, Failed(error=given.error, pending=state.pending))


@every_grant
def server_is_busy(terms: GrantTerms, state: Requesting, given: NotProcessed) -> Step[Deferred]:
    """Nothing was consumed: the same grant may be presented again, later."""
    return _defer(terms, state, given.error, retry_at(terms, given))


@every_grant
def asked_again(terms: GrantTerms, state: Deferred, given: AccessRequested) -> Step[Deferred | Requesting]:
    """Present the grant again once the pause is over; until then the failure is answered from memory (rule 8)."""
    if given.now < state.retry_at:
        return Step(state, (RefuseCallers(error=state.error),))
    return present(terms, state.count, replaces=state.replaces, proof=state.proof, renews=state.renews)


@every_grant
def token_given(terms: GrantTerms, state: Active, given: AccessRequested) -> Step[Active]:
    """A valid token is given to whoever asks."""
    return Step(state, (ReleaseCallers(token=state.token),))


@every_grant
def clock_ends_token(terms: GrantTerms, state: Active, given: TimeReached) -> Step[Active | Expired]:
    """The clock ends a token."""
    return Step(state) if given.now < state.ends_at else _expire(state, ExpiryReason.CLOCK)


@every_grant
def api_refuses_token(terms: GrantTerms, state: Active, given: TokenRejected) -> Step[Active | Expired]:
    """A refusal at step F ends the token that was refused, and no other (rule 2)."""
    return _expire(state, ExpiryReason.REFUSED) if given.access_token == state.token.access_token else Step(state)


@every_grant
def api_takes_token(terms: GrantTerms, state: Active, given: TokenAccepted) -> Step[Active]:
    """Step F: good news changes nothing."""
    return Step(state)


@every_grant
def no_news(terms: GrantTerms, state: NotActive, given: TimeReached | TokenRejected | TokenAccepted) -> Step[NotActive]:
    """Nothing was due, or the token spoken of is no longer held."""
    return Step(state)


@every_grant
def refusal_remembered(terms: GrantTerms, state: Failed, given: AccessRequested) -> Step[Failed]:
    """A refusal costs one request, not one per call (rule 8)."""
    return Step(state, (RefuseCallers(error=state.error),))


@AUTHORIZATION_CODE.row
@REFRESH_TOKEN.row
def doubt_remembered(terms: GrantTerms, state: GrantInDoubt, given: AccessRequested) -> Step[GrantInDoubt]:
    """What may have been consumed is not presented again (rule 5)."""
    return Step(state, (RefuseCallers(error=state.error),))


@AUTHORIZATION_CODE.row
@REFRESH_TOKEN.row
def no_news_in_doubt(
    terms: GrantTerms, state: GrantInDoubt, given: TimeReached | TokenRejected | TokenAccepted
) -> Step[GrantInDoubt]:
    """Neither time nor news of an older token ends a doubt."""
    return Step(state)


# -- The words that the rows are made of ---------------------------------------------------------------------------


def _asking(terms: GrantTerms, step: Step[Requesting]) -> Step[Requesting]:
    asked = AuthorizationRequested(grant_type=terms.grant_type, scope=terms.scope)
    return Step(step.state, step.effects, (asked, *step.events))


def _expire(state: Active, reason: ExpiryReason) -> Step[Expired]:
    expired = Expired(token=state.token, count=state.count, pending=state.pending)
    return Step(expired, events=(TokenExpired(reason=reason),))


def _defer(terms: GrantTerms, state: Requesting, error: TropiPayOAuthError, at: float) -> Step[Deferred]:
    return refuse(
        terms,
        Deferred(error=error, retry_at=at, count=state.count, replaces=state.replaces, proof=state.proof, renews=state.renews),
    )


def _doubt(terms: GrantTerms, state: Requesting, given: Unknown, what: str) -> Step[GrantInDoubt]:
    error = TokenInDoubt(f"{what} may have been consumed and no readable reply came: begin a new authorization")
    error.__cause__ = given.error
    step = refuse(terms, GrantInDoubt(error=error, pending=state.pending))
    return Step(step.state, step.effects, (*step.events, InDoubt(error=given.error)))


def _replayed() -> CallbackError:
    return StateReplayed("this authorization was answered before: a code is used once; begin a new one")
