"""A node on the canvas: one item that knows its id, what it shows and where its ports are."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.view.canvas.drawing import Look
from app.view.canvas.face import PORT_REACH, Face, PortFace

DIM = 0.25
"""How much is seen of what the view is not about."""


class NodeItem(QGraphicsItem):
    """Shows a face. Knows its id and nothing of other items; a layer of the board paints it.

    `stale` says that the face may be another one by now: the board brings it up to date when it is
    looked at. Places do not depend on numbers, so they are never stale.
    """

    def __init__(self, node_id: str, face: Face) -> None:
        super().__init__()
        self.node_id = node_id
        self.shown = face
        self.stale = False
        self.look = Look()
        self.dim = False
        self.share = 1.0
        self._far: tuple[QRectF, QRectF] | None = None
        self._corner: tuple[float, float] | None = None
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents)
        self.setZValue(2)

    @property
    def face(self) -> Face:
        if self.stale and (board := self.scene()) is not None:
            board.freshen(self)  # type: ignore[attr-defined]
        return self.shown

    def set_face(self, face: Face) -> bool:
        """Shows another face; returns whether its ports or its size moved."""
        self.stale = False
        if face.same(self.shown):
            return False
        before = self.shown
        moved = face.height != before.height or face.ports != before.ports
        if moved:
            self.repaint()
            self.prepareGeometryChange()
            self._far = self._corner = None
        self.shown = face
        self.repaint()
        return moved

    def set_look(self, look: Look) -> None:
        if look != self.look:
            self.look = look
            self.repaint()

    def setOpacity(self, share: float) -> None:
        """How much is seen of the node, as it comes in."""
        self.share = share
        self.repaint()

    def repaint(self) -> None:
        """What is painted where the node is, is painted anew."""
        board = self.scene()
        if board is not None:
            board.touch(self.shown.bounds.translated(self.pos()))  # type: ignore[attr-defined]

    def put(self, place: QPointF) -> None:
        """Moves the node; the board is told by `Board.move_items`."""
        self.repaint()
        self._far = self._corner = None
        self.setPos(place)
        self.repaint()

    # ------------------------------------------------------------ geometry

    def body(self) -> QRectF:
        """The body in scene coordinates."""
        return self.shown.body.translated(self.pos())

    def far(self) -> tuple[QRectF, QRectF]:
        """The body and the strip of its drawer, as they are seen from afar."""
        if self._far is None:
            body = self.body()
            self._far = body, QRectF(body.left(), body.top(), 10, body.height())
        return self._far

    def corner(self) -> tuple[float, float]:
        """The upper left of its picture in the scene; in plain numbers, for it is asked often."""
        if self._corner is None:
            extent = self.shown.extent
            self._corner = self.x() + extent.left(), self.y() + extent.top()
        return self._corner

    def port_at(self, name: str) -> QPointF:
        """An input port in scene coordinates."""
        return self.pos() + self.shown.port_place(name)

    def output_at(self) -> QPointF:
        return self.pos() + self.shown.output

    def near_output(self, place: QPointF, reach: float = PORT_REACH) -> bool:
        return _distance(place, self.output_at()) <= min(reach, self.shown.reach)

    def near_port(self, place: QPointF, reach: float = PORT_REACH) -> PortFace | None:
        """The drawn input port within `reach` of a scene place, nearest first."""
        reach = min(reach, self.shown.reach)
        drawn = [p for p in self.shown.ports if p.is_drawn]
        near = [(d, p) for p in drawn if (d := _distance(place, self.port_at(p.name))) <= reach]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    # ------------------------------------------------------------ QGraphicsItem

    def boundingRect(self) -> QRectF:
        return self.shown.bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Nothing: painting all nodes at once is many times cheaper than one by one."""


def _distance(a: QPointF, b: QPointF) -> float:
    return float(((a.x() - b.x()) ** 2 + (a.y() - b.y()) ** 2) ** 0.5)
