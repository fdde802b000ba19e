"""The panel "Updates": how far each step moves each parameter, against the parameter's own size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from app.session import Session
from app.text import tr
from app.view import theme
from app.view.studio.panel import StudioPanel
from app.view.studio.past import Past, here, rate_now
from app.view.viewers.kind import series_colours
from app.view.viewers.plot import PlotView
from engine.files import FileError
from engine.probes.ratios import Ratios
from engine.train.recording import Run
from engine.train.trouble import USUAL_STEPS

if TYPE_CHECKING:
    from app.view.travel import Travel

MOMENTS = 240
"""Recorded moments that are drawn, spread over the run."""
FAINT = 70
NAMED = 8


class RatioPlot(PlotView):
    """Lines of log10 of the ratios over steps. `pointed` tells the key of the line nearest to the
    pointer and the place in the line, ("", 0) for none; `clicked` the key of the one clicked."""

    pointed = Signal(str, int)
    clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.controls.hide()
        self.foot.hide()
        low, high = (math.log10(v) for v in USUAL_STEPS)
        self.band = self.library.LinearRegionItem(
            (low, high), orientation="horizontal", movable=False
        )
        self.band.setZValue(-10)
        self.plot.addItem(self.band, ignoreBounds=True)
        self.now = self.library.InfiniteLine(angle=90, movable=False)
        self.plot.addItem(self.now, ignoreBounds=True)
        self.lines: dict[str, Any] = {}
        self.steps: list[int] = []
        self.series: dict[str, list[float]] = {}
        self.near = ""
        self.plot.scene().sigMouseClicked.connect(self._click)
        self.finish()
        self.restyle()

    def show_series(self, steps: list[int], series: Mapping[str, list[float]], at: int) -> None:
        """`series` are the log10 of ratios, NaN where there is none, a number a step."""
        self.steps, self.series = steps, dict(series)
        for key in [k for k in self.lines if k not in series]:
            self.plot.removeItem(self.lines.pop(key))
        for key in series:
            if key not in self.lines:
                self.lines[key] = self.plot.plot([], [], connect="finite")
        self._colour()
        single = len(steps) == 1
        for key, values in series.items():
            line = self.lines[key]
            line.setSymbol("o" if single else None)
            known = any(map(math.isfinite, values))
            line.setData(steps if known else [], values if known else [], connect="finite")
        self.now.setValue(at)
        self.now.setVisible(len(steps) > 1)

    def colour(self, key: str) -> QColor:
        colours = series_colours()
        return colours[list(self.series).index(key) % len(colours)]

    def _colour(self) -> None:
        for key, line in self.lines.items():
            if key not in self.series:
                continue
            colour = QColor(self.colour(key))
            chosen = key == self.near
            if self.near and not chosen:
                colour.setAlpha(FAINT)
            line.setPen(self.library.mkPen(colour, width=2.2 if chosen else 1.4))
            line.setSymbolPen(None)
            line.setSymbolSize(6)
            line.setSymbolBrush(colour)

    def restyle(self) -> None:
        super().restyle()
        tokens = theme.current()
        shade = QColor(tokens.muted)
        shade.setAlphaF(0.13)
        self.band.setBrush(shade)
        for edge in self.band.lines:
            edge.setPen(self.library.mkPen(None))
        pen = self.library.mkPen(tokens.muted, width=1, style=Qt.PenStyle.DashLine)
        self.now.setPen(pen)
        self.axis("left").tickStrings = _powers
        self._colour()

    def _nearest(self, place: QPointF) -> tuple[str, int]:
        if not self.steps:
            return "", 0
        column = int(np.argmin([abs(step - place.x()) for step in self.steps]))
        gaps = {
            key: abs(values[column] - place.y())
            for key, values in self.series.items()
            if math.isfinite(values[column])
        }
        return (min(gaps, key=lambda k: gaps[k]), column) if gaps else ("", 0)

    def point(self, place: QPointF | None) -> None:
        key, column = ("", 0) if place is None else self._nearest(place)
        self.near = key
        self._colour()
        self.pointed.emit(key, column)

    def _click(self, event: Any) -> None:
        box = self.plot.getPlotItem().getViewBox()
        key, _ = self._nearest(box.mapSceneToView(event.scenePos()))
        if key:
            self.clicked.emit(key)


def _powers(values: list[float], scale: float, spacing: float) -> list[str]:
    """Whole powers of ten as numbers; what lies between has none."""
    return [
        f"1e{round(value)}".replace("-", "−") if abs(value - round(value)) < 1e-6 else ""
        for value in values
    ]


class UpdatesPanel(StudioPanel):
    """Ratios of all parameters over the steps: as recorded where there is a run, else of the optimizer's
    next step at the moments that were seen. `recorded` gives the run that is looked at."""

    name = "updates"
    probe = "ratios"
    empty = "How far a step moves each parameter stands here: 0.1 % of its size is usual."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.recorded: Callable[[], Run | None] = lambda: None
        self.shown: Ratios | None = None
        self.past: Past[dict[str, float]] = Past()
        self._read: dict[int, dict[str, float]] = {}
        self._run: object = None
        self.plot: RatioPlot | None = None
        self.controls.hide()

    def join(self, travel: Travel) -> None:
        """From now on the ratios are those of the run whose moments are stepped through."""

        def run() -> Run | None:
            entry = travel.entry
            return entry.run if entry is not None else None

        self.recorded = run
        travel.listed.connect(self._listed)

    def _listed(self) -> None:
        """The run has come further, or is another one."""
        if self.isVisible() and self.shown is not None and self.studio is not None:
            self._show(self.studio.step)

    def options(self) -> dict[str, Any]:
        return {"learning_rate": rate_now(self.studio)}

    def take(self, result: Ratios, step: int) -> None:
        ratios = {row.node: row.ratio for row in result.rows}
        known = self.past.items
        if known and known[-1][1].keys() != ratios.keys():
            self.past.clear()
        if self.studio is None or self.studio.past is None:
            self.past.add(step, ratios)
        self.shown = result
        if self.plot is None:
            self.plot = RatioPlot()
            self.plot.pointed.connect(self._point)
            self.plot.clicked.connect(self._select)
            self.legend = _label()
            self.legend.setTextFormat(Qt.TextFormat.RichText)
            self.legend.setWordWrap(True)
            self.column.addWidget(self.legend)
            self.column.addWidget(self.plot, 1)
            self.foot = _label()
            self.column.addWidget(self.foot)
        self._show(step)

    def forget(self) -> None:
        self.shown = None
        self.past.clear()
        self._read, self._run = {}, None
        super().forget()

    def restyle(self) -> None:
        if self.plot is not None:
            self.plot.restyle()
            self._name_lines()

    # ------------------------------------------------------------ showing

    def _show(self, step: int) -> None:
        assert self.plot is not None and self.shown is not None
        keys = [row.node for row in self.shown.rows]
        points = self._recorded(keys) or self.past.items
        series = {key: [_log(record.get(key, math.nan)) for _, record in points] for key in keys}
        self.plot.show_series([at for at, _ in points], series, step)
        self._name_lines()
        self._point("", 0)

    def _name_lines(self) -> None:
        """The first lines by name, in their colours."""
        if self.plot is None or self.shown is None:
            return
        rows = self.shown.rows
        named = [
            f'<span style="color:{self.plot.colour(row.node).name()}">━</span>&nbsp;{escape(row.name)}'
            for row in rows[:NAMED]
            if row.node in self.plot.series
        ]
        more = f"+{len(rows) - NAMED}" if len(rows) > NAMED else ""
        self.legend.setText(" &nbsp;".join([*named, more]))

    def _recorded(self, keys: list[str]) -> list[tuple[int, dict[str, float]]]:
        """Of the run that is looked at; empty without one, or when it trained other parameters."""
        run = self.recorded()
        if run is None:
            return []
        if self._run is not run:
            self._run, self._read = run, {}
        steps = [step for step in run.moments if step > 0]
        every = max(-(-len(steps) // MOMENTS), 1)
        found = []
        for step in steps[::-1][::every][::-1]:
            if step not in self._read:
                try:
                    moved, size = run.update_norms(step), run.weight_norms(step)
                except (FileError, OSError):  # overwritten meanwhile
                    continue
                self._read[step] = {n: v / size[n] for n, v in moved.items() if size[n]}
            found.append((step, self._read[step]))
        fits = bool(found) and set(keys) & set(found[-1][1])
        return found if fits else []

    def _point(self, key: str, column: int) -> None:
        """The line under the pointer in numbers; without one, the largest and the least of now."""
        assert self.plot is not None and self.shown is not None
        names = {row.node: row.name for row in self.shown.rows}
        if key in names and column < len(self.plot.steps):
            value, step = self.plot.series[key][column], self.plot.steps[column]
            words = tr("{name}: {ratio} at step {step}")
            self.foot.setText(
                words.format(name=names[key], ratio=_text(10**value), step=f"{step:,}")
            )
            return
        known = {
            k: [v for v in values if math.isfinite(v)] for k, values in self.plot.series.items()
        }
        last = {k: values[-1] for k, values in known.items() if values}
        if not last:
            self.foot.setText(tr("Nothing moves."))
            return
        high, low = max(last, key=lambda k: last[k]), min(last, key=lambda k: last[k])
        words = tr("{high} {most} · {low} {least}") if high != low else tr("{high} {most}")
        self.foot.setText(
            words.format(
                high=names[high], most=_text(10 ** last[high]), low=names[low],
                least=_text(10 ** last[low]),
            )
        )  # fmt: skip
        self.foot.setToolTip(tr("The largest and the least now; between 1e−4 and 1e−2 is usual"))

    def _select(self, key: str) -> None:
        nodes = here(self.session, [key])
        if nodes:
            self.session.select([nodes[key]])


def _label() -> QLabel:
    label = QLabel()
    label.setProperty("role", "muted")
    label.setFont(theme.ui_font(11))
    label.setMinimumHeight(16)
    return label


def _log(ratio: float) -> float:
    return math.log10(ratio) if 0 < ratio < math.inf else math.nan


def _text(ratio: float) -> str:
    return f"{ratio:.1e}".replace("e-0", "e−").replace("e+0", "e").replace("e-", "e−")
