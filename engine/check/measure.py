"""Jacobians: by differentiation, by differences of values and by a complex step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from engine import ops
from engine.differentiate import differentiate
from engine.expansion import Expansion, Flat, Ref
from engine.expression import Call, Name, Number, Tree, fold
from engine.ops.row import Array, Op
from engine.program import Plan
from engine.shapes import Spec

RTOL, ATOL = 1e-6, 1e-8
STEP = 1e-3
COMPLEX_STEP = 1e-30
SOURCE = ops.TABLE["input"]
_SEED = 2.0  # not 1, or a derivative that forgets the upstream gradient would pass


def weighted_sum(expansion: Expansion, output: Ref, weights: str) -> Ref:
    """A single number that depends on every entry of the output."""
    product = expansion.append(ops.MUL, (output, weights))
    return expansion.append(ops.SUM, (product,), ops.SUM.defaults())


def jacobian(expansion: Expansion, output: Ref, inputs: Iterable[str]) -> dict[str, Array]:
    """d(output)/d(input) by differentiation, shape (output size, input size) for each input."""
    names = list(inputs)
    shape = expansion.spec(output).shape
    seed = f"seed{len(expansion.nodes)}"
    expansion.source(seed, SOURCE, np.zeros(shape))
    adjoints = differentiate(expansion, weighted_sum(expansion, output, seed), names)
    refs = {n: adjoints.adjoint.get(n, 0.0) for n in names}
    plan = Plan(expansion, refs.values())
    size = expansion.spec(output).size
    result = {n: np.zeros((size, expansion.spec(n).size)) for n in names}
    live = {f.id for f in plan.order}
    for k in range(size):
        one = np.zeros(size)
        one[k] = _SEED
        if seed in live:
            plan.set(seed, one.reshape(shape))
        plan.run()
        for n, ref in refs.items():
            result[n][k] = np.ravel(plan.value(ref)) / _SEED
    return result


def difference(expansion: Expansion, output: Ref, inputs: Iterable[str]) -> dict[str, Array]:
    """d(output)/d(input) by central differences extrapolated once (Richardson): an error of order
    h^4, about 1e-11 here. Shapes as `jacobian`."""
    plan = Plan(expansion, [output])
    size = expansion.spec(output).size
    live = {f.id for f in plan.order}
    result = {}

    def read() -> Array:
        return np.ravel(plan.value(output)).astype(np.float64)

    for name in inputs:
        base = np.array(expansion.feeds[name], dtype=np.float64)
        columns = np.zeros((size, base.size))
        for k in range(base.size if name in live else 0):
            columns[:, k] = slope(plan, name, base, k, read)
        result[name] = columns
    return result


def slope(
    plan: Plan, name: str, base: Array, entry: int, read: Callable[[], Any], share: float = 1.0
) -> Any:
    """The central difference at two steps, extrapolated to step 0; `share` of the usual steps."""
    here = float(base.flat[entry])
    step = share * STEP * max(1.0, abs(here))

    def at(offset: float) -> Any:
        moved = base.copy()
        moved.flat[entry] = here + offset
        plan.set(name, moved)
        plan.run()
        return read()

    wide = (at(step) - at(-step)) / (2 * step)
    near = (at(step / 2) - at(-step / 2)) / step
    plan.set(name, base)
    return (4 * near - wide) / 3


def _by_formula(
    expansion: Expansion, op: Op, args: tuple[Ref, ...], options: Mapping[str, Any]
) -> Ref:
    """Appends a row written out by its formula, and the rows in that by theirs, down to rows whose
    formula is the row itself."""
    tree = op.formula_tree
    if isinstance(tree, Call) and tree.name in (op.name, op.symbol):
        return expansion.append(op, args, options)
    names = dict(zip(op.inputs, args, strict=True))

    def combine(part: Tree, parts: tuple[Any, ...]) -> Ref:
        if isinstance(part, Number):
            return part.value
        if isinstance(part, Name):
            return names[part.id] if part.id in names else float(options[part.id])
        row, count, settled = ops.lookup(part, options)
        return _by_formula(expansion, row, parts[:count], settled)

    ref: Ref = fold(tree, combine)
    return ref


def complex_step(op: Op, options: Mapping[str, Any], values: Sequence[Array]) -> dict[int, Array]:
    """d(result)/d(operand) of an analytic row: Im f(x + ih) / h, with no subtraction to lose digits.

    Keys are the positions of the operands of floats; shapes as `jacobian`. The row's formula is
    computed in complex numbers, down to kernels of rows whose formula is the row itself
    (Squire and Trapp, Using complex variables to estimate derivatives, 1998).
    """
    expansion = Expansion(np.complex128)
    names = []
    for i, value in enumerate(values):
        name = f"x{i}"
        names.append(expansion.source(name, SOURCE, value))
        if value.dtype.kind == "f":
            expansion.feeds[name] = value.astype(np.complex128)
            expansion.nodes[name] = Flat(name, SOURCE, (), {}, Spec(value.shape))
    ref = _by_formula(expansion, op, tuple(names), options)
    plan = Plan(expansion, [ref])
    live = {f.id for f in plan.order}
    size = expansion.spec(ref).size
    result = {}
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        if value.dtype.kind != "f":
            continue
        result[i] = np.zeros((size, value.size))
        base = expansion.feeds[name]
        for k in range(value.size if name in live else 0):
            moved = base.copy()
            moved.flat[k] += 1j * COMPLEX_STEP
            plan.set(name, moved)
            plan.run()
            result[i][:, k] = np.ravel(np.imag(plan.value(ref))) / COMPLEX_STEP
        if name in live:
            plan.set(name, base)
    return result
