"""The micro-steps of a pass: a script that holds for all values, and its steps at one point."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from functools import cached_property
from typing import overload

from msgspec import Struct

from engine.differentiate import Adjoints, Contribution
from engine.expansion import Expansion, Ref
from engine.ops.row import Array
from engine.trace import Phase, Step
from engine.wording import Telling


class Outline(Struct, frozen=True, gc=False):
    """A micro-step without its numbers: `value` and `total` say where they are read."""

    number: int
    phase: Phase
    node: str
    target: str | None
    port: str | None
    value: Ref
    total: Ref
    contribution: Contribution | None = None
    terms: Sequence[Contribution] = ()
    position: int = 0


class Script:
    """The micro-steps of a pass over a document, forward and then backward, without numbers: the same
    for all values of its inputs."""

    def __init__(self, outlines: Sequence[Outline]) -> None:
        self.outlines = outlines

    @classmethod
    def of(
        cls,
        expansion: Expansion,
        computed: Iterable[str],
        adjoints: Adjoints | None,
        failed: Container[Ref] = (),
    ) -> Script:
        """The whole pass over a document; steps that failed are left out."""
        outlines: list[Outline] = []
        for node_id in computed:
            if expansion.nodes[node_id].op.is_source or node_id in failed:
                continue
            number = len(outlines) + 1
            outlines.append(Outline(number, "forward", node_id, None, None, node_id, node_id))
        if adjoints is None:
            return cls(outlines)
        number, output = len(outlines) + 1, adjoints.output
        outlines.append(Outline(number, "seed", output, None, None, 1.0, 1.0))
        of_target: dict[str, list[Contribution]] = {}
        for term in adjoints.contributions:
            of_target.setdefault(term.target, []).append(term)
        seen: dict[str, int] = {}
        for term in adjoints.contributions:
            position = seen.get(term.target, 0)
            seen[term.target] = position + 1
            if term.value in failed or term.total in failed:
                continue
            outlines.append(
                Outline(
                    len(outlines) + 1, "backward", term.node, term.target, term.port, term.value,
                    term.total, term, of_target[term.target], position,
                )
            )  # fmt: skip
        return cls(outlines)

    @cached_property
    def forward_end(self) -> int:
        """How many of the steps are forward ones; they come first."""
        return bisect_left(self.outlines, True, key=lambda o: o.phase != "forward")

    @cached_property
    def passes(self) -> dict[tuple[str, str], Outline]:
        """The backward step that goes through a port of a computed node."""
        return {(o.node, o.port): o for o in self.outlines if o.port is not None}

    @cached_property
    def computed_at(self) -> dict[str, int]:
        """The number of the step that computes a node."""
        return {o.node: o.number for o in self.outlines if o.phase == "forward"}

    @cached_property
    def sums_at(self) -> dict[str, list[int]]:
        """The numbers of the steps that change a node's gradient."""
        table: dict[str, list[int]] = {}
        for outline in self.outlines:
            if outline.phase != "forward":
                table.setdefault(outline.target or outline.node, []).append(outline.number)
        return table


class Steps(Sequence[Step]):
    """A script's steps at one point, each made when it is looked at."""

    def __init__(self, script: Script, telling: Telling, part: range | None = None) -> None:
        self.script, self.telling = script, telling
        self._part = range(len(script.outlines)) if part is None else part
        self._made: dict[int, Step] = {}

    def __len__(self) -> int:
        return len(self._part)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Steps: ...
    def __getitem__(self, index: int | slice) -> Step | Steps:
        if isinstance(index, slice):
            return Steps(self.script, self.telling, self._part[index])
        place = self._part[index]
        if place not in self._made:
            self._made[place] = self._step(self.script.outlines[place])
        return self._made[place]

    def total(self, index: int) -> Array:
        """The `total` of a step, without the rest of it."""
        total = self.telling.read(self.script.outlines[self._part[index]].total)
        assert total is not None  # a script leaves out what failed
        return total

    def _step(self, o: Outline) -> Step:
        value, total = self.telling.read(o.value), self.telling.read(o.total)
        assert value is not None and total is not None  # a script leaves out what failed
        return Step(
            o.number, o.phase, o.node, o.target, o.port, value, total, self.telling,
            o.contribution, o.terms, o.position,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]
