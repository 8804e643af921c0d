"""The command line as a person and a script meet it: real processes, their output, their exit status."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.commands import (
    COMMAND,
    assert_one_line,
    credentials,
    environment,
    lines,
    run,
    run_code,
    sandbox,
    started,
)
from tests.adapters.support import PATIENCE, Visit, reply, serving

SOMEBODY = {"TROPIPAY_CLIENT_ID": "somebody", "TROPIPAY_CLIENT_SECRET": "a-secret-of-somebody"}
NOWHERE = "http://127.0.0.1:1"  # nobody may listen on port 1


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    """A sandbox in a process of its own, for all tests that change nothing in it."""
    with sandbox() as members:
        yield members


# -- Help ----------------------------------------------------------------------------------------------------------

_LOADED = """
import json, runpy, sys
try:
    runpy.run_module("tropipay_oauth_adapters.cli", run_name="__main__")
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["", "demo", "sandbox", "token", "request", "login", "diagram", "replay"])
def test_help_loads_neither_the_engine_nor_what_the_adapters_need(command: str) -> None:
    done = run_code(_LOADED, *command.split(), "--help")
    status, loaded = json.loads(done.stderr)
    heavy = {
        "tropipay_oauth",
        "attr",
        "attrs",
        "h11",
        "anyio",
        "trio",
        "rich",
        "asyncio",
        "logging",
        "ssl",
        "socket",
        "threading",
    }
    assert status in (0, None)
    assert heavy.isdisjoint(loaded)
    assert f"tropipay-oauth {command}".strip() in done.stdout


def test_the_help_of_each_command_says_where_credentials_come_from() -> None:
    for command in ("token", "request", "login"):
        assert "TROPIPAY_CLIENT_SECRET" in run(command, "--help").stdout


# -- Wrong calls: status 2 -----------------------------------------------------------------------------------------

WRONG_CALLS: list[tuple[list[str], dict[str, str], str]] = [
    ([], {}, "COMMAND"),
    (["nonsense"], {}, "invalid choice"),
    (["demo", "--runtime", "curio"], {}, "invalid choice"),
    (["demo", "--js"], {}, "unrecognized arguments"),
    (["demo", "a\nb\x1b[31m"], {}, "unrecognized arguments"),
    (["sandbox", "--port", "65536"], {}, "from 0 to 65535"),
    (["sandbox", "--port", "-1"], {}, "--port"),
    (["sandbox", "--host", "0.0.0.0"], {}, "127.0.0.1"),
    (["sandbox", "--behaviour", "nonsense=1"], {}, "expires_in"),
    (["sandbox", "--behaviour", "lifetime"], {}, "name=value"),
    (["sandbox", "--behaviour", "lifetime=long"], {}, "a number"),
    (["sandbox", "--behaviour", "fault=other"], {}, "status_503"),
    (["diagram", "nonsense"], {}, "refresh-token"),
    (["diagram", "--format", "png"], {}, "svg"),
    (["replay"], {}, "TRANSCRIPT"),
    (["replay", "/nonsense\n\x1b[31m"], {}, "cannot read"),
    (["replay", "/"], {}, "cannot read"),
    (["token"], {}, "TROPIPAY_CLIENT_ID is not set"),
    (["token"], {"TROPIPAY_CLIENT_ID": "somebody"}, "TROPIPAY_CLIENT_SECRET is not set"),
    (["token"], {"TROPIPAY_CLIENT_ID": "né", "TROPIPAY_CLIENT_SECRET": "x"}, "client_id"),
    (["token"], {**SOMEBODY, "TROPIPAY_ENV": "test"}, "sandbox or production"),
    (["token"], {**SOMEBODY, "TROPIPAY_SERVER": "http://tropipay.example"}, "https://"),
    (["token"], {**SOMEBODY, "TROPIPAY_SERVER": "https://tropipay.example/api"}, "scheme, host and port"),
    (["token", "--json", "--header"], SOMEBODY, "not allowed with"),
    (["token", "--client-auth", "none"], SOMEBODY, "confidential"),
    (["token", "--client-auth", "magic"], SOMEBODY, "basic"),
    (["token", "--encoding", "xml"], SOMEBODY, "json"),
    (["token", "--scope", 'a"b'], SOMEBODY, "scope"),
    (["token", "--api-base", "https://api.example/"], SOMEBODY, "--issuer"),
    (["token", "--issuer", "ftp://issuer.example"], SOMEBODY, "https://"),
    (["request", "GET"], SOMEBODY, "PATH"),
    (["request", "G T", "users/profile"], {**SOMEBODY, "TROPIPAY_SERVER": NOWHERE}, "HTTP method"),
    (["request", "POST", "x", "--data", "{"], SOMEBODY, "--data is JSON"),
    (["request", "POST", "x", "--data", "NaN"], SOMEBODY, "--data is JSON"),
    (["request", "POST", "x", "--data", "[" * 100_000], SOMEBODY, "--data is JSON"),
    (["login", "--port", "70000"], SOMEBODY, "from 0 to 65535"),
    (["login", "--timeout", "nan"], SOMEBODY, "seconds"),
    (["login", "--timeout", "soon"], SOMEBODY, "seconds"),
    (["login", "--path", "callback"], SOMEBODY, "/callback"),
    (["login", "--path", "/done"], SOMEBODY, "/callback"),
]


@pytest.mark.parametrize(("words", "variables", "part"), WRONG_CALLS, ids=[" ".join(call[0])[:40] for call in WRONG_CALLS])
def test_a_wrong_call_is_told_in_one_line(words: list[str], variables: dict[str, str], part: str) -> None:
    done = run(*words, **variables)
    assert_one_line(done, 2, part)
    assert done.stdout == ""
    assert "a-secret-of-somebody" not in done.stderr


def test_a_port_in_use_is_told_in_one_line(told: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_one_line(run("sandbox", "--port", port), 2, "in use", port)
        assert_one_line(run("login", "--no-browser", "--port", port, **credentials(told)), 2, "port")


# -- Refused grants and failed requests: status 1 ------------------------------------------------------------------


def test_a_wrong_secret_is_told_in_one_line_that_does_not_hold_it(told: dict[str, str]) -> None:
    done = run("token", **{**credentials(told), "TROPIPAY_CLIENT_SECRET": "wrong-secret-of-somebody"})
    assert_one_line(done, 1, "invalid_client", "Check client id and secret")
    assert "wrong-secret" not in done.stderr + done.stdout


def test_a_refused_scope_is_told_in_one_line(told: dict[str, str]) -> None:
    assert_one_line(run("token", "--scope", "NONSENSE", **credentials(told)), 1, "invalid_scope")
    assert_one_line(run("token", **credentials(told), TROPIPAY_SCOPE="NONSENSE"), 1, "invalid_scope")


@pytest.mark.parametrize("words", [["token"], ["request", "GET", "users/profile"], ["token", "--issuer", NOWHERE]])
def test_a_server_that_is_not_there_is_told_in_one_line(words: list[str]) -> None:
    done = run(*words, **SOMEBODY, TROPIPAY_SERVER=NOWHERE)
    assert_one_line(done, 1, "check")
    assert done.stdout == ""


def test_metadata_that_is_not_there_is_told_in_one_line(told: dict[str, str]) -> None:
    with sandbox("metadata=off") as bare:
        assert_one_line(run("token", "--issuer", bare["url"], **credentials(bare)), 1)
    assert_one_line(run("token", "--issuer", f"{told['url']}/", **credentials(told)), 1, "issuer")


def test_an_answer_full_of_escape_sequences_stays_one_line() -> None:
    body = json.dumps({"error": "invalid_client", "error_description": "\x1b[31mred\nTwo\u202elines"}).encode()
    answer = reply(body, "Content-Type: application/json", status="400 Bad Request")

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(answer)

    with serving(script) as server:
        assert_one_line(run("token", **SOMEBODY, TROPIPAY_SERVER=server.url), 1, "invalid_client")


# -- Errors of the program and of its surroundings -----------------------------------------------------------------

_BROKEN = """
import sys
from tropipay_oauth_adapters import _commands
from tropipay_oauth_adapters.cli import main
_commands.show_diagram = lambda options: {}["a secret"]
sys.exit(main(["diagram"]))
"""
_BARE = """
import sys
sys.modules[sys.argv[1]] = None
from tropipay_oauth_adapters.cli import main
sys.exit(main(sys.argv[2:]))
"""


def test_an_internal_error_is_one_line_and_a_traceback_only_on_request() -> None:
    done = run_code(_BROKEN)
    assert_one_line(done, 1, "internal error (KeyError)", "report", "TROPIPAY_DEBUG=1")
    assert "a secret" not in done.stderr
    assert "Traceback" in run_code(_BROKEN, TROPIPAY_DEBUG="1").stderr


@pytest.mark.parametrize(("module", "command"), [("anyio", "sandbox"), ("h11", "token"), ("rich.console", "demo")])
def test_a_missing_package_is_told_with_the_command_that_installs_it(module: str, command: str) -> None:
    done = run_code(_BARE, module, command, **SOMEBODY, TROPIPAY_SERVER=NOWHERE)
    assert_one_line(done, 2, module.partition(".")[0], "pip install 'tropipay-oauth[cli]'")
    assert done.stdout == ""


def test_a_missing_module_of_our_own_is_an_internal_error() -> None:
    assert_one_line(run_code(_BARE, "tropipay_oauth.diagram", "diagram"), 1, "internal error (ModuleNotFoundError)")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [["diagram"], ["demo"], ["demo", "--json"], ["sandbox", "--behaviour", "help"]])
def test_output_that_cannot_be_written_is_told_in_one_line(words: list[str]) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            [*COMMAND, *words],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("tropipay-oauth: cannot write the output")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["diagram", "--format", "svg"], ["sandbox", "--behaviour", "help"], ["demo"]])
def test_a_reader_that_goes_away_ends_it_quietly(words: list[str]) -> None:
    with started(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) in (1, 141)


def test_an_output_of_ascii_only_is_no_problem(told: dict[str, str]) -> None:
    done = run("token", **credentials(told), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


# -- Signals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_the_sandbox_quietly(number: signal.Signals, status: int) -> None:
    with started("sandbox", "--json") as process:
        port = int(json.loads(lines(process, "stdout", 1)[0])["url"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):  # an idle connection keeps nobody
            process.send_signal(number)
            assert process.communicate(timeout=PATIENCE) == ("", "")
        assert process.returncode == status
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


@pytest.mark.parametrize("words", [["token"], ["token", "--json"], ["request", "GET", "users/profile"]])
def test_ctrl_c_ends_a_request_that_hangs_at_once(words: list[str]) -> None:
    asked = threading.Event()

    def hang(visit: Visit) -> None:
        visit.request()
        asked.set()
        visit.wait_for_close()

    with serving(hang) as server, started(*words, **SOMEBODY, TROPIPAY_SERVER=server.url) as process:
        assert asked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE) == ("", "")
        assert process.returncode == 130


def test_ctrl_c_ends_a_login_quietly(told: dict[str, str]) -> None:
    with started("login", "--no-browser", **credentials(told)) as process:
        lines(process, "stdout", 2)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE) == ("", "")
        assert process.returncode == 130


def test_the_tests_run_the_command_of_this_repository() -> None:
    code = "import tropipay_oauth_adapters; print(tropipay_oauth_adapters.__file__)"
    assert Path(run_code(code).stdout.strip()).is_relative_to(Path(__file__).parents[2])
    assert sys.executable == COMMAND[0]
