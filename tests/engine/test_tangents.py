"""Forward mode against differences, a complex step, the backward pass and second derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import check, examples, ops
from engine.check.measure import complex_step, weighted_sum
from engine.compose import compose
from engine.differentiate import differentiate
from engine.evaluate import evaluate
from engine.expansion import Expansion, Ref
from engine.flatten import expand
from engine.ops.row import Op
from engine.program import Plan
from engine.tangents import tangents
from engine.train import data
from tests.shipped import FEW

pytestmark = pytest.mark.filterwarnings("error")
INPUT = ops.TABLE["input"]
ROWS = [op for op in ops.TABLE.values() if not op.is_source]
Arrays = Mapping[str, np.ndarray]


def read(expansion: Expansion, *refs: Ref) -> list[np.ndarray]:
    plan = Plan(expansion, refs)
    plan.run()
    return [plan.value(ref).copy() for ref in refs]


def moved(expansion: Expansion, output: str, directions: Arrays) -> Ref:
    """The tangent of a step as sources move along these directions."""
    for name, direction in directions.items():
        expansion.source(f"d{name}", INPUT, direction)
    return tangents(expansion, {n: f"d{n}" for n in directions}, [output]).get(output, 0.0)


def trials(op: Op) -> list[check.Trial]:
    rng = np.random.default_rng(3)
    found = []
    for case in check.cases_of(op):
        trial = check.Trial(op, case, tuple(check.operands(op, case, rng)))
        if trial.floats and trial.expansion()[0].spec("y").kind == "float":
            found += [
                replace(trial, training=t)
                for t in ((False, True) if "training" in op.statics else (False,))
            ]
    return found


def check_trial(trial: check.Trial, rng: np.random.Generator) -> None:
    """The tangent of one row at one case, measured in three ways."""
    expansion, names = trial.expansion()
    spec = expansion.spec("y")
    directions = {n: rng.normal(size=expansion.spec(n).shape) for n in trial.floats}
    ref = moved(expansion, "y", directions)
    (found,) = read(expansion, ref)
    assert found.shape == spec.shape or ref == 0.0

    def along(jacobian: Arrays) -> np.ndarray:
        return sum((jacobian[n] @ directions[n].ravel() for n in directions), np.zeros(spec.size))

    found = np.broadcast_to(found, spec.shape)
    measured = along(check.difference(trial.expansion()[0], "y", trial.floats))
    np.testing.assert_allclose(found.ravel(), measured, check.RTOL, check.ATOL)
    if trial.op.analytic:
        by_step = complex_step(trial.op, expansion.nodes["y"].options, trial.values)
        exact = along({names[i]: columns for i, columns in by_step.items()})
        np.testing.assert_allclose(found.ravel(), exact, 1e-10, 1e-12)
    # <vjp(u), v> == <u, jvp(v)>
    upstream = rng.normal(size=spec.shape)
    expansion.source("u", INPUT, upstream)
    adjoint = differentiate(expansion, "y", trial.floats, "u").adjoint
    backward = read(expansion, *(adjoint.get(n, 0.0) for n in directions))
    pairs = zip(backward, directions.values(), strict=True)
    there = sum(float(np.sum(np.broadcast_to(g, d.shape) * d)) for g, d in pairs)
    size = float(np.linalg.norm(upstream) * np.linalg.norm(found))
    assert abs(there - float(np.sum(upstream * found))) <= 1e-12 * size + 1e-12


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_every_row(op: Op) -> None:
    rng = np.random.default_rng(7)
    for trial in trials(op):
        check_trial(trial, rng)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_the_tangent_of_every_rows_gradient_is_its_hessian_times_the_direction(op: Op) -> None:
    """Forward over reverse and reverse over reverse are different steps and the same numbers."""
    rng = np.random.default_rng(8)
    for trial in trials(op):
        expansion, _ = trial.expansion()
        expansion.source("u", INPUT, rng.uniform(0.5, 1.5, expansion.spec("y").shape))
        total = weighted_sum(expansion, "y", "u")
        if not isinstance(total, str):
            continue
        first = differentiate(expansion, total, trial.floats).adjoint
        directions = {n: rng.normal(size=expansion.spec(n).shape) for n in trial.floats}
        gradients = {n: first[n] for n in trial.floats if isinstance(first.get(n), str)}
        if not gradients:
            continue
        for name, direction in directions.items():
            expansion.source(f"d{name}", INPUT, direction)
        forward = tangents(expansion, {n: f"d{n}" for n in directions}, gradients.values())
        product: Ref = 0.0
        for name, ref in gradients.items():
            product = expansion.append(ops.ADD, (product, weighted_sum(expansion, ref, f"d{name}")))
        second: Mapping[str, Ref] = {}
        if isinstance(product, str):
            second = differentiate(expansion, product, trial.floats).adjoint
        for name, ref in gradients.items():
            ours, theirs = read(expansion, forward.get(ref, 0.0), second.get(name, 0.0))
            np.testing.assert_allclose(*np.broadcast_arrays(ours, theirs), 1e-8, 1e-9, err_msg=name)


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs(grow_program: Callable[..., Any], seed: int) -> None:
    """All tangents at once: each node's against differences, the output's against its gradient, and
    the gradient's own against a difference of gradients."""
    program, rng = grow_program(seed, 12), np.random.default_rng(seed)
    graph = compose(program.text, program.inputs)
    ids = {n: graph.id_of(n) for n, v in program.inputs.items() if v.dtype.kind == "f"}
    directions = {n: rng.normal(size=program.inputs[n].shape) for n in ids}
    expansion = expand(graph)
    steps = [n for n in expansion.nodes if expansion.spec(n).kind == "float"]
    gradients = differentiate(expansion, graph.output(), ids.values()).adjoint
    for name in ids:
        expansion.source(f"d{name}", INPUT, directions[name])
    found = tangents(expansion, {ids[n]: f"d{n}" for n in ids})
    first = {n: gradients[n] for n in ids.values() if n in gradients}
    plan = Plan(expansion, [*steps, *first.values(), *found.values()], keep=True)

    def at(h: float) -> dict[Ref, np.ndarray]:
        for name, node_id in ids.items():
            plan.set(node_id, program.inputs[name] + h * directions[name])
        plan.run()
        return {r: plan.value(r).copy() for r in (*steps, *first.values())}

    before, after = at(-1e-6), at(1e-6)
    at(0.0)
    for step in (*steps, *first.values()):
        if not isinstance(step, str):
            continue
        slope = (after[step] - before[step]) / 2e-6
        tangent = plan.value(found.get(step, 0.0))
        scale = float(np.max(np.abs(slope), initial=1.0))
        assert np.max(np.abs(slope - tangent), initial=0.0) <= 2e-5 * scale, step
    by_gradient = sum(
        float(np.sum(plan.value(g) * directions[n]))
        for n in ids
        if (g := first.get(ids[n])) is not None
    )
    forward = float(plan.value(found.get(graph.output(), 0.0)))
    assert forward == pytest.approx(by_gradient, rel=1e-9, abs=1e-11)


# ---------------------------------------------------------------- what is left out


def test_the_worked_example_is_the_lectures() -> None:
    graph = compose("t = x^2\nu = sin(t)\nJ = cos(u + 3*t)", {"x": 1.0})
    expansion = expand(graph)
    found = tangents(expansion, {graph.id_of("x"): 1.0})
    names = ("x", "t", "u", "J")
    values = read(expansion, *(found[graph.id_of(n)] for n in names))
    j = -np.sin(np.sin(1.0) + 3) * (np.cos(1.0) + 3) * 2
    np.testing.assert_allclose(values, [1.0, 2.0, 2 * np.cos(1.0), j], 1e-14)


def test_nothing_is_left_over() -> None:
    """No stand-in stays behind, and what does not move costs nothing."""
    expansion = expand(graph := compose(
        "h = tanh(x @ w)\nJ = mean(softmax(h, axis=1)[0]) + sum(exp(v))",
        {"x": np.ones((2, 3)), "w": np.full((3, 4), 0.1), "v": np.ones(3)},
    ))  # fmt: skip
    before = set(expansion.nodes)
    assert tangents(expansion, {}) == {}
    assert set(expansion.nodes) == before
    found = tangents(expansion, {graph.id_of("v"): expansion.source("dv", INPUT, np.ones(3))})
    named = {graph.name(n) for n in found if n in graph.nodes}
    assert {"v", "J"} <= named and not {"h", "x", "w"} & named
    live = expansion.ancestors(found.values())
    assert set(expansion.nodes) - before <= live
    assert [n for n, f in expansion.nodes.items() if f.op.is_source and n not in before] == ["dv"]


def test_wanted_limits_the_work() -> None:
    expansion = expand(graph := compose("a = sin(x)\nb = cos(x)\nJ = a + exp(b)", {"x": 1.0}))
    found = tangents(expansion, {graph.id_of("x"): 1.0}, [graph.id_of("a")])
    assert {graph.name(n) for n in found} == {"x", "a"}


def test_equal_steps_share_one_turned_rule_and_give_their_own_numbers() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    expansion = expand(graph := compose("a = x @ w\nb = w @ a\nc = b @ b", {"x": x, "w": w}))
    step = np.ones((3, 3))
    ref = moved(expansion, graph.id_of("c"), {graph.id_of("x"): step})
    b, db = w @ x @ w, w @ step @ w
    np.testing.assert_allclose(read(expansion, ref)[0], b @ db + db @ b, 1e-12)


def test_truth_values_and_whole_numbers_carry_nothing() -> None:
    expansion = expand(graph := compose("m = x > 0\nJ = where(m, 2*x, x)", {"x": 1.5}))
    found = tangents(expansion, {graph.id_of("x"): 1.0})
    assert graph.id_of("m") not in found
    assert read(expansion, found[graph.id_of("J")])[0] == 2.0


def test_a_step_in_the_middle_can_move() -> None:
    expansion = expand(graph := compose("t = x^2\nJ = sin(t) * x", {"x": 2.0}))
    found = tangents(expansion, {graph.id_of("t"): 1.0})
    assert read(expansion, found[graph.id_of("J")])[0] == pytest.approx(2 * np.cos(4.0))
    assert graph.id_of("x") not in found


def test_a_direction_of_another_shape_is_refused() -> None:
    expansion = Expansion()
    expansion.source("x", INPUT, np.ones(3))
    with pytest.raises(ValueError, match="shape"):
        tangents(expansion, {"x": 1.0})


@pytest.mark.parametrize("name", FEW)
def test_the_shipped_examples(name: str) -> None:
    """With data, and inside modules: every source's tangent at the output is its gradient along it."""
    graph = examples.load(name)
    found = evaluate(graph, data.feeds(graph, None))
    sources = [n for n in found.expansion.feeds if n in found.gradients]
    assert sources and found.output
    for source in sources:
        direction = np.random.default_rng(0).normal(size=found.expansion.spec(source).shape)
        expansion = expand(graph, found.feeds)
        ref = moved(expansion, found.step_of(found.output), {source: direction})
        along = float(np.sum(found.gradients[source] * direction))
        assert float(read(expansion, ref)[0]) == pytest.approx(along, rel=1e-5, abs=1e-7)


def test_a_long_chain_is_no_recursion() -> None:
    expansion = Expansion()
    ref: Ref = expansion.source("x", INPUT, np.array(0.5))
    for i in range(20_000):
        ref = expansion.add(f"n{i}", ops.TABLE["sin"], (ref,), {})
    found = tangents(expansion, {"x": 1.0})
    assert len(found) == 20_001


# ---------------------------------------------------------------- planted defects


@pytest.mark.parametrize(
    ("row", "port", "wrong"),
    [
        ("sin", "x", "g * sin(x)"),
        ("mul", "a", "g * a"),
        ("sum", "x", "2 * expand_as(g, x, axis=axis, keepdims=keepdims)"),
        ("softmax", "x", "y * g"),
    ],
)
def test_a_wrong_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, row: str, port: str, wrong: str
) -> None:
    op = ops.TABLE[row]
    bent = replace(op, derivative={**op.derivative, port: wrong})
    with pytest.raises(AssertionError):
        for trial in trials(bent):
            check_trial(trial, np.random.default_rng(7))


def test_a_rule_that_is_not_linear_in_the_gradient_is_refused() -> None:
    op = replace(ops.TABLE["softmax"], derivative={"x": "y * g * g"})
    expansion = Expansion()
    expansion.source("x", INPUT, np.ones(3))
    expansion.add("y", op, ("x",), op.defaults())
    expansion.source("dx", INPUT, np.ones(3))
    with pytest.raises(ValueError, match="not linear"):
        tangents(expansion, {"x": "dx"})
