"""What nodes and wires show at the session's step, and which of them a step changes."""

from __future__ import annotations

from app.session import Session
from app.text import tr
from app.view.canvas.face import Face, live_face
from app.view.canvas.wire_item import WireFace, WireItem
from app.view.theme import number_text
from engine.evaluate import Evaluation
from engine.graph import Port
from engine.shapes import shape_text
from engine.trace import Step


class Values:
    """Reads a session. `follow` is told of every change; what is shown is worked out on demand.

    `visited` are the nodes that the step is at, and the one before.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._evaluation: Evaluation | None = None
        self._cursor = 0
        self._current: Step | None = None
        self._visited, self._phase = "", ""
        self.visited: set[str] = set()
        self._passes: dict[Port, list[int]] = {}
        self._passes_of: tuple[object, int] | None = None
        self._dots_of: tuple[int, set[str]] | None = None

    def follow(self, stepping: bool) -> set[str] | None:
        """Nodes that may show something else than before; None when all may."""
        session = self._session
        evaluation, cursor = session.evaluation, session.cursor
        before, was, visited = self._evaluation, self._cursor, self._visited
        self._evaluation, self._cursor = evaluation, cursor
        self._current = current = session.step if stepping else None
        self._visited = self._phase = ""
        if current is not None:
            self._visited = evaluation.node_of(current.target or current.node) or ""
            self._phase = "forward" if current.phase == "forward" else "backward"
        self.visited = {n for n in (visited, self._visited) if n}
        if evaluation is not before or session.place:
            return None
        low, high = sorted((was, cursor))
        if high - low > len(session.graph.nodes):
            return None
        outlines = evaluation.steps.script.outlines
        steps = {s for o in outlines[low:high] for s in (o.node, o.target) if s}
        nodes = {evaluation.node_of(s) for s in steps} | self.visited
        results = evaluation.expansion.results
        nodes |= {n for n, ref in results.items() if ref in steps} if results else set()
        # A wire of the step before or of this one ends at the node whose rule it was.
        for number in (was, cursor):
            if number:
                nodes.add(evaluation.node_of(outlines[number - 1].node))
        known = [n for n in nodes if n]
        dots, read = self._dots(), session.graph.structure.pred
        for node_id in (
            known if dots else ()
        ):  # grows on the way: what it reads through dots as well
            known += [source for source in read[node_id] if source in dots]
        return set(known)

    def _dots(self) -> set[str]:
        graph = self._session.graph
        if self._dots_of is None or self._dots_of[0] != graph.meaning:
            found = {n for n in graph.nodes if graph.op(n).is_wire}
            self._dots_of = graph.meaning, found
        return self._dots_of[1]

    @property
    def at_work(self) -> tuple[str, str]:
        """The node that the step is at, and whether that is "forward" or "backward"."""
        return self._visited, self._phase

    def added(self) -> tuple[str, str]:
        """The node that this step adds one of several terms to, and as text the term and the sum, with
        an ellipsis while more are to come. Both empty otherwise."""
        current, evaluation = self._current, self._session.evaluation
        if current is None or current.phase != "backward" or len(current.terms) < 2:
            return "", ""
        if evaluation.step_of(self._visited) != current.target:
            return "", ""  # a sum inside of a module
        number, count = current.position + 1, len(current.terms)
        added, total = current.value, current.total
        if added.ndim or number == 1:
            text = f"+ [{shape_text(added.shape)}]" if added.ndim else _signed(float(added))
            which = tr("term {number} of {count}").format(number=number, count=count)
            return self._visited, f"{text} · {which}"
        more = " …" if number < count else ""
        return self._visited, f"{_signed(float(added))} → {number_text(float(total))}{more}"

    def node_face(self, base: Face, node_id: str) -> Face:
        """What a node shows; an unfinished gradient gets more terms at later steps."""
        evaluation = self._session.evaluation
        sums = evaluation.steps.script.sums_at.get(evaluation.step_of(node_id))
        unfinished = sums is not None and sums[-1] > self._session.cursor
        step = self._phase if node_id == self._visited else ""
        return live_face(base, self._session, node_id, unfinished, step)

    def wire_face(self, wire: WireItem) -> WireFace:
        """What a wire shows: what it carries forward, and what it has carried back."""
        session, key, source = self._session, wire.key, wire.source
        evaluation, graph = session.evaluation, session.graph
        # Of a module it may be another value than its result that is read.
        told = key[0] if graph.op(key[0]).reads_inside else source
        shape = evaluation.shape_text(told)
        value = session.shown_value(told)
        sisters = graph.structure.get_edge_data(source, key[0]) or ()
        if len(sisters) > 1 and any(port < key[1] for port in sisters):
            value_text = ""  # said once, on the first of two wires between the same nodes
        elif graph.op(source).is_wire:
            value_text = ""  # said where the wire begins
        elif shape:
            value_text = shape
        else:
            value_text = "" if value is None else number_text(float(value))
        gradient_text, step = "", self._step_on(wire)
        if step == "backward" and self._current is not None:
            if not graph.op(source).is_wire:  # said once, where it is added
                added = self._current.value
                shape = shape_text(added.shape)
                gradient_text = f"+ [{shape}]" if added.ndim else _signed(float(added))
        else:
            gradient_text = self._carried_back(wire)
        return WireFace(value_text, gradient_text, step, wire.shown.hovered)

    def _carried_back(self, wire: WireItem) -> str:
        """What a wire has carried back so far; one into a module, for all that read it in there."""
        session, key, graph = self._session, wire.key, self._session.graph
        evaluation, end = session.evaluation, key
        if graph.op(key[0]).definition is not None:
            sisters = graph.structure.get_edge_data(wire.source, key[0]) or ()
            if any(port < key[1] for port in sisters):
                return ""  # of two wires from the same node, the steps inside cannot tell
            end = key[0], evaluation.step_of(wire.source)
        numbers = self._passes_at().get(end, ())
        steps = evaluation.steps
        passed = [steps[number - 1].value for number in numbers if number <= session.cursor]
        if not passed or passed[0].shape:
            return ""
        return number_text(sum(map(float, passed)))

    def _step_on(self, wire: WireItem) -> str:
        """The way that a number travels on a wire; through dots, on all of its pieces."""
        current, graph = self._current, self._session.graph
        if current is None or current.phase not in ("forward", "backward"):
            return ""
        pieces = [wire.key]
        for end, _ in pieces:  # grows on the way
            if graph.op(end).is_wire:
                pieces += [(k.target, k.port) for k in graph.links_of(end) if k.source == end]
        return current.phase if any(self._travelled(k, current) for k in pieces) else ""

    def _travelled(self, key: Port, current: Step) -> bool:
        evaluation, graph = self._session.evaluation, self._session.graph
        if evaluation.node_of(current.node) != key[0]:
            return False
        if current.phase == "forward":
            return True
        if graph.op(key[0]).definition is None:
            return current.port == key[1]
        source = graph.links[key]
        return evaluation.node_of(current.target or "") == evaluation.node_of(
            evaluation.step_of(source)
        )

    def _passes_at(self) -> dict[Port, list[int]]:
        """The numbers of the backward steps that pass a wire's end: of a module all those inside that
        pass on to a step, by its id instead of the port."""
        evaluation, graph = self._session.evaluation, self._session.graph
        script = evaluation.steps.script
        if self._passes_of != (script, graph.meaning):
            self._passes_of = script, graph.meaning
            self._passes = {}
            for outline in script.outlines:
                if outline.phase != "backward":
                    continue
                node_id = evaluation.node_of(outline.node)
                if node_id not in graph.nodes:
                    continue
                inside = graph.op(node_id).definition is not None
                end = outline.target if inside else outline.port
                self._passes.setdefault((node_id, end or ""), []).append(outline.number)
        return self._passes


def _signed(number: float) -> str:
    """A number that is added."""
    text = number_text(number)
    return text if text.startswith("−") else f"+{text}"
