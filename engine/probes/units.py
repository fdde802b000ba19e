"""Hidden units as pictures: their weights, the rows that excite them, and inputs made to excite them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.initializers import generator
from engine.ops.row import Array
from engine.probes import row_pictures, rowwise
from engine.probes.rowwise import Network, RowNode
from engine.train.scene import Scene

MOST_UNITS = 24
BEST = 3
STEPS = 24
BINS = 24
_ASCENT = 12
"""What is drawn here, beside starts, splits and shuffles."""


@dataclass(frozen=True)
class Units:
    """Of every unit in `numbers`: `weights` as a picture (empty where they are not those of one matrix),
    the input `made` to excite it and how far it does (`reached`), the rows that do most (`best`, as
    pictures; units × rows), and a histogram of its values on the data (`counts` over `edges`).

    `silent` is the share of rows where a unit is 0, `spread` its standard deviation.
    """

    numbers: Array
    weights: Array
    weights_are_pictures: bool
    weights_name: str
    made: Array
    reached: Array
    norm: float
    best: Array
    best_rows: Array
    best_values: Array
    are_pictures: bool
    counts: Array
    edges: Array
    mean: Array
    spread: Array
    silent: Array
    rows: int
    size: int
    nodes: tuple[tuple[str, str, int], ...]
    node: str
    name: str


def units(
    scene: Scene,
    node: str = "",
    first: int = 0,
    count: int = 12,
    seed: int = 0,
    width: int = 0,
    rows: int = 1000,
) -> Units:
    """`count` units of a layer from `first` on. A unit with several entries (a channel) is their mean.

    Inputs are made by gradient ascent from a draw by `seed`, within a ball as large as half the rows
    (Erhan et al., Visualizing higher-layer features of a deep network, 2009).
    Raises ValueError where no layer reads features.
    """
    net = rowwise.network(scene)
    rowwise.whole("the number of units", count, 1, MOST_UNITS)
    rowwise.whole("the number of rows", rows, 1, 20_000)
    rowwise.whole("the width of a picture", width, 0, 10_000)
    rowwise.whole("the seed", seed, 0, 2**40)
    seen = net.node(node, first_layer(net))
    total = seen.shape[0] if seen.shape else 1
    first = min(rowwise.whole("the first unit", first, 0, 10**9), total - 1)
    numbers = np.arange(first, min(first + count, total))
    picked = scene.rows(limit=net.bounded(rows))
    inputs = rowwise.features(scene, net, picked)
    values = _per_unit(scene.values([seen.path], picked)[seen.path], total)[:, numbers]
    values = values.astype(np.float64)
    order = np.argsort(np.where(np.isfinite(values), -values, np.inf), axis=0, kind="stable")[:BEST]
    shape = row_pictures.input_shape(scene, net)
    norm = float(np.median(np.linalg.norm(inputs.astype(np.float64), axis=1)))
    made, reached = ascended(scene, net, seen, numbers, total, norm, seed, inputs[order[0]])
    best = inputs[order.T.reshape(-1)].astype(np.float64)
    weights, weights_name, pictures = _weights(scene, net, seen, numbers, width)
    edges, counts = _histograms(values)
    with np.errstate(all="ignore"):
        return Units(
            numbers, weights, pictures, weights_name, row_pictures.pictures(made, shape, width), reached,
            norm, _grouped(row_pictures.pictures(best, shape, width), len(numbers)), picked[order.T],
            np.take_along_axis(values, order, axis=0).T,
            bool(row_pictures.picture_shape(shape, width)), counts, edges, values.mean(axis=0),
            values.std(axis=0), (values == 0).mean(axis=0), len(picked), total,
            net.choices(net.offered), seen.path, seen.name,
        )  # fmt: skip


def first_layer(net: Network) -> str:
    """The last node that is as wide as the first hidden one and moved by the same matrix: its
    activation where it has one; the prediction of a network without a hidden layer."""
    layers = net.layers or net.hidden
    if not layers:
        return net.prediction
    start, found = layers[0], layers[0]
    for path in layers:
        alike = net.nodes[path].shape == net.nodes[start].shape
        if not alike or net.matrices(path) != net.matrices(start):
            break
        found = path
    return found


def _per_unit(values: Array, total: int) -> Array:
    """Rows × units; a unit with several entries is their mean."""
    flat = values.reshape(len(values), total, -1)
    found: Array = flat[:, :, 0] if flat.shape[2] == 1 else flat.mean(axis=2)
    return found


def _grouped(pictures: Array, count: int) -> Array:
    return pictures.reshape(count, -1, *pictures.shape[1:])


def ascended(
    scene: Scene, net: Network, seen: RowNode, numbers: Array, total: int, norm: float, seed: int,
    best: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """The input that excites each unit, units × features, and the unit's value there.

    It goes two ways, from a small draw and from the row that excites the unit most (`best`), and keeps
    the better end. Each step goes along the gradient, half the ball's radius far and less and less,
    and back into the ball; the best place on the way is kept.
    """
    count = len(numbers)
    radius, twice = norm or 1.0, np.tile(numbers, 2)
    upstream = np.zeros((2 * count, *seen.shape), scene.graph.dtype)
    each = upstream.reshape(2 * count, total, -1)
    each[np.arange(2 * count), twice] = 1 / each.shape[2]
    drawn = generator(seed, _ASCENT).standard_normal((total, net.width))[numbers]
    drawn *= 0.05 * radius / np.linalg.norm(drawn, axis=1, keepdims=True)
    points = np.concatenate([drawn, np.nan_to_num(best.astype(np.float64))])
    rows, every = np.resize(scene.rows(), len(points)), np.arange(len(points))
    kept, reached = points.copy(), np.full(len(points), -np.inf)
    for step in range(STEPS + 1):
        away = np.linalg.norm(points, axis=1, keepdims=True)
        points *= np.where(away > radius, radius / np.where(away > 0, away, 1), 1)
        fed = net.feeds(points.astype(scene.graph.dtype))
        value = scene.values([seen.path], rows, fed)[seen.path]
        now = _per_unit(value, total)[every, twice].astype(np.float64)
        better = now > reached
        kept[better], reached[better] = points[better], now[better]
        if step == STEPS:
            break
        found = scene.gradients(fed, rows, seen.path, fed, upstream)
        parts = [sum(found[m] for m in (n, *net.twins[n])) for n in net.inputs]
        slopes = np.concatenate([np.reshape(p, (len(points), -1)) for p in parts], axis=1)
        slopes = np.nan_to_num(slopes.astype(np.float64), posinf=0.0, neginf=0.0)
        lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
        pace = radius * (0.02 + 0.5 * (1 - step / STEPS))
        points += np.divide(slopes, lengths, out=slopes, where=lengths > 0) * pace
    start = np.argmax(reached.reshape(2, count), axis=0)
    chosen = start * count + np.arange(count)
    return kept[chosen], np.where(np.isfinite(reached), reached, np.nan)[chosen]


def _weights(
    scene: Scene, net: Network, seen: RowNode, numbers: Array, width: int
) -> tuple[Array, str, bool]:
    """The weights into each unit, where one matrix alone stands between the features and the layer;
    further on a product of matrices would not be what the unit sees."""
    matrices = sorted(net.matrices(seen.path))
    if len(matrices) != 1:
        return np.zeros(0), "", False
    value, name = net.value(scene, matrices[0])
    if value is None:
        return np.zeros(0), "", False
    value = value.astype(np.float64)
    if value.ndim == 2 and value.shape == (net.width, seen.size) and len(net.inputs) == 1:
        shape = row_pictures.input_shape(scene, net)
        flat = value.T[numbers]
    elif value.ndim in (3, 4) and seen.shape and len(value) == seen.shape[0]:
        shape, flat = value.shape[1:], value[numbers].reshape(len(numbers), -1)
    else:
        return np.zeros(0), "", False
    is_picture = bool(row_pictures.picture_shape(shape, width))
    return row_pictures.pictures(flat, shape, width), name, is_picture


def _histograms(values: Array) -> tuple[Array, Array]:
    """The bins that all units share, and how many rows each has in them, units × bins."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    columns = [column[np.isfinite(column)] for column in values.T]
    return edges, np.stack([np.histogram(column, edges)[0] for column in columns])
