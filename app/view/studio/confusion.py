"""The confusion matrix as a picture that is pointed at and clicked: what it is down, taken for across."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.text import tr
from app.view import theme
from app.view.viewers.kind import ground
from engine.probes.metrics import Confusion

LARGEST, SMALLEST = QSizeF(72, 40), QSizeF(5, 5)
LETTERS_FROM = 11.0
"""Cells lower than this have no numbers."""


class Matrix(QWidget):
    """`chosen` tells the cell (actual, predicted) that was clicked, `pointed` the one under the pointer,
    (-1, -1) for none. Arrow keys move the chosen cell."""

    chosen = Signal(int, int)
    pointed = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self.confusion: Confusion | None = None
        self.classes: tuple[str, ...] = ()
        self.shares = False
        self.cell: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Confusion matrix"))

    def sizeHint(self) -> QSize:
        return QSize(230, 180)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 90)

    def show_counts(self, confusion: Confusion, classes: tuple[str, ...], shares: bool) -> None:
        self.confusion, self.classes, self.shares = confusion, classes, shares
        if self.cell is not None and max(self.cell) >= len(classes):
            self.cell = None
        self.update()

    # ------------------------------------------------------------ places

    def _grid(self) -> tuple[QPointF, QSizeF]:
        """Where the cells begin, and the size of one."""
        count = max(len(self.classes), 1)
        metrics = QFontMetricsF(theme.ui_font(10))
        left = min(max((metrics.horizontalAdvance(c) for c in self.classes), default=0) + 10, 76.0)
        left = min(left, self.width() * 0.35)
        top = metrics.height() + 6
        room = QSizeF((self.width() - left - 2) / count, (self.height() - top - 2) / count)
        return QPointF(left, top), room.boundedTo(LARGEST).expandedTo(SMALLEST)

    def rect_of(self, actual: int, predicted: int) -> QRectF:
        start, cell = self._grid()
        return QRectF(start + QPointF(predicted * cell.width(), actual * cell.height()), cell)

    def cell_at(self, place: QPointF) -> tuple[int, int] | None:
        start, cell = self._grid()
        across = (place.x() - start.x()) / cell.width()
        down = (place.y() - start.y()) / cell.height()
        inside = 0 <= across < len(self.classes) and 0 <= down < len(self.classes)
        return (int(down), int(across)) if inside else None

    # ------------------------------------------------------------ events

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.pointed.emit(*(self.cell_at(event.position()) or (-1, -1)))

    def leaveEvent(self, event: object) -> None:
        self.pointed.emit(-1, -1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._choose(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
        }  # fmt: skip
        step, last = steps.get(Qt.Key(event.key())), len(self.classes) - 1
        if step is None or last < 0:
            super().keyPressEvent(event)
            return
        down, across = self.cell or (0, 0)
        moved = (down + step[0], across + step[1]) if self.cell else (0, 0)
        self._choose((min(max(moved[0], 0), last), min(max(moved[1], 0), last)))

    def _choose(self, cell: tuple[int, int]) -> None:
        self.cell = cell
        self.update()
        self.chosen.emit(*cell)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.confusion is None:
            return
        tokens = theme.current()
        counts, shares = self.confusion.counts, self.confusion.shares
        _, size = self._grid()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gap = 1.0 if size.height() > 10 else 0.5
        numbers = theme.number_font(min(11, max(9, round(size.height() * 0.5))))
        letters = QFontMetricsF(numbers)
        nothing = theme.blend(ground(), tokens.text, 0.11 if tokens.is_dark else 0.07)
        painter.setFont(numbers)
        for actual in range(len(self.classes)):
            for predicted in range(len(self.classes)):
                box = self.rect_of(actual, predicted)
                share = float(shares[actual, predicted])
                share = 0.0 if math.isnan(share) else share
                hue = tokens.accent if actual == predicted else tokens.error
                fill = theme.blend(nothing, hue, 0.15 + 0.7 * share**0.7 if share else 0.0)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(fill)
                painter.drawRoundedRect(box.adjusted(gap, gap, -gap, -gap), 2, 2)
                count = int(counts[actual, predicted])
                text = f"{100 * share:.0f}" if self.shares else f"{count}"
                wide = letters.horizontalAdvance(text) > box.width() - 2
                if not count or wide or box.height() < LETTERS_FROM:
                    continue
                dark = fill.lightnessF() < 0.55
                painter.setPen(theme.DARK.text if dark else theme.LIGHT.text)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        self._names(painter)
        if self.cell is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(tokens.text, 1.6))
            painter.drawRoundedRect(self.rect_of(*self.cell).adjusted(1, 1, -1, -1), 2, 2)
        painter.end()

    def _names(self, painter: QPainter) -> None:
        start, cell = self._grid()
        painter.setFont(theme.ui_font(10))
        painter.setPen(theme.current().muted)
        letters = painter.fontMetrics()
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
        every = max(1, math.ceil(letters.height() / cell.height()))
        for number, name in enumerate(self.classes):
            if number % every == 0:
                row = QRectF(0, start.y() + number * cell.height(), start.x() - 6, cell.height())
                text = letters.elidedText(name, Qt.TextElideMode.ElideRight, int(row.width()))
                painter.drawText(row, Qt.AlignmentFlag.AlignRight | middle, text)
        widest = max((letters.horizontalAdvance(name) for name in self.classes), default=0)
        every = max(1, math.ceil(min(widest + 4, 40) / cell.width()))
        for number, name in enumerate(self.classes):
            if number % every == 0:
                left = start.x() + number * cell.width()
                column = QRectF(left, 0, cell.width() * every, start.y() - 2)
                text = letters.elidedText(name, Qt.TextElideMode.ElideRight, int(column.width()))
                column.setWidth(max(cell.width(), letters.horizontalAdvance(text)))
                painter.drawText(column, Qt.AlignmentFlag.AlignHCenter | middle, text)
