"""The help window: every operator's page, typeset, found by typing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import help as pages
from app.drawers import drawers
from app.matching import label_of, ranked, words_of
from app.session import Session
from app.text import tr
from app.view import theme
from app.view.mathematics import LONGEST, MathLabel
from engine.ops.row import Op

_NAME = Qt.ItemDataRole.UserRole
_PAUSE = 180
"""Milliseconds without a key before the page of what was found is made."""
_ADJOINT = "Used by derivatives"
_STEPS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class HelpWindow(QDialog):
    """What can be added at the left, the page of the chosen one at the right.

    `chosen` carries its name when it is to be added to the canvas.
    """

    chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self._rows: dict[str, Op] = {}
        self.setWindowTitle(tr("Operators"))
        self.setModal(False)
        self.resize(920, 640)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search operators"))
        self.search.setAccessibleName(tr("Search operators"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._typed)
        self.search.installEventFilter(self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._pause.timeout.connect(self._show_page)
        self._typing = False
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setAccessibleName(tr("Operators"))
        self.list.currentItemChanged.connect(self._turned)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.search)
        left.addWidget(self.list, 1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.add = QPushButton(tr("Add to the canvas"))
        self.add.clicked.connect(self._add)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.area, 1)
        right.addWidget(self.add, 0, Qt.AlignmentFlag.AlignRight)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(16)
        layout.addLayout(left, 2)
        layout.addLayout(right, 5)
        self._filter("")

    def open_at(self, name: str | None = None) -> None:
        """Shows the page of an operator or a module, or the one looked at last."""
        if name is not None or self.search.text():
            self.search.clear()
        self._filter("")  # the document's own may have changed
        self._choose(name)
        self.show()
        self.raise_()
        self.activateWindow()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def _choose(self, name: str | None) -> None:
        for number in range(self.list.count()):
            item = self.list.item(number)
            if name is not None and item.data(_NAME) == name:
                self.list.setCurrentItem(item)
                self.list.scrollToItem(item)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent):
            if event.type() is QEvent.Type.KeyPress and event.key() in _STEPS:
                QApplication.sendEvent(self.list, event)
                return True
        return super().eventFilter(watched, event)

    def _typed(self, query: str) -> None:
        self._typing = True
        self._filter(query)
        self._typing = False

    def _filter(self, query: str) -> None:
        shown = dict(drawers(self.session.modules, self.session.operators))
        graph = self.session.graph
        used = {graph.nodes[n].op: graph.op(n) for n in graph.nodes if graph.op(n).hidden}
        if used:  # what derivatives that are nodes here are made of
            shown[_ADJOINT] = tuple(used[name] for name in sorted(used))
        self._rows = {op.name: op for rows in shown.values() for op in rows}
        before = self.list.currentItem()
        name = before.data(_NAME) if before is not None else None
        self.list.clear()
        order = [op.name for op, _ in ranked(query, self._rows.values(), words_of)]
        items: dict[str, QListWidgetItem] = {}
        for category, rows in shown.items():
            found = [op for op in rows if op.name in order]
            if found:
                head = QListWidgetItem(tr(category))
                head.setFlags(Qt.ItemFlag.NoItemFlags)
                head.setFont(theme.ui_font(11, 600))
                head.setSizeHint(QSize(100, 30))
                head.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
                self.list.addItem(head)
            for op in found:
                item = QListWidgetItem(f"    {label_of(op)}")
                item.setData(_NAME, op.name)
                item.setSizeHint(QSize(100, 26))
                self.list.addItem(item)
                items[op.name] = item
        if not order:
            nothing = QListWidgetItem(tr("No operator fits. Search by name, sign or purpose."))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            nothing.setSizeHint(QSize(100, 44))
            self.list.addItem(nothing)
            self._turned(None)
            return
        self.list.setCurrentItem(items[order[0]])
        if not query.strip():
            self._choose(name)

    def _turned(self, item: QListWidgetItem | None) -> None:
        name = item.data(_NAME) if item is not None else None
        self.add.setEnabled(name is not None and not self._rows[name].hidden)
        if self._typing:
            self._pause.start()
        else:
            self._show_page()

    def _show_page(self) -> None:
        self._pause.stop()
        item = self.list.currentItem()
        name = item.data(_NAME) if item is not None else None
        shown = self.area.widget()
        if name is None:
            self.area.setWidget(QWidget())
        elif not isinstance(shown, Page) or shown.op is not self._rows[name]:
            self.area.setWidget(Page(self._rows[name]))

    def _add(self) -> None:
        item = self.list.currentItem()
        if item is not None and item.data(_NAME):
            self.chosen.emit(item.data(_NAME))


class Page(QWidget):
    """One operator: what it is, its formulas typeset, its options and its other names.

    Formulas are typeset one by one when nothing else waits, for some take a while.
    """

    def __init__(self, op: Op) -> None:
        super().__init__()
        self.op = op
        self._untypeset: list[tuple[MathLabel, pages.Line]] = []
        self._next = QTimer(self)
        self._next.timeout.connect(self._typeset_one)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 4, 16, 12)
        self._layout.setSpacing(6)
        title = self._text(op.name, "title")
        title.setFont(theme.ui_font(18, 600))
        self._text(tr(op.category), "muted")
        self._text(op.doc)
        if op.definition is not None:
            self._text(tr("A module: open one on the canvas to see and change what it is made of."))
        elif not op.is_source:
            self._section(tr("Formula"), [pages.call(op), pages.meaning(op)])
            self._section(tr("Derivative"), [*pages.derivatives(op)])
            if not pages.derivatives(op):
                self._head(tr("Derivative"))
                self._text(tr("None: no gradient flows through it."), "muted")
        for kink in pages.kinks(op):
            self._text(f"{tr('Where it has a kink,')} {kink}.", "muted")
        if op.options:
            self._options(op)
        if pages.spellings(op):
            self._head(tr("Also found as"))
            self._text(", ".join(pages.spellings(op)))
        self._layout.addStretch(1)
        if self._untypeset:
            self._next.start(0)

    def _typeset_one(self) -> None:
        label, line = self._untypeset.pop(0)
        label.set_formula(line.latex, line.text)
        label.sizeHint()
        if not self._untypeset:
            self._next.stop()

    def _text(self, text: str, role: str = "") -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if role:
            label.setProperty("role", role)
        self._layout.addWidget(label)
        return label

    def _head(self, text: str) -> None:
        self._layout.addSpacing(8)
        self._text(text, "muted").setFont(theme.ui_font(11, 600))

    def _section(self, title: str, lines: list[pages.Line | None]) -> None:
        shown = [line for line in lines if line is not None]
        if not shown:
            return
        self._head(title)
        for line in shown:
            if len(line.latex) <= LONGEST:
                formula = MathLabel(15)
                self._untypeset.append((formula, line))
                self._layout.addWidget(formula)
            self._text(line.text, "muted").setFont(theme.number_font(11))

    def _options(self, op: Op) -> None:
        self._head(tr("Options"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setColumnStretch(2, 1)
        for row, (name, default, doc) in enumerate(pages.options(op)):
            for column, text in enumerate((name, default, doc)):
                label = QLabel(text)
                label.setWordWrap(column == 2)
                label.setAlignment(Qt.AlignmentFlag.AlignTop)
                if column < 2:
                    label.setFont(theme.number_font(12))
                if column == 1:
                    label.setProperty("role", "muted")
                grid.addWidget(label, row, column)
        self._layout.addLayout(grid)
