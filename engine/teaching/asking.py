"""A number that a lesson asks for: which it is, which micro-steps make it, or why it cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.entries import Entries, NoEntries
from engine.entry_lines import entry_line
from engine.evaluate import Evaluation
from engine.lines import Line
from engine.shapes import shape_text
from engine.teaching.goal import OF, reaches
from engine.teaching.naming import entry_text, key_of
from engine.trace import Step

_TERMS = 6  # of the sum behind an entry that are written out


class NotAsked(ValueError):
    """Says in a sentence why a number cannot be asked for."""


@dataclass(frozen=True)
class Asked:
    """A value or a gradient of a node, or of one entry of it.

    `node` is its path of names, `step` what computes it in the expansion. `first` and `last` are the
    numbers of the micro-steps that make it; 0 for the value of an input, which is given.
    """

    evaluation: Evaluation
    node: str
    of: str
    index: tuple[int, ...]
    step: str
    number: float
    first: int
    last: int

    @property
    def name(self) -> str:
        """`the value of t`, `the gradient at W[0,1]`."""
        what = entry_text(self.node, self.index)
        return f"the value of {what}" if self.of == OF[0] else f"the gradient at {what}"

    @property
    def steps(self) -> Sequence[Step]:
        """The micro-steps that make the number: of a gradient one for each of its terms."""
        script = self.evaluation.steps.script
        if self.of == OF[0]:
            numbers = [self.first] if self.first else []
        else:
            numbers = script.sums_at.get(self.step, [])
        return [self.evaluation.steps[n - 1] for n in numbers]

    def line(self, step: Step) -> Line:
        """A micro-step's line at the entry that is asked for, where it is one."""
        target = step.target or step.node
        index = self.index if target == self.step else ()
        return line_at(step, index)


def line_at(step: Step, index: tuple[int, ...]) -> Line:
    """A micro-step's line, of a tensor at an entry where that can be told."""
    if index and step.phase != "seed":
        try:
            entries = Entries(step)
            return entry_line(entries, entries.at(index, _TERMS))
        except (NoEntries, IndexError):
            pass
    return step.line


def asked(
    evaluation: Evaluation, node: str, of: str = "value", index: tuple[int, ...] = ()
) -> Asked:
    """The number that a question is about. `node` is a path of names, `of` "value" or "gradient",
    `index` an entry of a tensor. Raises NotAsked."""
    key = key_of(evaluation.graph, node)
    if of not in OF:
        raise NotAsked(f"A question is about a value or a gradient, not {of!r}.")
    if key is None:
        raise NotAsked(f"There is no node called {node}.")
    if not isinstance(key, str):
        raise NotAsked(f"{node} is the number {key:g} here.")
    table = evaluation.values if of == OF[0] else evaluation.gradients
    if key not in evaluation.values:
        raise NotAsked(evaluation.faults.get(key) or f"{node} has no value yet.")
    if key not in table:
        output = evaluation.output and evaluation.graph.name(evaluation.output)
        why = evaluation.note or f"No gradient of {output} reaches {node}."
        raise NotAsked(why)
    array = table[key]
    if array.dtype.kind not in "fiub":
        raise NotAsked(f"{node} is no number.")
    if len(index) != array.ndim or any(
        not 0 <= i < n for i, n in zip(index, array.shape, strict=True)
    ):
        if not array.ndim:
            raise NotAsked(f"{node} is a single number and has no entry {list(index)}.")
        shape = shape_text(array.shape)
        raise NotAsked(f"{node} is {shape}; say which of its entries is asked for.")
    made = reaches(evaluation, node, of) or (0, 0)
    number = float(np.asarray(array[index]))
    return Asked(evaluation, node, of, index, evaluation.step_of(key), number, *made)
