"""What a gesture of the mouse is, and where the pointer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from app.actions.gestures import How

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

_ADD = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse is, in the view and in the scene, and which keys are held."""

    view: QPointF
    scene: QPointF
    modifiers: Qt.KeyboardModifier

    @property
    def adds(self) -> bool:
        """Shift or Control: the selection is extended."""
        return bool(self.modifiers & _ADD)


class Gesture:
    """Between a press and its release. `cancel` (Esc) leaves everything as it was.

    A change of the document, or another place looked at, ends a gesture: it is dropped.

    `how` says on the page of shortcuts what it does and how it is made: rows of `HOW`.
    One that `pans_at_edges` goes on while the view moves under the pointer. One that `takes_keys` is
    begun and ended by keys. One that `floats` goes on without a pressed button, until a click
    (`release`) or Enter (`finish`).
    """

    how: ClassVar[tuple[How, ...]]
    pans_at_edges: ClassVar[bool] = True
    takes_keys: ClassVar[bool] = False
    floats: ClassVar[bool] = False

    def __init__(self, canvas: Canvas, start: Pointer) -> None:
        self.canvas = canvas
        self.start = start

    def move(self, pointer: Pointer) -> None:
        """The mouse moved with the button down."""

    def key(self, event: QKeyEvent) -> bool:
        """A key that a gesture of keys may take."""
        return False

    def release(self, pointer: Pointer) -> None:
        """The button was let go."""

    def finish(self) -> None:
        """Enter, in one that floats."""

    def cancel(self) -> None:
        """Esc, or the mouse was let go where nobody saw it."""
        self.drop()

    def drop(self) -> None:
        """What it drew goes, and what it moved is where the document has it now. The document may be
        another one than it began in."""

    def passed_threshold(self, pointer: Pointer) -> bool:
        distance = (pointer.view - self.start.view).manhattanLength()
        return bool(distance >= QApplication.startDragDistance())
