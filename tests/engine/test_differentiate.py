"""Differentiation by appended steps: higher orders, why nothing flows, work left out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine import ops
from engine.compose import compose
from engine.derive import derive
from engine.differentiate import differentiate
from engine.expansion import Expansion
from engine.expression import Number, parse_expression, to_text
from engine.flatten import expand
from engine.ops.row import local_of
from engine.program import Plan

pytestmark = pytest.mark.filterwarnings("error")
INPUT = ops.TABLE["input"]
M04 = "J = cos(sin(x^2) + 3*x^2)"


def m04(mp: Any) -> Any:
    return lambda x: mp.cos(mp.sin(x**2) + 3 * x**2)


@pytest.mark.parametrize("x", [1.0, -0.3, 0.0, 1.7])
@pytest.mark.parametrize(
    ("program", "function"),
    [
        (M04, m04),
        ("tanh(x)", lambda mp: mp.tanh),
        ("exp(-x^2) * sigmoid(3*x)", lambda mp: lambda x: mp.exp(-x * x) / (1 + mp.exp(-3 * x))),
        ("log(2 + sin(x)) / (1 + x^2)", lambda mp: lambda x: mp.log(2 + mp.sin(x)) / (1 + x * x)),
        ("atan(x) * sqrt(3 + x)", lambda mp: lambda x: mp.atan(x) * mp.sqrt(3 + x)),
        ("(2 + x)^x", lambda mp: lambda x: (2 + x) ** x),
    ],
)
def test_order_five_against_mpmath(program: str, function: Any, x: float) -> None:
    mpmath = pytest.importorskip("mpmath", reason="comes with torch, which the tests install")
    found = derive(program, {"x": x}, order=5).orders["x"]
    with mpmath.mp.workdps(60):
        expected = [
            float(mpmath.mp.diff(function(mpmath.mp), mpmath.mp.mpf(x), n)) for n in range(6)
        ]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_published_values_of_the_worked_example() -> None:
    orders = derive(M04, {"x": 1.0}, order=3).orders["x"]
    np.testing.assert_allclose(
        orders, [-0.764920562804486, 4.560791790678780, 40.7420061554213, -177.585547329638], 1e-13
    )


@pytest.mark.parametrize("program", ["x^2", "square(x)", "x*x", "l2(x)", "x^2 + 0*x"])
def test_a_square_three_times_at_zero_is_zero(program: str) -> None:
    """The trap: x^(2-3) at 0 is infinite, and 0 times it is not a number."""
    assert derive(program, {"x": 0.0}, order=4).orders["x"] == [0.0, 0.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_whole_powers_at_zero(n: int) -> None:
    expected = [0.0**n] + [float(math.factorial(n)) if k == n else 0.0 for k in range(1, 6)]
    assert derive(f"x^{n} + 0*x", {"x": 0.0}, order=5).orders["x"] == expected
    by_value = derive("x^n", {"x": 0.0, "n": float(n)}, wrt=["x"], order=5).orders["x"]
    assert by_value == expected


def test_sharing_keeps_higher_orders_small() -> None:
    """Order 5 took 552 steps without sharing equal ones, 228 with it."""
    expansion = expand(graph := compose(M04, {"x": 1.0}))
    source, ref = graph.id_of("x"), graph.output()
    for _ in range(5):
        ref = differentiate(expansion, ref, [source]).adjoint[source]
    assert len(expansion.ancestors([ref])) < 300


def test_only_what_lies_between_is_differentiated() -> None:
    graph = compose("a = sin(x)\nb = cos(w)\nJ = a * b", {"x": 1.0, "w": 2.0})
    expansion = expand(graph)
    adjoints = differentiate(expansion, graph.output(), [graph.id_of("x")])
    named = {graph.name(n) for n in adjoints.adjoint if n in graph.nodes}
    assert named == {"J", "a", "x"}


def test_the_document_is_left_alone() -> None:
    graph = compose(M04, {"x": 1.0})
    before, revision = dict(graph.nodes), graph.revision
    differentiate(expand(graph), graph.output())
    assert graph.nodes == before
    assert graph.revision == revision


def test_adjoint_ids_are_deterministic() -> None:
    def ids() -> list[str]:
        expansion = expand(graph := compose(M04, {"x": 1.0}))
        differentiate(expansion, graph.output())
        return list(expansion.nodes)

    assert ids() == ids()


@pytest.mark.parametrize(
    ("program", "point", "port", "why"),
    [
        ("sign(x) + x", {"x": 1.5}, "x", "0"),
        ("(x > 1) + x", {"x": 1.5}, "a", "0"),
        ("softmax_cross_entropy(z, k)", {"z": np.ones(3), "k": 1.0}, "target", "none"),
        ("where(c, x, 2*x)", {"c": 1.0, "x": 2.0}, "condition", "none"),
    ],
)
def test_why_nothing_flows(program: str, point: dict[str, Any], port: str, why: str) -> None:
    graph = compose(program, point)
    adjoints = differentiate(expand(graph), graph.output())
    reasons = {p: reason for (_, p), reason in adjoints.stopped.items()}
    assert reasons.get(port, "0" if why == "0" else None) == why


def test_gradients_pass_by_values_that_only_a_condition_reads() -> None:
    """Once lost: such a value was waited for, and everything above it stayed without a gradient."""
    expansion = expand(graph := compose(
        "p = sin(x)\nq = p + 1\nr = q * 2\nJ = where(r > 0, p, q) * p", {"x": 0.3}
    ))  # fmt: skip
    adjoints = differentiate(expansion, graph.output())
    plan = Plan(expansion, [adjoints.adjoint[graph.id_of("x")]])
    plan.run()
    expected = 2 * math.sin(0.3) * math.cos(0.3)
    assert plan.number(adjoints.adjoint[graph.id_of("x")]) == pytest.approx(expected, rel=1e-14)
    assert graph.id_of("r") not in adjoints.adjoint


def test_an_output_of_many_entries_is_refused_without_a_seed() -> None:
    expansion = Expansion()
    expansion.source("x", INPUT, np.ones(3))
    with pytest.raises(ValueError, match=r"wrap it|wrap the output in sum"):
        differentiate(expansion, "x")
    expansion.source("seed", INPUT, np.array([1.0, 2.0, 3.0]))
    square = expansion.append(ops.TABLE["square"], ("x",))
    adjoint = differentiate(expansion, square, ["x"], "seed").adjoint["x"]
    plan = Plan(expansion, [adjoint])
    plan.run()
    np.testing.assert_array_equal(plan.value(adjoint), [2.0, 4.0, 6.0])


@pytest.mark.parametrize(
    ("formula", "local"),
    [("g", "1"), ("-g", "-1"), ("g * cos(x)", "cos(x)"), ("cos(x) * g", None), ("T(g)", None)],
)
def test_local_derivatives(formula: str, local: str | None) -> None:
    found = local_of(parse_expression(formula))
    if local is None:
        assert found is None
    elif isinstance(found, Number):
        assert found.value == float(local)
    else:
        assert found is not None and to_text(found) == local


@pytest.mark.parametrize("a", [(), (3,), (1, 3), (2, 1), (2, 3), (4, 1, 3)])
@pytest.mark.parametrize("b", [(), (3,), (2, 3), (4, 2, 1)])
def test_broadcasting_is_undone(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Each gradient has its operand's shape and is the sum over what was repeated."""
    rng = np.random.default_rng(0)
    x, w = rng.uniform(1, 2, a), rng.uniform(1, 2, b)
    found = derive("J = sum(x * w)", {"x": x, "w": w}).gradients
    shape = np.broadcast_shapes(a, b)
    for own, other, name in ((x, w, "x"), (w, x, "w")):
        full = np.broadcast_to(other, shape)
        lead = tuple(range(len(shape) - own.ndim))
        summed = full.sum(axis=lead)
        ones = tuple(i for i, n in enumerate(own.shape) if n == 1)
        np.testing.assert_allclose(found[name], summed.sum(axis=ones, keepdims=True), 1e-13)
        assert found[name].shape == own.shape
