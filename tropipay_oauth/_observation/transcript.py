"""A run, recorded so that it can be run again: every fact in its order, and what each of them led to.

What belongs here: recording, replaying, comparing. What does not: how it is written down (`transcript_codec`) and what
stands for a secret in it (`sanitiser`, `pseudonyms`).

The recorder tells each fact to the real machine first, and then, without its secrets, to a shadow of it. What is
written down is what the shadow was told and what it answered, so that a replay of the file is that run byte for byte.
The other recording of this project, the event log, is nothing but the events of each step.
"""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, Generic, TypeVar

from attrs import frozen

from .._law.effects import Effect
from .._law.events import Event
from .._law.facts import BeginAuthorization, Fact
from .._law.grants.machines import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from .._law.grants.moves import GrantTerms
from .._law.grants.states import AwaitingCallback, Ready
from .._law.machine import Machine, Step
from .._law.policy import Terms
from .._law.session.machine import Session
from .._law.session.states import Dormant
from .._values.errors import ConfigurationError, LocalError, TropiPayOAuthError
from .._values.pending import PendingAuthorization
from .._values.secret import Opaque, discreet
from .._values.token import GrantType
from .pseudonyms import Pseudonyms
from .sanitiser import Sanitiser
from .transcript_codec import BOOL, EFFECT, EVENT, FACT, NUMBER, PENDING, TERMS, TEXT, UNREADABLE, many, optional, shape

_FORMAT, _VERSION = "tropipay-oauth transcript", 1
_MAX_TEXT = 1 << 26
_MAX_FACT = 1 << 16
_WARNING = "REAL SECRETS: whoever has this file can spend money with it. Keep it like a password, and delete it soon."

M = TypeVar("M", bound=Machine)


class RealSecrets(Enum):
    """The opt-in to a transcript with real secrets in it."""

    I_ACCEPT_THAT_THIS_FILE_CAN_SPEND_MONEY = "real"


_OptIn = RealSecrets | None


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class Origin(Opaque):
    """What a run begins with: the terms of its machine and, for a resumed flow, what was pending."""

    terms: Terms | GrantTerms
    pending: PendingAuthorization | None

    def machine(self) -> Machine:
        """A machine at its beginning."""
        terms = self.terms
        if isinstance(terms, Terms):
            return Session(
                provider=terms.provider,
                credential=terms.credential,
                scope=terms.scope,
                account=terms.account,
                renewal=terms.renewal,
                entropy=terms.entropy,
                policy=terms.policy,
            )
        kind = _GRANTS[terms.grant_type]
        grant = kind.__new__(kind)
        Machine.__init__(grant, terms, Ready() if self.pending is None else AwaitingCallback(pending=self.pending))
        return grant


_GRANTS: dict[GrantType, type[Machine]] = {
    GrantType.CLIENT_CREDENTIALS: ClientCredentialsGrant,
    GrantType.AUTHORIZATION_CODE: AuthorizationCodeGrant,
    GrantType.REFRESH_TOKEN: RefreshTokenGrant,
}


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class Recorded(Opaque):
    """One fact, and the step it led to: its effects, its events, the state after it by name, and its `wake_at`."""

    fact: Fact
    effects: tuple[Effect, ...]
    events: tuple[Event, ...]
    state: str
    wake_at: float | None


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class Transcript(Opaque):
    """A recorded run.

    Args:
        origin: what it began with.
        steps: each fact with what it led to.
        real: whether it holds real secrets.
        gap: why the recording ended before the run did, None if it did not.
    """

    origin: Origin
    steps: tuple[Recorded, ...] = ()
    real: bool = False
    gap: str | None = None

    def to_json(self) -> str:
        """The transcript as text: equal transcripts give equal texts. `from_json` reads it back."""
        warning = {"warning": _WARNING} if self.real else {}
        return json.dumps(
            {"format": _FORMAT, "version": _VERSION, **warning, **_TRANSCRIPT.write(self)}, indent=1, allow_nan=False
        )

    @classmethod
    @discreet
    def from_json(cls, text: str) -> "Transcript":
        """The transcript that `to_json` wrote.

        Raises:
            ConfigurationError: the text is damaged, or something else.
        """
        if len(text) > _MAX_TEXT:
            raise ConfigurationError(
                f"a transcript has at most {_MAX_TEXT} characters: record a shorter run", code="transcript_json"
            )
        try:
            return _read(json.loads(text, object_pairs_hook=_once))
        except UNREADABLE:
            raise ConfigurationError(
                "this is not an undamaged transcript of this version: record the run again, and leave the file as it is written",
                code="transcript_json",
            ) from None

    def replay(self) -> Iterator[tuple[Fact, Step[Any]]]:
        """Run it again: each fact with the step that it leads to now.

        Raises:
            LocalProtocolError: a fact is not taken any more.
        """
        machine = self.origin.machine()
        for recorded in self.steps:
            yield recorded.fact, machine.handle(recorded.fact)

    @discreet
    def check(self) -> None:
        """Run it again, and compare.

        Raises:
            LocalError: with code `replay_differs`, at the first step that differs from the recorded one.
        """
        machine = self.origin.machine()
        for number, recorded in enumerate(self.steps, 1):
            place = f"the replay differs at step {number}, {type(recorded.fact).__name__}"
            try:
                again = _record(recorded.fact, machine.handle(recorded.fact), machine)
            except TropiPayOAuthError as error:
                raise LocalError(f"{place}: the fact is refused now ({error.code}). {_ADVICE}", code="replay_differs") from error
            was, now = (_RECORDED.write(one) for one in (recorded, again))
            parts = [name for name in was if json.dumps(was[name]) != json.dumps(now[name])]
            if parts:
                raise LocalError(f"{place}: {' and '.join(parts)} are not as recorded. {_ADVICE}", code="replay_differs")


_ADVICE = "Replay it with the version of this library that recorded it; if it was this one, the file was changed."


def _record(fact: Fact, step: Step[Any], machine: Machine) -> Recorded:
    return Recorded(fact=fact, effects=step.effects, events=step.events, state=type(step.state).__name__, wake_at=machine.wake_at)


_RECORDED = shape(Recorded, fact=FACT, effects=many(EFFECT), events=many(EVENT), state=TEXT, wake_at=optional(NUMBER))
_TRANSCRIPT = shape(
    Transcript,
    real=BOOL,
    gap=optional(TEXT),
    origin=shape(Origin, terms=TERMS, pending=optional(PENDING)),
    steps=many(_RECORDED),
)


def _read(data: Any) -> Transcript:
    if (data.pop("format"), data.pop("version")) != (_FORMAT, _VERSION):
        raise ValueError("another format")
    warned = data.pop("warning", None) == _WARNING
    transcript: Transcript = _TRANSCRIPT.read(data)
    if warned is not transcript.real:
        raise ValueError("real secrets without their warning, or a warning without real secrets")
    return transcript


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


class _Unrecordable(Exception):
    """The rest of the run cannot be recorded; the message says why."""


class Recorder(Generic[M]):
    """Records what a machine is told. Drive the recorder in place of the machine: `recorder.handle(fact)`.

    Neither facts that the machine refuses are recorded (they change nothing), nor anything after a fact that cannot be
    (`transcript().gap` says why): the machine itself always goes on.

    Hidden are tokens, client secret, codes, states, verifiers, the account label and whatever looks like a secret in a
    response; client id, URLs of the provider, redirect URI, scopes, times, exchange ids and a session's entropy are not.

    Args:
        machine: a session or a grant, before its first fact; an authorization-code grant may be a resumed one.
        secrets: `RealSecrets.I_ACCEPT_THAT_THIS_FILE_CAN_SPEND_MONEY` records the secrets themselves.
        limit: how many facts are recorded at most.

    Raises:
        ConfigurationError: the machine has begun already.
    """

    RealSecrets = RealSecrets

    def __init__(self, machine: M, *, secrets: _OptIn = None, limit: int = 10_000) -> None:
        self._machine = machine
        self._real = secrets is RealSecrets.I_ACCEPT_THAT_THIS_FILE_CAN_SPEND_MONEY
        self._limit = limit
        self._origin = self._origin_of(machine)
        self._shadow = self._origin.machine()
        self._steps: list[Recorded] = []
        self._gap: str | None = None

    def _origin_of(self, machine: Machine) -> Origin:
        terms, state = machine._terms, machine._state
        if not isinstance(terms, (Terms, GrantTerms)) or not (
            isinstance(state, AwaitingCallback) or state in (Dormant(), Ready())
        ):
            raise ConfigurationError("record a session or grant from its beginning: wrap it before its first fact")
        pending = state.pending if isinstance(state, AwaitingCallback) else None
        self._sanitiser = Sanitiser(Pseudonyms(), terms.redirect_uri if isinstance(terms, GrantTerms) else "")
        if self._real:
            return Origin(terms=terms, pending=pending)
        clean = None if pending is None else self._sanitiser.pending(pending)
        return Origin(terms=self._sanitiser.terms(terms), pending=clean)

    @property
    def machine(self) -> M:
        """The machine that is recorded."""
        return self._machine

    @property
    def wake_at(self) -> float | None:
        """As the machine's."""
        return self._machine.wake_at

    def handle(self, fact: Fact) -> Step[Any]:
        """Tell the machine a fact, and note it.

        Returns:
            the machine's own step.

        Raises:
            LocalProtocolError: as the machine does; nothing is noted.
        """
        step = self._machine.handle(fact)
        if self._gap is None:
            try:
                self._note(fact, step)
            except Exception as failure:  # whatever it is: the step may hold the only copy of a token
                self._gap = str(failure) if isinstance(failure, _Unrecordable) else f"recording failed ({type(failure).__name__})"
        return step

    def _note(self, fact: Fact, step: Step[Any]) -> None:
        if len(self._steps) >= self._limit:
            raise _Unrecordable(f"there were more than {self._limit} facts")
        clean = fact if self._real else self._sanitiser.fact(fact)
        if len(json.dumps(FACT.write(clean), allow_nan=False)) > _MAX_FACT:  # what JSON cannot say fails here, not in to_json
            raise _Unrecordable(f"{type(fact).__name__} was too large")
        again = self._shadow.handle(clean)
        recorded = _record(clean, again, self._shadow)
        if _outline(recorded) != _outline(_record(fact, step, self._machine)):
            raise _Unrecordable(f"without its secrets, {type(fact).__name__} leads elsewhere")
        if isinstance(fact, BeginAuthorization) and not self._real:
            self._sanitiser.learn(step.state.pending, again.state.pending)
        self._steps.append(recorded)

    def transcript(self) -> Transcript:
        """What was recorded so far."""
        return Transcript(origin=self._origin, steps=tuple(self._steps), real=self._real, gap=self._gap)


def _outline(recorded: Recorded) -> tuple[object, ...]:
    """What a fact and its clean form must lead to alike."""
    kinds = [type(one) for one in (*recorded.effects, *recorded.events)]
    return recorded.state, recorded.wake_at, kinds
