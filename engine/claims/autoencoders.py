"""Claims of auto-encoders and of pre-training: errors on held-out digits, accuracies with few labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine import edits, examples
from engine.claims.figure import Claim, Figure, trained
from engine.graph import Graph
from engine.ops.row import Array
from engine.recipe import Recipe
from engine.train.scene import Scene
from engine.train.session import Training

NOISES = {"gaussian": "Gaussian noise", "masked": "masked pixels", "peppered": "salt and pepper"}


def _held_out(training: Training, *names: str) -> dict[str, float]:
    """Nodes that are single numbers, on the rows that were held out."""
    graph = training.graph
    scene = Scene(graph)
    scene.at(training.parameters(), training.step_count)
    ids = {name: str(graph.id_of(name)) for name in names}
    values = scene.values(list(ids.values()), scene.rows("validation"))
    return {name: float(values[n]) for name, n in ids.items()}


def _pictures(graph: Graph) -> tuple[Array, Array]:
    """Training and held-out pictures, a row each, from 0 to 1."""
    scene = Scene(graph)
    train, held = (scene.field("x", scene.rows(part)) / 16 for part in ("train", "validation"))
    return train, held


def _error(train: Array, held: Array, directions: int) -> float:
    """The mean squared distance of held-out rows from the plane of the training rows' first principal
    directions; of none: from their mean."""
    mean = train.mean(axis=0)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2][:directions]
    off = held - mean
    return float(((off - off @ axes.T @ axes) ** 2).sum(axis=1).mean())


def _weights(graph: Graph) -> int:
    return sum(graph.tensors[n].size for n in graph.of_op("parameter"))


def autoencoder(graph: Graph, seed: int) -> list[Figure]:
    error = _held_out(trained(graph, seed), "loss")["loss"]
    train, held = _pictures(graph)
    units = graph.tensors[str(graph.id_of("W"))].shape[1]
    return [
        Figure("held-out error over that of the mean picture", error / _error(train, held, 0), "<", 0.2),
        Figure(
            f"held-out error over that of {units} principal directions",
            error / _error(train, held, units), "<", 1.1,
        ),
    ]  # fmt: skip


def autoencoder_tied(graph: Graph, seed: int) -> list[Figure]:
    untied = examples.load("autoencoder")
    error, other = (_held_out(trained(g, seed), "loss")["loss"] for g in (graph, untied))
    train, held = _pictures(graph)
    return [
        Figure("weights over those of the untied one", _weights(graph) / _weights(untied), "=", 0.5),
        Figure("held-out error over that of the mean picture", error / _error(train, held, 0), "<", 0.25),
        Figure("held-out error over that of the untied one", error / other, "<", 1.6),
    ]  # fmt: skip


def denoising(graph: Graph, seed: int) -> list[Figure]:
    names = [f"{what}_{noise}" for noise in NOISES for what in ("J", "error")]
    found = _held_out(trained(graph, seed), *names)
    bounds = {"gaussian": 0.8, "masked": 0.6, "peppered": 0.75}
    return [
        Figure(
            f"{title}: error over that of the plain auto-encoder",
            found[f"J_{noise}"] / found[f"error_{noise}"], "<", bounds[noise],
        )
        for noise, title in NOISES.items()
    ]  # fmt: skip


# ------------------------------------------------------------ pre-training


def _accuracies(training: Training) -> Mapping[str, float]:
    return training.metrics()["validation"]


def _from_scratch(graph: Graph, seed: int) -> float:
    """The accuracy of the network from scratch when it gets the steps of all stages together."""
    whole = Training(graph, seed=seed)
    stage = graph.recipe.last
    steps = whole.total_steps
    per_epoch = -(-len(_labelled(graph)) // stage.batch_size)
    alone = replace(stage, loss=str(graph.id_of("J_scratch")), epochs=steps // per_epoch)
    copy = graph.copy()
    edits.set_setting("recipe", Recipe((alone,), seed)).apply(copy)
    return _accuracies(trained(copy, seed))["scratch_accuracy"]


def _labelled(graph: Graph) -> Array:
    return Scene(graph).rows()


def pretraining(graph: Graph, seed: int) -> list[Figure]:
    found = _accuracies(trained(graph, seed))
    tuned, single = found["tuned_accuracy"], found["single_accuracy"]
    return [
        Figure("accuracy with pre-training", tuned, ">", 0.87),
        Figure("accuracy from scratch", found["scratch_accuracy"], "<", 0.3),
        Figure("the same with as many steps as all stages", _from_scratch(graph, seed), "<", 0.82),
        Figure("a single layer is as good: the difference", tuned - single, "=", 0.0, 0.05),
    ]


def pretraining_relu(graph: Graph, seed: int) -> list[Figure]:
    found = _accuracies(trained(graph, seed))
    tuned, scratch = found["tuned_accuracy"], found["scratch_accuracy"]
    return [
        Figure("accuracy with pre-training", tuned, ">", 0.85),
        Figure("accuracy from scratch", scratch, ">", 0.82),
        Figure("the difference", tuned - scratch, "=", 0.0, 0.07),
    ]


def all_layers_at_once(graph: Graph, seed: int) -> list[Figure]:
    first, last = graph.recipe.stages
    tuned = _accuracies(trained(graph, seed))["tuned_accuracy"]
    plain = graph.copy()
    descent = replace(first, optimizer="sgd", settings={}, learning_rate=1.0)
    edits.set_setting("recipe", Recipe((descent, last), seed)).apply(plain)
    stuck = _accuracies(trained(plain, seed))["tuned_accuracy"]
    staged = _accuracies(trained(examples.load("pretraining"), seed))["tuned_accuracy"]
    return [
        Figure("accuracy, all layers at once by Adam", tuned, ">", 0.75),
        Figure("accuracy, all layers at once by plain descent", stuck, "<", 0.3),
        Figure("accuracy, layer by layer by plain descent", staged, ">", 0.87),
        Figure("layer by layer less all at once by Adam", staged - tuned, ">", -0.02),
    ]


CLAIMS: dict[str, Claim] = {
    "autoencoder": autoencoder, "autoencoder-tied": autoencoder_tied, "denoising": denoising,
    "pretraining": pretraining, "pretraining-relu": pretraining_relu,
    "all-layers-at-once": all_layers_at_once,
}  # fmt: skip
