"""Training: right numbers, the same bits twice, and what happens when it cannot go on."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import edits, examples
from engine.compose import compose
from engine.graph import Graph, Source
from engine.train import running
from engine.train.minimum import minimize
from engine.train.problem import TrainingError
from engine.train.session import SAVE_EVERY, DivergedError, Training

CASES = Path(__file__).parents[1] / "published.json"


def regression(rows: int = 23, **recipe: Any) -> Graph:
    """Least squares with a hidden layer on a table of `rows` rows, some held out."""
    random = np.random.default_rng(5)
    x = random.standard_normal((rows, 3))
    y = np.sin(x @ [[1.0], [-2.0], [0.5]])
    values = {"x": 0.0, "y": 0.0, "W": random.standard_normal((3, 6)), "b": np.zeros(6),
              "V": random.standard_normal((6, 1))}  # fmt: skip
    graph = compose("h = tanh(x @ W + b)\nz = h @ V\nloss = mse(z, y)", values)
    for name in ("W", "b", "V"):
        node = graph.nodes[str(graph.id_of(name))]
        options = {"shape": np.shape(values[name]), "init": "xavier"}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    for name, value in (("x", x), ("y", y)):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        graph.put(
            "nodes", node.id, replace(node, op="data", options={"source": "d", "field": name})
        )
        graph.put("tensors", f"d.{name}", value)
    graph.put("sources", "d", Source())
    edits.set_recipe(graph, loss=graph.id_of("loss"), **recipe).apply(graph)
    return graph


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return set(a) == set(b) and all(a[k].tobytes() == b[k].tobytes() for k in a)


# ------------------------------------------------------------ numbers


@pytest.mark.parametrize("batch", [0, 5, 23, 100])
def test_one_epoch_is_done_by_hand(batch: int) -> None:
    """Against the same arithmetic written out in NumPy, the short last batch included."""
    graph = regression(batch_size=batch, learning_rate=0.1)
    training = Training(graph)
    assert training.steps_per_epoch == {0: 1, 5: 5, 23: 1, 100: 1}[batch]
    by_name = {graph.name(n): graph.tensors[n].copy() for n in training.wrt}
    w, b, v = by_name["W"], by_name["b"], by_name["V"]
    x, y = graph.tensors["d.x"], graph.tensors["d.y"]
    assert training.dataset is not None
    order = training.dataset.order(0, 0) if batch == 5 else np.arange(23)
    for first in range(0, 23, batch or 23):
        rows = order[first : first + (batch or 23)]
        h = np.tanh(x[rows] @ w + b)
        difference = h @ v - y[rows]
        upstream = 2 * difference / len(rows)
        inner = (upstream @ v.T) * (1 - h**2)
        assert training.step() == pytest.approx(np.mean(difference**2), rel=1e-13)
        w, b, v = w - 0.1 * x[rows].T @ inner, b - 0.1 * inner.sum(0), v - 0.1 * h.T @ upstream
    assert training.epoch == 1
    for node_id, value in training.parameters().items():
        wanted = {"W": w, "b": b, "V": v}[graph.name(node_id)]
        np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_same_seed_same_bits(optimizer: str, dtype: str) -> None:
    def run(seed: int | None, *parts: int) -> Training:
        graph = regression(batch_size=4, optimizer=optimizer, learning_rate=0.01)
        graph.put("settings", "dtype", dtype)
        training = Training(graph, seed=seed)
        for part in parts:
            training.run(part)
        return training

    whole, parts, other = run(3, 90), run(3, 7, 1, 50, 32), run(4, 90)
    assert whole.history == parts.history
    assert same(whole.parameters(), parts.parameters())
    assert whole.history != other.history
    assert {v.dtype for v in whole.parameters().values()} == {np.dtype(dtype)}


def test_the_document_stays_as_it_is() -> None:
    graph = regression(batch_size=4)
    before = {k: v.tobytes() for k, v in graph.tensors.items()}
    revision = graph.revision
    Training(graph, seed=1).run(20)
    assert {k: v.tobytes() for k, v in graph.tensors.items()} == before
    assert graph.revision == revision


def test_going_on_from_parameters() -> None:
    """Plain descent has no state: stopping, storing and loading changes nothing."""
    graph = regression(learning_rate=0.05)
    whole = Training(graph)
    whole.run(30)
    first = Training(graph)
    first.run(12)
    second = Training(graph)
    second.load_parameters(first.parameters())
    second.run(18)
    assert same(whole.parameters(), second.parameters())
    with pytest.raises(TrainingError, match="does not fit"):
        second.load_parameters({n: np.zeros(1) for n in second.wrt})


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("at", [0, 1, 6, 70])
@pytest.mark.parametrize("batch", [0, 4])
def test_going_on_from_a_state(optimizer: str, at: int, batch: int) -> None:
    """A new session that restores a state goes on bit by bit, through JSON and with live rates."""
    graph = regression(batch_size=batch, optimizer=optimizer, learning_rate=0.02)
    whole = Training(graph, seed=3)
    whole.run(at)
    whole.set_learning_rate(0.013)
    arrays, facts = whole.state()
    facts = json.loads(json.dumps(facts, allow_nan=False))
    other = Training(graph)
    other.restore({key: value.copy() for key, value in arrays.items()}, facts)
    whole.run(50)
    other.run(50)
    assert same(whole.parameters(), other.parameters())
    assert (whole.step_count, whole.epoch) == (other.step_count, other.epoch)
    assert whole.history[-50:] == other.history
    arrays.popitem()
    with pytest.raises(TrainingError, match="does not fit this document"):
        Training(graph).restore(arrays, facts)


def test_frozen_parameters_stay() -> None:
    graph = regression()
    b = graph.nodes[str(graph.id_of("b"))]
    graph.put("nodes", b.id, replace(b, options={**b.options, "trainable": False}))
    training = Training(graph)
    assert b.id not in training.wrt
    training.run(5)
    assert b.id not in training.parameters()


def test_learning_rate_changes_live() -> None:
    graph = regression(learning_rate=0.1)
    still, moved = Training(graph), Training(graph)
    still.run(3)
    moved.run(3)
    moved.set_learning_rate(0.0)
    before = moved.parameters()
    moved.run(4)
    assert same(before, moved.parameters())
    moved.set_learning_rate(0.1)
    moved.run(3)
    still.run(3)
    assert same(still.parameters(), moved.parameters())
    for wrong in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="learning rate"):
            moved.set_learning_rate(wrong)


def test_metrics_on_both_parts() -> None:
    graph = regression(batch_size=4)
    graph.put("sources", "d", Source(validation=0.3, seed=1))
    training = Training(graph)
    training.run(10)
    measured = training.metrics()
    by_name = {graph.name(n): v for n, v in training.parameters().items()}
    assert training.dataset is not None
    for part, rows in (
        ("train", training.dataset.train),
        ("validation", training.dataset.validation),
    ):
        x, y = graph.tensors["d.x"][rows], graph.tensors["d.y"][rows]
        z = np.tanh(x @ by_name["W"] + by_name["b"]) @ by_name["V"]
        assert measured[part] == {"loss": pytest.approx(np.mean((z - y) ** 2))}


def test_progress_can_end_a_run() -> None:
    training = Training(regression())
    training.run(50, lambda t: t.step_count < 7)
    assert training.step_count == len(training.history) == 7
    assert training.loss == training.history[-1]


# ------------------------------------------------------------ diverging


@pytest.mark.parametrize("lead", [0, 1, 10, SAVE_EVERY - 1, SAVE_EVERY, SAVE_EVERY + 1, 150])
def test_divergence_goes_back_to_the_last_finite_loss(
    lead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `lead` calm steps the learning rate jumps; the parameters kept give the last finite loss."""
    monkeypatch.setattr(running, "BLOWN", math.inf)  # up to the largest number
    graph = compose("y = w ** 4\nJ = y + 1", {"w": 1.5})
    edits.set_recipe(graph, learning_rate=1e-4).apply(graph)
    w = str(graph.id_of("w"))
    training = Training(graph, wrt=[w])
    seen = [float(training.parameters()[w])]
    for _ in range(lead):
        training.step()
        seen.append(float(training.parameters()[w]))
    training.set_learning_rate(10.0)
    with pytest.raises(DivergedError) as caught:
        for _ in range(100):
            training.step()
            seen.append(float(training.parameters()[w]))
    kept = float(training.parameters()[w])
    assert training.step_count == caught.value.step - 2
    assert kept == seen[training.step_count]
    assert len(training.history) == training.step_count
    assert math.isfinite(kept**4)
    assert caught.value.node == graph.id_of("y")
    assert "y is not a finite number any more (w^4 is ∞, where w is " in str(caught.value)
    assert "learning rate 10 is too large: w grew " in str(caught.value)
    training.set_learning_rate(1e-300)
    training.step()  # and it can go on


def test_divergence_with_batches_and_state() -> None:
    graph = regression(batch_size=4, optimizer="momentum", learning_rate=0.01)
    calm, wild = Training(graph, seed=2), Training(graph, seed=2)
    wild.run(100)
    wild.set_learning_rate(1e200)
    with pytest.raises(DivergedError):
        wild.run(100)
    assert wild.step_count >= 99
    calm.run(min(wild.step_count, 100))
    if wild.step_count <= 100:
        assert same(calm.parameters(), wild.parameters())
    assert all(np.isfinite(v).all() for v in wild.parameters().values())


def test_divergence_after_a_frozen_parameter_was_given_another_value() -> None:
    """The steps before it are done again with the value it had then."""
    graph = regression(learning_rate=0.05, epochs=1)
    frozen = str(graph.id_of("W"))
    stages = (*graph.recipe.stages, replace(graph.recipe.last, frozen=(frozen,), epochs=100))
    graph.put("settings", "recipe", replace(graph.recipe, stages=stages))
    training = Training(graph)
    training.run(10)
    training.set_parameter(frozen, np.full((3, 6), 0.3))
    training.run(10)
    good = training.parameters()
    training.set_learning_rate(1e200)
    with pytest.raises(DivergedError):
        training.run(20)
    assert training.step_count == 20 and same(training.parameters(), good)


def test_a_start_that_is_not_finite() -> None:
    graph = compose("y = log(w)\nJ = y ** 2", {"w": -1.0})
    training = Training(graph, wrt=[str(graph.id_of("w"))])
    with pytest.raises(
        DivergedError, match=r"step 1: y is not .* change the values it starts from"
    ):
        training.step()
    assert training.parameters()[str(graph.id_of("w"))] == -1.0


def test_an_update_beyond_the_finite_is_seen_at_the_end_of_a_run() -> None:
    graph = compose("J = w ** 2", {"w": 1e10})
    edits.set_recipe(graph, learning_rate=1e308).apply(graph)
    training = Training(graph, wrt=[str(graph.id_of("w"))])
    with pytest.raises(DivergedError) as caught:
        training.run(1)
    assert caught.value.node == graph.id_of("w")


# ------------------------------------------------------------ what cannot be trained


def _break(graph: Graph, how: str) -> None:
    if how == "empty port":
        graph.put("links", (str(graph.id_of("z")), "b"), None)
    elif how == "vector loss":
        edits.set_recipe(graph, loss=graph.id_of("z")).apply(graph)
    elif how == "no parameter":
        for name in ("W", "b", "V"):
            node = graph.nodes[str(graph.id_of(name))]
            options = {**node.options, "trainable": False}
            graph.put("nodes", node.id, replace(node, options=options))
    elif how == "no data":
        node = graph.nodes[str(graph.id_of("x"))]
        graph.put("nodes", node.id, replace(node, options={"source": "", "field": "x"}))
    elif how == "two sources":
        graph.put("sources", "e", Source())
        graph.put("tensors", "e.y", graph.tensors["d.y"])
        node = graph.nodes[str(graph.id_of("y"))]
        graph.put("nodes", node.id, replace(node, options={"source": "e", "field": "y"}))
    elif how == "misfit":
        node = graph.nodes[str(graph.id_of("V"))]
        options = {"shape": (7, 1), "init": "given"}
        graph.put("nodes", node.id, replace(node, options=options))
    elif how == "wrong shapes":
        edits.set_tensor("d.x", np.ones((23, 4))).apply(graph)
    elif how == "optimizer":
        edits.set_recipe(graph, optimizer="sdg").apply(graph)
    elif how == "setting":
        edits.set_recipe(graph, settings={"beta1": 0.5}).apply(graph)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("empty port", "z has an empty port; wire it before training"),
        ("vector loss", "z is not a single number; wrap it in mean"),
        ("no parameter", "loss does not depend on a trainable parameter"),
        ("no data", "x has no value; give it one or choose its data"),
        ("two sources", "the loss reads rows of d and of e"),
        ("misfit", "the value of V does not fit the data; reinitialise it"),
        ("wrong shapes", "23×4 @ 3×6 does not fit"),
        ("optimizer", "there is no optimizer 'sdg'"),
        ("setting", "sgd has no setting 'beta1'"),
    ],
)
def test_refused_in_a_sentence(how: str, said: str) -> None:
    graph = regression()
    _break(graph, how)
    with pytest.raises(ValueError) as caught:
        Training(graph)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_to_minimise() -> None:
    with pytest.raises(TrainingError, match="there is nothing to minimise"):
        Training(Graph())


def test_a_class_that_is_none() -> None:
    graph = examples.load("your-csv")
    graph.put("sources", "d", Source())
    graph.put("tensors", "d.x", np.ones((4, 4)))
    graph.put("tensors", "d.y", np.array([0, 1, 2, 5]))
    for name in ("x", "y"):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, options={"source": "d", "field": name}))
    for name, size in (("W2", (16, 3)), ("b2", (3,))):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, options={**node.options, "shape": size}))
    with pytest.raises(TrainingError, match="class 5 is not one of 0 to 2"):
        Training(graph).step()


# ------------------------------------------------------------ minimising without data


def setting_of(text: str) -> tuple[str, float, dict[str, float]]:
    """`momentum .6/.5` is a learning rate and a momentum; `GD .4` a learning rate."""
    method, numbers = text.split()
    lr, *rest = (float(n) for n in numbers.split("/"))
    settings = {"momentum": rest[0]} if rest else {}
    return {"GD": "sgd"}.get(method, method), lr, settings


published = [c for c in json.loads(CASES.read_text("utf-8")) if c["kind"] == "optimizer"]


@pytest.mark.parametrize("case", published, ids=lambda c: c["id"])
def test_published_optimizers(case: dict[str, Any]) -> None:
    name, lr, settings = setting_of(case["inputs"]["setting"])
    if name == "adagrad":
        settings["eps"] = case["inputs"]["eps"]
    graph = compose("f = 0.1*x1**2 + 2*x2**2", {"x1": -5.0, "x2": -2.0})
    found = minimize(graph, None, name, lr, 20, settings)
    ends = [float(found.final["x1"]), float(found.final["x2"])]
    np.testing.assert_allclose(ends, case["expected"]["x"], atol=case["tol"])
    assert len(found.history) == 20
    assert found.history[0] == 0.1 * 25 + 2 * 4
    assert found.value == pytest.approx(0.1 * ends[0] ** 2 + 2 * ends[1] ** 2)


def test_published_neuron() -> None:
    (case,) = [c for c in json.loads(CASES.read_text("utf-8")) if c["id"] == "F4"]
    values = {**case["inputs"], "x": 1.0, "y": 0.0}
    graph = compose("a = sigmoid(w*x + b)\nC = (y - a)**2 / 2", values)
    found = minimize(graph, ["w", "b"], "sgd", 0.15, 300)

    def output(value: float) -> float:
        return math.sqrt(2 * value)

    assert output(found.history[0]) == pytest.approx(case["expected"]["start"], abs=case["tol"])
    assert output(found.value) == pytest.approx(case["expected"]["end"], abs=case["tol"])


def test_minimize_only_what_is_named() -> None:
    def make() -> Graph:
        return compose("f = (a - 1)**2 + (b - 2)**2", {"a": 0.0, "b": 0.0})

    found = minimize(make(), ["b"], "sgd", 0.5, 1)
    assert found.final == {"b": 2.0} and found.value == 1.0
    with pytest.raises(
        TrainingError, match="c is nothing that can be minimised over; choose from: a, b"
    ):
        minimize(make(), ["c"])
    none = minimize(make(), None, "sgd", 0.5, 0)
    assert none.history == [] and none.value == 5.0
