"""The range of a plane that is shown at first, and a wider one that holds more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.ops.row import Array
from engine.probes.surface import Bounds

ROOM = 0.25
"""So much of what the ways span is left free around them."""


def usual(kind: str, here: Array | None, places: Sequence[Array]) -> Bounds:
    """The range of a plane of that kind with the parameters `here`, all places (m × 2 each) in it.

    Two chosen numbers are seen around 0 up to half more than their size, random directions as far as
    the parameters are long, principal ones as far as the way went.
    """
    if kind == "principal":
        return around(np.zeros(2), np.zeros(2), places)
    reach = np.ones(2)
    if kind == "chosen":
        reach = np.maximum(1.5 * np.abs(here if here is not None else 0.0), 1.5) * reach
    return around(-reach, reach, places)


def around(low: Array, high: Array, places: Sequence[Array]) -> Bounds:
    """The range from `low` to `high`, wider where places would be at its edge or outside."""
    some = np.concatenate([p for p in places if len(p)] or [np.zeros((0, 2))])
    if len(some):
        first, last = some.min(axis=0), some.max(axis=0)
        room = ROOM * np.maximum(last - first, float((last - first).max()))
        low = np.where(first <= low, first - room, low)
        high = np.where(last >= high, last + room, high)
    flat = high - low < 1e-9 * np.maximum(1.0, np.abs(low))
    low, high = np.where(flat, low - 1.0, low), np.where(flat, high + 1.0, high)
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])
