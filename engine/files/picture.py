"""A document inside a picture of it: a chunk of a PNG file, a metadata element of an SVG file.

In both it is the `.gloom` file in base64, so a picture holds exactly one document or none. A picture
is walked and checked as a whole; its pixels and its shapes are never looked at, and nothing is drawn.
"""

from __future__ import annotations

import binascii
import os
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from engine.files.archive import bytes_of, canonical_bytes, from_bytes
from engine.files.strict import MAX_DEPTH, FileError
from engine.graph import Graph

HEAD = 4096
"""Bytes at the beginning of a file that tell what it is."""
MAX_PICTURE = 96 << 20
MAX_INSIDE = 24 << 20
"""Bytes of a document that a picture carries; a larger one is a file of its own."""
MAX_CHUNKS = 100_000
MAX_ELEMENTS = 400_000
MAX_TAG = 4 << 20
"""Bytes of a tag or a comment; a parser may read an unfinished one again with every piece."""

PNG = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"gradloom"
SPACE = "urn:gradloom:document"
_SVG = "http://www.w3.org/2000/svg"
_PATH = (f"{_SVG} svg", f"{_SVG} metadata", f"{SPACE} document")
_PIECE = 1 << 20
_ACTIVE = {"script", "style", "foreignobject", "handler", "iframe", "listener", "set", "animate"}
_HARMLESS = {
    "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "d", "points", "width", "height",
    "transform", "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity",
    "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "stroke-miterlimit", "opacity",
    "font-family", "font-size", "font-weight", "font-style", "viewBox", "version",
    *(f"{_SVG} {name}" for name in ("g", "path", "rect", "text", "ellipse", "circle", "polyline")),
}  # fmt: skip
"""What a picture of ours is full of; only the rest is looked at closely."""
_OUTSIDE = re.compile(r"url\(\s*+['\"]?+(?!#)", re.IGNORECASE)
_MAX_TEXT = 4 * ((MAX_INSIDE + 2) // 3)
_NONE = (
    "this picture holds no Gradloom document; export it from Gradloom with File, Export picture, "
    "and send the file itself, since many programs make pictures anew"
)
_MARK = re.compile(
    rb"\s*+(?:<\?xml[^>]{0,200}\?>\s*+)?+(?:<!--(?:(?!-->).){0,2000}+-->\s*+)*+<svg[\s>]", re.DOTALL
)


def is_png(head: bytes) -> bool:
    """Whether a file that begins so is a PNG picture."""
    return head.startswith(PNG)


def is_svg(head: bytes) -> bool:
    """Whether a file that begins so is an SVG picture."""
    return _MARK.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def with_document(data: bytes, graph: Graph) -> bytes:
    """A PNG or SVG picture that carries a document; one that it carried is replaced.

    Raises FileError when the document is too large for it.
    """
    inside = canonical_bytes(graph)
    if len(inside) > MAX_INSIDE:
        raise FileError(
            f"the document is larger than {MAX_INSIDE >> 20} MiB, which no picture carries; save it as .gloom"
        )
    text = binascii.b2a_base64(inside, newline=False)
    return _png_with(data, text) if is_png(data) else _svg_with(data, text)


def document(data: bytes) -> Graph:
    """The document in a PNG or SVG picture. Raises FileError with one sentence."""
    if len(data) > MAX_PICTURE:
        raise FileError(f"it is larger than {MAX_PICTURE >> 20} MiB")
    found = _texts_of_png(data) if is_png(data) else _texts_of_svg(data)
    if not found:
        raise FileError(_NONE)
    if len(found) > 1:
        raise FileError("it holds two documents; export the picture anew from one of them")
    try:
        inside = binascii.a2b_base64(found[0], strict_mode=True)
    except binascii.Error:
        raise FileError("the document in it is damaged: it is not base64") from None
    if len(inside) > MAX_INSIDE:
        raise FileError(f"the document in it is larger than {MAX_INSIDE >> 20} MiB")
    try:
        return from_bytes(inside)
    except FileError as error:
        raise FileError(f"the document in it is not whole: {error.reason}") from None


def read(path: str | os.PathLike[str]) -> Graph:
    """Opens the document in a picture. Raises FileError with the path and one sentence."""
    try:
        return document(bytes_of(path, MAX_PICTURE + 1))
    except FileError as error:
        raise FileError(error.reason, str(path)) from None


# ------------------------------------------------------------ PNG


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """(kind, body, where the chunk starts), every length and checksum checked, to the last byte."""
    whole, at, kind, count = memoryview(data), len(PNG), b"", 0
    while at < len(data):
        count += 1
        if count > MAX_CHUNKS:
            raise FileError(f"the picture has more than {MAX_CHUNKS:,} parts")
        if kind == b"IEND":
            raise FileError("there are bytes behind the end of the picture")
        if at + 12 > len(data):
            raise FileError("the picture is cut off")
        size, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if end > len(data):
            raise FileError("the picture is cut off, or a length in it is wrong")
        if (at == len(PNG)) != (kind == b"IHDR"):
            raise FileError("the picture does not begin as a PNG file does")
        if zlib.crc32(whole[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise FileError("the picture is damaged: a checksum is wrong")
        yield kind, whole[at + 8 : end - 4], at
        at = end
    if kind != b"IEND":
        raise FileError("the picture is cut off")


def _is_ours(kind: bytes, body: memoryview) -> bool:
    return kind == b"zTXt" and bytes(body[: len(KEYWORD) + 1]) == KEYWORD + b"\0"


def _texts_of_png(data: bytes) -> list[bytes]:
    # All of the picture is walked before anything in it is unpacked.
    packed = [body for kind, body, _ in _chunks(data) if _is_ours(kind, body)]
    return [_unpacked(body[len(KEYWORD) + 1 :]) for body in packed[:2]]


def _unpacked(body: memoryview) -> bytes:
    """A compressed text; no more than the largest one is ever unpacked."""
    if bytes(body[:1]) != b"\0":
        raise FileError("the document in it is packed in an unknown way")
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(body[1:], _MAX_TEXT + 1)
    except zlib.error:
        raise FileError("the document in it is damaged: it cannot be unpacked") from None
    if len(text) > _MAX_TEXT:
        raise FileError(f"the document in it unpacks to more than {_MAX_TEXT >> 20} MiB")
    if not stream.eof or stream.unused_data:
        raise FileError("the document in it is cut off")
    return text


def _png_with(data: bytes, text: bytes) -> bytes:
    """The picture with our chunk before its pixels, where a reader meets it first."""
    parts = [PNG]
    ours = _chunk(b"zTXt", KEYWORD + b"\0\0" + zlib.compress(text, 6))
    for kind, body, start in _chunks(data):
        if _is_ours(kind, body):
            continue
        parts.append(data[start : start + 12 + len(body)])
        if kind == b"IHDR":
            parts.append(ours)
    return b"".join(parts)


# ------------------------------------------------------------ SVG


class _Reader:
    """Walks an SVG file strictly and keeps the text of the elements that hold a document."""

    def __init__(self) -> None:
        self.found: list[list[str]] = []
        self._room = 2 * _MAX_TEXT
        self._path: list[str] = []
        self._inside = False
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text, parser.buffer_size = True, 1 << 20
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = self._declared
        parser.EntityDeclHandler = self._declared
        parser.ExternalEntityRefHandler = self._declared
        parser.ProcessingInstructionHandler = self._instructed
        self._parser = parser

    def read(self, data: bytes) -> None:
        whole, parser = memoryview(data), self._parser
        try:
            for start in range(0, len(data), _PIECE):
                parser.Parse(whole[start : start + _PIECE], False)
                if start + _PIECE - parser.CurrentByteIndex > MAX_TAG:
                    raise FileError(f"it holds a tag of more than {MAX_TAG >> 20} MiB")
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise FileError(
                f"it is not a whole SVG picture: {expat.ErrorString(error.code)} (line {error.lineno})"
            ) from None

    def _declared(self, *arguments: Any) -> int:
        raise FileError(
            "it declares entities or a document type, which no picture of Gradloom does"
        )

    def _instructed(self, target: str, text: str) -> None:
        raise FileError("it holds a processing instruction, which no picture of Gradloom does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= MAX_DEPTH:
            raise FileError(f"it is nested more than {MAX_DEPTH} deep")
        self._path.append(name)
        if len(self._path) == 1 and name != _PATH[0]:
            raise FileError("it is not an SVG picture")
        local = name.rpartition(" ")[2].lower()
        if name not in _HARMLESS and local in _ACTIVE:
            raise FileError(f"it holds a {local}, which no picture of Gradloom does")
        for key, value in attributes.items():
            if key not in _HARMLESS or "(" in value:
                _check_attribute(key.rpartition(" ")[2].lower(), value)
        if self._inside or (name == _PATH[2]) != (tuple(self._path) == _PATH):
            raise FileError("the document in it does not stand where Gradloom puts it")
        if name == _PATH[2]:
            self._inside = True
            self.found.append([])
            self._parser.CharacterDataHandler = self._text

    def _text(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise FileError(f"the document in it is larger than {MAX_INSIDE >> 20} MiB")
        self.found[-1].append(text)

    def _end(self, name: str) -> None:
        self._path.pop()
        self._inside, self._parser.CharacterDataHandler = False, None


def _check_attribute(name: str, value: str) -> None:
    """Refuses what runs or fetches something; only a picture inside the file may be referred to."""
    if name.startswith("on"):
        raise FileError(f"it holds a script ({name[:20]}), which no picture of Gradloom does")
    if name in ("href", "src"):
        if not value.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,")):
            raise FileError("it refers to something outside, which no picture of Gradloom does")
    elif _OUTSIDE.search(value):
        raise FileError("it refers to something outside, which no picture of Gradloom does")


def _texts_of_svg(data: bytes) -> list[bytes]:
    if data.count(b"<") > 2 * MAX_ELEMENTS:
        raise FileError("it has more parts than a picture of Gradloom")
    if not data[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise FileError("it is neither a PNG nor an SVG picture")
    if b"\0" in data:
        raise FileError("it is not an SVG picture in UTF-8")
    reader = _Reader()
    reader.read(data)
    # An editor may have broken the lines anew.
    texts = ("".join("".join(parts).split()) for parts in reader.found)
    return [text.encode("ascii", "replace") for text in texts]


def _svg_with(data: bytes, text: bytes) -> bytes:
    """The picture with our element first in it."""
    bare = re.sub(rb"\n?<metadata><g:document [^>]*>[^<]*</g:document></metadata>", b"", data)
    opening = re.search(rb"<svg\b[^>]*>", bare)
    if opening is None:
        raise FileError("it is not an SVG picture")
    at = opening.end()
    element = b'<metadata><g:document xmlns:g="%s">%s</g:document></metadata>' % (
        SPACE.encode(), text,
    )  # fmt: skip
    return bare[:at] + b"\n" + element + bare[at:]
