"""The losses that are known over one range of a plane, and which are to be asked for next."""

from __future__ import annotations

import secrets
from typing import Any

from app.view.studio.relief import Relief
from engine.ops.row import Array
from engine.probes.planes import Plane
from engine.probes.surface import LEVELS, Bounds, Grid, Part

PATIENCE = 20.0
"""Seconds that a finer picture may take; what would take longer is left at the coarser one."""


class Losses:
    """One plane at a time (None until it came), under a `key`; the `relief` is what can be shown.

    The relief of the range before stays until that of the new one is fine enough.
    """

    def __init__(self) -> None:
        self.rows = (0, 0)
        self.renew()

    def renew(self) -> None:
        """Another plane is wanted."""
        self.key = secrets.token_hex(8)
        self.plane: Plane | None = None
        self.relief: Relief | None = None
        self.bounds: Bounds | None = None
        self.slopes: Array | None = None
        self._grid, self._send, self._per_point = Grid(), False, 0.0

    def over(self, bounds: Bounds) -> None:
        """Losses over this range are wanted."""
        self.bounds, self._grid, self.slopes = bounds, Grid(), None

    @property
    def level(self) -> int:
        """Points a side that are known of the range."""
        return self._grid.level

    @property
    def wanted(self) -> int:
        """So many points are asked for: all, or as many as do not take too long."""
        left = [n * n for n in LEVELS[:0:-1] if n * n * self._per_point <= PATIENCE]
        return left[0] if left else LEVELS[1] ** 2

    def question(self, arrows: bool) -> dict[str, Any] | None:
        """The next piece of what is not known yet, with the slopes for `arrows`; None when all is."""
        asked: dict[str, Any] = {"key": self.key, "bounds": self.bounds}
        if self._send:
            asked["plane"] = self.plane
        if arrows and self.slopes is None and self.level:
            return {**asked, "slopes": True}
        if self._grid.count < self.wanted:
            return {**asked, "first": self._grid.count}
        return None

    def take(self, part: Part, log: bool) -> bool:
        """Takes an answer; False when it is about what is not wanted any more."""
        if part.key != self.key:
            return False
        self.rows, self._send = (part.rows, part.all_rows), part.unknown
        if part.plane is not None:
            self.plane = part.plane
        elif part.bounds == self.bounds and len(part.slopes):
            self.slopes = part.slopes
        elif part.bounds == self.bounds and len(part.losses):
            before = self.level
            self._per_point = part.seconds / len(part.losses)
            self._grid.take(part.first, part.losses)
            old = self.relief is not None and self.relief.bounds != self.bounds
            if self.level != before and not (old and self.level < LEVELS[1]):
                self.relief = Relief(part.bounds, self._grid.losses(), log)
        return True
