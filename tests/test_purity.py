"""The engine does no I/O and reads no clock, no random source and no environment: by what it loads, and by its text."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import tropipay_oauth

PACKAGE = Path(tropipay_oauth.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

ABSENT = (
    *("socket", "_socket", "ssl", "_ssl", "select", "selectors", "asyncio", "trio", "anyio", "sniffio", "h11", "httpcore"),
    *("random", "_random", "secrets", "uuid", "logging", "email", "http.client", "http.server", "urllib.request"),
    *("subprocess", "multiprocessing", "concurrent.futures", "queue", "sqlite3", "tempfile", "rich", "tropipay_oauth_adapters"),
)
# What the engine may import. Whoever adds a name vouches that it does no I/O and reads no clock and no random source.
PURE = frozenset(
    (
        *("__future__", "abc", "base64", "binascii", "bisect", "collections", "collections.abc", "contextlib", "copy"),
        *("dataclasses", "enum", "functools", "graphlib", "hashlib", "heapq", "hmac", "html", "inspect", "ipaddress"),
        *("itertools", "json", "json.decoder", "json.encoder", "json.scanner", "math", "operator", "re", "string", "struct"),
        *("textwrap", "types", "typing", "unicodedata", "urllib.parse", "attrs"),
    )
)
FORBIDDEN_CALLS = frozenset(("open", "print", "input", "eval", "exec", "compile", "breakpoint", "exit", "quit", "__import__"))
LAYERS = {"_values": 0, "_wire": 1, "_law": 2, "_observation": 3, "sandbox": 4, "conformance": 4}
FACES = 3  # tropipay_oauth itself and its vocabularies

LOAD = """
import importlib, json, pkgutil, sys
sys.path[:0] = json.loads(sys.argv[1])
import tropipay_oauth
for module in pkgutil.walk_packages(tropipay_oauth.__path__, "tropipay_oauth."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    """The modules of a fresh interpreter that imported the whole engine, and nothing that an environment adds by itself."""
    roots = [str(PACKAGE.parent), str(Path(attrs.__file__).parent.parent)]
    # -I and -S: no user site, no .pth files, which would import things of their own.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOAD, json.dumps(roots)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return frozenset(json.loads(done.stdout))


def test_a_fresh_interpreter_loads_every_module_of_the_engine(loaded: frozenset[str]) -> None:
    assert {name(module) for module in MODULES if module.stem != "__main__"} <= loaded


@pytest.mark.parametrize("module", ABSENT)
def test_the_engine_brings_nothing_that_touches_the_world(module: str, loaded: frozenset[str]) -> None:
    assert not [other for other in loaded if other == module or other.startswith(f"{module}.")]


def name(module: Path) -> str:
    """The dotted name of a module of the engine."""
    parts = module.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: Path) -> Iterator[str]:
    """What a module imports, by absolute dotted name; for `from a import b` both `a` and `a.b` come as `a:b`."""
    package = name(module).split(".") if module.stem == "__init__" else name(module).split(".")[:-1]
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            yield from (f"{origin}:{alias.name}" for alias in node.names)


def is_own(imported: str) -> bool:
    return imported.replace(":", ".").split(".")[0] == "tropipay_oauth"


def layer(dotted: str) -> int:
    parts = dotted.replace(":", ".").split(".")
    return LAYERS.get(parts[1], FACES) if len(parts) > 1 else FACES


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_imports_only_what_is_pure(module: Path) -> None:
    foreign = [one for one in imports(module) if not is_own(one)]
    assert [one for one in foreign if one.split(":")[0] not in PURE and one.replace(":", ".") not in PURE] == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_imports_nothing_of_a_later_layer(module: Path) -> None:
    own = [one for one in imports(module) if is_own(one)]
    assert [one for one in own if layer(one) > layer(name(module))] == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_calls_nothing_that_touches_the_world(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    called = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert sorted(FORBIDDEN_CALLS.intersection(called)) == []


@pytest.mark.parametrize(
    "sample", ["import os", "import os.path", "from time import time", "from urllib import request", "import urllib"]
)
def test_an_impure_import_would_be_found(sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "tropipay_oauth")
    module = tmp_path / "tropipay_oauth" / "_values" / "x.py"
    module.parent.mkdir(parents=True)
    module.write_text(sample, encoding="utf-8")
    with pytest.raises(AssertionError):
        test_a_module_imports_only_what_is_pure(module)


@pytest.mark.parametrize(
    ("place", "sample"),
    [
        ("_values", "from .._wire.pkce import x"),
        ("_wire", "from .. import _law"),
        ("_law", "from .. import Session"),
        ("_law", "from ..facts import A"),
    ],
)
def test_an_import_of_a_later_layer_would_be_found(
    place: str, sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "tropipay_oauth")
    module = tmp_path / "tropipay_oauth" / place / "x.py"
    module.parent.mkdir(parents=True)
    module.write_text(sample, encoding="utf-8")
    with pytest.raises(AssertionError):
        test_a_module_imports_nothing_of_a_later_layer(module)
