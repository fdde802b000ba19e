"""A module's instance looked into: its definition, the numbers it has there, and edits made inside.

A place is the ids of the instances that lead to it, outermost first; the document itself is ().
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from msgspec import structs

from engine import ties
from engine.edits import Batch, Edit, Keeping, Put
from engine.evaluate import Evaluation
from engine.expansion import Ref
from engine.flatten import expand, owner_of
from engine.graph import TIED, Graph, GraphError, frozen
from engine.ops.row import Array
from engine.script import Script, Steps
from engine.shapes import ShapeError, Spec
from engine.trace import Step
from engine.unpacking import edit_module

Place = tuple[str, ...]


def levels(root: Graph, place: Place) -> list[Graph]:
    """The document and the definitions on the way to a place; shorter where an instance is gone."""
    found = [root]
    for node_id in place:
        graph = found[-1]
        definition = graph.op(node_id).definition if node_id in graph.nodes else None
        if definition is None:
            break
        found.append(definition)
    return found


def names(root: Graph, place: Place) -> list[str]:
    """The names of the definitions on the way to a place."""
    graphs = levels(root, place)[:-1]
    return [graph.nodes[n].op for graph, n in zip(graphs, place, strict=False)]


def instances(root: Graph, place: Place) -> list[str]:
    """What stands before the ids of the steps of every instance of the definition at a place."""
    return _instances(root, names(root, place))


def owner_path(root: Graph, place: Place) -> str:
    """What stands before the keys of the parameters at a place: another path where it is tied.

    Raises ShapeError for ties in a circle.
    """
    graphs = levels(root, place)
    return "".join(f"{owner_of(g, g.nodes[n])}." for g, n in zip(graphs, place, strict=False))


def _owner(root: Graph, place: Place) -> str:
    try:
        return owner_path(root, place)
    except ShapeError:
        return "".join(f"{n}." for n in place)


def stored(root: Graph, place: Place) -> dict[str, Array]:
    """The values that the document holds for the parameters at a place, by their key there."""
    return _under(root.tensors, _owner(root, place))


def _under(tensors: Mapping[str, Array], start: str) -> dict[str, Array]:
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}


# ------------------------------------------------------------ looking


class _Renamed(Mapping[str, Any]):
    """A part of a mapping under other keys; those of deeper modules lose their start."""

    def __init__(
        self,
        table: Mapping[str, Any],
        keys: Mapping[str, Ref],
        start: str,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self._table, self._keys, self._start, self._more = table, keys, start, more or {}

    def __getitem__(self, node_id: str) -> Any:
        return self._more[node_id] if node_id in self._more else self._table[self._key(node_id)]

    def _key(self, node_id: str) -> Any:
        return self._keys.get(node_id, self._start + node_id)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._more or (
            isinstance(node_id, str) and self._key(node_id) in self._table
        )

    def __iter__(self) -> Iterator[str]:
        return (n for n in self._keys if n in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True)
class View(Evaluation):
    """An evaluation of a document as it is seen at a place inside it, keyed by the ids there.

    `keys` says what a node is called in the `whole`; `numbers` which of its micro-steps these are.
    """

    whole: Evaluation = field(kw_only=True)
    keys: Mapping[str, Ref] = field(kw_only=True)
    start: str = field(kw_only=True)
    numbers: Sequence[int] = field(kw_only=True)
    _local: Mapping[str, str] = field(kw_only=True)

    @property
    def not_finite(self) -> Step | None:
        return self.whole.not_finite

    def shape_text(self, node_id: str) -> str:
        key = self.keys.get(node_id)
        return self.whole.shape_text(key) if isinstance(key, str) else ""

    def step_of(self, node_id: str) -> str:
        key = self.keys.get(node_id, self.start + node_id)
        return self.whole.step_of(key) if isinstance(key, str) else node_id

    def node_of(self, step_id: str) -> str | None:
        if step_id in self._local:
            return self._local[step_id]
        if not step_id.startswith(self.start):
            return None
        return step_id[len(self.start) :].partition(".")[0]

    def inward(self, cursor: int) -> int:
        """The number of these steps that are done after `cursor` steps of the whole."""
        return bisect_right(self.numbers, cursor)

    def outward(self, cursor: int) -> int:
        """The step of the whole that a step here is."""
        at_end = cursor >= len(self.numbers)
        return len(self.whole.steps) if at_end else self.numbers[cursor - 1] if cursor else 0


def _keys(root: Graph, place: Place) -> tuple[dict[str, Ref], str, str]:
    """What every node at a place is called in the whole evaluation, or the number it is; what stands
    before the paths of its steps, and before their names."""
    graphs = levels(root, place)
    keys: dict[str, Ref] = {n: n for n in root.nodes}
    start = title = ""
    for depth, node_id in enumerate(place, 1):
        graph, definition = graphs[depth - 1], graphs[depth]
        start, title = f"{start}{node_id}.", f"{title}{graph.name(node_id)}."
        owner = _owner(root, place[:depth])
        inner: dict[str, Ref] = {}
        for n in definition.nodes:
            if definition.nodes[n].op == "input":
                operand = graph.operand(node_id, definition.name(n))
                if isinstance(operand, str):
                    operand = keys.get(operand)
                if operand is not None:
                    inner[n] = operand
            else:
                inner[n] = (owner if definition.op(n).is_source else start) + n
        keys = inner
    return keys, start, title


def keys_at(root: Graph, place: Place) -> Mapping[str, Ref]:
    """What the nodes at a place are called in the evaluation of the whole document, or the number that
    one is; left out is what reads nothing."""
    return _keys(root, place)[0]


def look(whole: Evaluation, place: Place) -> Evaluation:
    """What an evaluation says at a place inside its document; itself at ()."""
    if not place:
        return whole
    root, expansion = whole.graph, whole.expansion
    keys, start, title = _keys(root, place)
    definition = levels(root, place)[-1]
    known = {n for n, k in keys.items() if k in whole.values}
    local: dict[str, str] = {}
    names: dict[str, str] = {}
    inputs = set(definition.of_op("input"))
    for node_id in sorted(keys, key=lambda n: n not in inputs):
        key = keys[node_id]
        step = whole.step_of(key) if isinstance(key, str) else ""
        if step:
            local.setdefault(step, node_id)
            names.setdefault(step, definition.name(node_id))
    for step, name in expansion.names.items():
        if step.startswith(start) and name.startswith(title):
            names.setdefault(step, name[len(title) :])
    faults = {n: whole.expansion.faults.get(start + n, "") for n in definition.nodes}
    for step, message in whole.failed.items():
        node_id = local.get(step) or (
            step[len(start) :].partition(".")[0] if step.startswith(start) else ""
        )
        if node_id in faults and message and node_id not in inputs:
            faults[node_id] = faults[node_id] or f"{names.get(step, node_id)}: {message}"
    faults = {n: fault.removeprefix(title) for n, fault in faults.items() if fault}
    literal = {n: k for n, k in keys.items() if isinstance(k, float)}
    waiting = frozenset(
        n for n in definition.nodes if n not in known and n not in faults and n not in literal
    )
    outlines = [
        o
        for o in whole.steps.script.outlines
        if o.node.startswith(start) or (o.target in local and local[str(o.target)] not in inputs)
        or (o.target or "").startswith(start)
    ]  # fmt: skip
    script = Script([structs.replace(o, number=i) for i, o in enumerate(outlines, 1)])
    telling = replace(whole.steps.telling, names=names)
    numbers = {n: np.asarray(k, root.dtype) for n, k in literal.items()}
    return View(
        _Renamed(whole.values, keys, start, numbers),
        _Renamed(whole.gradients, keys, start),
        _Renamed(whole.specs, keys, start, dict.fromkeys(literal, Spec())),
        faults,
        waiting,
        definition.output(),
        whole.note,
        Steps(script, telling),
        whole.adjoints,
        expansion,
        definition,
        whole.feeds,
        None,
        whole.failed,
        whole=whole,
        keys=keys,
        start=start,
        numbers=[o.number for o in outlines],
        _local=local,
    )


def shown_graph(
    root: Graph,
    place: Place,
    evaluation: Evaluation,
    drawn: Mapping[str, Array] | None = None,
) -> Graph:
    """The definition at a place with the values of its parameters and inputs there.

    What edits made inside are built from; `Inside` tells values from structure again. `drawn` are
    the starts that the document does not hold, see `ties.drawn`.
    """
    definition = levels(root, place)[-1]
    if not place:
        return definition
    shown = definition.copy()
    drawn = ties.drawn(root, evaluation.expansion) if drawn is None else drawn
    here = _under(drawn, _owner(root, place))
    shown.tensors = {**definition.tensors, **stored(root, place), **here}
    for node_id in definition.nodes:
        held = definition.op(node_id).is_source and node_id not in shown.tensors
        if held or definition.nodes[node_id].op == "input":
            value = evaluation.values.get(node_id)
            if value is not None:
                shown.tensors[node_id] = frozen(value)
    return shown


# ------------------------------------------------------------ editing


@dataclass(frozen=True)
class Inside:
    """An edit of the definition at a place, as an edit of the document.

    All instances of the definition follow. Values of parameters are the document's and differ from
    instance to instance: of them only those at this place change. Starts that are `drawn` (see
    `ties.drawn`; computed unless given) and not stored go with their parameters, too. Raises
    GraphError.
    """

    place: Place
    edit: Edit
    drawn: Mapping[str, Array] | None = None

    def apply(self, graph: Graph) -> Edit:
        graphs = levels(graph, self.place)
        if len(graphs) <= len(self.place):
            raise GraphError("the module that was edited is no longer here")
        called, old = names(graph, self.place), graphs[-1]
        drawn = ties.drawn(graph, expand(graph)) if self.drawn is None else self.drawn
        own = _owner(graph, self.place)
        here = _under(drawn, own)
        before = {**old.tensors, **stored(graph, self.place), **here}
        draft = old.copy()
        draft.tensors = dict(before)
        Keeping(self.edit, {}).apply(draft)
        after, draft.tensors = draft.tensors, {}
        values = _told_apart(old, draft, before, after)
        definition = draft
        for depth in range(len(called) - 1, 0, -1):
            outer = graphs[depth].copy()
            edit_module(outer, called[depth], definition).apply(outer)
            definition = outer
        edits = [edit_module(graph, called[0], definition)]
        starts = _instances(graph, called)
        moved = _moved(values, {k: v for k, v in before.items() if k not in after}, here)
        followed = [*moved.items(), *_parted(old, draft, before)]
        for start in starts:
            for k, new in followed:
                value = drawn.get(start + k, graph.tensors.get(start + k))
                if value is not None:
                    edits.append(Put("tensors", start + new, value))
        edits += [Put("tensors", own + k, v) for k, v in values.items()]
        gone = [
            key
            for key in graph.tensors
            for start in starts
            if key.startswith(start)
            and key[len(start) :].partition(".")[0] not in draft.nodes
        ]  # fmt: skip
        edits += [Put("tensors", key, None) for key in gone]
        return Batch(tuple(edits)).apply(graph)


def _moved(
    values: Mapping[str, Array | None], gone: Mapping[str, Array], drawn: Mapping[str, Array]
) -> dict[str, str]:
    """Under which keys values stand by now whose keys are gone. Starts that were drawn anew for an
    edit are told by their numbers; among equal ones that of the same parameter is taken."""
    moved: dict[str, str] = {}
    for new, v in values.items():
        found = [
            k for k, was in gone.items()
            if v is not None and k not in moved
            and (v is was or (k in drawn and v.shape == was.shape and bool((v == was).all())))
        ]  # fmt: skip
        if found:
            same = [k for k in found if new.endswith(f".{k}") or k.endswith(f".{new}")]
            moved[(same or found)[0]] = new
    return moved


def _parted(old: Graph, draft: Graph, before: Mapping[str, Array]) -> Iterator[tuple[str, str]]:
    """Keys of the parameters that an instance used as a tied one, and what it calls them itself."""
    for n, owner in ties.tied(old).items():
        if n in draft.nodes and not draft.nodes[n].options.get(TIED):
            for key in before:
                if key.startswith(f"{owner}."):
                    yield key, n + key[len(owner) :]


def _told_apart(
    old: Graph, draft: Graph, before: Mapping[str, Array], after: Mapping[str, Array]
) -> dict[str, Array | None]:
    """Which of the tensors of an edited definition are this instance's alone; the others become the
    definition's."""
    values: dict[str, Array | None] = {}
    known = {id(v) for v in before.values()}
    for key in dict.fromkeys((*before, *after)):
        now, is_new = after.get(key), key not in old.nodes
        if "." in key:
            if now is not before.get(key):
                values[key] = now
            continue
        if key not in draft.nodes:
            continue
        node = draft.nodes[key]
        changed = now is not before.get(key)
        if node.op == "input" and changed and not is_new:
            raise GraphError(f"{node.name} is fed by what the module is wired to; change it there")
        if node.op == "parameter" and changed and not is_new:
            values[key] = now
        elif node.op == "parameter" and is_new:
            if id(now) in known or node.options.get("init", "given") != "given":
                values[key] = now
        kept = old.tensors.get(key) if node.op == "parameter" and not is_new else now
        if kept is not None:
            draft.tensors[key] = kept
    return values


def _instances(root: Graph, called: Sequence[str]) -> list[str]:
    """What stands before the keys of every instance of a definition, by the names that lead to it."""
    found: list[tuple[str, Graph]] = [("", root)]
    for name in called:
        found = [
            (f"{start}{node.id}.", graph.op(node.id).definition)
            for start, graph in found
            for node in graph.nodes.values()
            if node.op == name
        ]
    return [start for start, _ in found]
