"""What people do to the wires around nodes: mute, take out, dissolve, cut, and dots on wires."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF

from app.text import tr
from app.view.canvas.editing import Editing
from app.view.canvas.face import DOT
from app.view.canvas.places import snap
from engine import rewiring
from engine.edits import Edit
from engine.graph import Port


class Rewiring:
    """Acts on the selection of a canvas; each call is one undo step."""

    def __init__(self, canvas: Editing) -> None:
        self._canvas = canvas

    def mute(self) -> None:
        """The selected operators hand on what they read, or compute again when all were muted."""
        session = self._canvas.session
        if chosen := session.selection:
            computed = [n for n in chosen if not session.graph.op(n).is_source]
            on = not all(session.graph.nodes[n].muted for n in computed)
            label = tr("Mute") if on else tr("Unmute")
            self._canvas.attempt(lambda: rewiring.mute(session.graph, chosen), label)

    def take_out(self) -> None:
        """The selected nodes lose their wires to others; what was around them is joined."""
        session = self._canvas.session
        if chosen := session.selection:
            self._canvas.attempt(
                lambda: rewiring.taken_out(session.graph, chosen), tr("Take out of wires")
            )

    def dissolve(self) -> None:
        """The selected nodes go; what was around them is joined."""
        session = self._canvas.session
        if chosen := session.selection:
            self._canvas.attempt(
                lambda: rewiring.dissolve(session.graph, chosen), tr("Delete and reconnect")
            )

    def cut(self, wires: Iterable[Port]) -> None:
        """Takes wires away."""
        keys = list(wires)
        if keys:
            label = tr("Cut wire") if len(keys) == 1 else tr("Cut wires")
            self._canvas.attempt(rewiring.cut(keys), label)

    def add_dot(self, wire: Port, place: QPointF) -> None:
        """A dot on a wire, its middle at a scene place."""
        graph = self._canvas.session.graph
        at = (snap(place.x() - DOT / 2), snap(place.y() - DOT / 2))
        made: list[str] = []

        def build() -> Edit:
            edit, node_id = rewiring.add_dot(graph, [wire], at)
            made.append(node_id)
            return edit

        if self._canvas.attempt(build, tr("Dot on wire")):
            self._canvas.session.select(made)

    def dot(self) -> None:
        """A dot where the wire was pointed at."""
        wire = self._canvas.pointed_wire
        if wire is not None:
            self.add_dot(wire, self._canvas.pointed_place)
