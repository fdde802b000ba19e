"""Bookmarks 1 to 9: nodes of the document that a digit goes to; each shows its digit on a flag."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import TYPE_CHECKING

from app.text import tr
from app.view.canvas import changes

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas


class Bookmarks:
    """Those of what is looked at. Setting one is a change of the document, going there is none."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._flagged: Set[str] = frozenset()

    def toggle(self, digit: str) -> None:
        """The selected node takes the digit from the one that had it; if that is itself, it gives it
        up."""
        session = self._canvas.session
        edit = changes.bookmarked(session.graph, digit, session.selection[-1])
        self._canvas.attempt(edit, f"{tr('Bookmark')} {digit}")

    def go(self, digit: str) -> None:
        """Selects the node and shows it with what it reads and what reads it; inside a module
        without such a bookmark, that of the document."""
        session = self._canvas.session
        node_id = session.graph.settings["bookmarks"].get(digit)
        if node_id is None:
            node_id = session.root.settings["bookmarks"].get(digit)
            if node_id is None:
                return
            session.go(())
        structure = session.graph.structure
        around = {node_id, *structure.predecessors(node_id), *structure.successors(node_id)}
        session.select((node_id,))
        self._canvas.glide_to(around)

    def refresh(self) -> None:
        """The flags of the nodes as the document has them."""
        bookmarks = self._canvas.session.graph.settings["bookmarks"]
        digits: dict[str, str] = {}
        for digit, node_id in sorted(bookmarks.items()):
            digits[node_id] = f"{digits[node_id]} {digit}" if node_id in digits else digit
        nodes = self._canvas.board.nodes
        for node_id in (digits.keys() | self._flagged) & nodes.keys():
            look = nodes[node_id].look
            nodes[node_id].set_look(replace(look, flag=digits.get(node_id, "")))
        self._flagged = digits.keys()
