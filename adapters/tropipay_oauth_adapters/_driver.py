"""The way between one session and the world: perform effects, report facts, wake callers. It decides nothing.

What belongs here: who performs what, and who waits for what. What does not: any rule (the engine), and what only a runtime
can say: its events, tasks and sleep (`sync`, `asyncio`, `trio`). As in `_transport`, the code is `async` for all of them.

The worker owns every exchange and every store operation; a caller only waits. So a caller that is cancelled loses nothing
(rule 4). The worker lives only while there is something to do, or while somebody waits for a moment to come.
"""

import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from inspect import isawaitable
from typing import Any, TypeVar, cast

from tropipay_oauth import Access, Delivery, HTTPRequest, HTTPResponse, Session, SessionPolicy, TransportError
from tropipay_oauth.effects import Effect, LoadRecord, RefuseCallers, ReleaseCallers, SendRequest, SwapRecord
from tropipay_oauth.errors import LocalError, RemoteProtocolError, SessionClosed, StoreError, TropiPayOAuthError
from tropipay_oauth.events import RevocationFailed, TokenRevoked
from tropipay_oauth.facts import (
    AccessRequested,
    Close,
    Fact,
    RecordLoaded,
    RecordSwapped,
    ResponseReceived,
    StoreFailed,
    SwapRefused,
    TimeReached,
    TransportFailed,
)

from ._connection import Deadline
from ._events import Events
from ._waiting import Answer, Signal, Waiting

T = TypeVar("T")


class Driver(ABC):
    """Drives one session.

    Args:
        session: the machine.
        store: where its record is kept.
        transport: None makes one of the runtime's own.
        policy: how long the end may take.
        clock: gives Unix seconds.
    """

    def __init__(
        self,
        session: Session,
        store: Any,
        transport: Any,
        policy: SessionPolicy,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._store = store
        self._policy = policy
        self._owns_transport = transport is None
        self._transport = self._make_transport() if transport is None else transport
        self._events = Events()
        self._clock = clock
        self._process = os.getpid()
        self._tasks: set[Any] = set()
        self._lock = threading.RLock()  # threads need it; elsewhere it is free at once
        self._held: Access | None = None
        self._callers: Waiting[Access] = {}
        self._revokers: Waiting[bool] = {}
        self._todo: deque[Effect] = deque()
        self._nudge = self._signal()
        self._ended = self._signal()
        self._working, self._jobs = False, 0
        self._consuming, self._closed = False, False
        self._react: Mapping[type, Callable[[Any], None]] = {
            ReleaseCallers: self._release,
            RefuseCallers: self._refuse,
            SendRequest: self._todo.append,
            LoadRecord: self._todo.append,
            SwapRecord: self._todo.append,
        }
        self._perform: Mapping[type, Callable[[Any], Awaitable[Fact]]] = {
            SendRequest: self._send,
            LoadRecord: self._load,
            SwapRecord: self._swap,
        }

    @property
    def events(self) -> Events:
        """What happened so far, and `subscribe` for what happens next."""
        return self._events

    # -- What a runtime says ---------------------------------------------------------------------------------------

    @abstractmethod
    def _make_transport(self) -> Any:
        """The runtime's own transport."""

    @abstractmethod
    def _signal(self) -> Signal:
        """A new event of the runtime."""

    @abstractmethod
    async def _wait(self, signal: Any, seconds: float | None) -> bool:
        """Wait for the signal, at most so long; whether it was set."""

    @abstractmethod
    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it in a task or thread of the client's own, which no caller's cancellation reaches."""

    async def _settle(self, value: Any) -> Any:
        """The value of a store or transport, which may be synchronous or asynchronous."""
        return await value if isawaitable(value) else value

    @abstractmethod
    def _abandon(self) -> None:
        """Cancel what was spawned, as far as the runtime can."""

    def _unharmed(self, work: Callable[[], T]) -> T:
        """Do it as a whole, whatever interrupt the caller's thread or task gets."""
        return work()

    # -- Between the session and the world -------------------------------------------------------------------------

    def _tell(self, fact: Fact) -> None:
        self._unharmed(lambda: self._step(fact))
        self._events.tell()

    async def _ask(self, fact: Fact, among: Waiting[T], answer: Answer[T], seconds: float | None = None) -> T:
        """Tell the fact and wait for the answer, among all who wait."""
        self._check()

        def join() -> None:
            if not answer.left:
                among[answer] = None

        try:
            self._unharmed(lambda: self._step(fact, join))
            self._events.tell()
            if not answer.signal.is_set() and not await self._wait(answer.signal, seconds):
                message = f"there was no token within {seconds} s: try again later"
                raise TransportError(message, delivery=Delivery.NOT_SENT, code="timeout")
        finally:
            with self._lock:
                answer.left = True
                among.pop(answer, None)
                self._nudge.set()  # the worker may have been waiting for this caller's sake alone
        return answer.take()

    def _check(self) -> None:
        if self._process != os.getpid():
            raise SessionClosed("this process is a fork and must not use its parent's entropy: open a client here", code="forked")
        if self._closed:
            raise SessionClosed("this client is closed: open a new one")

    def _step(self, fact: Fact, join: Callable[[], object] = bool) -> None:
        with self._lock:
            step = self._session.handle(fact)
            self._events.note(step.events)  # here, so that they are in order whichever thread goes on first
            self._held = self._session.access
            join()
            for effect in step.effects:
                self._react[type(effect)](effect)
            for event in step.events:
                if isinstance(event, (TokenRevoked, RevocationFailed)):
                    self._end_revocation(event)
            self._nudge.set()
            self._start_worker()

    def _release(self, effect: ReleaseCallers) -> None:
        held = self._held
        for caller in [one for one in self._callers if held is not None and one.suits(held)]:
            del self._callers[caller]
            caller.give(cast(Access, held))

    def _refuse(self, effect: RefuseCallers) -> None:
        refused: list[Answer[Any]] = [*self._callers]
        self._callers.clear()
        if isinstance(effect.error, SessionClosed):
            refused += self._revokers
            self._revokers.clear()
        for caller in refused:
            caller.fail(effect.error)

    def _end_revocation(self, event: TokenRevoked | RevocationFailed) -> None:
        for caller in self._revokers:
            if isinstance(event, RevocationFailed):
                caller.fail(event.error)
            else:
                caller.give(event.at_provider)
        self._revokers.clear()

    # -- The worker ------------------------------------------------------------------------------------------------

    def _start_worker(self) -> None:
        if not self._working and not self._closed and (self._todo or self._delay() is not None):
            self._spawn(self._work)
            self._working = True

    def _delay(self) -> float | None:
        """Seconds until the session wants to be told the time; None if it does not, or nobody waits for it."""
        wake_at = self._session.wake_at
        if wake_at is None or not (self._callers or self._revokers):
            return None
        return max(0.0, wake_at - self._clock())

    async def _work(self) -> None:
        try:
            while await self._work_once():
                continue
        except BaseException:
            with self._lock:
                self._working = False
                self._refuse(
                    RefuseCallers(error=SessionClosed("the client's own task was cancelled: ask again, or open a new client"))
                )
            raise
        finally:
            self._end_background()

    async def _work_once(self) -> bool:
        with self._lock:
            effect = self._todo.popleft() if self._todo else None
            delay = self._delay()
            if effect is None and delay is None:
                self._working = False
                return False
            self._nudge = nudge = self._signal()
        if effect is not None:
            await self._perform_one(effect)
        elif not await self._wait(nudge, delay):
            self._tell(TimeReached(now=self._clock()))
        return True

    async def _perform_one(self, effect: Effect) -> None:
        try:
            fact = await self._perform[type(effect)](effect)
        except BaseException:  # the worker itself is being cancelled: the session must not wait for an answer for ever
            self._tell(self._lost(effect))
            raise
        self._tell(fact)

    def _lost(self, effect: Effect) -> Fact:
        now = self._clock()
        if isinstance(effect, SendRequest):
            return TransportFailed(
                exchange=effect.exchange, delivery=Delivery.AMBIGUOUS, reason="the task was cancelled", now=now
            )
        return StoreFailed(error=StoreError("the task was cancelled while the store was awaited: look again"), now=now)

    async def _send(self, effect: SendRequest) -> ResponseReceived | TransportFailed:
        self._consuming = self._consuming or not effect.request.replayable
        try:
            response = await self._exchange(effect.request)
        except Exception as error:
            delivery, reason = _delivery(error)
            return TransportFailed(exchange=effect.exchange, delivery=delivery, reason=reason, now=self._clock())
        return ResponseReceived(exchange=effect.exchange, response=response, now=self._clock())

    async def _exchange(self, request: HTTPRequest) -> HTTPResponse:
        response: HTTPResponse = await self._settle(self._transport.send(request))
        return response

    async def _load(self, effect: LoadRecord) -> RecordLoaded | StoreFailed:
        try:
            version, record = await self._settle(self._store.load(self._session.key))
        except Exception as error:
            return StoreFailed(error=_store_error(error), now=self._clock())
        return RecordLoaded(version=version, record=record, now=self._clock())

    async def _swap(self, effect: SwapRecord) -> RecordSwapped | SwapRefused | StoreFailed:
        try:
            version = await self._settle(self._store.swap(self._session.key, effect.expected_version, effect.record))
        except Exception as error:
            return StoreFailed(error=_store_error(error), now=self._clock())
        if version is None:
            return SwapRefused(now=self._clock())
        return RecordSwapped(version=version, now=self._clock())

    # -- Callers ---------------------------------------------------------------------------------------------------

    async def _access(self, seconds: float | None) -> Access:
        held = self._held
        if held is not None and self._clock() < held.fresh_until:
            return held
        return await self._ask(AccessRequested(now=self._clock()), self._callers, Answer(self._signal()), seconds)

    # -- Background work and the end -------------------------------------------------------------------------------

    async def _in_background(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it in the client's own task or thread: who waits for it may go away (rule 4)."""
        answer: Answer[T] = Answer(self._signal())

        async def job() -> None:
            try:
                answer.give(await work())
            except Exception as error:
                answer.fail(error)
            except BaseException:
                answer.fail(SessionClosed("the client's own task was cancelled: begin again"))
                raise
            finally:
                self._jobs -= 1
                self._end_background()

        def begin() -> None:
            with self._lock:
                self._check()
                self._spawn(job)
                self._jobs += 1

        self._unharmed(begin)
        await self._wait(answer.signal, None)
        return answer.take()

    def _end_background(self) -> None:
        with self._lock:
            self._consuming = self._consuming and bool(self._working or self._jobs)
            self._ended.set()

    async def _close(self) -> None:
        """What may still bring something of value comes to its end first, within the bounds of the policy."""
        deadline = self._bound()
        try:
            if not self._closed and self._process == os.getpid():
                await self._until(lambda: not self._jobs, deadline)
                self._tell(Close(now=self._clock()))
                await self._until(lambda: not self._working, deadline)
        finally:
            self._closed = True
            self._abandon()

    def _bound(self) -> Deadline:
        return Deadline(self._policy.exchange_timeout + self._policy.commit_timeout)

    async def _until(self, condition: Callable[[], bool], deadline: Deadline) -> None:
        while True:
            with self._lock:
                if condition():
                    return
                self._ended = ended = self._signal()
            try:
                await self._wait(ended, deadline.left())
            except TimeoutError:
                return


def _delivery(error: Exception) -> tuple[Delivery, str]:
    match error:
        case TransportError():
            return error.delivery, error.message
        case LocalError():  # the request could not even be written
            return Delivery.NOT_SENT, error.message
        case RemoteProtocolError():
            return Delivery.AMBIGUOUS, error.message
        case _:
            return Delivery.AMBIGUOUS, f"the transport failed ({type(error).__name__})"


def _store_error(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    what = error.message if isinstance(error, TropiPayOAuthError) else type(error).__name__
    made = StoreError(f"the token store failed ({what}): look at it, then try again")
    made.__cause__ = error
    return made
