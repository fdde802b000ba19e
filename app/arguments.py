"""What is typed behind a command: programs, values and documents, read strictly."""

from __future__ import annotations

import difflib
import math
import os
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.graph import Graph

MAX_PROGRAM = 400_000
"""Bytes of a program read from a file or from standard input."""


def program_text(argument: str) -> str:
    """PROGRAM itself, `-` for standard input, `@file` for a text file in UTF-8.

    Raises ValueError or OSError with a sentence.
    """
    if argument == "-":
        return _text(sys.stdin.buffer.read(MAX_PROGRAM + 1), "standard input")
    if not argument.startswith("@"):
        return argument
    path = Path(argument[1:])
    with path.open("rb") as file:
        return _text(file.read(MAX_PROGRAM + 1), str(path))


def _text(data: bytes, where: str) -> str:
    if len(data) > MAX_PROGRAM:
        raise ValueError(f"{where} is longer than {MAX_PROGRAM:,} bytes; a program is shorter")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{where} is not text in UTF-8; save it as UTF-8") from None


def assignments(pairs: Iterable[str], option: str = "--at") -> dict[str, Any]:
    """`NAME=VALUE` pairs by name: numbers and nested lists as arrays, `@file.npy` as it is stored.

    Numbers and lists are Python values and weak: they take the dtype of what they meet. Raises
    ValueError with a sentence.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name, text = unicodedata.normalize("NFKC", name.strip()), text.strip()
        if not equals or not name or not text:
            raise ValueError(f"{option} takes NAME=VALUE, such as {option} x=1, not {pair!r}")
        if name in values:
            raise ValueError(f"{name} is given twice; give each name one value")
        values[name] = _value(name, text)
    return values


def _value(name: str, text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        pass
    import numpy as np

    from engine.files import strict

    if text.startswith("@"):
        return _read_npy(Path(text[1:]))
    wanted = f"the value of {name} is a number, a nested list such as [[1, 2], [3, 4]] or @file.npy"
    if not text.startswith("["):
        raise ValueError(f"{wanted}, not {text!r}")
    try:
        parsed = strict.load_json(text.encode("utf-8", "replace"))
    except strict.FileError as error:
        raise ValueError(f"{wanted}; {error}") from None
    entries = _floats(parsed, name)
    try:
        return np.asarray(entries).tolist()
    except ValueError:
        raise ValueError(
            f"the rows of {name} differ in length or depth; give each the same number of entries"
        ) from None


def _read_npy(path: Path) -> Any:
    """The array of a .npy file, its dtype kept (half precision as single, which it fits).

    Raises ValueError unless it holds numbers and its size is the one its header declares.
    """
    import numpy as np
    from numpy.lib import format as npy

    from engine.files import strict
    from engine.records import MAX_RANK

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with path.open("rb") as file:
        try:
            shape, _, dtype = readers[npy.read_magic(file)](file)
        except (ValueError, KeyError):
            raise ValueError(f"{path} is not a .npy file; write it with numpy.save") from None
        if dtype.kind not in "fiub":
            raise ValueError(f"{path} holds {dtype}; give an array of numbers")
        size = math.prod(shape) * dtype.itemsize
        if size > strict.MAX_BYTES or len(shape) > MAX_RANK:
            raise ValueError(
                f"{path} holds an array larger than Gradloom takes; give a smaller one"
            )
        if os.fstat(file.fileno()).st_size - file.tell() != size:
            raise ValueError(f"{path} does not hold the {size:,} bytes that its header declares")
        file.seek(0)
        array = np.load(file, allow_pickle=False)
    if dtype.kind in "bf":
        kept = np.bool_ if dtype.kind == "b" else np.float32 if dtype.itemsize <= 4 else np.float64
        return array.astype(kept)
    if array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueError(
            f"{path} holds whole numbers beyond 64 bits with a sign; save it as floats"
        )
    return array.astype(np.int64)


def _floats(items: list[Any], name: str) -> list[Any]:
    """Nested lists with every entry a float; "NaN", "Infinity", "-Infinity" stand for themselves."""
    result: list[Any] = []
    for item in items:
        if isinstance(item, list):
            result.append(_floats(item, name))  # the reader limits the depth
        elif isinstance(item, bool) or not isinstance(item, int | float | str):
            raise ValueError(f"{name} holds {item!r}; its entries are numbers")
        elif isinstance(item, str) and item not in ("NaN", "Infinity", "-Infinity"):
            raise ValueError(f"{name} holds the text {item!r}; its entries are numbers")
        else:
            result.append(float(item))
    return result


def dtype_of(values: dict[str, Any]) -> str:
    """The dtype a program runs in: float32 when the given float arrays are all float32."""
    found = {str(value.dtype) for value in values.values() if hasattr(value, "dtype")}
    return "float32" if "float32" in found and "float64" not in found else "float64"


def open_document(argument: str) -> tuple[Graph, Path | None]:
    """A document and the folder its data files are relative to.

    `example:NAME` and `lesson:NAME` are shipped documents; anything else is a path to a document or to a
    picture that holds one. Raises ValueError or OSError.
    """
    from engine import examples, lessons

    kind, colon, name = argument.partition(":")
    shipped = {"example": examples, "lesson": lessons}.get(kind) if colon else None
    if shipped is None:
        from app import importers

        path = Path(argument)
        graph, importer = importers.read(path)
        if importer.gives == "data":
            raise ValueError(
                f"{path} holds data; 'gradloom import {path} -o FILE.gloom' makes a document of it"
            )
        return graph, path.resolve().parent
    names = shipped.names()
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {kind}:{close[0]}?" if close else f"there are: {', '.join(names)}"
        raise ValueError(f"there is no {kind} {name!r}; {hint}")
    return shipped.load(name), None


def target(path: Path, force: bool) -> Path:
    """A file to be written. Raises ValueError when it stands already, or where it cannot stand."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}; make it first")
    if path.exists() and not force:
        raise ValueError(f"{path} exists already; choose another name or add --force")
    return path


def as_document(name: str, value: Any, dtype: Any) -> Any:
    """A value as a document of that float dtype holds it.

    Raises ValueError for an array of floats with another dtype: a document never mixes them.
    """
    import numpy as np

    if not isinstance(value, np.ndarray):
        return np.asarray(value, dtype)
    if value.dtype.kind == "f" and value.dtype != dtype:
        raise ValueError(
            f"{name} is given as {value.dtype} and the document's numbers are {dtype}; "
            f"save the array with astype({str(dtype)!r})"
        )
    return value


def source_of(graph: Graph, name: str, inside: bool = False) -> str:
    """The key of what is given a value, also of a parameter inside a module (`dense.W`) if asked.

    Raises ValueError with the names there are.
    """
    from engine.ops import HOLDS_TENSOR
    from engine.ties import parameters_inside

    known = {graph.name(n): n for n in graph.of_op(*HOLDS_TENSOR)}
    known |= parameters_inside(graph) if inside else {}
    if name not in known:
        names = ", ".join(known) or "none"
        raise ValueError(f"{name} is not a value that is given; there are: {names}")
    return known[name]


def feeds(graph: Graph, base: Path | None) -> dict[str, Any]:
    """The rows that data nodes show, by node id. Raises ValueError with a sentence."""
    if not graph.of_op("data"):
        return {}
    from engine.train import data

    return dict(data.feeds(graph, base))


def picture_size(text: str) -> tuple[int, int]:
    """`1600x1000` in pixels, each from 200 to 10000. Raises ValueError."""
    width, _, height = text.partition("x")
    if width.isdecimal() and height.isdecimal():
        size = int(width[:9]), int(height[:9])
        if all(200 <= side <= 10_000 for side in size):
            return size
    raise ValueError(f"{text!r} is not a size such as 1600x1000 (200 to 10000 each)")
