"""What the mouse does on the canvas, one class a gesture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.view.canvas.face import PORT_REACH
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.gestures.looking import Band, Pan
from app.view.canvas.gestures.moving import Move
from app.view.canvas.gestures.wiring import Wire

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

__all__ = ["Gesture", "Pointer", "begin"]


def begin(canvas: Canvas, pointer: Pointer, button: Qt.MouseButton, pan: bool) -> Gesture | None:
    """The gesture that a press starts, or None."""
    if button == Qt.MouseButton.MiddleButton or (pan and button == Qt.MouseButton.LeftButton):
        return Pan(canvas, pointer)
    if button != Qt.MouseButton.LeftButton:
        return None
    board = canvas.board
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
    return Band(canvas, pointer)
