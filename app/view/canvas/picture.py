"""Arrays as small pictures: a diverging heat map, zero in the colour of the ground."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor, QImage

from engine.ops.row import Array

LARGEST = 64


def as_matrix(array: Array) -> Array:
    """Two axes of an array: a vector becomes a row, of more axes the first entries are taken."""
    while array.ndim > 2:
        array = array[0]
    return array.reshape(1, -1) if array.ndim < 2 else array


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
        scaled = np.where(finite, numbers / (largest or 1.0), 0.0)
    base, up, down = (
        np.array((c.red(), c.green(), c.blue()), dtype=np.float64)
        for c in (ground, positive, negative)
    )
    share = np.abs(scaled)[..., None] ** 0.8
    ends = np.where((scaled >= 0)[..., None], up, down)
    pixels = base + (ends - base) * share
    pixels[~finite] = (up + down) / 2
    height, width = scaled.shape
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[..., :3] = pixels.round()
    image = QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.copy()
