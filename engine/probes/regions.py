"""The plane of two features: what the network, or any unit of it, makes of every point there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np

from engine.ops.row import Array
from engine.probes import rowwise
from engine.probes.rowwise import Classes, Measure, Network, RowNode
from engine.train.scene import Scene

GRID = 100
ENTRIES = 2_000_000
"""Numbers that the widest layer may have over the whole grid; a wider one has a coarser grid."""
POINTS = 500
UNITS = 24
"""Units of a layer that are shown as small pictures; of more, evenly chosen ones."""
SMALL = 40
"""Points on a side of a small picture, at most."""

Kind = Literal["two", "classes", "number"]


@dataclass(frozen=True)
class Points:
    """Rows as points of the plane: `places` rows × 2, `classes` or target `numbers` of each, whether
    it is `held` out, predicted `wrong`, or in the batch `at_work`."""

    rows: Array
    places: Array
    classes: Array
    numbers: Array
    held: Array
    wrong: Array
    at_work: Array


@dataclass(frozen=True)
class Regions:
    """`picture` is side × side, the lowest second feature first: for two classes from -1 to 1, for
    several how sure the network is (0 to 1) of `winner`, else the unit's number.

    `extent` is left, right, bottom, top; `axes` what runs across and up; `held` what is said of the
    features that do not. `node` and `unit` are what is looked at, a unit of -1 the decision;
    `units` are small pictures of the layer's units `unit_numbers`. `nodes` and `features` can be
    chosen; `rivals` among them are the predictions of other networks that the same loss trains.
    """

    kind: Kind
    picture: Array
    winner: Array
    extent: tuple[float, float, float, float]
    axes: tuple[int, int]
    features: tuple[str, ...]
    others: int
    points: Points
    class_names: tuple[str, ...]
    measures: tuple[Measure, ...]
    nodes: tuple[tuple[str, str, int], ...]
    node: str
    unit: int
    units: Array
    unit_numbers: Array
    rivals: tuple[str, ...] = ()


def regions(
    scene: Scene,
    node: str = "",
    unit: int = -1,
    first: int = -1,
    second: int = -1,
    grid: int = GRID,
    points: int = POINTS,
) -> Regions:
    """The plane of the features `first` and `second`, the others at their mean over training rows;
    features of -1 are the two that tell the classes apart best, or vary most where there are none.

    `node` is looked at instead of the prediction. Raises ValueError where there are no two features.
    """
    net = rowwise.network(scene, node)
    surveyed = rowwise.features(scene, net, scene.rows(limit=net.bounded(rowwise.SURVEYED)))
    width = surveyed.shape[1]
    if width < 2:
        raise ValueError("regions need two features and the network reads one; look at its fit")
    wanted = [rowwise.whole("a feature", n, -1, 10**9) for n in (first, second)]
    settled = wanted[0] != wanted[1] and all(0 <= n < width for n in wanted)
    if width > 2 and not settled:
        found = rowwise.labels(scene, net, scene.rows(limit=net.bounded(rowwise.SURVEYED)))
        first, second = _chosen(_telling(surveyed, found[0] if found else None), wanted)
    else:
        first, second = _chosen(np.zeros(width), wanted)
    rowwise.whole("the grid", grid, 2, 400)
    rowwise.whole("the number of points", points, 0, 5000)
    seen = net.node(node, net.prediction)
    extent = _extent(scene, net, surveyed, first, second)
    side = _side(net, seen, grid)
    values = _over_grid(scene, net, seen, surveyed.mean(axis=0), (first, second), extent, side)
    unit = rowwise.whole("the unit", unit, -1, 10**9)
    task = task_of(scene, net)
    decides = seen.path == net.prediction and task is not None and unit < 0
    unit = -1 if decides else min(max(unit, 0), values.shape[1] - 1)
    kind: Kind = "number"
    winner = np.zeros((0, 0), np.int64)
    picture = values[:, unit]
    if decides and task is not None:
        kind = "two" if len(task.classes.names) == 2 else "classes"
        picture, chosen = task.decided(values)
        winner = chosen.reshape(side, side)
    measures, marks = _marked(scene, net, task, points, (first, second))
    shown = rowwise.evenly(np.arange(values.shape[1]), UNITS)
    small = rowwise.evenly(np.arange(side), SMALL)
    cube = values.reshape(side, side, -1)[np.ix_(small, small, shown)]
    paths = (net.prediction, *net.rivals, *net.hidden[: rowwise.OFFERED])
    return Regions(
        kind, picture.reshape(side, side), winner, extent, (first, second),
        rowwise.feature_names(scene, net), width - 2, marks,
        task.classes.names if task is not None else (), measures, net.choices(paths), seen.path,
        unit, np.moveaxis(cube, 2, 0), shown, net.rivals,
    )  # fmt: skip


def _telling(surveyed: Array, classes: Array | None) -> Array:
    """How much each feature says: the share of its variance that lies between the means of the classes,
    or its variance where there are no classes."""
    numbers = surveyed.astype(np.float64)
    with np.errstate(all="ignore"):
        spread = numbers.var(axis=0)
        if classes is None:
            return np.asarray(np.nan_to_num(spread).round(6))
        between = np.zeros(numbers.shape[1])
        for kind in np.unique(classes):
            rows = numbers[classes == kind]
            between += len(rows) * (rows.mean(axis=0) - numbers.mean(axis=0)) ** 2
        shares = np.nan_to_num(between / len(numbers) / spread, posinf=0.0)
        return np.asarray(shares.round(6))


def _chosen(told: Array, wanted: list[int]) -> tuple[int, int]:
    """Two different features; in place of those that are not asked for, or not there, those that say
    most."""
    free = [int(i) for i in np.argsort(-told, kind="stable")]
    found = [n if 0 <= n < len(free) else -1 for n in wanted]
    if found[0] == found[1]:
        found[1] = -1
    free = [n for n in free if n not in found]
    if found == [-1, -1]:
        return min(free[:2]), max(free[:2])
    first, second = (free[0] if n < 0 else n for n in found)
    return first, second


def _extent(
    scene: Scene, net: Network, surveyed: Array, first: int, second: int
) -> tuple[float, float, float, float]:
    """The plane's reach: that of the rows, held-out ones among them, and a tenth more on each side."""
    held = scene.rows("validation", net.bounded(rowwise.SURVEYED))
    every = [surveyed, rowwise.features(scene, net, held)] if len(held) else [surveyed]
    ends: list[float] = []
    for column in (first, second):
        numbers = np.concatenate([rows[:, column] for rows in every]).astype(np.float64)
        numbers = numbers[np.isfinite(numbers)]
        low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
        margin = 0.1 * (high - low) or 1.0
        ends += [low - margin, high + margin]
    return ends[0], ends[1], ends[2], ends[3]


def _side(net: Network, seen: RowNode, grid: int) -> int:
    widest = max(net.widest, seen.size)
    return min(grid, max(int((ENTRIES / widest) ** 0.5), 16))


def _over_grid(
    scene: Scene,
    net: Network,
    seen: RowNode,
    mean: Array,
    axes: tuple[int, int],
    extent: tuple[float, float, float, float],
    side: int,
) -> Array:
    """The node's value at every point, points × units; the second feature moves slowest."""
    across, up = np.linspace(*extent[:2], side), np.linspace(*extent[2:], side)
    plane = np.repeat(mean[None], side * side, axis=0)
    plane[:, axes[0]], plane[:, axes[1]] = np.tile(across, side), np.repeat(up, side)
    return scene.values([seen.path], feeds=net.feeds(plane))[seen.path].reshape(side * side, -1)


# ------------------------------------------------------------ classes


@dataclass(frozen=True)
class Task:
    """How a prediction names a class: one number above or below a `border`, or one number a class."""

    classes: Classes
    border: float

    def decided(self, values: Array) -> tuple[Array, Array]:
        """How sure, and of which class: for two classes from -1 (the first) to 1, for several from 0
        (all alike) to 1. `values` are rows × outputs."""
        with np.errstate(all="ignore"):
            if values.shape[1] == 1:
                sure = self._signed(values[:, 0])
                return sure, (sure > 0).astype(np.int64)
            shares = values
            sums = values.sum(axis=1)
            if (values < 0).any() or not np.allclose(sums, 1, atol=1e-3):
                shares = np.exp(values - values.max(axis=1, keepdims=True))
                shares = shares / shares.sum(axis=1, keepdims=True)
            chosen: Array = shares.argmax(axis=1)
            if shares.shape[1] == 2:
                return shares[:, 1] - shares[:, 0], chosen
            least = 1 / shares.shape[1]
            return (shares.max(axis=1) - least) / (1 - least), chosen

    @property
    def is_odds(self) -> bool:
        """Whether one number is log odds, rather than as large as the class that it should name."""
        return (
            len(self.classes.values) == 2 and abs(self.border - sum(self.classes.values) / 2) > 1e-9
        )

    def numbers(self, values: Array) -> Array:
        """Log odds as numbers between those of the two classes; others as they are."""
        if not self.is_odds:
            return values
        low, high = self.classes.values
        found: Array = low + (self._signed(values) + 1) / 2 * (high - low)
        return found

    def _signed(self, values: Array) -> Array:
        low, high = self.classes.values
        if not self.is_odds:
            return np.clip((values - self.border) / ((high - low) / 2), -1, 1)
        return np.tanh((values - self.border) / 2)  # of log odds: twice the probability, less 1


_tasks: WeakKeyDictionary[Scene, dict[str, Task | None]] = WeakKeyDictionary()


def task_of(scene: Scene, net: Network) -> Task | None:
    """How the prediction names classes, found once a scene and network; None where it is a number."""
    known = _tasks.setdefault(scene, {})
    if net.prediction not in known:
        known[net.prediction] = _task(scene, net)
    return known[net.prediction]


def _task(scene: Scene, net: Network) -> Task | None:
    target = rowwise.target_of(scene, net, scene.rows(limit=net.bounded(rowwise.SURVEYED)))
    width = net.nodes[net.prediction].size
    classes = rowwise.classes_in(scene, target, width) if target is not None else None
    if classes is None or width not in (1, len(classes.values)):
        return None
    if width > 1 or classes.one_hot:
        return Task(classes, 0.0)
    low, high = classes.values
    return Task(classes, _border(scene, net, low, high))


def _border(scene: Scene, net: Network, low: float, high: float) -> float:
    """The prediction at which either class costs the same: 0 for log odds, the middle for others."""
    rows = scene.rows(limit=2)
    node, target = net.nodes[net.prediction], rowwise.target_of(scene, net, rows)
    assert target is not None
    middle = (low + high) / 2
    apart: dict[float, float] = {}
    for border in (middle, 0.0):
        fed = np.full((len(rows), *node.shape), border, scene.graph.dtype)
        try:
            one, other = (
                _loss(scene, net, rows, {net.prediction: fed, net.target: np.full_like(target, v)})
                for v in (low, high)
            )
        except ValueError:
            return middle
        apart[border] = abs(one - other) if np.isfinite(one) and np.isfinite(other) else np.inf
    return min(apart, key=lambda b: apart[b])


def _loss(scene: Scene, net: Network, rows: Array, fed: Mapping[str, Array]) -> float:
    if not net.rivals:
        return scene.loss(rows, fed)
    return float(scene.values([net.roles.cost], rows, fed)[net.roles.cost].sum())


def measured(scene: Scene, net: Network, task: Task | None) -> tuple[Measure, ...]:
    """Loss and share of right rows of both parts that have rows."""
    found = []
    for part in ("train", "validation"):
        part_name = rowwise.part_of(part)
        rows, total = (
            scene.rows(part_name, net.bounded(rowwise.MEASURED)),
            len(scene.rows(part_name)),
        )
        if not total:
            continue
        values = _with_loss(scene, net, rows)
        accuracy = None
        if task is not None:
            accuracy = float(1 - _wrong(scene, net, task, rows, values[net.prediction]).mean())
        cost = values.get(_cost(net))
        loss = float(cost) if cost is not None and cost.ndim == 0 else None
        found.append(Measure(part_name, loss, accuracy, len(rows), total))
    return tuple(found)


def _cost(net: Network) -> str:
    """The loss; of networks side by side the network's own share of it."""
    return net.roles.cost if net.rivals else net.roles.loss


def _with_loss(scene: Scene, net: Network, rows: Array) -> dict[str, Array]:
    """The prediction on these rows, and the loss where it has a value."""
    try:
        return scene.values([net.prediction, *filter(None, [_cost(net)])], rows)
    except ValueError:
        return scene.values([net.prediction], rows)


def _wrong(scene: Scene, net: Network, task: Task, rows: Array, values: Array) -> Array:
    target = rowwise.target_of(scene, net, rows)
    assert target is not None
    decided = task.decided(values.reshape(len(rows), -1))[1]
    wrong: Array = decided != task.classes.of(target)
    return wrong


def _marked(
    scene: Scene, net: Network, task: Task | None, limit: int, axes: tuple[int, int]
) -> tuple[tuple[Measure, ...], Points]:
    """The measures, and the rows that are drawn: both parts thinned alike, the batch always."""
    train, held = scene.rows(), scene.rows("validation")
    limit = net.bounded(limit)
    share = min(1.0, limit / max(len(train) + len(held), 1))
    work = rowwise.rows_at_work(scene)[:limit]
    drawn = [
        np.union1d(scene.rows(limit=int(len(train) * share)), work),
        scene.rows("validation", int(len(held) * share)),
    ]
    rows = np.concatenate(drawn).astype(np.int64)
    is_held = np.repeat([False, True], [len(part) for part in drawn])
    places = rowwise.features(scene, net, rows)[:, list(axes)]
    target = rowwise.target_of(scene, net, rows) if len(rows) else None
    none = np.full(len(rows), -1)
    classes = task.classes.of(target) if task is not None and target is not None else none
    numbers = np.zeros(0)
    if task is None and target is not None and target.size == len(rows):
        numbers = target.reshape(-1).astype(np.float64)
    wrong = np.zeros(len(rows), np.bool_)
    if task is not None and len(rows):
        values = scene.values([net.prediction], rows)[net.prediction]
        wrong = _wrong(scene, net, task, rows, values)
    marks = Points(rows, places, classes, numbers, is_held, wrong, np.isin(rows, work))
    return measured(scene, net, task), marks
