"""Focus: everything that is not upstream or downstream of the selection is dimmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.text import tr
from app.view.canvas.face import pretty_name

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
        if not chosen and not self._dims:
            canvas.banner.tell("focus", self._words(chosen))
            return
        self._dims = bool(chosen)
        structure = session.graph.structure
        above = reached(structure.pred, chosen)
        below = reached(structure.succ, chosen)
        lit = above | below
        changed = False
        for node_id, item in board.nodes.items():
            dim = bool(chosen) and node_id not in lit
            if dim != item.dim:
                item.dim, changed = dim, True
        for (target, _), wire in board.wires.items():
            on_way = (wire.source in above and target in above) or (
                wire.source in below and target in below
            )
            dim = bool(chosen) and not on_way
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


def reached(neighbours: Mapping[str, Iterable[Any]], start: set[str]) -> set[str]:
    """Everything that can be come to from `start`, itself included."""
    found, waiting = set(start), list(start)
    while waiting:
        for following in neighbours[waiting.pop()]:
            if following not in found:
                found.add(following)
                waiting.append(following)
    return found
