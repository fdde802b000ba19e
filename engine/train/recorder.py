"""Writing a training run: every step, moments within a budget of bytes and of time, checkpoints.

Steps are noted in stretches that end where a moment is due, and written by `flush`. Checkpoints go to
the disk on a thread, so that no step waits for the disk.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

import msgspec
import numpy as np

from engine.files import FileError, canonical_bytes, from_bytes
from engine.files.archive import write_bytes
from engine.files.document import plain_recipe
from engine.files.locks import lock
from engine.graph import Graph
from engine.records import SETTINGS, TOLD
from engine.train import recording
from engine.train.checkpoints import RUN, Checkpoint, Keeper, restore
from engine.train.moments import MomentWriter, write_all
from engine.train.recording import METRICS_HEAD, Run
from engine.train.session import Training
from engine.train.thinning import RECORD

MOMENT_BYTES = 256 << 20
CHECKPOINT_SECONDS = 2.0
_BUFFER = 1 << 16
_MOMENTS_SHARE = 0.03
"""Moments of a run of so many seconds may take this times their root: 1 % of 9 s, and ever less."""
_FREE = 0.04
"""So many seconds of moments no run is asked to save, so that the way of a short one is seen."""
_HELD_UP = 4
"""A moment counts as so many usual ones at most, whatever else the machine did meanwhile."""
_CHECKPOINT_SHARE = 0.005
_MEASURES_SHARE = 1e-3
"""Two measures are this share of the run's time apart, so that their file grows ever slower."""

Written = Literal["running", "paused", "finished", "stopped", "failed"]


def checksum(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()


def _bare(graph: Graph, moved: Collection[str]) -> Graph:
    """What a training of a document is about, without the values that it moves."""
    bare = graph.copy()
    for key in moved:
        if key in bare.tensors:
            bare.put("tensors", key, None)
    for key in TOLD:
        bare.put("settings", key, SETTINGS[key])
    for key in list(bare.notes):
        bare.put("notes", key, None)
    for node in list(bare.nodes.values()):
        bare.put("nodes", node.id, replace(node, x=0.0, y=0.0))
    return bare


class Recorder:
    """Records a training in a folder, from its start or going on from its checkpoint.

    Call `note` behind every `until` steps at most, `flush` now and then (30 times a second is
    plenty), `halt` when training rests, `close` at the end. `document` is the bytes the training was
    made from; `drawn` says that starting parameters were drawn anew by the seed; `moments` how many
    bytes parameters may take. Set `asked` to how many steps are wanted in all. With `resume` the folder
    holds a run, and the training goes to where its last checkpoint is (to its start when there is none).

    `fault` is a sentence once something could not be written; training goes on without a record.
    Raises FileError, or TrainingError when the checkpoint is not of this document.
    """

    def __init__(
        self,
        folder: Path,
        training: Training,
        document: bytes,
        *,
        resume: bool = False,
        drawn: bool = False,
        parent: tuple[int, int] | None = None,
        moments: int = MOMENT_BYTES,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.folder, self.training = folder, training
        self.fault = self.refused = ""
        self.asked = 0
        self._clock = clock
        self._losses: list[float] = []
        self._rates: list[float] = []
        self.until = 1
        self._state: Written = "running"
        self._reason = ""
        self._lock = _locked(folder)
        self._ran, self._since = 0.0, clock()  # type: float, float | None
        try:
            if resume:
                self._go_on(checksum(document))
            else:
                self._begin(document, drawn, parent)
            self._moments = MomentWriter(folder, training, moments)
        except BaseException as error:
            self._lock.close()
            if isinstance(error, OSError):
                raise FileError(
                    f"the run cannot be recorded: {error.strerror}", str(folder)
                ) from None
            raise
        self._began = self._measured = clock()
        self._due = self._began + CHECKPOINT_SECONDS
        self._begun_at = self._next = training.step_count
        self._spent = self._cost = self._usual = 0.0
        self._keeper = Keeper(folder, self._metrics)
        self._keeper.put(record=self._record())
        self._tend()

    def _begin(self, document: bytes, drawn: bool, parent: tuple[int, int] | None) -> None:
        now = time.time()
        self._facts: dict[str, Any] = {
            "version": recording.VERSION, "document": checksum(document), "drawn": drawn,
            "title": str(self.training.graph.settings["title"]), "seed": self.training.seed,
            "recipe": plain_recipe(self.training.graph.recipe), "started": now, "parent": parent,
        }  # fmt: skip
        write_bytes(self.folder / recording.DOCUMENT, document)
        self._first, self._count, self._taken_back = self.training.step_count, 0, 0
        head = METRICS_HEAD.pack(recording.METRICS_MAGIC, self._first, 0)
        write_bytes(self.folder / recording.METRICS, head)
        write_bytes(self.folder / recording.MEASURES, b"")
        write_bytes(self.folder / RUN, self._record())
        self._open()

    def _is_of_this(self, run: Run) -> bool:
        """Whether the run's document and this one differ at most in what training moves, which a checkpoint
        holds, and in what no value depends on: a trained document that was saved is still the one."""
        moved = self.training.moved
        documents = from_bytes(run.document_bytes()), self.training.graph
        one, other = (canonical_bytes(_bare(graph, moved)) for graph in documents)
        return one == other

    def _go_on(self, document: str) -> None:
        run = Run(self.folder)
        facts = run.facts
        kept = run.checkpoint()
        if facts.document != document and not (kept is not None and self._is_of_this(run)):
            raise FileError(
                "the document has changed since this run began; train it in a run of its own",
                str(self.folder),
            )
        if kept is not None:
            restore(self.training, kept)
        told = msgspec.json.decode((self.folder / RUN).read_bytes())
        self._facts = {k: told[k] for k in _LASTING}
        self.asked = self.asked or facts.asked
        self._open()
        head = self._metrics.read(METRICS_HEAD.size)
        size = os.fstat(self._metrics.fileno()).st_size
        magic, first, self._taken_back = METRICS_HEAD.unpack(head.ljust(METRICS_HEAD.size, b"\0"))
        done = self.training.step_count
        there = (size - METRICS_HEAD.size) // RECORD.itemsize
        if magic != recording.METRICS_MAGIC or not first <= done <= first + there:
            first = done  # what was lost leaves a gap, so the record begins anew
        self._first, self._count = first, max(there, 0)
        self._cut(done)
        with (self.folder / recording.MEASURES).open("r+b") as file:
            data = file.read(recording.MAX_MEASURES)
            lines = [line for line in recording.lines_of(data) if line[1] <= done]
            file.truncate(sum(line[0] for line in lines))
            self._ran = lines[-1][3][1] if lines else 0.0

    def _open(self) -> None:
        self._metrics: IO[bytes] = (self.folder / recording.METRICS).open("r+b", buffering=0)
        self._lines: IO[bytes] = (self.folder / recording.MEASURES).open("ab", buffering=0)

    # ------------------------------------------------------------ at every step

    def note(self, losses: Sequence[float], rates: Sequence[float]) -> None:
        """Steps were done, `until` of them at most: their losses and learning rates."""
        self._losses += losses
        self._rates += rates
        self.until -= len(losses)
        if self.until <= 0:
            self._tend()

    def _tend(self) -> None:
        """What is to be done before the next step: a moment begun or completed, a full buffer."""
        if self.fault:
            self._losses.clear()
            self._rates.clear()
            self.until = _BUFFER
            return
        try:
            if len(self._losses) >= _BUFFER:
                self._append()
            step, begin = self.training.step_count, self._clock()
            if self._moments.is_open or step >= self._next:
                self._moments.take(step >= self._next)
                self._took(self._clock() - begin)
                self._next = self._next_moment()
        except OSError as error:
            self._fail(error)
        self._plan()

    def _plan(self) -> None:
        """When there is something to be done again."""
        to_moment = 1 if self._moments.is_open else self._next - self.training.step_count
        self.until = min(to_moment, _BUFFER - len(self._losses))

    def _took(self, seconds: float) -> None:
        """Counts the time of a moment; one that the machine held up counts as a few others."""
        if self._usual:
            seconds = min(seconds, _HELD_UP * self._usual)
        self._usual += (seconds - self._usual) / (10 if self._usual else 1)
        self._cost = max(seconds, self._cost / 2)
        self._spent += seconds

    def _next_moment(self) -> int:
        """The next step with a moment for which time is left, no sooner than an even pace has it.

        The first `_FREE` seconds of them apart, moments of 2 times c seconds may be as many as
        0.03 sqrt(t) / 2c after t seconds; the pace is the inverse of the derivative of that.
        """
        step, elapsed = self.training.step_count, self._clock() - self._began
        spent = self._spent + self._cost - _FREE
        if spent <= 0:
            return self._moments.after(step)
        pace = 4 * self._usual * math.sqrt(max(elapsed, 0.0)) / _MOMENTS_SHARE
        wait = max((spent / _MOMENTS_SHARE) ** 2 - elapsed, pace)
        done = step - self._begun_at
        skip = int(wait * done / elapsed) if wait > 0 and elapsed > 0 else 0
        return self._moments.after(step + min(skip, _BUFFER))

    # ------------------------------------------------------------ now and then

    def flush(self) -> None:
        """Writes what was noted, and a checkpoint when one is due."""
        if self.fault:
            return
        try:
            self._append()
            now = self._clock()
            if now >= self._due and not self._keeper.is_busy:
                self._keep()
                taken = self._clock() - now
                self._due = now + max(CHECKPOINT_SECONDS, taken / _CHECKPOINT_SHARE)
        except OSError as error:
            self._fail(error)

    def measured(self, metrics: Mapping[str, Mapping[str, float]]) -> None:
        """All rows were measured behind the step done last."""
        now = self._clock()
        if self.fault or now - self._measured < (now - self._began) * _MEASURES_SHARE:
            return
        self._measured = now
        try:
            training = self.training
            step, start = training.step_count, training.stage_start
            part = (step - start) % training.steps_per_epoch / training.steps_per_epoch
            line = recording.measure_line(
                step, metrics, training.epoch + part, self._seconds, (training.stage_number, start)
            )
            write_all(self._lines, line)
        except OSError as error:
            self._fail(error)

    def changed(self) -> None:
        """Parameters, optimizer or learning rate were changed by hand: that has to be kept, too."""
        if not self.fault:
            try:
                self._moments.changed()
            except OSError as error:
                self._fail(error)
            self._due = -math.inf
            self.flush()

    def went_on(self) -> None:
        """Training goes on after a rest."""
        self._state, self._reason = "running", ""
        if self._since is None:
            self._since = self._clock()
        if not self.fault:
            self._keeper.put(record=self._record())

    def halt(self, state: Written, reason: str = "") -> None:
        """Training rests behind the step done last; everything of it is kept."""
        self._ran, self._since = self._seconds, None
        if self.fault:
            return
        self._due = self._clock() + CHECKPOINT_SECONDS
        try:
            self._append()
            self._moments.rest()
            self._state, self._reason = state, reason
            self._keep()
        except OSError as error:
            self._fail(error)
        self._plan()

    def close(self) -> None:
        """Returns when everything is on the disk."""
        if not self.fault:
            try:
                self._append()
                if self._due == -math.inf:
                    self._keep()
            except OSError as error:
                self._fail(error)
        self._keeper.close()
        self.fault, self.refused = self.fault or self._keeper.fault, self._keeper.refused
        for file in (self._metrics, self._lines, self._lock):
            file.close()
        self._moments.close()

    @property
    def problem(self) -> str:
        """What is not being kept, in a sentence; empty when all is well."""
        return self.fault or self.refused

    # ------------------------------------------------------------ inside

    @property
    def _seconds(self) -> float:
        """How long this run was trained, its rests left out."""
        return self._ran + (self._clock() - self._since if self._since is not None else 0.0)

    def _append(self) -> None:
        self.fault, self.refused = self._keeper.fault, self._keeper.refused
        done = self.training.step_count
        ahead = self._first + self._count + len(self._losses) - done
        if ahead > 0:  # it diverged and went back to its last finite step
            kept = max(len(self._losses) - ahead, 0)
            del self._losses[kept:], self._rates[kept:]
            if not kept:
                self._cut(done)
            self._moments.cut(done)
        if not self._losses:
            return
        records = np.empty(len(self._losses), RECORD)
        start = self._first + self._count + 1
        records["step"] = np.arange(start, start + len(records))
        records["loss"], records["rate"] = self._losses, self._rates
        self._metrics.seek(METRICS_HEAD.size + self._count * RECORD.itemsize)
        write_all(self._metrics, records.tobytes())
        self._count += len(records)
        self._losses.clear()
        self._rates.clear()

    def _cut(self, done: int) -> None:
        """Takes the records behind `done` steps back; readers see it by the head."""
        self._count, self._taken_back = min(self._count, done - self._first), self._taken_back + 1
        self._metrics.truncate(METRICS_HEAD.size + self._count * RECORD.itemsize)
        self._metrics.seek(0)
        head = METRICS_HEAD.pack(recording.METRICS_MAGIC, self._first, self._taken_back)
        write_all(self._metrics, head)

    def _keep(self) -> None:
        self._keeper.put(Checkpoint(*self.training.state()), self._record())

    def _record(self) -> bytes:
        training = self.training
        now = {
            **self._facts, "changed": time.time(), "state": self._state, "reason": self._reason,
            "asked": self.asked, "step": training.step_count, "epoch": training.epoch,
            "loss": training.loss if math.isfinite(training.loss) else None,
        }  # fmt: skip
        return msgspec.json.encode(now)

    def _fail(self, error: OSError) -> None:
        self.fault = f"this run is no longer recorded: {error.strerror or error}; training goes on"


_LASTING = (
    "version", "document", "drawn", "title", "seed", "recipe", "started", "parent",
)  # fmt: skip


def _locked(folder: Path) -> IO[bytes]:
    try:
        file = (folder / recording.LOCK).open("ab")
    except OSError as error:
        raise FileError(f"the run cannot be recorded: {error.strerror}", str(folder)) from None
    for _ in range(20):  # a reader looks whether it is locked by locking it
        try:
            lock(file, wait=False)
            return file
        except OSError:
            time.sleep(0.02)
    file.close()
    raise FileError("another program trains this run; stop it there first", str(folder))
