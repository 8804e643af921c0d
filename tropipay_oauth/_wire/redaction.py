"""Text of a server that may echo our own secrets: they are taken out before it is shown or logged."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

from .._values.secret import Secret

_MASK = "(hidden)"
_MIN_LENGTH = 4


def redacted(text: str | None, secrets: tuple[Secret, ...]) -> str | None:
    """`text` without any of the secrets, as they are, percent-encoded, base64-encoded or escaped as JSON."""
    if text is None:
        return None
    for secret in secrets:
        for form in _forms(secret.reveal()):
            if len(form) >= _MIN_LENGTH:
                text = text.replace(form, _MASK)
    return text


def _forms(value: str) -> list[str]:
    raw = value.encode("utf-8", "surrogatepass")
    forms = {value, quote(raw, safe=""), quote(raw), quote_plus(raw), json.dumps(value)[1:-1]}
    forms |= {encode(raw).decode("ascii").rstrip("=") for encode in (b64encode, urlsafe_b64encode)}
    return sorted(forms, key=len, reverse=True)
