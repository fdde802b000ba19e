"""Where a pass can be run to: the steps of a node, the node after and before, breakpoints."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from app.session import Session
from engine.edits import Edit, set_setting
from engine.evaluate import Evaluation
from engine.graph import Graph
from engine.records import id_number

MOST = 10_000
"""So many instances are looked into for breakpoints."""


def computed(evaluation: Evaluation, node_id: str) -> int:
    """The number of the step that gives a node its value; 0 for what is given or never computed."""
    return evaluation.steps.script.computed_at.get(evaluation.step_of(node_id), 0)


def completed(evaluation: Evaluation, node_id: str) -> int:
    """The number of the step that completes a node's gradient; 0 where none flows."""
    sums = evaluation.steps.script.sums_at.get(evaluation.step_of(node_id))
    return sums[-1] if sums else 0


def run_to(session: Session, node_id: str) -> int:
    """The step that gives a node its value or, from there, the one that completes its gradient; 0
    where it has neither."""
    value, gradient = (of(session.evaluation, node_id) for of in (computed, completed))
    return gradient or value if session.cursor == value or not value else value


def node_after(session: Session) -> int:
    """The last step of the node that the next step is at: its edges backward, what is inside a
    module, are one."""
    evaluation, at = session.evaluation, session.cursor
    outlines = evaluation.steps.script.outlines
    if at >= len(outlines):
        return at
    here = _visit(evaluation, at)
    while at < len(outlines) and _visit(evaluation, at) == here:
        at += 1
    return at


def node_before(session: Session) -> int:
    """The last step of the node before the one that the step is at."""
    evaluation, at = session.evaluation, session.cursor
    if not at:
        return 0
    here = _visit(evaluation, at - 1)
    while at and _visit(evaluation, at - 1) == here:
        at -= 1
    return at


def _visit(evaluation: Evaluation, place: int) -> tuple[str, str | None]:
    outline = evaluation.steps.script.outlines[place]
    return outline.phase, evaluation.node_of(outline.node)


# ------------------------------------------------------------------------------- breakpoints


def toggled(graph: Graph, node_ids: Sequence[str]) -> Edit:
    """Breakpoints on nodes; where all have one already, they give it up."""
    before, chosen = set(graph.settings["breakpoints"]), set(node_ids)
    after = before - chosen if chosen <= before else before | chosen
    return set_setting("breakpoints", tuple(sorted(after, key=id_number)))


class Breakpoints:
    """The steps at which a session stops: those that give a node with a breakpoint its value, and
    those that complete its gradient. Breakpoints inside modules count in every instance."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: tuple[Any, list[int]] | None = None

    @property
    def steps(self) -> list[int]:
        """Their numbers, in order."""
        session = self._session
        evaluation = session.evaluation
        key = evaluation.steps.script, session.root.revision, session.place
        known = self._known
        if known is None or known[0] != key:
            numbers = {
                of(evaluation, path)
                for path in _paths(session.graph)
                for of in (computed, completed)
            }
            self._known = known = key, sorted(numbers - {0})
        return known[1]

    def after(self, cursor: int) -> int | None:
        """The first one behind a step."""
        steps = self.steps
        place = bisect_right(steps, cursor)
        return steps[place] if place < len(steps) else None

    def before(self, cursor: int) -> int | None:
        """The last one before a step."""
        place = bisect_left(self.steps, cursor)
        return self.steps[place - 1] if place else None


def stopping_inside(graph: Graph) -> set[str]:
    """Instances of modules that hold a breakpoint."""
    held = _stopping(graph) if graph.modules else set()
    return {n for n in graph.nodes if held and id(graph.op(n).definition) in held}


def _paths(graph: Graph) -> Iterator[str]:
    """Nodes with a breakpoint, inside of modules by the path of ids that leads to them."""
    stopping = _stopping(graph) if graph.modules else ()
    waiting: list[tuple[str, Graph]] = [("", graph)]
    for start, here in waiting:  # grows on the way
        yield from (start + node_id for node_id in here.settings["breakpoints"])
        for node_id in here.nodes if stopping and len(waiting) < MOST else ():
            definition = here.op(node_id).definition
            if definition is not None and id(definition) in stopping:
                waiting.append((f"{start}{node_id}.", definition))


def _stopping(graph: Graph) -> set[int]:
    """Definitions that hold a breakpoint, themselves or in what they are made of."""
    seen: dict[int, Graph] = {}
    users: dict[int, list[int]] = {}
    waiting = [graph]
    while waiting:
        here = waiting.pop()
        if id(here) in seen:
            continue
        seen[id(here)] = here
        for definition in {here.op(n).definition for n in here.nodes} - {None}:
            assert definition is not None
            users.setdefault(id(definition), []).append(id(here))
            waiting.append(definition)
    found = [key for key, definition in seen.items() if definition.settings["breakpoints"]]
    for key in found:  # grows on the way
        found += [user for user in users.get(key, ()) if user not in found]
    return set(found)
