"""The trace as CSV, Markdown and LaTeX: read back, escaped, balanced."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import trace_export
from app.cli import main
from app.cli.group import Drawings
from app.session import Session
from engine.compose import compose
from engine.graph import Graph

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


def told(session: Session, suffix: str) -> str:
    return "".join(trace_export.written(session.steps, session.forward_end, suffix))


def test_csv_reads_back_with_every_digit() -> None:
    session = Session(compose(WORKED, default=0.3))
    rows = list(csv.DictReader(io.StringIO(told(session, ".csv"))))
    assert len(rows) == len(session.steps)
    for row, step in zip(rows, session.steps, strict=True):
        assert float(row["value"]) == float(step.value)
        assert float(row["sum so far"]) == float(step.total)
        assert row["symbols"] == step.text
    t, x = 0.09, 0.3
    expected = -math.sin(math.sin(t) + 3 * t) * (math.cos(t) + 3) * 2 * x
    assert math.isclose(float(rows[-1]["sum so far"]), expected, rel_tol=1e-14)
    assert [r["edge"] for r in rows][-1] == "t -> x"


def test_constants_out_of_derivatives_are_exact_for_programs_and_short_for_people() -> None:
    session = Session(compose("a = x^(1/3); b = log10(a); J = b/7", default=2.0))
    rows = list(csv.DictReader(io.StringIO(told(session, ".csv"))))
    symbols = [row["symbols"] for row in rows if row["phase"] == "backward"]
    assert symbols == [
        f"dJ/db += dJ/dJ * {1 / 7!r}",
        f"dJ/da += dJ/db * (1 / ({math.log(10)!r} * a))",
        f"dJ/dx += dJ/da * ({1 / 3!r} * x^{1 / 3 - 1!r})",
    ]
    shown = [step.text for step in session.steps if step.phase == "backward"]
    assert shown[0] == "dJ/db += dJ/dJ * 0.1429" and "2.303" in shown[1] and "0.3333" in shown[2]
    assert r"0.1429" in told(session, ".tex") and "0.142857" not in told(session, ".tex")


def test_a_cell_is_never_a_formula() -> None:
    session = Session(compose("y = -2*x; J = y^2", default=3.0))
    rows = list(csv.DictReader(io.StringIO(told(session, ".csv"))))
    for row in rows:
        for column in ("node", "edge", "symbols", "numbers"):
            assert not row[column].startswith(("=", "+", "-", "@"))
    assert any(float(row["value"]) < 0 for row in rows)  # numbers stay numbers
    assert trace_export.harmless("=1+1") == "'=1+1"


def test_tensors_are_told_by_shape_and_norm() -> None:
    values = {"W": [[1.0, 2.0], [3.0, 4.0]], "x": [1.0, -1.0]}
    session = Session(compose("h = W @ x; J = sum(h^2)", values))
    rows = list(csv.DictReader(io.StringIO(told(session, ".csv"))))
    first = next(r for r in rows if r["node"] == "h" and r["phase"] == "forward")
    norm = np.linalg.norm(np.array(values["W"]) @ np.array(values["x"]))
    assert first["value"].startswith("[2]")
    assert float(first["value"].split()[-1]) == pytest.approx(norm, rel=1e-15)


def test_markdown_has_two_columns_whatever_the_names() -> None:
    session = Session(compose("a_b = abs(x_1); J = a_b * 2", default=-1.5))
    lines = told(session, ".md").splitlines()
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line)) == 3, line
    assert r"a\_b" in lines[2]
    assert trace_export.markdown_text("a|b_c") == r"a\|b\_c"


def test_latex_is_balanced() -> None:
    session = Session(compose("a_b = abs(x_1); t = a_b^2; J = t * a_b", default=-1.5))
    text = told(session, ".tex")
    body = re.sub(r"%.*", "", text)
    assert body.count("{") - body.count(r"\{") == body.count("}") - body.count(r"\}")
    assert body.count("$") % 2 == 0 and body.count(r"\left") == body.count(r"\right")
    assert body.count(r"\begin{") == body.count(r"\end{") == 1
    rows = [line for line in body.splitlines() if line.startswith(("{$", " & "))]
    assert len(rows) == max(session.forward_end, len(session.steps) - session.forward_end)
    assert all(row.count("&") == 1 for row in rows)
    outside = re.sub(r"\$[^$]*\$", "", body)
    assert not re.search(r"(?<!\\)[_^]", outside)
    assert trace_export.latex_text("a_b & 5%") == r"a\_b \& 5\%"


def test_nothing_to_write_is_a_sentence() -> None:
    session = Session(Graph())
    with pytest.raises(ValueError, match="no steps"):
        trace_export.written(session.steps, 0, ".md")
    with pytest.raises(ValueError, match=r"\.csv"):
        trace_export.written(session.steps, 0, ".doc")


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "trace.md"
    assert main(["trace", "example:worked-example", "--to", str(out)]) == 0
    assert out.read_text(encoding="utf-8").startswith("| Forward | Backward |")
    assert main(["trace", "example:worked-example", "--to", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["trace", "example:worked-example", "--to", str(tmp_path / "a.doc")]) == 2


def test_an_animation_is_asked_for_with_what_was_chosen(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    asked: list[Any] = []

    def film(*given: Any) -> int:
        asked.append(given)
        return 0

    drawings, out = Drawings(film, film, film), tmp_path / "steps.gif"
    words = ["animate", "example:xor", "--to", str(out), "--steps", "backward", "--once"]
    assert main(words, drawings) == 0
    assert asked == [("example:xor", out, (900, "backward", "dark", True), 1.2, False)]
    assert main(["animate", "example:xor", "--to", str(tmp_path / "steps.avi")], drawings) == 2
