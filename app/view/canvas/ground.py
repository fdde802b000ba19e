"""The ground under the nodes: its colour and a grid of dots."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QWidget

from app.view.theme import DARK, Theme

SPACING = 24.0
CLOSEST = 14.0
"""Dots are thinned out before they stand closer than this on the screen."""


class Ground:
    """Draws in view pixels. A row of dots is one pixmap, drawn once a row."""

    def __init__(self) -> None:
        self._theme = DARK
        self._row: QPixmap | None = None
        self._key: object = None

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._key = None

    def draw(self, painter: QPainter, view: QTransform, widget: QWidget) -> None:
        """The whole of `widget`; what need not be painted is clipped by the painter."""
        size, ratio = widget.size(), painter.device().devicePixelRatio()
        world = painter.worldTransform()
        painter.setWorldTransform(QTransform())
        painter.fillRect(widget.rect(), self._theme.canvas)
        step = SPACING * view.m11()
        while step < CLOSEST:
            step *= 2
        left, top = view.dx() % step, view.dy() % step
        key = (round(left * 8), round(step * 64), size.width(), ratio)
        if key != self._key or self._row is None:
            self._key, self._row = key, self._dots(left, step, size.width(), ratio)
        for index in range(-1, math.ceil((size.height() - top) / step) + 1):
            painter.drawPixmap(QPointF(0, whole(top + index * step) - 1), self._row)
        painter.setWorldTransform(world)

    def _dots(self, left: float, step: float, width: int, ratio: float) -> QPixmap:
        row = QPixmap(max(1, round(width * ratio)), max(1, round(2 * ratio)))
        row.setDevicePixelRatio(ratio)
        row.fill(self._theme.canvas)
        painter = QPainter(row)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._theme.dot)
        painter.setBrush(self._theme.dot)
        for index in range(-1, math.ceil((width - left) / step) + 1):
            painter.fillRect(
                whole(left + index * step) - 1, 0, 2 if ratio < 2 else 1, 2 if ratio < 2 else 1,
                self._theme.dot,
            )  # fmt: skip
        painter.end()
        return row


def whole(place: float) -> int:
    """The nearest pixel, halves always to the same side: what was moved by whole pixels while
    panning stands where it would be painted."""
    return math.floor(place + 0.5 + 1e-6)
