"""A document's values, gradients and faults at one point, everything kept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from engine import finite
from engine.differentiate import Adjoints, differentiate
from engine.expansion import Expansion, Ref
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array
from engine.program import Plan
from engine.records import TOLD
from engine.script import Script, Steps
from engine.shapes import ShapeError, Spec
from engine.trace import Step
from engine.wording import Telling


@dataclass(frozen=True)
class Evaluation:
    """What is known of a document at one point; arrays are read-only and keyed by node id, those
    inside a module by the path of ids that leads to them.

    `gradients` holds d(output)/d(node) where a gradient flows. `faults` says in a sentence what is
    wrong at a node, `waiting` names nodes that miss an operand, `note` says why there is no gradient.
    `failed` are the steps without a value, each with the sentence of the first one.
    `not_finite` is the first micro-step that made an infinite number or NaN out of finite ones.
    """

    values: Mapping[str, Array]
    gradients: Mapping[str, Array]
    specs: Mapping[str, Spec]
    faults: Mapping[str, str]
    waiting: frozenset[str]
    output: str | None
    note: str
    steps: Steps
    adjoints: Adjoints | None = None
    expansion: Expansion = field(default_factory=Expansion)
    graph: Graph = field(default_factory=Graph)
    feeds: Mapping[str, Array] = field(default_factory=dict)
    plan: Plan | None = None
    failed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def not_finite(self) -> Step | None:
        if self.plan is None or self.plan.is_finite():
            return None
        return finite.first_not_finite(self.steps)

    @cached_property
    def trouble(self) -> str:
        """The sentence of `not_finite`; empty where every number is finite or was given so."""
        return finite.sentence(self.not_finite) if self.not_finite else ""

    def fault_of(self, node_id: str) -> str:
        """What is wrong at a node, in a sentence; its first number that is not finite included."""
        step = self.not_finite
        here = step is not None and self.node_of(step.node) == node_id
        return self.faults.get(node_id) or (self.trouble if here else "")

    def step_of(self, node_id: str) -> str:
        """The step that computes a node: its own, or the one inside a module that it shows."""
        ref = self.expansion.results.get(node_id)
        return ref if isinstance(ref, str) else node_id

    def node_of(self, step_id: str) -> str | None:
        """The node of the document that a step belongs to: an instance for the steps inside."""
        node_id = step_id.partition(".")[0]
        return node_id if node_id in self.graph.nodes else None

    def shape_text(self, node_id: str) -> str:
        """The node's shape with `B` for the batch dimension: `B×64`; empty for a single number."""
        spec = self.specs.get(node_id)
        if spec is None or not spec.shape:
            return ""
        return "×".join(self._symbolic_shapes.get(node_id, tuple(map(str, spec.shape))))

    @cached_property
    def _symbolic_shapes(self) -> dict[str, tuple[str, ...]]:
        """Which dimensions follow the number of rows."""
        return symbolic_shapes(self.longer, self.specs) if self.feeds else {}

    @cached_property
    def longer(self) -> Expansion:
        """The document with one row more at its data nodes: what grows with it follows the rows."""
        rows = {
            n: np.broadcast_to(np.zeros((), v.dtype), (v.shape[0] + 1, *v.shape[1:]))
            for n, v in self.feeds.items()
            if v.ndim
        }
        return expand(self.graph, {**self.feeds, **rows})

    def shown_value(self, node_id: str, cursor: int) -> Array | None:
        """The node's value if it is known after `cursor` micro-steps."""
        at = self.steps.script.computed_at.get(self.step_of(node_id), 0)
        return self.values.get(node_id) if at <= cursor else None

    def shown_gradient(self, node_id: str, cursor: int) -> Array | None:
        """The node's gradient so far after `cursor` micro-steps; None before a term reached it."""
        numbers = self.steps.script.sums_at.get(self.step_of(node_id), [])
        index = bisect_right(numbers, cursor)
        return self.steps.total(numbers[index - 1] - 1) if index else None


class _Arrays(Mapping[str, Array]):
    """Arrays by id, each read when it is looked at, in the shape of its node."""

    def __init__(
        self, refs: Mapping[str, Ref], read: Callable[[Ref], Array], specs: Mapping[str, Spec]
    ) -> None:
        self._refs, self._read, self._specs = refs, read, specs
        self._made: dict[str, Array] = {}

    def __getitem__(self, node_id: str) -> Array:
        if node_id not in self._made:
            array, shape = self._read(self._refs[node_id]), self._specs[node_id].shape
            self._made[node_id] = array if array.shape == shape else np.broadcast_to(array, shape)
        return self._made[node_id]

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._refs

    def __iter__(self) -> Iterator[str]:
        return iter(self._refs)

    def __len__(self) -> int:
        return len(self._refs)


@dataclass(frozen=True)
class _Compiled:
    """A document compiled for the shapes of its sources: all that does not depend on their values.

    `parts` are the document's tables that it was made from, `given` the arrays.
    """

    parts: tuple[Any, ...]
    given: Mapping[str, Array]
    expansion: Expansion
    computed: tuple[str, ...]
    adjoints: Adjoints | None
    note: str
    specs: Mapping[str, Spec]
    script: Script
    plan: Plan
    failed: Mapping[str, str]


class Evaluator:
    """Runs documents forward and backward, keeping everything.

    It remembers the last document: where only values of sources differ, what depends on them is
    computed again and nothing else. Arrays of an earlier evaluation stay as they are.
    """

    def __init__(self) -> None:
        self._last: _Compiled | None = None

    def __call__(self, graph: Graph, feeds: Mapping[str, Array] | None = None) -> Evaluation:
        """`feeds` gives arrays to data nodes by id. Never raises for what a person can draw: what
        cannot be computed is told node by node."""
        given = {**graph.tensors, **(feeds or {})}
        last, parts = self._last, _parts(graph)
        changed = _changed(last, parts, given) if last is not None else None
        if last is None or changed is None:
            self._last = _compiled(graph, parts, given, feeds)
        elif changed:
            expansion = copy(last.expansion)
            expansion.feeds = {**expansion.feeds, **changed}
            plan, failed = last.plan.renewed(expansion, changed, last.failed)
            self._last = replace(last, given=given, expansion=expansion, plan=plan, failed=failed)
            if any(_picks_others(plan, failed, mask) for mask in expansion.masks):
                self._last = _compiled(graph, parts, given, feeds)
        assert self._last is not None
        return _evaluation(self._last, graph, feeds or {})


def evaluate(graph: Graph, feeds: Mapping[str, Array] | None = None) -> Evaluation:
    """A document at one point; see `Evaluator`."""
    return Evaluator()(graph, feeds)


def _parts(graph: Graph) -> tuple[Any, ...]:
    """What an expansion and its adjoints are made from, the values of sources apart. Definitions of
    modules are never changed in place, so comparing them is comparing objects."""
    tables = (graph.nodes, graph.links, graph.modules, graph.operators)
    settings = {key: value for key, value in graph.settings.items() if key not in TOLD}
    return (settings, *(dict(table) for table in tables))


def _changed(
    last: _Compiled, parts: tuple[Any, ...], given: Mapping[str, Array]
) -> dict[str, Array] | None:
    """The sources with other values than last time; None where more than values has changed."""
    if given.keys() != last.given.keys() or parts != last.parts:
        return None
    changed = {}
    for path, array in given.items():
        before = last.given[path]
        if array is before:
            continue
        if array.shape != before.shape or array.dtype != before.dtype:
            return None
        if path in last.expansion.feeds:
            changed[path] = array
    return changed


def _picks_others(plan: Plan, failed: Mapping[str, str], mask: str) -> bool:
    """True where a mask no longer picks as many entries as the shapes were settled with."""
    return mask in failed or int(np.count_nonzero(plan.value(mask))) != plan.spec(mask).count


def _compiled(
    graph: Graph,
    parts: tuple[Any, ...],
    given: Mapping[str, Array],
    feeds: Mapping[str, Array] | None,
) -> _Compiled:
    expansion = expand(graph, feeds)
    computed = tuple(expansion.nodes)
    specs = {n: expansion.spec(n) for n in computed}
    specs |= {n: expansion.spec(ref) for n, ref in expansion.results.items()}
    output, note = graph.output(), ""
    result = None if output is None else expansion.step_of(output)
    adjoints: Adjoints | None = None
    if output is None:
        note = "Add an operator: its result becomes the output whose gradient is taken."
    elif result is None:
        note = f"{graph.name(output)} has no value yet, so there is no gradient."
    elif not isinstance(result, str):
        note = f"{graph.name(output)} is a number that depends on nothing, so it has no gradient."
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
    script = Script.of(expansion, computed, adjoints)
    return _Compiled(parts, given, expansion, computed, adjoints, note, specs, script, plan, failed)


def _evaluation(made: _Compiled, graph: Graph, feeds: Mapping[str, Array]) -> Evaluation:
    expansion, failed, plan = made.expansion, made.failed, made.plan
    output, adjoints, note, script = graph.output(), made.adjoints, made.note, made.script
    faults = {n: fault for n, fault in expansion.faults.items() if n in graph.nodes}
    for step, message in failed.items():
        node_id = step.partition(".")[0]  # a fault inside a module is the module's
        if node_id in graph.nodes and message:
            name = expansion.names.get(step, graph.name(node_id))
            faults.setdefault(node_id, f"{name}: {message}")
    waiting = expansion.waiting | {n for n, m in failed.items() if n in graph.nodes and not m}
    waiting |= {n for n, ref in expansion.results.items() if ref in failed and n not in faults}
    if adjoints is not None and output is not None:
        if adjoints.output in failed or output in waiting:
            note, adjoints = f"{graph.name(output)} has no value, so there is no gradient.", None
    if failed:
        script = Script.of(expansion, made.computed, adjoints, failed)

    def read(ref: Ref) -> Array | None:
        return None if ref in failed else fixed(ref)

    def fixed(ref: Ref) -> Array:
        array = plan.value(ref)
        if array.flags.writeable:
            array = array.view()
            array.setflags(write=False)
        return array

    values: dict[str, Ref] = {n: n for n in made.computed}
    values |= expansion.results  # a module shows its result
    adjoint = adjoints.adjoint if adjoints else {}
    gradients = {n: adjoint[n] for n in made.computed if n in adjoint}
    for node_id, ref in expansion.results.items():
        if isinstance(ref, str) and ref in adjoint:
            gradients[node_id] = adjoint[ref]
    if failed:
        values = {n: ref for n, ref in values.items() if ref not in failed}
        gradients = {n: ref for n, ref in gradients.items() if ref not in failed}
    return Evaluation(
        _Arrays(values, fixed, made.specs),
        _Arrays(gradients, fixed, made.specs),
        made.specs,
        faults,
        frozenset(waiting),
        output,
        note,
        Steps(script, Telling(graph, expansion, adjoints, read)),
        adjoints,
        expansion,
        graph,
        dict(feeds),
        plan,
        failed,
    )


def symbolic_shapes(longer: Expansion, specs: Mapping[str, Spec]) -> dict[str, tuple[str, ...]]:
    """Shapes as text, `B` for a dimension that grows with the rows of the data nodes."""
    texts = {}
    for node_id, spec in specs.items():
        ref = longer.step_of(node_id)
        if ref is not None and longer.spec(ref).rank == spec.rank:
            texts[node_id] = symbolic(spec, longer.spec(ref))
    return texts


def symbolic(spec: Spec, longer: Spec) -> tuple[str, ...]:
    """A shape as text, `B` for a dimension that grows with the rows."""
    pairs = zip(spec.shape, longer.shape, strict=True)
    return tuple(_batch_text(n, more - n) for n, more in pairs)


def _batch_text(size: int, growth: int) -> str:
    if growth <= 0:
        return str(size)
    return "B" if growth == 1 else f"{growth}B"
