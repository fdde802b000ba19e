"""New nodes on the canvas: dragged in, placed with the pointer, added where a wire was let go."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QMouseEvent,
)

from app import candidates, drawers, usage
from app.session import Session
from app.text import tr
from app.view import settings
from app.view.canvas import changes
from app.view.canvas.board import Board
from app.view.canvas.face import HEIGHT, WIDTH
from app.view.canvas.gestures.gesture import Pointer
from app.view.canvas.keys import Keys
from engine.aligning import beside, make_room
from engine.compose import compose_edit
from engine.edits import Edit, batch, move
from engine.graph import Port

MIME = "application/x-gradloom-op"
End = tuple[str, str | None]
"""An end of a wire: a node by id and its port, None for its result."""


class Adding(Keys):
    """The part of the canvas that adds nodes.

    `search_requested` asks for an operator at a scene place, and at the end of the wire that was let
    go there, if one was.
    """

    search_requested = Signal(QPointF, object)
    view_asked = Signal(str, str)

    def __init__(self, session: Session, board: Board) -> None:
        super().__init__(session, board)
        self._dragged = ""

    def add_operator(
        self, op_name: str, scene_pos: QPointF | None = None, end: End | None = None
    ) -> str | None:
        """Adds a node, its middle at a scene place (a free one in view unless given); its id.

        On a wire the node is inserted. At the `end` of a wire that was let go, it is wired to it.
        """
        if scene_pos is None and end is None:
            return self._seen(self._add(op_name, self._free_place()))
        place = self._free_place() if scene_pos is None else scene_pos
        if end is not None and end[0] in self.session.graph.nodes:
            shift = QPointF(64 if end[1] is None else -64, 0)
            return self._add(op_name, place + shift, end=end)
        taken = None if scene_pos is None else self.wire_to_take(op_name, place)
        return self._add(op_name, place, wire=taken)

    def add_beside(self, op_name: str, node_id: str) -> str | None:
        """Adds a node beside another one, wired to it where it fits; its id."""
        end = self.end_beside(op_name, node_id)
        return self._seen(self._add(op_name, self.place_beside(node_id, end), end=end))

    def _seen(self, made: str | None) -> str | None:
        """A new node that was not put anywhere by hand is wholly in view."""
        if made is not None:
            self.show_node(made)
        return made

    def end_beside(self, op_name: str, node_id: str) -> End:
        """Where a new node would be wired to a node: at the result that it reads, or, a source, at
        the first port that is empty."""
        graph = self.session.graph
        row = drawers.row_of(self.session.modules, op_name)
        if row is None or not row.is_source:
            return node_id, None
        taken = {p for n, p in graph.links if n == node_id} | graph.nodes[node_id].literals.keys()
        return node_id, next((p for p in graph.ports(node_id) if p not in taken), None)

    def _add(
        self,
        op_name: str,
        place: QPointF,
        end: End | None = None,
        wire: Port | None = None,
    ) -> str | None:
        graph, at, own = self.session.graph, self.board.middle_of(place), self.session.modules
        if wire is not None and end is None:
            source = self.board.areas([graph.links[wire]])[graph.links[wire]]
            at = beside(source, (*at, WIDTH, HEIGHT))
        made: list[str] = []

        def build() -> Edit:
            if end is not None:
                port = self.port_for(op_name, end[0]) if end[1] is None else None
                edit, node_id = changes.added_at_end(graph, op_name, at, end, own, port)
            else:
                port = self.port_for(op_name, graph.links[wire]) if wire is not None else None
                edit, node_id = changes.added(graph, op_name, at, wire, own, port)
                if wire is not None:
                    areas = self.board.areas()
                    room = make_room(graph, areas, (*at, WIDTH, HEIGHT), wire[0])
                    edit = batch(edit, move(graph, room))
            made.append(node_id)
            return edit

        if not self.attempt(build, f"{tr('Add')} {op_name}"):
            return None
        for link in self.session.graph.links_of(made[0]):
            self.learn((link.target, link.port))
        self.session.select(made)
        return made[0]

    def port_for(self, op_name: str, source: str) -> str | None:
        """The port at which a new node would read another one: of those that take its value the one
        most often used for it. None where it fits nowhere."""
        session = self.session
        row = drawers.row_of(session.modules, op_name) or session.graph.row(op_name)
        if row is None:
            return None
        read = session.graph.op(source)
        spec = session.evaluation.specs.get(source)
        ports = candidates.ports_for(row, spec, read.definition is not None)
        used = usage.Usage(settings.connections()).ports(read.name, row.name)
        return max(ports, key=lambda p: used[row.inputs[0] if row.variadic else p], default=None)

    def wire_to_take(self, op_name: str, place: QPointF) -> Port | None:
        """The wire at a scene place that a new node would be put on; its end."""
        wire = self.board.wire_at(place, self.reach(10))
        fits = wire is not None and self.port_for(op_name, wire.source) is not None
        return wire.key if wire is not None and fits else None

    def place_beside(self, node_id: str, end: End) -> QPointF:
        """The middle of a free place behind a node, or before it where it is to be fed."""
        body = self.board.nodes[node_id].body()
        away = body.width() / 2 + 64 + WIDTH / 2
        place = body.center() + QPointF(away if end[1] is None else -away, 0)
        while self.board.nodes_in(QRectF(place.x() - 70, place.y() - 44, 140, 88)):
            place.setY(place.y() + 24)
        return place

    def learn(self, end: Port) -> None:
        """Remembers that these operators are wired so."""
        graph = self.session.graph
        settings.count_connection(usage.pair(graph, graph.links[end], *end))

    def add_formula(self, text: str, place: QPointF) -> bool:
        """Adds a program's nodes, the first at a scene place, and selects them."""
        at = self.board.middle_of(place)
        modules = drawers.callable_modules(self.session.modules)
        return self._insert(
            lambda: compose_edit(self.session.graph, text, at, modules=modules),
            tr("Type a formula"),
        )

    def search_for(self, place: QPointF, end: End) -> None:
        """Asks for an operator at the end of a wire: (node id, its port, or None for its output)."""
        self.search_requested.emit(place, end)

    def _free_place(self) -> QPointF:
        """In the middle of the view or right of the nodes there, where wires will go; below them where
        the view ends."""
        start = place = self.centre()
        end = self.to_scene(QPointF(self.viewport().width(), 0)).x() - WIDTH / 2
        for _ in range(80):
            body = QRectF(place.x() - 128, place.y() - 44, 256, 88)
            if not self.board.nodes_in(body):
                break
            place += QPointF(24, 0)
            if place.x() > end:
                place = QPointF(start.x(), place.y() + 96)
        return place

    # ------------------------------------------------------------ placed with the pointer

    def _at(self, event: QMouseEvent) -> Pointer:
        self._pointer = event.position()
        return Pointer(event.position(), self.to_scene(event.position()), event.modifiers())

    def _click_floating(self, event: QMouseEvent) -> None:
        """A click places what floats, one with the right button gives it up."""
        pointer = self._at(event)
        if event.button() == Qt.MouseButton.LeftButton:
            gesture, self._gesture = self._gesture, None
            if gesture is not None:
                gesture.release(pointer)
        elif event.button() == Qt.MouseButton.RightButton:
            self._escape_gesture()

    # ------------------------------------------------------------ drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._take_drag(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._take_drag(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._autopan.stop()
        self.board.hover(None, None)

    def _take_drag(self, event: QDragMoveEvent) -> None:
        if event.mimeData().hasFormat(MIME):
            self._pointer = event.position()
            self._dragged = _name(event)
            self._drag_again()
            self._autopan.follow(self._pointer, self._drag_again, armed=False)
            event.acceptProposedAction()
        else:
            event.ignore()

    def _drag_again(self) -> None:
        """Lights the wire that what is dragged in would be put on."""
        place = self.to_scene(self._pointer)
        self.board.hover(None, self.wire_to_take(self._dragged, place), onto=True)

    def dropEvent(self, event: QDropEvent) -> None:
        self._autopan.stop()
        self.board.hover(None, None)
        if not event.mimeData().hasFormat(MIME):
            event.ignore()
            return
        self._pointer, self._pending = event.position(), None
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.add_operator(_name(event), self.to_scene(event.position()))
        event.acceptProposedAction()


def _name(event: QDropEvent) -> str:
    """The operator that is dragged in."""
    return bytes(event.mimeData().data(MIME).data()).decode("utf-8", "replace")
