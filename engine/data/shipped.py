"""Data that are there without a file of one's own: shipped sets, and tables in the document."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.data import csv_file, place
from engine.data.record import NO_TENSORS, DataError, Option, Table, Tensors, settings
from engine.recipe import Source

TABLE_OPTIONS = (
    Option("columns", "", "Names of the features, a line each."),
    Option("classes", "", "Names of the classes, a line each."),
    Option(
        "missing", "refuse", "Values that are NaN: refused, or filled with the column's mean.",
        choices=("refuse", "fill"),
    ),
)  # fmt: skip


def names() -> list[str]:
    """The names of the shipped sets."""
    files = (f.name for f in place.shipped().iterdir())
    return sorted(Path(f).stem for f in files if f.endswith((".npz", ".csv")))


@lru_cache(maxsize=8)
def builtin(name: str) -> Table:
    """A shipped set. Raises DataError when there is none of that name."""
    if name not in names():
        raise DataError(f"there is no built-in data {name!r}; choose {', '.join(names())}")
    if (place.shipped() / f"{name}.csv").is_file():
        return csv_file.read(Source("csv", f"{name}.csv"))
    with (
        (place.shipped() / f"{name}.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as data,
    ):
        x, y = data["x"].astype(np.float64), data["y"].astype(np.int64)
        columns, classes = data["columns"].tolist(), data["classes"].tolist()
    for array in (x, y):
        array.setflags(write=False)
    side = round(x.shape[1] ** 0.5)
    picture = (1, side, side) if side * side == x.shape[1] and side > 2 else None
    return Table({"x": x, "y": y}, tuple(columns), tuple(classes), "class", (), {}, picture)


def read_builtin(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """The set that `path` names. Raises DataError."""
    settings((), source)
    return builtin(source.path)


def read_table(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """The tensors of the document. Raises DataError for numbers that are not finite."""
    options = settings(TABLE_OPTIONS, source)
    columns = tuple(filter(None, options["columns"].split("\n")))
    classes = tuple(filter(None, options["classes"].split("\n")))
    return Table(dict(tensors), columns, classes)
