"""What the inspector says of a node: its formula, its local derivatives, its numbers as text."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from app.session import Session
from app.text import tr
from app.view import theme
from engine import ops, ties
from engine.compose import formula_of
from engine.expression import Name, Number, Tree, substitute, to_text
from engine.graph import TIED, Graph
from engine.latex import latex_name, to_latex
from engine.ops.row import Array, Option, local_of
from engine.own import CATEGORY
from engine.passing import passes_on, read_at
from engine.wording import formula_tree, simplify

SHOWN_ENTRIES = 24
LINE = 30  # characters of a row of numbers that the panel shows at its usual width


def formula(session: Session, node_id: str) -> tuple[str, str]:
    """A node's own formula as LaTeX and as text; empty for a source."""
    graph = session.graph
    if graph.op(node_id).is_source:
        return "", ""
    op, tree = graph.op(node_id), formula_tree(graph, node_id)
    latex, text = to_latex(tree, ops.latex_template), formula_of(graph, node_id)
    computes = not passes_on(graph, node_id)
    if computes and op.category == CATEGORY:  # its formula over what this node reads
        names = {**_operands(graph, node_id), **_settings(graph, node_id)}
        whole = substitute(op.formula_tree, names)
        return f"{latex} = {to_latex(whole, ops.latex_template)}", f"{text} = {to_text(whole)}"
    return latex, text


def _operands(graph: Graph, node_id: str) -> dict[str, Tree]:
    names: dict[str, Tree] = {}
    for port in graph.ports(node_id):
        operand = read_at(graph, node_id, port)
        if isinstance(operand, str) or operand is None:
            names[port] = Name(graph.name(operand) if operand else "?")
        else:
            names[port] = Number(float(operand))
    return names


def _settings(graph: Graph, node_id: str) -> dict[str, Tree]:
    options = {**graph.op(node_id).defaults(), **graph.nodes[node_id].options}
    return {
        name: Number(float(value))
        for name, value in options.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def local_derivatives(session: Session, node_id: str) -> list[tuple[str, str]]:
    """d(node)/d(operand) for every port with a formula of its own, as LaTeX and as text.

    The value follows where it is a single number. Rows whose rule is no factor (a matrix product)
    show the rule itself, with the upstream gradient as g. What computes nothing has none.
    """
    graph = session.graph
    if passes_on(graph, node_id):
        return []
    op, node = graph.op(node_id), graph.nodes[node_id]
    names = {**_settings(graph, node_id), "y": Name(node.name), **_operands(graph, node_id)}
    lines = []
    for port in graph.ports(node_id):
        tree = op.derivative_trees.get(op.inputs[0] if op.variadic else port)
        operand = read_at(graph, node_id, port)
        if tree is None or not isinstance(operand, str):
            continue
        local = local_of(tree) if op.elementwise else None
        rule = simplify(substitute(tree if local is None else local, names), node.options)
        upper, lower = node.name, graph.name(operand)
        if local is None:
            left = rf"\partial {latex_name(lower)} \mathrel{{+}}= "
            lines.append((left + to_latex(rule, ops.latex_template), f"{lower} += {to_text(rule)}"))
            continue
        left = rf"\frac{{\partial {latex_name(upper)}}}{{\partial {latex_name(lower)}}} = "
        latex, text = to_latex(rule, ops.latex_template), f"d{upper}/d{lower} = {to_text(rule)}"
        number = _local_value(session, node_id, port)
        if number is not None and not isinstance(rule, Number):
            shown = theme.number_text(number)
            latex, text = f"{latex} = {_latex_number(shown)}", f"{text} = {shown}"
        lines.append((left + latex, text))
    return lines


def _latex_number(shown: str) -> str:
    mantissa, _, power = shown.replace("−", "-").replace("∞", r"\infty ").partition("e")
    return rf"{mantissa} \times 10^{{{power}}}" if power else mantissa


def _local_value(session: Session, node_id: str, port: str) -> float | None:
    steps = session.steps
    step = steps.script.passes.get((session.evaluation.step_of(node_id), port))
    term = step.contribution if step is not None else None
    value = steps.telling.read(term.local) if term is not None and term.local is not None else None
    return float(value) if value is not None and value.ndim == 0 else None


def array_text(array: Array | None) -> str:
    """A number in four digits; of a tensor its entries where they fit, else range and mean."""
    if array is None:
        return "–"
    if array.ndim == 0:
        return theme.number_text(float(array))
    if array.ndim <= 2 and 0 < array.size <= SHOWN_ENTRIES:
        rows = [[theme.number_text(float(v)) for v in row] for row in np.atleast_2d(array)]
        width = max(len(text) for row in rows for text in row)
        lines = ["  ".join(text.rjust(width) for text in row) for row in rows]
        if len(lines[0]) <= LINE:
            return "\n".join(lines).replace(" ", "\u00a0")  # no line may break at a space
    if not array.size:
        return tr("no entries")
    low, high = theme.number_text(float(array.min())), theme.number_text(float(array.max()))
    return f"{low} … {high}\nmean {theme.number_text(float(array.mean()))}"


def exact_text(array: Array) -> str:
    """Every entry in full precision, as a number or nested lists."""
    if array.ndim == 0:
        return theme.exact_text(float(array))
    return repr(array.tolist())


def parse_array(text: str, dtype: np.dtype[np.generic]) -> Array:
    """A number or nested lists of numbers typed by a person.

    Raises ValueError with a sentence.
    """
    cleaned = text.strip().replace("−", "-")
    try:
        value = ast.literal_eval(cleaned)
        array = np.asarray(value, dtype)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(
            f"{cleaned[:40]!r} is not a value; write a number or nested lists as [[1, 2], [3, 4]]"
        ) from None
    if array.ndim > 8:
        raise ValueError("a value has at most 8 axes; remove some brackets")
    return array


def in_force(graph: Graph, node_id: str) -> Mapping[str, Any]:
    """A node's options; the sizes of a tied instance are those of the one it is tied to."""
    node = graph.nodes[node_id]
    tied = node.options.get(TIED)
    return {**graph.nodes[ties.owner(graph, node_id)].options, TIED: tied} if tied else node.options


def offered(graph: Graph, node_id: str) -> list[Option]:
    """The options that can be set: only what has parameters can share them."""
    op = graph.op(node_id)
    alone = op.definition is not None and not any(ties.parameters(graph, node_id))
    return [o for o in op.options if not (alone and o.name == TIED)]


def begins_anew(graph: Graph, node_id: str) -> bool:
    """Whether it is a parameter that says how it starts, or a module that holds parameters."""
    if graph.op(node_id).definition is None:
        return bool(graph.nodes[node_id].options.get("init", "given") != "given")
    return any(ties.parameters(graph, node_id))


def named_values(graph: Graph, node_id: str, option: str) -> dict[str, str] | None:
    """The values that an option of a module can have, with words for them; None where it is typed."""
    node, op = graph.nodes[node_id], graph.op(node_id)
    if option == TIED and op.definition is not None:
        others = [n for n in graph.of_op(node.op) if n != node_id]
        return {"": tr("its own"), **{n: f"{tr('those of')} {graph.name(n)}" for n in others}}
    if op.reads_inside:
        source = read_at(graph, node_id, op.inputs[0])
        definition = graph.op(source).definition if isinstance(source, str) else None
        if definition is not None:
            names = [definition.name(n) for n in definition.order()]
            return {name: name for name in names}
    return None
