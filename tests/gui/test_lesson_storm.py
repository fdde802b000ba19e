"""Lessons at random: steps, answers, edits by hand, undo, writing, class mode, training, other documents.

No traceback comes; while a question is open its number is hidden and the document stays; what is kept of
a lesson is what stands in the window.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog, QMenu, QMessageBox

from app import lesson_home
from app.actions import ACTIONS
from app.view import dialogs
from app.view.lessons.lessons import OPEN
from app.view.window import Window
from engine import edits, examples, files, lessons
from engine.compose import compose
from engine.fields import is_number
from engine.graph import Graph, GraphError
from engine.lesson import MAX_STEPS, Step
from engine.teaching.goals import GOALS
from engine.teaching.naming import key_of, value_of
from engine.teaching.quiz import quiz

LEFT = Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier
KEYS = (
    Qt.Key.Key_L, Qt.Key.Key_J, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape, Qt.Key.Key_Delete,
    Qt.Key.Key_F2, Qt.Key.Key_Tab, Qt.Key.Key_F11, Qt.Key.Key_Return, Qt.Key.Key_Up, Qt.Key.Key_Space,
)  # fmt: skip
WORDS = ("", "A $\\frac{x}{2}$", "$\\broken{", "**bold** <b>\n\n$$x$$\n\n- one", "ü" * 400)
LEFT_OUT = ("file.", "help.", "view.theme", "view.colours")
"""Actions that ask for files, or whose windows stand by themselves."""


def strange(rng: random.Random, graph: Graph, count: int) -> tuple[Step, ...]:
    """Steps that a file may hold: about nodes that are gone, goals that are none, settings of any type."""
    names = [graph.name(n) for n in graph.nodes] + ["nobody", "a.b.c", "", "x.1"]
    values = (*names, 0, 1.5, -3, float("nan"), 1e300, "tanh", "value", "<", "lesson", "$x$")

    def one() -> Step:
        goal = rng.choice([*GOALS, "", "unknown"])
        fields = [s.name for s in GOALS[goal].settings] if goal in GOALS else ["x"]
        choices = tuple(rng.choices(WORDS, k=rng.randrange(1, 4)))
        return Step(
            rng.choice(("read", "do", "ask", "ask", "choose")),  # type: ignore[arg-type]
            rng.choice(WORDS), rng.choice(WORDS), tuple(rng.choices(WORDS, k=rng.randrange(3))),
            rng.choice(WORDS), rng.choice(((), ("why",), ("nowhere", "trace_table"), ("history",))),
            rng.choice(("", "start", "forward", "end")),  # type: ignore[arg-type]
            goal,
            {
                f: v
                for f in fields
                if rng.random() < 0.8 and ((v := rng.choice(values)) == v or not is_number(v))
            },
            rng.choice(names),
            rng.choice(("value", "gradient")),  # type: ignore[arg-type]
            rng.choice(((), (), (0,), (0, 1), (99,))), 0.005, choices, rng.randrange(len(choices)),
        )  # fmt: skip

    return tuple(one() for _ in range(count))


class Storm:
    """Random deeds of one seed; `log` says what was done."""

    def __init__(self, window: Window, seed: int, folder: Path) -> None:
        self.window, self.session, self.folder = window, window.session, folder
        self.rng = random.Random(seed)
        self.log: list[str] = []

    def one(self) -> None:
        deeds: dict[Callable[[], str], int] = {
            self.walk: 10, self.answer: 8, self.edit: 5, self.action: 8, self.undo: 2, self.write: 4,
            self.document: 3, self.keys: 5, self.mouse: 4, self.train: 1, self.steps: 2, self.wait: 2,
        }  # fmt: skip
        deed = self.rng.choices(list(deeds), list(deeds.values()))[0]
        self.log.append(deed.__name__)
        self.log[-1] = f"{deed.__name__} {deed()}"
        for widget in QApplication.topLevelWidgets():
            if widget is not self.window and isinstance(widget, QDialog | QMenu):
                widget.close()
        QApplication.processEvents()

    def walk(self) -> str:
        panel, lesson = self.window.lessons.panel, self.window.lessons.lesson
        buttons = [panel.back, panel.more, panel.skip, panel.show_me, panel.next, panel.again]
        able = [b for b in buttons if b.isVisible() and b.isEnabled() and b is not panel.again]
        if able and self.rng.random() < 0.8:
            button = self.rng.choice(able)
            QTest.mouseClick(button, LEFT)
            return button.objectName()
        if panel.dots.isVisible() and panel.dots.count:
            number = self.rng.randrange(panel.dots.count)
            QTest.mouseClick(panel.dots, LEFT, PLAIN, panel.dots.place(number).toPoint())
            return f"dot {number}"
        return f"at {lesson.at}"

    def answer(self) -> str:
        panel, lesson = self.window.lessons.panel, self.window.lessons.lesson
        able = [b for b in panel.choice_buttons if b.isVisible() and b.isEnabled()]
        if able:
            QTest.mouseClick(self.rng.choice(able), LEFT)
            return "choice"
        number = lesson.number
        text = self.rng.choice(
            (str(number), "1", "-0.5", "1/3", "nan", "1e400", "x", "−2,5", "inf")
        )
        if panel.answer.isVisible() and not panel.answer.line.isReadOnly():
            panel.answer.line.setText(text)
            QTest.keyClick(panel.answer.line, Qt.Key.Key_Return)
        return text

    def edit(self) -> str:
        graph, rng = self.session.graph, self.rng
        nodes = list(graph.nodes)
        self.session.select(rng.sample(nodes, min(len(nodes), rng.choice((0, 1, 2)))))
        deed = rng.choice(("delete", "value", "nan", "title", "add", "formula", "rename"))
        try:
            if deed == "delete":
                self.window.commands.run("edit.delete")
            elif deed in ("value", "nan") and self.session.root.tensors:
                tensors = self.session.root.tensors
                key = rng.choice(list(tensors))
                number = float("nan") if deed == "nan" else rng.uniform(-2, 2)
                changed = tensors[key] * 0 + number
                self.session.do_outside(edits.set_tensors({key: changed}), deed)
            elif deed == "title":
                self.session.do_outside(edits.set_setting("title", str(rng.random())), deed)
            elif deed == "add" and self.window.editing and not self.session.locked:
                self.window.add_operator(rng.choice(("tanh", "sum", "multiply")))
            elif deed == "formula" and self.window.editing:
                self.window.compose("q = tanh(x) + 1")
            elif deed == "rename" and nodes:
                node = rng.choice(nodes)
                self.session.do(edits.rename(graph, node, f"n{rng.randrange(99)}"), deed)
        except GraphError:
            deed += " refused"
        return deed

    def action(self) -> str:
        action = self.rng.choice([a for a in ACTIONS if not a.id.startswith(LEFT_OUT)])
        self.window.commands.by_id[action.id].trigger()
        return action.id

    def undo(self) -> str:
        for _ in range(self.rng.randrange(1, 4)):
            self.window.commands.run(self.rng.choice(("edit.undo", "edit.undo", "edit.redo")))
        return ""

    def write(self) -> str:
        """The editor: opened, its buttons, its fields, closed."""
        editor, rng = self.window.lessons.editor, self.rng
        if not editor.isVisible():
            self.window.commands.run("lesson.edit")
            return "begin"
        deed = rng.choice(("button", "row", "text", "kind", "goal", "close"))
        form = editor.form
        if deed == "button":
            button = rng.choice(
                (editor.add, editor.copy, editor.up, editor.down, editor.remove, editor.attempt)
            )
            QTest.mouseClick(button, LEFT)
            deed = button.text()
        elif deed == "row" and editor.list.count():
            editor.list.setCurrentRow(rng.randrange(editor.list.count()))
        elif deed == "text" and form.isVisible():
            form.text.setFocus()
            form.text.setPlainText(rng.choice(WORDS))
        elif deed == "kind" and form.isVisible():
            form.kind.setCurrentIndex(rng.randrange(form.kind.count()))
            form.kind.activated.emit(form.kind.currentIndex())
        elif deed == "goal" and form.goal.isVisible():
            form.goal.choice.setCurrentIndex(rng.randrange(form.goal.choice.count()))
            form.goal.choice.activated.emit(form.goal.choice.currentIndex())
        elif deed == "close":
            self.window.docks["lesson_editor"].hide()
        return deed

    def document(self) -> str:
        """Another one, with or without a lesson."""
        rng, documents = self.rng, self.window.documents
        kind = rng.choice(
            ("lesson", "quiz", "strange", "strange", "plain", "empty", "start", "file", "run")
        )
        if kind == "lesson":
            documents.open_lesson(rng.choice(lessons.names()))
        elif kind == "quiz":
            documents.open_fresh(quiz(rng.randrange(1, 50), rng.randrange(1, 6)))
        elif kind in ("strange", "file", "run"):
            name = rng.choice(("worked", "nan", "empty", "xor"))
            graph = _documents(name)
            count = rng.choice((1, 5, 12, MAX_STEPS))
            edits.set_setting("lesson", strange(rng, graph, count)).apply(graph)
            if kind == "file":
                path = self.folder / f"{rng.randrange(3)}.gloom"
                files.write(graph, path)
                self.window.open(path)
            elif kind == "run":
                documents.open_graph(graph, "A run")
            else:
                documents.open_fresh(graph, "Strange")
        elif kind == "plain":
            documents.open_example(rng.choice(("worked-example", "xor")))
        elif kind == "empty":
            self.window.new_document()
        else:
            self.window.start_page()
        return kind

    def steps(self) -> str:
        """Other steps, as undo and programs bring them."""
        rng = self.rng
        found = strange(rng, self.session.root, rng.randrange(6))
        try:
            self.session.do_outside(edits.set_setting("lesson", found), "Steps")
        except GraphError:
            return "refused"
        return str(len(found))

    def keys(self) -> str:
        key = self.rng.choice(KEYS)
        at = QApplication.focusWidget()
        if at is not None and self.window.isAncestorOf(at):
            QTest.keyClick(at, key)
        return key.name

    def mouse(self) -> str:
        """A press, a drag or a double click on the canvas, also while nothing may be changed."""
        if not self.window.canvas.isVisible():
            return "start page"
        port, rng = self.window.canvas.viewport(), self.rng
        boxes = list(self.window.canvas.board.nodes.values())
        first = QPoint(rng.randrange(port.width()), rng.randrange(port.height()))
        if boxes and rng.random() < 0.8:
            body = rng.choice(boxes)
            first = self.window.canvas.mapFromScene(body.mapToScene(body.boundingRect().center()))
        deed = rng.choice(("click", "drag", "double"))
        if deed == "double":
            QTest.mouseDClick(port, LEFT, PLAIN, first)
        else:
            QTest.mousePress(port, LEFT, PLAIN, first)
            if deed == "drag":
                QTest.mouseMove(port, first + QPoint(25, 12))
                QTest.mouseMove(port, first + QPoint(60, 40))
                first += QPoint(60, 40)
            QTest.mouseRelease(port, LEFT, PLAIN, first)
        return deed

    def train(self) -> str:
        action = self.rng.choice(("train.step", "train.train", "train.pause"))
        self.window.commands.run(action)
        return action

    def wait(self) -> str:
        QTest.qWait(self.rng.choice((0, 70, 300)))
        return ""


def _documents(name: str) -> Graph:
    if name == "nan":
        return compose("y = log(0 - x); J = y * w", default=0.5)
    if name == "empty":
        return Graph()
    if name == "xor":
        return examples.load("xor")
    return compose("t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)", default=0.5)


# ------------------------------------------------------------ what has to hold


def check(window: Window) -> None:
    session, lesson = window.session, window.lessons.lesson
    question = lesson.question
    assert 0 <= lesson.at <= len(lesson.steps)
    if question is None:
        assert window.class_mode.is_on or not session.locked
    else:
        assert session.locked
        key = key_of(session.root, question.node)
        made = isinstance(key, str) and session.known.step_of(key) in _made(session.known, question)
        if made:
            assert session.hidden == (key, question.of)
            assert value_of(session.whole, question.node, question.of) is None
            waits = [d.widget() for n, d in window.docks.items() if n not in OPEN]
            assert not any(panel.isVisible() for panel in waits)
    if not window.editing:
        assert not any(dock.isVisible() for dock in window.docks.values())
    if window.class_mode.is_on:
        assert window.top.menus.isHidden()


def _made(known: object, question: Step) -> object:
    script = known.steps.script  # type: ignore[attr-defined]
    return script.computed_at if question.of == "value" else script.sums_at


@pytest.fixture
def still(window: Window, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Window]:
    """A window whose questions are answered, whose files are not chosen, and whose home is empty."""
    monkeypatch.setattr(lesson_home, "folder", lambda: tmp_path / "lessons")
    for kind in (QDialog, QMessageBox):
        monkeypatch.setattr(kind, "exec", lambda box: 0)
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *given, **named: ("", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *given, **named: ("Part", True))
    monkeypatch.setattr(dialogs, "ask_unsaved", lambda *given: "discard")
    yield window
    window.bridge.forget()
    window.session.load(Graph())


def blow(window: Window, seed: int, folder: Path, count: int) -> None:
    storm = Storm(window, seed, folder)
    storm.log.append(f"document {storm.document()}")
    for number in range(count):
        try:
            storm.one()
            check(window)
        except BaseException:
            print(f"\nseed {seed}, deed {number}: {storm.log[-25:]}")
            raise


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(3))
def test_a_storm_over_lessons(still: Window, tmp_path: Path, seed: int) -> None:
    blow(still, seed, tmp_path, 40)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_long_storm_over_lessons(still: Window, tmp_path: Path) -> None:
    first, count = (int(v) for v in os.environ.get("GRADLOOM_LESSON_STORM", "100,40").split(","))
    for seed in range(first, first + count):
        blow(still, seed, tmp_path, 80)
        print(seed, flush=True)
