"""What a goal is, what its settings are, and the situation that it is looked for in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.evaluate import Evaluation
from engine.graph import Graph
from engine.teaching.naming import key_of

Kind = Literal[
    "node", "operator", "port", "panel", "number", "whole", "relation", "of", "part", "entry",
    "field", "text",
]  # fmt: skip
"""What a setting is: the name (or path of names) of a node, the name of a row of the operator table,
a port, a panel, a number, a whole number of 0 or more, one of RELATIONS, "value" or "gradient", a part
of the data, an entry (`0,1`), a field of a stage of the recipe, or any text."""
RELATIONS = {"<": "below", ">": "above", "=": "equal to"}
OF = ("value", "gradient")
PARTS = ("train", "validation")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "relation": tuple(RELATIONS), "of": OF, "part": PARTS,
}  # fmt: skip
"""Kinds of settings that are one of a few."""
NEAR = 1e-3
"""Numbers are equal up to this part of the larger one, and up to this of 0."""

Settings = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a goal, for a form: what it is called, its kind, what it begins with, what it does.

    A `needed` one is not empty. It is a number when `default` is one.
    """

    name: str
    title: str
    kind: Kind
    default: float | str
    doc: str
    needed: bool = True

    @property
    def choices(self) -> tuple[str, ...]:
        return CHOICES.get(self.kind, ())


@dataclass(frozen=True)
class Situation:
    """What there is when a goal is looked at; the window fills it.

    `graph` is the whole document and `evaluation` its numbers, `cursor` how many of all its micro-steps
    are shown. `selected` are nodes and `place` the module that is looked into, by paths of names
    (`block.h`); `panels` the names of those that are open. `steps` and `epochs` tell how long the
    document was trained, `measures` the newest loss (as `loss`) and metrics by part of the data.
    """

    graph: Graph
    evaluation: Evaluation
    cursor: int = 0
    selected: tuple[str, ...] = ()
    panels: frozenset[str] = frozenset()
    place: str = ""
    steps: int = 0
    epochs: int = 0
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Goal:
    """A row: `reached(situation, settings)` with every setting there and of the right type;
    `said(settings)` is what is to do, a sentence; `holding(situation)` gives settings with which it is
    reached now, the likeliest first."""

    name: str
    title: str
    settings: tuple[Setting, ...]
    reached: Callable[[Situation, Settings], bool]
    said: Callable[[Settings], str]
    holding: Callable[[Situation], Iterator[Settings]]


def related(number: float, relation: str, bound: float) -> bool:
    """Whether a number is below, above or (nearly) equal to another one; NaN is neither."""
    if relation == "=":
        return abs(number - bound) <= NEAR * max(1.0, abs(number), abs(bound))
    return number < bound if relation == "<" else number > bound


def number_in(settings: Settings, name: str) -> float:
    """A setting that is a number."""
    return float(settings[name])


def index_of(text: str) -> tuple[int, ...]:
    """An entry that is written `0,1`; () for none. Raises ValueError with a sentence."""
    inner = text.strip().removeprefix("[").removesuffix("]")
    parts = [part.strip() for part in inner.split(",") if part.strip()]
    if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        raise ValueError(f"an entry is whole numbers with commas, such as 0,1, not {text!r}")
    return tuple(map(int, parts))


def reaches(evaluation: Evaluation, path: str, of: str) -> tuple[int, int] | None:
    """The first and the last micro-step that makes the value or the gradient of the node called `path`;
    None where no step does, as for the value of an input."""
    key = key_of(evaluation.graph, path)
    if not isinstance(key, str):
        return None
    script, step = evaluation.steps.script, evaluation.step_of(key)
    if of == "value":
        at = script.computed_at.get(step)
        return None if at is None else (at, at)
    numbers = script.sums_at.get(step)
    return (numbers[0], numbers[-1]) if numbers else None


FIELDS = (
    "optimizer", "learning_rate", "schedule", "batch_size", "epochs", "clip_norm", "clip_value",
    "l1_penalty", "patience", "min_delta", "loss", "frozen", "seed",
)  # fmt: skip
"""Fields of a stage of the recipe; an optimizer's and a schedule's own settings may be named, too."""
