"""Paragraphs with bold words and typeset formulas, as wide as there is room and as high as they are."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.view import theme
from app.view.canvas.note_text import Laid, lay_out
from app.view.mathematics import MathLabel
from engine.lines import Line

SIZE = 14
BAR, ROUND = 3, 6
# A formula that is a paragraph stands apart from the words around it.
_ALONE = re.compile(r"^[ \t]*(\$\$?[^$\n]+\$\$?[.,;:]?)[ \t]*$", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")


def spaced(text: str) -> str:
    return _BLANKS.sub("\n\n", _ALONE.sub(r"\n\1\n", text)).strip()


class Prose(QWidget):
    """A text as notes have it; public, so that tests read what people read."""

    def __init__(
        self, text: str = "", size: int = SIZE, role: str = "text", weight: int = 400
    ) -> None:
        super().__init__()
        self.text, self._size, self._role, self._weight = text, size, role, weight
        self._known: tuple[object, Laid] | None = None
        room = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        room.setHeightForWidth(True)
        self.setSizePolicy(room)
        self.setAccessibleName(text)

    def set_text(self, text: str) -> None:
        if text != self.text:
            self.text = text
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def set_size(self, size: int) -> None:
        if size != self._size:
            self._size = size
            self.updateGeometry()
            self.update()

    def _laid(self, width: int) -> Laid:
        colour = getattr(theme.current(), self._role)
        key = self.text, width, self._size, colour.name()
        if self._known is None or self._known[0] != key:
            laid = lay_out(spaced(self.text), width, colour, self._size, self._weight)
            self._known = key, laid
        return self._known[1]

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(self._laid(max(width, 40)).height + 1) if self.text else 0

    def sizeHint(self) -> QSize:
        return QSize(280, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 0)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self.update()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = getattr(theme.current(), self._role)
        self._laid(max(self.width(), 40)).draw(painter, QPointF(0, 0), colour, 1e9)


class Card(QFrame):
    """A text with a heading on a tint of its colour: a hint, a verdict, an explanation."""

    def __init__(self, title: str, text: str, role: str, size: int = SIZE) -> None:
        super().__init__()
        self._role, self._size = role, size
        column = self.column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 12, 12)
        column.setSpacing(6)
        self.title = QLabel(title)
        self.title.setFont(theme.ui_font(size - 2, 600))
        self.title.setProperty("role", role)
        self.prose = Prose(text, size - 1)
        for part, said in ((self.title, title), (self.prose, text)):
            column.addWidget(part)  # without a parent it would be a window of its own
            part.setVisible(bool(said.strip()))
        self.setAccessibleName(f"{title}: {text}" if title else text)

    def add_line(self, line: Line) -> None:
        """A micro-step's line below the text: its symbols, and under them its numbers."""
        for latex, text, size, role in (
            (line.symbols, line.text, self._size + 2, "text"),
            (line.numbers, line.numbers_text, self._size, "muted"),
        ):
            label = MathLabel(size, role)
            label.set_formula(latex, text)
            self.column.addWidget(label)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        colour = getattr(tokens, self._role)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.blend(tokens.panel, colour, 0.09 if tokens.is_dark else 0.07))
        painter.drawRoundedRect(self.rect(), ROUND, ROUND)
        painter.setBrush(colour)
        painter.drawRoundedRect(0, 8, BAR, max(self.height() - 16, 4), 1.5, 1.5)
