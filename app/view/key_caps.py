"""Keys drawn as caps, at the right end of a line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from app.view import theme

HEIGHT = 20
_BESIDE, _BETWEEN, _INSIDE = 3, 10, 6
_SIGNS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓", "Del": "Delete", "-": "−"}


def parts(key: str) -> list[str]:
    """The single keys of a combination: Ctrl++ is Ctrl and +."""
    head, last = (key[:-1], "+") if key.endswith("+") else key.rpartition("+")[::2]
    held = [name for name in head.split("+") if name]
    return [*held, _SIGNS.get(last, last)]


def spoken(keys: Sequence[str]) -> str:
    """Keys as words."""
    return " or ".join(keys)


def draw(painter: QPainter, right: QPointF, keys: Sequence[str], muted: bool = False) -> float:
    """Draws caps that end at a place, the first key leftmost; returns where they begin."""
    tokens, font = theme.current(), theme.ui_font(11)
    metrics = QFontMetricsF(font)
    x = right.x()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    for number, key in enumerate(reversed(keys)):
        x -= _BETWEEN if number else 0
        for at, text in enumerate(reversed(parts(key))):
            x -= _BESIDE if at else 0
            width = max(HEIGHT, metrics.horizontalAdvance(text) + 2 * _INSIDE)
            x -= width
            cap = QRectF(x + 0.5, right.y() - HEIGHT / 2 + 0.5, width - 1, HEIGHT - 1)
            painter.setPen(tokens.hairline if muted else tokens.border)
            painter.setBrush(tokens.control)
            painter.drawRoundedRect(cap, 4, 4)
            painter.setPen(tokens.muted if muted else tokens.text)
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return x
