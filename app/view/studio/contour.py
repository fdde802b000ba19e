"""A loss over a plane seen from above: bands, lines along levels, ways of trainings, and a pin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.text import tr
from app.view import theme
from app.view.studio.bands import picture
from app.view.studio.relief import Relief
from app.view.viewers.kind import ground
from app.view.viewers.numbers import tick_text, ticks
from engine.ops.row import Array
from engine.probes.surface import FIELD, Bounds
from engine.probes.surface import places as grid_places

CLICK = 4
"""Pixels a press may move and still be a click."""
ZOOM = 480
"""Wheel units that double or halve the range."""


@dataclass(frozen=True)
class Way:
    """A way over the plane (m × 2 places) with its name and colour; one is `bold`."""

    name: str
    places: Array
    colour: QColor
    bold: bool = False


class Contour(QWidget):
    """The relief in the range `bounds`. The wheel and a drag choose another range (`ranged`), a click
    sets the pin (`pinned`), the pointer tells a place or None (`pointed`)."""

    ranged = Signal(object)
    whole = Signal()
    pinned = Signal()
    pointed = Signal(object)
    start_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.relief: Relief | None = None
        self.bounds: Bounds = (-1.0, 1.0, -1.0, 1.0)
        self.titles = ("", "")
        self.ways: list[Way] = []
        self.here: tuple[float, float] | None = None
        self.pin: tuple[float, float] | None = None
        self.slopes: Array | None = None
        self._press: QPointF | None = None
        self._begun: tuple[QPointF, Bounds] | None = None
        self._picture: tuple[object, QPixmap] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 80)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(tr("Loss over the plane"))
        self.setToolTip(
            tr(
                "Turn the wheel or drag to choose another range, double-click for the whole, click to "
                "start from there"
            )
        )
        self.start = QPushButton(tr("Start from here"), self)
        self.start.setObjectName("start_here")
        self.start.clicked.connect(self.start_asked)
        self.start.hide()

    def sizeHint(self) -> QSize:
        return QSize(260, 180)

    # ------------------------------------------------------------ what is shown

    def show_relief(self, relief: Relief | None) -> None:
        self.relief = relief
        self.update()

    def set_bounds(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._place_button()
        self.update()

    def set_pin(self, place: tuple[float, float] | None) -> None:
        """Where a click was; None takes the pin away."""
        self.pin = place
        self.start.setVisible(place is not None)
        self._place_button()
        self.update()

    # ------------------------------------------------------------ places

    @property
    def box(self) -> QRectF:
        """Where the plane is drawn; numbers stand at its left and below."""
        metrics = QFontMetrics(theme.number_font(10))
        wide = max((metrics.horizontalAdvance(t) for _, t in self._marks(1)), default=0)
        return QRectF(wide + 10, 18, max(self.width() - wide - 18, 8), max(self.height() - 38, 8))

    def spot(self, a: float, b: float) -> QPointF:
        """Where a place of the plane is on the widget."""
        left, right, bottom, top = self.bounds
        box = self.box
        return QPointF(
            box.left() + (a - left) / (right - left) * box.width(),
            box.bottom() - (b - bottom) / (top - bottom) * box.height(),
        )

    def place(self, spot: QPointF) -> tuple[float, float]:
        """Which place of the plane is at a point of the widget."""
        left, right, bottom, top = self.bounds
        box = self.box
        return (
            left + (spot.x() - box.left()) / box.width() * (right - left),
            bottom + (box.bottom() - spot.y()) / box.height() * (top - bottom),
        )

    def _marks(self, axis: int) -> list[tuple[float, str]]:
        low, high = self.bounds[2 * axis : 2 * axis + 2]
        room = (self.height() if axis else self.width()) - 38
        found = [m for m in ticks(low, high, max(2, min(room // 48, 8))) if low <= m <= high]
        spacing = found[1] - found[0] if len(found) > 1 else high - low
        return [(m, tick_text(m, spacing)) for m in found]

    def _place_button(self) -> None:
        if self.pin is None:
            return
        self.start.adjustSize()
        spot, size = self.spot(*self.pin), self.start.size()
        x = min(max(spot.x() + 10, 2.0), self.width() - size.width() - 2.0)
        y = spot.y() + 10
        if y + size.height() > self.height() - 2:
            y = spot.y() - 10 - size.height()
        self.start.move(int(x), int(max(y, 2)))

    # ------------------------------------------------------------ mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.box.contains(event.position()):
            self._begun = event.position(), self.bounds
            self._press = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        if self._begun is None:
            self.pointed.emit(self.place(spot) if self.box.contains(spot) else None)
            return
        start, (left, right, bottom, top) = self._begun
        way = spot - start
        if self._press is not None and way.manhattanLength() <= CLICK:
            return
        self._press = None
        box = self.box
        across = way.x() / box.width() * (right - left)
        up = -way.y() / box.height() * (top - bottom)
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._range((left - across, right - across, bottom - up, top - up))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setCursor(Qt.CursorShape.CrossCursor)
        clicked, self._press, self._begun = self._press, None, None
        if clicked is not None and event.button() is Qt.MouseButton.LeftButton:
            self.set_pin(self.place(clicked))
            self.pinned.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._press = self._begun = None
        self.set_pin(None)
        self.whole.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(2 ** (-event.angleDelta().y() / ZOOM), event.position())
        event.accept()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """A range so many times as wide, around a point of the widget or its middle."""
        a, b = self.place(at if at is not None else self.box.center())
        left, right, bottom, top = self.bounds
        self._range(
            (a + (left - a) * factor, a + (right - a) * factor,
             b + (bottom - b) * factor, b + (top - b) * factor)
        )  # fmt: skip

    def _range(self, bounds: Bounds) -> None:
        left, right, bottom, top = bounds
        least = 1e-12 * max(1.0, *map(abs, bounds))
        if all(map(math.isfinite, bounds)) and min(right - left, top - bottom) > least:
            if max(map(abs, bounds)) < 1e12:
                self.set_bounds(bounds)
                self.ranged.emit(bounds)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1),
            Qt.Key.Key_Up: (0, 1),
        }  # fmt: skip
        key = Qt.Key(event.key())
        left, right, bottom, top = self.bounds
        if key in moves:
            across, up = moves[key][0] * (right - left) / 8, moves[key][1] * (top - bottom) / 8
            self._range((left + across, right + across, bottom + up, top + up))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(2**-0.5)
        elif key == Qt.Key.Key_Minus:
            self.zoom(2**0.5)
        elif key == Qt.Key.Key_Escape and self.pin is not None:
            self.set_pin(None)
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(None)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, tokens = self.box, theme.current()
        painter.fillRect(self.rect(), ground())
        painter.fillRect(box, QBrush(tokens.hairline, Qt.BrushStyle.BDiagPattern))
        painter.save()
        painter.setClipRect(box)
        if self.relief is not None:
            painter.drawPixmap(box.topLeft(), self._drawn(self.relief, box))
            self._field(painter)
        self._ways(painter)
        self._points(painter)
        painter.restore()
        self._frame(painter, box)
        self._legend(painter, box)

    def _drawn(self, relief: Relief, box: QRectF) -> QPixmap:
        """Bands and lines of the range, kept until something of it changes."""
        ratio, inks = self.devicePixelRatioF(), (ground().name(), theme.current().value.name())
        key = (id(relief), self.bounds, box.size().toTuple(), ratio, inks)
        if self._picture is None or self._picture[0] != key:
            here = self.spot(*self.here) - box.topLeft() if self.here is not None else None
            self._picture = key, picture(relief, self.bounds, box.size(), ratio, here)
        return self._picture[1]

    def _field(self, painter: QPainter) -> None:
        """Arrows down the slope, all of them shorter than a cell; the longest is the steepest."""
        if self.slopes is None or self.relief is None or len(self.slopes) != FIELD * FIELD:
            return
        across, up = grid_places(self.relief.bounds, FIELD)
        box = self.box
        left, right, bottom, top = self.bounds
        pixels = np.array((box.width() / (right - left), box.height() / (top - bottom)))
        ways = self.slopes * pixels * (-1, 1)  # downhill; rows of the screen run down
        lengths = np.hypot(*ways.T)
        good = np.isfinite(lengths) & (lengths > 0)
        if not good.any():
            return
        cell = 0.85 * float(np.min(pixels * (across[1] - across[0], up[1] - up[0])))
        strong = np.sqrt(lengths / lengths[good].max()) * cell
        tokens = theme.current()
        painter.setPen(QPen(tokens.gradient, 1.2))
        painter.setBrush(tokens.gradient)
        for number in np.flatnonzero(good).tolist():
            row, column = divmod(number, FIELD)
            start = self.spot(float(across[column]), float(up[row]))
            way = ways[number] / lengths[number]
            end = start + QPointF(*(way * strong[number]).tolist())
            painter.drawLine(start, end)
            side = np.array((-way[1], way[0]))
            head = min(4.0, float(strong[number]) * 0.5)
            painter.drawPolygon(
                QPolygonF(
                    [
                        end,
                        *(
                            end - QPointF(*((way * 1.4 + s * side * 0.7) * head).tolist())
                            for s in (1, -1)
                        ),
                    ]
                )
            )

    def _ways(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        tokens = theme.current()
        halo = QColor(ground() if tokens.is_dark else theme.blend(ground(), tokens.text, 0.6))
        for way in self.ways:
            spots = [self.spot(*p) for p in way.places.tolist()]
            line = QPolygonF(spots)
            for colour, width in ((halo, 4.0), (way.colour, 2.2 if way.bold else 1.6)):
                pen = QPen(colour, width)
                pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.drawPolyline(line)
        for way in self.ways:
            ends = [self.spot(*p) for p in way.places[[0, -1]].tolist()] if len(way.places) else []
            for spot, full in zip(ends, (False, True), strict=False):
                painter.setPen(QPen(halo if full else way.colour, 1.8))
                painter.setBrush(way.colour if full else ground())
                painter.drawEllipse(spot, 4.0, 4.0)

    def _points(self, painter: QPainter) -> None:
        """Where the parameters are, the least loss of the grid, and the pin."""
        tokens = theme.current()
        least = self.relief.least if self.relief is not None else None
        if least is not None:
            spot = self.spot(*least)
            for colour, width in ((ground(), 3.6), (tokens.text, 1.6)):
                painter.setPen(QPen(colour, width))
                painter.drawLine(spot + QPointF(-4, 0), spot + QPointF(4, 0))
                painter.drawLine(spot + QPointF(0, -4), spot + QPointF(0, 4))
        if self.here is not None:
            painter.setPen(QPen(ground(), 1.8))
            painter.setBrush(tokens.accent)
            painter.drawEllipse(self.spot(*self.here), 5.0, 5.0)
        if self.pin is not None:
            spot = self.spot(*self.pin)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((ground(), 4.0), (tokens.accent, 2.0)):
                painter.setPen(QPen(colour, width))
                painter.drawEllipse(spot, 6.0, 6.0)

    def _frame(self, painter: QPainter, box: QRectF) -> None:
        tokens = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(tokens.hairline, 1))
        painter.drawRect(box)
        painter.setFont(theme.number_font(10))
        painter.setPen(tokens.muted)
        right, centre = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
        middle = Qt.AlignmentFlag.AlignVCenter
        for mark, text in self._marks(1):
            y = self.spot(0, mark).y()
            painter.drawText(QRectF(0, y - 7, box.left() - 5, 14), right | middle, text)
        title = QFontMetrics(theme.ui_font(10)).horizontalAdvance(self.titles[0])
        for mark, text in self._marks(0):
            x = self.spot(mark, 0).x()
            wide = painter.fontMetrics().horizontalAdvance(text)
            if x + wide / 2 < box.right() - title - 8:
                label = QRectF(x - 40, box.bottom() + 4, 80, 14)
                painter.drawText(label, centre | middle, text)
        painter.setFont(theme.ui_font(10))
        painter.setPen(tokens.text)
        painter.drawText(
            QRectF(box.left(), box.bottom() + 4, box.width(), 14), right | middle, self.titles[0]
        )
        painter.drawText(QRectF(box.left(), 1, box.width(), 15), middle, self.titles[1])

    def _legend(self, painter: QPainter, box: QRectF) -> None:
        """Names of the ways, when there are several: at most a third of the picture, those in front first."""
        painter.setFont(theme.ui_font(10))
        metrics, room = painter.fontMetrics(), int(box.height() / 2.5 - 6) // 15
        if len(self.ways) < 2 or box.width() < 160 or room < 2:
            return
        names = [(way.name, way.colour) for way in reversed(self.ways)]
        if len(names) > room:
            more = tr("{count} more").format(count=len(names) - room + 1)
            names = [*names[: room - 1], (more, QColor(Qt.GlobalColor.transparent))]
        words = [
            metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(box.width() * 0.4) - 30)
            for name, _ in names
        ]
        wide = max(map(metrics.horizontalAdvance, words)) + 30
        back = QColor(ground())
        back.setAlphaF(0.8)
        card = QRectF(box.right() - wide - 5, box.top() + 5, wide, 15 * len(words) + 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(back)
        painter.drawRoundedRect(card, 4, 4)
        for row, (text, (_, colour)) in enumerate(zip(words, names, strict=True)):
            y = card.top() + 10.5 + 15 * row
            painter.setPen(QPen(colour, 2))
            painter.drawLine(QPointF(card.left() + 6, y), QPointF(card.left() + 18, y))
            painter.setPen(theme.current().text)
            line = QRectF(card.left() + 23, y - 7, wide - 24, 14)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
