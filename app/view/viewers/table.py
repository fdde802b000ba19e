"""The table of a tensor's numbers: sorted by column, copied as NumPy or CSV, as long as you like."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QToolButton

from app.text import tr
from app.view import theme
from app.view.viewers.controls import HEIGHT
from app.view.viewers.kind import Shown, Sliced
from app.view.viewers.numbers import Plane, as_csv, as_numpy, entry_text, plane
from engine.ops.row import Array

COPIED = 500_000
"""So many entries are copied as text."""
LONGEST = 10_000_000
"""So many rows can be scrolled through."""
ROW = 22
_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
FORMATS = {"numpy": "NumPy", "csv": "CSV"}


class Model(QAbstractTableModel):
    """A plane's numbers, each made into text when it is seen. `order` holds the rows as sorted."""

    def __init__(self) -> None:
        super().__init__()
        self.plane = plane(np.zeros((0, 0)))
        self.order: Array | None = None
        self.sorted_by: tuple[int, bool] | None = None
        self._fault = QColor()

    def show_plane(self, found: Plane) -> None:
        """Other numbers; a table of the same size keeps where it is scrolled to and its selection."""
        same = found.numbers.shape == self.plane.numbers.shape
        if not same:
            self.beginResetModel()
        self.plane = found
        if self.sorted_by is not None and self.sorted_by[0] < found.numbers.shape[1]:
            self._sort(*self.sorted_by)
        else:
            self.order = self.sorted_by = None
        self._fault = theme.current().error
        if not same:
            self.endResetModel()
        elif found.numbers.size:
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)
            self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, self.rowCount() - 1)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else min(self.plane.numbers.shape[0], LONGEST)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else min(self.plane.numbers.shape[1], LONGEST)

    def row_of(self, row: int) -> int:
        """The row of the plane that is shown in a row."""
        return row if self.order is None else int(self.order[row])

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role not in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.ForegroundRole,
        ):
            return None
        number = self.plane.numbers[self.row_of(index.row()), index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            place = self.plane.place(self.row_of(index.row()), index.column())
            return f"[{', '.join(map(str, place))}] = {entry_text(number)}"
        if role == Qt.ItemDataRole.ForegroundRole:
            return None if np.isfinite(number) else self._fault
        if isinstance(number, np.bool_):
            return str(bool(number))
        return theme.number_text(float(number))

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if orientation is Qt.Orientation.Horizontal:
            return str(section) if self.plane.columns is not None else tr("value")
        return str(self.row_of(section)) if self.plane.rows is not None else ""

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column, NaN last and equal numbers as they stood; -1 is the tensor's own order."""
        self.layoutAboutToBeChanged.emit()
        if 0 <= column < self.plane.numbers.shape[1]:
            self._sort(column, order is Qt.SortOrder.DescendingOrder)
        else:
            self.order = self.sorted_by = None
        self.layoutChanged.emit()

    def _sort(self, column: int, falling: bool) -> None:
        keys = self.plane.numbers[:, column]
        if keys.dtype.kind == "f":
            self.order = np.argsort(-keys if falling else keys, kind="stable")
        else:
            whole = keys.astype(np.int64)
            self.order = np.argsort(~whole if falling else whole, kind="stable")
        self.sorted_by = column, falling


_OWN = (
    QKeySequence.StandardKey.Copy, QKeySequence.StandardKey.SelectAll,
    QKeySequence.StandardKey.MoveToStartOfLine, QKeySequence.StandardKey.MoveToEndOfLine,
    QKeySequence.StandardKey.MoveToStartOfDocument, QKeySequence.StandardKey.MoveToEndOfDocument,
)  # fmt: skip


class _Grid(QTableView):
    """A table that keeps the keys that copy, select and go to an end, whatever commands have them."""

    copy_asked = Signal()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if any(event.matches(key) for key in _OWN):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_asked.emit()
            return
        super().keyPressEvent(event)


class TableView(Sliced):
    name = "table"
    title = "Table"

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.grid = _Grid()
        self.grid.copy_asked.connect(self.copy_selection)
        self.grid.setModel(self.model)
        self.grid.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.grid.setShowGrid(False)
        self.grid.setWordWrap(False)
        self.grid.setCornerButtonEnabled(False)
        self.grid.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.grid.setMinimumHeight(48)
        self.grid.setAccessibleName(tr("Table of numbers"))
        across, down = self.grid.horizontalHeader(), self.grid.verticalHeader()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        across.setHighlightSections(False)
        across.setSortIndicatorClearable(True)
        across.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        across.setToolTip(tr("Sorts by this column; a third click gives the tensor's own order"))
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultSectionSize(ROW)
        down.setHighlightSections(False)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.grid.setSortingEnabled(True)
        self.grid.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.grid.customContextMenuRequested.connect(self._ask_menu)
        self.copier = QToolButton()
        self.copier.setText(tr("Copy ▾"))
        self.copier.setToolTip(tr("What is selected, or all of it, as NumPy or CSV"))
        self.copier.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.copier.setMenu(QMenu(self.copier))
        self._fill(self.copier.menu())
        self.copier.setFixedHeight(HEIGHT)
        self.column.addWidget(self.grid, 1)
        self.finish(self.copier)
        self.restyle()

    @classmethod
    def fit(cls, array: Array) -> float:
        if array.ndim == 0:
            return 5
        return 30

    def display(self, shown: Shown) -> None:
        found = self.plane(shown.array)
        across, down = self.grid.horizontalHeader(), self.grid.verticalHeader()
        if found.numbers.shape != self.model.plane.numbers.shape:
            across.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.model.show_plane(found)
        digits = len(str(max(found.numbers.shape[0] - 1, 0)))
        metrics = down.fontMetrics()
        down.setFixedWidth(metrics.horizontalAdvance("0" * digits) + 22)
        down.setVisible(found.rows is not None)
        rows, columns = found.numbers.shape
        whole = shown.array.dtype.kind in "bi"
        across.setDefaultSectionSize(64 if whole else 84)
        across.setStretchLastSection(found.columns is None)
        told = f"{rows:,} × {columns:,}" if found.columns is not None else f"{rows:,}"
        self.foot.setText(f"{told}   {shown.array.dtype}")
        if max(rows, columns) > LONGEST:
            self.foot.setText(tr("the first {count} of them").format(count=f"{LONGEST:,}"))

    def restyle(self) -> None:
        tokens = theme.current()
        self.grid.setFont(theme.number_font(11))
        for header in (self.grid.horizontalHeader(), self.grid.verticalHeader()):
            header.setFont(theme.number_font(10))
        field = (tokens.canvas if tokens.is_dark else tokens.background).name()
        self.grid.setStyleSheet(
            f"QTableView {{ background: {field}; border: 1px solid {tokens.hairline.name()};"
            f" border-radius: 8px; }} QTableView::item {{ padding: 0 8px; border-radius: 0; }}"
            f" QTableCornerButton::section {{ background: transparent; border: none; }}"
            f" QHeaderView {{ background: transparent; }} QHeaderView::section {{"
            f" color: {tokens.muted.name()}; padding: 3px 8px;"
            f" border: none; border-bottom: 1px solid {tokens.hairline.name()}; }}"
            f" QHeaderView::section:vertical {{ border: none;"
            f" border-right: 1px solid {tokens.hairline.name()}; }}"
            f" QHeaderView::section:horizontal:hover {{ color: {tokens.text.name()}; }}"
        )
        self.copier.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        super().restyle()

    # ------------------------------------------------------------ copying

    def _fill(self, menu: QMenu) -> None:
        for scope, words in (("some", tr("Copy selection as")), ("all", tr("Copy all as"))):
            for kind, title in FORMATS.items():
                action = menu.addAction(f"{words} {title}")
                action.setObjectName(f"{scope}.{kind}")
                action.triggered.connect(self._copy_asked)

    def _ask_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(menu)
        menu.popup(self.grid.viewport().mapToGlobal(at))

    def _copy_asked(self) -> None:
        scope, _, kind = self.sender().objectName().partition(".")
        if scope == "all":
            self.copy_all(kind)
        else:
            self.copy_selection(kind)

    def copy_all(self, kind: str) -> None:
        """The whole tensor as NumPy; as CSV what the table shows, in its order."""
        if self.shown is None:
            return
        numbers = self.model.plane.numbers
        if self.model.order is not None:
            numbers = numbers[self.model.order]
        array = self.shown.array if kind == "numpy" and self.model.order is None else numbers
        self._put(array, kind)

    def copy_selection(self, kind: str = "numpy") -> None:
        """The rows and the columns in which something is selected, in the order of the table."""
        selection = self.grid.selectionModel().selection()
        ranges = [selection.at(i) for i in range(selection.count())]
        if not ranges:
            self.foot.setText(tr("select numbers first, or copy all of them"))
            return
        rows, columns = (
            np.unique(np.concatenate([np.arange(low, high + 1) for low, high in spans]))
            for spans in (
                [(r.top(), r.bottom()) for r in ranges],
                [(r.left(), r.right()) for r in ranges],
            )
        )
        if self.model.order is not None:
            rows = self.model.order[rows]
        if rows.size * columns.size > COPIED:
            self._put(np.broadcast_to(np.zeros(()), (rows.size, columns.size)), kind)
            return
        numbers = self.model.plane.numbers[np.ix_(rows, columns)]
        one = self.model.plane.columns is None or self.model.plane.rows is None
        self._put(numbers.reshape(-1) if one and kind == "numpy" else numbers, kind)

    def _put(self, array: Array, kind: str) -> None:
        if array.size > COPIED:
            self.foot.setText(
                tr("{count} numbers are too many to copy as text; select {limit} at most").format(
                    count=f"{array.size:,}", limit=f"{COPIED:,}"
                )
            )
            return
        QGuiApplication.clipboard().setText(as_numpy(array) if kind == "numpy" else as_csv(array))
        count = tr("1 number") if array.size == 1 else tr("{n} numbers").format(n=f"{array.size:,}")
        self.foot.setText(tr("copied {count} as {kind}").format(count=count, kind=FORMATS[kind]))
