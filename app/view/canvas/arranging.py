"""What people do to the places of nodes and notes: arrange, line up, spread."""

from __future__ import annotations

from app.text import tr
from app.view.canvas.editing import Editing
from engine import aligning
from engine.aligning import Area, Places
from engine.notes import arranged, move_all, place_of


class Arranging:
    """Acts on the selection of a canvas, or on all nodes; each call is one undo step."""

    def __init__(self, canvas: Editing) -> None:
        self._canvas = canvas

    def arrange(self) -> None:
        """Lays out the selection where it stands, or the whole graph, which is then in view."""
        canvas, session = self._canvas, self._canvas.session
        chosen = list(session.selection) if len(session.selection) > 1 else None
        edit = arranged(session.graph, chosen, canvas.board.notes.areas())
        if edit is not None:
            canvas.attempt(edit, tr("Arrange nodes"))
        if chosen is None:
            canvas.fit()

    def align(self, side: str) -> None:
        """The selected nodes stand at one of `engine.aligning.SIDES` of the rectangle around them."""
        areas = self._units()
        if len(areas) > 1:
            self._place(aligning.align(areas, side), tr("Align nodes"))

    def distribute(self, axis: int) -> None:
        """Equal gaps between the selected nodes, across (0) or down (1)."""
        areas = self._units()
        if len(areas) > 2:
            self._place(aligning.distribute(areas, axis), tr("Distribute nodes"))

    def _units(self) -> dict[str, Area]:
        """What is selected; what lies in a selected frame goes with it."""
        notes, chosen = self._canvas.board.notes, self._canvas.session.chosen
        inside = {key for n in chosen for key in notes.with_carried([n]) if key != n}
        areas = notes.areas()
        return {n: areas[n] for n in chosen if n not in inside}

    def _place(self, places: Places, label: str) -> None:
        graph, notes = self._canvas.session.graph, self._canvas.board.notes
        moved: Places = {}
        for key, (x, y) in places.items():
            was = place_of(graph, key)
            # Sums of floats end in digits that nobody sees and that are not the same twice.
            by = round(x - was[0], 3), round(y - was[1], 3)
            for held in notes.with_carried([key]) if by != (0, 0) else ():
                at = place_of(graph, held)
                moved[held] = round(at[0] + by[0], 3), round(at[1] + by[1], 3)
        if moved:
            self._canvas.attempt(move_all(graph, moved), label)
