"""Numbers tried out: dragged, turned by the wheel, stepped by keys; what the tangents say beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hands import LEFT, PLAIN, Open, middle, node, seen
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.view.canvas import Canvas
from app.view.canvas.drawing import VALUE_BOX
from app.view.theme import number_text
from app.view.window import Window
from engine.compose import compose
from engine.edits import set_literal, set_tensor
from engine.graph import Graph
from engine.modules import make_module
from tests.shipped import FEW

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier


def value(canvas: Canvas, name: str) -> float:
    return float(canvas.session.evaluation.values[node(canvas, name)])


def j_at(x: float) -> float:
    return math.cos(math.sin(x * x) + 3 * x * x)


def slope_at(x: float) -> float:
    return -math.sin(math.sin(x * x) + 3 * x * x) * (math.cos(x * x) + 3) * 2 * x


def notes(canvas: Canvas) -> dict[str, str]:
    graph = canvas.session.graph
    return {graph.name(n): text for n, text in canvas.session.marks.all.notes.items()}


def turn(
    canvas: Canvas,
    at: QPoint,
    notches: float,
    modifiers: Qt.KeyboardModifier = ALT,
    axis: str = "x",
) -> None:
    """The wheel with Alt: Qt turns its axis on some systems."""
    angle = QPoint(int(120 * notches), 0) if axis == "x" else QPoint(0, int(120 * notches))
    event = QWheelEvent(
        QPointF(at), QPointF(canvas.viewport().mapToGlobal(at)), QPoint(), angle,
        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)
    canvas.what_if.flush()
    canvas.flush()


def pull(
    canvas: Canvas,
    name: str,
    by: int,
    modifiers: Qt.KeyboardModifier = ALT,
    start: QPoint | None = None,
    release: bool = True,
) -> None:
    port, at = canvas.viewport(), start or middle(canvas, name)
    QTest.mousePress(port, LEFT, modifiers, at)
    for i in range(1, 5):
        move(canvas, at + QPoint(by * i // 4, 0), modifiers)
    canvas.what_if.flush()
    if release:
        QTest.mouseRelease(port, LEFT, modifiers, at + QPoint(by, 0))
    canvas.flush()


def move(canvas: Canvas, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(at), QPointF(canvas.viewport().mapToGlobal(at)),
        Qt.MouseButton.NoButton, LEFT, modifiers,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)


# ---------------------------------------------------------------- on the canvas


def test_a_drag_with_alt_tries_a_number_out(opened: Open) -> None:
    """0.5 moves by 0.01 every 6 pixels; under each node stands what its tangent says."""
    canvas = opened()
    pull(canvas, "x", 60, release=False)
    assert value(canvas, "x") == 0.6
    assert value(canvas, "J") == pytest.approx(j_at(0.6), rel=1e-12)
    said = j_at(0.5) + 0.1 * slope_at(0.5)
    assert notes(canvas)["J"] == f"≈ {number_text(said)}"
    assert notes(canvas)["t"] == f"≈ {number_text(0.25 + 0.1)}"
    assert "x" not in notes(canvas)
    assert canvas.what_if.predicted == pytest.approx(said, rel=1e-12)
    assert "Esc takes it back" in canvas.banner.text() and "0.6" in canvas.banner.text()
    QTest.mouseRelease(canvas.viewport(), LEFT, ALT, middle(canvas, "x"))
    assert "Esc ends it" in canvas.banner.text()
    assert canvas.session.history.labels == ["What if x"]
    assert canvas.session.selection == (node(canvas, "x"),)
    canvas.session.history.undo()
    assert value(canvas, "x") == 0.5 and not notes(canvas) and not canvas.banner.text()


def test_v_held_is_as_good_as_alt(opened: Open) -> None:
    canvas = opened()
    QTest.keyPress(canvas, Qt.Key.Key_V)
    pull(canvas, "x", 60, PLAIN)
    QTest.keyRelease(canvas, Qt.Key.Key_V)
    assert value(canvas, "x") == 0.6
    turn(canvas, middle(canvas, "x"), 1, PLAIN, "y")
    assert value(canvas, "x") == 0.6  # no more: this is the zoom


def test_escape_takes_a_drag_back(opened: Open) -> None:
    canvas = opened()
    pull(canvas, "x", 60, release=False)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert value(canvas, "x") == 0.5
    assert not canvas.session.history.labels and not notes(canvas)
    QTest.mouseRelease(canvas.viewport(), LEFT, ALT, middle(canvas, "x"))
    assert value(canvas, "x") == 0.5


@pytest.mark.parametrize("axis", ["x", "y"])
def test_the_wheel_with_alt_steps_and_turns_that_follow_are_one_change(
    opened: Open, axis: str
) -> None:
    canvas = opened()
    zoom = canvas.zoom
    for _ in range(3):
        turn(canvas, middle(canvas, "x"), 1, ALT, axis)
    assert value(canvas, "x") == 0.53 and canvas.zoom == zoom
    turn(canvas, middle(canvas, "x"), -1, ALT | SHIFT, axis)
    assert value(canvas, "x") == 0.529
    assert canvas.session.history.labels == ["What if x"]
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert value(canvas, "x") == 0.5
    turn(canvas, middle(canvas, "x"), 1, ALT, axis)
    canvas.what_if.end()  # what a pause does
    turn(canvas, middle(canvas, "x"), 1, ALT, axis)
    assert len(canvas.session.history.labels) == 2
    assert notes(canvas)["t"] == f"≈ {number_text(0.25 + 0.02)}"  # from where the trial began


def test_the_wheel_rests_after_a_while(opened: Open, qtbot) -> None:
    canvas = opened()
    turn(canvas, middle(canvas, "x"), 1)
    assert canvas.what_if.going_on
    qtbot.waitUntil(lambda: not canvas.what_if.going_on, timeout=3000)
    assert notes(canvas)


def test_a_number_at_a_port_is_tried_out_on_its_node(opened: Open) -> None:
    canvas = opened()
    turn(canvas, middle(canvas, "u2"), 1)
    assert canvas.session.graph.nodes[node(canvas, "u2")].literals["a"] == 3.1
    x = 0.5
    now = math.cos(math.sin(x * x) + 3.1 * x * x)
    assert value(canvas, "J") == pytest.approx(now, rel=1e-12)
    said = j_at(x) - math.sin(math.sin(x * x) + 3 * x * x) * x * x * 0.1
    assert notes(canvas)["J"] == f"≈ {number_text(said)}"
    assert "u1" not in notes(canvas)


def test_a_computed_node_says_what_to_do(opened: Open) -> None:
    canvas = opened()
    turn(canvas, middle(canvas, "J"), 1)
    assert "J is computed" in canvas.notice.text()
    pull(canvas, "J", 60)
    assert not canvas.session.history.labels
    place = canvas.session.graph.nodes[node(canvas, "J")]
    assert (place.x, place.y) == (
        canvas.board.nodes[node(canvas, "J")].pos().x(),
        canvas.board.nodes[node(canvas, "J")].pos().y(),
    )


def test_an_entry_is_picked_in_the_picture(opened: Open) -> None:
    w = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    canvas = opened(graph=compose("J = sum(tanh(w * w))", {"w": w}))
    item = canvas.board.nodes[node(canvas, "w")]
    box = VALUE_BOX.translated(item.body().topLeft())
    # 3 columns, 2 rows in a box of 49 by 40: a picture of 49 by 32.7 in its middle
    place = QPointF(box.left() + 49 * 2.5 / 3, box.center().y() + 8)
    turn(canvas, seen(canvas, place), 2)
    now = canvas.session.graph.tensors[node(canvas, "w")]
    assert now[1, 2] == pytest.approx(0.62) and np.count_nonzero(now != w) == 1
    assert canvas.what_if.trial and canvas.what_if.trial.handle.entry == (1, 2)
    said = np.sum(np.tanh(w * w)) + 0.02 * 2 * 0.6 / math.cosh(0.36) ** 2
    assert notes(canvas)["J"] == f"≈ {number_text(float(said))}"
    inner = next(n for n in canvas.session.graph.nodes if n in canvas.session.marks.all.notes
                 and canvas.session.evaluation.specs[n].shape)  # fmt: skip
    assert canvas.session.marks.all.notes[inner].startswith("≈ off by ")
    # beside the picture it is the entry that moves the output most
    canvas.what_if.stop()
    turn(canvas, seen(canvas, item.body().topLeft() + QPointF(70, 10)), 1)
    gradient = 2 * now / np.cosh(now * now) ** 2
    assert canvas.what_if.trial.handle.entry == np.unravel_index(np.argmax(gradient), w.shape)


def test_whole_numbers_step_by_one(opened: Open) -> None:
    graph = compose("J = softmax_cross_entropy(z, k)", {"z": np.array([0.1, 0.9, 0.3]), "k": 0.0})
    set_tensor(graph.id_of("k"), np.array(0)).apply(graph)
    canvas = opened(graph=graph)
    turn(canvas, middle(canvas, "k"), 1, ALT | SHIFT)
    assert int(canvas.session.graph.tensors[node(canvas, "k")]) == 1
    assert not notes(canvas)


def test_what_is_tried_out_ends_when_something_else_changes(opened: Open) -> None:
    canvas = opened()
    turn(canvas, middle(canvas, "x"), 1)
    canvas.session.do(set_literal(canvas.session.graph, node(canvas, "u2"), "a", 4.0), "Set value")
    assert canvas.what_if.trial is None and not notes(canvas)
    canvas.session.history.undo()
    assert value(canvas, "x") == 0.51


def test_inside_a_module(opened: Open) -> None:
    graph = compose("h = tanh(1.5 * x + b)\nJ = h * h", {"x": 0.4, "b": 0.2})
    inner = [n for n in graph.nodes if graph.name(n) not in ("x", "b", "J")]
    edit, node_id = make_module(graph, inner, "block")
    edit.apply(graph)
    canvas = opened(graph=graph)
    canvas.session.enter(node_id)
    canvas.fit()
    canvas.flush()
    here = canvas.session.graph
    held = next(n for n in here.nodes if here.nodes[n].literals)
    turn(canvas, middle(canvas, here.name(held)), 1)
    assert canvas.session.graph.nodes[held].literals == {"a": 1.6}
    root = canvas.session.whole
    assert float(root.values[root.output]) == pytest.approx(math.tanh(1.6 * 0.4 + 0.2) ** 2)
    h = math.tanh(0.8)
    said = h + (1 - h * h) * 0.4 * 0.1
    assert notes(canvas)["h"] == f"≈ {number_text(said)}"
    given = next(n for n in here.nodes if here.nodes[n].op == "input")
    turn(canvas, middle(canvas, here.name(given)), 1)
    assert "fed by what the module is wired to" in canvas.notice.text()


# ---------------------------------------------------------------- in the window


def loaded(window: Window, graph: Graph) -> Canvas:
    window.session.load(graph)
    window.show_editor()
    window.canvas.fit()
    window.canvas.flush()
    return window.canvas


def test_keys_step_the_selected_value(window: Window) -> None:
    canvas = loaded(window, compose("J = cos(sin(x^2) + 3*x^2)", {"x": 1.0}))
    canvas.setFocus()
    canvas.session.select([node(canvas, "x")])
    for key, modifiers, wanted in (
        (Qt.Key.Key_PageUp, PLAIN, 1.1), (Qt.Key.Key_PageUp, PLAIN, 1.2),
        (Qt.Key.Key_PageUp, SHIFT, 1.21), (Qt.Key.Key_PageDown, PLAIN, 1.11),
        (Qt.Key.Key_PageDown, SHIFT, 1.1),
    ):  # fmt: skip
        QTest.keyClick(canvas, key, modifiers)
        window.what_if.flush()
        assert value(canvas, "x") == wanted
    assert window.session.history.labels == ["What if x"]
    assert window.what_if.predicted == pytest.approx(j_at(1.0) + 0.1 * slope_at(1.0))
    window.commands.run("explain.back")
    assert value(canvas, "x") == 1.0 and not notes(canvas)
    window.session.history.undo()
    assert value(canvas, "x") == 1.1


def test_while_it_trains_nothing_is_tried_out(window: Window) -> None:
    canvas = loaded(window, compose("J = x^2", {"x": 1.0}))
    window.what_if.training = True
    turn(canvas, middle(canvas, "x"), 1)
    assert "while it trains" in canvas.notice.text()
    assert value(canvas, "x") == 1.0


@pytest.mark.parametrize("name", FEW)
def test_the_shipped_examples_are_tried_out(window: Window, name: str) -> None:
    window.documents.open_example(name)
    canvas, session = window.canvas, window.session
    canvas.fit()
    canvas.flush()
    for node_id in list(session.graph.nodes):
        handle = window.what_if.handle_of(node_id)
        if handle is not None and window.what_if.nudge(handle, 1):
            window.what_if.flush()
            window.what_if.end()
    window.what_if.reset()
    assert not session.marks.all.notes


def test_page_keys_without_a_node_leave_the_view_and_say_so(window: Window) -> None:
    """Qt's own page keys would scroll the graph out of sight."""
    window.compose("J = cos(x)")
    canvas = window.canvas
    window.session.select(())
    before = canvas.centre()
    for key, modifiers in ((Qt.Key.Key_PageUp, PLAIN), (Qt.Key.Key_PageDown, SHIFT)):
        for _ in range(3):
            QTest.keyClick(canvas, key, modifiers)
        assert canvas.centre() == before and canvas.sees_something
        assert canvas.notice.isVisible() and "elect a node" in canvas.notice.text()
        canvas.notice.hide()
    assert window.session.history.labels == ["Type a formula"]
