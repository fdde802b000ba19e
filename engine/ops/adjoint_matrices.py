"""Rows that only derivatives of linear algebra use."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops import einsum
from engine.ops.decompositions import is_vector
from engine.ops.linear import AXES, OFFSET, axes_order, diagonal_shape
from engine.ops.row import Array, Case, Kernel, Op, Option, returns
from engine.shapes import Options, ShapeError, Spec, shape_text

_PART = Option("part", 0, "int", "Which operand's gradient; behind the last one, the result.")


def _unpermuted(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x.transpose(np.argsort(axes_order(options, specs[0])))


def _unpermuted_shape(options: Options, x: Spec) -> Spec:
    return Spec(tuple(x.shape[i] for i in np.argsort(axes_order(options, x))), x.kind)


def _on_diagonal_shape(options: Options, x: Spec, like: Spec) -> Spec:
    if x.shape != diagonal_shape(options, like).shape:
        raise ShapeError(f"{shape_text(x.shape)} is no diagonal of {shape_text(like.shape)}")
    return Spec(like.shape, x.kind)


def _on_diagonal(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    offset, length = options["offset"], specs[0].shape[-1]
    rows = np.arange(length) + max(-offset, 0)
    columns = np.arange(length) + max(offset, 0)

    def kernel(x: Any, like: Any, out: Any) -> None:
        out.fill(0)
        out[..., rows, columns] = x

    return kernel


def _column(options: Options, x: Spec, a: Spec, b: Spec) -> Spec:
    return Spec((*x.shape, 1) if is_vector(a, b) else x.shape)


def _half_triangle(options: Options, x: Array) -> Array:
    size = x.shape[-1]
    mask: Array = np.tri(size, dtype=x.dtype) - x.dtype.type(0.5) * np.eye(size, dtype=x.dtype)
    return x * mask


def _cofactor(options: Options, x: Array) -> Array:
    """By singular values, so that singular matrices have theirs too: cof(U S Vh) = |U| |Vh| U cof(S) Vh
    (Stewart, On the adjugate matrix, 1998)."""
    u, s, vh = np.linalg.svd(x)
    others = np.ones_like(s)
    for i in range(s.shape[-1]):
        others[..., i] = np.prod(np.delete(s, i, -1), -1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    cofactors: Array = (u * (np.round(sign)[..., None, None] * others[..., None, :])) @ vh
    return cofactors


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Adjoint", "hidden": True, "analytic": True, "inputs": tuple(derivative),
        "formula": f"{name}({', '.join(derivative)})", **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=derivative, **fields)


ROWS = (
    _row(
        "unpermute", "Undoes permute.", {"x": "permute(g, axes=axes)"}, shape=_unpermuted_shape,
        view=_unpermuted, options=(AXES,), cases=(Case(((2, 3, 4),), {"axes": (2, 0, -2)}),),
        kernel=lambda o, s: lambda x, out: np.copyto(out, _unpermuted(o, s, x)),
    ),
    _row(
        "place_diagonal", "A value on the diagonal, zeros elsewhere.",
        {"x": "diagonal(g, offset=offset)", "like": "none"}, shape=_on_diagonal_shape,
        kernel=_on_diagonal, options=(OFFSET,), shape_only=frozenset({"like"}),
        cases=(Case(((2,), (3, 2)), {"offset": -1}), Case(((2, 3), (2, 3, 3)))),
    ),
    _row(
        "solve_column", "The vector solution of a system as a column; matrices stay.",
        {"x": "reshape_as(g, x)", "a": "none", "b": "none"}, shape=_column, latex="<0>",
        view=lambda o, s, x: x.reshape(_column(o, *s).shape),
        kernel=lambda o, s: lambda x, a, b, out: np.copyto(out, x.reshape(out.shape)),
        identity=lambda o, x, a, b: None if is_vector(a, b) else 0,
        shape_only=frozenset({"a", "b"}), cases=(Case(((2, 3), (2, 3, 3), (2, 3))),),
    ),
    _row(
        "half_triangle", "The lower triangle, with half of the diagonal.", {"x": "half_triangle(g)"},
        shape=lambda o, x: Spec(x.shape), kernel=returns(_half_triangle),
        latex=r"\Phi\left(<0>\right)", cases=(Case(((3, 3),)), Case(((2, 2, 2),))),
    ),
    _row(
        "cofactor", "The derivative of the determinant: det(x) times the transposed inverse.",
        {"x": "T(inverse(x)) * sum(g * y, axis=(-2, -1), keepdims=True) - y @ T(g) @ T(inverse(x))"},
        shape=lambda o, x: Spec(x.shape), kernel=returns(_cofactor), analytic=False,
        latex=r"\mathrm{cof}\left(<0>\right)", cases=(
            Case(((2, 2),), {}, {"x": ((2.0, 0.5), (-1.0, 1.5))}),
            Case(((3, 3),), {}, {"x": ((-2.0, 0.5, 0.1), (-1.0, 1.5, 0.2), (0.3, 0.4, 1.0))}),
        ),
    ),
    Op(
        "einsum_part", category="Adjoint", hidden=True, variadic=True, analytic=True,
        inputs=("xs",),
        doc="The gradient of einsum at one operand: the others, with the upstream gradient behind.",
        formula="einsum_part(xs)",
        derivative={"xs": "einsum_part(exchanged, subscripts=subscripts, part=i)"},
        shape=einsum.part_shape, kernel=einsum.part_kernel, options=(einsum.SUBSCRIPTS, _PART),
        cases=tuple(
            Case((*c.shapes, shape), {**c.options, "part": len(c.shapes) - 1})
            for c, shape in zip(
                einsum.CASES, ((2, 2), (), (3,), (2,), (3, 2), (4, 2), (2, 2, 2), ()), strict=True
            )
        ),
    ),
)  # fmt: skip
