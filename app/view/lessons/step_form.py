"""One step of a lesson as a form: its kind, its words, what it asks for, and how the window stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.actions import PANELS
from app.session import Session
from app.text import tr
from app.view.lessons.fields import Choice, Named, Words, label
from app.view.lessons.goal_form import GoalForm
from app.view.panels.controls import Field
from engine.expression import number_text
from engine.lesson import Step
from engine.teaching.goals import Situation

KINDS = (
    ("read", tr("Read")), ("do", tr("Do something")), ("ask", tr("Type a number")),
    ("choose", tr("Choose")),
)  # fmt: skip
_AT = (
    ("", tr("As it is")), ("start", tr("At the start")), ("forward", tr("After the forward pass")),
    ("end", tr("At the end")),
)  # fmt: skip
_OF = (("value", tr("Value")), ("gradient", tr("Gradient")))


class StepForm(QWidget):
    """`changed` carries the step as it should be and the name of what was changed."""

    changed = Signal(object, str)
    refused = Signal(str)

    def __init__(
        self, session: Session, look: Callable[[], Situation], seen: Callable[[], tuple[str, ...]]
    ) -> None:
        """`look` says how things stand, `seen` which panels are open."""
        super().__init__()
        self.session, self._look, self._seen = session, look, seen
        self.step = Step()
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 16)
        column.setSpacing(4)
        self.kind = Choice(tr("Kind"), KINDS)
        self.kind.taken.connect(self._kind)
        self.title = Field(mono=False)
        self.title.setAccessibleName(tr("Title"))
        self.title.committed.connect(self._title)
        self.text = Words(tr("Text"), 7, tr("Paragraphs, **bold**, $formula$"))
        self.hints = Words(tr("Hints"), 2, tr("One a paragraph"))
        self.explanation = Words(tr("Explanation"), 3, tr("Told when the step is done"))
        for words, take in (
            (self.text, self._text), (self.hints, self._hints),
            (self.explanation, self._explanation),
        ):  # fmt: skip
            words.written.connect(take)
        self._add(tr("Kind"), self.kind)
        self._add(tr("Title"), self.title)
        self._add(tr("Text"), self.text)
        self.goal = GoalForm(session, look)
        self.goal.changed.connect(self._goal)
        column.addSpacing(8)
        column.addWidget(self.goal)
        self.question, self.choosing = self._question(), self._choosing()
        column.addWidget(self.question)
        column.addWidget(self.choosing)
        self._hints_label = self._add(tr("Hints"), self.hints)
        self._explanation_label = self._add(tr("Explanation"), self.explanation)
        column.addSpacing(8)
        self._add_room()
        column.addStretch(1)

    def _add(self, name: str, field: QWidget) -> QLabel:
        made = label(name)
        self._column.addWidget(made)
        self._column.addWidget(field)
        self._column.addSpacing(4)
        return made

    def _question(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._asked_label = label("")
        column.addWidget(self._asked_label)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.of, self.node = Choice(tr("Of"), _OF), Named(tr("Node"), (), tr("node"))
        self.of.taken.connect(self._of)
        self.node.committed.connect(self._node)
        self.pick = QPushButton(tr("Selected"))
        self.pick.setToolTip(tr("The node that is selected on the canvas"))
        self.pick.clicked.connect(self._pick)
        row.addWidget(self.of)
        row.addWidget(self.node, 1)
        row.addWidget(self.pick)
        column.addLayout(row)
        self._entry = QWidget()
        below = QHBoxLayout(self._entry)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(8)
        self.index, self.tolerance = Field(), Field()
        self.index.setPlaceholderText("0,1")
        self.index.committed.connect(self._index)
        self.tolerance.committed.connect(self._tolerance)
        for name, field in (
            (tr("Entry of a tensor"), self.index), (tr("Relative tolerance"), self.tolerance),
        ):  # fmt: skip
            side = QVBoxLayout()
            side.setSpacing(4)
            field.setAccessibleName(name)
            side.addWidget(label(name))
            side.addWidget(field)
            below.addLayout(side)
        column.addWidget(self._entry)
        return box

    def _choosing(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.choices = Words(tr("Choices"), 4, tr("One a line"))
        self.choices.written.connect(self._choices)
        self.replies = Words(tr("Replies"), 4, tr("One a line, empty where nothing is said"))
        self.replies.written.connect(self._replies)
        self.answer = Choice(tr("Right one"), ())
        self.answer.taken.connect(self._answer)
        for name, field in (
            (tr("Choices, one a line"), self.choices),
            (tr("Right one"), self.answer),
            (tr("Replies to the choices, in their order"), self.replies),
        ):
            column.addWidget(label(name))
            column.addWidget(field)
        return box

    def _add_room(self) -> None:
        """How the window stands when the step is reached."""
        self.at = Choice(tr("The pass stands"), _AT)
        self.at.taken.connect(self._at)
        self._add(tr("The pass stands"), self.at)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.panels = QLabel()
        self.panels.setWordWrap(True)
        self.as_now, self.any = QPushButton(tr("As now")), QPushButton(tr("Any"))
        self.as_now.setToolTip(
            tr("The panels that are open now are shown when the step is reached")
        )
        self.any.setToolTip(tr("The panels stay as they are"))
        self.as_now.clicked.connect(self._panels_now)
        self.any.clicked.connect(self._panels_any)
        row.addWidget(self.panels, 1)
        row.addWidget(self.as_now)
        row.addWidget(self.any)
        self._column.addWidget(label(tr("Panels")))
        self._column.addLayout(row)

    # ------------------------------------------------------------ shown

    def show_step(self, step: Step) -> None:
        self.step = step
        self.kind.show_value(step.kind)
        self.title.show_text(step.title)
        self.text.show_text(step.text)
        self.hints.show_text("\n\n".join(step.hints))
        self.explanation.show_text(step.explanation)
        self.goal.setVisible(step.kind == "do")
        if step.kind == "do":
            self.goal.show_goal(step.goal, step.settings)
        hides = step.kind in ("ask", "choose")
        self.question.setVisible(hides)
        self._entry.setVisible(step.kind == "ask")
        graph = self.session.root
        if hides:
            asks = tr("Asks for") if step.kind == "ask" else tr("Hides until it is answered")
            self._asked_label.setText(asks)
            self.of.show_value(step.of)
            self.node.clear()
            self.node.addItems(
                [graph.name(n) for n in graph.nodes if not graph.op(n).is_wire][:500]
            )
            self.node.show_text(step.node)
            self.index.show_text(",".join(map(str, step.index)))
            self.tolerance.show_text(number_text(step.tolerance))
        self.choosing.setVisible(step.kind == "choose")
        self.choices.show_text("\n".join(step.choices))
        self.replies.show_text("\n".join(step.replies))
        self.answer.show_values(list(enumerate(step.choices)))
        self.answer.show_value(step.answer)
        self.at.show_value(step.at)
        self.at.setEnabled(step.kind != "ask")
        names = [tr(PANELS[n].title) for n in step.panels if n in PANELS]
        self.panels.setText(", ".join(names) or tr("as they are"))

    def take(self) -> None:
        """What is being typed is taken."""
        for words in (self.text, self.hints, self.explanation, self.choices, self.replies):
            words.take()

    # ------------------------------------------------------------ changed

    def _change(self, what: str, **fields: object) -> None:
        self.step = replace(self.step, **fields)  # type: ignore[arg-type]
        self.changed.emit(self.step, what)

    def _kind(self, kind: object) -> None:
        more: dict[str, object] = {}
        if kind == "choose" and len(self.step.choices) < 2:
            more["choices"], more["replies"] = (tr("Yes"), tr("No")), ()
        if kind == "do" and not self.step.goal:
            more["goal"] = "ended"
        self._change("kind", kind=kind, **more)

    def _title(self, text: str) -> None:
        self._change("title", title=text)

    def _text(self, text: str) -> None:
        self._change("text", text=text)

    def _hints(self, text: str) -> None:
        parts = [part.strip() for part in text.split("\n\n")]
        self._change("hints", hints=tuple(part for part in parts if part))

    def _explanation(self, text: str) -> None:
        self._change("explanation", explanation=text)

    def _goal(self, goal: str, settings: object) -> None:
        self._change("goal", goal=goal, settings=settings)

    def _of(self, of: object) -> None:
        self._change("of", of=of)

    def _node(self, name: str) -> None:
        self._change("node", node=name)

    def _pick(self) -> None:
        chosen, names = self.session.selection, self.session.path_names
        if len(chosen) != 1:
            self.refused.emit(tr("select one node on the canvas first"))
            return
        self._change("node", node=".".join((*names, self.session.graph.name(chosen[0]))))

    def _index(self, text: str) -> None:
        try:
            found = tuple(int(part) for part in text.strip("[] ").split(",") if part.strip())
        except ValueError:
            self.refused.emit(tr("an entry is whole numbers with commas, such as 0,1"))
            self.index.restore()
            return
        self._change("entry", index=found)

    def _tolerance(self, text: str) -> None:
        try:
            found = float(text)
        except ValueError:
            self.refused.emit(tr("the tolerance is a number, such as 0.005"))
            self.tolerance.restore()
            return
        self._change("tolerance", tolerance=found)

    def _choices(self, text: str) -> None:
        found = tuple(line.strip() for line in text.splitlines() if line.strip())
        step, answer = self.step, min(self.step.answer, max(len(found) - 1, 0))
        same = len(found) == len(step.choices)  # then a choice was worded anew, in its place
        before = dict(zip(range(len(found)) if same else step.choices, step.replies, strict=False))
        kept = [before.get(n if same else words, "") for n, words in enumerate(found)]
        if found:
            self._change("choices", choices=found, answer=answer, replies=_replies(kept))

    def _replies(self, text: str) -> None:
        lines, count = [line.strip() for line in text.splitlines()], len(self.step.choices)
        if any(lines[count:]):
            said = tr("there are {count} choices, so {count} lines of replies at most")
            self.refused.emit(said.format(count=count))
            return
        self._change("replies", replies=_replies((lines + [""] * count)[:count]))

    def _answer(self, number: object) -> None:
        self._change("answer", answer=number)

    def _at(self, at: object) -> None:
        self._change("at", at=at)

    def _panels_now(self) -> None:
        self._change("panels", panels=self._seen())

    def _panels_any(self) -> None:
        self._change("panels", panels=())


def _replies(lines: list[str]) -> tuple[str, ...]:
    """None where all of them say nothing."""
    return tuple(lines) if any(lines) else ()
