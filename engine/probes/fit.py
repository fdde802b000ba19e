"""The curve of a network over one feature: beside the data, and beside the function it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.data import functions
from engine.data.record import settings
from engine.ops.row import Array
from engine.probes import rowwise
from engine.probes.regions import measured, task_of
from engine.probes.rowwise import Measure, Network
from engine.train import data
from engine.train.scene import Scene

GRID = 400
POINTS = 500
CURVES = 8


@dataclass(frozen=True)
class Fit:
    """`curves` are the node's values at `across`, units × points, log odds as probabilities; `truth` the
    function that the data come from, empty where that is not known.

    Errors are distances from the truth over the data's reach, else from the targets of the rows:
    the `largest`, at the feature's value `worst_at`, and the `mean`. `rows` are drawn at `places`
    with their `targets`, `held` says which are held out. `others` counts features at their mean.
    """

    across: Array
    curves: Array
    truth: Array
    reach: tuple[float, float]
    rows: Array
    places: Array
    targets: Array
    held: Array
    at_work: Array
    largest: float | None
    worst_at: float | None
    mean: float | None
    against_truth: bool
    measures: tuple[Measure, ...]
    feature: int
    features: tuple[str, ...]
    others: int
    target_name: str
    nodes: tuple[tuple[str, str, int], ...]
    node: str


def fit(
    scene: Scene, node: str = "", feature: int = 0, points: int = POINTS, grid: int = GRID
) -> Fit:
    """The curve over a feature, the other features at their mean over training rows."""
    net = rowwise.network(scene, node)
    surveyed = rowwise.features(scene, net, scene.rows(limit=net.bounded(rowwise.SURVEYED)))
    width = surveyed.shape[1]
    feature = min(rowwise.whole("the feature", feature, 0, 10**9), width - 1)
    rowwise.whole("the number of points", points, 0, 5000)
    rowwise.whole("the grid", grid, 2, 5000)
    points, grid = net.bounded(points), net.bounded(grid)
    seen = net.node(node, net.prediction)
    train, held = scene.rows(), scene.rows("validation")
    share = min(1.0, points / max(len(train) + len(held), 1))
    work = rowwise.rows_at_work(scene)[:points]
    drawn = [
        np.union1d(scene.rows(limit=int(len(train) * share)), work).astype(np.int64),
        scene.rows("validation", int(len(held) * share)),
    ]
    rows = np.concatenate(drawn)
    places = rowwise.features(scene, net, rows)[:, feature].astype(np.float64)
    every = np.concatenate([surveyed[:, feature], places])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 0.0)
    margin = 0.05 * (high - low) or 1.0
    across = np.linspace(low - margin, high + margin, grid)
    curves = _curves(scene, net, seen.path, surveyed.mean(axis=0), feature, across)
    task = task_of(scene, net) if seen.path == net.prediction else None
    if task is not None and len(curves) == 1:
        curves = task.numbers(curves)
    target = rowwise.target_of(scene, net, rows) if len(rows) else None
    targets = np.zeros(0)
    if target is not None and target.size == len(rows):
        targets = target.reshape(-1).astype(np.float64)
    truth = (
        _truth(scene, net, across) if width == 1 and seen.path == net.prediction else np.zeros(0)
    )
    largest = worst_at = mean = None
    if truth.size:
        within = (across >= low) & (across <= high)
        largest, worst_at, mean = _apart(curves[0] - truth, across, within)
    elif (
        seen.path == net.prediction
        and targets.size
        and seen.size == 1
        and (task is None or not task.is_odds)
    ):
        values = scene.values([seen.path], rows)[seen.path].reshape(-1)
        largest, worst_at, mean = _apart(values - targets, places, np.ones(len(rows), np.bool_))
    shown = rowwise.evenly(np.arange(len(curves)), CURVES)
    return Fit(
        across, curves[shown], truth, (low, high), rows, places, targets,
        np.repeat([False, True], [len(part) for part in drawn]), np.isin(rows, work), largest,
        worst_at, mean, bool(truth.size), measured(scene, net, task_of(scene, net)), feature,
        rowwise.feature_names(scene, net), width - 1,
        net.nodes[net.target].name if net.target else "",
        net.choices((net.prediction, *net.rivals, *net.hidden[: rowwise.OFFERED])), seen.path,
    )  # fmt: skip


def _curves(
    scene: Scene, net: Network, path: str, mean: Array, feature: int, across: Array
) -> Array:
    line = np.repeat(mean[None], len(across), axis=0)
    line[:, feature] = across
    return scene.values([path], feeds=net.feeds(line))[path].reshape(len(across), -1).T


def _apart(errors: Array, where: Array, within: Array) -> tuple[float, float | None, float]:
    """The largest distance, where it is, and the mean one; NaN is the largest of all."""
    sizes = np.abs(errors[within])
    if not sizes.size:
        return 0.0, None, 0.0
    worst = int(np.argmax(np.where(np.isnan(sizes), np.inf, sizes)))
    return float(sizes[worst]), float(where[within][worst]), float(sizes.mean())


def _truth(scene: Scene, net: Network, across: Array) -> Array:
    """The function that the data are points of, where their source is one of the feature as it is and
    its values are the target."""
    if data.data_nodes(scene.graph).get(net.target, ("", ""))[1] != "y":
        return np.zeros(0)
    source = scene.graph.sources.get(data.main_source(scene.graph) or "")
    if source is None or source.kind != "function" or source.standardize:
        return np.zeros(0)
    try:
        return functions.values(settings(functions.OPTIONS, source)["formula"], across)
    except ValueError:  # it need not hold beyond the data's reach
        return np.zeros(0)
