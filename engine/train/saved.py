"""What a run goes back to when its loss leaves the finite numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.ops.row import Array
from engine.train.lbfgs import Memory


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number.

    `node` is the first node, in the order of computing, with a value that is not finite; `step` the
    step it happened in. The session holds the parameters before that, whose loss was finite.
    """

    def __init__(self, message: str, node: str, step: int) -> None:
        super().__init__(message)
        self.node, self.step = node, step


@dataclass(frozen=True)
class Change:
    """Something changed behind `step` steps; what `stays` is in force after a divergence.

    `apply(stage, step)` does it to a stage under way.
    """

    step: int
    apply: Callable[[Any, int], None]
    stays: bool


@dataclass
class Saved:
    """What to go back to: the states after some steps, the values of source nodes that do not move, and
    what was changed by hand since."""

    step: int
    states: Mapping[str, Array]
    values: Mapping[str, Array]
    memory: Memory
    optimizer: tuple[str, Mapping[str, float]]
    live: tuple[float, float]
    loss: float
    changes: list[Change] = field(default_factory=list)
