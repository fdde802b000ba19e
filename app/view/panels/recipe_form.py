"""The recipe as a form: stages, the loss and what trains, optimizer and schedule, batches and limits."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from app.view.calm import CalmList
from app.view.panels.controls import Field
from app.view.panels.freezing import Freezing
from app.view.panels.schedule_plot import SchedulePlot
from app.view.panels.stage_bar import StageBar
from engine import edits
from engine.graph import GraphError, Recipe, Stage, check_recipe
from engine.train.data import NotReady
from engine.train.optimizers import OPTIMIZERS
from engine.train.schedules import SCHEDULES
from engine.train.settings import Setting
from engine.train.stages import steps_per_epoch

LIVE = frozenset({"learning_rate"})
"""Numbers that may change while training runs, from the next step on."""
NUMBERS: dict[str, tuple[str, type, str]] = {
    "learning_rate": ("learning rate", float, "How far a step goes"),
    "batch_size": ("batch size", int, "Rows a step; all takes every row at once"),
    "epochs": ("epochs", int, "Passes over the training rows"),
    "clip_norm": ("clip norm", float, "Longer gradients are shortened to this norm; off is 0"),
    "clip_value": ("clip value", float, "Entries of gradients are cut to this size; off is 0"),
    "l1_penalty": ("L1 penalty", float, "Weight of the sum of absolute parameters in the loss"),
    "patience": ("patience", int, "Epochs without improvement until this stage ends; off is 0"),
    "min_delta": ("least improvement", float, "What counts as improvement of the loss"),
    "seed": ("seed", int, "Draws starts, the order of rows, dropout and noise"),
}
"""Numbers of a stage by field, the recipe's seed among them: title, kind, what it is for."""
_WORDS = {"batch_size": "all", "clip_norm": "off", "clip_value": "off", "patience": "off"}
"""What 0 is called."""
_FIRST = ("batch_size", "epochs")
_MORE = ("clip_norm", "clip_value", "l1_penalty", "seed", "patience", "min_delta")


class RecipePanel(QScrollArea):
    """The form, as long as it is."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        inner.setProperty("role", "panel")
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 8, 12, 12)
        self.form = RecipeForm(session)
        column.addWidget(self.form)
        column.addStretch(1)
        self.setWidget(inner)
        session.opened.join(self.refresh)
        session.document_changed.join(self.refresh)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Shows the recipe when it is seen."""
        if self.isVisible():
            self.form.refresh()


class RecipeForm(QWidget):
    """One stage at a time. `refused` carries a sentence; `live` a stage and its fields with new
    values, which a training at work has to hear of."""

    refused = Signal(str)
    live = Signal(int, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session, self.running, self.at_work = session, False, 0
        self.fields: dict[str, Field] = {}
        self._known: tuple[Any, int] = None, 1
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.stages = StageBar()
        self.stages.changed.connect(self._put)
        self.stages.chosen.connect(self.refresh)
        column.addWidget(self.stages)
        column.addWidget(self._build_rule())
        self.plot = SchedulePlot()
        column.addWidget(self.plot)
        self.more = QToolButton()
        self.more.setText(tr("Limits and parameters"))
        self.more.setProperty("drawer", True)
        self.more.setProperty("flat", True)
        self.more.setCheckable(True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.toggled.connect(self._fold)
        column.addWidget(self.more)
        self.rest = self._build_rest()
        self.rest.hide()
        column.addWidget(self.rest)
        self.refresh()

    # ------------------------------------------------------------ building

    def _build_rule(self) -> QWidget:
        box, grid = _grid()
        self.loss = CalmList()
        self.loss.setAccessibleName(tr("Loss"))
        self.loss.setToolTip(tr("What this stage makes smaller"))
        self.loss.activated.connect(self._choose_loss)
        self.optimizer = _rows(tr("Optimizer"), OPTIMIZERS)
        self.optimizer.activated.connect(self._choose_optimizer)
        self.schedule = _rows(tr("Schedule"), SCHEDULES)
        self.schedule.activated.connect(self._choose_schedule)
        self.formula = Field()
        self.formula.setAccessibleName(tr("Formula of the learning rate"))
        self.formula.setPlaceholderText("lr / (1 + 0.01 * t)")
        self.formula.setToolTip(
            tr("The learning rate at step t: lr, t, epoch, steps and epochs are known")
        )
        self.formula.committed.connect(self._set_formula)
        self.per_epoch = QCheckBox(tr("moves once an epoch"))
        self.per_epoch.clicked.connect(self._set_per_epoch)
        self.optimizer_settings, self.schedule_settings = _Settings(), _Settings()
        for settings, of in (
            (self.optimizer_settings, "settings"),
            (self.schedule_settings, "schedule_settings"),
        ):
            settings.setObjectName(of)
            settings.changed.connect(self._set_settings)
            settings.refused.connect(self.refused)
        _cell(grid, 0, 0, tr("loss"), self.loss)
        _cell(grid, 0, 1, tr("optimizer"), self.optimizer)
        _cell(grid, 1, 0, NUMBERS["learning_rate"][0], self._number("learning_rate"))
        _cell(grid, 1, 1, tr("schedule"), self.schedule)
        grid.addWidget(self.optimizer_settings, 4, 0, 1, 2)
        grid.addWidget(self.schedule_settings, 5, 0, 1, 2)
        grid.addWidget(self.formula, 6, 0, 1, 2)
        grid.addWidget(self.per_epoch, 7, 0, 1, 2)
        for place, name in enumerate(_FIRST):
            _cell(grid, 4, place, NUMBERS[name][0], self._number(name))
        return box

    def _build_rest(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        numbers, grid = _grid()
        for place, name in enumerate(_MORE):
            _cell(grid, place // 2, place % 2, NUMBERS[name][0], self._number(name))
        column.addWidget(numbers)
        self.freezing = Freezing(self.session)
        self.freezing.changed.connect(self._set_frozen)
        column.addWidget(self.freezing)
        return box

    def _number(self, name: str) -> Field:
        field = self.fields[name] = Field()
        field.setObjectName(name)
        field.setAccessibleName(tr(NUMBERS[name][0]))
        field.setToolTip(tr(NUMBERS[name][2]))
        field.committed.connect(self._set_number)
        return field

    # ------------------------------------------------------------ showing

    @property
    def stage(self) -> Stage:
        return self.session.root.recipe.stages[self.stages.current]

    def refresh(self) -> None:
        """Shows the recipe as the document has it."""
        recipe = self.session.root.recipe
        self.stages.show_stages(recipe)
        stage = self.stage
        self._show_losses(stage)
        self.optimizer.setCurrentIndex(self.optimizer.findData(stage.optimizer))
        self.schedule.setCurrentIndex(self.schedule.findData(stage.schedule))
        row, schedule = OPTIMIZERS.get(stage.optimizer), SCHEDULES.get(stage.schedule)
        self.optimizer_settings.show_settings(row.settings if row else {}, stage.settings)
        self.schedule_settings.show_settings(
            schedule.settings if schedule else {}, stage.schedule_settings
        )
        self.formula.show_text(stage.formula)
        self.formula.setVisible(stage.schedule == "formula")
        self.per_epoch.setChecked(stage.per_epoch)
        self.per_epoch.setVisible(stage.schedule != "constant")
        for name, field in self.fields.items():
            value = recipe.seed if name == "seed" else getattr(stage, name)
            word = _WORDS.get(name) if value == 0 else None
            field.show_text(word or f"{value:.10g}")
        self.plot.show_stage(stage, self._steps_per_epoch(stage))
        self.freezing.show_frozen(stage.frozen)
        self._enable()

    def _show_losses(self, stage: Stage) -> None:
        graph, found = self.session.root, self.session.whole
        self.loss.clear()
        output = graph.output()
        named = tr("output") if output is None else pretty_name(graph.name(output))
        self.loss.addItem(tr("{name} (the output)").format(name=named), "")
        for node in graph.order():
            spec = found.specs.get(node)
            if (
                spec is not None
                and spec.shape == ()
                and spec.kind == "float"
                and not graph.op(node).is_source
            ):
                self.loss.addItem(pretty_name(graph.name(node)), node)
        self.loss.setCurrentIndex(max(self.loss.findData(stage.loss), 0))

    def set_running(self, on: bool) -> None:
        self.running = on
        self._enable()

    def _steps_per_epoch(self, stage: Stage) -> int:
        """How many steps an epoch of the stage has, for its schedule; 0 where it takes long to know."""
        session = self.session
        if stage.schedule == "constant":
            return 1
        key = id(session.root), session.root.meaning, stage.loss, stage.batch_size, session.base
        if key != self._known[0]:
            try:
                self._known = key, steps_per_epoch(session.root, self.stages.current, session.base)
            except NotReady:  # asked for again
                return 0
        return self._known[1]

    def set_stage_at_work(self, number: int) -> None:
        """Which stage training is in."""
        if number != self.at_work:
            self.at_work = number
            self._enable()

    def _enable(self) -> None:
        """While training runs the rule of the stage at work may change, all else may not."""
        free = not self.running
        steered = free or self.stages.current == self.at_work
        self.optimizer.setEnabled(steered)
        self.optimizer_settings.setEnabled(steered)
        for widget in (
            self.loss,
            self.schedule,
            self.schedule_settings,
            self.formula,
            self.per_epoch,
            self.freezing,
        ):
            widget.setEnabled(free)
        self.stages.set_fixed(self.running)
        for name, field in self.fields.items():
            field.setEnabled(free or (steered and name in LIVE))

    def _fold(self, open_: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.rest.setVisible(open_)

    # ------------------------------------------------------------ edits

    def _put(self, recipe: Recipe) -> None:
        self._do(edits.set_setting("recipe", recipe))

    def change(self, **changes: Any) -> None:
        """Other values of the stage shown, or of the seed; one undo step."""
        recipe = self.session.root.recipe.changed(self.stages.current, **changes)
        try:
            check_recipe(recipe)
        except GraphError as error:
            self.refused.emit(str(error))
            self.refresh()
            return
        if self.running:
            self.live.emit(self.stages.current, changes)
        self._put(recipe)

    def _do(self, edit: edits.Edit) -> None:
        try:
            self.session.do_outside(edit, tr("Change the recipe"))
        except GraphError as error:
            self.refused.emit(str(error))
            self.refresh()

    def _choose_loss(self) -> None:
        self.change(loss=str(self.loss.currentData()))

    def _choose_optimizer(self) -> None:
        name = str(self.optimizer.currentData())
        if name != self.stage.optimizer:
            rate = OPTIMIZERS[name].learning_rate
            self.change(optimizer=name, settings={}, learning_rate=rate)

    def _choose_schedule(self) -> None:
        name = str(self.schedule.currentData())
        if name != self.stage.schedule:
            self.change(schedule=name, schedule_settings={})

    def _set_formula(self, text: str) -> None:
        self.change(formula=text.strip())

    def _set_per_epoch(self, on: bool) -> None:
        self.change(per_epoch=on)

    def _set_frozen(self, frozen: object) -> None:
        assert isinstance(frozen, tuple)
        self.change(frozen=frozen)

    def _set_settings(self, values: object) -> None:
        self.change(**{self.sender().objectName(): values})

    def _set_number(self, text: str) -> None:
        field = self.sender()
        assert isinstance(field, Field)
        name = field.objectName()
        title, kind, _ = NUMBERS[name]
        words = text.strip().replace("−", "-")
        try:
            value = kind("0" if words == _WORDS.get(name) else words)
        except ValueError:
            self.refused.emit(f"the {title} is a number, not {words!r}")
            field.restore()
            return
        self.change(**{name: value})


class _Settings(QWidget):
    """Settings of a row as fields, two a line; `changed` carries all that differ from the defaults."""

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._known: dict[str, Setting] = {}
        self._values: dict[str, float] = {}
        self.fields: dict[str, Field] = {}

    def show_settings(self, known: Any, values: Any) -> None:
        self._values = dict(values)
        if dict(known) != self._known:
            self._known = dict(known)
            self._build()
        for name, field in self.fields.items():
            field.show_text(f"{self._values.get(name, self._known[name].default):.10g}")
        self.setVisible(bool(self.fields))

    def _build(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.fields = {}
        for place, (name, setting) in enumerate(self._known.items()):
            field = self.fields[name] = Field()
            field.setObjectName(name)
            field.setAccessibleName(name.replace("_", " "))
            field.setToolTip(tr(setting.doc))
            field.committed.connect(self._typed)
            _cell(self._grid, place // 2, place % 2, name.replace("_", " "), field)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)

    def _typed(self, text: str) -> None:
        field = self.sender()
        assert isinstance(field, Field)
        name = field.objectName()
        try:
            value = float(text.strip().replace("−", "-"))
        except ValueError:
            self.refused.emit(f"{name.replace('_', ' ')} is a number, not {text.strip()!r}")
            field.restore()
            return
        new = {**self._values, name: value}
        self.changed.emit({n: v for n, v in new.items() if v != self._known[n].default})


def _grid() -> tuple[QWidget, QGridLayout]:
    box = QWidget()
    grid = QGridLayout(box)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(0, 1)
    grid.setColumnStretch(1, 1)
    return box, grid


def _cell(grid: QGridLayout, row: int, column: int, title: str, widget: QWidget) -> None:
    """A quiet title over its control."""
    label = QLabel(tr(title))
    label.setProperty("role", "muted")
    label.setFont(theme.ui_font(11))
    grid.addWidget(label, 2 * row, column)
    grid.addWidget(widget, 2 * row + 1, column)


def _rows(title: str, rows: Any) -> QComboBox:
    box = CalmList()
    for name, row in rows.items():
        box.addItem(tr(row.label), name)
        box.setItemData(box.count() - 1, tr(row.doc), Qt.ItemDataRole.ToolTipRole)
    box.setAccessibleName(title)
    return box
