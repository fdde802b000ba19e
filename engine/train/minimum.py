"""A document's output minimised over its inputs: an optimizer without data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine import edits
from engine.compose import read_name
from engine.graph import Graph, Recipe, Stage
from engine.ops.row import Array
from engine.passing import under
from engine.train import optimizers
from engine.train.problem import TrainingError, loss_of
from engine.train.session import Training


@dataclass(frozen=True)
class Minimum:
    """What `minimize` found: `final` values by name, the `value` there, `history` before each step."""

    final: dict[str, Array]
    value: float
    history: list[float]
    seconds_per_step: float


def minimize(
    graph: Graph,
    wrt: Iterable[str] | None = None,
    optimizer: str = "sgd",
    lr: float | None = None,
    steps: int = 100,
    settings: Mapping[str, float] | None = None,
    on_progress: Callable[[Training], bool | None] | None = None,
) -> Minimum:
    """Minimises a document's output over source nodes, given by name; all float inputs unless told.

    `lr` is the optimizer's usual start unless given. Raises TrainingError, DivergedError, ValueError.
    """
    own = graph.copy()
    row = optimizers.find(optimizer)
    rate = row.learning_rate if lr is None else lr
    loss = loss_of(own)
    recipe = Recipe((Stage("", loss, (), optimizer, rate, dict(settings or {})),))
    edits.set_setting("recipe", recipe).apply(own)
    ids = _sources_by_name(own, wrt)
    training = Training(own, wrt=ids)
    begin = time.perf_counter()
    training.run(steps, on_progress)
    taken = time.perf_counter() - begin
    final = {read_name(own, n): v for n, v in training.parameters().items()}
    value = training.metrics()["train"][own.name(loss)]
    return Minimum(final, value, training.history, taken / max(training.step_count, 1))


def _sources_by_name(graph: Graph, wrt: Iterable[str] | None) -> list[str]:
    above = under(graph, loss_of(graph))
    moving = {read_name(graph, n): n for n in graph.of_op("input", "parameter") if n in above}
    chosen = list(moving) if wrt is None else list(wrt)
    for name in chosen:
        if name not in moving:
            known = ", ".join(moving) or "none"
            raise TrainingError(
                f"{name} is nothing that can be minimised over; choose from: {known}"
            )
    return [moving[name] for name in chosen]
