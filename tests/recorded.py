"""Recorded runs of real trainings, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import edits, files
from engine.graph import Graph
from engine.train import runs
from engine.train.recorder import Recorder
from engine.train.session import Training


def record(
    home: Path, graph: Graph, steps: int, parent: tuple[int, int] | None = None, **recipe: Any
) -> Training:
    """Trains a copy of a document for so many steps, recorded as the next run; every moment is kept."""
    made = graph.copy()
    if recipe:
        edits.set_recipe(made, **recipe).apply(made)
    training = Training(made, seed=3)
    recorder = Recorder(
        runs.new_folder(home), training, files.to_bytes(made), parent=parent,
        clock=lambda: 1000.0 * training.step_count,
    )  # fmt: skip
    for _ in range(steps):
        if training.stopped:
            break
        recorder.note([training.step()], [training.learning_rate])
        if training.step_count % 5 == 0:
            recorder.flush()
            recorder.measured(training.metrics())
    recorder.halt("finished", training.stopped)
    recorder.close()
    assert not recorder.fault
    return training
