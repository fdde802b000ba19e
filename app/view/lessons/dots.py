"""The steps of a lesson as a row of dots: done, the one looked at, those to come; a click goes to one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.view import theme

HEIGHT, EDGE, WIDEST, THINNEST = 22, 7.0, 22.0, 3.0


class Dots(QWidget):
    """Of up to 200 steps; where they stand too close for dots they are a bar of strips."""

    chosen = Signal(int)

    def __init__(self, titles: Callable[[int], str]) -> None:
        super().__init__()
        self._titles = titles
        self.count = self.at = self.reached = 0
        self.done: frozenset[int] = frozenset()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_way(self, count: int, at: int, reached: int, done: frozenset[int]) -> None:
        self.count, self.at, self.reached, self.done = count, at, reached, done
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def _pitch(self) -> float:
        return min(WIDEST, (self.width() - 2 * EDGE) / max(self.count - 1, 1))

    def place(self, number: int) -> QPointF:
        """The middle of a dot."""
        return QPointF(EDGE + number * self._pitch(), self.height() / 2)

    def step_at(self, x: float) -> int | None:
        number = round((x - EDGE) / self._pitch())
        return number if 0 <= number < self.count else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self.step_at(event.position().x())
        if number is not None and number <= self.reached:
            self.chosen.emit(number)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self.step_at(event.pos().x())
            text = self._titles(number) if number is not None else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, pitch = theme.current(), self._pitch()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        small, large = min(4.0, max(THINNEST, pitch) / 3), min(6.0, max(THINNEST, pitch) / 2.2)
        painter.setPen(QPen(tokens.hairline, 2))
        if self.count > 1:
            painter.drawLine(self.place(0), self.place(self.count - 1))
        if self.reached:
            painter.setPen(QPen(theme.blend(tokens.panel, tokens.accent, 0.5), 2))
            painter.drawLine(self.place(0), self.place(min(self.reached, self.count - 1)))
        for number in range(self.count):
            at, r = self.place(number), large if number == self.at else small
            painter.setPen(QPen(tokens.panel, 2))
            painter.setBrush(tokens.panel)
            painter.drawEllipse(at, r + 1, r + 1)
            if number == self.at:
                painter.setPen(QPen(tokens.accent, 2))
                painter.setBrush(tokens.accent if number in self.done else tokens.panel)
            elif number in self.done:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(tokens.accent)
            else:
                painter.setPen(QPen(tokens.border, 1.4))
                painter.setBrush(tokens.panel)
            painter.drawEllipse(QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r))
