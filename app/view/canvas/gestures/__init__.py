"""What the mouse does on the canvas, one class a gesture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.view.canvas.face import PORT_REACH
from app.view.canvas.gestures.cutting import Cut
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.gestures.looking import Band, Pan
from app.view.canvas.gestures.moving import Move, TakeOut
from app.view.canvas.gestures.placing import Placing
from app.view.canvas.gestures.resizing import Resize
from app.view.canvas.gestures.scrubbing import handle_at, scrub
from app.view.canvas.gestures.wiring import Wire

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

__all__ = ["HELD", "Gesture", "Placing", "Pointer", "begin", "handle_at", "scrubs"]

HELD = {
    Qt.Key.Key_Space: ("pan", Qt.CursorShape.OpenHandCursor),
    Qt.Key.Key_X: ("cut", Qt.CursorShape.CrossCursor),
    Qt.Key.Key_V: ("scrub", Qt.CursorShape.SizeHorCursor),
}
"""Keys that while they are held make another gesture of a drag, and their pointers."""
_CONTROL = Qt.KeyboardModifier.ControlModifier
_ALT = Qt.KeyboardModifier.AltModifier


def scrubs(modifiers: Qt.KeyboardModifier, held: str) -> bool:
    """Whether a number is tried out: Alt or V is held."""
    return held == "scrub" or bool(modifiers & _ALT)


def begin(canvas: Canvas, pointer: Pointer, button: Qt.MouseButton, held: str) -> Gesture | None:
    """The gesture that a press starts, or None; `held` is a name of HELD, or empty."""
    if button == Qt.MouseButton.MiddleButton or (
        held == "pan" and button == Qt.MouseButton.LeftButton
    ):
        return Pan(canvas, pointer)
    if button == Qt.MouseButton.RightButton and pointer.modifiers & _CONTROL:
        return Cut(canvas, pointer)
    if button != Qt.MouseButton.LeftButton:
        return None
    board = canvas.board
    if held == "cut":
        item = board.node_at(pointer.scene)
        return TakeOut(canvas, pointer, item.node_id) if item else Cut(canvas, pointer)
    if scrubs(pointer.modifiers, held) and board.node_at(pointer.scene) is not None:
        return scrub(canvas, pointer)
    hit = board.port_at(pointer.scene, canvas.reach(PORT_REACH))
    if hit is not None:
        node_id, port = hit
        if port is None:
            return Wire(canvas, pointer, source=node_id)
        key = (node_id, port.name)
        if port.linked:
            return Wire(canvas, pointer, source=canvas.session.graph.links[key], taken=key)
        return Wire(canvas, pointer, end=key)
    item = board.node_at(pointer.scene)
    if item is not None:
        return Move(canvas, pointer, item.node_id)
    handle = board.notes.handle_at(pointer.scene, canvas.zoom)
    if handle is not None and not pointer.adds:
        return Resize(canvas, pointer, *handle)
    note = board.notes.at(pointer.scene, canvas.zoom)
    if note is not None:
        return Move(canvas, pointer, note.note_id)
    return Band(canvas, pointer)
