"""What paints the board: all wires at once and all nodes at once, near and from afar."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.view.canvas.drawing import (
    arrow_head,
    draw_bare,
    draw_blank,
    draw_flag,
    draw_header,
    draw_lit,
    draw_stop,
    draw_values,
    font_of_numbers,
    stop_sign,
)
from app.view.canvas.face import PORT_RADIUS
from app.view.canvas.ground import whole
from app.view.canvas.node_item import DIM, NodeItem
from app.view.canvas.wire_item import WireItem
from app.view.theme import blend

if TYPE_CHECKING:
    from app.view.canvas.board import Board

FAR = 0.35
"""Below this zoom nodes are drawn without text."""
STRAIGHT = 0.15
"""Below this zoom wires are straight."""
LABELS_FROM = 0.6
"""Below this zoom wires have no labels."""
SMOOTH = 100
"""So many pictures are scaled smoothly in a frame; more than these roughly."""
MOVING_MS = 4.0
"""So much of a frame may go into new pictures while the zoom moves; the rest waits."""
UNFIT = 0.38
"""How much is seen of a node that a wire cannot end at."""
STOP_RADIUS = 4.0
"""The mark of a breakpoint from afar, in pixels."""
_EVERYWHERE = QRectF(-5e6, -5e6, 1e7, 1e7)


class Layer(QGraphicsItem):
    """One item for all of a kind; it paints what touches the areas that are painted anew."""

    def __init__(self, board: Board, height: float) -> None:
        super().__init__()
        self.board = board
        self.setZValue(height)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def boundingRect(self) -> QRectF:
        return _EVERYWHERE

    def shape(self) -> QPainterPath:
        """Nothing is found here: the board knows where its nodes and wires are."""
        return QPainterPath()

    def areas(self, option: QStyleOptionGraphicsItem) -> Sequence[QRectF]:
        return self.board.exposed or (option.exposedRect,)


class WireLayer(Layer):
    """Plain wires are one path; those that are hovered or travelled are drawn after them."""

    def __init__(self, board: Board, height: float) -> None:
        super().__init__(board, height)
        self._paths: list[QPainterPath] = []
        self._one = QPainterPath()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        board, zoom = self.board, painter.worldTransform().m11()
        found = [board.wires[key] for key in board.wire_boxes.touching(self.areas(option))]
        seen = [wire for wire in found if wire.isVisible()]
        plain = [w for w in seen if not (w.shown.step or w.shown.hovered or w.dim)]
        thin = board.thin or zoom < LABELS_FROM
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(cosmetic_pen(board.theme.wire, 1 if thin else 1.3, thin))
        if zoom < STRAIGHT:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.drawLines([wire.line for wire in plain])
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.drawPath(self._joined(plain))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if len(plain) < len(seen):
            for wire in seen:
                if wire.shown.step or wire.shown.hovered or wire.dim:
                    self._special(painter, wire, thin)
        if zoom >= LABELS_FROM:
            self._texts(painter, seen)

    def _joined(self, wires: list[WireItem]) -> QPainterPath:
        """All as one path; the last one is kept, for most frames show the same wires."""
        paths = [wire.path for wire in wires]
        if paths != self._paths:
            self._paths, self._one = paths, QPainterPath()
            for path in paths:
                self._one.addPath(path)
        return self._one

    def _special(self, painter: QPainter, wire: WireItem, thin: bool) -> None:
        theme, step, onto = self.board.theme, wire.face.step, wire.key == self.board.onto
        travelling = theme.value if step == "forward" else theme.gradient
        colour = travelling if step else theme.wire
        if wire.face.hovered and not step:
            colour = theme.accent if onto else blend(theme.wire, theme.text, 0.5)
        near = 2.4 if step or onto else 1.6 if wire.face.hovered else 1.3
        painter.setPen(cosmetic_pen(colour, (2 if step else 1) if thin else near, thin))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setOpacity(DIM if wire.dim else 1.0)
        painter.drawPath(wire.path)
        if step:
            start, end = wire.ends
            forward = step == "forward"
            gap = QPointF(PORT_RADIUS + 1, 0)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawPath(arrow_head(end - gap, 0) if forward else arrow_head(start + gap, 180))
        painter.setOpacity(1.0)

    def _texts(self, painter: QPainter, wires: Iterable[WireItem]) -> None:
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
        plain, bold = font_of_numbers(10), font_of_numbers(10, 600)
        colours = self.board.theme.gradient, self.board.theme.value
        for wire in wires:
            labels = wire.labels()
            if not labels:
                continue
            painter.setOpacity(DIM if wire.dim else 1.0)
            painter.setFont(bold if wire.shown.step else plain)
            for text, box, above in labels:
                painter.setPen(colours[above])
                painter.drawText(box, flags, text)
        painter.setOpacity(1.0)


class NodeLayer(Layer):
    """Pictures of nodes, or two rectangles for each from afar."""

    def __init__(self, board: Board, height: float) -> None:
        super().__init__(board, height)
        self._sheet = QPixmap()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        board = self.board
        nodes = [board.nodes[n] for n in board.node_boxes.touching(self.areas(option))]
        if widget is None:
            self._drawn(painter, nodes)
        elif painter.worldTransform().m11() < FAR:
            self._far(painter, nodes)
        else:
            chosen = [item for item in nodes if item.look.selected]
            if chosen:
                nodes = [item for item in nodes if not item.look.selected] + chosen
            self._near(painter, nodes, widget)

    def _drawn(self, painter: QPainter, nodes: Iterable[NodeItem]) -> None:
        """Shapes and words and no pixels, for a picture that is kept."""
        theme = self.board.theme
        for item in nodes:
            if item.isVisible():
                painter.save()
                painter.translate(item.pos())
                if self.board.bare:
                    draw_bare(painter, item.face, theme, item.look)
                else:
                    draw_blank(painter, item.face, theme, item.look)
                    draw_header(painter, item.face, theme)
                    draw_values(painter, item.face, theme)
                painter.restore()

    # ------------------------------------------------------------ from afar

    def _far(self, painter: QPainter, nodes: Iterable[NodeItem]) -> None:
        """Bodies by colour and strips by drawer, each colour in one call."""
        theme, faults = self.board.theme, self.board.session.evaluation.faults
        plain = blend(theme.node, theme.text, 0.06 if theme.is_dark else 0.2)
        bodies: dict[str, list[QRectF]] = {}
        strips: dict[str, list[QRectF]] = {}
        last: list[tuple[QColor, float, tuple[QRectF, QRectF], str]] = []
        usual: list[QRectF] = bodies.setdefault("", [])
        for item in nodes:
            face, look = item.shown, item.look
            if (
                look.selected
                or face.step
                or item.node_id in faults
                or item.dim
                or look.lit is not None
            ):
                colour = theme.accent if look.selected else plain
                if not look.selected and item.node_id in faults:
                    colour = theme.error
                elif not look.selected and face.step:
                    colour = theme.value if face.step == "forward" else theme.gradient
                last.append((colour, _share(item), item.far(), face.category))
                continue
            body, strip = item.far()
            usual.append(body)
            kin = strips.get(face.category)
            if kin is None:
                kin = strips[face.category] = []
            kin.append(strip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(plain)
        painter.drawRects(usual)
        for category, rects in strips.items():
            painter.setBrush(theme.drawer(category))
            painter.drawRects(rects)
        for colour, share, (body, strip), category in last:
            painter.setOpacity(share)
            painter.fillRect(body, colour)
            painter.fillRect(strip, theme.drawer(category))
        painter.setOpacity(1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        radius = STOP_RADIUS / painter.worldTransform().m11()
        painter.setPen(cosmetic_pen(theme.canvas, 1.5, True))
        painter.setBrush(theme.text)
        for item in nodes:
            if item.look.stop:
                painter.drawPolygon(stop_sign(item.far()[0].topLeft(), radius))

    # ------------------------------------------------------------ near

    def _near(self, painter: QPainter, nodes: Sequence[NodeItem], widget: QWidget | None) -> None:
        board, world = self.board, painter.worldTransform()
        ratio = painter.device().devicePixelRatio()
        scale = world.m11() * ratio
        pictures, moving = board.pictures, board.moving
        until = time.perf_counter() + MOVING_MS / 1e3
        waiting: list[NodeItem] = []
        # Whole device pixels, or the pictures would be smeared by half a pixel.
        pixels = QTransform()
        painter.setWorldTransform(pixels)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        screen, sheet = painter, None
        if moving and len(nodes) > SMOOTH and widget is not None:
            sheet = self._cleared(widget.size(), ratio)
            painter = QPainter(sheet)
        zoom, dx, dy = world.m11(), world.dx(), world.dy()
        for item in nodes:
            face, look, node_id, share = item.face, item.look, item.node_id, _share(item)
            left, top = item.corner()
            x, y = left * zoom + dx, top * zoom + dy
            if share < 1:
                painter.setOpacity(share)
            pixmap = pictures.kept(node_id, face, look, scale)
            if pixmap is None and moving:
                board.unsharp = True
                other = pictures.of_any_scale(node_id, face, look, scale)
                if other is not None:
                    extent = face.extent
                    size = QRectF(x, y, extent.width() * zoom, extent.height() * zoom)
                    painter.drawPixmap(size, other, QRectF(other.rect()))
                elif time.perf_counter() > until:
                    waiting.append(item)
                else:
                    pixmap = pictures.made(node_id, face, look, scale)
            elif pixmap is None:
                under = pictures.under_numbers(node_id, face, look, scale) if ratio == 1 else None
                if under is None:
                    pixmap = pictures.made(node_id, face, look, scale)
                else:
                    extent, right, down = face.extent, whole(x), whole(y)
                    painter.drawPixmap(right, down, under)
                    corner = right - extent.left() * zoom, down - extent.top() * zoom
                    painter.setWorldTransform(QTransform(zoom, 0, 0, zoom, *corner))
                    draw_values(painter, face, board.theme)
                    painter.setWorldTransform(pixels)
            if pixmap is not None and ratio == 1:
                painter.drawPixmap(whole(x), whole(y), pixmap)
            elif pixmap is not None:
                x, y = whole(x * ratio) / ratio, whole(y * ratio) / ratio
                size = QRectF(x, y, pixmap.width() / ratio, pixmap.height() / ratio)
                painter.drawPixmap(size, pixmap, QRectF(pixmap.rect()))
            if share < 1:
                painter.setOpacity(1.0)
        if sheet is not None:
            painter.end()
            painter = screen
            painter.drawPixmap(0, 0, sheet)
        painter.setWorldTransform(world)
        for item in nodes:
            if item.look.lit or item.look.flag or item.look.stop:
                painter.save()
                painter.translate(item.pos())
                if item.look.lit:
                    draw_lit(painter, item.face, board.theme, item.look)
                if item.look.flag:
                    painter.setOpacity(_share(item))
                    draw_flag(painter, item.look.flag, board.theme)
                if item.look.stop:
                    painter.setOpacity(_share(item))
                    draw_stop(painter, item.face, board.theme, item.look.stop)
                painter.restore()
        if waiting:
            self._far(painter, waiting)

    def _cleared(self, size: QSize, ratio: float) -> QPixmap:
        """A sheet over the view to put scaled pictures on: Qt scales fast only where what floats over
        the view cuts nothing off."""
        if self._sheet.size() != size * ratio:
            self._sheet = QPixmap(size * ratio)
            self._sheet.setDevicePixelRatio(ratio)
        self._sheet.fill(Qt.GlobalColor.transparent)
        return self._sheet


def _share(item: NodeItem) -> float:
    """How much is seen of a node."""
    if item.look.lit is None and not item.dim:
        return item.share
    unfit = item.look.lit is not None and not item.look.lit
    return item.share * (UNFIT if unfit else 1.0) * (DIM if item.dim else 1.0)


def cosmetic_pen(colour: QColor, width: float, cosmetic: bool) -> QPen:
    """A pen whose width is that on the screen, or in the scene."""
    pen = QPen(colour, width)
    pen.setCosmetic(cosmetic)
    return pen
