"""What the window does to compare trainings: ready-made sweeps, and the best of them opened."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.text import tr
from app.view.studio.compare import ComparePanel

if TYPE_CHECKING:
    from app.view.frame import Frame


LIST_S = 0.5
"""Between two looks at the runs of trials, at least."""


class Comparing(QObject):
    """The commands on the panel "Compare" of one window."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self._window = window
        panel = window.studio.panels[ComparePanel.name]
        assert isinstance(panel, ComparePanel)
        self.panel = panel
        panel.mentioned.connect(window.tell)
        panel.run_asked.connect(self._show_run)
        panel.comparison.runs_home = self._runs_home
        panel.comparison.told.connect(self._list)
        panel.comparison.turned.connect(self._list)
        self._listed = 0.0
        self._shown: set[int] = set()  # runs that were shown once: a person may hide them
        panel.session.opened.join(self._shown.clear)
        panel.status_told.connect(window.docks[panel.name].show_status)

    @property
    def running(self) -> bool:
        return self.panel.comparison.is_on

    @property
    def has_best(self) -> bool:
        return self.panel.comparison.best is not None

    def start(self, preset: str) -> None:
        """Shows the panel and starts a ready-made sweep in it."""
        self._window.show_panel(self.panel.name)
        self.panel.compare(preset)

    def _runs_home(self) -> Path | None:
        return self._window.bridge.home()

    def _list(self) -> None:
        """Trials that are recorded are in the list of runs, with their curves and ways."""
        trials, now = self.panel.comparison.trials, time.monotonic()
        rests = not self.running
        if any(trial.run for trial in trials) and (rests or now - self._listed > LIST_S):
            self._listed = now
            travel = self._window.travel
            travel.refresh()
            for number in [t.run for t in trials if t.run and t.run not in self._shown]:
                self._shown.add(number)
                travel.runs.show(number, True)

    def _show_run(self, number: int) -> None:
        travel = self._window.travel
        travel.refresh()
        if travel.runs.of(number) is None:
            self._window.tell(tr("the run of this trial was removed; start the sweep again"))
            return
        travel.runs.show(number, True)
        travel.show_curves()

    def stop(self) -> None:
        self.panel.comparison.stop()

    def open_best(self) -> None:
        self.panel.open_best()

    def close(self) -> None:
        """Ends the processes; the window goes."""
        self.panel.comparison.close()
