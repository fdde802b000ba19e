"""The canvas as a picture to be kept, in SVG or PNG, with the document inside."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSize
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from app.session import Session
from app.view.canvas.board import Board
from app.view.theme import Theme
from engine.edits import subgraph
from engine.files import FileError
from engine.files.picture import with_document
from engine.graph import Graph

_EMPTY = re.compile(r"<g [^<>]*>\s*</g>\s*")
_SIZE = re.compile(r'<svg width="[^"]*" height="[^"]*"')
_TEXT = re.compile(
    r'<text ([^<>]*?)font-family="([^"]*)" font-size="([\d.]+)" font-weight="(\d+)" '
    r'font-style="(\w+)"\s*>([^<]*)</text>'
)

SCALES = (1, 2, 4)
AROUND = 20.0
MAX_SIDE, MAX_PIXELS = 32_000, 200_000_000


@dataclass(frozen=True, slots=True)
class Choices:
    """How a picture is drawn: `scale` pixels a unit, and `only` these nodes and notes, with what is in
    their frames, or all."""

    theme: Theme
    scale: int = 1
    values: bool = True
    transparent: bool = False
    only: frozenset[str] | None = None


class Sheet:
    """The nodes of a session as they stand on the canvas, drawn a second time for a picture.

    It is closed by whoever made it: a scene that is left to the garbage collector may be taken down
    on another thread.
    """

    def __init__(self, session: Session, choices: Choices) -> None:
        self.session, self.choices = session, choices
        self.board = Board(session, choices.theme)
        self.board.synchronize()
        self.board.bare = not choices.values
        if choices.values:
            self.board.show_values()
        chosen = choices.only
        self.only = None if chosen is None else frozenset(self.board.notes.with_carried(chosen))
        self.area = self._shown()

    def __enter__(self) -> Sheet:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        if shiboken6.isValid(self.board):
            shiboken6.delete(self.board)

    def _shown(self) -> QRectF:
        """Hides what was not chosen; returns the place of the rest, with room around it."""
        only, board = self.only, self.board
        area = QRectF()
        for node_id, item in board.nodes.items():
            item.setVisible(only is None or node_id in only)
            if item.isVisible():
                # Room for the names of ports only where some are written.
                named = any(p.is_drawn and not p.linked for p in item.face.ports)
                area = area.united(item.sceneBoundingRect() if named else item.body())
        for (target, _), wire in board.wires.items():
            wire.setVisible(only is None or {wire.source, target} <= only)
            if wire.isVisible():
                area = area.united(wire.path.boundingRect())
                for _, box, _ in wire.labels():
                    area = area.united(box)
        for note_id, note in board.notes.items.items():
            note.setVisible(only is None or note_id in only)
            if note.isVisible():
                area = area.united(note.area())
        return area.marginsAdded(QMarginsF(AROUND, AROUND, AROUND, AROUND))

    def paint(self, painter: QPainter, target: QRectF) -> None:
        """Draws the sheet over an area of the same proportions."""
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing
        )
        if not self.choices.transparent:
            painter.fillRect(target, self.choices.theme.canvas)
        self.board.render(painter, target, self.area)

    def image(self, scale: float) -> QImage:
        """Pixels. Raises FileError when there would be too many."""
        size = (self.area.size() * scale).toSize().expandedTo(QSize(1, 1))
        if max(size.width(), size.height()) > MAX_SIDE or (
            size.width() * size.height() > MAX_PIXELS
        ):
            raise FileError(
                f"the picture would be {size.width():,} by {size.height():,} pixels; "
                "choose a smaller scale, fewer nodes or SVG"
            )
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        self.paint(painter, QRectF(0, 0, size.width(), size.height()))
        painter.end()
        return image

    def png(self, longest: int = MAX_SIDE) -> bytes:
        """The sheet as PNG, the document inside; smaller if it would be longer than `longest`."""
        side = max(self.area.width(), self.area.height())
        shrunk = min(self.choices.scale, longest / side) if longest < MAX_SIDE else 0.0
        image = self.image(shrunk or self.choices.scale)
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")  # type: ignore[call-overload]
        return with_document(bytes(data.data()), self._document())

    def svg(self) -> bytes:
        """The sheet as SVG, its text as text, the document inside."""
        data = QByteArray()
        buffer = QBuffer(data)
        target = QRectF(0, 0, self.area.width(), self.area.height())
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        generator.setResolution(96)
        generator.setSize(target.size().toSize())
        generator.setViewBox(target)
        # XML has no place for other signs than these.
        generator.setTitle("".join(c for c in self.session.title if c.isprintable()))
        generator.setDescription("Made with Gradloom, which opens this picture as the document.")
        painter = QPainter(generator)
        self.paint(painter, target)
        painter.end()
        text = _tidy(bytes(data.data()).decode("utf-8"), target.size().toSize())
        return with_document(text.encode("utf-8"), self._document())

    def _document(self) -> Graph:
        if self.only is None:
            return self.session.root
        return subgraph(self.session.graph, self.only, self.session.drawn_here)


def _tidy(text: str, size: QSize) -> str:
    """What Qt wrote, in pixels, less its empty groups, its words as wide where fonts are missing."""
    text = _EMPTY.sub("", text)
    text = _SIZE.sub(f'<svg width="{size.width()}" height="{size.height()}"', text, count=1)
    return _TEXT.sub(_fitted, text)


def _fitted(found: re.Match[str]) -> str:
    """A text with its width and with fonts to fall back on."""
    head, family, pixels, weight, style, words = found.groups()
    font = QFont(family)
    font.setPixelSize(round(float(pixels)))
    font.setWeight(QFont.Weight(int(weight)))
    font.setItalic(style != "normal")
    width = QFontMetricsF(font).horizontalAdvance(html.unescape(words))
    fixed = "monospace" if "Mono" in family else "sans-serif"
    return (
        f'<text {head}font-family="{family}, {fixed}" font-size="{pixels}" font-weight="{weight}"'
        f' font-style="{style}" textLength="{width:.2f}" lengthAdjust="spacingAndGlyphs">{words}</text>'
    )


def drawn(session: Session, suffix: str, choices: Choices) -> bytes:
    """A picture of a kind, `.svg` or `.png`. Raises FileError."""
    with Sheet(session, choices) as sheet:
        return sheet.svg() if suffix == ".svg" else sheet.png()
