"""Training in a spawned process; messages at most 30 a second.

The window holds a `Trainer` and asks it for news from a timer; nothing here waits, and nothing here
knows Qt. Messages carry single numbers. Parameters come through shared memory in two halves: the
child writes the half that was not shown last and then says so, so a child that dies while writing
spoils nothing. The child ends when its parent does, because its end of the pipe closes then.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from app.messages import Assignment, Layout, Progress, State
from app.peer import Peer
from app.training_process import MESSAGES_PER_SECOND, POINTS_PER_MESSAGE, work
from engine.files import FileError
from engine.ops.row import Array
from engine.train.recording import Run

__all__ = ["MESSAGES_PER_SECOND", "POINTS_PER_MESSAGE", "Trainer"]

ANSWER_SECONDS = 0.2
"""How long a process may take to stop; one and a half of its steps, if they are longer."""

_RUNS: frozenset[State] = frozenset({"starting", "running"})


class Trainer:
    """Trains one document in a process of its own.

    `document` is a document as the bytes of a file (`engine.files.to_bytes`), `base` the folder that
    its data files are relative to. `seed` draws new starting parameters; None goes on from the
    document's. `runs` is the folder that a new run is recorded in, None for no record; `parent` the
    run's number and the step that this one goes off from. `resume` is the folder of a run to go on
    with from its checkpoint; `document` is that run's then.

    The process starts with the first `start` or `step`. Every method returns at once, `close` within
    seconds. Call `poll` from a timer: it returns what happened since the last call, oldest first.
    """

    def __init__(
        self,
        document: bytes,
        base: Path | None = None,
        seed: int | None = None,
        *,
        runs: Path | None = None,
        resume: Path | None = None,
        parent: tuple[int, int] | None = None,
    ) -> None:
        self.state: State = "idle"
        self.last = Progress("idle")
        self.run: Path | None = None
        """The folder that this training is recorded in, once the process has said so."""
        self._given = Assignment(document, base, seed, runs, resume, parent)
        self._peer: Peer | None = None
        self._memory: SharedMemory | None = None
        self._layout: Layout | None = None
        self._snapshot: dict[str, Array] = {}
        self._snapshot_step = -1
        self._asked = False
        self._early: dict[tuple[str, ...], tuple[Any, ...]] = {}
        self._stopping: float | None = None

    # ------------------------------------------------------------ commands

    def start(self, steps: int | None = None, epochs: int | None = None) -> None:
        """Trains that many more steps, or epochs; neither means to the end of the recipe.

        Raises RuntimeError when this training has ended: then a new one is needed.
        """
        self._start("run", steps, epochs)

    def step(self) -> None:
        """Does a single step and pauses. Raises RuntimeError as `start` does."""
        self._start("step")

    def epoch(self) -> None:
        """Trains for one pass over the rows. Raises RuntimeError as `start` does."""
        self._start("run", None, 1)

    def pause(self) -> None:
        """Holds behind the step being done; the steps asked for are kept for `resume`."""
        self._send("pause")

    def resume(self) -> None:
        """Goes on with the steps still asked for; nothing where no process waits."""
        if self._peer is not None:
            self._start("resume")

    def stop(self) -> None:
        """Holds behind the step being done and forgets the steps still asked for.

        A process that does not answer in time is ended by `poll`; the newest parameters stay.
        """
        if self._peer is not None and self._stopping is None:
            self._stopping = time.monotonic()
        self._send("stop")

    def set_learning_rate(self, value: float) -> None:
        """From the next step on."""
        self._change("set_learning_rate", value)

    def set_optimizer(self, name: str, settings: Mapping[str, float] | None = None) -> None:
        """Another optimizer from the next step on; it starts anew."""
        self._change("set_optimizer", name, dict(settings or {}))

    def set_parameter(self, node_id: str, value: Array | float) -> None:
        """Another value of a parameter from the next step on."""
        self._change("set_parameter", node_id, value, key=node_id)

    def set_speed(self, steps_a_second: float) -> None:
        """No more steps a second than this; 0 for as many as there can be."""
        self._tell(("speed",), "speed", steps_a_second)

    # ------------------------------------------------------------ news

    @property
    def is_running(self) -> bool:
        """True while steps are being done or the process is coming up to do them."""
        return self.state in _RUNS

    def poll(self) -> list[Progress]:
        """What happened since the last call, oldest first; never waits.

        When the process died by itself, or did not answer, the last one has the state `ended` and says
        so.
        """
        news: list[Progress] = []
        peer = self._peer
        if peer is None:
            return news
        connection = peer.connection
        ended = not peer.process.is_alive()  # asked before reading, so that no last word is missed
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
        if not self.is_running:
            self._stopping = None
        if ended:
            news += self._end()
        elif self._stopping is not None and time.monotonic() > self._stopping + self._patience:
            peer.process.kill()
            news += self._end(f"did not answer for {self._patience:.1f} s and was ended")
        return news

    @property
    def _patience(self) -> float:
        return max(ANSWER_SECONDS, 1.5 * self.last.longest)

    def parameters(self) -> dict[str, Array]:
        """The newest parameters that arrived, by node id; empty before the first.

        The same object until newer ones arrive: it is for reading only. Asks for newer ones while
        training runs; `poll` brings them in. After a message with the state paused, stopped,
        finished or failed they are those of that message's step.
        """
        if self.is_running and not self._asked and self._peer is not None:
            self._asked = True
            self._send("snapshot")
        return self._snapshot

    @property
    def parameters_step(self) -> int:
        """How many steps had been done at the parameters of `parameters`; -1 before the first."""
        return self._snapshot_step

    def close(self) -> None:
        """Ends the process and frees what it used; the last parameters stay."""
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.hang_up()  # the child sees the end of the pipe and leaves
            process = peer.process
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
        if self._peer is None:
            if self.state != "idle":
                raise RuntimeError("this training has ended; make a new one to train again")
            self._peer = Peer(work, "gradloom-training", self._given)
            self.state = "starting"
            for early in self._early.values():
                self._send(*early)
        self._send(*command)
        if self.state != "starting":
            self.state = "running"

    def _change(self, method: str, *values: Any, key: str = "") -> None:
        self._tell((method, key), "change", method, *values)

    def _tell(self, key: tuple[str, ...], *command: Any) -> None:
        """Sends it, or keeps the newest of its key until there is a process."""
        if self._peer is None:
            self._early[key] = command
        self._send(*command)

    def _send(self, *command: Any) -> None:
        if self._peer is not None:
            self._peer.tell(command)

    def _attach(self, layout: Layout) -> None:
        self._layout, self.run = layout, layout.run
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

    def _end(self, how: str = "") -> list[Progress]:
        code = None
        if self._peer is not None:
            self._peer.process.join(1.0)
            code = self._peer.process.exitcode
        has_failed = self.state == "failed"
        self.close()
        if has_failed:
            return []
        self._take_moment()
        signal = f" (signal {-code})" if code is not None and code < 0 else ""
        kept = (
            f"the parameters are those of step {self._snapshot_step:,}"
            if self._snapshot_step >= 0
            else "the parameters are as before"
        )
        how = how or f"ended{signal}"
        message = f"the training process {how}; {kept}; {self._way_on()}"
        at = self.last
        self.last = Progress("ended", at.step, at.epoch, at.loss, message=message)
        self.state = "ended"
        return [self.last]

    def _way_on(self) -> str:
        """What a person can do about a process that ended."""
        if self.run is None or Run(self.run).checkpoint() is None:
            return "start the training again"
        return (
            "Train begins a new run with them, and Runs has a command to go on with run "
            f"{self.run.name} from its checkpoint"
        )

    def _take_moment(self) -> None:
        """The newest moment of the record, where it is newer than what arrived."""
        if self.run is None or self._layout is None:
            return
        run = Run(self.run)
        newest = max(run.moments, default=-1)
        if newest > self._snapshot_step:
            with contextlib.suppress(FileError):
                self._snapshot = run.parameters(newest)
                self._snapshot_step = newest
