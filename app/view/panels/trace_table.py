"""The lecture's two columns: every forward and every backward micro-step; a click goes there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import tr
from app.view import theme
from app.view.typesetting import soon
from engine.trace import Step

_Index = QModelIndex | QPersistentModelIndex
STEP_ROLE = Qt.ItemDataRole.UserRole
SIZE = 12
ROW_HEIGHT = 34


class TraceModel(QAbstractTableModel):
    """Forward steps in the first column, the seed and the backward steps in the second."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.columns: tuple[Sequence[Step], Sequence[Step]] = ((), ())
        self.take()

    def take(self) -> None:
        self.beginResetModel()
        steps, split = self.session.steps, self.session.forward_end
        self.columns = (steps[:split], steps[split:])
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else max(len(c) for c in self.columns)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 2

    def step_at(self, index: _Index) -> Step | None:
        column = self.columns[index.column()]
        return column[index.row()] if index.row() < len(column) else None

    def index_of(self, step: Step) -> QModelIndex:
        split = self.session.forward_end
        if step.phase == "forward":
            return self.index(step.number - 1, 0)
        return self.index(step.number - 1 - split, 1)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        step = self.step_at(index)
        if step is None:
            return None
        if role == STEP_ROLE:
            return step.number
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return step.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{step.text}\n{step.numbers_text}"
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return tr("Forward") if section == 0 else tr("Backward")
        if role == Qt.ItemDataRole.ForegroundRole:
            return theme.current().value if section == 0 else theme.current().gradient
        if role == Qt.ItemDataRole.FontRole:
            return theme.ui_font(11, 600)
        return None


class _Lines(QStyledItemDelegate):
    """Draws a step typeset: muted while it is still to come, outlined when it is the one shown."""

    def __init__(self, session: Session, parent: QTableView) -> None:
        super().__init__(parent)
        self.session, self._viewport = session, parent.viewport()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, TraceModel)
        step = model.step_at(index)
        if step is None:
            return
        tokens = theme.current()
        cursor = self.session.cursor
        formula = soon(latex_of(step), SIZE, tokens.text, step.text, self._viewport)
        box = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if step.number == cursor:
            accent = tokens.value if step.phase == "forward" else tokens.gradient
            painter.setPen(QPen(accent, 1.2))
            painter.setBrush(theme.blend(tokens.panel, accent, 0.10))
            painter.drawRoundedRect(box.adjusted(1, 1.5, -2, -1.5), 6, 6)
        painter.setOpacity(1.0 if step.number <= cursor else 0.45)
        scale = min(1.0, (box.width() - 14) / max(formula.width, 1), 30 / max(formula.height, 1))
        painter.translate(box.left() + 8, box.center().y() + 0.5 - formula.height * scale / 2)
        painter.scale(scale, scale)
        formula.draw(painter, QPointF(0, 0))
        painter.restore()


def latex_of(step: Step) -> str:
    """A step's line with its result, as the lecture writes it; a gradient's line stops at the rule."""
    if step.phase != "forward" or step.value.ndim:
        return step.symbols
    number = theme.number_text(float(step.value)).replace("−", "-").replace("∞", r"\infty ")
    mantissa, _, power = number.partition("e")
    result = rf"{mantissa} \times 10^{{{power}}}" if power else mantissa
    return f"{step.symbols} = {result}"


class TraceTable(QWidget):
    """The table of the two columns."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 0, 8, 8)
        self.model = TraceModel(session)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Lines(session, self.view))
        self.view.setShowGrid(False)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionsClickable(False)
        header.setAccessibleName(tr("Forward and backward"))
        self.view.setAccessibleName(tr("Trace"))
        self.view.setCursor(Qt.CursorShape.PointingHandCursor)
        self.view.clicked.connect(self._clicked)
        layout.addWidget(self.view)
        session.evaluated.join(self._evaluated)
        session.cursor_moved.join(self._moved)

    def sizeHint(self) -> QSize:
        return QSize(350, 280)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 90)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._moved()

    def _clicked(self, index: QModelIndex) -> None:
        step = self.model.step_at(index)
        if step is not None:
            self.session.seek(step.number)

    def _evaluated(self) -> None:
        self.model.take()
        self.view.doItemsLayout()  # else it would scroll where nothing is laid out yet
        self._moved()

    def _moved(self) -> None:
        step = self.session.step
        if step is not None:
            self.view.scrollTo(self.model.index_of(step))
        self.view.viewport().update()
