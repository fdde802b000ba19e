"""Curves of training runs as points to be drawn: smoothed, thinned with their peaks, as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.ops.row import Array

LOSS, RATE = "", "\0rate"
"""The names, among those of metrics, of the loss of every step and of the learning rate."""


@dataclass(frozen=True)
class Curve:
    """A line: the run's number, which part it is of, steps (int64, rising) and values (float64)."""

    run: int
    part: str
    steps: Array
    values: Array


def smoothed(steps: Array, values: Array, over: float) -> Array:
    """The exponential mean over about `over` steps: a value `k` steps old weighs exp(-k / over).

    The weights are divided by their sum, so that the beginning is no mean with 0. A value stands for
    the steps since the one before it; what is not finite has no weight. `over` 0 changes nothing.
    """
    if over <= 0 or len(values) < 2:
        return values
    decay = np.exp(-np.diff(steps, prepend=steps[0] - 1) / over)
    good = np.isfinite(values)
    weight = np.where(good, 1.0 - decay, 0.0)
    sums = np.stack([weight * np.where(good, values, 0.0), weight])
    shift = 1
    while shift < len(values):  # a running sum with decay, in log2 passes (Hillis and Steele, 1986)
        sums[:, shift:] += decay[shift:] * sums[:, :-shift]
        decay[shift:] *= decay[:-shift].copy()
        shift *= 2
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = sums[0] / sums[1]
    return mean


def thinned(x: Array, y: Array, low: float, high: float, width: int) -> tuple[Array, Array]:
    """What is seen between `low` and `high` in so many columns: the least and the greatest of each.

    `x` rises. The points just outside come along, so that lines go to the edges.
    """
    first = max(int(np.searchsorted(x, low)) - 1, 0)
    last = min(int(np.searchsorted(x, high, "right")) + 1, len(x))
    x, y = x[first:last], y[first:last]
    if len(x) <= 2 * width or not high > low:
        return x, y
    columns = np.floor((x - low) * (width / (high - low))).astype(np.int64)
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    least = np.fmin.reduceat(y, starts)
    most = np.fmax.reduceat(y, starts)
    falls = y[starts] > y[np.append(starts[1:], len(y)) - 1]  # down: its greatest comes first
    pair = np.where(falls[:, None], np.stack([most, least], 1), np.stack([least, most], 1))
    return np.repeat(x[starts], 2), pair.reshape(-1)


def value_at(steps: Array, values: Array, step: float) -> float:
    """The value of the step that is nearest; NaN outside of the curve."""
    if not len(steps) or not steps[0] <= step <= steps[-1]:
        return math.nan
    after = int(np.searchsorted(steps, step))
    before = max(after - 1, 0)
    return float(values[before if step - steps[before] < steps[after] - step else after])


def as_csv(curves: Sequence[Curve], names: Mapping[int, str]) -> str:
    """A line a step and a column a curve, in full precision; empty where a curve has no value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["step", *(f"{names.get(c.run, c.run)} {c.part}".strip() for c in curves)])
    if not curves:
        return out.getvalue()
    steps = np.unique(np.concatenate([c.steps for c in curves]))
    table: list[list[str]] = [[""] * len(curves) for _ in range(len(steps))]
    for column, curve in enumerate(curves):
        places = np.searchsorted(steps, curve.steps)
        for place, value in zip(places.tolist(), curve.values.tolist(), strict=True):
            table[place][column] = repr(value)
    for step, line in zip(steps.tolist(), table, strict=True):
        writer.writerow([step, *line])
    return out.getvalue()
