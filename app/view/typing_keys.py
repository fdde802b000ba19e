"""Which keys someone who is typing keeps, and which go on to the window's commands."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

_Standard = QKeySequence.StandardKey
_EDITING = (
    _Standard.Copy, _Standard.Cut, _Standard.Paste, _Standard.Undo, _Standard.Redo,
    _Standard.SelectAll, _Standard.MoveToNextWord, _Standard.MoveToPreviousWord,
    _Standard.SelectNextWord, _Standard.SelectPreviousWord, _Standard.DeleteStartOfWord,
    _Standard.DeleteEndOfWord, _Standard.MoveToStartOfDocument, _Standard.MoveToEndOfDocument,
    _Standard.SelectStartOfDocument, _Standard.SelectEndOfDocument,
)  # fmt: skip


def keeps(event: QKeyEvent) -> bool:
    """Letters, signs, arrows and what edits text are for the text; Ctrl+S, F1 and the like are not."""
    if any(event.matches(key) for key in _EDITING):
        return True
    commands = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
    if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return True
    if event.modifiers() & commands:
        return False
    return not Qt.Key.Key_F1 <= event.key() <= Qt.Key.Key_F35
