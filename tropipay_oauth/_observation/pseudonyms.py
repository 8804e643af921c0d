"""Stand-ins for secrets: the same secret gets the same one everywhere, and nothing of a secret is in its stand-in.

What belongs here: which text stands for which secret, and finding secrets in text that is meant for people. What does
not: where in a message secrets are (`sanitiser`).

A stand-in is a number, never a digest of the secret: a short secret could be guessed from its digest. Its length is its
own, unless the secret is so long that its length decides what happens to it; a few of the characters that a token must
not have are kept, if it has them. A JWT gets a JWT with the same `iat` and `exp` and nothing else.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import quote, quote_plus

from .._values.errors import RemoteError
from .._values.secret import ENTROPY_BYTES, Entropy, Secret
from .._wire.strict_json import parse_object

SLICE = 8
"""No run of this many characters of a secret gets into a transcript."""
_LONG = 1024
_PLAIN = re.compile(r"[A-Za-z0-9._~+/-]")
_RUN = re.compile(r"[A-Za-z0-9._~+/=:%-]{25,}")
_WORD = re.compile(r"[A-Z]?[a-z]{0,15}|[A-Z]{0,16}|v?[0-9]{1,2}")
_ODD_KEPT = 4


class Pseudonyms:
    """The stand-ins of one transcript, in the order in which their secrets were met."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}
        self._entropies: dict[Entropy, Entropy] = {}
        self._forms = ""
        self._short: set[str] = set()

    def of(self, real: str) -> str:
        """What stands for this secret; nothing for nothing."""
        if not real:
            return real
        if real not in self._stand_ins:
            self.learn(real, _stand_in(real, f"pseudonym-{len(self._stand_ins) + 1}"))
        return self._stand_ins[real]

    def learn(self, real: str, stand_in: str) -> None:
        """From now on `stand_in` stands for this secret."""
        self._stand_ins[real] = stand_in
        if len(real) >= SLICE:
            self._forms += "\n".join(("", *_forms_of(real)))
        elif len(real) >= SLICE // 2:
            self._short.add(real)

    def secret(self, real: Secret) -> Secret:
        """As `of`, for a value that hides its text."""
        return Secret(self.of(real.reveal()))

    def entropy(self, real: Entropy) -> Entropy:
        """As `of`, for the entropy of an authorization flow."""
        number = len(self._entropies) + 1
        return self._entropies.setdefault(real, Entropy(f"pseudonym of entropy {number}".encode().ljust(ENTROPY_BYTES, b".")))

    def text(self, text: str) -> str:
        """Text for people, with `x` in place of whatever is of a secret or looks like one."""
        if text in self._stand_ins:
            return self._stand_ins[text]
        hidden = list(text)
        for start in range(len(text) - SLICE + 1):
            if text[start : start + SLICE] in self._forms:
                hidden[start : start + SLICE] = "x" * SLICE
        text = "".join(hidden)
        for short in sorted(self._short):
            text = re.sub(rf"(?<!\w){re.escape(short)}(?!\w)", "x" * len(short), text)
        return _RUN.sub(lambda run: "x" * len(run[0]) if looks_secret(run[0]) else run[0], text)


def looks_secret(text: str) -> bool:
    """Whether it is long, without spaces, and not made of words, as the name of a scope or the path of a URL is."""
    return bool(_RUN.fullmatch(text)) and not all(_WORD.fullmatch(word) for word in re.split(r"[^A-Za-z0-9]+", text))


def _stand_in(real: str, name: str) -> str:
    times = _times_of_jwt(real)
    if times is not None:
        return ".".join((_segment({"pseudonym": True}), _segment(times), name))
    odd = "".join(sorted(set(_PLAIN.sub("", real.rstrip("="))))[:_ODD_KEPT])
    return odd + (name.ljust(len(real) - len(odd), "x") if len(real) > _LONG else name)


def _times_of_jwt(text: str) -> dict[str, Any] | None:
    """The `iat` and `exp` of a JWT (RFC 7519 §4.1), None if it is none."""
    try:
        _, claims, _ = text.split(".")
        members = parse_object(base64.b64decode(claims + "=" * (-len(claims) % 4), altchars=b"-_", validate=True))
    except (ValueError, RemoteError):
        return None
    return {name: members[name] for name in ("iat", "exp") if type(members.get(name)) in (int, float)}


def _segment(members: dict[str, Any]) -> str:
    return _encoded(json.dumps(members).encode()).rstrip("=")


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode()


def _forms_of(real: str) -> list[str]:
    """How a secret may be written: as it is, percent-encoded, and in Base64 at each of its three alignments."""
    octets = real.encode("utf-8", "surrogatepass")
    forms = [real, quote(octets, safe=""), quote_plus(octets)]
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        text = _encoded(b"." * before + octets).rstrip("=")[skipped:-1]
        forms += [text, text.replace("-", "+").replace("_", "/")]
    return list(dict.fromkeys(forms))
