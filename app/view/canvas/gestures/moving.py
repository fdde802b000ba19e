"""The gestures that move nodes, notes and frames: about, onto a wire, out of their wires."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF

from app.actions.gestures import HOW, How
from app.text import tr
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.places import snap
from engine.aligning import beside, make_room
from engine.edits import Edit, batch, move
from engine.graph import Port
from engine.notes import move_all, place_of
from engine.rewiring import free_ports, put_on_wire, taken_out

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

Places = dict[str, QPointF]
STRAIGHT = 7.0
"""A wire that would rise or fall by less is made straight."""


class Move(Gesture):
    """Selects, and past the threshold moves the selection; one drag is one undo step.

    A single node that feeds nothing yet goes onto the wire it is let go on; what is behind it there
    makes room. Wires to nodes that stay snap to straight.
    """

    how: ClassVar[tuple[How, ...]] = (HOW["select"], HOW["move"], HOW["move_onto"])

    def __init__(self, canvas: Canvas, start: Pointer, key: str) -> None:
        super().__init__(canvas, start)
        self._key = key
        self._moving = False
        chosen = canvas.session.chosen
        self._was_chosen = key in chosen
        if start.adds and self._was_chosen:
            canvas.session.select(n for n in chosen if n != key)
        elif start.adds:
            canvas.session.select((*chosen, key))
        elif not self._was_chosen:
            canvas.session.select((key,))
        self._from: Places = {}
        self._slopes: list[float] = []
        self._onto: Port | None = None
        self._insertable = False

    def move(self, pointer: Pointer) -> None:
        if not self._moving:
            if not self.passed_threshold(pointer) or not self.canvas.session.chosen:
                return
            self._moving = True
            self._begin()
            self.canvas.board.set_thin(True)
        places = self._places(pointer)
        self.canvas.place_soon(places)
        self._aim(places)

    def _begin(self) -> None:
        """What moves, how its wires slope, and whether it may go onto a wire."""
        session, board = self.canvas.session, self.canvas.board
        graph = session.graph
        first = [self._key] if self._key in session.chosen else []  # it goes by the grid
        moving = board.notes.with_carried([*first, *session.chosen])
        self._from = {n: QPointF(*place_of(graph, n)) for n in moving}
        # A frame goes by the grid, whatever its wires.
        wired = self._from.keys() & graph.nodes.keys() if self._key in graph.nodes else ()
        self._slopes = [
            board.nodes[source].output_at().y() - board.nodes[target].port_at(port).y()
            if target in self._from
            else board.nodes[target].port_at(port).y() - board.nodes[source].output_at().y()
            for n in wired
            for source, target, port in (
                (k.source, k.target, k.port) for k in graph.links_of(n)
            )
            if (source in self._from) != (target in self._from)
        ]  # fmt: skip
        only = next(iter(self._from)) if len(self._from) == 1 else None
        self._insertable = (
            only in graph.nodes
            and not graph.structure.out_degree(only)
            and bool(free_ports(graph, only))
        )

    def _places(self, pointer: Pointer) -> Places:
        delta = pointer.scene - self.start.scene
        lead = next(iter(self._from.values()))
        across = snap(lead.x() + delta.x()) - lead.x()
        down = snap(lead.y() + delta.y()) - lead.y()
        straight = min(self._slopes, key=lambda s: abs(s - delta.y()), default=down)
        if abs(straight - delta.y()) < STRAIGHT:
            down = straight
        return {n: place + QPointF(across, down) for n, place in self._from.items()}

    def _aim(self, places: Places) -> None:
        """The wire that the node would go onto is lit."""
        if not self._insertable:
            return
        ((node_id, place),) = places.items()
        board = self.canvas.board
        body = board.nodes[node_id].face.body.translated(place)
        wire = board.wire_under(body, node_id)
        self._onto = wire.key if wire is not None else None
        board.hover(node_id, self._onto, onto=True)

    def release(self, pointer: Pointer) -> None:
        canvas = self.canvas
        if not self._moving:
            if self._was_chosen and not self.start.adds:
                canvas.session.select((self._key,))
            return
        places = self._places(pointer)
        self._aim(places)
        canvas.place_now(places)
        changed = places != self._from or self._onto is not None
        if not changed or not canvas.attempt(lambda: self._edit(places), self._label()):
            self._go_home()
        self._unlight()

    def _label(self) -> str:
        return tr("Move") if self._onto is None else tr("Put on wire")

    def _edit(self, places: Places) -> Edit:
        graph = self.canvas.session.graph
        moved = move_all(graph, {n: (p.x(), p.y()) for n, p in places.items()})
        if self._onto is None:
            return moved
        ((node_id, place),) = places.items()
        areas = self.canvas.board.areas()
        size = areas[node_id][2:]
        at = beside(areas[graph.links[self._onto]], (place.x(), place.y(), *size))
        room = make_room(graph, areas, (*at, *size), self._onto[0])
        return batch(
            put_on_wire(graph, node_id, self._onto),
            move_all(graph, {node_id: at}),
            move(graph, room),
        )

    def drop(self) -> None:
        if self._moving:
            self._go_home()
            self._unlight()

    def _go_home(self) -> None:
        """To where the document has the nodes now, those that are still there."""
        graph = self.canvas.session.graph
        there = [n for n in self._from if n in graph.nodes or n in graph.notes]
        self.canvas.place_now({n: QPointF(*place_of(graph, n)) for n in there})

    def _unlight(self) -> None:
        self.canvas.board.set_thin(False)
        self.canvas.board.hover(None, None)


class TakeOut(Move):
    """Pulls the selection out of its wires; what was around it is joined, in one undo step."""

    how = (HOW["take_out"],)

    def _begin(self) -> None:
        super()._begin()
        self._slopes, self._insertable = [], False
        self._hidden = self._outer()
        for wire in self._hidden:
            self.canvas.board.wires[wire].setVisible(False)

    def _outer(self) -> list[Port]:
        """Wires between what moves and what stays."""
        links = self.canvas.session.graph.links
        return [
            key for key, source in links.items() if (source in self._from) != (key[0] in self._from)
        ]

    def _label(self) -> str:
        return tr("Take out of wires")

    def _edit(self, places: Places) -> Edit:
        graph = self.canvas.session.graph
        out = taken_out(graph, [n for n in self._from if n in graph.nodes])
        trial = graph.copy()
        out.apply(trial)
        return batch(out, move_all(trial, {n: (p.x(), p.y()) for n, p in places.items()}))

    def _unlight(self) -> None:
        super()._unlight()
        for wire in self._hidden:
            if wire in self.canvas.board.wires:
                self.canvas.board.wires[wire].setVisible(True)
