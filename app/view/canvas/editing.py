"""The edits of the canvas: what its gestures, keys and the window's actions do to the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, QRectF, Signal
from PySide6.QtGui import QGuiApplication

from app.session import Session
from app.text import tr
from app.view.canvas import changes, clipboard
from app.view.canvas.board import Board
from app.view.canvas.face import WIDTH
from app.view.canvas.looking import Looking
from app.view.canvas.note_editing import NoteEditing
from app.view.canvas.overlays import Editor, Notice, Offer
from engine.edits import Edit, disconnect
from engine.graph import GraphError, Port
from engine.notes import move_all, remove_all


@dataclass(frozen=True)
class Asked:
    """Where in the scene a menu was asked, and the end of the wire it was asked on."""

    place: QPointF
    wire: Port | None


class Editing(Looking):
    """The half of the canvas that changes its document, through `session.do` only.

    `message` repeats what the notice says.
    `menu_asked` carries what a menu is asked on (node, wire, note or ground) and where on the screen;
    `asked` is kept until it is closed. `wire_clicked` tells the end of a wire that was clicked, None
    for a click on the ground.
    """

    message = Signal(str)
    menu_asked = Signal(str, QPoint)
    wire_clicked = Signal(object)

    def __init__(self, session: Session, board: Board) -> None:
        super().__init__(board)
        self.session = session
        self.editor, self.notice = Editor(self), Notice(self)
        self.notes = NoteEditing(self)
        self._pointer = QPointF()
        self.asked: Asked | None = None
        self._under: Port | None = None
        self._nudge = 0
        self._pasted = 0

    def attempt(
        self, edit: Edit | Callable[[], Edit], label: str, gesture: object | None = None
    ) -> bool:
        """Does an edit as one step; what refuses it is said at the pointer. Returns success."""
        try:
            self.session.do(edit() if callable(edit) else edit, label, gesture)
        except (ValueError, OSError) as error:
            self.say(str(error))
            return False
        return True

    def pointer_place(self) -> QPointF:
        """Where the pointer was last, in the scene."""
        return self.to_scene(self._pointer)

    def say(self, sentence: str, offer: Offer | None = None) -> None:
        """One sentence at the pointer, and as a signal; a press on it takes what is offered."""
        self.notice.say(sentence, self._pointer.toPoint(), offer)
        self.message.emit(sentence)

    def say_at(self, node_id: str, sentence: str) -> None:
        """One sentence at a node."""
        corner = self.board.nodes[node_id].body().bottomLeft()
        self._pointer = self.viewportTransform().map(corner)
        self.say(sentence)

    def delete_selection(self) -> None:
        """Removes what is selected, nodes with their wires; what stands in a frame stays."""
        if self.session.chosen:
            self.attempt(remove_all(self.session.graph, self.session.chosen), tr("Delete"))

    def select_all(self) -> None:
        self.session.select((*self.session.graph.nodes, *self.session.graph.notes))

    def copy(self) -> None:
        """Puts what is selected, and what is in its frames, on the clipboard: text and a picture."""
        if chosen := self._taken():
            self._pasted = 0
            data = clipboard.copied(self.session, self.board.theme, chosen)
            QGuiApplication.clipboard().setMimeData(data)

    def cut(self) -> None:
        self.copy()
        if chosen := self._taken():
            self.attempt(remove_all(self.session.graph, chosen), tr("Cut"))

    def _taken(self) -> list[str]:
        return self.board.notes.with_carried(self.session.chosen)

    def paste(self, scene_pos: QPointF | None = None, with_inputs: bool = False) -> None:
        """Adds the nodes, or the program, on the clipboard and selects them; where a menu asked.

        With inputs they read what the nodes read that were copied, if it is still here.
        """
        self._pasted += 1
        middle = self.place_under_pointer() or self.centre()
        asked = self.asked.place if self.asked else middle + QPointF(24, 24) * (self._pasted - 1)
        place = asked if scene_pos is None else scene_pos
        held: QMimeData | None = QGuiApplication.clipboard().mimeData()  # none once it is cleared
        data, session = held or QMimeData(), self.session
        remark = ""
        reads: clipboard.Reads = {}
        if with_inputs:
            try:
                reads, count = clipboard.reads(data, session)
                gone = count - len(reads)
                remark = tr(f"{gone} of the inputs are gone; the others are wired") if gone else ""
            except GraphError as error:
                remark = str(error)
        done = self._insert(
            lambda: changes.pasted(
                session.graph,
                clipboard.taken(data),
                (place.x(), place.y()),
                reads,
                same=clipboard.is_from(data, session),
            ),
            tr("Paste with inputs") if reads else tr("Paste"),
        )
        if done and remark:
            self.say(remark)

    def paste_with_inputs(self) -> None:
        self.paste(with_inputs=True)

    def duplicate(self) -> None:
        """Copies of what is selected and in its frames; nodes read what those read."""
        if chosen := self._taken():
            self._insert(
                lambda: changes.duplicated(self.session.graph, chosen, (24, 24)), tr("Duplicate")
            )

    @property
    def pointed_wire(self) -> Port | None:
        """The end of the wire that a menu was asked on, else of the one under the pointer."""
        key = self.asked.wire if self.asked else self._under
        return key if key in self.session.graph.links else None

    @property
    def pointed_place(self) -> QPointF:
        """Where in the scene a menu was asked, else where the pointer is."""
        return self.asked.place if self.asked else self.to_scene(self._pointer)

    def remove_wire(self) -> None:
        """Removes the wire pointed at."""
        if (key := self.pointed_wire) is not None:
            self.attempt(disconnect(*key), tr("Disconnect"))

    def _insert(self, build: Callable[[], tuple[Edit, list[str]]], label: str) -> bool:
        made: list[str] = []

        def edit() -> Edit:
            result, ids = build()
            made.extend(ids)
            return result

        done = self.attempt(edit, label)
        if done:
            self.session.select(made)
        return done

    def nudge_selection(self, dx: float, dy: float) -> None:
        """Moves the selection; steps that follow each other are one undo step."""
        if chosen := self.session.chosen:
            places = changes.nudged(self.session.graph, self._taken(), (dx, dy))
            self.attempt(
                move_all(self.session.graph, places), tr("Move"), ("nudge", self._nudge, chosen)
            )

    def open_node(self, node_id: str) -> bool:
        """What Enter and a double click do: a module is looked into, a value edited."""
        return self.session.enter(node_id) or self.edit_value(node_id)

    def open_selected(self) -> None:
        """What Enter does: opens the first selected node, else the note."""
        chosen = self.session.selection
        if chosen:
            self.open_node(chosen[0])
        else:
            self.notes.edit_selected()

    def rename_selected(self) -> None:
        """Opens the editor on a node's name, else on a note or a frame's title."""
        chosen = self.session.selection
        if chosen:
            self.rename_node(chosen[0])
        else:
            self.notes.edit_selected()

    def edit_selected_value(self) -> None:
        """Opens the editor on the number the selected node holds."""
        for node_id in self.session.selection[:1]:
            self.edit_value(node_id)

    def edit_value(self, node_id: str) -> bool:
        """Opens the editor on a source's value or on the number in a formula."""
        graph = self.session.graph
        text = changes.value_text(graph, node_id)
        if text is None:
            return False
        body = self.board.nodes[node_id].body()
        row = QRectF(body.left() + 8, body.top() + 29, WIDTH - 14, 24)
        self._open_editor(
            row, text, f"{tr('value of')} {graph.name(node_id)}",
            lambda new: self._edited(text, new, node_id, changes.valued, tr("Set value")),
        )  # fmt: skip
        return True

    def rename_node(self, node_id: str) -> None:
        """Opens the editor on a node's name."""
        name = self.session.graph.name(node_id)
        body = self.board.nodes[node_id].body()
        row = QRectF(body.left() + 8, body.top() + 2, WIDTH - 14, 25)
        self._open_editor(
            row, name, f"{tr('name of')} {name}",
            lambda new: self._edited(name, new, node_id, changes.renamed, tr("Rename")),
        )  # fmt: skip

    def _edited(
        self, old: str, new: str, node_id: str, build: Callable[..., Edit], label: str
    ) -> bool:
        if new.strip() in ("", old.strip()) or node_id not in self.session.graph.nodes:
            return True
        return self.attempt(lambda: build(self.session.graph, node_id, new), label)

    def _open_editor(
        self, row: QRectF, text: str, title: str, commit: Callable[[str], bool]
    ) -> None:
        place = self.mapFromScene(row).boundingRect()
        width, height = max(place.width(), 110), max(min(place.height(), 44), 24)
        centre = place.center()
        box = QRect(centre.x() - width // 2, centre.y() - height // 2, width, height)
        if len(text) > 16:
            box.setWidth(min(360, width + 8 * (len(text) - 16)))
        self._pointer = QPointF(box.bottomLeft())
        self.editor.begin(box, text, title, commit)

    def _end_nudge(self) -> None:
        """The next arrow key starts an undo step of its own."""
        self._nudge += 1
