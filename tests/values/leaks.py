"""What a careless program would show of a value, and whether a secret is in it."""

import base64
import copy
import io
import json
import logging
import pickle
import pprint
import reprlib
import string
import traceback
from collections.abc import Callable
from urllib.parse import quote

import attrs
from rich.pretty import pretty_repr

CANARY = "canary-Zx81/q+7~tWv=KpL2"


def shown(value: object) -> str:
    """Everything that printing, logging, formatting, dumping and failing show of `value`."""
    texts = [repr(value), str(value), f"{value}", f"{value!r:>400}", "%s|%r|%a" % (value, value, value)]  # noqa: UP031  # one of the ways
    texts += [f"{value} {value!s} {value!r}", string.Template("$it").substitute(it=value)]
    texts += [repr([value]), repr({"it": value}), repr((value,)), str({1: [value]}), repr(copy.deepcopy([value]))]
    texts += [pprint.pformat([value]), reprlib.repr([value]), pretty_repr(value), pretty_repr({"it": [value]})]
    texts += [json.dumps({"it": value}, default=str), json.dumps([value], default=repr)]
    texts += [_logged(value), *_failed(value), _pickled(value), _state(value), _dumped(value)]
    return "\n".join(texts)


def _logged(value: object) -> str:
    stream = io.StringIO()
    logger = logging.Logger("leaks", logging.DEBUG)
    logger.addHandler(logging.StreamHandler(stream))
    logger.debug("%s %r", value, value)
    logger.debug("%(it)s", {"it": value})
    try:
        raise RuntimeError(value)
    except RuntimeError:
        logger.exception(value)
    return stream.getvalue()


def _failed(value: object) -> list[str]:
    texts = []
    for kind in (RuntimeError, KeyError, ValueError):
        error = kind("went wrong", value)
        texts += [str(error), repr(error), raised(lambda error=error: _raise(error))]  # type: ignore[misc]  # a plain thunk
    return texts


def _raise(error: Exception) -> None:
    raise error


def _pickled(value: object) -> str:
    texts = []
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        try:
            texts.append(pickle.dumps(value, protocol).decode("latin-1"))
        except TypeError as error:
            texts.append(str(error))
    return "\n".join(texts)


def _state(value: object) -> str:
    try:
        return repr(value.__getstate__())
    except TypeError as error:
        return str(error)


def _dumped(value: object) -> str:
    texts = [repr(getattr(value, "__dict__", None))]
    if attrs.has(type(value)):
        texts += [repr(attrs.asdict(value)), repr(attrs.astuple(value))]  # type: ignore[arg-type]  # has() does not narrow
    return "\n".join(texts)


def raised(call: Callable[[], object]) -> str:
    """The report, with the local variables of every frame and of every context, of the error that `call` raises."""
    try:
        call()
    except Exception as error:
        return _report(error) + repr(vars(error)) + repr(error.args)
    raise AssertionError("nothing was raised")


def _report(error: BaseException) -> str:
    report = "".join(traceback.TracebackException.from_exception(error, capture_locals=True, compact=False).format())
    for hidden in (error.__context__, error.__cause__):  # kept by the error even where a report leaves it out
        report += "" if hidden is None else repr(vars(hidden)) + _report(hidden)
    return report


def leaks(text: str, secret: str = CANARY) -> list[str]:
    """The pieces of `secret`, as it is or encoded, that `text` holds."""
    forms = (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), secret.encode().hex())
    return [form[at : at + 8] for form in forms for at in range(len(form) - 7) if form[at : at + 8] in text]
