"""The formula bar: type a program, press Enter, get its graph."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.text import sentence, tr
from app.view import theme


class FormulaBar(QWidget):
    """One line of formulas; `entered` carries the text. Up and Down bring back what was entered, Esc
    leaves the line as it is and gives the keyboard back."""

    entered = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._entered: list[str] = []
        self._at = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        self.line = QLineEdit()
        self.line.setPlaceholderText(tr("Type a formula, such as J = cos(sin(x^2) + 3*x^2)"))
        self.line.setAccessibleName(tr("Formula"))
        self.line.setToolTip(
            tr("Several formulas are separated by ;  Names that are new become inputs.")
        )
        self.line.setMinimumHeight(30)
        self.line.returnPressed.connect(self._enter)
        self.line.textEdited.connect(self._edited)
        self.line.installEventFilter(self)
        row = QHBoxLayout(self.line)
        row.setContentsMargins(0, 0, 12, 0)
        row.addStretch(1)
        self.hint = QLabel("Enter")
        self.hint.setProperty("role", "muted")
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addWidget(self.hint)
        self.line.setTextMargins(4, 0, 48, 0)
        layout.addWidget(self.line)
        self.fault = QLabel()
        self.fault.setProperty("role", "error")
        self.fault.setWordWrap(True)
        self.fault.setAccessibleName(tr("What is wrong with the formula"))
        self.fault.hide()
        layout.addWidget(self.fault)
        self.restyle()

    def sizeHint(self) -> QSize:
        return QSize(640, super().sizeHint().height())

    def restyle(self) -> None:
        self.line.setFont(theme.number_font(13))

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if (
            watched is self.line
            and isinstance(event, QKeyEvent)
            and event.type() is QEvent.Type.KeyPress
        ):
            if event.key() == Qt.Key.Key_Escape:
                self.left.emit()
                return True
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
            if step and self._entered:
                self._at = max(0, min(self._at + step, len(self._entered)))
                known = self._at < len(self._entered)
                self.line.setText(self._entered[self._at] if known else "")
                return True
        return False

    def _edited(self) -> None:
        self.show_fault("")

    def _enter(self) -> None:
        if self.line.text().strip():
            self.entered.emit(self.line.text())

    def accepted(self) -> None:
        """The formula is on the canvas: it is kept for the Up key and stays shown."""
        text = self.line.text()
        if not self._entered or self._entered[-1] != text:
            self._entered.append(text)
        self._at = len(self._entered)
        self.show_fault("")

    def withdraw(self, message: str) -> None:
        """What was said is so no longer."""
        if self.fault.text() == _said(message):
            self.show_fault("")

    def show_fault(self, message: str) -> None:
        """One sentence under the line; empty when all is well."""
        text = _said(message)
        self.fault.setText(text)
        self.fault.setVisible(bool(text))
        self.line.setProperty("fault", bool(text))
        style = self.line.style()
        style.unpolish(self.line)
        style.polish(self.line)


def _said(message: str) -> str:
    text = sentence(message)
    return f"⚠ {text}" if text else ""
