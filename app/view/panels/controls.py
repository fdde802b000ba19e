"""The right control for each kind of option, and what a person's text in it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QWidget

from app.view import theme
from app.view.calm import CalmList
from engine.ops.row import REQUIRED, Option


class Field(QLineEdit):
    """A line whose text is taken on Enter or when it loses the keyboard, if it was changed.

    Esc gives the change up and the keyboard back to the window.
    """

    committed = Signal(str)

    def __init__(self, text: str = "", mono: bool = True) -> None:
        super().__init__(text)
        self._before = text
        if mono:
            self.setFont(theme.number_font(12))
        self.returnPressed.connect(self._commit)

    def show_text(self, text: str) -> None:
        """Shows what the document says, unless a person is typing."""
        self._before = text
        if not (self.hasFocus() and self.isModified()):
            self.setText(text)
            self.setCursorPosition(0)

    def restore(self) -> None:
        """Back to what the document says."""
        self.setText(self._before)
        self.setModified(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._commit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.restore()
            self.window().setFocus(Qt.FocusReason.OtherFocusReason)
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Esc is this line's own while it has the keyboard, whatever the window's shortcuts say.
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
        return super().event(event)

    def _commit(self) -> None:
        if self.isModified() and self.text() != self._before:
            self.setModified(False)
            self.committed.emit(self.text())


class OptionControl(QWidget):
    """One option. `changed` carries (name, value); `refused` a sentence."""

    changed = Signal(str, object)
    refused = Signal(str)

    def __init__(self, option: Option, value: Any, named: Mapping[str, str] | None = None) -> None:
        """`named` gives the values to choose from, each with the words shown for it."""
        super().__init__()
        self.option = option
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.widget: QCheckBox | QComboBox | Field
        if option.kind == "bool":
            self.widget = QCheckBox()
            self.widget.toggled.connect(self._toggled)
        elif named is not None:
            self.widget = CalmList()
            for value_there, words in named.items():
                self.widget.addItem(words, value_there)
            self.widget.activated.connect(self._picked)
        elif option.choices:
            self.widget = CalmList()
            self.widget.addItems(list(option.choices))
            self.widget.textActivated.connect(self._chosen)
        else:
            self.widget = Field()
            self.widget.committed.connect(self._typed)
        self.widget.setToolTip(option.doc)
        self.widget.setAccessibleName(option.name)
        layout.addWidget(self.widget, 1)
        self.show_value(value)

    def show_value(self, value: Any) -> None:
        self.widget.blockSignals(True)
        if isinstance(self.widget, QCheckBox):
            self.widget.setChecked(bool(value))
        elif isinstance(self.widget, QComboBox):
            place = self.widget.findData(value)
            self.widget.setCurrentIndex(place if place >= 0 else self.widget.findText(str(value)))
        else:
            self.widget.show_text(option_text(value))
        self.widget.blockSignals(False)

    def _toggled(self, on: bool) -> None:
        self.changed.emit(self.option.name, on)

    def _picked(self, place: int) -> None:
        assert isinstance(self.widget, QComboBox)
        self.changed.emit(self.option.name, self.widget.itemData(place))

    def _chosen(self, text: str) -> None:
        self.changed.emit(self.option.name, text)

    def _typed(self, text: str) -> None:
        try:
            self.changed.emit(self.option.name, parse_option(self.option, text))
        except ValueError as error:
            self.refused.emit(str(error))
            if isinstance(self.widget, Field):
                self.widget.restore()


def option_text(value: Any) -> str:
    if value is REQUIRED:
        return ""
    if value is None:
        return "all"
    if isinstance(value, tuple):
        return "(" + ", ".join(str(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def parse_option(option: Option, text: str) -> Any:
    """The value that typed text means. Raises ValueError with a sentence."""
    words = text.strip().replace("−", "-")
    if option.kind == "text" or (option.kind == "count" and words[:1].isalpha()):
        return words
    if option.kind == "axis" and words.lower() in ("", "all", "none"):
        return None
    try:
        if option.kind == "float":
            return float(words)
        if option.kind in ("int", "count") or (option.kind == "axis" and "," not in words):
            return int(words.strip("()"))
    except ValueError:
        kind = "number" if option.kind == "float" else "whole number"
        raise ValueError(f"{option.name} is a {kind}, not {words!r}") from None
    parts = [part.strip() for part in words.strip("()[] ").split(",")]
    return tuple(_size(option, part) for part in parts if part)


def _size(option: Option, part: str) -> int | str:
    if part.lstrip("-").isdigit():
        return int(part)
    if option.kind == "shape" and part.isidentifier():
        return part
    raise ValueError(f"{option.name} is a list such as (2, 3), not {part!r}")
