"""What the token endpoint tells a session: the four outcomes, and what may be sent again after each.

What belongs here: rows on outcomes. What does not: telling the outcomes apart (the wire layer).
"""

from attrs import evolve

from ..._values.errors import OAuthError, ReauthorizationRequired, TokenInDoubt
from ..._values.records import Base, Refusal, Tokens
from ..._values.token import GrantType, Token
from ..._wire.token_reply import Granted, NotProcessed, Refused, Unknown
from ..events import Event, GrantFailed
from ..events import InDoubt as DoubtArose
from ..grants.moves import carry_scope
from ..machine import Step, Table
from ..policy import Terms
from .moves import (
    commit,
    doubt,
    plan_pause,
    rotates,
    settle,
    token_of,
)
from .states import (
    Closed,
    Committing,
    Dormant,
    Exchanging,
    Forgetting,
    InDoubt,
    Settling,
    Unsaved,
)

ROWS = Table("the session", Dormant)


# -- The token endpoint's answer -----------------------------------------------------------------------------------


@ROWS.row
def granted(terms: Terms, state: Exchanging, given: Granted) -> Step[Committing]:
    """Step D, or H: a token arrived. A new authorization that came meanwhile is newer still."""
    offset = state.ledger.clock_offset if given.clock_offset is None else given.clock_offset
    token = carry_scope(given.token, token_of(state.base))
    ledger = evolve(
        state.ledger,
        clock_offset=offset,
        rotates=state.ledger.rotates if given.rotated is None else given.rotated,
        failures=0,
    )
    mine = Unsaved(token=token, since=given.now, exchange=state.exchange, base=state.base)
    return commit(ledger, ledger.unsaved or mine, state.version)


@ROWS.row
def refused(terms: Terms, state: Exchanging, given: Refused) -> Step[Settling | Committing | InDoubt | Closed | Forgetting]:
    """Only `invalid_grant` discards the refresh token; everything else keeps it (the four outcomes)."""
    events = (GrantFailed(grant_type=state.grant_type, error=given.error),)
    if state.ledger.unsaved is not None:
        return commit(state.ledger, state.ledger.unsaved, state.version, events)
    until = given.now + terms.policy.refusal_memory
    if state.grant_type is GrantType.REFRESH_TOKEN and _is(given, "invalid_grant"):
        error = ReauthorizationRequired("the server no longer takes the refresh token: begin a new authorization")
        target = Refusal(error="invalid_grant", token=_without_refresh(token_of(state.base)))
        return settle(state.ledger, state, state.version, target, error=error, until=until, events=events)
    if state.retry:
        return _still_in_doubt(state, given.now, events)
    return settle(state.ledger, state, state.version, state.base, error=given.error, until=until, events=events)


def _still_in_doubt(state: Exchanging, now: float, events: tuple[Event, ...]) -> Step[InDoubt | Closed | Forgetting]:
    """The single retry is spent, and what came before it is as unknown as ever: its intent stays for all to see."""
    error = TokenInDoubt("the single retry brought no token, and the refresh token may be consumed: begin a new authorization")
    return doubt(evolve(state.ledger, doubted=state.exchange), error, now, events)


def _is(given: Refused, code: str) -> bool:
    return isinstance(given.error, OAuthError) and given.error.error == code


def _without_refresh(token: Token | None) -> Token | None:
    return None if token is None else evolve(token, refresh_token=None)


@ROWS.row
def not_processed(
    terms: Terms, state: Exchanging, given: NotProcessed
) -> Step[Settling | Committing | InDoubt | Closed | Forgetting]:
    """Nothing was consumed: give the claim back, back off, try again."""
    events = (GrantFailed(grant_type=state.grant_type, error=given.error),)
    if state.ledger.unsaved is not None:
        return commit(state.ledger, state.ledger.unsaved, state.version, events)
    if state.retry:
        return _still_in_doubt(state, given.now, events)
    ledger, error, until, spent = plan_pause(terms, state.ledger, given.error, given.now, given.retry_after)
    return settle(ledger, state, state.version, state.base, error=error, until=until, spent=spent, events=events)


@ROWS.row
def unknown(terms: Terms, state: Exchanging, given: Unknown) -> Step[Settling | Committing | InDoubt | Closed | Forgetting]:
    """What was sent may have been consumed: sent again only if that does no harm (rule 5)."""
    events = (GrantFailed(grant_type=state.grant_type, error=given.error),)
    ledger = state.ledger
    if ledger.unsaved is not None:
        return commit(ledger, ledger.unsaved, state.version, events)
    base = _replayable_base(terms, state)
    if base is not None:
        ledger, error, until, spent = plan_pause(terms, ledger, given.error, given.now)
        return settle(ledger, state, state.version, base, error=error, until=until, spent=spent, events=events)
    lost = TokenInDoubt(
        f"the refresh token may have been consumed ({given.error.code}): begin a new authorization, "
        "or allow the single retry by the policy's retries_in_doubt"
    )
    ledger = evolve(ledger, doubted=state.exchange)
    return doubt(ledger, lost, given.now, (*events, DoubtArose(error=given.error)))


def _replayable_base(terms: Terms, state: Exchanging) -> Base | None:
    """What a next attempt may start from; None if nothing may be sent again."""
    if state.grant_type is not GrantType.REFRESH_TOKEN or rotates(terms, state.ledger) is False:
        return state.base
    token = token_of(state.base)
    if terms.renewal is GrantType.CLIENT_CREDENTIALS and token is not None:
        return Tokens(evolve(token, refresh_token=None))
    return None
