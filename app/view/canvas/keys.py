"""The keys of the canvas: those that are no actions, and gestures that keys make."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence

from app.session import Session
from app.view.canvas.autopan import AutoPan
from app.view.canvas.banner import Banner
from app.view.canvas.board import Board
from app.view.canvas.editing import Editing
from app.view.canvas.focus import Focus
from app.view.canvas.gestures import HELD, Gesture
from app.view.canvas.keyboard import ARROWS, KeyWire
from app.view.canvas.ring import Ring
from app.view.what_if import WhatIf

_PAGES = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class Keys(Editing):
    """The canvas as far as it hears the keyboard. Most keys are actions and never come here.

    `typed` carries a letter or a sign that the canvas has no use for, its key with Shift as it was
    pressed, and without.
    """

    typed = Signal(str, QKeySequence, QKeySequence)

    _gesture: Gesture | None = None  # here already: events come while a view is made

    def __init__(self, session: Session, board: Board) -> None:
        super().__init__(session, board)
        self.banner, self.ring = Banner(self), Ring(self)
        self.focus_lens = Focus(self)
        self.what_if = WhatIf(session, self)
        self.what_if.refused.connect(self.say)
        self.what_if.changed.connect(self._tell_what_if)
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

    def arrived(self) -> None:
        """The view rests: what stands at places of the view is put there."""
        super().arrived()
        if self._gesture is not None and self._gesture.takes_keys:
            self._gesture.move(self._gesture.start)

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
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self._escape()
        elif key in HELD and not event.modifiers():
            if not event.isAutoRepeat():
                self._held, shape = HELD[Qt.Key(key)]
                self.viewport().setCursor(shape)
        elif key in ARROWS and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if not self._is_free:
                return
            shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            across, down = ARROWS[Qt.Key(key)]
            size = 24 if shifted else 4
            self.nudge_selection(across * size, down * size)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._floats:
            gesture, self._gesture = self._gesture, None
            if gesture is not None:
                gesture.finish()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.session.chosen:
            if self._is_free:
                self.open_selected()
        elif key in _PAGES:  # actions have them; Qt would scroll the graph out of sight
            self.what_if.tell_why_not()
        elif self._is_free and _types(event):
            pressed = QKeySequence(event.keyCombination())
            self.typed.emit(event.text(), pressed, QKeySequence(event.key()))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in HELD and not event.isAutoRepeat():
            self._held = ""
            self.viewport().unsetCursor()
        elif event.key() in ARROWS and not event.isAutoRepeat():
            self._end_nudge()
        super().keyReleaseEvent(event)

    def _escape(self) -> None:
        """Gives up a gesture, else the focus, else what is tried out, else the selection, else goes out
        of the module looked into."""
        self.notice.hide()
        if self._gesture is not None:
            self._escape_gesture()
        elif self.focus_lens.leave() or self.what_if.leave() or self.session.marks.leave():
            pass
        elif self.session.chosen:
            self.session.select(())
        else:
            self.session.leave()

    def _tell_what_if(self) -> None:
        self.banner.tell("what if", self.what_if.sentence)

    @property
    def _is_held(self) -> bool:
        """A gesture goes on as long as a button is held."""
        return self._gesture is not None and not (self._gesture.takes_keys or self._gesture.floats)

    @property
    def _is_free(self) -> bool:
        """No button is held on a gesture."""
        return not self._is_held

    @property
    def _floats(self) -> bool:
        return self._gesture is not None and self._gesture.floats

    def _escape_gesture(self) -> None:
        if (gesture := self._let_go()) is not None:
            gesture.cancel()

    def _drop_gesture(self) -> None:
        """The document is another one by now, unless the gesture made it so."""
        if self.what_if.editing:
            return
        if (gesture := self._let_go()) is not None:
            gesture.drop()

    def _let_go(self) -> Gesture | None:
        gesture, self._gesture = self._gesture, None
        self._autopan.stop()
        return gesture

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.ring.came(event.reason())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.ring.hide()
        away = event.reason() != Qt.FocusReason.ActiveWindowFocusReason
        if away and self._gesture is not None and self._gesture.takes_keys:
            self._escape_gesture()
        self._held = ""
        self.viewport().unsetCursor()
        self._end_nudge()


def _types(event: QKeyEvent) -> bool:
    """The key types a letter or a sign."""
    held = Qt.KeyboardModifier
    commands = held.ControlModifier | held.AltModifier | held.MetaModifier
    return (
        event.text().isprintable()
        and bool(event.text().strip())
        and not event.modifiers() & commands
    )
