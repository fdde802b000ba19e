"""Documents that predict small pictures pixel by pixel, for tests of drawing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine import edits
from engine.compose import compose
from engine.graph import Graph, Source
from engine.ops.row import Array

SIDE = 6
GREYS = """
levels = round(2 * x)
seen = levels / 2
z = tanh(flatten(seen) @ E)
s = reshape(z @ D, shape=(-1, 1, 6, 6))
h0 = masked_conv2d(seen, F, type='A', padding=1) + s
h1 = h0 + tanh(masked_conv2d(h0, K, type='B', padding=1))
scores = conv2d(h1, O)
logits = permute(scores, axes=(0, 2, 3, 1))
target = squeeze(levels, axis=1)
loss = softmax_cross_entropy(logits, target)
"""
SHAPES = {"E": (36, 3), "D": (3, 36), "F": (4, 1, 3, 3), "K": (4, 4, 3, 3), "O": (3, 4, 1, 1)}
TWO = """
h = tanh(masked_conv2d(x, F, type='A', padding=1))
scores = conv2d(h, P)
loss = bce_with_logits(scores, x)
"""


def document(
    program: str = GREYS, shapes: Mapping[str, Any] = SHAPES, pictures: Array | None = None
) -> Graph:
    """A program over pictures x, its parameters drawn and stored."""
    random = np.random.default_rng(3)
    if pictures is None:
        pictures = random.integers(0, 3, (30, 1, SIDE, SIDE)) / 2
    graph = compose(
        program, {"x": 0.0, **{n: random.standard_normal(s) for n, s in shapes.items()}}
    )
    for name in shapes:
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    return read(graph, pictures)


def read(graph: Graph, pictures: Array) -> Graph:
    """The input x reads these pictures."""
    node = graph.nodes[str(graph.id_of("x"))]
    graph.put("tensors", node.id, None)
    graph.put("nodes", node.id, replace(node, op="data", options={"source": "d", "field": "x"}))
    graph.put("tensors", "d.x", pictures)
    graph.put("sources", "d", Source(validation=0.3))
    edits.set_recipe(graph, loss=graph.id_of("loss")).apply(graph)
    return graph


def large() -> Graph:
    """Pictures that take a while."""
    side = 40
    shapes = {**SHAPES, "E": (side**2, 3), "D": (3, side**2)}
    pictures = np.random.default_rng(2).integers(0, 3, (60, 1, side, side)) / 2
    return document(GREYS.replace("6, 6", f"{side}, {side}"), shapes, pictures)


def inside() -> Graph:
    """The whole network in a module; the document holds the pictures and the loss."""
    lines = GREYS.strip().split("\n")
    made = compose("\n".join(lines[1:8]).replace("levels", "given"), default=0.0)
    for name, shape in SHAPES.items():
        node = made.nodes[str(made.id_of(name))]
        made.put("tensors", node.id, None)
        options = {"shape": shape, "init": "lecun"}
        made.put("nodes", node.id, replace(node, op="parameter", options=options))
    made.put("tensors", str(made.id_of("given")), None)
    program = "\n".join([lines[0], "logits = Net(levels)", *lines[8:]])
    graph = compose(program, {"x": 0.0}, modules={"Net": made})
    return read(graph, np.random.default_rng(4).integers(0, 3, (30, 1, SIDE, SIDE)) / 2)


def two_greys() -> Graph:
    pictures = np.random.default_rng(1).integers(0, 2, (20, 1, 5, 5)).astype(float)
    return document(TWO, {"F": (3, 1, 3, 3), "P": (1, 3, 1, 1)}, pictures)
