"""Two real machines and a wire that a test holds in its hand: each effect is performed when the test says so."""

from typing import Any

from tests.model.server import TokenServer
from tropipay_oauth import (
    Credential,
    Delivery,
    Entropy,
    GrantType,
    HTTPRequest,
    MemoryStore,
    Provider,
    Secret,
    Session,
    SessionPolicy,
    Step,
    Token,
    facts,
)
from tropipay_oauth.effects import Effect, LoadRecord, RefuseCallers, ReleaseCallers, SendRequest, SwapRecord
from tropipay_oauth.errors import StoreError, TropiPayOAuthError
from tropipay_oauth.events import Event

PROVIDER = Provider.for_server("https://as.example")
CREDENTIAL = Credential(client_id="the-client-id", client_secret="the-client-secret")
START = 1_800_000_000.0


def entropy(number: int = 0) -> Entropy:
    """Entropy that a test can repeat."""
    return Entropy(number.to_bytes(32, "big"))


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def advance(self, seconds: float) -> float:
        """Let time pass."""
        self.now += seconds
        return self.now


class Worker:
    """One session with its adapter's queue of effects that wait to be performed."""

    def __init__(
        self,
        server: TokenServer,
        store: MemoryStore,
        clock: Clock,
        *,
        number: int = 0,
        renewal: GrantType = GrantType.CLIENT_CREDENTIALS,
        policy: SessionPolicy | None = None,
        provider: Provider = PROVIDER,
        credential: Credential = CREDENTIAL,
        scope: str | None = None,
    ) -> None:
        self.session = Session(
            provider=provider,
            credential=credential,
            scope=scope,
            entropy=entropy(number),
            renewal=renewal,
            policy=policy,
        )
        self.server, self.store, self.clock = server, store, clock
        self.queue: list[Effect] = []
        self.events: list[Event] = []
        self.answers: list[Token | TropiPayOAuthError] = []
        self.sent: list[HTTPRequest] = []
        self.checked = 0  # how many answers a test has looked at
        self.refused: set[Secret] = set()

    @property
    def state(self) -> str:
        """The name of the state."""
        return type(self.session.state).__name__

    @property
    def steps(self) -> list[str]:
        """The steps of the protocol flow that observers were told of."""
        return [event.step for event in self.events if event.step != "note"]

    def tell(self, fact: Any) -> Step[Any]:
        """Tell the session a fact and queue what it asks for."""
        step = self.session.handle(fact)
        self.events += step.events
        for effect in step.effects:
            match effect:
                case ReleaseCallers(token=token):
                    self.answers.append(token)
                case RefuseCallers(error=error):
                    self.answers.append(error)
                case _:
                    self.queue.append(effect)
        return step

    def call(self) -> None:
        """A caller asks for a token."""
        self.tell(facts.AccessRequested(now=self.clock.now))

    def tick(self) -> None:
        """Jump to the session's own deadline."""
        due = self.session.wake_at
        assert due is not None, self.state
        self.clock.now = max(due, self.clock.now)
        self.tell(facts.TimeReached(now=self.clock.now))

    def perform(self) -> Effect:
        """Perform the oldest effect, faithfully."""
        effect = self.queue.pop(0)
        match effect:
            case SendRequest():
                self.reply(effect, self.server.handle(effect.request, self.clock.now))
            case LoadRecord():
                version, record = self.store.load(self.session.key)
                self.tell(facts.RecordLoaded(version=version, record=record, now=self.clock.now))
            case SwapRecord(expected_version=expected, record=record):
                made = self.store.swap(self.session.key, expected, record)
                self.tell(self._swapped(made))
        return effect

    def reply(self, effect: SendRequest, response: Any) -> None:
        """Deliver the reply to a request."""
        self.sent.append(effect.request)
        self.tell(facts.ResponseReceived(exchange=effect.exchange, response=response, now=self.clock.now))

    def fail_store(self, *, applied: bool = False) -> None:
        """The store fails at the oldest effect, which may have been applied all the same."""
        effect = self.queue.pop(0)
        assert isinstance(effect, (LoadRecord, SwapRecord))
        if applied and isinstance(effect, SwapRecord):
            self.store.swap(self.session.key, effect.expected_version, effect.record)
        self.tell(facts.StoreFailed(error=StoreError("the disk is gone"), now=self.clock.now))

    def fail_transport(self, delivery: Delivery = Delivery.AMBIGUOUS, *, arrived: bool = False) -> None:
        """No reply comes to the oldest effect, whether or not the request arrived."""
        effect = self.queue.pop(0)
        assert isinstance(effect, SendRequest)
        self.sent.append(effect.request)
        if arrived:
            self.server.handle(effect.request, self.clock.now)
        self.tell(facts.TransportFailed(exchange=effect.exchange, delivery=delivery, now=self.clock.now))

    def run(self, limit: int = 50) -> list[Token | TropiPayOAuthError]:
        """Perform everything until nothing is asked for; the answers that callers got meanwhile."""
        before = len(self.answers)
        for _ in range(limit):
            if not self.queue:
                return self.answers[before:]
            self.perform()
        raise AssertionError(f"no end after {limit} effects, in {self.state}")

    def until(self, kind: type[Effect]) -> Effect:
        """Perform everything up to the first effect of that kind, which stays queued."""
        while not isinstance(self.queue[0], kind):
            self.perform()
        return self.queue[0]

    def get(self) -> Token | TropiPayOAuthError:
        """Ask for a token and see it through."""
        before = len(self.answers)
        self.call()
        self.run()
        assert len(self.answers) > before, f"no answer, in {self.state}"
        return self.answers[-1]

    def token(self) -> Token:
        """As `get`, where only a token will do."""
        answer = self.get()
        assert isinstance(answer, Token), answer
        return answer

    def _swapped(self, version: int | None) -> Any:
        if version is None:
            return facts.SwapRefused(now=self.clock.now)
        return facts.RecordSwapped(version=version, now=self.clock.now)
