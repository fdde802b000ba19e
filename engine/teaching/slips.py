"""The usual slips at one step of the backward pass: other trees in the place of its rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine import ops
from engine.expansion import Flat
from engine.expression import Call, Name, Number, Tree, fold, post_order, substitute
from engine.ops.row import Op, local_of
from engine.teaching.rules import divided, replaced, without_a_factor

G, Y = Name("g"), Name("y")


@dataclass(frozen=True, slots=True)
class Slip:
    """What was done instead of a step's rule: the `mistake` by its name in MISTAKES, the `tree` in the
    row's own names that gives the term instead, `of` (a row's label) that it is taken from, the `part`
    that was left out, and the `count` that was, or was not, divided by."""

    mistake: str
    tree: Tree
    of: str = ""
    part: Tree | None = None
    count: Tree | None = None


def slips(flat: Flat, port: str, rule: Tree) -> Iterator[Slip]:
    """Slips at the step `flat` along the operand at `port`, whose rule is `rule`: `g * local`, or any
    formula of g that is linear in it."""
    local = local_of(rule) if flat.op.elementwise else None
    if local is None:
        yield from _whole(flat, rule)
        return
    yield Slip("upstream", local)
    yield Slip("local", G)
    for edit in without_a_factor(local):
        yield Slip(edit.mistake, Call("*", (G, edit.tree)), part=edit.part)
    for mistake, other, of in _locals(flat, port, local):
        if other != local:
            yield Slip(mistake, Call("*", (G, other)), of)
    yield Slip("added", Call("+", (G, local)))


def _locals(flat: Flat, port: str, local: Tree) -> Iterator[tuple[str, Tree, str]]:
    """Other local derivatives."""
    op, operands = flat.op, flat.op.inputs
    yield "minus" if _is_negative(local) else "wrong sign", Call("-", (local,)), ""
    if op.variadic:
        return
    if len(operands) == 1:
        yield from _of_one(op, operands[0], local)
    elif len(operands) == 2:
        yield from _of_two(op, port, local)
    for other in _exponents(local):
        yield "power", other, ""
    yield "inverted", Call("/", (Number(1.0), local)), ""
    yield "blocked", Number(0.0), ""


def _is_negative(tree: Tree) -> bool:
    """Whether a tree is written with a minus sign in front."""
    while isinstance(tree, Call) and tree.name in ("*", "/"):
        tree = tree.args[0]
    if isinstance(tree, Number):
        return tree.value < 0
    return isinstance(tree, Call) and tree.name == "-" and len(tree.args) == 1


def _of_one(op: Op, x: str, local: Tree) -> Iterator[tuple[str, Tree, str]]:
    yield "elsewhere", substitute(local, {"y": Name(x)}), ""
    yield "elsewhere", substitute(local, {x: Y}), ""
    yield "function", Y, ""
    for row in ops.TABLE.values():
        if row.category != op.category or row.name == op.name or not _is_like(row):
            continue
        tree = row.derivative_trees[row.inputs[0]]
        other = None if tree is None else local_of(tree)
        if other is not None:
            here = substitute(other, {row.inputs[0]: Name(x)})
            yield "similar", substitute(here, {"y": Call(row.name, (Name(x),))}), called(row)


def called(row: Op) -> str:
    """What a row is called in a sentence: the words behind the sign of its label, else its name."""
    sign, _, words = row.label.partition(" ")
    said = words.replace(" ", "").isalpha() and not sign[:1].isalnum()
    return words if said else row.name


def _is_like(row: Op) -> bool:
    """Whether a row is one that a person may take for another: of one operand, without settings."""
    return (
        row.elementwise and len(row.inputs) == 1 and not (row.hidden or row.options or row.statics)
    )


def _of_two(op: Op, port: str, local: Tree) -> Iterator[tuple[str, Tree, str]]:
    one, other = op.inputs
    turned = {one: Name(other), other: Name(one)}
    yield "swapped", substitute(substitute(local, {"y": op.formula_tree}), turned), ""
    tree = op.derivative_trees[other if port == one else one]
    theirs = None if tree is None else local_of(tree)
    if theirs is not None:
        yield "operand", theirs, ""


def _exponents(local: Tree) -> Iterator[Tree]:
    """The tree with an exponent that is not made less by one."""

    def unreduced(part: Tree, args: tuple[Tree, ...]) -> Tree:
        if not isinstance(part, Call):
            return part
        if part.name == "**" and isinstance(args[1], Call) and args[1].name == "-":
            inner = args[1].args
            if len(inner) == 2 and inner[1] == Number(1.0):
                return Call("**", (args[0], inner[0]))
        return Call(part.name, args, part.options)

    other = fold(local, unreduced)
    if other != local:
        yield other


def _whole(flat: Flat, rule: Tree) -> Iterator[Slip]:
    """Slips of a rule that is not `g * local`: of matrices and of sums."""
    yield Slip("wrong sign", Call("-", (rule,)))
    yield Slip(
        "upstream", substitute(rule, {"g": Call("+", (Call("*", (G, Number(0.0))), Number(1.0)))})
    )
    yield Slip("local", G)
    found = [
        edit
        for edit in without_a_factor(rule, flat.op.option_names)
        if any(part == G for part in post_order(edit.tree))
    ]
    if not any(edit.count for edit in found):
        found += divided(flat.op.formula_tree, rule)
    for edit in found:
        yield Slip(edit.mistake, edit.tree, part=edit.part, count=edit.count)
    for part in post_order(rule):
        if isinstance(part, Call) and len(part.args) == 1 and part.name != "-" and not part.options:
            yield Slip("transposed", replaced(rule, part, part.args[0]))
        if isinstance(part, Call) and part.name == "@":
            yield Slip("order", replaced(rule, part, Call("@", (part.args[1], part.args[0]))))
