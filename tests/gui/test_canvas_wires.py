"""Muting, dots, cutting, taking out, putting on a wire, lining up: with a real mouse and keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hands import CONTROL, LEFT, PLAIN, RIGHT, Open, drag, links, middle, node, output, port, seen
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import actions
from app.view.canvas import Canvas
from app.view.canvas.face import DOT
from app.view.window import Window
from engine import files
from engine.aligning import SIDES
from engine.compose import compose
from engine.edits import add_node, move
from engine.graph import Graph
from engine.passing import passes_on


def names(canvas: Canvas) -> set[str]:
    return {n.name for n in canvas.session.graph.nodes.values()}


def one_step(canvas: Canvas, label: str, act: Callable[[], object]) -> None:
    """The act is one undo step of that name, which taken back leaves the same bytes."""
    history = canvas.session.history
    before, count = files.to_bytes(history.graph), len(history.labels)
    act()
    assert history.labels[count:] == [label]
    after = files.to_bytes(history.graph)
    assert after != before
    history.undo()
    assert files.to_bytes(history.graph) == before
    history.redo()
    assert files.to_bytes(history.graph) == after


def halfway(canvas: Canvas, source: str, target: str, name: str) -> QPoint:
    return (output(canvas, source) + port(canvas, target, name)) / 2


def value(canvas: Canvas, name: str) -> float:
    return float(canvas.session.evaluation.values[node(canvas, name)])


def test_a_muted_node_shows_it_and_hands_on(opened: Open) -> None:
    canvas = opened()
    before = canvas.board.nodes[node(canvas, "u1")].face
    canvas.session.select([node(canvas, "u1")])
    one_step(canvas, "Mute", canvas.rewiring.mute)
    canvas.flush()
    face = canvas.board.nodes[node(canvas, "u1")].face
    assert face.muted and not face.same(before) and "muted" in face.spoken
    assert value(canvas, "u1") == value(canvas, "t")
    one_step(canvas, "Unmute", canvas.rewiring.mute)


def test_a_source_cannot_be_muted(opened: Open) -> None:
    canvas = opened()
    canvas.session.select([node(canvas, "x")])
    canvas.rewiring.mute()
    assert "Only what is computed can be muted" in canvas.notice.text()
    assert canvas.session.history.labels == []


def test_a_double_click_on_a_wire_makes_a_dot(opened: Open) -> None:
    canvas = opened("y = cos(x)")
    at = halfway(canvas, "x", "y", "x")
    one_step(canvas, "Dot on wire", lambda: QTest.mouseDClick(canvas.viewport(), LEFT, PLAIN, at))
    (dot,) = (n for n in canvas.session.graph.nodes if passes_on(canvas.session.graph, n))
    name = canvas.session.graph.name(dot)
    assert links(canvas) == {(name, "x"): "x", ("y", "x"): name}
    body = canvas.board.nodes[dot].body()
    assert body.width() == DOT and (seen(canvas, body.center()) - at).manhattanLength() < 6
    # It is moved by its middle, and branched from at its right side.
    place = seen(canvas, body.center())
    one_step(canvas, "Move", lambda: drag(canvas, place, place + QPoint(0, 80)))
    canvas.session.history.do(
        add_node(canvas.session.graph, "exp", "z", None, None, (400.0, 200.0))[0],
        "add",
    )
    canvas.flush()
    one_step(canvas, "Connect", lambda: drag(canvas, output(canvas, name), port(canvas, "z", "x")))
    assert links(canvas)["z", "x"] == name


@pytest.mark.parametrize("how", ["x", "right"])
def test_a_line_cuts_the_wires_it_crosses(opened: Open, how: str) -> None:
    canvas = opened()
    top = output(canvas, "t") + QPoint(25, -160)
    end = QPoint(top.x(), top.y() + 320)
    before = links(canvas)

    def cut() -> None:
        if how == "right":
            drag(canvas, top, end, RIGHT, modifiers=CONTROL)
        else:
            QTest.keyPress(canvas, Qt.Key.Key_X)
            drag(canvas, top, end)
            QTest.keyRelease(canvas, Qt.Key.Key_X)

    one_step(canvas, "Cut wires", cut)
    gone = set(before) - set(links(canvas))
    assert gone == {("u1", "x"), ("u2", "b")} or gone == {("u1", "x"), ("u2", "a")}


def test_escape_gives_up_a_cut_and_the_wires_look_as_before(opened: Open) -> None:
    canvas = opened()
    top = output(canvas, "t") + QPoint(25, -160)
    QTest.keyPress(canvas, Qt.Key.Key_X)
    drag(canvas, top, top + QPoint(0, 320), release=False)
    assert sum(w.dim for w in canvas.board.wires.values()) == 2
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.keyRelease(canvas, Qt.Key.Key_X)
    QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, top + QPoint(0, 320))
    assert not any(w.dim for w in canvas.board.wires.values())
    assert canvas.session.history.labels == [] and len(links(canvas)) == 6


def test_x_held_pulls_a_node_out_of_its_wires(opened: Open) -> None:
    canvas = opened("a = sin(x); b = cos(a); c = exp(b)")

    def pull() -> None:
        QTest.keyPress(canvas, Qt.Key.Key_X)
        drag(canvas, middle(canvas, "b"), middle(canvas, "b") + QPoint(0, 160))
        QTest.keyRelease(canvas, Qt.Key.Key_X)

    y = canvas.session.graph.nodes[node(canvas, "b")].y
    one_step(canvas, "Take out of wires", pull)
    assert links(canvas) == {("a", "x"): "x", ("c", "x"): "a"}
    assert canvas.session.graph.nodes[node(canvas, "b")].y > y + 100
    assert all(w.isVisible() for w in canvas.board.wires.values())


def test_delete_and_reconnect(opened: Open) -> None:
    canvas = opened("a = sin(x); b = cos(a); c = exp(b)")
    canvas.session.select([node(canvas, "a"), node(canvas, "b")])
    one_step(canvas, "Delete and reconnect", canvas.rewiring.dissolve)
    assert links(canvas) == {("c", "x"): "x"}


def test_a_node_dragged_onto_a_wire_is_put_on_it_and_room_is_made(opened: Open) -> None:
    canvas = opened("a = sin(x); b = cos(a)")
    edit, _ = add_node(canvas.session.graph, "exp", "e", None, None, (0.0, 300.0))
    canvas.session.history.do(edit, "add")
    canvas.fit()
    canvas.flush()
    at = halfway(canvas, "a", "b", "x")
    drag(canvas, middle(canvas, "e"), at, release=False)
    assert canvas.board.wires[node(canvas, "b"), "x"].face.hovered
    QTest.mouseMove(canvas.viewport(), middle(canvas, "e") + QPoint(0, 200))
    one_step(canvas, "Put on wire", lambda: QTest.mouseRelease(canvas.viewport(), LEFT, PLAIN, at))
    assert links(canvas) == {("a", "x"): "x", ("e", "x"): "a", ("b", "x"): "e"}
    e, b = (canvas.board.nodes[node(canvas, n)].body() for n in "eb")
    assert b.left() >= e.right() + 40


def test_a_node_that_feeds_others_is_only_moved(opened: Open) -> None:
    canvas = opened("a = sin(x); b = cos(a); c = exp(z); d = exp(c)")
    before = links(canvas)
    drag(canvas, middle(canvas, "c"), halfway(canvas, "a", "b", "x"))
    assert links(canvas) == before and canvas.session.history.labels == ["Move"]


def test_a_wire_snaps_straight(opened: Open) -> None:
    canvas = opened("a = sin(x)")
    canvas.zoom_to(1.0)
    canvas.session.history.do(
        move(canvas.session.graph, {node(canvas, "a"): (300.0, 83.0)}),
        "move",
    )
    canvas.fit()
    canvas.flush()
    start = middle(canvas, "a")
    item = canvas.board.nodes[node(canvas, "a")]
    slope = item.port_at("x").y() - canvas.board.nodes[node(canvas, "x")].output_at().y()
    down = round((5 - slope) * canvas.zoom)
    drag(canvas, start, start + QPoint(40, down))
    canvas.flush()
    assert item.port_at("x").y() == canvas.board.nodes[node(canvas, "x")].output_at().y()


@pytest.mark.parametrize("side", SIDES)
def test_nodes_line_up(window: Window, side: str) -> None:
    window.session.load(compose("a = sin(x); b = cos(a); c = exp(b)", {"x": 1.0}))
    canvas = window.canvas
    window.show_editor()
    QTest.keyClick(canvas, Qt.Key.Key_A, CONTROL)
    before = {n: canvas.board.nodes[n].body() for n in canvas.board.nodes}
    scattered = {n: (b.x() + 10 * i, b.y() + 30 * i) for i, (n, b) in enumerate(before.items())}
    canvas.session.do(move(canvas.session.graph, scattered), "s")
    canvas.session.select(canvas.board.nodes)
    one_step(canvas, "Align nodes", lambda: actions.BY_ID[f"edit.align_{side}"].run(window))
    bodies = [i.body() for i in canvas.board.nodes.values()]
    lined = {
        "left": {b.left() for b in bodies}, "right": {b.right() for b in bodies},
        "centred": {b.center().x() for b in bodies}, "top": {b.top() for b in bodies},
        "bottom": {b.bottom() for b in bodies}, "level": {b.center().y() for b in bodies},
    }  # fmt: skip
    assert len(lined[side]) == 1


def test_equal_gaps(window: Window) -> None:
    window.session.load(compose("a = sin(x); b = cos(a); c = exp(b)", {"x": 1.0}))
    canvas = window.canvas
    window.show_editor()
    places = {n: (300.0 * i + 37 * (i == 1), 0.0) for i, n in enumerate(canvas.board.nodes)}
    canvas.session.do(move(canvas.session.graph, places), "s")
    canvas.session.select(canvas.board.nodes)
    one_step(
        canvas, "Distribute nodes", lambda: actions.BY_ID["edit.distribute_across"].run(window)
    )
    left = sorted(i.body().left() for i in canvas.board.nodes.values())
    assert left == [0, 300, 600, 900]


def test_keys_of_the_window_reach_them(window: Window) -> None:
    window.session.load(compose("a = sin(x); b = cos(a)", {"x": 1.0}))
    window.show_editor()
    canvas = window.canvas
    canvas.setFocus()
    canvas.session.select([node(canvas, "a")])
    QTest.keyClick(canvas, Qt.Key.Key_M)
    assert canvas.session.graph.nodes[node(canvas, "a")].muted
    QTest.keyClick(canvas, Qt.Key.Key_Delete, CONTROL)
    assert names(canvas) == {"x", "b"} and links(canvas) == {("b", "x"): "x"}
    assert canvas.session.history.labels == ["Mute", "Delete and reconnect"]


def test_arranging_a_selection_leaves_the_rest_and_the_view(window: Window) -> None:
    window.session.load(compose("a = sin(x); b = cos(a); c = exp(b)", {"x": 1.0}))
    window.show_editor()
    canvas = window.canvas
    rest = {n: (v.x, v.y) for n, v in canvas.session.graph.nodes.items() if v.name in "xa"}
    scattered = {node(canvas, "b"): (900.0, 77.0), node(canvas, "c"): (640.0, 300.0)}
    canvas.session.do(move(canvas.session.graph, scattered), "s")
    canvas.session.select(scattered)
    zoom = canvas.zoom
    one_step(canvas, "Arrange nodes", canvas.arranging.arrange)
    graph = canvas.session.graph
    assert {n: (graph.nodes[n].x, graph.nodes[n].y) for n in rest} == rest
    assert graph.nodes[node(canvas, "b")].x < graph.nodes[node(canvas, "c")].x
    assert canvas.zoom == zoom


def test_dots_and_muted_nodes_come_back_from_a_file(opened: Open) -> None:
    canvas = opened()
    canvas.rewiring.add_dot((node(canvas, "J"), "x"), QPointF(700, 40))
    canvas.session.select([node(canvas, "u2")])
    canvas.rewiring.mute()
    graph: Graph = files.from_bytes(files.to_bytes(canvas.session.root))
    again = opened(graph=graph)
    assert {n: i.face for n, i in again.board.nodes.items()}.keys() == canvas.board.nodes.keys()
    assert sum(i.face.is_dot for i in again.board.nodes.values()) == 1


def test_a_number_travels_through_a_dot(opened: Open) -> None:
    """At each step the pieces of a wire are lit that its number runs along, and no others."""
    canvas = opened("a = sin(x); b = cos(a); c = exp(a)")
    canvas.rewiring.add_dot((node(canvas, "b"), "x"), QPointF(300, 40))
    dot = next(n for n in canvas.session.graph.nodes if passes_on(canvas.session.graph, n))
    into, out = canvas.board.wires[dot, "x"], canvas.board.wires[node(canvas, "b"), "x"]
    apart = canvas.board.wires[node(canvas, "c"), "x"]
    lit: dict[str, set[str]] = {}
    for cursor, step in enumerate(canvas.session.steps, 1):
        canvas.session.seek(cursor)
        canvas.flush()
        assert into.face.step == out.face.step
        if out.face.step:
            lit.setdefault(out.face.step, set()).add(canvas.session.graph.name(step.node))
            assert not apart.face.step
    assert lit["forward"] == {"b"} and into.face.value and not out.face.value


def test_pasting_from_a_cleared_clipboard_says_so(opened: Open) -> None:
    canvas = opened()
    QApplication.clipboard().clear()
    canvas.paste()
    assert "nothing to paste" in canvas.notice.text() and canvas.session.history.labels == []


def test_numbers_that_have_no_room_between_two_nodes_are_left_out(opened: Open) -> None:
    canvas = opened("a = sin(x)")
    key = node(canvas, "a"), "x"
    assert canvas.board.wires[key].labels()
    x = canvas.board.nodes[node(canvas, "x")].body()
    canvas.session.do(move(canvas.session.graph, {key[0]: (x.right() + 20, x.y() + 30)}), "move")
    canvas.flush()
    assert canvas.board.wires[key].labels() == []


@pytest.mark.parametrize("down", [-160, 160])
def test_numbers_of_a_steep_short_wire_lie_between_its_nodes(opened: Open, down: int) -> None:
    canvas = opened("a = sin(x)\nb = cos(x)\nc = a * b")
    board, found = canvas.board, 0
    for source, target, port_ in (("x", "a", "x"), ("a", "c", "a")):
        key = node(canvas, target), port_
        left = board.nodes[node(canvas, source)].body()
        for gap in range(30, 84, 9):
            place = left.right() + gap, left.y() + down
            canvas.session.do(move(canvas.session.graph, {key[0]: place}), "move")
            canvas.flush()
            for _, box, _ in board.wires[key].labels():
                found += 1
                assert left.right() <= box.left() and box.right() <= left.right() + gap
    assert found > 8


def test_even_a_long_document_is_seen_whole(opened: Open) -> None:
    canvas = opened("a = sin(x)")
    canvas.session.do(move(canvas.session.graph, {node(canvas, "a"): (60_000.0, 0.0)}), "move")
    canvas.fit()
    viewed = canvas.mapToScene(canvas.viewport().rect()).boundingRect()
    assert viewed.contains(canvas.board.content())
