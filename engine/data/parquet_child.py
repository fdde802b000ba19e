"""Reads a Parquet file in a process of its own: the library ends its process where a file is broken.

Run as a script; imports nothing of Gradloom, so that it starts at once. It writes to standard output a
tag and arrays as NumPy writes them: `S` names, kinds and the number of rows, then `P` and the columns of
each part, at the end `.`; or `E` and why the file cannot be read.
"""

from __future__ import annotations

import io
import sys
from typing import IO, Any

import numpy as np

MAX_MEMORY = 8 << 30
NUMBER, TEXT = "number", "text"


def write_array(out: IO[bytes], array: np.ndarray[Any, Any]) -> None:
    """An array as NumPy writes it; straight to a buffered pipe NumPy would ask where in it it is."""
    whole = io.BytesIO()
    np.lib.format.write_array(whole, array, allow_pickle=False)
    out.write(whole.getbuffer())


def write_texts(out: IO[bytes], texts: list[str]) -> None:
    """Texts as two arrays: where each ends, and their bytes."""
    parts = [text.encode() for text in texts]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    for array in (ends, np.frombuffer(b"".join(parts), np.uint8)):
        write_array(out, array)


def kind_of(polars: Any, dtype: Any) -> str:
    """What a column is: numbers, texts, or something else by its name."""
    if dtype.is_numeric():
        return NUMBER
    if dtype in (polars.String, polars.Categorical, polars.Enum, polars.Boolean, polars.Null):
        return TEXT
    word = str(dtype).partition("(")[0]
    return f"time {word}" if dtype.is_temporal() else word


def write_column(out: IO[bytes], polars: Any, column: Any) -> None:
    """A column as floats with NaN for what is missing, or as texts with empty ones."""
    kind = kind_of(polars, column.dtype)
    if kind == NUMBER:
        values = column.cast(polars.Float64).fill_null(float("nan")).to_numpy()
        out.write(b"n")
        write_array(out, np.asarray(values, np.float64))
        return
    out.write(b"t")
    if kind == TEXT or kind.startswith("time "):
        texts = column.cast(polars.String).fill_null("").to_list()
        write_texts(out, [text.strip() for text in texts])
    else:
        missing = column.is_null().to_list()
        write_texts(out, ["" if gone else kind for gone in missing])


def write_file(out: IO[bytes], path: str, part: int, rows: int) -> None:
    """The columns of a file in parts of so many cells; only the first `rows` unless that is 0."""
    import polars

    schema = polars.read_parquet_schema(path)
    scan = polars.scan_parquet(path, glob=False, hive_partitioning=False)
    count = int(scan.select(polars.len()).collect().item())
    out.write(b"S")
    write_texts(out, list(schema))
    write_texts(out, [kind_of(polars, dtype) for dtype in schema.values()])
    write_array(out, np.array([count]))
    end = min(rows, count) if rows else count
    most = max(part // max(len(schema), 1), 1)
    for start in range(0, end, most):
        frame = scan.slice(start, min(most, end - start)).collect()
        out.write(b"P")
        for name in schema:
            write_column(out, polars, frame[name])
        out.flush()
    out.write(b".")


def main(path: str, part: str, rows: str) -> int:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # not every system has limits
    out = sys.stdout.buffer
    try:
        write_file(out, path, int(part), int(rows))
    except BrokenPipeError:
        return 1
    except (
        BaseException
    ) as error:  # the core of polars panics with an exception that is no Exception
        out.write(b"E")
        write_texts(out, [" ".join(str(error).split())[:120]])
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
