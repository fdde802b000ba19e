"""The table of the kinds of data: one row a kind, with its settings and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.data import (
    arrays,
    csv_file,
    functions,
    idx,
    images,
    parquet,
    patches,
    shipped,
    toys,
)
from engine.data.place import checksum, locate, stamp
from engine.data.record import NO_TENSORS, DataError, Kind, Table, Tensors
from engine.recipe import Source

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "toy", "Points in the plane",
            "Two features and a target, made by seed: those of TensorFlow Playground, and moons.",
            toys.OPTIONS, "the shape", toys.read, names=lambda: list(toys.SHAPES),
        ),
        Kind(
            "function", "Function of x", "Points of a function that is given as a formula, with noise.",
            functions.OPTIONS, "", functions.read,
        ),
        Kind(
            "patches", "Small pictures", "Pictures made by seed: shapes, textures, or digits on a ground.",
            patches.OPTIONS, "the set", patches.read, names=lambda: list(patches.SETS),
        ),
        Kind(
            "builtin", "Built-in set", "A small set of real data that comes with the program.",
            (), "the set", shipped.read_builtin, names=shipped.names,
        ),
        Kind(
            "table", "Table in the document", "Rows that the document holds: drawn, typed or embedded.",
            shipped.TABLE_OPTIONS, "", shipped.read_table,
        ),
        Kind(
            "csv", "CSV or TSV file", "Columns with commas, semicolons, tabs or bars between; UTF-8.",
            csv_file.OPTIONS, "the file", csv_file.read, csv_file.head, (".csv", ".tsv", ".txt"),
        ),
        Kind(
            "parquet", "Parquet file", "Columns of numbers and texts.",
            parquet.OPTIONS, "the file", parquet.read, parquet.head, (".parquet", ".pq"),
        ),
        Kind(
            "arrays", "NumPy file", "Arrays of features and of targets, in .npy or .npz; never pickled.",
            arrays.OPTIONS, "the file", arrays.read, arrays.head, (".npy", ".npz"),
        ),
        Kind(
            "idx", "IDX file", "Pictures and labels in the format of MNIST, also packed by gzip.",
            idx.OPTIONS, "the file", idx.read, idx.head,
            (".idx", "-ubyte", "-ubyte.gz", ".idx.gz"),
        ),
        Kind(
            "images", "Folder of pictures", "A folder for each class, with pictures in it.",
            images.OPTIONS, "the folder", images.read, images.head,
        ),
    )
}  # fmt: skip
"""Every kind of source by the name that `Source.kind` has."""

FILES = ("csv", "parquet", "arrays", "idx", "images")
"""Kinds that read files or folders."""


def kind_of(path: Path) -> str:
    """The kind of a file by its name, of a folder `images`; empty when it is none of them."""
    if path.is_dir():
        return "images"
    name = path.name.lower()
    for kind in KINDS.values():
        if any(name.endswith(suffix) for suffix in kind.suffixes):
            return kind.name
    return ""


def source_of(path: Path, base: Path | None = None, **changes: Any) -> Source:
    """A source that reads a file or a folder: its kind told by its name, its checksum taken, its path
    relative to the folder `base` where it lies in it. `changes` are other fields of the source.

    Raises DataError for a file of no kind.
    """
    kind = kind_of(path)
    if not kind:
        endings = ", ".join(ending for known in KINDS.values() for ending in known.suffixes)
        raise DataError(
            f"{path.name} is no data that can be read; choose a folder of pictures or a file of {endings}"
        )
    whole = path.absolute()
    inside = base is not None and whole.is_relative_to(base.absolute())
    text = (
        whole.relative_to(base.absolute()).as_posix() if base is not None and inside else str(whole)
    )
    numbers = kind in ("csv", "parquet", "arrays")
    made = Source(kind, text, checksum=checksum(path), standardize=numbers, validation=0.2)  # type: ignore[arg-type]
    return replace(made, **changes)


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """All rows of a source. `tensors` are the document's own of a table, by field.

    What is read is kept while its files are as they were. Raises DataError.
    """
    if source.kind == "table":
        return KINDS["table"].read(source, base, tensors)
    options = tuple(sorted(source.options.items()))
    stamps: tuple[tuple[int, int], ...] = ()
    path = source.path
    if source.kind in FILES:
        place = locate(source.path, base).absolute()
        path, stamps = str(place), (stamp(place),)
        if (labels := source.options.get("labels")) and isinstance(labels, str):
            stamps += (stamp(locate(labels, base)),)
        elif any(option.name == "labels" for option in KINDS[source.kind].options):
            stamps += (stamp_of_folder(place.parent),)
    folder = (base or Path.cwd()).absolute()
    return _read(source.kind, path, source.target, options, folder, stamps)


def stamp_of_folder(folder: Path) -> tuple[int, int]:
    """When files came to a folder or went; labels beside a file are found there."""
    try:
        return folder.stat().st_mtime_ns, 0
    except OSError:
        return 0, 0


@lru_cache(maxsize=4)
def _read(
    kind: str, path: str, target: str, options: tuple[tuple[str, float | str], ...], base: Path,
    stamps: tuple[tuple[int, int], ...],
) -> Table:  # fmt: skip
    source = Source(kind, path, target, options=dict(options))  # type: ignore[arg-type]
    try:
        return KINDS[kind].read(source, base, {})
    except MemoryError:
        raise DataError(
            f"there is not enough memory for {Path(path).name}; take a part of it"
        ) from None
