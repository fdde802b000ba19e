"""Pooling and its gradients, and the enlarging of pictures: kernels and shape rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.ops.row import Array, Binder, Case, Domain, Kernel, Option
from engine.ops.windows import (
    PADDING,
    Slide,
    as_image,
    image_shape,
    like_image,
    pair,
    per_dtype,
)
from engine.shapes import Options, Shape, ShapeError, ShapeRule, Spec, shape_text

OPTIONS = (
    Option("window", 2, "shape", "The window's size; a number, or one an axis."),
    Option("stride", 0, "shape", "How far the window moves; 0 is the window's size."),
    PADDING,
)
AXES = Option("axes", 2, "int", "How many spatial axes there are.")
UPSAMPLE = (
    Option("factor", 2, "shape", "How many times larger; a number, or one an axis."),
    Option("mode", "nearest", "choice", "nearest repeats, bilinear draws lines between.",
           ("nearest", "bilinear")),
)  # fmt: skip

DOMAIN = {"x": Domain(-9.0, 9.0)}  # room for many entries without a tie
CASES_2D = (
    Case(((1, 2, 4, 4),)), Case(((2, 5, 4),), {"window": (3, 2), "stride": (1, 2)}),
    Case(((1, 1, 4, 5),), {"window": 3, "stride": 2, "padding": 1}),
)  # fmt: skip
CASES_1D = (
    Case(((2, 2, 4),)), Case(((2, 5),), {"window": 3, "stride": 1}),
    Case(((1, 1, 6),), {"window": (3,), "stride": 2, "padding": 1}),
)  # fmt: skip


def _slide(options: Options, axes: int) -> Slide:
    window = pair(options, "window", axes)
    stride = pair(options, "stride", axes) if options["stride"] else window
    slide = Slide(window, stride, pair(options, "padding", axes))
    if any(2 * p > k for p, k in zip(slide.padding, window, strict=True)):
        raise ShapeError("the padding is more than half the window", "make the padding smaller")
    return slide


def _pooled(options: Options, x: Spec, axes: int) -> Spec:
    _, c, *size = image_shape(x, axes)
    places = _slide(options, axes).places((size[0], size[1]))
    return Spec(like_image(x, c, places, axes), x.kind)


def shape_of(axes: int) -> ShapeRule:
    """The shape rule of pooling over so many spatial axes."""
    return lambda options, x: Spec(_pooled(options, x, axes).shape)


def unpooled(options: Options, g: Spec, *others: Spec) -> Spec:
    """The shape of a gradient by what was pooled, the first operand behind `g`."""
    expected = _pooled(options, others[0], options.get("axes", 2))
    if g.shape != expected.shape:
        raise ShapeError(
            f"the gradient {shape_text(g.shape)} is not of the result's {shape_text(expected.shape)}"
        )
    return Spec(others[0].shape)


def picked_shape(options: Options, h: Spec, *others: Spec) -> Spec:
    """The shape of what is picked at the largest entries."""
    return Spec(_pooled(options, h, options["axes"]).shape)


class _Pool:
    """The views a pooling needs: each entry of the window, at every place, in one padded buffer.

    Without padding the operand is its own buffer.
    """

    def __init__(self, options: Options, x: Spec, axes: int) -> None:
        self.slide, self.axes = _slide(options, axes), axes
        n, c, h, w = image_shape(x, axes)
        self.size, self.places = (h, w), self.slide.places((h, w))
        self._shape = (n, c, *self.slide.padded((h, w)))
        self._is_padded = self.slide.padding != (0, 0)
        self._buffers = per_dtype(lambda dtype: np.empty(self._shape, dtype))
        stride, window = self.slide.stride, self.slide.window
        self.is_apart = all(s >= k for s, k in zip(stride, window, strict=True))

    def image(self, array: Array) -> Array:
        return as_image(array, self.axes)

    def entries(self, array: Array, fill: float, dtype: Any) -> list[Array]:
        """Views of the operand, `fill` around it where it is padded."""
        image = self.image(array)
        if self._is_padded:
            buffer = self._buffers(dtype)
            buffer.fill(fill)
            np.copyto(self.slide.inside(buffer, self.size), image)
            image = buffer
        return self.slide.entries(image, self.places)

    def summed(self, out: Array) -> tuple[Array, list[Array]]:
        """A cleared buffer for a gradient, and its views; `settle` copies it to `out`."""
        buffer = self._buffers(out.dtype) if self._is_padded else self.image(out)
        buffer.fill(0)
        return buffer, self.slide.entries(buffer, self.places)

    def settle(self, buffer: Array, out: Array) -> None:
        if self._is_padded:
            np.copyto(self.image(out), self.slide.inside(buffer, self.size))


def largest(axes: int) -> Binder:
    """`kernel(x, out)`: the largest entry of each window."""

    def bind(options: Options, specs: tuple[Spec, ...]) -> Kernel:
        pool = _Pool(options, specs[0], axes)

        def kernel(x: Any, out: Any) -> None:
            result = pool.image(out)
            first, *others = pool.entries(x, -np.inf, out.dtype)
            np.copyto(result, first)
            for entry in others:
                np.maximum(result, entry, out=result)

        return kernel

    return bind


def _firsts(
    entries: list[Array], top: Array, act: Callable[[int, Array], None], scratch: Array
) -> None:
    """Calls `act(entry's number, where it is the first largest one)` for each entry."""
    left, here = scratch
    left.fill(True)
    for k, entry in enumerate(entries):
        np.equal(entry, top, here)
        np.logical_and(here, left, here)
        if k + 1 < len(entries):
            np.greater(left, here, left)
        act(k, here)


def unpool_largest(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(g, x, top, out)`: the gradient at the first largest entry of each window."""
    g, x, _ = specs
    axes = options["axes"]
    pool, into = _Pool(options, x, axes), _Pool(options, x, axes)
    scratch = np.empty((2, *as_image(np.broadcast_to(0, g.shape), axes).shape), np.bool_)
    terms = per_dtype(lambda dtype: np.empty(scratch.shape[1:], dtype))

    def kernel(g: Any, x: Any, top: Any, out: Any) -> None:
        upstream = pool.image(g)
        buffer, targets = into.summed(out)
        term = terms(out.dtype)

        def act(k: int, here: Array) -> None:
            if pool.is_apart:
                np.multiply(upstream, here, targets[k])
            else:
                np.multiply(upstream, here, term)
                np.add(targets[k], term, targets[k])

        _firsts(pool.entries(x, -np.inf, out.dtype), pool.image(top), act, scratch)
        into.settle(buffer, out)

    return kernel


def pick_largest(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(h, x, top, out)`: the entries of h where x has the first largest of a window."""
    h, x, top = specs
    axes = options["axes"]
    pool, other = _Pool(options, x, axes), _Pool(options, h, axes)
    scratch = np.empty((2, *as_image(np.broadcast_to(0, top.shape), axes).shape), np.bool_)

    def kernel(h: Any, x: Any, top: Any, out: Any) -> None:
        result, given = pool.image(out), other.entries(h, 0.0, out.dtype)
        result.fill(0)

        def act(k: int, here: Array) -> None:
            np.copyto(result, given[k], where=here)

        _firsts(pool.entries(x, -np.inf, out.dtype), pool.image(top), act, scratch)

    return kernel


def average(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, out)`: the mean of each window."""
    pool = _Pool(options, specs[0], 2)
    count = float(np.prod(pool.slide.window))

    def kernel(x: Any, out: Any) -> None:
        result = pool.image(out)
        first, *others = pool.entries(x, 0.0, out.dtype)
        np.copyto(result, first)
        for entry in others:
            np.add(result, entry, result)
        np.true_divide(result, count, result)

    return kernel


def unpool_average(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(g, like, out)`: each entry's share of the gradients of the windows it is in."""
    pool = _Pool(options, specs[1], 2)
    count = float(np.prod(pool.slide.window))

    def kernel(g: Any, like: Any, out: Any) -> None:
        share = np.true_divide(pool.image(g), count)
        buffer, targets = pool.summed(out)
        for target in targets:
            if pool.is_apart:
                np.copyto(target, share)
            else:
                np.add(target, share, target)
        pool.settle(buffer, out)

    return kernel


# ---------------------------------------------------------------- enlarging


def enlarged(options: Options, x: Spec) -> Spec:
    _, c, h, w = image_shape(x, 2)
    fh, fw = pair(options, "factor", 2)
    if not h * w:
        raise ShapeError("a picture without pixels cannot be enlarged", "give at least one pixel")
    return Spec(like_image(x, c, (h * fh, w * fw), 2))


def shrunk(options: Options, g: Spec, like: Spec) -> Spec:
    expected = enlarged(options, like)
    if g.shape != expected.shape:
        raise ShapeError(
            f"the gradient {shape_text(g.shape)} is not of the result's {shape_text(expected.shape)}"
        )
    return Spec(like.shape)


def _places(size: int, factor: int) -> tuple[Array, Array, Array]:
    """Between which two entries of an axis each entry of the longer one lies, and how far along.

    Pixels are areas: the middle of pixel k lies at (k + 0.5) / factor - 0.5 of the input.
    """
    place = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    low = place.astype(np.int64)
    return low, np.minimum(low + 1, size - 1), place - low


def _axes(options: Options, x: Spec) -> list[tuple[int, int, int]]:
    """(axis, its size, its factor) for both spatial axes."""
    factors = pair(options, "factor", 2)
    return [(axis, x.shape[axis], f) for axis, f in zip((-2, -1), factors, strict=True)]


def _blocks(options: Options, x: Spec) -> Shape:
    """The enlarged shape with each factor on an axis of its own."""
    (_, h, fh), (_, w, fw) = _axes(options, x)
    return (*x.shape[:-2], h, fh, w, fw)


def upsample(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, out)`: pixels repeated, or weighted means of the two nearest along each axis."""
    blocks = _blocks(options, specs[0])
    if options["mode"] == "nearest":
        return lambda x, out: np.copyto(out.reshape(blocks), x[..., :, None, :, None])
    lines = [(axis, _places(size, factor)) for axis, size, factor in _axes(options, specs[0])]

    def kernel(x: Any, out: Any) -> None:
        for axis, (low, high, along) in lines:
            part = along.astype(out.dtype) if axis == -1 else along.astype(out.dtype)[:, None]
            x = x.take(low, axis) * (1 - part) + x.take(high, axis) * part
        out[...] = x

    return kernel


def upsample_adjoint(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(g, like, out)`: the gradient by what was enlarged."""
    blocks = _blocks(options, specs[1])
    if options["mode"] == "nearest":
        return lambda g, like, out: np.sum(g.reshape(blocks), (-3, -1), out=out)
    matrices = []
    for _, size, factor in _axes(options, specs[1]):
        low, high, along = _places(size, factor)
        matrix = np.zeros((size * factor, size))
        np.add.at(matrix, (np.arange(size * factor), low), 1 - along)
        np.add.at(matrix, (np.arange(size * factor), high), along)
        matrices.append(matrix)
    of = per_dtype(lambda dtype: (matrices[0].T.astype(dtype), matrices[1].astype(dtype)))

    def kernel(g: Any, like: Any, out: Any) -> None:
        rows, columns = of(out.dtype)
        np.matmul(rows, np.matmul(g, columns), out)

    return kernel
