"""The panel "Lesson": the step with its mathematics, what it asks for, hints, and the way on."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.lesson import Lesson
from app.text import pretty_name, tr
from app.view import theme
from app.view.lessons.dots import Dots
from app.view.lessons.prose import SIZE, Card, Prose
from app.view.lessons.question import Answer, Choice, Deed
from engine import lessons
from engine.latex import latex_name
from engine.lesson import Step
from engine.teaching.goals import GOALS, said

LARGE = 19
"""Size of letters in class mode."""
WIDTH = 356


def asked(step: Step, output: str) -> tuple[str, str]:
    """What a question asks for, as LaTeX and as text."""
    entry = "[" + ",".join(map(str, step.index)) + "]" if step.index else ""
    name = step.node.replace(".", "_") if "." in step.node else step.node
    latex, text = (
        latex_name(name) + (rf"_{{{entry}}}" if entry else ""),
        pretty_name(step.node) + entry,
    )
    if step.of == "gradient":
        latex = rf"\frac{{\partial {latex_name(output)}}}{{\partial {latex}}}"
        text = f"∂{pretty_name(output)}/∂{text}"
    return f"{latex} =", text


class LessonPanel(QWidget):
    """Shows a lesson as it is walked. `asked_for` carries the name of an action; `answered` tells that
    a question is over, while it had the keyboard."""

    asked_for = Signal(str)
    answered = Signal()

    def __init__(self, lesson: Lesson) -> None:
        super().__init__()
        self.lesson, self.size_ = lesson, SIZE
        self._shown: tuple[int, Step | None, bool] = -1, None, False
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        head = QVBoxLayout()
        head.setContentsMargins(16, 4, 16, 8)
        head.setSpacing(8)
        self.dots = Dots(self._title_of)
        self.dots.chosen.connect(lesson.go)
        self.title = Prose("", 21, weight=600)
        head.addWidget(self.dots)
        head.addWidget(self.title)
        whole.addLayout(head)
        whole.addWidget(self._body(), 1)
        whole.addWidget(self._foot())
        self._scroll_timer = QTimer(self)
        self._scroll_timer.setSingleShot(True)
        self._scroll_timer.timeout.connect(self._to_news)
        lesson.changed.join(self.refresh)
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(340, 220)

    def _body(self) -> QWidget:
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setProperty("role", "panel")
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(16, 4, 16, 20)
        self.column.setSpacing(16)
        self.text, self.deed, self.answer = Prose(), Deed(), Answer()
        self.answer.given.connect(self.lesson.submit)
        self.onward = self._button("", "lesson.another")
        self.onward.setProperty("primary", True)
        self.hints, self.choices, self.verdicts = (QVBoxLayout() for _ in range(3))
        self.choice_buttons: list[Choice] = []
        for part in (
            self.text,
            self.onward,
            self.hints,
            self.deed,
            self.answer,
            self.choices,
            self.verdicts,
        ):
            if isinstance(part, QWidget):
                self.column.addWidget(part)
            else:
                part.setSpacing(10)
                self.column.addLayout(part)
        self.column.addStretch(1)
        self.area.setWidget(inner)
        return self.area

    def _foot(self) -> QWidget:
        foot = QFrame()
        column = QVBoxLayout(foot)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        line = QFrame()
        line.setProperty("role", "hairline")
        column.addWidget(line)
        row = QHBoxLayout()
        row.setContentsMargins(10, 10, 16, 12)
        row.setSpacing(8)
        self.back = self._button(tr("Back"), "lesson.back")
        self.more = self._button(tr("Hint"), "lesson.hint")
        self.skip = self._button(tr("Skip"), "lesson.skip")
        self.show_me = self._button(tr("Show me"), "lesson.show")
        self.next = self._button(tr("Next"), "lesson.next")
        self.others = self._button(tr("Lessons…"), "lesson.choose")
        self.again = self._button(tr("Start over"), "lesson.again")
        self.others.setProperty("primary", True)
        self.next.setProperty("primary", True)
        self.next.setMinimumWidth(84)
        for button in (self.back, self.more, self.skip, self.show_me, self.again):
            button.setProperty("flat", True)
        row.addWidget(self.back)
        row.addStretch(1)
        for button in (self.skip, self.show_me, self.more, self.next, self.again, self.others):
            row.addWidget(button)
        column.addLayout(row)
        return foot

    def _button(self, title: str, action: str) -> QPushButton:
        button = QPushButton(title)
        button.setObjectName(action)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self._clicked)
        return button

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.window().setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    def _clicked(self) -> None:
        self.asked_for.emit(self.sender().objectName())

    def _title_of(self, number: int) -> str:
        title = self.lesson.steps[number].title
        head = tr("Step {number}").format(number=number + 1)
        return f"{head} · {title}" if title else head

    # ------------------------------------------------------------ what is shown

    def restyle(self) -> None:
        self._shown = -1, None, False
        self.refresh()

    def set_large(self, on: bool) -> None:
        """Letters that are read from the last row."""
        self.size_ = LARGE if on else SIZE
        self.restyle()

    def refresh(self) -> None:
        lesson, step = self.lesson, self.lesson.step
        count = len(lesson.steps)
        self.dots.show_way(count, lesson.at, lesson.way.reached, lesson.way.done)
        self.dots.setVisible(count > 0)
        was = self._shown
        self._shown = lesson.at, step, lesson.is_done
        # Started over, what was answered is asked again.
        new = self._shown[:2] != was[:2] or (was[2] and not lesson.is_done)
        self.title.set_size(self.size_ + 7)
        self.text.set_size(self.size_)
        self.onward.setVisible(False)
        if step is None:
            self._show_end(count)
        else:
            self.title.set_text(step.title)
            self.text.set_text(step.text)
        self.title.setVisible(bool(self.title.text))
        self.text.setVisible(bool(self.text.text.strip()))
        if new:
            self.answer.line.clear()
            self.answer.refuse("")
        held = any(w.hasFocus() for w in (self.answer.line, *self.choice_buttons))
        self._show_task(step, new)
        self._show_told(step)
        self._show_foot(step, count)
        if held and not new and step is not None and lesson.is_done:
            self.answered.emit()
        if new:
            self.area.verticalScrollBar().setValue(0)
            asks = step is not None and step.kind == "ask" and not lesson.is_done
            if asks and not lesson.writing and self.isVisible():
                self.answer.line.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._scroll_timer.start(0)

    def _show_end(self, count: int) -> None:
        if not count:
            self.title.set_text(tr("No lesson"))
            self.text.set_text(
                tr("This document has no lesson.\n\nLesson › Lessons… opens one, and Lesson › Edit")
                + tr(" the lesson writes one into this document.")
            )
            return
        left = count - len(self.lesson.way.done)
        self.title.set_text(tr("Finished") if self.lesson.is_finished else tr("At the end"))
        told = tr("You went through all {count} steps.").format(count=count)
        if left:
            told = tr("{left} of {count} steps are still open; a click on a dot goes there.")
            told = told.format(left=left, count=count)
        self.text.set_text(
            told
            + "\n\n"
            + tr("The document stays as you left it: change it, train it, try it out.")
        )
        another = lessons.after(self.lesson.session.root.settings["title"])
        if another:
            title = tr(lessons.INFO[another].title)
            self.onward.setText(tr("Next: {title}").format(title=title))
            self.onward.setVisible(True)

    def _show_task(self, step: Step | None, new: bool) -> None:
        lesson, kind = self.lesson, step.kind if step is not None else ""
        self.deed.setVisible(kind == "do" and step is not None and step.goal in GOALS)
        if step is not None and kind == "do" and step.goal in GOALS:
            self.deed.show_deed(said(step.goal, step.settings), lesson.is_done, self.size_)
        self.answer.setVisible(kind == "ask")
        if step is not None and kind == "ask":
            whole = lesson.session.known
            output = whole.graph.name(whole.output) if whole.output else "J"
            latex, text = asked(step, output)
            number = lesson.number if lesson.is_done else None
            answered = "–" if number is None else theme.number_text(number)
            self.answer.show_question(
                latex, text, answered if lesson.is_done else "", self.size_ + 1
            )
            self.answer.refuse(lesson.refused)
        if new:
            _clear(self.choices)
            self.choice_buttons = []
            for number, text in enumerate(step.choices if step and kind == "choose" else ()):
                button = Choice(text, number, self.size_)
                button.clicked.connect(self._choice)
                self.choices.addWidget(button)
                self.choice_buttons.append(button)
        for button in self.choice_buttons:
            assert step is not None
            right = lesson.is_done and button.number == step.answer
            wrong = button.number in lesson.wrong
            button.verdict = "right" if right else "wrong" if wrong else ""
            button.setEnabled(not lesson.is_done and not wrong)
            button.update()

    def _choice(self) -> None:
        button = self.sender()
        if isinstance(button, Choice):
            self.lesson.choose(button.number)

    def _show_told(self, step: Step | None) -> None:
        """Hints that were asked for, what is said of an answer, and the explanation of what is done."""
        _clear(self.hints)
        _clear(self.verdicts)
        if step is None:
            return
        lesson, size = self.lesson, self.size_
        for number, (text, line) in enumerate(lesson.hints_there[: lesson.hints], 1):
            card = Card(tr("Hint {number}").format(number=number), text, "accent", size)
            if line is not None:
                card.add_line(line)
            self.hints.addWidget(card)
        verdict = lesson.verdict
        if lesson.is_done and step.kind != "read":
            title = tr("Done") if step.kind == "do" else tr("Right")
            title = tr("This is it") if lesson.was_shown else title
            self.verdicts.addWidget(Card(f"✓  {title}", step.explanation, "value", size))
        elif verdict is not None:
            said = verdict.said.removeprefix("Not yet.").strip()
            card = Card(tr("Not yet"), "\n".join((said, verdict.needed)).strip(), "warning", size)
            if verdict.line is not None:
                card.add_line(verdict.line)
            self.verdicts.addWidget(card)
        elif lesson.aside:
            self.verdicts.addWidget(Card(tr("Not yet"), lesson.aside, "warning", size))
        elif lesson.wrong:
            self.verdicts.addWidget(Card(tr("Not this one"), lesson.reply, "warning", size))

    def _show_foot(self, step: Step | None, count: int) -> None:
        lesson = self.lesson
        self.back.setEnabled(lesson.at > 0)
        left = len(lesson.hints_there) - lesson.hints
        self.more.setVisible(lesson.has_hint)
        self.more.setText(tr("Hint ({left})").format(left=left) if lesson.hints else tr("Hint"))
        self.show_me.setVisible(lesson.may_show)
        self.skip.setVisible(lesson.may_skip)
        self.next.setVisible(step is not None)
        self.others.setVisible(step is None)
        self.again.setVisible(step is None and count > 0)
        self.next.setEnabled(lesson.is_done and step is not None)
        self.next.setText(tr("Finish") if lesson.at == count - 1 else tr("Next"))

    def _to_news(self) -> None:
        """What was just said is seen whole."""
        for cards in (self.verdicts, self.hints):
            item = cards.itemAt(cards.count() - 1) if cards.count() else None
            card = item.widget() if item is not None else None
            if card is not None:
                self.area.ensureWidgetVisible(card, 0, 16)
                return


def _clear(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
