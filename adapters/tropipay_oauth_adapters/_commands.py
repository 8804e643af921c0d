"""What each command of the command line does. A command gets its parsed options and returns its exit status.

What belongs here: from options to output. What does not: parsing and error messages (`cli`).
"""

import argparse
import json
import sys
import webbrowser
from pathlib import Path
from typing import Any

from tropipay_oauth import Expiry, GrantType, Secret, Token
from tropipay_oauth.diagram import diagram
from tropipay_oauth.errors import CallbackError, ConfigurationError, StateExpired, StateReplayed
from tropipay_oauth.transcript import Transcript

from ._settings import credential_of, provider_of, scope_of

_SHOWN_CHARACTERS = 4


def write(text: str) -> None:
    """A line of output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(members: object) -> None:
    """One JSON document, on one line."""
    write(json.dumps(members))


def _masked(secret: Secret | None) -> str | None:
    """Enough of a secret to recognise it, too little to use it."""
    if secret is None:
        return None
    text = secret.reveal()
    return f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)" if len(text) >= 8 * _SHOWN_CHARACTERS else "…"


def _token_members(token: Token, *, reveal: bool) -> dict[str, Any]:
    def shown(secret: Secret | None) -> str | None:
        return secret.reveal() if reveal and secret is not None else _masked(secret)

    return {
        "access_token": shown(token.access_token),
        "refresh_token": shown(token.refresh_token),
        "token_type": "Bearer",
        "expires_at": token.expiry.at,
        "expiry_provenance": token.expiry.source.value,
        "scope": str(token.granted),
        "missing_scope": str(token.missing),
        "grant": token.grant_type.value,
    }


def demo(options: argparse.Namespace) -> int:
    """Three grants over real sockets against the embedded sandbox."""
    from .demo import run_demo

    result = run_demo(options.runtime)
    if options.json:
        write_json(result.members)
    else:
        from ._trace import show

        show(result)
    return 0 if result.ok else 1


def sandbox(options: argparse.Namespace) -> int:
    """Serve the sandbox until interrupted."""
    import os

    from tropipay_oauth import Entropy
    from tropipay_oauth.sandbox import Behaviour, Sandbox

    if "help" in options.behaviour:
        for option in Behaviour.describe():
            write(f"{option.name}={option.default}\n    {option.meaning}\n    {option.values}")
        return 0
    from .serve import serve_in_thread

    made = Sandbox(entropy=Entropy(os.urandom(32)), behaviour=Behaviour.parse(options.behaviour))
    with serve_in_thread(made.answer, host=options.host, port=options.port) as server:
        made.move_to(server.url)
        members = {
            "url": server.url,
            "token_endpoint": f"{server.url}/api/v3/access/token",
            "authorization_endpoint": f"{server.url}/api/v2/access/authorize",
            "client_id": made.client_id,
            "client_secret": made.client_secret.reveal(),
            "redirect_uri": made.redirect_uri,
        }
        if options.json:
            write_json(members)
        else:
            write("\n".join(f"{name:24}{value}" for name, value in members.items()))
            write(f"\nexport TROPIPAY_SERVER={server.url} TROPIPAY_CLIENT_ID={made.client_id}")
            write(f"export TROPIPAY_CLIENT_SECRET={made.client_secret.reveal()}\n\nCtrl-C ends it.")
        _wait_for_ever()
    return 0


def _wait_for_ever() -> None:
    import threading

    threading.Event().wait()


def _client(options: argparse.Namespace, **more: Any) -> Any:
    from .sync import TropiPayClient

    return TropiPayClient(provider_of(options), credential_of(), scope=scope_of(options), **more)


def token(options: argparse.Namespace) -> int:
    """Get a token with client credentials."""
    with _client(options) as client:
        got: Token = client.token()
    if options.header:
        write(f"Authorization: Bearer {got.access_token.reveal()}")
    elif options.json:
        write_json(_token_members(got, reveal=options.reveal))
    else:
        write("\n".join(f"{name:20}{value}" for name, value in _token_members(got, reveal=options.reveal).items() if value))
        write(f"{'expires':20}{_when(got.expiry)}")
    return 0


def _when(expiry: Expiry) -> str:
    if expiry.at is None:
        return "unknown: it is used until the API refuses it"
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(expiry.at, UTC):%Y-%m-%d %H:%M:%S} UTC ({expiry.source.value})"


def request(options: argparse.Namespace) -> int:
    """Call the API with a token."""
    body: Any = None
    if options.data is not None:
        try:
            body = json.loads(options.data)
        except ValueError:
            raise ConfigurationError("--data is JSON: write it like '{\"amount\": 1}'") from None
    with _client(options) as client:
        response = client.request(options.method.upper(), options.path, json=body)
    sys.stdout.buffer.write(bytes(response.body))
    if response.body and not response.body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()
    if response.status >= 400:
        sys.stderr.write(f"tropipay-oauth: the API answered {response.status}: read its answer above\n")
    return 0 if response.status < 400 else 1


def login(options: argparse.Namespace) -> int:
    """Log a user in with the browser, and read the user's profile."""
    from .loopback import listen_in_thread

    flow: dict[str, Any] = {}

    def decide(url: Secret) -> Token | None:
        try:
            got: Token = flow["client"].finish(url)
        except (StateExpired, StateReplayed):
            raise
        except CallbackError:  # somebody else's hit on this port: the real one may still come
            return None
        return got

    with listen_in_thread(decide, path=options.path, port=options.port, timeout=options.timeout) as listener:
        with _client(options, renewal=GrantType.REFRESH_TOKEN, redirect_uri=listener.redirect_uri) as client:
            flow["client"] = client
            start = client.authorize()
            _send_away(start.url, options)
            got = listener.wait()
            profile = client.request("GET", options.resource)
    members = {"ok": profile.status < 400, **_token_members(got, reveal=False), "resource_status": profile.status}
    if options.json:
        write_json(members)
    else:
        write(f"Signed in. The token {_masked(got.access_token)} ends {_when(got.expiry)}.")
        write(f"GET {options.resource} answered {profile.status}.")
    return 0 if profile.status < 400 else 1


def _send_away(url: str, options: argparse.Namespace) -> None:
    out = sys.stderr if options.json else sys.stdout
    out.write(f"Open this page to sign in:\n{url}\n")
    out.flush()
    if not options.no_browser:
        webbrowser.open(url)


def show_diagram(options: argparse.Namespace) -> int:
    """Draw a machine from its table."""
    write(diagram(options.machine, options.format))
    return 0


def replay(options: argparse.Namespace) -> int:
    """Run a recorded transcript again and compare."""
    try:
        text = Path(options.transcript).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"cannot read {options.transcript}: name a file that Transcript.to_json() wrote") from None
    transcript = Transcript.from_json(text)
    for fact, step in transcript.replay():
        write(f"{type(fact).__name__:24}{type(step.state).__name__:20}{' '.join(type(e).__name__ for e in step.events)}".rstrip())
    transcript.check()
    write("The run was the same, byte for byte.")
    return 0
