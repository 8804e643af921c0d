"""Canaries: secrets that a test can find again wherever they show, and a watch over everything that a machine shows."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from rich.traceback import Traceback

from tests.law.test_grants import Drive
from tests.model.pair import Worker
from tests.model.server import TokenServer
from tests.values.leaks import raised, shown
from tropipay_oauth import Step
from tropipay_oauth._law.machine import Machine, Table
from tropipay_oauth.effects import RedirectUser, SendRequest
from tropipay_oauth.errors import TropiPayOAuthError

AWKWARD = {"client": ' "\\&=%', "refresh": "'<> \\u%", "code": "&+ \\%25", "access": "+/~._-"}
SLICE = 8

Form = Callable[[str], str]
FORMS: dict[str, Form] = {
    "as it is": str,
    "percent-encoded": lambda text: quote(text, safe=""),
    "as a form writes it": quote_plus,
    "JSON-escaped": lambda text: json.dumps(text)[1:-1],
    "in Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in Base64 for URLs": lambda text: base64.urlsafe_b64encode(b"user:" + text.encode()).decode(),
}


# -- The search ----------------------------------------------------------------------------------------------------


class Search:
    """Knows every canary, and finds a piece of one in any text."""

    def __init__(self, *, asleep: bool = False) -> None:
        self.secrets: dict[str, str] = {}
        self.pieces: dict[str, str] = {}
        self.asleep = asleep

    def new(self, name: str) -> str:
        """A canary that nobody else has, with the characters that are awkward in its place."""
        text = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")
        return self.add(name, text[:13] + AWKWARD.get(name.partition(" ")[0], "") + text[13:])

    def add(self, name: str, text: str) -> str:
        """Look for this text from now on."""
        self.secrets[name] = text
        for form in _encodings(text):
            self.pieces |= {form[at : at + SLICE]: name for at in range(len(form) - SLICE + 1)}
        return text

    def found(self, text: str) -> set[str]:
        """The names of the canaries of which the text holds a piece."""
        lines = set(text.splitlines())  # much is said more than once
        slices = {line[at : at + SLICE] for line in lines for at in range(len(line) - SLICE + 1)}
        return {self.pieces[piece] for piece in slices & self.pieces.keys()}

    def check(self, value: object, *, but: frozenset[str] = frozenset()) -> None:
        """Nothing that shows of `value` holds a canary."""
        found = self.found(shown(value)) - but
        assert not found, f"{type(value).__name__} shows {sorted(found)}"
        for error in _errors_in(value):
            self.check_error(error)

    def check_error(self, error: BaseException) -> None:
        """No report of the error holds a canary."""
        found = self.found(report(error) + shown(error.args) + shown(vars(error)))
        assert not found, f"{type(error).__name__} shows {sorted(found)}"

    def watched(self, machine: Any, fact: Any, tell: Callable[[Any], Step[Any]]) -> Step[Any]:
        """Tell the fact, with a look at everything before and after, unless only the way to somewhere is walked."""
        if self.asleep:
            return tell(fact)
        watch(self, machine, fact)
        step = tell(fact)
        watch_step(self, machine, step)
        return step

    def fails(self, kind: type[BaseException], call: Callable[[], object]) -> None:
        """The call raises that error, whose traceback with all local variables holds no canary."""
        with pytest.raises(kind) as caught:
            call()
        trace = caught.value.__traceback__
        while trace is not None and "/tests/" in trace.tb_frame.f_code.co_filename:
            trace = trace.tb_next  # a test may have the canary in its own hand
        self.check_error(caught.value.with_traceback(trace))


def _encodings(text: str) -> Iterator[str]:
    octets = text.encode("latin-1", "surrogatepass")
    yield from (text, octets.hex(), octets.hex(" "), repr(octets), *(form(text) for form in FORMS.values()))
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"." * before + octets).decode().rstrip("=")[skipped:-1]
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def _errors_in(value: object) -> Iterator[BaseException]:
    error = value if isinstance(value, BaseException) else getattr(value, "error", None)
    if isinstance(error, BaseException):
        yield error


def report(error: BaseException) -> str:
    """What rich and the standard library tell of an error and of everything behind it, with the local variables."""
    seen = Traceback.extract(type(error), error, error.__traceback__, show_locals=True, locals_max_string=1 << 20)
    behind = [one for one in (error.__cause__, error.__context__) if one is not None]
    notes = repr(getattr(error, "__notes__", ""))
    return repr(seen) + notes + raised(lambda: _raise(error)) + "".join(map(report, behind))


def _raise(error: BaseException) -> None:
    raise error


class Breakdown(Exception):
    """What a table throws that breaks down on purpose."""


class BrokenTable(Table):
    """Takes each step as it should, and then breaks down with all that it knows in its local variables."""

    def __init__(self, real: Table) -> None:
        super().__init__(real.name, real.initial)
        self.real = real

    def step(self, terms: object, state: Any, given: object) -> Step[Any]:
        """Never returns."""
        step = self.real.step(terms, state, given)
        raise Breakdown(step, given, state)


def watch(search: Search, machine: Any, fact: Any) -> None:
    """What is to be seen of a fact, of the input that it stands for, and of a machine that breaks down over it."""
    search.check(fact)
    search.check(machine._interpret(machine.state, fact))
    machine._table = BrokenTable(type(machine)._table)
    try:
        machine.handle(fact)
    except (Breakdown, TropiPayOAuthError) as error:
        search.check_error(error)
    del machine._table


def watch_step(search: Search, machine: Machine, step: Step[Any]) -> None:
    """What is to be seen of a step, of its parts, and of the machine after it."""
    state_in_url = frozenset(name for name in search.secrets if name == "state")
    for value in (*step.effects, *step.events, step.state):
        search.check(value, but=state_in_url if isinstance(value, RedirectUser) else frozenset())
    search.check(getattr(machine, "access", None))
    for effect in step.effects:
        if isinstance(effect, SendRequest):
            assert not search.found(effect.request.url)
        if isinstance(effect, RedirectUser):
            assert search.found(effect.url) <= {"state"}
    search.check(machine)
    assert not search.found(repr(step)) - state_in_url


# -- The world, with canaries in it --------------------------------------------------------------------------------


class CanaryServer(TokenServer):
    """Every token and code that it issues is a canary."""

    def __init__(self, *, asleep: bool = False) -> None:
        self.search = Search(asleep=asleep)
        super().__init__(client_secret=self.search.new("client secret"))

    def _next(self, kind: str) -> str:
        self._count += 1
        return self.search.new(f"{kind} token {self._count}")


class WatchedWorker(Worker):
    """A session and its adapter, under observation."""

    def tell(self, fact: Any) -> Step[Any]:
        """As a worker does, with a look at everything."""
        return search_of(self.server).watched(self.session, fact, super().tell)


class WatchedDrive(Drive):
    """A grant and its adapter, under observation."""

    def tell(self, fact: Any) -> Step[Any]:
        """As a drive does, with a look at everything."""
        return search_of(self.server).watched(self.grant, fact, super().tell)


def search_of(server: TokenServer) -> Search:
    assert isinstance(server, CanaryServer)
    return server.search
