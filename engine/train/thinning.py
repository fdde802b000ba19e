"""A record of any length in a bounded number of points: the least and the greatest of each stretch."""

from __future__ import annotations

import numpy as np

from engine.ops.row import Array

RECORD = np.dtype([("step", "<i8"), ("loss", "<f8"), ("rate", "<f8")])
"""A step: how many steps are done behind it, the loss before its update, its learning rate."""

STRETCHES = 8192


class Thinned:
    """Takes records in order and keeps two of each stretch; stretches double when they are too many.

    `total` counts the records taken. `is_broken` tells that one came whose step was not the one that
    follows, or whose numbers are not finite: it and those behind it were not taken.
    """

    def __init__(self, first: int = 0) -> None:
        self.first, self.total, self.is_broken = first, 0, False
        self._width, self._count = 1, 0
        self._kept = np.zeros((STRETCHES, 2), RECORD)
        self._ends = np.zeros(2, RECORD)

    def add(self, records: Array) -> None:
        """Takes records, an array of RECORD, up to the first one that does not fit."""
        start = self.first + self.total + 1
        fits = records["step"] == np.arange(start, start + len(records))
        fits &= np.isfinite(records["loss"]) & np.isfinite(records["rate"])
        if not fits.all():
            self.is_broken = True
            records = records[: int(fits.argmin())]
        if not len(records):
            return
        if not self.total:
            self._ends[0] = records[0]
        self._ends[1] = records[-1]
        at = 0
        while at < len(records):
            into, left = self.total % self._width, len(records) - at
            if into:
                take = min(self._width - into, left)
                part = _extremes(records[at : at + take][None])
                both = np.concatenate([self._kept[self._count - 1], part[0]])
                self._kept[self._count - 1] = _extremes(both[None])[0]
            elif self._count == STRETCHES:
                self._halve()
                continue
            else:
                whole = min(left // self._width, STRETCHES - self._count) or 1
                take = min(whole * self._width, left)
                self._kept[self._count : self._count + whole] = _extremes(
                    records[at : at + take].reshape(whole, -1)
                )
                self._count += whole
            at += take
            self.total += take

    def _halve(self) -> None:
        """Two stretches become one; there is an even number of them, all full."""
        self._width *= 2
        self._count //= 2
        self._kept[: self._count] = _extremes(self._kept.reshape(self._count, 4))

    def points(self, limit: int) -> Array:
        """About `limit` records: of every stretch the ones with the least and the greatest loss,
        and the first and the last of all."""
        kept = self._kept[: self._count]
        together = -(-self._count // max(limit // 2, 1)) or 1
        whole = self._count // together * together
        parts = [
            self._ends[: min(self.total, 1)],
            _extremes(kept[:whole].reshape(-1, 2 * together)),
        ]
        if whole < self._count:
            parts.append(_extremes(kept[whole:].reshape(1, -1)))
        parts.append(self._ends[1:] if self.total else self._ends[:0])
        points: Array = np.concatenate([part.ravel() for part in parts])
        return points[np.unique(points["step"], return_index=True)[1]]


def _extremes(records: Array) -> Array:
    """(n, m) records to (n, 2): of each row the ones with the least and the greatest loss."""
    rows = np.arange(len(records))
    loss = records["loss"]
    return np.stack([records[rows, loss.argmin(1)], records[rows, loss.argmax(1)]], axis=1)
