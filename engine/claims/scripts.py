"""The claim of the exported training loop: its five lines, and the losses that they give.

The loop is read here by NumPy, with gradients by hand, so that the claim needs no PyTorch; the tests run
the script itself and find the same losses.
"""

from __future__ import annotations

import numpy as np

from engine.claims.figure import Claim, Figure, seeded
from engine.export.loops import LINES
from engine.export.pytorch import script
from engine.graph import Graph
from engine.ops.row import Array
from engine.train.session import Training


def training_loop(graph: Graph, seed: int) -> list[Figure]:
    copy = seeded(graph, seed)
    made = script(copy)
    training = Training(copy)
    training.run()
    lines = [line.strip() for line in made.text.splitlines()]
    first = lines.index(LINES[0])
    same = sum(a == b for a, b in zip(LINES, lines[first:], strict=False))
    losses = by_hand(copy, made.arrays["data_x"], made.arrays["data_y"])
    ours = np.array(training.history)
    return [
        Figure("lines of the lecture's loop in the script", same, "=", len(LINES)),
        Figure("steps", len(ours), "=", len(losses)),
        Figure(
            "largest difference to the losses of that loop in NumPy, on the script's rows",
            float(np.abs(ours - losses).max()), "<", 1e-9,
        ),
        Figure("last epoch's loss", float(losses[-10:].mean()), "<", 0.3),
    ]  # fmt: skip


def by_hand(graph: Graph, x: Array, y: Array) -> Array:
    """The losses of the loop on these rows: two layers, tanh between, cross-entropy, plain descent."""
    weights = {
        name: graph.tensors[str(graph.id_of(name))].copy() for name in ("W1", "b1", "W2", "b2")
    }
    stage, losses = graph.recipe.last, []
    for epoch in range(stage.epochs):
        key = np.array([graph.recipe.seed, (2 << 48) + epoch], np.uint64)
        order = np.random.Generator(np.random.Philox(key=key)).permutation(len(x))
        for start in range(0, len(x), stage.batch_size):
            rows = order[start : start + stage.batch_size]
            hidden = np.tanh(x[rows] @ weights["W1"] + weights["b1"])
            scores = np.exp(hidden @ weights["W2"] + weights["b2"])
            shares = scores / scores.sum(axis=1, keepdims=True)
            hit = np.eye(2)[y[rows]]
            losses.append(-np.log((shares * hit).sum(axis=1)).mean())
            above = (shares - hit) / len(rows)
            below = above @ weights["W2"].T * (1 - hidden**2)
            slopes = {
                "W1": x[rows].T @ below, "b1": below.sum(axis=0),
                "W2": hidden.T @ above, "b2": above.sum(axis=0),
            }  # fmt: skip
            for name, slope in slopes.items():
                weights[name] -= stage.learning_rate * slope
    return np.array(losses)


CLAIMS: dict[str, Claim] = {"training-loop": training_loop}
