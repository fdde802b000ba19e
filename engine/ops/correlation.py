"""Correlation with a window and its two gradients: the kernels of convolution, as matrix products.

With x N×C×H×W, w O×(C/groups)×kh×kw and y N×O×OH×OW, the sum over all entries of w, x and g
at the places where they meet is linear in each of the three. Its gradient by g is the correlation of
x with w, by x `input_gradient`, by w `weight_gradient`: so the derivative of any of them is another.

A chunk of the batch at a time is unrolled into columns (Chellapilla, Puri and Simard, 2006) that
stay in the cache while a matrix product reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from engine.ops.row import Array, Kernel
from engine.ops.windows import Slide, as_image, image_shape, like_image, pair, per_dtype
from engine.shapes import Options, Shape, ShapeError, Spec, shape_text

CHUNK = 2**18
"""How many numbers a chunk's columns hold: about what the second cache takes."""


def axes_of_weight(w: Spec) -> int:
    """The number of spatial axes. Raises ShapeError unless it is 1 or 2."""
    if w.rank not in (3, 4):
        raise ShapeError(
            f"weights are out×in×kh×kw for pictures or out×in×k for series, not {shape_text(w.shape)}"
        )
    return w.rank - 2


def slide_of(options: Options, w: Spec, axes: int) -> Slide:
    window = w.shape[2:] if axes == 2 else (1, w.shape[2])
    steps = (pair(options, name, axes) for name in ("stride", "padding", "dilation"))
    return Slide((window[0], window[1]), *steps)


def groups_of(options: Options, w: Spec) -> int:
    groups = options["groups"]
    if not isinstance(groups, int) or groups < 1:
        raise ShapeError(f"groups is a whole number of 1 or more, not {groups!r}")
    if 0 in w.shape:
        raise ShapeError("weights without entries see nothing", "give every size at least 1")
    if w.shape[0] % groups:
        raise ShapeError(f"{w.shape[0]} output channels cannot be parted into {groups} groups")
    return groups


def correlated(options: Options, x: Spec, w: Spec) -> Spec:
    """The shape of the correlation of x with w."""
    axes = axes_of_weight(w)
    _, c, *size = image_shape(x, axes)
    groups = groups_of(options, w)
    if c != w.shape[1] * groups:
        raise ShapeError(
            f"the input has {c} channels and weights {shape_text(w.shape)} in {groups} "
            f"groups take {w.shape[1] * groups}",
            "the weights' second size is the input's channels over groups",
        )
    places = slide_of(options, w, axes).places((size[0], size[1]))
    return Spec(like_image(x, w.shape[0], places, axes))


@dataclass(frozen=True)
class _Chunk:
    """Buffers for some pictures of the batch. `columns` and `product` are seen by the copies as
    pictures and by the matrix product as matrices, one a group."""

    rows: slice
    padded: Array
    inside: Array
    windows: Array
    entries: Array
    columns: Array
    pictures: Array
    product: Array


@dataclass(frozen=True)
class _Geometry:
    """The sizes of one correlation, and its buffers."""

    slide: Slide
    axes: int
    batch: int
    channels: int
    size: tuple[int, int]
    outputs: int
    groups: int
    places: tuple[int, int]

    @property
    def depth(self) -> int:
        """How many numbers of a group one output entry reads."""
        kh, kw = self.slide.window
        return self.channels // self.groups * kh * kw

    def chunks(self, dtype: np.dtype[Any]) -> list[_Chunk]:
        area = self.places[0] * self.places[1]
        each = max(1, self.depth * self.groups * area)
        count = min(self.batch, max(1, CHUNK // each))
        (kh, kw), (oh, ow), c, o = self.slide.window, self.places, self.channels, self.outputs
        padded = np.zeros((count, c, *self.slide.padded(self.size)), dtype)
        columns = np.empty(count * each, dtype)
        product = np.empty(count * o * area, dtype)
        (sh, sw), (dh, dw) = self.slide.stride, self.slide.dilation
        n_, c_, h_, w_ = padded.strides
        result = []
        for start in range(0, self.batch, max(1, count)):
            m = min(count, self.batch - start)
            part = padded[:m]
            entries = columns[: m * each].reshape(c, kh, kw, m, oh, ow)
            pictures = product[: m * o * area].reshape(o, m, oh, ow)
            windows = as_strided(part, entries.shape, (c_, dh * h_, dw * w_, n_, sh * h_, sw * w_))
            result.append(_Chunk(
                slice(start, start + m), part, self.slide.inside(part, self.size), windows,
                entries, entries.reshape(self.groups, self.depth, m * area),
                pictures.transpose(1, 0, 2, 3),
                pictures.reshape(self.groups, o // self.groups, m * area),
            ))  # fmt: skip
        return result

    def matrix(self, w: Array) -> Array:
        """The weights as one matrix a group."""
        return w.reshape(self.groups, self.outputs // self.groups, self.depth)

    def image(self, array: Array) -> Array:
        return as_image(array, self.axes)


def _geometry(options: Options, x: Spec, w: Spec) -> _Geometry:
    axes = axes_of_weight(w)
    slide = slide_of(options, w, axes)
    n, c, *size = image_shape(x, axes)
    places = slide.places((size[0], size[1]))
    return _Geometry(
        slide, axes, n, c, (size[0], size[1]), w.shape[0], groups_of(options, w), places
    )


def forward(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, w, out)`: the correlation of x with w."""
    geometry = _geometry(options, *specs[:2])
    chunks = per_dtype(geometry.chunks)

    def kernel(x: Any, w: Any, out: Any) -> None:
        matrix, images, result = geometry.matrix(w), geometry.image(x), geometry.image(out)
        for chunk in chunks(out.dtype):
            np.copyto(chunk.inside, images[chunk.rows])
            np.copyto(chunk.entries, chunk.windows)
            np.matmul(matrix, chunk.columns, chunk.product)
            np.copyto(result[chunk.rows], chunk.pictures)

    return kernel


def transposed(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(g, w, like, out)`: the gradient by an input of the shape of `like`."""
    _, w, like = specs
    geometry = _geometry(options, like, w)
    slide, places = geometry.slide, geometry.places

    def make(dtype: np.dtype[Any]) -> list[tuple[_Chunk, list[tuple[Array, Array]]]]:
        kh, kw = slide.window
        return [
            (c, [(slide.entry(c.padded, i, j, places), c.entries[:, i, j].swapaxes(0, 1))
                 for i in range(kh) for j in range(kw)])
            for c in geometry.chunks(dtype)
        ]  # fmt: skip

    prepared = per_dtype(make)

    def kernel(g: Any, w: Any, like: Any, out: Any) -> None:
        matrix = geometry.matrix(w).swapaxes(-1, -2)
        images, result = geometry.image(g), geometry.image(out)
        for chunk, sums in prepared(out.dtype):
            np.copyto(chunk.pictures, images[chunk.rows])
            np.matmul(matrix, chunk.product, chunk.columns)
            chunk.padded.fill(0)
            for seen, term in sums:
                np.add(seen, term, seen)
            np.copyto(result[chunk.rows], chunk.inside)

    return kernel


def weight_gradient(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, g, like, out)`: the gradient by weights of the shape of `like`."""
    x, _, like = specs
    geometry = _geometry(options, x, like)
    chunks = per_dtype(geometry.chunks)

    def kernel(x: Any, g: Any, like: Any, out: Any) -> None:
        images, upstream = geometry.image(x), geometry.image(g)
        total = geometry.matrix(out)
        total.fill(0)
        for chunk in chunks(out.dtype):
            np.copyto(chunk.inside, images[chunk.rows])
            np.copyto(chunk.entries, chunk.windows)
            np.copyto(chunk.pictures, upstream[chunk.rows])
            total += np.matmul(chunk.product, chunk.columns.swapaxes(-1, -2))

    return kernel


def transposed_shape(options: Options, x: Spec, w: Spec) -> Spec:
    """The shape of the transposed convolution of x with w."""
    axes = axes_of_weight(w)
    _, c, *size = image_shape(x, axes)
    groups = groups_of(options, w)
    if c != w.shape[0]:
        raise ShapeError(
            f"the input has {c} channels and weights {shape_text(w.shape)} take {w.shape[0]}",
            "the first size of transposed weights is the input's channels",
        )
    if 0 in size:
        raise ShapeError("there are no pixels to stamp", "give pictures of at least one pixel")
    slide, extra = slide_of(options, w, axes), pair(options, "output_padding", axes)
    if any(e and e >= s for e, s in zip(extra, slide.stride, strict=True)):
        raise ShapeError(
            f"output_padding {options['output_padding']!r} is not below the stride", "lower it"
        )
    sides = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + e
        for n, s, p, d, k, e in zip(
            size, slide.stride, slide.padding, slide.dilation, slide.window, extra, strict=True
        )
    ]
    if min(sides) < 1:
        raise ShapeError("nothing is left of the result", "make the padding smaller")
    return Spec(like_image(x, w.shape[1] * groups, (sides[0], sides[1]), axes))


def transposed_convolution(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, w, out)`: what `transposed` gives for a shape that options settle."""
    inner = transposed(options, (*specs, transposed_shape(options, *specs)))
    return lambda x, w, out: inner(x, w, None, out)


def input_shape(options: Options, g: Spec, w: Spec, like: Spec) -> Spec:
    _same(g, correlated(options, like, w))
    return Spec(like.shape)


def weight_shape(options: Options, x: Spec, g: Spec, like: Spec) -> Spec:
    _same(g, correlated(options, x, like))
    return Spec(like.shape)


def _same(g: Spec, expected: Spec) -> None:
    if g.shape != expected.shape:
        raise ShapeError(
            f"the gradient {shape_text(g.shape)} is not of the result's {shape_text(expected.shape)}"
        )


def checked_window(w: Spec) -> Spec:
    """The weights of pictures, or ShapeError."""
    if w.rank < 2:
        raise ShapeError(f"weights {shape_text(w.shape)} have no window", "give out×in×kh×kw")
    return w


def mask_of(kind: str, window: Shape) -> Array:
    """1 above the window's centre and left of it in its row; at the centre for kind B alone."""
    kh, kw = window
    mask = np.arange(kh * kw) < kh // 2 * kw + kw // 2 + (kind == "B")
    return mask.reshape(kh, kw)


def causal(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    mask = mask_of(options["type"], specs[0].shape[-2:])

    def kernel(w: Any, out: Any) -> None:
        out.fill(0)
        np.copyto(out, w, where=mask)

    return kernel


def masked(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, w, out)`: as `forward`, the weights masked."""
    inner, hide = forward(options, specs), causal(options, specs[1:])
    weights = per_dtype(lambda dtype: np.empty(specs[1].shape, dtype))

    def kernel(x: Any, w: Any, out: Any) -> None:
        seen = weights(out.dtype)
        hide(w, seen)
        inner(x, seen, out)

    return kernel
