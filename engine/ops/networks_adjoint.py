"""Rows that formulas and derivatives of the drawer "Networks" are made of; hidden from the palette."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops import normal
from engine.ops.composed import composed
from engine.ops.networks import CAUSAL, attended, attention_weights, row_numbers
from engine.ops.normal import EPS, GROUPS, OVER
from engine.ops.row import Array, Case, Kernel, Op, Option
from engine.shapes import Options, ShapeError, Spec, shape_text

_LIKE = frozenset({"like"})
_PART = Option("part", 0, "int", "Which of the pieces.")
_PARTS = Option("parts", 3, "int", "How many pieces there are.")
_SAID = "over=over, eps=eps"
_PIECE = "part=part, parts=parts"
_GATE = "sigmoid(piece(a, part=part, parts=parts) + piece(b, part=part, parts=parts))"
_AT_GATE = "g * y * (1 - y)"
_RESET = "gate(a, b, part=0)"
_NEW = "tanh(piece(a, part=2) + gate(a, b, part=0) * piece(b, part=2))"
_AT_NEW = "g * (1 - y * y)"
_AT_RESET = f"{_AT_NEW} * piece(b, part=2) * {_RESET} * (1 - {_RESET})"
_CHANNEL = {"over": "channel"}


def _column(options: Options, x: Spec) -> slice:
    each = x.shape[-1] // options["parts"]
    return slice(options["part"] * each, (options["part"] + 1) * each)


def _piece_shape(options: Options, x: Spec) -> Spec:
    if x.rank < 1 or x.shape[-1] % options["parts"]:
        raise ShapeError(f"{shape_text(x.shape)} has no {options['parts']} equal pieces")
    return Spec((*x.shape[:-1], x.shape[-1] // options["parts"]), x.kind)


def _gate_shape(options: Options, a: Spec, b: Spec) -> Spec:
    if a.shape != b.shape:
        raise ShapeError(
            f"{shape_text(a.shape)} and {shape_text(b.shape)} are not of the same gates"
        )
    return Spec(_piece_shape(options, a).shape)


def _piece_view(options: Options, specs: tuple[Spec, ...], x: Array) -> Array:
    return x[..., _column(options, specs[0])]


def _unpiece(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    column = _column(options, specs[1])

    def kernel(x: Any, like: Any, out: Any) -> None:
        out.fill(0)
        out[..., column] = x

    return kernel


def _embedding_gradient(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """Gradients of equal rows are made neighbours and summed in one go."""

    def kernel(g: Any, indices: Any, like: Any, out: Any) -> None:
        out.fill(0)
        numbers = row_numbers(indices, out.shape[0]).ravel()
        if not g.size:
            return
        order = np.argsort(numbers, kind="stable")
        ordered = numbers[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        parts = g.reshape(numbers.size, *out.shape[1:])[order]
        out[ordered[starts]] = np.add.reduceat(parts, starts, 0)

    return kernel


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Adjoint", "hidden": True, "analytic": True, "inputs": tuple(derivative),
        "formula": f"{name}({', '.join(derivative)})", **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=derivative, **fields)


ROWS = (
    _row(
        "standardize", "Entries less their mean, over their deviation.",
        {"x": f"(g - centre(g, over=over) - y * centre(g * y, over=over)) * inverse_deviation(x, {_SAID})"},
        shape=normal.same_with_eps, kernel=normal.standardize, options=(OVER, EPS),
        latex=r"\mathrm{standardize}\left(<0>\right)",
        cases=(Case(((2, 3),)), Case(((3, 2, 2),), {**_CHANNEL, "eps": 0.1})),
    ),
    _row(
        "inverse_deviation", "1 over the deviation, axes kept.",
        {"x": f"-spread_mean(g * y * y, x, over=over) * standardize(x, {_SAID})"},
        shape=normal.kept_with_eps, kernel=normal.inverse_deviation, options=(OVER, EPS), analytic=False,
        latex=r"\frac{1}{\sigma\left(<0>\right)}",
        cases=(Case(((2, 3),)), Case(((3, 2, 2),), {**_CHANNEL, "eps": 0.1})),
    ),
    _row(
        "centre", "The mean of a row or a channel, axes kept.", {"x": "spread_mean(g, x, over=over)"},
        shape=normal.kept, kernel=normal.centre, options=(OVER,),
        latex=r"\mathrm{mean}\left(<0>\right)", cases=(Case(((2, 3),)), Case(((3, 2, 2),), _CHANNEL)),
    ),
    _row(
        "spread_mean", "The gradient of a mean, an equal share for each entry.",
        {"g_": "centre(g, over=over)", "like": "none"},
        shape=lambda o, g, like: Spec(like.shape), kernel=normal.spread_mean, options=(OVER,),
        shape_only=_LIKE, latex=r"\mathrm{spread}\left(<0>\right)",
        cases=(Case(((2, 1), (2, 3))), Case(((1, 2, 1), (3, 2, 2)), _CHANNEL)),
    ),
    _row(
        "split_groups", "The channels of each picture in groups.", {"x": "reshape_as(g, x)"},
        shape=lambda o, x: Spec(normal.grouped(o, x).shape, x.kind), options=(GROUPS,),
        kernel=lambda o, s: lambda x, out: np.copyto(out, x.reshape(out.shape)),
        view=lambda o, s, x: x.reshape(normal.grouped(o, s[0]).shape), latex="<0>",
        cases=(Case(((2, 4, 2),), {"groups": 2}),),
    ),
    _row(
        "per_channel", "A number for each channel, in the shape that broadcasts.",
        {"v": "reshape_as(g, v)", "like": "none"},
        shape=lambda o, v, like: Spec(normal.per_channel(o, v, like).shape, v.kind),
        kernel=lambda o, s: lambda v, like, out: np.copyto(out, v.reshape(out.shape)),
        view=lambda o, s, v: v.reshape(normal.per_channel(o, *s).shape), latex="<0>",
        shape_only=_LIKE, cases=(Case(((2,), (3, 2, 2))),),
    ),
    _row(
        "channel_sum", "The sum of each channel.", {"x": "spread_as(per_channel(g, x), x)"},
        shape=normal.channel_total, kernel=normal.channel_sum,
        latex=r"\sum <0!>", cases=(Case(((3, 2, 2),)), Case(((3, 2),))),
    ),
    _row(
        "channel_mean", "The mean of each channel.", {"x": "none"}, shape=normal.channel_vector,
        kernel=normal.channel_mean, latex=r"\mathrm{mean}\left(<0>\right)",
    ),
    _row(
        "sample_variance", "The variance of each channel, with n - 1 below.", {"x": "none"},
        shape=normal.channel_vector, kernel=normal.sample_variance,
        latex=r"\mathrm{var}\left(<0>\right)",
    ),
    _row(
        "embedding_gradient", "Gradients added at the rows that were read.",
        {"g_": "embedding(g, indices)", "indices": "none", "like": "none"},
        shape=lambda o, g, indices, like: Spec(like.shape), kernel=_embedding_gradient,
        shape_only=_LIKE, latex=r"\mathrm{rows}\left(<0>, <1>\right)",
        cases=(Case(((3, 2), (3,), (4, 2)), values={"indices": (2, 0, 2)}),),
    ),
    _row(
        "attention_weights", "How much each query looks at each key; a row adds up to 1.",
        {
            "q": "((g - sum(g * y, axis=-1, keepdims=True)) * y) @ k / sqrt(size(q, axis=-1))",
            "k": "T((g - sum(g * y, axis=-1, keepdims=True)) * y) @ q / sqrt(size(q, axis=-1))",
        },
        shape=attended, kernel=attention_weights, options=(CAUSAL,),
        latex=r"\mathrm{softmax}\left(\frac{<0!> <1!>^{\top}}{\sqrt{d}}\right)",
        cases=(Case(((2, 3), (4, 3))), Case(((3, 2), (3, 2)), {"causal": True})),
    ),
    _row(
        "piece", "One of several equal pieces of the last axis.", {"x": f"unpiece(g, x, {_PIECE})"},
        shape=_piece_shape, view=_piece_view, options=(_PART, _PARTS), latex=r"\left[<0>\right]",
        kernel=lambda o, s: lambda x, out: np.copyto(out, _piece_view(o, s, x)),
        cases=(Case(((2, 6),), {"part": 1, "parts": 3}),),
    ),
    _row(
        "unpiece", "A piece at its place in the last axis, zeros elsewhere.",
        {"g_": f"piece(g, {_PIECE})", "like": "none"},
        shape=lambda o, g, like: Spec(like.shape), kernel=_unpiece, options=(_PART, _PARTS),
        shape_only=_LIKE, latex=r"\left[<0>\right]",
        cases=(Case(((2, 2), (2, 6)), {"part": 2, "parts": 3}),),
    ),
    _row(
        "gate", "The sigmoid of the sum of one piece of each operand.",
        {port: f"unpiece({_AT_GATE}, {port}, {_PIECE})" for port in "ab"},
        shape=_gate_shape, options=(_PART, _PARTS), formula=_GATE,
        kernel=composed(_GATE, ("a", "b")), latex=r"\sigma\left(<0>, <1>\right)",
        cases=(Case(((2, 6), (2, 6)), {"part": 1}), Case(((4,), (4,)), {"parts": 2})),
    ),
    _row(
        "new_gate", "What a GRU would remember: the state's share is reset before it adds.",
        {
            "a": f"unpiece({_AT_RESET}, a, part=0) + unpiece({_AT_NEW}, a, part=2)",
            "b": f"unpiece({_AT_RESET}, b, part=0) + unpiece({_AT_NEW} * {_RESET}, b, part=2)",
        },
        shape=lambda o, a, b: _gate_shape({"part": 0, "parts": 3}, a, b), formula=_NEW,
        kernel=composed(_NEW, ("a", "b")), latex=r"\mathrm{new}\left(<0>, <1>\right)",
        cases=(Case(((2, 6), (2, 6))), Case(((3,), (3,)))),
    ),
)  # fmt: skip
