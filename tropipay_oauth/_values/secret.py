"""Values that must not be seen, and the entropy that others are derived from.

What belongs here: the one way to hold a secret and the one way to derive one. What does not: any knowledge of OAuth.
"""

import hashlib
import hmac
from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec, Self, SupportsIndex, TypeVar

from .errors import ConfigurationError

ENTROPY_BYTES = 32

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


def discreet(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, whose failures keep no frame, and no context, in which its arguments can be seen.

    Reports with local variables (`traceback.TracebackException(capture_locals=True)`, rich, crash collectors) show them.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            failure = error.with_traceback(None)
        del args, kwargs
        failure.__context__ = None
        try:
            raise failure
        finally:
            del failure  # it refers to this frame, and this frame to it

    return call


def discreet_init(cls: C) -> C:
    """A class decorator: its constructor is discreet."""
    cls.__init__ = discreet(cls.__init__)  # type: ignore[misc]  # attrs writes it, so it cannot be decorated in the class
    return cls


class Opaque:
    """A value that no accident shows: hidden in repr, str and format, refused by pickle, frozen.

    Subclasses by attrs are `@frozen(getstate_setstate=False)`: attrs would else write a `__getstate__` that shows it and
    a `__setstate__` that changes it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; build a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; build a new one")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise _not_pickled(self)

    def __getstate__(self) -> NoReturn:
        raise _not_pickled(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _not_pickled(value: Opaque) -> TypeError:
    return TypeError(f"{type(value).__name__} is not pickled, since a pickle shows it; store it by its own JSON form")


class Secret(Opaque):
    """A text that never shows: a token, a client secret, a code, a verifier, a callback URL.

    `reveal()` is the one way to its text. Two secrets are compared in constant time (RFC 6819 §5.1.4.1.3).
    """

    __slots__ = ("__text",)
    __text: str

    @discreet
    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ConfigurationError(f"a secret is text, not {type(text).__name__}: pass a str")
        object.__setattr__(self, "_Secret__text", text)

    def reveal(self) -> str:
        """The text itself. Call it where the text goes onto the wire or into a store, nowhere else."""
        return self.__text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self.__text.encode("utf-8", "surrogatepass"), other.__text.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __bool__(self) -> bool:
        return bool(self.__text)


class Entropy(Opaque):
    """At least 32 fresh random bytes, given by the caller, e.g. `Entropy(os.urandom(32))`.

    Values are derived from it by HKDF (RFC 5869) under a label and a counter: the same entropy gives the same bytes.

    Raises:
        ConfigurationError: fewer than 32 bytes.
    """

    __slots__ = ("__key", "__seed")
    __key: bytes
    __seed: bytes

    @discreet
    def __init__(self, seed: bytes) -> None:
        if not isinstance(seed, bytes) or len(seed) < ENTROPY_BYTES:
            raise ConfigurationError(f"entropy is at least {ENTROPY_BYTES} random bytes: pass os.urandom({ENTROPY_BYTES})")
        object.__setattr__(self, "_Entropy__seed", seed)
        object.__setattr__(self, "_Entropy__key", hmac.digest(b"tropipay-oauth", seed, "sha256"))

    def reveal(self) -> bytes:
        """The seed itself, for a transcript that was asked to hold it."""
        return self.__seed

    def derive(self, label: str, counter: int = 0, length: int = 32) -> bytes:
        """`length` (1 to 32) bytes that belong to this label and counter alone (HKDF-Expand, one block)."""
        if not 1 <= length <= hashlib.sha256().digest_size:
            raise ConfigurationError(f"one block gives 1 to 32 bytes, not {length}: derive under several counters")
        return hmac.digest(self.__key, f"{label}/{counter}".encode() + b"\x01", "sha256")[:length]

    def fraction(self, label: str, counter: int = 0) -> float:
        """A number in [0, 1), uniform, for jitter."""
        return int.from_bytes(self.derive(label, counter, 6), "big") / 2**48

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entropy):
            return NotImplemented
        return hmac.compare_digest(self.__key, other.__key)

    def __hash__(self) -> int:
        return hash((Entropy, self.__key))


def to_secret(value: Secret | str) -> Secret:
    """The secret, made of a text if need be (a converter for attrs)."""
    return value if isinstance(value, Secret) else Secret(value)


def to_optional_secret(value: Secret | str | None) -> Secret | None:
    """As `to_secret`; None stays None."""
    return None if value is None else to_secret(value)
