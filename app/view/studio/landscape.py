"""A relief as a surface in space, the ways of trainings lying on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PySide6.QtGui import QColor

from app.view import theme
from app.view.studio.bands import level_text, tint
from app.view.studio.contour import Way
from app.view.studio.relief import Relief
from app.view.viewers.numbers import tick_text, ticks
from app.view.viewers.surface import HEIGHT, Line
from engine.ops.row import Array

FINEST = 49
"""So many points a side are drawn at most."""


class Landscape:
    """What `Space` draws: the eased losses of a relief, and ways at the heights they run over."""

    extent = (0.5, 0.5)

    def __init__(self) -> None:
        self.relief: Relief | None = None
        self.titles = ("", "")
        self._ways: Sequence[Way] = ()
        self._here: tuple[float, float] | None = None

    def show(
        self,
        relief: Relief | None,
        titles: tuple[str, str],
        ways: Sequence[Way],
        here: tuple[float, float] | None,
    ) -> None:
        self.relief, self.titles, self._ways, self._here = relief, titles, ways, here

    @property
    def stands(self) -> bool:
        return self.relief is not None and self.relief.reach[0] < self.relief.reach[1]

    @property
    def _reach(self) -> tuple[float, float]:
        assert self.relief is not None
        low, high = self.relief.eased(np.array(self.relief.reach)).tolist()
        return low, high

    def heights(self) -> Array:
        assert self.relief is not None
        every = -(-len(self.relief.losses) // FINEST) or 1
        losses = self.relief.eased(self.relief.losses[::every, ::every])
        return np.where(np.isfinite(losses), losses, np.nan)

    def _high(self, eased: Array) -> Array:
        low, high = self._reach
        return np.asarray((eased / 2 - low / 2) / (high / 2 - low / 2) * HEIGHT - HEIGHT / 2)

    def in_box(self, heights: Array) -> Array:
        """The second direction runs away from the viewer."""
        a, b = self.extent
        rows, columns = heights.shape
        x = np.broadcast_to(np.linspace(-a, a, columns)[None, :], heights.shape)
        y = np.broadcast_to(np.linspace(-b, b, rows)[:, None], heights.shape)
        return np.stack([x, y, self._high(heights)], -1)

    def shades(self, middle: Array) -> Array:
        low, high = self._reach
        shares = np.nan_to_num((middle - low) / (high - low)).clip(0, 1)[..., None]
        least, most = (_bytes(tint(share)) for share in (0.3, 1.5))
        return np.asarray(least + (most - least) * shares)

    def marks(self) -> list[tuple[float, str, bool]]:
        assert self.relief is not None
        if self.relief.log:
            levels = self.relief.levels[:: -(-len(self.relief.levels) // 4) or 1]
            heights = self._high(self.relief.eased(np.array(levels))).tolist()
            return [(z, level_text(level), False) for z, level in zip(heights, levels, strict=True)]
        low, high = self._reach
        found = ticks(low, high, 4)
        spacing = found[1] - found[0] if len(found) > 1 else high - low
        heights = self._high(np.array(found)).tolist()
        return [(z, tick_text(m, spacing), m == 0) for z, m in zip(heights, found, strict=True)]

    def edges(self) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
        assert self.relief is not None
        left, right, bottom, top = self.relief.bounds
        ends = [
            (theme.number_text(low, 3), title, theme.number_text(high, 3))
            for low, high, title in ((left, right, self.titles[0]), (bottom, top, self.titles[1]))
        ]
        return ends[0], ends[1]

    def lines(self) -> list[Line]:
        """The ways, and where the parameters are as a way of one place."""
        found = [Line(self._over(w.places), w.colour, 2.2 if w.bold else 1.6) for w in self._ways]
        if self._here is not None:
            found.append(Line(self._over(np.array([self._here])), QColor(theme.current().accent)))
        return [line for line in found if len(line.points)]

    def _over(self, places: Array) -> Array:
        """Places of the plane in the box, at the loss there; fine enough to bend with the surface."""
        assert self.relief is not None
        if not len(places):
            return np.zeros((0, 3))
        left, right, bottom, top = self.relief.bounds
        shares = (places - (left, bottom)) / (right - left, top - bottom)
        shares = _finer(shares, 1 / FINEST)
        places = shares * (right - left, top - bottom) + (left, bottom)
        heights = self._high(self.relief.eased(self.relief.at(places)))
        return np.concatenate([(shares * 2 - 1) * self.extent, heights[:, None]], 1)


def _bytes(colour: QColor) -> Array:
    return np.array((colour.red(), colour.green(), colour.blue()), np.float64)


def _finer(points: Array, step: float) -> Array:
    """A line with points no farther apart than `step`, its own among them; at most 64 for a piece."""
    found = [points[:1]]
    for one, two in pairwise(points):
        far = float(np.hypot(*(two - one)))
        count = int(min(max(np.ceil(far / step), 1), 64)) if np.isfinite(far) else 1
        found.append(one + (two - one) * np.linspace(0, 1, count + 1)[1:, None])
    return np.concatenate(found)
