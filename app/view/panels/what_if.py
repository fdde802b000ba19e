"""What if: a number is tried out, the output follows, and its tangent says how far it would."""

from __future__ import annotations

import math
import time
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import pretty_name, tr
from app.view import theme
from app.view.canvas.changes import parse_value
from app.view.panels.drag_number import DragNumber
from app.view.panels.entry_picker import EntryGrid
from app.view.panels.sensitivity_table import Row, SensitivityTable
from app.view.panels.slope_plot import Point, SlopePlot
from app.view.what_if import Trial, WhatIf
from engine import what_if
from engine.graph import GraphError
from engine.shapes import shape_text
from engine.what_if import Handle

POINTS = 121
"""So many points of the line are computed."""
SLICE = 0.008
"""Seconds of computing between two looks at the window's events."""
SLOW = 0.03
"""Seconds from which on the table waits until the number rests."""
WAIT_MS = 40
TICKS = 1000
ROOMY = 280  # in less height the curve makes way for the table


class WhatIfPanel(QWidget):
    """Follows the session while it is seen. `status_told` says what the output is now."""

    status_told = Signal(str)

    def __init__(self, session: Session, tries: WhatIf) -> None:
        super().__init__()
        self.session, self.tries = session, tries
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._picked: Handle | None = None
        self._trial: Trial | None = None
        self._key: Any = None
        self._reach = 1.0
        self._took = 0.0
        self._curve: list[tuple[float, float]] = []
        self._todo: list[float] = []
        self.name, self.was = QLabel(), QLabel()
        self.field, self.plot, self.table = DragNumber(), SlopePlot(), SensitivityTable()
        self.entries = EntryGrid()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.back = QPushButton(tr("Back"))
        self.cells = {name: (QLabel(), QLabel()) for name in ("output", "said", "gap")}
        self.message = QLabel()
        self.stack = QStackedWidget()
        self._build()
        self._connect()
        self._wait = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._work = QTimer(self, interval=0)
        self._wait.timeout.connect(self.refresh)
        self._work.timeout.connect(self._advance)
        self.restyle()

    # ------------------------------------------------------------ building

    def _build(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 8, 12, 8)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(8)
        self.name.setMinimumWidth(24)
        self.was.setProperty("role", "muted")
        self.field.setMaximumWidth(140)
        self.back.setToolTip(tr("Back to where it began"))
        self.back.setAccessibleName(tr("Back to where it began"))
        for widget in (self.name, self.field, self.was):
            head.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self.back)
        column.addLayout(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(0)
        for place, (caption, number) in enumerate(self.cells.values()):
            caption.setProperty("role", "muted")
            number.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            number.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            grid.addWidget(caption, 0, place)
            grid.addWidget(number, 1, place)
        grid.setColumnStretch(0, 1)
        column.addLayout(grid)
        line = QHBoxLayout()
        line.setSpacing(8)
        along = QVBoxLayout()
        along.addWidget(self.plot, 1)
        along.addWidget(self.slider)
        line.addLayout(along, 1)
        line.addWidget(self.entries, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(line)
        self.slider.setRange(0, TICKS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setAccessibleName(tr("The number that is tried out"))
        column.addWidget(self.table, 4)
        self.message.setProperty("role", "muted")
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setContentsMargins(24, 12, 24, 12)
        self.stack.addWidget(page)
        self.stack.addWidget(self.message)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.stack)

    def _connect(self) -> None:
        session, tries, field, table = self.session, self.tries, self.field, self.table
        session.evaluated.join(self._soon)
        session.selection_changed.join(self._selected)
        session.place_changed.join(self._elsewhere)
        session.opened.join(self._elsewhere)
        tries.changed.connect(self._soon)
        field.began.connect(self._begin)
        field.dragged.connect(tries.by)
        field.ended.connect(tries.end)
        field.given_up.connect(tries.cancel)
        field.stepped.connect(self._step)
        field.typed.connect(self._type)
        self.plot.began.connect(self._begin)
        self.plot.dragged.connect(self._pull)
        self.plot.ended.connect(tries.end)
        self.entries.picked.connect(self._pick)
        self.slider.sliderPressed.connect(self._begin)
        self.slider.sliderMoved.connect(self._slide)
        self.slider.sliderReleased.connect(tries.end)
        self.slider.actionTriggered.connect(self._slider_stepped)
        self.back.clicked.connect(tries.reset)
        table.chosen.connect(self._choose)
        table.began.connect(tries.begin)
        table.dragged.connect(tries.by)
        table.ended.connect(tries.end)
        table.given_up.connect(tries.cancel)

    def restyle(self) -> None:
        self.name.setFont(theme.ui_font(15, 600, italic=True))
        self.was.setFont(theme.number_font(11))
        for caption, number in self.cells.values():
            caption.setFont(theme.ui_font(10))
            number.setFont(theme.number_font(12))
        tokens = theme.current()
        colours = (tokens.value, tokens.accent, tokens.text)
        for (_, number), colour in zip(self.cells.values(), colours, strict=True):
            number.setStyleSheet(f"color: {colour.name()};")
        self.plot.update()
        self.table.viewport().update()

    def sizeHint(self) -> QSize:
        return QSize(350, 420)

    def minimumSizeHint(self) -> QSize:
        return QSize(260, 200)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.plot.setVisible(self.height() >= ROOMY)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon()

    # ------------------------------------------------------------ what it is about

    def _soon(self) -> None:
        if self.isVisible() and not self._wait.isActive():
            self._wait.start()

    def _elsewhere(self) -> None:
        self._picked = None
        self._soon()

    def _selected(self) -> None:
        if self._picked is not None and self._picked.node not in self.session.selection:
            self._picked = None
        self._soon()

    def _handle(self) -> Handle | None:
        """What is tried out, else the row clicked, else the selected node's number, else the first."""
        graph = self.session.graph
        trial = self.tries.trial
        if trial is not None:
            return trial.handle
        if self._picked is not None and what_if.number(graph, self._picked) is not None:
            return self._picked
        for node_id in reversed(self.session.selection):
            handle = self.tries.handle_of(node_id)
            if handle is not None:
                return handle
        rows = self.table.model_.rows
        return rows[0].handle if rows else None

    def _choose(self, handle: Handle) -> None:
        trial = self.tries.trial
        if trial is not None and trial.handle != handle:
            self.tries.stop()
        self._picked = handle
        self.session.select((handle.node,))
        self._soon()

    def _pick(self, entry: tuple[int, ...]) -> None:
        """Another entry of the tensor is tried out from now on."""
        handle = self._handle()
        if handle is not None and handle.entry:
            self._choose(Handle(handle.node, "", entry))
            self.refresh()

    # ------------------------------------------------------------ what is done

    def _begin(self) -> None:
        self.refresh()
        if (handle := self._handle()) is not None:
            self.tries.begin(handle)

    def _step(self, notches: float, fine: bool) -> None:
        if (handle := self._handle()) is not None:
            self.tries.nudge(handle, notches, fine)

    def _type(self, text: str) -> None:
        if (handle := self._handle()) is None:
            return
        try:
            value = parse_value(self.tries.name_of(handle), text)
            if value.shape:
                raise GraphError(tr("one number is tried out at a time; type a single one"))
        except ValueError as error:
            self.tries.refused.emit(str(error))
            return
        self.tries.type(handle, float(value))

    def _pull(self, value: float) -> None:
        self.tries.to(_short(value))

    def _slide(self, tick: int) -> None:
        low, high = self._span
        self.tries.to(_short(low + (high - low) * tick / TICKS))

    def _slider_stepped(self, action: int) -> None:
        """Arrow keys and clicks beside the handle; a drag is told by its own signals."""
        if action != QSlider.SliderAction.SliderMove.value and not self.slider.isSliderDown():
            handle = self._handle()
            low, high = self._span
            value = _short(low + (high - low) * self.slider.sliderPosition() / TICKS)
            if handle is not None:
                self.tries.type(handle, value)

    # ------------------------------------------------------------ what is shown

    def refresh(self) -> None:
        """Shows the numbers as they are now."""
        self._wait.stop()
        if not self.isVisible():
            return
        session, tries = self.session, self.tries
        if tries.training:
            self._say(tr("While it trains its values move by themselves; pause it to try one out."))
            return
        output = self._output_name()
        if not (tries.going_on and self._took > SLOW and self.table.model_.rows):
            began = time.perf_counter()
            self.table.model_.take(self._rows(), output, tries.going_on)
            self._took = time.perf_counter() - began
        handle = self._handle()
        if handle is None:
            self._tell_empty()
            return
        if not self._prepare(handle):
            return
        self.stack.setCurrentIndex(0)
        trial = self._trial
        assert trial is not None
        self.table.show_current(handle.node, handle.port)
        value = what_if.number(session.graph, handle)
        value = math.nan if value is None else value
        moved = tries.trial is trial and value != trial.start
        self.name.setText(trial.name)
        self.field.setAccessibleName(trial.name)
        self.field.show_number(value)
        was = tr("was {value}").format(value=theme.number_text(trial.start))
        self.was.setText(was if moved else "")
        self.back.setEnabled(moved)
        held = session.graph.tensors.get(handle.node) if handle.entry else None
        self.entries.setVisible(held is not None)
        if held is not None:  # a start that is drawn anew is not held
            self.entries.show_entries(held, handle.entry, "value")
        self._show_numbers(trial, output, moved)
        self._show_line(trial, value, output, moved)

    def _rows(self) -> list[Row]:
        session, tries = self.session, self.tries
        graph, found = session.graph, session.evaluation
        rows = []
        shown = tries.trial.handle if tries.trial is not None else self._picked
        for one in what_if.sensitivities(graph, found):
            handle = one.handle
            if shown is not None and (handle.node, handle.port) == (shown.node, shown.port):
                handle = shown
            value = what_if.number(graph, handle)
            if value is None:
                continue
            shape = "" if handle.port else shape_text(graph.tensors[handle.node].shape)
            name = tries.name_of(Handle(handle.node, handle.port))
            rows.append(Row(handle, name, shape, value, one, tries.output))
        return rows

    def _output_name(self) -> str:
        root = self.session.root
        output = root.output()
        return "" if output is None else pretty_name(root.name(output))

    def _tell_empty(self) -> None:
        graph = self.session.graph
        if not graph.nodes:
            text = tr(
                "The values that the output depends on are listed here, the one that moves it most"
                " first. Type a formula, or add an input and an operator."
            )
        else:
            text = self.session.evaluation.note or tr(
                "Nothing that the output depends on is a number that can be changed here."
            )
        self._say(text)

    def _say(self, text: str) -> None:
        self._work.stop()
        self._trial, self._key = None, None
        self.message.setText(text)
        self.stack.setCurrentIndex(1)
        self.status_told.emit("")

    def _prepare(self, handle: Handle) -> bool:
        """The trial that is shown: the one that goes on, else one as it would begin here."""
        tries, session = self.tries, self.session
        key: Any = tries.trial
        if tries.trial is None:
            key = (handle, session.place, id(session.whole), session.root.meaning)
        if self._trial is not None and (key is self._key or key == self._key):
            return True
        try:
            trial = tries.trial or tries.prepared(handle)
        except GraphError as error:
            self._say(str(error))
            return False
        before = self._trial
        if before is None or (before.handle, before.place) != (trial.handle, trial.place):
            self._curve = []
        self._trial, self._key = trial, key
        self._reach = max(10 * what_if.step_at(trial.start, trial.whole), abs(trial.start))
        self._sample()
        return True

    @property
    def _span(self) -> tuple[float, float]:
        start = 0.0 if self._trial is None else self._trial.start
        return start - self._reach, start + self._reach

    def _show_numbers(self, trial: Trial, output: str, moved: bool) -> None:
        now, said = self.tries.output, self.tries.predicted
        before = theme.number_text(trial.output)
        known = not math.isnan(now) and trial.along is not None
        gap = now - said
        texts = {
            "output": (output, f"{before} → {theme.number_text(now)}" if moved else before),
            "said": (tr("tangent says"), theme.number_text(said) if moved and known else "–"),
            "gap": (tr("gap"), theme.number_text(gap) if moved and known else "–"),
        }  # fmt: skip
        for name, (caption, number) in self.cells.items():
            caption.setText(texts[name][0])
            number.setText(texts[name][1] if not math.isnan(now) else "–")
        self.cells["output"][1].setToolTip(repr(now))
        self.status_told.emit("" if math.isnan(now) else f"{output} = {theme.number_text(now)}")

    def _show_line(self, trial: Trial, value: float, output: str, moved: bool) -> None:
        if abs(value - trial.start) > self._reach:
            self._reach = 1.25 * abs(value - trial.start)
            self._sample()
        low, high = self._span
        self.slider.setEnabled(high > low and math.isfinite(value))
        if not self.slider.isSliderDown() and self.slider.isEnabled():
            self.slider.blockSignals(True)
            self.slider.setValue(round(TICKS * (value - low) / (high - low)))
            self.slider.blockSignals(False)
        start = now = None
        if trial.along is not None:
            start = Point(trial.start, *trial.along.at(0.0))
            now = Point(value, *trial.along.at(value - trial.start))
            if math.isnan(start.y):
                start = now = None
        self.plot.show_points(start, now, moved)
        self.plot.show_line(self._span, self._curve, output)

    # ------------------------------------------------------------ the line, in pieces

    def _sample(self) -> None:
        """Every point anew, the middle first: the old ones stay until there are others."""
        low, high = self._span
        places = [low + (high - low) * i / (POINTS - 1) for i in range(POINTS)]
        trial = self._trial
        if trial is not None and trial.whole:
            places = sorted({float(round(x)) for x in places})
        self._todo = sorted(places, key=lambda x: -abs(x - (low + high) / 2))
        self._fresh: list[tuple[float, float]] = []
        self._work.start()

    def _advance(self) -> None:
        trial, until = self._trial, time.perf_counter() + SLICE
        if trial is None or trial.along is None or not self.isVisible():
            self._work.stop()
            return
        while self._todo:
            x = self._todo.pop()
            self._fresh.append((x, trial.along.at(x - trial.start)[0]))
            if time.perf_counter() > until:
                break
        done, curve = not self._todo, sorted(self._fresh)
        if done:
            self._work.stop()
            self._curve = curve
        if done or not self._curve:
            self.plot.show_line(self._span, curve, self.plot.output)


def _short(value: float) -> float:
    """As many digits as a pointer can mean."""
    return float(f"{value:.4g}")
