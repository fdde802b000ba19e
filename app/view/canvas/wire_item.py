"""A wire on the canvas: a curve from an output to a port, its value above and gradient below."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainterPath

from app.view.theme import number_font
from engine.graph import Port

FLAT = 8.0
"""A wire that rises or falls by less is flat."""
LINE = 12.0
WIDEST = 104.0
"""A label is narrower."""

Label = tuple[str, QRectF, bool]


class Host(Protocol):
    """What a wire asks of the board."""

    def touch(self, area: QRectF, /) -> None: ...

    def freshen_wire(self, wire: WireItem) -> None: ...


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


class WireItem:
    """Runs between two places it is given; knows the ids of its ends and no nodes.

    It is no item of the scene: the board finds it by its box, and a layer paints all wires at once.
    `stale` says that the face may be another one by now, as a node's.
    """

    def __init__(self, key: Port, source: str, board: Host) -> None:
        self.key = key
        self.source = source
        self.shown = WireFace()
        self.stale = False
        self.dim = False
        self._board = board
        self._visible = True
        self._start = self._end = QPointF()
        self._fans_out = False
        self._box = QRectF()
        self._path: QPainterPath | None = None
        self._line: QLineF | None = None
        self._labels: list[Label] | None = None

    @property
    def face(self) -> WireFace:
        if self.stale:
            self._board.freshen_wire(self)
        return self.shown

    @property
    def path(self) -> QPainterPath:
        if self._path is None:
            self._path = curve(self._start, self._end)
        return self._path

    @property
    def line(self) -> QLineF:
        """The wire as it is seen from afar."""
        if self._line is None:
            self._line = QLineF(self._start, self._end)
        return self._line

    @property
    def ends(self) -> tuple[QPointF, QPointF]:
        return self._start, self._end

    @property
    def box(self) -> QRectF:
        """What the curve and its labels stay inside of."""
        return self._box

    def set_ends(self, start: QPointF, end: QPointF, fans_out: bool) -> bool:
        """Runs from an output to a port; `fans_out` when the source feeds other ports as well.

        Returns whether that is news.
        """
        if (start, end, fans_out) == (self._start, self._end, self._fans_out) and self._box:
            return False
        self.repaint()
        self._start, self._end, self._fans_out = start, end, fans_out
        self._path = self._line = self._labels = None
        self._box = _box(start, end)
        self.repaint()
        return True

    def set_face(self, face: WireFace) -> None:
        self.stale = False
        if face != self.shown:
            if (face.value, face.gradient) != (self.shown.value, self.shown.gradient):
                self._labels = None
            self.shown = face
            self.repaint()

    def setVisible(self, visible: bool) -> None:
        self._visible = visible
        self.repaint()

    def isVisible(self) -> bool:
        return self._visible

    def repaint(self) -> None:
        """What is painted where the wire is, is painted anew."""
        if self._box:
            self._board.touch(self._box)

    def points(self) -> list[tuple[float, float]]:
        """Places along the curve, from its source."""
        return points(self._start, self._end)

    def is_near(self, place: QPointF, reach: float) -> bool:
        """Whether a scene place is within `reach` of the curve."""
        if not self._box.adjusted(-reach, -reach, reach, reach).contains(place):
            return False
        x, y = place.x(), place.y()
        return any(
            _from_segment(x, y, one, other) <= reach for one, other in pairwise(self.points())
        )

    # ------------------------------------------------------------ labels

    def labels(self) -> list[Label]:
        """Texts with the corner of their boxes, clear of the curve: the value above the gradient.

        A flat wire has one on each side. On a slope both stand at the outer side, away from the
        other wires of a source that feeds several nodes, or of a node that reads several.
        """
        face = self.face
        if self._labels is None:
            self._labels = self._placed(face)
        return self._labels

    def _placed(self, face: WireFace) -> list[Label]:
        texts = [(t, above) for t, above in ((face.value, True), (face.gradient, False)) if t]
        if not texts:
            return []
        width = max(_text_width(t) for t, _ in texts) + 2
        gap = self._end.x() - self._start.x()
        if 0 < gap < width:
            return []  # there is no room between the nodes, which show the numbers themselves
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
        if 0 < gap < width + 14:
            left = middle - width / 2  # neither of the two nodes lies over it
        top = self._clear_of(left, width, over)
        if over:
            top -= LINE * (len(texts) - 1)
        return [
            (t, QRectF(left, top + i * LINE, width, LINE), above)
            for i, (t, above) in enumerate(texts)
        ]

    def _clear_of(self, left: float, width: float, above: bool) -> float:
        """The top of a line of text from `left`, just above or just below the curve."""
        near = [y for x, y in self.points() if left - 6 <= x <= left + width + 6]
        near = near or [(self._start.y() + self._end.y()) / 2]
        return min(near) - LINE - 2 if above else max(near) + 3


def _box(start: QPointF, end: QPointF) -> QRectF:
    """Room for the curve and for labels as wide as they come, which stand over a short wire's ends."""
    reach = _reach(start, end)
    left = min(start.x(), end.x() - reach)
    right = max(end.x(), start.x() + reach)
    aside = 8 + max(0.0, WIDEST - abs(end.x() - start.x()))
    top, bottom = sorted((start.y(), end.y()))
    return QRectF(left - aside, top - 30, right - left + 2 * aside, bottom - top + 60)


@lru_cache(maxsize=4096)
def _text_width(text: str) -> float:
    return QFontMetricsF(number_font(10, 600)).horizontalAdvance(text)


def _from_segment(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    """The distance of a place from a straight piece."""
    across, down = b[0] - a[0], b[1] - a[1]
    length = across * across + down * down
    share = ((x - a[0]) * across + (y - a[1]) * down) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return float(((x - a[0] - share * across) ** 2 + (y - a[1] - share * down) ** 2) ** 0.5)
