"""Data converted once: arrays in a cache folder, written whole or not at all, read by memory map."""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.data.place import checksum, folder, not_ready, size_text, waits
from engine.data.record import DataError, Table
from engine.ops.row import Array

VERSION = 1
"""Goes up when readers give other numbers than before."""
KEPT_DAYS = 30
_TEXTS = ("columns", "classes", "notes")


class Shelf:
    """Arrays that are filled in order, in memory."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self._at: dict[str, int] = {}

    def open(self, field: str, shape: tuple[int, ...], dtype: str) -> None:
        """A new array of a shape, its first axis the rows."""
        self.arrays[field], self._at[field] = np.empty(shape, dtype), 0

    def put(self, field: str, rows: Array) -> None:
        """The next rows of an array."""
        start = self._at[field]
        self._at[field] = start + len(rows)
        self.arrays[field][start : start + len(rows)] = rows

    def filled(self) -> dict[str, Array]:
        """The arrays, read-only."""
        for array in self.arrays.values():
            array.setflags(write=False)
        return self.arrays


class Writer(Shelf):
    """Arrays that are filled in order, in files of a folder; raises DataError where it has no room.

    They are written and not mapped: a disk that is full is an error then, and no end of the process.
    """

    def __init__(self, place: Path) -> None:
        super().__init__()
        self.place = place
        self._files: dict[str, IO[bytes]] = {}
        self._dtypes: dict[str, np.dtype[Any]] = {}

    def open(self, field: str, shape: tuple[int, ...], dtype: str) -> None:
        need = math.prod(shape) * np.dtype(dtype).itemsize
        free = shutil.disk_usage(self.place).free
        if need > free - (64 << 20):
            raise DataError(
                f"converting the data needs {size_text(need)} and the disk of {folder()} has "
                f"{size_text(free)} free; make room or take fewer rows"
            )
        file = (self.place / f"{field}.npy").open("wb")
        self._files[field], self._dtypes[field] = file, np.dtype(dtype)
        described = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, described)

    def put(self, field: str, rows: Array) -> None:
        self._files[field].write(np.ascontiguousarray(rows, self._dtypes[field]).data)

    def filled(self) -> dict[str, Array]:
        self.close()
        return {
            field: np.load(self.place / f"{field}.npy", mmap_mode="r", allow_pickle=False)
            for field in self._files
        }

    def close(self) -> None:
        for file in self._files.values():
            if not file.closed:
                file.flush()
                os.fsync(file.fileno())
                file.close()


def converted(
    path: Path, options: Iterable[object], build: Callable[[Writer], Table], quick: bool = False
) -> Table:
    """The table that `build` makes of a file, made once for its checksum and `options`.

    `build` gets a Writer, fills the large arrays there and returns the table with them. Raises
    DataError, and leaves nothing behind that is not whole; a NotReady where nobody may wait, unless it
    is `quick`.
    """
    told = "\0".join(map(repr, (VERSION, checksum(path), *options)))
    key = hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:32]
    place = folder() / key
    known = _kept(place)
    if known is not None:
        return known
    if not quick and not waits():
        raise not_ready(path)
    temporary = folder() / f".{key}-{secrets.token_hex(4)}"
    try:
        temporary.mkdir(parents=True)
        _forget_old()
        writer = Writer(temporary)
        try:
            table = build(writer)
        finally:
            writer.close()
        _write(temporary, table)
        try:
            os.replace(temporary, place)
        except OSError:
            # Another process was first, or what stands there was not whole.
            if _kept(place) is None:
                shutil.rmtree(place, ignore_errors=True)
                os.replace(temporary, place)
    except OSError as error:
        raise DataError(
            f"the converted data cannot be kept in {folder()}: {error.strerror or error}; make room there"
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    made = _kept(place)
    if made is None:
        raise DataError(f"the converted data in {folder()} cannot be read; try again")
    return made


def _write(place: Path, table: Table) -> None:
    for field, array in table.fields.items():
        if not isinstance(array, np.memmap):
            np.save(place / f"{field}.npy", np.ascontiguousarray(array), allow_pickle=False)
    np.savez(
        place / "told.npz",
        fields=np.array(list(table.fields), np.str_),
        target=np.array(table.target, np.str_),
        factors=np.array([table.factors.get(f, 1.0) for f in table.fields]),
        picture=np.array(table.picture or (), np.int64),
        columns=np.array(table.columns, np.str_),
        classes=np.array(table.classes, np.str_),
        notes=np.array(table.notes, np.str_),
    )


def _kept(place: Path) -> Table | None:
    """What stands in the cache, None when it is not there or not whole."""
    try:
        with np.load(place / "told.npz", allow_pickle=False) as told:
            fields = told["fields"].tolist()
            factors = dict(zip(fields, told["factors"].tolist(), strict=True))
            texts = {name: tuple(told[name].tolist()) for name in _TEXTS}
            target = str(told["target"])
            picture = tuple(told["picture"].tolist()) or None
        arrays = {
            field: np.load(place / f"{field}.npy", mmap_mode="r", allow_pickle=False)
            for field in fields
        }
        with suppress(OSError):
            os.utime(place)
    except (OSError, ValueError, KeyError, EOFError):
        return None
    columns, classes, notes = (texts[name] for name in _TEXTS)
    factors = {field: factor for field, factor in factors.items() if factor != 1.0}
    return Table(arrays, columns, classes, target, notes, factors, picture)


def _forget_old() -> None:
    """Removes what nobody has read for a month."""
    oldest = time.time() - KEPT_DAYS * 86_400
    for place in folder().iterdir():
        with suppress(OSError):
            if place.stat().st_mtime >= oldest:
                continue
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink()
