"""The `.gloom` file and its JSON twin, written atomically and read strictly.

A `.gloom` file is an ordinary zip of stored members in sorted order with fixed time stamps. There
is one way to pack given members, so a file is accepted only if it is those bytes: no compression,
encryption, comments, extra fields, overlaps or bytes between, and every size is a size present.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from engine.files.document import MAX_TWIN, all_tensors, decode, encode, from_text, to_text
from engine.files.strict import MAX_BYTES, MAX_TEXT, FileError, read_array, write_array
from engine.graph import Graph
from engine.ops.row import Array
from engine.records import TENSOR_KEY

MAX_MEMBERS = 65_535
MAX_PREVIEW = 4 << 20
MAX_PREVIEW_SIDE = 4096

# One way to write each: 1980-01-01, stored, names in UTF-8, an ordinary file of mode 0644.
_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_NEEDS, _UTF8, _STORED, _DATE, _MADE_BY = 20, 0x800, 0, 0x21, 3 << 8 | 20
_MODE = (stat.S_IFREG | 0o644) << 16
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_CHUNK = 1 << 20
_O_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or save it elsewhere",
    errno.EDQUOT: "your quota is used up; free some space or save it elsewhere",
    errno.EACCES: "you may not write there; save it elsewhere",
    errno.EPERM: "you may not write there; save it elsewhere",
    errno.EROFS: "the disk is read-only; save it elsewhere",
    errno.EIO: "the disk reports an error; save it elsewhere",
    errno.ENOENT: "its folder does not exist; save it elsewhere",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
}


# ------------------------------------------------------------ bytes


def to_bytes(graph: Graph, preview: bytes | None = None) -> bytes:
    """The `.gloom` file of a document, with a PNG picture of it or without.

    Raises FileError when the document is larger than the format allows.
    """
    members: dict[str, bytes] = {"graph.json": encode(graph)}
    if preview is not None:
        _check_picture(preview)
        members["preview.png"] = preview
    tensors = all_tensors(graph)
    if sum(array.nbytes + 512 for array in tensors.values()) > MAX_BYTES - (64 << 20):
        raise FileError(f"a document holds at most {MAX_BYTES >> 30} GiB of numbers")
    if len(tensors) > MAX_MEMBERS - 2:
        raise FileError(f"a document holds at most {MAX_MEMBERS - 2:,} tensors in a .gloom file")
    for key, array in tensors.items():
        members[_member(key)] = write_array(array)
    return b"".join(packed(members))


def canonical_bytes(graph: Graph) -> bytes:
    """The `.gloom` file without a picture: equal documents, equal bytes."""
    return to_bytes(graph)


def from_bytes(data: bytes) -> Graph:
    """The document of a `.gloom` file or of a JSON twin, told apart by the first byte.

    Raises FileError with one sentence for anything else.
    """
    if data[:1] == b"P":
        members = unpacked(data, _belongs)
        if "graph.json" not in members:
            raise FileError("it holds no graph.json")
        text = members.pop("graph.json")
        if "preview.png" in members:
            _check_picture(members.pop("preview.png"))
        if len(text) > MAX_TEXT:
            raise FileError(f"its graph.json is larger than {MAX_TEXT >> 20} MiB")
        graph = decode(bytes(text), lambda key: _tensor(members, key))
        stray = members.keys() - {_member(key) for key in all_tensors(graph)}
        if stray:
            raise FileError(f"its graph.json does not declare {min(stray)}")
        return graph
    if len(data) > MAX_TWIN:
        raise FileError(f"its text is longer than {MAX_TWIN >> 20} MiB")
    try:
        text_twin = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FileError("it is neither a .gloom file nor JSON in UTF-8") from None
    return from_text(text_twin)


def _member(key: str) -> str:
    return f"tensors/{key}.npy"


def _tensor(members: Mapping[str, memoryview], key: str) -> Array:
    if _member(key) not in members:
        raise FileError(f"the tensor {key[:80]!r} is missing")
    try:
        return read_array(members[_member(key)])
    except FileError as error:
        raise FileError(f"the tensor {key}: {error.reason}") from None


def _check_picture(data: bytes | memoryview) -> None:
    head = bytes(data[:24])
    sides = (int.from_bytes(head[16:20]), int.from_bytes(head[20:24]))
    if not head.startswith(_PNG) or len(data) > MAX_PREVIEW:
        raise FileError(f"its preview is not a PNG picture of at most {MAX_PREVIEW >> 20} MiB")
    if not all(0 < side <= MAX_PREVIEW_SIDE for side in sides):
        raise FileError(f"its preview is larger than {MAX_PREVIEW_SIDE} pixels")


# ------------------------------------------------------------ zip


def _local(name: bytes, payload: bytes | memoryview) -> bytes:
    size, crc = len(payload), zlib.crc32(payload)
    header = (_NEEDS, _UTF8, _STORED, 0, _DATE, crc, size, size, len(name), 0)
    return _LOCAL.pack(b"PK\3\4", *header) + name


def _directory(entries: Iterable[tuple[int, bytes]]) -> bytes:
    """The end of the zip for members at (offset, local header with name)."""
    parts, start = [], 0
    for offset, local in entries:
        name, rest = local[_LOCAL.size :], local[4 : _LOCAL.size]
        size = _LOCAL.unpack_from(local)[7]
        parts.append(
            struct.pack("<4sH", b"PK\1\2", _MADE_BY) + rest
            + struct.pack("<3H2I", 0, 0, 0, _MODE, offset) + name
        )  # fmt: skip
        start = offset + len(local) + size
    central = b"".join(parts)
    count = len(parts)
    return central + _END.pack(b"PK\5\6", 0, 0, count, count, len(central), start, 0)


def packed(members: Mapping[str, bytes]) -> Iterator[bytes]:
    """The parts of a zip of stored members, in order."""
    entries: list[tuple[int, bytes]] = []
    offset = 0
    for name, payload in sorted((name.encode(), payload) for name, payload in members.items()):
        local = _local(name, payload)
        entries.append((offset, local))
        offset += len(local) + len(payload)
        yield local
        yield payload
    yield _directory(entries)


def unpacked(data: bytes, belongs: Callable[[bytes], bool]) -> dict[str, memoryview]:
    """The members of a file, walked from its first byte to its last; `belongs` says which may be there.

    Raises FileError unless `data` is exactly what `packed` gives for these members.
    """
    if len(data) > MAX_BYTES:
        raise FileError(f"it is larger than {MAX_BYTES >> 30} GiB")
    members: dict[str, memoryview] = {}
    entries: list[tuple[int, bytes]] = []
    whole, offset, last = memoryview(data), 0, b""
    while data[offset : offset + 4] == b"PK\3\4":
        if len(data) < offset + _LOCAL.size or len(members) == MAX_MEMBERS:
            raise FileError("it is cut off, or has too many members")
        _, _, flags, method, _, _, crc, size, _, width, extra = _LOCAL.unpack_from(data, offset)
        start = offset + _LOCAL.size + width
        name = data[offset + _LOCAL.size : start]
        what = ascii(name[:120].decode("utf-8", "replace"))
        if flags & 1 or method or extra:
            raise FileError(
                f"its {what} is encrypted, compressed or packed by another program; "
                "open the original file"
            )
        if not belongs(name):
            raise FileError(f"it holds {what}, which no Gradloom document has")
        if name <= last:
            raise FileError(f"its {what} stands twice or out of order")
        if start + size > len(data):
            raise FileError(f"it is cut off in {what}")
        payload = whole[start : start + size]
        if zlib.crc32(payload) != crc:
            raise FileError(f"its {what} is damaged: the checksum is wrong")
        local = _local(name, payload)
        if local != data[offset:start]:
            raise FileError(f"its {what} was packed by another program; open the original file")
        members[name.decode()] = payload
        entries.append((offset, local))
        offset, last = start + size, name
    if data[offset:] != _directory(entries):
        raise FileError(
            "it is cut off, damaged or packed by another program; open the original file"
        )
    return members


def _belongs(name: bytes) -> bool:
    if name in (b"graph.json", b"preview.png"):
        return True
    with suppress(UnicodeDecodeError):
        found = re.fullmatch(r"tensors/(.+)\.npy", name.decode("utf-8"))
        return bool(found and TENSOR_KEY.fullmatch(found[1]))
    return False


# ------------------------------------------------------------ files


def read(path: str | os.PathLike[str]) -> Graph:
    """Opens a document. Raises FileError with the path and one sentence."""
    try:
        return from_bytes(bytes_of(path))
    except FileError as error:
        raise FileError(error.reason, str(path)) from None


def preview(path: str | os.PathLike[str]) -> bytes | None:
    """The PNG picture in a `.gloom` file, or None. Raises FileError for a file that is not one."""
    try:
        picture = unpacked(bytes_of(path), _belongs).get("preview.png")
        if picture is not None:
            _check_picture(picture)
    except FileError as error:
        raise FileError(error.reason, str(path)) from None
    return None if picture is None else bytes(picture)


def bytes_of(path: str | os.PathLike[str], most: int | None = None) -> bytes:
    """What a file holds, its first `most` bytes unless all. Raises FileError without the path."""
    try:
        # A FIFO or a device must not make us wait, nor answer without end.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _O_FLAGS)
        with os.fdopen(handle, "rb") as file:
            known = os.fstat(handle)
            if not stat.S_ISREG(known.st_mode):
                raise FileError("it is not a file")
            if known.st_size > MAX_BYTES:
                raise FileError(f"it is larger than {MAX_BYTES >> 30} GiB")
            return file.read(known.st_size + 1 if most is None else most)
    except OSError as error:
        raise FileError(f"it cannot be read: {error.strerror or error}") from None
    except FileError:
        raise
    except ValueError:
        raise FileError("it cannot be read: its name holds a character no name can have") from None


def same_content(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two files hold the same document, pictures apart; told without opening either.

    Raises FileError for a file that cannot be read or is no zip as Gradloom packs it.
    """
    return _content(bytes_of(one)) == _content(bytes_of(other))


def _content(data: bytes) -> bytes | dict[str, memoryview]:
    if data[:1] != b"P":
        return data
    members = unpacked(data, _belongs)
    members.pop("preview.png", None)
    return members


def write(graph: Graph, path: str | os.PathLike[str], preview: bytes | None = None) -> None:
    """Saves a document: a JSON twin where the name ends in `.json`, a `.gloom` file otherwise.

    The file is whole at every moment: the old one until the new one is on the disk. Links are
    followed and the mode is kept. Raises FileError, and then the old file stands as it was, with one
    exception: when only the last step failed, the folder's own write, it holds the new document.
    """
    try:
        twin = Path(path).suffix.lower() == ".json"
        data = to_text(graph).encode() if twin else to_bytes(graph, preview)
    except FileError as error:
        raise FileError(f"it could not be saved: {error.reason}", str(path)) from None
    write_bytes(path, data)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Makes bytes a file as `write` does. Raises FileError with the path and one sentence."""
    try:
        replace_file(path, data)
    except OSError as error:
        reason = _ADVICE.get(error.errno or 0, error.strerror or str(error))
        raise FileError(f"it could not be saved: {reason}", str(path)) from None
    except FileError as error:
        raise FileError(f"it could not be saved: {error.reason}", str(path)) from None
    except ValueError:
        raise FileError(
            "it could not be saved: its name holds a character no name can have", str(path)
        ) from None


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Makes `data` the content of a file, whole or not at all.

    Raises OSError, or FileError when something else than a file stands there; then the temporary is
    gone again.
    """
    target = Path(os.path.realpath(path))
    mode: int | None = None
    if target.is_symlink():
        raise FileError("it is a link that leads back to itself")
    if target.exists():
        mode = target.stat().st_mode
        if not stat.S_ISREG(mode):
            raise FileError("there is something else of that name, which is not a file")
        if not os.access(target, os.W_OK):
            raise OSError(errno.EACCES, "read-only")
    temporary = target.parent / f".gloom-{secrets.token_hex(8)}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_FLAGS, 0o666)
    try:
        try:
            _write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        folder = None if os.name == "nt" else os.open(target.parent, os.O_RDONLY | _O_FLAGS)
        try:
            os.replace(temporary, target)
            if folder is not None:
                os.fsync(folder)
        finally:
            if folder is not None:
                os.close(folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _write_all(handle: int, data: bytes) -> None:
    """Writes everything: one call may take less than it was given."""
    rest = memoryview(data)
    while rest:
        written = os.write(handle, rest[:_CHUNK])
        if written <= 0:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[written:]
