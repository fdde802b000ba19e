"""CSV and TSV files: delimiter, header and types guessed, read in parts; or one sentence why not."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.data import cells, place
from engine.data.cache import Shelf, converted
from engine.data.cells import Cells, number
from engine.data.place import locate, opened
from engine.data.record import NO_TENSORS, DataError, Head, Option, Table, Tensors, settings, told
from engine.ops.row import Array
from engine.recipe import Source

MAX_COLUMNS = 10_000
MAX_LINE = 4_000_000
PART = 200_000
"""Cells of a part."""
HEAD_BYTES = 4 * 2**20
_BLANK = re.compile(r"\s")
SLOW = 8 << 20
"""Longer texts take over a second to be read, so they are converted once."""
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}

OPTIONS = (
    Option(
        "delimiter", "guess", "What stands between two values.", choices=("guess", *DELIMITERS)
    ),
    Option("header", "guess", "Whether the first line names the columns.", choices=("guess", "yes", "no")),
    *cells.OPTIONS,
)  # fmt: skip


def header(path: Path) -> list[str]:
    """The column names of a file. Raises DataError."""
    return CsvSheet(path, settings(OPTIONS, Source("csv"))).names


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """All rows of a file.

    Unless the options say otherwise: the delimiter is the one of comma, semicolon, tab and bar that
    the first line has most of. Numbers may have a decimal comma where the delimiter is another. A first
    line of nothing but numbers is a row. `target` names the column to predict, the last one unless
    given; `-` for none. Text columns become one column of 0 and 1 a category. Rows with missing
    values are left out and counted in `notes`. Raises DataError.
    """
    path = locate(source.path, base)
    options = settings(OPTIONS, source)
    if path.is_file() and path.stat().st_size > min(SLOW, place.LARGE):
        key = (source.kind, source.target, *sorted(source.options.items()))
        return converted(path, key, lambda shelf: _table(path, source, options, shelf))
    return _table(path, source, options, Shelf())


def _table(path: Path, source: Source, options: dict[str, Any], shelf: Shelf) -> Table:
    return table(CsvSheet(path, options), source, options, shelf)


def table(sheet: cells.Sheet, source: Source, options: dict[str, Any], shelf: Shelf) -> Table:
    """A sheet of columns as a table. Raises DataError."""
    features, targets = cells.chosen(sheet, source, options)
    seen = cells.survey(sheet, features, targets, options)
    return cells.fill(
        sheet, seen, cells.plan(sheet, seen, features, targets, options), options, shelf
    )


def head(source: Source, base: Path | None, tensors: Tensors, rows: int) -> Head:
    """The first lines of a file, all of it when it is small. Raises DataError."""
    options = settings(OPTIONS, source)
    sheet = CsvSheet(locate(source.path, base), options, rows)
    return of_sheet(sheet, source, options, sheet.is_whole)


def of_sheet(sheet: cells.Sheet, source: Source, options: dict[str, Any], whole: Any) -> Head:
    """What a sheet that gives only its first rows has; `whole()` tells if they are all of them."""
    parts = [columns for _, columns in sheet.parts()]
    columns = tuple(
        [cell for part in parts for cell in part[i]]
        if all(isinstance(part[i], list) for part in parts)
        else np.concatenate([np.asarray(part[i]) for part in parts])
        for i in range(len(sheet.names))
    )
    found, problem = None, ""
    try:
        found = table(sheet, source, options, Shelf())
    except DataError as error:
        problem = str(error)
    total = len(columns[0]) if columns and whole() else None
    return Head(found, whole(), total, tuple(sheet.names), columns, problem)


@dataclass
class CsvSheet:
    """A CSV file as a sheet of columns; with `rows`, only so many of the first ones."""

    path: Path
    options: dict[str, Any]
    rows: int = 0
    unit: str = "line"
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self.path.name
        self._whole, self._letters = True, 0
        with opened(self.path, "CSV file") as raw:
            first = self._first_line(raw)
        self.delimiter = DELIMITERS.get(self.options["delimiter"]) or _delimiter(first)
        self.decimal_comma = self.delimiter != ","
        self._named = True
        lines = self._lines()
        found = next(lines, None)
        lines.close()
        if found is None:
            raise DataError(f"{self.file} is empty; the first line names the columns")
        self.names = [cell.strip() for cell in found[1]]
        if len(self.names) > MAX_COLUMNS:
            raise DataError(f"{self.file} has more than {MAX_COLUMNS:,} columns; take a part of it")
        guess = self.options["header"]
        if guess == "no" or (
            guess == "guess" and all(number(n, self.decimal_comma) is not None for n in self.names)
        ):
            self._named = False
            self.names = [f"c{i + 1}" for i in range(len(self.names))]
            if guess == "guess":
                self.notes.append(
                    f"the first line of {self.file} holds numbers only, so it is a row and the "
                    "columns are called c1, c2 and so on"
                )
        self._check_names()

    def _first_line(self, raw: Any) -> str:
        for line in self._text(raw):
            if line.strip():
                return line
        return ""

    def _check_names(self) -> None:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice or "" in self.names:
            wrong = (
                f"two columns called {twice[0]!r}" if twice and twice[0] else "an unnamed column"
            )
            raise DataError(f"{self.file} has {wrong}; give every column a name of its own")

    def _text(self, raw: Any) -> Iterator[str]:
        """The lines of the file, none of them endless."""
        text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
        count = 0
        try:
            while line := text.readline(MAX_LINE + 1):
                count += 1
                self._letters += len(line)
                if len(line) > MAX_LINE:
                    raise DataError(
                        f"line {count} of {self.file} has more than {MAX_LINE:,} letters; it is no table"
                    )
                yield line
        except UnicodeDecodeError:
            raise DataError(f"{self.file} is not UTF-8 text; save it as CSV in UTF-8") from None
        except OSError as error:
            raise DataError(f"{self.file} cannot be read: {error.strerror}") from None
        finally:
            with suppress(ValueError):  # whoever opened the file may have closed it before
                text.detach()

    def _lines(self) -> Generator[tuple[int, list[str]], None, None]:
        """Line number and cells of every line that is not empty, the header among them."""
        self._letters = 0
        with opened(self.path, "CSV file") as raw:
            reader = csv.reader(
                self._text(raw), delimiter=self.delimiter, strict=True, skipinitialspace=True
            )
            try:
                for row in reader:
                    if "".join(row).strip():
                        yield reader.line_num, row
            except csv.Error as error:
                raise DataError(
                    f"line {reader.line_num} of {self.file} is not CSV: {error}"
                ) from None

    def parts(self) -> Iterator[tuple[Array, list[Cells]]]:
        width, read = len(self.names), 0
        most = max(PART // width, 1)
        numbers: list[int] = []
        rows: list[list[str]] = []
        whole = self.path.stat().st_size
        skip = self._named
        for line, row in self._lines():
            if skip:
                skip = False
                continue
            if self.rows and (read >= self.rows or self._letters > HEAD_BYTES):
                self._whole = False
                break
            if len(row) != width:
                raise DataError(
                    f"line {line} of {self.file} has {len(row)} values and the header {width}; "
                    "give every row the same number"
                )
            read += 1
            numbers.append(line)
            rows.append(row)
            if len(rows) == most:
                if not self.rows:
                    told(min(self._letters, whole), whole)
                yield np.array(numbers), _columns(rows)
                numbers, rows = [], []
        if rows:
            yield np.array(numbers), _columns(rows)

    def is_whole(self) -> bool:
        return self._whole


def _columns(rows: list[list[str]]) -> list[Cells]:
    """Rows of cells as columns, without the blanks around a cell."""
    return [
        [cell.strip() for cell in column] if _BLANK.search("".join(column)) else list(column)
        for column in zip(*rows, strict=True)
    ]


def _delimiter(line: str) -> str:
    """The one that splits a line most; those inside quotes do not split."""
    return max(
        DELIMITERS.values(),
        key=lambda d: max(map(len, csv.reader([line], delimiter=d)), default=0),
    )
