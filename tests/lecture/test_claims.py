"""Every example shows what it claims: one seed, five in the long form."""

from __future__ import annotations

import os

import pytest

from engine import examples, lessons
from engine.claims import CLAIMS, prove
from engine.claims.figure import Figure
from engine.examples import TOPICS

LONG = bool(os.environ.get("GRADLOOM_LONG"))


def test_every_example_has_a_claim() -> None:
    assert set(CLAIMS) == set(examples.names())


def test_every_system_of_the_lecture_has_an_example() -> None:
    shown = {system for row in examples.INFO.values() for system in row.systems}
    assert shown == {f"M{number:02}" for number in range(1, 27)}


def test_every_part_of_the_lecture_has_examples_and_a_lesson() -> None:
    assert {row.topic for row in examples.INFO.values()} == set(TOPICS)
    assert {row.topic for row in lessons.INFO.values()} == set(TOPICS)


@pytest.mark.parametrize("seed", range(5) if LONG else [0])
@pytest.mark.parametrize("name", CLAIMS)
def test_claim(name: str, seed: int) -> None:
    figures = prove(name, seed)
    assert figures
    assert not [figure for figure in figures if not figure.holds]


def test_a_figure_that_does_not_hold_is_seen() -> None:
    assert Figure("less", 1.0, "<", 2.0).holds and not Figure("less", 2.0, "<", 2.0).holds
    assert Figure("more", 3.0, ">", 2.0).holds and not Figure("more", float("nan"), ">", 2.0).holds
    assert (
        Figure("equal", 2.1, "=", 2.0, 0.2).holds and not Figure("equal", 2.3, "=", 2.0, 0.2).holds
    )
