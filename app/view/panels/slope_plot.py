"""The output along one number, with its tangents: where the number began, and where it is now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.text import tr
from app.view import theme

MARGIN = 10.0
HEAD, FOOT = 20.0, 17.0
_SHARE = 0.16
"""So much of the width the tangent where the number is now goes to either side."""


@dataclass(frozen=True)
class Point:
    """The number, the output there and its slope."""

    x: float
    y: float
    slope: float


class SlopePlot(QWidget):
    """Paints what it is given; `dragged` carries the number that the pointer is at, `began` and `ended`
    stand around a drag, `given_up` is Esc."""

    began = Signal()
    dragged = Signal(float)
    ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = 0.0, 1.0
        self.curve: Sequence[tuple[float, float]] = ()
        self.start: Point | None = None
        self.now: Point | None = None
        self.moved = False
        self.output = ""
        self.setProperty("role", "plot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName(tr("The output along this number"))
        self.setToolTip(
            tr("Drag to try the number out; the curve is the output, the lines its tangents")
        )
        self._held = False

    def sizeHint(self) -> QSize:
        return QSize(300, 150)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 96)

    def show_line(
        self, span: tuple[float, float], curve: Sequence[tuple[float, float]], output: str
    ) -> None:
        """A part of the line: all that is known of it so far."""
        (self.low, self.high), self.curve, self.output = span, curve, output
        self.update()

    def show_points(self, start: Point | None, now: Point | None, moved: bool) -> None:
        self.start, self.now, self.moved = start, now, moved
        self.update()

    # ------------------------------------------------------------ events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.now is not None:
            self._held = True
            self.began.emit()
            self.dragged.emit(self._number_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self.dragged.emit(self._number_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._held = False
            self.ended.emit()

    def _number_at(self, x: float) -> float:
        box = self._box
        share = min(max((x - box.left()) / box.width(), 0.0), 1.0)
        return self.low + share * (self.high - self.low)

    # ------------------------------------------------------------ painting

    @property
    def _box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(MARGIN, HEAD + 4, -MARGIN, -FOOT - 2)

    def _range(self) -> tuple[float, float] | None:
        """What is seen of the output: the curve and both points, not what tangents leave."""
        heights = [y for _, y in self.curve if math.isfinite(y)]
        heights += [p.y for p in (self.start, self.now) if p is not None and math.isfinite(p.y)]
        if self.moved and self.start is not None and self.now is not None:
            said = self.start.y + self.start.slope * (self.now.x - self.start.x)
            reach = max(heights, default=0.0) - min(heights, default=0.0)
            if heights and min(heights) - reach <= said <= max(heights) + reach:
                heights.append(said)
        if not heights:
            return None
        low, high = min(heights), max(heights)
        if high - low < 1e-12 * max(1.0, abs(high)):
            low, high = low - 1.0, high + 1.0
        room = 0.08 * (high - low)
        return low - room, high + room

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter, tokens = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen, box = self._range(), self._box
        self._words(painter, tokens)
        if seen is None or self.high <= self.low:
            return
        low, high = seen

        def at(x: float, y: float) -> QPointF:
            across = (x - self.low) / (self.high - self.low)
            return QPointF(
                box.left() + across * box.width(),
                box.bottom() - (y - low) / (high - low) * box.height(),
            )

        painter.setClipRect(box.adjusted(-4, -4, 4, 4))
        if low < 0 < high:
            painter.setPen(QPen(tokens.border, 1))
            painter.drawLine(at(self.low, 0.0), at(self.high, 0.0))
        if self.now is not None:
            painter.setPen(QPen(tokens.border, 1, Qt.PenStyle.DotLine))
            x = at(self.now.x, 0.0).x()
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(tokens.value, 2))
        painter.drawPath(self._path(at))
        if self.moved and self.start is not None:
            start = self.start
            self._tangent(painter, at, start, self.low, self.high, tokens.accent, True)
            painter.setPen(QPen(tokens.accent, 1.6))
            painter.setBrush(tokens.panel)
            painter.drawEllipse(at(start.x, start.y), 3.5, 3.5)
        if self.now is not None and math.isfinite(self.now.y):
            now, reach = self.now, _SHARE * (self.high - self.low)
            self._tangent(painter, at, now, now.x - reach, now.x + reach, tokens.gradient, False)
            if self.moved and self.start is not None and math.isfinite(self.start.slope):
                said = self.start.y + self.start.slope * (now.x - self.start.x)
                painter.setPen(QPen(tokens.text, 1.4))
                painter.drawLine(at(now.x, now.y), at(now.x, said))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.value)
            painter.drawEllipse(at(now.x, now.y), 4, 4)

    def _path(self, at: object) -> QPainterPath:
        path, pen_down = QPainterPath(), False
        assert callable(at)
        for x, y in self.curve:
            if not math.isfinite(y):
                pen_down = False
            elif pen_down:
                path.lineTo(at(x, y))
            else:
                path.moveTo(at(x, y))
                pen_down = True
        return path

    def _tangent(
        self,
        painter: QPainter,
        at: object,
        point: Point,
        low: float,
        high: float,
        colour: QColor,
        dashed: bool,
    ) -> None:
        assert callable(at)
        if not (math.isfinite(point.slope) and math.isfinite(point.y)):
            return
        painter.setPen(QPen(colour, 1.6, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
        ends = [at(x, point.y + point.slope * (x - point.x)) for x in (low, high)]
        painter.drawLine(*ends)

    def _words(self, painter: QPainter, tokens: theme.Theme) -> None:
        painter.setFont(theme.ui_font(10))
        metrics, x = painter.fontMetrics(), MARGIN
        words = [(self.output, tokens.value), (tr("slope here"), tokens.gradient)]
        if self.moved:
            words.append((tr("tangent where it began"), tokens.accent))
        for text, colour in words:
            painter.setPen(colour)
            painter.drawText(QPointF(x, HEAD - 5), text)
            x += metrics.horizontalAdvance(text) + 14
        painter.setPen(tokens.muted)
        painter.setFont(theme.number_font(10))
        foot = QRectF(MARGIN, self.height() - FOOT, self.width() - 2 * MARGIN, FOOT - 3)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, theme.number_text(self.low, 3))
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, theme.number_text(self.high, 3))
