"""What the demo saw, and what that proves: `ok` is read off the events alone, never off what the demo meant to do.

What belongs here: the evidence. What does not: making it happen (`demo`), showing it (`_trace`).
"""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from tropipay_oauth import GrantType
from tropipay_oauth.errors import ServerUnavailable
from tropipay_oauth.events import Event, GrantFailed, ResourceReceived, TokenExpired, TokenIssued, TokenRefreshed

LETTERS = {"request": "A", "grant": "B C", "token": "D", "access": "E", "resource": "F", "expiry": "", "refresh": "G H"}
REVOKED, BUSY = "401 for a revoked token", "503 at the token endpoint"


@frozen(kw_only=True)
class Story:
    """How one grant went: its events, and the error that ended it early."""

    grant: GrantType
    steps: tuple[Event, ...]
    error: str | None = None

    @property
    def statuses(self) -> tuple[int, ...]:
        """What the API answered, each time."""
        return tuple(event.status for event in self.steps if isinstance(event, ResourceReceived))

    @property
    def survived(self) -> tuple[str, ...]:
        """What went wrong in between and did not end the story: a new token and the resource came after it."""
        return tuple(name for name, at in _failures(self.steps) if _recovers(self.steps[at:]))

    @property
    def missing(self) -> tuple[str, ...]:
        """What should have happened and did not."""
        steps = {event.step for event in self.steps}
        reasons = {event.reason.value for event in self.steps if isinstance(event, TokenExpired)}
        own = GrantType.CLIENT_CREDENTIALS if self.grant is GrantType.CLIENT_CREDENTIALS else GrantType.REFRESH_TOKEN
        renewals = {event.grant_type for event in self.steps if isinstance(event, TokenRefreshed)}
        checks = {
            **{f"the step {name}": name in steps for name in LETTERS},
            "the resource at the end": self.statuses[-1:] == (200,),
            "an expiry by the clock": "clock" in reasons,
            "an expiry by a refusal": "refused" in reasons,
            f"renewals by {own.value}": renewals == {own},
            **{f"surviving a {name}": name in self.survived for name in (REVOKED, BUSY)},
        }
        return tuple(name for name, happened in checks.items() if not happened)

    @property
    def ok(self) -> bool:
        """Whether all of it happened."""
        return self.error is None and not self.missing

    @property
    def members(self) -> dict[str, Any]:
        """As JSON members."""
        expiries = [event.expiry.source.value for event in self.steps if isinstance(event, (TokenIssued, TokenRefreshed))]
        return {
            "grant": self.grant.value,
            "outcome": "granted" if self.ok else "failed",
            "events": [event.step for event in self.steps if event.step != "note"],
            "resource_status": self.statuses[-1] if self.statuses else None,
            "expiry_provenance": expiries[0] if expiries else None,
            "survived": list(self.survived),
        }


def _failures(steps: tuple[Event, ...]) -> Iterator[tuple[str, int]]:
    for at, event in enumerate(steps):
        match event:
            case ResourceReceived(status=401):
                yield REVOKED, at
            case GrantFailed(error=ServerUnavailable(status=503)):
                yield BUSY, at


def _recovers(rest: tuple[Event, ...]) -> bool:
    renewed = [at for at, event in enumerate(rest) if isinstance(event, TokenRefreshed)]
    return bool(renewed) and any(isinstance(event, ResourceReceived) and event.status == 200 for event in rest[renewed[0] :])


@frozen(kw_only=True)
class Result:
    """What the demo showed."""

    runtime: str
    stories: tuple[Story, ...] = ()
    token_requests: int = 0

    @property
    def ok(self) -> bool:
        """Whether all of it happened."""
        return {story.grant for story in self.stories} == set(GrantType) and all(story.ok for story in self.stories)

    @property
    def problem(self) -> str:
        """What went wrong first, in one line."""
        for story in self.stories:
            if not story.ok:
                return f"the demo failed at {story.grant.value}: {story.error or 'missing: ' + ', '.join(story.missing)}"
        return "the demo is not complete: run it again"

    @property
    def members(self) -> dict[str, Any]:
        """As JSON members."""
        grants = [story.members for story in self.stories]
        return {"ok": self.ok, "runtime": self.runtime, "grants": grants, "token_requests": self.token_requests}
