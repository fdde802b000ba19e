"""Makes the shipped modules; after a change here run `python -m tests.engine.build_modules`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import edits, files
from engine.compose import compose
from engine.examples import MODULES
from engine.graph import Graph, Node
from engine.layout import arrange

FOLDER = Path(__file__).parents[2] / "resources" / "modules"
Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class Recipe:
    """A module in text: its program, the shapes of its inputs' samples, and what some names are.

    A parameter is (shape, init); an instance of a module is (module, {port: name}, {size: value}).
    """

    program: str
    inputs: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, tuple[Shape, str]] = field(default_factory=dict)
    instances: Mapping[str, tuple[str, Mapping[str, str], Mapping[str, Any]]] = field(
        default_factory=dict
    )


_GATES = ("x[-1]", "4*units")
_ROW: Mapping[str, tuple[int, ...]] = {"x": (4, 3)}
_SEQUENCE: Mapping[str, tuple[int, ...]] = {"x": (2, 5, 8)}

RECIPES: dict[str, Recipe] = {
    "Dense": Recipe(
        "a = x @ W\ny = a + b", _ROW, {"units": 8},
        {"W": (("x[-1]", "units"), "xavier"), "b": (("units",), "zeros")},
    ),
    "MLP": Recipe(
        "h = relu(first)\ny = last", _ROW, {"hidden": 16, "units": 2}, {},
        {"first": ("Dense", {"x": "x"}, {"units": "hidden"}),
         "last": ("Dense", {"x": "h"}, {"units": "units"})},
    ),
    "ConvBlock": Recipe(
        "c = conv2d(x, K, padding=1)\nn = c + b\nh = relu(n)\ny = max_pool2d(h, window=2)",
        {"x": (2, 3, 8, 8)}, {"filters": 8},
        {"K": (("filters", "x[1]", 3, 3), "he"), "b": (("filters", 1, 1), "zeros")},
    ),
    "ResidualBlock": Recipe(
        "h = relu(first)\ny = x + last", _ROW, {"hidden": 16}, {},
        {"first": ("Dense", {"x": "x"}, {"units": "hidden"}),
         "last": ("Dense", {"x": "h"}, {"units": "x[-1]"})},
    ),
    "Encoder": Recipe(
        "h = relu(first)\nz = last", _ROW, {"hidden": 32, "code": 2}, {},
        {"first": ("Dense", {"x": "x"}, {"units": "hidden"}),
         "last": ("Dense", {"x": "h"}, {"units": "code"})},
    ),
    "Decoder": Recipe(
        "h = relu(first)\ny = last", {"z": (4, 2)}, {"hidden": 32, "units": 3}, {},
        {"first": ("Dense", {"x": "z"}, {"units": "hidden"}),
         "last": ("Dense", {"x": "h"}, {"units": "units"})},
    ),
    "Autoencoder": Recipe(
        "z = encoder\ny = decoder", _ROW, {"hidden": 32, "code": 2}, {},
        {"encoder": ("Encoder", {"x": "x"}, {"hidden": "hidden", "code": "code"}),
         "decoder": ("Decoder", {"z": "encoder"}, {"hidden": "hidden", "units": "x[-1]"})},
    ),
    "LSTM": Recipe(
        "z = x @ W + h @ U + b\n"
        "i = sigmoid(split(z, parts=4, part=0, axis=-1))\n"
        "f = sigmoid(split(z, parts=4, part=1, axis=-1))\n"
        "g = tanh(split(z, parts=4, part=2, axis=-1))\n"
        "o = sigmoid(split(z, parts=4, part=3, axis=-1))\n"
        "state = f * c + i * g\n"
        "y = o * tanh(state)",
        {"x": (2, 3), "h": (2, 4), "c": (2, 4)}, {"units": 4},
        {"W": (_GATES, "xavier"), "U": (("h[-1]", "4*units"), "xavier"), "b": (("4*units",), "zeros")},
    ),
    "AttentionHead": Recipe(
        "q = x @ Wq\nk = x @ Wk\nv = x @ Wv\ny = attention(q, k, v)", _SEQUENCE, {"units": 4},
        dict.fromkeys(("Wq", "Wk", "Wv"), (("x[-1]", "units"), "xavier")),
    ),
    "TransformerBlock": Recipe(
        "n1 = layer_norm(x, gain1, bias1)\n"
        "both = concat(head1, head2, axis=-1)\n"
        "r = x + both @ Wo\n"
        "n2 = layer_norm(r, gain2, bias2)\n"
        "h = relu(first)\n"
        "y = r + last",
        _SEQUENCE, {"head": 4, "hidden": 16},
        {"gain1": (("x[-1]",), "ones"), "bias1": (("x[-1]",), "zeros"),
         "gain2": (("x[-1]",), "ones"), "bias2": (("x[-1]",), "zeros"),
         "Wo": (("2*head", "x[-1]"), "xavier")},
        {"head1": ("AttentionHead", {"x": "n1"}, {"units": "head"}),
         "head2": ("AttentionHead", {"x": "n1"}, {"units": "head"}),
         "first": ("Dense", {"x": "n2"}, {"units": "hidden"}),
         "last": ("Dense", {"x": "h"}, {"units": "x[-1]"})},
    ),
}  # fmt: skip


def build(name: str, made: Mapping[str, Graph]) -> Graph:
    """The module's document; `made` holds those it may use."""
    recipe = RECIPES[name]
    random = np.random.default_rng(0)
    samples = {n: random.standard_normal(s).round(2) for n, s in recipe.inputs.items()}
    placeholders = dict.fromkeys((*recipe.parameters, *recipe.instances), 0.0)
    read = set("".join(c if c.isalnum() else " " for c in recipe.program).split())
    graph = compose(
        recipe.program,
        {n: v for n, v in {**samples, **placeholders}.items() if n in read},
    )
    graph.put("settings", "output", "")
    for text, value in samples.items():
        if graph.id_of(text) is None:  # only a module inside reads it
            edits.add_node(graph, "input", text, value=value)[0].apply(graph)
    for text, (shape, init) in recipe.parameters.items():
        node = graph.nodes[str(graph.id_of(text))]
        graph.put("tensors", node.id, None)
        options = {"shape": shape, "init": init, "trainable": True}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    graph.put("settings", "sizes", dict(recipe.sizes))
    for text, (module, _, sizes) in recipe.instances.items():
        if module not in graph.modules:
            graph.put("modules", module, made[module])
        known = graph.id_of(text)
        node = Node(known or graph.new_id(), module, text, {**sizes, "tied": ""})
        graph.put("tensors", node.id, None)
        graph.put("nodes", node.id, node)
    for text, (_, wires, _) in recipe.instances.items():
        for port, source in wires.items():
            edits.connect(str(graph.id_of(source)), str(graph.id_of(text)), port).apply(graph)
    alias = {s.split(" = ")[0]: s.split(" = ")[1] for s in recipe.program.split("\n")}
    last = recipe.program.split("\n")[-1].split(" = ")[0]
    output = graph.id_of(last) or graph.id_of(alias[last])
    graph.put("settings", "output", output)
    graph.put("settings", "title", MODULES[name].title)
    graph.put("settings", "about", MODULES[name].about)
    edits.move(graph, arrange(graph)).apply(graph)
    return graph


def built() -> dict[str, Graph]:
    made: dict[str, Graph] = {}
    for name in RECIPES:
        made[name] = build(name, made)
    return made


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, graph in built().items():
        (FOLDER / MODULES[name].file).write_bytes(files.to_text(graph).encode("utf-8"))
