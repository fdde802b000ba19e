"""What explaining parts add to the canvas: wires lit or weighted, verdicts and texts at nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from engine.graph import Port

Role = Literal["value", "gradient", "accent", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Badge:
    """A short verdict at a node's corner; `role` is the colour's token, `tip` the whole sentence."""

    text: str
    role: Role = "value"
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one part adds. `wires` have a share from 0 to 1 and are as thick, `lit` ones are pointed
    out; both by the port they end at. `notes` are texts under nodes. `dim` makes everything pale that
    is not named here."""

    wires: Mapping[Port, float] = field(default_factory=dict)
    lit: frozenset[Port] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)
    badges: Mapping[str, Badge] = field(default_factory=dict)
    dim: bool = False

    @property
    def nodes(self) -> set[str]:
        """The nodes that it says something of."""
        return {*self.notes, *self.badges}


class Marks:
    """The marks of all parts by owner, and all of them as one. None of it is part of the document.

    `leavers` are told when a person presses Esc on the canvas, until one says that it had something
    to take away.
    """

    def __init__(self) -> None:
        self._of: dict[str, Mark] = {}
        self.all = Merged(())
        self.listeners: list[Callable[[], None]] = []
        self.leavers: list[Callable[[], bool]] = []

    def put(self, owner: str, mark: Mark | None) -> None:
        """What an owner adds from now on; None adds nothing."""
        if self._of.get(owner) == mark:
            return
        self._of.pop(owner, None)
        if mark is not None:
            self._of[owner] = mark
        self._tell()

    def of(self, owner: str) -> Mark | None:
        return self._of.get(owner)

    def clear(self) -> None:
        """Other nodes are looked at; every part that still has something to say puts it again."""
        if self._of:
            self._of.clear()
            self._tell()

    def leave(self) -> bool:
        """Takes away what one owner added; False when none has anything."""
        return any(leave() for leave in self.leavers)

    def _tell(self) -> None:
        self.all = Merged(self._of.values())
        for listener in list(self.listeners):
            listener()


class Merged:
    """Several marks as one: of two that say something of the same place, the one put later."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self._marks = tuple(marks)
        self.wires = {key: share for mark in self._marks for key, share in mark.wires.items()}
        self.lit = frozenset(key for mark in self._marks for key in mark.lit)
        self.notes = {n: text for mark in self._marks for n, text in mark.notes.items()}
        self.badges = {n: badge for mark in self._marks for n, badge in mark.badges.items()}
        self.dim = any(mark.dim for mark in self._marks)

    @cached_property
    def named(self) -> tuple[frozenset[str], frozenset[Port]]:
        """The nodes and the wires that stay as they are while the rest is pale."""
        keys = frozenset(k for mark in self._marks if mark.dim for k in (*mark.wires, *mark.lit))
        nodes = {n for mark in self._marks if mark.dim for n in mark.nodes}
        return frozenset(nodes), keys
