"""The commands train and runs with recorded runs: options, refusals, and what they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from app.cli import cli
from app.shell import run_program
from engine import edits, examples, files
from engine.recipe import Recipe, Stage
from engine.train import runs
from engine.train.recording import Run
from engine.train.session import Training


def call(*args: object) -> Result:
    runner = CliRunner()
    with runner.isolation() as (out, error, _):
        code = run_program(cli, [str(arg) for arg in args])
        told = out.getvalue(), error.getvalue()
    return Result(runner, told[0], told[1], told[0] + told[1], None, code, None)


def found(*args: object) -> Any:
    done = call(*args, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def refused(*args: object, code: int = 2) -> str:
    done = call(*args)
    assert done.exit_code == code, done.output
    assert done.stderr.startswith("gradloom: ") and done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def xor(tmp_path: Path) -> Path:
    graph = examples.load("xor")
    edits.set_recipe(graph, optimizer="adam", learning_rate=0.01, epochs=60).apply(graph)
    path = tmp_path / "xor.gloom"
    files.write(graph, path)
    return path


def test_a_recorded_training_is_the_same_training(xor: Path) -> None:
    plain = found("train", xor, "-o", xor.with_name("a.gloom"))
    kept = found("train", xor, "--run", f"{xor}.runs/1", "-o", xor.with_name("b.gloom"))
    assert kept == plain and kept["steps"] == 60
    assert xor.with_name("a.gloom").read_bytes() == xor.with_name("b.gloom").read_bytes()
    run = Run(Path(f"{xor}.runs/1"))
    assert run.facts.state == "finished" and run.facts.asked == run.facts.step == 60
    assert run.metrics().loss.tolist() == plain["loss"]["history"]
    (told,) = found("runs", xor)
    assert (told["run"], told["state"], told["steps"]) == (1, "finished", 60)


def test_more_steps_of_a_finished_run(xor: Path) -> None:
    folder = xor.with_name("run")
    found("train", xor, "--seed", 4, "--run", folder, "--steps", 20)
    again = found("train", xor, "--run", folder, "--resume")
    assert again["steps"] == 20  # it is done already
    more = found("train", xor, "--run", folder, "--resume", "--steps", 50)
    whole = found("train", xor, "--seed", 4, "--steps", 50)
    assert more == whole


def test_epochs_are_counted_from_the_start_of_the_run(xor: Path) -> None:
    folder = xor.with_name("run")
    assert found("train", xor, "--run", folder, "--epochs", 7)["steps"] == 7
    assert found("train", xor, "--run", folder, "--epochs", 7, "--resume")["steps"] == 7


def test_every_stage_is_trained_and_told(xor: Path) -> None:
    graph = files.read(xor)
    stages = (Stage(epochs=30), Stage(epochs=500, patience=2, min_delta=1.0, learning_rate=0.01))
    graph.put("settings", "recipe", Recipe(stages))
    files.write(graph, xor)
    whole = Training(files.read(xor))
    whole.run()
    text = call("train", xor, "--run", xor.with_name("run"))
    assert text.exit_code == 0 and "stopped after epoch" in text.stdout
    run = Run(xor.with_name("run"))
    assert run.facts.step == whole.step_count < 530 and "stopped after epoch" in run.facts.reason
    kept = run.checkpoint()
    assert kept is not None
    for node_id, value in whole.parameters().items():
        assert np.array_equal(kept.arrays[f"parameter/{node_id}"], value)
    assert found("train", xor, "--run", xor.with_name("run"), "--resume")["steps"] == 33


def test_what_is_refused(xor: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert "give --run DIR" in refused("train", xor, "--resume")
    assert "run.json" in refused("train", xor, "--run", folder, "--resume")
    found("train", xor, "--run", folder)
    assert "add --resume" in refused("train", xor, "--run", folder)
    graph = files.read(xor)
    graph.put("settings", "title", "another")
    files.write(graph, xor)
    assert found("train", xor, "--run", folder, "--resume")["steps"] == 60
    edits.set_recipe(graph, learning_rate=0.25).apply(graph)
    files.write(graph, xor)
    assert "has changed since" in refused("train", xor, "--run", folder, "--resume")
    (tmp_path / "file").write_text("x")
    refused("train", xor, "--run", tmp_path / "file")
    assert "name a saved document" in refused("runs", tmp_path / "none.gloom")


def test_a_divergence_is_recorded(xor: Path) -> None:
    graph = files.read(xor)
    edits.set_recipe(graph, optimizer="sgd", learning_rate=1e308).apply(graph)
    files.write(graph, xor)
    message = refused("train", xor, "--run", f"{xor}.runs/1", code=1)
    assert "diverged" in message
    (told,) = found("runs", xor)
    assert told["state"] == "failed" and "diverged" in told["reason"]


def test_runs_tells_what_is_damaged_and_pinned(xor: Path) -> None:
    assert "has no runs" in call("runs", xor).stdout and found("runs", xor) == []
    for number in (1, 2):
        found("train", xor, "--run", f"{xor}.runs/{number}", "--steps", 5)
    first, second = runs.listed(runs.home_of(xor))
    first.pin(True)
    (second.folder / "run.json").write_text("{}")
    told = found("runs", xor)
    assert told[0]["pinned"] and told[1]["state"] == "damaged"
    text = call("runs", xor).stdout
    assert "1 (pinned)" in text and "damaged" in text
