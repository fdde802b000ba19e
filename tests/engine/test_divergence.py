"""Training that leaves the finite numbers says where, and why, with the right numbers."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from networks import layered, network

from engine import edits
from engine.compose import compose
from engine.graph import Graph
from engine.ops.row import Array
from engine.train import data_checks, divergence
from engine.train.session import DivergedError, Training

LINE = "z = x @ W + b\nloss = mse(z, y)"


def told(graph: Graph, steps: int = 2000) -> str:
    training = Training(graph)
    with pytest.raises(DivergedError) as caught:
        training.run(steps)
    assert all(np.isfinite(v).all() for v in training.parameters().values())
    return str(caught.value)


def data(rows: int = 50) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    x = random.standard_normal((rows, 3))
    return x, x @ np.array([[1.0], [-2.0], [3.0]])


def line(x: Array, y: Array, rate: float, **recipe: object) -> Graph:
    start = {"W": np.array([[0.4], [0.1], [-0.3]]), "b": np.zeros(1)}
    return network(LINE, x, y, start, learning_rate=rate, **recipe)


def test_a_linear_output_with_too_large_a_rate() -> None:
    """The growth that is told is that of descent written out in NumPy, and so is the loss of the rate
    that is tried."""
    x, y = data()
    message = told(line(x, y, 1.5))
    found = re.search(r"step (\d+): .*W grew (\d+) times in (\d+) steps; try ([\d.e-]+)", message)
    assert found is not None, message
    step, factor, span, rate = (float(n) for n in found.groups())
    w, b, norms = np.array([[0.4], [0.1], [-0.3]]), np.zeros(1), []
    with np.errstate(all="ignore"):
        for _ in range(int(step)):
            norms.append(float(np.linalg.norm(w)))
            e = x @ w + b - y
            w, b = w - 1.5 * 2 * x.T @ e / 50, b - 1.5 * 2 * e.mean(0)
    assert norms[-1] / norms[-1 - int(span)] == pytest.approx(factor, rel=0.05)
    assert factor >= divergence.GREW > norms[-1] / norms[-int(span)]  # in no fewer steps
    stable = 2 / (2 * np.linalg.eigvalsh(np.cov(x.T, bias=True)).max() + 0.2)
    assert rate < 1.5 and rate <= stable * 1.2
    Training(line(x, y, rate)).run(500)


def test_the_rate_that_is_tried_really_helps() -> None:
    x, y = data()
    program, start = layered("relu", [3, 8, 1], np.sqrt(2))
    message = told(network(program + "\nloss = mse(z, y)", x, y, start, learning_rate=10.0))
    found = re.search(r"try ([\d.e-]+), which takes the loss from ([\d.]+) to ([\d.]+)", message)
    assert found is not None, message
    rate, before, after = map(float, found.groups())
    training = Training(network(program + "\nloss = mse(z, y)", x, y, start, learning_rate=rate))
    training.run(divergence.TRIED)
    assert training.history[0] == pytest.approx(before, rel=1e-3)
    assert training.history[-1] == pytest.approx(after, rel=1e-3)
    assert after < before


@pytest.mark.parametrize(
    ("scale", "wanted"), [(5e4, "standardize the data"), (1.0, "learning rate 1.5 is too large")]
)
def test_data_that_are_not_standardized(scale: float, wanted: str) -> None:
    x, y = data()
    message = told(line(x * scale, y, 1.5))
    assert wanted in message
    assert ("x reaches" in message) is (scale > 1)


def test_data_that_are_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that are streamed are not looked through before training begins."""
    monkeypatch.setattr(data_checks, "check", lambda *told: None)
    x, y = data()
    x[4, 1] = x[7, 2] = np.nan
    message = told(line(x, y, 0.1), 1)
    assert "x is data and holds 2 of 150 numbers that are not finite" in message


@pytest.mark.parametrize(
    ("program", "x", "w", "wanted"),
    [
        ("q = y / (x @ W)\nloss = mean(q ^ 2)", 0.0, 1.0, r"q is .*: q|q is .* is 0, where this has no"),
        ("q = log(x @ W)\nloss = mean(q * y)", 0.0, 1.0, "is 0, where this has no finite value"),
        ("q = sqrt(x @ W)\nloss = mean(q * y)", 1.0, -2.0, "is -2, where this has no value"),
        ("q = exp(x @ W)\nloss = mean(q * y)", 1.0, 800.0, "of size 800 is beyond the largest number"),
    ],
)  # fmt: skip
def test_no_value_at_the_start(program: str, x: float, w: float, wanted: str) -> None:
    message = told(network(program, np.full((4, 1), x), np.ones((4, 1)), {"W": np.array([[w]])}), 1)
    assert re.search(wanted, message), message
    assert "step 1: q is not a finite number" in message
    assert "change the values it starts from" in message


def test_one_step_beyond_the_largest_number() -> None:
    x, y = data()
    assert "one step took the parameters beyond the largest number" in told(line(x, y, 1e308))


def test_a_gradient_that_grows_on_its_way_back() -> None:
    """Eight layers of gain 3: the first layers move thousands of times as far as the last."""
    x, y = data()
    program, start = layered("tanh", [3, *[16] * 9, 1], 1.0)
    start["W10"] *= 1e-4
    calm = network(program + "\nloss = mse(z, y)", x, y, start, learning_rate=1e60)
    assert "grows from layer to layer" not in told(calm)
    program, start = layered("relu", [3, *[16] * 9, 1], 30.0)
    start["W1"] *= 1e-14
    grown = network(program + "\nloss = mse(z, y)", x, y, start, learning_rate=1.0)
    message = told(grown)
    assert "the gradient grows from layer to layer" in message
    assert "W1 moved" in message or "b1 moved" in message


def test_a_sound_training_says_nothing() -> None:
    x, y = data()
    Training(line(x, y, 0.1)).run(500)


def test_a_planted_defect_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no threshold for data, the sentence about them would not come."""
    x, y = data()
    monkeypatch.setattr(divergence, "LARGE_DATA", 1e9)
    assert "standardize" not in told(line(x * 5e4, y, 1.5))


@pytest.mark.parametrize(
    ("program", "rate", "said"),
    [
        ("J = v ^ 4 + sum(cholesky(w))", 1.0, "v^4 is ∞"),
        ("J = v ^ 4 + sum(cholesky(w + 0 * v))", 1e300, "v is not a finite number"),
    ],
)
def test_a_row_that_refuses_its_operands_on_the_way_back(
    program: str, rate: float, said: str
) -> None:
    """At the rates that are tried, or behind what is not finite: the last finite state stays."""
    start = {"v": np.array(1e60), "w": 2 * np.eye(2)}
    graph = compose(program, start)
    for name in start:
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter"))
    graph.put("settings", "recipe", graph.recipe.changed(learning_rate=rate, epochs=1))
    training = Training(graph)
    with pytest.raises(DivergedError, match=re.escape(said)):
        training.run()
        training.run()
    found = training.parameters()
    assert all((found[str(graph.id_of(name))] == value).all() for name, value in start.items())


def test_a_loss_that_only_grows_is_stopped_while_it_is_finite() -> None:
    """Least squares at a rate beyond 2 over the largest curvature: no number leaves the finite ones for
    hundreds of steps, and the learner is told within a few."""
    graph = compose("p = x * w\nloss = mean((p - 3 * x)^2)", {"x": np.arange(1.0, 5.0), "w": 0.1})
    node = graph.nodes[str(graph.id_of("w"))]
    graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    edits.set_recipe(graph, learning_rate=0.5).apply(graph)
    training = Training(graph)
    with pytest.raises(DivergedError) as caught:
        training.run(1000)
    told = str(caught.value)
    assert (
        "has grown to" in told
        and "learning rate 0.5 is too large: w grew" in told
        and "try 0.1" in told
    )
    assert training.step_count < 12 and np.isfinite(training.parameters()[node.id])


def test_a_loss_may_grow_a_lot_without_having_diverged() -> None:
    graph = compose("loss = (w - 1)^2", {"w": 1.0})
    node = graph.nodes[str(graph.id_of("w"))]
    graph.put("nodes", node.id, replace(node, op="parameter", options={}))
    training = Training(graph)
    training.run(2)
    training.set_parameter(node.id, 900.0)  # from a loss of 0 to one of 808,201
    training.run(3)
