"""The panel of a viewer: value, gradient or both of one node, in the kind that a person chooses."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import sight
from app.session import Session
from app.text import tr
from app.view import icons, theme
from app.view.calm import CalmList
from app.view.viewers import KINDS, Shown, View, What, best, fitting
from app.view.viewers.controls import HEIGHT, Controls
from engine.ops.row import Array
from engine.records import Viewer
from engine.shapes import shape_text

BOTH = "both"
"""The option of every kind: whether value and gradient stand side by side."""
_WHATS: tuple[What, ...] = ("value", "gradient")
_TITLES = {"value": "Value", "gradient": "Gradient", BOTH: "Both"}


class _Slot(QWidget):
    """One array in a view of some kind, or the sentence why there is none."""

    option_changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.view: View | None = None
        self._array: Array | None = None
        self._before: object = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.caption = QLabel()
        self.caption.setFont(theme.ui_font(11))
        self.message = QLabel()
        self.message.setProperty("role", "muted")
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setMargin(16)
        column.addWidget(self.caption)
        column.addWidget(self.message, 1)
        self.message.setMinimumHeight(72)  # a sentence in two lines

    def sizeHint(self) -> QSize:
        """The same for all, so that two share the room."""
        return QSize(260, 200)

    def tell(self, sentence: str) -> None:
        self.message.setText(sentence)
        self.message.show()
        self.caption.hide()
        if self.view is not None:
            self.view.hide()

    def show_array(self, shown: Shown, viewer: Viewer, caption: bool) -> None:
        kind = best(shown.array, viewer.kind)
        if type(self.view) is not kind:
            if self.view is not None:
                self.view.hide()
                self.view.deleteLater()
            self.view = kind()
            self.view.option_changed.connect(self.option_changed)
            column = self.layout()
            assert isinstance(column, QVBoxLayout)
            column.addWidget(self.view, 1)
            self._array = None
        self.message.hide()
        self.caption.setVisible(caption)
        self.caption.setText(shown.name)
        tokens = theme.current()
        colour = tokens.value if shown.of == "value" else tokens.gradient
        self.caption.setStyleSheet(f"color: {colour.name()};")
        self.view.show()
        key = (shown.name, shown.of, dict(viewer.options), tokens.name)
        if self._array is not shown.array or self._before != key:
            self._array, self._before = shown.array, key
            self.view.show_array(shown, viewer.options)

    def restyle(self) -> None:
        self._before = None
        if self.view is not None:
            self.view.restyle()


class ViewerPanel(QWidget):
    """Shows `viewer`, a record of which node, of what and how. What a person changes goes out through
    `asked` as another record; a pinned one is changed in the document, the other by its owner. `told`
    carries what it is, for the title of its dock."""

    asked = Signal(object)
    pin_asked = Signal()
    told = Signal(str)

    def __init__(self, session: Session, pinned: bool = False) -> None:
        super().__init__()
        self.session, self.pinned = session, pinned
        self.viewer: Viewer | None = None
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4 if pinned else 0, 12, 12)
        column.setSpacing(8)
        self.name = self.shape_words = ""
        self.pin = QToolButton()
        self.pin.setToolTip(tr("Pin: a panel of its own for this node, saved with the document"))
        self.pin.setAccessibleName(tr("Pin viewer"))
        self.pin.setFixedSize(HEIGHT + 4, HEIGHT)
        self.pin.setStyleSheet("padding: 2px;")
        self.pin.clicked.connect(self.pin_asked)
        self.bar = self._build_bar()
        column.addWidget(self.bar)
        self.pin.setHidden(pinned)
        self.area = QSplitter()
        self.area.setChildrenCollapsible(False)
        self.area.setHandleWidth(13)
        self.area.setStyleSheet(
            "QSplitter::handle { background: transparent; width: 13px; height: 13px; }"
        )
        self.slots: dict[What, _Slot] = {}
        for of in _WHATS:
            slot = self.slots[of] = _Slot()
            slot.option_changed.connect(self._option_changed)
            self.area.addWidget(slot)
        column.addWidget(self.area, 1)
        self.empty = QLabel(
            tr(
                "Select a node to see all its numbers here, or double-click the picture of a tensor."
            )
        )
        self.empty.setProperty("role", "muted")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.empty, 1)
        self.setMinimumWidth(220)
        self.restyle()
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(350, 320)

    def _build_bar(self) -> QWidget:
        bar, ways = Controls(across=6), QWidget()
        row = QHBoxLayout(ways)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for name, words in _TITLES.items():
            button = QToolButton()
            button.setText(tr(words))
            button.setObjectName(name)
            button.setCheckable(True)
            button.setFixedHeight(HEIGHT)
            button.clicked.connect(self._of_chosen)
            self._group.addButton(button)
            self.buttons[name] = button
            row.addWidget(button)
        bar.add_widget(ways)
        self.kinds = CalmList()
        self.kinds.setAccessibleName(tr("Kind of viewer"))
        self.kinds.setToolTip(tr("How the numbers are drawn"))
        self.kinds.setFixedHeight(HEIGHT)
        self.kinds.setFixedWidth(98)
        self.kinds.activated.connect(self._kind_chosen)
        bar.add_widget(self.kinds)
        bar.add_widget(self.pin)
        return bar

    # ------------------------------------------------------------ showing

    def show_viewer(self, viewer: Viewer | None) -> None:
        self.viewer = viewer
        self.refresh()

    def refresh(self) -> None:
        """Shows the numbers of the session's step."""
        viewer, session = self.viewer, self.session
        if viewer is not None and not sight.is_there(session, viewer.node):
            viewer = None
        some = viewer is not None
        for widget in (self.bar, self.area):
            widget.setVisible(some)
        self.empty.setVisible(not some)
        if viewer is None:
            self.told.emit("")
            return
        both = bool(viewer.options.get(BOTH))
        self.name = sight.title(session, viewer.node)
        self.buttons[BOTH if both else viewer.of].setChecked(True)
        known: Array | None = None
        for of, slot in self.slots.items():
            slot.setVisible(both or of == viewer.of)
            if not (both or of == viewer.of):
                continue
            array = sight.number(session, viewer.node, of)
            if array is None:
                slot.tell(sight.why_none(session, viewer.node, of))
                continue
            known = array if known is None else known
            name = sight.label(session, viewer.node, of)
            shown = Shown(array, name, of, self._vectors, self._read)
            slot.show_array(shown, viewer, both)
        self._show_kinds(viewer, known)
        self.told.emit(self.shape_words if self.pinned else f"{self.name}   {self.shape_words}")

    def _show_kinds(self, viewer: Viewer, array: Array | None) -> None:
        self.kinds.setVisible(array is not None)
        if array is None:
            self.shape_words = ""
            return
        self.shape_words = shape_text(array.shape) if array.shape else tr("number")
        wanted = [kind.name for kind in fitting(array)]
        if [self.kinds.itemData(i) for i in range(self.kinds.count())] != wanted:
            self.kinds.clear()
            for name in wanted:
                self.kinds.addItem(tr(KINDS[name].title), name)
        self.kinds.setCurrentIndex(wanted.index(best(array, viewer.kind).name))

    @property
    def kind(self) -> str:
        """The kind that is shown, chosen or not; empty while nothing is."""
        return str(self.kinds.currentData() or "") if not self.kinds.isHidden() else ""

    def _vectors(self, count: int) -> list[tuple[str, str]]:
        return sight.vectors(self.session, self.viewer.node, count) if self.viewer else []

    def _read(self, path: str) -> Array | None:
        return sight.number(self.session, path, "value")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two views stand side by side where there is room for it, else one over the other."""
        super().resizeEvent(event)
        wide = self.width() > 1.3 * self.height()
        self.area.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)

    def restyle(self) -> None:
        tokens = theme.current()
        self.pin.setIcon(icons.icon("pin", tokens.text))
        ends = {
            "value": "border-top-right-radius: 0; border-bottom-right-radius: 0;",
            "gradient": "border-radius: 0; border-left: none;",
            BOTH: "border-top-left-radius: 0; border-bottom-left-radius: 0; border-left: none;",
        }
        chosen = theme.blend(tokens.panel, tokens.accent, 0.22).name()
        for name, button in self.buttons.items():
            button.setStyleSheet(
                f"QToolButton {{ {ends[name]} padding: 2px 8px; }}"
                f" QToolButton:checked {{ background: {chosen}; }}"
            )
        for slot in self.slots.values():
            slot.restyle()
        self.refresh()

    # ------------------------------------------------------------ what a person changes

    def _of_chosen(self) -> None:
        name = self.sender().objectName()
        if self.viewer is None:
            return
        options = {k: v for k, v in self.viewer.options.items() if k != BOTH}
        if name == BOTH:
            self.asked.emit(replace(self.viewer, options={**options, BOTH: 1}))
        else:
            of: What = "gradient" if name == "gradient" else "value"
            self.asked.emit(replace(self.viewer, of=of, options=options))

    def _kind_chosen(self) -> None:
        kind = str(self.kinds.currentData())
        if self.viewer is None or kind == self.viewer.kind:
            return
        kept = {k: v for k, v in self.viewer.options.items() if k == BOTH}
        self.asked.emit(replace(self.viewer, kind=kind, options=kept))

    def _option_changed(self, name: str, value: float | str) -> None:
        if self.viewer is None:
            return
        # With the kind: the options are that kind's own.
        kind = self.kind or self.viewer.kind
        options = {**self.viewer.options, name: value}
        self.asked.emit(replace(self.viewer, kind=kind, options=options))
