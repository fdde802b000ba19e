"""The loss over a plane through parameter space, coarse first, and the way of training on it.

A plane (`planes`) stays what it was while training moves on, so that the way is seen on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.probes.planes import Plane, make_plane
from engine.train.scene import Scene

LEVELS = (7, 13, 25, 49, 97)
"""Points a side; each level has the points of the one before among its own."""
SIDE = LEVELS[-1]
FIELD = 13
"""Points a side where the gradient is asked for."""
ROWS = 512
"""So many rows at most the loss is taken over."""
SECONDS = 0.12
"""How long one answer takes, so that the other panels' questions are not held up."""

Bounds = tuple[float, float, float, float]
"""Left, right, bottom and top."""


@dataclass(frozen=True)
class Part:
    """What is known of a plane's losses: those of the points `first`, `first` + 1, ... of `order()`.

    `plane` comes with the answer to a question that asked for a new one. `slopes` (points × 2) are
    the gradient along the axes at `field_places()`, when asked for. `rows` of `all_rows` training rows
    were used. `unknown` tells that the key names no plane any more.
    """

    key: str
    plane: Plane | None = None
    bounds: Bounds = (0.0, 0.0, 0.0, 0.0)
    first: int = 0
    losses: Array = field(default_factory=lambda: np.zeros(0))
    slopes: Array = field(default_factory=lambda: np.zeros((0, 2)))
    rows: int = 0
    all_rows: int = 0
    seconds: float = 0.0
    unknown: bool = False


# -------------------------------------------------------------------- the points


@cache
def order() -> Array:
    """Rows and columns of the grid's points, coarse levels first; row 0 is at the bottom."""
    taken = np.zeros((SIDE, SIDE), bool)
    found = []
    for level in LEVELS:
        stride = (SIDE - 1) // (level - 1)
        wanted = np.zeros_like(taken)
        wanted[::stride, ::stride] = True
        found.append(np.argwhere(wanted & ~taken))
        taken |= wanted
    return np.concatenate(found)


class Grid:
    """The losses that are known of a square of points, and the finest level that is complete."""

    def __init__(self) -> None:
        self.count = 0
        self._values = np.full((SIDE, SIDE), np.nan)

    def take(self, first: int, losses: Array) -> None:
        """Those of the points from `first` on; what is known already or does not follow is passed over."""
        if first == self.count:
            places = order()[first : first + len(losses)]
            self._values[places[:, 0], places[:, 1]] = losses
            self.count += len(losses)

    @property
    def level(self) -> int:
        """Points a side; 0 before the coarsest level is complete."""
        return max((n for n in LEVELS if n * n <= self.count), default=0)

    def losses(self) -> Array:
        """The finest complete level, rows from the bottom to the top."""
        stride = (SIDE - 1) // (self.level - 1) if self.level else SIDE
        return self._values[::stride, ::stride] if self.level else np.zeros((0, 0))


def places(bounds: Bounds, side: int = SIDE) -> tuple[Array, Array]:
    """The coordinates of the columns and of the rows of a grid."""
    left, right, bottom, top = bounds
    return np.linspace(left, right, side), np.linspace(bottom, top, side)


# -------------------------------------------------------------------- losses

_known: dict[str, Plane] = {}
"""The planes that were asked about last in this process, so that they need not be sent anew."""
MAX_KNOWN = 4


def surface(
    scene: Scene,
    key: str = "",
    make: Mapping[str, Any] | None = None,
    plane: Plane | None = None,
    bounds: Bounds | None = None,
    first: int = 0,
    slopes: bool = False,
    rows: int = ROWS,
    seconds: float = SECONDS,
) -> Part:
    """Losses over a plane, from the point `first` of `order()` on, as many as `seconds` allow.

    `make` asks for a new plane under the key (`make_plane`) instead. A `plane` that was made before is
    sent once; the process remembers it by its key. With `slopes` the gradient at the coarse places
    comes instead. Losses that are not finite are NaN. Raises ValueError with a sentence.
    """
    used = scene.rows(limit=max(rows, 1))
    counts = len(used), len(scene.rows())
    if make is not None:
        made = make_plane(scene, key, make, used)
        _remember(made)
        return Part(key, made, rows=counts[0], all_rows=counts[1])
    if plane is not None:
        _remember(plane)
    known = _known.get(key)
    if known is None:
        return Part(key, unknown=True)
    if (
        bounds is None
        or not np.isfinite(bounds).all()
        or bounds[0] >= bounds[1]
        or bounds[2] >= bounds[3]
    ):
        raise ValueError("the range has no width; choose another one")
    begun = time.perf_counter()
    if slopes:
        found = gradient_field(scene, known, bounds, used)
        return Part(
            key, None, bounds, slopes=found, rows=counts[0], all_rows=counts[1],
            seconds=time.perf_counter() - begun,
        )  # fmt: skip
    columns, lines = places(bounds)
    losses: list[float] = []
    points = [(float(columns[c]), float(lines[r])) for r, c in order()[max(first, 0) :]]
    for loss in losses_at(scene, known, points, used):
        losses.append(loss)
        if time.perf_counter() - begun > seconds:
            break
    return Part(
        key, None, bounds, first, np.array(losses), rows=counts[0], all_rows=counts[1],
        seconds=time.perf_counter() - begun,
    )  # fmt: skip


def losses_at(
    scene: Scene, plane: Plane, points: Sequence[tuple[float, float]], rows: Array
) -> Iterator[float]:
    """The loss at each place of the plane on these rows; NaN where it is not finite."""
    moving = plane.moving
    base = {**plane.others, **plane.at(0.0, 0.0)}
    moments = ({n: at[n] for n in moving} for at in (plane.at(a, b) for a, b in points))
    return scene.losses(base, moments, rows)


def gradient_field(scene: Scene, plane: Plane, bounds: Bounds, rows: Array) -> Array:
    """The loss's derivatives along both axes at a coarse grid of places (FIELD² × 2), row by row
    from the bottom."""
    columns, lines = places(bounds, FIELD)
    kept, moving = scene.parameters, plane.moving
    shapes = dict(zip(plane.names, plane.shapes, strict=True))
    found = []
    try:
        for b in lines.tolist():
            for a in columns.tolist():
                scene.parameters = {**kept, **plane.others, **scene.typed(plane.at(a, b))}
                gradients = scene.gradients(moving, rows)
                every = {n: gradients.get(n, np.zeros(shapes[n])) for n in plane.names}
                vector = plane.flat(every)
                found.append((vector @ plane.across, vector @ plane.up))
    finally:
        scene.parameters = kept
    return np.array(found)


def _remember(plane: Plane) -> None:
    _known.pop(plane.key, None)
    _known[plane.key] = plane
    while len(_known) > MAX_KNOWN:
        _known.pop(next(iter(_known)))
