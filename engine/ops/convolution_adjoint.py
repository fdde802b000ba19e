"""Rows that only derivatives of convolution and pooling use; hidden from the palette.

`correlation`, `correlation_input` and `correlation_weight` are the three gradients of one form that
is linear in each of its operands, so the derivatives of each are the others, to any order.
"""

from __future__ import annotations

from typing import Any

from engine.ops import correlation, pooling
from engine.ops.convolution import GROUPS, MASK
from engine.ops.row import Case, Op
from engine.ops.windows import DILATION, PADDING, STRIDE
from engine.shapes import Spec

_LIKE = frozenset({"like"})
_SLIDE = (STRIDE, PADDING, DILATION, GROUPS)
_SAID = "stride=stride, padding=padding, dilation=dilation, groups=groups"
_POOL = "axes=axes, window=window, stride=stride, padding=padding"
_PLANE = "window=window, stride=stride, padding=padding"
_STEPS = {"stride": (2, 1), "padding": (0, 1), "dilation": (1, 2)}
_VALUES = {"x": (((1, 5, 5), (5, 2, 7), (0, 7, 7)),), "top": (((5, 5), (5, 7)),)}
_SERIES = {"x": ((3, 1, 3, 4),), "top": ((3, 4),)}
_ONES = {"window": 2, "stride": 1}
_HALVES = {"axes": 1}
_POOLED = (
    Case(((1, 2, 2), (1, 3, 3), (1, 2, 2)), _ONES, _VALUES),
    Case(((1, 2), (1, 4), (1, 2)), _HALVES, _SERIES),
)
_PICKED = (
    Case(((1, 3, 3), (1, 3, 3), (1, 2, 2)), _ONES, _VALUES),
    Case(((1, 4), (1, 4), (1, 2)), _HALVES, _SERIES),
)


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Adjoint", "hidden": True, "analytic": True, "inputs": tuple(derivative),
        "formula": f"{name}({', '.join(derivative)})", **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=derivative, **fields)


ROWS = (
    _row(
        "correlation", "Weights slid over one or two spatial axes.",
        {"x": f"correlation_input(g, w, x, {_SAID})", "w": f"correlation_weight(x, g, w, {_SAID})"},
        shape=correlation.correlated, kernel=correlation.forward, options=_SLIDE,
        latex=r"<0!> \star <1!>",
        cases=(Case(((1, 2, 4, 3), (2, 1, 2, 2)), {**_STEPS, "groups": 2}), Case(((1, 4), (2, 1, 2)))),
    ),
    _row(
        "correlation_input", "The gradient of a convolution by its input.",
        {
            "g_": f"correlation(g, w, {_SAID})", "w": f"correlation_weight(g, g_, w, {_SAID})",
            "like": "none",
        },
        shape=correlation.input_shape, kernel=correlation.transposed, options=_SLIDE,
        shape_only=_LIKE, latex=r"<0!> \star^{\top} <1!>",
        cases=(
            Case(((1, 2, 2, 3), (2, 1, 2, 2), (1, 2, 4, 3)), {**_STEPS, "groups": 2}),
            Case(((2, 3), (2, 1, 2), (1, 4))),
        ),
    ),
    _row(
        "correlation_weight", "The gradient of a convolution by its weights.",
        {
            "x": f"correlation_input(g_, g, x, {_SAID})", "g_": f"correlation(x, g, {_SAID})",
            "like": "none",
        },
        shape=correlation.weight_shape, kernel=correlation.weight_gradient, options=_SLIDE,
        shape_only=_LIKE, latex=r"<0!> \star <1!>",
        cases=(
            Case(((1, 2, 4, 3), (1, 2, 2, 3), (2, 1, 2, 2)), {**_STEPS, "groups": 2}),
            Case(((1, 4), (2, 3), (2, 1, 2))),
        ),
    ),
    _row(
        "causal_mask", "Weights with zeros from the centre on (A) or behind it (B).",
        {"w": "causal_mask(g, type=type)"},
        shape=lambda o, w: Spec(correlation.checked_window(w).shape), kernel=correlation.causal,
        options=(MASK,), latex=r"\mathrm{causal}\left(<0>\right)",
        cases=(Case(((1, 2, 3, 3),)), Case(((1, 1, 2, 3),), {"type": "B"})),
    ),
    _row(
        "max_unpool", "A gradient at the first largest entry of each window.",
        {"g_": f"max_pick(g, x, top, {_POOL})", "x": "0", "top": "0"},
        shape=pooling.unpooled, kernel=pooling.unpool_largest, options=(pooling.AXES, *pooling.OPTIONS),
        latex=r"\mathrm{unpool}\left(<0>, <1>, <2>\right)", cases=_POOLED,
    ),
    _row(
        "max_pick", "Entries of one value where another has the first largest of each window.",
        {"h": f"max_unpool(g, x, top, {_POOL})", "x": "0", "top": "0"},
        shape=pooling.picked_shape, kernel=pooling.pick_largest,
        options=(pooling.AXES, *pooling.OPTIONS),
        latex=r"\mathrm{pick}\left(<0>, <1>, <2>\right)", cases=_PICKED,
    ),
    _row(
        "avg_unpool", "A gradient shared out over each window.",
        {"g_": f"avg_pool2d(g, {_PLANE})", "like": "none"},
        shape=pooling.unpooled, kernel=pooling.unpool_average, options=pooling.OPTIONS,
        shape_only=_LIKE, latex=r"\mathrm{unpool}\left(<0>\right)",
        cases=(Case(((1, 1, 2, 3), (1, 1, 4, 5)), {"window": 3, "stride": 2, "padding": 1}),),
    ),
    _row(
        "upsample_adjoint", "The gradient of an enlarged picture by the picture.",
        {"g_": "upsample(g, factor=factor, mode=mode)", "like": "none"},
        shape=pooling.shrunk, kernel=pooling.upsample_adjoint, options=pooling.UPSAMPLE,
        shape_only=_LIKE, latex=r"\mathrm{shrink}\left(<0>\right)",
        cases=(Case(((1, 1, 4, 6), (1, 1, 2, 3)), {"mode": "bilinear"}),),
    ),
)  # fmt: skip
