"""The dialog of a person's own operator: its formula, its derivatives and its checks, live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import help as pages
from app.text import sentence, tr
from app.view import theme
from app.view.mathematics import MathLabel
from engine.check import Failure, cases_of, own_checks
from engine.expression import ExpressionError, names, parse_expression
from engine.graph import GraphError, OwnOperator
from engine.latex import latex_name
from engine.ops.row import Op
from engine.own import MAX_OPERANDS

PAUSE_MS, SLICE_MS = 250, 1
PREVIEW = 560, 196
"""Pixels of the typeset formula and its derivatives, whatever they are: a tick moves no row."""
_NOT_FINITE = "its value is not a finite number where it was tried; change a setting or the formula"
Made = Callable[[OwnOperator], Op]
"""The row that an operator would be in the document. Raises GraphError."""


class OperatorDialog(QDialog):
    """Asks for an operator; `operator` is what stands in it, `op` its row while that is a good one."""

    def __init__(self, parent: QWidget, made: Made, operator: OwnOperator | None = None) -> None:
        super().__init__(parent)
        self.op: Op | None = None
        self._made = made
        self._checks: Iterator[list[Failure]] | None = None
        self._checked = 0
        self._defaults = dict(operator.settings) if operator else {}
        self.setWindowTitle(tr("Edit operator") if operator else tr("New operator"))
        self._build(operator)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._begin_checks)
        self._slice = QTimer(self)
        self._slice.setInterval(SLICE_MS)
        self._slice.timeout.connect(self._check_on)
        self._names_changed()
        (self.formula if operator else self.name).setFocus()

    # ------------------------------------------------------------ building

    def _build(self, operator: OwnOperator | None) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(14)
        layout.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)  # as tall as its rows
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(10)
        form.setColumnMinimumWidth(0, 76)
        form.setColumnStretch(1, 1)
        self.name = QLineEdit(operator.name if operator else "")
        self.name.setPlaceholderText(tr("What formulas call it, as in bump"))
        self.formula = QLineEdit(operator.formula if operator else "")
        self.formula.setPlaceholderText(tr("As in exp(-x^2 / (2 * s^2))"))
        self.formula.setFont(theme.number_font(13))
        self.about = QLineEdit(operator.doc if operator else "")
        self.about.setPlaceholderText(tr("One sentence for the palette; may be empty"))
        fields = ((tr("Name"), self.name), (tr("Formula"), self.formula))
        for row, (label, field) in enumerate((*fields, (tr("About"), self.about))):
            form.addWidget(_muted(label), row, 0)
            form.addWidget(field, row, 1)
            field.setMinimumHeight(30)
            field.setAccessibleName(label)
        layout.addLayout(form)
        self.reads = QWidget()
        self._grid = QGridLayout(self.reads)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnMinimumWidth(0, 76)
        self._grid.setColumnMinimumWidth(1, 72)
        self._grid.setColumnStretch(3, 1)
        self._rows: dict[str, tuple[QCheckBox, QLineEdit]] = {}
        self.reads.hide()
        layout.addWidget(self.reads)
        self.preview = QScrollArea()
        self.preview.setWidget(self._preview())
        self.preview.setWidgetResizable(True)
        self.preview.setFixedSize(*PREVIEW)
        self.preview.setFrameShape(QFrame.Shape.NoFrame)
        self.preview.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout.addWidget(self.preview)
        layout.addWidget(self.verdict)
        self.buttons = QDialogButtonBox()
        self.ok = self.buttons.addButton(
            tr("Change") if operator else tr("Add"), QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.ok.setDefault(True)
        self.buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout.addWidget(self.buttons)
        self.formula.textChanged.connect(self._names_changed)
        self.name.textChanged.connect(self._changed)
        self.about.textChanged.connect(self._changed)

    def _preview(self) -> QWidget:
        box = QFrame()
        box.setProperty("role", "plot")
        inside = QVBoxLayout(box)
        inside.setContentsMargins(16, 12, 16, 12)
        inside.setSpacing(8)
        self.typeset = MathLabel(15)
        self.derivatives = [MathLabel(13, "gradient") for _ in range(MAX_OPERANDS)]
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.verdict.setFixedHeight(34)
        self.verdict.setAccessibleName(tr("Whether its derivatives are right"))
        for part in (self.typeset, *self.derivatives):
            inside.addWidget(part)
        inside.addStretch(1)
        return box

    # ------------------------------------------------------------ following what is typed

    def operator(self) -> OwnOperator:
        """What is typed. Raises GraphError for a setting that is no number."""
        settings = {}
        for name, (chosen, line) in self._rows.items():
            if chosen.isChecked():
                try:
                    settings[name] = float(line.text().strip().replace("−", "-"))
                except ValueError:
                    raise GraphError(f"the setting {name} is a number, as 0.5") from None
        return OwnOperator(
            self.name.text().strip(),
            self.formula.text().strip(),
            self.about.text().strip(),
            settings,
        )

    def _names_changed(self) -> None:
        """The names that the formula reads, each an operand or a setting."""
        try:
            found = names(parse_expression(self.formula.text()))
        except ExpressionError:
            text = self.formula.text()  # half typed: the names before stay, unless they are called
            found = [n for n in self._rows if not re.search(rf"\b{re.escape(n)}\s*\(", text)]
        found = [name for name in found if name != "pi"][:MAX_OPERANDS]
        if found != list(self._rows):
            self._show_names(found)
        self._changed()

    def _show_names(self, found: list[str]) -> None:
        for name, (chosen, line) in self._rows.items():
            if chosen.isChecked():
                self._defaults[name] = _number(line.text(), 1.0)
            else:
                self._defaults.pop(name, None)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._rows = {}
        for row, name in enumerate(found):
            self._grid.addWidget(_muted(tr("Reads") if row == 0 else ""), row, 0)
            label = MathLabel(14)
            label.set_formula(latex_name(name), name)
            chosen = QCheckBox(tr("is a setting with the value"))
            chosen.setChecked(name in self._defaults)
            line = QLineEdit(f"{self._defaults.get(name, 1.0):g}")
            line.setFixedWidth(96)
            line.setEnabled(chosen.isChecked())
            line.setAccessibleName(f"{tr('Value of')} {name}")
            chosen.setAccessibleName(f"{name} {chosen.text()}")
            chosen.toggled.connect(line.setEnabled)
            chosen.toggled.connect(self._changed)
            line.textChanged.connect(self._changed)
            self._grid.addWidget(label, row, 1)
            self._grid.addWidget(chosen, row, 2)
            self._grid.addWidget(line, row, 3)
            self._rows[name] = chosen, line
        self.reads.setVisible(bool(found))

    def _changed(self) -> None:
        self._pause.stop()
        self._slice.stop()
        self.op = None
        fault = ""
        if self.formula.text().strip():
            try:
                self.op = self._made(self.operator())
            except GraphError as error:
                fault = str(error)
        self._show()
        named = bool(self.name.text().strip())
        self.ok.setEnabled(self.op is not None and named)
        if fault:
            self._tell(f"⚠  {sentence(fault)}", "error")
        elif self.op is None:
            self._tell(tr("Its derivatives are derived from the formula as you type."), "muted")
        else:
            self._tell(tr("Checking…"), "muted")
            self._pause.start()

    def _show(self) -> None:
        self.typeset.setVisible(self.op is not None)
        lines = pages.derivatives(self.op) if self.op is not None else []
        if self.op is not None:
            formula = pages.formula(self.op)
            self.typeset.set_formula(formula.latex, formula.text)
        for index, label in enumerate(self.derivatives):
            label.setVisible(index < len(lines))
            if index < len(lines):
                label.set_formula(lines[index].latex, lines[index].text)

    def _tell(self, text: str, role: str) -> None:
        self.verdict.setText(text)
        self.verdict.setProperty("role", role)
        self.verdict.style().unpolish(self.verdict)
        self.verdict.style().polish(self.verdict)

    # ------------------------------------------------------------ checks

    def _begin_checks(self) -> None:
        assert self.op is not None
        self._checks, self._checked = own_checks(self.op), 0
        self._slice.start()

    def _check_on(self) -> None:
        """One case at a time, so that typing goes on."""
        assert self._checks is not None and self.op is not None
        failures = next(self._checks, None)
        if failures is None:
            self._slice.stop()
            good = tr(f"✓  Its derivatives agree with differences, in {self._checked} cases.")
            none = tr("It could not be checked: no shapes were found that fit its operands.")
            self._tell(good if self._checked else none, "value" if self._checked else "muted")
            return
        self._checked += 1
        if failures:
            self._slice.stop()
            detail = failures[0].detail
            if re.search(r"\b(nan|inf)\b", detail):
                self.ok.setEnabled(False)
                detail = tr(_NOT_FINITE)
            self._tell(f"⚠  {sentence(detail)}", "error")
        else:
            self._tell(f"{tr('Checking…')} {self._checked}/{len(cases_of(self.op))}", "muted")

    @property
    def checking(self) -> bool:
        return self._pause.isActive() or self._slice.isActive()


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    return label


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise
