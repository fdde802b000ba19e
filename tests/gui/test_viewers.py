"""Viewers in the window: opened, followed, pinned, saved, undone, live, and where nothing is to see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hands import LEFT, PLAIN, seen
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import sight
from app.view.viewers import KINDS
from app.view.viewers.panel import ViewerPanel
from app.view.viewers.pictures import ImageView
from app.view.viewers.table import TableView
from app.view.window import Window
from engine import files
from engine.compose import compose
from engine.edits import remove_nodes, rename, set_recipe, set_tensor
from engine.graph import Graph
from engine.modules import make_module
from engine.records import Viewer

PROGRAM = "h = relu(W @ x); J = sum(h * h)"


def document() -> Graph:
    graph = compose(PROGRAM, default=0.5)
    generator = np.random.default_rng(0)
    for name, shape in (("W", (6, 4)), ("x", (4, 2))):
        graph.put("tensors", graph.id_of(name), generator.normal(size=shape))
    return graph


@pytest.fixture
def opened_window(window: Window, qtbot: QtBot) -> Window:
    window.session.load(document())
    window.show_editor()
    settle(window)
    return window


def settle(window: Window) -> None:
    for _ in range(3):
        QCoreApplication.processEvents()
    window.canvas.flush()
    window.canvas.fit()
    window.viewing.flush()


def node(window: Window, name: str) -> str:
    found = window.session.root.id_of(name)
    assert found is not None
    return found


def view_of(panel: ViewerPanel, of: str = "value") -> object:
    view = panel.slots[of].view  # type: ignore[index]
    assert view is not None and not view.isHidden()
    return view


def table_of(panel: ViewerPanel, of: str = "value") -> np.ndarray:
    """What is written in the table, as numbers."""
    view = view_of(panel, of)
    assert isinstance(view, TableView)
    rows, columns = view.model.rowCount(), view.model.columnCount()
    texts = [[view.model.index(r, c).data() for c in range(columns)] for r in range(rows)]
    return np.array([[float(t.replace("−", "-")) for t in row] for row in texts])


def choose(panel: ViewerPanel, kind: str) -> None:
    """With the keyboard, as a person would."""
    panel.kinds.setFocus()
    steps = panel.kinds.findData(kind) - panel.kinds.currentIndex()
    for _ in range(abs(steps)):
        QTest.keyClick(panel.kinds, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)
    assert panel.kind == kind


def double_click(window: Window, name: str, column: int) -> None:
    item = window.canvas.board.nodes[node(window, name)]
    place = item.pos() + QPointF(14 + 54 * column + 20, 27 + 7 + 20)
    QTest.mouseDClick(window.canvas.viewport(), LEFT, PLAIN, seen(window.canvas, place))
    settle(window)


def test_a_double_click_on_a_picture_shows_the_numbers(opened_window: Window) -> None:
    window = opened_window
    assert not window.docks["viewer"].is_seen
    double_click(window, "h", 0)
    panel = window.viewer_panel
    assert window.docks["viewer"].is_seen
    assert panel.viewer == Viewer(node(window, "h"), "value")
    choose(panel, "table")
    W, x = (window.session.root.tensors[node(window, n)] for n in "Wx")
    assert np.allclose(table_of(panel), np.maximum(W @ x, 0), rtol=1e-3)
    double_click(window, "W", 1)
    choose(panel, "table")
    expected = (2 * np.maximum(W @ x, 0)) @ x.T
    assert np.allclose(table_of(panel, "gradient"), expected, rtol=2e-3)
    assert panel.slots["gradient"].view.shown.name == "∂J/∂W"  # type: ignore[union-attr]


def test_a_click_on_the_picture_in_the_inspector_views(opened_window: Window) -> None:
    window = opened_window
    window.session.select((node(window, "W"),))
    settle(window)
    assert window.inspector.numbers is not None
    value, gradient = window.inspector.numbers.pictures
    assert value.isVisible() and gradient.isVisible()
    QTest.mouseClick(gradient, LEFT)
    settle(window)
    assert window.viewer_panel.viewer == Viewer(node(window, "W"), "gradient")
    assert window.docks["viewer"].is_seen
    window.session.select((node(window, "J"),))
    settle(window)
    assert not window.inspector.numbers.pictures[0].isVisible(), "a number has no picture"


def test_the_menu_views_and_the_panel_follows_the_selection(opened_window: Window) -> None:
    window = opened_window
    window.session.select((node(window, "x"),))
    window.commands.by_id["explain.view_gradient"].trigger()
    settle(window)
    panel = window.viewer_panel
    assert panel.viewer is not None and panel.viewer.of == "gradient"
    window.session.select((node(window, "h"),))
    settle(window)
    assert panel.viewer.node == node(window, "h") and panel.viewer.of == "gradient"
    assert panel.name == "h"
    window.session.select(())
    settle(window)
    assert panel.viewer.node == node(window, "h"), "without a selection it stays"
    window.session.do(remove_nodes(window.session.root, [node(window, "J")]), "Delete")
    window.session.do(remove_nodes(window.session.root, [panel.viewer.node]), "Delete")
    settle(window)
    assert panel.empty.isVisible() and not panel.bar.isVisible()


def test_value_and_gradient_side_by_side(opened_window: Window) -> None:
    window = opened_window
    window.viewing.view("value", node(window, "W"))
    settle(window)
    panel = window.viewer_panel
    QTest.mouseClick(panel.buttons["both"], LEFT)
    choose(panel, "table")
    assert table_of(panel).shape == table_of(panel, "gradient").shape == (6, 4)
    QTest.mouseClick(panel.buttons["gradient"], LEFT)
    assert panel.slots["value"].isHidden()


def test_a_viewer_shows_what_the_step_shows(opened_window: Window) -> None:
    window = opened_window
    session, panel = window.session, window.viewer_panel
    window.viewing.view("value", node(window, "h"))
    session.seek(0)
    settle(window)
    slot = panel.slots["value"]
    assert slot.message.isVisible() and "not computed at this step" in slot.message.text()
    session.seek(session.forward_end)
    settle(window)
    assert not slot.message.isVisible()
    QTest.mouseClick(panel.buttons["gradient"], LEFT)
    slot = panel.slots["gradient"]
    assert "No gradient has reached h at this step" in slot.message.text()
    session.seek(len(session.steps))
    settle(window)
    assert not slot.message.isVisible()


def test_the_pin_makes_a_panel_that_undo_takes_away(opened_window: Window) -> None:
    window = opened_window
    session, viewing = window.session, window.viewing
    window.viewing.view("value", node(window, "h"))
    settle(window)
    before = session.history.position
    QTest.mouseClick(window.viewer_panel.pin, LEFT)
    settle(window)
    assert session.history.position == before + 1
    assert session.root.settings["viewers"] == {
        "v1": Viewer(node(window, "h"), "value", "heat_map")
    }
    dock = viewing.pinned["v1"]
    assert dock.isVisible() and dock.windowTitle() == "h · value"
    assert window.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
    choose(dock.panel, "table")
    choose(dock.panel, "histogram")
    QTest.mouseClick(dock.panel.buttons["gradient"], LEFT)
    assert session.history.position == before + 2, "changes of one viewer are one step"
    assert dock.windowTitle() == "h · gradient"
    session.history.undo()
    assert dock.panel.viewer == Viewer(node(window, "h"), "value", "heat_map")
    session.history.undo()
    assert viewing.pinned == {} and session.root.settings["viewers"] == {}
    session.history.redo()
    settle(window)
    assert viewing.pinned["v1"].isVisible()
    QTest.mouseClick(viewing.pinned["v1"].close_button, LEFT)
    assert viewing.pinned == {} and session.history.undo_label == "Unpin h · value"


def test_a_pinned_viewer_goes_with_its_node_and_comes_back(opened_window: Window) -> None:
    window = opened_window
    session = window.session
    window.viewing.view("gradient", node(window, "h"))
    settle(window)
    window.viewing.pin()
    session.do(rename(session.root, node(window, "h"), "hidden"), "Rename")
    assert window.viewing.pinned["v1"].windowTitle() == "hidden · gradient"
    session.select((node(window, "hidden"),))
    window.commands.by_id["edit.delete"].trigger()
    assert window.viewing.pinned == {} and session.root.settings["viewers"] == {}
    session.history.undo()
    assert list(window.viewing.pinned) == ["v1"]


def test_saved_with_the_document_and_opened_with_it(opened_window: Window, tmp_path: Path) -> None:
    window = opened_window
    session = window.session
    for of, name in (
        ("value", "h"),
        ("gradient", "W"),
        ("value", "x"),
        ("value", "J"),
        ("value", "W"),
    ):
        window.viewing.view(of, node(window, name))  # type: ignore[arg-type]
        settle(window)
        window.viewing.pin()
    choose(window.viewing.pinned["v2"].panel, "table")
    table = view_of(window.viewing.pinned["v2"].panel, "gradient")
    assert isinstance(table, TableView)
    path = tmp_path / "a.gloom"
    written = files.to_bytes(session.root)
    path.write_bytes(written)
    session.history.mark_saved()
    window.start_page()
    assert window.viewing.pinned == {}
    settle(window)
    assert not window.findChildren(ViewerPanel)[0].isVisible()
    window.open(path)
    settle(window)
    assert files.to_bytes(session.root) == written
    assert session.history.is_saved
    docks = window.viewing.pinned
    assert list(docks) == ["v1", "v2", "v3", "v4", "v5"]
    assert docks["v2"].windowTitle() == "W · gradient"
    assert all(d.isVisible() for d in docks.values())
    assert docks["v5"] in window.tabifiedDockWidgets(docks["v4"]), "more than four are tabs"
    places = [docks[k].geometry() for k in ("v1", "v2", "v3", "v5")]
    assert len({p.bottom() for p in places}) == 1, "side by side"
    assert [p.x() for p in places] == sorted({p.x() for p in places})
    window.viewing.flush()
    assert np.allclose(
        table_of(docks["v2"].panel, "gradient"),
        sight.number(session, node(window, "W"), "gradient"), rtol=1e-3,
    )  # fmt: skip
    session.load(Graph())
    assert window.viewing.pinned == {}


def test_options_of_a_pinned_viewer_are_saved_numbers_and_words(opened_window: Window) -> None:
    window = opened_window
    window.viewing.view("value", node(window, "h"))
    settle(window)
    window.viewing.pin()
    settle(window)
    panel = window.viewing.pinned["v1"].panel
    choose(panel, "line")
    line = view_of(panel)
    box = line.controls.choices["by"]  # type: ignore[attr-defined]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    kept = Viewer(node(window, "h"), "value", "line", {"by": "across"})
    assert window.session.root.settings["viewers"] == {"v1": kept}
    again = files.from_bytes(files.to_bytes(window.session.root))
    assert again.settings["viewers"] == {"v1": kept}
    assert files.to_bytes(again) == files.to_bytes(window.session.root)


def test_viewers_that_are_seen_follow_new_values_and_others_wait(
    opened_window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = opened_window
    session = window.session
    window.viewing.view("value", node(window, "x"))
    settle(window)
    choose(window.viewer_panel, "table")
    window.viewing.pin()
    window.show_panel("trace_table")
    settle(window)
    shown: list[ViewerPanel] = []
    refresh = ViewerPanel.refresh
    monkeypatch.setattr(ViewerPanel, "refresh", lambda self: (shown.append(self), refresh(self)))
    session.do(set_tensor(node(window, "x"), np.full((4, 2), 7.0)), "Set value")
    session.refresh()
    session.refresh()
    window.viewing.flush()
    pinned = window.viewing.pinned["v1"].panel
    assert shown == [pinned], "once, and only what is seen"
    assert (table_of(pinned) == 7).all()
    window.show_panel("viewer")
    settle(window)
    assert (table_of(window.viewer_panel) == 7).all()


def test_a_viewer_follows_a_training(window: Window, qtbot: QtBot) -> None:
    window.documents.open_example("softmax-digits")
    settle(window)
    session = window.session
    session.do(set_recipe(session.root, epochs=100_000), "So that it is not done too soon")
    name = next(n for n in session.root.of_op("parameter"))
    window.viewing.view("value", name)
    settle(window)
    window.viewing.pin()
    settle(window)
    before = sight.number(session, name, "value")
    view = view_of(window.viewing.pinned["v1"].panel)
    assert isinstance(view, ImageView)
    pixels = view.pixels(0)
    window.train()

    def moved() -> bool:
        now = view.shown.array if view.shown else None
        return now is not None and before is not None and not np.array_equal(now, before)

    qtbot.waitUntil(moved, timeout=60_000)
    window.viewing.view("gradient", name)
    settle(window)
    window.viewing.pin()
    assert list(window.viewing.pinned) == ["v1", "v2"] and window.training, "it goes on"
    window.pause_training()
    qtbot.waitUntil(lambda: not window.training, timeout=60_000)
    window.viewing.flush()
    assert np.array_equal(view.shown.array, sight.number(session, name, "value"))  # type: ignore[union-attr]
    assert not np.array_equal(view.pixels(0), pixels)


def test_inside_a_module_its_instance_is_shown_and_pinned_by_its_path(
    opened_window: Window,
) -> None:
    window = opened_window
    session = window.session
    W, x = (session.root.tensors[node(window, n)] for n in "Wx")
    hidden = np.maximum(W @ x, 0)
    made = module_of(window, ("h",))
    session.enter(made)
    settle(window)
    inside_h = session.graph.id_of("h")
    assert inside_h is not None
    window.viewing.view("value", inside_h)
    settle(window)
    choose(window.viewer_panel, "table")
    assert np.allclose(table_of(window.viewer_panel), hidden, rtol=1e-3)
    window.viewing.pin()
    assert session.root.settings["viewers"]["v1"].node == f"{made}.{inside_h}"
    session.leave()
    settle(window)
    dock = window.viewing.pinned["v1"]
    assert dock.windowTitle() == f"{session.root.name(made)}.h · value"
    assert np.allclose(table_of(dock.panel), hidden, rtol=1e-3)
    session.select((made,))
    window.commands.by_id["edit.delete"].trigger()
    assert window.viewing.pinned == {}
    session.history.undo()
    assert list(window.viewing.pinned) == ["v1"]


def module_of(window: Window, names: tuple[str, ...]) -> str:
    """Nodes and what they read, but for sources, become a module; its instance."""
    root = window.session.root
    inner = {node(window, name) for name in names}
    inner |= {k.source for k in root.all_links() if k.target in inner}
    inner = {n for n in inner if not root.op(n).is_source}
    edit, made = make_module(root, sorted(inner), "block")
    window.session.do(edit, "Make module")
    return made


def test_copy_in_the_table_is_not_copy_on_the_canvas(opened_window: Window) -> None:
    window = opened_window
    window.viewing.view("value", node(window, "x"))
    settle(window)
    choose(window.viewer_panel, "table")
    view = view_of(window.viewer_panel)
    assert isinstance(view, TableView)
    view.grid.setFocus()
    assert view.grid.hasFocus() and window.commands.by_id["edit.copy"].isEnabled()
    QTest.keyClick(view.grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(view.grid, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = eval(QGuiApplication.clipboard().text(), {"np": np})
    assert np.array_equal(copied, window.session.root.tensors[node(window, "x")])
    cursor = window.session.cursor
    QTest.keyClick(view.grid, Qt.Key.Key_Home)
    assert window.session.cursor == cursor > 0, "Home is the table's"


def test_no_part_of_a_viewer_is_ever_a_window_of_its_own(
    opened_window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[QWidget] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() is QEvent.Type.Show and isinstance(watched, QWidget):
                if watched.isWindow():
                    shown.append(watched)
            return False

    app, watch = QApplication.instance(), Watch()
    assert app is not None
    app.installEventFilter(watch)
    opened_window.viewing.view("value", node(opened_window, "h"))
    settle(opened_window)
    for kind in KINDS:
        if opened_window.viewer_panel.kinds.findData(kind) >= 0:
            choose(opened_window.viewer_panel, kind)
            settle(opened_window)
    app.removeEventFilter(watch)
    assert shown == []
    assert opened_window.isActiveWindow()


def test_what_was_pinned_inside_goes_when_it_is_deleted_there(opened_window: Window) -> None:
    window = opened_window
    session = window.session
    made = module_of(window, ("h",))
    session.enter(made)
    settle(window)
    window.viewing.view("value", session.graph.id_of("h"))
    settle(window)
    window.viewing.pin()
    session.do(remove_nodes(session.graph, [str(session.graph.id_of("h"))]), "Delete")
    settle(window)
    assert window.viewing.pinned == {}
    session.history.undo()
    settle(window)
    assert list(window.viewing.pinned) == ["v1"]


def test_nowhere_a_traceback(window: Window) -> None:
    """The start page, an empty document, faults, data that cannot be read, a scalar, no output."""
    viewing = window.viewing
    window.docks["viewer"].show()
    settle(window)
    viewing.pin()
    assert window.notice.isVisible()
    viewing.view("value")
    for program in ("", "y = x + W", "a = log(b)"):
        window.session.load(compose(program, default=0.5) if program else Graph())
        window.show_editor()
        graph = window.session.root
        if program.startswith("y"):
            for name, shape in (("x", (2, 3)), ("W", (4,))):
                graph.put("tensors", graph.id_of(name), np.zeros(shape))
            window.session.refresh()
        for node_id in list(graph.nodes):
            for of in ("value", "gradient"):
                viewing.view(of, node_id)
                settle(window)
                for name in ("value", "gradient", "both"):
                    QTest.mouseClick(window.viewer_panel.buttons[name], LEFT)
                    settle(window)
            viewing.pin()
        window.toggle_theme()
        settle(window)
    window.session.history.mark_saved()
    window.start_page()
    settle(window)


def test_a_click_outside_the_pictures_still_edits(opened_window: Window) -> None:
    window = opened_window
    item = window.canvas.board.nodes[node(window, "h")]
    place = seen(window.canvas, item.pos() + QPointF(30, 10))
    QTest.mouseDClick(window.canvas.viewport(), LEFT, PLAIN, place)
    assert window.canvas.editor.is_open and not window.docks["viewer"].is_seen
