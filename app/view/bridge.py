"""The one object that crosses from the training process and other threads to the widgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.messages import Progress
from app.session import Session
from app.worker import Trainer
from engine import files
from engine.graph import Graph
from engine.ops.row import Array
from engine.records import TOLD
from engine.train.recording import Run

POLL_MS = 40
REFRESH_MS = 250
"""How often the values on the canvas are computed anew while training runs."""
HOLD_S = 2.0
"""So long the window waits for a training that it holds."""


class Bridge(QObject):
    """Owns the trainer of the open document; everything here runs on the window's thread, but
    `failure` may be emitted from any.

    `progress` carries a `Progress`. `changed` tells that training began or ended. `kept` tells that
    trained parameters went into the document. `shown` tells that newer parameters came, those after so
    many steps, while training runs. The canvas shows them while `following`. `keeping` says that the
    change of the document which is being made is that of training. `home` gives the folder that new runs
    are recorded in, `parent_moment` is the run and the step that the next one goes off from.
    """

    progress = Signal(object)
    changed = Signal()
    kept = Signal()
    shown = Signal(int)
    failure = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._trainer: Trainer | None = None
        self._meaning = -1
        self._kept_step = self._trained_at = 0
        self._kept_epoch = 0
        self._busy = self._held = False
        self._stale = self._live_edit = False
        self._speed = 0.0
        self.following = True
        self.keeping = False
        self.home: Callable[[], Path | None] = _nowhere
        self.parent_moment: tuple[int, int] | None = None
        self._shown: dict[str, Array] = {}
        self._trained = _parts(session.root)
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MS)
        self._poll.setTimerType(Qt.TimerType.CoarseTimer)
        self._poll.timeout.connect(self.poll)
        self._refresh = QTimer(self)
        self._refresh.setInterval(REFRESH_MS)
        self._refresh.timeout.connect(self._show_parameters)
        session.opened.join(self.forget)
        session.document_changed.join(self._edited)

    @property
    def running(self) -> bool:
        return self._busy or self._held

    @property
    def last(self) -> Progress | None:
        return self._trainer.last if self._trainer is not None else None

    @property
    def parameters(self) -> dict[str, Array]:
        """The newest that training brought, while it runs; for reading only."""
        return self._shown

    @property
    def is_current(self) -> bool:
        """Whether what training told last is about the document as it is now."""
        return self._busy or self.keeping or self._meaning == self.session.root.meaning

    @property
    def recorded(self) -> Path | None:
        """The folder that the training at hand is recorded in."""
        return self._trainer.run if self._trainer is not None else None

    @property
    def ended_by_edit(self) -> bool:
        """Whether training rests because what it is about was edited."""
        return self._stale and not self.running

    def train(self) -> None:
        """Trains for the recipe's epochs, going on from where training stands."""
        trainer = self._ready()
        trainer.start()
        self._begin()

    def step(self) -> None:
        """One training step."""
        trainer = self._ready()
        trainer.step()
        self._begin()

    def pause(self) -> None:
        """Holds training; the parameters go into the document when the process has answered."""
        if self._trainer is not None and self._busy:
            self._trainer.pause()

    def hold(self) -> bool:
        """Holds training until `release`, with its parameters in the document; False when none runs.

        Of a process that does not answer soon these are the newest that are known.
        """
        trainer = self._trainer
        if trainer is None or not self._busy:
            return False
        self._held = True
        trainer.pause()
        until = time.monotonic() + HOLD_S
        while self._busy and time.monotonic() < until:
            self.poll()
            time.sleep(0.002)
        if self._busy and not self._stale:
            self.keeping = True
            self.session.keep_training(
                trainer.parameters(), max(trainer.last.epoch - self._kept_epoch, 1)
            )
            self.keeping = False
            self._meaning = self.session.root.meaning
        return True

    def release(self, on: bool = True) -> None:
        """Ends `hold`; training goes `on` with the steps it had left, unless it ended or is about an
        old document."""
        if not self._held:
            return
        self._held = False
        trainer = self._trainer
        paused = trainer is not None and trainer.state == "paused"
        if on and trainer is not None and self.is_current and (self._busy or paused):
            trainer.resume()
            self._begin()
        else:
            self.changed.emit()

    def epoch(self) -> None:
        """Trains for one pass over the training rows."""
        trainer = self._ready()
        trainer.epoch()
        self._begin()

    def stop(self) -> None:
        """Ends training at once; a process that does not answer is ended with it."""
        if self._trainer is not None and self._busy:
            self._trainer.stop()

    def change(self, number: int, changes: Mapping[str, Any]) -> None:
        """Another learning rate, optimizer or settings of it, if that stage is at work now.

        It is told before the document is edited; any other edit holds the training.
        """
        trainer = self._trainer
        if trainer is None or not self._busy or number != trainer.last.stage:
            return
        self._live_edit = True
        if changes.keys() & {"optimizer", "settings"}:
            stage = self.session.root.recipe.stages[number]
            trainer.set_optimizer(
                changes.get("optimizer", stage.optimizer), changes.get("settings", stage.settings)
            )
        if "learning_rate" in changes:
            trainer.set_learning_rate(float(changes["learning_rate"]))

    def set_speed(self, steps_a_second: float) -> None:
        """No more steps a second than this, 0 for as many as there can be."""
        self._speed = steps_a_second
        if self._trainer is not None:
            self._trainer.set_speed(steps_a_second)

    def forget(self) -> None:
        """Ends the training process; a later start begins with the document's parameters."""
        self._poll.stop()
        self._refresh.stop()
        if self._trainer is not None:
            self._trainer.close()
            self._trainer = None
        self._kept_step = self._kept_epoch = 0
        self._shown, self._stale = {}, False
        if self.running:
            self._busy = self._held = False
            self.changed.emit()

    def _edited(self) -> None:
        """Training hears of another rate, rule or weight; any other change makes it about an old document."""
        meaning = self.session.root.meaning
        if self._busy and not self.keeping and meaning != self._meaning:
            if (self._live_edit and self._only_recipe()) or self._weights_changed():
                self._meaning = meaning
            else:
                if not self._stale:
                    history = self.session.history
                    undone = history.position < history.length
                    self._trained_at = history.position - (0 if undone else 1)
                self._stale = True
                self.pause()
        self._live_edit = False
        self._trained = _parts(self.session.root)

    def _only_recipe(self) -> bool:
        """Whether the edit changed nothing but the recipe."""
        (settings, *tables), tensors = self._trained
        (settings_now, *tables_now), tensors_now = _parts(self.session.root)
        return (
            {**settings, "recipe": None} == {**settings_now, "recipe": None}
            and tables == tables_now
            and tensors.keys() == tensors_now.keys()
            and all(tensors[key] is tensors_now[key] for key in tensors)
        )

    def _weights_changed(self) -> bool:
        """Hands weights on that were edited by hand; False when something else was."""
        before, now = self._trained, _parts(self.session.root)
        moved = self._trainer.parameters() if self._trainer is not None else {}
        keys = [k for k in {*before[1], *now[1]} if before[1].get(k) is not now[1].get(k)]
        if before[0] != now[0] or not all(k in moved and k in now[1] for k in keys):
            return False
        for key in keys:
            assert self._trainer is not None
            self._trainer.set_parameter(key, now[1][key])
        return True

    def _ready(self) -> Trainer:
        """The running trainer while the document is as it left it, else a new one."""
        alive = self._trainer is not None and self._trainer.state not in ("ended", "failed")
        if not alive or self._meaning != self.session.root.meaning:
            self.forget()
            self._trainer = Trainer(
                files.to_bytes(self.session.root), self.session.base,
                runs=self.home(), parent=self.parent_moment,
            )  # fmt: skip
            self.parent_moment = None
            self._trainer.set_speed(self._speed)
            self._meaning = self.session.root.meaning
        assert self._trainer is not None
        return self._trainer

    def go_on(self, run: Run) -> None:
        """Goes on with a recorded run from its checkpoint. Raises FileError, ValueError or OSError."""
        facts, document = run.facts, run.document_bytes()
        self.forget()
        self._trainer = Trainer(document, self.session.base, resume=run.folder)
        self._trainer.set_speed(self._speed)
        self._meaning = self.session.root.meaning
        self._kept_step, self._kept_epoch = facts.step, facts.epoch
        self._trainer.start()
        self._begin()

    def _begin(self) -> None:
        self._busy, self._stale = True, False
        self._trained = _parts(self.session.root)
        self._poll.start()
        self._refresh.start()
        self.changed.emit()

    def poll(self) -> None:
        """Passes on what the process said; takes the parameters when it rests."""
        trainer = self._trainer
        if trainer is None:
            return
        news = trainer.poll()
        for item in news:
            self.progress.emit(item)
        if not news or trainer.is_running:
            return
        if not trainer.last.more:
            self._poll.stop()
        if not self._busy:
            return
        self._refresh.stop()
        self._busy = False
        self._keep(trainer)
        self.changed.emit()

    def _keep(self, trainer: Trainer) -> None:
        """The trained parameters become one undo step."""
        parameters = trainer.parameters()
        if not parameters or trainer.last.step == self._kept_step:
            self.session.refresh()
            return
        steps = trainer.last.step - self._kept_step
        epochs = trainer.last.epoch - self._kept_epoch
        self._kept_step, self._kept_epoch = trainer.last.step, trainer.last.epoch
        self.keeping = True
        since = self.session.history.position - self._trained_at if self._stale else 0
        kept = self.session.keep_training(
            parameters, 0 if steps == 1 else max(epochs, 1), max(since, 0)
        )
        self.keeping = False
        if kept:
            self.kept.emit()
        if not self._stale:
            self._meaning = self.session.root.meaning

    def _show_parameters(self) -> None:
        """Values on the canvas from the newest snapshot; the document stays as it is."""
        if self._trainer is None or not self._busy:
            return
        parameters = self._trainer.parameters()
        if parameters and parameters is not self._shown:
            self._shown = parameters
            if self.following:
                self.session.refresh(parameters)
            self.shown.emit(self._trainer.parameters_step)


def _parts(graph: Graph) -> tuple[tuple[Any, ...], dict[str, Array]]:
    """What values depend on, and the tensors."""
    settings = {k: v for k, v in graph.settings.items() if k not in TOLD}
    tables: tuple[Mapping[Any, Any], ...] = (
        graph.nodes, graph.links, graph.sources, graph.modules, graph.operators,
    )  # fmt: skip
    return (settings, *(dict(table) for table in tables)), dict(graph.tensors)


def _nowhere() -> Path | None:
    return None
