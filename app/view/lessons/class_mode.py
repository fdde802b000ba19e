"""Class mode: only the canvas, the lesson, the transport and the panels of the step; larger letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtWidgets import QToolButton

from app.text import tr
from app.view import theme

if TYPE_CHECKING:
    from app.view.frame import Frame

WIDE = 440
"""Width of the lesson in class mode."""
KEEPS = tr("class mode keeps the document as it is; Esc ends it")


class ClassMode(QObject):
    """Hides what a class does not need, and brings it back. Nothing is edited by accident meanwhile:
    only at a step that asks for a deed."""

    def __init__(self, window: Frame) -> None:
        super().__init__(window)
        self.window, self.is_on = window, False
        self.before = QByteArray()  # the panels as they stand outside of it, while it is on
        self.sign = QToolButton()
        self.sign.setText(tr("Class mode   Esc"))
        self.sign.setProperty("flat", True)
        self.sign.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sign.clicked.connect(self.leave)
        self.sign.hide()
        bar = window.top.layout()
        assert bar is not None
        bar.addWidget(self.sign)
        window.session.marks.leavers.append(self.leave)
        window.lessons.lesson.arrived.join(self.apply)
        window.session.opened.join(self._opened)

    def toggle(self) -> None:
        if self.is_on:
            self.leave()
        else:
            self.is_on, self.before = True, self.window.saveState()
            self._show()

    def leave(self) -> bool:
        """Brings everything back; False where nothing was hidden."""
        if not self.is_on:
            return False
        self.is_on = False
        before, self.before = self.before, QByteArray()
        self._show()
        if self.window.editing:
            self.window.restoreState(before)
            self.window.lessons.arrange()
        else:
            self.window.docks_state = before
        return True

    def take(self, before: QByteArray) -> bool:
        """The panels as they are to stand afterwards; False while it is off."""
        if self.is_on:
            self.before = before
            self.apply()
        return self.is_on

    def _opened(self) -> None:
        """The start page is no class; another document is shown as this one was."""
        if not self.window.editing:
            self.leave()

    def _show(self) -> None:
        window, on = self.window, self.is_on
        for part in (window.top.menus, window.top.formula, window.top.hint, window.breadcrumb):
            part.setVisible(not on)
        window.breadcrumb.refresh()
        window.top.name.setFont(theme.ui_font(17 if on else 12, 600 if on else 400))
        self.sign.setVisible(on)
        window.lessons.panel.set_large(on)
        window.lessons.lesson.keep_document(KEEPS if on else "")
        self.apply()
        window.lessons.changed.emit()

    def apply(self) -> None:
        """Only the panels of the step stay."""
        if not self.is_on:
            return
        lessons, docks = self.window.lessons, self.window.docks
        wanted = lessons.wanted()
        for name, dock in docks.items():
            if name not in wanted:
                dock.hide()
        if lessons.is_on:
            lessons.show_dock(WIDE)
        step = lessons.lesson.step
        asks = step is not None and step.kind == "ask" and not lessons.lesson.is_done
        wanted_by = lessons.panel.answer.line if asks else self.window.canvas
        wanted_by.setFocus(Qt.FocusReason.OtherFocusReason)
