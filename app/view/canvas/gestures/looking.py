"""Gestures that change what is seen or selected: panning, a band."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsRectItem

from app.actions.gestures import HOW
from app.view.canvas.gestures.gesture import Gesture, Pointer

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas


class Pan(Gesture):
    """Moves the view with the mouse."""

    pans_at_edges = False

    how = (HOW["pan"],)

    def __init__(self, canvas: Canvas, start: Pointer) -> None:
        super().__init__(canvas, start)
        self._last = start.view
        canvas.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def move(self, pointer: Pointer) -> None:
        delta = pointer.view - self._last
        self._last = pointer.view
        self.canvas.pan(delta.x(), delta.y())

    def release(self, pointer: Pointer) -> None:
        self.canvas.viewport().unsetCursor()

    def drop(self) -> None:
        self.canvas.viewport().unsetCursor()


class Band(Gesture):
    """A rectangle that selects what it touches; a click on nothing selects nothing, on a wire it tells
    which."""

    how = (HOW["band"], HOW["wire_steps"])

    def __init__(self, canvas: Canvas, start: Pointer) -> None:
        super().__init__(canvas, start)
        self._before = canvas.session.chosen
        self._item: QGraphicsRectItem | None = None

    def move(self, pointer: Pointer) -> None:
        if self._item is None:
            if not self.passed_threshold(pointer):
                return
            accent = QColor(self.canvas.theme.accent)
            self._item = QGraphicsRectItem()
            pen = QPen(accent, 1)
            pen.setCosmetic(True)
            self._item.setPen(pen)
            accent.setAlphaF(0.12)
            self._item.setBrush(accent)
            self._item.setZValue(9)
            self.canvas.board.addItem(self._item)
        area = QRectF(self.start.scene, pointer.scene).normalized()
        self._item.setRect(area)
        board = self.canvas.board
        inside = (*board.nodes_in(area), *board.notes.in_band(area))
        kept = self._before if self.start.adds else ()
        self.canvas.session.select(dict.fromkeys((*kept, *inside)))

    def release(self, pointer: Pointer) -> None:
        if self._item is None and not self.start.adds:
            self.canvas.session.select(())
            wire = self.canvas.board.wire_at(pointer.scene, self.canvas.reach(6))
            self.canvas.wire_clicked.emit(wire.key if wire else None)
        self.drop()

    def cancel(self) -> None:
        self.canvas.session.select(self._before)
        self.drop()

    def drop(self) -> None:
        if self._item is not None:
            self.canvas.board.removeItem(self._item)
            self._item = None
