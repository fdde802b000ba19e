"""A matrix of derivatives as a table of numbers in the colours of a heat map, or as the heat map alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.text import pretty_name
from app.view import theme
from engine.matrices import Axis, Matrix

_Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = Qt.ItemDataRole.UserRole
CELL = 82
ROW = 24
SMALLEST, LARGEST = 4, 40
"""Sides of a heat map's cell in pixels."""


def label(axis: Axis, place: int) -> str:
    """A row or column as people write it: `u₁`, `W[0,1]`."""
    name, index = axis.entry(place)
    return pretty_name(name) + (f"[{','.join(map(str, index))}]" if index else "")


class MatrixModel(QAbstractTableModel):
    """The derivatives that are computed so far."""

    def __init__(self, order: int) -> None:
        super().__init__()
        self.order = order
        self.matrix: Matrix | None = None
        self.largest = 0.0

    def show(self, matrix: Matrix | None) -> None:
        """Another matrix; of the same size, only its numbers are others."""
        before, self.matrix = self.matrix, matrix
        if before is not None and matrix is not None and _same(before, matrix):
            self.progress()
            return
        self.beginResetModel()
        self.endResetModel()
        self.progress()

    def progress(self) -> None:
        """More rows are there."""
        finite = self.matrix.values[np.isfinite(self.matrix.values)] if self.matrix else np.zeros(0)
        self.largest = float(np.abs(finite).max()) if finite.size else 0.0
        if self.rowCount() and self.columnCount():
            corner = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), corner)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() or self.matrix is None else len(self.matrix.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() or self.matrix is None else len(self.matrix.columns)

    def number(self, index: _Index) -> float | None:
        """A derivative; None while it is not computed."""
        if self.matrix is None or index.row() >= self.matrix.done:
            return None
        return float(self.matrix.values[index.row(), index.column()])

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        number = self.number(index)
        if role == ENTRY_ROLE:
            return number
        if role == Qt.ItemDataRole.DisplayRole:
            return "" if number is None else theme.number_text(number)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            exact = "…" if number is None else theme.exact_text(number)
            return f"{self.symbol(index.row(), index.column())} = {exact}"
        return None

    def symbol(self, row: int, column: int) -> str:
        """What stands in a cell: ∂y[0]/∂x[1], ∂²J/∂x∂y of a Hessian."""
        assert self.matrix is not None
        one, other = label(self.matrix.rows, row), label(self.matrix.columns, column)
        return f"∂²/∂{one}∂{other}" if self.order == 2 else f"∂{one}/∂{other}"

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if self.matrix is None:
            return None
        across = orientation is Qt.Orientation.Horizontal
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return label(self.matrix.columns if across else self.matrix.rows, section)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if across else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole:
            return theme.current().muted
        if role == Qt.ItemDataRole.FontRole:
            return theme.number_font(11)
        return None

    def colour(self, number: float) -> QColor:
        """The cell's ground: zero is the panel's own, the ends are the hues of heat maps."""
        tokens = theme.current()
        if not np.isfinite(number):
            return theme.blend(tokens.panel, tokens.error, 0.35)
        share = (abs(number) / self.largest) ** 0.8 if self.largest else 0.0
        end = tokens.gradient if number >= 0 else tokens.accent
        return theme.blend(tokens.panel, end, 0.75 * share)


class _Cells(QStyledItemDelegate):
    """A cell's colour with its number on it; the number is left out where there is no room."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(parent)
        self.with_numbers = True

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, MatrixModel) and model.matrix is not None
        number, tokens = model.number(index), theme.current()
        if number is not None:
            painter.fillRect(option.rect, model.colour(number))
        if index.column() in model.matrix.columns.borders:
            painter.fillRect(
                option.rect.x(), option.rect.y(), 1, option.rect.height(), tokens.border
            )
        if index.row() in model.matrix.rows.borders:
            painter.fillRect(
                option.rect.x(), option.rect.y(), option.rect.width(), 1, tokens.border
            )
        if self.with_numbers:
            painter.setFont(theme.number_font(12))
            painter.setPen(tokens.text if number else tokens.muted)
            text = "…" if number is None else theme.number_text(number)
            painter.drawText(option.rect.adjusted(4, 0, -8, 0), model.data(index, 7), text)
        view = self.parent()
        assert isinstance(view, QTableView)
        if view.hasFocus() and index == view.currentIndex():
            painter.setPen(QPen(tokens.accent, 1.5))
            painter.drawRect(option.rect.adjusted(1, 1, -1, -1))


class MatrixTable(QTableView):
    """`pointed` tells the row and the column under the pointer or the cursor of the keyboard, -1 and
    -1 for none; `chosen` those of a cell that was clicked or activated."""

    pointed = Signal(int, int)
    chosen = Signal(int, int)

    def __init__(self, order: int, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries = MatrixModel(order)
        self.setModel(self.entries)
        self._cells = _Cells(self)
        self.setItemDelegate(self._cells)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setAccessibleName(name)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        for mode in (self.setVerticalScrollMode, self.setHorizontalScrollMode):
            mode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setMinimumSectionSize(SMALLEST)
            header.setSectionsClickable(False)
            header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.clicked.connect(self._chosen)
        self.activated.connect(self._chosen)
        self.entries.modelReset.connect(self._fit)
        self.show_numbers(True)

    @property
    def with_numbers(self) -> bool:
        return self._cells.with_numbers

    def show_numbers(self, on: bool) -> None:
        """Numbers in their cells, or the colours alone in cells as large as there is room for."""
        self._cells.with_numbers = on
        self.horizontalHeader().setVisible(on)
        self.verticalHeader().setVisible(on)
        self._fit()
        self.viewport().update()

    def sizeHint(self) -> QSize:
        return QSize(320, 200)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.verticalHeader().setMaximumWidth(max(self.width() // 3, CELL))
        self._fit()

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self.pointed.emit(-1, -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        self.pointed.emit(index.row(), index.column())

    def currentChanged(self, current: _Index, previous: _Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self.pointed.emit(current.row(), current.column())

    def _chosen(self, index: QModelIndex) -> None:
        self.chosen.emit(index.row(), index.column())

    def _fit(self) -> None:
        rows, columns = self.entries.rowCount(), self.entries.columnCount()
        across, down = CELL, ROW
        if not self.with_numbers and rows and columns:
            room = self.maximumViewportSize()
            side = min(room.width() // columns, room.height() // rows)
            across = down = max(SMALLEST, min(side, LARGEST))
        self.horizontalHeader().setDefaultSectionSize(across)
        self.verticalHeader().setDefaultSectionSize(down)


def _same(one: Matrix, other: Matrix) -> bool:
    return one.rows.shapes == other.rows.shapes and one.columns.shapes == other.columns.shapes
