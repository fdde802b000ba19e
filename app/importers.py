"""What can be opened: one record a kind of file, told by its beginning or by its ending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.text import tr

if TYPE_CHECKING:
    from engine.graph import Graph

X_AT, Y_AT = (0.0, 0.0), (0.0, 128.0)
"""Where the data nodes of a new document stand."""


@dataclass(frozen=True, slots=True)
class Importer:
    """A kind of file. `sniff` tells it by a file's first bytes; `read` makes a document of it.

    What it gives is a `document` that is saved to the file it came from, a `copy` that is not, or
    `data` that an open document can use as well. `read` raises ValueError or OSError with a sentence
    that names the file.
    """

    name: str
    suffixes: tuple[str, ...]
    gives: Literal["document", "copy", "data"]
    sniff: Callable[[bytes], bool]
    read: Callable[[Path], Graph]


def _is_archive(head: bytes) -> bool:
    # The first member of ours, which no other zip begins with.
    return head.startswith(b"PK\3\4") and head[30:40] == b"graph.json"


def _is_text(head: bytes) -> bool:
    return head.lstrip().startswith(b"{")


def _is_png(head: bytes) -> bool:
    return head.startswith(b"\x89PNG\r\n\x1a\n")


def _is_svg(head: bytes) -> bool:
    from engine.files import picture

    return picture.is_svg(head)


def _has_no_mark(head: bytes) -> bool:
    return False


def _document(path: Path) -> Graph:
    from engine import files

    return files.read(path)


def _picture(path: Path) -> Graph:
    """The document in a picture; data files beside the picture stay found from elsewhere."""
    from engine.data import FILES
    from engine.files import picture

    graph = picture.read(path)
    for name, source in list(graph.sources.items()):
        beside = path.absolute().parent / source.path
        if source.kind in FILES and source.path and beside.exists():
            graph.put("sources", name, replace(source, path=str(beside)))
    return graph


def table(path: Path, target: str = "") -> Graph:
    """A new document with a file's columns or pictures as data, the last column to predict unless given.

    Raises ValueError or OSError.
    """
    from engine import data, edits
    from engine.graph import Graph
    from engine.records import NAME

    source = data.source_of(path)
    if source.kind == "csv":
        source = replace(source, target=target or data.header(path)[-1])
    elif target:
        source = replace(source, target=target)
    fields = data.read(source).fields
    called = path.stem if NAME.fullmatch(path.stem) and "." not in path.stem else "table"
    graph = Graph()
    graph.put("settings", "title", path.stem)
    edits.set_source(called, source).apply(graph)
    for field, at in (("x", X_AT), ("y", Y_AT)):
        if field in fields:
            options = {"source": called, "field": field}
            edits.add_node(graph, "data", field, options, at=at)[0].apply(graph)
    return graph


IMPORTERS = (
    Importer(tr("Gradloom documents"), (".gloom",), "document", _is_archive, _document),
    Importer(tr("Documents as text"), (".json",), "document", _is_text, _document),
    Importer(tr("PNG pictures"), (".png",), "copy", _is_png, _picture),
    Importer(tr("SVG pictures"), (".svg",), "copy", _is_svg, _picture),
    Importer(
        tr("Data"),
        (
            ".csv",
            ".tsv",
            ".txt",
            ".parquet",
            ".pq",
            ".npy",
            ".npz",
            ".idx",
            "-ubyte",
            "-ubyte.gz",
            ".idx.gz",
        ),
        "data",
        _has_no_mark,
        table,
    ),
)
"""A new kind of file joins by a record here."""

SUFFIXES = tuple(suffix for importer in IMPORTERS for suffix in importer.suffixes)


def importer_of(path: Path) -> Importer | None:
    """The kind of a file: by its beginning where that tells, else by the ending of its name."""
    from engine.files import FileError
    from engine.files.archive import bytes_of
    from engine.files.picture import HEAD

    try:
        head = bytes_of(path, HEAD)
    except FileError:
        head = b""
    name = path.name.lower()
    named = [importer for importer in IMPORTERS if name.endswith(importer.suffixes)]
    if named and (named[0].gives == "data" or named[0].sniff(head)):
        return named[0]
    told = [importer for importer in IMPORTERS if importer.sniff(head)]
    return next(iter((*told, *named)), None)


def read(path: Path) -> tuple[Graph, Importer]:
    """A file as a document, and the kind it is of. Raises ValueError or OSError with a sentence."""
    importer = importer_of(path)
    if importer is None and not path.exists():
        return _document(path), IMPORTERS[0]  # which says that it is not there
    if importer is None:
        raise ValueError(f"{path.name}: {refusal([path])}")
    return importer.read(path), importer


def refusal(paths: Sequence[Path]) -> str:
    """Why none of the files can be opened."""
    first = paths[0]
    what = first.suffix or first.name
    if first.is_dir():
        return tr(f"{first.name} is a folder; Gradloom opens files: {', '.join(SUFFIXES)}")
    return tr(f"Gradloom cannot read {what}; it opens {', '.join(SUFFIXES)}")


@dataclass(frozen=True, slots=True)
class Offer:
    """What becomes of files that are dropped: `path` is taken by `importer`, `rest` are not."""

    path: Path
    importer: Importer
    rest: tuple[Path, ...]

    def words(self, editing: bool) -> str:
        """What a drop will do, in a few words; `editing` when a document is open."""
        name = _short(self.path.name)
        if self.importer.gives != "data":
            return tr(f"Open {name}")
        return tr(f"Use {name} as data") if editing else tr(f"New document with data of {name}")

    def left_out(self) -> str:
        """A sentence on the files that are not taken; empty when all are."""
        if not self.rest:
            return ""
        names = ", ".join(_short(path.name) for path in self.rest[:3])
        more = f" {tr('and')} {len(self.rest) - 3} {tr('more')}" if len(self.rest) > 3 else ""
        return tr(f"{names}{more}: not opened; drop one file at a time")


def _short(name: str) -> str:
    """A name that fits a line: its middle is left out."""
    return name if len(name) <= 48 else f"{name[:30]}…{name[-16:]}"


def offer(paths: Sequence[Path]) -> Offer | None:
    """The first document among files, else the first data; None when there is neither."""
    known = [(path, found) for path in paths if (found := importer_of(path)) is not None]
    documents = [pair for pair in known if pair[1].gives != "data"]
    for path, importer in (documents or known)[:1]:
        return Offer(path, importer, tuple(other for other in paths if other != path))
    return None
