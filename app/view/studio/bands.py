"""The bands of a relief between its levels, the lines along them and their numbers, as a picture."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from app.view import theme
from app.view.studio.relief import Relief
from app.view.viewers.kind import ground
from app.view.viewers.numbers import tick_text
from app.view.viewers.scale import as_image
from engine.ops.row import Array
from engine.probes.surface import Bounds

FINEST = 400_000
"""Pixels that bands are computed for at most; larger pictures are enlarged ones."""
MOST_LABELS, APART = 6, 44


def tint(share: float) -> QColor:
    """The colour of a loss, from the least (0) to the largest (1)."""
    return theme.blend(ground(), theme.current().value, 0.08 + 0.55 * share)


def shades(count: int) -> Array:
    """Colours of the bands from the lowest to the highest (count × 4 bytes)."""
    colours = (tint(k / max(count - 1, 1)) for k in range(count))
    return np.array([[c.red(), c.green(), c.blue(), 255] for c in colours], np.uint8)


def level_text(level: float) -> str:
    """A level of a logarithmic scale in three digits, without zeros at the end."""
    return tick_text(float(f"{level:.3g}"), abs(level))


def picture(
    relief: Relief, bounds: Bounds, size: QSizeF, ratio: float, here: QPointF | None
) -> QPixmap:
    """The range `bounds` of a relief; see-through where it has no loss. Labels keep away from `here`."""
    drawn = QPixmap(int(size.width() * ratio) + 1, int(size.height() * ratio) + 1)
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    every = size.width() * size.height() * ratio**2
    coarse = max(1.0, math.sqrt(every / FINEST)) / ratio
    wide, high = max(int(size.width() / coarse), 2), max(int(size.height() / coarse), 2)
    left, right, bottom, top = bounds
    across = left + (np.arange(wide) + 0.5) / wide * (right - left)
    up = top - (np.arange(high) + 0.5) / high * (top - bottom)
    colours = np.concatenate([shades(len(relief.levels) + 1), np.zeros((1, 4), np.uint8)])
    image = as_image(colours[relief.bands(across, up)])
    painter.drawImage(QRectF(0, 0, size.width(), size.height()), image)
    _lines(painter, relief, bounds, QRectF(QPointF(), size), here)
    painter.end()
    return drawn


def _lines(
    painter: QPainter, relief: Relief, bounds: Bounds, box: QRectF, here: QPointF | None
) -> None:
    tokens = theme.current()
    ink = QColor(theme.blend(tokens.value, tokens.text, 0.4))
    ink.setAlphaF(0.45)
    left, right, bottom, top = bounds
    size = np.array((box.width() / (right - left), -box.height() / (top - bottom)))
    spacing = min(np.diff(relief.levels), default=1.0)
    painter.setFont(theme.number_font(10))
    taken = [here] if here is not None else []
    most = MOST_LABELS + len(taken)
    labels = []
    for number, level in enumerate(relief.levels):
        pieces = (relief.lines(level) - (left, bottom)) * size + (0.0, box.height())
        painter.setPen(QPen(ink, 1))
        painter.drawLines([QLineF(*one, *two) for one, two in pieces.tolist()])
        if len(taken) < most and (number % 2 == 0 or len(relief.levels) < 5):
            text = level_text(level) if relief.log else tick_text(level, spacing)
            spot = _room(painter, box, pieces, text, taken)
            if spot is not None:
                taken.append(spot)
                labels.append((spot, text))
    for spot, text in labels:
        _label(painter, spot, text)


def _room(
    painter: QPainter, box: QRectF, pieces: Array, text: str, taken: list[QPointF]
) -> QPointF | None:
    """Where on a line its number stands, away from what is there; None where there is no room."""
    half = painter.fontMetrics().horizontalAdvance(text) / 2 + 7
    middles = pieces.mean(axis=1)
    x, y = middles[:, 0], middles[:, 1]
    inside = (x > half) & (x < box.width() - half) & (y > 12) & (y < box.height() - 12)
    middles = middles[inside]
    if not len(middles):
        return None
    if not taken:
        return QPointF(*middles[len(middles) // 3].tolist())
    far = np.min([np.hypot(*(middles - (t.x(), t.y())).T) for t in taken], axis=0)
    best = int(np.argmax(np.minimum(far, 2 * APART)))
    return QPointF(*middles[best].tolist()) if far[best] >= APART else None


def _label(painter: QPainter, spot: QPointF, text: str) -> None:
    back = QColor(ground())
    back.setAlphaF(0.72)
    wide = painter.fontMetrics().horizontalAdvance(text) + 6
    label = QRectF(spot.x() - wide / 2, spot.y() - 7, wide, 14)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(label, 3, 3)
    painter.setPen(theme.current().text)
    painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)
