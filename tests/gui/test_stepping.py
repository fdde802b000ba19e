"""Stepping in the real window: runs to nodes, breakpoints, playing that stops or loops, the view that
follows."""

from __future__ import annotations

import pytest
from hands import LEFT, WORKED, middle, node
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.view import settings, theme
from app.view.canvas.drawing import stop_sign
from app.view.window import Window
from engine.compose import compose
from engine.examples import load_module
from engine.graph import Graph
from engine.modules import add_module

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def show(window: Window, program: str = WORKED) -> None:
    window.session.load(compose(program, default=0.5))
    window.canvas.flush()
    window.canvas.fit()
    window.canvas.setFocus()


def press(window: Window, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(window.canvas, key, held)


def click(window: Window, name: str) -> None:
    QTest.mouseClick(window.canvas.viewport(), LEFT, NONE, middle(window.canvas, name))


def test_keys_run_to_a_node_and_over_nodes(window: Window) -> None:
    show(window)
    click(window, "t")
    press(window, Qt.Key.Key_F4)
    assert window.session.cursor == 1
    press(window, Qt.Key.Key_F4)
    assert window.session.cursor == 11
    press(window, Qt.Key.Key_Home)
    press(window, Qt.Key.Key_Right, CONTROL | SHIFT)
    assert window.session.cursor == 1
    window.session.seek(7)
    press(window, Qt.Key.Key_Right, CONTROL | SHIFT)
    assert window.session.cursor == 9
    press(window, Qt.Key.Key_Left, CONTROL | SHIFT)
    assert window.session.cursor == 7


def test_a_node_without_a_step_says_so(window: Window) -> None:
    show(window)
    window.add_operator("constant")
    window.canvas.flush()
    made = next(n for n, x in window.session.graph.nodes.items() if x.op == "constant")
    window.session.select((made,))
    at = window.session.cursor
    press(window, Qt.Key.Key_F4)
    assert "No step computes c" in window.canvas.notice.text()
    assert window.session.cursor == at


def test_a_breakpoint_is_set_seen_stopped_at_undone_and_cleared(
    window: Window, qtbot: QtBot
) -> None:
    show(window)
    canvas, session = window.canvas, window.session
    click(window, "u")
    press(window, Qt.Key.Key_F9)
    u = node(canvas, "u")
    assert session.graph.settings["breakpoints"] == (u,)
    assert session.history.labels == ["Breakpoint"] and canvas.board.nodes[u].look.stop
    press(window, Qt.Key.Key_Home)
    window.transport.speed.setCurrentIndex(window.transport.speed.count() - 1)
    window.transport.timer.setInterval(5)
    press(window, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: not window.playing)
    assert session.cursor == 4, "it stops when the node is computed"
    press(window, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: not window.playing)
    assert session.cursor == 7, "and when its gradient is whole"
    press(window, Qt.Key.Key_F7, SHIFT)
    assert session.cursor == 4
    press(window, Qt.Key.Key_F7, SHIFT)
    assert session.cursor == 0
    press(window, Qt.Key.Key_F7)
    press(window, Qt.Key.Key_F7)
    assert session.cursor == 7
    press(window, Qt.Key.Key_F7)
    assert session.cursor == len(session.steps)
    press(window, Qt.Key.Key_F9)
    assert session.graph.settings["breakpoints"] == () and not canvas.board.nodes[u].look.stop
    press(window, Qt.Key.Key_Z, CONTROL)
    assert session.graph.settings["breakpoints"] == (u,) and canvas.board.nodes[u].look.stop
    window.commands.run("step.clear_breakpoints")
    assert session.graph.settings["breakpoints"] == ()
    press(window, Qt.Key.Key_Home)
    assert not window.commands.by_id["step.breakpoint_on"].isEnabled()


def test_the_mark_is_seen_near_and_from_afar_and_goes_with_its_node(window: Window) -> None:
    show(window)
    canvas = window.canvas
    click(window, "u1")
    press(window, Qt.Key.Key_F9)
    window.session.select(())
    for zoom in (1.0, 0.2):
        canvas.look(canvas.board.nodes[node(canvas, "u1")].body().topLeft(), zoom)
        canvas.flush()
        QApplication.processEvents()
        shown = canvas.viewport().grab().toImage()
        corner = canvas.board.nodes[node(canvas, "u1")].body().topLeft()
        at = canvas.mapFromScene(corner + QPointF(4, 4) * (zoom == 1.0))
        ratio = shown.devicePixelRatio()
        assert shown.pixelColor((QPointF(at) * ratio).toPoint()) == theme.current().text
    u1 = node(canvas, "u1")
    press(window, Qt.Key.Key_Delete)
    window.session.select((u1,))
    press(window, Qt.Key.Key_Delete)
    assert window.session.graph.settings["breakpoints"] == ()
    press(window, Qt.Key.Key_Z, CONTROL)
    assert canvas.board.nodes[u1].look.stop
    assert stop_sign(QPointF(), 4).boundingRect().width() < 8


def test_a_loop_begins_again(window: Window, qtbot: QtBot) -> None:
    show(window, "J = cos(x)")
    button = window.transport.loop
    assert not button.isChecked()
    QTest.mouseClick(button, LEFT)
    assert window.transport.loops and button.isChecked()
    seen: list[int] = []
    window.session.cursor_moved.join(lambda: seen.append(window.session.cursor))
    window.transport.timer.setInterval(2)
    press(window, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: seen.count(1) >= 3)
    assert seen[:9] == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    QTest.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: not window.playing)
    assert window.session.cursor == 3 and not button.isChecked()
    assert not window.commands.by_id["step.loop"].isChecked()


def test_inside_a_module_the_marks_are_its_own(window: Window) -> None:
    show(window, "y = x * 2; z = cos(y)")
    edit, made = add_module(window.session.graph, "Dense", load_module("Dense"), (0, 300))
    window.session.do(edit, "Add Dense")
    window.session.enter(made)
    inner = next(n for n, x in window.session.graph.nodes.items() if x.op != "input")
    window.session.select((inner,))
    press(window, Qt.Key.Key_F9)
    assert window.session.graph.settings["breakpoints"] == (inner,)
    assert window.canvas.board.nodes[inner].look.stop
    window.session.leave()
    marks = {n: i.look.stop for n, i in window.canvas.board.nodes.items() if i.look.stop}
    assert marks == {made: "inside"}
    window.commands.run("edit.undo")
    assert not window.canvas.board.nodes[made].look.stop


def test_without_nodes_nothing_is_offered(window: Window) -> None:
    window.session.load(Graph())
    for name in ("node_on", "node_back", "to_node", "breakpoint", "breakpoint_on", "loop"):
        assert not window.commands.by_id[f"step.{name}"].isEnabled()
        window.commands.run(f"step.{name}")


def test_the_view_follows_the_step_and_can_be_told_not_to(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(window)
    canvas = window.canvas
    window.session.seek(0)
    canvas.look(canvas.centre() + QPointF(30_000, 0), 1.0)
    press(window, Qt.Key.Key_L)
    t = canvas.board.nodes[node(canvas, "t")].body()
    assert canvas.seen().contains(t)
    still = canvas.centre()
    canvas.pan(3, 0)
    press(window, Qt.Key.Key_L)
    assert (canvas.centre() - still).manhattanLength() < 4, "what is seen already moves nothing"
    window.commands.run("step.follow")
    assert not settings.follows_step()
    away = canvas.centre() + QPointF(30_000, 0)
    canvas.look(away, 1.0)
    press(window, Qt.Key.Key_L)
    assert (canvas.centre() - away).manhattanLength() < 2
    window.commands.run("step.follow")
    assert canvas.seen().intersects(canvas.board.content()), "it is back at once"
    canvas.look(away, 1.0)
    window.canvas.edit_value(node(canvas, "x"))
    window.session.seek(3)
    assert window.canvas.editor.is_open, "who types is not disturbed"
