"""Builds the examples of graphs, of the forward and of the backward pass."""

from __future__ import annotations

from collections.abc import Callable

from engine.compose import compose
from engine.graph import Graph
from tests.lecture.building import named


def worked_example() -> Graph:
    program = "t = x^2\nu1 = sin(t)\nu2 = 3*t\nu = u1 + u2\nJ = cos(u)"
    return named("worked-example", compose(program, {"x": 1.0}))


BUILDERS: dict[str, Callable[[], Graph]] = {"worked-example": worked_example}
