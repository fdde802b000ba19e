"""The gesture that places a new node: it follows the pointer until a click or Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QGraphicsPathItem

from app.actions.gestures import HOW
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.new_node import NewNode, new_face
from app.view.canvas.wire_item import curve

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas


class Placing(Gesture):
    """A ghost of the node at the pointer; nothing is in the document before it is placed.

    Until the pointer moves it stands beside the node `reads`, wired to it at `port` where it fits:
    Enter alone then adds to a chain.
    """

    how = (HOW["put_down"],)
    floats = True
    pans_at_edges = False

    def __init__(self, canvas: Canvas, start: Pointer, name: str, reads: str | None = None) -> None:
        super().__init__(canvas, start)
        self._name, self._reads = name, reads
        self._wire: QGraphicsPathItem | None = None
        self._ghost = NewNode(new_face(canvas.session, name), canvas.theme)
        canvas.board.addItem(self._ghost)
        if reads is None:
            self._follow(start.scene)
        else:
            self._stand_beside(reads)

    def _stand_beside(self, node_id: str) -> None:
        canvas, board, node = self.canvas, self.canvas.board, self.canvas.board.nodes[node_id]
        end = canvas.end_beside(self._name, node_id)
        self._place = canvas.place_beside(node_id, end)
        self._ghost.setPos(*board.middle_of(self._place))
        canvas.show_area(self._ghost.body())
        port = canvas.port_for(self._name, node_id)
        if port is not None or end[1] is not None:
            self._wire = QGraphicsPathItem()
            self._wire.setZValue(7)
            self._wire.setPen(QPen(self.canvas.theme.accent, 2, Qt.PenStyle.DashLine))
            corner, face = self._ghost.pos(), self._ghost.face
            if end[1] is not None:
                self._wire.setPath(curve(corner + face.output, node.port_at(end[1])))
            elif port is not None:
                self._wire.setPath(curve(node.output_at(), corner + face.port_place(port)))
            board.addItem(self._wire)

    def _follow(self, place: QPointF) -> None:
        canvas = self.canvas
        self._place = place
        self._ghost.setPos(*canvas.board.middle_of(place))
        canvas.board.hover(None, canvas.wire_to_take(self._name, place), onto=True)

    def move(self, pointer: Pointer) -> None:
        if self._reads is not None:
            if not self.passed_threshold(pointer):
                return
            self._reads = None
            self._drop_wire()
        self._follow(pointer.scene)

    def release(self, pointer: Pointer) -> None:
        """A click: the node is placed at the pointer."""
        self._reads = None
        self._place = pointer.scene
        self.finish()

    def finish(self) -> None:
        """Enter, or a click: the node is placed where its ghost stands."""
        self.drop()
        if self._reads is not None:
            self.canvas.add_beside(self._name, self._reads)
        else:
            self.canvas.add_operator(self._name, self._place)

    def _drop_wire(self) -> None:
        if self._wire is not None:
            self.canvas.board.removeItem(self._wire)
            self._wire = None

    def drop(self) -> None:
        self._drop_wire()
        self.canvas.board.removeItem(self._ghost)
        self.canvas.board.hover(None, None)
