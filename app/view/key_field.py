"""A button that takes the next keys pressed, and keys that stay with the field typed in."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QWidget,
)

from app.text import tr

_HELD = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)
_Held = Qt.KeyboardModifier


def key_text(event: QKeyEvent) -> str:
    """The combination pressed in portable text; nothing while only Shift and the like are held."""
    key, held = event.key(), event.modifiers()
    if key in (*_HELD, Qt.Key.Key_unknown, 0):
        return ""
    held &= ~(_Held.KeypadModifier | _Held.GroupSwitchModifier)
    sign = event.text()[:1]
    if sign and sign.isprintable() and not sign.isalnum() and not sign.isspace():
        held &= ~_Held.ShiftModifier  # Shift only reaches the sign: Ctrl++ is Ctrl and =, shifted
    return QKeySequence(key | held.value).toString(QKeySequence.SequenceFormat.PortableText)


class KeyField(QPushButton):
    """Shows a key; pressed, it takes the next combination and tells it by `taken`. Esc gives up."""

    taken = Signal(str)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.key = ""
        self.waiting = False
        self._title = title
        self.setAutoDefault(False)
        self.setMinimumSize(150, 30)
        self.clicked.connect(self.wait)
        self.show_key("")

    def show_key(self, key: str) -> None:
        """What the field shows while it does not wait."""
        self.key, self.waiting = key, False
        self.setText(key or tr("Add a key"))
        self.setProperty("primary", False)
        self.setAccessibleName(f"{self._title}: {key or tr('none')}")
        self._polish()

    def wait(self) -> None:
        """Takes the next keys."""
        self.waiting = True
        self.setText(tr("Press the keys…"))
        self.setProperty("primary", True)
        self._polish()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _polish(self) -> None:
        self.style().unpolish(self)
        self.style().polish(self)

    def event(self, event: QEvent) -> bool:
        if self.waiting and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress:
                self._press(event)
            event.accept()
            return True
        return super().event(event)

    def _press(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.show_key(self.key)
        elif key := key_text(event):
            self.show_key(self.key)
            self.taken.emit(key)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.waiting:
            self.show_key(self.key)


_MOVING = (
    Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Left,
    Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter,
    Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
)  # fmt: skip


def means_text(event: QKeyEvent) -> bool:
    """A letter, or a key that moves in a text; with Ctrl or Alt it is a command."""
    held = event.modifiers()
    control, alt = bool(held & _Held.ControlModifier), bool(held & _Held.AltModifier)
    sign = event.text()[:1]
    if sign and sign.isprintable() and control == alt:  # both together are AltGr
        return not held & _Held.MetaModifier
    return event.key() in _MOVING and not (control or alt or held & _Held.MetaModifier)


def means_command(event: QKeyEvent) -> bool:
    """What a line of text would take to move to its end or to cut there, as few people know: nobody
    gives up the formula bar and the commands for it."""
    return (
        event.key() in (Qt.Key.Key_E, Qt.Key.Key_K) and event.modifiers() == _Held.ControlModifier
    )


def is_typed_in(widget: QWidget | None) -> bool:
    """A field that a person types text or numbers into."""
    if isinstance(widget, QLineEdit | QAbstractSpinBox | QPlainTextEdit | QTextEdit):
        return not widget.isReadOnly()
    return isinstance(widget, QComboBox) and widget.isEditable()


class TextKeys(QObject):
    """Keeps keys that mean text with the field typed in, whatever commands they are given to.

    It watches only the field that has the keyboard: a filter of every event would be dear.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._moved)

    def _moved(self, before: QWidget | None, now: QWidget | None) -> None:
        if before is not None:
            before.removeEventFilter(self)
        if now is not None and is_typed_in(now):
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if means_text(event):
                event.accept()
                return True
            if means_command(event):
                event.ignore()
                return True
        return False
