"""A CSV file with a header to columns of numbers and classes, or one sentence saying why not."""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.expression import number_text
from engine.ops.row import Array

MAX_BYTES = 64 * 2**20
MAX_CELLS = 20_000_000
MAX_COLUMNS = 10_000
MAX_CATEGORIES = 50
"""A text column with more different values than this is no feature; a whole-number target with
more is a quantity and not a class."""

_MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}
_DELIMITERS = ",;\t"


class DataError(ValueError):
    """Data that cannot be used; the message says what, where and what to do."""


@dataclass(frozen=True)
class Table:
    """Features (rows × columns, float64) and target of a file, in the file's order.

    `y` holds class indices (int64) with their names in `classes`, or one column of floats when the
    target is a quantity. `notes` say what was left out or read in another way.
    """

    x: Array
    y: Array
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    target: str
    notes: tuple[str, ...]


def header(path: Path) -> list[str]:
    """The column names of a file. Raises DataError."""
    return next(_rows(_text(path), path.name))[1]


def read(path: Path, target: str = "") -> Table:
    """Reads a file; `target` names the column to predict, the last one unless given.

    The delimiter is the one of comma, semicolon and tab that the header has most of. Numbers may have
    a decimal comma where the delimiter is another. Text columns become one column of 0 and 1 a
    category. Rows with missing values are left out and counted in `notes`. Raises DataError.
    """
    state = _stat(path)
    return _cached(path, target, state.st_mtime_ns, state.st_size)


def _stat(path: Path) -> os.stat_result:
    try:
        state = path.stat()
    except OSError:
        raise DataError(
            f"the file {path.name} is not there; put it beside the document or choose another"
        ) from None
    if not path.is_file():
        raise DataError(f"{path.name} is not a file; choose a CSV file")
    if state.st_size > MAX_BYTES:
        raise DataError(f"{path.name} is larger than {MAX_BYTES // 2**20} MiB; take a part of it")
    return state


@lru_cache(maxsize=8)
def _cached(path: Path, target: str, modified: int, size: int) -> Table:
    return _table(_text(path), path.name, target)


def _text(path: Path) -> str:
    _stat(path)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not UTF-8 text; save it as CSV in UTF-8") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from None


def _delimiter(text: str) -> str:
    """The one that splits the header most; those inside quotes do not split."""
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(
        _DELIMITERS, key=lambda d: max(map(len, csv.reader([first], delimiter=d)), default=0)
    )


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not empty; the first one is the header."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=_delimiter(text),
        strict=True,
        skipinitialspace=True,
    )
    names: list[str] = []
    cells = 0
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            row = [cell.strip() for cell in row]
            if not names:
                names = row
                _check_header(names, file)
            elif len(row) != len(names):
                raise DataError(
                    f"line {reader.line_num} of {file} has {len(row)} values and the header "
                    f"{len(names)}; give every row the same number"
                )
            cells += len(row)
            if cells > MAX_CELLS:
                raise DataError(f"{file} has more than {MAX_CELLS:,} values; take a part of it")
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"line {reader.line_num} of {file} is not CSV: {error}") from None
    if not names:
        raise DataError(f"{file} is empty; the first line names the columns")


def _check_header(names: list[str], file: str) -> None:
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{file} has more than {MAX_COLUMNS:,} columns; take a part of it")
    if len(names) < 2:
        raise DataError(f"{file} has one column; a feature and a target are needed")
    if all(_number(name, False) is not None for name in names):
        raise DataError(f"{file} has no header; the first line names the columns")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or "" in names:
        wrong = f"two columns called {twice[0]!r}" if twice and twice[0] else "an unnamed column"
        raise DataError(f"{file} has {wrong}; give every column a name of its own")


def _number(cell: str, decimal_comma: bool) -> float | None:
    try:
        value = float(cell.replace(",", ".") if decimal_comma else cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _table(text: str, file: str, target: str) -> Table:
    rows = _rows(text, file)
    names = next(rows)[1]
    chosen = target or names[-1]
    if chosen not in names:
        raise DataError(f"{file} has no column {chosen!r}; it has: {', '.join(names[:12])}")
    decimal_comma = _delimiter(text) != ","
    lines, kept, missing = [], [], Counter[str]()
    total = 0
    for line, row in rows:
        total += 1
        empty = [name for name, cell in zip(names, row, strict=True) if cell.lower() in _MISSING]
        missing.update(empty)
        if not empty:
            lines.append(line)
            kept.append(row)
    if not kept:
        raise DataError(
            f"{file} has no complete row; every row has a missing value or there is none"
        )
    notes = []
    if missing:
        where = ", ".join(f"{name}: {count}" for name, count in missing.most_common(6))
        plural = "row was" if total - len(kept) == 1 else "rows were"
        notes.append(
            f"{total - len(kept)} of {total} {plural} left out for missing values ({where})"
        )
    features: list[Array] = []
    columns: list[str] = []
    for index, name in enumerate(names):
        if name == chosen:
            continue
        cells = [row[index] for row in kept]
        numbers = _numbers(cells, lines, name, file, decimal_comma)
        if numbers is not None:
            features.append(numbers)
            columns.append(name)
            continue
        kinds = sorted(set(cells))
        if len(kinds) > MAX_CATEGORIES:
            notes.append(f"the column {name} has {len(kinds)} different texts and was left out")
            continue
        known = np.asarray(cells)
        features += [(known == kind).astype(np.float64) for kind in kinds]
        columns += [f"{name}={kind}" for kind in kinds]
    if not features:
        raise DataError(f"{file} has no column of numbers beside {chosen}; add one")
    cells = [row[names.index(chosen)] for row in kept]
    y, classes = _target(cells, lines, chosen, file, decimal_comma)
    return Table(np.stack(features, axis=1), y, tuple(columns), classes, chosen, tuple(notes))


def _numbers(
    cells: list[str], lines: list[int], name: str, file: str, decimal_comma: bool
) -> Array | None:
    """A column as floats, or None when it is text: when fewer than half its values are numbers."""
    values = [_number(cell, decimal_comma) for cell in cells]
    bad = [i for i, value in enumerate(values) if value is None]
    if 2 * len(bad) > len(cells):
        return None
    if bad:
        raise DataError(
            f"line {lines[bad[0]]} of {file}: {cells[bad[0]]!r} in the column {name} is not a number; "
            "correct it or leave it empty"
        )
    return np.asarray(values, np.float64)


def _target(
    cells: list[str], lines: list[int], name: str, file: str, decimal_comma: bool
) -> tuple[Array, tuple[str, ...]]:
    """Class indices and names, or a column of floats and no names."""
    numbers = _numbers(cells, lines, name, file, decimal_comma)
    if numbers is None:
        classes = sorted(set(cells))
        if len(classes) == len(cells) > MAX_CATEGORIES:
            raise DataError(
                f"every row of {file} has a different text in {name}; choose another target column"
            )
        return np.searchsorted(np.asarray(classes), np.asarray(cells)), tuple(classes)
    different = np.unique(numbers)
    if np.all(different == np.round(different)) and len(different) <= MAX_CATEGORIES:
        return np.searchsorted(different, numbers), tuple(
            number_text(float(value)) for value in different
        )
    return numbers[:, None], ()
