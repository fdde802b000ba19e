"""The micro-steps of a forward and a backward pass, in symbols and in numbers.

One micro-step a node forward (sources are given, not computed), one for the seed, one a link
backward. The lines are printed from the formulas that computed the numbers, when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Literal

from engine.differentiate import Contribution
from engine.lines import (
    Line,
    Part,
    backward_line,
    forward_line,
    result_text,
    seed_line,
    term_part,
)
from engine.ops.row import Array
from engine.wording import Telling

Phase = Literal["forward", "seed", "backward"]


@dataclass(frozen=True)
class Step:
    """One micro-step.

    `node` is the node computed (forward), the output (seed) or the node whose adjoint is passed on
    through the wire that enters it at `port` to `target` (backward). `value` is what this step
    computed or added, `total` the sum so far at the target. `terms` are all that the target gets;
    this step's is the one at `position`.
    """

    number: int
    phase: Phase
    node: str
    target: str | None
    port: str | None
    value: Array
    total: Array
    telling: Telling
    contribution: Contribution | None = None
    terms: Sequence[Contribution] = ()
    position: int = 0

    @cached_property
    def line(self) -> Line:
        """The line in parts: symbols above numbers, and what each refers to."""
        if self.phase == "forward":
            return forward_line(self.telling, self.node, self.value)
        if self.phase == "seed":
            return seed_line(self.telling, self.node)
        assert self.contribution is not None
        return backward_line(self.telling, self.contribution, self.value)

    @property
    def symbols(self) -> str:
        """The line as LaTeX."""
        return self.line.symbols

    @property
    def numbers(self) -> str:
        """The line in numbers (of tensors: in shapes) as LaTeX."""
        return self.line.numbers

    @property
    def text(self) -> str:
        """The line as plain text."""
        return self.line.text

    @property
    def exact_text(self) -> str:
        """The line as plain text for programs: numbers out of a derivative with all their digits."""
        if self.contribution is None:
            return self.text
        return backward_line(self.telling, self.contribution, self.value, exact=True).text

    @property
    def numbers_text(self) -> str:
        """The line in numbers as plain text."""
        return self.line.numbers_text

    def terms_told(
        self, first: int, end: int, at: tuple[int, ...] | None = None
    ) -> tuple[Part, ...]:
        """Some of the terms that the target gets, each with its number below: of tensors the shape,
        or the number at an entry."""
        return tuple(term_part(self.telling, c, at) for c in self.terms[first:end])


def table(steps: Iterable[Step]) -> list[tuple[str, str]]:
    """The lecture's two columns: rows of (forward line, backward line), either may be empty."""
    columns: dict[Phase, list[str]] = {"forward": [], "seed": [], "backward": []}
    for step in steps:
        columns[step.phase].append(
            step.text if step.phase == "seed" else f"{step.text} = {result_text(step.value)}"
        )
    return list(
        zip_longest(columns["forward"], columns["seed"] + columns["backward"], fillvalue="")
    )
