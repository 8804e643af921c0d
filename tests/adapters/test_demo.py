"""The demo: on each runtime all of it happens, and it says so only then."""

import json
from typing import Any

import pytest
from attrs import evolve

from tests.adapters.commands import assert_one_line, run, run_code
from tropipay_oauth import GrantType
from tropipay_oauth.events import GrantFailed, ResourceReceived, TokenExpired, TokenRefreshed
from tropipay_oauth.sandbox import Behaviour
from tropipay_oauth_adapters._story import BUSY, REVOKED, Result, Story
from tropipay_oauth_adapters.demo import run_demo

RUNTIMES = ("sync", "asyncio", "trio")
GRANTS = ["client_credentials", "authorization_code", "refresh_token"]


@pytest.fixture(scope="module")
def result() -> Result:
    return run_demo("sync")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_all_of_it_happens_and_is_one_document(runtime: str) -> None:
    done = run("demo", "--runtime", runtime, "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    document: dict[str, Any] = json.loads(done.stdout)
    assert (document["ok"], document["runtime"]) == (True, runtime)
    assert [grant["grant"] for grant in document["grants"]] == GRANTS
    for grant in document["grants"]:
        assert (grant["outcome"], grant["resource_status"]) == ("granted", 200)
        assert grant["expiry_provenance"] == "expires_in_absolute_seconds"
        assert grant["survived"] == [REVOKED, BUSY]
        assert grant["events"][:5] == ["request", "grant", "token", "access", "resource"]
        assert {"expiry", "refresh"} <= set(grant["events"])
    # Client credentials and code: one token, three renewals, one 503. Refresh: a code, then one token, two renewals, one 503.
    assert document["token_requests"] == 5 + 5 + (1 + 4)


def test_the_runtimes_tell_the_same_story(result: Result) -> None:
    told = [[event.step for story in run_demo(runtime).stories for event in story.steps] for runtime in RUNTIMES[1:]]
    assert told == [[event.step for story in result.stories for event in story.steps]] * 2


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_people_see_the_steps_a_to_h(runtime: str) -> None:
    done = run("demo", "--runtime", runtime)
    assert (done.returncode, done.stderr) == (0, "")
    for letters in ("A ", "B C ", "D ", "E ", "F ", "G H "):
        assert done.stdout.count(f"\n{letters}") >= 3
    for text in ("the API answers 401", "answered 503", f"survived: {REVOKED}", f"survived: {BUSY}", "All of it happened"):
        assert text in done.stdout


def test_no_secret_is_in_the_output() -> None:
    assert "eyJ" not in run("demo").stdout + run("demo", "--json").stdout


# -- What `ok` depends on ------------------------------------------------------------------------------------------


def without(story: Story, unwanted: Any) -> Story:
    return evolve(story, steps=tuple(event for event in story.steps if not unwanted(event)))


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize(
    ("unwanted", "missing"),
    [
        (lambda event: isinstance(event, ResourceReceived) and event.status == 401, f"surviving a {REVOKED}"),
        (lambda event: isinstance(event, GrantFailed), f"surviving a {BUSY}"),
        (lambda event: isinstance(event, TokenExpired) and event.reason.value == "clock", "an expiry by the clock"),
        (lambda event: isinstance(event, TokenExpired) and event.reason.value == "refused", "an expiry by a refusal"),
        (lambda event: isinstance(event, TokenRefreshed), "the step refresh"),
        (lambda event: isinstance(event, ResourceReceived) and event.status == 200, "the resource at the end"),
        (lambda event: event.step == "request", "the step request"),
    ],
    ids=["no 401", "no 503", "no expiry", "no refusal", "no refresh", "no resource", "no request"],
)
def test_a_story_in_which_something_did_not_happen_is_not_ok(result: Result, index: int, unwanted: Any, missing: str) -> None:
    assert result.ok
    poorer = without(result.stories[index], unwanted)
    assert not poorer.ok
    assert missing in poorer.missing
    stories = list(result.stories)
    stories[index] = poorer
    failed = evolve(result, stories=tuple(stories))
    assert failed.members["grants"][index]["outcome"] == "failed"
    assert (failed.ok, failed.members["ok"]) == (False, False)
    assert missing in failed.problem


@pytest.mark.parametrize(("name", "kind"), [(REVOKED, 401), (BUSY, 503)])
def test_a_failure_that_ends_the_story_was_not_survived(result: Result, name: str, kind: int) -> None:
    story = result.stories[0]
    at = next(at for at, event in enumerate(story.steps) if status_of(event) == kind)
    assert name not in evolve(story, steps=story.steps[: at + 1]).survived
    assert name in story.survived


def status_of(event: Any) -> int | None:
    status: int | None = getattr(event.error if isinstance(event, GrantFailed) else event, "status", None)
    return status


def test_a_renewal_by_another_grant_is_not_ok(result: Result) -> None:
    swapped = evolve(result.stories[0], grant=GrantType.REFRESH_TOKEN)
    assert swapped.missing == ("renewals by refresh_token",)


def test_a_result_without_all_three_grants_is_not_ok(result: Result) -> None:
    assert not evolve(result, stories=result.stories[:2]).ok
    assert not Result(runtime="sync").ok
    assert "not complete" in Result(runtime="sync").problem


@pytest.mark.parametrize(
    ("behaviour", "first"),
    [
        (Behaviour(resource_401=-1), "client_credentials"),
        (Behaviour(fault="status_500", fault_at="client_credentials"), "client_credentials"),
        (Behaviour(authorization_error="access_denied"), "authorization_code"),
        (Behaviour(callback="bad_escape"), "authorization_code"),
        (Behaviour(refresh_rotation="omit"), ""),
        (Behaviour(metadata=False, error_shape="flat"), ""),
    ],
    ids=["always 401", "always 500", "denied", "bad callback", "no rotation", "other shapes"],
)
def test_a_server_that_does_otherwise_is_seen(behaviour: Behaviour, first: str) -> None:
    told = run_demo("sync", behaviour)
    bad = [story.grant.value for story in told.stories if not story.ok]
    assert (bad[0] if bad else "") == first
    assert told.ok is not bool(bad)
    assert [story.grant.value for story in told.stories] == GRANTS
    assert first in told.problem


_OTHERWISE = """
import sys
from functools import partial
from tropipay_oauth.sandbox import Behaviour
from tropipay_oauth_adapters import cli, demo
demo.run_demo = partial(demo.run_demo, behaviour=Behaviour(authorization_error="access_denied"))
sys.exit(cli.main(sys.argv[1:]))
"""
_BROKEN = """
import sys
from tropipay_oauth_adapters import cli, demo
demo.STORIES = {grant: len for grant in demo.STORIES}
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_failed_story_leaves_one_document_and_one_line(runtime: str) -> None:
    done = run_code(_OTHERWISE, "demo", "--runtime", runtime, "--json")
    assert_one_line(done, 1, "the demo failed at authorization_code")
    document = json.loads(done.stdout)
    assert document["ok"] is False
    assert [grant["outcome"] for grant in document["grants"]] == ["granted", "failed", "failed"]
    assert document["grants"][1]["resource_status"] is None


def test_a_failed_story_is_shown_to_people_too() -> None:
    done = run_code(_OTHERWISE, "demo")
    assert_one_line(done, 1, "the demo failed at authorization_code")
    assert "Something is missing" in done.stdout


def test_even_an_internal_error_leaves_one_document_and_one_line() -> None:
    done = run_code(_BROKEN, "demo", "--json")
    assert_one_line(done, 1, "internal error (TypeError)")
    assert json.loads(done.stdout) == {"ok": False, "runtime": "sync", "grants": [], "token_requests": 0}
