"""Why a gradient is what it is: its paths with their products, and the edge behind an odd one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import perf_counter

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.marks import Mark
from app.session import Session
from app.text import partial, pretty_name, tr
from app.view import icons, theme
from app.view.calm import CalmList
from app.view.mathematics import MathLabel
from app.view.panels.node_box import NodeBox
from app.view.panels.path_list import PathList, PathRow
from app.why import Lens
from engine.latex import latex_name, latex_number
from engine.shapes import shape_text

OWNER = "why"
SLICE = 0.012
"""Seconds of searching between two looks at the window's events."""
WAIT_MS = 60
"""So long changes are gathered before paths are looked for anew."""
_NAME = re.compile(r"\b(?:[^\W\d][\w.]*\d|d\d*_?[^\W\d]\w*_d\w+)\b(?!\()")
"""Names that are written otherwise: with a number, or of a derivative."""
_REST = 4  # times as long as a search took, nothing is looked for while values keep changing
PATIENCE_MS = 300
"""A search that takes longer is told."""


class Verdict(QFrame):
    """A sentence that can be chosen by a click or by Enter."""

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "verdict")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(tr("Selects the node that did it"))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(8)
        self._icon = QLabel()
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.sentence, 1)
        self.restyle()

    def show_sentence(self, text: str) -> None:
        self.sentence.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))

    def restyle(self) -> None:
        tokens = theme.current()
        self._icon.setPixmap(icons.pixmap("warning", tokens.warning, 16))
        ground = theme.blend(tokens.panel, tokens.warning, 0.10).name()
        edge = theme.blend(tokens.panel, tokens.warning, 0.45).name()
        self.setStyleSheet(
            f"QFrame[role=verdict] {{ background: {ground}; border: 1px solid {edge}; border-radius: 6px; }}"
            f"QFrame[role=verdict]:focus {{ border-color: {tokens.accent.name()}; }}"
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.rect().contains(event.position().toPoint()):
            self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)


class Why(QWidget):
    """Follows the session while it is seen, and marks the canvas as long as it is. `node_asked`
    carries the place and the node of an edge that was chosen."""

    status_told = Signal(str)
    node_asked = Signal(object, str)
    left = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.lens = Lens(session)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._task: Iterator[None] | None = None
        self._losses: list[tuple[str, str]] = []
        self._quiet = False
        self._begun = 0.0
        self._build()
        self._wait = self._timer(WAIT_MS, self.refresh, once=True)
        self._work = self._timer(0, self._advance)
        self._patience = self._timer(PATIENCE_MS, self._tell_of_search, once=True)
        session.opened.join(self._opened)
        session.place_changed.join(self._soon)
        session.evaluated.join(self._soon)
        session.document_changed.join(self._soon)
        session.selection_changed.join(self._selected)
        session.marks.leavers.append(self.leave)
        self.restyle()

    def _timer(self, milliseconds: int, slot: object, once: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(milliseconds)
        timer.setSingleShot(once)
        timer.timeout.connect(slot)
        return timer

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 12, 10)
        column.setSpacing(8)
        self.loss = CalmList()
        self.loss.setAccessibleName(tr("The loss: whose gradient it is"))
        self.loss.setToolTip(tr("The loss: whose gradient it is"))
        self.loss.activated.connect(self._loss_chosen)
        self.node = NodeBox(self.session)
        self.node.setAccessibleName(tr("The node: what the gradient is by"))
        self.node.setToolTip(tr("The node selected on the canvas"))
        self.node.chosen.connect(self._node_chosen)
        self.pin = QToolButton()
        self.pin.setCheckable(True)
        self.pin.setProperty("flat", True)
        self.pin.setAccessibleName(tr("Keep this node"))
        self.pin.setToolTip(tr("Keeps this node, whatever is selected"))
        self.pin.toggled.connect(self._pinned)
        head = QHBoxLayout()
        head.setSpacing(6)
        for text, widget, stretch in (("∂", self.loss, 1), (tr("by"), self.node, 1)):
            said = QLabel(text)
            said.setProperty("role", "muted")
            head.addWidget(said)
            head.addWidget(widget, stretch)
        head.addWidget(self.pin)
        column.addLayout(head)
        self.headline, self.count = MathLabel(15), QLabel()
        self.count.setProperty("role", "muted")
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.headline, 1)
        line.addWidget(self.count, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.verdict = Verdict()
        self.verdict.chosen.connect(self._cause_chosen)
        self.list = PathList()
        self.list.pointed.connect(self._pointed)
        self.list.left.connect(self._list_left)
        self.rest = QLabel()
        self.rest.setProperty("role", "muted")
        self.rest.setWordWrap(True)
        self.more = QPushButton(tr("Show more"))
        self.more.setProperty("flat", True)
        self.more.clicked.connect(self._more_asked)
        foot = QHBoxLayout()
        foot.addWidget(self.rest, 1)
        foot.addWidget(self.more)
        self.told = QWidget()
        inner = QVBoxLayout(self.told)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addLayout(line)
        inner.addWidget(self.verdict)
        inner.addWidget(self.list, 1)
        inner.addLayout(foot)
        self.message = QLabel()
        self.message.setProperty("role", "muted")
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.told)
        self.pages.addWidget(self.message)
        column.addWidget(self.pages, 1)

    def sizeHint(self) -> QSize:
        return QSize(356, 320)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 160)

    def restyle(self) -> None:
        self._show_pin()
        self.count.setFont(theme.ui_font(12))
        self.rest.setFont(theme.ui_font(11))
        self.verdict.restyle()

    def _show_pin(self) -> None:
        tokens = theme.current()
        self.pin.setIcon(icons.icon("pin", tokens.accent if self.pin.isChecked() else tokens.muted))

    # ------------------------------------------------------------ following

    def explain(self) -> None:
        """Explains the selected node, whatever was kept."""
        self.pin.setChecked(False)
        self._quiet = False
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._quiet = False
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stop()
        self._put(None)

    def leave(self) -> bool:
        """Takes the marks off the canvas until another node is selected; False if there are none."""
        if self.session.marks.of(OWNER) is None:
            return False
        self._quiet = True
        self._put(None)
        return True

    def _opened(self) -> None:
        self.lens.forget()
        self.pin.setChecked(False)
        self._soon()

    def _selected(self) -> None:
        if self.lens.pinned is None:
            self._quiet = False
            self.lens.want_few()
            self._soon()

    def _soon(self) -> None:
        """Not put off again by what changes meanwhile, so that numbers follow while it trains."""
        if self.isVisible() and not self._wait.isActive():
            self._wait.start()

    def _stop(self) -> None:
        for timer in (self._wait, self._work, self._patience):
            timer.stop()
        self._task = None

    def refresh(self) -> None:
        """Begins to look for the paths at the point that is shown."""
        self._stop()
        if self.isVisible():
            self._begun = perf_counter()
            self._fill()
            self._begin(self.lens.look())

    def _begin(self, task: Iterator[None]) -> None:
        self._task = task
        self._patience.start()
        self._work.start()
        self._advance()

    def _advance(self) -> None:
        """Some more of the search; the window goes on between the pieces."""
        until = perf_counter() + SLICE
        while self._task is not None:
            try:
                next(self._task)
            except StopIteration:
                self._work.stop()
                self._patience.stop()
                self._task = None
                self._show()
                spent = round(1000 * (perf_counter() - self._begun))
                self._wait.setInterval(max(WAIT_MS, _REST * spent))
                return
            if perf_counter() > until:
                return

    def _tell_of_search(self) -> None:
        self.status_told.emit(tr("searching …"))

    # ------------------------------------------------------------ showing

    def _fill(self) -> None:
        """What may be chosen, and what is."""
        session, lens = self.session, self.lens
        graph, found = session.graph, session.evaluation
        losses = [(found.step_of(n), graph.name(n)) for n in lens.losses]
        output = found.adjoints.output if found.adjoints is not None else ""
        if output and output not in (step for step, _ in losses):
            losses.append((output, lens.names[0]))
        if losses != self._losses:
            self._losses = losses
            self.loss.clear()
            for step, name in reversed(losses):
                self.loss.addItem(pretty_name(name), step)
        self.loss.setCurrentIndex(self.loss.findData(lens.loss or output))
        self.loss.setEnabled(bool(losses))
        target = lens.target
        self.node.show_node(target, pretty_name(lens.names[1]) if target is not None else "")
        self.node.setEnabled(bool(found.specs))
        self.pin.setEnabled(target is not None)

    def _show(self) -> None:
        lens = self.lens
        self.status_told.emit("")
        if lens.paths is None:
            self.message.setText(lens.message)
            self.pages.setCurrentWidget(self.message)
            self.list.take(())
            self._put(None)
            return
        self.pages.setCurrentWidget(self.told)
        self._show_headline()
        self.verdict.show_sentence(_readable(lens.cause.sentence) if lens.cause else "")
        self.list.take(self._rows())
        self.rest.setText(_true_minus(lens.footer))
        self.rest.setVisible(bool(lens.footer))
        self.more.setVisible(not lens.paths.complete)
        self._pointed(self.list.kept)

    def _show_headline(self) -> None:
        lens = self.lens
        paths = lens.paths
        assert paths is not None
        loss, node = lens.names
        symbol = rf"\frac{{\partial {latex_name(loss)}}}{{\partial {latex_name(node)}}}"
        text = partial(loss, node)
        gradient = paths.gradient if paths.count else None
        if gradient is None:
            latex, said = symbol, text
        elif isinstance(gradient, float):
            gradient += 0.0  # -0 is 0 to a reader
            latex = f"{symbol} = {latex_number(gradient, 4)}"
            said = f"{text} = {theme.number_text(gradient)}"
        else:
            size = lens.number(gradient).strip("‖")
            latex = rf"\left\|{symbol}\right\| = {latex_number(float(size), 4)}"
            said = f"‖{text}‖ = {size}"
        self.headline.set_formula(latex, said)
        sum_of = tr("sum of {paths}").format(paths=lens.counted)
        shape = shape_text(np.shape(gradient)) if gradient is not None and np.ndim(gradient) else ""
        said = lens.counted if paths.count == 1 else sum_of
        self.count.setText(f"{shape} · {said}" if shape else said)
        if not paths.count:
            self.count.setText(tr("no path"))

    def _rows(self) -> list[PathRow]:
        lens = self.lens
        paths = lens.paths
        assert paths is not None
        rows = [
            PathRow(
                lens.steps_of(path), _readable(lens.product(path)),
                _true_minus(lens.number(path.value)), lens.share(path.value),
            )
            for path in paths.found
        ]  # fmt: skip
        if not paths.complete:
            said = tr("all other paths together")
            rows.append(
                PathRow((), said, _true_minus(lens.number(paths.rest)), lens.share(paths.rest))
            )
        return rows

    # ------------------------------------------------------------ being used

    def _put(self, mark: Mark | None) -> None:
        self.session.marks.put(OWNER, mark)

    def _pointed(self, row: int) -> None:
        """Lights a path on the canvas, or shows all of them by their shares."""
        paths = self.lens.paths
        if paths is None or (self._quiet and row < 0):
            return
        self._quiet = False
        self._put(self.lens.mark(paths.found[row] if 0 <= row < len(paths.found) else None))

    def _list_left(self) -> None:
        self.leave()
        self.left.emit()

    def _loss_chosen(self, index: int) -> None:
        found = self.session.evaluation
        output = found.adjoints.output if found.adjoints is not None else None
        step = self.loss.itemData(index)
        self.lens.loss = None if step == output else step
        self.refresh()

    def _node_chosen(self, node_id: str) -> None:
        """Selects it, or keeps it in the place of the one that is kept."""
        if self.lens.pinned is None:
            self.session.select((node_id,))
        else:
            self.lens.pinned = self.session.evaluation.step_of(node_id)
            self.refresh()

    def _pinned(self, on: bool) -> None:
        self.lens.pinned = self.lens.target if on else None
        self._show_pin()
        self.node.setToolTip(
            tr("It is kept, whatever is selected") if on else tr("The node selected on the canvas")
        )
        if not on:
            self._selected()

    def _more_asked(self) -> None:
        if self._task is None:
            self.lens.want_more()
            self._begin(self.lens.go_on())

    def _cause_chosen(self) -> None:
        """Goes to the edge's node; what is explained stays what it is."""
        at = self.lens.cause_at()
        if at is not None:
            self.pin.setChecked(True)
            self.node_asked.emit(*at)


def _readable(text: str) -> str:
    """A sentence with names and signs as people write them: `h12` as h₁₂."""
    return _NAME.sub(lambda found: pretty_name(found[0]), _true_minus(text))


def _true_minus(text: str) -> str:
    """A minus before a digit as a sign of its own width."""
    parts = text.split("-")
    joined = parts[0]
    for part in parts[1:]:
        joined += ("−" if part[:1].isdigit() or part[:1] in "∞i" else "-") + part
    return joined
