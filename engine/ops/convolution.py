"""Drawer "Convolution": weights slid over pictures and series, and pooling of what they see."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops import correlation, pooling
from engine.ops.row import Case, Op, Option
from engine.ops.windows import DILATION, PADDING, STRIDE, image_shape
from engine.shapes import Options, ShapeError, Spec

GROUPS = Option("groups", 1, "int", "Parts of the channels that see nothing of each other.")
MASK = Option(
    "type", "A", "choice", "A hides the present pixel too, B lets it through.", ("A", "B")
)
_OUTPUT_PADDING = Option(
    "output_padding", 0, "shape", "How much longer the result is, below the stride."
)
_SLIDE = (STRIDE, PADDING, DILATION, GROUPS)
_SAID = "stride=stride, padding=padding, dilation=dilation, groups=groups"
_POOL = "window=window, stride=stride, padding=padding"


def _of_rank(axes: int) -> Any:
    """The shape rule of a convolution over so many spatial axes."""

    def rule(options: Options, x: Spec, w: Spec) -> Spec:
        if w.rank != axes + 2:
            layout = "out×in×kh×kw" if axes == 2 else "out×in×k"
            raise ShapeError(f"the weights have {w.rank} axes and need {axes + 2}: {layout}")
        return correlation.correlated(options, x, w)

    return rule


def _transposed_shape(options: Options, x: Spec, w: Spec) -> Spec:
    if w.rank != 4:
        raise ShapeError(f"the weights have {w.rank} axes and need 4: in×out×kh×kw")
    return correlation.transposed_shape(options, x, w)


def _channel_means(options: Options, x: Spec) -> Spec:
    image_shape(x, 2)
    if 0 in x.shape[-2:]:
        raise ShapeError("there is no mean of no pixels", "give pictures of at least one pixel")
    return Spec(x.shape[:-2])


def _row(name: str, doc: str, derivative: dict[str, str], **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "category": "Convolution", "analytic": True, "inputs": tuple(derivative), **rest,
    }  # fmt: skip
    return Op(name, doc=doc, derivative=derivative, **fields)


def _convolution(name: str, doc: str, axes: int, **rest: Any) -> Op:
    fields: dict[str, Any] = {
        "shape": _of_rank(axes), "kernel": correlation.forward, "options": _SLIDE,
        "formula": f"{name}(x, w, {_SAID})", "latex": r"<0!> \star <1!>", **rest,
    }  # fmt: skip
    return _row(
        name, doc,
        {"x": f"correlation_input(g, w, x, {_SAID})", "w": f"correlation_weight(x, g, w, {_SAID})"},
        **fields,
    )  # fmt: skip


ROWS = (
    _convolution(
        "conv2d", "Pictures N×C×H×W seen through sliding weights out×in×kh×kw; not flipped.", 2,
        label="conv 2d", aliases=("convolution", "cnn", "filter", "kernel", "correlate"),
        cases=(
            Case(((2, 2, 3, 4), (2, 2, 2, 2))), Case(((1, 3, 4), (2, 1, 3, 2)), {"padding": (1, 0)}),
            Case(((1, 2, 5, 4), (4, 1, 2, 3)), {"stride": (2, 1), "padding": (1, 2), "groups": 2}),
            Case(((1, 1, 5, 5), (1, 1, 2, 2)), {"stride": 2, "dilation": (2, 3)}),
        ),
    ),
    _convolution(
        "conv1d", "Series N×C×L seen through sliding weights out×in×k; not flipped.", 1,
        label="conv 1d", aliases=("convolution", "cnn", "filter", "series", "temporal"),
        cases=(
            Case(((2, 2, 5), (3, 2, 2))), Case(((2, 5), (2, 1, 3)), {"padding": 1, "groups": 2}),
            Case(((1, 1, 7), (2, 1, 2)), {"stride": 2, "dilation": 3, "padding": (1,)}),
        ),
    ),
    _row(
        "conv_transpose2d", "What conv2d's gradient does to pictures: weights in×out×kh×kw stamped.",
        {"x": f"correlation(g, w, {_SAID})", "w": f"correlation_weight(g, x, w, {_SAID})"},
        shape=_transposed_shape, kernel=correlation.transposed_convolution,
        options=(*_SLIDE, _OUTPUT_PADDING), latex=r"<0!> \star^{\top} <1!>",
        formula=f"conv_transpose2d(x, w, {_SAID}, output_padding=output_padding)",
        label="conv transpose 2d", aliases=("deconvolution", "upsample", "decoder", "transposed"),
        cases=(
            Case(((2, 2, 2, 3), (2, 2, 2, 2))),
            Case(((2, 2, 3), (2, 1, 3, 2)), {"stride": (2, 3), "padding": 1, "output_padding": (1, 2)}),
            Case(((1, 2, 2, 2), (2, 2, 2, 1)), {"dilation": (2, 1), "groups": 2}),
        ),
    ),
    _row(
        "masked_conv2d", "Convolution that sees the pixels above, and those to the left in the row.",
        {
            "x": f"correlation_input(g, causal_mask(w, type=type), x, {_SAID})",
            "w": f"causal_mask(correlation_weight(x, g, w, {_SAID}), type=type)",
        },
        shape=_of_rank(2), kernel=correlation.masked, options=(MASK, *_SLIDE),
        formula=f"conv2d(x, causal_mask(w, type=type), {_SAID})",
        latex=r"<0!> \star_{\mathrm{causal}} <1!>", label="masked conv 2d",
        aliases=("pixelcnn", "causal", "autoregressive", "convolution"),
        cases=(
            Case(((1, 2, 3, 3), (2, 2, 3, 3)), {"padding": 1}),
            Case(((1, 2, 4, 3), (2, 1, 3, 3)), {"type": "B", "padding": 1, "groups": 2, "stride": 2}),
        ),
    ),
    _row(
        "max_pool2d", "The largest entry of each window; ties go to the first.",
        {"x": f"max_unpool(g, x, y, axes=2, {_POOL})"},
        shape=pooling.shape_of(2), kernel=pooling.largest(2), options=pooling.OPTIONS,
        formula=f"max_pool2d(x, {_POOL})", latex=r"\mathrm{maxpool}\left(<0>\right)",
        label="max pool 2d", aliases=("pooling", "maximum", "downsample"), ties=True, domain=pooling.DOMAIN,
        cases=pooling.CASES_2D, flat="outdone",
    ),
    _row(
        "max_pool1d", "The largest entry of each window of a series; ties go to the first.",
        {"x": f"max_unpool(g, x, y, axes=1, {_POOL})"},
        shape=pooling.shape_of(1), kernel=pooling.largest(1), options=pooling.OPTIONS,
        formula=f"max_pool1d(x, {_POOL})", latex=r"\mathrm{maxpool}\left(<0>\right)",
        label="max pool 1d", aliases=("pooling", "maximum", "series"), ties=True, domain=pooling.DOMAIN,
        cases=pooling.CASES_1D, flat="outdone",
    ),
    _row(
        "avg_pool2d", "The mean of each window, zeros of the padding counted.",
        {"x": f"avg_unpool(g, x, {_POOL})"},
        shape=pooling.shape_of(2), kernel=pooling.average, options=pooling.OPTIONS,
        formula=f"avg_pool2d(x, {_POOL})", latex=r"\mathrm{avgpool}\left(<0>\right)",
        label="average pool 2d", aliases=("pooling", "mean", "downsample"), cases=pooling.CASES_2D,
    ),
    _row(
        "global_avg_pool", "The mean of each channel over all pixels: N×C×H×W to N×C.",
        {"x": "expand_as(g / size(x, axis=(-2, -1)), x, axis=(-2, -1))"},
        shape=_channel_means, formula="mean(x, axis=(-2, -1))",
        kernel=lambda o, s: lambda x, out: np.mean(x, (-2, -1), out=out),
        latex=r"\mathrm{globalpool}\left(<0>\right)", label="global average pool",
        aliases=("pooling", "mean", "gap"), cases=(Case(((2, 2, 2, 3),)), Case(((2, 3, 2),))),
    ),
    _row(
        "upsample", "Pictures enlarged by whole factors: pixels repeated, or lines drawn between.",
        {"x": "upsample_adjoint(g, x, factor=factor, mode=mode)"},
        shape=pooling.enlarged, kernel=pooling.upsample, options=pooling.UPSAMPLE,
        formula="upsample(x, factor=factor, mode=mode)",
        latex=r"\mathrm{upsample}\left(<0>\right)", label="upsample",
        aliases=("enlarge", "nearest", "bilinear", "interpolate", "resize", "decoder"),
        cases=(
            Case(((1, 2, 2, 3),)), Case(((1, 2, 3),), {"factor": (1, 3)}),
            Case(((1, 2, 3, 2),), {"mode": "bilinear"}),
            Case(((2, 1, 3),), {"factor": (3, 2), "mode": "bilinear"}),
        ),
    ),
)  # fmt: skip
