"""One open document: its history, its values, its step and its training, without Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from app.history import History
from engine.edits import Edit
from engine.evaluate import Evaluation, evaluate
from engine.graph import Graph
from engine.ops.row import Array
from engine.trace import Step


class Event:
    """A list of listeners; bound methods are called in the order they joined."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def join(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def leave(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    def tell(self) -> None:
        for listener in list(self._listeners):
            listener()


class Session:
    """What the window shows of one document. Reads are free; `do` is the only way to change it.

    `cursor` counts the micro-steps shown: 0 shows nothing computed yet, `len(steps)` everything.
    """

    def __init__(self, graph: Graph, path: Path | None = None) -> None:
        self.path = path
        self.history = History(graph)
        self.history.changed.append(self._changed)
        self.document_changed, self.evaluated = Event(), Event()
        self.cursor_moved, self.selection_changed = Event(), Event()
        self.selection: tuple[str, ...] = ()
        self.evaluation: Evaluation = evaluate(graph)
        self.cursor = len(self.steps)

    @property
    def graph(self) -> Graph:
        return self.history.graph

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.evaluation.steps

    def do(self, edit: Edit, label: str, gesture: object | None = None) -> None:
        """One undoable change. Raises GraphError and changes nothing when it is refused."""
        self.history.do(edit, label, gesture)

    def select(self, node_ids: Iterable[str]) -> None:
        """Selection is not part of the document and not an undo step."""
        chosen = tuple(n for n in node_ids if n in self.graph.nodes)
        if chosen != self.selection:
            self.selection = chosen
            self.selection_changed.tell()

    def seek(self, cursor: int) -> None:
        """Shows the state after `cursor` micro-steps."""
        self.cursor = max(0, min(cursor, len(self.steps)))
        self.cursor_moved.tell()

    @property
    def step(self) -> Step | None:
        """The micro-step just shown, or None before the first."""
        return self.steps[self.cursor - 1] if self.cursor else None

    def shown_value(self, node_id: str) -> Array | None:
        """The node's value if it is computed at this step."""
        return self.evaluation.shown_value(node_id, self.cursor)

    def shown_gradient(self, node_id: str) -> Array | None:
        """The node's gradient so far at this step; None before anything reached it."""
        return self.evaluation.shown_gradient(node_id, self.cursor)

    def _changed(self) -> None:
        self.document_changed.tell()
        kept = tuple(n for n in self.selection if n in self.graph.nodes)
        if kept != self.selection:
            self.selection = kept
            self.selection_changed.tell()
        self.refresh()

    def refresh(self, **feeds: Any) -> None:
        """Computes values and gradients again; the cursor stays at the end if it was there."""
        at_end = self.cursor >= len(self.steps)
        self.evaluation = evaluate(self.graph, **feeds)
        self.cursor = len(self.steps) if at_end else min(self.cursor, len(self.steps))
        self.evaluated.tell()
