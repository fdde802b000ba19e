"""Gradient checks against differences, for rows and for documents.

A check compares every entry of a Jacobian with a central difference extrapolated once (Richardson),
in float64: error of order h^4, about 1e-11 here. The marks are rtol 1e-6 and atol 1e-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine import ops
from engine.differentiate import differentiate
from engine.expansion import Expansion, Ref, expand
from engine.graph import Graph
from engine.ops.row import Array, Case, Domain, Op, scalar_of
from engine.program import Plan

RTOL, ATOL = 1e-6, 1e-8
STEP = 1e-3
MAX_ENTRIES = 60
_SEED = 2.0  # not 1, or a derivative that forgets the upstream gradient would pass
_SOURCE = ops.TABLE["input"]
_UNARY = (Case(((),)), Case(((3,),)), Case(((2, 3),)))
_BINARY = (
    Case(((), ())), Case(((2, 3), (2, 3))), Case(((2, 3), (3,))), Case(((2, 1), (1, 3))),
    Case(((), (2, 3))), Case(((2, 3), ())),
)  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """A Jacobian that disagrees: where, in which order of differentiation, and by how much."""

    row: str
    detail: str

    def __str__(self) -> str:
        return f"{self.row}: {self.detail}"


def cases_of(op: Op) -> tuple[Case, ...]:
    """The operand shapes and options a row is checked with."""
    if not op.elementwise:
        return op.cases
    shapes: tuple[Case, ...] = _UNARY if len(op.inputs) == 1 else _BINARY
    if len(op.inputs) == 3:
        shapes = (Case(((2, 3), (3,), (2, 1))), Case(((), (), ())))
    options: list[Mapping[str, Any]] = [{}] + [c.options for c in op.cases if c.options]
    given = tuple(c for c in op.cases if c.values)
    return tuple(Case(c.shapes, o) for c in shapes for o in options) + given


def sample(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Numbers from a domain, kept away from its kinks."""
    values = rng.uniform(domain.low, domain.high, shape)
    for kink in domain.kinks:
        near = np.abs(values - kink) < domain.gap
        values = np.where(near, kink + np.where(values < kink, -2, 2) * domain.gap, values)
    return np.asarray(values)


def operands(op: Op, case: Case, rng: np.random.Generator) -> list[Array]:
    """Values for a case's operands, drawn from the row's domains or given by the case."""
    names = op.ports(len(case.shapes))
    while True:
        drawn = []
        for name, shape in zip(names, case.shapes, strict=True):
            given = case.values.get(name)
            domain = op.domain.get(name, Domain())
            drawn.append(sample(domain, shape, rng) if given is None else np.asarray(given))
        if not op.ties or _closest(drawn) > Domain().gap:
            return drawn


def _closest(drawn: list[Array]) -> float:
    """How near two operands, or the entries of the only one that varies, come to a tie."""
    if len(drawn) == 2 and drawn[1].dtype.kind == "f":
        return float(np.min(np.abs(drawn[0] - drawn[1])))
    return float(np.min(np.diff(np.sort(drawn[0], axis=None)), initial=np.inf))


def check_row(op: Op, rng: np.random.Generator | None = None) -> list[Failure]:
    """Checks a row's formula against its kernel, and its derivatives of first and second order."""
    generator = rng or np.random.default_rng(0)
    failures: list[Failure] = []
    for case in cases_of(op):
        values = operands(op, case, generator)
        failures += _check_case(op, case, values, generator)
    if op.elementwise and len(op.inputs) == 2:
        failures += _check_twice(op, generator)
    return failures


def _check_case(
    op: Op, case: Case, values: list[Array], rng: np.random.Generator
) -> Iterator[Failure]:
    options = {**op.defaults(), **case.options}
    expansion = Expansion()
    names = [expansion.source(f"x{i}", _SOURCE, v) for i, v in enumerate(values)]
    output = expansion.add("y", op, tuple(names), options)
    floats = [n for n, v in zip(names, values, strict=True) if v.dtype.kind == "f"]
    where = f"shapes {case.shapes}" + (f", {dict(case.options)}" if case.options else "")
    if not op.hidden:
        yield from _check_formula(op, expansion, names, options, where)
    if op.elementwise and op.scalar is not None:
        yield from _check_scalar(op, options, values, expansion, where)
    yield from _check_orders(op.name, expansion, output, floats, where, rng)


def _check_scalar(
    op: Op, options: Mapping[str, Any], values: list[Array], expansion: Expansion, where: str
) -> Iterator[Failure]:
    """The two families of kernels, on arrays and on Python floats, must agree."""
    function = scalar_of(op, options)
    assert function is not None
    plan = Plan(expansion, ["y"])
    plan.run()
    points = zip(*(v.ravel() for v in np.broadcast_arrays(*values)), strict=True)
    alone = [function(*(float(n) for n in point)) for point in points]
    if not np.allclose(np.ravel(plan.value("y")), alone, 1e-12, 0.0):
        yield Failure(op.name, f"its value on single numbers is another at {where}")


def _check_twice(op: Op, rng: np.random.Generator) -> Iterator[Failure]:
    """The same value at both operands: both terms must reach it."""
    if any(op.derivative[p] == "0" for p in op.inputs) or op.ties:
        return
    expansion = Expansion()
    domain = op.domain.get(op.inputs[1], op.domain.get(op.inputs[0], Domain()))
    expansion.source("x", _SOURCE, sample(op.domain.get(op.inputs[0], domain), (3,), rng))
    output = expansion.add("y", op, ("x", "x"), op.defaults())
    yield from _check_orders(op.name, expansion, output, ["x"], "one value at both operands", rng)


def _check_formula(
    op: Op, expansion: Expansion, names: list[str], options: Mapping[str, Any], where: str
) -> Iterator[Failure]:
    if op.is_source or op.variadic or op.shape_only:
        return
    statics = dict(options)
    try:
        other = expansion.build(op.formula_tree, dict(zip(op.inputs, names, strict=True)), statics)
    except ValueError as error:
        yield Failure(op.name, f"its formula cannot be built ({error}) at {where}")
        return
    plan = Plan(expansion, ["y", other], keep=True)
    plan.run()
    if not np.allclose(plan.value("y"), plan.value(other), 1e-10, 1e-12):
        yield Failure(op.name, f"its formula {op.formula} gives other values at {where}")


def _check_orders(
    row: str,
    expansion: Expansion,
    output: str,
    inputs: list[str],
    where: str,
    rng: np.random.Generator,
) -> Iterator[Failure]:
    yield from _compare(row, 1, expansion, output, inputs, where)
    weights = expansion.source("w", _SOURCE, rng.uniform(0.5, 1.5, expansion.spec(output).shape))
    total = _weighted_sum(expansion, output, weights)
    first = differentiate(expansion, total, inputs)
    for name in inputs:
        ref = first.adjoint.get(name)
        if isinstance(ref, str):
            yield from _compare(row, 2, expansion, ref, inputs, f"{where}, by {name}")


def _weighted_sum(expansion: Expansion, output: Ref, weights: str) -> Ref:
    product = expansion.append(ops.MUL, (output, weights))
    return expansion.append(ops.SUM, (product,), ops.SUM.defaults())


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


def jacobian(expansion: Expansion, output: Ref, inputs: Iterable[str]) -> dict[str, Array]:
    """d(output)/d(input) by differentiation, shape (output size, input size) for each input."""
    names = list(inputs)
    shape = expansion.spec(output).shape
    seed = f"seed{len(expansion.nodes)}"
    expansion.source(seed, _SOURCE, np.zeros(shape))
    adjoints = differentiate(expansion, _weighted_sum(expansion, output, seed), names)
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
    """d(output)/d(input) by extrapolated central differences, shapes as `jacobian`."""
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
            columns[:, k] = _slope(plan, name, base, k, read)
        result[name] = columns
    return result


def _slope(plan: Plan, name: str, base: Array, entry: int, read: Callable[[], Any]) -> Any:
    """The central difference at two steps, extrapolated to step 0."""
    here = float(base.flat[entry])
    step = STEP * max(1.0, abs(here))

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


def check_graph(
    graph: Graph, feeds: Mapping[str, Array] | None = None, nodes: Iterable[str] | None = None
) -> dict[str, float]:
    """Relative error of the output's gradient at float source nodes, by node id.

    Measured in float64 whatever the document's dtype, over all entries of a tensor or a fixed draw
    of 60 of them. Empty when the output is not a single number. See `relative_error`.
    """
    double = graph.copy()
    double.put("settings", "dtype", "float64")
    for key, tensor in graph.tensors.items():
        if tensor.dtype.kind == "f":
            double.put("tensors", key, tensor.astype(np.float64))
    given = {
        k: v.astype(np.float64) if v.dtype.kind == "f" else v for k, v in (feeds or {}).items()
    }
    expansion = expand(double, given)
    output = graph.output()
    if output not in expansion.nodes or expansion.spec(output).shape:
        return {}
    wanted = [
        n
        for n in (expansion.feeds if nodes is None else nodes)
        if n in expansion.feeds and expansion.spec(n).kind == "float"
    ]
    adjoints = differentiate(expansion, output, wanted)
    refs = {n: adjoints.adjoint.get(n, 0.0) for n in wanted}
    plan = Plan(expansion, [output, *refs.values()])
    plan.run()
    live = {f.id for f in plan.order}
    analytic = {
        n: np.broadcast_to(plan.value(r), expansion.spec(n).shape).ravel().copy()
        for n, r in refs.items()
    }
    errors = {}
    for name in wanted:
        base = np.array(expansion.feeds[name])
        entries = np.arange(base.size)
        if base.size > MAX_ENTRIES:
            entries = np.random.default_rng(0).choice(base.size, MAX_ENTRIES, replace=False)
        measured = np.zeros(len(entries))
        if name in live:
            for i, k in enumerate(entries):
                measured[i] = _slope(plan, name, base, int(k), lambda: plan.number(output))
        errors[name] = relative_error(analytic[name][entries], measured)
    return errors


def relative_error(analytic: Array, measured: Array) -> float:
    """|a - m| over the larger of |a| and |m| (Euclidean norms), 0 where both are below 1e-10."""
    scale = max(float(np.linalg.norm(analytic)), float(np.linalg.norm(measured)))
    return float(np.linalg.norm(analytic - measured)) / scale if scale > 1e-10 else 0.0
