"""How good the predictions of a moment are: metrics, the confusion matrix, residuals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.graph import Graph
from engine.ops.row import Array
from engine.probes.rowwise import network
from engine.train.problem import metrics_of
from engine.train.roles import Roles, roles
from engine.train.scene import Part, Scene

ROWS = 20_000
"""Rows of a part that are looked at, fewer of wide ones; more are thinned out evenly, and that is told."""
CELL_ROWS = 48
POINTS = 1500
MAX_CLASSES = 200
SMALLEST_PICTURE = 5
"""The side of the smallest square that flat features are taken for."""
PARTS: tuple[Part, ...] = ("train", "validation")


@dataclass(frozen=True)
class Confusion:
    """How often each class (down) was taken for each class (across), int64, square."""

    counts: Array

    @property
    def shares(self) -> Array:
        """The shares of each row of `counts`, float64; NaN in the row of a class that does not occur."""
        with np.errstate(invalid="ignore"):
            shares: Array = self.counts / self.counts.sum(axis=1, keepdims=True)
        return shares

    @property
    def accuracy(self) -> float:
        total = int(self.counts.sum())
        return float(np.trace(self.counts)) / total if total else math.nan

    @property
    def scores(self) -> Array:
        """Precision, recall and F1 of each class, float64, (classes, 3).

        NaN where there is nothing to divide by: precision of a class that is never predicted, recall
        of one that does not occur; F1 = 2 TP / (2 TP + FP + FN), NaN where all three are 0.
        """
        right = np.diag(self.counts).astype(np.float64)
        predicted, there = self.counts.sum(axis=0), self.counts.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack(
                [right / predicted, right / there, 2 * right / (predicted + there)], axis=1
            )


@dataclass(frozen=True)
class Residuals:
    """Targets and predictions of a part, thinned out to at most 1,500 pairs, and what sums up all.

    `explained` = R² = 1 - sum of squared residuals / sum of squared deviations of the targets from their mean
    (of each column), the mean over columns; NaN when a target does not vary. `spread` is the root of
    the mean square of the residuals, `distance` the mean of their sizes, `bias` their mean.
    """

    target: Array
    prediction: Array
    explained: float
    spread: float
    distance: float
    bias: float


@dataclass(frozen=True)
class Cell:
    """Rows of the data in one cell of the confusion matrix: at most 48 of `count`. `pictures` are
    their features as squares, (rows, side, side) or with 3 channels last, None for other features."""

    part: Part
    actual: int
    predicted: int
    rows: Array
    count: int
    features: Array | None = None
    pictures: Array | None = None


@dataclass(frozen=True)
class Metrics:
    """What is known of a moment, a part each: `table` has the loss and the metrics by node name.

    `confusion` is there for classes, `residuals` for numbers, neither when nothing is compared with
    a target; `reason` says why in a sentence. `counted` are rows looked at and rows there are.
    """

    table: dict[Part, dict[str, float]]
    counted: dict[Part, tuple[int, int]]
    classes: tuple[str, ...] = ()
    confusion: dict[Part, Confusion] = field(default_factory=dict)
    residuals: dict[Part, Residuals] = field(default_factory=dict)
    cell: Cell | None = None
    reason: str = ""


def metrics(scene: Scene, cell: tuple[Part, int, int] | None = None) -> Metrics:
    """The metrics of the moment; `cell` (part, actual, predicted) asks for the rows of one cell.

    Raises ValueError where the loss has no value.
    """
    graph = scene.graph
    parts = [p for p in PARTS if len(scene.rows(p))] if scene.dataset is not None else [PARTS[0]]
    most = _most_rows(scene)
    rows = {p: scene.rows(p, most) for p in parts}
    table = {p: _measured(scene, rows[p]) for p in parts}
    counted = {p: (len(rows[p]), len(scene.rows(p))) for p in parts}
    found = roles(graph)
    if not found.prediction or not found.target:
        reason = (
            "the loss compares nothing with a target that is read, so there is nothing to count"
        )
        return Metrics(table, counted, reason=reason)
    pairs = {}
    for part in parts:
        both = scene.values([found.prediction, found.target], rows[part])
        pairs[part] = both[found.prediction], both[found.target]
    count = _class_count(pairs.values(), _port(graph, found))
    if count == 0:
        residuals, reason = {}, ""
        for part, (guess, target) in pairs.items():
            if guess.size and guess.size == target.size:
                residuals[part] = _residuals(guess, target.reshape(guess.shape))
        if not residuals:
            reason = "prediction and target have nothing in common that could be counted"
        return Metrics(table, counted, residuals=residuals, reason=reason)
    if count > MAX_CLASSES:
        reason = f"{count:,} classes are too many for a table; {MAX_CLASSES} can be shown"
        return Metrics(table, counted, reason=reason)
    labels = {p: _labels(*pair, count, _port(graph, found)) for p, pair in pairs.items()}
    confusion = {p: Confusion(_count(a, b, count)) for p, (a, b) in labels.items()}
    lost = sum(int((b < 0).sum()) for _, b in labels.values())
    reason = f"{lost:,} predictions are not numbers; they are not counted" if lost else ""
    shown = None
    if cell is not None and cell[0] in labels and max(cell[1:]) < count:
        shown = _cell(scene, rows[cell[0]], *labels[cell[0]], cell)
    return Metrics(table, counted, _names(scene, count), confusion, cell=shown, reason=reason)


def _most_rows(scene: Scene) -> int:
    """As many as no layer has too many numbers for."""
    try:
        return network(scene).bounded(ROWS)
    except ValueError:  # nothing has a value a row
        return ROWS


def _measured(scene: Scene, rows: Array) -> dict[str, float]:
    """The loss and those metrics that are single numbers, by node name."""
    graph = scene.graph
    wanted = [scene.loss_node, *metrics_of(graph, scene.loss_node)]
    try:
        values = scene.values(wanted, rows)
    except ValueError:  # a metric may be unfinished; the loss has to be there
        values = scene.values(wanted[:1], rows)
    return {graph.name(n): float(v) for n, v in values.items() if not v.shape}


# ------------------------------------------------------------ classes


def _port(graph: Graph, found: Roles) -> str:
    """The port of the comparison that the prediction is wired to."""
    for (node, port), source in graph.links.items():
        ports = [graph.operand(node, p) for p in graph.ports(node)]
        if source == found.prediction and found.target in ports:
            return port
    return ""


def _class_count(pairs: Iterable[tuple[Array, Array]], port: str) -> int:
    """How many classes are told apart; 0 when the target is a number, not a class."""
    counts = [_classes_of(guess, target, port) for guess, target in pairs if guess.size]
    return counts[0] if counts and all(c == counts[0] for c in counts) else 0


def _classes_of(guess: Array, target: Array, port: str) -> int:
    if guess.ndim == target.ndim + 1 and guess.shape[:-1] == target.shape and guess.shape[-1] > 1:
        whole = bool(np.isfinite(target).all()) and bool((target == np.round(target)).all())
        return guess.shape[-1] if whole else 0
    if guess.size != target.size:
        return 0
    if guess.shape == target.shape and guess.ndim and guess.shape[-1] > 1 and _is_one_hot(target):
        return int(guess.shape[-1])
    column = guess.ndim < 2 or guess.shape[-1] == 1
    known = set(np.unique(target).tolist()) if column and target.size else {2.0}
    two = known in ({0.0, 1.0}, {-1.0, 1.0})
    return 2 if two or (known <= {0.0, 1.0} and port in _CUTS) else 0


def _is_one_hot(target: Array) -> bool:
    return bool(((target == 0) | (target == 1)).all()) and bool((target.sum(axis=-1) == 1).all())


_CUTS = {"logits": 0.0, "probabilities": 0.5}
"""From which prediction on it is class 1, by the port that reads it; else midway between targets."""


def _labels(guess: Array, target: Array, count: int, port: str) -> tuple[Array, Array]:
    """Actual and predicted classes, flat int64; -1 for what is predicted where that is no number."""
    if guess.ndim and guess.shape[-1] > 1 and target.ndim >= guess.ndim - 1 and guess.ndim > 1:
        same = guess.shape == target.shape
        actual = target.argmax(axis=-1) if same else target.astype(np.int64)
        predicted = np.where(np.isnan(guess).any(axis=-1), -1, guess.argmax(axis=-1))
        return actual.reshape(-1), predicted.reshape(-1)
    low = float(target.min()) if target.size else 0.0
    cut = _CUTS.get(port, 0.0 if low < 0 else 0.5)
    predicted = np.where(np.isnan(guess), -1, guess > cut).reshape(-1).astype(np.int64)
    return (target.reshape(-1) > 0).astype(np.int64), predicted


def _count(actual: Array, predicted: Array, count: int) -> Array:
    inside = (actual >= 0) & (actual < count) & (predicted >= 0)
    places = actual[inside] * count + predicted[inside]
    return np.bincount(places, minlength=count * count).reshape(count, count).astype(np.int64)


def _names(scene: Scene, count: int) -> tuple[str, ...]:
    known: Sequence[str] = scene.dataset.classes if scene.dataset is not None else ()
    return tuple(known) if len(known) == count else tuple(str(i) for i in range(count))


def _cell(
    scene: Scene, rows: Array, actual: Array, predicted: Array, cell: tuple[Part, int, int]
) -> Cell:
    there = np.flatnonzero((actual == cell[1]) & (predicted == cell[2]))
    if not len(rows):  # no data: the document's own inputs, counted from 0
        return Cell(*cell, there[:CELL_ROWS], len(there))
    per_row = max(len(actual) // len(rows), 1)
    found = rows[np.unique(there // per_row)[:CELL_ROWS]]
    features = scene.field("x", found) if _has_features(scene) else None
    pictures = _pictures(features) if features is not None and len(found) else None
    return Cell(*cell, found, len(there), features, pictures)


def _has_features(scene: Scene) -> bool:
    return scene.dataset is not None and "x" in scene.dataset.fields


def _pictures(features: Array) -> Array | None:
    """Features as square pictures, rows first; None when they are none."""
    shape = features.shape[1:]
    if len(shape) == 1:
        for channels in (1, 3):
            side = math.isqrt(shape[0] // channels)
            if side >= SMALLEST_PICTURE and side * side * channels == shape[0]:
                flat = features.reshape(-1, channels, side, side)
                return flat[:, 0] if channels == 1 else np.moveaxis(flat, 1, -1)
        return None
    if len(shape) == 3 and shape[0] in (1, 3):
        features = np.moveaxis(features, 1, -1)
        shape = features.shape[1:]
    if len(shape) == 3 and shape[-1] == 1:
        features, shape = features[..., 0], shape[:-1]
    square = shape[0] == shape[1] and (len(shape) == 2 or shape[2] == 3)
    return features if square and shape[0] > 1 else None


# ------------------------------------------------------------ numbers


def _residuals(guess: Array, target: Array) -> Residuals:
    gap = guess.astype(np.float64) - target
    columns = (-1, target.shape[-1]) if target.ndim > 1 else (-1, 1)
    wide, wanted = gap.reshape(columns), target.reshape(columns).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        spread = np.square(wanted - wanted.mean(axis=0)).sum(axis=0)
        parts = np.where(spread > 0, 1.0 - np.square(wide).sum(axis=0) / spread, math.nan)
        rmse = math.sqrt(np.square(gap).mean())
    chosen = np.linspace(0, gap.size - 1, min(gap.size, POINTS)).round().astype(np.int64)
    return Residuals(
        target.reshape(-1)[chosen].astype(np.float64), guess.reshape(-1)[chosen].astype(np.float64),
        float(parts.mean()), rmse, float(np.abs(gap).mean()), float(gap.mean()),
    )  # fmt: skip
