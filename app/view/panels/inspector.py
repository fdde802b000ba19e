"""The inspector: what the selected node is, its numbers, and everything about it that can be set."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import tr
from app.view import theme
from app.view.panels import facts
from app.view.panels.controls import Field, OptionControl
from app.view.panels.note_form import NoteForm
from app.view.panels.numbers import ROOM, Numbers
from engine import edits, starts
from engine.edits import Edit
from engine.graph import TIED, GraphError
from engine.ops.row import Array
from engine.shapes import shape_text
from engine.train.data import known_sizes

EDITABLE_ENTRIES = 400
"""A tensor with more entries is shown by its range and changed by training, not by typing."""


class Inspector(QScrollArea):
    """Shows the selected node; without a selection, the node that the current step is about.

    `refused` carries a sentence; `data_asked` the id of a data node whose file is to be chosen;
    `repair_asked` asks what would mend the node, `reinitialise_asked` for new starts,
    `why_asked` why the gradient is what it is. `note_written` and
    `note_coloured` say what the form of a note was told, when notes alone are selected.
    """

    refused = Signal(str)
    repair_asked = Signal()
    reinitialise_asked = Signal()
    data_asked = Signal(str)
    view_asked = Signal(str, str)
    why_asked = Signal()
    shape_told = Signal(str)
    note_written = Signal(str, str)
    note_coloured = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setMinimumWidth(300)  # rows of small tensors and fields stay whole
        self.session = session
        self.node: str | None = None
        self._form: QWidget | None = None
        self._built_for: Any = None
        self.numbers: Numbers | None = None
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        session.selection_changed.join(self.refresh)
        session.document_changed.join(self.refresh)
        session.evaluated.join(self.refresh)
        session.cursor_moved.join(self.refresh)
        session.marks.listeners.append(self._show_check)
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(350, 300)

    def restyle(self) -> None:
        self._built_for = None
        self.refresh()

    # ------------------------------------------------------------ what is shown

    def _chosen(self) -> str | None:
        if self.session.selection:
            return self.session.selection[-1]
        step = self.session.step
        if step is None:
            return None
        return self.session.evaluation.node_of(step.target or step.node)

    def refresh(self) -> None:
        """Builds the form anew when it is about something else, and shows the numbers."""
        graph = self.session.graph
        if self._show_note():
            return
        chosen = self._chosen()
        typing = chosen != self.node and self._give_up_typing()
        self.node = chosen
        key: Any = None
        derivatives: list[tuple[str, str]] = []
        if self.node is not None and self.node in graph.nodes:
            derivatives = facts.local_derivatives(self.session, self.node)
            key = self._form_of(self.node, len(derivatives))
        if key != self._built_for or self._form is None or typing:
            self._built_for = key
            self._build()
        if key is not None:
            self._show(derivatives)

    def _form_of(self, node_id: str, count: int) -> Any:
        """What the form depends on: nodes with as many rows and the same settings share one."""
        graph = self.session.graph
        op, tensor = graph.op(node_id), graph.tensors.get(node_id)
        open_ports = tuple(p for p in graph.ports(node_id) if (node_id, p) not in graph.links)
        offered = [
            (option, facts.named_values(graph, node_id, option.name))
            for option in facts.offered(graph, node_id)
        ]
        room = 0 if op.is_source else max(count, ROOM)
        kind = None if tensor is None else (tensor.ndim == 0, tensor.size <= EDITABLE_ENTRIES)
        data = graph.nodes[node_id].options.get("source") is not None
        again = facts.begins_anew(graph, node_id)
        return id(graph), op.is_source, room, open_ports, offered, kind, data, again

    def _give_up_typing(self) -> bool:
        """Whether the form has the keyboard; what is typed in it is about the node it was for."""
        focus = QApplication.focusWidget()
        if self._form is None or focus is None or not self._form.isAncestorOf(focus):
            return False
        if isinstance(focus, Field):
            focus.restore()
        return True

    def _show_note(self) -> bool:
        """Notes alone are selected: the last one's form."""
        session = self.session
        if session.selection or not session.notes_selected:
            return False
        note = session.graph.notes[session.notes_selected[-1]]
        key = ("note", session.place, note.id)
        if key != self._built_for:
            self.node, self._built_for = None, key
            self._build()
        self.note_form.show_note(note)
        return True

    def _build(self) -> None:
        form = QWidget()
        self.numbers = None
        form.setProperty("role", "panel")
        form.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._column = QVBoxLayout(form)
        self._column.setContentsMargins(16, 0, 12, 12)
        self._column.setSpacing(8)
        if self._built_for is None:
            hint = QLabel(
                tr("Select a node to see its formula, its derivatives and its settings here.")
            )
            hint.setProperty("role", "muted")
            hint.setWordWrap(True)
            self._column.addWidget(hint)
            self.shape_told.emit("")
        elif self.node is None:
            self._build_note()
        else:
            self._build_node(form, self._built_for[2])
        self._column.addStretch(1)
        self._form = form
        old = self.takeWidget()
        self.setWidget(form)
        if old is not None:
            old.deleteLater()

    def _build_note(self) -> None:
        self.note_form = NoteForm(self.session.graph.notes[self.session.notes_selected[-1]])
        self.note_form.written.connect(self.note_written)
        self.note_form.coloured.connect(self.note_coloured)
        self._column.addWidget(self.note_form)
        self.shape_told.emit("")

    def _build_node(self, form: QWidget, room: int) -> None:
        graph, node_id = self.session.graph, self.node
        assert node_id is not None
        op, node = graph.op(node_id), graph.nodes[node_id]
        head = QHBoxLayout()
        self.name = Field(node.name, mono=False)
        self.name.setFont(theme.ui_font(15, 600, italic=True))
        self.name.setAccessibleName(tr("Name"))
        self.name.setToolTip(tr("Its name; formulas read it by this"))
        self.name.setFixedWidth(120)
        self.name.committed.connect(self._rename)
        self.kind = QLabel()
        self.kind.setProperty("role", "muted")
        head.addWidget(self.name)
        head.addWidget(self.kind)
        head.addStretch(1)
        self._column.addLayout(head)
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(12)
        self._rows.setVerticalSpacing(7)
        self._rows.setColumnStretch(1, 1)
        self._rows.setColumnMinimumWidth(0, 92)
        self._column.addLayout(self._rows)
        self.numbers = Numbers(self.session, self._add_row, not op.is_source, room, form)
        self.numbers.view_asked.connect(self._ask_view)
        self.numbers.why_asked.connect(self._ask_why)
        self.fault = QLabel()
        self.fault.setProperty("role", "error")
        self.fault.setWordWrap(True)
        self._column.addWidget(self.fault)
        self.repair = QPushButton(tr("Repair…"))
        self.repair.setToolTip(tr("Offers what would make the operands fit"))
        self.repair.clicked.connect(self._ask_repair)
        self._column.addWidget(self.repair, 0, Qt.AlignmentFlag.AlignLeft)
        self._build_settings(node_id)
        self.doc = QLabel()
        self.doc.setWordWrap(True)
        self.doc.setProperty("role", "muted")
        self._column.addWidget(self.doc)

    def _build_settings(self, node_id: str) -> None:
        graph = self.session.graph
        op, node = graph.op(node_id), graph.nodes[node_id]
        self.tensor: QPlainTextEdit | None = None
        self.apply: QPushButton | None = None
        self.scalar: Field | None = None
        self.literals: dict[str, Field] = {}
        self.options: dict[str, OptionControl] = {}
        tensor = graph.tensors.get(node_id)
        if tensor is not None:
            self._build_tensor(tensor)
        for port in graph.ports(node_id):
            if (node_id, port) not in graph.links:
                field = Field()
                field.setPlaceholderText(tr("wire or number"))
                field.setProperty("port", port)
                field.setAccessibleName(tr(f"Number at port {port}"))
                field.committed.connect(self._set_literal)
                self.literals[port] = field
                self._add_row(tr(f"port {port}"), field)
        for option in facts.offered(graph, node_id):
            value = node.options.get(option.name, option.default)
            control = OptionControl(option, value, facts.named_values(graph, node_id, option.name))
            control.changed.connect(self._set_option)
            control.refused.connect(self.refused)
            self.options[option.name] = control
            self._add_row(option.name.replace("_", " "), control)
        if node.options.get("source") is not None:
            self._build_data()
        if facts.begins_anew(graph, node_id):
            again = QPushButton(tr("Reinitialise"))
            again.setToolTip(tr("Its parameters begin anew as they say they start"))
            again.clicked.connect(self._ask_reinitialise)
            self.reinitialise = again
            self._column.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)
        if not op.is_source:
            self.output = QCheckBox(tr("Output: gradients are of this node"))
            self.output.toggled.connect(self._set_output)
            self._column.addWidget(self.output)
        line = QFrame()
        line.setProperty("role", "hairline")
        self._column.addWidget(line)

    def _build_tensor(self, tensor: Array) -> None:
        if tensor.ndim == 0:
            self.scalar = Field()
            self.scalar.setAccessibleName(tr("Value"))
            self.scalar.committed.connect(self._set_tensor)
            self._add_row(tr("set value"), self.scalar)
        elif tensor.size <= EDITABLE_ENTRIES:
            self.tensor = QPlainTextEdit()
            self.tensor.setFont(theme.number_font(11))
            self.tensor.setFixedHeight(84)
            self.tensor.setAccessibleName(tr("Value as nested lists"))
            self.apply = QPushButton(tr("Set value"))
            self.apply.clicked.connect(self._apply_tensor)
            self._column.addWidget(self.tensor)
            self._column.addWidget(self.apply, 0, Qt.AlignmentFlag.AlignRight)

    def _build_data(self) -> None:
        button = QPushButton(tr("Data panel…"))
        button.setToolTip(
            tr("Where its rows come from: files, sets made by seed, points drawn by hand")
        )
        button.clicked.connect(self._ask_data)
        self.notes = QLabel(self.session.data_fault)
        self.notes.setProperty("role", "error")
        self.notes.setWordWrap(True)
        self._column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self.notes)

    def _add_row(self, title: str, widget: QWidget) -> QLabel:
        row = self._rows.rowCount()
        label = QLabel(title)
        label.setProperty("role", "muted")
        label.setFont(theme.ui_font(11))
        self._rows.addWidget(label, row, 0, Qt.AlignmentFlag.AlignVCenter)
        self._rows.addWidget(widget, row, 1)
        return label

    # ------------------------------------------------------------ numbers

    def _show(self, derivatives: list[tuple[str, str]]) -> None:
        session, node_id = self.session, self.node
        assert node_id is not None and self.numbers is not None
        graph, found = session.graph, session.evaluation
        op, node = graph.op(node_id), graph.nodes[node_id]
        self.name.show_text(node.name)
        self.kind.setText(op.name.replace("_", " "))
        self.doc.setText(tr(op.doc))
        self.numbers.show_node(node_id, derivatives)
        waiting = tr("A port is empty: wire it, or give it a number.")
        if graph.op(node_id).definition is not None and all(
            graph.operand(node_id, p) is not None for p in graph.ports(node_id)
        ):
            waiting = tr("A port inside is empty: open the module (Enter) and wire it.")
        told = found.fault_of(node_id) or (waiting if node_id in found.waiting else "")
        self.fault.setText(told)
        self.fault.setVisible(bool(self.fault.text()))
        self.repair.setVisible(node_id in found.faults and bool(graph.ports(node_id)))
        tensor = graph.tensors.get(node_id)
        if tensor is not None and self.scalar is not None:
            self.scalar.show_text(facts.exact_text(tensor))
        if tensor is not None and self.tensor is not None and not self.tensor.hasFocus():
            self.tensor.setPlainText(facts.exact_text(tensor))
        for port, field in self.literals.items():
            literal = node.literals.get(port)
            field.show_text("" if literal is None else f"{literal:g}")
        options = facts.in_force(graph, node_id)
        for name, control in self.options.items():
            control.show_value(options.get(name, control.option.default))
            control.setEnabled(name == TIED or not options.get(TIED))
        if not op.is_source:
            self.output.blockSignals(True)
            self.output.setChecked(found.output == node_id)
            self.output.blockSignals(False)
        if "source" in node.options:
            self.notes.setText(session.data_fault)
        spec = found.specs.get(node_id)
        size = tr("number") if spec is not None and not spec.shape else ""
        self.shape_told.emit(
            "" if spec is None else f"{tr('shape')} {shape_text(spec.shape)}" if not size else size
        )

    def _show_check(self) -> None:
        if self.numbers is not None:
            self.numbers.show_check()

    # ------------------------------------------------------------ edits

    def _do(self, edit: Edit, label: str) -> bool:
        try:
            self.session.do(edit, label)
        except GraphError as error:
            self.refused.emit(str(error))
            self.refresh()
            return False
        return True

    def _rename(self, text: str) -> None:
        if self.node is not None and not self._do(
            edits.rename(self.session.graph, self.node, text.strip()), tr("Rename")
        ):
            self.name.restore()

    def _set_option(self, name: str, value: Any) -> None:
        if self.node is None:
            return
        session = self.session
        sizes = {} if session.place else known_sizes(session.root, session.base)
        try:
            edit = starts.with_options(session.graph, self.node, {name: value}, sizes)
        except GraphError as error:
            self.refused.emit(str(error))
            self.refresh()
            return
        self._do(edit, tr(f"Set {name.replace('_', ' ')}"))

    def _set_literal(self, text: str) -> None:
        field = self.sender()
        assert isinstance(field, Field) and self.node is not None
        words = text.strip().replace("−", "-")
        try:
            value = float(words) if words else None
        except ValueError:
            self.refused.emit(f"a port takes a number, not {words!r}; wire a node to it instead")
            field.restore()
            return
        port = str(field.property("port"))
        self._do(edits.set_literal(self.session.graph, self.node, port, value), tr("Set number"))

    def _set_tensor(self, text: str) -> None:
        if self.node is None:
            return
        graph = self.session.graph
        old = graph.tensors.get(self.node)
        dtype = graph.dtype if old is None else old.dtype
        try:
            array = facts.parse_array(text, np.dtype(dtype))
        except ValueError as error:
            self.refused.emit(str(error))
            if self.scalar is not None:
                self.scalar.restore()
            return
        self._do(edits.set_tensor(self.node, array), tr("Set value"))

    def _apply_tensor(self) -> None:
        if self.tensor is not None:
            self._set_tensor(self.tensor.toPlainText())

    def _set_output(self, on: bool) -> None:
        if self.node is not None:
            self._do(edits.set_setting("output", self.node if on else ""), tr("Choose output"))

    def _ask_repair(self) -> None:
        if self.node is not None:
            self.session.select((self.node,))
            self.repair_asked.emit()

    def _ask_reinitialise(self) -> None:
        if self.node is not None:
            self.session.select((self.node,))
            self.reinitialise_asked.emit()

    def _ask_view(self, of: str) -> None:
        if self.node is not None:
            self.view_asked.emit(of, self.node)

    def _ask_why(self) -> None:
        if self.node is not None:
            self.session.select((self.node,))
            self.why_asked.emit()

    def _ask_data(self) -> None:
        if self.node is not None:
            self.data_asked.emit(self.node)
