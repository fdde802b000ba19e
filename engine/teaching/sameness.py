"""Whether a document computes a formula, whatever its nodes are called and however it is put."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np

from engine.compose import compose
from engine.evaluate import Evaluation
from engine.expression import ExpressionError
from engine.flatten import expand
from engine.graph import Graph, GraphError
from engine.ops.row import Array
from engine.program import Plan
from engine.shapes import ShapeError

MOST_STEPS = 2_000
"""Steps of a document that is compared; a formula that a person types is shorter."""
MOST_NAMES = 5
"""Up to so many names may be others than the formula's: each order of them is tried."""
_POINTS, _EXACT = 3, 1e-9


def computes(evaluation: Evaluation, formula: str) -> bool:
    """Whether the document's output is the formula of its inputs and parameters.

    Both are computed at points drawn at random and compared, so `x*x` is `x^2`. The names of the
    document may be others than the formula's where all are single numbers; the same
    names stand for the same. Where numbers below 0 are out of what one of the two is defined for, the
    other may be defined. False where one of the two cannot be computed.
    """
    graph, output = evaluation.graph, evaluation.output
    result = None if output is None else evaluation.expansion.step_of(output)
    if not isinstance(result, str):
        return False
    above = evaluation.expansion.ancestors([result])
    if len(above) > MOST_STEPS:
        return False
    given = {
        n: value
        for n, value in evaluation.expansion.feeds.items()
        if n in above and evaluation.expansion.nodes[n].op.name != "constant"
    }
    named = {evaluation.steps.telling.name(n): n for n in given}
    try:
        typed = free_names(formula)
        if len(typed) != len(given):
            return False
        single = all(not value.shape and value.dtype.kind == "f" for value in given.values())
        orders = []
        if {*typed} == {*named}:
            orders = [[named[n] for n in typed]]
        elif single and len(typed) <= MOST_NAMES:
            orders = [list(order) for order in permutations(given)]
        points = [
            _drawn(given, seed, signed) for signed in (False, True) for seed in range(_POINTS)
        ]
        wanted = [_output(graph, result, point) for point in points]
        return any(_agree(formula, typed, order, points, wanted) for order in orders)
    except (ExpressionError, GraphError, ShapeError, ValueError):
        return False


def free_names(formula: str) -> list[str]:
    """The names that a formula leaves open. Raises ExpressionError."""
    graph = compose(formula, default=1.0)
    return [graph.name(n) for n in graph.of_op("input")]


def _drawn(given: Mapping[str, Array], seed: int, signed: bool) -> dict[str, Array]:
    """Other values of sources, positive ones or of either sign; whole numbers stay as they are."""
    generator = np.random.default_rng(seed)
    return {
        n: generator.uniform(0.4, 1.6, value.shape)
        * (generator.choice((-1.0, 1.0), value.shape) if signed else 1.0)
        if value.dtype.kind == "f"
        else value
        for n, value in given.items()
    }


def _output(graph: Graph, result: str, values: Mapping[str, Array]) -> Array:
    expansion = expand(graph, values)
    plan = Plan(expansion, [result])
    for node_id, value in values.items():
        plan.set(node_id, value)
    plan.run()
    return np.array(plan.value(result))


def _agree(
    formula: str,
    typed: list[str],
    order: list[str],
    points: list[dict[str, Array]],
    wanted: list[Array],
) -> bool:
    for number, (point, right) in enumerate(zip(points, wanted, strict=True)):
        other = compose(formula, {n: point[k] for n, k in zip(typed, order, strict=True)})
        found = _output(other, str(other.output()), {})
        if found.shape != right.shape:
            return False
        same = np.isclose(found, right, rtol=_EXACT, atol=_EXACT, equal_nan=True)
        if number >= _POINTS:
            same |= np.isnan(found) | np.isnan(right)
        if not same.all():
            return False
    return True
