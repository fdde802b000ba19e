"""The panel "Lesson editor": the steps as a list, one of them as a form, and the lesson beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.text import tr
from app.view.lessons.step_form import KINDS, StepForm
from engine.edits import set_setting
from engine.graph import GraphError
from engine.lesson import Step

if TYPE_CHECKING:
    from app.view.lessons.lessons import Lessons

HIDDEN = ("lesson", "lesson_editor")
"""Panels that a step does not ask for."""


class LessonEditor(QWidget):
    """Writes the lesson of the document; every change is an undo step. `lessons` walks it."""

    def __init__(self, lessons: Lessons) -> None:
        super().__init__()
        self.lessons, self.session, self.lesson = lessons, lessons.session, lessons.lesson
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        head = QVBoxLayout()
        head.setContentsMargins(16, 0, 16, 0)
        head.setSpacing(8)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Steps of the lesson"))
        self.list.setFixedHeight(148)
        self.list.currentRowChanged.connect(self._chosen)
        head.addWidget(self.list)
        head.addLayout(self._buttons())
        column.addLayout(head)
        self.wrong = QLabel()
        self.wrong.setProperty("role", "warning")
        self.wrong.setWordWrap(True)
        self.wrong.setContentsMargins(16, 0, 16, 0)
        self.wrong.hide()
        column.addWidget(self.wrong)
        self.form = StepForm(self.session, lessons.situation, self._seen)
        self.form.setProperty("role", "panel")
        self.form.changed.connect(self._changed)
        self.form.refused.connect(self._say)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self.form)
        column.addWidget(self.area, 1)
        # Panels are arranged after that; while the window raises a tab it would not bear it.
        self._away = QTimer(self)
        self._away.setSingleShot(True)
        self._away.timeout.connect(self._left)
        self._filling = False
        self._steps: object = None
        self.session.document_changed.join(self.refresh)
        self.session.opened.join(self.refresh)
        self.lesson.changed.join(self._follow)
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(372, 640)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 240)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._away.start()

    def _left(self) -> None:
        """Not seen any more: the lesson is walked again, from the step that was written."""
        seen = self.isVisible() or not self.lessons.window.editing
        if self.lesson.writing and self.lesson.steps and not seen:
            self.form.take()
            self.lesson.attempt(max(self.number, 0))

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.add, self.copy = QPushButton(tr("Add")), QPushButton(tr("Duplicate"))
        self.up, self.down = QPushButton("↑"), QPushButton("↓")
        self.remove, self.attempt = QPushButton(tr("Remove")), QPushButton(tr("Try"))
        self.up.setAccessibleName(tr("Move up"))
        self.down.setAccessibleName(tr("Move down"))
        self.attempt.setToolTip(tr("Walks this step as a student does; a change here ends that"))
        for button, slot in (
            (self.add, self._add), (self.copy, self._copy), (self.up, self._up),
            (self.down, self._down), (self.remove, self._remove), (self.attempt, self._try),
        ):  # fmt: skip
            button.setProperty("flat", button is not self.attempt)
            button.clicked.connect(slot)
            row.addWidget(button)
        row.insertStretch(5, 1)
        return row

    def restyle(self) -> None:
        self._steps = None
        self.refresh()

    # ------------------------------------------------------------ shown

    @property
    def number(self) -> int:
        return self.list.currentRow()

    def refresh(self) -> None:
        """The steps as the document has them."""
        steps = self.lesson.steps
        if steps is not self._steps:
            self._steps = steps
            kinds = dict(KINDS)
            now = max(self.number, 0)
            self._filling = True
            self.list.clear()
            for number, step in enumerate(steps, 1):
                self.list.addItem(f"{number}   {step.title or '–'}   ·   {kinds[step.kind]}")
            self.list.setCurrentRow(min(now, len(steps) - 1))
            self._filling = False
        self._show()

    def _show(self) -> None:
        steps, number = self.lesson.steps, self.number
        there = 0 <= number < len(steps)
        self.form.setVisible(there)
        if there:
            self.form.show_step(steps[number])
        for button in (self.copy, self.remove, self.attempt):
            button.setEnabled(there)
        self.up.setEnabled(there and number > 0)
        self.down.setEnabled(there and number < len(steps) - 1)
        self.attempt.setText(tr("Try") if self.lesson.writing else tr("Trying"))

    def _follow(self) -> None:
        """The step that is looked at in the lesson is the one that is written."""
        if self.isVisible() and self.lesson.step is not None and self.lesson.at != self.number:
            self._filling = True
            self.list.setCurrentRow(self.lesson.at)
            self._filling = False
        self._show()

    def _chosen(self, number: int) -> None:
        if not self._filling and number >= 0:
            self.form.take()
            self.lesson.write(number)

    def _seen(self) -> tuple[str, ...]:
        """The panels that are open, but for those of the lesson."""
        found = self.lessons.situation().panels
        return tuple(n for n in self.lessons.window.docks if n in found and n not in HIDDEN)

    # ------------------------------------------------------------ written

    def _do(self, steps: tuple[Step, ...], label: str, at: int, gesture: object = None) -> None:
        self.lesson.write(min(at, max(len(self.lesson.steps) - 1, 0)))
        try:
            self.session.do_outside(set_setting("lesson", steps), label, gesture)
        except GraphError as error:
            self._say(str(error))
            self._steps = None
            self.refresh()
            return
        self.wrong.hide()
        if at != self.number:
            self.list.setCurrentRow(min(at, len(steps) - 1))
        self.lesson.write(min(at, max(len(steps) - 1, 0)))

    def _say(self, sentence: str) -> None:
        self.wrong.setText(sentence[:1].upper() + sentence[1:])
        self.wrong.show()

    def _changed(self, step: Step, what: str) -> None:
        steps, number = list(self.lesson.steps), self.number
        if not 0 <= number < len(steps):
            return  # undo took it back while it was typed
        steps[number] = step
        gesture = ("lesson", number, what) if what in ("text", "hints", "explanation") else None
        self._do(tuple(steps), tr("Change step {n}").format(n=number + 1), number, gesture)

    def begin(self) -> None:
        """A first step, where the document has no lesson."""
        if not self.lesson.steps:
            first = Step(title=tr("Welcome"), text=tr("What this lesson is about."))
            self._do((first,), tr("New lesson"), 0)

    def _add(self) -> None:
        steps, at = self.lesson.steps, self.number + 1
        new = Step(title=tr("New step"))
        self._do((*steps[:at], new, *steps[at:]), tr("Add a step"), at)
        self.form.title.setFocus()
        self.form.title.selectAll()

    def _copy(self) -> None:
        steps, at = self.lesson.steps, self.number
        copy = replace(steps[at])
        self._do((*steps[: at + 1], copy, *steps[at + 1 :]), tr("Duplicate step"), at + 1)

    def _remove(self) -> None:
        steps, at = self.lesson.steps, self.number
        self._do((*steps[:at], *steps[at + 1 :]), tr("Remove step"), max(at - 1, 0))

    def _up(self) -> None:
        self._move(-1)

    def _down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        steps, at = list(self.lesson.steps), self.number
        steps.insert(at + by, steps.pop(at))
        self._do(tuple(steps), tr("Move step"), at + by)

    def _try(self) -> None:
        self.form.take()
        self.lesson.attempt(self.number)
