"""Claims about networks see a document that does not show them; what the lesson says comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import edits, examples, lessons
from engine.claims import depth, networks
from engine.claims.figure import Figure
from engine.evaluate import evaluate
from engine.graph import Graph
from engine.train import data
from engine.train.session import Training
from tests.lecture.lesson_networks import GOAL


def failing(figures: list[Figure]) -> set[str]:
    return {figure.what for figure in figures if not figure.holds}


def id_of(graph: Graph, name: str) -> str:
    found = graph.id_of(name)
    assert found is not None
    return found


def test_a_pattern_that_is_wrong_is_seen() -> None:
    graph = examples.load("parity")
    edits.set_recipe(graph, epochs=1).apply(graph)
    patterns = graph.tensors[id_of(graph, "patterns")].copy()
    patterns[0, 0] *= -1
    edits.set_tensor(id_of(graph, "patterns"), patterns).apply(graph)
    assert failing(depth.parity(graph, 0)) == {
        "largest error of one hidden layer", "accuracy of the network that learns it",
    }  # fmt: skip


def test_a_flat_network_that_differs_is_seen() -> None:
    graph = examples.load("modules")
    edits.set_recipe(graph, epochs=1).apply(graph)
    edits.disconnect(id_of(graph, "r"), "a").apply(
        graph
    )  # without the way around the residual block
    edits.connect(id_of(graph, "qz"), id_of(graph, "r"), "a").apply(graph)
    found = failing(depth.modules(graph, 0))
    assert "largest difference of a value, flat beside modules" in found
    assert "largest difference of a gradient, flat beside modules" in found
    assert "loss of the unpacked network less that with modules" not in found


def test_one_layer_that_can_is_seen() -> None:
    """OR instead of XOR."""
    graph = examples.load("logistic-xor")
    (key,) = (k for k in graph.tensors if k.endswith(".y"))
    edits.set_tensor(key, np.array([[0.0], [1.0], [1.0], [1.0]])).apply(graph)
    assert failing(networks.logistic_xor(graph, 0)) == {
        "loss of one layer", "best accuracy of one layer at any time",
    }  # fmt: skip


def test_too_few_units_are_seen() -> None:
    graph = examples.load("approximation")
    edits.set_recipe(graph, epochs=20).apply(graph)
    assert len(failing(networks.approximation(graph, 0))) >= 3


def test_a_spiral_that_is_not_learnt_is_seen() -> None:
    graph = examples.load("spiral-depth")
    edits.set_recipe(graph, epochs=2).apply(graph)
    assert len(failing(networks.spiral_depth(graph, 0))) >= 3


def test_a_layer_that_learnt_nothing_is_seen() -> None:
    graph = examples.load("features")
    edits.set_recipe(graph, learning_rate=0.0).apply(graph)
    assert "the same by hidden values after training" in failing(networks.features(graph, 0))


def test_a_baseline_that_is_not_ahead_is_seen() -> None:
    graph = examples.load("data-size")
    edits.set_recipe(graph, epochs=1).apply(graph)
    (name, source), *_ = graph.sources.items()
    edits.set_source(name, replace(source, options={"training_rows": 3})).apply(graph)
    assert failing(networks.data_size(graph, 0))


@pytest.mark.parametrize("seed", range(3))
def test_the_shallow_network_of_the_lesson_is_far_behind(seed: int) -> None:
    """When the deep one reaches what the student waits for, which takes about a hundred epochs."""
    training = Training(lessons.load("deep-networks"), seed=seed)
    for _ in range(20):
        training.run(10 * training.steps_per_epoch)
        held = training.metrics()["validation"]
        if held["accuracy_deep"] > GOAL:
            break
    assert held["accuracy_deep"] > GOAL and held["accuracy_shallow"] < GOAL - 0.2
    assert 20 <= training.epoch <= 150


def test_both_networks_of_the_lesson_have_as_many_parameters() -> None:
    graph = lessons.load("deep-networks")
    counts = {"shallow": 0, "deep": 0}
    for path, value in Training(graph).parameters().items():
        name = graph.name(path.partition(".")[0])
        counts["shallow" if name in ("fold", "shallow") else "deep"] += value.size
    assert counts == {"shallow": 141, "deep": 141}


def test_the_circuit_of_the_lesson_is_parity() -> None:
    graph = lessons.load("deep-networks")
    for number in range(8):
        bits = [number >> place & 1 for place in range(3)]
        for name, bit in zip("abc", bits, strict=True):
            edits.set_tensor(id_of(graph, name), float(bit)).apply(graph)
        found = evaluate(graph, data.feeds(graph))
        assert float(found.values[id_of(graph, "abc")]) == sum(bits) % 2
