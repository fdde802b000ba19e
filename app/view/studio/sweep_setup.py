"""What a sweep varies, chosen: a line a setting, the search, how many trials and how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.text import tr
from app.view import theme
from app.view.calm import CalmCount, CalmList
from app.view.panels.controls import Field
from app.view.viewers.controls import HEIGHT, Controls
from engine.graph import Graph
from engine.train.axes import OPTIMIZER, RATE, SEED, Axis, Variable, title, value_text, variables
from engine.train.optimizers import OPTIMIZERS
from engine.train.sweep import MAX_TRIALS, SEARCHES, Search, Sweep

PRESETS = (
    ("race", "Race of optimizers"),
    ("restarts", "Random restarts"),
    ("rates", "Learning rates"),
)
RESTARTS = 10
"""No more than are recorded as runs, so that their ways are seen on the loss surface."""
_SEARCHES: dict[Search, str] = {
    "grid": "grid", "random": "random", "bayes": "Bayesian",
}  # fmt: skip
_USUAL = {
    "momentum": "0.5, 0.9, 0.99", "beta1": "0.8, 0.9, 0.95", "beta2": "0.99, 0.999",
    "weight_decay": "0, 0.0001, 0.001, 0.01", "l1_penalty": "0, 0.0001, 0.001, 0.01",
    "clip_norm": "0, 0.1, 1, 10", "clip_value": "0, 0.1, 1, 10", "batch_size": "8, 16, 32, 64",
    SEED: "0..9", "patience": "0, 5, 20", "min_delta": "0, 0.0001, 0.001",
}  # fmt: skip


def preset(name: str, graph: Graph) -> Axis:
    """What a ready-made sweep varies, on a grid."""
    if name == "race":  # those that work by themselves need all rows at once
        return Axis(OPTIMIZER, tuple(n for n, row in OPTIMIZERS.items() if row.program))
    if name == "restarts":
        return Axis(SEED, low=0, high=RESTARTS - 1, whole=True)
    rate = graph.recipe.stages[0].learning_rate or 0.1
    return Axis(
        RATE, low=float(f"{rate / 100:.3g}"), high=float(f"{rate * 10:.3g}"), log=True, points=7
    )


def usual(variable: Variable) -> str:
    """What a setting tries until a person says something else."""
    if variable.kind == "choice":
        return ", ".join(variable.choices)
    name = variable.name.rpartition(".")[2]
    if name in _USUAL:
        return _USUAL[name]
    now = float(variable.now) if not isinstance(variable.now, str) else 0.0
    if variable.kind == "whole":
        return ", ".join(
            str(n) for n in dict.fromkeys((max(int(now) // 2, 1), int(now) or 2, 2 * int(now) or 4))
        )
    if now > 0:
        return f"{value_text(float(f'{now / 10:.3g}'))}..{value_text(float(f'{now * 10:.3g}'))}"
    return "0..1" if now == 0 else f"{value_text(2 * now)}..0"


class AxisLine(QWidget):
    """One setting: which, and what it tries. `changed` tells of either, `removed` that it goes."""

    changed = Signal()
    removed = Signal()

    def __init__(self, known: dict[str, Variable], axis: Axis) -> None:
        super().__init__()
        self.known = known
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.field = CalmList()
        self.field.setAccessibleName(tr("Setting"))
        self.field.setFixedHeight(HEIGHT)
        self.field.setMinimumWidth(64)
        self.field.setMaxVisibleItems(16)
        for name in known:
            self.field.addItem(title(name), name)
        self.field.setCurrentIndex(max(self.field.findData(axis.field), 0))
        self.field.activated.connect(self._another)
        self.values = Field()
        self.values.setFixedHeight(HEIGHT)
        self.values.setAccessibleName(tr("What it tries"))
        self.values.setPlaceholderText(tr("0.001..1 or 0.1, 0.3"))
        self.values.committed.connect(self._typed)
        self.choose = QToolButton()
        self.choose.setText("▾")
        self.choose.setProperty("flat", True)
        self.choose.setFixedSize(HEIGHT, HEIGHT)
        self.choose.setToolTip(tr("Choose some of them"))
        self.choose.setAccessibleName(tr("Choose some of them"))
        self.choose.clicked.connect(self._menu)
        self.log = QCheckBox(tr("Log"))
        self.log.setToolTip(tr("Spread over powers, as 0.01, 0.1, 1"))
        self.log.toggled.connect(self._ticked)
        gone = QToolButton()
        gone.setText("×")
        gone.setProperty("flat", True)
        gone.setFixedSize(HEIGHT, HEIGHT)
        gone.setToolTip(tr("Do not vary it"))
        gone.setAccessibleName(tr("Do not vary it"))
        gone.clicked.connect(self.removed)
        self.gone = gone
        self.field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.field.setMaximumWidth(240)
        self.values.setMaximumWidth(460)
        last = QWidget()  # one width, so that what stands behind it is aligned
        last.setFixedWidth(52)
        inner = QHBoxLayout(last)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.choose)
        inner.addWidget(self.log)
        inner.addStretch(1)
        row.addWidget(self.field, 2)
        row.addWidget(self.values, 3)
        row.addWidget(last)
        row.addWidget(gone)
        row.addStretch(1)
        self.show_axis(axis)

    @property
    def variable(self) -> Variable:
        return self.known[str(self.field.currentData())]

    def show_axis(self, axis: Axis) -> None:
        """Another setting, or the same with other values."""
        self.log.blockSignals(True)
        self.log.setChecked(axis.log)
        self.log.blockSignals(False)
        text = replace(axis, log=False).text if axis.values or axis.low != axis.high else ""
        self.values.show_text(text.replace(",", ", ").replace(":whole", ""))
        self._offer()

    def axis(self) -> Axis:
        """What is shown. Raises ValueError with a sentence."""
        text = self.values.text().strip()
        log = ":log" if self.log.isChecked() and ".." in text and ":log" not in text else ""
        return Axis.parse(f"{self.variable.name}={text}{log}")

    def _offer(self) -> None:
        words = self.variable.kind == "choice"
        self.choose.setVisible(words)
        self.log.setVisible(not words)
        self.log.setEnabled(".." in self.values.text())

    def _another(self) -> None:
        variable = self.variable
        text = usual(variable)
        self.values.setModified(False)
        self.values.show_text(text)
        self.log.blockSignals(True)
        self.log.setChecked(
            variable.kind == "number" and ".." in text and not text.startswith("0..")
        )
        self.log.blockSignals(False)
        self._offer()
        self.changed.emit()

    def _typed(self) -> None:
        self._offer()
        self.changed.emit()

    def _ticked(self) -> None:
        self.changed.emit()

    def _menu(self) -> None:
        """The choices with a tick at those that are tried."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen = {part.strip() for part in self.values.text().split(",")}
        for name in self.variable.choices:
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(name in chosen)
        menu.triggered.connect(self._chosen)
        menu.popup(self.choose.mapToGlobal(QPoint(0, self.choose.height())))

    def _chosen(self) -> None:
        menu = self.sender()
        assert isinstance(menu, QMenu)
        names = [action.text() for action in menu.actions() if action.isChecked()]
        self.values.show_text(", ".join(names))
        self.changed.emit()


class SweepSetup(QWidget):
    """Lines of settings and what else a sweep needs. `changed` tells that it is another sweep."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.graph = Graph()
        self.lines: list[AxisLine] = []
        self._known: dict[str, Variable] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        self.ready = Controls(6)
        self.presets: dict[str, QPushButton] = {}
        for name, words in PRESETS:
            button = QPushButton(tr(words))
            button.setObjectName(name)
            button.setFixedHeight(HEIGHT)
            button.clicked.connect(self._preset)
            self.presets[name] = button
            self.ready.add_widget(button)
        column.addWidget(self.ready)
        inside = QWidget()
        self._rows = QVBoxLayout(inside)
        self._rows.setContentsMargins(0, 0, 6, 0)
        self._rows.setSpacing(4)
        self.add = QPushButton(tr("+ Add a setting"))
        self.add.setProperty("flat", True)
        self.add.setFixedHeight(HEIGHT)
        self.add.clicked.connect(self.add_line)
        self._rows.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self._rows.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        inside.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)
        column.addWidget(area, 1)
        self.options = Controls(12)
        self.options.add_choice("search", tr("Search"))
        self.options.choices["search"].setToolTip(
            tr("Every combination, draws, or draws that learn from the trials before")
        )
        self.options.changed.connect(self._told)
        self.trials = self._spin(1, MAX_TRIALS, 20, tr("Trials"))
        self.epochs = self._spin(0, 1_000_000, 0, tr("Epochs"))
        self.epochs.setSpecialValueText(tr("recipe's"))
        self.options.add_tick("prune", tr("Give up early"))
        self.options.ticks["prune"].setToolTip(
            tr("Ends a trial that is worse than half of the earlier ones were at that time")
        )
        column.addWidget(self.options)
        self._search: Search = "grid"
        self.options.show_choice("search", self._searches(), self._search)

    def _spin(self, low: int, high: int, value: int, label: str) -> QSpinBox:
        spin = CalmCount()
        spin.setRange(low, high)
        spin.setValue(value)
        spin.setAccessibleName(label)
        spin.setFont(theme.number_font(11))
        spin.setFixedHeight(HEIGHT)
        spin.setMinimumWidth(64)
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(self._told)
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        caption = QLabel(label)
        caption.setProperty("role", "muted")
        caption.setFont(theme.ui_font(11))
        row.addWidget(caption)
        row.addWidget(spin)
        self.options.add_widget(box)
        return spin

    @staticmethod
    def _searches() -> list[tuple[str, str]]:
        return [(name, tr(_SEARCHES[name])) for name in SEARCHES]

    # ------------------------------------------------------------ what is shown

    def show_graph(self, graph: Graph) -> None:
        """The settings of another document, or of this one as it is now; lines stay where they can."""
        self.graph = graph
        known = variables(graph)
        if list(known) != list(self._known):
            kept = self.axes_shown()
            self._known = known
            self.show_axes([axis for axis in kept if axis.field in known])
        self._known = known
        if not self.lines and known:
            self.show_axes([preset("race", graph)])

    def lines_forgotten(self) -> None:
        """Another document: nothing of the last one's settings stays."""
        self._known = {}
        self.show_axes(())

    def axes_shown(self) -> list[Axis]:
        """The lines that can be read."""
        found = []
        for line in self.lines:
            try:
                found.append(line.axis())
            except ValueError:
                continue
        return found

    def show_axes(self, axes: Sequence[Axis]) -> None:
        for line in self.lines:
            line.setParent(None)
            line.deleteLater()
        self.lines = []
        for axis in axes:
            self._put(axis)
        self.changed.emit()

    def show_sweep(self, sweep: Sweep) -> None:
        """What an earlier sweep varied."""
        self._search = sweep.search
        self.options.show_choice("search", self._searches(), sweep.search)
        self.trials.setValue(sweep.trials)
        self.epochs.setValue(sweep.epochs or 0)
        self.options.show_tick("prune", sweep.prune)
        self.show_axes([axis for axis in sweep.axes if axis.field in self._known])
        self._told()

    def sweep(self) -> Sweep:
        """What is shown. Raises ValueError with a sentence."""
        axes = tuple(line.axis() for line in self.lines)
        epochs = self.epochs.value() or None
        prune = self.options.ticks["prune"].isChecked()
        made = Sweep(axes, self._search, self.trials.value(), 0, epochs, prune)
        return made.settled(self.graph)

    # ------------------------------------------------------------ what a person does

    def choose_preset(self, name: str) -> None:
        """A ready-made sweep in place of what is shown."""
        self._search = "grid"
        self.options.show_choice("search", self._searches(), "grid")
        self.show_axes([preset(name, self.graph)])
        self._told()

    def _preset(self) -> None:
        self.choose_preset(self.sender().objectName())

    def add_line(self) -> None:
        """Another setting that is varied: the first that is not yet."""
        taken = {line.variable.name for line in self.lines}
        free = [n for n in (RATE, *self._known) if n not in taken and n in self._known]
        if free:
            variable = self._known[free[0]]
            text = usual(variable)
            log = ":log" if variable.name == RATE and ".." in text else ""
            self._put(Axis.parse(f"{variable.name}={text}{log}"))
            self.changed.emit()

    def _put(self, axis: Axis) -> None:
        line = AxisLine(self._known, axis)
        line.changed.connect(self._told)
        line.removed.connect(self._remove)
        self._rows.insertWidget(len(self.lines), line)
        self.lines.append(line)

    def _remove(self) -> None:
        line = self.sender()
        assert isinstance(line, AxisLine)
        self.lines.remove(line)
        line.setParent(None)
        line.deleteLater()
        self.changed.emit()

    def _told(self, *_: object) -> None:
        found = self.options.choices["search"].currentData()
        self._search = next(name for name in SEARCHES if name == found)
        self.trials.setEnabled(self._search != "grid")
        self.changed.emit()
