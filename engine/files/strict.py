"""Strict JSON and array readers: sizes, depth and types checked before use.

What is read here may come from anybody. Every limit holds before memory is taken for what it
limits, and everything refused is a `FileError` with one sentence.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.ops.row import Array
from engine.records import MAX_RANK

MAX_BYTES = 2 << 30
MAX_TEXT = 16 << 20
MAX_DEPTH = 64
MAX_CONTAINERS = 2_000_000
MAX_DIGITS = 64
MAX_REASON = 400

DESCR = {
    "float64": "<f8", "float32": "<f4", "int64": "<i8", "int32": "<i4", "uint8": "|u1",
    "bool": "|b1",
}  # fmt: skip
"""The dtypes a file may hold, and how an array's header spells them."""

_DTYPES = {spelling: name for name, spelling in DESCR.items()}
_OPENING = b"[{"
_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
# The closing quote is optional, so an unterminated string is passed over once, in linear time.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9+\-.eE]{%d}" % (MAX_DIGITS + 1))
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|][a-z]\d)', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,12},(?: \d{1,12}(?:, \d{1,12})*)?)?)\), \} *\n"
)


class FileError(ValueError):
    """A file that cannot be read or written: `path` (may be empty) and `reason`, one sentence."""

    def __init__(self, reason: str, path: str = "") -> None:
        reason = reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 1] + "…"
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


def load_json(data: bytes, limit: int = MAX_TEXT) -> Any:
    """The value of a JSON text in UTF-8.

    Raises FileError for a text over `limit` bytes, nested deeper than MAX_DEPTH, with a key twice
    in one object, a number that is not finite or over MAX_DIGITS long, or half a surrogate pair.
    """
    check_json(data, limit)
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_constant
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"its text is not UTF-8 (byte {error.start})") from None
    except UnicodeEncodeError:
        raise FileError("its text holds half a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise FileError(
            f"its text is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    return value


def check_json(data: bytes, limit: int) -> None:
    """Raises FileError when a text is too large, too deep or has too long a number to be parsed."""
    if len(data) > limit:
        raise FileError(f"its text is longer than {limit >> 20} MiB")
    bare = _STRING.sub(b"", data)
    if _LONG_NUMBER.search(bare):
        raise FileError(f"it holds a number of more than {MAX_DIGITS} characters")
    brackets = np.frombuffer(bare.translate(None, _NOT_BRACKETS), np.uint8)
    opening = np.isin(brackets, np.frombuffer(_OPENING, np.uint8))
    if opening.sum() > MAX_CONTAINERS:
        raise FileError(f"it holds more than {MAX_CONTAINERS:,} lists and objects")
    if np.cumsum(np.where(opening, 1, -1), dtype=np.int32).max(initial=0) > MAX_DEPTH:
        raise FileError(f"it is nested more than {MAX_DEPTH} deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FileError(f"the key {twice[:80]!r} stands twice in one object")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise FileError(f"the number {text} is out of range")
    return value


def _constant(text: str) -> None:
    raise FileError(f"{text} is not JSON; such a number is written as a text in quotes")


def check_shape(dtype: str, shape: Sequence[int]) -> int:
    """The bytes an array takes. Raises FileError when dtype, rank or size are out of bounds."""
    if dtype not in DESCR:
        raise FileError(f"an array's numbers are {', '.join(DESCR)}, not {dtype[:40]!r}")
    if len(shape) > MAX_RANK:
        raise FileError(f"an array has at most {MAX_RANK} dimensions, not {len(shape)}")
    if any(size < 0 for size in shape):
        raise FileError("an array's sizes are 0 or more")
    width = int(DESCR[dtype][2])
    # NumPy multiplies the other sizes out even beside a 0.
    if math.prod(max(size, 1) for size in shape) * width > MAX_BYTES:
        raise FileError(f"an array is larger than {MAX_BYTES >> 30} GiB")
    return math.prod(shape) * width


def write_array(array: Array) -> bytes:
    """An array as a .npy file, the same bytes from every version of NumPy."""
    dtype = array.dtype.name
    check_shape(dtype, array.shape)
    header = (
        f"{{'descr': '{DESCR[dtype]}', 'fortran_order': False, 'shape': {array.shape!r}, }}"
    ).encode()
    header += b" " * (-(len(_MAGIC) + 2 + len(header) + 1) % 64) + b"\n"
    body = array.astype(DESCR[dtype], order="C", copy=False).tobytes()
    return b"".join((_MAGIC, len(header).to_bytes(2, "little"), header, body))


def read_array(data: bytes | memoryview) -> Array:
    """The array of a .npy file, as a read-only view of `data`.

    Raises FileError unless the header is one of this format's dtypes in C order and the bytes
    present are exactly the bytes declared. Nothing is allocated by what the header says.
    """
    head = bytes(data[:4096])
    found = _HEADER.match(head, len(_MAGIC) + 2)
    declared = int.from_bytes(head[len(_MAGIC) : len(_MAGIC) + 2], "little")
    if not head.startswith(_MAGIC) or found is None or found.end() != len(_MAGIC) + 2 + declared:
        raise FileError("it is not a plain .npy array in C order")
    spelling, sizes = found[1].decode(), found[2].decode()
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    dtype = _DTYPES.get(spelling, spelling)
    expected, present = check_shape(dtype, shape), len(data) - found.end()
    if present != expected:
        raise FileError(f"its header declares {expected} bytes of numbers, and {present} follow")
    raw = np.frombuffer(data, np.uint8, offset=found.end())
    if dtype == "bool" and raw.max(initial=0) > 1:
        raise FileError("it holds truth values that are neither 0 nor 1")
    return raw.view(spelling).reshape(shape)
