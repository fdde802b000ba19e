"""The training process: commands in, messages out, until the pipe ends; it records what it does."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from app.messages import Assignment, Layout, Progress, State
from engine import files
from engine.ops.row import Array
from engine.train import runs
from engine.train.recorded import stretch
from engine.train.recorder import Recorder, Written
from engine.train.recording import Run
from engine.train.session import DivergedError, Training

MESSAGES_PER_SECOND = 30
POINTS_PER_MESSAGE = 64
METRICS_EVERY = 0.5
"""Seconds between two evaluations over all rows, at least; nine times what one took, if longer."""
_BURST = 0.002
"""Seconds of steps that are done without a look at the clock or at the commands."""
_AWAITED = 0.05
"""Seconds that a message of a halt waits for the metrics; those that take longer come behind it."""

Metrics = Mapping[str, Mapping[str, float]]
_REST: Mapping[State, Written] = {
    "paused": "paused", "finished": "finished", "stopped": "stopped", "failed": "failed",
}  # fmt: skip


def work(connection: Connection) -> None:
    """The whole life of the process; what is to be done comes first."""
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    if hasattr(os, "nice"):
        os.nice(5)  # the window comes first
    try:
        given: Assignment = connection.recv()
    except (EOFError, OSError):
        return  # the parent is gone
    try:
        known = Run(given.resume).facts if given.resume is not None else None
        seed = given.seed if known is None else known.seed if known.drawn else None
        training = Training(files.from_bytes(given.document), given.base, seed=seed)
        training.keeps_history = False
        recorder, fault = None, ""
        try:
            recorder = _recorder(training, given, seed is not None)
        except (ValueError, OSError) as error:
            if given.resume is not None:
                raise
            fault = f"this training is not recorded: {error}"
    except (ValueError, OSError) as error:
        with contextlib.suppress(OSError):
            connection.send(Progress("failed", message=str(error)))
        return
    child = _Child(connection, training, recorder, fault)
    try:
        child.begin()
        child.live()
    except (EOFError, OSError):  # the parent is gone, perhaps before it knew of the memory
        with contextlib.suppress(OSError):
            child.memory.unlink()
    finally:
        child.leave()


def _recorder(training: Training, given: Assignment, drawn: bool) -> Recorder | None:
    if given.resume is not None:
        return Recorder(given.resume, training, given.document, resume=True)
    if given.runs is None:
        return None
    folder = runs.new_folder(given.runs)
    recorder = Recorder(folder, training, given.document, drawn=drawn, parent=given.parent)
    runs.prune(given.runs)
    return recorder


class _Child:
    """One training run under command."""

    def __init__(
        self, connection: Connection, training: Training, recorder: Recorder | None, fault: str
    ) -> None:
        self.connection, self.training, self.recorder = connection, training, recorder
        self.left, self.burst = 0, 1
        self.follows_recipe = False
        self.speed = self.next = 0.0
        self.state: State = "starting"
        self.wants_snapshot = False
        self.losses: list[float] = []
        self.sent = self.measured = self.longest = 0.0
        self.heard = time.perf_counter()
        self.measuring: _Measuring | None = None
        self.rate_from = (time.perf_counter(), training.step_count)
        self.told = 0
        self.fault = fault
        self.half = 0
        entries = []
        offset = 0
        for node_id, value in training.parameters().items():
            entries.append((node_id, value.shape, value.dtype.str, offset))
            offset += -(-value.nbytes // 64) * 64
        size = max(offset, 64)
        self.memory = SharedMemory(create=True, size=2 * size)
        run = recorder.folder if recorder is not None else None
        self.layout = Layout(self.memory.name, size, tuple(entries), run)

    @property
    def has_failed(self) -> bool:
        return self.state == "failed"

    # ------------------------------------------------------------ commands

    def begin(self) -> None:
        """Says where the parameters lie, and what they are."""
        self.connection.send(self.layout)
        self.say(snapshot=True, message=self.fault)

    def live(self) -> None:
        while True:
            if self.measuring is not None:  # a command is heard while all rows are measured
                self.listened()
                if self.connection.poll(0.005):
                    self.obey(*self.connection.recv())
                elif self.measuring.is_done:
                    self.say(snapshot=False, metrics=self.take_metrics())
            elif self.state == "running":
                self.listened()
                while self.connection.poll():
                    self.obey(*self.connection.recv())
                if self.state == "running":
                    self.run_a_while()
            else:
                self.obey(*self.connection.recv())

    def listened(self) -> None:
        """Keeps how long commands were not heard: a step, a checkpoint, a moment."""
        now = time.perf_counter()
        self.longest = max(self.longest, now - self.heard)
        self.heard = now

    def obey(self, name: str, *values: Any) -> None:
        try:
            self.COMMANDS[name](self, *values)
        except (DivergedError, MemoryError) as error:
            self.fail(str(error) or "there is not enough memory for this")
        except ValueError as error:  # what was asked for cannot be done; all is as it was
            self.say(snapshot=False, message=str(error))

    def run(self, steps: int | None, epochs: int | None) -> None:
        self.follows_recipe = steps is None and epochs is None
        self.left = self.training.steps_ahead(epochs) if steps is None else steps
        if self.recorder is not None:
            self.recorder.asked = self.training.step_count + self.left
        self.go()

    def resume(self) -> None:
        if self.left:
            self.go()
        else:
            self.say(snapshot=False)

    def step(self) -> None:
        if self.has_failed:
            self.go()  # which says why not
            return
        self.left = max(self.left - 1, 0)
        self.advance(1)
        if not self.has_failed:
            self.halt("paused")

    def pause(self) -> None:
        if not self.has_failed:
            self.halt("paused")

    def stop(self) -> None:
        self.left = 0
        if not self.has_failed:
            self.halt("stopped")

    def set_speed(self, speed: float) -> None:
        self.speed = speed

    def change(self, method: str, *values: Any) -> None:
        """Another learning rate, optimizer or parameter, from the next step on."""
        self.take_metrics()
        getattr(self.training, method)(*values)
        if self.recorder is not None:
            self.recorder.changed()
        if self.state != "running":
            self.say(snapshot=True)

    def snapshot(self) -> None:
        self.wants_snapshot = True

    COMMANDS: Mapping[str, Callable[..., None]] = {
        "run": run, "resume": resume, "step": step, "pause": pause, "stop": stop,
        "speed": set_speed, "change": change, "snapshot": snapshot,
    }  # fmt: skip

    # ------------------------------------------------------------ running

    def go(self) -> None:
        if self.has_failed:
            self.say(snapshot=False, message="the training has failed; reset the parameters first")
            return
        self.state = "running"
        self.heard = time.perf_counter()
        self.rate_from = (self.heard, self.training.step_count)
        self.training.stopped = ""
        if self.recorder is not None:
            self.recorder.went_on()

    def halt(self, state: State) -> None:
        """Rests. The answer waits for the metrics only where they are quick."""
        try:
            self.training.check()
        except DivergedError as error:
            self.fail(str(error))
            return
        self.state = state
        if self.measuring is None:
            self.measuring = _Measuring(self.training)
            self.measuring.wait(_AWAITED)
        metrics = self.take_metrics() if self.measuring.is_done else {}
        self.say(snapshot=True, metrics=metrics)
        if self.recorder is not None:
            self.recorder.halt(_REST[state], self.training.stopped)

    def fail(self, reason: str) -> None:
        self.state, self.left = "failed", 0
        self.say(snapshot=True, message=reason)
        if self.recorder is not None:
            self.recorder.halt("failed", reason)

    def run_a_while(self) -> None:
        """Steps until it is time for a message; then sends it."""
        until = max(self.sent + 1 / MESSAGES_PER_SECOND, time.perf_counter() + 0.005)
        while self.left > 0 and self.state == "running" and time.perf_counter() < until:
            if self.speed and self.waits(until):
                break
            self.advance(1 if self.speed else min(self.burst, self.left))
        if self.state != "running":
            return
        if self.left <= 0:
            self.halt("finished")
        elif time.perf_counter() >= self.sent + 1 / MESSAGES_PER_SECOND:
            self.say(snapshot=self.wants_snapshot)
            if time.perf_counter() >= self.measured:
                self.measuring = _Measuring(self.training)

    def waits(self, until: float) -> bool:
        """Sleeps until the next step is due at this speed; True when that is later than `until`."""
        now = time.perf_counter()
        self.next = min(self.next, now + 1 / self.speed)
        time.sleep(max(min(self.next, until) - now, 0.0))
        if self.next > until:
            return True
        self.next = max(self.next, now) + 1 / self.speed
        return False

    def advance(self, steps: int) -> None:
        """Does so many steps, or as many as the recorder lets pass, and notes them."""
        self.take_metrics()
        training, recorder = self.training, self.recorder
        if recorder is not None:
            steps = min(steps, recorder.until)
        done, stage, begin = training.step_count, training.stage_number, time.perf_counter()
        losses, rates, failure = stretch(training, steps)
        taken = time.perf_counter() - begin
        self.burst = max(1, min(2 * steps, int(_BURST * steps / (taken or _BURST))))
        self.losses += losses
        self.left -= len(losses)
        if recorder is not None:
            recorder.note(losses, rates)
        taken_back = done + len(losses) - training.step_count
        if taken_back > 0:
            del self.losses[max(len(self.losses) - taken_back, 0) :]
        if failure is not None:
            self.fail(str(failure))
        elif training.stopped:
            self.left = 0
        elif self.follows_recipe and training.stage_number != stage:
            self.left = training.total_steps - training.step_count

    # ------------------------------------------------------------ messages

    def take_metrics(self) -> Metrics:
        """The metrics being measured, waited for; none when none are."""
        if self.measuring is None:
            return {}
        metrics, seconds, step = self.measuring.result()
        self.measuring = None
        self.measured = time.perf_counter() + max(METRICS_EVERY, 9 * seconds)
        if self.recorder is not None and step == self.training.step_count:
            self.recorder.measured(metrics)
        return metrics

    def say(self, *, snapshot: bool, metrics: Metrics | None = None, message: str = "") -> None:
        training, recorder = self.training, self.recorder
        if recorder is not None and recorder.problem and recorder.problem != self.fault:
            self.fault = message = message or recorder.problem
        if not message and len(training.notes) > self.told:
            message = "; ".join(training.notes[self.told :])
        self.told = len(training.notes)
        since, steps = self.rate_from
        done = training.step_count - steps
        rate = done / (time.perf_counter() - since) if done > 0 else 0.0
        half = self.write_snapshot() if snapshot else -1
        self.connection.send(
            Progress(
                self.state, training.step_count, training.epoch, training.loss, self.points(),
                metrics or {}, rate, training.learning_rate, message, training.stage_number,
                training.stage_start, training.step_count + self.left, self.longest,
                self.measuring is not None and self.state != "running", half,
            )
        )  # fmt: skip
        self.longest /= 2
        self.sent = time.perf_counter()
        if recorder is not None:
            recorder.flush()

    def points(self) -> tuple[tuple[int, float], ...]:
        """Steps and losses since the last message, thinned out evenly, the newest among them."""
        done, losses = self.training.step_count, self.losses
        first = done - len(losses) + 1
        every = -(-len(losses) // POINTS_PER_MESSAGE) or 1
        chosen = range(len(losses) - 1, -1, -every)
        points = tuple((first + place, losses[place]) for place in reversed(chosen))
        losses.clear()
        return points

    def write_snapshot(self) -> int:
        self.half = 1 - self.half
        self.wants_snapshot = False
        values = self.training.parameters()
        for node_id, shape, dtype, offset in self.layout.entries:
            view: Array = np.ndarray(
                shape, dtype, self.memory.buf, self.half * self.layout.half + offset
            )
            view[...] = values[node_id]
        return self.half

    def leave(self) -> None:
        """The end: what was recorded goes to the disk."""
        self.memory.close()
        if self.recorder is not None:
            if self.state in ("starting", "running"):
                self.recorder.halt("stopped")
            self.recorder.close()


class _Measuring:
    """The metrics over all rows, computed on a thread while training stands and commands are heard."""

    def __init__(self, training: Training) -> None:
        self._training, self._step = training, training.step_count
        self._metrics: Metrics = {}
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._work, name="measuring", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        begin = time.perf_counter()
        # what cannot be measured is not shown; the step that meets it says why
        with contextlib.suppress(ValueError, ArithmeticError, MemoryError):
            self._metrics = self._training.metrics()
        self._seconds = time.perf_counter() - begin

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def result(self) -> tuple[Metrics, float, int]:
        """Metrics, seconds taken and the step they are of, waited for."""
        self._thread.join()
        return self._metrics, self._seconds, self._step
