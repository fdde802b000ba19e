"""A layer's values as a plane: two units of it, or the two directions in which they differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ops.row import Array
from engine.probes import row_pictures, rowwise
from engine.probes.rowwise import Network, RowNode
from engine.train.scene import Scene

ROWS = 600
WIDEST = 4096
PRINCIPAL = -1


@dataclass(frozen=True)
class Latent:
    """`places` are the rows × 2 in the plane, `classes` what colours them (-1 for none) and
    `class_names`. `axes` are the units that run across and up, (-1, -1) for principal directions, of
    which `shares` says how much of the variance each has. A layer of one unit stands over row numbers.

    `extent` is left, right, bottom, top of the plane, the points' reach and a little more. `sheet` are the
    output's pictures of a grid of its points (down from the top × across × a picture), where `decodes`
    says that there are any and they are asked for.
    `shown` is a row, or what the `output` makes of the point asked for: as a picture, else as numbers.
    """

    rows: Array
    places: Array
    held: Array
    classes: Array
    class_names: tuple[str, ...]
    axes: tuple[int, int]
    shares: tuple[float, float]
    size: int
    nodes: tuple[tuple[str, str, int], ...]
    node: str
    name: str
    output: str
    shown: Array
    shown_is_picture: bool
    said: str
    extent: tuple[float, float, float, float]
    decodes: bool
    sheet: Array


def latent(
    scene: Scene,
    node: str = "",
    first: int = PRINCIPAL,
    second: int = PRINCIPAL,
    limit: int = ROWS,
    of_row: int = -1,
    at: tuple[float, float] | None = None,
    width: int = 0,
    sheet: tuple[int, int] = (0, 0),
    extent: tuple[float, float, float, float] | None = None,
) -> Latent:
    """Rows of both parts as points. `of_row` asks for that row's picture, `at` for what the network makes
    of a point of the plane, `sheet` for so many pictures across and down; `extent` keeps the plane's.

    Raises ValueError where there is no layer between data and output.
    """
    net = rowwise.network(scene)
    rowwise.whole("the number of rows", limit, 1, 5000)
    rowwise.whole("the width of a picture", width, 0, 10_000)
    for name, given, count in (("a point", at, 2), ("what is seen", extent, 4)):
        if given is not None and (len(given) != count or not np.isfinite(given).all()):
            raise ValueError(f"{name} is {count} numbers, not {given!r}")
    limit = net.bounded(limit)
    across, down = (rowwise.whole("the number of pictures in a line", n, 0, 24) for n in sheet)
    seen = net.node(node, narrowest(net))
    if seen.size > WIDEST:
        raise ValueError(
            f"{seen.name} has {seen.size:,} numbers a row; a plane is made of {WIDEST:,}"
        )
    train, held = scene.rows(), scene.rows("validation")
    share = min(1.0, limit / max(len(train) + len(held), 1))
    drawn = [
        scene.rows(limit=max(int(len(train) * share), 1)),
        scene.rows("validation", int(len(held) * share)),
    ]
    rows = np.concatenate(drawn)
    values = scene.values([seen.path], rows)[seen.path].reshape(len(rows), -1).astype(np.float64)
    plane = _plane(values, first, second)
    found = rowwise.labels(scene, net, rows)
    shown, is_picture, said = np.zeros(0), False, ""
    output = net.nodes[net.prediction]
    if at is not None and seen.path != output.path:
        shown, is_picture = _decoded(scene, net, seen, plane.point(at), width)
        said = "point"
    elif of_row in rows:
        shown, is_picture = _row(scene, net, np.array([of_row]), width)
        said = "data"
    places = plane.places(values)
    reach = extent or _reach(places)
    pictures = np.zeros(0)
    decodes = seen.path != output.path and bool(
        row_pictures.picture_shape(row_pictures.row_shape(scene, output), width)
    )
    if 0 < across * down <= net.bounded(across * down) and decodes and seen.size > 1:
        pictures = _sheet(scene, net, seen, plane, reach, (across, down), width)
    return Latent(
        rows, places, np.repeat([False, True], [len(part) for part in drawn]),
        found[0] if found else np.full(len(rows), -1), found[1].names if found else (), plane.axes,
        plane.shares, seen.size, net.choices(net.offered), seen.path,
        seen.name, output.name if seen.path != output.path else "", shown, is_picture, said,
        reach, decodes, pictures,
    )  # fmt: skip


def narrowest(net: Network) -> str:
    """The last of the narrowest layers, of those with two units or more when there are such."""
    hidden = [net.nodes[p] for p in net.layers or net.hidden]
    wide = [n for n in hidden if n.size > 1] or hidden
    if not wide:
        return net.prediction
    least = min(n.size for n in wide)
    return [n for n in wide if n.size == least][-1].path


@dataclass(frozen=True)
class Plane:
    """A plane in a layer's space: a `mean` and two `directions` (2 × units), or two units."""

    mean: Array
    directions: Array
    axes: tuple[int, int]
    shares: tuple[float, float]

    def places(self, values: Array) -> Array:
        """Rows × units to rows × 2."""
        if self.axes[0] >= 0:
            if len(self.mean) == 1:
                return np.stack([values[:, 0], np.arange(len(values), dtype=np.float64)], axis=1)
            return values[:, list(self.axes)]
        found: Array = (values - self.mean) @ self.directions.T
        return found

    def point(self, at: tuple[float, float]) -> Array:
        """The units of a point of the plane; what the plane does not say is at its mean."""
        if self.axes[0] < 0:
            found: Array = self.mean + np.asarray(at) @ self.directions
            return found
        units = self.mean.copy()
        for axis, number in zip(self.axes, at, strict=True):
            if axis >= 0:
                units[axis] = number
        return units


def _plane(values: Array, first: int, second: int) -> Plane:
    size = values.shape[1]
    good = values[np.isfinite(values).all(axis=1)]
    mean = good.mean(axis=0) if len(good) else np.zeros(size)
    none = np.zeros((2, size))
    if size == 1:
        return Plane(mean, none, (0, -1), (1.0, 0.0))
    wanted = [min(rowwise.whole("a unit", n, PRINCIPAL, 10**9), size - 1) for n in (first, second)]
    if size == 2:
        wanted = [0, 1] if min(wanted) < 0 else wanted
    if min(wanted) >= 0:
        if wanted[0] == wanted[1]:
            wanted[1] = (wanted[0] + 1) % size
        return Plane(mean, none, (wanted[0], wanted[1]), (0.0, 0.0))
    directions, shares = principal(good - mean)
    return Plane(mean, directions, (PRINCIPAL, PRINCIPAL), shares)


def principal(centred: Array) -> tuple[Array, tuple[float, float]]:
    """The two directions (2 × units) of the largest variance, and the share that each has.

    The entry of a direction that is farthest from 0 is positive, so that it does not flip about.
    (Pearson, On lines and planes of closest fit, 1901; by the smaller of the two Gram matrices.)
    """
    rows, size = centred.shape
    if not rows:
        return np.eye(2, size), (0.0, 0.0)
    if size <= rows:
        weights, vectors = np.linalg.eigh(centred.T @ centred)
        found = vectors[:, :-3:-1].T
    else:
        weights, vectors = np.linalg.eigh(centred @ centred.T)
        found = vectors[:, :-3:-1].T @ centred
        if len(found) < 2:
            found = np.concatenate([found, np.zeros((2 - len(found), size))])
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        found = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    found = found * np.where(largest < 0, -1, 1)
    total = float(weights.clip(0).sum()) or 1.0
    tops = [float(w) / total for w in weights.clip(0)[::-1][:2]] + [0.0]
    return found, (tops[0], tops[1])


def _reach(places: Array) -> tuple[float, float, float, float]:
    ends: list[float] = []
    for column in places.T:
        good = column[np.isfinite(column)]
        low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)
        margin = 0.06 * (high - low) or 0.5
        ends += [low - margin, high + margin]
    return ends[0], ends[1], ends[2], ends[3]


def _sheet(
    scene: Scene, net: Network, seen: RowNode, plane: Plane,
    reach: tuple[float, float, float, float], counts: tuple[int, int], width: int,
) -> Array:  # fmt: skip
    """The output's pictures of the middles of so many parts of the plane across and down."""
    right, below = ((np.arange(count) + 0.5) / count for count in counts)
    across = reach[0] + right * (reach[1] - reach[0])
    down = reach[3] - below * (reach[3] - reach[2])
    units = np.stack([plane.point((x, y)) for y in down for x in across])
    output = net.nodes[net.prediction]
    values = _output(scene, output, seen, units).astype(np.float64)
    made = row_pictures.pictures(values, row_pictures.row_shape(scene, output), width)
    return made.reshape(counts[1], counts[0], *made.shape[1:])


def _output(scene: Scene, output: RowNode, seen: RowNode, units: Array) -> Array:
    """The output's rows when the layer has these units, rows × units."""
    fed = units.reshape(len(units), *seen.shape).astype(scene.graph.dtype)
    rows = np.resize(scene.rows(), len(units))
    return scene.values([output.path], rows, {seen.path: fed})[output.path]


def _decoded(
    scene: Scene, net: Network, seen: RowNode, units: Array, width: int
) -> tuple[Array, bool]:
    """What the output is when the layer has these units."""
    output = net.nodes[net.prediction]
    values = _output(scene, output, seen, units[None])
    return _picture(values, row_pictures.row_shape(scene, output), width)


def _row(scene: Scene, net: Network, rows: Array, width: int) -> tuple[Array, bool]:
    """The features of a row."""
    return _picture(rowwise.features(scene, net, rows), row_pictures.input_shape(scene, net), width)


def _picture(values: Array, shape: tuple[int, ...], width: int) -> tuple[Array, bool]:
    is_picture = bool(row_pictures.picture_shape(shape, width))
    return row_pictures.pictures(values.astype(np.float64), shape, width)[0], is_picture
