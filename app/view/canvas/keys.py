"""The keys of the canvas: those that are no actions, and gestures that keys make."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence

from app.session import Session
from app.view.canvas.autopan import AutoPan
from app.view.canvas.banner import Banner
from app.view.canvas.board import Board
from app.view.canvas.editing import Editing
from app.view.canvas.focus import Focus
from app.view.canvas.gestures import HELD, Gesture
from app.view.canvas.keyboard import ARROWS, KeyWire

_WRITES = (Qt.Key.Key_F2, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Keys(Editing):
    """The canvas as far as it hears the keyboard. Most keys are actions and never come here."""

    _gesture: Gesture | None = None  # here already: events come while a view is made

    def __init__(self, session: Session, board: Board) -> None:
        super().__init__(session, board)
        self.banner = Banner(self)
        self.focus_lens = Focus(self)
        self._autopan = AutoPan(self)
        self._held = ""

    def take_keys(self, gesture: KeyWire | None) -> None:
        """A gesture of keys begins, or ends without having done anything."""
        self._escape_gesture()
        self._gesture = gesture
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def finish_keys(self) -> None:
        """The gesture of keys does what it is about."""
        gesture, self._gesture = self._gesture, None
        if isinstance(gesture, KeyWire):
            gesture.connect()

    def event(self, event: QEvent) -> bool:
        """Keys that a gesture takes are no shortcuts."""
        gesture = self._gesture
        if gesture is not None and gesture.takes_keys and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
            if event.type() == QEvent.Type.ShortcutOverride and plain:
                event.accept()
                return True
            # Tab would else leave the canvas before it is a key.
            if event.type() == QEvent.Type.KeyPress and gesture.key(event):
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, chosen = event.key(), self.session.selection
        if key == Qt.Key.Key_Escape:
            self._escape()
        elif key in HELD and not event.modifiers():
            if not event.isAutoRepeat():
                self._held, shape = HELD[Qt.Key(key)]
                self.viewport().setCursor(shape)
        elif key in ARROWS and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            across, down = ARROWS[Qt.Key(key)]
            size = 24 if shifted else 4
            self.nudge_selection(across * size, down * size)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_selection()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
        elif key in _WRITES and not chosen and self.notes.edit_selected():
            pass
        elif key == Qt.Key.Key_F2 and chosen:
            self.rename_node(chosen[0])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and chosen:
            self.open_node(chosen[0])
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in HELD and not event.isAutoRepeat():
            self._held = ""
            self.viewport().unsetCursor()
        elif event.key() in ARROWS and not event.isAutoRepeat():
            self._end_nudge()
        super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from node to node, then from note to note, and behind the last leaves the canvas."""
        order = [*self.session.graph.order(), *self.session.graph.notes]
        chosen = self.session.chosen
        at = order.index(chosen[-1]) if chosen and chosen[-1] in order else None
        following = (
            (0 if forward else len(order) - 1) if at is None else at + (1 if forward else -1)
        )
        if 0 <= following < len(order):
            self.session.select((order[following],))
            self.show_node(order[following])
            return True
        self.session.select(())
        return super().focusNextPrevChild(forward)

    def _escape(self) -> None:
        """Gives up a gesture, else the focus, else the selection, else goes out of the module looked into."""
        self.notice.hide()
        if self._gesture is not None:
            self._escape_gesture()
        elif self.focus_lens.leave():
            pass
        elif self.session.chosen:
            self.session.select(())
        else:
            self.session.leave()

    def _escape_gesture(self) -> None:
        gesture, self._gesture = self._gesture, None
        self._autopan.stop()
        if gesture is not None:
            gesture.cancel()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._held = ""
        self.viewport().unsetCursor()
        self._end_nudge()
