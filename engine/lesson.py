"""What a lesson is made of: steps that tell, wait for a deed or ask; the checks of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from engine.fields import GraphError, check_fields, is_number, is_text, is_whole

Kind = Literal["read", "do", "ask", "choose"]
KINDS: tuple[str, ...] = get_args(Kind)
At = Literal["", "start", "forward", "end"]
PANEL = re.compile(r"[a-z_]{1,40}")
NAME = re.compile(r"[^\W\d]\w*")
MAX_STEPS = 200
MAX_PARTS = 20
"""Hints, choices, panels, settings or indices of one step."""
MAX_TEXT = 10_000
"""Letters of one text of a step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a lesson. `text` and `explanation` are paragraphs with **bold** words and $formulas$
    in LaTeX, as notes have; the explanation is told when the step is done, hints when they are asked for.

    `kind` says when it is done: "read" when it was read; "do" when the goal called `goal` is reached
    (`engine.teaching` knows what each is, `settings` are its own); "ask" when the number was typed that
    is the value or the gradient (`of`) of the node called `node`, the entry at `index` of it, right up
    to the relative `tolerance`; "choose" when the choice number `answer`, from 0, was taken. `replies`
    are what is said of the choices when they are taken, one each; empty ones say nothing. A choice that
    names a `node` hides its number until it is taken, for that would tell the answer.

    `panels` are shown when the step is reached, none leaves them as they are; `at` is where the pass
    stands then: as it was, at the start, after the forward pass, at the end. Nodes are named, inside
    modules by the names on the way joined by points, because a step may speak of a node to come.
    """

    kind: Kind = "read"
    title: str = ""
    text: str = ""
    hints: tuple[str, ...] = ()
    explanation: str = ""
    panels: tuple[str, ...] = ()
    at: At = ""
    goal: str = ""
    settings: Mapping[str, float | str] = field(default_factory=dict)
    node: str = ""
    of: Literal["value", "gradient"] = "value"
    index: tuple[int, ...] = ()
    tolerance: float = 0.005
    choices: tuple[str, ...] = ()
    answer: int = 0
    replies: tuple[str, ...] = ()


def check_panels(panels: Iterable[Any]) -> None:
    """Raises GraphError unless these are names of panels, each once."""
    names = list(panels)
    for name in names:
        if not isinstance(name, str) or not PANEL.fullmatch(name):
            raise GraphError(f"{name!r} is not the name of a panel")
    if len(set(names)) < len(names):
        raise GraphError("a panel is named once")
    if len(names) > 2 * MAX_PARTS:
        raise GraphError(f"a document names {2 * MAX_PARTS} panels at most")


def check_lesson(steps: tuple[Any, ...]) -> None:
    """Raises GraphError with what is wrong with a lesson, and in which step."""
    if len(steps) > MAX_STEPS:
        raise GraphError(f"a lesson has {MAX_STEPS} steps at most; make two of it")
    for number, step in enumerate(steps, 1):
        try:
            if not isinstance(step, Step):
                raise GraphError("it is not a step")
            _check_step(step)
        except GraphError as error:
            raise GraphError(f"step {number} of the lesson: {error}") from None


def _check_step(step: Step) -> None:
    check_fields(step)
    if step.kind not in KINDS:
        raise GraphError(f"its kind is one of {', '.join(KINDS)}, not {step.kind!r}")
    if step.of not in ("value", "gradient") or step.at not in get_args(At):
        raise GraphError("it asks for a value or a gradient, at the start, forward or at the end")
    if not 0 < step.tolerance <= 1:
        raise GraphError("the tolerance of an answer is greater than 0, and 1 at most")
    check_panels(step.panels)
    for many in (step.hints, step.choices, step.settings, step.index):
        if len(many) > MAX_PARTS:
            raise GraphError(f"it has {MAX_PARTS} hints, choices and settings at most")
    texts = (
        step.title,
        step.text,
        step.explanation,
        step.goal,
        step.node,
        *step.hints,
        *step.choices,
        *step.replies,
    )
    if not all(is_text(text) and len(text) <= MAX_TEXT for text in texts):
        raise GraphError(f"a text of it is broken, or longer than {MAX_TEXT:,} letters")
    if not all(is_whole(place) and place >= 0 for place in step.index):
        raise GraphError("the place of an entry is whole numbers from 0 on")
    for name, value in step.settings.items():
        fits = is_number(value) or (is_text(value) and len(str(value)) <= MAX_TEXT)
        if not isinstance(name, str) or not NAME.fullmatch(name) or not fits:
            raise GraphError(f"the setting {name!r} of its goal cannot be {value!r}")
    if step.kind == "choose" and not 0 <= step.answer < len(step.choices):
        raise GraphError("its answer is the number of one of its choices")
    if step.replies and len(step.replies) != len(step.choices):
        raise GraphError("it replies to each of its choices, or to none")
