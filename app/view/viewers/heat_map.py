"""The heat map of a tensor: colours centred at 0, a bar with numbers, the entry under the pointer."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from app.text import tr
from app.view import theme
from app.view.viewers.kind import Shown
from app.view.viewers.numbers import Plane, Survey, plane, stride
from app.view.viewers.plot import PlotView
from app.view.viewers.scale import ColourBar, Scale
from engine.ops.row import Array

LARGEST = 2048
"""So many rows and columns are drawn; of more, evenly chosen ones."""
SQUARE = 6
"""Cells are squares unless one side has so many times as many as the other."""


class HeatMapView(PlotView):
    name = "heat_map"
    title = "Heat map"
    flat = True

    def __init__(self) -> None:
        super().__init__()
        self.found: Plane = plane(np.zeros((0, 0)))
        self.survey = Survey(None)
        self.step = (1, 1)
        self.image = self.library.ImageItem(axisOrder="row-major")
        item = self.plot.getPlotItem()
        item.addItem(self.image)
        item.invertY(True)
        item.showAxis("top")
        item.hideAxis("bottom")
        box = item.getViewBox()
        box.setDefaultPadding(0)
        box.sigResized.connect(self._resized)
        box.sigRangeChangedManually.connect(self._looked)
        self._looks = False
        self.bar = ColourBar()
        self.row.addWidget(self.bar)
        self.finish()
        self.restyle()

    @classmethod
    def fit(cls, array: Array) -> float:
        if array.size < 2:
            return 0
        return 50 if array.ndim > 1 else 20

    def display(self, shown: Shown) -> None:
        found = self.plane(shown.array)
        before, self.found = self.found, found
        rows, columns = found.numbers.shape
        self.step = stride(rows, LARGEST), stride(columns, LARGEST)
        drawn = found.numbers[:: self.step[0], :: self.step[1]]
        self.survey = Survey.of(shown.array)
        reach = self.survey.reach  # of all planes, so that their colours can be compared
        scale = Scale.diverging(*(reach or (0.0, 0.0)), shown.of)
        self.bar.show_scale(scale if reach else None)
        self.image.setImage(scale(drawn), levels=(0, 255))
        self.image.setRect(-0.5, -0.5, columns, rows)
        self._ticks(rows, columns)
        self.plot.setAspectLocked(max(rows, columns) <= SQUARE * min(rows, columns))
        if before.numbers.shape != found.numbers.shape:
            self.whole()
        self._tell()

    def whole(self) -> None:
        """All cells are seen, whatever is locked."""
        self._looks = False
        rows, columns = self.found.numbers.shape
        area = QRectF(-0.5, -0.5, max(columns, 1), max(rows, 1))
        self.plot.getPlotItem().getViewBox().setRange(area, padding=0)

    def _resized(self) -> None:
        if not self._looks:
            self.whole()

    def _looked(self) -> None:
        """A person has chosen what they look at."""
        self._looks = True

    def _ticks(self, rows: int, columns: int) -> None:
        """Whole numbers only, every index where there are few."""
        for side, count in (("left", rows), ("top", columns)):
            axis = self.axis(side)
            axis.setTicks([[(i, str(i)) for i in range(count)]] if count <= 10 else None)
            if count > 10:
                axis.setTickSpacing(levels=[(max(5, _round_step(count / 6)), 0)])

    def _tell(self) -> None:
        """What is shown, while the pointer is elsewhere."""
        assert self.shown is not None
        array = self.shown.array
        parts = [" × ".join(map(str, array.shape))]
        reach = self.survey.reach
        if reach:
            parts.append(f"{theme.number_text(reach[0])} … {theme.number_text(reach[1])}")
        parts.append(self.survey.words)
        for n, told in zip(self.step, (tr("1 of {n} rows"), tr("1 of {n} columns")), strict=True):
            parts.append(told.format(n=n) if n > 1 else "")
        self.foot.setText("   ".join(p for p in parts if p))

    def entry_at(self, place: QPointF) -> tuple[int, ...] | None:
        """The index of the entry that is drawn at a place of the plot."""
        row, column = round(place.y()), round(place.x())
        rows, columns = self.found.numbers.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return None
        down, across = self.step
        return self.found.place(row // down * down, column // across * across)

    def point(self, place: QPointF | None) -> None:
        entry = None if place is None else self.entry_at(place)
        if entry is not None:
            self.tell_entry(entry)
        elif self.shown is not None:
            self._tell()


def _round_step(raw: float) -> int:
    """The next of 1, 2, 5, 10, 20, ..."""
    power = 10 ** int(np.log10(max(raw, 1)))
    return int(next(power * m for m in (1, 2, 5, 10) if power * m >= raw))
