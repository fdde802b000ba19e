"""Paints a node's face: what it shares with others of its kind, its name, its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QTransform,
)

from app.text import pretty_name, tr
from app.view.canvas.face import PORT_RADIUS, WIDTH, Face, PortFace
from app.view.canvas.picture import fitted, heat_map
from app.view.theme import NODE_RADIUS, Theme, blend, number_font, ui_font
from engine.ops.row import Array

HEADER = 28.0
SHORTEST_FORMULA = 44.0
INNER = 14.0
VALUE_BOX = QRectF(INNER, HEADER + 7, 49, 40)
"""Where the picture of a tensor's value stands on its node."""
ROW = 20.0
MUTED = 0.45
"""How much is seen of the words of a node that hands its operand on."""
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter

# Making a font costs as much as drawing a word with it.
_ui = cache(ui_font)


@cache
def font_of_numbers(size: float, weight: int = 400) -> QFont:
    """Smoothed in grey: numbers look alike on a picture and on the screen."""
    font = number_font(size, weight)
    font.setStyleStrategy(QFont.StyleStrategy.NoSubpixelAntialias)
    return font


Stop = Literal["", "here", "inside"]


@dataclass(frozen=True, slots=True)
class Look:
    """What the pointer does with a node. `lit` are ports a wire may end at (`""` the output);
    None when no wire is being drawn. `flag` are the digits of its bookmarks, `stop` tells that a
    pass stops there, or inside of the module."""

    hovered: bool = False
    selected: bool = False
    lit: frozenset[str] | None = None
    target: str | None = None
    flag: str = ""
    stop: Stop = ""


def draw_blank(
    painter: QPainter, face: Face, theme: Theme, look: Look, captions: bool = True
) -> None:
    """What nodes of a kind share, with the body's corner at the origin: all but words of its own."""
    if face.is_dot:
        _on_wire(painter, face, theme, look)
        return
    _body(painter, face, theme, look)
    if captions and not (face.fault or face.is_tensor or face.muted):
        _captions(painter, face, theme)
    for port in face.ports:
        if port.is_drawn:
            _port(painter, face, port, theme, look)
    if face.muted:
        _passing(painter, face, theme)
        painter.setFont(_ui(11))
        painter.setPen(theme.muted)
        below = face.body.adjusted(INNER, face.height / 2, -10, 0)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, tr("muted"))
    _dot(painter, face.output, theme, look, "", filled=face.feeds)


def draw_bare(painter: QPainter, face: Face, theme: Theme, look: Look) -> None:
    """The node without numbers: its name above, its formula in the middle."""
    draw_blank(painter, face, theme, look, captions=False)
    if face.is_dot or face.muted:
        draw_header(painter, face, theme)
        return
    draw_header(painter, replace(face, formula=""), theme)
    room = QRectF(INNER, HEADER, WIDTH - INNER - 10, face.height - HEADER)
    font = _ui(13)
    painter.setFont(font)
    painter.setPen(theme.text)
    formula = QFontMetricsF(font).elidedText(
        face.formula, Qt.TextElideMode.ElideRight, room.width()
    )
    painter.drawText(room, Qt.AlignmentFlag.AlignCenter, formula)


def draw_values(painter: QPainter, face: Face, theme: Theme) -> None:
    """What changes from step to step."""
    if face.is_dot or face.muted:
        return
    if face.fault:
        _fault(painter, face, theme)
    elif face.is_tensor:
        _pictures(painter, face, theme)
    else:
        _rows(painter, face, theme)


def draw_lit(painter: QPainter, face: Face, theme: Theme, look: Look) -> None:
    """The ports a wire may end at, over the node; those that hold a number show as well."""
    if face.is_dot:
        _on_wire(painter, face, theme, look)
        return
    for port in face.ports:
        _port(painter, face, port, theme, look)
    _dot(painter, face.output, theme, look, "", filled=face.feeds)


def _body(painter: QPainter, face: Face, theme: Theme, look: Look) -> None:
    body = face.body
    if face.step:
        ring = QColor(theme.value if face.step == "forward" else theme.gradient)
        ring.setAlphaF(0.42)
        painter.setPen(QPen(ring, 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(body.adjusted(-3, -3, 3, 3), NODE_RADIUS + 3, NODE_RADIUS + 3)
    else:
        shade = QColor(0, 0, 0, 44 if theme.is_dark else 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawRoundedRect(body.adjusted(-0.5, 1, 0.5, 2.5), NODE_RADIUS, NODE_RADIUS)
    if face.is_module:
        _sheets(painter, body, theme)
    border, width = theme.border, 1.0
    if face.fault:
        border, width = theme.error, 1.5
    if look.hovered:
        border = blend(theme.border, theme.text, 0.35)
    if look.selected:
        border, width = theme.accent, 2.0
    painter.setPen(QPen(border, width))
    painter.setBrush(theme.node)
    painter.drawRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5), NODE_RADIUS, NODE_RADIUS)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.drawer(face.category))
    painter.drawRoundedRect(QRectF(1.0, 8, 3, body.height() - 16), 1.5, 1.5)
    painter.fillRect(QRectF(INNER, HEADER, WIDTH - INNER - 10, 1), theme.hairline)


def _on_wire(painter: QPainter, face: Face, theme: Theme, look: Look) -> None:
    """A dot on a wire: a filled disc, its ports only while a wire is drawn."""
    middle = face.body.center()
    colour = theme.accent if look.selected or look.target is not None else theme.muted
    if face.step:
        colour = theme.value if face.step == "forward" else theme.gradient
    painter.setPen(QPen(theme.wire, 1.3))
    painter.drawLine(QPointF(0, middle.y()), face.output)
    painter.setPen(QPen(colour, 1.6))
    painter.setBrush(theme.text if look.hovered else blend(theme.node, theme.muted, 0.6))
    radius = 6.0 if look.hovered or look.selected or look.lit else 5.0
    painter.drawEllipse(middle, radius, radius)


def _passing(painter: QPainter, face: Face, theme: Theme) -> None:
    """The line along which a muted node hands its operand on."""
    linked = [p for p in face.ports if p.linked] or [p for p in face.ports if p.is_drawn]
    if linked:
        start = face.port_place(linked[0].name)
        middle = QPointF(face.output.x() / 2, 0)
        path = QPainterPath(start)
        path.cubicTo(start + middle, face.output - middle, face.output)
        painter.setPen(QPen(theme.muted, 1.3, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)


def _sheets(painter: QPainter, body: QRectF, theme: Theme) -> None:
    """Two more edges behind a module's body: there is more inside."""
    painter.setPen(QPen(theme.border, 1))
    for shift in (7.0, 3.5):
        painter.setBrush(blend(theme.node, theme.canvas, shift / 12))
        sheet = body.adjusted(shift + 0.5, shift + 0.5, shift - 0.5, shift - 0.5)
        painter.drawRoundedRect(sheet, NODE_RADIUS, NODE_RADIUS)


def draw_header(painter: QPainter, face: Face, theme: Theme) -> None:
    if face.is_dot:
        return
    painter.setOpacity(MUTED if face.muted else 1.0)
    name_font, formula_font = _ui(14, 600, True), _ui(12)
    room = WIDTH - INNER - 10
    name = pretty_name(face.name)
    name_metrics, formula_metrics = QFontMetricsF(name_font), QFontMetricsF(formula_font)
    needed = formula_metrics.horizontalAdvance(face.formula)
    room_for_name = room - (14 if face.frozen else 0)
    name = name_metrics.elidedText(name, Qt.TextElideMode.ElideRight, room_for_name)
    right = room_for_name - name_metrics.horizontalAdvance(name) - 8
    formula = face.formula
    if needed > right:  # a few letters of a formula say less than none
        elided = formula_metrics.elidedText(formula, Qt.TextElideMode.ElideRight, right)
        formula = elided if right >= SHORTEST_FORMULA else ""
    box = QRectF(INNER, 2, room, HEADER - 2)
    painter.setFont(name_font)
    painter.setPen(theme.text)
    painter.drawText(box, _LEFT, name)
    painter.setFont(formula_font)
    painter.setPen(theme.muted)
    painter.drawText(
        box.adjusted(0, 0, -14 if face.frozen else 0, 0),
        _RIGHT,
        formula,
    )
    if face.frozen:
        _padlock(painter, QPointF(WIDTH - 15, 15), theme.muted)


def _padlock(painter: QPainter, centre: QPointF, colour: QColor) -> None:
    painter.setPen(QPen(colour, 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(QRectF(centre.x() - 2.5, centre.y() - 6, 5, 7), 0, 180 * 16)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(QRectF(centre.x() - 4, centre.y() - 2, 8, 6), 1.5, 1.5)


def draw_flag(painter: QPainter, digits: str, theme: Theme) -> None:
    """A tab that stands on the body's upper edge."""
    font = font_of_numbers(9, 600)
    width = max(15.0, QFontMetricsF(font).horizontalAdvance(digits) + 9)
    box = QRectF(INNER - 2, -12.5, width, 12.5)
    tab = QPainterPath()
    tab.addRoundedRect(box.adjusted(0, 0, 0, 6), 4, 4)
    painter.save()
    painter.setClipRect(box.adjusted(-1, -1, 1, 0))
    painter.setPen(QPen(theme.border, 1))
    painter.setBrush(blend(theme.node, theme.text, 0.12))
    painter.drawPath(tab)
    painter.restore()
    painter.setFont(font)
    painter.setPen(theme.text)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, digits)


def stop_sign(centre: QPointF, radius: float) -> QPolygonF:
    """An octagon: its shape tells a breakpoint, for colours mean other things."""
    corners = ((math.pi * (2 * i + 1) / 8) for i in range(8))
    return QPolygonF([centre + QPointF(math.cos(a), math.sin(a)) * radius for a in corners])


def draw_stop(painter: QPainter, face: Face, theme: Theme, stop: Stop) -> None:
    """The mark of a breakpoint on the body's upper left corner; hollow where it is inside."""
    at, radius = (2.0, 5.0) if face.is_dot else (4.0, 6.5)
    painter.setPen(QPen(theme.canvas, 2.5, j=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(theme.text)
    painter.drawPolygon(stop_sign(QPointF(at, at), radius))
    if stop == "inside":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.node)
        painter.drawPolygon(stop_sign(QPointF(at, at), radius - 3.0))


@cache
def _row_boxes(height: float) -> tuple[QRectF, QRectF]:
    top = HEADER + 3 + max(0.0, height - 76) / 2
    width = WIDTH - INNER - 11
    return QRectF(INNER, top, width, ROW), QRectF(INNER, top + ROW, width, ROW)


def _captions(painter: QPainter, face: Face, theme: Theme) -> None:
    painter.setFont(_ui(11))
    painter.setPen(theme.muted)
    for label, box in zip((tr("value"), tr("grad")), _row_boxes(face.height), strict=True):
        painter.drawText(box, _LEFT, label)


def _rows(painter: QPainter, face: Face, theme: Theme) -> None:
    above, below = _row_boxes(face.height)
    waiting = tr("waiting") if face.waiting else "–"
    for text, otherwise, colour, box in (
        (face.value, waiting, theme.value, above),
        (face.gradient, "–", theme.gradient, below),
    ):
        if text:
            painter.setFont(font_of_numbers(12))
            painter.setPen(colour)
            # A place is a third cheaper than a box, and hundreds of numbers may change in a frame.
            left = box.right() - sum(map(_advance, text))
            painter.drawText(QPointF(left, box.top() + _baseline()), text)
        else:
            painter.setFont(_ui(11))
            painter.setPen(theme.muted)
            painter.drawText(box, _RIGHT, otherwise)


@cache
def _advance(letter: str) -> float:
    return QFontMetricsF(font_of_numbers(12)).horizontalAdvance(letter)


@cache
def _baseline() -> float:
    """Where numbers stand in a row, below its upper edge."""
    metrics = QFontMetricsF(font_of_numbers(12))
    return (ROW - metrics.height()) / 2 + metrics.ascent()


def _fault(painter: QPainter, face: Face, theme: Theme) -> None:
    centre = QPointF(INNER + 7, (HEADER + face.height) / 2)
    mark = QPolygonF([centre + QPointF(0, -7), centre + QPointF(7.5, 6), centre + QPointF(-7.5, 6)])
    painter.setPen(QPen(theme.error, 1.5, j=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolygon(mark)
    painter.drawLine(centre + QPointF(0, -2), centre + QPointF(0, 1.5))
    painter.drawPoint(centre + QPointF(0, 4))
    font = _ui(10)
    painter.setFont(font)
    box = QRectF(INNER + 20, HEADER + 4, WIDTH - INNER - 28, face.height - HEADER - 8)
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
    sentence = face.fault.removeprefix(f"{face.name}: ")
    metrics = QFontMetricsF(font)
    while metrics.boundingRect(box, flags, sentence).height() > box.height() and " " in sentence:
        sentence = sentence.removesuffix(" …").rpartition(" ")[0] + " …"
        if " " not in sentence.removesuffix(" …"):
            break
    painter.drawText(box, flags, sentence)


def _picture_box(column: int) -> QRectF:
    return VALUE_BOX.translated(column * 54, 0)


def picture_at(face: Face, place: QPointF) -> str:
    """Of which numbers the picture at a place of the node is: value, gradient, or empty for none."""
    if face.is_tensor and not face.fault:
        for column, of in enumerate(("value", "gradient")):
            if _picture_box(column).contains(place):
                return of
    return ""


def _pictures(painter: QPainter, face: Face, theme: Theme) -> None:
    negative = theme.negatives
    for column, (array, colour, down, text) in enumerate(
        (
            (face.value_array, theme.value, negative[0], face.shape),
            (face.gradient_array, theme.gradient, negative[1], tr("grad")),
        )
    ):
        box = _picture_box(column)
        _picture(painter, box, array, theme, colour, down)
        painter.setFont(font_of_numbers(10) if column == 0 else _ui(10))
        missing = array is None
        if column == 1 and face.gradient.endswith("…"):
            text += " …"
        painter.setPen(theme.muted if missing else colour)
        if column == 0 and missing and face.waiting:
            text = tr("waiting")
        painter.drawText(QRectF(box.left(), box.bottom() + 3, 53, 16), _LEFT, text)


def _picture(
    painter: QPainter, box: QRectF, array: Array | None, theme: Theme, up: QColor, down: QColor
) -> None:
    ground = theme.canvas if theme.is_dark else theme.background
    image = None if array is None else heat_map(array, ground, up, down)
    if image is not None:
        place = fitted(box, image.height(), image.width())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(place, image)
        box = place
    painter.setPen(QPen(theme.hairline, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box.adjusted(-0.5, -0.5, 0.5, 0.5))


def _port(painter: QPainter, face: Face, port: PortFace, theme: Theme, look: Look) -> None:
    centre = face.port_place(port.name)
    _dot(painter, centre, theme, look, port.name, filled=port.linked)
    if port.spare:
        painter.setPen(QPen(theme.muted, 1))
        painter.drawLine(centre - QPointF(2, 0), centre + QPointF(2, 0))
        painter.drawLine(centre - QPointF(0, 2), centre + QPointF(0, 2))
    elif not port.linked:
        painter.setFont(_ui(10))
        painter.setPen(theme.text if look.target == port.name else theme.muted)
        box = QRectF(centre.x() - 56, centre.y() - 8, 47, 16)
        painter.drawText(box, _RIGHT, port.name)


def _dot(
    painter: QPainter, centre: QPointF, theme: Theme, look: Look, name: str, filled: bool
) -> None:
    lit = look.lit is not None and name in look.lit
    colour, width = (theme.accent, 2.0) if lit else (theme.muted, 1.4)
    radius = PORT_RADIUS + (1.5 if look.target == name else 0)
    fill = blend(theme.node, theme.muted, 0.6) if filled else theme.canvas
    if look.target == name:
        fill = theme.accent
    painter.setPen(QPen(colour, width))
    painter.setBrush(fill)
    painter.drawEllipse(centre, radius - 0.5, radius - 0.5)


def arrow_head(tip: QPointF, angle: float, size: float = 8.0) -> QPainterPath:
    """A filled triangle with its tip at `tip`; `angle` in degrees, 0 pointing right."""
    path = QPainterPath()
    path.addPolygon(
        QPolygonF([QPointF(0, 0), QPointF(-size, -size * 0.55), QPointF(-size, size * 0.55)])
    )
    path.closeSubpath()
    return QTransform().translate(tip.x(), tip.y()).rotate(angle).map(path)
