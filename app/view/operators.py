"""What the window does with a person's own operators: made, edited, removed."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.session import Session
from app.text import tr
from app.view.operator_dialog import OperatorDialog
from engine.edits import remove_operator, set_operator
from engine.graph import GraphError, OwnOperator
from engine.ops.row import Op

_UNNAMED = "operator_without_a_name"


class Operators(QObject):
    """The commands on a document's own operators, of one window. `problem` carries one sentence,
    `made` the name of a new one."""

    problem = Signal(str)
    made = Signal(str)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self.session, self.window = session, window

    def dialog(self, name: str = "") -> OperatorDialog:
        """The dialog of a new operator, or of the document's one called `name`."""

        def made(operator: OwnOperator) -> Op:
            trial = self.session.graph.copy()
            named = operator.name or name or _UNNAMED
            wanted = OwnOperator(named, operator.formula, operator.doc, operator.settings)
            set_operator(trial, wanted, name).apply(trial)
            row = trial.row(named)
            assert row is not None
            return row

        return OperatorDialog(self.window, made, self.session.graph.operators.get(name))

    def ask(self, name: str = "") -> bool:
        """Asks for a new operator, or for changes of the one called `name`, as one undo step."""
        dialog = self.dialog(name)
        try:
            if not dialog.exec():
                return False
            return self.put(dialog.operator(), name)
        finally:
            dialog.deleteLater()

    def put(self, operator: OwnOperator, was: str = "") -> bool:
        label = f"{tr('Edit') if was else tr('New operator')} {was or operator.name}"
        try:
            self.session.do(set_operator(self.session.graph, operator, was), label)
        except GraphError as error:
            self.problem.emit(str(error))
            return False
        if not was:
            self.made.emit(operator.name)
        return True

    def remove(self, name: str) -> bool:
        """Removes an operator that no node uses."""
        try:
            self.session.do(remove_operator(name), f"{tr('Remove')} {name}")
        except GraphError as error:
            self.problem.emit(str(error))
            return False
        return True
