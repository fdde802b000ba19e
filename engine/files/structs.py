"""The structs that a document's text is made of, in today's version of the format."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from engine.recipe import Kind

Number = float | str
"""A number in the text; the strings are NaN, Infinity and -Infinity."""


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A record with exactly these fields."""


class NodeText(Strict):
    at: tuple[float, float]
    id: str
    literals: dict[str, Number]
    muted: bool
    name: str
    op: str
    options: dict[str, Any]


class TensorText(Strict):
    dtype: str
    shape: list[int]


class SourceText(Strict):
    kind: Kind
    path: str
    target: str
    checksum: str
    standardize: bool
    validation: float
    seed: int
    shuffle: bool
    options: dict[str, Number]


class StageText(Strict):
    title: str
    loss: str
    frozen: tuple[str, ...]
    optimizer: str
    learning_rate: float
    settings: dict[str, Number]
    schedule: str
    schedule_settings: dict[str, Number]
    formula: str
    per_epoch: bool
    batch_size: int
    epochs: int
    clip_norm: float
    clip_value: float
    l1_penalty: float
    patience: int
    min_delta: float


class RecipeText(Strict):
    stages: list[StageText]
    seed: int


class NoteText(Strict):
    at: tuple[float, float]
    colour: str
    id: str
    kind: Literal["note", "frame"]
    extent: tuple[float, float]
    text: str


class ViewerText(Strict):
    node: str
    of: Literal["value", "gradient"]
    kind: str
    options: dict[str, float | str]


class StepText(Strict):
    kind: Literal["read", "do", "ask", "choose"]
    title: str
    text: str
    hints: tuple[str, ...]
    explanation: str
    panels: tuple[str, ...]
    at: Literal["", "start", "forward", "end"]
    goal: str
    settings: dict[str, Number]
    node: str
    of: Literal["value", "gradient"]
    index: tuple[int, ...]
    tolerance: float
    choices: tuple[str, ...]
    answer: int
    replies: tuple[str, ...]


class OperatorText(Strict):
    formula: str
    doc: str
    settings: dict[str, float]


class ModuleText(Strict):
    """A document inside a document; the keys of its tensors begin with its name there."""

    title: str
    about: str
    dtype: str
    output: str
    sizes: dict[str, int]
    bookmarks: dict[str, str]
    breakpoints: tuple[str, ...]
    derivatives: dict[str, tuple[str, str]]
    viewers: dict[str, ViewerText]
    panels: tuple[str, ...]
    lesson: list[StepText]
    recipe: RecipeText
    sources: dict[str, SourceText]
    modules: dict[str, ModuleText]
    operators: dict[str, OperatorText]
    nodes: list[NodeText]
    links: list[tuple[str, str, str]]
    notes: list[NoteText]
    tensors: dict[str, TensorText]


class DocumentText(ModuleText):
    format: str
    version: int


class TwinText(DocumentText):
    values: dict[str, Any]
