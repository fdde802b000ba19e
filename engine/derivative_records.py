"""Which nodes are derivatives, of what and by what, and whether they still are.

A document records them as {result: (output, input)}. Two steps are the same when they are the same
rows of the same steps (value numbering; Alpern, Wegman and Zadeck, 1988): a derivative is what it was
called as long as differentiating anew comes to the same step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array, simplified
from engine.shapes import ShapeError

Pair = tuple[str, str]
"""The output and the input of a derivative, by their ids."""
MAX_COMPARED = 3_000
"""Steps of a document whose derivatives are compared after each change."""


def chain(graph: Graph, output: str) -> tuple[str, tuple[str, ...]]:
    """What a node is a derivative of, at the root, and by which inputs in turn; itself and none for
    other nodes."""
    by: list[str] = []
    records: Mapping[str, Pair] = graph.settings["derivatives"]
    while len(by) <= len(records) and graph.nodes.keys() >= set(records.get(output, {""})):
        output, source = records[output]
        by.append(source)
    return output, tuple(reversed(by))


def lasting(graph: Graph, feeds: Mapping[str, Array] | None, shares: bool = True) -> Expansion:
    """An expansion whose steps hold for any number of rows, in training and in use."""
    rows = {  # a single row would pass for an axis to be spread
        n: np.concatenate([v, v]) if v.ndim and v.shape[0] == 1 else v
        for n, v in (feeds or {}).items()
    }
    return expand(graph, rows, lasting=True, shares=shares)


def numbered(expansion: Expansion) -> dict[str, Ref]:
    """The first step, or the number, that each step equals by its rows."""
    numbers: dict[str, Ref] = {}
    known: dict[Any, str] = {}
    for flat in expansion.nodes.values():
        op = flat.op
        if op.is_source:
            numbers[flat.id] = flat.id
            continue
        args = tuple(numbers[a] if isinstance(a, str) else a for a in flat.args)
        specs = [expansion.spec(a) for a in flat.args]
        same: Any = simplified(op, args, flat.options)
        if same is None and op.constant is not None and not specs[0].shape:
            same = op.constant(flat.options, *specs)
        if same is None and op.identity is not None:
            at = op.identity(flat.options, *specs)
            same = None if at is None else args[at]
        if same is None:
            name, read = (op.redraws, args[:1]) if op.redraws else (op.name, args)
            options = sorted((k, repr(v)) for k, v in flat.options.items())
            key = name, tuple(map(repr, read)), tuple(options)
            same = known.setdefault(key, flat.id)
        numbers[flat.id] = same
    return numbers


def is_same(
    graph: Graph, expansion: Expansion, numbers: Mapping[str, Ref], ref: Ref | None, node_id: str
) -> bool:
    """Whether a derivative that came to `ref` is what a node computes; None is nothing, hence 0."""
    step = expansion.step_of(node_id)
    if step is None:
        return False
    if isinstance(step, str):
        step = numbers[step]
    found: Ref = 0.0 if ref is None else numbers[ref] if isinstance(ref, str) else ref
    if isinstance(found, float) and isinstance(step, str) and step in graph.of_op("constant"):
        return bool((graph.tensors[step] == found).all())
    return found == step


def current(graph: Graph, feeds: Mapping[str, Array] | None = None) -> dict[str, bool]:
    """Whether each recorded derivative still is one; those that cannot be told are left out: of an
    output that has no value now, and in documents beyond MAX_COMPARED steps."""
    records: Mapping[str, Pair] = graph.settings["derivatives"]
    if not records or len(graph.nodes) > MAX_COMPARED:
        return {}
    expansion = lasting(graph, feeds)
    if len(expansion.nodes) > MAX_COMPARED:
        return {}
    came: dict[str, Ref | None] = {}
    for output in dict.fromkeys(output for output, _ in records.values()):
        start = expansion.step_of(output)
        wanted = {n: expansion.step_of(s) for n, (o, s) in records.items() if o == output}
        if start is None or None in wanted.values() or expansion.spec(start).shape:
            continue
        try:
            found = differentiate(
                expansion, start, [s for s in wanted.values() if isinstance(s, str)]
            )
        except ShapeError:
            continue
        came |= {n: found.adjoint.get(str(step)) for n, step in wanted.items()}
    numbers = numbered(expansion)
    own = {n: is_same(graph, expansion, numbers, ref, n) for n, ref in came.items()}
    return _all_the_way(graph, records, own)


def _all_the_way(
    graph: Graph, records: Mapping[str, Pair], own: Mapping[str, bool]
) -> dict[str, bool]:
    """A derivative of what reads a derivative is one while that one is, too."""
    wrong = {n for n, right in own.items() if not right}
    while True:
        behind = wrong.union(*(graph.descendants(n) for n in wrong))
        more = {n for n in own if records[n][0] in behind} - wrong
        if not more:
            return {n: n not in wrong for n in own}
        wrong |= more
