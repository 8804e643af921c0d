"""How tokens are shown to people and to programs: masked, unless somebody asks for them in clear.

What belongs here: texts and JSON members for values of the engine. What does not: where they are written.
"""

import argparse
from datetime import UTC, datetime
from typing import Any

from tropipay_oauth import Expiry, Secret, Token

from ._commands import write, write_json

_SHOWN_CHARACTERS = 4


def masked(secret: Secret | None) -> str | None:
    """Enough of a secret to recognise it, too little to use it."""
    if secret is None:
        return None
    text = secret.reveal()
    return f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)" if len(text) >= 8 * _SHOWN_CHARACTERS else "…"


def when(expiry: Expiry) -> str:
    """When a token ends, and how that is known."""
    if expiry.at is None:
        return "unknown; it is used until the API refuses it"
    try:
        moment = f"{datetime.fromtimestamp(expiry.at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        moment = f"{expiry.at:.0f} (Unix time)"
    return f"{moment}, read from {expiry.source.value}"


def token_members(token: Token, *, reveal: bool) -> dict[str, Any]:
    """A token as JSON members."""

    def shown(secret: Secret | None) -> str | None:
        return secret.reveal() if reveal and secret is not None else masked(secret)

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


def show_token(token: Token, options: argparse.Namespace, **more: Any) -> None:
    """Write the token as `--json`, `--header` and `--reveal` ask for it; `more` are further JSON members."""
    members = token_members(token, reveal=options.reveal)
    if options.header:
        write(f"Authorization: Bearer {token.access_token.reveal()}")
    elif options.json:
        write_json({**members, **more})
    else:
        shown = {**members, "expires": when(token.expiry), "expires_at": None, "expiry_provenance": None, **more}
        write("\n".join(f"{name:18}{value}" for name, value in shown.items() if value))
