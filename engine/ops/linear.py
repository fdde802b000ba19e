"""Drawer "Linear algebra": products and transposes of matrices and vectors."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

import numpy as np

from engine import shapes
from engine.ops import decompositions, einsum
from engine.ops.row import Array, Case, Kernel, Mend, Op, Option
from engine.shapes import Options, ShapeError, Spec, shape_text

AXES = Option(
    "axes", None, "axis", "The axes in their new order, as in (1, 0, 2); None reverses it."
)
OFFSET = Option("offset", 0, "int", "Which diagonal: 0 the main one, 1 right above it.")


def _matmul(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`ndarray.dot` costs half of `matmul` for small matrices and is the same BLAS call."""
    if specs[0].rank == 2 and specs[1].rank == 2 and all(s.kind == "float" for s in specs):
        return np.dot
    return np.matmul


def _swap_shape(options: Options, x: Spec) -> Spec:
    if x.rank < 2:
        raise ShapeError(
            "T swaps the last two axes and this value has fewer",
            "reshape it to a row first, as in reshape(x, (1, -1))",
        )
    return Spec((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.kind)


def _swaps(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
    if x.rank >= 2 and x.shape[-1] != x.shape[-2]:
        yield Mend("Transpose {x}", 1)


def _swap(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x.swapaxes(-1, -2)


def _outer_shape(options: Options, a: Spec, b: Spec) -> Spec:
    if a.rank != 1 or b.rank != 1:
        raise ShapeError("outer takes two vectors", "reshape the operands with reshape(x, (-1,))")
    return Spec((a.shape[0], b.shape[0]))


def axes_order(options: Options, x: Spec) -> tuple[int, ...]:
    """The axes of `permute`, counted from the front. Raises ShapeError."""
    axes = range(x.rank)[::-1] if options["axes"] is None else options["axes"]
    axes = axes if isinstance(axes, tuple | range) else (axes,)
    if sorted(a % x.rank if -x.rank <= a < x.rank else -1 for a in axes) != list(range(x.rank)):
        known = ", ".join(map(str, range(x.rank))) or "none"
        raise ShapeError(
            f"axes {axes} do not name each axis of {shape_text(x.shape)} once", f"they are {known}"
        )
    return tuple(a % x.rank for a in axes)


def _permuted(options: Options, x: Spec) -> Spec:
    return Spec(tuple(x.shape[a] for a in axes_order(options, x)), x.kind)


def _orders(x: Spec, beside: tuple[Spec, ...]) -> Iterable[Mend]:
    """Every other order of three or four axes."""
    if x.rank in (3, 4):
        for axes in permutations(range(x.rank)):
            shape = tuple(x.shape[a] for a in axes)
            if shape != x.shape:
                yield Mend(f"Permute {{x}} to {shape_text(shape)}", 3, {"axes": axes})


def _permute(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x.transpose(axes_order(options, specs[0]))


def diagonal_shape(options: Options, x: Spec) -> Spec:
    """The length of a diagonal of the last two axes."""
    if x.rank < 2:
        raise ShapeError("a diagonal needs a matrix", "reshape it to rows and columns first")
    rows, columns, offset = x.shape[-2], x.shape[-1], options["offset"]
    length = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    return Spec((*x.shape[:-2], max(length, 0)), x.kind)


def _diagonal(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return np.diagonal(x, options["offset"], -2, -1)


def _trace_shape(options: Options, x: Spec) -> Spec:
    shape = diagonal_shape({"offset": 0}, x).shape[:-1]
    return Spec(shape, "float" if x.kind == "float" else "int")


ROWS = (
    Op(
        "matmul", category="Linear algebra", analytic=True,
        doc="The matrix product; vectors as in NumPy, earlier axes are batches.",
        inputs=("a", "b"), formula="a @ b",
        derivative={
            "a": "as_matrix(g, a, b) @ T(column(b))",
            "b": "drop_column(T(row(a)) @ as_matrix(g, a, b), b)",
        },
        shape=shapes.matmul, kernel=_matmul, symbol="@", label="@ matmul",
        aliases=("@", "dot", "matrix", "product", "inner", "mm"), calls=("dot",),
        cases=(
            Case(((2, 3), (3, 2))), Case(((2, 3), (3,))), Case(((3,), (3, 2))), Case(((3,), (3,))),
            Case(((2, 2, 3), (3, 2))), Case(((2, 3), (2, 3, 2))), Case(((3,), (2, 3, 2))),
            Case(((2, 2, 3), (3,))),
        ),
    ),
    Op(
        "T", category="Linear algebra", analytic=True, doc="The transpose: the last two axes swapped.",
        inputs=("x",), formula="T(x)", derivative={"x": "T(g)"}, shape=_swap_shape,
        kernel=lambda o, s: lambda x, out: np.copyto(out, x.swapaxes(-1, -2)),
        latex=r"<0!>^{\top}", label="Xᵀ transpose", aliases=("transpose", ".T", "turn"), calls=("transpose",),
        view=_swap, adapts=_swaps, cases=(Case(((2, 3),)), Case(((2, 2, 3),))),
    ),
    Op(
        "outer", category="Linear algebra", analytic=True,
        doc="Every product of an entry of one and of the other.",
        inputs=("a", "b"), formula="reshape(a, (-1, 1)) * b",
        derivative={"a": "g @ b", "b": "a @ g"}, shape=_outer_shape,
        kernel=lambda o, s: lambda a, b, out: np.multiply(a[:, None], b, out),
        latex=r"<0!> \otimes <1!>", label="⊗ outer", cases=(Case(((3,), (2,))),),
    ),
    Op(
        "permute", category="Linear algebra", analytic=True, doc="The axes in another order.", inputs=("x",),
        formula="permute(x, axes=axes)", derivative={"x": "unpermute(g, axes=axes)"},
        shape=_permuted, view=_permute, options=(AXES,), adapts=_orders, label="permute",
        kernel=lambda o, s: lambda x, out: np.copyto(out, _permute(o, s, x)),
        aliases=("transpose", "axes", "swap"), cases=(
            Case(((2, 1, 3),)), Case(((2, 3),), {"axes": (1, 0)}), Case(((2, 3, 4),), {"axes": (2, 0, -2)}),
        ),
    ),
    Op(
        "diagonal", category="Linear algebra", analytic=True, inputs=("x",),
        doc="The diagonal of the last two axes.",
        formula="diagonal(x, offset=offset)",
        derivative={"x": "place_diagonal(g, x, offset=offset)"}, shape=diagonal_shape,
        view=_diagonal, options=(OFFSET,), calls=("diag",),
        kernel=lambda o, s: lambda x, out: np.copyto(out, _diagonal(o, s, x)),
        latex=r"\mathrm{diag}\left(<0>\right)", cases=(
            Case(((3, 3),)), Case(((2, 4),), {"offset": 1}), Case(((2, 3, 2),), {"offset": -1}),
        ),
    ),
    Op(
        "trace", category="Linear algebra", analytic=True,
        doc="The sum of the diagonal of the last two axes.", inputs=("x",),
        formula="sum(diagonal(x), axis=-1)",
        derivative={"x": "place_diagonal(expand_as(g, diagonal(x), axis=-1), x)"},
        shape=_trace_shape, latex=r"\mathrm{tr}\left(<0>\right)",
        kernel=lambda o, s: lambda x, out: np.trace(x, 0, -2, -1, None, out),
        cases=(Case(((3, 3),)), Case(((2, 3),)), Case(((2, 2, 2),))),
    ),
    *einsum.ROWS,
    *decompositions.ROWS,
)  # fmt: skip
