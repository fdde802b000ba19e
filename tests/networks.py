"""Small networks on tables of data, for tests of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from engine import edits
from engine.compose import compose
from engine.graph import Graph, Source
from engine.ops.row import Array


def network(
    program: str, x: Array, y: Array, parameters: Mapping[str, Array], **recipe: Any
) -> Graph:
    """A program over the data nodes `x` and `y` and these parameters; it ends in `loss`."""
    graph = compose(program, {"x": 0.0, "y": 0.0, **parameters})
    for name, value in parameters.items():
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options={"shape": value.shape}))
    for name, value in (("x", x), ("y", y)):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        options = {"source": "d", "field": name}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
        graph.put("tensors", f"d.{name}", value)
    graph.put("sources", "d", Source())
    edits.set_recipe(graph, loss=graph.id_of("loss"), **recipe).apply(graph)
    return graph


def layered(
    activation: str, sizes: list[int], gain: float = 1.0, seed: int = 0, last: str = "{z}",
) -> tuple[str, dict[str, Array]]:  # fmt: skip
    """The program of a plain network up to `z`, and its parameters: normal, of deviation
    `gain / sqrt(inputs)`; biases are 0."""
    random = np.random.default_rng(seed)
    lines, parameters, before = [], {}, "x"
    for i, (n, m) in enumerate(pairwise(sizes), 1):
        parameters[f"W{i}"] = random.standard_normal((n, m)) * gain / np.sqrt(n)
        parameters[f"b{i}"] = np.zeros(m)
        final = i == len(sizes) - 1
        lines.append(f"{'z' if final else f'a{i}'} = {before} @ W{i} + b{i}")
        if not final:
            lines.append(f"h{i} = {activation}(a{i})")
            before = f"h{i}"
    return "\n".join([*lines, f"out = {last.format(z='z')}"]), parameters
