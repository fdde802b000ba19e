"""The live curve of the loss: training and held-out rows, small enough to stand beside the recipe."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.messages import Progress
from app.text import tr
from app.view import theme

MAX_POINTS = 4000
FEW = 30
"""Up to so many measurements are dots on their line: what is between them was not measured."""


def halved(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Half of the points, with the ends and every peak: the least and the greatest of each four."""
    kept = points[:1]
    for start in range(1, len(points) - 1, 4):
        four = points[start : min(start + 4, len(points) - 1)]
        ends = {min(four, key=lambda p: p[1]), max(four, key=lambda p: p[1])}
        kept += sorted(ends)
    return kept + points[-1:]


class Curve(QWidget):
    """Loss over steps: train solid, validation dashed. The plot library loads with the first point."""

    def __init__(self) -> None:
        super().__init__()
        self.train: list[tuple[int, float]] = []
        self.validation: list[tuple[int, float]] = []
        self._plot: Any = None
        self._lines: list[Any] = []
        self._log = False
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(6, 6, 6, 2)
        self.setProperty("role", "plot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.empty = QLabel()
        self.empty.setProperty("role", "muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self._layout.addWidget(self.empty)
        self.setMinimumHeight(96)
        self.setAccessibleName(tr("Loss over steps"))

    def sizeHint(self) -> QSize:
        return QSize(300, 140)

    def clear(self) -> None:
        self.train.clear()
        self.validation.clear()
        self._draw()

    def add(self, progress: Progress) -> None:
        """Takes the points of a message; of too many, those that are no peaks are dropped.

        What was done by a training before, from that step on, is no longer seen.
        """
        if progress.points:
            first = progress.points[0][0]
            for points in (self.train, self.validation):
                while points and points[-1][0] >= first:
                    points.pop()
        self.train += [(s, v) for s, v in progress.points if math.isfinite(v)]
        held = progress.metrics.get("validation", {})
        loss = next(iter(held.values()), math.nan)
        if math.isfinite(loss):
            self.validation.append((progress.step, loss))
        for points in (self.train, self.validation):
            if len(points) > MAX_POINTS:
                points[:] = halved(points)
        self._draw()

    def set_log(self, on: bool) -> None:
        self._log = on
        if self._plot is not None:
            self._plot.setLogMode(False, on)

    def restyle(self) -> None:
        if self._plot is None:
            return
        import pyqtgraph

        tokens = theme.current()
        self._plot.setBackground(tokens.canvas if tokens.is_dark else tokens.background)
        for axis in (self._plot.getAxis("bottom"), self._plot.getAxis("left")):
            axis.setPen(tokens.hairline)
            axis.setTextPen(tokens.muted)
            axis.setStyle(tickFont=theme.number_font(10), tickLength=-4)
        dash = Qt.PenStyle.DashLine
        self._lines[0].setPen(pyqtgraph.mkPen(tokens.accent, width=1.6))
        for line, colour in zip(self._lines, (tokens.accent, tokens.muted), strict=True):
            line.setSymbolBrush(colour)
        self._lines[1].setPen(pyqtgraph.mkPen(tokens.muted, width=1.4, style=dash))

    def prepare(self) -> None:
        """Loads the plot library now, so that it does not hold up the window while training runs."""
        if self._plot is None:
            self._build()
            self._draw()

    def _build(self) -> None:
        import pyqtgraph  # 0.3 s, so only when there is a curve

        self._plot = pyqtgraph.PlotWidget()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(False, False)
        self._plot.setAntialiasing(True)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.getAxis("left").setWidth(46)
        self._plot.getPlotItem().layout.setContentsMargins(1, 8, 1, 1)  # the topmost number
        self._lines = [self._plot.plot([], [], symbolSize=5, symbolPen=None) for _ in range(2)]
        self._plot.setLogMode(False, self._log)
        self._layout.addWidget(self._plot)
        self.restyle()

    def _draw(self) -> None:
        some = bool(self.train)
        self.empty.setVisible(not some)
        if self._plot is None:
            if not some:
                return
            self._build()
        self._plot.setVisible(some)
        for line, points in zip(self._lines, (self.train, self.validation), strict=True):
            line.setData([s for s, _ in points], [v for _, v in points])
            few = len(points) == 1 or (points is self.validation and len(points) <= FEW)
            line.setSymbol("o" if few else None)  # a line needs two, and says too much between few
