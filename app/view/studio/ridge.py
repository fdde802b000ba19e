"""Histograms one behind the other, the newest in front, or as a strip of shades over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.text import tr
from app.view import theme
from app.view.viewers.kind import What, ground, inks
from app.view.viewers.numbers import tick_text
from app.view.viewers.scale import as_image
from engine.ops.row import Array
from engine.probes.histograms import Histogram

FRONT = 0.42
"""The share of the height that the newest has."""
STRIPS = 60
LEFT, BOTTOM, TOP = 8.0, 18.0, 8.0


class Ridge(QWidget):
    """One node's numbers over time: along x the numbers, from back to front the steps.

    All are drawn on one scale, the widest that any moment shown had, in shares of all entries.
    """

    def __init__(self) -> None:
        super().__init__()
        self.items: list[tuple[int, Histogram]] = []
        self.of: What = "value"
        self.flat = False
        self.low, self.high = 0.0, 1.0
        self.setAccessibleName(tr("Histograms over time"))

    def sizeHint(self) -> QSize:
        return QSize(230, 140)

    def minimumSizeHint(self) -> QSize:
        return QSize(110, 70)

    def show_items(self, items: Sequence[tuple[int, Histogram]], of: What, flat: bool) -> None:
        """(step, histogram), the oldest first; `flat` is the strip of shades."""
        every = max(-(-len(items) // STRIPS), 1)
        self.items = [*items[::-1][::every][::-1]]
        self.of, self.flat = of, flat
        bounds = [(h.low, h.high) for _, h in self.items if not math.isnan(h.low)]
        self.low = min((low for low, _ in bounds), default=0.0)
        self.high = max((high for _, high in bounds), default=1.0)
        if not self.high > self.low:  # one number throughout
            around = abs(self.low) * 0.5 or 0.5
            self.low, self.high = self.low - around, self.high + around
        self.update()

    def shares(self, histogram: Histogram, columns: int) -> Array:
        """How much of all entries lies in each of so many equal columns of the scale; sums to 1."""
        found = np.zeros(columns)
        if math.isnan(histogram.low) or not histogram.counts.sum():
            return found
        span = self.high - self.low
        edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
        places = np.clip((edges - self.low) / span * columns, 0, columns)
        total = np.concatenate([[0.0], np.cumsum(histogram.counts)]) / histogram.counts.sum()
        if places[-1] - places[0] < 1e-9:
            found[min(int(places[0]), columns - 1)] = 1.0
            return found
        below = np.interp(np.arange(columns + 1), places, total, 0.0, 1.0)
        share: Array = np.diff(below)
        share[-1] += 1.0 - below[-1]
        return share

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground())
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        if not self.items:
            return
        room = QRectF(self.rect()).adjusted(LEFT, TOP, -LEFT, -BOTTOM)
        steps = f"{self.items[0][0]:,}", f"{self.items[-1][0]:,}"
        painter.setFont(theme.number_font(9))
        metrics = QFontMetricsF(painter.font())
        if len(self.items) > 1:
            room.setRight(room.right() - max(map(metrics.horizontalAdvance, steps)) - 6)
        if self.flat and len(self.items) > 1:
            self._strips(painter, room)
        else:
            self._ridges(painter, room)
        self._axis(painter, room)
        if len(self.items) > 1:
            painter.setPen(theme.current().muted)
            first = room.top() + (0 if self.flat else room.height() * FRONT) + metrics.ascent()
            painter.drawText(QPointF(room.right() + 6, first), steps[0])
            painter.drawText(QPointF(room.right() + 6, room.bottom()), steps[1])

    def _ridges(self, painter: QPainter, room: QRectF) -> None:
        tokens = theme.current()
        count = len(self.items)
        columns = int(np.clip(room.width() // 3, 8, 96))
        rows = [self.shares(h, columns) for _, h in self.items]
        most = max((float(row.max()) for row in rows), default=0.0) or 1.0
        ink = inks(self.of)[0]
        tall = room.height() * (FRONT if count > 1 else 1.0)
        for i, row in enumerate(rows):
            age = i / (count - 1) if count > 1 else 1.0  # 1 is now
            base = room.bottom() - (room.height() - tall) * (1 - age)
            points = [QPointF(room.left(), base)]
            wide = room.width() / columns
            points += [
                QPointF(room.left() + wide * (j + 0.5), base - tall * math.sqrt(float(v) / most))
                for j, v in enumerate(row)
            ]
            points.append(QPointF(room.right(), base))
            newest = i == count - 1
            shade = theme.blend(tokens.panel, ink, 0.18 + 0.42 * age)
            painter.setBrush(ink if newest else shade)
            painter.setPen(QPen(ground() if not newest else ink, 0.8))
            painter.drawPolygon(QPolygonF(points))

    def _strips(self, painter: QPainter, room: QRectF) -> None:
        """A line of shades a moment, the newest at the bottom."""
        columns = int(np.clip(room.width() // 2, 8, 128))
        rows = np.stack([self.shares(h, columns) for _, h in self.items])
        depth = np.sqrt(rows / (rows.max() or 1.0))[..., None]
        one, other = ground(), inks(self.of)[0]
        colours = [np.array([c.red(), c.green(), c.blue()], np.float64) for c in (one, other)]
        rgba = np.full((*rows.shape, 4), 255, np.uint8)
        rgba[..., :3] = (colours[0] + (colours[1] - colours[0]) * depth).astype(np.uint8)
        painter.drawImage(room, as_image(rgba))

    def _axis(self, painter: QPainter, room: QRectF) -> None:
        tokens = theme.current()
        metrics = QFontMetricsF(painter.font())
        spacing = (self.high - self.low) / 4
        texts = [tick_text(float(f"{v:.2g}"), spacing) for v in (self.low, self.high)]
        painter.setPen(tokens.muted)
        y = room.bottom() + 13
        painter.drawText(QPointF(room.left(), y), texts[0])
        painter.drawText(QPointF(room.right() - metrics.horizontalAdvance(texts[1]), y), texts[1])
        if self.low < 0 < self.high:
            x = room.left() + room.width() * -self.low / (self.high - self.low)
            painter.setPen(QPen(tokens.muted, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
            half = metrics.horizontalAdvance("0") / 2
            edges = [metrics.horizontalAdvance(t) + 8 for t in texts]
            if room.left() + edges[0] < x < room.right() - edges[1]:
                painter.drawText(QPointF(x - half, y), "0")
