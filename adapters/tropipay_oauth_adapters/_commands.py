"""What each command of the command line does. A command gets its parsed options and returns its exit status.

What belongs here: from options to output. What does not: parsing and error messages (`cli`), the sign-in (`_login`).
"""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NoReturn

from tropipay_oauth.errors import ConfigurationError, TropiPayOAuthError

if TYPE_CHECKING:
    from tropipay_oauth.sandbox import Sandbox

    from .sync import TropiPayClient

_MAX_TRANSCRIPT = 1 << 26  # as Transcript.from_json takes it


def write(text: str) -> None:
    """A line of output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(members: object) -> None:
    """One JSON document, on one line."""
    write(json.dumps(members))


def complain(message: str) -> int:
    """One line on stderr; the exit status that belongs to it."""
    sys.stderr.write(f"tropipay-oauth: {' '.join(message.split())}\n")
    return 1


# -- Offline -------------------------------------------------------------------------------------------------------


def demo(options: argparse.Namespace) -> int:
    """Three grants over real sockets against the embedded sandbox."""
    from ._story import Result
    from .demo import run_demo

    if options.json:
        try:
            result = run_demo(options.runtime)
        except Exception:  # whoever reads the document finds one, and the error on stderr
            write_json(Result(runtime=options.runtime).members)
            raise
        write_json(result.members)
    else:
        from ._trace import show

        result = run_demo(options.runtime)
        show(result)
    return 0 if result.ok else complain(result.problem)


def sandbox(options: argparse.Namespace) -> int:
    """Serve the sandbox until interrupted or terminated."""
    import os

    from tropipay_oauth import Entropy
    from tropipay_oauth.sandbox import Behaviour, Sandbox

    if "help" in options.behaviour:
        for option in Behaviour.describe():
            write(f"{option.name}={option.default}\n    {option.meaning}\n    {option.values}")
        return 0
    made = Sandbox(entropy=Entropy(os.urandom(32)), behaviour=Behaviour.parse(options.behaviour))
    return _serve(made, options)


def _serve(made: "Sandbox", options: argparse.Namespace) -> int:
    from .serve import serve_in_thread

    wait = _end_of_service()
    with ExitStack() as stack:
        try:
            server = stack.enter_context(serve_in_thread(made.answer, host=options.host, port=options.port))
        except OSError as error:
            place = f"{options.host} port {options.port}"
            raise ConfigurationError(
                f"cannot listen on {place} ({error.strerror or error}): choose another port, or 0 for a free one"
            ) from None
        made.move_to(server.url)
        _announce(made, options)
        return wait()


def _end_of_service() -> Callable[[], int]:
    """A function that waits for a signal and returns the exit status. No exception has to cross the server for it."""
    import signal
    from queue import SimpleQueue

    statuses: SimpleQueue[int] = SimpleQueue()  # its put() is reentrant, as a signal handler needs it
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: statuses.put(128 + signal.SIGINT))
    signal.signal(signal.SIGTERM, lambda *_: statuses.put(0))
    return statuses.get


def _announce(made: "Sandbox", options: argparse.Namespace) -> None:
    from tropipay_oauth import Provider

    provider = Provider.for_server(made.origin, allow_localhost=True)
    secret = made.client_secret.reveal()
    members = {
        "url": made.origin,
        "token_endpoint": provider.token_endpoint,
        "authorization_endpoint": provider.authorization_endpoint,
        "client_id": made.client_id,
        "client_secret": secret,
        "redirect_uri": made.redirect_uri,
    }
    if options.json:
        return write_json(members)
    lines = [f"{name:24}{value}" for name, value in members.items()]
    lines += ["", f"export TROPIPAY_SERVER={made.origin} TROPIPAY_CLIENT_ID={made.client_id}"]
    lines += [f"export TROPIPAY_CLIENT_SECRET={secret}", "", "Any port of the redirect URI will do. Ctrl-C ends it."]
    return write("\n".join(lines))


def show_diagram(options: argparse.Namespace) -> int:
    """Draw a machine from its table."""
    from tropipay_oauth.diagram import diagram

    write(diagram(options.machine, options.format).rstrip("\n"))
    return 0


def replay(options: argparse.Namespace) -> int:
    """Run a recorded transcript again and compare."""
    from tropipay_oauth.transcript import Transcript

    transcript = Transcript.from_json(_read(options.transcript))
    with suppress(TropiPayOAuthError):  # check() tells it better
        for fact, step in transcript.replay():
            events = " ".join(type(event).__name__ for event in step.events)
            write(f"{type(fact).__name__:24}{type(step.state).__name__:20}{events}".rstrip())
    transcript.check()
    write("The run was the same, byte for byte.")
    if transcript.gap is not None:
        write(f"It was not recorded to its end: {transcript.gap}.")
    return 0


def _read(name: str) -> str:
    try:
        with open(name, encoding="utf-8") as file:  # noqa: PTH123  # the name may be that of an endless device: read a part
            return file.read(_MAX_TRANSCRIPT + 1)
    except (OSError, ValueError):
        raise ConfigurationError(f"cannot read {name}: name a file that Transcript.to_json() wrote") from None


# -- With a server -------------------------------------------------------------------------------------------------


def _make_client(options: argparse.Namespace, *, calls_api: bool = False) -> "TropiPayClient":
    from ._settings import check_api, credential_of, provider_of, scope_of
    from .sync import TropiPayClient

    provider = provider_of(options)
    if calls_api:
        check_api(provider)
    return TropiPayClient(provider, credential_of(provider), scope=scope_of(options))


def token(options: argparse.Namespace) -> int:
    """Get a token with client credentials."""
    from ._shown import show_token

    with _make_client(options) as client:
        got = client.token()
    show_token(got, options)
    return 0


def request(options: argparse.Namespace) -> int:
    """Call the API with a token."""
    body = b"" if options.data is None else _checked_json(options.data)
    headers = {"Content-Type": "application/json"} if body else {}
    with _make_client(options, calls_api=True) as client:
        response = client.request(options.method, options.path, headers=headers, body=body)
    sys.stdout.buffer.write(bytes(response.body))
    if response.body and not response.body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()
    return 0 if response.status < 300 else complain(f"the API answered {response.status}: {_advice(response.status)}")


def _checked_json(text: str) -> bytes:
    """The text as it is: an amount keeps every digit that was written."""
    try:
        json.loads(text, parse_constant=_refuse)
        return text.encode()
    except (ValueError, RecursionError):
        raise ConfigurationError("--data is JSON: write it like '{\"amount\": 1}'") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _advice(status: int) -> str:
    match status:
        case 401:
            return "it does not take the token; check that credential and server belong together"
        case 403:
            return "the token may not do this; ask for the scope that it needs with --scope"
        case 404 | 405:
            return "check method and path"
        case _ if status < 400:
            return "a token follows no redirect; check the path"
        case _ if status == 429 or status >= 500:
            return "try again later"
        case _:
            return "read its answer on stdout and change the request"


def login(options: argparse.Namespace) -> int:
    """Log a user in with the browser, and read a protected resource."""
    from ._login import sign_in

    return sign_in(options)
