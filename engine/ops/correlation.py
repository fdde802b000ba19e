"""Correlation with a window and its two gradients: the kernels of convolution, as matrix products.

With x N×C×H×W, w O×(C/groups)×kh×kw and y N×O×OH×OW, the sum over all entries of w, x and g
at the places where they meet is linear in each of the three. Its gradient by g is the correlation of
x with w, by x `input_gradient`, by w `weight_gradient`: so the derivative of any of them is another.

A chunk of the batch at a time is unrolled into columns (Chellapilla, Puri and Simard, 2006) that
stay in the cache while a matrix product reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from engine.ops.row import Array, Kernel
from engine.ops.windows import Pair, Slide, as_image, image_shape, like_image, pair, per_dtype
from engine.shapes import Options, Shape, ShapeError, Spec, shape_text

CHUNK = 160_000
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
    """Buffers for some pictures of the batch, their number being the last axis: so runs of memory
    are long even where pictures are small. `padded` and `inside` are input, with and without its
    border; `pictures` and, a matrix for each group, `product` are output."""

    rows: slice
    padded: Array
    inside: Array
    pictures: Array
    product: Array


@dataclass(frozen=True)
class _Geometry:
    """The sizes of one correlation, and its buffers."""

    slide: Slide
    axes: int
    batch: int
    channels: int
    size: Pair
    outputs: int
    groups: int
    places: Pair

    @property
    def window(self) -> int:
        return self.slide.window[0] * self.slide.window[1]

    @property
    def depth(self) -> int:
        """How many numbers of its group one output entry reads."""
        return self.channels // self.groups * self.window

    @property
    def area(self) -> int:
        return self.places[0] * self.places[1]

    def chunks(self, dtype: np.dtype[Any], each: int) -> Iterator[_Chunk]:
        """Chunks of as many pictures as go into the cache when each takes `each` numbers."""
        c, o, (oh, ow) = self.channels, self.outputs, self.places
        count = CHUNK // max(1, each)
        count = max(1, min(self.batch, count - count % 8 or count))
        images = {
            m: np.zeros((c, *self.slide.padded(self.size), m), dtype)
            for m in {min(count, self.batch), self.batch % count}
        }
        product = np.empty(count * o * self.area, dtype)
        for start in range(0, self.batch, count):
            m = min(count, self.batch - start)
            pictures = product[: m * o * self.area].reshape(o, oh, ow, m)
            yield _Chunk(
                slice(start, start + m), images[m], self.slide.inside(images[m], self.size, behind=True),
                pictures, pictures.reshape(self.groups, o // self.groups, self.area * m),
            )  # fmt: skip

    def unrolled(self, dtype: np.dtype[Any]) -> list[tuple[_Chunk, Array, Array, Array]]:
        """Each chunk with the windows of its input, the columns they are copied to, and these as
        a matrix for each group."""
        (kh, kw), (sh, sw), (dh, dw) = self.slide.window, self.slide.stride, self.slide.dilation
        each = self.channels * self.window * self.area
        chunks = list(self.chunks(dtype, each))
        most = max((c.pictures.shape[-1] for c in chunks), default=0)
        buffer = np.empty(most * each, dtype)
        result = []
        for chunk in chunks:
            m = chunk.pictures.shape[-1]
            columns = buffer[: m * each]
            entries = columns.reshape(self.channels, kh, kw, *self.places, m)
            c_, h_, w_, m_ = chunk.padded.strides
            steps = (c_, dh * h_, dw * w_, sh * h_, sw * w_, m_)
            windows = as_strided(chunk.padded, entries.shape, steps)
            if self.window == 1 and (sh, sw) == (1, 1):  # the input is its own columns
                entries = windows
                columns = chunk.padded
            result.append(
                (chunk, windows, entries, columns.reshape(self.groups, self.depth, self.area * m))
            )
        return result

    def by_entry(self, dtype: np.dtype[Any]) -> list[tuple[_Chunk, list[Array], Array, Array]]:
        """Each chunk with what each entry of the window sees of its input, a term of that shape,
        and this as a matrix for each group."""
        chunks = list(self.chunks(dtype, (self.channels + self.outputs) * self.area))
        most = max((c.pictures.shape[-1] for c in chunks), default=0)
        buffer = np.empty(most * self.channels * self.area, dtype)
        result = []
        for chunk in chunks:
            m = chunk.pictures.shape[-1]
            term = buffer[: m * self.channels * self.area]
            result.append((
                chunk, self.slide.entries(chunk.padded, self.places, behind=True),
                term.reshape(self.channels, *self.places, m),
                term.reshape(self.groups, self.channels // self.groups, self.area * m),
            ))  # fmt: skip
        return result

    def matrix(self, w: Array) -> Array:
        """The weights as one matrix for each group."""
        return w.reshape(self.groups, self.outputs // self.groups, self.depth)

    def image(self, array: Array) -> Array:
        """A batch with its number as the last axis, a view."""
        return as_image(array, self.axes).transpose(1, 2, 3, 0)


def _geometry(options: Options, x: Spec, w: Spec) -> _Geometry:
    axes = axes_of_weight(w)
    slide = slide_of(options, w, axes)
    n, c, *size = image_shape(x, axes)
    places = slide.places((size[0], size[1]))
    groups = groups_of(options, w)
    return _Geometry(slide, axes, n, c, (size[0], size[1]), w.shape[0], groups, places)


def forward(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, w, out)`: the correlation of x with w."""
    geometry = _geometry(options, *specs[:2])
    chunks = per_dtype(geometry.unrolled)

    def kernel(x: Any, w: Any, out: Any) -> None:
        matrix, images, result = geometry.matrix(w), geometry.image(x), geometry.image(out)
        for chunk, windows, entries, columns in chunks(out.dtype):
            np.copyto(chunk.inside, images[..., chunk.rows])
            if entries is not windows:
                np.copyto(entries, windows)
            np.matmul(matrix, columns, chunk.product)
            np.copyto(result[..., chunk.rows], chunk.pictures)

    return kernel


def transposed(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(g, w, like, out)`: the gradient by an input of the shape of `like`.

    One product for each entry of the window, added where that entry has been.
    """
    _, w, like = specs
    geometry = _geometry(options, like, w)
    chunks = per_dtype(geometry.by_entry)
    parts = (geometry.groups, w.shape[0] // geometry.groups, w.shape[1], geometry.window)
    times = np.multiply if parts[1] == 1 else np.matmul  # of a column and a row: much faster

    def kernel(g: Any, w: Any, like: Any, out: Any) -> None:
        matrices = np.ascontiguousarray(w.reshape(parts).transpose(3, 0, 2, 1))
        images, result = geometry.image(g), geometry.image(out)
        for chunk, entries, term, product in chunks(out.dtype):
            np.copyto(chunk.pictures, images[..., chunk.rows])
            chunk.padded.fill(0)
            for matrix, entry in zip(matrices, entries, strict=True):
                times(matrix, chunk.product, product)
                np.add(entry, term, entry)
            np.copyto(result[..., chunk.rows], chunk.inside)

    return kernel


def weight_gradient(options: Options, specs: tuple[Spec, ...]) -> Kernel:
    """`kernel(x, g, like, out)`: the gradient by weights of the shape of `like`."""
    x, _, like = specs
    geometry = _geometry(options, x, like)
    chunks = per_dtype(geometry.unrolled)

    def kernel(x: Any, g: Any, like: Any, out: Any) -> None:
        images, upstream = geometry.image(x), geometry.image(g)
        total = geometry.matrix(out).swapaxes(-1, -2)
        total.fill(0)
        for chunk, windows, entries, columns in chunks(out.dtype):
            np.copyto(chunk.inside, images[..., chunk.rows])
            if entries is not windows:
                np.copyto(entries, windows)
            np.copyto(chunk.pictures, upstream[..., chunk.rows])
            # this way round: BLAS is slower with the few rows of g on the left
            total += columns @ chunk.product.swapaxes(-1, -2)

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
