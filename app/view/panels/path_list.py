"""A list of paths: names as chips, the product written out, and a bar for the share with its sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.text import tr
from app.view import theme

_Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 50
BAR_WIDTH = 76
CHIP_HEIGHT = 18
_TIMES = " × "


@dataclass(frozen=True, slots=True)
class PathRow:
    """A line: the names on the path, its product, the number it adds, its share from -1 to 1. One
    without names is what the paths add that are not shown."""

    names: Sequence[str]
    product: str
    number: str
    share: float


class PathModel(QAbstractListModel):
    """The lines as they were given last."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[PathRow] = ()

    def take(self, rows: Sequence[PathRow]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{' → '.join(row.names)}: {row.product}" if row.names else row.product
        if role == Qt.ItemDataRole.ToolTipRole:
            share = tr("{share} % of the sizes of all").format(share=round(100 * abs(row.share), 1))
            return f"{self.data(index)}\n{row.number} · {share}"
        return None


class _Lines(QStyledItemDelegate):
    """Draws a line: two rows of words, and at the right the number over its bar."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, PathModel)
        row, tokens, box = model.rows[index.row()], theme.current(), QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        kept = bool(option.state & QStyle.StateFlag.State_Selected)
        if kept or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(tokens.accent, 1) if kept else Qt.PenStyle.NoPen)
            share = 0.18 if kept else 0.0
            painter.setBrush(
                theme.blend(tokens.panel, tokens.accent, share) if kept else tokens.press
            )
            painter.drawRoundedRect(box.adjusted(1.5, 1.5, -1.5, -1.5), 6, 6)
        right = QRectF(box.right() - BAR_WIDTH - 10, box.top(), BAR_WIDTH, box.height())
        left = box.adjusted(8, 0, -BAR_WIDTH - 22, 0)
        upper, lower = left.adjusted(0, 5, 0, -26), left.adjusted(0, 27, 0, -5)
        if row.names:
            _chips(painter, upper, row.names)
        painter.setFont(theme.number_font(11) if row.names else theme.ui_font(12))
        painter.setPen(tokens.muted)
        said = _shortened(QFontMetricsF(painter.font()), row.product, left.width())
        place = lower if row.names else left
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, said)
        painter.setFont(theme.number_font(12, 600))
        painter.setPen(tokens.gradient)
        painter.drawText(
            right.adjusted(-30, 5, 0, -26),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            row.number,
        )
        _bar(painter, right.adjusted(0, 33, 0, -11), row.share)
        painter.restore()


def _bar(painter: QPainter, box: QRectF, share: float) -> None:
    """From a line in the middle to the right what adds, to the left what takes away."""
    tokens = theme.current()
    middle = box.center().x()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.blend(tokens.panel, tokens.border, 0.6))
    painter.drawRoundedRect(box, 3, 3)
    length = max(abs(share) * box.width() / 2, 1.5) if share else 0.0
    bar = QRectF(middle if share > 0 else middle - length, box.top(), length, box.height())
    painter.setBrush(tokens.gradient)
    painter.drawRoundedRect(bar, min(3.0, length / 2), 3)
    painter.setPen(QPen(tokens.muted, 1))
    painter.drawLine(round(middle), round(box.top()) - 2, round(middle), round(box.bottom()) + 2)


def _chips(painter: QPainter, box: QRectF, names: Sequence[str]) -> None:
    """Names in little boxes with arrows between them; where there is no room for all, the first and
    the last ones, and how many are left out."""
    tokens, font = theme.current(), theme.ui_font(11)
    metrics = QFontMetricsF(font)
    widths = [min(metrics.horizontalAdvance(n), 96.0) + 10 for n in names]
    shown = fitting(widths, box.width(), 14.0, metrics.horizontalAdvance("… 0000 …"))
    x, top = box.left(), box.center().y() - CHIP_HEIGHT / 2
    middle = Qt.AlignmentFlag.AlignCenter
    painter.setFont(font)
    for place, i in enumerate(shown):
        if place:
            painter.setPen(tokens.muted)
            painter.drawText(QRectF(x, top, 14, CHIP_HEIGHT), middle, "→")
            x += 14
        if i < 0:
            text = f"… {len(names) - len(shown) + 1} …"
            width = metrics.horizontalAdvance(text) + 2
            painter.drawText(QRectF(x, top, width, CHIP_HEIGHT), middle, text)
        else:
            width = widths[i]
            painter.setPen(QPen(tokens.border, 1))
            painter.setBrush(tokens.node)
            painter.drawRoundedRect(QRectF(x + 0.5, top + 0.5, width - 1, CHIP_HEIGHT - 1), 5, 5)
            painter.setPen(tokens.text)
            text = metrics.elidedText(names[i], Qt.TextElideMode.ElideMiddle, width - 8)
            painter.drawText(QRectF(x, top, width, CHIP_HEIGHT), middle, text)
        x += width


def _shortened(metrics: QFontMetricsF, product: str, room: float) -> str:
    """A product with factors left out of its middle where there is no room for all; of words the
    first ones."""
    text, equals, result = product.rpartition(" = ")
    factors = text.split(_TIMES)
    if equals and len(factors) > 2:
        widths = [metrics.horizontalAdvance(factor) for factor in factors]
        rest, gap = metrics.horizontalAdvance(equals + result), metrics.horizontalAdvance(_TIMES)
        shown = fitting(widths, room - rest, gap, metrics.horizontalAdvance("…"))
        product = _TIMES.join("…" if i < 0 else factors[i] for i in shown) + equals + result
    middle = len(factors) > 1
    mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
    return metrics.elidedText(product, mode, room)


def fitting(widths: Sequence[float], room: float, gap: float, left_out: float) -> list[int]:
    """Which of several boxes in a row there is room for, from both ends; -1 stands for the others."""
    if sum(widths) + gap * (len(widths) - 1) <= room or len(widths) < 3:
        return list(range(len(widths)))
    first, last = [0], [len(widths) - 1]
    used = widths[0] + widths[-1] + left_out + 2 * gap
    low, high = 1, len(widths) - 2
    while low <= high:
        front = len(first) <= len(last)
        used += widths[low if front else high] + gap
        if used > room:
            break
        if front:
            first.append(low)
            low += 1
        else:
            last.insert(0, high)
            high -= 1
    return [*first, -1, *last]


class PathList(QListView):
    """Rows of paths. `pointed` carries the row that the mouse is over, or else the one kept by a
    click or the arrow keys, -1 for none; Esc lets go of it, and then tells `left`."""

    pointed = Signal(int)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = PathModel()
        self.setModel(self.rows)
        self.setItemDelegate(_Lines(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Paths"))
        self._over = self._before = -1
        self.clicked.connect(self._clicked)
        self.selectionModel().selectionChanged.connect(self._kept_changed)

    @property
    def kept(self) -> int:
        chosen = self.selectedIndexes()
        return chosen[0].row() if chosen else -1

    def take(self, rows: Sequence[PathRow]) -> None:
        """Shows other rows; the one kept stays kept when it is the same path."""
        kept = self.rows.rows[self.kept].names if self.kept >= 0 else None
        self._over = -1
        self.rows.take(rows)
        if kept is not None:
            same = next((i for i, row in enumerate(rows) if row.names == kept), -1)
            if same >= 0:
                self.setCurrentIndex(self.rows.index(same))

    def let_go(self) -> bool:
        """Keeps no path any more; False when none was kept."""
        if self.kept < 0:
            return False
        self.clearSelection()
        self.setCurrentIndex(QModelIndex())
        return True

    def _tell(self) -> None:
        self.pointed.emit(self._over if self._over >= 0 else self.kept)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._go_over(self.indexAt(event.position().toPoint()).row())

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._go_over(-1)
        return super().viewportEvent(event)

    def _go_over(self, row: int) -> None:
        if row != self._over:
            self._over = row
            self._tell()

    def _clicked(self, index: QModelIndex) -> None:
        """A second click on the path that is kept lets go of it."""
        if index.row() == self._before:
            self.let_go()
        self._before = self.kept

    def _kept_changed(self) -> None:
        self._tell()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._over = -1
            if not self.let_go():
                self.left.emit()
            self._before = -1
            return
        super().keyPressEvent(event)
        self._before = self.kept
