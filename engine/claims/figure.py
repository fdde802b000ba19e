"""A number that a claim rests on, the bound it keeps, and what claims have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from engine import edits, files, starts
from engine.graph import Graph
from engine.train import data
from engine.train.session import Training


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is what was measured of `what`; it is to be less than, greater than or equal to `bound`,
    equal up to `tolerance`."""

    what: str
    value: float
    relation: Literal["<", ">", "="]
    bound: float
    tolerance: float = 0.0

    @property
    def holds(self) -> bool:
        if self.relation == "<":
            return self.value < self.bound
        if self.relation == ">":
            return self.value > self.bound
        return abs(self.value - self.bound) <= self.tolerance


Claim = Callable[[Graph, int], list[Figure]]
"""What an example shows, measured in its document with the starts of a seed."""


def seeded(graph: Graph, seed: int) -> Graph:
    """A copy whose parameters, also those inside modules, are drawn anew by `seed` as they say they start."""
    copy = files.from_bytes(files.canonical_bytes(graph))
    edits.set_recipe(copy, seed=seed).apply(copy)
    sizes = {**copy.settings["sizes"], **data.known_sizes(copy)}
    starts.reinitialised(copy, copy.nodes, {}, sizes).apply(copy)
    return copy


def trained(graph: Graph, seed: int) -> Training:
    """The document trained to the end of its recipe, from starts drawn by `seed`."""
    training = Training(graph, seed=seed)
    training.run()
    return training


def score(training: Training, part: str = "validation") -> float:
    """The first metric of a trained document on the rows of a part."""
    return next(v for k, v in training.metrics()[part].items() if k != "loss")
