"""The README says what is so: every Python block runs, every diagram is the one of the tables."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tropipay_oauth import Entropy, Provider
from tropipay_oauth.diagram import diagram
from tropipay_oauth.sandbox import Sandbox
from tropipay_oauth_adapters.serve import serve_in_thread

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^## ([^\n]+)\n|^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Each Python block with the heading that it stands under."""
    found, heading = [], ""
    for title, code in BLOCKS:
        heading = title or heading
        if code:
            found.append((heading, code))
    return found


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox on a loopback port, named by the variables that the README tells to export."""
    made = Sandbox(
        entropy=Entropy(bytes(32)), redirect_uris=("http://127.0.0.1/callback", "https://shop.example/tropipay/callback")
    )
    with serve_in_thread(made.answer) as server:
        made.move_to(server.url)
        monkeypatch.setenv("TROPIPAY_SERVER", server.url)
        monkeypatch.setenv("TROPIPAY_CLIENT_ID", made.client_id)
        monkeypatch.setenv("TROPIPAY_CLIENT_SECRET", made.client_secret.reveal())
        yield made


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # that is what is tested
    return names


def block(heading: str) -> str:
    return "\n".join(code for title, code in blocks() if title == heading)


@pytest.mark.parametrize("code", [code for _, code in blocks()], ids=[title for title, _ in blocks()])
def test_every_block_runs(code: str, sandbox: Sandbox) -> None:
    run(code)


def test_the_first_example_prints_the_profile(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks()[0][1])
    assert capsys.readouterr().out.startswith("200 {")


def test_the_same_example_runs_on_trio(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        blocks()[1][1]
        .replace("adapters.asyncio", "adapters.trio")
        .replace("asyncio", "trio")
        .replace(".run(main())", ".run(main)")
    )
    run(code)
    assert capsys.readouterr().out == "200\n"


def test_the_web_example_logs_a_user_in(sandbox: Sandbox) -> None:
    import time

    names, cookies = run(block("I log a user in from my web app")), dict[str, str]()
    url = names["begin"]("ana", cookies)
    assert cookies["tropipay"] not in url
    names["callback"]("ana", cookies, sandbox.approve(url, time.time()))
    assert cookies == {}
    assert b'"' in names["profile"]("ana")


def test_the_transport_example_carries_a_client(sandbox: Sandbox) -> None:
    from tropipay_oauth import Credential
    from tropipay_oauth_adapters.sync import TropiPayClient

    transport = run(block("I write a transport"))["StdlibTransport"]()
    credential = Credential(client_id=sandbox.client_id, client_secret=sandbox.client_secret)
    provider = Provider.for_server(os.environ["TROPIPAY_SERVER"])
    with TropiPayClient(provider, credential, transport=transport) as client:
        assert client.request("GET", "users/profile").status == 200


def test_the_embedding_example_ends_live(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    run(block("I embed the engine in another framework"))
    assert capsys.readouterr().out.endswith("expires_in_absolute_seconds Live\n")
    assert sandbox.token_requests == 1


@pytest.mark.parametrize("name", ["client-credentials", "authorization-code", "refresh-token"])
def test_the_diagrams_are_those_of_the_tables(name: str) -> None:
    """To renew them: `tropipay-oauth diagram NAME`."""
    shown = re.search(rf"<!-- diagram: {name} -->\n```mermaid\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    assert shown[1].strip() == diagram(name).strip()


def test_the_commands_are_each_one_line_and_the_ones_that_ci_runs() -> None:
    commands = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert [command.count("\n") for command in commands[:2]] == [1, 1]
    assert "tropipay-oauth demo" in commands[0]
    assert "python -m pytest" in commands[1]
    assert "-m pytest" in (Path(__file__).parents[1] / ".ci" / "run").read_text(encoding="utf-8")
