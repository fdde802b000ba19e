"""A field of data as training reads it: numbers scaled, filled and standardised when rows are taken."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.data import place
from engine.ops.row import Array
from engine.shapes import Shape

_PIECE = 2**20
"""Numbers that are looked at together."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A field whose rows are made when they are taken: `rows[chosen]` is an array of `dtype`.

    `raw` may be a memory map. A number is multiplied by `factor`, NaN becomes `fill`, then `shift` is
    taken off and it is divided by `spread`. With `classes` > 0 an index becomes a row of 0 and 1.
    """

    raw: Array
    dtype: np.dtype[Any]
    factor: float = 1.0
    fill: Array | None = None
    shift: Array | None = None
    spread: Array | None = None
    classes: int = 0

    @property
    def shape(self) -> Shape:
        return (*self.raw.shape, self.classes) if self.classes else self.raw.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """What all rows would take in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, chosen: Any) -> Array:
        taken: Array = np.asarray(self.raw[chosen])
        if self.classes:
            hot: Array = taken[..., None] == np.arange(self.classes)
            return hot.astype(self.dtype)
        if self.factor == 1 and self.fill is None and self.shift is None:
            return taken.astype(self.dtype, copy=False)
        # In place, since a block of rows may be a large part of what memory has left.
        values: Array = taken.astype(np.float64, copy=np.may_share_memory(taken, self.raw))
        if self.factor != 1:
            values *= self.factor
        if self.fill is not None:
            np.copyto(values, np.broadcast_to(self.fill, values.shape), where=np.isnan(values))
        if self.shift is not None and self.spread is not None:
            values -= self.shift
            values /= self.spread
        return values.astype(self.dtype, copy=False)

    def settled(self) -> Array | Rows:
        """All rows as an array when they fit in memory well, else itself."""
        if self.nbytes > place.LARGE:
            return self
        whole = self[:]
        if whole.flags.writeable and whole is not self.raw:
            whole.setflags(write=False)
        return whole


Field = Array | Rows


def _parts(raw: Array, rows: Array, factor: float) -> Iterator[Array]:
    """The chosen rows as floats, in pieces."""
    step = max(_PIECE // max(math.prod(raw.shape[1:]), 1), 1)
    for start in range(0, len(rows), step):
        part = np.asarray(raw[rows[start : start + step]], np.float64)
        yield part * factor if factor != 1 else part


def remembered(measure: Callable[..., Any], raw: Array, rows: Array, *more: Any) -> Any:
    """`measure(raw, rows, *more)`; of a file read by memory map it is kept on the disk beside the others.

    Raises NotReady where nobody may wait and it is not known yet.
    """
    name = getattr(raw, "filename", None)
    if not isinstance(raw, np.memmap) or name is None or raw.nbytes <= place.LARGE:
        return measure(raw, rows, *more)
    path = Path(str(name))
    told = (measure.__name__, str(path), place.stamp(path), raw.offset, raw.shape, raw.dtype.str)
    found = hashlib.sha256(repr(told).encode("utf-8", "backslashreplace"))
    for part in (rows, *more):
        found.update(np.ascontiguousarray(-1 if part is None else part).tobytes())
    kept = place.folder() / f"{found.hexdigest()[:32]}.npy"
    try:
        known = np.load(kept, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        if not place.waits():
            raise place.not_ready(path) from None
        known = np.asarray(measure(raw, rows, *more))
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, known, allow_pickle=False)
    return known


def means(raw: Array, rows: Array, factor: float) -> Array:
    """The mean of each column over those rows, missing values left out; 0 where none is there."""
    total, count = np.zeros(raw.shape[1:]), np.zeros(raw.shape[1:])
    for part in _parts(raw, rows, factor):
        total += np.nansum(part, axis=0)
        count += (~np.isnan(part)).sum(axis=0)
    result: Array = total / np.maximum(count, 1)
    return result


def deviation(raw: Array, rows: Array, factor: float, fill: Array | None) -> tuple[Array, Array]:
    """Mean and deviation of each column over those rows; a deviation of 0 counts as 1."""
    if raw.size * 8 <= place.LARGE:
        (values,) = _whole(raw, rows, factor, fill)
        mean, spread = values.mean(axis=0), values.std(axis=0)
    else:
        mean = np.zeros(raw.shape[1:])
        for part in _filled(raw, rows, factor, fill):
            mean += part.sum(axis=0)
        mean /= len(rows)
        square = np.zeros(raw.shape[1:])
        for part in _filled(raw, rows, factor, fill):
            square += ((part - mean) ** 2).sum(axis=0)
        spread = np.sqrt(square / len(rows))
    return mean, np.where(spread > 0, spread, 1.0)


def extent(raw: Array, rows: Array, factor: float, fill: Array | None) -> tuple[Array, Array]:
    """The least value and the range of each column over those rows; a range of 0 counts as 1."""
    low, high = np.full(raw.shape[1:], np.inf), np.full(raw.shape[1:], -np.inf)
    for part in _filled(raw, rows, factor, fill):
        low, high = np.minimum(low, part.min(axis=0)), np.maximum(high, part.max(axis=0))
    return low, np.where(high > low, high - low, 1.0)


def _filled(raw: Array, rows: Array, factor: float, fill: Array | None) -> Iterator[Array]:
    for part in _parts(raw, rows, factor):
        yield part if fill is None else np.where(np.isnan(part), fill, part)


def _whole(raw: Array, rows: Array, factor: float, fill: Array | None) -> list[Array]:
    values = np.asarray(raw, np.float64)[rows]
    values = values * factor if factor != 1 else values
    return [values if fill is None else np.where(np.isnan(values), fill, values)]
