"""The scrubber: the recorded moments of a run in a row, dragged, clicked and stepped by keys."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.text import tr
from app.view import theme

HEIGHT = 24
SIDE = 8


class Scrubber(QWidget):
    """`asked` tells the moment a person wants, `left` that they want the present again (the far end).

    `moments` are steps in order; `step` is the one looked at, None at the present.
    """

    asked = Signal(int)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.moments: Sequence[int] = ()
        self.step: int | None = None
        self.end = 1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(HEIGHT)
        self.setMaximumHeight(HEIGHT)
        self.setAccessibleName(tr("Recorded moments"))
        self.setToolTip(tr("Drag to look at an earlier moment; ← and → go a moment on or back"))

    def sizeHint(self) -> QSize:
        return QSize(160, HEIGHT)

    def show_moments(self, moments: Sequence[int], step: int | None, end: int) -> None:
        """`end` is the last step of the run."""
        self.moments, self.step = moments, step
        self.end = max(end, moments[-1] if moments else 0, 1)
        self.setEnabled(bool(moments))
        self.update()

    # ------------------------------------------------------------ places

    def place_of(self, step: int) -> float:
        return SIDE + (self.width() - 2 * SIDE) * step / self.end

    def moment_at(self, x: float) -> int | None:
        """The moment that is nearest; None beyond the far end."""
        if not self.moments or x > self.width() - SIDE + 2:
            return None
        step = (x - SIDE) / max(self.width() - 2 * SIDE, 1) * self.end
        after = bisect.bisect_left(self.moments, step)
        near = self.moments[max(after - 1, 0) : after + 1]
        return min(near, key=lambda known: abs(known - step))

    # ------------------------------------------------------------ events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._go(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event.position().x())

    def _go(self, x: float) -> None:
        moment = self.moment_at(x)
        if moment is None:
            self.left.emit()
        elif moment != self.step:
            self.asked.emit(moment)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(key)
        if by is not None and self.moments:
            self._step(by)
        elif key == Qt.Key.Key_Home and self.moments:
            self.asked.emit(self.moments[0])
        elif key in (Qt.Key.Key_End, Qt.Key.Key_Escape) and self.step is not None:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _step(self, by: int) -> None:
        wanted = neighbour(self.moments, self.step, by)
        if wanted is None:
            self.left.emit()
        else:
            self.asked.emit(wanted)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, right = self.height() / 2, self.width() - SIDE
        painter.setPen(QPen(tokens.border, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(SIDE, middle), QPointF(right, middle))
        at = right if self.step is None else self.place_of(self.step)
        past = self.step is not None
        if self.moments:
            painter.setPen(QPen(tokens.accent, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(SIDE, middle), QPointF(at, middle))
            painter.setPen(QPen(tokens.muted, 1))
            drawn = -9.0
            for step in self.moments:
                x = self.place_of(step)
                if x - drawn >= 3:
                    painter.drawLine(QPointF(x, middle + 5), QPointF(x, middle + 9))
                    drawn = x
        painter.setPen(QPen(tokens.panel, 2))
        painter.setBrush(tokens.accent if self.isEnabled() else tokens.border)
        half = 6.0 if past or self.hasFocus() else 5.0
        painter.drawEllipse(QPointF(at, middle), half, half)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(tokens.accent, 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()


def neighbour(moments: Sequence[int], step: int | None, by: int) -> int | None:
    """The moment before or after a step; the present, None, comes after the last. The first stays."""
    if step is None:
        return moments[-1] if by < 0 and moments else None
    if by < 0:
        place = bisect.bisect_left(moments, step) - 1
        return moments[max(place, 0)]
    place = bisect.bisect_right(moments, step)
    return moments[place] if place < len(moments) else None
