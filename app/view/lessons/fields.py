"""Fields of the lesson editor: texts that are taken as they are typed, and names that are listed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QComboBox, QCompleter, QLabel, QPlainTextEdit

from app.view import theme
from app.view.calm import CalmList
from app.view.typing_keys import keeps

PAUSE_MS = 250


class Words(QPlainTextEdit):
    """A text of several lines; `written` tells it when a person pauses, or goes elsewhere."""

    written = Signal(str)

    def __init__(self, name: str, lines: int, hint: str = "") -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setTabChangesFocus(True)
        self.setFont(theme.ui_font(13))
        self._height = lines * 20 + 16
        self.setMinimumHeight(self._height)
        self._told = ""
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.take)
        self.textChanged.connect(self._pause.start)

    def sizeHint(self) -> QSize:
        return QSize(200, self._height)

    def show_text(self, text: str) -> None:
        """Shows what the document says, unless that is what was typed."""
        if text != self._told or (text != self.toPlainText() and not self.hasFocus()):
            self._told = text
            self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(False)
            self._pause.stop()

    def take(self) -> None:
        """Tells what was typed, if that is new."""
        self._pause.stop()
        text = self.toPlainText()
        if text != self._told:
            self._told = text
            self.written.emit(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.take()

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and keeps(event):
            event.accept()
        return super().event(event)


class Choice(CalmList):
    """A list of values, each with the words for it; `taken` carries a value."""

    taken = Signal(object)

    def __init__(self, name: str, values: Sequence[tuple[object, str]]) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.show_values(values)
        self.activated.connect(self._activated)

    def show_values(self, values: Sequence[tuple[object, str]]) -> None:
        now = self.currentData()
        self.clear()
        for value, words in values:
            self.addItem(words, value)
        self.show_value(now)

    def show_value(self, value: object) -> None:
        self.setCurrentIndex(self.findData(value))

    def _activated(self, place: int) -> None:
        self.taken.emit(self.itemData(place))


class Named(QComboBox):
    """A name that is typed or taken from a list. `committed` carries it."""

    committed = Signal(str)

    def __init__(self, name: str, names: Sequence[str], hint: str = "") -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setAccessibleName(name)
        self.addItems(list(names))
        line = self.lineEdit()
        assert line is not None
        line.setPlaceholderText(hint)
        finder = QCompleter(list(names), self)
        finder.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompleter(finder)
        self._told = ""
        line.editingFinished.connect(self._finished)
        self.activated.connect(self._finished)
        self.show_text("")

    def show_text(self, text: str) -> None:
        self._told = text
        self.setEditText(text)

    def _finished(self) -> None:
        text = self.currentText().strip()
        if text != self._told:
            self._told = text
            self.committed.emit(text)


def label(text: str) -> QLabel:
    """What a field is called, above it."""
    made = QLabel(text)
    made.setProperty("role", "muted")
    made.setFont(theme.ui_font(11))
    return made
