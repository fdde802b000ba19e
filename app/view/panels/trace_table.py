"""The lecture's two columns: every forward and every backward micro-step, its numbers below it."""

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
    Signal,
)
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen, QResizeEvent
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
from app.view.origins import wire_ends
from app.view.panels.columns import readable
from app.view.typesetting import soon
from engine.graph import Port
from engine.script import Script
from engine.trace import Step

_Index = QModelIndex | QPersistentModelIndex
STEP_ROLE = Qt.ItemDataRole.UserRole
SIZE = 12
ROW_HEIGHT, LINE_HEIGHT = 47, 30
NARROWEST = 84
"""How far numbers are pressed together before something is left out, in percent."""
PAGE = 10
"""How many micro-steps the page keys go."""


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
    """Draws a step typeset over its numbers: muted while it is still to come, outlined when it is the
    one shown, marked when it was looked for."""

    def __init__(self, session: Session, parent: QTableView) -> None:
        super().__init__(parent)
        self.session, self._viewport = session, parent.viewport()
        self.found: frozenset[int] = frozenset()
        self._script: Script | None = None
        self._known: dict[int, tuple[str, str]] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, TraceModel)
        step = model.step_at(index)
        if step is None:
            return
        box = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, step, box.adjusted(1, 1.5, -2, -1.5))
        painter.setOpacity(1.0 if step.number <= self.session.cursor else 0.45)
        self._symbols(painter, step, box)
        self._numbers(painter, step, box)
        painter.restore()

    def _ground(self, painter: QPainter, step: Step, box: QRectF) -> None:
        tokens = theme.current()
        if step.number in self.found:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.blend(tokens.panel, tokens.accent, 0.16))
            painter.drawRoundedRect(box, 6, 6)
            painter.setBrush(tokens.accent)
            painter.drawRoundedRect(
                QRectF(box.left(), box.top() + 8, 3, box.height() - 16), 1.5, 1.5
            )
        if step.number == self.session.cursor:
            accent = tokens.value if step.phase == "forward" else tokens.gradient
            ground = theme.blend(tokens.panel, accent, 0.10)
            painter.setPen(QPen(accent, 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush if step.number in self.found else ground)
            painter.drawRoundedRect(box, 6, 6)

    def _symbols(self, painter: QPainter, step: Step, box: QRectF) -> None:
        latex, text = self._line(step)
        formula = soon(latex, SIZE, theme.current().text, text, self._viewport)
        painter.save()
        wide, high = (box.width() - 16) / max(formula.width, 1), 28 / max(formula.height, 1)
        scale = min(1.0, wide, high)
        middle = box.top() + 1.5 + LINE_HEIGHT / 2
        painter.translate(box.left() + 9, middle - formula.height * scale / 2)
        painter.scale(scale, scale)
        formula.draw(painter, QPointF(0, 0))
        painter.restore()

    def _line(self, step: Step) -> tuple[str, str]:
        """The line's symbols as LaTeX and as text, which are the same for all values of a script."""
        script = self.session.steps.script
        if script is not self._script:
            self._script = script
            self._known = {}
        known = self._known.get(step.number)
        if known is None:
            known = self._known[step.number] = step.symbols, step.text
        return known

    def _numbers(self, painter: QPainter, step: Step, box: QRectF) -> None:
        font, tokens = theme.number_font(10), theme.current()
        line = QRectF(box.left() + 9, box.top() + LINE_HEIGHT, box.width() - 16, 13)
        text = readable(step.numbers_text)
        width = QFontMetricsF(font).horizontalAdvance(text)
        if width > line.width():
            font.setStretch(max(NARROWEST, int(100 * line.width() / width)))
            # What comes out stands at the end, so it is the middle that may go.
            middle = Qt.TextElideMode.ElideMiddle
            text = QFontMetricsF(font).elidedText(text, middle, line.width())
        painter.setFont(font)
        painter.setPen(tokens.muted)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


class _Table(QTableView):
    """A table whose arrow and page keys step through the pass."""

    stepped = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {
            Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -PAGE,
            Qt.Key.Key_PageDown: PAGE,
        }.get(Qt.Key(event.key()))  # fmt: skip
        if by is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.ignore()
        else:
            self.stepped.emit(by)


class TraceTable(QWidget):
    """The table of the two columns. A click or a key goes to a step; what is selected on the canvas
    is marked in it and brought into view, and the step stays."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 0, 8, 8)
        self.model = TraceModel(session)
        self.view = _Table()
        self.view.setModel(self.model)
        self._lines = _Lines(session, self.view)
        self.view.setItemDelegate(self._lines)
        self.view.setShowGrid(False)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setFocusPolicy(Qt.FocusPolicy.TabFocus)
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
        self.view.stepped.connect(self._stepped)
        layout.addWidget(self.view)
        session.evaluated.join(self._evaluated)
        session.cursor_moved.join(self._moved)
        session.selection_changed.join(self._selected)

    def sizeHint(self) -> QSize:
        return QSize(350, 280)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 90)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._moved()

    # ------------------------------------------------------------ going there

    def _clicked(self, index: QModelIndex) -> None:
        step = self.model.step_at(index)
        if step is not None:
            self.session.seek(step.number)

    def _stepped(self, by: int) -> None:
        last = len(self.session.steps)
        if last:
            self.session.seek(min(max(self.session.cursor + by, 1), last))

    # ------------------------------------------------------------ following

    def _evaluated(self) -> None:
        self.model.take()
        self.view.doItemsLayout()  # else it would scroll where nothing is laid out yet
        self._lines.found = frozenset(self._steps_of_selection())
        self._moved()

    def _moved(self) -> None:
        step = self.session.step
        if step is not None:
            index = self.model.index_of(step)
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
        self.view.viewport().update()

    def _selected(self) -> None:
        """Marks the steps that compute the selected nodes and their gradients."""
        self._find(self._steps_of_selection())

    def _steps_of_selection(self) -> list[int]:
        """Those of one selected node; several are no place in a pass."""
        chosen = self.session.selection
        return self._steps_of(chosen[0]) if len(chosen) == 1 else []

    def find_wire(self, key: Port | None) -> None:
        """Marks the steps that carry a number over a wire, forward and backward."""
        graph = self.session.graph
        if key is None or key not in graph.links:
            self._find([])
            return
        found = self.session.evaluation
        ends = wire_ends(graph, key)
        at = (found.steps.script.computed_at.get(found.step_of(end)) for end, _ in ends)
        steps = [n for n in at if n]
        outlines = found.steps.script.outlines
        for number in found.steps.script.sums_at.get(found.step_of(graph.links[key]), []):
            o = outlines[number - 1]
            for end, port in ends:
                inside = graph.op(end).definition is not None
                if found.node_of(o.node) == end and (inside or o.port == port):
                    steps.append(number)
        self._find(steps)

    def _steps_of(self, node_id: str) -> list[int]:
        found, graph = self.session.evaluation, self.session.graph
        script = found.steps.script
        if graph.op(node_id).definition is not None:  # all that happens inside
            return [o.number for o in script.outlines if found.node_of(o.node) == node_id]
        step = found.step_of(node_id)
        at = script.computed_at.get(step)
        return [*([at] if at else []), *script.sums_at.get(step, [])]

    def _find(self, numbers: Sequence[int]) -> None:
        """Marks steps and brings the one that is nearest to the step shown into view."""
        self._lines.found = frozenset(numbers)
        here = self.session.cursor
        nearest = min(numbers, key=lambda n: abs(n - here), default=None)
        if nearest is not None and here not in self._lines.found:
            self.view.scrollTo(self.model.index_of(self.session.steps[nearest - 1]))
        self.view.viewport().update()

    @property
    def found(self) -> frozenset[int]:
        """The steps that are marked."""
        return self._lines.found
