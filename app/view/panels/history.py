"""The steps of the history by name, oldest first; a click goes to one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPen, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.history import History
from app.session import Session
from app.text import tr
from app.view import theme

_Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 26


class HistoryModel(QAbstractListModel):
    """Row 0 is the document as it was opened, row n what it was after n steps."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._shown: tuple[History, int] = (session.history, session.history.length)

    @property
    def history(self) -> History:
        return self._shown[0]

    def take(self) -> None:
        """Follows the history: rows that came or went at its end, or another document's."""
        history, (before, rows) = self.session.history, self._shown
        now = history.length
        if history is not before:
            self.beginResetModel()
            self._shown = history, now
            self.endResetModel()
        elif now > rows:
            self.beginInsertRows(QModelIndex(), rows + 1, now)
            self._shown = history, now
            self.endInsertRows()
        elif now < rows:
            self.beginRemoveRows(QModelIndex(), now + 1, rows)
            self._shown = history, now
            self.endRemoveRows()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._shown[1] + 1

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.history.label(row) if row else tr("Opened")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.data(index)}{self._spoken(row)}"
        return None

    def _spoken(self, row: int) -> str:
        history = self.history
        state = tr(", now") if row == history.position else ""
        state += tr(", taken back") if row > history.position else ""
        return state + (tr(", saved") if row == history.saved_at else "")


class HistoryLines(QStyledItemDelegate):
    """A line of steps: the one that is shown filled, those taken back hollow and muted."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, HistoryModel)
        history, row, tokens = model.history, index.row(), theme.current()
        box, here, undone = (
            QRectF(option.rect),
            row == history.position,
            row > history.position,
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if here or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(
                theme.blend(tokens.panel, tokens.accent, 0.22) if here else tokens.press
            )
            painter.drawRoundedRect(box.adjusted(2, 1, -2, -1), 6, 6)
        self._mark(painter, QPointF(box.left() + 16, box.center().y()), row, history)
        text = box.adjusted(32, 0, -12, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        if row == history.saved_at:
            painter.setFont(theme.ui_font(11))
            painter.setPen(tokens.muted)
            said = f"• {tr('saved')}"
            painter.drawText(text, Qt.AlignmentFlag.AlignRight | middle, said)
            text.setRight(text.right() - painter.fontMetrics().horizontalAdvance(said) - 10)
        painter.setFont(theme.ui_font(12, 600 if here else 400))
        painter.setPen(tokens.muted if undone else tokens.text)
        shown = painter.fontMetrics().elidedText(
            index.data(), Qt.TextElideMode.ElideRight, int(text.width())
        )
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | middle, shown)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(tokens.accent, 1))
            painter.drawRoundedRect(box.adjusted(2.5, 1.5, -2.5, -1.5), 6, 6)
        painter.restore()

    def _mark(self, painter: QPainter, middle: QPointF, row: int, history: History) -> None:
        tokens = theme.current()
        half = ROW_HEIGHT / 2
        painter.setPen(QPen(tokens.border, 1))
        if row > 0:
            painter.drawLine(middle - QPointF(0, half), middle - QPointF(0, 4))
        if row < history.length:
            painter.drawLine(middle + QPointF(0, 4), middle + QPointF(0, half))
        here, undone = row == history.position, row > history.position
        painter.setPen(
            QPen(tokens.accent if here else tokens.muted if not undone else tokens.border, 1.2)
        )
        painter.setBrush(tokens.panel if undone else tokens.accent if here else tokens.muted)
        painter.drawEllipse(middle, 4.0 if here else 2.5, 4.0 if here else 2.5)


class HistoryPanel(QWidget):
    """`jump_asked` carries the position to go to; nothing here changes the document."""

    jump_asked = Signal(int)
    status_told = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = HistoryModel(session)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(HistoryLines(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMouseTracking(True)
        self.list.setAccessibleName(tr("History"))
        self.list.clicked.connect(self._asked)
        self.list.activated.connect(self._asked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 0, 8, 8)
        layout.addWidget(self.list)
        session.document_changed.join(self.refresh)
        session.opened.join(self.refresh)

    def sizeHint(self) -> QSize:
        return QSize(220, 260)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 90)

    def refresh(self) -> None:
        """Follows the history while it is seen."""
        if not self.isVisible():
            return
        history = self.session.history
        self.model.take()
        index = self.model.index(history.position)
        self.list.setCurrentIndex(index)
        self.list.scrollTo(index)
        self.list.viewport().update()
        steps = history.length
        self.status_told.emit(tr(f"{history.position} of {steps}") if steps else "")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _asked(self, index: QModelIndex) -> None:
        self.jump_asked.emit(index.row())
