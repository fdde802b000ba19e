"""Documents that TensorFlow Playground makes: its data, its starts, its loss; playground.tensorflow.org."""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import network

from engine.graph import Graph
from engine.ops.row import Array

ROWS = 250


def gauss(noise: float, random: np.random.Generator) -> tuple[Array, Array]:
    """Two clouds at (2, 2) and (-2, -2), of variance 0.5 and up to 4 with the noise."""
    sign = np.where(np.arange(ROWS) % 2, 1.0, -1.0)[:, None]
    x = 2 * sign + random.standard_normal((ROWS, 2)) * np.sqrt(0.5 + noise / 50 * 3.5)
    return x, sign


def spiral(noise: float, random: np.random.Generator) -> tuple[Array, Array]:
    half = np.arange(ROWS // 2)
    parts = []
    for turn in (0.0, np.pi):
        r = half / (ROWS // 2) * 5
        t = 1.75 * half / (ROWS // 2) * 2 * np.pi + turn
        x = np.stack([r * np.sin(t), r * np.cos(t)], axis=1)
        parts.append(x + random.uniform(-1, 1, x.shape) * noise / 100)
    y = np.repeat([[1.0], [-1.0]], ROWS // 2, axis=0)
    return np.concatenate(parts), y


def plane(noise: float, random: np.random.Generator) -> tuple[Array, Array]:
    x = random.uniform(-6, 6, (ROWS, 2))
    y = (x + random.uniform(-6, 6, x.shape) * noise / 100).sum(axis=1, keepdims=True) / 10
    return x, y


def playground(
    data: Any,
    activation: str,
    hidden: list[int],
    *,
    noise: float = 0.0,
    output: str = "tanh",
    seed: int = 1,
    **recipe: Any,
) -> Graph:
    """A network as it starts there: weights from -0.5 to 0.5, biases 0.1, half the squared error."""
    random = np.random.default_rng(seed)
    x, y = data(noise, random)
    sizes, lines, parameters, before = [2, *hidden, 1], [], {}, "x"
    for i, n in enumerate(sizes[1:], 1):
        parameters[f"W{i}"] = random.uniform(-0.5, 0.5, (sizes[i - 1], n))
        parameters[f"b{i}"] = np.full(n, 0.1)
        lines += [f"a{i} = {before} @ W{i} + b{i}", f"h{i} = {activation}(a{i})"]
        before = f"h{i}"
    lines[-1] = f"out = {output}(a{len(sizes) - 1})" if output else f"out = a{len(sizes) - 1} * 1"
    lines.append("loss = mean(0.5 * (out - y) ^ 2)")
    return network("\n".join(lines), x, y, parameters, **{"batch_size": 10, **recipe})
