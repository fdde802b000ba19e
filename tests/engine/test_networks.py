"""Normalization in training, embedding, attention and recurrent cells, beside PyTorch where it has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import edits, ops
from engine.compose import compose
from engine.derive import derive
from engine.differentiate import differentiate
from engine.evaluate import evaluate
from engine.expansion import Expansion, state_updates
from engine.graph import Graph, Source
from engine.program import Plan
from engine.shapes import ShapeError, Spec
from engine.train.session import Training

pytestmark = pytest.mark.filterwarnings("error")
SOURCE = ops.TABLE["input"]


def drawn(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.uniform(0.2, 2.0, shape) for shape in shapes]


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 4, 2)])
def test_batch_norm_in_training_against_torch(shape: tuple[int, ...]) -> None:
    """Values, gradients and the running statistics of three steps."""
    torch = pytest.importorskip("torch", reason="the test environment installs torch")
    layer = torch.nn.BatchNorm2d(3, momentum=0.3, dtype=torch.float64)
    layer._check_input_dim = lambda x: None
    gain, bias, mean, variance = drawn((3,), (3,), (3,), (3,))
    for name, value in (
        ("weight", gain), ("bias", bias), ("running_mean", mean), ("running_var", variance)
    ):  # fmt: skip
        getattr(layer, name).data = torch.tensor(value)
    row = ops.TABLE["batch_norm"]
    parameter = ops.TABLE["parameter"]
    state = {"mean": mean, "variance": variance}
    for step in range(3):
        x = np.random.default_rng(step).standard_normal(shape) * 3 + 1
        expansion = Expansion(training=True)
        for name, value in {"x": x, "gain": gain, "bias": bias, **state}.items():
            expansion.source(name, parameter, value)
        seed = expansion.source("seed", SOURCE, np.cos(np.arange(x.size)).reshape(shape))
        operands = ("x", "gain", "bias", "mean", "variance")
        expansion.add("y", row, operands, {**row.defaults(), "momentum": 0.3})
        product = expansion.append(ops.MUL, ("y", seed))
        total = expansion.append(ops.SUM, (product,), ops.SUM.defaults())
        adjoint = differentiate(expansion, total, operands).adjoint
        assert "mean" not in adjoint and "variance" not in adjoint
        updates = state_updates(expansion, "y")
        plan = Plan(expansion, ["y", *adjoint.values()], assign=updates)
        plan.run()
        state = {name: plan.value(name).copy() for name in state}

        given = torch.tensor(x, requires_grad=True)
        layer.zero_grad()
        theirs = layer(given)
        (theirs * torch.tensor(plan.value(seed))).sum().backward()
        np.testing.assert_allclose(plan.value("y"), theirs.detach().numpy(), 1e-10, 1e-12)
        for name, grad in (
            ("x", given.grad),
            ("gain", layer.weight.grad),
            ("bias", layer.bias.grad),
        ):
            np.testing.assert_allclose(plan.value(adjoint[name]), grad.numpy(), 1e-9, 1e-11)
        np.testing.assert_allclose(state["mean"], layer.running_mean.numpy(), 1e-12)
        np.testing.assert_allclose(state["variance"], layer.running_var.numpy(), 1e-12)


@pytest.mark.peer
def test_a_wrong_running_statistic_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defect the test above is there for."""
    row = ops.TABLE["batch_norm"]
    wrong = {**row.updates, "variance": f"1.001 * ({row.updates['variance']})"}
    monkeypatch.setitem(ops.TABLE, "batch_norm", replace(row, updates=wrong))
    with pytest.raises(AssertionError):
        test_batch_norm_in_training_against_torch((5, 3))


def test_the_statistics_of_a_single_row_are_finite() -> None:
    expansion = Expansion(training=True)
    for name, value in zip(("x", "a", "b", "m", "v"), drawn((1, 2), *[(2,)] * 4), strict=True):
        expansion.source(name, ops.TABLE["parameter"], value)
    row = ops.TABLE["batch_norm"]
    expansion.add("y", row, ("x", "a", "b", "m", "v"), row.defaults())
    plan = Plan(expansion, ["y"], assign=state_updates(expansion, "y"))
    plan.run()
    assert np.isfinite(plan.value("v")).all() and np.isfinite(plan.value("y")).all()


def picture_net(batch: int) -> Graph:
    """Pictures whose upper or lower half is bright, to a logit by convolution and batch norm."""
    random = np.random.default_rng(0)
    target = random.integers(0, 2, 50)
    pictures = random.standard_normal((50, 1, 6, 6))
    pictures[target == 1, :, :3] += 1.0
    pictures[target == 0, :, 3:] += 1.0
    values = {
        "x": pictures, "t": target, "w": random.standard_normal((4, 1, 3, 3)) / 3, "a": np.ones(4),
        "b": np.zeros(4), "m": np.zeros(4), "v": np.ones(4), "W": random.standard_normal((36, 2)) / 6,
    }  # fmt: skip
    graph = compose(
        "h = batch_norm(conv2d(x, w, padding=1), a, b, m, v)\n"
        "loss = softmax_cross_entropy(flatten(max_pool2d(relu(h))) @ W, t)", values,
    )  # fmt: skip
    for name in ("w", "a", "b", "m", "v", "W"):
        node = graph.nodes[str(graph.id_of(name))]
        options = {"shape": np.shape(values[name]), "trainable": name not in "mv"}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    for name, field in (("x", "x"), ("t", "y")):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        options = {"source": "d", "field": field}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
        graph.put("tensors", f"d.{field}", values[name])
    graph.put("sources", "d", Source())
    recipe = {"loss": graph.id_of("loss"), "batch_size": batch, "learning_rate": 0.3}
    edits.set_recipe(graph, **recipe).apply(graph)
    return graph


def test_a_picture_net_learns_and_keeps_running_statistics() -> None:
    graph = picture_net(batch=16)  # the last batch of an epoch has 2 rows
    training = Training(graph)
    first = training.step()
    last = [training.step() for _ in range(6 * training.steps_per_epoch)][-4:]
    assert max(last) < 0.3 < 0.6 < first and training.metrics()["train"]["loss"] < 0.3
    moved = training.parameters()
    mean, variance = (moved[str(graph.id_of(name))] for name in "mv")
    assert (mean != 0).all() and (variance != 1).all() and (variance > 0).all()


def test_rows_read_twice_gather_both_gradients() -> None:
    table, weights = drawn((4, 2), (3, 2))
    found = derive(
        "J = sum(embedding(table, k) * w)",
        {"table": table, "k": np.array([2, 0, 2]), "w": weights}, ["table"],
    )  # fmt: skip
    expected = np.zeros((4, 2))
    np.add.at(expected, [2, 0, 2], weights)
    np.testing.assert_allclose(found.gradients["table"], expected, 1e-14)


@pytest.mark.parametrize("index", [4, -1, 0.5, np.nan])
def test_an_index_that_is_no_row_is_named(index: float) -> None:
    graph = compose(
        "J = sum(embedding(table, k))", {"table": np.ones((4, 2)), "k": np.array(index)}
    )
    assert f"index {index:g} is no row" in " ".join(evaluate(graph).faults.values())


def test_a_causal_query_sees_no_later_key() -> None:
    q, k, v = drawn((4, 3), (4, 3), (4, 2))
    program = "y = attention(q, k, v, causal=True)\nJ = sum(y[1]^2)"
    found = derive(program, {"q": q, "k": k, "v": v})
    assert not found.gradients["k"][2:].any() and not found.gradients["v"][2:].any()
    assert found.gradients["v"][:2].all()
    later = v.copy()
    later[2:] = 9.0
    other = derive(program, {"q": q, "k": k, "v": later})
    np.testing.assert_array_equal(other.nodes["y"][0][:2], found.nodes["y"][0][:2])
    assert not np.allclose(other.nodes["y"][0][2:], found.nodes["y"][0][2:])


def test_attention_does_not_overflow() -> None:
    q = np.full((1, 2, 2), 1e3)
    found = derive("y = attention(q, q, v)\nJ = sum(y)", {"q": q, "v": drawn((1, 2, 2))[0]})
    assert np.isfinite(found.nodes["y"][0]).all() and np.isfinite(found.gradients["q"]).all()


def test_equal_entries_are_normalized_to_nothing() -> None:
    found = derive(
        "y = layer_norm(x, a, b)\nJ = sum(y)",
        {"x": np.full((2, 3), 1e8), "a": np.ones(3), "b": np.zeros(3)},
    )
    assert not found.nodes["y"][0].any() and np.isfinite(found.gradients["x"]).all()


REFUSED: list[tuple[str, dict[str, Any], tuple[tuple[int, ...], ...], str]] = [
    ("layer_norm", {}, ((2, 3), (2,), (3,)), "2 is not one number for each entry of a row"),
    ("layer_norm", {}, ((), (1,), (1,)), "a single number has no mean"),
    ("layer_norm", {"eps": -1.0}, ((2, 3), (3,), (3,)), "eps is -1"),
    ("group_norm", {"groups": 2}, ((2, 3, 4), (3,), (3,)), "3 channels cannot be parted into 2"),
    ("group_norm", {}, ((3,), (3,), (3,)), "has no channels"),
    ("batch_norm", {}, ((2, 3), (3,), (3,), (3,), (2,)), "not one number for each channel"),
    ("batch_norm", {}, ((3,), (3,), (3,), (3,), (3,)), "has no channels"),
    ("batch_norm", {"momentum": 2}, ((2, 1), (1,), (1,), (1,), (1,)), "momentum is 2"),
    ("embedding", {}, ((), (3,)), "a table has rows"),
    ("embedding", {}, ((0, 2), (3,)), "the table has no rows"),
    ("attention", {}, ((2, 3), (2, 4), (2, 3)), "differ in the last axis"),
    ("attention", {}, ((2, 3), (2, 3), (3, 3)), "differ in their rows"),
    ("attention", {}, ((3,), (2, 3), (2, 3)), "queries and keys are matrices"),
    ("rnn_cell", {}, ((2, 3), (3, 2), (3, 2), (2, 2), (2,)), "x 2×3 and h 3×2"),
    ("rnn_cell", {}, ((2, 3), (2, 2), (2, 3), (2, 2), (2,)), "W is 2×3 and must be 3×2"),
    ("gru_cell", {}, ((2, 3), (2, 2), (3, 6), (2, 6), (6,), (2,)), "a bias is 2; give a vector of 6"),
    ("lstm_memory", {}, ((2, 3), (2, 2), (2, 3), (3, 8), (2, 8), (8,)), "c 2×3 has another shape"),
    ("lstm_output", {}, ((2, 3), (2, 2), (2, 2), (3, 8), (2, 6), (8,)), "U is 2×6 and must be 2×8"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "options", "shapes", "message"), REFUSED)
def test_what_does_not_fit_is_said(
    row: str, options: dict[str, Any], shapes: tuple[tuple[int, ...], ...], message: str
) -> None:
    op = ops.TABLE[row]
    with pytest.raises(ShapeError, match=message):
        op.shape({**op.defaults(), **options}, *map(Spec, shapes))
