"""The dialog that asks what is differentiated by what, how often, and tells how many nodes that adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.text import pretty_name, sentence, tr
from engine.gradient_graph import differentiated, outer_inputs
from engine.graph import Graph, GraphError
from engine.ops.row import Array

PAUSE_MS = 120
LAST_ORDER = 9
NODE = Qt.ItemDataRole.UserRole


class GradientDialog(QDialog):
    """Asks for an output, inputs, an order and whether equal nodes are shared. Enter accepts."""

    def __init__(
        self,
        parent: QWidget,
        graph: Graph,
        output: str,
        inputs: Sequence[str],
        shared: bool,
        feeds: Mapping[str, Array],
    ) -> None:
        super().__init__(parent)
        self._graph, self._feeds = graph, feeds
        self.setWindowTitle(tr("Differentiate"))
        self._build(output, shared)
        self._show_inputs(inputs)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.count)
        self.output.activated.connect(self._other_output)
        self.inputs.itemChanged.connect(self._changed)
        self.order.valueChanged.connect(self._changed)
        self.count()
        self.inputs.setFocus()

    def _build(self, output: str, shared: bool) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 18)
        column.setSpacing(14)
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(10)
        form.setColumnMinimumWidth(0, 64)
        form.setColumnStretch(1, 1)
        self.output = QComboBox()
        for node_id in reversed(self._graph.order()):
            if not self._graph.op(node_id).is_source:
                self.output.addItem(pretty_name(self._graph.name(node_id)), node_id)
        self.output.setCurrentIndex(self.output.findData(output))
        self.inputs = QListWidget()
        self.inputs.setFixedHeight(132)
        self.order = QSpinBox()
        self.order.setRange(1, LAST_ORDER)
        self.order.setFixedWidth(72)
        rows = ((tr("Output"), self.output), (tr("By"), self.inputs), (tr("Order"), self.order))
        for row, (label, field) in enumerate(rows):
            top = (
                Qt.AlignmentFlag.AlignTop if field is self.inputs else Qt.AlignmentFlag.AlignVCenter
            )
            form.addWidget(_muted(label), row, 0, top)
            form.addWidget(
                field, row, 1, Qt.AlignmentFlag(0) if row < 2 else Qt.AlignmentFlag.AlignLeft
            )
            field.setAccessibleName(label)
        column.addLayout(form)
        self.sharing = QRadioButton(tr("Shared: equal nodes are one"))
        self.visits = QRadioButton(tr("One node per visit"))
        self.sharing.setChecked(shared)
        self.visits.setChecked(not shared)
        counts = QGridLayout()
        counts.setHorizontalSpacing(12)
        counts.setVerticalSpacing(6)
        counts.setColumnStretch(0, 1)
        self.counts: dict[bool, QLabel] = {}
        for row, (button, shares) in enumerate(((self.sharing, True), (self.visits, False))):
            self.counts[shares] = _muted("")
            self.counts[shares].setAlignment(Qt.AlignmentFlag.AlignRight)
            counts.addWidget(button, row, 0)
            counts.addWidget(self.counts[shares], row, 1)
            button.toggled.connect(self._can)
        column.addLayout(counts)
        self.told = _muted("")
        self.told.setWordWrap(True)
        self.told.setFixedHeight(36)
        column.addWidget(self.told)
        self.buttons = QDialogButtonBox()
        role = QDialogButtonBox.ButtonRole
        self.ok = self.buttons.addButton(tr("Differentiate"), role.AcceptRole)
        self.ok.setDefault(True)
        self.buttons.addButton(tr("Cancel"), role.RejectRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)
        self.setFixedWidth(420)

    def _show_inputs(self, checked: Sequence[str]) -> None:
        """What the output can be differentiated by."""
        self.inputs.blockSignals(True)
        self.inputs.clear()
        offered = outer_inputs(self._graph, self.chosen_output)
        for node_id in dict.fromkeys((*offered, *checked)):
            item = QListWidgetItem(pretty_name(self._graph.name(node_id)))
            item.setData(NODE, node_id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            on = node_id in checked
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self.inputs.addItem(item)
        self.inputs.setCurrentRow(0)
        self.inputs.blockSignals(False)

    # ------------------------------------------------------------ what is chosen

    @property
    def chosen_output(self) -> str:
        return str(self.output.currentData())

    @property
    def chosen_inputs(self) -> tuple[str, ...]:
        items = (self.inputs.item(row) for row in range(self.inputs.count()))
        return tuple(str(i.data(NODE)) for i in items if i.checkState() == Qt.CheckState.Checked)

    @property
    def chosen_order(self) -> int:
        return self.order.value()

    @property
    def shares(self) -> bool:
        return self.sharing.isChecked()

    # ------------------------------------------------------------ what it would add

    def _other_output(self) -> None:
        self._show_inputs(outer_inputs(self._graph, self.chosen_output))
        self._changed()

    def _changed(self) -> None:
        self._pause.start()
        self.ok.setEnabled(False)

    def count(self) -> None:
        """Says how many nodes either way adds, or why it cannot be."""
        self._pause.stop()
        self._added: dict[bool, int | None] = {}
        self._notes: dict[bool, str] = {}
        for shares, label in self.counts.items():
            number, self._notes[shares] = self._would_add(shares)
            self._added[shares] = number
            unit = tr("node") if number == 1 else tr("nodes")
            label.setText("–" if number is None else f"+{number:,} {unit}")
        self._can()

    def _would_add(self, shares: bool) -> tuple[int | None, str]:
        if not self.chosen_inputs:
            return None, tr("Choose what it is differentiated by")
        try:
            found = differentiated(
                self._graph, self.chosen_output, self.chosen_inputs, order=self.chosen_order,
                shared=shares, feeds=self._feeds,
            )  # fmt: skip
        except GraphError as error:
            return None, sentence(str(error))
        return len(found.added), sentence(found.note) if found.note else ""

    def _can(self) -> None:
        note, fine = self._notes[self.shares], self._added[self.shares] is not None
        self.told.setText(note if fine else f"⚠  {note}")
        self.told.setProperty("role", "muted" if fine else "error")
        self.told.style().unpolish(self.told)
        self.told.style().polish(self.told)
        self.ok.setEnabled(fine)


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    return label
