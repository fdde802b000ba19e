"""Parquet files: read in parts by polars, and treated as a CSV file of the same columns is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.data import cells, csv_file, place
from engine.data.cache import Shelf, converted
from engine.data.cells import Cells
from engine.data.place import locate, opened
from engine.data.record import NO_TENSORS, DataError, Head, Table, Tensors, names_in, settings, told
from engine.ops.row import Array
from engine.recipe import Source

OPTIONS = cells.OPTIONS
PART = 2_000_000
"""Cells of a part."""
MAX_VALUES = 20_000_000_000


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """All rows of a file, by the rules of `csv_file.read`. Raises DataError."""
    path = locate(source.path, base)
    options = settings(OPTIONS, source)
    sheet = ParquetSheet(path, options)
    if sheet.count * len(sheet.names) * 8 > place.LARGE:
        key = (source.kind, source.target, *sorted(source.options.items()))
        return converted(path, key, lambda shelf: csv_file.table(sheet, source, options, shelf))
    return csv_file.table(sheet, source, options, Shelf())


def head(source: Source, base: Path | None, tensors: Tensors, rows: int) -> Head:
    """The first rows of a file. Raises DataError."""
    options = settings(OPTIONS, source)
    sheet = ParquetSheet(locate(source.path, base), options, rows)
    found = csv_file.of_sheet(sheet, source, options, lambda: rows >= sheet.count)
    return Head(found.table, found.whole, sheet.count, found.titles, found.columns, found.problem)


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise DataError(
            'a package for Parquet files is missing; type: python -m pip install "gradloom[data]"'
        ) from None
    return polars


@dataclass
class ParquetSheet:
    """A Parquet file as a sheet of columns; with `rows`, only so many of the first ones."""

    path: Path
    options: dict[str, Any]
    rows: int = 0
    unit: str = "row no."
    decimal_comma: bool = False
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self.path.name
        polars = _polars()
        with opened(self.path, "Parquet file") as raw:
            mark = raw.read(4)
        if mark != b"PAR1":
            raise DataError(f"{self.file} is no Parquet file; it does not begin as one")
        schema = self._asked(lambda: polars.read_parquet_schema(self.path))
        self.names = list(schema)
        self._types = schema
        self.count = int(self._asked(lambda: self._scan().select(polars.len()).collect().item()))
        if not self.count or not self.names:
            raise DataError(f"{self.file} has no rows; choose another file")
        if len(self.names) > csv_file.MAX_COLUMNS:
            raise DataError(
                f"{self.file} has more than {csv_file.MAX_COLUMNS:,} columns; take a part of it"
            )
        if self.count * len(self.names) > MAX_VALUES:
            raise DataError(f"{self.file} has more than {MAX_VALUES:,} values; take a part of it")
        left = [] if self.rows else names_in(self.options["left_out"], self.names, self.file)
        for name in self.names:
            if name not in left and not self.rows:
                self._check_type(name)

    def _scan(self) -> Any:
        return _polars().scan_parquet(self.path, glob=False, hive_partitioning=False)

    def _asked(self, ask: Any) -> Any:
        """What polars answers; a broken file is told in a sentence, also where its core panics."""
        try:
            return ask()
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:
            reason = " ".join(str(error).split())[:120]
            raise DataError(
                f"{self.file} cannot be read as Parquet ({reason}); write the file again"
            ) from None

    def _check_type(self, name: str) -> None:
        kind = self._types[name]
        word = str(kind).partition("(")[0]
        if kind.is_temporal():
            raise DataError(
                f"the column {name} of {self.file} holds dates or times ({word}), which are no numbers; "
                "leave it out or write days as numbers"
            )
        if not _is_cells(kind):
            raise DataError(
                f"the column {name} of {self.file} holds {word}, which is neither number nor text; "
                "leave it out"
            )

    def parts(self) -> Iterator[tuple[Array, list[Cells]]]:
        most = max(PART // len(self.names), 1)
        end = min(self.rows, self.count) if self.rows else self.count
        for start in range(0, end, most):
            size = min(most, end - start)
            frame = self._asked(lambda a=start, n=size: self._scan().slice(a, n).collect())
            if len(frame) != size:
                raise DataError(f"{self.file} has fewer rows than it says; write the file again")
            columns = [self._cells(frame[name]) for name in self.names]
            if not self.rows:
                told(start + size, end)
            yield np.arange(start + 1, start + size + 1), columns

    def _cells(self, column: Any) -> Cells:
        polars = _polars()
        kind = column.dtype
        if kind.is_numeric():
            values = column.cast(polars.Float64).fill_null(float("nan")).to_numpy()
            return np.asarray(values, np.float64)
        if kind == polars.Boolean or kind.is_temporal():
            column = column.cast(polars.String)
        if _is_cells(kind) or kind.is_temporal():
            texts = column.cast(polars.String).fill_null("").to_list()
            return [text.strip() for text in texts]
        return ["" if value is None else str(kind) for value in column.is_null().to_list()]


def _is_cells(kind: Any) -> bool:
    polars = _polars()
    texts = (polars.String, polars.Categorical, polars.Enum, polars.Boolean, polars.Null)
    return bool(kind.is_numeric()) or kind in texts
