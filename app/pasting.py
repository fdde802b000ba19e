"""What is found in pasted text: a document, wherever in it one stands, or a program."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote_to_bytes

from app.text import tr
from engine.expression import ExpressionError, parse
from engine.files import FileError, from_text, picture
from engine.files.document import MAX_TWIN
from engine.graph import Graph, GraphError

MAX_PROSE = 4 << 20
"""Characters around a document that are looked through; a document alone may be longer."""
MAX_PROGRAM = 400_000
MAX_TRIES, MAX_UNCLOSED = 8, 4

_MARK = '"gradloom"'
_OPENING = re.compile(r"\{\s*\"")
_PARTS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}]', re.DOTALL)
_DATA = re.compile(r"data:image/(?:png|svg\+xml)([^,\s]{0,80}),([^\s\"'<>()\\]+)")
_FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(.*?)(?:^[ \t]*\1|\Z)", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r"^(?:>[ \t]?)+", re.MULTILINE)
_DEFINITION = re.compile(
    r"^[ \t]*(?:[-*•][ \t]+|\d+[.)][ \t]+)?([^\W\d]\w*(?:\.\d+)?[ \t]*=(?!=).+)$"
)
_INLINE = re.compile(r"`([^`\n]+)`")
# What chats make of plain characters.
_PLAIN = str.maketrans({"\u00a0": " ", "\u200b": "", "\ufeff": "", "“": '"', "”": '"', "„": '"'})


def found(text: str) -> Graph | str:
    """The document in a text, or the program that it is or holds.

    A document may stand alone, in a fence, behind quotation marks, among sentences, or in a picture
    as SVG or as a data address. Raises ValueError with a sentence when there is neither.
    """
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise GraphError(tr("there is nothing to paste; copy nodes or a formula first"))
    if len(text) > MAX_TWIN:
        raise GraphError(tr(f"the text is longer than {MAX_TWIN >> 20} MiB; open it as a file"))
    graph = _document(text)
    if graph is None:
        return _program(text)
    if not graph.nodes and not graph.notes:
        raise GraphError(tr("the copied document is empty; copy nodes first"))
    return graph


# ------------------------------------------------------------ documents


def _document(text: str) -> Graph | None:
    """The one document in a text; None when nothing in it looks like one."""
    whole = text.strip()
    if whole.startswith("{") and whole.endswith("}"):
        try:
            return from_text(whole)
        except FileError as error:
            fault = error
            if len(text) > MAX_PROSE:
                raise _no_nodes(fault) from None
    elif len(text) > MAX_PROSE:
        raise GraphError(tr(f"the text is longer than {MAX_PROSE >> 20} MiB; copy the nodes alone"))
    else:
        fault = None
    graphs: list[Graph] = []
    for view in dict.fromkeys((text, _mended(text))):
        for read in _candidates(view):
            try:
                graphs.append(from_text(read) if isinstance(read, str) else picture.document(read))
            except FileError as error:
                fault = fault or error
        if graphs:
            break
    if len(graphs) > 1:
        raise GraphError(tr("the text holds several documents; copy one of them"))
    if graphs:
        return graphs[0]
    if fault is not None:
        raise _no_nodes(fault)
    if _MARK in text and '"format"' in text:
        raise GraphError(tr("the document in the text is cut off; copy all of it"))
    return None


def _no_nodes(error: FileError) -> GraphError:
    return GraphError(f"{tr('the clipboard holds no nodes')}: {error.reason}")


def _candidates(text: str) -> Iterator[str | bytes]:
    """What may be a document: texts of one, and pictures that may carry one."""
    for parameters, data in islice(_DATA.findall(text), MAX_TRIES):
        if parameters.endswith(";base64"):
            yield _base64(data)
        else:
            yield unquote_to_bytes(data)
    start, end = text.find("<svg"), text.rfind("</svg>")
    if -1 < start < end:
        yield text[start : end + 6].encode("utf-8", "replace")
    at = unclosed = tried = 0
    for opening in _OPENING.finditer(text) if _MARK in text else ():
        if opening.start() < at:
            continue
        closed = _end(text, opening.start())
        if closed is None:  # a brace of the sentences around, or a document that is cut off
            unclosed += 1
            if unclosed == MAX_UNCLOSED:
                return
        elif _MARK in text[opening.start() : closed]:
            tried += 1
            if tried > MAX_TRIES:
                return
            yield text[opening.start() : closed]
        at = closed or at


def _base64(data: str) -> bytes:
    text = unquote_to_bytes(data)
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return b""


def _end(text: str, start: int) -> int | None:
    """Where the object that begins at a brace ends; braces in strings do not count."""
    depth = 0
    for part in _PARTS.finditer(text, start):
        if part[0] == "{":
            depth += 1
        elif part[0] == "}":
            depth -= 1
            if depth == 0:
                return part.end()
    return None


def _mended(text: str) -> str:
    """Without marks of quotation, and with plain characters in place of a chat's."""
    return _QUOTED.sub("", text.translate(_PLAIN))


# ------------------------------------------------------------ programs


def _program(text: str) -> str:
    """The program that a text is, or that stands in it. Raises ValueError."""
    if len(text) > MAX_PROGRAM:
        raise GraphError(tr(f"a program is at most {MAX_PROGRAM:,} characters; copy less"))
    text = _mended(text).strip()
    fenced = "\n".join(body for _, body in _FENCE.findall(text + "\n"))
    first: ExpressionError | None = None
    for candidate in (fenced, text, _definitions(text), "\n".join(_INLINE.findall(text))):
        if not candidate.strip():
            continue
        try:
            parse(candidate)
        except ExpressionError as error:
            first = first or error
        else:
            return candidate
    if first is None or "\n" not in text:
        raise first or GraphError(tr("there is nothing to paste; copy nodes or a formula first"))
    raise GraphError(f"{tr('the text holds neither nodes nor a program')}: {first}")


def _definitions(text: str) -> str:
    """The lines of a text that give a name a formula; sentences around them are left out."""
    lines = (_DEFINITION.match(line) for line in text.splitlines())
    return "\n".join(line[1] for line in lines if line is not None)
