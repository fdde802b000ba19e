"""What a step of a lesson can wait for, one row a goal: its settings, when it is reached, what is to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.expression import ExpressionError
from engine.fields import is_number
from engine.graph import Graph
from engine.teaching import goals_of_training, goals_of_work
from engine.teaching.goal import FIELDS, Goal, Setting, Settings, Situation, index_of
from engine.teaching.sameness import free_names

__all__ = [
    "GOALS", "Goal", "Setting", "Settings", "Situation", "Suggestion", "problem", "reached", "said",
    "settled", "suggest", "table",
]  # fmt: skip

GOALS: Mapping[str, Goal] = {
    row.name: row for row in (*goals_of_work.ROWS, *goals_of_training.ROWS)
}
"""Every goal by its name, in the order in which they are offered."""
_FEW = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A goal that holds now, with its settings and its sentence."""

    goal: str
    settings: Settings
    said: str


def settled(goal: str, settings: Settings) -> dict[str, float | str]:
    """All settings of a goal, the defaults where none is given. Raises KeyError for no goal's name."""
    return {s.name: settings.get(s.name, s.default) for s in GOALS[goal].settings}


def reached(goal: str, situation: Situation, settings: Settings) -> bool:
    """Whether a goal is reached; False for settings with something wrong."""
    if problem(goal, settings, situation.graph):
        return False
    return GOALS[goal].reached(situation, settled(goal, settings))


def said(goal: str, settings: Settings) -> str:
    """What is to do, as one sentence: `Connect x to port b of s.` A setting that cannot be what it is
    stands as its default."""
    found = settled(goal, settings)
    for setting in GOALS[goal].settings:
        if not _reads(setting, found[setting.name]):
            found[setting.name] = setting.default
    return GOALS[goal].said(found)


def problem(goal: str, settings: Settings, graph: Graph | None = None) -> str:
    """What is wrong with a goal's settings, in a sentence for a teacher; empty where nothing is.

    `graph` tells which operators the document has beside the table's; nodes may be missing, as the
    student is to add them.
    """
    if goal not in GOALS:
        return f"there is no goal {goal!r}; goals are: {', '.join(GOALS)}"
    row = GOALS[goal]
    known = {s.name: s for s in row.settings}
    for name, value in settings.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            return f"the goal {goal!r} has no setting {name!r}; it has: {listed}"
        wrong = _wrong(known[name], value, graph)
        if wrong:
            return wrong
    for setting in row.settings:
        if setting.needed and settings.get(setting.name, setting.default) == "":
            return f"{setting.title} is missing: {setting.doc[:1].lower()}{setting.doc[1:]}"
    if goal == "node" and not settings.get("operator") and not settings.get("node"):
        return "say the node's operator, its name, or both"
    return ""


def suggest(situation: Situation) -> list[Suggestion]:
    """The goals that hold now, for a teacher who does a thing once and takes it as the goal: those
    about the selection first, a few of each kind."""
    found = []
    for row in GOALS.values():
        for count, given in enumerate(row.holding(situation)):
            if count == _FEW:
                break
            if reached(row.name, situation, given):
                found.append(Suggestion(row.name, given, said(row.name, given)))
    return found


def table() -> str:
    """Every goal and its settings as a table in Markdown."""
    lines = ["| goal | reached when | settings |", "|---|---|---|"]
    for row in GOALS.values():
        told = [f"`{s.name}`: {s.doc}" for s in row.settings]
        lines.append(f"| `{row.name}` | {row.title} | {' '.join(told) or '-'} |")
    return "\n".join(lines) + "\n"


def _reads(setting: Setting, value: float | str) -> bool:
    """Whether a value is of the setting's kind, so that a sentence can be made with it."""
    if setting.kind == "entry":
        return isinstance(value, str) and not _wrong_text(setting, value, None)
    fits = isinstance(value, str) == isinstance(setting.default, str)
    return fits and (not setting.choices or value in setting.choices)


def _wrong(setting: Setting, value: float | str, graph: Graph | None) -> str:
    title = setting.title
    if isinstance(setting.default, str):
        if not isinstance(value, str):
            return f"{title} is a text, not {value!r}"
        if setting.choices and value not in setting.choices:
            return f"{title} is one of {', '.join(setting.choices)}, not {value!r}"
        return _wrong_text(setting, value, graph) if value else ""
    if isinstance(value, str) or not is_number(value) or not math.isfinite(value):
        return f"{title} is a number, not {value!r}"
    if setting.kind == "whole" and (value != round(value) or value < 0):
        return f"{title} is a whole number of 0 or more, not {value:g}"
    return ""


def _wrong_text(setting: Setting, value: str, graph: Graph | None) -> str:
    if setting.kind == "entry":
        try:
            index_of(value)
        except ValueError as error:
            return str(error)
    if setting.kind == "operator" and (graph or Graph()).row(value) is None:
        return f"there is no operator {value!r}; see the palette for all of them"
    if setting.kind == "field" and value not in FIELDS and not value.isidentifier():
        return f"the recipe has no field {value!r}; fields are: {', '.join(FIELDS)}"
    if setting.name == "formula":
        try:
            free_names(value)
        except (ExpressionError, ValueError) as error:
            return f"the formula cannot be read: {error}"
    return ""
