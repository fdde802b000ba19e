"""The board's places: where nodes and wires are, what is there, and what has to be painted anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import QGraphicsScene, QGraphicsSceneHelpEvent

from app.session import Session
from app.view.canvas.boxes import Boxes
from app.view.canvas.face import HEIGHT, WIDTH, PortFace
from app.view.canvas.node_item import NodeItem
from app.view.canvas.note_board import NoteBoard
from app.view.canvas.wire_item import WireItem
from engine.aligning import Area
from engine.graph import Port

MIDDLE = HEIGHT / 2
"""How far below its corner the middle of a plain node is."""
MANY = 60
"""Where more nodes than these may change at once, everything is painted anew."""


class Places(QGraphicsScene):
    """Nodes, wires and notes by id, and where they are.

    `exposed` are the areas that a view is painting, where it knows them, `painted` the same in it.
    """

    notes: NoteBoard

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.nodes: dict[str, NodeItem] = {}
        self.wires: dict[Port, WireItem] = {}
        self.node_boxes: Boxes[str] = Boxes()
        self.wire_boxes: Boxes[Port] = Boxes()
        self.exposed: Sequence[QRectF] = ()
        self.painted = QRegion()
        self._touched: list[QRectF] | None = None
        self._around: dict[str, set[Port]] = {}

    # ------------------------------------------------------------ painting anew

    def touch(self, area: QRectF) -> None:
        """What is in an area is painted anew; what is found out while painting, where it is not painted
        already.

        The viewport is told and not the scene: what waits in the scene would be painted where it was if
        the view is moved meanwhile.
        """
        if self._touched is not None:
            self._touched.append(area)
            return
        for view in self.views():
            port = view.viewport()
            box = view.viewportTransform().mapRect(area).toAlignedRect().adjusted(-2, -2, 2, 2)
            box &= port.rect()
            if not box.isEmpty() and not (self.exposed and (QRegion(box) - self.painted).isEmpty()):
                port.update(box)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is touched meanwhile is painted at its end: all of it at once where it is much."""
        self._touched = []
        try:
            yield
        finally:
            touched, self._touched = self._touched, None
            if len(touched) > MANY:
                self.update()
            else:
                for area in touched:
                    self.touch(area)

    # ------------------------------------------------------------ moving

    def move_items(self, places: Mapping[str, QPointF]) -> None:
        """Puts items where a gesture or an animation wants them; the document is not changed."""
        there = [n for n in places if n in self.nodes]
        with self.together():
            for node_id in there:
                self.nodes[node_id].put(places[node_id])
            self._settle(there)
        self.notes.move(places)

    def _settle(self, node_ids: Iterable[str]) -> None:
        """Nodes have moved, or their ports: boxes and wires follow."""
        nodes, keys = self.nodes, set()
        for node_id in node_ids:
            box = nodes[node_id].sceneBoundingRect()
            self.node_boxes.put(node_id, box.left(), box.top(), box.right(), box.bottom())
            keys |= self._around.get(node_id, set())
        degree = self.session.graph.structure.out_degree
        for key in keys:
            wire = self.wires[key]
            start, end = nodes[wire.source].output_at(), nodes[key[0]].port_at(key[1])
            if wire.set_ends(start, end, degree(wire.source) > 1):
                box = wire.box
                self.wire_boxes.put(key, box.left(), box.top(), box.right(), box.bottom())

    def content(self, node_ids: Iterable[str] | None = None) -> QRectF:
        """The bodies of nodes and the areas of notes (all unless given), as one rectangle; empty when
        there is none."""
        rect = QRectF()
        for key in (*self.nodes, *self.notes.items) if node_ids is None else node_ids:
            if key in self.nodes:
                rect = rect.united(self.nodes[key].body())
            elif key in self.notes.items:
                rect = rect.united(self.notes.items[key].area())
        return rect

    def areas(self, node_ids: Iterable[str] | None = None) -> dict[str, Area]:
        """The bodies of nodes (all unless given) as plain numbers."""
        bodies = {n: self.nodes[n].body() for n in (self.nodes if node_ids is None else node_ids)}
        return {n: (b.x(), b.y(), b.width(), b.height()) for n, b in bodies.items()}

    def holds(self, ids: Iterable[str]) -> bool:
        """Whether all these nodes and notes are there."""
        return all(key in self.nodes or key in self.notes.items for key in ids)

    def spoken(self, key: str) -> str:
        """A node or a note that is there, in words."""
        return self.nodes[key].face.spoken if key in self.nodes else self.notes.items[key].spoken

    # ------------------------------------------------------------ what is there

    def _near(self, area: QRectF) -> list[NodeItem]:
        """Nodes that touch an area, uppermost first."""
        found = [self.nodes[n] for n in self.node_boxes.touching((area,))]
        found.reverse()
        return sorted(found, key=lambda item: not item.look.selected)

    def node_at(self, place: QPointF) -> NodeItem | None:
        """The node whose body or drawn port is at a scene place, uppermost first."""
        found = self._near(QRectF(place.x() - 1, place.y() - 1, 2, 2))
        for item in found:
            if item.body().contains(place):
                return item
        for item in found:
            if item.near_output(place) or item.near_port(place):
                return item
        return None

    def port_at(self, place: QPointF, reach: float) -> tuple[str, PortFace | None] | None:
        """(node id, input port, or None for the output) within `reach` of a scene place."""
        for item in self._near(_around(place, reach)):
            if item.near_output(place, reach):
                return item.node_id, None
            port = item.near_port(place, reach)
            if port is not None:
                return item.node_id, port
        return None

    def wire_at(self, place: QPointF, reach: float = 6.0) -> WireItem | None:
        for key in reversed(self.wire_boxes.touching((_around(place, reach),))):
            wire = self.wires[key]
            if wire.isVisible() and wire.is_near(place, reach):
                return wire
        return None

    def wire_under(self, body: QRectF, node_id: str) -> WireItem | None:
        """Of the wires of others that a body lies on, the one that runs nearest to its middle."""
        centre, best = body.center(), None
        nearest = float("inf")
        for key in self.wire_boxes.touching((body,)):
            wire = self.wires[key]
            if node_id in (wire.source, key[0]) or not wire.isVisible():
                continue
            for x, y in wire.points():
                away = (x - centre.x()) ** 2 + (y - centre.y()) ** 2
                if body.contains(x, y) and away < nearest:
                    nearest, best = away, wire
        return best

    def nodes_in(self, area: QRectF) -> list[str]:
        """Nodes whose body touches an area, in the document's order."""
        return [
            n for n in self.node_boxes.touching((area,)) if self.nodes[n].body().intersects(area)
        ]

    def helpEvent(self, event: QGraphicsSceneHelpEvent) -> None:
        item = self.node_at(event.scenePos())
        if item is not None:
            badge = self.session.marks.all.badges.get(item.node_id)
            item.setToolTip(item.face.fault or (badge and badge.tip) or item.face.spoken)
        super().helpEvent(event)

    def middle_of(self, place: QPointF) -> tuple[float, float]:
        """The corner of a plain node whose middle is at a scene place, on the grid."""
        return snap(place.x() - WIDTH / 2), snap(place.y() - MIDDLE)


def _around(place: QPointF, reach: float) -> QRectF:
    return QRectF(place.x() - reach, place.y() - reach, 2 * reach, 2 * reach)


def snap(number: float, grid: int = 4) -> float:
    return float(round(number / grid) * grid)
