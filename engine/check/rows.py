"""Every check of a row of the operator table, case by case.

Marks: a Jacobian within rtol 1e-6 and atol 1e-8 of differences, of both orders, and within 1e-10 of a
complex step where the row is analytic; float32 within 1e-4 of float64; any layout of the operands
within 1e-12 of a contiguous one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from engine import ops
from engine.check.cases import cases_of, domain_of, emptied, operands, sample
from engine.check.measure import (
    ATOL,
    RTOL,
    SOURCE,
    complex_step,
    difference,
    jacobian,
    weighted_sum,
)
from engine.differentiate import differentiate
from engine.expansion import Expansion
from engine.expression import ExpressionError
from engine.ops.row import Array, Case, Domain, Op, bound, scalar_of
from engine.program import Plan
from engine.shapes import ShapeError

COMPLEX_TOLERANCE = 1e-10
SINGLE_TOLERANCE = 1e-4
LAYOUT_TOLERANCE = 1e-12
_BROKEN = (ArithmeticError, ValueError, TypeError, LookupError)


@dataclass(frozen=True)
class Failure:
    """A check that a row does not pass: which, where, and by how much."""

    row: str
    detail: str

    def __str__(self) -> str:
        return f"{self.row}: {self.detail}"


@dataclass(frozen=True)
class Trial:
    """A row at one case with numbers for its operands."""

    op: Op
    case: Case
    values: tuple[Array, ...]
    training: bool = False

    @property
    def options(self) -> dict[str, Any]:
        return {**self.op.defaults(), **self.case.options}

    @property
    def where(self) -> str:
        said = f", {dict(self.case.options)}" if self.case.options else ""
        return f"shapes {self.case.shapes}{said}{', training' if self.training else ''}"

    @property
    def floats(self) -> list[str]:
        return [f"x{i}" for i, v in enumerate(self.values) if v.dtype.kind == "f"]

    def expansion(self, dtype: Any = np.float64) -> tuple[Expansion, list[str]]:
        """The operands as sources `x0`, `x1`, ... and the row's result as `y`."""
        expansion = Expansion(dtype, training=self.training)
        names = [
            expansion.source(f"x{i}", SOURCE, v.astype(dtype) if v.dtype.kind == "f" else v)
            for i, v in enumerate(self.values)
        ]
        expansion.add("y", self.op, tuple(names), self.options)
        return expansion, names

    def failure(self, detail: str) -> Failure:
        return Failure(self.op.name, f"{detail} at {self.where}")


Aspect = Callable[[Trial, np.random.Generator], Iterator[Failure]]


def check_row(op: Op, rng: np.random.Generator | None = None) -> list[Failure]:
    """Every check of a row; empty when it passes them all."""
    return list(failures_of(op, rng))


def failures_of(op: Op, rng: np.random.Generator | None = None) -> Iterator[Failure]:
    """The failures of a row one by one, each as soon as it is found."""
    generator = rng or np.random.default_rng(0)
    for case in cases_of(op):
        values = tuple(operands(op, case, generator))
        for training in (False, True) if "training" in op.statics else (False,):
            trial = Trial(op, case, values, training)
            for aspect in _ASPECTS:
                yield from _guarded(aspect, trial, generator)
    for case in () if op.hidden else emptied(op):
        trial = Trial(op, case, tuple(operands(op, case, generator)))
        yield from _guarded(_check_empty, trial, generator)
    yield from _check_same(op, generator)


def _guarded(aspect: Aspect, trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    """What a broken row raises is a failure as well."""
    try:
        yield from aspect(trial, rng)
    except _BROKEN as error:
        yield trial.failure(f"{aspect.__name__.strip('_').replace('_', ' ')} raises {error!r}")


# ---------------------------------------------------------------- values


def _check_formula(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    op = trial.op
    if op.hidden or op.is_source or op.variadic or op.shape_only:
        return
    expansion, names = trial.expansion()
    try:
        other = expansion.build(
            op.formula_tree,
            dict(zip(op.inputs, names, strict=True)),
            expansion.nodes["y"].options,
        )
    except ValueError as error:
        yield trial.failure(f"its formula cannot be built ({error})")
        return
    plan = Plan(expansion, ["y", other], keep=True)
    plan.run()
    if not np.allclose(plan.value("y"), plan.value(other), 1e-10, 1e-12, equal_nan=True):
        yield trial.failure(f"its formula {op.formula} gives other values")


def _check_scalar(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    """The two families of kernels, on arrays and on Python floats, must agree."""
    op = trial.op
    function = scalar_of(op, trial.options) if op.elementwise else None
    if function is None:
        return
    expansion, _ = trial.expansion()
    plan = Plan(expansion, ["y"])
    plan.run()
    points = zip(*(v.ravel() for v in np.broadcast_arrays(*trial.values)), strict=True)
    alone = [function(*(float(n) for n in point)) for point in points]
    if not np.allclose(np.ravel(plan.value("y")), alone, 1e-12, 0.0):
        yield trial.failure("its value on single numbers is another")


def _check_layouts(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    """Operands of any strides give the same values; none is written to; every entry is."""
    values = trial.values
    expansion, names = trial.expansion()
    flat = expansion.nodes["y"]
    spec = flat.spec
    kernel = bound(flat.op, flat.options, tuple(expansion.spec(n) for n in names), spec)
    dtype = {"float": np.float64, "int": np.int64, "bool": np.bool_}[spec.kind]
    expected: Array | None = None
    for fill, layout in ((1, _plain), (np.nan, _plain), (1, _turned), (1, _back), (1, _sliced)):
        given = [layout(v) for v in values]
        for view in given:
            view.setflags(write=False)
        out: Array = np.full(spec.shape, 1 if dtype != np.float64 else fill, dtype)
        kernel(*given, out)
        if expected is None:
            expected = out
        elif not np.allclose(out, expected, LAYOUT_TOLERANCE, LAYOUT_TOLERANCE, equal_nan=True):
            what = "operands" if layout is not _plain else "what its result held before"
            yield trial.failure(f"its values depend on {what} ({layout.__name__.strip('_')})")
        if not all(map(np.array_equal, given, values)):
            yield trial.failure("it writes to an operand")


def _plain(value: Array) -> Array:
    return value.copy()


def _turned(value: Array) -> Array:
    """The axes stored in the other order, as a transpose has them."""
    return value.T.copy().T


def _back(value: Array) -> Array:
    """Negative strides."""
    turn = (slice(None, None, -1),) * value.ndim
    return value[turn].copy()[turn]


def _sliced(value: Array) -> Array:
    """Every second entry of a longer array."""
    if not value.ndim:
        return value.copy()
    longer = np.repeat(value, 2, axis=-1)
    longer[..., 1::2] = 1
    return longer[..., ::2]


# ---------------------------------------------------------------- derivatives


def _check_both_orders(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    expansion, _ = trial.expansion()
    yield from check_orders(trial.op.name, expansion, "y", trial.floats, trial.where, rng)


def check_orders(
    row: str,
    expansion: Expansion,
    output: str,
    inputs: list[str],
    where: str,
    rng: np.random.Generator,
) -> Iterator[Failure]:
    """Compares the Jacobian of a step, and that of each of its adjoints, with differences."""
    yield from _compare(row, 1, expansion, output, inputs, where)
    weights = expansion.source("w", SOURCE, rng.uniform(0.5, 1.5, expansion.spec(output).shape))
    total = weighted_sum(expansion, output, weights)
    first = differentiate(expansion, total, inputs)
    for name in inputs:
        ref = first.adjoint.get(name)
        if isinstance(ref, str):
            yield from _compare(row, 2, expansion, ref, inputs, f"{where}, by {name}")


def _compare(
    row: str, order: int, expansion: Expansion, output: str, inputs: list[str], where: str
) -> Iterator[Failure]:
    analytic = jacobian(expansion, output, inputs)
    measured = difference(expansion, output, inputs)
    for name in inputs:
        wrong = np.abs(analytic[name] - measured[name]) > ATOL + RTOL * np.abs(measured[name])
        if np.any(wrong) or not np.all(np.isfinite(analytic[name])):
            gap = np.max(np.abs(analytic[name] - measured[name]))
            yield Failure(row, f"order {order} is off by {gap:.3g} at {where}, for {name}")


def _check_complex_step(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    if not trial.op.analytic:
        return
    expansion, _ = trial.expansion()
    try:
        measured = complex_step(trial.op, expansion.nodes["y"].options, trial.values)
    except (TypeError, ExpressionError) as error:
        yield trial.failure(
            f"it is marked analytic, but its formula takes no complex numbers ({error})"
        )
        return
    analytic = jacobian(expansion, "y", trial.floats)
    for i, slopes in measured.items():
        gaps = np.abs(analytic[f"x{i}"] - slopes)
        if not np.all(gaps <= COMPLEX_TOLERANCE * (0.01 + np.abs(slopes))):
            yield trial.failure(f"a complex step gives another slope for x{i}, by {gaps.max():.3g}")


def _check_single_precision(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    """Values and gradients in float32 against float64, at numbers that both can hold."""
    rounded = tuple(
        v.astype(np.float32).astype(np.float64) if v.dtype.kind == "f" else v for v in trial.values
    )
    results: list[list[Array]] = []
    weights = None
    for dtype in (np.float64, np.float32):
        expansion, _ = replace(trial, values=rounded).expansion(dtype)
        if weights is None:
            weights = rng.uniform(0.5, 1.5, expansion.spec("y").shape).astype(np.float32)
        expansion.source("w", SOURCE, weights.astype(dtype))
        total = weighted_sum(expansion, "y", "w")
        first = differentiate(expansion, total, trial.floats)
        refs = ["y", *(first.adjoint.get(n, 0.0) for n in trial.floats)]
        plan = Plan(expansion, refs)
        plan.run()
        results.append([np.array(plan.value(r)) for r in refs])
    for name, double, single in zip(["its value", *trial.floats], *results, strict=True):
        if double.dtype.kind == "f" and single.dtype != np.float32:
            yield trial.failure(f"in float32 {name} is {single.dtype}")
        scale = float(np.max(np.abs(double), initial=0.0, where=np.isfinite(double)))
        if not np.allclose(
            single, double, SINGLE_TOLERANCE, SINGLE_TOLERANCE * scale, equal_nan=True
        ):
            what = name if name == "its value" else f"the gradient of {name}"
            yield trial.failure(f"in float32 {what} is another")


def _check_empty(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
    """No entries: computed like any others, or refused by the shape rule with a sentence."""
    try:
        expansion, _ = trial.expansion()
    except ShapeError as error:
        if len(str(error)) < 10 or "\n" in str(error):
            yield trial.failure(f"it refuses without a sentence ({error})")
        return
    yield from _check_formula(trial, rng)
    plan = Plan(expansion, ["y"])
    plan.run()
    if not np.any(np.isnan(plan.value("y"))):
        yield from _check_both_orders(trial, rng)


def _check_same(op: Op, rng: np.random.Generator) -> Iterator[Failure]:
    """The same value at every operand of one shape: all their terms must reach it."""
    for case in cases_of(op):
        ports = op.ports(len(case.shapes))
        drawn = [i for i, p in enumerate(ports) if p not in case.values and p not in op.shape_only]
        twins = [i for i in drawn if case.shapes[i] == case.shapes[drawn[0]]]
        domain = _common(op, [ports[i] for i in twins])
        if len(twins) < 2 or not np.prod(case.shapes[twins[0]]) or domain is None or op.hidden:
            continue
        values = operands(op, case, rng)
        shared = sample(domain, case.shapes[twins[0]], rng)
        trial = Trial(op, case, tuple(shared if i in twins else v for i, v in enumerate(values)))
        yield from _guarded(_check_twins(twins), trial, rng)


def _check_twins(twins: list[int]) -> Aspect:
    def one_value_at_both_operands(trial: Trial, rng: np.random.Generator) -> Iterator[Failure]:
        expansion = Expansion()
        names = [
            f"x{twins[0]}" if i in twins else expansion.source(f"x{i}", SOURCE, v)
            for i, v in enumerate(trial.values)
        ]
        expansion.source(f"x{twins[0]}", SOURCE, trial.values[twins[0]])
        expansion.add("y", trial.op, tuple(names), trial.options)
        inputs = sorted({*trial.floats} & {*names})
        where = f"{trial.where}, one value at operands {twins}"
        yield from check_orders(trial.op.name, expansion, "y", inputs, where, rng)

    return one_value_at_both_operands


def _common(op: Op, ports: list[str]) -> Domain | None:
    """Where numbers suit all of these ports, or None."""
    domains = [domain_of(op, p) for p in ports]
    if not domains:
        return None
    low, high = max(d.low for d in domains), min(d.high for d in domains)
    kinks = tuple(sorted({k for d in domains for k in d.kinks if low < k < high}))
    gap = max(d.gap for d in domains)
    ends = (low, *kinks, high)
    return (
        Domain(low, high, kinks, gap) if all(b - a > 6 * gap for a, b in pairwise(ends)) else None
    )


_ASPECTS: tuple[Aspect, ...] = (
    _check_formula, _check_scalar, _check_layouts, _check_both_orders, _check_complex_step,
    _check_single_precision,
)  # fmt: skip


# ---------------------------------------------------------------- a person's own row


def own_checks(op: Op) -> Iterator[list[Failure]]:
    """The failures of a person's own row, case by case: its value and its derivatives of both orders.

    Nobody said where its kinks are, and a difference across one is no derivative; so a case fails
    where three draws of its numbers do.
    """
    for case in cases_of(op):
        failures: list[Failure] = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            trial = Trial(op, case, tuple(operands(op, case, rng)))
            failures = [
                failure
                for aspect in (_check_formula, _check_both_orders)
                for failure in _guarded(aspect, trial, rng)
            ]
            if not failures:
                break
        yield failures


# ---------------------------------------------------------------- the table


def check_rows(
    names: Iterable[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[int, list[Failure]]:
    """Checks rows by name (all unless given): how many were checked, and what failed."""
    rows = [op for op in ops.TABLE.values() if not op.is_source]
    if names is not None:
        wanted = set(names)
        rows = [op for op in rows if op.name in wanted]
    failures: list[Failure] = []
    for i, op in enumerate(rows):
        failures += check_row(op)
        if progress is not None:
            progress(i + 1, len(rows))
    return len(rows), failures
