"""The text of a note laid out: paragraphs, headings, bold words and formulas between dollar signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from app.view.mathematics import Formula, typeset
from app.view.theme import ui_font

SIZE = 13
_HEADINGS = {1: (21, 600), 2: (15, 600), 3: (13, 600)}
_LEADING, _BLANK = 4.0, 10.0
# A dollar sign before a blank or a digit behind one is money: a formula hugs its signs.
_MARKS = re.compile(r"\$\$?(?=\S)([^$\n]+?)(?<=\S)\$\$?(?!\d)|(\*\*)")
_HEADING = re.compile(r"(#{1,3})\s+(.*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters of one font, or a formula drawn `scale` times its size."""

    text: str
    font: QFont
    formula: Formula | None
    width: float
    above: float
    below: float
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces side by side; `top` is the line's, measured from that of the text."""

    top: float
    above: float
    height: float
    width: float
    pieces: tuple[tuple[float, Piece], ...]


@dataclass(frozen=True, slots=True)
class Laid:
    """A text in lines."""

    lines: tuple[Line, ...]
    height: float

    def draw(self, painter: QPainter, at: QPointF, colour: QColor, room: float) -> None:
        """Draws the lines that lie wholly in `room`; three dots say that there are more."""
        painter.setPen(colour)
        last: Line | None = None
        for line in self.lines:
            if line.top + line.height > room + 0.5:
                if last is not None:
                    self._dots(painter, at, last)
                return
            for x, piece in line.pieces:
                _draw(painter, piece, QPointF(at.x() + x, at.y() + line.top + line.above), colour)
            last = line

    def _dots(self, painter: QPainter, at: QPointF, line: Line) -> None:
        painter.setFont(ui_font(SIZE, 600))
        painter.drawText(at + QPointF(line.width + 2, line.top + line.above), "…")

    def draw_far(self, painter: QPainter, at: QPointF, colour: QColor, room: float) -> None:
        """The lines as bars, for zooms at which no letter can be read."""
        for line in self.lines:
            if line.top + line.height > room:
                return
            bar = QRectF(
                at.x(), at.y() + line.top + line.height * 0.3, line.width, line.height * 0.4
            )
            painter.fillRect(bar, colour)


def _draw(painter: QPainter, piece: Piece, at: QPointF, colour: QColor) -> None:
    if piece.formula is None:
        painter.setFont(piece.font)
        painter.setPen(colour)
        painter.drawText(at, piece.text)
        return
    painter.save()
    painter.translate(at.x(), at.y() - piece.above)
    painter.scale(piece.scale, piece.scale)
    piece.formula.draw(painter, QPointF(0, 0))
    painter.restore()


def lay_out(text: str, width: float, colour: QColor, size: int = SIZE, weight: int = 400) -> Laid:
    """A text in lines of at most `width`; formulas are typeset in a colour."""
    lines: list[Line] = []
    top = 0.0
    for paragraph in text.split("\n"):
        if not paragraph.strip():
            top += _BLANK
            continue
        heading = _HEADING.fullmatch(paragraph)
        large, strong = _HEADINGS[len(heading[1])] if heading else (size, weight)
        words = list(_words(heading[2] if heading else paragraph, large, strong, colour, width))
        space = QFontMetricsF(ui_font(large, strong)).horizontalAdvance(" ")
        for line in _broken(words, space, width, top):
            lines.append(line)
            top = line.top + line.height + (_LEADING if large == size else _LEADING + 3)
    return Laid(tuple(lines), lines[-1].top + lines[-1].height if lines else 0.0)


def _words(
    text: str, size: int, weight: int, colour: QColor, width: float
) -> Iterator[list[Piece]]:
    """Pieces that nothing but a blank may part, word by word."""
    word: list[Piece] = []
    for piece in _pieces(text, size, weight, colour, width):
        if piece is None:
            if word:
                yield word
            word = []
        else:
            word.append(piece)
    if word:
        yield word


def _pieces(
    text: str, size: int, weight: int, colour: QColor, width: float
) -> Iterator[Piece | None]:
    """Letters and formulas in order; None where a line may be broken."""
    at, bold = 0, False
    marks = list(_MARKS.finditer(text))
    stars = sum(1 for mark in marks if mark[2])
    for mark in [*marks, None]:
        font = ui_font(size, 600 if bold else weight)
        yield from _letters(text[at : mark.start() if mark else len(text)], font, width)
        if mark is None:
            return
        at = mark.end()
        if not mark[2]:
            yield _formula(typeset(mark[1], size + 1, colour), font, width)
            continue
        stars -= 1
        if bold or stars:  # stars that nothing closes are stars
            bold = not bold
        else:
            yield from _letters(mark[2], font, width)


def _letters(text: str, font: QFont, width: float) -> Iterator[Piece | None]:
    metrics = QFontMetricsF(font)
    for part in re.findall(r"\s+|\S+", text):
        if part.isspace():
            yield None
            continue
        while part:
            fit = len(part)
            while fit > 1 and metrics.horizontalAdvance(part[:fit]) > width:
                fit = max(1, fit * 3 // 4)
            advance = metrics.horizontalAdvance(part[:fit])
            yield Piece(part[:fit], font, None, advance, metrics.ascent(), metrics.descent())
            part = part[fit:]
            if part:
                yield None


def _formula(formula: Formula, font: QFont, width: float) -> Piece:
    scale = min(1.0, width / max(formula.width, 1.0))
    above = formula.base * scale
    return Piece(
        "", font, formula, formula.width * scale, above, formula.height * scale - above, scale
    )


def _broken(words: list[list[Piece]], space: float, width: float, top: float) -> Iterator[Line]:
    """Words in lines, each as full as it can be."""
    x = 0.0
    placed: list[tuple[float, Piece]] = []
    for word in words:
        needed = sum(piece.width for piece in word)
        if placed and x + needed > width + 0.5:
            line = _line(placed, top)
            yield line
            x, placed, top = 0.0, [], line.top + line.height + _LEADING
        for piece in word:
            placed.append((x, piece))
            x += piece.width
        x += space
    if placed:
        yield _line(placed, top)


def _line(placed: list[tuple[float, Piece]], top: float) -> Line:
    above = max(piece.above for _, piece in placed)
    below = max(piece.below for _, piece in placed)
    x, last = placed[-1]
    return Line(top, above, above + below, x + last.width, tuple(placed))
