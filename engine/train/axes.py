"""What a sweep varies: settings of a recipe, sizes and numbers of nodes, and the values they try."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Literal

import numpy as np

from engine import edits
from engine.data import COMMON, KINDS
from engine.expression import number_text
from engine.fields import GraphError, is_number, is_whole
from engine.graph import Graph, Source, Stage
from engine.train import optimizers, schedules
from engine.train.optimizers import OPTIMIZERS
from engine.train.schedules import SCHEDULES

Value = float | int | str
Kind = Literal["number", "whole", "choice"]
POINTS, WHOLE_POINTS, MAX_POINTS = 5, 20, 1000
"""Values that a grid takes from a range unless told (up to so many whole numbers), and at most."""
SEED, RATE, OPTIMIZER, SCHEDULE = "seed", "learning_rate", "optimizer", "schedule"
_LOG, _WHOLE = "log whole".split()
_HELD_OUT = "validation"
_PER_STAGE: dict[str, Kind] = {
    field.name: "whole" if field.type == "int" else "number"
    for field in fields(Stage)
    if field.type in ("int", "float")
}
_OPTION_KINDS: Mapping[str, Kind] = {"int": "whole", "count": "whole", "float": "number"}


@dataclass(frozen=True)
class Variable:
    """Something of a document that can be varied, and what it is now."""

    name: str
    kind: Kind
    now: Value
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Axis:
    """What one setting tries: some `values`, or all from `low` to `high`.

    `log` spreads a range evenly over powers, `whole` takes whole numbers of it; a grid takes `points`
    of them, 0 for some, or for all whole numbers if they are few. `field` is the name of a `Variable`.
    """

    field: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    points: int = 0

    @staticmethod
    def parse(text: str) -> Axis:
        """`optimizer=sgd,adam` or `learning_rate=0.001..1:log`, with `:whole` and a number of points
        for a grid (`:7`) behind a range. Raises ValueError with a sentence."""
        field, equals, told = (part.strip() for part in text.partition("="))
        if not equals or not field or not told:
            raise ValueError(
                f"{text!r} says not what to try; write learning_rate=0.001..1:log or optimizer=sgd,adam"
            )
        low, dots, rest = told.partition("..")
        if not dots:
            return Axis(field, tuple(_value(part) for part in told.split(",")))
        high, *marks = (part.strip() for part in rest.split(":"))
        ends = [_value(low), _value(high)]
        if not all(isinstance(end, int | float) for end in ends):
            raise ValueError(
                f"{field} goes from one number to another, such as 0.001..1, not {told!r}"
            )
        points = 0
        for mark in marks:
            if mark.isdecimal() and len(mark) < 9:
                points = int(mark)
            elif mark not in (_LOG, _WHOLE):
                raise ValueError(
                    f"{mark!r} behind the range of {field} is not log, whole or a number"
                )
        return Axis(
            field, (), float(ends[0]), float(ends[1]), _LOG in marks, _WHOLE in marks, points
        )

    @property
    def text(self) -> str:
        """What the axis tries, as `parse` reads it behind the equals sign."""
        if self.values:
            return ",".join(v if isinstance(v, str) else value_text(v) for v in self.values)
        marks = (":log" if self.log else "") + (":whole" if self.whole else "")
        points = f":{self.points}" if self.points else ""
        return f"{value_text(self.low)}..{value_text(self.high)}{marks}{points}"

    def spread(self) -> tuple[Value, ...]:
        """The values that a grid takes, each once."""
        if self.values:
            return tuple(dict.fromkeys(self.values))
        low, high = self._ends()
        count = self.points or POINTS
        if self.whole and not self.log and not self.points:
            numbers = int(high - low) + 1
            count = numbers if numbers <= WHOLE_POINTS else POINTS
        found = np.linspace(low, high, count).tolist() if count > 1 else [low]
        return tuple(dict.fromkeys(self._settled(v) for v in found))

    def draw(self, random: np.random.Generator) -> Value:
        """One of the values, each as likely as the others."""
        if self.values:
            return self.values[int(random.integers(len(self.values)))]
        low, high = self._ends()
        if self.whole and not self.log:
            return int(random.integers(int(low), int(high) + 1))
        return self._settled(float(random.uniform(low, high)))

    def _ends(self) -> tuple[float, float]:
        low, high = self.low, self.high
        if self.whole:
            low, high = float(math.ceil(low)), float(math.floor(high))
        return (math.log(low), math.log(high)) if self.log else (low, high)

    def _settled(self, value: float) -> Value:
        exact = math.exp(value) if self.log else value
        number = min(
            max(float(f"{exact:.12g}"), self.low), self.high
        )  # 0.3, not 0.30000000000000004
        if self.whole:
            return min(max(round(number), math.ceil(self.low)), math.floor(self.high))
        return number


def _value(text: str) -> Value:
    words = text.strip().replace("−", "-")
    for kind in (int, float):
        try:
            number = kind(words)
        except ValueError:
            continue
        if math.isfinite(number) and "_" not in words:
            return number
    return words


def value_text(value: Value) -> str:
    """A value in full, as it is typed."""
    return number_text(value) if isinstance(value, float) else str(value)


def title(name: str) -> str:
    """What a variable is called in words: `stage2.learning_rate` is stage 2 learning rate."""
    head, dot, rest = name.partition(".")
    if dot and head[:5] == "stage" and head[5:].isdecimal():
        return f"stage {head[5:]} {title(rest)}"
    if head == SCHEDULE and dot:
        return f"schedule {rest}"
    return name.replace("_", " ") if name in _stage_names() else name


# ------------------------------------------------------------ what can be varied


def variables(graph: Graph) -> dict[str, Variable]:
    """Everything of a document that a sweep can vary, by name.

    Fields and settings of the first stage go by their own names, those of a later one behind `stage2.`;
    settings of a schedule behind `schedule.`; then the document's sizes, and numbers of nodes: `x`, a
    port `v.b` and an option `drop.rate`; then settings of data: `digits.training_rows`. A name that is
    taken stays with the first of these.
    """
    found = [Variable(SEED, "whole", graph.recipe.seed)]
    for number, stage in enumerate(graph.recipe.stages):
        found += _of_stage(stage, f"stage{number + 1}." if number else "")
    found += [Variable(n, "whole", v) for n, v in graph.settings["sizes"].items()]
    for node_id in graph.nodes:
        found += _of_node(graph, node_id)
    for name, source in graph.sources.items():
        found += _of_source(name, source)
    named: dict[str, Variable] = {}
    for variable in found:
        named.setdefault(variable.name, variable)
    return named


def _of_stage(stage: Stage, before: str) -> Iterable[Variable]:
    yield Variable(before + OPTIMIZER, "choice", stage.optimizer, tuple(OPTIMIZERS))
    for name, kind in _PER_STAGE.items():
        yield Variable(before + name, kind, getattr(stage, name))
    yield Variable(before + SCHEDULE, "choice", stage.schedule, tuple(SCHEDULES))
    for row in (OPTIMIZERS.get(stage.optimizer), *OPTIMIZERS.values()):
        for name, setting in row.settings.items() if row is not None else ():
            yield Variable(before + name, "number", stage.settings.get(name, setting.default))
    for row_ in (SCHEDULES.get(stage.schedule), *SCHEDULES.values()):
        for name, setting in row_.settings.items() if row_ is not None else ():
            now = stage.schedule_settings.get(name, setting.default)
            yield Variable(f"{before}{SCHEDULE}.{name}", "number", now)


def _of_node(graph: Graph, node_id: str) -> Iterable[Variable]:
    node, name = graph.nodes[node_id], graph.name(node_id)
    value = graph.tensors.get(node_id)
    if node.op in ("input", "constant") and value is not None and value.shape == ():
        yield Variable(name, "number", float(value))
    for port, literal in node.literals.items():
        yield Variable(f"{name}.{port}", "number", float(literal))
    for option in graph.op(node_id).options:
        now = node.options.get(option.name, option.default)
        if option.choices and isinstance(now, str):
            yield Variable(f"{name}.{option.name}", "choice", now, tuple(option.choices))
        elif option.kind in _OPTION_KINDS and is_number(now):
            yield Variable(f"{name}.{option.name}", _OPTION_KINDS[option.kind], now)


def _of_source(name: str, source: Source) -> Iterable[Variable]:
    """What a form of data can hold numbers or choices of: the held-out share, and options."""
    yield Variable(f"{name}.{_HELD_OUT}", "number", source.validation)
    for option in (*KINDS[source.kind].options, *COMMON):
        now = source.options.get(option.name, option.default)
        if option.choices:
            yield Variable(f"{name}.{option.name}", "choice", str(now), option.choices)
        elif is_number(now) and not isinstance(option.default, str):
            kind: Kind = "whole" if option.whole else "number"
            yield Variable(f"{name}.{option.name}", kind, now)


def settled_axes(graph: Graph, axes: Iterable[Axis]) -> tuple[Axis, ...]:
    """The axes with values of the kinds that their settings take. Raises ValueError with a sentence."""
    known = variables(graph)
    found: list[Axis] = []
    for axis in axes:
        if axis.field not in known:
            close = difflib.get_close_matches(axis.field, known, 1)
            hint = (
                f"did you mean {close[0]}?"
                if close
                else f"there are: {', '.join(list(known)[:40])}"
            )
            raise ValueError(f"{axis.field} is nothing that can be varied; {hint}")
        if any(axis.field == other.field for other in found):
            raise ValueError(f"{axis.field} is varied twice; give each setting once")
        found.append(_settled_axis(axis, known[axis.field]))
    if not found:
        raise ValueError("nothing is varied; name a setting and what it tries")
    return tuple(found)


def _settled_axis(axis: Axis, variable: Variable) -> Axis:
    name = axis.field
    if axis.values:
        return replace(axis, values=tuple(_checked(variable, v) for v in axis.values))
    if variable.kind == "choice":
        raise ValueError(f"{name} has no range; list some of: {', '.join(variable.choices)}")
    if not (math.isfinite(axis.low) and math.isfinite(axis.high) and axis.low < axis.high):
        raise ValueError(f"{name} goes from a smaller number to a larger one, not {axis.text}")
    if axis.log and axis.low <= 0:
        raise ValueError(f"{name} on a log scale begins above 0, not at {value_text(axis.low)}")
    if not 0 <= axis.points <= MAX_POINTS:
        raise ValueError(f"a grid takes 1 to {MAX_POINTS:,} points of {name}, not {axis.points:,}")
    whole = axis.whole or variable.kind == "whole"
    if whole and math.ceil(axis.low) > math.floor(axis.high):
        raise ValueError(f"there is no whole number in {axis.text}; widen the range of {name}")
    return replace(axis, whole=whole)


def _checked(variable: Variable, value: Value) -> Value:
    name = variable.name
    if variable.kind == "choice":
        if value not in variable.choices:
            raise ValueError(
                f"{name} cannot be {value!r}; it is one of: {', '.join(variable.choices)}"
            )
        return value
    if isinstance(value, str):
        raise ValueError(f"{name} is a number, not {value!r}")
    if variable.kind == "whole":
        if int(value) != value or not is_whole(int(value)):
            raise ValueError(f"{name} is a whole number, not {value_text(value)}")
        return int(value)
    return float(value)


# ------------------------------------------------------------ settings into a document


def with_settings(
    graph: Graph, settings: Mapping[str, Value]
) -> tuple[edits.Edit, dict[str, Value]]:
    """One edit that gives a document these settings, and those that it takes.

    A setting that the trial's optimizer or schedule does not have is left out; an optimizer other than
    the document's brings its usual learning rate unless that is given. Raises ValueError.
    """
    trial, done, taken = graph.copy(), [], dict(settings)
    known = variables(graph)
    first = [n for n in settings if n.rpartition(".")[2] in (OPTIMIZER, SCHEDULE)]
    for name in (*first, *(n for n in settings if n not in first)):
        if name not in known:
            raise GraphError(f"{name} is nothing that can be varied")
        edit, also = _edit(trial, name, settings[name])
        if edit is None:
            taken.pop(name)
            continue
        edit.apply(trial)
        done.append(edit)
        taken |= {n: v for n, v in also.items() if n not in settings}
    return edits.batch(*done), taken


def _edit(graph: Graph, name: str, value: Value) -> tuple[edits.Edit | None, dict[str, Value]]:
    """The edit of one setting, None where there is no such setting now; and what came with it."""
    if name == SEED:
        return edits.set_recipe(graph, seed=int(value)), {}
    head, _, rest = name.partition(".")
    number, field, before = 0, name, ""
    if head[:5] == "stage" and head[5:].isdecimal() and rest:
        number, field, before = int(head[5:]) - 1, rest, f"{head}."
    if number < len(graph.recipe.stages) and field in _stage_names():
        return _edit_stage(graph, number, field, value, before)
    if name in graph.settings["sizes"]:
        sizes = {**graph.settings["sizes"], name: int(value)}
        return edits.set_setting("sizes", sizes), {}
    node = graph.id_of(name) or graph.id_of(name.rpartition(".")[0])
    if node is None or all(variable.name != name for variable in _of_node(graph, node)):
        return _edit_source(graph, head, rest, value), {}
    return _edit_node(graph, name, value), {}


@cache
def _stage_names() -> frozenset[str]:
    own = {n for row in OPTIMIZERS.values() for n in row.settings}
    moves = {f"{SCHEDULE}.{n}" for row in SCHEDULES.values() for n in row.settings}
    return frozenset((OPTIMIZER, SCHEDULE, *_PER_STAGE, *own, *moves))


def _edit_stage(
    graph: Graph, number: int, field: str, value: Value, before: str
) -> tuple[edits.Edit | None, dict[str, Value]]:
    stage = graph.recipe.stages[number]
    if field == OPTIMIZER and value != stage.optimizer:
        rate = OPTIMIZERS[str(value)].learning_rate
        edit = edits.set_recipe(graph, number, optimizer=value, settings={}, learning_rate=rate)
        return edit, {before + RATE: rate}
    if field == OPTIMIZER:
        return edits.set_recipe(graph, number), {before + RATE: stage.learning_rate}
    if field == SCHEDULE:
        kept = stage.schedule_settings if value == stage.schedule else {}
        return edits.set_recipe(graph, number, schedule=value, schedule_settings=kept), {}
    if field in _PER_STAGE:
        return edits.set_recipe(graph, number, **{field: value}), {}
    head, _, rest = field.partition(".")
    if head == SCHEDULE:
        if rest not in schedules.find(stage.schedule).settings:
            return None, {}
        settings: dict[str, Any] = {**stage.schedule_settings, rest: float(value)}
        return edits.set_recipe(graph, number, schedule_settings=settings), {}
    if field not in optimizers.find(stage.optimizer).settings:
        return None, {}
    settings = {**stage.settings, field: float(value)}
    return edits.set_recipe(graph, number, settings=settings), {}


def _edit_node(graph: Graph, name: str, value: Value) -> edits.Edit:
    node_id = graph.id_of(name)
    if node_id is not None:
        return edits.set_tensor(node_id, np.asarray(value, graph.dtype))
    head, _, part = name.rpartition(".")
    owner = str(graph.id_of(head))
    if part in graph.nodes[owner].literals:
        return edits.set_literal(graph, owner, part, float(value))
    return edits.set_options(graph, owner, {part: value})


def _edit_source(graph: Graph, name: str, field: str, value: Value) -> edits.Edit:
    source = graph.sources[name]
    if field == _HELD_OUT:
        return edits.set_source(name, replace(source, validation=float(value)))
    return edits.set_source(name, replace(source, options={**source.options, field: value}))
