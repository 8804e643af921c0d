"""`tropipay-oauth`: a token from the command line, the sandbox, the demo, the diagrams.

What belongs here: which commands and options there are, and how an error is told: one line, what went wrong and what to
do, exit status 2 for a wrong call, 1 for a refused grant or a failed request. What does not: what a command does
(`_commands`, imported when it runs).
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

_MACHINES = ("client-credentials", "authorization-code", "refresh-token", "session")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(prog="tropipay-oauth", description="TropiPay's OAuth 2 from the command line.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_offline(commands)
    _add_online(commands)
    return parser


def _command(commands: "argparse._SubParsersAction[_Parser]", name: str, action: str, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.set_defaults(action=action)
    return parser


def _add_offline(commands: "argparse._SubParsersAction[_Parser]") -> None:
    demo = _command(commands, "demo", "demo", "show the three grants against an embedded sandbox")
    demo.add_argument("--runtime", choices=("sync", "asyncio", "trio"), default="sync")
    demo.add_argument("--json", action="store_true", help="one JSON document")
    sandbox = _command(commands, "sandbox", "sandbox", "serve a TropiPay of your own on a loopback port")
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=0)
    sandbox.add_argument("--behaviour", metavar="NAME=VALUE", action="append", default=[], help="'help' lists them")
    sandbox.add_argument("--json", action="store_true", help="one JSON document in the first line")
    diagram = _command(commands, "diagram", "show_diagram", "draw a machine from its table")
    diagram.add_argument("machine", nargs="?", choices=_MACHINES, default="session")
    diagram.add_argument("--format", choices=("mermaid", "svg"), default="mermaid")
    replay = _command(commands, "replay", "replay", "run a recorded transcript again and compare")
    replay.add_argument("transcript", metavar="TRANSCRIPT")


def _add_online(commands: "argparse._SubParsersAction[_Parser]") -> None:
    about = "credentials come from TROPIPAY_CLIENT_ID and TROPIPAY_CLIENT_SECRET, the server from TROPIPAY_ENV or TROPIPAY_SERVER"
    token = _command(commands, "token", "token", f"get a token with client credentials; {about}")
    token.add_argument("--json", action="store_true", help="one JSON document")
    token.add_argument("--header", action="store_true", help="the Authorization header, in clear")
    token.add_argument("--reveal", action="store_true", help="show secrets in clear")
    request = _command(commands, "request", "request", f"call the API; {about}")
    request.add_argument("method", metavar="METHOD")
    request.add_argument("path", metavar="PATH", help="below the API, like users/profile, or a whole URL of the API")
    request.add_argument("--data", metavar="JSON")
    login = _command(commands, "login", "login", f"log a user in with the browser; {about}")
    login.add_argument("--no-browser", action="store_true", help="print the URL only")
    login.add_argument("--port", type=int, default=0, help="of the loopback redirect URI; 0 takes a free one")
    login.add_argument("--path", default="/callback", help="of the loopback redirect URI")
    login.add_argument("--timeout", type=float, default=600.0, help="seconds that the user may take")
    login.add_argument("--resource", default="users/profile", help="what to read once signed in")
    login.add_argument("--json", action="store_true", help="one JSON document")
    for parser in (token, request, login):
        _add_settings(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", help="scopes to ask for, separated by spaces (default: TROPIPAY_SCOPE)")
    parser.add_argument("--issuer", metavar="URL", help="any OAuth server, by its metadata (RFC 8414)")
    parser.add_argument("--api-base", metavar="URL", help="where the API of --issuer is")
    parser.add_argument("--encoding", choices=("json", "form"), help="how token requests are written")
    parser.add_argument("--client-auth", choices=("body", "basic", "none"), help="how the client proves who it is")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = build_parser().parse_args(argv)
    from tropipay_oauth.errors import LocalError, TropiPayOAuthError

    try:
        status: int = getattr(import_module("._commands", __package__), options.action)(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more; the interpreter would complain at exit
        return 141
    except ModuleNotFoundError as missing:
        return _tell(f"{missing.name} is missing: install it with pip install 'tropipay-oauth[cli]'", 2)
    except TropiPayOAuthError as error:
        return _tell(str(error), 2 if isinstance(error, LocalError) else 1)
    except OSError as error:
        return _tell(f"{error.strerror or 'the system refused'}: choose another host or port", 2)
    return status


def _tell(message: str, status: int) -> int:
    sys.stderr.write(f"tropipay-oauth: {' '.join(message.split())}\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
