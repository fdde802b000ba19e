"""A node on the canvas: one item, its picture cached, its state by id."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.view.canvas.drawing import Look, PixmapCache, draw_far
from app.view.canvas.face import PORT_REACH, Face, PortFace
from app.view.theme import Theme

FAR = 0.35
"""Below this zoom a node is drawn without text."""
DIM = 0.25
"""How much is seen of what the view is not about."""


class NodeItem(QGraphicsItem):
    """Shows a face. Knows its id and nothing of other items."""

    def __init__(self, node_id: str, face: Face, theme: Theme, cache: PixmapCache) -> None:
        super().__init__()
        self.node_id = node_id
        self.face = face
        self.look = Look()
        self.dim = False
        self.theme = theme
        self._cache = cache
        self.setZValue(2)
        self.setToolTip(face.spoken)

    def set_face(self, face: Face) -> bool:
        """Shows another face; returns whether its ports or its size moved."""
        if face.same(self.face):
            return False
        moved = face.height != self.face.height or face.ports != self.face.ports
        if face.bounds != self.face.bounds:
            self.prepareGeometryChange()
        self.face = face
        self._cache.drop(self.node_id)
        self.setToolTip(face.fault or face.spoken)
        self.update()
        return moved

    def set_look(self, look: Look) -> None:
        if look != self.look:
            self.look = look
            self.setZValue(3 if look.selected else 2)
            self.update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    # ------------------------------------------------------------ geometry

    def body(self) -> QRectF:
        """The body in scene coordinates."""
        return self.face.body.translated(self.pos())

    def port_at(self, name: str) -> QPointF:
        """An input port in scene coordinates."""
        return self.pos() + self.face.port_place(name)

    def output_at(self) -> QPointF:
        return self.pos() + self.face.output

    def near_output(self, place: QPointF, reach: float = PORT_REACH) -> bool:
        return _distance(place, self.output_at()) <= reach

    def near_port(self, place: QPointF, reach: float = PORT_REACH) -> PortFace | None:
        """The drawn input port within `reach` of a scene place, nearest first."""
        drawn = [p for p in self.face.ports if p.is_drawn]
        near = [(d, p) for p in drawn if (d := _distance(place, self.port_at(p.name))) <= reach]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    # ------------------------------------------------------------ QGraphicsItem

    def boundingRect(self) -> QRectF:
        return self.face.bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        world = painter.worldTransform()
        zoom = world.m11()
        if self.dim:
            painter.setOpacity(painter.opacity() * DIM)
        if zoom < FAR:
            draw_far(painter, self.face, self.theme, self.look)
            return
        ratio = painter.device().devicePixelRatio()
        pixmap = self._cache.get(self.node_id, self.face, self.theme, self.look, zoom * ratio)
        corner = world.map(self.face.bounds.topLeft())
        # Whole device pixels, or the picture would be smeared by half a pixel.
        painter.setWorldTransform(QTransform())
        painter.drawPixmap(
            QRectF(
                round(corner.x() * ratio) / ratio,
                round(corner.y() * ratio) / ratio,
                pixmap.width() / ratio,
                pixmap.height() / ratio,
            ),
            pixmap,
            QRectF(pixmap.rect()),
        )
        painter.setWorldTransform(world)


def _distance(a: QPointF, b: QPointF) -> float:
    return float(((a.x() - b.x()) ** 2 + (a.y() - b.y()) ** 2) ** 0.5)
