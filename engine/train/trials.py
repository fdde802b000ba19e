"""A sweep on the disk: what was varied, a line a trial that is over, and the best parameters of each.

sweep.json   what is varied on which document, and how it is searched
document     the document as it was when the sweep began, a `.gloom` file
trials       one line a trial that is over; of two lines with one number the later counts
trial-N      the best parameters of trial N, as a checkpoint
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine.files import FileError
from engine.files.archive import bytes_of, from_bytes, write_bytes
from engine.files.strict import MAX_BYTES, load_json
from engine.files.structs import Strict
from engine.graph import Graph
from engine.ops.row import Array
from engine.train.axes import Axis
from engine.train.checkpoints import checkpoint_bytes, read_checkpoint
from engine.train.sweep import MAX_TRIALS, Search, State, Sweep, Trial

SWEEP, DOCUMENT, TRIALS = "sweep.json", "document", "trials"
VERSION = 1
_NAME = re.compile(r"sweep-([1-9]\d{0,8})")
_PARAMETER = "parameter/"
_MOST_TRIALS = 256 << 20


class SweepText(Strict):
    """What `sweep.json` holds; an axis is the text that `Axis.parse` reads."""

    version: int
    title: str
    started: float
    axes: list[str]
    search: Search
    trials: int
    seed: int
    epochs: int | None
    prune: bool
    goes_on: bool


class TrialText(Strict):
    """A line of `trials`; null stands for a number that is not finite."""

    number: int
    settings: dict[str, int | float | str]
    state: State
    steps: int
    loss: float | None
    validation: float | None
    best_step: int
    metrics: dict[str, dict[str, float | None]]
    seconds: float
    message: str
    curve: list[tuple[int, float | None, float | None]]
    run: int = 0


@dataclass(frozen=True)
class Kept:
    """A sweep as it stands on the disk: `trials` are those that are over, by number."""

    sweep: Sweep
    title: str
    started: float
    trials: tuple[Trial, ...]


def folders(home: Path) -> list[Path]:
    """The sweeps of a document's folder of runs, by number."""
    try:
        found = [p for p in home.iterdir() if _NAME.fullmatch(p.name) and (p / SWEEP).is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda path: int(path.name.partition("-")[2]))


def begin(home: Path, sweep: Sweep, document: bytes, title: str = "") -> Path:
    """Makes the folder of the next sweep. Raises OSError or FileError."""
    home.mkdir(parents=True, exist_ok=True)
    taken = [int(m[1]) for name in os.listdir(home) if (m := _NAME.fullmatch(name))]
    number = max(taken, default=0) + 1
    while True:
        folder = home / f"sweep-{number}"
        try:
            folder.mkdir()
            break
        except FileExistsError:  # another program was first
            number += 1
    axes = [f"{axis.field}={axis.text}" for axis in sweep.axes]
    told = SweepText(
        VERSION, title, time.time(), axes, sweep.search, sweep.trials, sweep.seed, sweep.epochs,
        sweep.prune, sweep.goes_on,
    )  # fmt: skip
    write_bytes(folder / DOCUMENT, document)
    write_bytes(folder / SWEEP, msgspec.json.encode(told))
    return folder


def read(folder: Path) -> Kept:
    """A sweep with the trials that are over; damaged lines count as not there. Raises FileError."""
    try:
        told = msgspec.convert(load_json(bytes_of(folder / SWEEP, 1 << 20)), SweepText)
        axes = tuple(Axis.parse(text) for text in told.axes)
        sweep = Sweep(
            axes, told.search, told.trials, told.seed, told.epochs, told.prune, told.goes_on
        )
        sweep = sweep.settled(document(folder))
    except (msgspec.ValidationError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"it is not a sweep's record: {error}", str(folder)) from None
    if told.version != VERSION:
        raise FileError("the sweep was made by another version of Gradloom", str(folder))
    return Kept(sweep, told.title, told.started, tuple(_trials(folder)))


def _trials(folder: Path) -> list[Trial]:
    found: dict[int, Trial] = {}
    with suppress(OSError, FileError):
        data = bytes_of(folder / TRIALS, _MOST_TRIALS)
        for line in data[: data.rfind(b"\n") + 1].splitlines():
            with suppress(FileError, msgspec.ValidationError):
                told = msgspec.convert(load_json(line), TrialText)
                if 0 <= told.number < MAX_TRIALS:
                    found[told.number] = _trial(told)
    return [found[number] for number in sorted(found)]


def _trial(told: TrialText) -> Trial:
    known: dict[str, Any] = {name: getattr(told, name) for name in TrialText.__struct_fields__}
    known["loss"], known["validation"] = _number(told.loss), _number(told.validation)
    known["metrics"] = {
        part: {name: _number(value) for name, value in values.items()}
        for part, values in told.metrics.items()
    }
    known["curve"] = tuple((step, _number(a), _number(b)) for step, a, b in told.curve)
    return Trial(**known)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def document(folder: Path) -> Graph:
    """The document that was varied. Raises FileError."""
    return from_bytes(document_bytes(folder))


def document_bytes(folder: Path) -> bytes:
    """The file of `document`, as trials take it. Raises FileError."""
    return bytes_of(folder / DOCUMENT, MAX_BYTES)


def add(folder: Path, trial: Trial) -> None:
    """Writes a trial that is over. Raises OSError."""
    line = json.dumps(_plain({name: getattr(trial, name) for name in TrialText.__struct_fields__}))
    with (folder / TRIALS).open("ab") as file:
        if file.tell() and not _ends_a_line(folder / TRIALS):
            file.write(b"\n")  # a line that was cut off stays one damaged line
        file.write(line.encode() + b"\n")


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def keep_parameters(folder: Path, trial: Trial, parameters: Mapping[str, Array]) -> None:
    """Writes the best parameters of a trial. Raises FileError."""
    arrays = {_PARAMETER + n: value for n, value in parameters.items()}
    write_bytes(
        folder / f"trial-{trial.number}", checkpoint_bytes(arrays, {"step": trial.best_step})
    )


def parameters(folder: Path, number: int) -> dict[str, Array]:
    """The best parameters of a trial, by node id or path. Raises FileError when there are none."""
    path = folder / f"trial-{number}"
    if not path.is_file():
        raise FileError(f"no parameters of trial {number} were kept; choose another one")
    found = read_checkpoint(bytes_of(path, MAX_BYTES)).arrays
    return {n.removeprefix(_PARAMETER): value for n, value in found.items()}
