"""Random small graphs with numbers that can be done by hand, as lessons: each value and gradient is asked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, get_args

import numpy as np

from engine.compose import compose
from engine.edits import set_setting
from engine.evaluate import Evaluation, evaluate
from engine.expression import Name
from engine.graph import Graph
from engine.lesson import Step
from engine.teaching.asking import Asked, asked
from engine.teaching.goal import OF
from engine.teaching.naming import entry_text
from engine.trace import Step as MicroStep
from engine.wording import GRADIENT, formula_tree

Questions = Literal["all", "values", "gradients"]
QUESTIONS: tuple[str, ...] = get_args(Questions)
_NAMES = ("a", "b", "c", "d", "p", "q", "r", "s", "t", "u")
_TRIES = 20_000
_ENTRIES = 2  # of a tensor that are asked for


@dataclass(frozen=True, slots=True)
class Level:
    """How hard a quiz is. `plain` and `own` are formulas over operands `{0}`, `{1}`, the first the newest
    node; at least `least` are of its `own`. `numbers` are what inputs begin with, `inputs` how many
    there are, `steps` how many nodes are computed (least and most). Every value is a multiple of `grain`
    (0 for any number) and not larger than `largest`. At least `fans` nodes are read more than once."""

    title: str
    plain: tuple[str, ...]
    own: tuple[str, ...]
    least: int
    numbers: tuple[float, ...]
    inputs: int
    steps: tuple[int, int]
    grain: float
    largest: float
    fans: int = 0
    vectors: bool = False


_WHOLE = (-3.0, -2.0, -1.0, 2.0, 3.0, 4.0, 5.0)
_HALVES = (*_WHOLE, 0.5, 1.5, 2.5, -0.5, -1.5)
_SMALL = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
_SUMS = ("{0} + {1}", "{0} - {1}", "{1} - {0}", "2 * {0}")
_MORE = (*_SUMS, "{0} * {1}", "3 * {0}")
_FUNCTIONS = ("exp({0})", "sin({0})", "cos({0})", "sigmoid({0})", "tanh({0})")

LEVELS = (
    Level("a chain of sums and products", _SUMS[:2], ("{0} * {1}", "3 * {0}"), 1, _WHOLE, 2, (2, 3),
          1.0, 40.0),
    Level("a value that is used twice", _SUMS, ("{0} * {1}", "{0}^2", "3 * {0}"), 1, _WHOLE, 2, (3, 4),
          1.0, 60.0, 1),
    Level("halves, quotients, the larger of two", _MORE,
          ("{0}^2", "max({0}, {1})", "relu({0})", "{0} / 2", "{1} / {0}"), 1, _HALVES, 3, (4, 5),
          0.25, 60.0, 1),
    Level("exponentials, sines and sigmoids", (*_MORE, "{0}^2", "{1} / {0}"), _FUNCTIONS, 2, _SMALL, 3,
          (5, 6), 0.0, 30.0, 1),
    Level("a matrix and a vector, and a value that is used twice",
          (*_MORE, "{0}^2", "{0} / {1}", "max({0}, {1})"), _FUNCTIONS, 1, _SMALL, 2, (4, 5),
          0.0, 30.0, 1, True),
)  # fmt: skip
"""The levels of difficulty, 1 first."""


def quiz(seed: int, difficulty: int = 1, questions: Questions = "all") -> Graph:
    """A document whose lesson asks for the value of every node, in the order of the forward pass, and
    then for every gradient, in the order of the backward pass.

    The same seed, difficulty (1 to 5) and questions give the same document on every machine. Raises
    ValueError with a sentence.
    """
    if not 1 <= difficulty <= len(LEVELS):
        raise ValueError(f"the level of a quiz is a whole number from 1 to {len(LEVELS)}")
    if seed < 0:
        raise ValueError("the seed of a quiz is a whole number of 0 or more")
    if questions not in QUESTIONS:
        raise ValueError(f"a quiz asks for {', '.join(QUESTIONS)}, not {questions!r}")
    level, draw = LEVELS[difficulty - 1], _Draw(seed, difficulty)
    for _ in range(_TRIES):
        program, values = _program(level, draw)
        if program and _is_sound(program, values, level):
            return _document(compose(program, values), seed, difficulty, questions)
    raise ValueError(f"no quiz of level {difficulty} was found for seed {seed}; take another seed")


def table() -> str:
    """The levels as a table in Markdown."""
    lines = ["| level | what it is about | nodes | numbers |", "|---|---|---|---|"]
    for number, level in enumerate(LEVELS, 1):
        least, most = (n + level.inputs + 4 * level.vectors for n in level.steps)
        grain = {1.0: "whole", 0.25: "halves and quarters"}.get(level.grain, "four digits")
        lines.append(f"| {number} | {level.title} | {least} to {most} | {grain} |")
    return "\n".join(lines) + "\n"


class _Draw:
    """Choices by seed. Only `random()` is used: of Python's generator it alone is promised to stay as
    it is in later versions."""

    def __init__(self, seed: int, difficulty: int) -> None:
        self._random = random.Random(seed * 8 + difficulty).random

    def one(self, things: Sequence[Any]) -> Any:
        return things[int(self._random() * len(things))]

    def chance(self, share: float) -> bool:
        return self._random() < share


def _program(level: Level, draw: _Draw) -> tuple[str, dict[str, Any]]:
    """Formulas and the values of their inputs; empty where a name would be left over."""
    inputs = ["x", "y", "z"][: level.inputs]
    values: dict[str, Any] = {name: draw.one(level.numbers) for name in inputs}
    lines: list[str] = []
    made: list[str] = []
    fresh = list(inputs)  # not read so far
    if level.vectors:
        values |= {
            "W": [[draw.one(level.numbers) for _ in range(2)] for _ in range(2)],
            "v": [draw.one(level.numbers) for _ in range(2)],
        }
        lines += [
            "h = W @ v",
            draw.one(("a = sum(h)", "k = h^2\na = sum(k)", "k = sigmoid(h)\na = sum(k)")),
        ]
        made, fresh = ["a"], [*fresh, "a"]
    count = draw.one(range(level.steps[0], level.steps[1] + 1))
    own = 0
    for i in range(count):
        last = i == count - 1
        owns = draw.chance(level.least / count + 0.15)
        own += owns
        row = draw.one(level.own if owns else level.plain)
        first = made[-1] if made else draw.one(inputs)
        wanted = [n for n in fresh if n != first]
        others = wanted if wanted and (last or not draw.chance(0.35)) else [*inputs, *made]
        second = draw.one([n for n in others if n != first] or others)
        used = {first} | ({second} if "{1}" in row else set())
        fresh = [n for n in fresh if n not in used]
        name = "J" if last else next(n for n in _NAMES if n not in made)
        lines.append(f"{name} = {row.format(first, second)}")
        made.append(name)
        fresh.append(name)
    return ("\n".join(lines), values) if fresh == ["J"] and own >= level.least else ("", {})


def _is_sound(program: str, values: dict[str, Any], level: Level) -> bool:
    """Whether the numbers are of a good size and tell mistakes apart."""
    found = evaluate(compose(program, values))
    if found.adjoints is None or found.faults or not found.steps:
        return False
    graph = found.graph
    readers = [len(graph.structure.out_edges(n)) for n in graph.nodes]
    if sum(count > 1 for count in readers) < level.fans:
        return False
    numbers = [float(v) for n in found.values for v in np.ravel(found.values[n])]
    slopes = [float(v) for n in found.values for v in np.ravel(found.gradients.get(n, np.zeros(1)))]
    if any(not abs(v) <= level.largest for v in (*numbers, *slopes)):
        return False
    if level.grain and any(v / level.grain != round(v / level.grain) for v in (*numbers, *slopes)):
        return False
    if any(abs(v) < 0.01 for v in slopes) or any(0 < abs(v) < 0.01 for v in numbers):
        return False
    single = [float(found.values[n]) for n in graph.nodes if not found.specs[n].shape]
    groups = [
        single,
        *(np.ravel(found.values[n]).tolist() for n in graph.nodes if found.specs[n].rank == 1),
    ]
    if any(len({round(v, 6) for v in group}) < len(group) for group in groups):
        return False
    inner = {round(v, 6) for v in slopes}
    return len(inner) > min(2, len(slopes) // 2) and not _at_kink(found)


def _at_kink(found: Evaluation) -> bool:
    """Whether a node that has a kink is near it: two operands, or one and 0, are nearly equal."""
    for flat in found.expansion.nodes.values():
        if flat.id in found.graph.nodes and (flat.op.ties or flat.op.flat):
            read = [np.asarray(found.steps.telling.read(a)) for a in flat.args]
            read = [*read, np.zeros(())][:2]
            if any(np.ravel(np.abs(read[0] - read[1])) < 0.2):
                return True
    return False


# ---------------------------------------------------------------- the lesson


def _document(graph: Graph, seed: int, difficulty: int, questions: str) -> Graph:
    level = LEVELS[difficulty - 1]
    title = f"Quiz {seed}, level {difficulty}"
    about = f"A graph to be computed by hand, node by node: {level.title}."
    steps = tuple(lesson_of(evaluate(graph), questions, 0.001 if level.grain else TOLERANCE))
    for key, value in (("title", title), ("about", about), ("lesson", steps)):
        set_setting(key, value).apply(graph)
    return graph


TOLERANCE = Step().tolerance


def lesson_of(
    evaluation: Evaluation, questions: str = "all", tolerance: float = TOLERANCE
) -> Iterator[Step]:
    """The steps of a lesson that asks for every value that is computed and every gradient but the
    output's own, of tensors for a few entries: of a small document, as a lesson has no more steps, and a
    step no more hints, than `check_lesson` lets it. Raises NotAsked."""
    telling = evaluation.steps.telling
    if questions in ("all", "values"):
        for micro in evaluation.steps:
            if micro.phase == "forward":
                yield from _asks(evaluation, micro, micro.node, OF[0], tolerance)
    if questions in ("all", "gradients") and evaluation.adjoints is not None:
        order: dict[str, MicroStep] = {}
        for micro in evaluation.steps:
            if micro.phase == "backward" and micro.target is not None:
                order.pop(micro.target, None)  # its last term is where it is known
                order[micro.target] = micro
        for target, micro in order.items():
            if target in telling.graph.nodes:
                yield from _asks(evaluation, micro, target, OF[1], tolerance)


def _asks(
    evaluation: Evaluation, micro: MicroStep, node_id: str, of: str, tolerance: float
) -> Iterator[Step]:
    graph, telling = evaluation.graph, evaluation.steps.telling
    if node_id not in graph.nodes:
        return
    name, shape = graph.name(node_id), evaluation.specs[node_id].shape
    for index in islice(np.ndindex(*shape), _ENTRIES):
        question = asked(evaluation, name, of, tuple(map(int, index)))
        entry = entry_text(name, question.index)
        hints: list[str] = []
        if of == OF[0]:
            formula = telling.latex(formula_tree(graph, node_id))
            title = f"The value of {entry}"
            rule = f"{telling.latex(Name(name))} = {formula}"
            text = f"Go forward: what is ${telling.latex(Name(entry))}$, where ${rule}$?"
        else:
            text = f"Go backward: what is ${telling.latex(Name(GRADIENT + entry))}$?"
            title = f"The gradient at {entry}"
            count = len(question.steps)
            if count > 1:
                hints.append(
                    f"{name} is read {count} times: its gradient is a sum of {count} terms."
                )
            hints += [f"${question.line(s).symbols}$" for s in question.steps]
        yield Step(
            "ask", title=title, text=text, hints=tuple(hints), explanation=explanation(question),
            node=name, of="value" if of == OF[0] else "gradient", index=question.index,
            tolerance=tolerance,
        )  # fmt: skip


def explanation(question: Asked) -> str:
    """The lines that make a number, in symbols and in numbers, a paragraph each."""
    lines = [question.line(step) for step in question.steps]
    return "\n\n".join(f"${line.symbols}$\n\n${line.numbers}$" for line in lines)
