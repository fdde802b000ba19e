"""Indices of every kind against NumPy, in values, shapes, gradients and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import ops
from engine.compose import compose, formula_of
from engine.derive import DeriveError, derive
from engine.evaluate import evaluate
from engine.expansion import Expansion
from engine.ops.indexing import pick_shape
from engine.program import Plan
from engine.shapes import ShapeError, Spec

pytestmark = pytest.mark.filterwarnings("error")
X = np.arange(24.0).reshape(2, 3, 4)


def random_index(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[str, list[np.ndarray]]:
    """Text with marks and the values for them: whole numbers, ranges, new axes, arrays and masks."""
    parts: list[str] = []
    values: list[np.ndarray] = []
    common = ((), (2,), (3, 1))[int(rng.integers(3))]
    axis = 0
    while axis < len(shape):
        n, kind = shape[axis], rng.random()
        if kind < 0.1:
            parts.append("None")
            continue
        if kind < 0.2 and "..." not in parts:
            parts.append("...")
            break
        if kind < 0.35:
            parts.append(str(int(rng.integers(-n, n))))
        elif kind < 0.6:
            bounds = [str(int(rng.integers(-n, n))) if rng.random() < 0.6 else "" for _ in range(2)]
            parts.append(":".join([*bounds, str(rng.choice([-2, -1, 1, 2]))]))
        elif kind < 0.9 or common == (3, 1):
            parts.append("#")
            values.append(rng.integers(-n, n, common))
        else:
            mask = np.zeros(n, bool)
            mask[:2] = True  # as many as the others of shape (2,) have
            parts.append("#")
            values.append(rng.permutation(mask))
        axis += 1
    return ", ".join(parts), values


def as_numpy(text: str, values: list[np.ndarray]) -> tuple[Any, ...]:
    left = iter(values)
    found: list[Any] = []
    for part in text.split(", "):
        if part == "#":
            found.append(next(left))
        elif part in ("...", "None"):
            found.append({"...": ..., "None": None}[part])
        elif ":" in part:
            found.append(slice(*(int(b) if b else None for b in part.split(":"))))
        else:
            found.append(int(part))
    return tuple(found)


def test_random_indices_are_numpys() -> None:
    """Values, shapes and gradients; NumPy's own scatter is the oracle of the gradient."""
    rng = np.random.default_rng(3)
    several = 0
    for _ in range(250):
        text, values = random_index(rng, X.shape)
        if not text:
            continue
        index = as_numpy(text, values)
        names = iter(f"k{i}" for i in range(len(values)))
        spelled = "".join(next(names) if c == "#" else c for c in text)
        given = {f"k{i}": v for i, v in enumerate(values)}
        expected = X[index]
        weights = rng.uniform(0.5, 1.5, expected.shape)
        found = derive(f"y = x[{spelled}]\nJ = sum(y * w)", {"x": X, "w": weights, **given}, ["x"])
        np.testing.assert_array_equal(found.nodes["y"][0], expected, spelled)
        scattered = np.zeros_like(X)
        np.add.at(scattered, index, weights)
        np.testing.assert_allclose(found.gradients["x"], scattered, 1e-15, 1e-15, err_msg=spelled)
        several += len(values) > 1
    assert several > 50


def test_a_shape_rule_that_forgets_where_dimensions_go_is_noticed() -> None:
    """The planted case: a slice between two arrays sends their dimensions to the front."""
    index = (Spec((2,), "int"), Spec((2,), "int"))
    assert pick_shape({"at": "#, :, #"}, Spec((2, 3, 4)), *index).shape == (2, 3)
    assert pick_shape({"at": ":, #, #"}, Spec((2, 3, 4)), *index).shape == (2, 2)
    assert pick_shape({"at": "0, :, #"}, Spec((2, 3, 4)), index[0]).shape == (2, 3)


@pytest.mark.parametrize(
    ("index", "value", "part"),
    [
        ("x[k]", 5.0, "the index 5 is not a whole number from -2 to 1"),
        ("x[0, k]", 0.5, "the index 0.5 is not a whole number from -3 to 2"),
        ("x[k, k, k, k]", 0, "2×3×4 has 3 of the 4 axes that are indexed"),
        ("x[k]", np.array([True, False, True]), "a mask of 3 does not fit the axes of 2 it picks from"),
        ("x[2, k]", 0, "index 2 is outside the value: axis 0 has size 2"),
        ("pick(x, k, at='#, #')", 0, "the index '#, #' has 2 places marked # and 1 values"),
        ("gather(x, k)", 0, "indices () do not fit 2×3×4; give as many axes"),
        ("x[0, 0, 0] + one_hot(k, classes=3)", 5, "class 5 is not one of 0 to 2"),
        ("x[0, 0, 0] + one_hot(k, classes=0)", 0, "there cannot be 0 classes"),
    ],
)  # fmt: skip
def test_refusals_are_sentences(index: str, value: Any, part: str) -> None:
    (message,) = evaluate(compose(f"y = {index}", {"x": X, "k": value})).faults.values()
    assert part in message


def test_masks_take_their_shape_from_their_values() -> None:
    """A mask that is computed is known once the point is: one expansion serves one point."""
    program = "m = x > t\ny = x[m]\nJ = sum(y^2)"
    for t, count in ((-1.0, 24), (11.5, 12), (22.0, 1), (99.0, 0)):
        found = derive(program, {"x": X, "t": t}, ["x"])
        assert found.nodes["y"][0].shape == (count,)
        np.testing.assert_array_equal(found.gradients["x"], np.where(X > t, 2 * X, 0))


def test_a_mask_that_picks_another_number_is_refused_by_the_plan() -> None:
    """Never a wrong value: buffers were made for the first count."""
    expansion = Expansion()
    expansion.source("x", ops.TABLE["input"], np.array([1.0, 2.0, 3.0]))
    mask = expansion.append(ops.TABLE["gt"], ("x", 1.5))
    assert isinstance(mask, str)
    expansion.add("y", ops.TABLE["pick"], ("x", mask), {"at": "#"})
    plan = Plan(expansion, ["y"])
    plan.set("x", np.array([5.0, 0.0, 7.0]))
    plan.run()
    assert plan.value("y").tolist() == [5.0, 7.0]
    plan.set("x", np.array([5.0, 6.0, 7.0]))
    with pytest.raises(ValueError, match="picks 3 entries now and 2 when the shapes were settled"):
        plan.run()


def test_a_mask_behind_a_fault_is_told_not_guessed() -> None:
    with pytest.raises(ShapeError, match="how many entries this mask picks is not known"):
        pick_shape({"at": "#"}, Spec((3,)), Spec((3,), "bool"))
    graph = compose("m = x[k] > 0\nJ = sum(y[m])", {"x": [1.0, 2.0], "k": 7.0, "y": 1.0})
    assert "the index 7" in " ".join(evaluate(graph).faults.values())


def test_no_derivative_flows_into_an_index() -> None:
    found = derive("J = sum(x[k]) + 0 * k", {"x": [1.0, 2.0], "k": 1.0})
    assert float(found.gradients["k"]) == 0.0
    with pytest.raises(DeriveError, match="the index"):
        derive("J = x[k]", {"x": [1.0, 2.0], "k": 2.0})


@pytest.mark.parametrize(
    "text",
    ["x[k]", "x[:, k]", "x[k, None, ..., ::-1]", "x[k, 0, j]", "x[..., None]", "x[-1, ::-2]"],
)
def test_indices_of_nodes_read_back(text: str) -> None:
    graph = compose(text, default=1.0)
    assert formula_of(graph, graph.output()) == text
    again = compose(formula_of(graph, graph.output()), default=1.0)
    assert [n.options for n in again.nodes.values()] == [n.options for n in graph.nodes.values()]


def test_repeated_indices_add_up_in_both_orders() -> None:
    found = derive("J = sum(x[k]^3)", {"x": [2.0, 3.0], "k": [0, 0, 1]}, ["x"], hessian=True)
    assert found.gradients["x"].tolist() == [24.0, 27.0]
    np.testing.assert_allclose(found.hessian["x"]["x"], [[24.0, 0.0], [0.0, 18.0]])
