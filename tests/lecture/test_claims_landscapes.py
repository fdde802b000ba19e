"""A document that lacks what its claim is about does not keep the claim."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine import edits, examples
from engine.claims import CLAIMS
from engine.graph import Graph


def _still(graph: Graph) -> None:
    edits.set_recipe(graph, learning_rate=0.0).apply(graph)


def _wider(graph: Graph) -> None:
    edits.set_options(graph, str(graph.id_of("a")), {"low": -2.0, "high": 2.0}).apply(graph)


def _no_penalty(graph: Graph) -> None:
    node = next(n for n in graph.nodes.values() if 0.01 in n.literals.values())
    port = next(p for p, v in node.literals.items() if v == 0.01)
    edits.set_literal(graph, node.id, port, 0.0).apply(graph)


def _all_relu(graph: Graph) -> None:
    graph.put("modules", "SigmoidLayer", graph.modules["ReluLayer"])


def _plain(graph: Graph) -> None:
    edits.set_recipe(graph, learning_rate=0.1).apply(graph)


PLANTED: tuple[tuple[str, Callable[[Graph], None], str], ...] = (
    ("saddle", _wider, "z in the corners"),
    ("saddle", _still, "share of starts that reach a corner"),
    ("many-hills", _still, "z of the best end"),
    ("restarts", _still, "best of ten"),
    ("many-solutions", _still, "gradient norm"),
    ("search", _plain, "best over that of the document"),
    ("overfitting", _no_penalty, "held-out loss with L2"),
    ("vanishing-gradients", _all_relu, "of the sigmoids"),
)


@pytest.mark.parametrize(
    ("name", "spoil", "told"), PLANTED, ids=[f"{row[0]}: {row[2]}" for row in PLANTED]
)
def test_a_planted_defect_breaks_the_claim(
    name: str, spoil: Callable[[Graph], None], told: str
) -> None:
    graph = examples.load(name)
    spoil(graph)
    broken = [figure.what for figure in CLAIMS[name](graph, 0) if not figure.holds]
    assert any(told in what for what in broken), broken
