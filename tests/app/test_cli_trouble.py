"""Training in the terminal says why it came to little."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from playground import gauss, playground, spiral

from app.cli import cli
from engine import files


@pytest.mark.parametrize(
    ("rate", "wanted"), [(10.0, "dead units: 2 of 2 units of h2 are dead"), (0.03, "")]
)
def test_a_training_that_came_to_little_says_why(tmp_path: Path, rate: float, wanted: str) -> None:
    data = spiral if wanted else gauss
    graph = playground(data, "relu", [4, 2], learning_rate=rate, epochs=40)
    files.write(graph, tmp_path / "a.gloom")
    found = CliRunner().invoke(cli, ["train", str(tmp_path / "a.gloom"), "--json"])
    notes = json.loads(found.stdout)["notes"]
    assert [note[: len(wanted)] for note in notes] == ([wanted] if wanted else [])
