"""The panel "Curves": losses and metrics of several runs, and the scrubber over their moments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton

from app import curves
from app.curves import LOSS
from app.run_curves import Known, detail, read
from app.runs import Entry
from app.session import Session
from app.text import tr
from app.view import theme
from app.view.studio.curve_plot import CurvePlot, Line
from app.view.studio.legend import Legend, Name, run_colours
from app.view.studio.panel import StudioPanel
from app.view.studio.scrubber import Scrubber
from app.view.viewers.controls import HEIGHT
from engine.ops.row import Array

if TYPE_CHECKING:
    from app.view.travel import Travel

WIDE = 400
"""From this width on smoothing and scale have controls of their own."""
EVERY_MS = 100
"""Between two drawings while training runs, at least."""
OVER = (0, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
UNITS = {"step": tr("steps"), "epoch": tr("epochs"), "seconds": tr("seconds")}


class CurvesPanel(StudioPanel):
    """`quantity` is what is drawn: the loss of every step, or what is measured over all rows by its name;
    `unit` what runs across, `over` how many steps are smoothed over."""

    name = "curves"
    empty = "Train the document: its loss is drawn here, step by step, run beside run."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.travel: Travel | None = None
        self.quantity, self.unit, self.over = LOSS, "step", 0
        self.with_rate = self.log = False
        self.hidden: set[int] = set()
        self.plot: CurvePlot | None = None
        self.rate_plot: CurvePlot | None = None
        self._known: dict[int, Known] = {}
        self._lines: list[Line] = []
        self._at = math.nan
        self._told: int | None = None
        self.controls.add_choice("metric", tr("What is drawn"), quiet=True)
        self.controls.add_choice("over", tr("smoothed"))
        self.controls.add_tick("scale", tr("log scale"))
        self.controls.changed.connect(self._turned)
        self.options_button = QToolButton()
        self.options_button.setText(tr("Options ▾"))
        self.options_button.setFixedHeight(HEIGHT)
        self.options_button.setProperty("plain", True)
        self.options_button.setAccessibleName(tr("Options of the curves"))
        self.options_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.options_button)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.options_button.setMenu(self.menu)
        self.controls.add_widget(self.options_button)
        self.legend = Legend()
        self.legend.toggled.connect(self._toggle)
        self.scrubber = Scrubber()
        self.scrubber.asked.connect(self._scrub)
        self.scrubber.left.connect(self._back)
        self.live = QToolButton()
        self.live.setText(tr("Now"))
        self.live.setCheckable(True)
        self.live.setToolTip(
            tr("Follows the present as training goes on; off holds the newest recorded moment")
        )
        self.live.clicked.connect(self._follow)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        foot.addWidget(self.scrubber, 1)
        foot.addWidget(self.live)
        self.column.addWidget(self.legend)
        self.column.addLayout(foot)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.update_curves)
        self.controls.hide()

    def sizeHint(self) -> QSize:
        return QSize(440, 260)

    def join(self, travel: Travel) -> None:
        """From now on the runs of the window are drawn."""
        self.travel = travel
        travel.listed.connect(self.update_curves)
        travel.moved.connect(self._moved)
        travel.bridge.progress.connect(self._progressed)

    def take(self, result: Any, step: int) -> None:
        """Nothing is asked: curves are read from the record."""

    # ------------------------------------------------------------ following

    def _progressed(self) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.update_curves()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.legend.set_around(self.height())
        if self.plot is not None:
            self._offer(self._known)

    def forget(self) -> None:
        self._known.clear()
        self.hidden.clear()
        self.quantity = LOSS
        if self.plot is not None:
            self.plot.follows = True
        super().forget()

    def restyle(self) -> None:
        for plot in (self.plot, self.rate_plot):
            if plot is not None:
                plot.restyle()
        self.live.setFont(theme.ui_font(11))
        self.options_button.setFont(theme.ui_font(11))
        for known in self._known.values():
            known.drawn.clear()
        if self.travel is not None:
            self.update_curves()

    def update_curves(self) -> None:
        """Draws what is known of the runs that are shown; reads on where training goes on."""
        travel = self.travel
        if travel is None or not self.isVisible():
            return
        shown = travel.runs.shown
        if not shown:
            self.controls.hide()
            self.say(travel.runs.fault or tr(self.empty))
            return
        entries = [e for e in shown if e.number not in self.hidden]
        known = {e.number: read(e, self._known.get(e.number)) for e in shown}
        self._known = known
        self._offer(known)
        if self.plot is None:
            self.plot = self._made()
            self.column.insertWidget(0, self.plot, 3)
        self.show_body()
        self._lines = [line for e in entries for line in self._drawn(e, known[e.number])]
        self.plot.show_lines(self._lines, self._borders(entries))
        self._show_rate(entries)
        self._show_names()
        self._show_moment()
        if any(e.run.is_behind for e in shown):
            self._timer.start()

    def _made(self) -> CurvePlot:
        plot = CurvePlot()
        plot.pointed.connect(self._point)
        plot.dragged.connect(self._dragged)
        plot.set_log(self.log)
        return plot

    # ------------------------------------------------------------ lines

    def colour(self, entry: Entry) -> QColor:
        colours = run_colours()
        return colours[max(entry.colour, 0) % len(colours)]

    def across(self, known: Known, steps: Array) -> Array:
        """Steps in the unit that runs across."""
        return known.across(steps, self.unit)

    def _drawn(self, entry: Entry, known: Known) -> list[Line]:
        """The lines of a run: training solid, held out dashed."""
        key = (self.quantity, self.unit, str(self.over), self.colour(entry).name())
        found = []
        for part, (steps, values) in known.series(self.quantity).items():
            line = known.drawn.get((*key, part))
            if line is None:
                x = self.across(known, steps)
                y = curves.smoothed(steps, values, self.over)
                raw = values if self.over else None
                line = Line(
                    (entry.number, part), self.colour(entry), x, y, raw, part == "validation"
                )
                if (
                    self.quantity == LOSS
                    and part == "train"
                    and self.unit == "step"
                    and not self.over
                ):
                    line.detail = partial(detail, entry)
                known.drawn[*key, part] = line
            found.append(line)
        return found

    def _offer(self, known: Mapping[int, Known]) -> None:
        """The choices there are: the loss, and every metric that a run has."""
        names = list(
            dict.fromkeys(
                name for k in known.values() for named in k.measures.values() for name in named
            )
        )
        choices = [(LOSS, tr("loss of each step"))]
        choices += [(n, tr("{name}, all rows").format(name=n)) for n in names]
        if self.quantity not in dict(choices):
            self.quantity = LOSS
        self.controls.show_choice("metric", choices, self.quantity)
        smooth = [(str(n), tr("off") if not n else f"{n:,}") for n in OVER]
        self.controls.show_choice("over", smooth, str(self.over))
        self.controls.show_tick("scale", self.log, self.width() >= WIDE)
        wide = self.width() >= WIDE
        self.options_button.setText(tr("Options ▾") if wide else "⋯")
        if not wide:  # the menu has it
            self.controls.hide_control("over")
        self.controls.show()
        self.controls.settle()

    def _borders(self, entries: list[Entry]) -> dict[float, str]:
        """Where stages begin and where training stopped by itself, of the run that is looked at."""
        travel = self.travel
        assert travel is not None
        chosen, self._told = travel.entry, travel.number
        if chosen is None or chosen not in entries:
            return {}
        known = self._known[chosen.number]
        stages = chosen.facts.recipe.stages
        borders: dict[float, str] = {}
        for number, step in sorted(chosen.run.stages.items()):
            if number and number < len(stages):
                title = stages[number].title or tr("stage {number}").format(number=number + 1)
                borders[float(self.across(known, np.array([step]))[0])] = title
        facts = chosen.facts
        if facts.state == "finished" and facts.reason:
            borders[float(self.across(known, np.array([facts.step]))[0])] = tr("stopped early")
        return borders

    def _show_rate(self, entries: list[Entry]) -> None:
        if not self.with_rate:
            if self.rate_plot is not None:
                self.rate_plot.hide()
            return
        if self.rate_plot is None:
            self.rate_plot = CurvePlot()
            self.rate_plot.plot.hideAxis("bottom")
            self.rate_plot.axis("left").setTickDensity(0.5)
            self.rate_plot.plot.setXLink(self.plot.plot if self.plot is not None else None)
            self.column.insertWidget(1, self.rate_plot, 1)
        lines = []
        for entry in entries:
            known = self._known[entry.number]
            x = self.across(known, known.metrics.step)
            rate = known.metrics.learning_rate
            lines.append(Line((entry.number, "rate"), self.colour(entry), x, rate))
        self.rate_plot.show()
        self.rate_plot.show_lines(lines, {})

    # ------------------------------------------------------------ the legend and the crosshair

    def _show_names(self) -> None:
        travel = self.travel
        assert travel is not None
        names = []
        drawn: dict[int, list[Line]] = {}
        for line in self._lines:
            drawn.setdefault(line.key[0], []).append(line)
        several = any(len(lines) > 1 for lines in drawn.values())
        for entry in travel.runs.shown:
            numbers = tuple(self._number(line) for line in drawn.get(entry.number, []))
            numbers += ("",) * ((2 if several else 1) - len(numbers))
            title = entry.title
            names.append(
                Name(entry.number, title, self.colour(entry), numbers, entry.number in self.hidden)
            )
        self.legend.show_names(names)

    def _number(self, line: Line) -> str:
        """The value under the pointer, else at the moment looked at, else the last one; ≈ before one that
        was measured at another step."""
        if not len(line.x):
            return ""
        at = self._at
        if math.isnan(at):
            at = self._moment_x()
        if math.isnan(at):
            return theme.number_text(float(line.y[-1]))
        value = curves.value_at(line.x, line.y, at)
        aside = line.dashed and bool(np.abs(line.x - at).min() > 1e-6 * max(abs(at), 1.0))
        return "" if math.isnan(value) else "≈" * aside + theme.number_text(value)

    def _point(self, x: float) -> None:
        self._at = x
        self._show_names()

    def _toggle(self, number: int) -> None:
        self.hidden ^= {number}
        if self.plot is not None:
            self.plot.follows = True
        self.update_curves()

    # ------------------------------------------------------------ moments

    def _moment_x(self) -> float:
        travel = self.travel
        if travel is None or travel.past is None or travel.past[0] not in self._known:
            return math.nan
        number, step = travel.past
        return float(self.across(self._known[number], np.array([step]))[0])

    def _moved(self) -> None:
        """Another moment; what else is told of a run is told of that one."""
        if self.travel is not None and self.travel.number != self._told:
            self.update_curves()
        else:
            self._show_moment()

    def _show_moment(self) -> None:
        travel = self.travel
        if travel is None or not self.isVisible():
            return
        number = travel.number
        entry = travel.entry
        moments = travel.moments(number) if number is not None else []
        past = travel.past
        step = past[1] if past is not None and past[0] == number else None
        last = entry.facts.step if entry is not None else 1
        self.scrubber.show_moments(moments, step, last)
        self.live.setChecked(past is None)
        if self.plot is not None:
            at = self._moment_x()
            self.plot.show_moment(None if math.isnan(at) else at)
        self._show_names()

    def _scrub(self, step: int) -> None:
        if self.travel is not None and self.travel.number is not None:
            self.travel.go(self.travel.number, step)

    def _back(self) -> None:
        if self.travel is not None:
            self.travel.back()

    def _follow(self) -> None:
        if self.travel is not None:
            self.travel.toggle_follow()
            self.live.setChecked(self.travel.follows)

    def _dragged(self, x: float) -> None:
        """The mark in the plot is dragged; it goes to the nearest recorded moment."""
        travel = self.travel
        if travel is None or travel.past is None or travel.past[0] not in self._known:
            return
        number = travel.past[0]
        moments = travel.moments(number)
        if moments:
            places = self.across(self._known[number], np.array(moments))
            travel.go(number, moments[int(np.abs(places - x).argmin())])
        self._show_moment()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self.travel is not None:
            self.travel.step(-1 if event.key() == Qt.Key.Key_Left else 1)
        else:
            super().keyPressEvent(event)

    # ------------------------------------------------------------ controls

    def _turned(self, name: str, value: Any) -> None:
        if name == "scale":
            self.set_log(bool(value))
        elif name == "over":
            self.over = int(value)
        else:
            self.quantity = str(value)
            if self.plot is not None:
                self.plot.follows = True
        self.update_curves()

    def set_log(self, on: bool) -> None:
        self.log = on
        if self.plot is not None:
            self.plot.set_log(on)

    def set_unit(self, unit: str) -> None:
        self.unit = unit
        if self.plot is not None:
            self.plot.follows = True
        self.update_curves()

    def set_rate(self, on: bool) -> None:
        self.with_rate = on
        self.update_curves()

    def _fill_menu(self) -> None:
        self.menu.clear()
        for unit, words in UNITS.items():
            action = self.menu.addAction(tr("Across: {unit}").format(unit=words))
            action.setCheckable(True)
            action.setChecked(unit == self.unit)
            action.triggered.connect(partial(self.set_unit, unit))
        self.menu.addSeparator()
        smooth = self.menu.addMenu(tr("Smoothed over"))
        for over in OVER:
            action = smooth.addAction(
                tr("{n} steps").format(n=f"{over:,}") if over else tr("nothing")
            )
            action.setCheckable(True)
            action.setChecked(over == self.over)
            action.triggered.connect(partial(self._turned, "over", over))
        scale = self.menu.addAction(tr("Log scale"))
        scale.setCheckable(True)
        scale.setChecked(self.log)
        scale.triggered.connect(partial(self._turned, "scale", not self.log))
        rate = self.menu.addAction(tr("Learning rate below"))
        rate.setCheckable(True)
        rate.setChecked(self.with_rate)
        rate.triggered.connect(self.set_rate)
        if self.plot is not None:
            self.menu.addAction(tr("Show everything"), self.plot.whole)
        self.menu.addSeparator()
        if self.travel is not None:
            self.menu.addAction(tr("Export numbers as CSV…"), self.travel.export_curves)
            self.menu.addAction(tr("Export panel…"), self.travel.export_panel)

    def as_csv(self) -> str:
        """Every number that the shown curves are drawn from, unsmoothed."""
        travel = self.travel
        assert travel is not None
        found = []
        for entry in travel.runs.shown:
            if entry.number in self._known and entry.number not in self.hidden:
                series = self._known[entry.number].series(self.quantity)
                found += [curves.Curve(entry.number, p, *numbers) for p, numbers in series.items()]
        return curves.as_csv(found, {e.number: e.title for e in travel.runs.shown})
