"""A node before it is one: its face at a place, and as a picture to drag."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app import drawers
from app.session import Session
from app.view.canvas.drawing import Look, draw_blank, draw_header, draw_values
from app.view.canvas.face import MARGIN, MARGIN_LEFT, WIDTH, Face, base_face
from app.view.canvas.places import MIDDLE
from app.view.theme import Theme
from engine.graph import Graph

OPACITY = 0.6
HOT_SPOT = QPoint(round(MARGIN_LEFT + WIDTH / 2), round(MARGIN + MIDDLE))
"""Where in the picture of a node the pointer holds it: where its middle will be."""


def new_face(session: Session, name: str) -> Face:
    """What a new node of an operator or a module would show, all its ports free."""
    graph, part = session.graph, Graph()
    if name in graph.operators:
        part.put("operators", name, graph.operators[name])
    edit, node_id = drawers.added(part, name, (0.0, 0.0), session.modules)
    edit.apply(part)
    stem = part.name(node_id).rstrip("0123456789")
    return replace(base_face(part, node_id), name=graph.new_name(stem))


def new_picture(session: Session, name: str, theme: Theme, ratio: float) -> QPixmap:
    """A new node as a picture at 100 %, as faint as its ghost on the canvas."""
    face = new_face(session, name)
    solid = QPixmap((face.bounds.size() * ratio).toSize())
    solid.setDevicePixelRatio(ratio)
    solid.fill(Qt.GlobalColor.transparent)
    faint = QPixmap(solid)
    painter = QPainter(solid)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.translate(-face.bounds.topLeft())
    _draw(painter, face, theme)
    painter.end()
    painter = QPainter(faint)
    painter.setOpacity(OPACITY)
    painter.drawPixmap(0, 0, solid)
    painter.end()
    return faint


def _draw(painter: QPainter, face: Face, theme: Theme) -> None:
    draw_blank(painter, face, theme, Look(selected=True))
    draw_header(painter, face, theme)
    draw_values(painter, face, theme)


class NewNode(QGraphicsItem):
    """The node that is being placed. It is no node of the board: nothing finds it there."""

    def __init__(self, face: Face, theme: Theme) -> None:
        super().__init__()
        self.face, self.theme = face, theme
        self.setOpacity(OPACITY)
        self.setZValue(8)

    def body(self) -> QRectF:
        """The body in scene coordinates."""
        return self.face.body.translated(self.pos())

    def boundingRect(self) -> QRectF:
        return self.face.bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        _draw(painter, self.face, self.theme)
