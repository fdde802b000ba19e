"""Pages of rich text as a PDF for A4."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSizeF
from PySide6.QtGui import QFont, QPageLayout, QPageSize, QPainter, QPdfWriter, QTextDocument

from engine import files

MARGIN = 16.0
"""Of a page, in millimetres."""
_DOTS = 96.0  # an inch, as HTML counts its pixels
_FINE = 300


def write_pdf(html: str, path: Path) -> None:
    """Prints HTML as Qt's rich text reads it, the file whole or not at all. Raises OSError."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_FINE)
    writer.setCreator("Gradloom")
    size = QPageSize(QPageSize.PageSizeId.A4)
    margins = QMarginsF(MARGIN, MARGIN, MARGIN, MARGIN)
    writer.setPageLayout(
        QPageLayout(size, QPageLayout.Orientation.Portrait, margins, QPageLayout.Unit.Millimeter)
    )
    zoom = _FINE / _DOTS
    pixels = writer.pageLayout().paintRectPixels(_FINE)
    width, height = pixels.width() / zoom, pixels.height() / zoom
    document = QTextDocument()
    document.setDefaultFont(QFont("Inter", 11))
    document.setDocumentMargin(0)
    document.setHtml(html)
    document.setPageSize(QSizeF(width, height))
    painter = QPainter(writer)
    try:
        painter.scale(zoom, zoom)
        for page in range(document.pageCount()):
            if page:
                writer.newPage()
            painter.save()
            painter.translate(0.0, -page * height)
            document.drawContents(painter, QRectF(0.0, page * height, width, height))
            painter.restore()
    finally:
        painter.end()
    files.replace_file(path, bytes(buffer.data().data()))
