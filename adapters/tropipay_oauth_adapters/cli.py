"""`tropipay-oauth`: a token from the command line, the sandbox, the demo, the diagrams.

What belongs here: which commands and options there are, and how an error is told: one line, what went wrong and what to
do, exit status 2 for a wrong call, 1 for a refused grant or a failed request. What does not: what a command does
(`_commands`, imported when it runs).
"""

import argparse
import io
import math
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

_MACHINES = ("client-credentials", "authorization-code", "refresh-token", "session")
_ENVIRONMENT = (
    "The credential comes from TROPIPAY_CLIENT_ID and TROPIPAY_CLIENT_SECRET, the server from TROPIPAY_SERVER (a URL) or "
    "TROPIPAY_ENV (sandbox or production; sandbox by default), the scope from TROPIPAY_SCOPE."
)
_OWN_PAGES = ("/done", "/failed", "/ignored")
_INTERRUPTED, _NOBODY_READS = 130, 141  # 128 + the number of the signal, as shells say it


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SystemExit(_tell(f"{message}; see {self.prog} --help", 2))


_Commands = argparse._SubParsersAction  # the type that add_subparsers returns has no public name


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(prog="tropipay-oauth", description="TropiPay's OAuth 2 from the command line.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_sandbox(commands)
    _add_online(commands)
    _add_machines(commands)
    return parser


def _command(commands: "_Commands[_Parser]", name: str, action: str, text: str, more: str = "") -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}. {more}", allow_abbrev=False)
    parser.set_defaults(action=action)
    return parser


def _add_demo(commands: "_Commands[_Parser]") -> None:
    demo = _command(commands, "demo", "demo", "show the three grants, offline, against an embedded sandbox")
    demo.add_argument("--runtime", choices=("sync", "asyncio", "trio"), default="sync")
    demo.add_argument("--json", action="store_true", help="one JSON document")


def _add_sandbox(commands: "_Commands[_Parser]") -> None:
    sandbox = _command(commands, "sandbox", "sandbox", "serve a TropiPay of your own on a loopback port until interrupted")
    sandbox.add_argument("--host", choices=("127.0.0.1", "::1", "localhost"), default="127.0.0.1")
    sandbox.add_argument("--port", type=_port, default=0, help="0 takes a free one")
    sandbox.add_argument(
        "--behaviour", metavar="NAME=VALUE", action="append", default=[], help="may be repeated; 'help' lists them"
    )
    sandbox.add_argument("--json", action="store_true", help="one JSON document in the first line")


def _add_machines(commands: "_Commands[_Parser]") -> None:
    diagram = _command(commands, "diagram", "show_diagram", "draw a machine from its table")
    diagram.add_argument("machine", nargs="?", choices=_MACHINES, default="session")
    diagram.add_argument("--format", choices=("mermaid", "svg"), default="mermaid")
    replay = _command(commands, "replay", "replay", "run a recorded transcript again and compare")
    replay.add_argument("transcript", metavar="TRANSCRIPT", help="a file with what Transcript.to_json() gave")


def _add_online(commands: "_Commands[_Parser]") -> None:
    token = _command(commands, "token", "token", "get a token with client credentials", _ENVIRONMENT)
    _add_output(token)
    request = _command(commands, "request", "request", "call the API with a token", _ENVIRONMENT)
    request.add_argument("method", metavar="METHOD", type=str.upper)
    request.add_argument("path", metavar="PATH", help="below the API, like users/profile, or a whole URL of the API")
    request.add_argument("--data", metavar="JSON", help="the body, sent as it is written")
    login = _command(commands, "login", "login", "log a user in with the browser", _ENVIRONMENT)
    login.add_argument("--no-browser", action="store_true", help="print the URL only")
    login.add_argument("--port", type=_port, default=0, help="of the loopback redirect URI; 0 takes a free one")
    login.add_argument("--path", type=_path, default="/callback", help="of the loopback redirect URI")
    login.add_argument("--timeout", type=_seconds, default=600.0, metavar="SECONDS", help="that the user may take")
    login.add_argument("--resource", metavar="PATH", help="what to read once signed in (TropiPay: users/profile)")
    _add_output(login)
    for parser in (token, request, login):
        _add_settings(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument("--header", action="store_true", help="the Authorization header, in clear")
    parser.add_argument("--reveal", action="store_true", help="show secrets in clear")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", help="scopes to ask for, separated by spaces (default: TROPIPAY_SCOPE)")
    parser.add_argument("--issuer", metavar="URL", help="any OAuth server, by its metadata (RFC 8414)")
    parser.add_argument("--api-base", metavar="URL", help="where the API of --issuer is")
    parser.add_argument("--encoding", choices=("json", "form"), help="how token requests are written")
    parser.add_argument("--client-auth", choices=("body", "basic", "none"), help="how the client proves who it is")


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no such time: write a number of seconds up to 86400")
    return seconds


def _path(text: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", text) or text in _OWN_PAGES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no path for it: write one like /callback, but not {' or '.join(_OWN_PAGES)}"
        )
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    with _prompt_interrupt():
        options = build_parser().parse_args(argv)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal of few letters is no reason to fail
        try:
            with _no_noise():
                return _run(options)
        except BrokenPipeError:
            _drop_output()
            return _NOBODY_READS
        except OSError as error:
            _drop_output()
            return _tell(f"cannot write the output ({error.strerror}): write it somewhere else", 1)
        except Exception as error:
            if _debugging():
                raise
            return _tell(f"internal error ({type(error).__name__}): please report it with what TROPIPAY_DEBUG=1 shows", 1)


def _run(options: argparse.Namespace) -> int:
    from importlib import import_module

    from tropipay_oauth.errors import LocalError, TropiPayOAuthError

    try:
        status: int = getattr(import_module("._commands", __package__), options.action)(options)
        return status
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("tropipay_oauth"):
            raise
        return _tell(f"{missing.name} is missing: install it with pip install 'tropipay-oauth[cli]'", 2)
    except TropiPayOAuthError as error:
        wrong_call = isinstance(error, LocalError) and error.code != "replay_differs"
        return _tell(error.message, 2 if wrong_call else 1)


def _tell(message: str, status: int) -> int:
    """One line, whatever is in it: a line break or an escape sequence of somebody else's would say more than we do."""
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(message.split()))
    sys.stderr.write(f"tropipay-oauth: {line}\n")
    return status


def _debugging() -> bool:
    return os.environ.get("TROPIPAY_DEBUG") == "1"


def _drop_output() -> None:
    """What could not be written must not be tried again, and complained of, when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _prompt_interrupt() -> Iterator[None]:
    """Ctrl-C ends the process at once: nothing here outlives it, so there is nothing to wait for and nobody to tell."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored, or somebody else's
    if usual:
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    try:
        yield
    finally:
        if usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _no_noise() -> Iterator[None]:
    """Warnings in one line; no log records and tracebacks of threads beside the error, which reaches the caller anyway."""
    import logging
    import threading
    import warnings

    handler: logging.Handler = logging.StreamHandler() if _debugging() else logging.NullHandler()
    logging.getLogger().addHandler(handler)
    usual = threading.excepthook
    threading.excepthook = usual if _debugging() else lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    finally:
        threading.excepthook = usual
        logging.getLogger().removeHandler(handler)


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: object = None, line: str | None = None
) -> None:
    _tell(f"note: {message}", 0)


if __name__ == "__main__":
    raise SystemExit(main())
