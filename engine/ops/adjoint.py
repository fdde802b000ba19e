"""Rows that only derivatives use; hidden from the palette.

They carry no sizes as options: where a size matters they read it off an operand for its shape alone,
so one adjoint graph serves every batch size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.indexing import AT, index_of
from engine.ops.losses import one_hot
from engine.ops.reductions import AXIS, KEEPDIMS
from engine.ops.row import Array, Case, Kernel, Op, Option, returns
from engine.ops.shape import CONCAT_AXIS
from engine.shapes import Kind, Options, ShapeError, Spec, axes_of, reduced, shape_text

_LIKE = frozenset({"like"})
_PART = Option("part", 0, "int", "Which of the parts.")


def _sum_to_shape(options: Options, x: Spec, like: Spec) -> Spec:
    tail = x.shape[x.rank - like.rank :] if x.rank >= like.rank else None
    if tail is None or any(n not in (m, 1) for m, n in zip(tail, like.shape, strict=True)):
        raise ShapeError(f"{shape_text(x.shape)} is no broadcast of {shape_text(like.shape)}")
    return Spec(like.shape)


def _column_sums(rows: int) -> Kernel:
    """A product with ones: BLAS adds rows in a third of the time that `add.reduce` takes."""
    ones: list[Array] = []

    def kernel(x: Array, like: Array, out: Array) -> None:
        if not ones or ones[0].dtype != out.dtype:
            ones[:] = [np.ones(rows, out.dtype)]
        ones[0].dot(x, out)

    return kernel


def _sum_to(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    x, like = specs
    lead = x.rank - like.rank
    kept = tuple(lead + i for i, n in enumerate(like.shape) if n == 1 and x.shape[lead + i] != 1)
    axes = (*range(lead), *kept)
    axis = axes[0] if len(axes) == 1 else axes
    reduce: Any = np.add.reduce
    if lead == 1 and not kept and x.rank == 2 and x.kind == "float":
        return _column_sums(x.shape[0])
    if not kept:
        return lambda x, like, out: reduce(x, axis, None, out)
    full = (1,) * lead + like.shape
    return lambda x, like, out: reduce(x, axis, None, out.reshape(full), True)


def _expand_as_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    like = specs[1]
    ones = reduced(like.shape, options["axis"], True)
    return np.broadcast_to(x.reshape(ones), like.shape)


def _expand_shape(options: Options, x: Spec, like: Spec) -> Spec:
    if x.shape != reduced(like.shape, options["axis"], options["keepdims"]):
        raise ShapeError(f"{shape_text(x.shape)} was not reduced from {shape_text(like.shape)}")
    return Spec(like.shape, x.kind)


def _size(options: Options, x: Spec) -> float:
    total = 1
    for axis in axes_of(options["axis"], x.rank):
        total *= x.shape[axis]
    return float(total)


def _size_shape(options: Options, x: Spec) -> Spec:
    axes_of(options["axis"], x.rank)  # refuses one that is not there
    return Spec()


def _whole(options: Options, parts: tuple[Spec, ...]) -> tuple[int, ...]:
    """The shape that parts have side by side; raises ShapeError where they do not fit."""
    if not parts or not 0 <= options["part"] < len(parts):
        raise ShapeError(f"there is no part {options['part']} among {len(parts)}")
    axis = axes_of(options["axis"], parts[0].rank)[0]
    shapes = {(*p.shape[:axis], 0, *p.shape[axis + 1 :]) for p in parts}
    if len(shapes) > 1 or any(p.rank != parts[0].rank for p in parts):
        raise ShapeError("the parts differ in more than one axis")
    shape = list(parts[0].shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    return tuple(shape)


def _part_shape(options: Options, x: Spec, *parts: Spec) -> Spec:
    if x.shape != _whole(options, parts):
        raise ShapeError(f"{shape_text(x.shape)} is not made of these parts")
    return Spec(parts[options["part"]].shape, x.kind)


def _part_slice(options: Options, parts: tuple[Spec, ...]) -> tuple[slice, ...]:
    axis = axes_of(options["axis"], parts[0].rank)[0]
    start = sum(p.shape[axis] for p in parts[: options["part"]])
    stop = start + parts[options["part"]].shape[axis]
    return (*(slice(None),) * axis, slice(start, stop))


def _part_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x[_part_slice(options, specs[1:])]


def _place_part_shape(options: Options, x: Spec, *parts: Spec) -> Spec:
    whole = _whole(options, parts)
    if x.shape != parts[options["part"]].shape:
        raise ShapeError(f"{shape_text(x.shape)} is not the shape of the part")
    return Spec(whole, x.kind)


def _place_part(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    where = _part_slice(options, specs[1:])

    def kernel(*args: Any) -> None:
        args[-1].fill(0)
        args[-1][where] = args[0]

    return kernel


def _place(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    where = index_of(options["at"])

    def kernel(x: Any, like: Any, out: Any) -> None:
        out.fill(0)
        out[where] = x

    return kernel


def _matrix_shape(options: Options, g: Spec, a: Spec, b: Spec) -> Spec:
    shape = g.shape
    if b.rank == 1:
        shape = (*shape, 1)
    if a.rank == 1:
        shape = (*shape[:-1], 1, shape[-1])
    return Spec(shape)


def _reshapes(shape: Any) -> dict[str, Any]:
    """The fields of a row that only gives its first operand another shape."""

    def view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
        return x.reshape(shape(options, *specs).shape)

    def kernel(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        wanted = shape(options, *specs).shape
        return lambda *args: np.copyto(args[-1], args[0].reshape(wanted))

    return {
        "shape": shape, "kernel": kernel, "view": view,
        "identity": lambda o, *specs: 0 if shape(o, *specs).shape == specs[0].shape else None,
    }  # fmt: skip


def _one_hot_shape(options: Options, target: Spec, logits: Spec) -> Spec:
    if target.shape == logits.shape:
        return Spec(logits.shape)
    kind: Kind = "float" if options["label_smoothing"] else "bool"
    return Spec(logits.shape, kind, frozenset({"target"}))


def _one_hot(options: Options, target: Any, logits: Any) -> Any:
    rows = target if target.shape == logits.shape else one_hot(target, logits.shape)
    share = options["label_smoothing"]
    return rows * (1 - share) + share / logits.shape[-1] if share else rows


def _row(name: str, doc: str, inputs: tuple[str, ...], derivative: str, **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Adjoint", "hidden": True, "analytic": True,
        "formula": f"{name}({', '.join(inputs)})", **rest,
    }  # fmt: skip
    others = dict.fromkeys(inputs[1:], "none")
    return Op(name, doc=doc, inputs=inputs, derivative={inputs[0]: derivative, **others}, **fields)


ROWS = (
    _row(
        "sum_to", "Undoes broadcasting: sums the axes that a shape does not have.", ("x", "like"),
        "spread_as(g, x)", latex=r"\mathrm{sum}_{\to <1>}\left(<0>\right)",
        shape=_sum_to_shape, kernel=_sum_to, shape_only=_LIKE,
        identity=lambda o, x, like: 0 if x.shape == like.shape else None,
        cases=(Case(((2, 3), (3,))), Case(((2, 3), (2, 1))), Case(((2, 3), ()))),
    ),
    _row(
        "spread_as", "Broadcasts to the shape of another value.", ("x", "like"),
        "sum_to(g, x)", latex=r"\mathrm{spread}_{\to <1>}\left(<0>\right)",
        shape=lambda o, x, like: Spec(like.shape, x.kind), shape_only=_LIKE,
        kernel=lambda o, s: lambda x, like, out: np.copyto(out, x),
        view=lambda o, s, x: np.broadcast_to(x, s[1].shape),
        identity=lambda o, x, like: 0 if x.shape == like.shape else None,
        cases=(Case(((3,), (2, 3))), Case(((2, 1), (2, 3)))),
    ),
    _row(
        "expand_as", "Repeats a reduced value along the axes that were reduced.", ("x", "like"),
        "sum(g, axis=axis, keepdims=keepdims)",
        latex=r"\mathrm{spread}_{\to <1>}\left(<0>\right)", shape=_expand_shape, shape_only=_LIKE,
        kernel=lambda o, s: lambda x, like, out: np.copyto(out, _expand_as_view(o, s, x)),
        view=_expand_as_view, options=(AXIS, KEEPDIMS),
        identity=lambda o, x, like: 0 if x.shape == like.shape else None,
        cases=(Case(((2,), (2, 3)), {"axis": 1}), Case(((), (2, 3)))),
    ),
    _row(
        "reshape_as", "The same entries in the shape of another value.", ("x", "like"),
        "reshape_as(g, x)", shape_only=_LIKE, **_reshapes(lambda o, x, like: Spec(like.shape, x.kind)),
        cases=(Case(((6,), (2, 3))),),
    ),
    _row(
        "size", "How many entries a value has along an axis.", ("x",), "none",
        latex=r"\mathrm{size}<_axis>\left(<0>\right)",
        shape=_size_shape, shape_only=frozenset({"x"}), options=(AXIS,), constant=_size,
        kernel=returns(lambda o, x: _size(o, Spec(x.shape))),
        scalar=lambda options: lambda x: 1.0,
    ),
    _row(
        "row", "A vector as a matrix of one row; a matrix stays.", ("x",), "reshape_as(g, x)",
        **_reshapes(lambda o, x: Spec((1, *x.shape) if x.rank == 1 else x.shape, x.kind)),
        latex="<0>", cases=(Case(((3,),)),),
    ),
    _row(
        "column", "A vector as a matrix of one column; a matrix stays.", ("x",), "reshape_as(g, x)",
        **_reshapes(lambda o, x: Spec((*x.shape, 1) if x.rank == 1 else x.shape, x.kind)),
        latex="<0>", cases=(Case(((3,),)),),
    ),
    _row(
        "drop_column", "Takes the last axis away when the other value is a vector.", ("x", "like"),
        "reshape_as(g, x)", shape_only=_LIKE, latex="<0>",
        **_reshapes(lambda o, x, like: Spec(x.shape[:-1] if like.rank == 1 else x.shape, x.kind)),
        cases=(Case(((3, 1), (3,))),),
    ),
    _row(
        "as_matrix", "The gradient of a product as a matrix where an operand was a vector.",
        ("g_", "a", "b"), "reshape_as(g, g_)", shape_only=frozenset({"a", "b"}), latex="<0>",
        **_reshapes(_matrix_shape), cases=(Case(((2,), (2, 3), (3,))),),
    ),
    Op(
        "part_of", category="Adjoint", hidden=True, variadic=True, analytic=True, inputs=("xs",),
        doc="The piece of a joined value that came from one of the parts.",
        formula="part_of(xs)", derivative={"xs": "place_part(g, rest, axis=axis, part=part)"},
        shape=_part_shape, view=_part_view,
        kernel=lambda o, s: lambda *a: np.copyto(a[-1], _part_view(o, s, a[0])),
        options=(CONCAT_AXIS, _PART), shape_only=frozenset({"*"}),
        cases=(Case(((3, 3), (2, 3), (1, 3)), {"axis": 0, "part": 1}),),
    ),
    Op(
        "place_part", category="Adjoint", hidden=True, variadic=True, analytic=True, inputs=("xs",),
        doc="A piece at its place in a joined value, zeros elsewhere.",
        formula="place_part(xs)", derivative={"xs": "part_of(g, rest, axis=axis, part=part)"},
        shape=_place_part_shape, kernel=_place_part, options=(CONCAT_AXIS, _PART),
        shape_only=frozenset({"*"}),
        cases=(Case(((1, 3), (2, 3), (1, 3)), {"axis": 0, "part": 1}),),
    ),
    _row(
        "place", "Entries at the place they were picked from, zeros elsewhere.", ("x", "like"),
        "index(g, at=at)", shape=lambda o, x, like: Spec(like.shape, x.kind), kernel=_place,
        options=(AT,), shape_only=_LIKE,
        cases=(Case(((4,), (3, 4)), {"at": "1"}), Case(((3, 2), (3, 4)), {"at": ":, 1:3"})),
    ),
    _row(
        "as_one_hot", "Class indices as rows of 0 and 1; rows stay; a share spread over all classes.",
        ("target", "logits"), "g * (1 - label_smoothing)",
        shape=_one_hot_shape, shape_only=frozenset({"logits"}), kernel=returns(_one_hot),
        latex=r"\mathrm{onehot}\left(<0>\right)",
        options=(Option("label_smoothing", 0.0, "float", "The share spread over all classes."),),
        identity=lambda o, t, z: 0 if t.shape == z.shape and not o["label_smoothing"] else None,
        cases=(Case(((2, 3), (2, 3)), {"label_smoothing": 0.2}),),
    ),
)  # fmt: skip
