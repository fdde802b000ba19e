"""What the stages of a recipe ask of a document: losses, data, what moves, and the plans that move it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from engine import ops
from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref, state_updates
from engine.expression import parse_expression
from engine.flatten import expand
from engine.graph import Graph, Stage
from engine.ops.row import Array
from engine.passing import under
from engine.program import Plan
from engine.ties import owner
from engine.train import data, data_checks, optimizers
from engine.train.data import Dataset
from engine.train.optimizers import LEARNING_RATE, Optimizer
from engine.train.problem import TrainingError, inner_starts, loss_of, not_ready, starts, trained
from engine.train.schedules import Rates

BLOCK_BYTES = 32 * 2**20
"""How much of the data is put in the order of an epoch at a time."""

_PENALTY = "g + weight * sign(p)"
_CUT = "maximum(minimum(g, most), -most)"
_SQUARES = "sum(g ** 2)"
_SHARE = "minimum(most / (sqrt(squares) + 1e-6), 1)"
_tree = lru_cache(parse_expression)


@dataclass(frozen=True)
class Compiled:
    """A plan of one step on some number of rows.

    `data` and `states` are the source steps it has; `moved` are the states that belong to the document:
    parameters and running statistics. `gradients` are there for an optimizer that moves by itself.
    """

    plan: Plan
    loss: str
    data: tuple[str, ...]
    states: tuple[str, ...]
    moved: tuple[str, ...]
    gradients: Mapping[str, Ref]

    @cached_property
    def has_rate(self) -> bool:
        return LEARNING_RATE in self.states


@dataclass
class Task:
    """A stage made ready: what it makes smaller, on which rows, and what moves (`wrt`).

    `name` stands before what is wrong with it; it is empty in a recipe of one stage. `told` says what is
    odd about its data.
    """

    graph: Graph
    stage: Stage
    number: int
    name: str
    seed: int
    loss_node: str
    data: tuple[str, ...] = ()
    dataset: Dataset | None = None
    wrt: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    nodes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Training rows; 0 without data."""
        return len(self.dataset.train) if self.dataset is not None else 0

    @property
    def batch(self) -> int:
        return min(self.stage.batch_size or self.count, self.count)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.count // self.batch) if self.count else 1

    @property
    def steps(self) -> int:
        return self.stage.epochs * self.steps_per_epoch

    @cached_property
    def per_block(self) -> int:
        """How many batches are put in order at a time."""
        bytes_per_row = sum(self.take(n, self.first_rows(1)).nbytes for n in self.data)
        return max(1, BLOCK_BYTES // max(bytes_per_row * self.batch, 1))

    def error(self, error: object) -> TrainingError:
        return TrainingError(f"{self.name}{error}")

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Puts the stage's name before what is wrong inside, as a TrainingError."""
        try:
            yield
        except TrainingError:
            raise
        except ValueError as error:
            if not self.name:
                raise
            raise self.error(error) from None

    def first_rows(self, count: int) -> Array:
        return self.dataset.train[:count] if self.dataset is not None else np.arange(0)

    def take(self, node_id: str, rows: Array) -> Array:
        """What a data node reads of these rows."""
        assert self.dataset is not None
        name = self.nodes[node_id][1]
        data.field_of(self.graph, self.dataset, node_id, name)
        return self.dataset.take(name, rows)

    def keeps(self, node_id: str) -> bool:
        """Whether a parameter stays as it is in this stage."""
        return any(node_id == f or node_id.startswith(f"{f}.") for f in self.frozen)

    def expand(self, values: Mapping[str, Array], rows: Array) -> tuple[Expansion, str]:
        """The document on these rows, and the step that is the loss. Raises TrainingError."""
        feeds = {n: self.take(n, rows) for n in self.data}
        expansion = expand(self.graph, {**values, **feeds}, training=True)
        expansion.clock.seed = self.seed
        loss = expansion.step_of(self.loss_node)
        if not isinstance(loss, str):
            raise self.error(not_ready(self.graph, expansion, self.loss_node))
        if expansion.spec(loss).shape:
            raise self.error(
                f"{self.graph.name(self.loss_node)} is not a single number; "
                "wrap it in mean(...) or sum(...) to train on it"
            )
        return expansion, loss

    def compile(
        self,
        rows: int,
        values: Mapping[str, Array],
        optimizer: Optimizer,
        settings: Mapping[str, float],
    ) -> Compiled:
        """The plan of a step on this many rows. Raises TrainingError or ValueError with a sentence."""
        expansion, loss = self.expand(values, self.first_rows(rows))
        adjoints = differentiate(expansion, loss, self.wrt).adjoint
        slopes = {n: adjoints[n] for n in self.wrt if n in adjoints}
        if not slopes:
            raise self.error(self._nothing_to_train())
        slopes = shaped(self.stage, expansion, slopes)
        kept = {n: r for n, r in state_updates(expansion, loss).items() if not self.keeps(n)}
        assign: dict[str, Ref] = {}
        own: tuple[str, ...] = ()
        if optimizer.program:
            updates = optimizers.build(expansion, optimizer, slopes, settings)
            assign, own, slopes = dict(updates.assign), updates.states, {}
        kept = {n: ref for n, ref in kept.items() if n not in assign}
        outputs = [loss, *self.wrt, *slopes.values()]
        plan = Plan(expansion, outputs, assign={**assign, **kept})
        live = {flat.id for flat in plan.order}
        moved = tuple(n for n in dict.fromkeys((*self.wrt, *kept)) if n in live)
        states = (*moved, *(n for n in own if n in live))
        return Compiled(plan, loss, tuple(n for n in self.data if n in live), states, moved, slopes)

    def _nothing_to_train(self) -> str:
        name = self.graph.name(self.loss_node)
        if self.frozen:
            return (
                f"{name} does not depend on a parameter that is not frozen; "
                "take one out of what the stage freezes"
            )
        return (
            f"{name} does not depend on a trainable parameter; wire one in or set trainable on one"
        )


def shaped(stage: Stage, expansion: Expansion, slopes: Mapping[str, Ref]) -> dict[str, Ref]:
    """The gradients of a stage with the L1 penalty's, then cut an entry, then cut to a norm over all.

    As `torch.nn.utils.clip_grad_value_` and `clip_grad_norm_` cut them.
    """
    found = dict(slopes)
    if stage.l1_penalty:
        for n, g in found.items():
            names = {"g": g, "p": n, "weight": stage.l1_penalty}
            found[n] = expansion.build(_tree(_PENALTY), names)
    if stage.clip_value:
        for n, g in found.items():
            found[n] = expansion.build(_tree(_CUT), {"g": g, "most": stage.clip_value})
    if stage.clip_norm:
        total: Ref = 0.0
        for g in found.values():
            squares = expansion.build(_tree(_SQUARES), {"g": g})
            total = expansion.append(ops.ADD, (total, squares))
        names = {"squares": total, "most": stage.clip_norm}
        share = expansion.build(_tree(_SHARE), names)
        found = {n: expansion.append(ops.MUL, (g, share)) for n, g in found.items()}
    return found


def prepare(
    graph: Graph, base: Path | None, seed: int, fresh: bool, wrt: Iterable[str] | None
) -> tuple[list[Task], dict[str, Array]]:
    """The stages of a document's recipe, and the values that its source nodes start from.

    `fresh` draws parameters anew, `wrt` trains these nodes instead of the trainable parameters.
    Raises TrainingError, DataError or ValueError with a sentence, which names the stage if there are more.
    """
    sets: dict[str, Dataset] = {}
    tasks = [_task(graph, number, seed, sets, base) for number in range(len(graph.recipe.stages))]
    given = None if wrt is None else tuple(wrt)
    above: set[str] = set()
    for task in tasks:
        here = under(graph, task.loss_node)
        task.wrt = trained(graph, here) if given is None else given
        above |= here
    everything = tuple(dict.fromkeys(n for task in tasks for n in task.wrt))
    dataset = next((task.dataset for task in tasks if task.dataset is not None), None)
    values = starts(graph, dataset, above, everything, seed, fresh)
    for task in tasks:
        with task.naming():
            fields = {n: task.nodes[n][1] for n in task.data}
            task.told = data_checks.look(
                graph,
                task.dataset,
                fields,
                task.batch,
                values,
                task.loss_node,
                task.stage.batch_size,
            )
        if graph.modules:
            inner = inner_starts(*task.expand(values, task.first_rows(task.batch)), seed, fresh)
            values = {**inner, **values}
            task.wrt += () if given is not None else tuple(inner)
        if given is None:
            task.wrt = tuple(n for n in task.wrt if not task.keeps(n))
    return tasks, values


def moved_by(tasks: Sequence[Task], values: dict[str, Array]) -> list[str]:
    """What these stages move. All are compiled once, to say what is wrong with one before the first step;
    running statistics inside modules get their values."""
    found: list[str] = []
    for task in tasks:
        with task.naming():
            Rates(task.stage, task.steps_per_epoch)
            row = optimizers.find(task.stage.optimizer)
            made = task.compile(task.batch, values, row, task.stage.settings)
        for node_id in made.moved:
            if node_id not in values:
                values[node_id] = made.plan.value(node_id).copy()
        found += made.moved
    return found


def steps_in(tasks: Sequence[Task], done: int, epochs: int) -> int:
    """How many steps so many epochs have, when so many steps of the first task are done; the last one
    goes on for as long as it is asked to."""
    found = 0
    for task in tasks:
        steps = epochs * task.steps_per_epoch
        if task is not tasks[-1]:
            steps = min(steps, task.steps - done)
        found, done = found + steps, 0
        epochs -= -(-steps // task.steps_per_epoch)
    return found


def steps_per_epoch(graph: Graph, number: int, base: Path | None) -> int:
    """How many steps an epoch of a stage has, 1 where it cannot be trained.

    Raises NotReady where it takes long to know.
    """
    with data.at_once():
        try:
            return _task(graph, number, 0, {}, base).steps_per_epoch
        except data.NotReady:
            raise
        except (ValueError, OSError):
            return 1


def _task(
    graph: Graph, number: int, seed: int, sets: dict[str, Dataset], base: Path | None
) -> Task:
    stage = graph.recipe.stages[number]
    name = ""
    if len(graph.recipe.stages) > 1:
        name = f"stage {number + 1} ({stage.title}): " if stage.title else f"stage {number + 1}: "
    if stage.loss and stage.loss not in graph.nodes:
        raise TrainingError(f"{name}its loss is no node of the document; choose another one")
    task = Task(graph, stage, number, name, seed, loss_of(graph, stage))
    task.nodes = data.data_nodes(graph)
    here = under(graph, task.loss_node)
    task.data = tuple(n for n in task.nodes if n in here)
    task.frozen = tuple(_owned(graph, f) for f in stage.frozen)
    names = list(dict.fromkeys(task.nodes[n][0] for n in task.data))
    if len(names) > 1:
        raise task.error(
            f"the loss reads rows of {' and of '.join(names)}; let its data nodes share one source"
        )
    main = data.main_source(graph) if _needs_sizes(graph) else None
    source = names[0] if names else main
    if source is not None:
        if source not in sets:
            sets[source] = data.load(graph, source, base)
        task.dataset = sets[source]
    return task


def _needs_sizes(graph: Graph) -> bool:
    shapes = [graph.nodes[n].options.get("shape") for n in graph.of_op("parameter")]
    return any(isinstance(s, tuple) and any(isinstance(p, str) for p in s) for s in shapes)


def _owned(graph: Graph, path: str) -> str:
    """The path with tied instances replaced by those whose parameters they use."""
    found: list[str] = []
    inner: Graph | None = graph
    for part in path.split("."):
        if inner is not None and part in inner.nodes:
            part = owner(inner, part)
            inner = inner.op(part).definition
        found.append(part)
    return ".".join(found)
