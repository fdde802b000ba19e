"""Programs at a point: gradients, orders, Hessians, checks, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from engine.derive import DeriveError, derive

pytestmark = pytest.mark.filterwarnings("error")


def test_gradients_by_the_name_the_program_reads() -> None:
    found = derive("x = x * 2\nJ = sum(x * w)", {"x": [1.0, 2.0], "w": 3.0})
    assert found.output == "J"
    assert found.gradients["x"].tolist() == [6.0, 6.0]
    assert float(found.gradients["w"]) == 6.0
    assert {"x", "x.1", "J", "w"} <= set(found.nodes)


def test_inputs_that_the_output_does_not_need_have_gradient_zero() -> None:
    found = derive("a = x + w * 0\nJ = sign(x)^2", {"x": 2.0, "w": 1.0})
    assert {n: float(g) for n, g in found.gradients.items()} == {"x": 0.0, "w": 0.0}


def test_only_what_is_asked_for() -> None:
    assert list(derive("x * w", {"x": 1.0, "w": 2.0}, wrt=["w"]).gradients) == ["w"]
    whole = derive("softmax_cross_entropy(z, k)", {"z": [1.0, 2.0], "k": np.array(1)})
    assert list(whole.gradients) == ["z"]


@pytest.mark.parametrize(
    ("program", "point", "options", "part"),
    [
        ("x * 2", {"x": [1.0, 2.0]}, {}, "shape 2 and only a single number has a gradient; sum(v1) would do"),
        ("x @ x", {"x": [[1.0, 2.0]]}, {}, "1×2 @ 1×2 does not fit"),
        ("x^2", {"x": 1.0}, {"wrt": ["y"]}, "there is no input y; the program reads x"),
        ("softmax_cross_entropy(z, k)", {"z": [1.0, 2.0], "k": np.array(1)}, {"wrt": ["k"]}, "no derivative"),
        ("sum(x)", {"x": [1.0, 2.0]}, {"order": 2}, "choose inputs with --wrt"),
    ],
)  # fmt: skip
def test_refusals(program: str, point: dict, options: dict, part: str) -> None:
    with pytest.raises(DeriveError) as caught:
        derive(program, point, **options)
    assert part in str(caught.value)


def test_hessian_of_a_quadratic_form() -> None:
    a = np.array([[2.0, 1.0], [0.0, 3.0]])
    found = derive(
        "x @ A @ x + y * sum(x)", {"x": [1.0, 2.0], "A": a, "y": 4.0}, hessian=True
    ).hessian
    np.testing.assert_allclose(found["x"]["x"], a + a.T, atol=1e-14)
    np.testing.assert_allclose(found["x"]["y"], [1.0, 1.0])
    np.testing.assert_allclose(found["y"]["x"], [1.0, 1.0])
    assert float(found["y"]["y"]) == 0.0
    assert found["A"]["x"].shape == (2, 2, 2)


def test_orders_of_several_inputs() -> None:
    orders = derive("x^3 * exp(2*y)", {"x": 2.0, "y": 0.0}, order=4).orders
    assert orders["x"] == [8.0, 12.0, 12.0, 6.0, 0.0]
    np.testing.assert_allclose(orders["y"], [8.0, 16.0, 32.0, 64.0, 128.0])


def test_the_check_of_a_program() -> None:
    found = derive("sum(tanh(W @ x)^2)", {"W": np.eye(3) / 2, "x": [0.1, -0.4, 0.8]}, checked=True)
    assert set(found.check) == {"W", "x"}
    assert max(found.check.values()) < 1e-8


def test_float32() -> None:
    found = derive("sum(exp(x))", {"x": [0.5, 1.5]}, dtype="float32")
    assert found.gradients["x"].dtype == np.float32
    np.testing.assert_allclose(found.gradients["x"], np.exp([0.5, 1.5]), rtol=1e-6)


def test_an_input_as_output() -> None:
    assert float(derive("x", {"x": 3.0}).gradients["x"]) == 1.0
