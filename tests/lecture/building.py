"""What the builders of examples and lessons have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine import edits
from engine.compose import compose
from engine.examples import INFO
from engine.graph import Graph, Source
from engine.layout import arrange
from engine.train import data

Shape = tuple[int | str, ...]

NETWORK = """
xW1 = x @ W1
z1 = xW1 + b1
h1 = {activation}(z1)
h1W2 = h1 @ W2
logits = h1W2 + b2
loss = {loss}(logits, y)
accuracy = accuracy(logits, y)
"""


def titled(name: str, graph: Graph) -> Graph:
    """The finishing touches of a document whose nodes have their places."""
    graph.put("settings", "title", INFO[name].title)
    graph.put("settings", "about", INFO[name].about)
    return graph


def named(name: str, graph: Graph) -> Graph:
    """The finishing touches: title, places."""
    edits.move(graph, arrange(graph)).apply(graph)
    return titled(name, graph)


def read_data(
    graph: Graph,
    source_name: str,
    source: Source,
    parameters: Mapping[str, tuple[Shape, str]],
    table: Mapping[str, Any] | None = None,
) -> None:
    """The nodes x and y read the source, and those named are parameters of a shape and a start."""
    graph.put("sources", source_name, source)
    for field, value in (table or {}).items():
        graph.put("tensors", f"{source_name}.{field}", np.asarray(value))
    for field in ("x", "y"):
        node = graph.nodes[str(graph.id_of(field))]
        graph.put("tensors", node.id, None)
        options = {"source": source_name, "field": field}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
    for parameter, (shape, init) in parameters.items():
        node = graph.nodes[str(graph.id_of(parameter))]
        options = {"shape": shape, "init": init, "trainable": True}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))


def network(
    name: str,
    program: str,
    source: Source,
    parameters: Mapping[str, tuple[Shape, str]],
    table: Mapping[str, Any] | None = None,
    **recipe: Any,
) -> Graph:
    """A network on data: x and y read the source, parameters are drawn by the recipe's seed."""
    graph = compose(program, {"x": 0.0, "y": 0.0, **dict.fromkeys(parameters, 0.0)})
    shown = name.replace("-", "_")
    read_data(graph, shown, source, parameters, table)
    loss = graph.id_of("loss")
    graph.put("settings", "output", loss)
    edits.set_recipe(graph, loss=loss, **recipe).apply(graph)
    dataset = data.load(graph, shown)
    edits.set_tensors(data.initialize(graph, dataset, graph.recipe.seed)).apply(graph)
    return named(name, graph)
