"""The first number that is not finite: named with its micro-step and what it was made from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.compose import compose
from engine.evaluate import Evaluator, evaluate

pytestmark = pytest.mark.filterwarnings("error")

PLANTED: list[tuple[str, dict[str, Any], str]] = [
    ("J = log(x) + 1", {"x": 0.0}, "step 1, forward: J_1 = log(x) is -inf, where x is 0"),
    ("q = a / b\nJ = q * 2", {"a": 0.0, "b": 0.0},
     "step 1, forward: q = a / b is NaN, where a is 0 and b is 0"),
    ("e = exp(x)\nJ = sum(e)", {"x": [1.0, 1000.0]},
     "step 1, forward: e = exp(x) is inf at [1], where x is 1000"),
    ("J = sqrt(x)", {"x": 0.0},
     "step 3, backward: dJ/dx += dJ/dJ * (0.5 / J) is inf, where dJ/dJ is 1, x is 0 and J is 0"),
    ("r = sqrt(x)\nJ = sum(r)", {"x": [[1.0, 0.0]]},
     "step 5, backward: dJ/dx += dJ/dr * (0.5 / r) is inf at [0, 1], "
     "where dJ/dr is 1, x is 0 and r is 0"),
    ("m = a @ b\nJ = mean(m)", {"a": np.full((2, 2), 1e200), "b": np.full((2, 3), 1e200)},
     "step 1, forward: m = a @ b is inf at [0, 0], where a reaches 1e+200 and b reaches 1e+200"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "given", "told"), PLANTED)
def test_planted_cases(program: str, given: dict[str, Any], told: str) -> None:
    found = evaluate(compose(program, given))
    assert found.trouble == told.replace("J_1", found.graph.name(found.not_finite.node))
    assert found.faults == {}
    assert found.fault_of(found.not_finite.node) == found.trouble


def test_an_infinite_sum_of_finite_terms() -> None:
    found = evaluate(
        compose("J = a * (b * x) + c * x", {"a": 1e200, "b": 1e108, "c": 1.7e308, "x": 1e-10})
    )
    assert found.not_finite.phase == "backward"
    assert found.not_finite.total == np.inf and np.isfinite(found.not_finite.value)


def test_what_was_given_is_not_news() -> None:
    """Only numbers that finite ones gave are told; the first of them, behind given ones too."""
    assert evaluate(compose("J = x * 2 - x", {"x": np.inf})).trouble == ""
    assert evaluate(compose("J = sum(x^2)", {"x": [1.0, 2.0]})).trouble == ""
    found = evaluate(compose("u = a * 2\nv = log(x)\nJ = u + v", {"a": np.nan, "x": 0.0}))
    assert found.trouble.startswith("step 2, forward: v = log(x) is -inf")


def test_a_kernel_that_refuses_hides_nothing() -> None:
    found = evaluate(
        compose("s = log(x)\nJ = softmax_cross_entropy(z, k) + s", {
            "x": 0.0, "z": np.zeros((1, 2)), "k": np.array([7]),
        })
    )  # fmt: skip
    assert len(found.faults) == 1
    assert "s = log(x) is -inf" in found.trouble


def test_it_follows_the_values() -> None:
    evaluator, graph = Evaluator(), compose("J = log(x)", {"x": 1.0})
    x = str(graph.id_of("x"))
    told = []
    for value in (1.0, 0.0, 2.0):
        graph.put("tensors", x, np.asarray(value))
        told.append(bool(evaluator(graph).trouble))
    assert told == [False, True, False]


def test_a_long_chain_is_looked_through_once() -> None:
    lines = ["u0 = x"] + [f"u{i} = u{i - 1} * 2" for i in range(1, 1100)]
    found = evaluate(compose("\n".join(lines), {"x": 1.0}))
    assert found.trouble.startswith(
        "step 1024, forward: u1024 = u1023 * 2 is inf, where u1023 is 8.98"
    )
