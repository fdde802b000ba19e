"""Other formulas in the place of a row's: without a factor, an operand or a division by a count."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from engine import ops
from engine.expression import Call, Name, Number, Tree, fold, post_order

ONE = Number(1.0)


@dataclass(frozen=True, slots=True)
class Edit:
    """What was done to a formula: the `mistake` by its name in MISTAKES, the `tree` that is left, the
    `part` that was left out, and the `count` that was, or was not, divided by."""

    mistake: str
    tree: Tree
    part: Tree | None = None
    count: Tree | None = None


def is_count(tree: Tree, settings: Collection[str] = ()) -> bool:
    """Whether a formula says how many entries there are; `settings` are names of a row's options."""
    counts = False
    for part in post_order(tree):
        counts = counts or is_size(part)
    if not counts:
        return False
    sized = fold(tree, lambda part, args: _without_sizes(part, args))
    return all(part.id in settings for part in post_order(sized) if isinstance(part, Name))


def _without_sizes(part: Tree, args: tuple[Tree, ...]) -> Tree:
    if is_size(part):
        return ONE
    return Call(part.name, args, part.options) if isinstance(part, Call) else part


def is_size(tree: Tree) -> bool:
    return isinstance(tree, Call) and ops.find(tree.name, len(tree.args)) is ops.SIZE


def replaced(tree: Tree, part: Tree, other: Tree) -> Tree:
    """The tree with one part put in place of another, wherever it stands."""
    if tree == part:
        return other

    def other_there(here: Tree, args: tuple[Tree, ...]) -> Tree:
        if here == part:
            return other
        return Call(here.name, args, here.options) if isinstance(here, Call) else here

    return fold(tree, other_there)


# ---------------------------------------------------------------- of values


def edits(formula: Tree, settings: Collection[str]) -> Iterator[Edit]:
    """Usual slips in computing a formula, from its outermost call inwards."""
    for part in reversed(list(post_order(formula))):
        if isinstance(part, Call) and not is_count(part, settings):
            for edit in _of_call(part, settings):
                yield replace(edit, tree=replaced(formula, part, edit.tree))


def _of_call(call: Call, settings: Collection[str]) -> Iterator[Edit]:
    args, row = call.args, ops.find(call.name, len(call.args))
    if row is ops.MEAN or row is ops.SUM:
        other = ops.SUM if row is ops.MEAN else ops.MEAN
        mistake = "summed" if row is ops.MEAN else "averaged"
        yield Edit(mistake, Call(other.name, args, call.options), count=_count(call))
    elif row is not None and row.elementwise and len(args) == 1:
        yield Edit("negated" if call.name == "-" else "unapplied", args[0], args[0])
    elif call.name == "/" and is_count(args[1], settings):
        yield Edit("summed", args[0], count=args[1])
    elif call.name == "**":
        yield Edit("exponent", args[0], args[1])
        yield Edit("exponent", Call("**", (call, Call("/", (ONE, args[1])))), args[1])  # its size
    elif call.name in ("+", "-", "*", "/") and len(args) == 2:
        sides = ((0, 1), (1, 0)) if call.name in ("+", "*") else ((0, 1),)
        for kept, left_out in sides:
            if call.name in ("+", "-") or not isinstance(args[left_out], Call):
                yield Edit("forgotten", args[kept], args[left_out])


# ---------------------------------------------------------------- of derivatives


def without_a_factor(tree: Tree, settings: Collection[str] = ()) -> Iterator[Edit]:
    """Products and quotients with one factor, or what they are divided by, left out; and without the
    division by a count and one more factor."""
    for other, part in _factors(tree):
        if not is_count(part, settings):
            yield Edit("factor", other, part)
            continue
        yield Edit("undivided", other, count=part)
        for less, one in _factors(other):
            yield Edit("factors", less, one, part)


def _factors(tree: Tree) -> Iterator[tuple[Tree, Tree]]:
    """A product without each of its factors, and the factor."""
    if not isinstance(tree, Call) or not tree.args:
        return
    args = tree.args
    if tree.name == "*":
        yield args[0], args[1]
        yield args[1], args[0]
        for i in (0, 1):
            for inner, part in _factors(args[i]):
                yield Call("*", (inner, args[1]) if i == 0 else (args[0], inner)), part
    elif tree.name == "/":
        yield args[0], args[1]
        turned = isinstance(args[0], Call) and args[0].name == "-" and len(args[0].args) == 1
        above = args[0].args[0] if isinstance(args[0], Call) and turned else args[0]
        if above != ONE:
            one = Call("/", (ONE, args[1]))
            yield Call("-", (one,)) if turned else one, above
        for inner, part in _factors(args[0]):
            yield Call("/", (inner, args[1])), part
    elif len(args) == 1 or ops.find(tree.name, len(args)) is ops.EXPAND_AS:
        for inner, part in _factors(args[0]) if _is_linear(tree) else ():
            yield Call(tree.name, (inner, *args[1:]), tree.options), part


def _is_linear(call: Call) -> bool:
    return call.name == "-" or ops.find(call.name, len(call.args)) is ops.EXPAND_AS


def divided(formula: Tree, rule: Tree) -> Iterator[Edit]:
    """The rule of a sum with a division by how many are summed."""
    if isinstance(formula, Call) and ops.find(formula.name, len(formula.args)) is ops.SUM:
        yield Edit("divided", Call("/", (rule, _count(formula))), count=_count(formula))


def _count(reduction: Call) -> Tree:
    """How many entries a sum or a mean is made of."""
    axis = tuple(o for o in reduction.options if o[0] == "axis")
    return Call(ops.SIZE.name, reduction.args, axis)
