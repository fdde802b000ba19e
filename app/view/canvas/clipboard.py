"""The clipboard: nodes as text, as a picture, and what they read in the document they are from."""

from __future__ import annotations

import atexit
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from app import importers, pasting
from app.session import Session
from app.text import tr
from app.view.canvas.export import Choices, Sheet
from app.view.theme import Theme
from engine.edits import subgraph
from engine.files import FileError, picture, to_text
from engine.files.strict import load_json
from engine.graph import Graph, GraphError, Port

READS = "application/x-gradloom-reads"
PNG = "image/png"
LONGEST = 6000
MOST_DRAWN, MOST_AROUND = 300, 800
"""No picture is made of more nodes, nor in a larger document: copying stays instant."""

Reads = dict[Port, str]
"""What ports of copied nodes read: the id of the source by (node id in the text, port)."""


def copied(session: Session, theme: Theme, node_ids: Iterable[str]) -> QMimeData:
    """Nodes with the wires among them, for this window, for other windows and for a chat."""
    graph, chosen = session.graph, frozenset(node_ids)
    data = QMimeData()
    data.setText(to_text(subgraph(graph, chosen, session.drawn_here)))
    reads = [
        [source, graph.name(source), target, port]
        for (target, port), source in sorted(graph.links.items())
        if target in chosen and source not in chosen
    ]
    data.setData(READS, json.dumps({"of": _place(session), "reads": reads}).encode())
    if len(chosen) <= MOST_DRAWN and len(graph.nodes) <= MOST_AROUND:
        try:
            with Sheet(session, Choices(theme, 2, only=chosen)) as sheet:
                data.setData(PNG, sheet.png(LONGEST))
        except FileError:
            pass  # too large for a picture; the text is there
    return data


def _let_go() -> None:
    """Leaves the text: data made here and still on the clipboard crash Qt when it is taken down."""
    if QGuiApplication.instance() is not None:
        board = QGuiApplication.clipboard()
        data: QMimeData | None = board.mimeData()  # none once it is cleared
        if data is not None and data.hasFormat(READS):
            board.setText(board.text())


atexit.register(_let_go)


def taken(data: QMimeData) -> Graph | str:
    """The nodes or the program on the clipboard. Raises ValueError or OSError with a sentence."""
    paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    if paths:
        return importers.read(Path(paths[0]))[0]
    text = data.text()
    if not text.strip() and data.hasFormat(PNG):
        return picture.document(bytes(data.data(PNG).data()))
    return pasting.found(text)


def reads(data: QMimeData, session: Session) -> tuple[Reads, int]:
    """What copied nodes read that is still here, and how many inputs they had.

    Raises GraphError when they are of another document, or do not say.
    """
    try:
        listed = _told(data)["reads"] if is_from(data, session) else None
        found = {
            (str(target), str(port)): str(source)
            for source, name, target, port in listed or ()
            if source in session.graph.nodes and session.graph.name(source) == name
        }
    except (ValueError, KeyError, TypeError):
        listed = None
    if listed is None:
        raise GraphError(tr("what these nodes read is in another document; they came without it"))
    return found, len(listed)


def is_from(data: QMimeData, session: Session) -> bool:
    """Whether the nodes were copied from the document that is looked at."""
    try:
        return bool(_told(data)["of"] == _place(session))
    except (ValueError, KeyError, TypeError):
        return False


def _told(data: QMimeData) -> Any:
    return load_json(bytes(data.data(READS).data()) or b"{}")


def _place(session: Session) -> list[str]:
    """Which document is looked at in which window, and where in it."""
    return [session.key, *session.place]
