"""How a behaviour is named, checked and explained: one field, one name, for Python and for the command line.

What belongs here: kinds of options. What does not: the options themselves.
"""

import re
from collections.abc import Callable
from typing import Any, get_args

from attrs import Attribute, field, frozen

from .._values.checks import is_number
from .._values.errors import ConfigurationError, printable

_SWITCH = {"on": True, "off": False}


@frozen(kw_only=True)
class Option:
    """One thing that the sandbox does in more than one way.

    Args:
        name: as written in Python and before the `=` on the command line.
        default: as written on the command line.
        values: what may be written, for people.
        choices: what may be written, if that is a closed list; else empty.
        meaning: one line.
    """

    name: str
    default: str
    values: str
    choices: tuple[str, ...]
    meaning: str


def choice(literal: Any, default: str, meaning: str) -> Any:
    """A field that takes one of the texts of a `Literal`."""
    allowed: tuple[str, ...] = get_args(literal)
    return _option(default, lambda value: value in allowed, " | ".join(allowed), meaning, choices=allowed)


def switch(default: bool, meaning: str) -> Any:
    """A field that is on or off."""
    return _option(default, lambda value: isinstance(value, bool), "on | off", meaning, choices=tuple(_SWITCH), read=_read_switch)


def number(default: float, lowest: float, highest: float, meaning: str) -> Any:
    """A field that takes a number within bounds."""
    values = f"a number from {lowest:g} to {highest:g}"
    return _option(default, lambda value: is_number(value) and lowest <= value <= highest, values, meaning, read=float)


def whole(default: int, lowest: int, highest: int, meaning: str) -> Any:
    """A field that takes a whole number within bounds."""
    values = f"a whole number from {lowest} to {highest}"
    fits = lambda value: type(value) is int and lowest <= value <= highest  # noqa: E731  # as short as its siblings
    return _option(default, fits, values, meaning, read=int)


def text(default: str, pattern: str, values: str, meaning: str) -> Any:
    """A field that takes a text of a stated form."""
    form = re.compile(pattern)
    return _option(default, lambda value: bool(form.fullmatch(value)), values, meaning, converter=str)


def _option(
    default: Any,
    fits: Callable[[Any], bool],
    values: str,
    meaning: str,
    *,
    choices: tuple[str, ...] = (),
    read: Callable[[str], Any] = str,
    converter: Callable[[Any], Any] | None = None,
) -> Any:
    def check(instance: object, attribute: "Attribute[Any]", value: Any) -> None:
        if not fits(value):
            raise ConfigurationError(f"{attribute.name} is {_phrase(values)}", code="behaviour_value")

    metadata = {"values": values, "meaning": meaning, "choices": choices, "read": read}
    return field(default=default, validator=check, converter=converter, metadata=metadata)


def _phrase(values: str) -> str:
    return f"one of {values}" if " | " in values else values


def _read_switch(written: str) -> bool:
    if written not in _SWITCH:
        raise ValueError
    return _SWITCH[written]


def read_option(attribute: "Attribute[Any]", written: str) -> Any:
    """The value of an option as a command line gives it.

    Raises:
        ConfigurationError: the text is no value of that kind; the message names the right ones.
    """
    try:
        return attribute.metadata["read"](written)
    except ValueError:
        values = _phrase(attribute.metadata["values"])
        raise ConfigurationError(
            f"{attribute.name} is {values}, not '{printable(written, 40)}'", code="behaviour_value"
        ) from None


def write_value(value: Any) -> str:
    """A value as a command line gives it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def describe(attribute: "Attribute[Any]") -> Option:
    """An option as people read of it."""
    of = attribute.metadata
    return Option(
        name=attribute.name,
        default=write_value(attribute.default),
        values=of["values"],
        choices=of["choices"],
        meaning=of["meaning"],
    )
