"""What data hold, before anything is imported: columns, rows, classes, pictures, and what goes wrong."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.data import cells
from engine.data.kinds import FILES, KINDS
from engine.data.place import locate, stamp
from engine.data.record import MAX_CATEGORIES, NO_TENSORS, DataError, Head, Table, Tensors, names_in
from engine.expression import number_text
from engine.ops.row import Array
from engine.recipe import Source
from engine.shapes import Shape, shape_text

BINS = 16
SHOWN_ROWS = 12
SHOWN_COLUMNS = 200
THUMBNAILS = 16
READ_ROWS = 20_000
"""Rows of a large file that a preview looks at."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a preview, over the rows that were read.

    `role` is feature, target or left out; `type` number, whole number, text, date or pixel. `count` values
    are there and `missing` are not. Numbers have `low`, `high`, `mean` and a histogram of 16 `bins` from low
    to high; texts, and whole numbers with few values, have their commonest `values` with counts.
    """

    name: str
    role: str
    type: str
    count: int
    missing: int
    different: int = 0
    low: float = math.nan
    high: float = math.nan
    mean: float = math.nan
    bins: tuple[int, ...] = ()
    values: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a source holds.

    `rows` is how many there are, None where that is not counted; `read` how many were looked at, `whole`
    whether that is all. `size` is the file's in bytes. `shapes` are of the fields, `columns` at most 200,
    `titles` and `lines` a few rows as texts, `classes` names with counts, `pictures` up to 16 thumbnails as
    bytes (count × height × width, or × 3 in colour). `notes` are told, `problem` says in a sentence what
    would go wrong, empty when nothing would; then `table` is None. `table` holds the rows that were read.
    """

    title: str
    kind: str
    rows: int | None = None
    read: int = 0
    whole: bool = True
    size: int = 0
    shapes: dict[str, Shape] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    titles: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
    classes: tuple[tuple[str, int], ...] = ()
    pictures: Array | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""
    table: Table | None = None

    def summary(self) -> str:
        """One line: how many rows, features and classes."""
        if self.rows is None:
            count = f"the first {self.read:,} rows"
        else:
            count = f"{self.rows:,} row" + "s" * (self.rows != 1)
            count += "" if self.whole else f", of which the first {self.read:,} were read"
        parts = [
            f"{name} {shape_text(shape[1:])}" if shape[1:] else name
            for name, shape in self.shapes.items()
        ]
        parts += [f"{len(self.classes)} classes"] if self.classes else []
        return f"{count}; {', '.join(parts)} a row" if parts else count


def preview(
    source: Source, base: Path | None = None, rows: int = READ_ROWS, tensors: Tensors = NO_TENSORS
) -> Preview:
    """A look at a source, quick also on a large file: then it reads the first `rows` alone.

    `tensors` are the document's own of a table, by field. Never raises: `problem` says what is wrong.
    """
    title, size = source.path or source.kind, 0
    try:
        kind = KINDS[source.kind]
        title = source.path or kind.title
        if source.kind in FILES:
            path = locate(source.path, base)
            title, size = path.name, 0 if path.is_dir() else stamp(path)[1]
        head = (
            kind.head(source, base, tensors, rows)
            if kind.head is not None
            else Head(kind.read(source, base, tensors), True)
        )
        return _of_head(title, size, source, head)
    except DataError as error:
        return Preview(title, source.kind, size=size, problem=str(error))
    except MemoryError:
        return Preview(
            title,
            source.kind,
            size=size,
            problem=f"there is not enough memory for {title}; take a part of it",
        )


def _of_head(title: str, size: int, source: Source, head: Head) -> Preview:
    table = head.table
    read = len(next(iter(table.fields.values()))) if table is not None and table.fields else 0
    if head.columns:
        read = len(head.columns[0])
    notes = table.notes if table is not None else ()
    if not head.whole:
        notes = (f"this is the head of {title}: its first {read:,} rows", *notes)
    classes = _classes(table)
    problem = head.problem or _trouble(table, classes, head.whole)
    titles, lines = _lines(table, head)
    return Preview(
        title, source.kind, head.total if head.total is not None else read if head.whole else None,
        read, head.whole, size,
        {name: array.shape for name, array in table.fields.items()} if table is not None else {},
        _columns(table, head, source), titles, lines, classes,
        thumbnails(table) if table is not None else None, notes, problem, table,
    )  # fmt: skip


def _trouble(table: Table | None, classes: tuple[tuple[str, int], ...], whole: bool) -> str:
    """What would go wrong with rows that can be read."""
    if table is None:
        return ""
    if not table.fields or not len(next(iter(table.fields.values()))):
        return "there are no rows; add some or choose other data"
    present = [name for name, count in classes if count]
    if whole and len(present) == 1:
        return (
            f"every row is of the class {present[0]}; add rows of another or choose another target"
        )
    return ""


def _classes(table: Table | None) -> tuple[tuple[str, int], ...]:
    if table is None or "y" not in table.fields:
        return ()
    y = table.fields["y"]
    if y.dtype.kind not in "iu" or y.ndim != 1 or not len(y) or y.min() < 0:
        return ()
    counted = np.bincount(np.asarray(y), minlength=len(table.classes))
    names = table.classes or tuple(map(str, range(len(counted))))
    return tuple(zip(names, counted.tolist(), strict=False))


def _columns(table: Table | None, head: Head, source: Source) -> tuple[Column, ...]:
    if head.titles:
        left = _named(source.options.get("left_out", ""), head.titles)
        open_ = [name for name in head.titles if name not in left]
        target = source.target or (open_[-1] if open_ else "")
        targets = [] if target == cells.NO_TARGET else _named(target, head.titles)
        roles = dict.fromkeys(left, "left out") | dict.fromkeys(targets, "target")
        shown = list(zip(head.titles, head.columns, strict=True))[:SHOWN_COLUMNS]
        return tuple(_column(name, roles.get(name, "feature"), part) for name, part in shown)
    if table is None or "x" not in table.fields:
        return ()
    x = _shown(table, "x", 2000)
    flat = x.reshape(len(x), -1)
    if table.picture is not None:
        found = [_column("pixels", "feature", flat.reshape(-1)[:100_000], "pixel")]
    else:
        names = table.columns or tuple(f"x{i + 1}" for i in range(flat.shape[1]))
        found = [
            _column(name, "feature", flat[:, i]) for i, name in enumerate(names[:SHOWN_COLUMNS])
        ]
    if "y" in table.fields:
        y = np.asarray(table.fields["y"][:100_000])
        if table.classes and y.ndim == 1:
            texts = [
                table.classes[i] if 0 <= i < len(table.classes) else str(i) for i in y.tolist()
            ]
            found.append(_column(table.target or "y", "target", texts, "class"))
        else:
            parts = np.asarray(y, np.float64).reshape(len(y), -1)
            named = (
                [table.target or "y"]
                if parts.shape[1] == 1
                else [f"y{i + 1}" for i in range(parts.shape[1])]
            )
            found += [
                _column(n, "target", parts[:, i]) for i, n in enumerate(named[:SHOWN_COLUMNS])
            ]
    return tuple(found)


def _named(text: object, names: tuple[str, ...]) -> list[str]:
    try:
        return names_in(str(text), names, "")
    except DataError:
        return []


def _shown(table: Table, name: str, rows: int) -> Array:
    """The first rows of a field as they are shown: floats, times the field's factor."""
    part = np.asarray(table.fields[name][:rows], np.float64)
    return part * table.factors.get(name, 1.0)


def _column(name: str, role: str, part: cells.Cells, kind: str = "") -> Column:
    if isinstance(part, list) and kind != "class":
        type_, missing, told = cells.counts(part, False)
        values, _, _ = cells.numbers(part, False)
    elif isinstance(part, list):
        type_, missing, told, values = kind, 0, Counter(part), np.empty(0)
    else:
        type_, missing, told = cells.counts(part, False)
        type_, values = kind or type_, np.asarray(part, np.float64)
    present = values[np.isfinite(values)]
    numeric = type_ in ("number", "whole number", "pixel") and len(present) > 0
    common = (
        tuple(told.most_common(20)) if type_ != "number" and len(told) <= MAX_CATEGORIES * 4 else ()
    )
    different = len(told) or len(np.unique(present))
    if not numeric:
        return Column(name, role, type_, len(part) - missing, missing, different, values=common)
    bins, _ = (
        np.histogram(present, BINS) if np.ptp(present) < math.inf else (np.zeros(BINS, int), None)
    )
    return Column(
        name, role, type_, len(part) - missing, missing, different, float(present.min()),
        float(present.max()), float(present.mean()), tuple(bins.tolist()), common if type_ != "pixel" else (),
    )  # fmt: skip


def _lines(table: Table | None, head: Head) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """A few rows as texts, under titles."""
    if head.titles:
        parts = [_texts(part[:SHOWN_ROWS]) for part in head.columns[:SHOWN_COLUMNS]]
        return head.titles[:SHOWN_COLUMNS], tuple(zip(*parts, strict=True))
    if table is None or "x" not in table.fields or table.picture is not None:
        return (), ()
    x = _shown(table, "x", SHOWN_ROWS)
    flat = x.reshape(len(x), -1)[:, :SHOWN_COLUMNS]
    titles = list(table.columns[: flat.shape[1]]) or [f"x{i + 1}" for i in range(flat.shape[1])]
    parts = [_texts(flat[:, i]) for i in range(flat.shape[1])]
    if "y" in table.fields and table.fields["y"].ndim <= 2:
        y = np.asarray(table.fields["y"][:SHOWN_ROWS])
        if table.classes and y.ndim == 1:
            parts.append(
                [table.classes[i] if 0 <= i < len(table.classes) else str(i) for i in y.tolist()]
            )
            titles.append(table.target or "y")
        else:
            flat_y = np.asarray(y, np.float64).reshape(len(y), -1)[:, :SHOWN_COLUMNS]
            parts += [_texts(flat_y[:, i]) for i in range(flat_y.shape[1])]
            one = flat_y.shape[1] == 1
            titles += (
                [table.target or "y"] if one else [f"y{i + 1}" for i in range(flat_y.shape[1])]
            )
    return tuple(titles), tuple(zip(*parts, strict=True))


def _texts(part: cells.Cells) -> list[str]:
    if isinstance(part, list):
        return part
    return ["" if math.isnan(v) else number_text(float(f"{v:.6g}")) for v in part.tolist()]


def thumbnails(table: Table, count: int = THUMBNAILS) -> Array | None:
    """The first pictures as bytes, None where rows are none: count × height × width, or × 3."""
    if table.picture is None:
        return None
    x = np.asarray(table.fields["x"][:count]).reshape(-1, *table.picture)
    if x.dtype != np.uint8:
        values = np.nan_to_num(np.asarray(x, np.float64))
        low, high = float(values.min()), float(values.max())
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
        x = np.asarray((values - low) / ((high - low) or 1.0) * 255, np.uint8)
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.shape[1] == 3 else x[:, 0].copy()
