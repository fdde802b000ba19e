"""A process of a pool: trials in, results and news out; a trial is recorded as a run where that is asked."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from app.runs import MAX_NAME, NAME
from engine import files
from engine.files import FileError
from engine.train import runs as folders
from engine.train import trials as kept
from engine.train.axes import Value, title, value_text
from engine.train.recorder import Recorder, Written
from engine.train.session import Training
from engine.train.sweep import Follower, Sweep, Trial, planned, run_trial

POINTS_PER_MESSAGE = 32
_LOOK_S = 0.05
"""Between two looks at what was told, at most a step more."""


def work(connection: Connection) -> None:
    """The process's whole life: a sweep, then trials in and results out, until the pipe ends."""
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    if hasattr(os, "nice"):
        os.nice(5)  # the window comes first
    with contextlib.suppress(EOFError, OSError):
        given: tuple[bytes, Path | None, Sweep, Path, Path | None, float] = connection.recv()
        document, base, sweep, folder, runs, every = given
        try:
            graph = files.from_bytes(document)
        except (ValueError, OSError) as error:
            connection.send(("failed", str(error)))
            return
        while True:
            what, *told = connection.recv()
            if what == "plan":
                try:
                    connection.send(("planned", planned(graph, sweep)))
                except ValueError as error:
                    connection.send(("failed", str(error)))
            elif what == "trial":
                number, settings, before = told
                hand = _Hand(connection, number, sweep, runs, every)
                trial, parameters = run_trial(graph, base, sweep, number, settings, before, hand)
                hand.end(trial)
                trial = replace(trial, seconds=trial.seconds - hand.held, run=hand.run)
                if parameters:
                    try:
                        kept.keep_parameters(folder, trial, parameters)
                    except FileError as error:
                        note = f"its parameters are not kept: {error.reason}"
                        trial = replace(trial, message=f"{trial.message}; {note}".strip("; "))
                connection.send(("over", trial, hand.thinned()))


_ENDS: dict[str, Written] = {"done": "finished", "diverged": "failed", "failed": "failed"}
"""How the run of a trial ended; it was stopped unless it stands here."""


def _name(settings: Mapping[str, Value], varied: Sequence[str]) -> str:
    """What a trial's run is called: what makes it another one than the others."""
    chosen = [n for n in varied if n in settings] or list(settings)
    told = {n: settings[n] for n in chosen}
    words = [v if isinstance(v, str) else f"{title(n)} {value_text(v)}" for n, v in told.items()]
    return ", ".join(words)[:MAX_NAME]


class _Hand(Follower):
    """Listens, tells and records between two steps of a trial."""

    def __init__(
        self,
        connection: Connection,
        number: int,
        sweep: Sweep,
        runs: Path | None,
        every: float,
    ) -> None:
        self.connection, self.number, self.every = connection, number, every
        self.run, self._runs = 0, runs
        self._varied = [axis.field for axis in sweep.axes]
        self._recorder: Recorder | None = None
        self._training: Training | None = None
        self._noted = 0
        self.settings: Mapping[str, Value] = {}
        self.points: list[tuple[int, float]] = []
        self.held = 0.0
        self._told = time.perf_counter() - every  # the first word soon
        self._look = 0.0

    def begin(self, training: Training, settings: Mapping[str, Value]) -> None:
        self.settings, self._training = settings, training
        if self._runs is None:
            return
        try:
            place = folders.new_folder(self._runs)
            files.write_bytes(place / NAME, _name(settings, self._varied).encode())
            self._recorder = Recorder(place, training, files.to_bytes(training.graph), drawn=True)
            self.run = int(place.name)
        except (OSError, ValueError):
            self._recorder = None  # a trial without a record is one, too

    def measured(self, training: Training, metrics: Mapping[str, Mapping[str, float]]) -> None:
        if self._recorder is not None:
            self._note(training)
            self._recorder.measured(metrics)

    def _note(self, training: Training) -> None:
        """The step done last goes into the record."""
        if self._recorder is not None and training.step_count > self._noted:
            self._noted = training.step_count
            self._recorder.note([training.loss], [training.rate])

    def end(self, trial: Trial) -> None:
        """The trial is over, and so is its run."""
        if self._recorder is not None and self._training is not None:
            self._note(self._training)
            self._recorder.halt(_ENDS.get(trial.state, "stopped"), trial.message)
            self._recorder.close()

    def heed(self, training: Training, total: int) -> str:
        if training.step_count:
            self.points.append((training.step_count, training.loss))
            if self._recorder is not None:
                self._recorder.asked = total
                self._note(training)
        now = time.perf_counter()
        if now < self._look:
            return ""
        self._look = now + _LOOK_S
        if self._recorder is not None:
            self._recorder.flush()
        if now - self._told >= self.every:
            self._told = now
            self.connection.send(
                (
                    "live",
                    self.number,
                    self.settings,
                    self.run,
                    training.step_count,
                    total,
                    self.thinned(),
                )
            )
        return self._listen()

    def _listen(self) -> str:
        """ "stopped" when the trial is to end; while it is paused this waits."""
        paused = False
        since = time.perf_counter()
        while paused or self.connection.poll():
            what = self.connection.recv()[0]
            if what == "stop":
                return "stopped"
            paused = what == "pause"
        self.held += time.perf_counter() - since
        return ""

    def thinned(self) -> list[tuple[int, float]]:
        """The points since the last call, the newest among them."""
        every = -(-len(self.points) // POINTS_PER_MESSAGE) or 1
        points = self.points[::-1][::every][::-1]
        self.points.clear()
        return points
