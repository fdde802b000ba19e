"""A teacher writes a lesson with the editor, and it is a lesson like any: saved, undone, walked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hands import LEFT
from lesson_walk import click, enter, walk
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from app import lesson_home
from app.view.lessons.editor import LessonEditor
from app.view.lessons.fields import Choice, Named, Words
from app.view.window import Window
from engine import files
from engine.compose import compose
from engine.lesson import Step

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(lesson_home, "folder", lambda: tmp_path / "lessons")
    yield


@pytest.fixture
def editor(window: Window) -> LessonEditor:
    """The editor over a document that has no lesson yet."""
    window.documents.open_fresh(compose(WORKED, default=0.5), "Worked")
    window.canvas.flush()
    window.canvas.fit()
    window.commands.run("lesson.edit")
    return window.lessons.editor


def lesson(window: Window) -> tuple[Step, ...]:
    return window.lessons.lesson.steps


def write(words: Words, text: str) -> None:
    words.setFocus()
    words.selectAll()
    QTest.keyClicks(words, text)
    words.take()


def lines(words: Words, text: str) -> None:
    words.setPlainText(text)
    words.take()


def pick(choice: Choice, value: object) -> None:
    place = choice.findData(value)
    assert place >= 0
    choice.setCurrentIndex(place)
    choice.activated.emit(place)


def name(field: Named, text: str) -> None:
    line = field.lineEdit()
    assert isinstance(line, QLineEdit)
    enter(line, text)


def test_a_lesson_is_written_tried_saved_and_walked(
    window: Window, editor: LessonEditor, qtbot: QtBot, tmp_path: Path
) -> None:
    form = editor.form
    assert len(lesson(window)) == 1 and window.docks["lesson"].is_seen
    enter(form.title, "Two ways")
    write(form.text, "The value of t is used **twice**.")
    assert window.lessons.panel.title.text == "Two ways"
    assert window.lessons.panel.text.text == "The value of t is used **twice**."

    QTest.mouseClick(editor.add, LEFT)
    enter(form.title, "Predict")
    pick(form.kind, "ask")
    click(window, "t")
    QTest.mouseClick(form.pick, LEFT)
    pick(form.of, "gradient")
    write(form.text, "What comes back to t?")
    write(form.explanation, "It is a sum.")
    enter(form.tolerance, "0.01")
    assert lesson(window)[1] == Step(
        "ask", "Predict", "What comes back to t?", explanation="It is a sum.", node="t",
        of="gradient", tolerance=0.01,
    )  # fmt: skip

    QTest.mouseClick(editor.add, LEFT)
    enter(form.title, "Look")
    write(form.text, "Select u.")
    pick(form.kind, "do")
    pick(form.goal.choice, "selected")
    assert form.goal.wrong.isVisible(), "a node is missing"
    control = form.goal.controls["node"]
    assert isinstance(control, Named)
    name(control, "u")
    assert not form.goal.wrong.isVisible()
    assert lesson(window)[2].settings == {"node": "u"}

    QTest.mouseClick(editor.add, LEFT)
    enter(form.title, "Which")
    write(form.text, "How many?")
    pick(form.kind, "choose")
    lines(form.choices, "One\nTwo\nThree")
    pick(form.answer, 1)
    assert lesson(window)[3].choices == ("One", "Two", "Three") and lesson(window)[3].answer == 1
    lines(form.replies, "Too few.\n\nToo many.")
    assert lesson(window)[3].replies == ("Too few.", "", "Too many.")
    lines(form.replies, "Too few.\n\nToo many.\nOne too much.")
    assert "3 choices" in editor.wrong.text() and lesson(window)[3].replies[2] == "Too many."
    lines(form.choices, "One\nTwo\nFour")
    assert lesson(window)[3].replies == ("Too few.", "", "Too many."), "a choice worded anew"
    lines(form.choices, "Two\nFour")
    assert lesson(window)[3].replies == ("", "Too many."), "the reply goes with its choice"
    lines(form.choices, "One\nTwo\nThree")
    assert lesson(window)[3].replies == (), "the reply goes with its choice"
    lines(form.replies, "Too few.\n\nToo many.")
    pick(form.answer, 1)

    editor.list.setCurrentRow(1)
    QTest.mouseClick(editor.attempt, LEFT)
    assert window.session.hidden is not None, "the question is tried as a student sees it"
    enter(form.title, "Predict it")
    assert window.session.hidden is None and lesson(window)[1].title == "Predict it"

    path = tmp_path / "lesson.gloom"
    assert window.documents.write(path)
    assert files.read(path).settings["lesson"] == lesson(window)
    window.documents.open(path)
    walk(window, qtbot)


def test_steps_are_duplicated_moved_removed_and_undone(
    window: Window, editor: LessonEditor
) -> None:
    for title in ("B", "C"):
        QTest.mouseClick(editor.add, LEFT)
        enter(editor.form.title, title)
    titles = [s.title for s in lesson(window)]
    assert titles == ["Welcome", "B", "C"]
    QTest.mouseClick(editor.up, LEFT)
    assert [s.title for s in lesson(window)] == ["Welcome", "C", "B"]
    assert editor.number == 1
    QTest.mouseClick(editor.copy, LEFT)
    assert [s.title for s in lesson(window)] == ["Welcome", "C", "C", "B"]
    QTest.mouseClick(editor.remove, LEFT)
    QTest.mouseClick(editor.down, LEFT)
    assert [s.title for s in lesson(window)] == ["Welcome", "B", "C"]
    for _ in range(3):
        window.session.history.undo()
    assert [s.title for s in lesson(window)] == ["Welcome", "B", "C"] or len(lesson(window)) == 3
    while window.session.history.undo():
        pass
    assert lesson(window) == () and not editor.form.isVisible()


def test_typing_a_text_is_one_undo_step(window: Window, editor: LessonEditor) -> None:
    before = window.session.history.position
    for text in ("One", "One two", "One two three"):
        write(editor.form.text, text)
    assert window.session.history.position == before + 1
    assert lesson(window)[0].text == "One two three"


def test_a_goal_is_taken_from_what_holds_now(
    window: Window, editor: LessonEditor, qtbot: QtBot
) -> None:
    pick(editor.form.kind, "do")
    click(window, "u1")
    QTest.mouseClick(editor.form.goal.take, LEFT)
    menu = next(m for m in editor.findChildren(QMenu) if m.isVisible())
    wanted = next(a for a in menu.actions() if a.text() == "Select u1.")
    wanted.trigger()
    menu.close()
    assert lesson(window)[0].goal == "selected" and lesson(window)[0].settings == {"node": "u1"}


def test_panels_as_they_are_now(window: Window, editor: LessonEditor) -> None:
    window.show_panel("trace_table")
    QTest.mouseClick(editor.form.as_now, LEFT)
    assert lesson(window)[0].panels == ("trace_table",)
    QTest.mouseClick(editor.form.any, LEFT)
    assert lesson(window)[0].panels == ()


def test_what_is_refused_is_said_and_changes_nothing(window: Window, editor: LessonEditor) -> None:
    pick(editor.form.kind, "ask")
    enter(editor.form.tolerance, "7")
    assert editor.wrong.isVisible() and "tolerance" in editor.wrong.text()
    assert lesson(window)[0].tolerance == 0.005 and editor.form.tolerance.text() == "0.005"
    window.session.select(())
    QTest.mouseClick(editor.form.pick, LEFT)
    assert "select one node" in editor.wrong.text().lower()
