"""Learning-rate schedules as rows: the rate of a step in the formula language.

A formula knows `t` (what the schedule counts, from 0 at the start of its stage: steps, or epochs with
`Stage.per_epoch`), `lr` (the stage's learning rate), `epoch` (passes over the data done), `steps` and
`epochs` (how many the stage has), `total` (the one of those two that `t` counts up to), `pi` and the
row's settings. Rows equal PyTorch's schedulers. Reduce on plateau follows the loss and not `t`, so it
is the one that is no formula.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from engine import ops
from engine.expansion import Expansion, Ref
from engine.expression import ExpressionError, Statement, parse
from engine.ops.row import Array
from engine.program import Plan
from engine.recipe import Stage
from engine.shapes import ShapeError
from engine.train.settings import Setting, settled

_SOURCE = ops.TABLE["parameter"]
_COUNTERS = ("t", "epoch")
VARIABLES = ("t", "lr", "epoch", "steps", "epochs")
"""What the user's own formula may read, beside `total` and `pi`."""


@dataclass(frozen=True)
class Schedule:
    """One schedule. `formula` gives the rate, `torch` is PyTorch's class for it, `source` where it
    comes from. A row without a formula follows the loss, or has its formula in the stage."""

    name: str
    label: str
    doc: str
    source: str
    formula: str
    torch: str
    settings: Mapping[str, Setting] = field(default_factory=dict)

    @cached_property
    def statements(self) -> list[Statement]:
        return parse(self.formula)

    def settled(self, settings: Mapping[str, float]) -> dict[str, float]:
        """All settings as numbers. Raises ValueError naming an unknown one and those there are."""
        return settled(f"the schedule {self.name}", self.settings, settings)


_GAMMA = "What the rate is multiplied by."
_LENGTH = "Over how many steps or epochs; 0: over the whole stage."

SCHEDULES: dict[str, Schedule] = {
    row.name: row
    for row in (
        Schedule(
            "constant", "Constant", "The same learning rate all the time.",
            "torch.optim.lr_scheduler.ConstantLR with factor 1", "lr", "ConstantLR",
        ),
        Schedule(
            "step", "Steps", "The rate falls by a factor every so often.",
            "torch.optim.lr_scheduler.StepLR", "lr * gamma ** floor(t / every)", "StepLR",
            {
                "every": Setting(10.0, "Steps or epochs between two falls."),
                "gamma": Setting(0.1, _GAMMA),
            },
        ),
        Schedule(
            "exponential", "Exponential", "The rate falls by the same share all the time.",
            "torch.optim.lr_scheduler.ExponentialLR", "lr * gamma ** t", "ExponentialLR",
            {"gamma": Setting(0.999, _GAMMA)},
        ),
        Schedule(
            "cosine", "Cosine", "The rate falls along half a wave of the cosine.",
            "Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017; "
            "torch.optim.lr_scheduler.CosineAnnealingLR",
            "n = where(length > 0, length, total)\n"
            "s = where(length > 0, t, minimum(t, total))\n"
            "lowest + (lr - lowest) * (1 + cos(pi * s / n)) / 2", "CosineAnnealingLR",
            {
                "length": Setting(0.0, _LENGTH),
                "lowest": Setting(0.0, "The rate at the end."),
            },
        ),
        Schedule(
            "warmup", "Warm-up", "The rate rises in a straight line and stays.",
            "torch.optim.lr_scheduler.LinearLR",
            "lr * (start_factor + (end_factor - start_factor) * minimum(t / maximum(length, 1), 1))",
            "LinearLR",
            {
                "start_factor": Setting(1 / 3, "The share of the learning rate it starts from."),
                "end_factor": Setting(1.0, "The share of the learning rate it ends at."),
                "length": Setting(5.0, "Over how many steps or epochs."),
            },
        ),
        Schedule(
            "onecycle", "One cycle", "The rate rises to the stage's own and then falls to almost 0.",
            "Smith and Topin, Super-convergence, 2018; torch.optim.lr_scheduler.OneCycleLR",
            "n = where(length > 0, length, total)\n"
            "peak = pct_start * n - 1\n"
            "up = t / where(peak > 0, peak, 1)\n"
            "down = (minimum(t, n - 1) - peak) / (n - 1 - peak)\n"
            "first = lr / div_factor\nlast = first / final_div_factor\n"
            "rise = where(linear, up, (1 - cos(pi * up)) / 2)\n"
            "fall = where(linear, down, (1 - cos(pi * down)) / 2)\n"
            "where(t <= peak, first + (lr - first) * rise, lr + (last - lr) * fall)", "OneCycleLR",
            {
                "length": Setting(0.0, _LENGTH),
                "pct_start": Setting(0.3, "The share of the cycle in which the rate rises."),
                "div_factor": Setting(25.0, "How many times smaller the first rate is."),
                "final_div_factor": Setting(1e4, "How many times smaller still the last one is."),
                "linear": Setting(0.0, "1: straight lines instead of waves of the cosine."),
            },
        ),
        Schedule(
            "plateau", "Reduce on plateau",
            "The rate falls when the loss has not got smaller for some epochs; it counts epochs.",
            "torch.optim.lr_scheduler.ReduceLROnPlateau", "", "ReduceLROnPlateau",
            {
                "factor": Setting(0.1, _GAMMA),
                "patience": Setting(10.0, "Epochs without a smaller loss that are let pass."),
                "threshold": Setting(1e-4, "How much smaller a loss has to be to count."),
                "relative": Setting(1.0, "1: the threshold is a share of the loss; 0: a number."),
                "cooldown": Setting(0.0, "Epochs after a fall that do not count."),
                "lowest": Setting(0.0, "The rate does not fall below it."),
                "eps": Setting(1e-8, "A fall smaller than this is left out."),
            },
        ),
        Schedule(
            "formula", "Formula", "The rate is your own formula of t, lr, epoch, steps and epochs.",
            "torch.optim.lr_scheduler.LambdaLR", "", "LambdaLR",
        ),
    )
}  # fmt: skip
"""Every schedule by its name."""

PLATEAU, OWN = SCHEDULES["plateau"], SCHEDULES["formula"]


def find(name: str) -> Schedule:
    """The schedule of that name. Raises ValueError with the names there are."""
    if name not in SCHEDULES:
        raise ValueError(f"there is no schedule {name!r}; choose {', '.join(SCHEDULES)}")
    return SCHEDULES[name]


class Rates:
    """The learning rates that a stage's schedule says, compiled once; `varies` when they move.

    `steps_per_epoch` is how many steps of the stage make an epoch, `steps` how many it has.
    Raises ValueError with a sentence for a schedule, a setting or a formula that is wrong.
    """

    def __init__(self, stage: Stage, steps_per_epoch: int, steps: int | None = None) -> None:
        self.stage, self.row = stage, find(stage.schedule)
        self._per_epoch = steps_per_epoch
        self._steps = stage.epochs * steps_per_epoch if steps is None else steps
        self._expansion, self._rate = self._built((np.zeros(()), np.zeros(())))
        above = self._expansion.ancestors([self._rate] if isinstance(self._rate, str) else [])
        self._counters = [n for n in _COUNTERS if n in above]
        self.varies = bool(self._counters)
        self._plan = Plan(self._expansion, [self._rate])
        self._plan.run()
        self.at(0)

    def at(self, step: int) -> float:
        """The rate of a step, counted from 0 at the start of the stage.

        Raises ValueError when it is not a finite number of 0 or more.
        """
        if self.varies:
            epoch = step // self._per_epoch
            values = (epoch if self.stage.per_epoch else step, epoch)
            plan = self._plan
            for name in self._counters:
                plan.set(name, values[name != "t"])
            plan.run()
        rate = self._plan.number(self._rate)
        if not 0 <= rate < math.inf:
            raise ValueError(
                f"the schedule {self.row.name} gives {rate:g} for step {step + 1} of its stage; "
                "a learning rate is a number of 0 or more"
            )
        return rate

    def spread(self, points: int) -> Array:
        """The rates of so many steps spread evenly over the stage, or of every one if it has no more, in
        one go where the formula goes number by number.

        Raises ValueError as `at` does.
        """
        count = min(points, self._steps)
        steps = np.linspace(0, max(self._steps - 1, 0), count).round()
        epoch = steps // self._per_epoch
        expansion, rate = self._built((epoch if self.stage.per_epoch else steps, epoch))
        if any(not f.op.elementwise and not f.op.is_source for f in expansion.nodes.values()):
            return np.array([self.at(int(step)) for step in steps])
        plan = Plan(expansion, [rate])
        plan.run()
        rates: Array = np.broadcast_to(plan.value(rate), steps.shape).astype(float)
        wrong = np.flatnonzero(~((rates >= 0) & np.isfinite(rates)))
        if len(wrong):
            self.at(int(steps[wrong[0]]))
        return rates

    def _built(self, counters: tuple[Array, Array]) -> tuple[Expansion, Ref]:
        """The formula's steps for these values of `t` and `epoch`, and the one that is the rate."""
        stage, row = self.stage, self.row
        numbers = row.settled(stage.schedule_settings)
        steps = max(self._steps, 1)
        total = max(stage.epochs, 1) if stage.per_epoch else steps
        expansion = Expansion(np.float64)
        for name, value in zip(_COUNTERS, counters, strict=True):
            expansion.source(name, _SOURCE, value)
        names: dict[str, Any] = {
            **numbers, "t": "t", "epoch": "epoch", "lr": float(stage.learning_rate),
            "steps": float(steps), "epochs": float(stage.epochs), "total": float(total),
            "pi": math.pi,
        }  # fmt: skip
        if row is PLATEAU:
            return expansion, names["lr"]
        if row is not OWN:
            return expansion, _rate_of(expansion, row.statements, names)
        try:
            rate = _rate_of(expansion, parse(stage.formula), names)
        except (ExpressionError, ShapeError) as error:
            raise ValueError(
                f"the schedule's formula: {error} (it may read {', '.join(VARIABLES)})"
            ) from None
        if expansion.spec(rate).shape != np.shape(counters[0]) and expansion.spec(rate).shape:
            raise ValueError("the schedule's formula: it has to give a single number")
        return expansion, rate


def _rate_of(expansion: Expansion, program: list[Statement], names: dict[str, Any]) -> Ref:
    """Appends a program's steps; its last statement is the rate. Raises ExpressionError, ShapeError."""
    rate: Ref = 0.0
    for statement in program:
        rate = expansion.build(statement.tree, names)
        if statement.target is not None:
            names[statement.target] = rate
    return rate


class Plateau:
    """Reduce on plateau: what it remembers of the losses so far."""

    def __init__(self, settings: Mapping[str, float]) -> None:
        self._settings = PLATEAU.settled(settings)
        self.best = math.inf
        self.bad = self.rest = 0

    def after(self, loss: float, rate: float) -> float:
        """The rate for the epochs to come, from the loss of the one that is done."""
        known = self._settings
        share = known["threshold"]
        limit = self.best * (1 - share) if known["relative"] else self.best - share
        if loss < limit:
            self.best, self.bad = loss, 0
        else:
            self.bad += 1
        if self.rest > 0:
            self.rest, self.bad = self.rest - 1, 0
        if self.bad <= known["patience"]:
            return rate
        self.rest, self.bad = int(known["cooldown"]), 0
        lower = max(rate * known["factor"], known["lowest"])
        return lower if rate - lower > known["eps"] else rate

    def facts(self) -> dict[str, Any]:
        """What `restore` needs, for JSON."""
        best = self.best if math.isfinite(self.best) else None
        return {"best": best, "bad": self.bad, "rest": self.rest}

    def restore(self, facts: Mapping[str, Any]) -> None:
        self.best = math.inf if facts["best"] is None else float(facts["best"])
        self.bad, self.rest = int(facts["bad"]), int(facts["rest"])


def preview(stage: Stage, steps: int, steps_per_epoch: int, points: int | None = None) -> Array:
    """The learning rate of every one of a stage's first `steps` steps, for a picture; of no more than
    `points` of them, spread evenly, where that is given.

    Reduce on plateau is constant here: `note` says so. Raises ValueError with a sentence.
    """
    rates = Rates(stage, max(steps_per_epoch, 1), steps)
    return rates.spread(steps if points is None else points)


def note(stage: Stage) -> str:
    """What `preview` cannot show; empty when it shows everything."""
    follows = stage.schedule == PLATEAU.name
    return "the rate falls with the loss, so its start alone is known" if follows else ""
