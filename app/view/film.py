"""The frames of a step animation: the canvas at a step, and its line with numbers below it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import shiboken6
from msgspec.structs import replace
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter

from app.animation import Film
from app.marks import Marks
from app.session import Event, Session
from app.text import pretty_name, tr
from app.view import theme, typesetting
from app.view.canvas.export import Choices, Sheet
from app.view.panels.columns import Column, Columns
from app.view.panels.explanation import columns_of, seen_line, total_text
from app.view.theme import Theme
from engine.trace import Step

WIDE = 900
"""Units across a frame, whatever its pixels."""
MARGIN, CARD, TALLEST = 20.0, 108.0, 620.0


@dataclass(frozen=True, slots=True)
class Take:
    """What is filmed: pixels across, the steps (`all`, `forward` or `backward`) and how it looks."""

    width: int
    part: str
    theme: Theme
    values: bool = True


class Reel:
    """Paints frames of a session, which stays at the step it shows; closed by whoever made it."""

    def __init__(self, session: Session, take: Take) -> None:
        self.take = take
        self.session = copy.copy(session)
        self.session.cursor_moved, self.session.marks = Event(), Marks()
        self.split, count = session.forward_end, len(session.steps)
        first, last = {"forward": (1, self.split), "backward": (self.split + 1, count)}.get(
            take.part, (1, count)
        )
        self.steps = range(first, last + 1)
        self.session.seek(count)
        with theme.drawn_in(take.theme):
            self.sheet = Sheet(self.session, Choices(take.theme, values=take.values))
            self.line = Columns(19, 12, 62)
        self.sheet.board.stepping = True
        self.sheet.area.adjust(0, 0, 0, 14)  # the sum under a node at the foot
        size, room = self.sheet.area.size(), QSizeF(WIDE, TALLEST)
        fitted = size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        scale = min(fitted.width() / max(size.width(), 1.0), 1.6)
        self.picture = QSizeF(size.width() * scale, size.height() * scale)
        self.pixels = take.width // 2 * 2
        self.zoom = self.pixels / WIDE
        self.height = round((self.picture.height() + CARD) * self.zoom) // 2 * 2

    def __enter__(self) -> Reel:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        self.sheet.close()
        if shiboken6.isValid(self.line):
            shiboken6.delete(self.line)

    def film(self, seconds: float, loop: bool) -> Film:
        return Film(self.pixels, self.height, seconds, loop)

    def frames(self) -> Iterator[bytes]:
        """Every frame as bytes of RGB, painted when it is asked for."""
        for number in self.steps:
            image = self.image(number).convertToFormat(QImage.Format.Format_RGB888)
            row = self.pixels * 3
            data = bytes(image.constBits())
            if image.bytesPerLine() != row:
                stride = image.bytesPerLine()
                data = b"".join(data[y * stride : y * stride + row] for y in range(self.height))
            yield data

    def image(self, number: int) -> QImage:
        """The frame after a micro-step."""
        tokens = self.take.theme
        image = QImage(self.pixels, self.height, QImage.Format.Format_RGB32)
        image.fill(tokens.canvas)
        painter = QPainter(image)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing
        )
        painter.scale(self.zoom, self.zoom)
        self.session.seek(number)
        with theme.drawn_in(tokens):
            self.sheet.board.show_values()
            left = (WIDE - self.picture.width()) / 2
            painter.save()
            self.sheet.paint(painter, QRectF(QPointF(left, 0), self.picture))
            painter.restore()
            step = self.session.step
            if step is not None:
                self._card(painter, step)
        painter.end()
        return image

    # ------------------------------------------------------------ below the canvas

    def _card(self, painter: QPainter, step: Step) -> None:
        tokens, top = self.take.theme, self.picture.height()
        painter.fillRect(QRectF(0, top, WIDE, CARD), tokens.panel)
        painter.fillRect(QRectF(0, top, WIDE, 1), tokens.hairline)
        self._progress(painter, top, step.number)
        painter.setFont(theme.ui_font(12))
        painter.setPen(tokens.muted)
        head = QRectF(MARGIN, top + 12, WIDE - 2 * MARGIN, 20)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, _place(step))
        count = tr("{number} of {count}").format(number=step.number, count=len(self.session.steps))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(head, right, count)
        total = total_text(step) if self.take.values and len(step.terms) > 1 else ""
        taken = 0.0
        if total:
            painter.setFont(theme.number_font(12))
            taken = QFontMetricsF(painter.font()).horizontalAdvance(total) + MARGIN
            painter.setPen(tokens.gradient)
            painter.drawText(head.translated(0, 58), right, total)
        self.line.resize(round(WIDE - 2 * MARGIN - taken), 62)
        self.line.show_columns(tuple(self._columns(step)), step.text)
        self.line.refresh()
        self.line.sizeHint()  # asks for its formulas
        typesetting.finish()
        self.line.refresh()
        painter.save()
        painter.translate(MARGIN, top + 38)
        self.line.paint_line(painter)
        painter.restore()

    def _columns(self, step: Step) -> Iterator[Column]:
        for column in columns_of(step, seen_line(step)):
            if self.take.values:
                yield column
            elif column.part.text:
                part = replace(column.part, number="", number_latex="")
                yield Column(part, column.symbol, column.number)

    def _progress(self, painter: QPainter, top: float, number: int) -> None:
        """How far the pass is: the forward steps in their colour, then the backward ones in theirs."""
        tokens, count = self.take.theme, max(len(self.session.steps), 1)
        whole = WIDE / count
        for colour, first, last in (
            (tokens.value, 0, min(number, self.split)), (tokens.gradient, self.split, number),
        ):  # fmt: skip
            if last > first:
                painter.fillRect(QRectF(first * whole, top, (last - first) * whole, 3), colour)


def _place(step: Step) -> str:
    name = pretty_name(step.telling.name(step.node))
    if step.phase == "backward" and step.target:
        return f"{tr('Backward')} · {name} → {pretty_name(step.telling.name(step.target))}"
    return f"{tr('Forward') if step.phase == 'forward' else tr('Backward')} · {name}"
