"""Help pages: one for every operator, with what its row says; the shipped reference is today's."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import help as pages
from engine import ops

REFERENCE = Path(__file__).parents[2] / "docs" / "operators.md"
ROWS = [op for rows in ops.DRAWERS.values() for op in rows]


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_every_operator_has_a_page(op: ops.Op) -> None:
    page = pages.page(op)
    assert page.startswith(f"### {op.name}\n\n{op.doc}")
    assert all(f"| `{option.name}` |" in page for option in op.options)
    assert len(pages.derivatives(op)) == sum(t is not None for t in op.derivative_trees.values())
    for static in op.statics:
        assert f"`{static}`" not in page


def test_the_reference_is_todays() -> None:
    """After a change of the table: gradloom ops --markdown > docs/operators.md"""
    assert REFERENCE.read_text(encoding="utf-8") == pages.markdown()


def test_kinks_are_told_as_they_are_computed() -> None:
    assert pages.kinks(ops.TABLE["relu"]) == ["at x = 0: dy/dx = 0"]
    assert pages.kinks(ops.TABLE["abs"]) == ["at x = 0: dy/dx = 0"]
    assert pages.kinks(ops.TABLE["maximum"]) == ["at a = b: dy/da = 0.5000, dy/db = 0.5000"]
    assert pages.kinks(ops.TABLE["sin"]) == []


def test_axes_are_seen_in_formulas() -> None:
    lines = [line.latex for line in pages.derivatives(ops.TABLE["softmax_cross_entropy"])]
    assert r"\mathrm{size}_{-1}\left(" in lines[0]
