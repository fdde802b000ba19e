"""A document as a small picture: boxes and wires in the hues of their drawers."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPen

from app.view import theme
from app.view.theme import blend
from engine.graph import Graph

NODE_WIDTH, NODE_HEIGHT = 128.0, 74.0
MAX_WIRES = 3000


def paint(painter: QPainter, graph: Graph, area: QRectF, tokens: theme.Theme) -> None:
    """Draws a document into an area, fitted and centred."""
    places = {n: QRectF(v.x, v.y, NODE_WIDTH, NODE_HEIGHT) for n, v in graph.nodes.items()}
    whole = extent(graph)
    if whole.isEmpty():
        return
    scale = min(area.width() / whole.width(), area.height() / whole.height(), 0.9)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(area.center())
    painter.scale(scale, scale)
    painter.translate(-whole.center())
    _paint_notes(painter, graph, scale, tokens)
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


def extent(graph: Graph) -> QRectF:
    """The rectangle that all nodes and notes stand in; empty without any."""
    boxes = [(n.x, n.y, n.x + NODE_WIDTH, n.y + NODE_HEIGHT) for n in graph.nodes.values()]
    boxes += [(n.x, n.y, n.x + n.width, n.y + n.height) for n in graph.notes.values()]
    if not boxes:
        return QRectF()
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return QRectF(QPointF(min(lefts), min(tops)), QPointF(max(rights), max(bottoms)))


def _paint_notes(painter: QPainter, graph: Graph, scale: float, tokens: theme.Theme) -> None:
    """Notes and frames as areas of their colours, the larger ones first."""
    for note in sorted(graph.notes.values(), key=lambda n: -n.width * n.height):
        hue = tokens.note(note.colour)
        painter.setPen(QPen(blend(tokens.panel, hue, 0.5), 1 / scale))
        painter.setBrush(blend(tokens.panel, hue, 0.1 if note.kind == "frame" else 0.16))
        painter.drawRect(QRectF(note.x, note.y, note.width, note.height))


def paint_map(painter: QPainter, graph: Graph, scale: float, tokens: theme.Theme) -> None:
    """A document in scene coordinates, to be read at a small `scale`: every node a box in the hue of
    its drawer, wires as hairs, notes and frames in their colours. Made of few calls, so that it is cheap.
    """
    _paint_notes(painter, graph, scale, tokens)
    lines = [
        QLineF(a.x + NODE_WIDTH, a.y + NODE_HEIGHT / 2, b.x, b.y + NODE_HEIGHT / 2)
        for number, ((target, _), source) in enumerate(graph.links.items())
        if number < MAX_WIRES and (a := graph.nodes[source]) and (b := graph.nodes[target])
    ]
    painter.setPen(QPen(blend(tokens.panel, tokens.wire, 0.7), 1 / scale))
    painter.drawLines(lines)
    # Never thinner than what can be seen.
    width, height = max(NODE_WIDTH, 2.5 / scale), max(NODE_HEIGHT, 2 / scale)
    drawers: dict[str, list[QRectF]] = {}
    for node_id, node in graph.nodes.items():
        box = QRectF(node.x, node.y, width, height)
        drawers.setdefault(graph.op(node_id).category, []).append(box)
    painter.setPen(Qt.PenStyle.NoPen)
    for category, boxes in drawers.items():
        painter.setBrush(blend(tokens.panel, tokens.drawer(category), 0.85))
        painter.drawRects(boxes)


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
