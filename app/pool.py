"""Trials of a sweep in processes, as many at once as the machine has cores to spare.

The window holds a `Pool` and asks it for news from a timer; nothing here waits but `close`. Every
process has one trial at a time and gets the next when it is free. One that dies takes its trial with
it, and another comes in its place. All of them leave with their parent.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from app.peer import Peer
from app.trial_process import work
from engine.ops.row import Array
from engine.train import trials as kept
from engine.train.axes import Value
from engine.train.sweep import Sweep, Trial, learnt_from

State = Literal["idle", "running", "paused", "stopping", "finished", "stopped", "failed"]
"""`failed`: the document or the sweep cannot be read by its processes; `message` says why."""
MESSAGES_PER_SECOND = 10
"""Of all processes together, while trials are under way."""
MAX_POINTS = 600
"""Points of a trial that are kept; every other one is dropped beyond."""
GRACE_S = 0.6
"""How long a process may take to answer that it has stopped."""


def cores(spare: int = 1) -> int:
    """How many processes to run at once: the cores there are less `spare`, at least one."""
    usable = getattr(os, "sched_getaffinity", None)
    count = len(usable(0)) if usable is not None else os.cpu_count() or 1
    return max(count - spare, 1)


@dataclass
class Live:
    """A trial as it goes on: `step` of `total`, and (step, loss) of its steps, thinned."""

    step: int = 0
    total: int = 0
    points: list[tuple[int, float]] = field(default_factory=list)

    def take(self, step: int, total: int, points: Sequence[tuple[int, float]]) -> None:
        self.step, self.total = step, total
        self.points += points
        if len(self.points) > MAX_POINTS:
            del self.points[1:-1:2]


@dataclass
class _Worker:
    peer: Peer
    trial: int = -1
    planning: bool = False

    @property
    def is_busy(self) -> bool:
        return self.trial >= 0 or self.planning

    @property
    def process(self) -> Any:
        return self.peer.process


class Pool:
    """Runs a settled sweep of a document; `close` ends it.

    `document` is a document as the bytes of a file, `base` the folder its data files are relative to,
    `folder` where results are kept (`engine.train.trials`), None for a place that goes with the pool.
    `runs` is where each trial is recorded as a run as well, with its curve and its moments.
    `done` are trials that are over already. `trials` are all of them, only those that are done until it
    is known which there are; `live` those that were under way at any time, by number.
    """

    def __init__(
        self,
        document: bytes,
        base: Path | None,
        sweep: Sweep,
        folder: Path | None = None,
        workers: int | None = None,
        done: Sequence[Trial] = (),
        runs: Path | None = None,
    ) -> None:
        self.sweep, self.state, self.message = sweep, "idle", ""  # type: Sweep, State, str
        self.trials: list[Trial] = list(done)
        self.live: dict[int, Live] = {}
        self.workers = workers or cores()
        self.document, self._base, self._done = document, base, done
        self._runs = runs
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="gradloom-sweep-"))
        self._staff: list[_Worker] = []
        self._leaving: list[Any] = []
        self._plan: list[Mapping[str, Value] | None] = []
        self._next = 0
        self._deadline = 0.0

    # ------------------------------------------------------------ commands

    def start(self) -> None:
        """Begins; one process says which trials there are while the others come up."""
        if self.state == "idle":
            self.state = "running"
            self._hire()
            self._staff[0].planning = True
            self._tell(self._staff[0], "plan")

    def again(self) -> Pool:
        """A pool that does what this one, which has ended, left undone."""
        pool = Pool(
            self.document,
            self._base,
            self.sweep,
            self.folder,
            self.workers,
            list(self.trials),
            self._runs,
        )
        pool._temporary, self._temporary = self._temporary, False
        pool.live = {n: live for n, live in self.live.items() if self.trials[n].state != "stopped"}
        return pool

    def pause(self) -> None:
        """Holds all trials behind the steps being done."""
        if self.state == "running":
            self.state = "paused"
            self._tell_all("pause")

    def resume(self) -> None:
        if self.state == "paused":
            self.state = "running"
            self._tell_all("resume")

    def stop(self) -> None:
        """Ends the trials under way, which keep what they have; the others stay undone."""
        if self.state in ("running", "paused"):
            self.state = "stopping"
            self._deadline = time.monotonic() + GRACE_S
            self._tell_all("stop")

    @property
    def is_on(self) -> bool:
        """True until it has come to an end, also while it is paused."""
        return self.state in ("running", "paused", "stopping")

    @property
    def progress(self) -> float:
        """The share of all steps that is done, from 0 to 1."""
        if not self.trials:
            return 0.0
        done = sum(1.0 for trial in self.trials if trial.is_over)
        running = (self.live[t.number] for t in self.trials if t.state == "running")
        done += sum(live.step / live.total for live in running if live.total)
        return min(done / len(self.trials), 1.0)

    def parameters(self, number: int) -> dict[str, Array]:
        """The best parameters of a trial that is over. Raises FileError."""
        return kept.parameters(self.folder, number)

    def close(self) -> None:
        """Ends all processes, at once."""
        for worker in self._staff:
            if worker.trial >= 0:
                self._lost(worker, "stopped", "stopped")
            worker.process.terminate()
            worker.peer.hang_up()
            self._leaving.append(worker.process)
        self._staff.clear()
        for process in self._leaving:
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        self._leaving.clear()
        if self.is_on:
            self.state = "stopped"
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------ news

    def poll(self) -> list[int]:
        """The numbers of the trials with news since the last call, each once; never waits."""
        news: dict[int, None] = {}
        for worker in list(self._staff):
            ended = not worker.process.is_alive()  # asked before reading: no last word is missed
            try:
                while worker.peer.connection.poll():
                    self._hear(worker, *worker.peer.connection.recv(), news=news)
            except (EOFError, OSError):
                ended = True
            if ended:
                self._ended(worker, news)
        if self.state == "stopping" and time.monotonic() > self._deadline:
            for worker in [w for w in self._staff if w.is_busy]:
                news[worker.trial] = None
                self._lost(worker, "stopped", "stopped in the middle of a step")
                self._dismiss(worker, at_once=True)
        self._hand_out(news)
        self._rest()
        self._reap()
        return [number for number in news if number >= 0]

    def _hear(self, worker: _Worker, what: str, *told: Any, news: dict[int, None]) -> None:
        if what == "planned":
            worker.planning = False
            self._plan = told[0]
            self.trials = [Trial(n, settings or {}) for n, settings in enumerate(self._plan)]
            for trial in self._done:
                fits = trial.number < len(self.trials) and trial.is_over
                if fits and trial.state != "stopped":
                    self.trials[trial.number] = trial
            news |= dict.fromkeys(range(len(self.trials)))
        elif what == "failed":
            self.state, self.message = "failed", str(told[0])
        elif what == "live":
            number, settings, run, *rest = told
            self.trials[number] = replace(self.trials[number], settings=settings, run=run)
            self.live[number].take(*rest)
            news[number] = None
        else:
            trial, points = told
            live = self.live[trial.number]
            live.take(trial.steps, live.total or trial.steps, points)
            worker.trial = -1
            self._over(trial)
            news[trial.number] = None

    def _over(self, trial: Trial) -> None:
        self.trials[trial.number] = trial
        try:
            kept.add(self.folder, trial)
        except OSError as error:
            self.message = f"results are not kept: {error.strerror}; the sweep goes on"

    def _ended(self, worker: _Worker, news: dict[int, None]) -> None:
        worker.process.join(1.0)
        code = worker.process.exitcode
        how = f" (signal {-code})" if code is not None and code < 0 else ""
        if worker.trial >= 0:
            news[worker.trial] = None
            self._lost(
                worker, "failed", f"the process that trained it ended{how}; the others go on"
            )
        if worker.planning and self.is_on:
            self.state = "failed"
            self.message = f"the process that plans the trials ended{how}; start the sweep again"
        self._dismiss(worker)

    def _lost(self, worker: _Worker, state: Any, message: str) -> None:
        """The trial of a process that says nothing any more."""
        number, worker.trial = worker.trial, -1
        worker.planning = False
        if number >= 0 and self.trials[number].state == "running":
            steps = self.live[number].step
            self._over(replace(self.trials[number], state=state, message=message, steps=steps))

    # ------------------------------------------------------------ inside

    def _hand_out(self, news: dict[int, None]) -> None:
        """Gives the next trials to who is free, in order."""
        while self.state == "running" and self._plan:
            while self._next < len(self.trials) and self.trials[self._next].state != "waiting":
                self._next += 1
            if self._next == len(self.trials):
                return
            number = self._next
            told = learnt_from(self.sweep, self.trials, number)
            if told is None:
                return
            worker = next((w for w in self._staff if not w.is_busy), None)
            if worker is None:
                if len(self._staff) >= self.workers:
                    return
                self._hire()
                continue
            worker.trial = number
            self.trials[number] = replace(self.trials[number], state="running")
            self.live[number] = Live()
            news[number] = None
            self._tell(worker, "trial", number, self._plan[number], told)

    def _rest(self) -> None:
        """Lets everyone go when there is nothing to do any more."""
        busy = any(worker.is_busy for worker in self._staff)
        over = bool(self._plan) and all(trial.is_over for trial in self.trials)
        if self.state == "stopping" and not busy:
            self.state = "stopped"
        elif self.state in ("running", "paused") and over and not busy:
            self.state = "finished"
        if not self.is_on and self.state != "idle":
            for worker in list(self._staff):
                if worker.trial >= 0:
                    self._lost(worker, "stopped", "stopped")
                self._dismiss(worker)

    def _hire(self) -> None:
        every = min(self.workers, 64) / MESSAGES_PER_SECOND
        given = self.document, self._base, self.sweep, self.folder, self._runs, every
        self._staff.append(_Worker(Peer(work, "gradloom-trial", given)))

    def _dismiss(self, worker: _Worker, at_once: bool = False) -> None:
        if at_once:
            worker.process.kill()
        worker.peer.hang_up()  # the process sees the end of the pipe and leaves
        self._staff.remove(worker)
        self._leaving.append(worker.process)

    def _reap(self) -> None:
        for process in [p for p in self._leaving if not p.is_alive()]:
            process.join()
            process.close()
            self._leaving.remove(process)

    @property
    def is_empty(self) -> bool:
        """Whether no process is left."""
        return not self._staff and not self._leaving

    def _tell_all(self, *message: Any) -> None:
        for worker in self._staff:
            if worker.is_busy:
                self._tell(worker, *message)

    @staticmethod
    def _tell(worker: _Worker, *message: Any) -> None:
        worker.peer.tell(message)
