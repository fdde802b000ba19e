"""The set-up script: what it does on a machine that lacks something, without touching this one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="make is not Windows' way")


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script as a module that works on an empty folder."""
    spec = importlib.util.spec_from_file_location("gradloom_setup", ROOT / ".ci" / "setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    for name in module.STAMPED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    return module


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a shell script of that name first on the path."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(name: str, text: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)

    return write


def test_apt_lists_are_refreshed_when_the_first_try_fails(
    setup: ModuleType,
    command: Callable[[str, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    log, lists = tmp_path / "log", tmp_path / "lists"
    command("apt-get", f'echo "$1" >> {log}; [ "$1" = update ] && touch {lists}; [ -e {lists} ]')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    setup.install_with_apt(["libgl1"], "Qt's system libraries")
    assert log.read_text().split() == ["install", "update", "install"]
    assert capfd.readouterr().out.count("\n") == 1


@pytest.mark.parametrize("missing", ["apt-get", "sudo"])
def test_without_apt_or_rights_it_says_what_to_type(
    setup: ModuleType, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else f"/bin/{name}")
    with pytest.raises(SystemExit, match="Run `sudo apt-get install libgl1` and then make again"):
        setup.install_with_apt(["libgl1"], "Qt's system libraries")


def test_an_unsupported_python_is_named(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "version_here", lambda: "3.10")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"needs Python 3.11 to 3.13 and this is 3.10"):
        setup.use_supported_python()


def test_environment_is_made_once_and_again_after_a_change(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def run(*command: object) -> int:
        words = [str(word) for word in command]
        calls.append(words[2] if words[2] != "pip" else "install " + words[-3])
        setup.VENV.mkdir(exist_ok=True)
        return 0

    monkeypatch.setattr(setup, "run", run)
    monkeypatch.setattr(setup, "works", lambda *command: True)
    setup.environment("test")
    assert calls == ["venv", "install .[test]", "compileall"]
    calls.clear()
    setup.environment("test")
    setup.environment("run")
    assert calls == []
    setup.environment("bench")
    assert calls == ["install .[test,bench]", "compileall"]
    calls.clear()
    (setup.ROOT / "constraints.txt").write_text("2")
    setup.environment("run")
    assert calls == ["install .", "compileall"]
    calls.clear()
    monkeypatch.setattr(setup, "works", lambda *command: command[0] == sys.executable)
    setup.environment("run")
    assert calls[0] == "venv"
