"""The sweep that is compared: started, followed, stopped, and opened again from the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.pool import Live, Pool, State
from app.run_home import run_home
from app.runs import SHOWN
from app.session import Session
from app.text import tr
from engine import files
from engine.files import FileError
from engine.train import trials
from engine.train.axes import Axis
from engine.train.sweep import Sweep, Trial, best_of, opening, planned_count

POLL_MS = 40
TELL_MS = 120
"""How often what is seen follows the trials at most."""


class Comparison(QObject):
    """Owns the pool of the open document. `told` says that trials have news, `recorded` that one is a run
    by now, `turned` that it began,
    paused, ended or is another one. `runs_home` gives the folder of the document's runs: the trials of a
    small sweep are runs as well. Refusals are ValueError or OSError with a sentence."""

    told = Signal()
    turned = Signal()
    recorded = Signal(int)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.pool: Pool | None = None
        self.runs_home: Callable[[], Path | None] = _nowhere
        self._state: State = "idle"
        self._recording: tuple[int, Pool] | None = None
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self.poll)
        self._tell = QTimer(self)
        self._tell.setInterval(TELL_MS)
        self._tell.setSingleShot(True)
        self._tell.timeout.connect(self.told)

    # ------------------------------------------------------------ what there is

    @property
    def trials(self) -> Sequence[Trial]:
        return self.pool.trials if self.pool is not None else ()

    @property
    def sweep(self) -> Sweep | None:
        return self.pool.sweep if self.pool is not None else None

    @property
    def state(self) -> State:
        return self.pool.state if self.pool is not None else "idle"

    @property
    def is_on(self) -> bool:
        return self.pool is not None and self.pool.is_on

    @property
    def is_unfinished(self) -> bool:
        """Whether there are trials that could still be done."""
        pool = self.pool
        if pool is None or pool.is_on:
            return False
        return pool.state == "idle" or any(t.state in ("waiting", "stopped") for t in pool.trials)

    @property
    def best(self) -> Trial | None:
        return best_of(self.trials)

    def live(self, number: int) -> Live | None:
        return self.pool.live.get(number) if self.pool is not None else None

    @property
    def home(self) -> Path | None:
        """Where the document's sweeps are kept; None for one that has no file."""
        return run_home(self.session.path) if self.session.path is not None else None

    @property
    def earlier(self) -> list[Path]:
        """The folders of the document's sweeps, the newest first."""
        home = self.home
        return trials.folders(home)[::-1] if home is not None else []

    # ------------------------------------------------------------ commands

    def start(self, sweep: Sweep) -> None:
        """Begins another sweep of the document as it is now."""
        graph = self.session.root
        wanted = sweep.settled(graph)
        document = files.to_bytes(graph)
        folder = None
        if self.home is not None:
            folder = trials.begin(self.home, wanted, document, self.session.title)
        # a run is listed, drawn and stepped through; so many are told apart
        home = self.runs_home() if planned_count(wanted) <= SHOWN else None
        self._take(Pool(document, self.session.base, wanted, folder, runs=home))
        self._begin()

    def open(self, folder: Path) -> None:
        """Shows a sweep that was kept; what is not done of it can be gone on with."""
        found = trials.read(folder)
        document = trials.document_bytes(folder)
        pool = Pool(document, self.session.base, found.sweep, folder, done=found.trials)
        self._take(pool)

    def go_on(self) -> None:
        """Does the trials that are not done yet of a sweep that was stopped or opened."""
        pool = self.pool
        if pool is None or not self.is_unfinished:
            return
        if pool.state != "idle":
            self._take(pool.again())
        self._begin()

    def pause(self) -> None:
        if self.pool is not None:
            (self.pool.resume if self.pool.state == "paused" else self.pool.pause)()
            self._look()

    def stop(self) -> None:
        if self.pool is not None:
            self.pool.stop()
            self._look()

    def close(self) -> None:
        """Ends what runs; nothing of it is shown any more."""
        self._poll.stop()
        self._tell.stop()
        if self._recording is not None:
            self._recording[1].close()
            self._recording = None
        if self.pool is not None:
            self.pool.close()
            self.pool = None
            self._look()

    def record(self, trial: Trial) -> None:
        """Does a trial once more, the same bit by bit, as a run with its curve and its moments."""
        sweep, home = self.sweep, self.runs_home()
        if self.pool is None or sweep is None or home is None or self._recording is not None:
            return
        axes = tuple(Axis(name, (value,)) for name, value in trial.settings.items())
        alone = replace(sweep, axes=axes, search="grid", prune=False)
        self._recording = (
            trial.number,
            Pool(self.pool.document, self.session.base, alone, workers=1, runs=home),
        )
        self._recording[1].start()
        self._poll.start()

    def _follow_recording(self) -> None:
        """The run of a trial that is done once more becomes the trial's."""
        if self._recording is None or self.pool is None:
            return
        number, pool = self._recording
        pool.poll()
        if pool.is_on:
            return
        found = pool.trials[0].run if pool.trials else 0
        pool.close()
        self._recording = None
        if found and number < len(self.pool.trials):
            self.pool.trials[number] = replace(self.pool.trials[number], run=found)
            self.recorded.emit(number)

    def adopt(self, trial: Trial) -> None:
        """Its settings and parameters into the document, as one undo step."""
        assert self.pool is not None
        try:
            found = self.pool.parameters(trial.number)
        except FileError as error:
            raise ValueError(error.reason) from None
        edit = opening(self.session.root, trial.settings, found)
        label = tr("Open trial {number}").format(number=trial.number)
        self.session.do_outside(edit, label)

    # ------------------------------------------------------------ following

    def _take(self, pool: Pool) -> None:
        if self.pool is not None and self.pool.folder != pool.folder:
            self.pool.close()
        self.pool = pool
        self._look(always=True)
        self.told.emit()

    def _begin(self) -> None:
        assert self.pool is not None
        self.pool.start()
        self._poll.start()
        self._look()

    def poll(self) -> None:
        """Hears the processes; rests when they are gone."""
        pool = self.pool
        if pool is None:
            self._poll.stop()
            return
        self._follow_recording()
        if pool.poll() and not self._tell.isActive():
            self._tell.start()
        self._look()
        if not pool.is_on and pool.is_empty and self._recording is None:
            self._poll.stop()

    def _look(self, always: bool = False) -> None:
        if always or self.state != self._state:
            self._state = self.state
            self.turned.emit()


def _nowhere() -> None:
    """No folder for runs."""
