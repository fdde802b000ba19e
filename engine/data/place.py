"""Files of data: found, opened without waiting, summed up by checksum, unpacked within limits."""

from __future__ import annotations

import gzip
import hashlib
import importlib.resources
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from engine.data.record import DataError, told

LARGE = 64 * 2**20
"""Bytes of numbers above which data stay on the disk and are read a batch at a time."""
MAX_UNPACKED = 16 * 2**30
MAX_RATIO = 200
"""Packed data may grow this many times, once they are large; more is a trap."""
_PIECE = 1 << 20


def shipped() -> Any:
    """The folder of the data that come with the program."""
    return importlib.resources.files("resources") / "data"


def locate(text: str, base: Path | None = None) -> Path:
    """Where a file or folder is. A document without a folder has the shipped files beside it.

    Raises DataError when none is named.
    """
    if not text:
        raise DataError("no file is chosen; choose one in the data panel")
    if "\0" in text:
        raise DataError("the name of the file holds a character no name can have; choose another")
    path = Path(text)
    if path.is_absolute():
        return path
    beside = (base or Path.cwd()) / path
    kept = Path(str(shipped() / path.name))
    is_kept = path.name == text and path.suffix == ".csv" and kept.exists()
    return kept if is_kept and (base is None or not beside.exists()) else beside


def stamp(path: Path) -> tuple[int, int]:
    """When a file was last changed and its size; of a folder, of all that is in it.

    Raises DataError when it is not there.
    """
    try:
        known = path.stat()
        if not stat.S_ISDIR(known.st_mode):
            return known.st_mtime_ns, known.st_size
        inside = [os.stat(folder).st_mtime_ns for folder, _, _ in os.walk(path)]
        return max(inside), len(inside)
    except OSError as error:
        raise _unread(path, error) from None


def opened(path: Path, what: str = "file of data") -> IO[bytes]:
    """A file for reading. Raises DataError for what is not there, and for folders and devices,
    which must not make us wait nor answer without end."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS)
        file = os.fdopen(handle, "rb")
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return file
        file.close()
    except IsADirectoryError:
        pass
    except OSError as error:
        raise _unread(path, error) from None
    raise DataError(f"{path.name} is not a file; choose a {what}")


_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def _unread(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(
            f"the file {path.name} is not there; put it beside the document or choose another"
        )
    return DataError(
        f"{path.name} cannot be read: {error.strerror or error}; choose another or mend its rights"
    )


def folder() -> Path:
    """Where converted data are kept, by the rules of the system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "gradloom" / "data"


class NotReady(DataError):
    """Data that take long to read at first, asked for where nobody may wait; see `at_once`."""


_WAITS: ContextVar[bool] = ContextVar("waits", default=True)


@contextmanager
def at_once() -> Iterator[None]:
    """Inside it nothing that takes long is read or converted: a NotReady is raised instead."""
    before = _WAITS.set(False)
    try:
        yield
    finally:
        _WAITS.reset(before)


def waits() -> bool:
    """Whether reading may take long here."""
    return _WAITS.get()


def not_ready(path: Path) -> NotReady:
    return NotReady(
        f"{path.name} is large and has to be converted once before its rows show; training does that, "
        "and so does gradloom data with -o"
    )


def checksum(path: Path) -> str:
    """The SHA-256 of a file, for `Source.checksum`; of a folder, of the names and sizes in it.

    Read in pieces, and kept while the file is as it was, of a large one on the disk too. Raises DataError.
    """
    return _checksum(path.absolute(), stamp(path))


@lru_cache(maxsize=64)
def _checksum(path: Path, stamped: tuple[int, int]) -> str:
    if stamped[1] <= LARGE or path.is_dir():
        return _summed(path, 0)
    name = hashlib.sha256(
        repr((str(path), stamped)).encode("utf-8", "backslashreplace")
    ).hexdigest()
    kept = folder() / f"{name[:32]}.sum"
    with suppress(OSError, UnicodeDecodeError):
        known = kept.read_text("ascii")
        if len(known) == 64:
            return known
    if not waits():
        raise not_ready(path)
    found = _summed(path, stamped[1])
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found, "ascii")
    return found


def _summed(path: Path, size: int) -> str:
    """The checksum itself; `size` bytes are told as they are read, unless it is 0."""
    found, done = hashlib.sha256(), 0
    if path.is_dir():
        for name, size in listed(path):
            found.update(f"{name}\0{size}\0".encode("utf-8", "surrogateescape"))
        return found.hexdigest()
    with opened(path) as file:
        while piece := file.read(_PIECE):
            found.update(piece)
            done += len(piece)
            if size:
                told(min(done, size), size)
    return found.hexdigest()


def listed(folder: Path, most: int = 2_000_000) -> list[tuple[str, int]]:
    """Relative names and sizes of the files in a folder and the folders in it, in order.

    Links to folders are not followed. Raises DataError when there are more than `most`.
    """
    found: list[tuple[str, int]] = []
    try:
        for place, folders, files in os.walk(folder):
            folders.sort()
            for name in files:
                path = Path(place, name)
                try:
                    known = path.stat()
                except OSError:
                    continue
                if stat.S_ISREG(known.st_mode):
                    found.append((path.relative_to(folder).as_posix(), known.st_size))
            if len(found) > most:
                raise DataError(f"{folder.name} holds more than {most:,} files; take a part of it")
    except OSError as error:
        raise _unread(folder, error) from None
    return sorted(found)


class Unpacked:
    """The bytes of a packed stream, read piece by piece; never more than `limit` of them.

    Raises DataError for more, and for a stream that is cut or broken.
    """

    def __init__(self, file: IO[bytes], name: str, limit: int) -> None:
        self._file, self._name, self._left = file, name, limit

    def read(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end."""
        try:
            data = self._file.read(min(count, self._left + 1))
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f"{self._name} is cut short or damaged ({error}); get the file again"
            ) from None
        self._left -= len(data)
        if self._left < 0:
            raise DataError(
                f"{self._name} unpacks to more than its beginning says; get the file again"
            )
        return data


def unzipped(file: IO[bytes]) -> IO[bytes]:
    """A file packed by gzip as a stream, or itself when it is not."""
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb") if packed else file  # type: ignore[return-value]


def check_growth(name: str, packed: int, unpacked: int) -> None:
    """Raises DataError when packed bytes would grow beyond all measure."""
    too_much = unpacked > LARGE and unpacked > MAX_RATIO * max(packed, 1)
    if too_much or unpacked > MAX_UNPACKED:
        raise DataError(
            f"{name} would unpack from {size_text(packed)} to {size_text(unpacked)}; "
            "if you trust it, unpack it first"
        )


def size_text(count: int) -> str:
    """Bytes as people write them."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
