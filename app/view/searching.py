"""What the window does when a person searches: what is offered, and what becomes of the choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF
from PySide6.QtGui import QKeySequence

from app.candidates import forms_taken, gives, ports_for
from app.drawers import drawers
from app.matching import Words
from app.text import tr
from app.usage import Usage
from app.view import settings
from app.view.canvas.adding import End
from app.view.finder import Entry, action_entries, operator_entry, recent_first
from engine import examples, lessons, ops
from engine.expression import Call, ExpressionError, Name, parse, post_order
from engine.graph import Graph

if TYPE_CHECKING:
    from app.view.window import Window


class Search(QObject):
    """The search boxes of one window: commands (Ctrl+K), and nodes at a place of the canvas."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        window.canvas.search_requested.connect(self.at)
        window.canvas.typed.connect(self.typed)

    def commands(self) -> None:
        """Everything there is: commands, operators, modules, lessons, examples, formulas."""
        window = self.window
        window.commands.refresh()
        entries = [*action_entries(window.commands), *self._nodes(self._place), *self._shipped()]
        window.finder.ask(
            recent_first(entries, settings.recent_commands()), tr("Type a command or an operator"),
            made_of=lambda text: self._formula(text, window.compose),
        )  # fmt: skip

    def add(self, typed: str = "") -> None:
        """Nodes to add, at the pointer; the one that is chosen follows it."""
        canvas = self.window.canvas
        if canvas.asked is not None:  # by the menu of a place: the node is wanted there
            self.at(canvas.asked.place)
            return
        place = canvas.place_under_pointer()
        chosen = canvas.session.selection
        end = (chosen[0], None) if len(chosen) == 1 else None
        self.window.finder.ask(
            [*self._nodes(self._place, end), *self._examples()], tr("Search operators"),
            None if place is None else self._spot(place), typed,
            made_of=lambda text: self._formula(text, self.window.compose),
        )  # fmt: skip

    def typed(self, text: str, key: QKeySequence, bare: QKeySequence) -> None:
        """A letter or a sign on the canvas begins a search, unless it is a shortcut."""
        taken = {s for action in self.window.commands.by_id.values() for s in action.shortcuts()}
        if key not in taken and (text.isalpha() or bare not in taken):
            self.add(text)

    def at(self, place: QPointF, end: End | None = None) -> None:
        """Nodes at a place of the canvas; where a wire was let go there, only what fits its end."""
        canvas = self.window.canvas

        def add(name: str) -> None:
            canvas.add_operator(name, place, end)

        spot = self._spot(place)
        if end is not None:
            prompt = f"{tr('What fits')} {canvas.session.graph.name(end[0])}"
            nothing = tr("Nothing that fits this wire is called")
            self.window.finder.ask(self._nodes(add, end, True), prompt, spot, nothing=nothing)
            return
        self.window.finder.ask(
            [*self._nodes(add), *self._examples()], tr("Search operators"), spot,
            made_of=lambda text: self._formula(text, lambda t: canvas.add_formula(t, place)),
        )  # fmt: skip

    def _spot(self, place: QPointF) -> QPoint:
        canvas = self.window.canvas
        return canvas.viewport().mapTo(self.window, canvas.mapFromScene(place))

    def _place(self, name: str) -> None:
        self.window.show_editor()
        self.window.canvas.place_operator(name)

    def _nodes(
        self, add: Callable[[str], object], end: End | None = None, only: bool = False
    ) -> list[Entry]:
        """Operators and modules, those first that people wire to an end; `only` those that fit it."""
        session = self.window.session
        counts = Usage(settings.connections())
        often = counts.operators()
        near: Counter[str] = Counter()
        rows = [op for ops in drawers(session.modules, session.operators).values() for op in ops]
        if end is not None:
            node_id, port = end
            read = session.graph.op(node_id)
            if port is None:
                near = counts.readers(read.name)
                spec = session.evaluation.specs.get(node_id)
                module = read.definition is not None
                fitting = [op for op in rows if ports_for(op, spec, module)]
            else:
                near = counts.sources(read.name, read.inputs[0] if read.variadic else port)
                wanted = forms_taken(read, port)
                fitting = [op for op in rows if gives(op, wanted)]
            rows = fitting if only else rows
        return [operator_entry(op, add, near[op.name] + often[op.name] / 1e6) for op in rows]

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

    def _shipped(self) -> list[Entry]:
        """The examples, and the lessons."""

        def entry(name: str) -> Entry:
            info = lessons.INFO[name]
            words = Words(tr(info.title), (name,), category=tr("Lessons"), about=tr(info.about))
            return Entry(
                tr(info.title), tr("Open lesson"), lambda: self.window.lessons.open(name), words,
                quiet=True,
            )  # fmt: skip

        return [*map(entry, lessons.names()), *self._examples()]

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
                if isinstance(part, Call) and part.name not in examples.MODULES:
                    ops.lookup(part, None, graph.own_rows)
    except ExpressionError:
        return False
    return any(s.target or not isinstance(s.tree, Name) for s in statements)
