"""What nodes and steps are called in lines, their formulas as trees, and numbers as short text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine import ops
from engine.differentiate import Adjoints
from engine.expansion import Expansion, Ref
from engine.expression import (
    Call,
    ExpressionError,
    Name,
    Number,
    Tree,
    fold,
    to_text,
)
from engine.graph import TIED, Graph
from engine.latex import latex_name, latex_number, to_latex
from engine.ops.row import STATICS, Array, Op, simplified, tidy
from engine.passing import handed_on, passes_on, read_at

DIGITS = 4
MARK = "\0"
"""Stands on both sides of a name in the `marked` forms of a formula."""
GRADIENT = "∂"
"""A `Name` that begins with it stands for the adjoint of the node named behind it."""


@dataclass(frozen=True)
class Telling:
    """What lines are printed from: the document, its expansion and the values of steps.

    `names` are those that steps have inside the module that is looked at.
    """

    graph: Graph
    expansion: Expansion
    adjoints: Adjoints | None
    read: Callable[[Ref], Array | None]
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, ref: str) -> str:
        if ref in self.names:
            return self.names[ref]
        if ref in self.graph.nodes:
            return self.graph.name(ref)
        return self.expansion.names.get(ref, ref)

    @property
    def output(self) -> str:
        return self.name(self.adjoints.output) if self.adjoints else ""

    def latex(self, tree: Tree) -> str:
        return to_latex(tree, ops.latex_template, self._latex_name)

    def _latex_name(self, name: str) -> str:
        if not name.startswith(GRADIENT):
            return latex_name(name)
        return rf"\frac{{\partial {latex_name(self.output)}}}{{\partial {latex_name(name[1:])}}}"

    def text(self, tree: Tree) -> str:
        return to_text(_renamed(tree, self._text_name))

    def _text_name(self, name: str) -> str:
        return f"d{self.output}/d{name[1:]}" if name.startswith(GRADIENT) else name

    def marked_latex(self, tree: Tree) -> str:
        """As `latex`, every name as it is in the tree and between marks."""
        return to_latex(tree, ops.latex_template, _marked)

    def marked_text(self, tree: Tree) -> str:
        """As `text`, every name as it is in the tree and between marks."""
        return to_text(_renamed(tree, _marked))


def _marked(name: str) -> str:
    return f"{MARK}{name}{MARK}"


def _renamed(tree: Tree, name: Callable[[str], str]) -> Tree:
    def combine(part: Tree, args: tuple[Tree, ...]) -> Tree:
        if isinstance(part, Name):
            return Name(name(part.id))
        return Call(part.name, args, part.options) if isinstance(part, Call) else part

    return fold(tree, combine)


def formula_tree(graph: Graph, node_id: str) -> Tree:
    """A node's own formula over the names of its operands; of one that computes nothing, the operand
    it hands on. `?` stands for an empty port."""
    if not passes_on(graph, node_id):
        return awake_tree(graph, node_id)
    port = handed_on(graph, node_id)
    return Name("?") if port is None else _operand_tree(graph, node_id, port)


def awake_tree(graph: Graph, node_id: str) -> Tree:
    """As `formula_tree`, of a muted node what it computes when it is not muted."""
    op, node = graph.op(node_id), graph.nodes[node_id]
    args = [_operand_tree(graph, node_id, port) for port in graph.ports(node_id)]
    options = node.options
    if options.get(TIED) in graph.nodes:  # its own sizes are not in force
        options = {TIED: graph.name(options[TIED])}
    return call_tree(op, tuple(args), options)


def _operand_tree(graph: Graph, node_id: str, port: str) -> Tree:
    operand = read_at(graph, node_id, port)
    if operand is None:
        return Name("?")
    return Name(graph.name(operand)) if isinstance(operand, str) else Number(operand)


def call_tree(op: Op, args: tuple[Tree, ...], options: Mapping[str, Any]) -> Tree:
    """A row applied to operands, spelled as a person would, without options left at default."""
    if op.is_source:
        return Name(op.name)
    defaults = op.defaults()
    said = tuple(
        (k, v) for k, v in options.items() if k in op.option_names and defaults.get(k) != v
    )
    paired = bool(op.calls) and op.calls[0] in ops.TABLE  # max(x, y) beside max(x, axis=0)
    return Call(op.symbol or (op.calls[0] if paired else op.name), args, said)


def simplify(root: Tree, options: Mapping[str, Any]) -> Tree:
    """Folds numbers away and drops steps that only widen vectors: what a person would write."""

    def combine(part: Tree, args: tuple[Tree, ...]) -> Tree:
        if not isinstance(part, Call):
            return part
        spread: list[Tree] = []
        for arg in args:
            spread.extend(arg.args if isinstance(arg, Call) and arg.name == "..." else (arg,))
        args = tuple(spread)
        if part.name == "...":
            return Call(part.name, args)
        settled = tuple(
            (k, options.get(v.id, v) if isinstance(v, Name) else v)
            for k, v in part.options
            if k not in STATICS
        )
        call = Call(part.name, args, settled)
        try:
            row, count, row_options = ops.lookup(call, {"i": 0})
        except ExpressionError:
            return call
        if row.latex == "<0>":
            return args[0]
        operands = tuple(a.value if isinstance(a, Number) else a for a in args[:count])
        simple = simplified(row, operands, row_options)
        if simple is None:
            defaults = row.defaults()
            said = {k: v for k, v in row_options.items() if k not in defaults or defaults[k] != v}
            return tidy(Call(part.name, args[:count], tuple(said.items())))
        return Number(simple) if isinstance(simple, float) else simple

    return fold(root, combine)


def short(value: Array | float, digits: int = DIGITS) -> str:
    """A single number with `digits` significant digits."""
    number = float(value) + 0.0  # -0 is 0 to a reader
    if number != number:
        return "NaN"
    text = f"{number:.{digits}g}"
    if "e" in text or "inf" in text:
        return text
    if number == int(number) and abs(number) < 10**digits:
        return f"{number:.0f}"
    if abs(number) < 1e-3:
        return text
    # as many digits throughout: 0.25 as 0.2500, 0.0088 as 0.008761
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(float(text))))))
    return f"{number:.{decimals}f}"


def latex_short(value: Array | float) -> str:
    text = short(value)
    return latex_number(float(value), DIGITS) if "e" in text or "n" in text.lower() else text
