"""A matrix as a surface in space, projected here: a drag turns it, the wheel brings it nearer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.text import tr
from app.view import theme
from app.view.viewers.kind import Shown, Sliced, ground
from app.view.viewers.numbers import Plane, Survey, plane, tick_text, ticks
from app.view.viewers.scale import ColourBar, Scale, beside
from engine.ops.row import Array

GRID = 40
"""So many points a side are drawn, evenly chosen."""
HEIGHT = 0.7
"""How high the box is, its longer side being 1."""
LIFT = 0.03
"""How much nearer than it is a line counts, so that the surface it lies on does not hide it."""
LIGHT = np.array((0.35, -0.45, 0.82))


@dataclass(frozen=True)
class Line:
    """A line in the box through points (m × 3), with a ring at its first and a disc at its last."""

    points: Array
    colour: QColor
    width: float = 1.8
    ends: bool = True


class Solid(Protocol):
    """What stands in the box: heights over a grid, and lines that run over them."""

    @property
    def stands(self) -> bool:
        """Whether there is anything to be seen."""
        ...

    @property
    def extent(self) -> tuple[float, float]:
        """Half the sides of the box, across and along."""
        ...

    def heights(self) -> Array: ...
    def in_box(self, heights: Array) -> Array:
        """The points of the box at which the heights are drawn: another axis of 3."""
        ...

    def shades(self, middle: Array) -> Array:
        """Red, green and blue of heights, unlit: another axis of 3."""
        ...

    def marks(self) -> list[tuple[float, str, bool]]:
        """Heights in the box with the numbers there, and whether a line is stronger."""
        ...

    def edges(self) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
        """First, name and last along the right (from the left) and away from the viewer."""
        ...

    def lines(self) -> list[Line]: ...


class Space(QWidget):
    """The surface in its box. Turned by `turn` degrees around the vertical, seen from `tilt` degrees
    above, `zoom` times as large as it fits."""

    def __init__(self, view: Solid) -> None:
        super().__init__()
        self._view = view
        self.turn, self.tilt, self.zoom = -52.0, 28.0, 1.0
        self._last: QPointF | None = None
        self.setMinimumSize(80, 48)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.texts: list[QRectF] = []
        self.setAccessibleName(tr("Surface"))
        self.setToolTip(tr("Drag to turn, turn the wheel to zoom, double-click to begin anew"))

    def project(self, points: Array) -> tuple[Array, Array]:
        """Points of the box (x, y, z in the last axis, around 0) to places on the screen and depths,
        the nearer the larger; parallel, so that equal heights stay equal."""
        a, b = math.radians(self.turn), math.radians(self.tilt)
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        across = x * math.cos(a) - y * math.sin(a)
        along = x * math.sin(a) + y * math.cos(a)
        up = z * math.cos(b) + along * math.sin(b)
        depth = z * math.sin(b) - along * math.cos(b)
        around = 2 * math.hypot(*self._view.extent)
        high = HEIGHT * math.cos(b) + around * abs(math.sin(b))
        scale = self.zoom * min((self.width() - 96) / around, (self.height() - 48) / high)
        places = np.stack([self.width() / 2 + across * scale, self.height() / 2 - up * scale], -1)
        return places, depth

    # ------------------------------------------------------------ mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._last = event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is None:
            return
        moved = event.position() - self._last
        self._last = event.position()
        self.turn = (self.turn - moved.x() * 0.5 + 180) % 360 - 180
        self.tilt = min(max(self.tilt + moved.y() * 0.5, -90.0), 90.0)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.turn, self.tilt, self.zoom = -52.0, 28.0, 1.0
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom = min(max(self.zoom * 2 ** (event.angleDelta().y() / 480), 0.3), 8.0)
        self.update()
        event.accept()

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        # While it turns it has to follow the hand.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._last is None)
        painter.fillRect(self.rect(), ground())
        view = self._view
        if not view.stands:
            return
        self._box(painter)
        self._surface(painter, view.heights())

    def _surface(self, painter: QPainter, heights: Array) -> None:
        """Quads and pieces of lines from the farthest to the nearest."""
        view, tokens = self._view, theme.current()
        points = view.in_box(heights)
        places, depth = self.project(points)
        corners = [(slice(None, -1), slice(None, -1)), (slice(None, -1), slice(1, None)),
                   (slice(1, None), slice(1, None)), (slice(1, None), slice(None, -1))]  # fmt: skip
        quads = np.stack([places[c] for c in corners], 2)
        far = np.mean([depth[c] for c in corners], axis=0)
        middle = np.mean([heights[c] for c in corners], axis=0)
        across = points[1:, 1:] - points[:-1, :-1]
        down = points[1:, :-1] - points[:-1, 1:]
        normal = np.cross(across, down)
        length = np.linalg.norm(normal, axis=-1)
        with np.errstate(all="ignore"):
            lit = np.abs(normal @ LIGHT) / np.where(length > 0, length, 1.0) / np.linalg.norm(LIGHT)
        shade = 0.62 + 0.38 * np.nan_to_num(lit)
        colours = np.nan_to_num(view.shades(middle) * shade[..., None])
        good = np.isfinite(quads).all(axis=(2, 3))
        pen = QPen(theme.blend(ground(), tokens.text, 0.2), 0.5)
        flat, flat_colours = (
            quads.reshape(-1, 4, 2),
            colours.reshape(-1, 3).clip(0, 255).astype(int),
        )
        lines = view.lines()
        pieces, near = self._pieces(lines)
        count = len(flat)
        every = np.concatenate([np.where(good, far, np.inf).reshape(-1), near])
        order = np.argsort(every, kind="stable")[: int(good.sum()) + len(near)]
        painter.setPen(pen)
        for i in order.tolist():
            if i >= count:
                (x0, y0), (x1, y1), line = pieces[i - count]
                width = QPen(line.colour, line.width)
                width.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(width)
                painter.drawLine(QPointF(x0, y0), QPointF(x1, y1))
                painter.setPen(pen)
                continue
            painter.setBrush(QColor(*flat_colours[i].tolist()))
            painter.drawConvexPolygon(QPolygonF([QPointF(x, y) for x, y in flat[i].tolist()]))
        self._ends(painter, lines)

    def _pieces(self, lines: list[Line]) -> tuple[list[Any], Array]:
        """The pieces of lines on the screen, and how near they are; they lie on the surface, so a
        piece counts as nearer than the quad it runs over."""
        pieces, near = [], []
        for line in lines:
            places, depth = self.project(line.points)
            good = np.asarray(np.isfinite(places).all(axis=1))
            for i in np.flatnonzero(good[:-1] & good[1:]).tolist():
                pieces.append((places[i].tolist(), places[i + 1].tolist(), line))
                near.append(float(max(depth[i], depth[i + 1])) + LIFT)
        return pieces, np.array(near)

    def _ends(self, painter: QPainter, lines: list[Line]) -> None:
        """Where lines begin and where they stand, in front of everything."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line in lines:
            if not (line.ends and len(line.points)):
                continue
            places, _ = self.project(line.points[[0, -1]])
            for place, full in zip(places.tolist(), (False, True), strict=True):
                if math.isfinite(place[0]) and math.isfinite(place[1]):
                    painter.setPen(QPen(line.colour if not full else ground(), 1.6))
                    painter.setBrush(line.colour if full else ground())
                    painter.drawEllipse(QPointF(*place), 4.0 if full else 3.2, 4.0 if full else 3.2)

    def _box(self, painter: QPainter) -> None:
        """Floor, two back walls with lines at round numbers, and what the axes are."""
        self.texts.clear()
        view, tokens = self._view, theme.current()
        a, b = view.extent
        painter.setFont(theme.number_font(10))
        sides = [(-a, -b), (a, -b), (a, b), (-a, b)]
        floor = -HEIGHT / 2 if self.tilt >= 0 else HEIGHT / 2
        corners = np.array([(*s, floor) for s in sides])
        places, depth = self.project(corners)
        hairline, muted = QPen(tokens.hairline, 1), tokens.muted
        painter.setPen(hairline)
        painter.drawPolygon(QPolygonF([QPointF(*p) for p in places.tolist()]))
        back = int(np.argmin(depth)) if self.tilt < 89 else 3
        for z, text, strong in view.marks():
            ring = np.array([(*sides[(back + k) % 4], z) for k in (-1, 0, 1)])
            line, _ = self.project(ring)
            painter.setPen(QPen(tokens.border if strong else tokens.hairline, 1))
            painter.drawPolyline(QPolygonF([QPointF(*p) for p in line.tolist()]))
            ends = sorted((line[0].tolist(), line[2].tolist()))
            painter.setPen(muted)
            half = painter.fontMetrics().horizontalAdvance(text) / 2 + 1
            self._write(painter, max(ends[0][0] - 8 - half, half + 2), ends[0][1] - 4, text)
        painter.setPen(hairline)
        for k in (-1, 0, 1):
            ends3 = np.array([(*sides[(back + k) % 4], z) for z in (-HEIGHT / 2, HEIGHT / 2)])
            post, _ = self.project(ends3)
            painter.drawLine(QPointF(*post[0].tolist()), QPointF(*post[1].tolist()))
        self._indices(painter, back, floor)

    def _indices(self, painter: QPainter, back: int, floor: float) -> None:
        """The first and the last number of both axes, along the two edges in front."""
        a, b = self._view.extent
        across, along = self._view.edges()
        near_y = -b if back in (2, 3) else b
        near_x = -a if back in (1, 2) else a
        centre = self.project(np.array((0.0, 0.0, floor)))[0]
        marks = [
            (np.array((-a, near_y, floor)), across[0]),
            (np.array((a, near_y, floor)), across[2]),
            (np.array((0.0, near_y, floor)), across[1]),
            (np.array((near_x, b, floor)), along[2]),
            (np.array((near_x, -b, floor)), along[0]),
            (np.array((near_x, 0.0, floor)), along[1]),
        ]
        painter.setPen(theme.current().muted)
        for number, (point, text) in enumerate(marks):
            place = self.project(point)[0]
            outward = (
                place
                - self.project(
                    np.array((0.0, point[1], floor) if number >= 3 else (point[0], 0.0, floor))
                )[0]
            )
            length = float(np.hypot(*outward)) or 1.0
            away = outward / length * (12 if number % 3 != 2 else 14)
            spot = place + away + (0, 7)
            if float(np.hypot(*(place - centre))) < 1:
                continue
            painter.setFont(theme.ui_font(10) if number % 3 == 2 else theme.number_font(10))
            self._write(painter, spot[0], spot[1], text)

    def _write(self, painter: QPainter, x: float, y: float, text: str) -> None:
        """A text around a place, where none stands yet."""
        wide = painter.fontMetrics().horizontalAdvance(text) + 2
        box = QRectF(x - wide / 2, y - 6, wide, 12)
        if not any(box.intersects(other) for other in self.texts):
            self.texts.append(box)
            painter.drawText(box.adjusted(-2, -1, 2, 1), Qt.AlignmentFlag.AlignCenter, text)


class SurfaceView(Sliced):
    name = "surface"
    title = "Surface"

    def __init__(self) -> None:
        super().__init__()
        self.found: Plane = plane(np.zeros((0, 0)))
        self.scale: Scale | None = None
        self.reach: tuple[float, float] = (0.0, 1.0)
        self.space = Space(self)
        self.bar = ColourBar()
        self.column.addWidget(beside(self.space, self.bar), 1)
        self.finish()

    @classmethod
    def fit(cls, array: Array) -> float:
        fits = array.ndim >= 2 and min(array.shape[-2:]) >= 3 and array.size > 0
        return 7 if fits else 0

    def display(self, shown: Shown) -> None:
        self.found = self.plane(shown.array)
        numbers = self.found.numbers
        survey = Survey.of(numbers)
        reach = survey.reach
        self.reach = reach if reach is not None and reach[0] < reach[1] else (-1.0, 1.0)
        if reach is not None and reach[0] == reach[1]:
            self.reach = reach[0] - 0.5, reach[0] + 0.5
        self.scale = Scale.diverging(*self.reach, shown.of)
        self.bar.show_scale(self.scale)
        self.space.update()
        told = [" × ".join(map(str, numbers.shape))]
        if max(numbers.shape) > GRID:
            shape = self.heights().shape
            told.append(tr("{rows} × {columns} are drawn").format(rows=shape[0], columns=shape[1]))
        told += [survey.words] if survey.words else []
        self.foot.setText("   ".join(told))

    def heights(self) -> Array:
        """The numbers that are drawn; what is not finite is a hole."""
        numbers = self.found.numbers
        rows, columns = (
            np.linspace(0, n - 1, min(n, GRID)).round().astype(np.intp) for n in numbers.shape
        )
        picked = numbers[np.ix_(rows, columns)].astype(np.float64)
        return np.where(np.isfinite(picked), picked, np.nan)

    @property
    def extent(self) -> tuple[float, float]:
        """Half the sides of the box across and along; a long matrix stays half as wide as it is long."""
        rows, columns = self.found.numbers.shape
        longest = max(rows, columns, 1)
        return max(columns / longest, 0.5) / 2, max(rows / longest, 0.5) / 2

    def in_box(self, heights: Array) -> Array:
        """Rows run towards the viewer, columns to the right, numbers up."""
        a, b = self.extent
        low, high = self.reach
        rows, columns = heights.shape
        x = np.broadcast_to(np.linspace(-a, a, columns)[None, :], heights.shape)
        y = np.broadcast_to(np.linspace(b, -b, rows)[:, None], heights.shape)
        z = (heights / 2 - low / 2) / (high / 2 - low / 2) * HEIGHT - HEIGHT / 2
        return np.stack([x, y, z], -1)

    @property
    def stands(self) -> bool:
        return self.scale is not None

    def shades(self, middle: Array) -> Array:
        scale, tokens = self.scale, theme.current()
        assert scale is not None
        # What is near 0 is grey and not the ground's colour, or the mesh would not be seen there.
        ends = scale.table[[0, -2], :3].astype(np.float64)
        neutral = theme.blend(ground(), tokens.muted, 0.5)
        least = np.array((neutral.red(), neutral.green(), neutral.blue()), np.float64)
        strength = np.abs(middle / scale.end)[..., None].clip(0, 1) ** 0.7
        inked = np.where(middle[..., None] < 0, ends[0], ends[1])
        return np.asarray(least + (inked - least) * strength)

    def marks(self) -> list[tuple[float, str, bool]]:
        low, high = self.reach
        found = ticks(low, high, 4)
        spacing = float(found[1] - found[0]) if len(found) > 1 else high - low
        share = HEIGHT / ((high - low) or 1.0)
        return [
            ((mark - low) * share - HEIGHT / 2, tick_text(mark, spacing), mark == 0)
            for mark in found
        ]

    def lines(self) -> list[Line]:
        return []

    def edges(self) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
        rows, columns = self.found.numbers.shape
        down, across = self.axis_names()
        return ("0", across, str(columns - 1)), (str(rows - 1), down, "0")

    def axis_names(self) -> tuple[str, str]:
        """What runs along the box and across it."""
        if self.shown is None or self.shown.array.ndim == 2:
            return tr("rows"), tr("columns")
        axis = tr("axis {axis}")
        return axis.format(axis=self.found.rows), axis.format(axis=self.found.columns)
