"""The sum behind an entry: for every row, against the contribution and against differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine import ops
from engine.check.cases import cases_of, operands
from engine.check.measure import SOURCE, difference, weighted_sum
from engine.compose import compose
from engine.differentiate import differentiate
from engine.entries import LIMIT, Entries, NoEntries
from engine.entry_lines import entry_line
from engine.evaluate import evaluate
from engine.expansion import Expansion
from engine.graph import Graph
from engine.lines import bracketed
from engine.ops.row import Case, Op
from engine.program import Plan
from engine.script import Script, Steps
from engine.trace import Step
from engine.wording import Telling, short

ALL = 10**9
ROWS = [op for op in ops.TABLE.values() if op.kernel is not None]


def steps_of(
    op: Op, case: Case, rng: np.random.Generator, training: bool = False
) -> tuple[Steps, Expansion] | None:
    """A row's own steps, forward and backward, with an upstream gradient of no pattern."""
    expansion = Expansion(training=training)
    options = {**op.defaults(), **case.options}
    names = [
        expansion.source(f"x{i}", SOURCE, value) for i, value in enumerate(operands(op, case, rng))
    ]
    expansion.add("u", op, tuple(names), options)
    spec = expansion.spec("u")
    adjoints = None
    if spec.kind == "float":
        expansion.source("w", SOURCE, rng.uniform(0.5, 1.5, spec.shape))
        adjoints = differentiate(expansion, weighted_sum(expansion, "u", "w"), names)
    plan = Plan(expansion, [], keep=True)
    if plan.run_each():
        return None
    script = Script.of(expansion, ["u"], adjoints)
    return Steps(script, Telling(Graph(), expansion, adjoints, plan.value)), expansion


def opened(step: Step) -> Entries | None:
    try:
        return Entries(step)
    except NoEntries:
        return None


def some(shape: tuple[int, ...], rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """A few places of a shape."""
    size = int(np.prod(shape, dtype=int))
    for k in rng.permutation(size)[:4]:
        yield tuple(int(i) for i in np.unravel_index(int(k), shape))


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_the_sum_over_j_is_the_contribution(op: Op) -> None:
    rng = np.random.default_rng(3)
    trainings = (False, True) if "training" in op.statics else (False,)
    for case, training in ((c, t) for c in cases_of(op) for t in trainings):
        made = steps_of(op, case, rng, training)
        if made is None:
            continue
        for step in made[0]:
            if step.node != "u" or step.phase == "seed":
                continue
            entries = opened(step)
            if entries is None:
                continue
            for k in some(entries.shape, rng):
                found = entries.at(k, ALL)
                assert found.count == len(found.terms) and found.rest == 0.0
                if step.phase == "backward":
                    total = sum(t.value for t in found.terms)
                    scale = max(1.0, sum(abs(t.value) for t in found.terms))
                    assert abs(total - step.value[k]) <= 1e-10 * scale, (case, k)
                elif found.adds_up:
                    total = sum(t.value for t in found.terms)
                    assert total == pytest.approx(float(step.value[k]), rel=1e-9, abs=1e-12)
                short = entries.at(k, 2)
                assert short.left == max(0, found.count - 2)
                total = sum(t.value for t in short.terms) + short.rest
                if step.phase == "backward" or found.adds_up:
                    assert total == pytest.approx(float(step.value[k]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("op", [o for o in ROWS if not o.hidden], ids=lambda op: op.name)
def test_every_term_is_the_slope_that_differences_measure(op: Op) -> None:
    rng = np.random.default_rng(4)
    for case in cases_of(op)[:6]:
        made = steps_of(op, case, rng)
        if made is None or made[1].spec("u").kind != "float":
            continue
        steps, expansion = made
        for step in steps:
            if step.node != "u" or step.phase != "backward":
                continue
            entries = opened(step)
            if entries is None:
                continue
            measured = difference(expansion, "u", [str(step.target)])[str(step.target)]
            for k in some(entries.shape, rng):
                column = measured[:, int(np.ravel_multi_index(k, entries.shape) if k else 0)]
                found = entries.at(k, ALL)
                told = np.zeros(column.size)
                for term in found.terms:
                    j = (
                        int(np.ravel_multi_index(term.index, entries.flat.spec.shape))
                        if term.index
                        else 0
                    )
                    told[j] = term.local
                np.testing.assert_allclose(told, column, 1e-6, 1e-7, err_msg=f"{case} {k}")


def opened_at(program: str, point: dict[str, Any], text: str) -> Entries:
    """The entries of the step whose line begins so."""
    found = evaluate(compose(program, point))
    return Entries(next(s for s in found.steps if s.text.startswith(text)))


def test_an_entry_of_a_product_of_matrices_both_ways() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    program, point = "y = a @ b; J = sum(sin(y))", {"a": a, "b": b}
    forward = opened_at(program, point, "y = ")
    found = forward.at((1, 2), ALL)
    assert [(t.port, t.index, t.partner) for t in found.terms] == [
        ("a", (1, j), ("b", (j, 2))) for j in range(3)
    ]
    assert [t.value for t in found.terms] == pytest.approx(list(a[1] * b[:, 2]))
    line = entry_line(forward, found)
    assert line.text == "y[1,2] = a[1,0] * b[0,2] + a[1,1] * b[1,2] + a[1,2] * b[2,2]"
    assert line.symbols.startswith(r"y[1{,}2] = a[1{,}0] \cdot b[0{,}2] + a[1{,}1]")
    numbers = " + ".join(
        f"{short(a[1, j]) if j == 0 else bracketed(short(a[1, j]))} * {bracketed(short(b[j, 2]))}"
        for j in range(3)
    )
    assert line.numbers_text == f"{numbers} = {short((a @ b)[1, 2])}"
    backward = opened_at(program, point, "dJ/da += ")
    found = backward.at((1, 0), ALL)
    upstream = np.cos(a @ b)
    assert [t.index for t in found.terms] == [(1, j) for j in range(4)]
    assert [t.factor for t in found.terms] == pytest.approx(list(upstream[1]))
    assert [t.local for t in found.terms] == pytest.approx(list(b[0]))
    assert found.value == pytest.approx(float(upstream[1] @ b[0]))
    text = entry_line(backward, backward.at((1, 0), 1)).text
    j = int(np.argmax(np.abs(upstream[1] * b[0])))
    assert text == f"dJ/da[1,0] += dJ/dy[1,{j}] * dy[1,{j}]/da[1,0] + 3 more"


def test_lines_of_entries() -> None:
    point = {"x": np.array([[0.2, -1.0, 0.5], [0.1, 0.3, 0.7]]), "b": np.ones(3)}
    program = "h = x + b; s = tanh(h); p = softmax(s); m = mean(p^2); J = m - sum(x)"
    for begin, index, text in (
        ("h = ", (1, 2), "h[1,2] = x[1,2] + b[2]"),
        ("s = ", (0, 1), "s[0,1] = tanh(h[0,1])"),
        ("p = ", (0, 1), "p[0,1] from s[0,0], s[0,1], s[0,2]"),
        ("dJ/db += ", (1,), "dJ/db[1] += dJ/dh[0,1] * 1 + dJ/dh[1,1] * 1"),
        ("dJ/dh += ", (1, 0), "dJ/dh[1,0] += dJ/ds[1,0] * (1 - s[1,0]^2)"),
        ("dJ/ds += ", (0, 2), "dJ/ds[0,2] += " + " + ".join(
            f"dJ/dp[0,{j}] * dp[0,{j}]/ds[0,2]" for j in range(3))),
    ):  # fmt: skip
        entries = opened_at(program, point, begin)
        assert entry_line(entries, entries.at(index, ALL)).text == text
    with pytest.raises(IndexError, match=r"no entry \[3\] in \[3\]"):
        opened_at(program, point, "dJ/db += ").at((3,), 4)


def test_what_has_no_sum_says_so() -> None:
    with pytest.raises(NoEntries, match="t is a single number made of single numbers"):
        opened_at("t = x^2; J = sin(t)", {"x": 1.0}, "t = ")
    with pytest.raises(NoEntries, match="the gradient of J with respect to itself is 1"):
        opened_at("t = x^2; J = sum(t)", {"x": np.ones(2)}, "dJ/dJ")
    with pytest.raises(NoEntries, match=f"y and its operands have 250,002 .* up to {LIMIT:,}"):
        opened_at("y = 2*x; J = sum(y)", {"x": np.ones(125_001)}, "y = ")
    flat = opened_at("y = sign(x); J = sum(y)", {"x": np.ones(2)}, "y = ")
    assert flat.at((0,), 4).count == 0


def test_an_infinite_slope_elsewhere_is_no_part_of_an_entry() -> None:
    entries = opened_at("y = sqrt(x); J = sum(y)", {"x": np.array([0.0, 4.0])}, "dJ/dx")
    assert [(t.index, t.local) for t in entries.at((1,), 4).terms] == [((1,), 0.25)]


def test_a_column_read_as_a_row_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: the slopes of another entry."""
    right = Entries.column
    monkeypatch.setattr(Entries, "column", lambda self, k: np.roll(right(self, k), 1))
    with pytest.raises(AssertionError):
        test_the_sum_over_j_is_the_contribution(ops.TABLE["matmul"])


def test_a_sum_over_what_has_no_value_is_not_told() -> None:
    found = evaluate(compose("p = x * y\nJ = sum(p)", {"x": [1.0, 2.0], "y": [1.0, 2.0]}))
    p, y = (found.graph.id_of(name) for name in "py")
    step = next(found.steps[i] for i in range(len(found.steps)) if found.steps[i].node == p)
    read = step.telling.read
    lost = replace(step.telling, read=lambda ref: None if ref == y else read(ref))
    with pytest.raises(NoEntries, match="p reads y, which has no value"):
        Entries(replace(step, telling=lost))
