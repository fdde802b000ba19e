"""Going about the canvas: minimap, zoom to the selection, find, faults, focus, neighbours, parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.view import settings
from app.view.canvas.keyboard import nearest
from app.view.window import Window
from engine import edits, files
from engine.compose import compose
from engine.examples import load_module
from engine.graph import Graph
from engine.modules import add_module

WORKED = "t=x^2; u1=sin(t); u2=3*t; u=u1+u2; J=cos(u)"
NONE, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


def show(window: Window, graph: Graph | str = WORKED) -> None:
    window.session.load(compose(graph, default=0.5) if isinstance(graph, str) else graph)
    window.canvas.flush()
    window.canvas.fit()
    window.canvas.flush()
    window.canvas.setFocus()


def node(window: Window, name: str) -> str:
    return str(window.session.graph.id_of(name))


def select(window: Window, *names: str) -> None:
    window.session.select([node(window, n) for n in names])


def chosen(window: Window) -> list[str]:
    return [window.session.graph.name(n) for n in window.session.selection]


def press(window: Window, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(window.canvas, key, held)


@pytest.fixture
def unchanged(window: Window) -> Callable[[], None]:
    """Says that nothing about the document or its undo steps has changed since it was shown."""
    before: list[bytes] = []

    def check() -> None:
        now = files.to_bytes(window.session.root)
        before.append(now)
        assert before[0] == now and window.session.history.labels == []

    return check


# ------------------------------------------------------------------------- the minimap


def test_the_minimap_stands_there_while_something_is_out_of_view(
    window: Window, qtbot: QtBot, unchanged: Callable[[], None]
) -> None:
    show(window)
    unchanged()
    minimap, canvas = window.canvas.minimap, window.canvas
    qtbot.wait(150)
    assert not minimap.isVisible(), "everything is in view"
    canvas.zoom_to(2.5)
    assert minimap.isVisible()
    corner = canvas.rect().bottomRight() - minimap.geometry().bottomRight()
    assert corner == QPoint(16, 16)
    x = canvas.board.nodes[node(window, "x")].body().center()
    QTest.mouseClick(minimap, LEFT, NONE, minimap._way.map(x).toPoint())
    off = canvas.centre() - x
    assert abs(off.x()) < 40 and abs(off.y()) < 40
    canvas.fit()
    assert not minimap.isVisible()
    unchanged()


def test_the_frame_in_the_minimap_is_dragged(window: Window, qtbot: QtBot) -> None:
    show(window)
    minimap, canvas = window.canvas.minimap, window.canvas
    canvas.zoom_to(3)
    qtbot.wait(150)
    before, start = canvas.centre(), minimap._frame().center().toPoint()
    QTest.mousePress(minimap, LEFT, NONE, start)
    first = canvas.centre()
    QTest.mouseMove(minimap, start + QPoint(10, 0))
    QTest.mouseRelease(minimap, LEFT, NONE, start + QPoint(10, 0))
    assert abs(first.x() - before.x()) < 2, "a press inside the frame does not move it"
    moved = canvas.centre() - before
    assert moved.x() == pytest.approx(10 / minimap._way.m11(), abs=2) and abs(moved.y()) < 2


def test_the_minimap_is_toggled_and_remembered(window: Window, qtbot: QtBot) -> None:
    show(window)
    window.canvas.zoom_to(3)
    qtbot.wait(150)
    press(window, Qt.Key.Key_M, SHIFT)
    assert not window.canvas.minimap.isVisible() and not settings.shows_minimap()
    press(window, Qt.Key.Key_M, SHIFT)
    assert window.canvas.minimap.isVisible() and settings.shows_minimap()
    window.session.load(Graph())
    qtbot.wait(150)
    assert not window.canvas.minimap.isVisible(), "there is nothing to show"


def test_the_minimap_draws_only_what_changed(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(window)
    minimap, canvas = window.canvas.minimap, window.canvas
    canvas.zoom_to(3)
    qtbot.wait(150)
    drawn: list[Graph] = []
    draw = minimap._draw

    def counted(graph: Graph) -> object:
        drawn.append(graph)
        return draw(graph)

    monkeypatch.setattr(minimap, "_draw", counted)
    canvas.pan(300, 0)
    window.session.do(edits.set_literal(window.session.graph, node(window, "u2"), "a", 4.0), "Set")
    qtbot.wait(150)
    select(window, "u")
    canvas.zoom_by(1.5)
    assert list(drawn) == [window.session.graph], "a changed number changes a node"
    window.session.seek(2)
    canvas.pan(30, 30)
    window.session.do(edits.set_tensor(node(window, "x"), 0.75), "Set value")
    qtbot.wait(150)
    assert len(drawn) == 1, "a value is not in the picture"


# ------------------------------------------------------------------------- zoom and focus


def test_zoom_to_the_selection_and_back(window: Window) -> None:
    show(window)
    canvas = window.canvas
    select(window, "u1", "u2")
    press(window, Qt.Key.Key_F, SHIFT)
    assert canvas.zoom > 1.01
    content = canvas.board.content(window.session.selection)
    off = canvas.centre() - content.center()
    assert abs(off.x()) < 2 and abs(off.y()) < 2 and canvas.seen().contains(content)
    press(window, Qt.Key.Key_F)
    assert canvas.seen().contains(canvas.board.content()) and canvas.zoom <= 1


def test_the_view_glides_and_a_hand_on_it_stops_it(window: Window, qtbot: QtBot) -> None:
    show(window)
    canvas = window.canvas
    canvas.reduced_motion = False
    select(window, "J")
    press(window, Qt.Key.Key_F, SHIFT)
    before = canvas.zoom
    qtbot.waitUntil(lambda: canvas.zoom == pytest.approx(1.5), timeout=2000)
    assert before < 1.5
    press(window, Qt.Key.Key_F)
    canvas.pan(5, 0)
    stopped = canvas.centre(), canvas.zoom
    qtbot.wait(260)
    assert (canvas.centre(), canvas.zoom) == stopped


def test_focus_dims_what_is_neither_above_nor_below(
    window: Window, unchanged: Callable[[], None]
) -> None:
    show(window, WORKED + "; K = exp(x)")
    unchanged()
    board, banner = window.canvas.board, window.canvas.banner

    def dimmed() -> set[str]:
        return {window.session.graph.name(n) for n, item in board.nodes.items() if item.dim}

    select(window, "u1")
    press(window, Qt.Key.Key_D)
    assert dimmed() == {"u2", "K"} and banner.isVisible() and "u₁" in banner.text()
    assert board.wires[node(window, "u"), "b"].dim and not board.wires[node(window, "u"), "a"].dim
    select(window, "u2")
    assert dimmed() == {"u1", "K"}, "it follows the selection"
    window.session.select(())
    assert dimmed() == set() and banner.isVisible()
    select(window, "u1")
    press(window, Qt.Key.Key_Escape)
    assert dimmed() == set() and not banner.isVisible() and chosen(window) == ["u1"]
    press(window, Qt.Key.Key_D)
    press(window, Qt.Key.Key_D)
    assert dimmed() == set() and not any(w.dim for w in board.wires.values())
    unchanged()


# ------------------------------------------------------------------------- finding


def search(window: Window, text: str, enter: bool = True) -> list[str]:
    """Types into the box that is open; the lines shown before Enter."""
    QTest.keyClicks(window.finder.line, text)
    shown = [window.finder.list.item(i).text() for i in range(window.finder.list.count())]
    if enter:
        QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    return shown


@pytest.mark.parametrize(
    ("text", "found"), [("u1", "u1"), ("sin(t)", "u1"), ("cos", "J"), ("J", "J"), ("x^2", "t")]
)
def test_a_node_is_found(
    window: Window, text: str, found: str, unchanged: Callable[[], None]
) -> None:
    show(window)
    unchanged()
    window.canvas.look(QPointF(9000, 9000), 0.2)
    press(window, Qt.Key.Key_F, CTRL)
    assert window.finder.isVisible()
    search(window, text)
    assert chosen(window) == [found]
    body = window.canvas.board.nodes[node(window, found)].body()
    assert window.canvas.seen().contains(body) and window.canvas.zoom >= 0.6
    assert window.canvas.hasFocus()
    unchanged()


def test_a_lesson_is_found_among_the_commands(window: Window) -> None:
    press(window, Qt.Key.Key_K, CTRL)
    shown = search(window, "backward and the chain")
    assert "Backward and the chain rule" in shown[0]
    assert window.lessons.is_on and window.session.title == "Backward and the chain rule"


def test_a_node_inside_a_module_is_found(window: Window) -> None:
    graph = Graph()
    name, definition = "Dense", load_module("Dense")
    edit, made = add_module(graph, name, definition, (0, 0))
    edit.apply(graph)
    show(window, graph)
    inner = next(iter(definition.nodes.values())).name
    press(window, Qt.Key.Key_F, CTRL)
    QTest.keyClicks(window.finder.line, inner)
    lines = window.finder.list
    notes = [lines.item(i).data(Qt.ItemDataRole.UserRole).note for i in range(lines.count())]
    row = next(i for i, note in enumerate(notes) if str(note).startswith("in "))
    for _ in range(row):
        QTest.keyClick(window.finder.line, Qt.Key.Key_Down)
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    assert window.session.place == (made,) and chosen(window) == [inner]


def test_faults_come_first_and_one_after_the_other(window: Window) -> None:
    show(window, "a = log(x); X = p @ p; b = x @ x")
    graph = window.session.graph
    faulty = [graph.name(n) for _, n, _ in window.navigation.faults()]
    assert len(faulty) >= 1
    press(window, Qt.Key.Key_F, CTRL)
    shown = search(window, "", enter=False)
    assert [line.split(" = ")[0] for line in shown[: len(faulty)]] == faulty
    QTest.keyClick(window.finder.line, Qt.Key.Key_Escape)
    window.canvas.setFocus()
    visited = []
    for _ in range(len(faulty) + 1):
        press(window, Qt.Key.Key_F8)
        visited += chosen(window)
    assert visited == [*faulty, faulty[0]]


# ------------------------------------------------------------------------- neighbours


def test_alt_and_arrows_go_from_neighbour_to_neighbour(
    window: Window, unchanged: Callable[[], None]
) -> None:
    show(window)
    unchanged()
    select(window, "t")
    seen = []
    for key in (
        Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Right,
        Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left,
        Qt.Key.Key_Left,
    ):  # fmt: skip
        press(window, key, ALT)
        seen += chosen(window)
    first, second = seen[0], seen[1]
    assert {first, second} == {"u1", "u2"}
    assert seen[2:] == [first, "u", "J", "J", "u", first, "t", "x", "x"]
    press(window, Qt.Key.Key_Right, ALT | SHIFT)
    assert chosen(window) == ["x", "t"]
    unchanged()


def test_going_back_leads_to_where_one_was(window: Window) -> None:
    show(window)
    for name in ("u1", "u2"):  # u reads u1 at its first port
        select(window, name)
        press(window, Qt.Key.Key_Right, ALT)
        assert chosen(window) == ["u"]
        press(window, Qt.Key.Key_Left, ALT)
        assert chosen(window) == [name]


def test_without_a_selection_the_walk_begins_in_the_middle(window: Window) -> None:
    show(window)
    press(window, Qt.Key.Key_Right, ALT)
    assert len(chosen(window)) == 1


def test_nearest() -> None:
    places = {"far": QPointF(0, 300), "near": QPointF(20, 100), "aside": QPointF(900, 50)}
    assert nearest(QPointF(0, 0), (0, 1), places) == "near"
    assert nearest(QPointF(0, 0), (0, -1), places) is None
    assert nearest(QPointF(0, 0), (1, 0), places) == "aside"


def test_the_parts_of_the_window_in_turn(window: Window) -> None:
    show(window)
    parts = []
    for _ in range(12):
        focus = window.focusWidget()
        assert focus is not None
        parts.append(focus)
        QTest.keyClick(focus, Qt.Key.Key_Tab, CTRL)
    assert parts[0] is window.canvas
    count = parts.index(window.canvas, 1)
    assert count >= 5 and len(set(parts[:count])) == count
    assert window.palette_panel.isAncestorOf(parts[1])
    window.palette_panel.search.setFocus()
    assert not window.canvas.ring.is_shown
    window.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert window.canvas.ring.is_shown
    QTest.mouseClick(window.canvas.viewport(), LEFT, NONE, QPoint(5, 5))
    assert not window.canvas.ring.is_shown, "who points needs no line"
    QTest.keyClick(window.canvas, Qt.Key.Key_Tab, CTRL | SHIFT)
    assert window.focusWidget() is parts[count - 1]


def test_a_wire_is_disconnected_by_name(window: Window) -> None:
    show(window)
    before = files.to_bytes(window.session.root)
    select(window, "u")
    press(window, Qt.Key.Key_W)
    shown = search(window, "u2")
    assert shown[0] == "u₂ → u" and len(shown) == 1
    graph = window.session.graph
    assert (node(window, "u"), "b") not in graph.links
    assert window.session.history.labels == ["Disconnect"]
    window.commands.run("edit.undo")
    assert files.to_bytes(window.session.root) == before


def test_what_does_not_fit_is_told(window: Window) -> None:
    window.session.load(
        compose("; ".join(f"a{i + 1} = sin(a{i})" for i in range(600)), default=0.5)
    )
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_F)
    assert "too large to be seen as a whole" in window.notice.text()
    window.notice.setText("")
    window.session.load(compose("J = sin(x)", default=0.5))
    QTest.keyClick(window.canvas, Qt.Key.Key_F)
    assert window.notice.text() == ""
