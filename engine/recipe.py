"""How a document is trained and on what data: stages, sources, and the checks of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from engine.fields import NODE_PATH, GraphError, check_fields, check_text, is_number, is_text

NAME = re.compile(r"[^\W\d]\w*")
MAX_STAGES = 100
MAX_OPTIONS = 100
MAX_TITLE = 2000
"""Letters of a stage's title or formula."""

Kind = Literal[
    "table", "builtin", "csv", "parquet", "arrays", "idx", "images", "toy", "function", "patches"
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
"""Where rows come from; `engine.data` knows what each is."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where data nodes read rows from.

    `table`: fields are tensors `<source>.<field>` of the document. `builtin`: a shipped set by name
    in `path`. The others are files at `path`, or made by the kind's own `options` (see `engine.data`).
    `target` names the column with the classes. `validation` is the share of rows held out, drawn by
    `seed`; `shuffle` takes the training rows in another order each epoch.
    """

    kind: Kind = "table"
    path: str = ""
    target: str = ""
    checksum: str = ""
    standardize: bool = False
    validation: float = 0.0
    seed: int = 0
    shuffle: bool = True
    options: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of training: what it makes smaller, by what rule, for how long.

    `loss` is a node id, empty for the document's output. `frozen` are parameters, by id or by path
    into a module, and instances, that stay as they are. `settings` are the optimizer's own (momentum,
    beta1, ...). `schedule` names how the learning rate moves, with settings of its own; `formula` is
    the text of the schedule "formula"; with `per_epoch` schedules count epochs instead of steps.
    `batch_size` 0 takes all rows. Gradients are cut to the norm `clip_norm` and to `clip_value` an
    entry, 0 for neither; `l1_penalty` weighs the sum of absolute parameters. `patience` is how many
    epochs may pass without the loss getting smaller by `min_delta`, 0 for no end but `epochs`.
    """

    title: str = ""
    loss: str = ""
    frozen: tuple[str, ...] = ()
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    settings: Mapping[str, float] = field(default_factory=dict)
    schedule: str = "constant"
    schedule_settings: Mapping[str, float] = field(default_factory=dict)
    formula: str = ""
    per_epoch: bool = False
    batch_size: int = 0
    epochs: int = 100
    clip_norm: float = 0.0
    clip_value: float = 0.0
    l1_penalty: float = 0.0
    patience: int = 0
    min_delta: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the document is trained: its stages, one after the other, and the seed of all of them."""

    stages: tuple[Stage, ...] = (Stage(),)
    seed: int = 0

    @property
    def last(self) -> Stage:
        return self.stages[-1]

    def changed(self, number: int = 0, /, **changes: Any) -> Recipe:
        """With another seed, or another stage of that number."""
        seed = changes.pop("seed", self.seed)
        stages = list(self.stages)
        stages[number] = replace(stages[number], **changes)
        return Recipe(tuple(stages), seed)

    def renamed(self, name: Callable[[str], str]) -> Recipe:
        """With other ids of nodes; an empty one takes what it stood for out."""
        return Recipe(
            tuple(
                replace(
                    stage,
                    loss=name(stage.loss) if stage.loss else "",
                    frozen=tuple(n for n in map(name, stage.frozen) if n),
                )
                for stage in self.stages
            ),
            self.seed,
        )


def check_source(source: Source) -> None:
    """Raises GraphError with what is wrong with a data source."""
    check_fields(source)
    if source.kind not in KINDS:
        raise GraphError(f"kind cannot be {source.kind!r}")
    if not 0 <= source.validation < 1:
        raise GraphError("the held-out share is at least 0 and below 1")
    if len(source.options) > MAX_OPTIONS:
        raise GraphError(f"data have {MAX_OPTIONS} options at most")
    for name, value in source.options.items():
        fits = is_number(value) or (is_text(value) and len(str(value)) <= MAX_TITLE)
        if not isinstance(name, str) or not NAME.fullmatch(name) or not fits:
            raise GraphError(f"the option {name!r} of data cannot be {value!r}")


def check_recipe(recipe: Recipe) -> None:
    """Raises GraphError with what is wrong with a recipe."""
    check_fields(recipe)
    if recipe.seed < 0:
        raise GraphError("the seed is a whole number of 0 or more")
    if not 1 <= len(recipe.stages) <= MAX_STAGES:
        raise GraphError(f"a recipe has 1 to {MAX_STAGES} stages")
    for stage in recipe.stages:
        if not isinstance(stage, Stage):
            raise GraphError("a recipe is made of stages")
        _check_stage(stage)


def _check_stage(stage: Stage) -> None:
    check_fields(stage)
    for what, text in (("title", stage.title), ("formula", stage.formula)):
        check_text(what, text)
        if len(text) > MAX_TITLE:
            raise GraphError(f"the {what} of a stage has {MAX_TITLE} letters at most")
    for node in stage.frozen:
        if not isinstance(node, str) or not NODE_PATH.fullmatch(node):
            raise GraphError(f"what is frozen is named by ids, not {node!r}")
    if len(set(stage.frozen)) < len(stage.frozen):
        raise GraphError("what is frozen stands there once")
    for what, settings in (("optimizer", stage.settings), ("schedule", stage.schedule_settings)):
        for name, value in settings.items():
            if not isinstance(name, str) or not is_number(value):
                raise GraphError(f"the {what}'s setting {name} is a number, not {value!r}")
    for name in ("learning_rate", "clip_norm", "clip_value", "l1_penalty", "min_delta"):
        if not 0 <= getattr(stage, name) < float("inf"):
            raise GraphError(f"the {_WORDS.get(name, name)} is a number of 0 or more")
    if stage.batch_size < 0 or stage.epochs < 0 or stage.patience < 0:
        raise GraphError("batch size, epochs and patience are whole numbers of 0 or more")


_WORDS = {"learning_rate": "learning rate", "clip_norm": "norm to clip at", "clip_value": "value to clip at",
          "l1_penalty": "weight of the L1 penalty", "min_delta": "least improvement"}  # fmt: skip
