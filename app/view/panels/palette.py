"""The palette: operators by drawer, with search; drag one out or press Enter."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.drawers import drawers
from app.matching import label_of, ranked, words_of
from app.session import Session
from app.text import tr
from app.view import icons, theme
from app.view.canvas.adding import MIME
from app.view.canvas.new_node import HOT_SPOT, new_picture
from engine.graph import Graph
from engine.ops.row import Op
from engine.own import CATEGORY

OPEN_AT_FIRST = 3
"""How many drawers are open when the palette is shown for the first time."""


MIN_WIDTH = 224
"""Pixels for two columns of chips with their labels whole."""


class Chip(QPushButton):
    """One operator: drag it onto the canvas, or double-click or press Enter to add it.

    One of the document's own is edited or renamed, and removed, by a menu at it.
    """

    chosen = Signal(str)
    edit_asked = Signal(str)
    removal_asked = Signal(str)

    def __init__(self, op: Op, session: Session) -> None:
        super().__init__(label_of(op))
        self.op, self._session = op, session
        self._pressed: QPoint | None = None
        self.setToolTip(f"{op.name}: {op.doc}")
        self.setAccessibleName(f"{op.name}, {op.category}")
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setMinimumWidth(40)
        self.setProperty("chip", True)

    def sizeHint(self) -> QSize:
        return QSize(92, 28)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().drawer(self.op.category))
        painter.drawRoundedRect(0, 8, 3, self.height() - 16, 1.5, 1.5)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        start = self._pressed
        if start is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        moved = (event.position().toPoint() - start).manhattanLength()
        if moved < QApplication.startDragDistance():
            return
        self._pressed = None
        self.setDown(False)
        self.drag().exec(Qt.DropAction.CopyAction)

    def drag(self) -> QDrag:
        """What is dragged: the operator's name, seen as the node that it will be."""
        drag = QDrag(self)
        data = QMimeData()
        data.setData(MIME, self.op.name.encode())
        drag.setMimeData(data)
        picture = new_picture(
            self._session, self.op.name, theme.current(), self.devicePixelRatioF()
        )
        drag.setPixmap(picture)
        drag.setHotSpot(HOT_SPOT)
        return drag

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(self.op.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.op.name)
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu_of_own()
        if menu is not None:
            menu.popup(event.globalPos())

    def menu_of_own(self) -> QMenu | None:
        """What can be done with an operator or a module of the document's own; None for any other."""
        is_module = self.op.name in self._session.modules
        if self.op.category != CATEGORY and not is_module:
            return None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        name = self.op.name
        edit = tr("Rename module…") if is_module else tr("Edit operator…")
        remove = tr("Remove module") if is_module else tr("Remove operator")
        menu.addAction(edit).triggered.connect(lambda: self.edit_asked.emit(name))
        menu.addAction(remove).triggered.connect(lambda: self.removal_asked.emit(name))
        return menu


def _identity(op: Op) -> tuple[object, ...]:
    """What tells a row from another one of the same name."""
    return op.name, op.definition, op.formula, op.doc


class Drawer(QWidget):
    """A drawer: its name, which opens and closes it, and its chips in two columns."""

    chosen = Signal(str)
    edit_asked = Signal(str)
    removal_asked = Signal(str)

    def __init__(
        self,
        category: str,
        rows: tuple[Op, ...],
        is_open: bool,
        session: Session,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)  # without one it would be a window of its own for a moment
        self._session = session
        self.category = category
        self.chips: list[Chip] = []
        self.is_open = is_open
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(4)
        self.head = QToolButton()
        self.head.setText(tr(category))
        self.head.setProperty("flat", True)
        self.head.setProperty("drawer", True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setIconSize(QSize(12, 12))
        self.head.clicked.connect(self._toggle)
        layout.addWidget(self.head, 0, Qt.AlignmentFlag.AlignLeft)
        self.body = QWidget()
        self.grid = QGridLayout(self.body)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setSpacing(6)
        self.grid.setColumnStretch(0, 1)
        self.grid.setColumnStretch(1, 1)
        layout.addWidget(self.body)
        self.fill(rows)
        self.show_matching("")

    def fill(self, rows: tuple[Op, ...]) -> None:
        """Takes rows that may have changed; chips of those that have not stay as they are."""
        kept = {_identity(c.op): c for c in self.chips}
        chips = []
        for op in rows:
            chip = kept.pop(_identity(op), None)
            if chip is None:
                chip = Chip(op, self._session)
                chip.chosen.connect(self.chosen)
                chip.edit_asked.connect(self.edit_asked)
                chip.removal_asked.connect(self.removal_asked)
            chips.append(chip)
        for old in kept.values():
            self.grid.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.chips = chips

    def _toggle(self) -> None:
        self.is_open = not self.is_open
        self.show_matching("")

    def show_matching(self, query: str, fitting: Collection[str] = ()) -> int:
        """Lays out the chips named by a search, which opens the drawer. Returns how many there are."""
        for chip in self.chips:
            self.grid.removeWidget(chip)
            chip.hide()
        chips = [c for c in self.chips if not query.strip() or c.op.name in fitting]
        # a long label takes a whole line, so nothing is cut
        row = column = 0
        for chip in chips:
            wide = chip.fontMetrics().horizontalAdvance(chip.text()) > 80
            if wide and column:
                row, column = row + 1, 0
            self.grid.addWidget(chip, row, column, 1, 2 if wide else 1)
            chip.show()
            row, column = (row + 1, 0) if wide or column else (row, 1)
        shown = bool(chips) and (self.is_open or bool(query.strip()))
        self.body.setVisible(shown)
        self.setVisible(bool(chips))
        self.recolour()
        return len(chips)

    def recolour(self) -> None:
        name = "down" if self.body.isVisibleTo(self) else "right"
        self.head.setIcon(icons.icon(name, theme.current().muted))


class Palette(QWidget):
    """All drawers under a search box. `chosen` carries the name of the operator to add."""

    chosen = Signal(str)
    edit_asked = Signal(str)
    removal_asked = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setMinimumWidth(MIN_WIDTH)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 4, 0)
        layout.setSpacing(8)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search operators"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(tr("Search operators"))
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._add_best)
        box = QVBoxLayout()
        box.setContentsMargins(0, 0, 8, 0)
        box.addWidget(self.search)
        layout.addLayout(box)
        inside = QWidget()
        inside.setProperty("role", "panel")
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 8, 12)
        self._list.setSpacing(2)
        self._own: tuple[dict[str, Graph], tuple[Op, ...]] = (session.modules, session.operators)
        self.drawers = [
            Drawer(category, rows, number < OPEN_AT_FIRST or category == CATEGORY, session, inside)
            for number, (category, rows) in enumerate(drawers(*self._own).items())
        ]
        for drawer in self.drawers:
            self._list.addWidget(drawer)
            drawer.chosen.connect(self.chosen)
            drawer.edit_asked.connect(self.edit_asked)
            drawer.removal_asked.connect(self.removal_asked)
        self.nothing = QLabel(tr("No operator fits. Search by name, sign or purpose."))
        self.nothing.setWordWrap(True)
        self.nothing.setProperty("role", "muted")
        self.nothing.hide()
        self._list.addWidget(self.nothing)
        self._list.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidget(inside)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout.addWidget(self.area)
        session.document_changed.join(self.refresh)
        session.place_changed.join(self.refresh)

    def sizeHint(self) -> QSize:
        return QSize(220, 600)

    def refresh(self) -> None:
        """Shows the document's own as they are now."""
        own = (self.session.modules, self.session.operators)
        if own == self._own:  # definitions are compared as objects: none is changed in place
            return
        self._own = own
        rows = drawers(*own)
        for drawer in self.drawers:
            drawer.fill(rows[drawer.category])
        self._filter(self.search.text())

    def _filter(self, query: str) -> None:
        fitting = {op.name for op in self._ranked(query)}
        found = sum(drawer.show_matching(query, fitting) for drawer in self.drawers)
        self.nothing.setVisible(found == 0)

    def _ranked(self, query: str) -> list[Op]:
        rows = (chip.op for drawer in self.drawers for chip in drawer.chips)
        return [op for op, _ in ranked(query, rows, words_of)]

    def best(self) -> str | None:
        """The operator that fits the search best, None without one."""
        query = self.search.text()
        found = self._ranked(query) if query.strip() else []
        return found[0].name if found else None

    def _add_best(self) -> None:
        name = self.best()
        if name:
            self.chosen.emit(name)
            self.search.clear()

    def reveal(self, name: str) -> None:
        """Shows a chip with the keyboard on it, whatever was searched for."""
        self.search.clear()
        for drawer in self.drawers:
            for chip in drawer.chips:
                if chip.op.name == name:
                    drawer.is_open = True
                    drawer.show_matching("")
                    chip.setFocus(Qt.FocusReason.OtherFocusReason)
                    self.area.ensureWidgetVisible(chip)

    def restyle(self) -> None:
        for drawer in self.drawers:
            drawer.recolour()
