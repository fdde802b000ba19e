"""Wires say what they would do while they are dragged; a misfit is mended where it is let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.session import Session
from app.view import theme
from app.view.canvas import Canvas, speaking
from app.view.canvas.keyboard import wire_by_keys
from app.view.window import Window
from engine import examples
from engine.compose import compose
from engine.edits import add_node, connect
from engine.files import to_bytes
from engine.fitting import Fit, Fitting
from engine.graph import Graph
from engine.modules import add_module

Open = Callable[..., Canvas]
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
PROGRAM = "y = x @ w; z = y + b; J = mean(tanh(z)^2)"
SHAPES = {"x": (3, 4), "w": (4, 2), "b": (2,), "p": (2, 4), "q": (4, 5), "r": (4, 2)}


def document() -> Graph:
    """A small network, and inputs p, q and r that stand free."""
    given = {n: np.ones(SHAPES[n]) for n in "xwb"}
    graph = compose(PROGRAM, given)
    for row, name in enumerate("pqr"):
        value = np.ones(SHAPES[name])
        add_node(graph, "input", name=name, value=value, at=(0, 420 + 130 * row))[0].apply(graph)
    return graph


@pytest.fixture
def canvas(qtbot: QtBot) -> Iterator[Canvas]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    made = Canvas(Session(document()), theme.apply(app, "dark"))
    qtbot.addWidget(made, before_close_func=lambda c: c.detach())
    made.reduced_motion = True
    made.resize(1200, 700)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.fit()
    made.flush()
    yield made


def node(canvas: Canvas, name: str) -> str:
    return str(canvas.session.graph.id_of(name))


def output(canvas: Canvas, name: str) -> QPoint:
    place = canvas.board.nodes[node(canvas, name)].output_at()
    return canvas.viewportTransform().map(place).toPoint()


def port(canvas: Canvas, name: str, port_name: str) -> QPoint:
    place = canvas.board.nodes[node(canvas, name)].port_at(port_name)
    return canvas.viewportTransform().map(place).toPoint()


def drag(canvas: Canvas, start: QPoint, end: QPoint) -> None:
    """A press and four moves."""
    QTest.mousePress(canvas.viewport(), LEFT, NONE, start)
    for i in range(1, 5):
        QTest.mouseMove(canvas.viewport(), start + (end - start) * i / 4)


def let_go(canvas: Canvas, end: QPoint) -> None:
    QTest.mouseRelease(canvas.viewport(), LEFT, NONE, end)


def wire(canvas: Canvas, source: str, target: str, port_name: str) -> None:
    """A wire that is dragged to a port and let go there."""
    end = port(canvas, target, port_name)
    drag(canvas, output(canvas, source), end)
    let_go(canvas, end)


def drafts(canvas: Canvas) -> int:
    """Lines of wires that are not in the document."""
    return sum(1 for item in canvas.board.items() if item.zValue() == 8)


# ------------------------------------------------------------------------- the ghost


def test_the_shape_is_seen_before_the_drop(canvas: Canvas) -> None:
    ghost = canvas.mending.ghost
    end = port(canvas, "y", "b")
    drag(canvas, output(canvas, "r"), end)
    assert ghost.isVisible() and ghost.is_good
    assert ghost.words.replace("\xa0", " ") == "x 3×4 @ r 4×2 → 3×2"
    let_go(canvas, end)
    assert not ghost.isVisible() and canvas.mending.list.isHidden()
    assert canvas.session.history.labels == ["Connect"]
    assert canvas.session.graph.links[node(canvas, "y"), "b"] == node(canvas, "r")


def test_what_disagrees_is_said_before_the_drop(canvas: Canvas) -> None:
    before = to_bytes(canvas.session.root)
    drag(canvas, output(canvas, "p"), port(canvas, "y", "b"))
    ghost = canvas.mending.ghost
    assert not ghost.is_good
    assert "4 columns on the left, 2 rows on the right" in ghost.words
    assert "Let go to choose a repair" in ghost.words
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not ghost.isVisible() and drafts(canvas) == 0
    assert to_bytes(canvas.session.root) == before and canvas.session.history.labels == []


def test_a_single_number_is_called_so(canvas: Canvas) -> None:
    drag(canvas, output(canvas, "r"), port(canvas, "J", "x"))
    assert canvas.mending.ghost.words.replace("\xa0", " ") == "mean ( r 4×2 ) → a number"
    QTest.keyClick(canvas, Qt.Key.Key_Escape)


def test_what_would_fail_behind_is_said(canvas: Canvas) -> None:
    drag(canvas, output(canvas, "q"), port(canvas, "y", "b"))
    words = canvas.mending.ghost.words
    assert "→ 3×5" in words and "z would then fail: 3×5 and 2 do not fit" in words
    QTest.keyClick(canvas, Qt.Key.Key_Escape)


def test_a_circle_looks_refused_while_dragging(canvas: Canvas) -> None:
    end = port(canvas, "z", "b")
    drag(canvas, output(canvas, "J"), end)
    ghost = canvas.mending.ghost
    assert not ghost.is_good and "J → z would close a circle" in ghost.words
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.ForbiddenCursor
    let_go(canvas, end)
    assert canvas.viewport().cursor().shape() != Qt.CursorShape.ForbiddenCursor
    assert canvas.session.history.labels == [] and drafts(canvas) == 0
    assert "circle" in canvas.notice.text()


def test_the_ghost_goes_where_nothing_would_change(canvas: Canvas) -> None:
    drag(canvas, output(canvas, "p"), port(canvas, "y", "b"))
    QTest.mouseMove(canvas.viewport(), QPoint(1100, 650))
    assert not canvas.mending.ghost.isVisible()
    QTest.mouseMove(canvas.viewport(), port(canvas, "y", "b"))
    assert canvas.mending.ghost.isVisible()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    drag(canvas, output(canvas, "w"), port(canvas, "y", "b"))
    assert not canvas.mending.ghost.isVisible(), "that wire is there already"
    QTest.keyClick(canvas, Qt.Key.Key_Escape)


def test_a_port_is_weighed_once_however_often_the_mouse_moves(
    canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    weigh = Fitting.wire

    def counted(self: Fitting, source: str, end: tuple[str, str], was: object = None) -> Fit:
        asked.append(end)
        return weigh(self, source, end)

    monkeypatch.setattr(Fitting, "wire", counted)
    place = port(canvas, "y", "b")
    drag(canvas, output(canvas, "p"), place)
    for step in range(40):
        QTest.mouseMove(canvas.viewport(), place + QPoint(step % 5, 0))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert asked.count((node(canvas, "y"), "b")) == 1 and len(asked) <= 3


def test_the_ghost_stays_inside(canvas: Canvas) -> None:
    drag(canvas, output(canvas, "p"), port(canvas, "y", "b"))
    ghost = canvas.mending.ghost
    fit = canvas.mending.weigh(node(canvas, "p"), (node(canvas, "y"), "b"), None)
    for x in range(0, 1201, 100):
        for y in range(0, 701, 50):
            ghost.tell(fit, canvas.session.graph, QPoint(x, y))
            assert canvas.rect().contains(ghost.geometry())
            assert not ghost.geometry().contains(QPoint(x, y)) or not 300 < x < 900
    QTest.keyClick(canvas, Qt.Key.Key_Escape)


def test_a_wire_dragged_from_the_port_is_weighed_too(canvas: Canvas) -> None:
    op, made = add_node(canvas.session.graph, "matmul", at=(600, 500))
    canvas.session.do(op, "Add")
    canvas.session.do(connect(node(canvas, "x"), made, "a"), "Connect")
    name = canvas.session.graph.name(made)
    canvas.flush()
    drag(canvas, port(canvas, name, "b"), output(canvas, "r"))
    assert "→ 3×2" in canvas.mending.ghost.words
    let_go(canvas, output(canvas, "r"))
    assert canvas.session.graph.links[made, "b"] == node(canvas, "r")


# ------------------------------------------------------------------------- repairs


def test_a_repair_is_chosen_by_keyboard_as_one_step(canvas: Canvas) -> None:
    before = to_bytes(canvas.session.root)
    wire(canvas, "p", "y", "b")
    offers = canvas.mending.list
    assert offers.titles[0] == "Transpose p" and offers.titles[-1] == "Connect anyway"
    assert to_bytes(canvas.session.root) == before and drafts(canvas) == 1
    QTest.keyClick(offers.list, Qt.Key.Key_Down)
    assert offers.list.currentRow() == 1
    QTest.keyClick(offers.list, Qt.Key.Key_Up)
    QTest.keyClick(offers.list, Qt.Key.Key_Return)
    assert offers.isHidden() and drafts(canvas) == 0
    assert canvas.session.history.labels == ["Transpose p"]
    graph = canvas.session.graph
    between = graph.links[node(canvas, "y"), "b"]
    assert graph.links[between, "x"] == node(canvas, "p")
    assert canvas.session.evaluation.values[node(canvas, "y")].shape == (3, 2)
    assert not canvas.session.evaluation.faults
    canvas.session.history.undo()
    assert to_bytes(canvas.session.root) == before
    canvas.session.history.redo()
    assert not canvas.session.evaluation.faults


def test_a_repair_is_clicked(canvas: Canvas) -> None:
    wire(canvas, "p", "y", "b")
    offers = canvas.mending.list
    row = offers.list.visualItemRect(offers.list.item(0)).center()
    QTest.mouseClick(offers.list.viewport(), LEFT, NONE, row)
    assert canvas.session.history.labels == ["Transpose p"]
    assert offers.isHidden() and canvas.hasFocus()


def test_nodes_overlap_nothing_after_a_repair(canvas: Canvas) -> None:
    wire(canvas, "p", "y", "b")
    QTest.keyClick(canvas.mending.list.list, Qt.Key.Key_Return)
    canvas.flush()
    bodies = [item.body() for item in canvas.board.nodes.values()]
    for i, one in enumerate(bodies):
        assert not any(one.intersects(other) for other in bodies[i + 1 :])


def test_escape_leaves_the_document_as_it_was(canvas: Canvas) -> None:
    before = to_bytes(canvas.session.root)
    wire(canvas, "p", "y", "b")
    QTest.keyClick(canvas.mending.list.list, Qt.Key.Key_Escape)
    assert canvas.mending.list.isHidden() and canvas.hasFocus() and drafts(canvas) == 0
    assert to_bytes(canvas.session.root) == before and canvas.session.history.labels == []
    wire(canvas, "p", "y", "b")
    QTest.mouseClick(canvas.viewport(), LEFT, NONE, QPoint(1150, 680))
    assert canvas.mending.list.isHidden() and canvas.session.history.labels == []


def test_escape_gives_a_moved_wire_back(canvas: Canvas) -> None:
    key = (node(canvas, "z"), "b")
    before = to_bytes(canvas.session.root)
    end = port(canvas, "y", "b")
    drag(canvas, port(canvas, "z", "b"), end)
    let_go(canvas, end)
    assert canvas.mending.list.titles
    QTest.keyClick(canvas.mending.list.list, Qt.Key.Key_Escape)
    assert canvas.board.wires[key].isVisible() and to_bytes(canvas.session.root) == before


def test_connected_anyway_it_is_mended_later(canvas: Canvas) -> None:
    wire(canvas, "p", "y", "b")
    offers = canvas.mending.list
    QTest.keyClick(offers.list, Qt.Key.Key_Up)
    QTest.keyClick(offers.list, Qt.Key.Key_Return)
    y = node(canvas, "y")
    assert canvas.session.history.labels == ["Connect"] and y in canvas.session.evaluation.faults
    assert "Repair" in canvas.notice.text() and not offers.titles
    QTest.mouseClick(canvas.notice, LEFT)
    assert canvas.notice.isHidden() and offers.titles[0] == "Transpose p"
    QTest.keyClick(offers.list, Qt.Key.Key_Escape)
    canvas.session.select((y,))
    canvas.mending.repair()
    assert offers.titles[0] == "Transpose p" and "Connect anyway" not in offers.titles
    QTest.keyClick(offers.list, Qt.Key.Key_Return)
    assert canvas.session.history.labels == ["Connect", "Transpose p"]
    assert not canvas.session.evaluation.faults


def test_a_node_without_a_fault_has_nothing_to_repair(canvas: Canvas) -> None:
    canvas.session.select((node(canvas, "y"),))
    canvas.mending.repair()
    assert canvas.mending.list.isHidden() and "nothing to repair" in canvas.notice.text()


def test_a_change_of_the_document_closes_the_list(canvas: Canvas) -> None:
    wire(canvas, "p", "y", "b")
    canvas.session.do(connect(node(canvas, "r"), node(canvas, "y"), "b"), "Connect")
    assert canvas.mending.list.isHidden() and drafts(canvas) == 0


def test_the_inspector_and_the_menu_offer_repairs(window: Window) -> None:
    graph = compose("y = a @ b; J = sum(y)", {"a": np.ones((3, 4)), "b": np.ones((2, 4))})
    window.session.load(graph)
    window.show_editor()
    y = str(graph.id_of("y"))
    window.session.select((str(graph.id_of("a")),))
    assert not window.inspector.repair.isVisible()
    window.session.select((y,))
    assert window.inspector.repair.isVisible()
    QTest.mouseClick(window.inspector.repair, LEFT)
    assert window.canvas.mending.list.titles[0] == "Transpose b"
    QTest.keyClick(window.canvas.mending.list.list, Qt.Key.Key_Escape)
    window.commands.run("edit.repair")
    QTest.keyClick(window.canvas.mending.list.list, Qt.Key.Key_Return)
    assert window.session.history.labels == ["Transpose b"]
    assert not window.inspector.repair.isVisible()


def test_inside_a_module_a_wire_is_weighed_with_the_numbers_there(window: Window) -> None:
    graph = Graph()
    edit, x = add_node(graph, "input", name="x", value=np.ones((5, 3)))
    edit.apply(graph)
    edit, dense = add_module(graph, "Dense", examples.load_module("Dense"))
    edit.apply(graph)
    connect(x, dense, graph.ports(dense)[0]).apply(graph)
    window.session.load(graph)
    window.show_editor()
    window.session.enter(dense)
    canvas = window.canvas
    canvas.fit()
    canvas.flush()
    definition = graph.op(dense).definition
    target = next(n for n in definition.nodes if len(definition.ports(n)) == 2)
    source = definition.links[target, definition.ports(target)[0]]
    fit = canvas.mending.weigh(source, (target, "b"), None)
    assert "5×3 @ 5×3" in fit.fault


def test_a_wire_drawn_by_keys_is_weighed_and_mended(
    canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(speaking, "announce", lambda widget, text: heard.append(text))
    canvas.session.select((node(canvas, "p"), node(canvas, "y")))
    wire_by_keys(canvas)
    for letter in "y.b":
        QTest.keyClick(canvas, letter)
    assert "2 rows on the right" in canvas.mending.ghost.words
    QTest.qWait(200)
    assert any("2 rows on the right" in text for text in heard), "a screen reader hears of it"
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    offers = canvas.mending.list
    assert not canvas.mending.ghost.isVisible() and not canvas.banner.isVisible()
    assert offers.titles[0] == "Transpose p" and offers.list.hasFocus()
    QTest.keyClick(offers.list, Qt.Key.Key_Return)
    assert canvas.session.history.labels == ["Transpose p"] and drafts(canvas) == 0
