"""The demo for people: the steps A to H as TropiPay's integration page draws them."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tropipay_oauth.events import (
    AuthorizationRequested,
    Event,
    ExpiryInterpreted,
    GrantFailed,
    GrantReceived,
    ResourceReceived,
    RetryScheduled,
    TokenExpired,
    TokenIssued,
    TokenPresented,
    TokenRefreshed,
)

from ._shown import when
from ._story import LETTERS, Result

_TITLES = {
    "client_credentials": "Client credentials: external app to TropiPay",
    "authorization_code": "Authorization code with PKCE: external app to a TropiPay user",
    "refresh_token": "Refresh token: the machine driven by hand",
}
_LEGEND = "A asks for an authorization, B C present the grant, D brings the token; E presents it, F answers; G H renew it."


def show(result: Result) -> None:
    """Print the stories."""
    console = Console(highlight=False)
    console.print(Text(f"{_LEGEND}\n"))
    for story in result.stories:
        table = Table(title=Text(_TITLES[story.grant.value], style="bold"), title_justify="left", box=None, pad_edge=False)
        for name in ("step", "event", "what happened"):
            table.add_column(name, style="" if name == "what happened" else "cyan", no_wrap=name != "what happened")
        for event in story.steps:
            table.add_row(LETTERS.get(event.step, ""), event.step, Text(_say(event)))
        console.print(table)
        for what in story.survived:
            console.print(Text(f"survived: {what}", style="green"))
        console.print()
    verdict = "All of it happened" if result.ok else "Something is missing"
    console.print(Text(f"{verdict}, on {result.runtime}, with {result.token_requests} token requests.", style="bold"))


def _say(event: Event) -> str:
    match event:
        case AuthorizationRequested(grant_type=grant, scope=scope):
            return f"{grant.value} for {scope or 'no scope in particular'}"
        case GrantReceived(grant_type=grant):
            return f"the grant ({grant.value}) goes to the token endpoint"
        case TokenIssued(scope=scope) | TokenRefreshed(scope=scope):
            return f"an access token for {scope}"
        case ExpiryInterpreted(expiry=expiry):
            return f"it ends {when(expiry)}" if expiry.at else "its end is unknown"
        case TokenPresented(origin=origin):
            return f"the access token goes to {origin}"
        case ResourceReceived(status=status):
            return f"the API answers {status}"
        case TokenExpired(reason=reason):
            return "the clock ended the token" if reason.value == "clock" else "the API refused the token"
        case GrantFailed(error=error):
            return f"no token: {error}"
        case RetryScheduled(failures=failures):
            return f"attempt {failures + 1} follows after a pause"
        case _:
            return type(event).__name__
