"""A document's values, gradients and faults at one point, everything kept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.differentiate import Adjoints, differentiate
from engine.expansion import Expansion, Ref
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array
from engine.program import Plan
from engine.shapes import ShapeError, Spec
from engine.trace import Step, Telling, micro_steps


@dataclass(frozen=True)
class Evaluation:
    """What is known of a document at one point; arrays are read-only and keyed by node id, those
    inside a module by the path of ids that leads to them.

    `gradients` holds d(output)/d(node) where a gradient flows. `faults` says in a sentence what is
    wrong at a node, `waiting` names nodes that miss an operand, `note` says why there is no gradient.
    """

    values: Mapping[str, Array]
    gradients: Mapping[str, Array]
    specs: Mapping[str, Spec]
    faults: Mapping[str, str]
    waiting: frozenset[str]
    output: str | None
    note: str
    steps: tuple[Step, ...]
    adjoints: Adjoints | None = None
    expansion: Expansion = field(default_factory=Expansion)
    graph: Graph = field(default_factory=Graph)
    feeds: Mapping[str, Array] = field(default_factory=dict)

    def shape_text(self, node_id: str) -> str:
        """The node's shape with `B` for the batch dimension: `B×64`; empty for a single number."""
        spec = self.specs.get(node_id)
        if spec is None or not spec.shape:
            return ""
        return "×".join(self._symbolic_shapes.get(node_id, tuple(map(str, spec.shape))))

    @cached_property
    def _symbolic_shapes(self) -> dict[str, tuple[str, ...]]:
        """Which dimensions follow the number of rows: the document is shaped with one row more."""
        return symbolic_shapes(self.graph, self.feeds, self.specs) if self.feeds else {}

    @cached_property
    def _computed_at(self) -> dict[str, int]:
        return {s.node: s.number for s in self.steps if s.phase == "forward"}

    @cached_property
    def _sums_at(self) -> dict[str, tuple[list[int], list[Step]]]:
        """Per node the micro-steps that changed its gradient."""
        table: dict[str, tuple[list[int], list[Step]]] = {}
        for step in self.steps:
            if step.phase != "forward":
                numbers, steps = table.setdefault(step.target or step.node, ([], []))
                numbers.append(step.number)
                steps.append(step)
        return table

    def shown_value(self, node_id: str, cursor: int) -> Array | None:
        """The node's value if it is known after `cursor` micro-steps."""
        at = self._computed_at.get(node_id, 0)
        return self.values.get(node_id) if at <= cursor else None

    def shown_gradient(self, node_id: str, cursor: int) -> Array | None:
        """The node's gradient so far after `cursor` micro-steps; None before a term reached it."""
        numbers, steps = self._sums_at.get(node_id, ([], []))
        index = bisect_right(numbers, cursor)
        return steps[index - 1].total if index else None


def evaluate(graph: Graph, feeds: Mapping[str, Array] | None = None) -> Evaluation:
    """Runs a document forward and backward, keeping everything.

    `feeds` gives arrays to data nodes by id. Never raises for what a person can draw: what cannot be
    computed is told node by node.
    """
    expansion = expand(graph, feeds)
    computed = list(expansion.nodes)
    output, note = graph.output(), ""
    result = None if output is None else expansion.step_of(output)
    adjoints: Adjoints | None = None
    if output is None:
        note = "Add an operator: its result becomes the output whose gradient is taken."
    elif result is None:
        note = f"{graph.name(output)} has no value yet, so there is no gradient."
    elif expansion.spec(result).kind != "float" or expansion.spec(result).shape:
        note = (
            f"{graph.name(output)} is not a single number, so it has no gradient; "
            "end with sum, mean or a loss."
        )
    else:
        try:
            adjoints = differentiate(expansion, result)
        except ShapeError as error:  # an adjoint too large to hold
            note = f"There is no gradient: {error}."
    plan = Plan(expansion, (), keep=True)
    failed = plan.run_each()
    faults = {n: fault for n, fault in expansion.faults.items() if n in graph.nodes}
    for step, message in failed.items():
        node_id = step.partition(".")[0]  # a fault inside a module is the module's
        if node_id in graph.nodes and message:
            name = expansion.names.get(step, graph.name(node_id))
            faults.setdefault(node_id, f"{name}: {message}")
    waiting = expansion.waiting | {n for n, m in failed.items() if n in graph.nodes and not m}
    waiting |= {n for n, ref in expansion.results.items() if ref in failed and n not in faults}
    if adjoints is not None and output is not None and (result in failed or output in waiting):
        note, adjoints = f"{graph.name(output)} has no value, so there is no gradient.", None

    def read(ref: Ref) -> Array | None:
        if isinstance(ref, str) and ref in failed:
            return None
        array = plan.value(ref)
        if array.flags.writeable:
            array = array.view()
            array.setflags(write=False)
        return array

    values = {n: v for n in computed if (v := read(n)) is not None}
    adjoint = adjoints.adjoint if adjoints else {}
    gradients = {}
    for node_id in computed:
        value = read(adjoint[node_id]) if node_id in adjoint else None
        if value is not None:
            gradients[node_id] = np.broadcast_to(value, expansion.spec(node_id).shape)
    specs = {n: expansion.spec(n) for n in computed}
    for node_id, ref in expansion.results.items():  # a module shows its result
        specs[node_id] = expansion.spec(ref)
        if (value := read(ref)) is not None:
            values[node_id] = value
        if isinstance(ref, str) and ref in gradients:
            gradients[node_id] = gradients[ref]
    steps = micro_steps(Telling(graph, expansion, adjoints, read), computed, failed)
    return Evaluation(
        values,
        gradients,
        specs,
        faults,
        frozenset(waiting),
        output,
        note,
        steps,
        adjoints,
        expansion,
        graph,
        dict(feeds or {}),
    )


def symbolic_shapes(
    graph: Graph, feeds: Mapping[str, Array], specs: Mapping[str, Spec]
) -> dict[str, tuple[str, ...]]:
    """Shapes as text, `B` for a dimension that grows with the rows of the data nodes."""
    longer = {
        n: np.broadcast_to(np.zeros((), v.dtype), (v.shape[0] + 1, *v.shape[1:]))
        for n, v in feeds.items()
        if v.ndim
    }
    other = expand(graph, {**feeds, **longer})
    texts = {}
    for node_id, spec in specs.items():
        if node_id not in other.nodes or other.spec(node_id).rank != spec.rank:
            continue
        pairs = zip(spec.shape, other.spec(node_id).shape, strict=True)
        texts[node_id] = tuple(_batch_text(n, more - n) for n, more in pairs)
    return texts


def _batch_text(size: int, growth: int) -> str:
    if not growth:
        return str(size)
    return "B" if growth == 1 else f"{growth}B"
