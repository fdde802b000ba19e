"""The canvas under a real mouse: dragging in, wiring, moving, selecting, copying, zooming."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest
from hands import Open, drag, drop, links, middle, node, output, port, seen
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QGuiApplication, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.actions.gestures import HOW, How
from app.text import pretty_name
from app.view import theme
from app.view.canvas import gestures
from app.view.canvas.face import pretty_formula
from app.view.canvas.gestures.gesture import Gesture
from engine.edits import Batch, Edit, connect, remove_nodes, set_options, set_tensor
from engine.graph import Graph

# ------------------------------------------------------------------------- building


def test_an_operator_is_dragged_in(opened: Open) -> None:
    canvas = opened(graph=Graph())
    assert canvas.hint.isVisible()
    assert drop(canvas, "sin", QPoint(300, 200))
    (made,) = canvas.session.graph.nodes.values()
    body = canvas.board.nodes[made.id].body()
    assert (seen(canvas, body.center()) - QPoint(300, 200)).manhattanLength() < 8
    assert canvas.session.selection == (made.id,)
    assert not canvas.hint.isVisible()
    canvas.session.history.undo()
    assert not canvas.board.nodes and canvas.hint.isVisible()


def test_other_things_are_not_taken(opened: Open) -> None:
    canvas = opened(graph=Graph())
    data = QMimeData()
    data.setText("sin")
    event = QDragEnterEvent(
        QPoint(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)
    assert not event.isAccepted()


def test_dropped_on_a_wire_it_is_inserted(opened: Open) -> None:
    canvas = opened("y = cos(x)")
    between = (output(canvas, "x") + port(canvas, "y", "x")) / 2
    assert drop(canvas, "sin", between)
    assert links(canvas) == {("v1", "x"): "x", ("y", "x"): "v1"}
    assert canvas.session.evaluation.values[node(canvas, "y")] == pytest.approx(np.cos(np.sin(0.5)))
    canvas.session.history.undo()
    assert links(canvas) == {("y", "x"): "x"}


def test_a_wire_is_drawn_and_snaps_to_the_body(opened: Open) -> None:
    canvas = opened("a = x + 1; b = y + 2; c = cos(z)")
    drag(canvas, output(canvas, "a"), middle(canvas, "b"))
    assert links(canvas)["b", "a"] == "a", "the wired port is replaced: the other holds a number"
    drag(canvas, port(canvas, "c", "x"), middle(canvas, "b"))
    assert links(canvas)["b", "a"] == "z", "a press on a wired port takes that wire along"
    assert ("c", "x") not in links(canvas)


def test_a_wire_from_an_empty_port_back_to_an_output(opened: Open) -> None:
    canvas = opened("x = 1.5")
    assert drop(canvas, "sin", QPoint(900, 420))
    drag(canvas, port(canvas, "v1", "x"), middle(canvas, "x"))
    assert links(canvas) == {("v1", "x"): "x"}


def test_while_wiring_what_fits_is_lit_and_what_does_not_is_dimmed(opened: Open) -> None:
    canvas = opened()
    drag(canvas, output(canvas, "u1"), QPoint(600, 40), release=False)
    looks = {canvas.session.graph.name(n): i.look.lit for n, i in canvas.board.nodes.items()}
    assert looks["t"] == frozenset() and looks["x"] == frozenset()
    assert looks["J"] == {"x"}
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert all(i.look.lit is None for i in canvas.board.nodes.values())
    assert canvas.session.history.labels == []


def test_a_circle_is_refused_in_words(opened: Open, qtbot: QtBot) -> None:
    canvas = opened()
    before = links(canvas)
    with qtbot.waitSignal(canvas.message) as said:
        drag(canvas, output(canvas, "J"), middle(canvas, "t"))
    assert said.args is not None and "circle" in said.args[0]
    assert canvas.notice.isVisible() and "circle" in canvas.notice.text()
    assert links(canvas) == before and canvas.session.history.labels == []


def test_a_wire_dragged_off_is_gone(opened: Open) -> None:
    canvas = opened()
    drag(canvas, port(canvas, "J", "x"), QPoint(700, 560))
    assert ("J", "x") not in links(canvas)
    assert node(canvas, "J") in canvas.session.evaluation.waiting
    canvas.session.history.undo()
    assert links(canvas)["J", "x"] == "u"


def test_a_wire_let_go_over_nothing_asks_and_then_wires(opened: Open, qtbot: QtBot) -> None:
    canvas = opened("y = cos(x)")
    with qtbot.waitSignal(canvas.search_requested) as asked:
        drag(canvas, output(canvas, "y"), QPoint(1100, 80))
    assert asked.args is not None
    made = canvas.add_operator("exp", *asked.args)
    assert made is not None and canvas.session.graph.links[made, "x"] == node(canvas, "y")


def test_a_row_with_many_operands_always_shows_a_free_port(opened: Open) -> None:
    canvas = opened("c = concat(a, b, axis=0)")
    item = canvas.board.nodes[node(canvas, "c")]
    assert [p.spare for p in item.face.ports] == [False, False, True]
    drag(canvas, output(canvas, "a"), port(canvas, "c", "xs2"))
    assert links(canvas)["c", "xs2"] == "a"
    assert len(item.face.ports) == 4


# ------------------------------------------------------------------------- editing


def test_a_move_is_one_undo_step_on_the_grid(opened: Open) -> None:
    canvas = opened()
    graph = canvas.session.graph
    was = {n: (v.x, v.y) for n, v in graph.nodes.items()}
    canvas.session.select((node(canvas, "u1"), node(canvas, "u2")))
    start = middle(canvas, "u1")
    drag(canvas, start, start + QPoint(61, -37))
    now = {n: (v.x, v.y) for n, v in graph.nodes.items()}
    assert {graph.name(n) for n in now if now[n] != was[n]} == {"u1", "u2"}
    assert now[node(canvas, "u1")][0] % 4 == 0
    assert canvas.session.history.labels == ["Move"]
    canvas.session.history.undo()
    assert {n: (v.x, v.y) for n, v in graph.nodes.items()} == was
    assert canvas.board.nodes[node(canvas, "u1")].pos() == QPointF(*was[node(canvas, "u1")])


def test_escape_puts_a_dragged_node_back(opened: Open) -> None:
    canvas = opened()
    item = canvas.board.nodes[node(canvas, "t")]
    was = item.pos()
    start = middle(canvas, "t")
    drag(canvas, start, start + QPoint(80, 80), release=False)
    canvas.flush()
    assert item.pos() != was
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert item.pos() == was and canvas.session.history.labels == []


def test_a_gesture_ends_when_its_node_goes(opened: Open) -> None:
    canvas = opened()
    start = middle(canvas, "u")
    drag(canvas, start, start + QPoint(80, 80), release=False)
    canvas.delete_selection()
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton)
    drag(canvas, output(canvas, "t"), QPoint(600, 40), release=False)
    canvas.session.do(remove_nodes(canvas.session.graph, (node(canvas, "t"),)), "Delete")
    QTest.mouseMove(canvas.viewport(), QPoint(610, 50))
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton)
    assert canvas.session.history.labels == ["Delete", "Delete"]
    assert not [i for i in canvas.board.items() if i.zValue() > 7]


def test_arrow_keys_nudge_in_one_step(opened: Open) -> None:
    canvas = opened()
    t = node(canvas, "t")
    canvas.session.select((t,))
    x = canvas.session.graph.nodes[t].x
    for _ in range(3):
        canvas.nudge_selection(4, 0)
    assert canvas.session.graph.nodes[t].x == x + 12
    assert canvas.session.history.labels == ["Move"]
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.session.graph.nodes[t].x == x + 36


def test_delete_and_undo_restores_wires(opened: Open) -> None:
    canvas = opened()
    before = links(canvas)
    wires = set(canvas.board.wires)
    QTest.mouseClick(
        canvas.viewport(), Qt.MouseButton.LeftButton, pos=middle(canvas, "u") + QPoint(0, 20)
    )
    assert canvas.session.selection == (node(canvas, "u"),)
    canvas.delete_selection()
    assert canvas.session.graph.id_of("u") is None
    assert set(canvas.board.wires) == set(canvas.session.graph.links)
    canvas.session.history.undo()
    assert links(canvas) == before and set(canvas.board.wires) == wires


def test_copy_and_paste_keeps_wires_and_numbers(opened: Open) -> None:
    canvas = opened()
    canvas.select_all()
    canvas.copy()
    canvas.paste()
    graph = canvas.session.graph
    assert len(graph.nodes) == 12 and len(graph.links) == 12
    fresh = canvas.session.selection
    assert len(fresh) == 6
    sources = {graph.links[k] for k in graph.links if k[0] in fresh}
    assert sources <= set(fresh)
    (twice,) = (n for n in fresh if graph.op(n).name == graph.op(node(canvas, "J")).name)
    values = canvas.session.evaluation.values
    assert values[twice] == values[node(canvas, "J")]
    canvas.session.history.undo()
    assert len(graph.nodes) == 6


def test_paste_into_another_window_and_of_a_formula(opened: Open, qtbot: QtBot) -> None:
    one, two = opened(), opened(graph=Graph())
    one.select_all()
    one.copy()
    two.paste()
    assert links(two) == links(one)
    QGuiApplication.clipboard().setText("y = tanh(a) + 1")
    two.paste()
    assert two.session.graph.id_of("y") is not None
    QGuiApplication.clipboard().setText("no (formula")
    with qtbot.waitSignal(two.message):
        two.paste()


def test_cut_and_duplicate(opened: Open) -> None:
    canvas = opened()
    canvas.session.select((node(canvas, "u1"),))
    canvas.duplicate()
    (copy,) = canvas.session.selection
    assert canvas.session.graph.links[copy, "x"] == node(canvas, "t")
    canvas.cut()
    assert copy not in canvas.session.graph.nodes
    canvas.paste()
    assert len(canvas.session.graph.nodes) == 7


def test_rubber_band(opened: Open) -> None:
    canvas = opened()
    a = canvas.board.nodes[node(canvas, "u1")].body().topLeft() - QPointF(12, 40)
    b = canvas.board.nodes[node(canvas, "u2")].body().bottomRight() + QPointF(12, 40)
    drag(canvas, seen(canvas, a), seen(canvas, b))
    names = {canvas.session.graph.name(n) for n in canvas.session.selection}
    assert names == {"u1", "u2"}
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert canvas.session.selection == ()


def test_a_value_and_a_number_are_typed_over(opened: Open, qtbot: QtBot) -> None:
    canvas = opened()
    QTest.mouseDClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=middle(canvas, "x"))
    assert canvas.editor.isVisible() and canvas.editor.text() == "0.5"
    QTest.keyClicks(canvas.editor, "pi/2")
    QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    assert not canvas.editor.isVisible()
    assert canvas.session.graph.tensors[node(canvas, "x")] == pytest.approx(np.pi / 2)
    assert canvas.edit_value(node(canvas, "u2")) and canvas.editor.text() == "3"
    canvas.editor.setText("−4")
    QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    assert canvas.session.graph.nodes[node(canvas, "u2")].literals == {"a": -4.0}
    assert canvas.edit_value(node(canvas, "x"))
    with qtbot.waitSignal(canvas.message):
        QTest.keyClicks(canvas.editor, "[1, [2]]")
        QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    QTest.keyClick(canvas.editor, Qt.Key.Key_Escape)
    assert canvas.edit_value(node(canvas, "x"))
    QTest.keyClicks(canvas.editor, "[1, 2]")
    QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    assert canvas.session.graph.tensors[node(canvas, "x")].tolist() == [1.0, 2.0]
    canvas.flush()
    assert canvas.board.nodes[node(canvas, "x")].face.shape == "2"
    assert not canvas.edit_value(node(canvas, "u1"))


def test_renaming_and_readers_follow(opened: Open, qtbot: QtBot) -> None:
    canvas = opened()
    t = node(canvas, "t")
    canvas.session.select((t,))
    canvas.rename_selected()
    QTest.keyClicks(canvas.editor, "u1")
    with qtbot.waitSignal(canvas.message):
        QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    canvas.editor.setText("theta")
    QTest.keyClick(canvas.editor, Qt.Key.Key_Return)
    assert canvas.session.graph.name(t) == "theta"
    assert canvas.board.nodes[node(canvas, "u1")].face.formula == "sin(θ)"


# ------------------------------------------------------------------------- looking


def test_the_wheel_zooms_at_the_cursor(opened: Open) -> None:
    canvas = opened()
    at = QPointF(310, 170)
    before, zoom = canvas.to_scene(at), canvas.zoom
    event = QWheelEvent(
        at, QPointF(canvas.viewport().mapToGlobal(at.toPoint())), QPoint(), QPoint(0, 240),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)
    assert canvas.zoom == pytest.approx(zoom * 2**0.5)
    moved = canvas.to_scene(at) - before
    assert abs(moved.x()) < 1 and abs(moved.y()) < 1


def test_the_middle_button_and_space_pan(opened: Open) -> None:
    canvas = opened()
    was = canvas.to_scene(QPointF(0, 0))
    drag(canvas, QPoint(500, 300), QPoint(540, 330), Qt.MouseButton.MiddleButton)
    assert canvas.to_scene(QPointF(0, 0)) - was == QPointF(-40, -30) / canvas.zoom
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    drag(canvas, middle(canvas, "t"), middle(canvas, "t") + QPoint(40, 0))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.session.history.labels == []


def test_fit_shows_everything(opened: Open) -> None:
    canvas = opened()
    canvas.zoom_to(3.0)
    canvas.pan(5000, 900)
    canvas.fit()
    shown = canvas.viewportTransform().mapRect(canvas.board.content())
    assert canvas.viewport().rect().contains(shown.toRect())


def test_double_click_on_nothing_asks_for_an_operator(opened: Open, qtbot: QtBot) -> None:
    canvas = opened()
    with qtbot.waitSignal(canvas.search_requested) as asked:
        QTest.mouseDClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert asked.args is not None and asked.args[0] == canvas.to_scene(QPointF(20, 20))


def test_the_numbers_of_the_worked_example_at_a_step(opened: Open) -> None:
    canvas = opened()
    canvas.session.seek(10)
    canvas.flush()
    t, u1, u2 = (canvas.board.nodes[node(canvas, n)] for n in ("t", "u1", "u2"))
    assert (t.face.value, t.face.gradient) == ("0.2500", "−0.8139 …")
    assert t.face.step == "backward" and u1.face.step == ""
    wire = canvas.board.wires[u1.node_id, "x"]
    assert wire.face.step == "backward" and wire.face.gradient == "−0.8139"
    assert canvas.board.wires[u2.node_id, "b"].face.gradient == ""
    canvas.session.seek(11)
    canvas.flush()
    assert t.face.gradient == "−3.334"
    canvas.session.seek(2)
    canvas.flush()
    assert canvas.board.wires[u1.node_id, "x"].face.step == "forward"
    assert u2.face.value == "" and u1.face.value == "0.2474"


def test_items_follow_the_document_by_id(opened: Open) -> None:
    canvas = opened()
    items = dict(canvas.board.nodes)
    canvas.session.do(connect(node(canvas, "x"), node(canvas, "J"), "x"), "Connect")
    assert {n: canvas.board.nodes[n] for n in items} == items
    assert canvas.board.wires[node(canvas, "J"), "x"].source == node(canvas, "x")


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_state_is_painted(opened: Open, name: str) -> None:
    """A fault, a waiting node, a frozen parameter, tensors: each is drawn, in both themes."""
    canvas = opened("h = tanh(X @ W); bad = W @ W; s = sum(h)")
    graph = canvas.session.graph
    canvas.session.do(
        Batch(tuple(set_edit(graph, n, rows) for n, rows in (("X", (4, 2)), ("W", (2, 3))))), "Set"
    )
    drop(canvas, "parameter", QPoint(60, 60))
    (w,) = canvas.session.selection
    canvas.session.do(set_options(graph, w, {"trainable": False}), "Freeze")
    drop(canvas, "sin", QPoint(60, 160))
    canvas.set_theme(theme.THEMES[name])
    canvas.flush()
    faces = [i.face for i in canvas.board.nodes.values()]
    assert any(f.fault for f in faces) and any(f.waiting for f in faces)
    assert any(f.frozen for f in faces) and any(f.is_tensor for f in faces)
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    colours = {image.pixel(x, y) for x in range(0, 1200, 3) for y in range(0, 600, 3)}
    assert len(colours) > 20


def set_edit(graph: Graph, name: str, shape: tuple[int, ...]) -> Edit:
    node_id = graph.id_of(name)
    assert node_id is not None
    return set_tensor(node_id, np.linspace(-1, 1, int(np.prod(shape))).reshape(shape))


def test_motion_ends_where_the_document_is(opened: Open, qtbot: QtBot) -> None:
    canvas = opened()
    canvas.reduced_motion = False
    t = node(canvas, "t")
    canvas.session.select((t,))
    canvas.nudge_selection(96, 0)
    end = QPointF(canvas.session.graph.nodes[t].x, canvas.session.graph.nodes[t].y)
    assert canvas.board.nodes[t].pos() != end
    qtbot.waitUntil(lambda: canvas.board.nodes[t].pos() == end, timeout=2000)


def test_leave_clears_the_hover(opened: Open) -> None:
    canvas = opened()
    QTest.mouseMove(canvas.viewport(), middle(canvas, "t"))
    assert canvas.board.nodes[node(canvas, "t")].look.hovered
    QApplication.sendEvent(canvas.viewport(), QEvent(QEvent.Type.Leave))
    assert not canvas.board.nodes[node(canvas, "t")].look.hovered


@pytest.mark.parametrize(
    ("name", "pretty"),
    [("u1", "u₁"), ("theta_2", "θ₂"), ("c.1", "c.1"), ("W", "W"), ("x12", "x₁₂"), ("a_b", "a_b")],
)
def test_pretty_names(name: str, pretty: str) -> None:
    assert pretty_name(name) == pretty


@pytest.mark.parametrize(
    ("text", "pretty"),
    [
        ("x^2", "x²"), ("3 * t", "3 · t"), ("u1 + u2", "u₁ + u₂"), ("x^(-2)", "x⁻²"),
        ("2^k", "2^k"), ("x^2.5", "x^2.5"), ("-a", "−a"), ("log1p(x1)", "log1p(x₁)"),
        ("sum(x, axis=0)", "sum(x, axis=0)"), ("v1^2 + u_2^3", "v₁² + u₂³"),
    ],
)  # fmt: skip
def test_pretty_formulas(text: str, pretty: str) -> None:
    assert pretty_formula(text) == pretty


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.25, "0.2500"), (-0.84006, "−0.8401"), (1.0, "1"), (0.99999, "1.000"), (0, "0"),
        (12345.6, "12346"), (123456, "1.235e5"), (-1e-7, "−1.000e−7"), (0.0012345, "0.001234"),
        (float("nan"), "NaN"), (float("-inf"), "−∞"), (9.99996, "10.00"),
    ],
)  # fmt: skip
def test_number_text(number: float, text: str) -> None:
    assert theme.number_text(number) == text


# ------------------------------------------------------------------------- words

OF_THE_CANVAS = {"view", "insert", "dot", "search", "open", "write", "menu", "minimap", "zoom"}
"""Rows of events that are over at once and so have no class."""


def classes(base: type[Gesture] = Gesture) -> list[type[Gesture]]:
    for module in pkgutil.iter_modules(gestures.__path__, f"{gestures.__name__}."):
        importlib.import_module(module.name)
    below = [c for c in base.__subclasses__() if c.__module__.startswith(gestures.__name__)]
    return [*below, *(c for one in below for c in classes(one))]


def silent(kinds: list[type[Gesture]]) -> list[str]:
    """Gestures without words, or with words that are not on the page."""
    told = set(HOW.values())
    return [c.__name__ for c in kinds if not getattr(c, "how", ()) or not set(c.how) <= told]


def test_every_gesture_has_words() -> None:
    assert classes() and not silent(classes()), "give them `how`, rows of app.actions.gestures.HOW"


def test_every_row_belongs_to_a_gesture() -> None:
    used = {row for c in classes() for row in c.how}
    assert [key for key, row in HOW.items() if row not in used] == [
        key for key in HOW if key in OF_THE_CANVAS
    ]


def test_planted_gestures_without_words() -> None:
    class Mute(Gesture):
        pass

    class Stranger(Gesture):
        how = (How("Nothing", "Nowhere"),)

    assert silent([Mute, Stranger]) == ["Mute", "Stranger"]
