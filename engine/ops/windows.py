"""Windows that slide over pictures and series: their sizes, and workspaces kept between runs.

Everything inside has two spatial axes, N×C×H×W; a series is a picture of height 1 and a picture
without a batch a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.ops.row import Array, Option
from engine.shapes import Options, Shape, ShapeError, Spec, shape_text

Pair = tuple[int, int]

STRIDE = Option("stride", 1, "shape", "How far the window moves; a number, or one an axis.")
PADDING = Option("padding", 0, "shape", "Zeros put around each side; a number, or one an axis.")
DILATION = Option("dilation", 1, "shape", "How far apart the window's entries stand.")

_LEAST = {"window": 1, "stride": 1, "padding": 0, "dilation": 1, "output_padding": 0, "factor": 1}


def pair(options: Options, name: str, axes: int) -> Pair:
    """An option for `axes` spatial axes as two numbers. Raises ShapeError."""
    value, least = options[name], _LEAST[name]
    given = value if isinstance(value, tuple) else (value,)
    if len(given) == 1:
        given *= axes
    if len(given) != axes or not all(isinstance(n, int) and n >= least for n in given):
        each = "" if axes == 1 else f", or {axes} of them"
        raise ShapeError(f"{name} is a whole number of {least} or more{each}, not {value!r}")
    return given if axes == 2 else (least, given[0])


@dataclass(frozen=True)
class Slide:
    """A window and how it goes over two spatial axes.

    They are the last two of a buffer, or with `behind` the last but one axis: C×H×W×N.
    """

    window: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)

    def places(self, size: Shape) -> Pair:
        """At how many places it stands on an input of this size. Raises ShapeError."""
        counts = []
        for n, k, s, p, d in zip(
            size, self.window, self.stride, self.padding, self.dilation, strict=True
        ):
            reach = d * (k - 1) + 1
            if k < 1 or n + 2 * p < reach:
                raise ShapeError(
                    f"a window that reaches over {reach} does not fit into {n} with a padding of {p}",
                    "make the window smaller or the padding larger",
                )
            counts.append((n + 2 * p - reach) // s + 1)
        return counts[0], counts[1]

    def padded(self, size: Shape) -> Pair:
        return size[0] + 2 * self.padding[0], size[1] + 2 * self.padding[1]

    def inside(self, padded: Array, size: Shape, behind: bool = False) -> Array:
        """The input's own place in its padded buffer."""
        (ph, pw), (h, w) = self.padding, size
        place = (..., slice(ph, ph + h), slice(pw, pw + w))
        return padded[(*place, slice(None)) if behind else place]

    def entries(self, padded: Array, places: Pair, behind: bool = False) -> list[Array]:
        """What each entry of the window, row by row, sees at every place: views of the input."""
        (kh, kw), (sh, sw), (dh, dw), (oh, ow) = self.window, self.stride, self.dilation, places
        rows = [slice(i * dh, i * dh + (oh - 1) * sh + 1, sh) for i in range(kh)]
        columns = [slice(j * dw, j * dw + (ow - 1) * sw + 1, sw) for j in range(kw)]
        rest = (slice(None),) if behind else ()
        return [padded[(..., r, c, *rest)] for r in rows for c in columns]


def image_shape(x: Spec, axes: int) -> tuple[int, int, int, int]:
    """A value's shape as N×C×H×W. Raises ShapeError unless it has `axes` spatial axes."""
    if x.rank not in (axes + 1, axes + 2):
        layout = "N×C×H×W" if axes == 2 else "N×C×L"
        thing = "pictures" if axes == 2 else "series"
        raise ShapeError(
            f"{shape_text(x.shape)} is no batch of {thing} {layout}",
            f"reshape it to {axes + 2} axes, or to {axes + 1} for a single one",
        )
    n = x.shape[0] if x.rank == axes + 2 else 1
    c = x.shape[-axes - 1]
    h = x.shape[-2] if axes == 2 else 1
    return n, c, h, x.shape[-1]


def as_image(array: Array, axes: int) -> Array:
    """The array as N×C×H×W, a view whatever its strides."""
    if axes == 1:
        array = array[..., None, :]
    return array if array.ndim == 4 else array[None]


def like_image(x: Spec, c: int, places: Pair, axes: int) -> Shape:
    """The shape of a result with `c` channels, batched or not as `x` is."""
    return (*x.shape[: x.rank - axes - 1], c, *places[2 - axes :])


def per_dtype(make: Callable[[np.dtype[Any]], Any]) -> Callable[[Any], Any]:
    """`make(dtype)`, called once for each: buffers that a kernel keeps between its runs."""
    made: dict[Any, Any] = {}

    def get(dtype: Any) -> Any:
        known = made.get(dtype)
        if known is None:
            known = made[dtype] = make(dtype)
        return known

    return get
