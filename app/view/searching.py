"""What the window does when a person searches: what is offered, and what becomes of the choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF

from app.drawers import drawers
from app.matching import Words
from app.text import tr
from app.usage import Usage
from app.view import settings
from app.view.finder import Entry, action_entries, operator_entry, recent_first
from engine import examples, ops
from engine.expression import Call, ExpressionError, Name, parse, post_order
from engine.graph import Graph
from engine.ops.row import Op

if TYPE_CHECKING:
    from app.view.window import Window


class Search(QObject):
    """The search boxes of one window: commands (Ctrl+K), and nodes at a place of the canvas."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        window.canvas.search_requested.connect(self.at)

    def commands(self) -> None:
        """Everything there is: commands, operators, modules, examples, formulas."""
        window = self.window
        window.commands.refresh()
        weights = Usage(settings.connections()).operators()
        entries = [
            *action_entries(window.commands),
            *(operator_entry(op, window.add_operator, weights[op.name]) for op in self._rows()),
            *self._examples(),
        ]
        window.finder.ask(
            recent_first(entries, settings.recent_commands()), tr("Type a command or an operator"),
            made_of=lambda text: self._formula(text, window.compose),
        )  # fmt: skip

    def at(self, place: QPointF) -> None:
        """Nodes at a place of the canvas."""
        canvas = self.window.canvas
        spot: QPoint = canvas.viewport().mapTo(self.window, canvas.mapFromScene(place))
        weights = Usage(settings.connections()).operators()

        def add(name: str) -> None:
            canvas.add_operator(name, place)

        entries = [operator_entry(op, add, weights[op.name]) for op in self._rows()]
        self.window.finder.ask(
            [*entries, *self._examples()], tr("Search operators"), spot,
            made_of=lambda text: self._formula(text, lambda t: canvas.add_formula(t, place)),
        )  # fmt: skip

    def _rows(self) -> list[Op]:
        session = self.window.session
        return [op for rows in drawers(session.modules, session.operators).values() for op in rows]

    def _examples(self) -> list[Entry]:
        """The shipped examples, which a search may open."""

        def entry(name: str) -> Entry:
            info = examples.info(name)
            words = Words(info.title, (name,), category=tr("Examples"), about=info.about)
            return Entry(
                info.title, tr("Open example"), lambda: self.window.documents.open_example(name),
                words, quiet=True,
            )  # fmt: skip

        return [entry(name) for name in examples.names()]

    def _formula(self, text: str, add: Callable[[str], object]) -> Entry | None:
        """What was typed as a formula to add, if it is one."""
        if not is_formula(text, self.window.session.graph):
            return None
        return Entry(tr("Add as a formula"), text.strip(), lambda: add(text))


def is_formula(text: str, graph: Graph) -> bool:
    """True for what a document could take as a formula and is more than a name."""
    try:
        statements = parse(text)
        for statement in statements:
            for part in post_order(statement.tree):
                if isinstance(part, Call):
                    ops.lookup(part, None, graph.own_rows)
    except ExpressionError:
        return False
    return any(s.target or not isinstance(s.tree, Name) for s in statements)
