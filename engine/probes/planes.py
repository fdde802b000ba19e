"""Planes through parameter space: of two chosen entries, of random and of principal directions.

Random directions have the norms of the network's own filters (Li et al., Visualizing the Loss
Landscape of Neural Nets, 2018); principal ones are those of a trajectory (Lorch, Visualizing Deep
Network Training Trajectories with PCA, 2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.expansion import Expansion
from engine.ops.row import Array
from engine.train.scene import Scene, above_loss

MAX_ENTRIES = 4_000_000
"""So many numbers at most a plane goes through the space of."""

Entry = tuple[str, tuple[int, ...]]
"""A node, by id or path, and the index of one of its numbers."""


@dataclass(frozen=True)
class Plane:
    """The points `centre + a * across + b * up` of parameter space.

    The three are flat float64 vectors of the numbers of `names`, one node after another; `others` are
    what moves besides (running statistics), held as it was. `titles` name the axes of chosen entries;
    `shares` say how much of a trajectory's variance lies along principal ones.
    """

    key: str
    kind: str
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    centre: Array = field(repr=False)
    across: Array = field(repr=False)
    up: Array = field(repr=False)
    others: Mapping[str, Array] = field(default_factory=dict, repr=False)
    titles: tuple[str, str] = ("", "")
    shares: tuple[float, float] = (0.0, 0.0)

    def flat(self, values: Mapping[str, Array]) -> Array:
        """Values of all the names as one vector. Raises ValueError where one is missing or differs."""
        for name, shape in zip(self.names, self.shapes, strict=True):
            if name not in values or np.shape(values[name]) != shape:
                raise ValueError("the plane is of other parameters; choose a new one")
        return _flat(values, self.names)

    def at(self, a: float, b: float) -> dict[str, Array]:
        """The values of every name at a place of the plane, float64."""
        return self._shaped(self.centre + a * self.across + b * self.up)

    def _shaped(self, vector: Array) -> dict[str, Array]:
        ends = np.cumsum([int(np.prod(s)) for s in self.shapes])
        parts = np.split(vector, ends[:-1])
        return {n: p.reshape(s) for n, s, p in zip(self.names, self.shapes, parts, strict=True)}

    def project(self, vectors: Array) -> tuple[Array, Array]:
        """The nearest places of the plane to vectors (m × n): places (m × 2), distances from it (m)."""
        basis = np.stack([self.across, self.up])
        away = vectors - self.centre
        places = np.linalg.solve(basis @ basis.T, basis @ away.T).T
        return places, np.linalg.norm(away - places @ basis, axis=1)

    def outside(self, first: Array, last: Array) -> float:
        """How much of the way between two vectors is not seen on the plane, as a share of it."""
        way = (last - first)[None]
        length = float(np.linalg.norm(way))
        return float(self.project(way + self.centre)[1][0]) / length if length > 0 else 0.0

    def moved(self, place: tuple[float, float], now: Mapping[str, Array]) -> dict[str, Array]:
        """The values at a place, of the names that differ between places; chosen entries are put
        into `now`, where the others stay as they are there."""
        found = self.at(*place)
        if self.kind == "chosen":
            rest = self.flat(now) * (1 - self.across - self.up)
            found = self._shaped(rest + place[0] * self.across + place[1] * self.up)
        return {n: found[n] for n in self.moving}

    @property
    def moving(self) -> tuple[str, ...]:
        """The names whose values differ between places."""
        across, up = self._shaped(self.across), self._shaped(self.up)
        return tuple(n for n in self.names if across[n].any() or up[n].any())


def make_plane(scene: Scene, key: str, make: Mapping[str, Any], rows: Array) -> Plane:
    """The plane that `make` describes, at the scene's moment.

    {"kind": "chosen", "entries": two entries}, {"kind": "random", "seed": n} or {"kind": "principal",
    "moments": parameters of each moment, "seed": n}. Raises ValueError with a sentence.
    """
    kind = make.get("kind")
    if kind == "chosen":
        return chosen_plane(scene, make["entries"], key)
    if kind == "random":
        return random_plane(scene, int(make.get("seed", 0)), key, rows)
    if kind == "principal":
        return principal_plane(scene, make.get("moments", ()), int(make.get("seed", 0)), key)
    raise ValueError(f"there is no plane of the kind {kind!r}; choose chosen, random or principal")


def chosen_plane(scene: Scene, entries: Sequence[Entry], key: str) -> Plane:
    """The plane of two entries; its coordinates are their values, all else is as it is now."""
    (one, first), (two, second) = entries
    names, values = _now(scene, (one, two))
    graph, directions, titles = scene.graph, [], []
    for name, index in ((one, first), (two, second)):
        zeros = {n: np.zeros(v.shape) for n, v in values.items()}
        shape = values[name].shape
        inside = len(index) == len(shape) and all(
            0 <= i < n for i, n in zip(index, shape, strict=True)
        )
        called = graph.name(name) if name in graph.nodes else name
        place = f"[{', '.join(map(str, index))}]" if index else ""
        if not inside:
            raise ValueError(f"{called} has no entry {place or '()'}; its shape is {shape}")
        zeros[name][index] = 1.0
        directions.append(_flat(zeros, names))
        titles.append(called + place)
    if (directions[0] == directions[1]).all():
        raise ValueError("a plane needs two different entries; choose another one for one axis")
    centre = _flat(values, names) * (1 - directions[0] - directions[1])
    return _plane(
        scene, key, "chosen", names, values, (centre, *directions), (titles[0], titles[1])
    )


def random_plane(scene: Scene, seed: int, key: str, rows: Array) -> Plane:
    """Two random directions through where the parameters are, each filter's part as long as the
    filter (Li et al. 2018); as long as all parameters together where filters leave one direction only."""
    names, values = _now(scene)
    centre = _flat(values, names)
    if len(centre) < 2:
        raise ValueError("there is one number to train; a plane needs two")
    filters = _filter_axes(scene.loss_expansion(rows), values)
    draw = np.random.default_rng(seed)
    for axes in (filters, {}):  # filters of one weight each may leave no second direction
        across = filter_normalized(draw, values, axes)
        for _ in range(64):
            up = filter_normalized(draw, values, axes)
            if abs(across @ up) < 0.5 * np.linalg.norm(across) * np.linalg.norm(up):
                return _plane(scene, key, "random", names, values, (centre, across, up))
    raise ValueError("no two directions that differ were found; draw others")


def principal_plane(
    scene: Scene, moments: Sequence[Mapping[str, Array]], seed: int, key: str
) -> Plane:
    """The two directions along which a trajectory spreads most, through its last moment."""
    names, values = _now(scene)
    if len(moments) < 2:
        raise ValueError("principal directions need a trajectory; train a few steps first")
    if any(np.shape(m.get(n, 0)) != values[n].shape for m in moments for n in names if n in m):
        raise ValueError("the trajectory is of other parameters; train a few steps first")
    vectors = np.stack([_flat({**values, **m}, names) for m in moments])
    directions, shares = principal_directions(vectors, seed)
    last = {**values, **{n: moments[-1][n] for n in names if n in moments[-1]}}
    spanned = (_flat(last, names), directions[0], directions[1])
    return _plane(scene, key, "principal", names, last, spanned, shares=shares)


def principal_directions(vectors: Array, seed: int = 0) -> tuple[Array, tuple[float, float]]:
    """The first two right singular vectors of the vectors (m × n) around their mean, the largest
    entry of each positive, and the share of the variance along each.

    On a straight line the second is a random one across it. Raises ValueError when nothing moved.
    """
    away = vectors - vectors.mean(axis=0)
    many = len(away) > away.shape[1]
    squares, found = np.linalg.eigh(away.T @ away if many else away @ away.T)
    total = float(squares.sum())
    if not total > 0 or not np.isfinite(total):
        raise ValueError("the parameters have not moved yet; train a few steps first")
    if away.shape[1] < 2:
        raise ValueError("there is one number to train; a plane needs two")
    first = found[:, -1] if many else away.T @ found[:, -1]
    first = first / np.linalg.norm(first)
    share = float(squares[-2]) / total if len(squares) > 1 else 0.0
    if share > 1e-12:
        second = found[:, -2] if many else away.T @ found[:, -2]
    else:
        share, second = 0.0, np.random.default_rng(seed).standard_normal(len(first))
    second = second - first * (first @ second)
    second /= np.linalg.norm(second)
    signed = [d * np.sign(d[np.argmax(np.abs(d))]) for d in (first, second)]
    return np.stack(signed), (float(squares[-1]) / total, share)


def filter_normalized(
    draw: np.random.Generator, values: Mapping[str, Array], axes: Mapping[str, int]
) -> Array:
    """A random direction: of each parameter with `axes`, what it has along that axis (a filter, a
    neuron's weights) is as long as the parameter's own; the others (biases) are left as they are.

    Without any, the whole is one filter. What is 0 throughout gives the direction length 1.
    """
    parts = []
    for name, value in values.items():
        part = draw.standard_normal(value.shape)
        if name in axes:
            along = tuple(i for i in range(value.ndim) if i != axes[name])
            own = np.sqrt((value.astype(np.float64) ** 2).sum(axis=along, keepdims=True))
            part *= own / np.sqrt((part**2).sum(axis=along, keepdims=True))
        elif axes:
            part[...] = 0.0
        parts.append(part.reshape(-1))
    direction: Array = np.concatenate(parts)
    length = float(np.linalg.norm(direction))
    if not axes:
        own_length = float(np.linalg.norm(_flat(values, tuple(values))))
        return direction / length * (own_length or 1.0)
    if length > 0:
        return direction
    return filter_normalized(draw, {n: np.zeros_like(v) for n, v in values.items()}, {})


def _filter_axes(expansion: Expansion, values: Mapping[str, Array]) -> dict[str, int]:
    """The axis of each weight along which its filters stand: the columns of `x @ W`, the rows of
    `W @ x`, the first axis of weights that are slid over pictures."""
    axes = {n: 1 if v.ndim == 2 else 0 for n, v in values.items() if v.ndim > 1}
    for flat in expansion.nodes.values():
        for number, read in enumerate(flat.args):
            if isinstance(read, str) and axes.get(read) is not None and values[read].ndim == 2:
                if flat.op.category == "Linear algebra":
                    axes[read] = min(number, 1)
    return axes


def _now(scene: Scene, more: Sequence[str] = ()) -> tuple[tuple[str, ...], dict[str, Array]]:
    """What training moves, and `more`, with the values of the moment; the inputs of a loss that has
    nothing to train. Raises ValueError."""
    names = tuple(dict.fromkeys((*(scene.trainable or _inputs(scene)), *more)))
    missing = [n for n in names if n not in scene.parameters]
    values = {**scene.parameters, **(scene.values(missing) if missing else {})}
    found = {n: np.asarray(values[n]) for n in names}
    for name, value in found.items():
        called = scene.graph.name(name) if name in scene.graph.nodes else name
        if value.dtype.kind != "f":
            raise ValueError(f"{called} holds whole numbers; a plane needs numbers that move")
        if not np.isfinite(value).all():
            raise ValueError(
                f"{called} is not finite throughout; reset it or give it other numbers"
            )
    if not names:
        raise ValueError("the loss depends on no parameter and no input; wire one in")
    entries = sum(v.size for v in found.values())
    if entries > MAX_ENTRIES:
        raise ValueError(
            f"{entries:,} numbers are trained; planes are drawn for {MAX_ENTRIES:,} at most"
        )
    return names, found


def _inputs(scene: Scene) -> list[str]:
    """The inputs with float values that the loss depends on."""
    above = above_loss(scene.graph)
    found = [n for n in scene.graph.of_op("input") if n in above]
    return [n for n in found if np.asarray(scene.graph.tensors.get(n)).dtype.kind == "f"]


def _plane(
    scene: Scene,
    key: str,
    kind: str,
    names: tuple[str, ...],
    values: Mapping[str, Array],
    spanned: tuple[Array, Array, Array],
    titles: tuple[str, str] = ("", ""),
    shares: tuple[float, float] = (0.0, 0.0),
) -> Plane:
    others = {n: v for n, v in scene.parameters.items() if n not in values}
    shapes = tuple(values[n].shape for n in names)
    return Plane(key, kind, names, shapes, *spanned, others, titles, shares)


def _flat(values: Mapping[str, Array], names: Sequence[str]) -> Array:
    return np.concatenate([np.asarray(values[n], np.float64).reshape(-1) for n in names])
