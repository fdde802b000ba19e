"""Folders of pictures, a folder a class: shrunk to one size and kept as arrays."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.cache import Shelf, Writer, converted
from engine.data.place import listed, locate, opened, stamp
from engine.data.record import (
    ARRANGE,
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
    Option("side", 32, "The side of the squares that pictures are made.", 1, 1024, True),
    Option("colour", "grey", "Whether colours are kept, as three channels.", choices=("grey", "colour")),
    ARRANGE,
    Option(
        "missing", "refuse", "Pictures that cannot be read: refused, or left out.",
        choices=("refuse", "drop rows"),
    ),
)  # fmt: skip
ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}
)
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
MAX_PIXELS = 100_000_000
MAX_PICTURES = 1_000_000
FEW = 200
"""Pictures that are converted in no time."""
_PART = 64


def read(source: Source, base: Path | None = None, tensors: Tensors = NO_TENSORS) -> Table:
    """All pictures of a folder, converted once. Raises DataError."""
    folder, options = _folder(source, base), settings(OPTIONS, source)
    files, classes = _files(folder)
    shaping = (options["side"], options["colour"], options["missing"])
    key = (source.kind, stamp(folder), *shaping)
    table = converted(
        folder,
        key,
        lambda shelf: _converted(folder, files, classes, options, shelf),
        len(files) <= FEW,
    )
    return _shaped(table, options)


def head(source: Source, base: Path | None, tensors: Tensors, rows: int) -> Head:
    """A few pictures of each class, and how many there are. Raises DataError."""
    folder, options = _folder(source, base), settings(OPTIONS, source)
    files, classes = _files(folder)
    few = max(min(rows, _PART) // max(len(classes), 1), 1)
    shown: list[tuple[str, int]] = []
    taken: dict[int, int] = {}
    for name, label in files:
        taken[label] = taken.get(label, 0) + 1
        if taken[label] <= few and len(shown) < _PART:
            shown.append((name, label))
    table = _converted(folder, shown, classes, options, Shelf())
    notes = tuple(
        f"{classes[label] if classes else folder.name}: {count:,} pictures"
        for label, count in sorted(taken.items())[:50]
    )
    shaped = _shaped(table, options)
    found = Table(
        shaped.fields, shaped.columns, shaped.classes, shaped.target, (*shaped.notes, *notes),
        shaped.factors, shaped.picture,
    )  # fmt: skip
    return Head(found, len(shown) == len(files), len(files))


def _folder(source: Source, base: Path | None) -> Path:
    folder = locate(source.path, base)
    stamp(folder)
    if not folder.is_dir():
        raise DataError(
            f"{folder.name} is no folder; choose the folder that holds a folder a class"
        )
    return folder


def _files(folder: Path) -> tuple[list[tuple[str, int]], tuple[str, ...]]:
    """Pictures with the number of their class, and the classes' names. Raises DataError."""
    names = [name for name, _ in listed(folder) if Path(name).suffix.lower() in ENDINGS]
    if not names:
        endings = ", ".join(sorted(ENDINGS))
        raise DataError(f"{folder.name} holds no pictures; it needs files such as {endings}")
    if len(names) > MAX_PICTURES:
        raise DataError(
            f"{folder.name} holds more than {MAX_PICTURES:,} pictures; take a part of it"
        )
    inside = [name for name in names if "/" in name]
    if not inside:
        return [(name, 0) for name in names], ()
    classes = sorted({name.partition("/")[0] for name in inside})
    number = {name: i for i, name in enumerate(classes)}
    return [(name, number[name.partition("/")[0]]) for name in inside], tuple(classes)


def _converted(
    folder: Path, files: list[tuple[str, int]], classes: tuple[str, ...], options: dict[str, Any],
    shelf: Shelf | Writer,
) -> Table:  # fmt: skip
    channels, size = (3 if options["colour"] == "colour" else 1), options["side"]
    broken = []
    if options["missing"] == "drop rows":
        # Counted first, since an array on the disk is as long as it was made.
        good = []
        for done, (name, label) in enumerate(files):
            try:
                _picture(folder / name, size, channels)
                good.append((name, label))
            except DataError:
                broken.append(name)
            if not done % _PART:
                told(done, 2 * len(files))
        files = good
        if not files:
            raise DataError(f"no picture of {folder.name} can be read; choose another folder")
    shelf.open("x", (len(files), channels, size, size), "|u1")
    for start in range(0, len(files), _PART):
        part = files[start : start + _PART]
        shelf.put("x", np.stack([_picture(folder / name, size, channels) for name, _ in part]))
        told(start + len(part), len(files))
    fields = dict(shelf.filled())
    notes = (
        [f"{len(broken)} pictures cannot be read and are left out ({broken[0]})"] if broken else []
    )
    if classes:
        fields["y"] = np.array([label for _, label in files], np.int64)
        fields["y"].setflags(write=False)
    else:
        notes.append(f"{folder.name} has no folder a class, so its pictures have no target")
    return Table(fields, (), classes, "folder" if classes else "", tuple(notes), {"x": 1 / 255})


def _shaped(table: Table, options: dict[str, Any]) -> Table:
    x = table.fields["x"]
    picture = x.shape[1:]
    fields = {**table.fields, "x": arranged(x, options["arrange"])}
    return Table(fields, (), table.classes, table.target, table.notes, table.factors, picture)


def _picture(path: Path, size: int, channels: int) -> Array:
    """A picture as bytes (channels × size × size). Raises DataError naming the file."""
    from PIL import Image

    with opened(path, "picture") as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                opened_picture = Image.open(file, formats=_FORMATS)
            with opened_picture as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise DataError(
                        f"{path.parent.name}/{path.name} has {width}×{height} pixels; make it smaller"
                    )
                mode = "RGB" if channels == 3 else "L"
                picture.draft(mode, (size, size))
                if "A" in picture.getbands() or "transparency" in picture.info:
                    clear = picture.convert("RGBA")
                    white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
                    shown = Image.alpha_composite(white, clear).convert(mode)
                else:
                    shown = picture.convert(mode)
                if shown.size != (size, size):
                    shown = shown.resize((size, size), Image.Resampling.BOX if min(shown.size) >= size
                                         else Image.Resampling.BICUBIC)  # fmt: skip
                pixels = np.asarray(shown, np.uint8)
        except DataError:
            raise
        except MemoryError:
            raise
        except Exception as error:  # decoders raise whatever they meet
            reason = " ".join(str(error).split())[:80] or type(error).__name__
            raise DataError(
                f"{path.parent.name}/{path.name} cannot be read as a picture ({reason}); "
                "mend or remove it"
            ) from None
    return pixels.transpose(2, 0, 1) if channels == 3 else pixels[None]
