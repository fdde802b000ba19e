"""The panel "Compare": many trainings of the document side by side, and the best one opened."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QWidget,
)

from app.session import Session
from app.text import sentence, tr
from app.view import theme
from app.view.studio.comparison import Comparison
from app.view.studio.panel import StudioPanel
from app.view.studio.parallel import Parallel
from app.view.studio.race import Race, runners
from app.view.studio.sweep_setup import SweepSetup
from app.view.studio.trial_table import TrialTable
from app.view.viewers.controls import HEIGHT, Controls
from engine.train.problem import has_parameters, unfinished
from engine.train.sweep import Sweep, Trial, planned_count

TABS = (("setup", "Setup"), ("table", "Table"), ("parallel", "Parallel"), ("race", "Race"))
RACE = 12
"""Up to so many trials start as a race."""


class ComparePanel(StudioPanel):
    """Setup, table, parallel coordinates and race of one sweep. `mentioned` carries a sentence,
    `run_asked` the number of a run whose curve is to be seen."""

    name = "compare"
    empty = (
        "Trainings with other settings are compared here. Add a parameter and a loss to train them."
    )
    mentioned = Signal(str)
    run_asked = Signal(int)
    status_told = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.comparison = Comparison(session, self)
        self.comparison.told.connect(self.show_trials)
        self.comparison.turned.connect(self._turned)
        self.controls.hide()
        self.head = Controls(8)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        for _, words in TABS:
            self.tabs.addTab(tr(words))
        self.tabs.currentChanged.connect(self._show_tab)
        self.head.add_widget(self.tabs)
        self.head.add_widget(self._build_buttons())
        self.column.addWidget(self.head)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.hide()
        self.column.addWidget(self.bar)
        self.fault = QLabel()
        self.fault.setProperty("role", "error")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.column.addWidget(self.fault)
        self.setup = SweepSetup()
        self.setup.changed.connect(self._count)
        self.table = TrialTable()
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._menu)
        self._asked = -1
        self.comparison.recorded.connect(self.show_curve)
        self.parallel = Parallel()
        self.race = Race()
        self.racing = QScrollArea()
        self.racing.setWidgetResizable(True)
        self.racing.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.racing.setWidget(self.race)
        self.nothing = QLabel(
            tr("Nothing was compared yet. Choose what varies under Setup, and start.")
        )
        self.nothing.setProperty("role", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.views = QStackedWidget()
        for view in (self.setup, self.table, self.parallel, self.racing, self.nothing):
            self.views.addWidget(view)
        self.column.addWidget(self.views, 1)
        for source in (self.table, self.parallel, self.race):
            source.pointed.connect(self._point)
            source.chosen.connect(self.adopt)
        self.parallel.brushed.connect(self._turned)
        self.table.selected.connect(self._turned)
        session.document_changed.join(self._edited)
        self.restyle()
        self._turned()

    def _build_buttons(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 3, 0, 3)
        row.setSpacing(6)

        def button(text: str, slot: object) -> QPushButton:
            made = QPushButton(text)
            made.setFixedHeight(HEIGHT)
            made.clicked.connect(slot)
            row.addWidget(made)
            return made

        self.start_button = button(tr("Start"), self.start)
        self.start_button.setProperty("primary", True)
        self.pause_button = button(tr("Pause"), self.comparison.pause)
        self.stop_button = button(tr("Stop"), self.comparison.stop)
        self.go_on_button = button(tr("Go on"), self.go_on)
        self.best_button = button(tr("Open the best"), self.open_best)
        self.best_button.setToolTip(tr("Its settings and parameters go into the document"))
        self.earlier_button = QToolButton()
        self.earlier_button.setText(tr("Earlier"))
        self.earlier_button.setFixedHeight(HEIGHT)
        self.earlier_button.setToolTip(tr("Open a sweep that was kept beside the document"))
        self.earlier_button.clicked.connect(self._ask_earlier)
        row.addWidget(self.earlier_button)
        return box

    def sizeHint(self) -> QSize:
        return QSize(600, 250)

    # ------------------------------------------------------------ the studio

    def options(self) -> None:
        """It asks no probe: what it shows is of no single moment."""
        self._edited()

    def take(self, result: object, step: int) -> None:
        """Nothing is asked, so nothing comes."""

    def forget(self) -> None:
        self.comparison.close()
        self.setup.lines_forgotten()
        self.parallel.show_trials((), None, "")
        self.tabs.setCurrentIndex(0)
        self.show_trials()
        self._edited()

    def restyle(self) -> None:
        self.nothing.setFont(theme.ui_font(12))
        self.table.restyle()
        self.parallel.restyle()
        self.race.update()

    # ------------------------------------------------------------ commands

    def compare(self, preset: str) -> None:
        """Starts a ready-made sweep; without parameters there is only the sentence that asks for them."""
        self._edited()
        if has_parameters(self.session.root):
            self.setup.show_graph(self.session.root)
            self.setup.choose_preset(preset)
        self.start()

    def start(self) -> None:
        """Begins the sweep that is set up; one that runs is ended."""
        try:
            if not has_parameters(self.session.root):
                raise ValueError(tr("add a parameter and a loss to compare trainings of them"))
            if missing := unfinished(self.session.root):
                raise ValueError(missing)
            sweep = self.setup.sweep()
            self.comparison.start(sweep)
        except (ValueError, OSError) as error:
            self._say_fault(str(error))
            return
        self._say_fault("")
        self._after_start(sweep)

    def _after_start(self, sweep: Sweep) -> None:
        count = planned_count(sweep)
        self.parallel.clear_brushes()
        self._show("race" if count <= RACE else "table")

    def go_on(self) -> None:
        """Does what is left of a sweep."""
        self.comparison.go_on()

    def open_best(self) -> None:
        best = self.comparison.best
        if best is not None:
            self.adopt(best.number)

    def adopt(self, number: int) -> None:
        """A trial's settings and parameters into the document, as one undo step."""
        trial = self.trial(number)
        if trial is None:
            return
        try:
            if self.studio is not None and self.studio.bridge.running:
                raise ValueError(
                    tr("the document cannot change while it trains; pause the training first")
                )
            self.comparison.adopt(trial)
        except (ValueError, OSError) as error:
            self._say_fault(str(error))
            return
        self._say_fault("")
        told = tr("trial {number} is in the document; undo takes it out again")
        self.mentioned.emit(told.format(number=number))

    def show_curve(self, number: int) -> None:
        """The curve of a trial in the panel "Curves", and its way on the loss surface: its run. A trial
        that has none is done once more for it."""
        trial = self.trial(number)
        if trial is None:
            return
        if trial.run:
            self.run_asked.emit(trial.run)
        else:
            self.comparison.record(trial)
            self.mentioned.emit(tr("the trial is done once more, to record its curve"))

    def _menu(self, place: QPoint) -> None:
        """What can be done with the trial that was right-clicked."""
        number = self.table.number_at(place)
        trial = self.trial(number)
        if trial is None:
            return
        self._asked = number
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(tr("Open in the document"), self._open_asked).setEnabled(trial.best_step > 0)
        menu.addAction(tr("Show its curve"), self._show_asked).setEnabled(trial.is_over)
        menu.addSeparator()
        menu.addAction(tr("Copy the table as CSV"), self.table.copy_csv)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _open_asked(self) -> None:
        self.adopt(self._asked)

    def _show_asked(self) -> None:
        self.show_curve(self._asked)

    def open_earlier(self, folder: Path) -> None:
        """Shows a sweep that was kept."""
        try:
            self.comparison.open(folder)
        except (ValueError, OSError) as error:
            self._say_fault(str(error))
            return
        self._say_fault("")
        sweep = self.comparison.sweep
        assert sweep is not None
        self.setup.show_sweep(sweep)
        self._show("table")

    def _ask_earlier(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for folder in self.comparison.earlier[:20]:
            action = menu.addAction(folder.name)
            action.setData(str(folder))
        menu.triggered.connect(self._earlier_chosen)
        menu.popup(self.earlier_button.mapToGlobal(self.earlier_button.rect().bottomLeft()))

    def _earlier_chosen(self, action: object) -> None:
        self.open_earlier(Path(str(action.data())))  # type: ignore[attr-defined]

    # ------------------------------------------------------------ showing

    def _show(self, tab: str) -> None:
        self.tabs.setCurrentIndex([name for name, _ in TABS].index(tab))
        self._show_tab()

    @property
    def tab(self) -> str:
        return TABS[self.tabs.currentIndex()][0]

    def _show_tab(self) -> None:
        views: dict[str, QWidget] = {
            "setup": self.setup,
            "table": self.table,
            "parallel": self.parallel,
            "race": self.racing,
        }
        some = self.tab == "setup" or bool(self.comparison.trials)
        self.views.setCurrentWidget(views[self.tab] if some else self.nothing)
        self.show_trials()

    def show_trials(self) -> None:
        """What is seen follows the trials."""
        comparison = self.comparison
        trials, best = comparison.trials, comparison.best
        number = best.number if best is not None else -1
        if trials and self.views.currentWidget() is self.nothing and self.tab != "setup":
            self._show_tab()
            return
        if self.tab == "table":
            keeps = self.parallel.keeps if self.parallel.is_brushed else None
            self.table.show_trials(trials, comparison.sweep, number, keeps)
        elif self.tab == "parallel":
            self.parallel.show_trials(trials, comparison.sweep, self._result())
        elif self.tab == "race":
            fields = [axis.field for axis in comparison.sweep.axes] if comparison.sweep else ()
            self.race.show_runners(runners(trials, comparison.live), number, fields)
            self._fit_race()
        self._turned()

    def _result(self) -> str:
        held = any(t.metrics.get("validation") for t in self.comparison.trials)
        return tr("held-out loss") if held else tr("loss")

    def _point(self, number: int) -> None:
        for view in (self.table, self.parallel, self.race):
            if view is not self.sender():
                view.point_at(number)

    def _turned(self) -> None:
        """Buttons, progress and status."""
        comparison, state = self.comparison, self.comparison.state
        on = comparison.is_on
        self.start_button.setVisible(not on)
        self.pause_button.setVisible(on)
        self.stop_button.setVisible(on)
        self.pause_button.setText(tr("Resume") if state == "paused" else tr("Pause"))
        self.pause_button.setEnabled(state in ("running", "paused"))
        self.stop_button.setEnabled(state in ("running", "paused"))
        self.go_on_button.setVisible(not on and comparison.is_unfinished)
        self.best_button.setVisible(comparison.best is not None)
        self.earlier_button.setVisible(not on and bool(comparison.earlier))
        self.bar.setVisible(on)
        if comparison.pool is not None:
            self.bar.setValue(round(1000 * comparison.pool.progress))
            if comparison.pool.message:
                self._say_fault(comparison.pool.message)
        self.head.settle()
        self.status_told.emit(self._status())

    def _status(self) -> str:
        trials, best = self.comparison.trials, self.comparison.best
        if not trials:
            return ""
        over = sum(trial.is_over for trial in trials)
        told = tr("{over} of {count}").format(over=over, count=len(trials))
        if self.parallel.is_brushed:
            kept = sum(self.parallel.keeps(trial) for trial in trials)
            told = tr("{kept} kept, {told}").format(kept=kept, told=told)
        if best is not None and math.isfinite(best.value):
            told += "   " + tr("best {value}").format(value=theme.number_text(best.value))
        return told

    def _count(self) -> None:
        """How many trials the setup has, or what is wrong with it."""
        try:
            count = planned_count(self.setup.sweep())
        except ValueError as error:
            self.start_button.setToolTip(sentence(str(error)))
            return
        unit = tr("trial") if count == 1 else tr("trials")
        self.start_button.setText(tr("Start {count} {unit}").format(count=f"{count:,}", unit=unit))
        self.start_button.setToolTip("")

    def _say_fault(self, text: str) -> None:
        self.fault.setText(f"⚠ {sentence(text)}" if text else "")
        self.fault.setVisible(bool(text))

    def _edited(self) -> None:
        """The settings that can be varied are those of the document now."""
        if not self.isVisible():
            return
        graph = self.session.root
        if not has_parameters(graph) and not self.comparison.trials:
            self.say(tr(self.empty))
            return
        self.setup.show_graph(graph)
        self._count()
        self.show_body()

    def _fit_race(self) -> None:
        self.race.fit(self.racing.viewport().size())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._edited()
        self.show_trials()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_race()

    def trial(self, number: int) -> Trial | None:
        return next((t for t in self.comparison.trials if t.number == number), None)
