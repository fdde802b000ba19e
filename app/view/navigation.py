"""What the window does to go somewhere: nodes found by name, faults, neighbours, its own parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget

from app.matching import Words, label_of
from app.text import pretty_name, tr
from app.view.canvas.face import as_typed, own_formula
from app.view.canvas.keyboard import wire_by_keys
from app.view.finder import Entry
from engine import inside
from engine.edits import disconnect
from engine.graph import Graph
from engine.inside import Place

if TYPE_CHECKING:
    from app.view.frame import Frame

READABLE = 0.6
"""The zoom from which on a node that was gone to can be read."""
MAX_FOUND = 20_000
LISTED = 200
"""So many nodes are listed before anything is typed; the others are found by typing."""


class Navigation(QObject):
    """The commands that go somewhere, over the parts of one window."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self._window = window
        self.session = window.session
        self.canvas = window.canvas

    # ------------------------------------------------------------ nodes

    def go_to(self, place: Place, node_id: str) -> None:
        """Selects a node or a note, inside of a module too, and glides to where it is seen."""
        if place != self.session.place:
            self.session.go(place)
        self.session.select((node_id,))
        if node_id not in self.session.chosen:
            return
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self.canvas.show_node(node_id, READABLE)

    def find(self) -> None:
        """Asks for a node of the whole document by its name, its formula or its operator."""
        self._window.finder.ask(
            self.found(), tr("Find a node by name, formula or operator; a note by its words")
        )

    def found(self) -> list[Entry]:
        """Every node and every note as a line that goes there, those with a fault first."""
        faults = {(place, node_id): text for place, node_id, text in self.faults()}
        first: list[Entry] = []
        others: list[Entry] = []
        for number, (place, graph, way) in enumerate(self._places()):
            for node_id, node in graph.nodes.items():
                row = graph.op(node_id)
                formula = own_formula(graph, node_id)
                fault = faults.get((place, node_id))
                spellings = tuple(filter(None, (row.name, row.symbol, as_typed(formula))))
                title = f"{pretty_name(node.name)} = {formula}"
                entry = Entry(
                    title,
                    f"⚠ {tr('fault')}" if fault else way if number else tr(label_of(row)),
                    partial(self.go_to, place, node_id),
                    Words(
                        title,
                        (node.name,),
                        spellings,
                        (*row.aliases, tr("fault")) if fault else row.aliases,
                    ),
                )
                (first if fault else others).append(entry)
            for note in graph.notes.values():
                if title := " ".join(note.text.split())[:80]:
                    kind = tr("frame") if note.kind == "frame" else tr("note")
                    go = partial(self.go_to, place, note.id)
                    others.append(Entry(title, f"{kind} {way}" if number else kind, go))
            if len(others) >= MAX_FOUND:
                break
        return [*first, *others[:LISTED], *(replace(e, quiet=True) for e in others[LISTED:])]

    def _places(self) -> Iterator[tuple[Place, Graph, str]]:
        """The document and everything inside its modules, outermost first."""
        waiting: list[tuple[Place, Graph, str]] = [((), self.session.root, "")]
        while waiting:
            place, graph, way = waiting.pop(0)
            yield place, graph, way
            for node_id, node in graph.nodes.items():
                definition = graph.op(node_id).definition
                if definition is not None and len(waiting) < MAX_FOUND:
                    inner = f"{way} › {node.name}" if way else f"{tr('in')} {node.name}"
                    waiting.append(((*place, node_id), definition, inner))

    def faults(self) -> list[tuple[Place, str, str]]:
        """Where something is wrong and what, in the order of computing; inside a module rather than
        at it."""
        found: list[tuple[Place, str, str]] = []
        waiting = self._faults_at(())
        while waiting:
            place, node_id, text = waiting.pop(0)
            inner = self._faults_at((*place, node_id))
            waiting = inner + waiting
            if not inner:
                found.append((place, node_id, text))
        return found

    def _faults_at(self, place: Place) -> list[tuple[Place, str, str]]:
        root = self.session.root
        graphs = inside.levels(root, place)
        if len(graphs) <= len(place):
            return []
        seen = inside.look(self.session.whole, place)
        return [(place, n, text) for n in graphs[-1].order() if (text := seen.fault_of(n))]

    def next_fault(self) -> None:
        """Goes to the fault behind the selected one, from the last one to the first."""
        places = [(place, node_id) for place, node_id, _ in self.faults()]
        if not places:
            return
        chosen = self.session.selection
        here = (self.session.place, chosen[-1]) if chosen else None
        at = places.index(here) + 1 if here in places else 0
        self.go_to(*places[at % len(places)])

    def walk(self, across: int, down: int, extend: bool = False) -> None:
        """To a neighbour of the selected node."""
        self.canvas.walk.step((across, down), extend)
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_bookmark(self, digit: str) -> None:
        self.canvas.bookmarks.toggle(digit)

    def go_bookmark(self, digit: str) -> None:
        self.canvas.bookmarks.go(digit)

    # ------------------------------------------------------------ looking

    def show_all(self) -> None:
        """All of it, as far as the view zooms out; the rest is told."""
        self.canvas.glide_to()
        zoom, size = self.canvas.resting[1], self.canvas.viewport().size()
        content = self.canvas.board.content(None).size() * zoom
        if content.width() > size.width() or content.height() > size.height():
            self._window.tell(
                tr("it is too large to be seen as a whole; the minimap (Shift+M) shows all of it")
            )

    def show_selection(self) -> None:
        self.canvas.glide_to(self.session.chosen, 1.5)

    def toggle_minimap(self) -> None:
        self.canvas.minimap.toggle()

    def toggle_focus(self) -> None:
        self.canvas.focus_lens.toggle()

    # ------------------------------------------------------------ wires

    def connect_wire(self, back: bool = False) -> None:
        """A wire from the selected node, or `back` to it, drawn by keys."""
        wire_by_keys(self.canvas, back)

    def disconnect_wire(self) -> None:
        """Asks which wire of the selected node goes."""
        graph, node_id = self.session.graph, self.session.selection[-1]
        ends = [(node_id, p) for p in graph.ports(node_id) if (node_id, p) in graph.links]
        ends += [key for key, source in graph.links.items() if source == node_id]

        def entry(end: tuple[str, str]) -> Entry:
            source, target = (
                pretty_name(graph.name(graph.links[end])),
                pretty_name(graph.name(end[0])),
            )
            title, names = (
                f"{source} → {target}",
                (graph.name(graph.links[end]), graph.name(end[0])),
            )
            return Entry(
                title,
                f"{tr('port')} {end[1]}",
                lambda: self._cut(end),
                Words(title, names, (end[1],)),
            )

        prompt = f"{tr('Disconnect a wire of')} {graph.name(node_id)}"
        self._window.finder.ask([entry(end) for end in ends], prompt)

    def _cut(self, end: tuple[str, str]) -> None:
        self.canvas.attempt(disconnect(*end), tr("Disconnect"))
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    # ------------------------------------------------------------ parts of the window

    def next_part(self, step: int = 1) -> None:
        """The keyboard goes to the next part: the canvas, a panel or a bar."""
        window = self._window
        docks = [dock.widget() for dock in window.docks.values()]
        parts = [
            part
            for part in (self.canvas, *docks, window.transport, window.top)
            if part.isVisible() and _first(part) is not None
        ]
        if not parts:
            return
        here = QApplication.focusWidget()
        at = next(
            (
                i
                for i, p in enumerate(parts)
                if here is not None and (p is here or p.isAncestorOf(here))
            ),
            None,
        )
        following = parts[(0 if step > 0 else -1) if at is None else (at + step) % len(parts)]
        target = _first(following)
        assert target is not None
        target.setFocus(Qt.FocusReason.TabFocusReason)


def _first(part: QWidget) -> QWidget | None:
    """Where the keyboard goes in a part: where it was last, else its first widget in tab order."""
    last = part.focusWidget()
    candidates = [*([last] if last is not None else []), part]
    widget = part.nextInFocusChain()
    while widget is not None and widget is not part:
        if part.isAncestorOf(widget):
            candidates.append(widget)
        widget = widget.nextInFocusChain()
    for candidate in candidates:
        takes = candidate.focusPolicy() & Qt.FocusPolicy.TabFocus
        if takes and candidate.isVisible() and candidate.isEnabled():
            return candidate
    return None
