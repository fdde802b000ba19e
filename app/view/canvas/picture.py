"""Arrays as small pictures: a diverging heat map, zero in the colour of the ground."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage

from engine.ops.row import Array

LARGEST = 64
SHADES = 1000
"""Steps of the scale to either side of zero."""


def as_matrix(array: Array) -> Array:
    """Two axes of an array: a vector becomes a row, of more axes the first entries are taken."""
    while array.ndim > 2:
        array = array[0]
    return array.reshape(1, -1) if array.ndim < 2 else array


def fitted(box: QRectF, rows: int, columns: int) -> QRectF:
    """Where a picture of so many entries stands in a box: at its left, in the middle of its height."""
    width, height = box.width(), box.height()
    ratio = min(max(columns / rows, 0.25), 6.0)
    if width / height > ratio:
        width = height * ratio
    else:
        height = width / ratio
    return QRectF(box.left(), box.top() + (box.height() - height) / 2, width, height)


def entry_at(array: Array, box: QRectF, place: QPointF) -> tuple[int, ...] | None:
    """The entry that is drawn at a place of a picture in a box; None beside it."""
    if not array.size:
        return None
    matrix = as_matrix(array)
    rows, columns = (min(n, LARGEST) for n in matrix.shape)
    drawn = fitted(box, rows, columns)
    if not drawn.contains(place):
        return None
    ends = (place.y() - drawn.top()) / drawn.height(), (place.x() - drawn.left()) / drawn.width()
    at = [
        round(min(int(share * shown), shown - 1) * (n - 1) / max(shown - 1, 1))
        for share, shown, n in zip(ends, (rows, columns), matrix.shape, strict=True)
    ]
    return (*(0,) * (array.ndim - 2), *at[-array.ndim :]) if array.ndim else ()


@lru_cache(maxsize=16)
def _colours(ground: int, positive: int, negative: int) -> Array:
    """The scale as rows of RGBA bytes: from -SHADES to SHADES, and what is no finite number behind."""
    base, up, down = (
        np.array((c.red(), c.green(), c.blue()), dtype=np.float64)
        for c in map(QColor, (ground, positive, negative))
    )
    scaled = np.arange(-SHADES, SHADES + 1)[:, None] / SHADES
    pixels = base + (np.where(scaled >= 0, up, down) - base) * np.abs(scaled) ** 0.8
    colours = np.full((2 * SHADES + 2, 4), 255, np.uint8)
    colours[:, :3] = np.concatenate([pixels, [(up + down) / 2]]).round()
    return colours


def heat_map(array: Array, ground: QColor, positive: QColor, negative: QColor) -> QImage | None:
    """One pixel an entry, at most 64 a side (evenly chosen), scaled by the largest magnitude.

    Not-a-number and infinite entries are drawn in the middle between both ends. None when empty.
    """
    if array.size == 0:
        return None
    matrix = as_matrix(array)
    rows, columns = (
        np.linspace(0, n - 1, min(n, LARGEST)).round().astype(np.intp) for n in matrix.shape
    )
    with np.errstate(all="ignore"):
        numbers = matrix[np.ix_(rows, columns)].astype(np.float64)
        finite = np.isfinite(numbers)
        largest = np.abs(numbers, where=finite, out=np.zeros_like(numbers)).max()
        places = (numbers * (SHADES / (largest or 1.0))).round()
        if math.isinf(SHADES / (largest or 1.0)):  # numbers too small for the factor
            places = (numbers / largest * SHADES).round()
        places[~finite] = SHADES + 1
    height, width = places.shape
    colours = _colours(ground.rgb(), positive.rgb(), negative.rgb())
    rgba = colours[places.astype(np.intp) + SHADES]
    image = QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.copy()
