"""Rows of small pictures, bars and histograms side by side, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea

from app.view import theme
from app.view.studio.plane import paint_bars, paint_picture
from app.view.viewers.kind import ground
from engine.ops.row import Array

SMALLEST, SMALL, LARGEST = 20.0, 36.0, 96.0
GAP, TITLE, UNDER = 4.0, 18.0, 13.0
BETWEEN = 14.0
"""Between two strips that stand side by side."""


@dataclass(frozen=True)
class Cell:
    """One thing of a strip: a picture, else `numbers` as bars that reach from `reach[0]` to `reach[1]`.
    `under` stands below it."""

    image: QImage | None = None
    numbers: Array | None = None
    reach: tuple[float, float] | None = None
    under: str = ""
    colours: Sequence[QColor] = ()


@dataclass(frozen=True)
class Strip:
    """A row of cells with a `label` before them."""

    label: str
    cells: tuple[Cell, ...]


class Strips(QAbstractScrollArea):
    """A title that is empty goes with the one before it. `pointed` tells the strip and the cell under
    the pointer and where in the cell it is, from 0 to 1 across and down; (-1, -1, 0, 0) for none."""

    pointed = Signal(int, int, float, float)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.titles: tuple[str, ...] = ()
        self.strips: tuple[Strip, ...] = ()
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName(name)
        self.setMinimumHeight(70)

    def show_strips(self, titles: Sequence[str], strips: Sequence[Strip]) -> None:
        self.titles, self.strips = tuple(titles), tuple(strips)
        self._settle()

    # ------------------------------------------------------------ places

    @property
    def _label(self) -> float:
        metrics = QFontMetricsF(theme.number_font(10))
        widest = max((metrics.horizontalAdvance(s.label) for s in self.strips), default=0)
        return min(widest, 72.0) + (6 if widest else 0)

    @property
    def _under(self) -> float:
        return UNDER if any(c.under for s in self.strips for c in s.cells) else 0.0

    def _fitting(self) -> tuple[int, float]:
        """How many strips stand side by side, and how large a cell is."""
        count, room = max(len(self.titles), 1), self.viewport().width() - 2.0

        def side(beside: int) -> float:
            each = (room - (beside - 1) * BETWEEN) / beside - self._label
            return (each - (count - 1) * GAP) / count

        # Two rows are seen at least, where that leaves something to see.
        high = (self.viewport().height() - TITLE) / 2 - self._under - GAP
        most = min(max(high, SMALL), LARGEST)
        beside = 1
        while side(beside) > most and side(beside + 1) >= SMALL and beside < len(self.strips):
            beside += 1
        return beside, min(max(side(beside), SMALLEST), most)

    def _step(self) -> float:
        return self._fitting()[1] + self._under + GAP

    def rect_of(self, strip: int, cell: int) -> QRectF:
        """Where a cell stands in the viewport."""
        beside, side = self._fitting()
        row, place = divmod(strip, beside)
        count = max(len(self.titles), 1)
        width = self._label + count * side + (count - 1) * GAP
        left = place * (width + BETWEEN) + self._label + cell * (side + GAP)
        top = TITLE + row * self._step() - self.verticalScrollBar().value()
        return QRectF(left + 1, top, side, side)

    def _settle(self) -> None:
        beside = self._fitting()[0]
        rows = -(-len(self.strips) // beside)
        height = TITLE + rows * self._step()
        bar = self.verticalScrollBar()
        bar.setRange(0, max(round(height - self.viewport().height()), 0))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(round(self._step()))
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._settle()

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self.viewport()), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.viewport().rect(), tokens.panel)
        beside, _ = self._fitting()
        painter.setFont(theme.number_font(10))
        metrics = QFontMetricsF(painter.font())
        painter.setClipRect(QRectF(0, TITLE - 1, self.viewport().width(), self.viewport().height()))
        for number, strip in enumerate(self.strips):
            first = self.rect_of(number, 0)
            if first.bottom() + UNDER < 0 or first.top() > self.viewport().height():
                continue
            label = QRectF(first.left() - self._label, first.top(), self._label - 6, first.height())
            painter.setPen(tokens.muted)
            text = metrics.elidedText(strip.label, Qt.TextElideMode.ElideRight, label.width() + 1)
            painter.drawText(
                label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )
            for place, cell in enumerate(strip.cells):
                self._paint_cell(painter, self.rect_of(number, place), cell, metrics)
        painter.setClipping(False)
        painter.setFont(theme.ui_font(10 if self._fitting()[1] >= SMALL else 9))
        painter.setPen(tokens.muted)
        metrics = QFontMetricsF(painter.font())
        for number in range(min(beside, len(self.strips))):
            for place, title in enumerate(self.titles):
                if not title:
                    continue
                last = place
                while last + 1 < len(self.titles) and not self.titles[last + 1]:
                    last += 1  # a title stands over those without one
                left, right = self.rect_of(number, place).left(), self.rect_of(number, last).right()
                area = QRectF(left - GAP, 0, right - left + 2 * GAP, TITLE - 2)
                text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, area.width())
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_cell(
        self, painter: QPainter, rect: QRectF, cell: Cell, metrics: QFontMetricsF
    ) -> None:
        tokens = theme.current()
        if cell.image is not None:
            paint_picture(painter, rect, cell.image)
        elif cell.numbers is not None:
            painter.fillRect(rect, ground())
            paint_bars(painter, rect.adjusted(2, 2, -2, -2), cell.numbers, cell.reach, cell.colours)
            painter.setPen(QPen(tokens.hairline, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)
        if cell.under:
            painter.setPen(tokens.muted)
            below = QRectF(rect.left() - GAP, rect.bottom(), rect.width() + 2 * GAP, UNDER)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, cell.under)

    # ------------------------------------------------------------ the pointer

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(event.position())

    def _point(self, at: QPointF) -> None:
        for number, strip in enumerate(self.strips):
            for place, cell in enumerate(strip.cells):
                rect = self.rect_of(number, place)
                if rect.contains(at) and at.y() >= TITLE:
                    if cell.image is not None:
                        size = cell.image.size().toSizeF()
                        size.scale(rect.size(), Qt.AspectRatioMode.KeepAspectRatio)
                        across, down = size.width(), size.height()
                    else:
                        across, down = rect.width(), rect.height()
                    x = (at.x() - rect.center().x()) / across + 0.5
                    y = (at.y() - rect.center().y()) / down + 0.5
                    self.pointed.emit(number, place, min(max(x, 0), 1), min(max(y, 0), 1))
                    return
        self.pointed.emit(-1, -1, 0.0, 0.0)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave:
            self.pointed.emit(-1, -1, 0.0, 0.0)
        return super().viewportEvent(event)
