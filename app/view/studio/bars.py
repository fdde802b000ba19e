"""Rows of a name, a bar on a logarithmic scale, its past as a faint line, and the number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.view import theme
from app.view.viewers.kind import inks

ROW = 18
TOP = 16
"""Room for the scale above the rows."""
LEAST = 30.0
"""A line of the past that is narrower than this says nothing."""
DECADES = 3
"""The scale spans so many powers of ten at least."""


@dataclass(frozen=True)
class Bar:
    """One row. `value` is 0 or more, `past` what it was before, the oldest first. A `hollow` bar is
    drawn as an outline, `marked` tells that a verdict means it."""

    key: str
    name: str
    value: float
    past: tuple[float, ...] = ()
    tip: str = ""
    hollow: bool = False
    marked: bool = False


class Bars(QWidget):
    """`chosen` tells the key of a row that was clicked or reached by the arrow keys."""

    chosen = Signal(str)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.bars: tuple[Bar, ...] = ()
        self.current = ""
        self._low, self._high = -3, 0
        self.setAccessibleName(title)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(230, TOP + ROW * max(len(self.bars), 3))

    def minimumSizeHint(self) -> QSize:
        return QSize(110, TOP + ROW * max(len(self.bars), 1))

    def show_bars(self, bars: Sequence[Bar]) -> None:
        if len(bars) != len(self.bars):
            self.updateGeometry()
        self.bars = tuple(bars)
        numbers = [v for bar in bars for v in (bar.value, *bar.past) if 0 < v < math.inf]
        powers = [math.log10(v) for v in numbers] or [-3.0, 0.0]
        self._high = math.ceil(max(powers) + 1e-9)
        self._low = min(math.floor(min(powers)), self._high - DECADES)
        self._low = max(self._low, self._high - 12)  # what is smaller is nothing beside the others
        self.setMinimumHeight(self.minimumSizeHint().height())
        self.update()

    # ------------------------------------------------------------ places

    def _columns(self) -> tuple[float, float, float, float]:
        """Where the bars begin and end, where the past begins and ends."""
        metrics = QFontMetricsF(theme.ui_font(11))
        names = max((metrics.horizontalAdvance(b.name) for b in self.bars), default=40.0)
        number = QFontMetricsF(theme.number_font(11)).horizontalAdvance("0.00e−00") + 6
        left = min(names, self.width() * 0.28) + 20
        room = self.width() - left - number
        past = room * 0.36 if any(len(b.past) > 1 for b in self.bars) else 0.0
        past = past if past > LEAST else 0.0
        gap = 8.0 if past else 0.0
        return left, left + room - past - gap, left + room - past, left + room

    def rect_of(self, key: str) -> QRectF:
        """Where a row stands."""
        index = next((i for i, b in enumerate(self.bars) if b.key == key), -1)
        return QRectF(0, TOP + index * ROW, self.width(), ROW) if index >= 0 else QRectF()

    def _bar_at(self, y: float) -> Bar | None:
        index = int((y - TOP) // ROW)
        return self.bars[index] if 0 <= index < len(self.bars) else None

    def share(self, value: float) -> float:
        """How far along the scale a number stands, from 0 to 1."""
        if not value > 0:
            return 0.0
        if value == math.inf:
            return 1.0
        place = (math.log10(value) - self._low) / (self._high - self._low)
        return min(max(place, 0.0), 1.0)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right, start, end = self._columns()
        self._scale(painter, left, right)
        ink = inks("gradient")[0]
        faint = theme.blend(tokens.muted, tokens.panel, 0.35)
        for index, bar in enumerate(self.bars):
            row = QRectF(0, TOP + index * ROW, self.width(), ROW)
            if bar.key == self.current:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.blend(tokens.panel, tokens.accent, 0.22))
                painter.drawRoundedRect(row, 4, 4)
            if bar.marked:
                _warn(painter, QPointF(7, row.center().y()))
            painter.setPen(tokens.text)
            painter.setFont(theme.ui_font(11))
            metrics = QFontMetricsF(painter.font())
            name = metrics.elidedText(bar.name, Qt.TextElideMode.ElideMiddle, left - 20)
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(row.adjusted(15, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, name)
            length = self.share(bar.value) * (right - left)
            body = QRectF(left, row.y() + 4, max(length, 0.0), ROW - 8)
            if bar.hollow:
                painter.setPen(QPen(ink, 1.2))
                painter.setBrush(theme.blend(tokens.panel, ink, 0.15))
                body = body.adjusted(0.6, 0.6, -0.6, -0.6)
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(ink)
            if length > 1.5:
                painter.drawRoundedRect(body, 2, 2)
            if len(bar.past) > 1 and end > start:
                painter.setPen(QPen(faint, 1.2))
                painter.drawPolyline(self._line(bar.past, start, end, row))
            painter.setPen(tokens.text)
            painter.setFont(theme.number_font(11))
            text = theme.number_text(bar.value, 3)
            painter.drawText(row.adjusted(0, 0, -4, 0), middle | Qt.AlignmentFlag.AlignRight, text)

    def _line(self, past: Sequence[float], start: float, end: float, row: QRectF) -> QPolygonF:
        width, count = end - start, len(past) - 1
        high = row.height() - 6
        points = [
            QPointF(start + width * i / count, row.bottom() - 3 - high * self.share(v))
            for i, v in enumerate(past)
        ]
        return QPolygonF(points)

    def _scale(self, painter: QPainter, left: float, right: float) -> None:
        """Powers of ten, as many as there is room for."""
        tokens = theme.current()
        painter.setFont(theme.number_font(9))
        metrics = QFontMetricsF(painter.font())
        room = max(int((right - left) // 34), 1)
        every = max(-(-(self._high - self._low) // room), 1)
        line = theme.blend(tokens.hairline, tokens.panel, 0.3)
        for power in range(self._high, self._low - 1, -every):
            x = left + (right - left) * (power - self._low) / (self._high - self._low)
            painter.setPen(QPen(line, 1))
            painter.drawLine(QPointF(x, TOP), QPointF(x, TOP + ROW * len(self.bars)))
            text = (
                theme.number_text(10.0**power, 1)
                if -3 < power < 4
                else f"1e{power}".replace("-", "−")
            )
            width = metrics.horizontalAdvance(text)
            painter.setPen(tokens.muted)
            painter.drawText(
                QPointF(min(max(x - width / 2, left - 6), right - width + 6), 10), text
            )

    # ------------------------------------------------------------ hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        bar = self._bar_at(event.position().y())
        if bar is not None and event.button() is Qt.MouseButton.LeftButton:
            self._choose(bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is None or not self.bars:
            super().keyPressEvent(event)
            return
        index = next((i for i, b in enumerate(self.bars) if b.key == self.current), -1)
        if index < 0:
            index = -1 if step > 0 else len(self.bars)
        self._choose(self.bars[min(max(index + step, 0), len(self.bars) - 1)])

    def _choose(self, bar: Bar) -> None:
        self.current = bar.key
        self.update()
        self.chosen.emit(bar.key)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            bar = self._bar_at(event.pos().y())
            QToolTip.showText(event.globalPos(), bar.tip if bar else "", self)
            return True
        return super().event(event)


def _warn(painter: QPainter, at: QPointF) -> None:
    painter.setPen(QPen(theme.current().warning, 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x, y = at.x(), at.y()
    painter.drawPolygon(
        QPolygonF([QPointF(x, y - 4.5), QPointF(x + 5, y + 4), QPointF(x - 5, y + 4)])
    )
    painter.drawLine(QPointF(x, y - 1.2), QPointF(x, y + 1.6))
