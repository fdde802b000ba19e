"""Jacobians and Hessians: every entry against differences and against formulas worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine import check, matrices
from engine.compose import compose
from engine.differentiate import differentiate
from engine.expansion import Expansion
from engine.flatten import expand
from engine.graph import Graph
from engine.matrices import Axis, MatrixError


def _expanded(program: str, **values: object) -> tuple[Graph, Expansion, dict[str, str]]:
    graph = compose(program, {k: np.asarray(v, np.float64) for k, v in values.items()})
    return graph, expand(graph), {node.name: n for n, node in graph.nodes.items()}


def test_a_jacobian_is_that_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=3), rng.normal(size=(2, 3))
    _, expansion, ids = _expanded("y = tanh(W @ x)", W=w, x=x)
    found = matrices.jacobian(expansion, {"y": ids["y"]}, {"W": ids["W"], "x": ids["x"]})
    assert found.values.shape == (2, 9) and np.isnan(found.values).all()
    assert found.advance() and found.is_whole
    slope = 1 - np.tanh(w @ x) ** 2
    by_w = np.einsum("i,ij,k->ijk", slope, np.eye(2), x).reshape(2, 6)
    np.testing.assert_allclose(found.values, np.hstack([by_w, slope[:, None] * w]), 1e-12, 1e-14)
    assert [found.columns.label(k) for k in (0, 4, 6, 8)] == ["W[0,0]", "W[1,1]", "x[0]", "x[2]"]
    assert found.rows.label(1) == "y[1]" and found.columns.borders == (6,)


def test_a_hessian_is_symmetric_and_agrees_with_differences_of_gradients() -> None:
    rng = np.random.default_rng(1)
    program = "J = sum(sin(A @ x) * x) + exp(k) * mean(x)"
    values = {"A": rng.normal(size=(3, 3)), "x": rng.normal(size=3), "k": 0.3}
    _, expansion, ids = _expanded(program, **values)
    inputs = {"x": ids["x"], "k": ids["k"]}
    found = matrices.hessian(expansion, ids["J"], inputs)
    found.advance()
    np.testing.assert_allclose(found.values, found.values.T, 1e-12, 1e-14)
    _, plain, ids = _expanded(program, **values)
    gradients = differentiate(plain, ids["J"], inputs.values()).adjoint
    rows = []
    for name in inputs:
        measured = check.difference(plain, gradients[ids[name]], inputs.values())
        rows.append(np.hstack([measured[n] for n in inputs.values()]))
    np.testing.assert_allclose(found.values, np.vstack(rows), 1e-6, 1e-8)


def test_derivatives_that_are_zero_are_zeros_of_the_right_size() -> None:
    _, expansion, ids = _expanded("J = sum(3*x) + y", x=[1.0, 2.0], y=1.0)
    found = matrices.hessian(expansion, ids["J"], {"x": ids["x"], "y": ids["y"]})
    found.advance()
    np.testing.assert_array_equal(found.values, np.zeros((3, 3)))
    _, expansion, ids = _expanded("a = x^2; b = sin(y)", x=[1.0, 2.0], y=1.0)
    found = matrices.jacobian(expansion, {"a": ids["a"]}, {"y": ids["y"]})
    found.advance()
    np.testing.assert_array_equal(found.values, np.zeros((2, 1)))


def test_rows_come_one_by_one() -> None:
    _, expansion, ids = _expanded("y = x^2", x=np.arange(5.0))
    found = matrices.jacobian(expansion, {"y": ids["y"]}, {"x": ids["x"]})
    assert not found.advance(0.0) and found.done == 1
    np.testing.assert_array_equal(found.values[0], [0, 0, 0, 0, 0])
    assert np.isnan(found.values[1:]).all()
    assert found.advance()
    np.testing.assert_array_equal(found.values, np.diag(2 * np.arange(5.0)))


def test_what_cannot_be_shown_is_one_sentence() -> None:
    _, expansion, ids = _expanded("y = x^2; J = sum(y)", x=np.zeros(1001))
    with pytest.raises(MatrixError, match=r"1,001 × 1,001 derivatives .* choose fewer"):
        matrices.jacobian(expansion, {"y": ids["y"]}, {"x": ids["x"]})
    with pytest.raises(MatrixError, match="only a single number has a Hessian"):
        matrices.hessian(expansion, ids["y"], {"x": ids["x"]})
    _, expansion, ids = _expanded("k = x > 0; J = x^2", x=1.0)
    with pytest.raises(MatrixError, match="k holds no floats"):
        matrices.jacobian(expansion, {"k": ids["k"]}, {"x": ids["x"]})


def test_an_axis_names_its_places() -> None:
    axis = Axis({"a": (), "B": (2, 2), "c": (3,)})
    assert len(axis) == 8
    assert [axis.label(k) for k in (0, 1, 4, 5, 7)] == ["a", "B[0,0]", "B[1,1]", "c[0]", "c[2]"]
