"""Parquet files: read in parts by polars, in another process, and treated as a CSV file is."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.data import cells, csv_file, parquet_child, place
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
    problem = sheet.fault() or found.problem
    table = None if problem else found.table
    return Head(table, found.whole, sheet.count, found.titles, found.columns, problem)


class _Pipe:
    """What a child writes: a stream that is read whole or not at all, and is no file to NumPy."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def array(self) -> Array:
        found: Array = np.lib.format.read_array(self, allow_pickle=False)  # type: ignore[arg-type]
        return found

    def texts(self) -> list[str]:
        ends, whole = self.array().tolist(), self.array().tobytes()
        return [whole[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)]


@dataclass
class ParquetSheet:
    """A Parquet file as a sheet of columns; with `rows`, only so many of the first ones.

    The process that reads it may end where the file is broken; that is a DataError here.
    """

    path: Path
    options: dict[str, Any]
    rows: int = 0
    unit: str = "row no."
    decimal_comma: bool = False
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self.path.name
        if importlib.util.find_spec("polars") is None:
            raise DataError(
                'a package for Parquet files is missing; type: python -m pip install "gradloom[data]"'
            )
        with opened(self.path, "Parquet file") as raw:
            mark = raw.read(4)
        if mark != b"PAR1":
            raise DataError(f"{self.file} is no Parquet file; it does not begin as one")
        self.names: list[str] = []
        self._only: list[tuple[Array, list[Cells]]] = []
        child = self._child()
        try:
            first = next(child, None)
            # A file of one part is not read again.
            if first is not None and len(first[0]) == self._end:
                self._only = [first]
        finally:
            child.close()
        if not self.count or not self.names:
            raise DataError(f"{self.file} has no rows; choose another file")
        if len(self.names) > csv_file.MAX_COLUMNS:
            raise DataError(
                f"{self.file} has more than {csv_file.MAX_COLUMNS:,} columns; take a part of it"
            )
        if self.count * len(self.names) > MAX_VALUES:
            raise DataError(f"{self.file} has more than {MAX_VALUES:,} values; take a part of it")
        if not self.rows and (fault := self.fault()):
            raise DataError(fault)

    @property
    def _end(self) -> int:
        return min(self.rows, self.count) if self.rows else self.count

    def fault(self) -> str:
        """Which column holds what is neither number nor text; empty when none does that is read."""
        left = names_in(self.options["left_out"], self.names, self.file)
        for name, kind in zip(self.names, self._kinds, strict=True):
            if name in left or kind in (parquet_child.NUMBER, parquet_child.TEXT):
                continue
            if kind.startswith("time "):
                return (
                    f"the column {name} of {self.file} holds dates or times ({kind[5:]}), which are no "
                    "numbers; leave it out or write days as numbers"
                )
            return (
                f"the column {name} of {self.file} holds {kind}, which is neither number nor text; "
                "leave it out"
            )
        return ""

    def parts(self) -> Iterator[tuple[Array, list[Cells]]]:
        return iter(self._only) if self._only else self._child()

    def _child(self) -> Generator[tuple[Array, list[Cells]], None, None]:
        """The parts, from a process that reads the file. Raises DataError."""
        script = [sys.executable, "-P", parquet_child.__file__]
        command = [*script, str(self.path.absolute()), str(PART), str(self.rows)]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as child:
            assert child.stdout is not None
            try:
                yield from self._told_by(_Pipe(child.stdout))
            except (EOFError, ValueError) as error:
                if isinstance(error, DataError):
                    raise
                raise self._broken("the reader ended in the middle") from None
            finally:
                child.kill()

    def _told_by(self, pipe: _Pipe) -> Iterator[tuple[Array, list[Cells]]]:
        done = 0
        while (tag := pipe.read(1)) != b".":
            if tag == b"E":
                raise self._broken(pipe.texts()[0])
            if tag == b"S":
                self.names, self._kinds = pipe.texts(), pipe.texts()
                self.count = int(pipe.array()[0])
                continue
            columns: list[Cells] = [
                pipe.array() if pipe.read(1) == b"n" else pipe.texts() for _ in self.names
            ]
            size = len(columns[0])
            if any(len(column) != size for column in columns):
                raise self._broken("its columns differ in length")
            done += size
            if not self.rows:
                told(done, self.count)
            yield np.arange(done - size + 1, done + 1), columns
        if done != self._end:
            raise self._broken("it has fewer rows than it says")

    def _broken(self, reason: str) -> DataError:
        return DataError(f"{self.file} cannot be read as Parquet ({reason}); write the file again")
