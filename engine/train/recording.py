"""A training run on the disk: its folder of files, and reading them while they are written.

    run.json      what is trained and how it stands: document, recipe, seed, state, what ended it
    document      the document as it was when the run began, a `.gloom` file
    metrics.bin   a head, then one record a step: steps done, loss before the update, learning rate
    measures      one line a time that all rows were measured: step, epoch, seconds, metrics of both parts
    moments       a head, then slots: parameters behind a step, and how far the next step moved them
    checkpoint    all that going on needs, a zip of stored arrays, replaced as a whole
    lock, pinned  held by the program that trains; there when the run is to be kept

A reader may come at any time and after any death of the writer. A record counts when its step is
the one that follows; a slot when its stamps before and behind are equal; a line when it is whole.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np

from engine.fields import GraphError
from engine.files import FileError, from_bytes
from engine.files.archive import bytes_of
from engine.files.document import read_recipe
from engine.files.locks import lock
from engine.files.strict import load_json
from engine.files.structs import RecipeText, Strict
from engine.graph import Graph
from engine.ops.row import Array
from engine.recipe import Recipe, check_recipe
from engine.train.checkpoints import CHECKPOINT, RUN, Checkpoint, read_checkpoint
from engine.train.moments import MOMENTS, Moments
from engine.train.thinning import RECORD, Thinned

DOCUMENT, METRICS, MEASURES, LOCK, PINNED = "document", "metrics.bin", "measures", "lock", "pinned"
VERSION = 1
METRICS_HEAD = struct.Struct("<8sqq")
"""Magic, steps done before the first record, how often records were taken back."""
METRICS_MAGIC = b"GLMET\x01\0\0"
MAX_MEASURES = 32 << 20
Read = TypeVar("Read")
_AT_ONCE = 1 << 16
_READ_LIMIT = 2_000_000
_ALL_LIMIT = 500_000
"""Records that one call of `metrics` reads at most, so that it never takes long."""

State = Literal["running", "paused", "finished", "stopped", "failed", "interrupted"]
"""`interrupted`: the program that trained ended without a word; only a reader says so."""


class RunText(Strict):
    """What `run.json` holds."""

    version: int
    document: str
    drawn: bool
    title: str
    recipe: RecipeText
    seed: int
    started: float
    changed: float
    state: Literal["running", "paused", "finished", "stopped", "failed"]
    reason: str
    asked: int
    step: int
    epoch: int
    loss: float | None
    parent: tuple[int, int] | None


@dataclass(frozen=True)
class Facts:
    """What a run is about and how it stands.

    `document` is the checksum of the document's bytes, `started` and `changed` are seconds since
    1970, `reason` says what ended it. `drawn`: the parameters it starts from were drawn by the seed,
    not taken from the document. `asked` is how many steps were wanted in all, `step` how many
    are done. `parent` is the run's number and the step that it went off from.
    """

    document: str
    drawn: bool
    title: str
    recipe: Recipe
    seed: int
    started: float
    changed: float
    state: State
    reason: str
    asked: int
    step: int
    epoch: int
    loss: float | None
    parent: tuple[int, int] | None


@dataclass(frozen=True)
class Metrics:
    """Steps done (int64), the loss before each one's update and its learning rate (float64)."""

    step: Array
    loss: Array
    learning_rate: Array


@dataclass(frozen=True)
class Clock:
    """How far training was at some steps: epochs, the begun one in parts, and seconds of training."""

    step: Array
    epoch: Array
    seconds: Array


Measures = Mapping[str, Mapping[str, tuple[Array, Array]]]
"""{"train" or "validation": {metric: (steps, values)}}."""


# ------------------------------------------------------------ reading


class Run:
    """A run's folder, read; safe while another program writes.

    Nothing is read before it is asked for, and what is missing or damaged counts as not there, but
    for `facts`, `document`, `parameters` and `checkpoint`, which raise FileError with a sentence.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = int(folder.name) if folder.name.isascii() and folder.name.isdigit() else 0
        self._thinned = Thinned()
        self._mark: tuple[int, int] = (-1, -1)
        self._moments = Moments(folder / MOMENTS)
        self._measures: dict[str, dict[str, tuple[list[int], list[float]]]] = {}
        self._measured, self._last_line = 0, b""
        self._clock: list[tuple[int, float, float]] = []
        self._stages: dict[int, int] = {}

    # -------------------------------------------------------- run.json

    @property
    def facts(self) -> Facts:
        """What `run.json` says now, and whether that still holds. Raises FileError."""
        told = self._checked(RUN, lambda: self._text(load_json(self._bytes(RUN, 1 << 22))))
        known = {name: getattr(told, name) for name in Facts.__dataclass_fields__}
        state: State = told.state
        if state in ("running", "paused") and not self.is_live:
            state = "interrupted"
        return Facts(**{**known, "recipe": read_recipe(told.recipe), "state": state})

    @staticmethod
    def _text(value: Any) -> RunText:
        try:
            told = msgspec.convert(value, RunText)
            check_recipe(read_recipe(told.recipe))
        except (msgspec.ValidationError, GraphError) as error:
            raise FileError(f"it is not a run's record: {error}") from None
        if told.version != VERSION:
            raise FileError("the run was recorded by another version of Gradloom")
        if min(told.step, told.epoch, told.asked, told.seed) < 0:
            raise FileError("it counts below 0")
        return told

    @property
    def is_live(self) -> bool:
        """Whether a program is training this run now."""
        try:
            file = (self.folder / LOCK).open("rb")
        except OSError:
            return False
        with file:
            try:
                lock(file, wait=False)
            except OSError:
                return True
        return False

    @property
    def is_pinned(self) -> bool:
        return (self.folder / PINNED).exists()

    def pin(self, keep: bool) -> None:
        """Marks the run to be kept when old ones are removed, or takes the mark away."""
        if keep:
            (self.folder / PINNED).touch()
        else:
            (self.folder / PINNED).unlink(missing_ok=True)

    def document(self) -> Graph:
        """The document as it was when the run began. Raises FileError."""
        return self._checked(DOCUMENT, lambda: from_bytes(self.document_bytes()))

    def document_bytes(self) -> bytes:
        """The file of `document`, as training takes it. Raises FileError."""
        return self._checked(DOCUMENT, lambda: self._bytes(DOCUMENT))

    # -------------------------------------------------------- metrics

    def metrics(self, limit: int = 2_000) -> Metrics:
        """The record of all steps in about `limit` points: the least and the greatest loss of each stretch.

        One call reads a bounded piece of the file; `is_behind` tells that there is more.
        """
        try:
            with (self.folder / METRICS).open("rb") as file:
                self._read_on(file)
        except OSError:
            pass
        points = self._thinned.points(limit)
        return Metrics(points["step"], points["loss"], points["rate"])

    @property
    def is_behind(self) -> bool:
        """Whether the last call of `metrics` left records unread."""
        try:
            size = (self.folder / METRICS).stat().st_size
        except OSError:
            return False
        there = (size - METRICS_HEAD.size) // RECORD.itemsize
        return not self._thinned.is_broken and self._thinned.total < there

    def between(self, first: int, last: int) -> Metrics:
        """Every record of these steps, both included; empty when there are more than 500,000."""
        records = np.zeros(0, RECORD)
        try:
            with (self.folder / METRICS).open("rb") as file:
                head = file.read(METRICS_HEAD.size)
                magic, before, _ = METRICS_HEAD.unpack(head.ljust(METRICS_HEAD.size, b"\0"))
                at = max(first - before - 1, 0)
                count = last - before - at
                if magic == METRICS_MAGIC and 0 < count <= _ALL_LIMIT:
                    file.seek(METRICS_HEAD.size + at * RECORD.itemsize)
                    data = file.read(count * RECORD.itemsize)
                    records = np.frombuffer(
                        data[: len(data) // RECORD.itemsize * RECORD.itemsize], RECORD
                    )
        except OSError:
            pass
        good = (records["step"] >= first) & (records["step"] <= last)
        records = records[good]
        return Metrics(records["step"], records["loss"], records["rate"])

    def _read_on(self, file: Any) -> None:
        head = file.read(METRICS_HEAD.size)
        if len(head) < METRICS_HEAD.size:
            return
        magic, first, taken_back = METRICS_HEAD.unpack(head)
        if magic != METRICS_MAGIC or not 0 <= first < 2**62:
            return
        if self._mark != (first, taken_back):
            self._mark, self._thinned = (first, taken_back), Thinned(first)
        self._thinned.is_broken = False  # what stood half written may be whole now
        file.seek(METRICS_HEAD.size + self._thinned.total * RECORD.itemsize)
        for _ in range(_READ_LIMIT // _AT_ONCE):
            data = file.read(_AT_ONCE * RECORD.itemsize)
            whole = len(data) // RECORD.itemsize * RECORD.itemsize
            self._thinned.add(np.frombuffer(data[:whole], RECORD))
            if self._thinned.is_broken or whole < _AT_ONCE * RECORD.itemsize:
                break

    # -------------------------------------------------------- measures

    @property
    def measures(self) -> Measures:
        """The metrics over all training rows and all held-out rows, by step."""
        self._read_measures()
        return {
            part: {
                name: (np.asarray(steps, np.int64), np.asarray(values, np.float64))
                for name, (steps, values) in named.items()
            }
            for part, named in self._measures.items()
        }

    @property
    def clock(self) -> Clock:
        """How far training was whenever all rows were measured, its start before them."""
        self._read_measures()
        rows = np.array([(0, 0.0, 0.0), *self._clock], np.float64)
        return Clock(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2])

    @property
    def stages(self) -> dict[int, int]:
        """The stages that were measured, numbered from 0, and how many steps were done before each."""
        self._read_measures()
        return dict(self._stages)

    def _read_measures(self) -> None:
        try:
            with (self.folder / MEASURES).open("rb") as file:
                file.seek(self._measured - len(self._last_line))
                if (
                    file.read(len(self._last_line)) != self._last_line
                ):  # taken back, and written anew
                    self._measures, self._measured, self._clock, self._stages = {}, 0, [], {}
                    self._last_line = b""
                    file.seek(0)
                data = file.read(max(MAX_MEASURES - self._measured, 0))
        except OSError:
            data = b""
        at = 0
        for line, step, parts, (epoch, seconds, stage) in lines_of(data):
            self._last_line, at = data[at : at + line], at + line
            self._measured += line
            while self._clock and self._clock[-1][0] >= step:  # the run went on from before
                self._clock.pop()
            self._clock.append((step, epoch, seconds))
            self._stages = {n: at for n, at in self._stages.items() if at < step}
            self._stages[stage[0]] = stage[1]
            self._add_measures(step, parts)

    def _add_measures(self, step: int, parts: dict[str, dict[str, float]]) -> None:
        for part, named in parts.items():
            for name, value in named.items():
                series = self._measures.setdefault(part, {}).setdefault(name, ([], []))
                while series[0] and series[0][-1] >= step:  # the run went on from before
                    del series[0][-1], series[1][-1]
                series[0].append(step)
                series[1].append(value)

    # -------------------------------------------------------- moments

    @property
    def moments(self) -> list[int]:
        """The steps whose parameters are kept, in order."""
        return sorted(self._moments.slots())

    def nearest(self, step: int) -> int | None:
        """The kept step that is nearest, None when there is none."""
        known = self._moments.slots()
        return min(known, key=lambda other: (abs(other - step), other), default=None)

    def parameters(self, step: int) -> dict[str, Array]:
        """The parameters behind that step, by node id. Raises FileError unless it is in `moments`."""
        return self._moments.parameters(step)

    def update_norms(self, step: int) -> dict[str, float]:
        """How far the step behind a moment moved each parameter: the 2-norm of its update.

        NaN where that step was not done yet. Raises FileError unless the step is in `moments`.
        """
        return self._moments.norms(step)[0]

    def weight_norms(self, step: int) -> dict[str, float]:
        """The 2-norm of each parameter at a moment. Raises FileError unless it is in `moments`."""
        return self._moments.norms(step)[1]

    # -------------------------------------------------------- checkpoint

    def checkpoint(self) -> Checkpoint | None:
        """What going on needs, None when there is none yet. Raises FileError when it is damaged."""
        if not (self.folder / CHECKPOINT).exists():
            return None
        return self._checked(CHECKPOINT, lambda: read_checkpoint(self._bytes(CHECKPOINT)))

    def _bytes(self, name: str, most: int | None = None) -> bytes:
        return bytes_of(self.folder / name, most)

    def _checked(self, name: str, read: Callable[[], Read]) -> Read:
        try:
            return read()
        except FileError as error:
            raise FileError(error.reason, str(self.folder / name)) from None


# ------------------------------------------------------------ formats


Line = tuple[int, int, dict[str, dict[str, float]], tuple[float, float, tuple[int, int]]]


def lines_of(data: bytes) -> Iterator[Line]:
    """The whole lines of `measures` up to the first damaged one: length, step, metrics by part, and
    how many epochs and seconds of training that was, in which stage."""
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return
        try:
            told = msgspec.json.decode(line, type=_MeasureText)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        if not 0 <= told.step < 2**62:
            return
        parts = {"train": told.train, "validation": told.validation}
        read = {p: {n: float(v) for n, v in named.items()} for p, named in parts.items() if named}
        yield len(line), told.step, read, (told.epoch, told.seconds, told.stage)


class _MeasureText(Strict):
    step: int
    train: dict[str, float | Literal["NaN", "Infinity", "-Infinity"]]
    validation: dict[str, float | Literal["NaN", "Infinity", "-Infinity"]]
    epoch: float = 0.0
    seconds: float = 0.0
    stage: tuple[int, int] = (0, 0)


def measure_line(
    step: int,
    metrics: Mapping[str, Mapping[str, float]],
    epoch: float = 0.0,
    seconds: float = 0.0,
    stage: tuple[int, int] = (0, 0),
) -> bytes:
    """A line of `measures`; the numbers that JSON lacks are texts. `stage` is its number, from 0, and
    the steps done before it."""
    told: dict[str, Any] = {
        "step": step, "epoch": epoch, "seconds": round(seconds, 3), "stage": stage,
        "train": {}, "validation": {},
    }  # fmt: skip
    for part, named in metrics.items():
        finite = {n: v if np.isfinite(v) else _SPECIAL[str(float(v))] for n, v in named.items()}
        told[part] = finite
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
