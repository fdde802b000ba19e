"""The inspector's rows of numbers: formula, local derivatives, value, gradient and what a check found."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLabel, QWidget

from app import stops
from app.session import Session
from app.text import tr
from app.view import theme
from app.view.panels import facts
from app.view.panels.thumbnail import Thumbnail
from app.view.typesetting import PatientLabel
from engine.ops.row import Array

ROOM = 2
"""Rows for local derivatives that a form has at least: most operators have one or two."""


class NumberLabel(QLabel):
    """A number, or a tensor's; one that is a link can be clicked, or entered with the keyboard."""

    clicked = Signal()

    def __init__(self, role: str) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setFont(theme.number_font(12))
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.link = ""

    def set_link(self, words: str) -> None:
        """What a click does, in words; no link where there are none."""
        if words == self.link:
            return
        self.link = words
        self.setAccessibleDescription(words)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if words else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if words else Qt.CursorShape.IBeamCursor)
        self._underline(self.underMouse() or self.hasFocus())

    def show_array(self, array: Array | None, suffix: str = "") -> None:
        self.setText(facts.array_text(array) + suffix)
        small = array is not None and array.size <= facts.SHOWN_ENTRIES
        exact = facts.exact_text(array) if small and array is not None else ""
        self.setToolTip("\n".join(filter(None, (exact, self.link))))

    def _underline(self, on: bool) -> None:
        font = self.font()
        if font.underline() != (on and bool(self.link)):
            font.setUnderline(on and bool(self.link))
            self.setFont(font)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._underline(True)
        super().enterEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._underline(self.hasFocus())
        super().leaveEvent(event)  # type: ignore[arg-type]

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._underline(True)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._underline(False)
        super().focusOutEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        inside = self.rect().contains(event.position().toPoint())
        left = event.button() == Qt.MouseButton.LeftButton
        if self.link and left and inside and not self.hasSelectedText():
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.link and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class Numbers(QObject):
    """Rows that `add_row` puts into a form; they are shown for any node that has no more of them.

    `view_asked` carries which tensor is to be seen whole; `why_asked` asks where the gradient is from.
    """

    view_asked = Signal(str)
    why_asked = Signal()

    def __init__(
        self,
        session: Session,
        add_row: Callable[[str, QWidget], QLabel],
        formula: bool,
        count: int,
        parent: QObject,
    ) -> None:
        """`formula` and `count`: whether there is one, and how many local derivatives."""
        super().__init__(parent)
        self.session = session
        self.node = ""
        self.formula = PatientLabel(13) if formula else None
        if self.formula is not None:
            add_row(tr("formula"), self.formula)
        self.locals = [PatientLabel(13) for _ in range(count)]
        self._titles = [
            add_row(tr("local derivative") if number == 0 else "", label)
            for number, label in enumerate(self.locals)
        ]
        self.value, self.gradient = NumberLabel("value"), NumberLabel("gradient")
        self.gradient.clicked.connect(self.why_asked)
        self.pictures = Thumbnail("value"), Thumbnail("gradient")
        for words, picture in zip((self.value, self.gradient), self.pictures, strict=True):
            picture.clicked.connect(self._ask_view)
            add_row(tr(picture.of), picture.beside(words))
        self.check = QLabel()
        self.check.setFont(theme.ui_font(11))
        self.check.setWordWrap(True)
        self.check.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._check_title = add_row(tr("check"), self.check)

    def show_node(self, node_id: str, derivatives: list[tuple[str, str]]) -> None:
        """Shows a node of the document that is looked at, as far as the pass has come."""
        self.node, session = node_id, self.session
        if self.formula is not None:
            self.formula.set_formula(*facts.formula(session, node_id))
        for number, label in enumerate(self.locals):
            there = number < len(derivatives)
            if there:
                label.set_formula(*derivatives[number])
            label.setVisible(there)
            self._titles[number].setVisible(there)
        value, gradient = session.shown_value(node_id), session.shown_gradient(node_id)
        self.value.show_array(value)
        unfinished = (
            gradient is not None and stops.completed(session.evaluation, node_id) > session.cursor
        )
        self.gradient.set_link(
            "" if gradient is None else tr("Click: why is this gradient what it is?")
        )
        self.gradient.show_array(gradient, f" {tr('so far')}" if unfinished else "")
        for picture, array in zip(self.pictures, (value, gradient), strict=True):
            picture.show_array(array)
        self.show_check()

    def show_check(self) -> None:
        """What a check of this node's gradient found, with its numbers."""
        mark = self.session.marks.of("check")
        badge = mark.badges.get(self.node) if mark is not None else None
        self.check.setText(badge.tip if badge else "")
        if badge is not None and self.check.property("role") != badge.role:
            self.check.setProperty("role", badge.role)
            self.check.style().unpolish(self.check)
            self.check.style().polish(self.check)
        self.check.setVisible(badge is not None)
        self._check_title.setVisible(badge is not None)

    def _ask_view(self) -> None:
        self.view_asked.emit(self.sender().objectName())
