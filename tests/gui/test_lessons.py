"""Lessons in the window: walked to their end by hand, numbers hidden until they are predicted, progress
kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lesson_walk
import numpy as np
import pytest
from hands import LEFT
from lesson_walk import enter, hides, texts, walk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from app import lesson_home
from app.actions import ACTIONS
from app.view.lessons import worksheets
from app.view.lessons.quizzes import QuizDialog
from app.view.window import Window
from engine import lessons
from engine.compose import compose
from engine.edits import set_setting
from engine.evaluate import evaluate
from engine.graph import Graph, GraphError
from engine.lesson import Step
from engine.modules import make_module
from engine.teaching.quiz import quiz

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(lesson_home, "folder", lambda: tmp_path / "lessons")
    yield


def taught(*steps: Step, program: str = WORKED) -> Graph:
    graph = compose(program, default=0.5)
    set_setting("lesson", steps).apply(graph)
    set_setting("title", "A lesson").apply(graph)
    return graph


def step(kind: str, **fields: object) -> Step:
    return Step(kind, **{"title": "A title", "text": "A text with $x^2$.", **fields})  # type: ignore[arg-type]


ALL = (
    step("read", at="start"),
    step("do", goal="stepped", settings={"node": "u"}, hints=("One.", "Two."), at="start"),
    step("do", goal="node", settings={"operator": "tanh", "node": "h"}),
    step("do", goal="wire", settings={"source": "J", "target": "h", "port": ""}),
    step("do", goal="selected", settings={"node": "u1"}),
    step("do", goal="gone", settings={"node": "h"}),
    step("ask", node="t", of="value"),
    step("ask", node="u", of="value"),
    step("ask", node="t", of="gradient"),
    step("ask", node="x", of="gradient", explanation="Because of $2x$."),
    step("do", goal="value", settings={"node": "x", "relation": ">", "number": 0.9}),
    step("do", goal="ended", settings={}, at="start"),
    step("do", goal="begun", settings={}),
    step("do", goal="panel", settings={"panel": "why"}),
    step("do", goal="setting", settings={"field": "learning_rate", "value": "0.01"}),
    step("do", goal="derived", settings={"of": "J", "by": "x"}),
    step("choose", choices=("Yes", "No, $\\frac{1}{2}$"), answer=1, replies=("Not 1.", "")),
)  # fmt: skip


def open_lesson(window: Window, graph: Graph) -> None:
    window.documents.open_fresh(graph, "A lesson")
    window.canvas.flush()
    window.canvas.fit()


@pytest.mark.parametrize("name", lessons.names())
def test_a_shipped_lesson_is_walked_to_its_end(window: Window, qtbot: QtBot, name: str) -> None:
    window.lessons.open(name)
    walk(window, qtbot)
    window.lessons.keep()
    done, count = lesson_home.progress(name)
    assert done == count == len(window.lessons.lesson.steps)


def test_every_kind_of_step_is_walked(window: Window, qtbot: QtBot) -> None:
    open_lesson(window, taught(*ALL))
    walk(window, qtbot)


def test_a_goal_has_a_performer() -> None:
    from engine.teaching.goals import GOALS

    assert set(lesson_walk.DEEDS) == set(GOALS)


def test_a_number_is_hidden_wherever_it_could_be_read(window: Window) -> None:
    open_lesson(window, taught(step("ask", node="t", of="gradient"), step("read")))
    for name in (
        "inspector",
        "trace_table",
        "why",
        "mathematics",
        "derivatives",
        "what_if",
        "viewer",
    ):
        window.show_panel(name)
    canvas = window.canvas
    for name in ("t", "x", "u"):
        found = window.session.graph.id_of(name)
        assert found is not None
        window.session.select((found,))
        for of in ("value", "gradient"):
            window.viewing.view(of)
        for panel in ("inspector", "trace_table", "why", "mathematics", "derivatives", "what_if"):
            window.show_panel(panel)
            number = window.lessons.lesson.number
            assert number is not None
            hides(window, number, f"the panel {panel}")
    window.show_panel("history")
    assert not window.history_panel.isVisible(), "steps of the history change the document"
    assert "After your answer." in texts(window)
    window.commands.run("step.end")
    hides(window, float(number or 0), "the end of the pass")
    with pytest.raises(GraphError, match="answer the question"):
        window.session.do(set_setting("title", "x"), "Change")
    enter(window.top.formula.line, "y = x + 1")
    assert len(window.session.graph.nodes) == 6
    canvas.setFocus()
    for held in ("edit.undo", "explain.why", "train.train", "explain.differentiate"):
        action = window.commands.by_id.get(held)
        assert action is None or not action.isEnabled(), held
    enter(window.lessons.panel.answer.line, f"{number}")
    assert window.lessons.lesson.is_done
    assert "After your answer." not in texts(window)
    window.session.do(set_setting("title", "x"), "Change")


def test_a_leak_would_be_found(window: Window) -> None:
    """The check of the test above, on a window that hides nothing."""
    open_lesson(window, taught(step("ask", node="t", of="gradient"), step("read")))
    number = window.lessons.lesson.number
    assert number is not None
    hides(window, number, "before")
    known = window.session.whole
    window.session.hide(None)
    window.session.seek(99)
    window.session.whole, shown = known, window.session.whole
    with pytest.raises(AssertionError, match="tells"):
        hides(window, number, "a window that hides nothing")
    window.session.whole = shown


def test_the_panel_says_where_one_is_and_hints_come_one_by_one(window: Window) -> None:
    open_lesson(window, taught(*ALL[:3]))
    panel = window.lessons.panel
    assert window.docks["lesson"].status == "Step 1 of 3" and panel.title.text == "A title"
    assert not panel.more.isVisible() and not panel.back.isEnabled()
    QTest.mouseClick(panel.next, LEFT)
    assert panel.deed.prose.text.startswith("Step forward until u")
    assert not panel.next.isEnabled()
    for count in (1, 2):
        QTest.mouseClick(panel.more, LEFT)
        assert panel.hints.count() == count
    assert not panel.more.isVisible()
    QTest.mouseClick(panel.back, LEFT)
    assert window.lessons.lesson.at == 0
    QTest.mouseClick(
        panel.dots, LEFT, Qt.KeyboardModifier.NoModifier, panel.dots.place(1).toPoint()
    )
    assert window.lessons.lesson.at == 1
    QTest.mouseClick(
        panel.dots, LEFT, Qt.KeyboardModifier.NoModifier, panel.dots.place(2).toPoint()
    )
    assert window.lessons.lesson.at == 1, "a step that was not reached is not gone to"


def test_what_cannot_be_read_costs_no_try(window: Window) -> None:
    open_lesson(window, taught(step("ask", node="u", of="value"), step("read")))
    panel, lesson = window.lessons.panel, window.lessons.lesson
    enter(panel.answer.line, "about one")
    assert panel.answer.refused.isVisible() and lesson.tries == 0
    enter(panel.answer.line, "7")
    assert lesson.tries == 1 and not panel.show_me.isVisible()
    enter(panel.answer.line, "8")
    QTest.mouseClick(panel.show_me, LEFT)
    assert lesson.is_done and window.session.cursor == 4
    assert np.isclose(float(panel.answer.line.text()), np.sin(0.25) + 0.75, atol=1e-3)


def test_after_an_answer_the_keys_are_the_canvas_s(window: Window) -> None:
    """The step after says to press J and L: the line that is over does not eat them."""
    choices = step("choose", choices=("Yes", "No"), answer=1)
    open_lesson(window, taught(step("ask", node="u", of="value"), choices, step("read")))
    panel, canvas, session = window.lessons.panel, window.canvas, window.session
    enter(panel.answer.line, "100")
    assert panel.answer.line.hasFocus()  # one tries again at once
    enter(panel.answer.line, f"{window.lessons.lesson.number}")
    assert canvas.hasFocus()
    before = session.cursor
    QTest.keyClick(canvas, Qt.Key.Key_J)
    assert session.cursor == before - 1
    QTest.mouseClick(panel.next, LEFT)
    for button in (panel.choice_buttons[0], panel.choice_buttons[1]):
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Return)
    assert window.lessons.is_done and canvas.hasFocus()


def test_a_choice_hides_the_number_that_would_tell_it(window: Window) -> None:
    tells = step("choose", choices=("Yes", "No"), answer=1, node="u", of="gradient")
    free = step("choose", choices=("Yes", "No"), answer=1)
    open_lesson(window, taught(step("do", goal="ended", at="forward"), tells, free))
    lesson, session = window.lessons.lesson, window.session
    whole = len(session.steps)
    lesson.skip()
    assert session.cursor == len(session.steps) < whole
    hides(window, float(session.known.gradients["n3"]), "the choice")
    QTest.keyClick(window.canvas, Qt.Key.Key_L)
    assert session.cursor == len(session.steps) < whole
    QTest.mouseClick(window.lessons.panel.choice_buttons[1], LEFT)
    assert lesson.is_done and session.hidden is None and len(session.steps) == whole
    lesson.next()
    assert session.hidden is None


def test_what_a_question_refuses_is_not_said_when_it_is_over(window: Window) -> None:
    open_lesson(window, taught(step("ask", node="u", of="value"), step("read")))
    formula = window.top.formula
    enter(formula.line, "v = x + 1")
    assert "Answer the question of the lesson first" in formula.fault.text()
    enter(window.lessons.panel.answer.line, f"{window.lessons.lesson.number}")
    assert not formula.fault.isVisible() and not formula.fault.text()


def test_another_node_than_the_one_asked_for_is_told(window: Window, qtbot: QtBot) -> None:
    deed = step("do", goal="node", settings={"operator": "tanh", "node": "h"})
    open_lesson(window, taught(step("read"), deed))
    lesson = window.lessons.lesson
    lesson.next()
    window.add_operator("sin")
    qtbot.waitUntil(lambda: bool(lesson.aside), timeout=3000)
    assert "sin" in lesson.aside and "tanh" in lesson.aside and not lesson.is_done
    assert window.lessons.panel.verdicts.count() == 1
    window.session.history.undo()
    qtbot.waitUntil(lambda: not lesson.aside, timeout=3000)
    window.add_operator("tanh")
    qtbot.wait(100)
    assert not lesson.aside and not lesson.is_done  # it has to be called h yet


def test_a_finished_lesson_leads_to_the_next_one(window: Window) -> None:
    first, second, *_, last = lessons.names()
    panel, lesson = window.lessons.panel, window.lessons.lesson
    for name, follows in ((first, second), (last, "")):
        window.lessons.open(name)
        for _ in range(len(lesson.steps)):
            assert not panel.onward.isVisible()
            lesson.skip()
        assert panel.onward.isVisible() == bool(follows)
        assert window.commands.by_id["lesson.another"].isEnabled() == bool(follows)
        if follows:
            assert lessons.INFO[follows].title in panel.onward.text()
            QTest.mouseClick(panel.onward, LEFT)
            assert window.session.title == lessons.INFO[follows].title


def test_progress_and_the_document_are_kept(window: Window, qtbot: QtBot) -> None:
    open_lesson(window, taught(*ALL[:4]))
    lesson = window.lessons.lesson
    lesson.next()
    lesson.skip()
    window.add_operator("tanh")
    window.lessons.keep()
    assert window.session.history.is_saved
    open_lesson(window, Graph())
    assert lesson.step is None and not window.docks["lesson"].isVisible()
    open_lesson(window, taught(*ALL[:4]))
    assert lesson.at == 2 and lesson.way.done == {0}
    assert window.session.graph.id_of("tanh") or len(window.session.graph.nodes) == 7
    window.commands.run("lesson.again")
    assert lesson.at == 0 and not lesson.way.done
    assert len(window.session.graph.nodes) == 6


def test_the_panels_of_a_step_are_shown_and_those_from_before_come_back(window: Window) -> None:
    before = {n for n, dock in window.docks.items() if not dock.isHidden()}
    open_lesson(
        window, taught(step("read", panels=("trace_table",)), step("read", panels=("inspector",)))
    )
    assert {n for n, d in window.docks.items() if d.is_seen} == {"lesson", "trace_table"}
    window.lessons.lesson.next()
    assert {n for n, d in window.docks.items() if d.is_seen} == {"lesson", "inspector"}
    open_lesson(window, compose(WORKED, default=0.5))
    assert {n for n, dock in window.docks.items() if not dock.isHidden()} == before
    open_lesson(window, taught(step("read")))
    window.start_page()
    assert not any(dock.isVisible() for dock in window.docks.values())
    window.new_document()
    assert {n for n, dock in window.docks.items() if not dock.isHidden()} == before


def test_class_mode_leaves_what_a_class_needs_and_esc_brings_back_the_rest(window: Window) -> None:
    open_lesson(window, taught(*ALL[:3]))
    window.show_panel("trace_table")
    before = {n for n, d in window.docks.items() if not d.isHidden()}
    QTest.keyClick(window.canvas, Qt.Key.Key_F11)
    assert window.class_mode.is_on and not window.top.menus.isVisible()
    assert not window.top.formula.isVisible()
    assert {n for n, d in window.docks.items() if d.is_seen} == {"lesson"}
    assert window.lessons.panel.size_ > 14
    with pytest.raises(GraphError, match="class mode"):
        window.session.do(set_setting("title", "x"), "Change")
    window.canvas.select_all()
    QTest.keyClick(window.canvas, Qt.Key.Key_Delete)
    assert len(window.session.graph.nodes) == 6
    window.lessons.lesson.next()
    window.lessons.lesson.skip()
    assert window.docks["palette"].is_seen, "what the deed needs is there"
    window.session.do(set_setting("title", "x"), "Change")
    window.lessons.lesson.back()
    window.canvas.setFocus()
    window.session.select(())
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert not window.class_mode.is_on and window.top.menus.isVisible()
    assert {n for n, d in window.docks.items() if not d.isHidden()} == before
    window.session.do(set_setting("title", "y"), "Change")


def test_class_mode_without_a_lesson_and_on_the_start_page(window: Window) -> None:
    open_lesson(window, compose(WORKED, default=0.5))
    window.commands.run("view.class_mode")
    assert not any(d.isVisible() for d in window.docks.values())
    window.start_page()
    assert not window.class_mode.is_on
    window.new_document()
    assert window.top.menus.isVisible() and window.docks["palette"].isVisible()


def test_a_wrong_answer_is_explained_marked_and_leads_to_hints(window: Window) -> None:
    """-2.520 is the term through u2 alone; the one through u1 is left out."""
    open_lesson(window, taught(step("ask", node="t", of="gradient"), step("read")))
    panel, lesson = window.lessons.panel, window.lessons.lesson
    enter(panel.answer.line, "-2.520")
    assert lesson.verdict is not None and "u1" in lesson.verdict.said
    card = panel.verdicts.itemAt(0)
    assert card is not None and "left out" in card.widget().accessibleName()
    mark = window.session.marks.of("lesson")
    u1 = window.session.graph.id_of("u1")
    assert mark is not None and (u1, "x") in mark.lit and mark.badges
    QTest.mouseClick(panel.more, LEFT)
    assert panel.hints.count() == 1
    enter(panel.answer.line, str(lesson.number))
    assert window.session.marks.of("lesson") is None


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_quiz_is_walked_to_its_end(window: Window, qtbot: QtBot, level: int) -> None:
    window.documents.open_fresh(quiz(7, level))
    walk(window, qtbot)


def test_the_quiz_that_is_shown_is_the_one_that_opens(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(dialog: QuizDialog) -> int:
        place = dialog.level.findData(3)
        dialog.level.setCurrentIndex(place)
        dialog.level.activated.emit(place)
        dialog.seed.setValue(12)
        dialog.begin.click()
        return dialog.result()

    monkeypatch.setattr(QuizDialog, "exec", choose)
    window.commands.run("lesson.quiz")
    assert window.session.root.settings["lesson"] == quiz(12, 3).settings["lesson"]
    assert window.docks["lesson"].is_seen


@pytest.mark.parametrize(("ending", "begins"), [("pdf", b"%PDF"), ("html", b"<!DOCTYPE html>")])
def test_a_lesson_and_quizzes_are_written_as_worksheets(
    window: Window,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ending: str,
    begins: bytes,
) -> None:
    path = tmp_path / f"sheet.{ending}"
    monkeypatch.setattr(worksheets.QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    open_lesson(window, taught(*ALL[:5]))
    window.commands.run("lesson.worksheet")

    def wait() -> None:
        work = window.sharing.work
        assert work is not None
        qtbot.waitUntil(lambda: not work.running, timeout=20_000)

    wait()
    assert path.read_bytes().startswith(begins)
    dialog = QuizDialog(window, 3)
    dialog.count.setValue(3)
    dialog.answers.click()
    wait()
    one = path.read_bytes()
    assert one.startswith(begins)
    dialog.count.setValue(1)
    dialog.answers.click()
    wait()
    assert len(path.read_bytes()) < len(one)
    dialog.deleteLater()


def test_a_worksheet_that_cannot_be_written_is_told(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "nowhere" / "sheet.pdf"
    monkeypatch.setattr(worksheets.QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    open_lesson(window, taught(*ALL[:5]))
    window.commands.run("lesson.answers")
    qtbot.waitUntil(window.notice.isVisible)


def test_questions_inside_a_module_and_about_an_entry(window: Window, qtbot: QtBot) -> None:
    graph = compose("h = tanh(x @ W + b); J = sum(square(h))", {
        "x": [[1.0, -2.0]], "W": [[0.5, 0.25], [0.125, 0.75]], "b": [0.0, 0.1],
    })  # fmt: skip
    chosen = [n for n in graph.nodes if not graph.op(n).is_source and graph.name(n) != "J"]
    edit, _ = make_module(graph, chosen, "Layer", evaluate(graph).values)
    edit.apply(graph)
    definition = next(iter(graph.modules.values()))
    inner = next(definition.name(n) for n in definition.order() if definition.nodes[n].name == "h")
    path = f"{graph.name(next(n for n in graph.nodes if graph.nodes[n].op == 'Layer'))}.{inner}"
    for each in (
        step("ask", node=path, of="value", index=(0, 1)),
        step("ask", node=path, of="gradient", index=(0, 0)),
        step("ask", node="W", of="gradient", index=(1, 0)),
        step("read", at="end"),
    ):
        set_setting("lesson", (*graph.settings["lesson"], each)).apply(graph)
    open_lesson(window, graph)
    assert len(window.session.place) == 1, "the module that is asked about is looked into"
    walk(window, qtbot)


def test_a_question_about_a_number_that_is_not_there_can_be_skipped(window: Window) -> None:
    open_lesson(window, taught(step("ask", node="nobody"), step("read")))
    panel = window.lessons.panel
    enter(panel.answer.line, "1")
    assert panel.answer.refused.isVisible() and "nobody" in panel.answer.refused.text()
    QTest.mouseClick(panel.skip, LEFT)
    assert window.lessons.lesson.at == 1


def test_a_lesson_of_an_empty_document_and_one_with_nan(window: Window) -> None:
    open_lesson(
        window, taught(step("do", goal="ended"), step("ask", node="y"), program="y = log(0 - x)")
    )
    lesson = window.lessons.lesson
    lesson.skip()
    enter(window.lessons.panel.answer.line, "1")
    assert lesson.tries == 1
    enter(window.lessons.panel.answer.line, "nan")
    assert lesson.is_done
    empty = Graph()
    set_setting("lesson", (step("do", goal="node", settings={"operator": "tanh"}),)).apply(empty)
    open_lesson(window, empty)
    window.add_operator("tanh")
    lesson.check()
    assert lesson.is_done
    lesson.next()
    assert lesson.is_finished


def test_the_start_page_tells_how_far_a_lesson_is(window: Window) -> None:
    name = lessons.names()[0]
    window.lessons.open(name)
    window.lessons.lesson.next()
    window.lessons.keep()
    window.start_page()
    card = window.start.gallery.card(name)
    assert card.progress.text().startswith("1 of ")


def test_no_action_changes_the_document_in_class_mode(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (QDialog, QMessageBox):
        monkeypatch.setattr(kind, "exec", lambda box: 1)
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *given, **named: ("", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *given, **named: ("Part", True))
    open_lesson(window, taught(step("read"), step("read"), program="y = square(w * x); J = y + w"))
    window.commands.run("view.class_mode")
    left_out = ("file.", "lesson.", "train.train", "train.step", "train.epoch", "view.class_mode")
    before = window.session.root.revision
    for action in ACTIONS:
        if action.id.startswith(left_out) or action.submenu == "Bookmarks":
            continue
        window.session.select([str(window.session.root.id_of("y"))])
        window.commands.by_id[action.id].trigger()
        for box in QApplication.topLevelWidgets():
            if box is not window and isinstance(box, QDialog | QMenu):
                box.close()
        assert window.session.root.revision == before, action.id
