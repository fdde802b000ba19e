"""The training panel: commands, the recipe and the live curve of the loss."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import sentence, tr
from app.view import theme
from app.view.panels.controls import Field
from app.worker import Progress
from engine import edits
from engine.graph import GraphError
from engine.train.optimizers import OPTIMIZERS
from engine.train.problem import has_parameters, unfinished

MAX_POINTS = 4000
LOW = 110
"""The height of the panel while there is nothing to train."""
_BUTTONS = (
    ("train.train", "Train"), ("train.step", "Step"), ("train.pause", "Pause"),
    ("train.reset", "Reset"),
)  # fmt: skip
_NUMBERS = (
    ("learning_rate", "learning rate", float), ("batch_size", "batch size", int),
    ("epochs", "epochs", int),
)  # fmt: skip


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
        """Takes the points of a message; every other one is dropped when there are too many."""
        self.train += [(s, v) for s, v in progress.points if math.isfinite(v)]
        held = progress.metrics.get("validation", {})
        loss = next(iter(held.values()), math.nan)
        if math.isfinite(loss):
            self.validation.append((progress.step, loss))
        for points in (self.train, self.validation):
            if len(points) > MAX_POINTS:
                del points[1:-1:2]
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
            line.setSymbol("o" if len(points) == 1 else None)  # a line needs two


class TrainingPanel(QWidget):
    """Commands go out through `asked`; the recipe is edited like everything else."""

    asked = Signal(str)
    refused = Signal(str)
    rate_changed = Signal(float)
    csv_asked = Signal()
    status_told = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.running = False
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 0, 12, 12)
        layout.setSpacing(8)
        self.curve = Curve()
        layout.addWidget(self.curve, 1)
        self.tools = QWidget()
        tools = QVBoxLayout(self.tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(8)
        foot = QHBoxLayout()
        self.metrics = QLabel()
        self.metrics.setWordWrap(True)
        self.metrics.setFont(theme.number_font(11))
        self.log = QCheckBox(tr("log scale"))
        self.log.setToolTip(tr("Logarithmic scale for the loss"))
        self.log.toggled.connect(self.curve.set_log)
        foot.addWidget(self.metrics, 1)
        foot.addWidget(self.log)
        tools.addLayout(foot)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setProperty("role", "error")
        self.message.hide()
        layout.addWidget(self.message)
        tools.addLayout(self._build_buttons())
        tools.addLayout(self._build_recipe())
        layout.addWidget(self.tools)
        self._meaning = session.root.meaning
        session.opened.join(self._opened)
        session.document_changed.join(self.refresh)
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(350, LOW if self.tools.isHidden() else 350)

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.buttons: dict[str, QPushButton] = {}
        for action_id, title in _BUTTONS:
            button = QPushButton(tr(title))
            button.setObjectName(action_id)
            button.setMinimumHeight(30)
            button.clicked.connect(self._pressed)
            self.buttons[action_id] = button
            row.addWidget(button, 1)
        self.buttons["train.train"].setProperty("primary", True)
        return row

    def _build_recipe(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        self.optimizer = QComboBox()
        for name, row in OPTIMIZERS.items():
            self.optimizer.addItem(tr(row.label), name)
            self.optimizer.setItemData(
                self.optimizer.count() - 1, tr(row.doc), Qt.ItemDataRole.ToolTipRole
            )
        self.optimizer.setAccessibleName(tr("Optimizer"))
        self.optimizer.activated.connect(self._choose_optimizer)
        self.fields: dict[str, Field] = {}
        cells: list[tuple[str, QWidget]] = [("optimizer", self.optimizer)]
        for name, title, _ in _NUMBERS:
            field = Field()
            field.setObjectName(name)
            field.setAccessibleName(tr(title))
            field.committed.connect(self._set_number)
            self.fields[name] = field
            cells.append((title, field))
        self.fields["batch_size"].setToolTip(tr("Rows a step; all takes every row at once"))
        for number, (title, widget) in enumerate(cells):
            label = QLabel(tr(title))
            label.setProperty("role", "muted")
            label.setFont(theme.ui_font(11))
            grid.addWidget(label, number // 2 * 2, number % 2)
            grid.addWidget(widget, number // 2 * 2 + 1, number % 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self.csv = QPushButton(tr("Choose CSV…"))
        self.csv.clicked.connect(self.csv_asked)
        grid.addWidget(self.csv, 4, 0, 1, 2)
        return grid

    # ------------------------------------------------------------ showing

    def refresh(self) -> None:
        """Shows the recipe and which commands there are now."""
        graph = self.session.root
        recipe = graph.recipe.stages[0]
        self.optimizer.setCurrentIndex(max(self.optimizer.findData(recipe.optimizer), 0))
        self.fields["learning_rate"].show_text(f"{recipe.learning_rate:g}")
        self.fields["batch_size"].show_text(str(recipe.batch_size) if recipe.batch_size else "all")
        self.fields["epochs"].show_text(str(recipe.epochs))
        self.csv.setVisible(any(s.kind == "csv" for s in graph.sources.values()))
        if not self.running and graph.meaning != self._meaning:
            self.show_message("")  # it was about another document
        self._meaning = graph.meaning
        trainable = has_parameters(graph)
        nothing = tr("Add a parameter and a loss to train them.")
        missing = unfinished(graph) if trainable else nothing
        self._set_low(not trainable and not self.running and not self.curve.train)
        self.curve.empty.setText(
            sentence(missing) if missing else tr("The loss appears here while training runs.")
        )
        ready = {"train.pause": self.running, "train.reset": trainable and not self.running}
        for action_id, button in self.buttons.items():
            button.setEnabled(ready.get(action_id, not missing and not self.running))
        for widget in (self.optimizer, self.fields["batch_size"], self.fields["epochs"], self.csv):
            widget.setEnabled(not self.running)

    def _set_low(self, low: bool) -> None:
        """With nothing to train the panel is one sentence, and leaves its room to the others."""
        self.tools.setHidden(low)
        room = self.sizePolicy()
        room.setVerticalPolicy(QSizePolicy.Policy.Maximum if low else QSizePolicy.Policy.Preferred)
        self.setSizePolicy(room)

    def set_running(self, on: bool) -> None:
        self.running = on
        self.refresh()

    def take(self, progress: Progress) -> None:
        """Shows one message of the training process."""
        self.curve.add(progress)
        if progress.step:
            loss = theme.number_text(progress.loss)
            self.status_told.emit(f"{tr('epoch')} {progress.epoch}   {tr('batch loss')} {loss}")
        if progress.metrics:
            self.metrics.setText(_metrics_text(progress))
        self.show_message(progress.message)

    def show_message(self, text: str) -> None:
        self.message.setText(f"⚠ {sentence(text)}" if text else "")
        self.message.setVisible(bool(text))

    def clear(self) -> None:
        self.curve.clear()
        self.metrics.setText("")
        self.status_told.emit("")
        self.show_message("")

    def _opened(self) -> None:
        self.clear()
        if has_parameters(self.session.root):
            self.curve.prepare()
        self.refresh()

    def restyle(self) -> None:
        self.curve.restyle()

    # ------------------------------------------------------------ edits

    def _pressed(self) -> None:
        self.asked.emit(self.sender().objectName())

    def _choose_optimizer(self) -> None:
        name = str(self.optimizer.currentData())
        if name != self.session.root.recipe.stages[0].optimizer:
            rate = OPTIMIZERS[name].learning_rate
            self._do(optimizer=name, settings={}, learning_rate=rate)

    def _set_number(self, text: str) -> None:
        field = self.sender()
        assert isinstance(field, Field)
        name, title, kind = next(row for row in _NUMBERS if row[0] == field.objectName())
        words = "0" if name == "batch_size" and text.strip() == "all" else text.strip()
        try:
            value = kind(words)
        except ValueError:
            self.refused.emit(f"the {title} is a number, not {words!r}")
            field.restore()
            return
        if self.running and name == "learning_rate":
            self.rate_changed.emit(value)
        self._do(**{name: value})

    def _do(self, **changes: Any) -> None:
        try:
            label = tr("Change the recipe")
            self.session.do_outside(edits.set_recipe(self.session.root, **changes), label)
        except GraphError as error:
            self.refused.emit(str(error))
            self.refresh()


def _metrics_text(progress: Progress) -> str:
    """A row for the training rows and one for those held out, a column a metric."""
    parts = (("train", tr("━ train")), ("validation", tr("╌ held out")))
    rows = [(title, progress.metrics.get(part, {})) for part, title in parts]
    names = list(dict.fromkeys(name for _, values in rows for name in values))
    table = [["", *names]]
    for title, values in rows:
        if values:
            table.append(
                [title, *(theme.number_text(values[n]) if n in values else "" for n in names)]
            )
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for line in table:
        cells = [text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True)]
        lines.append("  ".join([line[0].ljust(widths[0]), *cells]))
    return "\n".join(lines).replace(" ", "\u00a0")
