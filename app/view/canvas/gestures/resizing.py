"""The gesture that makes a note or a frame larger or smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF

from app.actions.gestures import HOW
from app.text import tr
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.note_board import Sides
from app.view.canvas.places import snap
from engine.notes import TITLE, placed

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

SMALLEST = 48.0


class Resize(Gesture):
    """Moves one or two edges; what is in a frame stays where it is. One drag is one undo step."""

    how = (HOW["resize"],)

    def __init__(self, canvas: Canvas, start: Pointer, note_id: str, sides: Sides) -> None:
        super().__init__(canvas, start)
        self._note, self._sides = note_id, sides
        self._before = QRectF(canvas.board.notes.items[note_id].area())
        self._titled = canvas.board.notes.items[note_id].is_frame
        self._moving = False

    def move(self, pointer: Pointer) -> None:
        self._moving = self._moving or self.passed_threshold(pointer)
        if self._moving:
            self.canvas.board.notes.items[self._note].set_area(self._area(pointer))

    def _area(self, pointer: Pointer) -> QRectF:
        area, (across, down) = QRectF(self._before), self._sides
        by = pointer.scene - self.start.scene
        lowest = SMALLEST + (TITLE if self._titled else 0)
        if across < 0:
            area.setLeft(min(snap(area.left() + by.x()), area.right() - SMALLEST))
        elif across > 0:
            area.setRight(max(snap(area.right() + by.x()), area.left() + SMALLEST))
        if down < 0:
            area.setTop(min(snap(area.top() + by.y()), area.bottom() - lowest))
        elif down > 0:
            area.setBottom(max(snap(area.bottom() + by.y()), area.top() + lowest))
        return area

    def release(self, pointer: Pointer) -> None:
        area = self._area(pointer)
        if self._moving and area != self._before:
            rect = (area.x(), area.y(), area.width(), area.height())
            graph = self.canvas.session.graph
            if not self.canvas.attempt(placed(graph, self._note, rect), tr("Resize")):
                self.drop()
        else:
            self.drop()

    def drop(self) -> None:
        item = self.canvas.board.notes.items.get(self._note)
        note = self.canvas.session.graph.notes.get(self._note)
        if item is not None and note is not None:
            item.set_area(QRectF(note.x, note.y, note.width, note.height))
