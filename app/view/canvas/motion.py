"""Short motion that explains: nodes gliding to new places, new nodes appearing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QPointF, QVariantAnimation

from app.view.theme import MOTION_MS
from engine.notes import place_of

if TYPE_CHECKING:
    from app.view.canvas.editing import Editing

MOST = 400
"""More nodes than this are put in place at once."""


class Motion:
    """One animation for all items; the document already is where the motion ends."""

    def __init__(self, canvas: Editing) -> None:
        self._canvas = canvas
        self._paths: dict[str, tuple[QPointF, QPointF]] = {}
        self._new: set[str] = set()
        self._clock = QVariantAnimation(canvas)
        self._clock.setDuration(MOTION_MS)
        self._clock.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._clock.setStartValue(0.0)
        self._clock.setEndValue(1.0)
        self._clock.valueChanged.connect(self._show)

    def start(self, new: Iterable[str], moved: Mapping[str, QPointF]) -> None:
        """`moved` nodes glide from where they stood, `new` ones fade in."""
        self.finish()
        board = self._canvas.board
        items = {**board.nodes, **board.notes.items} if moved else {}
        self._new = set(new)
        self._paths = {n: (was, items[n].pos()) for n, was in moved.items()}
        if 0 < len(self._new) + len(self._paths) <= MOST:
            self._clock.start()
            self._show(0.0)
        else:
            self._new, self._paths = set(), {}

    def finish(self) -> None:
        """Everything is where it belongs, now."""
        if self._new or self._paths:
            self.stop()
            self._show(1.0)
            self._new, self._paths = set(), {}

    def stop(self) -> None:
        self._clock.stop()

    def _show(self, share: float) -> None:
        nodes, graph = self._canvas.board.nodes, self._canvas.session.graph
        for node_id in self._new & nodes.keys():
            nodes[node_id].setOpacity(share)
        if share >= 1:
            # Where the document has them now, which may have moved on.
            ends = {
                n: QPointF(*place_of(graph, n))
                for n in self._paths
                if self._canvas.board.holds([n])
            }
            self._canvas.board.move_items(ends)
        else:
            self._canvas.board.move_items(
                {n: a + (b - a) * share for n, (a, b) in self._paths.items()}
            )
