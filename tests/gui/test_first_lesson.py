"""The first lesson, done word for word as it says, by someone who never saw the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from hands import LEFT, PLAIN, drag, links, middle, output
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import lesson_home
from app.view.panels.palette import Chip
from app.view.window import Window

CONTROL = Qt.KeyboardModifier.ControlModifier


def double_click(widget: QWidget, at: QPoint | None = None) -> None:
    place = widget.rect().center() if at is None else at
    QTest.mouseClick(widget, LEFT, PLAIN, place)
    QTest.mouseDClick(widget, LEFT, PLAIN, place)
    QApplication.processEvents()


def chip(window: Window, label: str) -> Chip:
    chips = window.palette_panel.findChildren(Chip)
    return next(c for c in chips if c.text() == label and c.isVisible())


def type_here(text: str) -> None:
    """Into whatever has the keys now, and Enter."""
    widget = QApplication.focusWidget()
    assert widget is not None
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)
    QApplication.processEvents()


def press(key: Qt.Key, held: Qt.KeyboardModifier = PLAIN) -> None:
    widget = QApplication.focusWidget()
    assert widget is not None
    QTest.keyClick(widget, key, held)
    QApplication.processEvents()


def go_on(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.lessons.panel.next.isEnabled(), timeout=3000)
    QTest.mouseClick(window.lessons.panel.next, LEFT)
    QApplication.processEvents()
    window.canvas.flush()


def test_as_it_says(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lesson_home, "folder", lambda: tmp_path)
    window.lessons.open("graphs")
    qtbot.wait(10)
    canvas, lesson = window.canvas, window.lessons.lesson
    go_on(window, qtbot)
    double_click(chip(window, "x input"))
    go_on(window, qtbot)
    double_click(canvas.viewport(), middle(canvas, "x"))
    type_here("2")
    go_on(window, qtbot)
    double_click(chip(window, "x² square"))
    press(Qt.Key.Key_F2)
    type_here("t")
    go_on(window, qtbot)
    drag(canvas, output(canvas, "x"), middle(canvas, "t"))
    go_on(window, qtbot)
    double_click(chip(window, "+ add"))
    press(Qt.Key.Key_F2)
    type_here("y")
    go_on(window, qtbot)
    drag(canvas, output(canvas, "t"), middle(canvas, "y"))
    go_on(window, qtbot)
    drag(canvas, output(canvas, "x"), middle(canvas, "y"))
    assert sorted(links(canvas).values()) == ["t", "x", "x"]  # at the port that was empty
    go_on(window, qtbot)
    places = [node.x for node in window.session.graph.nodes.values()]
    assert places == sorted(places)  # each new node stands right of those before
    QTest.mouseClick(window.lessons.panel.choice_buttons[1], LEFT)
    go_on(window, qtbot)
    double_click(canvas.viewport(), middle(canvas, "x"))
    type_here("3")
    canvas.flush()
    shown = {canvas.session.graph.name(n): i.face.value for n, i in canvas.board.nodes.items()}
    assert shown["x"] == "3" and "12" not in shown.values()  # nothing tells y before it is asked
    go_on(window, qtbot)
    canvas.setFocus()
    press(Qt.Key.Key_L)
    go_on(window, qtbot)
    type_here("11")
    assert not lesson.is_done and lesson.verdict is not None
    window.lessons.panel.answer.line.selectAll()
    type_here("12")
    go_on(window, qtbot)
    double_click(canvas.viewport(), middle(canvas, "x"))
    type_here("-1")
    go_on(window, qtbot)
    wires = dict(window.session.graph.links)
    drag(canvas, output(canvas, "y"), middle(canvas, "t"))
    assert canvas.notice.isVisible()
    assert canvas.notice.text().startswith("⚠ y → t would close a circle: t already feeds y")
    assert window.session.graph.links == wires
    QTest.mouseClick(window.lessons.panel.choice_buttons[2], LEFT)
    go_on(window, qtbot)
    press(Qt.Key.Key_E, CONTROL)
    type_here("J = cos(y)")
    go_on(window, qtbot)
    assert lesson.is_finished
