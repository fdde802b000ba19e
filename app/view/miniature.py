"""A document as a small picture: boxes and wires in the hues of their drawers."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPen

from app.view import theme
from engine.graph import Graph

NODE_WIDTH, NODE_HEIGHT = 128.0, 74.0
MAX_WIRES = 3000


def paint(painter: QPainter, graph: Graph, area: QRectF, tokens: theme.Theme) -> None:
    """Draws a document into an area, fitted and centred."""
    places = {n: QRectF(v.x, v.y, NODE_WIDTH, NODE_HEIGHT) for n, v in graph.nodes.items()}
    if not places:
        return
    left, top = min(b.left() for b in places.values()), min(b.top() for b in places.values())
    width = max(b.right() for b in places.values()) - left
    height = max(b.bottom() for b in places.values()) - top
    scale = min(area.width() / width, area.height() / height, 0.9)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(area.center())
    painter.scale(scale, scale)
    painter.translate(-left - width / 2, -top - height / 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(tokens.wire, 1.4 / scale))
    for number, link in enumerate(graph.all_links()):
        if number >= MAX_WIRES:
            break
        start, end = places[link.source], places[link.target]
        path = QPainterPath(QPointF(start.right(), start.center().y()))
        bend = max(abs(end.left() - start.right()) * 0.5, 24)
        path.cubicTo(
            QPointF(start.right() + bend, start.center().y()),
            QPointF(end.left() - bend, end.center().y()),
            QPointF(end.left(), end.center().y()),
        )
        painter.drawPath(path)
    for node_id, box in places.items():
        painter.setPen(QPen(tokens.border, 1.0 / scale))
        painter.setBrush(tokens.node)
        painter.drawRoundedRect(box, 9, 9)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.drawer(graph.op(node_id).category))
        painter.drawRoundedRect(QRectF(box.left(), box.top() + 10, 8, box.height() - 20), 3, 3)
    painter.restore()


def png(graph: Graph, width: int = 480, height: int = 270) -> bytes:
    """The preview picture of a file."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(theme.LIGHT.canvas)
    painter = QPainter(image)
    paint(painter, graph, QRectF(16, 16, width - 32, height - 32), theme.LIGHT)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    buffer.close()
    return bytes(data.data())
