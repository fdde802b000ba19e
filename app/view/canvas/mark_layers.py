"""What paints the marks of explaining parts: weighted and lit wires under the nodes, verdicts over them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.marks import Badge
from app.view.canvas.drawing import font_of_numbers
from app.view.canvas.layers import FAR, Layer
from app.view.canvas.node_item import NodeItem
from app.view.canvas.wire_item import WireItem
from app.view.theme import blend, ui_font

THINNEST, THICKEST = 1.6, 6.0
"""Widths of a wire with a share of nothing and of everything, in scene units; its numbers stay clear."""
LIT = 2.6
NOTE_WIDTH, NOTE_HEIGHT = 172.0, 14.0
BADGE = 16.0


class WeightLayer(Layer):
    """Wires as thick as their share, and wires that are pointed out."""

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        marks = self.board.session.marks.all
        if not (marks.wires or marks.lit):
            return
        theme = self.board.theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for wire, share in self._seen(option, marks.wires):
            colour = QColor(theme.gradient)
            colour.setAlphaF(0.55 + 0.35 * share)
            width = THINNEST + (THICKEST - THINNEST) * share
            painter.setPen(QPen(colour, width, c=Qt.PenCapStyle.FlatCap))
            painter.drawPath(wire.path)
        painter.setPen(QPen(theme.accent, LIT))
        for wire, _ in self._seen(option, dict.fromkeys(marks.lit, 1.0)):
            painter.drawPath(wire.path)

    def _seen(
        self, option: QStyleOptionGraphicsItem, wanted: dict[tuple[str, str], float]
    ) -> Iterable[tuple[WireItem, float]]:
        wires = self.board.wires
        for key in self.board.wire_boxes.touching(self.areas(option)):
            if key in wanted and wires[key].isVisible():
                yield wires[key], min(max(wanted[key], 0.0), 1.0)


class VerdictLayer(Layer):
    """Badges at nodes' corners and short texts under them; from afar a badge is a spot."""

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        marks, board = self.board.session.marks.all, self.board
        if not (marks.notes or marks.badges):
            return
        far = painter.worldTransform().m11() < FAR
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for node_id in board.node_boxes.touching(self.areas(option)):
            item = board.nodes[node_id]
            if not item.isVisible():
                continue
            if node_id in marks.notes and not far:
                self._note(painter, item, marks.notes[node_id])
            if node_id in marks.badges:
                self._badge(painter, item, marks.badges[node_id], far)

    def _note(self, painter: QPainter, item: NodeItem, text: str) -> None:
        theme, body, font = self.board.theme, item.body(), font_of_numbers(10)
        metrics = QFontMetricsF(font)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, NOTE_WIDTH - 8)
        width = metrics.horizontalAdvance(text) + 8
        box = QRectF(body.center().x() - width / 2, body.bottom() + 1, width, NOTE_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.canvas)
        painter.drawRoundedRect(box, 3, 3)
        painter.setFont(font)
        painter.setPen(theme.accent)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _badge(self, painter: QPainter, item: NodeItem, badge: Badge, far: bool) -> None:
        theme, corner = self.board.theme, item.body().topRight()
        colour: QColor = getattr(theme, badge.role)
        painter.setPen(Qt.PenStyle.NoPen)
        if far:
            painter.setBrush(colour)
            painter.drawEllipse(corner, BADGE, BADGE)
            return
        font = ui_font(10, 600)
        width = max(BADGE, QFontMetricsF(font).horizontalAdvance(badge.text) + 8)
        middle = corner - QPointF(min(width / 2 - 6, 0.0) + max(width - BADGE, 0.0) / 2, 0)
        box = QRectF(middle.x() - width / 2, middle.y() - BADGE / 2, width, BADGE)
        painter.setPen(QPen(colour, 1.2))
        painter.setBrush(blend(theme.node, colour, 0.18))
        painter.drawRoundedRect(box, BADGE / 2, BADGE / 2)
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, badge.text)
