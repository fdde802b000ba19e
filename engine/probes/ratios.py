"""How far the next step moves each parameter, against the parameter's own size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref
from engine.ops.row import Array
from engine.train import optimizers
from engine.train.divergence import norm
from engine.train.optimizers import LEARNING_RATE
from engine.train.scene import Scene
from engine.train.stages import shaped

ROWS = 256
"""Rows looked at when the batch is larger."""


@dataclass(frozen=True)
class Ratio:
    """A parameter by id or path; Euclidean norms of it and of its next update, and their quotient (NaN
    for a parameter that is all 0)."""

    node: str
    name: str
    weights: float
    update: float

    @property
    def ratio(self) -> float:
        return self.update / self.weights if self.weights else math.nan


@dataclass(frozen=True)
class Ratios:
    """Of every trained parameter, in the order in which the forward pass reads them; the learning rate,
    and the rows of the step."""

    rows: tuple[Ratio, ...]
    learning_rate: float
    batch: int


def ratios(scene: Scene, learning_rate: float | None = None) -> Ratios:
    """Of the optimizer's next step on the rows of a batch, at the recipe's learning rate unless told.
    The optimizer starts anew for it: what it has gathered in a run is the run's. Raises ValueError
    where there is nothing to train."""
    rows = batch(scene)
    rate = rate_of(scene, learning_rate)
    steps = next_step(scene, rows, rate)
    if not steps:
        label = optimizers.find(scene.graph.recipe.last.optimizer).label
        raise ValueError(
            f"a step of {label} follows from those before it; train, and the run's own steps are shown"
        )
    expansion = scene.expanded(scene.rows(limit=1))
    order = [n for n in _read_order(expansion) if n in steps]
    found = tuple(
        Ratio(n, name_of(scene, expansion, n), norm(scene.parameters[n]), norm(steps[n]))
        for n in order
    )
    return Ratios(found, rate, len(rows))


def name_of(scene: Scene, expansion: Expansion, node: str) -> str:
    """What people call a node or a step inside a module."""
    inside = expansion.names.get(node, node)
    return scene.graph.name(node) if node in scene.graph.nodes else inside


def moving(scene: Scene) -> tuple[str, ...]:
    """The parameters that the last stage moves. Raises ValueError when there are none."""
    frozen = scene.graph.recipe.last.frozen
    found = tuple(
        n for n in scene.trainable if not any(n == f or n.startswith(f"{f}.") for f in frozen)
    )
    if not found:
        raise ValueError("there is no parameter to train; add one, or unfreeze one in the recipe")
    return found


def batch(scene: Scene) -> Array:
    """Row numbers of a batch of the recipe's size, `ROWS` at most, spread over the training rows."""
    size = scene.graph.recipe.last.batch_size or ROWS
    return scene.rows(limit=min(size, ROWS))


def rate_of(scene: Scene, told: float | None) -> float:
    """The learning rate that is told, the last stage's when there is none. Raises ValueError."""
    rate = scene.graph.recipe.last.learning_rate if told is None else told
    if not 0 <= rate < math.inf:
        raise ValueError("the learning rate is a number of 0 or more")
    return rate


def next_step(scene: Scene, rows: Array, rate: float) -> dict[str, Array]:
    """What the optimizer's next step on these rows, at this learning rate, adds to each parameter, by id
    or path, in its shape; nothing for an optimizer without a rule for one step. Raises ValueError."""
    stage, wrt = scene.graph.recipe.last, moving(scene)
    optimizer = optimizers.find(stage.optimizer)
    if not optimizer.program:
        return {}
    settings = tuple(sorted(stage.settings.items()))

    def steps(expansion: Expansion) -> Mapping[str, Ref]:
        adjoint = shaped(stage, expansion, adjoints(scene, expansion, wrt))
        updates = optimizers.build(expansion, optimizer, adjoint, stage.settings)
        return {n: updates.assign.get(n, n) for n in adjoint}

    cuts = (stage.l1_penalty, stage.clip_value, stage.clip_norm)
    question = ("next step", optimizer.name, settings, cuts, wrt)
    given = {LEARNING_RATE: np.asarray(rate, scene.graph.dtype)}
    with np.errstate(all="ignore"):
        after, _ = scene.ask(question, steps, rows, True, given)
        return {n: value - scene.parameters[n] for n, value in after.items()}


def adjoints(scene: Scene, expansion: Expansion, wrt: tuple[str, ...]) -> dict[str, Ref]:
    """The adjoints of the loss by these steps, those that it depends on. Raises ValueError."""
    node = scene.loss_node
    loss = expansion.step_of(node)
    if not isinstance(loss, str) or expansion.spec(loss).shape:
        scene.loss(scene.rows(limit=1))  # says what it lacks
        raise ValueError(
            f"{scene.graph.name(node)} is not a single number; end with sum, mean or a loss"
        )
    found = differentiate(expansion, loss, wrt).adjoint
    return {n: found[n] for n in wrt if n in found}


def _read_order(expansion: Expansion) -> list[str]:
    """Sources in the order in which steps read them."""
    found: dict[str, None] = {}
    for flat in expansion.nodes.values():
        for a in flat.args:
            if isinstance(a, str) and expansion.nodes[a].op.is_source:
                found.setdefault(a)
    return list(found)
