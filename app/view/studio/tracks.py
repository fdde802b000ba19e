"""The ways that recorded runs took over a plane: read a piece at a time, each moment once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from app.view.studio.contour import Way
from app.view.studio.legend import run_colours
from engine.files import FileError
from engine.ops.row import Array
from engine.probes.planes import Plane
from engine.train.recording import Run

if TYPE_CHECKING:
    from app.view.travel import Travel

POINTS = 240
"""So many moments of a way at most, evenly chosen."""
READ_S = 0.02
"""So long all runs together are read in one go; a moment of each at least."""


def spread(steps: Sequence[int], count: int) -> list[int]:
    """At most so many of the steps, evenly chosen, the first and the last among them."""
    picked = np.linspace(0, len(steps) - 1, min(len(steps), count)).round().astype(int)
    return [steps[i] for i in dict.fromkeys(picked.tolist())]


class Track:
    """The way of one run over one plane after another."""

    def __init__(self) -> None:
        self._key = ""
        self._ends: dict[int, Array] = {}
        self._places: dict[int, Array | None] = {}
        self.is_behind = False

    def places(
        self,
        plane: Plane,
        run: Run,
        steps: Sequence[int],
        rest: Mapping[str, Array],
        until: float,
    ) -> Array:
        """Where the moments are on the plane (m × 2), as far as they were read `until` then; `is_behind`
        tells that there are more. `rest` has what the run does not move. Moments of other parameters are left
        out."""
        if self._key != plane.key:
            self._key, self._places, self._ends = plane.key, {}, {}
        wanted = spread(steps, POINTS)
        new = [step for step in wanted if step not in self._places]
        self.is_behind = False
        for number, step in enumerate([*new[-1:], *new[:-1]]):
            if number and time.perf_counter() > until:
                self.is_behind = True
                break
            self._places[step] = self._read(plane, run, step, rest)
        found = [place for step in wanted if (place := self._places.get(step)) is not None]
        return np.stack(found) if found else np.zeros((0, 2))

    def _read(self, plane: Plane, run: Run, step: int, rest: Mapping[str, Array]) -> Array | None:
        try:
            vector = plane.flat({**rest, **run.parameters(step)})
        except (FileError, ValueError):
            return None
        if not np.isfinite(vector).all():
            return None
        self._ends[step] = vector
        ends = min(self._ends), max(self._ends)
        self._ends = {end: self._ends[end] for end in ends}
        return np.asarray(plane.project(vector[None])[0][0])

    def outside(self, plane: Plane) -> float:
        """How much of the way from its first to its last moment is not on the plane, as a share."""
        if self._key != plane.key or len(self._ends) < 2:
            return 0.0
        return plane.outside(self._ends[min(self._ends)], self._ends[max(self._ends)])


class Tracks:
    """The ways of the runs that are shown, in the colours of their curves."""

    def __init__(self, travel: Travel) -> None:
        self.travel = travel
        self._tracks: dict[Run, Track] = {}

    def ways(self, plane: Plane, now: Mapping[str, Array], here: Array | None) -> list[Way]:
        """The ways as far as they were read; that of a run at work ends `here`."""
        travel, colours, found = self.travel, run_colours(), []
        shown = travel.runs.shown
        self._tracks = {e.run: self._tracks.get(e.run, Track()) for e in shown}
        until = time.perf_counter() + READ_S
        for entry in shown:
            steps = travel.moments(entry.number)
            places = self._tracks[entry.run].places(plane, entry.run, steps, now, until)
            live = entry.is_live and travel.bridge.running and travel.follows
            if live and here is not None and len(places):
                places = np.concatenate([places, here[None]])
            if len(places):
                bold = entry.number == travel.number
                colour = colours[max(entry.colour, 0) % len(colours)]
                found.append(Way(entry.title, places, colour, bold))
        return sorted(found, key=lambda way: way.bold)

    @property
    def is_behind(self) -> bool:
        """Whether there are moments that were not read yet."""
        return any(track.is_behind for track in self._tracks.values())

    def outside(self, plane: Plane) -> float:
        """How much of the way of the run that is stepped through is not on the plane, as a share."""
        entry = self.travel.entry
        track = self._tracks.get(entry.run) if entry is not None else None
        return track.outside(plane) if track is not None else 0.0

    def moments(self, most_bytes: int) -> list[dict[str, Array]]:
        """The parameters along the run that is stepped through, evenly chosen to fit into memory."""
        entry = self.travel.entry
        steps = self.travel.moments(entry.number) if entry is not None else []
        if entry is None or not steps:
            return []
        found = []
        try:
            last = entry.run.parameters(steps[-1])
            size = max(sum(v.nbytes for v in last.values()), 1)
            picked = spread(steps, min(max(most_bytes // size, 3), POINTS))
            found = [entry.run.parameters(step) for step in picked[:-1]]
        except FileError:
            return found
        return [*found, last]
