"""Numbers in a row as lines or as bars."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from app.text import tr
from app.view import theme
from app.view.viewers.kind import Shown, inks, series_colours
from app.view.viewers.numbers import Plane, Survey, envelope, plane
from app.view.viewers.plot import PlotView
from engine.ops.row import Array

POINTS = 4000
LINES = 10
FEW = 64
"""A vector up to this long is drawn as bars unless a person chooses."""
MOST_BARS = 2000


class _Series(PlotView):
    """A plane read by columns or by rows; `series` are the vectors shown and where they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Plane = plane(np.zeros((0, 0)))
        self.series: list[tuple[int, Array]] = []
        self.controls.add_choice("by", tr("along"))
        self.controls.add_index("first", "")
        self.by_rows = False

    def read(self, array: Array, at_once: int) -> None:
        """Which vectors are shown: all while there are few, else `at_once` from a chosen one on."""
        self.found = found = self.plane(array)
        two = found.columns is not None and found.rows is not None
        words = [("down", tr("columns")), ("across", tr("rows"))]
        self.by_rows = two and self.word("by", words) == "across"
        self.controls.show_choice(
            "by", words if two else words[:1], "across" if self.by_rows else "down"
        )
        numbers = found.numbers if self.by_rows else found.numbers.T
        first = min(max(self.number("first"), 0), max(len(numbers) - at_once, 0))
        if at_once > 1:
            label = tr("first row") if self.by_rows else tr("first column")
        else:
            label = tr("of row") if self.by_rows else tr("of column")
        self.controls.show_index("first", label, max(len(numbers) - at_once + 1, 1), first)
        self.series = [
            (first + i, line.astype(np.float64))
            for i, line in enumerate(numbers[first : first + at_once])
        ]

    def place_of(self, number: int, position: int) -> tuple[int, ...]:
        """The index of an entry of a series in the tensor."""
        return (
            self.found.place(number, position)
            if self.by_rows
            else self.found.place(position, number)
        )

    def position_at(self, x: float) -> int | None:
        """Which entry of its series stands at a place across the plot."""
        position = round(x)
        return position if 0 <= position < len(self.series[0][1]) else None

    def tell(self) -> None:
        length = len(self.series[0][1]) if self.series else 0
        total = len(self.found.numbers if self.by_rows else self.found.numbers.T)
        told = tr("{n} entries").format(n=f"{length:,}")
        if total > len(self.series) and self.found.columns is not None:
            what = tr("rows") if self.by_rows else tr("columns")
            told += f"   {len(self.series)} {tr('of')} {total:,} {what}"
        lines = np.concatenate([line for _, line in self.series]) if self.series else np.zeros(0)
        bad = Survey.of(lines).words
        self.foot.setText("   ".join(t for t in (told, bad) if t))

    def point(self, place: QPointF | None) -> None:
        """Of the entry under the pointer, or nearest to it in height, index and number are told."""
        position = None if place is None or not self.series else self.position_at(place.x())
        if place is None or position is None:
            self.tell()
            return
        heights = [line[position] for _, line in self.series]
        distances = [abs(h - place.y()) if np.isfinite(h) else np.inf for h in heights]
        number = self.series[int(np.argmin(distances))][0]
        self.tell_entry(self.place_of(number, position))


class LineView(_Series):
    name = "line"
    title = "Line"

    def __init__(self) -> None:
        super().__init__()
        self.controls.add_choice("over", tr("over"), 120)
        self.across: Array | None = None
        self.lines = [self.plot.plot([], []) for _ in range(LINES)]
        self.zero = self.library.InfiniteLine(angle=0)
        self.plot.addItem(self.zero)
        self.finish()
        self.restyle()

    @classmethod
    def fit(cls, array: Array) -> float:
        if array.size < 2 or array.ndim < 1:
            return 0
        return 40 if array.ndim == 1 and array.size > FEW else 15

    def _over(self, shown: Shown) -> Array | None:
        """The numbers of the node that the entries are drawn over; None for their places in a row."""
        length = len(self.series[0][1]) if self.series else 0
        words = [("", tr("its index")), *shown.vectors(length)]
        chosen = self.word("over", words)
        self.controls.show_choice("over", words, chosen)
        read = shown.read(chosen) if chosen else None
        return None if read is None or read.size != length else read.reshape(-1).astype(np.float64)

    def position_at(self, x: float) -> int | None:
        if self.across is None:
            return super().position_at(x)
        away = np.abs(self.across - x)
        return int(np.nanargmin(away)) if np.isfinite(away).any() else None

    def display(self, shown: Shown) -> None:
        self.read(shown.array, LINES)
        self.across = self._over(shown)
        colours = [inks(shown.of)[0]] if len(self.series) == 1 else series_colours()
        marked = max((len(line) for _, line in self.series), default=0) <= FEW
        self.zero.setPen(self.library.mkPen(theme.current().border, width=1))
        self.zero.setVisible(any(_spans_zero(line) for _, line in self.series))
        for number, item in enumerate(self.lines):
            if number >= len(self.series):
                item.setData([], [])
                continue
            places, values = envelope(self.series[number][1], POINTS)
            colour = colours[number % len(colours)]
            item.setPen(self.library.mkPen(colour, width=1.5))
            item.setSymbol("o" if marked else None)
            item.setSymbolSize(4)
            item.setSymbolPen(None)
            item.setSymbolBrush(colour)
            across = places if self.across is None else self.across[places]
            good = np.isfinite(values) & np.isfinite(across)
            item.setData(across, np.where(good, values, np.nan), connect="finite")
        self.tell()


class BarView(_Series):
    name = "bar"
    title = "Bars"

    def __init__(self) -> None:
        super().__init__()
        self.bars = self.library.BarGraphItem(x=[], height=[], width=0.8)
        self.plot.addItem(self.bars)
        self.zero = self.library.InfiniteLine(angle=0)
        self.plot.addItem(self.zero)
        self.finish()
        self.restyle()

    @classmethod
    def fit(cls, array: Array) -> float:
        if array.size < 2 or array.ndim < 1:
            return 0
        return 45 if array.ndim == 1 and array.size <= FEW else 9

    def display(self, shown: Shown) -> None:
        self.read(shown.array, 1)
        heights = self.series[0][1] if self.series else np.zeros(0)
        places, heights = envelope(heights, MOST_BARS)
        good = np.isfinite(heights)
        up, down = inks(shown.of)
        brushes = [up if h >= 0 else down for h in heights[good]]
        self.bars.setOpts(
            x=places[good], height=heights[good], width=0.8 if len(places) <= FEW * 4 else 1.0,
            pens=None, pen=self.library.mkPen(None), brushes=[QColor(b) for b in brushes],
        )  # fmt: skip
        few = len(places) <= 12
        self.axis("bottom").setTicks([[(int(p), str(int(p))) for p in places]] if few else None)
        self.zero.setPen(self.library.mkPen(theme.current().border, width=1))
        self.tell()


def _spans_zero(line: Array) -> bool:
    finite = line[np.isfinite(line)]
    return bool(finite.size and finite.min() <= 0 <= finite.max())
