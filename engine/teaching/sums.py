"""What an entry comes out as when the sum behind it is added up wrongly: a term left out, the mean."""

from __future__ import annotations

from collections.abc import Iterator

from engine.entries import Entries, NoEntries, Sum
from engine.teaching.asking import Asked
from engine.teaching.candidates import Candidate
from engine.teaching.goal import OF

MOST_TERMS = 40
"""Terms of a sum that are tried; the largest ones."""


def candidates(question: Asked) -> Iterator[Candidate]:
    """Slips in the sums behind the entry at the steps that make it, which are the last ones."""
    script, forward = question.evaluation.steps.script, question.of == OF[0]
    if not forward:
        yield from _of_terms(question)
    for step in question.steps:
        if step.phase == "seed":
            continue
        try:
            found = Entries(step).at(question.index, MOST_TERMS)
        except (NoEntries, IndexError):
            continue
        if found.adds_up and (found.among > 1 or not forward):
            beside = question.number - found.value
            for mistake, value in _others(found, forward):
                yield Candidate(
                    mistake, script.outlines[step.number - 1], beside + value,
                    entry=question.index, gave=value, right=found.value, count=str(found.among),
                )  # fmt: skip


def _of_terms(question: Asked) -> Iterator[Candidate]:
    """The sum over the readers of a single number, of one factor of each term."""
    steps = [s for s in question.steps if s.contribution is not None]
    if len(steps) < 2:
        return
    read, totals = question.evaluation.steps.telling.read, {"handed on": 0.0, "locals": 0.0}
    for step in steps:
        term = step.contribution
        for name, ref in zip(totals, (term.upstream, term.local) if term else (), strict=True):
            value = None if ref is None else read(ref)
            if value is None or value.ndim:
                return
            totals[name] += float(value)
    outline = question.evaluation.steps.script.outlines[steps[0].number - 1]
    for name, total in totals.items():
        yield Candidate(
            name, outline, total, gave=total, right=question.number, count=str(len(steps))
        )


def _others(found: Sum, forward: bool) -> Iterator[tuple[str, float]]:
    total, whole = found.value, not found.left
    if forward and not any(t.partner for t in found.terms):
        return
    if found.count > 1:
        for term in found.terms:
            yield "one of", term.value
            yield "all but one", total - term.value
        yield "mean of", total / found.among
    if not whole:
        return
    if not forward:
        yield ("handed on" if found.count > 1 else "local"), sum(t.factor for t in found.terms)
        yield ("locals" if found.count > 1 else "upstream"), sum(t.local for t in found.terms)
    else:
        yield "unweighted", sum(t.factor for t in found.terms)
        yield "unweighted", sum(t.local for t in found.terms)
