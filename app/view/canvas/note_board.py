"""The notes and frames of the board: one item each, kept in step with the document by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from app.view.canvas.note_item import HANDLES_FROM, NoteItem, NoteLook
from app.view.theme import Theme
from engine.notes import Area, carried

if TYPE_CHECKING:
    from app.view.canvas.board import Board

Sides = tuple[int, int]
"""Which sides a handle moves: -1 the left or the upper one, 1 the right or the lower one, 0 none."""
_CORNER, _EDGE = 8.0, 5.0


class NoteBoard:
    """Items by id on a board, which calls this when it follows the document."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.items: dict[str, NoteItem] = {}
        self._selected: set[str] = set()

    def reset(self) -> None:
        for item in self.items.values():
            self._board.removeItem(item)
        self.items.clear()

    def synchronize(self) -> dict[str, QPointF]:
        """Follows the document; says where notes stood that it has moved."""
        notes = self._board.session.graph.notes
        moved: dict[str, QPointF] = {}
        for note_id in [n for n in self.items if n not in notes]:
            self._board.removeItem(self.items.pop(note_id))
        for note_id, note in notes.items():
            item = self.items.get(note_id)
            if item is None:
                item = self.items[note_id] = NoteItem(note, self._board.theme)
                self._board.addItem(item)
            elif item.note is not note:
                if item.pos() != QPointF(note.x, note.y):
                    moved[note_id] = item.pos()
                item.set_note(note)
        return moved

    def move(self, places: Mapping[str, QPointF]) -> None:
        """Puts items where a gesture or an animation wants them."""
        for note_id in self.items.keys() & places.keys():
            self.items[note_id].setPos(places[note_id])

    def show_selection(self) -> None:
        notes, chosen = self._board.session.notes_selected, self._board.session.chosen
        now = {n: NoteLook(True, len(chosen) == 1) for n in notes if n in self.items}
        for note_id in (self._selected - now.keys()) & self.items.keys():
            self.items[note_id].set_look(NoteLook())
        for note_id, look in now.items():
            self.items[note_id].set_look(look)
        self._selected = set(now)

    def set_theme(self, theme: Theme) -> None:
        for item in self.items.values():
            item.set_theme(theme)

    # ------------------------------------------------------------ what is there

    def at(self, place: QPointF, zoom: float) -> NoteItem | None:
        """The uppermost note, or frame by its title or its border, at a scene place."""
        found = [item for item in self.items.values() if item.part_at(place, zoom) is not None]
        return max(found, key=lambda item: item.zValue(), default=None)

    def handle_at(self, place: QPointF, zoom: float) -> tuple[str, Sides] | None:
        """The edge or the corner of the one that is selected alone, and which sides it moves."""
        for note_id, item in self.items.items() if zoom >= HANDLES_FROM else ():
            if item.look.handles:
                sides = _sides(item.outline(zoom), place, zoom)
                return (note_id, sides) if sides is not None else None
        return None

    def in_band(self, area: QRectF) -> list[str]:
        """Notes that an area touches, and frames that lie wholly in it."""
        return [
            n
            for n, i in self.items.items()
            if (area.contains(i.area()) if i.is_frame else area.intersects(i.area()))
        ]

    def areas(self) -> dict[str, Area]:
        """Of everything on the board, by id."""
        notes = {n: item.area() for n, item in self.items.items()}
        found = {n: (r.x(), r.y(), r.width(), r.height()) for n, r in notes.items()}
        return {**self._board.areas(), **found}

    def with_carried(self, ids: Iterable[str]) -> list[str]:
        """The ids, and all that lies wholly in frames among them."""
        graph, wanted = self._board.session.graph, list(ids)
        frames = [n for n in wanted if n in graph.notes and graph.notes[n].kind == "frame"]
        if frames:
            areas = self.areas()
            wanted += [key for frame in frames for key in carried(graph, frame, areas)]
        return list(dict.fromkeys(wanted))


def _sides(area: QRectF, place: QPointF, zoom: float) -> Sides | None:
    scale = min(zoom, 1.0)
    corner, edge = _CORNER / scale, _EDGE / scale
    if not area.adjusted(-corner, -corner, corner, corner).contains(place):
        return None
    near = [
        (abs(place.x() - area.left()), abs(place.x() - area.right())),
        (abs(place.y() - area.top()), abs(place.y() - area.bottom())),
    ]
    reached = [_side(pair, corner) for pair in near]
    if 0 not in reached:
        return reached[0], reached[1]
    across, down = (_side(pair, edge) for pair in near)
    return (across, down) if (across, down) != (0, 0) else None


def _side(pair: tuple[float, float], reach: float) -> int:
    if min(pair) > reach:
        return 0
    return -1 if pair[0] <= pair[1] else 1
