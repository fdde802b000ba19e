"""How the numbers at nodes are spread: weights, activations or gradients of a moment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.ops.row import Array
from engine.probes.ratios import moving, name_of
from engine.train.scene import Scene

BINS = 48
ROWS = 256
"""Rows that activations and gradients are looked at on."""
NODES = 6
"""Nodes that are told at once."""


@dataclass(frozen=True)
class Histogram:
    """The finite numbers of one node: `counts` in bins of equal width from `low` to `high`, their mean,
    deviation (over n) and share of exact zeros, all NaN where there is none; `size` counts all numbers,
    `lost` those that are not finite."""

    node: str
    name: str
    counts: Array
    low: float
    high: float
    mean: float
    deviation: float
    zeros: float
    size: int
    lost: int


@dataclass(frozen=True)
class Histograms:
    """One of each node, on `rows` rows."""

    parts: tuple[Histogram, ...]
    rows: int


def histograms(
    scene: Scene, nodes: Sequence[str] = (), of: str = "values", bins: int = BINS
) -> Histograms:
    """Of these nodes by id or path, the trained parameters unless told; `of` is "values" (weights and
    activations) or "gradients" of the loss. Raises ValueError for a node that has none."""
    chosen = tuple(nodes)[:NODES] or moving(scene)[:NODES]
    if of not in ("values", "gradients") or not 1 <= bins <= 1000:
        raise ValueError("histograms are of values or of gradients, in 1 to 1000 bins")
    rows = scene.rows(limit=ROWS)
    with np.errstate(all="ignore"):
        found = scene.values(chosen, rows) if of == "values" else scene.gradients(chosen, rows)
    expansion = scene.expanded(scene.rows(limit=1))
    parts = (histogram(n, name_of(scene, expansion, n), found[n], bins) for n in chosen)
    return Histograms(tuple(parts), max(len(rows), 1))


def histogram(node: str, name: str, values: Array, bins: int = BINS) -> Histogram:
    """The spread of some numbers of any kind."""
    numbers = np.asarray(values, np.float64).ravel()
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        nan = math.nan
        return Histogram(
            node,
            name,
            np.zeros(bins, np.int64),
            nan,
            nan,
            nan,
            nan,
            nan,
            numbers.size,
            numbers.size,
        )
    low, high = float(finite.min()), float(finite.max())
    span = high / 2 - low / 2  # the whole may overflow
    places = np.zeros(finite.size, np.int64)
    if span > 0.0:
        places = np.minimum((finite / 2 - low / 2) / span * bins, bins - 1).astype(np.int64)
    return Histogram(
        node, name, np.bincount(places, minlength=bins), low, high, float(finite.mean()),
        float(finite.std()), float(np.mean(finite == 0.0)), numbers.size, numbers.size - finite.size,
    )  # fmt: skip
