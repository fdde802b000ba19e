"""Why training left the finite numbers: the step that did, and the likely cause, with numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.expansion import Expansion, Flat, Ref
from engine.expression import Name, Number, Tree
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array, Clock
from engine.program import Plan
from engine.train.layers import layers
from engine.wording import Telling, call_tree, short

LARGE_DATA = 100.0
"""Features and targets beyond it are no longer near the mean 0 and variance 1 that descent works best
with; LeCun et al., Efficient BackProp, 1998, section 4.3."""
GREW = 10.0
"""Parameters that got so many times as large within the steps that were replayed have run away."""
LAYERWISE = 1e3
"""Gradients of layers that differ by so much in size; see engine.train.verdicts."""
MAX_SPAN = 10
"""Growth is told over this many steps at most."""
LADDER = tuple(sign * 10.0**power for power in range(6, -13, -1) for sign in (3, 1))
"""Learning rates that are tried instead, largest first: 1 and 3 times the powers of ten."""
SAID = 1e6
"""A loss beyond it tells a person nothing."""
TRIALS, TRIED = 8, 10
"""So many of them are tried, for so many steps."""


def norm(value: Array) -> float:
    """The Euclidean norm of all entries; infinite rather than an overflow."""
    with np.errstate(all="ignore"):
        size = float(np.max(np.abs(value), initial=0.0))
        if not 0.0 < size < math.inf:
            return size
        return size * float(np.linalg.norm((value / size).ravel()))


@dataclass
class Track:
    """The sizes of parameters, and of what each step changed of them, over the steps of a replay."""

    norms: list[dict[str, float]] = field(default_factory=list)
    updates: list[dict[str, float]] = field(default_factory=list)
    _last: Mapping[str, Array] = field(default_factory=dict)

    def add(self, parameters: Mapping[str, Array]) -> None:
        """Takes the parameters after one more step."""
        with np.errstate(all="ignore"):
            if self._last:
                self.updates.append({n: norm(v - self._last[n]) for n, v in parameters.items()})
            self.norms.append({n: norm(v) for n, v in parameters.items()})
        self._last = {n: v.copy() for n, v in parameters.items()}


@dataclass(frozen=True)
class Failure:
    """What was measured where a number was not finite for the first time.

    `flat` is the step that computed it, `fed` what the sources were given. `tried` is another learning
    rate at which the same steps stay finite and make the loss smaller, with the losses before and
    after; None when none does.
    """

    telling: Telling
    flat: Flat
    loss: str
    fed: Mapping[str, Array]
    track: Track
    learning_rate: float
    is_first: bool
    tried: tuple[float, float, float] | None = None

    def read(self, ref: Ref) -> Array:
        value = self.telling.read(ref)
        assert value is not None
        return value

    # ------------------------------------------------------------ where

    @property
    def place(self) -> tuple[int, ...]:
        value = self.read(self.flat.id)
        return tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])

    @property
    def operands(self) -> list[tuple[str, float, bool]]:
        """What the step read: its name, the entry at the place or else the largest size, and whether
        it is the entry."""
        value, place, found = self.read(self.flat.id), self.place, []
        for ref in self.flat.args:
            operand = self.read(ref)
            name = self.telling.name(ref) if isinstance(ref, str) else ""
            if not operand.size or operand.dtype.kind != "f":
                continue
            if self.flat.op.elementwise or not operand.ndim:
                found.append((name, float(np.broadcast_to(operand, value.shape)[place])
                              if self.flat.op.elementwise else float(operand), True))  # fmt: skip
            else:
                found.append((name, float(np.abs(operand).max()), False))
        return found

    @property
    def what(self) -> str:
        """`y = log(p) is -∞, where p is 0`; empty for a source."""
        if self.flat.op.is_source:
            return ""
        trees: list[Tree] = [
            Name(self.telling.name(a)) if isinstance(a, str) else Number(a) for a in self.flat.args
        ]
        text = self.telling.text(call_tree(self.flat.op, tuple(trees), self.flat.options))
        said = [
            f"{name} {'is' if exact else 'reaches'} {short(number)}"
            for name, number, exact in self.operands
            if name
        ]
        where = f", where {_listed(said)}" if said else ""
        return f"{text} is {_bad(float(self.read(self.flat.id)[self.place]))}{where}"

    # ------------------------------------------------------------ growth

    def growth(self) -> tuple[str, float, float, int] | None:
        """The parameter that grew most, from what to what, and in how many steps; None when none grew
        by `GREW`."""
        rows = [row for row in self.track.norms if all(map(math.isfinite, row.values()))]
        if len(rows) < 2:
            return None
        name = max(rows[-1], key=lambda n: rows[-1][n])
        last = rows[-1][name]
        for span in range(1, min(MAX_SPAN, len(rows) - 1) + 1):
            before = rows[-1 - span][name]
            if last >= GREW * before:
                return name, before, last, span
        if last >= GREW * rows[0][name]:
            return name, rows[0][name], last, len(rows) - 1
        return None

    @property
    def overshot(self) -> bool:
        """True when a single update went beyond the finite numbers."""
        return bool(self.track.norms) and not all(map(math.isfinite, self.track.norms[-1].values()))

    def advice(self) -> str:
        if self.tried is None:
            return "lower the learning rate"
        rate, before, after = self.tried
        if before > SAID:
            return f"try {rate:g}, with which the loss falls"
        return f"try {rate:g}, which takes the loss from {short(before)} to {short(after)}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _bad(number: float) -> str:
    return "NaN" if math.isnan(number) else "∞" if number > 0 else "−∞"


# ---------------------------------------------------------------- causes


def _data_not_finite(f: Failure) -> str:
    for node, value in f.fed.items():
        bad = int(np.count_nonzero(~np.isfinite(value))) if value.dtype.kind == "f" else 0
        if bad:
            return (
                f"{f.telling.name(node)} is data and holds {bad:,} of {value.size:,} numbers that are "
                "not finite; mend these rows or leave them out"
            )
    return ""


def _start_not_finite(f: Failure) -> str:
    if not (f.is_first and f.flat.op.is_source):
        return ""
    bad = _bad(float(f.read(f.flat.id)[f.place]))
    return f"{f.telling.name(f.flat.id)} begins with {bad}; give it a finite value"


def _data_too_large(f: Failure) -> str:
    sizes = {
        n: float(np.max(np.abs(v), initial=0.0)) for n, v in f.fed.items() if v.dtype.kind == "f"
    }
    node = max(sizes, key=lambda n: sizes[n], default=None)
    grown = f.growth()
    if node is None or sizes[node] <= LARGE_DATA or not (grown or f.overshot or f.is_first):
        return ""
    said = f"{f.telling.name(node)} reaches {short(sizes[node])}; standardize the data"
    return f"{said} ({_grew(f, grown)} at learning rate {f.learning_rate:g})" if grown else said


def _layer_by_layer(f: Failure) -> str:
    if not f.track.updates:
        return ""
    first, expansion = f.track.updates[0], f.telling.expansion
    depth = layers(expansion, f.loss, first).of
    size = {
        n: first[n] / math.sqrt(max(expansion.spec(n).size, 1))
        for n in sorted(depth, key=lambda n: depth[n])
        if n in first and 0.0 < first[n] < math.inf
    }
    if len({depth[n] for n in size}) < 3:
        return ""
    low, high = min(size, key=lambda n: size[n]), max(size, key=lambda n: size[n])
    if size[high] < LAYERWISE * size[low] or depth[low] <= depth[high]:
        return ""
    name = f.telling.name
    return (
        f"the gradient grows from layer to layer on its way back: {name(high)} moved "
        f"{short(size[high] / size[low])} times as far as {name(low)}; begin with smaller "
        "parameters or clip the gradient's norm"
    )


def _learning_rate(f: Failure) -> str:
    grown = f.growth()
    if grown is not None:
        return f"learning rate {f.learning_rate:g} is too large: {_grew(f, grown)}; {f.advice()}"
    if f.overshot and not f.is_first:
        return (
            f"learning rate {f.learning_rate:g} is too large: one step took the parameters beyond "
            f"the largest number; {f.advice()}"
        )
    return ""


def _grew(f: Failure, grown: tuple[str, float, float, int]) -> str:
    node, before, last, span = grown
    steps = "1 step" if span == 1 else f"{span} steps"
    if before == 0.0:
        return f"{f.telling.name(node)} grew from 0 to {short(last)} in {steps}"
    return f"{f.telling.name(node)} grew {_times(last / before)} in {steps}"


def _times(factor: float) -> str:
    return f"{factor:.0f} times" if factor < 1e4 else f"{factor:.1e} times"


def _no_value(f: Failure) -> str:
    """Finite operands of a usual size: a division by 0, a logarithm of 0, a root of a negative number."""
    if f.flat.op.is_source:
        return ""
    number = float(f.read(f.flat.id)[f.place])
    start = "change the values it starts from" if f.is_first else "keep it away from there"
    for name, operand, exact in reversed(f.operands):
        if exact and name and operand == 0.0:
            return f"{name} is 0, where this has no finite value; {start}, for example by adding 1e-6 to it"
        if exact and name and math.isnan(number):
            return f"{name} is {short(operand)}, where this has no value; {start}"
    return ""


def _overflow(f: Failure) -> str:
    said = [(name, number) for name, number, _ in f.operands if name and math.isfinite(number)]
    if f.flat.op.is_source or not said:
        return ""
    name, number = max(said, key=lambda pair: abs(pair[1]))
    advice = "change the values it starts from" if f.is_first else f.advice()
    return (
        f"the result for {name} of size {short(abs(number))} is beyond the largest number; {advice}"
    )


def _otherwise(f: Failure) -> str:
    if f.is_first:
        return "change the values it starts from"
    return f"the learning rate is {f.learning_rate:g}; {f.advice()}"


CAUSES: tuple[Callable[[Failure], str], ...] = (
    _data_not_finite, _start_not_finite, _data_too_large, _layer_by_layer, _learning_rate,
    _no_value, _overflow, _otherwise,
)  # fmt: skip
"""In this order; the first that has something to say is the likely cause."""
GROWING = (_data_too_large, _layer_by_layer, _learning_rate, _otherwise)
"""Those of a loss that has grown and is finite yet."""


# ---------------------------------------------------------------- the failing pass


@dataclass(frozen=True)
class Told:
    """The node to blame: its id or path, its name, and the sentence."""

    node: str
    name: str
    sentence: str


def explain(
    graph: Graph,
    loss: str,
    given: Mapping[str, Array],
    fed: Mapping[str, Array],
    clock: Clock,
    track: Track,
    learning_rate: float,
    trial: Callable[[float], list[float]],
) -> Told:
    """Which step under the loss is the first that is not finite, and the likely cause.

    `given` are the parameters and what is fixed, `fed` the data of the step. `trial(rate)` does
    some of the replayed steps at another learning rate and returns the losses.
    """
    expansion = expand(graph, {**given, **fed}, training=True)
    expansion.clock.seed, expansion.clock.step = clock.seed, clock.step
    plan = Plan(expansion, [loss], keep=True)
    plan.run_each()  # behind what is not finite a row may refuse its operands
    flat = _first(expansion, plan, loss)
    telling = Telling(graph, expansion, None, plan.value)
    is_first = len(track.norms) < 2  # nothing was replayed
    tried = None if is_first else _try(learning_rate, trial)
    if flat is None:  # all is finite, but not for long
        failure = Failure(
            telling, expansion.nodes[loss], loss, fed, track, learning_rate, is_first, tried
        )
        grown = short(float(plan.number(loss)))
        cause = next(said for row in GROWING if (said := row(failure)))
        return Told(loss, telling.name(loss), f"has grown to {grown}; {cause}")
    failure = Failure(telling, flat, loss, fed, track, learning_rate, is_first, tried)
    cause = next(said for row in CAUSES if (said := row(failure)))
    what = f" ({failure.what})" if failure.what else ""
    return Told(flat.id, telling.name(flat.id), f"is not a finite number any more{what}; {cause}")


def _first(expansion: Expansion, plan: Plan, loss: str) -> Flat | None:
    above = expansion.ancestors([loss])
    for flat in plan.order:
        if flat.id in above and flat.spec.kind == "float":
            if not np.isfinite(plan.value(flat.id)).all():
                return flat
    return None


def _try(rate: float, trial: Callable[[float], list[float]]) -> tuple[float, float, float] | None:
    """The largest of the smaller learning rates of the ladder with which the loss falls."""
    for lower in [r for r in LADDER if r < 0.99 * rate][:TRIALS]:
        try:
            losses = trial(lower)
        except ValueError:  # with it a row refuses what the parameters come to
            continue
        if losses[-1] < losses[0]:
            return lower, losses[0], losses[-1]
    return None
