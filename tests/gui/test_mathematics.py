"""Formulas typeset: none comes out larger than a person could read it."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from ziamath.config import config
from ziamath.tex import tex2mml
from ziamath.zmath import Latex, Math

from app import help as pages
from app.view import mathematics, theme
from app.view.mathematics import _flat, typeset
from engine import ops
from engine.check.cases import cases_of, operands
from engine.compose import compose
from engine.evaluate import evaluate
from engine.graph import Graph, Node
from engine.ops.row import Case, Op

SIZE = 13.0
TALLEST = 12 * SIZE
SHOWN = sorted(op.name for op in ops.TABLE.values() if not op.hidden and not op.is_source)


def case_of(op: Op) -> Case:
    """The case with the most to write: an axis where there is one, single numbers if there are not."""
    cases = [c for c in cases_of(op) if all(math.prod(s) for s in c.shapes)]
    return max(cases, key=lambda c: ("axis" in c.options, len(c.shapes), max(map(len, c.shapes))))


def document(op: Op) -> Graph:
    """The row between inputs and the square of its sum."""
    case, graph = case_of(op), Graph()
    values = operands(op, case, np.random.default_rng(0))
    graph.put("nodes", "n1", Node("n1", op.name, "r", {**op.defaults(), **case.options}))
    for i, (port, value) in enumerate(zip(op.ports(len(values)), values, strict=True)):
        node_id = f"n{i + 2}"
        graph.put("nodes", node_id, Node(node_id, "input", f"x{i}"))
        graph.put("tensors", node_id, value)
        graph.put("links", ("n1", port), node_id)
    graph.put("nodes", "n90", Node("n90", "sum", "s", ops.TABLE["sum"].defaults()))
    graph.put("links", ("n90", "x"), "n1")
    return graph


def formulas(op: Op) -> list[str]:
    meaning = pages.meaning(op)
    lines = [pages.call(op), *([meaning] if meaning else []), *pages.derivatives(op)]
    return [line.latex for line in lines]


def heights(latex: list[str]) -> dict[str, float]:
    return {text: typeset(text, SIZE, theme.DARK.text, text).height for text in latex}


def tall(latex: list[str]) -> dict[str, float]:
    return {text: height for text, height in heights(latex).items() if height > TALLEST}


def test_no_formula_with_limits_at_a_large_sign_is_too_high(qtbot: QtBot) -> None:
    large = re.compile(r"\\(sum|prod)(\\limits)?\s*[_^]")
    told = [[t for t in formulas(ops.TABLE[name]) if large.search(t)] for name in SHOWN]
    shortest = [min(texts, key=len) for texts in told if texts]
    assert len(shortest) > 10
    assert tall([text for text in shortest if len(text) < 150]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_every_formula_derivative_and_step_of_a_row_has_a_sane_height(
    qtbot: QtBot, name: str
) -> None:
    op = ops.TABLE[name]
    found = formulas(op)
    if not op.reads_inside:
        evaluation = evaluate(document(op))
        assert len(evaluation.steps) >= 2, evaluation.faults
        found += [step.symbols for step in evaluation.steps]
    assert tall(found) == {}


def test_a_sum_over_an_axis_in_brackets_is_no_higher_than_the_window(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = compose("loss = sum(softmax(x)^2)", {"x": [1.0, 2.0, 3.0]})
    lines = [step.symbols for step in evaluate(graph).steps]
    assert max(heights(lines).values()) < TALLEST
    bracket = r"\left(\sum_{-1} x\right)"
    assert heights([bracket])[bracket] < TALLEST
    mathematics.clear_cache()
    monkeypatch.setattr(mathematics, "_LIMITS", re.compile("()(?!)"))
    assert heights([bracket])[bracket] > 1000  # what the checks above are there to catch
    mathematics.clear_cache()


def test_rows_that_are_left_out_change_no_drawing() -> None:
    """Against ziamath's own way from LaTeX to a drawing, for short formulas of the table."""
    config.svg2 = False
    trace = [
        r"\frac{\partial s_{2}}{\partial v_{17}} = \frac{\partial s_{2}}{\partial v_{18}} \cdot \cos(v_{17})",
        r"v_{123} = \tanh(v_{99}) = 0.1234", r"v_{12} = v_{3}^{2} + v_{4}", r"\frac{a}{2} \cdot {x}_{[0]}",
    ]  # fmt: skip
    shown = [f for name in SHOWN[::4] for f in formulas(ops.TABLE[name]) if len(f) < 120]
    assert len(shown) > 30
    for latex in (*trace, *shown):
        try:
            whole = Latex(latex, size=SIZE, color="#ff0000").svg()
        except Exception:
            continue  # what is never drawn as it stands
        tree = _flat(ElementTree.fromstring(tex2mml(latex)))
        tree.set("mathcolor", "#ff0000")
        assert Math(tree, size=SIZE).svg() == whole, latex
