"""Which word does what, and what happens where there is no display."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import demonstration
from app.__main__ import _is_document, main
from engine import examples

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a.gloom", True), ("a.JSON", True), ("example:xor", True), ("derive", False),
        ("--version", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_what_a_word_is(word: str, expected: bool) -> None:
    assert _is_document(word) is expected


def test_a_command_wins_over_a_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").touch()
    (tmp_path / "document").touch()
    assert not _is_document("run") and _is_document("document")


def test_an_unknown_example_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["example:xorr"]) == 2
    assert "example:xor?" in capsys.readouterr().err


def test_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn: list[Any] = []

    def draw(graph: Any, path: Any, out: Path, size: Any, step: Any) -> None:
        drawn.append((out.name, step))

    assert demonstration.run(examples.load("worked-example"), "Worked", draw) == 0
    said = capsys.readouterr().out
    assert "dJ/dt += dJ/du2 * 3 = 1.932" in said and "-> 1.000000" in said
    assert drawn == [("start.png", 0), ("backward.png", 10), ("trained.png", None)]
    assert (tmp_path / demonstration.FOLDER).is_dir()


def test_without_a_display_it_says_so(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "app"], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""
    for name in ("start", "backward", "trained"):
        assert (tmp_path / demonstration.FOLDER / f"{name}.png").stat().st_size > 30_000
