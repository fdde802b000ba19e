"""What a value comes out as after one slip on the way to it: every slip at every step, computed on."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine import ops
from engine.expansion import Expansion, Flat
from engine.ops.row import Array, Op
from engine.program import Plan
from engine.teaching.asking import Asked
from engine.teaching.candidates import MOST_NUMBERS, Candidate
from engine.teaching.slips import Slip, Y, called
from engine.wording import Telling

MOST_STEPS = 40
"""Steps above a value that slips are tried at: the nearest ones."""
ANGLES = "Trigonometric"
"""The drawer of functions of an angle."""


def candidates(question: Asked) -> Iterator[Candidate]:
    """Every slip at every step above the value that is asked for, in the order of the forward pass."""
    evaluation = question.evaluation
    telling, script = evaluation.steps.telling, evaluation.steps.script
    expansion = telling.expansion
    above = expansion.ancestors([question.step])
    steps = [n for n in expansion.nodes if n in above and n in script.computed_at]
    for node_id in steps[-MOST_STEPS:]:
        flat = expansion.nodes[node_id]
        right = telling.read(node_id)
        if right is None or flat.spec.kind != "float" or right.size > MOST_NUMBERS:
            continue
        carried = _Carried(telling, node_id, question)
        for mistake, gave, of in _slips(telling, flat, right):
            number = carried(gave)
            if number is not None:
                change = np.abs(gave - right)
                place = (
                    np.unravel_index(int(np.argmax(change)), change.shape) if change.ndim else ()
                )
                entry = tuple(int(i) for i in place)
                outline = script.outlines[script.computed_at[node_id] - 1]
                slip = Slip(mistake, Y, of)
                yield Candidate(
                    mistake, outline, number, slip, entry, float(gave[entry]), float(right[entry])
                )


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


def _slips(telling: Telling, flat: Flat, right: Array) -> Iterator[tuple[str, Array, str]]:
    """Other results of one step, in its shape."""
    operands = [np.asarray(telling.read(a)) for a in flat.args]
    for i in range(len(operands)):
        if operands[i].dtype.kind == "f" and operands[i].shape == right.shape:
            yield "unapplied", operands[i], ""
    yield "negated", -right, ""
    if len(operands) == 2:
        for value in _applied(telling, flat.op, operands[::-1], flat.options, right):
            yield "exchanged", value, ""
    if flat.op.category == ANGLES and len(operands) == 1:
        for value in _applied(telling, flat.op, [operands[0] * (math.pi / 180)], {}, right):
            yield "degrees", value, ""
    for row in ops.DRAWERS.get(flat.op.category, ()):
        like = len(row.inputs) == len(flat.op.inputs) and row.elementwise and flat.op.elementwise
        if row is not flat.op and like and not (row.options or row.statics or row.variadic):
            for value in _applied(telling, row, operands, {}, right):
                yield "another", value, called(row)


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
