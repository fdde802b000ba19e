"""Claims of the examples of networks: two layers, depth, approximation, features, data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from engine import edits
from engine.claims.figure import Claim, Figure, trained
from engine.graph import Graph
from engine.probes import rowwise
from engine.probes.units import first_layer
from engine.train.scene import Scene
from engine.train.session import Training

LOOKS = 20
WIDTHS = (2, 4, 16)
EPS = 0.1
RIGHT = ("accuracy1", "accuracy2", "accuracy3", "accuracy4")
FEW = 50


def logistic_xor(graph: Graph, seed: int) -> list[Figure]:
    training, best = Training(graph, seed=seed), 0.0
    for _ in range(LOOKS):
        training.run(training.total_steps // LOOKS)
        best = max(best, training.metrics()["train"]["accuracy_one"])
    end = training.metrics()["train"]
    return [
        Figure("loss of one layer", end["loss_one"], "=", math.log(2), 1e-3),
        Figure("best accuracy of one layer at any time", best, "<", 0.76),
        Figure("loss of two layers", end["loss_two"], "<", 0.05),
        Figure("accuracy of two layers", end["accuracy_two"], "=", 1.0),
    ]


def spiral_depth(graph: Graph, seed: int) -> list[Figure]:
    training = trained(graph, seed)
    depths = (1, 2, 3, 4)
    counts = [
        sum(v.size for n, v in training.parameters().items() if _net(graph, n) == str(depth))
        for depth in depths
    ]
    held = training.metrics()["validation"]
    found = [held[name] for name in RIGHT]
    return [
        Figure("most parameters over fewest", max(counts) / min(counts), "<", 1.04),
        Figure("held-out accuracy of 1 hidden layer", found[0], "<", 0.75),
        *(
            Figure(f"held-out accuracy of {depth} hidden layers", right, ">", bound)
            for depth, right, bound in zip(depths[1:], found[1:], (0.75, 0.85, 0.85), strict=True)
        ),
        Figure("the least of these over that of 1 layer", min(found[1:]) - found[0], ">", 0.1),
    ]


def _net(graph: Graph, path: str) -> str:
    """The network that a parameter inside a layer belongs to: a2_1 and z2 are those of 2."""
    return graph.name(path.partition(".")[0])[1]


def approximation(graph: Graph, seed: int) -> list[Figure]:
    errors = []
    for units in WIDTHS:
        wide = graph.copy()
        edits.set_setting("sizes", {"units": units}).apply(wide)
        found = trained(wide, seed).metrics()["train"]
        errors.append([found[f"error{i}"] for i in (1, 2, 3)])
    falls = np.diff(np.mean(errors, axis=1)).tolist()
    return [
        *(
            Figure(f"largest error of function {i} with {WIDTHS[-1]} units", error, "<", EPS)
            for i, error in enumerate(errors[-1], 1)
        ),
        *(
            Figure(f"that of function {i} with {WIDTHS[0]} units", error, ">", EPS)
            for i, error in enumerate(errors[0], 1)
        ),
        *(
            Figure(f"mean error with {more} units less that with {less}", fall, "<", 0.0)
            for less, more, fall in zip(WIDTHS, WIDTHS[1:], falls, strict=False)
        ),
    ]


def features(graph: Graph, seed: int) -> list[Figure]:
    training = Training(graph, seed=seed)
    scene = Scene(graph)
    scene.at(training.parameters(), 0)
    layer = first_layer(rowwise.network(scene))
    pixels, before = (_nearest_means(scene, n) for n in (rowwise.network(scene).inputs[0], layer))
    rough_before = _roughness(scene, layer)
    training.run()
    scene.at(training.parameters(), training.step_count)
    after, rough_after = _nearest_means(scene, layer), _roughness(scene, layer)
    return [
        Figure("held-out digits nearest to their class's mean: by pixels", pixels, "<", 0.9),
        Figure("the same by hidden values at the start", before, "<", 0.87),
        Figure("the same by hidden values after training", after, ">", 0.94),
        Figure("that less the one by pixels", after - pixels, ">", 0.06),
        Figure("roughness of the units' pictures at the start", rough_before, ">", 1.8),
        Figure("the same after training", rough_after, "<", 1.6),
    ]


def _nearest_means(scene: Scene, node: str) -> float:
    """The share of held-out rows whose value at a node is nearest to the training rows' mean of their
    own class."""
    rows, held = scene.rows(), scene.rows("validation")
    known, asked = (scene.values([node], part)[node] for part in (rows, held))
    classes, wanted = scene.field("y", rows), scene.field("y", held)
    means = np.stack([known[classes == k].mean(axis=0) for k in range(classes.max() + 1)])
    apart = ((asked[:, None] - means) ** 2).sum(axis=-1)
    return float((apart.argmin(axis=1) == wanted).mean())


def _roughness(scene: Scene, layer: str) -> float:
    """The mean squared difference of neighbours in a unit's picture over its variance, the median of
    all units: 2 where the weights know nothing of each other."""
    (matrix,) = rowwise.network(scene).matrices(layer)
    weights = scene.parameters[matrix]
    side = math.isqrt(len(weights))
    pictures = weights.T.reshape(-1, side, side)
    down, across = (np.diff(pictures, axis=axis).reshape(len(pictures), -1) for axis in (1, 2))
    squares = (np.concatenate([down, across], axis=1) ** 2).mean(axis=1)
    return float(np.median(squares / pictures.var(axis=(1, 2))))


def data_size(graph: Graph, seed: int) -> list[Figure]:
    found = {}
    for rows in (FEW, 0):
        part = graph.copy()
        ((name, source),) = part.sources.items()
        options = {**source.options, "training_rows": rows}
        edits.set_source(name, replace(source, options=options)).apply(part)
        held = trained(part, seed).metrics()["validation"]
        found[rows] = held["accuracy_base"], held["accuracy_deep"]
    return [
        Figure(f"held-out accuracy of the baseline with {FEW} rows", found[FEW][0], ">", 0.7),
        Figure("that less the deep network's", found[FEW][0] - found[FEW][1], ">", 0.08),
        Figure("held-out accuracy of the deep network with all rows", found[0][1], ">", 0.97),
        Figure("that less the baseline's", found[0][1] - found[0][0], ">", 0.0),
    ]


CLAIMS: dict[str, Claim] = {
    "logistic-xor": logistic_xor, "features": features, "approximation": approximation,
    "spiral-depth": spiral_depth, "data-size": data_size,
}  # fmt: skip
