"""The view gliding to another place, so that the way there is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QPointF, QVariantAnimation

if TYPE_CHECKING:
    from app.view.canvas.looking import Looking

GLIDE_MS = 200


class Glide:
    """One motion of a view: its middle and its zoom. Whatever else moves the view ends it."""

    def __init__(self, view: Looking) -> None:
        self._view = view
        self._from = self._to = (QPointF(), 1.0)
        self._own = False
        self._clock = QVariantAnimation(view)
        self._clock.setDuration(GLIDE_MS)
        self._clock.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._clock.setStartValue(0.0)
        self._clock.setEndValue(1.0)
        self._clock.valueChanged.connect(self._show)

    def to(self, centre: QPointF, zoom: float) -> None:
        """Looks at a place of the scene; at once without motion."""
        self.stop()
        self._from, self._to = (self._view.centre(), self._view.zoom), (centre, zoom)
        if self._view.reduced_motion or not self._view.isVisible():
            self._show(1.0)
        else:
            self._clock.start()

    def stop(self) -> None:
        self._clock.stop()

    def interrupt(self) -> None:
        """The view is moved; unless this moves it, it is left where it is."""
        if not self._own:
            self.stop()

    @property
    def target(self) -> tuple[QPointF, float]:
        """Where the view will have come to rest."""
        if self._clock.state() is QVariantAnimation.State.Running:
            return self._to
        return self._view.centre(), self._view.zoom

    def _show(self, share: float) -> None:
        (start, first), (end, last) = self._from, self._to
        zoom = math.exp(math.log(first) * (1 - share) + math.log(last) * share)
        # Zooming and moving at once, the place that both views have in common stays where it is.
        moved = share if abs(last / first - 1) < 1e-3 else (1 - first / zoom) / (1 - first / last)
        self._own = True
        if share < 1:
            self._view.in_motion()
        self._view.look(start + (end - start) * moved, last if share >= 1 else zoom)
        self._own = False
        if share >= 1:
            self._view.arrived()
