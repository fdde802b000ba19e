"""The training panel: commands, how far it is, the live curve of the loss, rate and speed."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.messages import Progress
from app.session import Session
from app.text import sentence, tr
from app.view import theme
from app.view.calm import CalmList
from app.view.panels.controls import Field
from app.view.panels.curve import Curve
from engine import edits
from engine.graph import GraphError, check_recipe
from engine.train.problem import has_parameters, unfinished

LOW = 110
"""The height of the panel while there is nothing to train."""
ACROSS = 4
"""So many metrics stand side by side; more stand one below the other."""
LEAST = 56
"""The least height of the curve; with less room for it, it is not there."""
_BUTTONS = (
    ("train.train", "Train"), ("train.pause", "Pause"), ("train.step", "Step"),
    ("train.epoch", "Epoch"), ("train.stop", "Stop"), ("train.reset", "Reset"),
)  # fmt: skip
_WHILE_RUNNING = frozenset({"train.pause", "train.stop"})
SPEEDS = (0, 1, 2, 5, 10, 30, 100, 1000)
"""Steps a second to choose from; 0 is as fast as it goes."""


class TrainingPanel(QWidget):
    """Commands go out through `asked`; `live` carries fields of the stage at work and their new values,
    `speed_changed` steps a second (0: no limit).
    `grew` tells that there is something to train now, which takes more room."""

    asked = Signal(str)
    refused = Signal(str)
    live = Signal(int, object)
    speed_changed = Signal(float)
    status_told = Signal(str)
    grew = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.running = False
        self.stage = self._total = 0
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 4, 12, 12)
        layout.setSpacing(8)
        self.tools = QWidget()
        tools = QVBoxLayout(self.tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(6)
        tools.addLayout(self._build_buttons())
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName(tr("How much of the recipe is done"))
        self.place = QLabel()
        self.place.setProperty("role", "muted")
        self.place.setFont(theme.ui_font(11))
        tools.addWidget(self.bar)
        tools.addWidget(self.place)
        layout.addWidget(self.tools)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.hide()
        layout.addWidget(self.message)
        self.curve = Curve()
        layout.addWidget(self.curve, 1)
        self.metrics = QLabel()
        self.metrics.setWordWrap(True)
        self.metrics.setFont(theme.number_font(11))
        self.metrics.hide()
        layout.addWidget(self.metrics)
        self.foot = self._build_foot()
        layout.addWidget(self.foot)
        self._meaning = session.root.meaning
        session.opened.join(self._opened)
        session.document_changed.join(self.refresh)
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(350, LOW if self.tools.isHidden() else 350)

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.buttons: dict[str, QPushButton] = {}
        for action_id, title in _BUTTONS:
            button = QPushButton(tr(title))
            button.setObjectName(action_id)
            button.setMinimumHeight(28)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setProperty("tight", True)
            button.clicked.connect(self._pressed)
            self.buttons[action_id] = button
            row.addWidget(button, 1)
        self.buttons["train.train"].setProperty("primary", True)
        self.buttons["train.pause"].setProperty("primary", True)
        return row

    def _build_foot(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        label = QLabel(tr("learning rate"))
        label.setProperty("role", "muted")
        label.setFont(theme.ui_font(11))
        field = Field()
        field.setObjectName("learning_rate")
        field.setAccessibleName(tr("learning rate"))
        field.setToolTip(tr("Of this stage; while it trains, from the next step on"))
        field.setFixedWidth(72)  # a rate is read whole; the list beside it gives way
        field.committed.connect(self._set_rate)
        self.fields = {"learning_rate": field}
        self.speed = CalmList()
        self.speed.setAccessibleName(tr("Speed"))
        self.speed.setToolTip(tr("Steps a second, to watch them"))
        self.speed.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.speed.setMinimumContentsLength(5)
        for speed in SPEEDS:
            words = tr("{count} a second").format(count=f"{speed:,}") if speed else tr("full speed")
            self.speed.addItem(words, speed)
        self.speed.activated.connect(self._set_speed)
        self.log = QCheckBox(tr("log y"))
        self.log.setToolTip(tr("Logarithmic scale for the loss"))
        self.log.toggled.connect(self.curve.set_log)
        row.addWidget(label)
        row.addWidget(field)
        row.addWidget(self.speed, 1)
        row.addWidget(self.log)
        return box

    # ------------------------------------------------------------ showing

    def refresh(self) -> None:
        """Shows the recipe's rate and which commands there are now."""
        graph = self.session.root
        stages = graph.recipe.stages
        self.stage = min(self.stage, len(stages) - 1)
        self.fields["learning_rate"].show_text(f"{stages[self.stage].learning_rate:.10g}")
        if not self.running and graph.meaning != self._meaning:
            self._forget_place()  # it was about another document
        self._meaning = graph.meaning
        trainable = has_parameters(graph)
        nothing = tr("Add a parameter and a loss to train them, or set trainable on an input.")
        missing = unfinished(graph) if trainable else nothing
        self._set_low(not trainable and not self.running and not self.curve.train)
        self.curve.empty.setText(
            sentence(missing) if missing else tr("The loss appears here while training runs.")
        )
        ready = dict.fromkeys(_WHILE_RUNNING, self.running)
        ready["train.reset"] = trainable and not self.running
        for action_id, button in self.buttons.items():
            button.setEnabled(ready.get(action_id, not missing and not self.running))
        self.buttons["train.train"].setHidden(self.running)
        self.buttons["train.pause"].setHidden(not self.running)

    def _set_low(self, low: bool) -> None:
        """With nothing to train the panel is one sentence, and leaves its room to the others."""
        self.tools.setHidden(low)
        self.foot.setHidden(low)
        self._take_room()
        self._fit()

    def _take_room(self) -> None:
        """Low only while it is seen: the panels behind it need more."""
        low = self.tools.isHidden() and self.isVisible()
        room, before = self.sizePolicy(), self.sizePolicy().verticalPolicy()
        room.setVerticalPolicy(QSizePolicy.Policy.Maximum if low else QSizePolicy.Policy.Preferred)
        self.setSizePolicy(room)
        if before is QSizePolicy.Policy.Maximum and not low:
            self.grew.emit()

    def _fit(self) -> None:
        """What is told comes first: with little room the curve is lower, then gone, then the numbers."""
        layout = self.layout()
        assert layout is not None
        sides = layout.contentsMargins()
        width = self.width() - sides.left() - sides.right()
        told = bool(self.metrics.text())
        heights = {
            part: part.heightForWidth(width)
            if part.hasHeightForWidth()
            else part.sizeHint().height()
            for part in (self.tools, self.message, self.metrics, self.foot)
            if (told if part is self.metrics else not part.isHidden())
        }
        gap = layout.spacing()
        room = self.height() - sides.top() - sides.bottom() - sum(heights.values())
        room -= gap * len(heights)
        self.metrics.setVisible(told and room >= -gap)
        self.curve.setVisible(room >= LEAST)
        self.curve.setMinimumHeight(max(min(room, 96), LEAST))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._take_room()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._take_room()

    def set_running(self, on: bool) -> None:
        self.running = on
        self.refresh()

    def take(self, progress: Progress) -> None:
        """Shows one message of the training process."""
        self.curve.add(progress)
        if progress.step:
            loss = theme.number_text(progress.loss)
            self.status_told.emit(f"{tr('epoch')} {progress.epoch:,}   {tr('batch loss')} {loss}")
        self._show_place(progress)
        if progress.metrics:
            self.metrics.setText(_metrics_text(progress))
        if progress.message:  # it stays until training begins again
            self.show_message(progress.message, progress.state in ("failed", "ended"))

    def _show_place(self, progress: Progress) -> None:
        """Stage, step and speed, and the share of the recipe that is done."""
        stages = self.session.root.recipe.stages
        words = [tr("step {count}").format(count=f"{progress.step:,}")]
        if len(stages) > 1:
            stage = stages[min(progress.stage, len(stages) - 1)]
            words.insert(
                0,
                tr("stage {number} of {count} {title}")
                .format(number=progress.stage + 1, count=len(stages), title=stage.title)
                .strip(),
            )
        if self.running and progress.rate:
            words.append(tr("{rate} steps a second").format(rate=f"{progress.rate:,.0f}"))
        planned = stages[min(progress.stage, len(stages) - 1)].learning_rate
        if math.isfinite(progress.learning_rate) and progress.learning_rate != planned:
            words.append(tr("rate {rate}").format(rate=theme.number_text(progress.learning_rate)))
        self.place.setText("  ·  ".join(words))
        self._total = max(progress.total, self._total, 1)  # a single step asks for less
        self.bar.setRange(0, self._total)
        self.bar.setValue(min(progress.step, self._total))
        if progress.stage != self.stage:
            self.stage = progress.stage
            self.refresh()

    def show_message(self, text: str, wrong: bool = True) -> None:
        self.message.setProperty("role", "error" if wrong else "muted")
        self.message.style().polish(self.message)
        mark = "⚠ " if wrong else ""
        self.message.setText(mark + sentence(text) if text else "")
        self.message.setVisible(bool(text))
        self._fit()

    def warn(self, text: str) -> None:
        """Why a training that ended came to little; what it said itself comes first."""
        if not self.running and self.message.isHidden():
            self.show_message(text)

    def clear(self) -> None:
        self.curve.clear()
        self.stage = 0
        self._forget_place()

    def _forget_place(self) -> None:
        """What is told is no longer about the document."""
        self.metrics.setText("")
        self.place.setText("")
        self.bar.reset()
        self._total = 0
        self.status_told.emit("")
        self.show_message("")

    def _opened(self) -> None:
        self.clear()
        if has_parameters(self.session.root):
            self.curve.prepare()
        self.refresh()

    def restyle(self) -> None:
        self.curve.restyle()

    # ------------------------------------------------------------ what a person does

    def _pressed(self) -> None:
        self.asked.emit(self.sender().objectName())

    def _set_speed(self) -> None:
        self.speed_changed.emit(float(self.speed.currentData()))

    def _set_rate(self, text: str) -> None:
        field = self.fields["learning_rate"]
        words = text.strip().replace("−", "-")
        try:
            value = float(words)
        except ValueError:
            self.refused.emit(f"the learning rate is a number, not {words!r}")
            field.restore()
            return
        recipe = self.session.root.recipe.changed(self.stage, learning_rate=value)
        try:
            check_recipe(recipe)
            if self.running:
                self.live.emit(self.stage, {"learning_rate": value})
            self.session.do_outside(edits.set_setting("recipe", recipe), tr("Change the recipe"))
        except GraphError as error:
            self.refused.emit(str(error))
            self.refresh()


def _metrics_text(progress: Progress) -> str:
    """A row for the training rows and one for those held out, a column a metric; of many metrics a row
    each, so that the table stays narrow."""
    parts = (("train", tr("━ train")), ("validation", tr("╌ held out")))
    rows = [(title, values) for part, title in parts if (values := progress.metrics.get(part))]
    names = list(dict.fromkeys(name for _, values in rows for name in values))
    table = [["", *names]]
    for title, values in rows:
        table.append([title, *(theme.number_text(values[n]) if n in values else "" for n in names)])
    if len(names) > ACROSS:
        table = [list(column) for column in zip(*table, strict=True)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for line in table:
        cells = [text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True)]
        lines.append("  ".join([line[0].ljust(widths[0]), *cells]))
    return "\n".join(lines).replace(" ", "\u00a0")
