"""Small pictures made by seed: outlines, textures, and digits on a ground; a class each."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.data import shipped
from engine.data.record import (
    ARRANGE,
    NO_TENSORS,
    DataError,
    Option,
    Table,
    Tensors,
    arranged,
    settings,
)
from engine.initializers import generator
from engine.ops.row import Array
from engine.recipe import Source

_PURPOSE = 6
_PART = 512

OPTIONS = (
    Option("count", 1000, "How many pictures.", 2, 100_000, True),
    Option("noise", 0.05, "The deviation of the grey that is added to each pixel.", 0, 1),
    Option("side", 32, "The side of a picture.", 16, 128, True),
    Option("seed", 0, "Draws the pictures.", 0, 2**53, True),
    ARRANGE,
)

Grid = tuple[Array, Array]
"""Coordinates of pixels from -1 to 1, down and across, size × size."""


def _inside(distance: Array, size: int) -> Array:
    """Grey from a signed distance to an edge: soft over one pixel."""
    shade: Array = np.clip(0.5 - distance * size / 4, 0, 1)
    return shade


def _turned(random: np.random.Generator, grid: Grid, count: int) -> tuple[Array, Array, Array]:
    """Coordinates about random middles, turned by random angles, and random radii."""
    radius = random.uniform(0.35, 0.7, (count, 1, 1))
    middle = random.uniform(-1, 1, (2, count, 1, 1)) * (0.95 - radius)
    angle = random.uniform(0, 2 * math.pi, (count, 1, 1))
    down, across = grid[0] - middle[0], grid[1] - middle[1]
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * down - sin * across, sin * down + cos * across, radius


def _disc(down: Array, across: Array, radius: Array) -> Array:
    far: Array = np.hypot(down, across) - radius
    return far


def _ring(down: Array, across: Array, radius: Array) -> Array:
    band: Array = np.abs(np.hypot(down, across) - 0.8 * radius) - 0.2 * radius
    return band


def _square(down: Array, across: Array, radius: Array) -> Array:
    edge: Array = np.maximum(np.abs(down), np.abs(across)) - radius / math.sqrt(2)
    return edge


def _triangle(down: Array, across: Array, radius: Array) -> Array:
    slanted = 0.5 * down + math.sqrt(0.75) * np.abs(across)
    edge: Array = np.maximum(-down, slanted) - radius / 2
    return edge


def _cross(down: Array, across: Array, radius: Array) -> Array:
    long, short = np.maximum(np.abs(down), np.abs(across)), np.minimum(np.abs(down), np.abs(across))
    edge: Array = np.maximum(long - radius, short - radius / 4)
    return edge


OUTLINES: dict[str, Callable[[Array, Array, Array], Array]] = {
    "disc": _disc, "ring": _ring, "box": _square, "triangle": _triangle, "plus": _cross,
}  # fmt: skip


def _shapes(random: np.random.Generator, labels: Array, grid: Grid) -> Array:
    made = np.empty((len(labels), *grid[0].shape))
    for label, outline in enumerate(OUTLINES.values()):
        rows = np.flatnonzero(labels == label)
        made[rows] = _inside(outline(*_turned(random, grid, len(rows))), len(grid[0]))
    ground = random.uniform(0, 0.3, (len(labels), 1, 1))
    return ground + (random.uniform(0.6, 1, (len(labels), 1, 1)) - ground) * made


TEXTURES = ("stripes", "checks", "dots", "waves", "grain")


def _textures(random: np.random.Generator, labels: Array, grid: Grid) -> Array:
    count, size = len(labels), len(grid[0])
    angle = random.uniform(0, math.pi, (count, 1, 1))
    rate = random.uniform(2.5, 5, (count, 1, 1)) * math.pi
    phase = random.uniform(0, 2 * math.pi, (2, count, 1, 1))
    along = rate * (np.cos(angle) * grid[0] + np.sin(angle) * grid[1]) + phase[0]
    over = rate * (np.cos(angle) * grid[1] - np.sin(angle) * grid[0]) + phase[1]
    grain = random.uniform(0, 1, (count, size // 2, size // 2))
    fine = np.repeat(np.repeat(grain, 2, 1), 2, 2)
    ground = np.zeros((count, size, size))
    ground[:, : fine.shape[1], : fine.shape[2]] = fine
    made = (
        np.sin(along) > 0,
        np.sin(along) * np.sin(over) > 0,
        np.sin(along) * np.sin(over) > 0.6,
        0.5 + 0.5 * np.sin(along + 1.5 * np.sin(over / 2)),
        ground,
    )
    mixed: Array = np.choose(labels[:, None, None], [np.asarray(m, np.float64) for m in made])
    return np.asarray(0.1 + 0.8 * mixed)


def _enlarged(picture: Array, side: int) -> Array:
    """A picture of 8×8 pixels enlarged to `side`, straight lines between its pixels."""
    at = np.clip((np.arange(side) + 0.5) * 8 / side - 0.5, 0, 7)
    low = np.minimum(at.astype(int), 6)
    part = (at - low)[:, None]
    tall = picture[low] * (1 - part) + picture[low + 1] * part
    whole: Array = tall[:, low] * (1 - part.T) + tall[:, low + 1] * part.T
    return whole


def _written() -> tuple[Array, Array]:
    """The shipped digits as pictures from 0 to 1, and which digit each is."""
    known = shipped.builtin("digits")
    return known.fields["x"].reshape(-1, 8, 8) / 16, known.fields["y"]


def _put(random: np.random.Generator, ground: Array, whole: Array) -> None:
    """Lays a picture somewhere on a larger one; the brighter pixel stays."""
    side, size = len(whole), len(ground)
    top, left = random.integers(0, size - side + 1, 2)
    place = ground[top : top + side, left : left + side]
    place[...] = np.maximum(place, whole)


def _digits(random: np.random.Generator, labels: Array, grid: Grid) -> Array:
    """Hand-written digits, each enlarged and put somewhere on a sloping ground."""
    pictures, of = _written()
    size = len(grid[0])
    slope = random.uniform(-0.1, 0.1, (2, len(labels), 1, 1))
    made: Array = 0.15 + slope[0] * grid[0] + slope[1] * grid[1]
    for row, label in enumerate(labels):
        picture = pictures[random.choice(np.flatnonzero(of == label))]
        side = int(random.integers(max(size // 2, 12), size - 1))
        _put(random, made[row], _enlarged(picture, side))
    return made


def _composed(random: np.random.Generator, labels: Array, grid: Grid) -> Array:
    """An outline and a smaller digit before soft waves; the outline is the class."""
    count, size = len(labels), len(grid[0])
    angle = random.uniform(0, math.pi, (count, 1, 1))
    along = np.cos(angle) * grid[0] + np.sin(angle) * grid[1]
    rate, phase = random.uniform(0.8, 2, (count, 1, 1)), random.uniform(0, 2, (count, 1, 1))
    made: Array = 0.2 + 0.15 * np.sin(math.pi * (rate * along + phase))
    light = random.uniform(0.55, 0.8, (count, 1, 1))
    for label, outline in enumerate(OUTLINES.values()):
        rows = np.flatnonzero(labels == label)
        shade = _inside(outline(*_turned(random, grid, len(rows))), size)
        made[rows] += (light[rows] - made[rows]) * shade
    pictures = _written()[0]
    for row, picture in enumerate(random.integers(0, len(pictures), count)):
        _put(random, made[row], _enlarged(pictures[picture], size // 2))
    return made


Draw = Callable[[np.random.Generator, Array, Grid], Array]
SETS: dict[str, tuple[Draw, tuple[str, ...]]] = {
    "shapes": (_shapes, tuple(OUTLINES)),
    "textures": (_textures, TEXTURES),
    "digits": (_digits, tuple("0123456789")),
    "composed": (_composed, tuple(OUTLINES)),
}


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """Pictures of the set that `path` names, grey from 0 to 1, as many of each class.

    Raises DataError.
    """
    options = settings(OPTIONS, source)
    name = source.path or "shapes"
    if name not in SETS:
        raise DataError(f"there are no pictures called {name!r}; choose {', '.join(SETS)}")
    draw, classes = SETS[name]
    count, size = options["count"], options["side"]
    if count * size * size > 200_000_000:
        raise DataError(
            f"{count:,} pictures of {size}×{size} are too many; make fewer or smaller ones"
        )
    random = generator(options["seed"], _PURPOSE, list(SETS).index(name))
    labels = np.arange(count, dtype=np.int64) % len(classes)
    random.shuffle(labels)
    middle = (np.arange(size) + 0.5) * 2 / size - 1
    down, across = np.meshgrid(middle, middle, indexing="ij")
    pictures = np.empty((count, 1, size, size), np.float32)
    for start in range(0, count, _PART):
        part = draw(random, labels[start : start + _PART], (down, across))
        part = part + options["noise"] * random.standard_normal(part.shape)
        pictures[start : start + _PART, 0] = np.clip(part, 0, 1)
    x = arranged(pictures, options["arrange"])
    for array in (x, labels):
        array.setflags(write=False)
    return Table({"x": x, "y": labels}, (), classes, "picture", (), {}, (1, size, size))
