"""The ways that trainings took through parameter space, as far as they were seen: bounded, and thinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.probes.planes import Plane

MOST = 8
"""So many ways are kept; the oldest goes first."""
POINTS = 400
"""So many moments of one way."""
BYTES = 64 << 20
"""So much memory the moments of all of them take."""


@dataclass
class Track:
    """Moments of one training: the steps done and the parameters there."""

    number: int
    steps: list[int] = field(default_factory=list)
    moments: list[Mapping[str, Array]] = field(default_factory=list)
    _places: dict[str, tuple[int, Array]] = field(default_factory=dict)

    def places(self, plane: Plane) -> Array:
        """Where the moments are on a plane (m × 2); those of other parameters are left out."""
        known, found = self._places.get(plane.key, (0, np.zeros((0, 2))))
        if known < len(self.moments):
            fitting = [v for m in self.moments[known:] if (v := _flat(plane, m)) is not None]
            if fitting:
                found = np.concatenate([found, plane.project(np.stack(fitting))[0]])
            self._places = {plane.key: (len(self.moments), found)}
        return found

    def outside(self, plane: Plane) -> float:
        """How much of the way from its first to its last moment is not on the plane, as a share."""
        ends = [_flat(plane, m) for m in (self.moments[:1] + self.moments[-1:])]
        first, last = ends[0], ends[-1]
        return plane.outside(first, last) if first is not None and last is not None else 0.0

    def thin(self) -> None:
        """Every other moment goes; the first and the last stay."""
        for kept in (self.steps, self.moments):
            part: Any = kept
            del part[1:-1:2]
        self._places.clear()


class Tracks:
    """All ways that were seen, the newest last."""

    def __init__(self) -> None:
        self.all: list[Track] = []
        self._count = 0
        self._begin = True

    def begin(self) -> None:
        """The next moment begins a way of its own."""
        self._begin = True

    def add(self, step: int, values: Mapping[str, Array]) -> bool:
        """A moment that was seen; True unless it is the one that was seen last."""
        track = self.all[-1] if self.all else None
        if track is None or self._begin or step < track.steps[-1]:
            self._count, self._begin = self._count + 1, False
            track = Track(self._count)
            self.all = [*self.all[-(MOST - 1) :], track]
        elif step == track.steps[-1]:
            return False
        track.steps.append(step)
        track.moments.append(values)
        if len(track.moments) > POINTS:
            track.thin()
        self._bound()
        return True

    @property
    def last(self) -> Track | None:
        return self.all[-1] if self.all else None

    def clear(self) -> None:
        self.all, self._count, self._begin = [], 0, True

    def _bound(self) -> None:
        """Thins the longest ways until all of them fit into memory."""

        def size(track: Track) -> int:
            return len(track.moments) * sum(v.nbytes for v in track.moments[-1].values())

        while sum(map(size, self.all)) > BYTES:
            longest = max(self.all, key=size)
            if len(longest.moments) <= 4:
                self.all.remove(min(self.all, key=lambda t: t.number))
                if not self.all:
                    return
            else:
                longest.thin()


def _flat(plane: Plane, moment: Mapping[str, Array]) -> Array | None:
    try:
        vector = plane.flat(moment)
    except ValueError:
        return None
    return vector if np.isfinite(vector).all() else None
