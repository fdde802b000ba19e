"""A document at a moment of its training: any values, gradients and losses, on any rows.

What is asked for is compiled once and kept, so that the same question at the next moment is one run
of a plan. Everything here reads; the document and the training stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine import ops
from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array
from engine.passing import under
from engine.program import Plan
from engine.train import data
from engine.train.data import Dataset
from engine.train.problem import TrainingError, inner_starts, loss_of, not_ready, starts, trained

Part = Literal["train", "validation"]
MAX_PLANS = 32
"""Compiled questions kept; the oldest goes first."""
SEED = "upstream"
"""The step that holds what a gradient begins with; no node has such an id."""


class Scene:
    """Values of a document with the parameters of one moment; `at` chooses another moment.

    `base` is the folder that data files are relative to. `parameters` are what training moves, by node
    id or path into a module, with the values of the moment; `step` is how many steps had been done.
    Rows are those of the data that the last stage reads, or else of what stages before it read.
    Node ids and paths (`n5.n2`) both name nodes. Raises ValueError with a sentence where the document
    cannot be computed.
    """

    def __init__(self, graph: Graph, base: Path | None = None) -> None:
        self.graph, self.step = graph, 0
        parts = _under_losses(graph)
        above = set[str]().union(*parts) if parts else set(graph.nodes)
        sources = _sources(graph, parts)
        sets = {name: data.load(graph, name, base) for name in (*sources[:1], *sources[-1:])}
        self.dataset: Dataset | None = sets[sources[-1]] if sources else None
        self._data = {
            n: field for n, (name, field) in data.data_nodes(graph).items() if name in sources[-1:]
        }
        self._plans: dict[Any, tuple[Plan, dict[str, Ref]]] = {}
        sized = sets[sources[0]] if sources else None
        learnt, seed = tuple(graph.of_op("parameter")), graph.recipe.seed
        values = {n: v for n, v in graph.tensors.items() if n in graph.nodes and n not in above}
        values |= self.typed({n: values[n] for n in learnt if n in values})
        self._fixed = {**values, **starts(graph, sized, above, learnt, seed, False)}
        self.parameters: dict[str, Array] = {}
        self.kept: dict[str, Any] = {}  # what probes go on with at the next question
        self.at({}, 0)

    @property
    def loss_node(self) -> str:
        """The node that the last stage makes smaller. Raises ValueError when there is none."""
        return loss_of(self.graph)

    def at(self, parameters: Mapping[str, Array], step: int) -> None:
        """Another moment; what `parameters` does not name is as in the document."""
        self.step = step
        own = {
            n: self._fixed[n]
            for n in trained(self.graph, set(self.graph.nodes))
            if n in self._fixed
        }
        self.parameters = {**own, **self._inner(), **parameters}

    @property
    def trainable(self) -> tuple[str, ...]:
        """What training moves of itself, by id or path; running statistics are not among them."""
        return tuple(dict.fromkeys((*trained(self.graph, set(self.graph.nodes)), *self._inner())))

    def _inner(self) -> dict[str, Array]:
        """The parameters inside modules, as they start or are stored."""
        if not self.graph.modules:
            return {}
        if "inner" not in self.__dict__:
            expansion = expand(self.graph, {**self._fixed, **self._feeds(self.rows(limit=1), {})})
            loss = expansion.step_of(self.loss_node)
            found = isinstance(loss, str)
            self.__dict__["inner"] = (
                inner_starts(expansion, str(loss), self.graph.recipe.seed, False) if found else {}
            )
        return dict(self.__dict__["inner"])

    # ------------------------------------------------------------ rows

    def rows(self, part: Part = "train", limit: int | None = None) -> Array:
        """Row numbers of a part, int64, spread evenly over it when there are more than `limit`."""
        if self.dataset is None:
            return np.arange(0)
        rows = self.dataset.train if part == "train" else self.dataset.validation
        if limit is None or len(rows) <= limit:
            return rows
        return rows[np.linspace(0, len(rows) - 1, limit).round().astype(np.int64)]

    def field(self, name: str, rows: Array) -> Array:
        """Rows of a field of the data, `x` or `y`. Raises ValueError when there is no such field."""
        if self.dataset is None or name not in self.dataset.fields:
            raise ValueError(f"the document reads no data with a field {name!r}")
        return self.dataset.take(name, rows)

    def expanded(self, rows: Array) -> Expansion:
        """The document as shaped steps at this moment, on these rows."""
        return expand(self.graph, {**self._fixed, **self.parameters, **self._feeds(rows, {})})

    def _feeds(self, rows: Array, feeds: Mapping[str, Array]) -> dict[str, Array]:
        given = {n: self.field(f, rows) for n, f in self._data.items() if n not in feeds}
        return {**given, **feeds}

    # ------------------------------------------------------------ questions

    def values(
        self,
        nodes: Sequence[str],
        rows: Array | None = None,
        feeds: Mapping[str, Array] | None = None,
        training: bool = False,
    ) -> dict[str, Array]:
        """Copies of the nodes' values on these rows (all training rows unless told), by node.

        `feeds` gives arrays to any nodes in place of what they compute, with a row an entry of `rows`.
        `training` lets dropout drop and noise be drawn. Raises ValueError for a node without a value.
        """
        fed = self._feeds(self.rows() if rows is None else rows, feeds or {})
        return self._run(
            ("values", *nodes), fed, training, lambda e: {n: _step(self.graph, e, n) for n in nodes}
        )

    def loss(self, rows: Array | None = None, feeds: Mapping[str, Array] | None = None) -> float:
        """The loss on these rows, all training rows unless told. Raises ValueError when it is no single
        number."""
        node = self.loss_node
        value = self.values([node], rows, feeds)[node]
        if value.shape:
            raise self._not_single(node)
        return float(value)

    def _not_single(self, node: str) -> TrainingError:
        return TrainingError(
            f"{self.graph.name(node)} is not a single number; wrap it in mean(...) or sum(...)"
        )

    def losses(
        self,
        base: Mapping[str, Array],
        moments: Iterable[Mapping[str, Array]],
        rows: Array | None = None,
    ) -> Iterator[float]:
        """The loss on these rows with `base` in place of the moment's values, at each of the moments
        after it; NaN where it is not finite or a row refuses its operands. The scene stays as it is.

        Values are of any float dtype. Raises ValueError when the loss is no single number.
        """
        fed = self._feeds(self.rows() if rows is None else rows, {})
        given = {**self.parameters, **self.typed(base)}
        plan, loss = self._loss_plan(given, fed)
        live = {flat.id for flat in plan.order}
        for moment in moments:
            for node, value in moment.items():
                if node in live:
                    plan.set(node, value)
            try:
                plan.run()
            except ValueError:
                yield math.nan
                continue
            number = plan.number(loss)
            yield number if math.isfinite(number) else math.nan

    def loss_expansion(self, rows: Array) -> Expansion:
        """What the loss on these rows is computed by."""
        return self._loss_plan(self.parameters, self._feeds(rows, {}))[0].expansion

    def typed(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Values in the document's float dtype."""
        return {n: np.asarray(v).astype(self.graph.dtype, copy=False) for n, v in values.items()}

    def _loss_plan(
        self, parameters: Mapping[str, Array], fed: Mapping[str, Array]
    ) -> tuple[Plan, Ref]:
        node = self.loss_node
        plan, refs = self._plan(
            ("values", node), parameters, fed, False, lambda e: {node: _step(self.graph, e, node)}
        )
        if isinstance(ref := refs[node], str) and plan.spec(ref).shape:
            raise self._not_single(node)
        return plan, refs[node]

    def gradients(
        self,
        wrt: Iterable[str],
        rows: Array | None = None,
        of: str | None = None,
        feeds: Mapping[str, Array] | None = None,
        upstream: Array | None = None,
    ) -> dict[str, Array]:
        """Copies of the gradients of the loss (or of `of`) by these nodes, in the nodes' shapes; zeros
        where it does not depend on one. `of` is a single number, or weighed entry by entry by `upstream`
        of its shape. `feeds` as in `values`."""
        wanted, output = tuple(wrt), of or self.loss_node
        fed = self._feeds(self.rows() if rows is None else rows, feeds or {})
        seeded = {} if upstream is None else {SEED: upstream}

        def adjoints(expansion: Expansion) -> dict[str, Ref]:
            loss = _step(self.graph, expansion, output)
            if not isinstance(loss, str) or (expansion.spec(loss).shape and upstream is None):
                raise self._not_single(output)
            seed: Ref = 1.0
            if upstream is not None:
                seed = expansion.source(SEED, ops.TABLE["constant"], upstream)
            steps = {n: _step(self.graph, expansion, n) for n in wanted}
            named = [s for s in steps.values() if isinstance(s, str)]
            adjoint = differentiate(expansion, loss, named, seed).adjoint
            return {n: adjoint[s] for n, s in steps.items() if isinstance(s, str) and s in adjoint}

        question = ("gradients", output, *wanted)
        found = self._run(question, {**fed, **seeded}, False, adjoints)
        missing = [n for n in wanted if n not in found]
        if missing:
            shaped = self.values(missing, rows, feeds)
            found |= {n: np.zeros_like(shaped[n], dtype=self.graph.dtype) for n in missing}
        return found

    def ask(
        self,
        question: Any,
        steps: Callable[[Expansion], Mapping[str, Ref]],
        rows: Array | None = None,
        training: bool = False,
        feeds: Mapping[str, Array] | None = None,
    ) -> tuple[dict[str, Array], Expansion]:
        """Copies of steps that `steps` finds in the expansion, or appends to it, by what it calls them,
        and the expansion. `steps` is called for the first of equal questions alone; `feeds` are for
        sources, those that it appends among them."""
        fed = self._feeds(self.rows() if rows is None else rows, feeds or {})
        found = self._run(question, fed, training, steps)
        return found, next(reversed(self._plans.values()))[0].expansion

    def _run(
        self, question: Any, fed: Mapping[str, Array], training: bool, steps: Any
    ) -> dict[str, Array]:
        plan, refs = self._plan(question, self.parameters, fed, training, steps)
        plan.run()
        return {n: np.array(plan.value(ref)) for n, ref in refs.items()}

    def _plan(
        self,
        question: Any,
        parameters: Mapping[str, Array],
        fed: Mapping[str, Array],
        training: bool,
        steps: Any,
    ) -> tuple[Plan, dict[str, Ref]]:
        """The plan that answers a question, compiled once for these shapes, with these values set."""
        shapes = tuple((n, v.shape, v.dtype.str) for n, v in {**parameters, **fed}.items())
        key = (question, training, shapes)
        known = self._plans.pop(key, None)
        if known is None:
            given = {**self._fixed, **parameters, **fed}
            expansion = expand(self.graph, given, training=training)
            expansion.clock.seed = self.graph.recipe.seed
            refs = steps(expansion)
            known = Plan(expansion, refs.values()), refs
            if len(self._plans) >= MAX_PLANS:
                self._plans.pop(next(iter(self._plans)))
        self._plans[key] = known
        plan, _ = known
        plan.expansion.clock.step = self.step
        live = {flat.id for flat in plan.order}
        for node, value in {**parameters, **fed}.items():
            if node in live:
                plan.set(node, value)
        return known


def _under_losses(graph: Graph) -> list[set[str]]:
    """What the losses of the stages depend on, in the order of the stages."""
    found = []
    for stage in graph.recipe.stages:
        with suppress(TrainingError):
            found.append(under(graph, loss_of(graph, stage)))
    return found


def _sources(graph: Graph, parts: Iterable[set[str]]) -> list[str]:
    """The data that these parts of a document read, in order; the oldest data node's where none reads
    any. Sizes of parameters are those of the first."""
    read = data.data_nodes(graph)
    found = [source for part in parts for n, (source, _) in read.items() if n in part]
    return found or [source for source in (data.main_source(graph),) if source is not None]


def _step(graph: Graph, expansion: Expansion, node: str) -> Ref:
    ref = expansion.step_of(node)
    if ref is None:
        known = node in graph.nodes
        raise TrainingError(not_ready(graph, expansion, node) if known else f"{node} has no value")
    return ref


def above_loss(graph: Graph) -> set[str]:
    """The nodes that the loss depends on, itself among them."""
    return under(graph, loss_of(graph))
