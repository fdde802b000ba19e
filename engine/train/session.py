"""One training run: a plan with end-of-step assignments, stepped over batches.

The loss, its adjoints and the optimizer's updates are one expansion, compiled once for every number of
rows a batch can have (the last batch of an epoch may be short). The rows of a step follow from
the seed and the step's number alone, so any stretch of a run can be done again bit by bit; that is
how a run that diverges goes back to its last finite parameters without copying them at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.rows import Field
from engine.differentiate import differentiate
from engine.expansion import Expansion, state_updates
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array, Clock
from engine.passing import under
from engine.program import Plan
from engine.train import data, divergence, optimizers
from engine.train.data import Dataset
from engine.train.optimizers import LEARNING_RATE, STEP
from engine.train.problem import (
    TrainingError,
    inner_starts,
    loss_of,
    metrics_of,
    not_ready,
    starts,
    trained,
    use_threads,
)

SAVE_EVERY = 64
"""Steps between two copies of the parameters, kept for the way back from a divergence."""


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number.

    `node` is the first node, in the order of computing, with a value that is not finite; `step` the
    step it happened in. The session holds the parameters before that, whose loss was finite.
    """

    def __init__(self, message: str, node: str, step: int) -> None:
        super().__init__(message)
        self.node, self.step = node, step


@dataclass(frozen=True)
class _Compiled:
    """A plan for one number of rows; `data` and `states` are the source steps it has."""

    plan: Plan
    data: tuple[str, ...]
    states: tuple[str, ...]


_State = tuple[int, dict[str, Array]]


class Training:
    """Trains a document; the document itself stays as it is.

    `base` is the folder that data files are relative to. `seed` draws new starting parameters where
    `init` says how, and orders the batches; None keeps the document's parameters and the recipe's
    seed (parameters that do not fit the data are drawn anyhow). `wrt` trains these source nodes
    instead of the trainable parameters. `threads` is how many BLAS threads the process uses from now
    on; results differ in the last bits between 1 and more.

    Raises TrainingError, DataError or ValueError with a sentence.
    """

    def __init__(
        self,
        graph: Graph,
        base: Path | None = None,
        *,
        seed: int | None = None,
        wrt: Iterable[str] | None = None,
        threads: int = 1,
    ) -> None:
        use_threads(threads)
        self.graph, self.stage = graph, graph.recipe.stages[0]
        self.seed = graph.recipe.seed if seed is None else seed
        self.loss_node = loss_of(graph, self.stage)
        self.optimizer = optimizers.find(self.stage.optimizer)
        above = under(graph, self.loss_node)
        self._nodes = data.data_nodes(graph)
        self._data = [n for n in self._nodes if n in above]
        self.dataset = self._load(base)
        self.wrt = trained(graph, above) if wrt is None else tuple(wrt)
        start = starts(graph, self.dataset, above, self.wrt, self.seed, fresh=seed is not None)
        rows = len(self.dataset.train) if self.dataset is not None else 0
        self._batch = min(self.stage.batch_size or rows, rows)
        self.steps_per_epoch = -(-rows // self._batch) if rows else 1
        self.step_count = 0
        self.loss = math.nan
        self.history: list[float] = []
        self._compiled: dict[int, _Compiled] = {}
        self._measures: dict[int, tuple[Plan, dict[str, str]]] = {}
        self._epoch = -1
        self._order = np.arange(0)
        inner = self._inner(start, fresh=seed is not None)
        self.wrt += () if wrt is not None else tuple(inner)
        start |= inner
        self._now = self._compile(self._batch, start)
        self.moved = tuple(n for n in self._now.states if n in start)
        self._now.plan.set(LEARNING_RATE, self.stage.learning_rate)
        self._fixed = {n: v for n, v in start.items() if n not in self.moved}
        self._learning_rate = self.stage.learning_rate
        self._rates: dict[int, float] = {}
        self._saved: _State = (0, self._beginning(start))
        self._saved_before: _State = self._saved

    # ------------------------------------------------------------ making

    def _load(self, base: Path | None) -> Dataset | None:
        names = list(dict.fromkeys(self._nodes[n][0] for n in self._data))
        if len(names) > 1:
            raise TrainingError(
                f"the loss reads rows of {' and of '.join(names)}; let its data nodes share one source"
            )
        if names:
            return data.load(self.graph, names[0], base)
        main = data.main_source(self.graph)
        return (
            data.load(self.graph, main, base) if main is not None and self._needs_sizes() else None
        )

    def _needs_sizes(self) -> bool:
        shapes = [self.graph.nodes[n].options.get("shape") for n in self.graph.of_op("parameter")]
        return any(isinstance(s, tuple) and any(isinstance(p, str) for p in s) for s in shapes)

    def _inner(self, start: Mapping[str, Array], fresh: bool) -> dict[str, Array]:
        """The parameters inside modules, whose shapes follow from the wires."""
        if not self.graph.modules:
            return {}
        return inner_starts(
            self._expand(start, self._rows(self._batch)), self._loss, self.seed, fresh
        )

    def _rows(self, count: int) -> Array:
        return self.dataset.train[:count] if self.dataset is not None else np.arange(0)

    def _expand(self, start: Mapping[str, Array], rows: Array) -> Expansion:
        feeds = {n: self._field(n)[rows] for n in self._data}
        expansion = expand(self.graph, {**start, **feeds}, training=True)
        expansion.clock.seed = self.seed
        loss = expansion.step_of(self.loss_node)
        if not isinstance(loss, str):
            raise TrainingError(not_ready(self.graph, expansion, self.loss_node))
        self._loss = loss
        if expansion.spec(loss).shape:
            raise TrainingError(
                f"{self.graph.name(self.loss_node)} is not a single number; "
                "wrap it in mean(...) or sum(...) to train on it"
            )
        return expansion

    def _field(self, node_id: str) -> Field:
        assert self.dataset is not None
        return data.field_of(self.graph, self.dataset, node_id, self._nodes[node_id][1])

    def _compile(self, rows: int, start: Mapping[str, Array]) -> _Compiled:
        expansion = self._expand(start, self._rows(rows))
        adjoints = differentiate(expansion, self._loss, self.wrt).adjoint
        moved = {n: adjoints[n] for n in self.wrt if n in adjoints}
        if not moved:
            raise TrainingError(
                f"{self.graph.name(self.loss_node)} does not depend on a trainable parameter; "
                "wire one in or set trainable on one"
            )
        updates = optimizers.build(expansion, self.optimizer, moved, self.stage.settings)
        kept = state_updates(expansion, self._loss)
        kept = {n: ref for n, ref in kept.items() if n not in updates.assign}
        plan = Plan(expansion, [self._loss, *self.wrt], assign={**updates.assign, **kept})
        live = {flat.id for flat in plan.order}
        fed = tuple(n for n in self._data if n in live)
        states = [n for n in dict.fromkeys((*self.wrt, *kept, *updates.states)) if n in live]
        compiled = _Compiled(plan, fed, tuple(states))
        self._compiled[rows] = compiled
        return compiled

    # ------------------------------------------------------------ stepping

    @property
    def epoch(self) -> int:
        """Full passes over the training rows; without data every step is one."""
        return self.step_count // self.steps_per_epoch

    @property
    def learning_rate(self) -> float:
        return self._learning_rate

    def set_learning_rate(self, value: float) -> None:
        """From the next step on. Raises ValueError unless it is a finite number of 0 or more."""
        if not 0 <= value < math.inf:
            raise ValueError("the learning rate is a number of 0 or more")
        self._learning_rate = self._rates[self.step_count] = float(value)
        self._now.plan.set(LEARNING_RATE, value)

    def step(self) -> float:
        """One step; returns the loss before it. Raises DivergedError or TrainingError."""
        if self.step_count - self._saved[0] >= SAVE_EVERY:
            self._save()
        self._feed()
        plan = self._now.plan
        try:
            plan.run()
        except ValueError as error:
            raise TrainingError(str(error)) from None
        loss = plan.number(self._loss)
        if not math.isfinite(loss):
            self._diverged()
        self.step_count += 1
        self.loss = loss
        self.history.append(loss)
        return loss

    def run(
        self, steps: int, on_progress: Callable[[Training], bool | None] | None = None
    ) -> float:
        """That many steps; returns the last loss.

        `on_progress` is called behind every step and ends the run by returning False.
        Raises DivergedError, also when the last update itself left the finite numbers.
        """
        for _ in range(steps):
            self.step()
            if on_progress is not None and on_progress(self) is False:
                break
        self.check()
        return self.loss

    def check(self) -> None:
        """Raises DivergedError when the last update itself left the finite numbers."""
        if not all(np.isfinite(self._now.plan.value(n)).all() for n in self.wrt):
            self._diverged()

    def _feed(self) -> None:
        """Sets the rows of the step to come, and the step that random rows draw by."""
        self._rows_of_step()
        self._now.plan.expansion.clock.step = self.step_count

    def _rows_of_step(self) -> None:
        if self.dataset is None or not self._data:
            return
        epoch, position = divmod(self.step_count, self.steps_per_epoch)
        whole = self.steps_per_epoch == 1
        if whole and self._epoch >= 0:
            return
        if self._epoch != epoch:
            train = self.dataset.train
            self._order = train if whole else self.dataset.order(self.seed, epoch)
            self._epoch = epoch
        first = position * self._batch
        rows = min(self._batch, len(self.dataset.train) - first)
        self._use(rows)
        chosen = self._order[first : first + rows]
        for node_id in self._now.data:
            self._now.plan.set(node_id, self._field(node_id)[chosen])

    def _use(self, rows: int) -> None:
        """Makes the plan for this many rows the current one, parameters and states with it."""
        known = self._compiled.get(rows)
        if known is self._now:
            return
        state = self._state()
        if known is None:
            known = self._compile(rows, {**self._fixed, **{n: state[n] for n in self.moved}})
        self._now = known
        self._restore(state)

    def _state(self) -> dict[str, Array]:
        return {n: self._now.plan.value(n).copy() for n in self._now.states}

    def _beginning(self, start: Mapping[str, Array]) -> dict[str, Array]:
        """As `_state` before the first step, without copies of what is known: the parameters are
        those it starts from, and zeros take no memory."""
        begun = {}
        for node_id in self._now.states:
            value = self._now.plan.value(node_id)
            zeros = np.broadcast_to(np.zeros((), value.dtype), value.shape)
            begun[node_id] = start.get(node_id, value.copy() if value.any() else zeros)
        return begun

    def _restore(self, state: Mapping[str, Array]) -> None:
        for node_id, value in state.items():
            self._now.plan.set(node_id, value)

    def _save(self, both: bool = False) -> None:
        now = (self.step_count, self._state())
        self._saved_before = now if both else self._saved
        self._saved = now

    # ------------------------------------------------------------ diverging

    def _diverged(self) -> None:
        """Goes back to the last parameters with a finite loss, names the culprit and raises."""
        failed = self.step_count
        saved = self._saved if self._saved[0] < failed else self._saved_before
        track = divergence.Track()
        self._replay(saved, failed, track=track)
        fed = {n: self._now.plan.value(n).copy() for n in self._now.data}
        given, clock = {**self._fixed, **self.parameters()}, self._now.plan.expansion.clock
        told = divergence.explain(
            self.graph, self._loss, given, fed, Clock(clock.seed, clock.step), track,
            self._learning_rate, lambda rate: self._replay(saved, saved[0] + divergence.TRIED, rate),
        )  # fmt: skip
        self._replay(saved, max(failed - 1, saved[0]))
        kept = self.step_count
        self._rates = {step: rate for step, rate in self._rates.items() if step < kept}
        self.set_learning_rate(self._learning_rate)
        del self.history[len(self.history) - (failed - kept) :]
        self.loss = self.history[-1] if self.history else math.nan
        self._save(both=True)
        raise DivergedError(
            f"training diverged at step {failed + 1}: {told.name} {told.sentence}; "
            f"the parameters are those after step {kept}",
            told.node, failed + 1,
        )  # fmt: skip

    def _replay(
        self, saved: _State, to: int, rate: float | None = None,
        track: divergence.Track | None = None,
    ) -> list[float]:  # fmt: skip
        """Does the steps from a saved state again, up to `to` steps done, at the learning rates they
        had or at `rate`; returns the losses. `track` is shown the parameters before and after each."""
        losses = []
        self.step_count, state = saved
        self._restore(state)
        if track is not None:
            track.add(self.parameters())
        while self.step_count < to:
            self._feed()
            at = self._rates.get(self.step_count) if rate is None else rate
            if at is not None:
                self._now.plan.set(LEARNING_RATE, at)
            self._now.plan.run()
            self.step_count += 1
            losses.append(self._now.plan.number(self._loss))
            if track is not None:
                track.add(self.parameters())
        self._feed()
        self._now.plan.set(LEARNING_RATE, self._learning_rate)
        return losses

    # ------------------------------------------------------------ results

    def parameters(self) -> dict[str, Array]:
        """Copies of what training moves, by node id: parameters and running statistics."""
        return {n: self._now.plan.value(n).copy() for n in self.moved}

    def load_parameters(self, values: Mapping[str, Array]) -> None:
        """Goes on from these parameters; the optimizer starts anew.

        Raises TrainingError when one has another shape.
        """
        for node_id in self.moved:
            if node_id in values and values[node_id].shape != self._now.plan.spec(node_id).shape:
                raise TrainingError(f"the value given for {self.graph.name(node_id)} does not fit")
        for node_id in self._now.states:
            if node_id in self.moved:
                self._now.plan.set(node_id, values.get(node_id, self._now.plan.value(node_id)))
            elif node_id != LEARNING_RATE:
                self._now.plan.set(node_id, np.asarray(float(node_id == STEP)))
        self._save(both=True)

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """All that going on from here needs: arrays by name, and facts that JSON can hold.

        A session of the same document that restores it goes on with the same bits as this one.
        """
        kept = self._state()
        arrays = {f"parameter/{n}": kept.pop(n) for n in self.moved}
        arrays |= {f"optimizer/{n}": value for n, value in kept.items() if n != LEARNING_RATE}
        loss = self.loss if math.isfinite(self.loss) else None
        facts = {"step": self.step_count, "seed": self.seed, "loss": loss}
        return arrays, {**facts, "learning_rate": self._learning_rate}

    def restore(self, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave, here or in another process; `history` begins anew.

        Raises TrainingError when it is not that of this document.
        """
        wanted = {f"parameter/{n}": n for n in self.moved}
        inner = [n for n in self._now.states if n not in self.moved and n != LEARNING_RATE]
        wanted |= {f"optimizer/{n}": n for n in inner}
        for key, node_id in wanted.items():
            if key not in arrays or arrays[key].shape != self._now.plan.spec(node_id).shape:
                raise TrainingError(
                    f"the kept training does not fit this document ({key} is missing or has another "
                    "shape); train it from its start"
                )
        self.seed, self.step_count, self._epoch = int(facts["seed"]), int(facts["step"]), -1
        for compiled in self._compiled.values():
            compiled.plan.expansion.clock.seed = self.seed
        self._restore({node_id: arrays[key] for key, node_id in wanted.items()})
        self._rates, self.history = {}, []
        self.loss = math.nan if facts["loss"] is None else float(facts["loss"])
        self.set_learning_rate(float(facts["learning_rate"]))
        self._save(both=True)

    def metrics(self) -> dict[str, dict[str, float]]:
        """The loss and every metric, by node name, over all training rows and all held-out rows.

        `validation` is empty when no rows are held out.
        """
        parts = {"train": np.arange(0), "validation": np.arange(0)}
        if self.dataset is not None and self._data:
            parts = {"train": self.dataset.train, "validation": self.dataset.validation}
            parts = {k: self.dataset.sample(rows) for k, rows in parts.items()}
            return {k: self._measure(rows) if len(rows) else {} for k, rows in parts.items()}
        return {"train": self._measure(parts["train"]), "validation": {}}

    def _measure(self, rows: Array) -> dict[str, float]:
        parameters = {n: self._now.plan.value(n) for n in self.moved}
        made = self._measures.get(len(rows))
        fields = {}
        if self.dataset is not None:  # metrics may read data that the loss does not
            ours = [n for n, (source, _) in self._nodes.items() if source == self.dataset.name]
            fields = {n: self._field(n)[rows] for n in ours}
        if made is None:
            expansion = expand(self.graph, {**self._fixed, **parameters, **fields})
            wanted = [self.loss_node, *metrics_of(self.graph)]
            steps = {expansion.step_of(n): self.graph.name(n) for n in wanted}
            named = {
                n: name
                for n, name in steps.items()
                if isinstance(n, str) and not expansion.spec(n).shape
            }
            made = Plan(expansion, named), named
            self._measures[len(rows)] = made
        plan, named = made
        live = {flat.id for flat in plan.order}
        for node_id, value in {**parameters, **fields}.items():
            if node_id in live:
                plan.set(node_id, value)
        plan.run()
        return {name: plan.number(n) for n, name in named.items()}
