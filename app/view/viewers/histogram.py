"""How often which numbers stand in a tensor, and its statistics."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.text import tr
from app.view import theme
from app.view.viewers.kind import Shown, inks
from app.view.viewers.numbers import Statistics, counts, edges, not_finite_text
from app.view.viewers.plot import PlotView
from engine.ops.row import Array

BINS = (10, 20, 40, 80)
_LABELS = (
    ("count", "count"), ("average", "average"), ("deviation", "sd"), ("least", "least"),
    ("lower", "lower quartile"), ("median", "median"), ("upper", "upper quartile"),
    ("largest", "largest"), ("zeros", "zeros"),
)  # fmt: skip
_COLUMNS = 3
SHORT = 230


class HistogramView(PlotView):
    name = "histogram"
    title = "Histogram"

    def __init__(self) -> None:
        super().__init__()
        self.counts: Array = np.zeros(0)
        self.edges: Array = np.zeros(1)
        self.statistics = Statistics.of(np.zeros(0))
        self.controls.add_choice("bins", tr("bins"))
        self.controls.add_tick("log_counts", tr("log counts"))
        self.bars = self.library.PlotCurveItem([0, 1], [0], stepMode="center", fillLevel=0)
        self.plot.addItem(self.bars)
        self.zero = self.library.InfiniteLine(pos=0, angle=90)
        self.plot.addItem(self.zero, ignoreBounds=True)
        self.facts: dict[str, QLabel] = {}
        self.table = QWidget()
        grid = QGridLayout(self.table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        for number, (key, title) in enumerate(_LABELS):
            row, column = number // _COLUMNS * 2, number % _COLUMNS
            caption, value = QLabel(tr(title)), QLabel()
            caption.setProperty("role", "muted")
            caption.setFont(theme.ui_font(10))
            value.setFont(theme.number_font(12))
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            cell = QGridLayout()
            cell.setVerticalSpacing(0)
            cell.addWidget(caption, 0, 0)
            cell.addWidget(value, 1, 0)
            grid.addLayout(cell, row, column)
            grid.setColumnStretch(column, 1)
            self.facts[key] = value
        self.table.setMinimumHeight(1)  # it makes way, see resizeEvent
        self.column.addWidget(self.table)
        self.finish()
        self.restyle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is no room for both, the plot stays."""
        super().resizeEvent(event)
        self.table.setVisible(self.height() >= SHORT)

    @classmethod
    def fit(cls, array: Array) -> float:
        return 10 if array.size > 1 and array.ndim else 0

    def display(self, shown: Shown) -> None:
        self.controls.hide_control("axes")
        for number in range(len(self.controls.indices)):
            self.controls.hide_control(f"at{number}")
        words = [("auto", tr("automatic")), *((str(n), str(n)) for n in BINS)]
        chosen = self.word("bins", words)
        self.controls.show_choice("bins", words, chosen)
        log = bool(self.number("log_counts"))
        self.controls.show_tick("log_counts", log)
        found = self.statistics = Statistics.of(shown.array)
        finite = found.finite
        if finite.size:
            wanted = int(chosen) if chosen != "auto" else int(np.clip(finite.size**0.5, 8, 60))
            self.edges = edges(finite, wanted)
            self.counts = counts(finite, self.edges)
        else:
            self.edges, self.counts = np.zeros(1), np.zeros(0)
        heights = np.log10(self.counts + 1.0) if log else self.counts
        self.axis("left").setTicks(_log_ticks(int(self.counts.max(initial=1))) if log else None)
        ink = inks(shown.of)[0]
        self.bars.setPen(self.library.mkPen(None))
        self.bars.setBrush(ink)
        if len(heights):
            self.bars.setData(self.edges, heights)
        self.bars.setVisible(len(heights) > 0)
        self.zero.setPen(
            self.library.mkPen(theme.current().muted, width=1, style=Qt.PenStyle.DashLine)
        )
        self._tell_facts(found)
        self.tell()

    def _tell_facts(self, found: Statistics) -> None:
        least, lower, median, upper, largest = found.quartiles
        numbers = {
            "average": found.mean, "deviation": found.deviation, "least": least, "lower": lower,
            "median": median, "upper": upper, "largest": largest,
        }  # fmt: skip
        for key, number in numbers.items():
            text = "–" if np.isnan(number) else theme.number_text(number)
            self.facts[key].setText(text)
            self.facts[key].setToolTip("" if np.isnan(number) else theme.exact_text(number))
        self.facts["count"].setText(f"{found.count:,}")
        share = "–" if np.isnan(found.zeros) else f"{found.zeros * 100:.3g} %"
        self.facts["zeros"].setText(share)
        self.facts["zeros"].setToolTip(tr("The share of all entries that are exactly 0"))
        self.facts["deviation"].setToolTip(
            tr("The standard deviation of all entries (divided by n)")
        )

    def tell(self) -> None:
        found = self.statistics
        parts = [not_finite_text(found.not_a_number, found.infinite)]
        if found.counted < found.count:
            parts.append(
                tr("counted on {n} entries drawn at random").format(n=f"{found.counted:,}")
            )
        told = "   ".join(p for p in parts if p)
        self.foot.setText(told or tr("all numbers are finite"))

    def point(self, place: QPointF | None) -> None:
        """Of the bin under the pointer its bounds and its count are told."""
        at = -1 if place is None else int(np.searchsorted(self.edges, place.x(), "right")) - 1
        if not 0 <= at < len(self.counts):
            self.tell()
            return
        low, high = (theme.number_text(float(v)) for v in self.edges[at : at + 2])
        count = int(self.counts[at])
        words = tr("entry") if count == 1 else tr("entries")
        self.foot.setText(f"{low} … {high}   {count:,} {words}")


def _log_ticks(highest: int) -> list[list[tuple[float, str]]]:
    """Where 1, 10, 100, ... stand when log10(count + 1) is drawn."""
    counts = [0, *(10**p for p in range(len(str(highest)) + 1) if 10**p <= highest * 2)]
    return [[(float(np.log10(c + 1.0)), f"{c:,}") for c in counts]]
