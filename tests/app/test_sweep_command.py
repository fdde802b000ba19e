"""The command `sweep`: what it prints, writes and refuses; the same trials as anywhere else."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import cli
from engine import examples, files
from engine.compose import compose
from engine.train import trials as kept
from engine.train.axes import Axis
from engine.train.session import Training
from engine.train.sweep import Sweep, planned, run_trial


def call(*args: Any) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in args])


@pytest.fixture
def xor(tmp_path: Path) -> Path:
    path = tmp_path / "xor.gloom"
    files.write(examples.load("xor"), path)
    return path


def test_the_trials_are_those_of_the_engine(xor: Path) -> None:
    done = call(
        "sweep", xor, "--vary", "learning_rate=0.01..2:log", "--vary", "optimizer=sgd,adam",
        "--trials", 6, "--seed", 3, "--epochs", 50, "--workers", 2, "--keep", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    graph = files.read(xor)
    axes = (Axis.parse("learning_rate=0.01..2:log"), Axis.parse("optimizer=sgd,adam"))
    of = Sweep(axes, "random", 6, 3, 50).settled(graph)
    expected = [run_trial(graph, None, of, n, s)[0] for n, s in enumerate(planned(graph, of))]
    assert [t["settings"] for t in told["trials"]] == [t.settings for t in expected]
    assert [t["loss"] for t in told["trials"]] == [t.loss for t in expected]
    assert told["best"] == min(expected, key=lambda t: t.loss).number
    assert told["trials"][0]["validation"] is None and len(told["trials"][0]["curve"]) == 25
    folder = xor.parent / "xor.gloom.runs" / "sweep-1"
    assert Path(told["folder"]) == folder
    again = kept.read(folder)
    assert [repr(replace(t, seconds=0)) for t in again.trials] == [
        repr(replace(t, seconds=0)) for t in expected
    ]


def test_the_best_is_written_with_settings_and_parameters(xor: Path) -> None:
    best = xor.parent / "best.gloom"
    args = ("sweep", xor, "--vary", "learning_rate=0.001,2", "--search", "grid", "--epochs", 60)
    done = call(*args, "--best", best)
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["Trial", "learning_rate", "State", "Steps", "Loss", "Time"]
    assert rows[2][:4] == ["1", "2", "done", "60"] and rows[3][:3] == ["0", "0.001", "done"]
    graph = files.read(best)
    assert graph.recipe.stages[0].learning_rate == 2
    own = files.read(xor)
    own.put("settings", "recipe", own.recipe.changed(learning_rate=2.0))
    training = Training(own, seed=own.recipe.seed)
    training.run(60)
    assert all(graph.tensors[n].tobytes() == v.tobytes() for n, v in training.parameters().items())
    assert call(*args, "--best", best).exit_code == 2  # it stands already
    assert call(*args, "--best", best, "--force").exit_code == 0


def test_codes_and_sentences(xor: Path, tmp_path: Path) -> None:
    def refused(*args: Any, code: int = 2) -> str:
        done = call("sweep", *args)
        assert done.exit_code == code, done.output
        assert done.stderr.startswith("gradloom: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    assert "nothing that can be varied; did you mean momentum?" in refused(
        xor, "--vary", "momentun=1"
    )
    assert "says not what to try" in refused(xor, "--vary", "seed")
    assert "no example" in refused("example:xoor", "--vary", "seed=1")
    assert "place for results" in refused("example:xor", "--vary", "seed=1", "--keep")
    assert "Missing option '--vary'" in refused(xor)
    path = tmp_path / "steep.gloom"
    graph = compose("J = x^4", {"x": 3.0})
    node = graph.nodes[str(graph.id_of("x"))]
    graph.put("nodes", node.id, replace(node, op="parameter"))
    files.write(graph, path)
    told = refused(path, "--vary", "learning_rate=10,100", "--search", "grid", code=1)
    assert "no trial came to a number" in told and "diverged" in told
    done = call("sweep", path, "--vary", "learning_rate=0.001,100", "--search", "grid", "--json")
    assert done.exit_code == 0
    first, second = json.loads(done.stdout)["trials"]
    assert (first["state"], second["state"]) == ("done", "diverged")
    assert second["loss"] == "NaN" and math.isfinite(first["loss"])


def group(number: int) -> int:
    """How many processes of a group live."""
    count = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = place.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        count += int(told[2]) == number and told[0] != "Z"
    return count


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
def test_interrupted_it_leaves_no_process_and_no_file(xor: Path) -> None:
    command = [sys.executable, "-m", "app", "sweep", str(xor), "--vary", "seed=0..9",
               "--epochs", "100000000", "--best", str(xor.parent / "best.gloom")]  # fmt: skip
    done = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    end = time.monotonic() + 60
    while group(done.pid) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert done.poll() is None
    done.send_signal(signal.SIGINT)
    assert done.wait(20) == 130
    assert done.stderr is not None and b"interrupted" in done.stderr.read()
    assert not (xor.parent / "best.gloom").exists()
    end = time.monotonic() + 10
    while group(done.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert group(done.pid) == 0
