"""The names of curves in their colours, with the numbers at the pointer; a click hides a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.text import tr
from app.view import theme
from app.view.viewers.kind import series_colours

LINE, SWATCH, GAP, LONGEST = 18, 14, 12, 150
MOST_LINES, WIDE = 3, 320
SHARE = 3
"""One in so many parts of the height around it may be the legend's."""


# Hues apart from value and gradient, and apart in lightness as well as in hue, so that neighbours are
# told apart with every kind of colour blindness; (dark theme, light theme).
_PLAIN = (
    ("#6aa6ff", "#1d5fd6"), ("#f2c94c", "#8a6100"), ("#e06fd0", "#b02a9a"), ("#9a7bff", "#6a35d8"),
    ("#4fc3e8", "#00728f"), ("#8d97a8", "#6b7688"), ("#f7a8d8", "#8a1f5c"), ("#c9a27a", "#6e4a26"),
    ("#5f74c9", "#34469c"), ("#c9d1de", "#1b2230"),
)  # fmt: skip


def run_colours() -> list[QColor]:
    """Colours of runs in the theme applied last, as many as are shown at once."""
    tokens = theme.current()
    if tokens.colours == "blue and orange":
        return series_colours()
    return [QColor(pair[0 if tokens.is_dark else 1]) for pair in _PLAIN]


@dataclass(frozen=True)
class Name:
    """One entry: `numbers` are texts of what is drawn solid and dashed, empty for none."""

    key: int
    title: str
    colour: QColor
    numbers: tuple[str, ...] = ()
    hidden: bool = False


class Legend(QWidget):
    """`toggled` tells the key of the name that was clicked. It wraps, in a third of the height `around`
    it. Where there are more lines, the last tells how many names there are; the wheel or a click on it
    shows those."""

    toggled = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.names: Sequence[Name] = ()
        self._boxes: list[QRectF] = []
        self.around = 0
        self._at = self._first = 0
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

    def set_around(self, height: int) -> None:
        """So much height is there for it and for what it tells of."""
        self.around = height
        self._settle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    # ------------------------------------------------------------ where names are

    def _settle(self) -> None:
        lines, most = self._lay(), self._most()
        self._at = min(self._at, max(len(self.names) - 1, 0))
        self._first = min(self._first, max(lines - most + 1, 0)) if lines > most else 0
        height = max(min(lines, most), 1) * LINE
        if height != self.height():
            self.setFixedHeight(height)

    def _most(self) -> int:
        return max(MOST_LINES, self.around // (SHARE * LINE))

    def _numbers(self, name: Name) -> tuple[str, ...]:
        return name.numbers if self.width() >= WIDE else name.numbers[:1]

    def _room(self) -> float:
        """Of a number: the widest that is shown."""
        metrics = QFontMetricsF(theme.number_font(11))
        texts = ["0.0000", *(text for name in self.names for text in self._numbers(name))]
        return max(map(metrics.horizontalAdvance, texts))

    def _lay(self) -> int:
        """Finds every entry's place, as if all lines were seen; the number of lines."""
        letters, room = QFontMetricsF(theme.ui_font(11)), self._room()
        self._boxes, x, line = [], 0.0, 0
        for name in self.names:
            figures = (room + 6) * len(self._numbers(name))
            title = min(letters.horizontalAdvance(name.title) + 2, LONGEST)
            wide = min(SWATCH + 6 + title + figures, self.width())
            if x and x + wide > self.width():
                x, line = 0.0, line + 1
            self._boxes.append(QRectF(x, line * LINE, wide, LINE))
            x += wide + GAP
        return line + 1 if self.names else 0

    def _seen(self) -> list[tuple[int, QRectF]]:
        """The names that are seen, by number, and where."""
        lines, most = self._lay(), self._most()
        shown = lines if lines <= most else most - 1
        first = min(self._first, max(lines - shown, 0))
        return [
            (number, box.translated(0, -first * LINE))
            for number, box in enumerate(self._boxes)
            if first <= box.top() / LINE < first + shown
        ]

    @property
    def unseen(self) -> int:
        """How many names there is no room for now."""
        return len(self.names) - len(self._seen())

    def turn(self, by: int, around: bool = False) -> None:
        """So many lines on; `around` goes to the first one behind the last."""
        lines, shown = self._lay(), self._most() - 1
        last = lines - shown if lines > self._most() else 0
        first = self._first + by
        self._first = 0 if around and self._first >= last else min(max(first, 0), last)
        self.update()

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen = self._seen()
        for number, box in seen:
            self._draw(painter, self.names[number], box)
            if self.hasFocus() and number == self._at:
                painter.setPen(QPen(theme.current().accent, 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if len(seen) < len(self.names):
            painter.setFont(theme.ui_font(11))
            painter.setPen(theme.current().muted)
            words = tr("{count} more ▾").format(count=len(self.names) - len(seen))
            line = QRectF(SWATCH + 4, self.height() - LINE, self.width(), LINE)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()

    def _draw(self, painter: QPainter, name: Name, box: QRectF) -> None:
        """One name: its colour, its words, its numbers right-aligned."""
        tokens, room, middle = theme.current(), self._room(), Qt.AlignmentFlag.AlignVCenter
        shade = QColor(name.colour)
        if name.hidden:
            shade.setAlphaF(0.3)
        at = box.center().y()
        painter.setPen(QPen(shade, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(box.left() + 2, at), QPointF(box.left() + SWATCH - 2, at))
        painter.setFont(theme.ui_font(11))
        painter.setPen(tokens.muted if name.hidden else tokens.text)
        wide = box.width() - SWATCH - 6 - (room + 6) * len(self._numbers(name))
        text = painter.fontMetrics().elidedText(
            name.title, Qt.TextElideMode.ElideRight, round(wide) + 1
        )
        left = box.left() + SWATCH + 4
        painter.drawText(QRectF(left, box.top(), wide + 2, LINE), middle, text)
        if name.hidden:
            painter.drawLine(QPointF(left, at), QPointF(left + wide, at))
        painter.setFont(theme.number_font(11))
        painter.setPen(tokens.muted)
        for place, figure in enumerate(self._numbers(name)):
            x = left + wide + 4 + place * (room + 6)
            painter.drawText(
                QRectF(x, box.top(), room + 1, LINE), Qt.AlignmentFlag.AlignRight | middle, figure
            )

    def box_of(self, key: int) -> QRectF:
        """Where a name is; empty while it is not seen."""
        return next((box for n, box in self._seen() if self.names[n].key == key), QRectF())

    # ------------------------------------------------------------ events

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            under = next((n for n, box in self._seen() if box.contains(QPointF(event.pos()))), None)
            QToolTip.showText(
                event.globalPos(), self.names[under].title if under is not None else "", self
            )
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._lay() <= self._most():
            event.ignore()
            return
        self.turn(-1 if event.angleDelta().y() > 0 else 1)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        seen = self._seen()
        for number, box in seen:
            if box.contains(event.position()):
                self.toggled.emit(self.names[number].key)
                return
        if len(seen) < len(self.names) and event.position().y() >= self.height() - LINE:
            self.turn(self._most() - 1, around=True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is not None and self.names:
            self._at = (self._at + by) % len(self.names)
            while self._at not in [number for number, _ in self._seen()]:
                before = self._first
                self.turn(-1 if self._boxes[self._at].top() / LINE < before else 1)
                if self._first == before:
                    break
            self.update()
        elif event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return) and self._at < len(self.names):
            self.toggled.emit(self.names[self._at].key)
        else:
            super().keyPressEvent(event)
