"""The micro-steps of a forward and a backward pass, in symbols and in numbers.

One micro-step a node forward (sources are given, not computed), one for the seed, one a link
backward. The lines are printed from the formulas that computed the numbers, when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import Any, Literal

import numpy as np

from engine import ops
from engine.differentiate import Adjoints, Contribution
from engine.expansion import Expansion, Flat, Ref
from engine.expression import (
    Call,
    ExpressionError,
    Name,
    Number,
    Tree,
    fold,
    substitute,
    to_text,
)
from engine.graph import TIED, Graph
from engine.latex import latex_name, latex_number, to_latex
from engine.ops.row import STATICS, Array, Op, local_of, simplified, tidy
from engine.passing import handed_on, passes_on, read_at
from engine.shapes import shape_text

DIGITS = 4
Phase = Literal["forward", "seed", "backward"]
_GRADIENT = "∂"
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
        if not name.startswith(_GRADIENT):
            return latex_name(name)
        return rf"\frac{{\partial {latex_name(self.output)}}}{{\partial {latex_name(name[1:])}}}"

    def text(self, tree: Tree) -> str:
        def plain(part: Tree, args: tuple[Tree, ...]) -> Tree:
            if isinstance(part, Name) and part.id.startswith(_GRADIENT):
                return Name(f"d{self.output}/d{part.id[1:]}")
            return Call(part.name, args, part.options) if isinstance(part, Call) else part

        return to_text(fold(tree, plain))


@dataclass(frozen=True)
class Step:
    """One micro-step.

    `node` is the node computed (forward), the output (seed) or the node whose adjoint is passed on
    through the wire that enters it at `port` to `target` (backward). `value` is what this step
    computed or added, `total` the sum so far at the target. `terms` are all that the target gets;
    this step's is the one at `position`.
    """

    number: int
    phase: Phase
    node: str
    target: str | None
    port: str | None
    value: Array
    total: Array
    telling: Telling
    contribution: Contribution | None = None
    terms: Sequence[Contribution] = ()
    position: int = 0

    @cached_property
    def _lines(self) -> tuple[str, str, str, str]:
        if self.phase == "forward":
            return _forward_lines(self.telling, self.node, self.value)
        if self.phase == "seed":
            name = self.telling.name(self.node)
            symbol = self.telling.latex(Name(_GRADIENT + name))
            return f"{symbol} = 1", "1", f"d{name}/d{name} = 1", "1"
        assert self.contribution is not None
        return _backward_lines(self.telling, self.contribution, self.value)

    @property
    def symbols(self) -> str:
        """The line as LaTeX."""
        return self._lines[0]

    @property
    def numbers(self) -> str:
        """The line in numbers (of tensors: in shapes) as LaTeX."""
        return self._lines[1]

    @property
    def text(self) -> str:
        """The line as plain text."""
        return self._lines[2]

    @property
    def numbers_text(self) -> str:
        """The line in numbers as plain text."""
        return self._lines[3]

    @property
    def pending(self) -> tuple[str, ...]:
        """The terms still to come for the target, as plain text."""
        return tuple(
            self.telling.text(_term(self.telling, c)) for c in self.terms[self.position + 1 :]
        )

    @property
    def pending_symbols(self) -> tuple[str, ...]:
        """The terms still to come for the target, as LaTeX."""
        return tuple(
            self.telling.latex(_term(self.telling, c)) for c in self.terms[self.position + 1 :]
        )


# ---------------------------------------------------------------- lines


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


def _forward_lines(telling: Telling, node_id: str, value: Array) -> tuple[str, str, str, str]:
    name, flat = telling.name(node_id), telling.expansion.nodes[node_id]
    args = [Name(telling.name(a)) if isinstance(a, str) else Number(a) for a in flat.args]
    tree = call_tree(flat.op, tuple(args), flat.options)
    symbols = f"{latex_name(name)} = {telling.latex(tree)}"
    text = f"{name} = {telling.text(tree)}"
    if value.ndim or any(telling.expansion.spec(a).shape for a in flat.args):
        shapes = ", ".join(_shape(telling, a) for a in flat.args)
        line = f"{shapes} → {_result(value)}"
        return symbols, _latex_shapes(line), text, line
    with_numbers = substitute(tree, _named_values(telling, flat))
    symbolic = telling.latex(with_numbers)
    return (
        symbols,
        f"{symbolic} = {latex_short(value)}",
        text,
        f"{to_text(with_numbers)} = {short(value)}",
    )


def _named_values(telling: Telling, flat: Flat) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    for ref in flat.args:
        value = telling.read(ref)
        if isinstance(ref, str) and value is not None and value.ndim == 0:
            found[telling.name(ref)] = Number(float(f"{float(value):.{DIGITS}g}"))
    return found


def _shape(telling: Telling, ref: Ref) -> str:
    if not isinstance(ref, str):
        return short(ref)
    return _sized(telling.name(ref), telling.expansion.spec(ref).shape)


def _sized(name: str, shape: tuple[int, ...]) -> str:
    return f"{name} [{shape_text(shape)}]" if shape else name


def _result(value: Array) -> str:
    return f"[{shape_text(value.shape)}]" if value.ndim else short(value)


def _latex_shapes(line: str) -> str:
    escaped = line.replace("→", r"} \to \mathrm{").replace("_", r"\_").replace(" ", r"\ ")
    return rf"\mathrm{{{escaped}}}".replace("×", r"{\times}").replace("−", "-")


def _term(telling: Telling, term: Contribution) -> Tree:
    """The right side of `+=`: upstream times local, or the row's formula where it has no local."""
    flat = telling.expansion.nodes[term.node]
    statics = {**flat.options, "i": flat.op.ports(len(flat.args)).index(term.port)}
    row_port = flat.op.inputs[0] if flat.op.variadic else term.port
    tree = flat.op.derivative_trees[row_port]
    assert tree is not None
    names = _operand_names(telling, flat)
    upstream = Name(_GRADIENT + telling.name(term.node))
    local = local_of(tree) if flat.op.elementwise else None
    if local is not None:
        result: Tree = Call("*", (upstream, simplify(substitute(local, names), statics)))
    else:
        result = simplify(substitute(tree, {**names, "g": upstream}), statics)
    if _was_summed(telling, term):
        result = Call(ops.SUM_TO.name, (result, Name(telling.name(term.target))))
    return result


def _was_summed(telling: Telling, term: Contribution) -> bool:
    if not isinstance(term.value, str):
        return False
    return telling.expansion.nodes[term.value].op is ops.SUM_TO


def _operand_names(telling: Telling, flat: Flat) -> dict[str, Tree]:
    names: dict[str, Tree] = {"y": Name(telling.name(flat.id))}
    args: list[Tree] = []
    for port, ref in zip(flat.op.ports(len(flat.args)), flat.args, strict=True):
        names[port] = Name(telling.name(ref)) if isinstance(ref, str) else Number(ref)
        args.append(names[port])
    if flat.op.variadic:
        names["inputs"] = Call("...", tuple(args))
    for option, value in flat.options.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            names.setdefault(option, Number(float(value)))
    return names


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


def _backward_lines(
    telling: Telling, term: Contribution, value: Array
) -> tuple[str, str, str, str]:
    target = Name(_GRADIENT + telling.name(term.target))
    tree = _term(telling, term)
    symbols = rf"{telling.latex(target)} \mathrel{{+}}= {telling.latex(tree)}"
    text = f"{telling.text(target)} += {telling.text(tree)}"
    upstream = telling.read(term.upstream)
    local = telling.read(term.local) if term.local is not None else None
    if value.ndim == 0 and upstream is not None and upstream.ndim == 0 and local is not None:
        numbers = rf"{latex_short(upstream)} \times {_bracketed(latex_short(local))} = {latex_short(value)}"
        plain = f"{short(upstream)} * {_bracketed(short(local))} = {short(value)}"
        return symbols, numbers, text, plain
    flat = telling.expansion.nodes[term.node]
    upstream_name = f"d{telling.output}/d{telling.name(term.node)}"
    given = _sized(upstream_name, upstream.shape if upstream is not None else ())
    others = [_shape(telling, a) for a in flat.args if isinstance(a, str) and a != term.target]
    line = f"{', '.join([given, *others])} → {_result(value)}"
    return symbols, _latex_shapes(line), text, line


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


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
    # as many digits throughout, 0.25 as 0.2500, so that columns of numbers align
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(float(text))))))
    return f"{number:.{min(decimals, digits)}f}"


def latex_short(value: Array | float) -> str:
    text = short(value)
    return latex_number(float(value), DIGITS) if "e" in text or "n" in text.lower() else text


def table(steps: Iterable[Step]) -> list[tuple[str, str]]:
    """The lecture's two columns: rows of (forward line, backward line), either may be empty."""
    columns: dict[Phase, list[str]] = {"forward": [], "seed": [], "backward": []}
    for step in steps:
        columns[step.phase].append(
            step.text if step.phase == "seed" else f"{step.text} = {_result(step.value)}"
        )
    return list(
        zip_longest(columns["forward"], columns["seed"] + columns["backward"], fillvalue="")
    )
