"""Help pages of the operators, read off the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine import ops
from engine.expansion import Expansion, Ref
from engine.expression import Name, Tree, to_text
from engine.latex import latex_name, to_latex
from engine.ops.row import REQUIRED, Op, local_of
from engine.program import Plan
from engine.wording import call_tree, short, simplify

INTRODUCTION = """# Operators

Every operator of Gradloom, by drawer, as `gradloom ops --markdown` prints them from the table that
computes with them. In derivatives `g` is the upstream gradient and `y` the operator's own result; a
line such as `da += ...` is what the operator adds to the gradient of its operand, with sums over
broadcast axes understood. Names found only in derivatives (`sum_to`, `expand_as`, ...) arrange entries
and are rows of the same table. Where a function has a kink, the value that stands for the derivative
there is given.
"""


@dataclass(frozen=True)
class Line:
    """A formula as LaTeX and as text."""

    latex: str
    text: str


def call(op: Op) -> Line:
    """How the operator is written, `y = sin(x)`."""
    tree = _call(op)
    return Line(f"y = {to_latex(tree, ops.latex_template)}", f"y = {to_text(tree)}")


def meaning(op: Op) -> Line | None:
    """The same in simpler operators, None where the operator is its own definition."""
    tree = op.formula_tree
    if op.variadic or to_text(tree) in (to_text(_call(op)), op.name):
        return None
    if isinstance(tree, Name) or getattr(tree, "name", "") == op.name:
        return None
    return formula(op)


def formula(op: Op) -> Line:
    """What the row says it computes."""
    tree = op.formula_tree
    return Line(f"y = {to_latex(tree, ops.latex_template)}", f"y = {to_text(tree)}")


def derivatives(op: Op) -> list[Line]:
    """What the operator adds to the gradient of each operand that has one."""
    lines = []
    for port, tree in op.derivative_trees.items():
        if tree is None:
            continue
        local = local_of(tree) if op.elementwise else None
        rule = simplify(tree if local is None else local, op.defaults())
        latex, text = to_latex(rule, ops.latex_template), to_text(rule)
        if local is None:
            lines.append(
                Line(rf"\partial {latex_name(port)} \mathrel{{+}}= {latex}", f"d{port} += {text}")
            )
        else:
            upper = rf"\frac{{\partial y}}{{\partial {latex_name(port)}}}"
            lines.append(Line(f"{upper} = {latex}", f"dy/d{port} = {text}"))
    return lines


def kinks(op: Op) -> list[str]:
    """Which number stands for the derivative where there is none, as computed by the row."""
    if not op.elementwise or not any(op.derivative_trees.values()):
        return []
    if op.ties and len(op.inputs) == 2:
        return [f"at {op.inputs[0]} = {op.inputs[1]}: " + ", ".join(_slopes(op, (1.0, 1.0)))]
    if len(op.inputs) != 1:
        return []
    port = op.inputs[0]
    points = op.domain[port].kinks if port in op.domain else ()
    return [f"at {port} = {short(k)}: {', '.join(_slopes(op, (k,)))}" for k in points]


def _slopes(op: Op, point: tuple[float, ...]) -> Iterator[str]:
    source = next(row for row in ops.TABLE.values() if row.is_source)
    for port, tree in op.derivative_trees.items():
        if tree is None:
            continue
        expansion = Expansion()
        for name, value in zip(op.inputs, point, strict=True):
            expansion.source(name, source, np.asarray(value))
        options = op.defaults()
        node = expansion.add("y", op, op.inputs, options)
        names: dict[str, Ref | tuple[Ref, ...]] = {**dict(zip(op.inputs, op.inputs, strict=True))}
        names |= {"y": node, "g": 1.0}
        ref = expansion.build(tree, names, options)
        plan = Plan(expansion, [ref])
        plan.run()
        yield f"dy/d{port} = {short(plan.number(ref))}"


def _call(op: Op) -> Tree:
    example = op.cases[0].options if op.cases else {}
    said = {o.name: example.get(o.name, Name(o.name)) for o in op.options if o.required}
    return call_tree(op, _operands(op), said)


def _operands(op: Op) -> tuple[Tree, ...]:
    if op.variadic:
        return tuple(Name(f"{op.inputs[0]}{i}") for i in range(2))
    return tuple(Name(n) for n in op.inputs)


def options(op: Op) -> list[tuple[str, str, str]]:
    """Name, default and meaning of each option."""
    found = []
    for option in op.options:
        default = "required" if option.default is REQUIRED else str(option.default)
        doc = option.doc + (f" One of {', '.join(option.choices)}." if option.choices else "")
        found.append((option.name, default, doc))
    return found


def spellings(op: Op) -> list[str]:
    """Other ways to write or to find the operator."""
    known = [op.symbol, *op.calls, *op.aliases]
    return list(dict.fromkeys(word for word in known if word and word != op.name))


def markdown() -> str:
    """The reference of every operator in the palette."""
    parts = [INTRODUCTION]
    for category, rows in ops.DRAWERS.items():
        parts.append(f"## {category}\n")
        parts += [page(op) for op in rows]
    return "\n".join(parts)


def page(op: Op) -> str:
    """One operator's help page as Markdown."""
    lines = [f"### {op.name}", "", op.doc, ""]
    if not op.is_source and op.definition is None:
        definition = meaning(op)
        formulas = [call(op), *([definition] if definition else []), *derivatives(op)]
        lines += ["```", *(line.text for line in formulas), "```", ""]
    for kink in kinks(op):
        lines += [f"Kink, {kink}.", ""]
    if op.options:
        lines += ["| option | default | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {default} | {doc} |" for name, default, doc in options(op)]
        lines.append("")
    if spellings(op):
        lines += ["Also: " + ", ".join(f"`{word}`" for word in spellings(op)) + ".", ""]
    return "\n".join(lines)
