"""Gestures that something else meets: another change, another place, a button let go unseen."""

from __future__ import annotations

import pytest
from hands import LEFT, PLAIN, RIGHT, WORKED, Open, drag, hover, links, middle, node, output, port
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.history import History
from app.view.canvas import Canvas
from app.view.window import Window
from engine import files
from engine.compose import compose
from engine.edits import move
from engine.graph import Graph
from engine.modules import make_module
from engine.notes import add_note


def held(canvas: Canvas, name: str, by: QPoint) -> QPoint:
    """A node is dragged and not let go."""
    start = middle(canvas, name)
    drag(canvas, start, start + by, release=False)
    canvas.flush()
    return start + by


def shown(canvas: Canvas, name: str) -> QPointF:
    return canvas.board.nodes[node(canvas, name)].pos()


def kept(canvas: Canvas, name: str) -> QPointF:
    found = canvas.session.graph.nodes[node(canvas, name)]
    return QPointF(found.x, found.y)


def with_module() -> Graph:
    graph = compose("y = x * 2; z = y + 1; J = z^2", {"x": 1.0})
    make_module(graph, [str(graph.id_of("y")), str(graph.id_of("z"))], "Twice")[0].apply(graph)
    return graph


@pytest.mark.parametrize("what", ["enter", "load", "leave"])
def test_another_place_or_document_drops_a_drag(opened: Open, what: str) -> None:
    canvas = opened(graph=with_module())
    session = canvas.session
    (module,) = (n for n in session.graph.nodes if session.graph.op(n).definition is not None)
    if what == "leave":
        session.enter(module)
        canvas.flush()
    name = session.graph.name(next(iter(session.graph.nodes)))
    end = held(canvas, name, QPoint(60, 40))
    if what == "enter":
        session.enter(module)
    elif what == "leave":
        session.leave()
    else:
        session.load(compose(WORKED, default=0.5))
    QTest.mouseMove(canvas.viewport(), end + QPoint(9, 9))
    QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, end)
    canvas.flush()
    assert session.history.labels == []
    for node_id, item in canvas.board.nodes.items():
        there = session.graph.nodes[node_id]
        assert item.pos() == QPointF(there.x, there.y)


def test_enter_and_arrows_wait_for_a_drag(opened: Open) -> None:
    canvas = opened(graph=with_module())
    session = canvas.session
    (module,) = (n for n in session.graph.nodes if session.graph.op(n).definition is not None)
    end = held(canvas, session.graph.name(module), QPoint(60, 40))
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert session.place == () and session.history.labels == []
    QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, end)
    assert session.history.labels == ["Move"]


@pytest.mark.parametrize("after", ["escape", "home", "release"])
def test_undo_during_a_drag_leaves_what_the_document_says(opened: Open, after: str) -> None:
    canvas = opened()
    drag(canvas, middle(canvas, "J"), middle(canvas, "J") + QPoint(0, 90))
    canvas.flush()
    start = middle(canvas, "J")
    end = held(canvas, "J", QPoint(70, 50))
    canvas.session.history.undo()
    if after == "escape":
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, start if after == "home" else end)
    canvas.flush()
    assert shown(canvas, "J") == kept(canvas, "J") and canvas.session.history.labels == []


def test_undo_while_a_note_is_resized(opened: Open) -> None:
    canvas = opened()
    edit, note = add_note(canvas.session.graph, x=0.0, y=-300.0)
    canvas.session.do(edit, "Note")
    canvas.session.select([note])
    canvas.fit()
    canvas.flush()
    corner = canvas.viewportTransform().map(QPointF(200, -300 + 96)).toPoint()
    drag(canvas, corner, corner + QPoint(60, 60))
    assert canvas.session.history.labels == ["Note", "Resize"]
    note_now = canvas.session.graph.notes[note]
    place = QPointF(note_now.x + note_now.width, note_now.y + note_now.height)
    corner = canvas.viewportTransform().map(place).toPoint()
    drag(canvas, corner, corner + QPoint(60, 60), release=False)
    canvas.session.history.undo()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, corner)
    assert canvas.board.notes.items[note].area().size().toTuple() == (200.0, 96.0)


def test_a_wire_that_goes_while_it_is_held_is_no_step(opened: Open) -> None:
    canvas = opened("a = sin(x); b = cos(z)")
    canvas.session.history.do(
        move(canvas.session.graph, {node(canvas, "b"): (0.0, 300.0)}), "first"
    )
    drag(canvas, output(canvas, "a"), port(canvas, "b", "x"))
    QTest.mousePress(canvas.viewport(), LEFT, PLAIN, port(canvas, "b", "x"))
    canvas.session.history.undo()
    QTest.mouseMove(canvas.viewport(), port(canvas, "b", "x") + QPoint(50, 50))
    QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, port(canvas, "b", "x"))
    assert canvas.session.history.labels == ["first"] and links(canvas)["b", "x"] == "z"


def test_a_button_let_go_over_another_window_ends_the_drag(opened: Open) -> None:
    canvas = opened()
    end = held(canvas, "J", QPoint(60, 40))
    hover(canvas, end + QPoint(40, 0))
    canvas.flush()
    assert shown(canvas, "J") == kept(canvas, "J") and canvas.session.history.labels == []


def test_only_the_button_that_began_a_drag_ends_it(opened: Open) -> None:
    canvas = opened()
    end = held(canvas, "J", QPoint(60, 40))
    QTest.mouseClick(canvas.viewport(), RIGHT, PLAIN, end)
    assert canvas.session.history.labels == []
    QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, end)
    assert canvas.session.history.labels == ["Move"]


def test_wires_by_keys_end_when_the_document_changes(window: Window) -> None:
    window.session.load(compose("a = sin(x); b = cos(a)", {"x": 1.0}))
    window.show_editor()
    canvas = window.canvas
    made = canvas.add_operator("tanh")
    canvas.session.select([node(canvas, "b")])
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_C)
    canvas.session.history.undo()
    assert made not in canvas.session.graph.nodes
    QTest.keyClick(canvas, Qt.Key.Key_Tab)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.session.history.labels == []


def test_a_search_that_was_given_up_wires_nothing_later(window: Window) -> None:
    window.session.load(compose("a = sin(x)", {"x": 1.0}))
    window.show_editor()
    canvas = window.canvas
    canvas.fit()
    canvas.flush()
    ground = output(canvas, "a") + QPoint(150, 160)
    drag(canvas, output(canvas, "a"), ground)
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, Qt.Key.Key_Escape)
    canvas.add_operator("tanh", canvas.to_scene(QPointF(ground)))
    assert links(canvas) == {("a", "x"): "x"}


def test_a_refused_value_is_said_although_a_click_gave_it(window: Window) -> None:
    window.session.load(compose("a = sin(x)", {"x": 1.0}))
    window.show_editor()
    canvas = window.canvas
    canvas.fit()
    canvas.flush()
    canvas.edit_value(node(canvas, "x"))
    focus = QApplication.focusWidget()
    assert focus is canvas.editor
    canvas.editor.setText("nonsense(")
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, QPoint(8, 8))
    assert canvas.notice.isVisible() and canvas.session.history.labels == []
    QTest.qWait(1)
    QTest.mouseClick(canvas.viewport(), LEFT, PLAIN, QPoint(8, 8))
    assert not canvas.notice.isVisible()


def test_thousands_of_joined_steps_are_taken_back() -> None:
    graph = compose(WORKED, default=0.5)
    before = files.to_bytes(graph)
    history = History(graph)
    x = str(graph.id_of("x"))
    for number in range(3_000):
        history.do(move(graph, {x: (float(number), 0.0)}), "Move", "held")
    assert history.labels == ["Move"]
    after = files.to_bytes(graph)
    assert history.undo() == "Move" and files.to_bytes(graph) == before
    assert history.redo() == "Move" and files.to_bytes(graph) == after


def test_cut_is_called_so(opened: Open) -> None:
    canvas = opened()
    canvas.session.select([node(canvas, "J")])
    canvas.cut()
    assert canvas.session.history.labels == ["Cut"]
