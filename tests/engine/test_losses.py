"""Losses and metrics where their generated checks do not look: limits, refusals, options, people."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from networks import network

from engine import edits, ops
from engine.compose import compose
from engine.derive import derive
from engine.evaluate import evaluate
from engine.expansion import Expansion
from engine.graph import Source
from engine.program import Plan
from engine.shapes import ShapeError, Spec
from engine.train.session import Training

pytestmark = pytest.mark.filterwarnings("error")
SOURCE = ops.TABLE["input"]


def run(name: str, *values: Any, **options: Any) -> np.ndarray:
    op = ops.TABLE[name]
    expansion = Expansion()
    refs = [expansion.source(f"x{i}", SOURCE, np.asarray(v)) for i, v in enumerate(values)]
    plan = Plan(expansion, [expansion.add("y", op, tuple(refs), {**op.defaults(), **options})])
    plan.run()
    return plan.value("y")


# ---------------------------------------------------------------- limits


@pytest.mark.peer
def test_binary_cross_entropy_of_certain_probabilities_follows_torch() -> None:
    torch = pytest.importorskip("torch", reason="the test environment installs torch")
    p = np.array([0.0, 0.0, 1.0, 1.0, 1e-30, 0.5])
    t = np.array([0.0, 1.0, 1.0, 0.0, 0.5, 0.2])
    ours = derive("J = bce(p, t)", {"p": p, "t": t}, ["p"])
    theirs = torch.tensor(p, requires_grad=True)
    loss = torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(t))
    loss.backward()
    assert float(ours.value) == pytest.approx(loss.item(), rel=1e-12)
    # PyTorch's smallest denominator is 1e-12 as a float32
    np.testing.assert_allclose(ours.gradients["p"], theirs.grad.numpy(), rtol=1e-8)


def test_what_is_no_probability_is_refused() -> None:
    for wrong in (1.5, -0.1):
        with pytest.raises(ValueError, match="probabilities from 0 to 1; end with sigmoid"):
            run("bce", [0.5, wrong], [0.0, 1.0])
    graph = compose("J = bce(p, t)", {"p": 1.5, "t": 1.0})
    assert "needs probabilities" in evaluate(graph).faults[str(graph.id_of("J"))]


def test_the_divergence_of_an_impossible_class_costs_nothing() -> None:
    p = np.array([[0.5, 0.0, 0.5], [1.0, 0.0, 0.0]])
    q = np.array([[0.25, 0.25, 0.5], [0.5, 0.5, 0.0]])
    with np.errstate(divide="ignore"):
        log_q = np.log(q)
    assert float(run("kl_div", log_q, p)) == pytest.approx((0.5 * math.log(2) + math.log(2)) / 2)
    found = derive("J = kl_div(x, t)", {"x": log_q[:1], "t": p[:1]})
    assert np.isfinite(found.gradients["t"]).all()
    np.testing.assert_array_equal(found.gradients["x"], -p[:1])


def test_smoothed_targets_by_hand() -> None:
    """The same as the cross-entropy of targets that are mixed with the even distribution."""
    z = np.array([[1.0, -2.0, 0.5, 3.0], [0.0, 0.3, -0.2, 9.0]])
    k, share = np.array([2, 0]), 0.3
    mixed = (1 - share) * np.eye(4)[k] + share / 4
    expected = float(run("softmax_cross_entropy", z, mixed))
    for target in (k, np.eye(4)[k]):
        smoothed = float(run("softmax_cross_entropy", z, target, label_smoothing=share))
        assert smoothed == pytest.approx(expected, rel=1e-14)
    huge = [[1e300, -1e300, 0.0, 0.0]]
    assert math.isfinite(float(run("softmax_cross_entropy", huge, [0], label_smoothing=0.1)))


def test_log_softmax_and_nll_are_the_cross_entropy() -> None:
    given = {"z": np.array([[1.0, -2.0, 0.5], [0.0, 9.0, -0.2]]), "k": np.array([2, 0])}
    one = derive("J = nll(log_softmax(z), k)", given)
    other = derive("J = softmax_cross_entropy(z, k)", given)
    assert float(one.value) == pytest.approx(float(other.value), rel=1e-14)
    np.testing.assert_allclose(one.gradients["z"], other.gradients["z"], atol=1e-15)


def test_zero_vectors_have_no_direction_and_a_finite_gradient() -> None:
    zero, x = np.zeros((1, 3)), np.array([[1.0, 2.0, 2.0]])
    assert float(run("cosine_loss", zero, x)) == 1.0
    assert float(run("cosine_loss", 7 * x, x)) == pytest.approx(0.0, abs=1e-15)
    found = derive("J = sum(cosine_similarity(a, b))", {"a": zero, "b": zero}, hessian=True)
    assert all(np.isfinite(h).all() for row in found.hessian.values() for h in row.values())


def test_equal_vectors_of_a_triplet_have_gradient_zero() -> None:
    same = np.array([[1.0, 2.0]])
    given = {"a": same, "p": same, "n": same + np.array([[0.0, 0.5]])}
    found = derive("J = triplet(a, p, n)", given)
    assert float(found.value) == 0.5
    np.testing.assert_array_equal(found.gradients["p"], [[0.0, 0.0]])
    np.testing.assert_allclose(found.gradients["n"], [[0.0, -1.0]])
    np.testing.assert_allclose(found.gradients["a"], [[0.0, 1.0]])


def test_huge_errors_do_not_overflow_where_the_loss_does_not() -> None:
    for name in ("huber", "smooth_l1", "mae"):
        assert math.isfinite(float(run(name, 1e300, 0.0)))
        assert math.isfinite(float(run(name, [1e300], [0.0])))


def test_a_smooth_l1_is_a_huber_over_its_width() -> None:
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, 40)) * 3
    for width in (0.3, 1.0, 2.5):
        huber, smooth = run("huber", p, t, delta=width), run("smooth_l1", p, t, beta=width)
        assert float(smooth) == pytest.approx(float(huber) / width, rel=1e-14)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("name", "shapes", "options", "message"),
    [
        ("huber", ((3,), (3,)), {"delta": 0.0}, "delta is 0; give a number above 0"),
        ("smooth_l1", ((3,), (3,)), {"beta": -1.0}, "beta is -1; give a number above 0"),
        ("mae", ((3,), (3, 1)), {}, "differ in shape; reshape the target"),
        ("softmax_cross_entropy", ((2, 3), (2,)), {"label_smoothing": 2.0}, "give a share from 0 to 1"),
        ("kl_div", ((), ()), {}, "compares rows of numbers; give it vectors"),
        ("multi_margin", ((2, 3), (2, 3)), {}, "a row of scores for each class index, the target 2"),
        ("triplet", ((3,), (3,), (2,)), {}, "3 and 3 and 2 differ in shape"),
        ("cosine_similarity", ((), ()), {"axis": -1}, "only vectors have a direction"),
        ("cosine_similarity", ((3,), (3,)), {"axis": 1}, "there is no axis 1"),
        ("max_norm", ((0,),), {}, "no largest of no entries"),
        ("top_k_accuracy", ((4, 3), (4,)), {"k": 0}, "k is 0; give a whole number of 1 or more"),
        ("confusion_matrix", ((4, 3), (3,)), {}, "one class index a row"),
        ("r2", ((), ()), {}, "give both one row a case"),
    ],
)  # fmt: skip
def test_operands_that_do_not_suit_are_said(
    name: str, shapes: tuple, options: dict, message: str
) -> None:
    op = ops.TABLE[name]
    with pytest.raises(ShapeError, match=message):
        op.shape({**op.defaults(), **options}, *(Spec(s) for s in shapes))


# ---------------------------------------------------------------- metrics

LOGITS = np.array([[3.0, 2.0, 1.0], [0.0, 5.0, 1.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
CLASSES = np.array([0, 2, 2, 0])


def test_top_k_by_hand() -> None:
    shares = [float(run("top_k_accuracy", LOGITS, CLASSES, k=k)) for k in (1, 2, 3, 5)]
    assert shares == [0.5, 0.75, 1.0, 1.0]
    assert shares[0] == float(run("accuracy", LOGITS, CLASSES))
    one_hot = np.eye(3)[CLASSES]
    assert float(run("top_k_accuracy", LOGITS, one_hot, k=2)) == 0.75
    assert float(run("top_k_accuracy", LOGITS * math.nan, CLASSES, k=3)) == 0.0


def test_confusion_by_hand() -> None:
    expected = [[2, 0, 0], [0, 0, 0], [1, 1, 0]]  # down the true class, across the guess
    for target in (CLASSES, np.eye(3)[CLASSES]):
        table = run("confusion_matrix", LOGITS, target)
        assert table.dtype == np.int64
        np.testing.assert_array_equal(table, expected)
    binary = run("confusion_matrix", [[1.0], [-1.0], [2.0], [-3.0]], [[1], [1], [0], [0]])
    np.testing.assert_array_equal(binary, [[1, 1], [1, 1]])
    np.testing.assert_array_equal(
        run("confusion_matrix", [1.0, -1.0, 2.0], [1, 0, 0]), [[1, 1], [0, 1]]
    )
    with pytest.raises(ValueError, match="class 3 is not one of 0 to 2"):
        run("confusion_matrix", LOGITS, [0, 3, 1, 2])
    assert not run("confusion_matrix", np.zeros((0, 3)), np.zeros(0, np.int64)).any()


def test_r2_by_hand() -> None:
    target = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 60.0]])
    assert float(run("r2", target, target)) == 1.0
    assert float(run("r2", np.broadcast_to(target.mean(0), (3, 2)), target)) == 0.0
    assert float(run("r2", [1.0, 2.0, 4.0], [1.0, 2.0, 3.0])) == pytest.approx(1 - 1 / 2)
    assert np.isnan(run("r2", [1.0, 1.0], [1.0, 1.0]))  # of a target that does not vary


def test_losses_that_a_loss_is_made_of_are_measured() -> None:
    """Those of data beside the metrics; a penalty on parameters and what is under another loss are not."""
    program = (
        "z = x @ W\nfirst = mse(z, y)\nsecond = mae(z, y)\npenalty = l2(W)\n"
        "other = huber(z, y)\nJ = first + second + penalty"
    )
    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    graph = network(program.replace("J =", "loss ="), x, x[:, :1], {"W": np.ones((2, 1))})
    told = Training(graph).metrics()["train"]
    assert set(told) == {"loss", "first", "second"}
    off = x.sum(axis=1) - x[:, 0]
    assert told["first"] == pytest.approx(np.mean(off**2), rel=1e-12)
    assert told["second"] == pytest.approx(np.mean(np.abs(off)), rel=1e-12)


def test_metrics_of_a_run() -> None:
    """Single numbers are reported with the loss; a table is not, and stops nothing."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.integers(0, 3, 20)
    program = (
        "z = x @ W\ntable = confusion_matrix(z, y)\ntop = top_k_accuracy(z, y, 2)\n"
        "J = softmax_cross_entropy(z, y, 0.1)"
    )
    graph = compose(program, {"x": x, "y": y, "W": np.zeros((3, 3))})
    w = graph.nodes[str(graph.id_of("W"))]
    graph.put("nodes", w.id, replace(w, op="parameter", options={"shape": (3, 3), "init": "he"}))
    for name, value in (("x", x), ("y", y)):
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("tensors", node.id, None)
        options = {"source": "d", "field": name}
        graph.put("nodes", node.id, replace(node, op="data", options=options))
        graph.put("tensors", f"d.{name}", value)
    graph.put("sources", "d", Source(validation=0.3))
    edits.set_recipe(graph, loss=graph.id_of("J"), batch_size=4).apply(graph)
    training = Training(graph, seed=0)
    training.run(12)
    told = training.metrics()
    assert set(told["train"]) == set(told["validation"]) == {"J", "top"}
    assert all(math.isfinite(v) for part in told.values() for v in part.values())
