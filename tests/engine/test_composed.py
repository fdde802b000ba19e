"""Kernels made from formulas: the same numbers as the rows they are written in."""

from __future__ import annotations

import numpy as np
import pytest

from engine import ops
from engine.expression import ExpressionError
from engine.ops.composed import composed, composed_scalar, composed_shape
from engine.shapes import Spec

X = np.random.default_rng(0).uniform(-2, 2, (2, 3))
W = np.random.default_rng(1).uniform(-2, 2, (3, 4))


def run(formula: str, options: dict, **operands: np.ndarray) -> np.ndarray:
    ports = tuple(operands)
    specs = tuple(Spec(v.shape, "float") for v in operands.values())
    kernel = composed(formula, ports)(options, specs)
    out = np.empty(composed_shape(formula, ports)(options, *specs).shape)
    for _ in range(2):  # buffers are kept: a second run must not see the first
        kernel(*operands.values(), out)
    return out


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x * tanh(softplus(x))", lambda x: x * np.tanh(np.logaddexp(0, x))),
        ("x * x + x * x", lambda x: 2 * x * x),
        ("mean((x > 0) + x)", lambda x: np.mean((x > 0) + x)),
        ("slope * x", lambda x: 0.25 * x),
        ("x", lambda x: x),
        ("sum(x, axis=-1) + 1", lambda x: x.sum(-1) + 1),
        ("x / size(x)", lambda x: x / 6),
    ],
)
def test_a_formula_is_its_rows(formula: str, expected) -> None:
    np.testing.assert_allclose(run(formula, {"slope": 0.25}, x=X), expected(X), rtol=1e-15)


def test_several_operands() -> None:
    np.testing.assert_allclose(run("tanh(x @ w)", {}, x=X, w=W), np.tanh(X @ W), rtol=1e-15)


def test_single_numbers() -> None:
    function = composed_scalar("a * tanh(b) + 2 * a", ("a", "b"))
    assert function is not None
    assert function(0.5, -0.25) == pytest.approx(0.5 * np.tanh(-0.25) + 1.0, abs=1e-16)
    with_options = composed_scalar("slope * x + 1", ("x",), True)
    assert with_options is not None
    assert with_options({"slope": 3.0})(2.0) == 7.0
    assert composed_scalar("sum(x)", ("x",)) is None


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ExpressionError, match="'k' is not known"):
        run("x * k", {}, x=X)


def test_random_rows_follow_seed_key_and_step() -> None:
    from engine.ops.row import Clock

    clock = Clock(seed=1, step=2)
    draw = clock.generator(7).standard_normal(3)
    np.testing.assert_array_equal(draw, Clock(1, 2).generator(7).standard_normal(3))
    for other in (Clock(0, 2).generator(7), Clock(1, 3).generator(7), clock.generator(8)):
        assert not np.array_equal(draw, other.standard_normal(3))
    assert ops.TABLE["sum"].statics == ()
