"""Training in the terminal says why it came to little."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from networks import network
from playground import gauss, playground, spiral

from app.cli import cli
from engine import edits, files
from engine.recipe import Recipe, Stage
from engine.train.scene import Scene


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


def test_a_parameter_beside_the_loss_that_does_not_fit_keeps_nobody_from_its_result(
    tmp_path: Path,
) -> None:
    """Training does not read it, so neither the reasons nor the trained document need it."""
    random = np.random.default_rng(0)
    values = {"W": random.standard_normal((2, 1)), "Q": np.zeros((3, 2))}
    program = "z = x @ W\nloss = mse(z, y)\nq = mean(Q)"
    x, y = random.standard_normal((20, 2)), random.standard_normal((20, 1))
    graph = network(program, x, y, values, learning_rate=1e-9, epochs=300)
    misfit = graph.nodes[str(graph.id_of("Q"))]
    options = {**misfit.options, "shape": ("features", 7)}
    graph.put("nodes", misfit.id, replace(misfit, options=options))
    files.write(graph, tmp_path / "a.gloom")
    asked = ["train", str(tmp_path / "a.gloom"), "-o", str(tmp_path / "b.gloom"), "--json"]
    found = CliRunner().invoke(cli, asked)
    assert "not falling" in str(json.loads(found.stdout)["notes"])
    assert (tmp_path / "b.gloom").exists()
    scene = Scene(graph)
    assert scene.values([misfit.id])[misfit.id].shape == (3, 2)


def test_the_loss_of_a_later_stage_is_not_held_against_that_of_one_before(tmp_path: Path) -> None:
    """Another stage makes another loss smaller: here a hundred times as large, and it falls."""
    random = np.random.default_rng(0)
    x = random.standard_normal((40, 3))
    y = x @ random.standard_normal((3, 1)) + 0.5 * random.standard_normal((40, 1))
    program = "small = mse(x @ W, y)\nlarge = 100 * mse(x @ V, y)\nloss = small + large"
    graph = network(program, x, y, {"W": np.zeros((3, 1)), "V": np.zeros((3, 1))})
    stages = [
        Stage("", str(graph.id_of(name)), learning_rate=rate, epochs=200)
        for name, rate in (("small", 0.1), ("large", 0.0001))
    ]
    edits.set_setting("recipe", Recipe(tuple(stages))).apply(graph)
    files.write(graph, tmp_path / "a.gloom")
    found = CliRunner().invoke(cli, ["train", str(tmp_path / "a.gloom"), "--json"])
    told = json.loads(found.stdout)
    assert told["loss"]["last"] > 10 * told["loss"]["first"] and told["notes"] == []
