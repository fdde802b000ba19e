"""A small picture of a tensor; a click on it asks to see all of its numbers."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from app.text import tr
from app.view import theme
from app.view.canvas.picture import heat_map
from app.view.viewers.kind import What, ground, inks
from engine.ops.row import Array

SIZE = QSize(44, 32)


class Thumbnail(QAbstractButton):
    """The picture of a node's value or gradient; hidden for a single number."""

    def __init__(self, of: What) -> None:
        super().__init__()
        self.of = of
        self._array: Array | None = None
        self.setObjectName(of)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        words = tr("View value") if of == "value" else tr("View gradient")
        self.setToolTip(words)
        self.setAccessibleName(words)

    def sizeHint(self) -> QSize:
        return SIZE

    def beside(self, words: QWidget) -> QWidget:
        """The numbers as text with their picture at the end."""
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(words, 1)
        line.addWidget(self, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def show_array(self, array: Array | None) -> None:
        self._array = array
        self.setVisible(array is not None and array.ndim > 0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, painter = theme.current(), QPainter(self)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        image = None if self._array is None else heat_map(self._array, ground(), *inks(self.of))
        if image is not None:
            painter.drawImage(box, image)
        lit = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(tokens.accent if lit else tokens.hairline, 1))
        painter.drawRect(box)
