"""Makes the shipped examples; after a change here run `python -m tests.engine.build_examples`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import edits, files
from engine.compose import compose
from engine.examples import INFO
from engine.graph import Graph, Source
from engine.layout import arrange
from engine.train import data

Shape = tuple[int | str, ...]
FOLDER = Path(__file__).parents[2] / "resources" / "examples"

NETWORK = """
xW1 = x @ W1
z1 = xW1 + b1
h1 = {activation}(z1)
h1W2 = h1 @ W2
logits = h1W2 + b2
loss = {loss}(logits, y)
accuracy = accuracy(logits, y)
"""


def named(name: str, graph: Graph) -> Graph:
    """The finishing touches: title, places."""
    graph.put("settings", "title", INFO[name].title)
    graph.put("settings", "about", INFO[name].about)
    edits.move(graph, arrange(graph)).apply(graph)
    return graph


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
    graph.put("sources", shown, source)
    for field, value in (table or {}).items():
        graph.put("tensors", f"{shown}.{field}", np.asarray(value))
    for field in ("x", "y"):
        node = graph.nodes[str(graph.id_of(field))]
        graph.put("tensors", node.id, None)
        options = {"source": shown, "field": field}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
    for parameter, (shape, init) in parameters.items():
        node = graph.nodes[str(graph.id_of(parameter))]
        options = {"shape": shape, "init": init, "trainable": True}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    loss = graph.id_of("loss")
    graph.put("settings", "output", loss)
    edits.set_recipe(graph, loss=loss, **recipe).apply(graph)
    dataset = data.load(graph, shown)
    edits.set_tensors(data.initialize(graph, dataset, graph.recipe.seed)).apply(graph)
    return named(name, graph)


def worked_example() -> Graph:
    program = "t = x^2\nu1 = sin(t)\nu2 = 3*t\nu = u1 + u2\nJ = cos(u)"
    return named("worked-example", compose(program, {"x": 1.0}))


def xor() -> Graph:
    return network(
        "xor", NETWORK.format(activation="tanh", loss="bce_with_logits"), Source("table"),
        {"W1": ((2, 4), "normal"), "b1": ((4,), "zeros"),
         "W2": ((4, 1), "normal"), "b2": ((1,), "zeros")},
        {"x": [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "y": [[0.0], [1.0], [1.0], [0.0]]},
        learning_rate=1.0, epochs=500,
    )  # fmt: skip


def softmax_digits() -> Graph:
    return network(
        "softmax-digits", NETWORK.format(activation="relu", loss="softmax_cross_entropy"),
        Source("builtin", "digits", standardize=True, validation=0.25),
        {"W1": (("features", 64), "he"), "b1": ((64,), "zeros"),
         "W2": ((64, "classes"), "xavier"), "b2": (("classes",), "zeros")},
        optimizer="momentum", learning_rate=0.02,
        settings={"momentum": 0.9, "weight_decay": 0.01}, batch_size=32,
        epochs=30,
    )  # fmt: skip


def your_csv() -> Graph:
    return network(
        "your-csv", NETWORK.format(activation="relu", loss="softmax_cross_entropy"),
        Source("csv", "iris.csv", standardize=True, validation=0.2),
        {"W1": (("features", 16), "he"), "b1": ((16,), "zeros"),
         "W2": ((16, "classes"), "xavier"), "b2": (("classes",), "zeros")},
        optimizer="adam", learning_rate=0.01, batch_size=16, epochs=60,
    )  # fmt: skip


BUILDERS: dict[str, Callable[[], Graph]] = {
    "worked-example": worked_example, "xor": xor, "softmax-digits": softmax_digits,
    "your-csv": your_csv,
}  # fmt: skip


def contents(name: str) -> bytes:
    """What the example's file holds: canonical bytes, or the JSON twin of small documents."""
    graph = BUILDERS[name]()
    if INFO[name].file.endswith(".json"):
        return files.to_text(graph).encode("utf-8")
    return files.canonical_bytes(graph)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in BUILDERS:
        (FOLDER / INFO[name].file).write_bytes(contents(name))
