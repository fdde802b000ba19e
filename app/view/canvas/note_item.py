"""A note or a frame on the canvas: one item under the nodes, its picture cached, known by its id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.text import tr
from app.view.canvas.note_text import SIZE, Laid, lay_out
from app.view.theme import BAR_RADIUS, RADIUS, Theme, blend
from engine.graph import Note
from engine.notes import TITLE

Part = Literal["title", "border", "body"]

INSET = 12.0
"""Free paper around the text of a note."""
UNREADABLE = 0.3
"""Below this zoom the text of a note is drawn as bars."""
_STEADY, _FARTHEST = 0.85, 0.1
"""Between these zooms a title is as large on the screen as at the first of them."""
GROUND, STRIP = 0.1, 0.12
"""How much of its hue is in a frame, and how much more in its title's strip."""
_MARGIN = 24.0
_HANDLE = 4.0
HANDLES_FROM = 0.4
"""Below this zoom nothing is resized."""
_LARGEST = 6_000_000
"""Pixels of a picture that is kept; a larger one is painted each time."""


@dataclass(frozen=True, slots=True)
class NoteLook:
    """What the pointer does with it; `handles` when it alone is selected."""

    selected: bool = False
    handles: bool = False


class NoteItem(QGraphicsItem):
    """Shows a note or a frame. Knows its id and nothing of other items."""

    def __init__(self, note: Note, theme: Theme) -> None:
        super().__init__()
        self.note_id = note.id
        self.note = note
        self.theme = theme
        self.look = NoteLook()
        self.size = QRectF(0, 0, note.width, note.height)
        self._laid: tuple[object, Laid] | None = None
        self._picture: tuple[object, QPixmap] | None = None
        self.setPos(note.x, note.y)
        self._settle()

    @property
    def is_frame(self) -> bool:
        return self.note.kind == "frame"

    def set_note(self, note: Note) -> None:
        """Shows what the document has now, and where."""
        self.note = note
        self.set_area(QRectF(note.x, note.y, note.width, note.height))
        self._picture = None
        self._settle()
        self.update()

    def set_area(self, area: QRectF) -> None:
        """Stands somewhere else for the time of a gesture."""
        size = QRectF(0, 0, area.width(), area.height())
        if size != self.size:
            self.prepareGeometryChange()
            self.size = size
            self._picture = None
            self._settle()
        self.setPos(area.topLeft())

    def _settle(self) -> None:
        area = self.size.width() * self.size.height()
        # Of two frames the larger lies below; notes lie above frames, wires and nodes above both.
        self.setZValue(-1 - area / (area + 1e6) if self.is_frame else 0)

    def set_look(self, look: NoteLook) -> None:
        if look != self.look:
            self.look = look
            self.update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._picture = None
        self.update()

    @property
    def spoken(self) -> str:
        kind = tr("frame") if self.is_frame else tr("note")
        return f"{kind} {self.note.text[:80]}".strip()

    # ------------------------------------------------------------ geometry

    def area(self) -> QRectF:
        """In scene coordinates, as the document has it."""
        return self.size.translated(self.pos())

    def title(self, zoom: float) -> QRectF:
        """The strip with a frame's title, in scene coordinates; from afar it grows upwards."""
        height = TITLE * title_scale(zoom)
        return QRectF(self.x(), self.y() + TITLE - height, self.size.width(), height)

    def outline(self, zoom: float) -> QRectF:
        """What is seen of it at a zoom, in scene coordinates."""
        return self._outline(zoom).translated(self.pos())

    def part_at(self, place: QPointF, zoom: float) -> Part | None:
        """What of it is at a scene place; the ground in a frame is none of it."""
        if not self.is_frame:
            return "body" if self.area().contains(place) else None
        if self.title(zoom).contains(place):
            return "title"
        near = 5 / min(zoom, 1.0)
        outer = self.outline(zoom).adjusted(-near, -near, near, near)
        inner = self.outline(zoom).adjusted(near, near, -near, -near)
        return "border" if outer.contains(place) and not inner.contains(place) else None

    def text_height(self, text: str) -> float:
        """How high a note has to be to show all of a text."""
        return lay_out(text, self._room(), self.theme.text).height + 2 * INSET

    def _room(self) -> float:
        return max(self.size.width() - 2 * INSET, 8.0)

    def _text(self) -> Laid:
        key = (self.note.text, self._room(), self.theme.name)
        if self._laid is None or self._laid[0] != key:
            self._laid = key, lay_out(self.note.text, self._room(), self.theme.text)
        return self._laid[1]

    def _title(self, room: float, colour: QColor) -> Laid:
        key = (self.note.text, room, self.theme.name, self.note.colour)
        if self._laid is None or self._laid[0] != key:
            title, weight = self.note.text.strip("# \n"), 600
            if not title:
                title, weight = tr("Frame"), 400
            self._laid = key, lay_out(title, room, colour, SIZE, weight)
        return self._laid[1]

    # ------------------------------------------------------------ QGraphicsItem

    def boundingRect(self) -> QRectF:
        above = TITLE * (title_scale(0) - 1) if self.is_frame else 0.0
        return self.size.adjusted(-_MARGIN, -_MARGIN - above, _MARGIN, _MARGIN)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        zoom = painter.worldTransform().m11()
        if self.is_frame:
            self._paint_frame(painter, zoom)
        elif widget is None:  # a picture that is kept: shapes and words, no pixels
            self._draw_note(painter, zoom)
        else:
            self._paint_note(painter, zoom)
        if self.look.selected:
            self._paint_selection(painter, zoom)

    def _paint_selection(self, painter: QPainter, zoom: float) -> None:
        radius = BAR_RADIUS if self.is_frame else RADIUS
        pen = QPen(self.theme.accent, 2)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        outline = self._outline(zoom)
        painter.drawRoundedRect(outline, radius, radius)
        half = _HANDLE / zoom
        if not self.look.handles or zoom < HANDLES_FROM:
            return
        painter.setBrush(self.theme.canvas)
        for x in (0.0, 0.5, 1.0):
            for y in (0.0, 0.5, 1.0):
                if (x, y) != (0.5, 0.5):
                    centre = QPointF(outline.width() * x, outline.top() + outline.height() * y)
                    painter.drawRect(
                        QRectF(centre.x() - half, centre.y() - half, 2 * half, 2 * half)
                    )

    def _outline(self, zoom: float) -> QRectF:
        above = TITLE * (title_scale(zoom) - 1) if self.is_frame else 0.0
        return self.size.adjusted(0, -above, 0, 0)

    # ------------------------------------------------------------ frames

    def _paint_frame(self, painter: QPainter, zoom: float) -> None:
        hue, outline = self.theme.note(self.note.colour), self._outline(zoom)
        fill = tint(self.theme, self.note.colour)
        fill.setAlphaF(GROUND)
        edge = QPen(blend(self.theme.canvas, hue, 0.5), 1)
        edge.setCosmetic(True)
        painter.setPen(edge)
        painter.setBrush(fill)
        painter.drawRoundedRect(outline, BAR_RADIUS, BAR_RADIUS)
        scale = title_scale(zoom)
        strip = QRectF(outline.left(), outline.top(), outline.width(), TITLE * scale)
        fill.setAlphaF(STRIP)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPath(_strip(strip))
        painter.save()
        painter.translate(strip.topLeft())
        painter.scale(scale, scale)
        inset = INSET if scale < 1.5 else INSET / 2
        room = strip.width() / scale - inset - INSET - 2  # dots stand behind what fits
        laid = self._title(max(room, 8.0), hue)
        line = laid.lines[0]
        laid.draw(painter, QPointF(inset, (TITLE - line.height) / 2), hue, line.height)
        painter.restore()

    # ------------------------------------------------------------ notes

    def _paint_note(self, painter: QPainter, zoom: float) -> None:
        world = painter.worldTransform()
        ratio = painter.device().devicePixelRatio()
        scale = zoom * ratio
        box = self.size.adjusted(-1, -1, 1, 4)
        if box.width() * box.height() * scale * scale > _LARGEST:
            self._draw_note(painter, zoom)
            return
        key = (self.theme.name, scale)
        if self._picture is None or self._picture[0] != key:
            pixmap = QPixmap(
                max(1, round(box.width() * scale)), max(1, round(box.height() * scale))
            )
            pixmap.fill(Qt.GlobalColor.transparent)
            into = QPainter(pixmap)
            into.setRenderHints(
                QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing
            )
            into.scale(scale, scale)
            into.translate(-box.topLeft())
            self._draw_note(into, zoom)
            into.end()
            self._picture = key, pixmap
        pixmap = self._picture[1]
        corner = world.map(box.topLeft())
        # Whole device pixels, or the picture would be smeared by half a pixel.
        painter.setWorldTransform(QTransform())
        painter.drawPixmap(
            QRectF(
                round(corner.x() * ratio) / ratio, round(corner.y() * ratio) / ratio,
                pixmap.width() / ratio, pixmap.height() / ratio,
            ),
            pixmap,
            QRectF(pixmap.rect()),
        )  # fmt: skip
        painter.setWorldTransform(world)

    def _draw_note(self, painter: QPainter, zoom: float) -> None:
        theme, size = self.theme, self.size
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 44 if theme.is_dark else 16))
        painter.drawRoundedRect(size.adjusted(-0.5, 1, 0.5, 2.5), RADIUS, RADIUS)
        fill = paper(theme, self.note.colour)
        painter.setBrush(fill)
        painter.setPen(QPen(blend(fill, theme.note(self.note.colour), 0.4), 1))
        painter.drawRoundedRect(size.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        at, room = QPointF(INSET, INSET), size.height() - 2 * INSET
        if zoom < UNREADABLE:
            self._text().draw_far(painter, at, blend(fill, theme.text, 0.35), room)
        elif self.note.text:
            self._text().draw(painter, at, theme.text, room)
        else:
            hint = lay_out(tr("Double-click to write"), size.width() - 2 * INSET, theme.muted)
            hint.draw(painter, at, theme.muted, room)


def title_scale(zoom: float) -> float:
    """How many times larger than at 100 % a title is drawn in the scene, to be legible from afar."""
    return max(1.0, _STEADY / max(zoom, _FARTHEST))


def paper(theme: Theme, colour: str) -> QColor:
    """What the text of a note stands on."""
    return blend(theme.node, tint(theme, colour), 0.15) if colour else QColor(theme.node)


def tint(theme: Theme, colour: str) -> QColor:
    """A hue for areas: that of words is too dark or too pale to be seen as itself when thinned."""
    hue = QColor(theme.note(colour))
    strong = hue.hslSaturationF()
    if strong < 0.25:
        return hue
    return QColor.fromHslF(hue.hslHueF(), min(1.0, strong * 1.3), 0.62 if theme.is_dark else 0.55)


def _strip(box: QRectF) -> QPainterPath:
    """A rectangle whose upper corners are round."""
    turn = 2 * min(BAR_RADIUS, box.width() / 2, box.height())
    path = QPainterPath(box.bottomLeft())
    path.arcTo(QRectF(box.left(), box.top(), turn, turn), 180, -90)
    path.arcTo(QRectF(box.right() - turn, box.top(), turn, turn), 90, -90)
    path.lineTo(box.bottomRight())
    path.closeSubpath()
    return path
