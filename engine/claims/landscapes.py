"""Claims of the examples on surfaces, optimizers, restarts and searches."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from engine import edits
from engine.claims.figure import Claim, Figure
from engine.graph import Graph
from engine.ops.row import Array
from engine.train.axes import OPTIMIZER, RATE, SEED, Axis, Value, with_settings
from engine.train.optimizers import OPTIMIZERS
from engine.train.scene import Scene
from engine.train.session import DivergedError, Training
from engine.train.sweep import Sweep, Trial, best_of, planned, run_trial

FAR = 1e-2
"""Ends that are no farther apart are one."""


def sweep(graph: Graph, *axes: Axis) -> list[Trial]:
    """The trials of a grid, as the panel "Compare" does them, one after the other."""
    settled = Sweep(axes, "grid").settled(graph)
    return [
        run_trial(graph, None, settled, number, settings)[0]
        for number, settings in enumerate(planned(graph, settled))
    ]


def restarted(graph: Graph, seed: int, count: int) -> list[Trial]:
    """Trials from so many starts, others for every seed."""
    seeds: tuple[Value, ...] = tuple(range(seed * count, (seed + 1) * count))
    return sweep(graph, Axis(SEED, seeds))


# ------------------------------------------------------------ surfaces


def descents(graph: Graph, seed: int, count: int) -> tuple[Array, Array, Array]:
    """Where so many descents begin and end (count × 2), and how high their ends lie."""
    begins, ends = [], []
    heights: list[float] = []
    for number in range(seed * count, (seed + 1) * count):
        training = Training(graph, seed=number)
        training.keeps_history = False
        begins.append([float(v) for v in training.parameters().values()])
        training.run()
        ends.append([float(v) for v in training.parameters().values()])
        heights += training.metrics()["train"].values()
    return np.array(begins), np.array(ends), np.array(heights)


def _distances(ones: Array, others: Array) -> Array:
    """From each of the first places to each of the others."""
    return np.asarray(np.hypot(*(ones[:, None] - others[None]).transpose(2, 0, 1)))


def _apart(places: Array) -> Array:
    """Places that are not one, each once."""
    found: list[Array] = []
    for place in places:
        if not found or _distances(place[None], np.array(found)).min() > FAR:
            found.append(place)
    return np.array(found)


def saddle(graph: Graph, seed: int) -> list[Figure]:
    """dx/dt = -y and dy/dt = -x: x - y grows, x + y shrinks; the sign of x - y chooses the corner."""
    begins, ends, heights = descents(graph, seed, 40)
    arrived = (np.abs(ends) >= 1).all(axis=1)
    begun, ended = (np.sign(p[arrived, 0] - p[arrived, 1]) for p in (begins, ends))
    sides = (begun == ended, ended > 0, ended < 0)
    own, right, left = (float(side.sum() / max(len(ended), 1)) for side in sides)
    highest = float(heights[arrived].max(initial=-np.inf))
    return [
        Figure("share of starts that reach a corner", float(arrived.mean()), ">", 0.85),
        Figure("of these, on their side of the diagonal", own, "=", 1.0),
        Figure("z in the corners, highest", highest, "=", -1.0, 1e-9),
        Figure("share in the lower right corner", right, ">", 0.2),
        Figure("share in the upper left corner", left, ">", 0.2),
    ]


def many_hills(graph: Graph, seed: int) -> list[Figure]:
    begins, ends, heights = descents(graph, seed, 60)
    valleys = _apart(ends)
    ways = np.hypot(*(ends - begins).T)
    nearest = _distances(begins, valleys).min(axis=1)
    return [
        Figure("different valleys that 60 starts end in", float(len(valleys)), ">", 7.5),
        Figure(
            "share that end in the nearest, or one a fifth farther",
            float(np.mean(ways <= 1.2 * nearest + FAR)), ">", 0.9,
        ),
        Figure("share that end in the deepest", float(np.mean(heights < -0.99)), "<", 0.3),
        Figure("z of the best end", float(heights.min()), "=", -1.0, 1e-3),
    ]  # fmt: skip


# ------------------------------------------------------------ optimizers


def steps_to(graph: Graph, seed: int, below: float, settings: Mapping[str, Value]) -> float:
    """Steps until the loss is below a number, with these settings; those of the recipe when it is not."""
    edit, _ = with_settings(graph, settings)
    own = graph.copy()
    edit.apply(own)
    training = Training(own, seed=seed)
    try:
        training.run(on_progress=lambda now: now.loss >= below)
    except DivergedError:
        return float(training.total_steps)
    return float(training.step_count)


def fastest(graph: Graph, seed: int, name: str, below: float, rates: Iterable[float]) -> float:
    """The fewest steps of an optimizer at the best of these learning rates."""
    tried: list[dict[str, Value]] = [{OPTIMIZER: name, RATE: rate} for rate in rates]
    return min(steps_to(graph, seed, below, settings) for settings in tried)


RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
LOW = 1e-3


def optimizer_race(graph: Graph, seed: int) -> list[Figure]:
    """From five starts; seed 0 begins with the one of the document, which is seen."""
    begin = graph.recipe.seed + 100 * seed
    longer = graph.copy()
    edits.set_recipe(longer, epochs=2000).apply(longer)
    steps = {
        name: sum(fastest(longer, begin + i, name, LOW, RATES) for i in range(5))
        for name in ("sgd", "momentum", "nesterov", "adam")
    }
    own = graph.copy()
    edits.set_recipe(own, seed=begin).apply(own)
    racing = tuple(n for n, row in OPTIMIZERS.items() if row.program)
    usual = {
        str(t.settings[OPTIMIZER]): t.curve[-1][1] for t in sweep(own, Axis(OPTIMIZER, racing))
    }
    plain = steps["sgd"]
    return [
        Figure(f"steps to z < {LOW:g} of plain descent at its best rate", plain / 5, "<", 1000),
        *(
            Figure(f"steps of {OPTIMIZERS[n].label} at its best rate, over that", steps[n] / plain, "<", b)
            for n, b in (("momentum", 0.5), ("nesterov", 0.4), ("adam", 0.8))
        ),
        Figure(
            "usual rates: loss of momentum over that of plain descent",
            usual["momentum"] / usual["sgd"], "<", 0.1,
        ),
        Figure(
            "usual rates: loss of Adam over that of plain descent (0.001 is slow here)",
            usual["adam"] / usual["sgd"], ">", 2,
        ),
    ]  # fmt: skip


def restarts(graph: Graph, seed: int) -> list[Figure]:
    losses = [trial.value for trial in restarted(graph, seed, 10)]
    more = losses + [trial.value for trial in restarted(graph, seed + 10, 20)]
    return [
        Figure("loss of the best of ten restarts", min(losses), "<", 0.05),
        Figure("loss of a start, the mean of thirty", statistics.fmean(more), ">", 0.12),
        Figure(
            "share of the thirty that end above 0.3", float(np.mean(np.array(more) > 0.3)), ">", 0.3
        ),
    ]


def search(graph: Graph, seed: int) -> list[Figure]:
    own = graph.copy()
    edits.set_recipe(own, seed=seed).apply(own)
    rate = own.recipe.last.learning_rate
    rates = Axis(RATE, low=rate / 100, high=10 * rate, log=True, points=7)
    decays = (0.0, 0.01, 0.03, 0.1)
    trials = sweep(own, rates, Axis("weight_decay", decays))
    best = best_of(trials)
    assert best is not None
    first = next(
        t
        for t in trials
        if abs(float(t.settings[RATE]) - rate) < 1e-9 and not t.settings["weight_decay"]
    )
    ends = {
        (round(float(t.settings[RATE]), 6), float(t.settings["weight_decay"])): t.curve[-1][2]
        for t in trials
        if t.state == "done"
    }
    tenth = round(rate / 10, 6)
    free, some, much = (ends[tenth, d] for d in (0.0, 0.01, 0.1))
    return [
        Figure("rows in the table", float(len(trials)), "=", 28),
        Figure(
            "held-out loss of the best over that of the document",
            best.value / first.value,
            "<",
            0.7,
        ),
        Figure("held-out loss at the end, decay 0.01 over none", some / free, "<", 0.75),
        Figure("held-out loss at the end, decay 0.01 over 0.1", some / much, "<", 0.75),
    ]


# ------------------------------------------------------------ many solutions


def norms(graph: Graph, seed: int, marks: Sequence[int]) -> tuple[list[float], Array, float]:
    """The smallest norm of the loss's gradient over all rows up to each of these steps, the parameters at
    the end as one vector, and the loss there. It is measured at forty steps, in equal ratios."""
    training, scene = Training(graph, seed=seed), Scene(graph)
    training.keeps_history = False
    last = training.steps_ahead()
    looked = {round(s) for s in np.geomspace(1, last, 40)} | {0, *marks}
    smallest, found = np.inf, []
    for step in itertools.count():
        if step in looked:
            scene.at(training.parameters(), step)
            gradients = scene.gradients(tuple(training.moved), scene.rows())
            norm = np.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values()))
            smallest = min(smallest, float(norm))
        if step in marks:
            found.append(smallest)
        if step == last:
            break
        training.step()
    end = np.concatenate([v.ravel() for v in training.parameters().values()])
    return found, end, next(iter(training.metrics()["train"].values()))


STARTS = 50
MARKS = (0, 10, 100, 1000)


def many_solutions(graph: Graph, seed: int) -> list[Figure]:
    runs = [norms(graph, seed * STARTS + i, MARKS) for i in range(STARTS)]
    along = np.median([found for found, _, _ in runs], axis=0)
    ends = np.array([end for _, end, _ in runs])
    losses = np.array([loss for _, _, loss in runs])
    size = float(np.median(np.linalg.norm(ends, axis=1)))
    away = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(ends, 2))
    return [
        *(
            Figure(
                f"smallest gradient norm up to step {step:,}, over that of the start",
                float(norm / along[0]), "<", bound,
            )
            for step, norm, bound in zip(MARKS[1:], along[1:], (0.4, 0.2, 0.04), strict=True)
        ),
        Figure("best of 50 final losses", float(losses.min()), "<", 0.1),
        Figure("share within twice the best", float(np.mean(losses < 2 * losses.min())), ">", 0.8),
        Figure("distance of the nearest two solutions, over the size of one", away / size, ">", 0.3),
    ]  # fmt: skip


CLAIMS: dict[str, Claim] = {
    "saddle": saddle, "many-hills": many_hills, "optimizer-race": optimizer_race,
    "restarts": restarts, "search": search, "many-solutions": many_solutions,
}  # fmt: skip
