"""What window and training process tell each other: what to train, how far it is, where parameters lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

State = Literal["idle", "starting", "running", "paused", "finished", "stopped", "failed", "ended"]
"""`finished`: all steps asked for are done. `failed`: the training says why it cannot go on.
`ended`: the process died by itself, or was ended because it did not answer."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the process is to train, and where it is recorded; see `app.worker.Trainer`."""

    document: bytes
    base: Path | None = None
    seed: int | None = None
    runs: Path | None = None
    resume: Path | None = None
    parent: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """One message from the training.

    `step` steps are done and `epoch` full passes over the data; `loss` is the last step's, taken
    before its update. `points` are (step, loss) since the message before, thinned out evenly.
    `metrics` is {"train": {name: value}, "validation": {...}}, empty when they were not computed
    anew. `rate` is in steps a second. `stage` is the number of the stage at work, which began when `begun`
    steps were done, `total` how many steps will have been done at the end of what was asked for. `longest`
    is how many seconds the process was last deaf for while it did a step. `message` is one sentence for
    people, empty when all is well.
    """

    state: State
    step: int = 0
    epoch: int = 0
    loss: float = float("nan")
    points: tuple[tuple[int, float], ...] = ()
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rate: float = 0.0
    learning_rate: float = float("nan")
    message: str = ""
    stage: int = 0
    begun: int = 0
    total: int = 0
    longest: float = 0.0
    more: bool = False
    _half: int = -1
    """Which half of the shared memory holds the parameters of this step, -1 for none."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parameters lie in each half of the shared memory: (id, shape, dtype, offset).

    `run` is the folder that the training is recorded in, None when it is not.
    """

    name: str
    half: int
    entries: tuple[tuple[str, tuple[int, ...], str, int], ...]
    run: Path | None = None
