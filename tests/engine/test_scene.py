"""A document at a moment: values, gradients and losses against the same by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import examples
from engine.compose import compose
from engine.graph import Graph, Source, Stage
from engine.probes import PROBES
from engine.train.roles import roles
from engine.train.scene import Scene
from engine.train.session import Training


def test_losses_and_gradients_are_those_of_training_at_every_moment() -> None:
    graph = examples.load("xor")
    scene, training = Scene(graph), Training(graph)
    for _ in range(3):
        training.run(5)
        scene.at(training.parameters(), training.step_count)
        rows = scene.rows()
        assert scene.loss(rows) == pytest.approx(
            training.metrics()["train"][graph.name(training.loss_node)], rel=1e-12
        )
        before = {n: v.copy() for n, v in scene.parameters.items()}
        name = training.wrt[0]
        gradient = scene.gradients([name])[name]
        h, at = 1e-6, (0,) * gradient.ndim
        sides = []
        for sign in (1, -1):
            moved = {**before, name: before[name].copy()}
            moved[name][at] += sign * h
            scene.at(moved, 0)
            sides.append(scene.loss())
        assert gradient[at] == pytest.approx((sides[0] - sides[1]) / (2 * h), abs=1e-7)


def test_the_rows_are_those_that_the_last_stage_reads() -> None:
    """Stages on other data with other numbers of rows: pre-training on one source, then another."""
    random = np.random.default_rng(1)
    program = "z = tanh(x @ W)\nfirst = mse(z, y)\ns = tanh(u @ W)\nlast = mse(s, v)"
    graph = compose(program, {"W": random.standard_normal((3, 2)), **dict.fromkeys("xyuv", 0.0)})
    at = {name: str(graph.id_of(name)) for name in ("W", *"xyuv", "first", "last")}
    graph.put("nodes", at["W"], replace(graph.nodes[at["W"]], op="parameter"))
    for source, names, rows in (("d", "xy", 10), ("e", "uv", 7)):
        graph.put("sources", source, Source())
        for name, field, width in zip(names, "xy", (3, 2), strict=True):
            options = {"source": source, "field": field}
            graph.put("nodes", at[name], replace(graph.nodes[at[name]], op="data", options=options))
            graph.put("tensors", at[name], None)
            graph.put("tensors", f"{source}.{field}", random.standard_normal((rows, width)))
    stages = tuple(Stage(loss=at[n], epochs=2, batch_size=3) for n in ("first", "last"))
    graph.put("settings", "recipe", replace(graph.recipe, stages=stages))
    training, scene = Training(graph), Scene(graph)
    training.run()
    scene.at(training.parameters(), training.step_count)
    made = np.tanh(graph.tensors["e.x"] @ training.parameters()[at["W"]])
    assert len(scene.rows()) == 7
    assert scene.loss() == pytest.approx(np.mean((made - graph.tensors["e.y"]) ** 2))
    assert scene.loss() == pytest.approx(training.metrics()["train"]["last"])


def test_rows_are_spread_evenly_and_only_thinned_when_there_are_more() -> None:
    scene = Scene(examples.load("softmax-digits"))
    every = scene.rows()
    assert len(scene.rows(limit=10)) == 10 and set(scene.rows(limit=10)) <= set(every)
    assert scene.rows(limit=10**6) is every
    assert not set(scene.rows("validation")) & set(every)


def test_a_node_may_be_held_in_place_of_what_it_computes() -> None:
    graph = compose("h = tanh(x)\ny = h * h + 1", {"x": 0.5})
    scene = Scene(graph)
    h, y = str(graph.id_of("h")), str(graph.id_of("y"))
    held = np.array([1.0, 2.0, 3.0])
    assert scene.values([y], feeds={h: held})[y] == pytest.approx(held**2 + 1)
    assert scene.values([y])[y] == pytest.approx(np.tanh(0.5) ** 2 + 1)


def test_a_node_without_a_value_is_told_in_a_sentence() -> None:
    graph = Graph()
    with pytest.raises(ValueError, match="nothing to minimise"):
        Scene(graph).loss()


def test_a_loss_of_several_numbers_is_told_in_a_sentence_by_every_probe() -> None:
    graph = compose("J = (w * 2 - 1) ^ 2", {"w": np.array([2.0, 1.0])})
    node = graph.nodes[str(graph.id_of("w"))]
    graph.put("nodes", node.id, replace(node, op="parameter"))
    scene = Scene(graph)
    with pytest.raises(ValueError, match="J is not a single number; wrap it"):
        scene.loss()
    for name in ("flow", "ratios"):
        with pytest.raises(ValueError, match="J is not a single number; wrap it"):
            PROBES[name].answer(scene)


@pytest.mark.parametrize("name", ["xor", "softmax-digits", "your-csv"])
def test_roles_of_classifiers(name: str) -> None:
    graph = examples.load(name)
    found = roles(graph)
    assert graph.nodes[found.target].options["field"] == "y"
    assert [graph.nodes[n].options["field"] for n in found.inputs] == ["x"]
    assert found.prediction in {k.source for k in graph.all_links()}


def test_roles_of_an_autoencoder_and_of_none() -> None:
    graph = compose(
        "z = tanh(x @ w)\nr = z @ v\nloss = mean((r - x) ^ 2)",
        {"x": np.ones((2, 3)), "w": np.ones((3, 1)), "v": np.ones((1, 3))},
    )
    for name in ("w", "v"):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter"))
    found = roles(graph)
    assert (graph.name(found.prediction), graph.name(found.target)) == ("r", "x")
    assert roles(Graph()).loss == ""
