"""`gradloom quiz` and `gradloom goals`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from engine import files
from engine.teaching.goals import GOALS


def test_a_quiz_is_a_document_or_a_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quiz", "--seed", "17", "--level", "2", "-o", str(tmp_path / "q.gloom")]) == 0
    graph = files.read(tmp_path / "q.gloom")
    assert graph.settings["title"] == "Quiz 17, level 2" and graph.settings["lesson"]
    page = tmp_path / "q.html"
    assert main(["quiz", "--seed", "17", "--level", "2", "--count", "3", "-o", str(page)]) == 0
    assert page.read_text("utf-8").count("<h1") == 3 and "answers" not in page.read_text("utf-8")
    assert main(["quiz", str(tmp_path / "q.gloom"), "--answers", "-o", str(page), "--force"]) == 0
    assert "Quiz 17, level 2 — answers" in page.read_text("utf-8")
    assert "Quiz 17, level 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "q.txt"], "ends in .html, .pdf, .gloom or .json"),
        (["--count", "2", "-o", "q.gloom"], "a document holds one quiz"),
        (["-o", "q.pdf"], "a PDF needs Qt"),
        (["--level", "6", "-o", "q.html"], "1<=x<=5"),
    ],
)
def test_what_cannot_be_written_is_said(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["quiz", *words]) == 2
    assert told in capsys.readouterr().err and not any(tmp_path.iterdir())


def test_a_sheet_as_pdf(tmp_path: Path) -> None:
    out = tmp_path / "q.pdf"
    words = ["quiz", "--level", "5", "--count", "2", "-o", str(out)]
    done = subprocess.run([sys.executable, "-m", "app", *words], capture_output=True, timeout=110)
    assert done.returncode == 0 and out.read_bytes().startswith(b"%PDF")


def test_goals_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["goals", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == [*GOALS]
    assert main(["goals"]) == main(["goals", "--markdown"]) == 0
