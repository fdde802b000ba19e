"""Jacobian and Hessian of what is chosen: every derivative by every entry, as a table and in colours."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import pretty_name, sentence, tr
from app.view import theme
from app.view.calm import CalmList
from app.view.panels.matrix_table import MatrixTable
from engine.flatten import expand
from engine.matrices import Matrix, MatrixError, hessian, jacobian

SLICE = 0.012
"""Seconds of computing between two looks at the window's events."""
WAIT_MS = 120
"""How long nothing has to change before the numbers are computed anew."""
FEW = 64
"""So many entries of inputs are taken unless a person chooses others."""
KINDS = ("jacobian", "hessian")


class Derivatives(QWidget):
    """Follows the session while it is seen. `status_told` says how large the matrix is."""

    status_told = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.matrix: Matrix | None = None
        self._picked: tuple[str, ...] | None = None
        self._place: Any = None
        self._again, self._meaning = False, -1
        self.output = CalmList()
        self.output.setAccessibleName(tr("What is differentiated"))
        self.output.setToolTip(tr("What is differentiated"))
        self.output.activated.connect(self._output_chosen)
        self._chosen_output: str | None = None
        self.inputs = QToolButton()
        self.inputs.setAccessibleName(tr("By what it is differentiated"))
        self.inputs.setToolTip(tr("By what it is differentiated"))
        self.inputs.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.inputs)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.menu.triggered.connect(self._input_toggled)
        self.inputs.setMenu(self.menu)
        self.kinds = QButtonGroup(self)
        self.tables = {
            "jacobian": MatrixTable(1, tr("Jacobian")), "hessian": MatrixTable(2, tr("Hessian")),
        }  # fmt: skip
        self.stack = QStackedWidget()
        self.message = QLabel()
        self.message.setProperty("role", "muted")
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.entry = QLabel()
        self.entry.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.entry.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.entry.setMinimumWidth(1)
        self.colours = QPushButton(tr("Colours only"))
        self.colours.setCheckable(True)
        self.colours.toggled.connect(self._colours_toggled)
        self.copy = QPushButton(tr("Copy"))
        self.copy.setToolTip(tr("Copies the matrix as a table that a spreadsheet takes"))
        self.copy.clicked.connect(self._copy)
        self._build()
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(WAIT_MS)
        self._wait.timeout.connect(self.refresh)
        self._work = QTimer(self)
        self._work.setInterval(0)
        self._work.timeout.connect(self._advance)
        session.opened.join(self._opened)
        session.place_changed.join(self._opened)
        session.evaluated.join(self._soon)
        session.document_changed.join(self._soon)
        session.selection_changed.join(self._selected)
        self.restyle()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 12, 12)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(6)
        for text, widget in (("∂", self.output), (tr("by"), self.inputs)):
            said = QLabel(text)
            said.setProperty("role", "muted")
            head.addWidget(said)
            head.addWidget(widget, 1)
        column.addLayout(head)
        row = QHBoxLayout()
        row.setSpacing(6)
        for kind, title in zip(KINDS, (tr("Jacobian"), tr("Hessian")), strict=True):
            button = QPushButton(title)
            button.setCheckable(True)
            button.setObjectName(kind)
            self.kinds.addButton(button)
            row.addWidget(button)
        self.kinds.buttons()[0].setChecked(True)
        self.kinds.buttonClicked.connect(self.refresh)
        row.addStretch(1)
        row.addWidget(self.colours)
        row.addWidget(self.copy)
        column.addLayout(row)
        for table in (*self.tables.values(), self.message):
            self.stack.addWidget(table)
        for table in self.tables.values():
            table.pointed.connect(self._pointed)
            table.chosen.connect(self._cell_chosen)
        column.addWidget(self.stack, 1)
        column.addWidget(self.entry)

    # ------------------------------------------------------------ what is chosen

    @property
    def kind(self) -> str:
        return next(b.objectName() for b in self.kinds.buttons() if b.isChecked())

    def show_kind(self, kind: str) -> None:
        """Jacobian or Hessian; a Hessian is the document's output's where another has none."""
        chosen, specs = self._chosen_output, self.session.evaluation.specs
        if kind == "hessian" and chosen and chosen in specs and specs[chosen].shape:
            self._chosen_output = None
        button = next(b for b in self.kinds.buttons() if b.objectName() == kind)
        button.click()

    @property
    def table(self) -> MatrixTable:
        return self.tables[self.kind]

    def _floats(self) -> list[str]:
        """Nodes with floats, in order."""
        graph, specs = self.session.graph, self.session.evaluation.specs
        return [n for n in graph.order() if n in specs and specs[n].kind == "float"]

    @property
    def differentiated(self) -> str | None:
        """The node that is differentiated: the one chosen, else the output of what is looked at."""
        floats = self._floats()
        for node_id in (self._chosen_output, self.session.evaluation.output):
            if node_id in floats:
                return node_id
        return floats[-1] if floats else None

    def candidates(self) -> list[str]:
        """What it may be differentiated by: everything it depends on, sources first."""
        output = self.differentiated
        if output is None:
            return []
        graph = self.session.graph
        above = graph.ancestors(output)
        found = [n for n in self._floats() if n in above]
        return sorted(found, key=lambda n: not graph.op(n).is_source)

    @property
    def by(self) -> tuple[str, ...]:
        """The nodes it is differentiated by: those chosen, else the sources as far as they are few."""
        known = self.candidates()
        if self._picked is not None:
            kept = tuple(n for n in known if n in self._picked)
            if kept:
                return kept
        graph, specs = self.session.graph, self.session.evaluation.specs
        free = [n for n in known if graph.op(n).is_source and graph.nodes[n].op != "constant"]
        taken: list[str] = []
        entries = 0
        for node_id in free or known:
            size = specs[node_id].size
            if taken and entries + size > FEW:
                break
            taken.append(node_id)
            entries += size
        return tuple(taken)

    def _output_chosen(self, index: int) -> None:
        self._chosen_output = self.output.itemData(index)
        self.refresh()

    def _fill_menu(self) -> None:
        self.menu.clear()
        chosen = self.by
        specs = self.session.evaluation
        for node_id in self.candidates():
            shape = specs.shape_text(node_id)
            name = pretty_name(self.session.graph.name(node_id))
            action = QAction(f"{name}  {shape}" if shape else name, self.menu)
            action.setCheckable(True)
            action.setChecked(node_id in chosen)
            action.setData(node_id)
            self.menu.addAction(action)

    def _input_toggled(self, action: QAction) -> None:
        node_id = action.data()
        chosen = [n for n in self.by if n != node_id]
        self._picked = (*chosen, node_id) if action.isChecked() else tuple(chosen) or None
        self.refresh()

    def _selected(self) -> None:
        """A selected node that computes is what is differentiated; selected sources are what by."""
        graph, chosen = self.session.graph, self.session.selection
        computed = [n for n in chosen if not graph.op(n).is_source]
        sources = [n for n in chosen if graph.op(n).is_source]
        if len(computed) == 1:
            self._chosen_output = computed[0]
        if sources:
            self._picked = tuple(sources)
        if computed or sources:
            self._soon()

    def _opened(self) -> None:
        self._chosen_output = self._picked = None
        self._soon()

    # ------------------------------------------------------------ computing

    def _soon(self) -> None:
        """Computes anew in a moment, however often it is asked. Where only numbers move, as in
        training, what is being computed is finished first."""
        if not self.isVisible():
            return
        if self._work.isActive() and self._meaning == self.session.root.meaning:
            self._again = True
        elif not self._wait.isActive():
            self._wait.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Begins to compute what is chosen at the point that is shown."""
        self._wait.stop()
        self._work.stop()
        self._again, self._meaning = False, self.session.root.meaning
        if not self.isVisible():
            return
        self._fill_outputs()
        self.entry.setText("")
        output, by = self.differentiated, self.by
        graph, found = self.session.graph, self.session.evaluation
        names = ", ".join(pretty_name(graph.name(n)) for n in by)
        self.inputs.setText(names if len(names) < 24 else tr("{} values").format(len(by)))
        self.inputs.setEnabled(bool(self.candidates()))
        if output is None or not by:
            self._say(
                tr("Nothing to differentiate yet. Build a graph from an input, or type a formula.")
                if output is None
                else tr("{} depends on nothing that could change.").format(
                    pretty_name(graph.name(output))
                )
            )
            return
        if output in found.failed or output in found.waiting or output in found.faults:
            self._say(
                tr("{} has no value yet, so it has no derivatives; mend it first.").format(
                    pretty_name(graph.name(output))
                )
            )
            return
        try:
            self.matrix = self._begun(output, by)
        except ValueError as error:
            self._say(str(error))
            return
        self.table.entries.show(self.matrix)
        self.stack.setCurrentWidget(self.table)
        self.copy.setEnabled(True)
        self.colours.setEnabled(True)
        self._work.start()

    def _begun(self, output: str, by: tuple[str, ...]) -> Matrix:
        whole, graph = self.session.whole, self.session.graph
        expansion = expand(whole.graph, whole.feeds)
        step = self.session.evaluation.step_of
        steps = {graph.name(n): step(n) for n in by}
        for name, found in steps.items():
            if found not in expansion.nodes:
                raise MatrixError(
                    tr("{} is a number that nothing computes; choose another").format(name)
                )
        result = expansion.results.get(step(output), step(output))
        if self.kind == "hessian":
            return hessian(expansion, result, steps)
        return jacobian(expansion, {graph.name(output): result}, steps)

    def _advance(self) -> None:
        """Some more rows; the window goes on between them."""
        matrix = self.matrix
        if matrix is None:
            self._work.stop()
            return
        try:
            whole = matrix.advance(SLICE)
        except ValueError as error:
            self._work.stop()
            self._say(str(error))
            return
        self.table.entries.progress()
        rows, columns = len(matrix.rows), len(matrix.columns)
        size = f"{rows} × {columns}"
        self.status_told.emit(size if whole else f"{size} · {100 * matrix.done // rows} %")
        if whole:
            self._work.stop()
            self._say_scale()
            if self._again:
                self._wait.start()

    def _fill_outputs(self) -> None:
        graph, floats = self.session.graph, self._floats()
        key = [(n, graph.name(n)) for n in floats if not graph.op(n).is_source]
        if key != self._place:
            self._place = key
            self.output.clear()
            for node_id, name in reversed(key):
                self.output.addItem(pretty_name(name), node_id)
        self.output.setCurrentIndex(self.output.findData(self.differentiated))
        self.output.setEnabled(bool(key))

    def _say(self, text: str) -> None:
        self.matrix = None
        self.message.setText(sentence(text))
        self.stack.setCurrentWidget(self.message)
        self.copy.setEnabled(False)
        self.colours.setEnabled(False)
        self.status_told.emit("")

    # ------------------------------------------------------------ looking

    def _colours_toggled(self, on: bool) -> None:
        for table in self.tables.values():
            table.show_numbers(not on)

    def _pointed(self, row: int, column: int) -> None:
        model = self.table.entries
        if row < 0 or self.matrix is None:
            self._say_scale()
            return
        self.entry.setText(str(model.index(row, column).data(Qt.ItemDataRole.ToolTipRole)))

    def _say_scale(self) -> None:
        """What the strongest colours mean, while nothing is pointed at."""
        end = self.table.entries.largest if self.matrix is not None else 0.0
        number = theme.number_text(end)
        self.entry.setText(tr("colours from −{} to {}").format(number, number) if end else "")

    def _cell_chosen(self, row: int, column: int) -> None:
        """Selects nothing else than the value that is differentiated by, and keeps what is shown."""
        if self.matrix is None:
            return
        name, _ = self.matrix.columns.entry(column)
        node_id = self.session.graph.id_of(name)
        if node_id is not None:
            kept = self._picked, self._chosen_output
            self.session.select((node_id,))
            self._picked, self._chosen_output = kept

    def _copy(self) -> None:
        """The matrix with its names, columns apart by tabs, in full precision."""
        if self.matrix is None:
            return
        matrix = self.matrix
        columns, rows = range(len(matrix.columns)), range(len(matrix.rows))
        lines = ["\t".join(["", *(matrix.columns.label(k) for k in columns)])]
        for i in rows:
            numbers = (theme.exact_text(float(v)) for v in matrix.values[i])
            lines.append("\t".join([matrix.rows.label(i), *numbers]))
        QGuiApplication.clipboard().setText("\n".join(lines) + "\n")

    def restyle(self) -> None:
        self.entry.setFont(theme.number_font(11))
        for table in self.tables.values():
            table.viewport().update()

    def sizeHint(self) -> QSize:
        return QSize(356, 320)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 160)
