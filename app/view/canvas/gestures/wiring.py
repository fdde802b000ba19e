"""The gesture that draws, moves and removes a wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from app.actions.gestures import HOW
from app.text import tr
from app.view.canvas import changes
from app.view.canvas.face import PORT_REACH, PortFace
from app.view.canvas.gestures.gesture import Gesture, Pointer
from app.view.canvas.node_item import NodeItem
from app.view.canvas.wire_item import curve
from engine.edits import disconnect
from engine.fitting import Fit, wired
from engine.graph import Port

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas


class Wire(Gesture):
    """A wire from an output to a port, from a port back to an output, or one taken off a port.

    Exactly one of `source` (an output) and `end` (a port) is fixed. `taken` is the port the wire
    was on when it was pressed; let go over nothing, that wire is gone.
    """

    how = (HOW["wire"], HOW["wire_shape"], HOW["wire_search"], HOW["unwire"])

    def __init__(
        self,
        canvas: Canvas,
        start: Pointer,
        source: str | None = None,
        end: Port | None = None,
        taken: Port | None = None,
    ) -> None:
        super().__init__(canvas, start)
        self._source, self._end, self._taken = source, end, taken
        self._line: QGraphicsPathItem | None = None
        self._aim: tuple[str, str] | None = None
        self._fit: Fit | None = None

    def _fitting(self) -> Mapping[str, frozenset[str]]:
        """Ports by node that the wire may end at without closing a circle, and the fixed end; ""
        is an output."""
        graph = self.canvas.session.graph
        if self._source is not None:
            refused = graph.ancestors(self._source) | {self._source}
            nodes = self.canvas.board.nodes
            fitting = {
                n: frozenset(p.name for p in item.face.ports)
                for n, item in nodes.items()
                if n not in refused
            }
            return {**fitting, self._source: frozenset({""})}
        assert self._end is not None
        node_id, port = self._end
        refused = graph.descendants(node_id)
        fitting = {n: frozenset({""}) for n in graph.nodes if n not in refused}
        return {**fitting, node_id: frozenset({port})}

    def move(self, pointer: Pointer) -> None:
        canvas = self.canvas
        if self._line is None:
            if not self.passed_threshold(pointer):
                return
            canvas.board.light(self._fitting())
            self._line = QGraphicsPathItem()
            self._line.setZValue(8)
            canvas.board.addItem(self._line)
            if self._taken is not None:
                canvas.board.wires[self._taken].setVisible(False)
        self._aim = self._target(pointer)
        node_id, port = self._aim or (None, None)
        canvas.board.aim(node_id, port)
        self._line.setPath(self._draft(pointer))
        self._fit = self._weighed()
        canvas.mending.show(self._fit, pointer.view)
        self._colour(self._fit)

    def _end_of(self, aim: tuple[str, str]) -> tuple[str, Port]:
        """The wire that would be drawn: its source and its port."""
        if self._source is not None:
            return self._source, aim
        assert self._end is not None
        return aim[0], self._end

    def _weighed(self) -> Fit | None:
        """What the wire would do; None where nothing would change."""
        if self._aim is None:
            return None
        source, end = self._end_of(self._aim)
        if self.canvas.session.graph.links.get(end) == source:
            return None
        return self.canvas.mending.weigh(source, end, self._taken)

    def _colour(self, fit: Fit | None) -> None:
        """A wire that does not fit or is refused looks so."""
        assert self._line is not None
        theme, good = self.canvas.theme, fit is None or not (fit.fault or fit.circle)
        pen = QPen(theme.accent if good else theme.error, 2)
        if not good:
            pen.setStyle(Qt.PenStyle.DashLine)
        if pen != self._line.pen():
            self._line.setPen(pen)
        if fit is not None and fit.circle:
            self.canvas.viewport().setCursor(Qt.CursorShape.ForbiddenCursor)
        else:
            self.canvas.viewport().unsetCursor()

    def _draft(self, pointer: Pointer) -> QPainterPath:
        nodes = self.canvas.board.nodes
        free = pointer.scene
        if self._aim is not None:
            node_id, port = self._aim
            free = nodes[node_id].port_at(port) if port else nodes[node_id].output_at()
        if self._source is not None:
            return curve(nodes[self._source].output_at(), free)
        assert self._end is not None
        return curve(free, nodes[self._end[0]].port_at(self._end[1]))

    def _target(self, pointer: Pointer) -> tuple[str, str] | None:
        """The node and port the wire would end at from here, from anywhere on a node's body."""
        board = self.canvas.board
        item = board.node_at(pointer.scene)
        if item is None:
            hit = board.port_at(pointer.scene, self.canvas.reach(2 * PORT_REACH))
            item = board.nodes[hit[0]] if hit else None
        if item is None:
            return None
        if self._source is None:
            return item.node_id, ""
        if item.node_id == self._source:
            return None
        port = fitting_port(item, pointer.scene, self._taken)
        return (item.node_id, port.name) if port else None

    def release(self, pointer: Pointer) -> None:
        canvas, aim, fit = self.canvas, self._aim, self._fit
        if self._line is None:
            return
        self._unlight()
        if aim is not None and fit is not None and fit.fault and not fit.known:
            source, end = self._end_of(aim)
            plain = changes.wired(source, end, self._taken)
            # The wire stays in sight while its repair is chosen.
            canvas.mending.offer(fit, wired(source, end, self._taken), end[1], plain, self._clear)
            return
        self._clear()
        if aim is None:
            self._let_go(pointer)
        elif aim != self._taken:
            source, end = self._end_of(aim)
            if canvas.attempt(changes.wired(source, end, self._taken), tr("Connect")):
                canvas.learn(end)

    def _let_go(self, pointer: Pointer) -> None:
        """Over nothing: a taken wire is gone, a new one asks what should stand at its end."""
        canvas = self.canvas
        if self._taken is not None:
            canvas.attempt(disconnect(*self._taken), tr("Disconnect"))
        elif canvas.board.node_at(pointer.scene) is None:
            end = (self._source, None) if self._source is not None else self._end
            assert end is not None
            canvas.search_for(pointer.scene, end)

    def drop(self) -> None:
        self._unlight()
        self._clear()

    def _unlight(self) -> None:
        """The mouse lets go: nothing is lit or said any more."""
        canvas = self.canvas
        if self._line is not None:
            canvas.board.light(None)
            canvas.viewport().unsetCursor()
            canvas.mending.forget()

    def _clear(self) -> None:
        canvas = self.canvas
        if self._line is not None:
            canvas.board.removeItem(self._line)
            self._line = None
        if self._taken in canvas.board.wires:
            canvas.board.wires[self._taken].setVisible(True)


def fitting_port(item: NodeItem, place: QPointF, own: Port | None = None) -> PortFace | None:
    """The port a wire let go at `place` on a node's body ends at.

    One right under the pointer; else the nearest empty one; else one that holds a number or a wire.
    `own` is the port the wire came from: it counts as empty.
    """
    under = item.near_port(place)
    if under is not None:
        return under

    def rank(port: PortFace) -> tuple[bool, float]:
        return port.spare, abs(item.port_at(port.name).y() - place.y())

    ports = item.face.ports
    empty = [p for p in ports if not p.literal and (not p.linked or (item.node_id, p.name) == own)]
    return min(empty or ports, key=rank, default=None)
