"""The loss and the metrics of a stage on any rows, by plans that are kept."""

from __future__ import annotations

from collections.abc import Mapping

from engine.flatten import expand
from engine.ops.row import Array
from engine.program import Plan
from engine.train.problem import metrics_of
from engine.train.stages import Task


class Measures:
    """What a stage's loss and the document's metrics are, compiled once for each number of rows."""

    def __init__(self, task: Task) -> None:
        self.graph, self.task = task.graph, task
        self._plans: dict[int, tuple[Plan, dict[str, str]]] = {}

    def forget(self) -> None:
        """After a value that is no parameter of the stage has changed."""
        self._plans.clear()

    def on(self, rows: Array, values: Mapping[str, Array]) -> dict[str, float]:
        """Loss and metrics by name, with these values of source nodes."""
        task, made, fields = self.task, self._plans.get(len(rows)), {}
        if task.dataset is not None:  # metrics may read data that the loss does not
            ours = [n for n, (source, _) in task.nodes.items() if source == task.dataset.name]
            fields = {n: task.take(n, rows) for n in ours}
        if made is None:
            expansion = expand(self.graph, {**values, **fields})
            wanted = [task.loss_node, *metrics_of(self.graph, task.loss_node)]
            steps = {self.graph.name(n): expansion.step_of(n) for n in wanted}
            named = {
                name: step
                for name, step in steps.items()
                if isinstance(step, str) and not expansion.spec(step).shape
            }
            made = self._plans[len(rows)] = Plan(expansion, named.values()), named
        plan, named = made
        live = {flat.id for flat in plan.order}
        for node_id, value in {**values, **fields}.items():
            if node_id in live:
                plan.set(node_id, value)
        plan.run()
        return {name: plan.number(step) for name, step in named.items()}
