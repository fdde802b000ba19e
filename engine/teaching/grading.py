"""A typed number graded: right, or wrong and which step on the way to it went wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.evaluate import Evaluation
from engine.lines import Line
from engine.teaching.asking import Asked, NotAsked, asked
from engine.teaching.typed import read_number

TOLERANCE = 1e-3
"""The relative error up to which an answer is right, unless a question says otherwise."""
FLOOR = 1e-9
"""The error up to which an answer near 0 is right."""


@dataclass(frozen=True)
class Hint:
    """A micro-step that is shown with an answer: its number in the whole pass, its line, and a sentence
    that may stand before it."""

    step: int
    line: Line
    said: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer.

    `said` is the verdict in words, one or two sentences. `answer` is the number that was typed, None
    where it is none. `mistake` is the name of the mistake that explains it, `step` the number of the
    micro-step that it was made at (0 where none is known), `line` that step's rule: symbols with
    numbers below; `needed` says what the answer was made with instead. `hints` lead on from
    there, to be shown one after another; they never show the number that is asked for.
    """

    right: bool
    said: str
    answer: float | None = None
    mistake: str = ""
    step: int = 0
    line: Line | None = None
    needed: str = ""
    hints: Sequence[Hint] = ()


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
    return Verdict(False, "Not yet.", answer, hints=_hints(question))


def is_right(answer: float, number: float, tolerance: float = TOLERANCE) -> bool:
    """Whether an answer is a number up to the relative tolerance, near 0 up to FLOOR."""
    if math.isnan(number) or math.isinf(number):
        return answer == number or (math.isnan(answer) and math.isnan(number))
    return abs(answer - number) <= max(tolerance * abs(number), FLOOR)


def reveal(
    evaluation: Evaluation, node: str, of: str = "value", index: tuple[int, ...] = ()
) -> tuple[float, Sequence[Hint]]:
    """The number that is asked for, and the micro-steps that make it. Raises NotAsked."""
    question = asked(evaluation, node, of, index)
    return question.number, _hints(question)


def _hints(question: Asked) -> Sequence[Hint]:
    return [Hint(step.number, question.line(step)) for step in question.steps]
