"""Claims about graphs and derivatives do not hold of documents that are not what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine import edits, examples
from engine.claims.graphs import CLAIMS
from engine.graph import Graph
from tests.lecture.build_graphs import BUILDERS


def other(name: str, row: str) -> Callable[[Graph], None]:
    """Another operator at a node."""

    def plant(graph: Graph) -> None:
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op=row))

    return plant


def literal(name: str, port: str, value: float) -> Callable[[Graph], None]:
    def plant(graph: Graph) -> None:
        edits.set_literal(graph, str(graph.id_of(name)), port, value).apply(graph)

    return plant


def another_rate(graph: Graph) -> None:
    edits.set_recipe(graph, schedule_settings={"gamma": 0.9}).apply(graph)


def another_curve(graph: Graph) -> None:
    """The curve of a module changes and its slope does not."""
    definition = graph.modules["Relu"].copy()
    other("y", "square")(definition)
    graph.put("modules", "Relu", definition)


PLANTED: dict[str, Callable[[Graph], None]] = {
    "three-ways": other("active", "sigmoid"),
    "forward": other("q1", "add"),
    "fan-out": other("a", "cos"),
    "worked-example": literal("u2", "a", 2.9),
    "jacobian": other("h", "sigmoid"),
    "higher-orders": literal("u2", "a", 2.9),
    "one-step": another_rate,
    "activations": another_curve,
}  # fmt: skip


@pytest.mark.parametrize("name", CLAIMS)
def test_a_planted_defect_is_seen(name: str) -> None:
    graph = examples.load(name)
    assert all(figure.holds for figure in CLAIMS[name](graph, 0))
    PLANTED[name](graph)
    assert not all(figure.holds for figure in CLAIMS[name](graph, 0))


def test_claims_are_of_all_that_is_built_here() -> None:
    assert set(CLAIMS) == set(BUILDERS)
