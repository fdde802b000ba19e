"""The editor over a note: several lines; Ctrl+Enter or a click elsewhere takes them, Esc gives up."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from app.text import tr
from app.view.theme import Theme, ui_font
from app.view.typing_keys import keeps


class NoteEditor(QPlainTextEdit):
    """One for the canvas; it stands over the note that is written."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._commit: Callable[[str], object] | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Text of the note"))
        self.setToolTip(tr("**bold**, # heading, $formula$; Ctrl+Enter takes it, Esc gives up"))
        self.hide()

    @property
    def is_open(self) -> bool:
        return self._commit is not None

    def begin(
        self,
        place: QRect,
        text: str,
        size: float,
        theme: Theme,
        fill: QColor,
        commit: Callable[[str], object],
    ) -> None:
        """Writes over a place of the view, in letters of `size` pixels."""
        self.setStyleSheet(
            f"QPlainTextEdit {{ background: {fill.name()}; color: {theme.text.name()};"
            f" border: 2px solid {theme.accent.name()}; border-radius: 6px; padding: 4px 6px; }}"
        )
        self.setFont(ui_font(size))
        self.setPlainText(text)
        self.setGeometry(place)
        self._commit = commit
        self.show()
        self.raise_()
        self.moveCursor(QTextCursor.MoveOperation.End)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def take(self) -> None:
        """Hands the text over and closes."""
        commit = self._commit
        self.give_up()
        if commit is not None:
            commit(self.toPlainText())

    def give_up(self) -> None:
        """Closes and gives the keyboard back."""
        if self._commit is None:
            return
        self._commit = None
        parent = self.parentWidget()
        if self.hasFocus() and parent is not None:
            # First, or hiding would move it on like Tab, which selects what is next.
            parent.setFocus(Qt.FocusReason.OtherFocusReason)
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            self.give_up()
        elif enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.take()
        else:
            super().keyPressEvent(event)
        # A key that the text does not use must not act on the canvas under it.
        event.accept()

    def event(self, event: QEvent) -> bool:
        # Keys typed here are text, whatever the window's shortcuts say.
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and keeps(event):
            event.accept()
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event)
        event.accept()  # the view does not move under what is written

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its own menu
            self.take()
