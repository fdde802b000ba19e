"""Claims of pictures drawn pixel by pixel: causality, bits for a pixel, distances of samples."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import numpy as np

from engine import examples
from engine.claims.figure import Claim, Figure
from engine.graph import Graph
from engine.ops.row import Array
from engine.probes.pixelwise import Pixelwise, pixelwise, proven
from engine.probes.sampling import drawn
from engine.train.scene import Scene

ROWS = 8


def _bits(scene: Scene, found: Pixelwise, rows: Array) -> float:
    """Bits for a pixel of these rows by the document's scores, the pixels before and the code known."""
    values = scene.values([found.scores, found.target], rows)
    scores, seen = found.by_pixel(values[found.scores]), found.seen(values[found.target])
    top = scores.max(axis=-1, keepdims=True)
    logarithms = scores - top - np.log(np.exp(scores - top).sum(axis=-1, keepdims=True))
    return -float(np.take_along_axis(logarithms, seen[..., None], -1).mean()) / math.log(2)


def _bits_alone(scene: Scene, found: Pixelwise, rows: Array) -> float:
    """Bits for a pixel when each grey has the share that it has at that place in the training rows."""
    train = found.seen(scene.values([found.target], scene.rows(limit=1000))[found.target])
    shares = np.stack([(train == c).sum(axis=0) + 1.0 for c in range(found.classes)], axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    seen = found.seen(scene.values([found.target], rows)[found.target])
    return -float(np.log2(shares[np.arange(found.count), seen]).mean())


def _distance(scene: Scene, rows: Array, seed: int, may: Array) -> float:
    """The mean squared distance of a sample of each row from the row."""
    *_, found = drawn(scene, rows, 1, seed, may=may)
    return float(found.distances.mean())


def _pixelcnn(
    graph: Graph, seed: int, other: str, relation: Literal["<", ">"], bound: float
) -> list[Figure]:
    scene, beside = Scene(graph), Scene(examples.load(other))
    found = pixelwise(scene)
    may = proven(scene, found)
    later = np.triu(np.ones(may.shape, bool))
    held = scene.rows("validation")
    picked = np.sort(np.random.default_rng(seed).choice(held, ROWS, replace=False))
    far, farther = (_distance(s, picked, seed, may) for s in (scene, beside))
    ratio = _bits(scene, found, held[:100]) / _bits_alone(scene, found, held)
    pairs = f"pixels that see themselves or a later one, of {np.count_nonzero(later):,} pairs"
    what = f"distance of samples from the original over that of {other}"
    return [
        Figure(pairs, float(may[later].sum()), "=", 0.0),
        Figure(
            "pairs of which a pixel may see the earlier one",
            float(may[~later].sum()),
            ">",
            10_000.0,
        ),
        Figure("held-out bits for a pixel over those of pixels alone", ratio, "<", 0.25),
        Figure(what, far / farther, relation, bound),
    ]


CLAIMS: dict[str, Claim] = {
    "pixelcnn-2": partial(_pixelcnn, other="pixelcnn-10", relation=">", bound=1.2),
    "pixelcnn-10": partial(_pixelcnn, other="pixelcnn-2", relation="<", bound=0.8),
    "pixelcnn-100": partial(_pixelcnn, other="pixelcnn-10", relation="<", bound=0.35),
}
