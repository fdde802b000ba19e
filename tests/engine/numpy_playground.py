"""TensorFlow Playground's networks as documents, and its way of training in NumPy alone.

What is known of Playground: points of a class in turn, weights drawn from -0.5 to 0.5, biases 0.1, half
the mean squared error, tanh at the end of a classification and nothing at the end of a regression, the
mean gradient of a batch of rows in the order of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from engine import edits
from engine.compose import compose
from engine.graph import Graph, Source

Array = np.ndarray[Any, Any]
FEATURES = {
    "x1": "x1", "x2": "x2", "x1²": "x1^2", "x2²": "x2^2", "x1x2": "x1 * x2", "sin x1": "sin(x1)",
    "sin x2": "sin(x2)",
}  # fmt: skip
"""Playground's inputs to choose from, as formulas here."""
BOTH = ("x1", "x2")


@dataclass(frozen=True)
class Setting:
    """What is chosen in Playground's page."""

    rows: Array
    """Of the training part: x1, x2 and the label, in the order in which they are taken."""
    features: Sequence[str] = BOTH
    hidden: tuple[int, ...] = (4, 2)
    activation: str = "tanh"
    regression: bool = False
    learning_rate: float = 0.03
    batch: int = 10
    l2: float = 0.0
    l1: float = 0.0
    seed: int = 0

    def start(self) -> tuple[list[Array], list[Array]]:
        """Weights and biases of each layer."""
        rng = np.random.default_rng(self.seed)
        sizes = (len(self.features), *self.hidden, 1)
        weights = [rng.uniform(-0.5, 0.5, pair) for pair in pairwise(sizes)]
        return weights, [np.full(n, 0.1) for n in sizes[1:]]


def document(setting: Setting) -> Graph:
    """The network as a person would type it, with the rows in a table of the document."""
    chosen = [FEATURES[name] for name in setting.features]
    lines = ["x1 = x[:, 0:1]", "x2 = x[:, 1:2]", f"f = concat({', '.join(chosen)}, axis=1)"]
    before = "f"
    layers = range(1, len(setting.hidden) + 2)
    for i in layers:
        last = i == len(setting.hidden) + 1
        activation = ("" if setting.regression else "tanh") if last else setting.activation
        lines.append(f"z{i} = {before} @ W{i} + b{i}")
        lines.append(
            f"h{i} = {activation}(z{i})" if activation not in ("", "linear") else f"h{i} = z{i} + 0"
        )
        before = f"h{i}"
    lines.append(f"loss = mean(({before} - y)^2) / 2")
    weights, biases = setting.start()
    tensors = {f"W{i}": weights[i - 1] for i in layers} | {f"b{i}": biases[i - 1] for i in layers}
    graph = compose(
        "\n".join(lines), {"x": setting.rows[:4, :2], "y": setting.rows[:4, 2:], **tensors}
    )
    graph.put("sources", "points", Source("table", shuffle=False))
    graph.put("tensors", "points.x", setting.rows[:, :2])
    graph.put("tensors", "points.y", setting.rows[:, 2:])
    for name in ("x", "y", *tensors):
        node = graph.nodes[str(graph.id_of(name))]
        op, options = ("parameter", {"init": "given"})
        if name in ("x", "y"):
            op, options = "data", {"source": "points", "field": name}
            graph.put("tensors", node.id, None)
        graph.put("nodes", node.id, replace(node, op=op, options=options))
    edits.set_recipe(
        graph, loss=graph.id_of("loss"), learning_rate=setting.learning_rate, batch_size=setting.batch,
        epochs=1, settings={"weight_decay": setting.l2}, l1_penalty=setting.l1,
    ).apply(graph)  # fmt: skip
    return graph


def features(setting: Setting, rows: Array) -> Array:
    x1, x2 = rows[:, 0], rows[:, 1]
    known = dict(
        zip(FEATURES, (x1, x2, x1**2, x2**2, x1 * x2, np.sin(x1), np.sin(x2)), strict=True)
    )
    return np.stack([known[name] for name in setting.features], axis=1)


def loss_of(setting: Setting, rows: Array, weights: list[Array], biases: list[Array]) -> float:
    """Half the mean squared error on some rows."""
    return float(np.mean((_forward(setting, rows, weights, biases)[-1] - rows[:, 2:]) ** 2) / 2)


def train(setting: Setting, epochs: int) -> tuple[list[Array], list[Array]]:
    """Weights and biases after so many epochs, computed without the engine (tanh networks alone)."""
    weights, biases = setting.start()
    for _ in range(epochs):
        for first in range(0, len(setting.rows), setting.batch):
            rows = setting.rows[first : first + setting.batch]
            outputs = _forward(setting, rows, weights, biases)
            gradient = (outputs[-1] - rows[:, 2:]) / len(rows)
            for i in range(len(weights) - 1, -1, -1):
                bent = not (setting.regression and i == len(weights) - 1)
                gradient = gradient * (1 - outputs[i + 1] ** 2) if bent else gradient
                below = gradient @ weights[i].T
                weights[i] = weights[i] - setting.learning_rate * (outputs[i].T @ gradient)
                biases[i] = biases[i] - setting.learning_rate * gradient.sum(0)
                gradient = below
    return weights, biases


def _forward(
    setting: Setting, rows: Array, weights: list[Array], biases: list[Array]
) -> list[Array]:
    outputs = [features(setting, rows)]
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        z = outputs[-1] @ weight + bias
        outputs.append(z if setting.regression and i == len(weights) - 1 else np.tanh(z))
    return outputs
