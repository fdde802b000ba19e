"""Focus: what is not upstream or downstream of the selection, or not in a lens, is dimmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

from app.text import pretty_name, tr
from engine.graph import Graph, Port

if TYPE_CHECKING:
    from app.view.canvas.keys import Keys


class Focus:
    """A way of looking that follows the selection while it is on; never a change of the document."""

    def __init__(self, canvas: Keys) -> None:
        self._canvas = canvas
        self.is_on = self._dims = False

    def toggle(self) -> None:
        self.is_on = not self.is_on
        self.refresh()

    def leave(self) -> bool:
        """Off; False when it was off."""
        was_on, self.is_on = self.is_on, False
        if was_on:
            self.refresh()
        return was_on

    def refresh(self) -> None:
        """Dims what has to be dimmed now; costs nothing while it is off and nothing is dimmed."""
        canvas = self._canvas
        session, board = canvas.session, canvas.board
        chosen = set(session.selection) if self.is_on else set()
        named = session.marks.all.named if session.marks.all.dim else None
        if not chosen and named is None and not self._dims:
            canvas.banner.tell("focus", self._words(chosen))
            return
        self._dims = bool(chosen) or named is not None
        structure = session.graph.structure
        above = reached(structure.pred, chosen)
        below = reached(structure.succ, chosen)
        lit = above | below
        marked, keys = _marked(session.graph, *named) if named is not None else (lit, set())
        changed = False
        for node_id, item in board.nodes.items():
            dim = bool(chosen) and node_id not in lit
            dim |= named is not None and node_id not in marked
            if dim != item.dim:
                item.dim, changed = dim, True
        for (target, port), wire in board.wires.items():
            on_way = (wire.source in above and target in above) or (
                wire.source in below and target in below
            )
            dim = bool(chosen) and not on_way
            dim |= named is not None and (target, port) not in keys
            if dim != wire.dim:
                wire.dim, changed = dim, True
        if changed:
            canvas.viewport().update()
        canvas.banner.tell("focus", self._words(chosen))

    def _words(self, chosen: set[str]) -> str:
        if not self.is_on:
            return ""
        graph = self._canvas.session.graph
        if not chosen:
            return tr("Focus: select a node to see what it depends on · Esc ends it")
        names = [pretty_name(graph.name(n)) for n in self._canvas.session.selection]
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        return f"{tr('Focus')}: {shown} · {tr('Esc shows everything')}"


def _marked(graph: Graph, nodes: Set[str], keys: Set[Port]) -> tuple[Set[str], Set[Port]]:
    """The nodes of a mark with those at the ends of its wires, and its wires."""
    ends = {end for key in keys for end in (key[0], graph.links.get(key, ""))}
    return nodes | ends, keys


def reached(neighbours: Mapping[str, Iterable[Any]], start: set[str]) -> set[str]:
    """Everything that can be come to from `start`, itself included."""
    found, waiting = set(start), list(start)
    while waiting:
        for following in neighbours[waiting.pop()]:
            if following not in found:
                found.add(following)
                waiting.append(following)
    return found
