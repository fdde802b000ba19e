"""What keeps a training from learning, though every number is finite: conditions on measured numbers.

Nothing here computes a network: `engine.probes` measures, this says what the numbers mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.wording import short

VANISHING = 1e-3
"""What reaches the first layer of the gradient is below this part of what reaches the last one; Glorot
and Bengio, 2010, section 4.2, compare layers so. Nielsen, Neural Networks and Deep
Learning, 2015, chapter 5, finds a hundredth with four hidden layers of sigmoids; this is ten times less."""
EXPLODING = 1.0 / VANISHING
"""The same the other way round; Pascanu, Mikolov and Bengio, On the difficulty of training recurrent
neural networks, 2013."""
DEAD_SHARE = 0.4
"""Of a layer's units: "as much as 40 % of your network can be dead if the learning rate is set too
high", CS231n, Neural networks part 1."""
LEVEL = 0.01
"""A unit is saturated where its slope is below this part of the steepest."""
MOST_ROWS = 0.5
"""... for more than this share of the rows."""
SATURATED_SHARE = 0.5
"""Of a layer's units; Glorot and Bengio, Understanding the difficulty of training deep feedforward
neural networks, 2010, section 3, on layers that saturate whole."""
LARGE_STEP, SMALL_STEP = 1e-1, 1e-5
"""An update's size over the parameters'. CS231n, Neural networks part 3: about 1e-3 is usual; these
leave two powers of ten on both sides."""
USUAL_STEPS = (1e-4, 1e-2)
OVERSHOOT = 1.5
"""So many times as large is the loss, on average, behind a step that is too long: a step downhill that
makes the loss larger has gone past the valley (Nocedal and Wright, Numerical Optimization, 2006,
section 3.1)."""
SAME_CLASS = 0.999
"""The share of rows that are predicted as one class."""
CONSTANT = 0.01
"""The spread of the predictions over the rows against that of the targets."""
AT_CHANCE = 0.02
"""How near, in parts of it, a loss is to the logarithm of the number of classes."""
LONG = 100
"""Steps that are needed to say that a loss does not fall."""
PARTS = 10
"""Stretches of a run whose losses are compared."""
FALL = 0.02
"""The part of a loss that has to be gone by then."""
ROSE = 1.5
"""A loss so many times its lowest has turned round."""


@dataclass(frozen=True)
class Verdict:
    """A name, a sentence with numbers, and the nodes meant, by id or path; `of` names the loss of the
    network that is meant where several are trained side by side."""

    name: str
    sentence: str
    nodes: tuple[str, ...] = ()
    of: str = ""

    @property
    def is_well(self) -> bool:
        return self.name == HEALTHY


HEALTHY = "healthy"


@dataclass(frozen=True)
class Layer:
    """Parameters that act at one depth and the gradient's root mean square over all their entries;
    `signal` is that of the gradient at what they are combined to, row by row (which no sum over rows
    cancels), `ratio` the next update's size over theirs (NaN where it is not known)."""

    nodes: tuple[str, ...]
    names: tuple[str, ...]
    rms: float
    signal: float
    ratio: float = math.nan

    @property
    def title(self) -> str:
        return ", ".join(self.names)


@dataclass(frozen=True)
class Units:
    """The units of a nonlinearity over some rows: the shares that are dead (slope 0 for every row) and
    saturated (see `LEVEL`), NaN where a unit of this kind cannot be. `rms` is that of the gradient at
    their results. `hidden` tells that parameters read them."""

    node: str
    name: str
    layer: int
    count: int
    dead: float
    saturated: float
    rms: float
    hidden: bool


@dataclass(frozen=True)
class Signs:
    """What else tells how a training goes.

    `loss` is that of `rows` rows, `after` what it is, on average, behind one more step on a batch,
    `better` a smaller rate with which it is not larger (NaN: not known). `top` is the share of the
    class predicted most, `usual` the share that it has among the targets, `spread` the deviation of the
    predictions over the targets'. `classes` is 0 where the target is no class, `seen` how many of the
    classes there are. `steps` are done; `losses` are (step, loss)
    of some of them, in order.
    """

    rows: int
    learning_rate: float
    loss: float
    after: float = math.nan
    better: float = math.nan
    batch: int = 0
    classes: int = 0
    seen: int = 0
    top: float = math.nan
    top_class: str = ""
    usual: float = math.nan
    spread: float = math.nan
    prediction: str = ""
    steps: int = 0
    losses: tuple[tuple[int, float], ...] = ()

    @property
    def span(self) -> int:
        """Over how many steps the losses go."""
        return self.losses[-1][0] - self.losses[0][0] + 1 if self.losses else 0

    @property
    def is_long(self) -> bool:
        """True when it could have learnt something by now."""
        return max(self.steps, self.span) >= LONG

    @property
    def parts(self) -> list[float]:
        """The mean losses of ten stretches, one after the other; none while there are too few."""
        numbers = [loss for _, loss in self.losses]
        size = len(numbers) // PARTS
        if self.span < LONG or size < 2:
            return []
        return [_mean(numbers[len(numbers) - size * (PARTS - i) :][:size]) for i in range(PARTS)]


@dataclass(frozen=True)
class Evidence:
    """All that was measured of one moment."""

    layers: tuple[Layer, ...]
    units: tuple[Units, ...]
    signs: Signs

    @property
    def ratio(self) -> float:
        """What reaches the first layer of the gradient over what reaches the last; NaN with less than
        two layers."""
        if len(self.layers) < 2 or not self.layers[-1].signal:
            return math.nan if len(self.layers) < 2 or not self.layers[0].signal else math.inf
        return self.layers[0].signal / self.layers[-1].signal

    def hidden(self, layer: int) -> list[Units]:
        return [u for u in self.units if u.hidden and u.layer == layer]


# ---------------------------------------------------------------- the table


def _not_finite(e: Evidence) -> Verdict | None:
    bad = [layer for layer in e.layers if not math.isfinite(layer.rms)]
    if not bad and math.isfinite(e.signs.loss):
        return None
    if not bad:
        return Verdict(
            "not finite", f"The loss is {_number(e.signs.loss)}; nothing can be learnt from it."
        )
    nodes = tuple(n for layer in bad for n in layer.nodes)
    return Verdict("not finite", f"The gradient of {bad[0].title} is not finite.", nodes)


def _no_rate(e: Evidence) -> Verdict | None:
    if e.signs.learning_rate:
        return None
    return Verdict("no learning rate", "The learning rate is 0, so nothing moves; set it above 0.")


def _one_class(e: Evidence) -> Verdict | None:
    if e.signs.seen != 1:
        return None
    return Verdict(
        "one class",
        "All rows are of one class, so there is nothing to tell apart; add rows of another.",
    )


def _nothing_moves(e: Evidence) -> Verdict | None:
    if not e.layers or any(layer.rms for layer in e.layers) or not e.signs.loss:
        return None
    dead = [u for u in e.units if u.dead == 1.0]
    why = f"all units of {_names(dead)} are dead" if dead else "no slope leads to one"
    nodes = tuple(u.node for u in dead) or tuple(n for layer in e.layers for n in layer.nodes)
    said = f"The gradient of every parameter is 0 on {e.signs.rows:,} rows: {why}. Reset the parameters"
    return Verdict(
        "nothing moves", said + (" and lower the learning rate." if dead else "."), nodes
    )


def _dead(e: Evidence) -> Verdict | None:
    worst = [u for u in e.units if u.hidden and u.dead >= DEAD_SHARE]
    if not worst:
        return None
    most = max(worst, key=lambda u: u.dead)
    more = f", and more in {_names([u for u in worst if u is not most])}" if len(worst) > 1 else ""
    said = (
        f"{round(most.dead * most.count):,} of {most.count:,} units of {most.name} are dead: slope 0 on "
        f"all {e.signs.rows:,} rows{more}. They cannot learn any more; reset, with a lower learning rate."
    )
    return Verdict("dead units", said, tuple(u.node for u in worst))


def _overshoot(e: Evidence) -> Verdict | None:
    s = e.signs
    if not s.after - s.loss > (OVERSHOOT - 1) * abs(s.loss):
        return None
    rows = " on all rows" if s.batch >= s.rows else f" on {s.batch:,} row" + "s" * (s.batch > 1)
    said = (
        f"A step{rows if s.batch else ''} takes the loss from {short(s.loss)} to {_number(s.after)} on "
        f"average: learning rate {s.learning_rate:g} is too large"
    )
    said += f"; with {s.better:g} it would not rise." if math.isfinite(s.better) else "; lower it."
    return Verdict("too large a step", said, tuple(n for layer in e.layers for n in layer.nodes))


def _exploding(e: Evidence) -> Verdict | None:
    if not e.ratio >= EXPLODING:
        return None
    first, last = e.layers[0], e.layers[-1]
    return Verdict(
        "exploding",
        f"The gradient grows on its way back: {short(first.signal)} reaches {first.title}, "
        f"{times(e.ratio)} the {short(last.signal)} at {last.title}. Clip its norm or begin with "
        "smaller parameters.",
        first.nodes,
    )


def _vanishing(e: Evidence) -> Verdict | None:
    if not e.ratio <= VANISHING:
        return None
    first, last = e.layers[0], e.layers[-1]
    so_much = f"{times(e.ratio)} the" if first.signal else "of the"
    return Verdict(
        "vanishing",
        f"The first layer hardly learns: of the gradient {short(first.signal)} reaches {first.title}, "
        f"{so_much} {short(last.signal)} at {last.title}, over {len(e.layers)} layers.",
        first.nodes,
    )


def _saturated(e: Evidence) -> Verdict | None:
    worst = [u for u in e.units if u.hidden and u.saturated >= SATURATED_SHARE]
    if not worst:
        return None
    most = max(worst, key=lambda u: u.saturated)
    return Verdict(
        "saturated",
        f"{100 * most.saturated:.0f} % of the units of {most.name} are saturated: on most of "
        f"{e.signs.rows:,} rows their slope is below {100 * LEVEL:g} % of the steepest. Begin with "
        "smaller parameters, standardize the data or lower the learning rate.",
        tuple(u.node for u in worst),
    )


def _same_class(e: Evidence) -> Verdict | None:
    s = e.signs
    if not s.is_long or not s.top >= SAME_CLASS or not s.usual < SAME_CLASS:
        return None
    return Verdict(
        "one answer",
        f"All {s.rows:,} rows are predicted as class {s.top_class}, which only {100 * s.usual:.0f} % are.",
        (s.prediction,),
    )


def _constant(e: Evidence) -> Verdict | None:
    s = e.signs
    if not s.is_long or not s.spread < CONSTANT:
        return None
    return Verdict(
        "one answer",
        f"The prediction is nearly the same for all {s.rows:,} rows: its deviation is "
        f"{100 * s.spread:.2g} % of the targets'.",
        (s.prediction,),
    )


def _at_chance(e: Evidence) -> Verdict | None:
    s = e.signs
    parts, chance = s.parts[PARTS // 2 :], math.log(max(s.classes, 1))
    if not parts or not all(abs(part - chance) < AT_CHANCE * chance for part in parts):
        return None
    return Verdict(
        "guessing",
        f"For {s.span // 2:,} steps the loss has stayed at {short(_mean(parts))}, about "
        f"ln {s.classes} = {short(chance)}: no better than guessing among {s.classes} classes.",
        (s.prediction,),
    )


def _risen(e: Evidence) -> Verdict | None:
    parts = e.signs.parts
    if not parts or not _rose(parts) or not math.isfinite(parts[-1]):
        return None
    return Verdict(
        "rising",
        f"The loss had come down to {short(min(parts))} and is {short(parts[-1])} now: learning rate "
        f"{e.signs.learning_rate:g} is too large here; lower it.",
    )


def _not_falling(e: Evidence) -> Verdict | None:
    parts = e.signs.parts
    if not parts or not parts[0] > 0 or parts[-1] <= (1 - FALL) * parts[0]:
        return None
    falls = "hardly falls" if parts[-1] < parts[0] else "does not fall"
    return Verdict(
        "not falling",
        f"In {e.signs.span:,} steps the loss went from {short(parts[0])} to "
        f"{short(parts[-1])}: it {falls} at learning rate {e.signs.learning_rate:g}.",
    )


def _large_step(e: Evidence) -> Verdict | None:
    large = [layer for layer in e.layers if layer.ratio >= LARGE_STEP]
    if not large:
        return None
    most = max(large, key=lambda layer: layer.ratio)
    return Verdict(
        "too large a step",
        f"The next step changes {most.title} by {100 * most.ratio:.3g} % of its size; 0.1 % is usual, "
        f"{100 * LARGE_STEP:g} % too much. Lower the learning rate ({e.signs.learning_rate:g}).",
        tuple(n for layer in large for n in layer.nodes),
    )


def _small_step(e: Evidence) -> Verdict | None:
    ratios = [layer.ratio for layer in e.layers if math.isfinite(layer.ratio)]
    if not ratios or max(ratios) > SMALL_STEP or not e.signs.learning_rate:
        return None
    return Verdict(
        "too small a step",
        f"The next step changes no layer by more than {short(max(ratios))} of its size (usual: 1e-3): the "
        f"learning rate {e.signs.learning_rate:g} is too small, or training has arrived.",
        tuple(n for layer in e.layers for n in layer.nodes),
    )


TABLE: tuple[Callable[[Evidence], Verdict | None], ...] = (
    _not_finite, _no_rate, _one_class, _nothing_moves, _dead, _overshoot, _exploding, _saturated,
    _vanishing, _risen, _same_class, _constant, _at_chance, _not_falling, _large_step, _small_step,
)  # fmt: skip
"""What may be said, what explains the others first."""


def looks_bad(losses: Sequence[tuple[int, float]]) -> bool:
    """True where the losses of a run alone say that it is worth a look: over `LONG` steps and more they
    came down by less than half, or went up again. `losses` are (step, loss) in order."""
    parts = Signs(0, 0.0, math.nan, losses=tuple(losses)).parts
    if not parts:
        return False
    if parts[0] <= 0:  # a loss below 0 has no half
        return parts[-1] >= parts[0] or _rose(parts)
    return parts[-1] > parts[0] / 2 or _rose(parts)


def _rose(parts: Sequence[float]) -> bool:
    """True where the loss is well above the least it was; also for losses below 0."""
    return parts[-1] - min(parts) > (ROSE - 1) * abs(min(parts))


# ---------------------------------------------------------------- words and numbers


def _mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _names(units: Iterable[Units], most: int = 3) -> str:
    names = [u.name for u in units]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _number(number: float) -> str:
    return short(number).replace("inf", "∞")


def times(factor: float) -> str:
    """A factor as people say it: `3.2 times`, `1e-5 times`."""
    return (
        f"{factor:.3g} times"
        if 1e-2 <= factor < 1e4
        else f"{factor:.0e}".replace("e-0", "e-") + " times"
    )
