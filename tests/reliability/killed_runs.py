"""Kills a program that records a training, again and again; run as a script, prints what was lost as JSON.

    killed_runs.py whole|in-place|torn FOLDER COUNT SEED

`whole` is the recorder as it is. `in-place` writes checkpoints over the old ones, `torn` puts both
stamps of a moment before its numbers: the planted defects.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from killed import killed

from engine import files
from engine.compose import compose
from engine.graph import Graph, Node
from engine.ops.row import Array
from engine.recipe import Stage
from engine.records import Recipe
from engine.train import checkpoints, moments, recorder, runs
from engine.train.recorder import Recorder
from engine.train.recording import Run
from engine.train.session import Training

STEPS = 600
MOMENTS = 60_000
"""Bytes for about a dozen moments, so that slots are written over all the time."""


def network() -> Graph:
    """A small regression, trained by Adam in batches of 4 of 10 rows."""
    rng = np.random.default_rng(0)
    sizes = (6, 24, 16, 1)
    values: dict[str, Any] = {"x": rng.normal(size=(10, 6)), "y": rng.normal(size=(10, 1))}
    for i in range(1, 4):
        values[f"W{i}"] = rng.normal(size=(sizes[i - 1], sizes[i])) / 3
    program = "h1 = tanh(x @ W1)\nh2 = tanh(h1 @ W2)\nloss = mse(h2 @ W3, y)"
    graph = compose(program, values)
    graph.put("settings", "recipe", Recipe((Stage(optimizer="adam", learning_rate=0.01),)))
    for name in ("W1", "W2", "W3"):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, Node(node.id, "parameter", name))
    return graph


def told(values: Mapping[str, Array]) -> str:
    whole = hashlib.sha256()
    for key in sorted(values):
        whole.update(key.encode() + np.ascontiguousarray(values[key]).tobytes())
    return whole.hexdigest()


class Reference:
    """What an undisturbed training has behind each step."""

    def __init__(self) -> None:
        self.graph = network()
        training = Training(self.graph)
        self.states, self.parameters = [told(training.state()[0])], [told(training.parameters())]
        for _ in range(STEPS):
            training.step()
            self.states.append(told(training.state()[0]))
            self.parameters.append(told(training.parameters()))
        self.losses = training.history


def train(folder: Path, graph: Graph, acknowledge: Callable[[int], None], pace: float) -> None:
    """Records a training to its end, going on where there is something to go on from."""
    training = Training(graph)
    resume = (folder / "run.json").exists()
    made = Recorder(folder, training, files.to_bytes(graph), resume=resume, moments=MOMENTS)
    acknowledge(training.step_count)
    while training.step_count < STEPS:
        made.note([training.step()], [training.rate])
        made._next = min(made._next, training.step_count)  # every moment is affordable
        made.flush()
        acknowledge(training.step_count)
        time.sleep(pace)
    made.halt("finished")
    made.close()


def found_wrong(folder: Path, reference: Reference, last: int) -> str:
    """What a reader sees of a run whose program died: "" when all of it is true."""
    run = Run(folder)
    if not (folder / "run.json").exists():
        return "" if last < 0 else "no run.json after it was acknowledged"
    facts = run.facts
    metrics = run.metrics(10_000)
    if len(metrics.step) < last or metrics.loss.tolist() != reference.losses[: len(metrics.step)]:
        return f"{len(metrics.step)} losses after {last} steps were acknowledged, or wrong ones"
    for step in run.moments:
        if told(run.parameters(step)) != reference.parameters[step]:
            return f"the moment of step {step} is not that of its step"
    kept = run.checkpoint()
    if kept is not None and told(kept.arrays) != reference.states[kept.step]:
        return f"the checkpoint of step {kept.step} is not that of its step"
    return "" if facts.state in ("interrupted", "finished") else f"it says it is {facts.state}"


def once(home: Path, reference: Reference, rng: random.Random) -> str:
    """Kills a run until it is done, which is the third time at the latest."""
    folder = runs.new_folder(home)
    for _ in range(2):
        pace = rng.choice([0.0, 0.0005])
        try:
            last = killed(lambda say, p=pace: train(folder, reference.graph, say, p), rng)
        except Exception as error:
            return f"it could not be begun: {error}"
        try:
            wrong = found_wrong(folder, reference, last)
        except ValueError as error:
            wrong = f"unreadable: {error}"
        if wrong:
            return wrong
    train(folder, reference.graph, lambda step: None, 0.0)
    kept = Run(folder).checkpoint()
    if kept is None or told(kept.arrays) != reference.states[STEPS]:
        return "it did not end with the same bits"
    return found_wrong(folder, reference, STEPS)


def in_place(path: Any, data: bytes) -> None:
    with open(path, "wb") as file:
        for start in range(0, len(data), 1 << 12):
            file.write(data[start : start + (1 << 12)])
            file.flush()
            time.sleep(0.001)


def torn(self: Any, place: int, stamp: bytes) -> None:
    """The planted defect: a slot is valid before its numbers are there."""
    for at, part in (
        (place, stamp),
        (place + self.layout.slot - len(stamp), stamp),
        (place + len(stamp), self._slot[len(stamp) : -len(stamp)]),
    ):
        self._file.seek(at)
        for start in range(0, len(part), 1 << 11):
            moments.write_all(self._file, part[start : start + (1 << 11)])
            time.sleep(0.001)


def main() -> None:
    what, folder, count, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    recorder.CHECKPOINT_SECONDS = 0.003
    recorder._CHECKPOINT_SHARE = 1.0
    if what == "in-place":
        checkpoints.write_bytes = in_place  # type: ignore[assignment]
    if what == "torn":
        moments.MomentWriter._write = torn  # type: ignore[method-assign]
    reference, rng = Reference(), random.Random(seed)
    lost = [problem for problem in (once(folder, reference, rng) for _ in range(count)) if problem]
    print(json.dumps({"kills": 2 * count, "lost": len(lost), "examples": lost[:3]}))


if __name__ == "__main__":
    main()
