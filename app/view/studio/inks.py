"""Colours of classes and of places, none of them a value's or a gradient's, and pictures in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel

from app.view import theme
from app.view.viewers.kind import ground, series_colours
from app.view.viewers.scale import STEPS, Scale, as_image
from engine.ops.row import Array

SHADE = 0.72
"""How much of its colour the ground has where a network is sure: points on it are still seen."""


def class_colours(count: int) -> list[QColor]:
    """A colour for each class; of two, the first is what is below 0 in a picture of numbers."""
    colours = series_colours()
    if count == 2:
        return [colours[1], colours[0]]
    return [colours[i % len(colours)] for i in range(count)]


def signed(low: float, high: float, share: float = 1.0) -> Scale:
    """Numbers around 0, in the colours of two classes; `share` is how strong the strongest colour is."""
    reach = max(abs(low), abs(high)) or 1.0
    base = ground()
    sides = [_blended(base, theme.blend(base, c, share)) for c in class_colours(2)]
    error = _bytes(theme.current().error)[None]
    table = np.concatenate([sides[0][::-1], sides[1][1:], error])
    return Scale(min(low, 0.0), max(high, 0.0), -reach, reach, table)


def shaded(winner: Array, strength: Array, count: int) -> Array:
    """Classes in their colours, the surer the stronger: bytes, another axis of 4."""
    base = _bytes(ground()).astype(np.float64)
    colours = np.stack([_bytes(c) for c in class_colours(count)]).astype(np.float64)
    good = np.isfinite(strength)
    share = (np.where(good, strength, 0).clip(0, 1) * SHADE)[..., None]
    mixed = base * (1 - share) + colours[winner.clip(0, count - 1)] * share
    mixed[~good] = _bytes(theme.current().error)
    return np.asarray(mixed.round().astype(np.uint8))


def picture(numbers: Array, scale: Scale, low: float, high: float) -> QImage:
    """Rows × columns in a scale; × 3 in colours, from black at `low` to full at `high`."""
    if numbers.ndim == 3:
        rgba = np.full((*numbers.shape[:2], 4), 255, np.uint8)
        levels = (numbers - low) / ((high - low) or 1.0) * 255
        rgba[..., :3] = np.clip(np.nan_to_num(levels), 0, 255).round()
        return as_image(rgba)
    return as_image(scale(numbers))


def foot() -> QLabel:
    """The line under a picture: what it tells, or what is under the pointer."""
    label = QLabel()
    label.setProperty("role", "muted")
    label.setFont(theme.ui_font(11))
    label.setWordWrap(True)
    label.setMinimumWidth(40)
    return label


def legend(names: Sequence[str], colours: Sequence[QColor]) -> str:
    """Classes with their colours as rich text."""
    return "  ".join(
        f'<span style="color:{colour.name()}">●</span>&nbsp;{_plain(name)}'
        for name, colour in zip(names, colours, strict=False)
    )


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(" ", "&nbsp;")


def _bytes(colour: QColor) -> Array:
    return np.array((colour.red(), colour.green(), colour.blue(), 255), np.uint8)


def _blended(base: QColor, colour: QColor) -> Array:
    share = np.linspace(0, 1, STEPS + 1)[:, None]
    mixed = _bytes(base) * (1 - share) + _bytes(colour) * share
    return np.asarray(mixed.round().astype(np.uint8))
