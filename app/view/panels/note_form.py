"""What the inspector shows of a note or a frame: its text and its colour."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.text import tr
from app.view import theme
from app.view.canvas.note_item import paper, tint
from app.view.typing_keys import keeps
from engine.graph import Note
from engine.records import COLOURS

SWATCH = 24
_CONTROL = Qt.KeyboardModifier.ControlModifier


class _Text(QPlainTextEdit):
    """Several lines, or one of a title, taken with Ctrl+Enter (a title with Enter) or when the
    keyboard goes elsewhere."""

    committed = Signal(str)

    def __init__(self, text: str, one_line: bool) -> None:
        super().__init__(text)
        self._ends = Qt.KeyboardModifier.NoModifier if one_line else _CONTROL

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & _CONTROL == self._ends & _CONTROL:
            self.committed.emit(self.toPlainText())
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and keeps(event):
            event.accept()
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.committed.emit(self.toPlainText())


class NoteForm(QWidget):
    """Of one note. `written` carries its id and a text, `coloured` a name of COLOURS."""

    written = Signal(str, str)
    coloured = Signal(str)

    def __init__(self, note: Note) -> None:
        super().__init__()
        self._note = note
        is_frame = note.kind == "frame"
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        head = QLabel(tr("Frame") if is_frame else tr("Note"))
        head.setFont(theme.ui_font(15, 600))
        self.text = _Text(note.text, is_frame)
        self.text.setAccessibleName(
            tr("Title of the frame") if is_frame else tr("Text of the note")
        )
        self.text.setPlaceholderText(tr("Title") if is_frame else tr("Text, **bold**, $formula$"))
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(36 if is_frame else 96)
        self.text.committed.connect(self._written)
        column.addWidget(head)
        column.addWidget(self.text)
        column.addLayout(self._swatches())
        hint = (
            tr("Dragged by its title, a frame carries what lies wholly in it.")
            if is_frame
            else tr("Words between ** are bold, a line after # is a heading, $ holds a formula.")
        )
        words = QLabel(hint)
        words.setWordWrap(True)
        words.setProperty("role", "muted")
        column.addWidget(words)

    def _swatches(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        label = QLabel(tr("colour"))
        label.setProperty("role", "muted")
        label.setFont(theme.ui_font(11))
        label.setFixedWidth(64)
        row.addWidget(label)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        tokens = theme.current()
        for colour in COLOURS:
            button = QToolButton()
            button.setCheckable(True)
            button.setFixedSize(SWATCH, SWATCH)
            button.setAccessibleName(tr(colour.capitalize()) if colour else tr("No colour"))
            button.setToolTip(button.accessibleName())
            fill = tint(tokens, colour) if colour else paper(tokens, "")
            button.setStyleSheet(
                f"QToolButton {{ background: {fill.name()}; padding: 0;"
                f" border: 1px solid {tokens.border.name()}; border-radius: {SWATCH // 2}px; }}"
                f"QToolButton:checked {{ border: 3px solid {tokens.text.name()}; }}"
                f"QToolButton:focus {{ border: 2px solid {tokens.accent.name()}; }}"
                f"QToolButton:checked:focus {{ border: 3px solid {tokens.accent.name()}; }}"
            )
            button.setProperty("colour", colour)
            self._group.addButton(button)
            self.buttons[colour] = button
            row.addWidget(button)
        self.buttons[self._note.colour].setChecked(True)
        self._group.buttonClicked.connect(self._coloured)
        row.addStretch(1)
        return row

    def show_note(self, note: Note) -> None:
        """Shows what the document says now, unless a person is typing."""
        typing = self.text.hasFocus() and self.text.toPlainText() != self._note.text
        self._note = note
        if not typing and self.text.toPlainText() != note.text:
            self.text.setPlainText(note.text)
        self.buttons[note.colour].setChecked(True)

    def _written(self, text: str) -> None:
        if text != self._note.text:
            self.written.emit(self._note.id, text)

    def _coloured(self, button: QToolButton) -> None:
        self.coloured.emit(str(button.property("colour")))
