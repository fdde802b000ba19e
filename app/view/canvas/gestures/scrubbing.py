"""The gesture that tries out a number: dragged to the side it grows or shrinks, and what follows shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt

from app.actions.gestures import HOW, How
from app.text import pretty_name, tr
from app.view.canvas.drawing import VALUE_BOX
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.picture import entry_at
from engine.what_if import Handle

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

PIXELS = 6.0
"""So far a drag goes for one step."""
_FINE = Qt.KeyboardModifier.ShiftModifier


class Scrub(Gesture):
    """Moves one number; one drag is one undo step."""

    how: ClassVar[tuple[How, ...]] = (HOW["what_if"],)
    pans_at_edges: ClassVar[bool] = False

    def __init__(self, canvas: Canvas, start: Pointer) -> None:
        super().__init__(canvas, start)
        self._at = start.view.x()
        canvas.viewport().setCursor(Qt.CursorShape.SizeHorCursor)

    def move(self, pointer: Pointer) -> None:
        by, self._at = pointer.view.x() - self._at, pointer.view.x()
        self.canvas.what_if.by(by / PIXELS, bool(pointer.modifiers & _FINE))

    def release(self, pointer: Pointer) -> None:
        self.canvas.viewport().unsetCursor()
        self.canvas.what_if.end()

    def cancel(self) -> None:
        self.canvas.viewport().unsetCursor()
        self.canvas.what_if.cancel()

    def drop(self) -> None:
        self.canvas.viewport().unsetCursor()


def handle_at(canvas: Canvas, place: QPointF) -> Handle | None:
    """The number of the node there: in a tensor's picture the entry that is pointed at."""
    item = canvas.board.node_at(place)
    if item is None:
        return None
    handle = canvas.what_if.handle_of(item.node_id)
    array = item.face.value_array
    if handle is not None and not handle.port and array is not None and array.ndim:
        box = QRectF(VALUE_BOX).translated(item.body().topLeft())
        entry = entry_at(array, box, place)
        if entry is not None:
            return Handle(item.node_id, "", entry)
    if handle is None:
        name = pretty_name(canvas.session.graph.name(item.node_id))
        canvas.say(tr("{name} is computed: try out a value that it depends on").format(name=name))
    return handle


def scrub(canvas: Canvas, pointer: Pointer) -> Gesture | None:
    """The gesture on the node that is pointed at; None, with a sentence, where there is no number."""
    handle = handle_at(canvas, pointer.scene)
    if handle is None or not canvas.what_if.begin(handle):
        return None
    canvas.session.select((handle.node,))
    return Scrub(canvas, pointer)
