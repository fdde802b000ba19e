"""What a data source holds as a picture: points of the plane, a curve, small pictures, or columns."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.text import tr
from app.view import theme
from app.view.viewers.kind import series_colours
from app.view.viewers.scale import as_image
from engine.data import Column, Preview
from engine.ops.row import Array

HEIGHT = 176
MOST_POINTS = 3000
NEAR = 9.0
"""Pixels within which a point is meant."""
LINE = 20
_MARGIN = 12.0
_REACH, _EDGE = 6.5, 1e-3
"""How far from 0 there is room to draw at least, and how exactly a point is drawn."""


class DataPicture(QWidget):
    """Draws a preview. While `drawing`, a click puts a point (`drawn` carries its features and its class or
    height) and a right click takes one away (`erased` carries its row)."""

    drawn = Signal(object)
    erased = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.preview: Preview | None = None
        self.points: Array = np.zeros((0, 2))
        self.colours: Array = np.zeros(0, np.int64)
        self.plane = self.square = False
        self.drawing = False
        self.chosen_class = 0
        self.bounds = (-6.0, 6.0, -6.0, 6.0)
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName(tr("What the data hold"))

    def sizeHint(self) -> QSize:
        return QSize(300, HEIGHT)

    def show_preview(self, preview: Preview | None, drawing: bool = False) -> None:
        self.preview, self.drawing = preview, drawing
        self._read_points()
        self.setCursor(Qt.CursorShape.CrossCursor if drawing else Qt.CursorShape.ArrowCursor)
        self.setToolTip(
            tr("Click to add a point of the class chosen below; a right click takes one away")
            if drawing else ""
        )  # fmt: skip
        self.update()

    # ------------------------------------------------------------ points

    def _read_points(self) -> None:
        """Rows as points: two features in the plane coloured by class, or one feature and a quantity."""
        self.points, self.colours, self.plane = (
            np.zeros((0, 2)),
            np.zeros(0, np.int64),
            self.drawing,
        )
        table = self.preview.table if self.preview is not None else None
        if table is None or "x" not in table.fields:
            return
        x, y = np.asarray(table.fields["x"], float), table.fields.get("y")
        x = x.reshape(len(x), -1)
        if x.shape[1] == 2:
            self.points = x
            if y is not None and y.dtype.kind in "iu" and y.ndim == 1:
                self.colours = y.astype(np.int64)
            elif y is not None and y.size == len(x):
                self.colours = (np.asarray(y, float).ravel() > 0).astype(np.int64)
        elif x.shape[1] == 1 and y is not None and y.size == len(x):
            self.points = np.stack([x[:, 0], np.asarray(y, float).ravel()], axis=1)
        else:
            self.plane = False
            return
        self.plane = True
        if len(self.colours) != len(self.points):
            self.colours = np.zeros(len(self.points), np.int64)
        seen = self.points[np.isfinite(self.points).all(axis=1)]
        low, high = (seen.min(0), seen.max(0)) if len(seen) else (np.full(2, -6.0), np.full(2, 6.0))
        room = np.where(high > low, (high - low) * 0.05, 0.5)
        (left, bottom), (right, top) = low - room, high + room
        self.bounds = float(left), float(right), float(bottom), float(top)
        self.square = x.shape[1] == 2

    def _whole(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)

    def _seen(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of what is seen: to draw on, all that there is room for around 0."""
        if not (self.drawing and self.square):
            return self.bounds
        room = self._whole()
        half = np.array([room.width(), room.height()]) / 2
        known = self.points[np.isfinite(self.points).all(axis=1)]
        reach = (
            np.abs(known).max(axis=0, initial=0.0) - _EDGE
        )  # what is drawn at the edge stays there
        unit = max(_REACH / float(half.min()), *(reach / half).tolist())
        x, y = (unit * half).tolist()
        return -x, x, -y, y

    def _frame(self) -> QRectF:
        """Where the picture is; two features are drawn to one scale."""
        frame = self._whole()
        if not self.plane or not self.square:
            return frame
        left, right, bottom, top = self._seen()
        scale = min(frame.width() / (right - left), frame.height() / (top - bottom))
        fitted = QRectF(0, 0, scale * (right - left), scale * (top - bottom))
        fitted.moveCenter(frame.center())
        return fitted

    def place_of(self, point: Array) -> QPointF:
        """Where a point of the data is drawn."""
        left, right, bottom, top = self._seen()
        frame = self._frame()
        return QPointF(
            frame.left() + frame.width() * (float(point[0]) - left) / (right - left),
            frame.bottom() - frame.height() * (float(point[1]) - bottom) / (top - bottom),
        )

    def _data_at(self, place: QPointF) -> tuple[float, float]:
        left, right, bottom, top = self._seen()
        frame = self._frame()
        x = left + (right - left) * (place.x() - frame.left()) / frame.width()
        y = bottom + (top - bottom) * (frame.bottom() - place.y()) / frame.height()
        return round(x, 3), round(y, 3)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.drawing:
            super().mousePressEvent(event)
            return
        place = event.position()
        if event.button() is Qt.MouseButton.LeftButton and self._frame().contains(place):
            self.drawn.emit((*self._data_at(place), self.chosen_class))
        elif event.button() is Qt.MouseButton.RightButton:
            near = [
                (math.hypot(at.x() - place.x(), at.y() - place.y()), i)
                for i, at in enumerate(self.place_of(p) for p in self.points)
            ]
            if near and min(near)[0] <= NEAR:
                self.erased.emit(min(near)[1])

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = theme.current()
        ground = tokens.canvas if tokens.is_dark else tokens.background
        painter.setPen(QPen(tokens.hairline, 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        found = self.preview
        if self.plane:
            self._paint_points(painter)
        elif found is not None and found.pictures is not None and len(found.pictures):
            self._paint_pictures(painter, found.pictures)
        elif found is not None and found.columns:
            self._paint_columns(painter, found.columns)

    def _paint_points(self, painter: QPainter) -> None:
        tokens, frame = theme.current(), self._frame()
        painter.setPen(QPen(tokens.hairline, 1))
        left, right, bottom, top = self._seen()
        if left < 0 < right:
            at = self.place_of(np.array([0.0, bottom])).x()
            painter.drawLine(QPointF(at, frame.top()), QPointF(at, frame.bottom()))
        if bottom < 0 < top:
            at = self.place_of(np.array([left, 0.0])).y()
            painter.drawLine(QPointF(frame.left(), at), QPointF(frame.right(), at))
        if self.drawing:
            self._paint_ends(painter, frame)
        inks = series_colours()
        every = max(1, -(-len(self.points) // MOST_POINTS))
        painter.setPen(Qt.PenStyle.NoPen)
        size = 2.6 if len(self.points) > 400 else 3.6
        for point, colour in zip(self.points[::every], self.colours[::every], strict=True):
            if np.isfinite(point).all():
                painter.setBrush(inks[int(colour) % len(inks)])
                painter.drawEllipse(self.place_of(point), size, size)

    def _paint_ends(self, painter: QPainter, frame: QRectF) -> None:
        """The numbers at the ends of the axes, so that a person knows where a point comes to lie."""
        left, right, bottom, top = self._seen()
        at = self.place_of(np.zeros(2))
        painter.setFont(theme.number_font(10))
        painter.setPen(theme.current().muted)
        flags = Qt.AlignmentFlag
        across = QRectF(frame.left() + 2, at.y() + 2, frame.width() - 4, 14)
        painter.drawText(across, flags.AlignLeft, theme.number_text(left, 3))
        painter.drawText(across, flags.AlignRight, theme.number_text(right, 3))
        up = QRectF(at.x() + 4, frame.top(), 60, frame.height())
        painter.drawText(up, flags.AlignTop, theme.number_text(top, 3))
        painter.drawText(up, flags.AlignBottom, theme.number_text(bottom, 3))

    def _paint_pictures(self, painter: QPainter, pictures: Array) -> None:
        frame, count = self._frame(), len(pictures)
        columns = next(
            c
            for c in range(1, count + 1)
            if -(-count // c) * (frame.width() / c) <= frame.height() or c == count
        )
        side = min(frame.width() / columns, frame.height() / -(-count // columns))
        for i, picture in enumerate(pictures):
            row, column = divmod(i, columns)
            box = QRectF(frame.left() + column * side, frame.top() + row * side, side - 4, side - 4)
            rgba = np.full((*picture.shape[:2], 4), 255, np.uint8)
            rgba[..., :3] = picture if picture.ndim == 3 else picture[..., None]
            painter.drawImage(box, as_image(rgba))

    def _paint_columns(self, painter: QPainter, columns: tuple[Column, ...]) -> None:
        """A line a column: its name, its type, and how its values are spread."""
        tokens, frame = theme.current(), self._frame()
        shown = columns[: max(int(frame.height() // LINE), 1)]
        if len(columns) > len(shown):
            shown = shown[:-1]
        for i, column in enumerate(shown):
            top = frame.top() + i * LINE
            name = QRectF(frame.left(), top, 0.34 * frame.width(), LINE)
            kind = QRectF(name.right() + 6, top, 0.26 * frame.width(), LINE)
            bars = QRectF(kind.right() + 6, top + 3, frame.right() - kind.right() - 6, LINE - 6)
            painter.setFont(theme.ui_font(11, 600 if column.role == "target" else 400))
            painter.setPen(tokens.text if column.role != "left out" else tokens.muted)
            metrics = painter.fontMetrics()
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(
                name,
                middle,
                metrics.elidedText(column.name, Qt.TextElideMode.ElideRight, int(name.width())),
            )
            painter.setPen(tokens.muted)
            painter.setFont(theme.ui_font(11))
            words = column.type + (
                tr(", {n} missing").format(n=column.missing) if column.missing else ""
            )
            painter.drawText(
                kind,
                middle,
                metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(kind.width())),
            )
            self._bars(
                painter, bars, column, tokens.accent if column.role == "target" else tokens.muted
            )
        if len(columns) > len(shown):
            painter.setPen(tokens.muted)
            rest = QRectF(frame.left(), frame.top() + len(shown) * LINE, frame.width(), LINE)
            painter.drawText(
                rest,
                Qt.AlignmentFlag.AlignVCenter,
                tr("and {n} more columns").format(n=len(columns) - len(shown)),
            )

    @staticmethod
    def _bars(painter: QPainter, room: QRectF, column: Column, colour: QColor) -> None:
        counts = column.bins or tuple(n for _, n in column.values)
        if not counts or not max(counts):
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        width = room.width() / max(len(counts), 8)
        for i, n in enumerate(counts):
            height = room.height() * n / max(counts)
            painter.drawRect(
                QRectF(room.left() + i * width, room.bottom() - height, max(width - 1, 1), height)
            )
