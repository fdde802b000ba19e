"""Worksheets of lessons and quizzes as PDF or HTML, with and without answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter, QTextDocument
from PySide6.QtWidgets import QFileDialog, QWidget

from app.text import tr
from app.view import theme
from engine import files
from engine.graph import Graph
from engine.teaching.worksheet import pieces, sheet

if TYPE_CHECKING:
    from app.view.frame import Frame

DOTS = 600
"""Dots an inch that letters are placed by."""
WIDE = 680.0
"""Width of the text in the pixels of the page that is printed; its pictures are 660 wide at most."""
_MARGIN = 15.0


def ask(parent: QWidget, name: str, answers: bool) -> Path | None:
    """Where a worksheet is to be written; the ending says as what."""
    title = tr("Worksheet with answers") if answers else tr("Worksheet")
    suggested = f"{name} – {tr('answers') if answers else tr('worksheet')}.pdf".replace("/", " ")
    kinds = f"PDF (*.pdf);;{tr('Web page')} (*.html)"
    chosen, _ = QFileDialog.getSaveFileName(parent, title, str(Path.home() / suggested), kinds)
    if not chosen:
        return None
    path = Path(chosen)
    return path if path.suffix.lower() in (".pdf", ".html") else Path(f"{chosen}.pdf")


def offer(window: Frame, documents: Iterable[Graph], count: int, name: str, answers: bool) -> None:
    """Asks where to, and writes so many documents in pieces; what goes wrong is told."""
    path = ask(window, name, answers)
    if path is not None:
        window.sharing.begin(tr("Writing the worksheet…"), written(documents, count, path, answers))


def written(
    documents: Iterable[Graph], count: int, path: Path, answers: bool
) -> Iterator[tuple[int, int]]:
    """Writes a worksheet, whole or not at all, and tells how far it is: documents of how many. Raises
    ValueError where nothing is asked, and OSError."""
    if path.suffix.lower() == ".html":
        text: list[str] = []
        for piece in pieces(documents, answers):
            text.append(piece)
            yield len(text), count + 1
        files.write_bytes(path, "".join(text).encode("utf-8"))
        return
    paper = _Paper()
    try:
        for done, graph in enumerate(documents):
            for _ in paper.pages(sheet((graph,), answers, simple=True)):
                yield done, count
    finally:
        data = paper.end()
    files.write_bytes(path, data)


def pdf(text: str) -> bytes:
    """A page of Qt's rich text as A4."""
    paper = _Paper()
    for _ in paper.pages(text):
        pass
    return paper.end()


class _Paper:
    """A PDF of A4 that texts are printed to, each from a new page on."""

    def __init__(self) -> None:
        self._buffer = QBuffer()
        self._buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._writer = writer = QPdfWriter(self._buffer)
        writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
        writer.setPageMargins(
            QMarginsF(_MARGIN, _MARGIN, _MARGIN, _MARGIN), QPageLayout.Unit.Millimeter
        )
        writer.setResolution(DOTS)
        writer.setCreator("Gradloom")
        self._painter = QPainter(writer)
        self._used = False

    def pages(self, text: str) -> Iterator[int]:
        """Prints a text; the number of each page of it when that is done."""
        document = QTextDocument()
        document.setDefaultFont(theme.ui_font(14))
        document.setDocumentMargin(0)
        document.setHtml(text)
        area = QRectF(self._writer.pageLayout().paintRectPixels(DOTS))
        scale = area.width() / WIDE
        page = QRectF(0, 0, WIDE, area.height() / scale)
        document.setPageSize(page.size())
        for number in range(document.pageCount()):
            if self._used:
                self._writer.newPage()
            self._used = True
            self._painter.resetTransform()
            self._painter.scale(scale, scale)
            self._painter.translate(0, -number * page.height())
            document.drawContents(self._painter, page.translated(0, number * page.height()))
            yield number

    def end(self) -> bytes:
        """The file."""
        self._painter.end()
        return bytes(self._buffer.data().data())
