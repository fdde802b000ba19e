"""A matrix as a surface in space, projected here: a drag turns it, the wheel brings it nearer."""

from __future__ import annotations

import math

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
LIGHT = np.array((0.35, -0.45, 0.82))


class Space(QWidget):
    """The surface in its box. Turned by `turn` degrees around the vertical, seen from `tilt` degrees
    above, `zoom` times as large as it fits."""

    def __init__(self, view: SurfaceView) -> None:
        super().__init__()
        self._view = view
        self.turn, self.tilt, self.zoom = -52.0, 28.0, 1.0
        self._last: QPointF | None = None
        self.setMinimumSize(80, 48)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
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
        scale = self.zoom * min((self.width() - 96) / 1.36, (self.height() - 36) / 1.16)
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
        if view.scale is None:
            return
        self._box(painter)
        self._surface(painter, view.heights(), view.scale)

    def _surface(self, painter: QPainter, heights: Array, scale: Scale) -> None:
        """Quads from the farthest to the nearest."""
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
        # What is near 0 is grey and not the ground's colour, or the mesh would not be seen there.
        ends = scale.table[[0, -2], :3].astype(np.float64)
        neutral = theme.blend(ground(), tokens.muted, 0.5)
        least = np.array((neutral.red(), neutral.green(), neutral.blue()), np.float64)
        strength = np.abs(middle / scale.end)[..., None].clip(0, 1) ** 0.7
        inked = np.where(middle[..., None] < 0, ends[0], ends[1])
        colours = np.nan_to_num((least + (inked - least) * strength) * shade[..., None])
        good = np.isfinite(quads).all(axis=(2, 3))
        order = np.argsort(np.where(good, far, np.inf), axis=None)[: int(good.sum())]
        pen = QPen(theme.blend(ground(), tokens.text, 0.2), 0.5)
        flat, flat_colours = (
            quads.reshape(-1, 4, 2),
            colours.reshape(-1, 3).clip(0, 255).astype(int),
        )
        painter.setPen(pen)
        for i in order.tolist():
            painter.setBrush(QColor(*flat_colours[i].tolist()))
            painter.drawConvexPolygon(QPolygonF([QPointF(x, y) for x, y in flat[i].tolist()]))

    def _box(self, painter: QPainter) -> None:
        """Floor, two back walls with lines at round numbers, and what the axes are."""
        view, tokens = self._view, theme.current()
        a, b = view.extent
        low, high = view.reach
        painter.setFont(theme.number_font(10))
        sides = [(-a, -b), (a, -b), (a, b), (-a, b)]
        floor = -HEIGHT / 2 if self.tilt >= 0 else HEIGHT / 2
        corners = np.array([(*s, floor) for s in sides])
        places, depth = self.project(corners)
        hairline, muted = QPen(tokens.hairline, 1), tokens.muted
        painter.setPen(hairline)
        painter.drawPolygon(QPolygonF([QPointF(*p) for p in places.tolist()]))
        back = int(np.argmin(depth)) if self.tilt < 89 else 3
        marks = ticks(low, high, 4)
        spacing = float(marks[1] - marks[0]) if len(marks) > 1 else high - low
        for mark in marks:
            z = (mark - low) / ((high - low) or 1.0) * HEIGHT - HEIGHT / 2
            ring = np.array([(*sides[(back + k) % 4], z) for k in (-1, 0, 1)])
            line, _ = self.project(ring)
            painter.setPen(QPen(tokens.border if mark == 0 else tokens.hairline, 1))
            painter.drawPolyline(QPolygonF([QPointF(*p) for p in line.tolist()]))
            ends = sorted((line[0].tolist(), line[2].tolist()))
            painter.setPen(muted)
            text = tick_text(float(mark), spacing)
            wide = painter.fontMetrics().horizontalAdvance(text) + 2
            box = QRectF(max(ends[0][0] - 8 - wide, 2.0), ends[0][1] - 11, wide, 14)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(hairline)
        for k in (-1, 0, 1):
            ends3 = np.array([(*sides[(back + k) % 4], z) for z in (-HEIGHT / 2, HEIGHT / 2)])
            post, _ = self.project(ends3)
            painter.drawLine(QPointF(*post[0].tolist()), QPointF(*post[1].tolist()))
        self._indices(painter, back, floor)

    def _indices(self, painter: QPainter, back: int, floor: float) -> None:
        """The first and the last index of both axes, along the two edges in front."""
        a, b = self._view.extent
        rows, columns = self._view.found.numbers.shape
        near_y = -b if back in (2, 3) else b
        near_x = -a if back in (1, 2) else a
        centre = self.project(np.array((0.0, 0.0, floor)))[0]
        names = self._view.axis_names()
        marks = [
            (np.array((-a, near_y, floor)), "0"),
            (np.array((a, near_y, floor)), str(columns - 1)),
            (np.array((0.0, near_y, floor)), names[1]),
            (np.array((near_x, b, floor)), "0"),
            (np.array((near_x, -b, floor)), str(rows - 1)),
            (np.array((near_x, 0.0, floor)), names[0]),
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
            box = QRectF(spot[0] - 40, spot[1] - 7, 80, 14)
            painter.setFont(theme.ui_font(10) if number % 3 == 2 else theme.number_font(10))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


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

    def axis_names(self) -> tuple[str, str]:
        """What runs along the box and across it."""
        if self.shown is None or self.shown.array.ndim == 2:
            return tr("rows"), tr("columns")
        axis = tr("axis {axis}")
        return axis.format(axis=self.found.rows), axis.format(axis=self.found.columns)
