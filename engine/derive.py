"""Values, gradients, higher orders and Hessians of a program at a point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine import check, matrices
from engine.compose import compose, read_name
from engine.differentiate import differentiate
from engine.evaluate import evaluate
from engine.expansion import Ref
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array
from engine.program import Plan
from engine.shapes import shape_text
from engine.ties import name_at
from engine.trace import Step

MAX_STEPS = 200_000


class DeriveError(ValueError):
    """The program cannot be differentiated as asked; the message says what to do."""


@dataclass(frozen=True)
class Derived:
    """A program's output and what was asked of its derivatives; arrays by name.

    `orders` holds [value, first, ..., N-th derivative] for inputs that are single numbers.
    `trouble` names the first micro-step that made a number that is not finite, see `Evaluation`.
    `hessian[row][column]` has the shape of the row's input followed by the column's.
    """

    graph: Graph
    output: str
    value: Array
    gradients: dict[str, Array]
    nodes: dict[str, tuple[Array, Array | None]]
    steps: Sequence[Step]
    orders: dict[str, list[float]] = field(default_factory=dict)
    hessian: dict[str, dict[str, Array]] = field(default_factory=dict)
    check: dict[str, float] = field(default_factory=dict)
    trouble: str = ""


def derive(
    program: str,
    at: Mapping[str, Any],
    wrt: Iterable[str] | None = None,
    order: int = 0,
    hessian: bool = False,
    checked: bool = False,
    dtype: str = "float64",
    modules: Mapping[str, Graph] | None = None,
) -> Derived:
    """Runs a program forward and backward at the point `at`.

    `wrt` names the inputs to differentiate by (all float ones unless given), `modules` are definitions
    that the program may call. Raises ExpressionError,
    or DeriveError when an operand does not fit or the output is not a single number.
    """
    graph = compose(program, at, dtype, modules=modules)
    evaluation = evaluate(graph)
    for message in evaluation.faults.values():
        raise DeriveError(message)
    output = evaluation.output
    if output is None or output not in evaluation.values:
        raise DeriveError("the program computes nothing; write a formula such as x^2")
    shape = evaluation.specs[output].shape
    if shape or evaluation.adjoints is None:
        name = graph.name(output)
        raise DeriveError(
            f"{name} has shape {shape_text(shape)} and only a single number has a gradient; "
            f"sum({name}) would do"
        )
    inputs = _inputs(graph, evaluation.specs, wrt)
    gradients = {
        name: np.asarray(evaluation.gradients.get(n, np.zeros(evaluation.specs[n].shape)))
        for name, n in inputs.items()
    }
    nodes = {
        name_at(graph, n): (value, evaluation.gradients.get(n))
        for n, value in evaluation.values.items()
    }
    return Derived(
        graph,
        graph.name(output),
        evaluation.values[output],
        gradients,
        nodes,
        evaluation.steps,
        _orders(graph, output, inputs, order) if order else {},
        _hessian(graph, output, inputs) if hessian else {},
        _checked(graph, inputs) if checked else {},
        evaluation.trouble,
    )


def _inputs(graph: Graph, specs: Mapping[str, Any], wrt: Iterable[str] | None) -> dict[str, str]:
    """Input nodes by the name the program reads them under."""
    known = {read_name(graph, n): n for n in graph.of_op("input")}
    if wrt is None:
        return {name: n for name, n in known.items() if specs[n].kind == "float"}
    chosen = {}
    for name in wrt:
        if name not in known:
            raise DeriveError(f"there is no input {name}; the program reads {', '.join(known)}")
        if specs[known[name]].kind != "float":
            raise DeriveError(f"{name} holds whole numbers, which have no derivative; give floats")
        chosen[name] = known[name]
    return chosen


def _orders(
    graph: Graph, output: str, inputs: Mapping[str, str], order: int
) -> dict[str, list[float]]:
    result: dict[str, list[float]] = {}
    for name, node_id in inputs.items():
        expansion = expand(graph)
        if expansion.spec(node_id).shape:
            raise DeriveError(
                f"orders are for inputs that are single numbers; {name} has shape "
                f"{shape_text(expansion.spec(node_id).shape)}: choose inputs with --wrt"
            )
        refs: list[Ref] = [expansion.results.get(output, output)]
        for _ in range(order):
            refs.append(differentiate(expansion, refs[-1], [node_id]).adjoint.get(node_id, 0.0))
            if len(expansion.nodes) > MAX_STEPS:
                raise DeriveError(
                    f"order {len(refs) - 1} needs more than {MAX_STEPS:,} steps; ask for fewer"
                )
        plan = Plan(expansion, refs)
        plan.run()
        result[name] = [plan.number(r) for r in refs]
    return result


def _hessian(graph: Graph, output: str, inputs: Mapping[str, str]) -> dict[str, dict[str, Array]]:
    expansion = expand(graph)
    try:
        found = matrices.hessian(expansion, expansion.results.get(output, output), inputs)
    except matrices.MatrixError as error:
        raise DeriveError(str(error)) from None
    found.advance()
    shapes, borders = found.rows.shapes, found.rows.borders
    result: dict[str, dict[str, Array]] = {}
    for row, part in zip(inputs, np.split(found.values, borders), strict=True):
        blocks = zip(inputs, np.split(part, borders, axis=1), strict=True)
        result[row] = {n: block.reshape(shapes[row] + shapes[n]) for n, block in blocks}
    return result


def _checked(graph: Graph, inputs: Mapping[str, str]) -> dict[str, float]:
    errors = check.check_graph(graph, nodes=inputs.values())
    return {name: errors[n] for name, n in inputs.items()}
