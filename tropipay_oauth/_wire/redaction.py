"""Text from a server as it may reach an error: what the server echoes of our secrets is hidden.

What belongs here: finding a secret in the ways in which servers write it. What does not: escaping (`printable`).
"""

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from .._values.secret import Secret

HIDDEN = "(hidden)"
_RUN = 8
_HEAD = 2048  # an error shows far less of a text than this


def conceal(text: str, secrets: Iterable[Secret]) -> str:
    """The beginning of `text` with `(hidden)` where it holds a secret, or a run of 8 characters of one.

    A secret is found as it is, percent-encoded, JSON-escaped, and in Base64 at each of its three alignments. This comes
    before any truncation: a secret cut in two would not be found.
    """
    head = text[:_HEAD]
    hidden = bytearray(len(head))
    for form in {form for secret in secrets for form in _forms(secret.reveal())}:
        _mark(head, form, hidden)
    return _replace(head, hidden)


def _mark(text: str, form: str, hidden: bytearray) -> None:
    size = min(len(form), _RUN)
    runs = {form[start : start + size] for start in range(len(form) - size + 1)}
    for start in range(len(text) - size + 1):
        if text[start : start + size] in runs:
            hidden[start : start + size] = b"\x01" * size


def _replace(text: str, hidden: bytearray) -> str:
    pieces = []
    for position, character in enumerate(text):
        if not hidden[position]:
            pieces.append(character)
        elif position == 0 or not hidden[position - 1]:
            pieces.append(HIDDEN)
    return "".join(pieces)


def _forms(secret: str) -> Iterator[str]:
    if not secret:
        return
    octets = secret.encode("utf-8", "surrogatepass")
    escaped = json.dumps(secret)[1:-1]
    yield from (secret, escaped, escaped.replace("/", "\\/"), json.dumps(secret, ensure_ascii=False)[1:-1])
    for written in (quote(octets, safe=""), quote(octets), quote_plus(octets)):
        yield from (written, _with_small_escapes(written))
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        # Without the characters at either end that depend on what stands beside the secret.
        encoded = base64.b64encode(b"." * before + octets).decode("ascii").rstrip("=")[skipped:-1]
        if len(encoded) >= _RUN:
            yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def _with_small_escapes(written: str) -> str:
    first, *rest = written.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])
