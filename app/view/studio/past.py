"""What panels keep of the moments behind the one they show, in bounded room, and where nodes stand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

from app.session import Session
from engine import inside

if TYPE_CHECKING:
    from app.view.studio.studio import Studio

Record = TypeVar("Record")
LIMIT = 120


class Past(Generic[Record]):
    """Records by step, `LIMIT` at most: when it is full every other one goes, and from then on they are
    kept twice as far apart. The newest is always there."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, Record]] = []
        self._newest: tuple[int, Record] | None = None
        self._gap = 1

    @property
    def items(self) -> list[tuple[int, Record]]:
        """(step, record), the oldest first."""
        if self._newest is None or (self._kept and self._kept[-1][0] == self._newest[0]):
            return list(self._kept)
        return [*self._kept, self._newest]

    def add(self, step: int, record: Record) -> None:
        """The record of a step; those of the same step and of later ones were of another run."""
        while self._kept and self._kept[-1][0] >= step:
            self._kept.pop()
        self._newest = (step, record)
        if not self._kept:
            self._gap = 1
        if self._kept and step - self._kept[-1][0] < self._gap:
            return
        self._kept.append(self._newest)
        if len(self._kept) >= LIMIT:
            del self._kept[1::2]
            self._gap = 2 * max(1, (step - self._kept[0][0]) // LIMIT)

    def clear(self) -> None:
        self._kept, self._newest, self._gap = [], None, 1


def rate_now(studio: Studio | None) -> float | None:
    """The learning rate that training is at, a schedule's or one set by hand; None for the recipe's."""
    live = studio is not None and studio.past is None and studio.bridge.is_current
    last = studio.bridge.last if studio is not None and live else None
    return last.learning_rate if last is not None and math.isfinite(last.learning_rate) else None


def here(session: Session, nodes: Iterable[str]) -> dict[str, str]:
    """Of nodes of the whole document, by path, those that are seen at the session's place: {path: id
    there}, an instance standing for what is inside it."""
    graph, place = session.root, session.place
    known: dict[str, str] = {}
    for local, ref in inside.keys_at(graph, place).items():
        if isinstance(ref, str):
            known.setdefault(ref, local)
    start = "".join(f"{n}." for n in place)
    found = {}
    for path in nodes:
        local = known.get(path, "")
        if not local and path.startswith(start):
            local = path[len(start) :].partition(".")[0]
        if local in session.graph.nodes:
            found[path] = local
    return found


def whole(session: Session, nodes: Iterable[str]) -> list[str]:
    """What nodes of the session's place are called in the whole document."""
    keys = inside.keys_at(session.root, session.place)
    return [str(keys[n]) for n in nodes if isinstance(keys.get(n), str)]
