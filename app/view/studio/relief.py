"""A loss over a plane for the eye: levels, bands of colour, lines along a level, heights between points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.view.viewers.numbers import ticks
from engine.ops.row import Array
from engine.probes.surface import Bounds

MOST_LEVELS = 12


@dataclass(frozen=True)
class Relief:
    """Losses on a grid over `bounds` (rows from the bottom to the top, NaN where there is none), with
    levels that are evenly spaced or, with `log`, in equal ratios."""

    bounds: Bounds
    losses: Array
    log: bool = False

    @cached_property
    def reach(self) -> tuple[float, float]:
        """The least and the largest loss; (0, 0) where there is none."""
        good = self.losses[np.isfinite(self.losses)]
        return (float(good.min()), float(good.max())) if good.size else (0.0, 0.0)

    @property
    def least(self) -> tuple[float, float] | None:
        """Where on the plane the least loss of the grid is."""
        if not np.isfinite(self.losses).any():
            return None
        row, column = np.unravel_index(int(np.nanargmin(self.losses)), self.losses.shape)
        left, right, bottom, top = self.bounds
        rows, columns = self.losses.shape
        across = left + (right - left) * int(column) / (columns - 1)
        return across, bottom + (top - bottom) * int(row) / (rows - 1)

    @cached_property
    def _floor(self) -> float:
        """What logarithms are taken above of: 0 where all losses are positive."""
        low, high = self.reach
        return 0.0 if low > 0 else low - (high - low) * 1e-3

    def eased(self, losses: Array) -> Array:
        """Losses on the scale of the levels: themselves, or their logarithms to 10."""
        if not self.log or self.reach[0] == self.reach[1]:
            return losses
        with np.errstate(all="ignore"):
            return np.asarray(np.log10(losses - self._floor))

    @cached_property
    def levels(self) -> list[float]:
        """Round losses between the least and the largest one, ascending."""
        low, high = self.reach
        if not low < high:
            return []
        if not self.log:
            found = ticks(low, high, 9)
            return [level for level in found if low < level < high]
        floor = self._floor
        first, last = math.log10(low - floor), math.log10(high - floor)
        powers = range(math.floor(first), math.ceil(last) + 1)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [floor + d * 10.0**p for p in powers for d in digits]
            found = [level for level in found if low < level < high]
            if len(found) <= MOST_LEVELS:
                break
        every = -(-len(found) // MOST_LEVELS) or 1
        return found[::every]

    # ------------------------------------------------------------ between the points

    def sampled(self, across: Array, up: Array) -> Array:
        """Losses at columns `across` and rows `up` of places, between the points linearly along each
        axis (rows × columns); NaN outside the bounds and beside what is not finite."""
        left, right, bottom, top = self.bounds
        rows, columns = self.losses.shape
        low, down = _weights((up - bottom) / (top - bottom) * (rows - 1), rows)
        first, share = _weights((across - left) / (right - left) * (columns - 1), columns)
        lines = self.losses[low] * (1 - down)[:, None] + self.losses[low + 1] * down[:, None]
        return np.asarray(lines[:, first] * (1 - share) + lines[:, first + 1] * share)

    def at(self, places: Array) -> Array:
        """The losses at places (m × 2) of the plane, as `sampled`."""
        left, right, bottom, top = self.bounds
        rows, columns = self.losses.shape
        low, down = _weights((places[:, 1] - bottom) / (top - bottom) * (rows - 1), rows)
        first, share = _weights((places[:, 0] - left) / (right - left) * (columns - 1), columns)
        near = self.losses[low, first] * (1 - share) + self.losses[low, first + 1] * share
        far = self.losses[low + 1, first] * (1 - share) + self.losses[low + 1, first + 1] * share
        return np.asarray(near * (1 - down) + far * down)

    def bands(self, across: Array, up: Array) -> Array:
        """Between which levels each place of a grid of pixels lies: 0 below the first; -1 is none."""
        losses = self.sampled(across, up)
        found = np.searchsorted(np.array(self.levels), losses)
        return np.where(np.isfinite(losses), found, -1)

    # ------------------------------------------------------------ lines

    def lines(self, level: float) -> Array:
        """The pieces of the line along a level (m × 2 ends × 2), places of the plane.

        In each cell of four points; where it has two pieces (a saddle), the mean says which corners
        they part. Cells beside what is not finite have none.
        """
        above = self.losses > level
        corners = np.stack([above[:-1, :-1], above[:-1, 1:], above[1:, 1:], above[1:, :-1]])
        case = (corners * np.array((1, 2, 4, 8))[:, None, None]).sum(axis=0)
        values = np.stack(
            [self.losses[:-1, :-1], self.losses[:-1, 1:], self.losses[1:, 1:], self.losses[1:, :-1]]
        )
        case[~np.isfinite(values).all(axis=0)] = 0
        below = values.mean(axis=0) <= level
        case = np.where(((case == 5) | (case == 10)) & below, 15 - case, case)
        found = []
        for number, pairs in _CASES.items():
            cells = np.argwhere(case == number)
            if len(cells):
                found += [self._pieces(cells, values, level, pair) for pair in pairs]
        return np.concatenate(found) if found else np.zeros((0, 2, 2))

    def _pieces(self, cells: Array, values: Array, level: float, edges: tuple[int, int]) -> Array:
        """A piece from one edge to another one of each of these cells."""
        ends = []
        for edge in edges:
            one, two = values[edge][tuple(cells.T)], values[(edge + 1) % 4][tuple(cells.T)]
            share = ((level - one) / (two - one))[:, None]
            ends.append(
                _CORNERS[edge] * (1 - share) + _CORNERS[(edge + 1) % 4] * share + cells[:, ::-1]
            )
        left, right, bottom, top = self.bounds
        rows, columns = self.losses.shape
        size = np.array(((right - left) / (columns - 1), (top - bottom) / (rows - 1)))
        return np.asarray(np.stack(ends, 1) * size + np.array((left, bottom)))


_CORNERS = np.array(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
"""Across and up, of the corners in their order around a cell; edge i leads to the next one."""
_CASES: dict[int, list[tuple[int, int]]] = {
    1: [(3, 0)], 2: [(0, 1)], 3: [(3, 1)], 4: [(1, 2)], 6: [(0, 2)], 7: [(3, 2)], 8: [(2, 3)],
    9: [(2, 0)], 11: [(2, 1)], 12: [(1, 3)], 13: [(1, 0)], 14: [(0, 3)],
    5: [(0, 1), (2, 3)], 10: [(3, 0), (1, 2)],
}  # fmt: skip
"""Which edges the line joins, by which corners are above the level (1, 2, 4, 8)."""


def _weights(places: Array, count: int) -> tuple[Array, Array]:
    """The point before each place among `count` points, and how far it is from there to the next; NaN
    outside."""
    first = np.clip(np.nan_to_num(np.floor(places)), 0, count - 2).astype(np.intp)
    share = places - first
    return first, np.where((share >= 0) & (share <= 1), share, np.nan)
