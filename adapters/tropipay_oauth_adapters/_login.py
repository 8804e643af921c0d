"""`tropipay-oauth login`: the authorization-code flow with the user's own browser and a port of this machine (RFC 8252).

What belongs here: the order of things and what the user is told. What does not: the port (`loopback`), and whether a
callback is the right one (the engine).
"""

import argparse
import sys
import webbrowser
from contextlib import suppress

from tropipay_oauth import GrantType, Secret, Token
from tropipay_oauth.errors import CallbackError, StateExpired

from ._commands import complain, write
from ._settings import check_api, credential_of, provider_of, scope_of
from ._shown import show_token
from .loopback import LOOPBACK, ThreadedListener, listen_in_thread
from .sync import TropiPayClient

_TROPIPAY_RESOURCE = "users/profile"


class _SignIn:
    """Takes what comes to the port: `client` is None until there is one to ask."""

    def __init__(self) -> None:
        self.client: TropiPayClient | None = None
        self.ignored: str | None = None

    def decide(self, url: Secret) -> Token | None:
        """The token, or None for a hit that is none of ours: the real one may still come (RFC 8252 §8.9)."""
        if self.client is None:
            return None
        try:
            return self.client.finish(url)
        except StateExpired:
            raise
        except CallbackError as error:
            self.ignored = error.message
            return None


def sign_in(options: argparse.Namespace) -> int:
    """Log a user in; returns the exit status."""
    provider = provider_of(options)
    credential = credential_of(provider)
    if not options.issuer and options.resource is None:
        options.resource = _TROPIPAY_RESOURCE
    if options.resource is not None:
        check_api(provider)  # better now than after the user has signed in
    flow = _SignIn()
    hosts = LOOPBACK[:1] if options.port else LOOPBACK  # a fixed port is registered with its address
    listening = listen_in_thread(flow.decide, path=options.path, port=options.port, timeout=options.timeout, hosts=hosts)
    with (
        listening as listener,
        TropiPayClient(
            provider,
            credential,
            scope=scope_of(options),
            renewal=GrantType.REFRESH_TOKEN,
            redirect_uri=listener.redirect_uri,
        ) as client,
    ):
        start = client.authorize()
        flow.client = client
        _send_away(start.url, options)
        token = _wait(listener, flow)
        status = None if options.resource is None else client.request("GET", options.resource).status
    return _report(token, status, options)


def _send_away(url: str, options: argparse.Namespace) -> None:
    out = sys.stderr if options.json or options.header else sys.stdout
    out.write(f"Open this page to sign in:\n{url}\n")
    out.flush()
    if not options.no_browser:
        with suppress(OSError, webbrowser.Error):  # the URL is there to be copied
            webbrowser.open(url)


def _wait(listener: ThreadedListener[Token], flow: _SignIn) -> Token:
    try:
        return listener.wait()
    except StateExpired as error:
        if flow.ignored is None:
            raise
        raise StateExpired(f"{error.message} (a callback was ignored: {flow.ignored})") from None


def _report(token: Token, status: int | None, options: argparse.Namespace) -> int:
    good = status is None or status < 300
    more = {"ok": good, "resource_status": status} if options.json else {}
    show_token(token, options, **more)
    if not good:
        return complain(f"signed in, but {options.resource} answered {status}: check --resource and --scope")
    if status is not None and not (options.json or options.header):
        write(f"Signed in: GET {options.resource} answered {status}.")
    return 0
