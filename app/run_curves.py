"""What is read of a run to be drawn: its record, measures and clock, kept until the run goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.curves import LOSS, RATE
from app.runs import Entry
from engine.ops.row import Array
from engine.train.recording import Clock, Measures, Metrics

POINTS = 8_000
"""Of a run's record that are kept in memory; what is drawn is thinned further."""
WIDEST = 200_000
"""Stretches of more steps are drawn from what is kept."""


@dataclass
class Known:
    """What was read of a run. `drawn` keeps what was made of it, by whoever draws."""

    stamp: Any
    metrics: Metrics
    measures: Measures
    clock: Clock
    drawn: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def across(self, steps: Array, unit: str) -> Array:
        """Steps as steps, epochs or seconds, float64."""
        if unit == "step":
            return steps.astype(np.float64)
        values = self.clock.epoch if unit == "epoch" else self.clock.seconds
        return beyond(steps, self.clock.step, values)

    def series(self, quantity: str) -> dict[str, tuple[Array, Array]]:
        """Steps and values by part: of LOSS, of RATE, or of a metric by its name."""
        if quantity == RATE:
            return {"train": (self.metrics.step, self.metrics.learning_rate)}
        if quantity == LOSS:
            held = next(iter(self.measures.get("validation", {}).values()), None)
            every = {"train": (self.metrics.step, self.metrics.loss)}
            return every if held is None else {**every, "validation": held}
        parts = {p: named[quantity] for p, named in self.measures.items() if quantity in named}
        return {part: parts[part] for part in ("train", "validation") if part in parts}


def read(entry: Entry, known: Known | None) -> Known:
    """What there is of a run now; what is known already where nothing came."""
    stamp = (entry.run, entry.facts.step, entry.facts.changed)
    goes_on = entry.is_live or entry.run.is_behind
    if known is not None and known.stamp == stamp and not goes_on:
        return known
    metrics = entry.run.metrics(POINTS)
    return Known(stamp, metrics, entry.run.measures, entry.run.clock)


def beyond(steps: Array, known: Array, values: Array) -> Array:
    """Values at steps, linear between those that are known and at the mean pace behind the last one."""
    found = np.interp(steps, known, values)
    if len(known) > 1 and known[-1] > 0:
        late = steps > known[-1]
        found = np.where(late, values[-1] + (steps - known[-1]) * (values[-1] / known[-1]), found)
    return found


def detail(entry: Entry, low: float, high: float) -> tuple[Array, Array] | None:
    """Every step of a stretch; None where it would be too many, or no more than is known."""
    if high - low > WIDEST or entry.facts.step <= POINTS // 2:
        return None
    found = entry.run.between(max(math.floor(low), 1), math.ceil(high))
    return (found.step.astype(np.float64), found.loss) if len(found.step) else None
