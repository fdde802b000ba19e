"""Gradients of interior steps against differences: kinks, jumps, planted defects, chance and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import check, examples, ops
from engine.check import NodeChecks, Verdict, cases_of, domain_of, doubled
from engine.check.nodes import SAMPLED
from engine.compose import compose
from engine.evaluate import evaluate
from engine.graph import Graph, Node
from engine.train import data
from tests.shipped import FEW

M04 = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


def verdicts(graph: Graph, feeds: Any = None) -> dict[str, Verdict]:
    """The verdict on every node with a gradient, by name."""
    found = evaluate(*doubled(graph, feeds or {}))
    assert found.adjoints is not None, found.note
    checks = NodeChecks(found)
    return {
        graph.name(n): checks.check(found.step_of(n)) for n in found.gradients if n in graph.nodes
    }


def test_every_node_of_the_worked_example_agrees() -> None:
    found = verdicts(compose(M04, {"x": 0.5}))
    assert set(found) == {"x", "t", "u1", "u2", "u", "J"}
    assert {v.state for v in found.values()} == {"agrees"}
    assert max(v.error for v in found.values()) < 1e-9
    t, u = 0.25, np.sin(0.25) + 0.75
    assert found["t"].told.analytic == pytest.approx(-np.sin(u) * (np.cos(t) + 3), rel=1e-12)
    assert found["t"].told.measured == pytest.approx(-np.sin(u) * (np.cos(t) + 3), rel=1e-9)
    assert "agrees with the difference" in found["t"].sentence
    assert "step 0.001" in found["t"].sentence


def test_an_interior_step_is_moved_alone() -> None:
    """Moving x as well would give another number: t's gradient is that of what reads t."""
    found = verdicts(compose("t = x^2; J = t * x", {"x": 3.0}))
    assert found["t"].told.measured == pytest.approx(3.0, rel=1e-9)
    assert found["x"].told.measured == pytest.approx(27.0, rel=1e-9)


@pytest.mark.parametrize("planted", [1.001, 0.0, -1.0])
def test_a_wrong_derivative_is_told_at_the_step_before_it_and_not_behind(
    planted: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(ops.TABLE["sin"], derivative={"x": f"g * ({planted} * cos(x))"})
    monkeypatch.setitem(ops.TABLE, "sin", wrong)
    monkeypatch.setitem(ops._CALLS, ("sin", 1), wrong)
    found = verdicts(compose(M04, {"x": 0.5}))
    assert {n for n, v in found.items() if v.state == "differs"} == {"x", "t"}
    assert found["t"].error > 1e-4
    assert "differs from the difference" in found["t"].sentence


# ---------------------------------------------------------------- kinks


KINKED = sorted(
    op.name
    for op in ops.TABLE.values()
    if not op.hidden
    and not op.is_source
    and op.elementwise
    and len(op.inputs) == 1
    and domain_of(op, op.inputs[0]).kinks
)


@pytest.mark.parametrize("name", KINKED)
def test_every_row_with_kinks_is_no_error_at_one(name: str) -> None:
    """At each kink of its domain the row's own gradient, a convention, is not called wrong."""
    op = ops.TABLE[name]
    seen = set()
    for kink in domain_of(op, op.inputs[0]).kinks:
        for options in [{}, *(c.options for c in cases_of(op) if c.options)][:2]:
            if any(o.required and o.name not in options for o in op.options):
                continue
            said = "".join(f", {k}={v!r}" for k, v in options.items())
            graph = compose(f"J = 3 * {name}(x{said}) + x", {"x": float(kink)})
            verdict = verdicts(graph)["x"]
            steep = verdict.state == "absent" and "gradient is inf" in verdict.sentence
            assert steep or verdict.state in ("agrees", "kink", "jump"), (kink, verdict)
            seen.add(verdict.state)
    assert seen


@pytest.mark.parametrize(
    ("program", "at", "left", "right", "gradient", "words"),
    [
        ("J = relu(x)", {"x": 0.0}, 0.0, 1.0, 0.0, "is one of them"),
        ("J = abs(x)", {"x": 0.0}, -1.0, 1.0, 0.0, "is between them"),
        ("J = max(x, y) * 2", {"x": 1.5, "y": 1.5}, 0.0, 2.0, 1.0, "is between them"),
        ("J = -3 * relu(x)", {"x": 0.0}, 0.0, -3.0, 0.0, "is one of them"),
        ("J = leaky_relu(x, 0.25)", {"x": 0.0}, 0.25, 1.0, None, "of them"),
    ],
)
def test_a_kink_says_its_two_slopes(
    program: str,
    at: dict[str, float],
    left: float,
    right: float,
    gradient: float | None,
    words: str,
) -> None:
    verdict = verdicts(compose(program, at))["x"]
    assert verdict.state == "kink"
    assert verdict.told.left == pytest.approx(left, abs=1e-9)
    assert verdict.told.right == pytest.approx(right, abs=1e-9)
    if gradient is not None:
        assert verdict.told.analytic == gradient
    else:
        words = "one of them"
    assert words in verdict.sentence and "no error" in verdict.sentence


def test_a_gradient_outside_the_slopes_of_a_kink_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = replace(ops.TABLE["abs"], derivative={"x": "g * (sign(x) + 1.5)"})
    monkeypatch.setitem(ops.TABLE, "abs", wrong)
    monkeypatch.setitem(ops._CALLS, ("abs", 1), wrong)
    assert verdicts(compose("J = abs(x)", {"x": 0.0}))["x"].state == "differs"


@pytest.mark.parametrize("row", ["max", "min", "median"])
def test_ties_of_tensors(row: str) -> None:
    if row not in ops.TABLE:
        pytest.skip("no such row")
    verdict = verdicts(compose(f"J = {row}(x)", {"x": [1.0, 1.0, 1.0]}))["x"]
    assert verdict.state == "kink"
    assert verdict.size == verdict.sampled == 3


@pytest.mark.parametrize("row", ["floor", "ceil", "sign", "round"])
def test_jumps(row: str) -> None:
    at = 0.5 if row == "round" else 0.0
    verdict = verdicts(compose(f"J = 2 * {row}(x) + x", {"x": at}))["x"]
    assert verdict.state == "jump", verdict
    assert "the value jumps here" in verdict.sentence
    away = verdicts(compose(f"J = 2 * {row}(x) + x", {"x": 0.3}))["x"]
    assert away.state == "agrees"


def test_beside_a_kink_there_is_none() -> None:
    found = verdicts(compose("J = relu(x)^2 + abs(x) + 3 * max(x, y)", {"x": 4e-4, "y": 2e-4}))
    assert {v.state for v in found.values()} == {"agrees"}


# ---------------------------------------------------------------- what cannot be compared


def test_numbers_that_are_not_finite_are_absent_with_a_reason() -> None:
    found = verdicts(compose("t = sqrt(x); J = t * 2", {"x": 0.0}))
    assert found["x"].state == "absent" and "gradient is inf" in found["x"].sentence
    assert found["t"].state == "agrees"
    found = verdicts(compose("t = log(x); J = t + y", {"x": -1.0, "y": 2.0}))
    assert found["t"].state == "absent" and "NaN" in found["t"].sentence


def test_a_function_that_ends_at_the_point_has_the_slope_of_its_one_side() -> None:
    ended = verdicts(compose("J = x^2.5 + 3 * x", {"x": 0.0}))["x"]
    assert ended.state == "agrees"
    assert ended.told.measured == pytest.approx(3.0)
    assert verdicts(compose("J = x^1.5", {"x": 0.0}))["x"].state == "unsettled"


def test_a_large_value_beside_a_small_gradient_is_not_called_wrong() -> None:
    """Its last digits move by more than the difference that is looked for."""
    found = verdicts(compose("J = 1e9 + y + 1e-3 * sin(x)", {"x": 0.3, "y": 1e9}))
    assert {v.state for v in found.values()} == {"agrees"}
    assert found["x"].error < 1e-6
    assert "as far as rounding lets one see" in found["x"].sentence


def test_cancellation_inside_is_told_by_the_rounding_of_what_lies_between() -> None:
    found = verdicts(compose("a = x + 1e10; b = a - 1e10; J = b^2", {"x": 0.5}))
    assert found["x"].state == "agrees"


# ---------------------------------------------------------------- documents


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tensors_are_sampled_and_measured_in_float64(dtype: str) -> None:
    rng = np.random.default_rng(0)
    graph = compose(
        "h = tanh(x @ W + b)\nJ = softmax_cross_entropy(h @ V, k)",
        {
            "x": rng.normal(size=(4, 2)), "W": rng.normal(size=(2, 30)), "b": np.zeros(30),
            "V": rng.normal(size=(30, 3)), "k": np.array([0, 2, 1, 1]),
        }, dtype,
    )  # fmt: skip
    found = verdicts(graph)
    assert {v.state for v in found.values()} == {"agrees"}
    assert max(v.error for v in found.values()) < 1e-7
    assert found["W"].sampled == SAMPLED and found["W"].size == 60
    assert "12 of 60 entries" in found["W"].sentence
    assert graph.dtype == np.dtype(dtype)


def test_random_rows_draw_the_same_again() -> None:
    program = "d = dropout(x * w, rate=0.5)\nJ = sum(d^2 + sin(d))"
    graph = compose(program, {"x": np.arange(1.0, 7.0), "w": 0.5})
    assert {v.state for v in verdicts(graph).values()} == {"agrees"}


@pytest.mark.parametrize("name", FEW)
def test_shipped_examples_with_their_batches(name: str) -> None:
    graph = examples.load(name)
    feeds = {n: v[:20] for n, v in data.feeds(graph, None).items()} if graph.sources else {}
    if evaluate(graph, feeds).adjoints is None:
        pytest.skip("its data are to be chosen first")
    found = verdicts(graph, feeds)
    assert found and {v.state for v in found.values()} <= {"agrees", "kink"}


def test_modules_are_checked_at_their_result_and_inside() -> None:
    graph = compose(
        "h = Dense(x, units=2)\nJ = sum(tanh(h)^2)",
        {"x": np.ones((3, 2))},
        modules=examples.modules(),
    )
    assert verdicts(graph)["h"].state == "agrees"
    found = evaluate(graph)
    checks = NodeChecks(found)
    inside = [n for n in found.gradients if "." in n]
    assert inside and {checks.check(n).state for n in inside} == {"agrees"}


def test_random_programs_check_at_every_node(grow_program: Callable[..., Any]) -> None:
    checked = 0
    for seed in range(12):
        program = grow_program(seed, 12)
        found = verdicts(compose(program.text, program.inputs))
        wrong = {n: v.sentence for n, v in found.items() if v.state == "differs"}
        assert not wrong, (seed, wrong)
        checked += len(found)
    assert checked > 100


def test_pieces_are_short_and_give_the_same_verdict() -> None:
    found = evaluate(compose("J = sum(sin(x))", {"x": np.linspace(0, 1, 40)}))
    checks = NodeChecks(found)
    work, pieces = checks.pieces(found.graph.id_of("x")), 0
    while True:
        try:
            next(work)
            pieces += 1
        except StopIteration as done:
            assert done.value == checks.check(found.graph.id_of("x"))
            break
    assert pieces >= 5 * SAMPLED  # one run each


def test_a_document_checks_as_before() -> None:
    errors = check.check_graph(compose("J = relu(x) + y^2", {"x": 0.0, "y": 2.0}))
    assert max(errors.values()) < 1e-9


# ---------------------------------------------------------------- every row that has a kink or a tie


def _with_kinks() -> list[str]:
    found = []
    for op in ops.TABLE.values():
        if op.hidden or op.is_source or op.reads_inside or op.is_wire or op.statics:
            continue
        ports = [op.inputs[0]] if op.variadic else list(op.inputs)
        if op.ties or any(domain_of(op, p).kinks for p in ports):
            found.append(op.name)
    return sorted(found)


def _at_the_kink(name: str) -> Graph:
    """The row at a case of its own, an operand moved onto its first kink, or its entries tied."""
    op = ops.TABLE[name]
    cases = [c for c in cases_of(op) if all(0 not in s for s in c.shapes)]
    case = max(cases, key=lambda c: (len(c.shapes), max(map(len, c.shapes), default=0)))
    values = check.operands(op, case, np.random.default_rng(1))
    ports = op.ports(len(values))
    for i, port in enumerate(ports):
        kinks = domain_of(op, port).kinks
        if values[i].dtype.kind == "f" and kinks:
            values[i] = np.full_like(values[i], kinks[0])
            break
        if values[i].dtype.kind == "f" and op.ties:
            values[i] = np.full_like(values[i], 0.5)
    graph = Graph()
    graph.put("nodes", "n1", Node("n1", op.name, "r", {**op.defaults(), **case.options}))
    for i, (port, value) in enumerate(zip(ports, values, strict=True)):
        graph.put("nodes", f"n{i + 2}", Node(f"n{i + 2}", "input", f"x{i}"))
        graph.put("tensors", f"n{i + 2}", value)
        graph.put("links", ("n1", port), f"n{i + 2}")
    graph.put("nodes", "n90", Node("n90", "sum", "s", ops.TABLE["sum"].defaults()))
    graph.put("links", ("n90", "x"), "n1")
    return graph


def test_no_row_is_called_wrong_where_it_has_a_kink() -> None:
    states: dict[str, set[str]] = {}
    for name in _with_kinks():
        graph = _at_the_kink(name)
        if evaluate(graph).adjoints is None:  # places and counts, which have no gradient
            continue
        found = verdicts(graph)
        wrong = {n: v.sentence for n, v in found.items() if v.state == "differs"}
        assert wrong == {}, name
        states[name] = {v.state for v in found.values()}
    assert len(states) > 25
    kinked = {name for name, seen in states.items() if "kink" in seen}
    assert {"relu", "abs", "maximum", "max", "clip"} <= kinked and len(kinked) > 12, states


STEEP = [
    ("log(x)", 1e-9), ("log(x)", 1e-30), ("sin(x)", 5e-324),
    ("log(1 - x)", 1 - 1e-9), ("sqrt(x)", 1e-8), ("tanh(1e9 * x)", 0.0),
    ("sin(1e8 * x)", 0.3), ("sin(1 / x)", 1e-5), ("relu(x)^2", 0.0), ("1 / x", -1e-3), ("x^3", 1e100),
]  # fmt: skip


@pytest.mark.parametrize(("text", "x"), STEEP)
def test_what_changes_over_little_is_measured_with_fine_steps(text: str, x: float) -> None:
    verdict = verdicts(compose(f"J = {text}", {"x": x}))["x"]
    assert verdict.state == "agrees" and verdict.error < 1e-5, verdict.sentence


@pytest.mark.parametrize("x", [1e-30, 1e-9, 1e-3, 0.5])
@pytest.mark.parametrize("text", ["log(x)", "1e5 + log(x)", "log(x) + 1 / (x - 1e-3)"])
def test_a_slope_a_thousandth_too_steep_is_never_said_to_agree(
    x: float, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(ops.TABLE["log"], derivative={"x": "g * 1.001 / x"})
    monkeypatch.setitem(ops.TABLE, "log", wrong)
    monkeypatch.setitem(ops._CALLS, ("log", 1), wrong)
    verdict = verdicts(compose(f"J = {text}", {"x": x}))["x"]
    assert verdict.state in ("differs", "absent"), verdict.sentence


@pytest.mark.parametrize("size", [1e16, 1e20, 1e200])
def test_what_rounding_hides_is_not_called_wrong(size: float) -> None:
    verdict = verdicts(compose(f"J = sin({size!r} * x)", {"x": 0.3}))["x"]
    assert verdict.state == "unsettled", verdict.sentence
