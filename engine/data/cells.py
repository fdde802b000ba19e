"""Columns of cells to features and a target: types found, missing values told, in two passes.

The first pass looks at every cell and decides what each column is; the second fills the arrays. So
a file of any size gives the same numbers, in memory or on the disk.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Protocol

import numpy as np

from engine.data.cache import Shelf
from engine.data.record import (
    MAX_CATEGORIES,
    MISSING_ROWS,
    DataError,
    Option,
    Table,
    as_target,
    names_in,
)
from engine.expression import number_text
from engine.ops.row import Array

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
MAX_CLASSES = 10_000
NO_TARGET = "-"
"""`Source.target` of data whose columns are all features."""
DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([T ]\d{1,2}:\d\d.*)?"
)

OPTIONS = (
    Option("left_out", "", "Columns that are not read, with commas between."),
    Option(
        "texts", "one-hot", "Text columns: a column of 0 and 1 a text, numbers, or left out.",
        choices=("one-hot", "numbers", "leave out"),
    ),
    MISSING_ROWS,
)  # fmt: skip

Cells = list[str] | Array
"""A column's part: texts, or floats in which NaN is missing."""


class Sheet(Protocol):
    """A file of columns. `parts` gives, from the start each time, the lines (or rows) that a part's
    rows stand in and its columns; `unit` is what those numbers count."""

    file: str
    names: list[str]
    unit: str
    decimal_comma: bool
    notes: list[str]

    def parts(self) -> Iterator[tuple[Array, list[Cells]]]: ...


def number(cell: str, decimal_comma: bool = False) -> float | None:
    """A cell as a finite number, or None."""
    try:
        value = float(cell.replace(",", ".") if decimal_comma else cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def numbers(cells: Cells, decimal_comma: bool) -> tuple[Array, Array, Array]:
    """Cells as floats, which are missing, and which are no numbers; both are NaN."""
    if not isinstance(cells, list):
        missing = np.isnan(cells)
        return cells, missing, np.isinf(cells)
    try:
        if "_" not in "".join(cells):
            read = [cell.replace(",", ".") for cell in cells] if decimal_comma else cells
            values = np.array(list(map(float, read)), np.float64)
            if np.isfinite(values).all():
                none = np.zeros(len(cells), bool)
                return values, none, none
    except ValueError:
        pass
    missing = np.array([cell.lower() in MISSING for cell in cells], bool)
    values = np.full(len(cells), np.nan)
    for index in np.flatnonzero(~missing):
        value = number(cells[index], decimal_comma)
        values[index] = np.nan if value is None else value
    return values, missing, np.isnan(values) & ~missing


@dataclass
class Seen:
    """What the first pass finds out about a column, over the rows that are kept."""

    name: str
    present: int = 0
    missing: int = 0
    bad: int = 0
    first_bad: tuple[int, str] = (0, "")
    texts: set[str] = field(default_factory=set)
    collects: bool = False
    looked: bool = False
    are_floats: bool = False
    dates: bool = True

    @property
    def is_number(self) -> bool:
        """A column is text when fewer than half its values are numbers."""
        return self.are_floats or 2 * self.bad <= self.present

    def look(
        self, cells: Cells, lines: Array, keep: Array, read: tuple[Array, Array, Array]
    ) -> None:
        _, missing, bad = read
        self.are_floats = not isinstance(cells, list)
        self.present += int((keep & ~missing).sum())
        wrong = np.flatnonzero(bad & keep)
        if len(wrong) and not self.bad:
            cell = cells[wrong[0]]
            self.first_bad = int(lines[wrong[0]]), cell if isinstance(cell, str) else str(cell)
        self.bad += len(wrong)
        if isinstance(cells, list) and len(wrong):
            self.dates = self.dates and all(DATE.fullmatch(cells[i]) for i in wrong[:50])
        if not self.looked:
            self.looked, self.collects = True, self.collects or bool(self.bad)
        if isinstance(cells, list) and self.collects and len(self.texts) <= MAX_CLASSES:
            here = keep & ~missing
            self.texts.update(cells if here.all() else compress(cells, here))


@dataclass
class Survey:
    """The first pass over a sheet: its columns, how many rows are kept and what is missing."""

    columns: dict[str, Seen]
    total: int = 0
    kept: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)


def chosen(sheet: Sheet, source: Any, options: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the features and of the targets. Raises DataError."""
    names, file = sheet.names, sheet.file
    left = set(names_in(options["left_out"], names, file))
    targets: list[str] = []
    if source.target != NO_TARGET:
        open_ = [name for name in names if name not in left]
        if not open_:
            raise DataError(f"{file} has every column left out; leave fewer out")
        targets = names_in(source.target or open_[-1], names, file)
    if both := left & set(targets):
        raise DataError(f"the column {min(both)} is the target and left out; choose one of the two")
    features = [name for name in names if name not in left and name not in targets]
    if not features:
        if len(names) < 2:
            raise DataError(f"{file} has one column; a feature and a target are needed")
        raise DataError(f"{file} has no column beside the target; leave fewer out")
    return features, targets


def survey(
    sheet: Sheet,
    features: list[str],
    targets: list[str],
    options: dict[str, Any],
    texts: Collection[str] = (),
) -> Survey:
    """The first pass. Raises DataError for a missing value that is to be refused.

    Different texts are collected of the columns `texts`, and of those whose first part has some; where
    another turns out to be text later, the pass is done again.
    """
    names = (*features, *targets)
    found = Survey({name: Seen(name, collects=name in texts) for name in names})
    at = {name: sheet.names.index(name) for name in found.columns}
    for lines, cells in sheet.parts():
        read = {name: numbers(cells[i], sheet.decimal_comma) for name, i in at.items()}
        keep = np.ones(len(lines), bool)
        for name, (_, missing, _) in read.items():
            count = int(missing.sum())
            if not count:
                continue
            if options["missing"] == "refuse":
                line = lines[np.flatnonzero(missing)[0]]
                raise DataError(
                    f"{sheet.unit} {line} of {sheet.file} has no value in the column {name}; "
                    "give it one, or let missing values be left out or filled"
                )
            filled = options["missing"] == "fill" and name in features
            (found.filled if filled else found.missing)[name] += count
            if not filled:
                keep &= ~missing
        found.total += len(lines)
        found.kept += int(keep.sum())
        for name, i in at.items():
            found.columns[name].look(cells[i], lines, keep, read[name])
    late = [n for n, c in found.columns.items() if not c.is_number and not c.collects]
    if late:
        return survey(sheet, features, targets, options, names)
    if not found.kept:
        raise DataError(
            f"{sheet.file} has no complete row; every row has a missing value or there is none"
        )
    return found


@dataclass(frozen=True)
class Plan:
    """What becomes of each column: `kinds` are its texts when it is one of them."""

    features: tuple[tuple[str, tuple[str, ...]], ...]
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def plan(sheet: Sheet, seen: Survey, features: list[str], targets: list[str],
         options: dict[str, Any]) -> Plan:  # fmt: skip
    """Decides what the columns are. Raises DataError with what does not fit."""
    notes, columns = [*sheet.notes, *_missing_notes(seen, options)], []
    used: list[tuple[str, tuple[str, ...]]] = []
    for name in features:
        column = seen.columns[name]
        if not column.present:
            notes.append(f"the column {name} has no value at all and was left out")
            continue
        if column.is_number:
            _check_numbers(sheet, column)
            used.append((name, ()))
            columns.append(name)
            continue
        _check_dates(sheet, column)
        count = len(column.texts)
        if options["texts"] == "leave out":
            notes.append(f"the text column {name} was left out")
        elif count > MAX_CATEGORIES:
            several = str(count) if count <= MAX_CLASSES else f"more than {MAX_CLASSES:,}"
            notes.append(f"the column {name} has {several} different texts and was left out")
        else:
            kinds = tuple(sorted(column.texts))
            used.append((name, kinds))
            hot = options["texts"] == "one-hot"
            columns += [f"{name}={kind}" for kind in kinds] if hot else [name]
            if not hot:
                notes.append(f"the texts of {name} are numbered in the order of the alphabet")
    if not used:
        beside = f" beside {', '.join(targets)}" if targets else ""
        raise DataError(f"{sheet.file} has no column of numbers{beside}; add one")
    classes: tuple[str, ...] = ()
    for name in targets:
        column = seen.columns[name]
        if column.is_number:
            _check_numbers(sheet, column)
            continue
        _check_dates(sheet, column)
        if len(targets) > 1:
            raise DataError(f"the target {name} of {sheet.file} holds texts; choose it alone")
        classes = tuple(sorted(column.texts))
        if len(classes) == seen.kept > MAX_CATEGORIES:
            raise DataError(
                f"every row of {sheet.file} has a different text in {name}; choose another target column"
            )
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"{name} of {sheet.file} has more than {MAX_CLASSES:,} different texts; "
                "choose another target column"
            )
    return Plan(tuple(used), tuple(columns), tuple(targets), classes, tuple(notes))


def _missing_notes(seen: Survey, options: dict[str, Any]) -> Iterator[str]:
    if seen.missing:
        where = ", ".join(f"{name}: {count}" for name, count in seen.missing.most_common(6))
        gone = seen.total - seen.kept
        plural = "rows was" if gone == 1 else "rows were"
        yield f"{gone} of {seen.total} {plural} left out for missing values ({where})"
    if seen.filled:
        where = ", ".join(f"{name}: {count}" for name, count in seen.filled.most_common(6))
        yield (
            f"missing values are filled with the mean of the training rows, texts with none ({where})"
        )


def _check_numbers(sheet: Sheet, column: Seen) -> None:
    if column.bad:
        line, cell = column.first_bad
        raise DataError(
            f"{sheet.unit} {line} of {sheet.file}: {cell[:40]!r} in the column {column.name} is not "
            "a number; correct it or leave it empty"
        )


def _check_dates(sheet: Sheet, column: Seen) -> None:
    if column.dates and column.first_bad[1]:
        line, cell = column.first_bad
        raise DataError(
            f"the column {column.name} of {sheet.file} holds dates ({cell[:40]!r} in {sheet.unit} {line}), "
            "which are no numbers; leave it out or write days as numbers"
        )


def fill(sheet: Sheet, seen: Survey, made: Plan, options: dict[str, Any], shelf: Shelf) -> Table:
    """The second pass: the arrays, in a shelf."""
    at = {name: sheet.names.index(name) for name in seen.columns}
    hot = options["texts"] == "one-hot"
    shelf.open("x", (seen.kept, len(made.columns)), "<f8")
    y_columns: list[list[Array]] = [[] for _ in made.targets]
    filled = 0
    for lines, cells in sheet.parts():
        keep = np.ones(len(lines), bool)
        read = {}
        for name, i in at.items():
            read[name] = numbers(cells[i], sheet.decimal_comma)
            if options["missing"] != "fill" or name in made.targets:
                keep &= ~read[name][1]
        filled += int(keep.sum())
        if filled > seen.kept:
            break
        x = np.empty((int(keep.sum()), len(made.columns)))
        column = 0
        for name, kinds in made.features:
            if not kinds:
                x[:, column] = read[name][0][keep]
                column += 1
                continue
            texts = np.asarray(cells[at[name]])[keep]
            if hot:
                for kind in kinds:
                    x[:, column] = texts == kind
                    column += 1
            else:
                x[:, column] = np.where(
                    read[name][1][keep], np.nan, np.searchsorted(np.asarray(kinds), texts)
                )
                column += 1
        shelf.put("x", x)
        for part, name in zip(y_columns, made.targets, strict=True):
            if made.classes:
                texts = np.asarray(cells[at[name]])[keep]
                part.append(np.searchsorted(np.asarray(made.classes), texts))
            else:
                part.append(read[name][0][keep])
    if filled != seen.kept:
        raise DataError(f"{sheet.file} was changed while it was read; read it again")
    fields = dict(shelf.filled())
    classes = made.classes
    if len(made.targets) == 1:
        y = np.concatenate(y_columns[0])
        if classes:
            fields["y"] = y.astype(np.int64)
        else:
            fields["y"], classes = as_target(y)
    elif made.targets:
        fields["y"] = np.stack([np.concatenate(part) for part in y_columns], axis=1)
    for array in fields.values():
        if array.flags.writeable:
            array.setflags(write=False)
    return Table(fields, made.columns, classes, ", ".join(made.targets), made.notes)


def counts(cells: Cells, decimal_comma: bool) -> tuple[str, int, Counter[str]]:
    """What a column is (number, whole number, text, date), how many values it misses, and its
    commonest texts; for a preview."""
    values, missing, bad = numbers(cells, decimal_comma)
    present = values[~missing & ~bad]
    if 2 * int(bad.sum()) <= len(values) - int(missing.sum()) and len(present):
        whole = bool(np.all(present == np.round(present)))
        told = (
            Counter(number_text(float(v)) for v in present[:100_000]) if whole else Counter[str]()
        )
        return "whole number" if whole else "number", int(missing.sum()), told
    texts = [cells[i] for i in np.flatnonzero(~missing)] if isinstance(cells, list) else []
    dates = bool(texts) and all(DATE.fullmatch(str(text)) for text in texts[:200])
    return "date" if dates else "text", int(missing.sum()), Counter(map(str, texts))
