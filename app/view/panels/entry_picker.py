"""Picks one entry of a tensor: by number boxes and on a small picture of its entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.text import tr
from app.view import theme
from app.view.canvas.picture import heat_map
from engine.entries import Index
from engine.ops.row import Array

MOST_ROWS, MOST_COLUMNS = 16, 32
"""How many entries the picture shows at once; of more, those around the one that is picked."""
CELL, LEAST_CELL = 13.0, 3.5
HEIGHT, WIDTH = 66, 148
_STEPS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}  # fmt: skip


class EntryGrid(QWidget):
    """The last two axes of a tensor as a picture; a click or an arrow key picks an entry."""

    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._array: Array = np.zeros((1, 1))
        self._index: Index = ()
        self._role = "value"
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Entries"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(tr("Click an entry, or use the arrow keys"))

    def show_entries(self, array: Array, index: Index, role: str) -> None:
        """Shows a tensor with one entry picked, in the colours of a role: value or gradient."""
        self._array, self._index, self._role = array, index, role
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        rows, columns, cell = self._window()
        return QSize(round(len(columns) * cell) + 2, round(len(rows) * cell) + 2)

    def _matrix(self) -> Array:
        """The plane that the picked entry lies in."""
        plane = self._array[self._index[:-2]] if self._array.ndim > 2 else self._array
        return plane.reshape(1, -1) if plane.ndim < 2 else plane

    def _place(self) -> tuple[int, int]:
        """Row and column of the picked entry."""
        row = self._index[-2] if len(self._index) > 1 else 0
        return row, self._index[-1] if self._index else 0

    def _window(self) -> tuple[range, range, float]:
        """The rows and columns that are shown, and how large an entry is."""
        shown = []
        for here, size, most in zip(
            self._place(), self._matrix().shape, (MOST_ROWS, MOST_COLUMNS), strict=True
        ):
            first = min(max(here - most // 2, 0), max(size - most, 0))
            shown.append(range(first, min(first + most, size)))
        rows, columns = shown
        cell = min(CELL, HEIGHT / max(len(rows), 1), WIDTH / max(len(columns), 1))
        return rows, columns, max(cell, LEAST_CELL)

    def place_of(self, index: Index) -> QPointF:
        """Where an entry that is shown stands."""
        rows, columns, cell = self._window()
        row = index[-2] if len(index) > 1 else 0
        return QPointF(
            1 + (index[-1] - columns.start + 0.5) * cell, 1 + (row - rows.start + 0.5) * cell
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        rows, columns, cell = self._window()
        part = self._matrix()[rows.start : rows.stop, columns.start : columns.stop]
        up = getattr(tokens, self._role)
        picture = heat_map(part, tokens.canvas, up, tokens.accent)
        if picture is None:
            return
        painter = QPainter(self)
        box = QRectF(1, 1, cell * len(columns), cell * len(rows))
        painter.drawImage(box, picture)
        if cell >= 6:
            painter.setPen(QPen(tokens.panel, 1))
            for i in range(1, len(columns)):
                painter.drawLine(QPointF(1 + i * cell, 1), QPointF(1 + i * cell, box.bottom()))
            for i in range(1, len(rows)):
                painter.drawLine(QPointF(1, 1 + i * cell), QPointF(box.right(), 1 + i * cell))
        row, column = self._place()
        painter.setPen(QPen(tokens.accent if self.hasFocus() else tokens.text, 1.6))
        here = QRectF(
            1 + (column - columns.start) * cell, 1 + (row - rows.start) * cell, cell, cell
        )
        painter.drawRect(here.adjusted(0.3, 0.3, -0.3, -0.3))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        rows, columns, cell = self._window()
        row = rows.start + int((event.position().y() - 1) // cell)
        column = columns.start + int((event.position().x() - 1) // cell)
        if row in rows and column in columns:
            self._pick(row, column)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = -1 if event.angleDelta().y() > 0 else 1
        sideways = event.modifiers() & Qt.KeyboardModifier.ShiftModifier or len(self._index) < 2
        self._move(*((0, turn) if sideways else (turn, 0)))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._move(*step)

    def _move(self, down: int, right: int) -> None:
        row, column = self._place()
        height, width = self._matrix().shape
        self._pick(min(max(row + down, 0), height - 1), min(max(column + right, 0), width - 1))

    def _pick(self, row: int, column: int) -> None:
        index = (*self._index[:-2], row, column) if len(self._index) > 1 else (column,)
        if index != self._index:
            self.picked.emit(index)


class EntryPicker(QWidget):
    """A switch for the sum behind one entry, a number box for each axis, and the grid of entries."""

    switched = Signal(bool)
    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.index: Index = ()
        self._shape: tuple[int, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(3)
        self.switch = QToolButton()
        self.switch.setText(tr("Σ entry"))
        self.switch.setCheckable(True)
        self.switch.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.switch.setToolTip(tr("Show the sum behind one entry"))
        self.switch.setAccessibleName(tr("Sum behind one entry"))
        self.switch.toggled.connect(self.switched)
        row.addStretch(1)
        row.addWidget(self.switch)
        self._row = row
        self._open, self._close = QLabel("["), QLabel("]")
        self.boxes: list[QSpinBox] = []
        row.addWidget(self._open)
        row.addWidget(self._close)
        column.addLayout(row)
        self.grid = EntryGrid()
        self.grid.picked.connect(self._taken)
        column.addWidget(self.grid, 0, Qt.AlignmentFlag.AlignRight)
        column.addStretch(1)
        self.restyle()

    def restyle(self) -> None:
        for part in (self._open, self._close, *self.boxes):
            part.setFont(theme.number_font(12))
        self.switch.setFont(theme.ui_font(11))

    @property
    def is_on(self) -> bool:
        return self.switch.isChecked()

    def show_entry(self, array: Array, index: Index, role: str) -> None:
        """Offers the entries of a tensor, one of them picked."""
        self.index = index
        if array.shape != self._shape or len(self.boxes) != array.ndim:
            self._shape = array.shape
            self._make_boxes(array.shape)
        for box, i in zip(self.boxes, index, strict=True):
            box.blockSignals(True)
            box.setValue(i)
            box.blockSignals(False)
        for part in (self._open, self._close, *self.boxes):
            part.setVisible(self.is_on and array.ndim > 0)
        self.grid.setVisible(self.is_on and array.ndim > 0 and array.size > 1)
        if self.grid.isVisibleTo(self):
            self.grid.show_entries(array, index, role)

    def show_none(self) -> None:
        """There is no entry to pick."""
        for part in (self._open, self._close, *self.boxes, self.grid):
            part.hide()

    def _make_boxes(self, shape: Sequence[int]) -> None:
        while len(self.boxes) > len(shape):
            box = self.boxes.pop()
            self._row.removeWidget(box)
            box.hide()
            box.deleteLater()
        while len(self.boxes) < len(shape):
            box = QSpinBox()
            box.setFont(theme.number_font(12))
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
            box.setWrapping(True)
            box.valueChanged.connect(self._turned)
            self._row.insertWidget(self._row.count() - 1, box)
            self.boxes.append(box)
        for axis, (box, size) in enumerate(zip(self.boxes, shape, strict=True)):
            box.blockSignals(True)
            box.setRange(0, max(size - 1, 0))
            box.blockSignals(False)
            box.setFixedWidth(26 + 8 * len(str(max(size - 1, 0))))
            box.setToolTip(tr("Index on axis {axis}, 0 to {last}").format(axis=axis, last=size - 1))
            box.setAccessibleName(tr("Index on axis {axis}").format(axis=axis))

    def _turned(self) -> None:
        self._taken(tuple(box.value() for box in self.boxes))

    def _taken(self, index: Index) -> None:
        self.index = index
        self.picked.emit(index)
