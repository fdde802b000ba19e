"""Means and deviations along a row or over a channel: kernels and shape rules of normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.row import Kernel, Option
from engine.shapes import Options, ShapeError, Spec, shape_text

OVER = Option(
    "over", "row", "choice", "row: the last axis; channel: all axes but the second.",
    ("row", "channel"),
)  # fmt: skip
EPS = Option("eps", 1e-5, "float", "Added to the variance, so that equal entries divide by no 0.")
GROUPS = Option("groups", 1, "int", "Into how many groups the channels are parted.")


def axes_but_channels(x: Spec) -> tuple[int, ...]:
    """The axes that are no channels: there may be nothing along them. Raises ShapeError."""
    if x.rank < 2:
        raise ShapeError(
            f"{shape_text(x.shape)} has no channels", "give it as batch×channels or N×C×H×W"
        )
    return (0, *range(2, x.rank))


def axes_over(options: Options, x: Spec) -> tuple[int, ...]:
    """The axes that are averaged away. Raises ShapeError."""
    if options["over"] == "row":
        if x.rank < 1:
            raise ShapeError("a single number has no mean and deviation", "give a row of them")
        axes: tuple[int, ...] = (x.rank - 1,)
    else:
        axes = axes_but_channels(x)
    if any(x.shape[a] == 0 for a in axes):
        raise ShapeError("there is no mean of no entries", "give at least one")
    return axes


def _eps(options: Options) -> float:
    eps = float(options["eps"])
    if not 0 <= eps < np.inf:
        raise ShapeError(f"eps is {eps:g}", "give a small number of 0 or more")
    return eps


def kept(options: Options, x: Spec) -> Spec:
    """The shape of a mean that keeps its axes with size 1."""
    axes = axes_over(options, x)
    return Spec(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def kept_with_eps(options: Options, x: Spec) -> Spec:
    _eps(options)
    return kept(options, x)


def same_with_eps(options: Options, x: Spec) -> Spec:
    _eps(options)
    axes_over(options, x)
    return Spec(x.shape)


def centre(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, out)`: the mean, axes kept."""
    axes = axes_over(options, specs[0])
    return lambda x, out: np.mean(x, axes, out=out, keepdims=True)


def spread_mean(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(g, like, out)`: the gradient of a mean at each entry."""
    count = _count(options, specs[1])
    return lambda g, like, out: np.true_divide(g, count, out)


def _count(options: Options, x: Spec) -> float:
    return float(np.prod([x.shape[a] for a in axes_over(options, x)]))


def standardize(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, out)`: (x - mean) / sqrt(variance + eps), the variance by the centred entries."""
    axes, eps, count = axes_over(options, specs[0]), _eps(options), _count(options, specs[0])

    def kernel(x: Any, out: Any) -> None:
        np.subtract(x, np.mean(x, axes, keepdims=True), out)
        variance = np.add.reduce(np.square(out), axes, keepdims=True) / out.dtype.type(count)
        np.true_divide(out, np.sqrt(variance + out.dtype.type(eps)), out)

    return kernel


def inverse_deviation(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, out)`: 1 / sqrt(variance + eps), axes kept."""
    axes, eps = axes_over(options, specs[0]), _eps(options)

    def kernel(x: Any, out: Any) -> None:
        np.add(np.var(x, axes, keepdims=True), eps, out)
        np.true_divide(1.0, np.sqrt(out, out), out)

    return kernel


def sample_variance(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, out)`: each channel's variance with n - 1 below; of a single entry, 0."""
    axes = axes_over({"over": "channel"}, specs[0])
    few = max(_count({"over": "channel"}, specs[0]) - 1, 1.0)

    def kernel(x: Any, out: Any) -> None:
        centred = x - np.mean(x, axes, keepdims=True)
        np.true_divide(np.add.reduce(np.square(centred), axes), few, out)

    return kernel


def channel_vector(options: Options, x: Spec) -> Spec:
    """A number for each channel."""
    axes_over({"over": "channel"}, x)
    return Spec((x.shape[1],))


def channel_total(options: Options, x: Spec) -> Spec:
    """A number for each channel, also of no entries."""
    axes_but_channels(x)
    return Spec((x.shape[1],))


def channel_mean(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axes = axes_over({"over": "channel"}, specs[0])
    return lambda x, out: np.mean(x, axes, out=out)


def channel_sum(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    axes = (0, *range(2, specs[0].rank))
    return lambda x, out: np.add.reduce(x, axes, None, out)


def per_channel(options: Options, v: Spec, like: Spec) -> Spec:
    """The shape in which a number for each channel broadcasts along `like`."""
    if like.rank < 2 or v.shape != (like.shape[1],):
        raise ShapeError(
            f"{shape_text(v.shape)} is not one number for each channel of {shape_text(like.shape)}"
        )
    return Spec((v.shape[0], *(1,) * (like.rank - 2)))


def grouped(options: Options, x: Spec) -> Spec:
    """Batch×groups×entries. Raises ShapeError when the channels do not part evenly."""
    if x.rank < 2:
        raise ShapeError(f"{shape_text(x.shape)} has no channels", "give it as N×C×H×W")
    groups = options["groups"]
    if groups < 1 or x.shape[1] % groups:
        raise ShapeError(
            f"{x.shape[1]} channels cannot be parted into {groups} groups",
            "choose a number that divides them",
        )
    each = Spec((x.shape[1] // groups, *x.shape[2:])).size
    return Spec((x.shape[0], groups, each))


def row_shape(options: Options, x: Spec, gain: Spec, bias: Spec) -> Spec:
    """The rule of layer_norm."""
    same_with_eps({**options, "over": "row"}, x)
    _one_each("entry of a row", x.shape[-1], gain, bias)
    return Spec(x.shape)


def group_shape(options: Options, x: Spec, gain: Spec, bias: Spec) -> Spec:
    """The rule of group_norm."""
    same_with_eps({**options, "over": "row"}, grouped(options, x))
    _one_each("channel", x.shape[1], gain, bias)
    return Spec(x.shape)


def batch_shape(options: Options, x: Spec, *vectors: Spec) -> Spec:
    """The rule of batch_norm."""
    same_with_eps({**options, "over": "channel"}, x)
    _one_each("channel", x.shape[1], *vectors)
    if not 0 <= options["momentum"] <= 1:
        raise ShapeError(f"momentum is {options['momentum']:g}", "give a share from 0 to 1")
    return Spec(x.shape)


def _one_each(what: str, count: int, *vectors: Spec) -> None:
    for vector in vectors:
        if vector.shape != (count,):
            raise ShapeError(
                f"{shape_text(vector.shape)} is not one number for each {what}",
                f"give a vector of {count}",
            )
