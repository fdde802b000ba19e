"""Starts of parameters, drawn by seed and key.

Every start is a function of (seed, key) and of nothing else, through a counter-based generator
(Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011): a run can be repeated bit by bit,
and a new node changes nobody else's start.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.shapes import Shape, ShapeError, shape_text

_START = 3
"""The purpose of a start, beside those of splitting and shuffling data."""


def generator(seed: int, purpose: int, number: int = 0) -> np.random.Generator:
    """Philox keyed by a seed, a purpose and a number (an epoch, a node; below 2**48)."""
    key = np.array([seed % 2**64, (purpose << 48) + number], np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


@dataclass(frozen=True)
class Initializer:
    """A way to draw a start: `draw(random, shape)` gives it in float64, at scale 1."""

    name: str
    doc: str
    draw: Callable[[np.random.Generator, Shape], NDArray[Any]]


def fans(shape: Shape) -> tuple[int, int]:
    """How many numbers go into and out of each entry's sum, at least 1.

    Of a matrix in `x @ W` the rows are in and the columns out; a convolution's weights are
    (out, in, sizes...), each of the two times the size of a window. A vector has 1 in.
    """
    if len(shape) > 2:
        window = math.prod(shape[2:])
        return max(shape[1] * window, 1), max(shape[0] * window, 1)
    fan_in = shape[0] if len(shape) > 1 else 1
    return max(fan_in, 1), max(shape[-1], 1) if shape else 1


def _normal(deviation: Callable[[int, int], float]) -> Any:
    return lambda random, shape: random.standard_normal(shape) * deviation(*fans(shape))


def _uniform(limit: Callable[[int, int], float]) -> Any:
    def draw(random: np.random.Generator, shape: Shape) -> Any:
        bound = limit(*fans(shape))
        return random.uniform(-bound, bound, shape)

    return draw


def _orthogonal(random: np.random.Generator, shape: Shape) -> NDArray[Any]:
    if len(shape) < 2:
        raise ShapeError(
            f"an orthogonal start needs a matrix, not {shape_text(shape)}",
            "give the parameter two sizes or choose another init",
        )
    rows = shape[0]
    values = random.standard_normal((rows, math.prod(shape[1:])))
    tall = values if values.shape[0] >= values.shape[1] else values.T
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)  # without it the draw is not uniform (Mezzadri, 2007)
    return (q if tall is values else q.T).reshape(shape)


def _identity(random: np.random.Generator, shape: Shape) -> NDArray[Any]:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(
            f"an identity start needs a square matrix, not {shape_text(shape)}",
            "make both sizes equal or choose another init",
        )
    return np.eye(shape[0])


_TABLE = {
    row.name: row
    for row in (
        Initializer("zeros", "All 0.", lambda random, shape: np.zeros(shape)),
        Initializer("ones", "All 1.", lambda random, shape: np.ones(shape)),
        Initializer("constant", "The scale in every entry.", lambda random, shape: np.ones(shape)),
        Initializer("normal", "Normal with deviation 1.", _normal(lambda i, o: 1.0)),
        Initializer("uniform", "Uniform between -1 and 1.", _uniform(lambda i, o: 1.0)),
        Initializer(
            "xavier", "Uniform within sqrt(6 / (in + out)) (Glorot and Bengio, 2010).",
            _uniform(lambda i, o: math.sqrt(6.0 / (i + o))),
        ),
        Initializer(
            "xavier_normal", "Normal with deviation sqrt(2 / (in + out)) (Glorot and Bengio, 2010).",
            _normal(lambda i, o: math.sqrt(2.0 / (i + o))),
        ),
        Initializer(
            "he", "Normal with deviation sqrt(2 / in) (He et al., 2015).",
            _normal(lambda i, o: math.sqrt(2.0 / i)),
        ),
        Initializer(
            "he_uniform", "Uniform within sqrt(6 / in) (He et al., 2015).",
            _uniform(lambda i, o: math.sqrt(6.0 / i)),
        ),
        Initializer(
            "lecun", "Normal with deviation sqrt(1 / in) (LeCun et al., 1998).",
            _normal(lambda i, o: math.sqrt(1.0 / i)),
        ),
        Initializer(
            "orthogonal", "Rows or columns of length 1 at right angles (Saxe et al., 2013).",
            _orthogonal,
        ),
        Initializer("identity", "The identity matrix.", _identity),
    )
}  # fmt: skip


def names() -> tuple[str, ...]:
    """The initializers there are."""
    return tuple(_TABLE)


def draw(init: str, shape: Shape, seed: int, key: int, scale: float = 1.0) -> NDArray[Any]:
    """A start by an initializer's name, float64, times `scale`.

    `scale` is so a constant's value, a deviation, a limit or a gain. `key` tells parameters apart
    (a whole number from 0, below 2**48). Raises ShapeError where the shape does not suit.
    """
    values = _TABLE[init].draw(generator(seed, _START, key), shape)
    return values if scale == 1.0 else np.asarray(values * scale)
