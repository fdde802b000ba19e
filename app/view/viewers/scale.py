"""Colours for numbers: a scale centred at 0 or from black to white, and its bar with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.view import theme
from app.view.viewers.kind import What, ground, inks
from app.view.viewers.numbers import tick_text, ticks
from engine.ops.row import Array

STEPS = 255
"""Colours on either side of 0."""


@dataclass(frozen=True)
class Scale:
    """From numbers to colours. `low` to `high` is what the bar shows; `table` has the colours from
    `start` to `end`, and one more for what is no finite number."""

    low: float
    high: float
    start: float
    end: float
    table: Array

    def __call__(self, numbers: Array) -> Array:
        """Red, green, blue and opacity of every number, as bytes: another axis of 4."""
        last = len(self.table) - 2
        share = last / 2 / (self.end / 2 - self.start / 2)  # halves, for a range wider than a float
        with np.errstate(all="ignore"):
            steps = numbers * share + (0.5 - self.start * share)
            np.clip(steps, 0, last, out=steps)
        good = np.isfinite(numbers)
        if not good.all():
            steps[~good] = last + 1
        words = np.ascontiguousarray(self.table).view(np.uint32).reshape(-1)
        picked = words[steps.astype(np.int32, order="C")]  # transposed ones keep their order else
        return picked.view(np.uint8).reshape(*numbers.shape, 4)

    @classmethod
    def diverging(cls, low: float, high: float, of: What) -> Scale:
        """Centred at 0: as far above it as below, in the colours of a value or of a gradient."""
        reach = max(abs(low), abs(high)) or 1.0
        up, down = inks(of)
        base = ground()
        sides = [_blended(base, colour) for colour in (down, up)]
        table = np.concatenate([sides[0][::-1], sides[1][1:], _bytes(theme.current().error)[None]])
        return cls(min(low, 0.0), max(high, 0.0), -reach, reach, table)

    @classmethod
    def grey(cls, low: float, high: float) -> Scale:
        """From black at the least number to white at the largest."""
        if low == high:
            low, high = (low - 0.5, high + 0.5)
        levels = np.linspace(0, 255, 2 * STEPS + 1).round().astype(np.uint8)
        opaque = np.full_like(levels, 255)
        greys = np.stack([levels, levels, levels, opaque], 1)
        return cls(
            low, high, low, high, np.concatenate([greys, _bytes(theme.current().error)[None]])
        )


def _bytes(colour: QColor) -> Array:
    return np.array((colour.red(), colour.green(), colour.blue(), 255), np.uint8)


def _blended(base: QColor, colour: QColor) -> Array:
    share = np.linspace(0, 1, STEPS + 1)[:, None]
    mixed = _bytes(base) * (1 - share) + _bytes(colour) * share
    return np.asarray(mixed.round().astype(np.uint8))


def as_image(rgba: Array) -> QImage:
    """A picture of rows × columns × 4 bytes."""
    height, width = rgba.shape[:2]
    image = QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.copy()  # else it would point into bytes that are gone


class ColourBar(QWidget):
    """A scale as a bar with numbers at its right."""

    def __init__(self) -> None:
        super().__init__()
        self.scale: Scale | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_scale(self, scale: Scale | None) -> None:
        """None takes the bar away."""
        self.scale = scale
        self.setVisible(scale is not None)
        self.updateGeometry()
        self.update()

    def marks(self) -> list[float]:
        """The numbers beside the bar."""
        if self.scale is None:
            return []
        count = max(2, min(8, self.height() // 36))
        return ticks(self.scale.low, self.scale.high, count)

    def texts(self) -> list[str]:
        """What is written beside the bar."""
        marks = self.marks()
        spacing = min((b - a for a, b in pairwise(marks)), default=1.0)
        return [tick_text(mark, spacing) for mark in marks]

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(theme.number_font(10))
        widest = max((metrics.horizontalAdvance(text) for text in self.texts()), default=0)
        return QSize(12 + 8 + widest + 2, 80)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width(), 40)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.updateGeometry()  # how many numbers there are depends on the height

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.scale is None:
            return
        tokens, scale = theme.current(), self.scale
        painter = QPainter(self)
        bar = QRectF(0.5, 6.5, 11, self.height() - 13)
        column = scale(np.linspace(scale.high, scale.low, max(int(bar.height()), 2))[:, None])
        painter.drawImage(bar, as_image(column))
        painter.setPen(QPen(tokens.border, 1))
        painter.drawRect(bar)
        painter.setFont(theme.number_font(10))
        span = (scale.high - scale.low) or 1.0
        for mark, text in zip(self.marks(), self.texts(), strict=True):
            y = bar.bottom() - bar.height() * (mark - scale.low) / span
            painter.setPen(tokens.muted)
            painter.drawLine(QPointF(bar.right() + 1, y), QPointF(bar.right() + 4, y))
            box = QRectF(bar.right() + 8, y - 7, self.width() - bar.right() - 8, 14)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def beside(picture: QWidget, bar: ColourBar) -> QWidget:
    """A picture on a card with its scale at the right."""
    card = QWidget()
    card.setProperty("role", "plot")
    card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    row = QHBoxLayout(card)
    row.setContentsMargins(6, 6, 10, 6)
    row.setSpacing(10)
    row.addWidget(picture, 1)
    row.addWidget(bar)
    return card
