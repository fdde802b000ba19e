"""Two columns of a matrix as points, coloured by a third one or by the numbers of another node."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QLabel

from app.text import tr
from app.view import theme
from app.view.viewers.kind import Shown, inks, series_colours
from app.view.viewers.numbers import Plane, Survey, plane, stride
from app.view.viewers.plot import PlotView
from app.view.viewers.scale import ColourBar, Scale
from engine.ops.row import Array

POINTS = 10_000
CLASSES = 10
LISTED = 64
"""So many columns are offered by name."""
NEAR = 12
"""Pixels."""


class ScatterView(PlotView):
    name = "scatter"
    title = "Scatter"

    def __init__(self) -> None:
        super().__init__()
        self.found: Plane = plane(np.zeros((0, 0)))
        self.points: Array = np.zeros((0, 2))
        self.rows: Array = np.zeros(0, np.intp)
        self.by: Array | None = None
        self.controls.add_index("x", "x")
        self.controls.add_index("y", "y")
        self.controls.add_choice("by", tr("colour"), 140)
        self.dots = self.library.ScatterPlotItem(size=6, pxMode=True)
        self.plot.addItem(self.dots)
        self.bar = ColourBar()
        self.row.addWidget(self.bar)
        self.legend = QLabel()
        self.legend.setFont(theme.number_font(11))
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.column.addWidget(self.legend)
        self.finish()
        self.restyle()

    @classmethod
    def fit(cls, array: Array) -> float:
        if array.ndim < 2 or array.shape[-1] < 2 or array.shape[-2] < 2 or not array.size:
            return 0
        return 55 if array.ndim == 2 and array.shape[1] == 2 and array.shape[0] > 8 else 12

    def display(self, shown: Shown) -> None:
        self.found = found = self.plane(shown.array)
        rows, columns = found.numbers.shape
        x, y = (min(max(self.number(n, d), 0), columns - 1) for n, d in (("x", 0), ("y", 1)))
        self.controls.show_index("x", "x", columns, x)
        self.controls.show_index("y", "y", columns, y)
        self.rows = np.arange(0, rows, stride(rows, POINTS))
        self.points = found.numbers[self.rows][:, [x, y]].astype(np.float64)
        good = np.isfinite(self.points).all(axis=1)
        self.rows, self.points = self.rows[good], self.points[good]
        self.by = self._coloured_by(shown, rows, columns)
        self._paint(shown)
        axis = tr("column {n}")
        for side, number in (("bottom", x), ("left", y)):
            self.axis(side).setLabel(axis.format(n=number), **_label_style())
        self._tell()

    def _coloured_by(self, shown: Shown, rows: int, columns: int) -> Array | None:
        """The numbers that colour the rows: a column's, or those of a node with one for every row."""
        words = [("", tr("none"))]
        words += [(str(c), tr("column {n}").format(n=c)) for c in range(min(columns, LISTED))]
        words += shown.vectors(rows)
        chosen = self.word("by", words)
        self.controls.show_choice("by", words, chosen)
        if not chosen:
            return None
        if chosen.isdigit():
            return self.found.numbers[:, int(chosen)].astype(np.float64)[self.rows]
        read = shown.read(chosen)
        if read is None or read.size != rows:
            return None
        return read.reshape(-1).astype(np.float64)[self.rows]

    def _paint(self, shown: Shown) -> None:
        self.legend.hide()
        self.bar.show_scale(None)
        brushes: object = self.library.mkBrush(inks(shown.of)[0])
        if self.by is not None and self.by.size:
            classes = np.unique(self.by)
            colours = series_colours()
            if len(classes) <= CLASSES and bool((classes == np.round(classes)).all()):
                made = [self.library.mkBrush(c) for c in colours]
                brushes = [made[i % len(made)] for i in np.searchsorted(classes, self.by)]
                self.legend.setText(
                    "  ".join(
                        f'<span style="color:{colours[i % len(colours)].name()}">●</span>'
                        f" {theme.number_text(float(c))}&nbsp;&nbsp;"
                        for i, c in enumerate(classes)
                    )
                )
                self.legend.show()
            else:
                scale = Scale.diverging(*(Survey.of(self.by).reach or (0.0, 0.0)), shown.of)
                self.bar.show_scale(scale)
                table = [self.library.mkBrush(*map(int, rgba)) for rgba in scale.table]
                middle = (len(table) - 2) / 2
                share = np.nan_to_num(self.by / (scale.end or 1.0), nan=0.0)
                steps = np.clip(middle + share * middle + 0.5, 0, len(table) - 2).astype(int)
                brushes = [table[i] for i in steps]
        edge = self.library.mkPen(theme.current().muted, width=0.5)
        self.dots.setData(x=self.points[:, 0], y=self.points[:, 1], brush=brushes, pen=edge)

    def _tell(self) -> None:
        total = self.found.numbers.shape[0]
        told = tr("{n} points").format(n=f"{len(self.points):,}")
        if total > len(self.points):
            told += f" {tr('of')} {total:,}"
        self.foot.setText(told)

    def point(self, place: QPointF | None) -> None:
        """Of the point under the pointer its row and its numbers are told."""
        if place is None or not len(self.points):
            self._tell()
            return
        width, height = self.plot.getPlotItem().getViewBox().viewPixelSize()
        away = np.hypot(
            (self.points[:, 0] - place.x()) / width, (self.points[:, 1] - place.y()) / height
        )
        near = int(np.argmin(away))
        if away[near] > NEAR:
            self._tell()
            return
        x, y = (theme.number_text(float(v)) for v in self.points[near])
        told = tr("row {row}   ({x}, {y})").format(row=int(self.rows[near]), x=x, y=y)
        if self.by is not None:
            told += f"   {tr('colour')} {theme.number_text(float(self.by[near]))}"
        self.foot.setText(told)


def _label_style() -> dict[str, str]:
    return {"color": theme.current().muted.name(), "font-size": "11px"}
