"""What a kind of data is: its settings, how it is read, and the table that comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.expression import number_text
from engine.ops.row import Array
from engine.recipe import Source
from engine.shapes import Shape

MAX_CATEGORIES = 50
"""A text column with more different values than this is no feature; a whole-number target with
more is a quantity and not a class."""


class DataError(ValueError):
    """Data that cannot be used; the message says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a kind of data: a number from `low` to `high`, one of `choices`, or a text.

    It is a number when `default` is one, whole when `whole` says so.
    """

    name: str
    default: float | str
    doc: str
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of data as they stand in their source, before they are split or standardised.

    `fields` have one entry a row: `x` features, `y` class indices (int64) or quantities (float).
    They may be memory maps. `factors` are what a field's numbers are multiplied with to be shown,
    `columns` name the features, `classes` the classes where known, `target` what `y` is. `picture` is
    (channels, rows, columns) where a row of `x` is one. `notes` say what was left out or read in
    another way. A NaN in `x` is a missing value, to be filled with the training rows' mean.
    """

    fields: Mapping[str, Array]
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    target: str = ""
    notes: tuple[str, ...] = ()
    factors: Mapping[str, float] = field(default_factory=dict)
    picture: Shape | None = None


Tensors = Mapping[str, Array]
"""The document's own tensors of a source, by field."""
NO_TENSORS: Tensors = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of data. `total` is how many rows there are (None: not counted), `rows` texts of
    a few of them under `titles`; `count`, `missing` and `kinds` are told of each title."""

    table: Table | None
    whole: bool
    total: int | None = None
    titles: tuple[str, ...] = ()
    columns: tuple[list[str] | Array, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source: one row of the table `KINDS`.

    `options` are what `Source.options` may hold. `needs_path` says what `Source.path` is, empty when it
    is not read. `read(source, base, tensors)` gives all rows and raises DataError; `base` is the folder
    that a relative path starts from. `head(source, base, tensors, rows)` gives a beginning quickly.
    `suffixes` are endings of files that are of this kind; `names()` what `Source.path` may be where it
    is a name and no file.
    """

    name: str
    title: str
    doc: str
    options: tuple[Option, ...]
    needs_path: str
    read: Callable[[Source, Path | None, Tensors], Table]
    head: Callable[[Source, Path | None, Tensors, int], Head] | None = None
    suffixes: tuple[str, ...] = ()
    names: Callable[[], list[str]] | None = None


CLASSES_AS = Option(
    "classes_as",
    "numbers",
    "The classes of the target: their numbers, or columns of 0 and 1.",
    choices=("numbers", "one-hot"),
)
SCALING = Option(
    "scaling", "deviation",
    "How features are standardised: less the mean over the deviation, or their range to 0 to 1.",
    choices=("deviation", "range"),
)  # fmt: skip
TRAINING_ROWS = Option(
    "training_rows", 0, "How many of the training rows are taken, drawn by the split's seed; 0: all.",
    0, 2**53, True,
)  # fmt: skip
COMMON = (CLASSES_AS, SCALING, TRAINING_ROWS)
"""Settings of every kind, beside the fields of Source."""

MISSING_ROWS = Option(
    "missing", "drop rows",
    "Rows with missing values: left out, filled with the column's mean, or refused.",
    choices=("drop rows", "fill", "refuse"),
)  # fmt: skip
ARRANGE = Option(
    "arrange", "flat",
    "A picture as a row of numbers, as rows and columns, or as channels of rows and columns.",
    choices=("flat", "grid", "channels"),
)  # fmt: skip

GREY = Option("grey", "0 to 1", "Bytes over 255, or as they are.", choices=("0 to 1", "0 to 255"))


def settings(options: tuple[Option, ...], source: Source) -> dict[str, Any]:
    """A source's options with what it leaves out, each checked. Raises DataError."""
    known = {option.name: option for option in (*options, *COMMON)}
    for name in source.options:
        if name not in known:
            raise DataError(
                f"data of the kind {source.kind} have no setting {name!r}; they have: "
                f"{', '.join(known)}"
            )
    return {
        name: _checked(option, source.options.get(name, option.default))
        for name, option in known.items()
    }


def _checked(option: Option, value: float | str) -> float | str:
    name = option.name.replace("_", " ")
    if isinstance(option.default, str):
        if not isinstance(value, str):
            value = number_text(float(value))
        if option.choices and value not in option.choices:
            raise DataError(f"{name} is one of {', '.join(option.choices)}, not {value!r}")
        return value
    if isinstance(value, str) or not option.low <= value <= option.high:
        least, most = number_text(float(option.low)), number_text(float(option.high))
        raise DataError(f"{name} is a number from {least} to {most}, not {value!r}")
    if option.whole:
        if value != round(value):
            raise DataError(f"{name} is a whole number, not {value!r}")
        return int(value)
    return float(value)


def names_in(text: str, known: tuple[str, ...] | list[str], file: str) -> list[str]:
    """Columns named in a text: one, or several with commas between. Raises DataError."""
    if not text:
        return []
    chosen = [text] if text in known else [part.strip() for part in text.split(",")]
    for name in chosen:
        if name not in known:
            listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
            raise DataError(f"{file} has no column {name!r}; it has: {listed}")
    return list(dict.fromkeys(chosen))


def as_target(values: Array) -> tuple[Array, tuple[str, ...]]:
    """A vector of numbers as class indices and names, when there are few whole ones, else as a
    column of floats without names."""
    different = np.unique(values)
    if np.all(different == np.round(different)) and len(different) <= MAX_CATEGORIES:
        return np.searchsorted(different, values), tuple(number_text(float(v)) for v in different)
    return np.asarray(values, np.float64)[:, None], ()


def arranged(pictures: Array, how: str) -> Array:
    """Pictures (rows × channels × height × width) as the setting `arrange` says, without a copy.

    Raises DataError for a grid of more channels than one.
    """
    count, channels, height, width = pictures.shape
    if how == "channels":
        return pictures
    if how == "grid":
        if channels > 1:
            raise DataError("pictures in colour have no single grid; arrange them as channels")
        return pictures.reshape(count, height, width)
    return pictures.reshape(count, channels * height * width)


Tell = Callable[[int, int], bool | None]
_TELL: ContextVar[Tell | None] = ContextVar("tell", default=None)


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Calls `tell(done, total)` while long reading goes on; returning False ends it by a DataError."""
    before = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(before)


def told(done: int, total: int) -> None:
    """Says how far reading is. Raises DataError when it is to end."""
    tell = _TELL.get()
    if tell is not None and tell(done, total) is False:
        raise DataError("reading the data was stopped; nothing was changed")
