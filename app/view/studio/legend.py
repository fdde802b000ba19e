"""The names of curves in their colours, with the numbers at the pointer; a click hides a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.text import tr
from app.view import theme

LINE, SWATCH, GAP, LONGEST = 18, 14, 12, 110
MOST_LINES, WIDE = 3, 320


# Hues apart from value and gradient in either setting, and apart in lightness as well as in hue, so
# that neighbours are told apart with every kind of colour blindness; (dark theme, light theme).
_PLAIN = (
    ("#6aa6ff", "#1d5fd6"), ("#f2c94c", "#8a6100"), ("#e06fd0", "#b02a9a"), ("#9a7bff", "#6a35d8"),
    ("#4fc3e8", "#00728f"), ("#8d97a8", "#6b7688"), ("#f7a8d8", "#8a1f5c"), ("#c9a27a", "#6e4a26"),
    ("#5f74c9", "#34469c"), ("#c9d1de", "#1b2230"),
)  # fmt: skip
_SAFE = (
    ("#b39dff", "#6a20c8"), ("#f5e960", "#6b5d00"), ("#d45fb0", "#a8127a"), ("#8d97a8", "#6b7688"),
    ("#e7eaf0", "#1b2230"), ("#7a63d8", "#3f1a8f"), ("#ffb3e6", "#8a3a6c"), ("#b9b98a", "#4f4f2a"),
    ("#a0527f", "#5c0f3f"), ("#c9d1de", "#39424f"),
)  # fmt: skip


def run_colours() -> list[QColor]:
    """Colours of runs in the theme applied last, as many as are shown at once."""
    tokens = theme.current()
    table = _SAFE if tokens.colours == "blue and orange" else _PLAIN
    return [QColor(pair[0 if tokens.is_dark else 1]) for pair in table]


@dataclass(frozen=True)
class Name:
    """One entry: `numbers` are texts of what is drawn solid and dashed, empty for none."""

    key: int
    title: str
    colour: QColor
    numbers: tuple[str, ...] = ()
    hidden: bool = False


class Legend(QWidget):
    """`toggled` tells the key of the name that was clicked. It wraps, up to three lines."""

    toggled = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.names: Sequence[Name] = ()
        self._boxes: list[QRectF] = []
        self._at = 0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Curves"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_names(self, names: Sequence[Name]) -> None:
        """Shows these entries. Where there is little room, the first number alone."""
        self.names = names
        self._settle()
        words = ", ".join(f"{n.title} {' '.join(n.numbers)}".strip() for n in names)
        self.setAccessibleDescription(words)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def _settle(self) -> None:
        height = max(min(self._lay(self.width()), MOST_LINES), 1) * LINE
        if height != self.height():
            self.setFixedHeight(height)

    def _numbers(self, name: Name) -> tuple[str, ...]:
        return name.numbers if self.width() >= WIDE else name.numbers[:1]

    def _lay(self, width: int) -> int:
        """Finds every entry's place; the number of lines."""
        letters = QFontMetricsF(theme.ui_font(11))
        room = QFontMetricsF(theme.number_font(11)).horizontalAdvance("−0.0000")
        self._boxes, x, line = [], 0.0, 0
        for name in self.names:
            wide = SWATCH + 6 + min(letters.horizontalAdvance(name.title), LONGEST)
            wide += (room + 6) * len(self._numbers(name))
            if x and x + wide > width:
                x, line = 0.0, line + 1
            self._boxes.append(QRectF(x, line * LINE, min(wide, width), LINE))
            x += wide + GAP
        return line + 1 if self.names else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        self._lay(self.width())
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        letters, figures = theme.ui_font(11), theme.number_font(11)
        room = QFontMetricsF(figures).horizontalAdvance("−0.0000")
        middle = Qt.AlignmentFlag.AlignVCenter
        for number, (name, box) in enumerate(zip(self.names, self._boxes, strict=True)):
            shade = QColor(name.colour)
            if name.hidden:
                shade.setAlphaF(0.3)
            at = box.center().y()
            painter.setPen(QPen(shade, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(box.left() + 2, at), QPointF(box.left() + SWATCH - 2, at))
            painter.setFont(letters)
            painter.setPen(tokens.muted if name.hidden else tokens.text)
            wide = box.width() - SWATCH - 6 - (room + 6) * len(self._numbers(name))
            text = painter.fontMetrics().elidedText(
                name.title, Qt.TextElideMode.ElideMiddle, round(wide) + 1
            )
            left = box.left() + SWATCH + 4
            painter.drawText(QRectF(left, box.top(), wide + 2, LINE), middle, text)
            if name.hidden:
                painter.drawLine(QPointF(left, at), QPointF(left + wide, at))
            painter.setFont(figures)
            painter.setPen(tokens.muted)
            for place, figure in enumerate(self._numbers(name)):
                x = left + wide + 4 + place * (room + 6)
                painter.drawText(
                    QRectF(x, box.top(), room, LINE), Qt.AlignmentFlag.AlignRight | middle, figure
                )
            if self.hasFocus() and number == self._at:
                painter.setPen(QPen(tokens.accent, 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def box_of(self, key: int) -> QRectF:
        self._lay(self.width())
        return next(b for n, b in zip(self.names, self._boxes, strict=True) if n.key == key)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for name, box in zip(self.names, self._boxes, strict=False):
            if box.contains(event.position()):
                self.toggled.emit(name.key)
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is not None and self.names:
            self._at = (self._at + by) % len(self.names)
            self.update()
        elif event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return) and self._at < len(self.names):
            self.toggled.emit(self.names[self._at].key)
        else:
            super().keyPressEvent(event)
