"""One open document: its history, its values, its step and its training, without Qt."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app.history import History
from app.marks import Marks
from engine import inside, ties
from engine.edits import Edit, Keeping, set_tensors
from engine.evaluate import Evaluation, Evaluator
from engine.graph import Graph, GraphError
from engine.inside import Inside, Place
from engine.ops.row import Array, Op
from engine.script import Steps
from engine.trace import Step
from engine.train import data
from engine.train.problem import use_threads
from engine.veil import What, veiled


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


MOST_NUMBERS = 4_000_000
"""Of a pass that is shown; more of them would be felt with every edit."""


class Session:
    """What the window shows of one document. Reads are free; `do` is the only way to change it.

    `cursor` counts the micro-steps shown: 0 shows nothing computed yet, `len(steps)` everything.
    `opened` tells of another document in the same session, before the other events do.
    `root` is the document and `place` the ids of the instances that lead to what is looked at:
    `graph`, `evaluation`, `steps`, `cursor` and `selection` are those of that module, seen in its
    instance. `place_changed` tells that another one is looked at. `selection` are nodes,
    `notes_selected` notes and frames, `chosen` all of them.
    `held` are parameters that stand in for the document's until they are let go: a moment of the past
    that is looked at.
    `key` tells this opening of the document from every other one.
    `marks` are what explaining parts add to the canvas; they go with the place that is looked at.
    `data_fault` is a sentence when a data source cannot be read, else empty.
    `locked` is a sentence while nothing may be changed, else empty. `hidden` is the number that a
    person is to predict: `whole` and all that is read of it end before it, `known` has everything.
    """

    def __init__(self, graph: Graph, path: Path | None = None, called: str = "") -> None:
        self.opened = Event()
        self.document_changed, self.evaluated = Event(), Event()
        self.cursor_moved, self.selection_changed = Event(), Event()
        self.place_changed = Event()
        self.marks = Marks()
        self.data_fault, self.locked = "", ""
        self._feeds_key: Any = None
        self._feeds: dict[str, Array] = {}
        self._begin(graph, path, called)

    def _begin(self, graph: Graph, path: Path | None, called: str) -> None:
        self.path, self._called = path, called
        self.key = secrets.token_hex(8)
        self.hidden: tuple[str, What] | None = None
        self.held: Mapping[str, Array] = {}
        self.history = History(graph)
        self.history.changed.append(self._changed)
        self.selection: tuple[str, ...] = ()
        self.notes_selected: tuple[str, ...] = ()
        self.place: Place = ()
        use_threads(1)  # as training does: the same numbers, and no threads that wait for a core
        self._evaluate = Evaluator()
        self.known: Evaluation = self._pass(graph)
        self.whole: Evaluation = self.known
        self.evaluation: Evaluation = self.whole
        self._shown: tuple[Any, Evaluation, Graph] | None = None
        self._drawn: tuple[Evaluation, dict[str, Array]] | None = None
        self._meaning = graph.meaning
        self.cursor = len(self.steps)
        self._sought: int | None = None

    def load(self, graph: Graph, path: Path | None = None, called: str = "") -> None:
        """Shows another document; everything that listens hears of it."""
        self._begin(graph, path, called)
        self.marks.clear()
        for event in (self.opened, self.place_changed, self.document_changed, self.evaluated):
            event.tell()
        self.selection_changed.tell()
        self.cursor_moved.tell()

    @property
    def root(self) -> Graph:
        """The whole document."""
        return self.history.graph

    @property
    def graph(self) -> Graph:
        """What is looked at: the document, or a module's definition with its instance's values."""
        if not self.place:
            return self.root
        key = (self.place, self.root.revision)
        known = self._shown
        if known is None or known[0] != key or known[1] is not self.evaluation:
            shown = inside.shown_graph(self.root, self.place, self.evaluation, self.drawn)
            known = self._shown = key, self.evaluation, shown
        return known[2]

    @property
    def drawn(self) -> dict[str, Array]:
        """The starts of parameters that the document does not hold, by path."""
        if self._drawn is None or self._drawn[0] is not self.whole:
            self._drawn = self.whole, ties.drawn(self.root, self.whole.expansion)
        return self._drawn[1]

    @property
    def drawn_here(self) -> dict[str, Array]:
        """As `drawn`, of what is looked at; inside a module its definition holds them all."""
        return {} if self.place else self.drawn

    @property
    def operators(self) -> tuple[Op, ...]:
        """The document's own operators as rows."""
        return tuple(self.graph.own_rows[name] for name in self.graph.operators)

    @property
    def modules(self) -> dict[str, Graph]:
        """The document's own modules by name, those that are looked into left out."""
        around = inside.names(self.root, self.place)
        own = {**self.root.modules, **self.graph.modules}
        return {name: definition for name, definition in own.items() if name not in around}

    @property
    def path_names(self) -> list[str]:
        """What the instances that lead to the place are called, outermost first."""
        graphs = inside.levels(self.root, self.place)
        return [g.name(n) for g, n in zip(graphs, self.place, strict=False)]

    @property
    def steps(self) -> Steps:
        return self.evaluation.steps

    @property
    def forward_end(self) -> int:
        """How many of the steps are forward ones; they come first."""
        return self.steps.script.forward_end

    @property
    def base(self) -> Path | None:
        """The folder that data files of the document are relative to."""
        return self.path.parent if self.path else None

    @property
    def title(self) -> str:
        """What the document is called: its file's name, what it was opened as, its title."""
        if self.path:
            return self.path.stem
        return self._called or str(self.root.settings["title"]) or "Untitled"

    # ------------------------------------------------------------ changing

    def do(self, edit: Edit, label: str, gesture: object | None = None) -> None:
        """One undoable change of what is looked at; inside a module all its instances follow.

        Raises GraphError and changes nothing when it is refused.
        """
        self.do_outside(self.placed(edit), label, gesture)

    def placed(self, edit: Edit) -> Edit:
        """A change of what is looked at, as one of the whole document."""
        if self.place:
            return Inside(self.place, edit, self.drawn)
        return Keeping(edit, self.drawn) if ties.tied(self.root) else edit

    def do_outside(self, edit: Edit, label: str, gesture: object | None = None) -> None:
        """One undoable change of the whole document, wherever it is looked at.

        Raises GraphError and changes nothing when it is refused.
        """
        if self.locked:
            raise GraphError(self.locked)
        self.history.do(edit, label, gesture)

    def keep_training(self, parameters: Mapping[str, Array], epochs: int, below: int = 0) -> bool:
        """Takes trained parameters into the document as one undo step, below so many that were done
        since; False if none is new."""
        unit = "epoch" if epochs == 1 else "epochs"
        label = f"Train {epochs} {unit}" if epochs else "Train one step"
        if self.history.do_below(below, label, partial(self._trained, parameters)):
            return True
        self.refresh()
        return False

    def _trained(self, parameters: Mapping[str, Array]) -> Edit | None:
        """The edit that gives the document these parameters, None if none is new."""
        known = {
            n: v
            for n, v in parameters.items()
            if n.partition(".")[0] in self.root.nodes and self.root.tensors.get(n) is not v
        }
        moved = {n: v for n, v in known.items() if not _equal(self.root.tensors.get(n), v)}
        return set_tensors(moved) if moved else None

    # ------------------------------------------------------------ looking

    def enter(self, node_id: str) -> bool:
        """Looks into an instance; False for what is no module."""
        if node_id not in self.graph.nodes or self.graph.op(node_id).definition is None:
            return False
        self.go((*self.place, node_id))
        return True

    def leave(self) -> bool:
        """Looks at what the module stands in, the instance selected; False at the document."""
        if not self.place:
            return False
        node_id = self.place[-1]
        self.go(self.place[:-1])
        self.select((node_id,))
        return True

    def go(self, place: Place) -> None:
        """Looks at a place that is there; the step stays the one it was as far as it is seen."""
        at = self.whole_cursor
        self.place = place[: len(inside.levels(self.root, place)) - 1]
        self.selection = self.notes_selected = ()
        self.marks.clear()
        self._see(at)
        for event in (
            self.place_changed, self.evaluated, self.selection_changed, self.cursor_moved,
        ):  # fmt: skip
            event.tell()

    @property
    def chosen(self) -> tuple[str, ...]:
        """Nodes, notes and frames that are selected."""
        return (*self.selection, *self.notes_selected)

    def select(self, ids: Iterable[str]) -> None:
        """Selects nodes, notes and frames; not part of the document and not an undo step."""
        before, wanted, graph = self.chosen, tuple(ids), self.graph
        self.selection = tuple(n for n in wanted if n in graph.nodes)
        self.notes_selected = tuple(n for n in wanted if n in graph.notes)
        if self.chosen != before:
            self.selection_changed.tell()

    def seek(self, cursor: int) -> None:
        """Shows the state after `cursor` micro-steps."""
        self.cursor = max(0, min(cursor, len(self.steps)))
        self._remember_cursor()
        self.cursor_moved.tell()

    def seek_whole(self, cursor: int) -> None:
        """As `seek`, by the micro-steps of the whole document, wherever one looks."""
        found = self.evaluation
        self.seek(found.inward(cursor) if isinstance(found, inside.View) else cursor)

    def _remember_cursor(self) -> None:
        """The step to go back to when there are as many again; None is the end, however far."""
        self._sought = self.cursor if self.cursor < len(self.steps) else None

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

    def refresh(self, parameters: Mapping[str, Array] | None = None) -> None:
        """Computes values and gradients again; the cursor stays where it was sought, or at the end.

        `parameters`, else those held, stand in for the document's tensors, which stay as they are.
        """
        graph, parameters = self.root, parameters or self.held
        if parameters:
            graph = copy.copy(graph)  # the tables are shared; only this one differs
            graph.tensors = {**graph.tensors, **parameters}
        self.known = self._pass(graph)
        self._cover()
        steps = len(self.steps)
        self.cursor = steps if self._sought is None else min(self._sought, steps)
        self.evaluated.tell()

    def hide(self, what: tuple[str, What] | None) -> None:
        """Hides the value or the gradient of a node, called by its path of ids, and what comes after
        it: the pass ends right before. None shows everything again, and the step stays."""
        self.hidden = what
        self._cover()
        self.marks.clear()
        if what is not None:
            self.cursor = len(self.steps)
        self._remember_cursor()
        self.evaluated.tell()

    def _cover(self) -> None:
        known, hidden = self.known, self.hidden
        self.whole = known if hidden is None else veiled(known, *hidden)
        self.evaluation = inside.look(self.whole, self.place)

    # ------------------------------------------------------------ inside

    def _see(self, at: int) -> None:
        """The place's part of the evaluation, at a step of the whole."""
        self.evaluation = inside.look(self.whole, self.place)
        self.cursor = self.evaluation.inward(at) if isinstance(self.evaluation, inside.View) else at
        self._remember_cursor()

    @property
    def whole_cursor(self) -> int:
        """The micro-step of the whole document that is shown, wherever one looks."""
        found = self.evaluation
        return found.outward(self.cursor) if isinstance(found, inside.View) else self.cursor

    def _changed(self) -> None:
        """Leaves modules that are gone; then everything follows the document."""
        place = self.place[: len(inside.levels(self.root, self.place)) - 1]
        if place != self.place:
            at = self.whole_cursor
            self.place, self.selection, self.notes_selected = place, (), ()
            self.marks.clear()
            self._see(at)
            self.place_changed.tell()
            self.selection_changed.tell()
        before = self.chosen
        self.selection = tuple(n for n in self.selection if n in self.graph.nodes)
        self.notes_selected = tuple(n for n in self.notes_selected if n in self.graph.notes)
        self.document_changed.tell()
        if self.chosen != before:
            self.selection_changed.tell()
        if self.root.meaning != self._meaning:
            self._meaning = self.root.meaning
            self.refresh()

    def _pass(self, graph: Graph) -> Evaluation:
        """Values and gradients of the first rows: of fewer where a row makes very many numbers, so that
        a network on pictures follows an edit as fast as a small one."""
        feeds = self._read_feeds()
        known = self._evaluate(graph, feeds)
        rows = max((len(array) for array in feeds.values()), default=0)
        if (
            rows > 1
            and (count := sum(array.size for array in known.values.values())) > MOST_NUMBERS
        ):
            fewer = max(1, rows * MOST_NUMBERS // count)
            self._feeds = {node_id: array[:fewer] for node_id, array in feeds.items()}
            known = self._evaluate(graph, self._feeds)
        return known

    def _read_feeds(self) -> dict[str, Array]:
        graph = self.root
        nodes = data.data_nodes(graph)
        tables = tuple(
            id(v) for k, v in graph.tensors.items() if k.partition(".")[0] in graph.sources
        )
        key = (nodes, dict(graph.sources), tables, graph.recipe.stages[0].batch_size, self.base)
        if key != self._feeds_key:
            self._feeds_key, self.data_fault = key, ""
            try:
                with data.at_once():
                    self._feeds = data.feeds(graph, self.base) if nodes else {}
            except data.NotReady as error:  # training makes it ready, so it is asked for again
                self._feeds, self.data_fault, self._feeds_key = {}, str(error), None
            except (ValueError, OSError) as error:
                self._feeds, self.data_fault = {}, str(error)
        return self._feeds


def _equal(one: Array | None, other: Array) -> bool:
    return one is not None and one.shape == other.shape and bool((one == other).all())
