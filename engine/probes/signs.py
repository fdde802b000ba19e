"""Signs of how a training goes: what the next step does to the loss, and what is predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.probes.ratios import batch, next_step
from engine.train.divergence import LADDER, norm
from engine.train.roles import roles
from engine.train.scene import Scene
from engine.train.trouble import Signs

STEPS = 4
"""Batches that a step is tried on."""
RUNGS = 6
"""Smaller learning rates that are tried."""
CALM = 1.02
"""A loss that grows by less behind a single batch does not count as rising."""
_STRAIGHT = 1e-3


def signs(
    scene: Scene, rows: Array, rate: float, losses: Sequence[tuple[int, float]] = ()
) -> Signs:
    """Of these rows, with steps at this learning rate; `losses` are (step, loss) of the run so far.
    Raises ValueError."""
    found = roles(scene.graph)
    with np.errstate(all="ignore"):
        loss = scene.loss(rows)
        after, better = _tried(scene, rows, rate, loss)
        told = _predictions(scene, rows, found.prediction, found.target)
    return Signs(
        rows=max(len(rows), 1), learning_rate=rate, loss=loss, after=after,
        better=better, batch=len(batch(scene)), prediction=found.prediction,
        steps=scene.step,
        losses=tuple((int(step), float(loss)) for step, loss in losses), **told,
    )  # fmt: skip


def _tried(scene: Scene, rows: Array, rate: float, loss: float) -> tuple[float, float]:
    """The mean loss behind one step on a batch, and a smaller rate with which it is not larger; NaN for
    an optimizer whose step has not the direction of the gradient: without what it gathered, its next
    step is not the one the run would make."""
    known = scene.parameters
    size, every = len(batch(scene)), scene.rows()
    random = np.random.default_rng(scene.step)
    batches = [batch(scene)]
    if size < len(every):
        batches = [every[random.integers(len(every), size=size)] for _ in range(STEPS)]
    if not rate or not math.isfinite(loss):
        return math.nan, math.nan
    steps = [next_step(scene, chosen, rate) for chosen in batches]
    if not steps[0] or not _is_straight(scene, batches[0], steps[0], rate):
        return math.nan, math.nan

    def behind(scale: float) -> float:
        total = []
        for step in steps:
            scene.parameters = {**known, **{n: known[n] + scale * d for n, d in step.items()}}
            try:
                total.append(scene.loss(rows))
            finally:
                scene.parameters = known
        return math.fsum(total) / len(total) if all(map(math.isfinite, total)) else math.inf

    after = behind(1.0)
    lower = [r for r in LADDER if r < 0.99 * rate][:RUNGS]
    better = (
        next((r for r in lower if behind(r / rate) - loss <= (CALM - 1) * abs(loss)), math.nan)
        if after > loss
        else rate
    )
    return after, better


def _is_straight(scene: Scene, rows: Array, step: dict[str, Array], rate: float) -> bool:
    """True where a step is the learning rate times the gradient."""
    gradient = scene.gradients(step, rows)
    whole = norm(np.array([norm(v) for v in gradient.values()]))
    off = norm(np.array([norm(step[n] + rate * gradient[n]) for n in step]))
    return math.isfinite(off) and off <= _STRAIGHT * rate * whole


def _predictions(scene: Scene, rows: Array, prediction: str, target: str) -> dict[str, Any]:
    """What is predicted against what it should be; only what can be told."""
    if not prediction or not target or not len(rows):
        return {}
    values = scene.values([prediction, target], rows)
    said, wanted = values[prediction], values[target]
    if said.shape[:1] != (len(rows),) or wanted.shape[:1] != (len(rows),):
        return {}
    said = said.reshape(len(rows), -1)
    wanted = wanted.reshape(len(rows), -1)
    one_hot = wanted.shape == said.shape and said.shape[1] > 1 and bool(
        np.isin(wanted, (0, 1)).all() and (wanted.sum(axis=1) == 1).all()
    )  # fmt: skip
    if said.shape[1] > 1 and (one_hot or (wanted.shape[1] == 1 and wanted.dtype.kind in "iu")):
        right = wanted.argmax(axis=1) if one_hot else wanted[:, 0]
        return _classes(scene, said.argmax(axis=1), right.astype(np.int64), said.shape[1])
    two = np.unique(wanted[:1000])
    known: dict[str, Any] = {}
    if said.shape[1] == 1 and len(two) == 1 and len(rows) > 1:
        known["seen"] = 1 if wanted.dtype.kind in "iu" else 0
    deviation = float(wanted.astype(np.float64).std(axis=0).mean())
    if deviation and said.shape == wanted.shape and len(rows) > 1:
        known["spread"] = float(said.astype(np.float64).std(axis=0).mean()) / deviation
    if said.shape[1] == 1 and len(two) == 2 and (two == np.array([0, 1])).all():
        known["classes"], known["seen"] = 2, 2
    return known


def _classes(scene: Scene, guessed: Array, right: Array, count: int) -> dict[str, Any]:
    counts = np.bincount(guessed, minlength=count)
    top = int(counts.argmax())
    names = scene.dataset.classes if scene.dataset is not None else ()
    return {
        "classes": count, "seen": len(np.unique(right)), "top": float(counts[top] / len(guessed)),
        "top_class": names[top] if top < len(names) else str(top), "usual": float(np.mean(right == top)),
    }  # fmt: skip
