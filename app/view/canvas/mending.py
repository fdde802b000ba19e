"""Wires weighed while they are dragged, and repairs offered for what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF

from app.text import pretty_name, tr
from app.view.canvas.ghost import Ghost
from app.view.canvas.repairs import Choice, Repairs, choice
from app.view.theme import Theme
from engine.edits import Edit
from engine.evaluate import Evaluation
from engine.fitting import Changes, Fit, Fitting
from engine.graph import Port
from engine.mending import repairs

if TYPE_CHECKING:
    from app.view.canvas.view import Canvas

LOOKED_AT = 500
"""Nodes behind a wire that are looked at while the mouse moves: 3 ms at most."""


class Mending:
    """The ghost at the pointer and the list of repairs of one canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.ghost, self.list = Ghost(canvas), Repairs(canvas)
        self._weighed: dict[tuple[str, Port, Port | None], Fit] = {}
        self._fitting: Fitting | None = None
        self._of: tuple[int, Evaluation] | None = None

    def set_theme(self, theme: Theme) -> None:
        self.ghost.set_theme(theme)
        self.list.set_theme(theme)

    def fitting(self) -> Fitting:
        """The wires of what is looked at; made anew when the document or its values changed."""
        session = self.canvas.session
        now = session.root.revision, session.evaluation
        if self._fitting is None or self._of is None or self._of[0] != now[0] or (
            self._of[1] is not now[1]
        ):  # fmt: skip
            self._fitting = Fitting(session.root, session.evaluation, session.place, LOOKED_AT)
            self._of, self._weighed = now, {}
        return self._fitting

    def weigh(self, source: str, end: Port, was: Port | None) -> Fit:
        """What a wire would do; asked again at every move of the mouse, looked at once."""
        fitting, key = self.fitting(), (source, end, was)
        if key not in self._weighed:
            self._weighed[key] = fitting.wire(source, end, was)
        return self._weighed[key]

    def show(self, fit: Fit | None, at: QPointF) -> None:
        """The ghost beside the pointer; nothing where no wire would be drawn."""
        if fit is None:
            self.ghost.hide()
        else:
            self.ghost.tell(fit, self.canvas.session.graph, at.toPoint())

    def forget(self) -> None:
        """The wire is let go: the ghost is gone, and so is what was known."""
        self.ghost.hide()
        self._fitting, self._of, self._weighed = None, None, {}

    def close(self) -> None:
        """Closes the list; nothing is done."""
        self.list.close_list()

    # ------------------------------------------------------------ repairs

    def offer(
        self, fit: Fit, wires: Changes, port: str, plain: Edit, over: Callable[[], object]
    ) -> None:
        """What would mend a wire that does not fit, and to draw it all the same."""
        choices = self._choices(fit.node, wires)

        def anyway() -> None:
            if self.canvas.attempt(plain, tr("Connect")):
                again = partial(self.repair_node, fit.node)
                self.canvas.say(fit.fault, (tr("Repair…"), again))

        choices.append(Choice(tr("Connect anyway"), anyway))
        self.list.ask(fit.fault, choices, self._beside(fit.node, port), over)

    def repair(self) -> None:
        """Offers what would mend the selected node."""
        if chosen := self.canvas.session.selection:
            self.repair_node(chosen[-1])

    def repair_node(self, node_id: str) -> None:
        """Offers what would mend a node, or says why there is nothing to offer."""
        canvas = self.canvas
        if node_id not in canvas.board.nodes:
            return
        fit = self.fitting().after({}, node_id, deep=False)
        choices = self._choices(node_id, {})
        name = pretty_name(canvas.session.graph.name(node_id))
        if choices:
            first = canvas.board.nodes[node_id].face.ports[0].name
            self.list.ask(f"{name}: {fit.fault}", choices, self._beside(node_id, first))
        elif fit.fault:
            canvas.say(f"{fit.fault}; {fit.advice or tr('no single node between mends it')}")
        else:
            canvas.say(tr("no shape disagrees here; there is nothing to repair"))

    def _choices(self, node_id: str, wires: Changes) -> list[Choice]:
        areas = {
            n: (body.x(), body.y(), body.width(), body.height())
            for n, item in self.canvas.board.nodes.items()
            for body in (item.body(),)
        }
        found = repairs(self.fitting(), node_id, wires, areas)
        return [choice(r, partial(self.canvas.attempt, r.edit, tr(r.title))) for r in found]

    def _beside(self, node_id: str, port: str) -> QPoint:
        item = self.canvas.board.nodes[node_id]
        return self.canvas.mapFromScene(item.port_at(port)) + QPoint(14, 14)
