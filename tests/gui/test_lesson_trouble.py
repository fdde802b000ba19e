"""Lessons at odd moments: other documents, crashes, class mode, training, and what is typed twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lesson_walk import enter
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot
from test_lessons import ALL, WORKED, open_lesson, step, taught

from app import lesson_home
from app.lesson import Way
from app.view import dialogs, settings
from app.view.window import Window
from engine import examples, files
from engine.compose import compose
from engine.edits import set_setting
from engine.graph import Graph
from engine.modules import make_module


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(lesson_home, "folder", lambda: tmp_path / "lessons")
    yield


def shown(window: Window) -> set[str]:
    return {n for n, dock in window.docks.items() if not dock.isHidden()}


def walked(window: Window, name: str) -> Graph:
    """A lesson that was walked a step, its document kept with a node more; the lesson as it came."""
    open_lesson(window, taught(*ALL[:4]))
    window.lessons.lesson.next()
    window.lessons.lesson.skip()
    window.add_operator(name)
    window.lessons.keep()
    return taught(*ALL[:4])


def test_only_a_lesson_that_is_opened_anew_goes_on_with_the_document_that_was_left(
    window: Window,
) -> None:
    """A recorded run, a picture and what a crash left are shown as they are."""
    graph = walked(window, "tanh")
    window.documents.open_graph(graph, "a run of it")
    assert len(window.session.graph.nodes) == 6
    assert window.lessons.lesson.at == 2, "how far one is holds for it as well"
    window.lessons.keep()
    assert not window.session.history.is_saved, "no file holds it"
    window.session.history.mark_saved()
    open_lesson(window, taught(*ALL[:4]))
    assert len(window.session.graph.nodes) == 7


def test_start_over_asks_about_changes_that_no_file_has(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lesson.gloom"
    files.write(taught(*ALL[:4]), path)
    window.open(path)
    window.session.do(set_setting("title", "Another"), "Change")
    answers = ["cancel"]
    monkeypatch.setattr(dialogs, "ask_unsaved", lambda *given: answers[0])
    window.commands.run("lesson.again")
    assert window.session.root.settings["title"] == "Another"
    answers[0] = "save"
    window.commands.run("lesson.again")
    assert window.session.root.settings["title"] == "A lesson"
    assert not window.session.history.is_saved, "the file has the other title"


def test_what_was_answered_is_not_there_after_starting_over(window: Window) -> None:
    open_lesson(window, taught(step("ask", node="t"), step("read")))
    line = window.lessons.panel.answer.line
    enter(line, "0.25")
    assert window.lessons.lesson.is_done
    window.commands.run("lesson.again")
    assert not window.lessons.lesson.is_done and line.text() == ""


def test_panels_after_class_mode_are_those_from_before_the_lesson(window: Window) -> None:
    before = shown(window)
    open_lesson(window, taught(*ALL[:3]))
    window.commands.run("view.class_mode")
    window.start_page()
    window.new_document()
    assert shown(window) == before
    open_lesson(window, taught(*ALL[:3]))
    window.commands.run("view.class_mode")
    open_lesson(window, compose(WORKED, default=0.5))
    assert window.class_mode.is_on and not shown(window)
    open_lesson(window, taught(*ALL[:3]))
    assert shown(window) == {"lesson"}
    open_lesson(window, compose(WORKED, default=0.5))
    window.class_mode.leave()
    assert shown(window) == before


def test_a_question_in_class_mode_has_the_keyboard(window: Window) -> None:
    window.documents.open_lesson("training")
    window.lessons.lesson.attempt(1)
    line = window.lessons.panel.answer.line
    window.commands.run("view.class_mode")
    assert line.hasFocus()
    window.lessons.lesson.submit("4")
    window.commands.run("view.class_mode")
    window.commands.run("view.class_mode")
    assert window.canvas.hasFocus()
    window.class_mode.leave()


def test_a_window_closed_in_class_mode_opens_with_its_panels(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(window)
    kept: list[object] = []
    monkeypatch.setattr(settings, "set_window_state", lambda *given: kept.append(given[1]))
    window.commands.run("view.class_mode")
    window.close()
    window.restoreState(kept[0])  # type: ignore[arg-type]
    assert shown(window) == before


def test_the_start_page_shows_no_panel_after_writing(window: Window) -> None:
    open_lesson(window, taught(*ALL[:3]))
    window.commands.run("lesson.edit")
    window.start_page()
    QApplication.processEvents()
    assert not shown(window)


def test_a_lesson_in_better_words_goes_on_where_one_was(window: Window) -> None:
    """As after an update; one that asks for something else begins anew."""
    graph = walked(window, "tanh")
    steps = graph.settings["lesson"]
    bettered = tuple(replace(s, title="New", text="Better.", hints=("One.",)) for s in steps)
    graph.put("settings", "lesson", bettered)
    open_lesson(window, graph)
    assert window.lessons.lesson.at == 2 and len(window.session.graph.nodes) == 7
    assert window.session.root.settings["lesson"] == bettered
    other = taught(*ALL[:3])
    open_lesson(window, other)
    assert window.lessons.lesson.at == 0


def test_writing_leaves_how_far_one_is(window: Window) -> None:
    open_lesson(window, taught(*ALL[:4]))
    window.lessons.lesson.next()
    window.lessons.keep()
    key = lesson_home.key_of(window.session.root)
    window.commands.run("lesson.edit")
    window.lessons.keep()
    assert lesson_home.way(key) == Way(1, 1, frozenset({0}))


def test_words_of_a_step_that_is_gone_are_dropped(window: Window) -> None:
    window.commands.run("lesson.edit")
    window.lessons.editor.form.text.setPlainText("Being typed")
    window.session.history.undo()
    window.lessons.editor.form.text.take()
    assert not window.lessons.lesson.steps


def test_undo_that_brings_a_question_hides_its_number(window: Window) -> None:
    open_lesson(window, taught(step("ask", node="t"), step("read")))
    window.session.locked = ""
    asks = window.session.root.settings["lesson"]
    window.lessons.lesson.write(0)
    window.session.do(set_setting("lesson", (step("read"), step("read"))), "Change")
    window.lessons.lesson.attempt(0)
    assert window.session.hidden is None
    window.session.history.undo()
    assert window.session.root.settings["lesson"] == asks
    assert window.session.hidden is not None and window.session.locked


def test_training_ends_where_a_question_begins(window: Window, qtbot: QtBot) -> None:
    graph = examples.load("xor")
    loss = graph.name(str(graph.output()))
    set_setting("lesson", (step("read"), step("ask", node=loss), step("read"))).apply(graph)
    open_lesson(window, graph)
    window.commands.run("train.train")
    qtbot.waitUntil(lambda: window.bridge.running, timeout=5000)
    window.lessons.lesson.next()
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=20000)
    number = window.lessons.lesson.number
    qtbot.wait(200)
    assert number == window.lessons.lesson.number


def test_the_picture_of_a_covered_panel_is_not_offered(window: Window) -> None:
    open_lesson(window, taught(step("ask", node="t"), step("read")))
    window.show_panel("why")
    dock = window.docks["why"]
    at = QPoint(20, 10)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, dock.mapToGlobal(at))
    QApplication.sendEvent(dock, event)
    assert not dock.findChildren(QMenu)
    window.lessons.lesson.submit("0.25")
    window.lessons.lesson.next()
    QApplication.sendEvent(dock, event)
    menus = dock.findChildren(QMenu)
    assert menus
    menus[0].close()


def test_nothing_trains_while_a_node_that_is_gone_is_asked_for(window: Window) -> None:
    graph = examples.load("xor")
    set_setting("lesson", (step("ask", node="nobody"), step("read"))).apply(graph)
    open_lesson(window, graph)
    assert window.session.hidden is None
    window.commands.run("train.train")
    assert not window.bridge.running


def test_the_history_does_not_jump_in_class_mode(window: Window) -> None:
    open_lesson(window, taught(step("do", goal="begun"), step("read")))
    window.session.do(set_setting("title", "x"), "Change")
    window.lessons.lesson.skip()
    window.commands.run("view.class_mode")
    window.history_panel.jump_asked.emit(0)
    assert window.session.root.settings["title"] == "x" and window.notice.isVisible()


def test_another_tab_before_the_editor_ends_the_writing(window: Window, qtbot: QtBot) -> None:
    open_lesson(window, taught(*ALL[:4]))
    docks = window.docks
    window.tabifyDockWidget(docks["inspector"], docks["lesson_editor"])
    window.commands.run("lesson.edit")
    assert window.lessons.lesson.writing
    window.show_panel("inspector")
    docks["inspector"].raise_()
    qtbot.waitUntil(lambda: not window.lessons.lesson.writing)
    assert docks["lesson"].is_seen


def test_steps_that_a_file_may_hold_and_nobody_can_do_are_shown(window: Window) -> None:
    steps = (
        step("do", goal="setting", settings={"field": "optimizer", "stage": "$x$"}),
        step("do", goal="value", settings={"node": "x", "entry": "<", "relation": "or"}),
        step("do", goal="panel", settings={"panel": "nowhere"}),
        step("ask", node="t", panels=("nowhere",)),
    )
    open_lesson(window, taught(*steps))
    for _ in steps[:3]:
        assert window.lessons.panel.deed.prose.text.strip()
        window.commands.run("lesson.skip")
    enter(window.lessons.panel.answer.line, "1e400")
    assert window.lessons.lesson.tries == 1


def test_a_deed_may_need_a_module_of_the_document(window: Window) -> None:
    graph = compose("h = tanh(x) * 2; J = h + 1", default=0.5)
    chosen = [n for n in graph.nodes if graph.name(n) == "h" or graph.nodes[n].op == "tanh"]
    edit, _ = make_module(graph, chosen, "Layer")
    edit.apply(graph)
    set_setting("lesson", (step("do", goal="node", settings={"operator": "Layer"}),)).apply(graph)
    open_lesson(window, graph)
    assert window.lessons.lesson.is_done


def test_a_screen_reader_is_not_told_the_hidden_number(window: Window) -> None:
    open_lesson(window, taught(step("read", at="end"), step("ask", node="u"), step("read")))
    window.session.select([str(window.session.root.id_of("u"))])
    assert "0.9974" in window.canvas.accessibleDescription()
    window.lessons.lesson.next()
    window.canvas.flush()
    assert "0.9974" not in window.canvas.accessibleDescription()
