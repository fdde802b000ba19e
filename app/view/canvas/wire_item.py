"""A wire on the canvas: a curve from an output to a port, its value above and gradient below."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.view.canvas.drawing import arrow_head
from app.view.canvas.face import PORT_RADIUS
from app.view.canvas.node_item import DIM
from app.view.theme import Theme, blend, number_font
from engine.graph import Port

LABELS_FROM = 0.6
"""Below this zoom wires have no labels."""
FLAT = 8.0
"""A wire that rises or falls by less is flat."""
LINE = 12.0


@dataclass(frozen=True, slots=True)
class WireFace:
    """What a wire shows. `step` is "forward" or "backward" while a number travels on it."""

    value: str = ""
    gradient: str = ""
    step: str = ""
    hovered: bool = False


def _reach(start: QPointF, end: QPointF) -> float:
    """How far the curve's handles stand out; a wire that runs back to the left swings wider."""
    if end.x() < start.x() + 40:
        return max(40.0, min(160.0, (start.x() + 80 - end.x()) / 2))
    return (end.x() - start.x()) / 2


def curve(start: QPointF, end: QPointF) -> QPainterPath:
    """The path of a wire, one cubic."""
    reach = QPointF(_reach(start, end), 0)
    path = QPainterPath(start)
    path.cubicTo(start + reach, end - reach, end)
    return path


def points(start: QPointF, end: QPointF, count: int = 24) -> list[tuple[float, float]]:
    """Places on the wire; in plain numbers, which is 20 times cheaper than asking the path."""
    reach = _reach(start, end)
    x0, y0, x3, y3 = start.x(), start.y(), end.x(), end.y()
    x1, x2 = x0 + reach, x3 - reach
    found = []
    for i in range(count + 1):
        t = i / count
        s = 1 - t
        a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
        found.append((a * x0 + b * x1 + c * x2 + d * x3, (a + b) * y0 + (c + d) * y3))
    return found


class WireItem(QGraphicsItem):
    """Drawn between two places it is given; knows the ids of its ends and no items."""

    def __init__(self, key: Port, source: str, theme: Theme) -> None:
        super().__init__()
        self.key = key
        self.source = source
        self.theme = theme
        self.face = WireFace()
        self.thin = False
        self.dim = False
        self._start = self._end = QPointF()
        self._fans_out = False
        self._path = QPainterPath()
        self._bounds = QRectF()
        self._labels: tuple[tuple[str, QRectF, bool], ...] = ()
        self.setZValue(1)

    @property
    def path(self) -> QPainterPath:
        return self._path

    def set_ends(self, start: QPointF, end: QPointF, fans_out: bool) -> None:
        """Runs from an output to a port; `fans_out` when the source feeds other ports as well."""
        if (start, end, fans_out) != (self._start, self._end, self._fans_out) or (
            self._path.isEmpty()
        ):
            self._start, self._end, self._fans_out = start, end, fans_out
            self._path = curve(start, end)
            self._settle()

    def set_face(self, face: WireFace) -> None:
        if face != self.face:
            texts_changed = (face.value, face.gradient) != (self.face.value, self.face.gradient)
            self.face = face
            self.setZValue(1.5 if face.step or face.hovered else 1)
            if texts_changed:
                self._settle()
            else:
                self.update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def is_near(self, place: QPointF, reach: float) -> bool:
        """Whether a scene place is within `reach` of the curve."""
        if not self._bounds.adjusted(-reach, -reach, reach, reach).contains(place):
            return False
        x, y = place.x(), place.y()
        return any(
            _from_segment(x, y, one, other) <= reach
            for one, other in pairwise(points(self._start, self._end))
        )

    def _settle(self) -> None:
        self.prepareGeometryChange()
        self._labels = tuple(self._placed())
        bounds = self._path.controlPointRect().adjusted(-8, -8, 8, 8)
        for _, box, _ in self._labels:
            bounds = bounds.united(box)
        self._bounds = bounds
        self.update()

    def _placed(self) -> list[tuple[str, QRectF, bool]]:
        """Texts with their boxes, clear of the curve: the value above the gradient.

        A flat wire has one on each side. On a slope both stand at the outer side, away from the
        other wires of a source that feeds several nodes, or of a node that reads several.
        """
        texts = [
            (t, above) for t, above in ((self.face.value, True), (self.face.gradient, False)) if t
        ]
        if not texts:
            return []
        metrics = QFontMetricsF(number_font(10, 600))
        width = max(metrics.horizontalAdvance(t) for t, _ in texts) + 2
        middle = (self._start.x() + self._end.x()) / 2
        slope = self._end.y() - self._start.y()
        if abs(slope) <= FLAT:
            left = middle - width / 2
            return [
                (t, QRectF(left, self._clear_of(left, width, above), width, LINE), above)
                for t, above in texts
            ]
        over = (slope < 0) == self._fans_out
        if self._fans_out:
            left = max(middle - 3 - width, self._start.x() + 7)
        else:
            left = min(middle + 3, self._end.x() - 7 - width)
        top = self._clear_of(left, width, over)
        if over:
            top -= LINE * (len(texts) - 1)
        return [
            (t, QRectF(left, top + i * LINE, width, LINE), above)
            for i, (t, above) in enumerate(texts)
        ]

    def _clear_of(self, left: float, width: float, above: bool) -> float:
        """The top of a line of text from `left`, just above or just below the curve."""
        near = [y for x, y in points(self._start, self._end) if left - 6 <= x <= left + width + 6]
        near = near or [(self._start.y() + self._end.y()) / 2]
        return min(near) - LINE - 2 if above else max(near) + 3

    # ------------------------------------------------------------ QGraphicsItem

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        zoom = painter.worldTransform().m11()
        theme, step = self.theme, self.face.step
        travelling = theme.value if step == "forward" else theme.gradient
        colour = travelling if step else theme.wire
        if self.face.hovered and not step:
            colour = blend(theme.wire, theme.text, 0.5)
        if self.dim:
            painter.setOpacity(painter.opacity() * DIM)
        if self.thin or zoom < LABELS_FROM:
            pen = QPen(colour, 2 if step else 1)
            pen.setCosmetic(True)
        else:
            pen = QPen(colour, 2.4 if step else 1.6 if self.face.hovered else 1.3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, zoom >= 0.2 or bool(step))
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._path)
        if step:
            self._arrow(painter, travelling)
        if zoom >= LABELS_FROM:
            self._texts(painter, bool(step))

    def _arrow(self, painter: QPainter, colour: QColor) -> None:
        forward = self.face.step == "forward"
        tip = self._end if forward else self._start
        gap = QPointF(PORT_RADIUS + 1, 0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPath(arrow_head(tip - gap, 0) if forward else arrow_head(tip + gap, 180))

    def _texts(self, painter: QPainter, bold: bool) -> None:
        for text, box, above in self._labels:
            painter.setFont(number_font(10, 600 if bold else 400))
            painter.setPen(self.theme.value if above else self.theme.gradient)
            painter.drawText(
                box,
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip,
                text,
            )


def _from_segment(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    """The distance of a place from a straight piece."""
    across, down = b[0] - a[0], b[1] - a[1]
    length = across * across + down * down
    share = ((x - a[0]) * across + (y - a[1]) * down) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return float(((x - a[0] - share * across) ** 2 + (y - a[1] - share * down) ** 2) ** 0.5)
