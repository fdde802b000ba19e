"""Training in a spawned process; messages at most 30 a second.

The window holds a `Trainer` and asks it for news from a timer; nothing here waits, and nothing here
knows Qt. Messages carry single numbers. Parameters come through shared memory in two halves: the
child writes the half that was not shown last and then says so, so a child that dies while writing
spoils nothing. The child ends when its parent does, because its end of the pipe closes then.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from app.messages import Layout, Progress, State
from engine import files
from engine.ops.row import Array
from engine.train.session import DivergedError, Training

MESSAGES_PER_SECOND = 30
POINTS_PER_MESSAGE = 64
METRICS_EVERY = 0.5
"""Seconds between two evaluations over all rows, at least; nine times what one took, if longer."""

_RUNS: frozenset[State] = frozenset({"starting", "running"})


class Trainer:
    """Trains one document in a process of its own.

    `document` is a document as the bytes of a file (`engine.files.to_bytes`), `base` the folder that
    its data files are relative to. `seed` draws new starting parameters; None goes on from the
    document's. The process starts with the first `start` or `step`. Every method returns at once,
    `close` within seconds. Call `poll` from a timer: it returns what happened since the last call,
    oldest first.
    """

    def __init__(self, document: bytes, base: Path | None = None, seed: int | None = None) -> None:
        self.state: State = "idle"
        self.last = Progress("idle")
        self._document = document
        self._base, self._seed = base, seed
        self._process: Any = None
        self._connection: Connection | None = None
        self._memory: SharedMemory | None = None
        self._layout: Layout | None = None
        self._snapshot: dict[str, Array] = {}
        self._snapshot_step = -1
        self._asked = False
        self._rate: float | None = None
        self._speed = 0.0

    # ------------------------------------------------------------ commands

    def start(self, steps: int | None = None, epochs: int | None = None) -> None:
        """Trains that many more steps, or epochs; neither means the recipe's epochs.

        Raises RuntimeError when this training has ended: then a new one is needed.
        """
        self._start("run", steps, epochs)
        if self.state != "starting":
            self.state = "running"

    def step(self) -> None:
        """Does a single step and pauses. Raises RuntimeError as `start` does."""
        self._start("step")
        if self.state != "starting":
            self.state = "running"

    def pause(self) -> None:
        """Holds behind the step being done; the steps asked for are kept for `resume`."""
        self._send("pause")

    def resume(self) -> None:
        """Goes on with the steps still asked for."""
        self._send("resume")

    def stop(self) -> None:
        """Holds behind the step being done and forgets the steps still asked for."""
        self._send("stop")

    def set_learning_rate(self, value: float) -> None:
        """From the next step on."""
        self._rate = value
        self._send("rate", value)

    def set_speed(self, steps_a_second: float) -> None:
        """No more steps a second than this; 0 for as many as there can be."""
        self._speed = steps_a_second
        self._send("speed", steps_a_second)

    # ------------------------------------------------------------ news

    @property
    def is_running(self) -> bool:
        """True while steps are being done or the process is coming up to do them."""
        return self.state in _RUNS

    def poll(self) -> list[Progress]:
        """What happened since the last call, oldest first; never waits.

        When the process died by itself the last one has the state `ended` and says so.
        """
        news: list[Progress] = []
        connection = self._connection
        if connection is None:
            return news
        # asked before reading, so that no last word is missed
        ended = self._process is not None and not self._process.is_alive()
        snapshot: Progress | None = None
        try:
            while connection.poll():
                message = connection.recv()
                if isinstance(message, Layout):
                    self._attach(message)
                else:
                    news.append(message)
                    self.last, self.state = message, message.state
                    snapshot = message if message._half >= 0 else snapshot
        except (EOFError, OSError):
            ended = True
        if snapshot is not None:
            self._take(snapshot)  # the newest: an older one's half may be in use again
        if ended:
            news += self._end()
        return news

    def parameters(self) -> dict[str, Array]:
        """The newest parameters that arrived, by node id; empty before the first.

        The same object until newer ones arrive: it is for reading only. Asks for newer ones while
        training runs; `poll` brings them in. After a message with the state paused, stopped,
        finished or failed they are those of that message's step.
        """
        if self.is_running and not self._asked and self._connection is not None:
            self._asked = True
            self._send("snapshot")
        return self._snapshot

    @property
    def parameters_step(self) -> int:
        """How many steps had been done at the parameters of `parameters`; -1 before the first."""
        return self._snapshot_step

    def close(self) -> None:
        """Ends the process and frees what it used; the last parameters stay."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()  # the child sees the end of the pipe and leaves
        if process is not None:
            process.join(1.0)
            if process.is_alive():
                process.terminate()
                process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        if self.state in (*_RUNS, "paused"):
            self.state = "stopped"

    # ------------------------------------------------------------ inside

    def _start(self, *command: Any) -> None:
        if self._connection is None:
            if self.state != "idle":
                raise RuntimeError("this training has ended; make a new one to train again")
            self._spawn()
            if self._rate is not None:
                self._send("rate", self._rate)
            if self._speed:
                self._send("speed", self._speed)
        self._send(*command)

    def _send(self, *command: Any) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # a dead process is `poll`'s to report
                self._connection.send(command)

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_work, args=(theirs, self._document, self._base, self._seed), daemon=True,
            name="gradloom-training",
        )  # fmt: skip
        process.start()
        theirs.close()
        self._process, self._connection = process, ours
        self.state = "starting"

    def _attach(self, layout: Layout) -> None:
        self._layout = layout
        self._memory = SharedMemory(layout.name)
        # Both sides have it mapped, so its name can go: nothing is left behind by any crash.
        self._memory.unlink()

    def _take(self, progress: Progress) -> None:
        assert self._memory is not None and self._layout is not None
        self._asked = False
        start = progress._half * self._layout.half
        self._snapshot = {}
        for node_id, shape, dtype, offset in self._layout.entries:
            view: Array = np.ndarray(shape, dtype, self._memory.buf, start + offset)
            self._snapshot[node_id] = view.copy()
        self._snapshot_step = progress.step

    def _end(self) -> list[Progress]:
        process = self._process
        code = None
        if process is not None:
            process.join(1.0)
            code = process.exitcode
        has_failed = self.state == "failed"
        self.close()
        if has_failed:
            return []
        how = f" (signal {-code})" if code is not None and code < 0 else ""
        kept = (
            f"the parameters are those of step {self._snapshot_step}"
            if self._snapshot_step >= 0
            else "the parameters are as before"
        )
        message = f"the training process ended{how}; {kept}; start the training again to go on"
        at = self.last
        self.last = Progress("ended", at.step, at.epoch, at.loss, message=message)
        self.state = "ended"
        return [self.last]


# -------------------------------------------------------------------- the child


def _work(connection: Connection, document: bytes, base: Path | None, seed: int | None) -> None:
    """The child's whole life: commands in, messages out, until the pipe ends."""
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    if hasattr(os, "nice"):
        os.nice(5)  # the window comes first
    try:
        training = Training(files.from_bytes(document), base, seed=seed)
    except (ValueError, OSError) as error:
        with contextlib.suppress(OSError):
            connection.send(Progress("failed", message=str(error)))
        return
    child = _Child(connection, training)
    try:
        child.live()
    except (EOFError, OSError):
        pass  # the parent is gone
    finally:
        child.memory.close()


class _Child:
    """One training run under command."""

    def __init__(self, connection: Connection, training: Training) -> None:
        self.connection, self.training = connection, training
        self.left = 0
        self.speed = self.next = 0.0
        self.state: State = "starting"
        self.wants_snapshot = False
        self.points: list[tuple[int, float]] = []
        self.sent = self.measured = 0.0
        self.measuring = 0.0
        self.rate_from = (time.perf_counter(), training.step_count)
        self.half = 0
        entries = []
        offset = 0
        for node_id, value in training.parameters().items():
            entries.append((node_id, value.shape, value.dtype.str, offset))
            offset += -(-value.nbytes // 64) * 64
        size = max(offset, 64)
        self.memory = SharedMemory(create=True, size=2 * size)
        self.layout = Layout(self.memory.name, size, tuple(entries))
        connection.send(self.layout)
        self.say(snapshot=True)

    def live(self) -> None:
        while True:
            if self.state == "running":
                while self.connection.poll():
                    self.obey(*self.connection.recv())
            else:
                self.obey(*self.connection.recv())
            if self.state == "running":
                self.run_a_while()

    def obey(self, name: str, *values: Any) -> None:
        if name == "run":
            steps, epochs = values
            if steps is None:
                whole = self.training.stage.epochs if epochs is None else epochs
                steps = whole * self.training.steps_per_epoch
            self.left = steps
            self.go()
        elif name == "resume":
            if self.left:
                self.go()
            else:
                self.say(snapshot=False)
        elif name == "step":
            self.left = max(self.left - 1, 0)
            self.advance(1)
            if self.state != "failed":
                self.halt("paused")
        elif name in ("pause", "stop"):
            if name == "stop":
                self.left = 0
            if self.state != "failed":
                self.halt("paused" if name == "pause" else "stopped")
        elif name == "rate":
            self.training.set_learning_rate(values[0])
        elif name == "speed":
            self.speed = values[0]
        elif name == "snapshot":
            self.wants_snapshot = True

    def go(self) -> None:
        if self.state == "failed":
            self.say(snapshot=False, message="the training has failed; reset the parameters first")
            return
        self.state = "running"
        self.rate_from = (time.perf_counter(), self.training.step_count)

    def halt(self, state: State) -> None:
        try:
            self.training.check()
        except DivergedError as error:
            self.fail(error)
            return
        self.state = state
        self.say(snapshot=True, metrics=True)

    def fail(self, error: Exception) -> None:
        self.state, self.left = "failed", 0
        self.say(snapshot=True, message=str(error))

    def run_a_while(self) -> None:
        """Steps until it is time for a message; then sends it."""
        until = max(self.sent + 1 / MESSAGES_PER_SECOND, time.perf_counter() + 0.005)
        while self.left and self.state == "running" and time.perf_counter() < until:
            if self.speed and self._waits(until):
                break
            self.left -= 1
            self.advance(1)
        if self.state != "running":
            return
        if not self.left:
            self.halt("finished")
        elif time.perf_counter() >= self.sent + 1 / MESSAGES_PER_SECOND:
            due = time.perf_counter() - self.measured > max(METRICS_EVERY, 9 * self.measuring)
            self.say(snapshot=self.wants_snapshot, metrics=due)

    def _waits(self, until: float) -> bool:
        """Sleeps until the next step is due at this speed; True when that is later than `until`."""
        now = time.perf_counter()
        self.next = min(self.next, now + 1 / self.speed)
        time.sleep(max(min(self.next, until) - now, 0.0))
        if self.next > until:
            return True
        self.next = max(self.next, now) + 1 / self.speed
        return False

    def advance(self, steps: int) -> None:
        try:
            for _ in range(steps):
                loss = self.training.step()
                self.points.append((self.training.step_count, loss))
        except (DivergedError, ValueError) as error:
            self.fail(error)

    def say(self, *, snapshot: bool, metrics: bool = False, message: str = "") -> None:
        training = self.training
        now = time.perf_counter()
        since, steps = self.rate_from
        rate = (training.step_count - steps) / (now - since) if training.step_count > steps else 0.0
        measured: Mapping[str, Mapping[str, float]] = {}
        if metrics:
            measured = training.metrics()
            self.measured = time.perf_counter()
            self.measuring = self.measured - now
        half = self.write_snapshot() if snapshot else -1
        every = -(-len(self.points) // POINTS_PER_MESSAGE) or 1
        points = tuple(self.points[::-1][::every][::-1])
        self.points.clear()
        self.connection.send(
            Progress(
                self.state, training.step_count, training.epoch, training.loss, points, measured,
                rate, training.learning_rate, message,
                total=training.step_count + self.left, _half=half,
            )
        )  # fmt: skip
        self.sent = time.perf_counter()

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
