"""Kernels made from a formula: the rows it is written in, called one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine import ops
from engine.expression import (
    Call,
    ExpressionError,
    Name,
    Number,
    Tree,
    fold,
    parse_expression,
    post_order,
)
from engine.ops.row import Array, Binder, Kernel, Op, bound, scalar_of
from engine.shapes import Kind, Options, Spec

_DTYPES: dict[Kind, Any] = {"int": np.int64, "bool": np.bool_}


@dataclass(frozen=True)
class _Part:
    """One value of a formula: an operand, a number, or a call of a row on earlier parts."""

    spec: Spec
    kernel: Kernel | None = None
    args: tuple[int, ...] = ()
    number: float | None = None
    row: Op | None = None


def parts_of(
    tree: Tree, ports: tuple[str, ...], options: Options, specs: tuple[Spec, ...]
) -> list[_Part]:
    """The operands and then every call of a formula, equal parts once, the result last.

    Raises ExpressionError or ShapeError.
    """
    parts = [_Part(spec) for spec in specs]
    places: dict[Any, int] = {name: i for i, name in enumerate(ports)}

    def place(key: Any, make: Callable[[], _Part]) -> int:
        if key not in places:
            parts.append(make())
            places[key] = len(parts) - 1
        return places[key]

    def combine(part: Tree, args: tuple[int, ...]) -> int:
        if isinstance(part, Name) and part.id in places:
            return places[part.id]
        if isinstance(part, Name) and not isinstance(options.get(part.id), int | float):
            raise ExpressionError(f"the name {part.id!r} is not known here")
        if not isinstance(part, Call):
            value = float(part.value if isinstance(part, Number) else options[part.id])
            return place(repr(value), lambda: _Part(Spec(value=value), number=value))
        row, count, settled = ops.lookup(part, options)
        own = args[:count]

        def call() -> _Part:
            given = tuple(parts[i].spec for i in own)
            spec = row.shape(settled, *given)
            return _Part(spec, bound(row, settled, given, spec), own, row=row)

        return place((row.name, own, repr(sorted(settled.items()))), call)

    last = fold(tree, combine)
    if last != len(parts) - 1 or parts[last].kernel is None:
        keep = parts[last]
        copy = _Part(keep.spec, lambda x, out: np.copyto(out, x), (last,))
        parts.append(copy)
    return parts


def composed(formula: str, ports: tuple[str, ...]) -> Binder:
    """A binder that computes a formula over the ports by its own rows, with buffers made once."""
    tree = parse_expression(formula)

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        parts = parts_of(tree, ports, options, specs)
        values: list[Any] = [None] * len(parts)
        calls = [(i, p.kernel, p.args) for i, p in enumerate(parts) if p.kernel is not None]

        def prepare(dtype: np.dtype[Any]) -> None:
            for i, part in enumerate(parts):
                if part.number is not None:
                    values[i] = np.asarray(part.number, dtype)
                elif part.kernel is not None:
                    values[i] = np.empty(part.spec.shape, _DTYPES.get(part.spec.kind, dtype))

        def kernel(*operands: Array) -> None:
            out = operands[-1]
            if values[-1] is None:
                floats = (a.dtype for a in (out, *operands) if a.dtype.kind == "f")
                prepare(next(floats, np.dtype(np.float64)))
            values[: len(specs)] = operands[:-1]
            values[-1] = out
            for i, step, args in calls:
                assert step is not None
                step(*(values[a] for a in args), values[i])

        return kernel

    return bind


def composed_shape(formula: str, ports: tuple[str, ...]) -> Callable[..., Spec]:
    """The shape rule of a formula: that of its last row. Raises ShapeError."""
    tree = parse_expression(formula)

    def shape(options: Options, *specs: Spec) -> Spec:
        found = parts_of(tree, ports, options, specs)[-1].spec
        return Spec(found.shape, found.kind)

    return shape


def composed_scalar(
    formula: str, ports: tuple[str, ...], has_options: bool = False
) -> Callable[..., Any] | None:
    """The formula on Python floats, as a row's `scalar`; None where one of its rows has none."""
    tree = parse_expression(formula)
    rows = [
        ops.lookup(part, {v.id: 0.0 for _, v in part.options if isinstance(v, Name)})[0]
        for part in post_order(tree)
        if isinstance(part, Call)
    ]
    if not all(row.elementwise and row.scalar is not None for row in rows):
        return None

    def settled(options: Options) -> Callable[..., float]:
        constants: list[float] = []
        calls: list[tuple[Callable[..., float], tuple[int, ...]]] = []

        def combine(part: Tree, args: tuple[int, ...]) -> int:
            """The slot of a part: operands first, then constants (below 0), then calls."""
            if isinstance(part, Name) and part.id in ports:
                return ports.index(part.id)
            if not isinstance(part, Call):
                value = part.value if isinstance(part, Number) else options[part.id]
                constants.append(float(value))
                return -len(constants)
            row, count, own = ops.lookup(part, options)
            step = scalar_of(row, own)
            assert step is not None
            calls.append((step, args[:count]))
            return len(ports) + len(calls) - 1

        last = fold(tree, combine)
        constants.reverse()

        def function(*operands: float) -> float:
            values = [*operands, *[0.0] * len(calls), *constants]
            for i, (step, args) in enumerate(calls, len(ports)):
                values[i] = step(*[values[a] for a in args])
            return float(values[last])

        return function

    return settled if has_options else settled({})
