"""A typed number graded: right, or wrong and which step on the way to it went wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.evaluate import Evaluation
from engine.lesson import Step as LessonStep
from engine.lines import Line
from engine.shapes import ShapeError
from engine.teaching import forward_slips, sums
from engine.teaching.asking import Asked, NotAsked, asked, line_at
from engine.teaching.candidates import Candidate, Slopes
from engine.teaching.goal import OF
from engine.teaching.mistakes import MISTAKES
from engine.teaching.naming import entry_text, key_of
from engine.teaching.nearness import distances
from engine.teaching.telling import found_text, needed_text, walk
from engine.teaching.typed import decimals, read_number

TOLERANCE = LessonStep().tolerance
"""The relative error up to which an answer is right, unless a question says otherwise."""
FLOOR = 1e-9
"""The error up to which an answer near 0 is right."""
_EXACT, _ROUGHLY = 1e-6, 0.05
_ENTRIES = 100  # of a tensor that an answer is compared with
_UNUSUAL, _FINE, _FINEST = 7, 0.01, 0.002
"""The rank from which on a mistake has to give an answer to all its digits: two or three at least, three
or four where it would have been made further away."""
_BESIDE = 2
"""Steps up to which a value is one that is easily taken for another one, by so few digits as well."""
_WEAK = {"other": 1, "ten": 1_000_000, "upside down": 1_000_000}
"""Mistakes of a whole answer that are less likely than one at a step so far away."""


@dataclass(frozen=True)
class Hint:
    """A micro-step that is shown with an answer: its number in the whole pass, its line, and a sentence
    that stands before it. A line without parts shows nothing."""

    step: int
    line: Line
    said: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer.

    `said` is the verdict in words, one or two sentences. `answer` is the number that was typed, None
    where it is none. `mistake` is the name of the mistake that explains it (a row of MISTAKES), `step`
    the number of the micro-step that it was made at (0 where none is known), `line` that step's rule:
    symbols with numbers below, without the number that is asked for. `needed` is what the rule gives and
    what the answer was made with, with $formulas$ in LaTeX. `hints` lead on from there, to be shown one
    after another; they never show the number that is asked for. `matches` is how many mistakes (at
    other steps, or others) would give this very answer, this one among them.
    """

    right: bool
    said: str
    answer: float | None = None
    mistake: str = ""
    step: int = 0
    line: Line | None = None
    needed: str = ""
    hints: Sequence[Hint] = ()
    matches: int = 0


def grade(
    evaluation: Evaluation,
    text: str,
    node: str,
    of: str = "value",
    index: tuple[int, ...] = (),
    tolerance: float = TOLERANCE,
) -> Verdict:
    """What is said of a number that was typed for the value or the gradient of a node.

    `evaluation` is the whole document's, `node` a path of names, `index` an entry of a tensor.
    Never raises: what cannot be read or asked is said.
    """
    try:
        question = asked(evaluation, node, of, index)
        answer = read_number(text)
    except (NotAsked, ValueError) as error:
        return Verdict(False, str(error))
    if is_right(answer, question.number, tolerance):
        return Verdict(True, "Right.", answer)
    unit, hints = decimals(text), hints_of(question)
    if not question.first:
        said = f"{node} is given: its value stands at the node."
        return Verdict(False, said, answer, hints=hints)
    found = _matching(question, answer, unit, tolerance)
    if not found:
        said = f"That is not {question.name}, and none of the usual mistakes gives it."
        said += f" {hints[0].said}" if hints else ""
        return Verdict(False, said, answer, hints=hints)
    best = found[0]
    said = found_text(question, best)
    if isinstance(best, _Whole):
        return Verdict(False, said, answer, best.mistake, hints=hints, matches=len(found))
    step = evaluation.steps[best.outline.number - 1]
    ends = [s.number for s in question.steps] == [step.number]
    own = question.index if ends else best.entry
    line = line_at(step, own)
    line = without_result(line) if ends else line
    needed = needed_text(question, best, ends)
    return Verdict(False, said, answer, best.mistake, step.number, line, needed, hints, len(found))


def is_right(answer: float, number: float, tolerance: float = TOLERANCE) -> bool:
    """Whether an answer is a number up to the relative tolerance, near 0 up to FLOOR."""
    if math.isnan(number) or math.isinf(number):
        return answer == number or (math.isnan(answer) and math.isnan(number))
    return abs(answer - number) <= max(tolerance * abs(number), FLOOR)


def hints_of(question: Asked) -> list[Hint]:
    """The steps that make a number, each without what it comes to."""
    return [
        Hint(step.number, without_result(question.line(step)), said)
        for step, said in walk(question)
    ]


def without_result(line: Line) -> Line:
    """A line that ends before its result."""
    return Line(line.parts[:-2], line.in_shapes) if line.parts else line


# ---------------------------------------------------------------- what explains an answer


@dataclass(frozen=True)
class _Whole:
    """A mistake of the whole answer; `of` is what the answer is instead, where it is another number, and
    `node` the node that has it."""

    mistake: str
    number: float
    of: str = ""
    node: str = ""


def _matching(
    question: Asked, answer: float, unit: float, tolerance: float
) -> list[Candidate | _Whole]:
    """The mistakes that give an answer, the likeliest first: those at the steps that make the number,
    whose operands stand on the screen, before those at steps that were seen right, the nearest first."""
    ranked: list[tuple[tuple[bool, int, int, int, float], int, Candidate | _Whole]] = []
    away = distances(question)
    for found in _all(question, answer, unit):
        number, row = found.number, MISTAKES[found.mistake]
        if not math.isfinite(number) or is_right(number, question.number, tolerance):
            continue
        off, size = abs(answer - number), abs(number)
        close = max(_EXACT * size, min(unit, tolerance * size), FLOOR)
        if not off <= max(close, tolerance * size):  # also where the answer is NaN
            continue
        far, place, rank = _WEAK.get(found.mistake, 0), 0, row.rank
        if isinstance(found, Candidate):
            nearest, place = found.nearest or found.outline, found.outline.number
            far = away.get(nearest.target or nearest.node, len(away))
            rank += found.is_trivial + (found.times > 1)
            told = away.get(found.outline.target or found.outline.node, len(away))
            if (far and off > close) or ((far or told) and not row.far):
                continue
        elif found.node:
            beyond = away.get(found.node, len(away)) > _BESIDE and question.of == OF[0]
            if beyond and unit > _FINEST * size:
                continue
        fine = _FINEST if far else _FINE
        is_exact = off <= _EXACT * size and (isinstance(found, _Whole) or not far)
        if row.rank >= _UNUSUAL and not is_exact and (off > close or unit > fine * size):
            continue
        ranked.append(((off > close, far, rank, place, off), len(ranked), found))
    ranked.sort(key=lambda item: item[:2])
    return [found for _, _, found in ranked]


def _all(question: Asked, answer: float, unit: float) -> Iterator[Candidate | _Whole]:
    yield from _of_whole(question, answer, unit)
    try:
        yield from sums.candidates(question)
        if question.of == OF[0]:
            yield from forward_slips.candidates(question)
        else:
            yield from Slopes(question).candidates()
    except (ArithmeticError, LookupError, ShapeError, ValueError):
        return  # a step that cannot be done again: the answer is graded all the same


def _of_whole(question: Asked, answer: float, unit: float) -> Iterator[_Whole]:
    number, evaluation = question.number, question.evaluation
    off = abs(answer - number)
    if unit and off <= 2 * unit and off <= _ROUGHLY * abs(number):
        yield _Whole("rounded" if off < unit else "cut", answer)
    yield _Whole("turned", -number)
    readers = [s.node for s in question.steps if s.phase == "backward"]
    if len(readers) > 1:
        names = [evaluation.steps.telling.name(n) for n in dict.fromkeys(readers)]
        yield _Whole("nothing", 0.0, " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))))
    has_digits = number != float(f"{number:.0e}")
    for power in (-3, -2, -1, 1, 2, 3) if has_digits else ():
        yield _Whole("ten", number * 10.0**power)
    if number:
        yield _Whole("upside down", 1.0 / number)
    key = key_of(evaluation.graph, question.node)
    other = OF[1] if question.of == OF[0] else OF[0]
    if key != evaluation.output or other == OF[0]:  # the output's own gradient is 1 everywhere
        try:
            theirs = asked(evaluation, question.node, other, question.index)
            yield _Whole("gradient" if other == OF[1] else "value", theirs.number)
        except NotAsked:
            pass
    table = evaluation.values if question.of == OF[0] else evaluation.gradients
    what = "the value of" if question.of == OF[0] else "the gradient at"
    if question.index and isinstance(key, str) and table[key].size <= _ENTRIES:
        for index in np.ndindex(*table[key].shape):
            if index != question.index:
                entry = entry_text(question.node, index)
                yield _Whole(
                    "entry", float(table[key][index]), f"{what} {entry}, not {question.name}"
                )
    for node_id in evaluation.graph.nodes:
        name = evaluation.graph.name(node_id)
        if name == question.node or node_id not in table or evaluation.specs[node_id].shape:
            continue
        value = np.asarray(table[node_id])
        is_seed = question.of == OF[1] and node_id == evaluation.output
        if value.dtype.kind == "f" and not is_seed:
            of = f"{what} {name}, not {question.name}"
            yield _Whole("other", float(value), of, evaluation.step_of(node_id))
