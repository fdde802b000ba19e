"""What a value comes out as after one slip on the way to it: every slip at every step, computed on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine import ops
from engine.expansion import Expansion, Flat, Ref
from engine.expression import Name, Tree
from engine.ops.row import Array, Op
from engine.program import Plan
from engine.teaching.asking import Asked
from engine.teaching.candidates import MOST_NUMBERS, Candidate, count_text, formula_text
from engine.teaching.rules import edits
from engine.teaching.slips import Slip, Y
from engine.wording import Telling, call_tree

MOST_STEPS = 40
"""Steps above a value that slips are tried at: the nearest ones."""
ANGLES = "Trigonometric"
"""The drawer of functions of an angle."""


@dataclass(frozen=True)
class _Result:
    """Another result of one step: `again` is the formula that gave it, to be used at other steps, too."""

    mistake: str
    value: Array
    of: str = ""
    count: str = ""
    again: Tree | None = None


def candidates(question: Asked) -> Iterator[Candidate]:
    """Every slip at every step above the value that is asked for, in the order of the forward pass."""
    evaluation = question.evaluation
    telling, script = evaluation.steps.telling, evaluation.steps.script
    expansion = telling.expansion
    above = expansion.ancestors([question.step])
    steps = [n for n in expansion.nodes if n in above and n in script.computed_at]
    repeated: dict[tuple[str, str, Tree], list[Candidate]] = {}
    for node_id in steps[-MOST_STEPS:]:
        flat = expansion.nodes[node_id]
        right = telling.read(node_id)
        if right is None or flat.spec.kind != "float" or right.size > MOST_NUMBERS:
            continue
        carried = _Carried(telling, node_id, question)
        outline = script.outlines[script.computed_at[node_id] - 1]
        for made in _slips(telling, flat, right):
            number = carried(made.value)
            if number is None:
                continue
            change = np.abs(made.value - right)
            place = np.unravel_index(int(np.argmax(change)), change.shape) if change.ndim else ()
            entry = tuple(int(i) for i in place)
            found = Candidate(
                made.mistake, outline, number, Slip(made.mistake, Y), entry,
                float(made.value[entry]), float(right[entry]), of=made.of, count=made.count,
            )  # fmt: skip
            if made.again is not None:
                repeated.setdefault((flat.op.name, made.mistake, made.again), []).append(found)
            yield found
    for (_, _, formula), alike in repeated.items():
        number = _made_again(question, steps, formula, alike) if len(alike) > 1 else None
        if number is not None:
            last = alike[-1].outline
            yield replace(alike[0], number=number, times=len(alike), nearest=last)


def _made_again(
    question: Asked, steps: list[str], formula: Tree, alike: list[Candidate]
) -> float | None:
    """The number that is asked for with another formula at several steps."""
    telling = question.evaluation.steps.telling
    part, source = Expansion(telling.expansion.dtype), ops.TABLE["input"]
    made: dict[str, Ref] = {}
    slipped = {found.outline.node for found in alike}
    try:
        for node_id in steps[-MOST_STEPS:]:
            flat = telling.expansion.nodes[node_id]
            for arg in flat.args:
                if isinstance(arg, str) and arg not in made:
                    value = telling.read(arg)
                    made[arg] = arg if value is None else part.source(arg, source, value)
            args = tuple(made[a] if isinstance(a, str) else a for a in flat.args)
            if node_id in slipped:
                names = dict(zip(flat.op.inputs, args, strict=True))
                made[node_id] = part.build(formula, names, flat.options)
            else:
                made[node_id] = part.add(node_id, flat.op, args, flat.options)
        plan = Plan(part, [made[question.step]])
        with np.errstate(all="ignore"):
            plan.run()
        return float(np.asarray(plan.value(made[question.step]))[question.index])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


class _Carried:
    """The number that is asked for, from another value of one step."""

    def __init__(self, telling: Telling, node_id: str, question: Asked) -> None:
        self._index, self._node, self._asked = question.index, node_id, question.step
        self._plan: Plan | None = None
        if node_id != question.step:
            expansion = telling.expansion.branched()
            given = telling.read(node_id)
            assert given is not None
            expansion.source(node_id, ops.TABLE["input"], given)
            self._plan = Plan(expansion, [question.step])

    def __call__(self, value: Array) -> float | None:
        if self._plan is None:
            return float(value[self._index])
        try:
            self._plan.set(self._node, value)
            with np.errstate(all="ignore"):
                self._plan.run()
        except (ArithmeticError, ValueError):
            return None
        return float(np.asarray(self._plan.value(self._asked))[self._index])


def _slips(telling: Telling, flat: Flat, right: Array) -> Iterator[_Result]:
    """Other results of one step, in its shape."""
    operands = [np.asarray(telling.read(a)) for a in flat.args]
    yield from _edited(telling, flat, operands, right)
    for i in range(len(operands)):
        if not isinstance(flat.args[i], str) or operands[i].dtype.kind != "f":
            continue
        if operands[i].shape == right.shape:
            other = _name(telling, flat, 1 - i) if len(operands) == 2 else ""
            of = other or _name(telling, flat, i)
            yield _Result("forgotten" if other else "unapplied", operands[i], of)
    yield _Result("negated", -right)
    if len(operands) == 2:
        for value in _applied(telling, flat.op, operands[::-1], flat.options, right):
            yield _Result("exchanged", value)
    if flat.op.category == ANGLES and len(operands) == 1:
        for value in _applied(telling, flat.op, [operands[0] * (math.pi / 180)], {}, right):
            yield _Result("degrees", value)
    for row in ops.DRAWERS.get(flat.op.category, ()):
        like = len(row.inputs) == len(flat.op.inputs) and row.elementwise and flat.op.elementwise
        if row is not flat.op and like and not (row.options or row.statics or row.variadic):
            names = tuple(Name(_name(telling, flat, i)) for i in range(len(operands)))
            verbs = row.verbs and flat.op.verbs
            if len(operands) > 1 and not verbs:
                continue  # nobody takes a sum for a minimum
            for value in _applied(telling, row, operands, {}, right):
                if verbs and row.verbs:
                    yield _Result("another deed", value, row.verbs[1])
                else:
                    of = telling.text(call_tree(row, names, {}))
                    yield _Result("another", value, of)


def _name(telling: Telling, flat: Flat, i: int) -> str:
    """What an operand is called, or the number that it is."""
    ref = flat.args[i]
    return telling.name(ref) if isinstance(ref, str) else f"{ref:g}"


def _edited(telling: Telling, flat: Flat, operands: list[Array], right: Array) -> Iterator[_Result]:
    """The step's formula with something left out, or with the mean for the sum."""
    if flat.op.variadic or not flat.op.inputs:
        return
    for edit in edits(flat.op.formula_tree, flat.op.option_names):
        part, source = Expansion(telling.expansion.dtype), ops.TABLE["input"]
        try:
            names: dict[str, Ref | tuple[Ref, ...]] = {}
            for port, ref, value in zip(flat.op.inputs, flat.args, operands, strict=True):
                names[port] = part.source(port, source, value) if isinstance(ref, str) else ref
            count = count_text(part, edit.count, names, flat.options)
            made = part.build(edit.tree, names, flat.options)
            if isinstance(made, str):
                plan = Plan(part, [made])
                with np.errstate(all="ignore"):
                    plan.run()
                value = np.array(plan.value(made))
            else:
                value = np.array(made)
            value = np.broadcast_to(value.astype(right.dtype), right.shape)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            continue
        of = "" if edit.part is None else formula_text(telling, flat, edit.part)
        yield _Result(edit.mistake, value, of, count, edit.tree)


def _applied(
    telling: Telling, row: Op, operands: list[Array], options: object, right: Array
) -> Iterator[Array]:
    """A row's result for operands, where it has the shape of the right one."""
    part = Expansion(telling.expansion.dtype)
    source = ops.TABLE["input"]
    try:
        args = tuple(part.source(f"x{i}", source, x) for i, x in enumerate(operands))
        settled = options if isinstance(options, dict) else dict(row.defaults())
        part.add("y", row, args, {**row.defaults(), **settled})
        if part.spec("y").shape != right.shape or part.spec("y").kind != "float":
            return
        plan = Plan(part, ["y"])
        with np.errstate(all="ignore"):
            plan.run()
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return
    yield np.array(plan.value("y"))
