"""The plot of curves: thinned to what is seen, zoomed and moved by mouse, with marks and a crosshair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor

from app import curves
from app.view import theme
from app.view.viewers.kind import ground
from app.view.viewers.numbers import tick_text
from app.view.viewers.plot import PlotView
from engine.ops.row import Array

PADDING = 0.05
NARROWEST = 0.85
"""What is drawn fills at least so much of the range while that follows by itself."""
FEW = 30
"""Up to so many points of a dashed line are dots on it: what is between them was not measured."""
MARKS = 40
"""So many borders are drawn at most."""


@dataclass
class Line:
    """A curve to draw. `x` rises; `raw` is faint behind `y` where it was smoothed. `detail` gives the
    points of a stretch of x in all fineness, None where `y` has them all."""

    key: tuple[int, str]
    colour: QColor
    x: Array
    y: Array
    raw: Array | None = None
    dashed: bool = False
    detail: Callable[[float, float], tuple[Array, Array] | None] | None = field(
        default=None, compare=False
    )
    _reach: dict[bool, tuple[float, float]] = field(default_factory=dict, compare=False)

    def reach(self, log: bool) -> tuple[float, float]:
        """The least and the greatest finite value, above 0 on a log scale; inf and -inf without any."""
        if log not in self._reach:
            values = self.y if self.raw is None else self.raw
            good = np.isfinite(values)
            if log:
                good &= values > 0
            some = values[good]
            found = (float(some.min()), float(some.max())) if len(some) else (math.inf, -math.inf)
            self._reach[log] = found
        return self._reach[log]


def _fits(seen: Sequence[float], low: float, high: float) -> bool:
    """Whether a range shows all of another one without being much wider."""
    inside = seen[0] <= low and high <= seen[1]
    return inside and (high - low) >= NARROWEST * (seen[1] - seen[0])


class CurvePlot(PlotView):
    """Lines, borders, the step that is looked at. `dragged` tells where the person drags its mark to;
    `pointed` the x under the pointer, NaN for none. `follows` is False after a zoom or a move."""

    dragged = Signal(float)
    pointed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.controls.hide()
        self.foot.hide()
        self.log = False
        self.follows = True
        self.lines: Sequence[Line] = ()
        self.borders: Mapping[float, str] = {}
        self._items: dict[tuple[int, str, str], Any] = {}
        self._marks: list[Any] = []
        self._known: dict[tuple[int, str, str], Any] = {}
        self._quiet = False
        item = self.plot.getPlotItem()
        self.box: Any = item.getViewBox()
        self.box.disableAutoRange()
        self.box.setDefaultPadding(0)
        self.box.setMouseEnabled(True, True)
        self.axis("left").setWidth(46)
        self.cross = self.library.InfiniteLine(angle=90, movable=False)
        self.cross.setZValue(20)
        self.cross.hide()
        self.moment = self.library.InfiniteLine(angle=90, movable=True, hoverPen=None)
        self.moment.setZValue(30)
        self.moment.hide()
        self.moment.sigDragged.connect(self._drag)
        self.plot.addItem(self.cross, ignoreBounds=True)
        self.plot.addItem(self.moment, ignoreBounds=True)
        self.box.sigRangeChangedManually.connect(self._moved_by_hand)
        self.box.sigRangeChanged.connect(self._range_changed)
        self.restyle()

    # ------------------------------------------------------------ what is shown

    def show_lines(self, lines: Sequence[Line], borders: Mapping[float, str]) -> None:
        """Shows these lines in place of those before; the range follows unless a person chose it."""
        keys = [line.key for line in lines]
        fresh = keys != [line.key for line in self.lines]
        self.lines, self.borders = lines, borders
        if self.follows:
            self._fit(fresh)
        self._draw()

    def set_log(self, on: bool) -> None:
        if on != self.log:
            self.log = on
            self.follows = True
            self._known.clear()
            self.axis("left").setLogMode(on)
            self._fit()
            self._draw()

    def show_moment(self, x: float | None) -> None:
        """The mark of the step that is looked at; None is the present."""
        self.moment.setVisible(x is not None)
        if x is not None and self.moment.value() != x:
            self.moment.setValue(x)

    def whole(self) -> None:
        """Everything is seen, also as it changes."""
        self.follows = True
        self._fit()
        self._draw()

    # ------------------------------------------------------------ ranges

    def _fit(self, fresh: bool = True) -> None:
        """The range of everything; what is not finite, and with a log scale what is not above 0, is
        left out. Unless `fresh`, a range that is not much too wide stays: nothing is drawn anew."""
        ends = [(line.x[0], line.x[-1]) for line in self.lines if len(line.x)]
        if not ends:
            return
        low, high = min(e[0] for e in ends), max(e[1] for e in ends)
        if high <= low:
            low, high = low - 0.5, high + 0.5
        reaches = [line.reach(self.log) for line in self.lines]
        least = min((r[0] for r in reaches), default=math.inf)
        most = max((r[1] for r in reaches), default=-math.inf)
        if least > most:
            least, most = 0.1, 1.0
        if self.log:
            least, most = math.log10(least), math.log10(most)
        if most <= least:
            room = abs(most) * 0.1 or 1.0
            least, most = least - room, most + room
        across, up = self.box.viewRange()
        if fresh or not _fits(across, low, high):
            across = (low - (high - low) * 0.01, high + (high - low) * PADDING)
        if fresh or not _fits(up, least, most):
            up = (least - (most - least) * PADDING, most + (most - least) * PADDING)
        if [list(across), list(up)] != self.box.viewRange():
            self._quiet = True
            self.box.setRange(xRange=tuple(across), yRange=tuple(up), padding=0)
            self._quiet = False

    def _moved_by_hand(self, *_: object) -> None:
        self.follows = False

    def _range_changed(self, *_: object) -> None:
        if not self._quiet:
            self._draw()

    # ------------------------------------------------------------ drawing

    def _draw(self) -> None:
        low, high = self.box.viewRange()[0]
        width = max(int(self.box.width()), 50)
        seen = set()
        for line in self.lines:
            x, y, raw = line.x, line.y, line.raw
            fine = line.detail(low, high) if line.detail is not None and not self.follows else None
            if fine is not None:
                x, y, raw = fine[0], fine[1], None
            for kind, values in (("raw", raw), ("line", y)):
                if values is None:
                    continue
                key = (*line.key, kind)
                seen.add(key)
                state = (id(values), len(values), low, high, width, self.log)
                item = self._items.get(key)
                if item is None:
                    item = self._items[key] = self.library.PlotCurveItem(connect="finite")
                    item.setZValue(2 if kind == "raw" else 6)
                    self.plot.addItem(item, ignoreBounds=True)
                item.setPen(self._pen(line, kind))
                if self._known.get(key) != state:
                    self._known[key] = state
                    tx, ty = curves.thinned(x, values, low, high, width)
                    if self.log:
                        with np.errstate(invalid="ignore", divide="ignore"):
                            ty = np.where(ty > 0, np.log10(ty), np.nan)
                    item.setData(tx, ty)
            if len(line.x) == 1 or (line.dashed and len(line.x) <= FEW):
                key = (*line.key, "dots")
                seen.add(key)
                self._draw_dots(key, line)
        for key in [k for k in self._items if k not in seen]:
            self.plot.removeItem(self._items.pop(key))
            self._known.pop(key, None)
        self._draw_borders()

    def _draw_dots(self, key: tuple[int, str, str], line: Line) -> None:
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = self.library.ScatterPlotItem(size=5, pen=None)
            item.setZValue(7)
            self.plot.addItem(item, ignoreBounds=True)
        good = np.isfinite(line.y) & ((line.y > 0) | (not self.log))
        y = np.log10(line.y[good]) if self.log else line.y[good]
        item.setBrush(line.colour)
        item.setData(line.x[good], y)

    def _pen(self, line: Line, kind: str) -> Any:
        if kind == "raw":
            faint = QColor(line.colour)
            faint.setAlphaF(0.28)
            return self.library.mkPen(faint, width=1)
        style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
        return self.library.mkPen(line.colour, width=1.5, style=style)

    def _draw_borders(self) -> None:
        tokens = theme.current()
        wanted = list(self.borders.items())[:MARKS]
        while len(self._marks) > len(wanted):
            self.plot.removeItem(self._marks.pop())
        for number, (x, words) in enumerate(wanted):
            if number == len(self._marks):
                mark = self.library.InfiniteLine(angle=90, movable=False, label="")
                mark.setZValue(1)
                mark.label.setPosition(0.86)
                self._marks.append(mark)
                self.plot.addItem(mark, ignoreBounds=True)
            mark = self._marks[number]
            mark.setPen(self.library.mkPen(tokens.border, width=1, style=Qt.PenStyle.DotLine))
            mark.label.setColor(tokens.muted)
            mark.label.setFont(theme.ui_font(10))
            mark.label.setFormat(words)
            mark.setValue(x)

    def restyle(self) -> None:
        super().restyle()
        tokens = theme.current()
        self.axis("left").tickStrings = self._left_texts
        self.plot.setBackground(ground())
        self.cross.setPen(self.library.mkPen(tokens.muted, width=1))
        self.moment.setPen(self.library.mkPen(tokens.text, width=2))
        self.moment.setHoverPen(self.library.mkPen(tokens.accent, width=3))
        self._draw_borders()

    def _left_texts(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.log:
            return [theme.number_text(10.0**value, 3) for value in values]
        return [tick_text(value * scale, spacing * scale) for value in values]

    # ------------------------------------------------------------ events

    def _drag(self) -> None:
        self.dragged.emit(float(self.moment.value()))

    def point(self, place: QPointF | None) -> None:
        self.cross.setVisible(place is not None)
        if place is not None:
            self.cross.setValue(place.x())
        self.pointed.emit(math.nan if place is None else place.x())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and self.lines:
            self._known.clear()
            self._draw()
        return super().eventFilter(watched, event)
