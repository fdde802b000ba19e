"""Adding an operator is one row: the row of CONTRIBUTING.md, added and then looked for everywhere."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app import report
from app.cli import cli
from app.view.finder import found, operator_entry
from app.view.window import Window
from engine import check, files, ops
from engine.compose import compose, formula_of
from engine.derive import derive
from engine.expression import parse_expression
from engine.latex import to_latex
from engine.ops.row import Kernel, Op, Option
from engine.shapes import Options, Spec, elementwise
from tests.engine import test_mutants, test_ops

CONTRIBUTING = Path(__file__).parent.parent.parent / "CONTRIBUTING.md"


# The example of CONTRIBUTING.md, line for line.
def _bump(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    width = options["width"]

    def kernel(x: Any, out: Any) -> None:
        np.divide(x, width, out)
        np.square(out, out)
        np.negative(out, out)
        np.exp(out, out)

    return kernel


BUMP = Op(
    "bump", category="Activations", doc="A bell: 1 at 0, falling off on both sides.",
    inputs=("x",), formula="exp(-(x / width)^2)",
    derivative={"x": "g * (-2 * x / width^2 * y)"},
    shape=elementwise, elementwise=True, analytic=True, kernel=_bump,
    scalar=lambda options: lambda x: math.exp(-((x / options["width"]) ** 2)),
    options=(Option("width", 1.0, "float", "How far from 0 it has fallen to 1/e."),),
    latex=r"\mathrm{bump}\left(<0>\right)", label="bump", aliases=("bell", "radial"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def bump(enter_row: Callable[[Op], None]) -> Iterator[Op]:
    enter_row(BUMP)
    yield BUMP


def test_the_page_shows_this_row() -> None:
    """What CONTRIBUTING.md tells people to write is what is tested here."""
    (block,) = re.findall(r"```python\n(.*?)```", CONTRIBUTING.read_text("utf-8"), re.DOTALL)
    here = inspect.getsource(inspect.getmodule(_bump))  # type: ignore[arg-type]
    assert len(block.splitlines()) > 15
    assert [line for line in block.splitlines() if line not in here.splitlines()] == []


def test_palette_canvas_and_inspector(window: Window) -> None:
    search = window.palette_panel.search
    search.setText("bell")
    assert window.palette_panel.best() == "bump"
    QTest.keyClick(search, Qt.Key.Key_Return)
    (node,) = window.session.graph.nodes.values()
    assert node.op == "bump"
    window.session.select([node.id])
    assert set(window.inspector.options) == {"width"}
    chips = [c.op.name for d in window.palette_panel.drawers for c in d.chips]
    assert chips.count("bump") == 1


def test_finder_and_formula_bar(window: Window) -> None:
    chosen: list[str] = []
    rows = [op for rows in ops.DRAWERS.values() for op in rows]
    best = found([operator_entry(op, chosen.append) for op in rows], "radial")[0][0]
    best.run()
    assert chosen == ["bump"] and best.note == "Activations"
    line = window.top.formula.line
    line.setText("J = bump(x, width=2) * 3")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert "bump" in {n.op for n in window.session.graph.nodes.values()}
    assert any("bump" in step.text for step in window.session.steps)
    assert window.grab().width() > 0  # it is drawn


def test_help() -> None:
    done = CliRunner().invoke(cli, ["ops", "bump"])
    assert done.exit_code == 0
    for said in (BUMP.doc, "g * (-2 * x / width^2 * y)", "bell", "How far from 0"):
        assert said in done.stdout
    listed = json.loads(CliRunner().invoke(cli, ["ops", "--json"]).stdout)
    assert "bump" in {row["name"] for row in listed}
    assert report.operator(BUMP)["name"] == "bump"
    missed = CliRunner().invoke(cli, ["derive", "bumb(x)", "--at", "x=1"])
    assert "did you mean bump?" in missed.stderr


def test_formulas_latex_and_files(tmp_path: Path) -> None:
    tree = parse_expression("bump(x)^2")
    assert to_latex(tree, ops.latex_template) == r"\mathrm{bump}\left(x\right)^{2}"
    found = derive("bump(x, 2)", {"x": 1.0}, checked=True)
    assert max(found.check.values()) < 1e-8
    assert found.value == pytest.approx(math.exp(-0.25))
    assert found.gradients["x"] == pytest.approx(-0.5 * math.exp(-0.25))
    graph = compose("J = sum(bump(x, width=2))", {"x": np.array([0.5, -1.0])})
    files.write(graph, tmp_path / "bump.gloom")
    again = files.read(tmp_path / "bump.gloom")
    assert [n.op for n in again.nodes.values()] == [n.op for n in graph.nodes.values()]
    node = next(n for n in graph.nodes.values() if n.op == "bump")
    assert formula_of(again, node.id) == "bump(x, width=2)"


def test_checks_and_generated_tests() -> None:
    assert check.check_rows(["bump"]) == (1, [])
    done = CliRunner().invoke(cli, ["check", "--json"])
    assert json.loads(done.stdout)["failed"] == []
    generated = [
        function
        for name, function in vars(test_ops).items()
        if name.startswith("test_") and list(inspect.signature(function).parameters) == ["op"]
    ]
    assert len(generated) >= 10
    for function in generated:
        if not any(mark.name == "slow" for mark in function.pytestmark):
            function(BUMP)


def test_its_planted_defects_are_caught(enter_row: Callable[[Op], None]) -> None:
    enter_row(test_mutants.BEND)
    planted = list(test_mutants.mutants(BUMP))
    assert len(planted) == 7
    assert [what for what, wrong in planted if not check.check_row(wrong)] == []


def test_random_graphs_use_it() -> None:
    from tests.engine import conftest

    conftest._drawn.cache_clear()
    try:
        assert "bump" in {op.name for op, _ in conftest._drawn()}
    finally:
        conftest._drawn.cache_clear()


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="there is an operator called 'bump' already"):
        ops.enter(BUMP)
