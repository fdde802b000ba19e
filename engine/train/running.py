"""A stage under way: its plans, the optimizer's state, the rows and the learning rate of each step."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping

import numpy as np

from engine.ops.row import Array
from engine.train import lbfgs, optimizers
from engine.train.measuring import Measures
from engine.train.optimizers import LEARNING_RATE, STEP
from engine.train.schedules import Rates
from engine.train.stages import Compiled, Task
from engine.train.stopping import Watch

BLOWN = 1e6
"""A loss that has grown so many times is past coming back, long before it leaves the finite numbers."""


class Running:
    """A stage from its first step on.

    `values` are those of the source nodes; what the stage moves is in the plan instead while it runs.
    `start` and `epochs` are how many steps and epochs were done before it. Steps are counted from the
    start of the training. Raises TrainingError or ValueError with a sentence.
    """

    def __init__(
        self, task: Task, values: dict[str, Array], seed: int, start: int, epochs: int
    ) -> None:
        self.task, self.stage, self.values, self.seed = task, task.stage, values, seed
        self.start, self.epochs = start, epochs
        self.steps_per_epoch, self._batch = task.steps_per_epoch, task.batch
        self.watch = self.new_watch()
        self.measures = Measures(task)
        self.live = (1.0, 1.0)
        self._most = math.nan
        self.rows = 1
        self._feeds = task.dataset is not None and bool(task.data)
        self._block = range(0)
        self._ordered: dict[str, Array] = {}
        self._order: tuple[int, Array] = (-1, np.arange(0))
        with task.naming():
            self.schedule = Rates(self.stage, self.steps_per_epoch)
            self.use_optimizer(self.stage.optimizer, self.stage.settings, start)
        for node_id in self.now.moved:  # running statistics inside modules
            if node_id not in values:
                values[node_id] = self.now.plan.value(node_id).copy()

    @property
    def end(self) -> int:
        return self.start + self.task.steps

    def use_optimizer(self, name: str, settings: Mapping[str, float], step: int) -> None:
        """Goes on by this optimizer, which starts anew, with `values` as they are."""
        self.optimizer, self.settings = optimizers.find(name), dict(settings)
        self._numbers = self.optimizer.settled(self.settings)
        self._compiled: dict[int, Compiled] = {}
        self.memory = lbfgs.Memory()
        self._block = range(0)
        self.now, self._rows_now = self._compile(self._batch, self.values), self._batch
        self.set_rate(step)

    def _compile(self, rows: int, values: Mapping[str, Array]) -> Compiled:
        made = self.task.compile(rows, values, self.optimizer, self.settings)
        made.plan.expansion.clock.seed = self.seed
        self._compiled[rows] = made
        return made

    # ------------------------------------------------------------ stepping

    def advance(self, step: int, rate: float | None = None) -> float:
        """Does the step behind so many, at the rate that is due or at another one; returns its loss.

        Raises TrainingError.
        """
        self.feed(step)
        now = self.now
        if rate is not None:
            self._use_rate(rate)
        elif self.schedule.varies:
            self.set_rate(step)
        try:
            if now.gradients:
                return self._by_itself()
            now.plan.run()
        except ValueError as error:
            raise self.task.error(error) from None
        return now.plan.number(now.loss)

    def _by_itself(self) -> float:
        """A step of the optimizer that evaluates the loss as often as it needs."""
        plan, loss, slopes = self.now.plan, self.now.loss, self.now.gradients
        shapes = {n: plan.spec(n).shape for n in slopes}

        def put(vector: Array) -> None:
            for node_id, part in lbfgs.spread(vector, shapes).items():
                plan.set(node_id, part)

        def evaluate(vector: Array) -> tuple[float, Array]:
            put(vector)
            plan.run()
            parts = [np.broadcast_to(plan.value(g), shapes[n]) for n, g in slopes.items()]
            return plan.number(loss), lbfgs.gather(parts)

        start = lbfgs.gather([plan.value(n) for n in slopes])
        with np.errstate(all="ignore"):
            first, end = lbfgs.step(self.memory, start, evaluate, self.rate, self._numbers)
        put(end)
        return first

    def feed(self, step: int) -> None:
        """Gives the plan the rows of the step behind so many, and what random rows draw by."""
        if self._feeds and not (step in self._block and self.steps_per_epoch == 1):
            self._feed_rows(step)
        self.now.plan.expansion.clock.step = step

    def _feed_rows(self, step: int) -> None:
        if step not in self._block:
            self._fetch(step)
        first = (step - self._block.start) * self._batch if self.steps_per_epoch > 1 else 0
        rows = self.rows = min(self._batch, self._count - first)
        if rows != self._rows_now:
            self._use(rows)
        put = self.now.plan.set
        for node_id in self.now.data:
            put(node_id, self._ordered[node_id][first : first + rows])

    def _fetch(self, step: int) -> None:
        """Puts the rows of some steps in the order of their epoch; all rows at once serve every step."""
        task = self.task
        assert task.dataset is not None
        epoch, position = divmod(step - self.start, self.steps_per_epoch)
        most = task.per_block
        if self.steps_per_epoch == 1:
            rows, self._block = task.dataset.train, range(self.start, sys.maxsize)
        else:
            if self._order[0] != epoch:
                self._order = (epoch, task.dataset.order(self.seed, self.epochs + epoch))
            first = position - position % most
            last = min(first + most, self.steps_per_epoch)
            begin = self.start + epoch * self.steps_per_epoch
            rows = self._order[1][first * self._batch : last * self._batch]
            self._block = range(begin + first, begin + last)
        self._count = len(rows)
        self._ordered = {n: task.take(n, rows) for n in task.data}

    def _use(self, rows: int) -> None:
        """Makes the plan for this many rows the current one, parameters and states with it."""
        states = self.states()
        known = self._compiled.get(rows)
        if known is None:
            known = self._compile(rows, {**self.values, **{n: states[n] for n in self.now.moved}})
        self.now, self._rows_now = known, rows
        self.put(states)

    # ------------------------------------------------------------ states

    def states(self) -> dict[str, Array]:
        """Copies of what a step changes, the learning rate with it."""
        return {n: self.now.plan.value(n).copy() for n in self.now.states}

    def beginning(self) -> dict[str, Array]:
        """As `states` before the first step, without copies of what is known: the parameters are
        those it starts from, and zeros take no memory."""
        begun = {}
        for node_id in self.now.states:
            value = self.now.plan.value(node_id)
            zeros = np.broadcast_to(np.zeros((), value.dtype), value.shape)
            known = self.values.get(node_id) if node_id in self.now.moved else None
            begun[node_id] = value.copy() if value.any() and known is None else zeros
            if known is not None:
                begun[node_id] = known
        return begun

    def put(self, states: Mapping[str, Array]) -> None:
        for node_id, value in states.items():
            self.now.plan.set(node_id, value)

    def moved(self) -> dict[str, Array]:
        """Copies of the document's values that the stage moves."""
        return {n: self.now.plan.value(n).copy() for n in self.now.moved}

    def values_now(self) -> dict[str, Array]:
        """Every value of a source node; those that the stage moves are views of the plan's."""
        return {**self.values, **{n: self.now.plan.value(n) for n in self.now.moved}}

    def inner_states(self) -> Iterator[str]:
        """What the optimizer remembers, by id."""
        moved = set(self.now.moved)
        return (n for n in self.now.states if n not in moved and n != LEARNING_RATE)

    def start_anew(self) -> None:
        """Forgets what the optimizer remembers."""
        self.memory = lbfgs.Memory()
        for node_id in self.inner_states():
            self.now.plan.set(node_id, np.asarray(float(node_id == STEP)))

    def forget(self) -> None:
        """After a divergence: curvature read off wild steps is of no use, nor the mean of their losses."""
        self.memory = lbfgs.Memory()
        self._most = math.nan
        if self.watch is not None:
            self.watch.forget()

    def is_sane(self, loss: float) -> bool:
        """False for the loss of a training that has diverged: no finite number, or `BLOWN` times as large
        as the first of the stage (and as 1)."""
        if math.isnan(self._most) and math.isfinite(loss):
            self._most = BLOWN * max(abs(loss), 1.0)
        return math.isfinite(loss) and loss <= self._most

    def has_finite_loss(self) -> bool:
        """Whether the loss is a finite number where the stage is now, on a batch."""
        rows = self.task.first_rows(self._batch)
        loss = self.measure(rows)[self.task.graph.name(self.task.loss_node)]
        return math.isfinite(loss) and self.is_finite()

    def is_finite(self) -> bool:
        """Whether all numbers that the stage trains are finite."""
        return all(np.isfinite(self.now.plan.value(n)).all() for n in self.task.wrt)

    def fed(self) -> dict[str, Array]:
        """Copies of the rows in the plan, by data node."""
        return {n: self.now.plan.value(n).copy() for n in self.now.data}

    # ------------------------------------------------------------ changing by hand

    def rate_of(self, step: int) -> float:
        """The rate of the step behind so many. Raises TrainingError when there is none."""
        value, of = self.live
        try:
            said = self.schedule.at(step - self.start)
        except ValueError as error:
            raise self.task.error(error) from None
        return said if value == of else value * (said / of)

    def set_rate(self, step: int) -> None:
        """Sets the rate of the step behind so many. Raises TrainingError when there is none."""
        self._use_rate(self.rate_of(step))

    def _use_rate(self, rate: float) -> None:
        self.rate = rate
        if self.now.has_rate:
            self.now.plan.set(LEARNING_RATE, self.rate)

    def go_on_from(self, rate: float, step: int) -> None:
        """The schedule goes on from another rate (see `Training.set_learning_rate`)."""
        said = self.schedule.at(step - self.start)
        self.live = (rate, said or self.stage.learning_rate or 1.0)
        self.set_rate(step)

    def change_optimizer(self, name: str, settings: Mapping[str, float], step: int) -> None:
        self.values |= self.moved()
        self.use_optimizer(name, settings, step)

    def give(self, node_id: str, value: Array) -> None:
        """Another value for a source node."""
        if node_id in self.now.moved:
            self.now.plan.set(node_id, value)
            return
        self.values[node_id] = value.copy()
        self.measures.forget()
        for compiled in self._compiled.values():  # it may be read there without being moved
            if any(flat.id == node_id for flat in compiled.plan.order):
                compiled.plan.set(node_id, value)

    # ------------------------------------------------------------ watching

    def new_watch(self) -> Watch | None:
        dataset = self.task.dataset if self.task.data else None
        return Watch.of(self.stage, dataset is not None and len(dataset.validation) > 0)

    def measure(self, rows: Array) -> dict[str, float]:
        """The loss and every metric over these rows, by node name."""
        return self.measures.on(rows, self.values_now())

    def metrics(self) -> dict[str, dict[str, float]]:
        """See `Training.metrics`."""
        dataset = self.task.dataset if self.task.data else None
        if dataset is None:
            return {"train": self.measure(np.arange(0)), "validation": {}}
        parts = {"train": dataset.train, "validation": dataset.validation}
        sampled = {k: dataset.sample(rows) for k, rows in parts.items()}
        return {k: self.measure(rows) if len(rows) else {} for k, rows in sampled.items()}

    def epoch_loss(self) -> float:
        """What the watch goes by at the end of an epoch: the held-out rows' loss, or the mean one."""
        watch, dataset = self.watch, self.task.dataset
        mean = watch.mean() if watch is not None else math.nan
        if watch is None or not watch.held_out or dataset is None:
            return mean
        return self.measure(dataset.sample(dataset.validation))[
            self.task.graph.name(self.task.loss_node)
        ]
