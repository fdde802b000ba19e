"""ARCHITECTURE.md is true: modules, their lines and sizes, who imports Qt, who names operators."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import doctor
from engine import ops

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "engine")
LONGEST = 450
QT = {"PySide6", "shiboken6", "pyqtgraph"}
TOP_LEVEL = {
    "app", "engine", "resources", "tests", "pyproject.toml", "README.md",
    "docs", "Makefile", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE",
    "constraints.txt", ".ci", ".gitignore", ".pre-commit-config.yaml",
}  # fmt: skip

# Written in two halves, or this file would name what it forbids.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "download." + "pytorch.org", "npm" + "js.org",
         "debian" + ".org", "ubuntu" + ".com", "ana" + "conda.org"]  # fmt: skip
MACHINE = ["/" + "work/", "/" + "root/", "/" + "home/", "/" + "opt/"]


def sources(root: Path) -> Iterator[tuple[str, str]]:
    """Path and text of every module of the program and the engine."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path.read_text("utf-8")


def module_line_problems(root: Path) -> list[str]:
    """Modules and their lines in ARCHITECTURE.md that are missing, left over or different."""
    page = (root / "ARCHITECTURE.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+\.py)` \| (.+) \|$", page, re.MULTILINE)
    listed = dict(rows)
    problems = [
        f"{path} is listed twice" for path in listed if [p for p, _ in rows].count(path) > 1
    ]
    lines = {
        path: (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
        for path, text in sources(root)
    }
    problems += [f"{path} is listed and does not exist" for path in listed if path not in lines]
    for path, line in lines.items():
        if path not in listed:
            problems.append(f"{path} is not listed")
        elif line != listed[path]:
            problems.append(f"{path} begins with {line!r}, its row says {listed[path]!r}")
    return problems


def length_problems(root: Path) -> list[str]:
    counts = {path: text.count("\n") for path, text in sources(root)}
    return [f"{path} has {count} lines" for path, count in counts.items() if count >= LONGEST]


def imported(text: str) -> Iterator[str]:
    """The top package of every import, at module level or inside a function, also by name."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name.partition(".")[0]
            case _:
                pass


def qt_problems(root: Path) -> list[str]:
    return [
        f"{path} imports {package}"
        for path, text in sources(root)
        if not path.startswith("app/view/")
        for package in sorted(QT & set(imported(text)))
    ]


def strings(text: str) -> Iterator[tuple[int, str]]:
    """Every string literal with its line."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def operator_problems(root: Path) -> list[str]:
    """Literals that are exactly the name of a row, sources apart, outside `engine/ops`."""
    names = {row.name for row in ops.TABLE.values() if not row.is_source}
    return [
        f"{path}:{line} names the operator {literal!r}"
        for path, text in sources(root)
        if not path.startswith("engine/ops/")
        for line, literal in strings(text)
        if literal in names
    ]


def project_files(root: Path) -> list[str]:
    """What belongs to the project: tracked files and new ones that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (root / name).is_file()]


def top_level_problems(root: Path) -> list[str]:
    tops = {name.partition("/")[0] for name in project_files(root)}
    return [f"{name} is not part of the top level" for name in sorted(tops - TOP_LEVEL)]


def place_problems(root: Path) -> list[str]:
    """Text files that name a package registry's host or a folder of one machine."""
    problems = []
    for name in project_files(root):
        data = (root / name).read_bytes()
        if b"\0" in data:
            continue
        text = data.decode("utf-8", "replace")
        problems += [f"{name} names {word}" for word in [*HOSTS, *MACHINE] if word in text]
    return problems


def constraint_problems(root: Path) -> list[str]:
    """Lines of constraints.txt that are more than a name and a version."""
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    return [
        line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)
    ]


CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "lines": module_line_problems,
    "lengths": length_problems,
    "Qt": qt_problems,
    "operators": operator_problems,
    "top level": top_level_problems,
    "places": place_problems,
    "constraints": constraint_problems,
}

PLANTED = [
    ("lines", "engine/stray.py", '"""Not listed."""\n'),
    ("lines", "engine/__init__.py", '"""Another line."""\n'),
    ("lines", "engine/__init__.py", None),
    ("lengths", "engine/__init__.py", "x = 1\n" * LONGEST),
    ("Qt", "app/__init__.py", "def later():\n    from PySide6 import QtCore\n"),
    ("Qt", "engine/__init__.py", "import pyqtgraph.exporters as e\n"),
    ("Qt", "app/__init__.py", "import importlib\nimportlib.import_module('PySide6.QtGui')\n"),
    ("operators", "engine/__init__.py", "if row.name == 'tanh':\n    pass\n"),
    ("top level", "notes.txt", "a\n"),
    ("places", "docs/a.md", f"see {HOSTS[0]}\n"),
    ("places", "docs/a.md", f"in {MACHINE[0]}main\n"),
    ("constraints", "constraints.txt", "numpy==2.4.6 --hash=sha256:0\n"),
    ("constraints", "constraints.txt", f"torch @ https://{HOSTS[2]}/torch.whl\n"),
]


@pytest.mark.parametrize("check", CHECKS)
def test_architecture(check: str) -> None:
    problems = CHECKS[check](ROOT)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("check", "path", "text"), PLANTED)
def test_planted(check: str, path: str, text: str | None, tmp_path: Path) -> None:
    """A small sound project passes every check; with one file changed it fails the one meant."""
    small(tmp_path)
    assert CHECKS[check](tmp_path) == []
    planted = tmp_path / path
    planted.parent.mkdir(exist_ok=True)
    if text is None:
        planted.unlink()
    else:
        planted.write_text(text, "utf-8")
    assert CHECKS[check](tmp_path)


def small(root: Path) -> None:
    (root / "app" / "view").mkdir(parents=True)
    (root / "engine" / "ops").mkdir(parents=True)
    (root / "app" / "__init__.py").write_text('"""The program."""\n')
    (root / "app" / "view" / "__init__.py").write_text('"""The window."""\nimport PySide6\n')
    (root / "engine" / "__init__.py").write_text('"""The engine."""\nNAMES = ["input"]\n')
    (root / "engine" / "ops" / "__init__.py").write_text('"""The table."""\nROWS = ["tanh"]\n')
    rows = {
        "app/__init__.py": "The program.",
        "app/view/__init__.py": "The window.",
        "engine/__init__.py": "The engine.",
        "engine/ops/__init__.py": "The table.",
    }
    page = "".join(f"| `{path}` | {line} |\n" for path, line in rows.items())
    (root / "ARCHITECTURE.md").write_text(page)
    (root / "constraints.txt").write_text("numpy==2.4.6\n")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)


@pytest.mark.parametrize("module", ["app.cli", "app.__main__", "app.doctor", "engine.examples"])
def test_no_qt_without_a_window(module: str) -> None:
    """Importing these loads no Qt, also not indirectly; a spawned worker relies on it."""
    assert loaded(f"import {module}") == []


def test_planted_qt_import() -> None:
    assert loaded("import PySide6.QtCore") == ["PySide6", "shiboken6"]


def loaded(statement: str) -> list[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(set({sorted(QT)!r}) & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def contracts(root: Path) -> subprocess.CompletedProcess[str]:
    """The import contracts of pyproject.toml over the packages in `root`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    options = ["--no-cache", "--config", str(root / "pyproject.toml")]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [*command, *options], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("path", "text", "broken"),
    [
        ("engine/stray.py", "", "Layers of the engine BROKEN"),
        ("app/stray.py", "", "Layers of the program BROKEN"),
        ("engine/shapes.py", "import engine.graph\n", "Layers of the engine BROKEN"),
        ("engine/graph.py", "import app\n", "never the other way round BROKEN"),
        ("app/text.py", "def f():\n    import PySide6\n", "Only the view imports Qt BROKEN"),
    ],
)
def test_contracts_catch(path: str, text: str, broken: str, tmp_path: Path) -> None:
    """`make lint` runs the contracts on the project; here each kind is seen to break."""
    ignore = shutil.ignore_patterns("__pycache__")
    for package in (*PACKAGES, "resources"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / path).open("a", encoding="utf-8") as file:
        file.write("\n" + text)
    done = contracts(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert broken in re.sub(r"\s+", " ", done.stdout)


def test_supported_pythons_agree() -> None:
    """The package, the doctor and the set-up name the same versions of Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    low, high = doctor.SUPPORTED_PYTHON
    assert project["requires-python"] == f">={low[0]}.{low[1]},<{high[0]}.{high[1] + 1}"
    setup = (ROOT / ".ci" / "setup.py").read_text("utf-8")
    versions = [f"3.{minor}" for minor in range(low[1], high[1] + 1)]
    assert f"VERSIONS = {tuple(versions)!r}".replace("'", '"') in setup
