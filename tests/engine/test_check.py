"""The checks themselves: what they measure, and that they find what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import check, ops
from engine.check import check_graph, check_row, check_rows, relative_error
from engine.compose import compose
from engine.flatten import expand
from engine.ops.row import Case, Domain

pytestmark = pytest.mark.filterwarnings("error")
NET = "h = tanh(x @ W + b)\nJ = softmax_cross_entropy(h @ V, k)"


def net(dtype: str = "float64", size: int = 3) -> Any:
    rng = np.random.default_rng(0)
    return compose(NET, {
        "x": rng.normal(size=(4, 2)), "W": rng.normal(size=(2, size)), "b": np.zeros(size),
        "V": rng.normal(size=(size, 3)), "k": np.array([0, 2, 1, 1]),
    }, dtype)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_network_checks(dtype: str) -> None:
    graph = net(dtype)
    errors = {graph.name(n): e for n, e in check_graph(graph).items()}
    assert set(errors) == {"x", "W", "b", "V"}  # not the class indices
    assert max(errors.values()) < 1e-8
    assert graph.dtype == np.dtype(dtype)  # measured on a copy


def test_large_tensors_are_sampled() -> None:
    graph = net(size=200)
    assert max(check_graph(graph).values()) < 1e-7
    only = check_graph(graph, nodes=[graph.id_of("b")])
    assert list(only) == [graph.id_of("b")]


def test_a_wrong_derivative_in_a_document_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: a factor of 1.001 in one row."""
    wrong = replace(ops.TABLE["tanh"], derivative={"x": "g * (1.001 * (1 - y^2))"})
    monkeypatch.setitem(ops.TABLE, "tanh", wrong)
    graph = net()
    errors = {graph.name(n): e for n, e in check_graph(graph).items()}
    assert errors["W"] > 5e-4
    assert errors["V"] < 1e-8


def test_no_gradient_no_errors() -> None:
    assert check_graph(compose("x * 2", {"x": np.ones(3)})) == {}
    assert check_graph(compose("x @ x", {"x": np.ones((2, 3))})) == {}


def test_an_input_without_a_way_to_the_output() -> None:
    graph = compose("a = w * 2\nJ = x^2", {"x": 3.0, "w": 1.0})
    errors = {graph.name(n): e for n, e in check_graph(graph).items()}
    assert errors["w"] == 0.0
    assert errors["x"] < 1e-9


def test_relative_error() -> None:
    assert relative_error(np.zeros(3), np.zeros(3)) == 0.0
    assert relative_error(np.array([1.0]), np.array([1.001])) == pytest.approx(1e-3, rel=1e-2)
    assert relative_error(np.array([1.0, 0.0]), np.array([0.0, 0.0])) == 1.0


def test_differences_are_good_to_nine_digits() -> None:
    graph = compose("y = exp(x) * sin(3*x)", {"x": np.array([0.3, -1.2])})
    expansion, source = expand(graph), graph.id_of("x")
    exact = check.jacobian(expansion, graph.output(), [source])[source]
    measured = check.difference(expansion, graph.output(), [source])[source]
    assert exact.shape == (2, 2)
    assert exact[0, 1] == exact[1, 0] == 0.0
    np.testing.assert_allclose(measured, exact, 1e-9, 1e-10)


def test_all_rows_and_chosen_ones() -> None:
    seen: list[tuple[int, int]] = []
    count, failures = check_rows(["sin", "matmul", "input"], lambda i, n: seen.append((i, n)))
    assert (count, failures, seen) == (2, [], [(1, 2), (2, 2)])


def test_samples_keep_away_from_kinks_and_ties() -> None:
    rng = np.random.default_rng(0)
    values = check.sample(Domain(-1, 1, (0.0, 0.5), 0.05), (2000,), rng)
    assert np.min(np.abs(values)) >= 0.05
    assert np.min(np.abs(values - 0.5)) >= 0.05
    for name, shapes in (("maximum", ((2, 3), (2, 3))), ("max", ((2, 3),))):
        for _ in range(50):
            drawn = check.operands(ops.TABLE[name], Case(shapes), rng)
            flat = np.ravel(drawn[0])
            gap = (
                np.min(np.abs(drawn[0] - drawn[1]))
                if len(drawn) == 2
                else np.min(np.diff(np.sort(flat)))
            )
            assert gap > 0.05


def test_a_failure_reads_as_a_sentence() -> None:
    wrong = replace(ops.TABLE["exp"], derivative={"x": "g * (2 * y)"})
    failures = check_row(wrong)
    assert str(failures[0]).startswith("exp: order 1 is off by ")
    assert "at shapes ((),), for x0" in str(failures[0])


def test_a_formula_that_differs_is_found() -> None:
    wrong = replace(ops.TABLE["sigmoid"], formula="1 / (1 + exp(-1.0000001 * x))")
    assert any("its formula" in str(f) for f in check_row(wrong))
    unbuildable = replace(ops.TABLE["sigmoid"], formula="1 / (1 + no_such(x))")
    assert any("cannot be built" in str(f) for f in check_row(unbuildable))


def test_a_kink_beside_the_point_is_no_error() -> None:
    """A difference of the usual length steps over it; a shorter one does not."""
    graph = compose("J = relu(x)^2 + abs(x) + 3 * max(x, y)", {"x": 4e-4, "y": 2e-4})
    assert max(check.check_graph(graph).values()) < 1e-6
