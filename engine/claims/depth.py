"""Claims of the examples of parity and of modules: exact numbers of constructed networks."""

from __future__ import annotations

import numpy as np

from engine import edits
from engine.claims.figure import Claim, Figure, score, trained
from engine.evaluate import Evaluation, evaluate
from engine.expansion import Expansion
from engine.graph import Graph
from engine.train import data
from engine.train.layers import holds_units
from engine.train.scene import Scene
from engine.unpacking import unpack_module


def parity(graph: Graph, seed: int) -> list[Figure]:
    scene = Scene(graph)
    ids = {
        name: str(graph.id_of(name))
        for name in ("wide", "tree", "error_wide", "error_tree", "x", "y")
    }
    values = scene.values(list(ids.values()), scene.rows())
    x, wanted = values[ids["x"]], values[ids["y"]]
    bits = x.shape[1]
    ones = np.round(x.sum(axis=1, keepdims=True)) % 2
    expansion = scene.expanded(scene.rows())
    wide, tree = (_units(expansion, ids[name], len(x)) for name in ("wide", "tree"))
    learnt = trained(graph, seed)
    return [
        Figure("inputs", len(np.unique(x, axis=0)), "=", 2**bits),
        Figure("inputs whose target is not their parity", float((ones != wanted).sum()), "=", 0.0),
        Figure("largest error of one hidden layer", float(values[ids["error_wide"]]), "=", 0.0),
        Figure("largest error of the tree", float(values[ids["error_tree"]]), "=", 0.0),
        Figure("units of one hidden layer", wide, "=", 2 ** (bits - 1)),
        Figure("units of the tree", tree, "=", 2 * (bits - 1)),
        Figure(
            "accuracy of the network that learns it",
            learnt.metrics()["train"]["accuracy_learnt"],
            ">",
            0.99,
        ),
    ]


def _units(expansion: Expansion, node: str, rows: int) -> int:
    """The units with a nonlinearity that a node depends on: entries a row."""
    step = str(expansion.step_of(node))
    found = [expansion.nodes[s] for s in expansion.ancestors([step])]
    return sum(flat.spec.size // rows for flat in found if holds_units(flat.op))


def modules(graph: Graph, seed: int) -> list[Figure]:
    drawn = graph.copy()
    edits.set_recipe(drawn, seed=seed).apply(drawn)  # the modules' parameters are drawn by it
    feeds = data.feeds(drawn)
    flat = drawn.copy()
    flat.put("settings", "output", drawn.id_of("loss_flat"))
    whole, beside = evaluate(drawn, feeds), evaluate(flat, feeds)
    unpacked = drawn.copy()
    while instances := [n for n in unpacked.nodes if unpacked.op(n).definition is not None]:
        known = evaluate(unpacked, feeds).values
        unpack_module(unpacked, instances[0], known)[0].apply(unpacked)
    apart = evaluate(unpacked, feeds)
    inner = [path for path in whole.gradients if path in _parameters(whole)]
    gaps = [np.abs(whole.gradients[p] - beside.gradients[p]).max() for p in inner]
    training = trained(graph, seed)
    return [
        Figure("parameters inside modules", len(inner), "=", 10),
        Figure("largest difference of a value, flat beside modules", _value(whole, "difference"), "=", 0.0),
        Figure("largest difference of a gradient, flat beside modules", float(max(gaps)), "=", 0.0, 1e-12),
        Figure("loss of the unpacked network less that with modules",
               _value(apart, "loss") - _value(whole, "loss"), "=", 0.0),
        Figure("norm of all gradients of the unpacked network less that with modules",
               _norm(apart) - _norm(whole), "=", 0.0, 1e-12),
        Figure("the first after training", training.metrics()["train"]["difference"], "=", 0.0),
        Figure("accuracy on held-out digits", score(training), ">", 0.93),
    ]  # fmt: skip


def _value(found: Evaluation, name: str) -> float:
    return float(found.values[str(found.graph.id_of(name))])


def _parameters(found: Evaluation) -> set[str]:
    return {n for n, flat in found.expansion.nodes.items() if flat.op.name == "parameter"}


def _norm(found: Evaluation) -> float:
    squares = [
        float((found.gradients[n] ** 2).sum()) for n in _parameters(found) & {*found.gradients}
    ]
    return float(np.sqrt(sum(sorted(squares))))


CLAIMS: dict[str, Claim] = {"parity": parity, "modules": modules}
