"""Drawer "Linear algebra": products and transposes of matrices and vectors."""

from __future__ import annotations

import numpy as np

from engine import shapes
from engine.ops.row import Array, Case, Kernel, Op
from engine.shapes import Options, ShapeError, Spec


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


def _swap(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x.swapaxes(-1, -2)


def _outer_shape(options: Options, a: Spec, b: Spec) -> Spec:
    if a.rank != 1 or b.rank != 1:
        raise ShapeError("outer takes two vectors", "reshape the operands with reshape(x, (-1,))")
    return Spec((a.shape[0], b.shape[0]))


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
        aliases=("@", "dot", "matrix", "product", "linear", "dense"), calls=("dot",),
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
        latex=r"<0!>^{\top}", label="Xᵀ transpose", aliases=("transpose",), calls=("transpose",),
        view=_swap, cases=(Case(((2, 3),)), Case(((2, 2, 3),))),
    ),
    Op(
        "outer", category="Linear algebra", analytic=True,
        doc="Every product of an entry of one and of the other.",
        inputs=("a", "b"), formula="reshape(a, (-1, 1)) * b",
        derivative={"a": "g @ b", "b": "a @ g"}, shape=_outer_shape,
        kernel=lambda o, s: lambda a, b, out: np.multiply(a[:, None], b, out),
        latex=r"<0!> \otimes <1!>", label="⊗ outer", cases=(Case(((3,), (2,))),),
    ),
)  # fmt: skip
