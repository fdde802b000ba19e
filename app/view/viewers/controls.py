"""The controls of a viewer: choices, indices and ticks in a row that wraps."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from app.view import theme
from app.view.calm import CalmCount, CalmList

HEIGHT = 26


class Wrapped(QLayout):
    """Widgets from left to right, as many lines as it takes."""

    def __init__(self, parent: QWidget, across: int = 12, down: int = 6) -> None:
        super().__init__(parent)
        self.items: list[QLayoutItem] = []
        self._across, self._down = across, down
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self.items.append(item)

    def count(self) -> int:
        return len(self.items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self.items[index] if 0 <= index < len(self.items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self.items.pop(index) if 0 <= index < len(self.items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._lay(QRect(0, 0, width, 0), False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._lay(rect, True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        shown = [item.minimumSize() for item in self.items if not item.isEmpty()]
        return QSize(
            max((s.width() for s in shown), default=0), max((s.height() for s in shown), default=0)
        )

    def _lay(self, rect: QRect, really: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for item in self.items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, line = rect.x(), y + line + self._down, 0
            if really:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self._across
            line = max(line, size.height())
        return y + line - rect.y()


class Controls(QWidget):
    """One widget an option, each with a quiet label; `changed` carries the option's name and value.

    A control with nothing to choose from hides.
    """

    changed = Signal(str, object)

    def __init__(self, across: int = 12) -> None:
        super().__init__()
        self._layout = Wrapped(self, across)
        self._boxes: dict[str, QWidget] = {}
        self.choices: dict[str, QComboBox] = {}
        self.indices: dict[str, QSpinBox] = {}
        self.ticks: dict[str, QCheckBox] = {}
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All lines are seen, however little room there is."""
        super().resizeEvent(event)
        self.setMinimumHeight(self._layout.heightForWidth(self.width()))

    def add_choice(self, name: str, label: str, width: int = 0, quiet: bool = False) -> None:
        """A list; a `quiet` one says what it is only to those who point at it."""
        combo = CalmList()
        combo.setObjectName(name)
        combo.setAccessibleName(label)
        combo.setToolTip(label[:1].upper() + label[1:] if quiet else "")
        combo.setFixedHeight(HEIGHT)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        if width:
            combo.setMaximumWidth(width)
        combo.activated.connect(self._chosen)
        self.choices[name] = combo
        self._add(name, "" if quiet else label, combo)

    def add_index(self, name: str, label: str) -> None:
        spin = CalmCount()
        spin.setObjectName(name)
        spin.setAccessibleName(label)
        spin.setFont(theme.number_font(11))
        spin.setFixedHeight(HEIGHT)
        spin.setKeyboardTracking(False)
        spin.setWrapping(True)
        spin.setMinimumWidth(52)
        spin.valueChanged.connect(self._turned)
        self.indices[name] = spin
        self._add(name, label, spin)

    def add_tick(self, name: str, label: str) -> None:
        box = QCheckBox(label)
        box.setObjectName(name)
        box.setFixedHeight(HEIGHT)
        box.toggled.connect(self._ticked)
        self.ticks[name] = box
        self._boxes[name] = box
        self._layout.addWidget(box)

    def add_labelled(self, name: str, label: str, widget: QWidget) -> None:
        """Any widget with a quiet label before it."""
        self._add(name, label, widget)

    def add_widget(self, widget: QWidget) -> None:
        self._layout.addWidget(widget)

    def show_choice(self, name: str, choices: Sequence[tuple[str, str]], chosen: str) -> None:
        """Values with the words for them, and which one it is."""
        combo = self.choices[name]
        if [(combo.itemData(i), combo.itemText(i)) for i in range(combo.count())] != list(choices):
            combo.clear()
            for value, words in choices:
                combo.addItem(words, value)
        combo.setCurrentIndex(max(combo.findData(chosen), 0))
        self._boxes[name].setVisible(len(choices) > 1)

    def show_index(self, name: str, label: str, size: int, value: int, least: int = 0) -> None:
        """An index from `least` to below `size`."""
        spin = self.indices[name]
        spin.blockSignals(True)
        spin.setRange(least, max(size - 1, least))
        spin.setValue(value)
        spin.blockSignals(False)
        caption = self._boxes[name].findChild(QLabel)
        assert isinstance(caption, QLabel)
        caption.setText(label)
        caption.setVisible(bool(label))
        spin.setToolTip(f"{least} … {max(size - 1, least)}")
        self._boxes[name].setVisible(size > 1)

    def show_tick(self, name: str, on: bool, offered: bool = True) -> None:
        box = self.ticks[name]
        box.blockSignals(True)
        box.setChecked(on)
        box.blockSignals(False)
        box.setVisible(offered)

    def hide_control(self, name: str) -> None:
        self._boxes[name].hide()

    def settle(self) -> None:
        """Takes no room when nothing is offered."""
        widgets = [item.widget() for item in self._layout.items]
        self.setVisible(any(w is not None and not w.isHidden() for w in widgets))
        self.setMinimumHeight(self._layout.heightForWidth(max(self.width(), 200)))
        self.updateGeometry()

    def _add(self, name: str, label: str, widget: QWidget) -> None:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        caption = QLabel(label)
        caption.setProperty("role", "muted")
        caption.setFont(theme.ui_font(11))
        row.addWidget(caption)
        caption.setHidden(not label)  # with a parent: else it would be a window of its own
        row.addWidget(widget)
        self._boxes[name] = box
        self._layout.addWidget(box)

    def _chosen(self) -> None:
        combo = self.sender()
        assert isinstance(combo, QComboBox)
        self.changed.emit(combo.objectName(), combo.currentData())

    def _turned(self, value: int) -> None:
        self.changed.emit(self.sender().objectName(), value)

    def _ticked(self, on: bool) -> None:
        self.changed.emit(self.sender().objectName(), int(on))
