"""What assistive technology hears of the canvas: the selection, the step, new faults, the mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from app.text import tr

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

MOST = 3
"""Of more nodes than this only the number is said."""
_PAUSE_MS = 120


def announce(widget: QWidget, text: str) -> None:
    """Has a screen reader say something, when there is one."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


class Speaking:
    """Says what has changed, a moment later: of steps that follow each other fast, the last one."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._waiting: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        self._timer = QTimer(canvas)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self.flush)

    def selection(self) -> None:
        words = self.describe()
        self._say("selection", words or tr("nothing is selected"))

    def describe(self) -> str:
        """What is selected, with the numbers that it shows now; also without a word being said."""
        board, chosen = self._canvas.board, self._canvas.session.chosen
        words = "; ".join(board.spoken(key) for key in chosen[-MOST:] if board.holds([key]))
        if len(chosen) > MOST:
            notes = self._canvas.session.notes_selected
            words = (
                f"{len(chosen)} {tr('things are selected') if notes else tr('nodes are selected')}"
            )
        self._canvas.setAccessibleDescription(words)
        return words

    def step(self) -> None:
        step, count = self._canvas.session.step, len(self._canvas.session.steps)
        if step is None:
            self._say("step", tr("before the first step"))
            return
        phase = tr("forward") if step.phase == "forward" else tr("backward")
        self._say("step", f"{tr('step')} {step.number} {tr('of')} {count}, {phase}: {step.text}")

    def faults(self) -> None:
        """Says faults that were not there before."""
        found = dict(self._canvas.session.evaluation.faults)
        fresh = [text for node_id, text in found.items() if self._faults.get(node_id) != text]
        gone = self._faults.keys() - found.keys()
        self._faults = found
        if fresh:
            self._say("fault", f"{tr('fault')}: {'; '.join(fresh[:MOST])}")
        elif gone and not found:
            self._say("fault", tr("no fault is left"))

    def wire(self, text: str) -> None:
        """Says what a wire that is drawn would do."""
        self._say("wire", text)

    def mode(self, text: str) -> None:
        self._say("mode", text)

    def _say(self, what: str, text: str) -> None:
        if text:
            self._waiting[what] = text
            self._timer.start()

    def flush(self) -> None:
        """Says at once what waits."""
        self._timer.stop()
        waiting, self._waiting = self._waiting, {}
        for text in waiting.values():
            announce(self._canvas, text)

    def stop(self) -> None:
        self._timer.stop()
