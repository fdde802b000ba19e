"""The commands on examples and lessons, and what `gradloom prove` says of claims that hold and do not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from test_cli import call, gradloom, refused

from app import proof
from app.proof import Measured
from engine import examples, lessons
from engine.claims.figure import Figure


def test_examples_are_found_by_words() -> None:
    assert [row["name"] for row in gradloom("examples")] == examples.names()
    assert "xor" in [row["name"] for row in gradloom("examples", "M07")]
    assert gradloom("examples", "Fisher")[0]["name"] == "your-csv"
    assert "lists all of them" in refused("examples", "qqqqzzzz")
    assert [row["name"] for row in gradloom("lessons")] == lessons.names()


def test_a_claim_is_measured() -> None:
    told = gradloom("prove", "xor", "--seeds", 2)
    assert {row["example"] for row in told} == {"xor"} and all(row["holds"] for row in told)
    assert all(len(row["values"]) == 2 for row in told)
    page = call("prove", "xor", "--markdown").stdout
    assert "| M07 | A two-layer network learns XOR (`xor`) |" in page and "(below 0.02)" in page
    assert "lists all of them" in refused("prove", "nothing")


def test_a_claim_that_does_not_hold_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = Figure("loss", 0.1, "<", 0.2), Figure("loss", 0.3, "<", 0.2)
    monkeypatch.setattr(proof, "measure", lambda *of: [Measured("xor", figures)])
    done = call("prove", "xor", "--json")
    assert done.exit_code == 1 and json.loads(done.stdout)[0]["holds"] is False
    assert "loss: 0.3 (below 0.2)" in call("prove", "xor").stdout


def test_the_worst_seed_is_told() -> None:
    def worst(relation: str, *values: float) -> float:
        figures = tuple(Figure("x", v, relation, 1.0, 0.5) for v in values)  # type: ignore[arg-type]
        return Measured("a", figures).worst.value

    assert worst("<", 0.1, 0.9, 0.5) == 0.9 and worst(">", 1.1, 5.0, 0.9) == 0.9
    assert worst("=", 1.0, 0.7, 1.2) == 0.7 and math.isnan(worst("<", 0.1, math.nan))


def test_the_page_of_the_lecture_has_every_system_and_example() -> None:
    """After a change `make gallery` measures anew."""
    page = (Path(__file__).parents[2] / "docs" / "lecture.md").read_text("utf-8")
    for name in examples.names():
        row = examples.INFO[name]
        for system in row.systems:
            assert f"| {system} | {row.title} (`{name}`) | {row.claim} | " in page
