"""Numbers for viewers: a plane of a tensor, statistics, thinned series, scales and text to copy."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from app.text import tr
from engine.ops.row import Array

COUNTED = 2_000_000
"""Statistics of more entries than these are those of so many drawn at random."""
MANY = 100_000


# ------------------------------------------------------------ planes


@dataclass(frozen=True)
class Plane:
    """A matrix out of a tensor, and where its entries stand in it.

    `rows` and `columns` are the axes that run down and across, None where there is none; `at` has an
    index for every other axis.
    """

    numbers: Array
    rank: int
    rows: int | None
    columns: int | None
    at: tuple[int, ...]

    def place(self, row: int, column: int) -> tuple[int, ...]:
        """The index of an entry of the plane in the tensor."""
        others = iter(self.at)
        return tuple(
            row if axis == self.rows else column if axis == self.columns else next(others)
            for axis in range(self.rank)
        )


def axis_pairs(rank: int) -> list[tuple[int, int]]:
    """Which axes can run down and across, the last two first; one that is later runs across."""
    return sorted(combinations(range(rank), 2), reverse=True)


def plane(
    array: Array, axes: tuple[int, int] | None = None, at: Sequence[int] = (), flat: bool = False
) -> Plane:
    """The matrix that `axes` of a tensor make at the indices `at` of the others, in their order.

    Indices are brought into their range. A vector runs down, or across when `flat`.
    """
    if array.ndim == 0:
        return Plane(array.reshape(1, 1), 0, None, None, ())
    if array.ndim == 1:
        if flat:
            return Plane(array[None, :], 1, None, 0, ())
        return Plane(array[:, None], 1, 0, None, ())
    down, across = axes if axes in axis_pairs(array.ndim) else axis_pairs(array.ndim)[0]
    others = [axis for axis in range(array.ndim) if axis not in (down, across)]
    wanted = [*at, *[0] * len(others)]
    fixed = tuple(
        min(max(wanted[i], 0), max(array.shape[axis] - 1, 0)) for i, axis in enumerate(others)
    )
    if any(array.shape[axis] == 0 for axis in others):
        numbers = np.zeros((0, 0), array.dtype)
    else:
        key: list[slice | int] = [slice(None)] * array.ndim
        for axis, number in zip(others, fixed, strict=True):
            key[axis] = number
        numbers = array[tuple(key)]
    return Plane(numbers, array.ndim, down, across, fixed)


# ------------------------------------------------------------ statistics


@dataclass(frozen=True)
class Statistics:
    """Of the `finite` entries of an array; `counted` says of how many entries they are."""

    count: int
    counted: int
    mean: float
    deviation: float
    quartiles: tuple[float, float, float, float, float]
    zeros: float
    not_a_number: int
    infinite: int
    finite: Array = field(repr=False, compare=False)

    @classmethod
    def of(cls, array: Array) -> Statistics:
        """The deviation is that of all entries (divided by n); `zeros` is a share of all entries.

        `quartiles` are least, lower, median, upper and largest, interpolated linearly.
        """
        some = array.reshape(-1)
        if some.size > COUNTED:  # every n-th could be all of one column
            some = some[np.random.default_rng(0).integers(0, some.size, COUNTED)]
        some = some.astype(np.float64)
        finite = finite_of(some)
        nans = int(np.count_nonzero(np.isnan(some))) if finite.size < some.size else 0
        five = np.quantile(finite, (0, 0.25, 0.5, 0.75, 1)) if finite.size else np.full(5, math.nan)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(finite.mean()) if finite.size else math.nan
            deviation = float(finite.std()) if finite.size else math.nan
        zeros = np.count_nonzero(some == 0) / some.size if some.size else math.nan
        low, lower, median, upper, high = (float(v) for v in five)
        return cls(
            array.size, some.size, mean, deviation, (low, lower, median, upper, high), zeros, nans,
            some.size - finite.size - nans, finite,
        )  # fmt: skip


def finite_of(array: Array) -> Array:
    """The finite entries, flat and in float64."""
    numbers = array.reshape(-1).astype(np.float64)
    good = np.isfinite(numbers)
    return numbers if good.all() else numbers[good]


def not_finite_text(nans: int, infinite: int) -> str:
    """How many entries are no numbers, in words; empty where all are."""
    told = [f"{nans:,} NaN"] if nans else []
    if infinite:
        told.append(tr("{count} infinite").format(count=f"{infinite:,}"))
    return ", ".join(told)


@dataclass(frozen=True)
class Survey:
    """How far the finite entries of an array reach, None where there are none, and how many are not."""

    reach: tuple[float, float] | None
    not_a_number: int = 0
    infinite: int = 0

    @classmethod
    def of(cls, array: Array) -> Survey:
        if not array.size:
            return cls(None)
        low, high = float(array.min()), float(array.max())  # NaN and infinite ones come through
        if math.isfinite(low) and math.isfinite(high):
            return cls((low, high))
        finite, nans = finite_of(array), int(np.count_nonzero(np.isnan(array)))
        reach = (float(finite.min()), float(finite.max())) if finite.size else None
        return cls(reach, nans, array.size - finite.size - nans)

    @property
    def words(self) -> str:
        return not_finite_text(self.not_a_number, self.infinite)


# ------------------------------------------------------------ fewer of many


def stride(count: int, limit: int) -> int:
    """Every how many-th of `count` is taken so that there are at most `limit`."""
    return max(1, -(-count // limit))


def envelope(values: Array, limit: int) -> tuple[Array, Array]:
    """A series with at most `limit` points that looks the same: of each piece the least and the
    largest number, in the order they stand in. Returns places and values."""
    count = len(values)
    if count <= limit:
        return np.arange(count), values
    piece = -(-2 * count // limit)
    full = count // piece * piece
    blocks = values[:full].reshape(-1, piece)
    known = np.where(np.isnan(blocks), np.inf, blocks)
    low = known.argmin(axis=1)
    high = np.where(np.isnan(blocks), -np.inf, blocks).argmax(axis=1)
    starts = np.arange(len(blocks)) * piece
    ends = np.stack([starts + np.minimum(low, high), starts + np.maximum(low, high)], 1).reshape(-1)
    places = np.unique(np.concatenate([ends, np.arange(full, count)[-1:]]))
    return places, values[places]


def edges(finite: Array, wanted: int) -> Array:
    """The edges of a histogram's bins; whole numbers of a small range get a bin each."""
    low, high = float(finite.min()), float(finite.max())
    whole = high - low < wanted and bool((finite == np.round(finite)).all())
    if whole and high > low:
        return np.arange(low - 0.5, high + 1.0)
    # Halved, since the range of what a float holds is twice as wide as a float can be.
    found = np.unique(np.linspace(low / 2, high / 2, wanted + 1) * 2)
    found[0], found[-1] = min(found[0], low), max(found[-1], high)
    if len(found) > 1:
        return found
    reach = abs(high) * 0.5 or 0.5
    return np.array([low - reach, high + reach])


def counts(finite: Array, bins: Array) -> Array:
    """How many numbers stand in each bin; the last one holds its upper edge, too."""
    if finite.size > MANY and math.isfinite(bins[-1] - bins[0]):
        # Told that they are equally wide, the library counts many times faster.
        return np.histogram(finite, len(bins) - 1, (float(bins[0]), float(bins[-1])))[0]
    return np.histogram(finite, bins)[0]


# ------------------------------------------------------------ scales


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers between two, about `count` of them, 0 among them when it lies between."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low]
    raw = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((power * m for m in (1, 2, 2.5, 5) if power * m >= raw * (1 - 1e-9)), power * 10)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > 4 * count:
        return [low, high]
    return [
        round(number * step, 12 - math.floor(math.log10(step))) for number in range(first, last + 1)
    ]


def tick_text(number: float, spacing: float) -> str:
    """A number of an axis with a true minus, in as many digits as its spacing needs."""
    if abs(number) < abs(spacing) * 1e-6:
        return "0"
    far = abs(number) >= 1e5 or abs(spacing) < 1e-4
    return (f"{number:.3g}" if far else f"{round(number, 6):g}").replace("-", "−")


# ------------------------------------------------------------ text


def entry_text(number: np.generic) -> str:
    """One entry in full precision: whole numbers and truth values as such."""
    return str(number) if isinstance(number, np.floating) else str(number.item())


def as_csv(rows: Array) -> str:
    """A matrix as CSV, in full precision."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows.tolist())
    return out.getvalue()


def as_numpy(array: Array) -> str:
    """An array as Python that makes it again with `import numpy as np`."""
    body = (
        ", ".join(_python(array.tolist())) if array.ndim == 0 else "".join(_python(array.tolist()))
    )
    plain = array.dtype in (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_))
    kind = "" if plain and array.size else f", dtype=np.{array.dtype.name}"
    shape = f".reshape({array.shape})" if not array.size and array.shape != (0,) else ""
    return f"np.array({body}{kind}){shape}"


def _python(value: object) -> Iterator[str]:
    """Nested lists of numbers as Python text; arrays have few axes, so this goes few levels deep."""
    if isinstance(value, list):
        yield "["
        for number, item in enumerate(value):
            if number:
                yield ", "
            yield from _python(item)
        yield "]"
    elif isinstance(value, float) and not math.isfinite(value):
        yield "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    else:
        yield repr(value)
