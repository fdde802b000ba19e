"""The gesture that cuts wires with a line."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from app.actions.gestures import HOW
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.wire_item import WireItem
from engine.graph import Port

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

_CROSSES = QLineF.IntersectionType.BoundedIntersection


class Cut(Gesture):
    """A line over the ground; the wires it crosses are gone when it is let go, in one undo step."""

    how = (HOW["cut"],)

    def __init__(self, canvas: Canvas, start: Pointer) -> None:
        super().__init__(canvas, start)
        self._last = start.scene
        self._line: QGraphicsPathItem | None = None
        self._path = QPainterPath(start.scene)
        self._crossed: dict[Port, bool] = {}

    def move(self, pointer: Pointer) -> None:
        if self._line is None:
            if not self.passed_threshold(pointer):
                return
            self._line = QGraphicsPathItem()
            pen = QPen(self.canvas.theme.error, 1.5, Qt.PenStyle.DashLine)
            pen.setCosmetic(True)
            self._line.setPen(pen)
            self._line.setZValue(9)
            self.canvas.board.addItem(self._line)
        if pointer.scene == self._last:
            return
        self._path.lineTo(pointer.scene)
        self._line.setPath(self._path)
        board, near = self.canvas.board, QRectF(self._last, pointer.scene).normalized()
        for key in board.wire_boxes.touching((near.adjusted(-1, -1, 1, 1),)):
            wire = board.wires[key]
            if key not in self._crossed and crosses(wire, self._last, pointer.scene):
                self._crossed[key] = wire.dim
                wire.dim = True
                wire.repaint()
        self._last = pointer.scene

    def release(self, pointer: Pointer) -> None:
        links = self.canvas.session.graph.links
        crossed = [key for key in self._crossed if key in links]
        self.drop()
        self.canvas.rewiring.cut(crossed)

    def drop(self) -> None:
        for key, dim in self._crossed.items():
            wire = self.canvas.board.wires.get(key)
            if wire is not None:
                wire.dim = dim
                wire.repaint()
        self._crossed = {}
        if self._line is not None:
            self.canvas.board.removeItem(self._line)
            self._line = None


def crosses(wire: WireItem, start: QPointF, end: QPointF) -> bool:
    """Whether a straight line between two scene places crosses a wire."""
    line = QLineF(start, end)
    return any(
        line.intersects(QLineF(QPointF(*one), QPointF(*other)))[0] == _CROSSES
        for one, other in pairwise(wire.points())
    )
