"""What people do to the places of nodes: arrange, line up, spread."""

from __future__ import annotations

from app.text import tr
from app.view.canvas.editing import Editing
from engine import aligning
from engine.aligning import Places
from engine.edits import move
from engine.layout import arrange


class Arranging:
    """Acts on the selection of a canvas, or on all nodes; each call is one undo step."""

    def __init__(self, canvas: Editing) -> None:
        self._canvas = canvas

    def arrange(self) -> None:
        """Lays out the selection where it stands, or the whole graph, which is then in view."""
        canvas, session = self._canvas, self._canvas.session
        chosen = list(session.selection) if len(session.selection) > 1 else None
        areas = canvas.board.areas()
        sizes = {n: (w, h) for n, (_, _, w, h) in areas.items()}
        self._place(arrange(session.graph, chosen, sizes), tr("Arrange nodes"))
        if chosen is None:
            canvas.fit()

    def align(self, side: str) -> None:
        """The selected nodes stand at one of `engine.aligning.SIDES` of the rectangle around them."""
        areas = self._canvas.board.areas(self._canvas.session.selection)
        if len(areas) > 1:
            self._place(aligning.align(areas, side), tr("Align nodes"))

    def distribute(self, axis: int) -> None:
        """Equal gaps between the selected nodes, across (0) or down (1)."""
        areas = self._canvas.board.areas(self._canvas.session.selection)
        if len(areas) > 2:
            self._place(aligning.distribute(areas, axis), tr("Distribute nodes"))

    def _place(self, places: Places, label: str) -> None:
        graph = self._canvas.session.graph
        moved = {n: p for n, p in places.items() if p != (graph.nodes[n].x, graph.nodes[n].y)}
        if moved:
            self._canvas.attempt(move(graph, moved), label)
