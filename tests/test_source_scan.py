"""No code that turns text or bytes into running code, or reads a file without limits."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STRICT = "engine/files/strict.py"
"""The one module that may call `json`, since it checks size, depth, keys and numbers."""

BUILTINS = {"eval", "exec", "compile", "__import__", "__builtins__"}
MODULES = {
    "builtins", "cloudpickle", "code", "dill", "joblib", "jsonpickle", "marshal", "pickle",
    "runpy", "shelve", "yaml",
}  # fmt: skip
ATTRIBUTES = {
    ("os", "system"), ("os", "popen"), ("torch", "load"), ("torch", "jit"), ("json", "load"),
    ("json", "loads"), ("json", "JSONDecoder"), ("subprocess", "getoutput"),
    ("subprocess", "getstatusoutput"), ("shutil", "unpack_archive"),
}  # fmt: skip
METHODS = {"extractall"}
KEYWORDS = {"allow_pickle", "shell"}


def findings(source: str, path: str) -> list[str]:
    """Every forbidden construct of a module, as `line: what`."""
    allowed = {("json", "load"), ("json", "loads"), ("json", "JSONDecoder")} & ATTRIBUTES
    attributes = ATTRIBUTES - allowed if path == STRICT else ATTRIBUTES
    tree = ast.parse(source)
    real = {
        name.asname or name.name: name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    }
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in BUILTINS:
                found.append((node.lineno, name))
            case ast.Import(names=names):
                found += [
                    (node.lineno, n.name) for n in names if n.name.partition(".")[0] in MODULES
                ]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                if module.partition(".")[0] in MODULES:
                    found.append((node.lineno, module))
                found += [
                    (node.lineno, f"{module}.{n.name}")
                    for n in names
                    if (module, n.name) in attributes
                ]
            case ast.Attribute(value=ast.Name(id=base), attr=attr) if (
                real.get(base, base),
                attr,
            ) in attributes:
                found.append((node.lineno, f"{real.get(base, base)}.{attr}"))
            case ast.Attribute(attr=attr) if attr in METHODS:
                found.append((node.lineno, attr))
            case ast.keyword(arg=str(arg), value=value) if arg in KEYWORDS:
                if not (isinstance(value, ast.Constant) and value.value is False):
                    found.append((value.lineno, arg))
            case _:
                pass
    return [f"{path}:{line}: {what}" for line, what in sorted(found)]


def modules() -> list[Path]:
    folders = ("app", "engine", "resources", ".ci")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_nothing_runs_text_or_unpickles() -> None:
    found = [
        line
        for path in modules()
        for line in findings(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "sample",
    [
        "eval('1')",
        "f = exec",
        "compile('1', '', 'eval')",
        "__import__('os')",
        "__builtins__['eval']",
        "import builtins",
        "import pickle",
        "def f():\n    import pickle as p",
        "from pickle import loads",
        "import marshal",
        "import shelve",
        "import yaml",
        "from joblib import load",
        "import numpy as np\nnp.load('a', allow_pickle=True)",
        "numpy.load('a', allow_pickle=flag)",
        "subprocess.run('ls', shell=True)",
        "archive.extractall('here')",
        "import torch\ntorch.load('a')",
        "import torch as t\nt.load('a')",
        "from torch import load",
        "import os\nos.system('ls')",
        "from os import popen",
        "import json\njson.loads('1')",
        "import json as j\nj.load(file)",
        "from json import loads",
    ],
)
def test_planted(sample: str) -> None:
    assert findings(sample, "app/planted.py")


@pytest.mark.parametrize(
    "sample",
    [
        "import re\nre.compile('a')",
        "np.load('a', allow_pickle=False)",
        "subprocess.run(['ls'], shell=False)",
        "json.dumps(1)",
        "'eval exec pickle'",
        "model.eval()",
        "reader.load('a')",
    ],
)
def test_harmless(sample: str) -> None:
    assert not findings(sample, "app/planted.py")


def test_only_the_strict_reader_calls_json() -> None:
    assert not findings("import json\njson.loads('1')", STRICT)
    assert findings("import pickle", STRICT)
