"""A plane with axes that panels paint on: pictures, curves, points, and the place under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from app.text import pretty_name
from app.view import theme
from app.view.viewers.kind import ground
from app.view.viewers.numbers import tick_text, ticks
from engine.ops.row import Array

Extent = tuple[float, float, float, float]
NEAR = 12
"""Pixels."""
CARD = 84
STRIP = 4
"""A plane that is so many times as wide as high, or as high as wide, has a scale for each axis."""
TAGGED = 64
"""A lower plane has no room for the name of what runs up."""


class Plane(QWidget):
    """`extent` is left, right, bottom, top; an `even` plane has one scale for both axes, where neither
    would be a strip. `pointed` tells the place under the pointer, None when it
    leaves; `dragged` the place while the left button is down. What is seen is painted by `paint`."""

    pointed = Signal(object)
    dragged = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.extent: Extent = (0.0, 1.0, 0.0, 1.0)
        self.labels = ("", "")
        self.even = False
        self.card: tuple[QImage | None, Array | None, str] | None = None
        self.card_on_left = False
        self.setMouseTracking(True)
        self.setAccessibleName(name)
        self.setMinimumSize(120, 84)

    def sizeHint(self) -> QSize:
        return QSize(240, 180)

    def show_extent(self, extent: Extent, labels: tuple[str, str]) -> None:
        """What is seen of the plane. Numbers that are not finite or no span are made one."""
        ends = [float(np.clip(np.nan_to_num(e), -1e300, 1e300)) for e in extent]
        for i in (0, 2):
            if not ends[i + 1] > ends[i]:
                ends[i], ends[i + 1] = ends[i] - 1, ends[i] + 1
        self.extent = (ends[0], ends[1], ends[2], ends[3])
        self.labels = labels
        self.update()

    # ------------------------------------------------------------ places

    @property
    def box(self) -> QRectF:
        """Where the plane is drawn; numbers stand left of it and under it."""
        metrics = QFontMetricsF(theme.number_font(10))
        widest = max((metrics.horizontalAdvance(t) for t in self._texts(1)), default=0)
        bottom = metrics.height() + 6
        wide = max(self.width() - widest - 18, 10)
        high = max(self.height() - bottom - 10, 10)
        left, right, low, top = self.extent
        shape = (right - left) / (top - low)
        if self.even and 1 / STRIP <= shape <= STRIP:
            fitted = min(wide, high * shape), min(wide / shape, high)
        else:
            fitted = wide, high
        aside, down = (wide - fitted[0]) / 2, (high - fitted[1]) / 2
        return QRectF(widest + 10 + aside, 6 + down, *fitted)

    def pixels(self, places: Array) -> Array:
        """Places (n × 2) in pixels of the widget."""
        box = self.box
        left, right, bottom, top = self.extent
        x = box.left() + (places[:, 0] - left) / (right - left) * box.width()
        y = box.bottom() - (places[:, 1] - bottom) / (top - bottom) * box.height()
        return np.stack([x, y], axis=1).clip(-1e6, 1e6)

    def place(self, at: QPointF) -> tuple[float, float]:
        """The place of a pixel."""
        box = self.box
        left, right, bottom, top = self.extent
        x = left + (at.x() - box.left()) / box.width() * (right - left)
        y = bottom + (box.bottom() - at.y()) / box.height() * (top - bottom)
        return x, y

    def nearest(self, places: Array, at: tuple[float, float]) -> int:
        """Which of these places is under the pointer; -1 for none."""
        if not len(places):
            return -1
        pixels, here = self.pixels(places), self.pixels(np.array([at]))
        away = np.nan_to_num(np.hypot(*(pixels - here).T), nan=np.inf)
        near = int(np.argmin(away))
        return near if away[near] <= NEAR else -1

    # ------------------------------------------------------------ painting

    def paint(self, painter: QPainter, box: QRectF) -> None:
        """What is on the plane; the painter is clipped to it."""
        raise NotImplementedError

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self.box
        rounded = QPainterPath()
        rounded.addRoundedRect(box, 4, 4)
        painter.save()
        painter.setClipPath(rounded)
        painter.fillRect(box, ground())
        self.paint(painter, box)
        if self.card is not None:
            self._paint_card(painter, box)
        painter.restore()
        painter.setPen(QPen(theme.current().border, 1))
        painter.drawPath(rounded)
        self._paint_axes(painter, box)

    def _marks(self, axis: int) -> list[float]:
        low, high = self.extent[2 * axis : 2 * axis + 2]
        room = self.height() / 44 if axis else self.box.width() / 52
        return ticks(low, high, max(2, min(6, int(room))))

    def _texts(self, axis: int) -> list[str]:
        marks = self._marks(axis)
        spacing = min((b - a for a, b in pairwise(marks)), default=1.0)
        return [tick_text(mark, spacing) for mark in marks]

    def _paint_axes(self, painter: QPainter, box: QRectF) -> None:
        tokens = theme.current()
        painter.setFont(theme.number_font(10))
        painter.setPen(tokens.muted)
        metrics = QFontMetricsF(theme.number_font(10))
        taken = [(-1.0, -1.0)]
        name = pretty_name(self.labels[0])
        if name:
            width = metrics.horizontalAdvance(name)
            right = QRectF(box.right() - width, box.bottom() + 3, width, metrics.height())
            painter.setPen(tokens.text)
            painter.drawText(right, Qt.AlignmentFlag.AlignRight, name)
            painter.setPen(tokens.muted)
            taken.append((right.left() - 6, right.right()))
        for mark, text in zip(self._marks(0), self._texts(0), strict=True):
            x = float(self.pixels(np.array([[mark, self.extent[2]]]))[0, 0])
            half = metrics.horizontalAdvance(text) / 2 + 1
            x = min(max(x, half), max(box.right() + 6 - half, half))
            if all(x + half < a or x - half > b for a, b in taken):
                area = QRectF(x - half, box.bottom() + 3, 2 * half, metrics.height())
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
        for mark, text in zip(self._marks(1), self._texts(1), strict=True):
            y = float(self.pixels(np.array([[self.extent[0], mark]]))[0, 1])
            y = min(max(y, box.top() + 6), box.bottom() - 5)
            area = QRectF(0, y - 7, box.left() - 5, 14)
            painter.drawText(
                area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )
        name = pretty_name(self.labels[1])
        if name and box.height() >= TAGGED:
            tag = QRectF(box.left() + 4, box.top() + 3, metrics.horizontalAdvance(name) + 8, 15)
            self._paint_tag(painter, tag, name)

    def _paint_tag(self, painter: QPainter, area: QRectF, text: str) -> None:
        ink = QColor(theme.current().panel)
        ink.setAlphaF(0.82)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawRoundedRect(area, 4, 4)
        painter.setPen(theme.current().text)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_card(self, painter: QPainter, box: QRectF) -> None:
        """A picture in the corner away from the pointer."""
        assert self.card is not None
        image, numbers, words = self.card
        tokens = theme.current()
        side = min(CARD, box.height() - 26, box.width() / 2.5)
        left = box.left() + 6 if self.card_on_left else box.right() - side - 14
        area = QRectF(left, box.top() + 6, side + 8, side + 24)
        painter.setPen(QPen(tokens.border, 1))
        painter.setBrush(tokens.panel)
        painter.drawRoundedRect(area, 6, 6)
        inner = QRectF(area.left() + 4, area.top() + 4, side, side)
        if image is not None:
            paint_picture(painter, inner, image)
        elif numbers is not None:
            paint_bars(painter, inner, numbers)
        painter.setPen(tokens.muted)
        painter.setFont(theme.number_font(10))
        below = QRectF(area.left(), inner.bottom() + 2, area.width(), 16)
        text = QFontMetricsF(painter.font()).elidedText(
            words, Qt.TextElideMode.ElideRight, area.width() - 4
        )
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)

    # ------------------------------------------------------------ the pointer

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position())
        elif self.box.contains(event.position()):
            self._turn(event.position())
            self.pointed.emit(self.place(event.position()))
        else:
            self.pointed.emit(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.box.contains(event.position()):
            self._drag(event.position())

    def _drag(self, at: QPointF) -> None:
        box = self.box
        inside = QPointF(
            min(max(at.x(), box.left()), box.right()), min(max(at.y(), box.top()), box.bottom())
        )
        self._turn(inside)
        self.dragged.emit(self.place(inside))

    def _turn(self, at: QPointF) -> None:
        self.card_on_left = at.x() > self.box.center().x()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(None)


# ------------------------------------------------------------ what is painted


def paint_picture(painter: QPainter, area: QRectF, image: QImage) -> None:
    """A picture as large as fits, its entries as squares where they are large enough to be seen."""
    size = image.size().toSizeF().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
    rect = QRectF(area.center().x() - size.width() / 2, area.center().y() - size.height() / 2,
                  size.width(), size.height())  # fmt: skip
    smooth = size.width() < image.width()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(rect, image)


def paint_bars(
    painter: QPainter, area: QRectF, numbers: Array, reach: tuple[float, float] | None = None,
    colours: Sequence[QColor] = (),
) -> None:  # fmt: skip
    """Numbers as bars from 0, those below it in the other colour."""
    tokens = theme.current()
    good = np.nan_to_num(numbers.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = reach or (float(good.min(initial=0)), float(good.max(initial=0)))
    low, high = min(low, 0.0), max(high, 0.0)
    span = (high - low) or 1.0
    zero = area.bottom() + low / span * area.height()
    width = area.width() / max(len(good), 1)
    gap = 1.0 if width > 4 else 0.0
    painter.setPen(Qt.PenStyle.NoPen)
    for i, number in enumerate(good):
        height = float(number) / span * area.height()
        painter.setBrush(colours[i % len(colours)] if colours else tokens.accent)
        top = zero - max(height, 0.0)
        painter.drawRect(
            QRectF(area.left() + i * width, top, max(width - gap, 0.5), max(abs(height), 0.5))
        )
    painter.setPen(QPen(tokens.border, 1))
    painter.drawLine(QPointF(area.left(), zero), QPointF(area.right(), zero))


def paint_line(painter: QPainter, pixels: Array, pen: QPen) -> None:
    """A curve through pixels, with gaps where they are not finite."""
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    good = np.isfinite(pixels[:, 0]) & np.isfinite(pixels[:, 1])
    for piece in np.split(np.arange(len(pixels)), np.flatnonzero(np.diff(good.astype(int))) + 1):
        if len(piece) > 1 and good[piece[0]]:
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in pixels[piece].tolist()]))


def paint_points(
    painter: QPainter,
    pixels: Array,
    colours: Sequence[QColor],
    held: Array,
    wrong: Array,
    at_work: Array,
    radius: float = 3.2,
) -> None:
    """Rows as points: held-out ones are rings, wrong ones crossed, those of the batch larger."""
    tokens = theme.current()
    edge = QPen(tokens.panel if tokens.is_dark else tokens.text, 0.8)
    cross = QPen(tokens.error, 1.6)
    arm = radius - 0.4  # inside of the point, whose colour is its class
    order = np.argsort(wrong.astype(int) + 2 * at_work.astype(int), kind="stable")
    for i in order.tolist():
        x, y = pixels[i].tolist()
        if not np.isfinite(x + y):
            continue
        size = radius + (1.0 if at_work[i] else 0)
        if held[i]:
            painter.setBrush(tokens.panel)
            painter.setPen(QPen(colours[i], 1.8))
        else:
            painter.setBrush(colours[i])
            painter.setPen(QPen(tokens.text, 1.2) if at_work[i] else edge)
        painter.drawEllipse(QPointF(x, y), size, size)
        if wrong[i]:
            painter.setPen(cross)
            painter.drawLine(QPointF(x - arm, y - arm), QPointF(x + arm, y + arm))
            painter.drawLine(QPointF(x - arm, y + arm), QPointF(x + arm, y - arm))
