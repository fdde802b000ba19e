"""Worksheets of lessons and quizzes as PDF or HTML, with and without answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter, QTextDocument
from PySide6.QtWidgets import QFileDialog, QWidget

from app.text import tr
from app.view import theme
from engine import files
from engine.graph import Graph
from engine.teaching.worksheet import sheet

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


def offer(window: Frame, documents: Sequence[Graph], name: str, answers: bool) -> None:
    """Asks where to, and writes; what goes wrong is told."""
    path = ask(window, name, answers)
    if path is None:
        return
    try:
        write(documents, path, answers)
    except (ValueError, OSError) as error:
        window.tell(str(error))


def write(documents: Sequence[Graph], path: Path, answers: bool) -> None:
    """Writes a worksheet, whole or not at all. Raises ValueError where nothing is asked, and OSError."""
    if path.suffix.lower() == ".html":
        files.write_bytes(path, sheet(documents, answers).encode("utf-8"))
    else:
        files.write_bytes(path, pdf(sheet(documents, answers, simple=True)))


def pdf(text: str) -> bytes:
    """A page of Qt's rich text as A4."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(
        QMarginsF(_MARGIN, _MARGIN, _MARGIN, _MARGIN), QPageLayout.Unit.Millimeter
    )
    writer.setResolution(DOTS)
    writer.setCreator("Gradloom")
    document = QTextDocument()
    document.setDefaultFont(theme.ui_font(14))
    document.setDocumentMargin(0)
    document.setHtml(text)
    area = QRectF(writer.pageLayout().paintRectPixels(DOTS))
    scale = area.width() / WIDE
    page = QRectF(0, 0, WIDE, area.height() / scale)
    document.setPageSize(page.size())
    painter = QPainter(writer)
    painter.scale(scale, scale)
    for number in range(document.pageCount()):
        if number:
            writer.newPage()
            painter.translate(0, -page.height())
        document.drawContents(painter, page.translated(0, number * page.height()))
    painter.end()
    return bytes(buffer.data().data())
