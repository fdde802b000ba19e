"""Edge auto-pan: while something is dragged near the edge of the view, the view moves along."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QTimer

if TYPE_CHECKING:
    from app.view.canvas.looking import Looking

EDGE = 32.0
"""How near to the edge the view begins to move."""
FASTEST = 22.0
"""View pixels a frame, once the pointer is on the edge."""
_FRAME_MS = 16


def speed(place: float, length: float) -> float:
    """How fast one axis moves: the faster, the nearer to the edge or the farther over it."""
    depth = max(EDGE - place, place - (length - EDGE), 0.0) / EDGE
    pace = FASTEST * min(depth, 1.5) ** 2
    return pace if place < length / 2 else -pace


class AutoPan:
    """Moves a view a little every frame. `again` tells the gesture that the pointer, at rest on the
    screen, is over another place of the scene."""

    def __init__(self, view: Looking) -> None:
        self._view = view
        self._pointer = QPointF()
        self._again: Callable[[], None] | None = None
        self._armed = False
        self._timer = QTimer(view)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self.tick)

    def follow(self, pointer: QPointF, again: Callable[[], None], armed: bool = True) -> None:
        """The pointer is here. Unless `armed`, the view waits until it has been off the edge once:
        what is dragged in comes over it."""
        self._pointer, self._again = QPointF(pointer), again
        step = self._step()
        self._armed = self._armed or armed or step.isNull()
        if not self._armed or step.isNull():
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._armed, self._again = False, None

    def tick(self) -> None:
        """One frame."""
        step = self._step()
        if self._again is None or step.isNull():
            self._timer.stop()
            return
        self._view.pan(step.x(), step.y())
        self._again()

    def _step(self) -> QPointF:
        view = self._view.viewport()
        return QPointF(
            speed(self._pointer.x(), view.width()), speed(self._pointer.y(), view.height())
        )
