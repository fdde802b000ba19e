"""The gesture that moves nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from app.actions.gestures import HOW
from app.text import tr
from app.view.canvas.board import snap
from app.view.canvas.gestures.gesture import Gesture, Pointer
from engine.edits import move

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas


class Move(Gesture):
    """Selects, and past the threshold moves the selection; one drag is one undo step."""

    how = (HOW["select"], HOW["move"])

    def __init__(self, canvas: Canvas, start: Pointer, node_id: str) -> None:
        super().__init__(canvas, start)
        self._node = node_id
        self._moving = False
        chosen = canvas.session.selection
        self._was_chosen = node_id in chosen
        if start.adds and self._was_chosen:
            canvas.session.select(n for n in chosen if n != node_id)
        elif start.adds:
            canvas.session.select((*chosen, node_id))
        elif not self._was_chosen:
            canvas.session.select((node_id,))
        self._from: dict[str, QPointF] = {}

    def move(self, pointer: Pointer) -> None:
        if not self._moving:
            if not self.passed_threshold(pointer) or not self.canvas.session.selection:
                return
            self._moving = True
            nodes = self.canvas.session.graph.nodes
            self._from = {n: QPointF(nodes[n].x, nodes[n].y) for n in self.canvas.session.selection}
            self.canvas.board.set_thin(True)
        self.canvas.place_soon(self._places(pointer))

    @property
    def uses(self) -> set[str]:
        return set(self._from)

    def _places(self, pointer: Pointer) -> dict[str, QPointF]:
        delta = pointer.scene - self.start.scene
        lead = next(iter(self._from.values()))
        step = QPointF(snap(lead.x() + delta.x()) - lead.x(), snap(lead.y() + delta.y()) - lead.y())
        return {n: place + step for n, place in self._from.items()}

    def release(self, pointer: Pointer) -> None:
        canvas = self.canvas
        if not self._moving:
            if self._was_chosen and not self.start.adds:
                canvas.session.select((self._node,))
            return
        places = self._places(pointer)
        canvas.place_now(places)
        canvas.board.set_thin(False)
        if places != self._from:
            graph = canvas.session.graph
            edit = move(graph, {n: (p.x(), p.y()) for n, p in places.items()})
            canvas.attempt(edit, tr("Move"))

    def cancel(self) -> None:
        if self._moving:
            self.canvas.place_now(self._from)
            self.canvas.board.set_thin(False)
