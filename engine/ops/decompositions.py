"""Part of drawer "Linear algebra": inverses, linear systems, Cholesky factors and determinants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.ops.row import Array, Binder, Case, Op, returns
from engine.shapes import Options, ShapeError, Spec, broadcast, shape_text

_SINGULAR = "the matrix is singular: its rows depend on each other; change an entry"
_NOT_POSITIVE = (
    "the matrix is not positive definite; x @ T(x) plus a little of the identity always is"
)
_SQUARE = ((2.0, -0.3, 0.4), (0.5, 1.5, -0.2), (-0.6, 0.1, 1.2))
_BATCH = (((1.2, 0.4), (-0.3, 0.9)), ((-0.5, 1.1), (0.8, 0.6)))
_POSITIVE = ((2.0, 0.3, -0.5), (0.3, 1.5, 0.2), (-0.5, 0.2, 1.1))
_POSITIVES = (((1.2, 0.4), (0.4, 0.9)), ((2.5, -1.1), (-1.1, 0.8)))
_CASES = (Case(((3, 3),), {}, {"x": _SQUARE}), Case(((2, 2, 2),), {}, {"x": _BATCH}))


def _square(options: Options, x: Spec) -> Spec:
    if x.rank < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(
            f"{shape_text(x.shape)} is not a square matrix",
            "give as many rows as columns in the last two axes",
        )
    return Spec(x.shape)


def _each_matrix(options: Options, x: Spec) -> Spec:
    return Spec(_square(options, x).shape[:-2])


def refusing(message: str, function: Callable[..., Any]) -> Binder:
    """A binder whose kernel says `message` where NumPy's solvers give up."""

    def safe(options: Options, *operands: Any) -> Any:
        try:
            return function(*operands)
        except np.linalg.LinAlgError:
            raise ValueError(message) from None

    return returns(safe)


def is_vector(a: Spec, b: Spec) -> bool:
    """Whether the right side of a system is a vector (for each matrix), as PyTorch decides it."""
    return b.rank == 1 or (b.rank == a.rank - 1 and b.shape == a.shape[:-1])


def _solve_shape(options: Options, a: Spec, b: Spec) -> Spec:
    _square(options, a)
    if b.rank == 0:
        raise ShapeError("the right side is a vector or a matrix, not a number", "give it rows")
    columns = (*b.shape, 1) if is_vector(a, b) else b.shape
    if columns[-2] != a.shape[-1]:
        raise ShapeError(
            f"{a.shape[-1]} equations need {a.shape[-1]} right sides, not {columns[-2]}",
            f"give the right side {a.shape[-1]} rows",
        )
    shape = (*broadcast(a.shape[:-2], columns[:-2]), *columns[-2:])
    return Spec(shape[:-1] if is_vector(a, b) else shape)


def _solve(a: Array, b: Array) -> Array:
    vector = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    if not vector:
        return np.linalg.solve(a, b)
    found: Array = np.linalg.solve(a, b[..., None])[..., 0]
    return found


def _cholesky(x: Array) -> Array:
    return np.linalg.cholesky((x + np.swapaxes(x, -1, -2)) * x.dtype.type(0.5))


def _logdet(options: Options, x: Array) -> Array:
    sign, size = np.linalg.slogdet(x)
    return np.where(sign < 0, np.nan, size)


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Linear algebra", "inputs": tuple(derivative), "cases": _CASES,
        "analytic": True, **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=derivative, **fields)


_INNER = "solve(T(y), half_triangle(T(y) @ g))"  # L^-T Phi(L^T g), Murray (2016), equation 10
_OUTER = f"T(solve(T(y), T({_INNER})))"

ROWS = (
    _row(
        "inverse", "The inverse of a square matrix, or of each in a batch.",
        {"x": "-(T(y) @ g @ T(y))"}, formula="inverse(x)", shape=_square,
        kernel=refusing(_SINGULAR, np.linalg.inv), latex="<0!>^{-1}", label="X⁻¹ inverse",
        calls=("inv",),
    ),
    _row(
        "solve", "The solution x of a x = b; b is a vector or a matrix, earlier axes are batches.",
        {"a": "-(solve_column(solve(T(a), g), a, b) @ T(solve_column(y, a, b)))", "b": "solve(T(a), g)"},
        formula="solve(a, b)", shape=_solve_shape, kernel=refusing(_SINGULAR, _solve),
        latex=r"<0!>^{-1} <1!>", label="solve", aliases=("linear system", "equations"),
        cases=(
            Case(((3, 3), (3,)), {}, {"a": _SQUARE}), Case(((3, 3), (3, 2)), {}, {"a": _SQUARE}),
            Case(((2, 2, 2), (2, 2)), {}, {"a": _BATCH}), Case(((2, 2, 2), (2, 2, 3)), {}, {"a": _BATCH}),
            Case(((2, 2, 2), (2,)), {}, {"a": _BATCH}), Case(((3, 3), (2, 3, 1)), {}, {"a": _SQUARE}),
        ),
    ),
    _row(
        "cholesky", "The lower triangle L with L Lᵀ = x, for a symmetric positive definite x.",
        {"x": f"({_OUTER} + T({_OUTER})) / 2"}, formula="cholesky(x)", shape=_square, analytic=False,
        kernel=refusing(_NOT_POSITIVE, _cholesky), aliases=("factor", "triangle"), cases=(
            Case(((3, 3),), {}, {"x": _POSITIVE}), Case(((2, 2, 2),), {}, {"x": _POSITIVES}),
        ),
    ),
    _row(
        "det", "The determinant of a square matrix, or of each in a batch.",
        {"x": "expand_as(g, x, axis=(-2, -1)) * cofactor(x)"}, formula="det(x)", shape=_each_matrix,
        kernel=returns(lambda o, x: np.linalg.det(x)), latex=r"\det\left(<0>\right)",
        label="det", aliases=("determinant",),
    ),
    _row(
        "logdet", "The logarithm of the determinant, without overflow; NaN where that is negative.",
        {"x": "expand_as(g, x, axis=(-2, -1)) * T(inverse(x))"}, formula="log(det(x))",
        shape=_each_matrix, kernel=returns(_logdet), latex=r"\ln \det\left(<0>\right)",
        label="ln det", aliases=("determinant",), cases=(
            Case(((3, 3),), {}, {"x": _SQUARE}), Case(((2, 2, 2),), {}, {"x": _POSITIVES}),
        ),
    ),
)  # fmt: skip
