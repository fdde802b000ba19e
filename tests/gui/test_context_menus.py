"""Right clicks on the canvas: what each menu offers, and that choosing in it does it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app import actions
from app.view.window import Window
from engine import examples
from engine.compose import compose
from engine.files import to_bytes


@pytest.fixture
def shown(window: Window) -> Iterator[Window]:
    """The window with a small document, all of it in view."""
    window.session.load(compose("t = x^2; J = sin(t) + t", {"x": 0.5}))
    window.show_editor()
    QTest.qWait(1)
    yield window
    menu = opened()
    if menu is not None:
        menu.close()


def seen(window: Window, place: QPointF) -> QPoint:
    return window.canvas.viewportTransform().map(place).toPoint()


def node(window: Window, name: str) -> str:
    return str(window.session.graph.id_of(name))


def body(window: Window, name: str) -> QPoint:
    return seen(window, window.canvas.board.nodes[node(window, name)].body().center())


def wire(window: Window, name: str, port: str) -> QPoint:
    """The middle of the wire that ends at a port."""
    item = window.canvas.board.wires[(node(window, name), port)]
    return seen(window, item.path.pointAtPercent(0.5))


def right_click(window: Window, at: QPoint, by_key: bool = False) -> QMenu:
    """What the platform sends on a right click, or on the menu key."""
    port = window.canvas.viewport()
    reason = QContextMenuEvent.Reason.Keyboard if by_key else QContextMenuEvent.Reason.Mouse
    if not by_key:
        QTest.mouseMove(port, at)
        QTest.mouseClick(port, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, at)
    QApplication.sendEvent(port, QContextMenuEvent(reason, at, port.mapToGlobal(at)))
    menu = opened()
    assert menu is not None
    return menu


def opened() -> QMenu | None:
    popup = QApplication.activePopupWidget()
    return popup if isinstance(popup, QMenu) else None


def entries(menu: QMenu) -> dict[str, QAction]:
    """The actions of a menu and of those inside it, by id."""
    found: dict[str, QAction] = {}
    for action in menu.actions():
        inside = action.menu()
        found |= entries(inside) if isinstance(inside, QMenu) else {action.objectName(): action}
    return {name: action for name, action in found.items() if name}


def choose(menu: QMenu, action_id: str) -> None:
    """A click on a line of the menu."""
    place = menu.actionGeometry(entries(menu)[action_id]).center()
    QTest.mouseMove(menu, place)
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def test_a_node_has_a_menu_of_what_is_done_with_nodes(shown: Window) -> None:
    menu = right_click(shown, body(shown, "t"))
    assert shown.session.selection == (node(shown, "t"),)
    wanted = {a.id for a in actions.ACTIONS if "node" in a.on and a.enabled(shown)}
    assert set(entries(menu)) == wanted and {"edit.copy", "edit.delete"} <= wanted
    assert "edit.open_module" not in wanted  # it would do nothing
    before = to_bytes(shown.session.root)
    choose(menu, "edit.delete")
    assert shown.session.graph.id_of("t") is None and opened() is None
    assert shown.session.history.labels == ["Delete"]
    shown.session.history.undo()
    assert to_bytes(shown.session.root) == before


def test_a_menu_on_one_of_several_keeps_the_selection(shown: Window) -> None:
    chosen = (node(shown, "t"), node(shown, "J"))
    shown.session.select(chosen)
    right_click(shown, body(shown, "J"))
    assert shown.session.selection == chosen


def test_a_wire_has_a_menu(shown: Window) -> None:
    key = (node(shown, "t"), "a")
    menu = right_click(shown, wire(shown, "t", "a"))
    assert shown.canvas.pointed_wire == key
    assert shown.canvas.board.wires[key].face.hovered  # it is seen what the menu speaks of
    assert {"edit.remove_wire"} <= set(entries(menu))
    assert not any(a.menu() for a in menu.actions())  # short enough to be seen whole
    before = to_bytes(shown.session.root)
    choose(menu, "edit.remove_wire")
    assert key not in shown.session.graph.links
    assert shown.session.history.labels == ["Disconnect"]
    shown.session.history.undo()
    assert to_bytes(shown.session.root) == before


def test_the_ground_has_a_menu_and_pastes_there(shown: Window, qtbot: QtBot) -> None:
    shown.session.select([node(shown, "t")])
    shown.canvas.copy()
    corner = QPoint(60, 60)
    there = shown.canvas.to_scene(QPointF(corner))
    menu = right_click(shown, corner)
    choose(menu, "edit.paste")
    (made,) = shown.session.selection
    placed = shown.session.graph.nodes[made]
    assert abs(placed.x - there.x()) < 200 and abs(placed.y - there.y()) < 100
    qtbot.waitUntil(lambda: shown.canvas.asked is None)


def test_a_menu_that_is_given_up_does_nothing(shown: Window, qtbot: QtBot) -> None:
    before = to_bytes(shown.session.root)
    menu = right_click(shown, wire(shown, "t", "a"))
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    assert opened() is None
    qtbot.waitUntil(lambda: shown.canvas.asked is None)
    assert to_bytes(shown.session.root) == before and not shown.session.history.labels


def test_the_menu_key_asks_at_the_selection(shown: Window) -> None:
    shown.session.select([node(shown, "J")])
    menu = right_click(shown, QPoint(5, 5), by_key=True)
    assert "edit.duplicate" in entries(menu)
    assert shown.canvas.asked is not None
    assert seen(shown, shown.canvas.asked.place) == body(shown, "J")
    menu.close()
    shown.session.select(())
    menu = right_click(shown, QPoint(5, 5), by_key=True)
    assert "edit.select_all" in entries(menu)


def test_what_belongs_to_modules_is_a_menu_inside(shown: Window) -> None:
    shown.canvas.add_operator(next(iter(examples.modules())))
    menu = right_click(shown, QPoint(5, 5), by_key=True)
    inside = [a.menu() for a in menu.actions() if a.menu() is not None]
    assert "Modules and operators" in [m.title() for m in inside if isinstance(m, QMenu)]
    assert {"edit.open_module", "edit.unpack_module"} <= set(entries(menu))


def test_menus_go_when_they_are_closed(shown: Window) -> None:
    for _ in range(3):
        right_click(shown, QPoint(60, 60)).close()
    QTest.qWait(1)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    kept = [m for m in shown.findChildren(QMenu) if m.parent() is shown]
    assert not kept
