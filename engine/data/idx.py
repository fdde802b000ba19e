"""IDX files, the format of MNIST: pictures and labels, also packed by gzip.

The format: LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998: two zero bytes,
a type, the number of axes, their sizes as big-endian 32 bits, then the numbers.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import IO

import numpy as np

from engine.data import place
from engine.data.arrays import Described, check_finite, targets
from engine.data.cache import Shelf, converted
from engine.data.place import Unpacked, check_growth, locate, opened, unzipped
from engine.data.record import (
    ARRANGE,
    GREY,
    NO_TENSORS,
    DataError,
    Head,
    Option,
    Table,
    Tensors,
    arranged,
    settings,
    told,
)
from engine.ops.row import Array
from engine.recipe import Source

OPTIONS = (
    Option("labels", "", "The file with the labels; found beside the pictures when it is empty."),
    GREY,
    ARRANGE,
)
TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MAX_AXES = 8
_PIECE = 1 << 20


def header(file: IO[bytes] | Unpacked, name: str) -> Described:
    """The beginning of an IDX stream. Raises DataError for what is none."""
    start = file.read(4)
    if (
        len(start) < 4
        or start[:2] != b"\0\0"
        or start[2] not in TYPES
        or not 1 <= start[3] <= MAX_AXES
    ):
        raise DataError(
            f"{name} is no IDX file; it begins with {start.hex(' ') or 'nothing'} instead of 00 00 and a type"
        )
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(f"{name} is cut short in its first bytes; get the file again")
    shape = struct.unpack(f">{start[3]}I", sizes)
    if not all(shape):
        raise DataError(f"{name} has no rows; its sizes are {'×'.join(map(str, shape))}")
    return Described(np.dtype(TYPES[start[2]]), shape, False, 4 + 4 * start[3])


def array(path: Path, rows: int = 0) -> tuple[Array, int]:
    """The numbers of a file (or the first `rows` entries), and how many entries it has.

    A file that is not packed is read by memory map when it is large. Raises DataError.
    """
    with opened(path, "IDX file") as raw:
        size = raw.seek(0, 2)
        raw.seek(0)
        stream = unzipped(raw)
        packed = stream is not raw
        begin = Unpacked(stream, path.name, 4 + 4 * MAX_AXES)
        found = header(begin, path.name)
        if packed:
            check_growth(path.name, size, found.offset + found.size)
        elif size != found.offset + found.size:
            raise DataError(
                f"{path.name} has {size - found.offset:,} bytes of numbers and says {found.size:,}; "
                "it is cut short or damaged: get the file again"
            )
        count = found.shape[0]
        if rows and rows < count:
            shape = (rows, *found.shape[1:])
            data = Unpacked(stream, path.name, found.size).read(rows * (found.size // count))
            if len(data) < rows * (found.size // count):
                raise DataError(f"{path.name} is cut short; get the file again")
            return np.frombuffer(data, found.dtype).reshape(shape), count
    if not packed and found.size > place.LARGE:
        return np.memmap(path, found.dtype, "r", found.offset, found.shape), count
    if found.size > place.LARGE:
        made = converted(path, ("idx",), lambda shelf: _unpacked(path, shelf))
        return made.fields["x"], count
    return _unpacked(path, Shelf()).fields["x"], count


def _unpacked(path: Path, shelf: Shelf) -> Table:
    with opened(path, "IDX file") as raw:
        stream = unzipped(raw)
        found = header(Unpacked(stream, path.name, 4 + 4 * MAX_AXES), path.name)
        body = Unpacked(stream, path.name, found.size)
        count, row = found.shape[0], found.size // found.shape[0]
        native = found.dtype.newbyteorder("=")
        shelf.open("x", found.shape, native.str)
        step = max(_PIECE // row, 1)
        for start in range(0, count, step):
            part = min(step, count - start)
            data = _exactly(body, part * row, path.name)
            numbers = np.frombuffer(data, found.dtype).reshape((part, *found.shape[1:]))
            shelf.put("x", numbers.astype(native))
            told(start + part, count)
        body.read(1)  # which says when there is more
    return Table(shelf.filled())


def _exactly(stream: Unpacked, count: int, name: str) -> bytes:
    data = b""
    while len(data) < count:
        more = stream.read(count - len(data))
        if not more:
            raise DataError(f"{name} is cut short; get the file again")
        data += more
    return data


def _labels(path: Path, named: str, base: Path | None) -> tuple[Path | None, tuple[str, ...]]:
    if named:
        return locate(named, base), ()
    guess = path.name
    for old, new in (("images", "labels"), ("idx3", "idx1")):
        guess = guess.replace(old, new)
    for name in (guess, guess.removesuffix(".gz"), guess + ".gz"):
        if name != path.name and (path.parent / name).is_file():
            return path.parent / name, (f"the labels are those of {name}, which lies beside it",)
    return None, (f"{path.name} has no labels; name their file if there is one",)


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """Pictures and their labels. Raises DataError."""
    return _table(source, base, 0)[0]


def head(source: Source, base: Path | None, tensors: Tensors, rows: int) -> Head:
    """The first pictures and labels. Raises DataError."""
    table, total = _table(source, base, rows)
    return Head(table, total <= rows, total)


def _table(source: Source, base: Path | None, rows: int) -> tuple[Table, int]:
    options = settings(OPTIONS, source)
    path = locate(source.path, base)
    x, total = array(path, rows)
    labels, notes = _labels(path, options["labels"], base)
    fields: dict[str, Array] = {}
    classes: tuple[str, ...] = ()
    target = ""
    picture = None
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim in (3, 4):
        pictures = x[:, None] if x.ndim == 3 else np.moveaxis(x, -1, 1) if x.shape[-1] == 3 else x
        picture = pictures.shape[1:]
        x = arranged(pictures, options["arrange"])
    fields["x"] = x
    if labels is not None:
        y, count = array(labels, rows)
        if count != total:
            raise DataError(
                f"{labels.name} has {count:,} labels and {path.name} {total:,} pictures; "
                "they do not belong together"
            )
        fields["y"], classes = targets(y, labels.name)
        target = labels.name
    check_finite(path.name, fields, False)
    bytes_ = x.dtype == np.uint8 and options["grey"] == "0 to 1"
    width = math.prod(x.shape[1:])
    columns = tuple(f"x{i + 1}" for i in range(width)) if width <= 10_000 else ()
    factors = {"x": 1 / 255} if bytes_ else {}
    return Table(fields, columns, classes, target, notes, factors, picture), total
