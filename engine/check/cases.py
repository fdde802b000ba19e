"""The operand shapes, options and numbers that rows are checked with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from engine.ops.row import Array, Case, Domain, Op
from engine.shapes import Shape, ShapeError, Spec

_UNARY: tuple[tuple[Shape, ...], ...] = (
    ((),), ((0,),), ((1,),), ((3,),), ((2, 3),), ((1, 3),), ((2, 1, 3),),
)  # fmt: skip
_BINARY: tuple[tuple[Shape, ...], ...] = (
    ((), ()), ((0,), (0,)), ((1,), (1,)), ((3,), (3,)), ((2, 3), (2, 3)), ((1, 3), (1, 3)),
    ((2, 1, 3), (2, 1, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)),
    ((2, 3), ()), ((1,), (3,)), ((3,), (1,)), ((0,), ()), ((1,), (0,)), ((0, 3), (3,)),
    ((1, 3), (2, 1, 3)), ((2, 1, 3), (2, 3)), ((2, 1, 1), (3,)),
)  # fmt: skip
_TERNARY: tuple[tuple[Shape, ...], ...] = (
    ((), (), ()), ((0,), (0,), (0,)), ((1,), (1,), (1,)), ((3,), (3,), (3,)),
    ((2, 3), (3,), (2, 1)), ((2, 1, 3), (), (1, 3)), ((), (2, 3), (3,)), ((1, 3), (2, 1), ()),
    ((0, 3), (3,), ()),
)  # fmt: skip
_ELEMENTWISE = {1: _UNARY, 2: _BINARY, 3: _TERNARY}
_REDUCED: tuple[tuple[Shape, tuple[Any, ...]], ...] = (
    ((), (None,)), ((3,), (None, 0, -1)), ((2, 3), (None, 0, 1, -1, (0, 1))),
    ((2, 1, 3), (1, -1, (0, 2), (-1, 0))),
)  # fmt: skip


def cases_of(op: Op) -> tuple[Case, ...]:
    """The operand shapes and options a row is checked with.

    Elementwise rows get the shapes and broadcasts above for their defaults and every set of options
    among their own cases; rows with an axis every axis, kept and not, that their shape rule accepts.
    """
    if not op.elementwise:
        return (*op.cases, *(c for c in _along(op) if not _among(c, op.cases)))
    shapes = _ELEMENTWISE.get(len(op.inputs)) or _many(len(op.inputs))
    options: list[Mapping[str, Any]] = [] if any(o.required for o in op.options) else [{}]
    options += [c.options for c in op.cases if c.options and c.options not in options]
    given = tuple(c for c in op.cases if c.values)
    return tuple(Case(c, o) for c in shapes for o in options) + given


def _many(count: int) -> tuple[tuple[Shape, ...], ...]:
    mixed: tuple[Shape, ...] = ((2, 3), (3,), (), (2, 1))
    return ((),) * count, ((3,),) * count, tuple(mixed[i % 4] for i in range(count))


def _among(case: Case, cases: tuple[Case, ...]) -> bool:
    return any((case.shapes, case.options) == (c.shapes, c.options) for c in cases)


def _along(op: Op) -> Iterator[Case]:
    axis = next((o for o in op.options if o.name == "axis"), None)
    alone = len(op.inputs) == 1 and not op.variadic and not op.hidden
    others = [o for o in op.options if o.required and o is not axis]
    if axis is None or others or not alone or any(c.values for c in op.cases):
        return
    keeps: tuple[dict[str, Any], ...] = ({}, {"keepdims": True})
    for shape, axes in _REDUCED:
        for value in axes:
            if axis.kind == "int" and not isinstance(value, int):
                continue
            for keep in keeps if "keepdims" in op.option_names else keeps[:1]:
                options = {"axis": value, **keep}
                if _accepts(op, options, shape):
                    yield Case((shape,), options)


def _accepts(op: Op, options: Mapping[str, Any], shape: Shape) -> bool:
    try:
        op.shape({**op.defaults(), **options}, Spec(shape))
    except ShapeError:
        return False
    return True


def sample(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Numbers from a domain, kept away from its kinks."""
    values = rng.uniform(domain.low, domain.high, shape)
    for kink in domain.kinks:
        near = np.abs(values - kink) < domain.gap
        values = np.where(near, kink + np.where(values < kink, -2, 2) * domain.gap, values)
    return np.asarray(values)


def domain_of(op: Op, port: str) -> Domain:
    """Where a port's numbers are drawn from; the ports of a variadic row share one domain."""
    return op.domain.get(op.inputs[0] if op.variadic else port, Domain())


def operands(op: Op, case: Case, rng: np.random.Generator) -> list[Array]:
    """Values for a case's operands, drawn from the row's domains or given by the case."""
    names = op.ports(len(case.shapes))
    drawn: list[Array] = []
    for _ in range(10_000):
        drawn = []
        for name, shape in zip(names, case.shapes, strict=True):
            given = case.values.get(name)
            drawn.append(
                sample(domain_of(op, name), shape, rng) if given is None else np.asarray(given)
            )
        if not op.ties or _closest(drawn) > Domain().gap:
            break
    return drawn


def _closest(drawn: list[Array]) -> float:
    """How near two operands, or the entries of the only one that varies, come to a tie."""
    if not all(d.size for d in drawn):
        return float("inf")
    if len(drawn) == 2 and drawn[1].dtype.kind == "f":
        return float(np.min(np.abs(drawn[0] - drawn[1]), initial=np.inf))
    return float(np.min(np.diff(np.sort(drawn[0], axis=None)), initial=np.inf))


def emptied(op: Op) -> Iterator[Case]:
    """The row's cases with every dimension of one size set to 0, for each size they have."""
    seen = set()
    for case in cases_of(op):
        for size in sorted({n for shape in case.shapes for n in shape if n}):
            shapes = tuple(tuple(0 if n == size else n for n in s) for s in case.shapes)
            key = (shapes, repr(case.options))
            if key in seen:
                continue
            seen.add(key)
            ports = dict(zip(op.ports(len(shapes)), shapes, strict=True))
            values = {
                port: np.zeros(ports[port], np.asarray(v).dtype) if 0 in ports[port] else v
                for port, v in case.values.items()
            }
            yield Case(shapes, case.options, values)
