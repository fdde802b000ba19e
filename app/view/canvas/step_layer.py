"""What a step does, on the canvas: the sum at the node it adds to, and numbers on their way."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, Qt, QVariantAnimation
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.view.canvas.drawing import font_of_numbers
from app.view.canvas.layers import FAR, LABELS_FROM, Layer, cosmetic_pen
from app.view.canvas.node_item import NodeItem
from app.view.canvas.wire_item import WireItem
from app.view.theme import MOTION_MS, blend

if TYPE_CHECKING:
    from app.view.canvas.board import Board
    from app.view.canvas.view import Canvas

HEIGHT, MOST_WIDE = 13.0, 156.0
"""Of the sum under a node."""
DISC, RING = 4.5, 11.0
"""Radii: in the scene, and on the screen."""
MOST = 24
"""More numbers than these do not travel."""


class StepLayer(Layer):
    """The running sum under the node that a step adds to, a ring around the node at work where it is
    seen from afar, and a disc for each number that travels, `share` of its way."""

    def __init__(self, board: Board, height: float) -> None:
        super().__init__(board, height)
        self.sum: tuple[str, str] = "", ""
        self.at_work: tuple[str, str] = "", ""
        self._wires: Sequence[WireItem] = ()
        self._share = 1.0

    def show_sum(self, node_id: str, text: str) -> None:
        """The sum at a node as text; empty texts show none."""
        if (node_id, text) != self.sum:
            self._touch_sum()
            self.sum = node_id, text
            self._touch_sum()

    def show_node(self, node_id: str, phase: str) -> None:
        """The node at work and whether that is "forward" or "backward"; empty texts show none."""
        if (node_id, phase) != self.at_work:
            self._touch_ring()
            self.at_work = node_id, phase
            self._touch_ring()

    def moved(self, node_ids: Container[str]) -> None:
        """Nodes are about to move, or have moved."""
        if self.sum[0] in node_ids:
            self._touch_sum()

    def travel(self, wires: Sequence[WireItem], share: float) -> None:
        """Numbers are a part of their way along wires; at 1 they have arrived."""
        self._touch_discs()
        self._wires, self._share = wires, share
        self._touch_discs()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        (node_id, text), zoom = self.sum, painter.worldTransform().m11()
        item = self.board.nodes.get(node_id)
        if text and item is not None and zoom >= FAR:
            self._paint_sum(painter, item, text)
        if zoom < FAR and widget is not None:
            self._paint_ring(painter, zoom)
        if self._share < 1:
            for wire in self._wires:
                step = wire.shown.step
                theme = self.board.theme
                colour = theme.value if step == "forward" else theme.gradient
                painter.setPen(QPen(theme.canvas, 1.5))
                painter.setBrush(colour)
                painter.drawEllipse(self._disc(wire), DISC, DISC)

    def _paint_sum(self, painter: QPainter, item: NodeItem, text: str) -> None:
        theme, font = self.board.theme, font_of_numbers(10, 600)
        metrics = QFontMetricsF(font)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, MOST_WIDE - 10)
        box = self._sum_box(item, metrics.horizontalAdvance(text) + 10)
        edge = QColor(theme.gradient)
        edge.setAlphaF(0.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(edge, 1))
        painter.setBrush(blend(theme.canvas, theme.gradient, 0.08))
        painter.drawRoundedRect(box, HEIGHT / 2, HEIGHT / 2)
        painter.setFont(font)
        painter.setPen(theme.gradient)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_ring(self, painter: QPainter, zoom: float) -> None:
        node_id, phase = self.at_work
        item, theme = self.board.nodes.get(node_id), self.board.theme
        if item is None:
            return
        body = item.body()
        reach = max(RING / zoom, body.width() / 2 + 4 / zoom)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in (
            (theme.canvas, 4.5),
            (theme.value if phase == "forward" else theme.gradient, 2.0),
        ):
            painter.setPen(cosmetic_pen(colour, width, True))
            painter.drawEllipse(body.center(), reach, reach)

    def _sum_box(self, item: NodeItem, width: float) -> QRectF:
        """Under the ring of the node at work, and under what else is said there."""
        body = item.body()
        below = 7.0 + (13.0 if item.node_id in self.board.session.marks.all.notes else 0.0)
        return QRectF(body.center().x() - width / 2, body.bottom() + below, width, HEIGHT)

    def _disc(self, wire: WireItem) -> QPointF:
        share = self._share if wire.shown.step == "forward" else 1 - self._share
        return wire.path.pointAtPercent(min(max(share, 0.0), 1.0))

    def _touch_sum(self) -> None:
        item = self.board.nodes.get(self.sum[0])
        if item is not None and self.sum[1]:
            self.board.touch(self._sum_box(item, MOST_WIDE).adjusted(-2, -15, 2, 15))

    def _touch_ring(self) -> None:
        item = self.board.nodes.get(self.at_work[0])
        zooms = [view.transform().m11() for view in self.board.views()]
        if item is not None and (zoom := min(zooms, default=FAR)) < FAR:
            centre, reach = item.body().center(), item.body().width() / 2 + (RING + 8) / zoom
            self.board.touch(QRectF(centre.x() - reach, centre.y() - reach, 2 * reach, 2 * reach))

    def _touch_discs(self) -> None:
        if self._share < 1:
            for wire in self._wires:
                at, reach = self._disc(wire), DISC + 2
                self.board.touch(QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach))


class Travel:
    """The motion of a step: what it computed or added runs along the wires at work."""

    def __init__(self, canvas: Canvas, layer: StepLayer) -> None:
        self._canvas, self._layer = canvas, layer
        self._wires: list[WireItem] = []
        self._clock = QVariantAnimation(canvas)
        self._clock.setDuration(MOTION_MS)
        self._clock.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._clock.setStartValue(0.0)
        self._clock.setEndValue(1.0)
        self._clock.valueChanged.connect(self._show)

    def start(self, wires: Sequence[WireItem]) -> None:
        """Sets out; not while the motion before is on its way, nor where wires are thin lines."""
        canvas = self._canvas
        hurried = self._clock.state() is QVariantAnimation.State.Running
        self.stop()
        if hurried or canvas.reduced_motion or not canvas.isVisible():
            return
        if 0 < len(wires) <= MOST and canvas.zoom >= LABELS_FROM:
            self._wires = list(wires)
            self._clock.start()

    def stop(self) -> None:
        self._clock.stop()
        self._layer.travel((), 1.0)

    def _show(self, share: float) -> None:
        self._layer.travel(self._wires, share)
