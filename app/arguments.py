"""What is typed behind a command: programs, values and documents, read strictly."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.graph import Graph

MAX_PROGRAM = 400_000
"""Bytes of a program read from a file or from standard input."""
EXAMPLE = "example:"


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
        name, text = name.strip(), text.strip()
        if not equals or not name or not text:
            raise ValueError(f"{option} takes NAME=VALUE, such as {option} x=1, not {pair!r}")
        if name in values:
            raise ValueError(f"{name} is given twice; give each name one value")
        values[name] = _value(name, text)
    return values


def _value(name: str, text: str) -> Any:
    import numpy as np

    from engine.files import strict

    if text.startswith("@"):
        return strict.read_npy(Path(text[1:]))
    try:
        return float(text)
    except ValueError:
        pass
    try:
        parsed = strict.loads(text)
    except ValueError as error:
        raise ValueError(
            f"the value of {name} is a number, a nested list such as [[1, 2], [3, 4]] or "
            f"@file.npy: {error}"
        ) from None
    if not isinstance(parsed, list):
        raise ValueError(f"the value of {name} is a number, a nested list or @file.npy")
    try:
        return np.asarray(_floats(parsed, name)).tolist()
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"the rows of {name} differ in length; give each the same number of entries"
        ) from None


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
    """The dtype a program runs in: float32 when the given float arrays are all float32 or less."""
    sizes = [v.dtype.itemsize for v in values.values() if getattr(v, "dtype", None) is not None
             and v.dtype.kind == "f"]  # fmt: skip
    return "float32" if sizes and max(sizes) <= 4 else "float64"


def open_document(argument: str) -> tuple[Graph, Path | None]:
    """A document and the folder its data files are relative to.

    `example:NAME` is a shipped document; anything else is a path. Raises ValueError or OSError.
    """
    from engine import examples, files

    if not argument.startswith(EXAMPLE):
        path = Path(argument)
        return files.read(path), path.resolve().parent
    name = argument.removeprefix(EXAMPLE)
    names = list(examples.names())
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {EXAMPLE}{close[0]}?" if close else f"there are: {', '.join(names)}"
        raise ValueError(f"there is no example {name!r}; {hint}")
    return examples.load(name), None


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
