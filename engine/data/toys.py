"""Points in the plane that small networks learn: the sets of TensorFlow Playground, and two moons.

Shapes, ranges and what noise does are those of the Playground's generators (Smilkov and Carter,
A Neural Network Playground, 2016); the random numbers are ours, by seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.data.record import NO_TENSORS, DataError, Option, Table, Tensors, settings
from engine.initializers import generator
from engine.ops.row import Array
from engine.recipe import Source

_PURPOSE = 4
"""What is drawn here; see `engine.initializers`."""

Draw = Callable[[np.random.Generator, int, float], tuple[Array, Array]]
"""Points (count × 2) and labels: -1 and 1 of classes, or the quantity."""


def _halves(count: int) -> tuple[int, int]:
    return count - count // 2, count // 2


def _labels(count: int) -> Array:
    first, second = _halves(count)
    return np.repeat([1.0, -1.0], [first, second])


def gaussians(random: np.random.Generator, count: int, noise: float) -> tuple[Array, Array]:
    """Two clouds around (2, 2) and (-2, -2); the variance grows from 0.5 to 4 at noise 0.5."""
    labels = _labels(count)
    deviation = math.sqrt(0.5 + 7 * noise)
    return 2 * labels[:, None] + deviation * random.standard_normal((count, 2)), labels


def circle(random: np.random.Generator, count: int, noise: float) -> tuple[Array, Array]:
    """A disc of radius 2.5 in a ring from 3.5 to 5; noise moves the place a label is read at."""
    inner, outer = _halves(count)
    radius = np.concatenate([random.uniform(0, 2.5, inner), random.uniform(3.5, 5, outer)])
    angle = random.uniform(0, 2 * math.pi, count)
    points = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    seen = points + random.uniform(-5, 5, (count, 2)) * noise
    return points, np.where(np.hypot(*seen.T) < 2.5, 1.0, -1.0)


def xor(random: np.random.Generator, count: int, noise: float) -> tuple[Array, Array]:
    """Four squares around an empty cross; opposite ones are alike."""
    points = random.uniform(-5, 5, (count, 2))
    points += np.where(points > 0, 0.3, -0.3)
    seen = points + random.uniform(-5, 5, (count, 2)) * noise
    return points, np.where(seen[:, 0] * seen[:, 1] >= 0, 1.0, -1.0)


def spiral(random: np.random.Generator, count: int, noise: float) -> tuple[Array, Array]:
    """Two arms that turn one and three quarters of the way round, out to radius 5."""
    places = [np.arange(n) / n for n in _halves(count) if n]
    along = np.concatenate(places)
    labels = _labels(count)
    angle = 1.75 * 2 * math.pi * along + np.where(labels > 0, 0, math.pi)
    points = 5 * along[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return points + random.uniform(-1, 1, (count, 2)) * noise, labels


def moons(random: np.random.Generator, count: int, noise: float) -> tuple[Array, Array]:
    """Two half circles that reach into each other, with normal noise in units of their radius."""
    labels = _labels(count)
    angle = math.pi * np.concatenate([np.linspace(0, 1, n) for n in _halves(count)])
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    points = np.where(labels[:, None] > 0, upper, lower) - [0.5, 0.25]
    return 3 * (points + noise * random.standard_normal((count, 2))), labels


def plane(random: np.random.Generator, count: int, noise: float) -> tuple[Array, Array]:
    """A quantity that rises along x1 + x2: a tenth of it; noise moves the place it is read at."""
    points = random.uniform(-6, 6, (count, 2))
    seen = points + random.uniform(-6, 6, (count, 2)) * noise
    return points, seen.sum(axis=1) / 10


_HILLS = np.array(
    [[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]]
)


def hills(random: np.random.Generator, count: int, noise: float) -> tuple[Array, Array]:
    """Six hills and dales of radius 2: the quantity is the largest of them at a place."""
    points = random.uniform(-6, 6, (count, 2))
    seen = points + random.uniform(-6, 6, (count, 2)) * noise
    far = np.hypot(seen[:, :1] - _HILLS[:, 0], seen[:, 1:] - _HILLS[:, 1])
    heights = _HILLS[:, 2] * np.clip(1 - far / 2, 0, 1)
    return points, heights[np.arange(count), np.abs(heights).argmax(axis=1)]


SHAPES: dict[str, Draw] = {
    "gaussians": gaussians, "circle": circle, "xor": xor, "spiral": spiral, "moons": moons,
    "plane": plane, "gauss": hills,
}  # fmt: skip
QUANTITIES = ("plane", "gauss")
"""Shapes whose target is a quantity and no class."""
CLASSES = ("negative", "positive")

OPTIONS = (
    Option("count", 500, "How many points.", 2, 1_000_000, True),
    Option("noise", 0.0, "How far points or labels are moved; the Playground's 50 is 0.5.", 0, 1),
    Option("seed", 0, "Draws the points.", 0, 2**53, True),
    Option(
        "labels", "classes", "The target of two classes: their numbers, or a column of numbers.",
        choices=("classes", "0 and 1", "-1 and 1"),
    ),
)  # fmt: skip


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """The points of the shape that `path` names. Raises DataError."""
    options = settings(OPTIONS, source)
    name = source.path or "gaussians"
    if name not in SHAPES:
        raise DataError(f"there are no points called {name!r}; choose {', '.join(SHAPES)}")
    random = generator(options["seed"], _PURPOSE, list(SHAPES).index(name))
    points, labels = SHAPES[name](random, options["count"], options["noise"])
    classes: tuple[str, ...] = ()
    y = labels[:, None]
    if name not in QUANTITIES:
        if options["labels"] == "classes":
            y, classes = (labels > 0).astype(np.int64), CLASSES
        elif options["labels"] == "0 and 1":
            y = (y + 1) / 2
    for array in (points, y):
        array.setflags(write=False)
    return Table({"x": points, "y": y}, ("x1", "x2"), classes, "label")
