"""The edits of notes and frames on the canvas: added, written, coloured, fitted, resized."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt

from app.text import tr
from app.view.canvas.note_editor import NoteEditor
from app.view.canvas.note_item import NoteItem, paper, title_scale
from app.view.canvas.note_text import SIZE
from app.view.canvas.places import snap
from app.view.theme import ui_font
from engine.edits import Edit, batch
from engine.notes import add_note, around, carried, change_note, placed

if TYPE_CHECKING:
    from app.view.canvas.editing import Editing

_EMPTY_FRAME = (320.0, 200.0)
_CURSORS = {
    (1, 0): Qt.CursorShape.SizeHorCursor,
    (0, 1): Qt.CursorShape.SizeVerCursor,
    (1, 1): Qt.CursorShape.SizeFDiagCursor,
    (1, -1): Qt.CursorShape.SizeBDiagCursor,
}


class NoteEditing:
    """What the commands on notes do, through `session.do` only."""

    def __init__(self, canvas: Editing) -> None:
        self._canvas = canvas
        self.editor = NoteEditor(canvas)
        self._points = False  # the pointer has the shape of an edge

    # ------------------------------------------------------------ what is selected

    @property
    def frames(self) -> list[str]:
        """The selected frames."""
        session = self._canvas.session
        return [n for n in session.notes_selected if session.graph.notes[n].kind == "frame"]

    @property
    def _items(self) -> dict[str, NoteItem]:
        return self._canvas.board.notes.items

    # ------------------------------------------------------------ adding

    def add(self) -> None:
        """A note where the pointer or the asked menu is, else in the middle, ready to be written."""
        canvas = self._canvas
        if canvas.asked is not None:
            place = canvas.asked.place
        elif canvas.viewport().underMouse():
            place = canvas.pointer_place()
        else:
            place = canvas.centre()
        self._add("note", (snap(place.x()), snap(place.y()), 200.0, 96.0), tr("Add note"))

    def frame(self) -> None:
        """A frame around what is selected, else an empty one in the middle; its title is asked."""
        canvas = self._canvas
        chosen = canvas.board.notes.with_carried(canvas.session.chosen)
        if chosen:
            areas = canvas.board.notes.areas()
            area = around(areas[n] for n in chosen)
        else:
            width, height = _EMPTY_FRAME
            centre = canvas.asked.place if canvas.asked else canvas.centre()
            area = snap(centre.x() - width / 2), snap(centre.y() - height / 2), width, height
        self._add("frame", area, tr("Add frame"))

    def _add(self, kind: str, area: tuple[float, float, float, float], label: str) -> None:
        canvas = self._canvas
        x, y, width, height = area
        edit, note_id = add_note(
            canvas.session.graph, kind=kind, x=x, y=y, width=width, height=height
        )
        added = object()
        if canvas.attempt(edit, label, added):
            canvas.session.select((note_id,))
            self.edit(note_id, label, added)

    # ------------------------------------------------------------ changing

    def colour(self, name: str) -> None:
        """Gives the selected notes and frames a colour, or none."""
        graph, chosen = self._canvas.session.graph, self._canvas.session.notes_selected
        edits = [
            change_note(graph, n, colour=name) for n in chosen if graph.notes[n].colour != name
        ]
        if edits:
            self._canvas.attempt(batch(*edits), tr("Colour"))

    def fit(self) -> None:
        """Selected frames stand closely around what is in them, notes around their text."""
        session, areas = self._canvas.session, self._canvas.board.notes.areas()
        edits: list[Edit] = []
        for note_id in session.notes_selected:
            note = session.graph.notes[note_id]
            area = areas[note_id]
            if note.kind == "note":
                fitted = (*area[:3], self._high_enough(note_id, note.text))
            else:
                held = carried(session.graph, note_id, areas)
                fitted = around(areas[n] for n in held) if held else area
            if fitted != area:
                edits.append(placed(session.graph, note_id, fitted))
        if edits:
            self._canvas.attempt(batch(*edits), tr("Fit"))

    def select_inside(self) -> None:
        """Selects the nodes that lie in the selected frames."""
        canvas = self._canvas
        held = canvas.board.notes.with_carried(self.frames)
        canvas.session.select(n for n in held if n in canvas.session.graph.nodes)

    def change_text(self, note_id: str, text: str, label: str = "", gesture: object = None) -> bool:
        """Another text or title; a note grows when it needs more room."""
        session = self._canvas.session
        note = session.graph.notes.get(note_id)
        if note is None or text == note.text:
            return True
        edit = change_note(session.graph, note_id, text=text)
        if note.kind == "note":
            height = max(note.height, self._high_enough(note_id, text))
            edit = change_note(session.graph, note_id, text=text, height=height)
        return self._canvas.attempt(edit, label or tr("Edit text"), gesture)

    def _high_enough(self, note_id: str, text: str) -> float:
        return -snap(-self._items[note_id].text_height(text) - 2)

    # ------------------------------------------------------------ writing

    def edit_selected(self) -> bool:
        """Opens the editor of the note or the title selected last."""
        chosen = self._canvas.session.notes_selected
        if chosen:
            self.edit(chosen[-1])
        return bool(chosen)

    def edit(self, note_id: str, label: str = "", gesture: object = None) -> None:
        """Opens the editor on a note, or on a frame's title; what is typed is one step."""
        item = self._items[note_id]
        if item.is_frame:
            self._edit_title(item, label, gesture)
        else:
            self._edit_note(item, label, gesture)

    def _edit_note(self, item: NoteItem, label: str, gesture: object) -> None:
        canvas = self._canvas
        self._show(item)
        box = canvas.mapFromScene(item.area()).boundingRect()
        width, height = max(box.width(), 180), max(box.height(), 72)
        centre = box.center()
        place = QRect(centre.x() - width // 2, centre.y() - height // 2, width, height)
        self.editor.begin(
            place.intersected(canvas.viewport().rect().adjusted(4, 4, -4, -4)),
            item.note.text,
            min(max(SIZE * canvas.zoom, 11), 26),
            canvas.board.theme,
            paper(canvas.board.theme, item.note.colour),
            lambda text: self.change_text(item.note_id, text, label, gesture),
        )

    def _edit_title(self, item: NoteItem, label: str, gesture: object) -> None:
        canvas, zoom = self._canvas, self._canvas.zoom
        self._show(item)
        strip = item.title(zoom)
        row = QRectF(strip.left() + 4 / zoom, strip.top(), strip.width() - 8 / zoom, strip.height())
        place = canvas.mapFromScene(row).boundingRect()
        height = max(26, min(place.height(), 44))
        box = QRect(
            place.x(), place.center().y() - height // 2, max(120, min(place.width(), 420)), height
        )
        canvas.editor.begin(
            box, item.note.text, tr("Title of the frame"),
            lambda text: self.change_text(item.note_id, text.strip(), label, gesture),
        )  # fmt: skip
        canvas.editor.setFont(ui_font(max(12, SIZE * title_scale(zoom) * zoom), 600))

    def _show(self, item: NoteItem) -> None:
        """Where the text begins is in view before it is written."""
        canvas = self._canvas
        if not canvas.seen().contains(item.pos()):
            canvas.look(item.area().center(), canvas.zoom)

    # ------------------------------------------------------------ looking

    def hover(self, place: QPointF) -> None:
        """The pointer's shape over the edges of what is selected."""
        canvas = self._canvas
        hit = canvas.board.notes.handle_at(place, canvas.zoom)
        if hit is not None and canvas.board.node_at(place) is None:
            across, down = hit[1]
            turned = (
                (-across, -down) if across < 0 or (across == 0 and down < 0) else (across, down)
            )
            canvas.viewport().setCursor(_CURSORS[turned])
            self._points = True
        elif self._points:
            canvas.viewport().unsetCursor()
            self._points = False
