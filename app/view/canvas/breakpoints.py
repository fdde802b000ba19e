"""Breakpoints: nodes at which a pass stops; each shows a mark at its corner."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import TYPE_CHECKING

from app import stops
from app.text import tr
from app.view.canvas.drawing import Stop
from engine.edits import set_setting

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas


class Breakpoints:
    """Those of what is looked at. Setting one is a change of the document."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._marked: Set[str] = frozenset()

    def toggle(self) -> None:
        """The selected nodes get one; if all have one, they give it up."""
        session = self._canvas.session
        edit = stops.toggled(session.graph, session.selection)
        self._canvas.attempt(edit, tr("Breakpoint"))

    def clear(self) -> None:
        self._canvas.attempt(set_setting("breakpoints", ()), tr("Clear all breakpoints"))

    def refresh(self) -> None:
        """The marks of the nodes as the document has them; of modules that hold one, a hollow one."""
        graph = self._canvas.session.graph
        marks: dict[str, Stop] = dict.fromkeys(stops.stopping_inside(graph), "inside")
        marks |= dict.fromkeys(graph.settings["breakpoints"], "here")
        nodes = self._canvas.board.nodes
        for node_id in (marks.keys() | self._marked) & nodes.keys():
            look = nodes[node_id].look
            nodes[node_id].set_look(replace(look, stop=marks.get(node_id, "")))
        self._marked = marks.keys()
