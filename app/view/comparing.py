"""What the window does to compare trainings: ready-made sweeps, and the best of them opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.view.studio.compare import ComparePanel

if TYPE_CHECKING:
    from app.view.frame import Frame


class Comparing(QObject):
    """The commands on the panel "Compare" of one window."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self._window = window
        panel = window.studio.panels[ComparePanel.name]
        assert isinstance(panel, ComparePanel)
        self.panel = panel
        panel.told.connect(window.tell)
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

    def stop(self) -> None:
        self.panel.comparison.stop()

    def open_best(self) -> None:
        self.panel.open_best()

    def close(self) -> None:
        """Ends the processes; the window goes."""
        self.panel.comparison.close()
