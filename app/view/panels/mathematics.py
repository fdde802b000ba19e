"""The mathematics of what is looked at: its function, its derivatives in closed form, a node's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QMouseEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import formulas
from app.session import Session
from app.text import pretty_name, sentence, tr
from app.view import theme
from app.view.calm import CalmList
from app.view.mathematics import LONGEST, MathLabel
from app.view.panels import facts
from engine.closed_form import ClosedForm, Line, Style, TooLong
from engine.expression import Number, Tree
from engine.latex import latex_name
from engine.shapes import ShapeError, shape_text

SLICE = 0.012
"""Seconds of typesetting between two looks at the window's events."""
WAIT_MS = 60
LINES = 40
"""So many lines of one formula are typeset."""
SIZE, INDENT = 14, 40
_STYLES: tuple[tuple[Style, str, str], ...] = (
    ("shared", "Names for what is shared", "A part that is read twice has a name and a line"),
    ("every", "Every node by its name", "Each node has a line of its own"),
    ("inputs", "Over the inputs alone", "One formula without other names"),
)


class FormulaLine(MathLabel):
    """A line of a formula in its full size; the panel scrolls. A click selects the node it is of."""

    def __init__(self, size: float = SIZE) -> None:
        super().__init__(size)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.clicked: Callable[[], None] | None = None

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def click_with(self, chosen: Callable[[], None]) -> None:
        self.clicked = chosen
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.clicked is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked()


class MathematicsPanel(QWidget):
    """Follows the session while it is seen; written and typeset in pieces. `told` carries a sentence
    for the person."""

    told = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.lines: list[FormulaLine] = []
        self.values: dict[str, QLabel] = {}
        self.seconds: dict[str, QLabel] = {}
        self._key: Any = None
        self._work: Iterator[None] | None = None
        self.style_box = CalmList()
        self.style_box.setAccessibleName(tr("Which parts have a name"))
        for style, title, tip in _STYLES:
            self.style_box.addItem(tr(title), style)
            self.style_box.setItemData(
                self.style_box.count() - 1, tr(tip), Qt.ItemDataRole.ToolTipRole
            )
        self.style_box.activated.connect(self._restart)
        self.copy = QToolButton()
        self.copy.setText(tr("Copy"))
        self.copy.setToolTip(tr("Copies the function or its derivatives"))
        self.copy.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.copy)
        for name, title, slot in (
            ("function_latex", tr("Function as LaTeX"), self.copy_function),
            ("function_text", tr("Function as text"), self.copy_function_text),
            ("derivative_latex", tr("Derivatives as LaTeX"), self.copy_derivative),
            ("derivative_text", tr("Derivatives as text"), self.copy_derivative_text),
        ):
            self.menu.addAction(title, slot).setObjectName(name)
        self.copy.setMenu(self.menu)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 4, 4)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 8, 0)
        head.setSpacing(6)
        head.addWidget(self.style_box, 1)
        head.addWidget(self.copy)
        column.addLayout(head)
        column.addWidget(self.area, 1)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(WAIT_MS)
        self._wait.timeout.connect(self.refresh)
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)
        session.opened.join(self._soon)
        session.place_changed.join(self._soon)
        session.evaluated.join(self._soon)
        session.document_changed.join(self._soon)
        session.selection_changed.join(self._soon)
        self._fresh()

    def sizeHint(self) -> QSize:
        return QSize(350, 280)

    @property
    def style_chosen(self) -> Style:
        style: Style = self.style_box.currentData()
        return style

    @property
    def busy(self) -> bool:
        """Whether formulas are still to be written or typeset."""
        return self._work is not None or self._wait.isActive()

    # ------------------------------------------------------------ following

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon()

    def restyle(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._key = None
        self._soon()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stop()

    def _stop(self) -> None:
        """What was being written is about something else by now, or not seen."""
        if self._work is not None:
            self._work = self._key = None
            self._timer.stop()

    def _soon(self) -> None:
        if not self.isVisible():
            return
        if not self._is_current():
            self._stop()
        if not self._wait.isActive():
            self._wait.start()

    def _is_current(self) -> bool:
        """Whether the formulas are those of what is looked at, whatever the numbers are."""
        session, key = self.session, self._key
        steps = session.evaluation.expansion.nodes  # the same table while only values change
        now = (session.place, session.selection, self.style_chosen)
        return key is not None and key[0] is steps and key[1:] == now

    def refresh(self) -> None:
        """Writes the formulas anew where they may differ; else only the numbers."""
        if not self.isVisible():
            return
        if self._is_current():
            self._show_values()
            return
        session = self.session
        steps = session.evaluation.expansion.nodes
        self._key = (steps, session.place, session.selection, self.style_chosen)
        self._fresh()
        self._work = self._written()
        self._timer.start()

    def _go_on(self) -> None:
        until = time.perf_counter() + SLICE
        while self._work is not None and time.perf_counter() < until:
            try:
                next(self._work)
            except StopIteration:
                self._work = None
                self._timer.stop()
                self._show_values()

    # ------------------------------------------------------------ writing

    def _fresh(self) -> None:
        page = QWidget()
        page.setProperty("role", "panel")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(0, 4, 12, 12)
        self._column.setSpacing(6)
        self._column.addStretch(1)
        self.lines, self.values, self.seconds = [], {}, {}
        self.messages: list[QLabel] = []
        self._known: set[tuple[str, Tree]] = set()
        self.area.setWidget(page)

    def _written(self) -> Iterator[None]:
        session = self.session
        if not session.graph.nodes:
            self._say(tr("The function of the output and its derivatives will be written here."))
            return
        yield from self._node_part()
        yield
        self._title(tr("Function"))
        try:
            yield from self._form(formulas.function(session, self.style_chosen))
        except TooLong as error:
            self._say(sentence(str(error)))
        nodes, more = formulas.by(session)
        if not nodes:
            if session.evaluation.note:
                self._title(tr("Derivatives"))
                self._say(session.evaluation.note)
            return
        self._title(tr("Derivatives") if len(nodes) + more > 1 else tr("Derivative"))
        for node_id in nodes:
            yield
            try:
                form = formulas.derivative(session, node_id, self.style_chosen)
            except TooLong as error:
                name = pretty_name(session.graph.name(node_id))
                self._say(f"{name}: {error}")
                continue
            yield from self._form(form, node_id)
        if len(nodes) + more == 1:
            yield
            yield from self._second_part(nodes[0])
        if more:
            text = tr("and by {more} more; select nodes to see theirs")
            self._say(text.format(more=more))

    def _second_part(self, node_id: str) -> Iterator[None]:
        """The second derivative, of small documents."""
        try:
            form, _ = formulas.second(self.session, node_id, self.style_chosen)
        except (TooLong, ShapeError):
            return
        self._title(tr("Second derivative"))
        yield from self._form(form, node_id, second=True)

    def _node_part(self) -> Iterator[None]:
        """What the selected node computes, and its local derivatives."""
        session = self.session
        chosen = session.selection[-1] if session.selection else None
        if chosen is None or session.graph.op(chosen).is_source:
            return
        latex, text = facts.formula(session, chosen)
        name = session.graph.name(chosen)
        self._title(tr("Node {name}").format(name=pretty_name(name)))
        self._line(f"{latex_name(name)} = {latex}", f"{name} = {text}")
        yield
        for latex, text in facts.local_derivatives(session, chosen):
            self._line(latex, text)
            yield

    def _form(self, form: ClosedForm, node_id: str = "", second: bool = False) -> Iterator[None]:
        """A formula's lines, its value under the first one of a derivative; a node's line that an
        earlier formula had is left out."""
        new = [n for n in form.lines if not (n.step and (n.name, n.tree) in self._known)]
        self._known.update((n.name, n.tree) for n in new)
        for number, line in enumerate(new[:LINES]):
            beside = None if not number else tr("with") if number == 1 else ""
            self._line(form.latex_of(line), form.text_of(line), line, beside)
            if number == 0 and node_id and not isinstance(line.tree, Number):
                label = self._label("", "gradient", 12)
                (self.seconds if second else self.values)[node_id] = label
                label.setFont(theme.number_font(12))
                self._add(label)
                self._show_values()
            yield
        if len(new) > LINES:
            text = tr("and {more} more lines; Copy has all of them")
            self._say(text.format(more=len(new) - LINES))

    def _line(
        self, latex: str, text: str, line: Line | None = None, beside: str | None = None
    ) -> None:
        """A line, typeset; `beside` stands at its left, where it is one of several named parts."""
        node_id = self.session.evaluation.node_of(line.step) if line and line.step else None
        if len(latex) > LONGEST:  # too long to be typeset: in words, on several lines
            label = self._label(text, "", 11)
            label.setFont(theme.number_font(11))
            self._add(label)
            return
        made = FormulaLine()
        made.set_formula(latex, text)
        if node_id is not None and node_id in self.session.graph.nodes:
            made.click_with(_Selects(self.session, node_id))
        self.lines.append(made)
        if beside is None:
            self._add(made)
            return
        row = QWidget()
        across = QHBoxLayout(row)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        label = self._label(beside, "muted", 11)
        label.setWordWrap(False)
        label.setFixedWidth(INDENT)
        across.addWidget(label)
        across.addWidget(made, 1)
        self._add(row)

    def _title(self, text: str) -> None:
        label = self._label(text, "muted", 11)
        label.setFont(theme.ui_font(11, 600))
        if self._column.count() > 1:
            self._column.insertSpacing(self._column.count() - 1, 10)
        self._add(label)

    def _say(self, text: str) -> None:
        label = self._label(text, "muted", 12)
        self.messages.append(label)
        self._add(label)

    def _label(self, text: str, role: str, size: float) -> QLabel:
        label = QLabel(text)
        label.setProperty("role", role)
        label.setFont(theme.ui_font(size))
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return label

    def _add(self, widget: QWidget) -> None:
        self._column.insertWidget(self._column.count() - 1, widget)

    # ------------------------------------------------------------ numbers

    def _show_values(self) -> None:
        for node_id in self.values:
            self._show_value(node_id)
        for node_id, label in self.seconds.items():
            try:
                _, value = formulas.second(self.session, node_id)
            except TooLong:  # it has no gradient at these values
                label.setText("")
                continue
            label.setText(f"= {theme.number_text(value)}")
            label.setToolTip(theme.exact_text(value))

    def _show_value(self, node_id: str) -> None:
        array = self.session.evaluation.gradients.get(node_id)
        if array is None:
            self.values[node_id].setText("")
        elif array.ndim:
            self.values[node_id].setText(f"= [{shape_text(array.shape)}]")
        else:
            self.values[node_id].setText(f"= {theme.number_text(float(array))}")
            self.values[node_id].setToolTip(theme.exact_text(float(array)))

    # ------------------------------------------------------------ copying

    def copy_function(self) -> None:
        self._copy(latex=True, derivatives=False)

    def copy_function_text(self) -> None:
        self._copy(latex=False, derivatives=False)

    def copy_derivative(self) -> None:
        self._copy(latex=True, derivatives=True)

    def copy_derivative_text(self) -> None:
        self._copy(latex=False, derivatives=True)

    def _copy(self, latex: bool, derivatives: bool) -> None:
        session, style = self.session, self.style_chosen
        try:
            if derivatives:
                nodes = formulas.by(session)[0]
                forms = [formulas.derivative(session, n, style) for n in nodes]
            else:
                forms = [formulas.function(session, style)]
        except TooLong as error:
            self.told.emit(str(error))
            return
        if not forms:
            self.told.emit(session.evaluation.note or tr("no node here has a gradient"))
            return
        QGuiApplication.clipboard().setText(formulas.as_text(forms, latex))
        if not latex and any(form.only_derivatives_use for form in forms):
            self.told.emit(
                tr(
                    "copied; parts of it are used by derivatives only, so it cannot be typed as a formula"
                )
            )


class _Selects:
    """Selects a node when it is called."""

    def __init__(self, session: Session, node_id: str) -> None:
        self._session, self._node = session, node_id

    def __call__(self) -> None:
        self._session.select((self._node,))
