"""What the output depends on, the number that moves it most first; values are dragged in the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.text import tr
from app.view import theme
from app.view.panels.drag_number import PIXELS
from engine.what_if import Handle, Sensitivity

_Index = QModelIndex | QPersistentModelIndex
NAME, VALUE, SLOPE, PERCENT, ELASTICITY = range(5)
ROW_HEIGHT = 34
_WIDTHS = {VALUE: 68, SLOPE: 68, PERCENT: 68, ELASTICITY: 60}
_FINE = Qt.KeyboardModifier.ShiftModifier


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the number that is shown of it, what it is called, and how the output follows."""

    handle: Handle
    name: str
    shape: str
    value: float
    found: Sensitivity
    output: float

    def number(self, column: int) -> float:
        """What a column shows, and is sorted by."""
        found = self.found
        return {
            VALUE: self.value, SLOPE: found.gradient, PERCENT: found.percent,
            ELASTICITY: found.elasticity(self.output),
        }[column]  # fmt: skip

    def below(self, column: int) -> str:
        """The second line of a cell, of tensors alone."""
        if self.found.entries == 1 or not self.handle.entry:
            return ""
        if column == NAME:
            return self.shape
        if column == VALUE:
            return str(list(self.handle.entry))
        if column == SLOPE:
            return tr("max {number}").format(number=theme.number_text(self.found.steepest, 3))
        return ""


class SensitivityModel(QAbstractTableModel):
    """The rows, sorted by a column; while a number moves they stay where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.output = "J"
        self.column, self.descending = SLOPE, True

    def take(self, rows: Sequence[Row], output: str, keep_order: bool) -> None:
        """Other numbers. The same rows in the same order are told as such, so that a table that is
        being dragged in stays."""
        self.output = output
        if keep_order:
            found = {row.handle.node + "." + row.handle.port: row for row in rows}
            kept = [found.get(r.handle.node + "." + r.handle.port) for r in self.rows]
            if len(rows) == len(self.rows) and all(kept):
                self.rows = [row for row in kept if row is not None]
                self._told()
                return
        same = len(rows) == len(self.rows)
        if not same:
            self.beginResetModel()
        self.rows = list(rows)
        self._sort()
        if same:
            self._told()
        else:
            self.endResetModel()

    def _told(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, ELASTICITY))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, SLOPE, SLOPE)

    def sort_by(self, column: int) -> None:
        """The largest first, whatever the sign; once more turns it round. Names go by the alphabet."""
        self.descending = not self.descending if column == self.column else column != NAME
        self.column = column
        self._sort()
        self._told()

    def _sort(self) -> None:
        if self.column == NAME:
            self.rows.sort(key=lambda r: r.name, reverse=self.descending)
            return
        sign = -1.0 if self.descending else 1.0

        def key(row: Row) -> tuple[bool, float]:
            number = abs(row.number(self.column))
            return math.isnan(number), sign * number

        self.rows.sort(key=key)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else ELASTICITY + 1

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row.name if column == NAME else _text(row.number(column))
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        return None

    def _tip(self, row: Row, column: int) -> str:
        if column in (NAME, VALUE):
            return tr("{name} = {number}\nDrag its value to the side; Shift is finer").format(
                name=row.name + row.below(VALUE), number=repr(row.value)
            )
        exact = repr(row.number(column))
        if column == PERCENT:
            return tr("{output} changes by {number} when {name} grows by 1 %").format(
                output=self.output, number=exact, name=row.name
            )
        if column == ELASTICITY:
            return tr("{output} changes by {number} % when {name} grows by 1 %").format(
                output=self.output, number=exact, name=row.name
            )
        if row.found.entries > 1:
            return tr(
                "The gradient's norm is {norm}; its largest entry, at {at}, is {entry}"
            ).format(norm=exact, at=list(row.found.handle.entry), entry=repr(row.found.steepest))
        return exact

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            titles = (tr("number"), tr("value"), f"∂{self.output}", tr("at +1 %"), tr("% per %"))
            arrow = (" ↓" if self.descending else " ↑") if section == self.column else ""
            return titles[section] + arrow
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                tr("What can be changed"),
                tr("Its value now; of a tensor the entry that moves the output most"),
                tr("How fast the output follows; of a tensor the norm of its gradient"),
                tr("How far the output moves when all of it grows by 1 %, to first order"),
                tr("Elasticity: by how many per cent the output moves when it grows by 1 %"),
            )[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == NAME else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole:
            tokens = theme.current()
            return {VALUE: tokens.value, SLOPE: tokens.gradient}.get(section, tokens.muted)
        if role == Qt.ItemDataRole.FontRole:
            return theme.ui_font(11, 600)
        return None


def _text(number: float) -> str:
    return "–" if math.isnan(number) else theme.number_text(number, 4)


class _Cells(QStyledItemDelegate):
    """A number, and below it what it is of; the value's cell looks as if it could be dragged."""

    def __init__(self, parent: SensitivityTable) -> None:
        super().__init__(parent)
        self.table = parent

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(60, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        tokens, box = theme.current(), QRectF(option.rect)
        model, column = self.table.model_, index.column()
        row = model.rows[index.row()]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row.handle.node == self.table.current and row.handle.port == self.table.port:
            painter.fillRect(box, theme.blend(tokens.panel, tokens.accent, 0.16))
        if column == VALUE:
            field = box.adjusted(3, 3, -3, -3)
            held = self.table.held == index.row()
            painter.setPen(tokens.accent if held else tokens.hairline)
            painter.setBrush(tokens.canvas if tokens.is_dark else tokens.background)
            painter.drawRoundedRect(field, 5, 5)
        colour = {VALUE: tokens.value, SLOPE: tokens.gradient}.get(column, tokens.text)
        name = column == NAME
        side = Qt.AlignmentFlag.AlignLeft if name else Qt.AlignmentFlag.AlignRight
        font = theme.ui_font(12, 600, italic=True) if name else theme.number_font(11)
        inner, below = box.adjusted(8, 0, -7, 0), row.below(column)
        top = inner.adjusted(0, 3, 0, -inner.height() / 2 + 1) if below else inner
        self._line(painter, top, side, font, colour, str(model.data(index)))
        if below:
            foot = inner.adjusted(0, inner.height() / 2 - 1, 0, -4)
            self._line(painter, foot, side, theme.number_font(9), tokens.muted, below)
        painter.restore()

    def _line(
        self, painter: QPainter, box: QRectF, side: Any, font: Any, colour: Any, text: str
    ) -> None:
        painter.setFont(font)
        painter.setPen(colour)
        text = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, round(box.width()) + 2
        )
        painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, text)


class SensitivityTable(QTableView):
    """`chosen` tells of a click on a row; the others of a drag on its value, as in `DragNumber`."""

    chosen = Signal(object)
    began = Signal(object)
    dragged = Signal(float, bool)
    ended = Signal()
    given_up = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_ = SensitivityModel()
        self.setModel(self.model_)
        self.current, self.port = "", ""
        self.held = -1
        self._pressed: QPoint | None = None
        self._row = -1
        self.setItemDelegate(_Cells(self))
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Sensitivities"))
        self.setMouseTracking(True)
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(ROW_HEIGHT)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            header.resizeSection(column, width)
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.sectionClicked.connect(self.model_.sort_by)
        header.setAccessibleName(tr("Sort by"))

    def show_current(self, node_id: str, port: str) -> None:
        """Lights the row that the rest of the panel is about."""
        if (node_id, port) != (self.current, self.port):
            self.current, self.port = node_id, port
            for row, line in enumerate(self.model_.rows):
                if (line.handle.node, line.handle.port) == (node_id, port):
                    self.scrollTo(self.model_.index(row, NAME))
            self.viewport().update()

    # ------------------------------------------------------------ events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        index = self.indexAt(at)
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._row = index.row()
        self._pressed = at if index.column() == VALUE else None
        self.chosen.emit(self.model_.rows[self._row].handle)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        if self._pressed is None:
            over = self.indexAt(at).column() == VALUE
            shape = Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(shape)
            return
        by = at.x() - self._pressed.x()
        if self.held < 0:
            if abs(by) < QApplication.startDragDistance() / 2:
                return
            self.held = self._row
            self.began.emit(self.model_.rows[self._row].handle)
        self._pressed = at
        self.dragged.emit(by / PIXELS, bool(event.modifiers() & _FINE))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._let_go(self.ended)

    def _let_go(self, told: Any) -> None:
        held, self.held, self._pressed = self.held, -1, None
        if held >= 0:
            told.emit()
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.held >= 0:
            self._let_go(self.given_up)
        else:
            super().keyPressEvent(event)
