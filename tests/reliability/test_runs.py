"""Training killed at any moment: nothing recorded is lost or wrong, and going on gives the same bits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.worker import Trainer
from engine import edits, examples, files
from engine.train.recording import Run
from engine.train.session import Training

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CLI = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")


def kill(what: str, folder: Path, count: int, seed: int = 1) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(HERE / "killed_runs.py"), what, str(folder), str(count), str(seed)],
        capture_output=True, text=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_killed_runs_lose_nothing_and_end_with_the_same_bits(tmp_path: Path) -> None:
    """Five runs, each killed twice and gone on with."""
    assert kill("whole", tmp_path, 5)["lost"] == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_runs_lose_nothing_and_end_with_the_same_bits_long(tmp_path: Path) -> None:
    result = kill("whole", tmp_path, 100, seed=2)
    print(f"\n{result}")
    assert result["lost"] == 0


@pytest.mark.parametrize("defect", ["in-place", "torn"])
def test_planted_defects_of_writing_are_caught(defect: str, tmp_path: Path) -> None:
    assert kill(defect, tmp_path, 5)["lost"] >= 1


# ------------------------------------------------------------ the whole program

STEPS = 60_000


def document(folder: Path) -> Path:
    graph = examples.load("xor")
    edits.set_recipe(graph, optimizer="adam", learning_rate=0.001).apply(graph)
    path = folder / "xor.gloom"
    files.write(graph, path)
    return path


def command(*args: object) -> subprocess.Popen[str]:
    def listen() -> None:  # what runs in a shell's background is started with SIGINT ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(
        [*CLI, *map(str, args)], cwd=ROOT, env=ENVIRONMENT, text=True, preexec_fn=listen,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(folder: Path, steps: int) -> None:
    end = time.monotonic() + 60
    run = Run(folder)
    while time.monotonic() < end:
        found = run.metrics().step
        if len(found) and found[-1] >= steps:
            return
        time.sleep(0.01)
    raise AssertionError("the run did not get that far")


def bits(values: Any) -> dict[str, bytes]:
    return {key: np.asarray(value).tobytes() for key, value in values.items()}


def trained(path: Path) -> dict[str, bytes]:
    graph = files.read(path)
    return bits({n: graph.tensors[n] for n in graph.of_op("parameter")})


def undisturbed(path: Path, seed: int) -> dict[str, bytes]:
    training = Training(files.read(path), seed=seed)
    training.keeps_history = False
    training.run(STEPS)
    return bits(training.parameters())


def killed_and_gone_on_with(path: Path, seed: int, rng: random.Random) -> dict[str, bytes]:
    """The parameters of a run of the command that was killed, perhaps twice."""
    folder, out = path.parent / f"run{seed}", path.parent / f"out{seed}.gloom"
    args = ("train", path, "--seed", seed, "--steps", STEPS, "--run", folder, "-o", out, "--force")
    more: tuple[str, ...] = ()
    for _ in range(rng.randint(1, 2)):
        process = command(*args, *more)
        wait_for(folder, rng.randrange(1, STEPS // 2))
        time.sleep(rng.uniform(0, 0.5))
        process.kill()
        process.wait()
        more = ("--resume",)
    process = command(*args, *more)
    assert process.wait(60) == 0, process.communicate()[1]
    run = Run(folder)
    assert run.facts.state == "finished" and run.facts.step == STEPS
    assert run.metrics().step[-1] == STEPS
    return trained(out)


def test_same_bits_by_command_by_window_and_after_a_kill(tmp_path: Path) -> None:
    path, rng = document(tmp_path), random.Random(3)
    whole = undisturbed(path, 7)
    trainer = Trainer(path.read_bytes(), seed=7, runs=tmp_path / "runs")
    try:
        trainer.start(steps=STEPS)
        end = time.monotonic() + 60
        while trainer.is_running and time.monotonic() < end:
            trainer.poll()
            time.sleep(0.01)
        assert bits(trainer.parameters()) == whole
    finally:
        trainer.close()
    assert killed_and_gone_on_with(path, 7, rng) == whole


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_same_bits_after_fifty_kills_of_the_command(tmp_path: Path) -> None:
    path, rng = document(tmp_path), random.Random(4)
    for seed in range(50):
        assert killed_and_gone_on_with(path, seed, rng) == undisturbed(path, seed)


def test_an_interrupted_command_leaves_a_run_to_go_on_with(tmp_path: Path) -> None:
    path, out = document(tmp_path), tmp_path / "out.gloom"
    folder = tmp_path / "xor.gloom.runs" / "1"
    args = ("train", path, "--seed", 1, "--steps", STEPS, "--run", folder, "-o", out)
    process = command(*args)
    wait_for(folder, 500)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130 and not out.exists()
    assert process.communicate()[1].strip() == "gradloom: interrupted"
    facts = Run(folder).facts
    kept = Run(folder).checkpoint()
    assert kept is not None and facts.state == "stopped"
    assert 500 <= kept.step == facts.step < facts.asked == STEPS
    listed = command("runs", path)
    told = listed.communicate()[0]
    assert listed.returncode == 0 and f"{facts.step:,}" in told and "stopped" in told
    again = command(*args, "--resume")
    assert again.wait(60) == 0
    assert trained(out) == undisturbed(path, 1)


# ------------------------------------------------------------ a long run


def grown(steps: int, folder: Path) -> tuple[list[int], dict[str, int]]:
    """Resident kilobytes at tenths of a recorded run of a tiny model, and the sizes of its files."""
    code = f"""
import resource, sys
from pathlib import Path
from engine import examples, files
from engine.train import recorded
from engine.train.recorder import Recorder
from engine.train.recording import Run
from engine.train.session import Training
graph = examples.load("xor")
training = Training(graph, seed=1)
training.keeps_history = False
made = Recorder(Path(sys.argv[1]), training, files.to_bytes(graph), moments=1 << 20)
run = Run(Path(sys.argv[1]))
for tenth in range(1, 11):
    recorded.record(training, made, tenth * {steps} // 10, {{}}, lambda done, total: True)
    run.metrics(), run.moments, run.measures
    with open("/proc/self/statm") as file:
        print(int(file.read().split()[1]) * resource.getpagesize() // 1024)
made.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=ENVIRONMENT, cwd=ROOT, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    return [int(line) for line in done.stdout.split()], sizes


def flat(steps: int, folder: Path) -> None:
    memory, sizes = grown(steps, folder)
    print(f"\n{steps:,} steps: {memory} KiB, {sizes}")
    assert memory[-1] - memory[1] < 2048
    assert sizes["metrics.bin"] == 24 + 24 * steps
    assert sizes["moments"] <= (1 << 20) + 8192 and sizes["measures"] < 1 << 20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_is_flat(tmp_path: Path) -> None:
    flat(100_000, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_is_flat_over_a_million_steps(tmp_path: Path) -> None:
    flat(1_000_000, tmp_path)
