"""Many trainings of one document with other settings: which they are, and one trial of them.

What trial number n tries and what comes of it follow from the sweep, its number and, for a search that
learns, from the trials that are some way before it (`behind`), whatever else is over by then. So a
trial is the same bit by bit whether it runs alone, in a pool of processes or on the command line, and
any trial can be done again.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from engine import edits
from engine.graph import Graph
from engine.initializers import generator
from engine.ops.row import Array
from engine.train.axes import Axis, Value, settled_axes, with_settings
from engine.train.session import DivergedError, Training

Search = Literal["grid", "random", "bayes"]
SEARCHES: tuple[Search, ...] = ("grid", "random", "bayes")
State = Literal["waiting", "running", "done", "pruned", "diverged", "failed", "stopped"]
"""`pruned`: hopeless beside the others. `stopped`: by a person, or its process died with the sweep."""
MAX_TRIALS = 10_000
MEASURES = 25
"""How often a trial is measured over all rows, about evenly, and at most once an epoch."""
BEHIND = 4
"""How many trials run at once, or a tenth of all, when later ones learn from earlier ones."""
STARTUP = 6
"""Trials drawn at random before the Bayesian search learns from them."""
LEAST_FINISHED, LEAST_MEASURES = 4, 3
"""How many trials must be finished, and how often this one measured, before it may be given up."""
_DRAW = 4
"""The purpose of these draws, beside those of splitting and shuffling data and of starts."""


@dataclass(frozen=True)
class Trial:
    """One training of a sweep.

    `steps` were done; `loss`, `validation` (NaN without held-out rows) and `metrics` are over all rows,
    behind step `best_step`, where `value` was smallest: the parameters kept are those. `curve` holds
    (step, loss, validation) of every time it was measured. `message` says why it ended early. `run` is
    the number of the document's run that it was recorded as, 0 for none.
    """

    number: int
    settings: Mapping[str, Value]
    state: State = "waiting"
    steps: int = 0
    loss: float = math.nan
    validation: float = math.nan
    best_step: int = 0
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    message: str = ""
    curve: tuple[tuple[int, float, float], ...] = ()
    run: int = 0

    @property
    def value(self) -> float:
        """What is compared: the validation loss, or the loss where no rows are held out."""
        return self.validation if self.metrics.get("validation") else self.loss

    @property
    def is_over(self) -> bool:
        return self.state not in ("waiting", "running")

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Sorts the best trial first, those without a number last."""
        return not math.isfinite(self.value), self.value, self.number


@dataclass(frozen=True)
class Sweep:
    """What is varied and how it is searched; `trials` is how many for a search that is no grid.

    `epochs` is the length of each, None for the recipe's. `prune` gives a trial up whose smallest value
    so far is above the median of the earlier ones at that time. Every trial starts from parameters drawn
    by its recipe's seed, unless the sweep `goes_on` from the document's.
    """

    axes: tuple[Axis, ...]
    search: Search = "random"
    trials: int = 20
    seed: int = 0
    epochs: int | None = None
    prune: bool = False
    goes_on: bool = False

    @property
    def learns(self) -> bool:
        """Whether a trial depends on what came of earlier ones."""
        return self.search == "bayes" or self.prune

    def settled(self, graph: Graph) -> Sweep:
        """As it is run on a document. Raises ValueError with what is wrong with it."""
        sweep = replace(self, axes=settled_axes(graph, self.axes))
        if sweep.search not in SEARCHES:
            raise ValueError(f"there is no search {sweep.search!r}; choose {', '.join(SEARCHES)}")
        if sweep.search != "grid" and not 1 <= sweep.trials <= MAX_TRIALS:
            raise ValueError(f"a sweep has 1 to {MAX_TRIALS:,} trials, not {sweep.trials:,}")
        if sweep.search == "grid":
            count = planned_count(sweep)
            if count > MAX_TRIALS:
                raise ValueError(
                    f"the grid has {count:,} trials and may have {MAX_TRIALS:,}; "
                    "give fewer values, or search at random"
                )
        if sweep.search == "bayes" and importlib.util.find_spec("optuna") is None:
            raise ValueError(
                "the Bayesian search needs the package optuna; install it with "
                "'pip install gradloom[sweep]' or search at random"
            )
        if sweep.seed < 0 or (sweep.epochs is not None and sweep.epochs < 0):
            raise ValueError("seed and epochs of a sweep are whole numbers of 0 or more")
        return sweep


# ------------------------------------------------------------ which trials


def planned(graph: Graph, sweep: Sweep) -> list[dict[str, Value] | None]:
    """The settings of all trials in order; None where they depend on trials before.

    Settings are tried once: a random search over few values has fewer trials than it was asked for.
    """
    if sweep.search == "bayes":
        return [None] * sweep.trials
    found: dict[Any, dict[str, Value]] = {}
    for drawn in _grid(sweep) if sweep.search == "grid" else _random(sweep):
        try:
            _, taken = with_settings(graph, drawn)
        except ValueError:  # its row will say so
            taken = drawn
        found.setdefault(tuple(taken.items()), taken)
        if sweep.search == "random" and len(found) == sweep.trials:
            break
    return list(found.values())


def planned_count(sweep: Sweep) -> int:
    """How many trials a settled sweep has at most."""
    if sweep.search == "grid":
        return math.prod(len(axis.spread()) for axis in sweep.axes)
    return sweep.trials


def _grid(sweep: Sweep) -> Iterator[dict[str, Value]]:
    names = [axis.field for axis in sweep.axes]
    for values in itertools.product(*(axis.spread() for axis in sweep.axes)):
        yield dict(zip(names, values, strict=True))


def _random(sweep: Sweep) -> Iterator[dict[str, Value]]:
    """Draws without end, or so many that all of a few values are among them very likely."""
    for number in range(20 * sweep.trials + 100):
        yield _drawn(sweep, number)


def _drawn(sweep: Sweep, number: int) -> dict[str, Value]:
    random = generator(sweep.seed, _DRAW, number)
    return {axis.field: axis.draw(random) for axis in sweep.axes}


def suggested(sweep: Sweep, number: int, told: Sequence[Trial]) -> dict[str, Value]:
    """What the Bayesian search tries next: a tree-structured Parzen estimator (Bergstra et al.,
    Algorithms for hyper-parameter optimization, 2011; optuna's) of the finished trials `told`."""
    finite = [trial for trial in told if math.isfinite(trial.value)]
    if len(finite) < min(STARTUP, max(sweep.trials // 2, 2)):
        return _drawn(sweep, number)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spaces: dict[str, Any] = {}
    for axis in sweep.axes:
        low, high = axis.low, axis.high
        if axis.values:
            spaces[axis.field] = optuna.distributions.CategoricalDistribution(list(axis.spread()))
        elif axis.whole:
            ends = math.ceil(low), math.floor(high)
            spaces[axis.field] = optuna.distributions.IntDistribution(*ends, log=axis.log)
        else:
            spaces[axis.field] = optuna.distributions.FloatDistribution(low, high, log=axis.log)
    random = generator(sweep.seed, _DRAW, number)
    sampler = optuna.samplers.TPESampler(
        seed=int(random.integers(2**31)), n_startup_trials=1, constant_liar=False
    )
    study = optuna.create_study(sampler=sampler)
    worst = max(trial.value for trial in finite)
    for trial in told:
        own = {n: v for n, v in trial.settings.items() if n in spaces}
        if own:
            value = trial.value if math.isfinite(trial.value) else worst
            study.add_trial(
                optuna.trial.create_trial(
                    params=own, distributions={n: spaces[n] for n in own}, value=value
                )
            )
    asked = study.ask(spaces)
    return {axis.field: asked.params[axis.field] for axis in sweep.axes}


# ------------------------------------------------------------ one trial


class Follower:
    """Follows a trial from inside its process; this one lets it run."""

    def begin(self, training: Training, settings: Mapping[str, Value]) -> None:
        """A trial with these settings is about to do its first step."""

    def heed(self, training: Training, total: int) -> str:
        """Asked before every step, of so many in all; a word other than "" ends the trial."""
        return ""

    def measured(self, training: Training, metrics: Mapping[str, Mapping[str, float]]) -> None:
        """All rows were measured behind the step done last."""


def run_trial(
    graph: Graph,
    base: Path | None,
    sweep: Sweep,
    number: int,
    settings: Mapping[str, Value] | None,
    told: Sequence[Trial] = (),
    follower: Follower | None = None,
) -> tuple[Trial, Mapping[str, Array]]:
    """Trains trial `number` of a settled sweep; the document stays as it is.

    `settings` is what `planned` says, `told` what `learnt_from` says. Returns the trial and its best
    parameters, none when it never had a finite loss. What goes wrong is the trial's state and message.
    """
    began = time.perf_counter()
    run = _Run(number, dict(settings or {}), follower or Follower())
    try:
        wanted = suggested(sweep, number, told) if settings is None else settings
        edit, taken = with_settings(graph, wanted)
        run.settings = taken
        own = graph.copy()
        edit.apply(own)
        seed = None if sweep.goes_on else own.recipe.seed
        training = Training(own, base, seed=seed)
        run.follower.begin(training, taken)
        run.train(training, sweep, told)
    except DivergedError as error:
        run.state, run.message, run.steps = "diverged", str(error), error.step
    except (ValueError, ArithmeticError, OSError, MemoryError) as error:
        run.state = "failed"
        run.message = str(error) or "there is not enough memory for this"
    return run.trial(time.perf_counter() - began), run.parameters


class _Run:
    """A trial under way."""

    def __init__(self, number: int, settings: dict[str, Value], follower: Follower) -> None:
        self.number, self.settings, self.follower = number, settings, follower
        self.state: State = "done"
        self.message = ""
        self.steps = self.best_step = 0
        self.value = math.inf
        self.best: Mapping[str, Mapping[str, float]] = {}
        self.losses = (math.nan, math.nan)
        self.curve: list[tuple[int, float, float]] = []
        self.parameters: Mapping[str, Array] = {}

    def train(self, training: Training, sweep: Sweep, told: Sequence[Trial]) -> None:
        """Steps to the end of the recipe, or in so many epochs; measured in the last stage."""
        training.keeps_history = False
        total = training.steps_ahead(sweep.epochs)
        last = len(training.graph.recipe.stages) - 1
        every = max(-(-total // MEASURES), training.steps_per_epoch)
        bars = _bars(told) if sweep.prune else ()
        while self.steps < total:
            word = self.follower.heed(training, total)
            if word:
                self.state, self.message = "stopped", f"{word} at step {self.steps:,}"
                return
            stage = training.stage_number
            training.step()
            self.steps, self.message = training.step_count, training.stopped
            if sweep.epochs is None and training.stage_number != stage:
                total = training.total_steps  # the stage before may have stopped early
            over = bool(training.stopped) or self.steps >= total
            if over or (self.steps % every == 0 and training.stage_number == last):
                training.check()
                self.measure(training)
                if not over and self.is_hopeless(bars):
                    return
            if over:
                return

    def is_hopeless(self, bars: Sequence[float]) -> bool:
        """By the median rule; the state and the message then say so."""
        bar = bars[len(self.curve) - 1] if len(self.curve) <= len(bars) else math.inf
        if self.value > bar:
            self.state = "pruned"
            self.message = (
                f"given up at step {self.steps:,}: its best is {self.value:.4g}, "
                f"and half of those before were below {bar:.4g} by then"
            )
        return self.state == "pruned"

    def measure(self, training: Training) -> None:
        """Takes the numbers over all rows into the curve, and the parameters if they are the best."""
        found = training.metrics()
        name = training.graph.name(training.loss_node)
        loss = found["train"].get(name, math.nan)
        held = found["validation"].get(name, math.nan)
        self.curve.append((training.step_count, loss, held))
        self.follower.measured(training, found)
        value = held if found["validation"] else loss
        if value < self.value:  # and so a finite number
            self.value = value
            self.best, self.losses, self.best_step = found, (loss, held), training.step_count
            self.parameters = training.parameters()

    def trial(self, seconds: float) -> Trial:
        return Trial(
            self.number, self.settings, self.state, self.steps, *self.losses, self.best_step,
            self.best, seconds, self.message, tuple(self.curve),
        )  # fmt: skip


def _bars(told: Sequence[Trial]) -> list[float]:
    """What the best value of a trial may be at most, each time it is measured: the median rule."""
    bests = []
    for trial in told:
        values = [loss if math.isnan(held) else held for _, loss, held in trial.curve]
        finite = (v if math.isfinite(v) else math.inf for v in values)
        bests.append(list(itertools.accumulate(finite, min)))
    bars = []
    for place in range(max(map(len, bests), default=0)):
        reached = [best[place] for best in bests if len(best) > place]
        open_ = place < LEAST_MEASURES - 1 or len(reached) < LEAST_FINISHED
        bars.append(math.inf if open_ else statistics.median(reached))
    return bars


def behind(count: int) -> int:
    """How many trials before one it knows nothing of, in a sweep of that many that learns."""
    return max(BEHIND, count // 10)


def learnt_from(sweep: Sweep, trials: Sequence[Trial], number: int) -> list[Trial] | None:
    """The trials that trial `number` learns from, however many more are over by now; None while one of
    them is not."""
    if not sweep.learns:
        return []
    told = list(trials[: max(number - behind(len(trials)) + 1, 0)])
    return told if all(trial.is_over for trial in told) else None


def opening(
    graph: Graph, settings: Mapping[str, Value], parameters: Mapping[str, Array]
) -> edits.Edit:
    """One edit that gives a document a trial's settings and parameters; those of nodes that are gone
    are left out. Raises ValueError where a setting is nothing of the document."""
    edit, _ = with_settings(graph, settings)
    known = {n: v for n, v in parameters.items() if n.partition(".")[0] in graph.nodes}
    return edits.batch(edit, edits.set_tensors(known))


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the smallest value; None when none has one."""
    found = min(trials, key=lambda trial: trial.rank, default=None)
    return found if found is not None and math.isfinite(found.value) else None
