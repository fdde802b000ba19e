"""The canvas by keys alone: going from node to node, and wiring by arrows or by a name."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QPointF

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

Direction = tuple[int, int]
Key = TypeVar("Key", bound=Hashable)

LEFT, RIGHT = (-1, 0), (1, 0)


def nearest(place: QPointF, towards: Direction, places: Mapping[Key, QPointF]) -> Key | None:
    """What lies next in a direction; what stands far to the side counts as farther away."""
    across, down = towards
    best: tuple[float, Key] | None = None
    for key, other in places.items():
        x, y = other.x() - place.x(), other.y() - place.y()
        along, aside = x * across + y * down, abs(x * down + y * across)
        if along < 2 or aside > 4 * along:
            continue
        score = along + 2 * aside
        if best is None or score < best[0]:
            best = score, key
    return best[1] if best else None


class Walk:
    """Going from the selected node to what it reads, what reads it, and what stands above or below.

    Going back the way one came leads to where one was.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._last: tuple[str, Direction, str] | None = None

    def step(self, towards: Direction, extend: bool = False) -> None:
        session = self._canvas.session
        chosen = session.selection
        if not chosen:
            following = self._first()
        else:
            following = self._following(chosen[-1], towards)
        if following is None:
            return
        if chosen:
            self._last = chosen[-1], towards, following
        kept = [n for n in chosen if n != following] if extend else []
        session.select((*kept, following))
        self._canvas.show_node(following)

    def _following(self, node_id: str, towards: Direction) -> str | None:
        back = (-towards[0], -towards[1])
        graph = self._canvas.session.graph
        nodes = self._canvas.board.nodes
        if towards == LEFT:
            known = [
                graph.links[k] for p in graph.ports(node_id) if (k := (node_id, p)) in graph.links
            ]
        elif towards == RIGHT:
            here = nodes[node_id].body().center().y()
            known = sorted(
                graph.structure.successors(node_id),
                key=lambda n: (abs(nodes[n].body().center().y() - here), nodes[n].x()),
            )
        else:
            known = [n for n in nodes if n != node_id]
        if self._last is not None and self._last[1:] == (back, node_id) and self._last[0] in known:
            return self._last[0]
        if towards in (LEFT, RIGHT):
            return known[0] if known else None
        places = {n: nodes[n].body().center() for n in known}
        return nearest(nodes[node_id].body().center(), towards, places)

    def _first(self) -> str | None:
        """Without a selection: the node nearest to the middle of the view."""
        centre = self._canvas.centre()

        def distance(node_id: str) -> float:
            off = self._canvas.board.nodes[node_id].body().center() - centre
            return off.x() ** 2 + off.y() ** 2

        return min(self._canvas.board.nodes, key=distance, default=None)
