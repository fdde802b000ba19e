"""NumPy files: `.npy` read by memory map, `.npz` unpacked within limits; never anything pickled."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.data import place
from engine.data.cache import Shelf, converted
from engine.data.place import Unpacked, check_growth, locate, opened, waits
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
    as_target,
    settings,
    told,
)
from engine.ops.row import Array
from engine.recipe import Source

OPTIONS = (
    Option("features", "", "The array with the features, in a .npz; guessed when it is empty."),
    Option("labels", "", "A .npy file with the targets; found beside x_….npy as y_….npy."),
    Option(
        "arrange", "guess",
        "Pictures (3 axes, or 4 with channels): see Arrange elsewhere; guess flattens bytes alone.",
        choices=("guess", *ARRANGE.choices),
    ),
    GREY,
    Option(
        "missing", "refuse", "Values that are NaN: refused, or filled with the column's mean.",
        choices=("refuse", "fill"),
    ),
)  # fmt: skip
FEATURES = ("x", "X", "x_train", "X_train", "features", "data", "images", "train_x", "arr_0")
TARGETS = (
    "y",
    "Y",
    "y_train",
    "Y_train",
    "targets",
    "target",
    "labels",
    "label",
    "train_y",
    "arr_1",
)
MAX_MEMBERS = 1000
_PIECE = 1 << 20


@dataclass(frozen=True)
class Described:
    """An array in a file: its dtype and shape, its order and where its numbers begin."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    columns_first: bool
    offset: int

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def described(file: IO[bytes] | Unpacked, name: str) -> Described:
    """The header of a .npy stream. Raises DataError for what is none, or holds no real numbers."""
    try:
        version = np.lib.format.read_magic(file)  # type: ignore[arg-type]
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if reader is None:
            raise ValueError(f"version {version[0]}.{version[1]} of the format")
        shape, columns_first, dtype = reader(file)  # type: ignore[arg-type]
    except DataError:
        raise
    except Exception as error:  # the parser of headers raises whatever it meets
        reason = " ".join(str(error).split())[:80]
        raise DataError(f"{name} is no array that NumPy wrote ({reason}); save it anew") from None
    if dtype.kind not in "fiub" or dtype.itemsize > 8 or dtype.subdtype is not None:
        what = "Python objects" if dtype.hasobject else str(dtype)[:60]
        raise DataError(
            f"{name} holds {what} and no real numbers; save it as an array of floats or whole numbers"
        )
    if len(shape) > 32 or any(not isinstance(n, int) or n < 0 for n in shape):
        raise DataError(f"{name} has no sound shape; save it anew")
    length = 6 + 2 + (2 if version == (1, 0) else 4)
    return Described(dtype, tuple(shape), bool(columns_first), length)


def mapped(path: Path) -> Array:
    """A .npy file as an array: in memory when it is small, else by memory map. Raises DataError."""
    with opened(path, "NumPy file") as file:
        found = described(file, path.name)
        offset = file.tell()
        size = file.seek(0, 2)
    if size != offset + found.size:
        raise DataError(
            f"{path.name} has {size - offset:,} bytes of numbers and says {found.size:,}; "
            "it is cut short or damaged: save it anew"
        )
    if not found.size:
        return np.empty(found.shape, found.dtype)
    order = "F" if found.columns_first else "C"
    array = np.memmap(path, found.dtype, "r", offset, found.shape, order)  # type: ignore[call-overload]
    if found.size > place.LARGE:
        return array  # type: ignore[no-any-return]
    return _still(np.array(array, found.dtype.newbyteorder("="), order="C"))


def _still(array: Array) -> Array:
    array.setflags(write=False)
    return array


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """The arrays of a file: features, and a target where there is one.

    Of a .npz, `target` names the array with the targets and the option `features` the other one; they
    are guessed by their names otherwise. The targets of a .npy are a file of their own. Raises DataError.
    """
    path = locate(source.path, base)
    options = settings(OPTIONS, source)
    with opened(path, "NumPy file") as file:
        packed = file.read(4) == b"PK\3\4"
    if not packed:
        x = mapped(path)
        labels, notes = _labels(path, options["labels"], base)
        y = mapped(labels) if labels is not None else None
        return of_arrays(path.name, x, y, labels.name if labels is not None else "", options, notes)
    with _opened_npz(path) as members:
        chosen, target, notes = _chosen(path.name, members, source, options)
        if sum(members[name].size for name in (chosen, target) if name) > place.LARGE:
            key = (source.kind, chosen, target)
            whole = converted(path, key, lambda shelf: _unpacked(path, (chosen, target), shelf))
            fields = whole.fields
        else:
            fields = _unpacked(path, (chosen, target), Shelf()).fields
    return of_arrays(path.name, fields["x"], fields.get("y"), target, options, notes)


def _labels(path: Path, named: str, base: Path | None) -> tuple[Path | None, tuple[str, ...]]:
    if named:
        return locate(named, base), ()
    name = path.name
    guess = "y" + name[1:] if name[:1] == "x" else "Y" + name[1:] if name[:1] == "X" else ""
    if guess and (path.parent / guess).is_file():
        return path.parent / guess, (f"the targets are those of {guess}, which lies beside it",)
    return None, (f"{name} has no targets; name their file if there is one",)


def of_arrays(
    file: str, x: Array, y: Array | None, target: str, options: dict[str, Any],
    notes: tuple[str, ...] = (),
) -> Table:  # fmt: skip
    """Features and targets as a table. Raises DataError for sizes and numbers that do not fit."""
    if not x.ndim or not len(x):
        raise DataError(f"{file} has no rows; its first axis counts them")
    if not math.prod(x.shape[1:]):
        raise DataError(f"{file} has rows without numbers; save it anew")
    fields = {"x": x.reshape(-1, 1) if x.ndim == 1 else x}
    picture, factors, how = None, {}, options["arrange"]
    if how == "guess":
        how = "flat" if x.dtype == np.uint8 else "as stored"
    if x.ndim in (3, 4) and how != "as stored":
        pictures = (
            x[:, None] if x.ndim == 3 else np.moveaxis(x, -1, 1) if x.shape[-1] in (1, 3) else x
        )
        picture, fields["x"] = pictures.shape[1:], arranged(pictures, how)
    if x.dtype == np.uint8 and options["grey"] == "0 to 1":
        factors = {"x": 1 / 255}
        notes += ("the features are bytes and are divided by 255",)
    width = math.prod(fields["x"].shape[1:])
    columns = tuple(f"x{i + 1}" for i in range(width)) if width <= 10_000 else ()
    classes: tuple[str, ...] = ()
    if y is not None:
        if not y.ndim or len(y) != len(x):
            count = len(y) if y.ndim else 0
            raise DataError(
                f"the targets {target} have {count:,} rows and {file} has {len(x):,}; they need as many"
            )
        fields["y"], classes = targets(y, target)
    check_finite(file, fields, options["missing"] == "fill")
    return Table(fields, columns, classes, target, notes, factors, picture)


def targets(y: Array, name: str) -> tuple[Array, tuple[str, ...]]:
    """Targets of an array: whole numbers are class indices, one column of others is told apart by
    its values as a column of text is; the rest stay as they are. Raises DataError."""
    flat = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if flat.ndim > 1:
        return y, ()
    if flat.dtype.kind in "iub":
        whole = np.asarray(flat, np.int64)
        least = int(whole.min())
        if least >= 0 and int(whole.max()) < 10_000:
            return _still(whole), tuple(str(i) for i in range(int(whole.max()) + 1))
    found, classes = as_target(np.asarray(flat, np.float64))
    return _still(found), classes


def check_finite(file: str, fields: Mapping[str, Array], filled: bool) -> None:
    """Raises DataError naming the first number that is infinite or, unless it is filled, NaN."""
    for field, array in fields.items():
        if array.dtype.kind != "f" or (isinstance(array, np.memmap) and not waits()):
            continue
        step = max((1 << 20) // max(math.prod(array.shape[1:]), 1), 1)
        for start in range(0, len(array), step):
            part = np.asarray(array[start : start + step])
            wrong = ~np.isfinite(part) if field == "y" or not filled else np.isinf(part)
            if wrong.any():
                at = np.argwhere(wrong)[0]
                value = part[tuple(at)]
                where = "".join(f", entry {i + 1}" for i in at[1:2]) if len(at) == 2 else ""
                mend = " or let it be filled" if field == "x" and np.isnan(value) else ""
                raise DataError(
                    f"row {start + at[0] + 1}{where} of {field} in {file} is {value}, which is no finite "
                    f"number; correct it{mend}"
                )


# ------------------------------------------------------------ .npz


@contextmanager
def _opened_npz(path: Path) -> Iterator[dict[str, Described]]:
    """The arrays of a .npz by name, from their headers alone. Raises DataError."""
    with _zip(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise DataError(f"{path.name} has more than {MAX_MEMBERS:,} arrays; take a part of it")
        found = {}
        for info in members:
            name = info.filename.removesuffix(".npy")
            check_growth(f"{name} in {path.name}", info.compress_size, info.file_size)
            with _member(archive, info, path) as stream:
                try:
                    found[name] = described(stream, f"{name} in {path.name}")
                except DataError:
                    if info.filename.endswith(".npy") and name in (*FEATURES, *TARGETS):
                        raise
                    continue  # an array of texts is no trouble while nobody reads it
        if not found:
            raise DataError(f"{path.name} holds no array of numbers; choose another file")
        yield found


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with opened(path, "NumPy file") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            OSError,
            EOFError,
            ValueError,
        ) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"{path.name} is cut short or damaged ({str(error)[:80]}); save it anew"
            ) from None


@contextmanager
def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Iterator[Unpacked]:
    with archive.open(info) as raw:
        yield Unpacked(raw, f"{info.filename} in {path.name}", info.file_size)


def _chosen(
    file: str, members: Mapping[str, Described], source: Source, options: dict[str, Any]
) -> tuple[str, str, tuple[str, ...]]:
    """Which arrays are the features and the target, empty for none. Raises DataError."""
    for name in (options["features"], source.target):
        if name and name not in members and name != "-":
            raise DataError(
                f"{file} has no array {name!r}; it has: {', '.join(list(members)[:12])}"
            )
    free = [name for name in members if name != source.target]
    if not free:
        raise DataError(f"{file} has only the array {source.target}; the features are missing")
    x = options["features"] or next((n for n in FEATURES if n in free), free[0])
    y = "" if source.target == "-" else source.target
    if not source.target:
        same = [n for n in members if n != x and members[n].shape[:1] == members[x].shape[:1]]
        y = next((n for n in TARGETS if n in same), "")
    left = [name for name in members if name not in (x, y)]
    told_ = (
        f"the features are the array {x}"
        + (f", the targets {y}" if y else "; there are no targets"),
    )
    return x, y, told_ + ((f"not read: {', '.join(left[:8])}",) if left else ())


def _unpacked(path: Path, names: tuple[str, str], shelf: Shelf) -> Table:
    """The arrays x and y of a .npz, in a shelf. Raises DataError."""
    with _zip(path) as archive:
        for field, name in zip(("x", "y"), names, strict=True):
            if not name:
                continue
            known = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            with _member(archive, known[name], path) as stream:
                found = described(stream, f"{name} in {path.name}")
                if not found.shape or not found.size:
                    raise DataError(f"the array {name} of {path.name} has no rows; choose another")
                _copy(stream, found, field, f"{name} in {path.name}", shelf)
    return Table(shelf.filled())


def _copy(stream: Unpacked, found: Described, field: str, name: str, shelf: Shelf) -> None:
    """An unpacked array, row by row in pieces; one whose columns stand first needs memory for all."""
    native = found.dtype.newbyteorder("=")
    shelf.open(field, found.shape, native.str)
    row = found.size // found.shape[0]
    step = found.shape[0] if found.columns_first else max(_PIECE // row, 1)
    for start in range(0, found.shape[0], step):
        rows = min(step, found.shape[0] - start)
        data = stream.read(rows * row)
        if len(data) < rows * row:
            raise DataError(f"{name} has fewer numbers than it says; save it anew")
        part = np.frombuffer(data, found.dtype)
        shape = (rows, *found.shape[1:])
        part = part.reshape(shape[::-1]).T if found.columns_first else part.reshape(shape)
        shelf.put(field, part.astype(native))
        told(start + rows, found.shape[0])
    if stream.read(1):
        raise DataError(f"{name} has more numbers than it says; save it anew")


def head(source: Source, base: Path | None, tensors: Tensors, rows: int) -> Head:
    """The first rows of a file; of a large .npz the sizes alone. Raises DataError."""
    path = locate(source.path, base)
    options = settings(OPTIONS, source)
    with opened(path, "NumPy file") as file:
        packed = file.read(4) == b"PK\3\4"
    if packed:
        with _opened_npz(path) as members:
            x, y, notes = _chosen(path.name, members, source, options)
            large = sum(members[n].size for n in (x, y) if n) > place.LARGE
            if large:
                return Head(
                    _first(path, members, x, y, rows, options, notes), False, members[x].shape[0]
                )
        return Head(read(source, base), True)
    whole = mapped(path)
    if whole.nbytes <= place.LARGE:
        return Head(read(source, base), True)
    labels, notes = _labels(path, options["labels"], base)
    y_array = mapped(labels) if labels is not None else None
    if y_array is not None and len(y_array) != len(whole):
        return Head(read(source, base), True)  # which says it
    part = np.array(whole[:rows])
    y_part = None if y_array is None else np.array(y_array[:rows])
    name = labels.name if labels is not None else ""
    return Head(of_arrays(path.name, part, y_part, name, options, notes), False, len(whole))


def _first(
    path: Path, members: Mapping[str, Described], x: str, y: str, rows: int,
    options: dict[str, Any], notes: tuple[str, ...],
) -> Table:  # fmt: skip
    parts: list[Array] = []
    with _zip(path) as archive:
        known = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        for name in (n for n in (x, y) if n):
            with _member(archive, known[name], path) as stream:
                found = described(stream, name)
                if found.columns_first:
                    raise DataError(
                        f"{name} in {path.name} is stored by columns; its rows show after import"
                    )
                count = min(rows, found.shape[0])
                data = stream.read(count * (found.size // found.shape[0]))
                part = np.frombuffer(data, found.dtype).reshape((count, *found.shape[1:]))
                parts.append(part.astype(found.dtype.newbyteorder("=")))
    return of_arrays(path.name, parts[0], parts[1] if y else None, y, options, notes)
