"""What each command does, as a person and a script meet it: real processes against a sandbox in another process."""

import itertools
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.browse import fetch
from tests.adapters.commands import COMMAND, assert_one_line, credentials, environment, lines, run, sandbox, started
from tests.adapters.support import PATIENCE, Script, Visit, reply, serving
from tropipay_oauth import ClientCredentialsGrant, Credential, Entropy, Provider
from tropipay_oauth.effects import SendRequest
from tropipay_oauth.facts import AccessRequested, ResponseReceived
from tropipay_oauth.sandbox import Behaviour, Sandbox
from tropipay_oauth.transcript import Recorder

JWT = re.compile(r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]+")
SOMEBODY = {"TROPIPAY_CLIENT_ID": "somebody", "TROPIPAY_CLIENT_SECRET": "a-secret-of-somebody"}
NOWHERE = "http://127.0.0.1:1"  # nobody may listen on port 1


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    """A sandbox in a process of its own, for all tests that change nothing in it."""
    with sandbox() as members:
        yield members


def token_reply(access_token: str) -> bytes:
    """A token response as bytes."""
    body = json.dumps({"access_token": access_token, "token_type": "Bearer"}).encode()
    return reply(body, "Content-Type: application/json")


def issue(seen: list[bytes] | None = None) -> Script:
    """A token endpoint that answers one request, and notes it."""

    def script(visit: Visit) -> None:
        request = visit.request()
        if seen is not None:
            seen.append(request)
        visit.send(token_reply("opaque"))

    return script


# -- token ---------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_masked(told: dict[str, str]) -> None:
    done = run("token", "--scope", "ALLOW_GET_BALANCE", **credentials(told))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^access_token +eyJh… \(\d+ characters\)$", done.stdout, re.MULTILINE)
    assert re.search(r"^expires +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, read from expires_in", done.stdout, re.MULTILINE)
    assert re.search(r"^scope +ALLOW_GET_BALANCE$", done.stdout, re.MULTILINE)
    assert not JWT.search(done.stdout)


def test_json_is_one_document_with_masked_secrets(told: dict[str, str]) -> None:
    done = run("token", "--json", **credentials(told), TROPIPAY_SCOPE="ALLOW_GET_BALANCE")
    members = json.loads(done.stdout)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert (members["scope"], members["token_type"], members["grant"]) == ("ALLOW_GET_BALANCE", "Bearer", "client_credentials")
    assert (members["expiry_provenance"], members["missing_scope"]) == ("expires_in_absolute_seconds", "")
    assert "…" in members["access_token"]
    assert "…" in members["refresh_token"]
    assert not JWT.search(done.stdout)


def test_short_secrets_show_nothing_of_themselves() -> None:
    with serving(issue()) as server:
        done = run("token", **SOMEBODY, TROPIPAY_SERVER=server.url)
    assert "opaque" not in done.stdout
    assert re.search(r"^expires +unknown", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("words", [["--reveal"], ["--reveal", "--json"]])
def test_reveal_shows_the_token(told: dict[str, str], words: list[str]) -> None:
    found = JWT.search(run("token", *words, **credentials(told)).stdout)
    assert found is not None
    assert fetch(f"{told['url']}/api/v3/users/profile", headers={"Authorization": f"Bearer {found[0]}"}).status == 200


def test_header_is_what_a_request_needs(told: dict[str, str]) -> None:
    done = run("token", "--header", **credentials(told))
    name, _, value = done.stdout.rstrip("\n").partition(": ")
    assert (done.returncode, done.stderr, name, done.stdout.count("\n")) == (0, "", "Authorization", 1)
    assert fetch(f"{told['url']}/api/v3/users/profile", headers={name: value}).status == 200


def test_any_server_is_found_by_its_metadata() -> None:
    with sandbox("profile=standard") as standard:
        variables = {**credentials(standard), "TROPIPAY_SERVER": NOWHERE}
        members = json.loads(run("token", "--issuer", standard["url"], "--json", **variables).stdout)
        assert members["expiry_provenance"] == "expires_in_lifetime"
        api = ("--issuer", standard["url"], "--api-base", f"{standard['url']}/api/v3/")
        assert json.loads(run("request", "GET", "users/profile", *api, **variables).stdout)["name"] == "Ana"
        assert_one_line(run("request", "GET", "users/profile", *api[:2], **variables), 2, "--api-base")
        assert_one_line(run("login", "--no-browser", "--resource", "x", *api[:2], **variables), 2, "--api-base")


@pytest.mark.parametrize(
    ("encoding", "authentication", "sent", "named"),
    [
        ("json", "body", b'"client_secret"', b"application/json"),
        ("form", "body", b"client_secret=", b"application/x-www-form-urlencoded"),
        ("form", "basic", b"authorization: basic ", b"application/x-www-form-urlencoded"),
    ],
)
def test_encoding_and_client_auth_change_what_is_sent(encoding: str, authentication: str, sent: bytes, named: bytes) -> None:
    seen: list[bytes] = []
    with serving(issue(seen)) as server:
        words = ("token", "--encoding", encoding, "--client-auth", authentication)
        assert run(*words, **SOMEBODY, TROPIPAY_SERVER=server.url).returncode == 0
    assert sent in seen[0].lower()
    assert named in seen[0].lower()


# -- request -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["users/profile", "/api/v2/users/profile", "{url}/api/v3/users/profile"])
def test_a_request_writes_the_answer(told: dict[str, str], path: str) -> None:
    done = run("request", "get", path.replace("{url}", told["url"]), **credentials(told))
    assert (done.returncode, done.stderr, json.loads(done.stdout)["surname"]) == (0, "", "Prueba")


def test_a_token_goes_to_no_other_place(told: dict[str, str]) -> None:
    with serving(Visit.wait_for_close) as elsewhere:
        assert_one_line(run("request", "GET", f"{elsewhere.url}/x", **credentials(told)), 2, "only to the provider's API")
        assert elsewhere.visits == []


def test_data_is_sent_as_it_was_written() -> None:
    seen: list[bytes] = []

    def script(visit: Visit) -> None:
        while request := visit.request():
            seen.append(request)
            visit.send(token_reply("opaque") if b"access/token" in request else reply(b"\xff\x00"))

    with serving(script) as server:
        words = ("request", "POST", "paymentcards", "--data", '{"amount": 1.10, "big": 12345678901234567890123}')
        done = subprocess.run(
            [*COMMAND, *words],
            env=environment(**SOMEBODY, TROPIPAY_SERVER=server.url),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\xff\x00\n", b"")
    assert seen[1].endswith(b'\r\n\r\n{"amount": 1.10, "big": 12345678901234567890123}')
    assert b"content-type: application/json" in seen[1].lower()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["GET", "nonsense"], "404"),
        (["POST", "paymentcards", "--data", "{}"], "422"),
        (["GET", "users/balance", "--scope", "ALLOW_GET_PROFILE_DATA"], "403"),
    ],
)
def test_a_failed_request_shows_the_answer_and_one_line(told: dict[str, str], words: list[str], part: str) -> None:
    done = run("request", *words, **credentials(told))
    assert_one_line(done, 1, part)
    assert "error" in json.loads(done.stdout)


@pytest.mark.parametrize(("status", "part"), [(401, "belong together"), (302, "redirect"), (429, "later"), (503, "later")])
def test_the_line_says_what_to_do_about_a_status(status: int, part: str) -> None:
    numbers = itertools.count()

    def script(visit: Visit) -> None:
        while head := visit.request():
            token = token_reply(f"opaque{next(numbers)}")
            visit.send(token if head.startswith(b"POST") else reply(b"", "Location: /there", status=f"{status} So"))

    with serving(script) as server:
        done = run("request", "GET", "users/profile", **SOMEBODY, TROPIPAY_SERVER=server.url)
    assert_one_line(done, 1, str(status), part)
    assert done.stdout == ""


# -- sandbox -------------------------------------------------------------------------------------------------------

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask_for_token(told: dict[str, str]) -> Any:
    form = f"grant_type=client_credentials&client_id={told['client_id']}&client_secret={told['client_secret']}"
    return json.loads(fetch(told["token_endpoint"], "POST", form, FORM).body)


def test_the_first_line_says_all_that_a_client_needs(told: dict[str, str]) -> None:
    names = ["url", "token_endpoint", "authorization_endpoint", "client_id", "client_secret", "redirect_uri"]
    assert list(told) == names
    given = ask_for_token(told)
    profile = fetch(f"{told['url']}/api/v3/users/profile", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert json.loads(profile.body)["name"] == "Ana"
    query = f"?response_type=code&client_id={told['client_id']}&redirect_uri={told['redirect_uri']}&code_challenge={'a' * 43}"
    assert "Sandbox Shop" in fetch(f"{told['authorization_endpoint']}{query}&code_challenge_method=S256").body


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("form", ["json", "urlencoded", "basic"])
def test_plain_curl_gets_a_token_and_the_profile(told: dict[str, str], form: str) -> None:
    client_id, secret = told["client_id"], told["client_secret"]
    members = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    words = {
        "json": ["-H", "Content-Type: application/json", "-d", json.dumps(members)],
        "urlencoded": [word for name, value in members.items() for word in ("--data-urlencode", f"{name}={value}")],
        "basic": ["-u", f"{client_id}:{secret}", "-d", "grant_type=client_credentials"],
    }[form]

    def curl(*more: str) -> Any:
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", *more], capture_output=True, encoding="utf-8", timeout=PATIENCE, check=True
        )
        return json.loads(done.stdout)

    token = curl(*words, told["token_endpoint"])["access_token"]
    assert curl("-H", f"Authorization: Bearer {token}", f"{told['url']}/api/v2/users/profile")["name"] == "Ana"


def test_behaviours_may_be_repeated_and_take_effect() -> None:
    with sandbox("expires_in=lifetime", "lifetime=60", "token_format=opaque") as other:
        given = ask_for_token(other)
        assert given["expires_in"] == 60
        assert not JWT.search(given["access_token"])


def test_behaviour_help_lists_every_choice() -> None:
    done = run("sandbox", "--behaviour", "help")
    assert (done.returncode, done.stderr) == (0, "")
    for option in Behaviour.describe():
        assert f"{option.name}={option.default}\n    {option.meaning}\n    {option.values}\n" in done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_sandbox_listens_where_it_is_told(host: str) -> None:
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback address")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with started("sandbox", "--json", "--host", host, "--port", str(port)) as process:
        told = json.loads(lines(process, "stdout", 1)[0])
        assert told["url"] == f"http://{f'[{host}]' if ':' in host else host}:{port}"
        assert ask_for_token(told)["token_type"] == "Bearer"


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_the_lines_for_people_can_be_pasted_into_a_shell() -> None:
    with started("sandbox") as process:
        text = "\n".join(lines(process, "stdout", 9))
        variables = dict(pair.split("=", 1) for pair in re.findall(r"TROPIPAY_\w+=\S+", text))
        assert set(variables) == {"TROPIPAY_SERVER", "TROPIPAY_CLIENT_ID", "TROPIPAY_CLIENT_SECRET"}
        assert run("request", "GET", "users/profile", **variables).returncode == 0


# -- diagram, replay -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["client-credentials", "authorization-code", "refresh-token", "session"])
def test_each_machine_can_be_drawn(machine: str) -> None:
    mermaid, svg = run("diagram", machine), run("diagram", machine, "--format", "svg")
    assert mermaid.stdout.startswith("stateDiagram-v2\n")
    assert svg.stdout.startswith("<svg")
    assert svg.stdout.rstrip().endswith("</svg>")
    assert mermaid.stdout.endswith("\n") and not mermaid.stdout.endswith("\n\n")
    assert mermaid.stderr + svg.stderr == ""


def test_the_session_is_drawn_when_nothing_else_is_asked_for() -> None:
    assert run("diagram").stdout == run("diagram", "session", "--format", "mermaid").stdout


def recorded(limit: int = 100) -> str:
    """The transcript of a client-credentials grant."""
    made = Sandbox(entropy=Entropy(bytes(32)), origin="https://tropipay.example")
    grant = ClientCredentialsGrant(
        provider=Provider.for_server("https://tropipay.example"),
        credential=Credential(client_id=made.client_id, client_secret=made.client_secret),
        scope="ALLOW_GET_BALANCE",
    )
    recorder = Recorder(grant, limit=limit)
    effect = recorder.handle(AccessRequested(now=1000.0)).effects[0]
    assert isinstance(effect, SendRequest)
    response = made.handle(effect.request, 1000.0)
    recorder.handle(ResponseReceived(exchange=effect.exchange, response=response, now=1001.0))
    return recorder.transcript().to_json()


def test_a_transcript_is_replayed_and_compared(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(recorded(), encoding="utf-8")
    done = run("replay", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line.split() for line in done.stdout.splitlines()]
    assert shown[0] == ["AccessRequested", "Requesting", "AuthorizationRequested", "GrantReceived"]
    assert shown[1][:3] == ["ResponseReceived", "Active", "TokenIssued"]
    assert done.stdout.endswith("The run was the same, byte for byte.\n")


def test_a_recording_that_ended_early_says_so(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(recorded(limit=1), encoding="utf-8")
    assert "not recorded to its end: there were more than 1 facts" in run("replay", str(file)).stdout


@pytest.mark.parametrize(("old", "new"), [("1001.0", "1000000000.0"), ('"Active"', '"Failed"')])
def test_a_transcript_that_was_changed_fails(tmp_path: Path, old: str, new: str) -> None:
    file, text = tmp_path / "run.json", recorded()
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert_one_line(run("replay", str(file)), 1, "the replay differs at step 2")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_transcript_is_a_wrong_call(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(content)
    assert_one_line(run("replay", str(file)), 2, "record" if content != b"\xff" else "cannot read")
