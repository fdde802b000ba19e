"""The canvas: nodes, wires and the gestures that edit them."""

from app.view.canvas.view import Canvas

__all__ = ["Canvas"]
