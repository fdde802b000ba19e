"""What a student who makes a usual mistake in a lesson is told, in whole sentences."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engine import lessons
from engine.compose import compose
from engine.evaluate import Evaluation, evaluate
from engine.lesson import Step
from engine.teaching.asking import asked
from engine.teaching.grading import grade
from engine.train.data import feeds

DRAWN = compose("t = square(x)\ny = t + x", {"x": 3.0})
"""What a student has drawn by the question of the first lesson, which begins with nothing."""
MOVED = {("backward", 4): ("x", 0.5)}
"""An input that a lesson has had changed before a question, which is told by its number."""
VANISHING = "vanishing-gradients-by-hand"
BY_HAND = "autoencoder-by-hand"


@cache
def question(lesson: str, number: int) -> tuple[Evaluation, Step]:
    """The document as it stands at a question of a lesson, the first being 1, and its step."""
    graph = lessons.load(lesson)
    step: Step = [s for s in graph.settings["lesson"] if s.kind == "ask"][number - 1]
    if not graph.nodes:
        return evaluate(DRAWN), step
    name, value = MOVED.get((lesson, number), ("", 0.0))
    if name:
        graph.put("tensors", str(graph.id_of(name)), np.array(value))
    return evaluate(graph, feeds(graph)), step


def said(found: Evaluation, answer: str, step: Step) -> str:
    verdict = grade(found, answer, step.node, step.of, step.index, step.tolerance)
    assert not verdict.right
    return verdict.said


IN_LESSONS = [
    ("graphs", 1, "27", "You multiplied; y adds: t + x."),
    ("graphs", 1, "9", "You left out x: y is t + x."),
    ("graphs", 1, "3", "You left out t: y is t + x."),
    ("graphs", 1, "-12", "Only the sign is wrong: y is t + x."),
    ("backward", 1, "-0.6441", "Only the sign is wrong: it is the gradient at u times the local derivative "
     "of u = u1 + u2."),
    ("backward", 1, "1", "That is the local derivative of u = u1 + u2 alone: multiply it by the "
     "gradient at u."),
    ("backward", 2, "0.348", "You left out the way through u2: t is read 2 times, so 2 terms are added."),
    ("backward", 2, "1.932", "You left out the way through u1: t is read 2 times, so 2 terms are added."),
    ("backward", 2, "2.58", "That is the gradient at u1 as it is: multiply it by the local derivative of "
     "u1 = sin(t) along t."),
    ("backward", 2, "3.54", "You added the local derivatives alone: multiply each by its upstream gradient "
     "first."),
    ("backward", 2, "1.288", "You added the gradients as they are: multiply each by its local derivative "
     "first."),
    ("backward", 3, "2.2804", "That is the gradient at t as it is: multiply it by the local derivative of "
     "t = x^2 along x."),
    ("backward", 3, "2", "That is the local derivative of t = x^2 alone: multiply it by the gradient at t."),
    ("backward", 3, "0", "It is not 0: t = x^2 has a slope here, which is multiplied by the gradient at t."),
    ("backward", 4, "0", "It is not 0: add what comes back through u1 and u2."),
    ("training", 1, "3", "You left out b: prediction is wx + b."),
    ("training", 1, "5", "That is the value of prediction[3,0], not the value of prediction[2,0]."),
    ("training", 2, "3", "You exchanged the operands: error is prediction - y."),
    ("training", 2, "11", "You added; error subtracts: prediction - y."),
    ("training", 2, "4", "You left out y: error is prediction - y."),
    ("training", 3, "30", "That is the sum; loss is the mean: divide by 4."),
    ("training", 3, "-2.5", "You left out the exponent 2: squared is error^2."),
    ("training", 3, "2.5", "You left out the exponent 2: squared is error^2."),
    ("training", 4, "-6", "That is the local derivative of squared = error^2 alone: multiply it by the "
     "gradient at squared."),
    ("training", 4, "-0.75", "You left out the factor 2: it belongs to the local derivative of "
     "squared = error^2 along error."),
    ("training", 4, "-3", "That is the value of error[2,0]; asked for is the gradient of loss with respect "
     "to it."),
    ("training", 4, "1.5", "Only the sign is wrong: it is the gradient at squared times the local "
     "derivative of squared = error^2."),
    ("training", 5, "-1.25", "That is the mean of the 4 terms; the gradient at b is their sum."),
    ("training", 5, "-1.5", "That is one of the 4 terms alone; the gradient at b is their sum."),
    ("training", 5, "-15", "That is the gradient at w, not the gradient at b."),
    ("why-sgd-works", 1, "-4", "Only the sign is wrong: it is the gradient at J times the local derivative "
     "of J = w^2."),
    ("why-sgd-works", 1, "8", "You kept the exponent: it is one less in the derivative of J = w^2 along w."),
    (VANISHING, 1, "0", "That is s0 as it is: s1 is sigmoid(s0)."),
    (VANISHING, 2, "0.6572", "You left out the factor 1 - s4: it belongs to the local derivative of "
     "s4 = sigmoid(s3) along s3."),
    (VANISHING, 3, "0.01203", "That is the gradient at s1 as it is: multiply it by the local derivative of "
     "s1 = sigmoid(s0) along s0."),
    (BY_HAND, 3, "0.5625", "You left out v2: J is v1 + v2."),
    (BY_HAND, 3, "1.25", "You left out the exponent 2: v1 is e1^2. The same is done at one more step."),
    (BY_HAND, 4, "-1.5", "You left out the way through q2: z is read 2 times, so 2 terms are added."),
    (BY_HAND, 4, "-0.95", "You left out the factor 2: it belongs to the local derivative of v1 = e1^2 along "
     "e1. The same is done at one more step."),
    (BY_HAND, 5, "2", "That is the local derivative of p1 = w1 * x1 alone: multiply it by the "
     "gradient at p1."),
]  # fmt: skip


@pytest.mark.parametrize(("lesson", "number", "answer", "told"), IN_LESSONS)
def test_a_usual_mistake_in_a_lesson(lesson: str, number: int, answer: str, told: str) -> None:
    found, step = question(lesson, number)
    assert said(found, answer, step) == told


LOSS = "J = mse(p, y)", {"p": [1.0, 2, 3, 5], "y": [2.0, 4, 2, 1]}
SUM = "s = e^2\nJ = sum(s)", {"e": [1.0, 2, 3, 5]}
COLUMNS = "m = mean(h, axis=0)\nJ = sum(m*c)", {"h": [[1.0, 2], [3, 5]], "c": [3.0, 7]}
LAYER = (
    "h = W @ x\nk = h + b\nJ = sum(k^2)",
    {"W": [[1.0, 2], [3, 5]], "x": [3.0, 7], "b": [0.75, 1.5]},
)
PRODUCT = (
    "h = X @ w\nJ = mse(h, y)",
    {"X": [[1.0, 2], [3, 5], [2, 1]], "w": [0.5, 2], "y": [1.0, 2, 4]},
)
BINARY = "J = bce(p, y)", {"p": [0.2, 0.7, 0.9], "y": [0.0, 1, 1]}
DOUBLED = "t = square(x)\ny = t + x", {"x": 2.0}
ELSEWHERE = [
    (DOUBLED, "y", "value", (), "8", "You multiplied; y adds: t + x."),
    (LOSS, "J", "value", (), "22", "That is the sum; J is the mean: divide by 4."),
    (LOSS, "J", "value", (), "2", "You left out the exponent 2: J is mean((p - y)^2)."),
    (LOSS, "p", "gradient", (0,), "-2", "You did not divide by 4: J is a mean of 4 numbers."),
    (LOSS, "p", "gradient", (2,), "0.25", "You left out the factor 2: it belongs to the local derivative of "
     "J = mse(p, y) along p."),
    (LOSS, "p", "gradient", (3,), "4", "You left out the factor 2 and the division by 4."),
    (LOSS, "p", "gradient", (3,), "-2", "Only the sign is wrong: it is the gradient at J times the local "
     "derivative of J = mse(p, y)."),
    (SUM, "J", "value", (), "9.75", "That is the mean; J is the sum: do not divide by 4."),
    (SUM, "s", "gradient", (0,), "0.25", "You divided by 4: J is a sum, so nothing is divided."),
    (COLUMNS, "m", "value", (0,), "4", "That is the sum; m is the mean: divide by 2."),
    (COLUMNS, "h", "gradient", (0, 0), "3", "You did not divide by 2: m is a mean of 2 numbers."),
    (LAYER, "k", "value", (0,), "17", "You left out b: k is h + b."),
    (PRODUCT, "h", "value", (0,), "2.5", "You added up one operand alone: h is X @ w, so each entry is "
     "multiplied first."),
    (BINARY, "J", "value", (), "0.6851", "That is the sum; J is the mean: divide by 3."),
]  # fmt: skip


@pytest.mark.parametrize(("program", "node", "of", "index", "answer", "told"), ELSEWHERE)
def test_a_usual_mistake_with_sums_and_means(
    program: tuple[str, dict[str, object]],
    node: str,
    of: str,
    index: tuple[int, ...],
    answer: str,
    told: str,
) -> None:
    verdict = grade(evaluate(compose(*program)), answer, node, of, index)
    assert not verdict.right and verdict.said == told


@pytest.mark.parametrize(
    "lesson_step", sorted({(lesson, number) for lesson, number, _, _ in IN_LESSONS})
)
def test_what_stands_on_the_screen_is_not_doubted_for_a_guess(lesson_step: tuple[str, int]) -> None:
    """Any number that is no mistake at the last steps: a step further away is named for a usual mistake
    only, never for an operation that nobody takes for another one."""
    found, step = question(*lesson_step)
    own = {s.number for s in asked(found, step.node, step.of, step.index).steps}
    for answer in np.arange(-10, 10.25, 0.25):
        verdict = grade(found, f"{answer:g}", step.node, step.of, step.index, step.tolerance)
        if not verdict.right and verdict.step not in {0, *own}:
            assert verdict.mistake not in {"another", "another deed", "negated", "unapplied"}
            assert verdict.mistake not in {"forgotten", "exchanged", "blocked", "inverted"}
