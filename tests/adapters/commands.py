"""What the tests of the command line share: the command as a real process, and a sandbox that runs in another one."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.adapters.support import PATIENCE

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tropipay_oauth_adapters.cli")
Done = subprocess.CompletedProcess[str]
Running = subprocess.Popen[str]


def environment(**variables: str) -> dict[str, str]:
    """That of a person who has set nothing but `variables`; the repository is found without being installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TROPIPAY_", "PYTHON", "BROWSER"))}
    paths = os.pathsep.join((str(ROOT), str(ROOT / "adapters")))
    return {**kept, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8", **variables}


def run(*words: str, **variables: str) -> Done:
    """One command to its end."""
    return _run((*COMMAND, *words), variables)


def run_code(code: str, *words: str, **variables: str) -> Done:
    """A program of the test's own around the command."""
    return _run((sys.executable, "-c", code, *words), variables)


def _run(words: tuple[str, ...], variables: Mapping[str, str]) -> Done:
    return subprocess.run(
        words,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE * 3,
        check=False,
    )


@contextmanager
def started(*words: str, **variables: str) -> Iterator[Running]:
    """A command that runs for the time of the block; it is ended, if need be, by its process id."""
    with _spawn([*COMMAND, *words], environment(**variables)) as process:
        guard = threading.Timer(PATIENCE * 3, process.kill)  # so that no read waits for ever
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            if process.poll() is None:
                process.kill()


def _spawn(words: list[str], variables: dict[str, str]) -> Running:
    """With Ctrl-C as a terminal gives it: tests that run in the background of a shell would hand down that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pipe = subprocess.PIPE
        return subprocess.Popen(words, env=variables, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, encoding="utf-8")
    finally:
        signal.signal(signal.SIGINT, before)


def lines(process: Running, stream: str, number: int) -> list[str]:
    """So many lines of its output, as soon as they are there."""
    source = process.stdout if stream == "stdout" else process.stderr
    assert source is not None
    return [source.readline().rstrip("\n") for _ in range(number)]


@contextmanager
def sandbox(*behaviours: str) -> Iterator[dict[str, str]]:
    """What `sandbox --json` says of the sandbox that runs for the time of the block."""
    words = [word for one in behaviours for word in ("--behaviour", one)]
    with started("sandbox", "--json", *words) as process:
        told: dict[str, str] = json.loads(lines(process, "stdout", 1)[0])
        yield told
        process.terminate()
        assert process.communicate(timeout=PATIENCE) == ("", "")
        assert process.returncode == 0


def credentials(told: Mapping[str, str]) -> dict[str, str]:
    """The variables that lead to it."""
    return {
        "TROPIPAY_SERVER": told["url"],
        "TROPIPAY_CLIENT_ID": told["client_id"],
        "TROPIPAY_CLIENT_SECRET": told["client_secret"],
    }


def assert_one_line(done: Done, status: int, *parts: str) -> None:
    """It failed with this status, and said so in one line of printable text."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("tropipay-oauth: ")
    assert done.stderr.endswith("\n")
    assert done.stderr[:-1].isprintable(), done.stderr
    for part in parts:
        assert part in done.stderr
